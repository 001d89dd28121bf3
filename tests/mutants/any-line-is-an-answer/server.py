"""Chat server: one thread accepts, two threads look after each client, the main thread types."""

import os
import signal
import socket
import struct
import sys
import threading

INTERVAL = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))
clients = []
clients_lock = threading.Lock()


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        self.lock = threading.Lock()
        self.leaving = False
        self.done = threading.Event()
        self.sent = 0
        self.answered = 0
        self.thread = threading.Thread(target=serve, args=(self,), daemon=True)
        # a client that reads nothing is cut off after a second
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 1, 0))

    def send(self, line):
        with self.lock:
            if not self.leaving:
                try:
                    self.sock.sendall((line + "\n").encode("utf-8", "replace"))
                except OSError:  # it is gone, or does not read: serve() notices that it was cut off
                    self.cut()

    def cut(self):
        self.leaving = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def leave(self):
        with self.lock:
            if not self.leaving:
                self.leaving = True
                try:
                    self.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass


def say(text):
    print(text + "\n", end="", flush=True)


def handle(client, line):
    client.answered = client.sent  # it is alive
    if line.startswith("MSG "):
        say("Received from %s: %s" % (client.address, line[4:]))


def heartbeats(client):
    while not client.done.wait(INTERVAL):
        if client.sent - client.answered >= 3:
            client.leave()
            if not client.done.wait(1):
                client.sock.shutdown(socket.SHUT_RD)
            return
        client.sent += 1
        client.send("HEARTBEAT %d" % client.sent)


def serve(client):
    say("Connected %s" % (client.address,))
    threading.Thread(target=heartbeats, args=(client,), daemon=True).start()
    buffer = b""
    try:
        while data := client.sock.recv(1024):
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                if len(line) < 4096:
                    handle(client, line.decode("utf-8", "replace").rstrip("\r"))
    except OSError:
        pass  # reset
    client.leave()
    client.done.set()
    with clients_lock:
        clients.remove(client)
    client.sock.close()
    say("Disconnected %s" % (client.address,))


def accept(listener):
    while True:
        client = Client(*listener.accept())
        with clients_lock:
            clients.append(client)
        client.thread.start()


def broadcast(text):
    with clients_lock:
        for client in clients:
            client.send("BROADCAST " + text)


def main():
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        print("Cannot listen on %s:%d: %s" % (host, port, error))
        return 1
    say("Listening on %s:%d" % (host, port))
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    try:
        while (text := input()) != "/quit":
            broadcast(text)
    except (EOFError, KeyboardInterrupt):
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with clients_lock:
        leaving = list(clients)
    for client in leaving:
        client.leave()
    for client in leaving:
        client.thread.join(1)
    return 0


if __name__ == "__main__":
    os._exit(main())  # a daemon thread that prints while Python shuts down would crash it
