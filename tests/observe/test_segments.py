"""Segments: frames that scapy builds and forged ones, and the segment that each must give."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from tests.frames import LINKS as OWN_LINKS
from tests.frames import frame as own_frame
from wirelab.observe.segments import (
    ACK,
    FIN,
    LINKTYPES,
    PSH,
    RAW_IP,
    SYN,
    Endpoint,
    Options,
    Packet,
    Segment,
    decode,
    decode_all,
    network_offset,
    parse_options,
)

LO = Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00")
ETHERTYPES = {4: 0x0800, 6: 0x86DD}

LINKS: list[tuple[int, Callable[[Any], bytes]]] = [
    (1, lambda ip: bytes(LO / ip)),
    (1, lambda ip: bytes(LO / Dot1Q(vlan=7) / ip)),
    (1, lambda ip: bytes(LO / Dot1AD(vlan=3) / Dot1Q(vlan=7) / ip)),
    (1, lambda ip: bytes(12) + b"\x91\x00\x00\x05" + struct.pack("!H", ETHERTYPES[ip.version]) + bytes(ip)),
    (113, lambda ip: bytes(CookedLinux(proto=ETHERTYPES[ip.version]) / ip)),
    (276, lambda ip: bytes(CookedLinuxV2(proto=ETHERTYPES[ip.version]) / ip)),
    *[(raw, bytes) for raw in (12, 14, 101)],
]
"""Every way to carry either version of IP, as a link type and what puts the header on; loopback's are below."""

LOOPBACK_FAMILIES = {4: [2], 6: [10, 23, 24, 28, 30]}


def on_loopback(family: int, order: str) -> Callable[[Any], bytes]:
    return lambda ip: struct.pack(f"{order}I", family) + bytes(ip)


def links(version: int) -> list[tuple[int, Callable[[Any], bytes]]]:
    loopback = [
        (linktype, on_loopback(family, order))
        for linktype in (0, 108)
        for family in LOOPBACK_FAMILIES[version]
        for order in "<>"
    ]
    return [*LINKS, *loopback, ({4: 228, 6: 229}[version], bytes)]


ports = st.integers(0, 0xFFFF)
numbers = st.integers(0, 0xFFFFFFFF)
tcp_options = st.lists(
    st.sampled_from([("MSS", 65495), ("NOP", None), ("WScale", 7), ("SAckOK", b""), ("Timestamp", (9, 2**32 - 1))]),
    max_size=4,
)
ipv6_extensions = st.lists(
    st.sampled_from([IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment]), max_size=3
)


@st.composite
def captured(draw: st.DrawFn) -> tuple[Packet, int, Segment]:
    """A frame with a TCP segment as scapy builds it, its link type, and the segment: not read, but known."""
    options = draw(tcp_options)
    fields: dict[str, Any] = {
        "sport": draw(ports),
        "dport": draw(ports),
        "seq": draw(numbers),
        "ack": draw(numbers),
        "flags": draw(st.integers(0, 0xFF)),
        "window": draw(ports),
    }
    payload = draw(st.binary(max_size=40))
    tcp = TCP(**fields, options=options) / Raw(payload)
    version = draw(st.sampled_from([4, 6]))
    if version == 4:
        src, dst = draw(st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)).map(lambda pair: map(str, pair)))
        ip: Any = IP(src=src, dst=dst, options=[IPOption_NOP()] * draw(st.integers(0, 40)))
    else:
        src, dst = draw(st.sampled_from([("::1", "::1"), ("fe80::1", "2001:db8::"), ("::ffff:127.0.0.1", "::")]))
        ip = IPv6(src=src, dst=dst)
        for header in draw(ipv6_extensions):
            ip /= header()
    linktype, frame = draw(st.sampled_from(links(version)))
    data = frame(ip / tcp)
    time = draw(st.integers(0, 2**63 - 1))
    segment = Segment(
        frame=draw(st.integers(1, 10**6)),
        time=time,
        src=Endpoint(src, fields["sport"]),
        dst=Endpoint(dst, fields["dport"]),
        seq=fields["seq"],
        ack=fields["ack"],
        flags=fields["flags"],
        window=fields["window"],
        length=len(payload),
        payload=payload,
        options=bytes(TCP(options=options))[20:],
    )
    return Packet(time, data, len(data)), linktype, segment


@settings(deadline=None)
@given(captured(), st.integers(0, 20))
def test_what_scapy_builds_is_decoded_padding_or_not(case: tuple[Packet, int, Segment], padding: int) -> None:
    packet, linktype, segment = case
    packet = Packet(packet.time, packet.data + bytes(padding), packet.length + padding)
    assert segment == decode(packet, segment.frame, linktype)


# What scapy reads from the bytes, header by header, is what is decoded from them.

