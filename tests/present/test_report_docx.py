"""A report as a Word file, opened again: its text, tables, pictures, fonts; and nothing in it that reaches outside."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import docx
import pytest
from docx.document import Document
from docx.oxml.ns import qn
from docx.shared import Mm
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.report_notebooks import based, code, markdown, notebook, png, report, shown, streamed, svg
from wirelab.base.texts import LANGUAGES, Language
from wirelab.present.report.document import FIGURE_HEIGHT, TEXT_WIDTH
from wirelab.present.report.docx_writer import write_docx
from wirelab.present.report.notebook_reader import document_of


def written(*cells: dict[str, Any], language: Language = "en") -> Document:
    return docx.Document(io.BytesIO(write_docx(document_of(notebook(list(cells), language)))))


def text(document: Document) -> str:
    """All text of the body, tables in tables too."""
    return "\n".join("".join(each.itertext()) for each in document.element.body.iter(qn("w:p")))


def xml(document: Document) -> str:
    saved = io.BytesIO()
    document.save(saved)
    return zipfile.ZipFile(saved).read("word/document.xml").decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_as_a_word_file(language: Language) -> None:
    document = docx.Document(io.BytesIO(write_docx(document_of(report(language)))))
    whole = text(document)
    expected = {
        "en": (
            "Computer Networks: Lab Report",
            "Li Lei",
            "in your own words:",
            "Instructor's comment",
            "• nothing is lost;",
        ),
        "zh": ("计算机网络课程实验报告", "李雷", "用自己的话说明：", "教师评语：", "• 不丢失数据；"),
    }[language]
    for words in (*expected, "3911204771", "HEARTBEAT-ACK", "value_59 = 59", "explored"):
        assert words in whole.replace("\t", " "), words
    assert "secret_call" not in whole
    assert len(document.inline_shapes) == 1
    fields, answer, grid, comment = document.tables
    assert (4, 4) == (len(fields.rows), len(fields.columns))
    assert fields.rows[2].cells[1]._tc is fields.rows[2].cells[3]._tc
    assert (1, 1, 41, 8) == (len(answer.rows), len(answer.columns), len(grid.rows), len(grid.columns))
    assert len(comment.rows) == 2
    assert sum(row.height or 0 for row in comment.rows) == pytest.approx(Mm(60), rel=0.01)
    page = document.sections[0]
    assert (210, 297) == (round((page.page_width or 0) / Mm(1)), round((page.page_height or 0) / Mm(1)))
    foot = page.footer._element.xml
    assert ("第 " if language == "zh" else "Page ") in foot
    assert [" PAGE ", " NUMPAGES "] == re.findall(r"<w:instrText>(.*?)</w:instrText>", foot)
    assert xml(document).count("<w:pageBreakBefore/>") == 2


def test_fonts_are_named_for_latin_and_chinese_letters() -> None:
    document = written(markdown("## 一\n\n`x`"), language="zh")
    for name, latin, chinese in (("Normal", "Times New Roman", "SimSun"), ("Heading 2", "Arial", "SimHei")):
        fonts = document.styles[name].element.rPr.rFonts
        assert (latin, chinese) == (fonts.get(qn("w:ascii")), fonts.get(qn("w:eastAsia")))
        assert fonts.get(qn("w:asciiTheme")) is None
    assert "Courier New" in xml(document)


def test_a_file_reaches_nowhere() -> None:
    attached = markdown("![a](attachment:a) ![b](http://a.b/c.png) [c](http://a.b/) [d](file:///etc/passwd)")
    attached["attachments"] = {"a": {"image/png": based(png())}}
    data = write_docx(document_of(notebook([attached, code("", [shown({"text/html": "<img src=http://a.b/c>"})])])))
    parts = zipfile.ZipFile(io.BytesIO(data))
    for name in parts.namelist():
        content = parts.read(name)
        assert b'TargetMode="External"' not in content
        assert b"INCLUDEPICTURE" not in content
        assert b"macroEnabled" not in content
    assert not [name for name in parts.namelist() if "vba" in name.lower()]
    assert len(docx.Document(io.BytesIO(data)).inline_shapes) == 1


def test_figures_fit_and_a_drawing_without_a_picture_leaves_a_remark() -> None:
    both = {"image/svg+xml": svg(2000, 1000), "image/png": based(png(20, 10)), "text/plain": "a ladder"}
    document = written(
        code("", [shown(both), shown({"image/png": based(png(10, 400))}), shown({"image/svg+xml": svg()})], "evidence")
    )
    wide, tall = document.inline_shapes
    assert (wide.width / Mm(1), wide.height / Mm(1)) == pytest.approx((TEXT_WIDTH, TEXT_WIDTH / 2), abs=0.1)
    assert tall.height / Mm(1) <= FIGURE_HEIGHT
    assert wide._inline.docPr.get("descr") == "a ladder"
    assert "[a figure is left out of the Word file: " in text(document)


def test_a_jpeg_that_word_does_not_know_leaves_a_remark() -> None:
    bare = bytes.fromhex("ffd8ffc0000b080010002001011100ffd9")
    document = written(code("", [shown({"image/jpeg": based(bare)})], "evidence"), language="zh")
    assert not len(document.inline_shapes)
    assert "[Word 文件中省略一幅图" in text(document)


def test_the_head_of_a_table_is_repeated_and_no_row_is_parted() -> None:
    document = written(markdown("|a|b|\n|:-:|-|\n" + "|1|2|\n" * 3))
    (made,) = document.tables
    assert made._tbl.xml.count("<w:tblHeader/>") == 1
    assert made._tbl.xml.count("<w:cantSplit/>") == 4
    assert sum(column.width or 0 for column in made.columns) == pytest.approx(Mm(TEXT_WIDTH), rel=0.001)


def test_an_answer_may_hold_anything() -> None:
    source = "- **a)** words\n\n  |x|\n  |-|\n  |1|\n\n  ```\n  code\n  ```\n\n> quoted\n\n1. one\n   1. deep\n\n---"
    whole = text(written(markdown(source, "answer"), markdown("|a|\n|-|\n|b|", "answer"), markdown("", "answer")))
    for words in ("a) words", "x", "code", "quoted", "1.one", "1.deep", "b"):
        assert words in whole.replace("\t", ""), words


def test_a_page_break_before_a_table_is_there_and_none_before_the_first_cell() -> None:
    document = written(markdown("x", "section", page_break=True), markdown("|a|\n|-|\n|b|", "fields", page_break=True))
    assert xml(document).count("<w:pageBreakBefore/>") == 1


@settings(max_examples=25)  # a file each, of which python-docx's template is most
@given(st.text(alphabet=st.characters(), max_size=60))
def test_no_character_breaks_the_file(words: str) -> None:
    cells = [markdown(words), markdown(f"# {words}", "title"), code(words, [streamed(words)])]
    docx.Document(io.BytesIO(write_docx(document_of(notebook(cells)))))


def test_characters_that_xml_forbids_are_named() -> None:
    document = written(code("a\x00b\x0b\x1f\ud800\ufffe\uffff", [streamed("\x08\x1b[31mred\x1b[0m")]))
    whole = text(document)
    assert "a⟨NUL⟩b⟨VT⟩⟨US⟩⟨U+D800⟩\ufffd\ufffd" in whole
    assert "⟨BS⟩red" in whole
