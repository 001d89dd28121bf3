"""Which captured segments never reached their receiver, because the harness let them vanish. Expects nothing.

The tap stands before the place where segments are lost (``stage/faults``): it sees them all, and no packet tells which
were lost. The script does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from wirelab.declare.steps import Drop
from wirelab.judge.blame import wire_cut
from wirelab.judge.view import View
from wirelab.observe.connections import Noted
from wirelab.observe.segments import PSH, Segment
from wirelab.observe.timeline import timeline

_MATCHES: Mapping[str, Callable[[Segment], bool]] = {
    "SYN": lambda segment: segment.syn and not segment.has_ack,
    "SYN,ACK": lambda segment: segment.syn and segment.has_ack,
    "FIN": lambda segment: segment.fin,
    "RST": lambda segment: segment.rst,
    "ACK": lambda segment: segment.flag_names() == "ACK" and not segment.length and not segment.flags & PSH,
    "DATA": lambda segment: bool(segment.flags & PSH),
}
"""What a ``drop`` step means by each word; as the rules of ``stage/faults``."""


def lost(view: View) -> frozenset[int]:
    """The frames of the segments that a ``drop`` step let vanish, and of those that were sent while the wire was cut."""
    if not view.wire:
        return frozenset()
    cut = _cut(view)
    return frozenset(cut | _dropped(view, cut))


def segments(view: View) -> list[Noted]:
    """Every segment in captured order: those that were lost are noted as such, and moved nobody who did not get them."""
    gone = lost(view)
    if gone:
        found = [one for one in timeline(view.evidence, gone) if isinstance(one, Noted)]
    else:
        found = [one for item in view.connections for one in item.noted]
    return sorted(found, key=lambda one: one.segment.frame)


@dataclass(slots=True)
class _Armed:
    """A ``drop`` step that was done: from when on, and how many more segments that it means it lets pass, less one."""

    action: Drop
    since: int
    left: int


def _armed(view: View) -> list[_Armed]:
    found = []
    for played in view.steps():
        action = view.scenario.script[played.began.index].action
        if isinstance(action, Drop) and played.ended is not None and played.ended.outcome == "done":
            done = (event.time for event in view.wire if event.what == "drop" and event.time >= played.began.time)
            found.append(_Armed(action, next(done, played.ended.time), action.nth))
    return found


def _dropped(view: View, cut: Collection[int]) -> set[int]:
    """In the order of the rules: a segment that the cut swallowed comes to no drop, nor one that a drop took to a later."""
    armed = _armed(view)
    everything = sorted(
        ((noted, view.client_of(item)) for item in view.connections for noted in item.noted if armed),
        key=lambda one: one[0].segment.frame,
    )
    gone: set[int] = set()
    closed: set[tuple[int, str]] = set()  # connections, and by whom: a FIN was delivered
    for noted, client in everything:
        if noted.segment.frame in cut:
            continue
        for drop in armed:
            if drop.left and _meant(drop, noted, client, closed):
                drop.left -= 1
                if not drop.left:
                    gone.add(noted.segment.frame)
                    break
        else:
            if noted.segment.fin:
                closed.add((noted.connection, noted.sender))
    return gone


def _meant(drop: _Armed, noted: Noted, client: str | None, closed: Collection[tuple[int, str]]) -> bool:
    action, segment = drop.action, noted.segment
    ours = noted.sender == action.sender and action.of in (None, client) and segment.time >= drop.since
    other = "server" if action.sender == "client" else "client"
    return ours and (action.after is None or (noted.connection, other) in closed) and _MATCHES[action.drop](segment)


def _cut(view: View) -> set[int]:
    return {
        noted.segment.frame
        for connection in view.connections
        for noted in connection.noted
        if wire_cut(view, view.client_of(connection) or "", noted.segment.time)
    }
