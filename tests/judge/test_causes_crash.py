"""WL663 and WL664: which findings come of an error that ended a thread, or of a time limit, and which do not."""

from __future__ import annotations

import pytest

from tests.judge.caused import (
    BOB_HELLO,
    CAUSED,
    CRASH,
    CROWD,
    JOINING,
    MAIN_IS_OVER,
    OPEN,
    RECEIVER,
    beat,
    called,
    causes,
    quits,
    said,
    thread,
    witnessed,
)
from tests.judge.runs import HELLO, STARTS, exited, judged, killed, missed, scenario, shown, typed
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Event

TRACEBACK = '  File "client.py", line 7\r\nValueError: too many\r\n'
RECEIVER_DIED = "Exception in thread Thread-1 (receive):\r\nTraceback (most recent call last):\r\n" + TRACEBACK
BROADCAST = r's > alice "BROADCAST news\n" at=100ms' + "\nalice > s ACK\n"


def lines_unsent(crash: str, wire: str = "", *events: Event, at: float = 101, second: str = "you") -> Judgement:
    """A line is typed at 100 ms, and one at 200; the server is to show the second one, and both are to be sent."""
    return judged(
        scenario(
            f"{{messages: alice, sent: [hello, '{second}']}}",
            script=(*STARTS, f"{{alice: type, text: '{second}'}}", f"{{server: shows, text: '): {second}'}}"),
        ),
        HELLO + wire,
        typed(100, "alice", "hello⏎"),
        shown(at, "alice", crash),
        typed(200, "alice", f"{second}⏎"),
        missed(3, 2200, run_delay=0.0),
        *events,
        killed(2500, "alice"),
    )


def news_unshown(crash: str, *events: Event, at: float = 101, wire: str = "") -> Judgement:
    """A broadcast comes at 100 ms and is not shown."""
    return judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: news'}")),
        HELLO + BROADCAST + wire,
        shown(at, "alice", crash),
        missed(2, 2100, run_delay=0.0),
        *events,
    )


def test_a_program_that_does_not_end_lost_its_main_thread() -> None:
    run = CAUSED["WL663"]()
    assert [("WL601", "WL663"), ("WL503", "WL663")] == causes(run)
    assert (
        "alice printed the crash report below at 0.025 s: an error that nobody caught ended its main thread; the program "
        "did not end: MainThread has come to its end, and the program waits for receiver (not a daemon thread), which "
        "sits in recv() at client.py:52 on the connection to server"
    ) == said(run, "WL663")


def test_feedback_begins_with_it() -> None:
    from wirelab.judge.findings import deepest

    found = deepest(CAUSED["WL663"]().findings)
    assert found is not None
    assert found.cause is not None
    assert "WL663" == found.cause.code


@pytest.mark.parametrize(
    "head", ['Exception in thread "main" java.lang.Error: x\r\n\tat Client.main(Client.java:9)\r\n']
)
def test_of_a_language_whose_stacks_nobody_sees_the_report_names_the_thread(head: str) -> None:
    threads = (thread("java", "waiting"), thread("java", "receiving", None, *_ports()))
    run = quits(HELLO, shown(5, "alice", head), witnessed(2010, "alice", *threads, sockets=OPEN))
    assert ("WL601", "WL663") in causes(run)
    assert "did not end: other threads go on" in said(run, "WL663")
    other = quits(HELLO, shown(5, "alice", head.replace('"main"', '"Thread-0"')), witnessed(2010, "alice", *threads))
    assert "WL663" not in [code for _, code in causes(other)]


def _ports() -> tuple[int | None, int | None]:
    return RECEIVER.port, RECEIVER.peer


def test_lines_typed_after_it_or_just_before_were_not_sent_because_of_it() -> None:
    run = lines_unsent(CRASH)
    assert [("WL604", "WL663"), ("WL201", "WL663"), ("WL201", "WL663")] == causes(run)
    said_of = [item.cause.rationale.in_("en") for item in run.findings if item.cause]
    assert ["'you', typed at 0.220 s", "'you', typed at 0.220 s", "'hello', typed at 0.120 s"] == sorted(
        (text.split("; ")[1].removesuffix(", was never sent") for text in said_of), reverse=True
    )


