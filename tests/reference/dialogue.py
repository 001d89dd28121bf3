"""Plays against the reference programs: a program on a terminal or on pipes, and the other side by hand.

Every wait here has a bound and waits for an event. Whatever a program prints is kept, and a
traceback anywhere in it fails the test that started the program.
"""

from __future__ import annotations

import io
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pexpect

REFERENCE = Path(__file__).parents[2] / "reference"
Tuned = dict[str, float]
BOUND = 30.0  # seconds for anything that takes milliseconds on an idle machine


def environment(**more: str) -> dict[str, str]:
    """What programs are started with: nothing of the developer's own Python settings, no heartbeat unless asked for."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
    return mine | {"HEARTBEAT_INTERVAL": "60", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"} | more


def command(role: str, host: str, port: int, tuned: Tuned) -> list[str]:
    """How ``reference/<role>.py`` is started; ``tuned`` overrides its constants, to spare tests the long bounds.

    With -S, which leaves the installed packages out: the programs need none, and start in half the time.
    """
    if not tuned:
        return [sys.executable, "-S", str(REFERENCE / f"{role}.py"), host, str(port)]
    settings = "; ".join(f"{role}.{name} = {value}" for name, value in tuned.items())
    code = f"import sys; sys.path.insert(0, {str(REFERENCE)!r}); import {role}; {settings}; sys.exit({role}.main())"
    return [sys.executable, "-S", "-c", code, host, str(port)]


def ended(pid: int) -> bool:
    """Wait until a process has ended; False when the bound is reached first."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True  # pexpect has reaped it already
    try:
        return bool(select.select([descriptor], [], [], BOUND)[0])
    finally:
        os.close(descriptor)


def spawn(argv: list[str], env: dict[str, str]) -> Any:  # Any: types-pexpect does not know .ptyproc
    return pexpect.spawn(argv[0], argv[1:], env=env, timeout=BOUND, encoding="utf-8", dimensions=(24, 4000))


class OnTerminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, role: str, host: str, port: int, *, tuned: Tuned, **env: str) -> None:
        self.child = spawn(command(role, host, port, tuned), environment(**env))
        self.child.delaybeforesend = None
        self.child.delayafterclose = 0
        self.child.ptyproc.delayafterclose = 0
        self.log = io.StringIO()
        self.child.logfile_read = self.log

    @property
    def pid(self) -> int:
        return int(self.child.pid)

    def shows(self, *texts: str) -> None:
        """Each of the texts appears, in this order."""
        for text in texts:
            self.child.expect_exact(text)

    def finds(self, pattern: str) -> re.Match[str]:
        self.child.expect(pattern)
        assert isinstance(self.child.match, re.Match)
        return self.child.match

    def type(self, text: str, *, enter: bool = True) -> None:
        self.child.send(text + "\n" * enter)

    def press(self, key: str) -> None:
        self.child.send({"ctrl-c": "\x03", "ctrl-d": "\x04"}[key])

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal under the program, as closing its window does."""
        self.child.ptyproc.fileobj.close()

    def exits(self) -> int:
        """The exit status, or minus the number of the signal that killed it."""
        if not self.child.ptyproc.fileobj.closed:
            self.child.expect(pexpect.EOF)
        assert ended(self.pid), "the program does not exit"
        self.child.wait()
        return self.child.exitstatus if self.child.exitstatus is not None else -int(self.child.signalstatus or 0)

    def leave(self, how: str) -> None:
        """Any of the ways to end a program that all mean the same."""
        match how:
            case "/quit":
                self.type("/quit")
            case "ctrl-c" | "ctrl-d":
                self.press(how)
            case "hang up":
                self.hang_up()
            case _:
                self.signal(signal.Signals[how])

    def said(self) -> str:
        return self.log.getvalue()

    def close(self) -> None:
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            assert ended(self.pid)
        self.child.close()


WAYS_TO_LEAVE = ("/quit", "ctrl-d", "ctrl-c", "SIGTERM", "SIGHUP", "hang up")


class OnPipes:
    """A program with pipes for keyboard and screen: for large amounts, and for what a terminal does not let through."""

    def __init__(self, role: str, host: str, port: int, *, tuned: Tuned, **env: str) -> None:
        self.process = subprocess.Popen(
            command(role, host, port, tuned),
            env=environment(**env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.log = b""

    @property
    def pid(self) -> int:
        return self.process.pid

    def type(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end_of_file(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    @property
    def keyboard(self) -> int:
        """The descriptor that feeds the program's keyboard."""
        assert self.process.stdin is not None
        return self.process.stdin.fileno()

    def close_screen(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()

    def finds(self, pattern: bytes) -> re.Match[bytes]:
        assert self.process.stdout is not None
        while not (match := re.search(pattern, self.log)):
            assert select.select([self.process.stdout], [], [], BOUND)[0], f"{pattern!r} is not in {self.log!r}"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"the program ended, and {pattern!r} is not in {self.log!r}"
            self.log += piece
        return match

    def exits(self) -> int:
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.log += self.process.stdout.read()
        return self.process.wait(BOUND)

    def said(self) -> str:
        return self.log.decode(errors="replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait(BOUND)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


class Peer:
    """The other side of a connection, played by hand. ECONNRESET from any call fails the test: nobody sends RST."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(BOUND)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    @property
    def name(self) -> str:
        """The address as the server prints it."""
        return str(self.sock.getsockname())

    def send(self, *pieces: bytes) -> None:
        """Each piece is a segment of its own, unless the kernel is in a hurry."""
        for piece in pieces:
            self.sock.sendall(piece)

    def line(self) -> bytes:
        """The next line, without its LF."""
        while b"\n" not in self.buffer:
            piece = self.sock.recv(1 << 20)
            assert piece, f"the other side sent FIN after {self.buffer!r}"
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def lines(self, count: int) -> list[bytes]:
        return [self.line() for _ in range(count)]

    def end(self) -> None:
        """Nothing more, and then FIN."""
        assert (b"", b"") == (self.buffer, self.sock.recv(1 << 20))

    def finish(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def was_reset(self) -> bool:
        """Whether a RST has come in since the last call."""
        return self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def close(self) -> None:
        self.sock.close()


class Table:
    """Where a test sits down: it starts programs and connects to them, and everything ends with the test."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.programs: list[OnTerminal | OnPipes] = []

    def on_terminal(
        self, role: str, port: int = 0, /, *, host: str = "127.0.0.1", tuned: Tuned | None = None, **env: str
    ) -> OnTerminal:
        program = OnTerminal(role, host, port, tuned=tuned or {}, **env)
        self.programs.append(program)
        self.stack.callback(program.close)
        return program

    def on_pipes(
        self, role: str, port: int = 0, /, *, host: str = "127.0.0.1", tuned: Tuned | None = None, **env: str
    ) -> OnPipes:
        program = OnPipes(role, host, port, tuned=tuned or {}, **env)
        self.programs.append(program)
        self.stack.callback(program.close)
        return program

    def listen(self, backlog: int = 8) -> socket.socket:
        """A listening socket on a port of the kernel's choice, for a client under test."""
        listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=backlog))
        listener.settimeout(BOUND)
        return listener

    def accept(self, listener: socket.socket) -> Peer:
        return self._peer(listener.accept()[0])

    def connect(self, port: int, receive_buffer: int = 0) -> Peer:
        """A client for a server under test."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer = self._peer(sock)
        sock.connect(("127.0.0.1", port))
        return peer

    def _peer(self, sock: socket.socket) -> Peer:
        peer = Peer(sock)
        self.stack.callback(peer.close)
        return peer


@contextmanager
def table() -> Iterator[Table]:
    here = Table()
    with here.stack:
        yield here
    for program in here.programs:
        said = program.said()
        assert "Traceback" not in said, said


def server_on_terminal(here: Table, tuned: Tuned | None = None, **env: str) -> tuple[OnTerminal, int]:
    """A server and the port it listens on."""
    server = here.on_terminal("server", tuned=tuned, **env)
    return server, int(server.finds(r"Listening on 127\.0\.0\.1:(\d+)\r\n")[1])


def connected_client(here: Table) -> tuple[OnTerminal, Peer]:
    """A client that has shown its first prompt, and its server."""
    listener = here.listen()
    client = here.on_terminal("client", listener.getsockname()[1])
    peer = here.accept(listener)
    client.shows(f"Connected to 127.0.0.1:{listener.getsockname()[1]}\r\n", "Enter message to send: ")
    return client, peer


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal now (``SigCgt`` in proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"SigCgt:\s*(\w+)", status)
    assert found is not None
    return bool(int(found[1], 16) >> (number - 1) & 1)


def peak_memory(pid: int) -> int:
    """The most bytes of memory that a process has ever had (``VmHWM`` in proc(5))."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace"))
    assert found is not None
    return int(found[1]) * 1024
