"""The rule for frames that two threads sent into each other (WL252).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from wirelab.base.texts import Bilingual
from wirelab.judge.clues import MS, calls_on, listed, place
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Side
from wirelab.observe.messages import Decoder, Message
from wirelab.observe.streams import Chunk

IN_BETWEEN = 500 * MS  # the rest of a frame that another one was sent into comes within it
AHEAD = 3  # heartbeats that may have been broken beside those that were whole


def two_threads_at_once(view: View, finding: Finding) -> Finding | None:
    """A frame that is no message, or not the one that was to be sent, is one whole frame sent between the beginning and
    the end of another."""
    actor, limit = str(finding.actor), view.profile.framing.limit
    if not finding.frames or view.part(actor) != "submission" or view.profile.framing.kind == "none":
        return None
    for connection, side in view.ends_of(actor):
        meant = view.once(_meant_by, connection.index, side)
        before = [item for item in view.messages(connection.index, side) if item.frames[-1] <= finding.frames[-1]]
        # The two frames, one inside the other, are no longer than two frames can be.
        for message in [item for item in before if item.end > before[-1].end - 2 * limit]:
            found = _interleaved(view, connection, side, message, meant)
            if found is not None and found[2] <= finding.frames[0] <= finding.frames[-1] <= found[3]:
                outer, inner, first, last = found
                return cause(
                    "WL252",
                    actor,
                    frames=(first, last),
                    terminal=(),
                    outer=repr(outer),
                    inner=repr(inner),
                    first=first,
                    last=last,
                    threads=_senders(view, actor, connection, side, first, last),
                )
    return None


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a side had to send: the lines typed at it, and the groups of the heartbeats that it was to send or answer."""

    typed: frozenset[str]
    numbers: frozenset[tuple[tuple[str, str], ...]]

    def has(self, message: Message) -> bool:
        """Whether it is one of these: any text would do else."""
        text = message.groups.get("text")
        if text is None and tuple(message.groups.items()) in self.numbers:
            return True
        return not self.typed or text in self.typed


def _meant_by(view: View, index: int, side: Side) -> _Meant:
    connection = next(item for item in view.connections if item.index == index)
    typed = frozenset(line for _, line in view.typed_lines(view.actor_at(connection, side)))
    asked = [exchange.question.groups for exchange in view.pairing(connection).exchanges]
    if side == "server":  # of those that it sent itself, some may have been broken
        names = {name for groups in asked for name in groups}
        count = len(asked) + sum(item.kind is None for item in view.messages(index, "server")) + AHEAD
        asked += [dict.fromkeys(names, str(number + 1)) for number in range(count)]
    return _Meant(typed, frozenset(tuple(groups.items()) for groups in asked))


def _interleaved(
    view: View, connection: Connection, side: Side, message: Message, meant: _Meant
) -> tuple[str, str, int, int] | None:
    """Which frame stands inside which, and the segments with the beginning and the rest of the outer one.

    The inner one begins where a segment does. The outer one, without it, is whole, and it is what was to be sent.
    """
    chunks, start = connection.stream(side).chunks, message.start
    begins = _chunk_at(chunks, start)
    for number in range(begins + 1, _chunk_at(chunks, message.end - 1) + 1):
        at = chunks[number].offset
        inner = _first(view, side, _bytes(chunks, at))
        if inner is None:
            continue
        rest = at + inner.end
        outer = _first(view, side, _bytes(chunks, start, at), _bytes(chunks, rest))
        if outer is None or outer.end <= at - start or not meant.has(outer) or _first(view, side, _bytes(chunks, rest)):
            continue
        first, last = chunks[begins], chunks[_chunk_at(chunks, start + inner.end + outer.end - 1)]
        if last.time - first.time <= IN_BETWEEN and last.frame != first.frame:
            return outer.text, inner.text, first.frame, last.frame
    return None


def _chunk_at(chunks: Sequence[Chunk], offset: int) -> int:
    """Which chunk has the byte at an offset."""
    return bisect_right(chunks, offset, key=lambda chunk: chunk.offset) - 1


def _bytes(chunks: Sequence[Chunk], start: int, end: int | None = None) -> Iterator[bytes]:
    """The bytes from an offset on, to another, chunk by chunk."""
    for number in range(_chunk_at(chunks, start), len(chunks)):
        chunk = chunks[number]
        if end is not None and chunk.offset >= end:
            return
        yield chunk.data[max(start - chunk.offset, 0) : None if end is None else end - chunk.offset]


def _first(view: View, side: Side, *parts: Iterable[bytes]) -> Message | None:
    """The first message of some bytes of a side, if it is a whole one of the protocol's. No more is read of them."""
    decoder, offset = Decoder(view.profile, side), 0
    for data in chain(*parts):
        found = decoder.feed(Chunk(offset, data, 1, 0)) if data else ()
        if found:
            return found[0] if found[0].kind is not None and found[0].problem is None else None
        offset += len(data)
        if offset > view.profile.framing.limit:
            break
    return None


def _senders(view: View, actor: str, connection: Connection, side: Side, first: int, last: int) -> Bilingual:
    """The threads that sent at that time, as the witness inside the program saw them."""
    times = [noted.segment.time for noted in connection.noted if noted.segment.frame in (first, last)]
    calls = calls_on(view, actor, connection, side, "send")
    near = [call for call in calls if times[0] - 5 * MS <= call.time <= times[-1] + MS]
    lines = list(dict.fromkeys(f"{call.thread} ({place(call.line)})" for call in near))
    if len({call.thread for call in near}) < 2:
        return Bilingual("", "")
    return Bilingual(f"; meanwhile these threads sent: {listed(lines)}", f"；这期间发送的线程有：{listed(lines)}")
