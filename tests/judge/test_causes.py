"""Causes that keys, terminals and packets show; and near misses, in which something is wrong and no cause is sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.judge.caused import (
    BARE,
    BOB_HELLO,
    CAUSED,
    CLOSE_WAIT,
    CROWD,
    EOF_REPORT,
    EXITS,
    NAMED,
    SHUTDOWN_REPORT,
    beat,
    by_server,
    cause,
    causes,
    keeps,
    quits,
    said,
)
from tests.judge.runs import (
    GOODBYE,
    HELLO,
    STARTS,
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
from tests.judge.test_check_trace import run as traced
from wirelab.base.texts import LANGUAGES
from wirelab.judge.causes import RULES, explained
from wirelab.judge.clues import told_of
from wirelab.judge.findings import REGISTRY, finding
from wirelab.judge.findings import cause as caused
from wirelab.judge.verdict import Judgement
from wirelab.judge.view import View
from wirelab.observe.evidence import Bounded, Event, Peered, StepBegan, StepEnded


@pytest.mark.parametrize("code", CAUSED)
def test_every_cause_has_its_run(code: str):
    assert code in [found for _, found in causes(CAUSED[code]())]


@pytest.mark.parametrize("code", CAUSED)
def test_a_cause_is_said_whole_in_both_languages(code: str):
    found = cause(CAUSED[code](), code)
    assert found.cause is None
    for language in LANGUAGES:
        for text in (found.rationale.in_(language), found.hint.in_(language)):
            assert text.strip()
            assert not any(word in text for word in ("None", "{", "}", "Bilingual", "()  "))


def test_every_symptom_that_has_rules_is_one():
    assert [] == [code for code in RULES if code not in REGISTRY or REGISTRY[code].cause]


def test_a_cause_is_no_finding_and_a_finding_no_cause():
    with pytest.raises(ValueError, match="WL352 is a cause"):
        finding("WL352", "alice")
    with pytest.raises(ValueError, match="WL302 is no cause"):
        caused("WL302", "alice")


def test_what_passes_has_no_cause():
    judgement = judged("{heartbeat: alice}", HELLO + beat(1, 100, 101), exited(900, "alice"))
    assert ("pass", []) == (judgement.verdict.value, causes(judgement))


# --- near misses: wrong, but not for this reason

ALONE = HELLO + beat(1, 100, 101)
ANSWERED = HELLO + beat(1, 100, 350) + beat(2, 400, 650)
MALFORMED = r'alice > s "MSG hello" at=10ms' + "\n"

NEAR: dict[str, Callable[[], Judgement]] = {
    "WL356: what came has other words in it": lambda: judged(
        "{heartbeat: alice}",
        HELLO + beat(1, 100) + r'alice > s "PONG 1\n" at=101ms' + "\n",
        exited(1500, "alice"),
    ),
    "WL664: its terminal speaks of something else": lambda: judged(
        "{messages: alice, sent: [hello]}",
        HELLO + "alice > s FIN at=2000ms\ns > alice FIN\nalice > s ACK\n",
        shown(1999, "alice", "lost: closed\r\n"),
        exited(2010, "alice", 1),
    ),
    "WL151: the words stand on another program's terminal": lambda: judged(
        scenario(tests="server", script=STARTS[:1]),
        "",
        missed(0, 50, run_delay=0.0),
        shown(5, "server", "Address: 127.0.0.1\r\n"),
        exited(40, "server", 1),
        unstarted=["alice"],
        played=1,
    ),
    "WL152: the SYN to another port is somebody else's": lambda: judged(
        scenario("{handshake: alice}", tests="both"),
        "bob > x SYN\nx > bob RST,ACK seq=0 ack=1\n",
        exited(9, "alice", 1),
    ),
    "WL153: it crashed after it had connected": lambda: judged(
        scenario(script=EXITS), HELLO, shown(9, "alice", EOF_REPORT.replace("EOF", "Index")), missed(3, 50, status=1)
    ),
    "WL251: the text came alone and was not shown": lambda: judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: news'}")),
        HELLO + r's > alice "BROADCAST first\n" at=5ms' + "\n" + r's > alice "BROADCAST news\n" at=99ms',
        shown(6, "alice", "Broadcast: first\r\n"),
        missed(2, 2000, run_delay=0.0),
    ),
    "WL251: nothing that came alone was shown either": lambda: judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: news'}")),
        HELLO
        + r's > alice "BROADCAST first\n" at=5ms'
        + "\n"
        + r's > alice "BROADCAST more\nBROADCAST news\n" at=99ms',
        missed(2, 2000, run_delay=0.0),
    ),
    "WL252: no line has an end": lambda: judged(
        "{messages: alice, sent: [hello, you]}",
        HELLO
        + MALFORMED
        + 's > alice "HEARTBEAT 1\\n" at=11ms\nalice > s "HEARTBEAT-ACK 1\\n" at=12ms\nalice > s "MSG you" at=30ms\n'
        + 's > alice "HEARTBEAT 2\\n" at=31ms\nalice > s "HEARTBEAT-ACK 2\\n" at=32ms\n',
        typed(9, "alice", "hello⏎"),
        typed(29, "alice", "you⏎"),
    ),
    "WL252: the rest came seconds later": lambda: judged(
        "{messages: alice, sent: [hello]}",
        HELLO
        + MALFORMED
        + 's > alice "HEARTBEAT 1\\n" at=11ms\nalice > s "HEARTBEAT-ACK 1\\n" at=12ms\nalice > s "\\n" at=3000ms\n',
        typed(9, "alice", "hello⏎"),
    ),
    "WL253: the line was typed long before": lambda: judged(
        "{messages: alice, sent: [last]}",
        HELLO + "alice > s FIN at=9021ms\ns > alice FIN\nalice > s ACK\n",
        typed(19, "alice", "last⏎"),
        typed(9020, "alice", "/quit⏎"),
    ),
    "WL253: a line typed after it was sent": lambda: judged(
        "{messages: alice, sent: [one, last]}",
        HELLO + 'alice > s "MSG last\\n" at=20ms\nalice > s FIN at=31ms\ns > alice FIN\nalice > s ACK\n',
        typed(10, "alice", "one⏎"),
        typed(19, "alice", "last⏎"),
        typed(30, "alice", "/quit⏎"),
    ),
    "WL254: it had sent something before": lambda: keeps(
        'alice > s "MSG you\\n" at=1101ms\nalice > s "MSG hello\\n" at=2505ms\n' + GOODBYE
    ),
    "WL254: what was typed came late, but nobody had told it to quit": lambda: keeps(
        'alice > s "MSG hello\\nMSG you\\n" at=2200ms\n' + GOODBYE.replace("FIN", "FIN at=2510ms", 1)
    ),
    "WL254: what was typed never came": lambda: keeps('alice > s "MSG you\\n" at=2505ms\n' + GOODBYE),
    "WL351: all answers are late by the same time": lambda: judged(
        "{heartbeat: alice}", ANSWERED, typed(349, "alice", "x⏎"), typed(649, "alice", "y⏎"), exited(1500, "alice")
    ),
    "WL351: one answer came without Enter": lambda: judged(
        "{heartbeat: alice}",
        HELLO
        + beat(1, 100, 500)
        + beat(2, 600)
        + beat(3, 800)
        + 'alice > s "HEARTBEAT-ACK 2\\nHEARTBEAT-ACK 3\\n" at=951ms\n',
        typed(950, "alice", "x⏎"),
        exited(1500, "alice"),
    ),
    "WL351: an Enter, and the heartbeat was not answered then": lambda: judged(
        "{heartbeat: alice}", HELLO + beat(1, 100) + beat(2, 300), typed(500, "alice", "x⏎"), exited(1500, "alice")
    ),
    "WL352: one that came alone was not answered either": lambda: judged(
        "{heartbeat: alice}",
        ALONE + beat(2, 200) + 's > alice "BROADCAST a\\nHEARTBEAT 3\\n" at=300ms\nalice > s ACK\n',
        exited(1500, "alice"),
    ),
    "WL352: another one in company was answered": lambda: judged(
        "{heartbeat: alice}",
        ALONE
        + 's > alice "BROADCAST a\\nHEARTBEAT 2\\n" at=300ms\nalice > s "HEARTBEAT-ACK 2\\n"\n'
        + 's > alice "BROADCAST b\\nHEARTBEAT 3\\n" at=400ms\nalice > s ACK\n',
        exited(1500, "alice"),
    ),
    "WL352: no heartbeat was ever answered": lambda: judged(
        "{heartbeat: alice}",
        HELLO + 's > alice "BROADCAST a\\nHEARTBEAT 1\\n" at=300ms\nalice > s ACK\n',
        exited(1500, "alice"),
    ),
    "WL353: another one in pieces was answered": lambda: judged(
        "{heartbeat: alice}",
        ALONE
        + 's > alice "HEART" at=200ms\ns > alice "BEAT 2\\n" at=230ms\nalice > s "HEARTBEAT-ACK 2\\n"\n'
        + 's > alice "HEART" at=300ms\ns > alice "BEAT 3\\n" at=330ms\nalice > s ACK\n',
        exited(1500, "alice"),
    ),
    "WL354: it answered after the crash report": lambda: judged(
        "{heartbeat: alice}",
        ALONE + beat(2, 300) + beat(3, 500, 501),
        shown(302, "alice", "Exception in thread x:\r\n  File 'c.py', line 3\r\nValueError: y\r\n"),
        exited(1500, "alice"),
    ),
    "WL354: the crash came long after": lambda: judged(
        "{heartbeat: alice}",
        ALONE + beat(2, 300),
        shown(1302, "alice", "Exception in thread x:\r\n  File 'c.py', line 3\r\nValueError: y\r\n"),
        exited(1500, "alice"),
    ),
    "WL355: two answers, the right one among them": lambda: judged(
        "{heartbeat: alice}",
        ALONE + beat(2, 300, 301) + 'alice > s "HEARTBEAT-ACK 2\\n" at=302ms\n',
        exited(1500, "alice"),
    ),
    "WL451: its window opened again": lambda: by_server(
        "{broadcast: news, to: [alice]}",
        HELLO
        + BOB_HELLO
        + 's > bob len=100 at=50ms\nbob > s ACK win=0 at=51ms\nbob > s ACK at=200ms\nalice > s "MSG x\\n" at=1500ms\n',
        typed(100, "server", "news⏎"),
    ),
    "WL452: the server named both": lambda: by_server(
        "{broadcast: news, to: [bob]}",
        HELLO + BOB_HELLO + 'alice > s "MSG x\\n" at=1500ms\n',
        shown(1, "server", NAMED + "Connected ('127.0.0.1', 40002)\r\n"),
        typed(100, "server", "news⏎"),
    ),
    "WL452: it names nobody": lambda: by_server(
        "{broadcast: news, to: [bob]}",
        HELLO + BOB_HELLO + 'alice > s "MSG x\\n" at=1500ms\n',
        shown(1, "server", "Listening on 127.0.0.1:12001\r\n"),
        typed(100, "server", "news⏎"),
    ),
    "WL453: nobody had left": lambda: by_server(
        "{broadcast: news, to: [alice]}",
        HELLO + BOB_HELLO,
        typed(100, "server", "news⏎"),
        shown(101, "server", "Traceback (most recent call last):\r\n  File 's.py', line 3\r\nTypeError: 32\r\n"),
    ),
    "WL551, WL552: what came last shows nothing when it is read": lambda: judged(
        "{teardown: alice}", ALONE + 's > alice "NEWS x\\n" at=200ms\nalice > s RST,ACK at=310ms\n'
    ),
    "WL551: no message of the kind was ever taken up": lambda: judged(
        "{teardown: alice}", HELLO + beat(1, 100) + "alice > s RST,ACK at=310ms\n"
    ),
    "WL553: the data came before the FIN": lambda: judged(
        "{teardown: alice}",
        HELLO + 's > alice "BROADCAST x\\n" at=10ms\nalice > s FIN at=20ms\ns > alice ACK\nalice > s RST at=30ms\n',
    ),
    "WL555: nobody had told it to end": lambda: judged(
        scenario("{teardown: alice}"), HELLO + "alice > s FIN at=2020.2ms\ns > alice FIN\n", killed(2020, "alice")
    ),
    "WL556: the other's FIN came but a moment before": lambda: quits(
        HELLO + "s > alice FIN at=1990ms\nalice > s ACK at=1991ms\n" + "alice > s FIN at=2020.2ms\ns > alice ACK\n"
    ),
    "WL556: it had been told to quit before": lambda: quits(CLOSE_WAIT + "alice > s FIN at=2020.2ms\ns > alice ACK\n"),
    "WL557: the other side closed": lambda: quits(
        HELLO + "alice > s FIN at=12ms\ns > alice FIN at=13ms\nalice > s ACK\n"
    ),
    "WL558: the server was told to quit": lambda: judged(
        "{teardown: alice, first: alice}",
        HELLO + beat(1, 100) + beat(2, 300) + beat(3, 500) + "s > alice FIN at=700ms\nalice > s FIN\ns > alice ACK\n",
        typed(690, "server", "/quit⏎"),
    ),
    "WL657: another error": lambda: judged(
        scenario(), HELLO + GOODBYE, typed(5, "alice", "Ctrl-D"), shown(6, "alice", EOF_REPORT.replace("EOF", "OS"))
    ),
    "WL658: SIGINT, but no Ctrl-C": lambda: judged(
        scenario(script=EXITS), HELLO, missed(3, 50, status=-2), exited(9, "alice", -2)
    ),
    "WL658: status 130 by itself": lambda: judged(
        scenario(script=EXITS), HELLO, missed(3, 50, status=130), exited(9, "alice", 130)
    ),
    "WL661: another fatal error": lambda: judged(
        scenario(script=EXITS),
        HELLO + GOODBYE,
        shown(7, "alice", SHUTDOWN_REPORT.replace("at interpreter shutdown", "")),
        missed(3, 50, status=-6),
        exited(9, "alice", -6),
    ),
}


@pytest.mark.parametrize("miss", NEAR)
def test_a_near_miss_gets_no_such_cause(miss: str):
    judgement = NEAR[miss]()
    unlikely = miss.partition(":")[0].split(", ")
    assert [] == [code for _, code in causes(judgement) if code in unlikely]


@pytest.mark.parametrize("miss", NEAR)
def test_a_near_miss_is_a_fault_all_the_same(miss: str):
    assert "fail" == NEAR[miss]().verdict.value


def test_every_cause_that_packets_show_has_a_near_miss():
    missed_nearly = {code for miss in NEAR for code in miss.partition(":")[0].split(", ")}
    assert set(BARE) == missed_nearly


# --- what they say


def test_a_heartbeat_in_company_is_told_with_its_frames_and_whom_it_came_with():
    assert (
        "HEARTBEAT 2 reached alice in one segment (frame 7) together with 'BROADCAST a'; what came alone was answered: "
        "HEARTBEAT 1 (4), HEARTBEAT 3 (9). So the result of one recv() seems to be taken for one heartbeat"
    ) == said(CAUSED["WL352"](), "WL352")


def test_a_crash_report_is_quoted_whole_by_the_cause():
    found = cause(CAUSED["WL657"](), "WL657")
    assert [("alice", line) for line in EOF_REPORT.split("\r\n")[:3]] == list(found.terminal)


def test_time_wait_is_named_where_it_holds_the_port():
    run = judged(
        scenario("{teardown: alice, first: server}", tests="server"),
        HELLO + "s > alice FIN at=20ms\nalice > s FIN\ns > alice ACK\n",
        shown(50, "server", "OSError: [Errno 98] Address already in use\r\n"),
        missed(0, 60, run_delay=0.0),
    )
    assert "the server closed the connection of alice first (frame 4)" in said(run, "WL151")


def test_words_for_an_address_in_use_in_other_languages():
    for words in (
        "java.net.BindException: Address already in use (Bind failed)",
        "Error: listen EADDRINUSE: address already in use 127.0.0.1:12001",
        "listen tcp 127.0.0.1:12001: bind: address already in use",
        "bind: 地址已在使用",
        "OSError: [WinError 10048] 通常每个套接字地址(协议/网络地址/端口)只允许使用一次。",
    ):
        run = judged(
            scenario(tests="server", script=STARTS[:1]),
            "",
            missed(0, 50, run_delay=0.0),
            shown(5, "server", f"{words}\r\n"),
            exited(40, "server", 1),
            unstarted=["alice"],
            played=1,
        )
        assert (("server", words),) == cause(run, "WL151").terminal


def test_what_a_peer_waited_for_has_the_cause_of_what_did_not_come():
    run = judged(
        scenario(
            cast="{server: {role: server, peer: true}, alice: {role: client}}",
            script=("{start: server}", "{start: alice}", "{server: expects, text: HEARTBEAT-ACK 2}"),
        ),
        HELLO + beat(1, 100, 101) + 's > alice "BROADCAST a\\nHEARTBEAT 2\\n" at=300ms\nalice > s ACK\n',
        missed(2, 1000, run_delay=0.0),
    )
    assert [("WL207", "WL352")] == causes(run)
    closing = judged(
        scenario(
            cast="{server: {role: server, peer: true}, alice: {role: client}}",
            script=("{start: server}", "{start: alice}", "{server: half-closes}", "{server: expects, end: fin}"),
        ),
        CLOSE_WAIT,
        Peered(at(19), "server", "half-closes"),
        missed(3, 2010, run_delay=0.0),
        killed(2020, "alice"),
    )
    assert [("WL207", "WL556")] == causes(closing)


def test_a_reset_that_a_trace_did_not_expect_has_the_cause_of_a_reset():
    handshake = "alice > server SYN\nserver > alice SYN,ACK\nalice > server ACK"
    run = traced(f"{handshake}\n...\nalice > server FIN", HELLO + beat(1, 100, 101) + "alice > s RST,ACK at=310ms\n")
    assert [("WL701", "WL552")] == causes(run)


def flooded(wire: str, *events: Event, started: float = 6) -> Judgement:
    flood = shown(started, "alice", "Enter message: " * 200)
    return judged(
        scenario(), wire, shown(1, "alice", "Hello.\r\n"), flood, Bounded(at(30), "alice", 3000, "bytes"), *events
    )


def test_a_flood_has_the_cause_with_which_it_began():
    assert [("WL607", "WL657")] == causes(flooded(HELLO, typed(5, "alice", "Ctrl-D")))
    assert "printed 8 characters until then and 3000 after it" in said(
        flooded(HELLO, typed(5, "alice", "Ctrl-D")), "WL657"
    )
    left = HELLO + "s > alice FIN at=5ms\nalice > s ACK\n"
    assert [("WL607", "WL651")] == causes(flooded(left))
    assert [] == causes(flooded(HELLO))
    assert [] == causes(flooded(left, started=3))


def test_a_program_of_the_harness_that_waits_for_the_submissions_fin_tells_whose_fault_it_is():
    script = ("{start: server, until: Listening on}", "{start: alice, until: Connected to}", "{alice: exits}")
    run = judged(
        scenario(tests="server", script=script),
        HELLO + "alice > s FIN at=20ms\ns > alice ACK at=21ms\n",
        missed(2, 2010, run_delay=0.0),
        killed(2020, "alice"),
        killed(2020, "server"),
    )
    assert [("WL601", "WL556")] == causes(run)
    assert "That is server's to do" in said(run, "WL556")


def test_a_line_that_the_server_never_showed_was_never_sent():
    run = judged(
        scenario(script=(*STARTS, "{alice: type, text: last}", "{server: shows, text: '): last'}")),
        HELLO + "alice > s FIN at=21ms\ns > alice FIN\nalice > s ACK\n",
        typed(19, "alice", "last⏎"),
        typed(20, "alice", "/quit⏎"),
        missed(3, 2000, run_delay=0.0),
    )
    assert [("WL604", "WL253")] == causes(run)


def test_unread_bytes_on_one_connection_tell_of_another_that_ended_with_the_same_stroke():
    run = judged(
        scenario(
            "{teardown: alice}",
            "{teardown: bob}",
            tests="server",
            cast=CROWD,
            script=(*STARTS, "{start: bob}"),
        ),
        HELLO
        + BOB_HELLO
        + 'bob > s "MSG one\\n" at=10ms\ns > bob ACK\nbob > s "MSG two\\n" at=50ms\ns > bob ACK\n'
        + 's > alice "HEARTBEAT 1\\n" at=60ms\nalice > s "HEARTBEAT-ACK 1\\n" at=61ms\n'
        + "s > bob RST,ACK at=90ms\ns > alice RST,ACK at=90.1ms\n",
        shown(11, "server", "Received from ('127.0.0.1', 40002): one\r\n"),
    )
    assert [("WL502", "WL551"), ("WL502", "WL551")] == causes(run)
    assert "by 0.070 s it had stopped reading, as its connection to bob shows (frame 9), and frame 12 came" in said(
        run, "WL551"
    )


def test_a_reset_that_the_harness_forged_has_no_cause():
    script = scenario("{teardown: alice}", script=(*STARTS, "{inject: RST, to: server, of: alice}"))
    wire = HELLO + beat(1, 100, 101) + "alice > s RST,ACK at=310ms\n"
    began = evidence(script, wire)
    told = [
        item if not isinstance(item, StepBegan) or item.index != 2 else replace(item, time=at(309))
        for item in began.events
    ]
    told = [
        item if not isinstance(item, StepEnded) or item.index != 2 else replace(item, time=at(311)) for item in told
    ]
    forged = View(script, profile_of(script), replace(began, events=tuple(sorted(told, key=lambda item: item.time))))
    reset = forged.connections[0].teardown.resets[0]
    told_of = finding(
        "WL502", "alice", frames=(reset.segment.frame,), actor="alice", frame=reset.segment.frame, time="0.3"
    )
    assert None is explained(forged, told_of).cause
    real = explained(View(script, profile_of(script), began), told_of).cause
    assert real is not None
    assert "WL552" == real.code


def shows(text: str, *parts: str) -> Judgement:
    """Bob's server is to show a text; alice's messages came as segments of these bytes."""
    wire = HELLO + "".join(f'alice > s "{part}" at={n * 50}ms\n' for n, part in enumerate(parts, 1))
    return judged(
        scenario(tests="server", script=(*STARTS, f"{{server: shows, text: {text!r}}}")),
        wire,
        shown(51, "server", "Received from ('127.0.0.1', 40001): first\r\n"),
        missed(2, 2000, run_delay=0.0),
    )


def test_the_message_that_a_text_is_about_is_told_from_others_that_stand_in_it():
    first = "MSG first\\n"
    assert "'MSG 21'" in said(shows("): 21", first, "MSG 1\\nMSG 21\\n"), "WL251").replace("MSG 21 ", "'MSG 21' ", 1)
    assert [] == causes(shows("): 21", first, "MSG 1\\nMSG x\\n"))
    assert [] == causes(shows("): 21", first, "MSG 1\\nMSG x\\n", "MSG 21\\n"))
    assert "MSG my friend" in said(shows("my: my friend", first, "MSG my\\nMSG my friend\\n"), "WL251")


def test_a_text_is_about_the_longest_words_at_its_end():
    assert "b c" == told_of("a: b c", ["a", "c", "b c", "d"])
    assert "c" == told_of("long words: c", ["long words", "c"])
    assert "你好" == told_of("收到你好", ["你", "好", "你好"])
    assert None is told_of("): 21", ["1", "2", ""])


def test_a_connection_that_was_never_accepted_is_not_reset_by_so_linger():
    run = judged(
        scenario("{teardown: alice}", tests="server"), HELLO + "s > alice RST,ACK at=300ms\n", exited(301, "server")
    )
    assert ("fail", []) == (run.verdict.value, causes(run))
