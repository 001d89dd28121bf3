"""Lab 1, the server: shows what clients send.   python3 server.py [HOST [PORT]]
实验一，服务器：显示客户端发来的内容。

It works, as long as every recv() brings exactly one message. Step 5 of the handout is about that.
只要每次 recv() 恰好收到一条消息，它就是对的。讲义的第 5 步讲的正是这一点。
"""

import socket
import sys
import threading


def receive(sock, address):
    """Runs in a thread of its own for each client, until the client closes.   每个客户端一个线程，直到对方关闭。"""
    print(f"Connected {address}")
    while data := sock.recv(1024):
        # Step 5: data is a piece of a stream: half a message, or three and a half. Keep what has come so far in
        # a buffer that outlives this turn of the loop, and take whole lines out of it, as many as there are.
        # 第 5 步：data 只是字节流的一段：可能是半条消息，也可能是三条半。准备一个比这一轮循环活得更久的缓冲区，
        # 把收到的接上去，再把完整的行一行一行取出来，有几行取几行。
        line = data.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("MSG "):
            print(f"Received from {address}: {line[4:]}")
    sock.close()
    print(f"Disconnected {address}")


def let_in(listener):
    """Runs in a thread of its own: one more thread for every client.   在自己的线程里接受连接，来一个客户端开一个线程。"""
    while True:
        sock, address = listener.accept()
        threading.Thread(target=receive, args=(sock, address), daemon=True).start()


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    listener = socket.create_server((host, port))
    print(f"Listening on {host}:{port}")
    threading.Thread(target=let_in, args=(listener,), daemon=True).start()
    try:
        while input() != "/quit":
            pass
    except (EOFError, KeyboardInterrupt):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
