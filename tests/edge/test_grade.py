"""``wirelab grade`` and ``wirelab judge OUT``: a class is graded right, once, and whatever happens in between.

One small class is graded once; each test goes on from a copy of what came of it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pexpect
import pytest

from tests.edge.command import PATIENCE, Command, Done, first_line, until
from tests.present.grades import grade, said
from wirelab.base.clock import now_ns
from wirelab.edge.grading import WIDTH, _Progress

ROOT = Path(__file__).parents[2]
LAB = """\
lab: tiny
title: {en: "A small lab", zh: "小实验"}
hours: 1
hands_in: [client, server]
objectives: [{en: "To be graded", zh: "用于评分"}]
shown: [tiny/says, tiny/hears]
rubric:
  - {points: 60, title: {en: "The client says it", zh: "客户端会说"}, of: [{scenario: tiny/says, check: messages}]}
  - {points: 40, title: {en: "The server hears it", zh: "服务器会听"}, of: [{scenario: tiny/hears, check: shows}]}
"""
SAYS = """\
scenario: tiny/says
title: {en: A line is said, zh: 说一行}
tests: client
cast: {server: {role: server, peer: true}, alice: {role: client}}
script:
  - {start: server}
  - {start: alice, until: Connected to}
  - {alice: type, text: hello there}
  - {server: expects, text: MSG hello there, within: 1}
  - {alice: type, text: /quit}
  - {server: closes}
  - {alice: exits}
expect:
  - {messages: alice, sent: [hello there]}
"""
HEARS = """\
scenario: tiny/hears
title: {en: A line is heard, zh: 听一行}
tests: server
cast: {server: {role: server}, alice: {role: client, peer: true}}
script:
  - {start: server, until: Listening on}
  - {start: alice}
  - {alice: sends, text: MSG hello}
  - {server: shows, text: hello, within: 1}
  - {alice: closes}
  - {server: type, text: /quit}
  - {server: exits}
expect:
  - {messages: alice, sent: [hello]}
"""
ROSTER = "number,name,login\n1001,Ada Lovelace,ada\n1002,王小明,wang\n1003,Nobody Came,nobody\n"
MARKS = {
    "1001": "100",
    "1002": "40",
    "1003": "0",
    "broken": "0",
    "bad-archive": "0",
    "talks": "60",
    "does-not-build": "0",
    "empty": "0",
    "listens": "40",
}
needs_mounts = pytest.mark.skipif(
    subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0,  # noqa: PLW1510
    reason="needs mounts of one's own",
)


def program(role: str) -> str:
    return (ROOT / "reference" / f"{role}.py").read_text(encoding="utf-8")


def hand_in(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def make_class(folder: Path) -> None:
    """The lab, the roster and what was handed in."""
    hand_in(folder / "tiny", {"lab.yaml": LAB})
    hand_in(folder / "tiny" / "scenarios" / "tiny", {"says.yaml": SAYS, "hears.yaml": HEARS})
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    mutant = (ROOT / "tests" / "mutants" / "first-word-only" / "client.py").read_text(encoding="utf-8")
    both = {"client.py": program("client"), "server.py": program("server")}
    hand_in(folder / "class" / "1001", both)
    hand_in(folder / "class" / "wang", both | {"client.py": mutant})
    hand_in(folder / "class" / "broken", {"client.py": "print('hello'\n", "server.py": "raise SystemExit(3)\n"})
    hand_in(folder / "class" / "talks", {"client.py": program("client")})
    hand_in(folder / "class" / "listens", {"server.py": program("server")})
    hand_in(folder / "class" / "does-not-build", {"Makefile": "all:\n\t@echo no such luck; exit 1\n"})
    hand_in(folder / "class" / "empty", {})
    (folder / "class" / "bad-archive.zip").write_bytes(b"PK\x03\x04 and no more")


class Classes(Command):
    """The command in a folder with a class that may have been graded."""

    words: tuple[str, ...] = ("grade", "tiny", "class", "-o", "out", "--no-sandbox", "--roster", "roster.csv")

    def grade(self, *words: object, env: Mapping[str, str] | None = None) -> Done:
        return self(*self.words, *words, env=env)

    def marks(self, out: str = "out") -> dict[str, str]:
        return {row["key"]: row["mark"] for row in self.book(out)}

    def book(self, out: str = "out") -> list[dict[str, str]]:
        text = (self.folder / out / "gradebook.csv").read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def played(self) -> dict[str, int]:
        """When each run that is kept was written."""
        runs = sorted((self.folder / "out" / "students").glob("*/runs/*/*.done"))
        return {f"{path.parents[2].name}/{path.stem}": path.stat().st_mtime_ns for path in runs}

    def mounted(self, before: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Grade with a file system of its own as ``out``: ``before``, then the command, and then ``more``, in a shell."""
        grading = " ".join(self.argv(*self.words))
        script = "\n".join([f"mkdir -p out; {before} || exit 99", f"{grading}; echo status $?", *more])
        argv = ["unshare", "-Urm", "sh", "-c", script.replace("GRADE", grading)]
        return subprocess.run(
            argv, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False
        )


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """The class, graded, and what was printed."""
    command = Classes(tmp_path_factory.mktemp("class"))
    make_class(command.folder)
    done = command.grade()
    command.gone()
    return command.folder, done


