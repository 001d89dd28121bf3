"""Crash reports on terminals: where one begins and ends, in several languages. Knows lines of text, nothing else."""

from __future__ import annotations

import re

_CRASH = re.compile(
    r"(?:.*[:>$#?] ?)?(?:\^C)?"  # a prompt and the terminal's echo of a key may stand before it: they end no line
    r"(?:Traceback \(most recent call last\):$|Exception in thread |thread '[^']*' (?:\(\d+\) )?panicked at|panic: "
    r"|goroutine \d+ \[|Uncaught |node:[\w/]+:\d+$|terminate called |\*\*\* stack smashing|free\(\): )",
)


def crash_report(lines: list[str]) -> list[str]:
    """The lines of the first crash report on a terminal: from its head to the line that names the error."""
    for position, line in enumerate(lines):
        if _CRASH.match(line):
            end = position + 1
            while end < len(lines) and (lines[end].startswith((" ", "\t")) or _CRASH.match(lines[end])):
                end += 1
            return lines[position : end + 1]
    return []
