"""The engine of grading, with everything that it would start replaced: no process, no network, no time passes.

What is played for real is in tests/edge/test_grade.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.judge import runs
from wirelab.base.errors import EnvironmentFault, HarnessBug, Overrun, UsageError, WirelabError
from wirelab.base.texts import Text
from wirelab.compose import artifacts, classroom, preparation, records
from wirelab.compose.classroom import Classroom
from wirelab.compose.desk import Entry, Graded, RunOver
from wirelab.compose.labs import LoadedLab, LoadedScenario
from wirelab.compose.preparation import Prepared, prepared
from wirelab.declare.lab import parse_lab
from wirelab.declare.scenario import parse_scenario
from wirelab.judge.grades import Student
from wirelab.judge.verdict import CheckResult, Credit, Judgement, Said, Verdict
from wirelab.observe.evidence import Evidence

LAB = """\
lab: tiny
title: {en: A, zh: A}
hours: 1
hands_in: [client, server]
objectives: [{en: a, zh: a}]
shown: [says]
hidden: [hears]
rubric:
  - {points: 60, title: {en: Says, zh: 说}, of: [{scenario: says}]}
  - {points: 40, title: {en: Hears, zh: 听}, of: [{scenario: hears}]}
"""
BOTH = Prepared({"client": "./client", "server": "./server"})
PASS, FAIL, UNCLEAR = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
WHY = Said(Text("because", "因为"))
Outcome = Verdict | WirelabError | BaseException


def loaded(name: str, tests: str) -> LoadedScenario:
    script = runs.scenario(tests=tests)
    text = script.text.replace("scenario: t", f"scenario: {name}")
    found = parse_scenario(text, "t.yaml")
    return LoadedScenario(found, runs.profile_of(found), (runs.PROTOCOLS / "line.yaml").read_text("utf-8"))


def lab() -> LoadedLab:
    scenarios = {"says": loaded("says", "client"), "hears": loaded("hears", "server")}
    return LoadedLab(Path(), parse_lab(LAB, "lab.yaml"), scenarios)


class Done:
    """A worker that is over as soon as it begins."""

    def __init__(self, outcome: Callable[[], object]) -> None:
        self._outcome = outcome
        self._reader, writer = os.pipe()
        os.close(writer)
        self.over = False

    def fileno(self) -> int:
        return self._reader

    def result(self) -> object:
        self.stop()
        return self._outcome()

    def wait(self) -> int:
        return 0

    def stop(self) -> None:
        self.over = True
        os.close(self._reader)


class World:
    """What playing comes to: for each scenario its outcomes one after the other, the last of them again and again; and
    how each submission is prepared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
        self.out = out
        self.lab = lab()
        self.outcomes: dict[str, list[Outcome]] = {"says": [PASS], "hears": [PASS]}
        self.preparing: Prepared | BaseException = BOTH
        self.played: list[str] = []
        self.prepared = 0
        self.workers: list[Done] = []
        self._verdicts: dict[int, Verdict] = {}
        self.jobs = 4
        monkeypatch.setattr(classroom, "Worker", self._worker)
        monkeypatch.setattr(classroom, "begin", self._begin)
        monkeypatch.setattr(classroom, "castings", lambda scenario, commands, folder: {})
        monkeypatch.setattr(classroom, "judge", self._judge)
        monkeypatch.setattr(artifacts, "judge", self._judge)

    def _worker(self, work: Callable[[int], object]) -> Done:
        def prepare() -> object:
            self.prepared += 1
            if isinstance(self.preparing, BaseException):
                raise self.preparing
            return self.preparing

        self.workers.append(Done(prepare))
        return self.workers[-1]

    def _begin(self, scenario: Any, profile: Any, programs: Any, **options: Any) -> Done:
        self.played.append(scenario.name)
        left = self.outcomes[scenario.name]
        outcome = left.pop(0) if len(left) > 1 else left[0]

        def play() -> Evidence:
            if isinstance(outcome, BaseException):
                raise outcome
            found = runs.evidence(scenario, runs.HELLO + runs.GOODBYE)
            return replace(found, machine={"verdict": outcome.value})

        self.workers.append(Done(play))
        return self.workers[-1]

    @staticmethod
    def _judge(scenario: Any, profile: Any, evidence: Evidence) -> Judgement:
        if evidence.machine["verdict"] == "bug":
            raise RuntimeError("judging failed")
        verdict = Verdict(evidence.machine["verdict"])
        credit = None if verdict is UNCLEAR else Credit(int(verdict is PASS), 1)
        check = CheckResult("messages", "alice", 1, "{}", verdict, WHY, (), credit)
        return Judgement(scenario.name, (check,), verdict)

    def grade(self, *entries: Entry) -> tuple[list[Graded], list[RunOver]]:
        self.played.clear()
        self.prepared = 0
        room = Classroom(self.lab, self.out, jobs=self.jobs, sandbox=None)
        events = list(room.grade(entries or (entry(),)))
        return [one for one in events if isinstance(one, Graded)], [one for one in events if isinstance(one, RunOver)]

    def mark(self, *entries: Entry) -> float | None:
        return self.grade(*entries)[0][0].grade.mark

    def again(self) -> float | None:
        """The mark from what is kept alone."""
        return classroom.regraded(self.lab, self.out, "ada").grade.mark


