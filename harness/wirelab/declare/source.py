"""YAML text to plain data that remembers where every value stands.

YAML is read as data, never as code: no tags, no anchors or aliases (which can grow without bound), no duplicate
keys, and only ``true``/``false``, ``null`` and decimal numbers (``7``, ``-0.5``, ``1e3``) mean anything but text. So
``no``, ``12:30``, ``0x10``, ``1_000``, ``010``, ``.inf`` and ``2024-01-01`` stay what they look like. Knows nothing
of what the data is about.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import ComposerError

from wirelab.base.errors import AuthorError, Place, Problem
from wirelab.base.texts import Bilingual, Text, register

Path = tuple[str | int, ...]

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*|(?=[eE]))|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {
    spelling: value
    for word, value in (("true", True), ("false", False), ("null", None), ("~", None), ("", None))
    for spelling in (word, word.title(), word.upper())
}
_LINE_END = re.compile(r"\r\n?|\n")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # YAML 1.1, 5.1
_YAML_TAG = "tag:yaml.org,2002:"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

register(
    {
        "source.too-long": Text(
            "the file is longer than {limit} characters, the most that is read",
            "文件超过 {limit} 个字符，不再读取",
        ),
        "source.character": Text(
            "the character {code} cannot stand in a YAML file; is this a text file in UTF-8?",
            "YAML 文件中不能有字符 {code}；这是 UTF-8 编码的文本文件吗？",
        ),
        "source.depth": Text("nested more than {limit} deep", "嵌套超过 {limit} 层"),
        "source.syntax": Text("not readable as YAML: {what}", "不是合法的 YAML：{what}"),
        "source.tab": Text(
            "a tab stands here; YAML is indented with spaces, and knows no tabs", "这里是制表符；YAML 只能用空格缩进"
        ),
        "source.empty": Text("the file is empty", "文件是空的"),
        "source.documents": Text(
            "one file holds one document; remove everything from the second '---' on",
            "一个文件只能有一个文档，请删去第二个 '---' 及其后的内容",
        ),
        "source.alias": Text(
            "anchors and aliases (& and *) are not used here; write the value out",
            "这里不使用锚点与别名（& 和 *），请把值直接写出来",
        ),
        "source.tag": Text(
            "the tag {tag} is not used here; write the value plainly", "这里不使用标签 {tag}，请直接写值"
        ),
        "source.duplicate": Text(
            "the key '{key}' stands here a second time (first in line {first})",
            "键 '{key}' 重复出现（第一次在第 {first} 行）",
        ),
        "source.key": Text("a key must be a word, found {found}", "键必须是一个词，这里是 {found}"),
    }
)


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

    def block(self, path: Path) -> Place | None:
        """Where the first line of a literal block (``|``) at ``path`` stands; None for any other way of writing text.

        All its lines begin in that column.
        """
        start, end = self.spans[path]
        header, *lines = _LINE_END.split(self.text[start:end])
        if not header.startswith("|"):
            return None
        inner = next((line for line in str(self.at(path)).split("\n") if line.strip()), "")
        raw = next((line for line in lines if line.strip()), "")
        place = self.place(path)
        return Place(place.source, place.line + 1, raw.find(inner) + 1)

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
    import difflib

    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return Bilingual(f" (did you mean '{close[0]}'?)", f"（是不是想写 '{close[0]}'？）") if close else Bilingual("", "")


def read_yaml(text: str, name: str, doubled: list[Problem] | None = None) -> Source:
    """Read one YAML document. Raises AuthorError with every structural mistake and its place.

    Where ``doubled`` is given and nothing else is wrong, keys that stand twice are told there instead, and the first
    counts, so that they do not hide the mistakes of the rest.
    """
    text = text.removeprefix("\ufeff")  # libyaml passes over it without counting it
    _check_characters(text, name)
    try:
        problems = list(_flat_problems(text, name))
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except ComposerError:  # an alias of nothing, an anchor given twice: already told
        raise AuthorError(tuple(problems)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        what = " ".join(part for part in (error.context, error.problem) if part)
        tabbed = mark is not None and text[mark.index : mark.index + 1] == "\t"
        problem = Problem(place, "source.tab") if tabbed else Problem(place, "source.syntax", {"what": what})
        raise AuthorError((problem,)) from None
    if not nodes:
        raise AuthorError((Problem(Place(name, 1, 1), "source.empty"),))
    reader = _Reader(name)
    if len(nodes) > 1:
        reader.complain(nodes[1], "source.documents")
    data = reader.plain(nodes[0], ())
    problems += reader.problems
    if problems and (doubled is None or any(problem.key != "source.duplicate" for problem in problems)):
        raise AuthorError(in_order(problems))
    if doubled is not None:
        doubled += problems
    return Source(name, text, data, reader.keys, reader.values, reader.spans)


def _check_characters(text: str, name: str) -> None:
    """What no YAML reader takes; libyaml tells no line for it."""
    if len(text) > MAX_CHARACTERS:
        raise AuthorError((Problem(Place(name, 1, 1), "source.too-long", {"limit": MAX_CHARACTERS}),))
    if found := _UNPRINTABLE.search(text):
        lines = _LINE_END.split(text[: found.start()])
        place = Place(name, len(lines), len(lines[-1]) + 1)
        raise AuthorError((Problem(place, "source.character", {"code": f"U+{ord(found[0]):04X}"}),))


def _flat_problems(text: str, name: str) -> Iterator[Problem]:
    """What the flat stream of events tells better than nodes do: each alias, anchor and tag where it stands.

    And depth: the composer recurses in C and would crash on deep nesting. Raises AuthorError for that at once.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        mark = event.start_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        if depth > MAX_DEPTH:
            raise AuthorError((Problem(place, "source.depth", {"limit": MAX_DEPTH}),))
        if getattr(event, "anchor", None) is not None:
            yield Problem(place, "source.alias")
        tag = getattr(event, "tag", None)
        if tag is not None:
            yield Problem(place, "source.tag", {"tag": tag.replace(_YAML_TAG, "!!")})


class _Reader:
    """Walks composed nodes once; collects places and mistakes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.spans: dict[Path, tuple[int, int]] = {}
        self._ends: dict[int, int] = {}  # where each node ends in the text, by its identity

    def complain(self, node: yaml.Node, key: str, /, **values: object) -> None:
        self.problems.append(Problem(self._place(node), key, values))

    def plain(self, node: yaml.Node, path: Path) -> object:
        if id(node) in self._ends:  # an alias, told already; it may even lead back to where it stands
            return None
        self.values[path] = self._place(node)
        self._ends[id(node)] = node.end_mark.index
        value = self._value(node, path)
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            # A block ends where its last part does; what the parser says takes comments after it along.
            last = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
            self._ends[id(node)] = self._ends.get(id(last), node.end_mark.index)
        self.spans[path] = (node.start_mark.index, self._ends[id(node)])
        return value

    def _value(self, node: yaml.Node, path: Path) -> object:
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.plain(child, (*path, index)) for index, child in enumerate(node.value))
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        return _scalar(str(node.value)) if not getattr(node, "style", None) else str(node.value)

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, object]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain(key, "source.key", found=Bilingual("a list or mapping", "列表或映射"))
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


def _scalar(text: str) -> object:
    """What text without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    number = float(text) if _FLOAT.fullmatch(text) else math.nan
    return number if math.isfinite(number) else text


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems in the order in which they stand in their file."""
    return tuple(sorted(problems, key=lambda problem: (problem.place.line, problem.place.column)))
