"""What programs have of the processors and the memory while they run: recorded, and bounded in a sandbox.

Knows no script and no packets.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from wirelab.base.clock import now_ns
from wirelab.observe.evidence import Bounded, Sampled
from wirelab.stage import processes
from wirelab.stage.actors import Program
from wirelab.stage.recorder import Recorder
from wirelab.stage.sandbox import IN_MEMORY, Limits

EVERY_NS = 250_000_000  # between two looks at a submission; each costs a run 0.15 ms
EVENTFUL_NS = 100_000_000  # the same when something happened: what came late was, perhaps, not its fault
OTHERS_NS = 500_000_000  # between two looks at the reference, which is to be excused for seconds only
ALMOST = 0.9  # of the processes it may have: at the limit it can no longer do what it would be judged by

FILE_BYTES = 1024  # of the kernel's memory, however empty a file is
SOCKET_BYTES = 212_992  # that nobody has read yet may wait in a socket (net.core.wmem_default): no process has them
DESCRIPTORS = 1024  # of all its processes together; more than any chat needs
MUCH = 256 * 1024 * 1024  # bytes mapped that are not a process's own to write; from there on it is looked what they are
_WITHOUT_A_FILE = "/dev/zero (deleted)"  # in /proc/PID/maps
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Gauge:
    """Looks at programs from time to time, and ends one that takes more than ``limits``, if there are any."""

    def __init__(self, recorder: Recorder, limits: Limits | None) -> None:
        self._recorder, self._limits = recorder, limits
        self._looked: dict[int, int] = {}  # by pid, when
        self._scheduled: dict[int, tuple[processes.Threads, float, float]] = {}  # as seen last; kept and cpu so far

    def sample(self, programs: Iterable[Program], *, eventful: bool) -> None:
        """Record how long each living program was kept from a CPU so far, and had one, if it is time to.

        That is the sum of what, from each look to the next, its worst-off thread waited beyond what the program's other
        threads had of the CPUs (who burns them keeps its own threads waiting): it never falls.
        """
        now = now_ns()
        for program in programs:
            every = OTHERS_NS if program.part != "submission" else EVENTFUL_NS if eventful else EVERY_NS
            if program.exited is not None or now - self._looked.get(program.pid, 0) < every:
                continue
            self._looked[program.pid] = now
            if self._limits is not None and program.part == "submission" and self._ended(program, self._limits):
                continue
            before, kept, cpu = self._scheduled.get(program.pid, ({}, 0.0, 0.0))
            threads = processes.threads(program.pid)
            had = processes.between(before, threads)
            kept, cpu = kept + had.kept(processes.cpus()), cpu + had.cpu
            self._scheduled[program.pid] = threads, kept, cpu
            self._recorder.add(Sampled(now_ns(), program.name, round(kept, 6), round(cpu, 6)))

    def _ended(self, program: Program, limits: Limits) -> bool:
        """End a program that takes too much; whether it does. What bounds each of its processes is the kernel's affair;
        root's have no bound to their number, and nothing bounds the memory of all together."""
        unit = exceeded(program.pid, limits, program.inner)
        if unit is None:
            return False
        limit = limits.processes if unit == "processes" else limits.memory
        self._recorder.add(Bounded(now_ns(), program.name, limit, unit))
        program.end()
        return True


def exceeded(pid: int, limits: Limits, inner: int | None = None) -> Literal["processes", "memory"] | None:
    """What a process tree takes too much of, if it does. ``inner`` is the process in it that is in a sandbox whose files
    are to be counted as well."""
    members = _tree(pid, int(ALMOST * limits.processes))
    if members is None:
        return "processes"
    taken = sum(map(_resident, members)) + _in_sockets(members) + sum(map(_shared, members))
    return "memory" if taken + (_in_files(inner) if inner else 0) > limits.memory else None


def _tree(pid: int, most: int) -> tuple[int, ...] | None:
    """A process and all its descendants; None when they have so many threads, then without looking any further: they
    may multiply faster than they can be counted."""
    members, threads = [pid], 0
    for member in members:
        for task in processes.listdir(f"/proc/{member}/task"):
            threads += 1
            members.extend(map(int, processes.read(f"/proc/{member}/task/{task}/children").split()))
            if max(threads, len(members)) >= most:
                return None
    return tuple(members)


def _in_files(inner: int) -> int:
    """Bytes in the file systems of a sandbox that lie in memory; none while it is not there yet."""
    taken, root = 0, f"/proc/{inner}/root"
    with suppress(OSError):
        if os.stat(root).st_dev == os.stat("/").st_dev:
            return 0
        for path in IN_MEMORY:
            found = os.statvfs(root + path)
            taken += (found.f_blocks - found.f_bfree) * found.f_frsize + (found.f_files - found.f_ffree) * FILE_BYTES
    return taken


def _resident(pid: int) -> int:
    """Bytes that a process has, its own and shared ones."""
    fields = processes.read(f"/proc/{pid}/statm").split()
    return _PAGE * int(fields[1]) if fields else 0


def _in_sockets(members: Iterable[int]) -> int:
    """Bytes that wait in sockets, at most, as far as processes have so many descriptors that it is much."""
    descriptors = 0
    for pid in members:
        with suppress(OSError):
            descriptors += os.stat(f"/proc/{pid}/fd").st_size  # their number, from Linux 6.2 on
    return max(0, descriptors - DESCRIPTORS) * SOCKET_BYTES


def _shared(pid: int) -> int:
    """Bytes that a process shares without a file, where it maps much: it may have let go of them, madvise(2), until it
    looks at them again, and is then not seen to have them."""
    with suppress(OSError, ValueError, IndexError):
        size, _, _, _, _, own, *_ = map(int, processes.read(f"/proc/{pid}/statm").split())
        if (size - own) * _PAGE > MUCH:
            with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
                return sum(_length(line) for line in maps if line.rstrip().endswith(_WITHOUT_A_FILE))
    return 0


def _length(line: str) -> int:
    """Bytes of a mapping, from its line in /proc/PID/maps."""
    start, end = line.split(" ", 1)[0].split("-")
    return int(end, 16) - int(start, 16)
