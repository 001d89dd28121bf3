"""CSV that somebody else exported, filled in cell by cell: what is not filled stays byte for byte. Knows no platform.

And whose row is whose: a mark goes into a row only where all that is known of the student points at that row alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wirelab.base.errors import InputError
from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.grades import Grade, Student
from wirelab.present.exports.inert import csv_quoted, plain
from wirelab.present.words import number

register(
    {
        "sheet.empty": Text("the exported file is empty", "导出的文件是空的"),
        "sheet.quote": Text(
            "row {row} of the exported file: a double quote opens a cell and nothing closes it",
            "导出文件的第 {row} 行：有一个双引号没有配对",
        ),
        "sheet.filled": Text("marks filled in: {count}", "已填入 {count} 名学生的成绩"),
        "sheet.scaled": Text(
            "marks were scaled from {of} points, as in the lab, to {possible}, as on the platform",
            "成绩已由实验的满分 {of} 折算为平台上的满分 {possible}",
        ),
        "sheet.unscaled": Text(
            "no maximum grade was found in the file, so marks are out of {of}, as in the lab; where the platform's maximum "
            "is another, name its column with --maximum-column",
            "文件中没有找到最高分，因此成绩按实验的满分 {of} 填写；若平台上的满分不同，请用 --maximum-column 指定最高分那一列",
        ),
        "sheet.bare": Text(
            "no column for feedback was found in the file: only marks were filled in; name it with --feedback-column if "
            "there is one",
            "文件中没有找到评语列：只填写了成绩；如果有这一列，请用 --feedback-column 指定",
        ),
        "sheet.absent": Text("graded, but not in the file: {who}", "已评分，但文件里没有：{who}"),
        "sheet.unclear": Text(
            "graded, but it is not clear which row is theirs: {who}", "已评分，但无法确定对应哪一行：{who}"
        ),
        "sheet.unmarked": Text(
            "left out, because nothing could be decided yet: {who}", "未写入，因为目前全部未能判定：{who}"
        ),
        "sheet.kept": Text(
            "left out, as the platform excuses them or does not ask them: {who}",
            "未写入，因为平台上标为免交或未布置：{who}",
        ),
        "sheet.others": Text("rows left out, of people who were not graded: {who}", "未写入，因为没有评分：{who}"),
        "sheet.none": Text("none", "无"),
        "sheet.between": Text(", ", "、"),
        "sheet.called": Text("{name} ({key})", "{name}（{key}）"),
    }
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: as written, and what it means."""

    raw: str
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its line end as written, which may be empty for the last."""

    cells: tuple[Cell, ...]
    end: str

    def value(self, column: int | None) -> str:
        """What stands in a column, without blanks around it; empty where there is no such column."""
        return self.cells[column].value.strip() if column is not None and column < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of cells, and how cells are parted; ``mark`` is the byte order mark or nothing."""

    mark: str
    separator: str
    rows: tuple[Row, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """What the columns are called."""
        return tuple(cell.value.strip() for cell in self.rows[0].cells)

    def text(self, rows: Sequence[Row]) -> str:
        """These rows as they were exported."""
        return self.mark + "".join(self.separator.join(cell.raw for cell in row.cells) + row.end for row in rows)

    def filled(self, row: Row, values: Mapping[int, str]) -> Row:
        """The row with values in some of its columns; quoted where CSV asks for it, or where the cell was quoted."""
        cells = [*row.cells, *[Cell("", "")] * (max(values) + 1 - len(row.cells))]
        for column, value in values.items():
            quoted = cells[column].raw.startswith('"') or re.search(rf'[{re.escape(self.separator)}"\r\n]', value)
            cells[column] = Cell(csv_quoted(value) if quoted else value, value)
        return replace(row, cells=tuple(cells))


def read_sheet(text: str) -> Sheet:
    """Read CSV (RFC 4180) parted by commas, semicolons or tabs, whichever the header has most of.

    ``text`` must have its line ends as in the file (read it with ``newline=""``). Raises InputError.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix("\ufeff")
    if not body.strip():
        raise InputError("sheet.empty")
    header = re.sub(r'"[^"]*"', "", body.split("\n", 1)[0])
    separator = max(",;\t", key=header.count)
    cell = re.compile(rf'("[^"]*(?:""[^"]*)*"[^{separator}\r\n]*|[^{separator}\r\n]*)({separator}|\r\n|\r|\n|\Z)')
    rows: list[Row] = []
    cells: list[Cell] = []
    at = 0
    while at < len(body) or cells:
        found = cell.match(body, at)
        if found is None or (found[1].startswith('"') and found[1].count('"') % 2):
            raise InputError("sheet.quote", row=len(rows) + 1)
        cells.append(Cell(found[1], _meant(found[1])))
        at = found.end()
        if found[2] != separator:
            rows.append(Row(tuple(cells), found[2]))
            cells = []
    return Sheet(mark, separator, tuple(rows))


def _meant(raw: str) -> str:
    if not raw.startswith('"'):
        return raw
    inside = re.match(r'"((?:[^"]|"")*)"', raw)
    return raw if inside is None else inside[1].replace('""', '"') + raw[inside.end() :]


@dataclass(frozen=True, slots=True)
class Known:
    """What a row says of whose it is; empty where it says nothing."""

    numbers: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matched:
    """Whose row is whose: grades by index of row; students without a row, and those without a clear one."""

    grades: Mapping[int, Grade]
    absent: tuple[Student, ...]
    unclear: tuple[Student, ...]


def matched(grades: Sequence[Grade], rows: Mapping[int, Known]) -> Matched:
    """Find each student's row by number, login and exact name.

    Every clue that fits any row names the rows it fits; the student's row is the only one that all of them name. Where
    they contradict each other, or leave several, or two students claim the same row, nothing is guessed: a mark in a
    wrong row is worse than one that is missing.
    """
    claims: dict[int, list[Grade]] = {}
    absent: list[Student] = []
    unclear: list[Student] = []
    index = _index(rows)
    for grade in grades:
        named = [found for found in index.fitting(grade.student) if found]
        rest = set.intersection(*named) if named else set()
        if not named:
            absent.append(grade.student)
        elif len(rest) == 1:
            claims.setdefault(rest.pop(), []).append(grade)
        else:
            unclear.append(grade.student)
    unclear += [grade.student for claimed in claims.values() if len(claimed) > 1 for grade in claimed]
    return Matched({row: one[0] for row, one in claims.items() if len(one) == 1}, tuple(absent), tuple(unclear))


@dataclass(frozen=True, slots=True)
class _Index:
    """Rows by what they say, so that a class of 2 000 is not compared with itself."""

    numbers: Mapping[str, set[int]]
    logins: Mapping[str, set[int]]
    names: Mapping[str, set[int]]

    def fitting(self, student: Student) -> tuple[set[int], set[int], set[int]]:
        return (
            self.numbers.get(student.number.strip(), set()),
            self.logins.get(student.login.strip().casefold(), set()),
            self.names.get(student.name.strip(), set()),
        )


def _index(rows: Mapping[int, Known]) -> _Index:
    numbers: dict[str, set[int]] = {}
    logins: dict[str, set[int]] = {}
    names: dict[str, set[int]] = {}
    for row, known in rows.items():
        for table, values in (
            (numbers, known.numbers),
            (logins, tuple(one.casefold() for one in known.logins)),
            (names, known.names),
        ):
            for value in values:
                if value:
                    table.setdefault(value, set()).add(row)
    return _Index(numbers, logins, names)


@dataclass(frozen=True, slots=True)
class Filled:
    """A sheet filled in, ready to be uploaded, and who is not in it. ``scaled``: from so many points to so many;
    ``unscaled``: the points that marks are out of, where the sheet should say and does not; ``bare``: without feedback,
    which the sheet has no column for."""

    text: str
    count: int
    absent: tuple[Student, ...] = ()
    unclear: tuple[Student, ...] = ()
    unmarked: tuple[Student, ...] = ()
    kept: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    scaled: tuple[float, float] | None = None
    unscaled: float | None = None
    bare: bool = False

    def lines(self, language: Language) -> list[str]:
        """What to tell the instructor, one line each: nobody is left out unsaid."""
        lines = [say("sheet.filled", language, count=self.count)]
        if self.scaled:
            lines.append(say("sheet.scaled", language, of=number(self.scaled[0]), possible=number(self.scaled[1])))
        if self.unscaled:
            lines.append(say("sheet.unscaled", language, of=number(self.unscaled)))
        if self.bare:
            lines.append(say("sheet.bare", language))
        for key, who in (
            ("absent", [_called(student, language) for student in self.absent]),
            ("unclear", [_called(student, language) for student in self.unclear]),
            ("unmarked", [_called(student, language) for student in self.unmarked]),
            ("kept", [plain(name) for name in self.kept]),
            ("others", [plain(name) for name in self.others]),
        ):
            if who:
                lines.append(say(f"sheet.{key}", language, who=say("sheet.between", language).join(who)))
        return lines


def _called(student: Student, language: Language) -> str:
    name, key = plain(student.name), plain(student.key)
    return say("sheet.called", language, name=name, key=key) if name else key


def parsed_points(text: str) -> float | None:
    """Points as a platform writes them in any language: ``10``, ``1,000.00``, ``7,5``; None where it is no number."""
    match = re.fullmatch(r"([0-9][0-9.,\u00a0\u202f ]*?)(?:[.,]([0-9]{1,2}|[0-9]{4,}))?", text.strip())
    if match is None:
        return None
    whole = re.sub(r"[^0-9]", "", match[1])
    return float(f"{whole}.{match[2] or 0}")
