"""Reports made of runs: what stands in them, how their answers are read, what is noticed, and what they may not do."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.compose.report_sources import FEW, answered, asking, checked, lab, made, no_pictures, solutions, source
from wirelab.base.errors import AuthorError, InputError, UsageError
from wirelab.base.texts import Language
from wirelab.compose import report, report_check, report_source
from wirelab.compose.artifacts import Run
from wirelab.declare.lab import Lab
from wirelab.declare.scenario import parse_scenario
from wirelab.judge.questions.answers import Free
from wirelab.judge.questions.bank import BANK
from wirelab.judge.questions.checking import Put, check, put
from wirelab.observe.evidence import Evidence
from wirelab.present.question_cells import answer_cell, read_answers
from wirelab.present.report_result import marked, plain_result, result_lines

ALL = [(kind, 6.0) for kind in BANK]


_no_pictures = no_pictures


def puts(number: int, kinds: tuple[str, ...] = tuple(BANK)) -> tuple[Put, ...]:
    return put([(kind, 6.0) for kind in kinds], source(number).facts)


@pytest.fixture(scope="module")
def few() -> dict[str, Any]:
    return made(3, kinds=FEW)


def remarks(notebook: dict[str, Any]) -> list[str]:
    return [remark.in_("en") for remark in checked(notebook).remarks]


# points


def hundred() -> Iterator[tuple[int, tuple[Put, ...]]]:
    for number in range(100):
        yield number, puts(number)


def test_over_a_hundred_runs_all_right_is_all_points_and_each_wrong_answer_loses_its_own() -> None:
    for number, asked in hundred():
        for one in asked:
            if one.asked is None:
                continue
            right = solutions(one)
            whole = check(one, right)
            assert 6.0 == pytest.approx(whole.points + whole.open), (number, one.kind.name)
            share = 6.0 / len(one.asked.fields)
            for at, field in enumerate(one.asked.fields):
                if isinstance(field.answer, Free):
                    continue
                wrong = check(one, right | {at: "-7"})
                assert 6.0 - share == pytest.approx(wrong.points + wrong.open), (number, one.kind.name, at)
                left_out = check(one, {place: text for place, text in right.items() if place != at})
                assert 6.0 - share == pytest.approx(left_out.points + left_out.open)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("number", range(0, 100, 12))
def test_answers_survive_the_way_through_the_notebook(number: int, language: Language) -> None:
    notebook, asked = made(number, language), puts(number)
    right = {one.kind.name: solutions(one, language) for one in asked if one.asked is not None}
    result = checked(json.loads(report.text_of(answered(notebook, asked, right, language))))
    assert [] == [remark.in_("en") for remark in result.remarks]
    shown = 6.0 * sum(one.asked is not None for one in asked)
    assert shown == pytest.approx(result.points + result.open)
    assert result.open > 0
    wrong_at = next(one for one in asked if one.asked is not None and one.kind.name not in FEW)
    wrong = right | {wrong_at.kind.name: right[wrong_at.kind.name] | {0: "-7"}}
    lost = checked(answered(notebook, asked, wrong, language))
    assert wrong_at.asked is not None
    assert shown - 6.0 / len(wrong_at.asked.fields) == pytest.approx(lost.points + lost.open)


def test_a_blank_report_has_no_points_and_says_what_is_missing(few: dict[str, Any]) -> None:
    result = checked(few)
    assert 0 == result.points
    assert {"missing"} == {answer.outcome.state for one in result.results for answer in one.answers}


def test_a_careless_teardown_is_told_frame_by_frame(few: dict[str, Any]) -> None:
    careless = "client > server FIN seq=4 ack=5\nserver > client ACK seq=5 ack=5\nserver > client FIN seq=5 ack=5\nclient > server ACK seq=5 ack=6"
    notebook = answered(few, puts(3, FEW), {"write-teardown": {0: careless}})
    result = checked(notebook)
    said = "\n".join(result_lines(result, "en", width=400, colour=False))
    teardown = source(3).connection.teardown
    for fin in (teardown.client_fin, teardown.server_fin):
        assert fin is not None
        assert f"frame {fin.segment.frame}" in said
        assert f"seq={fin.seq}" in said
    assert "seq=4" in said, "what was written stands beside it"
    assert 0.0 == result.results[2].points


# what is noticed


def test_an_untouched_report_is_sound(few: dict[str, Any]) -> None:
    assert [] == remarks(few)


def changed(notebook: dict[str, Any], how: str) -> dict[str, Any]:
    done = copy.deepcopy(notebook)
    kept, cells = done["metadata"]["wirelab"], done["cells"]
    if how == "capture":
        other = made(4, kinds=FEW)["metadata"]["wirelab"]["capture"]
        kept["capture"] = other
    elif how == "points":
        kept["questions"][0]["points"] = 100.0
    elif how == "question":
        next(cell for cell in cells if cell["id"] == "q01")["source"] += " (or 0)"
    elif how == "question gone":
        done["cells"] = [cell for cell in cells if cell["id"] != "q02"]
    elif how == "answer gone":
        done["cells"] = [cell for cell in cells if cell["id"] != "a02"]
    elif how == "evidence":
        name = next(iter(kept["evidence"]))
        done["cells"] = [cell for cell in cells if cell["id"] != name]
    elif how == "outputs":
        next(cell for cell in cells if cell["cell_type"] == "code" and cell["outputs"])["outputs"] = []
    return done


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("capture", "the capture or the questions"),
        ("points", "the capture or the questions"),
        ("question", "question 1 was changed"),
        ("question gone", "question 2 was removed"),
        ("answer gone", "the place for the answer to question 2"),
        ("evidence", "evidence was removed from the report: Steps and method"),
        ("outputs", "evidence was removed from the report: The ladder"),
    ],
)
def test_what_was_changed_is_noticed(few: dict[str, Any], how: str, word: str) -> None:
    assert any(word in remark for remark in remarks(changed(few, how))), remarks(changed(few, how))


def test_points_are_the_labs_where_it_is_at_hand(few: dict[str, Any]) -> None:
    notebook = changed(few, "points")
    assert 118 == checked(notebook).of
    assert 4 * 3.0 == checked(notebook, asking(FEW, 3.0)).of
    result = checked(notebook, asking([*FEW, "ports"]))
    assert any("'ports'" in remark.in_("en") for remark in result.remarks)
    assert 30 == result.of


def test_another_capture_than_the_reports_own_is_said(few: dict[str, Any]) -> None:
    same = report_check.check_report(few, "report.ipynb", other=source(3))
    assert () == same.remarks
    other = report_check.check_report(few, "report.ipynb", other=source(4))
    assert ["lab.pcapng is another capture"] == [remark.in_("en")[:29] for remark in other.remarks]


def test_what_an_editor_does_to_a_notebook_is_no_change(few: dict[str, Any]) -> None:
    done = copy.deepcopy(few)
    for cell in done["cells"]:
        cell["source"] = [line + "\n" for line in str(cell["source"]).split("\n")]
        cell["metadata"]["editable"] = True
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
    again = report_check.parsed(json.dumps(done, indent=4).encode("utf-8-sig"), "report.ipynb")
    assert [] == [remark.in_("en") for remark in checked(again).remarks]


# what a capture does not show


def test_what_the_capture_does_not_show_is_said_before_anything_is_written() -> None:
    whole = source(3)
    packets, frames = whole.packets[:3], whole.frames[:3]
    connection = report_source.rebuilt(packets, frames, whole.linktype, 12001)
    assert connection is not None
    shaken = replace(whole, packets=packets, frames=frames, connection=connection)
    lacking = [one.kind.name for one in put(ALL, shaken.facts) if one.asked is None]
    assert {"closes-first", "heartbeat-frames", "message-bytes"} <= set(lacking)
    assert "isn-client" not in lacking
    with pytest.raises(UsageError) as caught:
        report.questions(lab(BANK), shaken, skip=False)
    assert all(f"{name}: the capture has to show" in str(caught.value) for name in lacking)
    assert "--skip" in str(caught.value)
    assert "抓包中需要有" in caught.value.text("zh")


def test_the_scenario_that_a_lab_means_is_named_unless_it_was_played() -> None:
    asks = lab(BANK)
    assert asks.report is not None
    asks = structs.replace(asks, report=structs.replace(asks.report, scenario="a/b"))
    first, frames = source(3).packets[:3], source(3).frames[:3]
    connection = report_source.rebuilt(first, frames, source(3).linktype, 12001)
    assert connection is not None
    shaken = replace(source(3), packets=first, frames=frames, connection=connection)
    with pytest.raises(UsageError, match="wirelab run 'my labs/x' --client … --only a/b -o DIR"):
        report.questions(asks, shaken, skip=False, named="my labs/x")
    scenario = parse_scenario(
        "scenario: a/b\ntitle: {en: T, zh: 题}\ntests: client\ncast: {c: {role: client}}\nscript:\n  - {wait: 0}\n",
        "b.yaml",
    )
    played = Run(scenario, "", shaken.profile, Evidence((), shaken.packets, shaken.linktype, 0, 12001))
    with pytest.raises(UsageError, match="With --skip") as caught:
        report.questions(asks, replace(shaken, run=played), skip=False)
    assert "a/b" not in str(caught.value)


def test_a_lab_without_questions_has_no_report() -> None:
    bare = Lab(**{name: getattr(lab(FEW), name) for name in Lab.__struct_fields__ if name != "report"})
    with pytest.raises(UsageError, match="asks no questions"):
        report.questions(bare, source(3), skip=False)


# the notebook


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_is_a_valid_notebook_and_the_same_every_time(language: Language) -> None:
    notebook = made(5, language)
    nbformat.validate(json.loads(report.text_of(notebook)))
    assert report.text_of(notebook) == report.text_of(made(5, language))
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(names) == len(set(names))


def test_foreign_text_is_no_markup_in_the_notebook() -> None:
    form = report.load_form(None)
    student = {"name": "<script>alert(1)</script> | [x](javascript:1)", "number": "=1+1\n# x"}
    notebook = report.new(lab(FEW), source(3), form, "en", opening="x", student=student)
    fields = next(cell for cell in notebook["cells"] if cell["metadata"]["wirelab"]["part"] == "fields")
    assert r"\<script\>alert(1)\</script\> \| \[x\](javascript:1)" in fields["source"]
    assert "\n# x" not in fields["source"]


def test_the_blank_form_asks_in_general_and_holds_nothing_of_a_capture() -> None:
    notebook = report.template(lab(FEW), report.load_form(None), "zh", {"name": "李雷"})
    nbformat.validate(json.loads(report.text_of(notebook)))
    text = json.dumps(notebook, ensure_ascii=False)
    assert "李雷" in text
    assert all(BANK[kind].about.zh.replace("-", "") in text.replace("\\\\", "").replace("-", "") for kind in FEW)
    assert "capture" not in notebook["metadata"]["wirelab"]
    with pytest.raises(InputError, match="no capture"):
        checked(notebook)


def test_a_form_of_the_instructors_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "title: {en: Protocol sheet, zh: 记录单}\nfields: {name: {en: Who, zh: 谁}}\n"
        "sections:\n  - {part: fields, rows: [[name]]}\n  - {part: questions, heading: {en: Ask, zh: 问}}\n"
    )
    form = report.load_form(file)
    notebook = report.new(lab(FEW), source(3), form, "en", opening="x", student={"name": "me"})
    assert ["# Protocol sheet", "| **Who** | me |\n| --- | --- |", "## Ask"] == [
        cell["source"] for cell in notebook["cells"][:3]
    ]
    assert [] == remarks(notebook)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title: {en: A, zh: B}\nfields: {name: {en: N, zh: N}}\nsections: [{part: text}]\n", "no section of the kind 'questions'"),
        ("title: {en: A, zh: B}\nfields: {name: {en: N, zh: N}}\nsections: [{part: questions}, {part: fields, rows: [[nmae]]}]\n", "mine.yaml:3:54: the row names a field 'nmae', which stands not among 'fields' (did you mean 'name'?)"),
        ("title: {en: A, zh: B}\nfields: {name: {en: N, zh: N}}\nsections: [{part: questions}, {part: fields, rows: [[name, name]]}]\n", "twice"),
        ("title: {en: A, zh: B}\nfields: {name: {en: N, zh: N}}\nsections: [{part: questions}, {part: questions}]\n", "one section of the kind 'questions'"),
    ],
)  # fmt: skip
def test_mistakes_in_a_form_are_told_with_their_place(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(AuthorError) as caught:
        report.load_form(file)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('nmae = "x"\n', "the form has no field 'nmae' (did you mean 'name'?)"),
        ('name = "x"\nhours = 3\n', "2: the field 'hours' is filled in from the lab and the capture"),
        ("name = [1]\n", "'name' must be text in quotes, or a number"),
        ("name = \n", "not readable as TOML"),
    ],
)
def test_mistakes_in_a_students_file(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "me.toml"
    file.write_text(text)
    with pytest.raises(AuthorError) as caught:
        report.load_student(file, report.load_form(None))
    assert complaint in str(caught.value)


# the result


def test_the_marked_copy_has_marks_below_answers_and_checks_the_same(few: dict[str, Any]) -> None:
    asked = puts(3, FEW)
    right = {one.kind.name: solutions(one) for one in asked}
    notebook = answered(few, asked, right | {"isn-client": {0: "1", 1: "0"}})
    result = checked(notebook)
    copy_ = marked(notebook, result, "en", brief=False)
    nbformat.validate(json.loads(report.text_of(copy_)))
    feedback = [cell["source"] for cell in copy_["cells"] if cell["metadata"]["wirelab"]["part"] == "feedback"]
    assert 5 == len(feedback)
    assert "of 24 points" in feedback[0]
    assert "no answer" in feedback[1]
    assert "Instructor: ____ of 6 points" in feedback[4]
    assert plain_result(result) == plain_result(checked(copy_))
    assert report.text_of(copy_) == report.text_of(marked(copy_, result, "en", brief=False)), "an earlier check's go"


def test_brief_says_nothing_of_what_is_right(few: dict[str, Any]) -> None:
    asked = puts(3, FEW)
    notebook = answered(few, asked, {"isn-client": {0: "999", 1: "0", 2: "x"}})
    isn = str(source(3).connection.noted[0].segment.seq)
    full = "\n".join(result_lines(checked(notebook), "en", width=300, colour=False))
    brief = "\n".join(result_lines(checked(notebook), "en", width=300, colour=False, brief=True))
    assert isn in full
    assert isn not in brief
    assert "a) wrong: 999" in brief


def test_what_a_good_free_answer_says_is_for_whoever_marks(few: dict[str, Any]) -> None:
    asked = next(one for one in puts(3, FEW) if one.kind.name == "why-a-thread").asked
    assert asked is not None
    model = asked.fields[0].answer.solution.en
    assert len(model) > 20
    assert model not in "\n".join(result_lines(checked(few), "en", width=5000, colour=False))


def test_what_travels_in_a_report_is_the_connection_alone() -> None:
    original = source(9)
    again = report_source.unsealed(json.loads(json.dumps(report_source.sealed(original))), "report.ipynb")
    assert original.packets == again.packets
    assert original.frames == again.frames
    assert original.seed == again.seed
    assert puts(9) == put(ALL, again.facts)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nbgrader_finds_nothing_wrong_with_it(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """nbgrader's own validation, without its server: its format is a package in it that needs no more than nbformat."""
    found = importlib.util.find_spec("nbgrader")
    if found is None or found.origin is None:
        pytest.skip("needs nbgrader (pip install --no-deps nbgrader)")
    monkeypatch.syspath_prepend(str(Path(found.origin).parent))
    nbgraderformat = importlib.import_module("nbgraderformat")
    notebook = nbformat.from_dict(json.loads(report.text_of(made(6, language))))
    nbgraderformat.MetadataValidator().validate_nb(notebook)
    names = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert len(names) == len(set(names)) >= 2 * 25
    broken = copy.deepcopy(notebook)
    next(cell for cell in broken.cells if "nbgrader" in cell.metadata).metadata.nbgrader["schema_version"] = 4
    with pytest.raises(nbgraderformat.SchemaTooNewError):
        nbgraderformat.MetadataValidator().validate_nb(broken)


