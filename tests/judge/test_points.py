"""Points: a rubric's items share their points among what counts; what nobody could decide costs none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.judge.runs import GOODBYE, HELLO, exited, judged, killed, missed, scenario, waited
from wirelab.declare.head import Title
from wirelab.declare.lab import Counted, RubricItem
from wirelab.judge.points import score, total, unreached
from wirelab.judge.verdict import Credit, Judgement, Verdict

TITLE = Title(en="it", zh="它")
LATE = HELLO + 's > alice "HEARTBEAT 1\\n" at=10ms\nalice > s "HEARTBEAT-ACK 1\\n" at=500ms\n'
STARTS = ("{start: server, until: Listening}", "{start: alice, until: Connected}", "{wait: 1}")
BROKEN_OFF = scenario("{handshake: alice}", "{messages: alice, sent: [hi]}", script=STARTS)
RUNS: dict[str, Judgement] = {
    "good": judged("{teardown: alice}", HELLO + GOODBYE),
    "half": judged("{messages: alice, sent: [one, two]}", HELLO + 'alice > s "MSG one\\n"\n'),
    "none": judged("{handshake: alice}", ""),
    "lost": judged("{messages: alice, sent: [one, two]}", HELLO + 'alice > s "MSG one\\n"\n', lost=1),
    "machine": judged("{heartbeat: alice}", LATE, waited("alice", (5, 0.0), (600, 0.5))),
    "not ready": judged(BROKEN_OFF, HELLO, missed(1, 9000, run_delay=0.0), killed(9001, "alice"), played=2),
    "held up": judged(BROKEN_OFF, "", missed(1, 9000, run_delay=8.0), killed(9001, "alice"), played=2),
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
        ([("not ready", "messages")], 0),  # nor did this, and it was not the machine
        ([("not ready", "handshake")], 10),
        ([("held up", "messages")], None),
        ([("held up", "handshake")], None),
    ],
)
def test_shares(of: list[tuple[str, str | None]], expected: float | None):
    assert expected == points(*(Counted(scenario, check) for scenario, check in of))


def test_what_the_submission_kept_from_coming_about_is_part_of_all():
    """Who never gets ready is not paid by what came before alone."""
    checks = [check for check in RUNS["not ready"].checks if check.name != "capture"]
    assert [True] == [unreached(RUNS["not ready"], check) for check in checks if check.name == "messages"]
    right = sum(check.credit.met / check.credit.of for check in checks if check.credit is not None)
    assert round(10 * right / len(checks), 2) == points(Counted("not ready"))
    assert not any(unreached(RUNS["held up"], check) for check in RUNS["held up"].checks)


PAIR = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
ENDS = (*STARTS[:2], "{alice: exits}", "{start: bob, until: Connected}", "{bob: shows, text: hi}", "{bob: exits}")


@pytest.mark.parametrize(
    ("check", "actor", "expected"),
    [("exits", None, 5), ("exits", "alice", 10), ("exits", "bob", 0), ("shows", None, 0)],
)
@pytest.mark.parametrize("late", [0.0, 8.0], ids=["its own fault", "the machine's"])
def test_a_step_that_the_script_never_came_to_is_not_right(
    check: str, actor: str | None, expected: float, late: float
) -> None:
    began = (exited(50, "alice"), missed(3, 9000, run_delay=late), killed(9001, "bob"))
    run = judged(scenario(script=ENDS, cast=PAIR), HELLO + GOODBYE, *began, played=4)
    (one,) = score([RubricItem(10, TITLE, (Counted("x", check, actor),))], {"x": run})
    assert run.unplayed == (() if late else (("shows", "bob"), ("exits", "bob")))
    if late:
        assert one.points == (10 if check == "exits" and actor != "bob" else None)
    else:
        assert one.points == expected


def test_what_a_program_of_the_harness_held_up_costs_nothing():
    """Though the submission failed for a reason of its own before."""
    run = judged(BROKEN_OFF, "", missed(1, 9000, run_delay=8.0), killed(9001, "alice"), played=2)
    (crashed,) = [check for check in RUNS["not ready"].checks if check.verdict is Verdict.FAIL][:1]
    failed = Judgement(run.scenario, (*run.checks, crashed), Verdict.FAIL)
    assert (None,) == tuple(
        each.points for each in score([RubricItem(1, TITLE, (Counted("x", "messages"),))], {"x": failed})
    )


def test_one_actor_of_several():
    checks = RUNS["half"].checks
    both = tuple(
        replace(check, actor=actor, credit=Credit(met, 2)) for actor, met in (("a", 2), ("b", 1)) for check in checks
    )
    runs = {"both": Judgement("both", both, Verdict.FAIL)}
    given = {
        actor: score([RubricItem(10, TITLE, (Counted("both", "messages", actor=actor),))], runs)[0].points
        for actor in ("a", "b", None)
    }
    assert {"a": 10, "b": 5, None: 7.5} == given


def test_what_is_undecided_of_a_line_is_told():
    (one,) = score([RubricItem(30, TITLE, (Counted("good", "teardown"), Counted("machine", "heartbeat")))], RUNS)
    assert (30, 15) == (one.points, one.undecided)


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
