"""What judging promises: legal variation passes, and nobody is blamed for the machine, the wire or another's fault."""

from __future__ import annotations

import pytest

from tests.judge.runs import (
    GOODBYE,
    HELLO,
    STARTS,
    at,
    codes,
    exited,
    impossible,
    judged,
    killed,
    missed,
    outcome,
    scenario,
    shown,
    typed,
    waited,
)
from wirelab.judge.verdict import Verdict, worst
from wirelab.observe.evidence import Bounded, Ending, Owned, Peered, StepEnded, Wire

PASS: tuple[str, list[str]] = ("pass", [])
TEARDOWN = "{teardown: alice, first: alice}"
BEATING = "{heartbeat: alice, at_least: 1}"
BEAT = 's > alice "HEARTBEAT 1\\n" at=10ms\n'
QUIT = typed(3, "alice", "/quit⏎")
PEER_CLIENT = "{server: {role: server}, alice: {role: client, peer: true}}"
PLAIN_STARTS = ("{start: server}", "{start: alice}")


def ack(number: int, time: float) -> str:
    return f'alice > s "HEARTBEAT-ACK {number}\\n" at={time}ms\n'


# --- legal variation


@pytest.mark.parametrize(
    "close",
    [
        GOODBYE,
        "alice > s FIN\ns > alice ACK\ns > alice FIN\nalice > s ACK\n",
        "alice > s FIN\ns > alice ACK\ns > alice FIN at=900ms\nalice > s ACK\n",
        "alice > s FIN\ns > alice FIN ack=1\nalice > s ACK\ns > alice ACK\n",  # at the same time
        "s > alice FIN\nalice > s FIN ack=1\nalice > s ACK\ns > alice ACK\n",
        'alice > s FIN "MSG bye\\n"\ns > alice FIN\nalice > s ACK\n',
        "alice > s FIN lost\nalice > s FIN at=210ms seq=1\ns > alice FIN ack=2\nalice > s ACK\n",
    ],
    ids=["three", "four", "four, slowly", "crossed", "crossed, the other first", "data on the FIN", "FIN lost"],
)
def test_every_orderly_close_passes(close: str):
    assert PASS == outcome(judged(TEARDOWN, HELLO + close))


def test_a_handshake_may_carry_data_on_its_ack_and_repeat_a_syn():
    wire = r"""
        alice > s SYN lost
        alice > s SYN at=1000ms
        s > alice SYN,ACK
        alice > s "MSG hi\n"
    """
    script = scenario("{handshake: alice}", "{messages: alice, sent: [hi]}")
    assert PASS == outcome(judged(script, wire))


def test_messages_may_be_cut_and_joined_in_any_way():
    wire = HELLO + 'alice > s "M"\nalice > s "SG one\\nMSG tw"\nalice > s "o\\n"\n'
    assert PASS == outcome(judged("{messages: alice, sent: [one, two]}", wire))


@pytest.mark.parametrize("line", ["", "MSG \\n", "MSG\\n", "MSG \\r\\n"])
def test_an_empty_line_typed_may_be_sent_or_not(line: str):
    wire = HELLO + f'alice > s "MSG one\\n{line}MSG two\\r\\n"\n'
    assert PASS == outcome(judged('{messages: alice, sent: [one, "", two]}', wire))


@pytest.mark.parametrize("first", [1, 5000])
def test_the_first_heartbeat_may_come_at_once_or_after_a_while(first: float):
    wire = HELLO + f's > alice "HEARTBEAT 1\\n" at={first + 5}ms\n' + ack(1, first + 6)
    assert PASS == outcome(judged(BEATING, wire))


def test_answers_may_come_in_one_segment_and_beside_messages():
    wire = HELLO + 's > alice "HEARTBEAT 1\\nBROADCAST x\\nHEARTBEAT 2\\n"\n'
    wire += 'alice > s "MSG hi\\nHEARTBEAT-ACK 1\\nHEARTBEAT-ACK 2\\n"\n'
    script = scenario("{heartbeat: alice, at_least: 2}", "{messages: alice, sent: [hi]}", "{broadcast: x, to: [alice]}")
    assert PASS == outcome(judged(script, wire))


