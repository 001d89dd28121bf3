"""Chat server on the standard library's socketserver: a StreamRequestHandler for each client, in a thread of its own."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import struct
import sys
import threading

INTERVAL = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))
LONGEST_LINE = 4096
MISSED_LIMIT = 3
PATIENCE = 1.0  # seconds a client has for its FIN after ours

screen = threading.Lock()


def say(text: str) -> None:
    with screen:
        print(text, flush=True)


class Visit(socketserver.StreamRequestHandler):
    """One connection, from Connected to Disconnected. ``rfile`` is a buffered reader, so a line is a line."""

    server: ChatServer

    def setup(self) -> None:
        super().setup()
        self.sending = threading.Lock()
        self.parting = False  # guarded by sending
        self.ended = threading.Event()
        self.sent = self.answered = 0
        # Whoever reads nothing for so long is given up, so that nobody else has to wait for it.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 200_000))
        self.server.enter(self)
        say(f"Connected {self.client_address}")

    def handle(self) -> None:
        clock = threading.Thread(target=self.heartbeats, daemon=True)
        clock.start()
        try:
            while line := self.rfile.readline(LONGEST_LINE):
                if line.endswith(b"\n"):
                    self.understand(line.rstrip(b"\r\n"))
                else:  # too long, or cut off by the end of the stream: skip what is left of it
                    while line and not line.endswith(b"\n"):
                        line = self.rfile.readline(LONGEST_LINE)
        except OSError:
            pass  # a reset is one more way to leave

    def finish(self) -> None:
        self.ended.set()
        self.part()
        try:
            super().finish()
        except OSError:
            pass
        say(f"Disconnected {self.client_address}")
        self.server.leave(self)

    def understand(self, line: bytes) -> None:
        kind, space, rest = line.partition(b" ")
        if kind == b"MSG" and space:
            say(f"Received from {self.client_address}: {rest.decode(errors='replace')}")
        elif kind == b"HEARTBEAT-ACK" and rest.isdigit() and self.answered < int(rest) <= self.sent:
            self.answered = int(rest)

    def heartbeats(self) -> None:
        while not self.ended.wait(INTERVAL):
            if self.sent - self.answered >= MISSED_LIMIT:
                self.part()
                self.see_off()
                return
            self.sent += 1
            self.send(b"HEARTBEAT %d\n" % self.sent)

    def send(self, line: bytes) -> None:
        with self.sending:
            if self.parting:
                return
            try:
                self.request.sendall(line)
            except OSError:  # it has left, or reads nothing: half a line may be out, so nothing can follow
                self.parting = True
                self.cut()

    def part(self) -> None:
        """FIN, once."""
        with self.sending:
            if not self.parting:
                self.parting = True
                try:
                    self.request.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

    def see_off(self) -> None:
        """Give the client a moment for its FIN, then end the read that waits for it."""
        if not self.ended.wait(PATIENCE):
            self.cut()

    def cut(self) -> None:
        try:
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class ChatServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, Visit)
        self.visits: set[Visit] = set()
        self.door = threading.Condition()

    def enter(self, visit: Visit) -> None:
        with self.door:
            self.visits.add(visit)

    def leave(self, visit: Visit) -> None:
        with self.door:
            self.visits.discard(visit)
            self.door.notify_all()

    def wait_until_empty(self, seconds: float) -> None:
        with self.door:
            self.door.wait_for(lambda: not self.visits, seconds)

    def shutdown_request(self, request: socket.socket) -> None:
        """Without the shutdown() that socketserver puts before close(): our FIN has gone out already."""
        request.close()

    def everybody(self) -> list[Visit]:
        with self.door:
            return list(self.visits)


def main() -> int:
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        server = ChatServer((host, port))
    except OSError as error:
        say(f"Cannot listen on {host}:{port}: {error}")
        return 1
    say(f"Listening on {host}:{port}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        for line in sys.stdin:
            text = line.rstrip("\n")
            if text == "/quit":
                break
            data = b"BROADCAST " + text.encode(errors="replace") + b"\n"
            if len(data) > LONGEST_LINE:
                say("That line is too long, it was not sent.")
                continue
            for visit in server.everybody():
                visit.send(data)
    except KeyboardInterrupt:
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.shutdown()
    server.server_close()
    staying = server.everybody()
    for visit in staying:
        visit.part()
    seeing_off = [threading.Thread(target=visit.see_off) for visit in staying]
    for thread in seeing_off:
        thread.start()
    for thread in seeing_off:
        thread.join()
    server.wait_until_empty(PATIENCE)
    return 0


if __name__ == "__main__":
    os._exit(main())  # a daemon thread that prints while Python shuts down would crash it
