"""Explanation pages: where messages begin and end, and what they are made of (WL2xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL203": page(
        seen=(
            """The client's bytes do not end where a message must end. Either the stream stops in the middle of a line
            (`MSG hello` and then FIN), or two messages have grown together: `MSG oneMSG two`. The server's terminal
            shows nothing for it, or one strange line.""",
            """客户端的字节没有在消息该结束的地方结束。要么流停在一行中间（`MSG hello` 之后就是 FIN），要么两条消息长在
            了一起：`MSG oneMSG two`。服务器终端上要么什么也没有，要么是奇怪的一行。""",
        ),
        why=(
            r"""TCP is a stream of bytes. It keeps their order and loses none, but it does not remember how many went
            into one `send()`: two sends may arrive in one `recv()`, and one send in two. So a message must carry
            its own end. In a protocol of lines that is LF (`\n`, 0x0a). `input()` and `readline().strip()` take the LF
            away, and who then sends the text as it is has removed the only mark of where it ends. With a single message
            it seems to work; with two in quick succession nobody can tell them apart. Other protocols send the length
            first: then as many bytes must follow, or the next message is taken for the rest of this one.""",
            r"""TCP 传送的是字节流。它保持次序，不丢字节，但不记得哪些字节属于同一次 `send()`：两次发送可能在一次
            `recv()` 中到达，一次发送也可能分两次到达。所以消息必须自带结束标记，按行分帧的协议用 LF（`\n`，0x0a）。
            `input()` 和 `readline().strip()` 会去掉 LF，如果把得到的文字原样发出，唯一的边界标记就没有了。只发一条
            时好像没问题；连发两条，谁也分不清。有的协议先发送长度：随后就必须有这么多字节，否则下一条消息会被当成这一条
            的剩余部分。""",
        ),
        where=(
            r"""Look at every `send()`: does what it gets end with `\n`, and is there exactly one? Best have one
            function that sends a line, and let everything go through it. `println` in Java ends a line by itself,
            but a `PrintWriter` needs `flush()`.""",
            r"""检查每一处 `send()`：发送的内容是否以 `\n` 结尾，并且恰好一个？最好只写一个“发送一行”的函数，所有发送都
            经过它。Java 的 `println` 会自己加换行，但 `PrintWriter` 需要 `flush()`。""",
        ),
        code=r"""
            sock.sendall(f"MSG {text}".encode())               # wrong
            sock.sendall(f"MSG {text}\n".encode("utf-8"))      # right
            """,
        source="RFC 9293, sections 2.2 and 3.9.1.2 (SEND); Python HOWTO, Socket Programming: Using a Socket",
        picture="""
                client                                 server
            send() |-- MSG one -------------------------->|
            send() |-- MSG two -------------------------->|
                   |                                      | recv(): MSG oneMSG two
            """,
    ),
    "WL205": page(
        seen=(
            """The message is there, but its bytes are not UTF-8: for 你好 you see `c4 e3 ba c3` instead of `e4 bd a0
            e5 a5 bd`. Wireshark and the server's terminal show question marks or other characters. Where the bytes
            make sense in another encoding, the finding says which one.""",
            """消息到了，但字节不是 UTF-8：“你好”在线路上是 `c4 e3 ba c3`，而不是 `e4 bd a0 e5 a5 bd`。Wireshark 和服务
            器终端显示问号或乱码。如果这些字节按别的编码读得通，诊断里会说明是哪一种。""",
        ),
        why=(
            """A character has no bytes of its own; an encoding gives them to it. Plain ASCII is the same in nearly all
            encodings, which is why the fault stays hidden until somebody types Chinese. The bytes come from a call
            that used the system's default (`getBytes()` in older Java on Chinese Windows, `open()` without
            `encoding`), from an explicit `encode("gbk")`, or from a UTF-8 character cut in the middle: a buffer of
            20 bytes can end after two of the three bytes of 中. A receiver has the same problem in reverse when it
            decodes each `recv()` by itself.""",
            """字符本身没有字节，字节是编码赋予的。纯 ASCII 在几乎所有编码里都一样，所以这个错误要等有人输入中文才会暴
            露。错误的字节可能来自使用系统默认编码的调用（中文 Windows 上旧版 Java 的 `getBytes()`、不写 `encoding`
            的 `open()`），来自显式的 `encode("gbk")`，也可能是 UTF-8 字符被从中间切断：20 字节的缓冲区可能恰好停在
            “中”字三个字节的第二个。接收方若对每次 `recv()` 的结果单独解码，也会遇到同样的问题。""",
        ),
        where=(
            """Name the encoding at every place where text becomes bytes or the other way round: `encode("utf-8")`,
            `getBytes(StandardCharsets.UTF_8)`. Cut at line ends first, decode afterwards.""",
            """凡是文字与字节互相转换的地方，都写明编码：`encode("utf-8")`、`getBytes(StandardCharsets.UTF_8)`。先按行
            切分，再解码。""",
        ),
        code=r"""
            text = sock.recv(4096).decode()                    # wrong
            *lines, rest = (rest + sock.recv(4096)).split(b"\n")
            texts = [line.decode("utf-8") for line in lines]   # right
            """,
        source="RFC 3629 (UTF-8); Python HOWTO, Unicode",
        picture="""
                       client                                       server
            U+4F60 U+597D |                                            |
                      GBK |-- 4d 53 47 20  c4 e3 ba c3  0a ----------->|
                    UTF-8 |-- 4d 53 47 20  e4 bd a0 e5 a5 bd  0a ----->|
            """,
    ),
    "WL206": page(
        seen=(
            """A whole line was sent, properly ended, but it is none of the messages that a client may send: the raw
            text without `MSG `, `msg hello` in lower case, `HEARTBEAT_ACK 3`, `ACK`. A server that follows the
            protocol ignores it silently, so nothing at all happens there.""",
            """发出了完整的一行，结尾也正确，但它不是客户端可以发送的任何一种消息：没有 `MSG ` 前缀的原文、小写的 `msg
            hello`、`HEARTBEAT_ACK 3`、`ACK`。遵守协议的服务器会默默忽略它，所以那边什么也不会发生。""",
        ),
        why=(
            """A protocol is an agreement letter by letter: the receiver compares bytes, it does not guess.
            `HEARTBEAT-ACK` with an underscore, two spaces instead of one, or a missing number make another line,
            and unknown lines are ignored so that older programs survive newer ones. The most frequent cause is a
            line that was built in two places with two spellings; next is a frame that another thread's bytes have
            landed in (see WL252), or text that stayed in the buffer of an earlier message (see WL251).""",
            """协议是逐字母的约定：接收方比较的是字节，不会去猜。`HEARTBEAT-ACK` 写成下划线、一个空格变成两个、少了编号
            ，都是另一行；而不认识的行一律忽略，这样旧程序才能和新程序共存。最常见的原因是同一种消息在两处拼写，写法
            不一致；其次是别的线程的字节插进了这一帧（见 WL252），或者混进了上一条消息留下的内容（见 WL251）。""",
        ),
        where=(
            """Compare the quoted text with the protocol table of the handout. Build each kind of message in one place
            only.""",
            """把引用的文字与讲义里的协议表对照。每种消息只在一个地方拼写。""",
        ),
        code=r"""
            sock.sendall(f"HEARTBEAT_ACK{n}\n".encode())       # wrong
            sock.sendall(f"HEARTBEAT-ACK {n}\n".encode())      # right
            """,
        source="Handout, protocol table; scenarios/protocols/line.yaml",
        picture=r"""
              client                                 server
                 |<-------------------- HEARTBEAT 3\n --|
                 |-- HEARTBEAT_ACK3\n ----------------->| ?
                 |-- HEARTBEAT-ACK 3\n ---------------->| ok
            """,
    ),
    "WL208": page(
        seen=(
            """One message takes more bytes than a line may have (4096 with its LF in the kit's `line` protocol). On the
            wire it fills several segments, or one large one on the loopback. The receiver drops it, cuts it, or drops
            the sender.""",
            """有一条消息的字节数超过了一行的上限（本套件的 `line` 协议连 LF 在内 4096 字节）。它在线路上占好几个报文段，在环回接口上
            也可能是一个很大的报文段。接收方会丢弃它、截断它，或者断开发送方。""",
        ),
        why=(
            """A receiver must hold an unfinished line until its end comes. Without a limit anybody could make it hold
            gigabytes; with one, both sides must keep to it. The limit counts what is on the wire: the word `MSG`,
            the space and the LF too, and bytes, not characters. A Chinese character takes three bytes in UTF-8,
            most emoji four, so 1400 characters of Chinese are too many although `len(text)` looks harmless. A
            missing LF gives the same finding: without an end the "line" grows until it is too long. So does a missing
            length where each message begins with one: the text is read as a length, `JO` as 19023.""",
            """接收方必须把没有结束的一行存着，等结尾到来。没有上限，谁都可以让它存几个 GB；有了上限，双方就都要遵守。
            上限按线路上的字节算：`MSG`、空格、LF 都算，而且是字节，不是字符。一个汉字在 UTF-8 中占三个字节，大多数
            表情符号占四个，所以 1400 个汉字就超了，尽管 `len(text)` 看起来不大。漏发 LF 也会得到这条诊断：没有结尾
            的“行”一直变长，直到超限。以长度开头的协议漏发长度也一样：文字会被读作长度，`JO` 就是 19023。""",
        ),
        where=(
            """Measure the encoded line, with prefix and LF, before you send it; tell the user instead of sending too
            much.""",
            """发送之前测量编码后的整行（含前缀和 LF）；太长就告诉用户，而不是照发。""",
        ),
        code=r"""
            line = b"MSG " + text.encode("utf-8") + b"\n"
            if len(line) > 4096:
                print("too long: a line has at most 4096 bytes")
            else:
                sock.sendall(line)
            """,
        source="Handout, protocol table (a line is at most 4096 bytes); RFC 3629",
        picture="""
              client                                 server
                 |-- MSG ...   len=1448 --------------->|
                 |-- ...       len=1448 --------------->|
                 |-- ...       len=1448 --------------->|
                 |                                      | > 4096
            """,
    ),
    "WL251": page(
        seen=(
            """The wire is right and the program's reaction is wrong: several lines that arrived in one segment are
            handled as one, or a line that came in two pieces is handled twice or not at all. A server prints
            `Received from …: oneMSG two`; a client answers only the first of two heartbeats. It often works at a
            slow pace and fails in a burst.""",
            """线路上没有问题，错在程序的反应：一个报文段里的几行被当成一行，或者分两次到达的一行被处理了两次、或干脆没
            处理。服务器打印 `Received from …: oneMSG two`；客户端对两个心跳只回答第一个。慢慢输入时往往正常，一阵快
            发就出错。""",
        ),
        why=(
            """`recv()` returns whatever bytes are in the receive buffer at that moment, from one up to the size you
            allow. It knows nothing of `send()` calls on the other side: Nagle's algorithm, delayed ACKs, a busy
            scheduler or plain chance merge small writes, and the size of segments and buffers cuts long ones. So
            one `recv()` is not one message. Code that compares `data == b"HEARTBEAT 1"` or decodes and prints
            `data` as it comes relies on an accident of timing.""",
            """`recv()` 返回的是那一刻接收缓冲区里已有的字节，少则一个，多则到你允许的上限。它不知道对方调用了几次
            `send()`：Nagle 算法、延迟确认、调度繁忙或纯属巧合都会把小的写合并，报文段和缓冲区的大小又会把长的切开。
            所以一次 `recv()` 不等于一条消息。`data == b"HEARTBEAT 1"` 这样的比较，或者拿到 `data` 就解码打印，靠的
            都是时间上的巧合。""",
        ),
        where=(
            """Every `recv()` needs a buffer that outlives it: append, cut off the whole lines, keep the rest for the
            next time. In Java `BufferedReader.readLine()` does that for you, in Python `sock.makefile("rb")` and
            iterating over it.""",
            """每个 `recv()` 都要配一个比它活得久的缓冲区：追加，切下完整的行，余下的留给下一次。Java 的
            `BufferedReader.readLine()`、Python 对 `sock.makefile("rb")` 做迭代，都已经替你做好了。""",
        ),
        code=r"""
            data = sock.recv(1024)           # wrong
            handle(data)

            buffer += sock.recv(1024)        # right
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                handle(line)
            """,
        source="RFC 9293, sections 2.2, 3.7.4 (Nagle) and 3.9.1.3 (RECEIVE); recv(2)",
        picture=r"""
                              client                                 server
            send() send() send() |                                      |
                                 |-- MSG one\nMSG two\nMSG thr -------->| recv()
                                 |-- ee\n ----------------------------->| recv()
            """,
    ),
    "WL252": page(
        seen=(
            """In the stream the bytes of two messages are mixed: `MSG helHEARTBEAT-ACK 4`, and further on a stray
            `lo`. Neither half is a message. It happens now and then, mostly when a heartbeat arrives just while a
            line is being sent.""",
            """流里两条消息的字节混在一起：`MSG helHEARTBEAT-ACK 4`，后面又冒出一个孤零零的 `lo`，哪一半都不成消息。它
            时有时无，多半是心跳到来时恰好正在发送一行。""",
        ),
        why=(
            """Two threads write to the same socket: one sends what is typed, the other answers heartbeats. The kernel
            puts the bytes of one `send()` call into the stream together as long as there is room, but a frame that
            is written in two calls (`send(length)`, `send(body)`, or text and LF apart) leaves a gap, and the other
            thread's bytes can land in it. `sendall()` is a loop over `send()` and can be interrupted in the same
            way when the buffer is full. This is the classical critical section: from the first to the last byte of
            a frame the socket must belong to one thread.""",
            """两个线程写同一个套接字：一个发送键盘输入，另一个应答心跳。只要有空间，内核会把一次 `send()` 的字节连续地
            放进流里；但如果一帧分两次写（先 `send(length)` 再 `send(body)`，或正文和 LF 分开写），中间就有空隙，另
            一个线程的字节可能正好落进去。`sendall()` 内部是多次 `send()` 的循环，缓冲区满时同样会被插队。这就是经典
            的临界区：从一帧的第一个字节到最后一个字节，套接字必须只归一个线程。""",
        ),
        where=(
            """Build the whole frame first, then send it in one `sendall()` under a lock that belongs to the
            connection. All threads must take the same lock; a lock made inside the function protects nothing.""",
            """先把整帧拼好，再在属于该连接的锁里用一次 `sendall()` 发出。所有线程必须用同一把锁；在函数内部新建的锁什
            么也保护不了。""",
        ),
        code=r"""
            sock.sendall(text)               # wrong
            sock.sendall(b"\n")

            with self.lock:                  # right
                sock.sendall(text + b"\n")
            """,
        source="Python library reference, threading: Lock Objects; send(2); socket(7)",
        picture=r"""
                          client                                 server
                main: send() |-- MSG hel -------------------------->|
            receiver: send() |-- HEARTBEAT-ACK 4\n ---------------->|
                main: send() |-- lo\n ----------------------------->|
            """,
    ),
    "WL254": page(
        seen=(
            """The program runs and reacts to its keyboard, but nothing of it crosses the wire: no message, no answer to a
            heartbeat. When it leaves, all of it arrives at once, in one segment, just before the FIN.""",
            """程序在运行，键盘输入也有反应，线路上却什么也没有：没有消息，也没有心跳应答。等它退出时，所有内容一下子到达，
            挤在一个报文段里，紧挨在 FIN 之前。""",
        ),
        why=(
            """Between your `print` and the kernel there may be one more buffer, in your own process: that of Java's
            `PrintWriter` and `BufferedWriter`, of C's `FILE`, of the object that Python's `makefile("w")` returns.
            It gathers some thousand bytes before it calls `send()` once, which is good for files and bad for a
            conversation. At the end of the program the buffer is emptied, so in a short test everything seems to
            have been sent. TCP has no part in this: the bytes had not reached it yet. (The server meanwhile misses
            three answers and drops you, see WL558.)""",
            """在你的 `print` 和内核之间，自己的进程里可能还有一层缓冲区：Java 的 `PrintWriter`、`BufferedWriter`，C 的
            `FILE`，Python 的 `makefile("w")` 返回的对象都有。它攒够几千字节才调用一次 `send()`，这对文件有利，对对话却
            不行。程序结束时缓冲区会被清空，所以短短一次测试看上去什么都发出去了。这与 TCP 无关：字节还没有到它那里。
            （与此同时，服务器连续三次等不到应答，就会放弃你，见 WL558。）""",
        ),
        where=(
            """Call `flush()` after each line, in the one function through which everything is sent. In Java
            `new PrintWriter(out, true)` flushes by itself, but only at `println`, not at `print`. In Python
            `sock.sendall()` has no such buffer.""",
            """在统一的发送函数里，每写完一行就调用 `flush()`。Java 的 `new PrintWriter(out, true)` 会自动刷新，但只在
            `println` 时，`print` 不会。Python 的 `sock.sendall()` 没有这层缓冲。""",
        ),
        code=r"""
            out = sock.makefile("w", encoding="utf-8")
            out.write(line + "\n")           # wrong

            out.write(line + "\n")           # right
            out.flush()
            """,
        source="Python library reference, socket: makefile; setvbuf(3); RFC 9293, section 3.9.1.2 (SEND)",
        picture=r"""
                         client                                 server
            write() ...     |                                      |
            write() ...     |                                      |
            write() /quit   |-- MSG one\nMSG two\n --------------->|
                            |-- FIN,ACK  seq=u ------------------->|
            """,
    ),
}
