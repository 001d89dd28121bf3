"""A report notebook (nbformat 4), or any other, as a document to print. Opens no file, runs and fetches nothing.

A notebook is somebody else's: ``text/html`` is never used, pictures are those that are in the notebook itself, and what
is left out leaves a remark in its place. Which part of the form a cell is, its ``metadata.wirelab.part`` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from wirelab.base.errors import InputError
from wirelab.base.texts import LANGUAGES, Language, Text, register, say
from wirelab.present.report.document import (
    Block,
    Box,
    Figure,
    Heading,
    Items,
    Listing,
    Part,
    Quote,
    Remark,
    Report,
    Table,
    clean,
    figure,
    plain,
)
from wirelab.present.report.markdown_reader import read_markdown
from wirelab.present.report.pictures import JPEG, PNG, SVG, BadPicture, Picture, checked, decoded

MOST_CELLS = 2000
MOST_TEXT = 2_000_000  # characters of all that is printed
MOST_PIECES = 60_000  # paragraphs, cells of tables, lines of listings
MOST_PICTURES = 48_000_000  # bytes of all pictures
MOST_LINES, MOST_WIDTH = 1000, 2000  # of what one cell printed: lines, and characters in a line
HIGHEST_BOX = 240  # mm: as much as fits on a page

_FORMS = frozenset({"title", "fields", "comment"})
"""Parts whose tables are forms."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")  # ECMA-48, 5.4 and 8.3.89
_ATTACHED = "attachment:"
_DATA = re.compile(r"data:(image/(?:png|jpeg|svg\+xml));base64,(.*)", re.DOTALL)

register(
    {
        "report.not-a-notebook": Text(
            "this is not a Jupyter notebook of format 4: {why}", "这不是格式版本为 4 的 Jupyter notebook：{why}"
        ),
        "report.no-cells": Text("it has no list of cells", "其中没有单元格列表"),
        "report.cell": Text("cell {number} is not as the format has it", "第 {number} 个单元格不符合格式"),
        "report.nbformat": Text(
            "its nbformat is {found}; open it in Jupyter and save it again",
            "nbformat 为 {found}；请在 Jupyter 中打开后重新保存",
        ),
        "report.too-much": Text("the notebook is too large to be printed: {what}", "notebook 过大，无法打印：{what}"),
        "report.much-cells": Text("more than {most} cells", "单元格超过 {most} 个"),
        "report.much-text": Text("more than {most} characters of text", "文字超过 {most} 个字符"),
        "report.much-pieces": Text(
            "more than {most} paragraphs, cells of tables and lines of listings",
            "段落、表格单元格和代码行的总数超过 {most}",
        ),
        "report.much-pictures": Text("more than {most} MB of pictures", "图片超过 {most} MB"),
        "report.output-cut": Text(
            "[{count} more lines of this output are left out]", "[此输出还有 {count} 行，未打印]"
        ),
        "report.output-kind": Text(
            "[an output that cannot be printed is left out: {kinds}]", "[此处省略无法打印的输出：{kinds}]"
        ),
        "report.figure-bad": Text(
            "[a figure is left out: its data are damaged or too large]", "[此处省略一幅图：数据损坏或过大]"
        ),
        "report.untitled": Text("Report", "报告"),
    }
)


def document_of(notebook: Mapping[str, Any]) -> Report:
    """The document that a notebook is. Raises InputError for what is no notebook, too large, or nested too deeply."""
    if not isinstance(notebook, Mapping) or notebook.get("nbformat") != 4:
        found = notebook.get("nbformat") if isinstance(notebook, Mapping) else None
        why = Text(*(say("report.nbformat", language, found=clean(str(found)[:20])) for language in LANGUAGES))
        raise InputError("report.not-a-notebook", why=why)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise InputError("report.not-a-notebook", why=_both("report.no-cells"))
    if len(cells) > MOST_CELLS:
        raise InputError("report.too-much", what=_both("report.much-cells", most=MOST_CELLS))
    reader = _Reader(_language(notebook))
    parts = tuple(part for number, cell in enumerate(cells, 1) if (part := reader.part(number, cell)))
    headings = (block for part in parts for block in part.blocks if isinstance(block, Heading))
    title = next(filter(None, (plain(block.runs) for block in headings)), "")
    return Report(reader.language, title or say("report.untitled", reader.language), parts)


def _both(key: str, **values: object) -> Text:
    return Text(*(say(key, language, **values) for language in LANGUAGES))


