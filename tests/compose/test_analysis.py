"""Captures as files: opened without being read as a whole, searched for a conversation, written again with comments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.judge.runs import packets
from tests.wire import dialogue
from wirelab.base.errors import AuthorError, InputError, UsageError
from wirelab.compose import analysis
from wirelab.compose.analysis import Selection, analyse, annotated, conversations, guessed, load, opened, pick, write
from wirelab.observe.connections import Tracker
from wirelab.observe.pcap import read_capture, write_pcap, write_pcapng
from wirelab.observe.segments import RAW_IP, Packet

TWO = r"""
    a > s SYN
    b > s SYN
    s > a SYN,ACK
    a > s ACK
    a > s "what?\n"
    a > s RST
    s > b SYN,ACK
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "two.pcapng"
    comments = {2: "mine", 5: "as well"}
    path.write_bytes(write_pcapng(packets(dialogue(TWO)), RAW_IP, comments=comments, application="test"))
    return path


def test_everything_or_one_port(file: Path) -> None:
    with opened(file) as (capture, let_go):
        let_go()
        assert [5, 2] == [item.packets for item in conversations(capture, Selection(), file)]
    with opened(file, 40002) as (capture, _):
        (one,) = conversations(capture, Selection(port=40002), file)
        assert ([2, 7], 7, 40002) == ([*capture.frames], capture.total, one.client.port)


def test_a_large_file_is_let_go_of_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    one = Packet(10**18, bytes(1000), 1000)
    path.write_bytes(write_pcap([one] * 40_000, RAW_IP))
    with opened(path, 5) as (capture, _):
        assert (40_000, 0) == (capture.total, len(capture.packets))
        status = Path("/proc/self/smaps").read_text() if os.path.exists("/proc/self/smaps") else ""
        mapped = status.partition(str(path))[2].partition("Rss:")[2].split()[:1]
        assert not mapped or int(mapped[0]) < 30_000  # of 40 000 kB


def test_a_conversation_is_picked_by_address_and_number(file: Path) -> None:
    with opened(file) as (capture, _):
        found = conversations(capture, Selection(), file)
        assert pick(found, Selection()) is None
        assert found[1] == pick(found, Selection(stream=1))
        assert (found[1],) == conversations(capture, Selection(host="127.0.0.1", port=40002), file)
        with pytest.raises(UsageError, match="no conversation 2 among the 2"):
            pick(found, Selection(stream=2))
        with pytest.raises(InputError, match=r"no TCP conversation with address 10\.0\.0\.1 and port 7"):
            conversations(capture, Selection("10.0.0.1", 7), file)


def test_a_capture_without_tcp(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(write_pcap([Packet(0, b"no IP", 5)], RAW_IP))
    with opened(path) as (capture, _), pytest.raises(InputError, match="1 packets, and no TCP among them"):
        conversations(capture, Selection(), path)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("absent", "No such file"), (".", "directory"), ("pipe", "regular"), ("empty", "empty file")):
        with pytest.raises(InputError, match=why), opened(tmp_path / name):
            pass


def test_the_protocol_is_guessed_by_what_was_said() -> None:
    def of(*lines: str) -> str:
        tracker = Tracker()
        for segment in dialogue("a > s SYN\n" + "\n".join(lines)):
            tracker.feed(segment)
        return guessed(tracker.connection(0)).name

    assert "line" == of()
    assert "line" == of('a > s "hello\\n"', 's > a "HEARTBEAT 1\\n"')
    assert "length" == of('a > s b"\\x00\\x00\\x00\\x06MSG hi"')
    assert "bare" == of('a > s "hello"', 's > a "HEARTBEAT"')


