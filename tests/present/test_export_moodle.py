"""Moodle: the assignment's worksheet round-tripped, and the gradebook's import."""

from __future__ import annotations

import csv
import io
import re

import pytest

from tests.present.grades import ADA, ALL_WELL, BURST, CLASS, EVE, HOSTILE, LI, failed, grade, said, student, unclear
from wirelab.base.errors import InputError, UsageError
from wirelab.present.exports.moodle import FEEDBACK_LIMIT, feedback_html, fill_moodle, moodle_gradebook, participant

ENGLISH = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
)
CHINESE = "标识符,全名,电子邮件地址,状态,成绩,最高分,成绩可以更改,上次修改（作业）,上次修改（评分）,反馈评语\n"
ADA_ROW = (
    '"{} 41","Ada Lovelace",ADA@uni.example,"Submitted for grading",{},{},Yes,"Sunday, 1 March 2026, 9:00 PM",-,{}\n'
)
LI_ROW = "{} 42,李雷,li.lei@uni.example,-,{},{},Yes,-,-,{}\n"
EVE_ROW = "{} 43,Eve,eve@uni.example,-,12.00,100.00,Yes,-,-,old\n"

GRADES = (grade(student("ada", "", "Participant 41", "ada@uni.example")), grade(LI, {BURST: (failed("messages"),)}))


@pytest.mark.parametrize(("header", "word"), [(ENGLISH, "Participant"), (CHINESE, "参与人")])
def test_grade_and_feedback_are_filled_in_together_and_the_date_stays(header, word):
    text = (
        "\ufeff"
        + header
        + ADA_ROW.format(word, "", "100.00", "")
        + LI_ROW.format(word, "", "100.00", "")
        + EVE_ROW.format(word)
    )
    filled = fill_moodle(text, GRADES)
    ada, li = feedback_html(GRADES[0]), feedback_html(GRADES[1])
    assert (
        "\ufeff" + header + ADA_ROW.format(word, "100", "100.00", ada) == filled.text[: filled.text.index(f"{word} 42")]
    )
    assert [f"{word} 42", "李雷", "80", li] == [
        list(csv.reader(io.StringIO(filled.text)))[2][at] for at in (0, 1, 4, 9)
    ]
    assert (2, ("Eve",)) == (filled.count, filled.others)


def test_marks_are_scaled_to_the_maximum_grade():
    filled = fill_moodle(ENGLISH + ADA_ROW.format("Participant", "", "10.00", ""), GRADES[:1])
    assert ((100, 10), "10") == (filled.scaled, list(csv.reader(io.StringIO(filled.text)))[1][4])


@pytest.mark.parametrize("possible", ["", "-", "0", "Satisfactory"])
def test_a_maximum_that_cannot_be_read_is_told(possible):
    filled = fill_moodle(ENGLISH + ADA_ROW.format("Participant", "", possible, ""), GRADES[:1])
    assert (None, 100) == (filled.scaled, filled.unscaled)
    assert "so marks are out of 100, as in the lab" in filled.lines("en")[1]
    assert "满分 100 填写" in filled.lines("zh")[1]


def test_a_worksheet_that_says_all_is_told_nothing_of():
    filled = fill_moodle(ENGLISH + ADA_ROW.format("Participant", "", "100.00", ""), GRADES[:1])
    assert ["marks filled in: 1"] == filled.lines("en")


def test_who_has_no_mark_is_left_out():
    nobody = grade(student("ada", number="Participant 41"), {name: (unclear("messages"),) for name in ALL_WELL})
    filled = fill_moodle(ENGLISH + ADA_ROW.format("Participant", "50.00", "100.00", "well"), [nobody])
    assert ENGLISH == filled.text
    assert ["ada"] == [one.key for one in filled.unmarked]


