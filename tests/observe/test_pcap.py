"""Capture files: what is written is read again, by wirelab, scapy and Wireshark; and no file does any harm."""

from __future__ import annotations

import gzip
import mmap
import shutil
import struct
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet as ScapyPacket
from scapy.packet import Raw
from scapy.utils import PcapNgReader, RawPcapReader, wrpcap, wrpcapng

from wirelab.base.errors import InputError
from wirelab.base.texts import LANGUAGES
from wirelab.observe.pcap import Capture, read_capture, write_pcap, write_pcapng
from wirelab.observe.segments import ETHERNET, RAW_IP, Packet, Segment, decode_all

NOON = 1_700_000_000_123_456_789
LO = Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00")
IP4 = IP(src="127.0.0.1", dst="127.0.0.1")
IP6 = IPv6(src="::1", dst="::1")


def packet(data: bytes, time: int = NOON) -> Packet:
    return Packet(time, data, len(data))


def tcp(seq: int, payload: bytes = b"") -> ScapyPacket:
    return TCP(sport=4324, dport=12001, seq=seq, ack=7, flags="PA", window=512) / Raw(payload)


DIALOGUE = tuple(
    packet(bytes(LO / ip / tcp(seq, payload)), NOON + seq)
    for ip, seq, payload in [(IP4, 1, b"MSG hello\n"), (IP4, 11, b""), (IP6, 12, b"MSG \xe4\xbd\xa0\xe5\xa5\xbd\n")]
)

packets = st.lists(
    st.builds(
        lambda time, data, cut: Packet(time, data, len(data) + cut),
        st.integers(0, 2**32 * 10**9 - 1),
        st.binary(max_size=90),
        st.integers(0, 3),
    ),
    max_size=6,
).map(tuple)


def read(data: bytes) -> Capture:
    return read_capture(data, "x.pcapng")


# Files in either byte order, as other tools may write them.


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + total + body + total


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, linktype: int = RAW_IP, options: bytes = b"", snaplen: int = 0) -> bytes:
    return block(order, 1, struct.pack(f"{order}HHI", linktype, 0, snaplen) + options)


def enhanced(order: str, ticks: int, data: bytes, number: int = 0, options: bytes = b"") -> bytes:
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data + bytes(-len(data) % 4) + options)


def statistics(order: str, number: int, *options: tuple[int, int]) -> bytes:
    counters = b"".join(option(order, code, struct.pack(f"{order}Q", count)) for code, count in options)
    return block(order, 5, struct.pack(f"{order}III", number, 0, 0) + counters)


orders = pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])


# Round trips.


@settings(deadline=None)
@given(packets, st.data())
def test_pcapng_gives_back_what_was_written(written: tuple[Packet, ...], data: st.DataObject) -> None:
    frames = st.integers(1, len(written)) if written else st.nothing()
    comments = data.draw(st.dictionaries(frames, st.text(st.characters(exclude_categories=["Cs"]))))
    lost = data.draw(st.integers(0, 2**32))
    found = read(write_pcapng(written, 113, comments=comments, lost=lost, application="wirelab"))
    assert (written, comments) == (tuple(found.packets), found.comments)
    assert (113, lost, False) == (found.linktype, found.lost, found.truncated)


@settings(deadline=None)
@given(packets)
def test_pcap_gives_back_what_was_written(written: tuple[Packet, ...]) -> None:
    found = read(write_pcap(written, ETHERNET))
    assert Capture(ETHERNET, written) == Capture(found.linktype, tuple(found.packets), truncated=found.truncated)


def test_a_comment_longer_than_an_option_holds_is_kept_whole() -> None:
    comment = "心跳" * 20_000
    found = read(write_pcapng(DIALOGUE, ETHERNET, comments={2: comment}, application="wirelab"))
    assert comment == found.comments[2].replace("\n", "")


def test_a_comment_on_no_frame_is_a_bug_in_the_caller() -> None:
    with pytest.raises(ValueError, match="beyond 1 to 3"):
        write_pcapng(DIALOGUE, ETHERNET, comments={4: "?"}, application="wirelab")


