"""Checks a lab report: reads its answers without executing anything, and holds them against the sealed capture.

What a notebook claims is not believed: questions are put anew from the packets, points come from the lab where it is at
hand, and whatever was changed since the report was made is said.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wirelab.base.errors import InputError
from wirelab.base.texts import Bilingual, Language, Text, catalogue, register
from wirelab.compose import report_source
from wirelab.compose.report_source import Source
from wirelab.declare.lab import LabReport
from wirelab.judge.questions.bank import BANK
from wirelab.judge.questions.checking import CheckedReport, Put, check, put
from wirelab.judge.verdict import Said
from wirelab.present.question_cells import read_answers
from wirelab.present.report_notebook import FORMAT, VERSION

LARGEST = 24 << 20  # bytes of a notebook that are read
MOST_CELLS = 2000
MOST_QUESTIONS = 200

register(
    {
        "report.no-read": Text("cannot read {file}: {why}", "无法读取 {file}：{why}"),
        "report.not-notebook": Text("{file} is not a Jupyter notebook: {why}", "{file} 不是 Jupyter notebook：{why}"),
        "report.too-large": Text(
            "{file} has {size} bytes, more than the {most} that are read of a report; remove large pictures from it",
            "{file} 有 {size} 字节，超过报告允许的 {most} 字节；请删去其中的大图片",
        ),
        "report.not-report": Text(
            "{file} is a notebook, but no report that `wirelab report new` made",
            "{file} 是 notebook，但不是 `wirelab report new` 生成的报告",
        ),
        "report.version": Text(
            "{file} has report format version {found}; this wirelab reads version {known}",
            "{file} 的报告格式版本是 {found}；本 wirelab 只能读取版本 {known}",
        ),
        "report.bad-questions": Text(
            "{file}: what it keeps about its questions is damaged ({why}); name the lab with --lab",
            "{file}：其中关于题目的数据已损坏（{why}）；请用 --lab 指明实验",
        ),
        "report.capture-changed": Text(
            "the capture or the questions that this report keeps about itself were changed after it was made",
            "这份报告生成之后，其中保存的抓包或题目数据被改动过",
        ),
        "report.question-changed": Text(
            "the text of question {number} was changed after the report was made",
            "第 {number} 题的题目文字在报告生成后被改动过",
        ),
        "report.question-gone": Text(
            "question {number} was removed from the report", "第 {number} 题的题目被从报告中删除了"
        ),
        "report.answer-gone": Text(
            "the place for the answer to question {number} was removed from the report",
            "第 {number} 题的答题处被从报告中删除了",
        ),
        "report.evidence-gone": Text(
            "evidence was removed from the report: {what}", "报告中的这项证据被删除了：{what}"
        ),
        "report.not-asked": Text(
            "the lab asks '{kind}', and this report has no such question: it was made for another lab, or an older one",
            "实验中有 '{kind}' 一题，这份报告里却没有：它是为别的实验或旧版实验生成的",
        ),
        "report.other-capture": Text(
            "{file} is another capture than the one this report was made from; the report's own is used",
            "{file} 不是生成这份报告所用的抓包；仍使用报告自带的抓包",
        ),
    }
)


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook file as plain data, valid by nbformat's schema. Raises InputError for whatever else it is."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise InputError("report.too-large", file=path, size=size, most=LARGEST)
        if not path.is_file():
            raise InputError("report.no-read", file=path, why=Bilingual("not a regular file", "不是普通文件"))
        data = path.read_bytes()
    except OSError as error:
        raise InputError("report.no-read", file=path, why=error.strerror or error) from None
    return parsed(data, path)


def parsed(data: bytes, file: Path | str) -> dict[str, Any]:
    """A notebook from its bytes; see ``read_notebook``."""
    from nbformat import ValidationError, validate  # here: it takes 0.2 s to import

    def bad(why: object) -> InputError:
        return InputError("report.not-notebook", file=file, why=why)

    try:
        plain = json.loads(data.decode("utf-8-sig"))
        version = plain.get("nbformat") if isinstance(plain, dict) else None
        if not isinstance(plain, dict) or version != 4:
            said = str(version)[:20]
            raise bad(Bilingual(f"its nbformat is {said}, not 4", f"它的 nbformat 是 {said}，不是 4"))
        if not isinstance(plain.get("cells"), list) or len(plain["cells"]) > MOST_CELLS:
            raise bad(f"cells: {MOST_CELLS}")
        with warnings.catch_warnings():  # of what editors write that is a little off: cells without names, say
            warnings.simplefilter("ignore")
            validate(plain)
        json.dumps(plain, ensure_ascii=False).encode()
    except RecursionError:
        raise bad(Bilingual("nested too deeply", "嵌套太深")) from None
    except UnicodeEncodeError:
        raise bad(Bilingual("half a character in a text", "文字中有半个字符")) from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise bad(Bilingual("it is not JSON, as a notebook is", "它不是 notebook 所用的 JSON")) from None
    except ValidationError as error:
        raise bad(str(error).partition("\n")[0][:300]) from None
    except InputError:
        raise
    except Exception as error:  # whatever nbformat and its validator stumble over in what somebody handed in
        raise bad(f"{type(error).__name__}: {error}"[:300]) from None
    for cell in plain["cells"]:
        if isinstance(cell.get("source"), list):
            cell["source"] = "".join(map(str, cell["source"]))
    return plain


def about(notebook: Mapping[str, Any], file: Path | str) -> dict[str, Any]:
    """What wirelab keeps in a report about itself. Raises InputError when it is none, or of another version."""
    kept = notebook.get("metadata", {}).get("wirelab")
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise InputError("report.not-report", file=file)
    if kept.get("version") != VERSION:
        raise InputError("report.version", file=file, found=kept.get("version"), known=VERSION)
    return kept


def is_report(notebook: Mapping[str, Any]) -> bool:
    """Whether a notebook is a report at all."""
    kept = notebook.get("metadata", {}).get("wirelab")
    return isinstance(kept, dict) and kept.get("format") == FORMAT


def seal(kept: Mapping[str, Any]) -> str:
    """The checksum over what a report keeps about itself."""
    return report_source.digest({name: value for name, value in kept.items() if name != "seal"})


def text_digest(source: str) -> str:
    """What a question's text is told by; line ends and spaces at their ends do not count."""
    return hashlib.sha256("\n".join(line.rstrip() for line in source.strip().splitlines()).encode()).hexdigest()


