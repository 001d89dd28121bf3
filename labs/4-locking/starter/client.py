"""Lab 4, the client: right in everything but one thing: two threads share what one must have alone.
实验四，客户端：别的都对，只差一件事：两个线程共用了一次只该归一个线程的东西。

                                                                            python3 client.py [HOST [PORT]]
"""

import os
import select
import socket
import sys
import threading

PROMPT = "Enter message to send: "
BELL, RING = os.pipe()  # the receiver rings when the connection is over  连接结束时，接收线程按铃


def send_line(sock, line):
    # Step 2: which thread comes in here, and when? What is on the wire when both are in here at once?
    # 第 2 步：哪些线程会走进这里？什么时候？两个同时在里面时，线路上是什么？
    sock.sendall(line.encode("utf-8", "replace"))
    sock.sendall(b"\n")


def receive(sock):
    buffer = b""
    try:
        while data := sock.recv(4096):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                handle(sock, line.decode("utf-8", "replace").rstrip("\r"))
    except OSError as error:
        print(f"\nConnection lost: {error.strerror}", flush=True)
    os.write(RING, b"!")


def handle(sock, line):
    word, _, rest = line.partition(" ")
    if word == "HEARTBEAT" and rest.isdecimal():
        send_line(sock, f"HEARTBEAT-ACK {rest}")
    elif word == "BROADCAST":
        print(f"\nBroadcast: {rest}\n{PROMPT}", end="", flush=True)


def type_messages(sock):
    """The keyboard, until /quit, Ctrl-D or the bell.   读键盘，直到 /quit、Ctrl-D 或铃响。"""
    while True:
        print(PROMPT, end="", flush=True)
        ready, _, _ = select.select([sys.stdin, BELL], [], [])
        if BELL in ready:
            return
        text = sys.stdin.readline()
        if text in ("", "/quit\n"):
            return
        send_line(sock, "MSG " + text.rstrip("\n"))


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        print(f"Cannot connect to {host}:{port}: {error.strerror}")
        return 1
    print(f"Connected to {host}:{port}")
    receiver = threading.Thread(target=receive, args=(sock,), name="receiver")
    receiver.start()
    try:
        type_messages(sock)
    except (KeyboardInterrupt, OSError):
        print()
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the connection is gone already  连接已经不在了
    receiver.join()
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
