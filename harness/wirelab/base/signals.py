"""What signals are called, and when an interrupt may strike. Sends none."""

from __future__ import annotations

import os
import select
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


def await_input(descriptor: int) -> None:
    """Wait until something can be read, or nothing more ever: for waits of which nobody knows how long they take.

    A signal whose handler raises ends this even when it comes in the moment before the wait begins. ``read(2)`` would
    not notice that one: Python's handlers run between two instructions only (``signal.set_wakeup_fd``).

    Raises ValueError outside the main thread.
    """
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while all(ready == woken for ready, _ in poll.poll()):
            os.read(woken, 4096)  # a handler ran, and did not raise
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)
