"""What /proc tells about running programs: their tree, whether they sleep, how long they waited for a CPU,
and which of them owns a socket. Reads only; a process that is gone answers with nothing. See proc(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator


def tree(pid: int) -> tuple[int, ...]:
    """``pid`` and all its living descendants, parents first."""
    found = [pid]
    for parent in found:
        found.extend(_children(parent))
    return tuple(found)


def _children(pid: int) -> Iterator[int]:
    for task in _listdir(f"/proc/{pid}/task"):
        for child in _read(f"/proc/{pid}/task/{task}/children").split():
            yield int(child)


def asleep(pid: int) -> bool:
    """Whether the main thread of every process in the tree sleeps in the kernel (or has stopped, or is gone)."""
    return all(_state(member) not in ("R", "D") for member in tree(pid))


def _state(pid: int) -> str:
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].strip()[:1]


def reads_keyboard(pid: int) -> bool:
    """Whether the main thread of some process in the tree is blocked in read(2) on its standard input."""
    numbers = {"x86_64": "0", "aarch64": "63"}
    read = numbers.get(os.uname().machine)
    return any(_read(f"/proc/{member}/syscall").split()[:2] == [read, "0x0"] for member in tree(pid))


def run_delay(pids: Iterable[int]) -> float:
    """Seconds that all threads of these process trees together were ready to run but had no CPU (schedstat)."""
    total = 0
    for pid in pids:
        for member in tree(pid):
            for task in _listdir(f"/proc/{member}/task"):
                fields = _read(f"/proc/{member}/task/{task}/schedstat").split()
                total += int(fields[1]) if len(fields) > 1 else 0
    return total / 1e9


def owns(pid: int, inode: int) -> bool:
    """Whether a process in the tree has the socket with this inode open."""
    wanted = f"socket:[{inode}]"
    for member in tree(pid):
        for descriptor in _listdir(f"/proc/{member}/fd"):
            try:
                if os.readlink(f"/proc/{member}/fd/{descriptor}") == wanted:
                    return True
            except OSError:
                continue
    return False


def _listdir(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _read(path: str) -> str:
    """A small file of /proc; plain system calls, as a run reads many and a text file object costs ten times that."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(handle, 65536).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(handle)
