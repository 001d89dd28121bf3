"""Grades a class: prepares each submission, plays the lab's scenarios with it, keeps what was seen, and scores it.

One loop in one process, which forks a warm copy of itself for each thing to be done. Whatever is finished is kept in
the output folder at once (``records``); what is there already, and was made from the same submission and scenario by the
same kit, is not done again. Prints nothing.
"""

from __future__ import annotations

import selectors
import shlex
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wirelab.base.clock import now_ns
from wirelab.base.errors import EnvironmentFault, HarnessBug, InputError, UsageError, WirelabError
from wirelab.base.texts import Bilingual, Text, catalogue, register
from wirelab.compose import records
from wirelab.compose.artifacts import Run, write_run
from wirelab.compose.labs import LoadedLab, LoadedScenario
from wirelab.compose.play import begin
from wirelab.compose.programs import castings
from wirelab.compose.results import Shown, shown
from wirelab.compose.side_by_side import TRIES
from wirelab.compose.submissions import find_programs
from wirelab.judge.grades import Grade, PlayedRun, Student
from wirelab.judge.judge import judge
from wirelab.judge.points import score
from wirelab.judge.verdict import Judgement, Said, Verdict
from wirelab.observe.evidence import Evidence, Role
from wirelab.stage import pressure
from wirelab.stage.build import build
from wirelab.stage.sandbox import Sandbox
from wirelab.stage.script import Casting
from wirelab.stage.worker import Worker

AHEAD = 2  # submissions that are prepared while others are played

register(
    {
        "classroom.nothing": Text("nothing was handed in", "没有提交任何内容"),
        "classroom.no-tool": Text(
            "this machine has no '{program}', which the submission is started with; install it and grade again",
            "本机没有启动该提交所需的 '{program}'；请安装后重新评分",
        ),
        "classroom.no-program": Text(
            "the {role} of the submission is started with '{program}', which is not there",
            "该提交的 {role} 要用 '{program}' 启动，但没有这个程序",
        ),
        "classroom.machine": Text(
            "{count} scenarios could not be played on this machine: {why}", "有 {count} 个场景在本机上无法运行：{why}"
        ),
    }
)
_LANGUAGES = ("python3", "python", "java", "node", "go")  # what a machine may lack; the rest is the student's to bring


@dataclass(frozen=True, slots=True)
class Entry:
    """One submission to be graded. ``digest`` tells its content; ``prepare`` puts its files into a new folder and
    raises InputError or UsageError when they cannot be had. Without it there is none, for a ``problem``."""

    student: Student
    digest: str
    prepare: Callable[[Path], None] | None
    problem: Said | None = None


@dataclass(frozen=True, slots=True)
class RunOver:
    """One scenario is over: whose, which, the verdict, and whether it had been played before. No verdict: the machine
    did not let it be played."""

    student: Student
    scenario: str
    verdict: Verdict | None
    kept: bool


