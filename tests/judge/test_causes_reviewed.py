"""Causes that were named against the evidence, or not named with it, when somebody used the kit as a student does."""

from __future__ import annotations

import pytest

from tests.judge.caused import (
    ALICE,
    BOB_HELLO,
    CAUSED,
    CLOSE_WAIT,
    CROWD,
    EXITS,
    JOINING,
    NAMED,
    OPEN,
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
)
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Owned, SourceLine, ThreadSeen

CLOSED = HELLO + "alice > s FIN at=12ms\ns > alice FIN at=13ms\nalice > s ACK\n"
SPINNING = witnessed(2010, "alice", JOINING, thread("receiver", "running", 23), cpu=0.96)
TRACEBACK = "Traceback (most recent call last):"

# --- WL651 behind a join


def test_who_spins_after_its_own_shutdown_spins_and_who_joins_it_is_told() -> None:
    run = quits(CLOSED, called(14, "alice", "recv", 23, thread="receiver", count=4096), SPINNING)
    assert [("WL601", "WL651")] == causes(run)
    assert (
        "receiver had called recv() at client.py:23 4096 times by 0.034 s; MainThread waits in join() at client.py:90 for "
        "receiver, which is running at client.py:23"
    ) in said(run, "WL651")


def test_who_runs_elsewhere_is_joined_and_needs_no_shutdown() -> None:
    run = quits(CLOSED, called(11, "alice", "recv", 23, thread="receiver", count=2), SPINNING)
    assert [("WL601", "WL652")] == causes(run)
    assert "shutdown" not in cause(run, "WL652").hint.in_("en")
    assert "shutdown" in cause(CAUSED["WL652"](), "WL652").hint.in_("en")


def test_a_close_that_is_missing_is_no_matter_of_spinning_once_it_is_out() -> None:
    """The FIN that only came late, when the program was killed, is; WL503 of a side that has sent its own is not."""
    assert "WL651" not in [of for code, of in causes(quits(CLOSE_WAIT, SPINNING))]


# --- timers


def in_library(name: str, *functions: str) -> ThreadSeen:
    stack = tuple(SourceLine("/usr/lib/python3.11/threading.py", 300, function) for function in functions)
    return ThreadSeen(2, name, "waiting", "futex", None, None, stack, None)


OVER = ThreadSeen(
    1,
    "MainThread",
    "waiting",
    "futex",
    None,
    None,
    (SourceLine("/usr/lib/python3.11/threading.py", 1590, "_shutdown"),),
    "Thread-1",
)
PENDING = ("wait", "wait", "run", "_bootstrap_inner", "_bootstrap")


def test_a_timer_that_is_pending_is_called_so() -> None:
    run = quits(CLOSED, witnessed(2010, "alice", OVER, in_library("Thread-1", *PENDING)))
    assert [("WL601", "WL652")] == causes(run)
    assert "which is a threading.Timer that is still pending" in said(run, "WL652")
    assert "threading.py" not in said(run, "WL652")
    assert "cancel()" in cause(run, "WL652").hint.in_("en")
    assert "cancel()" in cause(run, "WL652").hint.in_("zh")


@pytest.mark.parametrize(
    "other",
    [
        in_library("Thread-1", "wait", "get", "run"),
        in_library("Thread-1 (wait)", *PENDING),
        thread("Thread-1", "waiting", 44, library="wait"),
    ],
)
def test_what_waits_for_something_else_is_no_timer(other: ThreadSeen) -> None:
    where = (SourceLine("client.py", 9, "work"),) if other.stack[1].function == "get" else ()
    seen = ThreadSeen(2, other.name, "waiting", "futex", None, None, (*other.stack, *where), None)
    run = quits(CLOSED, witnessed(2010, "alice", OVER, seen))
    assert "Timer" not in " ".join(item.cause.rationale.in_("en") for item in run.findings if item.cause)


# --- processes


def receiving_in(name: str) -> Judgement:
    receiver = thread(name, "receiving", 52, ALICE, SERVER)
    main = thread("MainThread", "child", 50)
    return quits(HELLO, called(11, "alice", "close", 49), witnessed(2010, "alice", main, receiver, sockets=OPEN))


def test_a_process_that_inherited_the_socket_is_called_a_process() -> None:
    told = said(receiving_in("MainThread"), "WL554")
    assert "MainThread called close() at client.py:49" in told
    assert "but another process of the program, which has inherited the socket, still sits in recv()" in told


