"""What a judgement may not depend on: when a run took place, what else went over the wire, who judges it again, and
how TCP and the capture happened to carry it: segmentation, copies, link types, addresses, order among connections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import LINKS, frames
from tests.judge.runs import (
    HELLO,
    PROFILES,
    STARTS,
    evidence,
    exited,
    killed,
    missed,
    outcome,
    packets,
    profile_of,
    scenario,
    shown,
    typed,
)
from tests.wire import dialogue
from wirelab.base.texts import LANGUAGES
from wirelab.declare.scenario import Scenario
from wirelab.judge.captured import Limits, judge_captured
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Judgement
from wirelab.observe.captures import Capture
from wirelab.observe.conversations import follow, survey
from wirelab.observe.evidence import Evidence
from wirelab.observe.segments import FIN, PSH, RAW_IP, Endpoint, Packet, Segment, decode_all

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


# --- how it was carried


CROWD = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
BOB = ALIVE.replace("alice", "bob").replace("at=200ms", "at=400ms")
OTHER = scenario(
    "{handshake: alice}",
    "{handshake: bob}",
    "{messages: bob, sent: [one, two]}",
    "{heartbeat: bob, at_least: 2}",
    "{broadcast: news, to: [alice, bob]}",
    "{teardown: alice, first: server}",
    "{teardown: bob, first: bob}",
    tests="server",
    cast=CROWD,
    script=(*STARTS, "{start: bob}"),
)
QUITS = scenario("{teardown: alice}", script=(*STARTS, "{alice: type, text: /quit}", "{alice: exits, status: 0}"))
LATE = ALIVE.replace('"HEARTBEAT-ACK 1\\n"', '"HEARTBEAT-ACK 1\\n" at=150ms')
FIRST_GONE = "alice > s FIN lost\nalice > s FIN +207ms seq=49\ns > alice FIN\nalice > s ACK\n"


RUNS: dict[str, Callable[[], tuple[Scenario, Evidence]]] = {
    "passes": lambda: (SCRIPT, run(LINES, "three", kill=False)),
    "reset": lambda: (SCRIPT, run(LINES, "reset", kill=False)),
    "left open": lambda: (SCRIPT, run(LINES, "left open", kill=True)),
    "killed": lambda: (SCRIPT, run(LINES, "open", kill=True)),
    "lost in the tap": lambda: (SCRIPT, run(LINES, "three", kill=False, lost=2)),
    "answers late": lambda: (SCRIPT, evidence(SCRIPT, LATE + ENDS["three"], typed(290, "alice", "/quit⏎"))),
    "wrong number": lambda: (SCRIPT, evidence(SCRIPT, ALIVE.replace("ACK 2", "ACK 1") + ENDS["three"])),
    "no answer": lambda: (SCRIPT, evidence(SCRIPT, ALIVE.replace("HEARTBEAT-ACK 1", "MSG x") + ENDS["three"])),
    "no line end": lambda: (SCRIPT, evidence(SCRIPT, ALIVE.replace("MSG one\\n", "MSG one") + ENDS["three"])),
    "unknown message": lambda: (SCRIPT, evidence(SCRIPT, ALIVE.replace("MSG one", "SAY one") + ENDS["three"])),
    "refused": lambda: (SCRIPT, evidence(SCRIPT, "alice > s SYN\ns > alice RST,ACK seq=0 ack=1\n")),
    "nothing": lambda: (SCRIPT, evidence(SCRIPT, "")),
    "first FIN lost": lambda: (SCRIPT, evidence(SCRIPT, ALIVE + FIRST_GONE, typed(190, "alice", "/quit⏎"))),
    "never exits": lambda: (
        QUITS,
        evidence(QUITS, HELLO, missed(3, 2010, run_delay=0.0), typed(10, "alice", "/quit⏎"), killed(2020, "alice")),
    ),
    "crashes": lambda: (
        QUITS,
        evidence(
            QUITS,
            HELLO + ENDS["three"],
            shown(2, "alice", "Traceback (most recent call last):\r\nEOFError\r\n"),
            exited(9, "alice", 1),
            missed(3, 10, status=1),
        ),
    ),
    "two clients": lambda: (OTHER, evidence(OTHER, ALIVE + BOB + GOODBYES)),
    "two clients, one late": lambda: (OTHER, evidence(OTHER, LATE + BOB + GOODBYES)),
    "two clients, one reset": lambda: (OTHER, evidence(OTHER, ALIVE + BOB + "s > alice RST,ACK\nbob > s RST,ACK\n")),
}
GOODBYES = "s > alice FIN\nalice > s FIN\ns > alice ACK\nbob > s FIN\ns > bob FIN\nbob > s ACK\n"
kinds = st.sampled_from(sorted(RUNS))


@cache
def played(kind: str) -> tuple[Scenario, Evidence, tuple[object, ...]]:
    script, left = RUNS[kind]()
    return script, left, gist(judged_again(script, left))


def gist(judgement: Judgement) -> tuple[object, ...]:
    """What a judgement comes to, without the numbers of frames."""
    return tuple(
        (
            check.name,
            check.actor,
            check.verdict,
            [(one.code, one.actor, one.cause and one.cause.code) for one in check.findings],
        )
        for check in judgement.checks
    )


def segments_of(left: Evidence) -> list[Segment]:
    return list(decode_all(left.packets, left.linktype))


def carried(left: Evidence, segments: Iterable[Segment], linktype: int = RAW_IP) -> Evidence:
    return replace(left, packets=frames(segments, linktype), linktype=linktype)


def cut(segments: Iterable[Segment], draw: Callable[[int], set[int]]) -> list[Segment]:
    """Every payload in pieces, at the same moment; the last piece has the FIN."""
    found = []
    for segment in segments:
        edges = [0, *sorted(draw(segment.length)), segment.length]
        for start, end in pairwise(edges):
            last = end == segment.length
            part = replace(
                segment,
                seq=(segment.seq + start) & 0xFFFFFFFF,
                payload=segment.payload[start:end],
                length=end - start,
                flags=segment.flags if last else segment.flags & ~(FIN | PSH),
            )
            found.append(part)
    return found


def doubled(segments: list[Segment], data: st.DataObject) -> list[Segment]:
    """Some come again, a microsecond after themselves or after a later one."""
    found = list(segments)
    for _ in range(data.draw(st.integers(0, 4)) if found else 0):
        at = data.draw(st.integers(0, len(found) - 1))
        later = data.draw(st.integers(at, len(found) - 1))
        found.insert(later + 1, replace(found[at], time=found[later].time + 1000))
    return found


def moved(segments: Iterable[Segment], hosts: dict[str, str]) -> list[Segment]:
    return [
        replace(
            item, src=Endpoint(hosts[item.src.host], item.src.port), dst=Endpoint(hosts[item.dst.host], item.dst.port)
        )
        for item in segments
    ]


@pytest.mark.parametrize("kind", RUNS)
def test_the_runs_differ(kind: str):
    """Some pass, some fail, some are inconclusive: a property that only ever saw one verdict would say little."""
    script, left, _ = played(kind)
    others = {
        "lost in the tap": "inconclusive",
        "refused": "inconclusive",
        "two clients": "pass",
        "two clients, one late": "pass",
    }
    expected = others | {"passes": "pass", "first FIN lost": "pass"}
    assert expected.get(kind, "fail") == judged_again(script, left).verdict.value


@settings(max_examples=150, deadline=None)
@given(kinds, st.data())
def test_segmentation_does_not_matter(kind: str, data: st.DataObject):
    script, left, expected = played(kind)

    def points(length: int) -> set[int]:
        return data.draw(st.sets(st.integers(1, length - 1), max_size=3)) if length > 1 else set()

    assert expected == gist(judged_again(script, carried(left, cut(segments_of(left), points))))


@settings(max_examples=150, deadline=None)
@given(kinds, st.data())
def test_copies_do_not_matter(kind: str, data: st.DataObject):
    """A frame comes again, at once or after others, as when the network doubles it or its sender repeats it."""
    script, left, expected = played(kind)
    assert expected == gist(judged_again(script, carried(left, doubled(segments_of(left), data))))


@pytest.mark.parametrize("linktype", LINKS)
@pytest.mark.parametrize("kind", RUNS)
def test_link_type_and_address_family_do_not_matter(kind: str, linktype: int):
    script, left, expected = played(kind)
    found = segments_of(left)
    for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        elsewhere = carried(left, moved(found, {"127.0.0.1": host}), linktype)
        assert expected == gist(judged_again(script, elsewhere))


@settings(max_examples=100, deadline=None)
@given(kinds, st.integers(-(10**18), 10**18))
def test_the_origin_of_time_does_not_matter(kind: str, shift: int):
    script, left, expected = played(kind)
    moved_events = tuple(replace(event, time=event.time + shift) for event in left.events)
    moved_packets = tuple(packet._replace(time=packet.time + shift) for packet in left.packets)
    assert expected == gist(judged_again(script, replace(left, events=moved_events, packets=moved_packets)))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([kind for kind in sorted(RUNS) if kind.startswith("two")]), st.randoms(use_true_random=False))
def test_how_frames_of_different_connections_interleave_does_not_matter(kind: str, random):
    """In any order that keeps each connection's own, every frame with the moment it was captured at."""
    script, left, expected = played(kind)
    found = segments_of(left)
    queues = [[item for item in found if port in (item.src.port, item.dst.port)] for port in (40001, 40002)]
    woven = []
    while any(queues):
        queue = random.choice([queue for queue in queues if queue])
        woven.append(queue.pop(0))
    assert expected == gist(judged_again(script, carried(left, woven)))


