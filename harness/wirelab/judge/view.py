"""A run as judging sees it: whose connection is whose, messages, pairings, terminals, all from the evidence.

Derived values only; nothing here expects anything.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

from wirelab.declare.scenario import Scenario
from wirelab.declare.steps import Inject
from wirelab.observe.connections import SIDES, Connection, Noted, Side, Tracker
from wirelab.observe.evidence import (
    Bounded,
    Called,
    Ending,
    Evidence,
    Exited,
    Owned,
    Peered,
    Sampled,
    Shown,
    Started,
    StepBegan,
    StepEnded,
    Typed,
    Wire,
    Witnessed,
)
from wirelab.observe.heartbeats import Pairing, pair
from wirelab.observe.messages import Message, Profile, decode_stream
from wirelab.observe.segments import Segment, decode_all
from wirelab.observe.terminal import Transcript

QUIT_KEYS = ("Ctrl-C", "Ctrl-D")
PEER_CLOSES = ("half-closes", "closes", "resets")
QUIT_LINE = "/quit⏎"
HEARTBEAT = "heartbeat"  # what checks call it, whatever a profile's wire says

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """A step that was played: when it began, when and how it ended (None when the run was broken off in it)."""

    began: StepBegan
    ended: StepEnded | None


class View:
    """Everything judging asks of a run's evidence, worked out once and kept."""

    def __init__(self, scenario: Scenario, profile: Profile, evidence: Evidence) -> None:
        self.scenario = scenario
        self.profile = profile
        self.evidence = evidence
        self.start = evidence.events[0].time if evidence.events else 0
        self._kept: dict[tuple[object, ...], object] = {}

    def once(self, make: Callable[..., T], *about: object) -> T:
        """What ``make(self, *about)`` gives, worked out the first time only. ``about`` can be hashed, at no great cost:
        an index rather than a connection."""
        if (make, *about) not in self._kept:
            self._kept[make, *about] = make(self, *about)
        return cast(T, self._kept[make, *about])

    def seconds(self, time: int) -> str:
        """A moment as seconds since the run began, three decimals."""
        return f"{(time - self.start) / 1e9:.3f}"

    @functools.cached_property
    def connections(self) -> tuple[Connection, ...]:
        """All connections of the capture to the run's port."""
        tracker = Tracker(server_port=self.evidence.port)
        for segment in decode_all(self.evidence.packets, self.evidence.linktype):
            tracker.feed(segment)
        return tuple(item for item in tracker.connections if item.server.port == self.evidence.port)

    def ends_of(self, actor: str) -> tuple[tuple[Connection, Side], ...]:
        """The connections that an actor has an end of, in order, and which end it is."""
        return tuple(self._ends.get(actor, ()))

    @functools.cached_property
    def _ends(self) -> dict[str, list[tuple[Connection, Side]]]:
        ends: dict[str, list[tuple[Connection, Side]]] = {}
        for connection in self.connections:
            for side in SIDES:
                ends.setdefault(self.actor_at(connection, side), []).append((connection, side))
        return ends

    @functools.cached_property
    def elsewhere(self) -> tuple[Segment, ...]:
        """The segments that open a connection to another port than the run's, and what answered them."""
        port = self.evidence.port
        segments = [
            segment
            for segment in decode_all(self.evidence.packets, self.evidence.linktype)
            if port not in (segment.src.port, segment.dst.port)
        ]
        opened = {(one.src, one.dst) for one in segments if one.syn and not one.has_ack}
        return tuple(one for one in segments if (one.src, one.dst) in opened or (one.dst, one.src) in opened)

    def owner(self, port: int) -> str | None:
        """The actor that a local port was seen to belong to, last."""
        owned = self._owners.get(port, [])
        return owned[-1].actor if owned else None

    @functools.cached_property
    def _owners(self) -> dict[int, list[Owned]]:
        owners: dict[int, list[Owned]] = {}
        for event in self.evidence.events:
            if isinstance(event, Owned):
                owners.setdefault(event.port, []).append(event)
        return owners

    def connections_of(self, client: str) -> tuple[Connection, ...]:
        """The connections that a client opened, in order."""
        return tuple(item for item in self.connections if self.client_of(item) == client)

    def client_of(self, connection: Connection) -> str | None:
        """The actor at the client's end."""
        owned = self._owners.get(connection.client.port, [])
        began = connection.noted[0].segment.time
        # A port may be used again: the owner is the first that was found after the connection began.
        return next((event.actor for event in owned if event.time >= began), owned[-1].actor if owned else None)

    def server_of(self, connection: Connection) -> str | None:
        """The actor that served when the connection began: the server that was started last before."""
        began = connection.noted[0].segment.time
        started = [event.actor for event in self._servers if event.time <= began]
        return started[-1] if started else None

    @functools.cached_property
    def _servers(self) -> tuple[Started, ...]:
        return tuple(event for event in self.evidence.events if isinstance(event, Started) and event.role == "server")

    def actor_at(self, connection: Connection, side: Side) -> str:
        """The actor at one side of a connection, or the side's name when it is not known."""
        actor = self.client_of(connection) if side == "client" else self.server_of(connection)
        return actor or side

    def part(self, actor: str | None) -> str:
        """Who played an actor: submission, reference or peer; the submission where it is not known."""
        started = self.started.get(actor or "")
        if started is not None:  # where both roles are tested, one may still have been left to the reference
            return started.part
        return self.scenario.part(actor) if actor in self.scenario.cast else "submission"

    # --- messages

    def messages(self, index: int, side: Side) -> tuple[Message, ...]:
        """All messages one side sent on the connection with this index of the capture."""
        return self.once(_messages, index, side)

    def pairing(self, connection: Connection) -> Pairing:
        """Heartbeats and their answers on one connection; of other questions a profile may have, nothing."""
        return self.once(_pairing, connection.index)

    # --- programs and terminals

    @functools.cached_property
    def started(self) -> dict[str, Started]:
        """Every actor that was started."""
        return {event.actor: event for event in self.evidence.events if isinstance(event, Started)}

    @functools.cached_property
    def exits(self) -> dict[str, Exited]:
        """Every program's end."""
        return {event.actor: event for event in self.evidence.events if isinstance(event, Exited)}

    @functools.cached_property
    def kills(self) -> dict[str, Ending]:
        """When the harness or the script began to kill a program; what follows is not its own doing."""
        found: dict[str, Ending] = {}
        for event in self.evidence.events:
            if isinstance(event, Ending) and (event.by == "harness" or event.signal == "SIGKILL"):
                found.setdefault(event.actor, event)
        return found

    def own_doing(self, actor: str | None, time: int) -> bool:
        """Whether something a program did at ``time`` was its own, not the consequence of being killed."""
        kill = self.kills.get(actor or "")
        return kill is None or time < kill.time

    @functools.cached_property
    def cleanup(self) -> float:
        """When the harness began to end what still ran; infinity when nothing did."""
        endings = (event.time for event in self.evidence.events if isinstance(event, Ending) and event.by == "harness")
        return min(endings, default=math.inf)

    @functools.cached_property
    def end(self) -> int:
        """When the harness began to clean up, or the last event."""
        last = self.evidence.events[-1].time if self.evidence.events else 0
        return last if math.isinf(self.cleanup) else int(self.cleanup)

    def ending_time(self, actor: str) -> int | None:
        """When the script or the harness first signalled a program to end, or closed its terminal."""
        times = (event.time for event in self.evidence.events if isinstance(event, Ending) and event.actor == actor)
        return next(times, None)

    def forged(self, connection: Connection, reset: Noted) -> bool:
        """Whether a RST was sent by the harness, for an ``inject`` step, in the name of its sender."""
        receiver = self.actor_at(connection, "server" if reset.sender == "client" else "client")
        for played in self.steps():
            action = self.scenario.script[played.began.index].action
            if not isinstance(action, Inject) or action.to != receiver or played.ended is None:
                continue
            meant = action.of in (None, self.client_of(connection))
            if meant and played.began.time <= reset.segment.time <= played.ended.time:
                return True
        return False

    @functools.cached_property
    def transcripts(self) -> dict[str, Transcript]:
        """What every terminal showed, readable."""
        found: dict[str, Transcript] = {}
        for event in self.evidence.events:
            if isinstance(event, Shown):
                found.setdefault(event.actor, Transcript()).feed(event.data)
        return found

    def lines(self, actor: str, until: int | None = None) -> list[str]:
        """The terminal's lines that hold anything; those shown by the moment ``until``, if it is given."""
        if until is None:
            return list(self.once(_lines, actor))
        transcript = Transcript()
        for event in self.evidence.events:
            if isinstance(event, Shown) and event.actor == actor and event.time <= until:
                transcript.feed(event.data)
        return _filled(transcript)

    def ends_line(self, actor: str, text: str) -> bool:
        """Whether a line of a terminal ended with a text."""
        backwards, wanted = self.once(_backwards, actor), text[::-1]
        at = bisect_left(backwards, wanted)
        return at < len(backwards) and backwards[at].startswith(wanted)

    def shown_at(self, actor: str, words: str) -> int | None:
        """When a terminal first showed these words, whole; None when it never did."""
        at = self.transcripts.get(actor, Transcript()).text.find(words)
        if at < 0:
            return None
        lengths, times = self.once(_growth, actor)
        shown = bisect_left(lengths, at + len(words))
        return times[shown] if shown < len(times) else None

    def shown_since(self, actor: str, time: int) -> str:
        """What a terminal has shown after a moment."""
        lengths, times = self.once(_growth, actor)
        before = bisect_right(times, time)
        return self.transcripts.get(actor, Transcript()).text[lengths[before - 1] if before else 0 :]

    def typed_lines(self, actor: str) -> list[tuple[int, str]]:
        """The lines typed at an actor's keyboard, and when each was ended by Enter."""
        lines: list[tuple[int, str]] = []
        begun = ""
        for event in self.evidence.events:
            if isinstance(event, Typed) and event.actor == actor and event.keys not in QUIT_KEYS:
                *ended, begun = (begun + event.keys).split("⏎")
                lines += [(event.time, line) for line in ended]
        return lines

    def keys(self, actor: str, key: str) -> tuple[Typed, ...]:
        """When a key was pressed at an actor's keyboard."""
        events = self.evidence.events
        return tuple(item for item in events if isinstance(item, Typed) and item.actor == actor and item.keys == key)

    def quit_time(self, actor: str) -> int | None:
        """When the first quitting key or word was typed at an actor's keyboard."""
        times = self._quit_times(actor)
        return times[0] if times else None

    def asked_before(self, actor: str, time: int) -> bool:
        """Whether an actor was asked to quit before a moment: by its keyboard, a signal, or its script (a peer)."""
        closings = (event for event in self.evidence.events if isinstance(event, Peered) and event.actor == actor)
        asked = [*self._quit_times(actor), *(event.time for event in closings if event.what in PEER_CLOSES)]
        ended = self.ending_time(actor)
        return any(moment < time for moment in (*asked, *(() if ended is None else (ended,))))

    def _quit_times(self, actor: str) -> list[int]:
        times = []
        line = ""
        for event in self.evidence.events:
            if isinstance(event, Typed) and event.actor == actor:
                line += event.keys
                if event.keys in QUIT_KEYS or line.endswith(f"⏎{QUIT_LINE}") or line == QUIT_LINE:
                    times.append(event.time)
                line = line[-len(QUIT_LINE) - 1 :]
        return times

    def run_delay(self, actor: str, start: int, stop: int) -> float:
        """Seconds a program was ready without a CPU, between the samples that enclose ``start`` to ``stop``."""
        samples = [event for event in self.evidence.events if isinstance(event, Sampled) and event.actor == actor]
        before = [sample.run_delay for sample in samples if sample.time <= start]
        after = [sample.run_delay for sample in samples if sample.time >= stop]
        if not samples:
            return 0.0
        return (after[0] if after else samples[-1].run_delay) - (before[-1] if before else 0.0)

    # --- the program as a witness

    def witnessed(self, actor: str) -> tuple[Witnessed, ...]:
        """What a program was seen to do, thread by thread, in order."""
        return tuple(event for event in self.evidence.events if isinstance(event, Witnessed) and event.actor == actor)

    def called(self, actor: str, *calls: str) -> tuple[Called, ...]:
        """The socket calls that the threads of a program were seen to make (these, or all), in order."""
        return tuple(event for event in self._called.get(actor, ()) if not calls or event.call in calls)

    @functools.cached_property
    def _called(self) -> dict[str, list[Called]]:
        found: dict[str, list[Called]] = {}
        for event in self.evidence.events:
            if isinstance(event, Called):
                found.setdefault(event.actor, []).append(event)
        return found

    @functools.cached_property
    def bounds(self) -> tuple[Bounded, ...]:
        """The bounds that were hit."""
        return tuple(event for event in self.evidence.events if isinstance(event, Bounded))

    @functools.cached_property
    def wire(self) -> tuple[Wire, ...]:
        """What was done to the wire, in order."""
        return tuple(event for event in self.evidence.events if isinstance(event, Wire))

    def asked_signals(self, actor: str) -> tuple[str, ...]:
        """The signals that the script sent to a program."""
        return tuple(
            event.signal for event in self.evidence.events if isinstance(event, Ending) and event.actor == actor
        )

    @functools.cached_property
    def stopped(self) -> bool:
        """Whether the script ended before its last step: nothing can be said of what was to come."""
        return sum(isinstance(event, StepBegan) for event in self.evidence.events) < len(self.scenario.script)

    def steps(self) -> Iterator[PlayedStep]:
        """The steps that were played, in order."""
        ends = {event.index: event for event in self.evidence.events if isinstance(event, StepEnded)}
        for event in self.evidence.events:
            if isinstance(event, StepBegan):
                yield PlayedStep(event, ends.get(event.index))

    def disturbed(self, connection: Connection, start: int, stop: int) -> tuple[Noted, ...]:
        """Retransmissions on a connection in a span of time: the network's delay, not the program's.

        Only of bytes that their receiver had not acknowledged yet: a needless copy holds nothing up.
        """
        acked: dict[Side, int] = {"client": 0, "server": 0}  # how far each has acknowledged the other
        found = []
        for noted in connection.noted:
            again = noted.notes & {"retransmission", "partial-overlap", "fills-gap"}
            needed = noted.seq + noted.segment.span > acked["server" if noted.sender == "client" else "client"]
            if again and needed and start <= noted.segment.time <= stop:
                found.append(noted)
            if noted.ack is not None and not noted.segment.rst:
                acked[noted.sender] = max(acked[noted.sender], noted.ack)
        return tuple(found)


