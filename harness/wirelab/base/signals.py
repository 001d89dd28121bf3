"""What signals are called, and when an interrupt may strike. Sends none."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals by which a person, or the machine, asks the harness to stop."""


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9; for a number without a name (real-time signals), ``signal 40``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C, and what else may be handled like it, wait until the end of the block: for steps that are not over in
    the middle (an import, a fork).

    What is forked in the block inherits the blocked signals, and has to unblock them (``pthread_sigmask(3)``).
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
