"""The command ``wirelab``, run as a person runs it: a process of its own, judged by what it prints, keeps and leaves.

Nothing is played inside the test process: pytest-xdist has threads, and a run forks.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import wirelab
from wirelab.compose.artifacts import Run, read_run
from wirelab.edge import cli
from wirelab.judge.verdict import Judgement
from wirelab.observe.connections import Connection, Tracker
from wirelab.observe.evidence import Shown, StepEnded, Typed
from wirelab.observe.segments import Segment, decode

PATIENCE = 60.0  # seconds: longer than any command here takes on a machine with much else to do
PYTHON = f"{shlex.quote(sys.executable)} -S -E"  # starts in half the time
# What a terminal's size is, the terminal says: readline, once something has imported it, leaves its own word behind.
UNWANTED = ("LC_", "LANG", "PYTHONIO", "COLUMNS", "LINES")
HEAD = "scenario: test/case\ntitle: {en: A case of the tests, zh: 测试用例}\n"
ALICE = "tests: client\ncast: {server: {role: server}, alice: {role: client}}\n"
BY_PEER = "tests: client\ncast: {server: {role: server, peer: true}, alice: {role: client}}\n"
SERVER = "tests: server\ncast: {server: {role: server}, alice: {role: client}}\n"
TO_SERVER = "tests: server\ncast: {server: {role: server}, alice: {role: client, peer: true}}\n"
BEGIN = "- {start: server, until: Listening on}\n- {start: alice, until: Connected to}\n"


@dataclass(frozen=True)
class Done:
    """A command that ended: its exit status (minus the signal's number), what it printed, seconds it took."""

    status: int
    out: str
    err: str
    seconds: float


def inside(capsys: pytest.CaptureFixture[str], *words: object) -> Done:
    """A command that starts nothing, run in this process: a third of a second less each time."""
    try:
        status = cli.main([*map(str, words)])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    said = capsys.readouterr()
    return Done(status, said.out, said.err, 0.0)


class Command:
    """The command, in a folder of its own, with a mark in its environment that all it starts inherits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.launcher = [sys.executable, "-m", "wirelab"]
        self.mark = f"WLTEST_MARK={uuid.uuid4().hex}"
        path = [str(Path(wirelab.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        name, value = self.mark.split("=")
        kept = {key: item for key, item in os.environ.items() if not key.startswith(UNWANTED)}
        self.env = kept | {"PYTHONPATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8", name: value}

    def argv(self, *words: object) -> list[str]:
        return [*self.launcher, *map(str, words)]

    def __call__(
        self, *words: object, env: Mapping[str, str] | None = None, patience: float = PATIENCE, **options: Any
    ) -> Done:
        """Run it to its end, which has to come within ``patience`` seconds."""
        began = time.monotonic()
        done = subprocess.run(
            self.argv(*words),
            cwd=self.folder,
            env=self.env | dict(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience,
            check=False,
            **options,
        )
        seconds = time.monotonic() - began
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode(), seconds)

    def begin(self, *words: object, **options: Any) -> subprocess.Popen[bytes]:
        """Begin to run it in a session of its own, as a terminal does; its standard output is a pipe."""
        return subprocess.Popen(
            self.argv(*words),
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def program(self, name: str, source: str) -> str:
        """Write a Python program; returns the command that runs it."""
        self.write(f"{name}.py", source)
        return f"{PYTHON} {name}.py"

    def play(self, scenario: str, *, client: str | None = None, server: str | None = None) -> Played:
        """Play a scenario with programs given as Python source, live, and look at all that it left.

        Holds of every run whatever the programs do: no traceback, nothing on standard error, and nobody is left.
        """
        words: list[object] = ["run", self.write("case.yaml", scenario), "-o", "kept"]
        for role, source in (("client", client), ("server", server)):
            if source is not None:
                words += [f"--{role}", self.program(f"own_{role}", source)]
        done = self(*words)
        assert "" == done.err, done.err
        assert done.status in (0, 1, 2), done.out
        self.gone()
        return Played(done, read_run(self.folder / "kept"))

    def left(self) -> list[str]:
        """The command lines of living processes with this command's mark in their environment."""
        return [line for pid in _processes() if (line := self._line(pid)) is not None]

    def _line(self, pid: int) -> str | None:
        try:
            if self.mark.encode() not in Path(f"/proc/{pid}/environ").read_bytes():
                return None
            return f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes().replace(bytes(1), b' ').decode(errors='replace')}"
        except OSError:
            return None

    def gone(self, seconds: float = 10.0) -> None:
        """Everything that the command started has ended, within a bound."""
        assert until(lambda: not self.left(), seconds), self.left()


@dataclass(frozen=True)
class Played:
    """A run and its folder, read back."""

    done: Done
    run: Run

    @cached_property
    def judgement(self) -> Judgement:
        return self.run.judged()

    @property
    def codes(self) -> set[tuple[str, str | None]]:
        """The findings: each code, and whom it blames."""
        return {(entry.code, entry.actor) for entry in self.judgement.findings}

    @property
    def outcomes(self) -> list[str]:
        """How the steps ended, in order."""
        return [event.outcome for event in self.run.evidence.events if isinstance(event, StepEnded)]

    def shown(self, actor: str) -> str:
        events = self.run.evidence.events
        return "".join(event.data for event in events if isinstance(event, Shown) and event.actor == actor)

    def typed(self, actor: str) -> list[str]:
        events = self.run.evidence.events
        return [event.keys for event in events if isinstance(event, Typed) and event.actor == actor]

    @cached_property
    def segments(self) -> list[Segment]:
        """Every captured segment, in order."""
        evidence = self.run.evidence
        found = (decode(packet, at, evidence.linktype) for at, packet in enumerate(evidence.packets, 1))
        return [segment for segment in found if segment is not None]

    @cached_property
    def connections(self) -> list[Connection]:
        tracker = Tracker(server_port=self.run.evidence.port)
        for segment in self.segments:
            tracker.feed(segment)
        return list(tracker.connections)

    def sent(self, port: int = 12001) -> list[bytes]:
        """The payloads that left a port (the server's), segment by segment."""
        return [segment.payload for segment in self.segments if segment.src.port == port and segment.payload]

    def received(self, port: int = 12001) -> list[bytes]:
        return [segment.payload for segment in self.segments if segment.dst.port == port and segment.payload]


def steps(*lines: str) -> str:
    """A script, one step a line."""
    return "script:\n" + "".join(f"  {line.strip()}\n" for text in lines for line in text.strip().splitlines())


def expect(*lines: str) -> str:
    return "expect:\n" + "".join(f"  - {line}\n" for line in lines)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until a condition holds, at most so long; whether it came to hold."""
    last = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > last:
            return False
        time.sleep(0.01)
    return True


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def networks() -> set[str]:
    """The network namespaces that any process is in."""
    found = set()
    for pid in _processes():
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:
            continue
    return found


def first_line(process: subprocess.Popen[bytes], words: Sequence[bytes]) -> bytes:
    """Read a running command's output up to the line that holds one of these words."""
    assert process.stdout is not None
    for line in process.stdout:
        if any(word in line for word in words):
            return line
    pytest.fail(f"the command ended before it printed any of {words!r}")
