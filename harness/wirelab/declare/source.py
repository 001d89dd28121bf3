"""YAML text to plain data that remembers where every value stands, and pydantic models filled from it.

YAML is read as data, never as code: no tags, no aliases (which can grow without bound), no duplicate
keys, and only ``true``/``false``, ``null`` and decimal numbers mean anything but text, so ``no``, ``12:30``
and ``2024-01-01`` stay what they look like. Knows nothing of what the data is about.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from wirelab.base.errors import AuthorError, Place, Problem
from wirelab.base.texts import Bilingual, Text, register

Path = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

register(
    {
        "source.too-long": Text(
            "the file has {length} characters; at most {limit} are read",
            "文件有 {length} 个字符,最多读取 {limit} 个",
        ),
        "source.depth": Text("nested more than {limit} deep", "嵌套超过 {limit} 层"),
        "source.syntax": Text("not readable as YAML: {what}", "不是合法的 YAML:{what}"),
        "source.empty": Text("the file is empty", "文件是空的"),
        "source.documents": Text(
            "one file holds one document; remove everything from the second '---' on",
            "一个文件只能有一个文档,请删去第二个 '---' 及其后的内容",
        ),
        "source.alias": Text(
            "anchors and aliases (& and *) are not used here; write the value out",
            "这里不使用锚点与别名(& 和 *),请把值直接写出来",
        ),
        "source.tag": Text("the tag {tag} is not used here; write the value plainly", "这里不使用标签 {tag},请直接写值"),
        "source.duplicate": Text(
            "the key '{key}' stands here a second time (first in line {first})", "键 '{key}' 重复出现(第一次在第 {first} 行)"
        ),
        "source.key": Text("a key must be a word, found {found}", "键必须是一个词,这里是 {found}"),
        "source.unknown-key": Text(
            "unknown key '{key}'{meant}; known here: {known}", "不认识的键 '{key}'{meant};这里可用的键:{known}"
        ),
        "source.missing": Text("'{key}' is missing", "缺少 '{key}'"),
        "source.type": Text("'{key}' must be {wanted}, found {found}", "'{key}' 应为{wanted},这里是 {found}"),
        "source.choice": Text(
            "'{key}' must be one of {choices}, found {found}{meant}", "'{key}' 只能是 {choices} 之一,这里是 {found}{meant}"
        ),
        "source.range": Text("'{key}' must be {rule}, found {found}", "'{key}' 必须{rule},这里是 {found}"),
        "source.rule": Text("'{key}': {rule}", "'{key}':{rule}"),
    }
)

_WANTED = {
    "string_type": ("text (put it in quotes)", "文字(请加引号)"),
    "int_type": ("a whole number", "整数"),
    "float_type": ("a number", "数字"),
    "bool_type": ("true or false", "true 或 false"),
    "tuple_type": ("a list in [ ]", "方括号中的列表"),
    "dict_type": ("a mapping in { }", "花括号中的映射"),
    "model_type": ("a mapping in { }", "花括号中的映射"),
    "model_attributes_type": ("a mapping in { }", "花括号中的映射"),
}
_RULES = {
    "greater_than": ("greater than {gt}", "大于 {gt}"),
    "greater_than_equal": ("at least {ge}", "不小于 {ge}"),
    "less_than": ("less than {lt}", "小于 {lt}"),
    "less_than_equal": ("at most {le}", "不大于 {le}"),
    "string_too_short": ("not empty", "不能为空"),
    "too_short": ("not empty", "不能为空"),
    "string_pattern_mismatch": ("written like {pattern}", "符合 {pattern}"),
    "finite_number": ("a finite number", "是有限的数"),
}


class Strict(BaseModel):
    """Base of all models filled from YAML: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Plain data read from one YAML text (lists are tuples), with the place of every key and value."""

    name: str
    text: str
    data: object
    keys: dict[Path, Place]
    values: dict[Path, Place]
    spans: dict[Path, tuple[int, int]]

    def place(self, path: Path) -> Place:
        """Where the value at ``path`` stands, or the nearest thing around it."""
        return self._nearest(self.values, path)

    def key_place(self, path: Path) -> Place:
        """Where the key at ``path`` stands, or the nearest thing around it."""
        return self.keys.get(path) or self._nearest(self.values, path)

    def written(self, path: Path) -> str:
        """The value at ``path`` exactly as its author wrote it."""
        start, end = self.spans[path]
        return self.text[start:end].strip()

    def at(self, path: Path) -> object:
        """The plain value at ``path``."""
        value = self.data
        for part in path:
            value = value[part]  # type: ignore[index]
        return value

    def _nearest(self, places: dict[Path, Place], path: Path) -> Place:
        while path and path not in places:
            path = path[:-1]
        return places.get(path, Place(self.name))


def meant(word: object, known: Iterable[str]) -> Bilingual:
    """`` (did you mean 'x'?)`` when something known is close to ``word``, else nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return Bilingual(f" (did you mean '{close[0]}'?)", f"(是不是想写 '{close[0]}'?)") if close else Bilingual("", "")


