"""Students' programs that misbehave: each gets the finding that names it, in bounded time, and leaves nobody behind."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.edge.command import ALICE, BEGIN, BY_PEER, HEAD, SERVER, Command, Played, expect, steps
from wirelab.compose.artifacts import read_run
from wirelab.observe.evidence import Bounded, Owned, Sampled, StepEnded

PASS, FAIL = 0, 1
BOUND = 20.0  # seconds: ten times what a run here takes on an idle machine, a fifth of what the programs would go on
CONNECT = """\
import os, signal, socket, sys, threading, time
wire = socket.create_connection(("127.0.0.1", 12001))
print("Connected to 127.0.0.1:12001", flush=True)
"""
LISTEN = """\
import os, signal, socket, sys, threading, time
door = socket.create_server(("127.0.0.1", 12001))
print("Listening on 127.0.0.1:12001", flush=True)
"""
TALK = """
for line in sys.stdin:
    if line == "/quit\\n":
        break
    wire.sendall(b"MSG " + line.encode())
wire.shutdown(socket.SHUT_WR)
while wire.recv(4096):
    pass
"""
SERVE = """
wire, address = door.accept()
print("Connected", address, flush=True)
def serve():
    for line in wire.makefile("rb"):
        print(f"Received from {address}: {line[4:].decode()}", end="", flush=True)
receiver = threading.Thread(target=serve)
receiver.start()
for line in sys.stdin:
    if line == "/quit\\n":
        break
wire.shutdown(socket.SHUT_WR)
receiver.join()
"""
DAEMON = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 100)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        time.sleep(100)
    os._exit(0)
"""
DEAF = """
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
"""
SPAM = "for _ in range(100):\n    os.write(1, b'spam ham ' * 111_111)\n"
SAY = "wire.sendall(b'MSG hello\\n')\n"
SLEEP = "while True:\n    time.sleep(1)\n"
JUNK = """
junk = bytes(range(256)) + b"\\xe4\\xbd\\x1b[2J\\x1b]0;title\\x07\\x1bP0q\\x1b\\\\\\xc2\\x9b31m\\x1b[?1049h"
os.write(1, junk * 20 + b"\\n" + "\\u202e\\u2066 half a character: \\u4f60".encode()[:-1])
"""

