"""The sieve keeps exactly what decoding with a port keeps, whatever the file; and says how far it is."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.test_pcap import block, enhanced, interface, option, orders, section
from wirelab.base.errors import InputError
from wirelab.observe import pcap, pcapng, sieve
from wirelab.observe.pcap import Capture, Sieve, read_capture, write_pcap, write_pcapng
from wirelab.observe.segments import ETHERNET, LINKTYPES, RAW_IP, Packet, decode

PORT = 12001
PORTS = st.sampled_from([PORT, 443, 0xE12E, 1])  # 0xE12E is 12001 with its bytes swapped
LINKS = {
    0: [struct.pack("<I", 2), struct.pack(">I", 30), b"????"],
    108: [struct.pack(">I", 24)],
    1: [bytes(12) + kind for kind in (b"\x08\x00", b"\x86\xdd", b"\x81\x00\x45\x01\x08\x00", b"\x08\x06")],
    113: [bytes(14) + kind for kind in (b"\x08\x00", b"\x86\xdd", b"\x81\x00\x45\x01\x86\xdd")],
    276: [kind + bytes(18) for kind in (b"\x08\x00", b"\x86\xdd", b"\x88\xa8")],
}


def ip4(protocol: int, options: int, fragment: int, rest: bytes) -> bytes:
    total = 20 + 4 * options + len(rest)
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45 + options, 0, total, 0, fragment, 64, protocol, 0, b"\x7f\0\0\1", b"\x7f\0\0\2"
    )
    return head + bytes(4 * options) + rest


def ip6(protocol: int, extended: bool, _: int, rest: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(rest) + 8 * extended, 0 if extended else protocol, 64)
    return head + bytes(32) + (bytes([protocol]) + bytes(7)) * extended + rest


def tcp(src: int, dst: int, payload: bytes) -> bytes:
    return struct.pack("!HHIIBBHHH", src, dst, 1, 2, 0x50, 0x10, 512, 0, 0) + payload


segments = st.builds(tcp, PORTS, PORTS, st.binary(max_size=8))
networks = st.one_of(
    st.builds(ip4, st.sampled_from([6, 17]), st.sampled_from([0, 0, 1]), st.sampled_from([0, 0x4000, 7]), segments),
    st.builds(ip6, st.sampled_from([6, 17, 44]), st.booleans(), st.just(0), segments),
    st.binary(max_size=70),
)


@st.composite
def frames(draw: st.DrawFn, linktype: int) -> bytes:
    data = draw(st.sampled_from(LINKS.get(linktype, [b""]))) + draw(networks)
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 4)) == 0 else data


def wanted(capture: Capture) -> list[tuple[int, Packet]]:
    """What decoding every packet keeps."""
    found = enumerate(capture.packets, 1)
    return [(n, packet) for n, packet in found if decode(packet, n, capture.linktype, port=PORT) is not None]


def sifted(data: bytes) -> tuple[int, bool, list[tuple[int, Packet]]]:
    found = read_capture(data, "x", Sieve(PORT))
    return found.total, found.truncated, list(zip(found.frames, found.packets, strict=True))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(LINKTYPES)), st.booleans(), st.data())
def test_of_a_pcap_file(linktype: int, big: bool, data: st.DataObject) -> None:
    packets = [Packet(5 * 10**9, frame, len(frame)) for frame in data.draw(st.lists(frames(linktype), max_size=8))]
    file = write_pcap(packets, linktype)
    if big:
        file = struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype)
        file += b"".join(struct.pack(">IIII", 5, 0, len(p.data), p.length) + p.data for p in packets)
    file = file[: data.draw(st.integers(24, len(file)))] if data.draw(st.booleans()) else file
    every = read_capture(file, "x")
    assert (len(every.packets), every.truncated, wanted(every)) == sifted(file)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from("<>"), st.lists(st.sampled_from(sorted(LINKTYPES)), min_size=1, max_size=3), st.data())
def test_of_a_pcapng_file(order: str, linktypes: list[int], data: st.DataObject) -> None:
    """Several interfaces and link types, packets with options and without, other blocks between."""
    file = section(order) + b"".join(interface(order, linktype) for linktype in linktypes)
    kept = []
    count = data.draw(st.integers(0, 8))
    for number in range(1, count + 1):
        source = data.draw(st.integers(0, len(linktypes) - 1))
        frame = data.draw(frames(linktypes[source]))
        options = data.draw(
            st.sampled_from([b"", option(order, 1, b"a comment"), option(order, 2, bytes(4)) + bytes(4)])
        )
        file += enhanced(order, 10**15, frame, source, options)
        if data.draw(st.integers(0, 3)) == 0:
            file += block(order, 0x0BAD, b"a custom block")
        if decode(Packet(0, frame, len(frame)), number, linktypes[source], port=PORT) is not None:
            kept.append(number)
    total, truncated, found = sifted(file)
    assert (count, False, kept) == (total, truncated, [number for number, _ in found])
    assert all(packet.time == 10**18 for _, packet in found)
    found_too = read_capture(file, "x", Sieve(PORT))
    assert kept == [s.frame for s in found_too.segments()]


TALK = [tcp(PORT, 443, b"x"), tcp(443, 80, b"y"), tcp(80, PORT, b"z")]
PACKETS = tuple(Packet(10**18 + n, ip4(6, 0, 0, talk), 40 + len(talk)) for n, talk in enumerate(TALK))

PCAP, PCAPNG = write_pcap(PACKETS, RAW_IP), write_pcapng(PACKETS, RAW_IP, comments={2: "a comment"}, application="x")


@pytest.mark.parametrize("data", [PCAP, PCAPNG])
def test_a_file_cut_anywhere_gives_what_is_whole(data: bytes) -> None:
    for end in range(44, len(data) + 1):
        every = read_capture(data[:end], "x")
        assert (len(every.packets), every.truncated, wanted(every)) == sifted(data[:end])


@orders
def test_damage_among_packets_that_are_passed_over_is_told(order: str) -> None:
    start = section(order) + interface(order, RAW_IP, option(order, 9, b"\x09"))
    other = enhanced(order, 1, PACKETS[1].data)
    for bad in (
        other[:-4] + struct.pack(f"{order}I", 99),  # the length at the end is another one
        enhanced(order, 2**63, PACKETS[1].data),
        enhanced(order, 1, PACKETS[1].data, 7),
        other[:20] + struct.pack(f"{order}I", 2**32 - 1) + other[24:],
    ):
        with pytest.raises(InputError) as expected:
            read_capture(start + other + bad + other, "x")
        with pytest.raises(InputError) as actual:
            read_capture(start + other + bad + other, "x", Sieve(PORT))
        assert expected.value.text("en") == actual.value.text("en")


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([PCAP, PCAPNG]), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
def test_no_damage_does_harm(original: bytes, flips: list[tuple[int, int]]) -> None:
    """A file that can be read as a whole gives the same through a sieve; one that cannot gives an error or packets."""
    damaged = bytearray(original)
    for at, value in flips:
        damaged[at % len(damaged)] = value
    data = bytes(damaged)
    try:
        every = read_capture(data, "x")
    except InputError:
        with suppress(InputError):  # the options of packets that are passed over are not looked at
            sifted(data)
    else:
        assert (every.total, every.truncated, wanted(every)) == sifted(data)


def test_a_length_beyond_reason_is_told_with_the_frame() -> None:
    data = write_pcap(PACKETS[1:2] * 3, ETHERNET)
    at = 24 + 2 * (16 + len(PACKETS[1].data)) + 8
    with pytest.raises(InputError, match=r"packet 3 .*4294967295"):
        read_capture(data[:at] + b"\xff" * 4 + data[at + 4 :], "x", Sieve(PORT))


@pytest.mark.parametrize("port", [PORT, None])
@pytest.mark.parametrize(
    "data", [write_pcap(PACKETS * 40, RAW_IP), write_pcapng(PACKETS * 40, RAW_IP, application="x")]
)
def test_it_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, data: bytes, port: int | None) -> None:
    for module in (pcap, pcapng, sieve):
        monkeypatch.setattr(module, "STRIDE", 512)
    told: list[int] = []
    read_capture(data, "x", Sieve(port, told.append))
    assert sorted(told) == told
    assert all(later - earlier >= 512 for earlier, later in zip([0, *told], told, strict=False))
    assert len(data) - 1024 < told[-1] <= len(data)
