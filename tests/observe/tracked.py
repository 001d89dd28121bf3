"""Dialogues rebuilt into connections, and what tests ask of them."""

from __future__ import annotations

from tests.wire import dialogue
from wirelab.observe.connections import Connection, Noted, Tracker
from wirelab.observe.segments import Segment

OPEN = r"""
    c > s SYN
    s > c SYN,ACK
    c > s ACK
"""


def track(segments: list[Segment], server_port: int | None = None) -> Tracker:
    tracker = Tracker(server_port)
    for segment in segments:
        tracker.feed(segment)
    return tracker


def play(text: str) -> Connection:
    """The one connection of a dialogue."""
    tracker = track(dialogue(text))
    (connection,) = tracker.connections
    assert connection is tracker.connection(0)
    return connection


def notes(connection: Connection) -> list[str]:
    """The notes of each segment, sorted, in one string."""
    return [" ".join(sorted(noted.notes)) for noted in connection.noted]


def states(text: str) -> None:
    """Play a dialogue whose comments are ``client state, server state[: notes]`` and compare every line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    expected = [line.partition("#")[2].strip() for line in lines]
    connection = play(text)
    seen = []
    for noted in connection.noted:
        line = f"{noted.client_state}, {noted.server_state}"
        seen.append(f"{line}: {' '.join(sorted(noted.notes))}" if noted.notes else line)
    assert expected == seen
    last = connection.noted[-1]
    assert (last.client_state, last.server_state) == (connection.client_state, connection.server_state)


def frame(noted: Noted | None) -> int | None:
    return None if noted is None else noted.segment.frame


def teardown(connection: Connection) -> tuple[int | None, int | None, int | None, int | None]:
    """Frames of the client's FIN and its ACK, and of the server's."""
    end = connection.teardown
    return frame(end.client_fin), frame(end.client_fin_ack), frame(end.server_fin), frame(end.server_fin_ack)
