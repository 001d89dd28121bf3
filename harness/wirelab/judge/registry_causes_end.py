"""Causes of how a connection and a program ended, or did not end: WL55x and WL65x.

Sentences only; the rules that turn evidence into a cause stand in ``causes_*``.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

_NO_EXIT = "your program does not exit: {chain}{outlook}"
_NO_EXIT_ZH = "程序没有退出：{chain}{outlook}"

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL551",
        summary=Text("closed with unread bytes in the receive buffer", "关闭时接收缓冲区里还有未读数据"),
        rationale=Text(
            "{actor} closed its socket before it had read everything that {other} sent: {seen}. Then the kernel sends "
            "RST (frame {frame}, at {time} s) instead of FIN",
            "{actor} 没有读完 {other} 发来的内容就关闭了套接字：{seen}。这时内核发送的是 RST（第 {frame} 帧，{time} "
            "秒），而不是 FIN",
        ),
        hint=Text(
            "RST tells the other side that its bytes are lost. Call shutdown(SHUT_WR), go on with recv() until it "
            "returns b'', and only then close() or exit.",
            "RST 是告诉对方：你发的内容丢了。请先 shutdown(SHUT_WR)，继续 recv() 直到返回 b''，然后才 close() 或退出。",
        ),
        cause=True,
    ),
    Kind(
        "WL552",
        summary=Text("SO_LINGER with a time of 0", "设置了时间为 0 的 SO_LINGER"),
        rationale=Text(
            "{actor}'s socket was closed with SO_LINGER 0{perhaps}, which means RST (frame {frame}, at {time} s) instead "
            "of FIN: {seen}",
            "{actor} 的套接字是带着 SO_LINGER 0 关闭的{perhaps}，因此发送的是 RST（第 {frame} 帧，{time} 秒）而不是 FIN：{seen}",
        ),
        hint=Text(
            "Take the SO_LINGER out: it throws away what is still unsent, too. If it was meant against 'Address already "
            "in use', set SO_REUSEADDR on the listening socket instead.",
            "请去掉 SO_LINGER：它还会丢弃尚未发出的内容。如果本意是解决“地址已被占用”，"
            "应在监听套接字上设置 SO_REUSEADDR。",
        ),
        cause=True,
    ),
    Kind(
        "WL553",
        summary=Text("bytes were sent to a side that had closed already", "向已经关闭的一方继续发送了数据"),
        rationale=Text(
            "{closer} sent its FIN in frame {fin} at {closed} s and read no more; {sender} still sent {count} bytes in "
            "frame {data}, at {sent} s, which the kernel of a closed socket answers with RST (frame {frame})",
            "{closer} 在第 {fin} 帧（{closed} 秒）发出 FIN 之后不再接收；{sender} 仍在第 {data} 帧（{sent} 秒）"
            "发送了 {count} 字节，而套接字已经关闭，内核便以 RST（第 {frame} 帧）应答",
        ),
        hint=Text(
            "FIN says only 'I send no more'. Who closes should shutdown(SHUT_WR) and read until b'' before close(), as "
            "the other side may still send; who reads b'' should stop sending and close.",
            "FIN 只表示“我不再发送”。先关闭的一方应 shutdown(SHUT_WR)，读到 b'' 再 close()，因为对方可能还在发送；"
            "读到 b'' 的一方应停止发送并关闭。",
        ),
        cause=True,
    ),
    Kind(
        "WL554",
        summary=Text(
            "another thread sits in recv() on the socket: close() sends no FIN",
            "另一个线程还在这个套接字上 recv()：close() 不会发送 FIN",
        ),
        rationale=Text(
            "{closing}, but {receiver} still sits in {place} on the same socket; as long as it does, the kernel keeps the "
            "connection to {other} open and sends no FIN, and nothing will ever arrive there",
            "{closing}，但 {receiver} 仍停在同一个套接字的 {place} 中；只要它不返回，内核就让与 {other} "
            "的连接保持打开，不发送 FIN，而那里永远不会再有数据到达",
        ),
        hint=Text(
            "Call shutdown(SHUT_RDWR), or SHUT_WR and wait for the other's FIN, before close(): shutdown() acts at once "
            "and wakes the thread in recv(), close() only gives up one of the socket's users.",
            "请在 close() 之前调用 shutdown(SHUT_RDWR)，或用 SHUT_WR 再等待对方的 FIN：shutdown() 立即生效并唤醒 recv() "
            "中的线程，close() 只是减少一个使用者。",
        ),
        cause=True,
    ),
    Kind(
        "WL555",
        summary=Text("the process never ended, so nothing closed its socket", "进程一直没有结束，套接字也就没有关闭"),
        rationale=Text(
            "{actor} was told to end ({asked}) and was still running at {time} s; as long as it ran, no FIN of it crossed "
            "the wire{how}",
            "{actor} 已被要求结束（{asked}），到 {time} 秒仍在运行；它运行期间线路上没有出现它的 FIN{how}",
        ),
        hint=Text(
            "Close the connection when you are asked to quit, not when the program happens to end; then find out which "
            "thread keeps the program alive.",
            "请在收到退出要求时就关闭连接，不要等程序自然结束；然后找出是哪个线程让程序结束不了。",
        ),
        cause=True,
    ),
    Kind(
        "WL556",
        summary=Text(
            "left in CLOSE-WAIT: it never closed after the other's FIN", "停在 CLOSE-WAIT：收到 FIN 后没有关闭"
        ),
        rationale=Text(
            "{other} sent its FIN in frame {fin} at {time} s, and the kernel acknowledged it in frame {ack}; {actor} "
            "stayed in CLOSE-WAIT for {seconds} s, until {until} s, and {closed}. That is {actor}'s to do, and at once"
            "{socket}",
            "{other} 在第 {fin} 帧（{time} 秒）发出 FIN，内核在第 {ack} 帧确认；{actor} 停在 CLOSE-WAIT 状态 {seconds} "
            "秒，直到 {until} 秒，{closed}。这一步应由 {actor} 立即完成{socket}",
        ),
        hint=Text(
            "recv() returns b'' when the other side's FIN has come: leave the loop then and close(). Only a thread that "
            "is in recv() can notice it.",
            "对方的 FIN 到达后 recv() 返回 b''：这时应退出循环并 close()。只有正在 recv() 的线程才能发现它。",
        ),
        cause=True,
    ),
    Kind(
        "WL557",
        summary=Text("left in FIN-WAIT-2: the other side never closed", "停在 FIN-WAIT-2：对方始终没有关闭"),
        rationale=Text(
            "{actor} sent its FIN in frame {fin} at {time} s, and it was acknowledged in frame {ack}; {other} never sent "
            "its own, so {actor} was left in FIN-WAIT-2 until {until} s. That {other} does not close is {other}'s fault; "
            "that {actor} waits for it without end is its own{how}",
            "{actor} 在第 {fin} 帧（{time} 秒）发出 FIN，第 {ack} 帧得到确认；{other} 始终没有发出自己的 FIN，{actor} "
            "便停在 FIN-WAIT-2，直到 {until} 秒。{other} 不关闭是 {other} 的错；{actor} 无限期等待则是它自己的错{how}",
        ),
        hint=Text(
            "Wait for the other side's FIN, but not for ever: settimeout() before the last recv() calls, then close().",
            "应当等待对方的 FIN，但不要永远等：在最后的 recv() 之前 settimeout()，超时就 close()。",
        ),
        cause=True,
    ),
    Kind(
        "WL558",
        summary=Text(
            "the server gave the client up after three unanswered heartbeats",
            "连续三个心跳没有应答，服务器放弃了客户端",
        ),
        rationale=Text(
            "{server} closed in frame {frame} at {time} s because it had given {client} up: {texts} ({came}) came in a "
            "row and had no answer by then",
            "{server} 在第 {frame} 帧（{time} 秒）关闭，是因为它已经放弃了 {client}：{texts}（{came}）接连到达，"
            "到那时都没有得到应答",
        ),
        hint=Text(
            "Mend the answers to the heartbeats first: then the server does not close, and what else is said of closing mostly "
            "goes with it.",
            "请先改好心跳的应答：那样服务器就不会关闭，关于关闭的其他问题大多也会随之消失。",
        ),
        cause=True,
    ),
    Kind(
        "WL651",
        summary=Text("it spins on recv() == b''", "在 recv() == b'' 上空转"),
        rationale=Text(
            "{other} sent its FIN in frame {fin} at {time} s, so every recv() returns b'' at once; {actor} calls it again "
            "and again: {seen}",
            "{other} 在第 {fin} 帧（{time} 秒）发出了 FIN，此后每次 recv() 都立即返回 b''；{actor} 却一再调用：{seen}",
        ),
        hint=Text(
            "b'' does not mean 'nothing there yet' but 'nothing will come any more': leave the loop and close().",
            "b'' 的意思不是“暂时没有数据”，而是“再也不会有数据”：请退出循环并 close()。",
        ),
        cause=True,
    ),
    Kind(
        "WL652",
        summary=Text("a thread waits for another that never ends", "一个线程在等待永远不会结束的线程"),
        rationale=Text(_NO_EXIT, _NO_EXIT_ZH),
        hint=Text(
            "Before join(), give the other thread a reason to end: shutdown() the socket that it receives from, or set "
            "a flag that it looks at in time.",
            "join() 之前，先让那个线程有理由结束：对它正在接收的套接字 shutdown()，或设置一个它会及时检查的标志。",
        ),
        cause=True,
    ),
    Kind(
        "WL653",
        summary=Text("a thread sits in reading the keyboard", "有线程停在读键盘上"),
        rationale=Text(_NO_EXIT, _NO_EXIT_ZH),
        hint=Text(
            "If it has read /quit: does its loop end there? If it was to end because the connection did: nothing but Enter "
            "or Ctrl-D ends input(), so wait with select() for the keyboard and for word from the receiving thread.",
            "如果它已经读到 /quit：循环在那里结束了吗？如果应当因为连接结束而退出：只有回车或 Ctrl-D 能让 input() 返回，"
            "所以要用 select() 同时等键盘和接收线程的通知。",
        ),
        cause=True,
    ),
    Kind(
        "WL654",
        summary=Text("a thread sits in recv() and nothing wakes it", "有线程停在 recv() 中，没有什么能唤醒它"),
        rationale=Text(_NO_EXIT, _NO_EXIT_ZH),
        hint=Text(
            "shutdown() on the socket wakes the thread in recv(): it then reads b'' and can end.",
            "对套接字调用 shutdown() 会唤醒 recv() 中的线程：它读到 b''，就可以结束了。",
        ),
        cause=True,
    ),
    Kind(
        "WL655",
        summary=Text("a thread sits in accept()", "有线程停在 accept() 中"),
        rationale=Text(_NO_EXIT, _NO_EXIT_ZH),
        hint=Text(
            "Closing the listening socket in another thread does not wake accept(). Call shutdown(SHUT_RDWR) on it "
            "first, or make the accepting thread a daemon.",
            "在别的线程里 close() 监听套接字并不会唤醒 accept()。请先对它 shutdown(SHUT_RDWR)，或把接受连接的线程设为守护线程。",
        ),
        cause=True,
    ),
    Kind(
        "WL656",
        summary=Text("a thread waits for a lock or condition that nobody gives", "有线程在等待没有人释放的锁或条件"),
        rationale=Text(_NO_EXIT, _NO_EXIT_ZH),
        hint=Text(
            "Who holds the lock, and what does it wait for itself? Take locks in the same order everywhere, use `with`, "
            "and do not wait for the network or the keyboard while you hold one.",
            "锁在谁手里，它自己又在等什么？各处按同样的顺序加锁，使用 with，并且不要在持有锁时等待网络或键盘。",
        ),
        cause=True,
    ),
    Kind(
        "WL657",
        summary=Text("end-of-file at the keyboard is not handled", "没有处理键盘的文件结束"),
        rationale=Text("{key}: {seen}", "{key}：{seen}"),
        hint=Text(
            "Ctrl-D means 'I type no more' and is a way to quit: in Python catch EOFError around input(), elsewhere look "
            "at what the reading function returns, and close the connection as for /quit.",
            "Ctrl-D 的意思是“不再输入了”，是一种退出方式：Python 中请在 input() 处捕获 EOFError，"
            "其他语言检查读取函数的返回值，然后像 /quit 一样关闭连接。",
        ),
        cause=True,
    ),
    Kind(
        "WL658",
        summary=Text("Ctrl-C is not handled", "没有处理 Ctrl-C"),
        rationale=Text("{key}: {seen}", "{key}：{seen}"),
        hint=Text(
            "Ctrl-C sends SIGINT. In Python catch KeyboardInterrupt around the main loop, elsewhere handle SIGINT; then "
            "close the connection as for /quit and exit with status 0.",
            "Ctrl-C 会发送 SIGINT。Python 中请在主循环外捕获 KeyboardInterrupt，其他语言处理 SIGINT；"
            "然后像 /quit 一样关闭连接，以状态 0 退出。",
        ),
        cause=True,
    ),
    Kind(
        "WL659",
        summary=Text("a thread sits in send() to a side that does not read", "有线程停在 send() 中，因为对方不接收"),
        rationale=Text(_NO_EXIT, _NO_EXIT_ZH),
        hint=Text(
            "sendall() returns when the kernel has room for everything, and there is room only when the other side reads. "
            "Give each connection a thread that sends, with a queue, or a time limit for sending; then no client can "
            "hold up the thread that reads the keyboard.",
            "内核的缓冲区腾出空间之后 sendall() 才返回，而只有对方接收才会腾出空间。请给每个连接单独的发送线程和队列，"
            "或给发送设置超时；这样任何客户端都拖不住读键盘的线程。",
        ),
        cause=True,
    ),
    Kind(
        "WL660",
        summary=Text("it sleeps or goes round in a loop instead of ending", "它在睡眠或循环，没有去结束"),
        rationale=Text(_NO_EXIT, _NO_EXIT_ZH),
        hint=Text(
            "Which flag does this loop look at, who should change it, and what does that thread wait for? End that wait "
            "first (shutdown() the socket), and wait with join() or an Event rather than with sleep().",
            "这个循环看的是哪个标志，应当由哪个线程来改，那个线程又在等什么？请先结束它的等待（对套接字 shutdown()），"
            "并用 join() 或 Event 来等，不要用 sleep()。",
        ),
        cause=True,
    ),
    Kind(
        "WL661",
        summary=Text(
            "a daemon thread was at the terminal while Python shut down", "Python 收尾时，守护线程还在使用终端"
        ),
        rationale=Text(
            "{actor} had come to its end at {time} s, but a daemon thread still had hold of {stream}, and Python broke off "
            "with the words quoted below",
            "{time} 秒 {actor} 已经执行完，但守护线程还占着{stream}，Python 便中止了程序，输出如下",
        ),
        hint=Text(
            "Let every thread that prints come to its end, and join() it, before the main thread ends: shutdown() the "
            "socket that it receives from. daemon=True only means that nobody waits for it.",
            "请让每个会输出的线程先结束，并在主线程结束之前 join() 它：对它正在接收的套接字 shutdown()。"
            "daemon=True 只表示没有人等它。",
        ),
        cause=True,
    ),
    Kind(
        "WL662",
        summary=Text("/quit was read, but did not end the program", "读到了 /quit，程序却没有结束"),
        rationale=Text(
            "{actor} read /quit, which was typed at {time} s, and went on instead of ending{sent}: {seen}",
            "{actor} 读到了 {time} 秒输入的 /quit，却没有结束，而是继续运行{sent}：{seen}",
        ),
        hint=Text(
            "Compare each line with /quit before you send it, and leave the loop there. sys.stdin.readline() and fgets() "
            "give a line with its line end, which input() takes off: '/quit\\n' is not equal to '/quit'.",
            "读到一行，发送之前先与 /quit 比较，相等就退出循环。sys.stdin.readline() 和 fgets() 返回的一行带着行尾的换行符，"
            "input() 则会去掉它：'/quit\\n' 与 '/quit' 并不相等。",
        ),
        cause=True,
    ),
    Kind(
        "WL663",
        summary=Text("an error had ended the thread that was to do it", "负责这件事的线程已经因错误结束"),
        rationale=Text(
            "{actor} printed the crash report below at {time} s: an error that nobody caught ended {thread}{then}",
            "{actor} 在 {time} 秒输出了下面的崩溃信息：没有捕获的错误结束了{thread}{then}",
        ),
        hint=Text(
            "Mend this first: read the line that names the error (in Python the last one, in Java the first), then the "
            "nearest one that names a file of yours. An error that nobody catches ends its thread, and the program "
            "only with its last thread.",
            "请先改这里：先看写着错误名称的那一行（Python 在最后，Java 在最前），再看离它最近、写着你的文件名的那一行。"
            "没有捕获的错误只结束它所在的线程；最后一个线程结束，程序才结束。",
        ),
        cause=True,
    ),
    Kind(
        "WL664",
        summary=Text("a time limit of the socket ran out", "套接字上的时限到了"),
        rationale=Text(
            "{actor} had received nothing for {silence} s when it left by itself (at {time} s), and its terminal says "
            "{line}: it takes silence for the end of the connection",
            "{actor} 自行离开时（{time} 秒）已有 {silence} 秒没有收到任何内容，终端上写着 {line}：它把沉默当成了连接的结束",
        ),
        hint=Text(
            "The timeout of create_connection(), or settimeout(), holds for every later recv() as well. Once connected, "
            "take it off: sock.setblocking(True). Only b'' and an error of the connection end it.",
            "create_connection() 的 timeout 或 settimeout() 对之后的每一次 recv() 也有效。连上之后请取消：sock.setblocking(True)。"
            "只有收到 b'' 或连接出错才算结束。",
        ),
        cause=True,
    ),
)
