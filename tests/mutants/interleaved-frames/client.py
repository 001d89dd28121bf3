"""Chat client: the main thread types, a second thread receives."""

import os
import re
import signal
import socket
import sys
import threading
import time

PROMPT = "Enter message to send: "
quitting = threading.Event()
send_lock = threading.Lock()
exit_lock = threading.Lock()
sock = None


def send_line(text):
    if not quitting.is_set():
        sock.sendall(text.encode("utf-8", "replace"))
        if text.startswith("MSG "):
            time.sleep(0.06)  # do not flood the server
        sock.sendall(b"\n")


def end_program(text, status):
    """Called by whichever thread notices it; only the first one gets through."""
    with exit_lock:
        print("\n" + text, flush=True)
        os._exit(status)


def handle(line):
    heartbeat = re.fullmatch("HEARTBEAT ([0-9]+)", line)
    if heartbeat:
        send_line("HEARTBEAT-ACK " + heartbeat.group(1))
    elif line.startswith("BROADCAST "):
        print("\nBroadcast: " + line[10:] + "\n" + PROMPT, end="", flush=True)


def receive():
    buffer = b""
    try:
        while True:
            data = sock.recv(1024)
            if not data:
                break
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                handle(line.rstrip(b"\r").decode("utf-8", "replace"))
    except OSError as error:
        end_program("Lost the connection to the server: %s" % error, 1)
    if not quitting.is_set():
        sock.close()
        end_program("The server has closed the connection.", 0)


def type_messages():
    while True:
        text = input(PROMPT)
        if text == "/quit":
            return
        send_line("MSG " + text)


def main():
    global sock
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else ("127.0.0.1", 12001)
    try:
        sock = socket.create_connection((host, port), timeout=5)
    except OSError as error:
        print("Cannot connect to %s:%d: %s" % (host, port, error))
        return 1
    sock.settimeout(None)
    print("Connected to %s:%d" % (host, port))
    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    try:
        type_messages()
    except (EOFError, KeyboardInterrupt):
        print()
    except OSError as error:
        end_program("Lost the connection to the server: %s" % error, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with send_lock:
        quitting.set()
        sock.shutdown(socket.SHUT_WR)
    receiver.join(5)
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
