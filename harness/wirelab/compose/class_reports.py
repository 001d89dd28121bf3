"""Lab reports of a class: taken out of what was handed in, kept, checked, and counted as further lines of the rubric.

    students/KEY/report.ipynb   the report, as it was handed in

What only a person can mark is written and read by ``report_marks``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from wirelab.base.errors import InputError, UsageError, WirelabError
from wirelab.base.texts import LANGUAGES, Bilingual, Language, Text, catalogue, register
from wirelab.compose import records
from wirelab.compose.labs import LoadedLab
from wirelab.compose.report_check import LARGEST, check_report, is_report, read_notebook
from wirelab.compose.report_marks import answer_id, read_marks
from wirelab.compose.report_source import opened
from wirelab.declare.head import Title
from wirelab.declare.lab import Counted, RubricItem
from wirelab.judge.grades import REPORT, PlayedRun, Student
from wirelab.judge.likeness import conversations
from wirelab.judge.questions.bank import BANK
from wirelab.judge.questions.checking import CheckedReport, Result
from wirelab.judge.verdict import CheckResult, Credit, Judgement, Said, Verdict, worst
from wirelab.present.report_result import question_lines

FILE = "report.ipynb"
MOST_FILES, MOST_REPORTS = 2000, 10
PARTS = 60  # of a question, at most, in which its credit is told
_MARK = b'"wirelab-report"'

register(
    {
        "reports.title": Text("The lab report", "实验报告"),
        "reports.item": Text("Report {number}: {title}", "报告第 {number} 题：{title}"),
        "reports.none": Text(
            "no lab report was handed in: a notebook (.ipynb) made by `wirelab report new` (a blank form made by `wirelab "
            "report template` is none)",
            "没有提交实验报告：由 `wirelab report new` 生成的 .ipynb 文件（`wirelab report template` 生成的空白表格不算）",
        ),
        "reports.said": Text("{said}", "{said}"),
        "reports.remark": Text("lab report: {said}", "实验报告：{said}"),
        "reports.marked": Text("marked by the instructor: {points} of {of} points", "老师评分：{points}/{of} 分"),
        "reports.no-report": Text(
            "the lab {lab} has no report: its lab.yaml asks no questions",
            "实验 {lab} 没有报告：它的 lab.yaml 中没有题目",
        ),
    }
)


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


def keep(handed_in: Path, folder: Path, lab: LoadedLab) -> None:
    """Keep the report that lies among the files of a submission, if there is one: of this lab before others, and of
    several the one with most points. Raises InputError when it cannot be written."""
    found = [(each, path) for path in _notebooks(handed_in) if (each := _lab_of(path)) is not None]
    if len(found) > 1:
        found.sort(key=lambda one: (one[0] != lab.lab.lab, -_points(one[1], lab), str(one[1])))
    if found:
        records.write(folder / FILE, found[0][1].read_bytes())
    else:
        (folder / FILE).unlink(missing_ok=True)


def _notebooks(folder: Path) -> list[Path]:
    """The first few notebooks that say that they are reports, of a size that is read."""
    found = []
    for path in sorted(folder.rglob("*.ipynb"))[:MOST_FILES]:
        if not path.is_file() or path.is_symlink() or "checkpoints" in path.parent.name:
            continue
        if path.stat().st_size <= LARGEST and _MARK in path.read_bytes():
            found.append(path)
        if len(found) == MOST_REPORTS:
            break
    return found


def _lab_of(path: Path) -> str | None:
    """The lab of a report; empty for one that is damaged, None for what is none after all."""
    try:
        notebook = read_notebook(path)
    except InputError:
        return ""
    if not is_report(notebook) or notebook["metadata"]["wirelab"].get("blank"):
        return None
    return str(notebook["metadata"]["wirelab"].get("lab"))


def _points(path: Path, lab: LoadedLab) -> float:
    """What a report would get, open answers included."""
    found = _checked(path, lab)
    return -1.0 if isinstance(found, Said) else found.points + found.open


def prints(folder: Path) -> set[str]:
    """What tells whether somebody else's report is written about the same conversation (``judge/likeness``)."""
    found: set[str] = set()
    for path in _notebooks(folder):
        try:
            notebook = read_notebook(path)
            if is_report(notebook):
                it = opened(notebook["metadata"]["wirelab"].get("capture"), path)
                found.update(conversations(one.segment for one in it.connection.noted))
        except InputError:
            continue
    return found