def entry(key: str = "ada", digest: str = "d1", problem: Said | None = None) -> Entry:
    return Entry(Student(key), digest, lambda folder: None, problem)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return World(monkeypatch, tmp_path / "out")


# --- what is played --------------------------------------------------------------------------------------------------


def test_marks_and_what_is_told_meanwhile(world: World):
    world.outcomes["hears"] = [FAIL]
    grades, over = world.grade(entry("ada"), entry("bob"))
    assert {"ada": 60.0, "bob": 60.0} == {one.grade.student.key: one.grade.mark for one in grades}
    assert {("says", PASS, False), ("hears", FAIL, False)} == {(one.scenario, one.verdict, one.kept) for one in over}
    assert (4, 4, 2) == (len(over), len(world.played), world.prepared)
    assert {"hears"} == set(grades[0].shown)
    assert [False, True] == [run.hidden for run in grades[0].grade.runs]


def test_again_nothing_is_played_nor_prepared(world: World):
    world.outcomes["hears"] = [FAIL]
    first = world.grade()[0][0]
    second, over = world.grade()
    assert ([], 0) == (world.played, world.prepared)
    assert all(one.kept for one in over)
    assert replace(first.grade, seconds=0) == replace(second[0].grade, seconds=0)
    assert (first.shown, first.commands) == (second[0].shown, second[0].commands)


def test_what_changed_is_played_again(world: World):
    world.grade()
    world.grade(entry(digest="d2"))
    assert ["hears", "says"] == sorted(world.played)
    changed = world.lab.scenarios["hears"]
    text = changed.scenario.text + "# changed\n"
    world.lab.scenarios["hears"] = replace(changed, scenario=parse_scenario(text, "t.yaml"))
    world.grade(entry(digest="d2"))
    assert ["hears"] == world.played
    says = world.lab.scenarios["says"]
    world.lab.scenarios["says"] = replace(says, source=says.source + "# changed\n")
    world.grade(entry(digest="d2"))
    assert ["says"] == world.played


def test_another_version_of_the_kit_plays_everything_again(world: World, monkeypatch: pytest.MonkeyPatch):
    world.grade()
    monkeypatch.setattr(records, "__version__", "99")
    world.grade()
    assert ["hears", "says"] == sorted(world.played)


# --- the machine's fault ---------------------------------------------------------------------------------------------


SLOW = Overrun("bounded.slow", pattern="a", count=1, seconds=2, text="b")


@pytest.mark.parametrize("outcome", [UNCLEAR, HarnessBug("worker.gone", how="SIGKILL"), SLOW])
def test_what_cannot_be_decided_is_tried_twice_more_and_then_costs_nothing(world: World, outcome: Outcome):
    world.outcomes = {"says": [PASS], "hears": [outcome]}
    graded, _ = world.grade()
    assert (3, 1) == (world.played.count("hears"), world.played.count("says"))
    assert (100.0, 40.0) == (graded[0].grade.mark, graded[0].grade.undecided)
    assert 100.0 == world.again()
    world.grade()
    assert ["hears"] * 3 == world.played  # the next invocation tries again
    world.outcomes["hears"] = [UNCLEAR, FAIL]
    assert 60.0 == world.mark()
    assert ["hears"] * 2 == world.played
    assert 60.0 == world.mark() == world.again()
    assert [] == world.played


@pytest.mark.parametrize(("error", "said"), [(RuntimeError("a bug of ours"), "wirelab 自身"), (SLOW, "场景所要求")])
def test_a_run_that_judging_stumbles_over_costs_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
):
    def stumble(scenario: Any, profile: Any, evidence: Evidence) -> Judgement:
        if scenario.name == "hears":
            raise error
        return world._judge(scenario, profile, evidence)

    monkeypatch.setattr(classroom, "judge", stumble)
    graded, _ = world.grade()
    assert (100.0, 40.0) == (graded[0].grade.mark, graded[0].grade.undecided)
    (note,) = [one.in_("zh") for one in graded[0].grade.notes]
    assert "students/ada/fault.txt" in note
    assert said in note
    assert str(error) not in note  # it may quote anything: it is for whoever grades
    assert str(error) in (world.out / "students" / "ada" / "fault.txt").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_made_costs_nobody_a_mark(world: World, monkeypatch: pytest.MonkeyPatch):
    def stumble(*about: Any) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(classroom, "keep_page", stumble)
    world.outcomes["hears"] = [FAIL]
    assert 60.0 == world.mark() == world.again()
    assert "a bug of ours" in (world.out / "students" / "ada" / "fault.txt").read_text(encoding="utf-8")


