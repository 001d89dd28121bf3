"""What signals are called, and when an interrupt may strike. Sends none."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9; for a number without a name (real-time signals), ``signal 40``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block: for steps that are not over in the middle (an import, a fork).

    What is forked in the block inherits the blocked signal, and has to unblock it (``pthread_sigmask(3)``).
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
