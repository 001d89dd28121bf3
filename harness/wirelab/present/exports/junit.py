"""JUnit XML: a suite for each student, a case for each check. Knows no platform that reads it.

Wrong behaviour is a failure; what the machine kept from being decided is an error, so that nobody takes it for a fault
of the program. Attributes are those that the readers of Jenkins, GitLab and GitHub's reporters have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.grades import Grade, PlayedRun
from wirelab.judge.verdict import Verdict
from wirelab.present.exports.inert import plain
from wirelab.present.exports.telling import check_lines, problem_lines, sentence
from wirelab.present.feedback import hidden_numbers, in_

_KINDS = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error"}

register(
    {
        "junit.start": Text("the submission starts", "提交的程序能启动"),
        "junit.hidden": Text("hidden", "隐藏"),
        "junit.folder": Text("run folder: {folder}, tries: {tries}", "运行文件夹：{folder}，尝试次数：{tries}"),
    }
)


def junit(grades: Sequence[Grade], *, language: Language, for_students: bool = False) -> str:
    """An XML document in UTF-8. ``for_students``: of hidden scenarios nothing but their
    numbers and verdicts."""
    root = ElementTree.Element("testsuites", name="wirelab")
    for grade in grades:
        root.append(_suite(grade, language, for_students))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(max(0.0, grade.seconds) for grade in grades):.3f}")
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(grade: Grade, language: Language, for_students: bool) -> ElementTree.Element:
    student = grade.student
    name = plain(student.key if student.called == student.key else f"{student.name} ({student.key})")
    suite = ElementTree.Element("testsuite", name=name)
    if grade.problem is not None:
        case = _case(suite, plain(grade.lab.lab), say("junit.start", language))
        _outcome(case, "failure", "start", problem_lines(grade, language))
    secret = hidden_numbers(grade) if for_students else {}
    for run in grade.runs:
        if run.scenario in secret:
            _hidden_run(suite, run, secret[run.scenario], language)
        else:
            _run(suite, run, language)
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    suite.set("skipped", "0")
    suite.set("time", f"{max(0.0, grade.seconds):.3f}")
    return suite


def _run(suite: ElementTree.Element, run: PlayedRun, language: Language) -> None:
    name = plain(run.scenario).replace("/", ".")
    if not run.judgement.checks:
        _verdict_only(suite, name, plain(in_(run.title, language)), run.judgement.verdict, language)
    for check in run.judgement.checks:
        case = _case(suite, name, plain(f"{check.name} {check.actor}" if check.actor else check.name))
        if check.verdict is not Verdict.PASS:
            code = check.findings[0].code if check.findings else str(check.verdict)
            _outcome(case, _KINDS[check.verdict], code, check_lines(check, language))
        about = plain(say("junit.folder", language, folder=run.folder, tries=run.tries))
        ElementTree.SubElement(case, "system-out").text = f"{sentence(check.summary, language)}\n{about}"


def _hidden_run(suite: ElementTree.Element, run: PlayedRun, number: int, language: Language) -> None:
    """One case, whatever the run checked: the number of its checks would tell something of it."""
    name = say("feedback.hidden.one", language, number=number)
    _verdict_only(suite, say("junit.hidden", language), name, run.judgement.verdict, language)


def _verdict_only(suite: ElementTree.Element, classname: str, name: str, verdict: Verdict, language: Language) -> None:
    case = _case(suite, classname, name)
    if verdict is not Verdict.PASS:
        _outcome(case, _KINDS[verdict], str(verdict), [say(f"verdict.{verdict}", language)])


def _case(suite: ElementTree.Element, classname: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=classname, name=name)


def _outcome(case: ElementTree.Element, kind: str, code: str, lines: Sequence[str]) -> None:
    element = ElementTree.SubElement(case, kind, message=lines[0].strip(), type=plain(code))
    element.text = "\n".join(lines)
