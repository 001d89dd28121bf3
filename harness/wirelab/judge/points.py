"""What a rubric makes of judgements: points. An inconclusive check neither gives nor costs any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wirelab.declare.lab import Counted, RubricItem
from wirelab.judge.verdict import CheckResult, Judgement, Verdict

_NOT_REACHED = "WL906"
_OF_THE_RUN = "capture"  # the check that says something about the run, nothing about a program


@dataclass(frozen=True, slots=True)
class Share:
    """What came of one thing that counts: the fraction of it that was right; None when it could not be decided."""

    counted: Counted
    fraction: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """One line of a rubric: points reached; None when nothing of it could be decided."""

    item: RubricItem
    points: float | None
    shares: tuple[Share, ...]

    @property
    def undecided(self) -> float:
        """The points of what could not be decided: of the whole line, or of some of what counts for it."""
        return self.item.points * sum(share.fraction is None for share in self.shares) / len(self.shares)


def score(rubric: Sequence[RubricItem], judgements: Mapping[str, Judgement]) -> tuple[Score, ...]:
    """The points of every item. ``judgements`` are by scenario name; a scenario that was not played counts as
    undecided."""
    return tuple(_score(item, judgements) for item in rubric)


def total(scores: Sequence[Score]) -> tuple[float, float]:
    """Points reached, and points that could have been reached: without the items that nobody could decide."""
    decided = [one for one in scores if one.points is not None]
    return sum(one.points or 0.0 for one in decided), sum(one.item.points for one in decided)


def _score(item: RubricItem, judgements: Mapping[str, Judgement]) -> Score:
    shares = tuple(_share(counted, judgements.get(counted.scenario)) for counted in item.of)
    known = [share.fraction for share in shares if share.fraction is not None]
    points = round(item.points * sum(known) / len(known), 2) if known else None
    return Score(item, points, shares)


def _share(counted: Counted, judgement: Judgement | None) -> Share:
    fraction = _fraction(counted, judgement)
    return Share(counted, fraction if fraction is None or not counted.whole else float(fraction == 1))


def _fraction(counted: Counted, judgement: Judgement | None) -> float | None:
    """How much of it was right. Of a check that never came about, because the run broke off before it, nothing was."""
    if judgement is None:
        return None
    checks = [
        check
        for check in judgement.checks
        if check.name != _OF_THE_RUN and counted.check in (None, check.name) and counted.actor in (None, check.actor)
    ]
    if not checks:
        return 0.0 if _broke_off(judgement) else None
    if counted.check is None and judgement.verdict is Verdict.INCONCLUSIVE:
        return None
    parts = [check.credit.met / check.credit.of for check in checks if check.credit is not None]
    parts += [0.0 for check in checks if unreached(judgement, check)]
    if parts and _broke_off(judgement):
        left = judgement.unplayed
        parts += [0.0 for name, actor in left if counted.check in (None, name) and counted.actor in (None, actor)]
    return sum(parts) / len(parts) if parts else None


def unreached(judgement: Judgement, check: CheckResult) -> bool:
    """Whether a run did not come to what was to be checked, by the submission's own fault: nothing of it was right."""
    open_ = check.verdict is Verdict.INCONCLUSIVE and any(finding.code == _NOT_REACHED for finding in check.findings)
    return open_ and _broke_off(judgement)


def _broke_off(judgement: Judgement) -> bool:
    """Whether it is a submission's fault that not all of a script was played, if it was not: it failed, and no program
    that is none of its own had failed to start."""
    return judgement.verdict is Verdict.FAIL and not any(
        check.name == "start" and check.verdict is Verdict.INCONCLUSIVE and finding.code != _NOT_REACHED
        for check in judgement.checks
        for finding in check.findings
    )
