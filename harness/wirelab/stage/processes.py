"""What /proc tells about running programs: their tree, whether they sleep, how long they waited for a CPU,
and which of them owns a socket. Reads only; a process that is gone answers with nothing. See proc(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from wirelab.stage import syscalls


def tree(pid: int) -> tuple[int, ...]:
    """``pid`` and all its living descendants, parents first."""
    found = [pid]
    for parent in found:
        found.extend(children(parent))
    return tuple(found)


def children(pid: int) -> Iterator[int]:
    """Children of all threads of a process; none when it is gone. A scan of all of /proc costs 20 times as much."""
    for task in listdir(f"/proc/{pid}/task"):
        for child in read(f"/proc/{pid}/task/{task}/children").split():
            yield int(child)


def asleep(pid: int) -> bool:
    """Whether the main thread of every process in the tree sleeps in the kernel (or has stopped, or is gone)."""
    return all(_state(str(member)) not in ("R", "D") for member in tree(pid))


def busy(pid: int) -> bool:
    """Whether some thread in the tree runs, or would if it had a CPU."""
    return any(state in ("R", "D") for state in _thread_states(pid))


def stopped(pid: int) -> bool:
    """Whether no thread in the tree goes on: SIGSTOP is obeyed by each only when it next has a CPU."""
    return all(state not in ("R", "D", "S") for state in _thread_states(pid))


def _thread_states(pid: int) -> Iterator[str]:
    for member in tree(pid):
        for task in listdir(f"/proc/{member}/task"):
            yield _state(f"{member}/task/{task}")


def _state(place: str) -> str:
    return read(f"/proc/{place}/stat").rpartition(")")[2].strip()[:1]


def reads_keyboard(pid: int) -> bool:
    """Whether the main thread of some process in the tree is blocked in read(2) on its standard input."""
    calls = (read(f"/proc/{member}/syscall").split() for member in tree(pid))
    return any(len(call) > 1 and syscalls.named(call[0]) == "read" and call[1] == "0x0" for call in calls)


class Scheduled(NamedTuple):
    """Seconds for which a program had a CPU, all threads together, and for which one of its threads had to wait
    for one while it was ready to run: the longest, as a program that has many would excuse itself with their sum.
    ``others``: what the program's threads but that one had of the CPUs."""

    delay: float = 0.0
    cpu: float = 0.0
    others: float = 0.0

    def kept(self, cpus: int) -> float:
        """Seconds for which the rest of the machine kept it from running, on a machine of so many CPUs.

        While a thread waits all CPUs are taken; where its program's other threads had them, that is its own affair.
        What the thread itself had, it had at other times.
        """
        return max(0.0, self.delay - self.others / cpus)


Threads = Mapping[int, tuple[int, int]]
"""Of each thread, nanoseconds for which it had a CPU, and for which it was ready to run and had none."""


def threads(pid: int) -> Threads:
    """All living threads of a process tree (schedstat)."""
    found: dict[int, tuple[int, int]] = {}
    members = [pid]
    for member in members:
        for task in listdir(f"/proc/{member}/task"):
            members.extend(map(int, read(f"/proc/{member}/task/{task}/children").split()))
            fields = read(f"/proc/{member}/task/{task}/schedstat").split()
            if len(fields) > 1:
                found[int(task)] = (int(fields[0]), int(fields[1]))
    return found


def between(before: Threads, after: Threads) -> Scheduled:
    """What happened between two looks at a program's threads. Who ended meanwhile is not counted."""
    pairs = [(now, before.get(thread, (0, 0))) for thread, now in after.items()]
    delay, own = max(((now[1] - then[1], now[0] - then[0]) for now, then in pairs), default=(0, 0))
    cpu = sum(now[0] - then[0] for now, then in pairs)
    return Scheduled(max(0, delay) / 1e9, max(0, cpu) / 1e9, max(0, cpu - own) / 1e9)


def cpus() -> int:
    """How many CPUs this process, and what it starts, may run on."""
    return len(os.sched_getaffinity(0))


def owns(pid: int, inode: int) -> bool:
    """Whether a process in the tree has the socket with this inode open."""
    wanted = f"socket:[{inode}]"
    for member in tree(pid):
        for descriptor in listdir(f"/proc/{member}/fd"):
            try:
                if os.readlink(f"/proc/{member}/fd/{descriptor}") == wanted:
                    return True
            except OSError:
                continue
    return False


def listdir(path: str) -> list[str]:
    """The names in a folder of /proc; none when it cannot be read."""
    try:
        return os.listdir(path)
    except OSError:
        return []


def read(path: str) -> str:
    """A small file of /proc, empty when it cannot be read; plain system calls, as a run reads many and a text file
    object costs ten times that."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(handle, 65536).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(handle)