def test_packets_are_a_sequence_cut_out_of_any_buffer(tmp_path: Path) -> None:
    file = tmp_path / "x.pcapng"
    file.write_bytes(write_pcapng(DIALOGUE, ETHERNET, application="wirelab"))
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for buffer in (mapped, memoryview(file.read_bytes())):
            found = read_capture(buffer, "x.pcapng").packets
            assert (3, DIALOGUE) == (len(found), tuple(found))
            assert (DIALOGUE[0], DIALOGUE[-1], DIALOGUE[1:]) == (found[0], found[-1], found[1:])
            assert isinstance(found[0].data, bytes)
            with pytest.raises(IndexError):
                found[3]


# Files of other tools.


@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)], ids=["microseconds", "nanoseconds"])
@orders
def test_pcap_of_any_kind(order: str, magic: int, unit: int) -> None:
    # The upper half of the link type says how long frame check sequences are; the length on the wire may be too small.
    data = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, 0x24000001)
    data += struct.pack(f"{order}IIII", 5, 7, 3, 9) + b"abc" + struct.pack(f"{order}IIII", 6, 0, 2, 0) + b"de"
    found = read(data)
    assert (Packet(5 * 10**9 + 7 * unit, b"abc", 9), Packet(6 * 10**9, b"de", 2)) == tuple(found.packets)
    assert (ETHERNET, 0, {}, False) == (found.linktype, found.lost, found.comments, found.truncated)


@orders
@pytest.mark.parametrize(
    ("options", "ticks", "expected"),
    [
        ([], 1_500_000, 1_500_000_000),  # microseconds, when nothing else is said
        ([(9, b"\x09")], 1_500_000, 1_500_000),
        ([(9, b"\x00")], 3, 3 * 10**9),
        ([(9, b"\x0c")], 1_999, 1),  # picoseconds
        ([(9, b"\x8a")], 1536, 1_500_000_000),  # 2**-10 s
        ([(9, b"\xff")], 1, 0),
        ([(9, b"\x7f")], 1, 0),
        ([(9, b"\x03"), (14, 60)], 5, 60_005_000_000),
        ([(14, -1)], 2_000_000, 1_000_000_000),
    ],
)
def test_pcapng_clocks(order: str, options: list[tuple[int, bytes | int]], ticks: int, expected: int) -> None:
    values = [(code, struct.pack(f"{order}q", value) if isinstance(value, int) else value) for code, value in options]
    described = b"".join(option(order, code, value) for code, value in values)
    for extra in (b"", option(order, 1, b"!")):  # with options, packets are read another way
        found = read(section(order) + interface(order, options=described) + enhanced(order, ticks, b"x", 0, extra))
        assert [Packet(expected, b"x", 1)] == list(found.packets)


@orders
def test_every_block_that_carries_packets(order: str) -> None:
    old = struct.pack(f"{order}HHIIII", 0, 3, 0, 2, 3, 30) + b"old"
    data = section(order) + interface(order, options=option(order, 9, b"\x09"), snaplen=4)
    data += block(order, 0x0BAD, b"a custom block") + enhanced(order, 1, b"abc", options=option(order, 2, bytes(4)))
    data += block(order, 2, old) + block(order, 3, struct.pack(f"{order}I", 5) + b"simp")
    found = read(data + enhanced(order, 3, b""))
    expected = [Packet(1, b"abc", 3), Packet(2, b"old", 30), Packet(2, b"simp", 5), Packet(3, b"", 0)]
    assert expected == list(found.packets)


def test_sections_in_two_byte_orders_with_losses_and_comments() -> None:
    data = b""
    for order in "<>":
        commented = option(order, 1, b"one") + option(order, 1, "二".encode()) + bytes(4) + b"not an option"
        data += section(order) + interface(order) + interface(order)
        data += enhanced(order, 1, b"a", 1) + enhanced(order, 2, b"b", 0, commented)
        data += statistics(order, 0, (4, 9), (5, 1)) + statistics(order, 0, (4, 10), (5, 2), (7, 1))
        data += statistics(order, 1, (5, 2**64 - 1), (7, 4))
    found = read(data)
    assert [b"a", b"b"] * 2 == [packet.data for packet in found.packets]
    assert {2: "one\n二", 4: "one\n二"} == found.comments
    assert 14 == found.lost  # counters are cumulative, all ones means unknown


