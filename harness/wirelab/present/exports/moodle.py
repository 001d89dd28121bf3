"""Marks for Moodle: an assignment's grading worksheet round-tripped, and a file for the gradebook's import."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Bilingual, Text, register, say
from wirelab.judge.grades import Grade
from wirelab.present.exports.inert import csv_cell, csv_text, html_lines, plain, shortened
from wirelab.present.exports.sheet import Filled, Known, Row, Sheet, matched, parsed_points, read_sheet
from wirelab.present.exports.telling import mark_lines, parts
from wirelab.present.words import number

FEEDBACK_LIMIT = 30_000
"""Characters of a feedback: a spreadsheet's cell takes 32 767, and HTML takes more of them than text."""

register(
    {
        "moodle.not-a-worksheet": Text(
            "this is no grading worksheet of a Moodle assignment: no column holds the identifiers (Participant 123). Its "
            "columns: {columns}",
            "这不是 Moodle 作业的评分表：没有一列是标识符（参与人 123）。现有列：{columns}",
        ),
        "moodle.no-column": Text(
            "no column of the worksheet is called '{name}'{meant}. Its columns: {columns}",
            "评分表中没有名为 '{name}' 的列{meant}。现有列：{columns}",
        ),
        "moodle.no-grade": Text(
            "which column of the worksheet is the grade? Moodle names it in the teacher's language; give its name. The "
            "columns: {columns}",
            "评分表的哪一列是成绩？Moodle 按教师的语言命名，请给出列名。现有列：{columns}",
        ),
        "moodle.share": Text("{reached}/{of} {title}", "{reached}/{of} {title}"),
        "moodle.open": Text("undecided", "未判定"),
    }
)

# As Moodle's language packs have it: English, Chinese (mainland, Taiwan), German, French, Spanish.
_GRADE = ("Grade", "成绩", "分数", "成績", "分數", "Bewertung", "Note", "Calificación")
_MAXIMUM = ("Maximum grade", "最高分", "最高分數", "Bestwertung", "Note maximale", "Calificación máxima")
_FEEDBACK = (
    "Feedback comments",
    "反馈评语",
    "反馈意见",
    "反馈评论",
    "评语",
    "回饋評語",
    "Feedback als Kommentar",
    "Feedback par commentaires",
    "Comentarios de retroalimentación",
)
_NUMBER = ("ID number", "学号", "编号", "學號", "ID-Nummer", "Numéro d’identification", "Número de ID")
_NAME = ("Full name", "姓名", "全名", "Vollständiger Name", "Nom complet", "Nombre completo")
_PARTICIPANT = re.compile(r"\D*?\s*([0-9]+)")
_LABEL = "Participant "


def participant(digits: str) -> str:
    """The number that Moodle gives somebody in one assignment, as a student's number: with the label that it has in
    Moodle's worksheet, as it may be another's ID number."""
    return f"{_LABEL}{digits}"


def fill_moodle(
    text: str,
    grades: Sequence[Grade],
    *,
    grade: str | None = None,
    feedback: str | None = None,
    maximum: str | None = None,
) -> Filled:
    """The worksheet that the teacher downloaded (its text, line ends as in the file), with grades and feedback.

    Grade and feedback are filled in together: Moodle takes what stands there for what is meant, so one without the
    other would be lost. The date of the last change stays, by which Moodle sees that somebody else has graded since.
    Rows of students who were not graded, or of whose work nothing could be decided, are left out; the rest stays byte
    for byte. Feedback is HTML without any foreign tag, in the student's language.

    ``grade``, ``feedback`` and ``maximum`` are the names of columns, where the worksheet is in a language that is not known here.
    Raises InputError for what is no such worksheet, UsageError for a column that is not there.
    """
    sheet = read_sheet(text)
    header = sheet.header
    identifier = _identifier(sheet)
    grade_column = _named(header, grade) if grade else _first(header, _GRADE)
    if grade_column is None:
        raise UsageError("moodle.no-grade", columns=_listed(header))
    feedback_column = _named(header, feedback) if feedback else _first(header, _FEEDBACK)
    maximum_column = _named(header, maximum) if maximum else _first(header, _MAXIMUM)
    people = {at: row for at, row in enumerate(sheet.rows) if at and _participant(row, identifier)}
    found = matched(grades, {at: _known(sheet, row, identifier) for at, row in people.items()})
    kept: list[Row] = []
    others: list[str] = []
    count, scaled, unscaled = 0, None, None
    for at, row in enumerate(sheet.rows):
        one = found.grades.get(at)
        if at not in people:
            kept.append(row)
        elif one is None:
            others.append(_name(header, row) or row.value(identifier))
        elif one.mark is not None:
            mark = one.mark
            possible = parsed_points(row.value(maximum_column))
            if not possible:
                unscaled = one.lab.points
            elif possible != one.lab.points:
                scaled = (one.lab.points, possible)
                mark = mark * possible / one.lab.points
            values = {grade_column: number(mark)}
            if feedback_column is not None:
                values[feedback_column] = feedback_html(one)
            kept.append(sheet.filled(row, values))
            count += 1
    unmarked = tuple(one.student for one in found.grades.values() if one.mark is None)
    bare = feedback_column is None and count > 0
    return Filled(
        sheet.text(kept), count, found.absent, found.unclear, unmarked, (), tuple(others), scaled, unscaled, bare
    )


