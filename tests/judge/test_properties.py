"""What a judgement may not depend on: when a run took place, what else went over the wire, and who judges it again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judge.runs import HELLO, evidence, killed, outcome, packets, profile_of, scenario, typed
from tests.wire import dialogue
from wirelab.base.texts import LANGUAGES
from wirelab.declare.scenario import Scenario
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Evidence
from wirelab.observe.segments import Endpoint, Packet

SCRIPT = scenario(
    "{handshake: alice}",
    "{messages: alice, sent: [one, two]}",
    "{heartbeat: alice, at_least: 2}",
    "{broadcast: news, to: [alice]}",
    "{teardown: alice, first: alice}",
)
ALIVE = (
    HELLO
    + r"""
    s > alice "HEARTBEAT 1\nBROADCAST news\n"
    alice > s "MSG one\n"
    alice > s "HEARTBEAT-ACK 1\n"
    s > alice "HEARTBEAT 2\n"              at=200ms
    alice > s "MSG two\nHEARTBEAT-ACK 2\n"
"""
)
ENDS = {
    "three": "alice > s FIN\ns > alice FIN\nalice > s ACK\n",
    "reset": "alice > s RST,ACK\n",
    "open": "",
    "left open": "s > alice FIN\nalice > s ACK\n",
}
LINES = [line for line in ALIVE.splitlines() if line.strip()]


def run(lines: list[str], end: str, *, kill: bool, lost: int = 0) -> Evidence:
    wire = "\n".join(lines) + "\n" + ENDS[end]
    events = (typed(190, "alice", "/quit⏎"), *(killed(900, "alice") if kill else ()))
    return evidence(SCRIPT, wire, *events, lost=lost)


runs = st.builds(
    run,
    st.lists(st.sampled_from(LINES[3:]), max_size=8).map(lambda lines: LINES[:3] + lines),
    st.sampled_from(sorted(ENDS)),
    kill=st.booleans(),
    lost=st.integers(0, 1),
)


def said(judgement: Judgement) -> list[str]:
    """All sentences of a judgement."""
    found = []
    for language in LANGUAGES:
        for check in judgement.checks:
            found.append(check.summary.in_(language))
            found += [text.in_(language) for finding in check.findings for text in (finding.rationale, finding.hint)]
    return found


def judged_again(script: Scenario, left: Evidence) -> Judgement:
    return judge(script, profile_of(script), left)


def test_the_run_that_all_others_vary_passes():
    assert ("pass", []) == outcome(judged_again(SCRIPT, run(LINES, "three", kill=False)))


@settings(max_examples=40, deadline=None)
@given(runs)
def test_judging_is_deterministic_and_every_sentence_can_be_said(left: Evidence):
    first, second = judged_again(SCRIPT, left), judged_again(SCRIPT, left)
    assert first == second
    assert said(first) == said(second)
    assert all(said(first))


@settings(max_examples=40, deadline=None)
@given(runs, st.integers(-(10**18), 10**18))
def test_when_a_run_took_place_does_not_matter(left: Evidence, shift: int):
    moved = replace(
        left,
        events=tuple(replace(event, time=event.time + shift) for event in left.events),
        packets=tuple(packet._replace(time=packet.time + shift) for packet in left.packets),
    )
    before, after = judged_again(SCRIPT, left), judged_again(SCRIPT, moved)
    assert before == after
    assert said(before) == said(after)


@settings(max_examples=40, deadline=None)
@given(runs, st.randoms(use_true_random=False))
def test_connections_to_other_ports_do_not_matter(left: Evidence, random):
    """Frames are numbered differently then, so it is the codes that are compared."""
    places = {"s": Endpoint("127.0.0.1", 8080), "alice": Endpoint("127.0.0.1", 40001)}
    others = list(packets(dialogue(ALIVE + ENDS["reset"], endpoints=places)))
    mine = list(left.packets)
    mixed: list[Packet] = []
    while mine or others:
        source = mine if not others or (mine and random.random() < 0.5) else others
        mixed.append(source.pop(0))
    before, after = judged_again(SCRIPT, left), judged_again(SCRIPT, replace(left, packets=tuple(mixed)))
    assert outcome(before) == outcome(after)
    assert [check.verdict for check in before.checks] == [check.verdict for check in after.checks]


@settings(max_examples=40, deadline=None)
@given(runs)
def test_lost_packets_always_make_a_run_inconclusive(left: Evidence):
    assert "inconclusive" == judged_again(SCRIPT, replace(left, lost=1)).verdict.value


@pytest.mark.parametrize("end", sorted(ENDS))
def test_a_capture_without_a_packet_or_without_events_can_be_judged(end: str):
    left = run(LINES, end, kill=True)
    assert said(judged_again(SCRIPT, replace(left, packets=())))
    assert said(judged_again(SCRIPT, replace(left, events=())))
    assert said(judged_again(SCRIPT, replace(left, events=(), packets=())))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_a_run_that_was_broken_off_anywhere_can_be_judged(packets_kept: int, events_kept: int):
    left = run(LINES, "three", kill=True)
    cut = replace(left, packets=left.packets[:packets_kept], events=left.events[:events_kept])
    assert said(judged_again(SCRIPT, cut))
