"""Plays a function of a test file inside a private network, in a process of its own.

A fresh interpreter and not a fork: user namespaces are for single-threaded processes, and a pytest-xdist
worker has threads, whose locks a fork would inherit. The pytest process itself enters nothing.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from wirelab.base.errors import EnvironmentFault
from wirelab.stage import namespace

SECONDS = 30
"""Bound for anything awaited in these tests; far above what a busy machine needs. A scene as a whole has twice that."""


def command(scene: Callable[..., object]) -> list[str]:
    """The command line that plays a module-level function of a test file inside a private network."""
    return [sys.executable, __file__, scene.__code__.co_filename, scene.__name__]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}


def start(scene: Callable[..., object], pass_fds: Sequence[int] = ()) -> subprocess.Popen[str]:
    """Start a scene; its descriptors ``pass_fds`` come as arguments. The caller ends it."""
    return subprocess.Popen(
        [*command(scene), *map(str, pass_fds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
        env=environment(),
    )


def skip_if_refused(status: int | None, errors: str) -> None:
    if status == EnvironmentFault.exit_status:
        pytest.skip(f"needs user namespaces: {errors.splitlines()[0]}")


def play(scene: Callable[[], object]) -> Any:
    """What the scene returned, through JSON. Skips the test where namespaces are refused."""
    with start(scene) as process:
        try:
            output, errors = process.communicate(timeout=2 * SECONDS)
        finally:
            process.kill()
    skip_if_refused(process.returncode, errors)
    assert process.returncode == 0, errors
    return json.loads(output)


def _main(path: str, name: str, *arguments: str) -> None:
    try:
        namespace.enter(os.getppid())
    except EnvironmentFault as fault:
        print(fault, file=sys.stderr)
        raise SystemExit(fault.exit_status) from fault
    print(json.dumps(runpy.run_path(path)[name](*map(int, arguments))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
