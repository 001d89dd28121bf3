"""Expected traces: text in the notation of ``docs/traces.md`` to values, every mistake told at its place.

Knows blocks, and what the lines of a trace have in common; no segments, no cast and no files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from wirelab.base.errors import AuthorError, Problem
from wirelab.base.errors import Place as FilePlace
from wirelab.base.texts import Bilingual, Text, register
from wirelab.declare.source import in_order
from wirelab.declare.trace import AnyOrder, Either, Gap, Item, Place, Trace, Value, Variation
from wirelab.declare.trace_line import Named, Written, read_line
from wirelab.declare.trace_words import Token, near, shown, tokens

MAX_LINES = 1000
MAX_COLUMNS = 10_000
MAX_DEPTH = 20
MAX_MISTAKES = 50
GAP = "..."
WORDS = ("strict", "either", "or", "end", "nothing", "any order", "in order", GAP)
_ARROW = re.compile("[-=~<>→＞»⟶]+")
_LINE_END = re.compile(r"\r\n?|\n")

register(
    {
        "trace.empty": Text("there is no line here that describes a segment", "这里没有任何描述报文段的行"),
        "trace.too-many": Text("a trace has at most {limit} lines", "报文序列最多 {limit} 行"),
        "trace.too-long": Text("a line has at most {limit} characters", "一行最多 {limit} 个字符"),
        "trace.depth": Text("blocks nested more than {limit} deep", "块的嵌套超过 {limit} 层"),
        "trace.more": Text("more than {limit} mistakes; the rest is not read", "错误超过 {limit} 处，其余不再读取"),
        "trace.unknown-line": Text(
            "'{found}' begins no line{meant}; a line is 'sender > receiver FLAGS …', or begins with one of {known}",
            "没有以 '{found}' 开头的行{meant}；一行应写作“发送方 > 接收方 标志 …”，或以 {known} 之一开头",
        ),
        "trace.arrow": Text(
            "between sender and receiver stands '>' alone, found '{found}'; who sends stands first",
            "发送方和接收方之间只写 '>'，这里是 '{found}'；发送方写在前面",
        ),
        "trace.rest": Text("nothing may follow '{word}' in its line", "'{word}' 之后同一行不能再有内容"),
        "trace.strict-late": Text(
            "'strict' is about the whole trace: write it before the first line",
            "'strict' 针对整个序列：请写在第一行之前",
        ),
        "trace.variation": Text(
            "there is no variation '{found}'{meant}; known: {known}", "没有名为 '{found}' 的变化{meant}；可用：{known}"
        ),
        "trace.stray": Text("'{word}' belongs to no block here{open}", "这里的 '{word}' 不属于任何块{open}"),
        "trace.no-end": Text("'{word}' has no 'end'", "'{word}' 缺少对应的 'end'"),
        "trace.no-or": Text(
            "'either' has one branch only: write 'or' and another ('nothing', where that is meant)",
            "'either' 只有一个分支：请写 'or' 和另一个分支（若可以没有，写 'nothing'）",
        ),
        "trace.empty-branch": Text(
            "there is nothing in this branch; where that is meant, write 'nothing'",
            "这个分支是空的；若确实如此，请写 'nothing'",
        ),
        "trace.empty-block": Text("there is nothing in '{word}'", "'{word}' 里没有内容"),
        "trace.nothing": Text(
            "'nothing' stands alone in a branch of 'either'", "'nothing' 只能单独作为 'either' 的一个分支"
        ),
        "trace.in-order": Text(
            "'in order' makes one unit of several lines, within 'any order' alone",
            "'in order' 把几行合成一个单元，只能写在 'any order' 之中",
        ),
        "trace.third": Text(
            "'{found}' is a third actor; a trace is about the two sides of one connection, here {known}",
            "'{found}' 是第三个角色；一个序列只描述一个连接的双方，这里是 {known}",
        ),
        "trace.label-twice": Text(
            "the label '{found}' is given here a second time (first in line {first})",
            "标签 '{found}' 在这里第二次出现（第一次在第 {first} 行）",
        ),
        "trace.no-label": Text(
            "no line before this one is called '{found}'{meant}: name it with 'as {found}'",
            "此前没有名为 '{found}' 的行{meant}：请用 'as {found}' 给它命名",
        ),
        "trace.no-line-before": Text(
            "there is no line before this one from which time could count", "此前没有可以开始计时的行"
        ),
        "trace.unbound": Text(
            "nothing says what {symbols} are: use each alone first, so that one segment at a time gives one number",
            "无法确定 {symbols}：请先让每个符号单独出现，一次只确定一个数",
        ),
    }
)


def read_trace(
    text: str,
    *,
    source: str = "trace",
    first_line: int = 1,
    first_column: int = 1,
    actors: Collection[str] | None = None,
) -> Trace:
    """Read one expected trace. Raises AuthorError with every mistake, at its line and column.

    ``source`` is the name of the file, and ``first_line`` and ``first_column`` where in it the text stands (as a
    block: every line of it begins in that column); all places, those in the value too, are places in the file.
    ``actors`` are those who may be named; None: any two.
    """
    return _Reader(source, first_line, first_column, actors).read(text)


class _Enough(Exception):
    """Whatever follows is not worth reading."""


@dataclass(slots=True)
class _Block:
    """A block that is open: what its branches (of any order: units) were, and the one being read."""

    word: str
    place: Place
    done: list[tuple[Item, ...]] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    empty: bool = True  # nothing stands in the branch yet, not even a line with mistakes


@dataclass(slots=True)
class _Seen:
    """A line with where it stands among the blocks: branches by the place of their ``either``, outermost any order."""

    written: Written
    branches: dict[Place, int]
    loose: Place | None

    def excludes(self, other: _Seen) -> bool:
        """Whether the two stand in different branches of one ``either``, so that they never come both."""
        return any(other.branches.get(place, branch) != branch for place, branch in self.branches.items())

    def may_follow(self, other: _Seen) -> bool:
        """Whether the other one's segment may come before this one's, given that the other stands above or below."""
        here, there = self.written.line.place.line, other.written.line.place.line
        loose = self.loose is not None and self.loose == other.loose
        return here != there and (there < here or loose) and not self.excludes(other)


class _Reader:
    """Reads one trace; collects problems instead of raising."""

    def __init__(self, source: str, first_line: int, first_column: int, actors: Collection[str] | None) -> None:
        self.source, self.first_line, self.first_column, self.actors = source, first_line, first_column, actors
        self.problems: list[Problem] = []
        self.blocks = [_Block("", Place(first_line, first_column))]
        self.strict: set[Variation] = set()
        self.seen: list[_Seen] = []
        self.names: dict[str, None] = {}  # the actors, in the order in which they are named
        self.line = first_line
        self.begun = False

    def read(self, text: str) -> Trace:
        try:
            self._lines(_LINE_END.split(text))
            self._whole()
        except _Enough:
            pass
        if self.problems:
            raise AuthorError(in_order(self.problems))
        items = tuple(self.blocks[0].items)
        return Trace(items, frozenset(self.strict), tuple(self.names), text)

    def tell(self, column: int, key: str, /, **values: object) -> None:
        """One mistake, at a column of the line being read."""
        self._tell_at(self._place(column), key, **values)

    def _tell_at(self, place: Place, key: str, /, **values: object) -> None:
        at = FilePlace(self.source, place.line, place.column)
        if len(self.problems) == MAX_MISTAKES:
            self.problems.append(Problem(at, "trace.more", {"limit": MAX_MISTAKES}))
            raise _Enough
        self.problems.append(Problem(at, key, values))

    def _place(self, column: int) -> Place:
        return Place(self.line, self.first_column - 1 + column)

    # --- lines and blocks

    def _lines(self, lines: Sequence[str]) -> None:
        count = 0
        for offset, text in enumerate(lines):
            self.line = self.first_line + offset
            if len(text) > MAX_COLUMNS:
                self.tell(1, "trace.too-long", limit=MAX_COLUMNS)
                self.blocks[-1].empty = False
                continue
            words = tokens(text)
            if not words:
                continue
            count += 1
            if count > MAX_LINES:
                self.tell(words[0].column, "trace.too-many", limit=MAX_LINES)
                raise _Enough
            last = words[-1]
            self._one(text[words[0].column - 1 : last.column - 1 + len(last.text)], words)
        while len(self.blocks) > 1:
            block = self.blocks.pop()
            self._tell_at(block.place, "trace.no-end", word=block.word)

    def _one(self, text: str, words: list[Token]) -> None:
        first = words[0]
        if len(words) > 1 and words[1].kind == "arrow" and first.kind == "word":
            self._segment(text, words)
        elif first.text == "strict":
            self._strict(text, words)
            return
        elif first.text in ("any", "in") and len(words) > 1 and words[1].text == "order":
            self._alone(f"{first.text} order", words[1:])
            self._open(f"{first.text} order", self._place(first.column))
        elif first.text in ("either", "or", "end", "nothing", GAP):
            self._alone(first.text, words)
            self._block_word(first)
        else:
            self._unknown(words)
        self.begun = True

    def _alone(self, word: str, words: list[Token]) -> None:
        if len(words) > 1:
            self.tell(words[1].column, "trace.rest", word=word)

    def _block_word(self, token: Token) -> None:
        block = self.blocks[-1]
        if token.text == GAP:
            self._add(Gap(self._place(token.column)))
        elif token.text == "either":
            self._open("either", self._place(token.column))
        elif token.text == "nothing":
            if block.word != "either" or not block.empty:
                self.tell(token.column, "trace.nothing")
            block.empty = False
        elif token.text == "end" and block.word:
            self._close(token)
        elif token.text == "or" and block.word == "either":
            self._branch(block, token)
        else:
            about = f" ('{block.word}' is open, from line {block.place.line})" if block.word else ""
            about_zh = f"（'{block.word}' 从第 {block.place.line} 行起尚未结束）" if block.word else ""
            self.tell(token.column, "trace.stray", word=token.text, open=Bilingual(about, about_zh))

    def _unknown(self, words: list[Token]) -> None:
        first = words[0]
        self.blocks[-1].empty = False
        found = " ".join(word.text for word in words[:2]) if first.text in ("any", "in") else first.text
        close = near(found, WORDS)
        sign = "".join(word.text for word in words[1:3] if _ARROW.fullmatch(word.text))
        if len(words) > 2 and _ARROW.fullmatch(words[1].text):
            self.tell(words[1].column, "trace.arrow", found=shown(sign))
            return
        self.tell(first.column, "trace.unknown-line", found=shown(found), meant=close, known=", ".join(WORDS))

    def _open(self, word: str, place: Place) -> None:
        parent = self.blocks[-1]
        if word == "in order" and parent.word != "any order":
            self._tell_at(place, "trace.in-order")
        if len(self.blocks) > MAX_DEPTH:
            self._tell_at(place, "trace.depth", limit=MAX_DEPTH)
            raise _Enough
        parent.empty = False
        self.blocks.append(_Block(word, place))

    def _branch(self, block: _Block, token: Token) -> None:
        """A branch of ``either`` is over."""
        if block.empty:
            self.tell(token.column, "trace.empty-branch")
        block.done.append(tuple(block.items))
        block.items, block.empty = [], True

    def _close(self, token: Token) -> None:
        block = self.blocks.pop()
        parent = self.blocks[-1]
        if block.word == "either":
            self._branch(block, token)
            if len(block.done) == 1:
                self._tell_at(block.place, "trace.no-or")
            self._add(Either(block.place, tuple(block.done)))
            return
        if block.empty:
            self._tell_at(block.place, "trace.empty-block", word=block.word)
        if block.word == "any order":
            self._add(AnyOrder(block.place, tuple(block.done)))
        else:
            parent.done.append(tuple(block.items))

    def _add(self, item: Item) -> None:
        block = self.blocks[-1]
        block.empty = False
        if block.word == "any order":
            block.done.append((item,))
        else:
            block.items.append(item)

    # --- what a line says

    def _strict(self, text: str, words: list[Token]) -> None:
        first = words[0]
        if self.begun:
            self.tell(first.column, "trace.strict-late")
        known = {str(variation): variation for variation in Variation}
        named = re.finditer(r"[^\s,]+", text[len("strict") :])
        if len(words) == 1:
            self.strict |= set(Variation)
        for match in named:
            if match[0] in known:
                self.strict.add(known[match[0]])
                continue
            values = {"found": shown(match[0]), "meant": near(match[0], known), "known": ", ".join(known)}
            self.tell(first.column + len("strict") + match.start(), "trace.variation", **values)

    def _segment(self, text: str, words: list[Token]) -> None:
        written = read_line(text, words, self._place(words[0].column), self.actors, self.tell)
        line = written.line
        for name, column in ((line.sender, words[0].column), (line.receiver, words[min(2, len(words) - 1)].column)):
            if not name or name in self.names or line.sender == line.receiver:
                continue
            if len(self.names) == 2 and (self.actors is None or name in self.actors):
                self.tell(column, "trace.third", found=shown(name), known=", ".join(self.names))
            if len(self.names) < 2 and (self.actors is None or name in self.actors):
                self.names[name] = None
        branches = {block.place: len(block.done) for block in self.blocks if block.word == "either"}
        loose = next((block.place for block in self.blocks if block.word == "any order"), None)
        self.seen.append(_Seen(written, branches, loose))
        self._add(line)

    # --- the whole

    def _whole(self) -> None:
        if not self.seen and not self.problems:
            self._tell_at(Place(self.first_line, self.first_column), "trace.empty")
        labels: dict[str, list[_Seen]] = {}
        for seen in self.seen:
            self.line = seen.written.line.place.line
            self._check_label(seen, labels)
        for seen in self.seen:
            self.line = seen.written.line.place.line
            self._check_bounds(seen, labels)
        self._check_symbols()

    def _check_label(self, seen: _Seen, labels: dict[str, list[_Seen]]) -> None:
        named = seen.written.label
        if named is None:
            return
        others = labels.setdefault(str(named.what), [])
        first = next((other for other in others if not seen.excludes(other)), None)
        if first is not None:
            self.tell(named.column, "trace.label-twice", found=named.what, first=first.written.line.place.line)
        others.append(seen)

    def _check_bounds(self, seen: _Seen, labels: dict[str, list[_Seen]]) -> None:
        for label, column in seen.written.since:
            if not any(seen.may_follow(other) for other in labels.get(str(label), ())):
                known = [name for name, others in labels.items() if any(map(seen.may_follow, others))]
                self.tell(column, "trace.no-label", found=shown(str(label)), meant=near(str(label), known))
        if seen.written.relative and not any(seen.may_follow(other) for other in self.seen):
            self.tell(seen.written.relative, "trace.no-line-before")

    def _check_symbols(self) -> None:
        """One segment gives one number: of what is not known yet, a value may have one symbol."""
        before: set[str] = set()
        loose: dict[Place, Counter[str]] = {}
        for seen in self.seen:
            if seen.loose is not None:
                loose.setdefault(seen.loose, Counter()).update(_symbols(seen))
        for seen in self.seen:
            self.line = seen.written.line.place.line
            mine = _symbols(seen)
            around = loose[seen.loose] if seen.loose is not None else mine
            self._check_values(
                seen.written.values, {name for name in mine if name in before or around[name] > mine[name]}
            )
            before |= set(mine)

    def _check_values(self, values: Sequence[Named], known: set[str]) -> None:
        waiting = [(named, named.what) for named in values if isinstance(named.what, Value)]
        for _ in values:  # each round may make one more known
            solved = [value for _, value in waiting if len(_unknown(value, known)) == 1]
            known = known.union(*(value.symbols for value in solved))
        for named, value in waiting:
            if unknown := _unknown(value, known):
                symbols = ", ".join(dict.fromkeys(unknown))
                self.tell(named.column, "trace.unbound", symbols=shown(symbols))


def _symbols(seen: _Seen) -> Counter[str]:
    values = (named.what for named in seen.written.values)
    return Counter(symbol for value in values if isinstance(value, Value) for symbol in value.symbols)


def _unknown(value: Value, known: Collection[str]) -> list[str]:
    return [symbol for symbol in value.symbols if symbol not in known]