any_options = st.lists(
    st.one_of(
        st.just(("NOP", None)),
        st.builds(lambda value: ("MSS", value), st.integers(0, 0xFFFF)),
        st.builds(lambda value: ("WScale", value), st.integers(0, 0xFF)),
        st.just(("SAckOK", b"")),
        st.builds(lambda one, two: ("Timestamp", (one, two)), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
        st.builds(lambda one, two: ("SAck", (one, two)), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
        st.builds(lambda data: (253, data), st.binary(max_size=6)),
    ),
    max_size=5,
).filter(lambda options: len(bytes(TCP(options=options))) <= 60)
longer_extensions = st.lists(
    st.one_of(
        *[
            st.builds(lambda size, kind=kind: kind(options=[PadN(optdata=bytes(size))]), st.integers(0, 40))
            for kind in (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt)
        ],
        st.builds(lambda count: IPv6ExtHdrRouting(addresses=["::2"] * count), st.integers(0, 3)),
        st.builds(lambda number: IPv6ExtHdrFragment(id=number), st.integers(0, 2**32 - 1)),
    ),
    max_size=4,
)
RAW_LINKTYPES = {12, 14, 101, 228, 229}


@st.composite
def built(draw: st.DrawFn) -> tuple[bytes, int]:
    """A frame of any kind with all fields of its headers as they come, and its link type."""
    fields: dict[str, Any] = {name: draw(ports) for name in ("sport", "dport", "window", "urgptr")}
    fields |= {name: draw(numbers) for name in ("seq", "ack")}
    tcp = TCP(**fields, flags=draw(st.integers(0, 0x1FF)), reserved=draw(st.integers(0, 7)), options=draw(any_options))
    body = tcp / Raw(draw(st.binary(max_size=40)))
    version = draw(st.sampled_from([4, 6]))
    if version == 4:
        addresses = draw(st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)).map(lambda pair: [*map(str, pair)]))
        extra: dict[str, Any] = {"tos": draw(st.integers(0, 255)), "id": draw(ports), "ttl": draw(st.integers(0, 255))}
        ip: Any = IP(src=addresses[0], dst=addresses[1], flags=draw(st.sampled_from(["", "DF", "MF"])), **extra)
        ip.options = [IPOption_NOP()] * draw(st.integers(0, 40))
    else:
        addresses = draw(st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6)).map(lambda pair: [*map(str, pair)]))
        ip = IPv6(src=addresses[0], dst=addresses[1], tc=draw(st.integers(0, 255)), fl=draw(st.integers(0, 2**20 - 1)))
        for header in draw(longer_extensions):
            ip /= header.copy()
    linktype, frame = draw(st.sampled_from(links(version)))
    return frame(ip / body), linktype


def read_by_scapy(data: bytes, linktype: int) -> Any:
    """The frame as scapy dissects it, from the outermost header that scapy has for its link type."""
    if linktype == 1 and data[12:14] == b"\x91\x00":  # scapy knows this tag by its newer number
        data = data[:12] + b"\x81\x00" + data[14:]
    outermost = {1: Ether, 113: CookedLinux, 276: CookedLinuxV2}.get(linktype)
    if outermost is None:
        start = 0 if linktype in RAW_LINKTYPES else 4  # scapy knows the loopback families of one system only
        outermost, data = (IP if data[start] >> 4 == 4 else IPv6), data[start:]
    return outermost(data)


def as_scapy_reads(data: bytes, linktype: int) -> tuple[object, ...]:
    layers = read_by_scapy(data, linktype)
    tcp, ip = layers[TCP], layers[IP] if IP in layers else layers[IPv6]
    hosts = [ip_address(host) for host in (ip.src, ip.dst)]
    header = tcp.dataofs * 4
    payload = bytes(tcp.payload)
    numbers = (tcp.seq, tcp.ack, int(tcp.flags) & 0xFF, tcp.window)
    return hosts, (tcp.sport, tcp.dport), numbers, tcp.original[20:header], payload, known_options(tcp.options)


def known_options(options: list[tuple[object, Any]]) -> Options:
    values = dict(options)
    scale = values.get("WScale")
    return Options(
        values.get("MSS"), None if scale is None else min(scale, 14), "SAckOK" in values, values.get("Timestamp")
    )


def as_decoded(data: bytes, linktype: int) -> tuple[object, ...]:
    segment = decode(Packet(0, data, len(data)), 1, linktype)
    assert segment is not None
    assert len(segment.payload) == segment.length
    hosts = [ip_address(end.host) for end in (segment.src, segment.dst)]
    numbers = (segment.seq, segment.ack, segment.flags, segment.window)
    options = parse_options(segment.options)
    return hosts, (segment.src.port, segment.dst.port), numbers, segment.options, segment.payload, options


