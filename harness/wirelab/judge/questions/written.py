"""What questions share: segments that carry a message, texts that can be quoted, answers that tell what was mixed up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from wirelab.judge.questions.answers import plain
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import SIDE
from wirelab.judge.verdict import Said
from wirelab.observe.connections import SIDES, Noted, Side
from wirelab.observe.messages import Message

LONGEST = 60  # characters of a message that is quoted in a question
_ENCODINGS = {"utf-8": "UTF-8", "gb18030": "GB18030", "latin-1": "Latin-1"}


def slips(right: int, *wrong: tuple[int, Said]) -> tuple[tuple[int, Said], ...]:
    """Those wrong answers that differ from the right one, each once: the first reason for it counts."""
    found: dict[int, Said] = {}
    for value, why in wrong:
        if value != right:
            found.setdefault(value, why)
    return tuple(found.items())


def whole(facts: Facts) -> bool:
    """Whether the capture has every byte of both sides, and nothing of it was sent twice."""
    return facts.calm and not any(facts.connection.stream(side).gaps for side in SIDES)


def numbered(facts: Facts) -> bool:
    """Whether both SYNs were captured, so that everybody's relative numbers count from the same place."""
    shake = facts.connection.handshake
    return shake.complete and facts.calm


def quotable(text: str) -> bool:
    """Whether a text can be quoted in a question, as code on one line, and a reader can tell it from others."""
    return text.isprintable() and text == text.strip() and "`" not in text and len(text) <= LONGEST


def carrier(facts: Facts, message: Message) -> Noted | None:
    """The only segment that carries a message, whatever else it carries; None where it came in pieces."""
    return facts.frame(message.frames[0]) if len(message.frames) == 1 else None


def alone(noted: Noted, message: Message) -> bool:
    """Whether a segment carries a message and nothing else: no other bytes, no SYN, FIN or RST."""
    segment = noted.segment
    return segment.span == segment.length == message.end - message.start and not segment.rst


def acknowledging(facts: Facts, sender: Side, end: int) -> Noted | None:
    """The first segment from the other side that acknowledges all bytes of ``sender``'s stream before the offset ``end``;
    None when there is none, or a RST. Only where ``numbered``."""
    found = (one for one in facts.segments if one.sender != sender and one.ack is not None and one.ack > end)
    first = next(found, None)
    return None if first is None or first.segment.rst else first


@dataclass(frozen=True, slots=True)
class Written:
    """A message to ask about: what was typed, its bytes in the profile's encoding, what the profile puts before it."""

    message: Message
    noted: Noted
    text: str
    size: int
    head: str

    @property
    def total(self) -> int:
        """Bytes of the message on the wire."""
        return self.message.end - self.message.start


def _typed(facts: Facts, message: Message) -> tuple[str, int, str] | None:
    """What was typed, its size in bytes and what stands before it; None where the profile does not tell."""
    spec = facts.profile.spec(message.kind or "")
    if spec is None:
        return None
    if spec.raw:
        return message.text, len(message.raw.strip(b"\r\n")), ""
    text = message.groups.get("text", "")
    head = message.text.removesuffix(text)
    if not text or head + text != message.text or head != spec.head:
        return None
    return text, len(message.raw) - len(head.encode(facts.profile.encoding)), head


def _same(text: str) -> str:
    """What two texts have in common that a reader may take for the same."""
    return plain(text).casefold()


def _written(facts: Facts, side: Side, *, apart: bool) -> list[Written]:
    """What one side typed, can be quoted, said once, and put into one segment; ``apart``: into one of its own."""
    said = facts.said(side, proper=False)
    texts = Counter(text for one in said for text in {_same(one.text), _same(one.groups.get("text", ""))})
    broken = [_same(one.text) for one in said if one.problem is not None]
    found = []
    for message in facts.typed(side):
        typed, noted = _typed(facts, message), carrier(facts, message)
        if typed is None or noted is None or not quotable(typed[0]) or not any(map(str.isalnum, typed[0])):
            continue
        text = _same(typed[0])
        ours = text in (_same(message.text), _same(message.groups.get("text", "")))
        if texts[text] > ours or any(text in one for one in broken):
            continue
        if not apart or alone(noted, message):
            found.append(Written(message, noted, *typed))
    return found


def drawn(facts: Facts, lot: Lot, *, apart: bool = True) -> Written | None:
    """One message to ask about: the client's where there is one, else the server's."""
    if not whole(facts):
        return None
    found = next((some for side in SIDES if (some := _written(facts, side, apart=apart))), None)
    return lot.draw(found) if found else None


def values_of(facts: Facts, one: Written) -> dict[str, object]:
    segment = one.noted.segment
    return {
        "side": SIDE[one.noted.sender],
        "other": SIDE["server" if one.noted.sender == "client" else "client"],
        "text": one.text,
        "frame": segment.frame,
        "size": one.size,
        "total": one.total,
        "extra": one.total - one.size,
        "encoding": _ENCODINGS.get(facts.profile.encoding, facts.profile.encoding),
        "seq": one.noted.seq,
        "next": one.noted.seq + segment.length,
        "length": segment.length,
    }
