"""Questions about messages, bytes and headers, on dialogues where a right student could be told wrong."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from tests.wire import dialogue
from wirelab.compose import kit
from wirelab.declare.protocol import load_profile
from wirelab.judge.questions import counting, data, headers
from wirelab.judge.questions.answers import Choice
from wirelab.judge.questions.asking import Asked, Kind
from wirelab.judge.questions.facts import Facts, Lot, facts_of
from wirelab.observe.connections import Tracker
from wirelab.observe.segments import Segment

KINDS: dict[str, Kind] = {kind.name: kind for module in (data, counting, headers) for kind in module.KINDS}
OPEN = """
    c > s SYN
    s > c SYN,ACK
    c > s ACK
"""
CLOSE = """
    c > s FIN
    s > c FIN
    c > s ACK
"""
STAMP = struct.pack("!BBBBII", 1, 1, 8, 10, 1, 2)


def about(segments: list[Segment], protocol: str = "line") -> Facts:
    tracker = Tracker(server_port=12001)
    for segment in segments:
        tracker.feed(segment)
    return facts_of(tracker.connections[0], load_profile(*kit.protocol_text(protocol)), "test")


def talk(text: str, protocol: str = "line") -> Facts:
    """A whole connection in which this is said."""
    return about(dialogue(OPEN + text + CLOSE), protocol)


def ask(name: str, facts: Facts) -> Asked | None:
    return KINDS[name].ask(facts, Lot("test"))


def solutions(name: str, facts: Facts) -> list[str]:
    """The right answers; a choice by its words."""
    one = ask(name, facts)
    assert one is not None
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


HELLO = r"""
    c > s "MSG hello\n"
    s > c ACK
"""
CHINESE = r"""
    c > s "MSG 你好\n"
    s > c ACK
"""
EQUAL = HELLO + HELLO
SPLIT = r"""
    c > s "MSG hel"
    s > c ACK
    c > s "lo\n"
    s > c ACK
"""
GLUED = r"""
    c > s "MSG hello\nMSG world\n"
    s > c ACK
"""
AGAIN = r"""
    c > s "MSG hello\n" lost
    c > s "MSG hello\n" seq=1
    s > c ACK
