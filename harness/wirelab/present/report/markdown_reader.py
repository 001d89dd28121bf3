"""Markdown (CommonMark with tables and ~~struck~~ text) as blocks of a report. Knows no notebook; raw HTML stays text.

A link is printed, so its address stands behind it; one that is no web or mail address is left out. Whoever calls says
what picture an address stands for: nothing is fetched here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from markdown_it.token import Token

from wirelab.base.errors import InputError
from wirelab.base.texts import Language, Text, register, say
from wirelab.present.report.document import (
    MOST_COLUMNS,
    Align,
    Block,
    Cell,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Quote,
    Remark,
    Rule,
    Run,
    Runs,
    clean,
    form,
    plain,
    table,
)

MOST_CHARACTERS = 100_000  # of one text
DEEPEST = 24  # blocks or types within each other; nobody prints lists of ten levels

register(
    {
        "report.nested": Text(
            "the text that begins with {words} is nested too deeply to be printed: more than {most} levels",
            "以 {words} 开头的文字嵌套过深，无法打印：超过 {most} 层",
        ),
        "report.long-text": Text(
            "the text that begins with {words} is too long to be printed: {found} characters, at most {most}",
            "以 {words} 开头的文字过长，无法打印：共 {found} 个字符，最多 {most} 个",
        ),
        "report.columns": Text(
            "[a table with {found} columns is left out: at most {most} fit on a page]",
            "[此处省略一个有 {found} 列的表格：一页最多放 {most} 列]",
        ),
        "report.image-left-out": Text("[the picture “{about}” is left out: {why}]", "[此处省略图片“{about}”：{why}]"),
        "report.image-here": Text("no picture can stand here", "这里不能放图片"),
        "report.image-foreign": Text(
            "only pictures that are kept in the notebook are printed", "只打印保存在 notebook 内部的图片"
        ),
        "report.image-missing": Text("the notebook does not contain it", "notebook 中没有这张图片"),
        "report.image-bad": Text("its data are damaged or too large", "图片数据损坏或过大"),
    }
)

Pictures = Callable[[str, str], Figure | str]
"""From the address of a picture and its description to the figure, or the key of the text that says why not."""

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)  # the only line break that a table in Markdown can have
_PRINTED = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\](?=\s)")


class _Markdown(MarkdownIt):
    """Hands every address on as it was written, as none is ever put into a link."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url


def no_pictures(address: str, about: str) -> Figure | str:
    """For texts that have no pictures of their own."""
    return "report.image-foreign"


def read_markdown(
    text: str,
    language: Language,
    pictures: Pictures = no_pictures,
    *,
    forms: bool = False,
) -> tuple[Block, ...]:
    """The blocks of a text. With ``forms``, tables are forms. Raises InputError for a text that is too long or nested too deeply."""
    text = text.removeprefix("\ufeff")
    words = clean(text[:30].strip().partition("\n")[0])
    if len(text) > MOST_CHARACTERS:
        raise InputError("report.long-text", words=words, found=len(text), most=MOST_CHARACTERS)
    parser = _Markdown("commonmark", {"html": False, "maxNesting": DEEPEST + 1}).enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline"])
    try:
        tokens = parser.parse(text)
    except RecursionError:
        raise InputError("report.nested", words=words, most=DEEPEST) from None
    if any(one.level >= DEEPEST for token in tokens for one in (token, *(token.children or ()))):
        raise InputError("report.nested", words=words, most=DEEPEST)
    return _Reader(language, pictures, forms).blocks(iter(tokens))


