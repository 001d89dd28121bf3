"""Plays labs with a submission, in a process of its own, and prints what came of it as JSON.

    playing.py starter LAB     a lab's shown scenarios with its starter
    playing.py reference       every scenario of every lab, once, with the reference

A run forks, so this is started by tests, never called in their process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wirelab.compose import kit, labs
from wirelab.compose.programs import castings
from wirelab.compose.side_by_side import Planned, at_once, play_all
from wirelab.compose.submissions import find_programs
from wirelab.judge.points import score
from wirelab.judge.verdict import Judgement


def play(names: Sequence[str], folder: Path, *, hidden: bool, jobs: int) -> dict[str, Any]:
    """Verdict, codes and causes of each scenario, and the points of each item of each lab's rubric."""
    loaded = {name: labs.load(kit.labs_root() / name, hidden=hidden) for name in names}
    scenarios = {scenario: one for lab in loaded.values() for scenario, one in lab.scenarios.items()}
    roles = sorted({role for lab in loaded.values() for role in lab.lab.hands_in})
    commands = {str(role): command for role, command in find_programs(folder, roles).commands.items()}
    planned = [
        Planned(one.scenario, one.profile, one.source, castings(one.scenario, commands, folder))
        for one in scenarios.values()
    ]
    judged: dict[str, Judgement] = {}
    for played in play_all(planned, jobs=jobs):
        judged[list(scenarios)[played.index]] = played.judgement
    return {
        "scenarios": {name: _told(judged[name]) for name in scenarios},
        "points": {name: [one.points for one in score(lab.lab.rubric, judged)] for name, lab in loaded.items()},
    }


def _told(judgement: Judgement) -> dict[str, Any]:
    return {
        "verdict": judgement.verdict.value,
        "codes": sorted({finding.code for finding in judgement.findings}),
        "causes": sorted({finding.cause.code for finding in judgement.findings if finding.cause is not None}),
    }


if __name__ == "__main__":
    if sys.argv[1] == "starter":
        # Starters mostly wait for what never comes: twice as many at once take half the time.
        outcome = play(sys.argv[2:], kit.labs_root() / sys.argv[2] / labs.STARTER, hidden=False, jobs=2 * at_once())
    else:
        outcome = play(labs.names(), kit.reference_program("client").parent, hidden=True, jobs=at_once())
    print(json.dumps(outcome))
