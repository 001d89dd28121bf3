"""Holds a report's answers against the capture: points for each answer, and why. Knows no notebook and no rendering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wirelab.base.texts import Language
from wirelab.judge.questions.answers import Outcome
from wirelab.judge.questions.asking import Asked, Field, Kind
from wirelab.judge.questions.bank import BANK, asked
from wirelab.judge.questions.facts import Facts
from wirelab.judge.verdict import Said


@dataclass(frozen=True, slots=True)
class Put:
    """A question of a lab: what it is worth, and how it is put to one student; None where the capture does not show it."""

    number: int
    kind: Kind
    points: float
    asked: Asked | None


@dataclass(frozen=True, slots=True)
class Checked:
    """One answer: what was written, what became of it, and the points of those it is worth."""

    field: Field
    text: str
    outcome: Outcome
    points: float
    of: float


@dataclass(frozen=True, slots=True)
class Result:
    """One question with its answers. ``open`` are points that a person has to give."""

    put: Put
    answers: tuple[Checked, ...]

    @property
    def points(self) -> float:
        """Points reached, as far as they can be known without a person."""
        return round(sum(one.points for one in self.answers), 6)

    @property
    def open(self) -> float:
        """Points that a person has to give."""
        return round(sum(one.of for one in self.answers if one.outcome.state == "open"), 6)


@dataclass(frozen=True, slots=True)
class CheckedReport:
    """A report with all its answers held against the capture. ``remarks``: what was changed or removed since it was made;
    ``lab`` is the lab's name, as the report says; ``brief``: the student is told only what is right and what is not."""

    lab: str
    language: Language
    results: tuple[Result, ...]
    remarks: tuple[Said, ...]
    brief: bool = False

    @property
    def points(self) -> float:
        """Points reached, without what a person has to give."""
        return round(sum(one.points for one in self.results), 6)

    @property
    def of(self) -> float:
        """What the whole report is worth."""
        return round(sum(one.put.points for one in self.results), 6)

    @property
    def open(self) -> float:
        """Points that a person has to give."""
        return round(sum(one.open for one in self.results), 6)


def put(questions: Sequence[tuple[str, float]], facts: Facts) -> tuple[Put, ...]:
    """A lab's questions (kind, points) as they are put to the student with this capture, numbered from 1.

    Raises KeyError for a kind that there is none of.
    """
    return tuple(
        Put(number, BANK[name], points, asked(BANK[name], facts)) for number, (name, points) in enumerate(questions, 1)
    )


def check(one: Put, answers: Mapping[int, str]) -> Result:
    """Hold the answers to a question, by the position of their field, against what is right; one that is not there, or
    empty, is missing. A question that the capture does not answer gives nothing."""
    if one.asked is None:
        return Result(one, ())
    share = one.points / len(one.asked.fields)
    return Result(one, tuple(_checked(field, answers.get(at, ""), share) for at, field in enumerate(one.asked.fields)))


def _checked(field: Field, text: str, share: float) -> Checked:
    outcome = field.answer.check(text) if text.strip() else Outcome("missing")
    return Checked(field, text, outcome, share * outcome.credit, share)
