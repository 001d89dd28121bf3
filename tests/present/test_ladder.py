"""The ladder: golden files, alignment whatever messages hold, and what each rung says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.sample import ALICE, BOB, LINE, noted, played
from tests.wire import dialogue
from wirelab.base.texts import LANGUAGES, Language
from wirelab.observe.connections import Noted
from wirelab.observe.framing import Framing
from wirelab.observe.messages import Profile
from wirelab.present.ladder import ladder
from wirelab.present.style import cells

NAMES = {12001: "server", ALICE: "alice", BOB: "bob"}
INK = re.compile(r"\x1b\[[0-9;]*m")


def drawn(
    text: str, width: int = 120, profile: Profile = LINE, language: Language = "en", names: dict[int, str] = NAMES
) -> list[str]:
    return ladder(noted(dialogue(text)), profile, names, language=language, width=width, colour=False)


def rails(line: str) -> tuple[int, int]:
    """The cells where the left and the right rail stand."""
    first, last = re.search("[├│]", line), re.search("[│┤](?=[^│┤]*$)", line)
    assert first is not None, line
    assert last is not None, line
    return cells(line[: first.start()]), cells(line[: last.start()])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 120])
def test_golden(golden: Callable[[str, list[str]], None], language: Language, width: int) -> None:
    segments = [one for one in played() if isinstance(one, Noted)]
    lines = ladder(segments, LINE, NAMES, language=language, width=width, colour=False)
    golden(f"ladder-{language}-{width}", lines)
    assert all(cells(line) <= width for line in lines)
    coloured = ladder(segments, LINE, NAMES, language=language, width=width, colour=True)
    assert lines == [INK.sub("", line).rstrip() for line in coloured]
    assert lines != coloured


@given(
    st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=60)), min_size=1, max_size=4),
    st.integers(60, 170),
    st.sampled_from(["line", "length-prefix", "none"]),
    st.sampled_from(LANGUAGES),
    st.text(st.characters(exclude_characters="├│┤"), max_size=20),
)
@settings(deadline=None)
def test_rails_stand_in_the_same_cells_in_every_line(
    texts: list[str | bytes], width: int, framing: str, language: Language, name: str
) -> None:
    payloads = [text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass") for text in texts]
    quoted = ['b"' + "".join(f"\\x{byte:02x}" for byte in payload) + '"' for payload in payloads]
    lines = [f"{way} {payload}" for payload in quoted for way in ("c > s", "s > c")]
    script = "\n".join(["c > s SYN", "s > c SYN,ACK", "c > s ACK", *lines, "c > s FIN", "s > c FIN", "c > s ACK"])
    profile = Profile("any", Framing(framing), LINE.messages)  # type: ignore[arg-type]
    rungs = drawn(script, width, profile, language, {12001: name, 40000: name})[1:]
    assert {rails(rungs[1])} == {rails(line) for line in rungs[1:]}
    assert not {unicodedata.category(char) for line in rungs for char in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_the_beginning_of_a_connection() -> None:
    lines = drawn("c > s SYN\ns > c SYN,ACK\nc > s ACK", 80)
    assert lines == [
        "time/s frame client         state    * = state has just changed     state",
        "                     alice :40000 │         tcp.stream 0         │ server :12001",
        "  0.000    1 alice      *SYN-SENT ├─ SYN seq=0 ─────────────────▶│  LISTEN",
        "  0.001    2 alice       SYN-SENT │◀─ SYN,ACK seq=0 ack=1 ───────┤ *SYN-RECEIVED",
        "  0.002    3 alice   *ESTABLISHED ├─ ACK seq=1 ack=1 ───────────▶│ *ESTABLISHED",
    ]


def said(lines: list[str]) -> list[str]:
    """What stands between the rails of rungs, without the arrows."""
    return [re.sub(r" ?[─◀▶]+ ?", "", line[slice(*rails(line))].strip("├│ ")).strip() for line in lines[2:]]


def test_messages_and_their_parts() -> None:
    text = r"""
        c > s SYN
        s > c SYN,ACK
        c > s ACK
        c > s "MSG hal"
        c > s "f\nMSG two\nnoise\n"
        c > s b"MSG \xff\n"
        c > s "MSG never"
        c > s FIN
    """
    assert said(drawn(text))[3:] == [
        "ACK seq=1 ack=1 len=7  (part) MSG hal",
        "ACK seq=8 ack=1 len=16",
        "MSG half",
        "MSG two",
        "(unknown) noise",
        "ACK seq=24 ack=1 len=6  (not UTF-8) MSG \ufffd",
        "ACK seq=30 ack=1 len=9  (part) MSG never",
        "FIN,ACK seq=39 ack=1  (unfinished) MSG never",
    ]


def test_many_messages_of_one_segment_are_counted() -> None:
    payload = r"MSG x\n" * 1234
    lines = said(drawn(f'c > s SYN\ns > c SYN,ACK\nc > s ACK\nc > s "{payload}"'))
    assert lines[-1] == "… 1 230 more messages"
    assert len(lines) == 3 + 1 + 4 + 1


def test_notes_are_named() -> None:
    refused = drawn("c > s SYN\ns > c RST,ACK seq=0 ack=1")
    assert "(refused)" in refused[-1]
    again = 'c > s SYN\ns > c SYN,ACK\nc > s ACK\nc > s "MSG a\\n"\nc > s "MSG a\\n" seq=1'
    assert said(drawn(again))[-1] == "ACK seq=1 ack=1 len=6  (retransmission)"
    assert said(drawn(again, language="zh"))[-1] == "ACK seq=1 ack=1 len=6  (重传)"


def test_who_is_not_known_goes_by_the_port() -> None:
    lines = drawn("c > s SYN", names={})
    assert ":40000 │" in lines[1]
    assert "│ :12001" in lines[1]
    assert " :40000 " in lines[2]


def test_rails_stay_where_they_are_when_numbers_grow() -> None:
    beginning, *_ = dialogue("c > s SYN")
    segments = [
        replace(beginning, frame=frame, time=beginning.time + seconds * 1_000_000_000)
        for frame, seconds in [(1, 0), (99_999, 99), (100_000, 100), (1_234_567, 10_000), (12_345_678_901, 9)]
    ]
    lines = ladder(noted(segments), LINE, NAMES, language="en", width=80, colour=False)[1:]
    assert len({rails(line) for line in lines}) == 1
    assert [line[:12] for line in lines if "SYN seq" in line] == [
        "  0.000    1",
        "99.000 99999",
        "100.0 100000",
        "     1234567",
        " 12345678901",
    ]


def test_origin_of_the_time_axis() -> None:
    segments = dialogue("c > s SYN")
    lines = ladder(
        noted(segments), LINE, NAMES, language="en", width=80, colour=False, origin=segments[0].time - 1_500_000_000
    )
    assert lines[-1].startswith("  1.500    1 alice")
