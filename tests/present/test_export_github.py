"""Step summaries and Classroom's files."""

from __future__ import annotations

import json
import re

import pytest

from tests.present.grades import ALL_WELL, CLASS, LAB, failed, grade
from wirelab.present.exports.github import SUMMARY_LIMIT, class_summary, classroom, step_summary

CELL = re.compile(r"(?<!\\)\|")
FREE = re.compile(r"\\[!-/:-@\[-`{-~]|<!-- -->")


def rows(text: str) -> list[list[str]]:
    """The rows of its table, cells as written."""
    return [[cell.strip() for cell in CELL.split(line)[1:-1]] for line in text.splitlines() if line.startswith("|")]


def test_a_summary_has_the_mark_the_points_and_why():
    text = step_summary(CLASS[1])
    assert "- 100 分中得 37\\.5 分" in text
    assert ["输入一行，送达一行", "0/50"] in rows(text)
    assert ["心跳", "未判定/20"] in rows(text)
    assert "### 输入一行，送达一行" in text
    assert "### 正常退出" not in text
    assert "  - WL201 应看到 alice 发送 half a line" in text


@pytest.mark.parametrize("one", CLASS, ids=lambda one: one.student.key)
def test_a_summary_holds_no_markup_of_anybody_else(one):
    for line in step_summary(one).splitlines():
        body = re.sub(r"^(## |### |\*\*|- |  - |\|---\|---:\||\| )|\*\*$", "", line)
        left = FREE.sub("", body).replace(" |", "").replace("| ", "")
        assert not set("`*_[]()<>#!~&@:$|") & set(left), line


def test_a_class_summary_has_a_row_for_each_student():
    head, rule, *body = rows(class_summary(LAB, CLASS, language="en"))
    assert ["Student", "Mark (100)", "A typed line arrives (50)", "Many lines \\| in order (20)"] == head[:4]
    assert {len(head)} == {len(rule), *(len(row) for row in body)}
    assert ["李雷", "37.5", "0", "20", "undecided", "10", ""] == body[1]
    assert "no client was found; looked for client\\.py" == body[3][-1]
    assert len(CLASS) == len(body)


def test_a_summary_is_never_more_than_github_takes():
    flood = "你" * 900
    lines = tuple(failed("messages", flood, flood) for _ in range(1)) * 100
    text = step_summary(grade("ada", {name: lines for name in ALL_WELL}))
    assert len(text.encode()) <= SUMMARY_LIMIT
    assert text.endswith("Shortened here: GitHub takes no more.\n")


def test_classroom_gets_status_message_and_score():
    document = json.loads(classroom(CLASS[1]))
    assert {"max_score", "tests"} == set(document)
    assert 80 == document["max_score"], "what could not be decided is not in it"
    assert all({"name", "status", "message", "score"} == set(test) for test in document["tests"])
    assert ["fail", "pass", "error", "pass"] == [test["status"] for test in document["tests"]]
