"""A stage that is played on step by step, as whoever asks goes along, rather than from a script; and what was seen so far.

Steps are performed by the performers of scripts. Judges nothing.
"""

from __future__ import annotations

import select
from collections.abc import Mapping
from dataclasses import replace

from wirelab.base.clock import now_ns
from wirelab.base.errors import WirelabError
from wirelab.declare import steps
from wirelab.declare.scenario import Scenario, ScriptStep
from wirelab.observe.evidence import Evidence, StepBegan, StepEnded
from wirelab.stage.script import Casting, Outcome, Player
from wirelab.stage.stage import LINKTYPE_ETHERNET, Stage

BETWEEN = 0.01  # seconds between two looks whether something is asked, while everything goes on being watched


class OpenStage(Stage):
    """A stage of which can be told, at any time, what was seen until then."""

    def so_far(self, machine: dict[str, str], *, closed: bool) -> Evidence:
        """All that was seen until now; with ``closed``, what was done last is let come to rest first."""
        if closed:
            self.drain()
        else:
            self._take_rest()
        events = tuple(sorted([*self.recorder.events, *self._observer.read()], key=lambda event: event.time))
        return Evidence(events, tuple(self._packets), LINKTYPE_ETHERNET, self._lost, self.port, machine)

    def until_readable(self, descriptor: int) -> None:
        """Go on watching until a descriptor is readable."""
        while not select.select([descriptor], [], [], 0)[0]:
            self.pump(BETWEEN)


class Improvisation:
    """A script that grows. ``scenario`` is all that was played so far, its cast all that was started."""

    def __init__(self, stage: OpenStage, scenario: Scenario) -> None:
        self._stage = stage
        self._castings: dict[str, Casting] = {}
        self._player = Player(stage, scenario, self._castings)

    @property
    def scenario(self) -> Scenario:
        return self._player.scenario

    @scenario.setter
    def scenario(self, scenario: Scenario) -> None:
        self._player.scenario = scenario

    def play(self, step: ScriptStep, casting: Mapping[str, Casting]) -> Outcome:
        """Play one more step; ``casting`` are the programs that it starts. Raises what starting a program raises, and
        EnvironmentFault where nothing can be done to the wire; it is then as if the step had not been."""
        if isinstance(step.action, steps.Cut | steps.Heal | steps.Drop | steps.Inject):
            self._stage.require_faults()
        if isinstance(step.action, steps.Inject):
            self._stage.faults.prepare()
        recorder, before = self._stage.recorder, self.scenario
        self._castings.update(casting)
        began = StepBegan(now_ns(), step.index, step.written)
        recorder.add(began)
        self.scenario = replace(before, script=(*before.script, step))
        try:
            outcome = self._player.play(step)
        except WirelabError:
            recorder.events.remove(began)
            self.scenario = before
            raise
        recorder.add(StepEnded(now_ns(), step.index, outcome.result, outcome.detail))
        return outcome
