"""Which frames never arrived, by what the script did to the wire: exactly those, and no copy of them."""

from __future__ import annotations

import pytest

from tests.judge.runs import STARTS, at, evidence, missed, profile_of, scenario
from wirelab.judge.lost import lost, segments
from wirelab.judge.view import View
from wirelab.observe.evidence import Wire

HELLO = "alice > s SYN\ns > alice SYN,ACK\nalice > s ACK\n"  # frames 1 to 3
CAST = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
SAID = 'alice > s "MSG a\\n"\ns > alice ACK\nalice > s "MSG b\\n"\ns > alice ACK\n'  # 4 to 7
GOODBYE = "alice > s FIN\ns > alice FIN\nalice > s ACK\nalice > s ACK\n"  # 8 to 11


def lost_by(wire: str, *drops: str, since: float = -0.4) -> frozenset[int]:
    """The frames that are lost by steps, of which each was done so many milliseconds after the first segment."""
    script = scenario(cast=CAST, script=[*STARTS, *drops])
    done = [Wire(at(since), "drop", "") for _ in drops]
    return lost(View(script, profile_of(script), evidence(script, wire, *done)))


@pytest.mark.parametrize(
    ("drop", "frames"),
    [
        ("{drop: SYN, from: client}", {1}),
        ('{drop: "SYN,ACK", from: server}', {2}),
        ("{drop: ACK, from: client}", {3}),
        ("{drop: ACK, from: client, nth: 2}", {10}),
        ("{drop: ACK, from: client, after: FIN}", {10}),
        ("{drop: ACK, from: client, after: FIN, nth: 2}", {11}),
        ("{drop: ACK, from: server}", {5}),
        ("{drop: DATA, from: client, nth: 2}", {6}),
        ("{drop: DATA, from: client, nth: 3}", set()),
        ("{drop: FIN, from: server}", {9}),
        ("{drop: FIN, from: client, of: alice}", {8}),
        ("{drop: FIN, from: client, of: bob}", set()),
        ("{drop: RST, from: client}", set()),
    ],
)
def test_a_drop_loses_the_segment_it_means(drop: str, frames: set[int]) -> None:
    assert frames == lost_by(HELLO + SAID + GOODBYE, drop)


def test_a_drop_that_was_never_done_loses_nothing() -> None:
    script = scenario(cast=CAST, script=[*STARTS, "{drop: DATA, from: client}"])
    found = evidence(script, HELLO + SAID, Wire(at(-0.4), "drop", ""), missed(2))
    assert set() == lost(View(script, profile_of(script), found))


def test_what_came_before_is_not_lost() -> None:
    assert {6} == lost_by(HELLO + SAID + GOODBYE, "{drop: DATA, from: client}", since=4.5)


def test_a_fin_that_was_lost_begins_nothing() -> None:
    """ACKs count from the other side's FIN on: from the copy that arrived."""
    wire = HELLO + "s > alice FIN seq=1\nalice > s ACK\ns > alice FIN seq=1\nalice > s ACK ack=2\n"
    drops = "{drop: FIN, from: server}", "{drop: ACK, from: client, after: FIN}"
    assert {4, 7} == lost_by(wire, *drops)


def test_what_was_sent_while_the_wire_was_cut_is_lost_and_says_so() -> None:
    script = scenario(script=[*STARTS, "{cut: alice}", "{heal: all}"])
    wire = Wire(at(3.5), "cut", "alice"), Wire(at(5.5), "heal", "all")
    view = View(script, profile_of(script), evidence(script, HELLO + SAID, *wire))
    assert {5, 6} == lost(view)
    (connection,) = view.connections
    assert [5, 6] == [one.segment.frame for one in segments(view) if "lost" in one.notes]
    assert not any("lost" in one.notes for one in connection.noted)


def test_what_one_step_lost_counts_for_no_other() -> None:
    drop = "{drop: DATA, from: client}"
    assert {4, 6} == lost_by(HELLO + SAID + GOODBYE, drop, drop)
    script = scenario(script=[*STARTS, "{cut: alice}", drop, "{heal: all}"])
    wire = Wire(at(2.5), "cut", "alice"), Wire(at(2.6), "drop", ""), Wire(at(3.5), "heal", "all")
    assert {4, 6} == lost(View(script, profile_of(script), evidence(script, HELLO + SAID, *wire)))
    fin = "alice > s FIN at=3ms\ns > alice FIN at=4ms\nalice > s FIN seq=1 at=5ms\ns > alice ACK at=6ms\n"
    script = scenario(script=[*STARTS, "{cut: alice}", "{drop: ACK, from: server, after: FIN}", "{heal: all}"])
    assert {4, 7} == lost(View(script, profile_of(script), evidence(script, HELLO + fin, *wire)))


FIN_LOST = HELLO + "s > alice FIN seq=1\nalice > s FIN seq=1 ack=1\ns > alice ACK seq=2 ack=2\n"
COMES_AGAIN = FIN_LOST + "s > alice FIN,ACK seq=1 ack=2\nalice > s ACK seq=2 ack=2\n"
CLOSED_FIRST = (
    HELLO + "alice > s FIN seq=1\ns > alice ACK seq=1 ack=2\ns > alice FIN seq=1\nalice > s ACK seq=2 ack=2\n"
)


@pytest.mark.parametrize(
    ("wire", "drop", "states"),
    [
        # the server waits for the ACK of its SYN, until the next segment brings one
        (
            HELLO + 'alice > s "MSG a\\n"\ns > alice ACK\n',
            "{drop: ACK, from: client}",
            ["ESTABLISHED SYN-RECEIVED", "ESTABLISHED ESTABLISHED", "ESTABLISHED ESTABLISHED"],
        ),
        # the last ACK of the teardown: the server stays in LAST-ACK, repeats its FIN, and is answered again
        (
            CLOSED_FIRST + "s > alice FIN,ACK seq=1 ack=2\nalice > s ACK seq=2 ack=2\n",
            "{drop: ACK, from: client, after: FIN}",
            ["TIME-WAIT LAST-ACK", "TIME-WAIT LAST-ACK", "TIME-WAIT CLOSED"],
        ),
        # the ACK of alice's FIN: she stays in FIN-WAIT-1, until the server's FIN brings another
        (
            CLOSED_FIRST,
            "{drop: ACK, from: server}",
            ["FIN-WAIT-1 CLOSE-WAIT", "FIN-WAIT-2 LAST-ACK", "TIME-WAIT CLOSED"],
        ),
        # a FIN that never came crosses nothing on its way
        (
            COMES_AGAIN,
            "{drop: FIN, from: server}",
            [
                "ESTABLISHED FIN-WAIT-1",
                "FIN-WAIT-1 CLOSING",
                "FIN-WAIT-2 CLOSING",
                "FIN-WAIT-2 CLOSING",
                "TIME-WAIT TIME-WAIT",
            ],
        ),
        (HELLO + "alice > s RST\n", "{drop: RST, from: client}", ["CLOSED ESTABLISHED"]),
    ],
)
def test_what_was_lost_moves_its_sender_alone(wire: str, drop: str, states: list[str]) -> None:
    script = scenario(cast=CAST, script=[*STARTS, drop])
    view = View(script, profile_of(script), evidence(script, wire, Wire(at(-0.4), "drop", "")))
    told = [f"{one.client_state} {one.server_state}" for one in segments(view)]
    assert states == told[-len(states) :]
