"""What a capture alone tells: faults that were seen are told, and what its own ends have cut is nobody's fault."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judge.runs import PROFILES, outcome
from tests.wire import dialogue
from wirelab.base.texts import LANGUAGES
from wirelab.declare.trace_reader import read_trace
from wirelab.judge.captured import Limits, judge_captured, sides_of
from wirelab.judge.verdict import Judgement
from wirelab.observe.connections import Tracker

HELLO = "a > s SYN\ns > a SYN,ACK\na > s ACK\n"
BYE = "a > s FIN\ns > a FIN\na > s ACK\n"
BEAT = 's > a "HEARTBEAT 1\\n"\n'
ANSWER = 'a > s "HEARTBEAT-ACK 1\\n"\n'


def judged(wire: str, expect: str | None = None, *, protocol: str = "line", limits: Limits | None = None) -> Judgement:
    tracker = Tracker(server_port=12001)
    for segment in dialogue(wire, frame=101):
        tracker.feed(segment)
    trace = None if expect is None else read_trace(expect)
    return judge_captured("x", tracker.connection(0), PROFILES[protocol], limits or Limits(), trace)


def verdicts(judgement: Judgement) -> dict[str, str]:
    return {check.name: check.verdict.value for check in judgement.checks}


def test_all_is_well() -> None:
    found = judged(HELLO + BEAT + ANSWER + 'a > s "MSG hi\\n"\ns > a "BROADCAST hi\\n"\n' + BYE)
    assert ("pass", []) == outcome(found)
    assert ["capture", "handshake", "messages", "heartbeat", "teardown"] == list(verdicts(found))
    said = [check.summary.in_("en") for check in found.checks]
    assert "11 segments" not in said[0] or "bytes from the client" in said[0]
    assert "client: heartbeat-ack ×1, message ×1; server: heartbeat ×1, broadcast ×1" == said[2]
    assert "frames 101, 102, 103" in said[1]


@pytest.mark.parametrize(
    ("wire", "codes"),
    [
        (HELLO + "a > s RST", ["WL502"]),
        (HELLO + "a > s FIN\ns > a RST,ACK", ["WL502"]),
        (HELLO + 'a > s "hello\\n"\n' + BYE, ["WL206"]),
        (HELLO + 's > a "HELLO\\n"\n' + BYE, ["WL206"]),
        (HELLO + 'a > s "MSG hi"\n' + BYE, ["WL203"]),
        (HELLO + BEAT + 'a > s ACK\ns > a "HEARTBEAT 2\\n" +500ms\na > s "HEARTBEAT-ACK 2\\n"\n' + BYE, ["WL302"]),
        (HELLO + BEAT + "a > s ACK\n" + ANSWER.replace("\n", " +900ms", 1) + "\n" + BYE, ["WL303"]),
        (HELLO + BEAT + ANSWER + ANSWER + BYE, ["WL305"]),
        (HELLO + ANSWER + BYE, ["WL304"]),
        (HELLO + BEAT.replace("1", "5") + ANSWER.replace("1", "5") + BYE, ["WL306"]),
        ("a > s SYN\ns > a RST,ACK ack=1", ["WL102"]),
        ("a > s SYN\na > s SYN +1000ms", ["WL103"]),
    ],
)
def test_what_was_seen_is_told(wire: str, codes: list[str]) -> None:
    assert ("fail", codes) == outcome(judged(wire))


def test_heartbeats_are_numbered_only_where_the_protocol_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    uncounted = tuple(replace(spec, counts=None) for spec in PROFILES["line"].messages)
    monkeypatch.setitem(PROFILES, "stamps", replace(PROFILES["line"], messages=uncounted))
    wire = HELLO + "".join(part.replace("1", "1763") for part in (BEAT, ANSWER)) + BYE
    assert ("fail", ["WL306"]) == outcome(judged(wire))
    assert ("pass", []) == outcome(judged(wire, protocol="stamps"))


@pytest.mark.parametrize(
    ("wire", "codes"),
    [
        ("a > s SYN", ["WL912"]),
        ("a > s SYN\ns > a SYN,ACK", ["WL912", "WL912"]),
        (HELLO, ["WL912"]),
        (HELLO + "a > s FIN", ["WL912", "WL912"]),  # its ACK, and the other FIN
        (HELLO + "a > s FIN\ns > a ACK", ["WL912"]),
        (HELLO + "a > s FIN\ns > a FIN", ["WL912"]),
        (HELLO + 'a > s "MSG ha"', ["WL912"]),
        (HELLO + BEAT, ["WL912", "WL912"]),
        ('a > s "lf a line\\nMSG whole\\n"\n' + BYE, ["WL911"]),
        (ANSWER + BEAT.replace("1", "7") + ANSWER.replace("1", "7") + BYE, ["WL911"]),
        (ANSWER + BYE, ["WL911"]),
        (BYE, ["WL911"]),
        ("s > a RST", ["WL911", "WL911"]),
        ("s > a RST\na > s RST,ACK", ["WL911", "WL911"]),
        (HELLO + 'a > s "MSG cut\\n" len=900\n' + BYE, ["WL913"]),
        (HELLO + 'a > s "later\\n" seq=50\ns > a ACK ack=56\n' + BYE, ["WL913"]),
    ],
)
def test_what_the_capture_lacks_is_nobodys_fault(wire: str, codes: list[str]) -> None:
    assert ("inconclusive", codes) == outcome(judged(wire))


def test_a_reset_when_all_was_over_is_nobodys_doing() -> None:
    """RFC 9293: 3.10.5, ABORT in TIME-WAIT or LAST-ACK sends nothing; 3.10.7.1, CLOSED answers stray segments."""
    found = judged(HELLO + BYE + "s > a RST")
    assert ("pass", []) == outcome(found)
    assert "the RST in frame 107 came when all was over" in found.checks[-1].summary.in_("en")
    assert ("fail", ["WL502"]) == outcome(judged(HELLO + "a > s FIN\ns > a FIN\na > s RST,ACK"))


def test_what_was_seen_counts_although_something_is_missing() -> None:
    found = judged('a > s "MSG hi\\n"\na > s "what\\n"\ns > a RST')
    assert ("fail", ["WL911", "WL206", "WL502"]) == outcome(found)


@pytest.mark.parametrize(("limits", "code"), [(Limits(lost=3), "WL901"), (Limits(most=100_000), "WL902")])
def test_a_file_that_is_not_whole(limits: Limits, code: str) -> None:
    assert ("inconclusive", [code]) == outcome(judged(HELLO + BYE, limits=limits))


def test_a_slow_network_makes_no_slow_answer() -> None:
    wire = "a > s SYN\ns > a SYN,ACK +300ms\na > s ACK\n" + BEAT + 'a > s "HEARTBEAT-ACK 1\\n" +350ms\n' + BYE
    assert ("pass", []) == outcome(judged(wire))


def test_an_answer_that_the_capture_lost_is_not_missed() -> None:
    after = 's > a "HEARTBEAT 2\\n" +500ms\ns > a ACK +500ms ack=33\n' + 's > a "HEARTBEAT 3\\n" +500ms\n'
    found = judged(HELLO + BEAT + ANSWER + after + 'a > s "HEARTBEAT-ACK 3\\n" seq=33\n' + BYE)
    assert ("inconclusive", ["WL913"]) == outcome(found)


def test_another_protocol() -> None:
    wire = HELLO + 's > a "HEARTBEAT"\na > s "HEARTBEAT_ACK"\na > s "whatever"\n' + BYE
    assert ("pass", []) == outcome(judged(wire, protocol="bare"))


TRACE = """
alice > bob  SYN      seq=x
bob > alice  SYN,ACK  seq=y    ack=x+1
alice > bob  ACK      seq=x+1  ack=y+1
alice > bob  DATA     "MSG hi"
alice > bob  FIN
bob > alice  FIN,ACK
alice > bob  ACK
"""


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (HELLO + 'a > s "MSG hi\\n"\n' + BYE, ("pass", [])),
        (HELLO + 'a > s "MSG ho\\n"\n' + BYE, ("fail", ["WL701"])),
        (HELLO + 'a > s "MSG hi\\n"\n', ("inconclusive", ["WL912", "WL912"])),
        ('a > s "MSG hi\\n"\n' + BYE, ("inconclusive", ["WL911", "WL911"])),
    ],
)
def test_an_expected_trace(wire: str, expected: tuple[str, list[str]]) -> None:
    assert expected == outcome(judged(wire, TRACE))


def test_who_is_blamed_for_a_difference_is_who_sent_it() -> None:
    found = judged(HELLO + 'a > s "MSG hi\\n"\ns > a RST', TRACE)
    assert [("WL502", "server"), ("WL701", "server")] == [(entry.code, entry.actor) for entry in found.findings]


@pytest.mark.parametrize(
    ("trace", "client"),
    [
        ("b > a SYN\na > b SYN,ACK", "b"),
        ("b > a SYN,ACK\na > b ACK\nb > a SYN", "b"),
        ("server > c ACK\nc > server ACK", "c"),
        ("q > client ACK\nclient > q ACK", "client"),
        ("q > p ACK\np > q ACK", "q"),
    ],
)
def test_the_sides_of_a_trace(trace: str, client: str) -> None:
    assert {client} == {name for name, side in sides_of(read_trace(trace)).items() if side == "client"}


LINES = st.sampled_from(
    [
        *HELLO.splitlines(),
        *BYE.splitlines(),
        BEAT.strip(),
        ANSWER.strip(),
        'a > s "x"',
        "s > a RST",
        's > a "y\\n" seq=30',
    ]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(LINES, min_size=1, max_size=10), st.sampled_from(sorted(PROFILES)))
def test_whatever_was_captured_is_judged_and_can_be_told(lines: list[str], protocol: str) -> None:
    found = judged("\n".join(lines), TRACE, protocol=protocol)
    for language in LANGUAGES:
        assert all(check.summary.in_(language) for check in found.checks)
        assert all(entry.rationale.in_(language) and entry.hint.in_(language) for entry in found.findings)
    frames = range(101, 101 + len(lines))
    assert all(frame in frames for entry in found.findings for frame in entry.frames)


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 12))
def test_a_part_of_what_is_well_is_never_a_fault(begin: int, end: int) -> None:
    whole = dialogue(HELLO + BEAT + ANSWER + 'a > s "MSG hi\\n"\ns > a ACK\n' + BYE)
    part = whole[begin : len(whole) - end]
    tracker = Tracker(server_port=12001)
    for segment in part:
        tracker.feed(segment)
    for connection in tracker.connections:
        found = judge_captured("x", connection, PROFILES["line"], Limits())
        assert "fail" != found.verdict.value
        assert ("pass" == found.verdict.value) == (part == whole)


def test_a_file_that_is_cut_in_the_middle_of_a_packet_is_not_whole() -> None:
    cut = Limits(truncated=True)
    assert "inconclusive" == verdicts(judged(HELLO + BEAT + ANSWER, limits=cut))["capture"]
    assert ("pass", []) == outcome(judged(HELLO + BEAT + ANSWER + BYE, limits=cut))  # nothing of it can be missing


@pytest.mark.parametrize("end", ["", "s > a FIN ack=23"])
def test_a_capture_of_one_direction_lacks_the_other(end: str) -> None:
    half = judged("s > a SYN,ACK ack=1\ns > a ACK ack=6\ns > a ACK ack=22\n" + end)
    assert {"inconclusive", "pass"} == set(verdicts(half).values())
    (lacks,) = [entry for entry in half.checks[0].findings if entry.code == "WL913"]
    assert "lacks 21 bytes that client sent, the first of them byte 1" in lacks.rationale.in_("en")
    assert "WL912" not in {entry.code for entry in half.findings}


def test_packets_alone_do_not_tell_so_linger_from_a_killed_process() -> None:
    found = judged(HELLO + "a > s RST")
    cause = found.findings[0].cause
    assert cause is not None
    assert "WL552" == cause.code
    assert "Windows" in cause.rationale.in_("en")