@given(st.text(max_size=80).filter(lambda text: text.strip(" _")))
def test_an_answer_comes_back_as_it_was_written(text: str) -> None:
    one = next(each for each in puts(3, ("message-from-hex",)))
    assert one.asked is not None
    wanted = " ".join(text.split())
    if not wanted.strip("_ ") or wanted.startswith("____") or wanted.endswith("____"):
        return
    for language in ("en", "zh"):
        answers = read_answers(answer_cell(one, language, {0: wanted, 1: "0a"}), one.asked)
        assert (wanted, "0a") == (answers.get(0), answers.get(1))


def test_a_cell_that_was_split_or_copied_is_read_whole(few: dict[str, Any]) -> None:
    asked = puts(3, FEW)
    right = {one.kind.name: solutions(one) for one in asked}
    split = answered(few, asked, right)
    at = next(at for at, cell in enumerate(split["cells"]) if cell["id"] == "a01")
    lines = split["cells"][at]["source"].split("\n")
    second = copy.deepcopy(split["cells"][at]) | {"id": "new", "source": "\n".join(lines[1:])}
    split["cells"][at]["source"] = lines[0]
    split["cells"].insert(at + 1, second)
    assert 6.0 == checked(split).results[0].points
    copied = answered(few, asked, right)
    copied["cells"].insert(at + 1, copy.deepcopy(copied["cells"][at]) | {"id": "new"})
    assert 6.0 == checked(copied).results[0].points
