"""A trace in a scenario: told in words when the two part, and never a student's fault when it is not."""

from __future__ import annotations

import re

from tests.judge.runs import GOODBYE, HELLO, STARTS, at, codes, judged, killed, outcome, scenario, waited
from wirelab.judge.verdict import Finding, Judgement
from wirelab.observe.evidence import Event, Sampled, StepEnded, Wire

OPEN = """
    alice > server   SYN      seq=x
    server > alice   SYN,ACK  seq=y    ack=x+1
    alice > server   ACK      seq=x+1  ack=y+1
"""
CLOSE = """
    alice > server   FIN      seq=u
    server > alice   ACK               ack=u+1
    server > alice   FIN      seq=w
    alice > server   ACK      seq=u+1  ack=w+1
"""
TALK = r"""
    alice > s "MSG hi\n"
    s > alice ACK
"""


def traced(text: str) -> str:
    return "trace: |\n" + "\n".join(f"      {line.strip()}" for line in text.splitlines() if line.strip())


def run(trace: str, wire: str, *events: Event | tuple[Event, ...], **parts: str) -> Judgement:
    return judged(scenario(traced(trace), **parts), wire, *events)


def only(judgement: Judgement) -> Finding:
    assert 1 == len(judgement.findings), judgement.findings
    return judgement.findings[0]


def test_agreement_names_numbers_and_variations():
    judgement = run(f"{OPEN}...\n{CLOSE}", HELLO + TALK + GOODBYE)
    check = next(check for check in judgement.checks if check.name == "trace")
    assert ("pass", "alice") == (judgement.verdict.value, check.actor)
    english, chinese = check.summary.in_("en"), check.summary.in_("zh")
    assert "(relative numbers: x = 0, y = 0, u = 8, w = 1)" in english
    assert "an ACK rides on another segment (frame 7)" in english
    assert "ACK 搭在别的报文段上（第 7 帧）" in chinese


def test_a_difference_quotes_the_line_and_names_frame_and_what_differs():
    found = only(run(f"{OPEN}...\n{CLOSE}", HELLO + TALK + "alice > s RST,ACK"))
    said = found.rationale.in_("en")
    assert ("WL701", (6,)) == (found.code, found.frames)
    assert "expected the segment 'alice > server FIN seq=u'; " in said
    assert "frame 6 is 'alice > server RST,ACK seq=8 ack=1', which differs in flags" in said
    assert "(relative numbers: x = 0, y = 0)" in said
    kinds = [row.kind for row in found.beside]
    assert ["same"] * 3 + ["passed"] + ["different"] + ["missing"] * 3 == kinds
    assert "alice > server FIN seq=u" == found.beside[4].expected
    assert "alice > server RST,ACK seq=x+8 ack=y+1" == found.beside[4].seen


def test_numbers_that_agree_are_written_alike_on_both_sides():
    """The client's ACK of the server's FIN is w+1 and y+2: two names for one number."""
    close = CLOSE.replace("ack=w+1", "ack=y+2")
    found = only(run(f"{OPEN}...\n{close}alice > server RST\n", HELLO + TALK + GOODBYE))
    same = [row for row in found.beside if row.kind == "same"]
    assert len(same) > 5
    for row in same:
        numbers = re.findall(r"(?:seq|ack)=\S+", row.expected)
        assert set(numbers) <= set(row.seen.split()), row
    assert "ack=y+2" in same[-1].seen


def test_what_never_came_is_said_so():
    found = only(run(f"{OPEN}...\n{CLOSE}", HELLO + TALK))
    assert "no such segment came" in found.rationale.in_("en")
    assert "没有出现这样的报文段" in found.rationale.in_("zh")


def test_what_only_strict_forbids_is_called_legal():
    found = only(run(f"strict piggyback\n{OPEN}...\n{CLOSE}", HELLO + TALK + GOODBYE))
    assert "It is legal TCP all the same, and only 'strict' forbids it: an ACK rides" in found.rationale.in_("en")


def test_a_segment_too_many_at_the_end():
    trace = f'{OPEN}alice > server "MSG hi\\n"\n'
    found = only(run(trace, HELLO + TALK + 'alice > s "MSG more\\n"'))
    assert ("WL703", (6,)) == (found.code, found.frames)
    assert "'MSG more\\n'" in found.rationale.in_("en")


LATE = f'{OPEN}server > alice "HEARTBEAT 1"\nalice > server "HEARTBEAT-ACK 1" within 100ms\n...\n'
ANSWERED_LATE = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms\nalice > s "HEARTBEAT-ACK 1\\n" at=400ms\n'


