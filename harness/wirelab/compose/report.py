"""Makes a lab report from a run or a capture: what the form asks, what is known, the questions, and the seal on it all."""

from __future__ import annotations

import json
import os
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from wirelab import __version__
from wirelab.base.errors import AuthorError, InputError, Place, Problem, UsageError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import kit, library, report_source
from wirelab.compose.files import write_whole
from wirelab.compose.report_check import seal, text_digest
from wirelab.compose.report_evidence import evidence, explore
from wirelab.compose.report_pictures import pictured
from wirelab.compose.report_source import Source
from wirelab.declare.lab import Lab
from wirelab.declare.report_form import FILLED, Form, parse_form
from wirelab.declare.scenario import Scenario
from wirelab.declare.source import meant
from wirelab.judge.questions.bank import BANK
from wirelab.judge.questions.checking import Put, put
from wirelab.judge.step_words import in_words
from wirelab.observe.segments import LINKTYPES
from wirelab.present.question_cells import question_cell
from wirelab.present.report_notebook import Contents, notebook
from wirelab.present.setup_figure import setup_figure
from wirelab.present.words import number as points_text

FORM = "report.yaml"
LARGEST_LISTING = 200_000  # characters
_LANGUAGES = {
    ".py": "python",
    ".c": "c",
    ".h": "c",
    ".cpp": "cpp",
    ".cc": "cpp",
    ".java": "java",
    ".js": "javascript",
    ".mjs": "javascript",
    ".go": "go",
    ".rs": "rust",
}

register(
    {
        "report.no-questions": Text(
            "the lab {lab} asks no questions: its lab.yaml has no 'report'",
            "实验 {lab} 没有报告题目：它的 lab.yaml 中没有 'report'",
        ),
        "report.cannot-ask": Text(
            "{file} does not show what {count} of the lab's questions ask about:\n{list}\n{advice}",
            "{file} 中没有本实验 {count} 道题所问的内容：\n{list}\n{advice}",
        ),
        "report.needs": Text("  {kind}: the capture has to show {needs}", "  {kind}：抓包中需要有{needs}"),
        "report.play": Text(
            "The lab means these questions for a run of {scenario}: wirelab run {lab} --client … --only {scenario} -o DIR. "
            "With --skip the report is made without these questions' points.",
            "这些题是为场景 {scenario} 的运行设计的：wirelab run {lab} --client … --only {scenario} -o 文件夹。加上 --skip 则照样"
            "生成报告，但这些题不能得分。",
        ),
        "report.skip": Text(
            "With --skip the report is made all the same; these questions give no points.",
            "加上 --skip 则照样生成报告，但这些题不能得分。",
        ),
        "report.no-field": Text(
            "the form has no field '{name}'{meant}; it has: {known}",
            "表格中没有字段 '{name}'{meant}；现有的字段：{known}",
        ),
        "report.value": Text("'{name}' must be text in quotes, or a number", "'{name}' 应为带引号的文字或数字"),
        "report.filled": Text(
            "the field '{name}' is filled in from the lab and the capture; leave it out here",
            "字段 '{name}' 由实验和抓包自动填写，这里不要写",
        ),
        "report.toml": Text("not readable as TOML: {why}", "不是合法的 TOML：{why}"),
        "report.listing": Text("cannot read the program {file}: {why}", "无法读取程序 {file}：{why}"),
        "report.listing-long": Text(
            "the program {file} has {count} characters, more than the {most} that a report shows",
            "程序 {file} 有 {count} 个字符，超过报告所能显示的 {most} 个",
        ),
        "report.hours": Text("{hours} class hours", "{hours} 学时"),
        "report.env.capture": Text("Capture", "抓包"),
        "report.env.system": Text("Operating system", "操作系统"),
        "report.env.machine": Text("Processor", "处理器"),
        "report.env.python": Text("Python", "Python"),
        "report.env.kit": Text("Captured and played by", "运行与抓包工具"),
        "report.env.commands": Text("Programs", "程序"),
        "report.env.cores": Text("{processor}, {cores} cores", "{processor}，{cores} 核"),
        "report.env.packets": Text(
            "{file}: {count} packets of this connection, link type {link}",
            "{file}：本连接 {count} 个报文，链路类型 {link}",
        ),
    }
)


def default_form() -> tuple[str, str]:
    """The text of the form that comes with the kit, and what to call it in messages."""
    path = kit.labs_root() / FORM
    return path.read_text(encoding="utf-8"), f"labs/{FORM}"


