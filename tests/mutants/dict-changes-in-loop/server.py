"""Chat server: one thread accepts, two look after each client, the main thread types."""

import os
import re
import signal
import socket
import struct
import sys
import threading
import traceback

INTERVAL = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))
LONGEST_LINE = 4096

clients = {}


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        self.lock = threading.Lock()
        self.open = True
        self.gone = threading.Event()
        self.sent = 0
        self.answered = 0
        # a client that does not read is given one second, then it is cut off
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 1, 0))

    def send(self, text):
        with self.lock:
            if self.open:
                try:
                    self.sock.sendall(text.encode("utf-8", "replace") + b"\n")
                except OSError:
                    self.cut()

    def leave(self):
        """Send FIN behind what has been sent; the other side may go on."""
        with self.lock:
            if self.open:
                self.open = False
                try:
                    self.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

    def cut(self):
        self.open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def say(text):
    print(text + "\n", end="", flush=True)


def handle(client, line):
    answer = re.fullmatch("HEARTBEAT-ACK ([0-9]+)", line)
    if line.startswith("MSG "):
        say("Received from %s: %s" % (client.address, line[4:]))
    elif answer and client.answered < int(answer.group(1)) <= client.sent:
        client.answered = int(answer.group(1))


def beat(client):
    while not client.gone.wait(INTERVAL):
        if client.sent - client.answered >= 3:
            client.leave()
            if not client.gone.wait(1):
                client.cut()
            return
        client.sent += 1
        client.send("HEARTBEAT %d" % client.sent)


def serve(client):
    say("Connected %s" % (client.address,))
    heart = threading.Thread(target=beat, args=(client,))
    heart.start()
    buffer = b""
    try:
        while data := client.sock.recv(65536):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                if len(line) < LONGEST_LINE:
                    handle(client, line.removesuffix(b"\r").decode("utf-8", "replace"))
            buffer = buffer[:LONGEST_LINE]
    except OSError:
        pass  # reset
    client.leave()
    client.gone.set()
    heart.join()
    del clients[client.address]
    with client.lock:
        client.sock.close()
    say("Disconnected %s" % (client.address,))


def accept(listener):
    while True:
        sock, address = listener.accept()
        client = Client(sock, address)
        clients[address] = client
        client.thread = threading.Thread(target=serve, args=(client,), daemon=True)
        client.thread.start()


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
            for client in clients.values():
                client.send("BROADCAST " + text)
    except (EOFError, KeyboardInterrupt):
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leaving = list(clients.values())
    for client in leaving:
        client.leave()
    for client in leaving:
        client.gone.wait(1)
        client.cut()
        client.thread.join(1)
    return 0


if __name__ == "__main__":
    try:
        STATUS = main()
    except Exception:
        traceback.print_exc()
        STATUS = 1
    os._exit(STATUS)  # a daemon thread that prints while Python shuts down would crash it
