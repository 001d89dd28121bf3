"""The engine that grades on a cluster, with a cluster that is but a list: what is sent, kept, and said of what goes wrong.

Real schedulers and workers are in tests/edge/test_grade_dask.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from tests.compose.test_classroom import LAB, lab
from tests.judge import runs
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text
from wirelab.compose import cluster, desk, parcel, records
from wirelab.compose.artifacts import Run, write_run
from wirelab.compose.cluster import AHEAD, Cluster
from wirelab.compose.dask_link import Reply
from wirelab.compose.desk import Desk, Entry, Graded, RunOver
from wirelab.compose.handed_in import HandedIn, Piece, digest_of, prepare
from wirelab.compose.labs import LoadedLab
from wirelab.compose.parcel import Answer, Job, Refusal
from wirelab.compose.preparation import Prepared
from wirelab.judge.grades import Student
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Said

BECAUSE = Said(Text("because", "因为"))
Outcome = Callable[["There", Job], Reply]


def played(there: There, job: Job, *, lost: Iterable[str] = ()) -> Reply:
    """What a worker answers that has played a job: textbook runs, and some that its machine did not let be played."""
    found, student, digest = parcel.lab_of(job), job.student, job.digest
    here = Desk.opened(found, there.folder, Entry(student, digest, lambda folder: None))
    here.prepared = Prepared({"client": "./client", "server": "./server"})
    records.write_submission(here.folder, here.record())
    files = {}
    for name, loaded in found.scenarios.items():
        if name in lost:
            here.faults[name] = BECAUSE
            continue
        evidence = runs.evidence(loaded.scenario, runs.HELLO + runs.GOODBYE)
        judgement = judge(loaded.scenario, loaded.profile, evidence)
        here.judgements[name], here.tries[name] = judgement, 2
        folder = there.folder / student.key / name
        run = Run(loaded.scenario, loaded.source, loaded.profile, evidence)
        write_run(folder, run, judgement, "en")
        files[name] = parcel.files_of(folder)
    answer = Answer(here.closed(), here.record(), files)
    return Reply(student.key, there.worker, parcel.pack(answer))


def refused(there: There, job: Job) -> Reply:
    return Reply(job.student.key, there.worker, parcel.pack(Refusal(BECAUSE)))


def died(there: There, job: Job) -> Reply:
    return Reply(job.student.key, there.worker, None, "ValueError: no such luck")


def killed(there: There, job: Job) -> Reply:
    return Reply(job.student.key, "-", None, fault=EnvironmentFault("dask.killed", count=4))


class There:
    """A cluster that does one job whenever it is asked whether one is over; each student's outcome can be chosen."""

    address = "tcp://10.0.0.5:8786"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "there"
        self.workers: Iterable[int] = iter(lambda: 1, 0)  # how many threads there are, look by look
        self.worker = "tcp://10.0.0.7:1"
        self.outcomes: dict[str, Outcome] = {}
        self.waiting: deque[Job] = deque()
        self.sent: list[tuple[str, tuple[str, ...]]] = []
        self.most = 0
        self.abandoned = False

    def threads(self) -> int:
        return next(iter(self.workers))

    def submit(self, key: str, job: bytes) -> None:
        found = parcel.unpack(job)
        assert isinstance(found, Job)
        self.waiting.append(found)
        self.sent.append((key, tuple(found.scenarios)))
        self.most = max(self.most, len(self.waiting))

    def over(self, seconds: float) -> Reply | None:
        if not self.waiting:
            return None
        job = self.waiting.popleft()
        return self.outcomes.get(job.student.key, played)(self, job)

    def abandon(self) -> None:
        self.abandoned = True


class World:
    """A class, some of whom have handed in a client, and the cluster that it is graded on."""

    def __init__(self, folder: Path, keys: Iterable[str]) -> None:
        self.out, self.there, self.folder = folder / "out", There(folder), folder
        (folder / "lab").mkdir()
        (folder / "lab" / "lab.yaml").write_text(LAB, encoding="utf-8")
        self.lab = LoadedLab(folder / "lab", lab().lab, lab().scenarios)
        self.handed = {key: self.hand_in(key) for key in keys}

    def hand_in(self, key: str) -> HandedIn:
        file = self.folder / f"{key}.py"
        file.write_text(f"print({key!r})\n", encoding="utf-8")
        one = HandedIn(Student(key), (Piece(file, "client.py"),), role="client")
        return HandedIn(one.student, one.pieces, digest=digest_of(one), role="client")

    def grade(self, *more: Entry) -> tuple[dict[str, Graded], list[RunOver]]:
        room = Cluster(self.lab, self.out, self.there, self.handed, jobs=None, sandboxed=True)
        entries = [Entry(one.student, one.digest, partial(prepare, one)) for one in self.handed.values()]
        events = list(room.grade([*entries, *more]))
        graded = [event for event in events if isinstance(event, Graded)]
        assert len(graded) == len(entries) + len(more)
        return {one.grade.student.key: one for one in graded}, [one for one in events if isinstance(one, RunOver)]

    def notes(self, one: Graded) -> str:
        return " ".join(note.in_("en") for note in one.grade.notes)

    def kept(self, key: str) -> dict[str, int]:
        folder = self.out / records.STUDENTS / key
        found = {name: records.read_kept(folder, name, None, self.handed[key].digest) for name in self.lab.scenarios}
        return {name: one.tries for name, one in found.items() if one is not None}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, ["ada", "bob", "eve"])


