"""Points: a rubric's items share their points among what counts; what nobody could decide costs none."""

from __future__ import annotations

import pytest

from tests.judge.runs import GOODBYE, HELLO, judged, waited
from wirelab.declare.head import Title
from wirelab.declare.lab import Counted, RubricItem
from wirelab.judge.points import score, total
from wirelab.judge.verdict import Judgement

TITLE = Title(en="it", zh="它")
LATE = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms\nalice > s "HEARTBEAT-ACK 1\\n" at=500ms\n'
RUNS: dict[str, Judgement] = {
    "good": judged("{teardown: alice}", HELLO + GOODBYE),
    "half": judged("{messages: alice, sent: [one, two]}", HELLO + 'alice > s "MSG one\\n"\n'),
    "none": judged("{handshake: alice}", ""),
    "lost": judged("{messages: alice, sent: [one, two]}", HELLO + 'alice > s "MSG one\\n"\n', lost=1),
    "machine": judged("{heartbeat: alice}", LATE, waited("alice", (5, 0.0), (600, 0.5))),
}


def points(*of: Counted, worth: float = 10) -> float | None:
    return score([RubricItem(worth, TITLE, of)], RUNS)[0].points


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ([("good", "teardown")], 10),
        ([("good", None)], 10),
        ([("half", "messages")], 5),
        ([("none", "handshake")], 0),
        ([("good", "teardown"), ("half", "messages")], 7.5),
        ([("machine", "heartbeat")], None),
        ([("machine", None)], None),
        ([("lost", "messages")], None),
        ([("lost", None)], None),
        ([("good", "teardown"), ("machine", "heartbeat")], 10),
        ([("absent", None)], None),
        ([("none", "teardown")], 0),  # a check that never came about
    ],
)
def test_shares(of: list[tuple[str, str | None]], expected: float | None):
    assert expected == points(*(Counted(scenario, check) for scenario, check in of))


def test_what_counts_whole_or_not_at_all():
    assert 0 == points(Counted("half", "messages", whole=True))
    assert 10 == points(Counted("good", "teardown", whole=True))
    assert points(Counted("machine", "heartbeat", whole=True)) is None


def test_the_sum_leaves_out_what_is_undecided():
    rubric = [
        RubricItem(30, TITLE, (Counted("good"),)),
        RubricItem(20, TITLE, (Counted("half", "messages"),)),
        RubricItem(50, TITLE, (Counted("machine"),)),
    ]
    assert (40.0, 50.0) == total(score(rubric, RUNS))
