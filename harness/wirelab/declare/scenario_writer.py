"""Scenarios written again: the values of a scenario as YAML text that reads back as the same values. Reads nothing.

Whatever a text holds, it stays text: what is not plainly a word or two is written in double quotes, with everything
that a person could not see escaped (YAML 1.1, 5.7).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from msgspec import NODEFAULT

from wirelab.declare.expectations import Expectation, TraceExpected
from wirelab.declare.fill import Strict, fields
from wirelab.declare.head import CastMember, Title
from wirelab.declare.steps import Step

_PLAIN = re.compile(r"[A-Za-z/]([A-Za-z0-9 _./-]*[A-Za-z0-9_./])?")
_NO_WORDS = frozenset(("true", "false", "null"))  # for a reader of YAML these are no text; they and their like


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a scenario's file says. ``remarks`` stand at its top as comments, one a line; ``script`` are the steps
    with whoever does each, None for the stage."""

    name: str
    title: Title
    tests: Literal["client", "server", "both"]
    cast: Mapping[str, CastMember]
    script: tuple[tuple[str | None, Step], ...]
    expect: tuple[Expectation, ...] = ()
    protocol: str = "line"
    port: int = 12001
    env: Mapping[str, str | int | float] = field(default_factory=dict)
    amplify: bool = False
    remarks: tuple[str, ...] = ()


def write_scenario(draft: Draft) -> str:
    """The text of a scenario's file. Texts must hold no half of a surrogate pair, which no UTF-8 file can."""
    return "\n".join([*_lines(draft), ""])


def _lines(draft: Draft) -> Iterator[str]:
    for remark in draft.remarks:
        yield f"# {_visible(remark)}".rstrip()
    yield f"scenario: {scalar(draft.name)}"
    yield f"title: {_mapping(_written(draft.title))}"
    yield f"tests: {draft.tests}"
    if draft.protocol != "line":
        yield f"protocol: {scalar(draft.protocol)}"
    if draft.port != 12001:
        yield f"port: {draft.port}"
    if draft.env:
        yield f"env: {as_yaml(draft.env)}"
    if draft.amplify:
        yield "amplify: true"
    yield "cast:"
    for name, member in draft.cast.items():
        yield f"  {name}: {_mapping(_written(member))}"
    yield "script:"
    for actor, step in draft.script:
        yield f"  - {_mapping(_step(actor, step))}"
    if draft.expect:
        yield "expect:"
    for expectation in draft.expect:
        if isinstance(expectation, TraceExpected):
            yield "  - trace: |"
            yield from (f"      {line}".rstrip() for line in expectation.trace.rstrip("\n").split("\n"))
        else:
            yield f"  - {_mapping(_written(expectation))}"


def _step(actor: str | None, step: Step) -> Iterator[tuple[str, str]]:
    if actor is not None:
        yield actor, step.verb
    yield from _written(step)


def _written(model: Strict) -> Iterator[tuple[str, str]]:
    """The keys of a model that say more than is taken for granted, in the order in which it has them."""
    for key, about in fields(type(model)).items():
        value = getattr(model, about.name)
        default = about.default
        if default is NODEFAULT and about.default_factory is not NODEFAULT:
            default = about.default_factory()
        if default is NODEFAULT or value != default:
            yield key, as_yaml(value)


def as_yaml(value: object) -> str:
    """A value in one line of YAML: text, numbers, true and false, null, and lists and mappings of them; anything else as
    the text that it is printed as."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return format(Decimal(repr(value)), "f")  # never as 1e-05
        case Mapping():
            return _mapping((scalar(str(key)), as_yaml(each)) for key, each in value.items())
        case list() | tuple():
            return f"[{', '.join(map(as_yaml, value))}]"
        case None:
            return "null"
        case _:
            return scalar(str(value))


def _mapping(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"


def scalar(text: str) -> str:
    """A text as a value of YAML, inside braces as well: as it is where nothing can be mistaken, else in quotes.

    >>> print(scalar("Listening on"), scalar("no: #1"), scalar("true"), scalar(chr(27)))
    Listening on "no: #1" "true" "\\u001b"
    """
    if _PLAIN.fullmatch(text) and text.casefold() not in _NO_WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted)


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _visible(text: str) -> str:
    """A remark on one line: nothing in it can end the comment."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
