"""The lab server: shows what clients send, checks their heartbeat, broadcasts what you type.   server.py [HOST [PORT]]

How it works. The main thread waits for the keyboard and for new clients. Each client has three threads:

    main thread      keyboard ------> BROADCAST <text> --+
    keeper thread    clock ---------> HEARTBEAT <n> -----+--> outbox --> writer thread --> socket
    reader thread    socket --------> MSG <text> --> screen

Only the writer writes to its socket, so lines cannot mix. If a client does not read, its writer is stuck
and its outbox grows, up to a limit; nobody else notices.

How it ends. /quit, Ctrl-D and Ctrl-C end the main thread's loop. It takes leave of every client and joins
the keepers; each of them brings its own connection to an orderly end. No thread is killed.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import socket
import sys
import threading
from contextlib import suppress

LINE_LIMIT = 4096  # bytes of one line on the wire, with its LF
TOO_LONG = b"\n" * LINE_LIMIT  # stands in for a longer one: no known message, and itself too long to send
OUTBOX_LIMIT = 10_000  # lines that may wait for a slow client before it is dropped
UNANSWERED_LIMIT = 3  # heartbeats in a row
GRACE = 3  # seconds a client gets to read what is left and to answer our FIN

# The bell is a pipe that wakes the main thread when a signal comes. Nobody empties it: rung is rung.
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

screen_lock = threading.Lock()  # guards the screen: all threads print, and no line may land inside another


def show(line: str) -> None:
    """Print a line. Not with print(): on a closed terminal its buffer would fail again when the program exits."""
    data = line.encode(errors="replace") + b"\n"
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


class Client:
    """One connected client: its socket, its outbox and its three threads."""

    def __init__(self, sock: socket.socket, address: tuple[str, int], interval: float) -> None:
        self.sock, self.address, self.interval = sock, address, interval
        self.sock.setblocking(True)
        self.outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # lines for the writer; brings its own lock
        self.leaving = threading.Event()  # one side leaves: no more heartbeats
        self.sent = self.answered = 0  # numbers of heartbeats: the newest one sent, the newest one answered
        self.pulse = threading.Lock()  # guards sent and answered
        self.keeper, self.writer, self.reader = (threading.Thread(target=t) for t in (self.keep, self.write, self.read))

    def post(self, line: bytes) -> None:
        """Leave a line for the writer. Never waits: a client that is too far behind is dropped instead."""
        self.outbox.put(line + b"\n")
        if self.outbox.qsize() > OUTBOX_LIMIT:
            self.cut()

    def leave(self) -> None:
        """No more heartbeats; and after what is in the outbox now, the writer sends our FIN."""
        self.leaving.set()
        self.outbox.put(b"")

    def cut(self) -> None:
        """Make recv() and sendall() return in their threads, whatever the client does."""
        with suppress(OSError):  # an error: it has been reset, there is nothing left to shut down
            self.sock.shutdown(socket.SHUT_RDWR)

    def write(self) -> None:
        """The writer thread."""
        with suppress(OSError):  # an error: the connection is gone, and the reader notices as well
            while line := self.outbox.get():
                self.sock.sendall(line)  # this takes as long as the client likes
            self.sock.shutdown(socket.SHUT_WR)

    def read(self) -> None:
        """The reader thread: until the client's FIN, or until the connection breaks."""
        rest = b""
        with suppress(OSError):  # an error: the client died
            while data := self.sock.recv(65536):
                lines, rest = split_lines(rest + data)
                for line in lines:
                    kind, space, text = line.partition(b" ")
                    if kind == b"MSG" and space:
                        show(f"Received from {self.address}: {text.decode(errors='replace')}")
                    elif kind == b"HEARTBEAT-ACK" and text.isdigit():
                        with self.pulse:
                            if self.answered < int(text) <= self.sent:
                                self.answered = int(text)
                    # Any other line is not for us: ignored, never fatal.
        self.leave()  # at once: a heartbeat to a client that has closed would be answered with RST

    def keep(self) -> None:
        """The keeper thread: sends heartbeats until either side leaves, then waits for the end and closes."""
        self.writer.start()
        self.reader.start()
        while not self.leaving.wait(self.interval):
            with self.pulse:  # a heartbeat is unanswered if, when the next is due, neither it nor a later one is
                silent = self.sent - self.answered >= UNANSWERED_LIMIT
                self.sent += 1
            if not silent:
                self.post(b"HEARTBEAT %d" % self.sent)
            else:
                show(f"No answer to {UNANSWERED_LIMIT} heartbeats from {self.address}")
                self.leave()
        patience = threading.Timer(GRACE, self.cut)
        patience.start()
        self.writer.join()  # our FIN is sent,
        self.reader.join()  # and the client's has come
        patience.cancel()
        with clients_lock:
            clients.remove(self)
        self.sock.close()  # all is read up to its FIN: closing with unread bytes would send RST
        show(f"Disconnected {self.address}")


