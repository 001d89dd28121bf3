"""Findings about captures made by hand: what they lack (WL91x). They never cost a mark.

Sentences only; what makes a finding is decided in ``captured``.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL911",
        summary=Text("the capture begins in the middle of the connection", "抓包从连接中途开始"),
        rationale=Text(
            "the capture has no SYN of {actor}: its first segment of this connection is frame {frame}, and what came "
            "before cannot be judged",
            "抓包中没有 {actor} 的 SYN：这个连接的第一个报文段是第 {frame} 帧，之前的内容无法判断",
        ),
        hint=Text(
            "Start the capture first, then the server, then the client.",
            "请先开始抓包，再启动服务器，最后启动客户端。",
        ),
    ),
    Kind(
        "WL912",
        summary=Text("the capture ends in the middle of the connection", "抓包在连接中途结束"),
        rationale=Text(
            "the capture ends at {time} s without {missing}: either it was stopped too early, or that was never sent",
            "抓包在 {time} 秒结束，其中没有{missing}：可能停止得太早，也可能始终没有发送",
        ),
        hint=Text(
            "Stop the capture a few seconds after both programs have ended. If it is still missing then, the program "
            "did not close: when recv() returns b'' (end of stream), a side must close its own socket too.",
            "请在两个程序都结束几秒之后再停止抓包。如果仍然没有，就是程序没有关闭连接："
            "recv() 返回 b''（流结束）时，这一方也要关闭自己的套接字。",
        ),
    ),
    Kind(
        "WL913",
        summary=Text("bytes are missing from the capture", "抓包缺少部分字节"),
        rationale=Text(
            "the capture lacks {count} bytes that {actor} sent, the first of them byte {start} of its stream; its "
            "messages can be read up to there only",
            "抓包缺少 {actor} 发送的 {count} 个字节，其中第一个是其字节流的第 {start} 字节；消息只能读到那里为止",
        ),
        hint=Text(
            "Capture packets whole (tcpdump: -s 0), in both directions, and only what you need (a capture filter such as "
            "tcp port 12001, not src port 12001), so that none is cut or lost.",
            "请完整抓取两个方向的每个报文（tcpdump 用 -s 0），并用抓包过滤器（例如 tcp port 12001，而不是 src port 12001）"
            "只抓需要的内容，以免截断或丢失。",
        ),
    ),
)
