"""Results for graders that run one submission at a time: Gradescope, PrairieLearn, Autolab. Knows no container.

All three are read by the student, in the student's language. Texts are plain text there: the formats that would be
rendered (HTML, Markdown, ANSI) are never asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.grades import Grade
from wirelab.present.exports.inert import json_text, shortened
from wirelab.present.exports.telling import Part, built_lines, mark_lines, parts, problem_lines

PRAIRIELEARN_LIMIT = 1_000_000
"""Bytes: a larger ``results.json`` is refused."""

_HINT = 4_000  # characters of a hint of Autolab: both lines come through a pipe, whole
_FIRST_CUT = 200_000  # characters of one output; halved until the whole fits

register(
    {
        "graders.item": Text("{number}. {title}", "{number}. {title}"),
        "graders.open": Text("undecided: it neither gives nor costs points", "未判定：不得分也不扣分"),
    }
)


def gradescope(grade: Grade) -> str | None:
    """``/autograder/results/results.json``; None when nothing at all could be decided.

    In that case write no file and end with a status that is not 0: Gradescope then says that the autograder failed, and
    the submission can be graded again, where any score would have cost the student marks.

    ``score`` is the mark: it overrides the sum of the tests, which lacks what could not be decided. What the hidden
    scenarios of an item are worth is a test of its own, shown ``after_published``: a student learns of it with the
    grade, and cannot use it to try one submission after another; so ``output`` does not name the mark either. ``stdout_visibility`` is ``hidden``, because what the
    harness prints names scenarios.
    """
    if grade.mark is None:
        return None
    language = grade.student.language
    document: dict[str, object] = {
        "score": grade.mark,
        "execution_time": round(max(0.0, grade.seconds), 3),
        "output": "\n".join(_unscored_lines(grade, language)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "tests": [_test(part) for part in parts(grade, split=True)],
    }
    return json_text(document) + "\n"


def _test(part: Part) -> dict[str, object]:
    test: dict[str, object] = {
        "name": part.title,
        "number": str(part.number),
        "output": "\n".join(part.lines),
        "visibility": "after_published" if part.hidden else "visible",
    }
    if part.points is None:  # no score and no status: Gradescope shows it as a note, neither passed nor failed
        return test
    return test | {
        "score": part.points,
        "max_score": part.of,
        "status": "passed" if part.points >= part.of else "failed",
    }


def prairielearn(grade: Grade) -> str:
    """``/grade/results/results.json``, at most ``PRAIRIELEARN_LIMIT`` bytes: longer outputs are cut at their end.

    A submission of which nothing could be played, by its own fault or the machine's, is not gradable: that costs the
    student no attempt.
    """
    language = grade.student.language
    told, problem, built = parts(grade), problem_lines(grade, language), built_lines(grade, language)

    def document(cut: int) -> dict[str, object]:
        if grade.problem is not None:
            return {"gradable": False, "format_errors": shortened(problem, cut, language)}
        if grade.mark is None:
            return {"gradable": False, "format_errors": mark_lines(grade, language)}
        return {
            "gradable": True,
            "score": min(1.0, round(grade.mark / grade.lab.points, 6)),
            "message": "\n".join(mark_lines(grade, language)),
            "output": "\n".join(shortened(built, cut, language)),
            "tests": [_prairielearn_test(part, cut, language) for part in told],
        }

    return _fitting(document, PRAIRIELEARN_LIMIT)


def _prairielearn_test(part: Part, cut: int, language: Language) -> dict[str, object]:
    test: dict[str, object] = {
        "name": say("graders.item", language, number=part.number, title=part.title),
        "output": "\n".join(shortened(part.lines, cut, language)),
    }
    if part.points is None:
        return test | {"message": say("graders.open", language)}
    return test | {"points": part.points, "max_points": part.of}


def _fitting(document: Callable[[int], object], limit: int) -> str:
    """The document with outputs as long as the limit allows, in bytes of UTF-8."""
    cut = _FIRST_CUT
    while len((text := json_text(document(cut)) + "\n").encode()) > limit and cut > 1:
        cut //= 2
    return text


def autolab(grade: Grade, *, problems: Language = "en") -> tuple[str, str]:
    """The last two lines to print: the stages that Autolab draws, and the scores. Print them last, and once.

    The names of the problems in Autolab are the rubric's titles with their numbers, in the language ``problems``:
    ``1. A typed line arrives``. What could not be decided has no score there, so Autolab shows it as not graded yet.
    """
    stages: dict[str, object] = {}
    for part in parts(grade):
        tests: dict[str, object] = {}
        for told in part.told:
            name = _unused(told.text, tests)
            why = {"hint": "\n".join(shortened(told.lines, _HINT, grade.student.language))} if told.lines else {}
            tests[name] = told.text if told.passed is None else {"passed": told.passed, **why}
        stages[_numbered(part, grade.student.language)] = tests
    if grade.problem is not None:
        title = grade.lab.title.zh if grade.student.language == "zh" else grade.lab.title.en
        lines = problem_lines(grade, grade.student.language)
        hint = "\n".join(shortened(lines, _HINT, grade.student.language))
        stages = {f"0. {title}": {lines[0]: {"passed": False, "hint": hint}}}
    scores = {
        _numbered(part, problems): part.points for part in parts(grade, language=problems) if part.points is not None
    }
    presented = {"_presentation": "semantic", "stages": list(stages), **stages}
    return _ascii_line(presented), _ascii_line({"scores": scores})


def _numbered(part: Part, language: Language) -> str:
    return say("graders.item", language, number=part.number, title=part.title)


def _unused(name: str, taken: dict[str, object]) -> str:
    count = sum(1 for other in taken if other == name or other.startswith(f"{name} ("))
    return f"{name} ({count + 1})" if count else name


def _unscored_lines(grade: Grade, language: Language) -> list[str]:
    """All that can be said of the whole without its mark, which would tell how the hidden scenarios went."""
    if grade.problem is not None:
        return problem_lines(grade, language)
    open_points = mark_lines(grade, language)[1:]
    return [*open_points, *built_lines(grade, language)]


def _ascii_line(value: object) -> str:
    """One line of JSON in ASCII: it survives a container whose locale is not UTF-8."""
    return json.dumps(value, allow_nan=False)
