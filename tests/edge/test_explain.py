"""The command ``explain``: codes and groups in any spelling, JSON, Markdown, both languages, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.edge.command import Command, inside
from wirelab.judge.findings import REGISTRY
from wirelab.judge.pages import PAGES

DOCS = Path(__file__).resolve().parents[2] / "docs"

pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.parametrize("word", ["WL502", "wl502", "Wl502", "502", " WL502 "])
def test_a_code_in_any_spelling(capsys, word):
    done = inside(capsys, "explain", word)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("WL502  reset instead of an orderly close\n")
    assert PAGES["WL502"].source.split(";")[0] in done.out


def test_several_codes_in_the_order_they_were_asked_for(capsys):
    done = inside(capsys, "explain", "WL601", "WL101")
    assert done.status == 0
    assert 0 == done.out.index("WL601  the program does not exit\n") < done.out.index("\n\nWL101  no connection")


@pytest.mark.parametrize("word", ["WL5", "wl5", "5", "WL5xx", "teardown", "TEARDOWN", "关闭连接"])
def test_a_group_is_listed(capsys, word):
    done = inside(capsys, "explain", word)
    assert (done.status, done.err) == (0, "")
    shown = {line.split()[0] for line in done.out.splitlines() if line.startswith("  ") and "WL" in line}
    assert {code for code in REGISTRY if code.startswith("WL5")} == shown


@pytest.mark.parametrize("word", ["framing", "locking", "terminal", "machine", "traces", "WL50", "WL90x"])
def test_other_names_of_groups(capsys, word):
    assert inside(capsys, "explain", word).status == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_a_code_all_are_listed_with_a_line_each(capsys, language):
    done = inside(capsys, "--lang", language, "explain")
    assert (done.status, done.err) == (0, "")
    for code, kind in REGISTRY.items():
        summary = kind.summary.zh if language == "zh" else kind.summary.en
        assert f" {code}  {summary}"[:40] in done.out


def test_the_page_is_there_in_chinese(capsys):
    done = inside(capsys, "explain", "wl502", "--lang", "zh")
    assert done.out.startswith("WL502  用 RST 代替了正常关闭\n")
    assert "为什么会这样" in done.out


@pytest.mark.parametrize(
    ("word", "meant"),
    [("WL520", "did you mean 'WL5"), ("teardwon", "did you mean 'teardown'?"), ("xyzzy", "'xyzzy'; `wirelab")],
)
def test_an_unknown_code_is_a_usage_error_that_says_what_was_meant(capsys, word, meant):
    done = inside(capsys, "explain", "WL101", word)
    assert (done.status, done.out) == (64, "")
    assert f"wirelab: there is no finding with the code '{word}'" in done.err
    assert meant in done.err


@pytest.mark.parametrize("word", ["", "WL", "WL8", "WL599", "WL5022", "\x1b[31m", "*", "WL5.2"])
def test_nonsense_is_a_usage_error_too(capsys, word):
    done = inside(capsys, "explain", word)
    assert (done.status, done.out) == (64, "")
    assert "Traceback" not in done.err
    assert "\x1b" not in done.err


def test_json_has_everything_in_both_languages(capsys):
    done = inside(capsys, "explain", "--json", "WL502", "WL551")
    symptom, cause = json.loads(done.out)
    assert ("WL502", "teardown", False) == (symptom["code"], symptom["group"], symptom["cause"])
    assert ("WL551", True) == (cause["code"], cause["cause"])
    assert {"en", "zh"} == set(symptom["why"]) == set(symptom["summary"])
    assert PAGES["WL502"].picture == symptom["picture"]
    assert len(REGISTRY) == len(json.loads(inside(capsys, "explain", "--json").out))


@pytest.mark.parametrize(("language", "name"), [("en", "findings.md"), ("zh", "findings.zh.md")])
def test_markdown_is_what_the_docs_are(capsys, language, name):
    done = inside(capsys, "explain", "--markdown", "--lang", language)
    assert (DOCS / name).read_text(encoding="utf-8") == done.out


def test_markdown_of_a_few(capsys):
    done = inside(capsys, "explain", "--markdown", "WL503", "WL502", "502")
    assert ["WL502", "WL503"] == [line.split()[1] for line in done.out.splitlines() if line.startswith("### ")]


def test_two_forms_exclude_each_other(capsys):
    done = inside(capsys, "explain", "--markdown", "--json")
    assert (64, "wirelab: --json and --markdown exclude each other\n") == (done.status, done.err)


def test_as_a_person_runs_it(command: Command):
    done = command("explain", "WL601", env={"LC_ALL": "zh_CN.UTF-8"})
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("WL601  程序没有退出\n")
