"""Explanation pages: one line to many clients, and locking (WL4xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL401": page(
        seen=(
            """A line was typed at the server, and on this client's connection no `BROADCAST` with that text appeared.
            Look at the other connections in the capture: if they have it, the server left this client out; if none
            has it, the server did not send at all.""",
            """在服务器上输入了一行，但这个客户端的连接上没有出现带这段文字的 `BROADCAST`。看看捕获中的其他连接：别人有
            ，说明服务器漏了这个客户端；谁都没有，说明服务器根本没发。""",
        ),
        why=(
            """TCP knows no broadcast: a connection has two ends, so one line to ten clients is ten `sendall()` calls.
            The server must keep a list of all connections and walk through it. A client is missed when it was never
            put into the list, when the list is one variable that the newest connection overwrites, when the loop
            broke off at a client that had left (WL453), when an earlier client does not read and `sendall()` to it
            blocks (WL451), or when the list changed while the loop went through it, which in Python skips an
            element or raises `RuntimeError`.""",
            """TCP 没有广播：一个连接只有两端，一行发给十个客户端就是十次 `sendall()`。服务器必须记住所有连接，逐个发
            送。漏掉某个客户端，可能因为它没有放进列表；列表其实只是一个变量，被最新的连接覆盖了；循环遇到一个已离开
            的客户端就中断了（WL453）；前面某个客户端不读数据，对它的 `sendall()` 阻塞了（WL451）；或者遍历时列表被
            改动，在 Python 里会跳过元素或抛出 `RuntimeError`。""",
        ),
        where=(
            """In the server: one list, guarded by one lock, changed in exactly two places (accepted, left). Copy it
            under the lock, send outside the lock, and catch errors for each client by itself.""",
            """看服务器：一个列表，一把锁，只在两处改动（接受、离开）。在锁内复制，在锁外发送，并对每个客户端单独处理错
            误。""",
        ),
        code="""
            with clients_lock:
                everyone = list(clients)
            for client in everyone:
                with suppress(OSError):
                    client.sendall(line)
            """,
        source="Python library reference, threading: Lock Objects; send(2)",
        picture=r"""
              alice                          server                           bob
                |                                | type: hello                    |
                |<---------- BROADCAST hello\n --|                                |
                |                                | . BROADCAST hello\n ? . . . . >|
            """,
    ),
    "WL402": page(
        seen=(
            """The same broadcast came twice or more on one connection, in frames of its own. These are not
            retransmissions: the sequence numbers go on.""",
            """同一条广播在一个连接上出现了两次或更多，各在不同的帧里。这不是重传：序号是接着往下走的。""",
        ),
        why=(
            """Either the client stands in the list twice, or the loop over the list runs twice. A client gets in twice
            when both the accepting thread and the serving thread register it, or when it is added with each message
            it sends. The loop runs twice when every client's thread watches for typed lines and each of them
            broadcasts to all: then n clients get every line n times, and the count in the finding equals the number
            of clients. A set instead of a list would hide the first fault and not the second.""",
            """要么客户端在列表里出现了两次，要么遍历列表的循环执行了两次。接受连接的线程和服务线程都登记，或者每收到一
            条消息就登记一次，客户端就会重复。如果每个客户端的线程都在等待输入的行，并且各自向所有人广播，循环就会执
            行多次：n 个客户端时每行收到 n 遍，诊断里的次数正好等于客户端数。把列表换成集合只能掩盖第一种错误，对第
            二种无效。""",
        ),
        where=(
            """Register in one place: right after `accept()`. Let one thread read the server's keyboard, and only that
            one broadcast.""",
            """只在一处登记：`accept()` 之后。只让一个线程读服务器的键盘，也只由它广播。""",
        ),
        code="""
            conn, address = listener.accept()
            with clients_lock:
                clients.append(conn)         # right
            """,
        source="Python library reference, threading: Lock Objects",
        picture=r"""
              client                                 server
                 |<------------ BROADCAST hi\n  seq=y --|
                 |<--------- BROADCAST hi\n  seq=y+13 --|
            """,
    ),
    "WL403": page(
        seen=(
            """A client got a broadcast that was not meant for it: typically one that was typed before it connected,
            and that the server kept and sent later.""",
            """客户端收到了不该给它的广播：典型的是它连接之前输入的那一行，服务器存了下来，后来又发出。""",
        ),
        why=(
            """A broadcast goes to those who are connected at the moment the line is typed. Some servers keep a history
            and play it to newcomers; useful in a chat, but not this protocol. Others loop over *all* connections
            although the scenario names whom they should reach, or put lines into one queue that every client's
            thread empties in turn, so that it is chance who gets which line.""",
            """广播只发给输入那一刻在线的客户端。有的服务器保存历史，播放给新来的人；聊天室里有用，但不是本实验的协议。
            还有的把各行放进同一个队列，由各客户端的线程轮流取，谁得到哪一行全凭运气。""",
        ),
        where=(
            """In the server: send to the list as it is when the line is typed, and keep nothing. With queues, each
            client needs one of its own.""",
            """看服务器：输入时列表里有谁就发给谁，不要保存。用队列的话，每个客户端一个。""",
        ),
        code="""
            for line in history: send(conn, line)    # wrong

            with clients_lock:                       # right
                for client in clients:
                    client.outbox.put(line)
            """,
        source="Handout, protocol table (to every connected client exactly once)",
        picture=r"""
              alice                          server                           bob
                |                                | type: hello                    |
                |<---------- BROADCAST hello\n --|                                |
                |                                |<------------------------ SYN --|
                |                                |-- BROADCAST hello\n ---------->|
            """,
    ),
    "WL451": page(
        seen=(
            """One client stops reading; its connection shows `TCP ZeroWindow` and the kernel's window probes. From
            then on the other clients get no broadcast either, sometimes no heartbeat. The look into the server
            shows a thread in `send` on the connection of the client that does not read.""",
            """有一个客户端不再读数据，它的连接上出现 `TCP ZeroWindow` 和内核的窗口探测。从那时起，其他客户端也收不到广
            播，有时连心跳也没有。观察服务器内部可以看到：有个线程停在 `send` 上，对象正是那个不读数据的客户端。""",
        ),
        why=(
            """TCP has flow control: the receiver announces how much room its buffer has, and when it is full it
            announces 0. The sender's kernel goes on buffering until its own send buffer is full too; from then on
            `sendall()` blocks, for as long as the other side likes. If one thread walks through all clients, it
            stands still at the slow one, and all behind it wait. If it holds the list's lock meanwhile, nobody can
            connect or leave either. A client need not be malicious: a stopped program (Ctrl-Z) or a full pipe is
            enough.""",
            """TCP 有流量控制：接收方通告缓冲区还有多少空间，满了就通告 0。发送方的内核继续缓存，直到自己的发送缓冲区也
            满；之后 `sendall()` 就阻塞，对方想拖多久就多久。如果由一个线程依次发给所有客户端，它会停在慢的那个上，
            后面的都跟着等。要是它还持着列表的锁，连新的客户端都进不来，旧的也走不了。客户端不一定有恶意：程序被
            Ctrl-Z 挂起，或者管道满了，就足够了。""",
        ),
        where=(
            """Give each client a queue and a writer thread of its own: broadcasting only puts into queues, which never
            blocks. Bound the queue, and drop a client that is too far behind. At the least: never call `sendall()`
            while holding the list's lock.""",
            """给每个客户端一个队列和一个写线程：广播只是往队列里放，永远不会阻塞。给队列设上限，落后太多的客户端就断
            开。最起码不要在持有列表锁时调用 `sendall()`。""",
        ),
        code="""
            with clients_lock:
                for client in clients:
                    client.sock.sendall(line)        # wrong
                    client.outbox.put(line)          # right
            """,
        source="RFC 9293, sections 3.8.6 and 3.8.6.1 (zero-window probing); send(2)",
        picture="""
              alice                          server                           bob
                |<------ BROADCAST 1  len=1448 --|                                |
                |-- ACK  win=0 ----------------->|                                |
                |                                | sendall(alice) ...             |
                |                                | . BROADCAST 1 ? . . . . . . . >|
            """,
    ),
    "WL452": page(
        seen=(
            """The second client's handshake is complete, it may even send its first line, and the server never reacts:
            no `Connected` line, no heartbeat, no broadcast, until the first client leaves. Then it all happens at
            once.""",
            """第二个客户端的三次握手完成了，甚至发出了第一行，但服务器毫无反应：没有 `Connected`，没有心跳，没有广播，
            直到第一个客户端离开，这一切才一下子发生。""",
        ),
        why=(
            """`listen()` lets the kernel complete handshakes on its own and queue the finished connections (as many as
            the backlog allows); it also acknowledges data that arrives on them. So from outside the server seems to
            be there. `accept()` takes the next connection out of the queue; if the thread that should call it is
            busy serving the first client in a `recv()` loop, the queue stays as it is. The client cannot tell the
            difference, because `connect()` has long returned.""",
            """`listen()` 之后，内核自己就能完成握手，把建好的连接排进队列（数目不超过 backlog），连上面到达的数据也会
            确认。所以从外面看服务器好像在工作。`accept()` 从队列里取出下一个连接；如果该调用它的线程正在 `recv()`
            循环里服务第一个客户端，队列就原样放着。客户端察觉不到，因为 `connect()` 早已返回。""",
        ),
        where=(
            """The accepting loop does nothing but accept: every connection goes to a thread of its own. Java: `new
            Thread(...).start()`, not `.run()`; Python: `target=serve, args=(conn,)`, not `target=serve(conn)`,
            which calls it right there.""",
            """接受连接的循环只做接受这一件事，每个连接交给一个新线程。Java 要写 `new Thread(...).start()` 而不是
            `.run()`；Python 要写 `target=serve, args=(conn,)`，写成 `target=serve(conn)` 就当场调用了。""",
        ),
        code="""
            threading.Thread(target=serve(conn)).start()              # wrong
            threading.Thread(target=serve, args=(conn,)).start()      # right
            """,
        source="listen(2), backlog; accept(2); RFC 9293, section 3.10.1 (OPEN call)",
        picture=r"""
                        client                                 server
            bob: connect() |-- SYN ------------------------------>| serve(alice)
                           |<-------------------------- SYN,ACK --| kernel
                           |-- ACK ------------------------------>|
                           |-- MSG hello\n ---------------------->|
                           |<------------------------------ ACK --| kernel
                           :                                      :
                           |                                      | accept() ?
            """,
    ),
    "WL453": page(
        seen=(
            """After one client has left, a broadcast reaches those before it in the list and nobody behind it; often a
            crash report with `BrokenPipeError`, `ConnectionResetError` or `OSError: [Errno 9] Bad file descriptor`
            stands on the server's terminal. Later broadcasts fail at the same place, or are not sent at all.""",
            """有一个客户端离开后，广播只到达列表中排在它前面的人，后面的都收不到；服务器终端上常有 `BrokenPipeError`、
            `ConnectionResetError` 或 `OSError: [Errno 9] Bad file descriptor` 的崩溃信息。以后的广播也在同一处失败
            ，或者干脆不再发送。""",
        ),
        why=(
            """Sending to a connection whose other end is gone fails: the first `send()` after the other's close still
            succeeds and draws a RST, the next one raises `BrokenPipeError` (EPIPE) or `ConnectionResetError`; a
            socket that your own code has closed gives EBADF. One uncaught exception leaves the `for` loop, so
            everybody behind that client gets nothing, and if the loop runs in the keyboard's thread, that thread is
            gone too. Clients leave at any moment, also between taking the list and sending: checking before does
            not help, only catching does.""",
            """向对端已消失的连接发送会失败：对方关闭后的第一次 `send()` 还会成功，但会招来 RST，下一次就抛出
            `BrokenPipeError`（EPIPE）或 `ConnectionResetError`；如果是自己的代码关掉的套接字，则是 EBADF。一个没有
            捕获的异常会跳出 `for` 循环，排在后面的人就什么也收不到；如果这个循环在读键盘的线程里，连这个线程也没
            了。客户端随时可能离开，包括在取列表和发送之间，所以事先检查没有用，只有捕获才行。""",
        ),
        where=(
            """Catch `OSError` inside the loop, for one client at a time; let the thread that reads from a client
            remove it from the list when `recv()` returns `b""` or fails.""",
            """在循环内部对每个客户端单独捕获 `OSError`；当 `recv()` 返回 `b""` 或出错时，由读取该客户端的线程把它移出
            列表。""",
        ),
        code="""
            for client in everyone:
                try:
                    client.sendall(line)
                except OSError:              # right
                    pass
            """,
        source="send(2), EPIPE and ECONNRESET; RFC 9293, section 3.5.2; signal(7), SIGPIPE",
        picture=r"""
              alice                          server                           bob
                | close()                        |                                |
                |<------------- BROADCAST hi\n --|                                |
                |-- RST ------------------------>|                                |
                |                                | BrokenPipeError                |
                |                                | . BROADCAST hi\n ? . . . . . .>|
            """,
    ),
}
