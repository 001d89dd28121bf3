"""The stacks of a running Python program, read from outside by py-spy. Knows no system calls and no sockets.

py-spy reads the program's memory (process_vm_readv(2)) and stops nothing: a stop would break off some system calls
(signal(7): epoll_wait, for one), and the program must not notice that it is looked at. Of threads that are blocked it
is exact all the same; of one that runs it may fail, and is asked again.

W sees the machine's pids, but what it starts lands in the run's PID namespace (``namespace``), where system calls
want other numbers than those in the machine's /proc. So py-spy gets a /proc of its own, with nothing in it but the one
process under the number it has inside. A fresh procfs would do too, but containers, whose own is partly covered, refuse
that (mount_namespaces(7), user_namespaces(7)).
"""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from wirelab.base.clock import Deadline
from wirelab.observe.evidence import SourceLine
from wirelab.stage import linux, processes
from wirelab.stage.observer import INJECTED

TRIES = 3
MOST_FRAMES = 50
MOST_BYTES = 16 * 2**20  # of py-spy's answer; a thread needs some 5 KB
MEMORY = 2**30  # bytes of address space for py-spy: what it reads, the program may have forged
LONGEST = 4096  # characters of a name or a path

OBSERVER = str(INJECTED / "sitecustomize.py")  # a thread that is noting a call is in the line that makes it


@dataclass(frozen=True, slots=True)
class Stack:
    """A Python thread: its name, its stack (innermost first), and the name of the thread that it joins."""

    name: str
    lines: tuple[SourceLine, ...]
    waits_for: str | None = None


def clean(text: str) -> str:
    """A program's own words, safe to keep and to show: what cannot be printed becomes a question mark."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:LONGEST])


def stacks(pid: int, deadline: Deadline) -> dict[int, Stack]:
    """The Python threads of a process by their thread ids (as in /proc/PID/task); none for what is not Python, where
    there is no py-spy, where it is refused, and when the time is up."""
    program = py_spy()
    if program is None or not _is_python(pid):
        return {}
    for _ in range(TRIES):
        if deadline.passed:
            break
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            if answer := _dump(program, pid, deadline):
                return _told(json.loads(answer), pid)
    return {}


def py_spy() -> str | None:
    """The program py-spy, beside this interpreter or on the path; None when it is not installed."""
    schemes = ("posix_prefix", "posix_user")
    beside = os.pathsep.join([sysconfig.get_path("scripts"), *(sysconfig.get_path("scripts", one) for one in schemes)])
    return shutil.which("py-spy", path=beside) or shutil.which("py-spy")


def _is_python(pid: int) -> bool:
    with suppress(OSError):
        return "python" in os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    return False


def _ids(path: str) -> list[int]:
    """The ids of a process or thread in nested PID namespaces, outermost (ours) first, proc_pid_status(5)."""
    lines = processes.read(f"{path}/status").split("\n")
    return [int(number) for line in lines if line.startswith("NSpid:") for number in line.split()[1:]]


def _dump(program: str, pid: int, deadline: Deadline) -> bytes:
    """py-spy's answer; nothing when it fails, takes too long or has too much to say."""
    inside = os.readlink("/proc/self/ns/pid_for_children") != os.readlink("/proc/self/ns/pid")
    ids = _ids(f"/proc/{pid}")
    if len(ids) <= inside:
        return b""
    number = ids[inside]

    def prepare() -> None:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))
        if inside:
            _see_only(pid, number)
        os.setresuid(os.geteuid(), os.geteuid(), os.geteuid())  # who only looks as another user is not yet that user
        with suppress(OSError):  # without it, ptrace(2) may still be allowed
            linux.capset(1 << linux.CAP_SYS_PTRACE, 1 << linux.CAP_SYS_PTRACE)
            linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_RAISE, linux.CAP_SYS_PTRACE)

    output = os.memfd_create("stacks", os.MFD_CLOEXEC)
    try:
        started = subprocess.Popen(
            [program, "dump", "--pid", str(number), "--json", "--locals", "--nonblocking"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={},
            preexec_fn=prepare,  # noqa: PLW1509 - this process has one thread
        )
        ended = -1
        try:
            ended = os.pidfd_open(started.pid)
            select.select([ended], [], [], deadline.left())
        finally:
            started.kill()  # nothing, when it has ended
            status = started.wait()
            if ended >= 0:
                os.close(ended)
        return b"" if status else os.pread(output, MOST_BYTES, 0)
    except subprocess.SubprocessError:  # prepare failed: this machine does not give it a /proc of its own
        return b""
    finally:
        os.close(output)


def _see_only(pid: int, number: int) -> None:
    """Between fork and exec: cover /proc, and put one process back, under the number it has where we are now."""
    os.chdir(f"/proc/{pid}")
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", "/proc", "tmpfs")
    os.mkdir(f"/proc/{number}")
    linux.mount(".", f"/proc/{number}", flags=linux.MS_BIND)


def _told(threads: list[dict[str, Any]], pid: int) -> dict[int, Stack]:
    """py-spy's answer: newest thread first, each with its frames, innermost first."""
    owners: dict[int, str] = {}  # the Thread object by its address -> the thread's name
    for thread in threads:
        for frame in thread["frames"][-2:]:
            if _last(frame["name"]) in ("_bootstrap", "_bootstrap_inner") and (owner := _self(frame)):
                owners[owner["addr"]] = thread["thread_name"] or ""
    tasks = _tasks(threads, pid)
    found = {}
    for thread, task in zip(threads, tasks, strict=True):
        if task is not None:
            frames = [frame for frame in thread["frames"] if frame["filename"] != OBSERVER]
            lines = tuple(
                SourceLine(clean(frame["filename"]), int(frame["line"]), clean(_last(frame["name"])))
                for frame in frames[:MOST_FRAMES]
            )
            others = [other["thread_name"] for other in threads if other is not thread]
            joined = _joined(frames, owners, others)
            found[task] = Stack(clean(thread["thread_name"] or ""), lines, clean(joined) if joined else None)
    return found


def _tasks(threads: list[dict[str, Any]], pid: int) -> list[int | None]:
    """Which of the process's tasks each thread is. Python knows since 3.11; of an older one the threads are paired in
    the order in which they came to be, when there are no others."""
    tasks = {ids[-1]: ids[0] for ids in map(_ids, _task_folders(pid)) if ids}
    if all(thread["os_thread_id"] is None for thread in threads):
        return list(sorted(tasks.values(), reverse=True)) if len(tasks) == len(threads) else [None] * len(threads)
    return [tasks.get(thread["os_thread_id"]) for thread in threads]


def _task_folders(pid: int) -> list[str]:
    return [f"/proc/{pid}/task/{task}" for task in processes.listdir(f"/proc/{pid}/task")]


def _joined(frames: list[dict[str, Any]], owners: Mapping[int, str], others: list[str]) -> str | None:
    """Whom a thread waits for in ``Thread.join``, or in the interpreter's end, which joins all threads that are left."""
    for frame in frames:
        if not frame["filename"].endswith("threading.py"):
            return None
        if _last(frame["name"]) == "join" and (joined := _self(frame)):
            main = str(joined["repr"]).startswith("<_MainThread ")
            return "MainThread" if main else owners.get(joined["addr"])
        if _last(frame["name"]) == "_shutdown":
            return others[0] if len(others) == 1 else None
    return None


def _self(frame: dict[str, Any]) -> dict[str, Any] | None:
    return next((local for local in frame["locals"] or () if local["name"] == "self"), None)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
