"""Chat server with plain threads: one accepts, three look after each client, the main thread types.

Only its writer writes to a client's socket; the others leave it lines in a queue, which brings its own lock. None in it
means: what is before me is all, send FIN. Each change makes a new list of clients, so that one who goes through the old
one is not disturbed.
"""

import os
import queue
import re
import signal
import socket
import sys
import threading

INTERVAL = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))
LONGEST_LINE = 4096

clients = []
changing = threading.Lock()


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        self.lines = queue.Queue(1000)
        self.gone = threading.Event()
        self.sent = 0
        self.answered = 0
        self.writer = threading.Thread(target=self.write, daemon=True)
        self.writer.start()

    def send(self, text):
        """Leave a line for the writer. A client that is a thousand lines behind is cut off; nobody waits for it."""
        try:
            self.lines.put_nowait(text.encode("utf-8", "replace"))
        except queue.Full:
            self.cut()

    def write(self):
        try:
            while (line := self.lines.get()) is not None:
                self.sock.sendall(line)
                self.sock.sendall(b"\n")
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # serve() notices

    def leave(self):
        """Send FIN behind what has been left for the writer; the other side may go on."""
        try:
            self.lines.put_nowait(None)
        except queue.Full:
            self.cut()

    def cut(self):
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
    global clients
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
    client.writer.join(1)
    with changing:
        clients = [other for other in clients if other is not client]
    client.sock.close()
    say("Disconnected %s" % (client.address,))


def accept(listener):
    global clients
    while True:
        sock, address = listener.accept()
        client = Client(sock, address)
        with changing:
            clients = [*clients, client]
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
            for client in clients:
                client.send("BROADCAST " + text)
    except (EOFError, KeyboardInterrupt):
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leaving = clients
    for client in leaving:
        client.leave()
    for client in leaving:
        client.gone.wait(1)
        client.cut()
        client.thread.join(1)
    return 0


if __name__ == "__main__":
    os._exit(main())  # a daemon thread that prints while Python shuts down would crash it
