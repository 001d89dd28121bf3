"""The reference page of scenario files, written from the models that read them, so that it cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from msgspec import NODEFAULT, Meta

from wirelab.declare.expectations import EXPECTATIONS
from wirelab.declare.fill import Strict, description, fields, kinds
from wirelab.declare.scenario import CastMember, Head
from wirelab.declare.steps import ACTOR_STEPS, STAGE_STEPS, Step

_WHO = {"program": "a program", "peer": "a scripted peer", "actor": "any actor", "stage": "the stage"}
_KINDS = {str: "text", float: "number", int: "whole number", bool: "`true` or `false`", tuple: "list"}


def reference() -> str:
    """Markdown: the file's keys, the cast, every step and every expectation with its fields."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "## The file"
    yield ""
    yield from _table(Head)
    yield "## The cast"
    yield ""
    yield from _table(CastMember)
    yield "## Steps of the stage"
    yield ""
    for step in STAGE_STEPS:
        yield from _step(step, f"{{{step.verb}: …}}")
    yield "## Steps of an actor"
    yield ""
    for step in ACTOR_STEPS:
        yield from _step(step, f"{{alice: {step.verb}, …}}")
    yield "## Expectations"
    yield ""
    for model in EXPECTATIONS:
        yield f"### `{{{model.check}: …}}`"
        yield ""
        yield str(model.__doc__).strip()
        yield ""
        yield from _table(model)


def _step(step: type[Step], written: str) -> Iterator[str]:
    yield f"### `{written}`"
    yield ""
    who = "" if step.needs == "stage" else f" (for {_WHO[step.needs]})"
    yield f"{' '.join(str(step.__doc__).split())}{who}"
    yield ""
    yield from _table(step)


def _table(model: type[Strict]) -> Iterator[str]:
    if not fields(model):
        return
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key, field in fields(model).items():
        default = "required" if field.required else _shown(field.default)
        yield f"| `{key}` | {_written(field.type)} | {default} | {description(field.type)} |"
    yield ""


def _shown(value: object) -> str:
    if value in (None, (), NODEFAULT):  # an empty mapping is made by a factory
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _written(annotation: Any) -> str:
    """What may be written for a field, in words."""
    return " or ".join(_kind(kind, metas) for kind, metas in kinds(annotation) if kind is not NoneType)


def _kind(kind: Any, metas: tuple[Meta, ...]) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    bounds = (("gt", "> {:g}"), ("ge", "≥ {:g}"), ("le", "≤ {:g}"))
    limits = [
        text.format(bound) for name, text in bounds for meta in metas if (bound := getattr(meta, name)) is not None
    ]
    return f"{_KINDS.get(get_origin(kind) or kind, 'mapping')} {', '.join(limits)}".rstrip()
