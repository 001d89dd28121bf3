"""The report commands as a student and an instructor use them: from a real run to a checked, executed, graded report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command import Command, Done, inside
from wirelab.base.texts import Language
from wirelab.compose import kit, labs, report, report_source
from wirelab.compose.report_check import read_notebook
from wirelab.judge.questions.answers import Free
from wirelab.judge.questions.checking import put
from wirelab.present.question_cells import answer_cell

LAB = "heartbeat-client"
SCENARIO = "heartbeat/answers-while-typing"
RUN = """\
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[3])
"""


def wirelab(*words: object, cwd: Path | None = None) -> Done:
    return Command(cwd or Path())(*words)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the reference client as a student's own, and that client."""
    folder = tmp_path_factory.mktemp("student")
    program = folder / "my_client.py"
    program.write_bytes(kit.reference_program("client").read_bytes())
    command = f"{sys.executable} {program}"
    done = wirelab("run", SCENARIO, "--client", command, "-o", str(folder / "lastrun"), "--quiet")
    assert 0 == done.status, done.out + done.err
    (folder / "me.toml").write_text('name = "Li Lei 李雷"\nnumber = "20260101"\nclass = 2\n', encoding="utf-8")
    return folder


def made(played: Path, language: Language = "en", *more: str) -> Path:
    file = played / f"report-{language}{len(more)}.ipynb"
    where = "--run", str(played / "lastrun"), "--student", str(played / "me.toml")
    listing = "--program", str(played / "my_client.py")
    done = wirelab("report", "new", LAB, *where, *listing, "-o", str(file), "--lang", language, "--force", *more)
    assert 0 == done.status, done.out + done.err
    return file


def answered(file: Path, played: Path, language: Language = "en", wrong: str | None = None) -> Path:
    """The report with every answer right, but those of one kind of question."""
    asked = labs.load(labs.found(LAB), hidden=False).lab.report
    assert asked is not None
    notebook = read_notebook(file)
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    facts = report_source.of_run(played / "lastrun").facts
    for one in put([(item.kind, item.points) for item in asked.questions], facts):
        assert one.asked is not None
        answers = {
            at: "words" if isinstance(field.answer, Free) else getattr(field.answer.solution, language)
            for at, field in enumerate(one.asked.fields)
        }
        if one.kind.name == wrong:
            answers = dict.fromkeys(answers, "-7")
        cells[f"a{one.number:02d}"]["source"] = answer_cell(one, language, answers)
    filled = file.with_name("filled.ipynb")
    filled.write_text(report.text_of(notebook), encoding="utf-8")
    return filled


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_answer_right_waits_for_the_instructor_alone(played: Path, language: Language) -> None:
    file = answered(made(played, language), played, language)
    done = wirelab("report", "check", str(file), "--lang", language)
    assert 2 == done.status, done.out + done.err
    assert {"en": "56 of 70 points; 14 more", "zh": "56/70 分；另有 14 分"}[language] in done.out
    assert "✗" not in done.out


def test_a_wrong_answer_is_explained_by_its_frame_and_the_copy_is_marked(played: Path) -> None:
    file = answered(made(played), played, wrong="isn-client")
    done = wirelab("report", "check", str(file), "--lab", LAB, "-o", str(played / "marked.ipynb"), "--force")
    assert 1 == done.status
    assert "52 of 70 points" in done.out
    syn = report_source.of_run(played / "lastrun").connection.handshake.syn
    assert syn is not None
    assert f"frame {syn.segment.frame} (SYN) has the raw sequence number {syn.segment.seq}" in " ".join(
        done.out.split()
    )
    notebook = read_notebook(played / "marked.ipynb")
    assert any("0 of 4 points" in cell["source"] for cell in notebook["cells"])
    plain = json.loads(wirelab("report", "check", str(file), "--json").out)
    assert (52, 70, 14) == (plain["points"], plain["of"], plain["open"])


def test_a_report_runs_from_top_to_bottom_and_shows_the_same(played: Path) -> None:
    for language in ("en", "zh"):
        file = made(played, language)
        out = played / "executed.ipynb"
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "default"}
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(file), str(played), str(out)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=False,
        )
        assert 0 == done.returncode, done.stderr[-4000:]
        before, after = read_notebook(file), read_notebook(out)
        compared = 0
        for one, two in zip(before["cells"], after["cells"], strict=True):
            if one["cell_type"] != "code":
                continue
            assert two["execution_count"] is not None
            assert all(output["output_type"] != "error" for output in two["outputs"])
            if one["metadata"]["wirelab"]["part"] == "evidence":
                ours, theirs = _data(one), _data(two)
                shared = (ours.keys() & theirs.keys()) - {"text/plain"} or {"text/plain"}
                assert {kind: ours[kind] for kind in shared} == {kind: _text(theirs[kind]) for kind in shared}, one[
                    "source"
                ]
                compared += 1
        assert compared >= 6
        result = wirelab("report", "check", str(out), "--lang", language)
        assert "0 of 70" in result.out or "0/70" in result.out
        assert "note:" not in result.out, "running it changes nothing that is sealed"
        assert "注意：" not in result.out


