"""How an answer is read, and whether it is right. Reads text and nothing else: what a student writes is never executed.

Whoever knows the right answer must not fail for how it is written: full-width digits, grouped digits, units, letters of
either case, both languages. What cannot be read as an answer at all is said to be that, not wrong.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal, Protocol

from wirelab.base.texts import Bilingual, Text, catalogue, register
from wirelab.judge.verdict import Said

LONGEST = 20_000  # characters of an answer that are read
LONGEST_NUMBER = 40  # characters
FLAGS = ("SYN", "FIN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
State = Literal["right", "wrong", "part", "missing", "unreadable", "open"]

register(
    {
        "answer.one-number": Text(
            "one number is asked for; several stand here, and no '=' says which one is meant",
            "这里要填一个数；写了多个，又没有用“=”标明是哪一个",
        ),
        "answer.no-number": Text("a number is asked for, and none stands here", "这里要填一个数，但没有找到数字"),
        "answer.no-time": Text(
            "a time is asked for, such as 0.12 ms; write a number and its unit",
            "这里要填一段时间，例如 0.12 ms；请写数字和单位",
        ),
        "answer.no-choice": Text("one of the letters {letters} is asked for", "这里要填 {letters} 中的一个字母"),
        "answer.no-flags": Text(
            "names of flags are asked for, such as SYN, ACK", "这里要填标志位的名称，例如 SYN, ACK"
        ),
        "answer.no-order": Text(
            "each of the letters {letters} once is asked for, in the right order",
            "请把字母 {letters} 各写一次，按正确的顺序",
        ),
        "answer.numbers": Text(
            "{count} numbers are asked for; {found} stand here", "这里要填 {count} 个数，写了 {found} 个"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an answer: the part of it that is right (0 to 1; 0 while it is ``open``), and what is to be said of
    this answer in particular, beside why the right one is right."""

    state: State
    credit: float = 0.0
    said: Said | None = None


class Answer(Protocol):
    """What is right, and how what a student wrote is held against it."""

    @property
    def solution(self) -> Bilingual:
        """The right answer as a person would write it: ``check`` finds it right, in either language."""

    def check(self, text: str) -> Outcome:
        """Judge an answer. ``text`` is what stands in its place, not empty. Never raises."""


RIGHT = Outcome("right", 1.0)


def plain(text: str) -> str:
    """What was written, without the differences that mean nothing: full-width forms, markup, spaces in a row."""
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    text = text.translate({ord(sign): None for sign in "`*$\u200b\ufeff"})
    return " ".join(text.split())