def test_without_framing_texts_are_found_in_order_however_they_run_together():
    script = scenario(
        "{messages: alice, sent: [one, two, three]}", "{broadcast: news, to: [alice]}", BEATING, protocol="bare"
    )
    wire = HELLO + 's > alice "HEARTBEATnews"\nalice > s "onetwo\\n"\nalice > s "HEARTBEAT_ACKthree"\n'
    assert PASS == outcome(judged(script, wire))
    swapped = wire.replace("onetwo", "twoone")
    assert ("fail", ["WL201"]) == outcome(judged(script, swapped))
    assert ("inconclusive", ["WL905"]) == outcome(judged(script, wire.replace("news", "newsnews")))


def test_length_prefixed_messages_are_judged_alike():
    script = scenario("{messages: alice, sent: [hi]}", protocol="length")
    assert PASS == outcome(judged(script, HELLO + r'alice > s "\0\0\0\6MSG hi"'))


# --- the end of a run


@pytest.mark.parametrize("quit_at", [12, 60, 105])
def test_quitting_while_a_heartbeat_is_due_passes(quit_at: float):
    """One heartbeat was answered, the other came less than the limit before the program was told to quit."""
    wire = HELLO + BEAT + ack(1, 11) + 's > alice "HEARTBEAT 2\\n" at=11.5ms\nalice > s FIN at=300ms\ns > alice FIN\n'
    assert PASS == outcome(judged(BEATING, wire, typed(quit_at, "alice", "/quit⏎")))


def test_a_quit_word_typed_key_by_key_is_one():
    wire = HELLO + BEAT + ack(1, 11) + 's > alice "HEARTBEAT 2\\n" at=20ms\nalice > s ACK\n'
    keys = [typed(30 + index, "alice", key) for index, key in enumerate("hi⏎/quit⏎")]
    assert PASS == outcome(judged(BEATING, wire, *keys, exited(900, "alice")))


def test_a_heartbeat_long_before_quitting_is_due():
    wire = HELLO + BEAT + ack(1, 11) + 's > alice "HEARTBEAT 2\\n" at=20ms\nalice > s ACK\n'
    assert ("fail", ["WL302"]) == outcome(judged(BEATING, wire, typed(500, "alice", "Ctrl-D"), exited(900, "alice")))


def test_what_the_harness_killed_did_not_close_by_itself():
    judgement = judged(TEARDOWN, HELLO + "alice > s FIN at=100ms\ns > alice FIN\nalice > s ACK\n", killed(99, "alice"))
    assert ("fail", ["WL504"]) == outcome(judgement)


def test_a_reset_of_a_killed_program_is_not_its_own():
    wire = HELLO + "alice > s RST,ACK at=100ms\n"
    assert "WL502" not in codes(judged(TEARDOWN, wire, killed(99, "alice")))
    assert ("fail", ["WL507"]) == outcome(judged("{teardown: alice, style: reset}", wire, killed(99, "alice")))
    assert PASS == outcome(judged("{teardown: alice, style: reset}", wire))


def test_a_reset_that_a_kill_of_the_script_brought_about_may_be_expected():
    script = scenario("{teardown: alice, style: reset}", script=(*STARTS, "{server: signal, name: KILL}"))
    wire = HELLO + "s > alice RST,ACK at=100ms\n"
    assert PASS == outcome(judged(script, wire, Ending(at(99), "server", "script", "SIGKILL"), exited(101, "server")))


def test_any_end_will_do_where_any_is_expected():
    for close in (GOODBYE, "alice > s RST,ACK\n", "s > alice RST,ACK\n", "s > alice FIN\nalice > s FIN\ns > alice ACK"):
        assert PASS == outcome(judged("{teardown: alice, style: any}", HELLO + close))
    assert ("fail", ["WL503"]) == outcome(
        judged("{teardown: alice, style: any}", HELLO + "s > alice FIN\nalice > s ACK")
    )


