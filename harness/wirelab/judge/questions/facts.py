"""What a lab report is about: one connection of a student's own capture, and what was said on it. Knows no questions."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from wirelab.observe.connections import SIDES, Connection, Noted, Side
from wirelab.observe.heartbeats import Exchange, Pairing, pair
from wirelab.observe.messages import Message, Profile, decode_stream

T = TypeVar("T")

_DISTURBED = frozenset(
    ("retransmission", "partial-overlap", "out-of-order", "fills-gap", "duplicate-ack", "zero-window", "window-probe")
)


@dataclass(frozen=True, slots=True)
class Facts:
    """One connection, decoded. ``messages`` are both sides' in the order in which they were whole; ``seed`` (text) is
    what everything drawn by lot follows from: the same capture gives the same questions."""

    connection: Connection
    profile: Profile
    messages: tuple[Message, ...]
    pairing: Pairing
    seed: str

    @property
    def segments(self) -> tuple[Noted, ...]:
        """All segments of the connection, as captured."""
        return self.connection.noted

    @property
    def calm(self) -> bool:
        """Whether nothing was lost, sent twice or held up: a textbook's numbers then hold for every segment, and there is
        one answer to a question about them."""
        return not any(one.notes & _DISTURBED for one in self.segments)

    @property
    def answered(self) -> tuple[Exchange, ...]:
        """The heartbeats (or whatever the profile has answered) that got an answer."""
        return tuple(one for one in self.pairing.exchanges if one.answer is not None)

    def said(self, side: Side, *, proper: bool = True) -> tuple[Message, ...]:
        """The messages of one side; ``proper``: only those that the profile knows and that are whole."""
        return tuple(
            one
            for one in self.messages
            if one.sender == side and not (proper and (one.kind is None or one.problem is not None))
        )

    def typed(self, side: Side) -> tuple[Message, ...]:
        """The proper messages of one side that neither ask for an answer nor are one: what somebody typed."""
        kinds = {spec.answers for spec in self.profile.messages} | {
            spec.name for spec in self.profile.messages if spec.answers is not None
        }
        return tuple(one for one in self.said(side) if one.kind not in kinds and one.text)

    def frame(self, number: int) -> Noted | None:
        """The segment in a frame, if it belongs to the connection."""
        at = bisect_left(self.segments, number, key=lambda one: one.segment.frame)
        found = self.segments[at] if at < len(self.segments) else None
        return found if found is not None and found.segment.frame == number else None

    def since_start(self, noted: Noted) -> float:
        """Seconds since the first segment of the connection."""
        return (noted.segment.time - self.segments[0].segment.time) / 1e9


def facts_of(connection: Connection, profile: Profile, seed: str) -> Facts:
    """Decode a connection for asking about it."""
    messages = {side: decode_stream(profile, side, connection.stream(side)) for side in SIDES}
    both = sorted((*messages["client"], *messages["server"]), key=lambda one: (one.time, max(one.frames, default=0)))
    return Facts(connection, profile, tuple(both), pair(profile, messages["server"], messages["client"]), seed)


@dataclass(frozen=True, slots=True)
class Lot:
    """Draws by lot, always the same for the same capture and question: ``key`` is both, as text."""

    key: str

    def draw(self, things: Sequence[T]) -> T:
        """One of them. Raises IndexError when there is none."""
        return self.shuffled(things)[0]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """All of them in an order that follows from the key."""
        order = sorted(range(len(things)), key=lambda at: hashlib.sha256(f"{self.key}\0{at}".encode()).digest())
        return [things[at] for at in order]
