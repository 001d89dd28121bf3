"""The page of a class: what many have in common, who is where, and that it grows with the class and no faster."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.graded import HIDDEN, LAB, SECRET, SHOWN, Page, grade_of, grade_with, hostile, plain_grade
from wirelab.base.texts import LANGUAGES, Language, Text
from wirelab.judge.grades import Grade, Student
from wirelab.judge.verdict import Finding, Said
from wirelab.present.class_figures import clusters, delays, in_bounds, mark_bins, undecided
from wirelab.present.class_page import class_page
from wirelab.present.html import inert


def page_of(*about: Any) -> str:
    """The page whole."""
    return "".join(class_page(*about))


def late() -> Finding:
    return plain_grade().runs[0].judgement.findings[0]


def keyed(grade: Grade, key: str) -> Grade:
    return replace(grade, student=replace(grade.student, key=key, name=f"Student {key}"))


def test_findings_are_clustered_by_code_and_cause() -> None:
    bare = replace(late(), cause=None, more=0)
    grades = [keyed(grade_with(SHOWN, late()), "a"), keyed(grade_with(SHOWN, late(), bare), "b")]
    found = clusters([*grades, keyed(grade_with(HIDDEN[0], late()), "c")])
    assert [("WL303", "WL351", 9, ["a", "b", "c"]), ("WL303", "", 1, ["b"])] == [
        (one.code, one.cause, one.count, list(one.students)) for one in found
    ]
    assert ([SHOWN], {1}) == (list(found[0].shown), found[0].hidden)
    assert found[0].example is not None
    assert ("a", SHOWN) == (found[0].example.student.key, found[0].example.scenario)


def test_a_cluster_that_is_hidden_only_has_no_example() -> None:
    (found,) = clusters([grade_with(HIDDEN[1], late())])
    assert (None, {2}, []) == (found.example, found.hidden, list(found.shown))


def test_the_machines_faults_are_no_common_findings_but_reasons() -> None:
    grade = grade_of(lambda: "x")
    assert ["WL302"] == [one.code for one in clusters([grade])]
    assert {"WL903": ["teardown/quit", 2]} == undecided(grade)


def test_delays_are_those_of_checks_that_can_tell() -> None:
    assert [12.5] == delays([grade_with(SHOWN)])
    slow = grade_with(SHOWN, replace(late(), rationale=Said(Text("x", "x"), {"delay": "0.250"})))
    assert [250.0] == delays([slow])
    broken = grade_with(SHOWN)
    check = replace(broken.runs[0].judgement.checks[0], summary=Said(Text("", ""), {"count": 1, "worst": "nan\x1b"}))
    run = replace(broken.runs[0], judgement=replace(broken.runs[0].judgement, checks=(check,)))
    assert [] == delays([replace(broken, runs=(run,))])


def test_figures_are_counted_in_bins() -> None:
    assert [1, 2, 1] == in_bounds([0.5, 1, 1.5, 99], (1, 10))
    none, all_, zero = grade_with("teardown/unknown"), grade_with(SHOWN), grade_with(SHOWN, late())
    assert [None, 50.0, 0.0] == [none.mark, all_.mark, zero.mark]
    assert [1, 0, 0, 0, 0, 0, 0, 0, 0, 1] == mark_bins([none, all_, zero])


def class_of_four() -> list[Grade]:
    broken = Grade(Student("broken", "Bea"), LAB, (), (), Said(Text("does not build", "无法构建")), "", 0.5)
    return [
        keyed(grade_with(SHOWN), "good"),
        keyed(plain_grade(), "late"),
        keyed(grade_of(lambda: "x"), "open"),
        broken,
    ]


def test_a_class_page_has_it_all() -> None:
    source = page_of(class_of_four(), LAB, "en")
    page = Page(source)
    for part in (
        "4 submissions; 4 have a mark: median",
        "Student good",
        "✓ 50",
        "✗ 0",
        "◐ 6.67",
        "?",
        "Could not be started, or not all of it (",
        "does not build",
        "Undecided, by no fault of theirs",
        "WL903 the machine gave the program no time (teardown/quit, hidden check 2)",
        "WL303 a heartbeat was answered late · likely cause WL351",
        f"For example Student late, in {SHOWN}:",
        "How long the slowest answer to a heartbeat took, in milliseconds: 2 checks",
        "Grading one submission took",
    ):
        assert part in page.said
    assert {f"students/{key}/feedback.html" for key in ("good", "late", "open", "broken")} == set(page.links)
    assert 2 == source.count('<svg class="histogram"')
    assert SECRET not in source


def test_a_students_number_stands_on_one_line_unless_it_is_none() -> None:
    numbers = ("20230001", "x" * 16, "x" * 17)
    source = page_of([Grade(Student(one, one, one), LAB, (), (), None, "", 0.5) for one in numbers], LAB, "en")
    assert ["20230001", "x" * 16] == re.findall('<td class="whole"><bdi>([^<]*)</bdi>', source)
    assert f"<td><bdi>{numbers[2]}</bdi>" in source


def test_a_class_page_in_chinese() -> None:
    page = Page(page_of(class_of_four(), LAB, "zh"))
    for part in ("应答心跳：全班结果", "共 4 份提交", "常见问题", "无法启动", "无法构建", "隐藏检查 2", "时间分布"):
        assert part in page.said


def test_where_no_check_tells_of_delays_the_time_of_grading_is_shown() -> None:
    grades = [Grade(Student(f"s{n}"), LAB, (), (), Said(Text("x", "x")), "", float(n)) for n in range(30)]
    page = Page(page_of(grades, LAB, "en"))
    assert "Grading one submission took 14.5 s (median), at most 29.0 s." in page.said
    assert "How long" not in page.said


def test_the_same_program_is_a_place_to_look() -> None:
    pair = [Student("s-1", "Ann"), Student("s-2", "Bob")]
    page = Page(page_of([plain_grade()], LAB, "en", [pair]))
    assert "The same programs (1)" in page.said
    assert all(name in page.said for name in ("Ann", "Bob"))
    assert "The same programs" not in Page(page_of([plain_grade()], LAB, "en")).said


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_class(language: Language) -> None:
    assert {"en": "There is no submission.", "zh": "没有提交。"}[language] in Page(page_of([], LAB, language)).said


def test_a_class_of_which_nothing_could_be_decided() -> None:
    page = Page(page_of([grade_with("teardown/unknown")], LAB, "en"))
    assert "1 submissions; none has a mark." in page.said
    assert "50 points · not everything was played" in page.said


def test_a_key_that_is_no_name_of_a_folder_is_no_link() -> None:
    grades = [keyed(plain_grade(), key) for key in ("../x", "a b", "", "张三", "a-b_1")]
    links = Page(page_of(grades, LAB, "en")).links
    assert {"students/%E5%BC%A0%E4%B8%89/feedback.html", "students/a-b_1/feedback.html"} == set(links)


def test_what_cost_points_leads_to_the_page_of_its_run_unless_that_is_hidden() -> None:
    grades = [keyed(grade_with(SHOWN, late()), "a"), keyed(grade_with(HIDDEN[0], late()), "b")]
    asked: list[tuple[str, str]] = []

    def page(key: str, folder: str) -> str:
        asked.append((key, folder))
        return f"students/{key}/{folder}/report.html"

    found = Page(page_of(grades, LAB, "en", (), (), page))
    assert {"students/a/runs/1/report.html"} == {link for link in found.links if link.endswith("report.html")}
    assert "Look at the run" in found.said
    assert {("a", "runs/1")} == set(asked)
    none = Page(page_of(grades, LAB, "en", (), (), lambda *_: ""))
    assert {"students/a/feedback.html", "students/b/feedback.html"} == set(none.links)


def test_the_page_grows_as_the_class_does() -> None:
    sizes = [
        len(page_of([keyed(plain_grade(), f"s{n:04}") for n in range(count)], LAB, "en")) for count in (50, 100, 200)
    ]
    assert sizes[2] - sizes[1] == pytest.approx(2 * (sizes[1] - sizes[0]), rel=0.05)


@given(hostile(), st.sampled_from(LANGUAGES), st.booleans())
@settings(deadline=None)
def test_nothing_foreign_changes_what_the_page_is(word: Callable[[], str], language: Language, problem: bool) -> None:
    grades = [grade_of(word, problem=problem), grade_of(word)]
    grades[1] = replace(grades[1], student=replace(grades[1].student, key=word()))
    source = page_of(grades, LAB, language, [[grade.student for grade in grades]])
    page = Page(source)
    source.encode("utf-8")
    assert SECRET not in source
    assert not {unicodedata.category(char) for char in source} & {"Cf", "Cs", "Zl", "Zp"}
    assert not {char for char in source if unicodedata.category(char) == "Cc"} - {"\n"}
    assert inert(grades[0].student.called) in page.said
