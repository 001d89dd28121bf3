"""Explanation pages: captures made by hand and what they lack (WL91x). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL911": page(
        seen=(
            """The connection has no SYN in this capture; its first frame is already data or an ACK. Wireshark shows
            the relative numbers from wherever it began, and often `TCP ACKed unseen segment`. Checks that need the
            beginning are inconclusive.""",
            """这份抓包里的这个连接没有 SYN，第一帧已经是数据或 ACK。Wireshark 的相对序号从它碰巧看到的地方算起，还常提
            示 `TCP ACKed unseen segment`。需要开头部分的检查都无法判定。""",
        ),
        why=(
            """A capture holds what passed while it ran; packets from before cannot be fetched later. If the client
            connected first and the capture was started afterwards, the handshake is gone, and with it the initial
            sequence numbers and the options (window scale, maximum segment size) that are agreed only there. A file
            in several parts, or a display filter used when saving, has the same effect. It says nothing about the
            program.""",
            """抓包只包含它运行期间经过的报文，之前的无法补取。如果客户端先连上，后开始抓包，三次握手就没有了，一起没有
            的还有初始序号，以及只在握手时协商的选项（窗口扩大因子、最大报文段长度）。抓包文件分成几段，或保存时套用
            了显示过滤器，也会这样。这与程序的对错无关。""",
        ),
        where=(
            """Nothing in your code. Start the capture, then the server, then the client; check that the SYN is in the
            list before you go on.""",
            """不必改代码。先开始抓包，再启动服务器，最后启动客户端；确认列表里有 SYN 再继续。""",
        ),
        code="""
            tcpdump -i lo -s 0 -w lab.pcap tcp port 12001
            """,
        source="Wireshark User's Guide, Capturing Live Network Data; tcpdump(8); RFC 9293, section 3.5",
        picture="""
                 client                                 server
                    | . SYN  seq=x ? . . . . . . . . . . .>|
                    |< . . . . . . . .  SYN,ACK  seq=y ? . |
            frame 1 |-- DATA  seq=x+1 -------------------->|
            """,
    ),
    "WL912": page(
        seen=(
            """The last frames of this connection are ordinary data or a half-finished teardown; a FIN, an ACK or an
            answer that ought to follow is not there. Checks that need it are inconclusive.""",
            """这个连接最后几帧是普通数据，或关闭只进行到一半；应当跟着出现的 FIN、ACK 或应答不在其中。需要它的检查都无
            法判定。""",
        ),
        why=(
            """Two things look the same in a file that ends early: the capture was stopped before the segment came, or
            it never came. Only time can tell them apart. An ACK may be delayed by some 40 ms, an answer by the
            program, a FIN by a thread that still sleeps; a lost segment is repeated after 0.2 s and more. So wait
            until both programs have ended, and a few seconds longer. If the FIN is missing then too, the program
            did not close (WL503, WL556).""",
            """抓包提前结束时，有两种情况看起来一样：报文段到来之前就停了抓包，或者它根本没有来。只有时间能区分。ACK 可
            能延迟约 40 毫秒，应答要等程序，FIN 要等还在睡觉的线程，丢失的报文段要 0.2 秒以上才会重发。所以要等两个
            程序都结束，再多等几秒。如果那时还没有 FIN，就是程序没有关闭连接（WL503、WL556）。""",
        ),
        where=(
            """Capture again and let it run on. In the program, the branch for `recv() == b""` must lead to `close()`.""",
            """重新抓一次，多抓一会儿。程序里，`recv() == b""` 的分支必须走到 `close()`。""",
        ),
        code="""
            while data := sock.recv(4096):
                handle(data)
            sock.close()                     # right
            """,
        source="Wireshark User's Guide, Capturing Live Network Data; RFC 9293, section 3.6",
        picture="""
                    client                                 server
            FIN-WAIT-1 |-- FIN,ACK  seq=u ------------------->|
            FIN-WAIT-2 |<----------------- ACK      ack=u+1 --| CLOSE-WAIT
                       |< . . . . . . . .  FIN,ACK  seq=w ? . |
            """,
    ),
    "WL913": page(
        seen=(
            """A piece of one side's stream is not in the file, though later bytes of it are, and the other side
            acknowledged them. Wireshark says `TCP Previous segment not captured`. Messages can be read up to the
            gap only.""",
            """某一方的字节流中缺了一段，而后面的字节在，对方也确认了。Wireshark 提示 `TCP Previous segment not
            captured`。消息只能读到缺口为止。""",
        ),
        why=(
            """The receiver acknowledges only what it has, so an ACK beyond the gap proves that the bytes did arrive;
            it is the capture that lacks them. Capturing copies packets through a buffer, and on a busy machine
            copies are dropped while the real packets pass. Or packets were cut on purpose: a snapshot length (`-s
            96`) keeps the headers and throws away the rest. A gap is no retransmission: had the network lost the
            segment, the same sequence number would come again.""",
            """接收方只确认自己拿到的内容，所以越过缺口的 ACK 证明这些字节确实到了，缺的是抓包。抓包要把报文复制到缓冲
            区，机器忙的时候会丢掉副本，真正的报文则照常通过。也可能是有意截短：抓取长度（`-s 96`）只保留首部，其余
            丢弃。缺口也不是重传：如果是网络丢了报文段，同样的序号会再出现一次。""",
        ),
        where=(
            """Nothing in your code. Capture whole packets and only the port you need, with a larger buffer (`-B`) if
            packets are dropped.""",
            """不必改代码。抓完整的报文，只抓需要的端口；若仍有丢失，用 `-B` 加大缓冲区。""",
        ),
        code="""
            tcpdump -i lo -s 96 -w lab.pcap                        # wrong
            tcpdump -i lo -s 0 -B 8192 -w lab.pcap tcp port 12001  # right
            """,
        source="tcpdump(8), -s and -B; RFC 9293, section 3.4; packet(7)",
        picture="""
              client                                 server
                 |-- DATA  seq=x     len=8 ------------>|
                 | . DATA  seq=x+8   len=8 ? . . . . . >|
                 |-- DATA  seq=x+16  len=8 ------------>|
                 |<------------------- ACK   ack=x+24 --|
            """,
    ),
}