@dataclass(frozen=True, slots=True)
class _Reader:
    language: Language
    pictures: Pictures
    forms: bool

    def blocks(self, tokens: Iterator[Token], until: str = "") -> tuple[Block, ...]:
        """Blocks up to the token of this type, which is taken too."""
        found: list[Block] = []
        for token in tokens:
            if token.type == until:
                break
            match token.type:
                case "paragraph_open":
                    found += self._paragraph(next(tokens))
                case "heading_open":
                    found.append(Heading(int(token.tag[1:]), self._runs(next(tokens))))
                case "bullet_list_open" | "ordered_list_open":
                    found.append(self._list(token, tokens))
                case "blockquote_open":
                    found.append(Quote(self.blocks(tokens, "blockquote_close")))
                case "fence" | "code_block":
                    found.append(Listing(clean(token.content.rstrip("\n"))))
                case "hr":
                    found.append(Rule())
                case "table_open":
                    found.append(self._table(tokens))
        return tuple(found)

    def _list(self, opening: Token, tokens: Iterator[Token]) -> Items:
        items = []
        for token in tokens:
            if token.type == "list_item_open":
                items.append(self._item(self.blocks(tokens, "list_item_close")))
            elif token.type == opening.type.replace("_open", "_close"):
                break
        start = None if opening.type == "bullet_list_open" else int(opening.attrs.get("start", 1))
        return Items(tuple(items), start)

    def _item(self, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        if not blocks or not isinstance(blocks[0], Paragraph) or not blocks[0].runs:
            return blocks
        first, *others = blocks[0].runs
        box = _TASK.match(first.text)
        if box and not first.code:
            first = replace(first, text=("☐" if box[1] == " " else "☑") + first.text[box.end() :])
        return Paragraph((first, *others)), *blocks[1:]

    def _paragraph(self, token: Token) -> Iterator[Block]:
        """A paragraph, parted where figures stand in it."""
        waiting: list[Run] = []
        for piece in self._pieces(token):
            if isinstance(piece, Run):
                waiting.append(piece)
                continue
            if plain(waiting):
                yield Paragraph(_joined(waiting))
            waiting = []
            yield piece
        if plain(waiting):
            yield Paragraph(_joined(waiting))

    def _table(self, tokens: Iterator[Token]) -> Block:
        rows: list[list[Cell]] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                style = str(token.attrs.get("style", ""))
                align: Align = "center" if "center" in style else "right" if "right" in style else "left"
                rows[-1].append(Cell(self._runs(next(tokens)), align))
        if len(rows[0]) > MOST_COLUMNS:
            return Remark(say("report.columns", self.language, found=len(rows[0]), most=MOST_COLUMNS))
        return form(rows) if self.forms else table(rows)

    def _runs(self, token: Token) -> Runs:
        """The text of a heading or a cell, where no picture can stand."""
        here = say("report.image-here", self.language)
        return _joined(
            piece
            if isinstance(piece, Run)
            else Run(
                say(
                    "report.image-left-out",
                    self.language,
                    about=piece.about if isinstance(piece, Figure) else "",
                    why=here,
                )
                if isinstance(piece, Figure)
                else piece.text,
                italic=True,
            )
            for piece in self._pieces(token)
        )

    def _pieces(self, token: Token) -> Iterator[Run | Figure | Remark]:
        """What a line of text is made of: types are switched by tokens on its way."""
        style = Run("")
        links: list[tuple[str, int]] = []
        read = ""
        children = token.children or []
        for at, child in enumerate(children):
            said = ""
            match child.type:
                case "strong_open" | "strong_close":
                    style = replace(style, bold=child.nesting > 0)
                case "em_open" | "em_close":
                    style = replace(style, italic=child.nesting > 0)
                case "s_open" | "s_close":
                    style = replace(style, struck=child.nesting > 0)
                case "text" | "text_special":
                    said = _BREAK.sub("\n", child.content)
                case "code_inline":
                    yield replace(style, text=clean(child.content), code=True)
                    read += child.content
                case "hardbreak":
                    said = "\n"
                case "softbreak":
                    after = next((one.content for one in children[at + 1 :] if one.content), "")
                    said = "" if _wide(read[-1:]) and _wide(after[:1]) else " "
                case "link_open":
                    links.append((str(child.attrs.get("href", "")), len(read)))
                case "link_close" if links:
                    address, begun = links.pop()
                    if _PRINTED.match(address) and address.removeprefix("mailto:") not in read[begun:]:
                        said = f"（{address}）" if self.language == "zh" else f" ({address})"
                case "image":
                    yield self._picture(child)
            if said:
                read += said
                yield replace(style, text=clean(said))

    def _picture(self, token: Token) -> Figure | Remark:
        about = clean(token.content.strip())
        found = self.pictures(str(token.attrs.get("src", "")), about)
        if isinstance(found, Figure):
            return found
        return Remark(say("report.image-left-out", self.language, about=about, why=say(found, self.language)))


def _joined(pieces: Iterator[Run] | list[Run]) -> Runs:
    """Runs, those of one type that follow each other made one."""
    joined: list[Run] = []
    for piece in pieces:
        if joined and replace(joined[-1], text="") == replace(piece, text=""):
            joined[-1] = replace(piece, text=joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return tuple(joined)


def _wide(char: str) -> bool:
    """Whether a character is Chinese, between two of which a line break in the source is no space."""
    return bool(char) and unicodedata.east_asian_width(char) in "WF"
