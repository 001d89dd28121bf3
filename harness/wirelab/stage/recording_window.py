"""What a person who records sees of one program: its output, made harmless, and the line that its cursor stands on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wirelab.observe.terminal import as_seen

LONGEST_LINE = 4096  # characters
_SEQUENCE = re.compile(
    r"(\x1b\[[0-9;]*[CDGKPXm@])"  # what moves the cursor on its line, erases there, or colours
    r"|\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~])"
    r"|[\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]{0,4096}[ -/]{0,4096}|[\]PX^_][^\x07\x1b]{0,4096}\x1b?|[ -/]{0,4096})\Z")


class Harmless:
    """Lets of a program's output through what a line on a terminal needs, and nothing that changes more than its line:
    no titles, no questions that the terminal would answer at the keyboard, no other screens."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, data: str) -> str:
        """What may be shown of ``data``; an unfinished sequence waits for its end."""
        data = self._rest + data
        unfinished = _UNFINISHED.search(data)
        cut = unfinished.start() if unfinished else len(data)
        data, self._rest = data[:cut], data[cut:]
        return _SEQUENCE.sub(lambda found: found[1] or "", data)


@dataclass(slots=True)
class Window:
    """What the person would see of a program: the line on which its cursor stands, as it has been shown; and while
    somebody else has the focus, what it wrote of a line that is not whole."""

    filter: Harmless = field(default_factory=Harmless)
    line: str = ""
    begun: str = ""
    last: str = ""  # the last line that is whole, and says something

    def feed(self, data: str) -> str:
        text = self.filter.feed(data)
        *whole, rest = re.split(r"[\r\n]", self.line + text)
        self.line = rest[-LONGEST_LINE:]  # of one that never ends, what the cursor stands behind
        self.last = next((seen for line in reversed(whole) if (seen := as_seen(line).strip())), self.last)
        return text

    def whole_lines(self, data: str) -> str:
        """What can be told now: up to the end of the last line, or all when a line is very long."""
        self.begun += data
        cut = self.begun.rfind("\n") + 1 or (len(self.begun) if len(self.begun) > LONGEST_LINE else 0)
        whole, self.begun = self.begun[:cut], self.begun[cut:]
        return whole
