"""Which captured segments never reached their receiver, because the harness let them vanish. Expects nothing.

The tap stands before the place where segments are lost (``stage/faults``): it sees them all, and no packet tells which
were lost. The script does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
    return frozenset(_dropped(view) | _cut(view)) if view.wire else frozenset()


def segments(view: View) -> list[Noted]:
    """Every segment in captured order: those that were lost are noted as such, and moved nobody who did not get them."""
    gone = lost(view)
    if gone:
        found = [one for one in timeline(view.evidence, gone) if isinstance(one, Noted)]
    else:
        found = [one for item in view.connections for one in item.noted]
    return sorted(found, key=lambda one: one.segment.frame)


def _dropped(view: View) -> set[int]:
    everything = sorted(
        ((noted, view.client_of(item)) for item in view.connections for noted in item.noted),
        key=lambda one: one[0].segment.frame,
    )
    gone: set[int] = set()
    for played in view.steps():
        action = view.scenario.script[played.began.index].action
        if not isinstance(action, Drop) or played.ended is None or played.ended.outcome != "done":
            continue
        done = (event.time for event in view.wire if event.what == "drop" and event.time >= played.began.time)
        since, left = next(done, played.ended.time), action.nth
        closed: set[int] = set()  # connections on which the other side's FIN was delivered
        for noted, client in everything:
            ours, frame = noted.sender == action.sender, noted.segment.frame
            due = noted.segment.time >= since and (action.after is None or noted.connection in closed)
            if ours and due and action.of in (None, client) and _MATCHES[action.drop](noted.segment):
                left -= 1
                if not left:
                    gone.add(frame)
                    break
            if not ours and noted.segment.fin and frame not in gone:
                closed.add(noted.connection)
    return gone


def _cut(view: View) -> set[int]:
    return {
        noted.segment.frame
        for connection in view.connections
        for noted in connection.noted
        if wire_cut(view, view.client_of(connection) or "", noted.segment.time)
    }
