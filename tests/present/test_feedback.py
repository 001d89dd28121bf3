"""What a student is told: points of each scenario, what to look at first, how to repeat it; and nothing of what is hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from tests.present.graded import (
    HIDDEN,
    LAB,
    SECOND,
    SECRET,
    SHOWN,
    UNCLEAR,
    grade_of,
    grade_with,
    plain_grade,
    values_of,
)
from wirelab.base.texts import Text
from wirelab.declare.head import Title
from wirelab.declare.lab import Counted, RubricItem
from wirelab.judge.findings import finding
from wirelab.judge.points import Score, Share
from wirelab.judge.verdict import Beside, Judgement, Said, Verdict
from wirelab.present.feedback import (
    BESIDE_ROWS,
    HiddenTold,
    Worth,
    excerpt,
    free_text,
    hidden_numbers,
    hidden_text,
    open_texts,
    passed_text,
    repeat_command,
    told,
    worth_of,
)
from wirelab.present.feedback_html import feedback_html
from wirelab.present.feedback_md import feedback_md
from wirelab.present.words import number


def test_each_scenario_has_its_share_of_the_points() -> None:
    scores = grade_of(lambda: "x").scores
    one_of_three = worth_of(scores, SHOWN)
    assert (6.667, 20) == (round(one_of_three.reached or 0, 3), one_of_three.of)
    assert Worth(5, 5) == worth_of(scores, SECOND)
    assert Worth(None, 15) == worth_of(scores, UNCLEAR), "half of a line, and a whole one"
    assert Worth(None, 0) == worth_of(scores, "teardown/unknown")


def test_what_is_undecided_in_a_line_leaves_its_points_to_the_rest() -> None:
    item = RubricItem(9, Title(en="x", zh="x"), tuple(Counted(name) for name in ("a", "b", "c")))
    scores = (Score(item, 4.5, tuple(map(Share, item.of, (1.0, 0.0, None)))),)
    assert [Worth(4.5, 4.5), Worth(0.0, 4.5), Worth(None, 0.0)] == [worth_of(scores, name) for name in ("a", "b", "c")]


def test_hidden_scenarios_have_numbers_and_nothing_else() -> None:
    grade = grade_of(lambda: "x")
    all_told = told(grade, {HIDDEN[0]: [SECRET]}, {HIDDEN[0]: {SECRET: [SECRET]}}, "en")
    assert [SHOWN, SECOND, UNCLEAR] == [run.run.scenario for run in all_told.shown]
    assert [(1, Verdict.FAIL), (2, Verdict.INCONCLUSIVE)] == [(one.number, one.verdict) for one in all_told.hidden]
    assert ("hidden check 1",) == all_told.items[1].missed
    assert SECRET not in repr((all_told.items, all_told.shown, all_told.hidden, all_told.begin, all_told.build))


@pytest.mark.parametrize("flagged", [True, False])
def test_one_word_that_it_is_hidden_is_enough(*, flagged: bool) -> None:
    """The run says so, or the lab does."""
    grade = grade_with(SHOWN, finding("WL901", None, lost=3))
    lab = LAB if flagged else structs.replace(LAB, hidden=(SHOWN,))
    runs = tuple(replace(run, hidden=flagged) for run in grade.runs)
    all_told = told(replace(grade, lab=lab, runs=runs), {}, {}, "en")
    assert (0, 1) == (len(all_told.shown), len(all_told.hidden))
    assert ((3 if flagged else 1),) == tuple(one.number for one in all_told.hidden)


def test_numbers_of_hidden_scenarios_are_those_of_the_lab_whatever_was_played() -> None:
    assert {HIDDEN[0]: 1, HIDDEN[1]: 2} == hidden_numbers(grade_with(HIDDEN[1]))


def test_what_lies_deepest_comes_first_by_its_cause() -> None:
    assert [("WL351", 1)] == [(kind.code, run) for kind, run in told(plain_grade(), {}, {}, "en").begin]
    dear, cheap = (
        grade_with(SHOWN, finding("WL502", "alice", frames=(), terminal=(), **values_of("WL502"))),
        plain_grade(),
    )
    runs = (replace(cheap.runs[0], scenario=SECOND), dear.runs[0])
    both = replace(cheap, runs=runs, scores=dear.scores)
    assert ["WL351", "WL502"] == [kind.code for kind, _ in told(both, {}, {}, "en").begin]
    crash = finding("WL606", "alice", frames=(), terminal=(), actor="alice")
    judgement = runs[0].judgement
    checks = (*judgement.checks, replace(judgement.checks[0], name="clean", findings=(crash,)))
    crashed = replace(runs[0], judgement=replace(judgement, checks=checks))
    assert [("WL606", 1), ("WL502", 2)] == [
        (kind.code, run) for kind, run in told(replace(both, runs=(crashed, runs[1])), {}, {}, "en").begin
    ]


def test_in_one_layer_the_costliest_comes_first() -> None:
    late = grade_with(SHOWN, finding("WL303", "alice", frames=(), terminal=(), **values_of("WL303")))
    runs = (replace(plain_grade().runs[0], scenario=SECOND), late.runs[0])
    assert ["WL303", "WL351"] == [kind.code for kind, _ in told(replace(late, runs=runs), {}, {}, "en").begin]


def test_a_failure_that_costs_nothing_is_said_to_cost_nothing() -> None:
    grade = plain_grade()
    whole = tuple(
        replace(one, points=one.item.points, shares=tuple(replace(share, fraction=1.0) for share in one.shares))
        for one in grade.scores
    )
    (run,) = told(grade, {}, {}, "en").shown
    assert "" == free_text(run, "en")
    (run,) = told(replace(grade, scores=whole), {}, {}, "en").shown
    assert "what failed (heartbeat) costs no point here" == free_text(run, "en")
    assert "未通过的检查（heartbeat）在这里不扣分" == free_text(run, "zh")
    one = HiddenTold(1, Verdict.FAIL, Worth(2.22, 2.22))
    assert "2.22 of 2.22 points · what failed costs no point here" == hidden_text(one, "en")
    assert "2.22 of 2.22 points" == hidden_text(replace(one, verdict=Verdict.PASS), "en")
    assert "1 of 2.22 points" == hidden_text(replace(one, worth=Worth(1, 2.22)), "en")


def test_what_was_not_reached_is_said_to_count_and_what_the_machine_kept_open_is_not() -> None:
    grade = grade_with(SHOWN, finding("WL607", "alice", actor="alice", limit=9, time="1.0"))
    (failed,) = grade.runs[0].judgement.checks
    open_ = replace(failed, verdict=Verdict.INCONCLUSIVE, credit=None)
    texts = {}
    for code in ("WL906", "WL903"):
        found = (
            finding(code, None, step="x", why="")
            if code == "WL906"
            else finding(code, "alice", actor="alice", delay="1")
        )
        judgement = replace(grade.runs[0].judgement, checks=(failed, replace(open_, findings=(found,))))
        (run,) = told(replace(grade, runs=(replace(grade.runs[0], judgement=judgement),)), {}, {}, "en").shown
        texts[code] = open_texts(run, "en")
    assert ["What is marked ? was never reached"] == [text.partition(",")[0] for text in texts["WL906"]]
    assert ["What is marked ? could not be decided. It costs you nothing."] == texts["WL903"]


def test_a_scenario_without_a_program_is_said_to_have_none() -> None:
    grade = grade_with(SHOWN)
    runs = (replace(grade.runs[0], judgement=Judgement(SHOWN, (), Verdict.FAIL)),)
    (run,) = told(replace(grade, runs=runs), {}, {}, "en", {"server": "python3 server.py"}).shown
    assert "not played: there was no program for it" == passed_text(run, "en")
    for page in (feedback_md, feedback_html):
        assert "--server" not in page(replace(grade, runs=runs), {}, {}, "en", {"server": "python3 server.py"})


def test_what_stands_above_is_not_told_again() -> None:
    late = plain_grade().runs[0].judgement.findings[0]
    (check,) = told(grade_with(SHOWN, late, late), {}, {}, "en").shown[0].checks
    first, second = check.findings
    assert (bool(first.rationale), bool(first.frames), bool(first.hint)) == (True, True, True)
    assert ("", "", "", (), 2) == (second.rationale, second.frames, second.hint, second.terminal, second.more)
    assert first.cause is not None
    assert second.cause is not None
    assert ("", "") == (second.cause.rationale, second.cause.hint)


def test_whose_doing_is_told_where_it_is_not_whom_the_check_is_about() -> None:
    late = plain_grade().runs[0].judgement.findings[0]
    other = replace(late, actor="server", rationale=Said(Text("x", "x")))
    (check,) = told(grade_with(SHOWN, late, other), {}, {}, "en").shown[0].checks
    assert ["", "server"] == [found.doing for found in check.findings]


def test_quoted_lines_stand_together_by_terminal_and_are_never_endless() -> None:
    lines = (("a", "1"), ("a", "x" * 3000), ("b", "2"), ("a", "3"))
    (check,) = told(grade_with(SHOWN, finding("WL606", "a", terminal=lines, actor="a")), {}, {}, "en").shown[0].checks
    quoted = check.findings[0].terminal
    assert [("a", 2), ("b", 1), ("a", 1)] == [(actor, len(shown)) for actor, shown in quoted]
    assert quoted[0][1][1].startswith("x" * 400 + " … 2 600 more")


def test_a_long_trace_shows_where_it_parts() -> None:
    rows = tuple(Beside("x", "x", "missing" if n == 1000 else "same", (n,)) for n in range(2000))
    found = replace(finding("WL901", None, lost=1), beside=rows)
    (check,) = told(grade_with(SHOWN, found), {}, {}, "en").shown[0].checks
    beside = check.findings[0].beside
    assert (BESIDE_ROWS, 1) == (len(beside), sum(row.kind == "missing" for row in beside))


def test_an_excerpt_has_the_beginning_and_the_end() -> None:
    lines = [str(n) for n in range(1000)]
    assert tuple(lines) == excerpt(lines, 1000, "en")
    assert ("0", "1", "… 997 more lines …", "999") == excerpt(lines, 3, "en")


def test_commands_can_be_typed_as_they_stand() -> None:
    assert f"wirelab run 2-heartbeat . --only {SHOWN}" == repeat_command(LAB, SHOWN, {})
    commands = {"server": "./server", "client": "python3 'my client.py'; rm"}
    command = f"wirelab run {SHOWN} --client 'python3 '\"'\"'my client.py'\"'\"'; rm' --server ./server"
    assert command == repeat_command(LAB, SHOWN, commands)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (100.0, "100"), (12.5, "12.5"), (6.666, "6.67"), (1e6, "1000000")]
)
def test_numbers_are_as_people_write_them(value: float, shown: str) -> None:
    assert shown == number(value)