@settings(deadline=None, max_examples=200)
@given(built())
def test_scapy_reads_the_same(case: tuple[bytes, int]) -> None:
    data, linktype = case
    assert as_scapy_reads(data, linktype) == as_decoded(data, linktype)


@settings(deadline=None)
@given(captured(), st.sampled_from(OWN_LINKS), st.none() | st.integers(0, 4095))
def test_scapy_reads_what_tests_make_of_segments(
    case: tuple[Packet, int, Segment], linktype: int, vlan: int | None
) -> None:
    """The other way round: from a segment to a frame, as ``tests.frames`` makes them."""
    _, _, segment = case
    made = own_frame(segment, linktype, vlan=vlan if linktype == 1 else None)
    assert segment == decode(made, segment.frame, linktype)
    assert as_scapy_reads(made.data, linktype) == as_decoded(made.data, linktype)


@settings(deadline=None)
@given(captured(), st.data())
def test_a_cut_frame_gives_the_same_segment_with_less_in_it_or_none(
    case: tuple[Packet, int, Segment], data: st.DataObject
) -> None:
    packet, linktype, segment = case
    whole = len(packet.data)
    body = len(segment.options) + len(segment.payload)
    kept = data.draw(st.integers(0, whole), label="kept")
    found = decode(Packet(packet.time, packet.data[:kept], whole), segment.frame, linktype)
    if kept < whole - body:
        assert found is None
    else:
        left = (segment.options + segment.payload)[: kept - (whole - body)]
        options, payload = left[: len(segment.options)], left[len(segment.options) :]
        assert replace(segment, options=options, payload=payload) == found


@settings(deadline=None)
@given(st.binary(max_size=120), st.integers(0, 2**17), st.sampled_from([*LINKTYPES, 105, 65535]))
def test_no_bytes_raise(data: bytes, length: int, linktype: int) -> None:
    found = decode(Packet(0, data, length), 1, linktype)
    assert found is None or found.length >= 0


