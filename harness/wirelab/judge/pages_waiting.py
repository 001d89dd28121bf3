"""Explanation pages: what a program waits for when it does not exit (WL651 to WL658). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL651": page(
        seen=(
            """After the other side's FIN one processor is fully busy, and the look into the program shows a thread
            that is running, again and again at the same `recv()`. On the wire nothing moves: no FIN from this side.""",
            """对方的 FIN 到达之后，一个处理器满负荷；观察程序内部，有个线程一直在运行，反反复复停在同一个 `recv()`。线
            路上没有动静：这一方没有 FIN。""",
        ),
        why=(
            """An empty result is not "nothing there yet". A blocking `recv()` waits for data; it returns `b""` only
            when the other side's FIN has been read, that is at the end of the stream. After that it returns `b""`
            at once on every call, for all time. A `while True` loop that takes the empty result for an empty
            message therefore turns into a busy loop. The kernel has done its part (ACK for the FIN, state
            CLOSE-WAIT), and waits for a `close()` that never comes.""",
            """空结果不是“暂时还没有”。阻塞的 `recv()` 会一直等数据；只有读到对方的 FIN，也就是流结束时，才返回 `b""`。
            此后每次调用都立即返回 `b""`，永远如此。把空结果当成空消息的 `while True`，就变成了空转的循环。内核已经
            做完它的部分（确认 FIN，状态 CLOSE-WAIT），等着永远不来的 `close()`。""",
        ),
        where=(
            """Make the end of the stream the condition of the loop. In Java the sign is -1 from `read()` or null from
            `readLine()`, in C 0 from `recv`, in Node the event `end`.""",
            """把流的结束作为循环条件。Java 的标志是 `read()` 返回 -1 或 `readLine()` 返回 null，C 是 `recv` 返回 0，
            Node 是 `end` 事件。""",
        ),
        code="""
            while True:                          # wrong
                handle(sock.recv(4096))

            while data := sock.recv(4096):       # right
                handle(data)
            sock.close()
            """,
        source="recv(2), RETURN VALUE; RFC 9293, sections 3.3.2 (CLOSE-WAIT) and 3.6",
        picture="""
                         client                                 server
                            |<------------------- FIN,ACK  seq=w --| close()
                 CLOSE-WAIT |-- ACK      ack=w+1 ----------------->|
                recv(): b"" |                                      |
                recv(): b"" |                                      |
            recv(): b"" ... |                                      |
            """,
    ),
    "WL652": page(
        seen=(
            """The program has done everything else and sits in `join()`: one thread waits for another, and that one is
            blocked, goes round in a loop, or is a `threading.Timer` whose time has not come. The finding names both
            threads and the lines they are at.""",
            """程序别的都做完了，停在 `join()`：一个线程等另一个线程，而后者阻塞着、在循环里打转，或者是一个还没有到时间的
            `threading.Timer`。诊断里给出了两个线程的名字和各自所在的行。""",
        ),
        why=(
            """`join()` waits; it does not stop anybody. A thread ends when its function returns, and a function that
            is inside a blocking call returns only when the call does. So `join()` needs a promise: that the other
            thread's wait *will* end. If nobody brings that about, the two are in a chain whose last link waits for
            ever. Python does the same by itself at the end of the program: it joins all non-daemon threads, so
            leaving `join()` out changes nothing.""",
            """`join()` 只是等待，不会让谁停下。线程的函数返回，线程才结束；停在阻塞调用里的函数，要等这个调用先返回。
            所以 `join()` 需要一个保证：对方的等待一定会结束。如果没有人去促成，就成了一条链，最后一环永远在等。
            Python 在程序末尾会自动 join 所有非守护线程，因此删掉 `join()` 也没有用。""",
        ),
        where=(
            """See what the other thread is blocked in, end that wait first, then `join()`: `shutdown()` for `recv()`,
            a sentinel for `queue.get()`, `event.set()` for `wait()`, `cancel()` for a `Timer`. A daemon thread would let the program end, at
            the price of being cut off in the middle of whatever it does.""",
            """看另一个线程阻塞在哪里，先结束那个等待，再 `join()`：`recv()` 用 `shutdown()`，`queue.get()` 用结束标记
            ，`wait()` 用 `event.set()`，`Timer` 用 `cancel()`。设为守护线程也能让程序结束，代价是它会在任意一处被拦腰打断。""",
        ),
        code="""
            receiver.join()                      # wrong

            sock.shutdown(socket.SHUT_RDWR)      # right
            receiver.join()
            """,
        source="Python library reference, threading: Thread.join; shutdown(2)",
        picture="""
                          client                                 server
            T1: join(T2) ... |                                      |
              T2: recv() ... |                                      | recv() ...
                             | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
    "WL653": page(
        seen=(
            """The connection is over, or the program was told to end, and it still sits in a read of the keyboard. One
            press of Enter would end it at once; nobody presses it.""",
            """连接已经结束，或者已要求程序退出，它却还在读键盘。按一下回车它就会结束，可是没有人按。""",
        ),
        why=(
            """`input()` returns when a line has been typed, and for nothing else. When the server closes, the
            receiving thread notices, but the main thread is asleep in the kernel's terminal driver and cannot be
            told: closing `sys.stdin` from another thread does not wake it, a flag is not looked at. What does work:
            waiting for keyboard *and* connection at the same time with `select`, or, from the receiving thread,
            ending the process outright once everything else is cleaned up.""",
            """`input()` 只有输入了一行才返回，别的都不行。服务器关闭时，接收线程会知道，但主线程睡在内核的终端驱动里，
            没法通知它：从另一个线程关闭 `sys.stdin` 叫不醒它，标志变量它也看不到。可行的办法有：用 `select` 同时等
            键盘和连接；或者在接收线程里把其他事都收拾好之后，直接结束整个进程。""",
        ),
        where=(
            """In the reference client the main thread waits in `select()` for the keyboard and for a pipe, and the
            receiver writes one byte into the pipe when the server is gone. In Java, `System.exit(0)` in the
            receiver after closing the socket is the common way.""",
            """参考客户端的主线程用 `select()` 同时等键盘和一个管道；服务器离开时，接收线程往管道里写一个字节。Java 常
            见的做法是接收线程关闭套接字后调用 `System.exit(0)`。""",
        ),
        code="""
            line = input()                                   # wrong

            ready, _, _ = select.select([sys.stdin, bell], [], [])
            if bell in ready: return                         # right
            line = sys.stdin.readline()
            """,
        source="select(2); read(2); Python library reference, select",
        picture="""
                         client                                 server
                            |<------------------- FIN,ACK  seq=w --| close()
                            |-- ACK      ack=w+1 ----------------->|
            T2: recv(): b"" |                                      |
            T1: input() ... |                                      |
            """,
    ),
    "WL654": page(
        seen=(
            """A thread sits in `recv()` on a connection where nothing more will arrive: the other side is waiting too,
            has closed, or does not exist any more. The program's other threads have ended or wait for this one.""",
            """有个线程停在 `recv()`，而这个连接上不会再来任何东西：对方也在等，或已经关闭，或已不存在。程序的其他线程
            已经结束，或者在等它。""",
        ),
        why=(
            """A blocking `recv()` returns on data, on the other side's FIN, or on an error. If this side has sent no
            FIN, the other side has no reason to send its own; so both wait. If the other host vanished without a
            word (cable, power), no segment comes at all, and without keep-alive TCP never notices: only what it
            sends can fail. A flag set by another thread does not wake a thread in the kernel.""",
            """阻塞的 `recv()` 在三种情况下返回：来了数据，来了对方的 FIN，或者出错。如果我方没有发 FIN，对方也没有理由
            发，于是双方都在等。如果对方主机不声不响地消失了（网线、断电），就根本不会再有报文段；没有保活机制的话，
            TCP 永远发现不了，因为只有发送时它才会察觉。别的线程设置的标志，叫不醒睡在内核里的线程。""",
        ),
        where=(
            """Who ends should say so on the wire: `shutdown(SHUT_WR)` lets the other side answer with FIN, and
            `recv()` returns. To be safe against a silent other side, bound the wait (`settimeout`, or
            `shutdown(SHUT_RDWR)` after some seconds) and set SO_KEEPALIVE.""",
            """要结束的一方应在线路上表明：`shutdown(SHUT_WR)` 会让对方以 FIN 回应，`recv()` 随之返回。为防对方沉默，给
            等待设期限（`settimeout`，或几秒后 `shutdown(SHUT_RDWR)`），并打开 SO_KEEPALIVE。""",
        ),
        code="""
            self.running = False                     # wrong
            self.sock.shutdown(socket.SHUT_WR)       # right
            """,
        source="recv(2); shutdown(2); RFC 9293, section 3.8.4 (keep-alives); socket(7), SO_KEEPALIVE",
        picture="""
                    client                                 server
                 /quit |                                      |
            recv() ... |                                      | recv() ...
                       | . FIN,ACK ? . . . . . . . . . . . . >|
                       |< . . . . . . . . . . . . FIN,ACK ? . |
            """,
    ),
    "WL655": page(
        seen=(
            """The server was told to end, and a thread still sits in `accept()`. Its clients may have been closed
            properly; the port is still in LISTEN.""",
            """服务器已被要求退出，却还有一个线程停在 `accept()`。客户端可能都正常关闭了，端口仍处于 LISTEN。""",
        ),
        why=(
            """`accept()` returns when somebody connects. Closing the listening socket from another thread does not
            wake it on Linux, for the same reason as with `recv()`: the running call holds the socket (WL554). The
            accepting thread is not a daemon in most programs, so the process stays. With `while running: accept()`
            one more client would have to connect before the flag is looked at.""",
            """有人连接，`accept()` 才返回。在 Linux 上，从另一个线程关闭监听套接字不会唤醒它，道理与 `recv()` 相同：正
            在进行的调用持有这个套接字（WL554）。多数程序里接受连接的线程不是守护线程，于是进程留了下来。写成 `while
            running: accept()`，要再来一个客户端，标志才会被检查。""",
        ),
        where=(
            """`shutdown(SHUT_RDWR)` on the listener makes `accept()` fail with EINVAL on Linux; portable ways are a
            timeout on the listener, or `select` with a second descriptor as in the reference server. In Java
            `serverSocket.close()` does wake the thread, with a SocketException.""",
            """在 Linux 上，对监听套接字 `shutdown(SHUT_RDWR)` 会让 `accept()` 以 EINVAL 返回；可移植的办法是给监听套接
            字设超时，或像参考服务器那样用 `select` 再等一个描述符。Java 的 `serverSocket.close()` 能唤醒线程，抛出
            SocketException。""",
        ),
        code="""
            listener.close()                         # wrong

            listener.shutdown(socket.SHUT_RDWR)      # right
            acceptor.join()
            listener.close()
            """,
        source="accept(2); shutdown(2); close(2), Multithreaded processes and close()",
        picture="""
              client                                 server
                 |                                      | /quit
                 |                                      | close(listener)
                 |                                      | T2: accept() ...
            """,
    ),
    "WL656": page(
        seen=(
            """A thread waits for a lock, a condition, an event or a queue, and no thread is left that could give it.
            The program uses no processor time and reacts to nothing.""",
            """有个线程在等锁、条件变量、事件或队列，而已经没有线程能给它了。程序不占用处理器，对什么都没有反应。""",
        ),
        why=(
            """A lock that is taken must be given back on every way out. `acquire()` followed by code that raises an
            exception keeps it for ever; `with` would not. Two locks taken in different order by two threads form a
            circle in which each waits for the other: a deadlock. A plain `Lock` taken twice by the same thread
            blocks that thread itself. A lock that is held during `sendall()`, `recv()` or `input()` passes the
            blocking of that call on to everybody else. And `queue.get()` or `wait()` at the end needs somebody to
            put or set; a thread that died no longer does.""",
            """拿到的锁，在每一条退出路径上都必须还回去。`acquire()` 之后的代码若抛出异常，锁就永远占着；用 `with` 则不
            会。两个线程以不同次序拿两把锁，会互相等待，形成死锁。同一个线程把普通的 `Lock` 拿两次，会把自己锁住。持
            锁执行 `sendall()`、`recv()` 或 `input()`，就把这个调用的阻塞传给了所有人。最后，`queue.get()`、`wait()`
            需要有人来 put 或 set，已经死掉的线程做不了。""",
        ),
        where=(
            """Use `with lock:` everywhere, hold locks for a few lines only, never around a call that can block, and
            where two locks are needed, always take them in the same order. Put a sentinel into each queue when the
            program ends.""",
            """处处用 `with lock:`，锁只包住几行，绝不包住可能阻塞的调用；需要两把锁时，永远按同样的次序拿。程序结束时
            ，往每个队列里放一个结束标记。""",
        ),
        code="""
            lock.acquire()                   # wrong
            send(line)
            lock.release()

            with lock:                       # right
                send(line)
            """,
        source="Python library reference, threading: Lock Objects; futex(2)",
        picture="""
                       T1                                     T2
                lock(A) |                                      | lock(B)
            lock(B) ... |                                      | lock(A) ...
            """,
    ),
    "WL657": page(
        seen=(
            """Ctrl-D at the keyboard ends the program with a traceback (`EOFError: EOF when reading a line`), or it
            goes on as if nothing had happened, or it loops. On the wire the FIN is missing or is followed by RST,
            since the closing code was not reached.""",
            """在键盘上按 Ctrl-D，程序带着 traceback 结束（`EOFError: EOF when reading a line`），或者若无其事地继续，
            或者陷入循环。线路上没有 FIN，或 FIN 之后有 RST，因为关闭的代码没有执行到。""",
        ),
        why=(
            """Ctrl-D is no character for the program: the terminal ends the current `read()` with 0 bytes, which means
            end-of-file. Python's `input()` turns it into EOFError, iterating over `sys.stdin` simply ends, C's
            `fgets` returns NULL, Java's `readLine()` null. Input that comes from a file or a pipe ends in the same
            way, so every program meets it. On a terminal it is one-shot: who reads again, waits again. C's stdio
            remembers it and reports it for ever.""",
            """对程序来说，Ctrl-D 不是字符：终端让当前的 `read()` 返回 0 个字节，也就是文件结束。Python 的 `input()` 把
            它变成 EOFError，遍历 `sys.stdin` 则自然结束，C 的 `fgets` 返回 NULL，Java 的 `readLine()` 返回 null。输
            入来自文件或管道时，也是这样结束，所以每个程序都会遇到。在终端上它是一次性的：再读就再等。C 的 stdio 会
            记住它，以后一直报告文件结束。""",
        ),
        where=(
            """Treat end-of-file like `/quit`: same branch, same teardown, exit status 0.""",
            """把文件结束与 `/quit` 同等对待：同一个分支，同样的关闭过程，退出状态 0。""",
        ),
        code="""
            while True:
                try:
                    line = input("Enter message to send: ")
                except EOFError:             # right
                    break
                if line == "/quit":
                    break
            """,
        source="Python library reference, Built-in Functions: input; termios(3), VEOF; read(2)",
        picture="""
                      client                                 server
                  Ctrl-D |                                      |
                EOFError |                                      |
            shutdown() ? | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
    "WL658": page(
        seen=(
            """Ctrl-C shows a traceback that ends in `KeyboardInterrupt`, or the program does not end: the main thread
            is gone and another goes on. The exit status is 130 or 1 instead of 0; the connection is cut off without
            shutdown.""",
            """按 Ctrl-C 后出现以 `KeyboardInterrupt` 结尾的 traceback，或者程序没有结束：主线程没了，别的线程还在。退
            出状态是 130 或 1 而不是 0，连接没有经过正常关闭。""",
        ),
        why=(
            """The terminal turns Ctrl-C into the signal SIGINT for the whole foreground process. Python notes the
            signal and raises KeyboardInterrupt in the *main* thread, between two of its steps or out of a blocking
            call there; other threads never see it. If nobody catches it, `main` ends at that very place, without
            your closing code. Then Python waits for the other threads: a receiver in `recv()` keeps the process
            alive, and a second Ctrl-C strikes this wait. A C program without a handler is ended by the signal at
            once.""",
            """终端把 Ctrl-C 变成发给整个前台进程的 SIGINT 信号。Python 记下信号，在主线程的两步之间或它的阻塞调用处抛
            出 KeyboardInterrupt，其他线程看不到。没有人捕获，`main` 就在那一处结束，你的关闭代码不会执行。接着
            Python 要等其他线程：停在 `recv()` 的接收线程让进程继续存在，第二次 Ctrl-C 打断的就是这个等待。没有处理
            函数的 C 程序则立即被信号终止。""",
        ),
        where=(
            """Catch KeyboardInterrupt around the keyboard loop and go the same way as for `/quit`. C: a handler that
            sets a flag, installed with `sigaction` without SA_RESTART, so that `read` returns with EINTR.""",
            """在键盘循环外捕获 KeyboardInterrupt，走与 `/quit` 相同的路。C：用 `sigaction` 安装一个设置标志的处理函数
            ，不带 SA_RESTART，这样 `read` 会以 EINTR 返回。""",
        ),
        code="""
            try:
                read_keyboard()
            except KeyboardInterrupt:        # right
                print()
            finish()
            """,
        source="signal(7), SIGINT; Python library reference, signal: Signals and threads",
        picture="""
                        client                                 server
                    Ctrl-C |                                      |
             T1: Traceback |                                      |
            T2: recv() ... |                                      | recv() ...
                           | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
    "WL659": page(
        seen=(
            """The program does not react to its keyboard any more, not even to `/quit` or Ctrl-D. One thread is blocked in
            `send()`. On the wire the other side of that connection announces a window of 0, and the only traffic is
            window probes.""",
            """程序不再理会键盘，`/quit`、Ctrl-D 都没有反应。有个线程停在 `send()` 中。线路上，那个连接的另一方通告窗口为 0，
            只剩下窗口探测。""",
        ),
        why=(
            """`send()` only puts bytes into the kernel's send buffer. They leave that buffer when the other side has
            acknowledged them, and it accepts no more than its receive window allows. A program that is stopped, or
            busy, or stuck, does not read: its receive buffer fills, its window shrinks to 0, your send buffer
            fills, and the next `sendall()` waits, for hours if need be. If that thread is the one that reads the
            keyboard, nobody hears `/quit`; if it holds a lock, everybody who wants the lock waits with it (WL656).""",
            """`send()` 只是把字节放进内核的发送缓冲区。对方确认之后，字节才会离开缓冲区，而对方能接受多少由它的接收窗口决定。
            对方的程序若是暂停了、很忙，或者卡住了，就不会接收：它的接收缓冲区填满，窗口缩到 0，接着你的发送缓冲区也填满，
            下一个 `sendall()` 只能等，等几小时都有可能。如果这正是读键盘的线程，就没有人听见 `/quit`；如果它还占着锁，所有
            想要这把锁的线程都得陪着等（WL656）。""",
        ),
        where=(
            """Do not send to clients from the thread that reads the keyboard, and hold no lock that others need while
            you send. Copy the list under the lock, and send outside it; put a time limit on sending, and drop the
            client that exceeds it.""",
            """不要在读键盘的线程里直接向客户端发送，发送时也不要占着别人需要的锁。先在锁内复制列表，再到锁外发送；给发送设置
            超时，超时的客户端就断开。""",
        ),
        code="""
            with clients_lock:               # wrong
                for client in clients:
                    client.sendall(line)

            with clients_lock:               # right
                everybody = list(clients)
            for client in everybody:
                client.queue.put(line)
            """,
        source="send(2); RFC 9293, sections 3.8.6 (Managing the Window) and 3.8.6.1 (Zero-Window Probing)",
        picture="""
                         client                                 server
                            |<-------------- BROADCAST ... len=4096|
                  (stopped) |-- ACK      win=0 ------------------->|
                            |                                      | sendall() ...
                            |<-------------- window probe ---------|
                            |-- ACK      win=0 ------------------->| /quit ?
            """,
    ),
    "WL660": page(
        seen=(
            """After `/quit` the program stays, and the look into it shows a thread that sleeps, or that is running,
            always in the same few lines, while another sits in `recv()` or in `input()`.""",
            """输入 `/quit` 之后程序还在。观察程序内部，有个线程在睡眠或在运行，总在那几行打转，而另一个线程停在 `recv()` 或
            `input()` 中。""",
        ),
        why=(
            """A loop such as `while running: sleep(0.1)` asks again and again whether it may end, and somebody must
            change the flag for it. That is the job of another thread, and this one is blocked: it would set the
            flag when its `recv()` returns, but nothing makes it return. So both wait, one asleep and one in the
            kernel. A loop without `sleep()` is the same with one processor fully busy. A long `sleep()` in a thread
            that is no daemon has this effect too: nothing cuts it short.""",
            """像 `while running: sleep(0.1)` 这样的循环，一遍遍地问“可以结束了吗”，总得有人替它改这个标志。这是另一个线程的
            事，而那个线程阻塞着：它的 `recv()` 返回时才会去改，却没有什么让它返回。于是两个都在等，一个睡着，一个停在内核里。
            循环里没有 `sleep()` 也一样，只是还占满了一个处理器。非守护线程里一个很长的 `sleep()` 也有同样的效果：没有什么能
            打断它。""",
        ),
        where=(
            """End the other thread's wait yourself: `shutdown()` on its socket. Then wait with `join()`, which returns
            at the very moment the thread ends. Where something is done every few seconds, wait with
            `stopping.wait(5)` of an `Event` instead of `sleep(5)`: `stopping.set()` ends it at once.""",
            """请自己去结束那个线程的等待：对它的套接字 `shutdown()`。然后用 `join()` 等它，线程一结束就返回。每隔几秒做一件事
            的地方，用 `Event` 的 `stopping.wait(5)` 代替 `sleep(5)`：`stopping.set()` 能让它立即结束。""",
        ),
        code="""
            while not finished:              # wrong
                time.sleep(0.1)

            sock.shutdown(socket.SHUT_WR)    # right
            receiver.join()
            """,
        source="Python library reference, threading: Event Objects; shutdown(2)",
        picture="""
                          client                                 server
              /quit  main |                                      |
            sleep() again |                                      |
            sleep() again |                                      | recv() ...
              T2 recv()   | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
}
