"""Writes what came of grading: each student's feedback, the class page, and the files that other systems read.

Every file is written whole or not at all. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wirelab.base.texts import Language
from wirelab.compose import records
from wirelab.compose.artifacts import Run
from wirelab.declare.lab import Lab
from wirelab.judge.grades import Grade
from wirelab.judge.view import View
from wirelab.present.class_page import class_page
from wirelab.present.exports.github import class_summary
from wirelab.present.exports.gradebook import gradebook
from wirelab.present.exports.graders import gradescope, prairielearn
from wirelab.present.exports.junit import junit
from wirelab.present.exports.moodle import moodle_gradebook
from wirelab.present.exports.results import results_json
from wirelab.present.feedback_html import feedback_html
from wirelab.present.feedback_md import feedback_md
from wirelab.present.ladder import ladder

WIDTH = 110  # characters of a ladder on a page
MOST_LINES = 400  # of a ladder or a terminal that a page shows


@dataclass(frozen=True, slots=True)
class Shown:
    """What feedback shows of one run besides its findings: the ladder, and what each terminal showed, in lines."""

    ladder: tuple[str, ...]
    terminals: Mapping[str, tuple[str, ...]]


def shown(run: Run, language: Language) -> Shown:
    """The ladder and the terminals of a run."""
    view = View(run.scenario, run.profile, run.evidence)
    names = {
        port: actor
        for connection in view.connections
        for port, actor in (
            (connection.client.port, view.actor_at(connection, "client")),
            (connection.server.port, view.actor_at(connection, "server")),
        )
    }
    noted = sorted((one for item in view.connections for one in item.noted), key=lambda one: one.segment.frame)
    lines = ladder(
        noted[:MOST_LINES], run.profile, names, language=language, width=WIDTH, colour=False, origin=view.start
    )
    terminals = {actor: tuple(view.lines(actor)[:MOST_LINES]) for actor in view.transcripts}
    return Shown(tuple(lines[: 2 * MOST_LINES]), terminals)


def write_student(out: Path, grade: Grade, runs: Mapping[str, Shown], commands: Mapping[str, str]) -> None:
    """Write one student's feedback, and the results that hosted graders read. Raises InputError."""
    folder, language = out / records.STUDENTS / grade.student.key, grade.student.language
    ladders = {name: run.ladder for name, run in runs.items()}
    casts = {name: run.terminals for name, run in runs.items()}
    records.write(folder / "feedback.html", feedback_html(grade, ladders, casts, language, commands))
    records.write(folder / "feedback.md", feedback_md(grade, ladders, casts, language, commands))
    scope = gradescope(grade)
    if scope is not None:
        records.write(folder / "gradescope.json", scope)
    records.write(folder / "prairielearn.json", prairielearn(grade))


def write_class_results(out: Path, lab: Lab, grades: Sequence[Grade], language: Language) -> None:
    """Write the class page and the files with everybody's results. Raises InputError."""
    records.write(out / "index.html", class_page(grades, lab, language))
    records.write(out / "gradebook.csv", gradebook(lab, grades, language=language))
    records.write(out / "results.json", results_json(lab, grades))
    records.write(out / "junit.xml", junit(grades, language=language))
    records.write(out / "moodle.csv", moodle_gradebook(grades))
    records.write(out / "summary.md", class_summary(lab, grades, language=language))
