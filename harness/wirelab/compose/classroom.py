"""Grades a class: prepares each submission, plays the lab's scenarios with it, keeps what was seen, and scores it.

One loop in one process, which forks a warm copy of itself for each thing to be done. Whatever is finished is kept in
the output folder at once (``records``); what is there already, and was made from the same submission and scenario by the
same kit, is not done again. Prints nothing.
"""

from __future__ import annotations

import selectors
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from wirelab.base.errors import EnvironmentFault, HarnessBug, Overrun, WirelabError
from wirelab.base.texts import Language, Text, catalogue, register
from wirelab.compose import class_reports, records
from wirelab.compose.artifacts import Run, write_run
from wirelab.compose.desk import FAULT, Desk, Entry, Graded, RunOver, graded
from wirelab.compose.labs import LoadedLab
from wirelab.compose.members import disk
from wirelab.compose.play import begin
from wirelab.compose.preparation import Prepared, prepared, told
from wirelab.compose.programs import castings
from wirelab.compose.results import shown
from wirelab.compose.run_page import keep_page
from wirelab.compose.side_by_side import TRIES
from wirelab.judge.grades import Grade, Student
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Judgement, Said, Verdict
from wirelab.observe.evidence import Evidence
from wirelab.stage import linux, pressure
from wirelab.stage.loopback import Unplayable
from wirelab.stage.removing import remove
from wirelab.stage.sandbox import Sandbox
from wirelab.stage.worker import Worker

JOBS_PER_CPU = 8  # at most; how many it really is follows from how busy the processors are
AHEAD = 2  # submissions that are prepared while others are played

register(
    {
        "classroom.changed": Text(
            "{count} scenarios have changed since they were played: this is the mark for what was played; `wirelab grade` "
            "plays them again",
            "有 {count} 个场景在运行之后改过：这里的成绩针对当时运行的内容；`wirelab grade` 会重新运行它们",
        ),
        "classroom.not-yet": Text(
            "{count} scenarios have not been played yet; `wirelab grade` goes on with them",
            "还有 {count} 个场景没有运行；`wirelab grade` 会继续运行它们",
        ),
    }
)