@pytest.fixture
def again(graded: tuple[Path, Done], tmp_path: Path) -> Iterator[Classes]:
    """A copy of the graded class, to go on from."""
    shutil.copytree(graded[0], tmp_path, dirs_exist_ok=True, symlinks=True)
    command = Classes(tmp_path)
    yield command
    command.gone()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Classes]:
    """A class that nobody has graded, of four who handed in both programs."""
    make_class(tmp_path)
    shutil.rmtree(tmp_path / "class")
    for name in ("1001", "second", "third", "fourth"):
        hand_in(tmp_path / "class" / name, {"client.py": program("client"), "server.py": program("server")})
    command = Classes(tmp_path)
    yield command
    command.gone()


ALL_RIGHT = {"1001": "100", "1002": "0", "1003": "0", "fourth": "100", "second": "100", "third": "100"}


# --- marks -----------------------------------------------------------------------------------------------------------


def test_everybody_gets_the_mark_they_earned(graded: tuple[Path, Done]):
    folder, done = graded
    assert (0, "") == (done.status, done.err)
    assert MARKS == Classes(folder).marks()
    problems = {row["key"]: row["problem"] for row in Classes(folder).book()}
    assert "nothing was handed in" == problems["1003"]
    assert "building failed with status 2" in problems["does-not-build"]
    assert "no such luck" in problems["does-not-build"]
    assert "holds no files" in problems["empty"]
    assert problems["bad-archive"]
    assert not any(problems[key] for key in ("1001", "1002", "broken"))
    assert "there is no server" in problems["talks"]
    assert "there is no client" in problems["listens"]


def test_the_output_tells_one_line_for_each_in_a_pipe(graded: tuple[Path, Done]):
    lines = graded[1].out.splitlines()
    told = [line for line in lines if line.startswith("[")]
    assert [f"[{at}/9]" for at in range(1, 10)] == [line.split()[0] for line in told]
    assert {"Ada Lovelace: 100 of 100", "王小明: 40 of 100"} <= {line.partition(" ")[2] for line in told}
    assert "WITHOUT a sandbox" in graded[1].out
    assert "\x1b" not in graded[1].out


def test_a_reason_is_told_with_the_word_that_matters(capsys: pytest.CaptureFixture[str]):
    """The first line of it, and that whole unless it is very long."""
    long, flood = f"{'x' * 300} found: clinet.py\nmore", "y" * 1000
    progress = _Progress(2, 0, "en", now_ns(), live=False)
    for why in (long, flood):
        progress.grade(grade("ada", problem=said(why)))
    lines = capsys.readouterr().out.splitlines()
    assert [f"    {long.splitlines()[0]}", f"    {flood[: WIDTH - 1]}…"] == lines[1::2]


