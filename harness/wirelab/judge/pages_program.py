"""Explanation pages: how a program ends, or ought to (WL6xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL601": page(
        seen=(
            """After the step that should have ended it (`/quit`, Ctrl-D, Ctrl-C, the server's FIN) the program still
            ran when its time was up. The terminal may already show a farewell. Where the machine lets wirelab look
            inside, the finding says which thread waits for what, at which line of your code.""",
            """在应当让它结束的步骤（`/quit`、Ctrl-D、Ctrl-C、服务器的 FIN）之后，时间已到，程序仍在运行。终端上可能已
            经打印了告别语。如果机器允许 wirelab 观察程序内部，诊断里会说明哪个线程在等什么，在你代码的哪一行。""",
        ),
        why=(
            """A Python or Java process ends when its last non-daemon thread has ended; the end of `main` is only the
            end of one thread. Each thread that blocks keeps the process alive: in `recv()` on a connection where
            nothing more will come, in `accept()`, in `input()`, in `join()` for a thread that itself is blocked.
            These calls return on an event only, so the way to end a thread is to bring about the event it waits
            for. Flags like `running = False` do not help a thread that is asleep inside the kernel: it cannot look
            at them.""",
            """Python 和 Java 的进程要等最后一个非守护线程结束才结束，`main` 走到头只是一个线程的结束。任何阻塞着的线程
            都会让进程继续存在：停在不会再有数据的 `recv()` 里，停在 `accept()`、`input()` 里，停在 `join()` 里等另
            一个同样阻塞的线程。这些调用只有等到事件才返回，所以要结束一个线程，就得制造它所等的事件。`running =
            False` 之类的标志没有用：睡在内核里的线程看不到它。""",
        ),
        where=(
            """Write down for each thread what it waits for and who ends that wait: `recv()` ends by `shutdown()` on
            the socket, `accept()` by `shutdown()` on the listener or by one more connection, `queue.get()` by a
            sentinel, `input()` only by the keyboard. Start from the thread that the finding names.""",
            """给每个线程列出：它在等什么，谁来结束这个等待。`recv()` 靠对套接字 `shutdown()`，`accept()` 靠对监听套接
            字 `shutdown()` 或再来一个连接，`queue.get()` 靠放入结束标记，`input()` 只能靠键盘。从诊断中点名的线程开
            始。""",
        ),
        code="""
            running = False                      # wrong
            receiver.join()

            sock.shutdown(socket.SHUT_RDWR)      # right
            receiver.join()
            """,
        source="Python library reference, threading: Thread Objects; shutdown(2); recv(2)",
        picture="""
                          client                                 server
                   T1: /quit |                                      |
            T1: join(T2) ... |                                      |
              T2: recv() ... |                                      | recv() ...
                             | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
    "WL602": page(
        seen=(
            """The program ended by itself, but with another exit status than the handout asks for. In the shell `echo
            $?` shows it right after the program. Typical values: 1 after an uncaught exception, 130 after a Ctrl-C,
            0 although the server was absent.""",
            """程序自己结束了，但退出状态不是讲义要求的。在 shell 里紧接着执行 `echo $?` 就能看到。常见的值：未捕获异常
            后是 1，Ctrl-C 后是 130，服务器不在却得到 0。""",
        ),
        why=(
            """The exit status is the only thing a program says to those that started it: 0 for success, anything else
            for failure. Scripts, `make` and this kit rely on it. In this lab quitting on purpose, by Ctrl-C too, is
            success; an absent or dying server is failure (1). An exception that leaves the main thread gives 1; one
            that ends another thread gives nothing at all, so that a program with a traceback on the screen may end
            with 0. `os._exit(1)` on the normal way out and `sys.exit("text")`, which means 1, are frequent slips.""",
            """退出状态是程序对启动它的一方说的唯一一句话：0 表示成功，其他都表示失败。脚本、`make` 和本工具都依赖它。
            本实验规定：主动退出（包括 Ctrl-C）算成功；服务器不在或中途崩溃算失败（1）。逸出主线程的异常得到 1；结束
            其他线程的异常却什么也不影响，所以屏幕上有 traceback 的程序也可能以 0 退出。正常退出时写 `os._exit(1)`，
            或者写 `sys.exit("文字")`（它等于 1），都是常见的疏忽。""",
        ),
        where=(
            """Let `main()` return the status, and give it to `sys.exit()` in one place. Java: `System.exit(status)`;
            C: the value that `main` returns.""",
            """让 `main()` 返回状态，只在一个地方交给 `sys.exit()`。Java：`System.exit(status)`；C：`main` 的返回值。""",
        ),
        code="""
            def main() -> int:
                try:
                    sock.connect(address)
                except OSError as error:
                    print(f"cannot connect: {error.strerror}")
                    return 1
                ...
                return 0
            """,
        source="exit(3); Python library reference, sys: sys.exit",
        picture="""
                           client                                 server
                    connect() |-- SYN ------------------------------>|
                              |<-------------------------- RST,ACK --|
            exit(0) ? exit(1) |                                      |
            """,
    ),
    "WL603": page(
        seen=(
            """The program did not exit, a signal ended it: the shell prints `Segmentation fault`, `Aborted`, `Broken
            pipe` or nothing, and `$?` is 128 plus the signal's number. On the wire the kernel closes in its name:
            FIN, or RST if something was unread.""",
            """程序不是自己退出的，而是被信号终止：shell 打印 `Segmentation fault`、`Aborted`、`Broken pipe` 或什么也不
            打印，`$?` 等于 128 加信号编号。线路上由内核代为关闭：发 FIN，有未读数据则发 RST。""",
        ),
        why=(
            """A signal whose default action is to terminate ends the process on the spot; no `finally`, no destructor,
            no flush. SIGSEGV and SIGABRT are the program's own crashes: a bad pointer, a buffer overrun that the C
            library noticed. SIGINT is Ctrl-C in a program without a handler, as every C program is by default.
            SIGPIPE surprises most: writing to a connection that the other side has reset kills a C program
            silently, while Python and Java turn it into an exception. In a client that writes after the server has
            died it looks as if the program simply vanished.""",
            """默认动作为终止的信号会当场结束进程：没有 `finally`，没有析构，也不刷新缓冲区。SIGSEGV、SIGABRT 是程序自
            己的崩溃：坏指针，或者被 C 库发现的缓冲区溢出。SIGINT 是没有处理程序时的 Ctrl-C，C 程序默认就是这样。最
            让人意外的是 SIGPIPE：向已被对方重置的连接写数据，会让 C 程序悄无声息地死掉，Python 和 Java 则把它变成异
            常。服务器死后客户端再写一次，看上去程序就凭空消失了。""",
        ),
        where=(
            """SIGSEGV, SIGABRT: compile with `-g -fsanitize=address` and run again. SIGPIPE: ignore it once at the
            start, or send with `MSG_NOSIGNAL`, and test what `send` returns. SIGINT: install a handler, or catch
            KeyboardInterrupt (WL658).""",
            """SIGSEGV、SIGABRT：用 `-g -fsanitize=address` 编译后再运行。SIGPIPE：启动时忽略它，或者发送时加
            `MSG_NOSIGNAL`，并检查 `send` 的返回值。SIGINT：安装处理函数，或捕获 KeyboardInterrupt（WL658）。""",
        ),
        code="""
            signal(SIGPIPE, SIG_IGN);            /* right */
            if (send(fd, line, length, 0) < 0 && errno == EPIPE)
                leave();
            """,
        source="signal(7); send(2), MSG_NOSIGNAL and EPIPE; abort(3)",
        picture="""
                       client                                 server
                          |<------------------- RST      seq=w --| SIGKILL
            send(): EPIPE |                                      |
                  SIGPIPE |                                      |
            """,
    ),
    "WL606": page(
        seen=(
            """A crash report stands on the terminal: `Traceback (most recent call last):` in Python, `Exception in
            thread …` in Python and Java, `panic:` in Go, `terminate called` in C++. The finding quotes it. On the
            wire there may be a FIN or RST at that moment, or nothing at all if only a side thread died.""",
            """终端上有崩溃信息：Python 的 `Traceback (most recent call last):`，Python 和 Java 的 `Exception in thread
            …`，Go 的 `panic:`，C++ 的 `terminate called`。诊断里引用了它。线路上那一刻可能有 FIN 或 RST；如果死的只
            是旁边的一个线程，则什么也没有。""",
        ),
        why=(
            """An error that nobody catches ends the thread in which it happens. If it is the main thread, the program
            goes (in Python only after all other threads have ended); if it is another, the program lives on without
            it, and things stop quietly: answers to heartbeats, output, a broadcast. A network program must expect
            errors that have nothing to do with its own logic: the server is absent, the other side resets, the
            keyboard ends, the user presses Ctrl-C. Each of them arrives as an exception at a place where a call
            blocks.""",
            """没有捕获的错误会结束它所在的线程。如果是主线程，程序就要结束（Python 里还要等其他线程都结束）；如果是别
            的线程，程序会少了它继续运行，某些功能便悄悄停了：心跳应答、输出、广播。网络程序必须准备好应付与自身逻辑
            无关的错误：服务器不在，对方重置连接，键盘输入结束，用户按了 Ctrl-C。每一种都会以异常的形式，出现在某个
            阻塞调用处。""",
        ),
        where=(
            """Last line first: it names the error. Then upwards to the lowest line that names a file of yours: that is
            the place. Catch exactly this error there, say in one line what happened, and go on or end in an orderly
            way.""",
            """先看最后一行，它说出错误；再往上找最靠下的、提到你自己文件的那一行，那就是出错的地方。在那里只捕获这一种
            错误，用一行文字说明发生了什么，然后继续运行或正常结束。""",
        ),
        code="""
            data = sock.recv(4096)               # wrong

            try:                                 # right
                data = sock.recv(4096)
            except ConnectionResetError:
                data = b""
            """,
        source="Python tutorial, Errors and Exceptions; Python library reference, threading: threading.excepthook",
        picture="""
                    client                                 server
            recv() ... |<------------------------------ RST --| SIGKILL
            ECONNRESET |                                      |
             Traceback |                                      |
            """,
    ),
    "WL608": page(
        seen=(
            """The script wanted to type, press a key or send a signal, and the program was not there any more: it had
            ended before, with the status given. On the time axis its end stands above the step.""",
            """脚本要打字、按键或发信号时，程序已经不在了：它在此之前就以所示的状态结束了。在时间轴上，它的结束排在这一
            步的上面。""",
        ),
        why=(
            """A client should stay as long as its user and its server stay. It ends early after an exception (then
            WL606 tells more), when it takes an ordinary event for the end: an empty line typed, an unknown line
            received, a timeout of `recv()`, half a line; or when it was written for one message only. It is also
            right to end when the server has closed; if the server was at fault, wirelab says so instead.""",
            """只要用户和服务器还在，客户端就应当在。提前结束，可能是因为异常（WL606 会有更多说明）；可能把平常的事件当
            成了结束：输入了空行，收到不认识的一行，`recv()` 超时，只来了半行；也可能程序本来就只写了发一条消息。服
            务器关闭之后客户端结束是对的；如果错在服务器，wirelab 会另作说明。""",
        ),
        where=(
            """Find every `break`, `return` and `exit` in the loops that read the keyboard and the socket. Which of
            them was taken? The last line on the terminal and the last frame before the end tell.""",
            """找出读键盘和读套接字的循环里所有的 `break`、`return`、`exit`。走的是哪一个？看终端的最后一行和结束前的最
            后一帧。""",
        ),
        code="""
            if not line: break                   # wrong

            if line == "/quit": break            # right
            """,
        source="Handout, protocol table (unknown or malformed lines are ignored); recv(2)",
        picture=r"""
                       client                                 server
                    break |<------------------------- NEWS 1\n --|
                     exit |-- FIN,ACK -------------------------->|
            type: hello ? |                                      |
            """,
    ),
    "WL663": page(
        seen=(
            """A traceback stands in the middle of the terminal, and the program is still there: what is typed is not sent,
            or what arrives is not shown, and `/quit` has no effect. Heartbeats may be answered as if nothing had
            happened.""",
            """终端中间出现了 traceback，程序却还在：输入的内容没有发送，或者收到的内容没有显示，`/quit` 也不起作用。心跳却可能照常
            应答。""",
        ),
        why=(
            """An error that nobody catches ends the thread it happens in, and no other. In Python a program lives as long
            as one of its threads does that is no daemon: when the main thread, which reads the keyboard, is gone, the
            receiver goes on by itself, and nobody reads `/quit`. So the program seems to hang, and the first finding is
            about something that did not happen; the reason stands further up, in the traceback.""",
            """没有捕获的错误只结束它所在的线程。Python 程序只要还有一个非守护线程就不会结束：读键盘的主线程没有了，接收线程仍独自
            运行，`/quit` 没有人读。于是程序像是卡住了，第一条诊断说的是没有发生的事；真正的原因写在更早的 traceback 里。""",
        ),
        where=(
            """The line that names the error, and above it the last line that names a file of yours. Mend that before
            anything else and run again. Then make the end of one thread the end of the others: close the connection in
            a `finally`.""",
            """看写着错误名称的那一行，以及它上面最后一个写着你的文件名的那一行。先改好这里再运行。然后让一个线程的结束也带动其余
            线程结束：在 `finally` 里关闭连接。""",
        ),
        code="""
            sock.sendall("MSG " + text + "\\n")              # wrong
            sock.sendall(("MSG " + text + "\\n").encode())   # right
            """,
        source="Python library reference, threading: Thread.daemon, excepthook",
        picture=r"""
                         client                                 server
            hello Enter |                                      |
            TypeError   | . MSG hello ? . . . . . . . . . . . >|
            main ends   |                                      |
            (receiver)  |<-------------------- HEARTBEAT 1\n --|
            (receiver)  |-- HEARTBEAT-ACK 1\n ---------------->|
            /quit Enter | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
    "WL664": page(
        seen=(
            """The client works while something is going on. When nothing arrives for a second, two or five, it says
            `timed out` and leaves, although the server is there and would answer.""",
            """有数据来往时客户端一切正常；一旦一秒、两秒或五秒没有收到任何内容，它就显示 `timed out` 然后退出，而服务器明明还在，
            也会应答。""",
        ),
        why=(
            """A time limit that is set on a socket holds for every call on it. `create_connection(address, timeout=2)` is
            meant for `connect()`, and is still there at the first `recv()`; the error that it raises is an OSError, and
            looks like a lost connection to whoever catches that. But silence is no error: TCP sends nothing where nobody
            has anything to say, and a chat is silent most of the time.""",
            """套接字上的时限对它的每一次调用都有效。`create_connection(地址, timeout=2)` 本是给 `connect()` 用的，到第一次 `recv()`
            时仍然有效；它引发的错误属于 OSError，在捕获处看来就像连接断了。但沉默不是错误：没有话说时 TCP 什么也不发，而聊天大部分
            时间都是沉默的。""",
        ),
        where=(
            """Where the socket is made: `timeout=`, `settimeout()`, in C `SO_RCVTIMEO`, in Java `setSoTimeout()`. Take the limit
            off once connected. If the receiving thread is to look at a flag now and then, let a time-out go on with the loop,
            not end it.""",
            """看创建套接字的地方：`timeout=`、`settimeout()`，C 里是 `SO_RCVTIMEO`，Java 里是 `setSoTimeout()`。连上之后取消时限。如果
            接收线程需要不时检查一个标志，超时之后应继续循环，而不是退出。""",
        ),
        code="""
            sock = socket.create_connection(address, timeout=2)   # wrong
            data = sock.recv(4096)

            sock = socket.create_connection(address, timeout=2)   # right
            sock.settimeout(None)
            data = sock.recv(4096)
            """,
        source="Python library reference, socket: Notes on socket timeouts; socket(7), SO_RCVTIMEO",
        picture="""
                     client                                 server
            connect() |-- SYN ------------------------------>|
                      |<-------------------------- SYN,ACK --|
                      |-- ACK ------------------------------>|
               recv() :                                      :
            2 s later |-- FIN,ACK -------------------------->|
            """,
    ),
}
