"""The lab client: sends what you type, answers heartbeats, shows broadcasts.   client.py [HOST [PORT]]

How it works. Two threads share one connection:

    main thread        keyboard ---------> MSG <text> ---------+
                                                               +--> lock --> socket
    receiver thread    HEARTBEAT <n> ----> HEARTBEAT-ACK <n> --+
                       BROADCAST <text> -> screen

How it ends. /quit, Ctrl-D, Ctrl-C, the server leaving, the server dying: each of them ends the main
thread's wait for the keyboard, and nothing else. From there one straight line, the end of main(), does
the rest: send our FIN, wait for the server's FIN, close. No thread is killed, none is forgotten.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

LINE_LIMIT = 4096  # bytes of one line on the wire, with its LF
TOO_LONG = b"\n" * LINE_LIMIT  # stands in for a longer one: no known message, and itself too long to send
CONNECT_TIMEOUT = 10  # seconds: enough for the SYN to be lost three times
SILENCE = 10  # seconds without a sign of life after which the kernel asks whether the server is still there
GRACE = 3  # seconds the server gets to answer our FIN
PROMPT = "Enter message to send: "

# The bell is a pipe that wakes the main thread when a signal comes or the server is gone. Nobody empties it.
# Why not KeyboardInterrupt? It strikes anywhere, even in the middle of cleaning up, and can come too late to
# end a blocking call. Here the signal itself writes (set_wakeup_fd); the handler does nothing, but must exist.
BELL, RING = os.pipe()
os.set_blocking(RING, False)
signal.set_wakeup_fd(RING, warn_on_full_buffer=False)
for _signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(_signal, lambda number, frame: None)

# The keyboard is opened anew, for reads that never block: Ctrl-C also throws away what was typed, perhaps
# between select() and read(). (Descriptor 0 itself must keep blocking: it is the shell's as well.)
KEYBOARD = 0
if os.isatty(KEYBOARD):
    with suppress(OSError):  # an error: a system without /dev/stdin, where we can live with it
        KEYBOARD = os.open("/dev/stdin", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)

screen_lock = threading.Lock()  # guards the screen: two threads print, and no line may land inside another


def show(text: str) -> None:
    """Print. Not with print(): on a closed terminal its buffer would fail again when the program exits."""
    data = text.encode(errors="replace")
    with screen_lock, suppress(OSError):  # an error: the terminal has been closed, and nobody reads this
        while data:
            data = data[os.write(1, data) :]


def split_lines(stream: bytes) -> tuple[list[bytes], bytes]:
    """Cut a stream into its complete lines (without LF or CR LF) and the rest. Only here is it known where lines end.

    TCP has no message boundaries: one recv() may bring half a line, ten lines, or half a Chinese character.
    What is too long already is cut, to spare the memory.
    """
    *lines, rest = stream.split(b"\n")
    return [line.rstrip(b"\r") if len(line) < LINE_LIMIT else TOO_LONG for line in lines], rest[:LINE_LIMIT]


class Connection:
    """The connection to the server, as both threads use it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.lock = threading.Lock()  # guards sending on sock, and `finished`
        self.finished = False  # our FIN is on its way
        # Written by either thread, read by main after it has joined the receiver: these need no lock.
        self.server_left = False
        self.failure: OSError | None = None

    def send(self, line: bytes) -> bool:
        """Send one line, whole; False if it is longer than the protocol allows."""
        if len(line) >= LINE_LIMIT:
            return False
        with self.lock:
            try:
                self.sock.sendall(line + b"\n")
            except BrokenPipeError:
                pass  # behind our FIN; or the connection has ended, and the receiver is about to read how
            except OSError as error:
                self.failure = error
        return True

    def finish(self) -> None:
        """Send our FIN, behind everything sent before. We can still receive."""
        with self.lock, suppress(OSError):  # an error: it has been reset, there is nothing left to shut down
            self.finished = True
            self.sock.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Make recv() and sendall() return, whatever the server does."""
        with suppress(OSError):  # as above
            self.sock.shutdown(socket.SHUT_RDWR)


def connect(host: str, port: int) -> socket.socket:
    """Connect to the server. Raises InterruptedError if the bell rings first, OSError if there is no server."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a pulled cable sends no FIN: ask, then give up
    for name, value in (("KEEPIDLE", SILENCE), ("KEEPINTVL", 2), ("KEEPCNT", 3), ("USER_TIMEOUT", SILENCE * 1000)):
        if hasattr(socket, "TCP_" + name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_" + name), value)
    sock.setblocking(False)  # only for the handshake: so that we can wait for it and for the bell
    with suppress(BlockingIOError):  # which says that the SYN is sent, and the answer is not here yet
        sock.connect((host, port))
    rung, done, _ = select.select([BELL], [sock], [], CONNECT_TIMEOUT)
    if not done:
        raise InterruptedError if rung else TimeoutError("no answer")
    if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))
    sock.setblocking(True)
    return sock


