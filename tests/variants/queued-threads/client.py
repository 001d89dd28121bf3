"""Chat client without a lock of its own: only one thread writes to the socket, and the others give it lines.

A queue brings its own lock. None in it means: what is before me is all, send FIN.
"""

import os
import queue
import re
import signal
import socket
import sys
import threading

PROMPT = "Enter message to send: "
LONGEST_LINE = 4096


class Chat:
    def __init__(self, sock):
        self.sock = sock
        self.lines = queue.Queue()
        self.quitting = False
        self.sender = threading.Thread(target=self.write, daemon=True)
        self.receiver = threading.Thread(target=self.receive, daemon=True)

    def start(self):
        self.sender.start()
        self.receiver.start()

    def send(self, line):
        data = line.encode("utf-8", "replace")
        if len(data) < LONGEST_LINE:
            self.lines.put(data)

    def write(self):
        """Text and end in two calls, which is nobody's business: no other thread writes."""
        try:
            while (line := self.lines.get()) is not None:
                self.sock.sendall(line)
                self.sock.sendall(b"\n")
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the receiver reads how it ended

    def receive(self):
        buffer = b""
        try:
            while data := self.sock.recv(65536):
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    if len(line) < LONGEST_LINE:
                        self.handle(line.removesuffix(b"\r").decode("utf-8", "replace"))
                buffer = buffer[:LONGEST_LINE]
        except OSError as error:
            print("\nLost the connection to the server: %s" % error, flush=True)
            os._exit(1)
        if not self.quitting:
            self.lines.put(None)
            self.sender.join(5)
            self.sock.close()
            print("\nThe server has closed the connection.", flush=True)
            os._exit(0)

    def handle(self, line):
        heartbeat = re.fullmatch("HEARTBEAT ([0-9]+)", line)
        if heartbeat:
            self.send("HEARTBEAT-ACK " + heartbeat.group(1))
        elif line.startswith("BROADCAST "):
            print("\nBroadcast: " + line[10:] + "\n" + PROMPT, end="", flush=True)

    def quit(self):
        self.quitting = True
        self.lines.put(None)
        self.sender.join(5)
        self.receiver.join(5)
        self.sock.close()
        return 0


def main():
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        sock = socket.create_connection((host, port), timeout=5)
    except OSError as error:
        print("Cannot connect to %s:%d: %s" % (host, port, error))
        return 1
    sock.settimeout(None)
    print("Connected to %s:%d" % (host, port), flush=True)
    chat = Chat(sock)
    chat.start()
    try:
        while (text := input(PROMPT)) != "/quit":
            chat.send("MSG " + text)
    except (EOFError, KeyboardInterrupt):
        print()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return chat.quit()


if __name__ == "__main__":
    sys.exit(main())