# --- the machine


def test_lost_packets_make_everything_inconclusive_and_say_how_many():
    for wire in (HELLO + GOODBYE, HELLO, ""):
        judgement = judged(TEARDOWN, wire, lost=3)
        assert Verdict.INCONCLUSIVE is judgement.verdict
        assert "WL901" == codes(judgement)[-1]
        assert " 3 " in judgement.findings[-1].rationale.in_("en")
        assert " 3 " in judgement.findings[-1].rationale.in_("zh")


def test_what_came_after_the_capture_was_full_costs_nothing():
    wire = HELLO + 's > alice "BROADCAST flood\\n"\n'
    judgement = judged(TEARDOWN, wire, Bounded(at(6), None, 4, "packets"))
    assert Verdict.INCONCLUSIVE is judgement.verdict
    assert "WL902" == codes(judgement)[-1]


def test_a_program_that_had_no_cpu_is_not_late():
    wire = HELLO + BEAT + "alice > s ACK\n" + ack(1, 400)
    assert ("fail", ["WL303"]) == outcome(judged(BEATING, wire, waited("alice", (5, 0.0), (410, 0.01))))
    assert ("inconclusive", ["WL903"]) == outcome(judged(BEATING, wire, waited("alice", (5, 0.0), (410, 0.35))))


def test_a_program_that_never_got_the_cpu_to_answer_is_not_silent():
    wire = HELLO + BEAT + "alice > s ACK\n"
    events = (typed(200, "alice", "/quit⏎"), exited(900, "alice"))
    assert ("fail", ["WL302"]) == outcome(judged(BEATING, wire, *events, waited("alice", (5, 0.0), (250, 0.0))))
    assert ("inconclusive", ["WL903"]) == outcome(judged(BEATING, wire, *events, waited("alice", (5, 0.0), (250, 0.2))))


def test_a_server_that_had_no_cpu_may_send_fewer_heartbeats():
    script = scenario("{heartbeat: alice, at_least: 4}", tests="server")
    events = (typed(1000, "alice", "/quit⏎"), exited(1100, "alice"))
    wire = HELLO + BEAT + ack(1, 11)
    assert ("fail", ["WL301"]) == outcome(judged(script, wire, *events, waited("server", (-5, 0.0), (1000, 0.1))))
    starved = judged(script, wire, *events, waited("server", (-5, 0.0), (1000, 0.7)))
    assert ("inconclusive", ["WL903"]) == outcome(starved)


def test_a_start_that_the_machine_held_up_costs_nothing_further():
    """The script ends with the missed start, so nothing that is expected could happen."""
    script = scenario("{handshake: alice}", "{messages: alice, sent: [hi]}", TEARDOWN, script=(*STARTS, "{wait: 1}"))
    judgement = judged(script, "", missed(1, 9000, run_delay=8.0), killed(9001, "alice"), played=2)
    assert ("inconclusive", ["WL903", "WL906", "WL906", "WL906"]) == outcome(judgement)


def test_a_program_that_did_not_get_ready_is_told_that_and_how_it_connected():
    script = scenario("{handshake: alice}", "{messages: alice, sent: [hi]}", TEARDOWN, script=(*STARTS, "{wait: 1}"))
    judgement = judged(script, HELLO, missed(1, 9000, run_delay=0.0), killed(9001, "alice"), played=2)
    assert ("fail", ["WL104", "WL906", "WL906"]) == outcome(judgement)
    judgement = judged(script, "", missed(1, 9000, run_delay=0.0), killed(9001, "alice"), played=2)
    assert ("fail", ["WL104", "WL101", "WL906", "WL906"]) == outcome(judgement)


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        (Bounded(at(40), "alice", 4_000_000, "bytes"), "(alice had flooded its terminal)"),
        (Bounded(at(40), None, 4, "packets"), "(the capture was full)"),
    ],
)
def test_who_floods_is_told_that_and_not_what_others_did_not_show_then(bound: Bounded, why: str):
    shows = "{server: shows, text: hi, within: 1}"
    script = scenario("{messages: alice, sent: [hi]}", script=(*STARTS, "{alice: type, text: hi}", shows, "{wait: 1}"))
    wire = HELLO + 'alice > s "MSG h"\n'
    judgement = judged(script, wire, bound, missed(3, 50, run_delay=0.0), killed(60, "alice"), played=4)
    ended = [one for one in judgement.findings if one.code == "WL906"]
    assert ["shows", "messages"] == [one.name for one in judgement.checks if one.verdict is Verdict.INCONCLUSIVE][:2]
    assert ended
    assert all(f"on server's terminal {why}; what" in one.rationale.in_("en") for one in ended)
    assert "fail" == judgement.verdict.value


