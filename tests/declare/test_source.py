"""YAML as data: what text means, where everything stands, and that nothing hostile gets further than an AuthorError."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, field

from wirelab.base.errors import AuthorError, Problem
from wirelab.base.texts import LANGUAGES
from wirelab.declare import source as reader
from wirelab.declare.fill import Strict, validate
from wirelab.declare.scenario import parse_scenario
from wirelab.declare.source import MAX_CHARACTERS, MAX_DEPTH, read_yaml

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*/*.yaml"))
VALID = [path.read_text("utf-8") for path in SCENARIOS]


def problems(text: str) -> list[tuple[str, str]]:
    """Place and key of every mistake; each is one line in both languages, so that none is hidden."""
    with pytest.raises(AuthorError) as raised:
        read_yaml(text, "f.yaml")
    for language in LANGUAGES:
        assert len(raised.value.problems) == len(raised.value.text(language).splitlines())
    return [(str(problem.place), problem.key) for problem in raised.value.problems]


# --- what text means


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("7", 7),
        ("-12", -12),
        ("+3", 3),
        ("0", 0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("-2.", -2.0),
        ("1e3", 1000.0),
        ("1.5E-2", 0.015),
    ],
)
def test_few_words_mean_anything_but_text(written: str, value: object):
    found = read_yaml(f"x: {written}", "f").at(("x",))
    assert (type(value), value) == (type(found), found)


ODD_WORDS = """
    no No yes on off y n tRuE 12:30 190:20:30 0x10 0o17 010 08 007.5 1_000 1_0.5 2024-01-01 2024-01-01T10:00:00Z
    .inf -.Inf .nan 1e999 = << 1.2.3 0x e3 . 99999999999999999999