def test_columns_of_an_unknown_language_are_named():
    header = "Identyfikator,Nazwa,Adres,Ocena,Maksimum,Komentarz\n"
    row = "Uczestnik 41,Ada,ada@uni.example,{},20,{}\n"
    with pytest.raises(UsageError) as caught:
        fill_moodle(header + row.format("", ""), GRADES[:1])
    assert "moodle.no-grade" == caught.value.key
    assert "Ocena" in caught.value.text("zh")
    filled = fill_moodle(header + row.format("", ""), GRADES[:1], grade="Ocena", feedback="Komentarz")
    assert header + row.format("100", feedback_html(GRADES[0])) == filled.text
    assert (100, False) == (filled.unscaled, filled.bare)
    filled = fill_moodle(header + row.format("", ""), GRADES[:1], grade="Ocena", maximum="Maksimum")
    assert header + row.format("20", "") == filled.text
    assert (None, True, (100, 20)) == (filled.unscaled, filled.bare, filled.scaled)
    assert "no column for feedback" in filled.lines("en")[2]
    with pytest.raises(UsageError, match="did you mean 'Ocena'"):
        fill_moodle(header + row.format("", ""), GRADES[:1], grade="Ocen")


def test_a_worksheet_without_feedback_gets_the_grade():
    filled = fill_moodle("Identifier,Full name,Grade\nParticipant 41,Ada,\n", GRADES[:1])
    assert "Identifier,Full name,Grade\nParticipant 41,Ada,100\n" == filled.text


@pytest.mark.parametrize("text", ["Student,ID,Section,Lab (7)\nAda,1,x,\n", "Identifier,Grade\n", "a,b,c\nx,y,z\n"])
def test_another_file_is_refused(text):
    with pytest.raises(InputError) as caught:
        fill_moodle(text, GRADES)
    assert "moodle.not-a-worksheet" == caught.value.key


def test_the_gradebook_import_has_grade_and_feedback_of_everyone_with_a_mark():
    header, *rows = csv.reader(io.StringIO(moodle_gradebook(CLASS), newline=""))
    assert ["useridnumber", "email", "grade", "feedback"] == header
    assert ["1001", "20230001", "'+1", "1004"] == [row[0] for row in rows]
    assert ["ada@uni.example", "li.lei@uni.example", "", ""] == [row[1] for row in rows]
    assert ["100", "37.5", "90", "0"] == [row[2] for row in rows]
    assert "0 of 100 points<br>nothing could be played: no client was found; looked for client.py" == rows[3][3]
    assert all(row[3] for row in rows)


def test_a_participants_number_is_never_taken_for_an_id_number():
    """Bob is participant 1003, and 1003 is Ann's ID number: neither gets the other's mark."""
    header = "Identifier,Full name,ID number,Grade,Feedback comments\n"
    rows = "Participant 1003,Bob,2002,,\nParticipant 1004,Ann,1003,,\n"
    bob, ann = student("1003", number=participant("1003")), student("ann", number="1003")
    for wanted, who in ((["100", ""], [bob]), (["", "100"], [ann]), (["100", "100"], [bob, ann])):
        filled = fill_moodle(header + rows, [grade(one) for one in who])
        marks = {row["Full name"]: row["Grade"] for row in csv.DictReader(io.StringIO(filled.text))}
        assert wanted == [marks.get(name, "") for name in ("Bob", "Ann")]
        assert () == filled.unclear + filled.absent
    imported = csv.DictReader(io.StringIO(moodle_gradebook([grade(bob), grade(ann)]), newline=""))
    assert [("", ""), ("1003", "")] == [(row["useridnumber"], row["email"]) for row in imported]


def test_feedback_is_in_the_students_language_and_html_without_foreign_tags():
    assert feedback_html(grade(LI)).startswith("100 分中得 100 分<br>50/50 输入一行")
    hostile = feedback_html(grade(EVE, {BURST: (failed("messages", HOSTILE, HOSTILE),)}))
    assert {"<br>"} == set(re.findall("<[^>]*>", hostile))
    assert "&lt;img src=x" in hostile


@pytest.mark.parametrize("char", ["x", "<", "\x1b", "你"])
def test_feedback_fits_a_spreadsheets_cell(char):
    flood = char * 100_000
    for one in (
        grade(ADA, {BURST: (failed("messages", flood, flood),) * 9}),
        grade(LI, problem=said(flood), built=flood),
    ):
        text = feedback_html(one)
        assert len(text) <= FEEDBACK_LIMIT < 32_767
        assert "shortened" in text or "截短" in text
