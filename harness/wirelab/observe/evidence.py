"""What a run leaves behind, as values: one list of events on one clock, and the captured packets.

This is the only thing judging looks at; a run folder stores exactly this, so that a run can be judged
again without running anything. All times are wall-clock nanoseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wirelab.observe.segments import Packet

Role = Literal["client", "server"]
Part = Literal["submission", "reference", "peer"]


@dataclass(frozen=True, slots=True)
class Started:
    """A program was started (or a peer began to listen or connect)."""

    time: int
    actor: str
    role: Role
    part: Part
    command: tuple[str, ...]
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """Keys were pressed at an actor's keyboard. ``keys`` is for people: ``hello⏎``, ``Ctrl-D``."""

    time: int
    actor: str
    keys: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An actor's program wrote to its terminal; ``data`` is decoded, escape sequences still in it."""

    time: int
    actor: str
    data: str


@dataclass(frozen=True, slots=True)
class Exited:
    """A program ended. ``status``: exit status, or minus the signal number, None when it cannot be known.

    ``by`` tells whose doing the end was: the program's own, a signal the script asked for, or the harness
    cleaning up after the last step (its FINs and RSTs are then not the program's)."""

    time: int
    actor: str
    status: int | None
    by: Literal["itself", "script", "harness"]


@dataclass(frozen=True, slots=True)
class Ending:
    """The harness began to end an actor (clean-up, or a signal from the script); what follows is not its own."""

    time: int
    actor: str
    by: Literal["script", "harness"]
    signal: str


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A script step began; ``index`` counts from 0, ``text`` is the step as the author wrote it."""

    time: int
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A script step ended: done, missed (what it waited for did not come), or impossible (its program was gone).

    ``detail`` gives what a step found, for the judge: a closed set of plain values."""

    time: int
    index: int
    outcome: Literal["done", "missed", "impossible"]
    detail: dict[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wire:
    """Something the harness did to the wire; ``about`` says to whom or what: an actor, or the segment to be dropped."""

    time: int
    what: Literal["cut", "heal", "drop", "inject"]
    about: str


@dataclass(frozen=True, slots=True)
class Peered:
    """A scripted peer did something: connected, sent, half-closed, closed, reset."""

    time: int
    actor: str
    what: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Owned:
    """A connection was seen to belong to an actor: the local TCP port of the actor's end of it."""

    time: int
    actor: str
    port: int


@dataclass(frozen=True, slots=True)
class Bounded:
    """A bound was hit: an actor's terminal output (``actor``) or the capture (actor None) is cut from here on."""

    time: int
    actor: str | None
    limit: int
    unit: Literal["bytes", "packets"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """How long the worst-off thread of a program, at every moment, had been ready to run without a CPU by then (s)."""

    time: int
    actor: str
    run_delay: float


Event = Started | Typed | Shown | Exited | Ending | StepBegan | StepEnded | Wire | Peered | Owned | Bounded | Sampled


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one run left: events in time order, packets in captured order, and how sound the capture is.

    ``lost`` counts packets the kernel saw and the tap did not keep (``PACKET_STATISTICS``); any loss makes
    the verdict inconclusive. ``frames`` of segments are 1 + the packet's position here.
    """

    events: tuple[Event, ...]
    packets: tuple[Packet, ...]
    linktype: int
    lost: int = 0
    port: int = 12001
    machine: dict[str, str] = field(default_factory=dict)