def _data(cell: dict[str, Any]) -> dict[str, Any]:
    return dict(cell["outputs"][-1]["data"])


def _text(value: Any) -> Any:
    return "".join(value) if isinstance(value, list) else value


def test_a_capture_made_by_hand_does_in_place_of_a_run(played: Path, tmp_path: Path) -> None:
    capture = tmp_path / "lab.pcapng"
    capture.write_bytes((played / "lastrun" / "capture.pcapng").read_bytes())
    file = tmp_path / "report.ipynb"
    done = wirelab("report", "new", LAB, "--capture", str(capture), "--port", "12001", "-o", str(file))
    assert 0 == done.status, done.err
    by_run = {cell["id"]: cell["source"] for cell in read_notebook(made(played))["cells"]}
    cells = {cell["id"]: cell["source"] for cell in read_notebook(file)["cells"]}
    assert [by_run[f"q{n:02d}"] for n in range(1, 20)] == [cells[f"q{n:02d}"] for n in range(1, 20)]
    assert any("wirelab.open_capture('lab.pcapng', port=12001, language='en')" in source for source in cells.values())
    assert 1 == wirelab("report", "check", str(file), "--capture", str(capture)).status


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["new", "nolab", "--run", "lastrun", "-o", "x.ipynb"], 64, "there is no lab 'nolab'"),
        (["new", LAB, "--run", "nothing", "-o", "x.ipynb"], 66, "is not a run folder"),
        (["new", LAB, "--capture", "me.toml", "-o", "x.ipynb"], 66, "me.toml"),
        (["new", LAB, "--run", "lastrun", "-o", "x.txt"], 64, "ends with .ipynb"),
        (["new", LAB, "--run", "lastrun", "--port", "9", "-o", "x.ipynb"], 64, "go with --capture only"),
        (["new", LAB, "--capture", "c", "--port", "x", "-o", "x.ipynb"], 64, "--port must be"),
        (["new", LAB, "--run", "lastrun", "--program", "gone.c", "-o", "x.ipynb"], 66, "cannot read the program gone.c"),
        (["new", LAB, "--run", "lastrun", "--student", "gone.toml", "-o", "x.ipynb"], 66, "gone.toml"),
        (["new", LAB, "--run", "lastrun", "--form", "me.toml", "-o", "x.ipynb"], 65, "me.toml"),
        (["new", LAB, "--run", "lastrun", "-o", "no/where.ipynb"], 66, "cannot write"),
        (["new", LAB, "-o", "x.ipynb"], 64, "--run"),
        (["check", "me.toml"], 66, "is not a Jupyter notebook"),
        (["check", "gone.ipynb"], 66, "cannot read gone.ipynb"),
        (["export", "gone.ipynb", "-o", "x.html"], 66, "gone.ipynb"),
        (["export", "me.toml", "-o", "x.odt"], 64, "x.odt"),
        ([], 64, "WHAT"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_without_a_traceback(
    played: Path,
    arguments: list[str],
    status: int,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(played)
    done = inside(capsys, "report", *arguments)
    assert status == done.status, done.err
    assert complaint in done.err
    assert "Traceback" not in done.err
    assert not (played / "x.ipynb").exists()


def test_nothing_that_was_written_is_lost(played: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.ipynb"
    file.write_text("my answers")
    done = wirelab("report", "new", LAB, "--run", str(played / "lastrun"), "-o", str(file))
    assert 64 == done.status
    assert "--force" in done.err
    assert "my answers" == file.read_text()


def test_kinds_and_forms_and_the_blank_form_are_there_for_instructors(tmp_path: Path) -> None:
    kinds = wirelab("report", "kinds", "--lang", "zh").out
    assert kinds.count("\n") >= 25
    assert "isn-client" in kinds
    form = tmp_path / "mine.yaml"
    form.write_text(wirelab("report", "form").out)
    done = wirelab("report", "template", LAB, "--form", str(form), "-o", str(tmp_path / "blank.ipynb"))
    assert 0 == done.status, done.err
    assert "Notes on writing this report" in (tmp_path / "blank.ipynb").read_text()
