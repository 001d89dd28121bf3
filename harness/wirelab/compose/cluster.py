"""Grades a class on a cluster: sends submissions to workers, keeps what they played, and scores it.

What is kept, what is done again and how a grade comes about is as in ``classroom``; only the playing is elsewhere, a
submission at a time. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from wirelab.base.clock import Deadline, now_ns
from wirelab.base.errors import EnvironmentFault, HarnessBug, InputError
from wirelab.base.texts import Bilingual, Text, register
from wirelab.compose import class_reports, kit, library, parcel, records
from wirelab.compose.dask_link import Reply
from wirelab.compose.desk import FAULT, Desk, Entry, Graded, RunOver
from wirelab.compose.handed_in import HandedIn
from wirelab.compose.labs import LoadedLab
from wirelab.compose.parcel import Answer, Refusal
from wirelab.compose.preparation import Prepared, told
from wirelab.judge.verdict import Said
from wirelab.stage.removing import remove

EVERY = 1.0  # seconds between two looks at how many workers there are
AHEAD = 2  # submissions on their way for each that is being played: enough that nobody waits, few enough for the memory
ALONE_SECONDS = 60.0  # for which there may be no worker at all

register(
    {
        "cluster.refused": Text(
            "the worker {worker} cannot play anything; mend that there, or stop this worker:\n{why}",
            "worker {worker} 无法运行任何场景；请在那台机器上解决，或停掉这个 worker：\n{why}",
        ),
        "cluster.alone": Text(
            "the Dask scheduler at {address} has had no worker for {seconds:.0f} s",
            "{address} 的 Dask 调度器已经 {seconds:.0f} 秒没有 worker",
        ),
    }
)


class Link(Protocol):
    """What this needs of a cluster (``dask_link.Link``)."""

    address: str

    def threads(self) -> int: ...
    def submit(self, key: str, job: bytes) -> None: ...
    def over(self, seconds: float) -> Reply | None: ...
    def abandon(self) -> None: ...


class Cluster:
    """Grades submissions of one lab into ``out``."""

    def __init__(
        self,
        lab: LoadedLab,
        out: Path,
        link: Link,
        handed: Mapping[str, HandedIn],
        *,
        jobs: int | None,
        sandboxed: bool,
        observe: bool = True,
    ) -> None:
        """``handed`` are the submissions by their students' keys. Each worker plays ``jobs`` runs at once at most, by
        default what suits it; without a sandbox, as whoever started it."""
        self.lab, self.out = lab, out
        self._link, self._handed = link, handed
        self._text = library.read_text(lab.folder / kit.LAB_FILE)
        self._jobs, self._sandboxed, self._observe = jobs, sandboxed, observe
        self._desks: dict[str, Desk] = {}  # of submissions that are on their way, by students' keys
        self._threads = 0
        self._proven: set[str] = set()  # workers that have played something
        self._alone = Deadline.after(ALONE_SECONDS)

    def grade(self, entries: Iterable[Entry]) -> Generator[RunOver | Graded, None, None]:
        """Grade them, in about this order; tells of each scenario and of each submission when it is over.

        Raises EnvironmentFault when the scheduler or all workers are gone, a worker can play nothing, or has another
        wirelab. When the caller stops early, or is interrupted, all that is under way is ended first; what was kept
        stays.
        """
        coming, more = iter(entries), True
        look = Deadline.after(0.0)
        try:
            while more or self._desks:
                if look.passed:
                    self._look()
                    look = Deadline.after(EVERY)
                while more and len(self._desks) < AHEAD * self._threads:
                    entry = next(coming, None)
                    if entry is None:
                        more = False
                        break
                    desk = Desk.opened(self.lab, self.out, entry)
                    yield from desk.clear()
                    if not desk.over:
                        self._send(desk)
                    if desk.over:
                        yield desk.closed()
                if (more or self._desks) and (reply := self._link.over(look.left())) is not None:
                    yield from self._take(reply)
        finally:
            self._link.abandon()
            remove(self.out / records.WORK)

    def under_way(self) -> list[str]:
        """Whose submissions are being played just now: those that were sent first, for as many as there are workers."""
        return [desk.entry.student.called for desk in list(self._desks.values())[: self._threads]]

    def _look(self) -> None:
        """See how many workers there are: they come and go."""
        self._threads = self._link.threads()
        if self._threads:
            self._alone = Deadline.after(ALONE_SECONDS)
        elif self._alone.passed:
            raise EnvironmentFault("cluster.alone", address=self._link.address, seconds=ALONE_SECONDS)

    def _send(self, desk: Desk) -> None:
        """Read what was handed in, and send it with what is to be played; only what is on its way is in memory."""
        key = desk.entry.student.key
        names = [name for name, _ in desk.waiting]
        try:
            job = parcel.job(
                self._handed[key],
                self.lab,
                self._text,
                names,
                jobs=self._jobs,
                sandboxed=self._sandboxed,
                observe=self._observe,
            )
        except InputError as error:
            desk.problem = told(error)
            desk.waiting.clear()
            return
        self._link.submit(key, parcel.pack(job))
        self._desks[key] = desk

    def _take(self, reply: Reply) -> Iterator[RunOver | Graded]:
        """Keep what came back, or say why nothing did."""
        desk = self._desks[reply.key]
        if reply.fault is not None:
            yield from self._undecided(desk, told(reply.fault))
        elif reply.parcel is None:
            yield from self._undecided(desk, desk.why(HarnessBug("apart.gone", how=reply.worker, said=reply.said)))
        else:
            answer = parcel.unpack(reply.parcel, reply.worker)
            if isinstance(answer, Refusal):
                if reply.worker not in self._proven:
                    why = Bilingual(answer.why.in_("en"), answer.why.in_("zh"))
                    raise EnvironmentFault("cluster.refused", worker=reply.worker, why=why)
                yield from self._undecided(desk, answer.why)
            else:
                assert isinstance(answer, Answer)
                if answer.runs:
                    self._proven.add(reply.worker)
                yield from self._keep(desk, answer)
        del self._desks[reply.key]
        yield desk.closed()

    def _undecided(self, desk: Desk, why: Said) -> Iterator[RunOver]:
        for name, _ in desk.waiting:
            desk.faults[name] = why
            yield RunOver(desk.entry.student, name, None, False)
        desk.waiting.clear()

    def _keep(self, desk: Desk, answer: Answer) -> Iterator[RunOver]:
        """Write what was played into OUT, and take its verdicts for the grade."""
        record, graded = answer.record, answer.graded
        desk.began = now_ns() - round(graded.grade.seconds * 1e9)
        desk.prepared = Prepared(record.commands, record.notes, record.built, prints=record.prints)
        desk.problem = record.problem
        desk.faults.update(graded.faults)
        desk.shown.update(graded.shown)
        records.write_submission(desk.folder, desk.record())
        if answer.fault:
            records.write(desk.folder / FAULT, answer.fault)
        if answer.report is not None:
            records.write(desk.folder / class_reports.FILE, answer.report)
        else:
            (desk.folder / class_reports.FILE).unlink(missing_ok=True)
        found = {run.scenario: run for run in graded.grade.runs}
        for name, _ in desk.waiting:
            run = found.get(name)
            if run is not None:
                desk.judgements[name] = run.judgement
            if run is not None and name in answer.runs:
                desk.tries[name] = run.tries
                digest = desk.entry.digest
                with records.keeping(desk.folder, name, desk.key(name), digest, run.tries) as folder:
                    parcel.put(answer.runs[name], folder)
            if record.problem is None:
                yield RunOver(desk.entry.student, name, run.judgement.verdict if run else None, False)
        desk.waiting.clear()
