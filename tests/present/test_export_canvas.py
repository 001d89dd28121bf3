"""Canvas: one column filled in, and every other byte as it was exported."""

from __future__ import annotations

import csv
import io

import pytest

from tests.present.grades import ADA, ALL_WELL, BURST, HOSTILE, LAB, LI, failed, grade, said, student, unclear
from wirelab.base.errors import InputError, UsageError
from wirelab.present.exports.canvas import fill_canvas

HEADER = "Student,ID,SIS User ID,SIS Login ID,Section,Lab 0 (71),Lab 1 (72),Homework Current Score\r\n"
POSTING = ",,,,,,Manual Posting,\r\n"
POSSIBLE = "    Points Possible,,,,,10.00,100.00,(read only)\r\n"
ADA_ROW = '"Lovelace, Ada",501,1001,ada@uni.example,"Net, A",9.50,{},97.1\r\n'
LI_ROW = "李雷,502,20230001,li.lei@uni.example,Net,,{},\r\n"
MAL_ROW = "Mal,503,1005,mal,Net,7,55.00,70\r\n"
TEST_ROW = '"Student, Test",599,,a8f,Net,,,\r\n'
EXPORT = HEADER + POSTING + POSSIBLE + ADA_ROW.format("40.00") + LI_ROW.format("") + MAL_ROW + TEST_ROW

GRADES = (
    grade(ADA),
    grade(LI, {BURST: (failed("messages"),)}),
    grade(student("mal", "Mal", "1005"), {name: (unclear("messages"),) for name in ALL_WELL}),
    grade(student("zoe", "Zoé", "7"), problem=said("nothing")),
)


@pytest.mark.parametrize("assignment", ["Lab 1", "72", "Lab 1 (72)", " Lab 1 "])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_the_column_of_the_assignment_changes(assignment, mark):
    filled = fill_canvas(mark + EXPORT, assignment, GRADES)
    assert mark + HEADER + POSTING + POSSIBLE + ADA_ROW.format("100") + LI_ROW.format("80") == filled.text
    assert (2, None) == (filled.count, filled.scaled)


def test_nobody_is_left_out_unsaid():
    filled = fill_canvas(EXPORT, "Lab 1", GRADES)
    assert [
        "marks filled in: 2",
        "graded, but not in the file: Zoé (zoe)",
        "left out, because nothing could be decided yet: Mal (mal)",
        "rows left out, of people who were not graded: Student, Test",
    ] == filled.lines("en")
    assert "已评分，但文件里没有：Zoé（zoe）" in filled.lines("zh")


@pytest.mark.parametrize("cell", ["EX", "ex", "N/A"])
def test_who_is_excused_stays_excused(cell):
    filled = fill_canvas(HEADER + POSSIBLE + ADA_ROW.format(cell), "Lab 1", GRADES[:1])
    assert HEADER + POSSIBLE == filled.text
    assert ("Lovelace, Ada",) == filled.kept


def test_marks_are_scaled_to_the_points_possible_and_it_is_said():
    filled = fill_canvas(EXPORT, "Lab 0", GRADES)
    assert ["10", "8"] == [row[5] for row in csv.reader(io.StringIO(filled.text)) if row[1]][1:]
    assert "marks were scaled from 100 points, as in the lab, to 10, as on the platform" in filled.lines("en")


def test_a_gradebook_with_semicolons_and_names_apart():
    header = "LastName;FirstName;ID;SIS Login ID;Section;Lab 1 (72)\n"
    text = f"{header}    Points Possible;;;;;100,00\nLovelace;Ada;501;;Net;12,50"
    filled = fill_canvas(text, "Lab 1", GRADES[:1])
    assert f"{header}    Points Possible;;;;;100,00\nLovelace;Ada;501;;Net;100" == filled.text


def test_a_gradebook_without_points_possible_is_not_scaled():
    assert HEADER + ADA_ROW.format("100") == fill_canvas(HEADER + ADA_ROW.format(""), "Lab 1", GRADES).text


def test_names_are_matched_as_canvas_sorts_them_too():
    for name in ("Lovelace, Ada", "Ada Lovelace", "LovelaceAda"):
        assert 1 == fill_canvas(EXPORT, "72", [grade(student("x", name))]).count


def test_an_assignment_that_is_not_there_is_asked_back():
    with pytest.raises(UsageError) as caught:
        fill_canvas(EXPORT, "Lab 11", GRADES)
    assert (
        "the gradebook has no assignment 'Lab 11' (did you mean 'Lab 1'?). It has: Lab 0 (71), Lab 1 (72)"
        == caught.value.text("en")
    )
    assert "是不是想写 'Lab 1'？" in caught.value.text("zh")
    with pytest.raises(UsageError, match="It has: none"):
        fill_canvas("Student,ID,Section\n", "x", [])


def test_an_assignment_that_is_there_twice_is_asked_back():
    text = EXPORT.replace("Lab 0 (71)", "Lab 1 (71)")
    with pytest.raises(UsageError, match=r"They are: Lab 1 \(71\), Lab 1 \(72\)"):
        fill_canvas(text, "Lab 1", GRADES)
    assert 2 == fill_canvas(text, "72", GRADES).count


@pytest.mark.parametrize("text", ["key,name,mark\n", "Identifier,Full name,Grade\n"])
def test_another_file_is_refused(text):
    with pytest.raises(InputError) as caught:
        fill_canvas(text, "Lab 1", GRADES)
    assert "canvas.not-a-gradebook" == caught.value.key


def test_what_is_reported_is_inert():
    filled = fill_canvas(EXPORT.replace("Student, Test", '=x""\x1b[2J'), "Lab 1", [grade(student("e", HOSTILE))])
    assert "\x1b" not in "".join(filled.lines("en"))
    assert "⟨ESC⟩[2J" in filled.lines("en")[-1]
    assert "⟨U+202E⟩" in filled.lines("en")[1]


def test_two_thousand_students_are_matched_at_once():
    rows = "".join(f'"N{n}, F{n}",{n},s{n},l{n},Net,,,\r\n' for n in range(2000))
    grades = [grade(student(f"k{n}", f"F{n} N{n}", f"s{n}", f"L{n}")) for n in range(2000)]
    filled = fill_canvas(HEADER + POSSIBLE + rows, "Lab 1", grades)
    assert (2000, (), ()) == (filled.count, filled.absent, filled.unclear)
    assert LAB.points == float(next(csv.reader([filled.text.splitlines()[-1]]))[6])
