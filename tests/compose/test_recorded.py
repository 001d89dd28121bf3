"""A recorded scenario made to pass: what each replay, and each round after them, does to what it expects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.judge.runs import GOODBYE, PROFILES
from tests.judge.test_generalise import SAID, beats, run
from wirelab.compose import record
from wirelab.compose.record import Made, Wanted, generalised
from wirelab.declare import steps
from wirelab.declare.head import CastMember, Title
from wirelab.declare.scenario import Scenario
from wirelab.declare.scenario_writer import Draft
from wirelab.judge.judge import judge
from wirelab.judge.verdict import CheckResult, Judgement, Verdict
from wirelab.observe.evidence import Evidence

DRAFT = Draft(
    "t",
    Title(en="T", zh="题"),
    "client",
    {"server": CastMember(role="server"), "alice": CastMember(role="client")},
    (
        (None, steps.Start(start="server", until="Listening on")),
        (None, steps.Start(start="alice", until="Connected to")),
    ),
)
WHOLE = run(SAID, beats(4), GOODBYE)


def made(
    monkeypatch: pytest.MonkeyPatch, replays: list[Evidence], rounds: list[tuple[Evidence, Verdict | None]]
) -> tuple[Made, int]:
    """What came out, and how many rounds were played; a round's verdict is that of its evidence if it is None."""
    told: list[int] = []
    left = iter(rounds)

    def play(scenario: Scenario, *_: object) -> Iterator[SimpleNamespace]:
        following = [(one, None) for one in replays] if not told else [next(left)]
        for evidence, verdict in following:
            judgement = judge(scenario, PROFILES["line"], evidence)
            if verdict is not None:
                judgement = Judgement("t", tuple(map(undecided, judgement.checks)), verdict)
            yield SimpleNamespace(evidence=evidence, judgement=judgement)

    monkeypatch.setattr(record, "_play", play)
    wanted = Wanted("t", "client", {}, Path(), 1)
    outcome = generalised(DRAFT, PROFILES["line"], "", wanted, len(replays), "en", lambda count, _: told.append(count))
    return outcome, len(rounds) - len(list(left))


def undecided(check: CheckResult) -> CheckResult:
    return replace(check, verdict=Verdict.INCONCLUSIVE) if check.verdict is Verdict.PASS else check


def expects(outcome: Made) -> set[str]:
    return {one.check for one in outcome.draft.expect}


ALL = {"handshake", "messages", "heartbeat", "teardown", "trace"}


def test_what_held_every_time_is_expected_and_played_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, rounds = made(monkeypatch, [WHOLE, WHOLE], [(WHOLE, None)])
    assert (True, 1, ALL) == (outcome.passed, rounds, expects(outcome))


def test_a_round_that_decides_nothing_is_played_again_and_takes_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, rounds = made(monkeypatch, [WHOLE], [(WHOLE, Verdict.INCONCLUSIVE), (WHOLE, None)])
    assert (True, 2, ALL) == (outcome.passed, rounds, expects(outcome))
    outcome, rounds = made(monkeypatch, [WHOLE], [(WHOLE, Verdict.INCONCLUSIVE)] * record.ROUNDS)
    assert (False, record.ROUNDS, ALL) == (outcome.passed, rounds, expects(outcome))
    assert "WHETHER IT PASSES COULD NOT BE DECIDED" in outcome.text
    assert "DOES NOT PASS" not in outcome.text


def test_what_a_round_misses_is_expected_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = run(beats(4), GOODBYE)
    outcome, rounds = made(monkeypatch, [WHOLE], [(silent, None), (silent, None)])
    assert (True, 2) == (outcome.passed, rounds)
    assert not {"messages"} & expects(outcome)
    assert {"handshake", "heartbeat", "teardown"} <= expects(outcome)


def test_what_a_round_could_not_decide_is_still_expected_where_something_else_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = run(beats(4), GOODBYE)
    outcome, rounds = made(monkeypatch, [WHOLE], [(silent, Verdict.FAIL), (WHOLE, None)])
    assert (True, 2) == (outcome.passed, rounds)
    assert ALL - expects(outcome) == {"messages"}


def test_a_replay_whose_capture_has_gaps_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gaps = run(beats(1), GOODBYE, lost=3)
    outcome, _ = made(monkeypatch, [WHOLE, gaps], [(WHOLE, None)])
    assert expects(outcome) == ALL
    outcome, rounds = made(monkeypatch, [gaps], [])
    assert (False, 0, set()) == (outcome.passed, rounds, expects(outcome))
