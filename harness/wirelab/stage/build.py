"""Builds a submission's programs, as its author would: a command line in its folder, bounded in time and output.

What a compiler starts ends with it. No sandbox: that is the business of who grades others' code.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from wirelab.base.errors import UsageError
from wirelab.base.texts import Text, register

SECONDS = 120.0
MOST_OUTPUT = 20_000  # bytes of what a compiler said: its first words count

register(
    {
        "build.failed": Text(
            "building failed with status {status}: {command}\n{output}", "构建失败，状态 {status}：{command}\n{output}"
        ),
        "build.slow": Text(
            "building took longer than {seconds:g} s and was stopped: {command}\n{output}",
            "构建超过 {seconds:g} 秒，已停止：{command}\n{output}",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Built:
    """A build that went well, and what it said."""

    command: str
    output: str


def build(command: str, folder: Path, seconds: float = SECONDS) -> Built:
    """Run a build command in a folder. Raises UsageError, with all that it said, when it fails or takes too long."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        data, slow = process.communicate(timeout=seconds)[0], False
    except subprocess.TimeoutExpired:
        _end(process)
        data, slow = process.communicate()[0], True
    except BaseException:
        _end(process)
        process.communicate()
        raise
    output = data[:MOST_OUTPUT].decode(errors="replace").rstrip()
    if slow:
        raise UsageError("build.slow", command=command, seconds=seconds, output=output)
    if process.returncode:
        raise UsageError("build.failed", command=command, status=process.returncode, output=output)
    return Built(command, output)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
