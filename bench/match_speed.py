"""What it costs to match a trace: 10 000 segments against traces of 40 lines, made to be as hard as they can be.

Prints the time of each beside that of the same segments rebuilt into a connection, in the same run (the floor:
nobody can match what was not rebuilt). Times are CPU seconds, the median of three.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.judge.test_match import HARD, SIDES
from tests.wire import dialogue
from wirelab.declare.trace_reader import read_trace
from wirelab.judge.match import match
from wirelab.observe.connections import Connection, Tracker
from wirelab.observe.segments import Segment

SEGMENTS = 10_000
ROUNDS = 3
LIMIT = 1.0


def main() -> None:
    """Measure and print; always exits 0, because a number is not a test."""
    lines = [f'c > s "m{index}"' if index % 2 == 0 else "s > c ACK" for index in range(SEGMENTS - 6)]
    wire = ["c > s SYN", "s > c SYN,ACK", "c > s ACK", *lines, "c > s FIN", "s > c FIN", "c > s ACK"]
    segments = dialogue("\n".join(wire))
    floor = _seconds(lambda: _connection(segments))
    connection = _connection(segments)
    print(f"{len(segments)} segments rebuilt into a connection   {floor:6.3f} s")
    for name, text in HARD.items():
        trace = read_trace(text)
        taken = _seconds(partial(match, trace, connection, SIDES))
        count = sum(1 for line in text.splitlines() if line.strip())
        print(f"{name:24} {count:3} lines   {taken:6.3f} s   {taken / floor:5.1f} times   (limit {LIMIT:g} s)")


def _connection(segments: list[Segment]) -> Connection:
    tracker = Tracker(server_port=12001)
    for segment in segments:
        tracker.feed(segment)
    return tracker.connections[0]


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
