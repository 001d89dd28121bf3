"""The stage of one run: the private network, the tap on it, and everything that acts there, in one loop.

One process, one thread, one ``pump``: it waits for terminals, peers' sockets, ends of programs and packets
at once, so that everything is seen when it happens and recorded on one clock. The stage opens in this order
(network, tap, actors as the script starts them) and closes in reverse, whatever happens in between.
Knows no script and no expectation.
"""

from __future__ import annotations

import contextlib
import selectors
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from wirelab.base.clock import Deadline, now_ns
from wirelab.base.errors import UsageError
from wirelab.base.signals import uninterrupted
from wirelab.base.texts import Text, register
from wirelab.observe.connections import Connection, Tracker
from wirelab.observe.evidence import Bounded, Ending, Evidence, Owned, Part, Role, Typed, Wire, Witnessed
from wirelab.observe.messages import Profile
from wirelab.observe.segments import Packet, Segment, decode
from wirelab.stage import gauge, linux, namespace, processes
from wirelab.stage.actors import Program
from wirelab.stage.faults import Faults
from wirelab.stage.gauge import Gauge
from wirelab.stage.observer import Observer
from wirelab.stage.peer import Peer
from wirelab.stage.recorder import Listener, Recorder
from wirelab.stage.sandbox import PLAIN, Sandbox
from wirelab.stage.world import Private, World

LINKTYPE_ETHERNET = 1
CLOSING_GRACE = 1.0  # seconds that a side has to close after the other's FIN, at the end of a script
RESTING = 0.5  # seconds of a CPU that each program has, at the end of a script, to do what the last step gave it to do
SLICE, AT_ONCE = 100, 1000  # packets followed between two looks at the tap, and before anything else has its turn
UNMEASURED = 0.1  # seconds at the beginning of a wait for which it is not looked who has the CPU
OWNER_TRIES = 50  # packets after its SYN by which a connection's owner must be found
WITNESSED = 0.05  # seconds in which a program that is looked at shows how much of a CPU it uses
ASKED = 0.5  # seconds after which a program that was asked to end, and is still there, is looked at
_ENDING_KEYS = ("Ctrl-C", "Ctrl-D", "/quit⏎")
LOOK_AGAIN = 0.2  # seconds after which a condition is asked again though nothing happened: it may look at a clock
LONGEST_STRETCH = 6.0  # a wait for a start, or for an end, is stretched at most this many times

