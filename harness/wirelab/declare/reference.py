"""The reference page of scenario files, written from the models that read them, so that it cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from wirelab.declare.expectations import EXPECTATIONS
from wirelab.declare.scenario import CastMember, Head
from wirelab.declare.steps import ACTOR_STEPS, STAGE_STEPS, Step

_WHO = {"program": "a program", "peer": "a scripted peer", "actor": "any actor", "stage": "the stage"}


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


def _table(model: type[BaseModel]) -> Iterator[str]:
    if not model.model_fields:
        return
    schema = model.model_json_schema()
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        key = field.alias or name
        default = "required" if field.is_required() else _shown(field.default)
        kind = _kind(schema["properties"][key]).replace("|", "\\|")
        yield f"| `{key}` | {kind} | {default} | {field.description or ''} |"
    yield ""


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value not in ((), {}) else ""


def _kind(schema: dict[str, Any]) -> str:
    """A field's type in words, from its JSON Schema."""
    if "anyOf" in schema:
        kinds = [_kind(part) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    names = {"string": "text", "number": "number", "integer": "whole number", "boolean": "`true` or `false`"}
    kind = names.get(
        str(schema.get("type")), {"array": "list", "object": "mapping"}.get(str(schema.get("type")), "mapping")
    )
    bounds = [("exclusiveMinimum", "> {}"), ("minimum", "≥ {}"), ("maximum", "≤ {}")]
    limits = [text.format(f"{schema[name]:g}") for name, text in bounds if name in schema]
    return kind + (f" {', '.join(limits)}" if limits else "")
