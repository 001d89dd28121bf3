"""The ladder for paper: well-formed and inert whatever was said, whole where it matters, shortened where it is long."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.sample import ALICE, BOB, LINE, noted, played
from tests.wire import dialogue
from wirelab.base.texts import LANGUAGES, Language
from wirelab.observe.connections import Noted
from wirelab.present.ladder import Ladder, port_name
from wirelab.present.ladder_svg import ladder_pages, ladder_svg
from wirelab.present.svg import fitted, wide

NAMES = {12001: "server", ALICE: "alice", BOB: "bob"}
SVG = "{http://www.w3.org/2000/svg}"
TAGS = {"svg", "title", "desc", "g", "rect", "line", "path", "circle", "text"}
HELLO = "a > s SYN\ns > a SYN,ACK\na > s ACK\n"
GOODBYE = "a > s FIN\ns > a FIN\na > s ACK\n"


def drawn(text: str, language: Language = "en", most: int = 60) -> ElementTree.Element:
    return ElementTree.fromstring(ladder_svg(noted(dialogue(text)), LINE, NAMES, language=language, most=most))


def payload(data: bytes) -> str:
    """Bytes as a dialogue writes them."""
    return 'b"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def words(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def frames(root: ElementTree.Element) -> list[int]:
    return [int(one.attrib["data-frame"]) for one in root.iter(f"{SVG}g") if one.get("class") == "rung"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_segment_is_there_with_all_that_it_says(language: Language) -> None:
    segments = [one for one in played() if isinstance(one, Noted)]
    root = ElementTree.fromstring(ladder_svg(segments, LINE, NAMES, language=language))
    assert [one.segment.frame for one in segments] == frames(root)
    shown = words(root)
    for one in segments:
        assert one.segment.flag_names() in shown
        assert any(text.startswith(f"seq={one.seq}") for text in shown)
    assert {"HEARTBEAT 1", "HEARTBEAT-ACK 1", "ESTABLISHED", "TIME-WAIT"} <= set(shown)
    assert ("(retransmission)" if language == "en" else "(重传)") in shown
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == ("Segments of 2 connections" if language == "en" else "2 个连接的报文段")


def test_on_several_sheets_each_segment_is_on_one_and_marks_stand_beside_theirs() -> None:
    segments = noted(dialogue(HELLO + 'a > s "MSG x\\n"\n' * 7 + GOODBYE))
    reader = Ladder(LINE, port_name, language="en", width=120, colour=False)
    rungs = [reader.see(one) for one in segments]
    pages = [
        ElementTree.fromstring(one)
        for one in ladder_pages(rungs, LINE, NAMES, language="en", rows=4, marks={9: "WL501 WL551"})
    ]
    assert [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13]] == [frames(page) for page in pages]
    assert [2] == [at for at, page in enumerate(pages) if "WL501 WL551" in words(page)]
    assert all({"client", "server", "state"} <= set(words(page)) for page in pages)


@pytest.mark.parametrize("behind", [False, True])
def test_where_a_trace_and_the_segments_part_is_written_across(behind: bool) -> None:
    reader = Ladder(LINE, port_name, language="en", width=120, colour=False)
    rungs = [reader.see(one) for one in noted(dialogue(HELLO + 'a > s "MSG x"\n' + GOODBYE))]
    frame = rungs[3].noted.segment.frame
    (svg,) = ladder_pages(rungs, LINE, NAMES, language="en", parted={frame: ("✗ expected here", behind)})
    texts = [
        (text, float(one.get("y", "0")))
        for one in ElementTree.fromstring(svg).iter(f"{SVG}text")
        for text in [one.text]
    ]
    (bar,) = (y for text, y in texts if text == "✗ expected here")
    heights = {text: y for text, y in texts if text in ("3", "4", "5")}
    assert (heights["4"] < bar < heights["5"]) if behind else (heights["3"] < bar < heights["4"])


def test_changed_states_are_bold_and_others_are_not() -> None:
    root = drawn(HELLO)
    states = [
        (one.text, one.get("font-weight"))
        for one in root.iter(f"{SVG}text")
        if re.fullmatch("[A-Z]+-?[A-Z]*", one.text or "")
    ]
    assert ("SYN-SENT", "700") in states
    assert ("SYN-SENT", None) in states
    assert ("LISTEN", None) in states
    assert ("LISTEN", "700") not in states


def test_a_flood_is_shortened_and_its_beginning_and_end_stay() -> None:
    flood = "".join(f'a > s "MSG {number}\\n"\n' for number in range(2000))
    root = drawn(HELLO + flood + "a > s RST\n", most=24)
    left = frames(root)
    assert 24 == len(left)
    assert {1, 2, 3, 4, 2003, 2004} <= set(left)
    assert "… 1 980 more segments (frames 18 to 1997)" in words(root)


def test_what_opens_and_closes_is_never_left_out() -> None:
    again = "".join(f"a > s FIN seq=1 ack=1 +{200 + number}ms\n" for number in range(30))
    assert 36 - 3 + 3 == len(frames(drawn(HELLO + again + GOODBYE, most=5)))


def test_one_that_is_left_out_is_told_in_the_singular() -> None:
    root = drawn(HELLO + 's > a "BROADCAST a\\n"\na > s ACK\na > s "MSG a\\n"\n', most=5)
    assert [text for text in words(root) if text.startswith("…")] == ["… 1 more segment (frame 6)"]


def test_nothing_was_seen() -> None:
    assert "no segments" in words(ElementTree.fromstring(ladder_svg([], LINE, {}, language="en")))


@given(
    st.lists(st.one_of(st.text(max_size=300), st.binary(max_size=60)), min_size=1, max_size=3),
    st.text(max_size=30),
    st.sampled_from(LANGUAGES),
)
@settings(deadline=None, max_examples=60)
def test_nothing_foreign_adds_anything(said: list[str | bytes], name: str, language: Language) -> None:
    parts = [b"MSG %b\n" % (part.encode(errors="replace") if isinstance(part, str) else part) for part in said]
    lines = HELLO + "".join("a > s " + payload(part) + "\n" for part in parts) + GOODBYE
    svg = ladder_svg(noted(dialogue(lines)), LINE, {12001: name, ALICE: "<script>alert(1)</script>"}, language=language)
    root = ElementTree.fromstring(svg)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= TAGS
    assert not any("href" in key or key.startswith("on") or "style" in key for one in root.iter() for key in one.attrib)
    assert "url(" not in "".join(value for one in root.iter() for value in one.attrib.values())
    assert all(float(one.attrib["x"]) >= 0 for one in root.iter(f"{SVG}text"))


@given(st.text(max_size=80), st.floats(20, 500))
@settings(deadline=None)
def test_text_is_cut_to_its_room(text: str, room: float) -> None:
    assert wide(fitted(text, 12, room), 12) <= room + 12 * 0.6