"""
PER_MESSAGE = ("message-bytes", "message-frame", "message-sequence", "message-acknowledged", "message-from-hex")


def test_a_message_and_what_acknowledges_it() -> None:
    facts = talk(HELLO)
    assert ["10", "5", "“MSG ” stands before the text and a line end after it"] == solutions("message-bytes", facts)
    assert ["4", str(facts.connection.client.port)] == solutions("message-frame", facts)
    assert ["1", "11"] == solutions("message-sequence", facts)
    assert ["5", "11"] == solutions("message-acknowledged", facts)
    assert ["hello", "0a"] == solutions("message-from-hex", facts)


def test_chinese_text_takes_more_bytes_than_characters() -> None:
    facts = talk(CHINESE)
    total, size, why = solutions("message-bytes", facts)
    assert ("11", "6") == (total, size)
    assert why.endswith("; some characters take more than one byte in UTF-8")
    assert "take 6 bytes" in slip("message-bytes", facts, 1, "2")
    assert ["你好", "0a"] == solutions("message-from-hex", facts)
    one = ask("message-from-hex", facts)
    assert one is not None
    assert "0000   4d 53 47 20 e4 bd a0 e5   a5 bd 0a" == one.block
    for written in ("`你好`", "“你好”", "MSG 你好"):
        assert one.fields[0].answer.check(written).state == "right"
    for written in ("0x0A", "0a (LF)", "LF", "\\n"):
        assert one.fields[1].answer.check(written).state == "right"


@pytest.mark.parametrize("name", PER_MESSAGE)
@pytest.mark.parametrize("text", [EQUAL, SPLIT, AGAIN], ids=["said twice", "in pieces", "retransmitted"])
def test_what_has_two_answers_is_not_asked(name: str, text: str) -> None:
    assert ask(name, talk(text)) is None


@pytest.mark.parametrize("other", ["MSG Hello", "MSG  hello"])
def test_texts_that_look_the_same_are_not_asked_for(other: str) -> None:
    assert ask("message-frame", talk(HELLO + f'    c > s "{other}\\n"\n')) is None


def test_the_one_of_three_that_was_said_once_is_asked_for() -> None:
    assert "8" == solutions("message-frame", talk(EQUAL + 'c > s "MSG bye\\n"\n'))[0]


def test_messages_that_share_a_segment_have_a_frame_but_no_length_of_their_own() -> None:
    facts = talk(GLUED)
    assert "4" == solutions("message-frame", facts)[0]
    for name in ("message-bytes", "message-sequence", "message-acknowledged", "message-from-hex"):
        assert ask(name, facts) is None


@pytest.mark.parametrize(
    "text", [r'c > s "MSG a`b\n"', r'c > s "MSG \x1b[1m\n"', r'c > s "MSG ...\n"', r'c > s "MSG \n"']
)
def test_what_cannot_be_quoted_is_not_asked_for(text: str) -> None:
    assert ask("message-from-hex", talk(text)) is None


def test_an_ack_that_covers_two_messages_or_rides_on_data_counts() -> None:
    facts = talk('c > s "MSG one\\n"\ns > c "HEARTBEAT 1\\n"\nc > s "HEARTBEAT-ACK 1\\n"\n')
    assert ["5", "9"] == solutions("message-acknowledged", facts)
    facts = talk('c > s "MSG one\\n"\nc > s "HEARTBEAT-ACK 1\\n"\ns > c ACK\n')
    assert ["6", "25"] == solutions("message-acknowledged", facts)


def test_slips_of_numbers_are_recognised() -> None:
    facts = talk(HELLO)
    noted = facts.frame(4)
    assert noted is not None
    assert "raw" in slip("message-sequence", facts, 0, str(noted.segment.seq))
    assert "count bytes" in slip("message-sequence", facts, 1, "2")
    assert "next one expected" in slip("message-acknowledged", facts, 1, "10")
    assert "carries the text itself" in slip("message-acknowledged", facts, 0, "4")
    assert "acknowledges it" in slip("message-frame", facts, 0, "5")
    assert "text alone" in slip("message-bytes", facts, 0, "5")
    assert "headers" in slip("message-bytes", facts, 0, str(10 + 20 + 20))
    assert "SYN takes" in slip("bytes-of-client", facts, 1, "11")


@pytest.mark.parametrize(
    ("protocol", "payload", "expected"),
    [
        ("length", rb"\0\0\0\x06MSG hi", ["10", "2", "a length field and “MSG ” stand before the text"]),
        ("bare", rb"hi\n", ["3", "2", "a line end is sent with the text"]),
        ("line", rb"MSG hi\r\n", ["8", "2", "“MSG ” stands before the text and a line end after it"]),
    ],
)
def test_other_framings(protocol: str, payload: bytes, expected: list[str]) -> None:
    facts = talk(f'c > s b"{payload.decode()}"\ns > c ACK\n', protocol)
    assert expected == solutions("message-bytes", facts)
    assert "hi" == solutions("message-from-hex", facts)[0]


def test_bare_text_that_is_all_of_the_payload_is_no_question() -> None:
    facts = talk('c > s "hi"\ns > c ACK\n', "bare")
    assert ask("message-bytes", facts) is None
    assert ask("segments-with-data", facts) is None
    assert ["hi"] == solutions("message-from-hex", facts)


def test_the_length_field_does_not_count_itself() -> None:
    facts = talk('c > s b"\\0\\0\\0\\x06MSG hi"\ns > c ACK\n', "length")
    assert "6" == solutions("message-from-hex", facts)[1]
    assert "its own field" in slip("message-from-hex", facts, 1, "10")


def test_the_whole_connection_in_bytes() -> None:
    facts = talk(GLUED + r's > c "BROADCAST hi\n"')
    assert ["21", "20"] == solutions("bytes-of-client", facts)
    assert ["14", "13"] == solutions("bytes-of-server", facts)
    assert ask("bytes-of-server", talk(HELLO)) is None
    rides = about(dialogue(OPEN + 'c > s FIN "MSG hi\\n"\ns > c FIN\nc > s ACK\n'))
    assert ["1", "7"] == solutions("bytes-of-client", rides)


def test_segments_need_not_be_messages() -> None:
    count, messages, why = solutions("segments-with-data", talk(GLUED + SPLIT.replace("hel", "farewel")))
    assert ("3", "3") == (count, messages)
    assert why.startswith("equal here, but need not be")
    count, messages, why = solutions("segments-with-data", talk(GLUED))
    assert ("1", "2") == (count, messages)
    assert why.startswith("not equal: TCP carries a stream")
    assert ask("segments-with-data", talk(r'c > s "WHAT\n"')) is None


def test_pure_acks_and_the_handshakes_own() -> None:
    facts = talk(HELLO)
    assert ["2", "1"] == solutions("pure-acks", facts)
    assert "handshake" in slip("pure-acks", facts, 0, "1")
    assert ask("pure-acks", talk(AGAIN)) is None


def test_a_capture_that_cuts_frames_or_began_late_is_not_asked_what_it_lacks() -> None:
    cut = about([replace(one, payload=one.payload[:3]) for one in dialogue(OPEN + HELLO + CLOSE)])
    assert all(ask(name, cut) is None for name in (*PER_MESSAGE, "segments-with-data"))
    assert ["11", "10"] == solutions("bytes-of-client", cut)
    late = about(dialogue(HELLO + CLOSE))
    assert ask("message-sequence", late) is None
    assert ask("message-acknowledged", late) is None
    assert "1" == solutions("message-frame", late)[0]


def test_header_with_timestamps_only() -> None:
    plain = dialogue(OPEN + HELLO + CLOSE)
    stamped = about([replace(one, options=b"" if one.syn else STAMP) for one in plain])
    assert ["32", "62"] == solutions("header-length", stamped)[:2]
    assert "units of four bytes" in slip("header-length", stamped, 0, "8")
    assert ask("header-length", about(plain)) is None


def test_the_window_is_scaled_by_the_senders_own_shift() -> None:
    shifts = {0: 7, 1: 9}
    segments = [
        replace(one, options=bytes((1, 3, 3, shifts[at])) if one.syn else STAMP)
        for at, one in enumerate(dialogue(OPEN + HELLO + CLOSE))
    ]
    facts = about(segments)
    assert ["512", str(512 * 128)] == solutions("window-in-bytes", facts)
    assert "server's scale" in slip("window-in-bytes", facts, 1, str(512 * 512))
    assert "by the shift" in slip("window-in-bytes", facts, 1, str(512 * 7))
    assert ask("window-in-bytes", about([replace(segments[0], options=b""), *segments[1:]])) is None
