"""The gradebook: one row a student, for a spreadsheet. Knows no platform."""

from __future__ import annotations

from collections.abc import Sequence

from wirelab.base.texts import Language, Text, register, say
from wirelab.declare.lab import Lab
from wirelab.judge.grades import Grade
from wirelab.present.exports.inert import csv_cell, csv_text, plain_lines
from wirelab.present.feedback import in_
from wirelab.present.words import number

COLUMNS = ("key", "name", "number", "login", "mark", "of", "undecided", "problem")

register(
    {
        "gradebook.key": Text("key", "标识"),
        "gradebook.name": Text("name", "姓名"),
        "gradebook.number": Text("number", "学号"),
        "gradebook.login": Text("login", "账号"),
        "gradebook.mark": Text("mark", "成绩"),
        "gradebook.of": Text("of", "满分"),
        "gradebook.undecided": Text("undecided", "未判定分值"),
        "gradebook.problem": Text("problem", "问题"),
        "gradebook.item": Text("{number}. {title} ({points})", "{number}. {title}（{points} 分）"),
    }
)


def gradebook(lab: Lab, grades: Sequence[Grade], *, language: Language) -> str:
    """``gradebook.csv``: a header, then a row for each grade, in the order given.

    It begins with a byte order mark (U+FEFF), by which Excel knows UTF-8. What could not be decided is an empty cell,
    never a zero. No cell is a formula.
    """
    header = [say(f"gradebook.{column}", language) for column in COLUMNS]
    for at, item in enumerate(lab.rubric, 1):
        title = in_(item.title, language)
        header.append(say("gradebook.item", language, number=at, title=title, points=number(item.points)))
    rows = [header, *(_row(lab, grade, language) for grade in grades)]
    return "\ufeff" + csv_text([csv_cell(value) for value in row] for row in rows)


def _row(lab: Lab, grade: Grade, language: Language) -> list[str]:
    student = grade.student
    told = [grade.problem] if grade.problem else grade.notes
    said = [line for one in told for line in plain_lines(one.in_(language))]
    points = [0.0] * len(lab.rubric) if grade.problem else [score.points for score in grade.scores]
    return [
        student.key,
        student.name,
        student.number,
        student.login,
        _points(grade.mark),
        number(lab.points),
        number(grade.undecided),
        " · ".join(line.strip() for line in said if line.strip()),
        *(_points(value) for value in points),
    ]


def _points(value: float | None) -> str:
    return "" if value is None else number(value)
