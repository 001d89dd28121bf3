"""What must be seen: the items of a scenario's ``expect`` list, as frozen models.

The first key of an item names the check and whose connection it looks at. What each one means on the wire
is in ``judge/checks.py``; here is only what may be written.
"""

# No `from __future__ import annotations`: msgspec would compile each annotation anew, 4 ms more in every run.

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from wirelab.declare.fill import Strict


class Expectation(Strict):
    """Base of all expectations; ``check`` is the word that names it."""

    check: ClassVar[str]


class HandshakeExpected(Expectation):
    """The client's connection opens with SYN, SYN+ACK, ACK; or is refused, where nobody listens."""

    check = "handshake"
    handshake: Annotated[str, Meta(description="the client")]
    refused: Annotated[bool, Meta(description="true: its SYN must be answered with RST")] = False


class MessagesExpected(Expectation):
    """Exactly these typed lines crossed the wire, in this order, each properly framed."""

    check = "messages"
    messages: Annotated[str, Meta(description="the client")]
    sent: Annotated[
        tuple[str, ...], Meta(description="the texts of the messages it sent; an empty line may be sent or not")
    ]


class HeartbeatExpected(Expectation):
    """Heartbeats come, and each is answered once, with its own number, in time."""

    check = "heartbeat"
    heartbeat: Annotated[str, Meta(description="the client")]
    at_least: Annotated[int, Meta(ge=0, le=10_000, description="how many heartbeats must come and be answered")] = 1
    answered_within: Annotated[
        float, Meta(gt=0, le=60, description="seconds from heartbeat to answer, both on the wire")
    ] = 0.1


class BroadcastExpected(Expectation):
    """One line typed at the server reached each of these clients exactly once."""

    check = "broadcast"
    broadcast: Annotated[str, Meta(description="the text")]
    to: Annotated[tuple[str, ...], Meta(min_length=1, description="the clients that get it")]
    not_to: Annotated[tuple[str, ...], Meta(description="clients that must not get it")] = ()


class TeardownExpected(Expectation):
    """How the connection ended."""

    check = "teardown"
    teardown: Annotated[str, Meta(description="the client")]
    first: Annotated[str | None, Meta(description="the actor that must send the first FIN; left out, either may")] = (
        None
    )
    style: Annotated[
        Literal["orderly", "reset", "any"],
        Meta(description="orderly: both FINs, both acknowledged, no RST; reset: ended by RST"),
    ] = "orderly"


class TraceExpected(Expectation):
    """The segments of a connection, from first to last, as a trace in textbook notation (docs/traces.md).

    Its connection is that of the client which it names. Written as a block: `trace: |`, and the lines below it.
    """

    check = "trace"
    trace: Annotated[str, Meta(description="the trace; it names one client and one server of the cast")]


EXPECTATIONS: tuple[type[Expectation], ...] = (
    HandshakeExpected,
    MessagesExpected,
    HeartbeatExpected,
    BroadcastExpected,
    TeardownExpected,
    TraceExpected,
)
BY_CHECK: dict[str, type[Expectation]] = {model.check: model for model in EXPECTATIONS}