"""


@pytest.mark.parametrize("written", [*ODD_WORDS.split(), "1" * 400])
def test_all_else_stays_what_it_looks_like(written: str):
    assert written == read_yaml(f"x: {written}", "f").at(("x",))


@pytest.mark.parametrize("written", ["'true'", '"7"', "'~'", "'1e3'"])
def test_quotes_make_text(written: str):
    assert written[1:-1] == read_yaml(f"x: {written}", "f").at(("x",))


def test_lists_are_tuples_and_keys_are_text():
    assert {"a": (1, ("b",)), "1": {"no": "on"}} == read_yaml("a: [1, [b]]\n1: {no: on}\n", "f").data


# --- where it stands


def test_every_key_and_value_has_its_place():
    found = read_yaml("a: 1\nb:\n  - {c: two}\n", "f.yaml")
    assert "f.yaml:2:1" == str(found.key_place(("b",)))
    assert "f.yaml:3:6" == str(found.key_place(("b", 0, "c")))
    assert "f.yaml:3:9" == str(found.place(("b", 0, "c")))
    assert "f.yaml:3:5" == str(found.place(("b", 0, "missing")))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_was_written_is_given_back(end: str, mark: str):
    text = mark + end.join(
        [
            "a: {心: 🙂}  # x",
            "b:",
            "  - one: 1",
            "    two: [2]  # a comment",
            "  # another",
            "",
            "  - 'three: 3'",
            "c: |",
            "  four",
            "",
        ]
    )
    found = read_yaml(text, "f")
    assert "{心: 🙂}" == found.written(("a",))
    assert f"one: 1{end}    two: [2]" == found.written(("b", 0))
    assert "'three: 3'" == found.written(("b", 1))
    assert f"|{end}  four" == found.written(("c",))
    assert "f:1:4" == str(found.place(("a",)))


# --- what is wrong with it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("f:1:1", "empty")]),
        ("# nothing\n", [("f:1:1", "empty")]),
        ("a: 1\n---\nb: 2\n", [("f:3:1", "documents")]),
        ("a: 1\nb: 2\na: 3\nb: 4\n", [("f:3:1", "duplicate"), ("f:4:1", "duplicate")]),
        ("? [a]\n: 1\n", [("f:1:3", "key")]),
        ("? {a: b}\n: 1\n", [("f:1:3", "key")]),
        ("a: &x 1\nb: *x\nc: *x\n", [("f:1:4", "alias"), ("f:2:4", "alias"), ("f:3:4", "alias")]),
        ("a: &x [*x]\n", [("f:1:4", "alias"), ("f:1:8", "alias")]),
        ("a: *nothing\n", [("f:1:4", "alias")]),
        ("a: &x 1\nb: &x 2\n", [("f:1:4", "alias"), ("f:2:4", "alias")]),
        ("a: !!int '5'\nb: !own {}\nc: ! x\n", [("f:1:4", "tag"), ("f:2:4", "tag"), ("f:3:4", "tag")]),
        ("a: !!python/object/apply:os.system [ls]\n", [("f:1:4", "tag")]),
        ("a: !x 1\nb: 1\nb: 2\nc: *y\n", [("f:1:4", "tag"), ("f:4:4", "alias")]),
        ("a: !x 1\nb: 1\nb: 2\n", [("f:1:4", "tag"), ("f:3:1", "duplicate")]),
        ("a: [1, 2\n", [("f:2:1", "syntax")]),
        ("a: b: c\n", [("f:1:5", "syntax")]),
        ("\ta: 1\n", [("f:1:1", "tab")]),
        ("a:\n\t- 1\n", [("f:2:1", "tab")]),
        ("a: 中\nb:\n\tc: 1\n", [("f:3:1", "tab")]),
        ("a: '\n", [("f:2:1", "syntax")]),
        ('a: "\\ud800"\n', [("f:1:7", "syntax")]),
        ("a: 1\nb: \x00\n", [("f:2:4", "character")]),
        ("a: \x1b[0m\n", [("f:1:4", "character")]),
        ("a: \x7f\n", [("f:1:4", "character")]),
        ("a: 1\r\nb: \ud800\n", [("f:2:4", "character")]),
        ("a: \uffff\n", [("f:1:4", "character")]),
        ("\ufeff\ufeffa: \x01\n", [("f:1:5", "character")]),
        ("x" * (MAX_CHARACTERS + 1), [("f:1:1", "too-long")]),
        ("[" * 100_000, [(f"f:1:{MAX_DEPTH + 1}", "depth")]),
        ("- " * 400_000, [(f"f:1:{2 * MAX_DEPTH + 1}", "depth")]),
        ("{a: " * 100_000, [(f"f:1:{4 * MAX_DEPTH + 1}", "depth")]),
    ],
)
def test_every_mistake_is_told_with_its_place(text: str, expected: list[tuple[str, str]]):
    assert [(place.replace("f:", "f.yaml:"), f"source.{key}") for place, key in expected] == problems(text)


def test_keys_given_twice_can_be_told_beside_the_rest():
    doubled: list[Problem] = []
    found = read_yaml("a: 1\nb: 2\na: 3\n", "f", doubled)
    assert {"a": 1, "b": 2} == found.data
    assert [("f:3:1", "source.duplicate")] == [(str(problem.place), problem.key) for problem in doubled]
    doubled = []
    with pytest.raises(AuthorError) as raised:
        read_yaml("a: 1\na: !x 2\n", "f", doubled)
    assert (2, []) == (len(raised.value.problems), doubled)


def test_a_billion_laughs_are_not_laughed():
    lines = ["a0: &a0 [ha, ha]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert {"source.alias"} == {key for _, key in problems("\n".join(lines))}


def test_as_deep_as_allowed_is_read():
    assert read_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f").data


def test_a_file_as_long_as_allowed_is_read():
    text = "a: " + "x" * (MAX_CHARACTERS - 3)
    assert MAX_CHARACTERS - 3 == len(str(read_yaml(text, "f").at(("a",))))


def survives(text: str) -> None:
    """Anything but success or AuthorError fails the test."""
    refused: AuthorError | None = None
    try:
        found = read_yaml(text, "f.yaml")
        assert all(isinstance(found.written(path), str) for path in found.spans)
        parse_scenario(text, "f.yaml")
    except AuthorError as error:
        refused = error
    if refused:
        assert refused.problems
        assert all(line.startswith("f.yaml:") for line in refused.text("zh").splitlines()[:1])


hostile = st.text(st.sampled_from("[]{}:,-?&*!|>%@`\"'#\n\r\t\\ ab1~.<=\x00\x85\u2028\ufeff\ud800🙂心"), max_size=60)


@settings(max_examples=300, deadline=None)
@given(hostile | st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str):
    survives(text)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A scenario or profile that ships, with pieces taken out, doubled, moved, or replaced by something hostile."""
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 40)))
        change = draw(st.sampled_from(["cut", "double", "hostile", "word"]))
        piece = {
            "cut": "",
            "double": text[start:stop] * 2,
            "hostile": draw(hostile),
            "word": draw(
                st.sampled_from(["true", "null", "1e3", "-1", "[a, [b]]", "{a: {b: c}}", '"\\0"', "&x", "*x"])
            ),
        }[change]
        text = text[:start] + piece + text[stop:]
    return text


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_any_scenario_with_mistakes_is_read_or_refused(text: str):
    survives(text)