def test_what_was_played_there_is_kept_and_graded_here(world: World):
    graded, events = world.grade()
    assert ["ada", "bob", "eve"] == list(graded)
    for key, one in graded.items():
        assert {"says": 2, "hears": 2} == world.kept(key)
        assert [("says", 2), ("hears", 2)] == [(run.scenario, run.tries) for run in one.grade.runs]
        assert {"client": "./client", "server": "./server"} == one.commands
        assert (100.0, ()) == (one.grade.mark, one.grade.notes)
    assert 6 == len([event for event in events if event.verdict is not None and not event.kept])
    assert world.there.abandoned
    assert not (world.out / "work").exists()


def test_what_is_kept_is_not_sent_again(world: World):
    before = world.grade()[0]
    world.there.sent.clear()
    graded, events = world.grade()
    assert [] == world.there.sent
    assert all(event.kept for event in events)
    assert {key: one.grade.mark for key, one in before.items()} == {key: one.grade.mark for key, one in graded.items()}
    (world.out / "students" / "bob" / "runs" / "hears.done").unlink()
    assert 100.0 == world.grade()[0]["bob"].grade.mark
    assert [("bob", ("hears",))] == world.there.sent


def test_who_handed_in_nothing_is_not_sent(world: World):
    graded = world.grade(Entry(Student("nobody"), "", None))[0]["nobody"].grade
    assert 0.0 == graded.mark
    assert graded.problem is not None
    assert "nothing was handed in" == graded.problem.in_("en")
    assert ["ada", "bob", "eve"] == [key for key, _ in world.there.sent]


def test_what_cannot_be_read_any_more_is_that_students_problem_only(world: World):
    (world.folder / "bob.py").unlink()
    graded = world.grade()[0]
    assert (100.0, 0.0, 100.0) == tuple(graded[key].grade.mark for key in ("ada", "bob", "eve"))
    problem = graded["bob"].grade.problem
    assert problem is not None
    assert "bob.py" in problem.in_("en")


@pytest.mark.parametrize("threads", [1, 3])
def test_few_submissions_are_in_memory_however_many_there_are(tmp_path: Path, threads: int):
    world = World(tmp_path, [f"s{at}" for at in range(12)])
    world.there.workers = iter(lambda: threads, 0)
    assert 12 == len(world.grade()[0])
    assert AHEAD * threads == world.there.most


@pytest.mark.parametrize(
    ("outcome", "said"),
    [(killed, "workers lost one after the other while they had it: 4"), (died, "wirelab itself failed")],
)
def test_what_no_worker_could_play_is_undecided_and_others_go_on(world: World, outcome: Outcome, said: str):
    world.there.outcomes["bob"] = outcome
    graded, events = world.grade()
    assert (100.0, None, 100.0) == tuple(graded[key].grade.mark for key in ("ada", "bob", "eve"))
    assert said in world.notes(graded["bob"])
    assert [None, None] == [event.verdict for event in events if event.student.key == "bob"]
    fault = world.out / "students" / "bob" / desk.FAULT
    assert fault.exists() == (outcome is died)
    assert outcome is not died or "no such luck" in fault.read_text(encoding="utf-8")
    world.there.outcomes.clear()
    assert 100.0 == world.grade()[0]["bob"].grade.mark


def test_what_a_machine_could_not_play_is_undecided(world: World):
    world.there.outcomes["bob"] = partial(played, lost=["hears"])
    one = world.grade()[0]["bob"]
    assert 100.0 == one.grade.mark
    assert 40.0 == one.grade.undecided
    assert "1 scenarios could not be played on this machine: because" in world.notes(one)
    assert {"says": 2} == world.kept("bob")


def test_a_machine_that_can_play_nothing_is_named(world: World):
    world.there.outcomes["ada"] = refused
    with pytest.raises(EnvironmentFault) as caught:
        world.grade()
    assert "the worker tcp://10.0.0.7:1 cannot play anything" in caught.value.text("en")
    assert "because" in caught.value.text("en")
    assert "因为" in caught.value.text("zh")
    assert world.there.abandoned


def test_a_machine_that_has_played_before_costs_but_one_submission(world: World):
    world.there.outcomes["bob"] = refused
    graded = world.grade()[0]
    assert (100.0, None, 100.0) == tuple(graded[key].grade.mark for key in ("ada", "bob", "eve"))
    assert "because" in world.notes(graded["bob"])


def test_another_version_is_no_answer(world: World, monkeypatch: pytest.MonkeyPatch):
    def newer(there: There, job: Job) -> Reply:
        with monkeypatch.context() as patched:
            patched.setattr(records, "__version__", "99")
            patched.setattr(parcel, "__version__", "99")
            return Reply(job.student.key, there.worker, parcel.pack(None))

    world.there.outcomes["ada"] = newer
    with pytest.raises(EnvironmentFault) as caught:
        world.grade()
    assert "tcp://10.0.0.7:1 has wirelab 99" in caught.value.text("en")


def test_it_waits_for_workers_but_not_for_ever(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster, "EVERY", 0.0)
    world.there.workers = iter([1, 0, 0, *[2] * 99])
    assert 3 == len(world.grade()[0])
    monkeypatch.setattr(cluster, "ALONE_SECONDS", 0.0)
    world.handed["late"] = world.hand_in("late")
    world.there.workers = iter(lambda: 0, 1)
    with pytest.raises(EnvironmentFault) as caught:
        world.grade()
    assert "tcp://10.0.0.5:8786" in caught.value.text("en")


def test_stopped_early_it_abandons_what_is_under_way(world: World):
    room = Cluster(world.lab, world.out, world.there, world.handed, jobs=None, sandboxed=True)
    entries = [Entry(one.student, one.digest, partial(prepare, one)) for one in world.handed.values()]
    events = room.grade(entries)
    while not isinstance(next(events), Graded):
        pass
    assert ["bob"] == room.under_way()
    assert not world.there.abandoned
    events.close()
    assert world.there.abandoned