def test_a_machine_that_can_play_nothing_says_so_at_once(world: World):
    world.outcomes["says"] = world.outcomes["hears"] = [EnvironmentFault("worker.no-process", why="none left")]
    with pytest.raises(EnvironmentFault, match="none left"):
        world.grade(entry("ada"), entry("bob"))
    assert not (world.out / "work").exists()


def test_files_that_cannot_be_put_down_leave_all_undecided(world: World):
    world.grade(entry("bob"))
    world.preparing = HarnessBug("worker.gone", how="SIGKILL")
    graded, over = world.grade(entry("bob"), entry())
    assert [100.0, None] == sorted((one.grade.mark for one in graded), key=lambda mark: mark is None)
    assert [None, None] == [one.verdict for one in over if one.student.key == "ada"]
    assert world.again() is None
    world.preparing = BOTH
    assert 100.0 == world.mark()


def test_no_more_processes_is_a_reason_to_wait(world: World, monkeypatch: pytest.MonkeyPatch):
    refused: list[bool] = []

    def begin(*words: Any, **options: Any) -> Done:
        if len(world.played) == 1 and not refused:
            refused.append(True)
            raise EnvironmentFault("worker.no-process", why="none left")
        return world._begin(*words, **options)

    monkeypatch.setattr(classroom, "begin", begin)
    assert 100.0 == world.mark()
    assert refused


@pytest.mark.parametrize(
    ("prepared", "mark", "undecided", "played"),
    [
        (Prepared({"client": "c"}), 60.0, 0.0, ["says"]),
        (Prepared({"server": "s"}), 40.0, 0.0, ["hears"]),
        (replace(BOTH, lacking={"client": WHY}), 100.0, 60.0, ["hears"]),
        (
            replace(BOTH, lacking=dict.fromkeys(("client", "server"), WHY)),
            None,
            100.0,
            [],
        ),
        (Prepared({"client": "c"}, lacking={"client": WHY}), None, 100.0, []),
    ],
)
def test_halves(world: World, prepared: Prepared, mark: float | None, undecided: float, played: list[str]):
    """What a student left out costs marks; what the machine lacks costs none."""
    world.preparing = prepared
    graded, over = world.grade()
    assert (mark, undecided, played) == (graded[0].grade.mark, graded[0].grade.undecided, world.played)
    assert 2 == len(over)
    assert mark == world.again()


# --- the submission's own fault --------------------------------------------------------------------------------------


def test_nothing_handed_in(world: World):
    graded, _ = world.grade(Entry(Student("ada"), "", None), Entry(Student("bob"), "", None, WHY))
    assert [0.0, 0.0] == [one.grade.mark for one in graded]
    assert ["nothing was handed in", True] == [
        graded[0].grade.problem.in_("en") if graded[0].grade.problem else "",
        graded[1].grade.problem is not None,
    ]
    assert 0.0 == world.again()


def test_a_problem_is_looked_at_again_because_it_may_have_been_the_machines(world: World):
    world.preparing = UsageError("build.failed", command="make", status=1, output="no header")
    graded, _ = world.grade()
    assert (0.0, []) == (graded[0].grade.mark, world.played)
    assert 0.0 == world.again()
    world.preparing = BOTH
    assert 100.0 == world.mark()


def test_a_program_that_cannot_be_started_stops_nobody(world: World):
    world.outcomes["says"] = [
        UsageError("actor.no-program", command="./client", actor="alice", program="./client", where="/")
    ]
    graded, _ = world.grade(entry("ada"))
    assert 0.0 == graded[0].grade.mark
    assert graded[0].grade.problem is not None


def test_runs_of_an_older_submission_do_not_count(world: World):
    world.grade()
    world.preparing = Prepared({"server": "s"})
    world.outcomes["hears"] = [FAIL]
    assert 0.0 == world.mark(entry(digest="d2"))
    assert 0.0 == world.again()


# --- ends --------------------------------------------------------------------------------------------------------------


def test_stopped_in_the_middle_everything_is_ended(world: World):
    world.outcomes["hears"] = [KeyboardInterrupt()]
    room = Classroom(world.lab, world.out, jobs=4, sandbox=None)
    with pytest.raises(KeyboardInterrupt):
        list(room.grade([entry(key) for key in ("ada", "bob", "carol")]))
    assert not (world.out / "work").exists()
    assert all(worker.over for worker in world.workers)


