"""Lab 3, the server: shows what clients send; it says nothing itself so far.   python3 server.py [HOST [PORT]]
实验三，服务器：能显示客户端发来的内容，自己还不会说话。

It is the server of lab 1, finished, as one class. The steps are those of the handout.
这是做完了的实验一服务器，改写成了一个类。各步的编号与讲义一致。
"""

import os
import socket
import sys
import threading

INTERVAL = float(
    os.environ.get("HEARTBEAT_INTERVAL", "5")
)  # seconds from one heartbeat to the next  两次心跳的间隔（秒）


class Client:
    """One connected client.   一个已连接的客户端。"""

    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        # Step 3: numbers of heartbeats belong in here: each client has its own.
        # 第 3 步：心跳的编号放在这里：每个客户端数自己的。

    def receive(self):
        """Runs in a thread of its own, until the client closes.   在自己的线程里运行，直到客户端关闭。"""
        print(f"Connected {self.address}", flush=True)
        buffer = b""
        try:
            while data := self.sock.recv(4096):
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self.handle(line.decode("utf-8", "replace").rstrip("\r"))
        except OSError:
            pass  # reset: it has left without closing  对方没有正常关闭就走了
        # Step 2: who has left is to be forgotten here, before the socket is closed.
        # 第 2 步：走了的客户端，要在这里先除名，再关闭套接字。
        self.sock.close()
        print(f"Disconnected {self.address}", flush=True)

    def handle(self, line):
        word, _, rest = line.partition(" ")
        if word == "MSG":
            print(f"Received from {self.address}: {rest}", flush=True)
        # Step 4: HEARTBEAT-ACK <n> is a sign of life. Three heartbeats without one: the client is dropped.
        # 第 4 步：HEARTBEAT-ACK <n> 说明对方还活着。连续三个心跳没有应答，就断开这个客户端。

    def send(self, line):
        """Step 5: this waits while the client does not read. Who else has to wait then?
        第 5 步：对方不接收时，sendall() 会一直等。那时还有谁要跟着等？
        """
        self.sock.sendall(line.encode("utf-8", "replace") + b"\n")


def broadcast(text):
    """Step 1: BROADCAST <text> to every client that is connected now, to each exactly once.
    第 1 步：把 BROADCAST <文本> 发给此刻连接着的每一个客户端，每个恰好一次。
    """


def let_in(listener):
    """Runs in a thread of its own.   在自己的线程里接受连接。"""
    while True:
        client = Client(*listener.accept())
        threading.Thread(target=client.receive, daemon=True).start()


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    listener = socket.create_server((host, port))
    print(f"Listening on {host}:{port}", flush=True)
    threading.Thread(target=let_in, args=(listener,), daemon=True).start()
    try:
        while (text := input()) != "/quit":
            broadcast(text)
    except (EOFError, KeyboardInterrupt):
        pass
    # Step 6: take leave of every client: FIN, read to its FIN, close.
    # 第 6 步：与每个客户端告别：发 FIN，读到对方的 FIN，关闭。
    return 0


if __name__ == "__main__":
    sys.exit(main())
