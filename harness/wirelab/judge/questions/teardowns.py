"""What questions about a teardown agree on: its segments, and when there is one to ask about. Knows no question."""

from __future__ import annotations

from dataclasses import dataclass

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.facts import Facts
from wirelab.observe.connections import Noted, Side

OPTIONS = [Bilingual("client", "客户端"), Bilingual("server", "服务器")]
"""The two sides to choose from, in the order of ``connections.SIDES``."""

TEARDOWN = Text(
    "an orderly teardown in which one side closed first: two FINs, both acknowledged, nothing lost, no RST",
    "有先后之分的正常关闭：两个 FIN 都得到确认，没有丢失，也没有 RST",
)


@dataclass(frozen=True, slots=True)
class Closing:
    """An orderly teardown in which one side closed first. ``ack`` is what acknowledges ``fin``, the first FIN, and may be
    ``other_fin`` itself; ``last`` acknowledges ``other_fin``."""

    first: Side
    fin: Noted
    ack: Noted
    other_fin: Noted
    last: Noted

    @property
    def other(self) -> Side:
        """Who closed second."""
        return "server" if self.first == "client" else "client"

    @property
    def rides(self) -> bool:
        """Whether the ACK of the first FIN rides on the second."""
        return self.ack is self.other_fin

    @property
    def parts(self) -> tuple[Noted, ...]:
        """Both FINs and what acknowledges each, each segment once, as captured."""
        return (self.fin, self.ack, self.last) if self.rides else (self.fin, self.ack, self.other_fin, self.last)

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames of ``parts``."""
        return tuple(one.segment.frame for one in self.parts)


def closing_of(facts: Facts) -> Closing | None:
    """The teardown, where there is just one way to tell its story; None for FINs that crossed, a RST, a FIN or an ACK
    that is missing, was sent twice, or was captured out of order."""
    down = facts.connection.teardown
    if down.first is None or down.simultaneous or not down.orderly or not facts.calm:
        return None
    other: Side = "server" if down.first == "client" else "client"
    fin, other_fin = facts.connection.fin(down.first), facts.connection.fin(other)
    ack, last = facts.connection.fin_ack(down.first), facts.connection.fin_ack(other)
    if fin is None or ack is None or other_fin is None or last is None:
        return None
    frames = [one.segment.frame for one in (fin, ack, other_fin, last)]
    if not frames[0] < frames[1] <= frames[2] < frames[3]:
        return None
    if ack.ack != fin.seq + fin.segment.span or last.ack != other_fin.seq + other_fin.segment.span:
        return None
    if any("after-close" in one.notes for one in facts.segments):
        return None
    return Closing(down.first, fin, ack, other_fin, last)


def window(facts: Facts, closing: Closing, before: int = 0) -> tuple[Noted, ...]:
    """All segments from the first FIN to the last ACK, data of a half-closed connection among them, and so many
    ``before`` them."""
    segments = facts.segments
    start, stop = (segments.index(one) for one in (closing.fin, closing.last))
    return segments[max(0, start - before) : stop + 1]
