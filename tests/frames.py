"""Segments as captured frames, for tests: of every link type, over either IP, so that captures can be made of dialogues.

``tests.wire`` writes the segments; whether the frames are what they should be, scapy and Wireshark say in the tests of
``observe``. Checksums are left zero: captures on loopback have none that are right.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from wirelab.observe.segments import ETHERNET, RAW_IP, Packet, Segment

_ETHERTYPES = {4: 0x0800, 6: 0x86DD}
_VLAN = 0x8100
# How each link type begins, by the version of IP that follows; loopback's family is little-endian in NULL.
_LINKS = {
    0: lambda version: struct.pack("<I", {4: 2, 6: 30}[version]),
    ETHERNET: lambda version: bytes(12) + struct.pack("!H", _ETHERTYPES[version]),
    RAW_IP: lambda version: b"",
    108: lambda version: struct.pack(">I", {4: 2, 6: 24}[version]),
    113: lambda version: struct.pack("!HHH8xH", 0, 772, 6, _ETHERTYPES[version]),
    276: lambda version: struct.pack("!H2xIHBB8x", _ETHERTYPES[version], 1, 772, 0, 6),
}
LINKS = tuple(_LINKS)
"""The link types that frames can be made of: all that carry both versions of IP, raw IP once."""


def frame(segment: Segment, linktype: int = RAW_IP, *, vlan: int | None = None, keep: int | None = None) -> Packet:
    """A segment as a packet; its options are padded to whole words. ``keep``: bytes of it that the capture kept."""
    src, dst = ip_address(segment.src.host), ip_address(segment.dst.host)
    options = segment.options + bytes(-len(segment.options) % 4)
    ports = segment.src.port, segment.dst.port
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack("!HHIIBBHHH", *ports, segment.seq, segment.ack, offset, segment.flags, segment.window, 0, 0)
    tcp = head + options + segment.payload
    length = len(tcp) - len(segment.payload) + segment.length
    if isinstance(src, IPv6Address):
        ip = struct.pack("!IHBB", 6 << 28, length, 6, 64) + src.packed + dst.packed
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 6, 0) + src.packed + dst.packed
    link = _LINKS[linktype](src.version)
    if vlan is not None:
        assert linktype == ETHERNET, "only Ethernet has VLAN tags here"
        link = link[:12] + struct.pack("!HH", _VLAN, vlan) + link[12:]
    data = link + ip + tcp
    return Packet(segment.time, data[:keep], len(data) - len(segment.payload) + segment.length)


def frames(segments: Iterable[Segment], linktype: int = RAW_IP) -> tuple[Packet, ...]:
    """All of some segments as packets of one link type."""
    return tuple(frame(segment, linktype) for segment in segments)
