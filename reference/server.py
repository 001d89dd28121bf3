"""The lab server: shows what clients send, checks their heartbeat, broadcasts what you type.   server.py [HOST [PORT]]

How it works. The main thread waits for the keyboard and for new clients, never for one that is connected
already. Each client has two threads of its own:

    main thread      keyboard ------> BROADCAST <text> --+
                                                         +--> outbox --> writer --> socket
    reader thread    clock ---------> HEARTBEAT <n> -----+
                     socket --------> MSG <text> --> screen

Only the writer writes to its socket, so lines cannot mix. If a client does not read, its writer is stuck
and its outbox grows, up to a limit; nobody else notices.

How it ends. /quit, Ctrl-D and Ctrl-C end the main thread's loop. It tells the readers that we are closing
and joins them; each reader brings its own connection to an orderly end. No thread is killed.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

LINE_LIMIT = 4096  # bytes of one line on the wire, with its LF
TOO_LONG = b"\n" * LINE_LIMIT  # stands in for a longer one: no known message, and itself too long to send
OUTBOX_LIMIT = 8 << 20  # bytes that may wait for a slow client before it is dropped
UNANSWERED_LIMIT = 3  # heartbeats in a row
GRACE = 3  # seconds a client gets to read what is left and to answer our FIN
SCREEN = 1  # file descriptor

# The bell is a pipe that wakes the main thread when a signal comes. Nobody empties it: rung is rung.
# Why not KeyboardInterrupt? It strikes anywhere, even in the middle of cleaning up; and CPython can miss a
# Ctrl-C that comes just before a blocking call. Here the signal itself writes (set_wakeup_fd), and select()
# cannot overlook that. The handler does nothing, but must exist.
BELL, RING = os.pipe()
os.set_blocking(RING, False)
signal.set_wakeup_fd(RING, warn_on_full_buffer=False)
for _signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(_signal, lambda number, frame: None)

# The keyboard is opened anew, for reads that never block: Ctrl-C also throws away what was typed and not yet
# read, perhaps between select() saying "ready" and our read(). (Setting descriptor 0 itself to non-blocking
# would do the same to the screen and to the shell, because they share one open terminal.)
KEYBOARD = 0
if os.isatty(KEYBOARD):
    with suppress(OSError):  # an error: a system without /dev/stdin, where we can live with it
        KEYBOARD = os.open("/dev/stdin", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
CLOSING, CLOSE = os.pipe()  # a second bell, for the readers: what was typed is in the outboxes, now we close

screen_lock = threading.Lock()  # guards the screen: all threads print, and no line may land inside another


def show(line: str) -> None:
    """Print a line. Not with print(): on a closed terminal its buffer would fail again when the program exits."""
    data = line.encode(errors="replace") + b"\n"
    with screen_lock, suppress(OSError):  # an error: the terminal has been closed, and nobody reads this
        while data:
            data = data[os.write(SCREEN, data) :]


def split_lines(stream: bytes) -> tuple[list[bytes], bytes]:
    """Cut a stream into its complete lines (without LF or CR LF) and the rest, which has not ended yet.

    The only place that knows where a line ends. TCP has no message boundaries: one recv() may bring half a
    line, ten lines, or half a Chinese character. What is too long already is cut, to spare the memory.
    """
    *lines, rest = stream.split(b"\n")
    return [line.rstrip(b"\r") if len(line) < LINE_LIMIT else TOO_LONG for line in lines], rest[:LINE_LIMIT]


class Client:
    """One connected client: its socket, its outbox and its two threads."""

    def __init__(self, sock: socket.socket, address: tuple[str, int], interval: float) -> None:
        self.sock, self.address, self.interval = sock, address, interval
        self.outbox = bytearray()  # lines that wait for the writer
        self.leaving = False  # the outbox takes no more; once it is empty, our FIN follows
        self.mail = threading.Condition()  # guards outbox and leaving; notified when either changes
        self.reader = threading.Thread(target=self.read, name=f"reader {address[1]}")

    def post(self, line: bytes) -> None:
        """Leave a line for the writer. Never waits: a client that is too far behind is dropped instead."""
        with self.mail:
            if not self.leaving:
                self.outbox += line + b"\n"
                self.mail.notify()
                if len(self.outbox) > OUTBOX_LIMIT:
                    self.leaving = True
                    self.cut()

    def leave(self) -> None:
        """No more lines: let the writer send what is in the outbox, and then our FIN."""
        with self.mail:
            self.leaving = True
            self.mail.notify()

    def cut(self) -> None:
        """Make recv() and sendall() return in both threads, whatever the client does."""
        with suppress(OSError):  # an error: it has been reset, there is nothing left to shut down
            self.sock.shutdown(socket.SHUT_RDWR)

    def write(self) -> None:
        """The writer thread."""
        with suppress(OSError):  # an error: the connection is gone. The reader notices as well, and clears up
            while True:
                with self.mail:
                    self.mail.wait_for(lambda: self.outbox or self.leaving)
                    data, self.outbox = self.outbox, bytearray()
                if not data:
                    return self.sock.shutdown(socket.SHUT_WR)
                self.sock.sendall(data)  # without the lock: this takes as long as the client likes

    def read(self) -> None:
        """The reader thread: owns the connection from first to last, and alone closes it."""
        writer = threading.Thread(target=self.write, name=f"writer {self.address[1]}")
        writer.start()
        with suppress(OSError):  # an error: the client died
            self.converse()
        self.leave()  # first of all: a heartbeat to a client that has closed would be answered with RST
        writer.join(GRACE)
        self.cut()
        writer.join()
        with clients_lock:
            clients.remove(self)
        self.sock.close()  # all is read up to its FIN: closing with unread bytes would send RST
        show(f"Disconnected {self.address}")

    def converse(self) -> None:
        """Read lines and send heartbeats until the client's FIN; if we close first, for GRACE seconds more."""
        rest = b""
        sent = answered = 0  # numbers of the newest heartbeat sent, and of the newest one answered
        closing = False
        alarm = time.monotonic() + self.interval  # when to send a heartbeat; or, closing, when to give up
        events = select.poll()
        events.register(self.sock, select.POLLIN)
        events.register(CLOSING, select.POLLIN)
        while True:
            ready = [fd for fd, _ in events.poll(max(0.0, alarm - time.monotonic()) * 1000)]
            if self.sock.fileno() in ready:
                data = self.sock.recv(65536)
                if not data:
                    return
                lines, rest = split_lines(rest + data)
                for line in lines:
                    kind, space, text = line.partition(b" ")
                    if kind == b"MSG" and space:
                        show(f"Received from {self.address}: {text.decode(errors='replace')}")
                    elif kind == b"HEARTBEAT-ACK" and text.isdigit() and answered < int(text) <= sent:
                        answered = int(text)
                    # Any other line is not for us: ignored, never fatal.
            if CLOSING not in ready and time.monotonic() < alarm:
                continue
            if closing:
                return self.cut()
            # A heartbeat is unanswered if the next is due and no answer to it, or to a later one, has come:
            # a silent client is dropped when the fourth would be sent, one interval after the third.
            silent = sent - answered >= UNANSWERED_LIMIT
            if silent or CLOSING in ready:
                if silent:
                    show(f"No answer to {UNANSWERED_LIMIT} heartbeats from {self.address}")
                closing = True
                events.unregister(CLOSING)
                self.leave()
                alarm = time.monotonic() + GRACE
            else:
                sent += 1
                self.post(b"HEARTBEAT %d" % sent)
                alarm = time.monotonic() + self.interval


