"""Causes that witnesses show: what each thread was doing, and which line made which call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judge.caused import (
    ALICE,
    BARE,
    CAUSED,
    CLOSE_WAIT,
    CRASH,
    EXITS,
    JOINING,
    MAIN_IS_OVER,
    OPEN,
    RECEIVER,
    SEEN,
    SERVER,
    beat,
    by_server,
    called,
    cause,
    causes,
    quits,
    said,
    thread,
    witnessed,
)
from tests.judge.runs import (
    GOODBYE,
    HELLO,
    at,
    evidence,
    exited,
    judged,
    killed,
    missed,
    profile_of,
    scenario,
    shown,
    typed,
)
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import (
    Called,
    Doing,
    Event,
    Evidence,
    SocketSeen,
    SourceLine,
    ThreadSeen,
    Witnessed,
)

ENDED = "alice > s FIN at=2020.2ms\ns > alice FIN\nalice > s ACK\n"

NEAR: dict[str, Callable[[], Judgement]] = {
    "WL554: the socket is open, and nobody closed it": lambda: quits(
        HELLO, witnessed(2010, "alice", JOINING, RECEIVER, sockets=OPEN)
    ),
    "WL554: closed, and no thread receives there": lambda: quits(
        HELLO, called(11, "alice", "close", 86), witnessed(2010, "alice", thread("MainThread", "sleeping", 90))
    ),
    "WL651: busy before the other side closed": lambda: quits(
        HELLO, witnessed(2010, "alice", thread("client", "running"), sockets=OPEN, cpu=0.98)
    ),
    "WL651: it rests": lambda: quits(
        CLOSE_WAIT, witnessed(2010, "alice", thread("client", "running"), sockets=OPEN, cpu=0.05)
    ),
    "WL651: it called recv() once only": lambda: quits(
        CLOSE_WAIT,
        called(22, "alice", "recv", 20, thread="receiver"),
        witnessed(2010, "alice", thread("MainThread", "running"), sockets=OPEN, cpu=0.98),
    ),
    "WL651: its stack is elsewhere": lambda: quits(
        CLOSE_WAIT, witnessed(2010, "alice", thread("MainThread", "running", 77), sockets=OPEN, cpu=0.98)
    ),
    "WL651: it is not in recv(), but blocked in it": lambda: quits(
        CLOSE_WAIT,
        witnessed(2010, "alice", thread("client", "receiving", None, ALICE, SERVER), sockets=OPEN, cpu=0.98),
    ),
    "WL651: it has not read as far as the FIN": lambda: quits(
        CLOSE_WAIT,
        witnessed(
            2010,
            "alice",
            thread("client", "running"),
            sockets=(SocketSeen(ALICE, SERVER, "CLOSE-WAIT", 1, 0),),
            cpu=0.98,
        ),
    ),
    "WL652: the thread that is joined cannot be told": lambda: quits(
        HELLO, witnessed(2010, "alice", thread("MainThread", "waiting", 90, library="join"), sockets=OPEN)
    ),
    "WL653: the main thread sleeps": lambda: quits(
        HELLO,
        witnessed(2010, "alice", thread("MainThread", "sleeping", 90), thread("keys", "keyboard", 40), sockets=OPEN),
    ),
    "WL654: two other threads could keep it": lambda: quits(
        HELLO,
        witnessed(
            2010,
            "alice",
            thread("MainThread", "waiting", None, library="_shutdown"),
            RECEIVER,
            thread("keys", "keyboard", 40),
            sockets=OPEN,
        ),
    ),
    "WL655: the main thread polls": lambda: quits(
        HELLO, witnessed(2010, "alice", thread("MainThread", "polling", 30), sockets=OPEN)
    ),
    "WL659: it waits for room with a time limit": lambda: quits(
        HELLO, witnessed(2010, "alice", thread("MainThread", "polling", 33, ALICE, SERVER), sockets=OPEN)
    ),
    "WL660: it waits for an event, and was met between two waits": lambda: quits(
        HELLO,
        witnessed(2010, "alice", thread("MainThread", "running", 90, library="wait"), RECEIVER, sockets=OPEN, cpu=0.1),
    ),
    "WL662: it had heeded the word, and reads the keyboard for something else": lambda: quits(
        HELLO,
        called(11, "alice", "shutdown", 50),
        witnessed(2010, "alice", thread("MainThread", "keyboard", 40), sockets=OPEN),
    ),
    "WL662: its own FIN is out": lambda: quits(
        HELLO + "alice > s FIN at=12ms\ns > alice ACK\n",
        witnessed(2010, "alice", thread("MainThread", "keyboard", 40), sockets=OPEN),
    ),
    "WL662: it was seen before it can have read the word": lambda: quits(
        HELLO, witnessed(60, "alice", thread("MainThread", "keyboard", 40), sockets=OPEN)
    ),
    "WL663: its main thread came to its end without an error": lambda: quits(
        HELLO, witnessed(2010, "alice", MAIN_IS_OVER, RECEIVER, sockets=OPEN)
    ),
    "WL663: the error had ended another thread": lambda: quits(
        HELLO,
        shown(5, "alice", f"Exception in thread Thread-1 (send):\r\n{CRASH}"),
        witnessed(2010, "alice", MAIN_IS_OVER, RECEIVER, sockets=OPEN),
    ),
    "WL663: its main thread goes on": lambda: quits(
        HELLO, shown(5, "alice", CRASH), witnessed(2010, "alice", JOINING, RECEIVER, sockets=OPEN)
    ),
    "WL663: the error came after its end": lambda: quits(
        HELLO, witnessed(2010, "alice", MAIN_IS_OVER, RECEIVER, sockets=OPEN), shown(2015, "alice", CRASH)
    ),
    "WL656: not known what a program that is not Python waits for": lambda: quits(
        HELLO, witnessed(2010, "alice", thread("client", "waiting"), sockets=OPEN)
    ),
}


@pytest.mark.parametrize("miss", NEAR)
def test_a_near_miss_gets_no_such_cause(miss: str):
    judgement = NEAR[miss]()
    assert "fail" == judgement.verdict.value
    assert [] == [code for _, code in causes(judgement) if code == miss.partition(":")[0]]


def test_every_cause_that_witnesses_show_has_a_near_miss():
    assert set(SEEN) == {miss.partition(":")[0] for miss in NEAR}


def test_the_sentence_this_kit_exists_to_say():
    run = quits(HELLO + "s > alice RST at=12ms\n", witnessed(2010, "alice", JOINING, RECEIVER, sockets=OPEN))
    assert (
        "your program does not exit: MainThread waits in join() at client.py:90 for receiver, which sits in recv() at "
        "client.py:52 on the connection to server; nothing will ever arrive there"
    ) == said(run, "WL652")


def test_a_thread_in_recv_on_an_open_connection_is_not_said_to_wait_in_vain():
    words = said(CAUSED["WL652"](), "WL652")
    assert "server waits for alice to close first" in words
    assert "nothing will ever arrive" not in words


def test_who_sits_at_the_keyboard_is_told_that_the_other_side_has_left():
    script = scenario(
        script=(
            "{start: server, until: Listening on}",
            "{start: alice, until: Connected to}",
            "{server: type, text: /quit}",
            "{alice: exits}",
        )
    )
    run = judged(
        script,
        CLOSE_WAIT,
        typed(10, "server", "/quit⏎"),
        missed(3, 2010, run_delay=0.0),
        killed(2020, "alice"),
        witnessed(2010, "alice", thread("MainThread", "keyboard", 40), sockets=OPEN),
    )
    assert [("WL601", "WL653")] == causes(run)
    assert "server closed in frame 4 at 0.040 s, but this thread wakes only when somebody types" in said(run, "WL653")


def test_who_has_sent_its_own_fin_is_said_to_wait_for_the_others():
    waits = witnessed(2010, "alice", JOINING, RECEIVER, sockets=(SocketSeen(ALICE, SERVER, "FIN-WAIT-1", 0, 1),))
    run = quits(HELLO + "alice > s FIN at=12ms\n", waits)
    words = said(run, "WL652")
    assert "settimeout() before the last recv()" in cause(run, "WL652").hint.in_("en")
    assert "settimeout()" not in cause(CAUSED["WL652"](), "WL652").hint.in_("en")
    assert "open in both directions" not in words
    assert "its own FIN is out (frame 4, at 0.032 s), but server has not acknowledged it" in words
    assert "it waits for that of server, which has not come" in words
    late = quits(HELLO + "alice > s FIN at=1990ms\ns > alice ACK at=1991ms\n", waits)
    assert "its own FIN is out (frame 4, at 2.010 s); it waits for that of server" in said(late, "WL652")


def test_a_library_around_the_socket_shows_that_recv_is_called():
    frames = (SourceLine("/usr/lib/python3.11/socket.py", 700, "readinto"), SourceLine("client.py", 52, "receive"))
    spinning = replace(thread("receiver", "running"), stack=frames)
    run = quits(CLOSE_WAIT, witnessed(2010, "alice", JOINING, spinning, sockets=OPEN, cpu=0.98))
    assert "receiver is running at client.py:52, and the program uses 98% of a CPU" in said(run, "WL651")


def test_a_program_in_another_language_is_told_by_its_system_calls():
    run = quits(
        HELLO,
        witnessed(
            2010,
            "alice",
            thread("client", "waiting"),
            thread("client-2", "receiving", None, ALICE, SERVER),
            sockets=OPEN,
        ),
    )
    words = said(run, "WL654")
    assert (
        "client waits for a lock or for another thread to end; the only one that is blocked in anything else is client-2"
        in words
    )
    assert "sits in recvfrom() on the connection to server" in words


def test_threads_of_the_same_name_are_told_apart():
    main, receiver = thread("client", "waiting"), thread("client", "receiving", None, ALICE, SERVER)
    words = said(quits(HELLO, witnessed(2010, "alice", main, receiver, sockets=OPEN)), "WL654")
    assert (
        "client (thread 1) waits for a lock or for another thread to end; the only one that is blocked in anything else is client (thread 2)"
        in words
    )


def test_the_only_thread_of_a_python_program_has_its_name():
    words = said(quits(HELLO, witnessed(2010, "alice", thread("python3", "keyboard", 40), sockets=OPEN)), "WL662")
    assert words.endswith("at 2.030 s MainThread reads the keyboard at client.py:40")


def test_a_quit_that_went_out_as_a_message_is_told_with_its_frame():
    run = CAUSED["WL662"]()
    assert "it even sent it as a message (frame 4): at 2.030 s MainThread reads" in said(run, "WL662")
    assert {"WL662"} == {of for _, of in causes(run)}
    prompt = shown(9, "alice", "Connected to\r\n> "), shown(12, "alice", "/quit\r\n> ")
    wire = HELLO + r'alice > s "MSG /quit\n" at=11ms' + "\ns > alice FIN at={}ms\nalice > s FIN\ns > alice ACK\n"
    for moment, events, expected in ((2000, prompt, ["WL662"]), (2000, prompt[:1], []), (500, prompt, [])):
        left = judged("{teardown: alice, first: alice}", wire.format(moment), typed(10, "alice", "/quit⏎"), *events)
        assert expected == [of for code, of in causes(left) if code == "WL501"]
        assert not expected or "had not closed when server did, in frame 5" in said(left, "WL662")
    silent = quits(HELLO, witnessed(2010, "alice", thread("MainThread", "keyboard", 40), sockets=OPEN))
    assert "as a message" not in said(silent, "WL662")


def test_a_closed_socket_that_a_thread_still_uses_is_seen_without_any_call():
    run = quits(HELLO + ENDED, witnessed(2010, "alice", JOINING, RECEIVER))
    assert [("WL601", "WL554"), ("WL504", "WL554")] == causes(run)
    assert said(run, "WL554").startswith(
        "alice has closed its socket, but receiver still sits in recv() (client.py:52)"
    )


def test_waiting_for_the_others_fin_is_told_with_the_thread():
    run = quits(
        HELLO + "alice > s FIN at=12ms\ns > alice ACK at=13ms\n",
        witnessed(2010, "alice", RECEIVER, sockets=(SocketSeen(ALICE, SERVER, "FIN-WAIT-2", 0, 0),)),
    )
    assert ("WL601", "WL557") in causes(run)
    assert said(run, "WL557").endswith(": receiver sits in recv() at client.py:52")


def test_calls_tell_why_a_socket_was_reset():
    wire = HELLO + beat(1, 100, 101) + "alice > s RST,ACK at=310ms\n"
    unread = judged("{teardown: alice}", wire, called(309, "alice", "close", 77, unread=12))
    assert [("WL502", "WL551")] == causes(unread)
    assert "when MainThread called close() at client.py:77, 12 bytes lay unread" in said(unread, "WL551")
    linger = judged("{teardown: alice}", wire, called(309, "alice", "close", 77, unread=12, linger=0))
    assert [("WL502", "WL552")] == causes(linger)
    neither = judged("{teardown: alice}", wire, called(309, "alice", "close", 77, unread=0))
    assert [] == causes(neither)


def test_calls_tell_what_came_after_the_last_one():
    script = scenario("{teardown: alice}", tests="server")
    wire = (
        HELLO
        + 'alice > s "MSG one\\n" at=10ms\ns > alice ACK\nalice > s "MSG two\\n" at=50ms\ns > alice ACK\n'
        + 'alice > s "MSG three\\n" at=80ms\ns > alice ACK\ns > alice RST,ACK at=90ms\n'
    )
    first, second = (
        called(one, "server", "recv", 76, port=SERVER, peer=ALICE, count=n) for n, one in ((1, 9), (2, 11))
    )
    run = judged(script, wire, first, second)
    assert [("WL502", "WL551")] == causes(run)
    assert (
        "MainThread called recv() for the last time at 0.031 s (client.py:76), and what came later, in frame 8"
        in said(run, "WL551")
    )
    third = called(51, "server", "recv", 76, port=SERVER, peer=ALICE, count=3)
    assert [] == causes(judged(script, wire, first, second, third))  # it may have given the last one
    many = called(11, "server", "recv", 76, port=SERVER, peer=ALICE, count=32)
    assert [] == causes(judged(script, wire, first, many))  # others may have followed


def test_calls_tell_that_nothing_is_received_before_enter():
    wire = HELLO + beat(1, 100) + beat(2, 300)
    run = judged(
        "{heartbeat: alice}",
        wire,
        typed(600, "alice", "/quit⏎"),
        called(601, "alice", "recv", 57),
        exited(900, "alice"),
    )
    assert [("WL302", "WL351"), ("WL302", "WL351")] == causes(run)
    assert "did nothing on the connection before 0.621 s, when it called recv() at client.py:57" in said(run, "WL351")
    receiving = judged(
        "{heartbeat: alice}",
        wire,
        typed(600, "alice", "/quit⏎"),
        called(5, "alice", "recv", 57),
        called(601, "alice", "recv", 57, count=2),
        exited(900, "alice"),
    )
    assert [] == causes(receiving)


def keyboard(*calls: Event | tuple[Event, ...]) -> Judgement:
    """Heartbeats at 100 and 300 ms, the second unanswered; "x" and Enter at 600 ms; the end at 900 ms."""
    wire = HELLO + beat(1, 100, 110) + beat(2, 300) + GOODBYE.replace("alice > s FIN", "alice > s FIN at=900ms")
    return judged("{heartbeat: alice}", wire, typed(600, "alice", "x⏎"), *calls, exited(950, "alice"))


def test_who_answers_once_and_then_reads_the_keyboard_is_kept_by_it():
    answered = called(5, "alice", "recv", 57), called(109, "alice", "send", 60)
    run = keyboard(*answered, called(601, "alice", "send", 52))
    assert [("WL302", "WL351")] == causes(run)
    assert "MainThread, the only thread that calls recv(), did nothing on the connection before 0.621 s" in said(
        run, "WL351"
    )
    for calls in (
        (called(111, "alice", "recv", 57, count=2), called(601, "alice", "recv", 57, count=3)),  # in recv() all along
        (called(500, "alice", "send", 52),),  # before anybody typed
        (called(800, "alice", "send", 52),),  # long after
        (called(100, "alice", "recv", 57, count=16), called(601, "alice", "send", 52)),  # others may have followed
        (called(601, "alice", "recv", 57, thread="receiver"),),  # two threads receive
    ):
        assert [] == causes(keyboard(*answered, *calls))


def test_who_never_receives_and_leaves_bytes_unread_is_kept_by_the_keyboard():
    wire = HELLO + beat(1, 100) + "alice > s RST at=603ms\n"
    quits = typed(600, "alice", "/quit⏎"), exited(650, "alice")
    closes = called(602, "alice", "close", 35, unread=12)
    run = judged("{heartbeat: alice}", wire, *quits, closes)
    assert [("WL302", "WL351")] == causes(run)
    assert "alice does not look at the connection while it reads the keyboard" in said(run, "WL351")
    assert "recv() was never called, and 12 bytes lay unread at close()" in said(run, "WL351")
    run = judged("{heartbeat: alice}", wire, *quits, called(602, "alice", "shutdown", 35))
    assert "the RST in frame 6 says that bytes lay unread" in said(run, "WL351")
    # Nothing lay unread: somebody received in a way that is not seen.
    unseen = called(602, "alice", "close", 35, unread=0)
    assert [] == causes(judged("{heartbeat: alice}", HELLO + beat(1, 100) + GOODBYE, *quits, unseen))


def test_the_only_thread_at_the_keyboard_explains_heartbeats_unanswered():
    wire = HELLO + beat(1, 100)
    alone = witnessed(900, "alice", thread("MainThread", "keyboard", 40), why="end")
    assert [("WL302", "WL351")] == causes(judged("{heartbeat: alice}", wire, alone, exited(950, "alice")))
    two = witnessed(900, "alice", thread("MainThread", "keyboard", 40), thread("receiver", "running", 50), why="end")
    assert [] == causes(judged("{heartbeat: alice}", wire, two, exited(950, "alice")))


def test_thousands_of_calls_from_one_line_are_spinning():
    run = quits(CLOSE_WAIT, called(1500, "alice", "recv", 42, thread="receiver", count=65536))
    assert "receiver had called recv() at client.py:42 65536 times by 1.520 s" in said(run, "WL651")


def test_threads_that_sent_at_once_are_named():
    run = judged(
        "{messages: alice, sent: [hello]}",
        HELLO
        + 'alice > s "MSG hello" at=10ms\ns > alice "HEARTBEAT 1\\n" at=11ms\nalice > s "HEARTBEAT-ACK 1\\n" at=12ms\n'
        + 'alice > s "\\n" at=30ms\n',
        typed(9, "alice", "hello⏎"),
        called(9.9, "alice", "send", 30),
        called(11.9, "alice", "send", 55, thread="receiver"),
        called(29.9, "alice", "send", 31),
    )
    assert "these threads sent: MainThread (client.py:30), receiver (client.py:55), MainThread (client.py:31)" in said(
        run, "WL252"
    )


def test_the_line_that_receives_is_named():
    run = judged(
        "{heartbeat: alice}",
        HELLO + beat(1, 100, 101) + 's > alice "BROADCAST a\\nHEARTBEAT 2\\n" at=300ms\nalice > s ACK\n',
        called(3, "alice", "recv", 45),
        exited(1500, "alice"),
    )
    assert said(run, "WL352").endswith("taken for one heartbeat; it calls recv() at client.py:45")


# --- what witnesses say never makes or changes a verdict

MOMENTS = st.integers(min_value=-15, max_value=3000)
PORTS = st.sampled_from([ALICE, SERVER, 0, 40002, 7])
LINES = st.builds(
    SourceLine, st.sampled_from(["client.py", "/usr/lib/python3.11/threading.py"]), st.integers(1, 99), st.just("f")
)
THREADS = st.builds(
    ThreadSeen,
    st.integers(1, 9),
    st.sampled_from(["MainThread", "receiver", "keys"]),
    st.sampled_from(["running", "keyboard", "accepting", "receiving", "sending", "polling", "waiting", "other"]),
    st.sampled_from(["", "recvfrom", "futex"]),
    st.none() | PORTS,
    st.none() | PORTS,
    st.lists(LINES, max_size=3).map(tuple),
    st.none() | st.sampled_from(["MainThread", "receiver", "nobody"]),
)
SOCKETS = st.builds(
    SocketSeen,
    PORTS,
    PORTS,
    st.sampled_from(["ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-2"]),
    st.integers(0, 9),
    st.just(0),
)
WITNESSED = st.builds(
    Witnessed,
    MOMENTS.map(at),
    st.sampled_from(["alice", "server"]),
    st.sampled_from(["missed", "end"]),
    st.floats(0, 1),
    st.lists(THREADS, max_size=3).map(tuple),
    st.lists(SOCKETS, max_size=2).map(tuple),
)
CALLED = st.builds(
    Called,
    MOMENTS.map(at),
    st.sampled_from(["alice", "server"]),
    st.sampled_from(["MainThread", "receiver"]),
    st.sampled_from(["connect", "accept", "send", "recv", "shutdown", "close"]),
    PORTS,
    PORTS,
    LINES,
    st.sampled_from([1, 2, 65536]),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 3),
)
WIRES = st.sampled_from(
    [
        HELLO,
        HELLO + ENDED,
        CLOSE_WAIT,
        HELLO + beat(1, 100, 101) + "alice > s RST,ACK at=310ms\n",
        HELLO + beat(1, 100) + beat(2, 300, 900),
        HELLO + "alice > s FIN at=12ms\ns > alice ACK at=13ms\n",
    ]
)


def _without_causes(judgement: Judgement) -> object:
    return [
        (check.name, check.verdict, check.summary, [replace(item, cause=None) for item in check.findings])
        for check in judgement.checks
    ] + [judgement.verdict]


@settings(deadline=None, max_examples=80)
@given(WIRES, st.lists(WITNESSED | CALLED, max_size=6))
def test_witnesses_change_no_verdict_and_no_finding(wire: str, events: list[Event]):
    script = scenario("{teardown: alice}", "{heartbeat: alice}", script=EXITS)
    late = (typed(10, "alice", "/quit⏎"), missed(3, 2010, run_delay=0.01), killed(2020, "alice"))
    bare = evidence(script, wire, *late)
    told = Evidence(
        tuple(sorted((*bare.events, *events), key=lambda event: event.time)),
        bare.packets,
        bare.linktype,
        bare.lost,
        bare.port,
    )
    # The clock of a run begins with its first event, which stays the same.
    assert bare.events[0] == told.events[0]
    one, two = (judge(script, profile_of(script), item) for item in (bare, told))
    assert _without_causes(one) == _without_causes(two)


def test_no_bare_cause_needs_a_witness():
    assert set(BARE).isdisjoint(SEEN)


def test_a_main_thread_that_waits_for_a_lock_since_a_line_was_typed_explains_the_broadcast_that_is_missing():
    def held(*events: Event | tuple[Event, ...], doing: Doing = "waiting", moment: float = 3000) -> Judgement:
        waits = witnessed(moment, "server", thread("MainThread", doing, 53), thread("serve", "receiving", 26))
        accepted = called(1, "server", "accept", 40, thread="acceptor", port=SERVER, peer=0)
        return by_server(
            "{broadcast: news, to: [alice]}", HELLO, typed(900, "server", "news⏎"), accepted, waits, *events
        )

    run = held()
    assert [("WL401", "WL656")] == [pair for pair in causes(run) if pair[0] == "WL401"]
    assert (
        "server is held up: at 3.020 s MainThread waits for a lock or a condition at server.py:53, and it has done nothing "
        "on any connection since 'news' was typed at 0.920 s"
    ).replace("server.py", "client.py") == said(run, "WL656")
    later = called(950, "server", "send", 55, port=SERVER, peer=ALICE)
    for other in (held(later), held(doing="keyboard"), held(moment=1000)):
        assert [] == [pair for pair in causes(other) if pair[0] == "WL401"]
