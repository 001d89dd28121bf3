"""The ways a stream of bytes may be cut on its way: every framer and decoder is fed in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import strategies as st

from wirelab.observe.connections import Chunk

Cuts = list[int]
"""Lengths of the pieces, used in turn until the data is used up."""

any_cuts = st.lists(st.integers(1, 9), min_size=1, max_size=12)


def pieces(data: bytes, cuts: Cuts) -> Iterator[bytes]:
    """The data in pieces of these lengths, over and over."""
    at = turn = 0
    while at < len(data):
        yield data[at : at + cuts[turn % len(cuts)]]
        at += cuts[turn % len(cuts)]
        turn += 1


def usual_cuts(data: bytes) -> list[Cuts]:
    """Whole, byte by byte, in halves, and some at random (the same every time)."""
    random = Random(len(data))
    at_random = [[random.randint(1, 7) for _ in range(20)] for _ in range(5)]
    return [[max(1, len(data))], [1], [len(data) // 2 + 1], *at_random]


def chunks(data: bytes, cuts: Cuts, *, frame: int = 1, time: int = 0) -> tuple[Chunk, ...]:
    """The pieces as captured: one frame each, a microsecond apart."""
    found: list[Chunk] = []
    for index, piece in enumerate(pieces(data, cuts)):
        offset = found[-1].offset + len(found[-1].data) if found else 0
        found.append(Chunk(offset, piece, frame + index, time + 1000 * index))
    return tuple(found)
