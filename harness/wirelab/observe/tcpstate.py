"""The states of RFC 9293, section 3.3.2, and the transitions a passive observer can infer, as a table.

Theory of operation
-------------------
RFC 9293 draws a connection's life as a diagram (figure 5) whose arrows are labelled with what a side
is asked to do, what it receives and what it sends: ``rcv FIN / snd ACK``. Who only watches the wire sees
segments, and must infer both sides' states from them. Three rules make that exact:

1. *A segment seen was sent.* Sending SYN, FIN or RST moves its sender at once.
2. *A SYN or a FIN counts as received when its receiver answers it.* The tap may show a segment that was lost
   right after it, so seeing a FIN does not prove that it arrived; the ACK does. This is the one arrow
   ``rcv FIN / snd ACK`` of figure 5, taken at its second half. Hence the last ACK of a teardown moves its sender to
   TIME-WAIT and its receiver to CLOSED, and a lost FIN leaves the other side ESTABLISHED, as it should.
   One case needs no proof: two FINs that crossed, neither acknowledging the other (figure 13). Both are
   under way at once, and both sides are CLOSING.
3. *An ACK or a RST counts as received when it is seen*: nothing that follows would prove it. (When an ACK was
   lost, the retransmission of what it acknowledged shows it; states do not move back.) Where it is known that a
   segment never arrived, because a script let it vanish, it moves its sender alone, until it comes again.

What leaves no trace on the wire is missing on purpose: CLOSED to LISTEN (a server's passive open), and
TIME-WAIT to CLOSED after two maximum segment lifetimes. So the side that is connected to starts as LISTEN, the other
as CLOSED, and a connection that ended well rests with one side in TIME-WAIT and the other in CLOSED.

Segments are turned into events by ``connections``; one segment may be several events for a side, in the order
of section 3.10.7.4 (ACK before FIN): a FIN that acknowledges the other FIN takes its sender from ESTABLISHED
through CLOSE-WAIT to LAST-ACK, and its receiver passes FIN-WAIT-2 on the way to TIME-WAIT (figure 5, note 2). An event
that has no entry for a state leaves the state alone.

The diagram in the documentation is drawn from the same table (``diagram``). This module knows no segments.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """A side's connection state; names as in RFC 9293."""

    CLOSED = "CLOSED"
    LISTEN = "LISTEN"
    SYN_SENT = "SYN-SENT"
    SYN_RECEIVED = "SYN-RECEIVED"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT_1 = "FIN-WAIT-1"
    FIN_WAIT_2 = "FIN-WAIT-2"
    CLOSE_WAIT = "CLOSE-WAIT"
    CLOSING = "CLOSING"
    LAST_ACK = "LAST-ACK"
    TIME_WAIT = "TIME-WAIT"


class Event(StrEnum):
    """What an observer sees happen to one side; the value reads as the label of an arrow."""

    SENDS_SYN = "sends SYN"
    SENDS_SYN_ACK = "sends SYN,ACK"
    SENDS_ACK_OF_SYN = "sends ACK of the other SYN"
    RECEIVES_ACK_OF_SYN = "receives ACK of its SYN"
    SENDS_FIN = "sends FIN"
    SENDS_ACK_OF_FIN = "sends ACK of the other FIN"
    RECEIVES_ACK_OF_FIN = "receives ACK of its FIN"
    RECEIVES_CROSSING_FIN = "receives a FIN that crossed its own"
    SENDS_RST = "sends RST"
    RECEIVES_RST = "receives RST"


class Transition(NamedTuple):
    """One arrow: in ``state``, ``event`` leads to ``target``; ``source`` is where RFC 9293 says so."""

    state: State
    event: Event
    target: State
    source: str


_S, _E = State, Event

_OPENING = (
    Transition(_S.CLOSED, _E.SENDS_SYN, _S.SYN_SENT, "figure 5: active OPEN / snd SYN"),
    Transition(_S.LISTEN, _E.SENDS_SYN, _S.SYN_SENT, "figure 5: SEND / snd SYN"),
    Transition(_S.LISTEN, _E.SENDS_SYN_ACK, _S.SYN_RECEIVED, "figure 5: rcv SYN / snd SYN,ACK"),
    Transition(_S.SYN_SENT, _E.SENDS_SYN_ACK, _S.SYN_RECEIVED, "figure 5 and figure 7 (simultaneous open): rcv SYN"),
    Transition(_S.SYN_SENT, _E.SENDS_ACK_OF_SYN, _S.ESTABLISHED, "figure 5: rcv SYN,ACK / snd ACK"),
    Transition(_S.SYN_RECEIVED, _E.RECEIVES_ACK_OF_SYN, _S.ESTABLISHED, "figure 5: rcv ACK of SYN"),
)

