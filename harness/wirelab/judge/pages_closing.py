"""Explanation pages: causes of resets and of missing FINs (WL551 to WL558). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL551": page(
        seen=(
            """`close()` is followed by RST at once, by no FIN. Just before it, data had come in (in this lab nearly
            always a heartbeat or a broadcast), and the kernel had acknowledged it. It depends on timing: three runs
            may close well and the fourth not.""",
            """`close()` 之后立刻是 RST，没有 FIN。就在此前有数据到达（本实验里几乎总是心跳或广播），内核已经确认。它取
            决于时机：三次运行都正常，第四次就不行。""",
        ),
        why=(
            """The ACK promised the other side that the bytes had arrived. If the program closes without reading them,
            that promise is broken, and an orderly FIN would hide it. So the standard wants a RST "to show that data
            was lost", and Linux sends it as soon as the receive buffer is not empty at `close()`. A server that
            sends heartbeats makes this likely: whoever quits without reading on will sooner or later have one lying
            in the buffer. On receipt of the RST the other side also throws away what it has not read yet, possibly
            your last message.""",
            """ACK 已经向对方承诺字节收到了。程序不读就关闭，承诺就落空了，若用正常的 FIN 就会掩盖这一点。所以标准要求
            发 RST，“以表明数据已丢失”，Linux 的做法是：`close()` 时接收缓冲区非空，就发 RST。有了定时发送的心跳，这
            很容易发生：退出时不再读取，缓冲区里迟早会躺着一个。对方收到 RST 后，还会丢掉它尚未读取的内容，其中可能
            就有你最后一条消息。""",
        ),
        where=(
            """Read until the other side's FIN before you close. If a receiver thread exists, let *it* read to the end:
            send FIN, `join()` it, then `close()`.""",
            """关闭之前，读到对方的 FIN 为止。如果已有接收线程，就让它读到结尾：先发 FIN，`join()` 它，再 `close()`。""",
        ),
        code="""
            sock.close()                         # wrong

            sock.shutdown(socket.SHUT_WR)        # right
            while sock.recv(4096):
                pass
            sock.close()
            """,
        source="RFC 9293, section 3.6.1 (SHLD-3); RFC 2525, section 2.17; RFC 1122, section 4.2.2.13",
        picture=r"""
                    client                                 server
                       |<------------- HEARTBEAT 3\n  seq=y --|
            unread: 12 |-- ACK            ack=y+12 ---------->|
               close() |-- RST,ACK        seq=u ------------->| ECONNRESET
            """,
    ),
    "WL552": page(
        seen=(
            """`close()` sends RST although nothing was unread, every time, and there is no TIME-WAIT afterwards. In
            the source stands `SO_LINGER`, in Java `setSoLinger(true, 0)`.""",
            """`close()` 发出 RST，尽管没有任何未读数据，而且每次都这样，之后也没有 TIME-WAIT。源码里有 `SO_LINGER`，
            Java 里是 `setSoLinger(true, 0)`。""",
        ),
        why=(
            """With SO_LINGER on and a time of 0, `close()` is no longer a close but an abort: the kernel discards what
            is still unsent, sends RST and forgets the connection. It is found on the web as a cure for "Address
            already in use", because it avoids TIME-WAIT. But TIME-WAIT is there for a purpose: it answers a
            retransmitted FIN and keeps old segments out of a new connection. And the price is the data: your last
            message may be thrown away on both sides.""",
            """打开 SO_LINGER 并把时间设为 0，`close()` 就不再是关闭，而是中止：内核丢弃还没发出的数据，发 RST，忘掉这
            个连接。网上把它当作“地址已被占用”的偏方，因为能躲过 TIME-WAIT。但 TIME-WAIT 自有用处：它要应答重传的
            FIN，并把旧报文段挡在新连接之外。代价则是数据：你最后一条消息在两边都可能被扔掉。""",
        ),
        where=(
            """Delete the option. For "Address already in use", set `SO_REUSEADDR` on the *listening* socket (WL151).""",
            """删掉这个选项。要解决“地址已被占用”，应在监听套接字上设置 `SO_REUSEADDR`（WL151）。""",
        ),
        code="""
            off_at_once = struct.pack("ii", 1, 0)
            sock.setsockopt(SOL_SOCKET, SO_LINGER, off_at_once)    # wrong
            listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)       # right
            """,
        source="socket(7), SO_LINGER; RFC 9293, section 3.10.5 (ABORT call)",
        picture=r"""
                 client                                 server
             send() |-- MSG bye\n  seq=u ----------------->|
            close() |-- RST,ACK    seq=u+8 --------------->| ECONNRESET
            """,
    ),
    "WL553": page(
        seen=(
            """One side closed (FIN), the other went on sending data into it, and a RST came back from the closed side.
            At the sender the first `send()` succeeds, a later one fails with `BrokenPipeError` or
            `ConnectionResetError`; in C the program may vanish with SIGPIPE.""",
            """一方已关闭（发了 FIN），另一方还往里面发数据，关闭的一方便回了 RST。发送方第一次 `send()` 会成功，后面的
            一次以 `BrokenPipeError` 或 `ConnectionResetError` 失败；C 程序可能因 SIGPIPE 直接消失。""",
        ),
        why=(
            """A FIN means "I send no more"; it does not say whether its sender still reads. After `shutdown(SHUT_WR)`
            it does, and data is welcome. After `close()` nobody can ever read again, so the kernel answers data
            with RST. The sender cannot see the difference in the FIN. `send()` only puts bytes into the local
            buffer and returns, long before the RST is back: that is why the error comes one call late. In this lab
            it happens when a server keeps sending heartbeats to a client that has left, or when a client closes at
            once instead of reading until the server's FIN.""",
            """FIN 表示“我不再发送”，并没有说发送 FIN 的一方还读不读。`shutdown(SHUT_WR)` 之后它还会读，数据仍受欢迎；
            `close()` 之后再没有人能读，内核就用 RST 回应数据。从 FIN 本身看不出这个区别。`send()` 只是把字节放进本
            地缓冲区就返回，那时 RST 还远没有回来，所以错误总是晚一次调用才出现。本实验中，服务器对已离开的客户端继
            续发心跳，或者客户端不等读到服务器的 FIN 就直接关闭，都会出现这种情况。""",
        ),
        where=(
            """On the side that sends: when `recv()` returns `b""`, stop all senders of this connection, heartbeats
            included, then close. On the side that closes: half-close and read on (WL502).""",
            """发送方：`recv()` 返回 `b""` 时，停掉这个连接上所有发送者（包括心跳），然后关闭。关闭方：先半关闭，再继续
            读（WL502）。""",
        ),
        code="""
            data = sock.recv(4096)
            if not data:
                leaving.set()
                sock.shutdown(socket.SHUT_WR)
                break
            """,
        source="RFC 9293, sections 3.5.2 and 3.6.1; send(2), EPIPE; signal(7), SIGPIPE",
        picture=r"""
                 client                                 server
            close() |-- FIN,ACK  seq=u ------------------->| CLOSE-WAIT
                    |<----------------- ACK      ack=u+1 --|
                    |<-------------------- HEARTBEAT 9\n --| send(): ok
                    |-- RST      seq=u+1 ----------------->| ECONNRESET
                    |                                      | send(): EPIPE
            """,
    ),
    "WL554": page(
        seen=(
            """One thread called `close()` (its terminal may say so), and no FIN left. The look into the program shows
            another thread still in `recv()` on that socket. The FIN comes only when something arrives from the
            other side, or when the process ends.""",
            """一个线程调用了 `close()`（终端上可能也这么说），但没有 FIN 发出。观察程序内部可以看到，另一个线程仍停在
            这个套接字的 `recv()` 里。要等对方发来点什么，或者进程结束，FIN 才会出现。""",
        ),
        why=(
            """`close()` removes a descriptor from the process's table; the connection is closed when its last user is
            gone. A thread inside a blocking `recv()` is such a user: the kernel holds the socket for the duration
            of the call. On Linux `close()` does not wake it. So both wait for each other: the FIN waits for
            `recv()` to return, `recv()` waits for data or FIN from the other side, and the other side waits for
            ours. Worse, the number of the descriptor is free at once; the next socket may get it. `shutdown()` has
            none of these troubles: it acts on the connection itself.""",
            """`close()` 只是从进程的表里去掉一个描述符，最后一个使用者离开时，连接才真正关闭。停在阻塞 `recv()` 里的线
            程就是这样一个使用者：调用期间内核一直持有套接字，而且在 Linux 上 `close()` 不会唤醒它。于是互相等待：
            FIN 等 `recv()` 返回，`recv()` 等对方的数据或 FIN，对方又在等我们的。更糟的是描述符编号立刻空出来，下一
            个套接字可能正好拿到它。`shutdown()` 没有这些麻烦：它作用于连接本身。""",
        ),
        where=(
            """The thread that wants to end calls `shutdown()`; the receiver then sees `b""`, ends its loop, and after
            `join()` the socket is closed once, by one thread.""",
            """想结束的线程调用 `shutdown()`；接收线程随后读到 `b""`，退出循环；`join()` 之后，由一个线程关闭一次。""",
        ),
        code="""
            sock.close()                         # wrong

            sock.shutdown(socket.SHUT_RDWR)      # right
            receiver.join()
            sock.close()
            """,
        source="close(2), Multithreaded processes and close(); shutdown(2)",
        picture=r"""
                            client                                 server
                T2: recv() ... |                                      |
                   T1: close() |                                      |
                               | . FIN,ACK  seq=u ? . . . . . . . . .>| recv() ...
                               :                                      :
            T2: recv() returns |<-------------------- HEARTBEAT 8\n --|
                               |-- FIN,ACK  seq=u ------------------->|
            """,
    ),
    "WL555": page(
        seen=(
            """No FIN, because the process was still running when the run ended (WL601 stands beside it). Nothing is
            wrong with the closing code: it was never reached, or there is none and the program relies on its end.""",
            """没有 FIN，因为运行结束时进程还在（旁边会有 WL601）。关闭的代码没有错：是根本没执行到，或者压根没写，指望
            进程结束时自动关闭。""",
        ),
        why=(
            """The kernel closes all sockets of a process when it ends. Many short programs rely on that, and it works
            as long as they do end. A process ends when its last non-daemon thread has ended (Python and Java), or
            when `main` returns or `exit()` is called (C). If the thread that reads the keyboard returns but a
            receiver still sits in `recv()`, the process lives on, the socket stays open, the server never gets a
            FIN and therefore never closes its side, and `recv()` never returns: a circle that only your program can
            break.""",
            """进程结束时，内核会关闭它的所有套接字。许多小程序依赖这一点，只要进程真的会结束就行得通。Python 和 Java
            中，最后一个非守护线程结束，进程才结束；C 中是 `main` 返回或调用 `exit()`。如果读键盘的线程返回了，接收
            线程却还停在 `recv()`，进程就继续存在，套接字开着，服务器收不到 FIN，也就不关闭它那一边，`recv()` 便永远
            不返回：这个圈只有你的程序能打破。""",
        ),
        where=(
            """Begin the teardown yourself as soon as the user quits; do not wait for the end of the process to do it.
            Making the thread a daemon lets the process end, but cuts off what it was doing.""",
            """用户一退出就主动开始关闭，不要等进程结束来代劳。把线程设为守护线程固然能让进程结束，但会打断它正在做的
            事。""",
        ),
        code="""
            sock.shutdown(socket.SHUT_WR)    # right
            receiver.join()
            sock.close()
            """,
        source="Python library reference, threading: Thread Objects; _exit(2); RFC 9293, section 3.6",
        picture="""
                        client                                 server
                     /quit |                                      |
            T2: recv() ... |                                      | recv() ...
                           | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
    "WL556": page(
        seen=(
            """The other side's FIN came and was acknowledged; this side sent none. `ss -tn` shows the socket in
            CLOSE-WAIT. The other side waits in FIN-WAIT-2.""",
            """对方的 FIN 到了并得到确认，这一方却没有发自己的。用 `ss -tn` 可以看到套接字处于 CLOSE-WAIT，对方则停在
            FIN-WAIT-2。""",
        ),
        why=(
            """After a FIN the connection is half closed: the other side has said that nothing more will come, we may
            still send. The kernel acknowledges the FIN and then waits for the program, without any time limit,
            since only the program knows whether it has more to say. The program learns of it by `recv()` returning
            `b""` (Java: -1 or null, C: 0). If that is not tested, or the loop ends and nobody calls `close()`, the
            socket rests in CLOSE-WAIT until the process ends. A server that collects such sockets runs out of
            descriptors one day. CLOSE-WAIT is always the fault of the local program, never of the network.""",
            """收到 FIN 后，连接处于半关闭状态：对方表示不会再有数据，我们还可以发送。内核确认 FIN，然后等待程序，没有
            任何时限，因为只有程序知道自己是否还有话要说。程序得知此事的方式是 `recv()` 返回 `b""`（Java 是 -1 或
            null，C 是 0）。如果不判断它，或者循环结束后没有人 `close()`，套接字就停在 CLOSE-WAIT，直到进程结束。服
            务器若积攒这样的套接字，总有一天描述符会耗尽。CLOSE-WAIT 从来都是本地程序的错，不是网络的错。""",
        ),
        where=(
            """After every `recv()`: is the empty result tested, and does that branch lead to `close()`? `try …
            finally` or `with` makes sure of it.""",
            """每个 `recv()` 之后：判断了空结果吗？那个分支会走到 `close()` 吗？用 `try … finally` 或 `with` 可以保证。""",
        ),
        code="""
            with sock:                           # right
                while data := sock.recv(4096):
                    handle(data)
            """,
        source="RFC 9293, sections 3.3.2 (CLOSE-WAIT), 3.6 and 3.6.1; recv(2), RETURN VALUE",
        picture="""
                    client                                 server
                       |<------------------- FIN,ACK  seq=w --| close()
            CLOSE-WAIT |-- ACK      ack=w+1 ----------------->| FIN-WAIT-2
                       :                                      :
             close() ? | . FIN,ACK  seq=u ? . . . . . . . . .>|
            """,
    ),
    "WL557": page(
        seen=(
            """This side sent its FIN, it was acknowledged, and then nothing: the other side's FIN never came. `ss -tn`
            shows FIN-WAIT-2, and the program still waits for the end of the stream.""",
            """这一方发出了 FIN，也得到确认，然后就没有了：对方的 FIN 一直没来。`ss -tn` 显示 FIN-WAIT-2，程序还在等流
            结束。""",
        ),
        why=(
            """Each direction is closed by its own sender. In FIN-WAIT-2 our direction is closed, and we wait for the
            other side's FIN; as long as it does not close, that can last for ever. For a socket that the program
            has closed completely Linux gives up after `tcp_fin_timeout` (60 s); for one that is only half closed
            with `shutdown()` there is no limit, because the program might still want to read. The fault is usually
            on the other side, which is in CLOSE-WAIT (WL556). But a robust program does not depend on others' good
            manners.""",
            """两个方向各由自己的发送方关闭。处于 FIN-WAIT-2 时，我们的方向已关闭，正等对方的 FIN；对方不关，就可能永远
            等下去。对程序已经彻底关闭的套接字，Linux 在 `tcp_fin_timeout`（60 秒）之后放弃；对只用 `shutdown()` 半
            关闭的套接字则没有时限，因为程序可能还想读。错通常在对方，它停在 CLOSE-WAIT（WL556）。但健壮的程序不应依
            赖别人守规矩。""",
        ),
        where=(
            """Bound the wait for the other side's FIN: a few seconds are plenty. Then close, whatever the other side
            does.""",
            """给等待对方 FIN 设个期限，几秒钟足够。到时间就关闭，不管对方怎样。""",
        ),
        code="""
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(3)
            with suppress(TimeoutError):
                while sock.recv(4096):
                    pass
            sock.close()
            """,
        source="RFC 9293, sections 3.3.2 (FIN-WAIT-2) and 3.6; tcp(7), tcp_fin_timeout",
        picture="""
                    client                                 server
            shutdown() |-- FIN,ACK  seq=u ------------------->|
            FIN-WAIT-2 |<----------------- ACK      ack=u+1 --| CLOSE-WAIT
                       :                                      :
            recv() ... |                                      | close() ?
            """,
    ),
    "WL558": page(
        seen=(
            """The server sends the first FIN, and nobody had told it or the client to quit. Just before stand three
            heartbeats in a row to which no answer went back. What follows on your side, a broken pipe or an exit that
            comes too early, is only the echo of that.""",
            """服务器先发出 FIN，而当时既没有要求服务器退出，也没有要求客户端退出。就在此前有三个接连的心跳没有得到应答。
            你这一方随后出现的 broken pipe 或过早退出，都只是它的余波。""",
        ),
        why=(
            """Heartbeats are there for this: a peer that crashed or lost its cable sends no FIN, so silence is all that
            the server can go by. The lab's protocol has it drop a client that left three heartbeats in a row
            unanswered. Its FIN is therefore right, and the teardown that you look at is not your fault's place: the
            answers are. As long as they are missing, the connection ends before your program gets round to closing.""",
            """心跳就是为此而设：对方崩溃或网线被拔掉时不会发 FIN，服务器只能凭“没有声音”来判断。本实验的协议规定，接连
            三个心跳没有应答，服务器就断开这个客户端。所以它发 FIN 是对的，错误不在你正在看的关闭过程，而在应答。只要
            没有应答，连接就会在你的程序来得及关闭之前结束。""",
        ),
        where=(
            """Leave the closing code alone and look at the finding about the heartbeats (WL302) and its cause: does a
            thread of its own receive all the time, and can it send without waiting for the keyboard?""",
            """先不要改关闭部分的代码，去看关于心跳的诊断（WL302）和它的原因：是否有一个单独的线程一直在接收？它发送时会
            不会被键盘挡住？""",
        ),
        code="""
            with lock:                           # wrong
                text = input("> ")
                sock.sendall(frame(text))

            text = input("> ")                   # right
            with lock:
                sock.sendall(frame(text))
            """,
        source="Handout, heartbeat; RFC 9293, section 3.8.4",
        picture=r"""
                    client                                 server
                       |<------------- HEARTBEAT 1\n  seq=y --|
                       |<------------- HEARTBEAT 2\n ---------|
                       |<------------- HEARTBEAT 3\n ---------|
                       |<------------- FIN,ACK  seq=w --------| FIN-WAIT-1
            CLOSE-WAIT |-- ACK         ack=w+1 -------------->| FIN-WAIT-2
            """,
    ),
}
