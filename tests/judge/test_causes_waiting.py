"""Causes of waiting: for a lock, for room to send, for a flag, for the other side's FIN; and what a wait is mistaken for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.judge.caused import (
    ALICE,
    BOB,
    BOB_HELLO,
    CAUSED,
    CROWD,
    EXITS,
    OPEN,
    RECEIVER,
    SERVER,
    SHUTDOWN_REPORT,
    beat,
    by_server,
    cause,
    causes,
    quits,
    said,
    thread,
    witnessed,
)
from tests.judge.runs import GOODBYE, HELLO, STARTS, at, exited, judged, killed, missed, scenario, shown, typed
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Event, Peered, SocketSeen, StepEnded, ThreadSeen

FULL = HELLO + BOB_HELLO + "s > bob len=100 at=50ms\nbob > s ACK win=0 at=51ms\n"
LOCKED = thread("MainThread", "waiting", 122)
TO_BOB = thread("broadcast", "sending", 32, SERVER, BOB)


def server_stays(wire: str, *threads: ThreadSeen) -> Judgement:
    """A server that is told to quit at 100 ms, and is still there when its two seconds are over."""
    return judged(
        scenario(
            tests="server",
            cast=CROWD,
            script=(*STARTS, "{start: bob}", "{server: type, text: /quit}", "{server: exits}"),
        ),
        wire,
        typed(100, "server", "/quit⏎"),
        missed(4, 2100, run_delay=0.0),
        killed(2120, "server"),
        witnessed(
            2110,
            "server",
            *threads,
            sockets=tuple(SocketSeen(SERVER, one, "ESTABLISHED", 0, 0) for one in (ALICE, BOB)),
        ),
    )


# --- who holds the lock


def test_who_waits_for_a_lock_is_told_of_the_thread_that_sits_in_send():
    receivers = [thread(f"Thread-{n}", "receiving", 74, SERVER, port) for n, port in enumerate((ALICE, BOB), 1)]
    run = server_stays(FULL, LOCKED, *receivers, TO_BOB)
    assert [("WL601", "WL656")] == causes(run)
    assert (
        "your program does not exit: MainThread waits for a lock or a condition at client.py:122; meanwhile broadcast sits "
        "in send() at client.py:32 on the connection to bob; bob does not read: its receive window has been closed since "
        "frame 8, at 0.071 s"
    ) == said(run, "WL656")


def test_two_threads_that_wait_for_locks_are_both_named():
    other = thread("receiver", "waiting", 33)
    words = said(quits(HELLO, witnessed(2010, "alice", LOCKED, other, sockets=OPEN)), "WL656")
    assert "; meanwhile receiver waits for a lock or a condition at client.py:33" in words


def test_where_nobody_sends_the_few_others_are_named_and_a_crowd_is_not():
    words = said(quits(HELLO, witnessed(2010, "alice", LOCKED, RECEIVER, sockets=OPEN)), "WL656")
    assert words.endswith("; meanwhile receiver sits in recv() at client.py:52 on the connection to server")
    crowd = [replace(RECEIVER, name=f"receiver-{n}") for n in range(9)]
    words = said(quits(HELLO, witnessed(2010, "alice", LOCKED, *crowd, sockets=OPEN)), "WL656")
    assert words.endswith("at client.py:122")


def test_who_waits_inside_an_event_waits_for_no_lock():
    timer = thread("beats", "waiting", 60, library="wait")
    words = said(quits(HELLO, witnessed(2010, "alice", LOCKED, timer, sockets=OPEN)), "WL656")
    assert "meanwhile" not in words


# --- send()


def test_who_sits_in_send_is_told_since_when_the_other_side_does_not_read():
    run = server_stays(FULL, thread("MainThread", "sending", 31, SERVER, BOB))
    assert [("WL601", "WL659")] == causes(run)
    assert said(run, "WL659").endswith(
        "; bob does not read: its receive window has been closed since frame 8, at 0.071 s"
    )
    opened = FULL + "bob > s ACK at=900ms\n"
    assert "does not read" not in said(server_stays(opened, thread("MainThread", "sending", 31, SERVER, BOB)), "WL659")


# --- flags


def met(thread_seen: ThreadSeen, cpu: float) -> list[tuple[str, str]]:
    return causes(quits(HELLO, witnessed(2010, "alice", thread_seen, RECEIVER, sockets=OPEN, cpu=cpu)))[:1]


def test_whether_a_loop_is_met_asleep_or_awake_its_cause_is_the_same():
    asleep, awake = thread("MainThread", "sleeping", 90), thread("MainThread", "running", 90)
    assert [("WL601", "WL660")] == met(asleep, 0.0) == met(awake, 0.02) == met(awake, 0.99)
    waits = thread("MainThread", "waiting", 90, library="wait")
    assert [("WL601", "WL656")] == met(waits, 0.0) == met(replace(waits, doing="running"), 0.02)
    words = said(CAUSED["WL660"](), "WL660")
    assert "MainThread sleeps at client.py:90; meanwhile receiver sits in recv() at client.py:52" in words


# --- the other side's FIN


def waits_for_server(wire: str, *events: Event | tuple[Event, ...]) -> Judgement:
    """A client of the harness that is to end by itself within two seconds."""
    script = (*STARTS, "{alice: type, text: /quit}", "{alice: exits}", "{server: type, text: /quit}", "{server: exits}")
    late = (typed(10, "alice", "/quit⏎"), missed(3, 2010, run_delay=0.0))
    return judged(scenario(tests="server", script=script), HELLO + wire, *late, *events)


LEAVES = "alice > s FIN at=20ms\ns > alice ACK at=21ms\n"


def test_a_server_that_closes_only_when_it_quits_itself_left_its_client_waiting():
    run = waits_for_server(
        LEAVES + "s > alice FIN at=2051ms\nalice > s ACK\n", typed(2050, "server", "/quit⏎"), exited(2060, "alice")
    )
    assert [("WL601", "WL556")] == causes(run)
    assert (
        "server stayed in CLOSE-WAIT for 2.0 s, until 2.071 s, and closed its side (frame 6) only after it was told to quit "
        "itself, at 2.070 s. That is server's to do, and at once"
    ) == said(run, "WL556").partition("; ")[2]


def test_a_server_that_closes_late_of_itself_did_so_too():
    run = waits_for_server(LEAVES + "s > alice FIN at=2051ms\nalice > s ACK\n", exited(2060, "alice"))
    assert "and closed its side only then (frame 6)" in said(run, "WL556")


def test_a_peer_that_waited_for_that_fin_is_told_so():
    run = judged(
        scenario(
            tests="server",
            cast="{server: {role: server}, alice: {role: client, peer: true}}",
            script=(
                "{start: server, until: Listening on}",
                "{start: alice}",
                "{alice: half-closes}",
                "{alice: expects, end: fin}",
                "{server: type, text: /quit}",
            ),
        ),
        HELLO + LEAVES + "s > alice FIN at=2051ms\nalice > s ACK\n",
        Peered(at(19), "alice", "half-closes"),
        missed(3, 2020, run_delay=0.0),
        typed(2050, "server", "/quit⏎"),
    )
    assert [("WL207", "WL556")] == causes(run)


def test_a_fin_that_was_lost_on_its_way_is_late_only_from_when_it_came():
    run = waits_for_server(
        "alice > s FIN at=20ms\nalice > s FIN at=1900ms seq=1\ns > alice ACK at=1901ms\n"
        "s > alice FIN at=2051ms\nalice > s ACK\n",
        exited(2060, "alice"),
    )
    assert [] == causes(run)


def test_a_client_waits_because_the_server_was_told_to_quit_and_never_closed():
    script = (*STARTS, "{server: type, text: /quit}", "{alice: exits}")
    run = judged(
        scenario("{teardown: alice, first: server}", tests="server", script=script),
        HELLO + "alice > s FIN at=2021ms\ns > alice FIN at=2022ms\nalice > s ACK\n",
        typed(10, "server", "/quit⏎"),
        missed(3, 2010, run_delay=0.0),
        killed(2020, "alice"),
        killed(2030, "server"),
    )
    assert [("WL601", "WL555"), ("WL503", "WL555")] == causes(run)
    assert "server was told to end (at its keyboard, at 0.030 s)" in said(run, "WL555")


def test_a_client_waits_because_the_server_serves_another():
    script = (*STARTS, "{start: bob}", "{bob: type, text: /quit}", "{bob: exits}")
    run = by_server(
        "{handshake: bob}",
        HELLO
        + BOB_HELLO
        + "bob > s FIN at=400ms\ns > bob ACK at=401ms\n"
        + "alice > s FIN at=2450ms\ns > alice FIN\nalice > s ACK\ns > bob FIN at=2460ms\nbob > s ACK\n",
        shown(1, "server", "Listening on 127.0.0.1:12001\r\nConnected ('127.0.0.1', 40001)\r\n"),
        shown(2459, "server", "Connected ('127.0.0.1', 40002)\r\n"),
        missed(4, 2420, run_delay=0.0),
        script=script[3:],
    )
    assert [("WL601", "WL452")] == causes(run)


# --- buffers


def test_answers_that_leave_with_quit_do_not_show_that_the_keyboard_held_them_up():
    wire = HELLO + beat(1, 200) + beat(2, 400) + 'alice > s "HEARTBEAT-ACK 1\\nHEARTBEAT-ACK 2\\n" at=901ms\n' + GOODBYE
    assert [] == causes(judged("{heartbeat: alice}", wire, typed(900, "alice", "/quit⏎")))
    run = judged(
        "{heartbeat: alice}",
        wire.replace('"HEARTBEAT-ACK 1', '"MSG hi\\nHEARTBEAT-ACK 1'),
        typed(100, "alice", "hi⏎"),
        typed(900, "alice", "/quit⏎"),
    )
    assert {("WL303", "WL254")} == set(causes(run))
    assert (
        "MSG hi was typed at 0.120 s, but alice sent not a single byte before it was told to quit at 0.920 s; then everything "
        "left together at 0.921 s (frame 8): 'MSG hi', 'HEARTBEAT-ACK 1', 'HEARTBEAT-ACK 2'"
    ) == said(run, "WL254")


# --- numbers that were cut


def cut_number(number: str, answer: str, *, rightly: bool = True, soon: bool = True) -> Judgement:
    """Heartbeats 1 to 11 are answered; the next one comes in two pieces, and is answered with another number: when the
    first piece has come, or when it is whole."""
    before = "".join(beat(n, n * 100, n * 100 + 1 if rightly else None) for n in range(1, 12))
    head, tail = number[:1], number[1:]
    pieces = [f's > alice "HEARTBEAT {head}" at=1200ms\n', f's > alice "{tail}\\n" at=1240ms\n']
    answered = f'alice > s "HEARTBEAT-ACK {answer}\\n" at={1201 if soon else 1241}ms\n'
    pieces.insert(1 if soon else 2, answered)
    return judged(
        "{heartbeat: alice}",
        HELLO + before + "".join(pieces) + "alice > s ACK\n",
        exited(2500, "alice"),
    )


def test_a_number_that_was_cut_was_not_counted():
    assert [("WL302", "WL353"), ("WL305", "WL353")] == causes(cut_number("12", "1"))
    assert [("WL302", "WL353"), ("WL305", "WL353")] == causes(cut_number("12", "2", soon=False))


def test_an_answer_that_came_before_its_heartbeat_was_whole_shows_that_one_recv_was_taken_for_it():
    run = judged(
        "{heartbeat: alice}",
        HELLO
        + 's > alice "HEARTBEAT 1" at=100ms\nalice > s "HEARTBEAT-ACK 1\\n" at=101ms\n'
        + 's > alice "\\n" at=140ms\nalice > s ACK\n',
        exited(2500, "alice"),
    )
    assert [("WL302", "WL353"), ("WL304", "WL353")] == causes(run)
    assert (
        "alice answered it with HEARTBEAT-ACK 1 in frame 5 already, before the rest of it came in frame 6. So the result of "
        "one recv() seems to be taken for one heartbeat"
    ) in said(run, "WL353")


def test_who_counts_by_itself_does_so_whether_it_comes_whole_or_not():
    assert [("WL302", "WL355"), ("WL304", "WL355")] == causes(cut_number("12", "40"))
    assert "WL353" not in [code for _, code in causes(cut_number("12", "1", rightly=False))]


# --- the end of Python


def test_the_words_of_python_at_its_end_are_quoted():
    found = cause(CAUSED["WL661"](), "WL661")
    lines = [line for line in SHUTDOWN_REPORT.split("\r\n")[1:] if line]
    assert [("alice", line) for line in lines] == list(found.terminal)
    assert "still had hold of the terminal (sys.stdout)" in found.rationale.in_("en")


def test_a_keyboard_that_a_thread_was_reading_is_told_from_a_terminal():
    run = judged(
        scenario(script=EXITS),
        HELLO + GOODBYE,
        shown(7, "alice", SHUTDOWN_REPORT.replace("<stdout>", "<stdin>").replace("Writer", "Reader")),
        missed(3, 50, status=-6),
        exited(9, "alice", -6),
    )
    assert "still had hold of the keyboard (sys.stdin)" in said(run, "WL661")


UNREAD = StepEnded(at(1300), 3, "impossible", {"why": "keyboard not read"})


def untyped(wire: str, *events: Event) -> list[tuple[str, str]]:
    """What is found, with its cause, where ``news`` could not be typed at the server's keyboard."""
    typing = ("{server: type, text: news}", "{alice: shows, text: 'Broadcast: news'}")
    run = by_server(
        "{broadcast: news, to: [alice]}", wire, *events, UNREAD, missed(4, 2000, run_delay=0.0), script=typing
    )
    return causes(run)


def test_a_keyboard_that_is_not_read_because_of_a_slow_client():
    wire = FULL + 'alice > s "MSG x\\n" at=1500ms\n'
    assert [("WL609", "WL451"), ("WL604", "WL451"), ("WL401", "WL451")] == untyped(wire, typed(100, "server", "more⏎"))


@pytest.mark.parametrize(
    "more",
    [
        "bob > s ACK at=200ms\n",
        's > alice "BROADCAST more\\n" at=150ms\n',
    ],
    ids=["its window opened again", "another got something"],
)
def test_a_keyboard_that_is_not_read_for_another_reason(more: str):
    assert [] == untyped(FULL + more, typed(100, "server", "more⏎"))


def test_a_keyboard_that_never_took_a_line():
    assert [] == untyped(FULL)
