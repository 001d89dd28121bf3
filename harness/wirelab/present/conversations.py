"""The conversations of a capture as a table: one line each, columns aligned in both languages. Values in, lines out."""

from __future__ import annotations

from collections.abc import Sequence

from wirelab.base.texts import Language, Text, register, say
from wirelab.observe.conversations import Conversation
from wirelab.present.style import DIM, Style, cells, left, right
from wirelab.present.words import grouped

register(
    {
        "list.stream": Text("tcp.stream", "tcp.stream"),
        "list.number": Text("no.", "序号"),
        "list.client": Text("client", "客户端"),
        "list.server": Text("server", "服务器"),
        "list.packets": Text("packets", "报文数"),
        "list.from-client": Text("bytes →", "字节 →"),
        "list.from-server": Text("bytes ←", "字节 ←"),
        "list.seconds": Text("seconds", "秒"),
        "list.opened": Text("opened", "建立"),
        "list.closed": Text("closed", "关闭"),
        "list.syn": Text("SYN", "SYN"),
        "list.earlier": Text("before", "抓包之前"),
        "list.refused": Text("refused", "被拒绝"),
        "list.open": Text("-", "-"),
        "list.fin": Text("FIN first from {side}", "{side}先发 FIN"),
        "list.rst": Text("RST from {side}", "{side}发 RST"),
        "list.fin-rst": Text("FIN first from {side}, RST from {other}", "{side}先发 FIN，{other}发 RST"),
    }
)

_TO_THE_RIGHT = frozenset({0, 3, 4, 5, 6})  # columns of numbers


def conversation_lines(
    conversations: Sequence[Conversation], *, among_selected: bool, language: Language, colour: bool
) -> list[str]:
    """A heading and one line a conversation. ``among_selected``: the numbers are not those of the whole capture.

    Lines are as wide as their contents: nothing is cut.
    """
    names = ("client", "server", "packets", "from-client", "from-server", "seconds", "opened", "closed")
    first = say("list.number" if among_selected else "list.stream", language)
    rows = [(first, *(say(f"list.{name}", language) for name in names))]
    rows += [_row(conversation, language) for conversation in conversations]
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    style = Style(colour)
    lines = []
    for row in rows:
        filled = (
            right(text, width) if column in _TO_THE_RIGHT else left(text, width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        line = "  ".join(filled).rstrip()
        lines.append(style.paint(line, DIM) if row is rows[0] else line)
    return lines


def _row(it: Conversation, language: Language) -> tuple[str, ...]:
    return (
        str(it.index),
        str(it.client),
        str(it.server),
        grouped(it.packets),
        grouped(it.sent["client"].bytes),
        grouped(it.sent["server"].bytes),
        f"{(it.ended - it.began) / 1e9:.3f}",
        say("list.syn" if it.syn else "list.earlier", language),
        closed(it, language),
    )


def closed(it: Conversation, language: Language) -> str:
    """How a conversation ended, in a few words: who sent the first FIN, who sent RST; ``-`` when neither was seen."""
    if it.refused:
        return say("list.refused", language)
    fin, rst = (None if side is None else say(f"list.{side}", language) for side in (it.fin, it.rst))
    if fin and rst:
        return say("list.fin-rst", language, side=fin, other=rst)
    if fin or rst:
        return say("list.fin" if fin else "list.rst", language, side=fin or rst)
    return say("list.open", language)
