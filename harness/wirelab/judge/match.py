"""Whether a connection is what an expected trace says, and where the two part.

Theory of operation
-------------------
A *reading* (``Reading``) is a way to read the segments so far as the trace: the state it is in (``match_states``), what
the symbols are, and how many bytes of either side its lines have accounted for. Each segment is shown to every
reading. It may stand for a line, or for a run of lines of the same sender (an ACK that rides on a FIN; two messages in
one segment); it may be passed over, as what TCP may do anyway or as part of a ``...``; else the reading ends there.
Lines about data are about the sender's byte stream, so it does not matter how it was cut into segments: the segment
that brings a line's last byte stands for it, and bytes that no line accounts for are found when their side
closes. When the segments are over, the reading that took the fewest variations wins. When there is none, the one that
came furthest is mended where it stopped (``match_mend``: a line is missing, a segment extra, or a pair differs) and goes
on by the same rules: what comes of it is the nearest legal trace.

Symbols make the problem as hard as any (backreferences), so the number of readings is bounded: the trace is matched in
time proportional to segments, whatever it says. If readings had to be left out and none of those kept
fits, the answer is ``ambiguous``, never "no".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wirelab.declare.trace import Trace, Variation
from wirelab.judge.align import align
from wirelab.judge.match_mend import mend
from wirelab.judge.match_reader import Reader
from wirelab.judge.match_reading import Reading, Row
from wirelab.judge.match_states import TooManyStates
from wirelab.judge.match_wire import Wire
from wirelab.observe.connections import Connection, Side
from wirelab.observe.messages import Message


@dataclass(frozen=True, slots=True)
class Varied:
    """A legal variation that was met, and the frames that show it."""

    variation: Variation
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """How a trace and a connection compare. ``bindings`` are the raw numbers of the symbols, those of the best
    reading when nothing matched; ``diverged`` is the first row where the two part."""

    matched: bool
    rows: tuple[Row, ...]
    varied: tuple[Varied, ...] = ()
    bindings: Mapping[str, int] = field(default_factory=dict)
    ambiguous: bool = False

    @property
    def diverged(self) -> Row | None:
        return next((row for row in self.rows if row.kind not in ("same", "passed")), None)


def match(
    trace: Trace,
    connection: Connection,
    sides: Mapping[str, Side],
    messages: Mapping[Side, Sequence[Message]] | None = None,
) -> Match:
    """Compare. ``sides`` says which side each actor of the trace is; ``messages`` are what each side sent, by the
    protocol profile, in stream order. Raises KeyError for an actor without a side."""
    wire = Wire(connection, messages or {})
    try:
        reader = Reader(trace, wire, sides)
        outcome = reader.follow(reader.beginnings(), 0, len(wire.seen))
        known, matched = dict(outcome.reading.book.symbols), outcome.complete  # decided here, whatever mending does
        if not matched:
            outcome = mend(reader, wire, outcome)
        rows = align(outcome.reading, wire, reader.fitter, outcome.stopped)
        reading = outcome.reading
        return Match(matched, rows, _varied(reading, wire), known, reader.ambiguous and not matched)
    except (TooManyStates, RecursionError):  # blocks in blocks that may all be empty
        return Match(False, (), ambiguous=True)


def _varied(reading: Reading, wire: Wire) -> tuple[Varied, ...]:
    frames: dict[Variation, list[int]] = {}
    link = reading.varied
    while link is not None:
        assert isinstance(link.what, Variation)
        shown = frames.setdefault(link.what, [])
        frame = wire.seen[link.at].segment.frame
        if not shown or shown[-1] != frame:
            shown.append(frame)
        link = link.before
    return tuple(Varied(name, tuple(reversed(frames[name]))) for name in Variation if name in frames)
