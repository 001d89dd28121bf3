"""Application messages cut out of byte streams by a protocol profile. Knows framing, no sockets, no YAML.

The profile's value types live here, below the YAML reader (``declare/protocol``) that fills them.

``decode_stream`` reads a whole stream; what it gives depends on the bytes alone, never on how segments cut
them. ``Decoder`` reads the same stream while it grows, for the live ladder. With framing both give the same
messages. Without framing the decoder shows raw text as it comes, in pieces, where ``decode_stream`` gives
one message for all text between two recognised ones; and a pattern that can go on (``PING [0-9]+``) may be
shown short when a segment ends inside it. Literals are found whole in both.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from wirelab.base.bounded import in_time
from wirelab.observe.connections import Chunk, Side, Stream
from wirelab.observe.framing import NEED_DATA, Frame, Framing, framer

__all__ = [
    "NEED_DATA",
    "PLACEHOLDER",
    "Decoder",
    "Framing",
    "Message",
    "MessageSpec",
    "Profile",
    "decode_stream",
    "other_encoding",
]

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A group's place in a template. Any other brace stands for itself, so that JSON can be written as it is."""


SHORT = 4096  # characters: as long as a frame mostly may be


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


@lru_cache(maxsize=256)
def _sure(pattern: str) -> bool:
    """Whether no short text makes a pattern slow, so that it needs no timer: no group is repeated, at most two things are."""
    plain = re.sub(r"\\.", "x", pattern, flags=re.DOTALL).replace("(?", "(")  # "(?" repeats nothing
    spaced = re.search(r"\(\?[a-zA-Z]*x", pattern)  # blanks between a group and what repeats it mean nothing
    return not spaced and len(re.findall(r"[*+?{][?+]?|\|", plain)) <= 2 and not re.search(r"\)[*+{]", plain)


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """One kind of message: who sends it, what it looks like, and what it answers.

    ``pattern`` is a regular expression with named groups that matches the whole text of a frame (for
    framing ``none``: anywhere in the stream); its dot matches every character. ``template`` renders it,
    with ``{group}`` placeholders. ``answers`` names the message this one answers; ``by`` the group that must
    be equal in both, if any. ``raw`` (framing ``none`` only) marks the kind that any text between recognised
    messages belongs to. ``counts`` is the group that counts them on a connection, from 1 on.
    """

    name: str
    sender: Side
    pattern: str
    template: str
    answers: str | None = None
    by: str | None = None
    raw: bool = False
    counts: str | None = None

    def match(self, text: str) -> dict[str, str] | None:
        """The groups when ``text`` is such a message, whole; a group that took no part is empty."""
        pattern = _compiled(self.pattern)
        if len(text) <= SHORT and _sure(self.pattern):
            found = pattern.fullmatch(text)
        else:
            with in_time(self.pattern, text):
                found = pattern.fullmatch(text)
        return None if found is None else found.groupdict("")

    def search(self, text: str, start: int) -> re.Match[str] | None:
        """The leftmost such message in ``text`` from ``start`` on."""
        with in_time(self.pattern, text, start):
            return next((found for found in _compiled(self.pattern).finditer(text, start) if found.group()), None)

    def render(self, **groups: str) -> str:
        """The text of a message with these groups. Raises KeyError when one is missing."""
        return PLACEHOLDER.sub(lambda placeholder: groups[placeholder[1]], self.template)

    @property
    def head(self) -> str:
        """The literal text such a message begins with, as far as the template tells."""
        first = PLACEHOLDER.search(self.template)
        return self.template[: first.start()] if first else self.template


@dataclass(frozen=True, slots=True)
class Profile:
    """A protocol described as data (``scenarios/protocols/*.yaml``)."""

    name: str
    framing: Framing
    messages: tuple[MessageSpec, ...]
    encoding: str = "utf-8"

    def spec(self, name: str) -> MessageSpec | None:
        """The message called ``name``."""
        return next((spec for spec in self.messages if spec.name == name), None)

    def recognise(self, sender: Side, text: str) -> tuple[MessageSpec, dict[str, str]] | None:
        """The first of ``sender``'s messages that ``text`` is, whole, with its groups."""
        for spec in self.messages:
            if spec.sender == sender and (groups := spec.match(text)) is not None:
                return spec, groups
        return None

    def encode(self, name: str, /, **groups: str) -> bytes:
        """The message called ``name`` as it goes on the wire, framing included.

        Raises KeyError for an unknown name or a missing group, ValueError when no frame can carry it.
        """
        spec = self.spec(name)
        if spec is None:
            raise KeyError(name)
        return self.framing.wrap(spec.render(**groups).encode(self.encoding))


