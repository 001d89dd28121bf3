"""``wirelab grade --reports``: lab reports count, question by question, and what only a person can mark waits for one."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.compose.report_sources import answered, source
from tests.edge.command import Done
from tests.edge.test_grade import LAB, SAYS, Classes, hand_in, program
from wirelab.compose import report, report_evidence
from wirelab.declare.lab import parse_lab
from wirelab.judge.questions.answers import Free
from wirelab.judge.questions.checking import put

ASKED = (("isn-client", 6.0), ("closes-first", 4.0), ("write-teardown", 5.0), ("why-a-thread", 5.0))
REPORTED = (
    LAB.replace("hands_in: [client, server]", "hands_in: [client]")
    .replace("shown: [tiny/says, tiny/hears]", "shown: [tiny/says]")
    .replace(LAB[LAB.index('  - {points: 40, title: {en: "The server') :], "")
    + "report:\n  questions:\n"
    + "".join(f"    - {{kind: {kind}, points: {points}}}\n" for kind, points in ASKED)
)


class Reported(Classes):
    words = ("grade", "tiny", "class", "-o", "out", "--no-sandbox", "--reports")


def report_on(number: int, wrong: tuple[str, ...] = ()) -> str:
    """A report on a generated run, answered; wrong where it says so."""
    made = report.new(
        parse_lab(REPORTED, "lab.yaml"), source(number), report.load_form(None), "en", opening="x", skip=True
    )
    puts = put(ASKED, source(number).facts)
    answers = {
        one.kind.name: {
            at: "Because two things have to wait at once; =1+1"
            if isinstance(field.answer, Free)
            else "-7"
            if one.kind.name in wrong
            else field.answer.solution.en
            for at, field in enumerate(one.asked.fields)
        }
        for one in puts
        if one.asked is not None
    }
    return report.text_of(answered(made, puts, answers))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classes, Done]:
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        for module in (report, report_evidence):
            patch.setattr(module, "pictured", lambda svg: {"image/svg+xml": svg})
        hand_in(folder / "tiny", {"lab.yaml": REPORTED})
        hand_in(folder / "tiny" / "scenarios" / "tiny", {"says.yaml": SAYS})
        client = {"client.py": program("client")}
        hand_in(folder / "class" / "ada", client | {"report.ipynb": report_on(1)})
        hand_in(
            folder / "class" / "ben",
            client
            | {
                "my report.ipynb": report_on(2, ("isn-client",)),
                "a worse one.ipynb": report_on(8, ("isn-client", "closes-first")),
            },
        )
        hand_in(folder / "class" / "cat", client | {"report.ipynb": report_on(1, ("closes-first",))})
        blank = report.text_of(report.template(parse_lab(REPORTED, "lab.yaml"), report.load_form(None), "en"))
        hand_in(folder / "class" / "dan", client | {"blank.ipynb": blank})
        hand_in(folder / "class" / "eve", client | {"report.ipynb": report_on(3).replace('"data": "', '"data": "!')})
        hand_in(folder / "class" / "fay", {"client.py": "print('no client'", "report.ipynb": report_on(4)})
        hand_in(folder / "class" / "gus", {"Makefile": "all:\n\t@exit 1\n", "report.ipynb": report_on(5)})
        moved = report_on(6).replace("Find the segment", "Seek the segment")
        odd = '{"nbformat": 4, "nbformat_minor": "x", "metadata": {}, "cells": [], "say": "\\"wirelab-report\\""}'
        hand_in(folder / "class" / "hal", client | {"odd.ipynb": odd, "report.ipynb": moved})
        half = report_on(7).replace("Find the segment", "Find the \\ud800 segment")
        hand_in(folder / "class" / "ida", client | {"report.ipynb": half})
    command = Reported(folder)
    done = command.grade()
    assert 0 == done.status, done.out + done.err
    return command, done


def rows(command: Classes) -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in command.book()}


def item(row: dict[str, str], word: str) -> str:
    return next(value for name, value in row.items() if word in name)


def test_each_question_is_a_line_of_the_rubric(graded: tuple[Classes, Done]) -> None:
    found = rows(graded[0])
    assert {"80"} == {row["of"] for row in found.values()}
    assert ["6", "0", "6", "0", "0", "6", "6", "6", "0"] == [item(row, "initial sequence") for row in found.values()]
    assert ["4", "4", "0", "0", "0", "4", "4", "4", "0"] == [item(row, "Who closes first") for row in found.values()]
    says = [item(row, "The client says it") for row in found.values()]
    assert ["60", "60", "60", "60", "60", "0", "0", "60", "60"] == says
    assert ["", "", "", "0", "0", "", "", "", "0"] == [item(row, "Why a thread") for row in found.values()]
    assert {"0"} == {row["undecided"] for row in found.values()}, "that somebody has to read it is no machine's fault"
    assert "16" == found["gus"]["mark"], "15 of the 75 that are decided: a build that fails costs the report nothing"
    assert "building failed" in found["gus"]["problem"]
    assert "question 1 was changed" in found["hal"]["problem"]


def test_feedback_explains_a_wrong_answer_and_says_what_is_missing(graded: tuple[Classes, Done]) -> None:
    students = graded[0].folder / "out" / "students"
    ben = (students / "ben" / "feedback.html").read_text(encoding="utf-8")
    syn = source(2).connection.handshake.syn
    assert syn is not None
    assert str(syn.segment.seq) in ben
    assert "wrong: -7" in ben
    assert "no lab report was handed in" in (students / "dan" / "feedback.md").read_text(encoding="utf-8")
    assert "is damaged" in (students / "eve" / "feedback.html").read_text(encoding="utf-8")
    assert (students / "fay" / "report.ipynb").is_file()
    assert not (students / "dan" / "report.ipynb").exists()


def test_reports_on_the_same_conversation_are_pointed_out(graded: tuple[Classes, Done]) -> None:
    page = (graded[0].folder / "out" / "index.html").read_text(encoding="utf-8")
    same = page[page.index("The same captures") :]
    assert "students/ada/feedback.html" in same
    assert "students/cat/feedback.html" in same[: same.index("</section>")]
    assert "students/ben/feedback.html" not in same[: same.index("</section>")]


def table(command: Classes) -> tuple[Path, list[dict[str, str]]]:
    file = command.folder / "out" / "reports-to-mark.csv"
    return file, list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))


def test_what_only_a_person_can_mark_waits_and_counts_when_it_is_marked(graded: tuple[Classes, Done]) -> None:
    command, done = graded
    file, listed = table(command)
    assert f"wait for your marks: 6. Fill in the column 'mark' of out/{file.name}" in done.out
    assert "(5 to be marked by you)" in done.out
    assert "machine" not in done.out
    assert ["ada", "ben", "cat", "fay", "gus", "hal"] == [row["key"] for row in listed]
    assert {"why-a-thread"} == {row["question"] for row in listed}
    before = file.read_bytes()
    try:
        given = ("5", "2,5", "", "0", "", "")
        marked: list[dict[str, Any]] = [row | {"mark": mark} for row, mark in zip(listed, given, strict=True)]
        with file.open("w", encoding="gb18030", newline="") as opened:
            writer = csv.DictWriter(opened, listed[0], delimiter=";")  # as a spreadsheet may save it
            writer.writeheader()
            writer.writerows(marked)
        again = command("judge", "out")
        assert 0 == again.status, again.out + again.err
        found = rows(command)
        assert ["5", "2.5", "", "0", "0", "0"] == [item(row, "Why a thread") for row in found.values()][:6]
        assert "80" == found["ada"]["mark"]
        assert "wait for your marks: 3." in again.out
        _, kept = table(command)
        assert ["5", "2.5", "", "0", "", ""] == [row["mark"] for row in kept], "no mark that was given is lost"
        assert "marked by the instructor: 5 of 5 points" in (
            command.folder / "out" / "students" / "ada" / "feedback.html"
        ).read_text(encoding="utf-8")
        file.write_text(file.read_text(encoding="utf-8-sig").replace('"2.5"', '"25"'))
        wrong = command("judge", "out")
        assert 66 == wrong.status
        assert "line 3: the mark must be a number from 0 to 5, or empty, not '25'" in wrong.err
    finally:
        file.write_bytes(before)
    assert 0 == command("judge", "out").status


def test_a_mark_belongs_to_the_answer_it_was_given_for(graded: tuple[Classes, Done]) -> None:
    command, _ = graded
    file, listed = table(command)
    report_file = command.folder / "out" / "students" / "ada" / "report.ipynb"
    before = file.read_bytes(), report_file.read_bytes()
    try:
        file.write_bytes(before[0].replace(b'"5","","",', b'"5","5","",', 1))
        assert 0 == command("judge", "out").status
        assert "5" == item(rows(command)["ada"], "Why a thread")
        report_file.write_bytes(before[1].replace(b"Because two things", b"I do not know, two things"))
        assert 0 == command("judge", "out").status
        assert "" == item(rows(command)["ada"], "Why a thread"), "another answer waits again"
        _, kept = table(command)
        assert ("", "5") == (kept[0]["mark"], kept[0]["earlier"])
        assert "5" == kept[-1]["mark"], "and the mark for the first one is kept"
        report_file.write_bytes(before[1])
        assert 0 == command("judge", "out").status
        assert "5" == item(rows(command)["ada"], "Why a thread")
    finally:
        file.write_bytes(before[0])
        report_file.write_bytes(before[1])
    assert 0 == command("judge", "out").status
    assert listed == table(command)[1]


def test_again_plays_nothing_and_marks_are_the_same(graded: tuple[Classes, Done]) -> None:
    command, _ = graded
    assert 0 == command.grade().status
    before = (command.folder / "out" / "gradebook.csv").read_bytes()
    runs = {path: path.stat().st_mtime_ns for path in (command.folder / "out").rglob("*.done")}
    assert 0 == command.grade().status
    assert before == (command.folder / "out" / "gradebook.csv").read_bytes()
    assert runs == {path: path.stat().st_mtime_ns for path in (command.folder / "out").rglob("*.done")}


def test_results_for_programs_have_the_report_too(graded: tuple[Classes, Done]) -> None:
    document = json.loads((graded[0].folder / "out" / "results.json").read_text(encoding="utf-8"))
    assert "report-isn-client" in json.dumps(document)
    junit = graded[0]("export", "out", "junit")
    assert "report-isn-client" in junit.out


def test_a_lab_without_questions_has_no_reports(tmp_path: Path) -> None:
    command = Classes(tmp_path)
    hand_in(tmp_path / "tiny", {"lab.yaml": REPORTED[: REPORTED.index("report:")]})
    hand_in(tmp_path / "tiny" / "scenarios" / "tiny", {"says.yaml": SAYS})
    hand_in(tmp_path / "class" / "ada", {"client.py": ""})
    done = command("grade", "tiny", "class", "-o", "out", "--no-sandbox", "--reports")
    assert 64 == done.status
    assert "the lab tiny has no report" in done.err