def test_a_thread_that_receives_is_called_by_its_name() -> None:
    told = said(receiving_in("receiver"), "WL554")
    assert "but receiver still sits in recv() (client.py:52)" in told


# --- WL253


def unsent(sent: str) -> Judgement:
    return judged(
        "{messages: alice, sent: [one, last words]}",
        HELLO + r'alice > s "MSG one\n" at=6ms' + "\n" + sent + "alice > s FIN at=31ms\ns > alice FIN\nalice > s ACK\n",
        typed(5, "alice", "one⏎"),
        typed(19, "alice", "last words⏎"),
        typed(30, "alice", "/quit⏎"),
    )


@pytest.mark.parametrize("some", ["MSG last w\\n", "MSG last w", "l\\x00a\\x00s\\x00t\\x00"])
def test_a_line_of_which_some_was_sent_was_not_unsent(some: str) -> None:
    run = unsent(f'alice > s "{some}" at=20ms\n')
    assert "fail" == run.verdict.value
    assert "WL253" not in [of for _, of in causes(run)]


@pytest.mark.parametrize("else_", ["", 's > alice "HEARTBEAT 1\\n" at=20ms\nalice > s "HEARTBEAT-ACK 1\\n"\n'])
def test_a_line_of_which_nothing_was_sent_was_unsent(else_: str) -> None:
    assert "WL253" in [of for _, of in causes(unsent(else_))]


# --- WL452

CAROL_HELLO = HELLO.replace("alice", "carol")
THREE = "{server: {role: server}, alice: {role: client}, bob: {role: client}, carol: {role: client}}"


def three(*named: str) -> Judgement:
    lines = "".join(f"Connected ('127.0.0.1', {port})\r\n" for port in named)
    return by_server(
        "{broadcast: news, to: [carol]}",
        HELLO + BOB_HELLO + CAROL_HELLO + 'alice > s "MSG x\\n" at=1500ms\n',
        shown(1, "server", "Listening on 127.0.0.1:12001\r\n" + lines),
        typed(100, "server", "news⏎"),
        cast=THREE,
        script=("{start: carol}",),
    )


def test_a_server_that_had_two_at_once_does_not_serve_one_at_a_time() -> None:
    run = three("40001", "40002")
    assert "WL401" in codes(run)
    assert [] == [of for _, of in causes(run) if of == "WL452"]


def test_a_server_that_had_one_of_three_serves_one_at_a_time() -> None:
    assert ("WL401", "WL452") in causes(three("40001"))


def test_a_client_that_was_not_served_is_known_by_the_connection_on_which_it_spoke() -> None:
    """Its other one, opened a moment before the server had time for anybody, says nothing."""
    idle = CAROL_HELLO.replace("SYN\n", "SYN at=1400ms\n", 1)
    run = judged(
        scenario("{broadcast: news, to: [bob]}", tests="server", cast=CROWD, script=(*STARTS, "{start: bob}")),
        HELLO + BOB_HELLO + 'bob > s "MSG y\\n"\n' + idle + 'alice > s "MSG x\\n" at=1500ms\n',
        shown(1, "server", NAMED),
        typed(100, "server", "news⏎"),
        tuple(
            Owned(at(when), name, port)
            for when, name, port in ((1, "alice", 40001), (2, "bob", 40002), (1401, "bob", 40003))
        ),
        owned=False,
    )
    assert ("WL401", "WL452") in causes(run)


# --- WL153


def dies_alone(*before: str) -> Judgement:
    report = f"{TRACEBACK}\r\n  File 'c.py', line 3\r\nConnectionRefusedError: 111\r\n"
    shows = [shown(1 + index, "alice", line) for index, line in enumerate(before)]
    return judged(scenario("{handshake: alice}"), "", *shows, shown(9, "alice", report), exited(12, "alice", 1))


def test_who_said_that_it_was_connected_did_not_crash_before_that() -> None:
    assert "WL153" in [of for _, of in causes(dies_alone())]
    assert "WL153" not in [of for _, of in causes(dies_alone("Connected to 127.0.0.1:12001\r\n"))]


# --- WL251: a program that makes one line of each message has told them apart, whatever it then shows

