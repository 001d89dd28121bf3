"""Charts: round axes, everything marked by shape, and nothing that was captured left out."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.sample import LINE
from tests.wire import dialogue
from wirelab.base.texts import LANGUAGES, Language
from wirelab.judge.questions.facts import Facts, facts_of
from wirelab.observe.connections import Tracker
from wirelab.present.charts import axis, heartbeat_chart, sequence_chart

SVG = "{http://www.w3.org/2000/svg}"
BEATS = r"""
    a > s SYN
    s > a SYN,ACK
    a > s ACK
    s > a "HEARTBEAT 1\n"      at=500ms
    a > s "HEARTBEAT-ACK 1\n"  +4ms
    s > a "HEARTBEAT 2\n"      at=1000ms
    s > a "HEARTBEAT 3\n"      at=1500ms
    a > s "HEARTBEAT-ACK 3\n"  +2ms
    a > s "HEARTBEAT-ACK 3\n"  seq=17 +200ms
    a > s FIN
    s > a FIN
    a > s ACK
"""


def facts(text: str) -> Facts:
    tracker = Tracker(server_port=12001)
    for segment in dialogue(text):
        tracker.feed(segment)
    return facts_of(tracker.connections[0], LINE, "")


def marked(root: ElementTree.Element, kind: str) -> list[str]:
    return [one.attrib["data-frame"] for one in root.iter(f"{SVG}g") if one.get("class") == kind]


def words(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_heartbeats_with_their_delays_and_intervals(language: Language) -> None:
    root = ElementTree.fromstring(heartbeat_chart(facts(BEATS).pairing.exchanges, language=language))
    assert ["4", "6", "7"] == marked(root, "heartbeat")
    assert {"#1", "#2", "#3", "0.500"} <= set(words(root))
    assert ("unanswered" if language == "en" else "未应答") in words(root)
    about = root.find(f"{SVG}desc")
    assert about is not None
    assert about.text in (
        "3 heartbeats, 2 of them answered, after 2.000 to 4.000 ms",
        "共 3 个心跳，其中 2 个得到应答，延迟 2.000 到 4.000 ms",
    )


def test_many_heartbeats_leave_room_for_each_other() -> None:
    many = "".join(f's > a "HEARTBEAT {n}\\n" at={n * 100}ms\n' for n in range(1, 401))
    root = ElementTree.fromstring(heartbeat_chart(facts(many).pairing.exchanges, language="en"))
    assert 400 == len(marked(root, "heartbeat"))
    assert 2 < sum(text.startswith("#") for text in words(root)) < 30
    assert "0.100 to 0.100" in words(root)
    assert "answered" not in words(root)


def test_no_heartbeats() -> None:
    assert "没有看到心跳" in words(ElementTree.fromstring(heartbeat_chart([], language="zh")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_sequence_numbers_of_both_sides(language: Language) -> None:
    root = ElementTree.fromstring(sequence_chart(facts(BEATS).connection, language=language))
    assert {"1", "2", "4", "5", "6", "7", "8", "9", "10", "11"} == set(marked(root, "segment"))
    assert {"SYN", "FIN", "sent again" if language == "en" else "重传"} <= set(words(root))
    assert "RST" not in words(root)


def test_a_flood_is_drawn_once_where_it_lies_on_itself() -> None:
    flood = "".join(f'a > s "MSG {n}\\n" +0ms\n' for n in range(3000))
    svg = sequence_chart(facts(f"a > s SYN\ns > a SYN,ACK\n{flood}a > s FIN +900ms\n").connection, language="en")
    assert len(svg) < 100_000


@given(st.floats(1e-9, 1e12), st.integers(2, 9), st.booleans())
@settings(deadline=None)
def test_an_axis_is_round_and_reaches_all(most: float, ticks: int, whole: bool) -> None:
    made = axis(most, 0, 100, ticks, whole=whole)
    assert made.high >= most * (1 - 1e-6)
    assert 2 <= len(made.ticks) <= ticks + 1
    assert 0 <= made.at(most) <= 100 * (1 + 1e-6)
    assert len({made.text(tick) for tick in made.ticks}) == len(made.ticks)
    assert not whole or all(tick == int(tick) for tick in made.ticks)


@pytest.mark.parametrize("most", [0, -1, float("inf"), float("nan")])
def test_an_axis_of_nothing(most: float) -> None:
    assert (0, 1) == (axis(most, 0, 1).low, axis(most, 0, 1).high)
