"""What one segment is for the two sides of its connection: numbers, notes, events. Knows no connection, no capture.

Numbers are relative to a side's initial sequence number and unwrapped: SYN is 0, the first byte 1, and they
only grow (raw ones are modulo 2**32; RFC 9293, 3.4). ``connections`` calls these steps, in the order they stand here.
"""

from __future__ import annotations

from typing import Literal

from wirelab.observe.segments import FIN, SYN, Segment
from wirelab.observe.streams import Assembler, Chunk, Stream
from wirelab.observe.tcpstate import Event, State, after

Note = Literal[
    "lost",  # it never arrived; no packet tells: whoever let it vanish says so (``judge/lost``)
    "retransmission",  # all its bytes (or its SYN, FIN) were seen before
    "partial-overlap",  # brings new bytes together with old ones
    "out-of-order",  # starts beyond what was seen so far: something before it is missing
    "fills-gap",  # brings bytes that an out-of-order segment had skipped
    "duplicate-ack",  # same ack, same window, no payload, data outstanding (RFC 5681, 2)
    "keep-alive",  # probe: seq one below what is expected next, 0 or 1 bytes, nothing outstanding
    "keep-alive-ack",
    "window-probe",  # while the other's window is closed: one byte beyond it, or no byte one below it (as Linux does)
    "window-update",  # same ack, other window
    "zero-window",
    "acks-fin",  # the first to acknowledge the other side's FIN, or the answer to a retransmitted FIN
    "after-close",  # bytes beyond their sender's FIN, or anything new after the connection was over
    "refused",  # RST that answers a SYN
]

_HALF, _MASK = 1 << 31, (1 << 32) - 1


class Half:
    """One side so far. Its own numbers are relative to its ISN; ``ack`` is relative to the other side's.

    ``*_at`` are positions among the connection's segments.
    """

    __slots__ = (
        "ack",
        "ack_at",
        "assembler",
        "copies",
        "fin",
        "fin_ack_at",
        "fin_at",
        "fin_lost",
        "isn",
        "missed",
        "opened",
        "origin",
        "probed",
        "sent",
        "state",
        "synchronized",
        "window",
    )

    def __init__(self, state: State) -> None:
        self.state = state
        self.isn: int | None = None  # raw
        self.opened = False  # whether the ISN is known from a SYN; else it is one below the first number seen
        self.synchronized = False  # whether its own SYN was seen
        self.origin: int | None = None  # the number of the stream's first byte
        self.assembler = Assembler()
        self.sent = 0  # one more than the highest number sent
        self.ack: int | None = None  # the highest acknowledgment sent, and the first segment that had it
        self.ack_at = 0
        self.window: int | None = None  # as last advertised, but for SYNs: their windows are not scaled
        self.fin: int | None = None  # the number of its FIN
        self.fin_at: int | None = None
        self.fin_ack_at: int | None = None  # the other side's segment that acknowledged it
        self.fin_lost = False  # whether its FIN is known not to have arrived so far
        self.missed = False  # whether an acknowledgment of its SYN or FIN is known not to have arrived
        self.copies = 0  # copies of the FIN that no ACK has answered yet
        self.probed = False  # whether its last segment was a keep-alive, not answered yet

    def open(self, isn: int) -> None:
        """A SYN tells the ISN; what was guessed before is void."""
        self.isn, self.opened, self.origin = isn & _MASK, True, 1
        self.sent = 0
        self.assembler = Assembler()

    def relative(self, number: int) -> int:
        """A raw number of this side, relative to its ISN and unwrapped to be near what it sent last."""
        if self.isn is None:
            self.isn = (number - 1) & _MASK
        return self.sent + ((number - self.isn - self.sent + _HALF) & _MASK) - _HALF

    def on(self, event: Event) -> None:
        """Move to the state that ``event`` leads to."""
        self.state = after(self.state, event)

    def stream(self, acknowledged: int | None) -> Stream:
        """Its bytes; ``acknowledged`` (the other side's ack) and its FIN vouch for bytes the capture lacks."""
        if self.origin is None:
            return Stream(())
        last = self.fin if self.fin is not None else acknowledged
        return self.assembler.stream(until=0 if last is None else last - self.origin)


def synchronize(mine: Half, other: Half, segment: Segment) -> None:
    """Learn the ISNs that a SYN tells: its sender's, and by its ACK the other side's when that SYN was missed."""
    if segment.seq == mine.isn:
        mine.opened, mine.origin = True, mine.origin or 1
    elif not mine.opened or other.ack is None:
        mine.open(segment.seq)
        other.ack = None
    if segment.has_ack and not other.opened:
        other.open(segment.ack - 1)
        other.sent = 1
        other.on(Event.SENDS_SYN)


def abort(mine: Half, other: Half, seq: int, ack: int | None, *, lost: bool) -> bool:
    """Let a RST take effect if its receiver would accept it (RFC 9293, 3.5.3); says whether it changed anything."""
    if mine.state is State.SYN_SENT:
        acceptable = seq == mine.sent  # else it rejects a stray segment, by that one's numbers (3.10.7.3)
    elif other.state is State.SYN_SENT:
        acceptable = mine.opened or (ack is not None and 1 <= ack <= other.sent)
    else:
        # One below what was acknowledged: the answer to data that crossed the FIN with that number.
        acceptable = other.ack is None or seq >= other.ack - 1
    if not acceptable:
        return False
    before = mine.state, other.state
    mine.on(Event.SENDS_RST)
    if not lost:
        other.on(Event.RECEIVES_RST)
    return before != (mine.state, other.state)