NEWS = b"BROADCAST " + "明天".encode()
WHOLE = 's > alice "BROADCAST first\\n" at=5ms\n'
CUT = "".join(
    f's > alice b"{escaped}" at={20 * n}ms\n' for n, escaped in enumerate(map("\\x{:02x}".format, NEWS + b"\n"), 2)
)
GLUED = 's > alice "BROADCAST one\\nBROADCAST 明天\\n" at=380ms\n'


@pytest.mark.parametrize(
    ("wire", "lines", "glued"),
    [
        (CUT, {400: "Broadcast: 鏄庡ぉ\r\n"}, False),
        (CUT, {400: "Notice: 明天\r\n"}, False),
        (CUT, {400: "Broadcast: [明天]\r\n"}, False),
        (GLUED, {400: "Broadcast: one\r\nBroadcast: 鏄庡ぉ\r\n"}, False),
        (GLUED, {400: "Broadcast: one\r\nNotice: 明天\r\n"}, False),
        (CUT, {}, True),
        (CUT, {300: "Broadcast: 鏄\r\n"}, True),
        (CUT, {300: "Broadcast: 鏄\r\n", 400: "Broadcast: ぉ\r\n"}, True),
        (CUT, {400: "Broadcast: 明\r\n"}, True),
        (CUT, {400: "Broadcast: \r\n"}, False),  # each piece decoded by itself, what cannot be decoded left out,
        (CUT, {400: "Broadcast: ����\r\n"}, False),  # or replaced
        (CUT, {200: "Broadcast: \r\n"}, True),
        (GLUED, {400: "Broadcast: one\r\n"}, True),
        (GLUED, {400: "Broadcast: oneBROADCAST 明天\r\n"}, True),
    ],
)
def test_who_told_messages_apart_does_not_take_one_recv_for_one_message(
    wire: str, lines: dict[int, str], glued: bool
) -> None:
    run = judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: 明天'}")),
        HELLO + WHOLE + wire,
        shown(6, "alice", "Broadcast: first\r\n"),
        *(shown(time, "alice", line) for time, line in lines.items()),
        missed(2, 2000, run_delay=0.0),
    )
    assert ([("WL604", "WL251")] if glued else []) == causes(run)


@pytest.mark.parametrize(
    ("answered", "blamed"),
    [((1, 2, 3), False), ((2, 3), True), ((3,), True), ((1, 3), True)],
    ids=["all", "the last of two", "what came alone", "the first of two"],
)
def test_who_finds_heartbeats_behind_others_has_another_reason_not_to_show_what_came_with_them(
    answered: tuple[int, ...], blamed: bool
) -> None:
    """No broadcast came alone, so that it is not known whether they are shown at all."""
    acks = "".join(f'alice > s "HEARTBEAT-ACK {one}\\n" +1ms\n' for one in answered if one < 3)
    last = 's > alice "HEARTBEAT 3\\n" at=900ms\nalice > s "HEARTBEAT-ACK 3\\n" at=901ms\n'
    run = judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: news'}")),
        HELLO + 's > alice "HEARTBEAT 1\\nBROADCAST news\\nHEARTBEAT 2\\n" at=99ms\n' + acks + last,
        missed(2, 2000, run_delay=0.0),
    )
    assert ([("WL604", "WL251")] if blamed else []) == causes(run)


def test_of_long_messages_the_beginning_is_quoted() -> None:
    long = "ab" * 1000
    run = judged(
        scenario(script=(*STARTS, f"{{alice: shows, text: 'Broadcast: c{long}'}}")),
        HELLO + f's > alice "BROADCAST {long}\\n" at=5ms\ns > alice "BROADCAST one\\nBROADCAST c{long}\\n" at=380ms\n',
        shown(6, "alice", f"Broadcast: {long}\r\n"),
        missed(2, 2000, run_delay=0.0),
    )
    assert [("WL604", "WL251")] == causes(run)
    assert "ababab… (" in said(run, "WL251")
    assert len(said(run, "WL251")) < 400


ALONE = 's > alice "HEARTBEAT 3\\n" at=900ms\nalice > s "HEARTBEAT-ACK 3\\n" at=901ms\n'


