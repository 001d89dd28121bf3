"""Plays a script on a stage, step by step, and records how each step ended. Judges nothing.

A step that misses what it waits for does not stop the script, so that one fault costs one check; only when
a program cannot be started, never gets ready, or floods its terminal is there nothing left to play.
"""

from __future__ import annotations

import functools
import re
import select
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from wirelab.base.clock import Deadline, now_ns
from wirelab.base.errors import HarnessBug
from wirelab.base.texts import Text, register
from wirelab.declare import steps
from wirelab.declare.scenario import Scenario, ScriptStep
from wirelab.observe.connections import Connection
from wirelab.observe.evidence import Ending, StepBegan, StepEnded
from wirelab.observe.segments import Endpoint
from wirelab.stage import processes
from wirelab.stage.actors import Program
from wirelab.stage.peer import Peer, PeerConnection
from wirelab.stage.stage import Stage, Waited

Detail = dict[str, str | int | float | bool | None]
PEER_CONNECT_SECONDS = 5.0
LAST_BREATH = 0.1  # seconds between a program's giving up its terminal and its end
UNSURE_SECONDS = 0.6  # after a Ctrl-C, before it is called lost while somebody else is waited for
PIECE = 128  # characters of a long typing that go in at once: a terminal takes up to 512 bytes whole, or none
UNREAD_SECONDS = 3.0  # for which a program may leave a full keyboard unread in a long typing
PRESS_AGAIN_AFTER = 0.3  # of the time an exit may take: a person presses Ctrl-C again before calling it ignored

register(
    {"script.no-handler": Text("internal: no handler for the step '{verb}'", "内部错误：步骤 '{verb}' 没有处理函数")}
)


