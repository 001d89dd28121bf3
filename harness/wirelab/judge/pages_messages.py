"""Explanation pages: messages that are missing, doubled, changed or out of order (WL2xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL201": page(
        seen=(
            """A line was typed, and no message with its text ever crossed the wire on that client's connection.
            `Follow TCP Stream` in Wireshark shows the others, which the finding lists too. The prompt looks as if
            all were well: the terminal echoes keys whether or not anything is sent.""",
            """输入了一行，但这个客户端的连接上始终没有出现带这段文字的消息。在 Wireshark 中用“追踪 TCP 流”只能看到其他
            消息，诊断里也列出了它们。终端看上去一切正常：无论发没发送，终端都会回显按键。""",
        ),
        why=(
            """Between Enter and the wire lie three places where a line can be lost. The program may not be reading the
            keyboard at that moment: a thread that is busy elsewhere takes the line late, or never. It may have read
            the line and not passed it on: a condition that filters too much, a queue whose consumer ended. Or it
            closed too early: `/quit` or end-of-file came right behind, and a sender thread was not waited for (see
            WL253). `send()` may also take only a part of a long line and return its length; the rest is never sent
            unless you send it.""",
            """从按下回车到报文上线，一行文字可能在三个地方丢失。程序当时也许没有在读键盘：线程忙着别的事，晚读或者根本
            没读。也许读到了却没有往下传：条件判断过滤得太多，或者队列的消费者已经结束。也许关闭得太早：后面紧跟着
            `/quit` 或文件结束，却没有等发送线程做完（见 WL253）。另外 `send()` 可能只接受一行的前一部分并返回长度，
            剩下的你不再发，就永远不会发出去。""",
        ),
        where=(
            """Follow one line from `input()` to `sendall()` and print at each station. Use `sendall()`; in C loop
            until all bytes are written. Before closing, wait for the thread or queue that sends.""",
            """跟着一行文字从 `input()` 走到 `sendall()`，每一站都打印一下。用 `sendall()`；C 里要循环到全部写完。关闭
            之前，先等负责发送的线程或队列做完。""",
        ),
        code="""
            sock.send(line)                  # wrong
            sock.sendall(line)               # right
            """,
        source="send(2), RETURN VALUE; Python library reference, socket: socket.sendall",
        picture=r"""
                 client                                 server
            input() |-- MSG one\n ------------------------>|
            input() |-- MSG two\n ------------------------>|
            input() | . MSG three\n ? . . . . . . . . . . >|
            close() |-- FIN,ACK -------------------------->|
            """,
    ),
    "WL202": page(
        seen=(
            """The client sent a message that no step typed, or one line twice. In the stream you find the extra `MSG`:
            often the quit word (`MSG /quit`), the text of a prompt, or the same line a second time in a frame of
            its own.""",
            """客户端发送了脚本没有输入过的消息，或者同一行发了两次。在流里能看到多出来的 `MSG`：常常是退出命令（`MSG
            /quit`）、提示符的文字，或者同一行又在另一帧里出现。""",
        ),
        why=(
            """TCP never doubles bytes: a retransmission repeats a segment, but the receiver drops the copy, and
            wirelab does too. So the extra message was written twice, or written without being typed. Typical: the
            test for `/quit` comes after the line is sent; the program catches an error in `sendall()` and sends the
            line again although part of it had gone; two threads take the same line; or the farewell (`"client
            left"`) is sent as a chat message, which this lab's protocol does not have.""",
            """TCP 不会让字节变成两份：重传的是报文段，接收方会丢掉副本，wirelab 也一样。所以多出来的消息要么写了两次，
            要么没人输入却写了。典型情形：先发送，后判断是不是 `/quit`；`sendall()` 出错后捕获异常再发一遍，而其中一
            部分已经发出；两个线程拿到同一行；把告别语（如 `"client left"`）当聊天消息发了，本实验的协议里没有这种消
            息。""",
        ),
        where=(
            """Look at the loop that reads the keyboard: test for the quit word first, then send.""",
            """看读键盘的那个循环：先判断退出命令，再发送。""",
        ),
        code="""
            send(line)                       # wrong
            if line == "/quit": break

            if line == "/quit": break        # right
            send(line)
            """,
        source="RFC 9293, section 3.4 (sequence numbers); Handout, protocol table",
        picture=r"""
               client                                 server
            hello |-- MSG hello\n ---------------------->|
            /quit |-- MSG /quit\n ---------------------->|
                  |-- FIN,ACK -------------------------->|
            """,
    ),
    "WL204": page(
        seen=(
            """All the typed lines crossed the wire, each once, but in another order than they were typed. The finding
            shows both orders; the sequence numbers of the frames show which `send()` came first.""",
            """输入的各行都上了线，各一次，但次序与输入时不同。诊断里给出了两种次序；从各帧的序号可以看出哪一次
            `send()` 在前。""",
        ),
        why=(
            """TCP delivers the bytes of one connection in exactly the order in which they were written; loss and
            retransmission do not change that. So the order was changed before `send()`. That happens when each line
            is given to a thread of its own: threads that are started one after the other are not run one after the
            other, the scheduler decides. A lock does not help here. It keeps two threads from writing at once; it
            does not say whose turn it is, and `threading.Lock` is not first come, first served.""",
            """在同一个连接上，字节按写入的次序到达，丢包和重传都不会改变这一点。所以次序是在 `send()` 之前变的。典型做
            法是每行文字开一个线程去发：先启动的线程不一定先运行，由调度器决定。加锁也没有用：锁只保证两个线程不同时
            写，并不规定轮到谁，`threading.Lock` 也不是先来先得。""",
        ),
        where=(
            """Send from the thread that reads, or put lines into one queue with one consumer. A `queue.Queue` keeps
            the order and needs no further lock.""",
            """在读键盘的线程里直接发送，或者把各行放进一个队列，由一个消费者线程发送。`queue.Queue` 保持次序，不需要另
            外加锁。""",
        ),
        code="""
            for line in sys.stdin:           # wrong
                threading.Thread(target=send, args=(line,)).start()

            for line in sys.stdin:           # right
                outbox.put(line)
            """,
        source="RFC 9293, section 2.2 (reliable, in-order byte stream); Python library reference, queue",
        picture=r"""
                  client                                 server
            one, two |                                      |
            Thread-2 |-- MSG two\n    seq=x --------------->|
            Thread-1 |-- MSG one\n    seq=x+8 ------------->|
            """,
    ),
    "WL207": page(
        seen=(
            """In this scenario the other side is scripted, byte by byte. It waited for a message, a FIN or a RST from
            your program, and nothing that fits came within the time allowed. The ladder shows its last frame, the
            ACK of your kernel, and then silence, or something else than what was wanted.""",
            """这个场景里对方由脚本逐字节扮演。它等着你的程序发来某条消息、FIN 或 RST，但在规定时间内没有等到。时序图上
            能看到它最后发的一帧、你这边内核的 ACK，然后就是一片安静，或者来的不是要等的东西。""",
        ),
        why=(
            """The ACK proves only that the bytes reached your kernel's receive buffer; it says nothing about the
            program. From there the program must call `recv()`, cut the bytes into messages, and answer. Scripted
            peers do on purpose what real networks do now and then: they send half a line and the rest later, ten
            lines in one segment, an unknown line in between, or they half-close. A program that is stuck on one of
            these answers nothing from then on.""",
            """ACK 只说明字节到了你这边内核的接收缓冲区，与程序无关。此后程序必须调用 `recv()`，把字节切成消息，再作
            答。脚本扮演的一方会故意做真实网络偶尔才做的事：半行先到、半行后到，一个报文段里装十行，中间夹一行不认识的内容
            ，或者半关闭。程序在其中任何一处卡住，之后就什么也不回答了。""",
        ),
        where=(
            """Find in the ladder the last thing that your program did answer; what came next is what it does not cope
            with. Compare your receiving code with the loop below, which copes with all cuts.""",
            """在时序图中找到你的程序最后一次正常的回答，它后面那一帧就是程序应付不了的。把接收部分和下面的循环对照，这
            个循环不怕任何切法。""",
        ),
        code=r"""
            rest = b""
            while data := sock.recv(4096):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    handle(line)
            """,
        source="RFC 9293, sections 2.2 and 3.10.3 (RECEIVE call); recv(2)",
        picture=r"""
                           program                                 peer
                              |<--------------------------- HEARTB --|
                              |-- ACK ------------------------------>|
                              |<-------------------------- EAT 1\n --|
                              |-- ACK ------------------------------>|
            HEARTBEAT-ACK 1 ? |                                      | expects: -
            """,
    ),
    "WL209": page(
        seen=(
            """A message came that is nearly what was typed: letters are missing at one end, a space or a zero byte is
            too many, another text hangs on it. The finding shows both texts in quotes; in the hex pane of Wireshark
            invisible bytes such as `00`, `0d` or `20` can be seen.""",
            """收到的消息与输入的内容只差一点：一端少了字符，多了空格或零字节，或者后面粘着别的文字。诊断里给出了两段文
            字；在 Wireshark 的十六进制窗格里能看到 `00`、`0d`、`20` 这类看不见的字节。""",
        ),
        why=(
            """What crosses the wire are exactly the bytes given to `send()`. In C the usual slips are `send(fd, buf,
            sizeof buf, 0)`, which sends the whole array with what lay behind the text, and `strlen(buf) + 1`, which
            sends the terminating zero. In Java `writeUTF` puts two bytes of length in front. In Python `input()`
            has removed the line end already, so `line[:-1]` takes a letter away; `strip()` takes away spaces that
            were typed. And a fixed `recv(n)` or `fgets(buf, 20, …)` cuts long lines.""",
            """线路上的字节就是交给 `send()` 的那些，一个不多一个不少。C 里常见的错误是 `send(fd, buf, sizeof buf, 0)`
            ，把整个数组连同文字后面的内容都发了出去；还有 `strlen(buf) + 1`，把结尾的零也发了。Java 的 `writeUTF`
            会在前面加两个字节的长度。Python 的 `input()` 已经去掉了换行，再写 `line[:-1]` 就少了一个字；`strip()`
            会去掉用户输入的空格。固定长度的 `recv(n)` 或 `fgets(buf, 20, …)` 会截断长行。""",
        ),
        where=(
            """Look at the expression that is given to `send()`, and at whatever trims or pads on the way. Print
            `repr(...)` of it.""",
            """看传给 `send()` 的那个表达式，以及途中所有删减或填充的地方。把它的 `repr(...)` 打印出来。""",
        ),
        code=r"""
            sock.sendall(b"MSG " + line[:-1].encode() + b"\n")      # wrong
            sock.sendall(b"MSG " + line.encode("utf-8") + b"\n")    # right
            """,
        source="send(2); Python library reference, Built-in Functions: input",
        picture=r"""
               client                                 server
            hello |                                      |
                  |-- MSG hell\n   len=9 --------------->|
                  :                                      :
            hello |                                      |
                  |-- MSG hello\0\n   len=11 ----------->|
            """,
    ),
    "WL253": page(
        seen=(
            """The last one or two lines typed before the end are missing on the wire, the earlier ones are there. The
            FIN (or RST) comes right after the quit; its sequence number follows directly on the last message that
            did go out, so nothing was lost on the way.""",
            """结束之前输入的最后一两行没有上线，前面的都在。一退出就有 FIN（或 RST），它的序号紧接着最后一条发出的消息
            ，可见不是在路上丢的。""",
        ),
        why=(
            """The lines were still inside the program: in a queue for a sender thread, in a buffered writer that was
            not flushed (`makefile("w")`, `BufferedWriter`, C's `FILE *`), or in the hands of a daemon thread. A
            daemon thread is stopped abruptly when the main thread ends; what it held is gone. `os._exit()` and
            `System.exit()` skip it as well. What was handed to `send()`, on the other hand, is safe: `close()` lets
            the kernel deliver it first and sends FIN behind it, unless something is unread or SO_LINGER is 0
            (WL551, WL552).""",
            """这些行还留在程序内部：在等发送线程来取的队列里，在没有 flush 的缓冲写入器里（`makefile("w")`、
            `BufferedWriter`、C 的 `FILE *`），或者在守护线程手里。主线程一结束，守护线程立即被终止，它拿着的东西就
            没了。`os._exit()`、`System.exit()` 同样不会等。相反，已经交给 `send()` 的数据是安全的：`close()` 会让内
            核先把它们送达，再发 FIN，除非还有未读数据或设置了 SO_LINGER 0（WL551、WL552）。""",
        ),
        where=(
            """End in this order: no more input; tell the sender to finish (a sentinel in its queue) and `join()` it;
            `flush()` what buffers; `shutdown(SHUT_WR)`; read until the other's FIN; `close()`.""",
            """按这个次序结束：不再接收输入；通知发送线程收尾（往队列里放一个结束标记），并 `join()` 它；`flush()` 有缓
            冲的对象；`shutdown(SHUT_WR)`；读到对方的 FIN；`close()`。""",
        ),
        code="""
            outbox.put(None)                 # right
            sender.join()
            sock.shutdown(socket.SHUT_WR)
            """,
        source="Python library reference, threading: Thread Objects (daemon threads); RFC 9293, section 3.10.4 (CLOSE call)",
        picture=r"""
                       client                                 server
            outbox: three |                                      |
                          |-- MSG one\n    seq=x --------------->|
                          |-- MSG two\n    seq=x+8 ------------->|
                  close() |-- FIN,ACK      seq=x+16 ------------>|
            """,
    ),
}