def test_mixed_link_types_become_raw_ip_and_frames_keep_their_numbers() -> None:
    data = section("<") + interface("<", 1) + interface("<", 276) + interface("<", 220)
    cooked = bytes.fromhex("0800000000000001030400060000000000000000")
    frames = [(2, b"usb"), (0, bytes(LO / Dot1Q() / IP4 / tcp(1))), (0, b"arp"), (1, cooked + bytes(IP4 / tcp(2)))]
    for number, frame in frames:
        data += enhanced("<", 1, frame, number)
    found = read(data)
    assert [b"", bytes(IP4 / tcp(1)), b"", bytes(IP4 / tcp(2))] == [packet.data for packet in found.packets]
    assert RAW_IP == found.linktype
    assert [(2, 1), (4, 2)] == [(segment.frame, segment.seq) for segment in decode_all(found.packets, found.linktype)]


@pytest.mark.parametrize(
    ("linktypes", "used", "expected"),
    [([], [], ETHERNET), ([276], [], 276), ([1, 0], [], RAW_IP), ([220, 1], [1], ETHERNET), ([1, 1], [0, 1], ETHERNET)],
)
def test_the_link_type_is_that_of_the_packets(linktypes: list[int], used: list[int], expected: int) -> None:
    described = b"".join(interface("<", linktype) for linktype in linktypes)
    found = read(section("<") + described + b"".join(enhanced("<", 1, b"x", number) for number in used))
    assert (expected, len(used)) == (found.linktype, len(found.packets))


@pytest.mark.parametrize("writer", [wrpcap, wrpcapng])
def test_what_scapy_writes_is_read(tmp_path: Path, writer: Callable[..., None]) -> None:
    file = tmp_path / "scapy"
    layers = [LO / IP4 / tcp(seq, b"x" * seq) for seq in range(5)]
    for layer in layers:
        layer.time = 1_700_000_000.5
    writer(str(file), layers)
    found = read(file.read_bytes())
    assert [packet(bytes(layer), 1_700_000_000_500_000_000) for layer in layers] == list(found.packets)


def test_scapy_reads_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "ours"
    file.write_bytes(write_pcapng(DIALOGUE, ETHERNET, comments={2: "WL502: 先读完再关闭"}, application="wirelab"))
    with PcapNgReader(str(file)) as reader:
        seen = [(int(layers.time * 10**9), bytes(layers), layers.comments) for layers in reader]
    comments = [None, ["WL502: 先读完再关闭".encode()], None]
    assert [(p.time, p.data, comment) for p, comment in zip(DIALOGUE, comments, strict=True)] == seen
    file.write_bytes(write_pcap(DIALOGUE, ETHERNET))
    with RawPcapReader(str(file)) as reader:
        raw = [(meta.sec * 10**9 + meta.usec, data, meta.wirelen) for data, meta in reader]
    assert [tuple(packet) for packet in DIALOGUE] == raw


needs_tshark = pytest.mark.skipif(
    not (shutil.which("tshark") and shutil.which("editcap") and shutil.which("capinfos")),
    reason="needs tshark, editcap and capinfos",
)


def run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=60).stdout


FIELDS = ["tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value", "tcp.len"]


def dissect(file: Path, *fields: str) -> list[list[str]]:
    """The fields of every frame, as Wireshark sees them."""
    wanted = [argument for field in fields for argument in ("-e", field)]
    return [line.split("\t") for line in run("tshark", "-n", "-r", file, "-T", "fields", *wanted).splitlines()]


def as_tshark(segment: Segment) -> list[int]:
    (_, src), (_, dst) = segment.src, segment.dst
    return [segment.frame, src, dst, segment.seq, segment.ack, segment.flags, segment.window, segment.length]