def test_what_ended_one_program_excuses_no_other():
    """The script goes on then; and what came after its end did not end it."""
    steps = (*STARTS, "{alice: shows, text: welcome, within: 1}")
    script = scenario(script=steps)
    ended = Bounded(at(10), "server", 512, "processes")
    judgement = judged(script, HELLO, ended, missed(2, 50, run_delay=0.0), killed(60, "alice"))
    assert "WL604" in codes(judgement)
    late = Bounded(at(90), "alice", 4_000_000, "bytes")
    script = scenario("{messages: alice, sent: [hi]}", script=(*STARTS, "{wait: 1}"))
    judgement = judged(script, "", late, missed(1, 9, run_delay=8.0), killed(95, "alice"), played=2)
    told = [one.rationale.in_("en") for one in judgement.findings if one.code == "WL906"]
    assert told
    assert not [text for text in told if "flooded" in text]


def test_a_reference_that_ended_as_it_was_told_blames_nobody():
    steps = (*STARTS, "{alice: press, key: ctrl-d}", "{wait: 0.3}", "{alice: type, text: more}")
    script = scenario(tests="server", script=steps)
    told = judged(script, HELLO + GOODBYE, typed(2, "alice", "Ctrl-D"), impossible(4, "exited"), exited(6, "alice"))
    assert ("inconclusive", ["WL905"]) == outcome(told)
    left = judged(script, HELLO + GOODBYE, impossible(4, "exited"), exited(6, "alice", 1))
    assert "WL608" in codes(left)
    own = scenario(script=steps)
    asked = judged(own, HELLO + GOODBYE, typed(2, "alice", "Ctrl-D"), impossible(4, "exited"), exited(6, "alice"))
    assert ("fail", ["WL608"]) == outcome(asked)


# --- the wire


def test_an_answer_that_waited_for_a_retransmission_is_not_late():
    wire = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms lost\ns > alice "HEARTBEAT 1\\n" at=215ms seq=1\n' + ack(1, 216)
    assert PASS == outcome(judged(BEATING, wire))


@pytest.mark.parametrize(
    "again",
    [
        "alice > s SYN seq=0 at=215ms\n",  # arrived long ago
        's > alice "HEARTBEAT 1\\n" at=15ms seq=1\n',  # held it up for 5 ms
    ],
)
def test_a_retransmission_excuses_no_more_than_its_own_delay(again: str):
    wire = HELLO + BEAT + again + ack(1, 216)
    assert ("fail", ["WL303"]) == outcome(judged(BEATING, wire))


def test_a_heartbeat_that_never_arrived_needs_no_answer():
    wire = HELLO + BEAT + ack(1, 11) + 's > alice "HEARTBEAT 2\\n" at=20ms lost\n'
    cut = Wire(at(15), "cut", "alice")
    judgement = judged("{heartbeat: alice, at_least: 2}", wire, cut, exited(900, "alice"))
    assert ("inconclusive", ["WL905"]) == outcome(judgement)
    assert PASS == outcome(judged(BEATING, wire, cut, exited(900, "alice")))


