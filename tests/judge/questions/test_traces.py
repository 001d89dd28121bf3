"""Traces with blanks, and segments to put in order: every blank, every slip, and only where one order is right."""

from __future__ import annotations

import re

import pytest

from tests.judge.questions.captures import facts
from tests.judge.questions.told import (
    DATA_IN_FLIGHT,
    FOUR,
    HALF_CLOSED,
    OPEN,
    ORDERLY,
    THREE,
    UNASKABLE,
    kinds,
    put,
    told,
)
from wirelab.judge.questions import traces
from wirelab.judge.questions.answers import Flags, Order, Whole
from wirelab.judge.questions.asking import Asked
from wirelab.judge.questions.phrases import RAW, RELATIVE
from wirelab.judge.questions.written_trace import spelled

KINDS = kinds(traces.KINDS)
BLANKS = [name for name in KINDS if name.endswith("-blanks")]
ORDERS = [name for name in KINDS if name.endswith("-order")]
ABOUT_CLOSING = [name for name in KINDS if "teardown" in name]
BEAT = (
    OPEN
    + r"""
    s > c "HEARTBEAT 1\n" +200ms
    c > s "HEARTBEAT-ACK 1\n"
    s > c ACK
    s > c "HEARTBEAT 2\n" +200ms
    c > s ACK +40ms
    c > s "HEARTBEAT-ACK 2\n"
    s > c ACK
"""
)


def ask(name: str, dialogue: str, seed: str = "a seed") -> Asked:
    one = put(KINDS[name], told(dialogue, seed))
    assert one is not None
    return one


@pytest.mark.parametrize("name", ABOUT_CLOSING)
@pytest.mark.parametrize("shape", UNASKABLE)
def test_nothing_is_asked_about_a_teardown_that_has_no_one_telling(name: str, shape: str) -> None:
    assert put(KINDS[name], told(UNASKABLE[shape])) is None


@pytest.mark.parametrize("name", BLANKS)
def test_the_blanks_filled_in_give_the_capture_back(name: str) -> None:
    for number in range(40):
        run = facts(number)
        one = put(KINDS[name], run)
        assert one is not None
        assert [f"({at})" for at in range(1, len(one.fields) + 1)] == re.findall(r"\(\d+\)", one.block)
        block = one.block
        for at, field in enumerate(one.fields, 1):
            assert field.prompt.in_("en").startswith(f"({at}) ")
            block = block.replace(f"({at})____", field.answer.solution.en.replace(" ", ""))
        raw = name == "handshake-blanks"
        captured = {
            (
                noted.sender,
                noted.segment.flag_names(),
                noted.segment.seq if raw else noted.seq,
                (noted.segment.ack if raw else noted.ack) if noted.ack is not None else None,
            )
            for noted in run.segments
        }
        for line in block.splitlines():
            found = re.match(r"(client|server) > \w+ +(\S+) +seq=(\d+)(?: ack=(\d+))?", line)
            assert found is not None, line
            assert (found[1], found[2], int(found[3]), int(found[4]) if found[4] else None) in captured


@pytest.mark.parametrize("name", BLANKS)
def test_no_slip_is_the_right_number(name: str) -> None:
    for number in range(40):
        one = put(KINDS[name], facts(number))
        assert one is not None
        for field in one.fields:
            if isinstance(field.answer, Flags):
                continue
            assert isinstance(field.answer, Whole)
            for slip, _ in field.answer.slips:
                outcome = field.answer.check(str(slip))
                assert outcome.state == "wrong"
                assert outcome.said is not None


def slips(name: str, dialogue: str) -> set[tuple[str, int, str]]:
    """Every slip that is ever told, over many draws: the frame and what is asked, the wrong number, the first words."""
    found = set()
    for seed in range(60):
        for field in ask(name, dialogue, f"run {seed}").fields:
            if isinstance(field.answer, Whole):
                what = f"{field.frames[0]} {field.prompt.in_('en').split()[1]}"
                found |= {(what, slip, why.in_("en").split(":")[0]) for slip, why in field.answer.slips}
    return found