# Digits, grouped perhaps, as in 3 911 204 771, 3,911,204,771 or 3'911'204'771; a fraction; an exponent.
_NUMBER = re.compile(r"0x[0-9a-f]+|[-−]?(?:\d{1,3}(?:[ ,'_]\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)


def numbers(text: str) -> list[float | int]:
    """The numbers in a text, in order."""
    found: list[float | int] = []
    for one in _NUMBER.findall(plain(text).lower()):
        word = one.replace("−", "-")
        if word.startswith("0x"):
            found.append(int(word, 16))
            continue
        word = re.sub(r"[ ,'_]", "", word)
        if len(word) > LONGEST_NUMBER:
            continue
        value = float(word)
        found.append(int(word) if word.lstrip("-").isdigit() else int(value) if value.is_integer() else value)
    return found


_NUMERALS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
_WRITTEN = re.compile(rf"[{''.join(_NUMERALS)}十百]{{1,8}}|\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)


def written(text: str) -> list[int]:
    """The numbers below a thousand that are written in words: 二十, 第四, five."""
    found = []
    for word in _WRITTEN.findall(plain(text)):
        if word.lower() in _WORDS:
            found.append(_WORDS.index(word.lower()))
            continue
        hundreds, _, rest = word.rpartition("百")
        tens, ten, ones = rest.rpartition("十")
        parts = (_NUMERALS.get(hundreds, 1 if "百" in word else 0), _NUMERALS.get(tens, 1 if ten else 0))
        found.append(100 * parts[0] + 10 * parts[1] + _NUMERALS.get(ones.lstrip("零〇"), 0))
    return found


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number. ``slips`` are wrong ones that tell what was mixed up, with what is said of each; ``also`` are right
    as well, where a reader can hardly tell which it is."""

    value: int
    slips: tuple[tuple[int, Said], ...] = ()
    also: tuple[int, ...] = ()

    @property
    def solution(self) -> Bilingual:
        return Bilingual(str(self.value), str(self.value))

    def check(self, text: str) -> Outcome:
        said = plain(text)
        found = numbers(said.rpartition("=")[2] if "=" in said else said)
        if "=" in said and len(set(found)) > 1:
            found = numbers(said.partition("=")[0])
        found = found or numbers(said) or [*written(said)]
        bare = numbers(re.sub(r"\([^()]{0,200}\)", " ", said))  # 65536 (2^16): what stands in brackets explains
        found = bare if len(set(found)) > 1 and len(set(bare)) == 1 else found
        if len(set(found)) > 1:
            return Outcome("unreadable", said=Said(catalogue()["answer.one-number"]))
        if not found:
            return Outcome("unreadable", said=Said(catalogue()["answer.no-number"]))
        if found[0] in (self.value, *self.also):
            return RIGHT
        return Outcome("wrong", said=next((why for slip, why in self.slips if slip == found[0]), None))


_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒"), 1e9),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "毫秒"), 1e6),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds", "微秒"), 1e3),
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds", "纳秒"), 1.0),
}
_TIME = re.compile(rf"({_NUMBER.pattern})\s?\(?\s?([a-zµμ]+|秒|毫秒|微秒|纳秒)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Time:
    """A length of time in nanoseconds; ``unit`` is what a number without one is in. Right is what a reader of the capture
    can write: rounded to the digits given as long as that is within a tenth of it, or off by at most 2 %."""

    nanoseconds: int
    unit: Literal["s", "ms", "us"] = "ms"
    slips: tuple[tuple[int, Said], ...] = ()  # other times in nanoseconds that tell what was mixed up
    also: tuple[int, ...] = ()  # other times that are right as well

    @property
    def solution(self) -> Bilingual:
        value = self.nanoseconds / _UNITS[self.unit]
        digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0  # four that count
        text = f"{value:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        unit = "µs" if self.unit == "us" else self.unit
        return Bilingual(f"{text} {unit}", f"{text} {unit}")

    def check(self, text: str) -> Outcome:
        said = plain(text)
        said = re.sub(r"(?<=\d),(?=\d{1,2}(?!\d)|\d{4})", ".", said)  # a decimal comma; 1,234 stays a thousand
        found = _TIME.findall(said.rpartition("=")[2] if "=" in said else said)
        digits, unit = found[0] if len(found) == 1 else ("", "")
        read = numbers(digits)
        if not read or (unit and unit.lower() not in _UNITS):
            return Outcome("unreadable", said=Said(catalogue()["answer.no-time"]))
        scale = _UNITS[unit.lower() or self.unit]
        value = read[0] * scale
        last = 10.0 ** -len(re.sub(r"e.*", "", digits.lower()).partition(".")[2]) * scale
        if any(self._near(value, last, right) for right in (self.nanoseconds, *self.also)):
            return RIGHT
        slip = next((why for other, why in self.slips if self._near(value, last, other)), None)
        return Outcome("wrong", said=slip)

    @staticmethod
    def _near(value: float, last: float, right: int) -> bool:
        rounded = min(last / 2, 0.1 * abs(right))
        return abs(value - right) <= max(rounded * 1.0000001, 0.02 * abs(right), 1.0)


def letters(count: int) -> str:
    """The letters of so many options."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:count]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several options, by its letter or in its words; options stand in the question with their letters, in the
    order given here. ``slips`` say what is wrong with some of the others, by index."""

    options: tuple[Bilingual, ...]
    right: int
    slips: tuple[tuple[int, Said], ...] = ()

    @property
    def solution(self) -> Bilingual:
        letter = letters(len(self.options))[self.right]
        return Bilingual(letter, letter)

    def check(self, text: str) -> Outcome:
        chosen = self._chosen(plain(text))
        if chosen is None:
            return Outcome("unreadable", said=Said(catalogue()["answer.no-choice"], {"letters": self._letters}))
        if chosen == self.right:
            return RIGHT
        return Outcome("wrong", said=next((why for slip, why in self.slips if slip == chosen), None))

    @property
    def _letters(self) -> str:
        return ", ".join(letters(len(self.options)))

    def _chosen(self, text: str) -> int | None:
        """The one option that is meant; None when none is, or more than one."""
        said = text.strip(" .。,，;；:：()（）[]-*•")
        if re.fullmatch(r"[A-Za-z]", said):
            at = ord(said.upper()) - ord("A")
            return at if at < len(self.options) else None
        # A letter by itself; a small one only at the beginning, with a bracket or a stop behind it: "a" is a word as well.
        found = set(re.findall(r"(?<![A-Za-z0-9])([A-Z])(?![A-Za-z0-9'])", said))
        found |= {one.upper() for one in re.findall(r"^([a-z])[).:、]", said)}
        lettered = {at for one in found if (at := ord(one) - ord("A")) < len(self.options)}
        folded, named = said.casefold().replace("_", "-"), set()
        for at, one in enumerate(self.options):
            for words in (plain(one.en).casefold(), plain(one.zh).casefold()):
                if words and (words in folded or (len(folded) > 1 and words.startswith(folded))):
                    named.add(at)
        either = lettered or named
        return next(iter(either)) if len(either) == 1 and (not named or named == either) else None


@dataclass(frozen=True, slots=True)
class Words:
    """A short text; any of ``accepted`` is right, whatever its case and spaces."""

    accepted: tuple[str, ...]

    @property
    def solution(self) -> Bilingual:
        return Bilingual(self.accepted[0], self.accepted[0])

    def check(self, text: str) -> Outcome:
        def bare(words: str) -> str:
            return plain(words).casefold().strip(" .。\"'“”‘’«»「」")

        return RIGHT if bare(text) in {bare(one) for one in self.accepted} else Outcome("wrong")


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a segment, in any order; PSH may be named or left out."""

    names: frozenset[str]

    @property
    def solution(self) -> Bilingual:
        text = ", ".join(name for name in FLAGS if name in self.names and name != "PSH")
        return Bilingual(text, text)

    def check(self, text: str) -> Outcome:
        said = re.sub(r"\b(?:seq|ack|win|len)\s?=\s?(?![01]\b)\d+", " ", plain(text))  # numbers beside the flags
        said = re.sub(r"\b(?:seq|ack)\s?=\s?\d+", " ", said)  # lower case: a number as well, whatever it is
        said = re.sub(r"(SYN|FIN|RST|PSH)(?=ACK)", r"\1 ", said.upper())
        said = re.sub(r"\b(?:NO|NOT|WITHOUT|没有|无|不含)\s?([A-Z]{3})\b", " ", said)
        said = re.sub(r"\b([A-Z]{3})\s?[=:]\s?0\b", " ", said)
        found = {name for name in FLAGS if re.search(rf"(?<![A-Z]){name}(?![A-Z])", said)}
        if not found:
            return Outcome("unreadable", said=Said(catalogue()["answer.no-flags"]))
        return RIGHT if found - {"PSH"} == self.names - {"PSH"} else Outcome("wrong")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Several whole numbers; ``ordered``: in this order."""

    values: tuple[int, ...]
    ordered: bool = False

    @property
    def solution(self) -> Bilingual:
        text = ", ".join(map(str, self.values))
        return Bilingual(text, text)

    def check(self, text: str) -> Outcome:
        # Here a comma parts numbers, whatever follows it. 12 345 may be one number or two: what is right is taken for meant.
        parts = re.split(r"[,;、/]|\band\b|和", plain(text), flags=re.IGNORECASE)
        grouped = [found for part in parts for found in numbers(part)]
        apart = [int(one) for one in re.findall(r"\d+", plain(text)) if len(one) <= LONGEST_NUMBER]
        spanned = len(apart) == 2 and 0 < apart[1] - apart[0] < 100  # 1-3
        span = list(range(apart[0], apart[1] + 1)) if spanned else []
        read: tuple[list[float | int], ...] = (grouped, [*apart], [*span])
        readings = [found for found in read if len(found) == len(self.values)]
        if not readings:
            values = {"count": len(self.values), "found": len(grouped)}
            return Outcome("unreadable", said=Said(catalogue()["answer.numbers"], values))
        right = list(self.values) if self.ordered else sorted(self.values)
        same = any((found if self.ordered else sorted(found)) == right for found in readings)
        return RIGHT if same else Outcome("wrong")


@dataclass(frozen=True, slots=True)
class Order:
    """All of the first few letters, in the right order."""

    right: str

    @property
    def solution(self) -> Bilingual:
        text = " ".join(self.right)
        return Bilingual(text, text)

    def check(self, text: str) -> Outcome:
        found = "".join(re.findall(r"(?<![A-Z])[A-Z](?![A-Z])|(?<![A-Z])[A-Z]{2,}(?![A-Z])", plain(text).upper()))
        if sorted(found) != sorted(self.right):
            values = {"letters": ", ".join(sorted(self.right))}
            return Outcome("unreadable", said=Said(catalogue()["answer.no-order"], values))
        return RIGHT if found == self.right else Outcome("wrong")


@dataclass(frozen=True, slots=True)
class Free:
    """Words of a student's own, for whoever marks: nothing checks them. ``model`` is what a good answer says."""

    model: Bilingual = field(default_factory=lambda: Bilingual("", ""))

    @property
    def solution(self) -> Bilingual:
        return self.model

    def check(self, text: str) -> Outcome:
        return Outcome("open")
