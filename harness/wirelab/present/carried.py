"""What a segment carried, in words: the messages that it completed, and the part of one that goes on. Draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from wirelab.base.texts import Language, Text, cut, register, say
from wirelab.observe.messages import Message, Profile
from wirelab.present.words import grouped

SHOWN_MESSAGES = 4  # of one segment; a flood of tiny messages must not make one rung fill the screen
LONGEST_CHARACTER = 4  # bytes, in any encoding that a profile may name

Kind = Literal["asks", "answers", "message"]

register(
    {
        "carried.part": Text("(part) {text}", "（部分）{text}"),
        "carried.empty": Text("(empty)", "（空）"),
        "carried.unknown": Text("(unknown) {text}", "（未知）{text}"),
        "carried.unfinished": Text("(unfinished) {text}", "（未结束）{text}"),
        "carried.too-long": Text("(too long) {text}", "（过长）{text}"),
        "carried.encoding": Text("(not {encoding}) {text}", "（非 {encoding}）{text}"),
        "carried.more": Text("… {count} more messages", "… 还有 {count} 条消息"),
    }
)


def carried(
    messages: Sequence[Message], part: bytes, profile: Profile, language: Language, most: int
) -> list[tuple[Kind | None, str]]:
    """The messages, and the part, each with its kind, which is None for what is no message of the protocol.

    Of each so many characters, ``…`` where there are more. What is foreign in them stands as it came.
    """
    found = [_content(message, profile, language, most) for message in messages[:SHOWN_MESSAGES]]
    if len(messages) > SHOWN_MESSAGES:
        found.append((None, say("carried.more", language, count=grouped(len(messages) - SHOWN_MESSAGES))))
    if part:
        found.append((None, say("carried.part", language, text=beginning(part, profile.encoding, most))))
    return found


def beginning(data: bytes, encoding: str, most: int) -> str:
    """The first characters of some bytes, ``…`` where there are more; none is cut where it was not cut before."""
    return cut(data[: LONGEST_CHARACTER * (most + 1)].decode(encoding, "replace"), most)


def _content(message: Message, profile: Profile, language: Language, most: int) -> tuple[Kind | None, str]:
    text = cut(message.text, most)
    if message.problem is not None:
        return None, say(f"carried.{message.problem}", language, text=text, encoding=profile.encoding.upper())
    if message.kind is None:
        return None, say("carried.unknown", language, text=text)
    return _kinds(profile).get(message.kind, "message"), text or say("carried.empty", language)


def _kinds(profile: Profile) -> dict[str, Kind]:
    """The messages of a profile that ask for an answer, and those that are one."""
    asked: dict[str, Kind] = {spec.answers: "asks" for spec in profile.messages if spec.answers}
    return asked | {spec.name: "answers" for spec in profile.messages if spec.answers}
