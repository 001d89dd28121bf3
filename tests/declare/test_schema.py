"""The JSON Schema of scenario files: valid, made of the same models, and of one mind with the reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.declare.test_scenario import CHECK, SHIPPED, STEP, STEPS, WHOLE, with_check, with_step
from wirelab.base.errors import AuthorError
from wirelab.declare.expectations import EXPECTATIONS
from wirelab.declare.scenario import parse_scenario
from wirelab.declare.schema import FILES, scenario_schema, schema_text
from wirelab.declare.source import read_yaml
from wirelab.declare.steps import ACTOR_STEPS, STAGE_STEPS

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema, which nbformat brings along")

SCHEMA = scenario_schema()


def plain(value: object) -> Any:
    """Data as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def accepts(text: str) -> bool:
    checker = jsonschema.Draft202012Validator(SCHEMA)
    return bool(checker.is_valid(plain(read_yaml(text, "f").data)))


def reads(text: str) -> bool:
    try:
        parse_scenario(text, "f")
    except AuthorError:
        return False
    return True


def test_it_is_a_schema_and_can_be_published():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA == json.loads(json.dumps(SCHEMA))
    assert scenario_schema() == scenario_schema()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_scenario_fits(path: Path):
    assert accepts(path.read_text("utf-8"))


@pytest.mark.parametrize("step", STEPS)
def test_every_step_fits_and_editors_read_it_alike(step: str):
    text = with_step(step)
    assert accepts(text)
    # An editor reads YAML in its own way; for scenarios that is the same data.
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        with_step("{alice: types, text: hi}"),
        with_step("{wiat: 1}"),
        with_step("{wait: soon}"),
        with_step("{wait: -1}"),
        with_step("{wait: 1, until: x}"),
        with_step("{alice: type}"),
        with_step("{alice: type, text: 1}"),
        with_step("{alice: type, text: hi, txt: 1}"),
        with_step("{alice: type, text: hi, every: 11}"),
        with_step("{alice: type, text: hi, repeat: 0}"),
        with_step("{alice: type, text: hi, repeat: 1001}"),
        with_step("{alice: type, text: hi, repeat: 1.5}"),
        with_step("{alice: press, key: ctrl-x}"),
        with_step("{Alice: type, text: hi}"),
        with_step("{text: hi}"),
        with_step("{bob: sends, text: a, pieces: halves}"),
        with_step("{bob: sends, hex: 4d5}"),
        with_step("{drop: FIN}"),
        with_step("{heal: alice}"),
        with_step("{}"),
        with_step("wait"),
        with_step("null"),
        with_check("{handshak: alice}"),
        with_check("{heartbeat: alice, at_last: 2}"),
        with_check("{teardown: alice, style: polite}"),
        with_check("{broadcast: x}"),
        with_check("{broadcast: x, to: []}"),
        with_check("{messages: alice, sent: [1]}"),
        WHOLE.replace("tests: client\n", ""),
        WHOLE.replace("tests: client", "tests: all"),
        WHOLE.replace("{en: T, zh: 题}", "{en: T}"),
        WHOLE.replace("{en: T, zh: 题}", "T"),
        WHOLE.replace("role: server", "role: sever"),
        WHOLE.replace("role: server", "rol: server"),
        WHOLE.replace("bob: {", "Bob: {").replace("start: bob", "start: alice"),
        WHOLE.replace("NAME: x", "NAME: true"),
        WHOLE.replace("NAME: x", "A=B: x"),
        WHOLE.replace("scenario: a/b", "scenario: A/B"),
        WHOLE + "portt: 1\n",
        WHOLE + "port: 80\n",
        WHOLE[: WHOLE.index("script:")],
        WHOLE.replace(STEP, "").replace("  - {start", "  # - {start"),
        WHOLE.replace(CHECK, "  a: b\n"),
    ],
)
def test_what_the_reader_refuses_does_not_fit(text: str):
    assert not reads(text)
    assert not accepts(text)


def test_every_step_and_expectation_is_there_with_its_documentation():
    steps = SCHEMA["properties"]["script"]["items"]["anyOf"]
    checks = SCHEMA["properties"]["expect"]["items"]["anyOf"]
    for model, schema in zip((*STAGE_STEPS, *ACTOR_STEPS), steps, strict=True):
        assert model.__doc__ is not None
        assert " ".join(model.__doc__.split()) == " ".join(schema["description"].split())
        verbs = [value["const"] for value in schema.get("patternProperties", {}).values()]
        assert [model.verb] == (verbs or [next(iter(schema["properties"]))])
    assert [model.check for model in EXPECTATIONS] == [next(iter(schema["properties"])) for schema in checks]


def fields(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every property anywhere in a schema, with the path to it."""
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            yield f"{path}/{name}", field
        for key, value in schema.items():
            yield from fields(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from fields(value, f"{path}/{index}")


def test_every_field_says_what_it_is():
    found = list(fields(SCHEMA))
    assert len(found) > 60
    assert [] == [path for path, field in found if not field.get("description")]


def test_no_mapping_takes_unknown_keys():
    objects = [*SCHEMA["properties"]["script"]["items"]["anyOf"], *SCHEMA["$defs"].values(), SCHEMA]
    assert all(schema["additionalProperties"] is False for schema in objects)


ROOT = Path(__file__).parent.parent.parent
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
WRITTEN = {
    "scenario": [*SHIPPED, *sorted((ROOT / "tests" / "mutants").glob("*/*.yaml"))],
    "protocol": sorted((ROOT / "scenarios" / "protocols").glob("*.yaml")),
    "lab": sorted((ROOT / "labs").glob("*/lab.yaml")),
    "form": [ROOT / "labs" / "report.yaml"],
}


@pytest.mark.parametrize("kind", FILES)
def test_the_published_schemas_are_made_of_the_models(kind: str):
    text = (ROOT / FILES[kind]).read_text("utf-8")
    assert schema_text(kind) == text, f"wirelab schema --of {kind} > {FILES[kind]}"
    jsonschema.Draft202012Validator.check_schema(json.loads(text))


@pytest.mark.parametrize("kind", FILES)
def test_every_file_names_its_schema_in_its_first_line_and_fits_it(kind: str):
    """So an editor with the YAML language server completes it, in a checkout and in the installed kit alike."""
    checker = jsonschema.Draft202012Validator(json.loads(schema_text(kind)))
    assert WRITTEN[kind]
    for path in WRITTEN[kind]:
        text = path.read_text("utf-8")
        named = MODELINE.match(text)
        assert named is not None, f"{path} names no schema"
        assert (ROOT / FILES[kind]).resolve() == (path.parent / named[1]).resolve()
        assert [] == list(checker.iter_errors(plain(read_yaml(text, "f").data))), path
        assert [] == list(checker.iter_errors(yaml.safe_load(text))), f"{path}: an editor reads other data"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("protocol", "{protocol: x, framing: {kind: lines}, messages: [{name: a, from: client, literal: A}]}"),
        ("protocol", "{protocol: x, framing: {kind: line}, messages: []}"),
        ("lab", "{lab: x}"),
        ("form", "{title: {en: A, zh: B}, fields: {name: {en: N, zh: N}}, sections: [{part: nonsense}]}"),
    ],
)
def test_what_does_not_fit_is_marked(kind: str, text: str):
    assert not jsonschema.Draft202012Validator(json.loads(schema_text(kind))).is_valid(plain(read_yaml(text, "f").data))
