"""Findings about the connection itself: opening it (WL1xx) and closing it (WL5xx).

Sentences only; what makes a finding is decided in the checks.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL101",
        summary=Text("no connection was opened", "没有建立连接"),
        rationale=Text(
            "expected {actor} to connect to port {port}; no SYN from it was captured",
            "应看到 {actor} 连接端口 {port}，但没有捕获到它发出的 SYN",
        ),
        hint=Text(
            "Does the program reach connect()? Does it use the host and port given on its command line?",
            "程序执行到 connect() 了吗？是否使用了命令行给出的主机和端口？",
        ),
    ),
    Kind(
        "WL102",
        summary=Text("the connection was refused", "连接被拒绝"),
        rationale=Text(
            "{actor} sent SYN in frame {syn}; frame {rst} answered with RST: nobody listened at {where}",
            "{actor} 在第 {syn} 帧发出 SYN，第 {rst} 帧以 RST 应答：{where} 上没有程序在监听",
        ),
        hint=Text(
            "A server must bind() and listen() before a client connects; a server that has ended no longer listens. A client "
            "must connect to the address that it is given.",
            "服务器必须先 bind() 和 listen()，客户端才能连接；已经退出的服务器不再监听。客户端必须连接给定的地址。",
        ),
    ),
    Kind(
        "WL103",
        summary=Text("the three-way handshake is incomplete", "三次握手不完整"),
        rationale=Text(
            "expected SYN, SYN+ACK, ACK between {actor} and the server; seen: {seen}",
            "应看到 {actor} 与服务器之间的 SYN、SYN+ACK、ACK；实际看到：{seen}",
        ),
        hint=Text(
            "The kernel does the handshake. If it is incomplete, the wire was cut or one side went away in the middle.",
            "握手由内核完成。若不完整，说明线路中断或有一方中途离开。",
        ),
    ),
    Kind(
        "WL104",
        summary=Text("the program did not get ready", "程序没有就绪"),
        rationale=Text(
            "expected {actor} to show '{text}' within {within} s of its start; {seen}",
            "{actor} 启动后 {within} 秒内应显示“{text}”；{seen}",
        ),
        hint=Text(
            "Print the line exactly as the handout gives it, and flush it: print(..., flush=True).",
            "请严格按讲义输出这一行并刷新缓冲区：print(..., flush=True)。",
        ),
    ),
    Kind(
        "WL501",
        summary=Text("the wrong side closed first", "先关闭的一方不对"),
        rationale=Text(
            "expected {wanted} to send the first FIN; {actor} sent it in frame {frame}, at {time} s",
            "应由 {wanted} 先发送 FIN；实际由 {actor} 在第 {frame} 帧（{time} 秒）先发送",
        ),
        hint=Text(
            "Who quits closes first; the other side closes when its recv() returns b'' (end of stream).",
            "谁退出谁先关闭；另一方在 recv() 返回 b''（流结束）时再关闭。",
        ),
    ),
    Kind(
        "WL502",
        summary=Text("reset instead of an orderly close", "用 RST 代替了正常关闭"),
        rationale=Text(
            "expected FIN and ACK in both directions and no RST; {actor} sent RST in frame {frame}, at {time} s",
            "双方都应以 FIN、ACK 关闭且没有 RST；{actor} 在第 {frame} 帧（{time} 秒）发送了 RST",
        ),
        hint=Text(
            "RST leaves when a socket is closed with unread data in it, with SO_LINGER 0, or when data arrives "
            "after the close. Use shutdown(SHUT_WR), read until b'', then close().",
            "关闭时接收缓冲区还有未读数据、设置了 SO_LINGER 0，或关闭后又有数据到达，都会发送 RST。请先 "
            "shutdown(SHUT_WR)，读到 b'' 再 close()。",
        ),
    ),
    Kind(
        "WL503",
        summary=Text("a side never sent its FIN", "一方始终没有发送 FIN"),
        rationale=Text(
            "expected a FIN from {actor}; none was captured before the end of the run, at {time} s",
            "应看到 {actor} 的 FIN；到运行结束（{time} 秒）为止没有捕获到",
        ),
        hint=Text(
            "close() sends no FIN while another thread sits in recv() on the same socket: call shutdown() "
            "first. A program that never exits never closes.",
            "如果另一个线程正在同一个套接字上 recv()，close() 不会发送 FIN：请先调用 shutdown()。"
            "不退出的程序也不会关闭连接。",
        ),
    ),
    Kind(
        "WL504",
        summary=Text("the connection closed only because the program was killed", "连接只是因为程序被强制结束才关闭"),
        rationale=Text(
            "expected {actor} to close by itself; its FIN or RST in frame {frame} came only after it was "
            "killed at {time} s",
            "{actor} 应自行关闭；第 {frame} 帧的 FIN 或 RST 是它在 {time} 秒被强制结束之后才出现的",
        ),
        hint=Text(
            "Look for the thread that keeps the program alive: is it blocked in recv(), accept() or input()?",
            "找出让程序无法结束的线程：它阻塞在 recv()、accept() 还是 input()？",
        ),
    ),
    Kind(
        "WL505",
        summary=Text("a FIN was never acknowledged", "FIN 没有被确认"),
        rationale=Text(
            "the FIN of {actor} (frame {frame}) was not acknowledged",
            "{actor} 的 FIN(第 {frame} 帧)没有被确认",
        ),
        hint=Text(
            "The kernel acknowledges a FIN by itself; if it did not, the wire was cut or the other host was gone.",
            "FIN 由内核自动确认；没有确认说明线路中断或对方主机已消失。",
        ),
    ),
    Kind(
        "WL507",
        summary=Text("an orderly close where a reset was expected", "应为 RST，实际正常关闭"),
        rationale=Text(
            "expected the connection of {actor} to end with RST; none was captured",
            "{actor} 的连接应以 RST 结束，但没有捕获到 RST",
        ),
        hint=Text("Compare with the scenario's step that ends the connection.", "请对照场景中结束连接的那一步。"),
    ),
)