class Classroom:
    """Grades submissions of one lab into ``out``."""

    def __init__(self, lab: LoadedLab, out: Path, *, jobs: int, sandbox: Sandbox | None, observe: bool = True) -> None:
        """At most ``jobs`` things are done at once. ``sandbox`` None: students' programs run as whoever grades."""
        self.lab, self.out, self.sandbox = lab, out, sandbox
        self._observe = observe
        self._gate = pressure.Gate(jobs)
        self._running: dict[int, tuple[Worker[Any], Desk, str | None, int]] = {}
        self._selector = selectors.PollSelector()
        self._played = False  # whether anything was ever played here

    def grade(self, entries: Iterable[Entry]) -> Generator[RunOver | Graded, None, None]:
        """Grade them, in about this order; tells of each scenario and of each submission when it is over.

        Raises EnvironmentFault when the machine cannot play anything. When the caller stops early, or is interrupted,
        all that is under way is ended first; what was kept stays.
        """
        coming, desks = iter(entries), deque[Desk]()
        more = True
        try:
            while more or desks:
                while more and len(desks) < self._gate.allowed() + AHEAD:
                    entry = next(coming, None)
                    if entry is None:
                        more = False
                        break
                    desk = Desk.opened(self.lab, self.out, entry)
                    yield from desk.clear()
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
            remove(self.out / records.WORK)

    def under_way(self) -> list[str]:
        """Whose submissions are being played or prepared just now."""
        return [desk.entry.student.called for _, desk, _, _ in self._running.values()]

    # --- beginning

    def _begin(self, desks: Iterable[Desk]) -> None:
        """Begin as much as the machine bears, for the first submissions first."""
        for desk in desks:
            while desk.waiting and len(self._running) < self._gate.allowed():
                if desk.prepared is None:
                    if desk.under_way or self._alone:
                        break  # its files are on their way
                    self._put(desk, None, 1, Worker(self._prepare(desk)))
                    continue
                name, tries = desk.waiting[0]
                if self._alone or (tries == TRIES and self._running):
                    break  # the last try has the machine to itself: programs that burn it may be the others' trouble
                loaded = self.lab.scenarios[name]
                try:
                    worker = begin(
                        loaded.scenario,
                        loaded.profile,
                        desk.programs[name],
                        observe=self._observe,
                        sandbox=self.sandbox,
                    )
                except EnvironmentFault:
                    if not self._running:
                        raise
                    return  # no more processes: when those that run are over there will be
                desk.waiting.popleft()
                self._put(desk, name, tries, worker)

    @property
    def _alone(self) -> bool:
        """Whether a last try is under way, beside which nothing begins."""
        return any(name is not None and tries == TRIES for _, _, name, tries in self._running.values())

    def _put(self, desk: Desk, name: str | None, tries: int, worker: Worker[Any]) -> None:
        desk.under_way += 1
        self._running[worker.fileno()] = worker, desk, name, tries
        self._selector.register(worker.fileno(), selectors.EVENT_READ)

    def _work_folder(self, desk: Desk) -> Path:
        return self.out / records.WORK / desk.entry.student.key

    def _prepare(self, desk: Desk) -> Callable[[int], object]:
        prepare, work, roles = desk.entry.prepare, self._work_folder(desk), self.lab.lab.hands_in
        folder, lab = desk.folder, self.lab
        assert prepare is not None

        def do(_: int) -> Prepared:
            linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
            if not remove(work):
                raise EnvironmentFault("records.unwritable", folder=work, why="-")
            with disk(work):
                work.parent.mkdir(parents=True, exist_ok=True)
            prepare(work)
            class_reports.keep(work, folder, lab)
            return prepared(work, roles, self.sandbox)

        return do

    # --- ending

    def _take(self, fd: int) -> Iterator[RunOver]:
        worker, desk, name, tries = self._running.pop(fd)
        self._selector.unregister(fd)
        desk.under_way -= 1
        try:
            result = worker.result()
        except Unplayable as fault:
            yield from self._failed(desk, name, TRIES, desk.why(fault))
            return
        except (HarnessBug, EnvironmentFault, Overrun) as fault:
            if not self._played and isinstance(fault, EnvironmentFault):
                raise
            yield from self._failed(desk, name, tries, desk.why(fault))
            return
        except WirelabError as error:  # the submission's own: its files, its build, its commands
            desk.problem = told(error, self._work_folder(desk))
            desk.waiting.clear()
            return
        worker.wait()
        if name is None:
            assert isinstance(result, Prepared)
            yield from self._ready(desk, result)
        else:
            assert isinstance(result, Evidence)
            self._played = True
            yield from self._judge(desk, name, tries, result)

    def _ready(self, desk: Desk, result: Prepared) -> Iterator[RunOver]:
        """Its files are there: those scenarios can be played for whose role there is a program."""
        waiting, desk.waiting = desk.waiting, deque()
        playable = result.commands.keys() - result.lacking.keys()
        commands = dict(result.commands) if playable else {}
        for name, tries in waiting:
            scenario = self.lab.scenarios[name].scenario
            tested = ("client", "server") if scenario.tests == "both" else (scenario.tests,)
            lacks = [why for role, why in result.lacking.items() if role in tested or not playable]
            if lacks:
                desk.faults[name] = lacks[0]
                yield RunOver(desk.entry.student, name, None, True)
                continue
            if commands.keys() & tested:
                desk.programs[name] = castings(scenario, commands, self._work_folder(desk))
                desk.waiting.append((name, tries))
                continue
            desk.judgements[name] = Judgement(name, (), Verdict.FAIL)
            yield RunOver(desk.entry.student, name, Verdict.FAIL, True)
        desk.prepared = replace(result, commands=commands)
        records.write_submission(desk.folder, desk.record())  # what is played from now on is found again by it

    def _judge(self, desk: Desk, name: str, tries: int, evidence: Evidence) -> Iterator[RunOver]:
        loaded = self.lab.scenarios[name]
        try:
            judgement = judge(loaded.scenario, loaded.profile, evidence)
        except Overrun as fault:
            yield from self._failed(desk, name, TRIES, desk.why(fault))
            return
        except Exception:  # one run that we stumble over must not cost the others
            bug = HarnessBug("worker.bug", trace=traceback.format_exc())
            yield from self._failed(desk, name, tries, desk.why(bug))
            return
        if judgement.verdict is Verdict.INCONCLUSIVE and tries < TRIES:
            desk.waiting.append((name, tries + 1))
            return
        desk.judgements[name], desk.tries[name] = judgement, tries
        run = Run(loaded.scenario, loaded.source, loaded.profile, evidence)
        if judgement.verdict is not Verdict.PASS:
            desk.shown[name] = shown(run, desk.entry.student.language)
        with records.keeping(desk.folder, name, desk.key(name), desk.entry.digest, tries) as folder:
            write_run(folder, run, judgement, desk.entry.student.language)
            _keep_page(desk.folder, name, run, judgement, desk.entry.student.language)
        yield RunOver(desk.entry.student, name, judgement.verdict, False)

    def _failed(self, desk: Desk, name: str | None, tries: int, why: Said) -> Iterator[RunOver]:
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

    def _close(self, desk: Desk) -> Graded:
        """The grade of a submission with which all is done; its files go."""
        remove(self._work_folder(desk))
        return desk.closed()


