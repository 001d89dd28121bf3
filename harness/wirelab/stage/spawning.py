"""Starts a program on a terminal of its own, as pexpect's `spawn` does, without a fork of this process; in a sandbox
or not.

ptyprocess forks and runs Python in the child; every page of memory that either side touches from then on is copied,
which costs a run more than all else it does. ``posix_spawn(3)`` borrows the memory until the program has replaced it,
sets session, terminal and signals right on the way, and says itself what was refused. Knows no actors, no scenario.
"""

from __future__ import annotations

import os
import termios
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any

import pexpect
from ptyprocess import PtyProcess  # type: ignore[import-untyped]

from wirelab.stage import linux, namespace
from wirelab.stage.sandbox import HELD_BACK, Sandboxed

IUTF8 = 0x4000  # asm-generic/termbits.h: Backspace rubs out a character, not a byte, as on any terminal of Linux


class Spawned(pexpect.spawn):  # type: ignore[type-arg]  # generic in its stubs only
    """A `pexpect.spawn` whose program is started in ``folder`` by ``posix_spawn(3)``."""

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        folder: str,
        env: dict[str, str],
        *,
        sandboxed: Sandboxed | None = None,
        **options: Any,
    ) -> None:
        """``program`` is a path; ``sandboxed`` is how a sandbox starts it, if one does. Raises OSError with what the
        kernel refused: a folder that cannot be entered, a program that cannot be executed, no terminal, no process.
        Then nothing has been started."""
        self._folder, self._sandboxed = folder, sandboxed
        super().__init__(program, list(arguments), env=env, **options)

    def _spawnpty(self, args: list[str], *, env: dict[str, str], dimensions: tuple[int, int], **_: Any) -> PtyProcess:
        """pexpect's own place for this step; what else it passes on are ptyprocess's defaults."""
        terminal, inner = os.openpty()
        try:
            termios.tcsetwinsize(inner, dimensions)
            attributes = termios.tcgetattr(inner)
            attributes[0] |= IUTF8
            termios.tcsetattr(inner, termios.TCSANOW, attributes)
            if self._sandboxed is None:
                pid = _spawn(args, env, self._folder, os.ttyname(inner))
            else:
                pid = _in_sandbox(self._sandboxed, os.ttyname(inner))
        except BaseException:
            os.close(terminal)
            raise
        finally:
            os.close(inner)
        return PtyProcess(pid, terminal)


def _in_sandbox(sandboxed: Sandboxed, terminal: str) -> int:
    """Start bubblewrap: with nothing in its environment, which can be read from inside, and so that signals that are
    for the program do not end it."""
    # Who is root here maps that into the sandbox, for which Linux wants one more capability, user_namespaces(7).
    lent = namespace.lent(linux.CAP_SETFCAP) if os.geteuid() == 0 else nullcontext()
    with lent:
        before = _expendable(b"1000")
        try:
            return _spawn(list(sandboxed.argv), {}, "/", terminal, sandboxed.files, HELD_BACK)
        finally:
            _expendable(before)


def _expendable(score: bytes) -> bytes:
    """Make this process, and what it starts from now on, what the kernel ends first when the machine has no memory left
    (1000), or as it was before, which is returned. Source: proc(5), oom_score_adj."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "r+b", buffering=0) as file:
        before = file.read()
        os.pwrite(file.fileno(), score, 0)
        return before
    return score


def _spawn(
    args: list[str],
    env: dict[str, str],
    folder: str,
    terminal: str,
    files: Sequence[int] = (),
    mask: Sequence[int] = (),
) -> int:
    """Start a program as the leader of a session whose terminal this is; its pid.

    ``files`` are further descriptors that it gets under the same numbers, ``mask`` the signals that are blocked in it.
    All other descriptors of ours are closed on exec. Who leads a session and has no terminal yet gets the one it opens,
    credentials(7), tty_ioctl(4): here that is the first step after setsid(2).
    """
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, terminal, os.O_RDWR, 0),
        *((os.POSIX_SPAWN_DUP2, 0, to) for to in (1, 2)),
        *((os.POSIX_SPAWN_DUP2, number, number) for number in files),
    ]
    back = -1
    with suppress(OSError):  # root inside the private network may not be let into where it was started
        back = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(folder)  # ours, for a moment, and so the program's
        return os.posix_spawn(
            args[0],
            args,
            env,
            file_actions=actions,
            setsid=True,
            setsigmask=mask,
            setsigdef=namespace.INHERITED_AS_IGNORED,
        )
    finally:
        if back >= 0:
            with suppress(OSError):
                os.fchdir(back)
            os.close(back)
