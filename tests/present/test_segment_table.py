"""Tables of segments: what each one means, in both languages, and no cell that is markup."""

from __future__ import annotations

from tests.present.sample import ALICE, LINE, noted
from tests.wire import dialogue
from wirelab.judge.questions.facts import Facts, facts_of
from wirelab.observe.connections import Tracker
from wirelab.present.segment_table import (
    handshake_segments,
    heartbeat_segments,
    heartbeat_table,
    message_table,
    segment_table,
    teardown_segments,
)

NAMES = {12001: "server", ALICE: "alice"}
TALK = r"""
    a > s SYN
    s > a SYN,ACK
    a > s ACK
    s > a "HEARTBEAT 1\n"      at=500ms
    a > s "HEARTBEAT-ACK 1\n"  +4ms
    s > a ACK
    a > s "MSG <b>a|b</b> `x` [y](z)\n"
    s > a "HEARTBEAT 2\n"      at=1000ms
    a > s FIN
    a > s FIN seq=43           +200ms
    s > a FIN
    a > s ACK
"""


def facts(text: str) -> Facts:
    tracker = Tracker(server_port=12001)
    for segment in dialogue(text):
        tracker.feed(segment)
    return facts_of(tracker.connections[0], LINE, "")


def test_the_handshake() -> None:
    it = facts(TALK)
    table = segment_table(handshake_segments(it.connection), it.connection, LINE, NAMES, language="en")
    assert ("Frame", "Time / s", "From → to", "Flags", "seq", "ack", "len", "What it means") == table.headings
    isn = it.segments[0].segment.seq
    assert ("1", "0.000000", "alice → server", "SYN", "0", "", "0", f"asks for a connection (ISN {isn})") == table.rows[
        0
    ]
    assert ["agrees, and asks in turn", "agrees: the connection is open"] == [
        row[-1].partition(" (")[0] for row in table.rows[1:]
    ]


def test_a_heartbeat_is_the_question_the_answer_and_what_acknowledges_them() -> None:
    it = facts(TALK)
    first, second = it.pairing.exchanges
    assert [4, 5, 6] == [one.segment.frame for one in heartbeat_segments(it.connection, first)]
    assert [8, 9] == [one.segment.frame for one in heartbeat_segments(it.connection, second)]
    table = heartbeat_table(it.pairing.exchanges, it.connection, language="zh")
    assert (("1", "4", "0.500000", "", "5", "4.000"), ("2", "8", "1.000000", "0.500", "", "未应答")) == table.rows


def test_the_teardown_with_what_was_sent_again() -> None:
    it = facts(TALK)
    table = segment_table(teardown_segments(it.connection), it.connection, LINE, NAMES, language="en", window=True)
    assert ["9", "10", "11", "12"] == [row[0] for row in table.rows]
    assert "has nothing more to send; retransmission" == table.rows[1][-1]
    assert "acknowledges the FIN; has nothing more to send" == table.rows[2][-1]
    assert {"512"} == {row[7] for row in table.rows}


def test_a_reset_and_a_refusal() -> None:
    it = facts("a > s SYN\ns > a RST,ACK\n")
    table = segment_table(it.segments, it.connection, LINE, NAMES, language="zh")
    assert "拒绝连接：该端口无人监听" == table.rows[1][-1]
    it = facts("a > s SYN\ns > a SYN,ACK\na > s ACK\ns > a RST\n")
    table = segment_table(teardown_segments(it.connection), it.connection, LINE, NAMES, language="en")
    assert ["resets the connection"] == [row[-1] for row in table.rows]


def test_no_cell_is_markup() -> None:
    it = facts(TALK)
    text = message_table(it.messages, it.connection, NAMES | {ALICE: "*alice*|"}, language="en").markdown()
    assert "<b>" not in text
    assert r"MSG \<b\>a\|b\</b\> \`x\` \[y\](z)" in text
    assert r"\*alice\*\| → server" in text
    rows = text.splitlines()
    assert {6} == {row.replace(r"\|", "").count("|") for row in rows}


def test_nothing_there_is_said() -> None:
    it = facts("a > s SYN\n")
    table = segment_table(teardown_segments(it.connection), it.connection, LINE, NAMES, language="zh")
    assert "（抓包中没有）" == table.rows[0][-1]
    assert 2 == len(table.lines())


def test_lines_stand_in_columns() -> None:
    it = facts(TALK)
    table = segment_table(it.segments, it.connection, LINE, NAMES, language="en")
    heading, *lines = table.lines()
    assert len(noted(dialogue(TALK))) == len(lines)
    assert [row[-1] for row in table.rows] == [line[heading.index("What") :] for line in lines]
