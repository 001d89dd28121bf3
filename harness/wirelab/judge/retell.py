"""A connection told as an expected trace, in the notation of lab reports: the other way round from ``match``.

What comes out matches the connection it came from. What TCP does by the way is left out, as it will not be the same
another time: retransmissions, duplicate and bare acknowledgments, probes. The handshake, every piece of data and the
teardown each have their line; the numbers are symbols, ``x`` for the client's initial number and ``y`` for the server's.
Knows no text: ``declare/trace_writer`` writes what is made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wirelab.declare.trace import Gap, Item, Line, Place, Trace, Value
from wirelab.observe.connections import Connection, Note, Noted, Side

QUOTED = 60  # bytes of a payload that a line quotes at most; of a longer one its beginning, and its length
MOST_DATA = 100  # lines of data; of more, the first and the last are told, and what is between is a gap

_NOWHERE = Place(0, 1)  # in no text so far
SYMBOLS: dict[Side, str] = {"client": "x", "server": "y"}
_BY_THE_WAY: frozenset[Note] = frozenset(
    ("retransmission", "duplicate-ack", "keep-alive", "keep-alive-ack", "window-probe", "window-update")
)


def retell(connection: Connection, names: Mapping[Side, str] | None = None) -> Trace:
    """The connection as a trace between ``client`` and ``server``, or whatever ``names`` they have."""
    teller = _Teller(connection, names or {"client": "client", "server": "server"})
    items = list(teller.items())
    data = [position for position, item in enumerate(items) if isinstance(item, Line) and item.data]
    if len(data) > MOST_DATA:
        half = MOST_DATA // 2
        first, last = data[half], data[-half]
        items[first:last] = [Gap(_NOWHERE)]
    return Trace(tuple(items), actors=(teller.names["client"], teller.names["server"]))


class _Teller:
    """Goes through a connection once."""

    def __init__(self, connection: Connection, names: Mapping[Side, str]) -> None:
        self.names = names
        self._connection = connection
        shake, end = connection.handshake, connection.teardown
        acks = (shake.ack, end.client_fin_ack, end.server_fin_ack)
        self._needed = {noted.segment.frame for noted in acks if noted is not None}

    def items(self) -> Iterator[Item]:
        """The lines, in captured order."""
        if self._connection.handshake.syn is None:
            yield Gap(_NOWHERE)  # what came before the capture, and may come again in it
        for noted in self._connection.noted:
            segment, data = noted.segment, noted.brought
            told = bool(data) or segment.syn or segment.fin or segment.frame in self._needed
            if segment.rst or (told and (data or not noted.notes & _BY_THE_WAY)):
                yield self._line(noted, data)

    def _line(self, noted: Noted, data: range) -> Line:
        segment, side = noted.segment, noted.sender
        other: Side = "server" if side == "client" else "client"
        flags = {name for name, there in (("SYN", segment.syn), ("FIN", segment.fin), ("RST", segment.rst)) if there}
        # An ACK is told where it is needed and no other line tells it.
        says = segment.has_ack and (segment.syn or segment.rst or segment.frame in self._needed)
        seq = data.start + 1 if data else noted.seq
        quoted = b"".join(chunk.data for chunk in noted.delivered)
        return Line(
            _NOWHERE,
            "",
            self.names[side],
            self.names[other],
            frozenset(flags | {"ACK"} if says else flags),
            data=bool(data),
            seq=None if segment.rst else Value((SYMBOLS[side],), seq),
            ack=Value((SYMBOLS[other],), noted.ack) if says and noted.ack is not None else None,
            length=Value((), len(data)) if data and len(segment.payload) == segment.length else None,
            payload=quoted[:QUOTED] if data and quoted else None,
        )