@settings(max_examples=25, deadline=None)
@given(mutated())
def test_without_the_c_library_it_is_the_same(text: str):
    """PyYAML may be installed without libyaml: then its own parser must do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_Loader", yaml.SafeLoader)
        survives(text)


# --- models


class Inner(Strict):
    kind: Literal["big", "small"] = "big"
    size: Annotated[int, Meta(ge=1, lt=10)] = 1


class Model(Strict):
    name: Annotated[str, Meta(min_length=1, max_length=5, pattern="^[a-z]*$")]
    ratio: Annotated[float, Meta(gt=0, le=1)] = 0
    flag: bool = False
    inner: Inner = Inner()
    many: dict[str, Inner] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    either: str | tuple[int, ...] | None = None
    choice: Literal["whole", "bytes"] | tuple[int, ...] = "whole"


KNOWN = "name, ratio, flag, inner, many, words, either, choice"


def mistakes(text: str) -> list[str]:
    source = read_yaml(text, "f")
    with pytest.raises(AuthorError) as raised:
        validate(Model, source)
    assert len(raised.value.problems) == len(raised.value.text("zh").splitlines())
    return str(raised.value).splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", ["f:1:1: 'name' is missing"]),
        ("[]", ["f:1:1: 'f' must be a mapping in { }, found a list"]),
        ("just words", ["f:1:1: 'f' must be a mapping in { }, found 'just words'"]),
        ("name: 7", ["f:1:7: 'name' must be text (put it in quotes), found 7"]),
        ("name: ''", ["f:1:7: 'name' must be not empty, found ''"]),
        ("name: abcdef", ["f:1:7: 'name' must be at most 5 characters long, found 'abcdef'"]),
        ("name: A", ["f:1:7: 'name' must be written like ^[a-z]*$, found 'A'"]),
        ('{name: "a\\n"}', ["f:1:8: 'name' must be written like ^[a-z]*$, found 'a\\n'"]),
        ("{name: ~}", ["f:1:8: 'name' must be text (put it in quotes), found nothing"]),
        ("{name: a, ratio: true}", ["f:1:18: 'ratio' must be a number, found true"]),
        ("{name: a, inner: {size: 2.0}}", ["f:1:25: 'size' must be a whole number, found 2.0"]),
        ("{name: a, ratio: 2}", ["f:1:18: 'ratio' must be at most 1, found 2"]),
        ("{name: a, ratio: 0}", ["f:1:18: 'ratio' must be greater than 0, found 0"]),
        ("{name: a, ratio: .inf}", ["f:1:18: 'ratio' must be a number, found '.inf'"]),
        ("{name: a, flag: yes}", ["f:1:17: 'flag' must be true or false, found 'yes'"]),
        ("{name: a, rato: 1}", ["f:1:11: unknown key 'rato' (did you mean 'ratio'?); known here: " + KNOWN]),
        ("{name: a, inner: {siz: 1}}", ["f:1:19: unknown key 'siz' (did you mean 'size'?); known here: kind, size"]),
        (
            "{name: a, many: {x: {siz: 1}}}",
            ["f:1:22: unknown key 'siz' (did you mean 'size'?); known here: kind, size"],
        ),
        (
            "{name: a, inner: {kind: bigg}}",
            ["f:1:25: 'kind' must be one of big, small, found 'bigg' (did you mean 'big'?)"],
        ),
        ("{name: a, inner: {size: 10}}", ["f:1:25: 'size' must be less than 10, found 10"]),
        ("{name: a, inner: {size: 1.5}}", ["f:1:25: 'size' must be a whole number, found 1.5"]),
        ("{name: a, words: b}", ["f:1:18: 'words' must be a list in [ ], found 'b'"]),
        ("{name: a, words: [b, 1]}", ["f:1:22: 'words' must be text (put it in quotes), found 1"]),
        ("{name: a, either: 1}", ["f:1:19: 'either' must be text (put it in quotes) or a list in [ ], found 1"]),
        ("{name: a, either: [1, b]}", ["f:1:23: 'either' must be a whole number, found 'b'"]),
        (
            "{name: a, choice: hole}",
            ["f:1:19: 'choice' must be one of whole, bytes, found 'hole' (did you mean 'whole'?)"],
        ),
        ("{name: a, choice: 1}", ["f:1:19: 'choice' must be one of whole, bytes, a list in [ ], found 1"]),
        ("{name: a, choice: [x]}", ["f:1:20: 'choice' must be a whole number, found 'x'"]),
        ("{name: A,\n ratio: 3,\n nope: 1}", ["f:1:8:", "f:2:9:", "f:3:2:"]),
    ],
)
def test_a_model_tells_one_line_for_each_mistake(text: str, expected: list[str]):
    found = mistakes(text)
    assert len(expected) == len(found)
    assert expected == [line[: len(start)] for line, start in zip(found, expected, strict=True)]


def test_models_are_frozen_and_convert_nothing():
    model = validate(Model, read_yaml("{name: a, ratio: 1}", "f"))
    assert (1.0, float) == (model.ratio, type(model.ratio))
    with pytest.raises(AttributeError, match="immutable"):
        model.name = "b"  # type: ignore[misc]
