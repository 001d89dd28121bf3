"""Every kind of question, over a hundred runs: the right answers get all points, each wrong one loses its own."""

from __future__ import annotations

import string

import pytest

from tests.judge.questions.captures import facts
from wirelab.base.texts import LANGUAGES, Text
from wirelab.judge.questions.answers import Choice, Free, Words
from wirelab.judge.questions.asking import Asked, Field
from wirelab.judge.questions.bank import BANK, asked

RUNS = range(100)


def questions(name: str) -> list[Asked]:
    """The question of one kind as put to each of a hundred students, those aside whose capture does not show it."""
    return [one for number in RUNS if (one := asked(BANK[name], facts(number))) is not None]


def fields(name: str) -> list[Field]:
    return [field for one in questions(name) for field in one.fields]


@pytest.mark.parametrize("name", BANK)
def test_the_solution_is_right_in_both_languages(name: str) -> None:
    found = fields(name)
    assert found, "no run shows it"
    for field in found:
        if isinstance(field.answer, Free):
            continue
        for text in (field.answer.solution.en, field.answer.solution.zh):
            outcome = field.answer.check(text)
            assert ("right", 1.0) == (outcome.state, outcome.credit), (text, field)


@pytest.mark.parametrize("name", BANK)
def test_what_is_not_the_answer_is_not_right(name: str) -> None:
    for field in fields(name):
        if isinstance(field.answer, Free):
            assert field.answer.check("anything").state == "open"
            continue
        for text in ("-7", "-7.123456 s", "qqq", "RST, URG", "A B", "1 2 3 4 5 6 7 8 9 10 11 12 13", "?"):
            assert field.answer.check(text).credit == 0, (text, field)
        if isinstance(field.answer, Choice):
            options = range(len(field.answer.options))
            right = [at for at in options if field.answer.check(string.ascii_uppercase[at]).state == "right"]
            assert [field.answer.right] == right
        elif isinstance(field.answer, Words):
            assert field.answer.check(field.answer.solution.en + " and more").state == "wrong"


@pytest.mark.parametrize("name", BANK)
def test_it_differs_from_student_to_student(name: str) -> None:
    if all(isinstance(field.answer, Free) for field in fields(name)):
        return
    solutions = {tuple(field.answer.solution.en for field in one.fields) for one in questions(name)}
    assert len(solutions) > 1


@pytest.mark.parametrize("name", BANK)
def test_every_sentence_can_be_said_and_frames_are_the_captures(name: str) -> None:
    for number in RUNS[:20]:
        run = facts(number)
        one = asked(BANK[name], run)
        if one is None:
            continue
        for language in LANGUAGES:
            said = [one.text, *(item for field in one.fields for item in (field.prompt, field.why))]
            assert all(item.in_(language).strip() for item in said)
        for field in one.fields:
            assert not field.prompt.in_("en").rstrip().endswith((":", "?", ".")), field.prompt.in_("en")
            assert all(run.frame(frame) is not None for frame in field.frames), "a frame of another connection"


def test_there_are_at_least_25_kinds_with_texts_in_both_languages() -> None:
    assert len(BANK) >= 25
    for name, kind in BANK.items():
        assert name == kind.name
        for text in (kind.title, kind.about, kind.needs):
            assert isinstance(text, Text)
            assert text.en.strip()
            assert text.zh.strip()


def test_the_same_capture_is_asked_the_same() -> None:
    for kind in BANK.values():
        assert asked(kind, facts(3)) == asked(kind, facts(3))
