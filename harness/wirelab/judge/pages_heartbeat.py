"""Explanation pages: what goes wrong with heartbeats and their answers (WL301 to WL306). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL301": page(
        seen=(
            """Fewer `HEARTBEAT` lines crossed the wire than the scenario waits for. Either the distances between them
            are longer than `HEARTBEAT_INTERVAL`, or they stop at some point, or there are none. If it is your
            client that is tested, the finding means that it left of its own accord before the heartbeats were due.""",
            """线路上的 `HEARTBEAT` 少于场景等待的个数。要么间隔比 `HEARTBEAT_INTERVAL` 长，要么到某一刻就停了，要么一
            个也没有。如果测试的是你的客户端，这条诊断的意思是：它没等心跳到来就自己离开了。""",
        ),
        why=(
            """A heartbeat must come by the clock, whatever else happens. A server with one thread has only one place
            to wait: while it sits in `input()`, `accept()` or `recv()`, no time passes for its heartbeats. A single
            timer for all clients stops for everybody when `sendall()` to one slow client blocks, or when an
            exception ends the loop after the first client has left. Reading the interval with `int()` is another
            classic: `int("0.2")` raises ValueError, and `int(0.2)` is 0.""",
            """无论发生什么，心跳都要按时发出。只有一个线程的服务器只能在一个地方等待：当它停在 `input()`、`accept()`
            或 `recv()` 时，心跳就不走了。所有客户端共用一个定时线程时，只要对某个慢客户端的 `sendall()` 阻塞，或者
            第一个客户端离开后循环因异常结束，其他人的心跳也就停了。还有一个经典错误是用 `int()` 读间隔：
            `int("0.2")` 会抛出 ValueError，`int(0.2)` 则等于 0。""",
        ),
        where=(
            """In the server: give each connection a thread (or timer) of its own whose loop waits for the interval and
            sends. `Event.wait(interval)` waits and can be ended early; `time.sleep()` cannot.""",
            """看服务器：每个连接要有自己的线程（或定时器），循环里等待一个间隔再发送。`Event.wait(interval)` 既能等待
            又能提前结束，`time.sleep()` 做不到。""",
        ),
        code=r"""
            interval = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))
            n = 0
            while not leaving.wait(interval):
                n += 1
                send(b"HEARTBEAT %d\n" % n)
            """,
        source="Handout, protocol table; Python library reference, threading: Event Objects",
        picture=r"""
              client                                 server
                 |<-------------------- HEARTBEAT 1\n --| t = T
                 |-- HEARTBEAT-ACK 1\n ---------------->|
                 :                                      :
                 |                                      | input() ...
                 |< . . . . . . . . . HEARTBEAT 2\n ? . | t = 2T ?
            """,
    ),
    "WL302": page(
        seen=(
            """A heartbeat reached the client (its kernel acknowledged it), and no `HEARTBEAT-ACK` with its number
            followed before the end. The pure ACK in Wireshark is not the answer: it has no payload and comes from
            the kernel. The finding names the frame; where the machine can see it, the cause is added (WL351 to
            WL355).""",
            """心跳到了客户端（它的内核确认了），但直到结束都没有同号的 `HEARTBEAT-ACK`。Wireshark 里那个纯 ACK 不是应
            答：它没有数据，是内核发的。诊断里给出了帧号；能看出原因时，会一并给出（WL351 至 WL355）。""",
        ),
        why=(
            """Two different things are called acknowledgement. TCP's ACK says "these bytes are in my buffer", the
            kernel sends it even while your program sleeps. The heartbeat's answer says "the program is alive", so
            only the program can give it. It stays away when no thread reads the socket at that time, when the
            receiving thread has died of an exception, when the line is not recognised because it arrived in pieces
            or together with another one, or when the answer is spelt so that it is no answer (then WL206 stands
            beside it).""",
            """“确认”有两种含义。TCP 的 ACK 表示“这些字节已进入我的缓冲区”，你的程序睡着了内核也照发。心跳应答表示“程序
            还活着”，只有程序自己才能给出。它没有出现，可能是当时没有线程在读套接字，接收线程已死于异常，这一行因为
            分段到达或与别的行粘在一起而没被认出来，或者应答拼写有误、算不上应答（那么旁边会有 WL206）。""",
        ),
        where=(
            """One thread does nothing but receive: it appends to a buffer, cuts lines, and answers at once. It never
            calls `input()`. After three unanswered heartbeats the server drops the client.""",
            """专门用一个线程接收：追加到缓冲区、切行、立即应答，绝不在里面调用 `input()`。连续三个心跳没有应答，服务器
            就会断开这个客户端。""",
        ),
        code=r"""
            kind, _, n = line.partition(b" ")
            if kind == b"HEARTBEAT":
                send(b"HEARTBEAT-ACK " + n + b"\n")
            """,
        source="Handout, protocol table; RFC 9293, section 3.8.6.3 (when to send an ACK)",
        picture=r"""
                   client                                 server
                      |<------------- HEARTBEAT 1\n  seq=y --|
               kernel |-- ACK            ack=y+12 ---------->|
                      :                                      :
            program ? | . HEARTBEAT-ACK 1\n ? . . . . . . . >|
            """,
    ),
    "WL303": page(
        seen=(
            """The answer came, with the right number, but later than the scenario allows (often 0.1 s). In Wireshark
            set the time display to "seconds since previous displayed packet". Typical delays tell their story: a
            constant 0.2 s or 1 s is a `sleep` or a timeout, a random one is a person at the keyboard.""",
            """应答来了，编号也对，但比场景允许的时间晚（通常是 0.1 秒）。在 Wireshark 里把时间显示设为“自上一显示分组
            以来的秒数”。延迟的样子会说明问题：总是 0.2 秒或 1 秒，是 `sleep` 或超时；忽长忽短，是在等人敲键盘。""",
        ),
        why=(
            """An answer of a few bytes needs about 0.1 ms on one machine. Whatever is longer was spent waiting inside
            the program: the receiving loop sleeps between two looks (`settimeout(1)`, polling with `sleep`), it is
            stuck in `input()`, or it waits for a lock that another thread holds while *it* waits for the keyboard
            or for a slow `sendall()`. TCP itself can add some 40 ms: a frame written in two calls waits for the ACK
            of its first half (Nagle and delayed ACK). wirelab has already taken the machine's own delays and
            retransmissions into account; they are not counted against you.""",
            """几个字节的应答在同一台机器上只要 0.1 毫秒左右。更长的时间都花在程序内部的等待上：接收循环两次查看之间在
            睡觉（`settimeout(1)`、用 `sleep` 轮询），卡在 `input()` 里，或者在等一把锁，而持锁的线程正等着键盘或缓
            慢的 `sendall()`。TCP 本身也可能加上约 40 毫秒：一帧分两次写，后半要等前半的 ACK（Nagle 算法加延迟确认
            ）。机器繁忙和重传造成的延迟 wirelab 已经扣除，不会算到你头上。""",
        ),
        where=(
            """Let `recv()` block: it wakes the moment bytes arrive. Hold a lock only around `sendall()`, never around
            `input()` or `sleep()`.""",
            """让 `recv()` 阻塞等待：字节一到它就醒。锁只包住 `sendall()`，绝不要包住 `input()` 或 `sleep()`。""",
        ),
        code=r"""
            with lock:                       # wrong
                text = input("Enter message to send: ")
                sock.sendall(text.encode() + b"\n")

            text = input("Enter message to send: ")
            with lock:                       # right
                sock.sendall(text.encode() + b"\n")
            """,
        source="RFC 9293, sections 3.7.4 (Nagle) and 3.8.6.3 (delayed ACK); tcp(7), TCP_NODELAY; Python library reference, threading: Lock Objects",
        picture=r"""
                  client                                 server
            sleep(1) |<-------------------- HEARTBEAT 7\n --| t
              kernel |-- ACK ------------------------------>|
                     :                                      :
                     |-- HEARTBEAT-ACK 7\n ---------------->| t + 0.9 s
            """,
    ),
    "WL304": page(
        seen=(
            """The client sent a `HEARTBEAT-ACK` whose number no heartbeat had carried so far: `HEARTBEAT-ACK 1` in
            answer to `HEARTBEAT 5`, or an answer before the question, or a number after the last one.""",
            """客户端发出的 `HEARTBEAT-ACK` 带着一个从未有过的编号：用 `HEARTBEAT-ACK 1` 回答 `HEARTBEAT 5`，或者先答后
            问，或者编号超过了最后一个心跳。""",
        ),
        why=(
            """The number ties an answer to its question: only so can the server tell a late answer to the third
            heartbeat from an answer in time to the fourth. A client that counts by itself starts at 0 or goes wrong
            with the first heartbeat it misses, and stays wrong (WL355). Others send an answer on a timer of their
            own, without waiting for the question. The heartbeat that was really asked then stays unanswered, which
            is why WL302 often stands beside this one.""",
            """编号把应答和询问绑在一起：只有这样，服务器才能区分“迟到的第三次应答”和“按时的第四次应答”。自己计数的客户
            端要么从 0 开始，要么漏了一个心跳之后就一直错下去（WL355）。还有的客户端按自己的定时器发应答，根本不等询
            问。真正被询问的那个心跳则一直没有应答，所以旁边常常还有 WL302。""",
        ),
        where=(
            """Take the number out of the line that arrived and send it back unchanged; it need not even become an
            integer. A `count += 1` on the answering side is the mistake.""",
            """从收到的那一行里取出编号，原样送回，连转换成整数都不需要。应答方出现 `count += 1`，错误就在那里。""",
        ),
        code=r"""
            count += 1                                          # wrong
            send(b"HEARTBEAT-ACK %d\n" % count)
            send(line.replace(b"HEARTBEAT", b"HEARTBEAT-ACK") + b"\n")   # right
            """,
        source="Handout, protocol table (the answer has the same n)",
        picture=r"""
              client                                 server
                 |<-------------------- HEARTBEAT 5\n --|
                 |-- HEARTBEAT-ACK 1\n ---------------->| 1 ? 5 ?
            """,
    ),
    "WL305": page(
        seen=(
            """The same `HEARTBEAT-ACK n` crossed the wire a second time although that heartbeat had its answer. A
            retransmission would not count: it has the same sequence number, and these are new bytes.""",
            """同一个 `HEARTBEAT-ACK n` 又发了一次，而这个心跳早已应答过。重传不算：重传的序号相同，而这里是新的字节。""",
        ),
        why=(
            """Two threads both recognise the heartbeat, for example because a reconnecting client started a second
            receiver; or one thread searches the same bytes twice. The latter is typical of buffers: `if
            b"HEARTBEAT" in buffer` stays true until the line is removed, so every further `recv()` triggers the
            answer anew. It is harmless to this server, but a peer that counts answers would believe in heartbeats
            it never sent.""",
            """可能有两个线程都认出了这个心跳，例如重连后又启动了一个接收线程；也可能是同一个线程把同样的字节搜索了两
            遍。后者多见于缓冲区的写法：`if b"HEARTBEAT" in buffer` 在那一行被移走之前一直成立，于是每次 `recv()` 都
            会再答一遍。本实验的服务器对此无所谓，但如果对方按应答计数，就会以为自己多发了心跳。""",
        ),
        where=(
            """What has been handled must leave the buffer before the next look. And start exactly one receiver per
            connection.""",
            """处理过的内容必须先从缓冲区移走，再进行下一次查看。每个连接只启动一个接收线程。""",
        ),
        code=r"""
            if b"HEARTBEAT" in buffer: answer()                 # wrong

            line, found, rest = buffer.partition(b"\n")
            if found:                                           # right
                buffer = rest
                handle(line)
            """,
        source="Handout, protocol table; recv(2)",
        picture=r"""
              client                                 server
                 |<-------------------- HEARTBEAT 2\n --|
                 |-- HEARTBEAT-ACK 2\n  seq=x --------->|
                 |<------------------- BROADCAST hi\n --|
                 |-- HEARTBEAT-ACK 2\n  seq=x+16 ------>|
            """,
    ),
    "WL306": page(
        seen=(
            """On one connection the heartbeats are not numbered 1, 2, 3, …: they begin at 0, they all are 1, or they
            skip: the first client gets 1, 3, 5 and the second 2, 4, 6.""",
            """在同一个连接上，心跳的编号不是 1、2、3……：从 0 开始，全是 1，或者跳号：第一个客户端得到 1、3、5，第二个
            得到 2、4、6。""",
        ),
        why=(
            """The number counts per connection, so it belongs to the connection: to a local variable of the thread
            that serves it, or to an object that represents the client. A global counter is shared by all threads;
            with one client nobody notices, with two each takes numbers away from the other. Besides, `counter += 1`
            on a shared variable is three steps (read, add, write), between which another thread may run, so that a
            number can come twice.""",
            """编号按连接计数，所以它应当属于连接：放在服务该连接的线程的局部变量里，或放在代表客户端的对象里。全局计数
            器由所有线程共享，一个客户端时看不出问题，两个客户端就互相抢号。另外，对共享变量执行 `counter += 1` 分为
            读、加、写三步，中间可能切换到别的线程，同一个号还可能出现两次。""",
        ),
        where=(
            """In the server: look where the counter is created. It must be made anew for each accepted connection.""",
            """看服务器：计数器在哪里创建？必须为每个接受的连接新建一个。""",
        ),
        code="""
            n = 0                            # wrong
            def keep(conn):
                global n

            def keep(conn):
                n = 0                        # right
            """,
        source="Handout, protocol table (n counts from 1, per connection); Python FAQ, What kinds of global value mutation are thread-safe?",
        picture="""
              alice                          server                           bob
                |                                |-- HEARTBEAT 1 ---------------->|
                |<---------------- HEARTBEAT 2 --|                                |
                |                                |-- HEARTBEAT 3 ---------------->|
            """,
    ),
}
