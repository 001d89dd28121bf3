"""Questions about heartbeats, on dialogues where a right student could be told wrong."""

from __future__ import annotations

import pytest

from tests.wire import dialogue
from wirelab.compose import kit
from wirelab.declare.protocol import load_profile
from wirelab.judge.questions import answering, heartbeats
from wirelab.judge.questions.answers import Choice
from wirelab.judge.questions.asking import Asked, Kind
from wirelab.judge.questions.facts import Facts, Lot, facts_of
from wirelab.observe.connections import Tracker

KINDS: dict[str, Kind] = {kind.name: kind for module in (heartbeats, answering) for kind in module.KINDS}
OPEN = """
    c > s SYN
    s > c SYN,ACK
    c > s ACK
"""


def beat(n: int, *, after: float = 200, delay: float = 1, ack: bool = False) -> str:
    """A heartbeat and its answer; ``ack``: acknowledged alone before."""
    alone = "c > s ACK +0.05ms\n" if ack else ""
    return f's > c "HEARTBEAT {n}\\n" +{after}ms\n{alone}c > s "HEARTBEAT-ACK {n}\\n" +{delay}ms\ns > c ACK +0.05ms\n'


def talk(text: str, protocol: str = "line") -> Facts:
    tracker = Tracker(server_port=12001)
    for segment in dialogue(OPEN + text):
        tracker.feed(segment)
    return facts_of(tracker.connections[0], load_profile(*kit.protocol_text(protocol)), "test")


def ask(name: str, facts: Facts) -> Asked | None:
    return KINDS[name].ask(facts, Lot("test"))


def solutions(name: str, facts: Facts) -> list[str]:
    """The right answers; a choice by its words."""
    one = ask(name, facts)
    assert one is not None, name
    return [
        field.answer.options[field.answer.right].en if isinstance(field.answer, Choice) else field.answer.solution.en
        for field in one.fields
    ]


def slip(name: str, facts: Facts, field: int, answer: str) -> str:
    """What is said of a wrong answer in particular."""
    one = ask(name, facts)
    assert one is not None
    outcome = one.fields[field].answer.check(answer)
    assert outcome.state == "wrong"
    assert outcome.said is not None
    assert outcome.said.in_("zh")
    return outcome.said.in_("en")


THREE = beat(1) + beat(2, delay=30) + beat(3, after=400)


def test_three_heartbeats() -> None:
    facts = talk(THREE)
    assert ["3", "3"] == solutions("heartbeat-count", facts)
    assert ["2", "30 ms"] == solutions("slowest-answer", facts)
    intervals, average = solutions("heartbeat-interval", facts)
    assert "2" == intervals
    assert average.startswith("0.3155")
    assert "84" == solutions("heartbeat-lengths", facts)[3]


def test_slips_are_recognised() -> None:
    facts = talk(THREE)
    assert "counts the answers" in slip("heartbeat-count", facts, 0, "6")
    assert "intervals between them" in slip("heartbeat-interval", facts, 0, "3")
    assert "intervals between them" in slip("heartbeat-interval", facts, 1, "0.2103 s")
    assert "fastest" in slip("slowest-answer", facts, 1, "1 ms")
    assert "its frame" in slip("slowest-answer", facts, 0, "7")
    assert "the other one" in slip("heartbeat-lengths", facts, 0, "16")
    one = talk(beat(1))
    assert "next one expected" in slip("heartbeat-acknowledged", one, 0, "12")
    assert "TCP's acknowledgment number" in slip("heartbeat-number", one, 0, "13")
    assert "heartbeat itself" in slip("heartbeat-frames", one, 1, "4")


def test_the_kernels_ack_is_not_the_programs_answer() -> None:
    one = talk(beat(1, ack=True))
    assert ["4", "6"] == solutions("heartbeat-frames", one)
    assert "kernel" in slip("heartbeat-frames", one, 1, "5")
    facts = talk(beat(1, ack=True) + beat(2, delay=9, ack=True))
    assert "up to TCP's acknowledgment" in slip("slowest-answer", facts, 1, "0.05 ms")


def test_how_a_heartbeat_is_acknowledged() -> None:
    assert ["5", "with the answer, in the same segment"] == solutions("heartbeat-piggyback", talk(beat(1)))
    assert "5" == (found := solutions("heartbeat-piggyback", talk(beat(1, ack=True))))[0]
    assert found[1].startswith("alone")
    busy = 's > c "HEARTBEAT 1\\n"\nc > s "MSG hi\\n"\nc > s "HEARTBEAT-ACK 1\\n"\ns > c ACK\n'
    assert ["5", "with other data, before the answer"] == solutions("heartbeat-piggyback", talk(busy))


