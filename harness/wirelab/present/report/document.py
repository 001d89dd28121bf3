"""What a printed report is made of: parts with blocks, blocks with runs of text. Knows no notebook and no file format.

All text in it is foreign. ``clean`` makes it fit for any of the formats, and those who write a format call it once more
than needed rather than once too seldom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wirelab.base.texts import Language
from wirelab.present.html import inert
from wirelab.present.report.pictures import Picture
from wirelab.present.style import cells

PAGE_WIDTH, PAGE_HEIGHT = 210.0, 297.0  # mm: A4, ISO 216
MARGIN, MARGIN_SIDE = 22.0, 24.0  # mm, above and below, left and right
TEXT_WIDTH = PAGE_WIDTH - 2 * MARGIN_SIDE
FIGURE_HEIGHT = 215.0  # mm: leaves a heading its place on the same page
SIZES = (10.5, 9.0, 8.0, 7.0)  # pt, of the type in tables
SHORT = 7.0  # em: narrower columns would have but one or two words in a line
POINT = 25.4 / 72  # mm
PIXEL = 25.4 / 96  # mm, CSS Values and Units 4, section 6.2
LINE_CELLS = 84  # half-width characters in a line of a table over the whole width
MOST_COLUMNS = 32

Align = Literal["left", "center", "right"]

_CHANGED: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff")),  # nothing to see, and nothing is moved
    **dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd"),  # Extensible Markup Language 1.0, section 2.2: no Char
}
_WORD = re.compile(r"[!-~\u00c0-\u02ff]+")


def clean(text: str) -> str:
    """Text of which every character can be printed, and is in XML; lines are kept, tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    return inert(text.replace("\r\n", "\n").translate(_CHANGED))


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one type; a line feed in it is a line break that was asked for."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    struck: bool = False


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # from 1 to 6
    runs: Runs


@dataclass(frozen=True, slots=True)
class Paragraph:
    runs: Runs


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``start`` is the first number, None where the items are not numbered."""

    items: tuple[tuple[Block, ...], ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines in a fixed-width font: a program, or (``output``) what one printed."""

    text: str
    output: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    runs: Runs
    align: Align = "left"
    span: int = 1  # columns
    label: bool = False  # says what stands beside it, in a form


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells whose spans add up to the number of ``widths``, which are shares of the whole width."""

    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]
    heads: int = 1  # so many rows are the head, printed again on each page
    size: float = SIZES[0]  # pt, of its type


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and a picture of the same; one of them may be missing. ``width`` and ``height`` are in mm."""

    drawing: Picture | None  # image/svg+xml
    picture: Picture | None  # image/png or image/jpeg
    about: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Remark:
    """What stands in place of something that was left out."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the page."""


@dataclass(frozen=True, slots=True)
class Box:
    """A frame around blocks, so many mm high or more; its last paragraph is at its foot."""

    blocks: tuple[Block, ...]
    height: int = 0


Block = Heading | Paragraph | Items | Quote | Listing | Table | Figure | Remark | Rule | Box


@dataclass(frozen=True, slots=True)
class Part:
    """One cell of the notebook. ``name`` is its part of the form, empty where it has none."""

    name: str
    blocks: tuple[Block, ...]
    page_break: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    language: Language
    title: str
    parts: tuple[Part, ...]


def plain(runs: Iterable[Run]) -> str:
    """The text of runs, in one line."""
    return " ".join("".join(run.text for run in runs).split())


def figure(drawing: Picture | None, picture: Picture | None, about: str, width: float = 0) -> Figure:
    """A figure in the size that its drawing (or picture) has, or ``width`` pixels wide, made to fit on a page."""
    sized = drawing or picture
    if sized is None:
        raise ValueError("a figure needs a drawing or a picture")
    wide, high = sized.width * PIXEL, sized.height * PIXEL
    wanted = width * PIXEL if 0 < width < 1e6 else wide
    scale = min(wanted / wide, TEXT_WIDTH / wide, FIGURE_HEIGHT / high)
    return Figure(drawing, picture, clean(about), wide * scale, high * scale)


def table(rows: Sequence[Sequence[Cell]]) -> Table:
    """A table whose first row is its head, in the largest type in which no word is parted, if there is one. All rows
    have as many cells."""
    columns = [[_wide(cell) for cell in column] for column in zip(*rows, strict=True)]
    widest, longest = ([max(size[which] for size in column) for column in columns] for which in (0, 1))
    for size in SIZES:
        em, padding = size * POINT, 0.34 * size + 0.2
        least = [word * em + padding for word in longest]
        if sum(least) <= TEXT_WIDTH:
            break
    return Table(tuple(map(tuple, rows)), _shares([line * em + padding for line in widest], least), size=size)


def form(rows: Sequence[Sequence[Cell]]) -> Table:
    """A table that is a form: bold cells are labels, and a value reaches over the empty cells to its right.

    Its first row is no head, and is left out when it is empty, as Markdown knows no table without one.
    """
    if rows and not any(plain(cell.runs) for cell in rows[0]):
        rows = rows[1:]
    columns = len(rows[0]) if rows else 0
    labelled = [[replace(cell, label=_is_label(cell)) for cell in row] for row in rows]
    marked = [max((_label(row[at]) for row in labelled if row[at].label), default=0) for at in range(columns)]
    taken = sum(size + 4 for size in marked if size)
    open_columns = marked.count(0) or 1
    widths = [size + 4 if size else max(8, LINE_CELLS - taken) // open_columns for size in marked]
    return Table(tuple(map(_spread, labelled)), tuple(width / (sum(widths) or 1) for width in widths), heads=0)


def _is_label(cell: Cell) -> bool:
    written = [run for run in cell.runs if run.text.strip()]
    return bool(written) and all(run.bold for run in written)


def _spread(row: Sequence[Cell]) -> tuple[Cell, ...]:
    spread: list[Cell] = []
    for cell in row:
        if spread and not spread[-1].label and not plain(cell.runs):
            spread[-1] = replace(spread[-1], span=spread[-1].span + 1)
        else:
            spread.append(cell)
    return tuple(spread)


def _label(cell: Cell) -> int:
    """How many half-width characters of the text a label takes, which is in another type."""
    return max(round(cells(line) * (1.3 if line.isascii() else 1.05)) for line in _start(cell).split("\n"))


def _wide(cell: Cell) -> tuple[float, float]:
    """How wide a cell would be in one line, and how wide it has to be: its longest word, or some Chinese; in em."""
    text = _start(cell)
    line = max(map(_em, text.split("\n")))
    return line, max(min(line, SHORT), max(map(_em, _WORD.findall(text)), default=0))


def _em(text: str) -> float:
    """How wide a text is, in a font that is none of the narrow ones."""
    return 0.58 * cells(text) + 0.12 * sum(map(str.isupper, text)) if text.isascii() else 0.53 * cells(text)


def _start(cell: Cell) -> str:
    return "".join(run.text for run in cell.runs)[:2000]


def _shares(widest: Sequence[float], least: Sequence[float]) -> tuple[float, ...]:
    """Shares of the width: each column gets what its longest word takes, and of what is left then, the narrow ones
    all that they want, and the wide ones as much as each other."""

    def widths(level: float) -> list[float]:
        return [max(word, min(level, wish)) for wish, word in zip(widest, least, strict=True)]

    level = max(widest)
    while sum(widths(level)) > TEXT_WIDTH and level > 1:
        level -= 1
    return tuple(width / sum(widths(level)) for width in widths(level))
