"""What a segment carried, in words; and bytes that are cut between characters only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.base.texts import LANGUAGES, Language
from wirelab.compose.kit import protocol_text
from wirelab.declare.protocol import load_profile
from wirelab.observe.connections import Chunk
from wirelab.observe.messages import Decoder
from wirelab.present.carried import SHOWN_MESSAGES, beginning, carried

PROFILE = load_profile(*protocol_text("line"))


def said(data: bytes, part: bytes = b"", most: int = 20, language: Language = "en") -> list[tuple[str | None, str]]:
    messages = Decoder(PROFILE, "client").feed(Chunk(0, data, 1, 1))
    return list(carried(messages, part, PROFILE, language, most))


def test_each_message_has_its_kind_and_what_is_none_says_so() -> None:
    assert [("answers", "HEARTBEAT-ACK 1"), ("message", "MSG hello"), (None, "(unknown) hello?")] == said(
        b"HEARTBEAT-ACK 1\nMSG hello\nhello?\n"
    )
    assert [(None, "(not UTF-8) MSG \ufffd\ufffd\ufffd")] == said("MSG 你好\n".encode("gbk"))
    assert [(None, "(part) MSG he")] == said(b"", b"MSG he")


def test_of_many_some_are_shown_and_the_rest_is_counted() -> None:
    found = said(b"MSG x\n" * (SHOWN_MESSAGES + 1200))
    assert [("message", "MSG x")] * SHOWN_MESSAGES + [(None, "… 1 200 more messages")] == found
    assert [("message", "MSG x")] * SHOWN_MESSAGES == said(b"MSG x\n" * SHOWN_MESSAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_long_is_cut(language: Language) -> None:
    assert [("message", "MSG 123456…")] == said(b"MSG 1234567\n", most=10, language=language)
    assert [("message", "MSG 123456")] == said(b"MSG 123456\n", most=10, language=language)


@given(st.text(max_size=30), st.integers(0, 30), st.sampled_from(["utf-8", "gb18030", "utf-16-le", "latin-1"]))
def test_no_character_is_cut(text: str, most: int, encoding: str) -> None:
    data = text.encode(encoding, "ignore")
    whole = data.decode(encoding)
    assert beginning(data, encoding, most) == (whole if len(whole) <= most else f"{whole[:most]}…")


def test_half_a_character_that_a_segment_brought_is_told() -> None:
    assert "你\ufffd" == beginning("你好".encode()[:-1], "utf-8", 10)
