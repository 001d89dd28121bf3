"""The steps of a scenario's script, as frozen models: what may be written, and nothing else.

A step reads aloud. Either its first key is what happens to the stage (``{wait: 1}``), or it is an actor's
name and the value is what that actor does (``{alice: type, text: hi}``); the other keys are this module's
fields. The JSON Schema, ``lint`` and the reference page are all made from these classes: the class's
docstring and the fields' descriptions are the documentation.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from wirelab.declare.source import Strict

Seconds = float
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
    start: str = Field(description="the actor to start")
    until: str | None = Field(None, description="text that must appear on its terminal before the script goes on")
    within: Seconds = Field(
        10, gt=0, le=LONGEST, description="seconds to wait for `until`; stretched when the machine is busy"
    )


class Wait(Step):
    """Let time pass; everything goes on being watched."""

    verb = "wait"
    wait: Seconds = Field(ge=0, le=LONGEST, description="seconds")


class Cut(Step):
    """Cut the wire silently: nothing arrives any more and nobody is told."""

    verb = "cut"
    cut: str = Field(description="the client whose connection is cut, or `all`")


class Heal(Step):
    """Mend every cut; what was lost is retransmitted by TCP itself."""

    verb = "heal"
    heal: Literal["all"] = Field(description="`all`")


class Drop(Step):
    """Lose one segment: the n-th that matches from now on. The capture shows it, its receiver never does."""

    verb = "drop"
    drop: Flags = Field(description="what the segment carries; ACK is a pure ACK, DATA one with a payload")
    sender: Literal["client", "server"] = Field(alias="from", description="the side that sends it")
    of: str | None = Field(None, description="only on this client's connection")
    nth: int = Field(1, ge=1, le=10_000, description="which of the matching segments, counted from 1")
    after: Literal["FIN"] | None = Field(None, description="count only segments that follow the other side's FIN")


class Inject(Step):
    """Forge a reset: a RST with the right sequence number reaches one side, as if the other had sent it."""

    verb = "inject"
    inject: Literal["RST"] = Field(description="`RST`")
    to: str = Field(description="the actor that receives it")
    of: str | None = Field(None, description="the client whose connection is meant, when `to` is the server")


class Type(Step):
    """Type at an actor's keyboard."""

    verb = "type"
    needs = "program"
    text: str = Field(max_length=100_000, description="what is typed")
    enter: bool = Field(True, description="whether Enter is pressed after it")
    every: Seconds = Field(0, ge=0, le=10, description="seconds between two keys; 0 types all at once")


class Press(Step):
    """Press one key. The program gets a moment to settle first, as a person's hand would give it."""

    verb = "press"
    needs = "program"
    key: Key = Field(description="the key")


class Shows(Step):
    """Wait until a terminal shows a text. Escape sequences are ignored; each occurrence serves one step."""

    verb = "shows"
    needs = "program"
    text: str | None = Field(None, min_length=1, description="the words, as a person would read them")
    pattern: str | None = Field(None, min_length=1, description="or a regular expression")
    within: Seconds = Field(2, gt=0, le=LONGEST, description="seconds to wait")


class NeverShows(Step):
    """The terminal has not shown a text so far, and does not within the given time."""

    verb = "never shows"
    needs = "program"
    text: str | None = Field(None, min_length=1, description="the words")
    pattern: str | None = Field(None, min_length=1, description="or a regular expression")
    within: Seconds = Field(0, ge=0, le=LONGEST, description="seconds to go on watching")


class Exits(Step):
    """The program ends by itself."""

    verb = "exits"
    needs = "program"
    status: int | None = Field(None, ge=0, le=255, description="its exit status; left out, any will do")
    within: Seconds = Field(2, gt=0, le=LONGEST, description="seconds to wait")


class SendSignal(Step):
    """Send the program a signal (signal(7)); KILL and STOP cannot be caught."""

    verb = "signal"
    needs = "program"
    name: Signal = Field(description="the signal's name")


class CloseTerminal(Step):
    """Close the terminal window: the program gets SIGHUP, its keyboard reads end, its output has nowhere to go."""

    verb = "closes terminal"
    needs = "program"


class Sends(Step):
    """A peer sends bytes: one or more messages framed by the protocol, or raw bytes as they are."""

    verb = "sends"
    needs = "peer"
    text: str | tuple[str, ...] | None = Field(None, description="a message, or several that leave in one send")
    raw: str | None = Field(None, description="bytes as they are, written as text (UTF-8)")
    hex: str | None = Field(None, pattern=r"^([0-9a-fA-F]{2}\s*)+$", description="bytes in hexadecimal")
    pieces: Literal["whole", "bytes"] | tuple[int, ...] = Field(
        "whole", description="`whole`, `bytes` (one at a time), or the lengths of the first pieces"
    )
    pause: Seconds = Field(0.02, ge=0, le=60, description="seconds between two pieces")
    repeat: int = Field(1, ge=1, le=100_000, description="how often all of it is sent")
    to: str | None = Field(None, description="for a listening peer: to this client only")


class Expects(Step):
    """A peer waits for a message, or for the other side's end of stream or reset."""

    verb = "expects"
    needs = "peer"
    text: str | None = Field(None, min_length=1, description="the message's text, whole")
    pattern: str | None = Field(None, min_length=1, description="or a regular expression that matches it whole")
    end: Literal["fin", "rst"] | None = Field(None, description="or how the other side ends its stream")
    within: Seconds = Field(2, gt=0, le=LONGEST, description="seconds to wait")


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