@dataclass(frozen=True, slots=True)
class Message:
    """One application message as seen on the wire.

    ``kind`` is the spec's name, or None for a frame that matches no spec of its sender, is too long or was
    never finished: no receiver takes it for a message. ``start`` and ``end`` are stream offsets (end
    exclusive, framing included). ``frames`` are the numbers of every captured frame that carried a part of
    it, ascending; ``time`` is when the last of its bytes was captured, ``began`` the first. ``raw`` holds
    its bytes without delimiter or length prefix; of a frame that is too long, no more than the framing's
    limit. ``problem`` says why it is not a proper message: it was never finished, is too long, or is not in
    the profile's encoding (``text`` then has replacement characters, and ``kind`` is what it is all the same).

    Without framing, raw text keeps line ends in ``raw`` but not at the edges of ``text``, and line ends
    alone are no message.
    """

    sender: Side
    kind: str | None
    text: str
    groups: dict[str, str]
    start: int
    end: int
    frames: tuple[int, ...]
    began: int
    time: int
    raw: bytes
    problem: Literal["unfinished", "too-long", "encoding"] | None = field(default=None)


def other_encoding(raw: bytes, encoding: str) -> str | None:
    """The name of the encoding that bytes which are not in ``encoding`` are probably in: a guess, or None."""
    for other in ("utf-8", "gb18030"):
        if other != encoding:
            with suppress(UnicodeDecodeError):
                raw.decode(other)
                return other
    return None


def decode_stream(profile: Profile, sender: Side, stream: Stream) -> tuple[Message, ...]:
    """Every message of a stream up to its first gap, whatever segments it came in."""
    decoder = Decoder(profile, sender)
    # All bytes first, then one decision: nothing can depend on where chunks end.
    decoder.receive(stream.chunks)
    return decoder.finish()


class Decoder:
    """Reads one side's stream as it grows. What follows a gap is not decoded: its boundaries are unknown."""

    def __init__(self, profile: Profile, sender: Side) -> None:
        self._sender = sender
        self._origins = _Origins()
        self._cutter = _Anywhere(profile, sender) if profile.framing.kind == "none" else _Framed(profile, sender)

    def feed(self, chunk: Chunk) -> tuple[Message, ...]:
        """Take the next bytes; the messages that are now known."""
        self.receive((chunk,))
        return self._messages(final=False)

    def receive(self, chunks: tuple[Chunk, ...]) -> None:
        """Take bytes without deciding anything yet."""
        self._cutter.receive(b"".join(chunk.data for chunk in chunks if self._origins.add(chunk)))

    def finish(self) -> tuple[Message, ...]:
        """The stream has ended: the messages not given yet, the unfinished one last."""
        return self._messages(final=True)

    def _messages(self, *, final: bool) -> tuple[Message, ...]:
        return tuple(self._message(piece) for piece in self._cutter.pieces(final=final))

    def _message(self, piece: _Piece) -> Message:
        chunks = self._origins.of(piece.start, piece.end)
        times = [chunk.time for chunk in chunks]
        frames = tuple(sorted({chunk.frame for chunk in chunks}))
        return Message(self._sender, frames=frames, began=min(times), time=max(times), **piece._asdict())


class _Piece(NamedTuple):
    """A message before it is known which frames carried it."""

    start: int
    end: int
    raw: bytes
    text: str
    kind: str | None
    groups: dict[str, str]
    problem: Literal["unfinished", "too-long", "encoding"] | None


