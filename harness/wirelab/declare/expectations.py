"""What must be seen: the items of a scenario's ``expect`` list, as frozen models.

The first key of an item names the check and whose connection it looks at. What each one means on the wire
is in ``judge/checks.py``; here is only what may be written.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from wirelab.declare.source import Strict


class Expectation(Strict):
    """Base of all expectations; ``check`` is the word that names it."""

    check: ClassVar[str]


class HandshakeExpected(Expectation):
    """The client's connection opens with SYN, SYN+ACK, ACK."""

    check = "handshake"
    handshake: str = Field(description="the client")


class MessagesExpected(Expectation):
    """Exactly these typed lines crossed the wire, in this order, each properly framed."""

    check = "messages"
    messages: str = Field(description="the client")
    sent: tuple[str, ...] = Field(description="the texts of the messages it sent; an empty line may be sent or not")


class HeartbeatExpected(Expectation):
    """Heartbeats come, and each is answered once, with its own number, in time."""

    check = "heartbeat"
    heartbeat: str = Field(description="the client")
    at_least: int = Field(1, ge=0, le=10_000, description="how many heartbeats must come and be answered")
    answered_within: float = Field(0.1, gt=0, le=60, description="seconds from heartbeat to answer, both on the wire")


class BroadcastExpected(Expectation):
    """One line typed at the server reached each of these clients exactly once."""

    check = "broadcast"
    broadcast: str = Field(description="the text")
    to: tuple[str, ...] = Field(min_length=1, description="the clients that get it")
    not_to: tuple[str, ...] = Field((), description="clients that must not get it")


class TeardownExpected(Expectation):
    """How the connection ended."""

    check = "teardown"
    teardown: str = Field(description="the client")
    first: str | None = Field(None, description="the actor that must send the first FIN; left out, either may")
    style: Literal["orderly", "reset", "any"] = Field(
        "orderly", description="orderly: both FINs, both acknowledged, no RST; reset: ended by RST"
    )


EXPECTATIONS: tuple[type[Expectation], ...] = (
    HandshakeExpected,
    MessagesExpected,
    HeartbeatExpected,
    BroadcastExpected,
    TeardownExpected,
)
BY_CHECK: dict[str, type[Expectation]] = {model.check: model for model in EXPECTATIONS}
