"""Explanation pages on a terminal and in Markdown: whole, within the width, and harmless to either."""

from __future__ import annotations

import re

import pytest

from wirelab.base.texts import LANGUAGES, Text
from wirelab.judge.kinds import Kind, Page
from wirelab.present.explain import listing, markdown, page_lines
from wirelab.present.style import cells

SYMPTOM = Kind(
    "WL502",
    summary=Text("reset <instead> of a close", "用 RST 代替了正常关闭"),
    rationale=Text("{actor} sent RST", "{actor} 发送了 RST"),
    hint=Text("Use `shutdown(SHUT_WR)`, then 2 * close().", "请先 `shutdown(SHUT_WR)`，再 2 * close()。"),
)
CAUSE = Kind("WL551", Text("closed with unread bytes", "还有未读数据"), SYMPTOM.rationale, SYMPTOM.hint, cause=True)
MACHINE = Kind("WL903", Text("the machine gave no time", "机器没有给时间"), SYMPTOM.rationale, SYMPTOM.hint)
PAGE = Page(
    seen=Text("A segment with RST. " * 9, "带有 RST 的报文段。" * 9),
    why=Text("The *kernel* does it, in `close()`.", "这是内核在 `close()` 里做的。"),
    where=Text(
        "Read to the end.\n\n    sock.close()      # wrong\n\n    while sock.recv(99):\n        pass",
        "读到结尾。\n\n    sock.close()      # 错误\n\n    while sock.recv(99):\n        pass",
    ),
    source="RFC 9293, section 3.5.2; close(2)",
    picture="client   server\n   |-- RST -->|",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_on_the_terminal(golden, language):
    golden(f"explain-{language}", page_lines(SYMPTOM, PAGE, language=language, width=60, colour=False))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 60, 100])
def test_prose_keeps_to_the_width(language, width):
    lines = page_lines(CAUSE, PAGE, language=language, width=width, colour=False)
    assert max(map(cells, lines)) <= width
    lines = listing([SYMPTOM, CAUSE, MACHINE], language=language, width=width, colour=False)
    assert max(map(cells, lines)) <= width


def test_programs_and_the_picture_are_shown_as_they_are():
    shown = "\n".join(page_lines(SYMPTOM, PAGE, language="en", width=40, colour=False))
    assert "    sock.close()      # wrong\n\n    while sock.recv(99):\n        pass\n" in shown
    assert "  client   server\n     |-- RST -->|\n" in shown


def test_the_terminal_sees_no_markdown_and_colour_adds_no_words():
    plain = page_lines(CAUSE, PAGE, language="en", width=70, colour=False)
    assert not re.search(r"`|\*kernel", "\n".join(plain))
    coloured = page_lines(CAUSE, PAGE, language="en", width=70, colour=True)
    assert "\x1b[" in "\n".join(coloured)
    assert plain == [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured]


def test_causes_and_the_machine_say_what_they_are():
    assert "A cause: " in "\n".join(page_lines(CAUSE, PAGE, language="en", width=80, colour=False))
    assert "Not your program's fault" in "\n".join(page_lines(MACHINE, PAGE, language="en", width=80, colour=False))
    assert "fault" not in "\n".join(page_lines(SYMPTOM, PAGE, language="en", width=80, colour=False))


def test_the_list_has_every_code_in_its_group():
    assert listing([SYMPTOM, CAUSE, MACHINE], language="en", width=80, colour=False) == [
        "WL5  teardown",
        "  WL502  reset <instead> of a close",
        "  causes",
        "    WL551  closed with unread bytes",
        "",
        "WL9  the harness and the machine",
        "  WL903  the machine gave no time",
        "",
        "wirelab explain WL502 prints a page.",
    ]


def test_markdown_links_every_code_and_escapes_what_is_not_markdown():
    text = markdown([(SYMPTOM, PAGE), (CAUSE, PAGE), (MACHINE, PAGE)], "en")
    assert re.findall(r"\]\(#(WL\d+)\)", text) == re.findall(r'<a id="(WL\d+)">', text) == ["WL502", "WL551", "WL903"]
    assert "### WL502  reset \\<instead> of a close\n" in text
    assert "> Use `shutdown(SHUT_WR)`, then 2 \\* close().\n" in text
    assert "```text\nsock.close()      # wrong\n\nwhile sock.recv(99):\n    pass\n```\n" in text
    assert text.count("```text") * 2 == text.count("```")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