def test_a_wire_that_stays_cut_lets_nobody_close():
    wire = HELLO + "alice > s FIN at=10ms lost\nalice > s FIN at=220ms seq=1 lost\n"
    for tests in ("client", "server"):
        script = scenario(TEARDOWN, tests=tests)
        assert ("inconclusive", ["WL905"]) == outcome(judged(script, wire, Wire(at(5), "cut", "alice")))
        assert ("inconclusive", ["WL905"]) == outcome(judged(script, wire, Wire(at(5), "cut", "all")))
        healed = judged(script, wire, Wire(at(5), "cut", "all"), Wire(at(6), "heal", "all"))
        assert "WL905" not in codes(healed) or tests == "client"
    # another's cut excuses nothing
    assert "fail" == outcome(judged(scenario(TEARDOWN, tests="server"), wire, Wire(at(5), "cut", "bob")))[0]


def test_a_handshake_on_a_cut_wire_is_nobodys_fault():
    wire = "alice > s SYN lost\nalice > s SYN at=1000ms lost\n"
    assert ("inconclusive", ["WL905"]) == outcome(judged("{handshake: alice}", wire, Wire(at(-5), "cut", "all")))


# --- the harness's own side


@pytest.mark.parametrize(
    ("expect", "wire"),
    [
        (TEARDOWN, HELLO + "alice > s FIN\ns > alice ACK\n"),  # the reference never closes
        (TEARDOWN, HELLO + "s > alice FIN\nalice > s FIN\ns > alice ACK\n"),  # it closes for no reason
        (TEARDOWN, HELLO + "s > alice RST,ACK\n"),
        ("{heartbeat: alice, at_least: 2}", HELLO + BEAT + ack(1, 11)),
        (BEATING, HELLO + 's > alice "HEARTBEAT 3\\n"\nalice > s "HEARTBEAT-ACK 3\\n"\n'),
        ("{broadcast: news, to: [alice]}", HELLO),
        ("{handshake: alice}", "alice > s SYN\ns > alice RST,ACK seq=0 ack=1\n"),
    ],
)
def test_a_reference_server_that_misbehaves_makes_a_run_inconclusive(expect: str, wire: str):
    assert ("inconclusive", ["WL905"]) == outcome(judged(expect, wire, typed(50, "alice", "/quit⏎")))


@pytest.mark.parametrize(
    ("expect", "wire"),
    [
        ("{handshake: alice}", ""),
        ("{messages: alice, sent: [hi]}", HELLO),
        (BEATING, HELLO + BEAT + "alice > s ACK\nalice > s ACK at=900ms\n"),
        (BEATING, HELLO + BEAT + ack(1, 11) + ack(1, 12)),
        ("{teardown: alice}", HELLO + "alice > s RST,ACK\n"),
        ("{teardown: alice}", HELLO + "s > alice FIN\nalice > s ACK\n"),
    ],
)
@pytest.mark.parametrize("peer", [False, True])
def test_a_reference_or_peer_client_that_misbehaves_makes_a_run_inconclusive(expect: str, wire: str, peer: bool):
    cast = PEER_CLIENT if peer else PEER_CLIENT.replace(", peer: true", "")
    script = scenario(expect, tests="server", cast=cast, script=PLAIN_STARTS)
    assert ("inconclusive", ["WL905"]) == outcome(judged(script, wire))


def test_what_a_peer_sends_as_its_script_says_is_not_judged():
    script = scenario("{messages: alice, sent: [hi]}", tests="server", cast=PEER_CLIENT, script=PLAIN_STARTS)
    assert PASS == outcome(judged(script, HELLO + 'alice > s "NONSENSE\\nMSG hi\\nMSG unfin"\n'))


def test_who_was_told_to_quit_and_did_not_is_to_blame_when_the_other_side_closes():
    wire = HELLO + "s > alice FIN at=400ms\nalice > s FIN\ns > alice ACK\n"
    judgement = judged(TEARDOWN, wire, QUIT)
    assert ("fail", ["WL501"]) == outcome(judgement)
    assert "alice" == judgement.findings[0].actor
    assert "fail" == outcome(judged(TEARDOWN, wire, Ending(at(5), "alice", "script", "SIGTERM")))[0]


