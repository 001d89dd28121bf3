"""Pairing: which answer belongs to which question when answers are late, early, double, in another order, or wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.observe.connections import Side
from wirelab.observe.heartbeats import Pairing, pair
from wirelab.observe.messages import Framing, Message, MessageSpec, Profile

HEARTBEAT = MessageSpec("heartbeat", "server", "HEARTBEAT (?P<n>[0-9]+)", "HEARTBEAT {n}")
ACK = MessageSpec("heartbeat-ack", "client", "HEARTBEAT-ACK (?P<n>[0-9]+)", "HEARTBEAT-ACK {n}", "heartbeat", "n")
LINE = Profile("line", Framing("line"), (HEARTBEAT, ACK))
BARE = Profile(
    "bare",
    Framing("none"),
    (
        MessageSpec("heartbeat", "server", "HEARTBEAT", "HEARTBEAT"),
        MessageSpec("heartbeat-ack", "client", "ACK", "ACK", "heartbeat"),
    ),
)


def message(
    kind: str | None, sender: Side, n: str | None, time: int, *, began: int | None = None, frame: int | None = None
) -> Message:
    groups = {} if n is None else {"n": n}
    began = time if began is None else began
    frames = (time,) if frame is None else (frame,)
    return Message(sender, kind, f"{kind} {n}", groups, 0, 1, frames, began, time, b"")


def asked(n: object, time: int) -> Message:
    return message("heartbeat", "server", str(n), time)


def answered(n: object, time: int, *, began: int | None = None) -> Message:
    return message("heartbeat-ack", "client", str(n), time, began=began)


def times(pairing: Pairing) -> list[tuple[int, int | None]]:
    return [
        (exchange.question.time, exchange.answer.time if exchange.answer else None) for exchange in pairing.exchanges
    ]


def extra(messages: Sequence[Message]) -> list[int]:
    return [message.time for message in messages]


@pytest.mark.parametrize(
    ("questions", "answers", "pairs", "unsolicited", "repeated"),
    [
        pytest.param([], [], [], [], [], id="nothing"),
        pytest.param([(1, 10), (2, 20)], [(1, 11), (2, 22)], [(10, 11), (20, 22)], [], [], id="each at once"),
        pytest.param([(1, 10), (2, 20)], [(2, 21)], [(10, None), (20, 21)], [], [], id="one left out"),
        pytest.param(
            [(1, 10), (2, 20)], [(1, 25), (2, 26)], [(10, 25), (20, 26)], [], [], id="late, after the next question"
        ),
        pytest.param([(1, 10), (2, 20)], [(2, 25), (1, 26)], [(10, 26), (20, 25)], [], [], id="in another order"),
        pytest.param([(1, 10)], [(1, 11), (1, 12)], [(10, 11)], [], [12], id="twice"),
        pytest.param([(1, 10)], [(7, 11)], [(10, None)], [11], [], id="a number nobody asked"),
        pytest.param([(1, 10)], [(1, 5)], [(10, None)], [5], [], id="before the question"),
        pytest.param([(1, 10)], [(1, 5), (1, 15)], [(10, 15)], [5], [], id="before the question, and again after it"),
        pytest.param(
            [(1, 10), (1, 20)], [(1, 11), (1, 21)], [(10, 11), (20, 21)], [], [], id="the server repeats a number"
        ),
        pytest.param(
            [(1, 10), (1, 20)],
            [(1, 21), (1, 22), (1, 23)],
            [(10, 21), (20, 22)],
            [],
            [23],
            id="a number repeated, late",
        ),
        pytest.param([(1, 10)], [("01", 11)], [(10, None)], [11], [], id="not the same number as written"),
    ],
)
def test_answers_with_a_number(
    questions: list[tuple[int, int]],
    answers: list[tuple[object, int]],
    pairs: list[tuple[int, int | None]],
    unsolicited: list[int],
    repeated: list[int],
):
    pairing = pair(LINE, [asked(*question) for question in questions], [answered(*answer) for answer in answers])
    assert pairs == times(pairing)
    assert unsolicited == extra(pairing.unsolicited)
    assert repeated == extra(pairing.repeated)


@pytest.mark.parametrize(
    ("questions", "answers", "pairs", "unsolicited", "repeated"),
    [
        pytest.param([10, 20], [11, 22], [(10, 11), (20, 22)], [], [], id="each at once"),
        pytest.param([10, 20], [25, 26], [(10, 25), (20, 26)], [], [], id="late"),
        pytest.param([10, 20], [25], [(10, 25), (20, None)], [], [], id="counted off in order"),
        pytest.param([10], [5, 11, 12], [(10, 11)], [5], [12], id="early, right, double"),
    ],
)
def test_answers_without_a_number(
    questions: list[int],
    answers: list[int],
    pairs: list[tuple[int, int | None]],
    unsolicited: list[int],
    repeated: list[int],
):
    pairing = pair(
        BARE,
        [message("heartbeat", "server", None, time) for time in questions],
        [message("heartbeat-ack", "client", None, time) for time in answers],
    )
    assert pairs == times(pairing)
    assert unsolicited == extra(pairing.unsolicited)
    assert repeated == extra(pairing.repeated)


def test_the_delay_ends_with_the_answer_s_last_byte():
    [exchange] = pair(LINE, [asked(1, 1_000)], [answered(1, 41_000, began=2_000)]).exchanges
    assert exchange.delay_ns == 40_000
    [exchange] = pair(LINE, [asked(1, 1_000)], []).exchanges
    assert exchange.delay_ns is None


def test_an_answer_that_began_before_the_question_was_whole_is_unsolicited():
    pairing = pair(LINE, [asked(1, 1_000)], [answered(1, 2_000, began=900)])
    assert [2_000] == extra(pairing.unsolicited)


@pytest.mark.parametrize(("question_frame", "answer_frame", "pairs"), [(3, 4, [(10, 10)]), (4, 3, [(10, None)])])
def test_equal_times_are_told_apart_by_the_order_of_capture(
    question_frame: int, answer_frame: int, pairs: list[tuple[int, int | None]]
):
    question = message("heartbeat", "server", "1", 10, frame=question_frame)
    answer = message("heartbeat-ack", "client", "1", 10, frame=answer_frame)
    assert pairs == times(pair(LINE, [question], [answer]))


def test_a_client_may_ask_and_a_server_answer():
    ping = MessageSpec("ping", "client", "PING", "PING")
    pong = MessageSpec("pong", "server", "PONG", "PONG", "ping")
    pairing = pair(
        Profile("both", Framing("line"), (HEARTBEAT, ACK, ping, pong)),
        [asked(1, 10), message("pong", "server", None, 25)],
        [answered(1, 12), message("ping", "client", None, 20), message("message", "client", None, 21)],
    )
    assert [(10, 12), (20, 25)] == times(pairing)
    assert () == pairing.unsolicited + pairing.repeated


def test_one_question_may_have_answers_of_several_kinds():
    busy = MessageSpec("busy", "client", "BUSY (?P<n>[0-9]+)", "BUSY {n}", "heartbeat", "n")
    later = MessageSpec("later", "client", "LATER", "LATER", "heartbeat")
    profile = Profile("many", Framing("line"), (HEARTBEAT, ACK, busy, later))
    pairing = pair(
        profile,
        [asked(1, 10), asked(2, 20), asked(3, 30)],
        [
            message("busy", "client", "1", 11),
            answered(1, 12),
            message("later", "client", None, 21),
            answered(3, 31),
            answered(2, 40),
        ],
    )
    assert [(10, 11), (20, 21), (30, 31)] == times(pairing)
    assert [12, 40] == extra(pairing.repeated)


def test_what_is_no_message_takes_no_part():
    unfinished = message(None, "client", "1", 11)
    assert Pairing(pair(LINE, [asked(1, 10)], []).exchanges) == pair(LINE, [asked(1, 10)], [unfinished])


events = st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=25)


@pytest.mark.parametrize("profile", [LINE, BARE])
@given(events=events)
@settings(deadline=None, max_examples=60)
def test_every_message_is_accounted_for_once_and_no_answer_precedes_its_question(
    profile: Profile, events: list[tuple[bool, int]]
):
    questions = [asked(n, time) for time, (asks, n) in enumerate(events) if asks]
    answers = [answered(n, time) for time, (asks, n) in enumerate(events) if not asks]
    pairing = pair(profile, questions, answers)
    used = [exchange.answer for exchange in pairing.exchanges if exchange.answer]
    assert questions == [exchange.question for exchange in pairing.exchanges]
    assert sorted(extra(answers)) == sorted(extra([*used, *pairing.unsolicited, *pairing.repeated]))
    for exchange in pairing.exchanges:
        assert exchange.delay_ns is None or exchange.delay_ns > 0
        assert profile is BARE or exchange.answer is None or exchange.question.groups == exchange.answer.groups
