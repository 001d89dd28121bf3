"""Regular expressions of profiles, from Python's spelling to that of PCRE2, which Wireshark has. Knows no profile.

The two read almost alike. What differs is rewritten, and what has no counterpart is refused: ``NotTranslated``; left are
``\\B`` on an empty text, ``$`` in several lines at a text's end, and letters such as the dotless i where case does not
count. Groups lose their names, which PCRE2 allows in ASCII and 32 characters long only; they are told apart by number.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from wirelab.base.texts import Bilingual

_TOKEN = re.compile(
    r"""(?P<named>\(\?P<(?P<name>\w+)>)
      | (?P<again>\(\?P=(?P<same>\w+)\))
      | (?P<either>\(\?\((?P<which>\w+)\))
      | (?P<comment>\(\?\#[^)]*\))
      | (?P<flags>\(\?(?P<on>[A-Za-z]*)(?P<off>-[A-Za-z]+)?(?P<closing>[:)]))
      | (?P<other>\(\?(?:[=!>:]|<[=!]))
      | (?P<escape>\\(?:N\{[^}]*\}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[0-9]{1,3}|.))
      | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
      | (?P<repeat>\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})
      | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_SET = re.compile(r"\\(?:N\{[^}]*\}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,3}|.)|.", re.DOTALL)
_SAME = "dDwWbBAfnrtae"  # letters that mean the same after a backslash; \e is none of Python's and never comes
# What str.isspace() calls space, and re with it; PCRE2's \s leaves out 1c to 1f, and has U+180E.
_SPACES = ((0x09, 0x0D), (0x1C, 0x20), *((one, one) for one in (0x85, 0xA0, 0x1680)), (0x2000, 0x200A))
_SPACES += ((0x2028, 0x2029), *((one, one) for one in (0x202F, 0x205F, 0x3000)))
_OTHERS = tuple((low[1] + 1, high[0] - 1) for low, high in pairwise(((-1, -1), *_SPACES, (sys.maxunicode + 1, 0))))


class NotTranslated(ValueError):
    """What of a pattern has no counterpart; why, in both languages."""

    def __init__(self, why: Bilingual) -> None:
        super().__init__(why.en)
        self.why = why


def translated(pattern: str) -> str:
    """The same expression for PCRE2, in ASCII. ``pattern`` compiles in Python. Raises NotTranslated."""
    groups = re.compile(pattern).groupindex

    def one(token: re.Match[str]) -> str:
        if token["named"]:
            return "("
        if token["again"]:
            return f"\\g{{{groups[token['same']]}}}"
        if token["either"]:
            return f"(?({groups.get(token['which'], token['which'])})"
        if token["comment"]:
            return ""
        if token["flags"]:
            return _flags(token)
        if token["escape"]:
            return _escape(token["escape"], in_set=False)
        if token["set"]:
            return _set(token["set"])
        if token["repeat"]:
            return _repeat(token)
        if token["plain"] == "{":
            return r"\{"
        return _plain(token[0])

    return "".join(map(one, _TOKEN.finditer(pattern)))


def _plain(character: str) -> str:
    # (what the pattern means is left as it is; the rest of ASCII, and all beyond it, by its number)
    if len(character) > 1 or (character.isascii() and character.isprintable()):
        return character
    return f"\\x{{{ord(character):x}}}"


def _flags(token: re.Match[str]) -> str:
    on, off = token["on"], token["off"] or ""
    if strange := set(on + off) - set("imsu-"):
        letters = "".join(sorted(strange))
        raise NotTranslated(Bilingual(f"the flag '{letters}' has no counterpart", f"没有与标志 '{letters}' 对应的写法"))
    on = on.replace("u", "")
    return f"(?{on}{off}{token['closing']}" if on or off or token["closing"] == ":" else "(?:)"


def _escape(escape: str, *, in_set: bool) -> str:
    letter = escape[1]
    if not letter.isascii():
        return _plain(letter)
    if letter == "N":
        name = escape[3:-1]
        return f"\\x{{{ord(unicodedata.lookup(name)):x}}}"
    if letter in "uU":
        return f"\\x{{{int(escape[2:], 16):x}}}"
    if letter == "v":
        return r"\x0b"
    if letter in "Zz":
        return r"\z"
    if letter in "sS":
        if in_set:
            return _ranges(_SPACES if letter == "s" else _OTHERS)
        return f"[{'^' * (letter == 'S')}{_ranges(_SPACES)}]"
    if letter == "x" or letter in _SAME or not letter.isalnum():
        return escape if escape.isascii() and escape.isprintable() else f"\\x{{{ord(letter):x}}}"
    if letter.isdigit():
        return _number(escape[1:], in_set=in_set)
    raise NotTranslated(Bilingual(f"'{escape}' has no counterpart", f"没有与 '{escape}' 对应的写法"))


def _ranges(ranges: Iterable[tuple[int, int]]) -> str:
    return "".join(f"\\x{{{low:x}}}" + (f"-\\x{{{high:x}}}" if high > low else "") for low, high in ranges)


def _number(digits: str, *, in_set: bool) -> str:
    """A group again, or a character by its number in octal, by the rules of Python's ``re``."""
    octal = re.match("0[0-7]{0,2}|[0-3][0-7]{2}" if not in_set else "[0-7]{1,3}", digits)
    if octal:
        return f"\\x{{{int(octal[0], 8):x}}}" + digits[octal.end() :]
    group = digits[:2]
    return f"\\g{{{group}}}" + digits[len(group) :]


def _set(written: str) -> str:
    inner = written[1:-1]
    begin = "[^" if inner.startswith("^") else "["
    inner = inner.removeprefix("^")
    made = []
    for token in _IN_SET.finditer(inner):
        if token[0].startswith("\\"):
            made.append(_escape(token[0], in_set=True))
        elif token[0] in "[]" or (token[0] in ":.=" and not made):
            made.append("\\" + token[0])  # in PCRE2 "[:" could begin a named class, also that of the set itself
        else:
            made.append(_plain(token[0]))
    return begin + "".join(made) + "]"


def _repeat(token: re.Match[str]) -> str:
    least, comma, most = token["least"], token["comma"], token["most"]
    if not least and not comma:
        return r"\{\}"
    return f"{{{least or 0}{comma}{most}}}"
