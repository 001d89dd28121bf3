"""Results on GitHub: step summaries in Markdown, and what Classroom's reporter reads. Knows no workflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wirelab.base.texts import Language, Text, register, say
from wirelab.declare.lab import Lab
from wirelab.judge.grades import Grade
from wirelab.present.exports.inert import json_text, markdown
from wirelab.present.exports.telling import Part, built_lines, mark_lines, parts, sentence
from wirelab.present.feedback import in_
from wirelab.present.words import number

SUMMARY_LIMIT = 1_000_000
"""Bytes: of one step, GitHub takes 1 MiB and drops the whole summary if it is more."""

register(
    {
        "github.item": Text("What it is for", "评分项"),
        "github.points": Text("Points", "得分"),
        "github.student": Text("Student", "学生"),
        "github.mark": Text("Mark", "成绩"),
        "github.problem": Text("Problem", "问题"),
        "github.open": Text("undecided", "未判定"),
        "github.cut": Text("Shortened here: GitHub takes no more.", "此处截短：已达到 GitHub 的上限。"),
    }
)


def step_summary(grade: Grade) -> str:
    """For ``$GITHUB_STEP_SUMMARY`` in a student's own repository, in the student's language: marks, and why."""
    return _joined(_student(grade, grade.student.language), grade.student.language)


def class_summary(lab: Lab, grades: Sequence[Grade], *, language: Language) -> str:
    """For ``$GITHUB_STEP_SUMMARY`` of a workflow that grades a class: a row for each student, a column for each item."""
    return _joined(_class(lab, grades, language), language)


def classroom(grade: Grade) -> str:
    """The JSON that GitHub Classroom's autograding reporter takes, in base64, as the output ``result``.

    What could not be decided has the status ``error`` and is not part of ``max_score``.
    """
    told = parts(grade)
    return json_text(
        {
            "max_score": round(sum(part.of for part in told if part.points is not None), 2),
            "tests": [
                {
                    "name": part.title,
                    "status": _status(part),
                    "message": _message(grade, part),
                    "score": part.points or 0.0,
                }
                for part in told
            ],
        }
    )


def _status(part: Part) -> str:
    if part.points is None:
        return "error"
    return "pass" if part.points >= part.of else "fail"


def _message(grade: Grade, part: Part) -> str:
    return "\n".join(mark_lines(grade, grade.student.language) if grade.problem else part.lines)


def _student(grade: Grade, language: Language) -> Iterator[str]:
    yield f"## {markdown(in_(grade.lab.title, language))}"
    yield ""
    yield markdown(grade.student.called).strip()
    yield ""
    lines = mark_lines(grade, language)
    yield from _list([*lines, *([] if grade.problem else built_lines(grade, language))])
    told = parts(grade)
    yield f"| {say('github.item', language)} | {say('github.points', language)} |"
    yield "|---|---:|"
    yield from (f"| {markdown(part.title)} | {_points(part.points, language)}/{number(part.of)} |" for part in told)
    for part in told:
        if part.lines and (part.points is None or part.points < part.of):
            yield from ("", f"### {markdown(part.title)}", "")
            yield from _list(part.lines)


def _list(lines: Sequence[str]) -> Iterator[str]:
    """Lines as a list, an indented line below the one before; an empty line ends it."""
    for line in lines:
        body = line.lstrip(" ")
        yield f"{'  - ' if line.startswith('    ') else '- '}{markdown(body)}".rstrip()
    yield ""


def _class(lab: Lab, grades: Sequence[Grade], language: Language) -> Iterator[str]:
    yield f"## {markdown(in_(lab.title, language))}"
    yield ""
    titles = [f"{markdown(in_(item.title, language))} ({number(item.points)})" for item in lab.rubric]
    head = [say("github.student", language), f"{say('github.mark', language)} ({number(lab.points)})", *titles]
    yield _cells([*head, say("github.problem", language)])
    yield _cells(["---", *["---:"] * (len(titles) + 1), "---"])
    for grade in grades:
        reached = [_points(part.points, language) for part in parts(grade, language=language)]
        problem = markdown(sentence(grade.problem, language)) if grade.problem else ""
        yield _cells([markdown(grade.student.called), _points(grade.mark, language), *reached, problem])


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _points(value: float | None, language: Language) -> str:
    return say("github.open", language) if value is None else number(value)


def _joined(lines: Iterator[str], language: Language) -> str:
    """The lines, as many of them as GitHub takes."""
    room = SUMMARY_LIMIT - 1_000
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            return "\n".join([*kept, "", say("github.cut", language)]) + "\n"
        kept.append(line)
    return "\n".join(kept) + "\n"
