"""The witness tells of real programs, in a private network, exactly what each thread is blocked in."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command import ALICE, HEAD, Command, Played, expect, steps
from tests.stage.inside import SECONDS, play
from wirelab.base.clock import Deadline
from wirelab.observe.evidence import Witnessed
from wirelab.stage import namespace, stacks, witness
from wirelab.stage.actors import Program
from wirelab.stage.recorder import Recorder

HEADER = """\
import os, select, signal, socket, subprocess, sys, threading, time
door = socket.create_server(("127.0.0.1", 12001))
wire = socket.create_connection(("127.0.0.1", 12001))
"""
READY = 'print("ready", flush=True)\n'
NEEDS_PY_SPY = pytest.mark.skipif(stacks.py_spy() is None, reason="needs py-spy")


@contextlib.contextmanager
def running(command: list[str], folder: str) -> Iterator[Program]:
    """A program on a terminal that has printed ``ready``."""
    program = Program("alice", "client", "submission", Recorder())
    program.start(command, namespace.base_environment(), folder)
    try:
        deadline = Deadline.after(SECONDS)
        while "ready" not in program.transcript.text and program.exited is None and not deadline.passed:
            select.select(program.descriptors, [], [], deadline.left())
            program.service()
        assert "ready" in program.transcript.text, program.exited
        yield program
    finally:
        program.end()


def seen_in(program: Program, wanted: list[str]) -> dict[str, Any]:
    """What the witness says once the threads do what they are to do, and go on doing it (or spin)."""
    deadline = Deadline.after(SECONDS)
    before = witness.Seen()
    while True:
        seen = witness.look(program.pid)
        steady = seen.threads == before.threads or "running" in wanted
        if steady and wanted == [thread.doing for thread in seen.threads]:
            return dataclasses.asdict(seen)
        assert not deadline.passed, seen
        before = seen


def python(source: str, *wanted: str) -> dict[str, Any]:
    """What is seen of a Python program, line 1 of which is the first of ``source``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "client.py")
        path.write_text(source, "utf-8")
        with running([sys.executable, "-S", "-E", str(path)], folder) as program:
            return seen_in(program, list(wanted))


def own_lines(thread: dict[str, Any]) -> list[tuple[str, int]]:
    """The lines of the program itself, innermost first: function and number."""
    return [(line["function"], line["line"]) for line in thread["stack"] if line["file"].endswith("client.py")]


# --- Python


JOIN = (
    HEADER
    + """\
def receive():
    while True:
        wire.recv(4096)
thread = threading.Thread(target=receive, name="receiver")
thread.start()
print("ready", flush=True)
thread.join()
"""
)
SUBCLASS = (
    HEADER
    + """\
class Receiver(threading.Thread):
    def run(self):
        wire.makefile("rb").readline()
thread = Receiver(name="接收\\x1b[2J")
thread.start()
print("ready", flush=True)
"""
)
DEADLOCK = (
    HEADER
    + """\
lock = threading.Lock()
def broadcast():
    with lock:
        pass
lock.acquire()
thread = threading.Thread(target=broadcast, name="sender")
thread.start()
print("ready", flush=True)
input()
"""
)
SPIN = (
    HEADER
    + """\
door.accept()[0].close()
print("ready", flush=True)
while True:
    data = wire.recv(4096)
    if data == b"quit":
        break
"""
)
CLOSED = (
    HEADER
    + """\
thread = threading.Thread(target=wire.recv, args=[10], name="receiver")
thread.start()
number = max(os.listdir("/proc/self/task"), key=int)
while open(f"/proc/self/task/{number}/syscall").read().split()[1:2] != [hex(wire.fileno())]:
    pass
wire.close()
print("ready", flush=True)
thread.join()
"""
)


