"""Trying what a machine can do: each probe in a throw-away process, in bounded time, and nothing left of it.

A probe is a value: a name, what needs it, and a function that does the thing and says something about it, or raises.
``examine`` forks a child for each, one after the other, takes its one line of answer and kills whatever is left of
it. Knows neither what is tried (``capabilities``) nor what it means for a person (``edge/doctor.py``).
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import select
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, WirelabError
from wirelab.base.texts import Text, register
from wirelab.stage import linux, processes

Need = Literal["run", "tier-1", "faults", "tier-2", "optional"]
"""What cannot be had without it: any run, a private network of the run's own, faults on the wire, the machine's own
loopback instead of a private one, or nothing but a convenience."""
Outcome = Literal["ok", "missing", "late", "untried"]
"""``late``: no answer within the bound; ``untried``: what it builds on is not there."""

BOUND = 5.0  # seconds for what takes milliseconds, so that a busy machine is not called a broken one
_LEAVE_SECONDS = 0.05
_UNDEAD_SECONDS = 1.0

register(
    {
        "capability.late": Text(
            "No answer within {seconds:g} s; the attempt was ended. If the machine is busy, try again later.",
            "{seconds:g} 秒内没有结果，已中止这次尝试。如果机器正忙，请稍后再试。",
        ),
        "capability.untried": Text(
            "Not tried: it builds on something above that is missing.", "没有尝试：它所依赖的上面某一项不可用。"
        ),
        "capability.gone": Text(
            "The attempt ended without an answer ({how}).", "这次尝试没有给出结果就结束了（{how}）。"
        ),
        "capability.broken": Text("It failed, and wirelab does not know why: {what}", "失败，原因未知：{what}"),
        "capability.no-process": Text(
            "No process could be started to try it: {why}. Too many may be running; end some, or raise the limit:\n"
            "    ulimit -u unlimited",
            "无法为这次尝试启动进程：{why}。可能进程太多，请结束一些，或提高上限：\n    ulimit -u unlimited",
        ),
        "capability.no-linux": Text(
            "wirelab plays on Linux only; this is {system}. Use a virtual machine with Linux, or on Windows:\n"
            "    wsl --install",
            "wirelab 只能在 Linux 上运行，而这里是 {system}。请使用 Linux 虚拟机；在 Windows 上：\n    wsl --install",
        ),
        "capability.old-kernel": Text(
            "The kernel {release} refuses pidfd_open ({why}), which runs need: Linux 5.3 or newer has it.\n"
            "On Debian and Ubuntu, then restart:\n    sudo apt full-upgrade",
            "内核 {release} 不支持运行所需的 pidfd_open（{why}）；Linux 5.3 或更新的版本才有。\n"
            "在 Debian 或 Ubuntu 上执行下面的命令，然后重新启动：\n    sudo apt full-upgrade",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Probe:
    """How to try one capability. ``attempt`` runs in a process of its own that nobody needs afterwards.

    It returns a few words about what it found (``"3.11.7"``; may be empty), the same in every language, or raises:
    a WirelabError says what is missing and names the remedy. ``after`` names the probes of which it builds on one, which
    must come earlier; ``seconds`` is the time it gets.
    """

    name: str
    need: Need
    attempt: Callable[[], str]
    after: tuple[str, ...] = ()
    seconds: float = BOUND


@dataclass(frozen=True, slots=True)
class Capability:
    """What came of a probe: the time it took in seconds; a catalogue key and its values when it is not ``ok``."""

    name: str
    need: Need
    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""
    key: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def examine(probes: Sequence[Probe]) -> tuple[Capability, ...]:
    """Try them in order, each in a forked child that is gone, with all it started, before the next one begins."""
    try:
        system()  # without which there is no way to try the rest
    except EnvironmentFault as fault:
        return (Capability("system", "run", "missing", key=fault.key, values=fault.values),)
    launchers = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # had it ignored this, no child could be waited for
    found: dict[str, Capability] = {}
    try:
        for probe in probes:
            if probe.after and all(found[name].outcome != "ok" for name in probe.after):
                found[probe.name] = Capability(probe.name, probe.need, "untried", key="capability.untried")
            else:
                found[probe.name] = _try(probe)
    finally:
        signal.signal(signal.SIGCHLD, launchers)
    return tuple(found.values())


def _try(probe: Probe) -> Capability:
    parent = os.getpid()
    reading, writing = os.pipe2(os.O_CLOEXEC)
    deadline = Deadline.after(probe.seconds)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the child is in hand
    try:
        child = os.fork()
    except OSError as failure:
        os.close(reading)
        os.close(writing)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        why = {"why": failure.strerror}
        return Capability(probe.name, probe.need, "missing", key="capability.no-process", values=why)
    if child == 0:
        _be_child(probe, parent, writing, mask)
    try:
        os.close(writing)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        line = _line(reading, deadline)
        took = probe.seconds - deadline.left()
    finally:
        os.close(reading)
        status = _end(child)
    if line is None:
        late: dict[str, object] = {"seconds": probe.seconds}
        return Capability(probe.name, probe.need, "late", took, key="capability.late", values=late)
    if not line:
        how = {"how": "?" if status is None else str(os.waitstatus_to_exitcode(status))}
        return Capability(probe.name, probe.need, "missing", took, key="capability.gone", values=how)
    answer = json.loads(line)
    outcome: Outcome = "missing" if answer["key"] else "ok"
    return Capability(probe.name, probe.need, outcome, took, answer["detail"], answer["key"], answer["values"])


def _be_child(probe: Probe, parent: int, writing: int, mask: Iterable[int]) -> NoReturn:
    """Do it, write one line about it, end. What it may still have running is its parent's to kill."""
    try:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            null = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(null, standard)
            with open(writing, "wb") as answers:
                answers.write(json.dumps(_answer(probe), default=str).encode() + b"\n")
    finally:
        os._exit(0)