@settings(max_examples=100, deadline=None)
@given(kinds.filter(lambda kind: kind != "nothing"), st.sampled_from(LINKS), st.integers(0, 10**18), st.data())
def test_a_capture_made_by_hand_is_judged_alike_however_it_was_carried(
    kind: str, linktype: int, shift: int, data: st.DataObject
):
    """All of it at once, by the way that ``wirelab analyze`` goes: pieces, link type, addresses, time, neighbours."""
    found = [item for item in segments_of(played(kind)[1]) if 40001 in (item.src.port, item.dst.port)]

    def points(length: int) -> set[int]:
        return data.draw(st.sets(st.integers(1, length - 1), max_size=2)) if length > 1 else set()

    hosts = {"127.0.0.1": data.draw(st.sampled_from(["127.0.0.1", "::1"]))}
    changed = [replace(item, time=item.time + shift) for item in moved(cut(found, points), hosts)]
    others = moved(dialogue(BOB, endpoints={"bob": Endpoint("127.0.0.1", 40009)}), hosts)
    woven = []
    queues = [changed, others]
    while any(queues):
        woven.append(data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    assert by_hand(frames(found), RAW_IP) == by_hand(frames(woven, linktype), linktype)


@settings(max_examples=100, deadline=None)
@given(kinds.filter(lambda kind: kind != "nothing"), st.data())
def test_copies_in_a_capture_made_by_hand_do_not_matter(kind: str, data: st.DataObject):
    found = [item for item in segments_of(played(kind)[1]) if 40001 in (item.src.port, item.dst.port)]
    before = by_hand(frames(found), RAW_IP)
    assert before == by_hand(frames(doubled(found, data)), RAW_IP)


def by_hand(captured: tuple[Packet, ...], linktype: int) -> tuple[object, ...]:
    """The judgement of alice's connection in a capture without a scenario."""
    capture = Capture(linktype, captured, frames=range(1, len(captured) + 1), total=len(captured))
    (one,) = (item for item in survey(capture, 12001) if item.client.port == 40001)
    return gist(judge_captured("x", follow(capture, one, 12001), PROFILES["line"], Limits()))
