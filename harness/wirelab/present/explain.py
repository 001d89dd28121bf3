"""Explanation pages as text: for a terminal in one language, and as Markdown for the docs. Knows no files, no options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.kinds import Kind, Page
from wirelab.judge.page_text import PROGRAM
from wirelab.present.style import BOLD, CYAN, DIM, RED, YELLOW, Style, wrap

GROUPS: Mapping[str, Text] = {
    "WL1": Text("connecting", "建立连接"),
    "WL2": Text("messages and framing", "消息与边界"),
    "WL3": Text("heartbeat", "心跳"),
    "WL4": Text("broadcast and locking", "广播与加锁"),
    "WL5": Text("teardown", "关闭连接"),
    "WL6": Text("program and terminal", "程序与终端"),
    "WL7": Text("expected traces", "预期轨迹"),
    "WL9": Text("the harness and the machine", "测试平台与机器"),
}
"""What the groups of codes are about, by what the codes begin with."""

_INDENT = "  "
_MARKED = re.compile(r"`([^`]+)`|\*([^*`]+)\*")
_LITERAL = re.compile(r"`[^`]+`|[<*]")

register(
    {
        "explain.short": Text("in short: {hint}", "一句话：{hint}"),
        "explain.seen": Text("What you see", "你会看到什么"),
        "explain.why": Text("Why it happens", "为什么会这样"),
        "explain.where": Text("Where to look in your code", "该看代码的哪里"),
        "explain.source": Text("To read on", "延伸阅读"),
        "explain.cause": Text(
            "A cause: it stands below another finding and says how that came about.",
            "这是原因：它写在另一条诊断的下面，说明那条诊断的由来。",
        ),
        "explain.machine": Text(
            "Not your program's fault: it makes a check inconclusive and costs no mark.",
            "不是你的程序的错：它使检查无法判定，不会扣分。",
        ),
        "explain.causes": Text("causes", "原因"),
        "explain.more": Text("`wirelab explain {code}` prints a page.", "用 `wirelab explain {code}` 查看某一页。"),
        "explain.title": Text("Findings", "诊断一览"),
        "explain.intro": Text(
            "Every finding that wirelab reports has a code that keeps its meaning. `wirelab explain {code}` prints the "
            "page of one code in the terminal. Codes that end in 51 and more are causes: each stands below the finding "
            "that it explains. Codes that begin with WL9 are about the machine, the harness or the capture, and never "
            "cost a mark.",
            "wirelab 给出的每条诊断都有一个编号，编号的含义不会改变。`wirelab explain {code}` 在终端里显示某个编号的说明。"
            "末两位从 51 起的编号是原因，写在它所解释的诊断下面。WL9 开头的编号说的是机器、测试平台或抓包本身，不会扣分。",
        ),
        "explain.command": Text(
            "Written by `wirelab explain --markdown --lang en`; a test compares.",
            "由 `wirelab explain --markdown --lang zh` 生成，有测试核对。",
        ),
        "explain.other": Text("[中文](findings.zh.md)", "[English](findings.md)"),
    }
)


def page_lines(kind: Kind, page: Page, *, language: Language, width: int, colour: bool) -> list[str]:
    """The page of one code, prose in lines of at most ``width`` cells; programs and the picture are as wide as they are."""
    style = Style(colour)
    room = width - len(_INDENT)
    ink = YELLOW if _harmless(kind) else CYAN if kind.cause else RED
    lines = [f"{style.paint(kind.code, BOLD, ink)}  {style.paint(_in(kind.summary, language), BOLD)}"]
    lines += [style.paint(line, DIM) for note in _notes(kind, language) for line in wrap(note, width)]
    lines += ["", *wrap(say("explain.short", language, hint=_plain(_in(kind.hint, language))), width), ""]

    def part(key: str, body: Iterable[str]) -> list[str]:
        return [style.paint(say(key, language), BOLD), *(f"{_INDENT}{line}".rstrip() for line in body), ""]

    lines += part("explain.seen", _body(page.seen, language, room))
    lines += part("explain.why", _body(page.why, language, room))
    lines += [*(f"{_INDENT}{line}".rstrip() for line in page.picture.split("\n")), ""]
    lines += part("explain.where", _body(page.where, language, room))
    lines += part("explain.source", wrap(page.source, room))
    return lines[:-1]


def listing(kinds: Sequence[Kind], *, language: Language, width: int, colour: bool) -> list[str]:
    """The codes of these kinds with their one-line summaries, by group."""
    style = Style(colour)
    lines = []
    for group, members in groupby(kinds, _group):
        lines.append(f"{style.paint(group, BOLD)}  {style.paint(_in(GROUPS[group], language), BOLD)}")
        for cause, rows in groupby(members, lambda kind: kind.cause):
            if cause:
                lines.append(style.paint(f"{_INDENT}{say('explain.causes', language)}", DIM))
            for kind in rows:
                head = f"{_INDENT * (2 if cause else 1)}{kind.code}  "
                first, *rest = wrap(_in(kind.summary, language), max(width - len(head), 20))
                lines += [head + first, *(" " * len(head) + line for line in rest)]
        lines.append("")
    return [*lines, _plain(say("explain.more", language, code=kinds[0].code if kinds else "WL502"))]


def markdown(entries: Sequence[tuple[Kind, Page]], language: Language) -> str:
    """The pages as one Markdown document, with a table of contents; the docs are this."""
    return "\n".join(_document(entries, language)).rstrip() + "\n"


def _document(entries: Sequence[tuple[Kind, Page]], language: Language) -> Iterator[str]:
    yield f"# {say('explain.title', language)}"
    yield ""
    yield say("explain.other", language)
    yield ""
    yield say("explain.intro", language, code="WL502")
    yield ""
    yield f"<!-- {say('explain.command', language)} -->"
    yield ""
    for group, members in groupby((kind for kind, _ in entries), _group):
        yield f"**{group} · {_in(GROUPS[group], language)}**"
        yield ""
        for kind in members:
            yield f"- [{kind.code}](#{kind.code}) {_escaped(_in(kind.summary, language))}"
        yield ""
    for group, pages in groupby(entries, lambda entry: _group(entry[0])):
        yield f"## {group} · {_in(GROUPS[group], language)}"
        yield ""
        for kind, page in pages:
            yield from _chapter(kind, page, language)


def _chapter(kind: Kind, page: Page, language: Language) -> Iterator[str]:
    yield f'<a id="{kind.code}"></a>'
    yield ""
    yield f"### {kind.code}  {_escaped(_in(kind.summary, language))}"
    yield ""
    for note in _notes(kind, language):
        yield f"*{note}*"
        yield ""
    yield f"> {_escaped(_in(kind.hint, language))}"
    yield ""
    for key, text in (("seen", page.seen), ("why", page.why), ("where", page.where)):
        yield f"**{say(f'explain.{key}', language)}**"
        yield ""
        for is_program, lines in _blocks(_in(text, language)):
            yield from _fenced(lines) if is_program else lines
            yield ""
        if key == "why":
            yield from _fenced(page.picture.split("\n"))
            yield ""
    yield f"**{say('explain.source', language)}** {_escaped(page.source)}"
    yield ""


def _fenced(lines: Iterable[str]) -> Iterator[str]:
    yield "```text"
    yield from lines
    yield "```"


def _body(text: Text, language: Language, width: int) -> Iterator[str]:
    """A text for a terminal: its prose in lines of at most ``width`` cells, its programs indented."""
    for number, (is_program, lines) in enumerate(_blocks(_in(text, language))):
        yield from [""] if number else []
        if is_program:
            yield from (f"{_INDENT}{line}".rstrip() for line in lines)
        else:
            yield from wrap(_plain(" ".join(lines)), width)


def _blocks(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Paragraphs and programs in turn; a program's lines without what marks them, empty ones inside it included."""
    kind = False
    block: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        inside = kind and any(later.startswith(PROGRAM) for later in lines[number : number + 2])
        is_program = line.startswith(PROGRAM) or (not line and inside)
        if block and (is_program != kind or not (line or is_program)):
            yield kind, block
            block = []
        kind = is_program
        if line or is_program:
            block.append(line.removeprefix(PROGRAM))
    if block:
        yield kind, block


def _notes(kind: Kind, language: Language) -> list[str]:
    """What is to be said of this sort of code."""
    keys = ["explain.cause"] * kind.cause + ["explain.machine"] * _harmless(kind)
    return [say(key, language) for key in keys]


def _group(kind: Kind) -> str:
    return kind.code[:3]


def _harmless(kind: Kind) -> bool:
    return kind.code.startswith("WL9")


def _in(text: Text, language: Language) -> str:
    return text.zh if language == "zh" else text.en


def _plain(text: str) -> str:
    """Without the marks of Markdown."""
    return _MARKED.sub(lambda found: found[1] or found[2], text)


def _escaped(text: str) -> str:
    """A text that is not Markdown, for Markdown; what stands between backticks is left alone."""
    return _LITERAL.sub(lambda found: found[0] if found[0].startswith("`") else f"\\{found[0]}", text)