@dataclass(frozen=True, slots=True)
class Graded:
    """A submission is over: its grade, what feedback shows of the runs that did not pass, and how its programs are
    started."""

    grade: Grade
    shown: Mapping[str, Shown]
    commands: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that is ready to be played: how each role is started, what is missing, what the compiler said."""

    commands: dict[str, str]
    notes: tuple[Said, ...] = ()
    built: str = ""


@dataclass(slots=True)
class _Desk:
    """What is being done with one submission."""

    entry: Entry
    folder: Path
    began: int = 0
    waiting: deque[tuple[str, int]] = field(default_factory=deque)  # scenarios to be played, and the try it is
    under_way: int = 0
    judgements: dict[str, Judgement] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    prepared: Prepared | None = None
    programs: dict[str, Mapping[str, Casting]] = field(default_factory=dict)
    problem: Said | None = None
    faults: dict[str, Said] = field(default_factory=dict)  # by scenario
    shown: dict[str, Shown] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return not self.waiting and not self.under_way


class Classroom:
    """Grades submissions of one lab into ``out``."""

    def __init__(self, lab: LoadedLab, out: Path, *, jobs: int, sandbox: Sandbox | None, observe: bool = True) -> None:
        """At most ``jobs`` things are done at once. ``sandbox`` None: students' programs run as whoever grades."""
        self.lab, self.out, self.sandbox = lab, out, sandbox
        self._observe = observe
        self._gate = pressure.Gate(jobs)
        self._running: dict[int, tuple[Worker[Any], _Desk, str | None, int]] = {}
        self._selector = selectors.PollSelector()
        self._played = False  # whether anything was ever played here

    def grade(self, entries: Iterable[Entry]) -> Iterator[RunOver | Graded]:
        """Grade them, in about this order; tells of each scenario and of each submission when it is over.

        Raises EnvironmentFault when the machine cannot play anything. When the caller stops early, or is interrupted,
        all that is under way is ended first; what was kept stays.
        """
        coming, desks = iter(entries), deque[_Desk]()
        more = True
        try:
            while more or desks:
                while more and len(desks) < self._gate.allowed() + AHEAD:
                    entry = next(coming, None)
                    if entry is None:
                        more = False
                        break
                    desk = self._open(entry)
                    yield from (
                        RunOver(entry.student, name, item.verdict, True) for name, item in desk.judgements.items()
                    )
                    desks.append(desk)
                self._begin(desks)
                if self._running:
                    for key, _ in self._selector.select(pressure.EVERY):
                        yield from self._take(key.fd)
                for desk in [desk for desk in desks if desk.over]:
                    desks.remove(desk)
                    yield self._close(desk)
        finally:
            for worker, *_ in self._running.values():
                worker.stop()
            self._selector.close()
            shutil.rmtree(self.out / records.WORK, ignore_errors=True)

    def under_way(self) -> list[str]:
        """Whose submissions are being played or prepared just now."""
        return [desk.entry.student.called for _, desk, _, _ in self._running.values()]

    # --- beginning

    def _open(self, entry: Entry) -> _Desk:
        """What is to be done for a submission: everything but what is kept from before."""
        desk = _Desk(entry, self.out / records.STUDENTS / entry.student.key, now_ns())
        desk.problem = entry.problem
        if entry.prepare is None:
            desk.problem = desk.problem or Said(catalogue()["classroom.nothing"])
            return desk
        before = records.read_submission(desk.folder)
        if before is not None and before.digest == entry.digest and before.problem is not None:
            desk.problem = before.problem
            return desk
        missing = []
        for name, loaded in self.lab.scenarios.items():
            kept = records.read_kept(desk.folder, name, self._key(entry, loaded))
            if kept is None:
                missing.append(name)
            else:
                self._keep(desk, name, kept)
        if missing:
            desk.waiting.extend((name, 1) for name in missing)
        elif before is not None:
            desk.prepared = Prepared(dict(before.commands), before.notes, before.built)
        return desk

    def _keep(self, desk: _Desk, name: str, kept: records.Kept) -> None:
        desk.judgements[name], desk.tries[name] = kept.judgement, kept.tries
        if kept.judgement.verdict is not Verdict.PASS:
            desk.shown[name] = shown(kept.run, desk.entry.student.language)

    def _begin(self, desks: Iterable[_Desk]) -> None:
        """Begin as much as the machine bears, for the first submissions first."""
        for desk in desks:
            while desk.waiting and len(self._running) < self._gate.allowed():
                if desk.prepared is None:
                    if desk.under_way:
                        break  # its files are on their way
                    self._put(desk, None, 1, Worker(self._prepare(desk)))
                    continue
                name, tries = desk.waiting.popleft()
                loaded = self.lab.scenarios[name]
                worker = begin(
                    loaded.scenario,
                    loaded.profile,
                    desk.programs[name],
                    observe=self._observe,
                    sandbox=self.sandbox,
                )
                self._put(desk, name, tries, worker)

    def _put(self, desk: _Desk, name: str | None, tries: int, worker: Worker[Any]) -> None:
        desk.under_way += 1
        self._running[worker.fileno()] = worker, desk, name, tries
        self._selector.register(worker.fileno(), selectors.EVENT_READ)

    def _work_folder(self, desk: _Desk) -> Path:
        return self.out / records.WORK / desk.entry.student.key

    def _prepare(self, desk: _Desk) -> Callable[[int], object]:
        prepare, work, roles = desk.entry.prepare, self._work_folder(desk), self.lab.lab.hands_in
        assert prepare is not None

        def do(_: int) -> Prepared:
            shutil.rmtree(work, ignore_errors=True)
            work.parent.mkdir(parents=True, exist_ok=True)
            prepare(work)
            return prepared(work, roles, self.sandbox)

        return do

    # --- ending

    def _take(self, fd: int) -> Iterator[RunOver]:
        worker, desk, name, tries = self._running.pop(fd)
        self._selector.unregister(fd)
        desk.under_way -= 1
        try:
            result = worker.result()
        except (HarnessBug, EnvironmentFault) as fault:
            if not self._played and isinstance(fault, EnvironmentFault):
                raise
            yield from self._failed(desk, name, tries, _said(fault))
            return
        except WirelabError as error:  # the submission's own: its files, its build, its commands
            desk.problem = _said(error)
            desk.waiting.clear()
            return
        worker.wait()
        if name is None:
            assert isinstance(result, Prepared)
            self._ready(desk, result)
        else:
            assert isinstance(result, Evidence)
            self._played = True
            yield from self._judge(desk, name, tries, result)

    def _ready(self, desk: _Desk, result: Prepared) -> None:
        """Its files are there: those scenarios can be played for whose role there is a program."""
        desk.prepared = result
        work, waiting = self._work_folder(desk), desk.waiting
        desk.waiting = deque()
        for name, tries in waiting:
            scenario = self.lab.scenarios[name].scenario
            if scenario.tests != "both" and scenario.tests not in result.commands:
                desk.judgements[name] = Judgement(name, (), Verdict.FAIL)
                continue
            try:
                desk.programs[name] = castings(scenario, result.commands, work)
            except UsageError as error:
                desk.problem = _said(error)
                desk.waiting.clear()
                return
            desk.waiting.append((name, tries))

    def _judge(self, desk: _Desk, name: str, tries: int, evidence: Evidence) -> Iterator[RunOver]:
        loaded = self.lab.scenarios[name]
        judgement = judge(loaded.scenario, loaded.profile, evidence)
        if judgement.verdict is Verdict.INCONCLUSIVE and tries < TRIES:
            desk.waiting.append((name, tries + 1))
            return
        desk.judgements[name], desk.tries[name] = judgement, tries
        run = Run(loaded.scenario, loaded.source, loaded.profile, evidence)
        if judgement.verdict is not Verdict.PASS:
            desk.shown[name] = shown(run, desk.entry.student.language)
        key = self._key(desk.entry, loaded)
        with records.keeping(desk.folder, name, key, tries) as folder:
            write_run(folder, run, judgement, desk.entry.student.language)
        yield RunOver(desk.entry.student, name, judgement.verdict, False)

    def _failed(self, desk: _Desk, name: str | None, tries: int, why: Said) -> Iterator[RunOver]:
        """The machine did not let something be done: it is tried again, and then left undecided."""
        if name is None:
            for each, _ in desk.waiting:
                desk.faults[each] = why
                yield RunOver(desk.entry.student, each, None, False)
            desk.waiting.clear()
        elif tries < TRIES:
            desk.waiting.append((name, tries + 1))
        else:
            desk.faults[name] = why
            yield RunOver(desk.entry.student, name, None, False)

    def _close(self, desk: _Desk) -> Graded:
        """The grade of a submission with which all is done; its files go."""
        remove(self._work_folder(desk))
        done, entry = desk.prepared or Prepared({}), desk.entry
        record = records.Submission(entry.student, entry.digest, done.commands, desk.problem, done.notes, done.built)
        if not desk.faults:
            records.write_submission(desk.folder, record)
        notes = list(done.notes)
        if desk.faults:
            why = next(iter(desk.faults.values()))
            told = Bilingual(why.in_("en"), why.in_("zh"))
            notes.append(Said(catalogue()["classroom.machine"], {"count": len(desk.faults), "why": told}))
        grade = graded(self.lab, record, desk.judgements, desk.tries)
        seconds = round((now_ns() - desk.began) / 1e9, 3)
        return Graded(replace(grade, seconds=seconds, notes=tuple(notes)), desk.shown, done.commands)

    def _key(self, entry: Entry, loaded: LoadedScenario) -> str:
        """What a run was made from."""
        return records.key(entry.digest, loaded.scenario.text, loaded.source)