@settings(deadline=None)
@given(captured(), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_damage_raises(case: tuple[Packet, int, Segment], damage: list[tuple[int, int]]) -> None:
    packet, linktype, segment = case
    data = bytearray(packet.data)
    for at, value in damage:
        data[at % len(data)] = value
    found = decode(packet._replace(data=bytes(data)), segment.frame, linktype)
    assert found is None or len(found.payload) <= len(data)


LOCAL = IP(src="127.0.0.1", dst="127.0.0.1")
LOCAL6 = IPv6(src="::1", dst="::1")
TWELVE = TCP(sport=4324, dport=12001, seq=1, ack=2, flags="PA") / Raw(b"MSG 12345678")


def raw(layers: Any) -> Packet:
    data = bytes(layers)
    return Packet(0, data, len(data))


def payload_and_length(packet: Packet, linktype: int = RAW_IP) -> tuple[bytes, int] | None:
    segment = decode(packet, 1, linktype)
    return None if segment is None else (segment.payload, segment.length)


def test_a_frame_as_the_tap_on_lo_captures_it() -> None:
    data = bytes.fromhex(
        "000000000000000000000000"  # no addresses on lo
        "0800"
        "4500003c1c4640004006b1e6"  # a checksum that offload left wrong
        "7f0000017f000001"
        "10e42ee100000001000000005002ffff0000000002040009"
    )
    segment = decode(Packet(1_700_000_000_123_456_789, data[:62], 74), 3, 1)
    assert segment is not None
    assert ("127.0.0.1:4324", "127.0.0.1:12001", "SYN") == (str(segment.src), str(segment.dst), segment.flag_names())
    assert (3, 1_700_000_000_123_456_789) == (segment.frame, segment.time)


@pytest.mark.parametrize("ip", [LOCAL.copy(), LOCAL6.copy()], ids=["IPv4", "IPv6"])
def test_a_length_of_zero_is_segmentation_offload(ip: Any) -> None:
    ip[0].setfieldval("len" if ip.version == 4 else "plen", 0)
    assert (b"MSG 12345678", 12) == payload_and_length(raw(ip / TWELVE))
    cut = raw(ip / TWELVE)
    assert (b"MSG 12", 12) == payload_and_length(cut._replace(data=cut.data[:-6]))


def test_the_ip_header_is_believed_where_the_file_says_too_little() -> None:
    """Some tools write the length kept for the length on the wire when they cut; sequence numbers would go astray."""
    whole = raw(LOCAL / TWELVE)
    assert (b"MSG ", 12) == payload_and_length(Packet(0, whole.data[:-8], len(whole.data) - 8))


@pytest.mark.parametrize(
    "layers",
    [
        LOCAL / UDP() / Raw(bytes(40)),
        LOCAL.copy() / Raw(bytes(40)),
        IP(src="127.0.0.1", dst="127.0.0.1", frag=1, proto=6) / Raw(bytes(40)),
        LOCAL6 / UDP() / Raw(bytes(40)),
        LOCAL6 / IPv6ExtHdrFragment(offset=1, nh=6) / Raw(bytes(40)),
        LOCAL6 / IPv6ExtHdrHopByHop() / UDP() / Raw(bytes(40)),
        IP(src="127.0.0.1", dst="127.0.0.1", ihl=4) / TWELVE,
        IP(src="127.0.0.1", dst="127.0.0.1", len=39) / TWELVE,
        IP(src="127.0.0.1", dst="127.0.0.1", version=5) / TWELVE,
        LOCAL / TCP(dataofs=4) / Raw(bytes(40)),
        LOCAL / TCP(dataofs=15),
        Raw(b""),
    ],
    ids=[
        "UDP",
        "no protocol",
        "fragment",
        "UDP over IPv6",
        "fragment of IPv6",
        "UDP behind an extension",
        "IPv4 header too short",
        "IPv4 total too short",
        "IP version",
        "TCP header too short",
        "TCP header beyond the packet",
        "empty",
    ],
)
def test_what_is_no_segment(layers: Any) -> None:
    assert decode(raw(layers), 1, RAW_IP) is None


def test_the_first_fragment_is_a_segment() -> None:
    assert (b"MSG 12345678", 12) == payload_and_length(
        raw(IP(src="127.0.0.1", dst="127.0.0.1", flags="MF", proto=6) / TWELVE)
    )
    assert (b"MSG 12345678", 12) == payload_and_length(raw(LOCAL6 / IPv6ExtHdrFragment(offset=0, m=1) / TWELVE))


def test_frames_without_ip() -> None:
    assert network_offset(bytes(LO / ARP(psrc="10.0.0.1", hwsrc="00:00:00:00:00:00")), 1) == -1
    assert network_offset(bytes(LO / Dot1Q())[:16], 1) == -1
    assert network_offset(b"\x00\x00\x00\x07" + bytes(40), 0) == -1
    assert network_offset(b"\x02\x00\x00", 0) == -1


def test_frames_are_numbered_over_all_packets_and_a_port_picks_its_segments() -> None:
    other = TCP(sport=80, dport=4324)
    packets = [raw(LOCAL / UDP()), raw(LOCAL / TWELVE), raw(LOCAL / other), Packet(0, b"", 0), raw(LOCAL6 / TWELVE)]
    assert [2, 3, 5] == [segment.frame for segment in decode_all(packets, RAW_IP)]
    assert [2, 5] == [segment.frame for segment in decode_all(packets, RAW_IP, port=12001)]
    assert [3] == [segment.frame for segment in decode_all(packets, RAW_IP, port=80)]
    assert [] == list(decode_all(packets, RAW_IP, port=0))


def test_derived_values() -> None:
    (segment,) = decode_all([raw(LOCAL / TCP(seq=2**32 - 1, flags="FA") / Raw(b"x"))], RAW_IP)
    assert (FIN | ACK, 2, 1) == (segment.flags, segment.span, segment.end)
    assert (segment.fin, segment.has_ack, segment.syn, segment.rst) == (True, True, False, False)
    assert SYN | PSH == 0x0A


def test_options_of_a_handshake() -> None:
    options = [("MSS", 65495), ("SAckOK", b""), ("Timestamp", (123, 0)), ("NOP", None), ("WScale", 7)]
    (segment,) = decode_all([raw(LOCAL / TCP(flags="S", options=options))], RAW_IP)
    assert Options(65495, 7, True, (123, 0)) == parse_options(segment.options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", Options()),
        ("010101020405b4", Options(mss=1460)),
        ("00020405b4", Options()),  # behind the end of the list
        ("03030f", Options(window_scale=14)),  # as much as RFC 7323 allows
        ("020305020405b4", Options(mss=1460)),  # an MSS of the wrong length, then a right one
        ("fd04beef0402", Options(sack_permitted=True)),  # an experiment, passed over
        ("0402020405", Options(sack_permitted=True)),  # cut
        ("040202", Options(sack_permitted=True)),
        ("0402ff000303", Options(sack_permitted=True)),  # a length of 0 would never end
    ],
)
def test_options(options: str, expected: Options) -> None:
    assert expected == parse_options(bytes.fromhex(options))


@given(st.binary(max_size=40))
def test_no_options_raise_and_a_cut_only_takes_away(options: bytes) -> None:
    def known(found: Options) -> set[str]:
        values = {name: getattr(found, name) for name in Options.__slots__}
        return {name for name, value in values.items() if value is not None and value is not False}

    steps = [known(parse_options(options[:end])) for end in range(len(options) + 1)]
    assert all(before <= after for before, after in pairwise(steps))