def test_who_finds_heartbeats_first_in_a_segment_may_find_no_others() -> None:
    run = judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: news'}")),
        HELLO + 's > alice "HEARTBEAT 1\\nBROADCAST news\\n" at=99ms\nalice > s "HEARTBEAT-ACK 1\\n" +1ms\n' + ALONE,
        missed(2, 2000, run_delay=0.0),
    )
    assert [("WL604", "WL251")] == causes(run)


def test_who_finds_heartbeats_anywhere_may_find_broadcasts_alone_only() -> None:
    """It looks for HEARTBEAT in what came, and takes what has none for one broadcast."""
    acks = "".join(f'alice > s "HEARTBEAT-ACK {one}\\n" +1ms\n' for one in (1, 2))
    run = judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: news'}")),
        HELLO + WHOLE + 's > alice "HEARTBEAT 1\\nBROADCAST news\\nHEARTBEAT 2\\n" at=99ms\n' + acks + ALONE,
        shown(6, "alice", "Broadcast: first\r\n"),
        missed(2, 2000, run_delay=0.0),
    )
    assert [("WL604", "WL251")] == causes(run)


# --- WL355, WL356


def test_answers_that_bear_the_number_of_the_heartbeat_before_are_not_late() -> None:
    wire = "".join(
        beat(n, 200 * n, None) + f'alice > s "HEARTBEAT-ACK {n - 1}\\n" at={200 * n + 1}ms\n' for n in (1, 2, 3)
    )
    run = judged("{heartbeat: alice}", HELLO + wire, exited(900, "alice"))
    assert {("WL303", "WL355"), ("WL304", "WL355")} == set(causes(run))


def test_a_wrong_number_is_told_where_one_segment_ends_a_heartbeat_and_begins_the_next() -> None:
    wire = r"""
s > alice "HEARTBEAT 1\n" at=100ms
alice > s "HEARTBEAT-ACK 1\n" +1ms
s > alice "HEARTBEAT 2" at=200ms
s > alice "\nHEART" at=220ms
alice > s "HEARTBEAT-ACK 1\n" +1ms
s > alice "BEAT 3\n" at=240ms
alice > s "HEARTBEAT-ACK 1\n" +1ms
"""
    run = judged("{heartbeat: alice}", HELLO + wire, exited(900, "alice"))
    assert [("WL302", "WL355"), ("WL302", "WL355"), ("WL305", "WL355"), ("WL305", "WL355")] == causes(run)
    pairs = next(item.cause.rationale.in_("en") for item in run.findings if item.cause)
    assert "HEARTBEAT 2 → HEARTBEAT-ACK 1, HEARTBEAT 3 → HEARTBEAT-ACK 1" in pairs


def test_answers_that_are_late_are_not_misnumbered() -> None:
    late = {1: None, 2: 1, 3: 2}
    wire = "".join(
        beat(n, 200 * n) + (f'alice > s "HEARTBEAT-ACK {of}\\n" at={200 * n + 50}ms\n' if of else "")
        for n, of in late.items()
    )
    run = judged("{heartbeat: alice}", HELLO + wire, exited(900, "alice"))
    assert "WL303" in codes(run)
    assert "WL355" not in [code for _, code in causes(run)]


@pytest.mark.parametrize(
    ("sent", "blamed"),
    [
        (r"Heartbeat-Ack 1\n", True),
        (r"HEARTBEAT_ACK 1\n", True),
        (r"HEARTBEAT-ACK1\n", True),
        (r"PONG 1\n", False),
        (r"MSG HEARTBEAT-ACK 1\n", False),
    ],
)
def test_an_answer_in_other_letters_is_why_none_came(sent: str, blamed: bool) -> None:
    wire = beat(1, 100) + f'alice > s "{sent}" at=101ms\n'
    run = judged("{heartbeat: alice}", HELLO + wire, exited(900, "alice"))
    assert blamed is (("WL302", "WL356") in causes(run))
    answered = judged("{heartbeat: alice}", HELLO + wire + beat(2, 400, 401), exited(900, "alice"))
    assert ("WL302", "WL356") not in causes(answered), "it knows how an answer is written"


