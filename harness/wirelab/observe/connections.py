"""TCP connections rebuilt from segments: handshake, two byte streams, teardown, states of both sides.

``Tracker.feed`` takes segments one at a time, in captured order, and says at once what each one
was (the live ladder is drawn from that); ``Tracker.connections`` gives the whole picture so far.
Pure: no files, no clocks, no expectations. Sequence arithmetic is modulo 2**32 (RFC 9293, 3.4);
inside, numbers are relative to the initial ones and unwrapped, so they only grow.

The tap sits where segments are delivered: captured order is the order of arrival, and a segment may be
seen and still be lost (a fault rule drops it after the tap). Then the first copy counts as the segment,
the later one as a retransmission.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from wirelab.observe.segments import SYN, Endpoint, Segment
from wirelab.observe.sides import Half, Note, abort, arrive, move, probe, synchronize, take, weigh
from wirelab.observe.streams import Chunk, Stream
from wirelab.observe.tcpstate import State

__all__ = ["SIDES", "Chunk", "Connection", "Handshake", "Note", "Noted", "Side", "Stream", "Teardown", "Tracker"]

Side = Literal["client", "server"]
"""The client is the side that sent the first SYN (an active open); without a SYN in the
capture, the side whose port is not the expected server port, else the one with the higher port."""

SIDES: tuple[Side, Side] = ("client", "server")

_BRINGS_NONE: frozenset[Note] = frozenset(("retransmission", "out-of-order", "keep-alive", "window-probe"))


@dataclass(frozen=True, slots=True)
class Noted:
    """A segment in its place: which connection and sender, relative numbers, what it was, states after it.

    ``seq`` and ``ack`` are relative to the initial sequence numbers, as Wireshark shows them (SYN is 0, the first
    byte 1; in a capture that began in mid-stream the first number seen is 1), but never wrap. ``ack`` is
    None when the ACK flag is not set. ``delivered`` are the bytes of the sender's stream that became
    contiguous with this segment (its own, and those it un-blocked).
    """

    segment: Segment
    connection: int
    sender: Side
    seq: int
    ack: int | None
    notes: frozenset[Note]
    client_state: State
    server_state: State
    delivered: tuple[Chunk, ...] = ()

    @property
    def brought(self) -> range:
        """The offsets in the sender's stream of the bytes that came with this segment, and of those that it
        un-blocked; none when they had come before, or wait for earlier ones. The capture may lack the bytes."""
        if self.delivered:
            first, last = self.delivered[0], self.delivered[-1]
            return range(first.offset, last.offset + len(last.data))
        if not self.segment.length or self.segment.rst or self.notes & _BRINGS_NONE:
            return range(0)
        start = self.seq - 1 + self.segment.syn
        return range(start, start + self.segment.length)


@dataclass(frozen=True, slots=True)
class Handshake:
    """The three segments of an active open; each is None when it was not seen. ``refused``: the RST instead.

    ``ack`` is the client's first segment that acknowledges the server's SYN; it may carry data or a FIN, or be
    a SYN,ACK of its own (both opened at once, RFC 9293, figure 7).
    """

    syn: Noted | None = None
    syn_ack: Noted | None = None
    ack: Noted | None = None
    refused: Noted | None = None

    @property
    def complete(self) -> bool:
        return self.syn is not None and self.syn_ack is not None and self.ack is not None


@dataclass(frozen=True, slots=True)
class Teardown:
    """How the connection ended: the first FIN of each side, the segment that acknowledged it, every RST.

    An ACK that rides on a FIN counts, one that rides on a RST does not.
    """

    client_fin: Noted | None = None
    server_fin: Noted | None = None
    client_fin_ack: Noted | None = None  # the server's segment that acknowledges the client's FIN
    server_fin_ack: Noted | None = None
    resets: tuple[Noted, ...] = ()
    first: Side | None = None  # who sent the first FIN
    simultaneous: bool = False  # the FINs crossed: neither acknowledges the other

    @property
    def orderly(self) -> bool:
        """Both sides sent a FIN, both were acknowledged, nobody sent RST."""
        return self.client_fin_ack is not None and self.server_fin_ack is not None and not self.resets

    @property
    def aborts(self) -> tuple[Noted, ...]:
        """The RSTs that can have ended the connection: those before both FINs were acknowledged. One that comes later
        is a kernel's answer to a stray segment (RFC 9293, 3.10.7.1); no program can send it, as even ABORT sends
        nothing then (3.10.5)."""
        if self.client_fin_ack is None or self.server_fin_ack is None:
            return self.resets
        over = max(self.client_fin_ack.segment.frame, self.server_fin_ack.segment.frame)
        return tuple(reset for reset in self.resets if reset.segment.frame < over)


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP conversation. ``index`` counts connections of the capture from 0, as tcp.stream does."""

    index: int
    client: Endpoint
    server: Endpoint
    noted: tuple[Noted, ...]
    handshake: Handshake
    teardown: Teardown
    client_stream: Stream
    server_stream: Stream
    client_state: State
    server_state: State

    def stream(self, side: Side) -> Stream:
        """The bytes that a side sent."""
        return self.client_stream if side == "client" else self.server_stream

    def fin(self, side: Side) -> Noted | None:
        """The first FIN that a side sent."""
        return self.teardown.client_fin if side == "client" else self.teardown.server_fin

    def fin_ack(self, side: Side) -> Noted | None:
        """What acknowledged the FIN that a side sent."""
        return self.teardown.client_fin_ack if side == "client" else self.teardown.server_fin_ack