def test_a_half_submission_says_what_is_missing(graded: tuple[Path, Done]):
    assert "talks: 60 of 100\n    there is no server: looked in . for" in graded[1].out
    kept = json.loads((graded[0] / "out" / "students" / "talks" / "submission.json").read_text(encoding="utf-8"))
    assert ["there is no server"] == [note["en"][:18] for note in kept["notes"]]
    assert str(graded[0]) not in json.dumps(kept)


def test_all_files_are_there_and_nothing_that_was_being_worked_on(graded: tuple[Path, Done]):
    out = graded[0] / "out"
    names = "class.json gradebook.csv index.html junit.xml moodle.csv results.json students summary.md".split()
    assert names == sorted(path.name for path in out.iterdir())
    for key in MARKS:
        assert {"feedback.html", "feedback.md", "submission.json"} <= {
            path.name for path in (out / "students" / key).iterdir()
        }
    assert [] == [path for path in out.rglob("*") if path.name.endswith(".partial")]


def pages(out: Path) -> set[str]:
    """The pages of runs, by their paths from the class page."""
    return {str(path.relative_to(out)) for path in out.glob("students/*/runs/*/*/report.html")}


def test_the_class_page_leads_to_the_pages_of_runs_that_cost_points(graded: tuple[Path, Done]):
    out = graded[0] / "out"
    done = {str(path.relative_to(out)).removesuffix(".done") for path in out.glob("students/*/runs/*/*.done")}
    judged = {run: json.loads((out / run / "run.json").read_text(encoding="utf-8"))["judgement"] for run in done}
    failed = {f"{run}/report.html" for run, judgement in judged.items() if judgement["verdict"] != "pass"}
    assert "students/1002/runs/tiny/says/report.html" in failed
    assert failed == pages(out)
    links = re.findall(r'href="([^"]*report[.]html)"', (out / "index.html").read_text(encoding="utf-8"))
    assert failed == set(links)
    assert "WL20" in (out / "students/1002/runs/tiny/says/report.html").read_text(encoding="utf-8")


def test_judging_again_makes_the_pages_again(again: Classes):
    out = again.folder / "out"
    before = pages(out)
    (out / "students/1002/runs/tiny/says/report.html").unlink()
    (out / "students/1001/runs/tiny/says/report.html").write_text("of a run that passes now", encoding="utf-8")
    assert 0 == again("judge", "out", "--lab", "tiny").status
    assert before == pages(out)


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_in_the_sandbox_marks_are_the_same(again: Classes):
    shutil.rmtree(again.folder / "class" / "does-not-build")
    words = [word for word in again.words if word != "--no-sandbox"]
    done = again(*[word if word != "out" else "boxed" for word in words])
    assert 0 == done.status, done.err
    assert {key: mark for key, mark in MARKS.items() if key != "does-not-build"} == again.marks("boxed")


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_again_plays_nothing(again: Classes):
    before, book = again.played(), again.book()
    assert 0 == again.grade().status
    assert before == again.played()
    assert book == again.book()


def test_a_changed_submission_costs_only_itself(again: Classes):
    before = again.played()
    (again.folder / "class" / "wang" / "client.py").write_text(program("client"), encoding="utf-8")
    assert 0 == again.grade().status
    after = again.played()
    assert {"1002/says", "1002/hears"} == {name for name in after if after[name] != before[name]}
    assert MARKS | {"1002": "100"} == again.marks()


def test_a_late_submission_costs_only_itself(again: Classes):
    before = again.played()
    hand_in(again.folder / "class" / "nobody", {"server.py": program("server")})
    assert 0 == again.grade().status
    after = again.played()
    assert {"1003/hears"} == after.keys() - before.keys()
    assert before == {name: after[name] for name in before}
    assert MARKS | {"1003": "40"} == again.marks()