@dataclass(frozen=True, slots=True)
class Casting:
    """How one actor's program is started: its command line, the folder it runs in, whether it is the reference."""

    command: tuple[str, ...]
    folder: str
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; ``stop`` means that the rest of the script makes no sense."""

    result: Literal["done", "missed", "impossible"]
    detail: Detail
    stop: bool = False


DONE = Outcome("done", {})


def play_script(stage: Stage, scenario: Scenario, casting: Mapping[str, Casting]) -> None:
    """Play the whole script, then let the connections come to their end."""
    if needs_faults(scenario):
        stage.require_faults()
    if any(isinstance(step.action, steps.Inject) for step in scenario.script):
        stage.faults.prepare()  # scapy takes half a second to import; not in the middle of a script
    if any(isinstance(step.action, steps.Drop) for step in scenario.script):
        stage.faults.arm()  # a drop may count from a FIN that comes before its step
    player = Player(stage, scenario, casting)
    for step in scenario.script:
        stage.recorder.add(StepBegan(now_ns(), step.index, step.written))
        outcome = player.play(step)
        stage.recorder.add(StepEnded(now_ns(), step.index, outcome.result, outcome.detail))
        if outcome.stop or stage.flooded:
            break
    stage.drain()


def needs_faults(scenario: Scenario) -> bool:
    """Whether something is done to the wire."""
    return any(isinstance(step.action, steps.Cut | steps.Heal | steps.Drop | steps.Inject) for step in scenario.script)


class Player:
    """One method per step, chosen by the step's type."""

    def __init__(self, stage: Stage, scenario: Scenario, casting: Mapping[str, Casting]) -> None:
        self.stage = stage
        self.scenario = scenario
        self.casting = casting
        self._last_key: dict[str, str] = {}
        self._unsure: dict[str, Deadline] = {}  # programs that may have lost a Ctrl-C, and when that can be told

    def play(self, step: ScriptStep) -> Outcome:
        if step.actor is None:
            return self.on_stage(step.action)
        actor = self.stage.actors.get(step.actor)
        if isinstance(actor, Program):
            return self.by_program(step.action, actor)
        if isinstance(actor, Peer):
            return self.by_peer(step.action, actor)
        return Outcome("impossible", {"why": "not started"})

    # --- the stage

    @functools.singledispatchmethod
    def on_stage(self, action: steps.Step) -> Outcome:
        raise HarnessBug("script.no-handler", verb=action.verb)

    @on_stage.register
    def _(self, action: steps.Start) -> Outcome:
        member = self.scenario.cast[action.start]
        if member.peer:
            return self._start_peer(action.start)
        own = {key: str(value) for key, value in member.env.items()}
        environment = self.stage.base_environment() | self.scenario.env | own
        cast = self.casting[action.start]
        part = "reference" if cast.reference else self.scenario.part(action.start)
        program = self.stage.start_program(action.start, member.role, part, cast.command, environment, cast.folder)
        if action.until is None:
            return DONE
        until = action.until
        waited = self._until(program, lambda: program.transcript.find(until), action.within, stretch=True)
        if waited.result != "done" and program.exited is None:
            self.stage.witness(program, "end")  # the script ends here
        return Outcome(waited.result, waited.detail, stop=waited.result != "done")

    def _start_peer(self, name: str) -> Outcome:
        member = self.scenario.cast[name]
        peer = self.stage.start_peer(name, member.role, answers=member.answers)
        if member.role == "server":
            return DONE
        waited = self.stage.wait_for(lambda: bool(peer.connections) or peer.refused, PEER_CONNECT_SECONDS, stretch=True)
        if peer.connections:
            return DONE
        return Outcome("missed", {"refused": peer.refused, **_starved(waited)}, stop=True)

    @on_stage.register
    def _(self, action: steps.Wait) -> Outcome:
        self.stage.wait(action.wait)
        return DONE

    @on_stage.register
    def _(self, action: steps.Cut) -> Outcome:
        port = None if action.cut == "all" else self.stage.client_port(action.cut)
        if action.cut != "all" and port is None:
            return Outcome("impossible", {"why": "not connected"})
        self.stage.faults.cut(port)
        self.stage.wire("cut", action.cut)
        return DONE

    @on_stage.register
    def _(self, action: steps.Heal) -> Outcome:
        self.stage.faults.heal()
        self.stage.wire("heal", action.heal)
        return DONE

    @on_stage.register
    def _(self, action: steps.Drop) -> Outcome:
        port = None if action.of is None else self.stage.client_port(action.of)
        if action.of is not None and port is None:
            return Outcome("impossible", {"why": "not connected"})
        self.stage.faults.drop(action.drop, action.sender, action.nth, port, action.after)
        self.stage.wire("drop", f"{action.drop} ({action.nth}) {action.sender}")
        return DONE

    @on_stage.register
    def _(self, action: steps.Inject) -> Outcome:
        client = action.to if self.scenario.cast[action.to].role == "client" else action.of or self.scenario.clients[0]
        connection = self.stage.connection_of(client)
        if connection is None:
            return Outcome("impossible", {"why": "not connected"})
        to_client = client == action.to
        src, dst = (connection.server, connection.client) if to_client else (connection.client, connection.server)
        sent = _next_number(connection, src)
        seen = _next_number(connection, dst)
        if sent is None or seen is None:
            return Outcome("impossible", {"why": "not connected"})
        self.stage.faults.reset(src, dst, seq=sent, ack=seen)
        self.stage.wire("inject", f"RST → {action.to}")
        return DONE

    # --- programs

    @functools.singledispatchmethod
    def by_program(self, action: steps.Step, program: Program) -> Outcome:
        raise HarnessBug("script.no-handler", verb=action.verb)

    @by_program.register
    def _(self, action: steps.Type, program: Program) -> Outcome:
        self.stage.settle(program)
        text = action.text + ("\n" if action.enter else "")
        if action.repeat == 1 and not action.every:
            return self._typed(program, program.type(text, enter=False))
        size = 1 if action.every else PIECE
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        outcome = DONE
        for number, piece in enumerate(piece for _ in range(action.repeat) for piece in pieces):
            self.stage.wait(action.every if number else 0)
            # Waited for here, where what others show is taken in: the program may be waiting for one of them.
            self.stage.wait_for(lambda: not _is_full(program), UNREAD_SECONDS, about=program, stretch=True)
            outcome = self._typed(program, not _is_full(program) and program.type(piece, enter=False))
            if outcome is not DONE:
                break
        return outcome

    @by_program.register
    def _(self, action: steps.Press, program: Program) -> Outcome:
        self.stage.settle(program)
        self._last_key[program.name] = action.key
        if action.key == "ctrl-c":
            self._unsure[program.name] = Deadline.after(UNSURE_SECONDS)
        return self._typed(program, program.press(action.key))

    def _typed(self, program: Program, taken: bool) -> Outcome:
        self.stage.pump(0)
        if taken:
            return DONE
        self.stage.wait_for(lambda: program.exited is not None, LAST_BREATH)  # it lets go of its terminal first
        return Outcome("impossible", {"why": "exited" if program.exited else "keyboard not read"})

    @by_program.register
    def _(self, action: steps.Shows, program: Program) -> Outcome:
        return self._until(program, self._appears(action, program), action.within)

    @by_program.register
    def _(self, action: steps.NeverShows, program: Program) -> Outcome:
        appears = self._appears(action, program)
        deadline = Deadline.after(action.within)
        while True:
            if appears():
                return Outcome("missed", {})
            if deadline.passed or program.exited:
                return DONE
            self.stage.pump(deadline.left())

    def _appears(self, action: steps.Shows | steps.NeverShows, program: Program) -> Callable[[], bool]:
        if action.pattern is not None:
            pattern = re.compile(action.pattern)
            return lambda: program.transcript.match(pattern)
        words = action.text or ""
        return lambda: program.transcript.find(words)

    @by_program.register
    def _(self, action: steps.Exits, program: Program) -> Outcome:
        again = False
        began = Deadline.after(action.within * PRESS_AGAIN_AFTER)

        def gone() -> bool:
            nonlocal again
            if not again and began.passed and self._last_key.get(program.name) == "ctrl-c":
                again = self._press_again(program)
            return program.exited is not None or program.flooded

        parts = (PRESS_AGAIN_AFTER, 1 - PRESS_AGAIN_AFTER)
        waits = [self.stage.wait_for(gone, action.within * part, about=program) for part in parts]
        detail: Detail = {"pressed_again": again, **_starved(*waits)}
        if program.exited is None:
            self.stage.witness(program, "missed")
            return Outcome("missed", detail)
        detail["status"] = program.exited.status
        wanted = action.status is None or program.exited.status == action.status
        return Outcome("done" if wanted else "missed", detail)

    def _nudge(self) -> None:
        """While another actor is waited for: press Ctrl-C again where the first was lost (see ``_press_again``)."""
        for name, deadline in tuple(self._unsure.items()):
            if deadline.passed:
                del self._unsure[name]
                program = self.stage.actors.get(name)
                if isinstance(program, Program) and program.exited is None and self._press_again(program):
                    del self._last_key[name]

    def _press_again(self, program: Program) -> bool:
        """CPython loses a Ctrl-C that comes between its last signal check and a blocking read; the sign is that
        its main thread still sits in that very read. Then it is pressed again, once."""
        return bool(program.seen(lambda pid, _: processes.reads_keyboard(pid))) and program.press("ctrl-c")

    @by_program.register
    def _(self, action: steps.SendSignal, program: Program) -> Outcome:
        if not program.signal(action.name):
            return Outcome("impossible", {"why": "exited"})
        if action.name == "STOP":
            self.stage.stopping(program)
        self.stage.pump(0)
        return DONE

    @by_program.register
    def _(self, action: steps.CloseTerminal, program: Program) -> Outcome:
        if program.exited is not None:
            return Outcome("impossible", {"why": "exited"})
        self.stage.recorder.add(Ending(now_ns(), program.name, "script", "SIGHUP"))
        program.hang_up()
        return DONE

    def _until(
        self, program: Program, condition: Callable[[], bool], within: float, *, stretch: bool = False
    ) -> Outcome:
        met = False

        def over() -> bool:
            nonlocal met
            self._nudge()
            met = condition()
            return met or program.flooded or program.exited is not None

        waited = self.stage.wait_for(over, within, about=program, stretch=stretch)
        if not met and program.exited is not None:
            self.stage.pump(0)
            met = condition()
        if met:
            return DONE
        return Outcome("missed", {"exited": program.exited is not None, **_starved(waited)})

    # --- peers

    @functools.singledispatchmethod
    def by_peer(self, action: steps.Step, peer: Peer) -> Outcome:
        raise HarnessBug("script.no-handler", verb=action.verb)

    def _connected(self, peer: Peer) -> bool:
        if not peer.connections:
            self.stage.wait_for(lambda: bool(peer.connections), PEER_CONNECT_SECONDS, stretch=True)
        return bool(peer.connections)

    @by_peer.register
    def _(self, action: steps.Sends, peer: Peer) -> Outcome:
        if not self._connected(peer):
            return Outcome("impossible", {"why": "not connected"})
        data = self._bytes(action) * action.repeat
        targets = peer.chosen(None if action.to is None else self.stage.client_port(action.to))
        for connection in targets:
            connection.in_pieces = True
        for position, piece in enumerate(_pieces(data, action.pieces)):
            if position:
                self.stage.wait(action.pause)
            for connection in targets:
                connection.send(piece)
            peer.note("sends", piece)
            self.stage.pump(0)
        for connection in targets:
            connection.in_pieces = False
            connection.answer()
        self.stage.wait_for(lambda: not any(target.unsent for target in targets if target.ended is None), 0.2)
        return DONE if targets else Outcome("impossible", {"why": "not connected"})

    def _bytes(self, action: steps.Sends) -> bytes:
        if action.raw is not None:
            return action.raw.encode()
        if action.hex is not None:
            return bytes.fromhex(action.hex)
        texts = (action.text,) if isinstance(action.text, str) else action.text or ()
        profile = self.stage.profile
        return b"".join(profile.framing.wrap(text.encode(profile.encoding)) for text in texts)

    @by_peer.register
    def _(self, action: steps.Expects, peer: Peer) -> Outcome:
        if not self._connected(peer):
            return Outcome("impossible", {"why": "not connected"})
        pattern = re.compile(action.pattern) if action.pattern is not None else None

        seen: dict[PeerConnection, int] = {}  # how many messages of each have been looked at

        def came(connection: PeerConnection) -> bool:
            self._nudge()
            if action.end is not None:
                return connection.ended == action.end
            looked_at = seen.get(connection, 0)
            seen[connection] = connection.unused
            return connection.take(action.text, pattern, looked_at)

        waited = self.stage.wait_for(lambda: any(came(item) for item in peer.connections), action.within)
        return DONE if waited.came else Outcome("missed", _starved(waited))

    @by_peer.register(steps.HalfCloses)
    @by_peer.register(steps.Closes)
    @by_peer.register(steps.Resets)
    @by_peer.register(steps.StopsReading)
    @by_peer.register(steps.ReadsAgain)
    def _(self, action: steps.Step, peer: Peer) -> Outcome:
        if not self._connected(peer):
            return Outcome("impossible", {"why": "not connected"})
        acts: dict[str, Callable[[], None]] = {
            "half-closes": peer.half_close,
            "closes": peer.close,
            "resets": peer.reset,
            "stops reading": lambda: peer.set_reading(False),
            "reads again": lambda: peer.set_reading(True),
        }
        acts[action.verb]()
        self.stage.pump(0)
        return DONE


def _is_full(program: Program) -> bool:
    """Whether a living program has left its keyboard unread until no more keys go in."""
    return program.exited is None and not select.select([], program.descriptors, [], 0)[1]


def _starved(*waits: Waited) -> Detail:
    """What a step that was missed tells about the CPU that its program waited for, and had."""
    return {
        "run_delay": round(sum(waited.run_delay for waited in waits), 4),
        "cpu": round(sum(waited.cpu for waited in waits), 4),
    }


def _next_number(connection: Connection, sender: Endpoint) -> int | None:
    """The sequence number after the last byte that one side has sent, retransmissions and probes aside."""
    sent = [noted for noted in connection.noted if noted.segment.src == sender]
    return max(sent, key=lambda noted: noted.seq + noted.segment.span).segment.end if sent else None


def _pieces(data: bytes, how: str | tuple[int, ...]) -> list[bytes]:
    if how == "whole":
        return [data]
    if how == "bytes":
        return [data[at : at + 1] for at in range(len(data))]
    pieces = []
    for length in how:
        pieces.append(data[: int(length)])
        data = data[int(length) :]
    return [piece for piece in (*pieces, data) if piece]
