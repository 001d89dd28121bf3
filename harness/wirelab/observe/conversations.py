"""The TCP conversations of a capture, counted but not kept: who spoke with whom, how much, how it began and ended.

A capture may hold a million packets, of which one conversation is wanted. ``survey`` goes over it once and keeps a few
numbers a conversation, and where its packets lie; ``follow`` then rebuilds the one that was picked. Knows no expectations.

Conversations are told apart, and numbered in the order of their first packets, as Wireshark's ``tcp.stream`` does: by
addresses and ports, and where these are used again, by a SYN with a new initial sequence number.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from wirelab.observe.captures import Capture
from wirelab.observe.connections import Connection, Side, Tracker
from wirelab.observe.segments import ACK, FIN, RST, SYN, Endpoint, Segment, decode

UNNUMBERED = -1
"""The index of a connection when nobody knows how many there were before it."""

STRIDE = 1 << 14  # packets between two reports of how far a survey is


@dataclass(slots=True)
class Count:
    """What one side sent: packets, bytes of payload (retransmitted ones each time)."""

    packets: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Conversation:
    """One conversation, in numbers.

    ``index`` counts from 0; the client is who sent the first SYN, else the side whose port is not the server port,
    else the one with the higher port. ``positions`` are those of its packets in ``Capture.packets``. ``began`` and
    ``ended`` are the times of its first and last packet in nanoseconds since the epoch. ``syn``: the SYN of its client
    was captured; ``fin`` and ``rst``: who sent the first one, if anyone did. ``refused``: a RST was all that answered.
    """

    index: int
    client: Endpoint
    server: Endpoint
    began: int
    ended: int
    sent: dict[Side, Count] = field(default_factory=lambda: {"client": Count(), "server": Count()})
    positions: array[int] = field(default_factory=lambda: array("Q"))
    syn: bool = False
    fin: Side | None = None
    rst: Side | None = None
    refused: bool = False

    @property
    def packets(self) -> int:
        """How many packets it has in the capture."""
        return len(self.positions)

    def has(self, host: str | None, port: int | None) -> bool:
        """Whether one of its ends has this address and this port, as far as they are given."""
        ends = (self.client, self.server)
        return any(host in (None, end.host) and port in (None, end.port) for end in ends)


@dataclass(slots=True)
class _Open:
    """A conversation that may go on: its sides by their endpoints, and what tells a new one on the same ports apart."""

    it: Conversation
    isn: dict[Side, int] = field(default_factory=dict)
    acked: set[Side] = field(default_factory=set)  # who acknowledged anything since the other's SYN
    closed: set[Side] = field(default_factory=set)

    def side(self, segment: Segment) -> Side:
        return "client" if segment.src == self.it.client else "server"

    def is_left_by(self, segment: Segment) -> bool:
        """Whether a SYN begins another conversation: the rule of ``connections.Tracker``, without sequence spaces."""
        side = self.side(segment)
        mine, other = self.isn.get(side), self.isn.get("server" if side == "client" else "client")
        if segment.seq == mine:
            return False
        over = self.it.rst is not None or len(self.closed) > 1
        if segment.flags & ACK:
            return not (other is not None and segment.ack == (other + 1) & 0xFFFFFFFF) and (over or other is None)
        return mine is not None or over or other is None

    def count(self, segment: Segment, position: int) -> None:
        """Take a segment in."""
        it, side, flags = self.it, self.side(segment), segment.flags
        it.ended = segment.time
        it.positions.append(position)
        sent = it.sent[side]
        sent.packets += 1
        sent.bytes += segment.length
        if flags & SYN:
            other: Side = "server" if side == "client" else "client"
            if segment.seq != self.isn.get(side) and (side not in self.isn or other not in self.acked):
                self.isn[side] = segment.seq
                self.acked.discard(other)
            if flags & ACK:
                self.isn.setdefault(other, (segment.ack - 1) & 0xFFFFFFFF)
            it.syn = it.syn or (side == "client" and not flags & ACK)
        if flags & ACK:
            self.acked.add(side)
        if not flags & (SYN | FIN | RST):
            return
        if flags & FIN:
            self.closed.add(side)
            it.fin = it.fin or side
        if flags & RST:
            it.refused = it.refused or (
                it.rst is None and side == "server" and it.sent["server"].packets == 1 and it.syn
            )
            it.rst = it.rst or side


def survey(
    capture: Capture, server_port: int | None = None, passed: Callable[[], None] = lambda: None
) -> tuple[Conversation, ...]:
    """Every TCP conversation among the packets of a capture, in the order of their first packets.

    ``passed`` is called from time to time: what was mapped of the file so far may be let go.
    """
    found: list[Conversation] = []
    latest: dict[tuple[Endpoint, Endpoint], _Open] = {}
    for position, packet in enumerate(capture.packets):
        if not position % STRIDE:
            passed()
        segment = decode(packet, position + 1, capture.linktype)
        if segment is None:
            continue
        known = latest.get((segment.src, segment.dst))
        if known is None or (segment.flags & SYN and known.is_left_by(segment)):
            client = _client(segment, server_port)
            server = segment.dst if client == segment.src else segment.src
            known = _Open(Conversation(len(found), client, server, segment.time, segment.time))
            found.append(known.it)
            latest[client, server] = latest[server, client] = known
        known.count(segment, position)
    return tuple(found)


def _client(segment: Segment, server_port: int | None) -> Endpoint:
    src, dst = segment.src, segment.dst
    if segment.syn:
        return dst if segment.has_ack else src
    if (src.port == server_port) != (dst.port == server_port):
        return src if dst.port == server_port else dst
    return src if src.port >= dst.port else dst


def follow(
    capture: Capture, conversation: Conversation, server_port: int | None = None, most: int | None = None
) -> Connection:
    """Rebuild a conversation from its packets, or from the first ``most`` of them; frame numbers are the file's.

    Its index is the conversation's, or UNNUMBERED where the capture has packets that were left out.
    """
    tracker = Tracker(server_port=server_port)
    for segment in capture.segments(conversation.positions[:most]):
        tracker.feed(segment)
    connection = max(tracker.connections, key=lambda item: len(item.noted))
    index = conversation.index if len(capture.packets) == capture.total else UNNUMBERED
    return replace(connection, index=index, noted=tuple(replace(noted, connection=index) for noted in connection.noted))
