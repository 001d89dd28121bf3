"""Builds a submission's programs, as its author would: a command line in its folder, bounded in time and output.

What a compiler starts ends with it. In a sandbox it also has no network, and is bounded in disk, memory and processes;
without one, that is the business of whoever builds their own code.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, UsageError
from wirelab.base.texts import Text, register
from wirelab.stage import gauge
from wirelab.stage.sandbox import MOST_FILES, TOO_MUCH, Limits, Sandbox, Sandboxed, ran

SECONDS = 120.0
MOST_OUTPUT = 20_000  # bytes of what a compiler said: its first words count
LOOK = 0.25  # seconds between two looks at what a build in a sandbox takes

register(
    {
        "build.failed": Text(
            "building failed with status {status}: {command}\n{output}", "构建失败，状态 {status}：{command}\n{output}"
        ),
        "build.slow": Text(
            "building took longer than {seconds:g} s and was stopped: {command}\n{output}",
            "构建超过 {seconds:g} 秒，已停止：{command}\n{output}",
        ),
        "build.large": Text(
            "building left more than {files} files or {megabytes} MB: {command}\n{output}",
            "构建留下的文件超过 {files} 个或 {megabytes} MB：{command}\n{output}",
        ),
        "build.greedy": Text(
            "building was stopped, because it had more than {processes} processes and threads or used more than "
            "{megabytes} MB of memory: {command}\n{output}",
            "构建的进程和线程超过 {processes} 个或占用内存超过 {megabytes} MB，已停止：{command}\n{output}",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Built:
    """A build that went well, and what it said."""

    command: str
    output: str


def build(command: str, folder: Path, seconds: float = SECONDS, *, sandbox: Sandbox | None = None) -> Built:
    """Run a build command in a folder. Raises UsageError, with all that it said, when it fails, takes too long, or (in
    a sandbox) takes or leaves too much, and EnvironmentFault when the machine does not let the sandbox be made."""
    told, why, kept, lost = bytearray(), "", True, False
    with sandbox.building(command, str(folder)) if sandbox else nullcontext() as inside:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command] if inside is None else inside.argv,
            cwd=folder,
            env=None if inside is None else {},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if inside is None else inside.files,
        )
        try:
            why = _follow(process, told, Deadline.after(seconds), sandbox.limits if sandbox else None)
        finally:
            if why or process.poll() is None:
                _end(process)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if inside is not None:
            kept = _kept(inside)
            lost = process.returncode not in (0, TOO_MUCH) and inside.said is not None and not ran(inside.said)
    output = told[:MOST_OUTPUT].decode(errors="replace").rstrip()
    said = {"command": command, "output": output}
    if why == "build.slow":
        raise UsageError(why, seconds=seconds, **said)
    if sandbox is not None and why == "build.greedy":
        megabytes = sandbox.limits.memory // 1_000_000
        raise UsageError(why, processes=sandbox.limits.processes, megabytes=megabytes, **said)
    if sandbox is not None and (process.returncode == TOO_MUCH or not kept):
        raise UsageError("build.large", files=MOST_FILES, megabytes=sandbox.limits.disk // 1_000_000, **said)
    if lost:
        raise EnvironmentFault("sandbox.refused", said=output or "-")
    if process.returncode:
        raise UsageError("build.failed", status=process.returncode, **said)
    return Built(command, output)


def _kept(inside: Sandboxed) -> bool:
    from wirelab.stage.users import Building  # here, as a build without a sandbox need not wait for it

    return not isinstance(inside, Building) or inside.keep()


def _follow(process: subprocess.Popen[bytes], told: bytearray, deadline: Deadline, limits: Limits | None) -> str:
    """Take in what a build says until nobody has its output open any more; the reason when it must be stopped."""
    assert process.stdout is not None
    look = Deadline.after(LOOK)
    with selectors.PollSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not deadline.passed:
            if selector.select(min(look.left(), deadline.left()) if limits else deadline.left()):
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    break
                told += data[: max(0, MOST_OUTPUT - len(told))]
            if limits is not None and look.passed:
                if gauge.exceeded(process.pid, limits):
                    return "build.greedy"
                look = Deadline.after(LOOK)
        else:
            return "build.slow"
    try:
        process.wait(deadline.left())  # one that closed its output may go on for ever
    except subprocess.TimeoutExpired:
        return "build.slow"
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
