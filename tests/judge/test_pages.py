"""Every code has an explanation page, whole and in both languages; and the docs are what the pages say now."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from wirelab.base.texts import LANGUAGES, Language, Text
from wirelab.judge.findings import REGISTRY
from wirelab.judge.kinds import Page
from wirelab.judge.page_text import PROGRAM
from wirelab.judge.pages import PAGES
from wirelab.present.explain import GROUPS, markdown

ROOT = Path(__file__).resolve().parents[2]
DOCS: dict[Language, Path] = {"en": ROOT / "docs" / "findings.md", "zh": ROOT / "docs" / "findings.zh.md"}
PARTS = ("seen", "why", "where")

NO_PYTHON = frozenset("WL603 WL701 WL702 WL901 WL902 WL903 WL904 WL905 WL907 WL911 WL913".split())
"""Pages whose program is C, a trace, YAML or a command."""

CHINESE = re.compile("[\u4e00-\u9fff]")
SPAN = re.compile(r"`[^`]*`|\*[^*]*\*")
SOURCES = (
    re.compile(r"RFC \d{3,4}(, sections? \d|,? \(|$)"),  # a section, or the whole of a short one with its name
    re.compile(r"[a-z_]+\(\d\)"),  # a manual page
    re.compile(r"Python (library reference|tutorial|HOWTO|FAQ), \w+"),
    re.compile(r"(Wireshark User's Guide|Linux kernel documentation), \w+"),
    re.compile(r"Handout, \w+"),
    re.compile(r"(docs|scenarios)/[\w./-]+"),
)


def split(text: str) -> tuple[str, str]:
    """A text's prose, and its program."""
    lines = text.split("\n")
    program = [line.removeprefix(PROGRAM) for line in lines if line.startswith(PROGRAM) or not line]
    prose = [line for line in lines if not line.startswith(PROGRAM)]
    return "\n".join(prose).strip(), "\n".join(program).strip("\n")


def texts(page: Page) -> dict[str, Text]:
    return {part: getattr(page, part) for part in PARTS}


def test_every_registered_code_has_a_page_and_nothing_else_has():
    assert sorted(REGISTRY) == sorted(PAGES)
    assert list(PAGES) == sorted(PAGES)
    assert set(GROUPS) == {code[:3] for code in REGISTRY}


@pytest.mark.parametrize("code", PAGES)
def test_no_part_is_empty_in_any_language(code):
    for part, text in texts(PAGES[code]).items():
        for language in LANGUAGES:
            prose, _ = split(getattr(text, language))
            assert len(prose) >= 15, f"{code}: {part} says nothing in {language}"
    assert PAGES[code].source
    assert PAGES[code].picture


@pytest.mark.parametrize("code", PAGES)
def test_each_language_is_really_that_language(code):
    kind = REGISTRY.get(code)
    named = texts(PAGES[code]) | ({"summary": kind.summary, "hint": kind.hint} if kind else {})
    for part, text in named.items():
        assert len(re.findall("[^ -~\n…]", text.en)) <= 3, f"{code}: {part} is not plain English"  # a character quoted
        chinese, program = split(text.zh)
        words = SPAN.sub("", chinese)
        assert len(CHINESE.findall(words)) >= len(re.findall("[A-Za-z]+", words)), f"{code}: {part} is not Chinese"
        assert not re.search("[\u4e00-\u9fff] ?[,;:?!.](?![0-9.])", words), f"{code}: half-width punctuation in {part}"
        assert split(text.en)[1] == re.sub("错误", "wrong", re.sub("正确", "right", program)), f"{code}: {part}"


@pytest.mark.parametrize("code", PAGES)
def test_prose_is_markdown_that_a_terminal_can_show_as_well(code):
    for part, text in texts(PAGES[code]).items():
        for language in LANGUAGES:
            prose, _ = split(getattr(text, language))
            assert not re.search(r"[`*<|\\]", SPAN.sub("", prose)), f"{code}: {part} has a stray mark in {language}"


@pytest.mark.parametrize("code", PAGES)
def test_the_picture_is_small_and_speaks_no_language(code):
    lines = PAGES[code].picture.split("\n")
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert max(map(len, lines)) <= 76
    assert 3 <= len(lines) <= 12
    assert all(line == line.rstrip() for line in lines)
    lanes = [{at for at, char in enumerate(line) if char in "|:"} for line in lines[1:]]
    assert len(set.intersection(*lanes)) >= 2, f"{code}: the picture has no two lanes"


@pytest.mark.parametrize("code", PAGES)
def test_programs_fit_on_a_terminal_and_are_python(code):
    for part, text in texts(PAGES[code]).items():
        _, program = split(text.en)
        assert part == "where" or not program, f"{code}: a program in {part}"
        assert all(len(line) <= 72 for line in program.split("\n")), f"{code}: the program is too wide"
        comments = set(re.findall(r"#.*$|/\*.*?\*/", program, re.MULTILINE)) - {"# wrong", "# right", "/* right */"}
        assert not comments, f"{code}: comments have a language"
        if program and code not in NO_PYTHON:
            loop = f"def fragment():\n    while True:\n{textwrap.indent(program, 8 * ' ')}\n"
            compile(loop, code, "exec")


@pytest.mark.parametrize("code", PAGES)
def test_sources_are_named(code):
    for source in PAGES[code].source.split("; "):
        assert any(known.match(source) for known in SOURCES), source
        if source.startswith(("docs/", "scenarios/")):
            assert (ROOT / source).exists(), f"{code}: there is no {source}"


def test_codes_that_pages_speak_of_exist():
    for code, page in PAGES.items():
        for text in texts(page).values():
            assert set(re.findall(r"WL\d{3}", text.en)) == set(re.findall(r"WL\d{3}", text.zh)), code
            assert set(re.findall(r"WL\d{3}", text.en)) <= set(PAGES) - {code}, code


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_docs_are_up_to_date(language):
    expected = markdown([(REGISTRY[code], PAGES[code]) for code in sorted(REGISTRY)], language)
    name = f"docs/{DOCS[language].name}"
    renewed = f"renew it: wirelab explain --markdown --lang {language} > {name}"
    assert DOCS[language].read_text(encoding="utf-8") == expected, renewed


def test_a_run_does_not_read_the_pages():
    code = "import sys, wirelab.edge.running, wirelab.judge.judge; print('wirelab.judge.pages' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)