@pytest.mark.parametrize(
    ("crash", "wire", "at"),
    [
        (RECEIVER_DIED, "", 101),
        (CRASH, "", 1201),  # long after the last line: it waited for something else until then
        (CRASH, r'alice > s "MSG hello\nMSG you\n" at=300ms', 101),
    ],
    ids=["another thread", "later", "sent"],
)
def test_lines_that_were_not_sent_for_another_reason(crash: str, wire: str, at: float) -> None:
    assert "WL663" not in [code for _, code in causes(lines_unsent(crash, wire, at=at))]


def test_a_line_whose_text_stands_in_an_answer_was_not_sent_by_that() -> None:
    found = causes(lines_unsent(CRASH, beat(1, 300, 301), second="1"))
    assert 2 == found.count(("WL201", "WL663"))


def test_what_came_after_the_receiver_had_ended_was_not_shown() -> None:
    run = news_unshown(RECEIVER_DIED)
    assert [("WL604", "WL663")] == causes(run)
    assert "ended its thread Thread-1 (receive); 'news', which came in frame 4 at 0.120 s, was not shown" in said(
        run, "WL663"
    )


def test_a_program_that_is_gone_shows_nothing() -> None:
    assert [("WL604", "WL663")] == causes(news_unshown(CRASH, exited(110, "alice", 1)))[:1]


@pytest.mark.parametrize(
    ("crash", "at"),
    [(CRASH, 101), (RECEIVER_DIED, 1200)],
    ids=["the main thread, while another may show it", "a second after it came"],
)
def test_what_was_not_shown_for_another_reason(crash: str, at: float) -> None:
    assert [] == causes(news_unshown(crash, at=at))


def test_a_key_that_made_the_error_is_the_cause() -> None:
    keyed = quits(
        HELLO,
        typed(4, "alice", "Ctrl-D"),
        shown(5, "alice", CRASH.replace("TypeError: not bytes", "EOFError")),
        witnessed(2010, "alice", MAIN_IS_OVER, RECEIVER, sockets=OPEN),
    )
    assert ("WL601", "WL657") in causes(keyed)
    assert "WL663" not in [code for _, code in causes(keyed)]


# --- a report that is none of the main thread's end


def test_a_line_that_was_read_before_another_one_was_is_not_unsent_because_of_it() -> None:
    found = lines_unsent(CRASH, at=205)
    told = [item.cause.rationale.in_("en") for item in found.findings if item.cause and item.cause.code == "WL663"]
    assert told
    assert all("'you', typed" in text for text in told)


def test_a_prompt_with_main_in_it_names_no_thread() -> None:
    joins = witnessed(2010, "alice", JOINING, RECEIVER, sockets=OPEN)
    run = quits(HELLO, shown(5, "alice", f"main menu> {CRASH}"), joins)
    assert "WL663" not in [code for _, code in causes(run)]


def test_rust_names_its_threads_too() -> None:
    def quit_after(thread_name: str) -> list[tuple[str, str]]:
        threads = (thread("client", "waiting"), thread("client", "receiving", None, *_ports()))
        crash = f"thread '{thread_name}' panicked at src/main.rs:9:5:\r\nindex out of bounds\r\n"
        return causes(quits(HELLO, shown(5, "alice", crash), witnessed(2010, "alice", *threads, sockets=OPEN)))

    assert ("WL601", "WL663") in quit_after("main")
    assert "WL663" not in [code for _, code in quit_after("receiver")]


def test_a_line_that_another_client_typed_as_well_may_be_theirs() -> None:
    def found(other: str) -> list[str]:
        run = judged(
            scenario(cast=CROWD, script=(*STARTS, "{start: bob}", "{server: shows, text: '): hi'}")),
            HELLO + BOB_HELLO,
            typed(100, "alice", "hi⏎"),
            shown(101, "alice", CRASH),
            typed(110, "bob", f"{other}⏎"),
            missed(3, 2200, run_delay=0.0),
        )
        return [of for code, of in causes(run) if code == "WL604"]

    assert ["WL663"] == found("ho")
    assert "WL663" not in found("hi")


READS_ON = witnessed(2200, "alice", thread("MainThread", "keyboard", 40), RECEIVER, sockets=OPEN)


