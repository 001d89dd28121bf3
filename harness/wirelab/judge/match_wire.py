"""A connection as traces read it: each segment with its part of the stream, and what it may be passed over as.

Offsets count a side's bytes from 0. Knows no trace but the names of its variations.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wirelab.declare.trace import Variation
from wirelab.observe.connections import Connection, Noted, Side, Stream
from wirelab.observe.messages import Message
from wirelab.observe.segments import FIN, RST, SYN, Segment
from wirelab.observe.sides import Note

MASK = 0xFFFFFFFF
_HALF = 1 << 31
CONTROL = SYN | FIN | RST
_NAMED: dict[Note, Variation] = {
    "retransmission": Variation.RETRANSMISSION,
    "keep-alive": Variation.KEEP_ALIVE,
    "keep-alive-ack": Variation.KEEP_ALIVE,
    "window-probe": Variation.WINDOW,
    "window-update": Variation.WINDOW,
    "duplicate-ack": Variation.DUPLICATE_ACK,
    "out-of-order": Variation.RESEGMENTED,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A segment. ``control``: its SYN, FIN and RST bits, none when it is a retransmission. ``start`` and ``end``: the
    bytes that it brought (both where its side stood when it brought none). ``passes``: what it is, when no line need
    stand for it."""

    index: int
    side: Side
    segment: Segment
    ack: int | None  # relative
    control: int
    start: int
    end: int
    passes: Variation | None

    @property
    def pure(self) -> bool:
        """Whether it only acknowledges."""
        return self.start == self.end and not self.segment.flags & CONTROL


class Wire:
    """All segments of a connection, and both streams."""

    def __init__(self, connection: Connection, messages: Mapping[Side, Sequence[Message]]) -> None:
        self.seen: list[Seen] = []
        self.ends: dict[Side, list[int]] = {"client": [], "server": []}  # how many bytes had come by each segment
        self.messages = messages
        self.data: dict[Side, bytes] = {"client": b"", "server": b""}
        self._isn: dict[Side, int] = {}
        self._boundaries: dict[Side, list[int]] = {"client": [], "server": []}  # where segments' bytes begin
        self._acks: dict[Side, tuple[list[int], list[int]]] = {
            "client": ([], []),
            "server": ([], []),
        }  # numbers, indices: they grow
        self.last_ack: dict[Side, tuple[int, int]] = {"client": (-1, 0), "server": (-1, 0)}  # index, relative number
        streams: dict[Side, Stream] = {"client": connection.client_stream, "server": connection.server_stream}
        for side, stream in streams.items():
            self.data[side] = stream.data
        for index, noted in enumerate(connection.noted):
            self._take(index, noted)

    def _take(self, index: int, noted: Noted) -> None:
        side, segment = noted.sender, noted.segment
        self._isn.setdefault(side, (segment.seq - noted.seq) & MASK)
        at = self.ends[side][-1] if index else 0
        brought = noted.brought
        start, end = (brought.start, brought.stop) if brought else (at, at)
        if end > start:
            self._boundaries[side].append(start)
        for one, ends in self.ends.items():
            ends.append(max(end, ends[-1] if index else 0) if one == side else ends[-1] if index else 0)
        if noted.ack is not None and noted.ack >= self.last_ack[side][1]:
            self.last_ack[side] = index, noted.ack
            self._acks[side][0].append(noted.ack)
            self._acks[side][1].append(index)
        control = 0 if "retransmission" in noted.notes else segment.flags & CONTROL
        passes = next((name for note, name in _NAMED.items() if note in noted.notes), None)
        if passes is None and start == end and not segment.flags & CONTROL and segment.has_ack and not segment.length:
            passes = Variation.DELAYED_ACK  # one more, or one less, than somebody thought of
        self.seen.append(Seen(index, side, segment, noted.ack, control, start, end, passes))

    def number(self, side: Side, offset: int) -> int:
        """The raw sequence number of a byte of a side's stream."""
        return (self._isn.get(side, 0) + 1 + offset) & MASK

    def relative_ack(self, by: Side, number: int) -> int:
        """A raw acknowledgment number as the side ``by`` sends it, unwrapped near its last one."""
        other: Side = "server" if by == "client" else "client"
        near = self.last_ack[by][1]
        return near + ((number - self._isn.get(other, 0) - near + _HALF) & MASK) - _HALF

    def acknowledged(self, by: Side, number: int, start: int) -> Seen | None:
        """The first segment from ``start`` on by which a side acknowledges up to a (relative) number."""
        numbers, indices = self._acks[by]
        first = max(bisect_left(numbers, number), bisect_left(indices, start))
        return self.seen[indices[first]] if first < len(indices) else None

    def ending(self, seen: Seen) -> Sequence[Message]:
        """The messages of which a segment brings the last byte."""
        messages = self.messages.get(seen.side, ())
        first = bisect_right(messages, seen.start, key=lambda message: message.end)
        return messages[first : bisect_right(messages, seen.end, key=lambda message: message.end)]

    def segment_start(self, side: Side, offset: int) -> int:
        """Where the bytes of the segment begin that brought a byte."""
        starts = self._boundaries[side]
        at = bisect_right(starts, offset) - 1
        return starts[at] if at >= 0 else 0

    def segment_end(self, side: Side, offset: int) -> int:
        """Where the bytes of the segment end that brought a byte."""
        starts = self._boundaries[side]
        at = bisect_right(starts, offset)
        return starts[at] if at < len(starts) else len(self.data[side])
