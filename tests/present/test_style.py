"""Cells, cuts and line breaks; and that foreign text cannot do anything to a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcwidth

from wirelab.present.style import BOLD, RED, Style, cells, clip, left, right, safe, split, untabbed, wrap

anything = st.text(st.characters())  # lone surrogates too


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("你好 🚀 é", "你好 🚀 é"),
        ("\x1b[2J\x07", "⟨ESC⟩[2J⟨BEL⟩"),
        ("a\r\n\tb\0\x7f", "a⟨CR⟩⟨LF⟩⟨TAB⟩b⟨NUL⟩⟨DEL⟩"),
        ("\x9b2J", "⟨U+009B⟩2J"),
        ("\u202a\u202e\u2066\u2069", "⟨U+202A⟩⟨U+202E⟩⟨U+2066⟩⟨U+2069⟩"),
        ("\ud83d", "⟨U+D83D⟩"),
        ("hi\u200b\ufeff\u2028", "hi⟨U+200B⟩⟨U+FEFF⟩⟨U+2028⟩"),
        ("I ❤\ufe0f 🇨🇳 🇨", "I ❤ 🇨🇳 ⟨U+1F1E8⟩"),
        ("👍🏽 1\ufe0f\u20e3", "👍⟨U+1F3FD⟩ 1⟨U+20E3⟩"),
    ],
)
def test_what_cannot_be_seen_is_named(text: str, shown: str) -> None:
    assert shown == safe(text)


@given(anything)
@settings(deadline=None)
def test_nothing_foreign_reaches_the_terminal(text: str) -> None:
    for line in (safe(text), clip(text, 20), *wrap(text, 20)):
        assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        line.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "size"), [("", 0), ("abc", 3), ("你好", 4), ("é", 1), ("🚀", 2), ("🇨🇳", 2), ("─▶│", 3), ("⟨ESC⟩", 5)]
)
def test_cells(text: str, size: int) -> None:
    assert size == cells(text)
    assert size + 3 == cells(left(text, size + 3)) == cells(right(text, size + 3))


@given(anything, st.integers(1, 40))
@settings(deadline=None)
def test_a_cut_is_never_too_wide_and_says_that_it_is_one(text: str, width: int) -> None:
    cut = clip(text, width)
    assert cells(cut) <= width
    assert cut == safe(text) or cut.endswith("…")


@given(st.text(st.sampled_from("ab\t\n ")), st.integers(0, 20))
def test_narrow_text_has_the_tab_stops_of_python(text: str, column: int) -> None:
    assert (" " * column + text).expandtabs(8) == " " * column + untabbed(text, column)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("你好\tx", "你好    x"),
        ("你好你好\tx", "你好你好        x"),
        ("\x1b\tx", "\x1b   x"),  # named, it takes five cells
        ("名\t分\n李\t9", "名      分\n李      9"),
    ],
)
def test_a_tab_goes_to_the_next_eighth_cell(text: str, shown: str) -> None:
    assert shown == untabbed(text)


def test_a_cut_does_not_part_what_is_drawn_as_one() -> None:
    assert clip("你好你好", 4) == "你…"
    assert clip("a🇨🇳🇨🇳", 4) == "a🇨🇳…"
    assert clip("abc\x1bdef", 6) == "abc…"
    assert split("abc⟨ESC⟩", 5) == ("abc", "⟨ESC⟩")
    assert clip("x" * 10_000_000, 5) == "xxxx…"


@given(anything, st.integers(10, 60))
@settings(deadline=None)
def test_wrapping_loses_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    whole = "".join(safe(part) for part in text.split("\n"))
    assert whole.replace(" ", "") == "".join(lines).replace(" ", "")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("one two three", 8, ["one two", "three"]),
        ("  indented text", 10, ["  indented", "text"]),
        ("two  spaces", 20, ["two  spaces"]),
        ("unbreakable", 4, ["unbr", "eaka", "ble"]),
        ("收到消息,然后关闭。", 10, ["收到消息,", "然后关闭。"]),
        ("收到消息,然后关闭。", 8, ["收到消", "息,然后", "关闭。"]),
        ("调用(close)之后", 8, ["调用", "(close)", "之后"]),
        ("第 3 帧用recv接收", 9, ["第 3 帧用", "recv接收"]),
        ("line\nfeed", 20, ["line", "feed"]),
        ("a\n\nb", 20, ["a", "", "b"]),
    ],
)
def test_where_lines_break(text: str, width: int, lines: list[str]) -> None:
    assert lines == wrap(text, width)


def test_ink() -> None:
    assert Style(True).paint("x", "", RED, BOLD) == "\x1b[31;1mx\x1b[0m"
    assert [Style(True).paint("x", ""), Style(True).paint("", RED), Style(False).paint("x", RED)] == ["x", "", "x"]


def test_widths_are_those_of_wcwidth() -> None:
    text = "".join(chr(code) for code in range(0x20, 0x3000)) + "漢字かな한글🚀"
    assert all(cells(char) == max(0, wcwidth(char)) for char in safe(text))
