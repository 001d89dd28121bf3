"""The client that answers heartbeats: a beginning.   python3 client.py [HOST [PORT]]
支持心跳应答的客户端：一个开头。

It connects and reads the keyboard. The steps are those of the handout.
目前它只会建立连接、读键盘。各步的编号与讲义一致。
"""

import socket
import sys

PROMPT = "Enter message to send: "


def send_line(sock, line):
    """Step 2: one line on the wire: the text in UTF-8, and LF.   第 2 步：线路上的一行：UTF-8 文本，加上换行符。"""
    # Step 6: from step 3 on two threads come in here. Let only one in at a time.
    # 第 6 步：从第 3 步起，有两个线程会走进这里。让它们一次只进来一个。


def receive(sock):
    """Step 3: runs in a thread of its own: reads until recv() returns b"", and takes whole lines out of a buffer.
    第 3 步：在自己的线程里运行：一直读到 recv() 返回 b""，用缓冲区把字节切成完整的行。
    """


def handle(sock, line):
    """Steps 4 and 5: what is to be done for one whole line: HEARTBEAT <n>, BROADCAST <text>; others are ignored.
    第 4、5 步：收到完整的一行之后做什么：HEARTBEAT <n>、BROADCAST <文本>；其他的行不理会。
    """


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001

    # Step 1: where nobody listens, this raises an OSError. Say so in one line, and return 1.
    # 第 1 步：对面没有服务器时，这里会抛出 OSError。用一行话说明，然后返回 1。
    sock = socket.create_connection((host, port))
    print(f"Connected to {host}:{port}")

    # Step 7: /quit, Ctrl-D, Ctrl-C, or the server leaving: each of them ends this loop, and nothing else.
    # 第 7 步：/quit、Ctrl-D、Ctrl-C、服务器离开：每一样都只做一件事，就是结束这个循环。
    while True:
        text = input(PROMPT)
        send_line(sock, f"MSG {text}")

    # Step 8: the goodbye: shut down our direction, wait for the receiver, close, return the status.
    # 第 8 步：道别：关闭我们这个方向，等接收线程结束，关闭套接字，返回状态。


if __name__ == "__main__":
    sys.exit(main())
