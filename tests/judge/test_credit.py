"""Partial credit: how many parts of a check were right. It changes no verdict, and inconclusive has none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judge.runs import GOODBYE, HELLO, STARTS, judged, killed, missed, scenario, waited
from wirelab.judge.verdict import Credit, Judgement, Verdict

FIVE = "{messages: alice, sent: [one, two, three, four, five]}"
BEATS = "".join(
    f's > alice "HEARTBEAT {n}\\n" at={n}00ms\n' + (f'alice > s "HEARTBEAT-ACK {n}\\n"\n' if n != 2 else "")
    for n in (1, 2, 3, 4)
)


def of(judgement: Judgement, name: str) -> Credit | None:
    return next(check.credit for check in judgement.checks if check.name == name)


def said(*texts: str) -> str:
    return HELLO + "".join(f'alice > s "{text}"\n' for text in texts)


@pytest.mark.parametrize(
    ("name", "judgement", "met", "parts"),
    [
        ("messages", lambda: judged(FIVE, said("MSG one\\nMSG two\\nMSG three\\nMSG four\\nMSG five\\n")), 5, 5),
        ("messages", lambda: judged(FIVE, said("MSG one\\nMSG two\\nMSG four\\nMSG five\\n")), 4, 5),
        ("messages", lambda: judged(FIVE, said("MSG one\\nMSG twoMSG three\\nMSG four\\nMSG five\\n")), 3, 5),
        ("messages", lambda: judged(FIVE, said("one\\ntwo\\nthree\\nfour\\nfive\\n")), 0, 5),
        ("messages", lambda: judged(FIVE, ""), 0, 5),
        ("heartbeat", lambda: judged("{heartbeat: alice, at_least: 4}", HELLO + BEATS + GOODBYE), 3, 4),
        ("heartbeat", lambda: judged("{heartbeat: alice, at_least: 4}", ""), 0, 4),
        ("teardown", lambda: judged("{teardown: alice}", HELLO + GOODBYE), 3, 3),
        ("teardown", lambda: judged("{teardown: alice}", HELLO + "alice > s RST,ACK"), 1, 3),
        ("teardown", lambda: judged("{teardown: alice}", HELLO, killed(50, "alice")), 2, 3),
        ("teardown", lambda: judged("{teardown: alice, first: server}", HELLO + GOODBYE), 2, 3),
        ("handshake", lambda: judged("{handshake: alice}", ""), 0, 1),
    ],
)
def test_parts(name: str, judgement: object, met: int, parts: int):
    assert callable(judgement)
    assert Credit(met, parts) == of(judgement(), name)


def test_a_broadcast_counts_by_client():
    crowd = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
    script = scenario(
        "{broadcast: news, to: [alice, bob]}", tests="server", cast=crowd, script=(*STARTS, "{start: bob}")
    )
    wire = HELLO + HELLO.replace("alice", "bob") + 's > alice "BROADCAST news\\n"\n'
    assert Credit(1, 2) == of(judged(script, wire), "broadcast")


def test_an_exit_in_time_with_the_wrong_status_is_half():
    script = scenario(script=("{start: alice}", "{alice: exits, status: 0}"), cast="{alice: {role: client}}")
    assert Credit(1, 2) == of(judged(script, "", missed(1, status=3)), "exits")
    assert Credit(0, 2) == of(judged(script, "", missed(1, run_delay=0.0), killed(9, "alice")), "exits")


def test_a_trace_counts_by_line():
    trace = "trace: |\n      alice > server SYN\n      server > alice SYN,ACK\n      alice > server ACK\n      alice > server FIN"
    assert Credit(3, 4) == of(judged(scenario(trace), HELLO + "alice > s RST"), "trace")


def test_what_is_inconclusive_has_none():
    late = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms\nalice > s "HEARTBEAT-ACK 1\\n" at=500ms\n'
    judgement = judged("{heartbeat: alice}", late, waited("alice", (5, 0.0), (600, 0.5)))
    assert (Verdict.INCONCLUSIVE, None) == (judgement.verdict, of(judgement, "heartbeat"))


def test_packets_that_were_lost_cost_no_credit():
    """What a capture that is not whole lacks may be just what the student sent."""
    judgement = judged(FIVE, said("MSG one\\n"), lost=3)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert {None} == {check.credit for check in judgement.checks}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["MSG one\\n", "MSG two\\n", "MSG three", "x\\n", "\\xff\\n"]), max_size=8))
def test_it_is_whole_if_and_only_if_the_check_passed(texts: list[str]):
    for check in judged(FIVE, said(*texts)).checks:
        assert check.credit is not None
        assert 0 <= check.credit.met <= check.credit.of
        assert (check.verdict is Verdict.PASS) == (check.credit.met == check.credit.of)
