"""The steps of a scenario's script, as frozen models: what may be written, and nothing else.

A step reads aloud. Either its first key is what happens to the stage (``{wait: 1}``), or it is an actor's
name and the value is what that actor does (``{alice: type, text: hi}``); the other keys are this module's
fields. The JSON Schema, ``lint`` and the reference page are all made from these classes: the class's
docstring and the fields' descriptions are the documentation.
"""

# No `from __future__ import annotations`: msgspec would compile each annotation anew, 4 ms more in every run.

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from wirelab.declare.fill import Strict, rule

Seconds = float
Words = Annotated[str, Meta(min_length=1)]
Hex = Annotated[
    str,
    Meta(
        pattern=r"^([0-9a-fA-F]{2}\s*)+$",
        extra=rule("pairs of hexadecimal digits, as in 4d 53 47", "成对的十六进制数字，例如 4d 53 47"),
    ),
]
ExitStatus = Annotated[int, Meta(ge=0, le=255)]
Key = Literal["ctrl-c", "ctrl-d", "ctrl-z", "ctrl-\\", "enter", "tab", "backspace", "escape", "up", "down"]
Flags = Literal["SYN", "SYN,ACK", "ACK", "DATA", "FIN", "RST"]
Signal = Literal["TERM", "KILL", "STOP", "CONT", "INT", "HUP"]
LONGEST = 600.0  # seconds; no single wait of a lab is longer


class Step(Strict):
    """Base of all steps. ``verb`` is the word that names the step; ``needs`` says whose step it is."""

    verb: ClassVar[str]
    needs: ClassVar[Literal["stage", "program", "peer", "actor"]] = "stage"


class Start(Step):
    """Start an actor: a program on a terminal of its own, or a peer (which listens, or connects)."""

    verb = "start"
    needs = "actor"
    start: Annotated[str, Meta(description="the actor to start")]
    until: Annotated[
        str | None, Meta(description="text that must appear on its terminal before the script goes on")
    ] = None
    within: Annotated[
        Seconds, Meta(gt=0, le=LONGEST, description="seconds to wait for `until`; stretched when the machine is busy")
    ] = 10


class Wait(Step):
    """Let time pass; everything goes on being watched."""

    verb = "wait"
    wait: Annotated[Seconds, Meta(ge=0, le=LONGEST, description="seconds")]


class Cut(Step):
    """Cut the wire silently: nothing arrives any more and nobody is told."""

    verb = "cut"
    cut: Annotated[str, Meta(description="the client whose connection is cut, or `all`")]


class Heal(Step):
    """Mend every cut; what was lost is retransmitted by TCP itself."""

    verb = "heal"
    heal: Annotated[Literal["all"], Meta(description="`all`")]


class Drop(Step):
    """Lose one segment: the n-th that matches from now on. The capture shows it, its receiver never does."""

    verb = "drop"
    drop: Annotated[Flags, Meta(description="what the segment carries; ACK is a pure ACK, DATA one with a payload")]
    sender: Annotated[Literal["client", "server"], Meta(description="the side that sends it")] = field(name="from")
    of: Annotated[str | None, Meta(description="only on this client's connection")] = None
    nth: Annotated[int, Meta(ge=1, le=10_000, description="which of the matching segments, counted from 1")] = 1
    after: Annotated[
        Literal["FIN"] | None, Meta(description="count only segments that follow the other side's FIN")
    ] = None


class Inject(Step):
    """Forge a reset: a RST with the right sequence number reaches one side, as if the other had sent it."""

    verb = "inject"
    inject: Annotated[Literal["RST"], Meta(description="`RST`")]
    to: Annotated[str, Meta(description="the actor that receives it")]
    of: Annotated[str | None, Meta(description="the client whose connection is meant, when `to` is the server")] = None


class Type(Step):
    """Type at an actor's keyboard."""

    verb = "type"
    needs = "program"
    text: Annotated[
        str, Meta(max_length=100_000, description="what is typed; a line break (`\\n` in quotes) is Enter, too")
    ]
    enter: Annotated[bool, Meta(description="whether Enter is pressed after it")] = True
    every: Annotated[Seconds, Meta(ge=0, le=10, description="seconds between two keys; 0 types all at once")] = 0
    repeat: Annotated[int, Meta(ge=1, le=1_000, description="how often all of it is typed, Enter included")] = 1


class Press(Step):
    """Press one key. The program gets a moment to settle first, as a person's hand would give it."""

    verb = "press"
    needs = "program"
    key: Annotated[Key, Meta(description="the key")]


