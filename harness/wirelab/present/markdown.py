"""Markdown that is sound by construction: foreign text made inert, fenced or escaped. Knows no contents.

Markdown as GitHub and learning platforms read it (CommonMark with tables and links that are made of bare addresses).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wirelab.present.html import inert
from wirelab.present.style import safe, untabbed

_MEANS = re.compile(r"[\\`*_\[\]<>|~$&{}#]|(?<=:)(?=//)|(?<=[wW])(?=\.)")
_BEGINS = re.compile(r"(\d+)([.)])|([-+=])")
_TICKS = re.compile("`+")


def plain(foreign: str) -> str:
    """Foreign text as text in one line: nothing in it is markup, a link, a mention, or begins a list or a heading."""
    shown = safe(foreign.expandtabs(1)).strip()
    escaped = _MEANS.sub(_escaped, shown)
    if found := _BEGINS.match(escaped):
        escaped = f"{found[1] or ''}\\{found[2] or found[3]}{escaped[found.end() :]}"
    return escaped.replace("@", "`@`")  # somebody's handle or an address; nothing makes a link of code


def lines(foreign: str) -> str:
    """Foreign text of several lines, its line breaks kept."""
    return "<br>".join(plain(line) for line in foreign.split("\n"))


def code(foreign: str) -> str:
    """Foreign text as code in one line; not for tables, where ``|`` would part it."""
    shown = safe(untabbed(foreign))
    if not shown.strip(" "):
        return "` `"
    ticks = _fence(shown, 1)
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def fenced(foreign: Sequence[str], indent: str = "") -> Iterator[str]:
    """Foreign lines as a block of code; ``indent`` puts it into a list."""
    shown = [line for one in foreign for line in inert(one).split("\n")]
    ticks = _fence("\n".join(shown), 3)
    yield f"{indent}{ticks}text"
    yield from (f"{indent}{line}".rstrip(" ") for line in shown)
    yield f"{indent}{ticks}"


def _fence(shown: str, least: int) -> str:
    """Backticks that nothing in a text can end."""
    longest = max((len(found) for found in _TICKS.findall(shown)), default=0)
    return "`" * max(least, longest + 1)


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"
