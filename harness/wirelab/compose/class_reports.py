"""Lab reports of a class: taken out of what was handed in, kept, checked, and counted as further lines of the rubric.

    students/KEY/report.ipynb   the report, as it was handed in
    reports-to-mark.csv         what students wrote in their own words, with a column for the marks of whoever reads it

The marks in that table are read again by every later ``grade`` and ``judge``; none that was given is ever lost.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from wirelab.base.errors import InputError, UsageError, WirelabError
from wirelab.base.texts import LANGUAGES, Bilingual, Language, Text, catalogue, register
from wirelab.compose import records
from wirelab.compose.labs import LoadedLab
from wirelab.compose.report_check import CheckedReport, check_report, is_report, read_notebook
from wirelab.compose.report_source import unsealed
from wirelab.declare.head import Title
from wirelab.declare.lab import Counted, LabReport, RubricItem
from wirelab.judge.grades import PlayedRun, Student
from wirelab.judge.likeness import conversations
from wirelab.judge.questions.bank import BANK
from wirelab.judge.questions.checking import Result
from wirelab.judge.verdict import CheckResult, Credit, Judgement, Said, Verdict, worst
from wirelab.present.exports.inert import csv_cell, csv_text
from wirelab.present.report_result import question_lines

REPORT = "report"  # what it is called among the scenarios of a class
FILE, TO_MARK = "report.ipynb", "reports-to-mark.csv"
MOST_FILES = 2000
PARTS = 1000  # of a question, in which its credit is told
_COLUMNS = ("key", "name", "question", "title", "answer", "of", "mark")

register(
    {
        "reports.title": Text("The lab report", "实验报告"),
        "reports.item": Text("Report {number}: {title}", "报告第 {number} 题：{title}"),
        "reports.none": Text(
            "no lab report was handed in: a notebook (.ipynb) made by `wirelab report new`",
            "没有提交实验报告（由 `wirelab report new` 生成的 .ipynb 文件）",
        ),
        "reports.said": Text("{said}", "{said}"),
        "reports.marked": Text("marked by the instructor: {points} of {of} points", "老师评分：{points}/{of} 分"),
        "reports.bad-mark": Text(
            "{file}: line {line}: the mark must be a number from 0 to {of}, or empty, not '{found}'",
            "{file}：第 {line} 行：评分应为 0 到 {of} 的数，或留空，不能是 '{found}'",
        ),
        "reports.bad-table": Text(
            "{file} is not the table that `wirelab grade --reports` writes: it lacks the column '{column}'",
            "{file} 不是 `wirelab grade --reports` 写出的表格：缺少 '{column}' 一列",
        ),
        "reports.no-report": Text(
            "the lab {lab} has no report: its lab.yaml asks no questions",
            "实验 {lab} 没有报告：它的 lab.yaml 中没有题目",
        ),
    }
)

Marks = Mapping[tuple[str, str], float]
"""Points that the instructor gave, by student's key and kind of question."""


def with_reports(lab: LoadedLab, out: Path) -> LoadedLab:
    """The lab with a line in its rubric for each question of its report, and the marks that were given in ``out``.
    Raises UsageError when it asks none, InputError for a table of marks that cannot be read."""
    if lab.lab.report is None:
        raise UsageError("reports.no-report", lab=lab.lab.lab)
    items = tuple(
        RubricItem(one.points, _title(number, one.kind), (Counted(REPORT, _check_name(one.kind)),))
        for number, one in enumerate(lab.lab.report.questions, 1)
    )
    return replace(lab, lab=lab.lab.counting(items), reports=read_marks(out))


def lab_of(out: Path, kept: records.Class, word: str | None) -> LoadedLab:
    """The lab that a class was graded for, with its reports where they count; else as ``records.read_lab``."""
    lab = records.read_lab(out, kept, word)
    return with_reports(lab, out) if kept.reports else lab


def _title(number: int, kind: str) -> Title:
    text = catalogue()["reports.item"]
    return Title(
        text.fill("en", number=number, title=BANK[kind].title.en),
        text.fill("zh", number=number, title=BANK[kind].title.zh),
    )


def _check_name(kind: str) -> str:
    return f"report-{kind}"


def keep(handed_in: Path, folder: Path, lab: str) -> None:
    """Keep the report that lies among the files of a submission, if there is one: of this lab before others, else the
    first by name. Raises InputError when it cannot be written."""
    found = [path for path in _notebooks(handed_in) if _lab_of(path) is not None]
    best = min(found, key=lambda path: (_lab_of(path) != lab, str(path)), default=None)
    if best is not None:
        records.write(folder / FILE, best.read_bytes())
    else:
        (folder / FILE).unlink(missing_ok=True)


def _notebooks(folder: Path) -> list[Path]:
    files = sorted(folder.rglob("*.ipynb"))[:MOST_FILES]
    return [
        path for path in files if path.is_file() and not path.is_symlink() and "checkpoints" not in path.parent.name
    ]


def _lab_of(path: Path) -> str | None:
    """The lab of a report; None for a notebook that is none, or cannot be read and does not look like one."""
    try:
        notebook = read_notebook(path)
    except InputError:
        return "" if path.stat().st_size and b'"wirelab-report"' in path.read_bytes()[-(1 << 20) :] else None
    return str(notebook["metadata"]["wirelab"].get("lab")) if is_report(notebook) else None


