"""Feedback as Markdown: what stands in it, and that nothing a student prints becomes markup."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.graded import HIDDEN, SECRET, SHOWN, grade_of, grade_with, hostile, plain_grade
from wirelab.base.texts import LANGUAGES, Language
from wirelab.present.feedback_md import feedback_md
from wirelab.present.markdown import code, fenced, lines, plain

OURS = re.compile(r"<details>|</details>|<summary>[^<>]*</summary>|---|\|[-:|]+\|")


def prose(document: str) -> list[str]:
    """The lines of a document without what is code; every block of code is closed."""
    kept, closing = [], ""
    for line in document.split("\n"):
        fence = re.fullmatch(r" *(`{3,})text", line)
        if closing:
            closing = "" if line.strip(" ") == closing else closing
        elif fence:
            closing = fence[1]
        else:
            kept.append(line)
    assert closing == ""
    return kept


def live(line: str) -> str:
    """What of a line can be markup: ``x`` for each code span and each character that a backslash makes plain
    (CommonMark 2.4, 6.1)."""
    left, place = [], 0
    while place < len(line):
        ticks = re.compile("`+").match(line, place)
        if line[place] == "\\" and line[place + 1 : place + 2] in tuple(string.punctuation):
            left.append("x")
            place += 2
        elif ticks:
            end = re.compile(f"(?<!`){ticks[0]}(?!`)").search(line, ticks.end())
            assert end, f"a code span that nothing ends: {line}"
            left.append("x")
            place = end.end()
        else:
            left.append(line[place])
            place += 1
    return "".join(left)


def assert_inert(document: str) -> None:
    document.encode("utf-8")
    assert not {unicodedata.category(char) for char in document} & {"Cf", "Cs", "Zl", "Zp"}
    assert not {char for char in document if unicodedata.category(char) == "Cc"} - {"\n"}
    for line in prose(document):
        if OURS.fullmatch(line):
            continue
        shown = live(line).replace("<br>", "")
        text = re.sub(r"^ *(#{1,3} |> |- |\d\. )?", "", shown)
        assert not set(text) & set("<[]@$~&{}#_"), line
        assert "://" not in shown
        assert not re.search(r"www\.", shown, re.IGNORECASE)
        assert not re.match(r"#|>|[-+*] |\d+[.)] |=+$|\t| {4}", text), line
        assert shown.count("|") in ((5,) if line.startswith("|") else (0,)), line
        assert set(re.findall(r"\*+", text)) <= {"**"}, line


def test_a_document_tells_what_the_page_tells() -> None:
    ladders, casts = {SHOWN: ["├─ SYN ─▶│"]}, {SHOWN: {"alice": ["```", "Enter"]}}
    document = feedback_md(plain_grade(), ladders, casts, "en", {"client": "python3 client.py"})
    for part in (
        "# Answering heartbeats · Student s-1\n",
        "**0 of 50 points**",
        "1. **WL351** answers only after Enter",
        "| ░░░░░░░░░░ | Heartbeats are answered<br>not all right: heartbeat/answers-while-idle (heartbeat) | 0 | 20 |",
        "### ✗ Idle\n",
        "- ✗ `heartbeat` alice fail",
        "  - **WL303** expected alice to answer HEARTBEAT 1",
        "    - frames 4, 6",
        "      ```text\n      Enter message\n      ```",
        "    - likely cause WL351",
        "<summary>WL303 explained: a heartbeat was answered late</summary>",
        "`wirelab explain WL303` prints this page.",
        "├─ SYN ─▶│",
        "````text\n```\nEnter\n````",
        f"wirelab run {SHOWN} --client 'python3 client.py'",
    ):
        assert part in document
    assert_inert(document)


def test_hidden_checks_and_what_is_undecided() -> None:
    document = feedback_md(grade_of(lambda: "x"), {}, {}, "zh")
    assert "| ✗ | 隐藏检查 1 | 未通过 | 5 分中得到 3.33 分 |" in document
    assert "> 有 20 分未能判定" in document
    assert SECRET not in document


def test_what_passed_is_told_too() -> None:
    assert "- ✓ `heartbeat` alice pass · answered: 4, 12.5, 100" in feedback_md(grade_with(SHOWN), {}, {}, "en")


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("plain, text (1)", "plain, text (1)"),
        ("<b>*x* _y_ [z](w)", r"\<b\>\*x\* \_y\_ \[z\](w)"),
        ("  # no heading", r"\# no heading"),
        ("1. one", r"1\. one"),
        ("- one", r"\- one"),
        ("a@b", "a`@`b"),
        ("http://x www.x WWW.x", r"http:\//x www\.x WWW\.x"),
        ("a\tb\x1b\u202e", "a b⟨ESC⟩⟨U+202E⟩"),
        ("a|b", r"a\|b"),
        ("a\\", "a\\\\"),
    ],
)
def test_text_is_text(foreign: str, shown: str) -> None:
    assert shown == plain(foreign)


def test_code_is_code() -> None:
    assert ["`x`", "``a`b``", "`` `a` ``", "` `", "`  x `"] == [code(text) for text in ("x", "a`b", "`a`", " ", " x")]
    assert ["  ````text", "  a ```", "  b", "  ````"] == list(fenced(["a ```\nb"], "  "))
    assert "a<br>b" == lines("a\nb")


@given(hostile(), st.sampled_from(LANGUAGES), st.booleans())
@settings(deadline=None)
def test_nothing_foreign_becomes_markup(word: Callable[[], str], language: Language, problem: bool) -> None:
    grade = grade_of(word, problem=problem)
    ladders = {SHOWN: [word(), word()], HIDDEN[0]: [SECRET]}
    casts = {SHOWN: {word(): [word(), word()]}, HIDDEN[1]: {SECRET: [SECRET]}}
    document = feedback_md(grade, ladders, casts, language, {"client": word()})
    assert SECRET not in document
    assert_inert(document)
