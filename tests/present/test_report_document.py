"""From a notebook to a document: parts, blocks, figures; and what hostile notebooks come to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.present.report_notebooks import based, chunk, code, markdown, notebook, png, report, shown, streamed, svg
from wirelab.base.errors import InputError, WirelabError
from wirelab.base.texts import LANGUAGES, Language
from wirelab.present.report.document import (
    FIGURE_HEIGHT,
    PIXEL,
    TEXT_WIDTH,
    Block,
    Box,
    Cell,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Quote,
    Remark,
    Report,
    Run,
    Table,
    clean,
    figure,
    form,
    plain,
    table,
)
from wirelab.present.report.html_writer import write_html
from wirelab.present.report.markdown_reader import MOST_CHARACTERS, read_markdown
from wirelab.present.report.notebook_reader import MOST_LINES, MOST_PIECES, document_of
from wirelab.present.report.pictures import BadPicture, Picture, checked, decoded

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080010002001011100ffd9")


def read(*cells: dict[str, Any], language: Language = "en") -> tuple[Block, ...]:
    return tuple(block for part in document_of(notebook(list(cells), language)).parts for block in part.blocks)


def words(block: Block) -> str:
    """All text of a block."""
    match block:
        case Heading(_, runs) | Paragraph(runs):
            return plain(runs)
        case Items(items):
            return " ".join(words(inner) for item in items for inner in item)
        case Quote(blocks) | Box(blocks):
            return " ".join(map(words, blocks))
        case Listing(text) | Remark(text):
            return text
        case Table(rows):
            return " ".join(plain(cell.runs) for row in rows for cell in row)
    return ""


def flat(document: Report) -> Iterator[Block]:
    return (block for part in document.parts for block in part.blocks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_has_all_its_parts(language: Language) -> None:
    document = document_of(report(language))
    assert language == document.language
    assert ("Computer Networks: Lab Report" if language == "en" else "计算机网络课程实验报告") == document.title
    expected = "title fields section section section evidence question answer evidence explore  code comment notes"
    assert expected.split(" ") == [part.name for part in document.parts]
    assert [False] * 4 + [True] + [False] * 7 + [True, False] == [part.page_break for part in document.parts]
    evidence = document.parts[5].blocks
    assert [Figure] == [type(block) for block in evidence], "the call that made it is not printed"
    explored = document.parts[9].blocks
    assert (Listing("print('explored')"), Listing("explored", output=True)) == explored
    (comment,) = document.parts[12].blocks
    assert isinstance(comment, Box)
    assert comment.height == 60


def test_any_notebook_is_a_document() -> None:
    plain_one = notebook([markdown("# Mine\n\ntext"), code("1 + 1", [shown({"text/plain": "2"})])])
    document = document_of(plain_one)
    assert ("en", "Mine") == (document.language, document.title)
    assert ["Mine", "text", "1 + 1", "2"] == [words(block) for block in flat(document)]
    assert document_of(notebook([])).title == "Report"


def test_markdown_becomes_blocks() -> None:
    source = "## Head *it*\n\none **two** `three` ~~four~~\n\n> said\n\n3. a\n4. b\n   - c\n\n```python\nx = 1\n\ty\n```\n\n---\n"
    head, paragraph, quote, items, listing, _ = read_markdown(source, "en")
    assert head == Heading(2, (Run("Head "), Run("it", italic=True)))
    expected = (
        Run("one "),
        Run("two", bold=True),
        Run(" "),
        Run("three", code=True),
        Run(" "),
        Run("four", struck=True),
    )
    assert paragraph == Paragraph(expected)
    assert quote == Quote((Paragraph((Run("said"),)),))
    assert isinstance(items, Items)
    assert (3, ["a", "b c"]) == (items.start, [" ".join(map(words, item)) for item in items.items])
    assert listing == Listing("x = 1\n        y")


def test_a_line_break_between_chinese_characters_is_no_space() -> None:
    (paragraph,) = read_markdown("第一行\n第二行，\nTCP 连接\n结束", "zh")
    assert words(paragraph) == "第一行第二行， TCP 连接结束"


def test_tasks_have_boxes_and_tables_may_have_line_breaks() -> None:
    tasks, grid = read_markdown("- [ ] open\n- [x] done\n\n|a|b|\n|:-:|--:|\n|1<br>2|`x`|\n", "en")
    assert words(tasks) == "☐ open ☑ done"
    assert isinstance(grid, Table)
    assert Cell((Run("1\n2"),), "center") == grid.rows[1][0]
    assert Cell((Run("x", code=True),), "right") == grid.rows[1][1]


@pytest.mark.parametrize(
    ("link", "printed"),
    [
        ("[RFC](https://example.org/a)", "RFC (https://example.org/a)"),
        ("<https://example.org/a>", "https://example.org/a"),
        ("[me](mailto:a@b.c)", "me (mailto:a@b.c)"),
        ("[click](javascript:alert(1))", "click"),
        ("[click](data:text/html;base64,PHNjcmlwdD4=)", "click"),
        ("[file](file:///etc/passwd)", "file"),
        ("[vb](vbscript:x) [b](b.ipynb)", "vb b"),
    ],
)
def test_links_are_text(link: str, printed: str) -> None:
    assert [printed] == [words(block) for block in read_markdown(link, "en")]


def test_raw_html_is_text() -> None:
    source = "<script>alert(1)</script>\n\na <img src=x onerror=y> b\n\n<!-- c -->"
    assert ["<script>alert(1)</script>", "a <img src=x onerror=y> b", "<!-- c -->"] == list(
        map(words, read_markdown(source, "en"))
    )


def test_a_form_has_labels_and_values_that_reach_over_empty_cells() -> None:
    (made,) = read(markdown("|||||\n|-|-|-|-|\n|**A**|1|**B**||\n|**C**|long|||\n|**D**||||", "fields"))
    assert isinstance(made, Table)
    spans = [[(plain(cell.runs), cell.span, cell.label) for cell in row] for row in made.rows]
    first = [("A", 1, True), ("1", 1, False), ("B", 1, True), ("", 1, False)]
    assert [first, [("C", 1, True), ("long", 3, False)], [("D", 1, True), ("", 3, False)]] == spans
    assert (0, 4) == (made.heads, len(made.widths))
    assert made.widths[0] < made.widths[1]


@given(st.lists(st.lists(st.text(max_size=40), min_size=3, max_size=3), min_size=1, max_size=5))
def test_widths_of_columns_add_up_to_the_width(rows: list[list[str]]) -> None:
    cells = [[Cell((Run(text, bold=text.startswith("a")),)) for text in row] for row in rows]
    for made in (table(cells), form(cells)):
        assert sum(made.widths) == pytest.approx(1 if made.rows else 0)
        assert all(sum(cell.span for cell in row) == len(made.widths) for row in made.rows)


def test_a_wide_table_is_in_smaller_type() -> None:
    narrow, wide = (table([[Cell((Run("1234567890"),))] * columns]) for columns in (3, 10))
    assert (10.5, 7.0) == (narrow.size, wide.size)
    (many,) = read_markdown("|" + "a|" * 40 + "\n|" + "-|" * 40, "en")
    assert many == Remark("[a table with 40 columns is left out: at most 32 fit on a page]")


def test_figures_fit_on_a_page_and_keep_their_shape() -> None:
    drawing = checked("image/svg+xml", svg(2000, 500).encode())
    made = figure(drawing, None, "")
    assert made.width == pytest.approx(TEXT_WIDTH)
    assert made.width / made.height == pytest.approx(4)
    tall = figure(None, Picture("image/png", b"", 100, 4000), "")
    assert tall.height == pytest.approx(FIGURE_HEIGHT)
    (small,) = read(code("", [shown({"image/png": based(png(80, 60))}, **{"image/png": {"width": 40}})], "evidence"))
    assert isinstance(small, Figure)
    assert (small.width, small.height) == pytest.approx((40 * PIXEL, 30 * PIXEL))


def test_outputs_of_every_kind() -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mTrace\x1b[0m", "E: v"]}
    blocks = read(
        code(
            "x",
            [
                streamed("a\r\n\x1b[1mb\x1b[0m\n50%\r100%\n"),
                error,
                shown({"text/html": "<b>no</b>", "text/plain": "yes"}),
                shown({"text/html": "<b>no</b>"}),
                shown({"text/markdown": "**bold**", "text/plain": "no"}),
                shown({"image/jpeg": based(JPEG), "text/plain": "a photograph"}),
                shown({"image/png": based(png())[:-8], "text/plain": "x"}),
            ],
        )
    )
    expected = ["x", "a\nb\n100%", "Trace\nE: v", "yes", "[an output that cannot be printed is left out: text/html]"]
    assert expected == [words(block) for block in blocks[:5]]
    assert Paragraph((Run("bold", bold=True),)) == blocks[5]
    assert isinstance(blocks[6], Figure)
    assert (blocks[6].about, blocks[6].drawing) == ("a photograph", None)
    assert blocks[7] == Remark("[a figure is left out: its data are damaged or too large]")


def test_a_long_output_is_cut_and_says_so() -> None:
    cut, remark = read(code("", [streamed("line\n" * (MOST_LINES + 5))]))
    assert words(cut).count("line") == MOST_LINES
    assert remark == Remark("[5 more lines of this output are left out]")


def test_attachments_are_those_of_their_own_cell() -> None:
    cell = markdown("before ![a](attachment:图%201.png) after\n\n![b](attachment:other.png) ![c](../secret.png)")
    cell["attachments"] = {"图 1.png": {"image/png": based(png())}}
    before, shown_, after, *remarks = read(cell)
    assert ("before", "after") == (words(before), words(after))
    assert isinstance(shown_, Figure)
    assert shown_.about == "a"
    assert [
        "[the picture “b” is left out: the notebook does not contain it]",
        "[the picture “c” is left out: only pictures that are kept in the notebook are printed]",
    ] == [words(remark) for remark in remarks]
    elsewhere = read(cell, markdown("![a](attachment:图%201.png)"))
    assert isinstance(elsewhere[-1], Remark)


@pytest.mark.parametrize(
    "address", ["http://a.b/c.png", "file:///etc/passwd", "/etc/passwd", "data:text/html;base64,eA==", "x.svg"]
)
def test_pictures_from_elsewhere_are_left_out(address: str) -> None:
    (remark,) = read_markdown(f"![p]({address})", "zh")
    assert remark == Remark("[此处省略图片“p”：只打印保存在 notebook 内部的图片]")


def test_a_picture_in_a_table_leaves_a_remark() -> None:
    cell = markdown("|a|\n|-|\n|![b](attachment:b.png)|")
    cell["attachments"] = {"b.png": {"image/png": based(png())}}
    (made,) = read(cell)
    assert words(made) == "a [the picture “b” is left out: no picture can stand here]"


def test_what_can_be_seen_is_printed_and_what_moves_text_is_named() -> None:
    assert clean("a\u200bb\ufeff\r\nc\u202ed\x00e\ufffff") == "ab\nc⟨U+202E⟩d⟨NUL⟩e\ufffdf"


PNG_OF_NOTHING = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        ("image/png", b""),
        ("image/png", JPEG),
        ("image/png", png()[:-1]),
        ("image/png", png()[:20]),
        ("image/png", png().replace(b"IDAT", b"IDAx")),
        ("image/png", PNG_OF_NOTHING),
        ("image/png", png()[:16] + b"\xff" * 8 + png()[24:]),
        ("image/png", b"\x89PNG\r\n\x1a\n" + b"\xff" * 40),
        ("image/jpeg", b"\xff\xd8\xff\xd9"),
        ("image/jpeg", png()),
        ("image/jpeg", JPEG[:-2]),
        ("image/gif", b"GIF89a"),
        ("image/svg+xml", b"<svg width='1' height='1'/>"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'>"),
        ("image/svg+xml", b"<html xmlns='http://www.w3.org/2000/svg'/>"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' width='99999' height='99999'/>"),
        ("image/svg+xml", b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg xmlns='http://www.w3.org/2000/svg'>&a;</svg>"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 300 + b"</g>" * 300 + b"</svg>"),
    ],
)
def test_bad_pictures_are_refused(mime: str, data: bytes) -> None:
    with pytest.raises(BadPicture):
        checked(mime, data)


@pytest.mark.parametrize("text", ["%%%", "a", "é", based(b"x" * 3) + "="])
def test_bad_base64_is_refused(text: str) -> None:
    with pytest.raises(BadPicture):
        decoded("image/png", text)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ("width='20' height='10'", (20, 10)),
        ("width='72pt' height='1in'", (96, 96)),
        ("viewBox='0 0 40 30'", (40, 30)),
        ("width='100%' viewBox='0,0,40,30'", (40, 30)),
        ("width='80' viewBox='0 0 40 30'", (80, 60)),
        ("height='60' viewBox='0 0 40 30'", (80, 60)),
        ("viewBox='0 0 0 0'", (300, 150)),
        ("", (300, 150)),
    ],
)
def test_sizes_of_drawings(attributes: str, size: tuple[float, float]) -> None:
    made = checked("image/svg+xml", f"<svg xmlns='http://www.w3.org/2000/svg' {attributes}/>".encode())
    assert (made.width, made.height) == pytest.approx(size)


def test_sizes_of_pictures() -> None:
    assert [(8, 6), (32, 16)] == [
        (made.width, made.height) for made in (checked("image/png", png()), checked("image/jpeg", JPEG))
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {"nbformat": 3, "worksheets": []},
        {"nbformat": 4},
        {"nbformat": 4, "cells": {}},
        {"nbformat": 4, "cells": ["x"]},
        {"nbformat": 4, "cells": [{"cell_type": "other"}]},
        notebook([markdown("x")] * 2001),
        notebook([markdown("x" * (MOST_CHARACTERS + 1))]),
        notebook([markdown("x " * 49_000)] * 21),
        notebook([markdown("> " * 40 + "x")]),
        notebook([markdown("**a _b " * 30 + "c" + "_ **" * 30)]),
        notebook([markdown("```\n" + "\n" * 40_000 + "x\n```")] * (MOST_PIECES // 40_000 + 1)),
    ],
)
def test_what_is_no_notebook_or_too_much_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError) as refused:
        document_of(wrong)
    assert all(refused.value.text(language) for language in LANGUAGES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("attachment:a"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("data text image/png image/svg+xml text/markdown wirelab part box width traceback".split()),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["markdown", "code", "raw"]), "source": st.text(max_size=60) | JSON},
    optional={
        "metadata": JSON,
        "attachments": JSON,
        "outputs": JSON
        | st.lists(
            st.fixed_dictionaries(
                {"output_type": st.sampled_from(["stream", "error", "display_data"])},
                optional={"data": JSON, "text": JSON, "traceback": JSON, "metadata": JSON, "ename": JSON},
            ),
            max_size=2,
        ),
    },
)


@given(st.lists(CELLS, max_size=3), JSON)
def test_no_notebook_whatsoever_makes_it_stumble(cells: list[dict[str, Any]], metadata: Any) -> None:
    """Of what is no text where one is expected, nothing is printed."""
    whole = {"nbformat": 4, "metadata": metadata, "cells": cells}
    try:
        page = write_html(document_of(json.loads(json.dumps(whole))))
    except WirelabError:
        return
    page.encode()
