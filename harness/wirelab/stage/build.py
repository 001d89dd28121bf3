"""Builds a submission's programs, as its author would: a command line in its folder, bounded in time and output.

What a compiler starts ends with it. In a sandbox it also has no network, and may fill so much of the disk and no more;
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
from wirelab.base.errors import UsageError
from wirelab.base.texts import Text, register
from wirelab.stage.sandbox import Sandbox

SECONDS = 120.0
MOST_OUTPUT = 20_000  # bytes of what a compiler said: its first words count
MOST_FILES = 10_000  # that a build in a sandbox may leave, and its limit of the disk in bytes
LOOK = 0.25  # seconds between two looks at what it has left so far

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
            "building was stopped, because it left more than {files} files or {megabytes} MB: {command}\n{output}",
            "构建产生的文件超过 {files} 个或 {megabytes} MB，已停止：{command}\n{output}",
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
    a sandbox) leaves too much."""
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
    told, why = bytearray(), ""
    try:
        why = _follow(process, told, folder, Deadline.after(seconds), sandbox)
    finally:
        if why or process.poll() is None:
            _end(process)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    output = told[:MOST_OUTPUT].decode(errors="replace").rstrip()
    if why == "build.slow":
        raise UsageError(why, command=command, seconds=seconds, output=output)
    if why == "build.large" and sandbox is not None:
        megabytes = sandbox.limits.disk // 1_000_000
        raise UsageError(why, command=command, files=MOST_FILES, megabytes=megabytes, output=output)
    if process.returncode:
        raise UsageError("build.failed", command=command, status=process.returncode, output=output)
    return Built(command, output)


def _follow(
    process: subprocess.Popen[bytes], told: bytearray, folder: Path, deadline: Deadline, sandbox: Sandbox | None
) -> str:
    """Take in what a build says until nobody has its output open any more; the reason when it must be stopped."""
    assert process.stdout is not None
    with selectors.PollSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if deadline.passed:
                return "build.slow"
            if selector.select(min(LOOK, deadline.left()) if sandbox else deadline.left()):
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    break
                told += data[: max(0, MOST_OUTPUT - len(told))]
            elif sandbox is not None and _too_large(folder, sandbox.limits.disk):
                return "build.large"
    process.wait()
    return "build.large" if sandbox is not None and _too_large(folder, sandbox.limits.disk) else ""


def _too_large(folder: Path, most: int) -> bool:
    """Whether a folder holds too many files, or too many bytes. Links are not followed."""
    files = size = 0
    for root, folders, names in os.walk(folder):
        files += len(folders) + len(names)
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(root, name)).st_size
        if files > MOST_FILES or size > most:
            return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
