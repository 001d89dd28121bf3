"""Explanation pages: why a connection does not come about (WL1xx). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL101": page(
        seen=(
            """Wireshark shows no SYN from the program to the server's port: with the filter `tcp.port == 12001` the
            list stays empty, or shows only the others' connections. The terminal usually shows a prompt, an error
            about the address, or nothing.""",
            """在 Wireshark 里用过滤器 `tcp.port == 12001` 找不到这个程序发出的 SYN：列表是空的，或者只有别人的连接。终
            端上往往只有一个提示符、一条与地址有关的错误信息，或者什么都没有。""",
        ),
        why=(
            """A connection begins when the program calls `connect()`: the kernel then sends a SYN at once, before the
            call returns. No SYN therefore means that no thread reached that call with this address and port. Three
            ways lead there: the program stops earlier (an exception, or a question at the keyboard such as a
            nickname, which the script does not answer); it connects somewhere else, because host and port are
            written into the source; or it only creates the socket. `socket()` and `bind()` put nothing on the wire.""",
            """连接从调用 `connect()` 开始：内核立刻发出 SYN，此时函数还没有返回。所以没有 SYN，就说明没有任何线程带着
            这个地址和端口执行到 `connect()`。常见的情形有三种：程序在此之前就停下了（抛出异常，或者先在键盘上提问，
            例如要求输入昵称，而脚本不会回答）；主机和端口写死在源码里，连到了别处；或者只创建了套接字。`socket()`
            和 `bind()` 不会在线路上产生任何报文段。""",
        ),
        where=(
            """Find the line that calls `connect()` and print the address just before it. The program is started as
            `client HOST PORT`: take both from the command line. In Java they are `args[0]` and `args[1]`, in C
            `argv[1]` and `argv[2]`.""",
            """找到调用 `connect()` 的那一行，在它前面把地址打印出来。程序以 `client HOST PORT` 的方式启动，主机和端口
            都应取自命令行。Java 中是 `args[0]` 和 `args[1]`，C 中是 `argv[1]` 和 `argv[2]`。""",
        ),
        code="""
            sock.connect(("127.0.0.1", 12000))                 # wrong
            sock.connect((sys.argv[1], int(sys.argv[2])))      # right
            """,
        source="RFC 9293, sections 3.5 and 3.10.1 (OPEN call); connect(2)",
        picture="""
                     client                                 server
               socket() |                                      | listen()
            connect() ? | . SYN  seq=x ? . . . . . . . . . . .>|
            """,
    ),
    "WL102": page(
        seen=(
            """Two frames: SYN, and at once RST,ACK from the server's port. The client's terminal says `Connection
            refused` (in Python `ConnectionRefusedError: [Errno 111]`, in Java `java.net.ConnectException`). There
            is no waiting: the answer comes within a millisecond.""",
            """只有两帧：SYN，紧接着是服务器端口发回的 RST,ACK。客户端的终端显示 `Connection refused`（Python 是
            `ConnectionRefusedError: [Errno 111]`，Java 是 `java.net.ConnectException`）。不需要等待，一毫秒之内就有
            答复。""",
        ),
        why=(
            """A SYN is accepted only if a socket is in state LISTEN at that address and port, that is after `bind()`
            *and* `listen()`. For a port without such a socket the kernel itself answers with RST; no program is
            asked. So the host is there and the wire is fine; the server is not listening, or not there: it has not
            come so far, it has ended, it could not bind (see WL151), or it listens on another port or another
            address. A server bound to the address of one network card does not listen on 127.0.0.1.""",
            """只有当该地址和端口上有处于 LISTEN 状态的套接字，即已经执行过 `bind()` 和 `listen()`，SYN 才会被接受。如
            果端口上没有这样的套接字，内核自己就会回复 RST，不会去问任何程序。可见主机在，线路也通，只是服务器没有在
            这里监听：还没执行到、已经退出、绑定失败（见 WL151），或者监听的是别的端口、别的地址。绑定在某块网卡地址
            上的服务器，并不监听 127.0.0.1。""",
        ),
        where=(
            """In the server: are `bind()` and `listen()` called with the host and port of the command line, and before
            `Listening on` is printed? In the client: an absent server is normal life. Say so in one line and exit
            with status 1, without a traceback.""",
            """看服务器：`bind()` 和 `listen()` 用的是命令行给出的主机和端口吗？是否在打印 `Listening on` 之前就已调用
            ？看客户端：服务器不在是很平常的事，用一行文字说明，然后以状态 1 退出，不要把 traceback 抛给用户。""",
        ),
        code="""
            try:
                sock.connect((host, port))
            except OSError as error:
                print(f"cannot connect to {host}:{port}: {error.strerror}")
                sys.exit(1)
            """,
        source="RFC 9293, sections 3.5.2 (reset generation, group 1) and 3.10.7.1; connect(2), ECONNREFUSED",
        picture="""
                      client                                 server
               connect() |-- SYN  seq=x ----------------------->| CLOSED
            ECONNREFUSED |<---------- RST,ACK  seq=0  ack=x+1 --|
            """,
    ),
    "WL103": page(
        seen=(
            """Of SYN, SYN+ACK and ACK one or two are missing; the finding names those that were seen. A SYN that
            nobody answers is repeated by the kernel, for the first time after a second; Wireshark marks the copies
            `TCP Retransmission`.""",
            """SYN、SYN+ACK、ACK 三个报文段缺了一个或两个，诊断里会列出看到了哪些。没有人应答的 SYN 会由内核重发，第一
            次在一秒之后，Wireshark 把这些副本标为 `TCP Retransmission`。""",
        ),
        why=(
            """The three segments are exchanged by the two kernels; neither program takes part, and `accept()` only
            fetches a connection that is complete already. So a handshake that stays incomplete is rarely a fault in
            a line of code. Either a segment was lost or the wire was cut (a firewall that drops silently looks the
            same), or one program was gone within that millisecond, or the queue of the listener was full: a server
            that called `listen(1)` and never calls `accept()` lets the kernel ignore further SYNs and ACKs.""",
            """这三个报文段由双方的内核交换，两边的程序都不参与，`accept()` 只是取走一个已经建立好的连接。因此握手不完
            整很少是某一行代码写错了。要么有报文段丢失或线路中断（静默丢包的防火墙看起来也一样），要么有一方恰好在那
            一毫秒里消失，要么监听队列已满：服务器调用了 `listen(1)` 却从不 `accept()`，内核就会忽略之后的 SYN 和
            ACK。""",
        ),
        where=(
            """In the server: is `accept()` called in a loop, by a thread that does nothing else which can block? A
            server that reads its keyboard or serves a client between two `accept()` calls fills its queue.""",
            """看服务器：是否在循环里调用 `accept()`，并且这个线程不做别的可能阻塞的事？如果在两次 `accept()` 之间去读
            键盘或服务某个客户端，队列就会被占满。""",
        ),
        code="""
            listener.listen()                # right
            while True:
                conn, address = listener.accept()
                threading.Thread(target=serve, args=(conn, address)).start()
            """,
        source="RFC 9293, section 3.5 (figure 6), and section 3.8.1; RFC 6298; listen(2); tcp(7), tcp_syn_retries",
        picture="""
                     client                                 server
               SYN-SENT |-- SYN      seq=x ------------------->| LISTEN
                        |<-------- SYN,ACK  seq=y    ack=x+1 --| SYN-RECEIVED
            ESTABLISHED | . ACK      seq=x+1  ack=y+1 ? . . . >| ESTABLISHED ?
            """,
    ),
    "WL104": page(
        seen=(
            """The script started the program and waited for a line such as `Listening on` or `Connected to`; it did
            not appear in time, and the script ended there. The finding quotes the terminal. On the wire the
            connection may well be complete: that points to the printing, not to the network.""",
            """脚本启动程序后等待一行文字，例如 `Listening on` 或 `Connected to`，到时间仍没有出现，脚本就此结束。诊断
            中会引用终端上的内容。线路上的连接可能已经建立好了，那就说明问题在输出，而不在网络。""",
        ),
        why=(
            """There are four usual reasons. The words differ: the scenario looks for exactly what the handout
            prescribes. The program asks a question first and waits in `input()`. It crashed or never connected (see
            WL606, WL101). Or the text was printed and is still in the program's own buffer: C's stdio and Python
            keep output back until a line end when they write to a terminal, and until some 4 to 8 kB are there when
            they write to a pipe; a prompt without a line end may then wait for ever. The time allowed was stretched
            for a busy machine, so slowness is not the reason.""",
            """通常有四种原因。文字不一样：场景要找的就是讲义规定的那几个字。程序先提了个问题，停在 `input()` 里等待。
            程序崩溃了，或根本没有连上（见 WL606、WL101）。再就是文字已经“打印”，却还留在程序自己的缓冲区里：C 的
            stdio 和 Python 写终端时按行缓冲，写管道时要攒够 4～8 kB 才输出，不带换行的提示符可能永远等不到。等待时
            间在机器繁忙时会自动延长，所以不是机器慢造成的。""",
        ),
        where=(
            """Search your source for the words and compare letter by letter: the colon, the space, the port. Print
            them right after `listen()` or `connect()` has returned, and flush. In C: `fflush(stdout)`; a Java
            `PrintWriter` or `BufferedWriter` wants `flush()`, `System.out` flushes by itself.""",
            """在源码里搜索这几个字，逐个字符对照：冒号、空格、端口。`listen()` 或 `connect()` 一返回就打印，并刷新缓冲
            区。C 用 `fflush(stdout)`；Java 的 `PrintWriter`、`BufferedWriter` 要调用 `flush()`，`System.out` 会自己
            刷新。""",
        ),
        code="""
            print(f"Connected to {host}:{port}", flush=True)
            print("Enter message to send: ", end="", flush=True)
            """,
        source="Python library reference, Built-in Functions: print; setvbuf(3)",
        picture="""
                     client                                 server
              connect() |-- SYN ------------------------------>|
                        |<-------------------------- SYN,ACK --|
            ESTABLISHED |-- ACK ------------------------------>|
             print(...) |                                      | "Connected to ..." ?
            """,
    ),
    "WL151": page(
        seen=(
            """The server's terminal shows `OSError: [Errno 98] Address already in use` (Java: `BindException`, C:
            `bind: Address already in use`), and it ends. On the wire every client gets RST for its SYN, or talks to
            the old server that still holds the port.""",
            """服务器终端显示 `OSError: [Errno 98] Address already in use`（Java 是 `BindException`，C 是 `bind:
            Address already in use`），然后退出。线路上，客户端的 SYN 得到的是 RST，或者客户端其实连到了仍占着端口的
            旧服务器。""",
        ),
        why=(
            """A port belongs to one listening socket. Either another process still listens there: the server of the
            last try, which never ended or was stopped with Ctrl-Z. Or nobody listens any more, but connections of
            the last run rest in TIME-WAIT: the side that closed first keeps the pair of addresses for a minute, so
            that late segments cannot hurt a new connection. Without `SO_REUSEADDR` Linux refuses `bind()` as long
            as such a remnant exists. With it, `bind()` succeeds past TIME-WAIT, while a second *listener* is still
            refused, as it should be. On Windows the option means something else: it lets two listeners share the
            port.""",
            """一个端口只属于一个监听套接字。要么还有别的进程在监听：上一次运行的服务器没有退出，或者被 Ctrl-Z 挂起了。
            要么已经没有人监听，但上次运行留下的连接还停在 TIME-WAIT：先关闭的一方要把这对地址保留一分钟，免得迟到的
            报文段干扰新连接。没有设置 `SO_REUSEADDR` 时，只要有这样的残留，Linux 就拒绝 `bind()`。设置之后，
            `bind()` 不再受 TIME-WAIT 影响，而第二个监听者仍会被拒绝，这正是我们要的。注意 Windows 上这个选项含义不
            同：它允许两个监听者共用端口。""",
        ),
        where=(
            """Set the option before `bind()`, not after. If it does not help, something is listening: `ss -ltnp 'sport
            = :12001'` names it. Java's `ServerSocket` sets the option by itself on Linux; C needs `setsockopt(fd,
            SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)`.""",
            """要在 `bind()` 之前设置这个选项，而不是之后。如果仍然不行，就是真的有程序在监听：`ss -ltnp 'sport =
            :12001'` 会列出它。Java 的 `ServerSocket` 在 Linux 上默认已设置；C 需要 `setsockopt(fd, SOL_SOCKET,
            SO_REUSEADDR, &one, sizeof one)`。""",
        ),
        code="""
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            """,
        source="RFC 9293, sections 3.3.2 (TIME-WAIT) and 3.6.1; socket(7), SO_REUSEADDR; bind(2), EADDRINUSE",
        picture="""
                   client                                 server
                      |<------------------- FIN,ACK  seq=w --| close()
                      |-- FIN,ACK  ack=w+1 ----------------->|
               CLOSED |<------------------------------ ACK --| TIME-WAIT, 60 s
                      :                                      :
                      |                                      | bind(): EADDRINUSE
            connect() |-- SYN  seq=x ----------------------->|
                      |<----------------- RST,ACK  ack=x+1 --|
            """,
    ),
    "WL152": page(
        seen=(
            """The program does send a SYN or at least calls `connect()`, but to another address or port than it was
            given. In Wireshark remove the port filter and look for any SYN of that moment: the destination differs.
            The terminal mostly shows `Connection refused` or hangs until a timeout.""",
            """程序确实调用了 `connect()`，也可能发出了 SYN，但目的地址或端口不是给它的那一个。在 Wireshark 里去掉端口
            过滤器，看那一时刻的 SYN，目的地不对。终端上大多是 `Connection refused`，或者一直卡到超时。""",
        ),
        why=(
            """The address in the SYN is exactly what `connect()` was given; nothing corrects it. Common slips: the
            port of last week's exercise is still in the source; the arguments are read in the wrong order; the port
            was read as text and a default stepped in; in C the port was stored without `htons()`, so that 12001
            (0x2EE1) goes out as 57646 (0xE12E). `localhost` can be a trap as well: it may become the IPv6 address
            `::1` first, where a server bound to 127.0.0.1 does not listen.""",
            """SYN 里的地址就是传给 `connect()` 的那个，没有谁会替你改正。常见的疏忽：源码里还留着上周实验的端口；命令
            行参数的次序读反了；端口没有转换成功，落到了默认值；C 里存端口时漏了 `htons()`，12001（0x2EE1）就变成了
            57646（0xE12E）。`localhost` 也可能是陷阱：它可能先解析成 IPv6 地址 `::1`，而绑定在 127.0.0.1 的服务器并
            不在那里监听。""",
        ),
        where=(
            """Print what you pass to `connect()`. Take host and port from the command line in the order `HOST PORT`;
            in C, `htons()` for the port and `inet_pton()` for the address.""",
            """把传给 `connect()` 的值打印出来。按 `HOST PORT` 的次序从命令行读取；C 里端口用 `htons()`，地址用
            `inet_pton()`。""",
        ),
        code="""
            host, port = sys.argv[2], int(sys.argv[1])         # wrong
            host, port = sys.argv[1], int(sys.argv[2])         # right
            sock.connect((host, port))
            """,
        source="connect(2); ip(7), Address format; htons(3)",
        picture="""
                      client                                 server
                         |                                      | LISTEN :12001
               connect() |-- SYN  dport=57646 ----------------->| CLOSED :57646
            ECONNREFUSED |<-------------------------- RST,ACK --|
            """,
    ),
    "WL153": page(
        seen=(
            """The terminal shows a crash report, and on the wire there is nothing of this program: no SYN from a
            client; for a server, RST in answer to every SYN. The report stands before any line about connecting or
            listening.""",
            """终端上有一份崩溃信息，而线路上完全没有这个程序的痕迹：客户端没有发 SYN；若是服务器，别人的 SYN 都得到
            RST。崩溃信息出现在任何“已连接”“正在监听”的文字之前。""",
        ),
        why=(
            """An error that nobody catches ends the main thread, and what comes after it in the source never runs,
            `connect()` and `listen()` included. That early in a program it is mostly something plain: a missing
            module, a misspelt name, `sys.argv[1]` without arguments, a port that is text where a number is wanted,
            a file that is not beside the program. The kernel closes whatever was open; as no connection existed,
            there is nothing to close and nothing to see on the wire.""",
            """没有被捕获的错误会结束主线程，它后面的代码都不会执行，包括 `connect()` 和 `listen()`。程序刚开始就崩溃，
            原因多半很普通：缺少模块、名字拼错、没有参数却用了 `sys.argv[1]`、需要整数的端口给了字符串、要读的文件不
            在程序旁边。内核会关闭已打开的东西；因为还没有连接，也就没有什么可关，线路上自然什么也看不到。""",
        ),
        where=(
            """Read the last line of the report first, it names the error; then the last line above it that names a
            file of yours. Start the program by hand exactly as wirelab does, with host and port, in an empty
            terminal. `SyntaxError: Non-UTF-8 code` means that the file is saved in another encoding, such as GBK: let
            your editor save it as UTF-8.""",
            """先看崩溃信息的最后一行，它说出了错误；再往上找到最靠下的、提到你自己文件的那一行。在一个新终端里照
            wirelab 的方式手动启动程序，带上主机和端口。`SyntaxError: Non-UTF-8 code` 表示文件是以 GBK 等其他编码保存
            的：请让编辑器改存为 UTF-8。""",
        ),
        code="""
            sock.connect((sys.argv[1], sys.argv[2]))           # wrong
            sock.connect((sys.argv[1], int(sys.argv[2])))      # right
            """,
        source="Python tutorial, Errors and Exceptions; connect(2); listen(2)",
        picture="""
                     client                                 server
              Traceback |                                      | LISTEN
            connect() ? | . SYN  seq=x ? . . . . . . . . . . .>|
            """,
    ),
}