def test_which_bytes_an_answer_acknowledges() -> None:
    assert ["13", "1, 12"] == solutions("heartbeat-acknowledged", talk(beat(1)))
    more = 's > c "HEARTBEAT 1\\n"\ns > c "BROADCAST hi\\n"\nc > s "HEARTBEAT-ACK 1\\n"\ns > c ACK\n'
    assert ask("heartbeat-acknowledged", talk(more)) is None


COALESCED = 's > c "HEARTBEAT 1\\nHEARTBEAT 2\\n"\nc > s "HEARTBEAT-ACK 1\\nHEARTBEAT-ACK 2\\n"\ns > c ACK\n'
CUT = 's > c "HEARTB"\nc > s ACK\ns > c "EAT 1\\n"\nc > s "HEARTBEAT-ACK 1\\n"\ns > c ACK\n'
AGAIN = 's > c "HEARTBEAT 1\\n" lost\ns > c "HEARTBEAT 1\\n" seq=1\nc > s "HEARTBEAT-ACK 1\\n"\ns > c ACK\n'
UNANSWERED = 's > c "HEARTBEAT 1\\n"\nc > s ACK\n'
TWICE = beat(1) + 'c > s "HEARTBEAT-ACK 1\\n"\ns > c ACK\n'
SAME = beat(1) + beat(1)
NONE = 'c > s "MSG hi\\n"\ns > c ACK\n'
ONE = ("heartbeat-acknowledged", "heartbeat-lengths", "heartbeat-piggyback", "heartbeat-number")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("text", [AGAIN, TWICE, SAME, NONE], ids=["retransmitted", "answered twice", "same", "none"])
def test_what_is_not_plain_is_not_asked(name: str, text: str) -> None:
    assert ask(name, talk(text)) is None


@pytest.mark.parametrize("name", ["heartbeat-frames", *ONE, "slowest-answer"])
@pytest.mark.parametrize("text", [CUT, UNANSWERED], ids=["in pieces", "unanswered"])
def test_a_heartbeat_in_pieces_or_unanswered_is_only_counted(name: str, text: str) -> None:
    assert ask(name, talk(text)) is None
    assert ["1", str(int(text is CUT))] == solutions("heartbeat-count", talk(text))


def test_heartbeats_that_share_a_segment() -> None:
    facts = talk(COALESCED)
    assert ["4", "5"] == solutions("heartbeat-frames", facts)
    assert ["2", "2"] == solutions("heartbeat-count", facts)
    for name in ONE:
        assert ask(name, facts) is None


def test_the_unanswered_last_one_is_counted_apart() -> None:
    facts = talk(beat(1) + beat(2) + 's > c "HEARTBEAT 3\\n"\nc > s ACK\n')
    assert ["3", "2"] == solutions("heartbeat-count", facts)
    assert "not every" in slip("heartbeat-count", facts, 1, "3")
    assert solutions("heartbeat-number", facts)[0] in ("1", "2")


@pytest.mark.parametrize(("one", "two"), [(10, 10), (10, 10.4), (0.003, 0.002)])
def test_of_answers_that_took_about_the_same_time_any_is_right(one: float, two: float) -> None:
    asked = ask("slowest-answer", talk(beat(1, delay=one) + beat(2, delay=two)))
    assert asked is not None
    for text in ("1", "2"):
        assert asked.fields[0].answer.check(text).state == "right"
    for delay in (one, two):
        assert asked.fields[1].answer.check(f"{delay} ms").state == "right"
    assert ask("slowest-answer", talk(beat(1, delay=0.001) + beat(2, delay=0.0015))) is None, "nobody can read that"


def test_without_numbers_heartbeats_are_counted_off() -> None:
    text = "".join(f's > c "HEARTBEAT" +90ms\nc > s "HEARTBEAT_ACK" +{delay}ms\ns > c ACK\n' for delay in (1, 20, 2))
    facts = talk(text, "bare")
    assert ["2", "20 ms"] == solutions("slowest-answer", facts)
    assert ["3", "3"] == solutions("heartbeat-count", facts)
    assert "number" in (ask("heartbeat-frames", facts) or pytest.fail("not asked")).text.in_("en")
    assert ask("heartbeat-number", facts) is None
    assert ask("heartbeat-frames", talk(text + 's > c "HEARTBEAT"\nc > s ACK\n', "bare")) is None


def test_an_unknown_line_does_not_matter_unless_it_is_like_a_heartbeat() -> None:
    assert ["1", "1"] == solutions("heartbeat-count", talk('s > c "Welcome!\\n"\nc > s ACK\n' + beat(1)))
    assert ask("heartbeat-count", talk(beat(1) + 's > c "HEARTBEAT two\\n"\nc > s ACK\n')) is None


def test_numbers_that_do_not_begin_at_one() -> None:
    facts = talk(beat(7) + beat(8, delay=50))
    assert "8" == solutions("slowest-answer", facts)[0]
    assert "place" in slip("slowest-answer", facts, 0, "2")
