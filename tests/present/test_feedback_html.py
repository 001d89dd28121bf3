"""A student's page: what stands on it, that it is sound, and that nothing a student prints can change what it is."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.graded import HIDDEN, LAB, SECRET, SHOWN, Page, grade_of, grade_with, hostile, plain_grade
from wirelab.base.texts import LANGUAGES, Language, Text
from wirelab.judge.findings import REGISTRY, finding
from wirelab.judge.grades import Grade, Student
from wirelab.judge.page_text import PROGRAM
from wirelab.judge.pages import PAGES
from wirelab.judge.verdict import Said
from wirelab.present.feedback_html import feedback_html
from wirelab.present.html import el, inert
from wirelab.present.stylesheet import STYLE

LADDERS = {SHOWN: ["0.1 1 alice ├─ SYN ─▶│"], HIDDEN[0]: [SECRET]}
CASTS = {SHOWN: {"alice": ["Enter message to send: \x1b[2J<b>"]}, HIDDEN[0]: {SECRET: [SECRET]}}


def told_by(grade: Grade, language: Language = "en") -> str:
    return Page(feedback_html(grade, LADDERS, CASTS, language)).said


def test_a_page_tells_what_was_seen_why_and_what_to_look_at() -> None:
    source = feedback_html(plain_grade(), LADDERS, CASTS, "en")
    page = Page(source)
    for part in (
        "Answering heartbeats",
        "Student s-1",
        "0 of 50 points",
        "Begin here",
        "0 / 20",
        "undecided / 10",
        "WL303 expected alice to answer HEARTBEAT 1 (frame 4, at 0.5 s) within 0.1 s",
        "frames 4, 6",
        "Enter message",
        "likely cause WL351",
        "hint: Something else keeps the receiving thread busy",
        "and 2 more like this",
        "WL303 explained: a heartbeat was answered late",
        PAGES["WL303"].picture,
        "wirelab explain WL351",
        "0.1 1 alice ├─ SYN ─▶│",
        "Enter message to send: ⟨ESC⟩[2J<b>",
        f"wirelab run 2-heartbeat . --only {SHOWN}",
    ):
        assert part in page.said
    assert "#run-1" in page.links
    assert SECRET not in source


def test_a_page_speaks_one_language() -> None:
    page = told_by(plain_grade(), "zh")
    for part in (
        "应答心跳",
        "50 分中得到 0 分",
        "从这里开始",
        "帧 4、6",
        "可能的原因 WL351：",
        "提示：",
        "未判定 / 10",
    ):
        assert part in page
    assert not {"Begin", "hint", "undecided", "explained"} & set(re.findall("[A-Za-z]+", page))


def test_what_passed_is_told_too() -> None:
    page = told_by(grade_with(SHOWN))
    for part in ("✓ heartbeat alice pass answered: 4, 12.5, 100", "1 of 1 checks passed", "Everything that was played"):
        assert part in page


def test_what_is_undecided_says_that_it_costs_nothing() -> None:
    page = told_by(grade_of(lambda: "x"))
    assert "20 points could not be decided, because the machine" in page
    assert "What is marked ? could not be decided. It costs you nothing." in page
    assert "undecided, costs nothing: teardown/quit, hidden check 2" in page


def test_hidden_checks_have_a_number_a_verdict_and_points() -> None:
    page = told_by(grade_of(lambda: "x"))
    assert "✗ hidden check 1fail3.33 of 5 points" in page
    assert "? hidden check 2inconclusive5 points undecided" in page


def test_what_could_not_be_started_says_why_and_what_the_compiler_said() -> None:
    grade = Grade(
        Student("s"), LAB, (), (), Said(Text("no {x}", "没有 {x}"), {"x": "client.py\nat all"}), "error: <x>\n"
    )
    page = told_by(grade)
    for part in (
        "could not be started",
        "no client.py\nat all",
        "What building printed",
        "error: <x>",
        "0 of 50 points",
    ):
        assert part in page
    assert "Everything that was played" not in page


def test_pages_of_codes_stand_once() -> None:
    late = plain_grade().runs[0].judgement.findings[0]
    again = replace(late, rationale=Said(Text("again", "又一次")))
    page = told_by(grade_with(SHOWN, late, again))
    assert (1, 1) == (page.count("WL303 explained:"), page.count("WL303 is explained above"))


@pytest.mark.parametrize("code", sorted(REGISTRY))
def test_every_code_has_a_page_in_both_languages(code: str) -> None:
    page = PAGES[code]
    for text in (page.seen, page.why, page.where):
        for said in (text.en, text.zh):
            prose, _, program = said.partition("\n\n")
            assert "\n" not in prose.strip("\n")
            assert all(line.startswith(PROGRAM) or not line for line in program.split("\n"))
    found = replace(finding("WL901", None, lost=1), code=code)
    for language in LANGUAGES:
        assert inert(REGISTRY[code].summary.zh if language == "zh" else REGISTRY[code].summary.en) in told_by(
            grade_with(SHOWN, found), language
        )


def test_a_code_that_the_registry_does_not_have_is_shown_without_a_page() -> None:
    found = replace(finding("WL901", None, lost=1), code='WL"><script>')
    assert 'WL"><script>' in told_by(grade_with(SHOWN, found))


def test_a_page_asks_for_nothing_and_runs_nothing() -> None:
    source = feedback_html(plain_grade(), LADDERS, CASTS, "en")
    page = Page(source)
    policy = page.metas["Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" == policy
    assert [STYLE] == [data for tag, data in page.texts if tag == "style"]
    assert not re.search(r"https?:|url\(|@import|<script|\bon[a-z]+=", source)
    assert "width=device-width" in page.metas["viewport"]


def test_the_style_is_for_light_and_dark_for_phones_and_for_paper() -> None:
    for query in ("(prefers-color-scheme: dark)", "(max-width: 34rem)", "@media print"):
        assert query in STYLE
    assert STYLE.count("{") == STYLE.count("}")
    assert "<" not in STYLE
    used = set(re.findall(r"var\((--[a-z-]+)\)", STYLE))
    assert used <= set(re.findall(r"(--[a-z-]+):", STYLE))


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ("script", {}),
        ("img", {}),
        ("p", {"onclick": "x"}),
        ("p", {"style": "x"}),
        ("a", {"href": "javascript:x"}),
        ("a", {"href": "//example.org"}),
        ("a", {"href": "/etc"}),
        ("a", {"href": "https://example.org"}),
        ("a", {"href": "../up"}),
    ],
)
def test_what_no_page_may_have_is_a_bug(tag: str, attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="page may"):
        el(tag, **attributes)


def test_html_in_other_text_is_text_again() -> None:
    stressed = el("em", "x")
    assert "<p><em>x</em></p>" == el("p", stressed)
    assert "<p>&lt;em&gt;x&lt;/em&gt; </p>" == el("p", f"{stressed} ")


@given(hostile(), st.sampled_from(LANGUAGES), st.booleans())
@settings(deadline=None)
def test_nothing_foreign_changes_what_a_page_is(word: Callable[[], str], language: Language, problem: bool) -> None:
    """Whatever stands in a submission, in a name or in a roster."""
    grade = grade_of(word, problem=problem)
    ladders = {SHOWN: [word(), word()], HIDDEN[0]: [SECRET]}
    casts = {SHOWN: {word(): [word(), word()]}, HIDDEN[1]: {SECRET: [SECRET]}}
    source = feedback_html(grade, ladders, casts, language, {"client": word()})
    page = Page(source)
    source.encode("utf-8")
    assert SECRET not in source
    assert not {unicodedata.category(char) for char in source} & {"Cf", "Cs", "Zl", "Zp"}
    assert not {char for char in source if unicodedata.category(char) == "Cc"} - {"\n"}
    assert inert(grade.student.called) in page.said
