"""The states of a connection as a picture and a table for the site, where the diagram of the page would need a script from
elsewhere. Knows where each state stands; which arrows there are, the table of ``observe/tcpstate.py`` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import hypot

from wirelab.observe.tcpstate import TRANSITIONS, Event, State, Transition
from wirelab.present import svg
from wirelab.present.html import Html

TITLE = "The states of one side, and what leads from one to the next"
ABOUT = "As figure 5 of RFC 9293 has them. A RST, sent or received, is not drawn: the table has it."
Point = tuple[float, float]
LEFT, MIDDLE, RIGHT = 110, 360, 610
PLACES: dict[State, Point] = {
    State.CLOSED: (LEFT, 30),
    State.LISTEN: (RIGHT, 30),
    State.SYN_SENT: (LEFT, 130),
    State.SYN_RECEIVED: (RIGHT, 130),
    State.ESTABLISHED: (MIDDLE, 260),
    State.FIN_WAIT_1: (LEFT, 390),
    State.CLOSE_WAIT: (RIGHT, 390),
    State.FIN_WAIT_2: (LEFT, 510),
    State.CLOSING: (MIDDLE, 510),
    State.LAST_ACK: (RIGHT, 510),
    State.TIME_WAIT: (MIDDLE, 630),
}
END = (RIGHT, 630)  # CLOSED once more, so that no arrow goes back up
AROUND: dict[tuple[State, State], Point] = {(State.SYN_RECEIVED, State.FIN_WAIT_1): (300, 205)}  # past ESTABLISHED
# How far along its arrow a label stands, where the middle is taken.
ALONG = {
    (State.LISTEN, State.SYN_SENT): 0.6,
    (State.SYN_SENT, State.ESTABLISHED): 0.4,
    (State.SYN_RECEIVED, State.FIN_WAIT_1): 0.8,
    (State.ESTABLISHED, State.FIN_WAIT_1): 0.4,
    (State.FIN_WAIT_1, State.FIN_WAIT_2): 0.7,
    (State.FIN_WAIT_1, State.CLOSING): 0.45,
    (State.FIN_WAIT_2, State.TIME_WAIT): 0.35,
}
WIDE, HIGH, LETTER = 124, 32, 11
RESETS = (Event.SENDS_RST, Event.RECEIVES_RST)


def picture() -> str:
    """Every arrow of the table but those of RST, as an SVG document."""
    boxes = [part for state, at in PLACES.items() for part in _box(state, at)]
    arrows: list[Html] = []
    labels: list[Html] = []
    for (one, two), events in drawn().items():
        points = [PLACES[one], *filter(None, [AROUND.get((one, two))]), END if two is State.CLOSED else PLACES[two]]
        points[0], points[-1] = _edge(points[0], points[1]), _edge(points[-1], points[-2])
        arrows += _arrow(points)
        labels += _label(_along(points, ALONG.get((one, two), 0.5)), events)
    note = svg.write(12, 676, ABOUT, 12, svg.GREY)
    return svg.figure(TITLE, ABOUT, 690, *arrows, *boxes, *_box(State.CLOSED, END), *labels, note, language="en")


def drawn() -> dict[tuple[State, State], list[str]]:
    """What leads from one state to another, without RST."""
    found: dict[tuple[State, State], list[str]] = {}
    for row in TRANSITIONS:
        if row.event not in RESETS:
            found.setdefault((row.state, row.target), []).append(row.event.value)
    return found


def table(rows: Iterable[Transition] = TRANSITIONS) -> str:
    """Every arrow, with where RFC 9293 says so, as Markdown."""
    lines = [f"| {row.state} | {row.event} | {row.target} | {row.source} |" for row in rows]
    return "\n".join(["| a side in | when it | is then in | RFC 9293 |", "|---|---|---|---|", *lines]) + "\n"


def _box(state: State, at: Point) -> Iterator[Html]:
    x, y = at
    yield svg.box(x - WIDE / 2, y - HIGH / 2, WIDE, HIGH, fill="#eef3f9", stroke=svg.BLUE, rx=5)
    yield svg.write(x, y + 5, state.value, 13, anchor="middle", weight=700)


def _edge(centre: Point, towards: Point) -> Point:
    """Where the line from a box's centre leaves it."""
    (x, y), (dx, dy) = centre, (towards[0] - centre[0], towards[1] - centre[1])
    part = min(WIDE / 2 / abs(dx) if dx else 1.0, HIGH / 2 / abs(dy) if dy else 1.0)
    return x + dx * part, y + dy * part


def _arrow(points: list[Point]) -> Iterator[Html]:
    for (x1, y1), (x2, y2) in pairwise(points):
        yield svg.line(x1, y1, x2, y2, svg.BLUE, 1.3)
    (x1, y1), (x2, y2) = points[-2:]
    long = hypot(x2 - x1, y2 - y1)
    dx, dy = (x2 - x1) / long, (y2 - y1) / long
    left, right = (x2 - 9 * dx + 4 * dy, y2 - 9 * dy - 4 * dx), (x2 - 9 * dx - 4 * dy, y2 - 9 * dy + 4 * dx)
    corners = "L".join(f"{svg.num(x)} {svg.num(y)}" for x, y in ((x2, y2), left, right))
    yield svg.path(f"M{corners}z", fill=svg.BLUE)


def _along(points: list[Point], part: float) -> Point:
    """The point after this part of a line's length."""
    left = part * sum(hypot(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in pairwise(points))
    for (x1, y1), (x2, y2) in pairwise(points):
        long = hypot(x2 - x1, y2 - y1)
        if left <= long:
            return x1 + (x2 - x1) * left / long, y1 + (y2 - y1) * left / long
        left -= long
    return points[-1]


def _label(at: Point, events: list[str]) -> Iterator[Html]:
    x, y = at
    words = [event + (" or" if number < len(events) else "") for number, event in enumerate(events, 1)]
    top = y - len(words) * (LETTER + 3) / 2
    across = max(svg.wide(word, LETTER) for word in words) * 0.87
    yield svg.box(x - across / 2, top, across, len(words) * (LETTER + 3))
    for row, word in enumerate(words, 1):
        yield svg.write(x, top + row * (LETTER + 3) - 4, word, LETTER, anchor="middle")