def test_closed_early_everything_is_ended(world: World):
    events = Classroom(world.lab, world.out, jobs=4, sandbox=None).grade([entry(key) for key in ("ada", "bob")])
    next(events)
    events.close()
    assert all(worker.over for worker in world.workers)
    assert not (world.out / "work").exists()
    world.grade(entry("ada"), entry("bob"))
    assert len(world.played) < 4  # what was over is kept


def test_nobody_at_all(world: World):
    room = Classroom(world.lab, world.out, jobs=4, sandbox=None)
    assert [] == list(room.grade([]))


def test_whom_grading_has_not_come_to(world: World):
    graded = classroom.regraded(world.lab, world.out, "ada")
    assert (None, 100.0) == (graded.grade.mark, graded.grade.undecided)
    assert "2 scenarios have not been played yet" in graded.grade.notes[0].in_("en")


def test_a_scenario_that_changed_since_is_told_and_judged_as_it_was(world: World):
    world.grade()
    assert () == classroom.regraded(world.lab, world.out, "ada").grade.notes
    changed = world.lab.scenarios["hears"]
    text = changed.scenario.text + "# changed\n"
    world.lab.scenarios["hears"] = replace(changed, scenario=parse_scenario(text, "t.yaml"))
    (note,) = classroom.regraded(world.lab, world.out, "ada").grade.notes
    assert note.in_("en").startswith("1 scenarios have changed since they were played")
    assert world.again() == 100


# --- preparing ---------------------------------------------------------------------------------------------------------


def ready(folder: Path, files: Mapping[str, str], roles: tuple[Any, ...] = ("client", "server")) -> Prepared:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        if name.endswith(".sh"):
            (folder / name).chmod(0o755)
    return prepared(folder, roles, None)


def words(said: Said) -> str:
    return said.in_("en")


def test_one_role_that_does_not_build_costs_the_other_nothing(tmp_path: Path):
    found = ready(tmp_path, {"client.py": "", "server.c": "int main(", "wirelab.toml": ""})
    assert {"client": "python3 client.py"} == found.commands
    assert "building failed" in words(found.notes[0])


def test_what_both_are_built_by_is_run_once(tmp_path: Path):
    toml = 'build = "echo built >> log; echo done"\nclient = "sh a.sh"\nserver = "sh b.sh"\n'
    found = ready(tmp_path, {"wirelab.toml": toml})
    assert ("done", "built\n") == (found.built, (tmp_path / "log").read_text("utf-8"))


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('build = "exit 3"\nclient = "sh"\nserver = "sh"', "status 3"),
        ('client = "./none"\nserver = "nonesuch-program"', "started with './none', which is not there"),
        ('client = "./plain.txt"\nserver = "./none"', "not marked as executable"),
        ('clint = "sh"', "wirelab.toml: unknown key 'clint'"),
        ("", "there is no client: looked in . for"),
    ],
)
def test_what_cannot_be_played_at_all_says_why_and_not_where_it_lies_here(tmp_path: Path, toml: str, said: str):
    with pytest.raises(WirelabError) as caught:
        ready(tmp_path, {"wirelab.toml": toml, "plain.txt": ""})
    assert said in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "files",
    [
        {"client.go": "package main"},
        {"wirelab.toml": 'client = "go run client.go"'},
        {"wirelab.toml": 'client = "./go.sh"', "go.sh": "#!/usr/bin/env -S go run\n"},
        {"wirelab.toml": 'build = "cd . && go build -o client client.go"\nclient = "./client"'},
        {"wirelab.toml": 'build = "env go build"\nclient = "./client"'},
        {"wirelab.toml": 'build = "echo \'make: go: No such file or directory\'; exit 2"\nclient = "./client"'},
    ],
)
def test_a_tool_that_the_machine_lacks_is_not_the_students_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    found_by = preparation._there
    monkeypatch.setattr(preparation, "_there", lambda program, sandbox: program != "go" and found_by(program, sandbox))
    found = ready(tmp_path, files | {"server.py": ""}, ("client",))
    assert (["client"], ["client"]) == (list(found.lacking), list(found.commands))
    assert "this machine has no 'go', which the client of the submission needs" in words(found.lacking["client"])
    assert "server" in ready(tmp_path, {}).commands


def test_who_only_says_that_a_tool_is_missing_gets_nothing_for_it(tmp_path: Path):
    with pytest.raises(UsageError, match="building failed"):
        ready(
            tmp_path,
            {"wirelab.toml": 'build = "echo \'sh: 1: make: not found\'; exit 127"\nclient = "./client"'},
            ("client",),
        )