clients: set[Client] = set()
clients_lock = threading.Lock()  # guards clients: nobody comes or goes in the middle of a broadcast


def broadcast(typed: bytes) -> None:
    line = b"BROADCAST " + typed.decode(errors="replace").encode()  # what goes out is UTF-8, whatever came in
    if len(line) >= LINE_LIMIT:
        return show(f"Not sent: with BROADCAST and its end, a line may have {LINE_LIMIT} bytes.")
    with clients_lock:
        for client in clients:
            client.post(line)


def accept(listener: socket.socket, interval: float) -> bool:
    """Let in everyone who waits at the door. False: someone has to wait on (too many open files, say)."""
    try:
        while True:
            client = Client(*listener.accept(), interval)
            with clients_lock:
                clients.add(client)
            show(f"Connected {client.address}")
            client.keeper.start()
    except BlockingIOError:  # the listener does not block: it says when there is no one
        return True
    except OSError:
        return False


def serve(listener: socket.socket, interval: float) -> None:
    """Let clients in and broadcast what is typed, until /quit, end-of-file or the bell."""
    rest = b""
    ready: list[int] = []
    door_is_free = True
    while BELL not in ready:
        # Who has to wait on at the door would make select() return without end: we look there again in a while.
        door = [listener.fileno()] if door_is_free else []
        ready, _, _ = select.select([KEYBOARD, BELL, *door], [], [], None if door else 0.1)
        door_is_free = accept(listener, interval)  # before the keyboard: who is here when a line is typed shall get it
        if KEYBOARD in ready:
            data = b""  # means end-of-file
            with suppress(OSError):  # an error: the terminal is closed, or Ctrl-C has thrown away what was typed
                data = os.read(KEYBOARD, 65536)
            at_end = b"\n/quit\n" if rest else b"/quit\n"  # a line without Enter counts as well
            lines, rest = split_lines(rest + (data or at_end))
            for line in lines:
                if line.strip() == b"/quit":
                    return
                broadcast(line)


def main() -> int:
    """Returns the exit status."""
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = sys.argv[2] if len(sys.argv) > 2 else "12001"
    seconds = os.environ.get("HEARTBEAT_INTERVAL", "5")
    interval = float(seconds) if seconds.replace(".", "", 1).isdecimal() else 0
    if not 0 < interval < 1e6:
        show(f"HEARTBEAT_INTERVAL must be a number of seconds, such as 5 or 0.2, and not {seconds!r}")
        return 2
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # start again at once, despite TIME_WAIT
        listener.bind((host, int(port)))
        listener.listen()
    except (OSError, ValueError, OverflowError) as error:  # the last two: a host or port that cannot be one
        show(f"Cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}")
        return 1
    listener.setblocking(False)
    show("Listening on {}:{}".format(*listener.getsockname()))

    serve(listener, interval)
    accept(listener, interval)  # closing the listener would reset those who still wait in its queue
    listener.close()
    with clients_lock:
        still_here = list(clients)
    for client in still_here:
        client.leave()
    for client in still_here:
        client.keeper.join()
    return 0


if __name__ == "__main__":
    # Not sys.exit(): one more Ctrl-C can disturb the interpreter's own cleaning up. Ours is done: all
    # connections are closed, all threads have ended, and nothing waits in a buffer to be printed.
    os._exit(main())
