"""However a command ends, nothing that it started outlives it: no process, no namespace."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.edge.command import ALICE, HEAD, PATIENCE, Command, first_line, networks, steps, until
from tests.edge.test_bad_programs import CONNECT, DAEMON, DEAF, SLEEP

STUBBORN = CONNECT + DAEMON * 2 + DEAF + SLEEP
LONG = steps(
    "- {start: server, until: Listening on}",
    "- {start: alice, until: Connected to}",
    "- {alice: type, text: hello}",
    "- {wait: 100}",
)
MOMENTS = {"at the beginning": b"test/case", "programs start": b"server", "in the middle": b"wait: 100"}


@pytest.fixture
def playing(command: Command) -> Iterator[subprocess.Popen[bytes]]:
    """A run that would take minutes, with a client that ignores every signal and has daemons."""
    scenario = command.write("case.yaml", HEAD + ALICE + LONG)
    process = command.begin("run", scenario, "--client", command.program("client", STUBBORN), "-o", "kept")
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("to", ["command", "group"])
@pytest.mark.parametrize("name", ["INT", "TERM", "KILL", "HUP"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal(command: Command, playing: subprocess.Popen[bytes], moment: str, name: str, to: str):
    number = signal.Signals[f"SIG{name}"]
    assert first_line(playing, [MOMENTS[moment]])
    (os.killpg if to == "group" else os.kill)(playing.pid, number)
    _, errors = playing.communicate(timeout=PATIENCE)
    command.gone()
    assert (130 if name == "INT" else -number) == playing.returncode
    assert b"Traceback" not in errors
    if name == "INT":
        assert 1 == errors.count(b"interrupted")
    assert not (command.folder / "kept").exists()


def test_impatience(command: Command, playing: subprocess.Popen[bytes]):
    """Ctrl-C again and again, while the first is being obeyed."""
    assert first_line(playing, [MOMENTS["in the middle"]])
    for _ in range(20):
        os.killpg(playing.pid, signal.SIGINT)
        if until(lambda: playing.poll() is not None, 0.005):
            break
    _, errors = playing.communicate(timeout=PATIENCE)
    command.gone()
    assert playing.returncode in (130, -signal.SIGINT)
    assert b"itself failed" not in errors


def test_no_network_is_left(command: Command, playing: subprocess.Popen[bytes]):
    assert first_line(playing, [MOMENTS["in the middle"]])
    own = {os.readlink(f"/proc/{line.split()[0]}/ns/net") for line in command.left()}
    made = own - {os.readlink("/proc/self/ns/net")}
    assert 1 == len(made)
    playing.kill()
    assert until(lambda: not made & networks())


def test_nobody_reads_the_output_any_more(command: Command, playing: subprocess.Popen[bytes]):
    assert playing.stdout is not None
    assert first_line(playing, [b"server"])
    playing.stdout.close()
    assert playing.stderr is not None
    errors = playing.stderr.read()
    assert 141 == playing.wait(timeout=PATIENCE)
    assert b"" == errors
    command.gone()


def test_a_full_disk_behind_the_output(command: Command):
    command.write("case.yaml", HEAD + ALICE + LONG)
    with open("/dev/full", "wb") as full:
        process = command.begin("run", "case.yaml", stdout=full)
        _, errors = process.communicate(timeout=PATIENCE)
    assert 69 == process.returncode
    assert b"wirelab: cannot write the output: No space left on device\n" == errors
    command.gone()