def test_a_changed_scenario_costs_only_itself(again: Classes):
    before = again.played()
    file = again.folder / "tiny" / "scenarios" / "tiny" / "hears.yaml"
    file.write_text(HEARS.replace("hello", "good day"), encoding="utf-8")
    assert 0 == again.grade().status
    after = again.played()
    assert {name for name in before if name.endswith("hears")} == {
        name for name in after if after[name] != before[name]
    }
    assert MARKS == again.marks()


def test_a_changed_rubric_is_regraded_without_playing(again: Classes):
    before = again.played()
    lab = again.folder / "tiny" / "lab.yaml"
    lab.write_text(LAB.replace("points: 60", "points: 10"), encoding="utf-8")
    shutil.rmtree(again.folder / "class")
    done = again("judge", "out", "--lab", "tiny")
    assert (0, "") == (done.status, done.err)
    assert before == again.played()
    assert MARKS | {"1001": "50", "talks": "10"} == again.marks()
    lab.write_text(LAB, encoding="utf-8")
    assert 0 == again("judge", "out", "--lab", "tiny").status
    assert MARKS == again.marks()


def test_judging_says_who_has_not_been_graded(again: Classes):
    shutil.rmtree(again.folder / "out" / "students" / "1002")
    assert 2 == again("judge", "out", "--lab", "tiny").status
    assert MARKS | {"1002": ""} == again.marks()


def test_an_older_submissions_runs_are_nobodys(again: Classes):
    """Somebody hands in anew what does not start, and then nothing but a client."""
    folder = again.folder / "class" / "1001"
    (folder / "wirelab.toml").write_text('build = "false"\n', encoding="utf-8")
    assert 0 == again.grade().status
    assert "0" == again.marks()["1001"]
    (folder / "wirelab.toml").unlink()
    (folder / "server.py").unlink()
    for words in ("grade", "judge"):
        assert 0 == (again.grade() if words == "grade" else again("judge", "out", "--lab", "tiny")).status
        assert "60" == again.marks()["1001"]


def test_a_run_that_was_damaged_is_played_again(again: Classes):
    (again.folder / "out" / "students" / "1001" / "runs" / "tiny" / "says" / "capture.pcapng").write_bytes(b"")
    (again.folder / "out" / "students" / "1002" / "runs" / "tiny" / "says.done").write_text("{}", encoding="utf-8")
    (again.folder / "out" / "students" / "1002" / "submission.json").write_text("[]", encoding="utf-8")
    before = again.played()
    assert 0 == again.grade().status
    after = again.played()
    assert {"1001/says", "1002/says"} == {name for name in after if after[name] != before[name]}
    assert MARKS == again.marks()


# --- the machine's fault -----------------------------------------------------------------------------------------------


def test_a_language_that_the_machine_lacks_costs_nobody_a_mark(fresh: Classes):
    """Whose client is in Go loses nothing by it, nor does anybody else; once Go is there it counts."""
    tools = fresh.folder / "tools"
    tools.mkdir()
    for name in ("sh", "env", "python3", "nft", "cat"):
        found = sys.executable if name == "python3" else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        if found:
            (tools / name).symlink_to(found)
    source = {"client.go": "package main", "chat.py": program("client")}
    hand_in(fresh.folder / "class" / "gopher", source | {"server.py": program("server")})
    hand_in(fresh.folder / "class" / "0-gopher", source)
    done = fresh.grade(env={"PATH": str(tools)})
    assert (2, "") == (done.status, done.err)
    assert ALL_RIGHT | {"gopher": "100", "0-gopher": ""} == fresh.marks()
    book = {row["key"]: row for row in fresh.book()}
    assert ("60", "100") == (book["gopher"]["undecided"], book["0-gopher"]["undecided"])
    assert 2 == done.out.count("this machine has no 'go', which the client of the submission needs")
    assert 2 == fresh("judge", "out", "--lab", "tiny").status
    assert ALL_RIGHT | {"gopher": "100", "0-gopher": ""} == fresh.marks()
    before = fresh.played()
    compiled = '#!/bin/sh\nexec python3 chat.py "$@"\n'
    (tools / "go").write_text(f"#!/bin/sh\n/bin/cat > client <<'END'\n{compiled}END\n/bin/chmod +x client\n")
    (tools / "go").chmod(0o755)
    assert 0 == fresh.grade(env={"PATH": str(tools)}).status
    assert ALL_RIGHT | {"gopher": "100", "0-gopher": "60"} == fresh.marks()
    assert {"gopher/says", "0-gopher/says"} == fresh.played().keys() - before.keys()


