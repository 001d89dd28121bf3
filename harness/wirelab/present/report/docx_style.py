"""The styles of a printed report in Word: A4, fonts by name, page numbers at the foot. Knows no contents.

python-docx begins from a template of its own, American and blue; what a style says here replaces all of that. Elements
and their order: Office Open XML (ECMA-376), part 1, section 17.
"""

from __future__ import annotations

import datetime
from typing import Any

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from wirelab.base.texts import Language
from wirelab.present.report.document import MARGIN, MARGIN_SIDE, PAGE_HEIGHT, PAGE_WIDTH

LISTING, OUTPUT, REMARK, CELL, TITLE = (
    "Report Listing",
    "Report Output",
    "Report Remark",
    "Report Cell",
    "Report Title",
)
SERIF, SANS, MONO = ("Times New Roman", "SimSun"), ("Arial", "SimHei"), ("Courier New", "SimSun")
"""Fonts for Latin letters and for Chinese; Word takes another where one is missing."""

_PAGES = {"en": ("Page ", " of ", ""), "zh": ("第 ", " 页，共 ", " 页")}
_HEADINGS = (16.0, 14.0, 12.5, 12.0, 12.0, 12.0)  # pt
_FIRST = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # a document says nothing of when it was made


def element(name: str, **attributes: str | int) -> Any:
    """An element ``w:name`` with attributes ``w:…``; python-docx gives such elements no type."""
    made: Any = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), str(value))
    return made


def borders(name: str, sides: str, style: str = "single", size: int = 6, space: int = 0) -> Any:
    """``w:pBdr`` or ``w:tcBorders`` with these sides; ``size`` is in eighths of a point."""
    around = element(name)
    for side in sides.split():
        around.append(element(side, val=style, sz=size, space=space, color="000000"))
    return around


def set_up(document: Document, language: Language, title: str) -> None:
    """Page, styles, foot and properties of an empty document."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(PAGE_WIDTH), Mm(PAGE_HEIGHT)
    section.top_margin = section.bottom_margin = Mm(MARGIN)
    section.left_margin = section.right_margin = Mm(MARGIN_SIDE)
    section.header_distance = section.footer_distance = Mm(11)
    _styles(document, language)
    _foot(section.footer.paragraphs[0], language)
    about = document.core_properties
    about.title, about.author, about.comments, about.language = title[:200], "wirelab", "", language
    about.created = about.modified = _FIRST


def _styles(document: Document, language: Language) -> None:
    normal = _style(document, "Normal", SERIF, 12 if language == "zh" else 11)
    normal.paragraph_format.space_before = normal.paragraph_format.space_after = Pt(3)
    normal.paragraph_format.line_spacing = 1.3 if language == "zh" else 1.15
    normal.paragraph_format.widow_control = True
    normal.element.get_or_add_rPr().append(element("lang", val="en-US", eastAsia="zh-CN"))
    for level, size in enumerate(_HEADINGS, 1):
        heading = _style(document, f"Heading {level}", SANS, size, bold=True)
        heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(12), Pt(6)
        heading.paragraph_format.keep_with_next = heading.paragraph_format.keep_together = True
    title = _style(document, TITLE, SANS, 20, bold=True)
    title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_before, title.paragraph_format.space_after = Pt(12), Pt(14)
    title.paragraph_format.keep_with_next = True
    _style(document, "Footer", SERIF, 9)
    cell = _style(document, CELL, SERIF, 10.5)
    cell.paragraph_format.space_before = cell.paragraph_format.space_after = Pt(2)
    cell.paragraph_format.line_spacing = 1.15
    remark = _style(document, REMARK, SERIF, 10.5)
    remark.font.italic = True
    for name, shade in ((LISTING, "F6F6F6"), (OUTPUT, "FFFFFF")):
        listing = _style(document, name, MONO, 8.5)
        listing.paragraph_format.space_before = listing.paragraph_format.space_after = Pt(0)
        listing.paragraph_format.line_spacing = 1.1
        listing.paragraph_format.left_indent = listing.paragraph_format.right_indent = Mm(2)
        properties: Any = listing.element.get_or_add_pPr()
        properties.insert_element_before(borders("pBdr", "top left bottom right", size=4, space=4), *AFTER_BORDERS)
        properties.insert_element_before(element("shd", val="clear", color="auto", fill=shade), *AFTER_BORDERS[1:])


AFTER_BORDERS = tuple(
    f"w:{name}"
    for name in (
        "shd tabs suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi "
        "adjustRightInd snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection "
        "textAlignment textboxTightWrap outlineLvl divId cnfStyle rPr sectPr pPrChange"
    ).split()
)
"""What follows the borders of a paragraph, section 17.3.1.26; Word refuses files in which the order is another."""


def _style(document: Document, name: str, fonts: tuple[str, str], size: float, *, bold: bool = False) -> ParagraphStyle:
    known = name in [style.name for style in document.styles]
    style = document.styles[name] if known else document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    if not isinstance(style, ParagraphStyle):
        raise TypeError(f"{name} is no style of paragraphs")
    if not known:
        style.base_style = document.styles["Normal"]
    style.font.size, style.font.bold, style.font.italic, style.font.color.rgb = Pt(size), bold, False, RGBColor(0, 0, 0)
    give_fonts(style.element.get_or_add_rPr(), fonts)
    return style


def give_fonts(properties: Any, fonts: tuple[str, str]) -> None:
    """Set the fonts of a ``w:rPr``; those of the theme, which would win, are taken away."""
    chosen = properties.get_or_add_rFonts()
    for attribute in list(chosen.attrib):
        del chosen.attrib[attribute]
    for script, font in zip(("ascii", "hAnsi", "cs", "eastAsia"), (fonts[0], *fonts[:1] * 2, fonts[1]), strict=True):
        chosen.set(qn(f"w:{script}"), font)


def _foot(paragraph: Paragraph, language: Language) -> None:
    """``Page 1 of 3``; Word counts when it lays the pages out."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.tab_stops.clear_all()
    before, between, after = _PAGES[language]
    for words, counted in ((before, "PAGE"), (between, "NUMPAGES"), (after, "")):
        paragraph.add_run(words)
        if counted:
            run: Any = paragraph.add_run()
            number = element("t")
            number.text = "1"
            for piece in (
                element("fldChar", fldCharType="begin"),
                _instruction(counted),
                element("fldChar", fldCharType="separate"),
                number,
                element("fldChar", fldCharType="end"),
            ):
                run._r.append(piece)


def _instruction(words: str) -> Any:
    made = element("instrText")
    made.text = f" {words} "
    return made