def graded(
    lab: LoadedLab, record: records.Submission, judgements: Mapping[str, Judgement], tries: Mapping[str, int]
) -> Grade:
    """The grade that judgements by scenario give."""
    runs = tuple(
        PlayedRun(
            name,
            Bilingual(loaded.scenario.title.en, loaded.scenario.title.zh),
            name in lab.lab.hidden,
            judgements[name],
            tries.get(name, 0),
            f"{records.RUNS}/{name}" if name in tries else "",
        )
        for name, loaded in lab.scenarios.items()
        if name in judgements
    )
    scores = score(lab.lab.rubric, judgements if record.problem is None else {})
    return Grade(record.student, lab.lab, scores, runs, record.problem, record.built, 0.0, record.notes)


def regraded(lab: LoadedLab, out: Path, key: str) -> Graded | None:
    """The grade of one student from what is kept in ``out``, without playing anything; None when nothing is."""
    folder = out / records.STUDENTS / key
    record = records.read_submission(folder)
    if record is None:
        return None
    kept = {name: records.read_kept(folder, name, None) for name in lab.scenarios}
    runs = {name: one for name, one in kept.items() if one is not None}
    judgements = {name: one.judgement for name, one in runs.items()}
    for name, loaded in lab.scenarios.items():  # what a missing program was to play
        tests = loaded.scenario.tests
        if record.problem is None and tests != "both" and tests not in record.commands:
            judgements.setdefault(name, Judgement(name, (), Verdict.FAIL))
    grade = graded(lab, record, judgements, {name: one.tries for name, one in runs.items()})
    failed = {name: one for name, one in runs.items() if one.judgement.verdict is not Verdict.PASS}
    pages = {name: shown(one.run, record.student.language) for name, one in failed.items()}
    return Graded(grade, pages, record.commands)