def played_in_python() -> dict[str, Any]:
    namespace.contain()
    simple = {
        "keyboard": 'input("ready")\n',
        "accept": "door.accept()\n" + READY + "door.accept()\n",
        "timeout": "wire.settimeout(60)\n" + READY + "wire.recv(10)\n",
        "select": READY + "select.select([wire, sys.stdin], [], [])\n",
        "sleep": READY + "time.sleep(60)\n",
        "child": READY + 'subprocess.run(["sleep", "60"])\n',
        "send": READY + "wire.sendall(bytes(50_000_000))\n",
    }
    wanted = {"keyboard": ["keyboard"], "accept": ["accepting"], "timeout": ["polling"], "select": ["polling"]}
    wanted |= {"sleep": ["sleeping"], "child": ["child", "sleeping"], "send": ["sending"]}
    found = {name: python(HEADER + simple[name], *doing) for name, doing in wanted.items()}
    found["join"] = python(JOIN, "waiting", "receiving")
    found["subclass"] = python(SUBCLASS, "waiting", "receiving")
    found["deadlock"] = python(DEADLOCK, "keyboard", "waiting")
    found["spin"] = python(SPIN, "running")
    deep = "def deep(left):\n    deep(left - 1) if left else time.sleep(60)\n"
    found["deep"] = python(HEADER + deep + READY + "deep(100)\n", "sleeping")
    observer = "def note(left):\n    note(left - 1) if left else time.sleep(60)\n"
    noting = f"exec(compile({observer!r}, {stacks.OBSERVER!r}, 'exec'))\n"
    found["noting"] = python(HEADER + noting + READY + "note(100)\n", "sleeping")
    found["closed"] = python(CLOSED, "waiting", "receiving")
    return found


@pytest.fixture(scope="module")
def programs() -> Any:
    return play(played_in_python)


@NEEDS_PY_SPY
def test_one_thread_joins_another_that_receives(programs: Any):
    main, receiver = programs["join"]["threads"]
    assert ("MainThread", "waiting", "futex", None, "receiver") == tuple(
        main[key] for key in ("name", "doing", "call", "port", "waits_for")
    )
    assert [("<module>", 10)] == own_lines(main)
    assert "join" in [line["function"] for line in main["stack"]]
    assert ("receiver", "receiving", "recvfrom", 12001, None) == tuple(
        receiver[key] for key in ("name", "doing", "call", "peer", "waits_for")
    )
    assert [("receive", 6)] == own_lines(receiver)
    assert receiver["stack"][0]["function"] == "receive"
    (port,) = {one["port"] for one in programs["join"]["sockets"] if one["peer"] == 12001}
    assert port == receiver["port"]
    assert {"port": port, "peer": 12001, "state": "ESTABLISHED", "unread": 0, "unsent": 0} in programs["join"][
        "sockets"
    ]
    assert {"port": 12001, "peer": 0, "state": "LISTEN", "unread": 0, "unsent": 0} in programs["join"]["sockets"]


@NEEDS_PY_SPY
def test_the_end_of_the_interpreter_joins_what_is_left_and_names_are_made_safe(programs: Any):
    main, receiver = programs["subclass"]["threads"]
    assert "接收?[2J" == receiver["name"] == main["waits_for"]
    assert "_shutdown" in [line["function"] for line in main["stack"]]
    assert [("run", 6)] == own_lines(receiver)


def test_what_a_thread_is_blocked_in(programs: Any):
    def only(name: str, *keys: str) -> tuple[Any, ...]:
        (thread,) = programs[name]["threads"]
        return tuple(thread[key] for key in keys)

    assert ("keyboard", "read", None) == only("keyboard", "doing", "call", "port")
    assert ("accepting", 12001, 0) == only("accept", "doing", "port", "peer")
    assert ("polling", 12001) == only("timeout", "doing", "peer")
    assert ("polling", 12001) == only("select", "doing", "peer")
    assert ("sleeping", None) == only("sleep", "doing", "port")
    assert ("sending", 12001) == only("send", "doing", "peer")
    waiting, child = programs["child"]["threads"]
    assert ("child", "sleep", []) == (waiting["doing"], child["name"], list(child["stack"]))
    assert [one["unsent"] for one in programs["send"]["sockets"] if one["peer"] == 12001] > [0]


@NEEDS_PY_SPY
def test_a_lock_that_nobody_gives(programs: Any):
    main, sender = programs["deadlock"]["threads"]
    assert ("MainThread", "keyboard", None) == (main["name"], main["doing"], main["waits_for"])
    assert ("sender", "waiting", None) == (sender["name"], sender["doing"], sender["waits_for"])
    assert [("broadcast", 6)] == own_lines(sender)


