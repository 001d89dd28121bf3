"""Play one scenario: the straight line from a scenario to evidence."""

from __future__ import annotations

import os
import platform
import random
from collections.abc import Mapping
from dataclasses import replace

from wirelab import __version__
from wirelab.base.errors import EnvironmentFault
from wirelab.declare.scenario import Scenario
from wirelab.observe.evidence import Evidence
from wirelab.observe.messages import Profile
from wirelab.stage.recorder import Listener
from wirelab.stage.sandbox import Sandbox
from wirelab.stage.script import Casting, needs_faults, play_script
from wirelab.stage.stage import Stage
from wirelab.stage.worker import Worker
from wirelab.stage.world import Tier, here

SEEDS = 1 << 32  # a seed is a whole number from 0 up to, not including, this
AMPLIFIED = "amplified"  # where the evidence of a run names its seed, among what it says of the machine


def begin(
    scenario: Scenario,
    profile: Profile,
    castings: Mapping[str, Casting],
    listener: Listener | None = None,
    *,
    observe: bool = True,
    seed: int | None = None,
    sandbox: Sandbox | None = None,
) -> Worker[Evidence]:
    """Begin to play a scenario in a process of its own; ``result()`` of what is returned gives all that was seen.

    ``listener`` is told of everything as it happens, in that process. With ``observe``, submissions in Python tell
    which of their lines called what (docs/observer.md): verdicts are the same without. Where the scenario amplifies
    races, the moments that are waited follow from ``seed``, else from one drawn here; the evidence names it
    (``seed_of``). With a ``sandbox``, submissions run in it. ``result`` raises UsageError (a program that does not exist), EnvironmentFault (what the machine
    refuses, with the remedy), HarnessBug, and KeyboardInterrupt after everything that was started has ended.
    """
    if not scenario.amplify:
        seed = None
    elif seed is None:
        seed = random.SystemRandom().randrange(SEEDS)

    world = here()
    ours = all(one.reference for name, one in castings.items() if scenario.cast[name].role == "server")

    def work(parent: int) -> Evidence:
        with world.held(parent, scenario.port, ours=ours) as port:
            told = listener if listener is None or port == scenario.port else listener.at(port)
            with Stage(profile, port, parent, told, observe=observe, seed=seed, sandbox=sandbox, world=world) as stage:
                play_script(stage, scenario, at_port(port, scenario, castings))
                return stage.finish(machine(world.tier) | ({} if seed is None else {AMPLIFIED: str(seed)}))

    return Worker(work)


def at_port(port: int, scenario: Scenario, castings: Mapping[str, Casting]) -> Mapping[str, Casting]:
    """The same programs, told of the port that this run was given."""
    if port == scenario.port:
        return castings
    moved = {}
    for name, one in castings.items():
        *words, last = one.command
        moved[name] = replace(one, command=(*words, str(port) if last == str(scenario.port) else last))
    return moved


def play(
    scenario: Scenario,
    profile: Profile,
    castings: Mapping[str, Casting],
    listener: Listener | None = None,
    *,
    observe: bool = True,
    seed: int | None = None,
) -> Evidence:
    """Play a scenario from beginning to end; arguments and errors as for ``begin``."""
    playing = begin(scenario, profile, castings, listener, observe=observe, seed=seed)
    evidence = playing.result()
    playing.wait()
    return evidence


def unplayable(scenario: Scenario) -> EnvironmentFault | None:
    """Why this machine can never play a scenario; None when it can, or when that is not known yet."""
    if needs_faults(scenario):
        try:
            here().require_faults()
        except EnvironmentFault as fault:
            return fault
    return None


def seed_of(evidence: Evidence) -> str | None:
    """The seed that the pauses of a run followed from; None where no races were amplified."""
    return evidence.machine.get(AMPLIFIED)


def machine(tier: Tier) -> dict[str, str]:
    """What kind of machine and versions a run was made with, and in which world; no names of hosts or users."""
    return {
        "wirelab": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.2f}",
        "tier": tier,
    }