@needs_tshark
def test_wireshark_reads_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "ours.pcapng"
    comments = {1: "first data", 3: "WL502: 先读完再关闭"}
    data = write_pcapng(DIALOGUE, ETHERNET, comments=comments, lost=5, application="wirelab 1", interface="lo")
    file.write_bytes(data)
    columns = ["frame.comment", "frame.time_epoch", "frame.interface_name", "tcp.payload"]
    expected = [
        [comments.get(s.frame, ""), f"{s.time // 10**9}.{s.time % 10**9:09}", "lo", s.payload.hex()]
        for s in decode_all(DIALOGUE, ETHERNET)
    ]
    assert expected == dissect(file, *columns)
    assert "wirelab 1" in run("capinfos", file)
    blocks = run("tshark", "-r", file, "-X", "read_format:MIME Files Format", "-V")
    assert "Number of Received Packets: 8" in blocks
    assert "Number of Dropped Packets: 5" in blocks


@needs_tshark
@pytest.mark.parametrize("kind", ["pcapng", "pcap", "nsecpcap"])
def test_what_wireshark_writes_is_read(tmp_path: Path, kind: str) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(write_pcapng(DIALOGUE, ETHERNET, comments={2: "二"}, application="wirelab"))
    run("editcap", "-F", kind, ours, theirs)
    found = read(theirs.read_bytes())
    unit = 1000 if kind == "pcap" else 1
    assert [p._replace(time=p.time // unit * unit) for p in DIALOGUE] == list(found.packets)
    assert ({2: "二"} if kind == "pcapng" else {}) == found.comments


@needs_tshark
def test_wireshark_decodes_the_same_from_every_link_type(tmp_path: Path) -> None:
    ip4, ip6 = bytes(IP4 / tcp(2**32 - 1, b"hello")), bytes(IP6 / tcp(5, b"hello"))
    null = [(0, struct.pack("<I", 2) + ip4), (0, struct.pack(">I", 30) + ip6), (108, struct.pack(">I", 24) + ip6)]
    cooked = [(113, bytes.fromhex("00000304000600000000000000000800") + ip4)]
    cooked += [(276, bytes.fromhex("86dd000000000001030400060000000000000000") + ip6)]
    plain = [(101, ip4), (101, ip6), (228, ip4), (229, ip6)]
    ethernet = [(1, bytes(LO / Dot1Q(vlan=5) / IP4 / tcp(9, b"x")) + bytes(20)), (1, bytes(LO / IP4 / Raw(b"no TCP")))]
    frames = null + cooked + plain + ethernet + [(linktype, data[:-3]) for linktype, data in plain]
    data = section("<") + b"".join(interface("<", linktype) for linktype, _ in frames)
    for number, (_, frame) in enumerate(frames):
        short = struct.pack("<IIIII", number, 0, 1, len(frame), len(frame) + 3 * (number >= len(frames) - len(plain)))
        data += block("<", 6, short + frame + bytes(-len(frame) % 4))
    file = tmp_path / "all.pcapng"
    file.write_bytes(data)
    seen = dissect(file, "frame.number", *FIELDS)
    found = read(data)
    decoded = [as_tshark(segment) for segment in decode_all(found.packets, found.linktype)]
    assert len(frames) - 1 == len(decoded)
    assert [[int(value, 0) for value in row] for row in seen if all(row)] == decoded


# Files that are damaged or something else.


def key_of(data: bytes) -> str:
    """The key of the error that reading ``data`` gives; it names the file, in both languages."""
    with pytest.raises(InputError) as caught:
        read_capture(data, "homework/capture.pcapng")
    for language in LANGUAGES:
        assert caught.value.text(language).startswith("homework/capture.pcapng")
        assert str(caught.value.values["offset"]) in caught.value.text(language)
    return caught.value.key


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "pcap.empty"),
        (gzip.compress(write_pcap(DIALOGUE, ETHERNET)), "pcap.compressed"),
        (b"\x89PNG\r\n\x1a\n", "pcap.picture"),
        (b"%PDF-1.7", "pcap.picture"),
        (b"snoop\x00\x00\x00", "pcap.other-capture"),
        (b'[\n {"_index": "packets"}]', "pcap.json"),
        ("1 0.0 127.0.0.1 → 127.0.0.1 TCP".encode(), "pcap.text"),
        (("说" * 200).encode()[:512], "pcap.text"),
        (b"\x00\x01\x02\x03\x04", "pcap.not-a-capture"),
        (b"\xff", "pcap.not-a-capture"),
        (b"   \n", "pcap.not-a-capture"),
    ],
)
def test_what_is_no_capture_is_called_by_its_name(data: bytes, expected: str) -> None:
    assert expected == key_of(data)


