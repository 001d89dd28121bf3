"""Whose fault something is: cases in which the first thing that comes to mind would blame the wrong one."""

from __future__ import annotations

from tests.judge.runs import (
    BEFORE,
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
from wirelab.declare.scenario import Scenario
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Bounded, Owned, Sampled, Started, StepEnded, Wire

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


# --- several connections of one client

MINE = tuple(Owned(at(0), "alice", PORTS[name]) for name in ("alice", "bob"))
IDLE = (HELLO + GOODBYE).replace("alice", "bob")
ANSWERED = "".join(f's > alice "HEARTBEAT {n}\\n"\nalice > s "HEARTBEAT-ACK {n}\\n"\n' for n in (1, 2))
BOTH = scenario("{handshake: alice}", "{heartbeat: alice, at_least: 2}", "{teardown: alice, first: alice}")
QUIT = typed(90, "alice", "/quit⏎")


def of_both(wire: str) -> Judgement:
    return judged(BOTH, wire, MINE, QUIT, owned=False)


def test_an_idle_connection_beside_the_other_neither_fails_nor_saves_anybody():
    bye = GOODBYE.replace("FIN", "FIN at=100ms", 1)
    for before, after in (("", IDLE), (IDLE, "")):
        assert ("pass", []) == outcome(of_both(before + HELLO + ANSWERED + bye + after))
        silent = ANSWERED.replace('"HEARTBEAT-ACK 1\\n"', "ACK").replace('"HEARTBEAT-ACK 2\\n"', "ACK")
        late = GOODBYE.replace("FIN", "FIN at=900ms", 1)
        wire = before + HELLO + silent + late + after
        cheats = judged(BOTH, wire, MINE, typed(890, "alice", "/quit⏎"), owned=False)
        assert ("fail", ["WL302", "WL302"]) == outcome(cheats)
        reset = GOODBYE.replace("alice > s FIN", "alice > s RST at=100ms").split("s > alice FIN")[0]
        assert ("fail", ["WL502"]) == outcome(of_both(before + HELLO + ANSWERED + reset + after))


def test_an_idle_connection_may_end_as_it_likes():
    rude = IDLE.split("bob > s FIN")[0] + "bob > s RST at=120ms"
    assert ("pass", []) == outcome(of_both(HELLO + ANSWERED + GOODBYE.replace("FIN", "FIN at=100ms", 1) + rude))


def test_who_connects_again_has_heartbeats_counted_anew_and_every_connection_judged():
    first, again = HELLO + ANSWERED + GOODBYE, (HELLO + ANSWERED + GOODBYE).replace("alice", "bob")
    script = scenario("{heartbeat: alice, at_least: 4}", "{teardown: alice, first: alice}")
    assert ("pass", []) == outcome(judged(script, first + again, MINE, typed(0.1, "alice", "/quit⏎"), owned=False))
    reset = first.replace("alice > s FIN", "alice > s RST").split("s > alice FIN")[0] + again
    assert ("fail", ["WL502"]) == outcome(judged(script, reset, MINE, owned=False))
    wrong = judged(script, first + again.replace("ACK 2", "ACK 7"), MINE, owned=False)
    assert {"WL304"} <= set(codes(wrong))


def test_who_leaves_before_there_are_heartbeats_has_itself_to_blame():
    churn = HELLO + GOODBYE + IDLE
    found = judged("{heartbeat: alice, at_least: 2}", churn, MINE, typed(900, "alice", "/quit⏎"), owned=False)
    assert ("fail", ["WL301"]) == outcome(found)


# --- whom the machine kept from running

QUIET = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms\nalice > s ACK\n'


def test_who_had_the_cpu_and_never_answered_is_not_excused():
    for cpu, expected in ((1.5, ("fail", ["WL302"])), (0.1, ("inconclusive", ["WL903"]))):
        seen = ((0, 0.0, 0.0), (250, 0.3, 0.0), (800, 0.9, cpu), (950, 1.0, cpu))
        samples = tuple(Sampled(at(time), "alice", delay, had) for time, delay, had in seen)
        assert expected == outcome(judged("{heartbeat: alice}", QUIET, samples, exited(900, "alice")))


# --- whose server it is

SERVED = "{server: {role: server}, alice: {role: client}}"


def by_server(*expect: str) -> Scenario:
    return scenario(*expect, tests="server", cast=SERVED)


def test_a_client_that_knocks_at_another_address_was_not_let_down_by_the_server():
    told = Started(at(BEFORE), "alice", "client", "submission", ("./client", "127.0.0.2", "12001"))
    wire = "alice > s SYN\ns > alice RST,ACK seq=0 ack=1\n"
    expect = ("{handshake: alice}", "{heartbeat: alice}", "{messages: alice, sent: [hi]}", "{teardown: alice}")
    astray = judged(scenario(*expect), wire, told, unstarted=["alice"])
    assert ("fail", ["WL102"] * 4) == outcome(astray)
    assert {"alice"} == {finding.actor for finding in astray.findings}
    assert "at 127.0.0.1:12001" in astray.findings[0].rationale.in_("en")
    there = Started(at(BEFORE), "alice", "client", "submission", ("./client", "127.0.0.1", "12001"))
    assert ("inconclusive", ["WL905"] * 4) == outcome(judged(scenario(*expect), wire, there, unstarted=["alice"]))


def test_a_server_that_does_not_listen_is_told_as_that_by_every_check():
    expect = ("{messages: alice, sent: [hi]}", "{broadcast: yo, to: [alice]}", "{teardown: alice}")
    refused = judged(by_server(*expect), "alice > s SYN\ns > alice RST,ACK seq=0 ack=1\n")
    assert ("fail", ["WL102"] * 3) == outcome(refused)
    assert {"server"} == {finding.actor for finding in refused.findings}


def test_what_a_client_could_not_say_any_more_is_the_fault_of_the_server_that_left():
    for end, code in (("s > alice FIN\nalice > s FIN\ns > alice ACK", "WL501"), ("s > alice RST", "WL502")):
        left = judged(by_server("{messages: alice, sent: [one]}"), HELLO + end)
        assert ("fail", [code]) == outcome(left)
        assert "server" == left.findings[0].actor
        asked = judged(by_server("{messages: alice, sent: [one]}"), HELLO + end, typed(0.5, "server", "/quit⏎"))
        assert ("inconclusive", ["WL905"]) == outcome(asked)


def test_a_fin_that_comes_when_all_is_over_is_none():
    wire = HELLO + "alice > s FIN at=2002ms\ns > alice FIN\nalice > s ACK\n"
    ends = (killed(2001, "alice"), killed(2100, "server"))
    late = judged(by_server("{teardown: alice, first: server}"), wire, *ends)
    assert ("fail", ["WL503"]) == outcome(late)
    assert "server" == late.findings[0].actor
    assert ("inconclusive", ["WL905"]) == outcome(judged(by_server("{teardown: alice, first: alice}"), wire, *ends))


def test_what_was_not_broadcast_is_the_doing_of_the_server():
    missing = judged(by_server("{broadcast: news, to: [alice]}"), HELLO)
    assert [("WL401", "server")] == [(finding.code, finding.actor) for finding in missing.findings]
    assert "on the connection of alice" in missing.findings[0].rationale.in_("en")