def prints(folder: Path) -> set[str]:
    """What tells whether somebody else's report is written about the same conversation (``judge/likeness``)."""
    found: set[str] = set()
    for path in _notebooks(folder):
        try:
            notebook = read_notebook(path)
            if is_report(notebook):
                source = unsealed(notebook["metadata"]["wirelab"].get("capture"), path)
                found.update(conversations(one.segment for one in source.connection.noted))
        except InputError:
            continue
    return found


def checked(folder: Path, asked: LabReport | None) -> CheckedReport | Said:
    """The report in a student's folder, checked; or why it could not be."""
    file = folder / FILE
    if not file.is_file():
        return Said(catalogue()["reports.none"])
    try:
        return check_report(read_notebook(file), FILE, asked)
    except WirelabError as error:
        return Said(catalogue()["reports.said"], {"said": Bilingual(error.text("en"), error.text("zh"))})


def judgement(folder: Path, lab: LoadedLab, student: Student) -> Judgement:
    """What came of a student's report, as a run's judgement: a check for each question of the lab."""
    report, marks = lab.lab.report, lab.reports or {}
    assert report is not None
    found = checked(folder, report)
    if isinstance(found, Said):
        checks = [
            CheckResult(_check_name(one.kind), None, 0, "", Verdict.FAIL, found, credit=Credit(0, 1))
            for one in report.questions
        ]
        return Judgement(REPORT, tuple(checks), Verdict.FAIL)
    checks = [_check(one, marks.get((student.key, one.put.kind.name)), brief=found.brief) for one in found.results]
    return Judgement(REPORT, tuple(checks), worst(check.verdict for check in checks))


def played(folder: Path, lab: LoadedLab, student: Student) -> PlayedRun:
    """The same as what is kept of a run."""
    title = catalogue()["reports.title"]
    tried = int((folder / FILE).is_file())
    return PlayedRun(REPORT, Bilingual(title.en, title.zh), False, judgement(folder, lab, student), tried, "")


def _check(one: Result, mark: float | None, *, brief: bool) -> CheckResult:
    """A question as a check: open while nobody has marked what only a person can."""
    points, of = one.points, one.put.points
    if one.open and mark is None:
        verdict, credit = Verdict.INCONCLUSIVE, None
    else:
        points += mark or 0.0
        credit = Credit(round(PARTS * min(1.0, points / of)), PARTS)
        verdict = Verdict.PASS if credit.met == PARTS else Verdict.FAIL
    said = {language: _words(one, language, brief=brief) for language in LANGUAGES}
    if one.open and mark is not None:
        text = catalogue()["reports.marked"]
        for language in LANGUAGES:
            said[language] += "\n" + text.fill(language, points=f"{mark:g}", of=f"{one.open:g}")
    summary = Said(catalogue()["reports.said"], {"said": Bilingual(said["en"], said["zh"])})
    return CheckResult(_check_name(one.put.kind.name), None, 0, "", verdict, summary, credit=credit)


def _words(one: Result, language: Language, *, brief: bool) -> str:
    lines = question_lines(one, language, brief=brief)
    return "\n".join("  " * line.depth + line.text.strip("\n") for line in lines)


# what a person has to mark -------------------------------------------------------------------------------------------


def read_marks(out: Path) -> dict[tuple[str, str], float]:
    """The marks in the table. Raises InputError for a table of another kind, and for what is no mark."""
    file = out / TO_MARK
    if not file.exists():
        return {}
    marks: dict[tuple[str, str], float] = {}
    for line, row in _rows(file):
        text = (row["mark"] or "").strip().replace(",", ".")
        if not text:
            continue
        try:
            mark, of = float(text), float(row["of"] or "")
        except ValueError:
            mark, of = math.nan, math.nan
        if not 0 <= mark <= of:
            raise InputError("reports.bad-mark", file=file, line=line, of=row["of"], found=text)
        marks[str(row["key"]).removeprefix("'"), str(row["question"])] = mark
    return marks


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("report.no-read", file=file, why=error) from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)  # spreadsheets save with the separator of their language
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    for column in _COLUMNS:
        if column not in (reader.fieldnames or ()):
            raise InputError("reports.bad-table", file=file, column=column)
    for row in reader:
        yield reader.line_num, row


def write_to_mark(out: Path, lab: LoadedLab, students: Iterable[Student]) -> int:
    """Write the table of what has to be marked, with the marks that are there; tells how many answers wait for one.

    What was marked of a student or a question that is there no more stays in it. Raises InputError.
    """
    report, left, waiting = lab.lab.report, dict(lab.reports or {}), 0
    rows = [list(_COLUMNS)]
    for student in students:
        found = checked(out / records.STUDENTS / student.key, report)
        for one in () if isinstance(found, Said) else found.results:
            if not one.open:
                continue
            name = one.put.kind.name
            mark = left.pop((student.key, name), None)
            waiting += mark is None
            title = one.put.kind.title.fill(student.language)
            text = " ⏎ ".join(
                line for answer in one.answers if answer.outcome.state == "open" for line in answer.text.splitlines()
            )
            given = "" if mark is None else f"{mark:g}"
            rows.append([student.key, student.name, name, title, text, f"{one.open:g}", given])
    for (key, name), mark in left.items():
        rows.append([key, "", name, "", "", f"{mark:g}", f"{mark:g}"])
    if len(rows) > 1:
        records.write(out / TO_MARK, "\ufeff" + csv_text([csv_cell(cell) for cell in row] for row in rows))
    return waiting