@NEEDS_PY_SPY
def test_a_thread_that_spins_and_the_state_of_its_connection(programs: Any):
    (main,) = programs["spin"]["threads"]
    assert "running" == main["doing"]
    assert own_lines(main)[0][1] in (6, 7, 8)
    assert ["CLOSE-WAIT"] == [one["state"] for one in programs["spin"]["sockets"] if one["peer"] == 12001]


@NEEDS_PY_SPY
def test_the_innermost_frames_are_kept(programs: Any):
    (main,) = programs["deep"]["threads"]
    assert [("deep", 5)] * stacks.MOST_FRAMES == own_lines(main)


@NEEDS_PY_SPY
def test_the_observers_own_frames_are_left_out(programs: Any):
    (main,) = programs["noting"]["threads"]
    assert [("<module>", 6)] == own_lines(main)
    assert [6] == [line["line"] for line in main["stack"]]


def test_a_socket_that_was_closed_while_a_thread_receives_on_it(programs: Any):
    receiver = programs["closed"]["threads"][1]
    assert ("receiving", 12001) == (receiver["doing"], receiver["peer"])
    assert receiver["port"] not in {one["port"] for one in programs["closed"]["sockets"]}


# --- other languages, and hostile programs

C_PROGRAM = r"""
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int count, char **words) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(12001)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int door = socket(AF_INET, SOCK_STREAM, 0), wire = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(door, (struct sockaddr *)&server, sizeof server) || listen(door, 1)) return 3;
    if (connect(wire, (struct sockaddr *)&server, sizeof server)) return 4;
    setvbuf(stdout, NULL, _IONBF, 0);
    puts("ready");
    char data[10];
    if (!strcmp(words[1], "recv")) recv(wire, data, sizeof data, 0);
    if (!strcmp(words[1], "read")) read(wire, data, sizeof data);
    if (!strcmp(words[1], "stop")) pause();
    if (!strcmp(words[1], "keyboard")) getchar();
    struct pollfd one = {.fd = wire, .events = POLLIN};
    if (!strcmp(words[1], "poll")) poll(&one, 1, -1);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    if (!strcmp(words[1], "select")) select(1, &set, NULL, NULL, NULL);
    int group = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, out;
    epoll_ctl(group, EPOLL_CTL_ADD, wire, &event);
    if (!strcmp(words[1], "epoll")) epoll_wait(group, &out, 1, -1);
    return 0;
}
"""


def played_in_c() -> dict[str, Any]:
    namespace.contain()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "client.c").write_text(C_PROGRAM, "utf-8")
        subprocess.run(["cc", "-o", "客户 端", "client.c"], cwd=folder, check=True, capture_output=True)
        wanted = {"recv": "receiving", "read": "receiving", "keyboard": "keyboard", "select": "keyboard"}
        for name, doing in (wanted | {"poll": "polling", "epoll": "polling"}).items():
            with running(["./客户 端", name], folder) as program:
                found[name] = seen_in(program, [doing])
        with running(["./客户 端", "stop"], folder) as program:
            seen_in(program, ["other"])
            os.kill(program.pid, signal.SIGSTOP)
            found["stop"] = seen_in(program, ["stopped"])
    return found


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_program_in_c():
    programs = play(played_in_c)
    for name, doing, call, peer in (
        ("recv", "receiving", {"recvfrom"}, 12001),
        ("read", "receiving", {"read"}, 12001),
        ("keyboard", "keyboard", {"read"}, None),
        ("select", "keyboard", {"select", "pselect6"}, None),
        ("poll", "polling", {"poll", "ppoll"}, 12001),
        ("epoll", "polling", {"epoll_wait", "epoll_pwait"}, 12001),
        ("stop", "stopped", {"pause", "ppoll"}, None),
    ):
        (thread,) = programs[name]["threads"]
        assert ("客户 端", doing, peer, []) == (thread["name"], thread["doing"], thread["peer"], thread["stack"])
        assert thread["call"] in call


