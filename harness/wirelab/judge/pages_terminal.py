"""Explanation pages: what a terminal shows, and floods (WL6xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL604": page(
        seen=(
            """A text that the script waits for did not appear on this terminal in time; what was there is quoted. On
            the wire the message may well have arrived: then it was received and not shown, or shown in other words.""",
            """脚本等待的文字没有及时出现在这个终端上，当时显示的内容已引用。线路上这条消息可能早就到了：那就是收到了却
            没有显示，或者用了别的写法。""",
        ),
        why=(
            """Between the segment and the screen lie `recv()`, cutting into lines, the handling of each kind of line,
            `print`, and a buffer. The words must be those of the handout, since a person who tests your program
            looks for exactly these; colours, prompts and other text around them do not matter. Output without a
            line end stays in the buffer until it is flushed. A program can also be one line behind: it shows each
            message only when the next has come, because it waits for the delimiter of a line that is complete
            already.""",
            """从报文段到屏幕，要经过 `recv()`、切行、按种类处理、`print` 和一个缓冲区。文字必须与讲义一致，因为测试的
            人要找的就是这几个字；周围的颜色、提示符和其他文字都不要紧。不带换行的输出会留在缓冲区里，直到刷新。程序
            还可能总慢一行：要等下一条到来才显示上一条，因为明明已经完整的一行，它还在等分隔符。""",
        ),
        where=(
            """Is the message in the capture? If not, look at the sender (WL201, WL401). If it is, print at each
            station of the receiver, with `flush=True`. A server prints `Received from ('127.0.0.1', 4324): text`,
            with the address as Python shows a pair.""",
            """捕获里有这条消息吗？没有，就看发送方（WL201、WL401）；有，就在接收方的每一站打印，加上 `flush=True`。服
            务器要打印 `Received from ('127.0.0.1', 4324): text`，地址的写法与 Python 打印元组相同。""",
        ),
        code="""
            print("recv:", text)                                    # wrong
            print(f"Received from {address}: {text}", flush=True)   # right
            """,
        source="Handout, What programs print; Python library reference, Built-in Functions: print; setvbuf(3)",
        picture=r"""
              client                                 server
                 |-- MSG hello\n ---------------------->|
                 |<------------------------------ ACK --| recv()
                 |                                      | print() ?
            """,
    ),
    "WL605": page(
        seen=(
            """The terminal shows a text that this scenario forbids; the line is quoted. Examples: a heartbeat line in
            the middle of the chat, the text of somebody else's message, a farewell before the end.""",
            """终端显示了这个场景禁止的文字，该行已引用。例如：聊天内容中间出现心跳行，别人的消息，还没结束就出现告别
            语。""",
        ),
        why=(
            """What is received falls into kinds, and each kind has its own place: a heartbeat is answered and not
            shown, a broadcast is shown with `Broadcast: ` before it, an unknown line is ignored. A program that
            prints whatever `recv()` gives shows all of it. Debugging output that was forgotten has the same effect,
            and so has a program that is still at work after it should have stopped.""",
            """收到的内容分几种，各有去处：心跳要应答但不显示，广播要加上 `Broadcast: ` 显示，不认识的行要忽略。把
            `recv()` 的结果一股脑打印出来，就什么都显示了。忘了删的调试输出也会这样，该停而没停的程序也会这样。""",
        ),
        where=(
            """Search the source for the `print` that can have written the quoted line. Write debugging output to
            standard error with a switch, or remove it.""",
            """在源码里搜索可能写出这一行的 `print`。调试输出应写到标准错误并可以关掉，或者删除。""",
        ),
        code="""
            print(data.decode())                     # wrong

            if kind == b"BROADCAST":                 # right
                print("Broadcast:", text.decode())
            """,
        source="Handout, What programs print",
        picture=r"""
                         client                                 server
                            |<-------------------- HEARTBEAT 3\n --|
                            |-- HEARTBEAT-ACK 3\n ---------------->|
            "HEARTBEAT 3" ? |                                      |
            """,
    ),
    "WL607": page(
        seen=(
            """The program wrote more than 4 MB to its terminal, and wirelab stopped reading there. The same line, or
            nothing but prompts, repeats thousands of times a second; one processor is fully busy.""",
            """程序向终端写了超过 4 MB，wirelab 到此不再读取。同一行（或者只有提示符）每秒重复几千次，一个处理器满负荷
            运转。""",
        ),
        why=(
            """A loop that should wait no longer waits. It happens at the end of a stream: when the other side has
            closed, `recv()` returns `b""` at once, every time, and a keyboard at end-of-file does the same
            (`input()` raises EOFError, `fgets` returns NULL). Code that ignores this result, or that catches every
            exception and tries again, goes round without a pause and prints each time. In C a `scanf` that meets a
            letter where it wants a number leaves the letter there and fails again for ever.""",
            """本该等待的循环不再等待了，多发生在流结束的时候：对方关闭后，`recv()` 每次都立即返回 `b""`；键盘到了文件
            结束也是如此（`input()` 抛出 EOFError，`fgets` 返回 NULL）。忽略这个结果，或者捕获所有异常再重试的代码，
            就会不停地转，每圈打印一次。在 C 里，`scanf` 想读数字却遇到字母，字母会一直留在那里，于是永远失败下去。""",
        ),
        where=(
            """The repeated line leads to the loop. Test for the end before anything else, and leave the loop there.
            `except Exception: continue` around a read is the usual culprit.""",
            """从重复的那一行找到循环。先判断是否结束，结束就退出循环。读操作外面的 `except Exception: continue` 往往就
            是元凶。""",
        ),
        code="""
            try: line = input("> ")
            except Exception: continue           # wrong

            try: line = input("> ")
            except EOFError: break               # right
            """,
        source="recv(2), RETURN VALUE; Python library reference, Built-in Functions: input; read(2)",
        picture="""
                         client                                 server
                            |<-------------------------- FIN,ACK --| close()
                            |-- ACK ------------------------------>|
                recv(): b"" |                                      |
                recv(): b"" |                                      |
            recv(): b"" ... |                                      |
            """,
    ),
    "WL609": page(
        seen=(
            """The script typed, and the terminal's input queue is full: the program has not read its keyboard for a
            long time. The line you type is echoed by the terminal, so from outside it looks as if it were taken.""",
            """脚本在打字，但终端的输入队列已满：程序很久没有读键盘了。你输入的行由终端回显，所以从外面看好像已被接收。""",
        ),
        why=(
            """Keys go first into a queue in the kernel, some 4096 bytes, and wait there until a program calls
            `read()`. A program that is stuck does not empty it. Either the thread that reads the keyboard has ended
            (by an exception, or because it took something for the end), or it is blocked elsewhere: in `sendall()`
            to a side that does not read, in `recv()`, in a lock.""",
            """按键先进入内核里的一个队列，约 4096 字节，等程序调用 `read()` 来取。程序卡住，队列就不会变空。要么读键盘
            的线程已经结束（因为异常，或把什么当成了结束），要么它阻塞在别处：对一个不读数据的对方 `sendall()`，停在
            `recv()`，或在等锁。""",
        ),
        where=(
            """Which thread reads the keyboard, and what else does it do? Whatever can block for long belongs in
            another thread.""",
            """哪个线程读键盘？它还做别的什么？凡是可能长时间阻塞的事，都应放到另一个线程。""",
        ),
        code="""
            for line in sys.stdin:
                sock.sendall(line.encode())      # wrong
                outbox.put(line)                 # right
            """,
        source="termios(3), Canonical and noncanonical mode; send(2)",
        picture="""
                       client                                 server
                sendall() |-- MSG 1  len=1448 ------------------>|
                          |<--------------------- ACK    win=0 --| recv() ?
            sendall() ... |                                      |
              stdin: 4096 |                                      |
            """,
    ),
    "WL610": page(
        seen=(
            """The script wanted to do something on a connection (send, close, reset, forge a RST, drop a segment), and
            there was none. Earlier in the run a handshake is missing or was refused, or the connection had ended
            already.""",
            """脚本要在某个连接上做点什么（发送、关闭、重置、伪造 RST、丢弃一个报文段），但没有这样的连接。在此之前，握
            手缺失或被拒绝，或者连接已经结束。""",
        ),
        why=(
            """A scripted peer that listens has a connection only once your program has connected to it; one that
            connects needs your server to listen. So this finding is a consequence: look for the first thing that
            went wrong before it. With a client it is mostly WL101 (no SYN), with a server WL102 (refused) or a
            program that closed too early.""",
            """监听的脚本扮演的一方，要等你的程序连上来才有连接；主动连接的脚本扮演的一方，则要求你的服务器在监听。所以这条诊断是后
            果：请找它之前第一个出错的地方。客户端多半是 WL101（没有 SYN），服务器多半是 WL102（被拒绝），或者程序过
            早关闭。""",
        ),
        where=(
            """Go up in the output to the first check that failed, and mend that one first.""",
            """在输出里往上找到第一个未通过的检查，先解决它。""",
        ),
        code="""
            listener.bind((host, port))
            listener.listen()                # right
            print(f"Listening on {host}:{port}", flush=True)
            """,
        source="RFC 9293, section 3.10.2 (SEND call: connection does not exist); listen(2)",
        picture="""
                      peer                                  program
                        |-- SYN ------------------------------>|
                        |<-------------------------- RST,ACK --| LISTEN ?
            sends ... ? |                                      |
            """,
    ),
    "WL611": page(
        seen=(
            """The capture reached its limit and was cut off there, and more than half of all that was sent came from
            your program. In Wireshark the last thousands of frames look alike: the same line again and again, a
            fraction of a millisecond apart.""",
            """捕获达到上限，到此截断，而且发送量的一半以上来自你的程序。在 Wireshark 里，最后几千帧长得一样：同一行一
            遍又一遍，间隔不到一毫秒。""",
        ),
        why=(
            """A loop sends without waiting for anything. Frequent forms: a heartbeat thread whose pause is 0 because
            the interval was read with `int("0.2"[0])` or as an integer; a keyboard loop that at end-of-file sends
            an empty line each time round; two programs that answer each other's answers; a client that connects
            again at once whenever the connection fails. A network shares its lines with others: in real life such a
            program is an attack.""",
            """有循环在不停发送，从不等待。常见的形式：间隔被当成整数读成 0，心跳线程于是没有停顿；键盘到了文件结束，循
            环每转一圈发一个空行；两个程序互相应答对方的应答；连接一失败就立刻重连。网络是大家共用的，放到现实中，这
            样的程序就等于攻击。""",
        ),
        where=(
            """Find the loop around the `send()` that produces the repeated line. What should it wait for in each
            round: a key, a message, a clock? See that this wait also ends the loop when there is nothing more to
            come.""",
            """找到发出重复内容的那个 `send()` 外面的循环。它每一圈应该等什么：按键、消息，还是时钟？还要保证没有后续时
            ，循环随之结束。""",
        ),
        code="""
            time.sleep(int(float(seconds)))          # wrong
            leaving.wait(float(seconds))             # right
            """,
        source="Python library reference, threading: Event Objects; RFC 9293, section 3.8.6",
        picture=r"""
              client                                 server
                 |-- MSG \n  seq=x -------------------->|
                 |-- MSG \n  seq=x+5 ------------------>|
                 |-- MSG \n  seq=x+10 ----------------->|
                 |-- ... ------------------------------>|
            """,
    ),
    "WL612": page(
        seen=(
            """The other side's terminal was cut off because it shows what your program sends, and your program sent
            more than half of all bytes. In the capture you find long runs of lines from your side.""",
            """对方的终端因刷屏被截断：它显示的是你的程序发送的内容，而且发送量的一半以上来自你的程序。捕获里能看到你这
            一方连续发出的大量行。""",
        ),
        why=(
            """A server prints every message it receives, so who sends without end fills its screen. The fault is in
            the sender: its loop no longer waits, usually at the end of the keyboard (end-of-file) or after an error
            that is caught and ignored. TCP's flow control does not protect the other side here, since it reads
            everything quickly.""",
            """服务器会打印收到的每条消息，所以不停发送的一方会把它的屏幕填满。错在发送方：循环不再等待，通常发生在键盘
            到了文件结束，或者错误被捕获后忽略。TCP 的流量控制在这里帮不上忙，因为对方读得很快。""",
        ),
        where=(
            """As with WL611: the loop around `send()`. What does it do when `input()` raises EOFError or `read()`
            returns nothing?""",
            """与 WL611 相同：看 `send()` 外面的循环。`input()` 抛出 EOFError、`read()` 什么也没读到时，它怎么做？""",
        ),
        code="""
            line = sys.stdin.readline()
            send(line)                       # wrong

            if not line: break               # right
            send(line)
            """,
        source="Python library reference, io: IOBase.readline; read(2)",
        picture=r"""
                    client                                 server
            stdin: EOF |-- MSG \n --------------------------->| Received from ...
                       |-- MSG \n --------------------------->| Received from ...
                       |-- MSG \n --------------------------->| Received from ...
            """,
    ),
    "WL661": page(
        seen=(
            """All went well to the last line; then the terminal shows `Fatal Python error: _enter_buffered_busy: could not
            acquire lock ... at interpreter shutdown, possibly due to daemon threads`, and the program ends by
            SIGABRT (status -6, or 134 in a shell). It happens now and then only.""",
            """直到最后一行都很正常，接着终端上出现 `Fatal Python error: _enter_buffered_busy: could not acquire lock ... at
            interpreter shutdown, possibly due to daemon threads`，程序被 SIGABRT 终止（状态 -6，在 shell 里是 134）。它只是
            时不时才发生。""",
        ),
        why=(
            """When the main thread has ended and no thread is left but daemons, Python shuts down: it stops all daemon
            threads where they stand, and then writes out what is still in the buffer of `sys.stdout`. That buffer
            has a lock. A daemon thread that was just inside `print()` stands still with the lock in its hand, and
            will never give it back; Python notices that it would wait for ever, and aborts. So it takes a message
            that arrives in the very moment in which you quit.""",
            """主线程结束、只剩守护线程时，Python 开始收尾：它让所有守护线程就地停住，再把 `sys.stdout` 缓冲区里剩下的内容写出
            去。这个缓冲区有一把锁。恰好正在 `print()` 里的守护线程拿着锁停住，再也不会归还；Python 发现自己会永远等下去，就
            中止了程序。所以要碰巧在退出的那一刻有消息到达，才会遇上。""",
        ),
        where=(
            """Make an end of the thread before the program ends: `shutdown()` lets its `recv()` return, `join()` waits
            for the last line that it prints. Only a thread that can never print or read when the program ends may
            be left as a daemon.""",
            """程序结束之前先让这个线程结束：`shutdown()` 让它的 `recv()` 返回，`join()` 等它输出完最后一行。只有程序结束时绝不
            会再输出、也不会再读键盘的线程，才可以留作守护线程。""",
        ),
        code="""
            threading.Thread(target=receive, daemon=True).start()    # wrong

            receiver = threading.Thread(target=receive)              # right
            receiver.start()
            sock.shutdown(socket.SHUT_WR)
            receiver.join()
            """,
        source="Python library reference, threading: Thread Objects; abort(3)",
        picture="""
                      client                                 server
                /quit    |-- FIN,ACK  seq=u ------------------->|
            T2 print()   |<------------- BROADCAST one ---------|
            SIGABRT      |                                      |
            """,
    ),
    "WL662": page(
        seen=(
            """`/quit` was typed, and the program asks for the next line as if nothing had happened. Often the word shows
            up on the wire as an ordinary message, and everybody else can read it. No FIN follows.""",
            """输入 `/quit` 之后，程序若无其事地等待下一行。线路上常常能看到这个词被当成普通消息发了出去，别人都读到了。之后没有
            FIN。""",
        ),
        why=(
            """`/quit` is a word like any other until your loop compares it. The comparison is missing, comes after the
            line was sent, or never holds: `sys.stdin.readline()` in Python and `fgets` in C give the line with its
            line end, and a line with one more character is not equal. Or the comparison holds, but only leaves an
            inner loop or a function whose caller reads on.""",
            """循环不去比较，`/quit` 就只是普通的一行。可能根本没有比较；可能先发送、后比较；也可能永远不相等：Python 的
            `sys.stdin.readline()` 和 C 的 `fgets` 返回的一行带着换行符，多一个字符就不相等。还可能比较成立了，却只跳出了内层循环，
            或只从函数返回，而外层又接着读。""",
        ),
        where=(
            """The loop that reads the keyboard: take the line end off, compare, leave the loop, and only otherwise send.
            Behind the loop stands the closing (WL555).""",
            """看读键盘的那个循环：去掉换行符，比较，相等就退出循环，否则才发送。循环之后是关闭连接的代码（WL555）。""",
        ),
        code="""
            while True:                      # wrong
                line = sys.stdin.readline()
                if line == "/quit":
                    break
                send(line)

            while True:                      # right
                line = sys.stdin.readline().rstrip("\\n")
                if line == "/quit":
                    break
                send(line)
            """,
        source="Python library reference, Built-in Functions: input; fgets(3)",
        picture=r"""
                      client                                 server
            /quit Enter |                                      |
            readline()  |-- MSG /quit\n ---------------------->|
            readline()  |<------------------------------ ACK --|
                        :                                      :
            shutdown()? | . FIN,ACK ? . . . . . . . . . . . . >|
            """,
    ),
    "WL613": page(
        seen=(
            """The program is gone in the middle of the run, and nothing on the terminal says why: it was ended because it
            had too many threads and processes, or used too much memory. Only grading sets such bounds.""",
            """程序在运行中途消失，终端上也没有说明原因：它因为线程和进程太多，或占用内存太多而被终止。只有评分时才有这样
            的限制。""",
        ),
        why=(
            """Somewhere a loop starts a thread for each line instead of each client, starts a process again and again, or
            collects in a list what is never taken out. On your own machine that goes well for a while; with two hundred
            programs on one machine it would take the memory and the processors from all the others.""",
            """某个循环为每一行（而不是每个客户端）创建线程，反复启动进程，或者不断往列表里放东西却从不取出。在自己的电脑上
            暂时看不出问题；而两百个程序在同一台机器上运行时，就会抢走其他程序的内存和处理器。""",
        ),
        where=(
            """Look for `Thread(...)`, `fork()` or `append()` inside a loop: what ends it, and what takes away what it
            made? A chat client needs two threads, a server a few for each client.""",
            """找一找循环里的 `Thread(...)`、`fork()` 或 `append()`：循环什么时候结束，创建的东西由谁清理？聊天客户端需要两个
            线程，服务器每个客户端几个线程就够了。""",
        ),
        code="""
            while True:
                threading.Thread(target=receive).start()    # wrong

            threading.Thread(target=receive).start()        # right
            """,
        source="pthreads(7); setrlimit(2)",
        picture=r"""
                    client                                 server
              1 thread |                                        |
            512 threads|         (ended by the harness)         |
                       |-- RST -------------------------------->|
            """,
    ),
}
