"""Chat client: a Sender for each thread that sends, so that each has what it needs."""

import os
import re
import signal
import socket
import sys
import threading

PROMPT = "Enter message to send: "


class Sender:
    def __init__(self, sock):
        self.sock = sock
        self.lock = threading.Lock()  # one frame at a time

    def send(self, kind, text):
        with self.lock:
            self.sock.sendall((kind + " " + text).encode("utf-8", "replace"))
            self.sock.sendall(b"\n")


class Receiver(threading.Thread):
    def __init__(self, sock):
        super().__init__(name="receiver", daemon=True)
        self.sock = sock
        self.sender = Sender(sock)
        self.quitting = False
        self.error = None

    def run(self):
        try:
            with self.sock.makefile("r", encoding="utf-8", errors="replace", newline="\n") as lines:
                for line in lines:
                    self.handle(line.rstrip("\r\n"))
        except OSError as error:
            self.error = error
        if not self.quitting:
            print("\nThe server has closed the connection.", flush=True)
            os.kill(os.getpid(), signal.SIGINT)

    def handle(self, line):
        if re.fullmatch("HEARTBEAT [0-9]+", line) and not self.quitting:
            self.sender.send("HEARTBEAT-ACK", line[10:])
        elif line.startswith("BROADCAST "):
            print("\nBroadcast: " + line[10:] + "\n" + PROMPT, end="", flush=True)


def main():
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else ("127.0.0.1", 12001)
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        print("Cannot connect to %s:%d: %s" % (host, port, error))
        return 1
    print("Connected to %s:%d" % (host, port), flush=True)
    receiver = Receiver(sock)
    keyboard = Sender(sock)
    receiver.start()
    try:
        while (text := input(PROMPT)) != "/quit":
            keyboard.send("MSG", text)
    except (EOFError, KeyboardInterrupt):
        print()
    except OSError as error:
        receiver.error = error
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    receiver.quitting = True
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    receiver.join(5)
    sock.close()
    if receiver.error:
        print("Lost the connection to the server: %s" % receiver.error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
