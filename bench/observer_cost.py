"""What the observer costs a Python program: CPU as it starts, and time for each call that is looked at.

Every number is taken from the same program run bare and observed, by turns. The start-up program imports ``socket``, as
all that are observed do. A call is looked at each time and noted the first 16 times that a line makes it on a
connection; both are measured, with the call itself (one byte over loopback, sent and received) as the measure.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from wirelab.stage.observer import Observer

ROUNDS = 31
START_LIMIT, CALL_LIMIT = 1.0, 10.0  # ms of CPU, µs
PAIR = """\
import socket, time
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
wire = socket.create_connection(listener.getsockname())
other, _ = listener.accept()
began = time.perf_counter()
"""
CALLS = 500
LOOPED = f"""\
for _ in range({CALLS}):
    wire.send(b"x")
    other.recv(1)
"""
EACH = 10  # pairs of calls in a function as long as students write them: where in it a line is, Python has to count
WRITTEN_OUT = ("def some():\n" + EACH * '    wire.send(b"x")\n    other.recv(1)\n' + "some()\n") * (CALLS // EACH)
TELL = f"print((time.perf_counter() - began) / {2 * CALLS} * 1e6)\n"


def main() -> None:
    """Measure and print; always exits 0, because a number is not a test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _tell("CPU of a start", "ms", START_LIMIT, *_both(folder, "import socket\n", _cpu))
        _tell("a call in a loop", "µs", CALL_LIMIT, *_both(folder, PAIR + LOOPED + TELL, _told))
        _tell("a call that is noted", "µs", CALL_LIMIT, *_both(folder, PAIR + WRITTEN_OUT + TELL, _told))


def _tell(what: str, unit: str, limit: float, bare: float, watched: float) -> None:
    more = f"{watched - bare:+6.2f} {unit} (limit {limit:g})"
    print(f"{what:21} {bare:6.2f} {unit} bare, {watched:6.2f} observed: ratio {watched / bare:5.2f}, {more}")


def _both(folder: Path, source: str, measure: Callable[[Path, dict[str, str]], float]) -> tuple[float, float]:
    """Medians, bare and observed; each first run, which compiles, is not counted."""
    program = folder / "client.py"
    program.write_text(source, encoding="utf-8")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    pairs = []
    for _ in range(1 + ROUNDS):
        observer = Observer()
        try:
            pairs.append(
                (measure(program, plain), measure(program, observer.environment("", "client", str(folder), plain)))
            )
        finally:
            observer.end()
    bare, watched = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
    return bare, watched


def _run(program: Path, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, program], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _cpu(program: Path, environment: dict[str, str]) -> float:
    """CPU that a program used, in ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(program, environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def _told(program: Path, environment: dict[str, str]) -> float:
    """What a program measured itself."""
    return float(_run(program, environment))


if __name__ == "__main__":
    main()