def _language(notebook: Mapping[str, Any]) -> Language:
    ours = _mapping(_mapping(notebook.get("metadata")).get("wirelab"))
    return "zh" if ours.get("language") == "zh" else "en"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """A text of a notebook, which may be in lines. Anything else is empty."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _pieces(block: Block) -> int:
    """How much work a block is for those who write and print it."""
    match block:
        case Items(items):
            return 1 + sum(_pieces(inner) for item in items for inner in item)
        case Quote(blocks):
            return 1 + sum(map(_pieces, blocks))
        case Table(rows):
            return sum(map(len, rows))
        case Listing(text):
            return 1 + text.count("\n")
        case _:
            return 1


class _Reader:
    """Reads cells one after the other, and keeps count of what they take."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._text_left = MOST_TEXT
        self._pictures_left = MOST_PICTURES
        self._pieces_left = MOST_PIECES

    def part(self, number: int, cell: object) -> Part | None:
        """What is printed of a cell, None where that is nothing. Raises InputError."""
        if not isinstance(cell, Mapping) or cell.get("cell_type") not in ("markdown", "code", "raw"):
            raise InputError("report.not-a-notebook", why=_both("report.cell", number=number))
        ours = _mapping(_mapping(cell.get("metadata")).get("wirelab"))
        name = _text(ours.get("part"))
        source = self._counted(_text(cell.get("source")))
        blocks: list[Block] = []
        if cell["cell_type"] == "markdown":
            blocks += self._markdown(source, name, _mapping(cell.get("attachments")))
        elif source.strip() and name != "evidence":
            blocks.append(Listing(clean(source.strip("\n")), output=cell["cell_type"] == "raw"))
        if cell["cell_type"] == "code":
            blocks += self._outputs(cell.get("outputs"))
        self._pieces_left -= sum(map(_pieces, blocks))
        if self._pieces_left < 0:
            raise InputError("report.too-much", what=_both("report.much-pieces", most=MOST_PIECES))
        height = ours.get("box")
        if isinstance(height, int) and not isinstance(height, bool):
            blocks = [Box(tuple(blocks), max(0, min(HIGHEST_BOX, height)))]
        page_break = ours.get("page_break") is True
        return Part(name, tuple(blocks), page_break) if blocks or page_break else None

    def _counted(self, text: str) -> str:
        self._text_left -= len(text)
        if self._text_left < 0:
            raise InputError("report.too-much", what=_both("report.much-text", most=MOST_TEXT))
        return text

    def _picture(self, mime: str, data: str) -> Picture | None:
        """A picture, None for a bad one; drawings are text in outputs, all else is base64. Raises InputError."""
        try:
            drawn = mime == SVG and data.lstrip().startswith("<")
            found = checked(mime, data.strip().encode("utf-8", "replace")) if drawn else decoded(mime, data)
        except BadPicture:
            return None
        self._pictures_left -= len(found.data)
        if self._pictures_left < 0:
            raise InputError("report.too-much", what=_both("report.much-pictures", most=MOST_PICTURES // 1_000_000))
        return found

    def _markdown(self, source: str, name: str, attachments: Mapping[str, Any]) -> Iterable[Block]:
        def pictures(address: str, about: str) -> Figure | str:
            if embedded := _DATA.fullmatch(address):
                bundle: Mapping[str, Any] = {embedded[1]: embedded[2]}
            elif address.startswith(_ATTACHED):
                wanted = address.removeprefix(_ATTACHED)
                bundle = _mapping(attachments.get(wanted) or attachments.get(unquote(wanted)))
            else:
                return "report.image-foreign"
            if not any(kind in bundle for kind in (SVG, PNG, JPEG)):
                return "report.image-missing"
            return self._figure(bundle, {}, about) or "report.image-bad"

        return read_markdown(source, self.language, pictures, forms=name in _FORMS)

    def _figure(self, bundle: Mapping[str, Any], about_it: Mapping[str, Any], about: str) -> Figure | None:
        """The figure of a bundle of one thing in several kinds; None where none of them can be used."""
        drawing = self._picture(SVG, _text(bundle[SVG])) if SVG in bundle else None
        kind = PNG if PNG in bundle else JPEG
        picture = self._picture(kind, _text(bundle[kind])) if kind in bundle else None
        if drawing is None and picture is None:
            return None
        width = _mapping(about_it.get(kind)).get("width")
        return figure(drawing, picture, about, float(width) if isinstance(width, int | float) and not drawing else 0)

    def _outputs(self, outputs: object) -> Iterator[Block]:
        for output in outputs if isinstance(outputs, list) else ():
            bundle = _mapping(output)
            match bundle.get("output_type"):
                case "stream":
                    yield from self._printed(_text(bundle.get("text")))
                case "error":
                    trace = bundle.get("traceback")
                    lines = [_text(line) for line in trace] if isinstance(trace, list) else []
                    said = "\n".join(lines) or f"{_text(bundle.get('ename'))}: {_text(bundle.get('evalue'))}"
                    yield from self._printed(said)
                case "display_data" | "execute_result":
                    yield from self._shown(_mapping(bundle.get("data")), _mapping(bundle.get("metadata")))

    def _shown(self, data: Mapping[str, Any], about_it: Mapping[str, Any]) -> Iterator[Block]:
        """One output: a figure, or else Markdown, or else plain text."""
        words = _text(data.get("text/plain"))
        if any(kind in data for kind in (SVG, PNG, JPEG)):
            about = words[:200] if not words.startswith("<") else ""  # which only says what class it is of
            yield self._figure(data, about_it, about) or Remark(say("report.figure-bad", self.language))
        elif "text/markdown" in data:
            yield from self._markdown(self._counted(_text(data["text/markdown"])), "", {})
        elif "text/plain" in data:
            yield from self._printed(words)
        elif data:
            kinds = clean(", ".join(sorted(map(str, data)))[:100])
            yield Remark(say("report.output-kind", self.language, kinds=kinds))

    def _printed(self, text: str) -> Iterator[Block]:
        """What a program printed, as a terminal would have left it: without colours, lines begun anew written over."""
        lines = _ESCAPE.sub("", text).rstrip("\n").split("\n")
        kept = [line.rstrip("\r").rpartition("\r")[2][:MOST_WIDTH] for line in lines[:MOST_LINES]]
        if any(kept):
            yield Listing(clean(self._counted("\n".join(kept))), output=True)
        if len(lines) > MOST_LINES:
            yield Remark(say("report.output-cut", self.language, count=len(lines) - MOST_LINES))