def checked(folder: Path, lab: LoadedLab) -> CheckedReport | Said:
    """The report in a student's folder, checked; or why it could not be."""
    file = folder / FILE
    return _checked(file, lab) if file.is_file() else Said(catalogue()["reports.none"])


def _checked(file: Path, lab: LoadedLab) -> CheckedReport | Said:
    protocols = {one.profile.name: one.source for one in lab.scenarios.values()}
    try:
        return check_report(read_notebook(file), file.name, lab.lab.report, protocols=protocols)
    except WirelabError as error:
        return Said(catalogue()["reports.said"], {"said": Bilingual(error.text("en"), error.text("zh"))})


@dataclass(frozen=True, slots=True)
class Reported:
    """What came of a student's report: as a run with a check for each question, and what is to be said besides."""

    run: PlayedRun
    remarks: tuple[Said, ...] = ()


def reported(folder: Path, lab: LoadedLab, student: Student) -> Reported:
    """What came of the report in a student's folder."""
    report, marks = lab.lab.report, lab.reports or {}
    assert report is not None
    found = checked(folder, lab)
    if isinstance(found, Said):
        checks = tuple(
            CheckResult(_check_name(one.kind), None, 0, "", Verdict.FAIL, found, credit=Credit(0, 1))
            for one in report.questions
        )
        return Reported(_run(checks, tried=0))
    given = {one.put.kind.name: marks.get((student.key, one.put.kind.name, answer_id(one))) for one in found.results}
    checks = tuple(_check(one, given[one.put.kind.name]) for one in found.results)
    remarks = tuple(Said(catalogue()["reports.remark"], {"said": _both(remark)}) for remark in found.remarks)
    return Reported(_run(checks, tried=1), remarks)


def _run(checks: tuple[CheckResult, ...], *, tried: int) -> PlayedRun:
    title = catalogue()["reports.title"]
    judgement = Judgement(REPORT, checks, worst(check.verdict for check in checks))
    return PlayedRun(REPORT, Bilingual(title.en, title.zh), False, judgement, tried, "")


def _both(said: Said) -> Bilingual:
    return Bilingual(said.in_("en"), said.in_("zh"))


def _check(one: Result, mark: float | None) -> CheckResult:
    """A question as a check: open while nobody has marked what only a person can."""
    points, of = one.points, one.put.points
    if one.open and mark is None:
        verdict, credit = Verdict.INCONCLUSIVE, None
    else:
        part = Fraction(min(1.0, (points + (mark or 0.0)) / of)).limit_denominator(PARTS)
        credit = Credit(part.numerator, part.denominator)
        verdict = Verdict.PASS if part == 1 else Verdict.FAIL
    said = {language: _words(one, language) for language in LANGUAGES}
    if one.open and mark is not None:
        text = catalogue()["reports.marked"]
        for language in LANGUAGES:
            said[language] += " · " + text.fill(language, points=f"{mark:g}", of=f"{one.open:g}")
    summary = Said(catalogue()["reports.said"], {"said": Bilingual(said["en"], said["zh"])})
    return CheckResult(_check_name(one.put.kind.name), None, 0, "", verdict, summary, credit=credit)


def _words(one: Result, language: Language) -> str:
    """What is said of a question, in one line: not every platform that shows it keeps several."""
    lines = (line.text for line in question_lines(one, language))
    return " · ".join(" / ".join(part.strip() for part in line.splitlines() if part.strip()) for line in lines)


def to_mark(out: Path, lab: LoadedLab, students: Iterable[Student]) -> Iterator[tuple[Student, Result]]:
    """What students wrote in their own words, for whoever grades."""
    for student in students:
        found = checked(out / records.STUDENTS / student.key, lab)
        for one in () if isinstance(found, Said) else found.results:
            if one.open:
                yield student, one