def regraded(lab: LoadedLab, out: Path, key: str) -> Graded:
    """The grade of one student from what is kept in ``out``, without playing anything."""
    folder = out / records.STUDENTS / key
    record = records.read_submission(folder)
    if record is None:
        return Graded(ungraded(lab, Student(key)), {}, {})
    found = {name: records.read_kept(folder, name, None, record.digest) for name in lab.scenarios}
    runs = {name: one for name, one in found.items() if one is not None and record.problem is None}
    judgements = {name: one.judgement for name, one in runs.items()}
    for name, loaded in lab.scenarios.items():  # what a missing program was to play
        tests = loaded.scenario.tests
        if record.commands and tests != "both" and tests not in record.commands:
            judgements.setdefault(name, Judgement(name, (), Verdict.FAIL))
    missing = 0 if record.problem is not None else len(lab.scenarios) - len(judgements)
    texts = {name: (one.run.scenario.text, one.run.protocol) for name, one in runs.items()}
    changed = sum(texts[name] != (lab.scenarios[name].scenario.text, lab.scenarios[name].source) for name in texts)
    for word, count in (("classroom.not-yet", missing), ("classroom.changed", changed)):
        if count:
            record = replace(record, notes=(*record.notes, Said(catalogue()[word], {"count": count})))
    report = None if lab.reports is None else class_reports.reported(folder, lab, record.student)
    grade = graded(lab, record, judgements, {name: one.tries for name, one in runs.items()}, report)
    for name, one in runs.items():
        _keep_page(folder, name, one.run, one.judgement, record.student.language)
    failed = {name: one for name, one in runs.items() if one.judgement.verdict is not Verdict.PASS}
    pages = {name: shown(one.run, record.student.language) for name, one in failed.items()}
    return Graded(grade, pages, record.commands)


def _keep_page(folder: Path, name: str, run: Run, judgement: Judgement, language: Language) -> None:
    """The page of a run of the submission that is kept in ``folder``, where there is something to look into."""
    try:
        keep_page(folder / records.RUNS / name, run, judgement, language)
    except WirelabError:
        raise
    except Exception:  # a page that we stumble over must not cost a class its marks
        records.write(folder / FAULT, traceback.format_exc())


def ungraded(lab: LoadedLab, student: Student) -> Grade:
    """What is said of a student whom grading has not come to: nothing is decided."""
    left = Said(catalogue()["classroom.not-yet"], {"count": len(lab.scenarios)})
    return graded(lab, records.Submission(student, "", {}, notes=(left,)), {}, {})
