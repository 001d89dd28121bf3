"""Findings about heartbeats and their answers (WL3xx).

Sentences only; what makes a finding is decided in the checks.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL301",
        summary=Text("too few heartbeats", "心跳太少"),
        rationale=Text(
            "expected at least {wanted} heartbeats from the server to {actor}; {seen} were sent",
            "服务器至少应向 {actor} 发送 {wanted} 个心跳，实际 {seen} 个",
        ),
        hint=Text(
            "Each connection needs a timer of its own that goes on while other threads wait for input.",
            "每个连接需要自己的定时器，在其他线程等待输入时也要继续工作。",
        ),
    ),
    Kind(
        "WL302",
        summary=Text("a heartbeat was not answered", "有心跳没有被应答"),
        rationale=Text(
            "expected {actor} to answer {question} (frame {frame}, at {time} s) within {limit} s; no answer followed",
            "{actor} 应在 {limit} 秒内应答 {question}（第 {frame} 帧，{time} 秒）；之后没有应答",
        ),
        hint=Text(
            "Receive in a thread of its own, and split what recv() gives into messages: one recv may bring "
            "half a heartbeat or two.",
            "请在独立线程中接收，并把 recv() 得到的数据切分成消息：一次 recv 可能只有半个心跳，也可能有两个。",
        ),
    ),
    Kind(
        "WL303",
        summary=Text("a heartbeat was answered late", "心跳应答太迟"),
        rationale=Text(
            "expected {actor} to answer {question} (frame {frame}, at {time} s) within {limit} s; the answer "
            "(frame {answer}) came after {delay} s",
            "{actor} 应在 {limit} 秒内应答 {question}（第 {frame} 帧，{time} 秒）；应答（第 {answer} 帧）在 "
            "{delay} 秒后才到",
        ),
        hint=Text(
            "Something else keeps the receiving thread busy: input(), sleep(), or a lock that another thread holds. Or each "
            "recv() handles one message only, so that the next one waits in the buffer: `while`, not `if`.",
            "接收线程被别的事情占住了：input()、sleep()，或其他线程持有的锁。也可能每次 recv() 之后只处理一条消息，"
            "下一条留在缓冲区里等着：要用 while，不要用 if。",
        ),
    ),
    Kind(
        "WL304",
        summary=Text("an answer to a heartbeat nobody sent", "应答了不存在的心跳"),
        rationale=Text(
            "{actor} sent {text} (frame {frame}); no heartbeat with this number was waiting for an answer",
            "{actor} 发送了 {text}（第 {frame} 帧），但没有等待应答的同号心跳",
        ),
        hint=Text(
            "Answer with the number that the heartbeat carried; do not count by yourself.",
            "请用收到的心跳中的编号应答，不要自己计数。",
        ),
    ),
    Kind(
        "WL305",
        summary=Text("a heartbeat was answered twice", "心跳被应答了两次"),
        rationale=Text(
            "{actor} sent {text} again (frame {frame}); the heartbeat had its answer already",
            "{actor} 再次发送 {text}（第 {frame} 帧），该心跳已经应答过",
        ),
        hint=Text(
            "Do two threads both answer, or is a buffer scanned again without removing what was handled?",
            "是否有两个线程都在应答，或缓冲区处理后没有清除又被扫描了一次？",
        ),
    ),
    Kind(
        "WL306",
        summary=Text("heartbeat numbers do not count from 1", "心跳编号不是从 1 开始递增"),
        rationale=Text(
            "expected the heartbeats to {actor} to be numbered 1, 2, 3, …; seen: {seen}",
            "发给 {actor} 的心跳编号应为 1、2、3……；实际：{seen}",
        ),
        hint=Text(
            "Each connection counts by itself; a counter shared by all clients skips numbers.",
            "每个连接各自计数；所有客户端共用一个计数器会跳号。",
        ),
    ),
)
