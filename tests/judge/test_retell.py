"""A connection told as a trace is a trace that the connection follows."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.wire import dialogue
from wirelab.declare.trace import Gap, Line
from wirelab.declare.trace_reader import read_trace
from wirelab.declare.trace_writer import write_trace
from wirelab.judge.match import match
from wirelab.judge.retell import MOST_DATA, retell
from wirelab.observe.connections import Connection, Side, Tracker

SIDES: dict[str, Side] = {"client": "client", "server": "server"}
HELLO = "a > s SYN\ns > a SYN,ACK\na > s ACK\n"


def connection(text: str, isn: dict[str, int] | None = None) -> Connection:
    tracker = Tracker(server_port=12001)
    for segment in dialogue(text, isn=isn):
        tracker.feed(segment)
    return tracker.connection(0)


def told(one: Connection) -> str:
    return write_trace(retell(one))


def follows(one: Connection) -> bool:
    return match(read_trace(told(one)), one, SIDES).matched


def test_as_a_report_would_write_it() -> None:
    one = connection(
        HELLO
        + r"""
        a > s "MSG hi\n"
        a > s "MSG hi\n"  seq=1
        s > a ACK
        s > a b"\x00\xff"
        a > s ACK
        a > s FIN
        s > a ACK
        s > a FIN
        a > s ACK
        """
    )
    assert told(one).splitlines() == [
        "client > server  SYN      seq=x",
        "server > client  SYN,ACK  seq=y    ack=x+1",
        "client > server  ACK      seq=x+1  ack=y+1",
        r'client > server  DATA     seq=x+1           len=7  "MSG hi\n"',
        r'server > client  DATA     seq=y+1           len=2  "\x00\xff"',
        "client > server  FIN      seq=x+8",
        "server > client  ACK      seq=y+3  ack=x+9",
        "server > client  FIN      seq=y+3",
        "client > server  ACK      seq=x+9  ack=y+4",
    ]
    assert follows(one)


@pytest.mark.parametrize(
    "text",
    [
        "a > s SYN\ns > a RST,ACK ack=1",
        HELLO + 'a > s "x"\ns > a RST',
        HELLO + "a > s FIN\ns > a FIN\na > s ACK",
        HELLO + "a > s FIN\ns > a FIN seq=1 ack=1\na > s ACK\ns > a ACK",
        HELLO + 'a > s FIN "last"\ns > a ACK\ns > a "late"\ns > a FIN\na > s ACK',
        'a > s SYN\na > s SYN\ns > a SYN,ACK\ns > a SYN,ACK\na > s "x"\ns > a ACK',
        'a > s "half"\ns > a ACK\ns > a FIN\na > s FIN\ns > a ACK',
        "s > a ACK\na > s FIN\ns > a RST",
        HELLO + 'a > s "cut" len=2000\ns > a ACK\na > s FIN\ns > a FIN\na > s ACK',
        HELLO + 'a > s "second" seq=6\na > s "first" seq=1\ns > a ACK',
        HELLO + "a > s ACK seq=0\ns > a ACK\na > s FIN\ns > a ACK",
        HELLO + 's > a ACK win=0\na > s "p"\ns > a ACK win=0 ack=1\ns > a ACK win=9',
        HELLO + "a > s FIN\na > s FIN seq=1\ns > a FIN\na > s ACK\ns > a FIN seq=1\na > s ACK",
        "a > s SYN",
    ],
)
def test_whatever_happened_it_follows_what_is_told_of_it(text: str) -> None:
    assert follows(connection(text))


SAID = st.sampled_from(
    ['a > s "one\\n"', 's > a "two"', "a > s ACK", "s > a ACK", 'a > s "again" seq=1', "s > a len=1500"]
)
ENDS = st.sampled_from(
    ["", "a > s FIN\ns > a ACK\ns > a FIN\na > s ACK", "s > a FIN\na > s FIN\ns > a ACK", "a > s RST"]
)


@settings(deadline=None)
@given(st.lists(SAID, max_size=8), ENDS, st.sampled_from([0, 7, 2**31, 2**32 - 3]), st.integers(0, 3))
def test_it_follows_wherever_numbers_wrap_and_the_capture_begins(
    said: list[str], end: str, isn: int, missed: int
) -> None:
    lines = [*HELLO.splitlines()[missed:], *said, *end.splitlines()]
    assume(lines)
    one = connection("\n".join(lines), {"a": isn, "s": isn})
    assume(any(isinstance(item, Line) for item in retell(one).items))
    assert follows(one)


def test_a_long_payload_is_quoted_at_its_beginning_and_of_many_the_middle_is_left_out() -> None:
    one = connection(HELLO + f'a > s "{"x" * 500}"\n' + 's > a "y"\n' * (3 * MOST_DATA))
    lines = [item for item in retell(one).items if isinstance(item, Line)]
    assert 1 == sum(isinstance(item, Gap) for item in retell(one).items)
    assert len(lines) <= MOST_DATA + 3
    assert (500, 60) == (lines[3].length and lines[3].length.constant, len(lines[3].payload or b""))
    assert follows(one)
