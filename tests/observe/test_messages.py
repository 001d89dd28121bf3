"""Messages: what a profile makes of a stream, with and without framing, in every cut."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.cuts import Cuts, any_cuts, chunks, usual_cuts
from wirelab.observe.connections import Chunk, Side, Stream
from wirelab.observe.messages import (
    Decoder,
    Framing,
    Message,
    MessageSpec,
    Profile,
    decode_stream,
    other_encoding,
)

MESSAGE = MessageSpec("message", "client", r"MSG(?: (?P<text>.*))?", "MSG {text}")
HEARTBEAT = MessageSpec("heartbeat", "server", r"HEARTBEAT (?P<n>[0-9]+)", "HEARTBEAT {n}")
ACK = MessageSpec("heartbeat-ack", "client", r"HEARTBEAT-ACK (?P<n>[0-9]+)", "HEARTBEAT-ACK {n}", "heartbeat", "n")
LINE = Profile("line", Framing("line", limit=64), (MESSAGE, HEARTBEAT, ACK))
LENGTH = replace(LINE, framing=Framing("length-prefix", limit=64))

TEXT = MessageSpec("message", "client", "(?P<text>.+)", "{text}", raw=True)


def literal(name: str, word: str, sender: Side = "client") -> MessageSpec:
    return MessageSpec(name, sender, re.escape(word), word)


PONG = literal("pong", "PONG")
BARE = Profile("bare", Framing("none"), (PONG, TEXT))

Seen = tuple[str | None, str, str | None]


def offline(profile: Profile, data: bytes, cuts: Cuts, sender: Side = "client") -> tuple[Message, ...]:
    return decode_stream(profile, sender, Stream(chunks(data, cuts)))


def live(profile: Profile, data: bytes, cuts: Cuts, sender: Side = "client") -> list[Message]:
    decoder = Decoder(profile, sender)
    found = [message for chunk in chunks(data, cuts) for message in decoder.feed(chunk)]
    return [*found, *decoder.finish()]


def placeless(messages: tuple[Message, ...] | list[Message]) -> list[Message]:
    """The messages without what depends on the cut: frames and times."""
    return [replace(message, frames=(), began=0, time=0) for message in messages]


def seen(messages: tuple[Message, ...] | list[Message]) -> list[Seen]:
    return [(message.kind, message.text, message.problem) for message in messages]


def check(profile: Profile, data: bytes, expected: list[Seen], sender: Side = "client") -> None:
    """The data gives these messages in every cut, at the end; with framing, live as well."""
    whole = offline(profile, data, [len(data)], sender)
    assert expected == seen(whole)
    for cuts in usual_cuts(data):
        assert placeless(whole) == placeless(offline(profile, data, cuts, sender))
        if profile.framing.kind != "none":
            assert list(offline(profile, data, cuts, sender)) == live(profile, data, cuts, sender)


def test_lines_are_recognised_by_their_sender_s_messages():
    data = b"MSG hi\r\nHEARTBEAT-ACK 7\nHEARTBEAT 7\nMSG\nMSG \nnonsense\n"
    expected: list[Seen] = [
        ("message", "MSG hi", None),
        ("heartbeat-ack", "HEARTBEAT-ACK 7", None),
        (None, "HEARTBEAT 7", None),  # a server's message
        ("message", "MSG", None),
        ("message", "MSG ", None),
        (None, "nonsense", None),
    ]
    check(LINE, data, expected)
    groups = [message.groups for message in offline(LINE, data, [3])]
    assert [{"text": "hi"}, {"n": "7"}, {}, {"text": ""}, {"text": ""}, {}] == groups


def test_an_unfinished_line_is_no_message_of_any_kind():
    check(LINE, b"MSG a\nMSG b", [("message", "MSG a", None), (None, "MSG b", "unfinished")])


def test_a_line_that_is_too_long_is_no_message_of_any_kind():
    data = b"MSG " + b"x" * 100 + b"\nMSG ok\n"
    check(LINE, data, [(None, "MSG " + "x" * 60, "too-long"), ("message", "MSG ok", None)])


def test_text_where_a_length_belongs():
    check(LENGTH, b"MSG hi\nMSG ho\n", [(None, "MSG ", "too-long"), (None, "hi\nMSG ho\n", "unfinished")])


def test_a_text_may_hold_line_ends_where_lines_do_not_frame():
    data = LENGTH.encode("message", text="two\nlines")
    check(LENGTH, data, [("message", "MSG two\nlines", None)])


def test_bytes_that_are_not_in_the_encoding_are_said_to_be_so():
    raw = "MSG 你好".encode("gb18030")
    check(LINE, raw + b"\n", [("message", "MSG \ufffd\ufffd\ufffd", "encoding")])
    assert raw == offline(LINE, raw + b"\n", [2])[0].raw
    assert other_encoding(raw, "utf-8") == "gb18030"
    assert other_encoding(b"caf\xe9", "utf-8") is None
    assert other_encoding("汉字吗".encode(), "gb18030") == "utf-8"


def test_the_profile_s_encoding_is_used():
    chinese = replace(LINE, encoding="gb18030")
    check(chinese, chinese.encode("message", text="你好"), [("message", "MSG 你好", None)])


def test_every_frame_that_carried_a_part_is_named_with_the_time_of_the_last():
    stream = Stream((Chunk(0, b"MSG a\nMS", 4, 100), Chunk(8, b"G b", 6, 200), Chunk(11, b"\nMSG c\n", 9, 300)))
    found = [
        (message.start, message.end, message.frames, message.began, message.time)
        for message in decode_stream(LINE, "client", stream)
    ]
    assert [(0, 6, (4,), 100, 100), (6, 12, (4, 6, 9), 100, 300), (12, 18, (9,), 300, 300)] == found


def test_bytes_that_came_out_of_order_complete_a_message_when_the_missing_ones_come():
    stream = Stream((Chunk(0, b"MSG", 1, 100), Chunk(3, b" a", 5, 400), Chunk(5, b"\n", 2, 200)))
    [message] = decode_stream(LINE, "client", stream)
    assert ((1, 2, 5), 100, 400) == (message.frames, message.began, message.time)


def test_what_follows_a_gap_is_not_decoded():
    stream = Stream((Chunk(0, b"MSG a\nMS", 1, 1), Chunk(9, b" b\nMSG c\n", 2, 2)), gaps=((8, 9),))
    assert [("message", "MSG a", None), (None, "MS", "unfinished")] == seen(decode_stream(LINE, "client", stream))


def test_a_message_is_given_as_soon_as_it_is_whole():
    decoder = Decoder(LINE, "client")
    assert decoder.feed(Chunk(0, b"MSG a", 1, 10)) == ()
    assert [("message", "MSG a", None)] == seen(decoder.feed(Chunk(5, b"\nMSG", 2, 20)))
    assert [(None, "MSG", "unfinished")] == seen(decoder.finish())


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
numbers = st.integers(1, 99).map(str)
sent = st.lists(
    st.tuples(st.just("message"), texts.map(lambda text: {"text": text}))
    | st.tuples(st.just("heartbeat-ack"), numbers.map(lambda n: {"n": n}))
)


@pytest.mark.parametrize("profile", [LINE, LENGTH])
@given(messages=sent, cuts=any_cuts)
@settings(deadline=None, max_examples=60)
def test_what_is_encoded_is_decoded_again_in_every_cut(
    profile: Profile, messages: list[tuple[str, dict[str, str]]], cuts: Cuts
):
    data = b"".join(profile.encode(name, **groups) for name, groups in messages)
    found = offline(profile, data, cuts)
    assert messages == [(message.kind, message.groups) for message in found]
    assert [None] * len(messages) == [message.problem for message in found]
    assert list(found) == live(profile, data, cuts)


# --- without framing


def test_literals_are_found_anywhere_and_text_between_is_one_message():
    data = b"hello\nworld\nPONGPONG\nbye PONG"
    check(
        BARE,
        data,
        [
            ("message", "hello\nworld", None),
            ("pong", "PONG", None),
            ("pong", "PONG", None),
            ("message", "bye ", None),
            ("pong", "PONG", None),
        ],
    )
    [text, *_] = offline(BARE, data, [1])
    assert ({"text": "hello\nworld"}, b"hello\nworld\n", 0, 12) == (text.groups, text.raw, text.start, text.end)


def test_the_beginning_of_a_literal_at_the_end_is_text():
    check(BARE, b"PONGPON", [("pong", "PONG", None), ("message", "PON", None)])


def test_without_a_raw_kind_the_text_between_is_unknown():
    check(replace(BARE, messages=(PONG,)), b"aPONGb", [(None, "a", None), ("pong", "PONG", None), (None, "b", None)])


def test_the_leftmost_wins_and_where_two_begin_the_first_in_the_profile():
    specs = (literal("ab", "AB"), literal("abc", "ABC"), literal("xa", "XA"))
    profile = replace(BARE, messages=(*specs, TEXT))
    check(
        profile, b"XABCABC", [("xa", "XA", None), ("message", "BC", None), ("ab", "AB", None), ("message", "C", None)]
    )


def test_a_pattern_takes_all_it_can_in_the_end_whatever_the_cut():
    numbered = MessageSpec("pong", "client", "PONG (?P<n>[0-9]+)", "PONG {n}")
    profile = replace(BARE, messages=(numbered, TEXT))
    check(profile, b"aPONG 12PONG 345", [("message", "a", None), ("pong", "PONG 12", None), ("pong", "PONG 345", None)])


def test_offsets_are_bytes_where_characters_are_wide_or_broken():
    data = "你PONG好".encode() + b"\xff\xfe" + b"PONG"
    check(
        BARE,
        data,
        [
            ("message", "你", None),
            ("pong", "PONG", None),
            ("message", "好\ufffd\ufffd", "encoding"),
            ("pong", "PONG", None),
        ],
    )
    found = offline(BARE, data, [1])
    assert [(0, 3), (3, 7), (7, 12), (12, 16)] == [(message.start, message.end) for message in found]
    assert data == b"".join(message.raw for message in found)
    assert {"text": "好\ufffd\ufffd"} == found[2].groups


def test_a_group_never_holds_half_a_character():
    spec = MessageSpec("said", "client", "<(?P<text>[^>]*)>", "<{text}>")
    [message] = offline(replace(BARE, messages=(spec,)), b"<a\xff>", [1])
    assert ("encoding", {"text": "a\ufffd"}) == (message.problem, message.groups)


def test_live_a_literal_is_given_with_its_last_byte_and_text_as_it_comes():
    decoder = Decoder(BARE, "client")
    assert [("message", "hello ", None)] == seen(decoder.feed(Chunk(0, b"hello PO", 1, 10)))
    [pong] = decoder.feed(Chunk(8, b"NG", 2, 20))
    assert ("pong", 6, 10, (1, 2), 10, 20) == (pong.kind, pong.start, pong.end, pong.frames, pong.began, pong.time)
    assert [("message", "PP", None)] == seen(decoder.feed(Chunk(10, b"PPPO", 3, 30)))
    assert [("message", "PO", None)] == seen(decoder.finish())


def test_live_a_pattern_that_has_begun_is_waited_for_but_not_for_ever():
    spec = MessageSpec("said", "client", "<(?P<text>[^>]*)>", "<{text}>")
    profile = replace(BARE, framing=Framing("none", limit=10), messages=(spec, TEXT))
    decoder = Decoder(profile, "client")
    assert decoder.feed(Chunk(0, b"<hello", 1, 1)) == ()
    assert [("said", "<hello>", None)] == seen(decoder.feed(Chunk(6, b">", 2, 2)))
    assert decoder.feed(Chunk(7, b"<", 3, 3)) == ()
    assert [("message", "<xxxxxxxxxx", None)] == seen(decoder.feed(Chunk(8, b"x" * 10, 4, 4)))


@given(data=st.text("ABXY\n", max_size=40).map(str.encode), cuts=any_cuts)
@settings(deadline=None, max_examples=200)
def test_live_literals_are_those_of_the_whole_stream_in_every_cut(data: bytes, cuts: Cuts):
    specs = (literal("aab", "AAB"), literal("aabx", "AABXY"), literal("ba", "BA"), literal("bab", "XBAB"))
    profile = replace(BARE, messages=(*specs, TEXT))
    whole = offline(profile, data, [max(1, len(data))])
    assert placeless(whole) == placeless(offline(profile, data, cuts))

    def found(messages: tuple[Message, ...] | list[Message]) -> list[tuple[str | None, int, int]]:
        return [(message.kind, message.start, message.end) for message in messages if message.kind != "message"]

    pieces = live(profile, data, cuts)
    assert found(whole) == found(pieces)

    def said(messages: tuple[Message, ...] | list[Message]) -> str:
        return "".join(message.text for message in messages).replace("\n", "")

    assert said(whole) == said(pieces)


@given(data=st.binary(max_size=40), cuts=any_cuts, encoding=st.sampled_from(["utf-8", "gb18030", "latin-1"]))
@settings(deadline=None, max_examples=100)
def test_any_bytes_whatever_can_be_read(data: bytes, cuts: Cuts, encoding: str):
    profile = replace(BARE, encoding=encoding)
    whole = offline(profile, data, [max(1, len(data))])
    assert placeless(whole) == placeless(offline(profile, data, cuts))
    for message in (*whole, *live(profile, data, cuts)):
        assert message.raw == data[message.start : message.end]
        message.text.encode("utf-8")


def test_rendering():
    assert MESSAGE.render(text="a {b}") == "MSG a {b}"
    assert MessageSpec("j", "client", "", '{"n": {n}}').render(n="1") == '{"n": 1}'
    with pytest.raises(KeyError):
        HEARTBEAT.render()
    with pytest.raises(KeyError):
        LINE.encode("unknown")
