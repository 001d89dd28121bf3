"""Plays many runs side by side, each in a process and a network of its own, and tells of each when it is over."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wirelab.compose.play import begin
from wirelab.declare.scenario import Scenario
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.observe.evidence import Evidence
from wirelab.observe.messages import Profile
from wirelab.stage.processes import cpus
from wirelab.stage.script import Casting
from wirelab.stage.worker import Worker

TRIES = 3  # an inconclusive run is repeated twice


@dataclass(frozen=True, slots=True)
class Planned:
    """One run to be played. ``source`` is the profile's text, as run folders keep it."""

    scenario: Scenario
    profile: Profile
    source: str
    castings: Mapping[str, Casting]


@dataclass(frozen=True, slots=True)
class Played:
    """A run that was played: which one of those planned, what was seen, and the judgement; ``tries`` counts from 1."""

    index: int
    evidence: Evidence
    judgement: Judgement
    tries: int


def at_once() -> int:
    """How many runs this machine plays side by side: programs mostly wait, so more than it has processors."""
    return 2 * cpus()


def play_all(planned: Sequence[Planned], *, jobs: int, observe: bool = True) -> Iterator[Played]:
    """Play them all, ``jobs`` at a time, and yield each when it is over, in whatever order that is.

    An inconclusive run is played again, up to TRIES times in all. Raises what ``Worker.result`` raises. When the
    caller stops early, or is interrupted, every run that is under way is ended first.
    """
    waiting = deque((index, 1) for index in range(len(planned)))
    running: dict[int, tuple[Worker[Evidence], int, int]] = {}
    selector = selectors.PollSelector()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                index, tries = waiting.popleft()
                plan = planned[index]
                worker = begin(plan.scenario, plan.profile, plan.castings, observe=observe)
                running[worker.fileno()] = worker, index, tries
                selector.register(worker.fileno(), selectors.EVENT_READ)
            for key, _ in selector.select():
                selector.unregister(key.fd)
                worker, index, tries = running.pop(key.fd)
                evidence = worker.result()
                worker.wait()
                plan = planned[index]
                judgement = judge(plan.scenario, plan.profile, evidence)
                if judgement.verdict is Verdict.INCONCLUSIVE and tries < TRIES:
                    waiting.append((index, tries + 1))
                else:
                    yield Played(index, evidence, judgement, tries)
    finally:
        selector.close()
        for worker, _, _ in running.values():
            worker.stop()
