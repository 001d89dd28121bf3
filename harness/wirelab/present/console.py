"""What a person sees of a run while it plays: its events as lines.

Values in, finished lines out; printing them is the caller's. Everything stands on one time axis, seconds from
the first event. Knows the vocabulary of evidence, not how it comes about; the verdict is told in ``outcome``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wirelab.base.texts import Language, say
from wirelab.observe.connections import Noted
from wirelab.observe.evidence import (
    Bounded,
    Called,
    Ending,
    Event,
    Exited,
    Owned,
    Part,
    Peered,
    Role,
    Sampled,
    Shown,
    Started,
    StepBegan,
    StepEnded,
    Typed,
    Wire,
    Witnessed,
)
from wirelab.observe.messages import Profile
from wirelab.observe.segments import Endpoint
from wirelab.observe.terminal import Reader
from wirelab.present import words
from wirelab.present.floods import Floods
from wirelab.present.ladder import SECOND, TIME, Ladder, clock, port_name
from wirelab.present.style import (
    ACTORS,
    BOLD,
    DIM,
    NARROWEST,
    RED,
    TERMINAL,
    YELLOW,
    Style,
    cells,
    clip,
    left,
    safe,
    untabbed,
    wrap,
)

FLOOD = 200  # lines of one source within one second of the time axis; what is more is counted
LONGEST_LINE = 1000  # characters of a terminal's line before it is shown in pieces
NAME = 16  # cells of an actor's name; longer ones are cut
_WIRE = ""  # the source of segments; the others are actors


@dataclass(slots=True)
class _Terminal:
    """One actor's terminal: its incomplete line, how much of it has been shown, and since when the rest waits."""

    reader: Reader = field(default_factory=Reader)
    line: str = ""
    shown: int = 0
    since: int = 0

    @property
    def waits(self) -> bool:
        """Whether there is something to see that has not been shown. Blank lines are not."""
        return bool(self.line[self.shown :].strip())