class Tracker:
    """Rebuilds every connection of a capture. ``server_port`` tells the sides apart where no SYN was captured."""

    def __init__(self, server_port: int | None = None) -> None:
        self._server_port = server_port
        self._all: list[_Conversation] = []
        self._latest: dict[tuple[Endpoint, Endpoint], tuple[_Conversation, Side]] = {}

    def feed(self, segment: Segment, *, lost: bool = False) -> Noted:
        """Take the next captured segment; says what it was and what it changed. ``lost``: it is known that it never
        arrived, so that its receiver's state stays."""
        found = self._latest.get((segment.src, segment.dst))
        if found is None or (segment.flags & SYN and found[0].is_left_by(segment, found[1])):
            found = self._open(segment)
        conversation, side = found
        return conversation.feed(segment, side, lost)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Every connection as it stands, in the order of their first segments."""
        return tuple(conversation.snapshot() for conversation in self._all)

    def connection(self, index: int) -> Connection:
        """One connection as it stands. Raises IndexError when there is none with this index."""
        return self._all[index].snapshot()

    def _open(self, segment: Segment) -> tuple[_Conversation, Side]:
        side: Side = "client" if self._sent_by_client(segment) else "server"
        client, server = (segment.src, segment.dst) if side == "client" else (segment.dst, segment.src)
        conversation = _Conversation(len(self._all), client, server, opening=segment.syn)
        self._all.append(conversation)
        self._latest[(server, client)] = (conversation, "server")
        self._latest[(client, server)] = (conversation, "client")
        return conversation, side

    def _sent_by_client(self, segment: Segment) -> bool:
        if segment.syn:
            return not segment.has_ack
        if (segment.src.port == self._server_port) != (segment.dst.port == self._server_port):
            return segment.dst.port == self._server_port
        return segment.src.port >= segment.dst.port


_NO_NOTES: frozenset[Note] = frozenset()


class _Conversation:
    """A connection being rebuilt."""

    def __init__(self, index: int, client: Endpoint, server: Endpoint, opening: bool) -> None:
        self._index = index
        self._endpoints = client, server
        self._client = Half(State.CLOSED if opening else State.ESTABLISHED)
        self._server = Half(State.LISTEN if opening else State.ESTABLISHED)
        self._noted: list[Noted] = []
        self._handshake = Handshake()
        self._crossing: Noted | None = None  # the client's SYN,ACK, where both sides opened at once
        self._resets: list[Noted] = []
        self._aborted = False  # a RST took effect
        self._snapshot: Connection | None = None

    @property
    def _over(self) -> bool:
        return self._aborted or (self._client.fin_ack_at is not None and self._server.fin_ack_at is not None)

    def _halves(self, side: Side) -> tuple[Half, Half]:
        return (self._client, self._server) if side == "client" else (self._server, self._client)

    def is_left_by(self, segment: Segment, side: Side) -> bool:
        """Whether a SYN on the same addresses and ports belongs to a later connection."""
        mine, other = self._halves(side)
        if mine.opened and segment.seq == mine.isn:
            return False
        if segment.has_ack:
            answers = other.opened and other.relative(segment.ack) == 1
            return not answers and (self._over or not other.opened)
        return mine.opened or self._over or not other.opened  # else both sides opened at once

    def feed(self, segment: Segment, side: Side, lost: bool) -> Noted:
        mine, other = self._halves(side)
        was_over, was_aborted = self._over, self._aborted
        if segment.syn:
            synchronize(mine, other, segment)
        seq = mine.relative(segment.seq)
        ack = other.relative(segment.ack) if segment.has_ack else None
        notes: set[Note] = {"lost"} if lost else set()
        delivered: tuple[Chunk, ...] = ()
        if segment.rst:
            if other.state is State.SYN_SENT and not mine.opened and ack == 1:
                notes.add("refused")
            self._aborted |= abort(mine, other, seq, ack, lost=lost)
        else:
            delivered = self._place(mine, other, segment, seq, ack, notes)
        repeats_fin = segment.fin and "retransmission" in notes
        if was_over and (was_aborted or not (repeats_fin or "acks-fin" in notes)):
            notes.add("after-close")
        noted = Noted(
            segment,
            self._index,
            side,
            seq,
            ack,
            frozenset(notes) if notes else _NO_NOTES,
            self._client.state,
            self._server.state,
            delivered,
        )
        self._noted.append(noted)
        self._snapshot = None
        if segment.rst:
            self._resets.append(noted)
        self._shake(noted)
        return noted

    def _place(
        self, mine: Half, other: Half, segment: Segment, seq: int, ack: int | None, notes: set[Note]
    ) -> tuple[Chunk, ...]:
        """Work a segment without RST into both halves; returns what became contiguous."""
        span, at, over = segment.span, len(self._noted), self._over
        delivered: tuple[Chunk, ...] = ()
        if mine.origin is None:
            mine.origin = seq
        probing = probe(mine, other, segment, seq)
        if probing is not None:
            notes.add(probing)
        if span and probing != "keep-alive":  # its byte is no data
            delivered = take(mine, segment, seq, notes)
        if ack is not None:
            weigh(mine, other, segment, ack, not span and probing is None, notes)
        mine.probed = probing == "keep-alive"
        mine.sent = max(mine.sent, seq + span)
        acks_fin = ack is not None and other.fin is not None and ack > other.fin and other.fin_ack_at is None
        first_fin = segment.fin and mine.fin is None
        if acks_fin:
            notes.add("acks-fin")
            other.fin_ack_at = at
        if first_fin:
            mine.fin, mine.fin_at = seq + span - 1, at
            if other.ack is not None and other.ack > mine.fin:
                mine.fin_ack_at = other.ack_at
        if not over and (span or acks_fin or mine.state is not other.state):  # else nothing can move
            move(mine, other, segment, ack, acks_fin, first_fin, lost="lost" in notes)
        if "lost" not in notes:
            arrive(mine, other, segment, ack)
        mine.synchronized |= segment.syn
        # In an opening connection, an ACK of what was never sent is a stray from an earlier one (3.5.1).
        stray = ack is not None and other.state is State.SYN_SENT and ack > other.sent
        if ack is not None and not stray and (mine.ack is None or ack > mine.ack):
            mine.ack, mine.ack_at = ack, at
        return delivered

    def _shake(self, noted: Noted) -> None:
        """Note a segment's part in the handshake, if it has one."""
        shake, segment = self._handshake, noted.segment
        if shake.ack is not None:
            return
        client = noted.sender == "client"
        if segment.rst:
            if "refused" in noted.notes:
                self._handshake = replace(shake, refused=noted)
        elif segment.syn:
            if client and shake.syn is None:
                self._handshake = replace(shake, syn=noted)
            elif not client and noted.ack is not None and shake.syn_ack is None:
                self._handshake = replace(shake, syn_ack=noted, ack=self._crossing)
            elif client and noted.ack == 1:  # both opened at once: it acknowledges the server's SYN (figure 7)
                self._crossing = self._crossing or noted
                self._handshake = replace(shake, ack=self._crossing if shake.syn_ack is not None else None)
        elif client and shake.syn_ack is not None and noted.ack is not None and noted.ack >= 1 and not self._aborted:
            self._handshake = replace(shake, ack=noted)

    def snapshot(self) -> Connection:
        """The connection as it stands; the same value until another segment comes."""
        if self._snapshot is None:
            client, server = self._client, self._server
            self._snapshot = Connection(
                index=self._index,
                client=self._endpoints[0],
                server=self._endpoints[1],
                noted=tuple(self._noted),
                handshake=self._handshake,
                teardown=self._teardown(),
                client_stream=client.stream(server.ack),
                server_stream=server.stream(client.ack),
                client_state=client.state,
                server_state=server.state,
            )
        return self._snapshot

    def _teardown(self) -> Teardown:
        client_fin, client_fin_ack = self._at(self._client.fin_at), self._at(self._client.fin_ack_at)
        server_fin, server_fin_ack = self._at(self._server.fin_at), self._at(self._server.fin_ack_at)
        first: Side | None = "client" if client_fin else "server" if server_fin else None
        simultaneous = False
        if client_fin and server_fin:
            client_answers = (client_fin.ack or 0) > server_fin.seq + server_fin.segment.length
            server_answers = (server_fin.ack or 0) > client_fin.seq + client_fin.segment.length
            simultaneous = not client_answers and not server_answers
            # Arrival decides who was first, unless the FIN that arrived first answers the other one.
            server_earlier = (self._server.fin_at or 0) < (self._client.fin_at or 0)
            first = "server" if client_answers or (server_earlier and not server_answers) else "client"
        return Teardown(
            client_fin, server_fin, client_fin_ack, server_fin_ack, tuple(self._resets), first, simultaneous
        )

    def _at(self, position: int | None) -> Noted | None:
        return None if position is None else self._noted[position]
