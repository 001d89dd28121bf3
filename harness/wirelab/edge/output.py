"""Standard output and standard error, whatever they are: closed, full, read by nobody. Knows no command."""

from __future__ import annotations

import io
import os
import sys

from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text, register

register({"output.unwritable": Text("cannot write the output: {why}", "无法写出结果：{why}")})


def prepare() -> None:
    """Make printing safe: a closed stream (``>&-``) becomes /dev/null, and what cannot be expressed a ``?``."""
    for fd in range(3):  # lowest first: what is opened gets the lowest number that is free, a socket of ours as well
        try:
            os.fstat(fd)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)
            os.set_inheritable(fd, True)
    if sys.stdout is None:
        sys.stdout = _stream(1)
    if sys.stderr is None:
        sys.stderr = _stream(2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a GBK terminal has no ✓


def _stream(fd: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.FileIO(fd, "w", closefd=False), encoding="utf-8", line_buffering=True)


def put(text: str) -> None:
    """Print lines to standard output, at once.

    Raises EnvironmentFault when it takes no more (a full disk), BrokenPipeError when nobody reads it.
    """
    _write(text + "\n")


def flush() -> None:
    """Pass on what others printed. Raises what ``put`` raises."""
    _write("")


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        raise EnvironmentFault("output.unwritable", why=error.strerror) from None


def silence() -> None:
    """From here on standard output takes anything; else the interpreter would complain once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """Print lines to standard error; where that is full too, there is nobody left to tell."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