class LiveConsole:
    """Turns what happens in a run, event by event, into finished lines.

    ``actors`` are (name, role, part) in cast order, ``port`` is the server's. Lines keep to ``width`` cells (80 and
    more look best); with ``colour`` False they are plain text with the same content. A port goes by its number
    until an ``Owned`` tells whose it is, save those in ``names``, and the server's when there is one server only.
    """

    def __init__(
        self,
        actors: Sequence[tuple[str, Role, Part]],
        profile: Profile,
        port: int,
        *,
        language: Language,
        width: int,
        colour: bool,
        names: Mapping[int, str] | None = None,
    ) -> None:
        self._language = language
        self._width = width
        self._style = Style(colour)
        self._inks = {name: ACTORS[index % len(ACTORS)] for index, (name, _, _) in enumerate(actors)}
        self._name = min(NAME, max((cells(safe(name)) for name, _, _ in actors), default=0))
        servers = [name for name, role, _ in actors if role == "server"]
        self._names = ({port: servers[0]} if len(servers) == 1 else {}) | dict(names or {})
        self._nameless: set[int] = set()  # ports that have been shown by number
        self._ladder = Ladder(
            profile,
            self._name_of,
            language=language,
            width=width,
            colour=colour,
            name_width=max((cells(safe(name)) for name, role, _ in actors if role == "client"), default=0),
            ink=lambda name: self._inks.get(name, ""),
        )
        self._origin: int | None = None
        self._second = 0
        self._steps: dict[int, str] = {}
        self._terminals: dict[str, _Terminal] = {}
        self._typing: Typed | None = None  # keys pressed one by one, to be shown together
        self._floods = Floods(FLOOD)

    def feed(self, event: Event | Noted) -> list[str]:
        """The lines that can be printed now that ``event`` has happened; often none."""
        time = event.segment.time if isinstance(event, Noted) else event.time
        if self._origin is None:
            self._origin = time
        # Packets come through another channel than events, and may be a little behind.
        self._second = max(self._second, (time - self._origin) // SECOND)
        return self._sums(self._second) + self._fed(event)

    def finish(self) -> list[str]:
        """What was still held back when the run ended: incomplete lines, and the sums of floods."""
        return self._held() + self._sums(self._second + 1)

    def _fed(self, event: Event | Noted) -> list[str]:
        match event:
            case Noted():
                return self._segment(event)
            case Shown():
                return self._output(event)
            case Typed():
                return self._typed(event)
            case Owned():
                return self._owned(event)
            case StepBegan():
                self._steps[event.index] = event.text
                return self._held() + self._line(event.time, None, "──", event.text, DIM)
            case StepEnded(outcome="done"):
                return []
            case StepEnded():
                text = words.step_failed(event, self._steps.get(event.index), self._language)
                return self._held() + self._line(event.time, None, "✗", text, RED, BOLD)
            case Wire():
                text = say(f"live.wire.{event.what}", self._language, about=event.about)
                return self._held() + self._line(event.time, None, "~", text, YELLOW)
            case Peered():
                return self._peered(event)
            case Sampled() | Called() | Ending(by="harness"):  # what the harness ends tells of it when it has ended
                return []
            case Witnessed():
                text = words.witnessed(event, self._language)
                return self._held() + self._line(event.time, event.actor, "·", text, DIM)
            case _:
                return self._held() + self._life(event)

    def _life(self, event: Started | Exited | Ending | Bounded) -> list[str]:
        match event:
            case Started():
                mark, text, inks = "●", words.started(event, self._language), ("",)
            case Exited():
                bad = event.by == "itself" and event.status != 0
                mark, text, inks = "■", words.exited(event, self._language), (RED if bad else "",)
            case Ending():
                mark, text, inks = "!", words.ending(event, self._language), (YELLOW,)
            case Bounded():
                mark, text, inks = "!", words.bounded(event, self._language), (YELLOW,)
        return self._line(event.time, event.actor, mark, text, *inks)

    # --- segments and peers

    def _segment(self, noted: Noted) -> list[str]:
        rung = self._ladder.see(noted)
        if self._floods.hides(_WIRE, marked=rung.marked):
            return []
        lines = self._held()
        if hidden := self._floods.so_far(_WIRE):  # a rung that must be seen, in the middle of a flood
            lines += self._sum(_WIRE, hidden)
        drawn = self._ladder.draw(rung, self._axis(noted.segment.time))
        self._floods.shows(_WIRE, len(drawn))
        return lines + drawn

    def _name_of(self, endpoint: Endpoint) -> str:
        if endpoint.port not in self._names:
            self._nameless.add(endpoint.port)
        return self._names.get(endpoint.port) or port_name(endpoint)

    def _owned(self, event: Owned) -> list[str]:
        self._names[event.port] = event.actor
        if event.port not in self._nameless:
            return []
        self._nameless.discard(event.port)
        text = say("live.owned", self._language, port=event.port, actor=event.actor)
        return self._held() + self._line(event.time, event.actor, "·", text, DIM)

    def _peered(self, event: Peered) -> list[str]:
        if self._floods.hides(event.actor):
            return []
        data = clip(event.data[:LONGEST_LINE].decode("utf-8", "replace"), max(NARROWEST, self._width // 2))
        lines = self._line(event.time, event.actor, "◆", words.peered(event, self._language, data))
        self._floods.shows(event.actor, len(lines))
        return self._held() + lines

    # --- terminals

    def _output(self, event: Shown) -> list[str]:
        terminal = self._terminals.setdefault(event.actor, _Terminal())
        *whole, rest = terminal.reader.feed(event.data).split("\n")
        lines: list[str] = []
        for piece in whole:
            lines += self._grow(terminal, event, piece)
            lines += self._complete(terminal, event)
        return lines + self._grow(terminal, event, rest)

    def _grow(self, terminal: _Terminal, event: Shown, piece: str) -> list[str]:
        """Add to the incomplete line; one that never ends is shown in pieces."""
        lines: list[str] = []
        while piece:
            if not terminal.waits:
                terminal.since = event.time
            room = LONGEST_LINE - len(terminal.line)
            terminal.line += piece[:room]
            piece = piece[room:]
            if len(terminal.line) == LONGEST_LINE:
                lines += self._complete(terminal, event)
        return lines

    def _complete(self, terminal: _Terminal, event: Shown) -> list[str]:
        """A line has ended. If its beginning was shown before, it is shown whole again: no word is torn in two."""
        lines: list[str] = []
        if terminal.waits and not self._floods.hides(event.actor):
            lines = self._held(but=event.actor) + self._screen(event.actor, terminal, event.time)
        terminal.line, terminal.shown = "", 0
        return lines

    def _screen(self, actor: str, terminal: _Terminal, time: int) -> list[str]:
        terminal.shown = len(terminal.line)
        lines = self._line(time, actor, TERMINAL, untabbed(terminal.line))
        self._floods.shows(actor, len(lines))
        return lines

    def _typed(self, event: Typed) -> list[str]:
        """Keys are shown at once; those pressed one by one wait for each other while nothing comes between."""
        one_key = len(event.keys.removesuffix("⏎")) <= 1
        if self._typing is None or self._typing.actor != event.actor or not one_key:
            lines = self._held()
            self._typing = event
        else:
            lines = []
            self._typing = Typed(self._typing.time, event.actor, self._typing.keys + event.keys)
        waits = one_key and not event.keys.endswith("⏎") and len(self._typing.keys) < LONGEST_LINE
        return lines if waits else lines + self._held()

    def _held(self, but: str | None = None) -> list[str]:
        """What waited to become complete, oldest first, because something else is shown next."""
        typing, self._typing = self._typing, None
        waiting = [(typing.time, 0, typing.actor)] if typing else []
        waiting += [(one.since, 1, actor) for actor, one in self._terminals.items() if one.waits and actor != but]
        lines: list[str] = []
        for time, echo, actor in sorted(waiting):
            if not echo and typing:
                lines += self._line(time, actor, "⌨", typing.keys, BOLD)
            elif self._floods.hides(actor):
                self._terminals[actor].shown = len(self._terminals[actor].line)
            else:
                lines += self._screen(actor, self._terminals[actor], time)
        return lines

    # --- lines

    def _sums(self, second: int) -> list[str]:
        """The floods that are over because a new second began."""
        return [line for source, hidden in self._floods.turn(second) for line in self._sum(source, hidden)]

    def _sum(self, source: str, hidden: int) -> list[str]:
        key = "live.more.lines" if source else "live.more.segments"
        text = self._style.paint(say(key, self._language, count=words.grouped(hidden)), YELLOW)
        return [f"{' ' * TIME} {self._named(source)} {text}" if source else f"{' ' * TIME} {text}"]

    def _axis(self, time: int) -> float:
        return (time - (self._origin or 0)) / SECOND

    def _named(self, actor: str) -> str:
        return self._style.paint(left(clip(actor, self._name), self._name), self._inks.get(actor, ""))

    def _line(self, time: int, actor: str | None, mark: str, text: str, *inks: str) -> list[str]:
        """One event: time, whose it is, a mark, and the text, which goes on below its own beginning if it is long."""
        head = clock(self._axis(time)) + (f" {self._named(actor)}" if actor is not None else "")
        margin = TIME + 1 + (self._name + 1 if actor is not None else 0)
        ink = (self._inks.get(actor or "", ""),) if mark == TERMINAL else inks
        bar = self._style.paint(mark, *ink)
        again = " " * margin + (bar if mark == TERMINAL else " " * cells(mark))
        beside = max(NARROWEST, self._width - margin - cells(mark) - 1)
        return [
            f"{again if number else f'{head} {bar}'} {self._style.paint(line, *inks)}".rstrip()
            for number, line in enumerate(wrap(text, beside))
        ]


# --- the verdict
