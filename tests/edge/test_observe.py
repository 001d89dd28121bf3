"""What a run tells of the lines of a Python submission, and that it changes no verdict; `wirelab run --no-observe`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.edge.command import ALICE, BEGIN, HEAD, Command, Played, expect, steps
from wirelab.compose.artifacts import read_run
from wirelab.observe.evidence import Called, Owned, Started
from wirelab.stage import observer

MUTANTS = Path(__file__).parent.parent / "mutants"
CLIENT = """\
import os, socket, sys, threading

def receive():
    while wire.recv(4096):
        pass

print(sorted(name for name in os.environ if name.startswith(("PYTHON", "WIRELAB"))), sys.path)
wire = socket.create_connection((sys.argv[1], int(sys.argv[2])))
listener = threading.Thread(target=receive, name="receiver")
listener.start()
print("Connected to", *sys.argv[1:], flush=True)
wire.sendall(b"MSG %s\\n" % input().encode())
wire.shutdown(socket.SHUT_WR)
listener.join()
wire.close()
print(open("/proc/self/environ").read().replace(chr(0), chr(10)))
"""
SCENARIO = (
    HEAD
    + ALICE
    + steps(BEGIN, "- {alice: type, text: hello}", "- {alice: exits, status: 0, within: 5}")
    + expect("{messages: alice, sent: [hello]}", "{teardown: alice, first: alice}")
)


def play(command: Command, *options: str) -> Played:
    """A run of CLIENT by a Python with all its customs; others in these tests start with -S -E, which shut us out."""
    command.write("case.yaml", SCENARIO)
    command.write("own.py", CLIENT)
    words = ["run", "case.yaml", "--client", f"{sys.executable} own.py", "-o", "kept", *options]
    done = command(*words, env={"PYTHONPATH": os.pathsep.join(filter(None, (command.env["PYTHONPATH"], "/nowhere")))})
    assert (0, "") == (done.status, done.err), done.out
    return Played(done, read_run(command.folder / "kept"))


def variables(played: Played) -> dict[str, str]:
    """The environment that the program was started with, as it printed it itself."""
    lines = played.shown("alice").replace("\r", "").split("\n")
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_a_run_names_the_line_and_thread_of_every_call(command: Command):
    played = play(command)
    events = played.run.evidence.events
    called = [event for event in events if isinstance(event, Called)]
    (port,) = (event.port for event in events if isinstance(event, Owned))
    (started,) = (event.time for event in events if isinstance(event, Started) and event.actor == "alice")
    assert {("alice", "own.py")} == {(event.actor, event.line.file) for event in called}, "the reference is nobody's"
    assert [
        ("MainThread", "connect", 0, 0, "<module>", 8),
        ("MainThread", "send", port, 12001, "<module>", 12),
        ("MainThread", "shutdown", port, 12001, "<module>", 13),
        ("MainThread", "close", port, 12001, "<module>", 15),
    ] == [
        (event.thread, event.call, event.port, event.peer, event.line.function, event.line.line)
        for event in called
        if event.thread == "MainThread"
    ]
    received = [event for event in called if event.thread == "receiver"]
    assert [("recv", 4, 1 + at) for at in range(len(received))] == [
        (event.call, event.line.line, event.count) for event in received
    ]
    assert received
    syn = next(segment for segment in played.segments if segment.syn and segment.src.port == port)
    first_fin = next(segment for segment in played.segments if segment.fin and segment.src.port == port)
    times = {event.call: event.time for event in called if event.thread == "MainThread"}
    assert started < times["connect"] < syn.time < times["send"] < times["shutdown"] < first_fin.time < times["close"]
    assert events == tuple(sorted(events, key=lambda event: event.time))


def test_the_program_finds_its_environment_as_without_and_nothing_is_left(command: Command):
    watched = play(command)
    first = watched.shown("alice").splitlines()[0]
    notes = Path(variables(watched)[observer.VARIABLE])
    assert not notes.exists()
    assert not notes.parent.exists()
    command.folder.joinpath("kept").rename(command.folder / "before")
    bare = play(command, "--no-observe")
    assert first == bare.shown("alice").splitlines()[0]
    assert first.startswith("['PYTHONPATH']")
    assert not [event for event in bare.run.evidence.events if isinstance(event, Called)]
    ours = {observer.VARIABLE, "PYTHONPATH"}
    assert observer.VARIABLE not in variables(bare)
    assert variables(bare)["PYTHONPATH"] == variables(watched)["PYTHONPATH"].partition(os.pathsep)[2]
    assert variables(bare).keys() | ours == variables(watched).keys()
    assert bare.judgement.verdict == watched.judgement.verdict


def codes(
    command: Command, mutant: str, folder: str, options: Sequence[str]
) -> tuple[str, set[tuple[str, str | None]]]:
    client = f"{sys.executable} {MUTANTS / mutant / 'client.py'}"
    done = command("run", "messaging/one-line", "--client", client, "-o", folder, "--quiet", *options)
    assert (1, "") == (done.status, done.err), done.out
    played = Played(done, read_run(command.folder / folder))
    assert bool(options) != any(isinstance(event, Called) for event in played.run.evidence.events)
    return played.judgement.verdict.value, played.codes


@pytest.mark.parametrize("mutant", ["no-shutdown-rst", "missing-newline-framing", "close-while-recv"])
def test_verdicts_are_the_same_with_and_without(command: Command, mutant: str):
    assert codes(command, mutant, "without", ["--no-observe"]) == codes(command, mutant, "with", [])
