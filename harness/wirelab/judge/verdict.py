"""Verdicts and check results: the values that judging ends in. Knows no evidence and no rendering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from wirelab.base.texts import Language, Text


class Verdict(StrEnum):
    """Three values: the machine's fault is never the student's."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_status(self) -> int:
        """0 pass, 1 fail, 2 inconclusive."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 2}[self]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fail if anything failed, else inconclusive if anything was, else pass."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in found:
            return verdict
    return Verdict.PASS


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence ready to be said in either language: its template and its values."""

    text: Text
    values: Mapping[str, object] = field(default_factory=dict)

    def in_(self, language: Language) -> str:
        """The sentence in one language."""
        return self.text.fill(language, **self.values)


@dataclass(frozen=True, slots=True)
class Beside:
    """One row of what was expected beside what was seen: both as written, empty where there is none.

    ``kind``: the same, a line that is missing, a segment that is extra, the two different, or a segment passed over.
    """

    expected: str
    seen: str
    kind: Literal["same", "missing", "extra", "different", "passed"]
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One coded observation with its evidence.

    ``code`` is its stable name in the registry; ``rationale`` says what was expected and what was seen;
    ``frames`` are frame numbers of the capture, ``terminal`` whole lines a program showed (actor, line). ``actor`` is whose doing it is. ``more`` counts further findings of the
    same kind that were left out, so that one loop gone wild does not bury everything else.
    ``cause`` is the likeliest reason, where the evidence gives one: it has a code of its own, and never a cause.
    ``beside`` lays an expected trace beside the segments, where there is one.
    """

    code: str
    actor: str | None
    rationale: Said
    hint: Said
    frames: tuple[int, ...] = ()
    terminal: tuple[tuple[str, str], ...] = ()
    more: int = 0
    cause: Finding | None = None
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class Credit:
    """How much of a check was right: ``met`` parts ``of`` those it has (at least 1)."""

    met: int
    of: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: its name, whose connection or program, the line of the scenario it comes from, and the outcome.

    ``summary`` is one line for a passed check (what was seen, with numbers); a failed or inconclusive one
    explains itself by its findings. ``credit`` is whole for a passed check and None for an inconclusive one, which must
    not cost a mark unless the submission itself kept it from coming about (``points.unreached``).
    """

    name: str
    actor: str | None
    line: int
    written: str
    verdict: Verdict
    summary: Said
    findings: tuple[Finding, ...] = ()
    credit: Credit | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of a run: every check in scenario order, and the verdict over all.

    ``unplayed``: the checks, by name and actor, that never came about, as the script ended before their steps; none
    where that was not the submission's doing.
    """

    scenario: str
    checks: tuple[CheckResult, ...]
    verdict: Verdict
    unplayed: tuple[tuple[str, str | None], ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of their checks."""
        return tuple(finding for check in self.checks for finding in check.findings)