CLIENTS: dict[str, tuple[str, set[str], int]] = {
    "exits at once": ("raise SystemExit(3)", {"WL104"}, FAIL),
    "prints nothing": ("import time\n" + SLEEP, {"WL104"}, FAIL),
    "prints 100 MB": (CONNECT + SPAM + TALK, {"WL607"}, FAIL),
    "ignores every signal": (CONNECT + DEAF + SAY + SLEEP, {"WL601"}, FAIL),
    "forks daemons": (CONNECT + DAEMON * 3 + TALK, set(), PASS),
    "leaves its socket to a child": (
        CONNECT + "if os.fork():\n    os._exit(0)\nos.setsid()\n" + SLEEP,
        {"WL608"},
        FAIL,
    ),
    "closes its terminal": (CONNECT + SAY + "os.closerange(0, 3)\n" + SLEEP, {"WL601"}, FAIL),
    "stops itself": (CONNECT + SAY + "os.kill(0, signal.SIGSTOP)", {"WL601"}, FAIL),
    "leaves zombies": (CONNECT + "for _ in range(20):\n    os.fork() or os._exit(0)\n" + TALK, set(), PASS),
    "connects twice": (CONNECT + "wire = socket.create_connection(('127.0.0.1', 12001))" + TALK, set(), PASS),
    "connects and is gone": (CONNECT + "wire.close()", {"WL608"}, FAIL),
    "connects to ::1": ("import socket\nsocket.create_connection(('::1', 12001))", {"WL104"}, FAIL),
    "connects to 127.0.0.2": ("import socket\nsocket.create_connection(('127.0.0.2', 12001))", {"WL104"}, FAIL),
    "prints junk": (CONNECT + JUNK + TALK, set(), PASS),
    "ends by SIGSEGV": (
        CONNECT + SAY + "sys.stdin.readline()\ntime.sleep(0.3)\nos.kill(0, signal.SIGSEGV)",
        {"WL603"},
        FAIL,
    ),
    "loses a thread": (CONNECT + "threading.Thread(target=lambda: 1 / 0).start()" + TALK, {"WL606"}, FAIL),
}
SERVERS: dict[str, tuple[str, set[str], int]] = {
    "exits at once": ("raise SystemExit(3)", {"WL104"}, FAIL),
    "prints nothing": (SLEEP.replace("time", "__import__('time')"), {"WL104"}, FAIL),
    "prints 100 MB": (LISTEN + SPAM, {"WL607"}, FAIL),
    "ignores every signal": (
        LISTEN + DEAF + "threading.Thread(target=time.sleep, args=(99,)).start()" + SERVE,
        {"WL601"},
        FAIL,
    ),
    "forks daemons": (LISTEN + DAEMON * 3 + SERVE, set(), PASS),
    "listens on ::1": (
        LISTEN.replace('("127.0.0.1", 12001)', '("::1", 12001), family=socket.AF_INET6') + SERVE,
        {"WL102"},
        FAIL,
    ),
    "listens on 127.0.0.2": (LISTEN.replace('("127.0.0.1", 12001)', '("127.0.0.2", 12001)') + SERVE, {"WL102"}, FAIL),
    "prints junk": (LISTEN + JUNK + SERVE, set(), PASS),
    "ends by SIGSEGV": (LISTEN + "door.accept()\nos.kill(0, signal.SIGSEGV)", {"WL603"}, FAIL),
    "closes at once": (LISTEN + "while True:\n    door.accept()[0].close()", {"WL604", "WL601"}, FAIL),
}
CLIENT_LESSON = (
    HEAD
    + ALICE
    + steps(
        """
        - {start: server, until: Listening on}
        - {start: alice, until: Connected to, within: 1}
        - {alice: type, text: hello}
        - {server: shows, text: "): hello", within: 1}
        - {alice: type, text: /quit}
        - {alice: exits, status: 0, within: 1}
        """
    )
    + expect("{handshake: alice}", "{messages: alice, sent: [hello]}", "{teardown: alice, first: alice}")
)
SERVER_LESSON = (
    HEAD
    + SERVER
    + steps(
        """
        - {start: server, until: Listening on, within: 1}
        - {start: alice}
        - {server: shows, text: Connected, within: 1}
        - {alice: type, text: hello}
        - {server: shows, text: "): hello", within: 1}
        - {server: type, text: /quit}
        - {server: exits, status: 0, within: 1}
        """
    )
    + expect("{handshake: alice}", "{messages: alice, sent: [hello]}", "{teardown: alice, first: server}")
)


def patient(lesson: str, status: int) -> str:
    """Who does well is not waited for in vain, so the machine may be busy; who does not is waited for to the end."""
    return lesson.replace("within: 1", "within: 9") if status == PASS else lesson


def named(played: Played, codes: set[str], status: int) -> None:
    found = {code for code, _ in played.codes}
    assert codes <= found, (found, played.done.out)
    if status == PASS:
        assert set() == found, played.done.out
    if "WL603" not in codes:  # nobody is blamed for a signal that wirelab sent
        assert "WL603" not in found, played.done.out
    assert status == played.done.status, played.done.out
    assert played.done.seconds < BOUND


@pytest.mark.parametrize("name", CLIENTS)
def test_a_bad_client(command: Command, name: str):
    source, codes, status = CLIENTS[name]
    named(command.play(patient(CLIENT_LESSON, status), client=source), codes, status)


@pytest.mark.parametrize("name", SERVERS)
def test_a_bad_server(command: Command, name: str):
    source, codes, status = SERVERS[name]
    named(command.play(patient(SERVER_LESSON, status), server=source), codes, status)


def test_a_flood_is_kept_to_its_bound(command: Command):
    played = command.play(CLIENT_LESSON, client=CONNECT + SPAM + TALK)
    assert 3_900_000 < len(played.shown("alice").encode()) <= 4_000_000
    assert len(played.done.out) < 100_000


