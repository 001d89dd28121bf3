"""Chat server on the standard library's socketserver: a StreamRequestHandler for each client, in a thread of its own.

The main thread types, a second one accepts, each client has a reader (``handle``) and a clock. No thread is a daemon:
whoever starts one ends it and waits for it, so that nothing runs any more when Python shuts down.
"""

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
        clock = threading.Thread(target=self.heartbeats)
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
        finally:
            self.ended.set()
            clock.join()

    def finish(self) -> None:
        self.server.leave(self)
        self.part()
        super().finish()
        say(f"Disconnected {self.client_address}")

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
                if not self.ended.wait(PATIENCE):
                    self.cut()
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
        """FIN, once. What the client still sends is read until its own FIN."""
        with self.sending:
            if not self.parting:
                self.parting = True
                try:
                    self.request.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

    def cut(self) -> None:
        """End the read that waits for the client, whatever comes."""
        try:
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class ChatServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False  # server_close() waits for every thread that was started for a client
    request_queue_size = 64

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, Visit)
        self.visits: set[Visit] = set()
        self.closing = False
        self.door = threading.Lock()  # guards both

    def enter(self, visit: Visit) -> None:
        with self.door:
            self.visits.add(visit)
            too_late = self.closing
        if too_late:
            visit.part()

    def leave(self, visit: Visit) -> None:
        with self.door:
            self.visits.discard(visit)

    def everybody(self) -> list[Visit]:
        with self.door:
            return list(self.visits)

    def broadcast(self, text: str) -> None:
        data = b"BROADCAST " + text.encode(errors="replace") + b"\n"
        if len(data) > LONGEST_LINE:
            say("That line is too long, it was not sent.")
            return
        for visit in self.everybody():
            visit.send(data)

    def say_goodbye(self) -> None:
        """FIN to everybody. Whoever has not answered with its own after a second is cut off."""
        with self.door:
            self.closing = True
        for visit in self.everybody():
            visit.part()
        deadline = threading.Timer(PATIENCE, self.cut_everybody)
        deadline.start()
        self.server_close()
        deadline.cancel()
        deadline.join()

    def cut_everybody(self) -> None:
        for visit in self.everybody():
            visit.cut()

    def shutdown_request(self, request: socket.socket) -> None:
        """Without the shutdown() that socketserver puts before close(): our FIN has gone out already."""
        request.close()


def interrupted(number: int, frame: object) -> None:
    """The first Ctrl-C ends the typing; a second must not disturb the goodbye."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        server = ChatServer((host, port))
    except OSError as error:
        say(f"Cannot listen on {host}:{port}: {error}")
        return 1
    accepting = threading.Thread(target=server.serve_forever, args=(0.02,))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from here on somebody has to end that thread
    accepting.start()
    try:
        signal.signal(signal.SIGINT, interrupted)
        say(f"Listening on {host}:{port}")
        for line in sys.stdin:
            text = line.rstrip("\n")
            if text == "/quit":
                break
            server.broadcast(text)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        pass
    server.shutdown()
    accepting.join()
    server.say_goodbye()
    return 0


if __name__ == "__main__":
    sys.exit(main())