@pytest.mark.parametrize("events", [(READS_ON,), (called(150, "alice", "send", 40),)], ids=["it reads", "it calls"])
def test_a_main_thread_that_was_seen_to_go_on_had_not_ended(events: tuple[Event, ...]) -> None:
    assert [] == causes(lines_unsent(CRASH, "", *events))
    before = called(90, "alice", "send", 40)
    over = witnessed(2200, "alice", MAIN_IS_OVER, RECEIVER, sockets=OPEN)
    assert ("WL201", "WL663") in causes(lines_unsent(CRASH, "", before, over)), "until then it went on, of course"


def test_who_sent_a_line_that_was_typed_after_it_had_not_ended() -> None:
    run = quits(
        HELLO + r'alice > s "MSG hello\n" at=1500ms',
        shown(5, "alice", CRASH),
        typed(1400, "alice", "hello⏎"),
        witnessed(2010, "alice", MAIN_IS_OVER, RECEIVER, sockets=OPEN),
    )
    assert "WL663" not in [code for _, code in causes(run)]


@pytest.mark.parametrize(
    "before",
    [
        "Exception ignored in thread started by: <function receive at 0x7f>",
        "Process Process-1:",
        "Exception occurred during processing of request from ('127.0.0.1', 5)",
        "Task exception was never retrieved",
        "ERROR:root:it went wrong",
    ],
)
def test_a_report_that_says_before_it_whose_it_is_is_not_the_main_thread_s(before: str) -> None:
    assert "WL663" not in [code for _, code in causes(lines_unsent(f"{before}\r\n{CRASH}"))]
    assert ("WL201", "WL663") in causes(lines_unsent(f"Connected.\r\n{CRASH}"))


def test_what_was_shown_in_other_words_was_shown() -> None:
    run = news_unshown(RECEIVER_DIED, shown(102, "alice", "Got: news\r\n"), at=50)
    assert "WL663" not in [code for _, code in causes(run)]


def test_who_answers_a_later_heartbeat_has_not_lost_its_receiver() -> None:
    assert "WL663" not in [code for _, code in causes(news_unshown(RECEIVER_DIED, wire=beat(1, 200, 201)))]
    assert ("WL604", "WL663") in causes(news_unshown(RECEIVER_DIED, wire=beat(1, 200)))


# --- WL664


def left(
    *events: Event, at: float = 2000, words: str = "lost: timed out", wire: str = "", code: str = "WL201"
) -> list[tuple[str, str]]:
    """The causes where a client leaves in the middle of the silence, with these last words."""
    run = judged(
        "{messages: alice, sent: [hello]}",
        f"{HELLO}{wire}alice > s FIN at={at}ms\ns > alice FIN\nalice > s ACK\n",
        shown(at - 1, "alice", f"{words}\r\n"),
        *events,
        exited(at + 10, "alice", 1),
    )
    return [one for one in causes(run) if one[0] == code]


@pytest.mark.parametrize(
    "words",
    [
        "lost: timed out",
        "TimeoutError",
        "java.net.SocketTimeoutException: Read timed out",
        "recv: Resource temporarily unavailable",
        "错误：接收超时",
    ],
)
def test_who_leaves_in_silence_and_speaks_of_time_took_silence_for_the_end(words: str) -> None:
    assert [("WL201", "WL664")] == left(words=words)


def test_what_it_says_and_for_how_long_there_was_nothing_is_told() -> None:
    assert (
        "had received nothing for 2.0 s when it left by itself (at 2.020 s), and its terminal says 'lost: timed out'"
        in said(CAUSED["WL664"](), "WL664")
    )


@pytest.mark.parametrize(
    ("words", "at", "events", "wire"),
    [
        ("Goodbye", 2000, (), ""),
        ("runtime 2.0", 2000, (), ""),
        ("lost: timed out", 2000, (typed(1900, "alice", "/quit⏎"),), ""),
        ("lost: timed out", 350, (), ""),
        ("lost: timed out", 2000, (), r's > alice "HEARTBEAT 1\n" at=1900ms' + "\nalice > s ACK\n"),
        ("lost: timed out", 2000, (), "s > alice FIN at=1000ms\nalice > s ACK\n"),
    ],
    ids=["other words", "a part of a word", "it was asked to", "at once", "something came", "the server had left"],
)
def test_who_left_for_another_reason(words: str, at: float, events: tuple[Event, ...], wire: str) -> None:
    assert "WL664" not in [code for _, code in left(*events, words=words, at=at, wire=wire)]