def test_too_late_is_said_with_the_time_that_passed():
    found = only(run(LATE, ANSWERED_LATE))
    assert "WL702" == found.code
    assert "it came 390.000 ms after frame 4" in found.rationale.in_("en")


def test_lateness_that_the_machine_explains_is_inconclusive():
    assert ("inconclusive", ["WL903"]) == outcome(run(LATE, ANSWERED_LATE, waited("alice", (5, 0.0), (450, 0.35))))
    assert ["WL702"] == codes(run(LATE, ANSWERED_LATE, waited("alice", (5, 0.0), (450, 0.1))))


def test_a_line_that_came_late_on_a_starved_machine_is_excused_whatever_the_program_used():
    """What its own threads took from each other is no part of the delay that is recorded (``Scheduled.kept``)."""
    samples = ((5, 0.0, 0.0), (20, 0.0, 0.0), (390, 0.35, 0.3), (450, 0.35, 0.3))
    used = tuple(Sampled(at(moment), "alice", delay, burnt) for moment, delay, burnt in samples)
    assert ("inconclusive", ["WL903"]) == outcome(run(LATE, ANSWERED_LATE, used))


def test_what_the_reference_did_is_not_the_students_fault():
    early = run(f"{OPEN}...\n{CLOSE}", HELLO + TALK + "s > alice FIN\nalice > s FIN\ns > alice ACK")
    assert ("inconclusive", ["WL905"]) == outcome(early)
    extra = run(f"{OPEN}{CLOSE}", HELLO + 's > alice "HEARTBEAT 1\\n"' + GOODBYE)
    assert ("inconclusive", ["WL905"]) == outcome(extra)


def test_a_cut_wire_is_not_the_students_fault():
    cut = Wire(1_700_000_000_000_000_000 + 5_500_000, "cut", "all")
    assert ("inconclusive", ["WL905"]) == outcome(run(f"{OPEN}...\n{CLOSE}", HELLO + TALK, cut))


def test_what_killing_brought_about_does_not_count():
    """The harness ends what still runs: that FIN is not the program's, and no line need stand for it."""
    wire = HELLO + TALK + "alice > s FIN at=100ms\ns > alice ACK\n"
    assert "pass" == run(f"{OPEN}...\n", wire, killed(90, "alice")).verdict.value
    found = only(run(f"{OPEN}...\n{CLOSE}", wire, killed(90, "alice")))
    assert "WL701" == found.code
    told = "no such segment came before the programs were ended (what came from frame 6 on, came of that)"
    assert told in found.rationale.in_("en")
    assert "（从第 6 帧起都是结束程序之后的）" in found.rationale.in_("zh")


def test_a_connection_that_began_when_all_was_over_is_none():
    """Nothing of it is the program's doing: what is missing is told, and what came is not too much."""
    late = HELLO.replace("SYN\n", "SYN at=100ms\n", 1) + "alice > s RST"
    found = only(run(f"{OPEN}...\n", late, killed(90, "alice")))
    assert ("WL701", ()) == (found.code, found.frames)
    assert "what came from frame 1 on" in found.rationale.in_("en")
    assert {"missing"} == {row.kind for row in found.beside if row.expected not in ("", "...")}


def test_too_many_ways_to_read_it_is_inconclusive():
    units = "".join(f"alice > server DATA seq=a{number}\n" for number in range(30))
    wire = HELLO + "".join(f'alice > s "MSG {number}\\n"\n' for number in range(40)) + "alice > s RST"
    judgement = run(f"{OPEN}...\nany order\n{units}end\n...\nalice > server FIN", wire)
    assert ("inconclusive", ["WL907"]) == outcome(judgement)


def test_lateness_that_a_lost_segment_explains_is_not_the_students_fault():
    lost = (
        HELLO
        + 's > alice "HEARTBEAT 1\\n" at=10ms lost\ns > alice "HEARTBEAT 1\\n" seq=1 at=215ms\n'
        + 'alice > s "HEARTBEAT-ACK 1\\n" at=216ms\n'
    )
    assert ("inconclusive", ["WL905"]) == outcome(run(LATE, lost))


def test_a_reset_that_the_scenario_forged_is_nobodys_fault():
    script = (*STARTS, "{inject: RST, to: server, of: alice}")
    wire = HELLO + TALK + "alice > s RST at=0ms"
    step = StepEnded(1_700_000_000_000_000_000 + 50_000_000, 2, "done")
    began = scenario(traced(f"{OPEN}...\n{CLOSE}"), script=script)
    assert ("inconclusive", ["WL905"]) == outcome(judged(began, wire, step))
