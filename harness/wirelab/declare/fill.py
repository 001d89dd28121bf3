"""Frozen models, and how they are filled from YAML: every mistake is told, at its place, with what was meant.

msgspec makes the models and builds their values. It would refuse what is refused here, but only the first mistake and
without a place; so the same annotations are read here first. Knows nothing of what the models are about.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from wirelab.base.errors import AuthorError, Problem
from wirelab.base.texts import Bilingual, Text, register
from wirelab.declare.source import Path, Source, in_order, meant

Model = TypeVar("Model", bound="Strict")

register(
    {
        "source.unknown-key": Text(
            "unknown key '{key}'{meant}; known here: {known}", "不认识的键 '{key}'{meant}；这里可用的键：{known}"
        ),
        "source.missing": Text("'{key}' is missing", "缺少 '{key}'"),
        "source.type": Text("'{key}' must be {wanted}, found {found}", "'{key}' 应为{wanted}，这里是 {found}"),
        "source.choice": Text(
            "'{key}' must be one of {choices}, found {found}{meant}",
            "'{key}' 只能是 {choices} 之一，这里是 {found}{meant}",
        ),
        "source.range": Text("'{key}' must be {rule}, found {found}", "'{key}' 必须{rule}，这里是 {found}"),
    }
)

_TAKES: dict[type, tuple[type, ...]] = {float: (float, int)}
"""Types that take values of other types too; all others take their own alone (so that true is no number)."""

_WANTED = {
    str: ("text (put it in quotes)", "文字（请加引号）"),
    int: ("a whole number", "整数"),
    float: ("a number", "数字"),
    bool: ("true or false", " true 或 false"),  # a space between Chinese and a word that is not
    tuple: ("a list in [ ]", "方括号中的列表"),
    dict: ("a mapping in { }", "花括号中的映射"),
}
_RULES: dict[str, tuple[Callable[[Any, Any], object], str, str]] = {
    "gt": (operator.gt, "greater than {}", "大于 {}"),
    "ge": (operator.ge, "at least {}", "不小于 {}"),
    "lt": (operator.lt, "less than {}", "小于 {}"),
    "le": (operator.le, "at most {}", "不大于 {}"),
    "min_length": (lambda value, bound: len(value) >= bound, "not empty", "非空"),
    "max_length": (lambda value, bound: len(value) <= bound, "at most {} characters long", "不超过 {} 个字符"),
    "pattern": (lambda value, bound: re.fullmatch(bound, value), "written like {}", "符合 {}"),
}
"""What msgspec's Meta may demand: how it is tested, and its name in both languages."""


def rule(en: str, zh: str) -> dict[str, Bilingual]:
    """What a pattern demands, in words: for ``Meta(pattern=…, extra=rule(…))``. It follows on "must be" and "必须"."""
    return {"pattern": Bilingual(en, f"是{zh}")}


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))  # mypy: all below are frozen
class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all models filled from YAML: frozen, no unknown keys, no silent conversions."""


@cache
def fields(model: type[Strict]) -> dict[str, FieldInfo]:
    """A model's fields, by the key under which they are written."""
    return {field.encode_name: field for field in msgspec.structs.fields(model)}


def kinds(annotation: Any) -> Iterator[tuple[Any, tuple[Meta, ...]]]:
    """The types that a value may have (``str``, ``Literal[…]``, ``tuple[int, ...]``, a model), each with its rules."""
    bare, *metas = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if get_origin(bare) in (Union, UnionType):
        for inner in get_args(bare):
            yield from kinds(inner)
    else:
        yield bare, tuple(metas)


def description(annotation: Any) -> str:
    """What the author of a model says about a field."""
    metas = getattr(annotation, "__metadata__", ())
    return next((meta.description for meta in reversed(metas) if meta.description), "")


def validate(model: type[Model], source: Source, path: Path = (), data: object = None) -> Model:
    """Fill ``model`` from the value at ``path`` (or from ``data``, a reshaped form of it).

    Raises AuthorError with one problem per mistake, each with its place and, for a mistyped name,
    what was probably meant.
    """
    value = source.at(path) if data is None else data
    problems = in_order(_mistakes(source, model, value, path))
    if problems:
        raise AuthorError(problems)
    return msgspec.convert(value, model)


