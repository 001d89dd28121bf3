"""A fresh Python that runs one module of ours: bytes in, bytes out. For whoever must not fork, because it has threads.

What it is made to do is in the bytes. It ends with whoever started it, and what it started ends with it. Knows nothing
of what it is made to do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from wirelab.base.errors import HarnessBug
from wirelab.base.texts import Text, register
from wirelab.stage import linux

LOOK = 0.25  # seconds between two looks whether it is still wanted
END_SECONDS = 20.0  # for ending in good order; a run under way takes up to 15
SAID = 20_000  # bytes of what it said, when it has failed: the last words count

register(
    {
        "apart.gone": Text(
            "the process that was to do the work ended without a result ({how}):\n{said}",
            "负责这项工作的进程没有给出结果就结束了（{how}）：\n{said}",
        ),
    }
)


class Unwanted(Exception):
    """Nobody wants the result any more; the process has ended."""


def run(module: str, data: bytes, unwanted: Callable[[], bool], arguments: Sequence[str] = ()) -> bytes:
    """Run ``python -m module`` in a session of its own with ``data`` as its standard input, and give what it answers.

    Its first argument is this process's pid, for ``begun``; then come ``arguments``. Raises Unwanted, when it has
    ended, soon after ``unwanted()`` came true; HarnessBug, with what it said, when it ends without an answer. May be
    called from any thread, which has to stay until then: Linux tells the process when it ends, prctl(2).
    """
    if unwanted():
        raise Unwanted
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(os.getpid()), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    left: bytes | None = data
    with process:
        try:
            while True:
                try:
                    answer, said = process.communicate(left, LOOK)
                    break
                except subprocess.TimeoutExpired:
                    left = None  # it is remembered how far this has come
                if unwanted():
                    raise Unwanted
        finally:
            _end(process)
    if process.returncode:
        code = process.returncode
        how = signal.Signals(-code).name if code < 0 else f"status {code}"
        raise HarnessBug("apart.gone", how=how, said=said[-SAID:].decode(errors="replace").strip())
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to clean up, wait for it, and insist when it does not."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        process.kill()


def begun(parent: int) -> Callable[[bytes], None]:
    """To be called first by a module that is run so: gives what answers for it. From here on the process is interrupted
    when it is not wanted any more, or when ``parent``, who started it, is gone.

    What else is printed is said, and no part of the answer.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise KeyboardInterrupt
    to = os.dup(1)
    os.dup2(2, 1)

    def answer(data: bytes) -> None:
        with open(to, "wb") as file:
            file.write(data)

    return answer
