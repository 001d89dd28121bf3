"""Lab 1, the client: sends what you type.   python3 client.py [HOST [PORT]]
实验一，客户端：把键盘输入的每一行发给服务器。

It connects and reads the keyboard, no more. The steps are those of the handout.
目前它只会建立连接、读键盘。各步的编号与讲义一致。
"""

import socket
import sys

PROMPT = "Enter message to send: "


def send_message(sock, text):
    """Step 2: one line typed is one message on the wire: MSG, a space, the text, LF. All of it in UTF-8.
    第 2 步：键盘上的一行就是线路上的一条消息：MSG、一个空格、文本、换行符，整条用 UTF-8 编码。
    """


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12001

    # Step 1: where nobody listens, this raises an OSError. Say so in one line, and return 1.
    # 第 1 步：对面没有服务器时，这里会抛出 OSError。用一行话说明，然后返回 1。
    sock = socket.create_connection((host, port))
    print(f"Connected to {host}:{port}")

    while True:
        text = input(PROMPT)
        # Step 3: /quit ends this loop, and so does Ctrl-D: then input() raises EOFError.
        # 第 3 步：/quit 结束这个循环；Ctrl-D 也一样，那时 input() 会抛出 EOFError。
        send_message(sock, text)

    # Step 4: behind the loop, close the connection and return 0.
    # 第 4 步：循环之后，关闭连接，返回 0。


if __name__ == "__main__":
    sys.exit(main())
