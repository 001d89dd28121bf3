"""Questions about a teardown, asked about every shape that one has."""

from __future__ import annotations

import pytest

from tests.judge.questions.told import (
    ACKED_BY_DATA,
    DATA_IN_FLIGHT,
    FIN_WITH_DATA,
    FOUR,
    HALF_CLOSED,
    ORDERLY,
    SERVER_FIRST,
    THREE,
    UNASKABLE,
    kinds,
    put,
    told,
)
from wirelab.judge.questions import closing, closing_states, own_words
from wirelab.judge.questions.answers import Choice, Numbers, Time, Whole
from wirelab.judge.questions.asking import Asked, Field

KINDS = kinds(closing.KINDS, closing_states.KINDS)


def ask(name: str, dialogue: str, seed: str = "a seed") -> Asked:
    one = put(KINDS[name], told(dialogue, seed))
    assert one is not None
    return one


def right(field: Field) -> object:
    """What is right, as a value that reads well in a test."""
    answer = field.answer
    if isinstance(answer, Choice):
        return answer.options[answer.right].en
    if isinstance(answer, Numbers):
        return answer.values
    if isinstance(answer, Time):
        return answer.nanoseconds / 1e6
    assert isinstance(answer, Whole)
    return answer.value


def said(field: Field, wrote: str) -> str:
    """What is said of a wrong answer in particular."""
    outcome = field.answer.check(wrote)
    assert outcome.state == "wrong"
    assert outcome.said is not None
    assert outcome.said.in_("zh")
    return outcome.said.in_("en")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("shape", UNASKABLE)
def test_nothing_is_asked_where_the_story_has_no_one_telling(name: str, shape: str) -> None:
    assert put(KINDS[name], told(UNASKABLE[shape])) is None


@pytest.mark.parametrize("name", ["normal-exit", "last-ack-lost"])
@pytest.mark.parametrize("shape", UNASKABLE)
def test_own_words_about_a_teardown_need_one(name: str, shape: str) -> None:
    assert put(kinds(own_words.KINDS)[name], told(UNASKABLE[shape])) is None


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("shape", ORDERLY)
def test_the_solution_is_right_for_every_orderly_shape(name: str, shape: str) -> None:
    facts = told(ORDERLY[shape])
    one = put(KINDS[name], facts)
    if one is None:
        assert (name, shape) == ("three-or-four", "acknowledged by data")
        return
    for field in one.fields:
        assert field.answer.check(field.answer.solution.zh).state == "right"
        assert all(facts.frame(frame) is not None for frame in field.frames)
        assert field.why.in_("en")
        assert field.why.in_("zh")


@pytest.mark.parametrize(
    ("dialogue", "expected"),
    [
        (THREE, ("client", 6)),
        (FOUR, ("client", 6)),
        (SERVER_FIRST, ("server", 6)),
        (HALF_CLOSED, ("client", 6)),
    ],
)
def test_who_closes_first(dialogue: str, expected: tuple[str, int]) -> None:
    assert expected == tuple(map(right, ask("closes-first", dialogue).fields))


def test_the_second_fin_is_not_the_first() -> None:
    assert said(ask("closes-first", THREE).fields[1], "7") == "frame 7 is the second FIN, not the first"


@pytest.mark.parametrize(
    ("dialogue", "frame", "number"),
    [
        (THREE, 7, 9),
        (FOUR, 7, 9),
        (SERVER_FIRST, 7, 2),
        (HALF_CLOSED, 7, 9),
        (ACKED_BY_DATA, 7, 9),
        (FIN_WITH_DATA, 7, 17),
    ],
)
def test_what_acknowledges_the_first_fin(dialogue: str, frame: int, number: int) -> None:
    one = ask("fin-acknowledged", dialogue)
    assert [frame, number] == [right(field) for field in one.fields[:2]]
    assert right(one.fields[2]) == "the FIN takes up one sequence number, as if it were a byte"


def test_what_acknowledges_the_first_fin_is_not_data_that_was_in_flight() -> None:
    assert [9, 9] == [right(field) for field in ask("fin-acknowledged", DATA_IN_FLIGHT).fields[:2]]


def test_slips_about_the_acknowledgment_of_the_first_fin() -> None:
    frame, number, _ = ask("fin-acknowledged", FOUR).fields
    assert said(frame, "8") == "frame 8 has this acknowledgment number too, but frame 7 had it before"
    assert said(frame, "9") == "frame 9 acknowledges the other FIN, that of frame 8"
    assert "FIN's own number" in said(number, "8")
    assert "raw" in said(number, "1009")


