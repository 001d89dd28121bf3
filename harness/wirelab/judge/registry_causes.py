"""Causes of what was seen while a connection opened and lived: WL15x, WL25x, WL35x, WL45x.

Sentences only; the rules that turn evidence into a cause stand in ``causes_*``.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL151",
        summary=Text("the address was already in use", "地址已被占用"),
        rationale=Text(
            "{actor} could not take its port: at {time} s its terminal said that the address is in use{why}",
            "{actor} 没能占用端口：{time} 秒时它的终端提示地址已被占用{why}",
        ),
        hint=Text(
            "Set SO_REUSEADDR before bind(): a port whose last connection is in TIME-WAIT is refused without it. If it "
            "is refused all the same, another copy of the server is still running: find it with `ss -ltnp`.",
            "请在 bind() 之前设置 SO_REUSEADDR：否则只要上一次的连接还处于 TIME-WAIT，端口就不能再用。若仍被拒绝，"
            "说明还有一个服务器在运行，可用 `ss -ltnp` 查找。",
        ),
        cause=True,
    ),
    Kind(
        "WL152",
        summary=Text("it connects to another address or port", "它连接的是别的地址或端口"),
        rationale=Text(
            "{actor} sent its SYN to {address} (frame {frame}, at {time} s){answer}; the server is at port {port}",
            "{actor} 的 SYN 发往 {address}（第 {frame} 帧，{time} 秒）{answer}；而服务器在端口 {port}",
        ),
        hint=Text(
            "Take host and port from the command line, and look for a number typed wrongly or bytes swapped: in C the "
            "port goes through htons().",
            "主机和端口应取自命令行；检查数字是否写错、字节序是否颠倒：C 程序的端口要经过 htons()。",
        ),
        cause=True,
    ),
    Kind(
        "WL153",
        summary=Text("it crashed before it connected (or listened)", "它在建立连接（或监听）之前就崩溃了"),
        rationale=Text(
            "{actor} printed the crash report below at {time} s, before it {what}",
            "{actor} 在{what}之前、{time} 秒时输出了下面的崩溃信息",
        ),
        hint=Text(
            "Read the line that names the error first (in Python the last one, in Java the first), then the nearest one "
            "that names a file of yours: that is the place. The network has no part in this fault.",
            "先看说明错误的那一行（Python 在最后，Java 在最前），再看离它最近、写着你自己文件名的那一行：出错的位置就在那里。这个错误与网络无关。",
        ),
        cause=True,
    ),
    Kind(
        "WL251",
        summary=Text("one recv() is treated as one message", "把一次 recv() 当成一条消息"),
        rationale=Text(
            "{text} reached {actor} {how}; what came alone and whole was handled: {alone}. So one recv() seems to be "
            "taken for one message{where}",
            "{text} 到达 {actor} 时{how}；而单独、完整到达的都处理了：{alone}。看来程序把一次 recv() "
            "的结果当成了一条消息{where}",
        ),
        hint=Text(
            "TCP is a byte stream: one recv() may return half a message or ten. Append what it gives to a buffer, and "
            "cut off whole messages for as long as there are any.",
            "TCP 是字节流：一次 recv() 可能只有半条消息，也可能有十条。请把收到的字节追加到缓冲区，"
            "再循环切出其中完整的消息。",
        ),
        cause=True,
    ),
    Kind(
        "WL252",
        summary=Text("two threads' frames are interleaved", "两个线程的消息交错在一起"),
        rationale=Text(
            "{inner} was sent in the middle of {outer}: frame {first} has the beginning of it, frame {last} the rest"
            "{threads}",
            "{inner} 插在了 {outer} 的中间：第 {first} 帧是后者的开头，第 {last} 帧才是其余部分{threads}",
        ),
        hint=Text(
            "Send each message with one sendall(), text and end together, and hold one lock around every send on this "
            "socket, in all threads.",
            "每条消息（连同结束标记）用一次 sendall() 发出，并且所有线程在这个套接字上发送时都要持有同一把锁。",
        ),
        cause=True,
    ),
    Kind(
        "WL253",
        summary=Text("the last lines were still unsent when it closed", "关闭时最后几行还没有发出"),
        rationale=Text(
            "{text} was typed at {typed} s, and {actor} was told to quit at {quit} s; its {end} left in frame {frame} at "
            "{time} s, and {text} had not been sent by then",
            "{text} 于 {typed} 秒输入，{quit} 秒要求 {actor} 退出；{time} 秒它在第 {frame} 帧发出了 {end}，"
            "而 {text} 还没有发送",
        ),
        hint=Text(
            "Who quits must first send what it still holds: empty the queue (queue.join()) or wait for the thread that "
            "sends, then shutdown(SHUT_WR).",
            "退出之前必须先把手里的内容发完：清空队列（queue.join()）或等待发送线程结束，然后再 shutdown(SHUT_WR)。",
        ),
        cause=True,
    ),
    Kind(
        "WL254",
        summary=Text("what it sends stays in a buffer until it leaves", "要发送的内容留在缓冲区里，退出时才发出"),
        rationale=Text(
            "{text} was typed at {typed} s, but {actor} sent not a single byte before it was told to quit at {quit} s; then "
            "everything left together at {time} s ({came}): {texts}",
            "{text} 在 {typed} 秒就已输入，但在 {quit} 秒被要求退出之前，{actor} 一个字节也没有发送；随后所有内容在 {time} "
            "秒一起发出（{came}）：{texts}",
        ),
        hint=Text(
            "What you write into a PrintWriter, a BufferedWriter, a FILE or the file of makefile() waits there until the "
            "buffer is full: call flush() after each line.",
            "写进 PrintWriter、BufferedWriter、FILE 或 makefile() 所得文件的内容，要等缓冲区满了才会发出："
            "每写完一行就调用 flush()。",
        ),
        cause=True,
    ),
    Kind(
        "WL351",
        summary=Text("answers only after Enter: reading the keyboard blocks", "按下回车才应答：程序阻塞在读键盘上"),
        rationale=Text(
            "{actor} looks at the connection only after Enter is pressed at its keyboard: {seen}",
            "{actor} 只有在键盘上按下回车之后才去看连接：{seen}",
        ),
        hint=Text(
            "input() stops its thread until Enter. Receive and answer in a thread of its own, or let select() wait for "
            "the keyboard and the socket at once.",
            "input() 会让所在线程一直停到按下回车。请在独立的线程里接收并应答，或用 select() 同时等待键盘和套接字。",
        ),
        cause=True,
    ),
    Kind(
        "WL352",
        summary=Text(
            "one recv() is taken for one heartbeat: several messages came at once",
            "把一次 recv() 当成一个心跳：几条消息一起到达",
        ),
        rationale=Text(
            "{text} reached {actor} {how}; what came alone was answered: {alone}. So the result of one recv() seems to "
            "be taken for one heartbeat{where}",
            "{text} 到达 {actor} 时{how}；而单独到达的得到了应答：{alone}。看来程序把一次 recv() "
            "的结果当成了一个心跳{where}",
        ),
        hint=Text(
            "Comparing data == b'HEARTBEAT 1\\n' fails as soon as something else is in the same recv(). Collect bytes "
            "in a buffer and handle every whole line in it.",
            "只要同一次 recv() 里还有别的内容，data == b'HEARTBEAT 1\\n' 这样的比较就会失败。请把字节收进缓冲区，"
            "逐一处理其中每个完整的行。",
        ),
        cause=True,
    ),
    Kind(
        "WL353",
        summary=Text(
            "one recv() is taken for one heartbeat: it came in pieces", "把一次 recv() 当成一个心跳：它分几段到达"
        ),
        rationale=Text(
            "{text} reached {actor} {how}; what came whole was answered: {alone}. So the result of one recv() seems to "
            "be taken for one heartbeat{where}",
            "{text} 到达 {actor} 时{how}；而完整到达的得到了应答：{alone}。看来程序把一次 recv() "
            "的结果当成了一个心跳{where}",
        ),
        hint=Text(
            "Half a heartbeat is no fault of the network. Keep in a buffer what has no end yet, and go on when the rest "
            "has come.",
            "心跳只到了一半并不是网络出错。请把还没有结束标记的部分留在缓冲区里，等其余部分到达再处理。",
        ),
        cause=True,
    ),
    Kind(
        "WL354",
        summary=Text("the thread that answers had ended with an error", "负责应答的线程已经因错误结束"),
        rationale=Text(
            "{actor} printed the crash report below at {time} s and went on running; from then on it answered no "
            "heartbeat ({before} before)",
            "{actor} 在 {time} 秒输出了下面的崩溃信息，之后仍在运行，但再也没有应答心跳（此前应答了 {before} 个）",
        ),
        hint=Text(
            "An error that nobody catches ends its thread only; the others go on and nobody answers. Fix what the "
            "report's last lines name.",
            "没有捕获的错误只结束它所在的线程：其余线程照常运行，却没有人应答了。请修正最后几行指出的问题。",
        ),
        cause=True,
    ),
    Kind(
        "WL355",
        summary=Text(
            "it numbers its answers by itself instead of sending the number back",
            "应答的编号是自己编的，不是收到的编号",
        ),
        rationale=Text(
            "{actor} answered {text} (frame {frame}) with {answer} (frame {stray}). Heartbeats and what followed each: "
            "{pairs}",
            "{actor} 用 {answer}（第 {stray} 帧）应答 {text}（第 {frame} 帧）。各个心跳和随后的应答：{pairs}",
        ),
        hint=Text(
            "Read the number out of the heartbeat and put this number into the answer; keep no counter and write no "
            "number into the code.",
            "请从心跳中取出编号，原样放进应答；不要自己计数，也不要把编号写死在代码里。",
        ),
        cause=True,
    ),
    Kind(
        "WL356",
        summary=Text("what was sent in answer is no message of the protocol", "应答的写法不符合协议"),
        rationale=Text(
            "after {question} (frame {frame}) {actor} sent {text} (frame {stray}), which the protocol does not know; its "
            "answer is written {template}{end}",
            "{actor} 在 {question}（第 {frame} 帧）之后发送了 {text}（第 {stray} 帧），协议里没有这种消息；应答应写成 {template}{end}",
        ),
        hint=Text(
            "Compare letter by letter, and byte by byte in the capture: capitals, the sign between the words, the blank "
            "before the number, and what ends a message.",
            "请逐个字母比较，并在抓包里逐个字节比较：大小写、单词之间的符号、编号前的空格，以及消息的结尾。",
        ),
        cause=True,
    ),
    Kind(
        "WL451",
        summary=Text("one client that does not read holds up the broadcast", "一个不接收的客户端拖住了广播"),
        rationale=Text(
            "when the line was typed at {actor}'s keyboard, at {time} s, {slow} was not reading: its receive window had "
            "been closed since frame {frame}, at {since} s, and stayed so; the line never went to {client} either{where}",
            "{time} 秒在 {actor} 的键盘上输入这一行时，{slow} 没有在接收：从第 {frame} 帧（{since} 秒）起它的接收窗口"
            "一直为零；{client} 也始终没有收到这一行{where}",
        ),
        hint=Text(
            "sendall() waits for as long as the other side does not read. Give each client a queue and a thread of its "
            "own, or a time limit for sending, and never hold the list's lock while you send.",
            "对方不接收时 sendall() 会一直等待。请给每个客户端单独的队列和发送线程，或给发送设置超时；"
            "发送时不要一直占着列表的锁。",
        ),
        cause=True,
    ),
    Kind(
        "WL452",
        summary=Text("the server serves one client at a time", "服务器一次只服务一个客户端"),
        rationale=Text(
            "{client} connected in frame {frame} at {time} s, which the kernel does by itself; {actor} took no notice of "
            "it {until}, while it served {other}",
            "{client} 在第 {frame} 帧（{time} 秒）连上，这一步由内核自动完成；但{until}，{actor} 一直没有理会它，"
            "只在服务 {other}",
        ),
        hint=Text(
            "The loop around accept() must go back to accept() at once: start a thread for each client, and serve it "
            "there.",
            "accept() 的循环应当立刻回到 accept()：为每个客户端启动一个线程，在线程里服务它。",
        ),
        cause=True,
    ),
    Kind(
        "WL453",
        summary=Text("the broadcast broke off: sending failed halfway", "广播中断：发送到一半时出错"),
        rationale=Text(
            "{gone} had left in frame {frame} at {left} s; the line was typed at {typed} s, and at {time} s {actor} "
            "printed the crash report below: whoever came later in the list got nothing",
            "{gone} 已在第 {frame} 帧（{left} 秒）离开；{typed} 秒输入这一行，{time} 秒 {actor} "
            "输出了下面的崩溃信息：列表中排在后面的客户端什么也没有收到",
        ),
        hint=Text(
            "Sending to a client that has left raises an error. Catch it for each client by itself, take that client "
            "out of the list, and go on with the others; go through a copy of the list.",
            "向已经离开的客户端发送会出错。请对每个客户端分别捕获，把它从列表中去掉，再继续发给其余的；"
            "遍历时用列表的副本。",
        ),
        cause=True,
    ),
)
