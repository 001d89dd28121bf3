"""The table in which whoever grades marks what students wrote in their own words: OUT/reports-to-mark.csv.

Read again before each writing: no mark that was typed meanwhile is lost. A mark belongs to the answer it was given for; of
another answer it is shown, and does not count.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from wirelab.base.errors import InputError
from wirelab.base.texts import Bilingual, Text, register
from wirelab.compose import records
from wirelab.judge.grades import Student
from wirelab.judge.questions.checking import Result
from wirelab.present.exports.inert import csv_cell, csv_text

TO_MARK = "reports-to-mark.csv"
COLUMNS = ("key", "name", "question", "title", "answer", "of", "mark", "earlier", "id")
_NEEDED = ("key", "question", "of", "mark", "id")
ENCODINGS = ("utf-8-sig", "gb18030")  # the second one is what a Chinese Excel saves as "CSV"

register(
    {
        "marks.bad-mark": Text(
            "{file}: line {line}: the mark must be a number from 0 to {of}, or empty, not '{found}'",
            "{file}：第 {line} 行：评分应为 0 到 {of} 的数，或留空，不能是 '{found}'",
        ),
        "marks.bad-table": Text(
            "{file} is not the table that `wirelab grade --reports` writes: it lacks the column '{column}'",
            "{file} 不是 `wirelab grade --reports` 写出的表格：缺少 '{column}' 一列",
        ),
        "marks.unreadable": Text(
            "cannot read {file}: {why}; save it as CSV in UTF-8", "无法读取 {file}：{why}；请另存为 UTF-8 编码的 CSV"
        ),
    }
)

Marks = Mapping[tuple[str, str, str], float]
"""Points that were given, by student's key, kind of question, and the answer's id."""


def answer_id(one: Result) -> str:
    """What tells the open answers to a question from others."""
    text = "\0".join(" ".join(answer.text.split()) for answer in one.answers if answer.outcome.state == "open")
    return "a" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:11]


def read_marks(out: Path) -> dict[tuple[str, str, str], float]:
    """The marks in the table. Raises InputError for a table of another kind, and for what is no mark."""
    file = out / TO_MARK
    if not file.exists():
        return {}
    marks: dict[tuple[str, str, str], float] = {}
    for line, row in _rows(file):
        text = (row["mark"] or "").strip().replace(",", ".").removeprefix("'")
        if not text:
            continue
        try:
            mark, of = float(text), float((row["of"] or "").replace(",", "."))
        except ValueError:
            mark, of = math.nan, math.nan
        if not 0 <= mark <= of:
            raise InputError("marks.bad-mark", file=file, line=line, of=row["of"], found=text)
        marks[(row["key"] or "").removeprefix("'"), str(row["question"]), str(row["id"])] = mark
    return marks


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    text = _text(file)
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)  # spreadsheets save with the separator of their language
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    for column in _NEEDED:
        if column not in (reader.fieldnames or ()):
            raise InputError("marks.bad-table", file=file, column=column)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError("marks.unreadable", file=file, why=error) from None


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError("marks.unreadable", file=file, why=error.strerror or error) from None
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError("marks.unreadable", file=file, why=Bilingual("no text that is known", "不是已知编码的文字"))


def write_to_mark(out: Path, answers: Iterable[tuple[Student, Result]]) -> int:
    """Write the table of what has to be marked, with the marks that are there by now; tells how many answers wait.

    Marks for answers that are there no more stay, in rows of their own, and are shown beside the new answer. Raises
    InputError.
    """
    marks, rows, waiting = read_marks(out), [list(COLUMNS)], 0
    for student, one in answers:
        kind, own = one.put.kind.name, answer_id(one)
        mark = marks.pop((student.key, kind, own), None)
        earlier = ", ".join(f"{given:g}" for each, given in marks.items() if each[:2] == (student.key, kind))
        waiting += mark is None
        text = " ⏎ ".join(
            line for answer in one.answers if answer.outcome.state == "open" for line in answer.text.splitlines()
        )
        title, given = one.put.kind.title.fill(student.language), "" if mark is None else f"{mark:g}"
        rows.append([student.key, student.name, kind, title, text, f"{one.open:g}", given, earlier, own])
    for (key, kind, own), mark in marks.items():
        rows.append([key, "", kind, "", "", f"{mark:g}", f"{mark:g}", "", own])
    if len(rows) > 1:
        records.write(out / TO_MARK, "\ufeff" + csv_text([csv_cell(cell) for cell in row] for row in rows))
    return waiting
