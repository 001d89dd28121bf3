"""The amplifier inside Python programs: makes races show, takes nothing but time, and never too much of it.

Each program here is run by a Python of its own, amplified as on the stage. What threads do at once is decided by the
pauses themselves, which are asked for and not slept where their length is the question.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.stage.inside import SECONDS
from tests.stage.test_observer import LOOKS_AROUND, PAIR
from wirelab.observe.evidence import Role
from wirelab.stage import observer
from wirelab.stage.observer import AMPLIFY, PAUSES, Observer

# The amplifier tells instead of sleeping, and its clock stands still.
TELLS = """\
import types
slept, now, amplifier = [], [0.0], vars(socket.socket)["send"].amplifier
amplifier.time, amplifier.since = types.SimpleNamespace(sleep=slept.append, monotonic=lambda: now[0]), 0.0
"""


def run(folder: Path, source: str, role: Role = "client", *, notes: bool = False, seed: int | None = 7) -> list[str]:
    """A program's output, line by line; it must end well and print nothing else."""
    (folder / "program.py").write_text(textwrap.dedent(source), encoding="utf-8")
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    watching = Observer(notes=notes, seed=seed)
    try:
        environment = watching.environment("alice", role, str(folder), plain | {"PYTHONHASHSEED": "0"})
        command = [sys.executable, "program.py"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert (0, "") == (done.returncode, done.stderr)
        assert notes == bool(watching.read())
        return done.stdout.splitlines()
    finally:
        watching.end()


SENDS = (
    PAIR
    + TELLS
    + """\
wire = socket.create_connection(listener.getsockname())
other, _ = listener.accept()
for number in range(8):
    now[0] += 1
    getattr(wire, ("send", "sendall")[number % 2])(b"x")
with wire.makefile("w") as file:
    now[0] += 1
    file.write("hello")
wire.sendmsg
taken = len(slept)
other.recv(1), wire.fileno(), wire.getpeername(), wire.shutdown(socket.SHUT_WR), socket.socket.send
assert taken == len(slept)
print(*slept)
"""
)


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("notes", [False, True])
def test_each_send_is_preceded_by_a_pause_and_nothing_else_is(tmp_path: Path, role: Role, notes: bool):
    (line,) = run(tmp_path, SENDS, role, notes=notes)
    pauses = [float(word) for word in line.split()]
    longest = PAUSES[role][0]
    assert 10 == len(pauses)
    assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert len(pauses) == len(set(pauses))


def test_a_seed_gives_the_same_pauses_again_and_another_gives_others(tmp_path: Path):
    once, again, other = (run(tmp_path, SENDS, seed=seed) for seed in (7, 7, 8))
    assert once == again
    assert once != other


def test_each_program_of_a_run_has_pauses_of_its_own():
    watching = Observer(notes=False, seed=7)
    given = [watching.environment(actor, "client", "/", {})[AMPLIFY] for actor in ("alice", "bob", "alice")]
    assert given[0] == given[2] != given[1]


def test_all_pauses_of_a_client_together_leave_its_answers_time(tmp_path: Path):
    """In any tenth of a second, however much it sends; then some more is due again."""
    source = """\
    wire = socket.create_connection(listener.getsockname())
    def tenth():
        before = sum(slept)
        for _ in range(1000):
            now[0] += 0.0001
            wire.send
        return sum(slept) - before
    print(*(tenth() for _ in range(5)))
    """
    (line,) = run(tmp_path, PAIR + TELLS + textwrap.dedent(source))
    first, *later = map(float, line.split())
    assert 0.058 < first <= 0.06
    assert all(0.028 < pauses <= 0.031 for pauses in later)


def test_two_threads_that_write_a_frame_in_two_sends_get_in_each_others_way_only_without_a_lock(tmp_path: Path):
    """Two dozen frames each: that none of 48 is cut has, without a lock, less than one chance in a million."""
    source = (
        PAIR
        + """\
import contextlib, threading
def cut(lock):
    wire = socket.create_connection(listener.getsockname())
    other, _ = listener.accept()
    def write(word, begin):
        begin.wait()
        for _ in range(24):
            with lock:
                wire.sendall(word)
                wire.sendall(b"\\n")
    begin = threading.Barrier(2)
    writers = [threading.Thread(target=write, args=(word, begin)) for word in (b"one", b"two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    wire.close()
    with other, other.makefile("rb") as lines:
        return sum(line not in (b"one\\n", b"two\\n") for line in lines)
print(cut(contextlib.nullcontext()) > 0, cut(threading.Lock()))
"""
    )
    assert ["True 0"] == run(tmp_path, source, "server")


def test_a_broadcast_over_a_list_that_another_thread_shortens_skips_somebody(tmp_path: Path):
    source = (
        PAIR
        + """\
import select, threading
pairs = [(socket.create_connection(listener.getsockname()), listener.accept()[0]) for _ in range(6)]
clients = [other for _, other in pairs]
begun = threading.Event()  # who leaves before the first is sent to harms nobody
def leave():
    begun.wait()
    clients.remove(pairs[0][1])
threading.Thread(target=leave).start()
for client in clients:
    begun.set()
    client.sendall(b"x")
print(len(clients), len(select.select([wire for wire, _ in pairs[1:]], [], [], 0)[0]))
"""
    )
    assert ["5 4"] == run(tmp_path, source, "server")


def test_a_program_that_looks_around_finds_everything_as_without(tmp_path: Path):
    bare, amplified = (run(tmp_path, LOOKS_AROUND, seed=seed) for seed in (None, 7))
    assert bare == amplified


def test_without_notes_and_without_a_seed_nothing_goes_in():
    given: Mapping[str, str] = {"PYTHONPATH": "lib"}
    assert given == Observer(notes=False).environment("alice", "client", "/", given)
    amplified = Observer(notes=False, seed=7).environment("alice", "client", "/", given)
    assert {"PYTHONPATH", AMPLIFY} == set(amplified)
    assert f"{observer.INJECTED}:lib" == amplified["PYTHONPATH"]
