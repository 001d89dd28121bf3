"""Which packets of a capture file can be TCP from or to one port, told from raw bytes. Knows link types, no file format.

Most packets of a large capture are somebody else's. ``decode`` takes microseconds for each; the readers of files can
tell in a fraction of one that nearly all of them are not wanted, because the ports almost always stand in the same
place: behind the link header and an IPv4 header without options. A packet is turned away at that glance only when
``decode`` would turn it away as well; whatever is not plain (options, VLAN tags, IPv6, cut frames) is looked at closely.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from wirelab.observe.captures import Buffer
from wirelab.observe.segments import FIXED_HEADERS, VLAN_TYPES, Packet, decode

PLAIN = 0x45
"""The first byte of nearly every IPv4 header: version 4, five words of header, so no options."""

STRIDE = 16 * 1024 * 1024
"""After so many bytes a reader says how far it is."""

_PORTS_END = 24  # of an IPv4 header without options, and the two ports behind it
_TCP, _UDP = 6, 17
_IPV6 = struct.Struct("!6xB33xHH")  # next header, ports if no extension header is between


class Glance(NamedTuple):
    """How to glance at the packets of one link type in a file of one byte order.

    ``fields`` unpacks, from where a packet's record begins: the fields of the record that were asked for, the link
    header's EtherType, the first byte of the IP header, both ports; all in the file's byte order, as is ``port``. A
    packet is turned away when the first byte is ``PLAIN``, neither port is ``port``, the EtherType is not in
    ``tagged``, and at least ``least`` bytes were kept.
    """

    fields: struct.Struct
    port: int
    tagged: frozenset[int]
    least: int


class Sieve:
    """Keeps the packets that are TCP from or to ``port``; all packets, when that is None.

    ``passed`` is told from time to time before which offset of the buffer nothing is read any more for now, so that
    whoever mapped a file can let go of it: a large one then takes little memory.
    """

    def __init__(self, port: int | None, passed: Callable[[int], None] = lambda offset: None) -> None:
        self.port = port
        self._passed = passed
        self._told = 0

    def reached(self, offset: int) -> None:
        """A reader has come to this offset."""
        if offset - self._told >= STRIDE:
            self._told = offset
            self._passed(offset)

    def glance(self, order: str, linktype: int, record: str, spare: str) -> Glance | None:
        """How to glance at packets; None for a link type that is unknown, and when all are kept.

        ``record`` is the struct format of all that stands before a packet's bytes but for the last four, which
        ``spare`` says how to pass over; link types without EtherType have these stand for it.
        """
        if self.port is None or linktype not in FIXED_HEADERS:
            return None
        kind_at, start = FIXED_HEADERS[linktype]
        tagged: frozenset[int] = frozenset()
        if kind_at is None:
            link = f"H2x{start}x"
        else:
            link = f"{spare}{kind_at}xH{start - kind_at - 2}x"
            tagged = frozenset(self._as_read(kind, order) for kind in VLAN_TYPES)
        return Glance(
            struct.Struct(f"{order}{record}{link}B19xHH"), self._as_read(self.port, order), tagged, start + _PORTS_END
        )

    def keeps(self, buffer: Buffer, at: int, kept: int, length: int, linktype: int) -> bool:
        """Whether the packet with its bytes at this offset is TCP from or to the port; a closer look."""
        self.reached(at)
        if self.port is None:
            return True
        kind_at, start = FIXED_HEADERS.get(linktype, (None, 0))
        if kept >= start + 44 and not (kind_at is not None and _kind(buffer, at + kind_at) in VLAN_TYPES):
            (first,) = bytes(buffer[at + start : at + start + 1])
            protocol, src, dst = _IPV6.unpack_from(buffer, at + start)
            if first >> 4 == 6 and (protocol == _UDP or (protocol == _TCP and self.port not in (src, dst))):
                return False
        data = bytes(buffer[at : at + kept])
        return decode(Packet(0, data, length), 0, linktype, port=self.port) is not None

    @staticmethod
    def _as_read(value: int, order: str) -> int:
        """What a number in network order becomes when it is read in the byte order of a file."""
        return int.from_bytes(value.to_bytes(2, "big"), "big" if order == ">" else "little")


def _kind(buffer: Buffer, at: int) -> int:
    return int.from_bytes(buffer[at : at + 2], "big")
