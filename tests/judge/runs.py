"""Runs made by hand, for judging: a capture written as a dialogue, and what else happened, become evidence.

    judged("{teardown: alice, first: alice}", HELLO + r'''
        alice > s FIN
        s > alice FIN
        alice > s ACK
    ''', typed(2, "alice", "/quit⏎"))

The actors are ``server`` (``s`` in dialogues), ``alice``, ``bob`` and ``carol``; at ``x``, another port, nobody is. All times are milliseconds after the
first segment. Unless told otherwise every program starts before that, every step of the script is done, and every
program that is not ended by somebody else exits with status 0 five milliseconds after the last segment.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from tests.wire import MILLISECOND, SERVER, START, dialogue
from wirelab.declare.protocol import load_profile
from wirelab.declare.scenario import Scenario, parse_scenario
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import (
    Ending,
    Event,
    Evidence,
    Exited,
    Owned,
    Sampled,
    Shown,
    Started,
    StepBegan,
    StepEnded,
    Typed,
)
from wirelab.observe.messages import Profile
from wirelab.observe.segments import RAW_IP, Endpoint, Packet, Segment

PROTOCOLS = Path(__file__).parents[2] / "scenarios" / "protocols"
PROFILES = {path.stem: load_profile(path.read_text("utf-8"), path.name) for path in PROTOCOLS.glob("*.yaml")}
PORTS = {"alice": 40001, "bob": 40002, "carol": 40003}
ENDPOINTS = {"s": SERVER, "x": Endpoint("127.0.0.1", 12010)} | {
    name: Endpoint("127.0.0.1", port) for name, port in PORTS.items()
}
BEFORE = -20  # milliseconds: when programs start

HELLO = r"""
    alice > s SYN
    s > alice SYN,ACK
    alice > s ACK
"""
GOODBYE = r"""
    alice > s FIN
    s > alice FIN
    alice > s ACK
"""
STARTS = ("{start: server, until: Listening on}", "{start: alice, until: Connected to}")


def at(milliseconds: float) -> int:
    return START + round(milliseconds * MILLISECOND)


def typed(milliseconds: float, actor: str, keys: str) -> Event:
    return Typed(at(milliseconds), actor, keys)


def shown(milliseconds: float, actor: str, data: str) -> Event:
    return Shown(at(milliseconds), actor, data)


def killed(milliseconds: float, actor: str) -> tuple[Event, ...]:
    """The harness cleans up."""
    return (
        Ending(at(milliseconds), actor, "harness", "SIGKILL"),
        Exited(at(milliseconds + 0.5), actor, -9, "harness"),
    )


def exited(milliseconds: float, actor: str, status: int | None = 0) -> Event:
    return Exited(at(milliseconds), actor, status, "itself")


def waited(actor: str, *samples: tuple[float, float]) -> tuple[Event, ...]:
    """How many seconds a program had been without a CPU by some moments."""
    return tuple(Sampled(at(moment), actor, delay) for moment, delay in samples)


def scenario(
    *expect: str,
    tests: str = "client",
    protocol: str = "line",
    cast: str = "{server: {role: server}, alice: {role: client}}",
    script: Sequence[str] = STARTS,
) -> Scenario:
    lines = ["scenario: t", "title: {en: T, zh: 题}", f"tests: {tests}", f"protocol: {protocol}", f"cast: {cast}"]
    lines += ["script:", *(f"  - {step}" for step in script)]
    lines += ["expect:", *(f"  - {item}" for item in expect)] if expect else []
    return parse_scenario("\n".join(lines) + "\n", "t.yaml")


def packets(segments: Iterable[Segment]) -> tuple[Packet, ...]:
    """Segments as raw IPv4 packets (checksums left out: captures on loopback have none that are right)."""
    found = []
    for segment in segments:
        src, dst = (IPv4Address(end.host).packed for end in (segment.src, segment.dst))
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(segment.payload), 0, 0, 64, 6, 0, src, dst)
        ports = segment.src.port, segment.dst.port
        rest = struct.pack("!HHIIBBHHH", *ports, segment.seq, segment.ack, 0x50, segment.flags, segment.window, 0, 0)
        data = head + rest + segment.payload
        found.append(Packet(segment.time, data, len(data)))
    return tuple(found)


def steps(script: Scenario, missed: dict[int, StepEnded] | None = None, played: int | None = None) -> list[Event]:
    """Every step done, one a millisecond before the first segment; or as ``missed`` says; or only some ``played``."""
    found: list[Event] = []
    for step in script.script[:played]:
        ended = (missed or {}).get(step.index, StepEnded(at(BEFORE + 1.5 + step.index), step.index, "done"))
        found += [StepBegan(at(BEFORE + 1 + step.index), step.index, step.written), ended]
    return found


def missed(index: int, milliseconds: float = 0, /, **detail: str | int | float | bool | None) -> StepEnded:
    return StepEnded(at(milliseconds), index, "missed", detail)


def impossible(index: int, why: str) -> StepEnded:
    return StepEnded(at(0), index, "impossible", {"why": why})


def evidence(
    script: Scenario,
    wire: str,
    *events: Event | tuple[Event, ...],
    lost: int = 0,
    played: int | None = None,
    owned: bool = True,
    unstarted: Sequence[str] = (),
) -> Evidence:
    """What a run left. Events of type StepEnded replace what a step came to."""
    given = [item for event in events for item in (event if isinstance(event, tuple) else (event,))]
    segments = dialogue(wire, endpoints=ENDPOINTS)
    last = max([segment.time for segment in segments] + [event.time for event in given], default=START)
    outcomes = {event.index: event for event in given if isinstance(event, StepEnded)}
    found: list[Event] = [event for event in given if not isinstance(event, StepEnded)]
    found += steps(script, outcomes, played)
    ended = {event.actor for event in given if isinstance(event, Exited)}
    for name, member in script.cast.items():
        if name in unstarted:
            continue
        found.append(Started(at(BEFORE), name, member.role, script.part(name), (name,)))
        if not member.peer and name not in ended:
            found.append(Exited(last + 5 * MILLISECOND, name, 0, "itself"))
    names = {port: name for name, port in PORTS.items()}
    for segment in segments:
        if owned and segment.syn and not segment.has_ack and segment.src.port in names:
            found.append(Owned(segment.time + 1000, names[segment.src.port], segment.src.port))
    found.sort(key=lambda event: event.time)
    return Evidence(tuple(found), packets(segments), RAW_IP, lost, script.port)


def profile_of(script: Scenario) -> Profile:
    return PROFILES[script.protocol]


def judged(
    expect: str | Scenario,
    wire: str,
    *events: Event | tuple[Event, ...],
    lost: int = 0,
    played: int | None = None,
    owned: bool = True,
    unstarted: Sequence[str] = (),
) -> Judgement:
    """The judgement of a run; ``expect`` is a scenario, or what alone one expects."""
    script = scenario(expect) if isinstance(expect, str) else expect
    left = evidence(script, wire, *events, lost=lost, played=played, owned=owned, unstarted=unstarted)
    return judge(script, profile_of(script), left)


def codes(judgement: Judgement) -> list[str]:
    return [finding.code for finding in judgement.findings]


def outcome(judgement: Judgement) -> tuple[str, list[str]]:
    """The verdict and the codes of all findings: what most tests compare."""
    return judgement.verdict.value, codes(judgement)
