"""A report as a file of Word, made in memory. Knows no notebook and opens no file.

It has what python-docx puts in it and nothing else: no link, no macro, nothing that is fetched when it is opened. A
drawing (SVG) is never drawn here: Word shows the picture beside it, and where there is none, a remark stands instead.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import docx
from docx.blkcntnr import BlockItemContainer
from docx.document import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.image.exceptions import InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError
from docx.shared import Mm, Pt
from docx.table import Table as WordTable
from docx.table import _Cell, _Row
from docx.text.paragraph import Paragraph as WordParagraph

from wirelab.base.texts import Text, register, say
from wirelab.present.report.document import (
    TEXT_WIDTH,
    Block,
    Box,
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
from wirelab.present.report.docx_style import (
    AFTER_BORDERS,
    CELL,
    LISTING,
    MONO,
    OUTPUT,
    REMARK,
    SANS,
    TITLE,
    borders,
    element,
    give_fonts,
    set_up,
)

register(
    {
        "report.docx-figure": Text(
            "[a figure is left out of the Word file: Word cannot show it, and the notebook has no PNG of it; "
            "see the HTML or the PDF]",
            "[Word 文件中省略一幅图：Word 无法显示，notebook 里也没有它的 PNG；请看 HTML 或 PDF]",
        ),
    }
)

_PADDING = 2.0  # mm, left and right in a cell
_INDENT = 7.0  # mm, of a level of a list
_TOGETHER = 4  # so many lines of a listing at least are on each of its pages
_ALIGN = {"left": None, "center": WD_ALIGN_PARAGRAPH.CENTER, "right": WD_ALIGN_PARAGRAPH.RIGHT}


def write_docx(report: Report) -> bytes:
    """The file."""
    document = docx.Document()
    set_up(document, report.language, clean(report.title))
    writer = _Writer(report, document)
    for part in report.parts:
        writer.part(part)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


class _Writer:
    """Writes block after block into a container, which is the document or a cell of a table in it."""

    def __init__(self, report: Report, document: Document) -> None:
        self._report = report
        self._styles = {style.name: style.style_id for style in document.styles}
        self._into: BlockItemContainer = document._body
        self._fresh = False  # it is a cell, in which nothing has been written yet
        self._width, self._indent = TEXT_WIDTH, 0.0  # mm
        self._break = False  # the next paragraph begins a page
        self._written = False
        self._part = ""

    def part(self, part: Part) -> None:
        self._break = self._break or (part.page_break and self._written)
        self._part = part.name
        if part.name == "answer" and part.blocks:
            with_frame = self._table(1, (1.0,)).rows[0].cells[0]
            self._inside(with_frame, part.blocks)
            self._space()
        else:
            self._blocks(part.blocks)
        self._written = self._written or bool(part.blocks)

    def _blocks(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self._block(block)

    def _block(self, block: Block) -> None:
        match block:
            case Heading(level, runs):
                title = self._part == "title" and level == 1
                heading = self._paragraph(TITLE if title else f"Heading {level}", runs)
                if self._part == "title":
                    heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
            case Paragraph(runs):
                paragraph = self._paragraph(None, runs)
                if self._part == "title":
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
                elif self._report.language == "zh":
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
                paragraph.paragraph_format.keep_with_next = self._part == "question" or None
            case Items():
                self._items(block)
            case Quote(blocks):
                self._indent += _INDENT
                self._blocks(blocks)
                self._indent -= _INDENT
            case Listing(lines, output):
                self._listing(lines, OUTPUT if output else LISTING)
            case Table():
                self._grid(block)
            case Figure():
                self._figure(block)
            case Remark(said):
                self._paragraph(REMARK, (Run(said),))
            case Rule():
                line: Any = self._paragraph(None, ())
                line._p.get_or_add_pPr().insert_element_before(borders("pBdr", "bottom"), *AFTER_BORDERS)
            case Box():
                self._box(block)

    def _paragraph(self, style: str | None, runs: Iterable[Run]) -> WordParagraph:
        # A cell is never without a paragraph, so its first is there already.
        paragraph: WordParagraph = self._into.paragraphs[0] if self._fresh else self._into.add_paragraph()
        self._fresh = False
        if style is None and self._part == "notes":
            style = CELL
        self._give_style(paragraph, style)
        if self._break:
            paragraph.paragraph_format.page_break_before, self._break = True, False
        if self._indent:
            paragraph.paragraph_format.left_indent = Mm(self._indent)
        _write(paragraph, runs)
        return paragraph

    def _give_style(self, paragraph: WordParagraph, style: str | None) -> None:
        """By its identifier, as looking for a name takes python-docx longer than all else."""
        if style is not None:
            inner: Any = paragraph._p
            inner.style = self._styles[style]

    def _inside(self, cell: _Cell, blocks: Iterable[Block]) -> None:
        """Write blocks into a cell."""
        before = self._into, self._width, self._indent, self._fresh
        self._into, self._width, self._indent, self._fresh = cell, self._width - 2 * _PADDING - 1, 0.0, True
        self._blocks(blocks)  # the last in a cell is a paragraph (17.4.66), as every table here is followed by one
        self._into, self._width, self._indent, self._fresh = before

    def _space(self) -> WordParagraph:
        """A small paragraph, which keeps tables apart that would be one otherwise."""
        small = self._into.add_paragraph()
        small.paragraph_format.space_before = small.paragraph_format.space_after = Pt(0)
        small.paragraph_format.line_spacing = Pt(10)
        self._fresh = False
        return small

    def _table(self, rows: int, widths: tuple[float, ...], padding: float = _PADDING) -> WordTable:
        """A table over the whole width; a page break before it is that of a small paragraph."""
        if self._break:
            self._space().paragraph_format.page_break_before, self._break = True, False
        made: Any
        if isinstance(self._into, _Cell):
            made = self._into.add_table(rows, len(widths))
        else:
            made = self._into.add_table(rows, len(widths), Mm(self._width))
        made.style, made.alignment, made.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
        margins = element("tblCellMar")
        for side in ("left", "right"):
            margins.append(element(side, w=round(padding * 56.69), type="dxa"))  # twentieths of a point
        made._tbl.tblPr.insert_element_before(margins, "w:tblLook", "w:tblCaption", "w:tblDescription")
        for column, share in zip(made.columns, widths, strict=True):
            column.width = Mm(share * self._width)
        self._fresh = False
        return made  # type: ignore[no-any-return]

    def _items(self, block: Items) -> None:
        unmarked = self._part == "answer" and block.start is None and not self._indent
        for number, item in enumerate(block.items, block.start or 0):
            mark = "" if unmarked else "•" if block.start is None else f"{number}."
            self._indent += 0 if unmarked else _INDENT
            first, others = (item[0], item[1:]) if item and isinstance(item[0], Paragraph) else (None, item)
            paragraph = self._paragraph(None, ())
            if mark:
                paragraph.add_run(f"{mark}\t")
                paragraph.paragraph_format.first_line_indent = Mm(-_INDENT)
                paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(self._indent))
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
            if isinstance(first, Paragraph):
                _write(paragraph, first.runs)
            self._blocks(others)
            self._indent -= 0 if unmarked else _INDENT

    def _listing(self, lines: str, style: str) -> None:
        """A paragraph a line: as their borders are the same, they are one frame, which may go over a page."""
        indent, self._indent = self._indent, 0.0
        shown = clean(lines).split("\n")
        for at, line in enumerate(shown):
            paragraph = self._paragraph(style, (Run(line),))
            if at < _TOGETHER - 1 or len(shown) - _TOGETHER <= at < len(shown) - 1:
                paragraph.paragraph_format.keep_with_next = True
        self._indent = indent
        if not isinstance(self._into, _Cell):
            self._space()

    def _grid(self, table: Table) -> None:
        if not table.rows:
            return
        made = self._table(len(table.rows), table.widths, 0.17 * table.size if table.heads else _PADDING)
        for at, (row, cells) in enumerate(zip(made.rows, table.rows, strict=True)):
            _never_parted(row, head=at < table.heads)
            if not table.heads:
                row.height, row.height_rule = Mm(9), WD_ROW_HEIGHT_RULE.AT_LEAST
            column, empty = 0, iter(list(row._tr.tc_lst))
            for cell in cells:
                place = _Cell(next(empty), made)
                width = sum(table.widths[column : column + cell.span]) * self._width
                column += cell.span
                place._tc.grid_span = cell.span
                for _ in range(cell.span - 1):
                    row._tr.remove(next(empty))
                place.width, place.vertical_alignment = Mm(width), WD_CELL_VERTICAL_ALIGNMENT.CENTER
                paragraph = place.paragraphs[0]
                self._give_style(paragraph, CELL)
                if cell.label or cell.align != "left":
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if cell.label else _ALIGN[cell.align]
                _write(paragraph, cell.runs, bold=at < table.heads, label=cell.label, size=table.size)
                if cell.label or at < table.heads:
                    _give(place, element("shd", val="clear", color="auto", fill="F0F0F0"))
        self._space()

    def _figure(self, figure: Figure) -> None:
        picture = figure.picture
        paragraph = self._paragraph(None, ())
        paragraph.alignment, paragraph.paragraph_format.line_spacing = WD_ALIGN_PARAGRAPH.CENTER, 1.0
        scale = min(1.0, self._width / figure.width)
        try:
            if picture is None:
                raise UnrecognizedImageError
            run = paragraph.add_run()
            shown = run.add_picture(io.BytesIO(picture.data), Mm(figure.width * scale), Mm(figure.height * scale))
        except (InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError):
            self._give_style(paragraph, REMARK)
            _write(paragraph, (Run(say("report.docx-figure", self._report.language)),))
        else:
            shown._inline.docPr.set("descr", clean(figure.about))
            for side in "TBLR":  # what is not said, readers take for different things
                shown._inline.set(f"dist{side}", "0")

    def _box(self, box: Box) -> None:
        """A frame; what is at its foot (a signature) is a row of its own, with no line above it."""
        foot = box.blocks[-1:] if len(box.blocks) > 1 and isinstance(box.blocks[-1], Paragraph) else ()
        made = self._table(2 if foot else 1, (1.0,))
        rows = list(made.rows)
        for row in rows:
            _never_parted(row)
            row.height_rule = WD_ROW_HEIGHT_RULE.AT_LEAST
        rows[0].height = Mm(max(5, box.height - (10 if foot else 0)))
        self._inside(rows[0].cells[0], box.blocks[: len(box.blocks) - len(foot)])
        if foot:
            rows[1].height = Mm(10)
            for row, side in ((rows[0], "bottom"), (rows[1], "top")):
                _give(row.cells[0], borders("tcBorders", side, "nil"))
            for paragraph in rows[0].cells[0].paragraphs:
                paragraph.paragraph_format.keep_with_next = True
            self._inside(rows[1].cells[0], foot)
            rows[1].cells[0].vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.BOTTOM
        self._space()


def _never_parted(row: _Row, *, head: bool = False) -> None:
    """Keep a row on one page; the head of a table is printed again on each."""
    properties: Any = row._tr.get_or_add_trPr()
    properties.append(element("cantSplit"))
    if head:
        properties.append(element("tblHeader"))


def _give(cell: _Cell, made: Any) -> None:
    """Give a cell its borders or its shade, in the order of section 17.4.69."""
    properties: Any = cell._tc.get_or_add_tcPr()
    properties.insert_element_before(
        made, *(f"w:{name}" for name in "noWrap tcMar textDirection tcFitText vAlign".split())
    )


def _write(
    paragraph: WordParagraph, runs: Iterable[Run], *, bold: bool = False, label: bool = False, size: float = 0
) -> None:
    for piece in runs:
        for number, line in enumerate(clean(piece.text).split("\n")):
            run = paragraph.add_run()
            if number:
                run.add_break(WD_BREAK.LINE)
            run.add_text(line)
            if piece.bold or bold:
                run.bold = True
            if piece.italic:
                run.italic = True
            if piece.struck:
                run.font.strike = True
            if size:
                run.font.size = Pt(size)
            if piece.code or label:
                properties: Any = run._r.get_or_add_rPr()
                give_fonts(properties, MONO if piece.code else SANS)
