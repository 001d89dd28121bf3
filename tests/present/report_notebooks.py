"""Report notebooks for tests, in both languages, with every part that a report has. Knows no run: all is made up here."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from wirelab.base.texts import Language, Text

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    '<rect x="1" y="1" width="{inner}" height="{tall}" fill="#eef" stroke="#225"/>'
    '<path d="M60 30V{tall}M{right} 30V{tall}" stroke="#000"/>'
    '<path d="M60 60L{right} 90M{right} 110L60 140M60 160L{right} 190" stroke="#a00" fill="none"/>'
    '<text x="70" y="55" font-size="14" font-family="sans-serif">SYN seq=3911204771</text>'
    '<text x="40" y="20" font-size="14" font-family="sans-serif">{client}</text></svg>'
)

LISTING = (
    '''```python
import socket, threading

def receiver(connection: socket.socket) -> None:
    """Answers heartbeats until the server closes; a long comment that does not fit on one line of a printed page at all, and an address 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef."""
    buffer = b""
    while data := connection.recv(4096):  # 一次 recv 不等于一条消息
        buffer += data
        *lines, buffer = buffer.split(b"\\n")
        for line in lines:
            if line.startswith(b"HEARTBEAT "):
                with LOCK:
                    connection.sendall(b"HEARTBEAT-ACK " + line[10:] + b"\\n")

LOCK = threading.Lock()
for number in range(60):
    print(number)
'''
    + "".join(f"value_{number} = {number}  # one more line\n" for number in range(60))
    + "```"
)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 8, height: int = 6, grey: int = 120) -> bytes:
    """A grey picture."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = zlib.compress((b"\0" + bytes([grey]) * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def svg(width: int = 600, height: int = 320, client: str = "alice") -> str:
    """A drawing like a ladder's."""
    return SVG.format(width=width, height=height, inner=width - 2, tall=height - 2, right=width - 60, client=client)


def based(data: bytes) -> str:
    return base64.b64encode(data).decode()


def markdown(source: str, part: str = "", **more: Any) -> dict[str, Any]:
    """A cell of text; without a part, one that a student added."""
    ours = {"wirelab": {"part": part, **more}} if part else {}
    return {"cell_type": "markdown", "id": "m", "metadata": ours, "source": source}


def code(source: str, outputs: list[dict[str, Any]], part: str = "", **more: Any) -> dict[str, Any]:
    ours = {"wirelab": {"part": part, **more}} if part else {}
    return {
        "cell_type": "code",
        "id": "c",
        "metadata": ours,
        "source": source,
        "outputs": outputs,
        "execution_count": 1,
    }


