"""TCP segments decoded from captured frames. Knows link types and headers, no connections, no files.

``decode`` gives a ``Segment``, or None for anything that is not a whole-enough TCP segment. It is one
straight function without objects in between, because a capture may hold a million frames.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80


class Endpoint(NamedTuple):
    """An IP address in text form and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Packet(NamedTuple):
    """One captured frame: wall-clock nanoseconds, the bytes kept, and the length it had on the wire."""

    time: int
    data: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment as captured.

    ``frame`` counts from 1 over all packets of the capture, as Wireshark does; ``time`` is in
    nanoseconds since the epoch; ``seq``, ``ack`` and ``window`` are raw header fields (window not scaled).
    ``length`` is the payload's length on the wire in bytes; ``payload`` may be shorter when the
    capture cut the frame.
    """

    frame: int
    time: int
    src: Endpoint
    dst: Endpoint
    seq: int
    ack: int
    flags: int
    window: int
    length: int
    payload: bytes
    options: bytes = b""

    @property
    def syn(self) -> bool:
        return bool(self.flags & SYN)

    @property
    def fin(self) -> bool:
        return bool(self.flags & FIN)

    @property
    def rst(self) -> bool:
        return bool(self.flags & RST)

    @property
    def has_ack(self) -> bool:
        return bool(self.flags & ACK)

    @property
    def span(self) -> int:
        """How much sequence space it takes: payload, plus one each for SYN and FIN (RFC 9293, 3.4)."""
        return self.length + self.syn + self.fin

    @property
    def end(self) -> int:
        """The sequence number after its last byte, modulo 2**32."""
        return (self.seq + self.span) & 0xFFFFFFFF

    def flag_names(self) -> str:
        """Flags as written in traces, as in ``SYN,ACK``; a bare ``ACK`` stays, PSH is left out."""
        names = [(SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (ACK, "ACK"), (URG, "URG")]
        return ",".join(name for bit, name in names if self.flags & bit) or "none"


@dataclass(frozen=True, slots=True)
class Options:
    """The TCP options this kit speaks of; None or False for those a segment does not carry.

    ``mss`` in bytes (RFC 9293, 3.7.1); ``window_scale`` is the shift count, at most 14 (RFC 7323, 2.3);
    ``timestamps`` are TSval and TSecr (RFC 7323, 3.2); ``sack_permitted`` is RFC 2018, 2.
    """

    mss: int | None = None
    window_scale: int | None = None
    sack_permitted: bool = False
    timestamps: tuple[int, int] | None = None


LINKTYPES = {
    0: "BSD loopback (NULL)",
    1: "Ethernet",
    12: "raw IP",
    14: "raw IP",
    101: "raw IP",
    108: "OpenBSD loopback (LOOP)",
    113: "Linux cooked v1 (SLL)",
    228: "raw IPv4",
    229: "raw IPv6",
    276: "Linux cooked v2 (SLL2)",
}
"""The link types that can be decoded (https://www.tcpdump.org/linktypes.html), with their names."""

ETHERNET, RAW_IP = 1, 101

# For link types with an EtherType: where it stands, and where what it describes begins.
_ETHERTYPE_AT = {ETHERNET: (12, 14), 113: (14, 16), 276: (0, 20)}
_IP_TYPES = frozenset({0x0800, 0x86DD})
VLAN_TYPES = frozenset({0x8100, 0x88A8, 0x9100})
"""EtherTypes of a VLAN tag: 802.1Q, 802.1ad (QinQ), and QinQ before it had a number."""

# The family in a loopback header is written in the byte order of the machine that captured (LOOP: big-endian), and
# AF_INET6 differs: Linux 10, Windows (Npcap) 23, NetBSD and OpenBSD 24, FreeBSD 28, macOS 30.
_FAMILIES = frozenset(family.to_bytes(4, order) for family in (2, 10, 23, 24, 28, 30) for order in ("big", "little"))
_FAMILY_LINKTYPES = frozenset({0, 108})

FIXED_HEADERS: dict[int, tuple[int | None, int]] = {
    linktype: _ETHERTYPE_AT.get(linktype, (None, 4 if linktype in _FAMILY_LINKTYPES else 0)) for linktype in LINKTYPES
}
"""For every link type, where its EtherType stands (None: it has none), and where IP begins if there is no VLAN tag."""

_TCP_PROTOCOL, _FRAGMENT = 6, 44
_SKIPPED_HEADERS = frozenset({0, 43, 60, _FRAGMENT})  # hop-by-hop options, routing, destination options, fragment

_IPV4 = struct.Struct("!BxHxxHxBxx4s4s")  # version and length, total length, fragment, protocol, addresses
_IPV6 = struct.Struct("!4xHBx16s16s")  # payload length, next header, addresses
_TCP = struct.Struct("!HHIIBBHxxxx")  # ports, seq, ack, offset, flags, window, checksum and urgent pointer unread


def network_offset(data: bytes, linktype: int) -> int:
    """Where the IP header of a frame begins, in bytes; -1 when the frame carries no IP, is cut, or its type unknown."""
    place = _ETHERTYPE_AT.get(linktype)
    if place is not None:
        at, start = place
        if len(data) < start:
            return -1
        kind = data[at] << 8 | data[at + 1]
        while kind in VLAN_TYPES:  # two bytes of tag, then the EtherType of what follows
            if len(data) < start + 4:
                return -1
            kind = data[start + 2] << 8 | data[start + 3]
            start += 4
        return start if kind in _IP_TYPES else -1
    if linktype in _FAMILY_LINKTYPES:
        return 4 if data[:4] in _FAMILIES else -1
    return 0 if linktype in LINKTYPES else -1


def decode(packet: Packet, frame: int, linktype: int, *, port: int | None = None) -> Segment | None:
    """The TCP segment in a frame, or None. Never raises, whatever the bytes.

    None for what is not TCP over IPv4 or IPv6, for a fragment other than the first, and for headers that contradict
    themselves or are cut (of TCP's, the fixed 20 bytes must be there; options that the capture cut stay cut).
    With ``port``, also for segments neither from nor to it, which is tested before anything is built.

    ``Segment.length`` follows the IP header, not the frame: Ethernet pads short frames, and a capture may cut long
    ones. Only where the header says 0 (segmentation offload, jumbograms) the frame's length on the wire counts.
    Checksums are not verified: with offload the sender's card fills them in after the capture has seen the frame, so
    that they are wrong in sound captures, always so on loopback.
    """
    data = packet.data
    start = network_offset(data, linktype)
    size = len(data)
    if start < 0 or size <= start:
        return None
    version = data[start] >> 4
    if version == 4:  # RFC 791, 3.1
        if size < start + 20:
            return None
        first, total, fragment, protocol, src, dst = _IPV4.unpack_from(data, start)
        if protocol != _TCP_PROTOCOL or fragment & 0x1FFF or first & 15 < 5:
            return None
        tcp = start + (first & 15) * 4
        end = start + total if total else packet.length
    elif version == 6:  # RFC 8200, 3 and 4
        if size < start + 40:
            return None
        total, protocol, src, dst = _IPV6.unpack_from(data, start)
        tcp = start + 40
        if protocol != _TCP_PROTOCOL:
            tcp = _behind_extensions(data, tcp, protocol)
        end = start + 40 + total if total else packet.length
    else:
        return None
    if tcp < 0 or size < tcp + 20:
        return None
    src_port, dst_port, seq, ack, offset, flags, window = _TCP.unpack_from(data, tcp)
    if port is not None and port not in (src_port, dst_port):
        return None
    body = tcp + (offset >> 4) * 4
    if body < tcp + 20 or end < body:
        return None
    return Segment(
        frame,
        packet.time,
        _endpoint(src, src_port),
        _endpoint(dst, dst_port),
        seq,
        ack,
        flags,
        window,
        end - body,
        data[body:end],
        data[tcp + 20 : body],
    )


def decode_all(packets: Iterable[Packet], linktype: int, *, port: int | None = None) -> Iterator[Segment]:
    """The TCP segments among all packets of a capture, in captured order, frames numbered from 1; see ``decode``."""
    for frame, packet in enumerate(packets, 1):
        segment = decode(packet, frame, linktype, port=port)
        if segment is not None:
            yield segment


def parse_options(options: bytes) -> Options:
    """TCP options (``Segment.options``) as values; stops at the first that is malformed or cut. Never raises.

    A well-known option of the wrong length is passed over. Source: RFC 9293, 3.1 and 3.2.
    """
    mss: int | None = None
    window_scale: int | None = None
    sack_permitted = False
    timestamps: tuple[int, int] | None = None
    at, size = 0, len(options)
    while at < size and options[at] != 0:  # end of option list
        if options[at] == 1:  # no operation, a single byte
            at += 1
            continue
        length = options[at + 1] if at + 1 < size else 0
        if length < 2 or at + length > size:
            break
        value = options[at + 2 : at + length]
        match (options[at], length):
            case (2, 4):
                mss = int.from_bytes(value, "big")
            case (3, 3):
                window_scale = min(value[0], 14)
            case (4, 2):
                sack_permitted = True
            case (8, 10):
                timestamps = int.from_bytes(value[:4], "big"), int.from_bytes(value[4:], "big")
        at += length
    return Options(mss, window_scale, sack_permitted, timestamps)


def _behind_extensions(data: bytes, at: int, kind: int) -> int:
    """Where the TCP header begins behind IPv6 extension headers from ``at`` on; -1 if it does not (RFC 8200, 4)."""
    while kind in _SKIPPED_HEADERS:
        if len(data) < at + 8:
            return -1
        if kind == _FRAGMENT:
            if (data[at + 2] << 8 | data[at + 3]) & 0xFFF8:
                return -1
            length = 8
        else:
            length = (data[at + 1] + 1) * 8
        kind = data[at]
        at += length
    return at if kind == _TCP_PROTOCOL else -1


@lru_cache(maxsize=65536)
def _endpoint(address: bytes, port: int) -> Endpoint:
    """An endpoint from an address in network order. Cached: a capture names few endpoints very often."""
    if len(address) == 4:
        return Endpoint(str(IPv4Address(address)), port)
    wide = IPv6Address(address)
    # Dotted, as people and Wireshark write it; what str() makes of it differs between Python versions.
    return Endpoint(f"::ffff:{wide.ipv4_mapped}" if wide.ipv4_mapped else str(wide), port)
