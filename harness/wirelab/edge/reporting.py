"""Commands ``report new``, ``template``, ``check``, ``export``, ``kinds`` and ``form``. Prints; decides nothing about answers."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from wirelab.base.errors import EnvironmentFault, UsageError
from wirelab.base.plain_json import json_text
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import analysis, labs, report, report_check, report_export, report_source
from wirelab.compose.analysis import Selection
from wirelab.compose.report_source import Source
from wirelab.declare.lab import LabReport
from wirelab.edge.output import put
from wirelab.judge.questions import own_words
from wirelab.judge.questions.bank import BANK
from wirelab.judge.questions.checking import CheckedReport
from wirelab.present.report_result import marked, plain_result, result_lines
from wirelab.present.style import safe

PLAIN = 100  # cells of a line where there is no terminal

register(
    {
        "reporting.made": Text(
            "{file}: {count} questions, {points:g} points. Open it in Jupyter, write your answers where the ____ stand, then: "
            "wirelab report check {file}",
            "{file}：{count} 道题，共 {points:g} 分。请在 Jupyter 中打开，在 ____ 处填写答案，然后运行：wirelab report check {file}",
        ),
        "reporting.by-hand": Text(" (for you to mark)", "（由老师评阅）"),
        "reporting.template": Text("{file}: the blank form", "{file}：空白表格"),
        "reporting.written": Text("written: {file}", "已写入：{file}"),
        "reporting.port": Text(
            "--port must be a number from 1 to 65535, not {value}", "--port 应为 1 到 65535 的数，不能是 {value}"
        ),
        "reporting.capture-only": Text(
            "--port and --stream go with --capture only", "--port 和 --stream 只能与 --capture 一起使用"
        ),
        "reporting.notebook": Text(
            "{file}: the name of a notebook ends with .ipynb", "{file}：notebook 的文件名应以 .ipynb 结尾"
        ),
        "reporting.same": Text(
            "{file} is the report itself; name another file for the marked copy",
            "{file} 就是报告本身；请为批改后的副本另取一个文件名",
        ),
    }
)


def _new(options: argparse.Namespace, language: Language) -> int:
    file = _notebook(options.output)
    lab = labs.load(labs.found(options.lab), hidden=False).lab
    form = report.load_form(_path(options.form))
    student = report.load_student(Path(options.student), form) if options.student else {}
    source = _source(options)
    assert source is not None
    made = report.new(
        lab,
        source,
        form,
        language,
        opening=_opening(options, file, language),
        student=student,
        programs=[Path(program) for program in options.program],
        skip=options.skip,
        named=options.lab,
    )
    report.write(file, report.text_of(made), replace=options.force)
    asked = lab.report.questions if lab.report else ()
    points = sum(one.points for one in asked)
    put(safe(say("reporting.made", language, file=file, count=len(asked), points=points)))
    return 0


def _template(options: argparse.Namespace, language: Language) -> int:
    file = _notebook(options.output)
    lab = labs.load(labs.found(options.lab), hidden=False).lab
    form = report.load_form(_path(options.form))
    student = report.load_student(Path(options.student), form) if options.student else {}
    report.write(file, report.text_of(report.template(lab, form, language, student)), replace=options.force)
    put(safe(say("reporting.template", language, file=file)))
    return 0


def _check(options: argparse.Namespace, language: Language) -> int:
    file = Path(options.report)
    asked: LabReport | None = None
    protocols: dict[str, str] = {}
    if options.lab:
        loaded = labs.load(labs.found(options.lab), hidden=False)
        if loaded.lab.report is None:
            raise UsageError("report.no-questions", lab=loaded.lab.lab)
        asked = loaded.lab.report
        protocols = {one.profile.name: one.source for one in loaded.scenarios.values()}
    if options.protocol:
        protocols[analysis.load(options.protocol).name] = analysis.protocol_text(options.protocol)
    other = _source(options)
    notebook = report_check.read_notebook(file)
    checked = report_check.check_report(notebook, file, asked, other, protocols)
    brief = options.brief or (checked.brief and asked is None)  # whoever names the lab has a right to know
    if options.json:
        put(json_text(plain_result(checked), 1))
    else:
        tty = sys.stdout.isatty()
        width = shutil.get_terminal_size((PLAIN, 24)).columns if tty else PLAIN
        for line in result_lines(checked, language, width=width, colour=tty, brief=brief):
            put(line)
    if options.output:
        to = _notebook(options.output)
        if to.exists() and to.samefile(file):
            raise UsageError("reporting.same", file=to)
        report.write(to, report.text_of(marked(notebook, checked, language, brief=brief)), replace=options.force)
        put(safe(say("reporting.written", language, file=to)))
    return _status(checked)


def _status(checked: CheckedReport) -> int:
    """0 all is right, 1 something is not, 2 the rest waits for a person."""
    if checked.remarks or checked.points + checked.open < checked.of - 1e-9:
        return 1
    return 2 if checked.open else 0


def _export(options: argparse.Namespace, language: Language) -> int:
    source, wanted = Path(options.report), [Path(each) for each in options.output]

    def told(file: Path) -> None:
        put(safe(say("reporting.written", language, file=file)))

    try:
        report_export.export(source, wanted, told)
    except EnvironmentFault:  # no engine that prints: the page is there all the same
        pages = [each.with_suffix(".html") for each in wanted if each.suffix.lower() == ".pdf"]
        report_export.export(source, [page for page in pages if page not in wanted and not page.exists()], told)
        raise
    return 0


def _kinds(options: argparse.Namespace, language: Language) -> int:
    widest = max(map(len, BANK))
    for name, kind in BANK.items():
        by_hand = say("reporting.by-hand", language) if kind in own_words.KINDS else ""
        put(f"{name:{widest}}  {kind.about.fill(language)}{by_hand}")
    return 0


def _form(options: argparse.Namespace, language: Language) -> int:
    lines = report.default_form()[0].rstrip("\n").split("\n")
    put("\n".join(line for line in lines if not line.startswith("# yaml-language-server")))  # its path is the kit's
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace, Language], int]] = {
    "new": _new,
    "template": _template,
    "check": _check,
    "export": _export,
    "kinds": _kinds,
    "form": _form,
}


def _path(word: str | None) -> Path | None:
    return None if word is None else Path(word)


def _notebook(word: str) -> Path:
    file = Path(word)
    if file.suffix != ".ipynb":
        raise UsageError("reporting.notebook", file=file)
    return file


def _source(options: argparse.Namespace) -> Source | None:
    """The run or the capture that was named, if one was."""
    if options.capture is None:
        if (options.port, options.stream) != (None, None):
            raise UsageError("reporting.capture-only")
        return None if options.run is None else report_source.of_run(Path(options.run))
    return report_source.of_capture(
        Path(options.capture), Selection(None, _port(options.port), options.stream), options.protocol
    )


def _port(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise UsageError("reporting.port", value=value)
    return int(value)


def _opening(options: argparse.Namespace, file: Path, language: Language) -> str:
    """The Python expression with which the report's cells open the run or the capture, as seen from its own folder."""

    def seen(path: str) -> str:
        return Path(os.path.relpath(Path(path).resolve(), file.resolve().parent)).as_posix()

    if options.run is not None:
        return f"wirelab.open_run({seen(options.run)!r}, language={language!r})"
    words = [repr(seen(options.capture))]
    for name in ("port", "stream", "protocol"):
        value = getattr(options, name)
        if value is not None:
            words.append(f"{name}={int(value) if name == 'port' else value!r}")
    return f"wirelab.open_capture({', '.join(words)}, language={language!r})"
