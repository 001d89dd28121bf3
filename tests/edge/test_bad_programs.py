"""Students' programs that misbehave: each gets the finding that names it, in bounded time, and leaves nobody behind."""

from __future__ import annotations

import textwrap

import pytest

from tests.edge.command import ALICE, BEGIN, HEAD, SERVER, Command, expect, steps

LESSON = (
    steps(
        BEGIN.replace("Connected to}", "Connected to, within: 1}"),
        """
        - {alice: type, text: hello}
        - {server: shows, text: "): hello", within: 1}
        - {alice: type, text: /quit}
        - {alice: exits, status: 0, within: 1}
        """,
    )
    + expect("{handshake: alice}", "{messages: alice, sent: [hello]}", "{teardown: alice, first: alice}")
)
CONNECT = """\
import os, select, signal, socket, struct, sys, threading, time
wire = socket.create_connection(("127.0.0.1", 12001))
print("Connected to 127.0.0.1:12001", flush=True)
"""
TALK = """
def talk():
    for line in sys.stdin:
        if line == "/quit\\n":
            break
        wire.sendall(b"MSG " + line.encode())
    wire.shutdown(socket.SHUT_WR)
    while wire.recv(4096):
        pass
    wire.close()
talk()
"""


def program(*parts: str) -> str:
    return "".join(textwrap.dedent(part) + "\n" for part in parts)



CLIENTS: dict[str, tuple[str, set[tuple[str, str | None]], int]] = {
    "exits at once": ("raise SystemExit(3)", {("WL104", "alice")}, 1),
    "prints nothing": ("import time; time.sleep(100)", {("WL104", "alice")}, 1),
    "prints 100 MB": (
        program(CONNECT, "for _ in range(100):\n    os.write(1, b'spam ham ' * 111_111)", TALK),
        {("WL607", "alice")},
        1,
    ),
    "ignores every signal": (
        program(
            CONNECT,
            """
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            wire.sendall(b"MSG hello\\n")
            while True:
                time.sleep(1)
            """,
        ),
        {("WL601", "alice")},
        1,
    ),
    "forks a daemon": (
        program(
            CONNECT,
            """
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        wire.close()
                        os.closerange(0, 3)
                        signal.signal(signal.SIGTERM, signal.SIG_IGN)
                        while True:
                            time.sleep(1)
                    os._exit(0)
            """,
            TALK,
        ),
        set(),
        0,
    ),
    "its daemon keeps the socket": (
        program(CONNECT, "if os.fork() == 0:\n    os.setsid()\n    while True:\n        time.sleep(1)", "os._exit(0)"),
        {("WL608", "alice")},
        1,
    ),
    "closes its terminal": (
        program(CONNECT, "wire.sendall(b'MSG hello\\n')\nos.closerange(0, 3)\nwhile True:\n    time.sleep(1)"),
        {("WL601", "alice")},
        1,
    ),
    "stops itself": (
        program(CONNECT, "wire.sendall(b'MSG hello\\n')\nos.kill(0, signal.SIGSTOP)"),
        {("WL601", "alice")},
        1,
    ),
    "leaves zombies": (
        program(CONNECT, "for _ in range(20):\n    if os.fork() == 0:\n        os._exit(0)", TALK),
        set(),
        0,
    ),
    "connects twice": (
        program(CONNECT, "wire = socket.create_connection(('127.0.0.1', 12001))", TALK),
        set(),
        0,
    ),
    "connects and is gone": (program(CONNECT, "wire.close()"), {("WL608", "alice")}, 1),
    "connects to ::1": (
        "import socket; socket.create_connection(('::1', 12001))",
        {("WL104", "alice")},
        1,
    ),
    "connects to 127.0.0.2": (
        "import socket; socket.create_connection(('127.0.0.2', 12001))",
        {("WL104", "alice")},
        1,
    ),
    "prints junk": (
        program(
            CONNECT,
            """
            junk = bytes(range(256)) + b"\\xe4\\xbd" + b"\\x1b[2J\\x1b]0;title\\x07\\x1bP0q\\x1b\\\\\\xc2\\x9b31m\\x1b[?1049h"
            os.write(1, junk * 20 + b"\\n")
            os.write(1, "\\u202e\\u2066 half a character: \\u4f60".encode()[:-1])
            """,
            TALK,
        ),
        set(),
        0,
    ),
    "ends by SIGSEGV": (
        program(CONNECT, "wire.sendall(b'MSG hello\\n')\nsys.stdin.readline()\ntime.sleep(0.1)\nos.kill(os.getpid(), signal.SIGSEGV)"),
        {("WL603", "alice")},
        1,
    ),
    "loses a thread": (
        program(CONNECT, "thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()", TALK),
        {("WL606", "alice")},
        1,
    ),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_bad_client(command: Command, name: str):
    source, codes, status = CLIENTS[name]
    played = command.play(HEAD + ALICE + LESSON, client=source)
    print(played.done.out[-3000:], played.done.seconds)
    assert codes == played.codes
    assert status == played.done.status
