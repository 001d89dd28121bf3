"""One way to read segments as an expected trace, so far; and the rows that come of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from wirelab.declare.trace import Line, Variation
from wirelab.judge.match_lines import Book
from wirelab.judge.match_states import State


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the trace laid beside the segments.

    ``line`` is None for a segment that no line stands for (``extra``); ``frames`` is empty for a line that no segment
    stands for (``missing``). ``differs`` names what a ``different`` pair does not agree in: ``sender``, ``flags``,
    ``seq``, ``ack``, ``win``, ``len``, ``data``, ``message``, ``time``. ``passed`` are frames that need no line, or a line whose
    acknowledgment a later segment brings.
    """

    line: Line | None
    frames: tuple[int, ...]
    kind: Literal["same", "missing", "extra", "different", "passed"]
    differs: tuple[str, ...] = ()


LATER = -1


class Mend(NamedTuple):
    """Where a reading was let go on against the rules: a line that is missing, a segment that is extra, or a pair that
    differs."""

    kind: Literal["missing", "extra", "different"]
    line: Line | None
    differs: tuple[str, ...] = ()


class Link(NamedTuple):
    """What a reading did, newest first: the line, the variation or the mend, and the segment's position; LATER for a
    line that only acknowledges, and that a later segment stands for, or that is missing."""

    what: Line | Variation | Mend
    at: int
    before: Link | None


@dataclass(slots=True)
class Reading:
    """Where a way to read stands (``state``), what it has learned (``book``), and how it came there (``path``, ``varied``)."""

    state: State
    book: Book
    path: Link | None = None
    varied: Link | None = None
    lines: int = 0
    variations: int = 0

    @property
    def worth(self) -> tuple[int, int]:
        """How far it came: lines, and then how little it took."""
        return self.lines, -self.variations

    def then(self, state: State, book: Book, link: Link) -> Reading:
        """This reading, mended."""
        return Reading(state, book, link, self.varied, self.lines, self.variations)

    def copy(self) -> Reading:
        """The same, to be read on with and thrown away."""
        return replace(self)
