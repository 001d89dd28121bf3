"""A chat client that talks and listens in turn."""

import socket
import sys


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        print(f"cannot connect: {error}")
        return 1
    print(f"Connected to {host}:{port}")
    buffer = b""
    while True:
        try:
            text = input("Enter message to send: ")
        except (EOFError, KeyboardInterrupt):
            break
        if text == "/quit":
            break
        sock.sendall(f"MSG {text}\n".encode())
        data = sock.recv(4096)
        if not data:
            break
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            kind, _, rest = line.decode().partition(" ")
            if kind == "HEARTBEAT":
                sock.sendall(f"HEARTBEAT-ACK {rest}\n".encode())
            elif kind == "BROADCAST":
                print(f"Broadcast: {rest}")
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