class Shows(Step):
    """Wait until a terminal shows a text. Escape sequences are ignored; each occurrence serves one step."""

    verb = "shows"
    needs = "program"
    text: Annotated[Words | None, Meta(description="the words, as a person would read them")] = None
    pattern: Annotated[Words | None, Meta(description="or a regular expression")] = None
    within: Annotated[Seconds, Meta(gt=0, le=LONGEST, description="seconds to wait")] = 2


class NeverShows(Step):
    """The terminal has not shown a text so far, and does not within the given time."""

    verb = "never shows"
    needs = "program"
    text: Annotated[Words | None, Meta(description="the words")] = None
    pattern: Annotated[Words | None, Meta(description="or a regular expression")] = None
    within: Annotated[Seconds, Meta(ge=0, le=LONGEST, description="seconds to go on watching")] = 0


class Exits(Step):
    """The program ends by itself."""

    verb = "exits"
    needs = "program"
    status: Annotated[ExitStatus | None, Meta(description="its exit status; left out, any will do")] = None
    within: Annotated[Seconds, Meta(gt=0, le=LONGEST, description="seconds to wait")] = 2


class SendSignal(Step):
    """Send the program a signal (signal(7)); KILL and STOP cannot be caught."""

    verb = "signal"
    needs = "program"
    name: Annotated[Signal, Meta(description="the signal's name")]


class CloseTerminal(Step):
    """Close the terminal window: the program gets SIGHUP, its keyboard reads end, its output has nowhere to go."""

    verb = "closes terminal"
    needs = "program"


class Sends(Step):
    """A peer sends bytes: one or more messages framed by the protocol, or raw bytes as they are."""

    verb = "sends"
    needs = "peer"
    text: Annotated[str | tuple[str, ...] | None, Meta(description="a message, or several that leave in one send")] = (
        None
    )
    raw: Annotated[str | None, Meta(description="bytes as they are, written as text (UTF-8)")] = None
    hex: Annotated[Hex | None, Meta(description="bytes in hexadecimal")] = None
    pieces: Annotated[
        Literal["whole", "bytes"] | tuple[Annotated[int, Meta(ge=1)], ...],
        Meta(description="`whole`, `bytes` (one at a time), or the lengths of the first pieces"),
    ] = "whole"
    pause: Annotated[Seconds, Meta(ge=0, le=60, description="seconds between two pieces")] = 0.02
    repeat: Annotated[int, Meta(ge=1, le=100_000, description="how often all of it is sent")] = 1
    to: Annotated[str | None, Meta(description="for a listening peer: to this client only")] = None


class Expects(Step):
    """A peer waits for a message, or for the other side's end of stream or reset."""

    verb = "expects"
    needs = "peer"
    text: Annotated[Words | None, Meta(description="the message's text, whole")] = None
    pattern: Annotated[Words | None, Meta(description="or a regular expression that matches it whole")] = None
    end: Annotated[Literal["fin", "rst"] | None, Meta(description="or how the other side ends its stream")] = None
    within: Annotated[Seconds, Meta(gt=0, le=LONGEST, description="seconds to wait")] = 2


class HalfCloses(Step):
    """A peer sends FIN and goes on reading: shutdown(SHUT_WR)."""

    verb = "half-closes"
    needs = "peer"


class Closes(Step):
    """A peer closes its socket: FIN, and a reset for whatever arrives later."""

    verb = "closes"
    needs = "peer"


class Resets(Step):
    """A peer aborts: RST at once (SO_LINGER 0)."""

    verb = "resets"
    needs = "peer"


class StopsReading(Step):
    """A peer reads no more: its window fills and closes."""

    verb = "stops reading"
    needs = "peer"


class ReadsAgain(Step):
    """A peer that had stopped reading goes on."""

    verb = "reads again"
    needs = "peer"


STAGE_STEPS: tuple[type[Step], ...] = (Start, Wait, Cut, Heal, Drop, Inject)
ACTOR_STEPS: tuple[type[Step], ...] = (
    Type,
    Press,
    Shows,
    NeverShows,
    Exits,
    SendSignal,
    CloseTerminal,
    Sends,
    Expects,
    HalfCloses,
    Closes,
    Resets,
    StopsReading,
    ReadsAgain,
)
BY_VERB: dict[str, type[Step]] = {step.verb: step for step in (*STAGE_STEPS, *ACTOR_STEPS)}
