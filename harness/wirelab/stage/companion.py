"""A Python process beside this one that is asked one thing after another: for whoever must not fork, because it has
threads, or wants to ask more than once.

Spawned, in a session of its own, so that a Ctrl-C reaches only who asks. When nobody can ask any more, because
``end`` was called or the asking process is gone, however it went, the companion's standard input hangs up: it stops
what it does, and ends. Knows nothing of what is asked.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from wirelab.base.clock import Deadline
from wirelab.base.errors import HarnessBug
from wirelab.base.texts import Text, register

END_SECONDS = 20.0  # for ending in good order; a run under way takes up to 15
SAID = 20_000  # bytes of what it said, when it has failed: the last words count
_LENGTH = struct.Struct("!Q")

register(
    {
        "companion.gone": Text(
            "the process that plays ended without an answer ({how}):\n{said}",
            "负责运行的进程没有回答就结束了（{how}）：\n{said}",
        ),
        "companion.over": Text("the process that plays has been ended before", "负责运行的进程已经结束"),
        "companion.silent": Text(
            "the process that plays has not answered for {seconds} s; it has been ended",
            "负责运行的进程 {seconds} 秒没有回答，已被结束",
        ),
    }
)


class Companion:
    """The process, as whoever asks sees it. Values go through pickle: both sides are the same wirelab."""

    def __init__(self, module: str, folder: str) -> None:
        """Begin ``python -m module`` in a folder; it calls ``asked``."""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``end``
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                cwd=folder,
                start_new_session=True,
            )
        except BaseException:
            self._said.close()
            raise
        self._ended = False
        self._turn = threading.Lock()  # who asks has threads: an answer belongs to its question

    @property
    def alive(self) -> bool:
        """Whether it can be asked: its process runs, and no question was broken off."""
        return not self._ended and self._process.poll() is None

    def ask(self, request: object, seconds: float) -> Any:
        """Ask, and wait for the answer, at most so long from when it is its turn: one is asked at a time. Raises HarnessBug
        when none comes; whenever this call does not return, the companion has ended, with all that it started."""
        with self._turn:
            return self._ask(request, seconds)

    def _ask(self, request: object, seconds: float) -> Any:
        if self._ended:
            raise HarnessBug("companion.over")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        data = pickle.dumps(request)
        answered = False
        try:
            try:
                self._process.stdin.write(_LENGTH.pack(len(data)) + data)
                self._process.stdin.flush()
            except BrokenPipeError:
                raise self._gone() from None
            deadline = Deadline.after(seconds)
            fd = self._process.stdout.fileno()
            (length,) = _LENGTH.unpack(self._take(fd, _LENGTH.size, deadline, seconds))
            answer = pickle.loads(self._take(fd, length, deadline, seconds))
            answered = True
            return answer
        finally:
            if not answered:
                self.end()

    def _take(self, fd: int, size: int, deadline: Deadline, seconds: float) -> bytes:
        taken = bytearray()
        while len(taken) < size:
            if not select.select([fd], [], [], deadline.left())[0]:
                raise HarnessBug("companion.silent", seconds=f"{seconds:g}")
            piece = os.read(fd, min(size - len(taken), 1 << 20))  # the stream has no buffer: nothing else reads it
            if not piece:
                raise self._gone()
            taken += piece
        return bytes(taken)

    def _gone(self) -> HarnessBug:
        try:
            code = self._process.wait(END_SECONDS)
            how = signal.Signals(-code).name if code < 0 else f"status {code}"
        except subprocess.TimeoutExpired:
            how = "-"
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - SAID))
        return HarnessBug("companion.gone", how=how, said=self._said.read().decode(errors="replace").strip())

    def end(self) -> None:
        """End it, and what it has under way. Safe to call twice."""
        if self._ended:
            return
        self._ended = True
        try:
            if self._process.stdin is not None:
                with suppress(BrokenPipeError):  # it is gone, and what was not sent yet with it
                    self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        finally:
            self._process.kill()  # and with it all that it started: they end with their parent
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._said.close()


class Asker:
    """Whoever asks, as the companion sees it: requests in, answers out, and whether anybody is still there."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers

    def fileno(self) -> int:
        """Readable when there is a request, and when nobody will ask any more."""
        return self._requests

    def __iter__(self) -> Iterator[Any]:
        """The requests, until there will be none."""
        while (head := self._take(_LENGTH.size)) is not None:
            body = self._take(_LENGTH.unpack(head)[0])
            if body is None:
                return
            yield pickle.loads(body)

    def answer(self, value: object) -> None:
        """Answer the latest request. Raises BrokenPipeError when nobody waits for it."""
        data = pickle.dumps(value)
        rest = memoryview(_LENGTH.pack(len(data)) + data)
        while rest:
            rest = rest[os.write(self._answers, rest) :]

    def wait(self, worker: int) -> bool:
        """Wait until the descriptor ``worker`` is readable, or the asker has gone; whether it is still there.

        Requests that come meanwhile stay where they are, for whoever else reads them.
        """
        poll = select.poll()
        poll.register(worker, select.POLLIN)
        poll.register(self._requests, 0)  # only POLLHUP, which is always told: poll(2)
        return not any(fd == self._requests for fd, _ in poll.poll())

    def _take(self, size: int) -> bytes | None:
        taken = bytearray()
        while len(taken) < size:
            piece = os.read(self._requests, size - len(taken))
            if not piece:
                return None
            taken += piece
        return bytes(taken)


def asked() -> Asker:
    """To be called first by a module that is a companion: whoever asks it. What else it prints is said, and no answer."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs begin with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return Asker(requests, answers)
