"""Chat client without threads: send a line, then look what the server has sent in the meantime."""

import re
import select
import signal
import socket
import sys

PROMPT = "Enter message to send: "


class ServerClosed(Exception):
    pass


def handle(sock, line):
    heartbeat = re.fullmatch(rb"HEARTBEAT ([0-9]+)", line)
    if heartbeat:
        sock.sendall(b"HEARTBEAT-ACK " + heartbeat.group(1) + b"\n")
    elif line.startswith(b"BROADCAST "):
        print("Broadcast: " + line[10:].decode("utf-8", "replace"))


def check_for_messages(sock, buffer):
    """Handle everything that has arrived; returns the unfinished line."""
    while select.select([sock], [], [], 0)[0]:
        data = sock.recv(1024)
        if not data:
            raise ServerClosed
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            handle(sock, line.rstrip(b"\r"))
    return buffer


def chat(sock):
    buffer = b""
    while True:
        buffer = check_for_messages(sock, buffer)
        text = input(PROMPT)
        if text == "/quit":
            return
        sock.sendall(("MSG " + text + "\n").encode("utf-8", "replace"))


def main():
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else ("127.0.0.1", 12001)
    try:
        sock = socket.create_connection((host, port), timeout=5)
        print("Connected to %s:%d" % (host, port))
        try:
            chat(sock)
        except (EOFError, KeyboardInterrupt):
            print()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1024):
            pass
        sock.close()
        return 0
    except ServerClosed:
        print("The server has closed the connection.")
        sock.close()
        return 0
    except OSError as error:
        print("No connection to the server: %s" % error)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
