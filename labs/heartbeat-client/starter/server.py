"""The server for the client that answers heartbeats: nearly done.   python3 server.py [HOST [PORT]]
与心跳客户端配套的服务器：快要写完了。

It receives, and sends every client its heartbeats. It does not broadcast, and does not take leave of anybody.
它会接收，会给每个客户端发心跳；但不会广播，也不会与任何人道别。
"""

import os
import socket
import sys
import threading

INTERVAL = float(
    os.environ.get("HEARTBEAT_INTERVAL", "5")
)  # seconds from one heartbeat to the next  两次心跳的间隔（秒）
PATIENCE = 3  # heartbeats that may stay unanswered in a row  允许连续几个心跳没有应答

clients = []
clients_lock = threading.Lock()  # Step 10: hold it whenever clients is touched  第 10 步：凡是碰 clients，都要先拿到它


class Client:
    """One connected client, and its two threads.   一个已连接的客户端和它的两个线程。"""

    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        self.send_lock = threading.Lock()  # a heartbeat and a broadcast must not mix  心跳和广播不能混在一起
        self.left = threading.Event()
        self.sent = self.answered = 0
        self.threads = [threading.Thread(target=run) for run in (self.receive, self.keep_asking)]

    def start(self):
        print(f"Connected {self.address}", flush=True)
        for thread in self.threads:
            thread.start()

    def receive(self):
        buffer = b""
        try:
            while data := self.sock.recv(4096):
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self.handle(line.decode("utf-8", "replace").rstrip("\r"))
        except OSError:
            pass  # reset: it has left without closing  对方没有正常关闭就走了
        # Step 9: a client that has left must not get broadcasts any more.
        # 第 9 步：走了的客户端，不能再给它广播。
        self.leave()
        self.threads[1].join()
        self.sock.close()
        print(f"Disconnected {self.address}", flush=True)

    def handle(self, line):
        word, _, rest = line.partition(" ")
        if word == "MSG":
            print(f"Received from {self.address}: {rest}", flush=True)
        elif word == "HEARTBEAT-ACK" and rest.isdecimal():
            self.answered = max(self.answered, min(int(rest), self.sent))

    def keep_asking(self):
        while not self.left.wait(INTERVAL):
            if self.sent - self.answered >= PATIENCE:
                return self.leave()
            self.sent += 1
            self.send(f"HEARTBEAT {self.sent}")

    def send(self, line):
        with self.send_lock:
            try:
                self.sock.sendall(line.encode("utf-8", "replace") + b"\n")
            except OSError:
                pass  # it has just left; its receiver notices  对方刚走，它的接收线程会发现

    def leave(self):
        """Our FIN. The receiver reads on, until the client's.   发出我们的 FIN；接收线程继续读到对方的 FIN。"""
        self.left.set()
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def broadcast(text):
    """Step 9: BROADCAST <text> to every client that is connected now, to each exactly once.
    第 9 步：把 BROADCAST <文本> 发给此刻连接着的每一个客户端，每个恰好一次。
    """


def let_in(listener):
    while True:
        try:
            client = Client(*listener.accept())
        except OSError:
            return  # the listener has been shut down  监听套接字已关闭
        client.start()


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    listener = socket.create_server((host, port))  # sets SO_REUSEADDR by itself  它自己会设置 SO_REUSEADDR
    print(f"Listening on {host}:{port}", flush=True)
    door = threading.Thread(target=let_in, args=(listener,))
    door.start()
    try:
        while (text := input()) != "/quit":
            broadcast(text)
    except (EOFError, KeyboardInterrupt):
        pass
    listener.shutdown(socket.SHUT_RDWR)  # makes accept() return  让 accept() 返回
    door.join()
    listener.close()
    # Step 11: take leave of every client that is still here, and wait for its threads.
    # 第 11 步：与还在的每个客户端道别，并等待它的线程结束。
    return 0


if __name__ == "__main__":
    sys.exit(main())