def test_a_client_that_was_dropped_for_silence_is_to_blame():
    beats = "".join(f's > alice "HEARTBEAT {n}\\n" at={200 * n}ms\nalice > s ACK\n' for n in (1, 2, 3))
    wire = HELLO + beats + "s > alice FIN at=800ms\nalice > s FIN\ns > alice ACK\n"
    assert ("fail", ["WL501"]) == outcome(judged(TEARDOWN, wire))


def test_a_peer_that_closed_as_it_was_told_counts_as_asked():
    script = scenario(
        "{teardown: alice, first: alice}",
        tests="server",
        cast=PEER_CLIENT,
        script=PLAIN_STARTS,
    )
    wire = HELLO + "s > alice FIN at=10ms\nalice > s FIN\ns > alice ACK\n"
    judgement = judged(script, wire, Peered(at(20), "alice", "closes"))
    assert ("fail", ["WL501"]) == outcome(judgement)
    assert "server" == judgement.findings[0].actor


def test_a_client_that_leaves_a_closed_connection_open_is_to_blame_for_the_reset_that_follows():
    wire = HELLO + 's > alice FIN\nalice > s "MSG more\\n" at=900ms\ns > alice RST at=901ms\n'
    script = scenario("{teardown: alice, first: server}")
    judgement = judged(script, wire)
    assert ("fail", ["WL503"]) == outcome(judgement)
    assert "alice" == judgement.findings[0].actor


def test_a_reset_that_comes_twice_is_told_once():
    wire = HELLO + 'alice > s RST,ACK\nalice > s RST,ACK\ns > alice "BROADCAST late\\n"\nalice > s RST\n'
    assert ("fail", ["WL502"]) == outcome(judged(TEARDOWN, wire))


def test_a_forged_reset_is_not_the_doing_of_its_sender():
    script = scenario("{teardown: alice}", tests="server", script=(*STARTS, "{inject: RST, to: alice}"))
    judgement = judged(script, HELLO + "s > alice RST at=5ms\n", StepEnded(at(6), 2, "done"))
    assert ("inconclusive", ["WL905"]) == outcome(judgement)


def test_a_client_that_leaves_before_it_is_told_to_has_too_few_heartbeats_by_its_own_fault():
    wire = HELLO + BEAT + ack(1, 11) + "alice > s FIN\ns > alice FIN\nalice > s ACK\n"
    few = "{heartbeat: alice, at_least: 2}"
    left = judged(few, wire, exited(30, "alice"))
    assert ("fail", ["WL301"]) == outcome(left)
    assert "the client that left before they were due" in left.findings[0].hint.in_("en"), "the server is not theirs"
    assert ("inconclusive", ["WL905"]) == outcome(
        judged(few, wire, typed(11.5, "alice", "/quit⏎"), exited(30, "alice"))
    )


def test_a_program_that_leaves_because_the_server_did_is_not_blamed_for_few_heartbeats():
    wire = HELLO + BEAT + ack(1, 11) + "s > alice FIN\nalice > s FIN\ns > alice ACK\n"
    assert ("inconclusive", ["WL905"]) == outcome(judged("{heartbeat: alice, at_least: 2}", wire, exited(30, "alice")))


def test_a_step_waits_in_vain_for_the_harness_alone():
    script = scenario(script=STARTS, tests="client")
    judgement = judged(script, "", missed(0, run_delay=0.0), played=1, unstarted=["alice"])
    assert ("inconclusive", ["WL905"]) == outcome(judgement)


# --- what programs print


