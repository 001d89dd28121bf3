"""``results.json``: everything that grading found out, for programs. For instructors: hidden scenarios are in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from wirelab.base.texts import LANGUAGES, Bilingual
from wirelab.declare.head import Title
from wirelab.declare.lab import Lab
from wirelab.judge.grades import Grade, PlayedRun
from wirelab.judge.points import Score
from wirelab.judge.verdict import CheckResult, Finding, Said
from wirelab.present.exports.inert import json_text
from wirelab.present.feedback import hidden_numbers, in_

FORMAT, VERSION = "wirelab-results", 1


def results_json(lab: Lab, grades: Sequence[Grade]) -> str:
    """All grades as JSON, keys as docs/exports.md lists them; texts are exact, sentences stand in both languages."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "lab": {"name": lab.lab, "title": _both(lab.title), "points": lab.points},
        "students": [_grade(grade) for grade in grades],
    }
    return json_text(document) + "\n"


def _grade(grade: Grade) -> dict[str, object]:
    hidden = set(hidden_numbers(grade))
    return {
        **dataclasses.asdict(grade.student),
        "mark": grade.mark,
        "of": grade.lab.points,
        "undecided": grade.undecided,
        "problem": None if grade.problem is None else _both(grade.problem),
        "built": grade.built,
        "seconds": grade.seconds,
        "rubric": [_score(score, hidden) for score in grade.scores],
        "runs": [_run(run) for run in grade.runs],
    }


def _score(score: Score, hidden: set[str]) -> dict[str, object]:
    return {
        "title": _both(score.item.title),
        "points": score.points,
        "of": score.item.points,
        "shares": [
            {
                "scenario": share.counted.scenario,
                "check": share.counted.check,
                "whole": share.counted.whole,
                "hidden": share.counted.scenario in hidden,
                "fraction": share.fraction,
            }
            for share in score.shares
        ],
    }


def _run(run: PlayedRun) -> dict[str, object]:
    return {
        "scenario": run.scenario,
        "title": _both(run.title),
        "hidden": run.hidden,
        "verdict": run.judgement.verdict.value,
        "tries": run.tries,
        "folder": run.folder,
        "checks": [_check(check) for check in run.judgement.checks],
    }


def _check(check: CheckResult) -> dict[str, object]:
    return {
        "check": check.name,
        "actor": check.actor,
        "line": check.line,
        "written": check.written,
        "verdict": check.verdict.value,
        "credit": None if check.credit is None else dataclasses.asdict(check.credit),
        "summary": _both(check.summary),
        "findings": [_finding(finding) for finding in check.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "actor": finding.actor,
        "rationale": _both(finding.rationale),
        "hint": _both(finding.hint),
        "frames": list(finding.frames),
        "terminal": [list(line) for line in finding.terminal],
        "more": finding.more,
        "cause": None if finding.cause is None else _finding(finding.cause),
        "beside": [dataclasses.asdict(row) for row in finding.beside],
    }


def _both(text: Said | Title | Bilingual) -> dict[str, str]:
    return {language: text.in_(language) if isinstance(text, Said) else in_(text, language) for language in LANGUAGES}
