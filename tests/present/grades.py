"""Grades made by hand: a lab with shown and hidden scenarios, and students of all sorts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wirelab.base.texts import Bilingual, Language, Text
from wirelab.declare.head import Title
from wirelab.declare.lab import Counted, Lab, RubricItem
from wirelab.judge.findings import finding
from wirelab.judge.grades import Grade, PlayedRun, Student
from wirelab.judge.points import score
from wirelab.judge.verdict import CheckResult, Credit, Finding, Judgement, Said, Verdict, worst

ONE_LINE, BURST, CTRL_D = "messaging/one-line", "messaging/burst", "teardown/ctrl-d"  # shown
HALF, LATE = "messaging/half-a-line", "heartbeat/late"  # hidden

LAB = Lab(
    lab="1-messaging",
    title=Title(en="Messages in a stream", zh="字节流里的消息"),
    hours=2,
    hands_in=("client",),
    objectives=(Title(en="Messages", zh="消息"),),
    shown=(ONE_LINE, BURST, CTRL_D),
    hidden=(HALF, LATE),
    rubric=(
        RubricItem(
            50,
            Title(en="A typed line arrives", zh="输入一行，送达一行"),
            (Counted(ONE_LINE, "messages"), Counted(HALF, "messages")),
        ),
        RubricItem(20, Title(en="Many lines | in order", zh="多行按序送达"), (Counted(BURST),)),
        RubricItem(20, Title(en="Heartbeats", zh="心跳"), (Counted(LATE, "heartbeat"),)),
        RubricItem(10, Title(en="It ends", zh="正常退出"), (Counted(CTRL_D, "teardown"),)),
    ),
)

HOSTILE = '=cmd|"/c calc"!A1<img src=x onerror=alert(1)>[a](http://evil.example)\x1b]0;x\x07\u202e| @all #1 `x` ]]>\ufffe\ud800'


def said(text: str, /, **values: object) -> Said:
    return Said(Text(text, f"中文：{text}"), values)


def check(
    name: str, verdict: Verdict = Verdict.PASS, *findings: Finding, written: str = "", summary: str = "as it should be"
) -> CheckResult:
    credit = None if verdict is Verdict.INCONCLUSIVE else Credit(int(verdict is Verdict.PASS), 1)
    return CheckResult(name, "alice", 7, written or f"{{{name}: alice}}", verdict, said(summary), findings, credit)


def failed(name: str, text: str = "half a line", line: str = "Traceback: boom") -> CheckResult:
    reason = Finding(
        "WL251", "alice", said("one recv() is taken for one message: {text}", text=text), said("a loop"), (3,)
    )
    terminal = (("alice", line),)
    found = finding("WL201", "alice", frames=(5, 6), terminal=terminal, actor="alice", text=text, sent="nothing")
    return check(name, Verdict.FAIL, replace(found, cause=reason), summary=f"{text} is missing")


def unclear(name: str) -> CheckResult:
    return check(name, Verdict.INCONCLUSIVE, finding("WL901", None, lost=3))


def run(scenario: str, *checks: CheckResult, title: str = "", hidden: bool | None = None) -> PlayedRun:
    judgement = Judgement(scenario, checks, worst(one.verdict for one in checks))
    title = title or f"Title of {scenario}"
    hidden = scenario in LAB.hidden if hidden is None else hidden
    return PlayedRun(scenario, Bilingual(title, f"标题 {title}"), hidden, judgement, 1, f"runs/{scenario}")


ALL_WELL: dict[str, tuple[CheckResult, ...]] = {
    ONE_LINE: (check("messages"),),
    BURST: (check("messages"), check("exits")),
    CTRL_D: (check("teardown"),),
    HALF: (check("messages"),),
    LATE: (check("heartbeat"),),
}


def grade(
    student: Student | str = "ada",
    changes: Mapping[str, tuple[CheckResult, ...]] | None = None,
    *,
    problem: Said | None = None,
    built: str = "",
    titles: Mapping[str, str] | None = None,
    lab: Lab = LAB,
) -> Grade:
    """Everything right but for ``changes``: checks by scenario, none for one that was not played."""
    who = Student(student) if isinstance(student, str) else student
    if problem is not None:
        return Grade(who, lab, (), (), problem, built, 1.5)
    played = ALL_WELL | dict(changes or {})
    runs = tuple(run(name, *checks, title=(titles or {}).get(name, "")) for name, checks in played.items() if checks)
    return Grade(who, lab, score(lab.rubric, {one.scenario: one.judgement for one in runs}), runs, None, built, 12.25)


def student(key: str, name: str = "", number: str = "", login: str = "", language: Language = "en") -> Student:
    return Student(key, name, number, login, language)


ADA = student("ada", "Lovelace, Ada", "1001", "ada@uni.example")
LI = student("li-lei", "李雷", "20230001", "li.lei@uni.example", "zh")
EVE = student("eve", HOSTILE, "+1", "-2", "en")

CLASS: tuple[Grade, ...] = (
    grade(ADA),
    grade(LI, {ONE_LINE: (failed("messages"),), HALF: (failed("messages"),), LATE: (unclear("heartbeat"),)}),
    grade(EVE, {BURST: (failed("messages", HOSTILE, HOSTILE), check("exits"))}, built=HOSTILE),
    grade(student("bob", "Bob", "1004"), problem=said("no client was found; looked for {names}", names="client.py")),
    grade(student("mal", "Mal", "1005"), {name: (unclear("messages"),) for name in ALL_WELL}),
)
"""All right; wrong, wrong in a hidden run and undecided in another; hostile; nothing to play; nothing decided."""