def _mistakes(source: Source, annotation: Any, value: object, path: Path) -> Iterator[Problem]:
    """Of a value that may be of several types, the mistakes are those of the one that it looks like."""
    allowed = tuple(kinds(annotation))
    for kind, metas in allowed:
        if kind is Any:
            return
        if type(value) in _taken(kind):
            inside = list(_inside(source, kind, value, path))
            yield from inside or _broken_rules(source, kind, metas, value, path)
            return
    wanted = [word for kind, _ in allowed if kind is not NoneType for word in _words(kind)]
    if any(get_origin(kind) is Literal for kind, _ in allowed):
        yield _no_choice(source, wanted, value, path)
    else:
        values = {"key": _key(source, path), "wanted": _joined(wanted, " or ", "或"), "found": _shown(value)}
        yield Problem(source.place(path), "source.type", values)


def _words(kind: Any) -> list[tuple[str, str]]:
    """What may be written for a type, in both languages."""
    if get_origin(kind) is Literal:
        return [(str(choice), str(choice)) for choice in get_args(kind)]
    return [_WANTED[_base(kind)]]


def _joined(words: Iterable[tuple[str, str]], english: str, chinese: str) -> Bilingual:
    return Bilingual(english.join(en for en, _ in words), chinese.join(zh for _, zh in words))


def _base(kind: Any) -> type:
    """The type of plain data that a value of ``kind`` is."""
    base: type = get_origin(kind) or kind
    return dict if issubclass(base, Strict) else base


def _taken(kind: Any) -> tuple[type, ...]:
    if get_origin(kind) is Literal:
        return tuple(type(choice) for choice in get_args(kind))
    base = _base(kind)
    return _TAKES.get(base, (base,))


def _inside(source: Source, kind: Any, value: Any, path: Path) -> Iterator[Problem]:
    """The mistakes of what a value of the right type holds."""
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        if value not in arguments:
            yield _no_choice(source, _words(kind), value, path)
    elif get_origin(kind) is tuple:
        for index, item in enumerate(value):
            yield from _mistakes(source, arguments[0], item, (*path, index))
    elif get_origin(kind) is dict:
        for key, item in value.items():
            for problem in _mistakes(source, arguments[0], key, (*path, key)):
                yield Problem(source.key_place((*path, key)), problem.key, problem.values)
            yield from _mistakes(source, arguments[1], item, (*path, key))
    elif issubclass(kind, Strict):
        yield from _of_model(source, fields(kind), value, path)


def _of_model(source: Source, known: dict[str, FieldInfo], value: dict[str, object], path: Path) -> Iterator[Problem]:
    for key, field in known.items():
        if key in value:
            yield from _mistakes(source, field.type, value[key], (*path, key))
        elif field.required:
            yield Problem(source.place(path), "source.missing", {"key": key})
    for key in value:
        if key not in known:
            values = {"key": key, "meant": meant(key, known), "known": ", ".join(known)}
            yield Problem(source.key_place((*path, key)), "source.unknown-key", values)


def _broken_rules(source: Source, kind: Any, metas: Iterable[Meta], value: object, path: Path) -> Iterator[Problem]:
    """The first rule that a value breaks: one mistake is told once."""
    for meta in metas:
        for name, (holds, *texts) in _RULES.items():
            bound = getattr(meta, name)
            if bound is None or holds(value, bound):
                continue
            shown = int(bound) if isinstance(bound, float) and bound.is_integer() else bound
            demand = (meta.extra or {}).get(name) or Bilingual(*(text.format(shown) for text in texts))
            values = {"key": _key(source, path), "rule": demand, "found": _shown(value)}
            yield Problem(source.place(path), "source.range", values)
            return


def _no_choice(source: Source, choices: list[tuple[str, str]], value: object, path: Path) -> Problem:
    close = meant(value, [english for english, _ in choices])
    values = {
        "key": _key(source, path),
        "choices": _joined(choices, ", ", ", "),
        "found": _shown(value),
        "meant": close,
    }
    return Problem(source.place(path), "source.choice", values)


def _key(source: Source, path: Path) -> str:
    """What a value is called: by the nearest key around it."""
    return next((part for part in reversed(path) if isinstance(part, str)), source.name)


def _shown(value: object) -> str | Bilingual:
    if isinstance(value, dict):
        return Bilingual("a mapping", "映射")
    if isinstance(value, tuple):
        return Bilingual("a list", "列表")
    if value is None:
        return Bilingual("nothing", "空")
    return str(value).lower() if isinstance(value, bool) else repr(value)