def test_of_several_the_one_with_its_number_is_told() -> None:
    wire = beat(1, 100) + beat(2, 110) + r'alice > s "Heartbeat-Ack 1\nHeartbeat-Ack 2\n" at=120ms' + "\n"
    run = judged("{heartbeat: alice}", HELLO + wire, exited(900, "alice"))
    told = [item.cause.rationale.in_("en") for item in run.findings if item.code == "WL302" and item.cause]
    assert ["'Heartbeat-Ack 1'", "'Heartbeat-Ack 2'"] == [text.split("sent ")[1].split(" (")[0] for text in told]
    assert all(text.endswith("its answer is written HEARTBEAT-ACK <n> and an LF") for text in told)


def test_what_came_long_after_is_no_answer() -> None:
    wire = beat(1, 100) + r'alice > s "Heartbeat-Ack 7\n" at=801ms' + "\n"
    run = judged("{heartbeat: alice}", HELLO + wire, exited(1900, "alice"))
    assert ("WL302", "WL356") not in causes(run)


# --- WL558

DROPS = "s > alice FIN at=700ms\nalice > s FIN at=701ms\ns > alice ACK\n"


def test_a_client_that_was_given_up_and_ended_is_told_why() -> None:
    run = judged(
        scenario("{teardown: alice, first: alice}", script=EXITS),
        HELLO + beat(1, 100) + beat(2, 300) + beat(3, 500) + DROPS,
        impossible(2, "exited"),
        exited(710, "alice", 1),
        played=3,
    )
    assert [("WL608", "WL558")] == causes(run)
    assert "HEARTBEAT 1, HEARTBEAT 2, HEARTBEAT 3 (frames 4, 6, 8) came in a row" in said(run, "WL558")


@pytest.mark.parametrize(
    ("enter", "why"), [(690, [("WL201", None)]), (800, [("WL201", "WL558")]), (None, [("WL201", "WL558")])]
)
def test_a_line_that_was_to_be_typed_after_that_is_missing_for_the_same_reason(
    enter: float | None, why: list[tuple[str, str | None]]
) -> None:
    keys = (typed(100, "alice", "half a li"), *([typed(enter, "alice", "ne⏎")] if enter else []))
    wire = HELLO + beat(1, 100) + beat(2, 300) + beat(3, 500) + DROPS
    run = judged("{messages: alice, sent: [half a line]}", wire, *keys, exited(710, "alice"))
    assert why == [(found.code, found.cause and found.cause.code) for found in run.findings]


@pytest.mark.parametrize("last", [beat(3, 500, 501), ""])
def test_a_server_that_had_its_answer_or_asked_twice_only_gave_nobody_up(last: str) -> None:
    run = judged("{teardown: alice, first: alice}", HELLO + beat(1, 100) + beat(2, 300) + last + DROPS)
    assert "pass" != run.verdict.value
    assert [] == causes(run)


# --- WL351: what holds the answer is the keyboard's reader, whichever thread sends it


def held(*calls: tuple[float, str], enter: float = 900) -> Judgement:
    made = [called(time, "alice", "recv" if call == "recv" else "send", 12, thread="receiver") for time, call in calls]
    wire = HELLO + beat(1, 100) + beat(2, 300) + "alice > s FIN at=1000ms\ns > alice FIN\nalice > s ACK\n"
    return judged("{heartbeat: alice}", wire, typed(enter, "alice", "x⏎"), *made, exited(1500, "alice"))


def test_an_answer_that_a_lock_holds_until_enter_waits_for_the_keyboard() -> None:
    run = held((50, "recv"), (901, "send"))
    assert [("WL302", "WL351")] * 2 == causes(run)
    assert (
        "receiver was in recv() when HEARTBEAT 1 came at 0.120 s (frame 4), but it called send() only at 0.921 s"
        in said(run, "WL351")
    )


@pytest.mark.parametrize(
    "calls",
    [
        [(50, "recv"), (101, "recv"), (301, "recv"), (901, "send")],  # it took them up, and did not answer
        [(50, "recv"), (600, "send")],  # before anybody typed
        [(50, "recv")],
        [(50, "send"), (901, "send")],  # nobody says that it receives
    ],
)
def test_what_enter_did_not_release_was_not_held_by_the_keyboard(calls: list[tuple[float, str]]) -> None:
    assert [] == [of for _, of in causes(held(*calls)) if of == "WL351"]


