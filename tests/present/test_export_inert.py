"""Foreign text in files: shown, and never obeyed by a spreadsheet, a browser, a terminal or GitHub."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.present.exports.inert import (
    csv_cell,
    csv_text,
    html_lines,
    json_text,
    markdown,
    plain,
    plain_lines,
    shortened,
)
from wirelab.present.words import number

ANY = st.text(st.characters(categories=None), max_size=60)
"""Any code points whatever, lone surrogates too."""
NASTY = st.one_of(ANY, st.text(st.sampled_from("=+-@;\t\r\n \"'|,＝a<>&[]()!`\x1b\u202e#*_~$:/."), max_size=30))


@given(NASTY)
@settings(deadline=None)
def test_plain_text_is_one_line_that_nothing_obeys_and_xml_allows(text):
    shown = plain(text)
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not set("\ufffe\uffff\u202e\u2066\x1b\x9b\n\r") & set(shown)
    assert shown == plain(shown)
    shown.encode()


@given(NASTY)
@settings(deadline=None)
def test_no_cell_begins_with_what_begins_a_formula_in_any_language(text):
    cell = csv_cell(text)
    row = csv_text([["x", cell, "y"]])
    assert [["x", cell, "y"]] == list(csv.reader(io.StringIO(row, newline="")))
    for separator in ",;\t":  # as a spreadsheet parts it where that is the list separator
        for value in next(csv.reader(io.StringIO(row, newline=""), delimiter=separator)):
            assert not value.strip(' "').startswith(tuple("=+-@\t\r＝＋－＠")), value


@given(NASTY)
@settings(deadline=None)
def test_markdown_has_no_character_left_that_could_begin_markup(text):
    written = markdown(text).replace("\\@<!-- -->", "").replace("\\#<!-- -->", "")
    assert not re.sub(r"\\[!-/:-@\[-`{-~]", "", written).strip("⟨⟩").count("\\")
    assert not set("`*_{}[]()<>#+-.!|~&@:$=^\n\r") & set(re.sub(r"\\[!-/:-@\[-`{-~]", "", written))


def test_markdown_reads_as_the_text_itself():
    assert "a\\_b \\<b\\> 你好，世界, 50 %" == markdown("a_b <b> 你好，世界, 50 %")
    assert "\\@<!-- -->all" == markdown("@all")


@given(st.lists(NASTY, min_size=1, max_size=5))
@settings(deadline=None)
def test_html_holds_no_tag_but_line_breaks(lines):
    written = html_lines(lines)
    assert {"<br>"} >= set(re.findall(r"<[^>]*>?", written))
    assert [plain(line.lstrip(" ")) for line in lines] == [
        html.unescape(line).lstrip("\xa0")
        if not plain(original.lstrip(" ")).startswith("\xa0")
        else plain(original.lstrip(" "))
        for line, original in zip(written.split("<br>"), lines, strict=True)
    ]


@given(st.recursive(ANY, lambda inner: st.lists(inner) | st.dictionaries(ANY, inner), max_leaves=6))
@settings(deadline=None)
def test_json_reads_back_exactly_and_shows_nothing_unseen(value):
    text = json_text(value)
    assert value == json.loads(text)
    assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char != "\n"]
    text.encode()


def test_json_leaves_chinese_as_it_is():
    assert '"你好，世界 é"' == json_text("你好，世界 é")
    assert '"\\u009b\\u007f\\u202e\\udb40\\udc41"' == json_text("\x9b\x7f\u202e\U000e0041")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(100.0, "100"), (87.5, "87.5"), (33.33, "33.33"), (0.0, "0"), (-0.0, "0"), (0.1 + 0.2, "0.3"), (1000, "1000")],
)
def test_numbers_are_written_as_people_do(value, expected):
    assert expected == number(value)


@given(st.lists(st.text("ab你", max_size=50), max_size=20), st.integers(200, 500), st.sampled_from(["en", "zh"]))
@settings(deadline=None)
def test_what_is_shortened_fits_and_is_cut_at_its_end(lines, limit, language):
    kept = shortened(lines, limit, language)
    assert sum(len(line) + 1 for line in kept) <= limit
    if kept != lines:
        assert lines[: len(kept) - 2] == kept[:-2]
        assert ("shortened" if language == "en" else "截短") in kept[-1]


def test_lines_end_as_they_do_anywhere():
    assert ["a", "b       c", "⟨CR⟩d", ""] == plain_lines("a\r\nb\tc\n\rd\n")
