"""The gradebook of Canvas, round-tripped: one assignment's column filled in. Knows no files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Bilingual, Text, register, say
from wirelab.judge.grades import Grade
from wirelab.present.exports.inert import plain
from wirelab.present.exports.sheet import Filled, Known, Row, Sheet, matched, parsed_points, read_sheet
from wirelab.present.words import number

register(
    {
        "canvas.not-a-gradebook": Text(
            "this is no gradebook exported by Canvas: its first row has no columns Student, ID and Section, but {columns}",
            "这不是 Canvas 导出的成绩册：首行没有 Student、ID 和 Section 列，而是 {columns}",
        ),
        "canvas.no-assignment": Text(
            "the gradebook has no assignment '{name}'{meant}. It has: {known}",
            "成绩册里没有名为 '{name}' 的作业{meant}。现有：{known}",
        ),
        "canvas.two-assignments": Text(
            "the gradebook has more than one assignment '{name}': give the number of one. They are: {known}",
            "成绩册里有多个名为 '{name}' 的作业，请给出编号。它们是：{known}",
        ),
    }
)

_TITLED = re.compile(r"(.*) \(([0-9]+)\)", re.DOTALL)
_NUMBERS = ("ID", "SIS User ID", "Integration ID")


def fill_canvas(text: str, assignment: str, grades: Sequence[Grade]) -> Filled:
    """The gradebook that Canvas exported (its text, line ends as in the file), with marks in the assignment's column.

    ``assignment`` is its title, its id, or both as in the header. Rows are left out where Canvas must not change
    anything: of people who were not graded, of students nothing of whose work could be decided (a blank cell would
    delete the mark they have), of those who are excused (``EX``) or not asked (``N/A``). All the rest, the rows
    above the students included, stays byte for byte. Where the points possible differ from the lab's, marks are scaled.

    Raises InputError for what is no such gradebook, UsageError where the assignment is unknown or ambiguous.
    """
    sheet = read_sheet(text)
    header = sheet.header
    if "ID" not in header or "Section" not in header:
        raise InputError("canvas.not-a-gradebook", columns=", ".join(plain(name) for name in header))
    column = _column(header, assignment)
    people = {at: row for at, row in enumerate(sheet.rows) if at and _is_person(header, row)}
    found = matched(grades, {at: _known(header, row) for at, row in people.items()})
    possible = _possible(sheet, column)
    kept: list[Row] = []
    excused: list[str] = []
    others: list[str] = []
    count, scaled = 0, None
    for at, row in enumerate(sheet.rows):
        if at not in people:
            kept.append(row)
            continue
        grade = found.grades.get(at)
        if grade is None:
            others.append(_name(header, row))
        elif row.value(column).upper() in ("EX", "N/A"):
            excused.append(_name(header, row))
        elif grade.mark is not None:
            mark = grade.mark
            if possible and possible != grade.lab.points:
                scaled = (grade.lab.points, possible)
                mark = mark * possible / grade.lab.points
            kept.append(sheet.filled(row, {column: number(mark)}))
            count += 1
    unmarked = tuple(grade.student for grade in found.grades.values() if grade.mark is None)
    return Filled(sheet.text(kept), count, found.absent, found.unclear, unmarked, tuple(excused), tuple(others), scaled)


def _column(header: Sequence[str], assignment: str) -> int:
    first = header.index("Section") + 1
    titles = {at: _TITLED.fullmatch(name) for at, name in enumerate(header) if at >= first}
    known = {at: match for at, match in titles.items() if match}
    wanted = assignment.strip()
    # An id is unique, and so is a whole header; a title may stand there twice.
    for names in (
        {at: header[at] for at in known},
        {at: match[1] for at, match in known.items()},
        {at: match[2] for at, match in known.items()},
    ):
        fitting = [at for at, name in names.items() if name == wanted]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            listed = ", ".join(plain(header[at]) for at in fitting)
            raise UsageError("canvas.two-assignments", name=plain(assignment), known=listed)
    from wirelab.declare.source import meant  # brings YAML, which nobody needs who names the assignment right

    words = {match[1]: plain(match[0]) for match in known.values()}
    close = meant(wanted, [*words, *words.values()])
    inert = Bilingual(plain(close.en), plain(close.zh))
    listed = ", ".join(words.values())
    known_names = Bilingual(listed or say("sheet.none", "en"), listed or say("sheet.none", "zh"))
    raise UsageError("canvas.no-assignment", name=plain(assignment), meant=inert, known=known_names)


def _is_person(header: Sequence[str], row: Row) -> bool:
    """Not one of the rows above the students: the points possible, how marks are posted."""
    return bool(_name(header, row) or row.value(header.index("ID"))) and "Points Possible" not in row.value(0)


def _name(header: Sequence[str], row: Row) -> str:
    if "Student" in header:
        return row.value(header.index("Student"))
    last, first = (row.value(header.index(name)) if name in header else "" for name in ("LastName", "FirstName"))
    return f"{last}, {first}".strip(", ")


def _known(header: Sequence[str], row: Row) -> Known:
    name = _name(header, row)
    last, comma, first = name.partition(", ")
    names = (name, f"{first} {last}", f"{last}{first}") if comma else (name,)
    numbers = tuple(row.value(header.index(column)) for column in _NUMBERS if column in header)
    login = row.value(header.index("SIS Login ID")) if "SIS Login ID" in header else ""
    return Known(numbers, (login,), names)


def _possible(sheet: Sheet, column: int) -> float | None:
    """What the assignment is worth in Canvas; None where the gradebook does not say."""
    for row in sheet.rows[1:]:
        if "Points Possible" in row.value(0):
            return parsed_points(row.value(column))
    return None