def test_a_late_answer_that_came_with_the_first_recv_after_enter_is_one_of_the_keyboard() -> None:
    wire = HELLO + beat(1, 100, 910) + "alice > s FIN at=1000ms\ns > alice FIN\nalice > s ACK\n"
    for moment, expected in ((905, [("WL303", "WL351")]), (50, [])):
        calls = called(moment, "alice", "recv", 41), called(909, "alice", "send", 12)
        run = judged("{heartbeat: alice}", wire, typed(900, "alice", "x⏎"), *calls, exited(1500, "alice"))
        assert expected == causes(run)


def test_answers_that_a_lock_held_are_not_of_a_program_that_does_not_look() -> None:
    answers = "".join(f'alice > s "HEARTBEAT-ACK {n}\\n" at={900 + n}ms\n' for n in (1, 2))
    wire = HELLO + beat(1, 100) + beat(2, 300) + answers + "alice > s FIN at=1000ms\ns > alice FIN\nalice > s ACK\n"
    calls = called(50, "alice", "recv", 41, thread="receiver"), called(901, "alice", "send", 12, thread="receiver")
    for made, word in ((calls, "can answer only after Enter"), ((), "looks at the connection only after Enter")):
        run = judged("{heartbeat: alice}", wire, typed(899, "alice", "x⏎"), *made, exited(1500, "alice"))
        assert [("WL303", "WL351")] * 2 == causes(run)
        told = [item.cause.rationale.in_("en") for item in run.findings if item.cause]
        assert all(word in one for one in told)
        assert not made or all("was in recv() when HEARTBEAT 1 came" in one for one in told)


# --- programs that are not Python


def machine(*more: ThreadSeen) -> Judgement:
    idle = [ThreadSeen(number, name, "waiting", "futex") for number, name in enumerate(("java", "java", "GC", "VM"), 1)]
    return quits(HELLO, witnessed(2010, "alice", *idle, *more, sockets=OPEN))


def test_the_idle_threads_of_a_virtual_machine_hide_nothing() -> None:
    receiver = ThreadSeen(9, "receiver", "receiving", "recvfrom", ALICE, SERVER)
    assert ("WL601", "WL654") in causes(machine(receiver))
    assert "the only one that is blocked in anything else is receiver" in said(machine(receiver), "WL654")
    keyboard = ThreadSeen(10, "keys", "keyboard", "read")
    assert "WL601" not in [code for code, _ in causes(machine(receiver, keyboard))]
    assert "WL601" not in [code for code, _ in causes(machine())]


# --- crash reports that are quoted

QUOTED = [
    TRACEBACK,
    '  File "x.py", line 3, in <module>',
    "ValueError: just quoting a crash",
    "panic: I am not a Go program",
    "goroutine 1 [running]:",
    'Exception in thread "main" java.lang.Quote',
]


def test_what_was_typed_and_echoed_is_no_crash() -> None:
    keys = [typed(5 + index, "alice", f"{text}⏎") for index, text in enumerate(QUOTED)]
    echo = [shown(5.1 + index, "alice", f"> {text}\r\n") for index, text in enumerate(QUOTED)]
    assert ("pass", []) == outcome(judged(scenario(), HELLO, *keys, *echo))


def test_what_the_other_side_sent_is_no_crash() -> None:
    texts = [text for text in QUOTED if '"' not in text] + ["thread 'main' panicked at x.rs:3:5:"]
    wire = "".join(f'alice > s "MSG {text}\\n" at={5 + index}ms\n' for index, text in enumerate(texts))
    received = [f"Received from ('127.0.0.1', 40001): {text}\r\n" for text in texts]
    lines = [shown(6 + index, "server", line) for index, line in enumerate(received)]
    assert "WL606" not in codes(judged(scenario(tests="server"), HELLO + wire, *lines))
    assert "WL606" in codes(judged(scenario(tests="server"), HELLO, *lines))


def test_a_crash_of_its_own_is_one_though_something_was_typed() -> None:
    report = f"> {TRACEBACK}\r\n  File 'c.py', line 3\r\nValueError: x\r\n"
    run = judged(scenario(), HELLO, typed(5, "alice", "hello⏎"), shown(6, "alice", report), missed(1, 3))
    assert "WL606" in codes(run)


def test_who_is_killed_while_it_joins_a_thread_that_runs_has_no_cause_of_the_reset() -> None:
    """Words about threads never fill the place of a cause that packets have to show."""
    run = judged(scenario(script=STARTS), HELLO, killed(50, "alice"), SPINNING)
    assert [] == causes(run)
