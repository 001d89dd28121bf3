"""A lab report as a Jupyter notebook (nbformat 4.5), from what is known. Plain data in, plain data out; reads no files.

Every cell says in its metadata what part of the form it is; questions and answers carry nbgrader's metadata as well
(schema version 3): questions are locked, answers are for marking. Cells are named, so that the same input gives the
same notebook.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wirelab.base.texts import Language, Text, register, say
from wirelab.declare.report_form import Form, Section
from wirelab.judge.questions.checking import Put
from wirelab.present.markdown import lines, plain
from wirelab.present.question_cells import blank_cell, question_cell

Cell = dict[str, object]

FORMAT, VERSION = "wirelab-report", 1

register(
    {
        "notebook.blank": Text("(write here)", "（在此填写）"),
        "notebook.no-run": Text(
            "(the capture is put here by `wirelab report new`)", "（抓包内容由 `wirelab report new` 填入）"
        ),
        "notebook.setup": Text("Set-up", "实验装置"),
        "notebook.comment": Text("Comment", "评语"),
        "notebook.mark": Text("Mark", "成绩"),
        "notebook.signature": Text("Signature", "签名"),
        "notebook.date": Text("Date", "日期"),
        "notebook.about-listing": Text("Listing of {file}", "{file} 的源代码"),
        "notebook.no-listing": Text(
            "(Put the listing of your program here, between the lines with ```.)",
            "（在此处两行 ``` 之间贴上你的源代码。）",
        ),
        "notebook.script": Text(
            "What was typed and waited for, as the scenario {name} says:", "按场景 {name} 进行的操作和等待："
        ),
        "notebook.step": Text("Step", "步骤"),
        "notebook.points": Text("{points} points in all", "共 {points} 分"),
    }
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A code cell that shows something: its source, what it shows by type (as in a notebook's output), and a heading."""

    source: str
    data: Mapping[str, str] = field(default_factory=dict)
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that stands in one report. ``values`` are those of the form's fields; ``environment`` pairs of label and value;
    ``setup`` the figure, by type; ``steps`` the script; ``listings`` name, language and text of programs; ``evidence``
    and ``explore`` code cells. ``puts`` are the questions; for a blank form, ``about`` has what is asked in general."""

    form: Form
    language: Language
    values: Mapping[str, str]
    objectives: Sequence[str]
    environment: Sequence[tuple[str, str]] = ()
    setup: Mapping[str, str] = field(default_factory=dict)
    scenario: str = ""
    steps: Sequence[str] = ()
    listings: Sequence[tuple[str, str, str]] = ()
    evidence: Sequence[Shown] = ()
    explore: Sequence[Shown] = ()
    puts: Sequence[Put] = ()
    about: Sequence[str] = ()


def notebook(contents: Contents, metadata: Mapping[str, object]) -> dict[str, object]:
    """The whole report; ``metadata`` is what wirelab keeps in it about itself."""
    cells: list[Cell] = [_markdown("title", "title", f"# {plain(_in(contents.form.title, contents.language))}")]
    for at, section in enumerate(contents.form.sections):
        made = list(_section(section, contents, f"s{at:02d}"))
        if made and section.page_break:
            ours = made[0]["metadata"]
            assert isinstance(ours, dict)
            ours["wirelab"]["page_break"] = True
        cells += made
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "wirelab": {"format": FORMAT, "version": VERSION, "language": contents.language, **metadata},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _section(section: Section, contents: Contents, name: str) -> Iterator[Cell]:
    language = contents.language
    heading = f"{'#' * section.level} {plain(_in(section.heading, language))}" if section.heading else ""
    words = plain(_in(section.words, language)) if section.words else ""
    if section.part == "fields":
        yield _markdown("fields", name, "\n".join(filter(None, (heading, "", *_fields(section, contents)))))
        return
    if section.part == "comment":
        yield _markdown("comment", name, "\n".join([heading, "", *_comment(language)]), box=section.box)
        return
    if section.part == "notes":
        notes = [_in(one.note, language) for one in contents.form.sections if one.note]
        if notes:
            listed = [f"{number}. {plain(note)}" for number, note in enumerate(notes, 1)]
            yield _markdown("notes", name, "\n".join([heading, "", *listed]))
        return
    body = {
        "purpose": lambda: [f"{number}. {plain(one)}" for number, one in enumerate(contents.objectives, 1)],
        "environment": lambda: _pairs(contents.environment, language),
        "set-up": lambda: _steps(contents),
    }.get(section.part, list)()
    text = "\n\n".join(filter(None, (heading, words, "\n".join(body))))
    if text:
        yield _markdown("fields" if section.part == "environment" else "section", name, text)
    if section.part == "set-up" and contents.setup:
        yield _figure(f"{name}-figure", say("notebook.setup", language), contents.setup)
    elif section.part == "program":
        yield from _listings(contents, name)
    elif section.part == "capture":
        yield from _evidence(contents.evidence, language, name, "evidence")
    elif section.part == "explore":
        yield from _evidence(contents.explore, language, name, "explore")
    elif section.part == "questions":
        yield from _questions(contents)


def _fields(section: Section, contents: Contents) -> Iterator[str]:
    """Rows of the form as a table: labels and values by turns, as many columns as the longest row."""
    width = max((len(row) for row in section.rows), default=0)
    for at, row in enumerate(section.rows):
        said = []
        for name in row:
            label = plain(_in(contents.form.fields[name], contents.language))
            said += [f"**{label}**", lines(contents.values.get(name, ""))]
        said += [""] * (2 * width - len(said))
        yield f"| {' | '.join(said)} |"
        if at == 0:
            yield f"|{' --- |' * (2 * width)}"


def _pairs(pairs: Sequence[tuple[str, str]], language: Language) -> list[str]:
    if not pairs:
        return [say("notebook.blank", language)]
    (first, value), *rest = pairs
    rows = [f"| **{plain(label)}** | {plain(text)} |" for label, text in rest]
    return [f"| **{plain(first)}** | {plain(value)} |", "| --- | --- |", *rows]


def _steps(contents: Contents) -> list[str]:
    if not contents.steps:
        return []
    intro = say("notebook.script", contents.language, name=plain(contents.scenario))
    return [intro, "", *(f"{number}. {plain(step)}" for number, step in enumerate(contents.steps, 1))]


def _comment(language: Language) -> list[str]:
    comment, mark, signature, date = (
        say(f"notebook.{key}", language) for key in ("comment", "mark", "signature", "date")
    )
    return [
        f"| **{comment}** | | | |",
        "| --- | --- | --- | --- |",
        f"| **{mark}** | | **{signature}** / **{date}** | |",
    ]


def _listings(contents: Contents, name: str) -> Iterator[Cell]:
    language = contents.language
    if not contents.listings:
        yield _markdown("code", f"{name}-listing", f"{say('notebook.no-listing', language)}\n\n```python\n\n```")
    for at, (file, kind, text) in enumerate(contents.listings):
        ticks = "`" * max(3, 1 + max((len(run) for run in _runs(text)), default=0))
        head = say("notebook.about-listing", language, file=plain(file))
        yield _markdown("code", f"{name}-listing-{at}", f"{head}\n\n{ticks}{kind}\n{text.rstrip()}\n{ticks}")


def _runs(text: str) -> Iterator[str]:
    """Runs of backticks in a text."""
    run = ""
    for sign in text + " ":
        if sign == "`":
            run += sign
        elif run:
            yield run
            run = ""


def _evidence(shown: Sequence[Shown], language: Language, name: str, part: str) -> Iterator[Cell]:
    if not shown and part == "evidence":
        yield _markdown("section", f"{name}-none", say("notebook.no-run", language))
    for at, one in enumerate(shown):
        if one.heading:
            yield _markdown("section", f"{name}-{at}-head", f"#### {plain(one.heading)}")
        yield _code(part, f"{name}-{at}", one)


def _questions(contents: Contents) -> Iterator[Cell]:
    for number, about in enumerate(contents.about, 1):
        yield _markdown("section", f"about{number:02d}", f"{number}. {plain(about)}")
    for one in contents.puts:
        yield question(one, contents.language)
        if one.asked is not None:
            yield answer(one, contents.language)


def question(one: Put, language: Language) -> Cell:
    """The cell that puts a question."""
    cell = _markdown("question", f"q{one.number:02d}", question_cell(one, language))
    return _graded(cell, f"question-{one.number:02d}", grade=False)


def answer(one: Put, language: Language) -> Cell:
    """The cell in which it is to be answered."""
    cell = _markdown("answer", f"a{one.number:02d}", blank_cell(one, language))
    return _graded(cell, f"answer-{one.number:02d}", grade=True, points=one.points)


def _graded(cell: Cell, name: str, *, grade: bool, points: float | None = None) -> Cell:
    """A cell with what nbgrader reads (its documentation, "Cell metadata", schema version 3)."""
    metadata = cell["metadata"]
    assert isinstance(metadata, dict)
    metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": grade,
        "solution": grade,
        "locked": not grade,
        "task": False,
        **({} if points is None else {"points": points}),
    }
    return cell


def _markdown(part: str, name: str, source: str, **more: object) -> Cell:
    return {
        "cell_type": "markdown",
        "id": name,
        "metadata": {"wirelab": {"part": part, **more}},
        "source": source.strip("\n"),
    }


def _figure(name: str, words: str, data: Mapping[str, str]) -> Cell:
    """A figure that no code makes: a picture attached to its cell."""
    kind = "image/png" if "image/png" in data else "image/svg+xml"
    file = f"figure.{'png' if kind == 'image/png' else 'svg'}"
    content = data[kind] if kind == "image/png" else base64.b64encode(data[kind].encode()).decode()
    cell = _markdown("evidence", name, f"![{words}](attachment:{file})")
    return {**cell, "attachments": {file: {kind: content}}}


def _code(part: str, name: str, shown: Shown) -> Cell:
    output = {"output_type": "display_data", "data": dict(shown.data), "metadata": {}}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"wirelab": {"part": part}},
        "source": shown.source,
        "execution_count": None,
        "outputs": [output] if shown.data else [],
    }


def _in(title: object, language: Language) -> str:
    return str(getattr(title, language))
