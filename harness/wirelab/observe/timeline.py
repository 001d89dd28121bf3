"""One timeline: packets, terminals and script steps of a run, merged on their one clock. Judges nothing."""

from __future__ import annotations

from collections.abc import Container

from wirelab.observe.connections import Noted, Tracker
from wirelab.observe.evidence import Event, Evidence
from wirelab.observe.segments import decode


def timeline(evidence: Evidence, lost: Container[int] = ()) -> tuple[Event | Noted, ...]:
    """Everything that was seen, in the order in which it happened; segments stand in their connections. ``lost``: the
    frames of those that are known not to have arrived.

    At equal times segments come first: what a program shows or does follows from what arrived.
    """
    tracker = Tracker(server_port=evidence.port)
    segments = (decode(packet, frame, evidence.linktype) for frame, packet in enumerate(evidence.packets, 1))
    noted = [tracker.feed(one, lost=one.frame in lost) for one in segments if one is not None]
    return tuple(sorted((*noted, *evidence.events), key=moment))


def moment(item: Event | Noted) -> int:
    """When something happened, in nanoseconds since the epoch."""
    return item.segment.time if isinstance(item, Noted) else item.time