class _Origins:
    """Which chunk brought which bytes; asked in stream order, it forgets what lies behind."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._end = 0

    def add(self, chunk: Chunk) -> bool:
        """Whether the chunk continues the stream."""
        if chunk.offset != self._end:
            return False
        self._end += len(chunk.data)
        self._chunks.append(chunk)
        return True

    def of(self, start: int, end: int) -> list[Chunk]:
        while self._chunks[0].offset + len(self._chunks[0].data) <= start:
            self._chunks.popleft()
        found = []
        for chunk in self._chunks:
            if chunk.offset >= end:
                break
            found.append(chunk)
        return found


def _read(raw: bytes, encoding: str) -> tuple[str, Literal["encoding"] | None]:
    try:
        return raw.decode(encoding), None
    except UnicodeDecodeError:
        return raw.decode(encoding, "replace"), "encoding"


class _Framed:
    """Pieces of a stream with framing: one a frame."""

    def __init__(self, profile: Profile, sender: Side) -> None:
        self._profile = profile
        self._sender = sender
        self._framer = framer(profile.framing)

    def receive(self, data: bytes) -> None:
        self._framer.receive(data)

    def pieces(self, *, final: bool) -> Iterator[_Piece]:
        while (frame := self._framer.next_frame()) is not NEED_DATA:
            yield self._piece(frame)
        if final and (rest := self._framer.finish()) is not None:
            yield self._piece(rest)

    def _piece(self, frame: Frame) -> _Piece:
        text, problem = _read(frame.body, self._profile.encoding)
        found = None if frame.problem else self._profile.recognise(self._sender, text)
        kind, groups = (found[0].name, found[1]) if found else (None, {})
        return _Piece(frame.start, frame.end, frame.body, text, kind, groups, frame.problem or problem)


class _Anywhere:
    """Pieces of a stream without framing: what patterns recognise, and the raw text between.

    The leftmost match counts; where two begin at the same place, the one whose spec stands first. Bytes that are
    not in the encoding go through as surrogates, which keeps the way back to byte offsets.
    """

    def __init__(self, profile: Profile, sender: Side) -> None:
        mine = [spec for spec in profile.messages if spec.sender == sender]
        self._specs = [spec for spec in mine if not spec.raw]
        self._heads = [spec.head for spec in self._specs]
        self._raw = next((spec for spec in mine if spec.raw), None)
        self._encoding = profile.encoding
        self._limit = profile.framing.limit
        self._decoder = codecs.getincrementaldecoder(profile.encoding)("surrogateescape")
        self._text = ""
        self._start = 0  # the stream offset of _text

    def receive(self, data: bytes) -> None:
        self._text += self._decoder.decode(data)

    def pieces(self, *, final: bool) -> Iterator[_Piece]:
        if final:
            self._text += self._decoder.decode(b"", True)
        text, at = self._text, 0
        for spec, match in self._matches(text, final=final):
            yield from self._between(text[at : match.start()])
            yield self._cut(match.group(), spec.name, match.groupdict(""))
            at = match.end()
        until = len(text) if final else self._kept_back(text, at)
        yield from self._between(text[at:until])
        self._text = text[until:]

    def _matches(self, text: str, *, final: bool) -> Iterator[tuple[MessageSpec, re.Match[str]]]:
        at = 0
        # Each spec's next match stays good until it is passed: every spec goes over the text once.
        coming = [spec.search(text, at) for spec in self._specs]
        while True:
            ranked = [(match.start(), index) for index, match in enumerate(coming) if match]
            if not ranked:
                return
            first = min(ranked)
            match = coming[first[1]]
            if match is None or (not final and any(start < first for start in self._beginnings(text, at))):
                return
            yield self._specs[first[1]], match
            at = match.end()
            for index, other in enumerate(coming):
                if other and other.start() < at:
                    coming[index] = self._specs[index].search(text, at)

    def _beginnings(self, text: str, at: int) -> Iterator[tuple[int, int]]:
        """Where the end of the text may be the beginning of a message, with the spec's rank."""
        for index, head in enumerate(self._heads):
            for length in range(min(len(head) - 1, len(text) - at), 0, -1):
                if text.endswith(head[:length]):
                    yield len(text) - length, index
                    break

    def _kept_back(self, text: str, at: int) -> int:
        """From where on text must wait for what comes next: it may become a message, within the limit."""
        starts = [start for start, _ in self._beginnings(text, at)]
        begun = (text.find(head, max(at, len(text) - self._limit)) for head in self._heads if head)
        return min([*starts, *(start for start in begun if start >= 0)], default=len(text))

    def _between(self, escaped: str) -> Iterator[_Piece]:
        piece = self._cut(escaped, None, {})
        text = piece.text.strip("\r\n")
        if text:
            groups = self._raw.match(text) if self._raw else None
            kind = self._raw.name if self._raw and groups is not None else None
            yield piece._replace(text=text, kind=kind, groups=groups or {})

    def _cut(self, escaped: str, kind: str | None, groups: dict[str, str]) -> _Piece:
        """The next piece of the stream; moves on in it."""
        raw = escaped.encode(self._encoding, "surrogateescape")
        start = self._start
        self._start += len(raw)
        text, problem = _read(raw, self._encoding)
        if problem:  # no surrogate leaves this class
            groups = {name: self._cleaned(value) for name, value in groups.items()}
        return _Piece(start, self._start, raw, text, kind, groups, problem)

    def _cleaned(self, escaped: str) -> str:
        return escaped.encode(self._encoding, "surrogateescape").decode(self._encoding, "replace")
