"""Every code of the registry, produced by the smallest run that shows its fault, with nothing else found in it.

The codes of causes have their runs in ``caused``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.judge.caused import CAUSED
from tests.judge.runs import (
    GOODBYE,
    HELLO,
    PROFILES,
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
from tests.judge.test_check_trace import ANSWERED_LATE, CLOSE, LATE, OPEN, TALK
from tests.judge.test_check_trace import run as traced
from wirelab.base.texts import LANGUAGES
from wirelab.judge import registry_capture
from wirelab.judge.findings import REGISTRY
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Bounded
from wirelab.observe.framing import Framing

TYPES = (*STARTS, "{alice: type, text: hello}")
EXITS = (*STARTS, "{alice: type, text: /quit}", "{alice: exits, status: 0}")
SHOWS = (*STARTS, "{server: shows, text: hello}")
TRACEBACK = 'Enter message to send: Traceback (most recent call last):\r\n  File "c.py", line 1\r\nEOFError\r\n'
CROWD = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
BEATS = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms\nalice > s "HEARTBEAT-ACK 1\\n" at=11ms\n'

MANY = "".join(f"alice > server DATA seq=a{number}\n" for number in range(30))


def by_server(*expect: str, **parts: str) -> Callable[..., Judgement]:
    script = scenario(*expect, tests="server", **parts)
    return lambda wire, *events: judged(script, wire, *events)


BROKEN: dict[str, Callable[[], Judgement]] = {
    "WL101": lambda: judged("{handshake: alice}", ""),
    "WL102": lambda: judged(
        scenario("{handshake: alice}", tests="both"), "alice > s SYN\ns > alice RST,ACK seq=0 ack=1\n"
    ),
    "WL103": lambda: judged("{handshake: alice}", "alice > s SYN\nalice > s SYN at=1000ms\n"),
    "WL104": lambda: judged(scenario(script=STARTS), HELLO, missed(1), shown(5, "alice", "hello?\r\n")),
    "WL201": lambda: judged("{messages: alice, sent: [one, two]}", HELLO + r'alice > s "MSG one\n"'),
    "WL202": lambda: judged("{messages: alice, sent: [one]}", HELLO + r'alice > s "MSG one\nMSG /quit\n"'),
    "WL203": lambda: judged("{messages: alice, sent: [one, two]}", HELLO + r'alice > s "MSG one\nMSG two"'),
    "WL204": lambda: judged("{messages: alice, sent: [one, two]}", HELLO + r'alice > s "MSG two\nMSG one\n"'),
    "WL205": lambda: judged("{messages: alice, sent: [你好]}", HELLO + r'alice > s b"MSG \xc4\xe3\xba\xc3\n"'),
    "WL206": lambda: judged("{messages: alice, sent: [one]}", HELLO + r'alice > s "one\n"'),
    "WL207": lambda: judged(
        scenario(
            cast="{server: {role: server, peer: true}, alice: {role: client}}",
            script=("{start: server}", "{start: alice}", "{server: expects, text: HEARTBEAT-ACK 1}"),
        ),
        HELLO,
        missed(2, run_delay=0.0),
    ),
    "WL208": lambda: judged("{messages: alice, sent: []}", HELLO + f'alice > s "MSG {"x" * 5000}\\n"'),
    "WL209": lambda: judged("{messages: alice, sent: [hello]}", HELLO + r'alice > s "MSG hello \n"'),
    "WL301": lambda: by_server("{heartbeat: alice, at_least: 2}")(BEATS),
    "WL302": lambda: judged(
        "{heartbeat: alice}", HELLO + r's > alice "HEARTBEAT 1\n"' + "\nalice > s ACK", exited(900, "alice")
    ),
    "WL303": lambda: judged(
        "{heartbeat: alice}",
        HELLO + r's > alice "HEARTBEAT 1\n" at=10ms' + "\nalice > s ACK\n" + r'alice > s "HEARTBEAT-ACK 1\n" at=350ms',
    ),
    "WL304": lambda: judged("{heartbeat: alice}", BEATS + r'alice > s "HEARTBEAT-ACK 7\n"'),
    "WL305": lambda: judged("{heartbeat: alice}", BEATS + r'alice > s "HEARTBEAT-ACK 1\n"'),
    "WL306": lambda: by_server("{heartbeat: alice}")(BEATS.replace("BEAT 1", "BEAT 4").replace("ACK 1", "ACK 4")),
    "WL401": lambda: by_server("{broadcast: news, to: [alice]}")(HELLO),
    "WL402": lambda: by_server("{broadcast: news, to: [alice]}")(
        HELLO + r's > alice "BROADCAST news\nBROADCAST news\n"'
    ),
    "WL403": lambda: judged(
        scenario(
            "{broadcast: news, to: [alice], not_to: [bob]}",
            tests="server",
            cast=CROWD,
            script=(*STARTS, "{start: bob}"),
        ),
        HELLO + HELLO.replace("alice", "bob") + r's > alice "BROADCAST news\n"' + "\n" + r's > bob "BROADCAST news\n"',
    ),
    "WL501": lambda: by_server("{teardown: alice, first: alice}")(
        HELLO + "s > alice FIN\nalice > s FIN\ns > alice ACK\n"
    ),
    "WL502": lambda: judged("{teardown: alice}", HELLO + "alice > s RST,ACK\n"),
    "WL503": lambda: judged("{teardown: alice}", HELLO + "s > alice FIN\nalice > s ACK\n"),
    "WL504": lambda: judged("{teardown: alice}", HELLO + GOODBYE, killed(2.5, "alice")),
    "WL505": lambda: judged("{teardown: alice}", HELLO + "s > alice FIN\nalice > s FIN\nalice > s FIN at=300ms"),
    "WL507": lambda: judged("{teardown: alice, style: reset}", HELLO + GOODBYE),
    "WL601": lambda: judged(scenario(script=EXITS), HELLO, missed(3, 2000, run_delay=0.01), killed(2001, "alice")),
    "WL602": lambda: judged(scenario(script=EXITS), HELLO, missed(3, 50, status=1), exited(40, "alice", 1)),
    "WL603": lambda: judged(scenario(script=EXITS), HELLO, missed(3, 50, status=-11), exited(40, "alice", -11)),
    "WL604": lambda: judged(scenario(script=SHOWS), HELLO, missed(2, 2000, exited=False, run_delay=0.0)),
    "WL605": lambda: judged(
        scenario(script=(*STARTS, "{alice: never shows, text: oops}")), HELLO, missed(2), shown(1, "alice", "oops\r\n")
    ),
    "WL606": lambda: judged(scenario(), HELLO, shown(1, "alice", TRACEBACK)),
    "WL607": lambda: judged(scenario(), HELLO, Bounded(at(5), "alice", 1_000_000, "bytes")),
    "WL608": lambda: judged(scenario(script=TYPES), HELLO, impossible(2, "exited"), exited(-1, "alice", 3)),
    "WL609": lambda: judged(scenario(script=TYPES), HELLO, impossible(2, "keyboard not read")),
    "WL610": lambda: judged(scenario(script=(*STARTS, "{cut: alice}")), "", impossible(2, "not connected")),
    "WL611": lambda: judged(scenario(), HELLO + r'alice > s "MSG a\n"', Bounded(at(5), None, 4, "packets")),
    "WL612": lambda: judged(scenario(), HELLO + r'alice > s "MSG a\n"', Bounded(at(5), "server", 4_000_000, "bytes")),
    "WL613": lambda: judged(scenario(), HELLO, Bounded(at(5), "alice", 512, "processes")),
    "WL701": lambda: traced(f"{OPEN}...\n{CLOSE}", HELLO + TALK + "alice > s RST,ACK"),
    "WL702": lambda: traced(LATE, ANSWERED_LATE),
    "WL703": lambda: traced(f'{OPEN}alice > server "MSG hi\\n"\n', HELLO + TALK + 'alice > s "MSG more\\n"'),
    "WL901": lambda: judged(scenario(), HELLO, lost=17),
    "WL902": lambda: judged(scenario(), HELLO + r's > alice "BROADCAST a\n"', Bounded(at(5), None, 4, "packets")),
    "WL903": lambda: judged(scenario(script=EXITS), HELLO, missed(3, 2000, run_delay=1.5), killed(2001, "alice")),
    "WL904": lambda: judged("{handshake: alice}", HELLO, owned=False),
    "WL905": lambda: judged(scenario(script=STARTS), "", missed(0), played=1, unstarted=["alice"]),
    "WL906": lambda: judged(
        scenario("{handshake: alice}", script=STARTS), "", missed(0, run_delay=9.0), played=1, unstarted=["alice"]
    ),
    "WL907": lambda: traced(
        f"{OPEN}...\nany order\n{MANY}end\n...\nalice > server FIN",
        HELLO + "".join(f'alice > s "MSG {number}\\n"\n' for number in range(40)) + "alice > s RST",
    ),
}
FOLLOWED_BY = {"WL906": ["WL903"]}
"""What else such a run must show: where a script ends early, why it did."""


def test_every_code_of_the_registry_has_its_run():
    of_captures = {kind.code for kind in registry_capture.KINDS}  # made without a scenario: see the tests of captures
    assert [code for code, kind in REGISTRY.items() if not kind.cause and code not in of_captures] == sorted(BROKEN)
    assert [code for code, kind in REGISTRY.items() if kind.cause] == list(CAUSED)


@pytest.mark.parametrize("code", BROKEN)
def test_a_run_with_one_fault_gets_its_code_and_no_other(code: str):
    judgement = BROKEN[code]()
    verdict = "inconclusive" if code.startswith("WL9") else "fail"
    assert (verdict, sorted([code, *FOLLOWED_BY.get(code, [])])) == (judgement.verdict.value, sorted(codes(judgement)))


@pytest.mark.parametrize("code", BROKEN)
def test_a_finding_is_said_whole_in_both_languages(code: str):
    for check in BROKEN[code]().checks:
        for language in LANGUAGES:
            assert check.summary.in_(language)
            for finding in check.findings:
                kind = REGISTRY[finding.code]
                for text in (finding.rationale.in_(language), finding.hint.in_(language)):
                    assert text.strip()
                    assert "None" not in text
                    assert not re.search(r"\{\w*\}", text)
                assert (kind.rationale, kind.hint) == (finding.rationale.text, finding.hint.text)


def test_what_a_finding_says():
    finding = BROKEN["WL303"]().findings[0]
    assert ("alice", (4, 6)) == (finding.actor, finding.frames)
    assert finding.rationale.in_("en") == (
        "expected alice to answer HEARTBEAT 1 (frame 4, at 0.030 s) within 0.1 s; "
        "the answer (frame 6) came after 0.340 s"
    )
    assert finding.rationale.in_("zh") == (
        "alice 应在 0.1 秒内应答 HEARTBEAT 1（第 4 帧，0.030 秒）；应答（第 6 帧）在 0.340 秒后才到"
    )


def test_a_crash_report_is_quoted_whole():
    assert [("alice", line) for line in TRACEBACK.split("\r\n")[:3]] == list(BROKEN["WL606"]().findings[0].terminal)


def test_lost_packets_are_counted():
    assert "17" in BROKEN["WL901"]().findings[0].rationale.in_("en")


def test_who_is_blamed():
    assert "server" == BROKEN["WL301"]().findings[0].actor
    assert "server" == BROKEN["WL102"]().findings[0].actor
    assert "alice" == BROKEN["WL502"]().findings[0].actor


def test_a_guess_at_the_encoding_helps():
    finding = BROKEN["WL205"]().findings[0]
    assert "gb18030: MSG 你好" in finding.rationale.in_("en")


LENGTHS = replace(PROFILES["length"], framing=Framing("length-prefix", 300, 2, "little"), encoding="gb18030")


def test_messages_of_another_protocol_are_told_in_its_terms(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PROFILES, "gb", LENGTHS)

    def told(sent: str) -> str:
        judgement = judged(scenario("{messages: alice, sent: []}", protocol="gb"), HELLO + f"alice > s {sent}")
        return "\n".join(each.rationale.in_("en") for each in judgement.findings)

    assert r"not GB18030: b'MSG \xff\xff'" in told(r'b"\x06\x00MSG \xff\xff"')
    read = r"not GB18030: b'MSG \xe6\xb1\x82' (read as utf-8: MSG 求)"
    assert read in told(r'b"\x07\x00MSG \xe6\xb1\x82"')
    too_long = "at most 300 bytes; the one that begins 'MS' takes more: its first 2 bytes, b'MS', are read as a length of 21325"
    assert too_long in told(r'b"MSG hello\n"')


def test_a_signal_without_a_name_is_told_by_its_number():
    judgement = judged(scenario(script=EXITS), HELLO, missed(3, 50, status=-40), exited(40, "alice", -40))
    assert ("fail", ["WL603"]) == outcome(judgement)
    assert "signal 40" in judgement.findings[0].rationale.in_("en")


def test_many_findings_of_one_kind_are_cut_to_three_and_counted():
    judgement = judged("{messages: alice, sent: []}", HELLO + "".join(f'alice > s "MSG {n}\\n"\n' for n in range(9)))
    assert ("fail", ["WL202"] * 3) == outcome(judgement)
    assert [0, 0, 6] == [finding.more for finding in judgement.findings]


def test_a_program_without_a_cpu_is_not_excused_for_a_wrong_exit_status():
    judgement = judged(
        scenario(script=EXITS), HELLO, missed(3, 50, status=1, run_delay=1.9), exited(40, "alice", 1), waited("alice")
    )
    assert ("fail", ["WL602"]) == outcome(judgement)


def test_the_registry_speaks_both_languages():
    for code, kind in REGISTRY.items():
        assert code == kind.code
        for text in (kind.summary, kind.rationale, kind.hint):
            assert text.en
            assert text.zh
            assert text.en != text.zh
        assert "{" not in kind.summary.en + kind.summary.zh + kind.hint.en + kind.hint.zh


def test_typing_does_not_count_as_quitting():
    beats = HELLO + r's > alice "HEARTBEAT 1\n" at=10ms' + "\nalice > s ACK\n"
    for keys in ("about /quit⏎", "/quit"):
        assert ("fail", ["WL302"]) == outcome(
            judged("{heartbeat: alice}", beats, typed(5, "alice", keys), exited(900, "alice"))
        )


@pytest.mark.parametrize(
    ("status", "how"), [(3, "had ended with status 3 at"), (-11, "had been ended by SIGSEGV at"), (0, "status 0")]
)
def test_how_a_program_had_ended_is_told_as_it_was(status: int, how: str) -> None:
    run = judged(scenario(script=TYPES), HELLO, impossible(2, "exited"), exited(-1, "alice", status))
    assert how in next(item for item in run.findings if item.code == "WL608").rationale.in_("en")
