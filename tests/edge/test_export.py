"""``wirelab export``: a graded class for platforms. Played once for the module; every export is read back."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from tests.edge.command import Command, Done, inside
from wirelab.compose import kit

LAB = """\
lab: tiny
title: {en: A tiny lab, zh: 小实验}
hours: 1
hands_in: [client]
objectives: [{en: To say hello, zh: 问好}]
shown: [test/hello]
hidden: [test/s3cr3t]
rubric:
  - {points: 60, title: {en: Says hello, zh: 问好}, of: [{scenario: test/hello, check: messages}]}
  - {points: 40, title: {en: Says more, zh: 多说几句}, of: [{scenario: test/s3cr3t, check: messages}]}
"""
SCENARIO = """\
scenario: test/hello
title: {en: A line, zh: 一行}
tests: client
cast: {server: {role: server}, alice: {role: client}}
script:
  - {start: server, until: Listening on}
  - {start: alice, until: Connected to}
  - {alice: type, text: hello}
  - {alice: type, text: /quit}
  - {alice: exits, status: 0}
expect:
  - {messages: alice, sent: [hello]}
"""
MUTE = 'import socket, sys\nsocket.create_connection((sys.argv[1], int(sys.argv[2])))\nprint("Connected to", flush=True)\ninput()\n'
ROSTER = "学号,姓名,邮箱\n1001,Ada Lovelace,ada@uni.example\n1002,李雷,li.lei@uni.example\n1003,Eve,eve@uni.example\n"
CANVAS = "\ufeffStudent,ID,SIS User ID,Section,Lab 1 (71),Lab 2 (72)\r\n    Points Possible,,,,10.00,100.00\r\n"
ADA = '"Lovelace, Ada",501,1001,"Net, A",9.50,{}\r\n'
LI = "李雷,502,1002,Net,,{}\r\n"
MOODLE = (
    'Identifier,"Full name",Grade,"Maximum Grade","Feedback comments"\n"Participant 41","Ada Lovelace",{},100.00,{}\n'
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lab, and with a class that was graded: one does all, one does nothing, one handed in nothing."""
    command = Command(tmp_path_factory.mktemp("class"))
    reference = kit.reference_program("client").read_text(encoding="utf-8")
    for name, text in {
        "tiny/lab.yaml": LAB,
        "tiny/scenarios/test/hello.yaml": SCENARIO,
        "tiny/scenarios/test/s3cr3t.yaml": SCENARIO.replace("test/hello", "test/s3cr3t").replace("hello", "psst"),
        "subs/1001/client.py": reference,
        "subs/1002/client.py": MUTE,
    }.items():
        (command.folder / name).parent.mkdir(parents=True, exist_ok=True)
        command.write(name, text)
    command.write("roster.csv", ROSTER)
    done = command("grade", "tiny", "subs", "-o", "out", "--roster", "roster.csv", "--no-sandbox")
    assert 0 == done.status, done.err
    command.gone()
    return command.folder


@pytest.fixture
def graded(played: Path, here: Path) -> Path:
    """The same in a folder of this test's own."""
    shutil.copytree(played, here, dirs_exist_ok=True)
    return here


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_bytes(text.encode())
    return path


def refused(capsys: pytest.CaptureFixture[str], status: int, *words: object) -> str:
    """What an export says that fails, and that writes nothing."""
    before = sorted(Path().rglob("*"))
    done = inside(capsys, "export", *words)
    assert (status, "") == (done.status, done.out)
    assert before == sorted(Path().rglob("*"))
    return done.err


def export(capsys: pytest.CaptureFixture[str], *words: object) -> Done:
    done = inside(capsys, "export", *words)
    assert (0, "") == (done.status, done.err)
    return done


# sheets


@pytest.mark.parametrize("assignment", ["Lab 2", "72"])
def test_canvas_gets_its_column_and_keeps_every_other_byte(graded, capsys, assignment):
    sheet = write("canvas.csv", CANVAS + ADA.format("40.00") + LI.format("") + "Mal,503,9,Net,,\r\n")
    done = export(capsys, "out", "canvas", sheet, "--assignment", assignment, "-o", "filled.csv")
    assert (CANVAS + ADA.format("100") + LI.format("0")).encode() == Path("filled.csv").read_bytes()
    assert [
        "written: filled.csv",
        "marks filled in: 2",
        "graded, but not in the file: Eve (1003)",
        "rows left out, of people who were not graded: Mal",
    ] == done.out.splitlines()