def test_a_trace_speaks_of_messages_that_the_profile_has(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.txt"

    def analysed(line: str, protocol: str | None = None) -> str:
        path.write_text(f"a > s SYN\na > s {line}\n")
        with opened(file) as (capture, _):
            one = conversations(capture, Selection(), file)[0]
            trace = analysis.load_trace(path)
            found = analyse(capture, one, Selection(), name="x", protocol=protocol, expected=trace, trace_file=path)
        return found.profile.name

    assert "bare" == analysed("DATA")
    assert "line" == analysed("message heartbeat-ack n=1")  # the guess, bare, has no numbers
    for protocol in (None, "line"):
        with pytest.raises(AuthorError, match=r"trace\.txt:2:1: .*mesage"):
            analysed("message mesage", protocol)


def test_profiles_by_name_and_by_file(tmp_path: Path) -> None:
    assert "length" == load("length").name
    with pytest.raises(UsageError, match="did you mean 'line'"):
        load("lien")
    mine = tmp_path / "mine.yaml"
    mine.write_text("protocol: mine\nframing: {kind: line}\nmessages: [{name: message, from: client, literal: X}]\n")
    assert "mine" == load(str(mine)).name
    mine.write_text("framing: 7\n")
    with pytest.raises(AuthorError):
        load(str(mine))


def test_the_findings_are_comments_on_the_frames_and_old_ones_are_kept(file: Path) -> None:
    with opened(file) as (capture, _):
        one = conversations(capture, Selection(), file)[0]
        result = analyse(capture, one, Selection(), name="x", protocol="line")
        data = annotated(capture, result, "en", file)
        chinese = annotated(capture, result, "zh", file)
    again = read_capture(data, "x")
    mine = [packet for number, packet in enumerate(packets(dialogue(TWO)), 1) if number not in (2, 7)]
    assert mine == list(again.packets)
    assert {4, 5} == set(again.comments)
    assert again.comments[4].startswith("as well\nWL206 client sent 'what?'")
    assert again.comments[4].endswith("(frame 5 of two.pcapng)")
    assert "WL502" in again.comments[5]
    assert "第 6 帧" in read_capture(chinese, "x").comments[5]


def test_only_so_many_segments_are_judged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "MOST", 3)
    with opened(file) as (capture, _):
        one = conversations(capture, Selection(), file)[0]
        result = analyse(capture, one, Selection(), name="x")
    assert 3 == len(result.connection.noted)
    assert "WL902" in {entry.code for entry in result.judgement.findings}


def test_a_file_is_written_whole_and_never_over_the_capture(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    target.write_bytes(b"old")
    write(target, b"new", file)
    assert b"new" == target.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(file)
    before = file.read_bytes()
    for path in (file, link):
        with pytest.raises(UsageError, match="never overwritten"):
            write(path, b"new", file)
    with pytest.raises(InputError, match="cannot write"):
        write(tmp_path / "absent" / "out", b"new", file)
    assert before == file.read_bytes()
    assert {"two.pcapng", "out.pcapng", "link"} == {path.name for path in tmp_path.iterdir()}


def test_what_is_no_regular_file_is_never_replaced(file: Path, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link, tmp_path):
        with pytest.raises(InputError, match="not a regular file"):
            write(path, b"x", file)
    assert pipe.is_fifo()
    assert link.is_symlink()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(InputError):
        write(loop, b"x", file)
    assert loop.is_symlink()
    assert {"two.pcapng", "pipe", "link", "loop"} == {path.name for path in tmp_path.iterdir()}


def test_a_symbolic_link_is_written_through(file: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "file", tmp_path / "link"
    link.symlink_to(target)
    for data in (b"new", b"newer"):  # there is no such file yet, then there is one
        write(link, data, file)
        assert (True, data) == (link.is_symlink(), target.read_bytes())
    link.unlink()
    link.symlink_to(file)
    with pytest.raises(UsageError, match="never overwritten"):
        write(link, b"x", file)


def test_what_lies_where_a_part_is_written_is_not_written_through(file: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    (tmp_path / "out.partial").symlink_to(mine)
    write(tmp_path / "out", b"x", file)
    assert (b"mine", b"x") == (mine.read_bytes(), (tmp_path / "out").read_bytes())
