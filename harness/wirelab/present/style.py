"""How text gets onto a terminal: ink or none, widths in cells, foreign text made harmless. Knows no evidence.

Three rules hold for everything that is drawn:

- *Foreign text is shown, never obeyed.* ``safe`` replaces every character that could move the cursor, reorder a
  line or hide, by its name or number in ``⟨⟩``: a program under test cannot reach the terminal of who watches.
- *Widths are cells*, not characters. What terminals disagree about (joined emoji, skin tones, keycaps) is taken
  apart by ``safe``, so that a line is as wide on all of them as it was measured here.
- *Ink comes last*, on text that has been measured and cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from wcwidth import wcwidth

BOLD, DIM = "1", "2"
RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN = "31", "32", "33", "34", "35", "36"
ACTORS = (CYAN, MAGENTA, GREEN, BLUE, YELLOW)
"""Inks of actors, in cast order, over again; red is kept for what went wrong."""

ELLIPSIS = "…"

_C0 = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI "
    "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
).split()
_REGIONAL = "\U0001f1e6-\U0001f1ff"
_FOREIGN = re.compile(f"[{_REGIONAL}]{{2}}|[^ -~]")
_UNIT = re.compile(f"⟨[A-Z0-9+]{{2,8}}⟩|[{_REGIONAL}]{{2}}|.", re.DOTALL)
_DISPUTED = frozenset("\u20e3\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")  # keycap, skin tones
NARROWEST = 20  # cells for text beside its label, however narrow the terminal
TAB_STOP = 8  # cells from one to the next, as terminals begin
TERMINAL = "▌"  # beside what a terminal shows

_CLOSING = frozenset("，。；：！？、）】》」』〉”’…·%℃,.;:!?)]}⟩")
_OPENING = frozenset("（【《「『〈“‘([{⟨")


@dataclass(frozen=True, slots=True)
class Style:
    """Ink, or none: with ``colour`` False every line is plain text."""

    colour: bool

    def paint(self, text: str, *inks: str) -> str:
        """``text`` in these inks (SGR parameters, ECMA-48 8.3.117); empty inks and empty text stay as they are."""
        parameters = ";".join(ink for ink in inks if ink)
        return f"\x1b[{parameters}m{text}\x1b[0m" if self.colour and parameters and text else text


def safe(text: str) -> str:
    """``text`` in one line that no terminal obeys: ``⟨ESC⟩``, ``⟨LF⟩``, ``⟨U+202E⟩`` for what is no visible character.

    Emoji selectors (U+FE0E, U+FE0F) are left out: they choose a drawing, and widths differ by terminal.
    """
    return text if text.isascii() and text.isprintable() else _FOREIGN.sub(_visible, text)


def _visible(found: re.Match[str]) -> str:
    return found.group() if len(found.group()) == 2 else _shown(found.group())


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    if char in "\ufe0e\ufe0f":
        return ""
    if char < " ":
        return f"⟨{_C0[ord(char)]}⟩"
    lone_flag_half = "\U0001f1e6" <= char <= "\U0001f1ff"
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") or char in _DISPUTED or lone_flag_half:
        return "⟨DEL⟩" if char == "\x7f" else f"⟨U+{ord(char):04X}⟩"
    return char


def cells(text: str) -> int:
    """How many terminal cells ``safe`` text takes."""
    if text.isascii():
        return len(text)
    # A pair of regional indicators is one flag of two cells, whatever either half alone would be.
    return sum(1 if "\U0001f1e6" <= char <= "\U0001f1ff" else max(0, wcwidth(char)) for char in text)


def untabbed(text: str, column: int = 0) -> str:
    """Foreign text, perhaps of many lines, with blanks for its tabs up to the next tab stop, as on a terminal.

    ``column`` is the cell in which its first line begins.
    """
    if "\t" not in text:
        return text
    first, *others = text.split("\n")
    return "\n".join([_untabbed(first, column), *(_untabbed(line, 0) for line in others)])


def _untabbed(line: str, column: int) -> str:
    *before_tabs, last = line.split("\t")
    shown = []
    for piece in before_tabs:
        column += cells(safe(piece))
        blanks = TAB_STOP - column % TAB_STOP
        shown.append(piece + " " * blanks)
        column += blanks
    return "".join(shown) + last


def clip(text: str, width: int) -> str:
    """Foreign text made safe and cut to ``width`` cells, with an ellipsis where something is missing."""
    head = text[: 8 * width]  # what is cut off costs nothing; nobody stacks eight marks on every letter
    shown = safe(head)
    if len(head) == len(text) and cells(shown) <= width:
        return shown
    return split(shown, width - 1)[0] + ELLIPSIS


def split(text: str, width: int) -> tuple[str, str]:
    """``safe`` text parted after at most ``width`` cells, never inside what is drawn as one."""
    used = 0
    for unit in _UNIT.finditer(text):
        used += cells(unit.group())
        if used > width:
            return text[: unit.start()], text[unit.start() :]
    return text, ""


def left(text: str, width: int) -> str:
    """``safe`` text filled up with spaces on its right."""
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    """``safe`` text filled up with spaces on its left."""
    return " " * (width - cells(text)) + text


def wrap(text: str, width: int) -> list[str]:
    """Foreign text made safe, in lines of at most ``width`` cells; nothing is lost but spaces at the breaks.

    Lines break at spaces and between CJK characters (where no space is put in), not before closing or after opening
    punctuation, and inside a word only when it alone is too long. Line feeds are kept as breaks.
    """
    return [line for paragraph in text.split("\n") for line in _wrapped(safe(paragraph), max(width, 2))]


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line = gap = ""
    for atom in _atoms(text):
        if not atom.strip(" "):  # a mark that combines with a space makes it something to see
            gap = atom
        elif cells(line + gap + atom) <= width:
            line += gap + atom
            gap = ""
        else:
            lines += [line] if line else []
            gap, rest = "", atom
            while cells(rest) > width:
                head, rest = split(rest, width)
                if not head:  # one unit, such as ⟨U+202E⟩, wider than the line
                    head, rest = rest[:width], rest[width:]
                lines.append(head)
            line = rest
    return [*lines, line] if line or not lines else lines


def _atoms(text: str) -> Iterator[str]:
    """Runs of spaces, words, and single wide characters with the punctuation that must stay with them."""
    atom: list[str] = []
    last, was_wide = "", False
    for unit in _UNIT.findall(text):
        size = cells(unit)
        wide = size == 2 and len(unit) == 1
        together = (unit in _CLOSING and last != " ") or last in _OPENING or not (wide or was_wide)
        if atom and size and ((unit == " ") != (last == " ") or not together):
            yield "".join(atom)
            atom = []
        atom.append(unit)
        if size:
            last, was_wide = unit, wide
    if atom:
        yield "".join(atom)
