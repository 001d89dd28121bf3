"""``wirelab analyze`` as a person meets it: what is listed, judged, told, written; and what is wrong with the input."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import pytest

from tests.edge.command import Command, Done, inside
from tests.judge.runs import packets
from tests.wire import dialogue
from wirelab.observe.pcap import read_capture, write_pcap, write_pcapng
from wirelab.observe.segments import RAW_IP, Packet

GOOD = r"""
    a > s SYN
    s > a SYN,ACK
    a > s ACK
    s > a "HEARTBEAT 1\n"
    a > s "HEARTBEAT-ACK 1\n"
    a > s "MSG hi\n"
    s > a ACK
    a > s FIN
    s > a FIN
    a > s ACK
"""
BAD = r"""
    b > s SYN
    s > b SYN,ACK
    b > s ACK
    b > s "hello\n"
    b > s RST
"""
MIDDLE = r"""
    c > s "MSG hi\n"
    s > c ACK
"""
TRACE = """\
alice > server  SYN      seq=x
server > alice  SYN,ACK  seq=y  ack=x+1
alice > server  ACK      seq=x+1  ack=y+1
...
alice > server  FIN
server > alice  FIN,ACK
alice > server  ACK
"""
USAGE, DATA, NO_INPUT = 64, 65, 66
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(autouse=True)
def _captures(here: Path) -> None:
    for name, wire in (("good", GOOD), ("bad", BAD), ("middle", MIDDLE), ("both", GOOD + BAD)):
        Path(f"{name}.pcapng").write_bytes(write_pcapng(packets(dialogue(wire)), RAW_IP, application="test"))
    Path("trace.txt").write_text(TRACE)


def analyze(capsys: pytest.CaptureFixture[str], *words: object) -> Done:
    return inside(capsys, "analyze", *words)


# --- one conversation


@pytest.mark.parametrize(("file", "status"), [("good", 0), ("bad", 1), ("middle", 2)])
def test_the_only_conversation_is_drawn_and_judged(capsys: pytest.CaptureFixture[str], file: str, status: int) -> None:
    done = analyze(capsys, f"{file}.pcapng")
    assert (status, "") == (done.status, done.err)
    lines = done.out.splitlines()
    assert lines[0].startswith(f"{file}.pcapng, tcp.stream 0: 127.0.0.1:4000")
    assert "tcp.stream 0" in done.out
    assert all(len(line) <= 100 for line in lines if "pcapng" not in line)
    assert lines[-1].startswith(("✓ pass", "✗ fail", "? inconclusive")[status])
    assert ("WL502" in done.out, "WL911" in done.out) == (status == 1, status == 2)


def test_the_ladder_has_numbers_messages_and_states(capsys: pytest.CaptureFixture[str]) -> None:
    done = analyze(capsys, "good.pcapng")
    assert "  0.003    4 client   ESTABLISHED │◀─ ACK seq=1 ack=1 len=12  HEARTBEAT 1 ─" in done.out
    assert "*TIME-WAIT ├─ ACK seq=25 ack=14  (acknowledges FIN)" in done.out


def test_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    said = analyze(capsys, "middle.pcapng", "--lang", "zh")
    assert "抓包从" not in said.out
    assert "抓包中没有 client 的 SYN" in said.out
    assert "没有任何一方的 FIN" in said.out
    assert "2 个 TCP 会话" in analyze(capsys, "both.pcapng", "--lang", "zh").out


@pytest.mark.parametrize(
    "words",
    [
        ["--stream", 1],
        ["--port", 40002],
        ["--address", "127.0.0.1:40002"],
        ["--address", "localhost:40002"],
        ["--address", ":40002"],
        ["--address", "[::ffff:127.0.0.1]:40002"],
        ["--address", "127.0.0.1", "--port", 40002],
        ["--port", 12001, "--stream", 1],
        ["--address", "127.0.0.1", "--stream", 1],
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_a_conversation_is_picked(capsys: pytest.CaptureFixture[str], words: list[object]) -> None:
    done = analyze(capsys, "both.pcapng", *words, "--protocol", "line", "--json")
    if "::ffff" in str(words):
        assert NO_INPUT == done.status  # another address, though the same machine
        return
    found = json.loads(done.out)
    assert (1, "127.0.0.1:40002", 5) == (done.status, found["conversation"]["client"], found["conversation"]["packets"])
    codes = {entry["code"] for check in found["judgement"]["checks"] for entry in check["findings"]}
    assert {"WL206", "WL502"} == codes
    assert [14, 15] == sorted({f for c in found["judgement"]["checks"] for e in c["findings"] for f in e["frames"]})


def test_where_a_port_was_given_numbers_are_not_called_wiresharks(capsys: pytest.CaptureFixture[str]) -> None:
    said = analyze(capsys, "both.pcapng", "--port", 40002)
    assert "tcp.stream" not in said.out
    assert said.out.startswith("both.pcapng, conversation 0 with port 40002: 127.0.0.1:40002 to 127.0.0.1:12001")


# --- several


def test_several_are_listed_with_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    done = analyze(capsys, "both.pcapng")
    assert (0, "") == (done.status, done.err)
    assert done.out.splitlines() == [
        "both.pcapng: 15 packets, 2 TCP conversations",
        "",
        "tcp.stream  client           server           packets  bytes →  bytes ←  seconds  opened  closed",
        "         0  127.0.0.1:40000  127.0.0.1:12001       10       23       12    0.009  SYN     FIN first from client",
        "         1  127.0.0.1:40002  127.0.0.1:12001        5        6        0    0.004  SYN     RST from client",
        "",
        "pick one: wirelab analyze both.pcapng --stream 0",
    ]
    listed = json.loads(analyze(capsys, "both.pcapng", "--json").out)
    assert [(0, "client", None), (1, None, "client")] == [
        (item["stream"], item["fin"], item["rst"]) for item in listed["conversations"]
    ]


@pytest.mark.parametrize(("language", "page"), [("en", "analyze.md"), ("zh", "analyze.zh.md")])
def test_the_docs_show_what_is_listed(capsys: pytest.CaptureFixture[str], language: str, page: str) -> None:
    Path("both.pcapng").rename("lab.pcapng")
    done = analyze(capsys, "lab.pcapng", "--lang", language)
    assert done.out in (DOCS / page).read_text("utf-8")


@pytest.mark.parametrize("words", [["--port", 12001], ["--expect", "trace.txt"], ["--as-trace"], ["-o", "x.pcapng"]])
def test_nothing_is_judged_when_several_are_left(capsys: pytest.CaptureFixture[str], words: list[object]) -> None:
    done = analyze(capsys, "both.pcapng", *words)
    assert USAGE == done.status  # 0 would say that something passed
    assert "several conversations are left" in done.err
    assert ("127.0.0.1:40002" in done.out) == ("--as-trace" not in words)
    assert ("numbered among those of that port" in done.out) == ("--port" in words)
    assert not Path("x.pcapng").exists()


# --- protocols and traces


def test_which_protocol_was_used_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "protocol: line (guessed" in analyze(capsys, "good.pcapng").out
    said = analyze(capsys, "bad.pcapng", "--stream", 0)
    assert "protocol: bare (text without framing), as none of the messages follows line, length" in said.out
    assert "WL206" not in said.out
    said = analyze(capsys, "bad.pcapng", "--protocol", "line")
    assert "protocol: line\n" in said.out
    assert "WL206" in said.out
    said = analyze(capsys, "good.pcapng", "--protocol", "lien")
    assert (USAGE, True) == (said.status, "did you mean 'line'" in said.err)


def test_an_expected_trace(capsys: pytest.CaptureFixture[str]) -> None:
    done = analyze(capsys, "good.pcapng", "--expect", "trace.txt")
    assert (0, True) == (done.status, "as the trace says" in done.out)
    done = analyze(capsys, "bad.pcapng", "--expect", "trace.txt", "--protocol", "bare")
    assert (1, True) == (done.status, "WL701" in done.out)
    Path("trace.txt").write_text("alice > server SIN\n")
    done = analyze(capsys, "good.pcapng", "--expect", "trace.txt")
    assert DATA == done.status
    assert "trace.txt:1:16" in done.err
    assert NO_INPUT == analyze(capsys, "good.pcapng", "--expect", "absent.txt").status


def test_a_conversation_becomes_a_trace_that_it_follows(capsys: pytest.CaptureFixture[str]) -> None:
    done = analyze(capsys, "good.pcapng", "--as-trace")
    assert (0, "") == (done.status, done.err)
    assert done.out.startswith("client > server  SYN      seq=x\nserver > client  SYN,ACK  seq=y     ack=x+1\n")
    Path("again.txt").write_text(done.out)
    assert 0 == analyze(capsys, "good.pcapng", "--expect", "again.txt").status


# --- the annotated capture


def test_findings_become_comments(capsys: pytest.CaptureFixture[str]) -> None:
    done = analyze(capsys, "both.pcapng", "--stream", 1, "-o", "out.pcapng", "--protocol", "line")
    assert "5 packets with comments written to out.pcapng" in done.out
    again = read_capture(Path("out.pcapng").read_bytes(), "out")
    assert (5, {4, 5}) == (len(again.packets), set(again.comments))
    assert "WL206 client sent 'hello'" in again.comments[4]
    assert "frame 14 of both.pcapng" in again.comments[4]
    done = analyze(capsys, "good.pcapng", "-o", "good.pcapng")
    assert (USAGE, True) == (done.status, "never overwritten" in done.err)


# --- captures of other systems


@pytest.mark.parametrize("words", [[], ["--port", 12001]], ids=["all", "port"])
@pytest.mark.parametrize(
    ("linktype", "header"),
    [
        (0, "02000000"),  # Windows (Npcap), and macOS with IPv4
        (0, "00000002"),  # a loopback header of a big-endian machine
        (1, "000000000000000000000000 8100 0007 0800"),  # with a VLAN tag
        (113, "0000 0304 0006 000000000000 0000 0800"),
        (276, "0800 0000 00000001 0304 00 06 0000000000000000"),
        (101, ""),
    ],
)
def test_captures_of_every_system(
    capsys: pytest.CaptureFixture[str], linktype: int, header: str, words: list[object]
) -> None:
    framed = [packet._replace(data=bytes.fromhex(header) + packet.data) for packet in packets(dialogue(GOOD))]
    framed = [packet._replace(length=len(packet.data)) for packet in framed]
    Path("x.pcap").write_bytes(write_pcap(framed, linktype))
    Path("x.pcapng").write_bytes(write_pcapng(framed, linktype, application="test"))
    for name in ("x.pcap", "x.pcapng"):
        done = analyze(capsys, name, *words)
        assert (0, True) == (done.status, "10 segments; 23 bytes from the client, 12 bytes" in done.out)


# --- what is wrong with the input


def test_what_is_no_capture(capsys: pytest.CaptureFixture[str]) -> None:
    good = Path("good.pcapng").read_bytes()
    files = {
        "empty.pcap": (b"", "empty file"),
        "shot.png": (b"\x89PNG\r\n\x1a\n", "A picture"),
        "packed.pcapng.gz": (gzip.compress(good), "gunzip -c packed.pcapng.gz >"),
        "notes.txt": (b"No. Time Source\n", "found text"),
        "damaged.pcapng": (good[:60] + b"\xff" * 40 + good[100:], "damaged"),
        "udp.pcap": (write_pcap([Packet(0, b"\x45" + bytes(40), 41)] * 3, RAW_IP), "3 packets, and no TCP among them"),
        "wifi.pcap": (struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 127), "127 IEEE 802.11 radiotap"),
    }
    for name, (data, why) in files.items():
        Path(name).write_bytes(data)
        for words in ([], ["--port", 12001]):
            done = analyze(capsys, name, *words)
            assert (NO_INPUT, "") == (done.status, done.out), name
            assert done.err.startswith(f"wirelab: {name}"), done.err
            if not (words and name == "udp.pcap"):
                assert why in done.err
    for name in ("absent.pcap", "."):
        assert NO_INPUT == analyze(capsys, name).status


def test_a_file_that_was_cut_is_judged_as_far_as_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    good = Path("good.pcapng").read_bytes()
    Path("cut.pcapng").write_bytes(good[: len(good) * 2 // 3])
    done = analyze(capsys, "cut.pcapng")
    assert 2 == done.status
    assert "the file ends in the middle of a packet" in done.out
    assert "WL912" in done.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--port", "0"], "from 1 to 65535"),
        (["--port", "http"], "from 1 to 65535"),
        (["--port", "65536"], "from 1 to 65535"),
        (["--address", "server"], "is no address"),
        (["--address", ""], "is no address"),
        (["--address", "::1:x:y"], "is no address"),
        (["--address", "127.0.0.1:x"], "from 1 to 65535"),
        (["--address", "127.0.0.1:5", "--port", "6"], "name two ports"),
        (["--stream", "7"], "no conversation 7"),
        (["--stream", "-1"], "no conversation -1"),
        (["--as-trace", "--json"], "judges nothing"),
        (["--as-trace", "-o", "x"], "judges nothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_cannot_be(capsys: pytest.CaptureFixture[str], words: list[str], why: str) -> None:
    done = analyze(capsys, "both.pcapng", *words)
    assert USAGE == done.status
    assert why in done.err


def test_it_is_there_as_a_command(command: Command) -> None:
    done = command("analyze", "good.pcapng", "--port", 12001)
    assert (0, "") == (done.status, done.err)
    assert "✓ pass" in done.out
