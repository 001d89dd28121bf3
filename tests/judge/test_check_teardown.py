"""Ends of connections that the script or the harness had a hand in: whom the teardown check may still blame."""

from __future__ import annotations

import pytest

from tests.judge.runs import GOODBYE, HELLO, STARTS, at, exited, judged, killed, outcome, scenario, typed
from wirelab.declare.scenario import Scenario
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Ending, Event, StepEnded

PASS: tuple[str, list[str]] = ("pass", [])
PEER = "{server: {role: server}, alice: {role: client, peer: true}}"
MEET = (STARTS[0], "{start: alice}")
DYING = {"server": "s > alice", "alice": "alice > s"}
ANSWER = {"server": "alice > s", "alice": "s > alice"}


def kills(who: str, tests: str, style: str = "any") -> Scenario:
    """The script kills one side, and the other is the submission, or is not."""
    step = f"{{{who}: signal, name: KILL}}"
    return scenario(f"{{teardown: alice, style: {style}}}", tests=tests, script=(*STARTS, step))


def kill(milliseconds: float, who: str) -> tuple[Event, ...]:
    return Ending(at(milliseconds), who, "script", "SIGKILL"), exited(milliseconds + 0.5, who, -9)


# --- a side that the script killed, and `style: any`


@pytest.mark.parametrize("tests", ["client", "server"])
@pytest.mark.parametrize("who", ["server", "alice"])
def test_what_the_kernel_of_a_killed_program_sends_is_nobodys_doing(who: str, tests: str):
    for end in (
        f"{DYING[who]} FIN at=100ms\n{ANSWER[who]} FIN\n{DYING[who]} ACK\n",
        f"{DYING[who]} RST,ACK at=100ms\n",
        f'{DYING[who]} FIN at=100ms\n{ANSWER[who]} "MSG too late\\n"\n{DYING[who]} RST\n',
    ):
        judgement = judged(kills(who, tests), HELLO + end, kill(99, who))
        assert PASS == outcome(judgement)
        (said,) = [check.summary for check in judgement.checks if check.name == "teardown"]
        assert f"the script killed {who}" in said.in_("en")
        assert f"{who} 被脚本强制结束" in said.in_("zh")


@pytest.mark.parametrize(("who", "tests", "other"), [("server", "client", "alice"), ("alice", "server", "server")])
def test_the_other_side_must_close_by_itself(who: str, tests: str, other: str):
    left_open = f"{DYING[who]} FIN at=100ms\n{ANSWER[who]} ACK\n"
    never = judged(kills(who, tests), HELLO + left_open, kill(99, who), killed(500, other))
    assert ("fail", ["WL503"]) == outcome(never)
    late = left_open + f"{ANSWER[who]} FIN at=501ms\n{DYING[who]} ACK\n"
    assert ("fail", ["WL504"]) == outcome(judged(kills(who, tests), HELLO + late, kill(99, who), killed(500, other)))


@pytest.mark.parametrize(("who", "tests", "other"), [("server", "server", "alice"), ("alice", "client", "server")])
def test_where_the_killed_one_is_the_submission_the_other_is_the_harness_own(who: str, tests: str, other: str):
    left_open = HELLO + f"{DYING[who]} FIN at=100ms\n{ANSWER[who]} ACK\n"
    assert ("inconclusive", ["WL905"]) == outcome(
        judged(kills(who, tests), left_open, kill(99, who), killed(500, other))
    )


def test_nobody_need_acknowledge_the_fin_of_a_program_that_was_left_alone():
    wire = HELLO + "s > alice FIN at=100ms\nalice > s ACK\nalice > s FIN\n"
    assert PASS == outcome(judged(kills("server", "client"), wire, kill(99, "server")))


def test_who_had_closed_before_it_was_killed_had_closed_by_itself():
    wire = HELLO + "s > alice FIN at=50ms\nalice > s FIN\ns > alice ACK\n"
    judgement = judged(kills("server", "client"), wire, kill(99, "server"))
    assert PASS == outcome(judgement)
    assert ["ended as it may"] == [check.summary.in_("en") for check in judgement.checks if check.name == "teardown"]


def test_where_an_orderly_end_is_expected_a_killed_side_has_none():
    wire = HELLO + "s > alice FIN at=100ms\nalice > s FIN\ns > alice ACK\n"
    run = judged(kills("server", "client", "orderly"), wire, kill(99, "server"))
    assert ("inconclusive", ["WL905"]) == outcome(run)


def test_what_the_harness_kills_did_not_end_as_it_may():
    wire = HELLO + "alice > s FIN at=100ms\ns > alice FIN\nalice > s ACK\n"
    assert ("fail", ["WL504"]) == outcome(judged("{teardown: alice, style: any}", wire, killed(99, "alice")))


@pytest.mark.parametrize("to", ["server", "alice"])
def test_a_forged_reset_ends_a_connection_as_it_may(to: str):
    script = scenario("{teardown: alice, style: any}", script=(*STARTS, f"{{inject: RST, to: {to}, of: alice}}"))
    forged = f"{ANSWER[to]} RST,ACK at=100ms\n" if to == "server" else "s > alice RST,ACK at=100ms\n"
    stray = f'{DYING[to]} "late"\n'  # the one that was not told goes on, and its kernel is told then
    assert PASS == outcome(judged(script, HELLO + forged + stray, StepEnded(at(110), 2, "done")))


# --- a peer that no step told to close


def hanging(*events: Event | tuple[Event, ...], first: str = "", wire: str = "") -> Judgement:
    """The harness ends the peer, then the server that had not closed either."""
    wire = wire or "alice > s FIN at=100ms\ns > alice ACK\n"
    script = scenario(f"{{teardown: alice{first}}}", tests="server", cast=PEER, script=MEET)
    ends = Ending(at(99), "alice", "harness", "close")
    return judged(script, HELLO + wire, ends, killed(101, "server"), *events)


def test_a_server_that_nothing_told_to_close_is_not_blamed_for_what_the_clean_up_sent():
    assert ("inconclusive", ["WL905"]) == outcome(hanging())
    assert ("inconclusive", ["WL905"]) == outcome(hanging(wire="alice > s FIN at=100ms\ns > alice RST,ACK at=102ms\n"))


def test_a_server_that_was_told_to_quit_and_did_not_close_is():
    assert ("fail", ["WL503"]) == outcome(hanging(typed(20, "server", "/quit⏎")))
    assert ("fail", ["WL503"]) == outcome(hanging(typed(20, "server", "bye⏎")))  # its own word for it, perhaps
    assert ("fail", ["WL503"]) == outcome(hanging(Ending(at(20), "server", "script", "SIGTERM")))
    assert ("fail", ["WL503"]) == outcome(hanging(first=", first: server"))


def test_a_server_that_left_a_peers_fin_unanswered_is():
    assert ("fail", ["WL503"]) == outcome(hanging(wire="alice > s FIN at=50ms\ns > alice ACK\n"))


def test_who_closes_before_the_clean_up_has_closed():
    wire = "s > alice FIN at=50ms\nalice > s ACK\nalice > s FIN at=100ms\ns > alice ACK\n"
    script = scenario("{teardown: alice}", tests="server", cast=PEER, script=MEET)
    assert PASS == outcome(judged(script, HELLO + wire))
    assert PASS == outcome(judged(script, HELLO + GOODBYE))