def _answer(probe: Probe) -> dict[str, object]:
    try:
        return {"detail": probe.attempt(), "key": "", "values": {}}
    except WirelabError as fault:
        return {"detail": "", "key": fault.key, "values": fault.values}
    except BaseException as error:  # whatever it is, this process ends here, and its name is the answer
        what = f"{type(error).__name__}: {error}"
        return {"detail": "", "key": "capability.broken", "values": {"what": what}}


def _line(reading: int, deadline: Deadline) -> bytes | None:
    """The child's answer; empty when it ended without one, None when the time is over.

    What the child forked may hold the pipe open, so the line feed is awaited and not the pipe's end.
    """
    data = b""
    while not data.endswith(b"\n"):
        if not select.select([reading], [], [], deadline.left())[0]:
            return None
        piece = os.read(reading, 65536)
        if not piece:
            return b""
        data += piece
    return data


def _end(child: int) -> int | None:
    """Kill a child and its descendants and reap it; its wait status, None when it cannot be had.

    A process that the kernel keeps in an uninterruptible call (a dead network file system) is left to it.
    """
    handle = os.pidfd_open(child)
    try:
        select.select(
            [handle], [], [], _LEAVE_SECONDS
        )  # one that has answered is about to end: its own status tells more
        members: list[int] = []
        while found := [member for member in processes.tree(child) if member not in members]:
            _signal(found, signal.SIGSTOP)  # what is stopped has no more children: the next look shows those it had
            members += found
        _signal(members, signal.SIGKILL)
        return os.waitpid(child, 0)[1] if select.select([handle], [], [], _UNDEAD_SECONDS)[0] else None
    finally:
        os.close(handle)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def system() -> str:
    """A Linux that tells when a process ends (pidfd_open(2))."""
    name, release = platform.system(), platform.release()
    if name != "Linux":
        raise EnvironmentFault("capability.no-linux", system=name)
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as failure:
        raise EnvironmentFault("capability.old-kernel", release=release, why=failure.strerror) from failure
    return f"{name} {release}"
