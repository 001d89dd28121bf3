"""gradebook.csv and results.json."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.present.grades import ALL_WELL, CLASS, HALF, HOSTILE, LAB, LATE, grade, student
from wirelab.present.exports.gradebook import gradebook
from wirelab.present.exports.results import results_json


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_gradebook_has_a_row_for_each_student():
    text = gradebook(LAB, CLASS, language="en")
    assert text.startswith('\ufeff"key","name",')
    header, *rows = table(text)
    assert ["key", "name", "number", "login", "mark", "of", "undecided", "problem"] == header[:8]
    assert [
        "1. A typed line arrives (50)",
        "2. Many lines | in order (20)",
        "3. Heartbeats (20)",
        "4. It ends (10)",
    ] == header[8:]
    assert ["ada", "Lovelace, Ada", "1001", "ada@uni.example", "100", "100", "0", "", "50", "20", "20", "10"] == rows[0]
    assert ["37.5", "100", "20", "", "0", "20", "", "10"] == rows[1][4:], "what is undecided is empty, never zero"
    problem = "no client was found; looked for client.py"
    assert ["0", "100", "0", problem, "0", "0", "0", "0"] == rows[3][4:]
    assert ["", "100", "100", "", "", "", "", ""] == rows[4][4:]


def test_a_gradebook_in_chinese():
    header = table(gradebook(LAB, [], language="zh"))[0]
    assert [
        "标识",
        "姓名",
        "学号",
        "账号",
        "成绩",
        "满分",
        "未判定分值",
        "问题",
        "1. 输入一行，送达一行（50 分）",
    ] == header[:9]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "＝1", "a;=1", 'a;"=1'])
def test_no_cell_of_a_gradebook_is_a_formula(text):
    one = grade(student(text, text, text, text))
    for separator in ",;":
        for row in csv.reader(io.StringIO(gradebook(LAB, [one], language="en")[1:], newline=""), delimiter=separator):
            assert not [cell for cell in row if cell.lstrip(' "')[:1] in tuple("=+-@\t\r＝")]


def test_results_hold_everything_and_read_back():
    document = json.loads(results_json(LAB, CLASS))
    assert ["format", "version", "lab", "students"] == list(document)
    assert ("wirelab-results", 1) == (document["format"], document["version"])
    lab = {"name": "1-messaging", "title": {"en": "Messages in a stream", "zh": "字节流里的消息"}, "points": 100}
    assert lab == document["lab"]
    assert HOSTILE == document["students"][2]["name"], "texts are exact"
    keys = "key name number login language mark of undecided problem built seconds rubric runs".split()
    assert all(keys == list(one) for one in document["students"])
    assert [100, 37.5, 90, 0, None] == [one["mark"] for one in document["students"]]
    wrong = document["students"][1]
    assert [0, 20, None, 10] == [item["points"] for item in wrong["rubric"]]
    shares = [(share["scenario"], share["hidden"], share["fraction"]) for share in wrong["rubric"][0]["shares"]]
    assert [("messaging/one-line", False, 0), (HALF, True, 0)] == shares
    assert {name: name in LAB.hidden for name in ALL_WELL} == {one["scenario"]: one["hidden"] for one in wrong["runs"]}
    finding = wrong["runs"][0]["checks"][0]["findings"][0]
    keys = ["code", "actor", "rationale", "hint", "frames", "terminal", "more", "cause", "beside"]
    assert keys == list(finding)
    assert "half a line" in finding["rationale"]["zh"]
    assert "WL251" == finding["cause"]["code"]
    assert "inconclusive" == next(one["verdict"] for one in wrong["runs"] if one["scenario"] == LATE)
    assert {"en", "zh"} == set(document["students"][3]["problem"])


def test_the_keys_of_results_are_documented(request):
    documentation = (request.config.rootpath / "docs" / "exports.md").read_text("utf-8")

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value) | set().union(*(keys(one) for one in value.values()))
        return set().union(*(keys(one) for one in value)) if isinstance(value, list) else set()

    for key in sorted(keys(json.loads(results_json(LAB, CLASS)))):
        assert f"`{key}`" in documentation or f'"{key}": ' in documentation, key
