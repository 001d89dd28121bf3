"""Facts from a dialogue written in a test: what questions are asked about, and how they are put."""

from __future__ import annotations

from collections.abc import Mapping

from tests.judge.questions.captures import LINE
from tests.wire import dialogue
from wirelab.judge.questions.asking import Asked, Kind
from wirelab.judge.questions.facts import Facts, Lot, facts_of
from wirelab.observe.connections import Tracker

OPEN = r"""
    c > s SYN
    s > c SYN,ACK
    c > s ACK
    c > s "MSG hi\n"
    s > c ACK
"""
THREE = OPEN + "c > s FIN +20ms\n s > c FIN +3ms\n c > s ACK"
FOUR = OPEN + "c > s FIN +20ms\n s > c ACK +40ms\n s > c FIN +900ms\n c > s ACK"
SERVER_FIRST = OPEN + "s > c FIN +20ms\n c > s FIN +3ms\n s > c ACK"
HALF_CLOSED = (
    OPEN
    + r"""
    c > s FIN
    s > c ACK
    s > c "BROADCAST late\n" +200ms
    c > s ACK
    s > c FIN
    c > s ACK
"""
)
ACKED_BY_DATA = (
    OPEN
    + r"""
    c > s FIN
    s > c "BROADCAST late\n"
    c > s ACK
    s > c FIN
    c > s ACK
"""
)
DATA_IN_FLIGHT = (
    OPEN
    + r"""
    c > s FIN
    s > c "HEARTBEAT 1\n" ack=8
    c > s ACK
    s > c FIN
    c > s ACK
"""
)
FIN_WITH_DATA = (
    OPEN
    + r"""
    c > s FIN "MSG bye\n"
    s > c FIN
    c > s ACK
"""
)
CROSSED = OPEN + "c > s FIN\n s > c FIN ack=8\n c > s ACK\n s > c ACK"
RESET = OPEN + "c > s FIN\n s > c RST,ACK"
NO_LAST_ACK = OPEN + "c > s FIN\n s > c FIN"
ONE_FIN = OPEN + "c > s FIN\n s > c ACK"
FIN_TWICE = OPEN + "c > s FIN\n c > s FIN seq=8 +200ms\n s > c FIN\n c > s ACK"
UNASKABLE = {
    "crossed": CROSSED,
    "reset": RESET,
    "no last ACK": NO_LAST_ACK,
    "one FIN": ONE_FIN,
    "FIN twice": FIN_TWICE,
    "open": OPEN,
}
ORDERLY = {
    "three": THREE,
    "four": FOUR,
    "server first": SERVER_FIRST,
    "half closed": HALF_CLOSED,
    "acknowledged by data": ACKED_BY_DATA,
    "data in flight": DATA_IN_FLIGHT,
    "FIN with data": FIN_WITH_DATA,
}


def told(text: str, seed: str = "a seed") -> Facts:
    """What a report on a dialogue is about."""
    tracker = Tracker(server_port=12001)
    for segment in dialogue(text):
        tracker.feed(segment)
    return facts_of(tracker.connections[0], LINE, seed)


def kinds(*of: tuple[Kind, ...]) -> Mapping[str, Kind]:
    """Kinds by their names."""
    return {kind.name: kind for some in of for kind in some}


def put(kind: Kind, facts: Facts) -> Asked | None:
    """A question as it is put to the student with this capture."""
    return kind.ask(facts, Lot(f"{facts.seed}\0{kind.name}"))
