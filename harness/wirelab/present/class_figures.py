"""What a class has in common, as values: findings by code and cause, delays, marks in bins. Draws nothing.

Everything here is one pass over the grades: two thousand students take ten times as long as two hundred.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from wirelab.judge.grades import Grade, PlayedRun, Student
from wirelab.judge.points import unreached
from wirelab.judge.verdict import Finding, Said, Verdict
from wirelab.present.feedback import hidden_numbers

DELAY_BOUNDS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Milliseconds: each about three times the one before."""

MARK_BINS = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One finding as one student has it, in a scenario that may be named."""

    student: Student
    scenario: str
    folder: str
    rationale: Said
    cause: Said | None


@dataclass(slots=True)
class Cluster:
    """All findings of one code with one cause (empty for none), and who has them. ``shown`` and ``hidden`` are the
    scenarios they come from: those that may be named, and the numbers of the others."""

    code: str
    cause: str
    count: int = 0
    students: dict[str, Student] = field(default_factory=dict)
    shown: dict[str, None] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    example: Example | None = None


def clusters(grades: Iterable[Grade]) -> list[Cluster]:
    """Findings that cost points, the most widespread first. What the machine is to blame for is left out."""
    found: dict[tuple[str, str], Cluster] = {}
    for grade in grades:
        numbers = hidden_numbers(grade)
        for run, finding in _findings(grade):
            if finding.code.startswith("WL9"):
                continue
            key = (finding.code, finding.cause.code if finding.cause else "")
            cluster = found.setdefault(key, Cluster(*key))
            cluster.count += 1 + finding.more
            cluster.students[grade.student.key] = grade.student
            if run.scenario in numbers:
                cluster.hidden.add(numbers[run.scenario])
                continue
            cluster.shown[run.scenario] = None
            if cluster.example is None:
                cause = finding.cause.rationale if finding.cause else None
                cluster.example = Example(grade.student, run.scenario, run.folder, finding.rationale, cause)
    return sorted(found.values(), key=lambda one: (-len(one.students), one.code, one.cause))


def undecided(grade: Grade) -> dict[str, list[str | int]]:
    """Why something stayed undecided: codes, each with the scenarios it was found in, hidden ones by number."""
    numbers = hidden_numbers(grade)
    found: dict[str, list[str | int]] = {}
    for run in grade.runs:
        for check in run.judgement.checks:
            machines = check.verdict is Verdict.INCONCLUSIVE and not unreached(run.judgement, check)
            for finding in check.findings if machines else ():
                where: str | int = numbers.get(run.scenario, run.scenario)
                places = found.setdefault(finding.code, [])
                if where not in places:
                    places.append(where)
    return found


def delays(grades: Iterable[Grade]) -> list[float]:
    """Milliseconds: for each heartbeat check that can tell, how long the slowest answer took."""
    return [delay for grade in grades for run in grade.runs for delay in _slowest(run)]


def _slowest(run: PlayedRun) -> Iterator[float]:
    for check in run.judgement.checks:
        if check.name != "heartbeat" or check.verdict is Verdict.INCONCLUSIVE:
            continue
        told = [_number(check.summary.values.get("worst"))] if check.summary.values.get("count") else []
        told += [
            _scaled(finding.rationale.values.get("delay")) for finding in check.findings if finding.code == "WL303"
        ]
        known = [delay for delay in told if delay is not None]
        if known:
            yield max(known)


def _scaled(value: object) -> float | None:
    """Seconds as milliseconds."""
    seconds = _number(value)
    return None if seconds is None else seconds * 1000


def _number(value: object) -> float | None:
    """A number that a sentence was filled with; they are kept as they are to be read."""
    try:
        number = float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and 0 <= number < float("inf") else None


def in_bounds(values: Iterable[float], bounds: Sequence[float]) -> list[int]:
    """How many values lie below the first bound, from each bound to the next, and from the last one on."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_right(bounds, value)] += 1
    return counts


def mark_bins(grades: Iterable[Grade]) -> list[int]:
    """How many marks lie in each tenth of what the lab is worth; full marks belong to the last."""
    counts = [0] * MARK_BINS
    for grade in grades:
        if grade.mark is not None:
            share = grade.mark / grade.lab.points if grade.lab.points else 0.0
            counts[min(MARK_BINS - 1, max(0, int(share * MARK_BINS)))] += 1
    return counts


def _findings(grade: Grade) -> Iterator[tuple[PlayedRun, Finding]]:
    for run in grade.runs:
        for check in run.judgement.checks:
            if check.verdict is Verdict.FAIL:
                for finding in check.findings:
                    yield run, finding