def shown(data: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def streamed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def notebook(cells: list[dict[str, Any]], language: Language | None = None) -> dict[str, Any]:
    """A notebook of these cells; without a language, one that is no report."""
    ours = {"wirelab": {"format": "wirelab-report", "version": 1, "language": language}} if language else {}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": ours, "cells": cells}


TEXTS = {
    "title": Text("# Computer Networks: Lab Report", "# 计算机网络课程实验报告"),
    "fields": Text(
        "|  |  |  |  |\n|---|---|---|---|\n| **Name** | Li Lei | **Student number** | 2023110233 |\n"
        "| **Class** | CS 2 | **Date** | 2026-11-23 |\n"
        "| **Experiment** | A client that supports heartbeat replies, and its packet analysis | | |\n"
        "| **Partner** | | **Room** | |\n",
        "|  |  |  |  |\n|---|---|---|---|\n| **姓名** | 李雷 | **学号** | 2023110233 |\n"
        "| **班级** | 计科 2 班 | **实验日期** | 2026-11-23 |\n"
        "| **实验题目** | 编写支持心跳应答的 Client 程序，并抓包分析 | | |\n"
        "| **同组人** | | **实验室** | |\n",
    ),
    "aims": Text(
        "## 1 Aims\n\n1. Understand how TCP **opens** a connection.\n2. Answer heartbeats in a thread of their own,\n"
        "   whatever the keyboard does.\n3. Close with `shutdown(SHUT_WR)`:\n   - nothing is lost;\n   - nobody sends RST.\n",
        "## 一、实验目的\n\n1. 理解 TCP **三次握手**的过程，学会用“原始序号”而不是相对序号说明问题。\n"
        "2. 掌握在独立线程中应答心跳的方法，\n   无论键盘是否正在输入，心跳都要按时应答。\n"
        "3. 用 `shutdown(SHUT_WR)` 正常关闭连接：\n   - 不丢失数据；\n   - 不发送 RST。\n",
    ),
    "theory": Text(
        "## 2 Principles\n\n" + "A TCP connection is opened by three segments, each of which acknowledges what it has "
        "seen of the other side; the sequence numbers are chosen by either side. " * 6 + "\n\n> A stream has no "
        "message boundaries.\n\nSee [RFC 9293](https://www.rfc-editor.org/rfc/rfc9293) and *Stevens*, ~~volume 2~~ volume 1.\n",
        "## 二、实验原理\n\n"
        + "TCP 是面向连接的、可靠的传输层协议。建立连接时，双方通过三次握手交换各自的初始序号（ISN），"
        "并确认对方已经收到；释放连接时，一般需要四次挥手。" * 6 + "\n\n> TCP 是字节流，没有消息边界。\n\n"
        "参见 [RFC 9293](https://www.rfc-editor.org/rfc/rfc9293)，以及*教材*第 5 章。\n",
    ),
    "question": Text(
        "**Question 1 (4 points).** Which initial sequence number (ISN) did the client choose? Find the segment that carries it.",
        "**第 1 题（4 分）** 客户端选择的初始序号（ISN）是多少？请找到携带它的报文段。",
    ),
    "answer": Text(
        "- **a)** its frame number: 1\n- **b)** the ISN, raw: 3911204771\n- **c)** in your own words:\n",
        "- **a)** 它的帧号： 1\n- **b)** ISN（原始值）： 3911204771\n- **c)** 用自己的话说明：\n",
    ),
    "table": Text(
        "| frame | time/s | from | to | flags | seq | ack | what it says |\n|--:|--:|---|---|:-:|--:|--:|---|\n",
        "| 帧 | 时间/s | 发送方 | 接收方 | 标志位 | 序号 | 确认号 | 内容 |\n|--:|--:|---|---|:-:|--:|--:|---|\n",
    ),
    "evidence": Text("## 3 Evidence", "## 三、实验记录与分析"),
    "listing": Text("## 4 Program\n\n" + LISTING, "## 四、程序清单\n\n" + LISTING),
    "comment": Text(
        "**Instructor's comment**\n\n<br>\n\nMark: ________  Signature: ________  Date: ________",
        "**教师评语：**\n\n&nbsp;\n\n成绩：________　　教师签名：________　　日期：________",
    ),
    "notes": Text(
        "## Notes\n\n- *Aims*: what you were to learn.\n- *Principles*: no copying from the book.\n",
        "## 填写说明\n\n- *实验目的*：写明通过实验要掌握什么。\n- *实验原理*：用自己的话写，不要抄书。\n",
    ),
    "own": Text("A paragraph that a student added.", "学生自己加的一段话。"),
    "message": Text(
        "hello, this is a rather long message from the keyboard", "你好，这是一条从键盘输入的、比较长的消息"
    ),
}


def report(language: Language) -> dict[str, Any]:
    """A report with all its parts."""

    def said(name: str) -> str:
        return TEXTS[name].fill(language)

    rows = "".join(
        f"| {number} | {number / 8:.3f} | 127.0.0.1:43210 | 127.0.0.1:12001 | PSH,ACK | 391120{4771 + number} | 280117{1000 + number} | {said('message') if number % 7 == 3 else ''} |\n"
        for number in range(1, 41)
    )
    figure = {
        "image/svg+xml": svg(client=TEXTS["own"].fill(language)[:6]),
        "image/png": based(png(300, 160)),
        "text/plain": "<Ladder of 12 segments>",
    }
    return notebook(
        [
            markdown(said("title"), "title"),
            markdown(said("fields"), "fields"),
            markdown(said("aims"), "section"),
            markdown(said("theory"), "section"),
            markdown(said("evidence"), "section", page_break=True),
            code("wirelab.secret_call()", [shown(figure)], "evidence"),
            markdown(said("question"), "question"),
            markdown(said("answer"), "answer"),
            code("wirelab.table()", [shown({"text/markdown": said("table") + rows})], "evidence"),
            code("print('explored')", [streamed("explored\n")], "explore"),
            markdown(said("own")),
            markdown(said("listing"), "code"),
            markdown(said("comment"), "comment", box=60, page_break=True),
            markdown(said("notes"), "notes"),
        ],
        language,
    )
