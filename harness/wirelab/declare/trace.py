"""Expected traces as values: what may be written in the notation, and how it is written again. Reads no text.

The notation is the one of section 3.5 of RFC 9293 and of lab reports: one line a segment, who sends it to whom,
its flags, its numbers as symbols. ``trace_reader`` turns text into these values; what they mean on the wire is
decided in ``judge/match``. Positions count from 1, in lines and in columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Variation(StrEnum):
    """What TCP may do otherwise than the trace says, and still be right; the names are those ``strict`` takes."""

    PIGGYBACK = "piggyback"  # an ACK rides on a FIN or on data, so that one segment stands for two lines
    SIMULTANEOUS = "simultaneous"  # the FINs (or SYNs) cross: RFC 9293, figures 7 and 13
    RETRANSMISSION = "retransmission"  # a segment comes again
    DUPLICATE_ACK = "duplicate-ack"
    DELAYED_ACK = "delayed-ack"  # one ACK stands for several lines, or ACKs come that no line has
    RESEGMENTED = "resegmented"  # the bytes of a line come in several segments, or those of several lines in one
    KEEP_ALIVE = "keep-alive"  # a probe and its answer
    WINDOW = "window"  # window probes and window updates


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the text."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Value:
    """A number modulo 2**32 (``seq``, ``ack``) or of bytes (``len``, ``win``): a sum of symbols and a constant.

    ``x+1`` is ``Value(("x",), 1)``; ``x+n+1`` has two symbols; ``7`` has none.
    """

    symbols: tuple[str, ...] = ()
    constant: int = 0

    def __str__(self) -> str:
        if not self.symbols:
            return str(self.constant)
        rest = f"{self.constant:+d}" if self.constant else ""
        return "+".join(self.symbols) + rest


@dataclass(frozen=True, slots=True)
class Bound:
    """How long after another line this one's segment comes, in nanoseconds: ``within 200ms``, ``after 1s``.

    ``since`` is the label of that line, None for the line before.
    """

    least: int | None = None
    most: int | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class MessageMatch:
    """``message heartbeat n=1``: one message as the protocol profile decodes it, with some of its groups."""

    kind: str
    groups: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a segment from ``sender`` to ``receiver``.

    ``flags`` are the flags as written, without DATA; SYN, FIN and RST must be set exactly when they stand here, ACK on
    a SYN too; any other flag that stands here must be set. None is ``*``: whatever the flags. ``data`` says that
    it carries bytes (``DATA``); with a ``payload`` (these bytes occur in it) or a ``message`` it is always true. A
    field that is None is not looked at. ``label`` names the line for the bounds of later ones. ``text`` is the line as written.
    """

    place: Place
    text: str
    sender: str
    receiver: str
    flags: frozenset[str] | None
    data: bool = False
    seq: Value | None = None
    ack: Value | None = None
    window: Value | None = None
    length: Value | None = None
    payload: bytes | None = None
    message: MessageMatch | None = None
    bounds: tuple[Bound, ...] = ()
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """``...``: any run of segments that neither opens nor closes the connection (no SYN, FIN or RST), or none."""

    place: Place


@dataclass(frozen=True, slots=True)
class Either:
    """``either`` … ``or`` … ``end``: one of the branches. An empty branch is written as ``nothing``."""

    place: Place
    branches: tuple[tuple[Item, ...], ...]


@dataclass(frozen=True, slots=True)
class AnyOrder:
    """``any order`` … ``end``: all of the units, one after the other, in whatever order.

    A unit is a single item, or the items between ``in order`` and its ``end``.
    """

    place: Place
    units: tuple[tuple[Item, ...], ...]


Item = Line | Gap | Either | AnyOrder


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole expected trace: it describes its connection from the first segment to the last.

    ``strict`` holds the variations that are not allowed; ``actors`` those who send and receive in it (two).
    """

    items: tuple[Item, ...]
    strict: frozenset[Variation] = frozenset()
    actors: tuple[str, ...] = field(default=())
    text: str = ""


def lines_of(items: Iterable[Item]) -> Iterator[Line]:
    """Every line among these items and inside their blocks, in the order in which they are written."""
    for item in items:
        if isinstance(item, Line):
            yield item
        elif isinstance(item, Either | AnyOrder):
            for part in item.branches if isinstance(item, Either) else item.units:
                yield from lines_of(part)
