"""A report as one self-contained page of HTML that prints as a form. Knows no notebook and opens no file.

Sound by construction, as ``present/html.py`` is: elements and attributes from a fixed list, foreign text escaped and
inert, no links at all. The page runs nothing and loads nothing: its policy allows its own style sheet, by digest, and
pictures that are in the page itself; a drawing (SVG) is a picture too, in which browsers run no script (SVG 2, 2.2.1).
"""

from __future__ import annotations

import base64

from wirelab.present.html import Html, document, join, text
from wirelab.present.report.document import (
    PIXEL,
    SIZES,
    Block,
    Box,
    Cell,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Part,
    Quote,
    Remark,
    Report,
    Rule,
    Run,
    Table,
    clean,
)
from wirelab.present.report.html_style import style_sheet

TAGS = frozenset(
    (
        "main section h1 h2 h3 h4 h5 h6 p strong em s code pre ul ol li blockquote hr "
        "br table colgroup col thead tbody tr th td figure img div"
    ).split()
)
ATTRIBUTES = frozenset("class width height colspan start src alt scope".split())
PARTS = frozenset("title fields section question answer evidence explore code comment notes".split())
"""Parts of the form that have a look of their own; what a notebook calls a part is never a class by itself."""

_VOID = frozenset("hr br col img".split())


def _el(tag: str, /, *children: str, **attributes: str | int | None) -> Html:
    """An element; children that are not ``Html`` are text. Raises ValueError for what no report may have: a bug."""
    if tag not in TAGS:
        raise ValueError(f"no report may have the element {tag!r}")
    said = ""
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if name not in ATTRIBUTES or (name == "src" and not str(value).startswith("data:image/")):
            raise ValueError(f"no report may have the attribute {name!r} with {value!r}")
        if value is not None and value != "":
            said += f' {name}="{text(str(value))}"'
    return Html(f"<{tag}{said}>" if tag in _VOID else f"<{tag}{said}>{join(map(_cleaned, children))}</{tag}>")


def _cleaned(child: str) -> str:
    return child if isinstance(child, Html) else clean(child)


def write_html(report: Report) -> str:
    """The page. It can be opened from anywhere, and printed."""
    sheet = style_sheet(
        report.language,
        {one.height for part in report.parts for one in part.blocks if isinstance(one, Box) and one.height},
    )
    body = _el("main", *map(_part, report.parts))
    return document(clean(report.title), body, report.language, sheet=sheet, allows="img-src data:; ", scheme="light")


def _part(part: Part) -> Html:
    names = [part.name] if part.name in PARTS else []
    if part.page_break:
        names.append("break")
    return _el("section", *map(_block, part.blocks), class_=" ".join(names))


def _block(block: Block) -> Html:
    match block:
        case Heading(level, runs):
            return _el(f"h{level}", *map(_run, runs))
        case Paragraph(runs):
            return _el("p", *map(_run, runs))
        case Items(items, start):
            inner = (_el("li", *map(_block, item)) for item in items)
            return _el("ul", *inner) if start is None else _el("ol", *inner, start=start)
        case Quote(blocks):
            return _el("blockquote", *map(_block, blocks))
        case Listing(lines, output):
            return _el("pre", lines, class_=None if output else "program")
        case Table():
            return _table(block)
        case Figure():
            return _el("figure", _image(block))
        case Remark(said):
            return _el("p", said, class_="remark")
        case Rule():
            return _el("hr")
        case Box(blocks, height):
            return _el("div", *map(_block, blocks), class_=f"box high-{height}" if height else "box")


def _run(run: Run) -> Html:
    lines = clean(run.text).split("\n")
    said = join(piece for line in lines for piece in (_el("br"), line))[len("<br>") :]
    html = Html(said)
    if run.code:
        html = _el("code", html)
    if run.struck:
        html = _el("s", html)
    if run.italic:
        html = _el("em", html)
    return _el("strong", html) if run.bold else html


def _table(table: Table) -> Html:
    columns = _el("colgroup", *(_el("col", width=f"{100 * width:.2f}%") for width in table.widths))
    heads = [_el("tr", *(_cell(cell, "th") for cell in row)) for row in table.rows[: table.heads]]
    rows = [_el("tr", *(_cell(cell, "td") for cell in row)) for row in table.rows[table.heads :]]
    head = _el("thead", *heads) if heads else Html()
    return _el(
        "table", columns, head, _el("tbody", *rows), class_=f"size-{SIZES.index(table.size)}" if table.heads else "form"
    )


def _cell(cell: Cell, tag: str) -> Html:
    name = "label" if cell.label else "" if cell.align == "left" else cell.align
    return _el(tag, *map(_run, cell.runs), class_=name, colspan=cell.span if cell.span > 1 else None)


def _image(figure: Figure) -> Html:
    shown = figure.drawing or figure.picture
    if shown is None:
        raise ValueError("a figure has a drawing or a picture")
    source = f"data:{shown.mime};base64,{base64.b64encode(shown.data).decode()}"
    size = {"width": max(1, round(figure.width / PIXEL)), "height": max(1, round(figure.height / PIXEL))}
    return _el("img", src=source, alt=figure.about or " ", **size)
