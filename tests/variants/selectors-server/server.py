"""Chat server in one thread: a selector watches the keyboard, the listener and every client."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable

INTERVAL = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))
LONGEST_LINE = 4096
MISSED_LIMIT = 3
PATIENCE = 1.0  # seconds a client has for its FIN after ours


def say(text: str) -> None:
    print(text, flush=True)


class Client:
    """One accepted connection: its two buffers, its heartbeats, and whether it is leaving."""

    def __init__(self, sock: socket.socket, address: tuple[str, int]) -> None:
        self.sock = sock
        self.address = address
        self.incoming = b""
        self.outgoing = bytearray()
        self.sent = 0
        self.answered = 0
        self.next_beat = time.monotonic()  # the first one goes out at once
        self.deadline: float | None = None  # set when we want to part
        self.fin_sent = False


class Server:
    """The event loop."""

    def __init__(self, listener: socket.socket) -> None:
        self._clients: set[Client] = set()
        self._selector = selectors.SelectSelector()
        self._listener = listener
        self._typed = b""
        self._stopping = False
        self._alarm, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        signal.set_wakeup_fd(self._bell.fileno())
        signal.signal(signal.SIGINT, lambda *_: None)
        self._watch(listener, self._accept)
        self._watch(self._alarm, self._stop)
        self._watch(0, self._keyboard)

    def run(self) -> None:
        while self._clients or not self._stopping:
            for key, events in self._selector.select(self._tick()):
                if key.fd in self._selector.get_map():  # not if an event before this one has put an end to it
                    key.data(events)

    def _watch(self, thing: socket.socket | int, action: Callable[[int], None]) -> None:
        self._selector.register(thing, selectors.EVENT_READ, action)

    def _tick(self) -> float | None:
        """Do what is due; seconds until the next thing that will be."""
        now = time.monotonic()
        for client in list(self._clients):
            if client.deadline is not None:
                if client.deadline <= now:
                    self._remove(client)
            elif client.next_beat <= now:
                if client.sent - client.answered >= MISSED_LIMIT:
                    self._part(client)
                else:
                    client.sent += 1
                    client.next_beat = now + INTERVAL
                    self._write(client, f"HEARTBEAT {client.sent}\n".encode())
        moments = [client.next_beat if client.deadline is None else client.deadline for client in self._clients]
        if not moments:
            return 0.0 if self._stopping else None
        return max(0.0, min(moments) - time.monotonic())

    def _accept(self, _events: int = 0) -> None:
        sock, address = self._listener.accept()
        sock.setblocking(False)
        client = Client(sock, address)
        self._clients.add(client)
        self._selector.register(sock, selectors.EVENT_READ, lambda events: self._client_ready(client, events))
        say(f"Connected {address}")

    def _client_ready(self, client: Client, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush(client)
        if events & selectors.EVENT_READ and client in self._clients:
            try:
                data = client.sock.recv(65536)
            except OSError:
                data = b""
            if not data:
                return self._remove(client)
            *lines, client.incoming = (client.incoming + data).split(b"\n")
            for line in lines:
                if len(line) < LONGEST_LINE:
                    self._handle(client, line.removesuffix(b"\r"))

    def _handle(self, client: Client, line: bytes) -> None:
        kind, space, rest = line.partition(b" ")
        if kind == b"MSG" and space:
            say(f"Received from {client.address}: {rest.decode(errors='replace')}")
        elif kind == b"HEARTBEAT-ACK" and rest.isdigit() and client.answered < int(rest) <= client.sent:
            client.answered = int(rest)

    def _keyboard(self, _events: int) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:  # the terminal is gone
            data = b""
        *lines, self._typed = (self._typed + data).split(b"\n")
        if not data and self._typed:
            lines.append(self._typed)
        for line in lines:
            if line == b"/quit":
                return self._stop()
            if len(line) + len(b"BROADCAST \n") > LONGEST_LINE:
                say("That line is too long, it was not sent.")
            elif line:
                for client in list(self._clients):
                    self._write(client, b"BROADCAST " + line + b"\n")
        if not data:
            self._stop()

    def _stop(self, _events: int = 0) -> None:
        """Part from everybody, also from those who have connected but wait to be accepted."""
        if self._stopping:
            return
        self._stopping = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for source in (self._alarm, self._listener, 0):
            self._selector.unregister(source)
        try:
            while True:
                self._accept()
        except BlockingIOError:
            self._listener.close()
        for client in list(self._clients):
            self._part(client)

    def _part(self, client: Client) -> None:
        client.deadline = time.monotonic() + PATIENCE
        self._flush(client)

    def _remove(self, client: Client) -> None:
        self._clients.remove(client)
        self._selector.unregister(client.sock)
        client.sock.close()
        say(f"Disconnected {client.address}")

    def _write(self, client: Client, line: bytes) -> None:
        if client.deadline is None:
            client.outgoing += line
            self._flush(client)

    def _flush(self, client: Client) -> None:
        """Write what the socket takes; when nothing is left and we want to part, FIN."""
        try:
            while client.outgoing:
                del client.outgoing[: client.sock.send(client.outgoing)]
            if client.deadline is not None and not client.fin_sent:
                client.fin_sent = True
                client.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:  # reset
            return self._remove(client)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.outgoing else 0)
        self._selector.modify(client.sock, wanted, self._selector.get_key(client.sock).data)


def main() -> int:
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        listener = socket.create_server((host, port))  # sets SO_REUSEADDR
    except OSError as error:
        say(f"Cannot listen on {host}:{port}: {error}")
        return 1
    listener.setblocking(False)
    say(f"Listening on {host}:{port}")
    Server(listener).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