def test_moodle_gets_grade_and_feedback(graded, capsys):
    sheet = write("moodle.csv", MOODLE.format("", ""))
    export(capsys, "out", "moodle", sheet, "-o", "filled.csv")
    row = list(csv.reader(io.StringIO(Path("filled.csv").read_text(encoding="utf-8"))))[1]
    assert ["Participant 41", "Ada Lovelace", "100", "100.00"] == row[:4]
    assert row[4].startswith("100 of 100 points<br>60/60 Says hello")
    assert MOODLE.format("", "").encode() == sheet.read_bytes()


def test_moodles_columns_can_be_named(graded, capsys):
    header = (
        MOODLE.replace("Grade,", "Ocena,", 1).replace("Feedback comments", "Uwagi").replace("Maximum Grade", "Maks")
    )
    sheet = write("moodle.csv", header.format("", ""))
    assert "which column of the worksheet is the grade?" in refused(capsys, 64, "out", "moodle", sheet, "-o", "x")
    named = ("--grade-column", "Ocena", "--feedback-column", "Uwag")
    assert "(did you mean 'Uwagi'?)" in refused(capsys, 64, "out", "moodle", sheet, *named, "-o", "x")
    more = ("--maximum-column", "Maks")
    export(capsys, "out", "moodle", sheet, *named[:3], "Uwagi", *more, "-o", "x")
    assert "100 of 100 points" in Path("x").read_text(encoding="utf-8")


@pytest.mark.parametrize("other", ["same", "symbolic", "hard"])
def test_the_sheet_is_never_written_over(graded, capsys, other):
    sheet = write("canvas.csv", CANVAS + ADA.format(""))
    to = sheet if other == "same" else Path("other.csv")
    if other == "symbolic":
        to.symlink_to(sheet)
    elif other == "hard":
        os.link(sheet, to)
    words = ("out", "canvas", sheet, "--assignment", "72", "-o", to)
    assert f"{to} would overwrite what it is made from" in refused(capsys, 64, *words)
    assert (CANVAS + ADA.format("")).encode() == sheet.read_bytes()


def test_what_is_wrong_with_a_sheet_is_said(graded, capsys):
    sheet = write("canvas.csv", CANVAS + ADA.format(""))
    canvas = ("out", "canvas", sheet, "-o", "x", "--assignment")
    assert "(did you mean 'Lab 2'?)" in refused(capsys, 64, *canvas, "Lab2")
    assert "cannot read gone.csv" in refused(capsys, 66, "out", "moodle", "gone.csv", "-o", "x")
    Path("gbk.csv").write_bytes((CANVAS[1:] + LI).encode("gbk"))
    assert "not UTF-8" in refused(capsys, 66, "out", "canvas", "gbk.csv", "--assignment", "72", "-o", "x")
    assert "no grading worksheet" in refused(capsys, 66, "out", "moodle", sheet, "-o", "x")
    assert "cannot write out" in refused(capsys, 66, *canvas, "72", "-o", "out")
    assert "required: -o" in refused(capsys, 64, "out", "moodle", sheet)


def test_who_is_not_graded_yet_is_left_out_and_named(graded, capsys):
    (graded / "out" / "students" / "1002" / "submission.json").unlink()
    sheet = write("canvas.csv", CANVAS + ADA.format("") + LI.format("50"))
    done = inside(capsys, "export", "out", "canvas", sheet, "--assignment", "72", "-o", "filled.csv")
    assert 0 == done.status
    assert (CANVAS + ADA.format("100")).encode() == Path("filled.csv").read_bytes()
    assert "not graded yet, and left out: 1002; grade them first, with the command as before\n" == done.err


# one student


@pytest.mark.parametrize("word", ["1002", "li.lei@uni.example", "李雷"])
def test_a_student_is_found_by_whatever_is_known(graded, capsys, word):
    results = json.loads(export(capsys, "out", "gradescope", word).out)
    assert (0, [0, 0]) == (results["score"], [test["score"] for test in results["tests"]])
    assert "s3cr3t" not in json.dumps(results)


