"""The words of the trace notation: how a line falls into them, what one means, how it is written again.

Numbers, sums of symbols, times, quoted text. Knows no lines and no blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, NamedTuple

from wirelab.base.texts import Bilingual, Text, register
from wirelab.declare.source import meant
from wirelab.declare.trace import Value

LARGEST = 0xFFFFFFFF
LONGEST = 24 * 3600 * 1_000_000_000
"""The longest time that may be written, in nanoseconds."""

SYMBOL = r"[^\W\d]\w*"
"""What a symbol, a label or an actor may be called; letters of any script."""

_TOKEN = re.compile(
    r"""\s+ | (?P<comment>\#.*) | (?P<string>"(?:[^"\\]|\\.)*") | (?P<open>".*) | (?P<arrow>>) | (?P<equals>=)
    | (?P<word>[^\s"\#>=]+)""",
    re.VERBOSE | re.DOTALL,
)
_TERM = re.compile(r"([+-]?)([^+-]*)")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*|[0-9]+(?:_[0-9]+)*")
_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s)")
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000}
_ESCAPE = re.compile(r"\\(?:([nrt\\\"])|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}
_WRITTEN = {char: f"\\{letter}" for letter, char in ESCAPES.items()}
_DIGITS = 30  # a number with more of them is too large, whatever they are
_LONGEST_SHOWN = 60

# What an input method for Chinese, or a word processor, makes of the signs of the notation.
_LOOKALIKES = str.maketrans(
    {"，": ",", "＞": ">", "→": ">", "＝": "=", "“": '"', "”": '"', "＋": "+", "－": "-", "＊": "*", "＃": "#"}
    | {"–": "-", "—": "-", "−": "-", "…": "...", "（": "(", "）": ")", "、": ",", "：": ":", "。": "."}
)

register(
    {
        "trace.value": Text(
            "'{found}' is no value: write a number (100, 0x64), a symbol (x), a sum of those (x+1, x+n+1), or * for any"
            "{meant}",
            "'{found}' 不是值：请写数字（100、0x64）、符号（x）、它们的和（x+1、x+n+1），或用 * 表示任意值{meant}",
        ),
        "trace.minus": Text(
            "only a number can be taken away, as in x-1; '{found}' is a symbol",
            "只能减去数字，如 x-1；'{found}' 是符号",
        ),
        "trace.number": Text(
            "{found} is out of range: '{field}' is from 0 to {limit}",
            "{found} 超出范围：'{field}' 应在 0 到 {limit} 之间",
        ),
        "trace.time": Text(
            "'{found}' is no time: write a number and its unit together, as in 200ms, 1.5s or 50us",
            "'{found}' 不是时间：请把数字和单位连写，如 200ms、1.5s 或 50us",
        ),
        "trace.time-range": Text("{found} is longer than a day", "{found} 超过一天"),
        "trace.escape": Text(
            "'{found}' means nothing here; in quotes there are \\n, \\r, \\t, \\\", \\\\ and \\xNN (a byte in hexadecimal)",
            "'{found}' 没有意义；引号中可用 \\n、\\r、\\t、\\\"、\\\\ 和 \\xNN（十六进制的一个字节）",
        ),
    }
)


class Wrong(Exception):
    """A word means nothing: a key of the catalogue, its values, and how far into the word the mistake stands."""

    def __init__(self, key: str, offset: int = 0, /, **values: object) -> None:
        super().__init__(key)
        self.key, self.offset, self.values = key, offset, values


class Token(NamedTuple):
    """A word, ``>``, ``=`` or quoted text, as written; ``open`` is a quote that nothing closes. Columns from 1."""

    kind: Literal["word", "arrow", "equals", "string", "open"]
    text: str
    column: int


def tokens(line: str) -> list[Token]:
    """What a line is made of, without blanks and its comment. Takes any text."""
    return [
        Token(match.lastgroup, match[0], match.start() + 1)  # type: ignore[arg-type]
        for match in _TOKEN.finditer(line)
        if match.lastgroup not in (None, "comment")
    ]


def shown(text: str) -> str:
    """A word as a message shows it: whole, unless it is longer than anybody means."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def near(found: str, known: Iterable[str]) -> Bilingual:
    """`` (did you mean 'x'?)`` where the case is wrong, a sign is full-width, or a letter is."""
    words = list(known)
    plain = found.translate(_LOOKALIKES)
    for word in words:
        if plain.casefold() == word.casefold():
            return meant(word, [word])
    close = meant(shown(plain), words)
    return close if close.en or plain == found else meant(shown(plain), [shown(plain)])


def value(text: str, field: str, limit: int = LARGEST) -> Value | None:
    """A number or a sum of symbols; None for ``*``. Raises Wrong."""
    if text == "*":
        return None
    symbols: list[str] = []
    constant = 0
    for term in _TERM.finditer(text):
        sign, body = term.groups()
        if not term[0]:
            continue  # the end
        if _NUMBER.fullmatch(body):
            constant += (-1 if sign == "-" else 1) * _number(body, term.start(2), field, limit)
        elif not re.fullmatch(SYMBOL, body):
            plain = text.translate(_LOOKALIKES)
            raise Wrong("trace.value", term.start(2), found=shown(text), meant=meant(plain, {plain} - {text}))
        elif sign == "-":
            raise Wrong("trace.minus", term.start(2), found=shown(body))
        else:
            symbols.append(body)
    if not -limit * bool(symbols) <= constant <= limit:
        raise Wrong("trace.number", found=constant, field=field, limit=limit)
    return Value(tuple(symbols), constant)


def _number(text: str, offset: int, field: str, limit: int) -> int:
    found = int(text.replace("_", ""), 0 if text[:2] in ("0x", "0X") else 10) if len(text) <= _DIGITS else limit + 1
    if found > limit:
        raise Wrong("trace.number", offset, found=shown(text), field=field, limit=limit)
    return found


def time(text: str) -> int:
    """A time such as ``200ms``, in nanoseconds. Raises Wrong."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Wrong("trace.time", found=shown(text))
    if len(text) > _DIGITS or Fraction(match[1]) * UNITS[match[2]] > LONGEST:
        raise Wrong("trace.time-range", found=shown(text))
    return round(Fraction(match[1]) * UNITS[match[2]])


def unquoted(text: str) -> bytes:
    """The bytes that quoted text stands for: UTF-8, with escapes. Raises Wrong."""
    parts: list[bytes] = []
    at, end = 1, len(text) - 1
    for match in _ESCAPE.finditer(text, 1, end):
        if match[3] is not None:
            raise Wrong("trace.escape", match.start(), found=match[0])
        parts.append(text[at : match.start()].encode("utf-8", "surrogatepass"))
        parts.append(ESCAPES[match[1]].encode() if match[1] else bytes.fromhex(match[2]))
        at = match.end()
    return b"".join([*parts, text[at:end].encode("utf-8", "surrogatepass")])


def quoted(data: bytes) -> str:
    """Bytes as quoted text, readable wherever they are text."""
    return '"' + "".join(_written(char) for char in data.decode("utf-8", "surrogateescape")) + '"'


def _written(char: str) -> str:
    if char in _WRITTEN or char.isprintable():
        return _WRITTEN.get(char, char)
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def written_time(nanoseconds: int) -> str:
    """A time in the largest unit that needs no fraction, else in microseconds."""
    for unit, length in UNITS.items():
        if nanoseconds % length == 0:
            return f"{nanoseconds // length}{unit}"
    return f"{nanoseconds / 1000:.3f}".rstrip("0") + "us"
