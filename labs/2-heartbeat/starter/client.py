"""Lab 2, the client: sends what you type; it is deaf so far.   python3 client.py [HOST [PORT]]
实验二，客户端：会发送键盘输入，但还听不见服务器说话。

It is the client of lab 1, finished. The steps are those of the handout. You may go on from your own client instead.
这是做完了的实验一客户端，各步的编号与讲义一致。你也可以接着改自己的客户端。
"""

import socket
import sys

PROMPT = "Enter message to send: "


def send_line(sock, line):
    sock.sendall(line.encode("utf-8", "replace") + b"\n")
    # Step 4: from now on two threads send. Let only one at a time come in here.
    # 第 4 步：从现在起有两个线程要发送。让它们一次只进来一个。


def receive(sock):
    """Step 1: runs in a thread of its own, and reads until recv() returns b"".
    第 1 步：在自己的线程里运行，一直读到 recv() 返回 b""。
    """
    # Step 2: cut what comes into lines, as the server of lab 1 does. One recv() is not one line.
    # 第 2 步：像实验一的服务器那样，把收到的字节切成行。一次 recv() 不等于一行。


def handle(sock, line):
    """Step 3: what is to be done for one whole line: HEARTBEAT <n>, BROADCAST <text>; anything else is ignored.
    第 3 步：收到完整的一行之后做什么：HEARTBEAT <n>、BROADCAST <文本>；其他的行不理会。
    """


def type_messages(sock):
    """The keyboard, until /quit or Ctrl-D.   读键盘，直到 /quit 或 Ctrl-D。"""
    try:
        while (text := input(PROMPT)) != "/quit":
            send_line(sock, f"MSG {text}")
    except EOFError:
        print()


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        print(f"Cannot connect to {host}:{port}: {error.strerror}")
        return 1
    print(f"Connected to {host}:{port}")
    type_messages(sock)
    # Step 5: say that no more will be sent, let the other thread read to the end, and only then close.
    # 第 5 步：先声明不再发送，等另一个线程读到结束，然后才关闭。
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
