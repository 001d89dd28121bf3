"""Explanation pages: how a connection ended, and how it should have (WL501 to WL507). Text only; knows no evidence."""

from __future__ import annotations

from wirelab.judge.kinds import Page
from wirelab.judge.page_text import page

PAGES: dict[str, Page] = {
    "WL501": page(
        seen=(
            """The first FIN came from the other side than the one that was told to quit. In Wireshark the filter
            `tcp.flags.fin == 1` shows both; the upper one is the first. Everything else may look perfectly orderly,
            three or four segments, no RST.""",
            """第一个 FIN 来自另一方，而不是被要求退出的那一方。在 Wireshark 里用过滤器 `tcp.flags.fin == 1` 可以看到两
            个 FIN，上面那个是先发的。其他方面可能完全正常：三个或四个报文段，没有 RST。""",
        ),
        why=(
            """The side that closes first is the active closer: it decides when the conversation ends, and it pays for
            that by staying in TIME-WAIT. The other answers: its `recv()` returns `b""`, it finishes and closes too.
            If the order is wrong, one side guessed. A client that sends the word `/quit` and waits for the server
            to hang up leaves the decision to the server; a server that closes after each message, or on a line it
            does not know, takes it away from the client. Where both FINs cross on the way, wirelab accepts either
            order (simultaneous close).""",
            """先关闭的是主动关闭方：由它决定会话何时结束，代价是要停留在 TIME-WAIT。另一方随后响应：它的 `recv()` 返回
            `b""`，做完收尾再关闭。次序不对，说明有一方在猜。客户端把 `/quit` 这个词发过去，然后等服务器挂断，就是把
            决定权交给了服务器；服务器收完一条消息、或遇到不认识的一行就关闭，则是抢了客户端的决定权。如果两个 FIN
            在途中交错，wirelab 对两种次序都接受（同时关闭）。""",
        ),
        where=(
            """In the client: what does the branch for `/quit` and end-of-file do? It must call `shutdown()` itself and
            send no farewell. In the server: find every `close()`; each must stand behind a `recv()` that returned
            `b""`, or behind the server's own quit.""",
            """看客户端：处理 `/quit` 和文件结束的分支做了什么？它应当自己调用 `shutdown()`，不发告别语。看服务器：找出
            每一处 `close()`，它前面要么是返回 `b""` 的 `recv()`，要么是服务器自己的退出。""",
        ),
        code=r"""
            if line == "/quit":
                sock.sendall(b"MSG /quit\n")     # wrong
                sock.shutdown(socket.SHUT_WR)    # right
                break
            """,
        source="RFC 9293, section 3.6 (figures 12 and 13)",
        picture="""
                    client                                 server
            FIN-WAIT-1 |-- FIN,ACK  seq=u  ack=w ------------>|
                       |<---------- FIN,ACK  seq=w  ack=u+1 --| LAST-ACK
             TIME-WAIT |-- ACK      ack=w+1 ----------------->| CLOSED
            """,
    ),
    "WL502": page(
        seen=(
            """A segment with RST ends the connection, sent by your program's side; Wireshark paints it red. The other
            side reads `ConnectionResetError: [Errno 104] Connection reset by peer` instead of end-of-file, and may
            lose the last data it had not read yet. Your own terminal usually shows nothing wrong at all.""",
            """一个带 RST 的报文段结束了连接，是你的程序这一方发出的，Wireshark 把它标成红色。对方读到的不是文件结束，
            而是 `ConnectionResetError: [Errno 104] Connection reset by peer`，还没读的最后一些数据可能因此丢失。你
            自己的终端上通常看不出任何异常。""",
        ),
        why=(
            """FIN says "I have said everything, and all of it will arrive". RST says "forget this connection". No
            program sends RST directly; the kernel does so in three cases. The socket is closed while bytes that
            nobody has read lie in its receive buffer, a heartbeat for instance: those bytes are lost, and the peer
            must be told (WL551). Or SO_LINGER with time 0 asks for it (WL552). Or segments arrive for a socket that
            is closed already, because the other side was still sending (WL553). If one of these causes could be
            proven, it stands below the finding.""",
            """FIN 的意思是“我的话说完了，全部都会送到”，RST 的意思是“这个连接作废”。程序不会直接发 RST，是内核在三种情
            况下发的。关闭套接字时，接收缓冲区里还有没人读的字节，例如一个心跳：这些字节丢了，必须让对方知道（WL551
            ）。或者设置了时间为 0 的 SO_LINGER（WL552）。或者套接字已经关闭，对方还在发送，报文段仍然到达（WL553
            ）。能证实是哪一种时，会写在诊断的下面。""",
        ),
        where=(
            """Close in three steps: `shutdown(SHUT_WR)` sends FIN behind your data; read until `recv()` returns `b""`,
            so nothing is left unread; then `close()`. In Java: `socket.shutdownOutput()`, read to the end,
            `socket.close()`. In C the same with `shutdown(fd, SHUT_WR)` and `read() == 0`.""",
            """分三步关闭：`shutdown(SHUT_WR)` 在数据之后发出 FIN；一直读到 `recv()` 返回 `b""`，不留未读数据；最后
            `close()`。Java：`socket.shutdownOutput()`，读到结尾，`socket.close()`。C 同理，用 `shutdown(fd,
            SHUT_WR)`，读到 `read() == 0`。""",
        ),
        code="""
            sock.close()                             # wrong

            sock.shutdown(socket.SHUT_WR)            # right
            while sock.recv(4096):
                pass
            sock.close()
            """,
        source="RFC 9293, sections 3.5.2 (reset generation) and 3.6.1; RFC 2525, section 2.17; shutdown(2); close(2)",
        picture="""
                 client                                 server
                    |<--------------- HEARTBEAT 5  seq=y --|
                    |-- ACK          ack=y+12 ------------>|
            close() |-- RST,ACK      seq=u --------------->| ECONNRESET
            """,
    ),
    "WL503": page(
        seen=(
            """Until the end of the run no FIN from this side was captured: its half of the connection stayed open.
            Often its terminal already says "Disconnected" or "Bye". If the other side has sent FIN, this side
            acknowledged it (the kernel does) and rests in CLOSE-WAIT.""",
            """直到运行结束，都没有捕获到这一方的 FIN：它这半边连接一直开着。它的终端上往往已经写着“Disconnected”或
            “Bye”。如果对方已发 FIN，这一方也确认了（由内核完成），停在 CLOSE-WAIT。""",
        ),
        why=(
            """The kernel sends FIN when the *last* reference to the socket goes, or when `shutdown()` asks for it. A
            `close()` may not be the last: while another thread sits in `recv()` on the same socket, the running
            call keeps it alive (WL554); so do a copy made by `fork()`, `dup()` or `makefile()`, and in Python any
            other variable that holds the object. Otherwise the call was simply never reached: the program did not
            end (WL555), or the branch for `recv() == b""` does not close (WL556). A printed line proves nothing;
            only the FIN on the wire does.""",
            """当套接字的最后一个引用消失，或有人调用 `shutdown()` 时，内核才发 FIN。`close()` 未必是最后一个：另一个线
            程正在同一个套接字上 `recv()`，这次尚未返回的调用就保住了它（WL554）；`fork()`、`dup()`、`makefile()` 产
            生的副本也一样，Python 里还包括持有该对象的其他变量。再不然就是根本没执行到：程序没有结束（WL555），或者
            `recv() == b""` 的分支里没有关闭（WL556）。打印出来的文字什么也证明不了，线路上的 FIN 才算数。""",
        ),
        where=(
            """Call `shutdown()` before `close()`: it acts on the connection, not on the reference, sends FIN at once,
            and with `SHUT_RDWR` also wakes a thread that sits in `recv()`.""",
            """在 `close()` 之前调用 `shutdown()`：它作用于连接而不是引用，立刻发出 FIN；用 `SHUT_RDWR` 还能唤醒停在
            `recv()` 里的线程。""",
        ),
        code="""
            sock.close()                         # wrong

            sock.shutdown(socket.SHUT_WR)        # right
            receiver.join()
            sock.close()
            """,
        source="RFC 9293, sections 3.6 and 3.10.4 (CLOSE call); close(2), Multithreaded processes and close(); shutdown(2)",
        picture="""
                    client                                 server
            CLOSE-WAIT |<------------------- FIN,ACK  seq=w --| FIN-WAIT-1
                       |-- ACK      ack=w+1 ----------------->| FIN-WAIT-2
                       :                                      :
             close() ? | . FIN,ACK  seq=u ? . . . . . . . . .>|
            """,
    ),
    "WL504": page(
        seen=(
            """There is a FIN or RST from this program, but it left only after the harness (or the script) had killed
            the program. On the time axis it stands behind the line that says so. By itself the program would have
            kept the connection open.""",
            """这个程序确实有 FIN 或 RST，但那是测试平台（或脚本）强制结束它之后才发出的；在时间轴上，它排在那条说明的
            后面。如果没人管，这个连接会一直开着。""",
        ),
        why=(
            """When a process ends, however it ends, the kernel closes everything it had open: FIN where nothing was
            unread, RST where something was. A process killed with SIGKILL does not run a single line of its own
            after that. So this teardown shows what the kernel does, not what your program does, and is not counted
            for it. The question is why the program was still there: usually a thread sits in `recv()`, `accept()`
            or `input()`, and the end of the program waits for it (see WL601 and its causes).""",
            """进程无论怎样结束，内核都会关闭它打开的一切：没有未读数据的发 FIN，有的发 RST。被 SIGKILL 杀死的进程此后
            不会再执行自己的任何一行代码。所以这次关闭体现的是内核的行为，不是你的程序的，不能算数。该问的是程序为什
            么还在：通常有个线程停在 `recv()`、`accept()` 或 `input()`，程序要等它（见 WL601 及其原因）。""",
        ),
        where=(
            """Make the program end by itself first; the teardown then mostly comes right on its own. Follow what
            happens after `/quit` or Ctrl-D, step by step, to the last line of `main`.""",
            """先让程序能自己结束，关闭过程多半也就对了。从 `/quit` 或 Ctrl-D 开始，一步一步走到 `main` 的最后一行。""",
        ),
        code="""
            sock.shutdown(socket.SHUT_RDWR)      # right
            receiver.join()
            sock.close()
            """,
        source="signal(7), SIGKILL; _exit(2); RFC 9293, section 3.6",
        picture="""
                 client                                 server
             Ctrl-D |                                      |
                    :                                      :
            SIGKILL |                                      |
             kernel |-- FIN,ACK  seq=u ------------------->|
                    |<----------------- ACK      ack=u+1 --|
            """,
    ),
    "WL505": page(
        seen=(
            """A FIN was sent and no ACK with its sequence number plus one came back. Wireshark usually shows the FIN
            again and again (`TCP Retransmission`), at growing distances: about 0.2, 0.4, 0.8, 1.6 s.""",
            """发出了 FIN，却没有确认号为“其序号加一”的 ACK 回来。Wireshark 里通常看到这个 FIN 一次次重发（`TCP
            Retransmission`），间隔越来越大：约 0.2、0.4、0.8、1.6 秒。""",
        ),
        why=(
            """A FIN takes one number of the sequence space, as a byte would, and must be acknowledged like one. The
            other side's kernel does that by itself, whatever its program is doing, at the latest after some 40 ms;
            an ACK that rides on data or on the other FIN counts as well. So a missing ACK is not a line of code:
            the wire was cut, a filter dropped the segment, the other host or its network was gone, or the capture
            ended first. The side that sent the FIN stays in FIN-WAIT-1 or LAST-ACK and retransmits until it gives
            up.""",
            """FIN 占用一个序号，就像一个字节，也必须得到确认。这由对方的内核自动完成，不管程序在做什么，最迟约 40 毫秒
            ；搭在数据或另一个 FIN 上的 ACK 同样算数。所以缺少 ACK 不是哪行代码的问题：线路断了，报文段被过滤掉，对
            方主机或网络已消失，或者捕获先结束了。发送 FIN 的一方停在 FIN-WAIT-1 或 LAST-ACK，不断重传，直到放弃。""",
        ),
        where=(
            """There is hardly anything to mend in your program. Look in the ladder at what happened to the wire
            (`cut`, `drop`), and run again. Do see that your side does not wait for ever for a close that cannot
            come: bound the wait.""",
            """程序里几乎没有可改的。看时序图里线路发生了什么（`cut`、`drop`），再运行一次。但要保证你的一方不会无限期
            地等一个不可能到来的关闭：给等待设个期限。""",
        ),
        code="""
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(3.0)
            """,
        source="RFC 9293, sections 3.4, 3.6 and 3.8.1; RFC 6298 (retransmission timer)",
        picture="""
                    client                                 server
            FIN-WAIT-1 |-- FIN,ACK  seq=u --------X           |
                       :                                      :
               + 0.2 s |-- FIN,ACK  seq=u --------X           |
                       :                                      :
               + 0.6 s |-- FIN,ACK  seq=u --------X           |
            """,
    ),
    "WL507": page(
        seen=(
            """The scenario wants this connection to end with RST, because the script aborts it (a peer `resets`, or a
            RST is injected), and no RST was captured before the clean-up; the connection was closed with FIN, or
            stayed open.""",
            """场景要求这个连接以 RST 结束，因为脚本会中止它（对端 `resets`，或注入 RST），但在收尾之前没有捕获到 RST；
            连接是用 FIN 关闭的，或者一直开着。""",
        ),
        why=(
            """An abort and a close are different events in TCP: ABORT throws away what is unsent and sends RST; CLOSE
            sends what is left, then FIN. A RST is expected only where a scenario brings it about. It is missing
            when the connection had ended in an orderly way before that step was played, so that there was nothing
            left to abort: a program that leaves too early, for instance because it takes an unknown line for the
            end, ends like this.""",
            """在 TCP 里，中止（ABORT）和关闭（CLOSE）是两回事：中止会丢掉未发送的数据并发 RST；关闭则先发完余下的数据
            ，再发 FIN。只有场景自己制造 RST 时，才会要求看到它。没有看到，是因为在执行到那一步之前，连接已经正常结
            束，没有什么可以中止了。例如程序把不认识的一行当作结束，过早离开，就会这样。""",
        ),
        where=(
            """Look at what your program received last before it closed, and at the scenario's step that aborts the
            connection. Your program should stay until that step.""",
            """看程序关闭之前最后收到了什么，再看场景里中止连接的那一步。在那一步之前，你的程序不应离开。""",
        ),
        code="""
            if not line.startswith(b"HEARTBEAT"):
                break                        # wrong
                continue                     # right
            """,
        source="RFC 9293, sections 3.10.4 (CLOSE call) and 3.10.5 (ABORT call)",
        picture="""
                 program                                 peer
            close() |-- FIN,ACK  seq=u ------------------->|
                    |<------------------- FIN,ACK  seq=w --|
                    |-- ACK ------------------------------>|
                    |                                      | RST ?
            """,
    ),
}
