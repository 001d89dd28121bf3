"""One direction's bytes put back in order (reassembly). Knows offsets and bytes, no segments, flags or states.

Offsets count from the stream's first byte, 0, and never wrap: ``connections`` unwraps sequence numbers. The first
bytes seen at an offset win, as at a receiver that has them already (RFC 9293, 3.10.7.4, trims what is old).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive new bytes of a stream: offset from the stream's start, and the frame that brought them."""

    offset: int
    data: bytes
    frame: int
    time: int


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes one side sent, in stream order, each traceable to its frame.

    ``chunks`` are contiguous from offset 0 and end at the first gap. ``gaps`` are ranges (start, end) of offsets
    that the capture lacks, because a segment is missing or because the frame was cut off (snap length).
    ``overlaps`` counts bytes that were sent again with other content (never legal).
    """

    chunks: tuple[Chunk, ...]
    gaps: tuple[tuple[int, int], ...] = ()
    overlaps: int = 0

    @property
    def data(self) -> bytes:
        """All bytes up to the first gap."""
        return b"".join(chunk.data for chunk in self.chunks)


class Added(NamedTuple):
    """What a segment's bytes were: counts of ``fresh`` and ``repeated`` ones, and what became contiguous.

    ``fills`` tells that fresh bytes lie before others that were seen earlier.
    """

    fresh: int
    repeated: int
    fills: bool
    delivered: tuple[Chunk, ...]


class _Piece(NamedTuple):
    """Bytes that wait for earlier ones. ``data`` is shorter than ``end - start`` when the frame was cut off."""

    start: int
    end: int
    data: bytes
    frame: int
    time: int


class Assembler:
    """Takes ranges of bytes in any order, gives them back in order. In-order bytes cost constant time."""

    __slots__ = ("_chunks", "_holes", "_waiting", "next", "overlaps", "top")

    def __init__(self) -> None:
        self.next = 0
        """The first offset not seen yet."""
        self.top = 0
        """The offset after the highest byte seen."""
        self.overlaps = 0
        self._chunks: list[Chunk] = []
        self._waiting: list[_Piece] = []  # beyond ``next``, disjoint, ascending
        self._holes: list[tuple[int, int]] = []  # ranges below ``next`` that were cut off

    def add(self, start: int, end: int, data: bytes, frame: int, time: int) -> Added:
        """Bytes [start, end) as seen in one frame; ``data`` holds those that the capture kept, from ``start`` on."""
        if start == self.next and not self._waiting:
            self.top = end
            return Added(end - start, 0, False, self._pass(_Piece(start, end, data, frame, time)))
        pieces = [
            _Piece(low, high, data[low - start : high - start], frame, time)
            for low, high in self._fresh(start, end, data)
        ]
        fills = bool(pieces) and pieces[0].start < self.top
        for piece in pieces:
            insort(self._waiting, piece)
        self.top = max(self.top, end)
        fresh = sum(piece.end - piece.start for piece in pieces)
        return Added(fresh, end - start - fresh, fills, self._drain())

    def stream(self, until: int = 0) -> Stream:
        """The stream so far. ``until``: the other side or a FIN vouches for all bytes before this offset."""
        missing = list(self._holes)
        at = self.next
        for piece in self._waiting:
            missing += [(at, piece.start), (piece.start + len(piece.data), piece.end)]
            at = piece.end
        missing.append((at, until))
        gaps: list[tuple[int, int]] = []
        for start, end in missing:
            if start >= end:
                continue
            if gaps and gaps[-1][1] == start:
                gaps[-1] = (gaps[-1][0], end)
            else:
                gaps.append((start, end))
        return Stream(tuple(self._chunks), tuple(gaps), self.overlaps)

    def _fresh(self, start: int, end: int, data: bytes) -> list[tuple[int, int]]:
        """The parts of [start, end) not seen before; what was is compared with what is kept."""
        if start < self.next:
            self._compare_delivered(start, min(end, self.next), data)
        fresh = []
        at = max(start, self.next)
        index = bisect_right(self._waiting, at, key=lambda piece: piece.end)
        while at < end:
            piece = self._waiting[index] if index < len(self._waiting) else None
            if piece is None or piece.start >= end:
                fresh.append((at, end))
                break
            if at < piece.start:
                fresh.append((at, piece.start))
                at = piece.start
            stop = min(end, piece.end)
            self._compare(data[at - start : stop - start], piece.data[at - piece.start : stop - piece.start])
            at = stop
            index += 1
        return fresh

    def _compare_delivered(self, start: int, stop: int, data: bytes) -> None:
        at = max(start, 0)  # a capture that began in mid-stream may show bytes from before its first offset
        index = max(bisect_right(self._chunks, at, key=lambda chunk: chunk.offset) - 1, 0)
        while at < stop and index < len(self._chunks):
            chunk = self._chunks[index]
            high = min(stop, chunk.offset + len(chunk.data))
            self._compare(data[at - start : high - start], chunk.data[at - chunk.offset : high - chunk.offset])
            at = high
            index += 1

    def _compare(self, again: bytes, first: bytes) -> None:
        size = min(len(again), len(first))  # either may have been cut off
        if again[:size] != first[:size]:
            self.overlaps += sum(one != two for one, two in zip(again, first, strict=False))

    def _drain(self) -> tuple[Chunk, ...]:
        ready = 0
        delivered: list[Chunk] = []
        while ready < len(self._waiting) and self._waiting[ready].start == self.next:
            delivered += self._pass(self._waiting[ready])
            ready += 1
        del self._waiting[:ready]
        return tuple(delivered)

    def _pass(self, piece: _Piece) -> tuple[Chunk, ...]:
        """Move ``next`` past a piece; its bytes are delivered unless something before them was cut off."""
        self.next = piece.end
        delivered: tuple[Chunk, ...] = ()
        if piece.data and not self._holes:
            chunk = Chunk(piece.start, piece.data, piece.frame, piece.time)
            self._chunks.append(chunk)
            delivered = (chunk,)
        if len(piece.data) < piece.end - piece.start:
            self._holes.append((piece.start + len(piece.data), piece.end))
        return delivered