# --- interruptions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_interrupted_it_ends_everything_and_goes_on_when_asked(fresh: Classes, name: str):
    process = fresh.begin(*fresh.words, "--jobs", "2")
    assert first_line(process, [b"[3/"])  # those two who handed in nothing, and one more
    (os.killpg if name == "INT" else os.kill)(process.pid, signal.Signals[f"SIG{name}"])
    _, errors = process.communicate(timeout=PATIENCE)
    fresh.gone()
    assert 130 == process.returncode
    assert b"the same command goes on from there" in errors
    assert b"Traceback" not in errors
    assert not (fresh.folder / "out" / "work").exists()
    partial = fresh.marks()
    assert ALL_RIGHT.keys() == partial.keys()
    assert all(mark in (ALL_RIGHT[key], "") for key, mark in partial.items())
    kept = fresh.played()
    done = fresh.grade()
    assert 0 == done.status, done.err
    assert ALL_RIGHT == fresh.marks()
    assert kept == {key: moment for key, moment in fresh.played().items() if key in kept}


def test_killed_at_any_moment_it_goes_on(fresh: Classes):
    """Killed when it has kept so many runs, again and again; the gradebook is that of an undisturbed run."""

    def killed_after(kept: int) -> None:
        process = fresh.begin(*fresh.words)
        assert until(lambda: len(fresh.played()) >= kept or process.poll() is not None, PATIENCE)
        process.kill()
        process.communicate(timeout=PATIENCE)

    for kept in (0, 1, 3, 6):
        killed_after(kept)
    done = fresh.grade()
    assert (0, "") == (done.status, done.err)
    assert ALL_RIGHT == fresh.marks()
    undisturbed = (fresh.folder / "out" / "gradebook.csv").read_bytes()
    shutil.rmtree(fresh.folder / "out")
    assert 0 == fresh.grade().status
    assert undisturbed == (fresh.folder / "out" / "gradebook.csv").read_bytes()


def test_killed_while_it_writes_a_run(again: Classes):
    """Half a run, as it may be left: all but run.json has been put in its place."""
    run = again.folder / "out" / "students" / "1001" / "runs" / "tiny"
    (run / "says.done").unlink()
    (run / "says" / "run.json").rename(run / "says" / "run.json.partial")
    (again.folder / "out" / "gradebook.csv.partial").write_text("half", encoding="utf-8")
    assert 0 == again.grade().status
    assert MARKS == again.marks()


def test_two_at_once_do_not_write_to_the_same_folder(fresh: Classes):
    process = fresh.begin(*fresh.words)
    assert first_line(process, [b"submissions"])
    second = fresh("judge", "out", "--lab", "tiny")
    busy = process.poll() is None
    assert 0 == process.wait(timeout=PATIENCE)
    process.communicate()
    assert not busy or (64, True) == (second.status, "another `wirelab grade`" in second.err)


# --- OUT ---------------------------------------------------------------------------------------------------------------


@needs_mounts
def test_a_folder_that_cannot_be_written(again: Classes):
    before = again.book()
    done = again.mounted("mount --bind out out && mount -o remount,ro,bind out")
    assert "status 66\n" in done.stdout
    assert "wirelab: cannot write out: Read-only file system\n" == done.stderr
    assert before == again.book()


@needs_mounts
def test_a_full_disk(fresh: Classes):
    """It breaks off, says so, keeps what was finished, and goes on when there is room."""
    done = fresh.mounted(
        "mount -t tmpfs -o size=40m none out; mkdir out/students; head -c 40660k /dev/zero > out/students/filler",
        "find out -name '*.done' | wc -l",
        "rm out/students/filler; GRADE; echo status $?; cp -r out kept",
    )
    statuses = [line for line in done.stdout.splitlines() if line.startswith("status")]
    assert statuses[0] in ("status 66", "status 69"), done.stdout + done.stderr
    assert "status 0" == statuses[1], done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert "the same command goes on from there" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert ALL_RIGHT == fresh.marks("kept")


