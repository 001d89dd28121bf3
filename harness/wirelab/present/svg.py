"""Figures as standalone SVG documents: white paper, explicit colours, nothing that runs or loads. Knows no contents.

Colours are chosen so that they differ in grey as well. Sizes are user units; a figure is 720 units wide, which is the
16 cm of a printed page: a text of 12 units is then 7.6 points.
"""

from __future__ import annotations

import re

from wirelab.base.texts import Language
from wirelab.present.html import Html, el, join
from wirelab.present.style import ELLIPSIS, cells, safe

WIDTH = 720
FONTS = (
    "'Noto Sans CJK SC','Source Han Sans SC','Noto Sans SC','Microsoft YaHei','PingFang SC','Hiragino Sans GB',"
    "'WenQuanYi Micro Hei','SimHei','DejaVu Sans','Liberation Sans','Segoe UI',Arial,Helvetica,'Noto Sans',sans-serif"
)
"""The first that is there must have Chinese too: renderers other than browsers look no further for a line of text."""

INK, GREY, PALE, RULE, PAPER = "#1c2127", "#5c6672", "#8b95a1", "#d5dae0", "#ffffff"
BLUE, ORANGE, RED, GREEN = "#14549c", "#a84a00", "#b3121d", "#17643a"

_NOT_XML = re.compile("[\ufffe\uffff]")  # characters that no XML document may hold, and that are not control characters


def shown(foreign: str) -> str:
    """Foreign text made safe, in one line, with nothing in it that XML cannot hold."""
    return _NOT_XML.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", safe(foreign))


def wide(words: str, size: float) -> float:
    """How wide shown text of a font size is, in units: what it takes in the widest of the fonts."""
    full = sum(cells(one) == 2 for one in words)  # a full-width character is as wide as the font is high
    return size * (full + 0.58 * (len(words) - full))


def fitted(foreign: str, size: float, room: float) -> str:
    """Foreign text as shown, cut to ``room`` units with an ellipsis where something is missing."""
    words = shown(foreign[: int(room)])
    if len(foreign) <= int(room) and wide(words, size) <= room:
        return words
    used = wide(ELLIPSIS, size)
    for at, one in enumerate(words):
        used += wide(one, size)
        if used > room:
            return words[:at] + ELLIPSIS
    return words + ELLIPSIS


def write(
    x: float, y: float, words: str, size: float = 12, fill: str = INK, anchor: str = "start", weight: int | None = None
) -> Html:
    """A line of text: ``x`` is where it begins, ends or has its middle, as ``anchor`` says; ``y`` its baseline."""
    return el(
        "text",
        shown(words),
        x=num(x),
        y=num(y),
        font_size=num(size),
        fill=fill,
        text_anchor=None if anchor == "start" else anchor,
        font_weight=weight,
    )


def line(
    x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 1, dash: str | None = None
) -> Html:
    """A straight line."""
    place = {"x1": num(x1), "y1": num(y1), "x2": num(x2), "y2": num(y2)}
    return el("line", stroke=stroke, stroke_width=num(width), stroke_dasharray=dash, **place)


def box(
    x: float, y: float, width: float, height: float, fill: str = PAPER, stroke: str | None = None, rx: float = 0
) -> Html:
    """A rectangle."""
    place = {"x": num(x), "y": num(y), "width": num(width), "height": num(height)}
    return el("rect", fill=fill, stroke=stroke, rx=num(rx) if rx else None, **place)


def path(d: str, fill: str = "none", stroke: str | None = None, width: float = 1) -> Html:
    """A path; ``d`` as SVG writes it."""
    return el("path", d=d, fill=fill, stroke=stroke, stroke_width=None if stroke is None else num(width))


def dot(x: float, y: float, r: float, fill: str, stroke: str | None = None) -> Html:
    """A circle."""
    return el("circle", cx=num(x), cy=num(y), r=num(r), fill=fill, stroke=stroke)


def num(value: float) -> str:
    """A number as SVG writes it, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def figure(title: str, about: str, height: float, *parts: Html, language: Language) -> str:
    """A whole figure, 720 units wide. ``title`` and ``about`` are read to those who cannot see it."""
    return el(
        "svg",
        el("title", shown(title)),
        el("desc", shown(about)),
        box(0, 0, WIDTH, height),
        join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {num(height)}",
        width=WIDTH,
        height=num(height),
        role="img",
        lang="zh-Hans" if language == "zh" else "en",
        font_family=FONTS,
    )
