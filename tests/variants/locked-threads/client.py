"""Chat client with two threads and one lock: whoever holds it sends one whole line."""

import os
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
        self.lock = threading.Lock()  # guards sending on the socket, and `leaving`
        self.leaving = False
        self.ending = threading.Lock()  # one thread ends the program, once
        self.receiver = threading.Thread(target=self.receive, daemon=True)

    def start(self):
        self.receiver.start()

    def send(self, line):
        data = line.encode("utf-8", "replace") + b"\n"
        with self.lock:
            if not self.leaving and len(data) <= LONGEST_LINE:
                try:
                    self.sock.sendall(data)
                except OSError:
                    pass  # the receiver is about to read how it ended

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
            self.end("Lost the connection to the server: %s" % error, 1)
        if self.shut():
            self.sock.close()
            self.end("The server has closed the connection.", 0)

    def handle(self, line):
        heartbeat = re.fullmatch("HEARTBEAT ([0-9]+)", line)
        if heartbeat:
            self.send("HEARTBEAT-ACK " + heartbeat.group(1))
        elif line.startswith("BROADCAST "):
            print("\nBroadcast: " + line[10:] + "\n" + PROMPT, end="", flush=True)

    def shut(self):
        """Send FIN behind what was sent; False when that was done before."""
        with self.lock:
            first, self.leaving = not self.leaving, True
            if first:
                try:
                    self.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
        return first

    def end(self, text, status):
        with self.ending:  # nobody comes out of here
            print("\n" + text, flush=True)
            os._exit(status)

    def quit(self):
        self.shut()
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