def read_yaml(text: str, name: str) -> Source:
    """Read one YAML document. Raises AuthorError with every structural mistake and its place."""
    if len(text) > MAX_CHARACTERS:
        size: dict[str, object] = {"length": len(text), "limit": MAX_CHARACTERS}
        raise AuthorError((Problem(Place(name), "source.too-long", size),))
    try:
        _check_depth(text, name)
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise AuthorError((Problem(place, "source.syntax", {"what": what}),)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AuthorError((Problem(Place(name), "source.syntax", {"what": what}),)) from None
    if not nodes or nodes[0] is None:
        raise AuthorError((Problem(Place(name), "source.empty"),))
    reader = _Reader(name)
    if len(nodes) > 1:
        reader.complain(nodes[1], "source.documents")
    data = reader.plain(nodes[0], ())
    if reader.problems:
        raise AuthorError(tuple(reader.problems))
    return Source(name, text, data, reader.keys, reader.values, reader.spans)


def _check_depth(text: str, name: str) -> None:
    """The composer recurses in C and would crash on deep nesting, so depth is checked on the flat event stream."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            mark = event.start_mark
            place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
            raise AuthorError((Problem(place, "source.depth", {"limit": MAX_DEPTH}),))


class _Reader:
    """Walks composed nodes once; collects places and mistakes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.spans: dict[Path, tuple[int, int]] = {}
        self._met: set[int] = set()

    def complain(self, node: yaml.Node, key: str, /, **values: object) -> None:
        self.problems.append(Problem(self._place(node), key, values))

    def plain(self, node: yaml.Node, path: Path) -> object:
        self.values[path] = self._place(node)
        self.spans[path] = (node.start_mark.index, node.end_mark.index)
        if id(node) in self._met:
            self.complain(node, "source.alias")
            return None
        self._met.add(id(node))
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            self.complain(node, "source.tag", tag=node.tag)
            return None
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.plain(child, (*path, index)) for index, child in enumerate(node.value))
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        return _scalar(node, plain=not getattr(node, "style", None))

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, object]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain(key, "source.key", found="a list or mapping")
                continue
            word = str(key.value)
            if word in seen:
                self.complain(key, "source.duplicate", key=word, first=seen[word])
                continue
            seen[word] = key.start_mark.line + 1
            self.keys[(*path, word)] = self._place(key)
            yield word, self.plain(value, (*path, word))

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(node: yaml.Node, *, plain: bool) -> object:
    text = str(node.value)
    if not plain or node.tag.endswith(":str"):
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.match(text) and len(text) < 20:
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def validate(model: type[Model], source: Source, path: Path = (), data: object = None) -> Model:
    """Fill ``model`` from the value at ``path`` (or from ``data``, a reshaped form of it).

    Raises AuthorError with one problem per mistake, each with its place and, for a mistyped name,
    what was probably meant.
    """
    try:
        return model.model_validate(source.at(path) if data is None else data)
    except ValidationError as error:
        raise AuthorError(in_order(_problems(model, source, path, error))) from None


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems in the order in which they stand in their file."""
    return tuple(sorted(problems, key=lambda problem: (problem.place.line, problem.place.column)))


def _problems(model: type[BaseModel], source: Source, base: Path, error: ValidationError) -> Iterator[Problem]:
    for item in error.errors(include_url=False):
        loc = tuple(item["loc"])
        path = (*base, *loc)
        kind, found, context = item["type"], item["input"], item.get("ctx", {})
        key = next((str(part) for part in reversed(path) if isinstance(part, str)), source.name)
        shown = repr(found) if isinstance(found, str) else _shown(found)
        if kind == "extra_forbidden":
            known = _known(model, loc[:-1])
            values = {"key": key, "meant": meant(key, known), "known": ", ".join(known)}
            yield Problem(source.key_place(path), "source.unknown-key", values)
        elif kind == "missing":
            yield Problem(source.place(path[:-1]), "source.missing", {"key": key})
        elif kind in _WANTED:
            yield Problem(source.place(path), "source.type", {"key": key, "wanted": Bilingual(*_WANTED[kind]), "found": shown})
        elif kind in ("literal_error", "enum"):
            choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
            values = {"key": key, "choices": ", ".join(choices), "found": shown, "meant": meant(found, choices)}
            yield Problem(source.place(path), "source.choice", values)
        elif kind in _RULES:
            bound = Bilingual(*(text.format(**context) for text in _RULES[kind]))
            yield Problem(source.place(path), "source.range", {"key": key, "rule": bound, "found": shown})
        else:
            said = str(context.get("error", item["msg"]))
            yield Problem(source.place(path), "source.rule", {"key": key, "rule": said})


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, tuple) else "nothing" if value is None else str(value)


def _known(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys that may stand in the mapping at ``loc`` below ``model``."""
    current: Any = model
    for part in loc:
        if isinstance(part, int) or not (isinstance(current, type) and issubclass(current, BaseModel)):
            continue
        fields = {field.alias or name: field for name, field in current.model_fields.items()}
        current = next(_models(fields[str(part)].annotation), None) if str(part) in fields else None
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