def check_report(
    notebook: Mapping[str, Any],
    file: Path | str,
    asked: LabReport | None = None,
    other: Source | None = None,
    protocols: Mapping[str, str] | None = None,
) -> CheckedReport:
    """Check a report. ``asked`` is what the lab asks, where it is at hand; else the report's own word is taken. ``other``
    is the run or capture it was made from, as somebody says; ``protocols`` as for ``report_source.unsealed``.

    Raises InputError for a notebook that is no report, holds no capture that can be read (and there is no other), or is
    damaged where it says what was asked.
    """
    kept = about(notebook, file)
    language: Language = "zh" if kept.get("language") == "zh" else "en"
    remarks: list[Said] = []
    try:
        source = report_source.unsealed(kept.get("capture"), file, protocols)
    except InputError:
        if other is None:
            raise
        source = other
    if kept.get("seal") != seal(kept):
        remarks.append(Said(catalogue()["report.capture-changed"]))
    if other is not None and other.seed != source.seed:
        remarks.append(Said(catalogue()["report.other-capture"], {"file": other.name}))
    try:
        own = _questions(kept, file)
    except InputError:
        if asked is None:
            raise
        own = [(one.kind, one.points) for one in asked.questions]
    numbers = {kind: number for number, (kind, _) in enumerate(own, 1)}
    wanted = own if asked is None else [(one.kind, one.points) for one in asked.questions]
    cells = _cells(notebook)
    texts = kept.get("texts")
    texts = texts if isinstance(texts, dict) else {}
    results = []
    for one in put(wanted, source.facts):
        number = numbers.get(one.kind.name)
        if number is None:
            remarks.append(Said(catalogue()["report.not-asked"], {"kind": one.kind.name}))
            results.append(check(one, {}))
            continue
        remarks += _changes(number, cells, texts, one)
        results.append(check(one, _answers(cells.get(f"answer-{number:02d}"), one)))
    remarks += _lost(kept, notebook, language)
    brief = kept.get("brief") is True if asked is None else asked.brief
    return CheckedReport(str(kept.get("lab", "")), language, tuple(results), tuple(remarks), brief)


def _questions(kept: Mapping[str, Any], file: Path | str) -> list[tuple[str, float]]:
    """The kinds and points of the questions, as the report says."""
    try:
        listed = kept["questions"]
        found = [(str(one["kind"]), float(one["points"])) for one in listed]
        if not isinstance(listed, list) or len(found) > MOST_QUESTIONS:
            raise ValueError(len(found))
        for kind, points in found:
            if kind not in BANK or not math.isfinite(points) or not 0 < points <= 1000:
                raise ValueError(f"{kind}: {points}")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError("report.bad-questions", file=file, why=str(error)[:200]) from None
    return found


def _cells(notebook: Mapping[str, Any]) -> dict[str, str]:
    """The sources of questions and answers by nbgrader's names for them, which survive what editors do to cells: one that
    was split is put together again."""
    found: dict[str, str] = {}
    for cell in notebook["cells"]:
        graded = cell["metadata"].get("nbgrader")
        name = graded.get("grade_id") if isinstance(graded, dict) else None
        if isinstance(name, str) and cell["cell_type"] == "markdown":
            before = f"{found[name]}\n" if name in found else ""
            found[name] = before + str(cell["source"])
    return found


def _answers(source: str | None, one: Put) -> dict[int, str]:
    return {} if source is None or one.asked is None else read_answers(source, one.asked)


def _changes(number: int, cells: Mapping[str, str], texts: Mapping[str, Any], one: Put) -> Sequence[Said]:
    """What happened to the cells of a question since the report was made."""
    found = []
    question = cells.get(f"question-{number:02d}")
    if question is None:
        found.append("report.question-gone")
    elif text_digest(question) != texts.get(f"question-{number:02d}"):
        found.append("report.question-changed")
    if one.asked is not None and f"answer-{number:02d}" not in cells:
        found.append("report.answer-gone")
    return [Said(catalogue()[word], {"number": number}) for word in found]


def _lost(kept: Mapping[str, Any], notebook: Mapping[str, Any], language: Language) -> list[Said]:
    """Evidence that the report had when it was made, and has no more."""
    listed = kept.get("evidence")
    there = {cell.get("id") for cell in notebook["cells"] if cell["cell_type"] == "markdown" or cell.get("outputs")}
    lost = []
    for name, heading in listed.items() if isinstance(listed, dict) else ():
        if name not in there:
            lost.append(Said(catalogue()["report.evidence-gone"], {"what": str(heading)[:100]}))
    return lost
