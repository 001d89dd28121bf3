"""Conversations are counted and numbered as the tracker and Wireshark do, and the one that is picked is rebuilt."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judge.runs import packets
from tests.wire import dialogue
from wirelab.observe.captures import Capture
from wirelab.observe.connections import Tracker
from wirelab.observe.conversations import UNNUMBERED, Conversation, follow, survey
from wirelab.observe.pcap import Sieve, read_capture, write_pcapng
from wirelab.observe.segments import RAW_IP, Packet, Segment

AGAIN = r"""
    a > s SYN
    s > a SYN,ACK
    a > s ACK
    b > s SYN
    s > b RST
    a > s "MSG hi\n"
    a > s "MSG hi\n"  seq=1
    s > a FIN
    a > s FIN
    s > a ACK
    a > s SYN  seq=5000
    s > a SYN,ACK  seq=9000 ack=5001
    c > s "half"
    s > c RST
"""


def capture(segments: list[Segment]) -> Capture:
    return read_capture(write_pcapng(packets(segments), RAW_IP, application="x"), "x")


def surveyed(text: str) -> tuple[Conversation, ...]:
    return survey(capture(dialogue(text)))


def test_a_line_for_each() -> None:
    first, refused, again, middle = surveyed(AGAIN)
    assert [0, 1, 2, 3] == [item.index for item in (first, refused, again, middle)]
    assert [8, 2, 2, 2] == [item.packets for item in (first, refused, again, middle)]
    assert (14, 0) == (first.sent["client"].bytes, first.sent["server"].bytes)  # sent again: counted again
    assert (5, 3) == (first.sent["client"].packets, first.sent["server"].packets)
    assert (True, "server", None) == (first.syn, first.fin, first.rst)
    assert (True, True, "server") == (refused.syn, refused.refused, refused.rst)
    assert (False, False, "server") == (middle.syn, middle.refused, middle.rst)
    assert first.client == again.client
    assert 12001 == middle.server.port
    assert 9_000_000 == first.ended - first.began


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        (None, 12001, True),
        (None, 40000, True),
        ("127.0.0.1", 40000, True),
        ("127.0.0.2", 12001, False),
        (None, 1, False),
    ],
)
def test_it_has_an_end(host: str | None, port: int | None, expected: bool) -> None:
    (one,) = surveyed("a > s SYN")
    assert expected == one.has(host, port)


@pytest.mark.parametrize(("port", "client"), [(12001, 40000), (40000, 12001), (None, 40000)])
def test_the_server_port_tells_the_sides_of_what_began_before_the_capture(port: int | None, client: int) -> None:
    (one,) = survey(capture(dialogue("a > s ACK")), port)
    assert client == one.client.port


SAID = ['a > s "x"', "s > a ACK", 's > a "y"', "a > s ACK"]
ENDS = [
    (),
    ("a > s FIN", "s > a FIN", "a > s ACK"),
    ("s > a FIN", "a > s ACK", "a > s FIN", "s > a ACK"),
    ("a > s FIN", "s > a RST,ACK"),
    ("s > a RST,ACK",),
]


@st.composite
def lives(draw: st.DrawFn) -> list[str]:
    """What happens between one pair of ports: several connections, one after the other; the first may be under way."""
    lines: list[str] = []
    for life in range(draw(st.integers(1, 3))):
        seq = f"seq={life * 100_000}"
        hello = [f"a > s SYN {seq}", f"s > a SYN,ACK {seq} ack={life * 100_000 + 1}", "a > s ACK"]
        refused = [f"a > s SYN {seq}", f"a > s SYN {seq}", f"s > a RST,ACK ack={life * 100_000 + 1}"]
        if draw(st.integers(0, 4)) == 0:
            lines += refused
            continue
        lines += hello[0 if life else draw(st.integers(0, 3)) :]
        lines += draw(st.lists(st.sampled_from(SAID), min_size=1, max_size=3))
        lines += draw(st.sampled_from(ENDS))
    return lines


@settings(deadline=None)
@given(lives(), lives(), st.randoms(use_true_random=False))
def test_conversations_are_those_of_the_tracker(one: list[str], two: list[str], chance: Random) -> None:
    order = chance.sample([0] * len(one) + [1] * len(two), len(one) + len(two))
    turns = iter(one), (re.sub(r"\ba\b", "b", line) for line in two)
    segments = dialogue("\n".join(next(turns[which]) for which in order))
    tracker = Tracker(server_port=12001)
    for segment in segments:
        tracker.feed(segment)
    found = capture(segments)
    assert [(item.client, len(item.noted)) for item in tracker.connections] == [
        (item.client, item.packets) for item in survey(found, 12001)
    ]
    for conversation, connection in zip(survey(found, 12001), tracker.connections, strict=True):
        again = follow(found, conversation, 12001)
        assert (connection.index, connection.teardown.first) == (again.index, again.teardown.first)
        assert [noted.segment.frame for noted in connection.noted] == [noted.segment.frame for noted in again.noted]


def test_with_a_sieve_frames_keep_their_numbers_and_streams_have_none() -> None:
    data = write_pcapng(packets(dialogue(AGAIN)), RAW_IP, application="x")
    found = read_capture(data, "x", Sieve(40002))
    (one,) = survey(found)
    connection = follow(found, one)
    assert (14, 2, UNNUMBERED) == (found.total, len(found.packets), connection.index)
    assert [4, 5] == [noted.segment.frame for noted in connection.noted]


def test_only_so_many_segments_are_looked_at() -> None:
    found = capture(dialogue(AGAIN))
    assert 3 == len(follow(found, survey(found)[0], most=3).noted)


def test_what_is_no_tcp_is_no_conversation() -> None:
    assert () == survey(Capture(RAW_IP, (Packet(0, b"arp", 3),), frames=range(1, 2), total=1))


@pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")
def test_numbers_are_wiresharks(tmp_path: Path) -> None:
    file = tmp_path / "x.pcapng"
    file.write_bytes(write_pcapng(packets(dialogue(AGAIN)), RAW_IP, application="x"))
    said = subprocess.run(
        ["tshark", "-n", "-r", file, "-T", "fields", "-e", "tcp.stream"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split()
    expected = {int(number): said.count(number) for number in said}
    assert expected == {item.index: item.packets for item in surveyed(AGAIN)}
