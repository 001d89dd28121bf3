"""Lets a reading go on where it stopped: with the least that must be wrong for the rest to fit.

Mends are searched for by cost, several deep, on the segments that follow: a line that is missing, a segment that is extra,
a pair that differs. After the cheapest way past them reading goes on by the rules, until it stops again. The work is
bounded; where it ends, ``align`` lays what is left side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wirelab.judge.differences import LATE, differences, price
from wirelab.judge.match_reader import Outcome, Reader
from wirelab.judge.match_reading import LATER, Link, Mend, Reading
from wirelab.judge.match_states import lines_ahead
from wirelab.judge.match_wire import Wire

DEEP = 10  # mends that are searched for at a time
BEAM = 8  # ways that are followed side by side
AHEAD = 150  # segments on which they are tried
WORK = 20_000  # segments that are read for all mends of a trace
CHOICES = 6  # lines that may be next, of those that are tried
BACK = 200  # segments passed over in a ``...`` that are looked at for a line out of time
FORBIDDEN = 0.5  # what it costs to let a segment come that only ``strict`` forbids


class _Trial(NamedTuple):
    """A reading that was mended, the segment it goes on with, and what its mends cost."""

    reading: Reading
    start: int
    cost: float


def mend(reader: Reader, wire: Wire, outcome: Outcome) -> Outcome:
    """Go on from where reading stopped, as often as need be. Nothing is mended when only more segments are awaited."""
    ambiguous = reader.ambiguous  # what is tried here does not make the trace any less clear
    search = _Search(reader, wire)
    while outcome.stopped is not None and search.work > 0:
        found = search.past(_Trial(outcome.reading, outcome.stopped, 0.0))
        if found is None:
            break
        outcome = reader.follow([found.reading], found.start, len(wire.seen))
        search.work -= outcome.reached - found.start
    reader.ambiguous = ambiguous
    return outcome


class _Search:
    """Searches for the cheapest mends; ``work`` is what it may still read."""

    def __init__(self, reader: Reader, wire: Wire) -> None:
        self._reader = reader
        self._wire = wire
        self.work = WORK

    def past(self, stuck: _Trial) -> _Trial | None:
        """The cheapest way past a segment, and past those after it that stop that way."""
        until = min(len(self._wire.seen), stuck.start + AHEAD)
        beam = [stuck]
        best: tuple[float, _Trial] | None = None
        for _ in range(DEEP):
            stopped: list[_Trial] = []
            for one in beam:
                for trial in _trials(self._reader, self._wire, one):
                    cost, again = self._try(trial, until)
                    if again is not None:
                        stopped.append(again)
                    elif best is None or cost < best[0]:
                        best = cost, trial
                    if self.work <= 0:
                        return best[1] if best else None
            stopped.sort(key=lambda trial: (trial.cost, -trial.start))
            beam = [trial for trial in stopped if best is None or trial.cost < best[0]][:BEAM]
            if not beam:
                break
        return best[1] if best else None

    def _try(self, trial: _Trial, until: int) -> tuple[float, _Trial | None]:
        """Read on from a mend: what it costs in all, and where it stopped, if it did."""
        outcome = self._reader.follow([trial.reading.copy()], trial.start, until)
        self.work -= max(1, outcome.reached - trial.start)
        if outcome.stopped is not None:
            return trial.cost, _Trial(outcome.reading, outcome.stopped, trial.cost)
        if outcome.complete or until < len(self._wire.seen):
            return trial.cost, None
        return trial.cost + (len(lines_ahead(outcome.reading.state)) or 1), None  # or bytes that no line is about


def _trials(reader: Reader, wire: Wire, stuck: _Trial) -> Iterator[_Trial]:
    reading, seen = stuck.reading, wire.seen[stuck.start]
    state, book, fitter = reading.state, reading.book, reader.fitter
    for step in state.steps[:CHOICES]:
        if step.variation is not None:
            continue  # who closes one side after the other, does not close crossed
        why = differences(step.line, seen, book, fitter, wire) or ("data",)  # bytes before it that no line is about
        cost = price(why)
        if cost is not None:
            forced = fitter.force(step.line, seen, book)
            for after in step.rest.states():
                link = Link(Mend("different", step.line, why), seen.index, reading.path)
                yield _Trial(reading.then(after, forced, link), seen.index + 1, stuck.cost + cost)
        for after in step.rest.states():
            link = Link(Mend("missing", step.line), LATER, reading.path)
            yield _Trial(reading.then(after, book, link), seen.index, stuck.cost + 1.0)
    link = Link(Mend("extra", None), seen.index, reading.path)
    cost = stuck.cost + (1.0 if seen.passes is None else FORBIDDEN)
    yield _Trial(reading.then(state, fitter.ignore(seen, book), link), seen.index + 1, cost)
    if state.gap:
        yield from _late(reader, wire, stuck)


def _late(reader: Reader, wire: Wire, stuck: _Trial) -> Iterator[_Trial]:
    """A line whose segment was passed over because it came at the wrong time."""
    reading = stuck.reading
    start = max(reading.path.at + 1 if reading.path else 0, stuck.start - BACK)
    for earlier in wire.seen[start : stuck.start]:
        for step in reading.state.steps[:CHOICES]:
            if step.line.bounds and differences(step.line, earlier, reading.book, reader.fitter, wire) == ("time",):
                link = Link(Mend("different", step.line, ("time",)), earlier.index, reading.path)
                book = reader.fitter.force(step.line, earlier, reading.book)
                for after in step.rest.states():
                    yield _Trial(reading.then(after, book, link), earlier.index + 1, stuck.cost + LATE)
