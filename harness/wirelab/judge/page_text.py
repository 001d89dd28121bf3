"""How an explanation page is written down: indented text to the values of a ``Page``. Knows no code of a finding.

The texts are light Markdown: words between backticks are code, words between asterisks are stressed, paragraphs are
parted by an empty line, and lines that begin with four spaces are a program, to be kept as they are.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Page

PROGRAM = "    "
"""What a line of a program begins with."""

_MARKS = {"# wrong": "# 错误", "# right": "# 正确", "/* right */": "/* 正确 */"}
"""The only comments in programs, in Chinese."""


def page(
    *,
    seen: tuple[str, str],
    why: tuple[str, str],
    where: tuple[str, str],
    source: str,
    picture: str,
    code: str = "",
) -> Page:
    """A page from its texts, each in English and in Chinese, in lines of any length; ``code`` ends ``where``."""
    program = "".join(f"\n{PROGRAM}{line}".rstrip(" ") for line in unindented(code))
    chinese = program
    for english, mark in _MARKS.items():
        chinese = chinese.replace(english, mark)
    english, again = (flow(text) + ("\n" if program else "") for text in where)
    return Page(
        seen=Text(*map(flow, seen)),
        why=Text(*map(flow, why)),
        where=Text(english + program, again + chinese),
        source=source,
        picture="\n".join(unindented(picture)),
    )


def flow(text: str) -> str:
    """One paragraph from its lines: with a space between them, but not beside Chinese punctuation or inside Chinese."""
    joined = ""
    for line in map(str.strip, text.strip().splitlines()):
        joined += (" " if joined and line and not _sticks(joined[-1], line[0]) else "") + line
    return joined


def _sticks(last: str, first: str) -> bool:
    return _is_mark(last) or _is_mark(first) or (_is_chinese(last) and _is_chinese(first))


def _is_chinese(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


def _is_mark(char: str) -> bool:
    """Punctuation as Chinese is written with: 、。「」 and full-width forms, quotation marks, the dash."""
    return "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef" or char in "“”‘’—"


def unindented(text: str) -> list[str]:
    """The lines of a block without the indentation they share, and without empty lines at its ends."""
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    shared = min((len(line) - len(line.lstrip(" ")) for line in lines if line), default=0)
    return [line[shared:] for line in lines]
