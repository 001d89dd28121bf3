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
    """A bound was hit: an actor's terminal output (``actor``) or the capture (actor None) is cut from here on; or a
    program in a sandbox had so many processes and threads, or used so many bytes of memory, that it was ended."""

    time: int
    actor: str | None
    limit: int
    unit: Literal["bytes", "packets", "processes", "memory"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """How long a program had been kept from running by then (s): its worst-off thread, at every moment, was ready and
    had no CPU, and that was more than the program's own threads had of the CPUs. ``cpu``: what they had by then (s), all together."""

    time: int
    actor: str
    run_delay: float
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a program's source: its file (as the program was told, or absolute), line number and function."""

    file: str
    line: int
    function: str


Doing = Literal[
    "running",  # has a CPU, or waits for one
    "keyboard",  # reads its terminal
    "printing",  # writes to its terminal
    "connecting",
    "accepting",
    "receiving",  # recv or read on a connection
    "sending",
    "polling",  # select, poll, epoll
    "waiting",  # futex: for a lock, a condition, or for another thread to end
    "sleeping",
    "child",  # waits for another process
    "stopped",  # by a signal (Ctrl-Z, SIGSTOP)
    "other",
]


@dataclass(frozen=True, slots=True)
class ThreadSeen:
    """What one thread of a program was doing at one moment.

    ``port`` is the local port of the socket it receives from, sends to or connects with, or listens on; ``peer`` that
    at the socket's other end (0 when it has none); ``call`` the system call. ``stack`` is innermost first, empty for
    what is not Python. ``waits_for`` names the thread that it joins.
    """

    tid: int
    name: str
    doing: Doing
    call: str = ""
    port: int | None = None
    peer: int | None = None
    stack: tuple[SourceLine, ...] = ()
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class SocketSeen:
    """A TCP socket that a program has open: its ports, its state (as RFC 9293 spells it), bytes unread and unsent."""

    port: int
    peer: int
    state: str
    unread: int
    unsent: int


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What a program was doing, thread by thread, when it was looked at: at an exit it missed, or before its end.

    ``cpu`` is the fraction of one CPU that it used while it was looked at."""

    time: int
    actor: str
    why: Literal["missed", "end"]
    cpu: float
    threads: tuple[ThreadSeen, ...]
    sockets: tuple[SocketSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """A thread of a Python program called a method of a socket, as the observer inside it saw; ``time`` is just before.

    ``port`` and ``peer`` are the socket's local and remote ports (0 when it had none yet). ``count`` says how often
    this line had made this call on this connection by then: one that calls in a loop is not recorded every time. ``unread`` (bytes)
    and ``linger`` (seconds; None when SO_LINGER is off) are what the socket had at ``close``, else None.
    """

    time: int
    actor: str
    thread: str
    call: Literal["connect", "accept", "send", "recv", "shutdown", "close"]
    port: int
    peer: int
    line: SourceLine
    count: int = 1
    unread: int | None = None
    linger: int | None = None


Event = (
    Started
    | Typed
    | Shown
    | Exited
    | Ending
    | StepBegan
    | StepEnded
    | Wire
    | Peered
    | Owned
    | Bounded
    | Sampled
    | Witnessed
    | Called
)


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
