"""Explanation pages: causes of missing, late or wrong answers to heartbeats (WL351 to WL355). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL351": page(
        seen=(
            """While nobody types, heartbeats go unanswered; with each Enter the waiting answers leave, sometimes
            several in one segment. The look into the program shows the thread that should answer in a read of the
            keyboard (`input()`, `Scanner.nextLine`, `fgets`), while unread bytes wait in its socket.""",
            """没人打字时心跳得不到应答；每按一次回车，积压的应答就一起发出，有时几个装在一个报文段里。观察程序内部可以
            看到：本该应答的线程正在读键盘（`input()`、`Scanner.nextLine`、`fgets`），而它的套接字里有未读的字节。""",
        ),
        why=(
            """`input()` blocks: the kernel takes the thread off the processor until a line is there. In the meantime
            the heartbeat arrives, the kernel acknowledges it and puts it into the receive buffer; but no thread
            asks for it. One thread can wait in one place only. Reversing the order (`recv()` first, then `input()`)
            merely moves the problem: then you cannot type until something arrives.""",
            """`input()` 会阻塞：在有一整行之前，内核不再让这个线程运行。期间心跳到达，内核确认它并放进接收缓冲区，但没
            有线程去取。一个线程同一时刻只能在一个地方等。把次序反过来（先 `recv()` 再 `input()`）只是把问题换个位置
            ：没有数据到达就不能打字。""",
        ),
        where=(
            """Two waits need two threads: the main thread reads the keyboard, a second one receives and answers. (Or
            one thread that waits for both with `select`, as the reference does for the keyboard.) Both send, so
            sending needs a lock (WL252).""",
            """要等两样东西，就要两个线程：主线程读键盘，另一个线程接收并应答。（或者像参考程序对键盘那样，用 `select`
            在一个线程里同时等。）两个线程都会发送，所以发送要加锁（WL252）。""",
        ),
        code="""
            while True:                      # wrong
                send(input())
                answer(sock.recv(1024))

            threading.Thread(target=receive, args=(sock,)).start()   # right
            while True:
                send(input())
            """,
        source="Python library reference, threading: Thread Objects; read(2); select(2)",
        picture=r"""
                     client                                 server
            input() ... |<-------------------- HEARTBEAT 1\n --|
                 kernel |-- ACK ------------------------------>|
                        |<-------------------- HEARTBEAT 2\n --|
                 kernel |-- ACK ------------------------------>|
                        :                                      :
                  Enter |-- HEARTBEAT-ACK 1\n ---------------->|
                        |-- HEARTBEAT-ACK 2\n ---------------->|
            """,
    ),
    "WL352": page(
        seen=(
            """Two or more heartbeats (or a heartbeat and a broadcast) reached the client before one `recv()`, and only
            one of them, or none, was answered. In the ladder look for a segment with several lines, or for segments
            that follow each other within a fraction of a millisecond.""",
            """在一次 `recv()` 之前，有两个或更多心跳（或一个心跳加一个广播）到达客户端，而只有其中一个得到应答，或者一
            个也没有。在时序图里找装有多行的报文段，或间隔不到一毫秒的连续报文段。""",
        ),
        why=(
            """The receive buffer is a pile of bytes without marks. When the thread was busy for a moment, when the
            network delivered a retransmission, or when Nagle's algorithm joined two small writes, several lines lie
            in it at once, and `recv(1024)` gives them all. Code that compares the whole result with one heartbeat
            does not recognise it; code that searches for the first one answers only that. It works for hours at an
            interval of 5 s and fails the first time two lines meet.""",
            """接收缓冲区只是一堆没有标记的字节。线程忙了一会儿、网络刚送达重传的数据、或 Nagle 算法把两次小的写合在一
            起，缓冲区里就会同时有好几行，`recv(1024)` 会一次全取走。把整个结果和一个心跳比较的代码认不出来；只找第
            一个心跳的代码只应答第一个。间隔 5 秒时它能正常运行几个小时，等两行第一次碰在一起就出错。""",
        ),
        where=(
            """Cut what `recv()` gives into lines, and handle every one of them.""",
            """把 `recv()` 得到的内容切成行，每一行都要处理。""",
        ),
        code=r"""
            if data.startswith(b"HEARTBEAT"):    # wrong
                answer(data)

            *lines, rest = (rest + data).split(b"\n")
            for line in lines:                   # right
                handle(line)
            """,
        source="RFC 9293, sections 2.2, 3.7.4 and 3.9.1.3; recv(2)",
        picture=r"""
                client                                 server
            recv() |<------- HEARTBEAT 3\nHEARTBEAT 4\n --|
                   |-- HEARTBEAT-ACK 3\n ---------------->|
                   | . HEARTBEAT-ACK 4\n ? . . . . . . . >|
            """,
    ),
    "WL353": page(
        seen=(
            r"""A heartbeat came in two or more segments (`HEARTB`, then `EAT 3\n`) and was not answered, or answered
            with a wrong number. Whole heartbeats before and after it are answered well.""",
            r"""有一个心跳分成两个或更多报文段到达（先 `HEARTB`，后 `EAT 3\n`），没有得到应答，或者应答的编号不对。它前
            后完整到达的心跳都应答得很好。""",
        ),
        why=(
            r"""A receiver cannot choose how a stream is cut. A sender may write a line in two calls, a full window or
            the maximum segment size may split it, and `recv(n)` stops after n bytes. If each piece is looked at by
            itself, neither `HEARTB` nor `EAT 3` is a heartbeat; and `HEARTBEAT 1` followed by `2\n` looks like
            number 1 although it is 12. Only the LF tells that a line is complete; until it comes, the only right
            reaction is to wait and keep what is there.""",
            r"""流在哪里被切开，接收方无法选择。发送方可能分两次写一行，窗口满或最大报文段长度会把它拆开，`recv(n)` 取够
            n 个字节就返回。如果每一片单独看，`HEARTB` 和 `EAT 3` 都不是心跳；而 `HEARTBEAT 1` 后面跟着 `2\n`，看上
            去是 1 号，其实是 12 号。只有 LF 才表示一行完整；它没来之前，唯一正确的做法是保留已有的内容，继续等。""",
        ),
        where=(
            """Keep the rest between two calls of `recv()`, in a variable outside the loop.""",
            """把剩余部分保存在循环外的变量里，留给下一次 `recv()`。""",
        ),
        code=r"""
            while data := sock.recv(1024):
                for line in data.split(b"\n"):           # wrong
                    handle(line)

            rest = b""
            while data := sock.recv(1024):
                *lines, rest = (rest + data).split(b"\n")    # right
                for line in lines:
                    handle(line)
            """,
        source="RFC 9293, sections 2.2 and 3.7.1 (maximum segment size); recv(2)",
        picture=r"""
                client                                 server
            recv() |<--------------------------- HEARTB --|
                   |-- ACK ------------------------------>|
            recv() |<-------------------------- EAT 3\n --|
                   |-- ACK ------------------------------>|
                   | . HEARTBEAT-ACK 3\n ? . . . . . . . >|
            """,
    ),
    "WL354": page(
        seen=(
            """Up to some moment all heartbeats are answered, then none. At that moment a crash report appears on the
            terminal, `Exception in thread Thread-1 (receive)` in Python; the prompt goes on working as if nothing
            had happened, because the main thread lives.""",
            """到某一刻为止心跳都有应答，之后一个也没有。那一刻终端上出现了崩溃信息，Python 里是 `Exception in thread
            Thread-1 (receive)`。提示符还照常工作，好像什么都没发生，因为主线程还活着。""",
        ),
        why=(
            """An exception that nobody catches ends the thread it happened in, and only that thread. The socket stays
            open, the kernel goes on acknowledging, so on the wire the client looks alive while nobody reads any
            more. The receive buffer fills; in the end the window goes to 0. What throws is nearly always a line the
            code did not expect: `int(parts[1])` on an unknown line, `decode()` on half a character, a broadcast
            with two words where one was counted on. A receiver meets data made by others; unknown lines must be
            ignored, never fatal.""",
            """没有捕获的异常会结束发生它的那个线程，而且只结束那个线程。套接字还开着，内核照样确认，所以从线路上看客户
            端还活着，其实已经没人读了。接收缓冲区逐渐填满，最后窗口变为 0。抛出异常的几乎总是没料到的一行：对不认识
            的行做 `int(parts[1])`、对半个字符 `decode()`、广播里有两个词而代码只准备了一个。接收方面对的是别人产生
            的数据：不认识的行要忽略，绝不能致命。""",
        ),
        where=(
            """The report names the line. Check the shape before you take a line apart; let the receiver catch
            `OSError` around `recv()` only, not `Exception` around everything, which would hide the fault.""",
            """崩溃信息指出了是哪一行。拆开一行之前先检查它的样子；只在 `recv()` 外面捕获 `OSError`，不要用 `except
            Exception` 把一切包起来，那只会把错误藏住。""",
        ),
        code=r"""
            n = int(line.split()[1])                 # wrong

            kind, _, n = line.partition(b" ")        # right
            if kind == b"HEARTBEAT" and n.isdigit():
                send(b"HEARTBEAT-ACK " + n + b"\n")
            """,
        source="Python library reference, threading: threading.excepthook",
        picture=r"""
                   client                                 server
                      |<-------------------- HEARTBEAT 2\n --|
                      |-- HEARTBEAT-ACK 2\n ---------------->|
            Exception |<------------------------- NEWS 7\n --|
                      |<-------------------- HEARTBEAT 3\n --|
               kernel |-- ACK ------------------------------>|
            """,
    ),
    "WL355": page(
        seen=(
            """The answers carry 1, 2, 3, … in the order in which they are sent, whatever the heartbeats say. In this
            scenario the heartbeats do not begin at 1, or one is left out, and from there on every answer is off by
            the same amount.""",
            """不管心跳带什么编号，应答总是按发送次序带着 1、2、3……。在这个场景里，心跳不从 1 开始，或者跳过一个，从那
            以后每个应答都差同样的数。""",
        ),
        why=(
            """A counter of the client's own agrees with the server's only as long as both begin together and nothing
            is lost, dropped or repeated. That is an assumption, and protocols are made for the time when it does
            not hold: after a heartbeat the client did not recognise, after a reconnection, with a server that
            counts across connections. The number in the heartbeat is a token; the answer returns it, as a receipt
            returns the number of the bill. TCP does the same: ACK repeats the sender's own sequence number plus
            one, it does not count segments.""",
            """客户端自己的计数器要与服务器一致，前提是双方同时起步，并且没有丢失、遗漏或重复。这只是个假设，而协议恰恰
            是为假设不成立的时候准备的：客户端漏认了一个心跳、重新连接过、服务器跨连接计数。心跳里的编号是一个凭据，
            应答要把它原样带回，就像收据要写上账单号。TCP 也是这样：ACK 带回的是对方的序号加一，而不是自己数报文段。""",
        ),
        where=(
            """Delete the counter on the client's side; use the number from the line.""",
            """删掉客户端的计数器，用那一行里的编号。""",
        ),
        code=r"""
            self.count += 1                          # wrong
            send(f"HEARTBEAT-ACK {self.count}\n")

            send(f"HEARTBEAT-ACK {match['n']}\n")    # right
            """,
        source="Handout, protocol table (the answer has the same n); RFC 9293, section 3.4",
        picture=r"""
                 client                                 server
                    |<------------------- HEARTBEAT 41\n --|
            count=1 |-- HEARTBEAT-ACK 1\n ---------------->|
                    |<------------------- HEARTBEAT 42\n --|
            count=2 |-- HEARTBEAT-ACK 2\n ---------------->|
            """,
    ),
    "WL356": page(
        seen=(
            """The server sends heartbeats, the client sends something back each time, and yet none counts as answered:
            the word is written in other letters, the blank is missing, or the line does not end where it should.
            After three of them the server gives the client up.""",
            """服务器发送心跳，客户端每次都有回复，却没有一个算作应答：单词的大小写不对、少了空格，或者这一行没有在该结束的地方
            结束。三次之后服务器就放弃了这个客户端。""",
        ),
        why=(
            """A protocol is an agreement about bytes. `Heartbeat-Ack 1`, `HEARTBEAT_ACK 1` and `HEARTBEAT-ACK1` mean the
            same to a person; a program compares, and knows none of them. Where only the end of the line is missing, the
            next message is glued to the answer, and both are lost. A parser that is generous to one spelling helps
            nobody: the next server is not.""",
            """协议是对字节的约定。`Heartbeat-Ack 1`、`HEARTBEAT_ACK 1` 和 `HEARTBEAT-ACK1` 在人看来是一回事；程序只做比较，一个都不
            认识。如果只少了行尾，下一条消息就会粘在应答后面，两条都读不出来。对某种写法网开一面也没有用：换一个服务器就不行了。""",
        ),
        where=(
            """The line of your program that writes the answer. Copy the words from the table in the handout rather than
            typing them, and write the message in one place only, with its end.""",
            """看程序里写应答的那一行。单词最好从讲义的表格里复制，不要自己敲；消息只在一个地方拼写，并带上结尾。""",
        ),
        code=r"""
            send(f"Heartbeat-Ack {n}")          # wrong
            send(f"HEARTBEAT-ACK {n}\n")        # right
            """,
        source="Handout, protocol table",
        picture=r"""
                 client                                 server
                    |<-------------------- HEARTBEAT 1\n --|
                    |-- Heartbeat-Ack 1\n ---------------->| ?
                    |<-------------------- HEARTBEAT 2\n --|
            """,
    ),
}