# --- what is worked out once


def _messages(view: View, index: int, side: Side) -> tuple[Message, ...]:
    connection = next(item for item in view.connections if item.index == index)
    return decode_stream(view.profile, side, connection.stream(side))


def _pairing(view: View, index: int) -> Pairing:
    answers = {spec.name for spec in view.profile.messages if spec.answers == HEARTBEAT}
    asked = [message for message in view.messages(index, "server") if message.kind == HEARTBEAT]
    return pair(view.profile, asked, [item for item in view.messages(index, "client") if item.kind in answers])


def _filled(transcript: Transcript) -> list[str]:
    return [line for line in transcript.text.split("\n") if line.strip()]


def _lines(view: View, actor: str) -> list[str]:
    return _filled(view.transcripts.get(actor, Transcript()))


def _backwards(view: View, actor: str) -> list[str]:
    """A terminal's lines, each from its end, in order: those that end with a text stand side by side."""
    return sorted(line[::-1] for line in view.lines(actor))


def _growth(view: View, actor: str) -> tuple[list[int], list[int]]:
    """How long a terminal's transcript was after each output, and when that was."""
    transcript, length = Transcript(), 0
    lengths, times = [], []
    for event in view.evidence.events:
        if isinstance(event, Shown) and event.actor == actor:
            length += len(transcript.feed(event.data))
            lengths.append(length)
            times.append(event.time)
    return lengths, times
