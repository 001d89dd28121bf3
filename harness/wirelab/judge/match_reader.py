"""Reads the segments of a connection as a trace, all readings at once. See ``match`` for the theory of operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from wirelab.declare.trace import Line, Trace, Variation
from wirelab.judge.match_lines import OPEN, Book, Fitter
from wirelab.judge.match_reading import LATER, Link, Reading
from wirelab.judge.match_states import Crossed, Rest, beginning
from wirelab.judge.match_wire import Seen, Wire
from wirelab.observe.connections import Side
from wirelab.observe.segments import ACK

FEWEST, MOST = 10, 64  # readings at a time: fewer when there are many segments
LOOK, FIT = 1, 12  # what it costs to look at a line, and to compare it
WORK, EACH = 400_000, 20_000  # what all segments together may cost, and at most any one
SHARE = 40  # what every one may cost, however many there are: enough for a trace that is not ambiguous


class Outcome(NamedTuple):
    """How far reading came: the best reading; the segment at which that one stopped, None when it waits for more; the
    one at which the last of all stopped; and whether the best one is complete."""

    reading: Reading
    stopped: int | None
    reached: int
    complete: bool = False


class Reader:
    """Reads a connection as a trace, once."""

    def __init__(self, trace: Trace, wire: Wire, sides: Mapping[str, Side]) -> None:
        self.fitter = Fitter(trace, wire, sides)
        self.ambiguous = False
        self._wire = wire
        self._strict = trace.strict
        self._start = beginning(trace)
        count = max(1, len(wire.seen))
        self._share = max(SHARE, WORK // count)
        self._room = max(FEWEST, min(MOST, WORK // (4 * count)))
        self._purse = EACH  # what may still be spent on this segment; what is not spent is left for later ones
        self._best: tuple[Reading, int | None] | None = None

    def beginnings(self) -> list[Reading]:
        """The readings before the first segment."""
        return [Reading(state, Book()) for state in self._start.states()]

    def follow(self, readings: list[Reading], start: int, stop: int) -> Outcome:
        """Read the segments from ``start`` on, before ``stop``; readings that are given away are used up."""
        self._best = None
        for seen in self._wire.seen[start:stop]:
            readings = self._advance(readings, seen)
            if not readings:
                return self._outcome(seen.index)
        if stop == len(self._wire.seen):
            complete = [reading for reading in readings if reading.state.final and self._accounted(reading)]
            if complete:
                return Outcome(max(complete, key=lambda reading: -reading.variations), None, stop, complete=True)
        for reading in readings:
            self._ended(reading, None)
        return self._outcome(stop)

    def _outcome(self, reached: int) -> Outcome:
        assert self._best is not None
        return Outcome(*self._best, reached)

    def _accounted(self, reading: Reading) -> bool:
        return reading.state.gap or all(
            reading.book.accounted(side) >= (ends[-1] if ends else 0) for side, ends in self._wire.ends.items()
        )

    def _advance(self, readings: list[Reading], seen: Seen) -> list[Reading]:
        """All readings after one more segment, the best when there are too many."""
        self._purse = min(EACH, self._purse + self._share)
        kept: list[Reading] = []
        new: list[Reading] = []
        for reading in readings:
            made = self._covered(reading, seen)
            new += made
            if self._passed(reading, seen):
                kept.append(reading)
            else:
                self._ended(reading, seen.index)
        if self._purse < 0:
            self.ambiguous = True
        return self._fewer(kept + new) if new else kept  # who read a line earlier goes first

    def _fewer(self, readings: list[Reading]) -> list[Reading]:
        """Of readings that differ in nothing that matters from here on, the best one; and no more than there is room for."""
        known: dict[tuple[object, ...], Reading] = {}
        for reading in readings:
            key = (id(reading.state), reading.book.time if self.fitter.timed else None, *reading.book.key)
            if key not in known or reading.worth > known[key].worth:
                known[key] = reading
        left = list(known.values())
        if len(left) > self._room:
            self.ambiguous = True
            left.sort(key=lambda reading: reading.worth, reverse=True)
            del left[self._room :]
        return left

    def _ended(self, reading: Reading, index: int | None) -> None:
        """A reading came to its end at a segment, or with the last one (None)."""
        if self._best is None or self._came(reading, index) > self._came(*self._best):
            self._best = reading, index

    def _came(self, reading: Reading, index: int | None) -> tuple[int, int, int]:
        """How far a reading came; one that took a close for a crossed one, and failed, was wrong from there on."""
        lines, variations = reading.worth
        crossed = 0
        link = reading.path
        while link is not None:
            crossed += isinstance(link.what, Crossed)
            link = link.before
        return lines - crossed, variations, len(self._wire.seen) if index is None else index

    def _passed(self, reading: Reading, seen: Seen) -> bool:
        """Whether a segment may come without a line for it; noted in the reading."""
        state, variation = reading.state, seen.passes
        if state.gap and not seen.control:
            return True
        if variation is None and seen.end > seen.start and not seen.control:
            variation = Variation.RESEGMENTED
            if reading.book.at[seen.side == "server"] != OPEN:  # a part of a later line, which names it
                later = bool(state.steps) and self.fitter.last_data[seen.side] >= state.lowest
                if all(self.fitter.overdue(step.line, seen, reading.book) for step in state.steps):
                    return False
                return later and variation not in self._strict
        if variation is None or variation in self._strict:
            return False
        reading.varied = Link(variation, seen.index, reading.varied)
        reading.variations += 1
        return True

    def _covered(self, reading: Reading, seen: Seen) -> list[Reading]:
        """The readings in which the segment stands for one or more of the lines that may come next."""
        made: list[Reading] = []
        if self._purse < 0:
            return made
        self._purse -= LOOK * len(reading.state.steps)
        flags = seen.segment.flags
        for step in reading.state.steps:
            side, _, bits, _ = self.fitter.known(step.line)
            if (side == seen.side and flags & bits == bits) or bits == ACK:
                self._run(reading, seen, _FRESH, made, set())
                break
        return made

    def _run(self, at: Reading, seen: Seen, run: _Run, made: list[Reading], known: set[tuple[object, ...]]) -> None:
        """Try the segment for each line that may come next, and, where one fits, for the lines after it."""
        gap = at.state.gap
        for line, rest, crossing in at.state.steps:
            if self._purse < 0:
                return
            book = at.book.leave_gap(seen, self._wire) if gap else at.book
            if self.fitter.possible(line, seen):
                self._purse -= FIT
                fitted = self.fitter.fit(line, seen, book, run.parts, gap=gap)
                if fitted is not None:
                    names = fitted.variations | run.variations | ({crossing} if crossing else set())
                    if not names & self._strict:
                        after = _Run(run.parts | fitted.parts, names)
                        self._step(at, line, rest, seen, after, fitted.book, made, known)
            waits = self.fitter.waits(line, seen, at.book)
            if waits is not None and waits not in self._strict:
                self._purse -= FIT
                after = _Run(run.parts, run.variations | {waits})
                for state in rest.states():
                    later = Reading(state, book, Link(line, LATER, at.path), at.varied, at.lines, at.variations)
                    self._again(later, seen, after, made, known)

    def _step(
        self,
        at: Reading,
        line: Line,
        rest: Rest,
        seen: Seen,
        run: _Run,
        book: Book,
        made: list[Reading],
        known: set[tuple[object, ...]],
    ) -> None:
        """A line fits: the run may end here, or go on with the lines after it."""
        path = Link(line, seen.index, at.path)
        for state in rest.states():
            if self.fitter.complete(seen, run.parts):
                varied = at.varied
                for name in sorted(run.variations):
                    varied = Link(name, seen.index, varied)
                made.append(Reading(state, book, path, varied, at.lines + 1, at.variations + len(run.variations)))
            going = Reading(state, book, path, at.varied, at.lines + 1, at.variations)
            self._again(going, seen, run, made, known)

    def _again(self, at: Reading, seen: Seen, run: _Run, made: list[Reading], known: set[tuple[object, ...]]) -> None:
        key = (id(at.state), run.parts, *at.book.key)
        if key not in known:
            known.add(key)
            self._run(at, seen, run, made, known)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a segment stands for already: the names of its parts, and the variations that this takes."""

    parts: frozenset[str] = frozenset()
    variations: frozenset[Variation] = frozenset()


_FRESH = _Run()
