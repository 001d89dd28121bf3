"""Explanation pages: the harness and the machine, never the student's fault (WL9xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL901": page(
        seen=(
            """The verdict is inconclusive: the kernel counted packets that the capture did not get. The frames that
            are shown are real, but some may be missing between them.""",
            """结论是“无法判定”：内核统计到有报文没有进入捕获。显示出来的帧是真实的，但中间可能缺了一些。""",
        ),
        why=(
            """Packets are copied into a buffer from which wirelab reads them. When the machine is so busy that wirelab
            gets no processor for a while, or a program sends at an extreme rate, the buffer overflows and the
            kernel drops *copies*, not the packets themselves: your program was not disturbed. The kernel keeps
            count (PACKET_STATISTICS), so the loss is known exactly, but not what was in it. A FIN that is missing
            in such a capture may have been sent; nobody may be blamed for it.""",
            """报文先复制到一个缓冲区，wirelab 再从那里读取。机器太忙，wirelab 一时分不到处理器，或者程序以极高的速率发
            送，缓冲区就会溢出，内核丢掉的是副本，而不是报文本身：你的程序没有受到影响。内核会计数（
            PACKET_STATISTICS），所以丢了多少是准确的，但内容无从得知。这样的捕获里缺少的 FIN，也许其实发出过，不能
            因此责怪任何人。""",
        ),
        where=(
            """Nothing in your code, unless it floods the network (WL611). Close what keeps the machine busy and run
            again; in a class use fewer jobs at a time.""",
            """与你的代码无关，除非程序本身在刷流量（WL611）。关掉占用机器的程序再运行一次；批改全班时减少并行数。""",
        ),
        code="""
            wirelab doctor
            """,
        source="packet(7), PACKET_STATISTICS",
        picture="""
              client                                 server
                 |-- frame 41 ------------------------->|
                 | . ? . . . . . . . . . . . . . . . . >|
                 |<------------------------- frame 42 --|
            """,
    ),
    "WL902": page(
        seen=(
            """The capture was cut off at its limit, and no single program under test sent most of it. What came later
            is unknown; the verdict is inconclusive.""",
            """捕获达到上限后被截断，而流量的大部分并不是某个被测程序发的。之后的情况不得而知，结论是“无法判定”。""",
        ),
        why=(
            """A run keeps a bounded number of packets (200 000 by default), so that a runaway program cannot fill the
            disk. A lab scenario makes some dozens. If the limit is hit and your program is the one that sent most,
            that is a finding of its own (WL611). Otherwise the reference, a peer of the script, or several programs
            together produced it, and judging on half a capture would be unfair.""",
            """一次运行保留的报文数有上限（默认 200 000），免得失控的程序写满磁盘；实验场景通常只有几十个。如果达到上限
            ，而且主要是你的程序发的，会有单独的诊断（WL611）。否则流量来自参考程序、脚本扮演的一方，或者几个程序一起，凭
            半份捕获下结论就不公平了。""",
        ),
        where=(
            """Run again. If it happens every time, look at the scenario: `repeat` in a `sends` step, or a very short
            HEARTBEAT_INTERVAL with a long `wait`.""",
            """请重新运行。如果每次都这样，看场景本身：`sends` 步骤里的 `repeat`，或者很短的 HEARTBEAT_INTERVAL 配上很
            长的 `wait`。""",
        ),
        code="""
            - {server: sends, text: NEWS, repeat: 100000}    # wrong
            - {server: sends, text: NEWS, repeat: 100}       # right
            """,
        source="docs/scenarios.md; docs/run-folder.md",
        picture="""
              client                                 server
                 |-- frame 199999 --------------------->|
                 |<--------------------- frame 200000 --|
               ? |                                      | ?
            """,
    ),
    "WL903": page(
        seen=(
            """Something came too late, but in that time the program was ready to run and got no processor for the
            number of seconds given. The verdict is inconclusive and not a failure.""",
            """有件事做迟了，但这段时间里程序一直处于就绪状态，却有所示的若干秒没有分到处理器。结论是“无法判定”，不算未
            通过。""",
        ),
        why=(
            """A thread that is blocked waits for an event; a thread that is *ready* waits for a processor. The kernel
            counts the second kind of waiting for each thread (schedstat, run-delay). When that alone explains the
            delay, the answer would have been in time on an idle machine. The reverse is checked too: a program that
            had the processor most of the time, or whose thread was blocked in `input()`, does not get this excuse.""",
            """阻塞的线程在等事件，就绪的线程在等处理器。内核为每个线程统计后一种等待（schedstat 的 run-delay）。如果仅
            此就能解释延迟，那么在空闲的机器上它本来是及时的。反过来也会检查：大部分时间都占着处理器的程序，或者线程
            其实阻塞在 `input()` 里，就得不到这个理由。""",
        ),
        where=(
            """Run again on a quieter machine. If your own program starts many threads or processes that compute, it
            may have starved itself.""",
            """换个空闲的时候再运行。如果你的程序自己开了许多线程或进程做计算，也可能是它饿着了自己。""",
        ),
        code="""
            wirelab doctor
            """,
        source="Linux kernel documentation, Scheduler Statistics; sched(7)",
        picture=r"""
                       client                                 server
                    ready |<-------------------- HEARTBEAT 4\n --|
                          :                                      :
            ready, no CPU |                                      |
                          :                                      :
                  running |-- HEARTBEAT-ACK 4\n ---------------->|
            """,
    ),
    "WL904": page(
        seen=(
            """Connections to the port were captured, and wirelab could not find out which program opened them. Checks
            about one client's connection are then inconclusive.""",
            """捕获到了到该端口的连接，但 wirelab 无法查明是哪个程序打开的。与某个客户端的连接有关的检查因此无法判定。""",
        ),
        why=(
            """A segment carries addresses and ports, but no program's name. wirelab asks the kernel which process owns
            the client's port while the connection lives. A program that connects and is gone within a millisecond
            can slip through: it may have crashed, or have been replaced by another process on the way (a start
            script, a build tool).""",
            """报文段里有地址和端口，没有程序的名字。wirelab 在连接存在期间向内核查询客户端端口属于哪个进程。连上之后一
            毫秒内就消失的程序可能漏掉：它也许崩溃了，也许中途换成了别的进程（启动脚本、构建工具）。""",
        ),
        where=(
            """Start the program directly, not through a script that spawns others, and see whether it stays connected.
            If it happens every time, please report it with the run folder.""",
            """直接启动程序，不要经过会再启动别人的脚本，看它是否保持连接。若每次都这样，请附上运行文件夹报告。""",
        ),
        code="""
            wirelab run heartbeat --client "sh start.sh"             # wrong
            wirelab run heartbeat --client "python3 client.py"       # right
            """,
        source="proc(5), /proc/pid/fd and /proc/net/tcp",
        picture="""
              client                                 server
               ? |-- SYN  sport=? --------------------->|
                 |<-------------------------- SYN,ACK --|
                 |-- ACK ------------------------------>|
            exit |-- FIN,ACK -------------------------->|
            """,
    ),
    "WL905": page(
        seen=(
            """A part that is not your program did not do what the scenario gives it to do: the reference, a scripted
            peer, or the wire that was still cut. The check that depends on it says nothing about your program and
            is inconclusive.""",
            """不属于你的程序的一方没有完成它在场景里的任务：参考程序、脚本扮演的一方，或仍处于中断状态的线路。依赖它的检查不
            能说明你的程序的情况，因此无法判定。""",
        ),
        why=(
            """Two sides make a conversation, and a scenario gives you only one of them. If the other one fails, what
            yours did cannot be told apart from a reaction to that. Before wirelab says so it looks for a reason on
            your side: a server that drops a client after three unanswered heartbeats, for example, does what the
            protocol says, and then it is your finding. Rarely the reason is an unusual behaviour of your program
            that the reference does not cope with.""",
            """对话有两方，场景只让你扮演一方。另一方出了问题，你的程序做的事就分不清是主动还是被动。wirelab 在这样下结
            论之前，会先在你这一方找原因：例如连续三个心跳没有应答而被服务器断开，那是协议规定的，就算你的。少数情况
            下，是你的程序行为特殊，参考程序应付不了。""",
        ),
        where=(
            """Run again. If it happens every time, look at what the other part said on its terminal and at what the
            scenario gives it to do: a variable in `env` that it cannot use, an `until` that it never shows, a text
            that it is to show in other words. If that can be done, report it with the run folder (`-o DIR`), which
            holds everything that was seen.""",
            """请重新运行。若每次都这样，看那一方终端上的话，再看场景让它做什么：`env` 里有它不能用的变量，`until` 等的是它从
            不显示的内容，或者要它显示的文字和它的用语不同。若场景没有问题，用 `-o DIR` 保存运行文件夹并报告，其中有看到
            的一切。""",
        ),
        code="""
            wirelab run heartbeat --client "python3 client.py" -o lastrun
            """,
        source="docs/scenarios.md; docs/run-folder.md",
        picture="""
              program                               reference
                 |-- SYN ------------------------------>|
                 |<-------------------------- SYN,ACK --|
                 |-- ACK ------------------------------>|
                 |<------------------------------ RST --| ?
            """,
    ),
    "WL906": page(
        seen=(
            """The script ended at an earlier step, so what this check asks about never had its turn. It is neither
            passed nor failed. Where your own program is what ended the script, grading counts it as not right.""",
            """脚本在更早的一步就结束了，这项检查要看的事情还没轮到发生，所以既不算通过，也不算未通过。如果让脚本结束的
            是你自己的程序，评分时按不正确计算。""",
        ),
        why=(
            """A script stops where going on makes no sense: a program could not be started, did not get ready, or
            flooded its terminal. What was already done wrong by then is still told, for instance a line that is no
            message. But what is *missing* afterwards, a heartbeat's answer or a FIN, proves nothing, since the
            script never came to where it was due.""",
            """继续下去没有意义时，脚本就会停止：程序启动不了、没有就绪，或者刷屏。到那时为止已经做错的仍会指出，例如某
            一行不是合法消息。但之后缺少的东西，如心跳应答或 FIN，什么也说明不了，因为脚本没有走到该有它的地方。""",
        ),
        where=(
            """Look at the first failed check above: mend that, and this one gets its turn.""",
            """看上面第一个未通过的检查：先解决它，这一项才会轮到。""",
        ),
        code="""
            print(f"Listening on {host}:{port}", flush=True)
            """,
        source="docs/scenarios.md",
        picture="""
                          client                                 server
                       start |                                      |
            "Connected to" ? |                                      |
                             | . SYN ? . . . . . . . . . . . . . . >|
            """,
    ),
    "WL907": page(
        seen=(
            """The expected trace can be matched with the captured segments in more ways than are tried, and none of
            those that were tried fits. It is neither a match nor a mismatch.""",
            """预期轨迹与捕获的报文段之间可能的对应方式太多，无法一一尝试，而试过的都不成立。既不能说符合，也不能说不符
            合。""",
        ),
        why=(
            """Each `...` may stand for any number of segments, each `either` doubles the ways, and `any order` with n
            parts has n! of them. Symbols normally cut this down quickly, since a number that is bound must fit.
            Where lines have no numbers, no flags but ACK and no payload, nearly every segment fits every line, and
            on a capture of thousands of frames the possibilities explode. Rather than guess, wirelab says that it
            does not know.""",
            """每个 `...` 可以代表任意多个报文段，每个 `either` 使可能性加倍，n 个部分的 `any order` 有 n! 种排列。符号
            通常能很快排除大部分，因为绑定的数值必须吻合。如果各行没有数值、标志只有 ACK、也没有数据，那么几乎每个报
            文段都适合每一行，几千帧的捕获就会组合爆炸。与其猜测，wirelab 选择说“不知道”。""",
        ),
        where=(
            """Give the trace more to hold on to: `seq` and `ack` with symbols, `DATA` with its message, fewer gaps in
            a row, smaller groups in any order.""",
            """给轨迹多加些依据：带符号的 `seq` 和 `ack`，`DATA` 写明是哪条消息，少用连续的省略，缩小任意次序的分组。""",
        ),
        code="""
            alice > server   ACK                         # wrong
            alice > server   ACK   seq=x+1  ack=y+1      # right
            """,
        source="docs/traces.md; RFC 9293, section 3.4",
        picture="""
                          client                                 server
            line 3 ? 4 ? 5 ? |-- ACK ------------------------------>|
            line 3 ? 4 ? 5 ? |-- ACK ------------------------------>|
            line 3 ? 4 ? 5 ? |-- ACK ------------------------------>|
            """,
    ),
}
