"""The JSON Schema of scenario files, made from the same models that read them, so that editors complete YAML.

A step whose first key is an actor's name has no fixed key to tell it by; its schema asks for a key
that is no field of the step, and whose value is the step's verb.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from wirelab.declare.expectations import EXPECTATIONS
from wirelab.declare.fill import Strict
from wirelab.declare.head import NAME, Head
from wirelab.declare.steps import ACTOR_STEPS, STAGE_STEPS, Step

DIALECT = "https://json-schema.org/draft/2020-12/schema"


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


def _by_actor(step: type[Step], schema: dict[str, Any]) -> None:
    fields = schema["properties"]
    others = "|".join(re.escape(name) for name in fields)
    actor = f"^(?!(?:{others})$){NAME}$" if fields else f"^{NAME}$"
    schema["patternProperties"] = {actor: {"const": step.verb}}
    schema["minProperties"] = 1 + len(schema["required"])
    if fields:
        schema["not"] = {"propertyNames": {"enum": list(fields)}}
    schema["title"] = step.verb