def test_slips_in_a_teardown() -> None:
    forgot = "SYN and FIN take up one sequence number each"
    raw = RAW.in_("en")
    assert {
        ("6 seq", 1, "seq and ack are swapped"),
        ("6 seq", 1008, raw),
        ("7 ack", 8, forgot),
        ("8 ack", 1, forgot),
        ("8 ack", 9, "seq and ack are swapped"),
        ("8 ack", 2002, raw),
    } <= slips("teardown-blanks", THREE)


def test_slips_in_a_handshake_and_a_heartbeat() -> None:
    relative = RELATIVE.in_("en")
    assert {
        ("1 seq", 0, relative),
        ("2 ack", 1000, "SYN and FIN take up one sequence number each"),
        ("3 ack", 2000, "SYN and FIN take up one sequence number each"),
    } <= slips("handshake-blanks", OPEN)
    assert {
        ("6 len", 11, "the LF at the end of the line counts too"),
        (
            "8 ack",
            8,
            "this is where the acknowledged segment begins; what is acknowledged is the number behind its last byte",
        ),
        ("8 ack", 9, "only SYN and FIN count as one; data counts its bytes"),
        ("8 ack", 23, "this is the number of the last byte; what is acknowledged is the next one expected"),
    } <= slips("heartbeat-blanks", BEAT)


def test_a_heartbeat_with_blanks_names_its_message() -> None:
    blocks = {ask("heartbeat-blanks", BEAT, f"run {seed}").block for seed in range(30)}
    assert all('"HEARTBEAT 1"' in block or '"HEARTBEAT 2"' in block for block in blocks)
    assert {3, 4} == {len(block.splitlines()) for block in blocks}


@pytest.mark.parametrize("name", ORDERS)
def test_the_right_order_is_that_of_the_capture_and_no_two_lines_are_the_same(name: str) -> None:
    for number in range(40):
        run = facts(number)
        one = put(KINDS[name], run)
        assert one is not None
        lines = dict(line.split("  ", 1) for line in one.block.splitlines())
        assert len(set(lines.values())) == len(lines)
        (field,) = one.fields
        assert isinstance(field.answer, Order)
        shown = {
            noted.segment.frame: spelled(
                noted.sender,
                noted.segment.flag_names(),
                seq=noted.seq,
                **({} if noted.ack is None else {"ack": noted.ack}),
                len=noted.segment.length,
            )
            for noted in run.segments
        }
        assert [shown[frame] for frame in field.frames] == [lines[letter] for letter in field.answer.right]
        assert sorted(field.frames) == list(field.frames)


def test_segments_that_look_the_same_are_not_to_be_put_in_order() -> None:
    # The server says twice that it got everything; the window differs, which the notation does not show.
    same = OPEN + "s > c ACK win=600\n c > s FIN\n s > c FIN\n c > s ACK"
    assert len(ask("teardown-order", same).block.splitlines()) == 3
    assert put(KINDS["exchange-order"], told(OPEN)) is None


def test_exchanges_to_put_in_order_are_longer_than_one_where_they_can_be() -> None:
    assert {4, 7} >= {len(ask("exchange-order", BEAT, f"run {seed}").block.splitlines()) for seed in range(20)}


@pytest.mark.parametrize("name", ["teardown-blanks", "teardown-order"])
def test_data_between_the_fins_is_shown(name: str) -> None:
    assert len(ask(name, HALF_CLOSED).block.splitlines()) == 6 + 2 * (name == "teardown-order")
    assert "len=12" in ask("teardown-order", DATA_IN_FLIGHT).block
    assert len(ask("teardown-blanks", FOUR).block.splitlines()) == 4


@pytest.mark.parametrize("shape", ORDERLY)
@pytest.mark.parametrize("name", KINDS)
def test_every_solution_is_right(name: str, shape: str) -> None:
    one = put(KINDS[name], told(ORDERLY[shape]))
    if one is None:
        assert name in ("heartbeat-blanks", "exchange-order")
        return
    for field in one.fields:
        assert field.answer.check(field.answer.solution.en).state == "right"


def test_nothing_is_asked_where_segments_were_sent_twice() -> None:
    again = OPEN.replace("c > s ACK\n", "c > s ACK\n    s > c SYN,ACK seq=0 +200ms\n    c > s ACK\n", 1)
    assert put(KINDS["handshake-blanks"], told(again)) is None
    assert put(KINDS["write-handshake"], told(again)) is None