HOSTILE = (
    HEADER
    + """import ctypes
ctypes.CDLL(None).prctl(15, b"\\x1b[2J\\xff)", 0, 0, 0)
wires = [socket.create_connection(("127.0.0.1", 12001)) for _ in range(100)]
threading.stack_size(65536)
for number in range(1000):
    threading.Thread(target=time.sleep, args=[600], daemon=True, name="x" * 10_000).start()
for number in range(40):
    os.fork() or time.sleep(600)
"""
    + READY
    + "time.sleep(600)\n"
)


def played_by_the_hostile() -> dict[str, Any]:
    namespace.contain()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "client.py").write_text(HOSTILE, "utf-8")
        with running([sys.executable, "-S", "-E", "client.py"], folder) as program:
            seen = witness.look(program.pid)
            found = {
                "threads": len(seen.threads),
                "sockets": len(seen.sockets),
                "names": sorted({thread.name for thread in seen.threads}, key=len),
            }
        gone = witness.look(program.pid)
        stacks.py_spy = lambda: None
        with running([sys.executable, "-S", "-E", "-c", 'input("ready")'], folder) as program:
            found["without"] = seen_in(program, ["keyboard"])
        return found | {"gone": (len(gone.threads), len(gone.sockets))}


@pytest.fixture(scope="module")
def hostile() -> Any:
    return play(played_by_the_hostile)


def test_a_look_is_bounded(hostile: Any):
    assert (witness.MOST_THREADS, witness.MOST_SOCKETS) == (hostile["threads"], hostile["sockets"])
    assert all(name.isprintable() and len(name) <= stacks.LONGEST for name in hostile["names"])
    assert [0, 0] == hostile["gone"]


def test_without_py_spy_there_are_no_stacks(hostile: Any):
    (thread,) = hostile["without"]["threads"]
    assert ("keyboard", [], None) == (thread["doing"], thread["stack"], thread["waits_for"])
    assert thread["name"].startswith("python")


# --- in a run


def events(played: Played) -> list[Witnessed]:
    return [event for event in played.run.evidence.events if isinstance(event, Witnessed)]


START = "- {start: server, until: Listening on}\n- {start: alice, until: Connected to}\n"
BEGIN = START + "- {alice: press, key: ctrl-d}\n"
CONNECT = """\
import socket, sys, threading, time
wire = socket.create_connection(("127.0.0.1", 12001))
print("Connected to 127.0.0.1:12001", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path)
    yield command
    command.gone()


@pytest.mark.parametrize(
    ("script", "why"), [("- {alice: exits, within: 0.2}", "missed"), ("- {wait: 0.8}", "end"), ("", "end")]
)
def test_who_misses_its_exit_or_is_still_there_at_the_end_is_looked_at(command: Command, script: str, why: str):
    played = command.play(
        HEAD + ALICE + steps(BEGIN, script) + expect("{handshake: alice}"), client=CONNECT + "wire.recv(100)\n"
    )
    seen = [(event.actor, event.why, [thread.doing for thread in event.threads]) for event in events(played)]
    assert [("alice", why, ["receiving"])] == seen
    assert all(event.cpu < 0.5 for event in events(played))


def test_who_was_not_asked_to_end_is_not_looked_at(command: Command):
    script = HEAD + ALICE + steps(START, "- {wait: 0.8}") + expect("{handshake: alice}")
    assert [] == events(command.play(script, client=CONNECT))


def test_a_spinning_program_shows_by_the_cpu_it_uses(command: Command):
    script = HEAD + ALICE + steps(BEGIN, "- {alice: exits, within: 0.2}") + expect("{handshake: alice}")
    (event,) = events(command.play(script, client=CONNECT + "while True: pass\n"))
    assert ["running"] == [thread.doing for thread in event.threads]
    assert event.cpu > 0.5


def test_who_ends_in_time_is_not_looked_at(command: Command):
    script = HEAD + ALICE + steps(BEGIN, "- {alice: exits, within: 5}", "- {wait: 0.6}") + expect("{handshake: alice}")
    assert [] == events(command.play(script, client=CONNECT))
