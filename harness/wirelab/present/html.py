"""HTML that is sound by construction: elements from a fixed list, text always escaped and inert. Knows no contents.

What is not ``Html`` yet is foreign text: ``el`` escapes it, and names what cannot be seen or would reorder a line, as
on the terminal. So whatever a student prints or is called, it can add no element, no attribute and no request.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from html import escape

from wirelab.base.texts import Language
from wirelab.present.style import safe, untabbed
from wirelab.present.stylesheet import STYLE

TAGS = frozenset(
    (
        "html head meta title style body header main footer nav section h1 h2 h3 p div span strong em code pre bdi a br "
        "ul ol li table caption thead tbody tr th td details summary svg g rect line text path circle desc"
    ).split()
)
"""Every element that a page may have."""

ATTRIBUTES = frozenset(
    (
        "class id href lang charset name content http-equiv scope open colspan role aria-label aria-hidden tabindex "
        "viewBox preserveAspectRatio x y x1 x2 y1 y2 width height rx text-anchor d cx cy r data-frame data-connection "
        "xmlns fill stroke stroke-width stroke-dasharray font-family font-size font-weight transform"
    ).split()
)
"""Every attribute that an element may have. None of them can hold a script or a style."""

_PAINTS = frozenset(("fill", "stroke"))
_PAINT = re.compile(r"none|#[0-9a-f]{6}")  # a paint could name something to load
_SVG = "http://www.w3.org/2000/svg"
_VOID = frozenset(("meta", "br"))
_LINK = re.compile(r"#[A-Za-z0-9_-]+|[A-Za-z0-9_%-]+(?:/[A-Za-z0-9_%.-]+)*")


class Html(str):
    """Text that is HTML already. Joined with other text, it is plain text again, and escaped when it is used."""

    __slots__ = ()


def inert(text: str) -> str:
    """Foreign text with its lines kept; all else that is no visible character is named, as by ``style.safe``."""
    if "\n" not in text and "\t" not in text:
        return safe(text)
    return "\n".join(safe(line) for line in untabbed(text).split("\n"))


def text(foreign: str) -> Html:
    """Foreign text as HTML."""
    return Html(escape(inert(foreign), quote=True))


def el(tag: str, /, *children: str, **attributes: str | int | None) -> Html:
    """An element. Children that are not ``Html`` are text; attributes that are None are left out.

    ``class_`` is the attribute ``class``, ``aria_label`` is ``aria-label``. Raises ValueError for an element or an
    attribute that no page may have, and for a link that leaves the folder of the page: bugs, all of them.
    """
    if tag not in TAGS:
        raise ValueError(f"no page may have the element {tag!r}")
    said = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None)
    if tag in _VOID:
        return Html(f"<{tag}{said}>")
    return Html(f"<{tag}{said}>{join(children)}</{tag}>")


def join(children: Iterable[str]) -> Html:
    """Several pieces, one after the other."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))


def _attribute(name: str, value: str | int) -> str:
    name = name.rstrip("_").replace("_", "-")
    if name not in ATTRIBUTES:
        raise ValueError(f"no page may have the attribute {name!r}")
    if name == "href" and not _LINK.fullmatch(str(value)):
        raise ValueError(f"a page may not link to {value!r}")
    if (name in _PAINTS and not _PAINT.fullmatch(str(value))) or (name == "xmlns" and value != _SVG):
        raise ValueError(f"a page may not have {name}={value!r}")
    return f' {name}="{text(str(value))}"'


def document(
    title: str,
    body: Html,
    language: Language,
    *,
    sheet: str = STYLE,
    allows: str = "",
    scheme: str = "light dark",
    class_: str | None = None,
) -> str:
    """A whole page: it loads nothing, and is styled by one sheet, which it names by its digest. It runs nothing and shows
    no pictures but what ``allows`` names, in the words of a Content-Security-Policy. ``class_`` is the body's."""
    policy = f"default-src 'none'; style-src 'sha256-{digest(sheet)}'; {allows}base-uri 'none'; form-action 'none'"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content=scheme),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", Html(sheet)),
    )
    lang = "zh-Hans" if language == "zh" else "en"
    return f"<!DOCTYPE html>\n{el('html', head, el('body', body, class_=class_), lang=lang)}\n"


def digest(inline: str) -> str:
    """What a Content-Security-Policy calls a sheet or a script that stands in the page."""
    return base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()


def bar(reached: float | None, of: float, label: str) -> Html:
    """A small bar: how much of something was reached; hatched with nothing in it when that is not known."""
    share = 0.0 if reached is None or of <= 0 else max(0.0, min(1.0, reached / of))
    kind = "open" if reached is None else "full" if share == 1 else "part"
    return el(
        "svg",
        el("rect", class_="track", width=100, height=8, rx=2),
        el("rect", class_=f"fill {kind}", width=f"{100 * share:.1f}", height=8, rx=2),
        class_="bar",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )


def histogram(counts: list[tuple[str, int]], label: str) -> Html:
    """Columns with their counts above and what they stand for below."""
    width, height, foot, head = 440, 170, 22, 16
    most = max((count for _, count in counts), default=0) or 1
    step = (width - 10) / max(1, len(counts))
    drawn = []
    for number, (name, count) in enumerate(counts):
        left, tall = 5 + number * step, (height - foot - head) * count / most
        top, middle = height - foot - tall, f"{left + step / 2:.1f}"
        size = {"x": f"{left + 2:.1f}", "y": f"{top:.1f}", "width": f"{step - 4:.1f}", "height": f"{tall:.1f}"}
        drawn += [
            el("rect", class_="column", rx=1, **size),
            el("text", str(count) if count else "", class_="count", x=middle, y=f"{top - 4:.1f}", text_anchor="middle"),
            el("text", name, x=middle, y=height - 7, text_anchor="middle"),
        ]
    axis = el("line", class_="axis", x1=5, x2=width - 5, y1=height - foot, y2=height - foot)
    return el("svg", *drawn, axis, class_="histogram", viewBox=f"0 0 {width} {height}", role="img", aria_label=label)
