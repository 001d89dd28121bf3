"""Crash reports on terminals: where one begins and ends, in several languages. Knows lines of text, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_PROMPT = r"(?:.*[:>$#?] *)?(?:\^C)?"  # a prompt and the terminal's echo of a key may stand before it: they end no line
_CRASH = re.compile(
    _PROMPT
    + r"(?:Traceback \(most recent call last\):$|Exception in thread |thread '[^']*' (?:\(\d+\) )?panicked at"
    + r"|goroutine \d+ \[|node:[\w/]+:\d+$|terminate called |\*\*\* stack smashing|free\(\): )",
)
# Words that begin a report only where more of it follows: what stands before them may be a prompt, or what somebody was
# typing; and they may themselves be what somebody typed, or a message that came.
_WITH_MORE = (
    (re.compile(_PROMPT + r"(?:panic: |Uncaught )"), re.compile(r"\s|goroutine \d+ \[|\[signal |Stack trace:|#\d")),
    (re.compile(r".*Traceback \(most recent call last\):$"), re.compile(r'  File "')),
    (re.compile(r'.*Exception in thread "[^"]*" [\w$]+\.[\w.$]+'), re.compile(r"\s+at |Caused by: ")),
)
_SCRIPT = re.compile(
    r".*\.[cm]?[jt]sx?:\d+$"
)  # Node: the place, some lines of source, carets, and the line that names it
_CARETS = re.compile(r"\s*\^+\s*$")
# Python: a program that cannot even be read; place, source and carets are indented.
_UNREADABLE, _WHY = re.compile(r' +File "[^"]+", line \d+$'), re.compile(r"(?:Syntax|Indentation|Tab)Error: ")
_UNDECODABLE = re.compile(r"SyntaxError: (?:Non-UTF-8 code|encoding problem|unknown encoding)")  # told without a place
_SOURCE = 8  # lines of source at most, as a wide one is wrapped by the terminal
_HEADS = re.compile(
    r'Traceback \(most|File "[^"]+", line \d|'
    r"Exception in thread |panicked at|panic: |Uncaught |goroutine \d|node:|\.[cm]?[jt]sx?:\d"
    r"|terminate called |\*\*\* stack|free\(\): ",
)


def crash_report(lines: Sequence[str], said: Iterable[str] = ()) -> list[str]:
    """The lines of the first crash report on a terminal: from its head to the line that names the error.

    ``said``: texts that somebody typed there, or that came over the network. A line that shows one begins no report.
    """
    quoted = {text for text in said if _HEADS.search(text)}
    for position, line in enumerate(lines):
        if any(text in line for text in quoted):
            continue
        if _UNDECODABLE.match(line) and not any(map(str.strip, lines[:position])):  # nothing ran that could print it
            return [line]
        unreadable = _unreadable(lines, position)
        if unreadable is not None:
            return list(lines[position : unreadable + 1])
        carets = _carets(lines, position)
        if carets is not None:
            return list(lines[position : carets + 2])
        if _begins(line, lines[position + 1] if position + 1 < len(lines) else ""):
            end = position + 1
            while end < len(lines) and (lines[end].startswith((" ", "\t", "Caused by: ")) or _CRASH.match(lines[end])):
                end += 1
            return list(lines[position : end + ('Exception in thread "' not in line)])  # Java names the error first
    return []


def _begins(line: str, following: str) -> bool:
    if _CRASH.match(line) is not None:
        return True
    return any(head.match(line) and more.match(following) for head, more in _WITH_MORE)


def _unreadable(lines: Sequence[str], position: int) -> int | None:
    """Where the line stands that says why Python cannot read a program, if a report of that begins here."""
    if _UNREADABLE.match(lines[position]) is None:
        return None
    for at in range(position + 1, min(position + 2 + _SOURCE, len(lines))):
        if _WHY.match(lines[at]):
            return at
        if not lines[at].startswith(" "):
            break
    return None


def _carets(lines: Sequence[str], position: int) -> int | None:
    """Where the carets stand below the source that Node quotes, if a report of its begins here."""
    if _SCRIPT.match(lines[position]) is None:
        return None
    below = range(position + 2, min(position + 2 + _SOURCE, len(lines)))
    return next((at for at in below if _CARETS.match(lines[at])), None)
