"""The labs: what is written can be played, starters fail for the right reasons, the reference gets every point.

And the handouts: both languages tell the same, and their outputs are what runs print.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.labs import render
from wirelab.compose import labs

LABS = render.LABS
NAMES = ("1-messaging", "2-heartbeat", "3-broadcast", "4-locking", "5-teardown", "heartbeat-client")
STARTERS: dict[str, dict[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "starters.toml").read_text(encoding="utf-8")
)
BLOCKS = [block for handout in render.handouts() for block in render.blocks(handout)]
PATIENCE = 300.0  # seconds: the slowest lab waits for programs that do not end, on a machine with much else to do


def played(*words: str) -> dict[str, Any]:
    environment = os.environ | {"PYTHONPATH": str(render.ROOT / "harness"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(Path(__file__).parent / "playing.py"), *words]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    assert "" == done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def test_these_are_the_labs() -> None:
    assert sorted(NAMES) == labs.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_lab_can_be_read_and_is_worth_a_hundred_points(name: str) -> None:
    lab = labs.load(LABS / name, hidden=True).lab
    assert 100 == lab.points
    assert {f"{role}.py" for role in lab.hands_in} == {path.name for path in (LABS / name / "starter").glob("*.py")}


@pytest.mark.parametrize("name", NAMES)
def test_both_handouts_have_the_same_parts(name: str) -> None:
    english, chinese = ((LABS / name / file).read_text(encoding="utf-8") for file in ("handout.md", "handout.zh.md"))
    for part in (r"^#+(?= )", r"^\|", r"^```\w+$", r"<!-- output .*-->", r"^wirelab (?:run|new|explain) .*$"):
        assert re.findall(part, english, re.MULTILINE) == re.findall(part, chinese, re.MULTILINE)
    steps = re.findall(r"^Step (\d+)", english, re.MULTILINE)
    assert [str(number) for number in range(1, len(steps) + 1)] == steps
    assert steps == re.findall(r"^第 (\d+) 步", chinese, re.MULTILINE)
    assert f"wirelab new submission labs/{name} mine" in english
    assert f"wirelab run labs/{name} mine\n" in english


@pytest.mark.parametrize("name", NAMES)
def test_a_handout_names_only_scenarios_that_the_lab_plays(name: str) -> None:
    lab = labs.load(LABS / name, hidden=True)
    told = (LABS / name / "handout.md").read_text(encoding="utf-8")
    topics = {scenario.partition("/")[0] for scenario in lab.scenarios}
    named = set(re.findall(rf"\b(?:{'|'.join(topics)})/[a-z-]+", told))
    assert set() == named - set(lab.scenarios)


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_points_to_steps_of_the_handout(name: str) -> None:
    handout = (LABS / name / "handout.md").read_text(encoding="utf-8")
    steps = set(re.findall(r"^Step (\d+)", handout, re.MULTILINE))
    for program in (LABS / name / "starter").glob("*.py"):
        source = program.read_text(encoding="utf-8")
        named = [
            re.findall(pattern, source) for pattern in (r"[Ss]teps? (\d+)(?: and (\d+))?", r"第 (\d+)(?:、(\d+))? 步")
        ]
        assert named[0] == named[1]
        assert {number for pair in named[0] for number in pair if number} <= steps


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_fails_each_shown_scenario_for_its_own_reason(name: str) -> None:
    outcome = played("starter", name)["scenarios"]
    assert set(STARTERS[name]) == set(outcome)
    assert {scenario: "fail" for scenario in outcome} == {key: told["verdict"] for key, told in outcome.items()}
    unsaid = {
        key: set(codes) - {*outcome[key]["codes"], *outcome[key]["causes"]} for key, codes in STARTERS[name].items()
    }
    assert {key: set() for key in outcome} == unsaid
    shown = [block.shown for block in BLOCKS if block.view == "points" and block.handout.parent.name == name]
    assert {scenario for text in shown for scenario in re.findall(r"[a-z]+/[a-z-]+(?= \()", text)} <= set(outcome)


def test_the_reference_gets_every_point_of_every_lab() -> None:
    outcome = played("reference")
    found = {scenario: told for scenario, told in outcome["scenarios"].items() if told["verdict"] != "pass"}
    assert {} == found
    worth = {name: [item.points for item in labs.load(LABS / name, hidden=True).lab.rubric] for name in NAMES}
    assert worth == outcome["points"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_an_output_is_there_and_tells_nothing_of_the_machine(block: render.Block) -> None:
    assert block.shown.startswith("```text\n")
    assert 3 < len(block.shown.splitlines()) <= render.HEAD + render.TAIL + 6
    assert [] == re.findall(r"(?:/tmp|/root|/home|/usr|/work)/\S*", block.shown)


# What is fixed is the same in both languages, but where a long output is cut is not: then both are played. Points come
# from what the test of the starters plays.
@pytest.mark.parametrize(
    "block",
    [
        block
        for block in BLOCKS
        if block.view != "points" and (block.handout.name == "handout.md" or render.is_cut(block.shown))
    ],
    ids=lambda block: block.name,
)
def test_an_output_is_what_a_run_prints(block: render.Block) -> None:
    assert set() == render.changed(block.shown, render.run(block))


@pytest.mark.parametrize("name", NAMES)
def test_outputs_tell_the_same_in_both_languages(name: str) -> None:
    english, chinese = (render.blocks(LABS / name / file) for file in ("handout.md", "handout.zh.md"))
    for one, other in zip(english, chinese, strict=True):
        if not render.is_cut(one.shown) and not render.is_cut(other.shown):
            assert render.fixed(one.shown) == render.fixed(other.shown)


def test_no_output_is_left_out() -> None:
    for handout in render.handouts():
        markers = handout.read_text(encoding="utf-8").count("<!-- output ")
        assert 0 < markers == len(render.blocks(handout)), handout