@pytest.mark.parametrize(("bound", "unit", "limit"), [("limit", "packets", 2000), ("most", "bytes", 200_000)])
@pytest.mark.parametrize(("role", "lesson"), [("client", CLIENT_LESSON), ("server", SERVER_LESSON)])
def test_a_flood_on_the_wire_is_kept_to_its_bound_and_named(
    command: Command, role: str, lesson: str, bound: str, unit: str, limit: int
):
    flood = (
        "wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\nwhile True:\n    wire.sendall(b'NEWS spam\\n')\n"
    )
    bounded = "import functools, sys; from wirelab.stage import world; from wirelab.edge import cli"
    bounded += f"; world.Tap = functools.partial(world.Tap, {bound}={limit}); sys.exit(cli.main())"
    command.launcher = [sys.executable, "-c", bounded]
    opening = CONNECT if role == "client" else LISTEN + "wire = door.accept()[0]\n"
    played = command.play(lesson, **{role: opening + flood})
    named(played, {"WL611"}, FAIL)
    (hit,) = (event for event in played.run.evidence.events if isinstance(event, Bounded))
    assert (None, unit, limit) == (hit.actor, hit.unit, hit.limit)
    sizes = [len(packet.data) for packet in played.run.evidence.packets]
    kept = {"packets": len(sizes), "bytes": sum(sizes)}[unit]
    assert limit - 1514 < kept <= limit
    what = {"packets": "2 000 packets are captured", "bytes": "200 000 bytes are captured"}[unit]
    assert what in played.done.out


FLOOD = """\
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void) {
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(12001)};
    inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
    int wire = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (connect(wire, (struct sockaddr *)&there, sizeof there)) return 1;
    setsockopt(wire, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    puts("Connected to 127.0.0.1:12001");
    fflush(stdout);
    long long due = now(), end = due + 2000000000LL;
    while ((due += 10000) < end) {  /* 100 000 segments a second */
        if (write(wire, "MSG spam\\n", 9) < 0) return 1;
        while (now() < due) ;
    }
    pause();
}
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("answers", ["", ", answers: true"])
def test_a_flood_to_a_peer_does_not_keep_the_stage_from_the_tap(command: Command, answers: str):
    command.write("flood.c", FLOOD)
    subprocess.run(["gcc", "-O1", "-o", "flood", "flood.c"], cwd=command.folder, check=True)
    script = steps("- {start: server}", "- {start: alice}", "- {server: expects, text: never, within: 2}")
    lesson = HEAD + BY_PEER.replace("peer: true", f"peer: true{answers}") + script + expect("{handshake: alice}")
    done = command("run", command.write("case.yaml", lesson), "--client", "./flood", "-o", "kept")
    played = Played(done, read_run(command.folder / "kept"))
    assert 0 == played.run.evidence.lost
    assert "missed" == played.outcomes[-1]
    assert "WL901" not in {code for code, _ in played.codes}, done.out


def test_who_keeps_every_processor_busy_has_not_waited_longer_than_it_was_given(command: Command):
    spin = "for _ in range(6):\n    if os.fork() == 0:\n        while True:\n            pass\n"
    script = steps(BEGIN, "- {alice: shows, text: never, within: 1}")
    played = command.play(HEAD + ALICE + script + expect("{handshake: alice}"), client=CONNECT + spin + SLEEP)
    ended = [event for event in played.run.evidence.events if isinstance(event, StepEnded)][-1]
    assert "missed" == ended.outcome
    took = (ended.time - played.run.evidence.events[0].time) / 1e9
    assert 0 <= float(ended.detail["run_delay"] or 0) <= took  # six times that, were it a sum
    assert float(ended.detail["cpu"] or 0) > 0
    delays = [event.run_delay for event in played.run.evidence.events if isinstance(event, Sampled)]
    assert len(delays) > 1


def test_a_client_that_connects_for_each_message_owns_all_its_connections(command: Command):
    source = CONNECT + (
        "for _ in range(20):\n"
        "    other = socket.create_connection(('127.0.0.1', 12001))\n"
        "    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))\n"
        "    other.close()\n"  # by RST: it is gone before anybody can ask whose it was
        "print('done', flush=True)\n" + SLEEP
    )
    script = steps(BEGIN, "- {alice: shows, text: done, within: 9}")
    played = command.play(HEAD + ALICE + script + expect("{handshake: alice}"), client=source)
    owned = {event.port for event in played.run.evidence.events if isinstance(event, Owned) and event.actor == "alice"}
    assert 21 == len(played.connections)
    assert {connection.client.port for connection in played.connections} == owned


def test_ten_thousand_keys_at_a_keyboard_that_nobody_reads(command: Command):
    script = steps(BEGIN, f"- {{alice: type, text: {'x' * 10_000}}}", "- {alice: press, key: enter}", "- {wait: 0.1}")
    played = command.play(HEAD + ALICE + script, client=CONNECT + SLEEP)
    assert played.done.seconds < BOUND
    assert ["done", "done"] == played.outcomes[
        :2
    ]  # a terminal takes some keys even so; how many is the kernel's affair
    assert {"WL609"} >= {code for code, _ in played.codes}