_CLOSING = (
    Transition(_S.SYN_RECEIVED, _E.SENDS_FIN, _S.FIN_WAIT_1, "figure 5: CLOSE / snd FIN"),
    Transition(_S.ESTABLISHED, _E.SENDS_FIN, _S.FIN_WAIT_1, "figure 5: CLOSE / snd FIN"),
    Transition(_S.CLOSE_WAIT, _E.SENDS_FIN, _S.LAST_ACK, "figure 5: CLOSE / snd FIN"),
    Transition(_S.SYN_RECEIVED, _E.SENDS_ACK_OF_FIN, _S.CLOSE_WAIT, "section 3.10.7.4, eighth: SYN-RECEIVED"),
    Transition(_S.ESTABLISHED, _E.SENDS_ACK_OF_FIN, _S.CLOSE_WAIT, "figure 5: rcv FIN / snd ACK"),
    Transition(_S.FIN_WAIT_1, _E.SENDS_ACK_OF_FIN, _S.CLOSING, "figure 5: rcv FIN / snd ACK"),
    Transition(_S.FIN_WAIT_1, _E.RECEIVES_CROSSING_FIN, _S.CLOSING, "figure 5 and figure 13 (simultaneous close)"),
    Transition(_S.FIN_WAIT_2, _E.SENDS_ACK_OF_FIN, _S.TIME_WAIT, "figure 5: rcv FIN / snd ACK"),
    Transition(_S.FIN_WAIT_1, _E.RECEIVES_ACK_OF_FIN, _S.FIN_WAIT_2, "figure 5: rcv ACK of FIN"),
    Transition(_S.CLOSING, _E.RECEIVES_ACK_OF_FIN, _S.TIME_WAIT, "figure 5: rcv ACK of FIN"),
    Transition(_S.LAST_ACK, _E.RECEIVES_ACK_OF_FIN, _S.CLOSED, "figure 5: rcv ACK of FIN"),
)

_OPEN = (
    _S.ESTABLISHED,
    _S.FIN_WAIT_1,
    _S.FIN_WAIT_2,
    _S.CLOSE_WAIT,
    _S.CLOSING,
    _S.LAST_ACK,
    _S.TIME_WAIT,
)

_RESETTING = (
    Transition(_S.LISTEN, _E.SENDS_RST, _S.CLOSED, "section 3.5.2, group 1: nobody listened"),
    Transition(_S.SYN_SENT, _E.SENDS_RST, _S.CLOSED, "section 3.5.2, group 1: whoever sent the SYN is gone"),
    Transition(_S.SYN_RECEIVED, _E.SENDS_RST, _S.CLOSED, "section 3.10.5: ABORT"),
    Transition(_S.SYN_SENT, _E.RECEIVES_RST, _S.CLOSED, "section 3.10.7.3, second"),
    Transition(_S.SYN_RECEIVED, _E.RECEIVES_RST, _S.LISTEN, "figure 5, note 1: after a passive OPEN"),
    *(Transition(state, _E.SENDS_RST, _S.CLOSED, "section 3.10.5: ABORT; section 3.5.2") for state in _OPEN),
    *(Transition(state, _E.RECEIVES_RST, _S.CLOSED, "section 3.10.7.4, second") for state in _OPEN),
)

TRANSITIONS: tuple[Transition, ...] = _OPENING + _CLOSING + _RESETTING
"""Every arrow, each with its source in RFC 9293."""

TABLE: dict[tuple[State, Event], State] = {(row.state, row.event): row.target for row in TRANSITIONS}
"""The same as a table: where an event leads from a state."""


def after(state: State, event: Event) -> State:
    """The state that ``event`` leads to; the same state when the table has no entry.

    >>> after(State.FIN_WAIT_2, Event.SENDS_ACK_OF_FIN)
    <State.TIME_WAIT: 'TIME-WAIT'>
    """
    return TABLE.get((state, event), state)


def diagram() -> str:
    """The table as a Mermaid ``stateDiagram-v2``; arrows between the same two states are drawn as one."""
    labels: dict[tuple[State, State], list[str]] = {}
    for row in TRANSITIONS:
        labels.setdefault((row.state, row.target), []).append(row.event.value)
    lines = ["stateDiagram-v2"]
    # Mermaid's identifiers have no hyphens, so states get their Python names and are shown by their real ones.
    lines += [f'    state "{state.value}" as {state.name}' for state in State]
    lines += ["    [*] --> CLOSED : a client starts here", "    [*] --> LISTEN : a server starts here"]
    lines += [f"    {one.name} --> {two.name} : {' or '.join(events)}" for (one, two), events in labels.items()]
    return "\n".join(lines) + "\n"
