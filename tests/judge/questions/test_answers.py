"""How answers are read: whoever knows the answer is right however it is written, and what is no answer is said to be none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import (
    Answer,
    Choice,
    Flags,
    Free,
    Numbers,
    Order,
    Time,
    Whole,
    Words,
)
from wirelab.judge.verdict import Said

SLIP = Said(Text("that is the other one", "这是另一个"))
SIDES = Choice((Bilingual("the client", "客户端"), Bilingual("the server", "服务器")), 0, ((1, SLIP),))
ANSWERS: tuple[Answer, ...] = (
    Whole(3911204771),
    Time(120_000),
    SIDES,
    Words(("hello",)),
    Flags(frozenset({"SYN"})),
    Numbers((1, 2)),
    Order("CAB"),
    Free(),
)


@pytest.mark.parametrize(
    "text",
    [
        "3911204771",
        " 3 911 204 771 ",
        "3,911,204,771",
        "３９１１２０４７７１",
        "0xe9203fa3",
        "`3911204771`",
        "**3911204771**",
        "seq = 3911204771",
        "ISN 是 3911204771",
        "x+1 = 3911204770 + 1 = 3911204771",
        "3911204771.0",
        "3911204771（原始值）",
    ],
)
def test_a_number_may_be_written_in_many_ways(text: str) -> None:
    assert Whole(3911204771).check(text).state == "right"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("0", "wrong"),
        ("3911204770", "wrong"),
        ("-3911204771", "wrong"),
        ("3911204771 or 5", "unreadable"),
        ("I do not know", "unreadable"),
        ("9" * 5000, "unreadable"),
        ("391120477", "wrong"),
    ],
)
def test_what_is_not_the_number(text: str, state: str) -> None:
    assert Whole(3911204771).check(text).state == state


def test_a_slip_is_recognised() -> None:
    outcome = Whole(7, ((3, SLIP),)).check("3")
    assert ("wrong", SLIP) == (outcome.state, outcome.said)
    assert Whole(7, ((3, SLIP),)).check("4").said is None
    assert SIDES.check("B").said == SLIP


@pytest.mark.parametrize(
    "text",
    [
        "0.234 ms",
        "0.23 ms",
        "0.2 ms",
        "234 µs",
        "234us",
        "0.000234 s",
        "2.34e-4 s",
        "0.234",
        "０.234 毫秒",
        "约 0.234 毫秒",
    ],
)
def test_a_time_may_be_rounded_and_in_any_unit(text: str) -> None:
    assert Time(234_000, "ms").check(text).state == ("wrong" if text == "0.2 ms" else "right")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("0 ms", "wrong"),
        ("234 ms", "wrong"),
        ("0.3 ms", "wrong"),
        ("1 ms", "wrong"),
        ("soon", "unreadable"),
        ("1 ms 2 ms", "unreadable"),
    ],
)
def test_what_is_not_the_time(text: str, state: str) -> None:
    assert Time(234_000, "ms").check(text).state == state


@given(st.integers(1_000, 10**11), st.sampled_from(["s", "ms", "us"]))
def test_the_solution_of_a_time_is_right(nanoseconds: int, unit: str) -> None:
    answer = Time(nanoseconds, unit)  # type: ignore[arg-type]
    assert answer.check(answer.solution.en).state == "right"


@pytest.mark.parametrize(
    "text", ["A", "a", "Ａ", "(A)", "A.", "A)", "the client", "客户端", "A. the client", "A 客户端"]
)
def test_a_choice_may_be_a_letter_or_words(text: str) -> None:
    assert SIDES.check(text).state == "right"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("B", "wrong"),
        ("服务器", "wrong"),
        ("C", "unreadable"),
        ("A B", "unreadable"),
        ("A/B", "unreadable"),
        ("both", "unreadable"),
        ("A or B", "unreadable"),
        ("A和B", "unreadable"),
        ("the client or the server", "unreadable"),
        ("a guess", "unreadable"),
        ("A, the server", "unreadable"),
        ("答案：B", "wrong"),
    ],
)
def test_what_is_not_the_choice(text: str, state: str) -> None:
    assert SIDES.check(text).state == state


@pytest.mark.parametrize(
    "text",
    [
        "SYN,ACK",
        "[SYN, ACK]",
        "ack syn",
        "SYN+ACK",
        "ＳＹＮ、ACK",
        "SYN ACK PSH",
        "SYNACK",
        "SYN=1, ACK=1, FIN=0",
        "SYN,ACK seq=0 ack=1",
        "SYN, ACK (no FIN)",
    ],
)
def test_flags_may_be_in_any_order(text: str) -> None:
    assert Flags(frozenset({"SYN", "ACK"})).check(text).state == "right"


@pytest.mark.parametrize(
    ("text", "state"),
    [("SYN", "wrong"), ("SYN, ACK, FIN", "wrong"), ("both", "unreadable"), ("ack=1, seq=0", "unreadable")],
)
def test_what_are_not_the_flags(text: str, state: str) -> None:
    assert Flags(frozenset({"SYN", "ACK"})).check(text).state == state


@pytest.mark.parametrize(
    "text", ["22, 23, 24", "22 23 24", "22、23、24", "frames 22, 23 and 24", "第 22、23、24 帧", "22/23/24"]
)
def test_several_numbers_may_be_parted_by_anything(text: str) -> None:
    assert Numbers((22, 23, 24), ordered=True).check(text).state == "right"


def test_several_numbers_in_order_or_not() -> None:
    assert Numbers((1, 2), ordered=True).check("2, 1").state == "wrong"
    assert Numbers((1, 2)).check("2, 1").state == "right"
    assert Numbers((1, 2)).check("1, 2, 3").state == "unreadable"
    assert Numbers((12, 345), ordered=True).check("12 345").state == "right"
    assert Numbers((1234, 5678), ordered=True).check("1 234, 5 678").state == "right"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("C A B", "right"),
        ("CAB", "right"),
        ("c-a-b", "right"),
        ("C→A→B", "right"),
        ("A B C", "wrong"),
        ("A B", "unreadable"),
        ("A A B C", "unreadable"),
    ],
)
def test_an_order(text: str, state: str) -> None:
    assert Order("CAB").check(text).state == state


def test_words_of_ones_own_are_for_a_person() -> None:
    assert Free().check("whatever").state == "open"
    assert Words(("a = 1",)).check("“A  =  1”").state == "right"


@given(st.text(max_size=300))
def test_no_text_is_too_strange(text: str) -> None:
    for answer in ANSWERS:
        outcome = answer.check(text)
        assert 0.0 <= outcome.credit <= 1.0
        assert (outcome.credit == 1.0) == (outcome.state == "right")


@pytest.mark.parametrize(
    "text",
    ["1" * 20000, "1," * 10000, "A " * 10000, "(" * 20000, "0x" * 10000, "1 2" * 7000, "e1" * 10000, " " * 20000 + "1"],
)
def test_a_long_answer_takes_no_long_time(text: str) -> None:
    for answer in ANSWERS:
        assert answer.check(text).state in ("right", "wrong", "unreadable", "open")


@pytest.mark.parametrize("text", ["SYN=1, ACK=0", "SYN, seq=0, ack=0", "SYN (no ACK)", "SYN", "只有 SYN，没有 ACK"])
def test_a_flag_that_is_said_not_to_be_set_is_not_set(text: str) -> None:
    assert Flags(frozenset({"SYN"})).check(text).state == "right"
    assert Flags(frozenset({"SYN", "ACK"})).check(text).state == "wrong"


@pytest.mark.parametrize(
    "text",
    ["120 ms", "120 milliseconds", "120 (ms)", "120.0", "0,12 s", "0.12 seconds", "120000 microseconds", "120 毫秒"],
)
def test_units_may_be_spelled_out(text: str) -> None:
    assert Time(120_000_000, "ms").check(text).state == "right"


@pytest.mark.parametrize("text", ["120 microseconds", "120 us", "0.12 ms"])
def test_another_unit_is_another_time(text: str) -> None:
    assert Time(120_000_000, "ms").check(text).state == "wrong"
    assert Time(120_000_000, "ms").check("120 parsecs").state == "unreadable"


@pytest.mark.parametrize("text", ["65536 (2^16)", "65536 = 2^16", "2^16 = 65536", "65536（即 2^16）"])
def test_a_number_may_be_explained(text: str) -> None:
    assert Whole(65536).check(text).state == "right"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("第二十帧", 20),
        ("六", 6),
        ("两个", 2),
        ("十四", 14),
        ("一百零五", 105),
        ("九十九", 99),
        ("five", 5),
        ("Sixteen", 16),
        ("三个，即 3 个", 3),
    ],
)
def test_small_numbers_may_be_written_in_words(text: str, value: int) -> None:
    assert Whole(value).check(text).state == "right"
    assert Whole(value + 1).check(text).state == "wrong"


def test_a_span_of_frames_and_an_underscore_are_understood() -> None:
    assert Numbers((1, 2, 3), ordered=True).check("frames 1-3").state == "right"
    assert Numbers((1, 2, 3)).check("1 to 3").state == "right"
    assert Numbers((1, 2, 4)).check("1-3").state == "wrong"
    states = Choice((Bilingual("LAST-ACK", "LAST-ACK"), Bilingual("CLOSED", "CLOSED")), 0)
    assert states.check("LAST_ACK").state == "right"
    assert SIDES.check("客户").state == "right"
