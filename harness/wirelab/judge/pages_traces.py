"""Explanation pages: segments compared with an expected trace (WL7xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL701": page(
        seen=(
            """The expected trace and the captured segments stand side by side. Down to some line they agree; from
            there on the capture shows something else, or nothing: a RST where a FIN was expected, a number that
            does not fit the symbols bound so far, the other direction. The values of the symbols up to that point
            are listed.""",
            """预期轨迹与捕获到的报文段左右并列。到某一行为止两边一致，从那里开始，捕获中是别的东西，或者什么也没有：该
            是 FIN 的地方是 RST，某个数与已绑定的符号对不上，方向反了。到这一点为止各符号的值也会列出。""",
        ),
        why=(
            """A symbol such as `x` takes the number that its first line shows and must have that value from then on,
            modulo 2^32; `ack=x+1` thus says "acknowledges the SYN and nothing more". Segments that TCP may add or
            join without being wrong are let through and named: retransmissions, delayed ACKs, an ACK that rides on
            a FIN, FINs that cross. So a mismatch means one of two things. Either the program did something else
            than the trace says, or the trace demands more than TCP promises, such as four segments for every
            teardown. The two columns, side by side, tell which.""",
            """符号（如 `x`）在第一次出现的那一行取得数值，此后都必须是这个值（模 2^32）；因此 `ack=x+1` 的意思是“确认
            了 SYN，仅此而已”。TCP 可以合法增加或合并的报文段会被放行并注明：重传、延迟确认、搭在 FIN 上的 ACK、交错
            的 FIN。所以出现差异只有两种可能：程序做的与轨迹所写不同；或者轨迹的要求超出了 TCP 的保证，例如要求每次
            关闭都是四个报文段。把左右两列对照着看，就知道是哪一种。""",
        ),
        where=(
            """Go to the frame at which the two part and look one frame earlier: what did the program do there? The
            usual suspects are in WL502 and WL503. If the trace is your own, compare it with the ladder and remove
            `strict` where TCP is free.""",
            """找到分歧所在的帧，再看前一帧：程序在那里做了什么？最常见的情况见 WL502 和 WL503。如果轨迹是你自己写的，
            与时序图对照；凡是 TCP 可以自由选择的地方，去掉 `strict`。""",
        ),
        code="""
            alice > server   FIN      seq=u
            server > alice   FIN,ACK  seq=w  ack=u+1
            alice > server   ACK             ack=w+1
            """,
        source="docs/traces.md; RFC 9293, sections 3.4, 3.5 and 3.6",
        picture="""
                       client                                 server
            expected: FIN |-- FIN,ACK  seq=u ------------------->|
            expected: ACK |<----------------- ACK      ack=u+1 --|
            expected: FIN |<------------------- RST      seq=w --| close()
            """,
    ),
    "WL702": page(
        seen=(
            """Every segment of the expected trace is there, in order; only one came too late or too early for its time
            bound (`within 200ms`, `after 1s`). The output names both frames and the time between them, measured on
            the capture's own stamps.""",
            """预期轨迹中的报文段都在，次序也对，只是有一个来得太晚或太早，超出了时间限制（`within 200ms`、`after 1s`
            ）。输出里给出两个帧号以及它们之间的时间，按捕获的时间戳计算。""",
        ),
        why=(
            """On one machine a segment takes microseconds, so nearly all the time between two frames is time in which
            a program, or TCP itself, waits. Programs wait in `sleep`, in `input()`, for a lock, for a timeout to
            run out. TCP waits on purpose in three places: an ACK may be delayed by some 40 ms in the hope that data
            goes the same way, a small segment waits for the ACK of the one before (Nagle), and a lost segment is
            repeated after 0.2 s at the earliest. A bound that is smaller than these blames TCP for being TCP.""",
            """在同一台机器上，报文段只需几微秒就到，所以两帧之间的时间几乎都是程序或 TCP 在等待。程序会在 `sleep`、
            `input()`、锁、超时上等待。TCP 有三处是有意等待：ACK 可以延迟约 40 毫秒，指望搭上同方向的数据；小报文段
            要等前一个的 ACK（Nagle 算法）；丢失的报文段最早在 0.2 秒后重发。时间限制若比这些还小，就是怪 TCP 太像
            TCP 了。""",
        ),
        where=(
            """If the late segment carries data or FIN, find what the sending program waited for (see WL303). If it is
            a pure ACK, widen the bound to at least 100 ms.""",
            """如果迟到的报文段带有数据或 FIN，找出发送方程序在等什么（见 WL303）。如果是纯 ACK，就把限制放宽到至少 100
            毫秒。""",
        ),
        code="""
            alice > server   FIN  seq=u
            server > alice   ACK  ack=u+1  within 10ms     # wrong
            server > alice   ACK  ack=u+1  within 200ms    # right
            """,
        source="docs/traces.md; RFC 9293, sections 3.7.4 (Nagle) and 3.8.6.3 (delayed ACK); RFC 6298",
        picture=r"""
              client                                 server
                 |<-------------------- HEARTBEAT 1\n --| t
                 :                                      :
                 |-- HEARTBEAT-ACK 1\n ---------------->| t + 0.35 s
            """,
    ),
    "WL703": page(
        seen=(
            """The expected trace was matched down to its last line, but the connection went on: further segments
            follow that none of its lines accounts for, for instance data behind the last ACK, a RST after an
            orderly close, a second answer.""",
            """预期轨迹一直匹配到最后一行，但连接没有就此结束：后面还有报文段，没有哪一行能解释它们，例如最后的 ACK 之
            后还有数据，正常关闭之后又来了 RST，或者应答了第二次。""",
        ),
        why=(
            """A trace describes the whole connection, from the first SYN to the last segment; what comes behind its
            end is as much a difference as what is missing. Retransmissions and repeated ACKs are not counted. What
            is left is real: a RST after both FINs usually means that one side still sent to a socket that was
            closed (WL553), further data that a thread was not told about the end. If the trace simply stops early,
            it needs a `...` at its end for what it does not want to describe.""",
            """轨迹描述的是整个连接，从第一个 SYN 到最后一个报文段；结尾之后多出来的，和缺少的一样是差异。重传和重复的
            ACK 不算。剩下的就是真的：两个 FIN 之后的 RST，通常是有一方还在往已关闭的套接字发送（WL553）；多出来的数
            据，则是某个线程不知道已经结束。如果轨迹本来就只写了前半段，结尾要加上 `...`，表示后面不描述。""",
        ),
        where=(
            """Look at who sent the first extra segment, and which thread that can have been: a timer or a heartbeat
            thread that nobody stopped is the usual answer.""",
            """看第一个多余的报文段是谁发的，可能来自哪个线程：没有人去停止的定时器或心跳线程是最常见的答案。""",
        ),
        code="""
            while True:                              # wrong
                time.sleep(interval)
                send(heartbeat)

            while not leaving.wait(interval):        # right
                send(heartbeat)
            """,
        source="docs/traces.md; RFC 9293, section 3.6",
        picture=r"""
              client                                 server
                 |-- FIN,ACK  seq=u ------------------->|
                 |<---------- FIN,ACK  seq=w  ack=u+1 --|
                 |-- ACK      ack=w+1 ----------------->|
                 |                                      | end of trace
                 |<-------------------- HEARTBEAT 9\n --| ?
            """,
    ),
}
