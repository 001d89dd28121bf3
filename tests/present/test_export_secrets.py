"""Hidden scenarios leak nothing: whatever is in such a run, no text that a student may read holds any of it."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.grades import ALL_WELL, LAB, LI, failed, said
from wirelab.base.texts import LANGUAGES, Bilingual
from wirelab.declare.lab import Counted, Lab, RubricItem
from wirelab.judge.grades import Grade, PlayedRun
from wirelab.judge.points import score
from wirelab.judge.verdict import Beside, CheckResult, Credit, Finding, Judgement, Verdict, worst
from wirelab.present.exports.canvas import fill_canvas
from wirelab.present.exports.github import class_summary, classroom, step_summary
from wirelab.present.exports.graders import autolab, gradescope, prairielearn
from wirelab.present.exports.junit import junit
from wirelab.present.exports.moodle import fill_moodle, moodle_gradebook
from wirelab.present.exports.results import results_json

SECRETS = st.text(string.ascii_lowercase, min_size=4, max_size=10).map(lambda word: f"qx{word}xq")
CODES = st.sampled_from(["WL201", "WL208", "WL302", "WL901"])
VERDICTS = st.sampled_from(list(Verdict))


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """A finding every text of which is secret."""
    inner = Finding(draw(CODES), draw(SECRETS), said("{a}", a=draw(SECRETS)), said(draw(SECRETS)))
    return Finding(
        draw(st.one_of(CODES, SECRETS)),
        draw(SECRETS),
        said("because {a}", a=draw(SECRETS)),
        said(draw(SECRETS)),
        (31337,),
        ((draw(SECRETS), draw(SECRETS)),),
        cause=draw(st.sampled_from([inner, None])),
        beside=(Beside(draw(SECRETS), draw(SECRETS), "different", (31337,)),),
    )


@st.composite
def hidden_runs(draw: st.DrawFn) -> PlayedRun:
    """A run of a hidden scenario, with any verdicts."""
    checks = []
    for _ in range(draw(st.integers(0, 3))):
        verdict = draw(VERDICTS)
        credit = None if verdict is Verdict.INCONCLUSIVE else Credit(int(verdict is Verdict.PASS), 1)
        found = tuple(draw(st.lists(findings(), max_size=2))) if verdict is not Verdict.PASS else ()
        name, actor, written = draw(SECRETS), draw(SECRETS), draw(SECRETS)
        checks.append(CheckResult(name, actor, 31337, written, verdict, said(draw(SECRETS)), found, credit))
    name = draw(SECRETS)
    judgement = Judgement(name, tuple(checks), worst(check.verdict for check in checks) if checks else draw(VERDICTS))
    title = Bilingual(draw(SECRETS), draw(SECRETS))
    # Either sign of being hidden is enough: the lab's list, or the run's own.
    return PlayedRun(f"hidden/{name}", title, draw(st.booleans()), judgement, 31337, f"runs/{draw(SECRETS)}")


@st.composite
def grades(draw: st.DrawFn) -> Grade:
    """A grade with one to three hidden runs, counted alone and beside shown ones, one perhaps not played."""
    hidden = draw(st.lists(hidden_runs(), min_size=1, max_size=3, unique_by=lambda run: run.scenario))
    listed = tuple(run.scenario for run in hidden if not run.hidden or draw(st.booleans()))
    counted = tuple(
        Counted(run.scenario, draw(st.sampled_from([None, *(check.name for check in run.judgement.checks)])))
        for run in hidden
    )
    rubric = (
        RubricItem(30, LAB.rubric[0].title, (*counted, Counted("messaging/one-line", "messages"))),
        RubricItem(70, LAB.rubric[1].title, counted),
    )
    fields = {name: getattr(LAB, name) for name in LAB.__struct_fields__}
    lab = Lab(**fields | {"hidden": listed, "rubric": rubric})
    shown = PlayedRun(
        "messaging/one-line",
        Bilingual("One line", "一行"),
        False,
        Judgement(
            "messaging/one-line",
            draw(st.sampled_from([ALL_WELL["messaging/one-line"], (failed("messages"),)])),
            Verdict.PASS,
        ),
        1,
        "runs/1",
    )
    runs = (*hidden, shown) if draw(st.booleans()) else (shown, *hidden)
    scores = score(rubric, {run.scenario: run.judgement for run in runs})
    missing = draw(st.sampled_from([None, runs[0].scenario]))
    kept = tuple(run for run in runs if run.scenario != missing or run.scenario not in listed)
    return Grade(replace(LI, language=draw(st.sampled_from(LANGUAGES))), lab, scores, kept, None, "", 1.0)


def for_students(grade: Grade) -> Iterator[str | None]:
    """Everything that is made for the eyes of a student."""
    yield gradescope(grade)
    yield prairielearn(grade)
    for language in LANGUAGES:
        yield from autolab(grade, problems=language)
        yield junit([grade], language=language, for_students=True)
        yield class_summary(grade.lab, [grade], language=language)
    yield step_summary(grade)
    yield classroom(grade)
    yield moodle_gradebook([grade])
    yield fill_moodle("Identifier,Full name,Grade,Feedback comments\nParticipant 1,李雷,,\n", [grade]).text
    yield fill_canvas("Student,ID,Section,Lab (7)\n李雷,1,x,\n", "7", [grade]).text


@given(grades())
@settings(deadline=None, max_examples=60)
def test_nothing_of_a_hidden_run_reaches_a_student(grade):
    for text in for_students(grade):
        for secret in ("qx", "xq", "31337", "WL208", "WL302", "hidden/"):
            assert secret not in (text or ""), secret


@given(grades())
@settings(deadline=None, max_examples=20)
def test_instructors_see_all_of_it(grade):
    text = results_json(grade.lab, [grade])
    for run in grade.runs:
        assert run.scenario in text
        assert run.scenario.replace("/", ".") in junit([grade], language="en")