def test_a_folder_of_something_else(fresh: Classes):
    (fresh.folder / "out").mkdir()
    (fresh.folder / "out" / "thesis.txt").write_text("mine", encoding="utf-8")
    done = fresh.grade()
    assert (64, 1) == (done.status, done.err.count("\n"))
    assert "thesis.txt" in done.err
    assert ["thesis.txt"] == os.listdir(fresh.folder / "out")


def test_a_folder_of_another_lab(again: Classes):
    shutil.copytree(again.folder / "tiny", again.folder / "other")
    (again.folder / "other" / "lab.yaml").write_text(LAB.replace("lab: tiny", "lab: other"), encoding="utf-8")
    words = ["other" if word == "tiny" else word for word in again.words]
    for done in (again(*words), again("judge", "out", "--lab", "other")):
        assert 64 == done.status
        assert "holds grades of the lab tiny, not of other" in done.err
    assert MARKS == again.marks()


def test_a_damaged_class(again: Classes):
    (again.folder / "out" / "class.json").write_text("{", encoding="utf-8")
    for done in (again.grade(), again("judge", "out", "--lab", "tiny")):
        assert (66, 1) == (done.status, done.err.count("\n"))
        assert "class.json is damaged" in done.err


# --- the command line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["grade", "tiny", "class", "-o", "out", "--jobs", "0"], 64, "--jobs must be a whole number"),
        (["grade", "tiny", "class", "-o", "out", "--jobs", "many"], 64, "--jobs must be a whole number"),
        (["grade", "tiny", "clas", "-o", "out"], 66, "there is no clas to grade"),
        (["grade", "tini", "class", "-o", "out"], 64, "there is no lab 'tini'"),
        (["grade", "tiny", "class", "-o", "class/out"], 64, "would be taken for a submission"),
        (["grade", "tiny", "class", "-o", "out", "--roster", "nobody.csv"], 66, "nobody.csv"),
        (["grade", "tiny", "class", "-o", "tiny/lab.yaml"], 66, "cannot write tiny/lab.yaml"),
        (["grade", "tiny", "class"], 64, "-o"),
    ],
)
def test_mistakes(fresh: Classes, words: list[str], status: int, said: str):
    done = fresh(*words, *(["--no-sandbox"] if "-o" in words else []))
    assert status == done.status
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (fresh.folder / "out").exists()
    assert not (fresh.folder / "class" / "out").exists()


def test_a_lab_that_is_no_more(again: Classes):
    shutil.rmtree(again.folder / "tiny")
    done = again("judge", "out")
    assert 64 == done.status
    assert f"is no longer in {again.folder}/tiny; name its folder with --lab" in done.err


def test_on_a_terminal_one_line_is_rewritten(fresh: Classes):
    argv = fresh.argv(*fresh.words, "--lang", "zh")
    env = {**fresh.env, "LC_ALL": "C.UTF-8"}
    with pexpect.spawn(
        argv[0], argv[1:], cwd=str(fresh.folder), env=env, dimensions=(24, 60), timeout=PATIENCE
    ) as child:
        child.expect(pexpect.EOF)
        shown = child.before.decode()
        child.wait()
    assert 0 == child.exitstatus, shown
    lines = [part for part in shown.replace("\r\x1b[K", "\n").split("\n") if part.startswith("提交 ")]
    assert lines
    assert all(len(line.encode("gbk", "replace")) <= 60 for line in lines), lines
    assert "\r\x1b[K[" in shown


def test_results_are_what_json_says(graded: tuple[Path, Done]):
    document = json.loads((graded[0] / "out" / "results.json").read_text(encoding="utf-8"))
    assert MARKS.keys() == {entry["key"] for entry in document["students"]}
