"""A program in a sandbox that takes more than it may of what no kernel limit bounds is ended, soon, with all that it
started; one that takes what programs take is left alone."""

from __future__ import annotations

import os
import select
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.stage.inside import SECONDS, play
from wirelab.base.clock import Deadline
from wirelab.observe.evidence import Bounded, Sampled
from wirelab.stage import gauge, namespace, processes
from wirelab.stage.actors import Program
from wirelab.stage.gauge import Gauge
from wirelab.stage.recorder import Recorder
from wirelab.stage.sandbox import MIB, PLAIN, Limits, sandbox

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
LIMITS = Limits(memory=120 * MIB, processes=64, disk=4 * MIB)
WAIT = "time.sleep(600)\n"
# A bomb as bombs are, but for its end: root's processes have no bound in the kernel, and other tests run beside these.
BOMB = "for _ in range(11):\n try: os.fork()\n except OSError: pass\ntime.sleep(600)\n"
FORKS = "[os.fork() or (exec(WORK), time.sleep(600)) for _ in range(8)]\n"
GREEDY = {
    "fork bomb": BOMB,
    "daemons": "while True:\n if os.fork() == 0:\n  os.setsid()\n  if os.fork(): os._exit(0)\n  time.sleep(600)\n",
    "threads": "import threading\nthreading.stack_size(1 << 16)\nwhile True:\n try: threading.Thread(target=time.sleep, args=(600,)).start()\n"
    " except RuntimeError: pass\n",
    "memory of many": "WORK = 'kept = bytearray(40 << 20)'\n" + FORKS + WAIT,
    "memory that nobody has": "import mmap\nkept = [mmap.mmap(-1, 8 << 20) for _ in range(64)]\n"
    "for area in kept:\n area.write(bytes(8 << 20)); area.madvise(mmap.MADV_DONTNEED)\n" + WAIT,
    "empty files": "for n in range(200_000):\n os.close(os.open(f'/tmp/{n}', os.O_CREAT | os.O_WRONLY))\n" + WAIT,
    "sockets": "import socket\nWORK = 'kept = [socket.socketpair() for _ in range(200)]'\n" + FORKS + WAIT,
}
EXPECTED = {name: "processes" if name in ("fork bomb", "daemons", "threads") else "memory" for name in GREEDY}
MODEST = (
    "import mmap, socket, threading\nkept = bytearray(20 << 20), mmap.mmap(-1, 1 << 20), socket.socketpair()\n"
    "threading.stack_size(1 << 16)\n[threading.Thread(target=time.sleep, args=(1,)).start() for _ in range(10)]\n"
    "open('/tmp/x', 'wb').write(bytes(1 << 20))\ntime.sleep(1)\n"
)


def watched(source: str) -> dict[str, Any]:
    """Run a program until it ends, or is ended, with a gauge."""
    recorder = Recorder()
    program = Program("alice", "client", "submission", recorder)
    watching = Gauge(recorder, LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "client.py").write_text("import os, time\n" + source)
        argv = ["python3", "-S", "client.py"]
        with sandbox([], LIMITS).command(argv, folder, PLAIN) as sandboxed:
            program.start(argv, PLAIN, folder, sandboxed)
        deadline, began = Deadline.after(SECONDS), time.monotonic()
        inner = 0
        while program.exited is None and not deadline.passed:
            select.select(program.descriptors, [], [], gauge.EVERY_NS / 1e9)
            program.service()
            inner = next(processes.children(program.pid), inner)
            watching.sample([program], eventful=True)
        program.end()
    last = Deadline.after(SECONDS)
    while inner and Path(f"/proc/{inner}").exists() and not last.passed:  # its end is that of all that is in there
        time.sleep(0.01)
    return {
        "units": [event.unit for event in recorder.events if isinstance(event, Bounded)],
        "sampled": sum(isinstance(event, Sampled) for event in recorder.events),
        "by": program.exited and program.exited.by,
        "status": program.exited and program.exited.status,
        "left": bool(inner) and Path(f"/proc/{inner}").exists(),
        "seconds": time.monotonic() - began,
        "text": program.transcript.text,
    }


def case() -> dict[str, Any]:
    namespace.seal()
    return watched((GREEDY | {"modest": MODEST})[os.environ["WLTEST_CASE"]])


def seen(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("WLTEST_CASE", name)
    found: dict[str, Any] = play(case)
    return found


@pytest.mark.parametrize("name", GREEDY)
def test_what_takes_too_much_is_ended(name: str, monkeypatch: pytest.MonkeyPatch):
    told = seen(name, monkeypatch)
    assert [EXPECTED[name]] == told["units"], told
    assert "harness" == told["by"]
    assert not told["left"]


def test_what_takes_what_programs_take_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    told = seen("modest", monkeypatch)
    assert ([], "itself", 0, "") == (told["units"], told["by"], told["status"], told["text"])
    assert told["sampled"] >= 2
