"""What a person did at the terminals of a run, told as the steps of a script. Plays nothing, expects nothing.

A script waits where the person waited for something: until a program is ready, until a typed line shows on another
terminal, until a program has ended. Pauses become waits only where they are long, or in the middle of a line: a program
that answers heartbeats only after Enter is found by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import cast

from wirelab.declare.steps import CloseTerminal, Exits, Key, Press, SendSignal, Shows, Signal, Start, Step, Type, Wait
from wirelab.observe.evidence import Event, Exited, Owned, Role, Shown, Started
from wirelab.observe.terminal import Transcript

SECOND = 1_000_000_000
PAUSE = 1.0  # seconds: a pause that is shorter is no step
LONGEST_PAUSE = 600.0
APPEARS = 2.0  # seconds in which a typed line shows on another terminal, if it does: what ``shows`` waits by default
EXITS = 2.0  # seconds that every program gets to end
LONGEST_WORDS = 60  # characters of the words by which a program is known to be ready
QUIT = "/quit"
READY: dict[Role, str] = {"server": "Listening on", "client": "Connected to"}
"""What programs of the lab show when they are ready (DESIGN.md, section 3)."""

Acted = tuple[str | None, Step]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a person did to a program. ``what``: ``types`` (a text of printable characters, or a line break),
    ``presses`` (a key), ``starts`` (it itself), ``signals`` (a signal, or HANGUP for closing the terminal), ``expects`` (a text that it showed),
    ``ends`` (the recording; no actor), or it was ``broken`` off. ``idle``: nanoseconds that had gone by in menus until then, which are no pauses."""

    time: int
    actor: str
    what: str
    about: str = ""
    idle: int = 0


HANGUP = "hangup"


@dataclass(slots=True)
class _Awaited:
    """A line that was typed, and may show on other terminals: right after its own step, where ``steps`` go."""

    text: str
    author: str
    until: int
    steps: list[Acted]
    shown: set[str] = field(default_factory=set)


def transcribe(deeds: Sequence[Deed], events: Iterable[Event], alone: Set[str] = frozenset()) -> tuple[Acted, ...]:
    """The steps of a script that does again what was done, in the order of time. ``alone`` are the clients that never
    had a connection: no server had a part in how they ended."""
    known = [event for event in events if isinstance(event, Started | Shown | Exited | Owned)]
    scribe = _Scribe(known, deeds, alone)
    moments: list[tuple[int, int, Deed | Event]] = [(event.time, 0, event) for event in known]
    moments += [(deed.time, 1, deed) for deed in deeds]
    for _, _, moment in sorted(moments, key=lambda one: one[:2]):
        scribe.take(moment)
    return scribe.steps()


