"""One line of the trace notation: a segment, with its fields, payload, message, time bounds and label.

Knows nothing of the lines around it: what they have in common is checked in ``trace_reader``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from wirelab.base.texts import Text, register
from wirelab.declare.source import meant
from wirelab.declare.trace import Bound, Line, MessageMatch, Place, Value
from wirelab.declare.trace_words import (
    LARGEST,
    SYMBOL,
    Token,
    Wrong,
    near,
    shown,
    time,
    unquoted,
    value,
    written_time,
)

FLAGS = ("SYN", "ACK", "FIN", "RST", "PSH", "URG", "ECE", "CWR")
DATA, ANY, NONE = "DATA", "*", "-"
FIELDS = {"seq": LARGEST, "ack": LARGEST, "win": 0xFFFF, "len": LARGEST}
"""The numbers of a segment, each with the largest it can be (RFC 9293, 3.1)."""

CLAUSES = ("message", "within", "after", "as")
MEMBER = "message."
"""Before the name of a group that is called like a field: ``message.seq=1``."""

register(
    {
        "trace.actor-name": Text(
            "'{found}' cannot be a name: it is made of letters, digits and _, and does not begin with a digit",
            "'{found}' 不能作名字：名字由字母、数字和下划线组成，不以数字开头",
        ),
        "trace.unknown-actor": Text(
            "there is no actor '{found}'{meant}; the actors are: {known}", "没有角色 '{found}'{meant}；角色有：{known}"
        ),
        "trace.itself": Text(
            "'{found}' sends to itself here; name the two sides", "'{found}' 在这里发给自己；请写出双方"
        ),
        "trace.receiver": Text(
            "after '{sender} >' stands who receives it, found {found}", "'{sender} >' 后面应写接收方，这里是 {found}"
        ),
        "trace.no-flags": Text(
            "the flags are missing: write {known}, joined by commas, DATA for any data, * for whatever flags",
            "缺少标志：请写 {known}（用逗号连接），或用 DATA 表示带数据、* 表示任意标志",
        ),
        "trace.flag": Text(
            "unknown flag '{found}'{meant}; flags are {known}, joined by commas without blanks; DATA, * or -",
            "不认识的标志 '{found}'{meant}；标志有 {known}，用逗号连接、不加空格；或写 DATA、*、-",
        ),
        "trace.flags-apart": Text(
            "flags are joined by commas, without blanks: write '{joined}'", "标志用逗号连接，不加空格：请写 '{joined}'"
        ),
        "trace.twice": Text("'{found}' stands in this line a second time", "'{found}' 在这一行里重复出现"),
        "trace.unknown-word": Text(
            "'{found}' means nothing here{meant}; after the flags stand {known} or a payload in quotes",
            "这里不认识 '{found}'{meant}；标志之后可写 {known}，或引号中的负载",
        ),
        "trace.unknown-field": Text(
            "a segment has no field '{found}'{meant}; its fields are {known} (the groups of a message stand after "
            "'message KIND')",
            "报文段没有字段 '{found}'{meant}；字段有 {known}（消息的分组写在 'message 类型' 之后）",
        ),
        "trace.no-value": Text("what '{found}' is, is missing after it", "'{found}' 后面缺少内容"),
        "trace.quote": Text("nothing closes this quote", "这个引号没有闭合"),
        "trace.payload": Text(
            "quotes with nothing between them say nothing; leave them out, or write DATA for any data",
            "空的引号没有意义；请删去，或用 DATA 表示任意数据",
        ),
        "trace.length": Text(
            "len={length} contradicts the rest of the line, which says that there are {least} bytes or more",
            "len={length} 与本行其他内容矛盾：本行要求至少有 {least} 个字节",
        ),
        "trace.no-text": Text("these bytes are not text in UTF-8", "这些字节不是 UTF-8 文本"),
        "trace.bounds": Text(
            "'within' ends before 'after' begins: no time is within {most} and after {least}",
            "'within' 早于 'after'：没有时间既在 {most} 之内又在 {least} 之后",
        ),
    }
)

Tell = Callable[..., None]
"""Takes a column, a key of the catalogue and its values: one mistake."""


Result = TypeVar("Result")


class Named(NamedTuple):
    """A name or value in a line, and its column, for checks of the whole trace."""

    what: str | Value
    column: int


@dataclass(slots=True)
class Written:
    """A line as read, with what only the whole trace can judge: where its values and its names stand."""

    line: Line
    values: list[Named] = field(default_factory=list)
    label: Named | None = None
    since: list[Named] = field(default_factory=list)
    relative: int = 0  # the column of the first bound that counts from the line before, or 0


def read_line(text: str, words: list[Token], place: Place, actors: Collection[str] | None, tell: Tell) -> Written:
    """The line that ``words`` are, the second of which is ``>``. Mistakes are told; what was right is kept."""
    return _LineReader(text, words, place, actors, tell).read()


class _LineReader:
    """Goes through the words of one line once."""

    def __init__(self, text: str, words: list[Token], place: Place, actors: Collection[str] | None, tell: Tell) -> None:
        self.text, self.words, self.place, self.actors, self.tell = text, words, place, actors, tell
        self.at = 0
        self.fields: dict[str, Value | None] = {}
        self.length_column = 0
        self.payload: bytes | None = None
        self.kind: str | None = None
        self.groups: dict[str, str | None] = {}
        self.bounds: dict[str | None, Bound] = {}
        self.written = Written(Line(place, text, "", "", None))

    def read(self) -> Written:
        sender = self._actor(self.words[0])
        self.at = 2
        receiver = self._receiver(sender)
        flags, data = self._flags() if receiver else (None, False)
        while self.at < len(self.words):
            self._clause()
        says_data = data or self.payload is not None or self.kind is not None
        self._check_length(says_data)
        self.written.line = Line(
            place=self.place,
            text=self.text,
            sender=sender,
            receiver=receiver,
            flags=flags,
            data=says_data,
            seq=self.fields.get("seq"),
            ack=self.fields.get("ack"),
            window=self.fields.get("win"),
            length=self.fields.get("len"),
            payload=self.payload,
            message=MessageMatch(self.kind, self._groups()) if self.kind is not None else None,
            bounds=tuple(self.bounds.values()),
            label=str(self.written.label.what) if self.written.label else None,
        )
        return self.written

    # --- who, and flags

    def _actor(self, token: Token) -> str:
        if self.actors is not None and token.text not in self.actors:
            values = {"found": shown(token.text), "meant": near(token.text, self.actors)}
            self.tell(token.column, "trace.unknown-actor", known=", ".join(self.actors), **values)
        elif not re.fullmatch(SYMBOL, token.text):
            self.tell(token.column, "trace.actor-name", found=shown(token.text))
        return token.text

    def _receiver(self, sender: str) -> str:
        token = self._peek()
        if token is None or token.kind != "word":
            found = shown(token.text) if token else "-"
            self.tell(self._column(), "trace.receiver", sender=shown(sender), found=found)
            self.at = len(self.words)
            return ""
        self.at += 1
        receiver = self._actor(token)
        if receiver == sender:
            self.tell(token.column, "trace.itself", found=shown(sender))
        return receiver

    def _flags(self) -> tuple[frozenset[str] | None, bool]:
        """The flags, and whether DATA is among them. Those of a line with a payload or message may be left out."""
        token = self._peek()
        if token is None or token.kind != "word" or token.text in CLAUSES or self._is_field():
            if not any(other.kind in ("string", "open") or other.text == "message" for other in self.words[self.at :]):
                self.tell(self._column(), "trace.no-flags", known=" ".join(FLAGS))
            return frozenset(), False
        self.at += 1
        if token.text == NONE or self._are_apart(token):
            return frozenset(), False
        names = token.text.split(",")
        offset = 0
        for index, name in enumerate(names):
            if name not in (*FLAGS, DATA, ANY) or (name == ANY and set(names) - {ANY, DATA}):
                self._unknown_flag(token, name, offset)
                break
            if name in names[:index]:
                self.tell(token.column + offset, "trace.twice", found=name)
            offset += len(name) + 1
        return None if ANY in names else frozenset(names) & set(FLAGS), DATA in names

    def _are_apart(self, token: Token) -> bool:
        """Whether the flags have blanks between them, which is told once for all of them."""
        parts = [token.text]
        while (word := self._peek()) and word.kind == "word" and not self._is_field() and _flags_in(word.text):
            parts.append(word.text)
            self.at += 1
        if not _flags_in(token.text) or (len(parts) == 1 and not token.text.endswith(",")):
            return False
        joined = ",".join(",".join(_flags_in(part) or [part]) for part in parts)
        self.tell(token.column, "trace.flags-apart", joined=shown(joined))
        return True

    def _unknown_flag(self, token: Token, name: str, offset: int) -> None:
        joined = ",".join(_flags_in(token.text))
        close = meant(joined, [joined]) if joined else near(name, (*FLAGS, DATA))
        known = " ".join(FLAGS)
        self.tell(token.column + offset, "trace.flag", found=shown(name or token.text), meant=close, known=known)

    # --- what follows the flags

    def _clause(self) -> None:
        token = self.words[self.at]
        self.at += 1
        if token.kind == "string":
            self._payload(token)
        elif token.kind == "open":
            self.tell(token.column, "trace.quote")
        elif token.kind == "word" and self._is_field(-1):
            self.at += 1
            self._field(token)
        elif token.text == "message":
            self._message(token)
        elif token.text in ("within", "after"):
            self._bound(token)
        elif token.text == "as":
            self._label(token)
        else:
            known = ", ".join([*(f"{name}=" for name in FIELDS), *CLAUSES])
            close = near(token.text, [*FIELDS, *CLAUSES])
            self.tell(token.column, "trace.unknown-word", found=shown(token.text), meant=close, known=known)
            self._pass_over()

    def _pass_over(self) -> None:
        """Go on where something is known again: what follows a word that means nothing belongs to it."""
        while (word := self._peek()) and word.kind in ("word", "arrow") and word.text not in CLAUSES:
            if self._is_field():
                break
            self.at += 1

    def _field(self, token: Token) -> None:
        name = token.text
        if name in FIELDS:
            found = self._read(name, lambda text: value(text, name, FIELDS[name]), ("word",))
            if name in self.fields:
                self.tell(token.column, "trace.twice", found=name)
            self.fields[name] = found
            self.length_column = token.column if name == "len" else self.length_column
            if found is not None and found.symbols:
                self.written.values.append(Named(found, token.column))
        elif self.kind is not None:
            group = name.removeprefix(MEMBER)
            text = self._read(name, _group, ("word", "string"))
            if group in self.groups:
                self.tell(token.column, "trace.twice", found=shown(name))
            self.groups[group] = text
        else:
            values = {"found": shown(name), "meant": near(name, FIELDS), "known": ", ".join(FIELDS)}
            self.tell(token.column, "trace.unknown-field", **values)
            self._next(("word", "string"))  # what it is to be

    def _payload(self, token: Token) -> None:
        if self.payload is not None:
            self.tell(token.column, "trace.twice", found='"…"')
        self.payload = self._attempt(unquoted, token) or b""
        if token.text == '""':
            self.tell(token.column, "trace.payload")

    def _message(self, token: Token) -> None:
        if self.kind is not None:
            self.tell(token.column, "trace.twice", found=token.text)
        kind = None if self._is_field() else self._next(("word",))
        if kind is None:
            self.tell(self._column(), "trace.no-value", found=token.text)
        self.kind = kind.text if kind else ""

    def _bound(self, token: Token) -> None:
        length = self._read(token.text, time, ("word",))
        since: str | None = None
        of = self._peek()
        if of is not None and of.kind == "word" and of.text == "of":
            self.at += 1
            label = self._name(of)
            if label is None:
                return
            self.written.since.append(label)
            since = str(label.what)
        elif not self.written.relative:
            self.written.relative = token.column
        if length is None:
            return
        bound = self.bounds.get(since, Bound(since=since))
        if (bound.most if token.text == "within" else bound.least) is not None:
            self.tell(token.column, "trace.twice", found=token.text)
        least, most = (bound.least, length) if token.text == "within" else (length, bound.most)
        if least is not None and most is not None and most < least:
            self.tell(token.column, "trace.bounds", most=written_time(most), least=written_time(least))
        self.bounds[since] = Bound(least, most, since)

    def _label(self, token: Token) -> None:
        label = self._name(token)
        if label is None:
            return
        if self.written.label is not None:
            self.tell(token.column, "trace.twice", found=token.text)
        self.written.label = label

    def _name(self, after: Token) -> Named | None:
        token = self._next(("word",))
        if token is None:
            self.tell(self._column(), "trace.no-value", found=after.text)
            return None
        if not re.fullmatch(SYMBOL, token.text):
            self.tell(token.column, "trace.actor-name", found=shown(token.text))
            return None
        return Named(token.text, token.column)

    # --- what the parts say together

    def _groups(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, text) for name, text in self.groups.items() if text is not None)

    def _check_length(self, says_data: bool) -> None:
        length = self.fields.get("len")
        least = max(len(self.payload or b""), int(says_data))
        if length is not None and not length.symbols and length.constant < least:
            self.tell(self.length_column, "trace.length", length=length.constant, least=least)

    # --- words

    def _peek(self) -> Token | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def _is_field(self, ahead: int = 0) -> bool:
        """Whether the word there (next, without ``ahead``) is followed by ``=``."""
        at = self.at + ahead + 1
        return at < len(self.words) and self.words[at].kind == "equals"

    def _column(self) -> int:
        """Where the next word stands, or would."""
        token = self._peek()
        return token.column if token else self.words[-1].column + len(self.words[-1].text)

    def _read(self, name: str, convert: Callable[[str], Result], kinds: tuple[str, ...]) -> Result | None:
        """What the next word means; where there is none, or none of these kinds, that is told."""
        token = None if self._is_field() else self._next((*kinds, "open"))
        if token is None:
            self.tell(self._column(), "trace.no-value", found=shown(name))
        elif token.kind == "open":
            self.tell(token.column, "trace.quote")
        else:
            return self._attempt(convert, token)
        return None

    def _attempt(self, convert: Callable[[str], Result], token: Token) -> Result | None:
        try:
            return convert(token.text)
        except Wrong as wrong:
            self.tell(token.column + wrong.offset, wrong.key, **wrong.values)
            return None

    def _next(self, kinds: tuple[str, ...]) -> Token | None:
        token = self._peek()
        if token is None or token.kind not in kinds:
            return None
        self.at += 1
        return token


def _flags_in(text: str) -> list[str]:
    """The flags that a word is made of, whatever their case and what stands between them; none for other words."""
    parts = [part for part in re.split(r"[^A-Za-z]+", text.upper()) if part]
    return parts if set(parts) <= {*FLAGS, DATA} else []


def _group(text: str) -> str | None:
    """What a group of a message must be; None for ``*``. Raises Wrong."""
    if not text.startswith('"'):
        return None if text == "*" else text
    try:
        return unquoted(text).decode()
    except UnicodeDecodeError:
        raise Wrong("trace.no-text") from None
