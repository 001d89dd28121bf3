"""Lab 5, the server: serves everybody well, and cannot stop.   python3 server.py [HOST [PORT]]
实验五，服务器：服务周到，就是停不下来。

The steps are those of the handout. You may go on from your own server instead.
各步的编号与讲义一致。你也可以接着改自己的服务器。
"""

import os
import socket
import sys
import threading

INTERVAL = float(
    os.environ.get("HEARTBEAT_INTERVAL", "5")
)  # seconds from one heartbeat to the next  两次心跳的间隔（秒）

clients = []
clients_lock = threading.Lock()


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        self.send_lock = threading.Lock()
        self.left = threading.Event()

    def receive(self):
        print(f"Connected {self.address}", flush=True)
        buffer = b""
        # Step 7: recv() raises an OSError when a client has reset the connection. It has left like any other.
        # 第 7 步：客户端重置连接时，recv() 抛出 OSError。它和别人一样，只是走了。
        while data := self.sock.recv(4096):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                self.handle(line.decode("utf-8", "replace").rstrip("\r"))
        with clients_lock:
            clients.remove(self)
        self.left.set()
        # Step 6: the client has sent its FIN, and waits for ours.
        # 第 6 步：客户端已经发来 FIN，在等我们的。
        print(f"Disconnected {self.address}", flush=True)

    def handle(self, line):
        word, _, rest = line.partition(" ")
        if word == "MSG":
            print(f"Received from {self.address}: {rest}", flush=True)

    def keep_asking(self):
        number = 0
        while not self.left.wait(INTERVAL):
            number += 1
            self.send(f"HEARTBEAT {number}")

    def send(self, line):
        with self.send_lock:
            try:
                self.sock.sendall(line.encode("utf-8", "replace") + b"\n")
            except OSError:
                pass  # it has just left; its receiver notices  对方刚走，它的接收线程会发现


def broadcast(text):
    with clients_lock:
        for client in clients:
            client.send(f"BROADCAST {text}")


def let_in(listener):
    while True:
        client = Client(*listener.accept())
        with clients_lock:
            clients.append(client)
        for run in (client.receive, client.keep_asking):
            threading.Thread(target=run).start()


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    # Step 9: started again at once, this says "Address already in use". Which end of the connection is in TIME-WAIT?
    # 第 9 步：刚退出就再启动，这里会报 Address already in use。是连接的哪一端停在 TIME-WAIT？
    listener = socket.socket()
    listener.bind((host, port))
    listener.listen()
    print(f"Listening on {host}:{port}", flush=True)
    threading.Thread(target=let_in, args=(listener,), name="let_in").start()
    # Step 5: Ctrl-D and Ctrl-C, as in the client.   第 5 步：Ctrl-D 和 Ctrl-C，与客户端一样。
    while (text := input()) != "/quit":
        broadcast(text)
    # Step 8: wake the thread in accept(), take leave of every client, wait for all threads.
    # 第 8 步：叫醒停在 accept() 里的线程，与每个客户端道别，等所有线程结束。
    return 0


if __name__ == "__main__":
    sys.exit(main())
