"""Gradescope, PrairieLearn and Autolab: nothing but documented fields, and each of them with its type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.grades import (
    ALL_WELL,
    BURST,
    CLASS,
    HALF,
    LAB,
    LATE,
    LI,
    ONE_LINE,
    check,
    failed,
    grade,
    said,
    unclear,
)
from wirelab.declare.lab import Counted, RubricItem
from wirelab.judge.grades import Grade
from wirelab.judge.points import Score, Share
from wirelab.judge.verdict import Verdict
from wirelab.present.exports.graders import PRAIRIELEARN_LIMIT, autolab, gradescope, prairielearn
from wirelab.present.exports.telling import parts

VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
GRADESCOPE: dict[str, Any] = {
    "score": (int, float),
    "execution_time": (int, float),
    "output": str,
    "output_format": str,
    "test_output_format": str,
    "test_name_format": str,
    "visibility": str,
    "stdout_visibility": str,
    "extra_data": dict,
    "tests": list,
    "leaderboard": list,
}
GRADESCOPE_TEST: dict[str, Any] = {
    "score": (int, float),
    "max_score": (int, float),
    "status": str,
    "name": str,
    "name_format": str,
    "number": str,
    "output": str,
    "output_format": str,
    "tags": list,
    "visibility": str,
    "extra_data": dict,
}
PRAIRIELEARN_TEST: dict[str, Any] = {
    "name": str,
    "description": str,
    "points": (int, float),
    "max_points": (int, float),
    "message": str,
    "output": str,
    "images": list,
}


def typed(value: dict[str, Any], fields: dict[str, Any]) -> None:
    for key, one in value.items():
        assert isinstance(one, fields[key]), key


def on_gradescope(one: Grade) -> dict[str, Any]:
    """What would be in results.json, after a check against the specification."""
    text = gradescope(one)
    assert text is not None
    document: dict[str, Any] = json.loads(text)
    typed(document, GRADESCOPE)
    assert "score" in document
    assert document.get("stdout_visibility") in VISIBILITIES
    for test in document["tests"]:
        typed(test, GRADESCOPE_TEST)
        assert test["visibility"] in VISIBILITIES
        assert test.get("status", "passed") in ("passed", "failed")
        assert ("score" in test) is ("max_score" in test)
        assert 0 <= test.get("score", 0) <= test.get("max_score", 0)
    return document


def on_prairielearn(one: Grade) -> dict[str, Any]:
    text = prairielearn(one)
    assert len(text.encode()) <= 1_000_000
    document: dict[str, Any] = json.loads(text)
    assert set(document) <= {"gradable", "format_errors", "score", "message", "output", "images", "tests"}
    if document["gradable"]:
        assert 0.0 <= document["score"] <= 1.0
        for test in document["tests"]:
            typed(test, PRAIRIELEARN_TEST)
    else:
        assert document["format_errors"]
        assert all(isinstance(line, str) for line in document["format_errors"])
    return document


@pytest.mark.parametrize("one", CLASS[:4], ids=lambda one: one.student.key)
def test_gradescope_gets_documented_fields_and_the_mark(one):
    document = on_gradescope(one)
    assert one.mark == document["score"]
    assert "hidden" == document["stdout_visibility"]


def test_on_gradescope_hidden_shares_are_tests_of_their_own_shown_with_the_grades():
    tests = on_gradescope(grade(LI, {HALF: (failed("messages"),)}))["tests"]
    assert [
        ("1", "输入一行，送达一行", 25, 25, "visible", "passed"),
        ("1", "输入一行，送达一行（隐藏检查）", 0, 25, "after_published", "failed"),
        ("2", "多行按序送达", 20, 20, "visible", "passed"),
        ("3", "心跳", 20, 20, "after_published", "passed"),
        ("4", "正常退出", 10, 10, "visible", "passed"),
    ] == [
        (test["number"], test["name"], test["score"], test["max_score"], test["visibility"], test["status"])
        for test in tests
    ]
    assert "✗ 隐藏检查 1" == tests[1]["output"]


def test_nothing_visible_on_gradescope_depends_on_how_hidden_scenarios_went():
    def visible(one: Grade) -> list[object]:
        document = on_gradescope(one)
        return [document["output"], [test for test in document["tests"] if test["visibility"] == "visible"]]

    assert visible(grade(LI)) == visible(grade(LI, {HALF: (failed("messages"),), LATE: (failed("heartbeat"),)}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({ONE_LINE: (unclear("messages"),)}, [(None, None), (50, 50)]),
        ({HALF: (unclear("messages"),)}, [(50, 50), (None, None)]),
        ({ONE_LINE: (unclear("messages"),), HALF: (unclear("messages"),)}, [(None, None), (None, None)]),
        ({ONE_LINE: (failed("messages"),)}, [(0, 25), (25, 25)]),
    ],
)
def test_what_is_undecided_has_no_score_and_its_points_go_to_the_rest(changes, expected):
    tests = on_gradescope(grade(changes=changes))["tests"]
    assert expected == [(test.get("score"), test.get("max_score")) for test in tests[:2]]
    assert [value[0] is None for value in expected] == ["status" not in test for test in tests[:2]]


def test_the_tests_add_up_to_the_mark():
    for one in CLASS[:1] + CLASS[2:4]:
        assert one.mark == pytest.approx(sum(test["score"] for test in on_gradescope(one)["tests"]))


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, 0.0, 1 / 3, 0.5, 0.999, 1.0])), min_size=1, max_size=9),
    st.sampled_from([1, 10, 12.5, 33.33, 100]),
)
@settings(deadline=None)
def test_parts_of_an_item_are_worth_it_together(shares, worth):
    of = tuple(Share(Counted(HALF if hidden else ONE_LINE), fraction) for hidden, fraction in shares)
    known = [fraction for _, fraction in shares if fraction is not None]
    points = round(worth * sum(known) / len(known), 2) if known else None
    item = RubricItem(worth, LAB.rubric[0].title, tuple(share.counted for share in of))
    told = parts(Grade(LI, LAB, (Score(item, points, of),)), split=True)
    assert worth == pytest.approx(sum(part.of for part in told))
    assert (points or 0) == pytest.approx(sum(part.points or 0 for part in told), abs=0.0101)
    for part in told:
        mine = [fraction for hidden, fraction in shares if hidden is part.hidden and fraction is not None]
        assert (part.points is None) is (not mine)
        assert 0 <= (part.points or 0) <= part.of
        assert part.points == part.of or set(mine) != {1.0}


def test_what_the_machine_could_not_decide_at_all_is_no_gradescope_result():
    assert gradescope(CLASS[4]) is None


def test_gradescope_says_why_nothing_was_played_in_the_students_language():
    one = grade(LI, problem=said("no client"), built="client.c:3: error\x1b[31m")
    document = on_gradescope(one)
    assert "什么都没能运行：中文：no client\n构建输出：\nclient.c:3: error⟨ESC⟩[31m" in document["output"]
    assert [0, 0, 0, 0] == [test["score"] for test in document["tests"]]
    assert ["failed"] * 4 == [test["status"] for test in document["tests"]]


def test_prairielearn_gets_a_fraction_and_points():
    document = on_prairielearn(CLASS[1])
    assert (True, 0.375) == (document["gradable"], document["score"])
    tests = document["tests"]
    assert [(0, 50), (20, 20), (None, None), (10, 10)] == [
        (test.get("points"), test.get("max_points")) for test in tests
    ]
    assert "未判定：不得分也不扣分" == tests[2]["message"]


@pytest.mark.parametrize("one", CLASS[3:], ids=lambda one: one.student.key)
def test_what_could_not_be_played_costs_no_attempt_on_prairielearn(one):
    document = on_prairielearn(one)
    assert {"gradable", "format_errors"} == set(document)
    assert document["gradable"] is False


@pytest.mark.parametrize("char", ["你", '"', "\x1b"])
def test_prairielearn_never_gets_more_than_it_takes(char):
    flood = char * 12_000
    lines = (failed("messages", flood, flood),) * 12
    document = on_prairielearn(grade(LI, dict.fromkeys(ALL_WELL, lines), built="\n".join([flood] * 20)))
    assert document["gradable"] is True
    assert "截短" in document["tests"][0]["output"]
    assert document["tests"][0]["output"].startswith("✗ 标题 Title of messaging/one-line")
    assert len(document["tests"][3]["output"]) > 10_000, "no more is cut than must be"
    refused = on_prairielearn(grade(LI, problem=said(flood * 100), built=flood * 100))
    assert refused["format_errors"][-1].endswith("个字符")
    assert 1_000_000 == PRAIRIELEARN_LIMIT


@pytest.mark.parametrize("one", CLASS, ids=lambda one: one.student.key)
def test_autolab_gets_two_lines_of_ascii(one):
    presented, scores = autolab(one)
    for line in (presented, scores):
        assert line.isascii()
        assert line.isprintable()
    stages = json.loads(presented)
    assert "semantic" == stages.pop("_presentation")
    names = stages.pop("stages")
    assert names == list(stages)
    for tests in stages.values():
        for test in tests.values():
            assert isinstance(test, str) or set(test) <= {"passed", "hint"}
    assert {"scores"} == set(json.loads(scores))


def test_autolab_scores_are_by_item_and_what_is_undecided_has_none():
    scores = json.loads(autolab(CLASS[1])[1])["scores"]
    assert {"1. A typed line arrives": 0, "2. Many lines | in order": 20, "4. It ends": 10} == scores
    assert {} == json.loads(autolab(CLASS[4])[1])["scores"]
    chinese = json.loads(autolab(CLASS[1], problems="zh")[1])["scores"]
    assert {"1. 输入一行，送达一行": 0, "2. 多行按序送达": 20, "4. 正常退出": 10} == chinese


def test_autolab_stages_say_what_passed_and_why_not():
    stages = json.loads(autolab(CLASS[1])[0])
    first = stages["1. 输入一行，送达一行"]
    assert {"passed": False} == first["✗ 隐藏检查 1"]
    assert "WL201" in first["✗ 标题 Title of messaging/one-line：messages"]["hint"]
    assert {"? 隐藏检查 2，未判定": "? 隐藏检查 2，未判定"} == stages["3. 心跳"]


def test_tests_of_the_same_name_are_all_there():
    item = LAB.rubric[1].__class__(10, LAB.rubric[1].title, LAB.rubric[1].of * 3)
    lab = LAB.__class__(**{name: getattr(LAB, name) for name in LAB.__struct_fields__} | {"rubric": (item,)})
    stages = json.loads(autolab(grade(lab=lab))[0])
    title = "✓ Title of messaging/burst"
    assert [title, f"{title} (2)", f"{title} (3)"] == list(stages["1. Many lines | in order"])


def test_part_of_a_check_that_is_right_is_told_as_such():
    half = (check("messages"), failed("exits"))
    output = on_gradescope(grade(changes={BURST: half}))["tests"][2]["output"]
    assert output.startswith("✗ Title of messaging/burst, 50 % right\n    WL201 ")
    assert (
        "heartbeat"
        not in on_gradescope(grade(changes={LATE: (check("heartbeat", Verdict.FAIL),)}))["tests"][3]["output"]
    )
