"""Chat client: the main thread types, a second thread receives."""

import os
import signal
import socket
import sys
import threading

PROMPT = "Enter message to send: "
quitting = threading.Event()
send_lock = threading.Lock()
exit_lock = threading.Lock()
sock = None


def send_line(text):
    with send_lock:
        if not quitting.is_set():
            sock.sendall((text + "\n").encode("utf-8", "replace"))


def end_program(text, status):
    """Called by whichever thread notices it; only the first one gets through."""
    with exit_lock:
        print("\n" + text, flush=True)
        os._exit(status)


def answer(number):
    send_line("HEARTBEAT-ACK " + number)


def show(text):
    print("\nBroadcast: " + text + "\n" + PROMPT, end="", flush=True)


HANDLERS = {"HEARTBEAT": answer, "BROADCAST": show}


def handle(line):
    kind, _, rest = line.partition(" ")
    HANDLERS[kind](rest)


def receive():
    buffer = b""
    try:
        while True:
            data = sock.recv(1)  # never beyond the end of a line
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
