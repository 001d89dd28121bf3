"""What a running program is doing, thread by thread, seen from outside in /proc: whatever language it is written in.

Nothing is injected, nothing is stopped: a look reads what the kernel tells of each thread (its system call, and what
the call's descriptor leads to) and of the TCP sockets of the private network, and the stacks of Python programs
(``stacks``). Everything is bounded, as programs may be hostile. Knows no script and no time. Sources: proc(5),
sock_diag(7), include/net/tcp_states.h.
"""

from __future__ import annotations

import functools
import os
import stat
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from wirelab.base.clock import Deadline
from wirelab.observe.evidence import Doing, SocketSeen, ThreadSeen
from wirelab.stage import linux, processes, syscalls
from wirelab.stage.linux import TcpSocket
from wirelab.stage.stacks import Stack, clean, stacks

MOST_THREADS, MOST_SOCKETS, MOST_PROCESSES = 64, 64, 32
MOST_DESCRIPTORS = 4096  # of one process that are looked into
MOST_WATCHED = 64  # descriptors of one poll or select that are looked into
PATIENCE = 2.0  # seconds for all stacks together; one process takes some 15 ms, and more on a busy machine
_PTYS = range(136, 144)  # major numbers of pseudo-terminals; 4 and 5 are other terminals (devices.txt)
_TERMINALS = (4, 5, *_PTYS)
_STATES = (
    "ESTABLISHED SYN-SENT SYN-RECEIVED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED CLOSE-WAIT LAST-ACK LISTEN CLOSING "
    "SYN-RECEIVED"
).split()