def prepared(folder: Path, roles: Iterable[Role], sandbox: Sandbox | None) -> Prepared:
    """Find a submission's programs, and build them.

    Raises UsageError when there is none of them, or they cannot be built; EnvironmentFault when this machine lacks what
    a language needs. When only some are there, the notes say what is missing.
    """
    commands: dict[str, str] = {}
    building: list[str] = []
    missing: list[UsageError] = []
    for role in roles:
        try:
            found = find_programs(folder, (role,))
        except UsageError as error:
            missing.append(error)
            continue
        commands |= found.commands
        building += found.build
    # What it lacks is told as seen from its own folder: where that lies here means nothing to a student.
    lacks = [UsageError(error.key, **error.values | {"folder": "."}) for error in missing]
    if not commands:
        raise lacks[0]
    built = [build(command, folder, sandbox=sandbox).output for command in dict.fromkeys(building)]
    for name, command in commands.items():
        _check(command, name, folder, sandbox)
    return Prepared(commands, tuple(map(_said, lacks)), "\n".join(output for output in built if output))


def _check(command: str, role: str, folder: Path, sandbox: Sandbox | None) -> None:
    """Whether the program that a command begins with is there."""
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        return  # who reads the command says what is wrong with it
    if "/" in program:
        there = (folder / program).exists()
    else:
        there = sandbox.finds(program) if sandbox else shutil.which(program) is not None
    if not there and program in _LANGUAGES:
        raise EnvironmentFault("classroom.no-tool", program=program)
    if not there:
        raise UsageError("classroom.no-program", role=role, program=program)


def _said(error: WirelabError) -> Said:
    """An error's words, to be said in a report."""
    return Said(catalogue()[error.key], error.values)


def remove(folder: Path) -> None:
    """Remove a folder with whatever is in it, also where that is closed. Raises InputError when it cannot be."""

    def open_up(function: Callable[[str], object], path: str, _: object) -> None:
        parent = Path(path).parent
        for closed in (parent, Path(path)):
            if closed.is_dir() and not closed.is_symlink():
                closed.chmod(0o700)
        function(path)

    try:
        shutil.rmtree(folder, onerror=open_up)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError("records.unwritable", folder=folder, why=error.strerror or error) from None