@pytest.mark.parametrize(
    "said",
    [
        "Traceback (most recent call last):\r\n  File x\r\nEOFError\r\n",
        "\x1b[32mEnter message to send: \x1b[0mTraceback (most recent call last):\r\n  File x\r\nEOFError\r\n",
        "Exception in thread Thread-1 (receiver):\r\nTraceback (most recent call last):\r\n  File x\r\nOSError\r\n",
        'Exception in thread "main" java.lang.NullPointerException\r\n\tat Client.main(Client.java:3)\r\n',
        "node:events:497\r\n      throw er; // Unhandled 'error' event\r\n",
        "thread 'main' panicked at src/main.rs:3:5:\r\nboom\r\n",
        "thread 'main' (4711) panicked at src/main.rs:3:5:\r\nboom\r\n",
        "panic: runtime error: index out of range\r\n\r\ngoroutine 1 [running]:\r\nmain.main()\r\n",
        "terminate called after throwing an instance of 'int'\r\n",
        "*** stack smashing detected ***: terminated\r\n",
    ],
)
def test_a_crash_report_is_found_also_behind_a_prompt(said: str):
    assert ("fail", ["WL606"]) == outcome(judged(scenario(), HELLO, shown(1, "alice", said)))


@pytest.mark.parametrize(
    "said",
    ["Received: don't panic\r\n", "Broadcast: Traceback of a letter\r\n", "Broadcast: panic: x\r\n", "free lunch\r\n"],
)
def test_ordinary_words_are_no_crash(said: str):
    assert PASS == outcome(judged(scenario(), HELLO, shown(1, "alice", said)))


def test_a_crash_of_the_reference_is_not_held_against_the_submission():
    said = "Traceback (most recent call last):\r\n  File x\r\nEOFError\r\n"
    assert PASS == outcome(judged(scenario(), HELLO, shown(1, "server", said)))


@pytest.mark.parametrize(("signal", "expected"), [("SIGTERM", PASS), ("SIGINT", ("fail", ["WL603"]))])
def test_a_signal_that_the_script_sent_is_no_crash(signal: str, expected: tuple[str, list[str]]):
    ending = Ending(at(50), "alice", "script", signal)
    assert expected == outcome(judged(scenario(), HELLO, ending, exited(51, "alice", -15)))


def test_a_step_on_a_connection_names_whose_it_is():
    cast = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
    script = scenario(cast=cast, script=(*STARTS, "{start: bob}", "{cut: bob}"))
    judgement = judged(script, HELLO, impossible(3, "not connected"))
    assert "bob" == judgement.findings[0].actor


def test_a_text_that_crossed_the_wire_in_a_wrong_shape_is_not_called_missing():
    """Its one fault is the missing line end."""
    wire = HELLO + 'alice > s "MSG one"\nalice > s "MSG two"\n'
    assert ("fail", ["WL203"]) == outcome(judged("{messages: alice, sent: [one, two]}", wire))


def test_a_port_that_is_used_again_belongs_to_whom_it_belonged_then():
    cast = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
    script = scenario(TEARDOWN, "{teardown: bob, first: bob}", cast=cast, script=(*STARTS, "{start: bob}"))
    later = HELLO.replace("alice > s SYN", "alice > s SYN seq=5000 at=500ms") + "alice > s RST,ACK\n"
    owners = (Owned(at(0.1), "alice", 40001), Owned(at(500.1), "bob", 40001))
    judgement = judged(script, HELLO + GOODBYE + later, owners, owned=False)
    assert [("bob", "WL502")] == [(finding.actor, finding.code) for finding in judgement.findings]


def test_the_worst_verdict_counts():
    assert Verdict.PASS is worst([])
    assert Verdict.FAIL is worst([Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.PASS])
    assert Verdict.INCONCLUSIVE is worst([Verdict.PASS, Verdict.INCONCLUSIVE])
    assert [0, 1, 2] == [verdict.exit_status for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)]


def test_a_reset_after_the_end_is_no_programs_doing():
    """RFC 9293, 3.10.7.1: a closed connection answers whatever still comes with RST."""
    judgement = judged("{teardown: alice}", HELLO + GOODBYE + "s > alice RST")
    check = next(check for check in judgement.checks if check.name == "teardown")
    assert "pass" == judgement.verdict.value
    assert "the RST in frame 7 came after the end" in check.summary.in_("en")