def test_a_compressed_capture_comes_with_the_way_to_unpack_it() -> None:
    with pytest.raises(InputError, match=r"gunzip -c x\.gz > "):
        read_capture(gzip.compress(b""), "x.gz")


PCAP = write_pcap(DIALOGUE, ETHERNET)
PCAPNG = write_pcapng(DIALOGUE, ETHERNET, comments={2: "a comment"}, lost=1, application="wirelab")
START = section("<") + interface("<", options=option("<", 9, b"\x09"))


def with_word(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PCAP[:23], "pcap.header-cut"),
        (with_word(PCAP, 4, 3), "pcap.version"),
        (with_word(PCAP, 20, 127), "capture.linktype"),
        (with_word(PCAP, 24 + 8, 2**32 - 1), "pcap.packet-length"),
        (PCAPNG[:20], "pcapng.header-cut"),
        (with_word(PCAPNG, 8, 0), "pcapng.byte-order"),
        (with_word(PCAPNG, 12, 2), "pcapng.version"),
        (with_word(PCAPNG, 4, 0), "pcapng.block-length"),
        (START + struct.pack("<IIQ", 6, 2**32 - 4, 0), "pcapng.block-length"),
        (START + block("<", 6, bytes(16)), "pcapng.block-length"),
        (START + block("<", 99, bytes(3))[:-4] + bytes(4), "pcapng.trailer"),
        (START + with_word(enhanced("<", 1, b"abcd"), 20, 5), "pcapng.inner-length"),
        (START + block("<", 3, struct.pack("<I", 5) + b"1234"), "pcapng.inner-length"),
        (START + enhanced("<", 1, b"", options=struct.pack("<HH", 1, 9)), "pcapng.inner-length"),
        (START + enhanced("<", 1, b"", 1), "pcapng.interface"),
        (section("<") + block("<", 3, bytes(4)), "pcapng.interface"),
        (START + enhanced("<", 2**63, b""), "pcapng.time"),
        (section("<") + interface("<", options=option("<", 14, b"\xff" * 8)) + enhanced("<", 0, b""), "pcapng.time"),
        (section("<") + interface("<", 220) + interface("<", 105), "capture.linktype"),
        (START + interface("<", 220) + enhanced("<", 1, b"", 1), "capture.linktype"),
    ],
)
def test_damage_is_told_with_its_place(data: bytes, expected: str) -> None:
    assert expected == key_of(data)


@pytest.mark.parametrize(
    ("data", "header", "packets_at_ends"),
    [(PCAP, 24, [0, 1, 2, 3]), (PCAPNG, 44, [0, 0, 1, 2, 3, 3])],  # two headers in front, statistics at the end
    ids=["pcap", "pcapng"],
)
def test_a_file_cut_anywhere_gives_what_is_whole(data: bytes, header: int, packets_at_ends: list[int]) -> None:
    ends = []
    for end in range(header, len(data) + 1):
        found = read(data[:end])
        assert DIALOGUE[: len(found.packets)] == tuple(found.packets)
        if not found.truncated:
            ends.append(len(found.packets))
    assert packets_at_ends == ends
    assert "header-cut" in key_of(data[: header - 1])


@settings(deadline=None, max_examples=300)
@given(st.sampled_from([PCAP, PCAPNG, START + enhanced("<", 1, b"x")]), st.data())
def test_no_damage_does_harm(original: bytes, data: st.DataObject) -> None:
    damaged = bytearray(original[: data.draw(st.integers(0, len(original)), label="cut")])
    for _ in range(data.draw(st.integers(0, 4), label="flips") if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InputError):
        found = read(bytes(damaged))
        assert sum(len(packet.data) for packet in found.packets) <= len(damaged)
        assert all(segment.length >= 0 for segment in decode_all(found.packets, found.linktype))


@settings(deadline=None)
@given(st.sampled_from([b"", START, PCAP[:24], PCAPNG]), st.binary(max_size=64))
def test_no_trailing_bytes_do_harm(start: bytes, rest: bytes) -> None:
    with suppress(InputError):
        assert len(read(start + rest).packets) <= 3 + len(rest) // 12
