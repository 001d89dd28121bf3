"""lab.yaml: read whole, or every mistake with its place."""

from __future__ import annotations

import pytest

from wirelab.base.errors import AuthorError
from wirelab.declare.lab import Lab, parse_lab

GOOD = """\
lab: 2-heartbeat
title: {en: Heartbeats, zh: 心跳}
hours: 1.5
hands_in: [client]
objectives:
  - {en: Know TCP, zh: 认识 TCP}
shown: [heartbeat/answers-while-idle]
hidden: [heartbeat/once-each]
rubric:
  - points: 60
    title: {en: Answers, zh: 应答}
    of:
      - {scenario: heartbeat/answers-while-idle, check: heartbeat}
      - {scenario: heartbeat/once-each}
  - {points: 40, title: {en: End, zh: 结束}, of: [{scenario: heartbeat/answers-while-idle, check: teardown}]}
"""


def mistakes(text: str, folder: str = "2-heartbeat") -> list[str]:
    with pytest.raises(AuthorError) as raised:
        parse_lab(text, "lab.yaml", folder=folder)
    return raised.value.text("en").splitlines()


def test_a_lab():
    lab = parse_lab(GOOD, "lab.yaml", folder="2-heartbeat")
    assert isinstance(lab, Lab)
    assert (100.0, ("client",)) == (lab.points, lab.hands_in)
    assert lab.rubric[0].of[1].check is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("points: 60", "points: -1", "lab.yaml:10:13: 'points' must be greater than 0, found -1"),
        ("check: heartbeat", "chekc: heartbeat", "lab.yaml:13:50: unknown key 'chekc'"),
        ("{scenario: heartbeat/once-each}", "{scenario: heartbeat/once-eahc}", "did you mean 'heartbeat/once-each'"),
        ("hidden: [heartbeat/once-each]", "hidden: [heartbeat/once-each, a/b]", "'a/b' is played, but nothing"),
        ("hidden: [", "hidden: [heartbeat/answers-while-idle, ", "'heartbeat/answers-while-idle' stands here twice"),
        ("hands_in: [client]", "hands_in: [cleint]", "'hands_in' must be one of"),
    ],
)
def test_mistakes_are_told_with_their_place(old: str, new: str, said: str):
    assert any(said in line for line in mistakes(GOOD.replace(old, new))), mistakes(GOOD.replace(old, new))


def test_the_name_is_that_of_the_folder():
    assert any("its folder 'other'" in line for line in mistakes(GOOD, folder="other"))