@pytest.mark.parametrize(
    ("dialogue", "frames"),
    [
        (THREE, (6, 7, 8)),
        (FOUR, (6, 7, 8, 9)),
        (HALF_CLOSED, (6, 7, 10, 11)),
        (ACKED_BY_DATA, (6, 7, 9, 10)),
        (DATA_IN_FLIGHT, (6, 9, 10)),
        (FIN_WITH_DATA, (6, 7, 8)),
    ],
)
def test_the_frames_of_the_teardown(dialogue: str, frames: tuple[int, ...]) -> None:
    assert frames == right(ask("teardown-frames", dialogue).fields[0])


def test_three_or_four() -> None:
    rides = "the other side's program closed before its kernel had sent an ACK, and the ACK rides on its FIN"
    alone = "the other side's kernel acknowledged the FIN by itself, and its program closed later"
    three, four = ask("three-or-four", THREE), ask("three-or-four", FOUR)
    assert [3, rides] == [right(field) for field in three.fields]
    assert [4, alone] == [right(field) for field in four.fields]
    assert "here the second and the third are one segment, frame 7" in said(three.fields[0], "4")
    assert "two segments here" in said(four.fields[0], "3")


def test_the_second_fin() -> None:
    frame, seq, ack = ask("second-fin", THREE).fields
    assert [7, 1, 9] == [right(frame), right(seq), right(ack)]
    assert said(frame, "6") == "frame 6 is the first FIN"
    assert "swapped" in said(seq, "9")
    assert "raw" in said(seq, "2001")
    assert "swapped" in said(ack, "1")
    assert "the first FIN counts too" in said(ack, "8")
    assert "raw" in said(ack, "1009")


def test_the_second_fin_with_data_has_two_numbers_and_is_not_asked_about() -> None:
    assert put(KINDS["second-fin"], told(THREE.replace("s > c FIN", 's > c FIN "BROADCAST x\\n"'))) is None


def test_who_ends_in_time_wait() -> None:
    assert [right(ask("time-wait", one).fields[0]) for one in (THREE, SERVER_FIRST)] == ["client", "server"]
    assert "frame 8" in said(ask("time-wait", THREE).fields[0], "server")


def test_states_are_asked_about_where_everybody_means_the_same_moment() -> None:
    def moments(dialogue: str) -> set[tuple[str, object]]:
        fields = [field for seed in range(40) for field in ask("state-after", dialogue, f"run {seed}").fields]
        return {(field.prompt.in_("en"), right(field)) for field in fields}

    assert moments(FOUR) == {
        ("the client right after it sent frame 6", "FIN-WAIT-1"),
        ("the server right after it sent frame 7", "CLOSE-WAIT"),
        ("the client right after it received frame 7", "FIN-WAIT-2"),
        ("the server right after it sent frame 8", "LAST-ACK"),
        ("the client right after it sent frame 9", "TIME-WAIT"),
        ("the server right after it received frame 9", "CLOSED"),
    }
    # Frame 7 takes the client through FIN-WAIT-2 on its way to TIME-WAIT: nobody is asked about that.
    assert moments(SERVER_FIRST) == {
        ("the server right after it sent frame 6", "FIN-WAIT-1"),
        ("the client right after it sent frame 7", "LAST-ACK"),
        ("the server right after it sent frame 8", "TIME-WAIT"),
        ("the client right after it received frame 8", "CLOSED"),
    }


def test_the_state_of_the_other_side_is_told() -> None:
    for seed in range(20):
        for field in ask("state-after", THREE, f"run {seed}").fields:
            assert isinstance(field.answer, Choice)
            for index, why in field.answer.slips:
                assert index != field.answer.right
                assert why.in_("en") == "this is a state of the other side"


def test_between_the_fins() -> None:
    time, what = ask("between-fins", FOUR).fields
    assert right(time) == 940
    assert time.answer.check("0.94 s").state == "right"
    assert "up to the last ACK" in said(ask("between-fins", THREE).fields[0], "4 ms")
    assert str(right(what)).startswith("how long the other side took")


def test_how_long_the_connection_lasted() -> None:
    (time,) = ask("connection-duration", THREE).fields
    assert right(time) == 28
    assert time.answer.check("0.028").state == "right"
    assert "up to the first FIN" in said(time, "24 ms")
