"""An expected trace as states to be in: which lines may come next. Knows the notation's values, no segments.

A state is what is left of the trace. Its ``steps`` are the lines that may be next, each with what is left after it;
in a state with ``gap`` any segment that neither opens nor closes may come before. States are made when they are
first entered, because a block of n units in any order has 2**n of them, nearly all of which never occur.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wirelab.declare.trace import AnyOrder, Either, Gap, Item, Line, Trace, Value, Variation

STEPS = 50_000
_CLOSING = {"FIN", "ACK"}


class Step(NamedTuple):
    """One line that may be next, what is left of the trace after it, and the variation that it takes to get here."""

    line: Line
    rest: Rest
    variation: Variation | None = None


class State:
    """Where a reading of the trace stands. ``final``: nothing more need come. Compared by identity."""

    __slots__ = ("final", "gap", "lowest", "steps")

    def __init__(self, steps: tuple[Step, ...], gap: bool, final: bool) -> None:
        self.steps = steps
        self.gap = gap
        self.final = final
        self.lowest = min((step.line.place.line for step in steps), default=0)


class TooManyStates(Exception):
    """The trace says so little that there is no end of ways to read it."""


class Purse:
    """How many steps may still be made for one trace, over all its states."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS

    def spend(self, steps: int) -> None:
        """Raises TooManyStates when it is empty."""
        self.left -= steps
        if self.left < 0:
            raise TooManyStates


class Rest:
    """What is left of a trace: an item and what follows it; without an item, the end."""

    __slots__ = ("_after", "_left", "_purse", "_states", "follows", "item")

    def __init__(
        self, item: Item | None, follows: Rest | None, purse: Purse, left: frozenset[int] | None = None
    ) -> None:
        self.item = item
        self.follows = follows
        self._purse = purse
        self._left = left  # of AnyOrder: the units that are still to come
        self._states: tuple[State, ...] | None = None
        self._after: dict[frozenset[int], Rest] = {}

    def states(self) -> tuple[State, ...]:
        """The states that a reading is in when this is what is left; at most one of them without a gap."""
        if self._states is None:
            self._states = self._made()
        return self._states

    def _made(self) -> tuple[State, ...]:
        item, follows = self.item, self.follows
        if item is None or follows is None:
            return (State((), gap=False, final=True),)
        if isinstance(item, Line):
            variation = Variation.SIMULTANEOUS if isinstance(item, Crossed) else None
            return (State((Step(item, follows, variation),), gap=False, final=False),)
        if isinstance(item, Gap):
            return (_joined(follows.states(), self._purse, gap=True),)
        if isinstance(item, Either):
            return _merged(tuple(sequence(branch, follows, self._purse) for branch in item.branches), self._purse)
        left = frozenset(range(len(item.units))) if self._left is None else self._left
        if not left:
            return follows.states()
        units = (sequence(item.units[unit], self._without(item, left - {unit}), self._purse) for unit in sorted(left))
        return _merged(tuple(units), self._purse)

    def _without(self, item: AnyOrder, left: frozenset[int]) -> Rest:
        assert self.follows is not None
        if left not in self._after:
            again = Rest(item, self.follows, self._purse, left)
            again._after = self._after  # so that units taken in another order lead to the same state
            self._after[left] = again
        return self._after[left]


class Crossed(Line):
    """A line of a close in which the FINs crossed, where the trace has them one after the other."""

    __slots__ = ()


def _merged(choices: tuple[Rest, ...], purse: Purse) -> tuple[State, ...]:
    """All states that any of the choices leads to: those without a gap as one, and each other once."""
    states = list(dict.fromkeys(state for rest in choices for state in rest.states()))
    purse.spend(1 + len(states))
    plain = [state for state in states if not state.gap]
    gaps = [state for state in states if state.gap]
    return tuple(gaps if not plain else [plain[0] if len(plain) == 1 else _joined(plain, purse, gap=False), *gaps])


def _joined(states: Iterable[State], purse: Purse, *, gap: bool) -> State:
    """One state with the steps of several, each step once."""
    states = tuple(states)
    steps = {(id(step.line), id(step.rest), step.variation): step for state in states for step in state.steps}
    purse.spend(sum(len(state.steps) for state in states))
    return State(tuple(steps.values()), gap=gap, final=any(state.final for state in states))