Leads = TcpSocket | Literal["terminal", "socket"] | None
"""What a descriptor leads to: a TCP socket, a terminal, a socket of another kind, or anything else."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at a program: its threads, parents before children, and the TCP sockets it has open."""

    threads: tuple[ThreadSeen, ...] = ()
    sockets: tuple[SocketSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class _Task:
    """A thread as the kernel describes it: its process, its state (a letter), its system call and the arguments."""

    pid: int
    tid: int
    name: str
    state: str
    call: str
    arguments: tuple[int, ...]
    wchan: str
    on_cpu: bool


def look(pid: int, user: int | None = None) -> Seen:
    """All that can be seen of a process and its descendants; empty when it is gone. On a network that is not the run's
    alone its sockets are those that ``user`` made, who runs nothing else."""
    members = processes.tree(pid)[:MOST_PROCESSES]
    tasks = _all_tasks(members)
    sockets = _Sockets(members, user)
    threads: list[ThreadSeen] = []
    patience = Deadline.after(PATIENCE)
    for member in members:
        own = [task for task in tasks if task.pid == member]
        python = stacks(member, patience) if own else {}
        threads += [_thread(task, sockets, python.get(task.tid)) for task in own]
    return Seen(tuple(threads), sockets.seen())


def _all_tasks(members: Sequence[int]) -> list[_Task]:
    """The living threads of all processes, main threads first; if there are too many, the first few of each."""
    every = [
        (position, order, tid)
        for order, member in enumerate(members)
        for position, tid in enumerate(sorted(map(int, processes.listdir(f"/proc/{member}/task"))))
    ]
    kept = sorted((order, tid) for _, order, tid in sorted(every)[:MOST_THREADS])
    return [task for order, tid in kept if (task := _task(members[order], tid)) is not None]


def _task(pid: int, tid: int) -> _Task | None:
    folder = f"/proc/{pid}/task/{tid}"
    state = processes.read(f"{folder}/stat").rpartition(")")[2].strip()[:1]
    if state in ("", "Z", "X"):
        return None
    number, *words = processes.read(f"{folder}/syscall").split() or [""]
    arguments = tuple(int(word, 16) for word in words[:6])
    wchan = processes.read(f"{folder}/wchan")
    name = clean(processes.read(f"{folder}/comm").removesuffix("\n"))
    return _Task(pid, tid, name, state, syscalls.named(number), arguments, wchan, number == "running")


class _Sockets:
    """The TCP sockets of the private network, or of one user, and which of them are the program's."""

    def __init__(self, members: Sequence[int], user: int | None) -> None:
        self._everybody = None if user is None else members
        try:
            found = (one for one in linux.tcp_sockets() if user is None or one.user == user)
            self._all = {one.inode: one for one in found if one.inode}
        except OSError:
            self._all = {}
        self._own = {inode: self._all[inode] for inode in _inodes(members) if inode in self._all}

    def at(self, pid: int, descriptor: int) -> Leads:
        """What a process's descriptor leads to."""
        try:
            found = os.stat(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            return None
        if stat.S_ISSOCK(found.st_mode):
            return self._all.get(found.st_ino, "socket")
        return "terminal" if stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) in _TERMINALS else None

    @functools.cached_property
    def closed_in_use(self) -> TcpSocket | None:
        """The one socket that lives although nobody has it open: it was closed while a thread was inside a call on it,
        and the kernel keeps it, and sends no FIN, until that call returns. None when it could be one of several.

        So a thread may receive on a socket that is not among those that its program has open."""
        claimed = _inodes(self._everybody or processes.tree(os.getpid()))
        left = [one for inode, one in self._all.items() if inode not in claimed]
        return left[0] if len(left) == 1 else None

    def seen(self) -> tuple[SocketSeen, ...]:
        kept = sorted(self._own.values(), key=lambda one: (_state(one) != "LISTEN", one.port, one.peer))[:MOST_SOCKETS]
        return tuple(
            SocketSeen(one.port, one.peer, state, *((0, 0) if state == "LISTEN" else (one.unread, one.unsent)))
            for one in kept
            for state in (_state(one),)
        )


def _state(one: TcpSocket) -> str:
    return _STATES[one.state - 1] if 0 < one.state <= len(_STATES) else "CLOSED"


def _inodes(members: Iterable[int]) -> set[int]:
    """The inodes of all sockets that the processes have open."""
    found = set()
    for member in members:
        for descriptor in processes.listdir(f"/proc/{member}/fd")[:MOST_DESCRIPTORS]:
            with suppress(OSError):
                target = os.readlink(f"/proc/{member}/fd/{descriptor}")
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    return found


def _thread(task: _Task, sockets: _Sockets, python: Stack | None) -> ThreadSeen:
    doing, socket = _doing(task, sockets)
    return ThreadSeen(
        task.tid,
        (python and python.name) or task.name,
        doing,
        task.call,
        socket.port if socket else None,
        socket.peer if socket else None,
        python.lines if python else (),
        python.waits_for if python else None,
    )


_SIMPLE: Mapping[syscalls.Waits, Doing] = {"waits": "waiting", "sleeps": "sleeping", "awaits a child": "child"}
_ON_SOCKETS: Mapping[syscalls.Waits, Doing] = {
    "connects": "connecting",
    "accepts": "accepting",
    "receives": "receiving",
    "sends": "sending",
    "reads": "receiving",
    "writes": "sending",
}


def _doing(task: _Task, sockets: _Sockets) -> tuple[Doing, TcpSocket | None]:
    """What a thread does, and on which TCP socket."""
    if task.state in ("T", "t"):
        return "stopped", None
    if task.on_cpu or task.state == "R":
        return "running", None
    waits = syscalls.waits(task.call, task.wchan)
    if waits is None:
        return "other", None
    if waits in _SIMPLE:
        return _SIMPLE[waits], None
    if waits == "polls":
        return _polling([sockets.at(task.pid, one) for one in _watched(task)])
    if not task.call:
        return _ON_SOCKETS[waits], None
    leads = sockets.at(task.pid, task.arguments[0])
    if waits in ("reads", "writes"):
        if leads == "terminal":
            return ("keyboard" if waits == "reads" else "printing"), None
        if leads is None:
            return "other", None
    elif leads is None:
        leads = sockets.closed_in_use
    return _ON_SOCKETS[waits], leads if isinstance(leads, TcpSocket) else None


def _polling(watched: Sequence[Leads]) -> tuple[Doing, TcpSocket | None]:
    """Who waits for nothing but a terminal reads the keyboard (readline does so); for nothing but a SYN's answer,
    connects (as Python does when there is a timeout)."""
    if watched and all(leads == "terminal" for leads in watched):
        return "keyboard", None
    tcp = [leads for leads in watched if isinstance(leads, TcpSocket)]
    if len(watched) == len(tcp) == 1 and _state(tcp[0]) == "SYN-SENT":
        return "connecting", tcp[0]
    return "polling", tcp[0] if len(tcp) == 1 else None


def _watched(task: _Task) -> list[int]:
    """The descriptors that a poll, select or epoll waits for."""
    with suppress(OSError, ValueError, IndexError, OverflowError, struct.error):
        first, second, third = task.arguments[:3]
        if task.call in ("poll", "ppoll"):
            data = _memory(task.pid, first, 8 * min(second, MOST_WATCHED))
            return [one for one, _, _ in struct.iter_unpack("=ihh", data) if one >= 0]
        if task.call in ("select", "pselect6"):
            masks = [_memory(task.pid, at, (min(first, 1024) + 7) // 8) for at in (second, third) if at]
            bits = int.from_bytes(masks[0], "little")
            for mask in masks[1:]:
                bits |= int.from_bytes(mask, "little")
            return [one for one in range(bits.bit_length()) if bits >> one & 1][:MOST_WATCHED]
        lines = processes.read(f"/proc/{task.pid}/fdinfo/{first}").split("\n")
        return [int(line.split()[1]) for line in lines if line.startswith("tfd:")][:MOST_WATCHED]
    return []


def _memory(pid: int, at: int, length: int) -> bytes:
    """Bytes of a process's memory; raises OSError when it is refused or not there."""
    handle = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(handle, length, at)
    finally:
        os.close(handle)
