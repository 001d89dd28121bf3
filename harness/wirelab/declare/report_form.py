"""The form of a lab report as data (YAML): which fields stand on it, in which rows, and which sections follow.

An instructor restyles the report with a file like this of their own; what is in a section (figures, listings, questions)
is made elsewhere. Knows no runs and no notebooks.
"""

# No `from __future__ import annotations`: msgspec would compile each annotation anew.

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from wirelab.base.errors import AuthorError, Problem
from wirelab.base.texts import Text, register
from wirelab.declare.fill import Strict, rule, validate
from wirelab.declare.head import Title
from wirelab.declare.source import Source, in_order, meant, read_yaml

register(
    {
        "form.no-field": Text(
            "the row names a field '{name}', which stands not among 'fields'{meant}",
            "这一行用到了字段 '{name}'，但 'fields' 中没有它{meant}",
        ),
        "form.twice": Text("the field '{name}' stands on the form twice", "字段 '{name}' 在表格中出现了两次"),
        "form.no-questions": Text(
            "the form has no section of the kind 'questions': students would have nowhere to answer",
            "表格中没有 'questions' 这一类的部分：学生将没有地方答题",
        ),
        "form.only-once": Text(
            "a form has one section of the kind '{kind}' at most", "'{kind}' 这一类的部分最多只能有一个"
        ),
    }
)

FieldName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]*$",
        extra=rule("lower-case letters, digits and _", "由小写字母、数字和 _ 组成"),
    ),
]

Part = Literal[
    "fields",
    "purpose",
    "environment",
    "text",
    "set-up",
    "program",
    "capture",
    "explore",
    "questions",
    "comment",
    "notes",
]
"""What a section holds besides its heading: rows of the form; the lab's objectives; the machine; a place to write; the
figure of the set-up and the script; the student's listings; what was captured; cells to explore it; the questions; the
instructor's box; all sections' notes."""

FILLED = ("lab", "hours", "time")
"""Fields that the kit fills in itself: the lab's title, its class hours, when the run was."""


class Section(Strict, kw_only=True):
    """One section of the form."""

    part: Annotated[Part, Meta(description="what it holds")]
    heading: Annotated[Title | None, Meta(description="its heading; left out, none")] = None
    level: Annotated[int, Meta(ge=2, le=4, description="how deep the heading is: 2, 3 or 4")] = 2
    rows: Annotated[
        tuple[tuple[FieldName, ...], ...], Meta(description="of part fields: the names of the fields in each row")
    ] = ()
    words: Annotated[Title | None, Meta(description="what stands in it before the student writes")] = None
    note: Annotated[Title | None, Meta(description="how it is to be written: printed among the notes")] = None
    box: Annotated[int, Meta(ge=0, le=250, description="of part comment: height of the box in print, in mm")] = 40
    page_break: Annotated[bool, Meta(description="true: begins on a new page in print")] = False


class Form(Strict, kw_only=True):
    """The whole form."""

    title: Annotated[Title, Meta(description="what stands on top")]
    fields: Annotated[dict[FieldName, Title], Meta(min_length=1, description="the fields' labels by their names")]
    sections: Annotated[tuple[Section, ...], Meta(min_length=1, description="the sections, in this order")]


def is_form(text: str) -> bool:
    """Whether a YAML file looks like a form of a report, and not like a scenario or a lab."""
    return all(re.search(rf"^{key}\s*:", text, re.MULTILINE) for key in ("fields", "sections"))


def parse_form(text: str, name: str) -> Form:
    """Read a form; ``name`` is what to call it in messages. Raises AuthorError with every mistake and its place."""
    source = read_yaml(text, name)
    form = validate(Form, source)
    problems = in_order(_mistakes(form, source))
    if problems:
        raise AuthorError(problems)
    return form


def _mistakes(form: Form, source: Source) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, section in enumerate(form.sections):
        for row, names in enumerate(section.rows):
            for index, name in enumerate(names):
                place = source.place(("sections", number, "rows", row, index))
                if name not in form.fields:
                    yield Problem(place, "form.no-field", {"name": name, "meant": meant(name, form.fields)})
                elif name in seen:
                    yield Problem(place, "form.twice", {"name": name})
                seen.add(name)
    parts = [section.part for section in form.sections]
    if "questions" not in parts:
        yield Problem(source.place(("sections",)), "form.no-questions")
    for kind in ("questions", "capture", "explore", "program", "set-up"):
        for number, part in enumerate(parts):
            if part == kind and kind in parts[:number]:
                yield Problem(source.place(("sections", number, "part")), "form.only-once", {"kind": kind})
