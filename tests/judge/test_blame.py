"""Whose fault something is: cases in which the first thing that comes to mind would blame the wrong one."""

from __future__ import annotations

from tests.judge.runs import (
    GOODBYE,
    HELLO,
    PORTS,
    STARTS,
    at,
    codes,
    exited,
    judged,
    killed,
    missed,
    outcome,
    scenario,
    shown,
    typed,
)
from wirelab.observe.evidence import Bounded, Owned, StepEnded, Wire

EXITS = (*STARTS, "{alice: type, text: /quit}", "{alice: exits, status: 0}")
BEATS = "".join(f's > alice "HEARTBEAT {n}\\n" at={n * 10}ms\nalice > s ACK\n' for n in (1, 2, 3))
DROPS = "s > alice FIN at=40ms\nalice > s FIN\ns > alice ACK\n"


def test_what_a_client_does_after_the_reference_left_it_without_a_reason_is_not_judged():
    left = judged(scenario(script=EXITS), HELLO + DROPS, missed(3, 60, status=1), exited(50, "alice", 1))
    assert ("inconclusive", ["WL905"]) == outcome(left)


def test_a_client_that_was_dropped_for_its_silence_is_judged_by_its_exit_too():
    dropped = judged(scenario(script=EXITS), HELLO + BEATS + DROPS, missed(3, 60, status=1), exited(50, "alice", 1))
    assert ("fail", ["WL602"]) == outcome(dropped)


def test_silence_on_a_cut_wire_is_no_reason_to_drop_a_client():
    cut = Wire(at(5), "cut", "all")
    left = judged(scenario(script=EXITS), HELLO + BEATS + DROPS, cut, missed(3, 60, status=1), exited(50, "alice", 1))
    assert ("inconclusive", ["WL905"]) == outcome(left)


def test_hanging_after_the_reference_left_is_a_fault_all_the_same():
    hangs = judged(scenario(script=EXITS), HELLO + DROPS, missed(3, 2000, run_delay=0.0), killed(2001, "alice"))
    assert ("fail", ["WL601"]) == outcome(hangs)


def test_who_burns_the_cpu_is_not_excused_by_having_waited_for_it():
    spins = missed(3, 2000, run_delay=1.5, cpu=1.8)
    assert ("fail", ["WL601"]) == outcome(judged(scenario(script=EXITS), HELLO, spins, killed(2001, "alice")))


def test_each_forged_reset_is_told_from_a_real_one():
    script = scenario(
        "{teardown: bob}",
        cast="{server: {role: server}, alice: {role: client}, bob: {role: client}}",
        script=(*STARTS, "{start: bob}", "{inject: RST, to: server, of: alice}", "{inject: RST, to: server, of: bob}"),
    )
    wire = HELLO + HELLO.replace("alice", "bob") + "bob > s RST at=100ms\n"
    forged = judged(script, wire, StepEnded(at(200), 4, "done"))
    assert ("inconclusive", ["WL905"]) == outcome(forged)
    assert "inject" in forged.findings[0].rationale.in_("en")


def test_after_the_first_quit_no_heartbeat_need_be_answered():
    wire = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms\nalice > s ACK\n'
    keys = (typed(20, "alice", "/quit⏎"), typed(900, "alice", "/quit⏎"))
    assert ("pass", []) == outcome(judged("{heartbeat: alice, at_least: 0}", wire, *keys, exited(950, "alice")))


def test_what_was_done_wrong_stays_wrong_when_the_script_ends_early():
    wire = HELLO + r'alice > s "MSG never typed\n"'
    flood = Bounded(at(5), "server", 4_000_000, "bytes")
    script = scenario("{messages: alice, sent: [later]}", script=(*STARTS, "{server: shows, text: later}"))
    judgement = judged(script, wire, flood, missed(2, 10, exited=False, run_delay=0.0))
    assert "fail" == judgement.verdict
    assert {"WL202", "WL612"} <= set(codes(judgement))


def test_two_messages_without_an_end_between_them_are_told_as_that():
    glued = judged("{messages: alice, sent: [one]}", HELLO + r'alice > s "MSG oneHEARTBEAT-ACK 6\n"')
    assert ("fail", ["WL203"]) == outcome(glued)


def test_messages_count_on_whichever_connection_they_come():
    again = HELLO.replace("alice", "bob")
    wire = HELLO + r'alice > s "MSG one\n"' + "\n" + GOODBYE + again + r'bob > s "MSG two\n"'
    script = scenario("{messages: alice, sent: [one, two]}")
    both = tuple(Owned(at(0), "alice", PORTS[name]) for name in ("alice", "bob"))
    found = judged(script, wire, both, owned=False)
    assert ("pass", []) == outcome(found)


def test_what_a_terminal_showed_after_a_step_is_not_quoted_for_it():
    script = scenario(script=(*STARTS, "{server: shows, text: hello}"))
    late = shown(3000, "server", "later\r\n")
    judgement = judged(script, HELLO, missed(2, 2000, exited=False, run_delay=0.0), late, exited(3500, "server", 0))
    (finding,) = judgement.findings
    assert () == finding.terminal
    assert "nothing" in finding.rationale.in_("en")