def moodle_gradebook(grades: Sequence[Grade]) -> str:
    """CSV for *Grades > Import > CSV file*: map ``useridnumber`` or ``email`` to the user, ``grade`` to the item and
    ``feedback`` to its feedback, both in one import. Students nothing of whose work could be decided are left out."""
    rows = [("useridnumber", "email", "grade", "feedback")]
    for grade in grades:
        if grade.mark is not None:
            student = grade.student
            email = student.login if "@" in student.login else ""
            idnumber = "" if student.number.startswith(_LABEL) else student.number
            rows.append((csv_cell(idnumber), csv_cell(email), number(grade.mark), feedback_html(grade)))
    return csv_text(rows)


def feedback_html(grade: Grade) -> str:
    """Marks by rubric item, and what was found, as the content of one cell: HTML, and no formula."""
    language = grade.student.language
    lines = shortened([*mark_lines(grade, language), *_item_lines(grade)], FEEDBACK_LIMIT, language)
    while len(text := csv_cell(html_lines(lines))) > FEEDBACK_LIMIT:  # what had to be escaped takes more room
        lines = shortened(lines, sum(len(line) + 1 for line in lines) // 2, language)
    return text


def _item_lines(grade: Grade) -> Iterator[str]:
    if grade.problem is not None:
        return
    language = grade.student.language
    for part in parts(grade):
        reached = say("moodle.open", language) if part.points is None else number(part.points)
        yield say("moodle.share", language, reached=reached, of=number(part.of), title=part.title)
        if part.points is None or part.points < part.of:
            yield from (f"    {line}" for line in part.lines)


def _identifier(sheet: Sheet) -> int:
    """The column whose cells end in the participants' numbers: its name and the word in it depend on the language."""
    rows = [row for row in sheet.rows[1:] if any(cell.value.strip() for cell in row.cells)]
    if rows and all(_participant(row, 0) for row in rows) and len(sheet.header) > 2:
        return 0
    raise InputError("moodle.not-a-worksheet", columns=_listed(sheet.header))


def _participant(row: Row, column: int) -> str:
    found = _PARTICIPANT.fullmatch(row.value(column))
    return found[1] if found else ""


def _known(sheet: Sheet, row: Row, identifier: int) -> Known:
    header = sheet.header
    number_column = _first(header, _NUMBER)
    logins = tuple(cell.value.strip() for cell in row.cells[:6] if re.fullmatch(r"[^\s@]+@[^\s@]+", cell.value.strip()))
    numbers = (participant(_participant(row, identifier)), row.value(number_column))
    return Known(numbers, logins, (_name(header, row),))


def _name(header: Sequence[str], row: Row) -> str:
    return row.value(_first(header, _NAME))


def _first(header: Sequence[str], names: Sequence[str]) -> int | None:
    known = {name.casefold() for name in names}
    return next((at for at, name in enumerate(header) if name.casefold() in known), None)


def _named(header: Sequence[str], name: str) -> int:
    if name.strip() in header:
        return header.index(name.strip())
    from wirelab.declare.source import meant  # brings YAML, which nobody needs who names the column right

    close = meant(name, header)
    inert = Bilingual(plain(close.en), plain(close.zh))
    raise UsageError("moodle.no-column", name=plain(name), meant=inert, columns=_listed(header))


def _listed(header: Sequence[str]) -> str:
    return ", ".join(plain(name) for name in header)