def test_who_is_meant_must_be_clear(graded, capsys):
    assert "whose? out holds 3 submissions" in refused(capsys, 64, "out", "gradescope")
    assert "(did you mean '1001'?)" in refused(capsys, 64, "out", "gradescope", "10001")
    document = json.loads(Path("out/students/1003/submission.json").read_text(encoding="utf-8"))
    document["student"]["name"] = "李雷"
    write("out/students/1003/submission.json", json.dumps(document))
    assert "more than one student: 1002, 1003" in refused(capsys, 64, "out", "autolab", "李雷")
    Path("out/students/1003/submission.json").unlink()
    assert "1003 has not been graded yet" in refused(capsys, 64, "out", "autolab", "1003")


def test_of_whom_nothing_could_be_decided_there_is_nothing_to_tell(graded, capsys):
    shutil.rmtree("out/students/1001/runs")
    said = refused(capsys, 2, "out", "gradescope", "1001", "-o", "results.json")
    assert "nothing of Ada Lovelace could be decided" in said


def test_every_format_of_one_student_can_be_printed(graded, capsys):
    assert json.loads(export(capsys, "out", "prairielearn", "1001").out)["score"] == 1
    *_, scores = export(capsys, "out", "autolab", "1001").out.splitlines()
    assert {"scores": {"1. Says hello": 60, "2. Says more": 40}} == json.loads(scores)
    assert export(capsys, "out", "github", "1001").out.startswith("## A tiny lab\n")
    assert 100 == json.loads(export(capsys, "out", "github-classroom", "1001").out)["max_score"]
    export(capsys, "out", "github", "1002", "-o", "summary.md")
    assert "WL2" in Path("summary.md").read_text(encoding="utf-8")


# the class, and the lab


@pytest.mark.parametrize(("words", "told"), [((), True), (("--for-students",), False)])
def test_junit_for_students_hides_what_is_hidden(graded, capsys, words, told):
    assert told is ("s3cr3t" in export(capsys, "out", "junit", *words).out)


def test_marks_are_those_of_the_rubric_as_it_is_now(graded, capsys):
    """And that they are not those which the students were told is said, until all are judged again."""
    write("tiny/lab.yaml", LAB.replace("points: 60", "points: 20"))
    done = inside(capsys, "export", "out", "gradescope", "1001")
    assert (0, 60) == (done.status, json.loads(done.out)["score"])
    assert "the lab is not what it was when out was last graded or judged" in done.err
    assert "`wirelab judge out` makes them the same" in done.err
    assert 0 == inside(capsys, "judge", "out").status
    assert 60 == json.loads(export(capsys, "out", "gradescope", "1001").out)["score"]


def test_the_lab_is_the_one_that_graded_wherever_the_command_is_given(graded, capsys, monkeypatch):
    """And not one of the same name in the current folder."""
    before = export(capsys, "out", "gradescope", "1001").out
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    Path("tiny").mkdir()
    write("tiny/lab.yaml", LAB.replace("points: 60", "points: 20"))
    assert before == export(capsys, "../out", "gradescope", "1001").out


def test_a_lab_that_is_gone_is_asked_for(graded, capsys):
    Path("tiny").rename("moved")
    assert "name its folder with --lab" in refused(capsys, 64, "out", "junit")
    assert "holds grades of the lab tiny, not of 2-heartbeat" in refused(
        capsys, 64, "out", "junit", "--lab", "2-heartbeat"
    )
    assert "there is no lab 'nowhere'" in refused(capsys, 64, "out", "junit", "--lab", "nowhere")


def test_what_is_no_class_is_said(graded, capsys):
    assert "there is no class in subs" in refused(capsys, 66, "subs", "junit")
    assert "invalid choice: 'canvass'" in refused(capsys, 64, "out", "canvass")


def test_an_autograder_is_written_ready_to_be_uploaded(graded, capsys):
    assert "required: -o" in refused(capsys, 64, "tiny", "autograder")
    assert "(did you mean '2-heartbeat'?)" in refused(capsys, 64, "2-hartbeat", "autograder", "-o", "x.zip")
    done = export(capsys, "tiny", "autograder", "-o", "autograder.zip")
    assert "written: autograder.zip" == done.out.splitlines()[0]
    with zipfile.ZipFile("autograder.zip") as archive:
        for name in ("setup.sh", "run_autograder"):
            assert stat.S_IXUSR & archive.getinfo(name).external_attr >> 16
        assert b"--lang en" in archive.read("run_autograder")


def test_an_autograder_is_never_written_over_its_wheel(graded, capsys):
    wheel = write("wirelab-1-py3-none-any.whl", "")
    words = ("tiny", "autograder", "--wheel", wheel, "-o", wheel)
    assert "would overwrite" in refused(capsys, 64, *words)