register(
    {
        "stage.peer-refused": Text(
            "the scripted peer {actor} cannot listen on port {port}: {why}",
            "脚本对端 {actor} 无法在端口 {port} 上监听：{why}",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Waited:
    """How a wait ended: whether what was waited for came; if not, for how many seconds the program that it was about
    had been ready to run without a CPU (since the wait was stretched last), and how many it had had one."""

    came: bool
    run_delay: float = 0.0
    cpu: float = 0.0


class Stage:
    """The world of one run. Use as a context manager, inside a process forked for this run."""

    def __init__(
        self,
        profile: Profile,
        port: int,
        parent_pid: int,
        listener: Listener | None = None,
        *,
        observe: bool = True,
        seed: int | None = None,
        sandbox: Sandbox | None = None,
        world: World | None = None,
    ) -> None:
        """With ``observe``, submissions tell which of their lines called what; with a ``seed``, their races are
        amplified (both: those in Python). With a ``sandbox``, submissions run in it. Unless another ``world`` is given,
        which must be held, the run has a private network."""
        self.profile = profile
        self.port = port
        self.recorder = Recorder(listener)
        self.tracker = Tracker(server_port=port)
        self.actors: dict[str, Program | Peer] = {}
        self.faults = Faults(port)
        self._world = world or Private()
        self._observer = Observer(notes=observe, seed=seed, among=self._world.among if sandbox else "ours")
        self._sandbox = sandbox
        self._gauge = Gauge(self.recorder, sandbox.limits if sandbox else None)
        self._parent_pid = parent_pid
        self._packets: list[Packet] = []
        self._followed = 0  # of the packets: how many were decoded and shown
        self._lost = 0
        self._ports: dict[int, str] = {}  # client port -> actor
        self._unowned: dict[Segment, int] = {}  # SYNs of connections nobody was found for yet -> tries
        self._selector = selectors.PollSelector()  # epoll forgets a descriptor that was closed and is used anew
        self._watched: dict[int, int] = {}
        self.bounded = False  # whether the capture is full; what programs do from then on cannot be judged
        self._witnessed: set[str] = set()
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Stage:
        with contextlib.ExitStack() as stack:
            stack.callback(self._selector.close)
            stack.callback(self._world.enter(self._parent_pid, self._sandbox))
            # The end of the process closes it: the kernel takes 20 ms for that, for which nobody need wait.
            self.tap = self._world.tap(self.port)
            self.tap.sync()
            stack.callback(self._observer.end)
            stack.callback(self._end_actors)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    # --- actors

    def base_environment(self) -> dict[str, str]:
        """What programs find in their environment before the scenario adds to it: in a sandbox nothing of the user's."""
        return dict(PLAIN) if self._sandbox else namespace.base_environment()

    def start_program(
        self, name: str, role: Role, part: Part, command: tuple[str, ...], env: Mapping[str, str], folder: str
    ) -> Program:
        """Start a program on a terminal, observed when it is a submission. Raises UsageError when it does not exist."""
        program = Program(name, role, part, self.recorder)
        if part == "submission":
            env = self._observer.environment(name, role, folder, env)
        if part == "submission" and self._sandbox is not None:
            sandboxed, user = self._world.wrapped(self._sandbox, self._observer, command, folder, env)
            with sandboxed:
                program.start(command, env, folder, sandboxed, user=user)
        else:
            program.start(command, env, folder)
        self.actors[name] = program
        return program

    def start_peer(self, name: str, role: Role, *, answers: bool) -> Peer:
        """Start a scripted peer: it listens at once, or begins to connect."""
        peer = Peer(name, role, self.profile, self.recorder, answers=answers, mss=self._world.mss)
        try:
            peer.start(("127.0.0.1", self.port))
        except OSError as error:
            raise UsageError("stage.peer-refused", actor=name, port=self.port, why=error.strerror) from None
        self.actors[name] = peer
        if peer.local_port is not None:
            self._own(peer.local_port, name)
        return peer

    @property
    def flooded(self) -> bool:
        """Whether more was sent, or printed on a terminal, than is kept."""
        return self.bounded or any(program.flooded for program in self.programs)

    @property
    def programs(self) -> tuple[Program, ...]:
        """The actors that are programs, in the order in which they were started."""
        return tuple(actor for actor in self.actors.values() if isinstance(actor, Program))

    def client_port(self, name: str) -> int | None:
        """The local port of a client's (latest) connection, once it is known."""
        return next((port for port, owner in reversed(self._ports.items()) if owner == name), None)

    def connection_of(self, name: str) -> Connection | None:
        """The latest connection of a client."""
        port = self.client_port(name)
        return next((item for item in reversed(self.tracker.connections) if item.client.port == port), None)

    # --- time

    def pump(self, seconds: float) -> None:
        """Let at most ``seconds`` pass, or less when something happened; take in everything that is ready."""
        self._register()
        # In a sandbox, what a program uses is looked at, however quiet it is.
        most = min(seconds, gauge.EVERY_NS / 1e9) if self._sandbox else seconds
        timeout = 0 if self._behind else max(0.0, most)
        ready = {key.fd for key, _ in self._selector.select(timeout)} if self._selector.get_map() else set()
        self._take_packets()  # first: what a program shows follows from what arrived
        for actor in tuple(self.actors.values()):
            if isinstance(actor, Peer) or actor.left or not ready.isdisjoint(actor.descriptors):
                actor.service()
                self._empty_tap()  # one that has much to take in is not the reason that a packet is lost
        self._gauge.sample(self.programs, eventful=bool(ready))

    def wait(self, seconds: float) -> None:
        """Let time pass, watching; less when the capture is full."""
        deadline = Deadline.after(seconds)
        while not deadline.passed and not self.bounded:
            self.pump(deadline.left())

    def wait_for(
        self, condition: Callable[[], bool], seconds: float, *, about: Program | None = None, stretch: bool = False
    ) -> Waited:
        """Wait until ``condition`` holds, at most ``seconds``, and not beyond the capture's being full.

        ``about`` is the program that makes it hold or not; without it, whichever had to wait longest for a CPU. With
        ``stretch``, time during which it was ready to run but had none does not count, up to LONGEST_STRETCH times
        ``seconds``. In every case it is measured and returned.
        """
        if condition():
            return Waited(True)
        deadline, last = Deadline.after(seconds), Deadline.after(seconds * LONGEST_STRETCH)
        soon = Deadline.after(min(UNMEASURED, seconds / 10))  # most waits end here, and measuring costs a run 1 ms
        while not soon.passed and not self.bounded:
            self.pump(soon.left())
            if condition():
                return Waited(True)
        pids = [program.pid for program in ([about] if about else self.programs) if program.exited is None]
        before = [processes.threads(pid) for pid in pids]
        cpu = 0.0
        while not condition():
            if deadline.passed or self.bounded:
                after = [processes.threads(pid) for pid in pids]
                worst = max(map(processes.between, before, after), default=processes.Scheduled())
                cpu += worst.cpu
                if not stretch or self.bounded or last.passed or worst.delay <= 0.05 * seconds:
                    return Waited(False, worst.delay, cpu)
                before = after
                deadline = Deadline.after(min(worst.delay, last.left()))
            self.pump(min(deadline.left(), LOOK_AGAIN))
        return Waited(True)

    def settle(self, program: Program, seconds: float = 0.5) -> None:
        """Wait until a program sleeps in the kernel with nothing left to show, as before a person's next key."""
        deadline = Deadline.after(seconds)
        while not deadline.passed and program.exited is None:
            if processes.asleep(program.pid):
                self.pump(0)
                program.drain()  # what it showed last is read before the key: Ctrl-C throws away what is not, termios(3)
                return
            self.pump(min(0.002, deadline.left()))

    def stopping(self, program: Program, seconds: float = 1.0) -> None:
        """Wait until a program that was stopped has: a thread that has not may still take what arrives."""
        self._look_until(lambda: program.exited is not None or processes.stopped(program.pid), seconds)

    def _look_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Look often whether a condition holds of which nothing that is watched would tell."""
        deadline = Deadline.after(seconds)
        while not (deadline.passed or self.bounded or condition()):
            self.pump(min(0.002, deadline.left()))

    def _register(self) -> None:
        wanted: dict[int, int] = {} if self.bounded else {self.tap.fileno(): selectors.EVENT_READ}
        for actor in self.actors.values():
            for descriptor in actor.descriptors:
                wanted[descriptor] = selectors.EVENT_READ
            if isinstance(actor, Peer):
                for descriptor in actor.writable_descriptors:
                    wanted[descriptor] = wanted.get(descriptor, 0) | selectors.EVENT_WRITE
        for gone in self._watched.keys() - wanted.keys():
            self._selector.unregister(gone)
        for descriptor, events in wanted.items():
            if descriptor not in self._watched:
                self._selector.register(descriptor, events)
            elif self._watched[descriptor] != events:
                self._selector.modify(descriptor, events)
        self._watched = wanted

    # --- the wire

    @property
    def _behind(self) -> bool:
        return self._followed < len(self._packets) and not self.bounded

    def _take_packets(self, most: int = AT_ONCE) -> None:
        """Empty the tap and follow at most so many packets. Following one takes longer than sending one: in a flood
        the tap goes first, and nothing is lost; what is left is followed later, or never when it is too much."""
        self._empty_tap()
        while self._behind and most > 0:
            for _ in range(min(SLICE, most, len(self._packets) - self._followed)):
                self._followed += 1
                self._follow(self._packets[self._followed - 1], self._followed)
            most -= SLICE
            self._empty_tap()

    def _empty_tap(self) -> None:
        while not self.bounded and (packets := self.tap.read()):
            self._packets += packets
            if self.tap.bounded:
                self.bounded = True
                limit = self.tap.most if self.tap.bounded == "bytes" else self.tap.limit
                self.recorder.add(Bounded(now_ns(), None, limit, self.tap.bounded))
            else:
                self._lost = self.tap.lost  # what is lost after the bound would not have been kept either

    def _follow(self, packet: Packet, frame: int) -> None:
        segment = decode(packet, frame, LINKTYPE_ETHERNET)
        if segment is None:
            return
        noted = self.tracker.feed(segment)
        if segment.syn and not segment.has_ack and segment.src.port not in self._ports:
            self._unowned[segment] = 0
        self._find_owners()
        self.recorder.show(noted)

    def _find_owners(self, *, last: bool = False) -> None:
        for syn in tuple(self._unowned):
            self._unowned[syn] += 1
            enough = last or self._unowned[syn] > OWNER_TRIES
            owner = self._owner(syn, enough)
            if owner is not None or enough:
                del self._unowned[syn]
            if owner is not None:
                self._own(syn.src.port, owner.name)

    def _owner(self, syn: Segment, enough: bool) -> Program | None:
        """Who has the socket open. When nobody has, or (``enough`` was tried) only a process that left its program's
        tree, it is the only client, or the only one that has no connection yet."""
        clients = [program for program in self.programs if program.role == "client"]
        try:
            user, inode = linux.tcp_socket_owner(syn.src, syn.dst)
        except OSError:
            user, inode = 0, 0  # gone; 0 is also what a socket has that was closed and waits for the other side
        if inode:
            owner = next((program for program in clients if program.has(user, inode)), None)
            if owner is not None or not enough:
                return owner
        left = [program for program in clients if program.port is None or len(clients) == 1]
        return left[0] if len(left) == 1 else None

    def _own(self, port: int, name: str) -> None:
        self._ports[port] = name
        actor = self.actors.get(name)
        if isinstance(actor, Program):
            actor.port = port
        self.recorder.add(Owned(now_ns(), name, port))

    def witness(self, program: Program, why: Literal["missed", "end"]) -> None:
        """Record what every thread of a program is doing, and how much of a CPU it uses; nothing when it is gone.

        Of the time that it was ready to run and had none, only the worst-off thread's counts: that is not idleness.
        """
        with uninterrupted():
            from wirelab.stage import stacks, witness  # 3 ms, for which a run with nothing wrong need not wait

        began, before = now_ns(), processes.threads(program.pid)
        stacks.py_spy()  # asked once here: it imports what another user, who may look then, is perhaps not let into
        seen = program.seen(witness.look) or witness.Seen()
        if program.exited is not None or not seen.threads:
            return
        self._witnessed.add(program.name)
        self.wait(WITNESSED - (now_ns() - began) / 1e9)
        had = processes.between(before, processes.threads(program.pid))
        elapsed = (now_ns() - began) / 1e9
        could = max(had.cpu, elapsed - had.delay, elapsed / 5)  # of less than that nothing can be said
        self.recorder.add(Witnessed(began, program.name, why, round(had.cpu / could, 3), seen.threads, seen.sockets))

    def require_faults(self) -> None:
        """Raise ``loopback.Unplayable`` where nothing can be done to the wire."""
        self._world.require_faults()

    def wire(self, what: Literal["cut", "heal", "drop", "inject"], about: str) -> None:
        """Record something done to the wire."""
        self.recorder.add(Wire(now_ns(), what, about))

    # --- the end

    def drain(self) -> None:
        """After the last step: let what it set in motion come to rest, closings come to their end, and the tap run empty.

        Programs that have something to do get RESTING to do it. A program that was asked to end just now, and a side
        that has seen a FIN and may send its own, get CLOSING_GRACE; who was not asked is not waited for.
        """
        self._rest()
        lately = now_ns() - int(CLOSING_GRACE * 1e9)
        asked = [program for program in self.programs if max(self._told(program), default=0) > lately]

        def ended() -> bool:
            closing = any(map(self._closing, self.tracker.connections))
            return not closing and all(program.exited is not None for program in asked)

        self.wait_for(ended, CLOSING_GRACE, stretch=True)
        self._take_rest()
        self._find_owners(last=True)

    def _take_rest(self) -> None:
        if not self.bounded:
            self.tap.sync()
            self._take_packets(sys.maxsize)

    def _rest(self) -> None:
        pids = [program.pid for program in self.programs if program.exited is None]
        self._look_until(lambda: not any(map(processes.busy, pids)), RESTING / 10)  # nearly all do, and measuring costs
        last = Deadline.after(RESTING * LONGEST_STRETCH)
        before = {pid: processes.threads(pid) for pid in pids if processes.busy(pid)}
        while before and not (last.passed or self.bounded):
            self.pump(min(0.02, last.left()))
            had = {pid: processes.between(then, processes.threads(pid)).cpu for pid, then in before.items()}
            before = {pid: then for pid, then in before.items() if processes.busy(pid) and had[pid] < RESTING}

    def _closing(self, connection: Connection) -> bool:
        end = connection.teardown
        if end.resets or (end.client_fin_ack and end.server_fin_ack):
            return False
        owner = self.actors.get(self._ports.get(connection.client.port, ""))
        gone = isinstance(owner, Program) and owner.exited is not None
        return bool(end.client_fin or end.server_fin or gone)

    def _witness_overdue(self) -> None:
        """Look at submissions that were asked to end, had the time for it, and are still there. Who was not asked, or
        only just now, is not looked at: that would make runs slower in which nothing is wrong."""
        for program in self.programs:
            if program.part == "submission" and program.exited is None and program.name not in self._witnessed:
                asked = min(self._requests(program), default=None)
                if asked is not None and now_ns() - asked >= ASKED * 1e9:
                    self.witness(program, "end")

    def _told(self, program: Program) -> Iterator[int]:
        """When a program was asked to end by its keyboard or a signal."""
        for event in self.recorder.events:
            match event:
                case Typed(actor=program.name) if event.keys.strip() in _ENDING_KEYS:
                    yield event.time
                case Ending(actor=program.name, by="script"):
                    yield event.time

    def _requests(self, program: Program) -> Iterator[int]:
        """When a program was asked to end: also a client by its server's end, a server at least to close its own side."""
        yield from self._told(program)
        for connection in self.tracker.connections:
            end = connection.teardown
            if program.role == "server" and end.client_fin and not end.server_fin:
                yield end.client_fin.segment.time
            if self._ports.get(connection.client.port) == program.name:
                yield from (noted.segment.time for noted in (end.server_fin, *end.resets) if noted)

    def _end_actors(self) -> None:
        for actor in reversed(tuple(self.actors.values())):
            actor.end()

    def finish(self, machine: dict[str, str]) -> Evidence:
        """End every actor in reverse order of starting, empty the tap, and give all that was seen."""
        self._witness_overdue()
        self._end_actors()
        self._take_rest()
        self.recorder.finish()
        events = tuple(sorted([*self.recorder.events, *self._observer.read()], key=lambda event: event.time))
        return Evidence(events, tuple(self._packets), LINKTYPE_ETHERNET, self._lost, self.port, machine)
