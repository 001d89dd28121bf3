"""In what a line of a trace and a segment differ, and how bad that is."""

from __future__ import annotations

from wirelab.declare.trace import Line
from wirelab.judge.match_lines import Book, Fitter, bind
from wirelab.judge.match_states import carries
from wirelab.judge.match_wire import CONTROL, Seen, Wire

LATE, ONE_FIELD, SEVERAL, OTHER_FLAGS = 0.5, 0.9, 1.2, 1.8  # a line and a segment that are apart cost 1 each


def price(differs: tuple[str, ...]) -> float | None:
    """What it costs to take a segment for a line from which it differs in this; None when it cannot be meant."""
    if not differs:
        return 0.0
    if differs == ("time",):
        return LATE
    if "sender" in differs:
        return None
    if "flags" in differs:
        return OTHER_FLAGS
    return ONE_FIELD if len(differs) == 1 else SEVERAL


def differences(line: Line, seen: Seen, book: Book, fitter: Fitter, wire: Wire) -> tuple[str, ...]:
    """In what a line and a segment do not agree, as far as what was learned so far can tell."""
    side, control, bits, _ = fitter.known(line)
    if side != seen.side:
        return ("sender",)
    segment = seen.segment
    found = []
    if line.flags is not None and (segment.flags & CONTROL != control or segment.flags & bits != bits):
        found.append("flags")
    seq = segment.seq if "FIN" not in (line.flags or ()) else segment.seq + segment.length
    for name, value, actual in (
        ("seq", line.seq, seq),
        ("ack", line.ack, segment.ack if segment.has_ack else -1),
        ("win", line.window, segment.window),
        ("len", line.length, seen.end - seen.start),
    ):
        if value is not None and bind(value, actual, book.symbols) is None:
            found.append(name)
    data = wire.data[seen.side][seen.start : seen.end]
    unexpected = seen.end > seen.start and line.flags is not None and not carries(line)
    if (line.payload is not None and line.payload not in data) or (line.data and not data) or unexpected:
        found.append("data")
    wanted = line.message
    if wanted is not None and not any(
        message.kind == wanted.kind and set(wanted.groups) <= set(message.groups.items())
        for message in wire.ending(seen)
    ):
        found.append("message")
    for limit in line.bounds:
        since = book.time if limit.since is None else book.labels.get(limit.since)
        passed = segment.time - since if since is not None else None
        if passed is not None and (
            (limit.most is not None and passed > limit.most) or (limit.least is not None and passed < limit.least)
        ):
            found.append("time")
    return tuple(dict.fromkeys(found))
