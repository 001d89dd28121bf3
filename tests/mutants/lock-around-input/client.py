"""Chat client: one thread receives and answers, the main one reads the keyboard."""

import os
import socket
import sys
import threading

lock = threading.Lock()


def answer(sock, number):
    with lock:
        sock.sendall(b"HEARTBEAT-ACK " + number + b"\n")


def say(sock, text):
    sock.sendall(("MSG " + text + "\n").encode(errors="replace"))


def handle(sock, line):
    word, _, rest = line.partition(b" ")
    if word == b"HEARTBEAT":
        answer(sock, rest)
    elif word == b"BROADCAST":
        print("Broadcast: " + rest.decode(errors="replace"), flush=True)


def listen(sock, leaving):
    data = b""
    try:
        while piece := sock.recv(4096):
            data += piece
            *lines, data = data.split(b"\n")
            for line in lines:
                handle(sock, line)
        text, status = "The server has closed the connection.", 0
    except OSError as error:
        text, status = f"Lost the connection to the server: {error}", 1
    if not leaving.is_set():
        print(text, flush=True)
        sock.close()
        os._exit(status)


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        print(f"Cannot connect to {host}:{port}: {error}")
        return 1
    print(f"Connected to {host}:{port}", flush=True)
    leaving = threading.Event()
    listener = threading.Thread(target=listen, args=(sock, leaving))
    listener.start()
    try:
        while True:
            with lock:
                text = input("Enter message to send: ")
                if text == "/quit":
                    break
                say(sock, text)
    except (EOFError, KeyboardInterrupt):
        print()
    leaving.set()
    sock.shutdown(socket.SHUT_WR)
    listener.join(2)
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
