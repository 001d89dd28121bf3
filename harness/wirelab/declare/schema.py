"""The JSON Schemas of scenarios, labs, protocols and report forms, made from the same models that read them, so that
editors complete YAML. ``FILES`` is where the kit publishes them: the first line of its YAML files names them.

A step whose first key is an actor's name has no fixed key to tell it by; its schema asks for a key
that is no field of the step, and whose value is the step's verb.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from wirelab.declare.expectations import EXPECTATIONS
from wirelab.declare.fill import Strict
from wirelab.declare.head import NAME, Head
from wirelab.declare.lab import Lab
from wirelab.declare.protocol import ProtocolModel
from wirelab.declare.report_form import Form
from wirelab.declare.steps import ACTOR_STEPS, STAGE_STEPS, Step

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILES = {
    "scenario": "scenarios/schema.json",
    "protocol": "scenarios/protocol.schema.json",
    "lab": "labs/schema.json",
    "form": "labs/report.schema.json",
}
"""What there are schemas of, and the file of each in a checkout or in the wheel's ``kit``."""


def scenario_schema() -> dict[str, Any]:
    """The schema of one scenario file, as plain data."""
    models: tuple[type[Strict], ...] = (Head, *STAGE_STEPS, *ACTOR_STEPS, *EXPECTATIONS)
    _, components = msgspec.json.schema_components(models, ref_template="#/$defs/{name}")
    schema, *items = [components.pop(model.__name__) for model in models]
    steps, checks = items[: -len(EXPECTATIONS)], items[-len(EXPECTATIONS) :]
    for step, written in zip(ACTOR_STEPS, steps[len(STAGE_STEPS) :], strict=True):
        _by_actor(step, written)
    properties = schema["properties"]
    properties["script"] |= {"items": {"anyOf": steps}}
    properties["expect"] |= {"items": {"anyOf": checks}}
    properties["cast"] |= {"propertyNames": {"pattern": f"^{NAME}$"}}
    whole = {"$schema": DIALECT} | schema | {"title": "wirelab scenario", "$defs": components}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))  # defaults that are tuples become lists
    return plain


def schema_text(kind: str = "scenario") -> str:
    """The schema of a kind of file (one of ``FILES``), as the text of the file that the kit publishes it in."""
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "scenario": scenario_schema,
        "protocol": lambda: _model_schema(ProtocolModel, "wirelab protocol"),
        "lab": lambda: _model_schema(Lab, "wirelab lab"),
        "form": lambda: _model_schema(Form, "wirelab report form"),
    }
    return json.dumps(made[kind](), ensure_ascii=False, indent=2) + "\n"


def _model_schema(model: type[Strict], title: str) -> dict[str, Any]:
    """The schema of a file that one model reads whole."""
    _, components = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    whole = {"$schema": DIALECT} | components.pop(model.__name__) | {"title": title, "$defs": components}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))
    return plain


def _by_actor(step: type[Step], schema: dict[str, Any]) -> None:
    fields = schema["properties"]
    others = "|".join(re.escape(name) for name in fields)
    actor = f"^(?!(?:{others})$){NAME}$" if fields else f"^{NAME}$"
    schema["patternProperties"] = {actor: {"const": step.verb}}
    schema["minProperties"] = 1 + len(schema["required"])
    if fields:
        schema["not"] = {"propertyNames": {"enum": list(fields)}}
    schema["title"] = step.verb