clients: set[Client] = set()
clients_lock = threading.Lock()  # guards clients: nobody comes or goes in the middle of a broadcast


def accept(listener: socket.socket, interval: float) -> None:
    """Let in everyone who waits at the door. The listener does not block: it says when there is no one."""
    while True:
        try:
            sock, address = listener.accept()
        except OSError:
            return
        sock.setblocking(True)
        client = Client(sock, address, interval)
        with clients_lock:
            clients.add(client)
        show(f"Connected {address}")
        client.reader.start()


def broadcast(typed: bytes) -> None:
    line = b"BROADCAST " + typed.decode(errors="replace").encode()  # what goes out is UTF-8, whatever came in
    if len(line) >= LINE_LIMIT:
        return show(f"Not sent: with BROADCAST and its end, a line may have {LINE_LIMIT} bytes.")
    with clients_lock:
        for client in clients:
            client.post(line)


def serve(listener: socket.socket, interval: float) -> None:
    """Let clients in and broadcast what is typed, until /quit, end-of-file or the bell."""
    rest = b""
    while True:
        ready, _, _ = select.select([listener.fileno(), KEYBOARD, BELL], [], [])
        accept(listener, interval)  # before the keyboard: who is connected when a line is typed shall get it
        if KEYBOARD in ready:
            try:
                data = os.read(KEYBOARD, 65536)
            except BlockingIOError:
                continue  # thrown away by Ctrl-C: the bell has rung
            except OSError:
                data = b""  # the terminal has been closed
            last = b"\n" if rest else b""  # at end-of-file, a line without Enter counts as well
            lines, rest = split_lines(rest + (data or last))
            for line in lines:
                if line.strip() == b"/quit":
                    return
                broadcast(line)
            if not data:
                return
        if BELL in ready:
            return


def main() -> int:
    """Returns the exit status."""
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = sys.argv[2] if len(sys.argv) > 2 else "12001"
    seconds = os.environ.get("HEARTBEAT_INTERVAL", "5")
    try:
        interval = float(seconds)
    except ValueError:
        interval = 0
    if not 0 < interval < 1e6:  # this refuses "nan" as well
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
    os.write(CLOSE, b"!")
    with clients_lock:
        still_here = list(clients)
    for client in still_here:
        client.reader.join()
    return 0


if __name__ == "__main__":
    status = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more Ctrl-C must not disturb the interpreter's own exit
    sys.exit(status)