class _Scribe:
    def __init__(
        self, events: Sequence[Started | Shown | Exited | Owned], deeds: Sequence[Deed], alone: Set[str]
    ) -> None:
        self._alone = alone
        self._events = events
        self._deeds = deeds
        self._ports = {str(event.port) for event in events if isinstance(event, Owned)}
        self._transcripts: dict[str, Transcript] = {}
        self._steps: list[list[Acted]] = []  # each with what belongs right after it
        self._pending: tuple[str, str] | None = None  # who types, and what so far
        self._lines: dict[str, str] = {}  # all of the line that an actor types, also what is a step already
        self._awaited: list[_Awaited] = []
        self._alive: set[str] = set()
        self._roles: dict[str, Role] = {}
        self._asked: set[str] = set()  # who was told to end
        self._killed = False  # whether a server was
        self._last = 0
        self._idle = 0

    def steps(self) -> tuple[Acted, ...]:
        self._flush()
        return tuple(step for several in self._steps for step in several)

    def take(self, moment: Deed | Event) -> None:
        match moment:
            case Started():
                self._started(moment)
            case Shown():
                self._shown(moment)
            case Exited():
                self._exited(moment)
            case Deed():
                self._done(moment)

    def _add(self, actor: str | None, step: Step) -> list[Acted]:
        self._steps.append([(actor, step)])
        return self._steps[-1]

    # --- what programs did

    def _started(self, event: Started) -> None:
        self._flush()
        self._alive.add(event.actor)
        self._roles[event.actor] = event.role
        self._transcripts[event.actor] = Transcript()
        self._add(None, Start(start=event.actor, until=self._ready(event)))
        self._last = event.time

    def _ready(self, event: Started) -> str | None:
        """What a program showed before anybody did anything to it, as far as it will be the same another time."""
        done = [deed.time for deed in self._deeds if deed.actor == event.actor and deed.what != "starts"]
        first = min(done, default=None)
        transcript = Transcript()
        for one in self._events:
            if isinstance(one, Shown) and one.actor == event.actor and (first is None or one.time < first):
                transcript.feed(one.data)
        if READY[event.role] in transcript.text:
            return READY[event.role]
        line = next((line for line in transcript.text.split("\n") if line.strip()), "")
        found = re.match(r"[^\d]+", line.strip())  # numbers are another time others
        return found[0].strip()[:LONGEST_WORDS].strip() or None if found else None

    def _shown(self, event: Shown) -> None:
        transcript = self._transcripts.setdefault(event.actor, Transcript())
        transcript.feed(event.data)
        for one in self._awaited:
            if event.actor in one.shown or event.actor == one.author or event.time > one.until:
                continue
            if transcript.find(one.text):
                one.shown.add(event.actor)
                one.steps.append((event.actor, Shows(text=one.text)))

    def _exited(self, event: Exited) -> None:
        self._alive.discard(event.actor)
        if event.by == "harness":
            return
        self._flush()
        status = event.status if event.status is not None and 0 <= event.status <= 255 else None
        left = self._roles.get(event.actor) == "client" and event.actor not in self._alone
        if left and event.actor not in self._asked and not self._killed:
            status = None  # after its server closed in order, any will do (DESIGN.md, section 3)
        took = (event.time - self._last) / SECOND
        within = EXITS if took < EXITS / 2 else float(min(LONGEST_PAUSE, round(2 * took) + 1))
        self._add(event.actor, Exits(status=status, within=within))
        self._last = event.time

    # --- what the person did

    def _done(self, deed: Deed) -> None:
        if self._pending is not None and self._pending[0] != deed.actor:
            self._flush()
        if deed.what not in ("ends", "broken") or any(self._roles[actor] == "client" for actor in self._alive):
            self._pause(deed.time, deed.idle)
        match deed.what:
            case "types":
                self._typed(deed)
            case "presses" if deed.about == "backspace" and self._pending is not None:
                author, text = self._pending  # a slip that was mended is no step
                self._pending = (author, text[:-1]) if text[:-1] else None
                self._lines[author] = self._lines[author][:-1]
            case "presses":
                self._flush()
                if deed.about in ("ctrl-c", "ctrl-d"):
                    self._asked.add(deed.actor)
                self._add(deed.actor, Press(key=cast(Key, deed.about)))
                self._lines.pop(deed.actor, None)
            case "signals":
                self._flush()
                self._asked.add(deed.actor)
                self._killed = self._killed or (self._roles.get(deed.actor) == "server" and deed.about == "KILL")
                hangs_up = deed.about == HANGUP
                self._add(deed.actor, CloseTerminal() if hangs_up else SendSignal(name=cast(Signal, deed.about)))
            case "expects":
                self._flush()
                self._expected(deed)
            case _:
                self._flush()

    def _pause(self, time: int, idle: int) -> None:
        paused = (time - self._last - (idle - self._idle)) / SECOND if self._last else 0.0
        self._last, self._idle = max(time, self._last), idle
        if paused >= PAUSE:
            self._flush()
            # Exact to a tenth up to two seconds, to half a second from there on.
            self._add(None, Wait(wait=min(LONGEST_PAUSE, round(paused, 1) if paused < 2 else round(paused * 2) / 2)))

    def _typed(self, deed: Deed) -> None:
        for letter in deed.about:
            if letter == "\n":
                self._entered(deed)
            else:
                self._pending = deed.actor, (self._pending[1] if self._pending else "") + letter
                self._lines[deed.actor] = self._lines.get(deed.actor, "") + letter

    def _entered(self, deed: Deed) -> None:
        text = self._pending[1] if self._pending else ""
        self._pending = None
        steps = self._add(deed.actor, Type(text=text) if text else Press(key="enter"))
        line = self._lines.pop(deed.actor, "")
        if line == QUIT:
            self._asked.add(deed.actor)
        elif line:
            # Where it stands already, waiting for it would wait for nothing.
            there = {actor for actor, transcript in self._transcripts.items() if transcript.ahead(line)}
            self._awaited.append(_Awaited(line, deed.actor, deed.time + int(APPEARS * SECOND), steps, there))

    def _flush(self) -> None:
        if self._pending is not None:
            actor, text = self._pending
            self._pending = None
            self._add(actor, Type(text=text, enter=False))

    def _expected(self, deed: Deed) -> None:
        """What must be shown; a client's port in it, which is another every time, as a pattern."""
        ports = [port for port in self._ports if port in deed.about]
        if not ports:
            self._add(deed.actor, Shows(text=deed.about))
            return
        pattern = re.escape(deed.about)
        for port in ports:
            pattern = pattern.replace(port, r"\d+")
        self._add(deed.actor, Shows(pattern=pattern))