def probe(mine: Half, other: Half, segment: Segment, seq: int) -> Note | None:
    """Whether a segment only asks for an answer (RFC 9293, 3.8.4 keep-alives, 3.8.6.1 zero-window probes).

    A byte that was sent last and is not acknowledged yet is no keep-alive when it comes again: those are
    sent only when nothing is outstanding.
    """
    if segment.length > 1 or segment.flags & (SYN | FIN):
        return None
    due = mine.sent if other.ack is None else other.ack
    if other.window == 0 and seq == due - (segment.length == 0):
        return "window-probe"
    if seq == mine.sent - 1 and due == mine.sent and mine.fin is None:
        return "keep-alive"
    return None


def take(mine: Half, segment: Segment, seq: int, notes: set[Note]) -> tuple[Chunk, ...]:
    """Put a segment's part of sequence space in its place; returns what became contiguous."""
    assembler = mine.assembler
    origin = seq if mine.origin is None else mine.origin
    start = seq + segment.syn - origin
    end = start + segment.length
    if mine.fin is not None and end > mine.fin - origin:
        notes.add("after-close")
        end = mine.fin - origin
    fresh = repeated = 0
    delivered: tuple[Chunk, ...] = ()
    missing = start > assembler.next
    if start < end:
        fresh, repeated, fills, delivered = assembler.add(start, end, segment.payload, segment.frame, segment.time)
        if fills:
            notes.add("fills-gap")
            missing = False
    if segment.syn:
        fresh, repeated = (fresh, repeated + 1) if mine.synchronized else (fresh + 1, repeated)
    if segment.fin:
        fresh, repeated = (fresh + 1, repeated) if mine.fin is None else (fresh, repeated + 1)
        mine.copies += 1
    if not fresh:
        if repeated:
            notes.add("retransmission")
        return delivered
    if repeated:
        notes.add("partial-overlap")
    if missing:
        notes.add("out-of-order")
    return delivered


def weigh(mine: Half, other: Half, segment: Segment, ack: int, pure: bool, notes: set[Note]) -> None:
    """Say what an acknowledgment and a window are next to the last ones, and remember the window.

    ``pure``: the segment has no bytes or flags in sequence space, and is no probe.
    """
    window = segment.window
    if window == 0 and not segment.syn:
        notes.add("zero-window")
    answers_fin = other.copies and other.fin is not None and ack > other.fin
    if pure:
        if answers_fin:
            notes.add("acks-fin")
        if other.probed and ack == other.sent:
            notes.add("keep-alive-ack")
            other.probed = False
        if ack == mine.ack and mine.window is not None:
            if window != mine.window:
                notes.add("window-update")
            elif other.sent > ack:
                notes.add("duplicate-ack")
    if answers_fin:
        other.copies -= 1
    if not segment.syn and (mine.ack is None or ack >= mine.ack):
        mine.window = window


def move(
    mine: Half, other: Half, segment: Segment, ack: int | None, acks_fin: bool, first_fin: bool, *, lost: bool
) -> None:
    """Turn a segment without RST into events for both sides, in the order of RFC 9293, 3.10.7.4. One that is known to be
    ``lost`` is none for its receiver."""
    if segment.syn:
        mine.on(Event.SENDS_SYN if ack is None else Event.SENDS_SYN_ACK)
        if other.ack is not None and other.ack >= 1:  # both opened at once, and the other's SYN,ACK came first
            mine.on(Event.RECEIVES_ACK_OF_SYN)
    if ack is not None and ack >= 1:
        if not segment.syn:
            # Where the capture lacks the SYN,ACK, what can only follow it vouches for it.
            if mine.state is State.LISTEN and ack <= other.sent:
                mine.on(Event.SENDS_SYN_ACK)
            if other.state is State.LISTEN and not other.opened:
                other.on(Event.SENDS_SYN_ACK)
            mine.on(Event.SENDS_ACK_OF_SYN)
        _acknowledged(other, Event.RECEIVES_ACK_OF_SYN, lost)
    if acks_fin:
        mine.on(Event.SENDS_ACK_OF_FIN)
        _acknowledged(other, Event.RECEIVES_ACK_OF_FIN, lost)
    if first_fin:
        mine.on(Event.SENDS_FIN)
        mine.fin_lost = lost
        if other.fin is not None and (ack is None or ack <= other.fin):
            if not other.fin_lost:
                mine.on(Event.RECEIVES_CROSSING_FIN)
            if not lost:
                other.on(Event.RECEIVES_CROSSING_FIN)
        elif mine.fin is not None and other.ack is not None and other.ack > mine.fin:  # captured after its ACK
            other.on(Event.SENDS_ACK_OF_FIN)
            mine.on(Event.RECEIVES_ACK_OF_FIN)


def arrive(mine: Half, other: Half, segment: Segment, ack: int | None) -> None:
    """Let a segment that was not lost make up for one that was and said the same."""
    if segment.fin:
        mine.fin_lost = False
    if other.missed and ack is not None:
        other.missed = False
        if ack >= 1:
            other.on(Event.RECEIVES_ACK_OF_SYN)
        if other.fin is not None and ack > other.fin:
            other.on(Event.RECEIVES_ACK_OF_FIN)


def _acknowledged(half: Half, event: Event, lost: bool) -> None:
    if lost:
        half.missed |= after(half.state, event) is not half.state
    else:
        half.on(event)
