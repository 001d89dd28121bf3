"""An interrupt ends a wait, also the one that comes just before it begins."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wirelab.base.clock import Deadline
from wirelab.base.signals import await_input

PATIENCE = 20.0  # seconds


class Arrived(Exception):
    """Raised by a handler."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def handled() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Gives SIGHUP a handler."""
    before = signal.getsignal(signal.SIGHUP)

    def handle(handler: Callable[[], None]) -> None:
        signal.signal(signal.SIGHUP, lambda *_: handler())

    yield handle
    signal.signal(signal.SIGHUP, before)


def write(descriptor: int) -> None:
    os.write(descriptor, b"by the handler")


def raises() -> None:
    raise Arrived


def struck(reading: int, writing: int) -> None:
    """Wait, and have another thread signal itself meanwhile. That does not interrupt what the main thread is in, as a
    signal does not that came an instant before: Python's handler is due, and the kernel knows nothing of it. (Should the
    main thread sleep elsewhere for once, the handler runs there, and nothing is shown or refuted.)"""
    go, over = threading.Event(), threading.Event()
    overslept: list[bool] = []

    def strike() -> None:
        state, deadline = Path(f"/proc/self/task/{os.getpid()}/stat"), Deadline(PATIENCE)
        go.wait(PATIENCE)
        while state.read_text().rpartition(")")[2].split()[0] != "S" and deadline.left():
            os.sched_yield()
        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
        overslept.append(not over.wait(PATIENCE))
        if overslept[0]:
            os.write(writing, b"overslept")

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        go.set()
        await_input(reading)
    finally:
        over.set()
        thread.join()
        assert overslept == [False]


def test_one_that_the_waiting_call_cannot_notice_ends_it(
    pipe: tuple[int, int], handled: Callable[[Callable[[], None]], None]
) -> None:
    handled(raises)
    with pytest.raises(Arrived):
        struck(*pipe)


def test_one_that_is_handled_and_raises_nothing_leaves_it_waiting(
    pipe: tuple[int, int], handled: Callable[[Callable[[], None]], None]
) -> None:
    handled(lambda: write(pipe[1]))
    before = signal.set_wakeup_fd(-1)  # an event loop that another test left open in this process may have one
    signal.set_wakeup_fd(before)
    struck(*pipe)
    assert b"by the handler" == os.read(pipe[0], 100)
    assert before == signal.set_wakeup_fd(before)


def test_an_end_is_input_too() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    await_input(reading)
    assert b"" == os.read(reading, 1)
    os.close(reading)
