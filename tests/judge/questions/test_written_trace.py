"""A trace that a student writes: read leniently, judged strictly, and answered frame by frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.judge.questions.told import (
    DATA_IN_FLIGHT,
    FIN_WITH_DATA,
    FOUR,
    HALF_CLOSED,
    OPEN,
    ORDERLY,
    THREE,
    kinds,
    put,
    told,
)
from wirelab.judge.questions import traces
from wirelab.judge.questions.answers import Outcome
from wirelab.judge.questions.written_trace import WrittenTrace

KINDS = kinds(traces.KINDS)


def trace(dialogue: str, name: str = "write-teardown") -> WrittenTrace:
    one = put(KINDS[name], told(dialogue))
    assert one is not None
    answer = one.fields[0].answer
    assert isinstance(answer, WrittenTrace)
    return answer


def said(outcome: Outcome) -> list[str]:
    """What is said, line by line; in Chinese as many."""
    assert outcome.said is not None
    lines = outcome.said.in_("en").splitlines()
    assert len(lines) == len(outcome.said.in_("zh").splitlines())
    return lines


@pytest.mark.parametrize("shape", ORDERLY)
def test_the_solution_is_right(shape: str) -> None:
    answer = trace(ORDERLY[shape])
    assert Outcome("right", 1.0) == answer.check(answer.solution.en)


def test_the_solution_is_what_was_captured() -> None:
    assert [
        "client > server  FIN,ACK  seq=8 ack=1",
        "server > client  FIN,ACK  seq=1 ack=9",
        "client > server  ACK  seq=9 ack=2",
    ] == trace(THREE).solution.en.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        # as in the textbook: an ACK without seq, a FIN without ACK where it acknowledges nothing new
        "client > server FIN seq=8\nserver > client FIN ack=9 seq=1\nclient > server ACK ack=2",
        "```\nclient > server  FIN,ACK  seq=8 ack=1\n\nserver > client  FIN,ACK  seq=1 ack=9\nclient > server ACK ack=2\n```",
        "客户端 -> 服务器 [FIN, ACK] seq=8, ack=1\n服务器 → 客户端 [FIN, ACK] 确认序号=9, 序号=1\n客户端 => 服务器 [ACK] 序号：9 确认号：2",
        "客户端＞服务器　ＦＩＮ，ＡＣＫ　ｓｅｑ＝８　ａｃｋ＝１\n服务端到客户端 FIN ACK seq=1 ack=9\n客户端发给服务端 ACK ack=2",
        "1. client --> server: FIN,ACK seq=8 ack=1\n2. server --> client: FIN,ACK seq=1 ack=9\n3. client --> server: ACK seq=9 ack=2",
        "frame 6: c > s FIN,ACK Seq=8 Ack=1\nframe 7: s > c FIN,ACK Seq=1 Ack=9 Len=0\nframe 8: c > s ACK Seq=9 Ack=2",
        "client > server FIN seq=u=8\nserver > client FIN seq = w = 1, ack = u+1 = 9\nclient > server ACK 序号(seq)=9 确认号(ack)：2",
        "A (client) > B (server) FIN, Sequence number: 8\nserver:12001 > client:40000 FIN seq (relative) 1, Ack num 9\n"
        "[127.0.0.1:40000] -> [127.0.0.1:12001] ACK, acknowledgement number (relative): 2",
        # pasted from Wireshark
        "6 0.02 127.0.0.1 127.0.0.1 TCP 66 40000 → 12001 [FIN, ACK] Seq=8 Ack=1 Win=512 Len=0 TSval=1 TSecr=2\n"
        "7 0.02 127.0.0.1 127.0.0.1 TCP 66 12001 → 40000 [FIN, ACK] Seq=1 Ack=9 Win=512 Len=0\n"
        "8 0.02 127.0.0.1 127.0.0.1 TCP 66 40000 → 12001 [ACK] Seq=9 Ack=2 Win=512 Len=0",
        # pasted from tcpdump
        "12:00:00.1 IP 127.0.0.1.40000 > 127.0.0.1.12001: Flags [F.], seq 8, ack 1, win 512, length 0\n"
        "12:00:00.1 IP 127.0.0.1.12001 > 127.0.0.1.40000: Flags [F.], seq 1, ack 9, win 512, length 0\n"
        "12:00:00.1 IP 127.0.0.1.40000 > 127.0.0.1.12001: Flags [.], ack 2, win 512, length 0",
        # raw numbers, grouped ones, sums
        "client > server FIN seq=1,008 ack=2001\nserver > client FIN seq=2'001 ack=1009\nclient > server ACK ack=2001+1",
        "client > server FIN seq=8 ack=1\nserver > client FIN seq=1 ack=8+1=9\nclient > server ACK seq=9 ack=1+1",
        # flags as some textbooks write them
        "client > server FIN=1, ACK=1, seq=8\nserver > client FIN=1, ACK=1, seq=1, ack=9\nclient > server ACK=1, seq=9, ack=2",
        # names of their own, the arrow turned round, all in one line, a quotation, prose around it
        "alice > server FIN seq=8\nserver > alice FIN seq=1 ack=9\nalice > server ACK ack=2",
        "server < client FIN seq=8\nclient <- server FIN seq=1 ack=9\nserver ← client ACK ack=2",
        "client > server FIN seq=8; server > client FIN seq=1; ack=9; client > server ACK ack=2",
        "client > server FIN seq=8<br>server > client FIN seq=1 ack=9<br/>client -&gt; server ACK ack=2",
        "The client closes first:\n> client \\> server FIN seq=8\n> server > client FIN seq=1 ack=9\n> client > server ACK ack=2\nDone.",
        "client sends FIN, seq=8\nserver sends FIN,ACK, seq=1, ack=9\nclient sends ACK, ack=2",
        "| client > server | FIN,ACK | seq=8 | ack=1 |\n| server > client | FIN,ACK | seq=1 | ack=9 |\n| client > server | ACK | seq=9 | ack=2 |",
        "client > server PSH,FIN,ACK seq=8 ack=1\nserver > client FIN seq=1 ack=9\nclient > server ACK seq=9 ack=2",
    ],
)
def test_whoever_knows_it_may_write_it_in_many_ways(text: str) -> None:
    assert Outcome("right", 1.0) == trace(THREE).check(text)


def test_the_careless_report_is_told_what_the_capture_shows() -> None:
    outcome = trace(THREE).check(
        "client > server FIN seq=4\nserver > client ACK ack=5\nserver > client FIN seq=7\nclient > server ACK ack=8"
    )
    assert ("wrong", 0) == (outcome.state, outcome.credit)
    assert said(outcome) == [
        "line 1: you wrote `client > server FIN seq=4`; frame 6 (at 0.024 s) is `client > server  FIN,ACK  seq=8 ack=1`: seq is 8, not 4",
        "line 2: you wrote `server > client ACK ack=5`; the capture has no ACK by itself here: it rides on the FIN in frame 7",
        "line 3: you wrote `server > client FIN seq=7`; frame 7 (at 0.027 s) is `server > client  FIN,ACK  seq=1 ack=9`: seq is 1, not 7; "
        "ack=9 is not given",
        "line 4: you wrote `client > server ACK ack=8`; frame 8 (at 0.028 s) is `client > server  ACK  seq=9 ack=2`: ack is 2, not 8",
    ]


def test_credit_is_for_right_lines_of_all() -> None:
    right = trace(FOUR).solution.en.splitlines()
    missing = trace(FOUR).check("\n".join(right[:3]))
    assert ("part", 0.75) == (missing.state, missing.credit)
    assert said(missing) == ["frame 9 (at 0.965 s) is missing: `client > server  ACK  seq=9 ack=2`"]
    twice = trace(FOUR).check("\n".join(right + right))
    assert ("part", 0.5) == (twice.state, twice.credit)
    assert len(said(twice)) == 4


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("server > client FIN,ACK seq=8 ack=1", "it goes the other way"),
        ("FIN,ACK seq=8 ack=1", "it is not clear who sends it"),
        ("client > server ACK seq=8 ack=1", "the flags differ"),
        ("client > server SYN,FIN seq=8 ack=1", "the flags differ"),
        ("client > server FIN,ACK seq=1 ack=8", "seq and ack are swapped"),
        ("client > server FIN,ACK ack=1", "seq=8 is not given"),
        ("client > server FIN,ACK seq=8 ack=3", "ack is 1, not 3"),
        ("client > server FIN,ACK seq=8 ack=1 len=5", "len is 0, not 5"),
    ],
)
def test_what_is_wrong_with_a_line(line: str, why: str) -> None:
    outcome = trace(THREE).check("\n".join([line, *trace(THREE).solution.en.splitlines()[1:]]))
    assert ("part", 2 / 3) == (outcome.state, outcome.credit)
    (only,) = said(outcome)
    assert only.endswith(f"`client > server  FIN,ACK  seq=8 ack=1`: {why}")


def test_data_between_the_fins_may_be_written_down_or_left_out() -> None:
    answer = trace(HALF_CLOSED)
    four = answer.solution.en.splitlines()
    assert len(four) == 4
    between = ['server > client  ACK  seq=1 ack=9 len=15  "BROADCAST late"', "client > server  ACK  seq=9 ack=16"]
    assert Outcome("right", 1.0) == answer.check("\n".join([*four[:2], *between, *four[2:]]))
    made_up = answer.check("\n".join([*four[:2], "server > client ACK seq=3 ack=9 len=15", *four[2:]]))
    assert ("part", 0.8) == (made_up.state, made_up.credit)


def test_a_heartbeat_in_flight_does_not_acknowledge_the_fin() -> None:
    assert [
        "client > server  FIN,ACK  seq=8 ack=1",
        "server > client  FIN,ACK  seq=13 ack=9",
        "client > server  ACK  seq=9 ack=14",
    ] == trace(DATA_IN_FLIGHT).solution.en.splitlines()


def test_a_fin_with_data_may_be_numbered_as_the_segment_or_as_the_fin() -> None:
    answer = trace(FIN_WITH_DATA)
    rest = answer.solution.en.splitlines()[1:]
    for seq in (8, 16, 1008, 1016):
        assert Outcome("right", 1.0) == answer.check("\n".join([f"client > server FIN seq={seq} ack=1", *rest]))
    assert answer.check("\n".join(["client > server FIN seq=17 ack=1", *rest])).credit == 2 / 3


def test_the_handshake_is_asked_for_with_raw_numbers() -> None:
    answer = trace(OPEN, "write-handshake")
    raw = (
        "client > server SYN seq=1000\nserver > client SYN,ACK seq=2000 ack=1001\nclient > server ACK seq=1001 ack=2001"
    )
    assert Outcome("right", 1.0) == answer.check(raw)
    assert Outcome("right", 1.0) == answer.check(raw.replace("seq=1000", "seq=1000 ack=0"))
    assert answer.check(raw.replace("SYN seq", "SYN,ACK seq")).credit == 2 / 3
    relative = answer.check(
        "client > server SYN seq=0\nserver > client SYN,ACK seq=0 ack=1\nclient > server ACK seq=1 ack=1"
    )
    assert ("wrong", 0) == (relative.state, relative.credit)
    assert "seq=0 is the relative number, and the raw one is asked for: 1000" in said(relative)[0]


@pytest.mark.parametrize("text", ["four segments", "```\n```", "seq and ack", "client -> server", "…"])
def test_what_holds_no_segment_is_not_called_wrong(text: str) -> None:
    outcome = trace(THREE).check(text)
    assert ("unreadable", 0) == (outcome.state, outcome.credit)
    assert "one a line" in said(outcome)[0]


def test_only_so_many_lines_are_read() -> None:
    right = trace(THREE).solution.en
    assert 3 / 60 == trace(THREE).check(right + "\nclient > server ACK ack=7" * 5000).credit
    assert len(said(trace(THREE).check("client > server ACK ack=7 " + "x" * 9000))[0]) < 400


_WORDS = st.sampled_from(
    [
        "client",
        "server",
        "客户端",
        ">",
        "->",
        "<",
        "→",
        "FIN",
        "ACK",
        "SYN,ACK",
        "seq=",
        "ack=",
        "8",
        "9",
        "=1",
        "\n",
        ";",
        "[",
        "]",
        "{",
        "}",
    ]
)


@given(st.one_of(st.text(), st.lists(_WORDS).map(" ".join), st.lists(_WORDS).map("".join)))
def test_nothing_makes_it_raise_and_credit_is_a_part(text: str) -> None:
    outcome = trace(THREE).check(text)
    assert 0 <= outcome.credit <= 1
    assert (outcome.credit == 1) == (outcome.state == "right")
    if outcome.said is not None:
        said(outcome)