def receive(connection: Connection) -> None:
    """The receiver thread: reads until the server's FIN, or until the connection breaks; then rings the bell."""
    rest = b""
    try:
        while data := connection.sock.recv(65536):
            lines, rest = split_lines(rest + data)
            for line in lines:
                kind, space, text = line.partition(b" ")
                if kind == b"HEARTBEAT" and text.isdigit():
                    connection.send(b"HEARTBEAT-ACK " + text)
                elif kind == b"BROADCAST" and space:
                    show(f"\nBroadcast: {text.decode(errors='replace')}\n{PROMPT}")
                # Any other line is not for us: ignored, never fatal.
        connection.server_left = not connection.finished
        connection.finish()  # at once: a line sent now could hit a closed socket, and that answers with RST
    except OSError as error:
        connection.failure = error
    os.write(RING, b"!")


def typed_lines() -> Iterator[bytes]:
    """Each line typed, until /quit, end-of-file or the bell. Waits in select(), because input() is deaf to bells."""
    rest = b""
    ready: list[int] = []
    while BELL not in ready:
        ready, _, _ = select.select([KEYBOARD, BELL], [], [])
        if KEYBOARD in ready:
            data = b""  # means end-of-file
            with suppress(OSError):  # an error: the terminal is closed, or Ctrl-C has thrown away what was typed
                data = os.read(KEYBOARD, 65536)
            at_end = b"\n/quit\n" if rest else b"/quit\n"  # a line without Enter counts as well
            lines, rest = split_lines(rest + (data or at_end))
            for line in lines:
                if line.strip() == b"/quit":
                    return
                yield line


def main() -> int:
    """Returns the exit status."""
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = sys.argv[2] if len(sys.argv) > 2 else "12001"
    try:
        sock = connect(host, int(port))
    except InterruptedError:
        return 0
    except (OSError, ValueError, OverflowError) as error:  # the last two: a host or port that cannot be one
        show(f"Cannot connect to {host}:{port}: {getattr(error, 'strerror', None) or error}\n")
        return 1
    connection = Connection(sock)
    show(f"Connected to {host}:{port}\n{PROMPT}")
    receiver = threading.Thread(target=receive, args=(connection,), name="receiver")
    receiver.start()
    for line in typed_lines():
        select.select([BELL], [sock], [])  # if the server does not read, wait here: sendall() is deaf to bells
        if not connection.send(b"MSG " + line.decode(errors="replace").encode()):  # UTF-8, whatever came in
            show(f"Not sent: with MSG and its end, a line may have {LINE_LIMIT} bytes.\n")
        show(PROMPT)
    patience = threading.Timer(GRACE, connection.cut)
    patience.start()
    connection.finish()
    receiver.join()  # it reads on until the server's FIN, or until our patience ends
    patience.cancel()
    sock.close()
    if connection.failure:
        show(f"\nConnection lost: {connection.failure.strerror}\n")
        return 1
    show("\nThe server closed the connection.\n" if connection.server_left else "\n")
    return 0


if __name__ == "__main__":
    # Not sys.exit(): one more Ctrl-C can disturb the interpreter's own cleaning up. Ours is done: all
    # connections are closed, all threads have ended, and nothing waits in a buffer to be printed.
    os._exit(main())
