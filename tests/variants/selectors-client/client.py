"""Chat client in one thread: a selector watches keyboard, socket and Ctrl-C."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time

PROMPT = "Enter message to send: "
LONGEST_LINE = 4096
PATIENCE = 5.0  # seconds to wait for a server that does not answer


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


class Lines:
    """Cuts a byte stream into lines, wherever its pieces begin and end."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines


class Client:
    """The connection, what is still to be written to it, and the keyboard."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._received = Lines()
        self._typed = Lines()
        self._outgoing = bytearray()
        self._deadline: float | None = None  # set when we are quitting
        self._fin_sent = False
        self._selector = selectors.SelectSelector()  # takes files and /dev/null too
        self._selector.register(sock, selectors.EVENT_READ, self._socket_ready)
        self._selector.register(0, selectors.EVENT_READ, self._keyboard_ready)
        # a signal writes one byte here, so that none is lost between two calls of select()
        self._alarm, bell = socket.socketpair()
        bell.setblocking(False)
        self._bell = bell
        self._selector.register(self._alarm, selectors.EVENT_READ, self._interrupted)
        signal.set_wakeup_fd(bell.fileno())
        signal.signal(signal.SIGINT, lambda *_: None)

    def run(self) -> None:
        """Until both sides have sent FIN. Raises OSError when the server dies."""
        say(PROMPT, end="")
        while True:
            timeout = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            ready = self._selector.select(timeout)
            if not ready and timeout is not None:
                raise TimeoutError("no answer")
            for key, events in ready:
                if key.data(events) == "end":
                    return

    def _socket_ready(self, events: int) -> str | None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ:
            data = self._sock.recv(4096)
            if not data:
                if self._deadline is None:
                    say("\nThe server has closed the connection.")
                return "end"
            for line in self._received.feed(data):
                self._handle(line.removesuffix(b"\r"))
        return None

    def _handle(self, line: bytes) -> None:
        kind, space, rest = line.partition(b" ")
        if kind == b"HEARTBEAT" and rest.isdigit():
            self._write(b"HEARTBEAT-ACK " + rest + b"\n")
        elif kind == b"BROADCAST" and space:
            say("\nBroadcast: " + rest.decode(errors="replace"))
            say(PROMPT, end="")

    def _keyboard_ready(self, _events: int) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:  # the terminal is gone
            data = b""
        lines = self._typed.feed(data)
        if not data and self._typed.rest:
            lines.append(self._typed.rest)
        for line in lines:
            if line == b"/quit":
                return self._quit()
            if len(line) + len(b"MSG \n") > LONGEST_LINE:
                say("That line is too long, it was not sent.")
            elif line:
                self._write(b"MSG " + line + b"\n")
            say(PROMPT, end="")
        return None if data else self._quit()

    def _interrupted(self, _events: int) -> None:
        self._alarm.recv(4096)
        self._quit()

    def _quit(self) -> None:
        if self._deadline is None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
            self._deadline = time.monotonic() + PATIENCE
            self._selector.unregister(0)
            self._flush()

    def _write(self, line: bytes) -> None:
        if self._deadline is None:
            self._outgoing += line
            self._flush()

    def _flush(self) -> None:
        """Write what the socket takes; when nothing is left and we are quitting, FIN."""
        try:
            while self._outgoing:
                del self._outgoing[: self._sock.send(self._outgoing)]
        except BlockingIOError:
            pass
        if not self._outgoing and self._deadline is not None and not self._fin_sent:
            self._fin_sent = True
            self._sock.shutdown(socket.SHUT_WR)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        self._selector.modify(self._sock, wanted, self._socket_ready)


def main() -> int:
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        sock = socket.create_connection((host, port), timeout=PATIENCE)
    except OSError as error:
        say(f"Cannot connect to {host}:{port}: {error}")
        return 1
    except KeyboardInterrupt:
        return 0
    with sock:
        say(f"Connected to {host}:{port}")
        try:
            Client(sock).run()
        except OSError as error:
            say(f"\nThe connection to the server was lost: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
