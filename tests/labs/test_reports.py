"""Each lab's report: a run of the scenario that it names shows all that it asks, and the right answers get all points."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.edge.command import Command
from wirelab.compose import kit, labs, report, report_source
from wirelab.judge.questions.answers import Free
from wirelab.judge.questions.checking import check

LABS = [name for name in labs.names() if labs.load(labs.found(name), hidden=False).lab.report]


def test_every_lab_has_a_report() -> None:
    assert labs.names() == LABS


@pytest.mark.parametrize("name", LABS)
def test_a_run_of_its_scenario_shows_all_that_is_asked(name: str, tmp_path: Path) -> None:
    lab = labs.load(labs.found(name), hidden=False).lab
    assert lab.report is not None
    assert lab.report.scenario in lab.shown
    role = lab.hands_in[0]
    program = f"{sys.executable} {kit.reference_program(role)}"
    command = Command(tmp_path)
    done = command("run", lab.report.scenario, f"--{role}", program, "-o", "run", "--quiet")
    assert 0 == done.status, done.out + done.err
    puts = report.questions(lab, report_source.of_run(tmp_path / "run"), skip=False)
    for one in puts:
        assert one.asked is not None
        right = {at: field.answer.solution.en for at, field in enumerate(one.asked.fields)}
        result = check(one, {at: text or "words" for at, text in right.items()})
        assert one.points == pytest.approx(result.points + result.open)
        assert bool(result.open) == any(isinstance(field.answer, Free) for field in one.asked.fields)
