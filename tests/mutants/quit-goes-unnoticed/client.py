"""A chat client that reads its keyboard line by line, with the line ends."""

import os
import socket
import sys
import threading

leaving = threading.Event()


def receive(sock, lock):
    buffer, status = b"", 0
    try:
        while data := sock.recv(4096):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                kind, _, rest = line.decode("utf-8", "replace").rstrip("\r").partition(" ")
                if kind == "HEARTBEAT" and rest.isdecimal():
                    send(sock, lock, f"HEARTBEAT-ACK {rest}")
                elif kind == "BROADCAST":
                    print(f"\nBroadcast: {rest}\nEnter message to send: ", end="", flush=True)
    except OSError as error:
        status = 1
        print(f"\nconnection lost: {error}", flush=True)
    if not leaving.is_set():
        sock.close()
        os._exit(status)


def send(sock, lock, line):
    with lock:
        sock.sendall(line.encode("utf-8", "replace") + b"\n")


def talk(sock, lock):
    while True:
        print("Enter message to send: ", end="", flush=True)
        line = sys.stdin.readline()
        if line in ("", "/quit"):
            return
        send(sock, lock, "MSG " + line.rstrip("\n"))


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        print(f"cannot connect to {host}:{port}: {error}")
        return 1
    print(f"Connected to {host}:{port}", flush=True)
    lock = threading.Lock()
    receiver = threading.Thread(target=receive, args=(sock, lock), name="receiver", daemon=True)
    receiver.start()
    try:
        talk(sock, lock)
    except KeyboardInterrupt:
        print()
    except OSError as error:
        print(f"connection lost: {error}")
        return 1
    leaving.set()
    sock.shutdown(socket.SHUT_WR)
    receiver.join(5)
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
