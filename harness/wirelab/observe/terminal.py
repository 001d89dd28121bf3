"""What a person would read on a terminal: program output with escape sequences removed. Knows no programs.

Control sequences follow ECMA-48: CSI ``ESC [ … final``, OSC ``ESC ] … BEL|ST``, two- and three-character
escapes. A carriage return that is not part of CR LF starts the line anew, as a redrawn prompt does; for
reading it counts as a line break, so that nothing that was ever shown is lost.
"""

from __future__ import annotations

import re

from wirelab.base.bounded import in_time

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC strings
    r"|\x1b[ -/]+[0-~]"  # character set selection and the like
    r"|\x1b[0-OQ-WYZ\\`-~]"  # two-character escapes
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
_NOT_ERASING = re.compile(r"\x1b\[(?!0?K)[0-?]*[ -/]*[@-~]")
_LONGEST_ESCAPE = 4096  # characters; whatever claims to be longer is text


class Reader:
    """Removes escape sequences from output that comes in arbitrary pieces.

    >>> reader = Reader()
    >>> reader.feed("\\x1b[1mhel") + reader.feed("lo\\x1b[") + reader.feed("0m\\r\\n")
    'hello\\n'
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, data: str) -> str:
        """The readable text that ``data`` adds; an unfinished sequence is held back until it is whole."""
        data = self._held + data
        self._held = ""
        held = _UNFINISHED.search(data)
        cut = held.start() if held else len(data) - data.endswith("\r")
        if len(data) - cut <= _LONGEST_ESCAPE:
            data, self._held = data[:cut], data[cut:]
        return readable(data)


def readable(data: str) -> str:
    """``data`` without escape sequences and control characters; CR LF and lone CR become LF."""
    if "\x1b" in data:
        data = _ESCAPE.sub("", data)
    if "\r" in data:
        data = data.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", data)


def as_seen(line: str) -> str:
    """What stands on a terminal after a line, of which some was erased and written over: Backspace echoes so.

    >>> as_seen("seconx\\b \\bd")
    'second'
    """
    cells: list[str] = []
    at = 0
    for piece in re.findall(r"\x1b\[0?K|[\s\S]", _NOT_ERASING.sub("", line)):
        if piece == "\b":
            at = max(0, at - 1)
        elif len(piece) > 1:
            del cells[at:]
        else:
            cells[at : at + 1] = [piece]
            at += 1
    return readable("".join(cells).rstrip())


class Transcript:
    """The readable text of one terminal so far, and a cursor per searched text.

    Each occurrence of a text serves one search only, so that waiting for the same words twice
    means seeing them twice; different texts do not consume each other.
    """

    def __init__(self) -> None:
        self._reader = Reader()
        self._text: list[str] = []
        self._joined = ""
        self._cursors: dict[str, int] = {}

    def feed(self, data: str) -> str:
        """Add raw output; returns the readable part of it."""
        text = self._reader.feed(data)
        self._text.append(text)
        return text

    @property
    def text(self) -> str:
        """Everything readable so far."""
        if self._text:
            self._joined += "".join(self._text)
            self._text.clear()
        return self._joined

    def find(self, words: str) -> bool:
        """Whether the next occurrence of ``words`` is there; if so it is used up."""
        text = self.text
        start = self._cursors.get(words, 0)
        at = text.find(words, start)
        self._cursors[words] = at + len(words) if at >= 0 else max(start, len(text) - len(words) + 1)
        return at >= 0

    def ahead(self, words: str) -> bool:
        """Whether ``find`` would find ``words``; uses nothing up."""
        return self.text.find(words, self._cursors.get(words, 0)) >= 0

    def match(self, pattern: re.Pattern[str], window: int = 4000) -> bool:
        """As ``find``, for a regular expression; looks back at most ``window`` characters over old text."""
        text = self.text
        key = f"/{pattern.pattern}/"
        start = self._cursors.get(key, 0)
        with in_time(pattern.pattern, text, start):
            found = pattern.search(text, start)
        self._cursors[key] = found.end() if found else max(start, len(text) - window)
        return found is not None

    def ever(self, words: str) -> bool:
        """Whether ``words`` ever appeared; uses nothing up."""
        return words in self.text
