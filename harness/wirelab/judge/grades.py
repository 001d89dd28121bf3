"""What grading found out about one submission: values, as they are kept and shown. Plays and renders nothing."""

from __future__ import annotations

from dataclasses import dataclass

from wirelab.base.texts import Bilingual, Language
from wirelab.declare.lab import Lab
from wirelab.judge.points import Score, total
from wirelab.judge.verdict import Judgement, Said

REPORT = "report"
"""What the lab report is called among the scenarios of a class."""


@dataclass(frozen=True, slots=True)
class Student:
    """Whose submission it is. ``key`` names it in files: letters, digits, ``-`` and ``_``, unique in a class.

    The rest is what the roster or the learning platform says, empty where it says nothing: ``number`` is the student
    number or the platform's id, ``login`` a login or an e-mail address. It may hold any character whatever.
    """

    key: str
    name: str = ""
    number: str = ""
    login: str = ""
    language: Language = "en"

    @property
    def called(self) -> str:
        """How people call them: by name where it is known."""
        return self.name or self.key


@dataclass(frozen=True, slots=True)
class PlayedRun:
    """One scenario that was played with the submission. ``hidden``: only grading plays it, and neither its name nor
    what was typed in it may reach a student. ``folder`` is the run folder, relative to the submission's in OUT."""

    scenario: str
    title: Bilingual
    hidden: bool
    judgement: Judgement
    tries: int
    folder: str


@dataclass(frozen=True, slots=True)
class Grade:
    """The outcome for one submission.

    ``problem`` says why nothing could be played by the submission's own fault (no program, does not build, an archive
    that cannot be unpacked): it gets zero. ``built`` is what the compiler said. ``scores`` are one for each line of the
    lab's rubric; what the machine kept from being decided has None there and is left out of both sums of a mark. ``notes`` say what
    else is to be known: a program that is missing, a scenario that could not be played. ``seconds`` is how long grading
    took, from the first look at it to the last.
    """

    student: Student
    lab: Lab
    scores: tuple[Score, ...]
    runs: tuple[PlayedRun, ...] = ()
    problem: Said | None = None
    built: str = ""
    seconds: float = 0.0
    notes: tuple[Said, ...] = ()

    @property
    def mark(self) -> float | None:
        """Points of those that the lab is worth, two decimals; None when nothing at all could be decided.

        What could not be decided neither gives nor costs: the rest is scaled up to the whole.
        """
        if self.problem is not None:
            return 0.0
        reached, of = total(self.scores)
        return round(self.lab.points * reached / of, 2) if of else None

    @property
    def undecided(self) -> float:
        """Points of the lab that the machine kept from being decided."""
        return 0.0 if self.problem is not None else round(sum(one.undecided for one in self.scores) - self.waiting, 2)

    @property
    def waiting(self) -> float:
        """Points for what only a person can mark, and nobody has yet: open questions of a lab report."""
        shares = ((one, share) for one in self.scores for share in one.shares if share.counted.scenario == REPORT)
        return round(sum(one.item.points / len(one.shares) for one, share in shares if share.fraction is None), 2)