def load_form(path: Path | None) -> Form:
    """A form of the instructor's, or the kit's. Raises InputError when it cannot be read, AuthorError for its mistakes."""
    return parse_form(*(default_form() if path is None else (library.read_text(path), str(path))))


def load_student(path: Path, form: Form) -> dict[str, str]:
    """What a TOML file says of a student, by the form's fields. Raises InputError when it cannot be read, AuthorError for
    a name that is no field, and for what is neither text nor a number."""
    text = library.read_text(path)
    try:
        plain = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise AuthorError((Problem(Place(str(path)), "report.toml", {"why": error}),)) from None
    problems = []
    for name, value in plain.items():
        line = next((at for at, row in enumerate(text.splitlines(), 1) if row.lstrip().startswith(name)), 0)
        place = Place(str(path), line)
        if name in FILLED:
            problems.append(Problem(place, "report.filled", {"name": name}))
        elif name not in form.fields:
            known = [field for field in form.fields if field not in FILLED]
            values = {"name": name, "meant": meant(name, known), "known": ", ".join(known)}
            problems.append(Problem(place, "report.no-field", values))
        elif not isinstance(value, str | int | float) or isinstance(value, bool):
            problems.append(Problem(place, "report.value", {"name": name}))
    if problems:
        raise AuthorError(tuple(problems))
    return {name: str(value) for name, value in plain.items()}


def questions(lab: Lab, source: Source, *, skip: bool, named: str = "") -> tuple[Put, ...]:
    """The lab's questions as they are put to the student with this capture. ``named``: how a command finds the lab, if
    not by its name.

    Raises UsageError when the lab asks none, or the capture does not show what some ask about (unless ``skip``).
    """
    if lab.report is None:
        raise UsageError("report.no-questions", lab=lab.lab)
    puts = put([(one.kind, one.points) for one in lab.report.questions], source.facts)
    lacking = [one for one in puts if one.asked is None]
    if lacking and not skip:
        needs = {
            language: "\n".join(
                say("report.needs", language, kind=one.kind.name, needs=one.kind.needs.fill(language))
                for one in lacking
            )
            for language in ("en", "zh")
        }
        meant_for, played = lab.report.scenario, None if source.run is None else source.run.scenario.name
        key = "report.skip" if meant_for in (None, played) else "report.play"
        advice = {
            language: say(key, language, scenario=meant_for, lab=shlex.quote(named or lab.lab))
            for language in ("en", "zh")
        }
        raise UsageError(
            "report.cannot-ask",
            file=source.name,
            count=len(lacking),
            list=Text(needs["en"], needs["zh"]),
            advice=Text(advice["en"], advice["zh"]),
        )
    return puts


def new(
    lab: Lab,
    source: Source,
    form: Form,
    language: Language,
    *,
    opening: str,
    student: Mapping[str, str] | None = None,
    programs: Sequence[Path] = (),
    skip: bool = False,
    named: str = "",
) -> dict[str, Any]:
    """A report as a notebook. ``opening`` is the Python expression that opens the run or capture, as its cells have it.

    Raises UsageError for questions that the capture cannot answer, InputError for programs that cannot be read.
    """
    puts = questions(lab, source, skip=skip, named=named)
    shown = evidence(source, language, opening)
    contents = Contents(
        form,
        language,
        _values(lab, source, student or {}, language),
        [getattr(one, language) for one in lab.objectives],
        environment=_environment(source, language),
        setup=_setup(source, language),
        scenario="" if source.run is None else source.run.scenario.name,
        steps=() if source.run is None else _steps(source.run.scenario, language),
        listings=[_listing(path) for path in programs],
        evidence=shown,
        explore=explore(source, language),
        puts=puts,
    )
    kept = {
        "kit": __version__,
        "lab": lab.lab,
        "brief": lab.report is not None and lab.report.brief,
        "questions": [{"kind": one.kind.name, "points": one.points} for one in puts],
        "texts": {f"question-{one.number:02d}": text_digest(question_cell(one, language)) for one in puts},
        "capture": report_source.sealed(source),
    }
    made = notebook(contents, kept)
    return _sealed(made)


