"""Exported CSV: read and written back byte for byte; and rows matched without a guess."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.present.grades import grade, student
from wirelab.base.errors import InputError
from wirelab.judge.grades import Student
from wirelab.present.exports.sheet import Known, matched, parsed_points, read_sheet

VALUES = st.text(st.sampled_from('ab,;"\t\r\n 你='), max_size=8)
TABLES = st.lists(st.lists(VALUES, min_size=2, max_size=4), min_size=1, max_size=5)


@given(
    TABLES,
    st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_MINIMAL, "\r\n")]),
    st.sampled_from(["", "\ufeff"]),
)
@settings(deadline=None, max_examples=60)
def test_what_is_read_is_written_back_byte_for_byte(table, style, mark):
    quoting, end = style
    table = [["Student", "ID", "x"], *table]
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(table)
    text = mark + out.getvalue()
    sheet = read_sheet(text)
    assert text == sheet.text(sheet.rows)
    assert table == [[cell.value for cell in row.cells] for row in sheet.rows]


@given(TABLES, st.data())
@settings(deadline=None, max_examples=60)
def test_filling_a_cell_changes_nothing_else(table, data):
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["Student", "ID", "x"], *table])
    sheet = read_sheet(out.getvalue())
    at = data.draw(st.integers(1, len(table)))
    column = data.draw(st.integers(0, 5))
    value = data.draw(VALUES)
    rows = [sheet.filled(row, {column: value}) if number == at else row for number, row in enumerate(sheet.rows)]
    read = list(csv.reader(io.StringIO(sheet.text(rows), newline="")))
    expected = [["Student", "ID", "x"], *[list(row) for row in table]]
    expected[at] += [""] * (column + 1 - len(expected[at]))
    expected[at][column] = value
    assert expected == read


@given(st.text(st.sampled_from('a,"\r\n;'), max_size=12))
@example('a,b\n"x')
@example("a,b\n,")
@example("a\n\n\n")
@settings(deadline=None, max_examples=60)
def test_anything_is_either_refused_or_kept_whole(text):
    try:
        sheet = read_sheet(text)
    except InputError:
        return
    assert text == sheet.text(sheet.rows)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_are_parted_as_the_header_is(separator):
    sheet = read_sheet(f'"a;b,c"{separator}ID{separator}x\n1{separator}2{separator}3\n')
    assert separator == sheet.separator
    assert ("a;b,c", "ID", "x") == sheet.header


@pytest.mark.parametrize(
    ("text", "key"), [("", "sheet.empty"), (" \n", "sheet.empty"), ('a,b\n1,2\n"x,3\n', "sheet.quote")]
)
def test_what_is_no_csv_is_refused(text, key):
    with pytest.raises(InputError) as caught:
        read_sheet(text)
    assert key == caught.value.key
    assert "3" in caught.value.text("zh") or key == "sheet.empty"


@pytest.mark.parametrize(
    ("text", "points"),
    [("10", 10), ("100.00", 100), ("7,5", 7.5), ("1,000.00", 1000), ("10.0000", 10), ("", None), ("(read only)", None)],
)
def test_points_are_read_in_any_language(text, points):
    assert points == parsed_points(text)


ROWS = {
    1: Known(("11", "s1001"), ("ada",), ("Lovelace, Ada",)),
    2: Known(("12", "s1002"), ("wei.zhang",), ("张伟",)),
    3: Known(("13", "s1003"), ("zhang.wei",), ("张伟",)),
    4: Known(("s1001", "s1004"), ("dan",), ("Dan",)),
}


@pytest.mark.parametrize(
    ("who", "row"),
    [
        (student("a", number="11"), 1),
        (student("a", login="ADA"), 1),
        (student("a", "Lovelace, Ada"), 1),
        (student("a", "lovelace, ada"), None),
        (student("a", "张伟"), None),
        (student("a", "张伟", "s1003"), 3),
        (student("a", "张伟", login="wei.zhang"), 2),
        (student("a", "Dan", "11"), None),
        (student("a", number="s1001"), None),
        (student("a", number="s1001", login="ada"), 1),
        (student("a", "Nobody", "99", "nobody"), None),
        (student("a", "  ", " ", ""), None),
    ],
)
def test_a_row_is_a_students_only_if_all_clues_say_so(who: Student, row):
    found = matched([grade(who)], ROWS)
    assert ([] if row is None else [row]) == list(found.grades)
    assert (row is None) == bool(found.absent or found.unclear)


def test_students_who_claim_the_same_row_get_none_of_it():
    found = matched(
        [grade(student("a", number="11")), grade(student("b", login="ada")), grade(student("c", number="12"))], ROWS
    )
    assert [2] == list(found.grades)
    assert ["a", "b"] == [who.key for who in found.unclear]
