"""Whether one segment fits one line of an expected trace, and what is learned from it. Knows one pair at a time."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wirelab.declare.trace import Line, Trace, Value, Variation, lines_of
from wirelab.judge.match_states import Crossed, carries
from wirelab.judge.match_wire import CONTROL, MASK, Seen, Wire
from wirelab.observe.connections import Side
from wirelab.observe.messages import Message
from wirelab.observe.segments import ACK, FIN, PSH, RST, SYN, URG

BITS = {"SYN": SYN, "ACK": ACK, "FIN": FIN, "RST": RST, "PSH": PSH, "URG": URG, "ECE": 0x40, "CWR": 0x80}
OPEN, EVERYTHING = -1, 1 << 62
TAIL = 200  # bytes at the end of a segment in which a text is looked for that goes on in the next
_NONE: frozenset[Variation] = frozenset()


@dataclass(frozen=True, slots=True)
class Book:
    """What a reading has learned: the symbols' numbers, when labelled lines came and the latest one (ns), and how many
    bytes of each side (client, server) its lines account for: OPEN when any that come are. ``slack``: bytes up to
    there need no line, but may have one."""

    symbols: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    time: int | None = None
    at: tuple[int, int] = (0, 0)
    slack: tuple[int, int] = (0, 0)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells two readings in the same state apart."""
        return tuple(self.symbols.items()), tuple(self.labels.items()), self.at, self.slack

    def accounted(self, side: Side) -> int:
        """Up to where a side's bytes are accounted for."""
        which = side == "server"
        return EVERYTHING if self.at[which] == OPEN else max(self.at[which], self.slack[which])

    def account(self, side: Side, at: int, slack: int = 0) -> Book:
        """The same, with a side's bytes accounted for up to ``at``, and up to ``slack`` if need be."""
        if side == "client":
            return Book(self.symbols, self.labels, self.time, (at, self.at[1]), (slack, self.slack[1]))
        return Book(self.symbols, self.labels, self.time, (self.at[0], at), (self.slack[0], slack))

    def leave_gap(self, seen: Seen, wire: Wire) -> Book:
        """A ``...`` ends with this segment: all bytes before it are accounted for, its own may be."""
        at, ends = self.at, wire.ends
        start = {"client": ends["client"][seen.index], "server": ends["server"][seen.index], seen.side: seen.start}
        return replace(
            self,
            at=(
                at[0] if at[0] == OPEN else max(self.accounted("client"), start["client"]),
                at[1] if at[1] == OPEN else max(self.accounted("server"), start["server"]),
            ),
            slack=(0, 0),
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A line that a segment stands for: what was learned, which parts of the segment it takes, and how it varies."""

    book: Book
    parts: frozenset[str]
    variations: frozenset[Variation] = _NONE


class Fitter:
    """Fits segments to the lines of one trace."""

    def __init__(self, trace: Trace, wire: Wire, sides: Mapping[str, Side]) -> None:
        self._wire = wire
        self._strict = trace.strict
        self._sides = sides
        self._control: dict[int, tuple[Side, int, int, int]] = {}  # by id of line: sender, control bits, all bits, mask
        self._lines: list[Line] = []  # so that ids stay theirs
        self.last_data: dict[Side, int] = {"client": -1, "server": -1}  # the last line of the text about a side's bytes
        self._carry: set[int] = set()
        self.timed = False  # whether it matters when lines came
        for line in lines_of(trace.items):
            self._know(line)
            self.timed |= bool(line.bounds)
            if carries(line) or line.flags is None or not line.flags:
                side = sides[line.sender]
                self.last_data[side] = max(self.last_data[side], line.place.line)

    def _know(self, line: Line) -> tuple[Side, int, int, int]:
        side = self._sides[line.sender]
        flags = line.flags
        if flags is None:
            known = (side, 0, 0, 0)
        else:
            bits = sum(BITS[name] for name in flags if name in BITS)
            exact = CONTROL | (ACK if bits & SYN else 0)
            known = (side, bits & CONTROL, bits, exact)
        self._control[id(line)] = known
        self._lines.append(line)
        if carries(line):
            self._carry.add(id(line))
        return known

    def known(self, line: Line) -> tuple[Side, int, int, int]:
        """Of a line: its sender, its SYN, FIN and RST bits, all its bits, and those that must not be set besides."""
        return self._control.get(id(line)) or self._know(line)

    def possible(self, line: Line, seen: Seen) -> bool:
        """A first look: the right sender, and the flags can be part of what the segment has."""
        side, control, bits, _ = self.known(line)
        flags = seen.segment.flags
        return side == seen.side and flags & bits == bits and (control == 0 or bool(flags & control))

    def may_wait(self, line: Line) -> bool:
        """Whether a line only acknowledges: a later acknowledgment can do that for it."""
        _, control, bits, _ = self.known(line)
        return bits & ACK == ACK and not control and id(line) not in self._carry and line.ack is not None

    def waits(self, line: Line, seen: Seen, book: Book) -> Variation | None:
        """What it is called when this segment, or the next one of the line's sender that does, acknowledges as much as
        the line, or more; None when none does, or when its sender closes first (then the closes cross)."""
        if not self.may_wait(line):
            return None
        assert line.ack is not None
        value = evaluate(line.ack, book.symbols)
        by = self.known(line)[0]
        if value is None or self._wire.last_ack[by][0] < seen.index:
            return None
        wanted = self._wire.relative_ack(by, value)
        if by == seen.side and seen.control & FIN and (seen.ack is None or seen.ack < wanted):
            return None
        found = self._wire.acknowledged(by, wanted, seen.index)
        if found is None:
            return None
        rides = found.ack == wanted and not found.pure
        return Variation.PIGGYBACK if rides else Variation.DELAYED_ACK

    def complete(self, seen: Seen, parts: frozenset[str]) -> bool:
        """Whether all that a segment must stand for has a line: its SYN, its FIN, its RST."""
        control = seen.segment.flags & CONTROL
        return "any" in parts or (
            not (control & SYN and "SYN" not in parts)
            and not (control & FIN and "FIN" not in parts)
            and not (control & RST and "RST" not in parts)
        )

    def fit(self, line: Line, seen: Seen, book: Book, taken: frozenset[str], *, gap: bool) -> Fitted | None:
        """What comes of reading the segment as this line, None when it is not; ``taken`` are parts that it stands
        for already; ``gap``: after a ``...``, so that bytes need not go on where the last line ended."""
        if not self.possible(line, seen) or "any" in taken:
            return None
        _, control, bits, exact = self.known(line)
        if line.flags is None and not carries(line):
            if taken:
                return None
            if not gap and book.accounted(seen.side) < seen.start:
                return None
            book = book.account(seen.side, seen.end) if seen.end > seen.start else book
            return self._numbered(line, seen, book, seen.segment.seq, frozenset({"any"}), _NONE)
        names = frozenset(name for name in ("SYN", "FIN", "RST") if control & BITS[name])
        if names & taken:
            return None
        if not names and not carries(line):
            return self._acknowledges(line, seen, book, taken)
        if isinstance(line, Crossed) and "FIN" in names and self._answers_fin(seen):
            return None
        if bits & SYN and seen.segment.flags & exact & ~(bits | FIN):
            return None
        seq, extra = seen.segment.seq, _NONE
        if carries(line):
            found = self._data(line, seen, book, "data" in taken, gap=gap)
            if found is None:
                return None
            book, seq, extra = found
            names |= {"data"}
        if "FIN" in names:
            if not gap and book.accounted(seen.side) < self._wire.ends[seen.side][seen.index]:
                return None
            book = book.account(seen.side, self._wire.ends[seen.side][seen.index])
            if not carries(line):
                seq = (seen.segment.seq + seen.segment.length) & MASK
        if "ACK" in taken and "ACK" not in names:
            extra |= {Variation.PIGGYBACK}
        return self._numbered(line, seen, book, seq, names, extra)

    def force(self, line: Line, seen: Seen, book: Book) -> Book:
        """What is learned when a segment is taken for a line from which it differs: all that does not contradict."""
        symbols = book.symbols
        fin = (seen.segment.seq + seen.segment.length) & MASK
        seq = fin if line.flags is not None and "FIN" in line.flags else seen.segment.seq
        for value, actual in ((line.seq, seq), (line.ack, seen.segment.ack), (line.window, seen.segment.window)):
            bound = bind(value, actual, symbols) if value is not None else None
            symbols = symbols if bound is None else bound
        labels = book.labels if line.label is None else {**book.labels, line.label: seen.segment.time}
        return replace(self.ignore(seen, book), symbols=symbols, labels=labels, time=seen.segment.time)

    def ignore(self, seen: Seen, book: Book) -> Book:
        """The same with a segment's bytes accounted for, whatever they are."""
        if seen.end == seen.start or book.at[seen.side == "server"] == OPEN:
            return book
        return book.account(seen.side, max(book.accounted(seen.side), seen.end))

    def _answers_fin(self, seen: Seen) -> bool:
        """Whether a segment acknowledges all that the other side sends, its FIN included."""
        other: Side = "server" if seen.side == "client" else "client"
        return seen.ack is not None and seen.ack >= self._wire.ends[other][-1] + 2

    def _acknowledges(self, line: Line, seen: Seen, book: Book, taken: frozenset[str]) -> Fitted | None:
        """A line that only acknowledges, or has no flags at all."""
        segment = seen.segment
        if "ACK" in taken:
            return None
        alone = seen.pure or (segment.flags & CONTROL == 0 and segment.length == 0)
        if not line.flags and segment.flags & CONTROL:
            return None  # "-"
        extra = _NONE if alone else frozenset({Variation.PIGGYBACK})
        if extra & self._strict or segment.flags & (SYN | RST):
            return None
        return self._numbered(line, seen, book, segment.seq, frozenset({"ACK"}), extra)

    def _data(
        self, line: Line, seen: Seen, book: Book, more: bool, *, gap: bool
    ) -> tuple[Book, int, frozenset[Variation]] | None:
        """Whether the segment brings the last byte of what the line is about; what that accounts for, the number of
        the line's first byte, and how it was cut."""
        if seen.end <= seen.start:
            return None
        side = seen.side
        at = book.at[side == "server"]
        free = not more and (gap or at == OPEN)
        begin = seen.start if free else at if more else book.accounted(side)
        symbols, slack, exact = book.symbols, 0, Variation.RESEGMENTED in self._strict
        end = seen.end
        if line.payload is not None:
            found = self._payload(line.payload, seen, at, begin, free=free)
            if found is None:
                return None
            begin, end = found
            slack = seen.end
        elif line.message is not None:
            message = self._message(line, seen, at, free=free)
            if message is None:
                return None
            begin, end = message.start, message.end
        if line.length is not None:
            bound = bind(line.length, (seen.end - begin) & MASK, symbols)
            length = evaluate(line.length, symbols)
            if length is None:
                if bound is None:
                    return None
                symbols, length = bound, seen.end - begin
            told = line.payload is not None or line.message is not None
            if (told and begin + length < end) or not seen.start < begin + length <= seen.end:
                return None
            end, slack = begin + length, 0
        cut = begin < seen.start or more
        if exact and (cut or (line.payload is None and end != seen.end)):
            return None
        some = line.payload is None and line.message is None and line.length is None  # any bytes, in one piece or more
        book = book.account(side, OPEN if some and not exact else end, slack)
        if symbols is not book.symbols:
            book = replace(book, symbols=symbols)
        return book, self._wire.number(side, begin), frozenset({Variation.RESEGMENTED}) if cut else _NONE

    def _payload(self, payload: bytes, seen: Seen, at: int, begin: int, *, free: bool) -> tuple[int, int] | None:
        """Where the bytes begin that a payload is looked for in, and where it ends, if this segment completes it."""
        side, wire = seen.side, self._wire
        start = max(at, seen.start - len(payload) + 1, 0)
        # What begins in a later segment comes after something else: that is not looked at, however long one waits.
        stop = seen.end if free else min(seen.end, wire.segment_end(side, begin) + len(payload) - 1)
        found = wire.data[side].find(payload, start, stop)
        if found < 0:
            return None
        return (min(begin, wire.segment_start(side, found)) if free else begin), found + len(payload)

    def overdue(self, line: Line, seen: Seen, book: Book) -> bool:
        """Whether a line about bytes, if it does not stand for this segment, can stand for no later one: all bytes that
        it can be about have come by then."""
        at = book.at[seen.side == "server"]
        if id(line) not in self._carry or self.known(line)[0] != seen.side or at == OPEN:
            return False
        begin = book.accounted(seen.side)
        if line.message is not None:
            messages = self._wire.messages.get(seen.side, ())
            first = bisect_left(messages, at, key=lambda message: message.start)
            return first < len(messages) and messages[first].end <= seen.end
        if line.payload is not None:
            end = self._wire.segment_end(seen.side, begin)
            tail = self._wire.data[seen.side][max(begin, end - len(line.payload) + 1) : end]
            open_end = any(line.payload.startswith(tail[at:]) for at in range(max(0, len(tail) - TAIL), len(tail)))
            return end <= seen.end and (not open_end or end + len(line.payload) - 1 <= seen.end)
        if line.length is not None:
            length = evaluate(line.length, book.symbols)
            return length is not None and begin + length <= seen.end
        return False

    def _message(self, line: Line, seen: Seen, at: int, *, free: bool) -> Message | None:
        """The message that the line is about, if this segment completes it: the next one, unless it is ``free``."""
        assert line.message is not None
        messages = self._wire.messages.get(seen.side, ())
        least = max(at, seen.start + 1) if free else at
        key = (lambda message: message.end) if free else (lambda message: message.start)
        for message in itertools.islice(messages, bisect_left(messages, least, key=key), None):
            if message.end > seen.end:
                return None
            if message.kind == line.message.kind and set(line.message.groups) <= set(message.groups.items()):
                return message if message.end > seen.start else None
            if not free:
                return None
        return None

    def _numbered(
        self, line: Line, seen: Seen, book: Book, seq: int, parts: frozenset[str], extra: frozenset[Variation]
    ) -> Fitted | None:
        """The numbers and times of a line, when all else fits."""
        symbols: Mapping[str, int] = book.symbols
        segment = seen.segment
        for value, actual in ((line.seq, seq), (line.ack, segment.ack), (line.window, segment.window)):
            if value is None:
                continue
            if value is line.ack and not segment.has_ack:
                return None
            bound = bind(value, actual, symbols)
            if bound is None:
                return None
            symbols = bound
        for limit in line.bounds:
            since = book.time if limit.since is None else book.labels.get(limit.since)
            if since is None:
                continue
            passed = segment.time - since
            if (limit.most is not None and passed > limit.most) or (limit.least is not None and passed < limit.least):
                return None
        labels = book.labels if line.label is None else {**book.labels, line.label: segment.time}
        return Fitted(Book(symbols, labels, segment.time, book.at, book.slack), parts, extra)


def evaluate(value: Value, symbols: Mapping[str, int]) -> int | None:
    """The number that a value stands for, modulo 2**32; None while a symbol of it is open."""
    total = value.constant
    for name in value.symbols:
        if name not in symbols:
            return None
        total += symbols[name]
    return total & MASK


def bind(value: Value, actual: int, symbols: Mapping[str, int]) -> Mapping[str, int] | None:
    """The symbols after ``value`` was seen to be ``actual``; None when it cannot be. One open symbol is solved for."""
    open_ones = [name for name in value.symbols if name not in symbols]
    rest = value.constant + sum(symbols[name] for name in value.symbols if name in symbols)
    if not open_ones:
        return symbols if (rest - actual) & MASK == 0 else None
    if len(open_ones) > 1:
        return symbols  # nothing can be said yet
    return {**symbols, open_ones[0]: (actual - rest) & MASK}
