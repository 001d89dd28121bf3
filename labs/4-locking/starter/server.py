"""Lab 4, the server: right in everything but one thing: threads share what one must have alone.
实验四，服务器：别的都对，只差一件事：几个线程共用了一次只该归一个线程的东西。

                                                                            python3 server.py [HOST [PORT]]
"""

import os
import socket
import sys
import threading

INTERVAL = float(
    os.environ.get("HEARTBEAT_INTERVAL", "5")
)  # seconds from one heartbeat to the next  两次心跳的间隔（秒）
PATIENCE = 3  # heartbeats that may stay unanswered in a row  允许连续几个心跳没有应答

# Step 3: four threads use this list: who adds, who removes, who walks along it?
# 第 3 步：好几个线程都在用这个列表：谁添加，谁删除，谁在遍历？
clients = []


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
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
        if self in clients:
            clients.remove(self)
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
        # Step 2: which threads come in here? What is on the wire when two of them are in here at once?
        # 第 2 步：哪些线程会走进这里？两个同时在里面时，线路上是什么？
        try:
            self.sock.sendall(line.encode("utf-8", "replace"))
            self.sock.sendall(b"\n")
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
    for client in clients:
        client.send(f"BROADCAST {text}")


def let_in(listener):
    while True:
        try:
            client = Client(*listener.accept())
        except OSError:
            return  # the listener has been shut down  监听套接字已关闭
        clients.append(client)
        client.start()


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    listener = socket.create_server((host, port))
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
    for client in list(clients):
        client.leave()
        client.threads[0].join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
