"""The JSON Schema of scenario files, made from the same models that read them, so that editors complete YAML.

A step whose first key is an actor's name has no fixed key to tell it by; its schema asks for a key
that is no field of the step, and whose value is the step's verb.
"""

from __future__ import annotations

import re
from typing import Any

from wirelab.declare.expectations import EXPECTATIONS
from wirelab.declare.head import NAME, CastMember, Head
from wirelab.declare.steps import ACTOR_STEPS, STAGE_STEPS, Step

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def scenario_schema() -> dict[str, Any]:
    """The schema of one scenario file, as plain data."""
    schema = Head.model_json_schema()
    definitions: dict[str, Any] = schema.pop("$defs", {})
    steps = [_plain(step.model_json_schema(), definitions) for step in STAGE_STEPS]
    steps += [_by_actor(step, definitions) for step in ACTOR_STEPS]
    items = [_plain(model.model_json_schema(), definitions) for model in EXPECTATIONS]
    properties = schema["properties"]
    properties["script"] |= {"items": {"anyOf": steps}, "minItems": 1}
    properties["expect"] |= {"items": {"anyOf": items}}
    properties["cast"] |= {"propertyNames": {"pattern": f"^{NAME}$"}}
    schema["$defs"] = definitions | {"CastMember": CastMember.model_json_schema()}
    return {"$schema": DIALECT, "title": "wirelab scenario"} | {key: schema[key] for key in schema if key != "title"}


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    definitions.update(schema.pop("$defs", {}))
    return schema


def _by_actor(step: type[Step], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _plain(step.model_json_schema(), definitions)
    fields = schema.setdefault("properties", {})
    others = "|".join(re.escape(name) for name in fields)
    actor = f"^(?!(?:{others})$){NAME}$" if fields else f"^{NAME}$"
    schema["patternProperties"] = {actor: {"const": step.verb}}
    schema["minProperties"] = 1 + len(schema.get("required", ()))
    if fields:
        schema["not"] = {"propertyNames": {"enum": list(fields)}}
    schema["title"] = step.verb
    return schema
