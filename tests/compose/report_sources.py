"""Reports to be checked, made of generated runs: ``source(n)`` is what a report on run ``n`` is about."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.frames import frames
from tests.judge.questions.captures import LINE, segments
from wirelab.base.texts import Language
from wirelab.compose import kit, report, report_check, report_evidence
from wirelab.compose.report_source import Source, rebuilt
from wirelab.declare.lab import Lab, LabReport, ReportQuestion, parse_lab
from wirelab.judge.questions.answers import Free
from wirelab.judge.questions.bank import BANK
from wirelab.judge.questions.checking import CheckedReport, Put
from wirelab.observe.segments import ETHERNET
from wirelab.present.question_cells import answer_cell

FEW = ("isn-client", "handshake-frames", "write-teardown", "why-a-thread")
LAB_TEXT = """\
lab: reported
title: {en: A lab with a report, zh: 有报告的实验}
hours: 2
hands_in: [client]
objectives: [{en: "Read <b>your</b> own packets | all", zh: 读懂自己的报文}]
shown: [messaging/one-line]
rubric: [{points: 10, title: {en: Lines, zh: 消息}, of: [{scenario: messaging/one-line}]}]
report:
  questions:
"""


def lab(kinds: Iterable[str] = BANK, points: float = 6.0, *, brief: bool = False) -> Lab:
    """A lab that asks these kinds of questions."""
    asked = "".join(f"    - {{kind: {kind}, points: {points}}}\n" for kind in kinds)
    return parse_lab(f"{LAB_TEXT}{asked}  brief: {str(brief).lower()}\n", "lab.yaml")


def source(number: int) -> Source:
    """One generated run as a capture made by hand."""
    wanted = segments(number)
    packets, numbers = frames(wanted, ETHERNET), tuple(one.frame for one in wanted)
    connection = rebuilt(packets, numbers, ETHERNET, 12001)
    assert connection is not None
    return Source("lab.pcapng", connection, LINE, kit.protocol_text("line")[0], packets, numbers, ETHERNET)


def made(number: int, language: Language = "en", kinds: Iterable[str] = BANK) -> dict[str, Any]:
    """A report on one run, with every question of these kinds."""
    form = report.load_form(None)
    return report.new(
        lab(kinds), source(number), form, language, opening="wirelab.open_capture('lab.pcapng')", skip=True
    )


def solutions(one: Put, language: Language = "en") -> dict[int, str]:
    """The right answers to a question."""
    assert one.asked is not None
    found = {}
    for at, field in enumerate(one.asked.fields):
        solution = field.answer.solution
        found[at] = "In my own words." if isinstance(field.answer, Free) else getattr(solution, language)
    return found


def answered(
    notebook: Mapping[str, Any],
    puts: Iterable[Put],
    answers: Mapping[str, Mapping[int, str]],
    language: Language = "en",
) -> dict[str, Any]:
    """The notebook with answers written into it, by kind."""
    done: dict[str, Any] = copy.deepcopy(dict(notebook))
    cells = {cell["id"]: cell for cell in done["cells"]}
    for one in puts:
        if one.asked is not None:
            cells[f"a{one.number:02d}"]["source"] = answer_cell(one, language, answers.get(one.kind.name, {}))
    return done


def checked(notebook: Mapping[str, Any], asked: LabReport | None = None) -> CheckedReport:
    return report_check.check_report(notebook, "report.ipynb", asked)


def asking(kinds: Iterable[str], points: float = 6.0) -> LabReport:
    return LabReport(tuple(ReportQuestion(kind, points) for kind in kinds))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing is tested elsewhere, and takes most of the time."""
    monkeypatch.setattr(report_evidence, "pictured", lambda svg: {"image/svg+xml": svg})
    monkeypatch.setattr(report, "pictured", lambda svg: {"image/svg+xml": svg})