def sequence(items: tuple[Item, ...], follows: Rest, purse: Purse) -> Rest:
    """Items one after the other, and then ``follows``. Gaps that meet are one."""
    for item in reversed(items):
        if isinstance(item, Gap) and isinstance(follows.item, Gap):
            continue
        follows = Rest(item, follows, purse)
        follows.states()  # from the end on, so that it takes no recursion through the whole trace later
    return follows


def beginning(trace: Trace) -> Rest:
    """The whole trace, with the ways in which its closes may cross, unless it is strict about that.

    Raises TooManyStates, here or from any later ``states``.
    """
    purse = Purse()
    items = trace.items if Variation.SIMULTANEOUS in trace.strict else _with_crossings(trace.items)
    return sequence(items, Rest(None, None, purse), purse)


def _with_crossings(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Where a close is written one side after the other, the same with FINs that cross as an alternative."""
    result: list[Item] = []
    at = 0
    while at < len(items):
        item = items[at]
        length, crossed = _crossing(items[at : at + 4])
        if crossed:
            result.append(Either(item.place, (items[at : at + length], crossed)))
            at += length
            continue
        if isinstance(item, Either):
            item = Either(item.place, tuple(_with_crossings(branch) for branch in item.branches))
        elif isinstance(item, AnyOrder):
            item = AnyOrder(item.place, tuple(_with_crossings(unit) for unit in item.units))
        result.append(item)
        at += 1
    return tuple(result)


def _crossing(items: tuple[Item, ...]) -> tuple[int, tuple[Item, ...]]:
    """How many items are a close (FIN, ACK, FIN, ACK, or with FIN,ACK in one line), and how it looks when it crosses."""
    lines = [item for item in items if isinstance(item, Line)]
    if len(lines) < 3 or lines != list(items[: len(lines)]) or not _fin(lines[0]):
        return 0, ()
    one, two = lines[0], lines[1]
    if [line.sender for line in lines] == [one.sender, two.sender, two.sender, one.sender] and one.sender != two.sender:
        other, last = lines[2], lines[3]
        if _ack(two) and _fin(other) and _ack(last):
            fin = _crossed(other, ack=None if other.ack == two.ack else other.ack)
            return 4, _crossing_lines(one, fin, last, two)
    if _fin(two) and two.ack and _ack(lines[2]) and one.sender == lines[2].sender != two.sender:
        return 3, _crossing_lines(one, _crossed(two, ack=None), lines[2], two)
    return 0, ()


def _crossing_lines(one: Line, other: Line, last: Line, answer: Line) -> tuple[Item, ...]:
    acks = _crossed(last, ack=last.ack, seq=last.seq), _crossed(answer, ack=answer.ack, flags=frozenset({"ACK"}))
    fins = _crossed(one, ack=one.ack, seq=one.seq), other
    return tuple(AnyOrder(one.place, ((first,), (second,))) for first, second in (fins, acks))


def _crossed(line: Line, *, ack: Value | None, seq: Value | None = None, flags: frozenset[str] | None = None) -> Line:
    """A line of a close, with the numbers that it still has when the FINs cross. When it comes is left open."""
    if flags is None and "FIN" in (line.flags or ()):
        flags, seq = frozenset({"FIN"}), line.seq
    return Crossed(
        line.place, line.text, line.sender, line.receiver, flags or line.flags, seq=seq, ack=ack, label=line.label
    )


def _fin(line: Line) -> bool:
    return line.flags is not None and "FIN" in line.flags and line.flags <= _CLOSING and not carries(line)


def _ack(line: Line) -> bool:
    return line.flags == frozenset({"ACK"}) and not carries(line)


def carries(line: Line) -> bool:
    """Whether a line is about bytes of the stream."""
    return line.data or line.payload is not None or line.message is not None or line.length is not None


def lines_ahead(state: State) -> list[Line]:
    """The lines that are still to come, by the first way that the trace gives."""
    lines: list[Line] = []
    while state.steps and not state.final:
        line, rest, _ = state.steps[0]
        lines.append(line)
        state = rest.states()[0]
    return lines
