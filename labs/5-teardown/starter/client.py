"""Lab 5, the client: says everything right, and never says goodbye.   python3 client.py [HOST [PORT]]
实验五，客户端：该说的都说对了，就是不会道别。

The steps are those of the handout. You may go on from your own client instead.
各步的编号与讲义一致。你也可以接着改自己的客户端。
"""

import socket
import sys
import threading

PROMPT = "Enter message to send: "
send_lock = threading.Lock()


def send_line(sock, line):
    with send_lock:
        sock.sendall(line.encode("utf-8", "replace") + b"\n")


def receive(sock):
    buffer = b""
    # Step 4: recv() raises an OSError when the server has died. Say so in one line; the exit status is 1 then.
    # 第 4 步：服务器意外终止时，recv() 抛出 OSError。用一行话说明，这时的退出状态是 1。
    while data := sock.recv(4096):
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            handle(sock, line.decode("utf-8", "replace").rstrip("\r"))
    # Step 3: here the server has closed. Who tells the main thread, which sits in input()?
    # 第 3 步：走到这里，服务器已经关闭。主线程还停在 input() 里，谁去告诉它？


def handle(sock, line):
    word, _, rest = line.partition(" ")
    if word == "HEARTBEAT" and rest.isdecimal():
        send_line(sock, f"HEARTBEAT-ACK {rest}")
    elif word == "BROADCAST":
        print(f"\nBroadcast: {rest}\n{PROMPT}", end="", flush=True)


def type_messages(sock):
    # Step 2: Ctrl-D raises EOFError here and Ctrl-C KeyboardInterrupt: two more ways to say /quit.
    # 第 2 步：在这里，Ctrl-D 抛出 EOFError，Ctrl-C 抛出 KeyboardInterrupt：它们是 /quit 的另外两种说法。
    while (text := input(PROMPT)) != "/quit":
        send_line(sock, f"MSG {text}")


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        print(f"Cannot connect to {host}:{port}: {error.strerror}")
        return 1
    print(f"Connected to {host}:{port}")
    threading.Thread(target=receive, args=(sock,), name="receiver").start()
    type_messages(sock)
    # Step 1: the goodbye belongs here, whoever has ended the loop. The receiver is still in recv().
    # 第 1 步：道别写在这里，不管循环是怎样结束的。此刻接收线程还在 recv() 里。
    return 0


if __name__ == "__main__":
    sys.exit(main())
