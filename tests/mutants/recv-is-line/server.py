"""Chat server in one thread, with select()."""

import os
import re
import select
import signal
import socket
import struct
import sys
import time

INTERVAL = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        self.sent = self.answered = 0
        self.next_heartbeat = time.monotonic() + INTERVAL
        self.leave_by = None
        # a client that reads nothing is cut off after a second
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 1, 0))


class Server:
    def __init__(self, listener):
        self.listener = listener
        self.clients = {}
        self.stopping = False

    def send(self, client, line):
        if client.leave_by is None:
            try:
                client.sock.sendall((line + "\n").encode("utf-8", "replace"))
            except OSError:  # it is gone, or does not read: receive() notices that it was cut off
                self.cut(client)

    def cut(self, client):
        client.leave_by = time.monotonic() + 1
        try:
            client.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # receive() notices

    def leave(self, client):
        if client.leave_by is None:
            client.leave_by = time.monotonic() + 1
            try:
                client.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # receive() notices

    def remove(self, client):
        if client.sock not in self.clients:
            return
        del self.clients[client.sock]
        client.sock.close()
        print("Disconnected %s" % (client.address,), flush=True)

    def receive(self, client):
        try:
            data = client.sock.recv(4096)
        except OSError:
            data = b""
        if not data:
            return self.remove(client)
        text = data.decode("utf-8", "replace").strip()
        answer = re.search("HEARTBEAT-ACK ([0-9]+)$", text)
        if text.startswith("MSG "):
            print("Received from %s: %s" % (client.address, text[4:]), flush=True)
        if answer and client.answered < int(answer.group(1)) <= client.sent:
            client.answered = int(answer.group(1))

    def timers(self):
        now = time.monotonic()
        for client in list(self.clients.values()):
            if client.leave_by is not None and client.leave_by <= now:
                self.remove(client)
            elif client.leave_by is None and client.next_heartbeat <= now:
                if client.sent - client.answered >= 3:
                    self.leave(client)
                    continue
                client.sent += 1
                client.next_heartbeat = now + INTERVAL
                self.send(client, "HEARTBEAT %d" % client.sent)

    def step(self):
        sources = list(self.clients) + ([] if self.stopping else [self.listener, sys.stdin])
        ready, _, _ = select.select(sources, [], [], 0.02)
        for source in ready:
            if source is self.listener:
                sock, address = source.accept()
                self.clients[sock] = Client(sock, address)
                print("Connected %s" % (address,), flush=True)
            elif source is sys.stdin:
                self.keyboard()
            else:
                self.receive(self.clients[source])
        self.timers()

    def keyboard(self):
        text = os.read(0, 4096).decode("utf-8", "replace")
        for line in text.splitlines():
            if line == "/quit":
                return self.stop()
            for client in self.clients.values():
                self.send(client, "BROADCAST " + line)
        if not text:
            self.stop()

    def stop(self):
        self.stopping = True
        for client in self.clients.values():
            self.leave(client)

    def run(self):
        while self.clients or not self.stopping:
            try:
                self.step()
            except KeyboardInterrupt:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                self.stop()


if __name__ == "__main__":
    HOST, PORT = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        LISTENER = socket.create_server((HOST, PORT))
    except OSError as error:
        sys.exit(print("Cannot listen on %s:%d: %s" % (HOST, PORT, error)) or 1)
    print("Listening on %s:%d" % (HOST, PORT), flush=True)
    Server(LISTENER).run()
