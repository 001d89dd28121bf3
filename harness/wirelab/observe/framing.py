"""How a byte stream is cut into frames: state machines fed with bytes. Knows no connections, message kinds or text.

A TCP stream has no boundaries of its own: what arrives may be half a frame or ten of them. Every framer
here gives the same frames however its input is cut, in time linear in the input, and keeps no more
than ``limit`` bytes of a frame under way:

    lines = framer(Framing("line"))
    lines.receive(b"MSG hel")   # next_frame() is NEED_DATA
    lines.receive(b"lo\\nMS")    # next_frame() is the frame "MSG hello", then NEED_DATA
    lines.finish()              # the frame "MS", problem "unfinished"
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol


class _Sentinel(Enum):
    NEED_DATA = "NEED_DATA"


NEED_DATA = _Sentinel.NEED_DATA
"""What a framer returns when the bytes so far hold no further whole frame."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How messages are told apart in a stream.

    ``line``: ends with LF (a CR before it is dropped); ``length-prefix``: ``width`` bytes of length in
    ``order`` before each body; ``none``: no framing at all, messages are recognised anywhere in the stream.
    ``limit`` is the largest frame in bytes, delimiter or prefix included.
    """

    kind: Literal["line", "length-prefix", "none"]
    limit: int = 4096
    width: Literal[1, 2, 4] = 4
    order: Literal["big", "little"] = "big"

    def wrap(self, body: bytes) -> bytes:
        """The frame that carries ``body``. Raises ValueError when no frame can: too long, or LF inside a line."""
        if self.kind == "none":
            return body
        if self.kind == "line":
            if b"\n" in body:
                raise ValueError("a line cannot carry LF")
            frame = body + b"\n"
        elif len(body) >= 1 << 8 * self.width:
            raise ValueError(f"{len(body)} bytes cannot be counted in {self.width} bytes of length")
        else:
            frame = len(body).to_bytes(self.width, self.order) + body
        if len(frame) > self.limit:
            raise ValueError(f"a frame of {len(frame)} bytes is over the limit of {self.limit}")
        return frame


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: stream offsets (end exclusive, delimiter or prefix included), and its body without them.

    Of a frame that is too long, ``body`` holds the beginning only, at most ``limit`` bytes; of a
    length prefix that is itself too large, the prefix.
    """

    start: int
    end: int
    body: bytes
    problem: Literal["unfinished", "too-long"] | None = None


class Framer(Protocol):
    """The state machine: bytes in, frames out."""

    def receive(self, data: bytes) -> None:
        """Take the next bytes of the stream, any number of them."""

    def next_frame(self) -> Frame | Literal[_Sentinel.NEED_DATA]:
        """The next whole frame, or NEED_DATA."""

    def finish(self) -> Frame | None:
        """The stream has ended: what is left of it, once next_frame() has given NEED_DATA."""


def framer(framing: Framing) -> Framer:
    """A fresh framer. Raises ValueError for framing ``none``, which has no frames."""
    if framing.kind == "line":
        return _LineFramer(framing)
    if framing.kind == "length-prefix":
        return _LengthFramer(framing)
    raise ValueError("framing 'none' has no frames")


class _FramerBase:
    """What both framers share: whole frames waiting, and the beginning of the one under way."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._frames: deque[Frame] = deque()
        self._head = bytearray()  # the frame under way, its first `limit` bytes
        self._start = 0
        self._end = 0  # of the bytes received so far

    def next_frame(self) -> Frame | Literal[_Sentinel.NEED_DATA]:
        return self._frames.popleft() if self._frames else NEED_DATA

    def _take(self, data: memoryview) -> None:
        self._head += data[: max(0, self._framing.limit - len(self._head))]
        self._end += len(data)

    def _close(self, body: bytes, problem: Literal["unfinished", "too-long"] | None = None) -> Frame:
        frame = Frame(self._start, self._end, body, problem)
        self._head.clear()
        self._start = self._end
        return frame


class _LineFramer(_FramerBase):
    """Lines ended by LF or CR LF. A line that is too long is one frame; the next begins after its LF."""

    def receive(self, data: bytes) -> None:
        view, at = memoryview(data), 0
        while (feed := data.find(b"\n", at)) >= 0:
            self._take(view[at : feed + 1])
            at = feed + 1
            if self._end - self._start > self._framing.limit:
                self._frames.append(self._close(bytes(self._head), "too-long"))
            else:
                self._frames.append(self._close(bytes(self._head[:-1]).removesuffix(b"\r")))
        self._take(view[at:])

    def finish(self) -> Frame | None:
        if self._end == self._start:
            return None
        too_long = self._end - self._start > self._framing.limit
        return self._close(bytes(self._head), "too-long" if too_long else "unfinished")


class _LengthFramer(_FramerBase):
    """A length, then that many bytes. After a length over the limit nothing can be told apart any more."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing)
        self._wanted: int | None = framing.width  # bytes up to the next decision; None: lost

    def receive(self, data: bytes) -> None:
        view = memoryview(data)
        width = self._framing.width
        while self._wanted is not None and len(view) >= (missing := self._wanted - (self._end - self._start)):
            self._take(view[:missing])
            view = view[missing:]
            length = int.from_bytes(self._head[:width], self._framing.order)
            if width + length > self._framing.limit:
                self._frames.append(self._close(bytes(self._head), "too-long"))
                self._wanted = None
            elif self._wanted < width + length:
                self._wanted = width + length
            else:
                self._frames.append(self._close(bytes(self._head[width:])))
                self._wanted = width
        self._take(view)

    def finish(self) -> Frame | None:
        if self._end == self._start:
            return None
        # Where the prefix is whole it is framing, not body; after a lost boundary all of it is body.
        known = self._wanted is not None and len(self._head) >= self._framing.width
        return self._close(bytes(self._head[self._framing.width if known else 0 :]), "unfinished")