def _sealed(made: dict[str, Any]) -> dict[str, Any]:
    """Note which evidence is in it, and put the checksum on what it keeps about itself."""
    kept = made["metadata"]["wirelab"]
    heading, listed = "", {}
    for cell in made["cells"]:
        part = cell["metadata"]["wirelab"]["part"]
        if part == "section":
            heading = str(cell["source"]).strip().partition("\n")[0].lstrip("# ")
        elif part == "evidence" and (cell["cell_type"] == "markdown" or cell["outputs"]):
            listed[cell["id"]] = heading
    kept["evidence"] = listed
    kept["seal"] = seal(kept)
    return made


def template(lab: Lab, form: Form, language: Language, student: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The blank form of a lab: no capture, and what its questions ask in general."""
    asked = lab.report.questions if lab.report else ()
    about = [
        f"{BANK[one.kind].about.fill(language)} ({points_text(one.points)})"
        if language == "en"
        else f"{BANK[one.kind].about.fill(language)}（{points_text(one.points)} 分）"
        for one in asked
    ]
    contents = Contents(
        form,
        language,
        _values(lab, None, student or {}, language),
        [getattr(one, language) for one in lab.objectives],
        about=about,
    )
    return notebook(contents, {"kit": __version__, "lab": lab.lab, "blank": True})


def text_of(made: Mapping[str, Any]) -> str:
    """A notebook as the text of its file."""
    return json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a file whole or not at all. Raises UsageError when it is there already and may not be replaced, InputError
    when it cannot be written."""
    if os.path.lexists(path) and not replace:
        raise UsageError("report.exists", file=path)
    try:
        write_whole(path, text)
    except OSError as error:
        raise InputError("report.no-write", file=path, why=error.strerror or error) from None


register(
    {
        "report.exists": Text(
            "{file} exists already, and what stands in it may be somebody's work; name another file, or use --force",
            "{file} 已存在，其中可能有已经写好的内容；请换一个文件名，或使用 --force",
        ),
        "report.no-write": Text("cannot write {file}: {why}", "无法写入 {file}：{why}"),
    }
)


def _values(lab: Lab, source: Source | None, student: Mapping[str, str], language: Language) -> dict[str, str]:
    """What stands in the form's fields."""
    values = dict(student)
    values["lab"] = str(getattr(lab.title, language))
    values["hours"] = say("report.hours", language, hours=points_text(lab.hours))
    if source is not None:
        moment = datetime.fromtimestamp(source.packets[0].time / 1e9)
        values["time"] = moment.strftime("%Y-%m-%d %H:%M")
    return values


def _steps(scenario: Scenario, language: Language) -> list[str]:
    """What was done in a run, step by step, in words."""
    words = [in_words(step) for step in scenario.script]
    return [one.zh if language == "zh" else one.en for one in words]


def _environment(source: Source, language: Language) -> list[tuple[str, str]]:
    """What the capture was made on and with, as pairs of label and value."""
    link = LINKTYPES.get(source.linktype, str(source.linktype))
    packets = say("report.env.packets", language, file=source.name, count=len(source.packets), link=link)
    rows = []
    if source.run is not None:
        machine = source.run.evidence.machine
        cores = say(
            "report.env.cores", language, processor=machine.get("processor", "?"), cores=machine.get("cores", "?")
        )
        rows += [
            (say("report.env.system", language), machine.get("system", "?")),
            (say("report.env.machine", language), cores),
            (say("report.env.python", language), machine.get("python", "?")),
            (say("report.env.kit", language), f"wirelab {machine.get('wirelab', '?')}"),
        ]
        view = source.view
        if view is not None:
            commands = [f"{actor}: {_short(event.command)}" for actor, event in view.started.items() if event.command]
            rows.append((say("report.env.commands", language), "; ".join(commands)))
    return [*rows, (say("report.env.capture", language), packets)]


def _short(command: Sequence[str]) -> str:
    """A command line without the folders in which its programs lie."""
    return " ".join(word.rpartition("/")[2] or word for word in command)


def _setup(source: Source, language: Language) -> dict[str, str]:
    """The figure of the set-up, by type."""
    view, connection = source.view, source.connection
    client, server = "", ""
    if view is not None:
        client, server = view.actor_at(connection, "client"), view.actor_at(connection, "server")
    svg = setup_figure(client, str(connection.client), server, str(connection.server), source.name, language)
    return pictured(svg)


def _listing(path: Path) -> tuple[str, str, str]:
    """A program's name, language and text."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError("report.listing", file=path, why=error.strerror or error) from None
    if len(text) > LARGEST_LISTING:
        raise InputError("report.listing-long", file=path, count=len(text), most=LARGEST_LISTING)
    return path.name, _LANGUAGES.get(path.suffix.lower(), "text"), text
