"""Findings about messages and their framing (WL2xx), broadcasts and locking (WL4xx).

Sentences only; what makes a finding is decided in the checks.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL201",
        summary=Text("a message is missing on the wire", "报文中缺少一条消息"),
        rationale=Text(
            "expected {actor} to send {text}; it never crossed the wire. Sent were: {sent}",
            "应看到 {actor} 发送 {text}，但线路上没有出现。实际发送：{sent}",
        ),
        hint=Text(
            "Was the line sent before the program quit? Was all of it sent: use sendall(), not send()?",
            "退出之前这一行发送了吗？是否完整发送：用 sendall() 而不是 send()？",
        ),
    ),
    Kind(
        "WL202",
        summary=Text("a message was sent that nobody typed", "发送了没有输入过的消息"),
        rationale=Text(
            "{actor} sent {text}, which was not typed as a message or was sent before",
            "{actor} 发送了 {text}，它不是作为消息输入的，或已经发送过",
        ),
        hint=Text(
            "Does a line go out twice, or does a quit word or a prompt get sent as a message?",
            "是否把一行发送了两次，或把退出命令、提示符当作消息发送了？",
        ),
    ),
    Kind(
        "WL203",
        summary=Text("a message has no end", "消息没有结束标记"),
        rationale=Text(
            "expected every message of {actor} to be a whole frame; {text} has no end: the next one is glued to it, or the "
            "stream ends there",
            "{actor} 的每条消息都应是完整的一帧；{text} 没有结束标记：下一条消息粘在它后面，或流到此为止",
        ),
        hint=Text(
            "TCP is a byte stream without message boundaries. In a protocol of lines, end each message with LF (\\n); "
            "where each begins with its length, send as many bytes as that says.",
            "TCP 是没有消息边界的字节流。按行分帧的协议，每条消息要以换行符（\\n）结束；以长度开头的协议，长度是多少就要发送多少字节。",
        ),
    ),
    Kind(
        "WL204",
        summary=Text("messages arrived in another order", "消息顺序不对"),
        rationale=Text(
            "expected {actor} to send {expected}; sent were, in this order: {sent}",
            "{actor} 应依次发送 {expected}；实际顺序：{sent}",
        ),
        hint=Text(
            "TCP keeps the order of one connection: if it changed, two threads wrote without a common order (a "
            "queue keeps it).",
            "TCP 保证单个连接内的顺序；顺序变了，说明两个线程写入时没有统一的次序（可用队列）。",
        ),
    ),
    Kind(
        "WL205",
        summary=Text("a message is not in the protocol's encoding", "消息的编码与协议规定的不符"),
        rationale=Text(
            "{actor} sent bytes that are not {encoding}: {raw}{guess}",
            "{actor} 发送的字节不是 {encoding}：{raw}{guess}",
        ),
        hint=Text(
            "Encode explicitly, in the encoding that the protocol names: text.encode('utf-8'), say; decode the keyboard's "
            "input with the terminal's encoding.",
            "请按协议规定的编码显式编码，例如 text.encode('utf-8')；读键盘时按终端的编码解码。",
        ),
    ),
    Kind(
        "WL206",
        summary=Text("a line does not follow the protocol", "有一行不符合协议"),
        rationale=Text(
            "{actor} sent {text}, which is none of the protocol's messages: {known}",
            "{actor} 发送了 {text}，它不是协议规定的消息：{known}",
        ),
        hint=Text(
            "Compare the line with the protocol table in the handout: the words, the space, the number.",
            "请与讲义中的协议表对照：单词、空格、数字。",
        ),
    ),
    Kind(
        "WL207",
        summary=Text("the scripted peer waited in vain", "脚本扮演的一方没有等到该收到的内容"),
        rationale=Text(
            "expected the program to send {wanted} to {actor} within {within} s; it did not come",
            "程序应在 {within} 秒内向 {actor} 发送 {wanted}，但没有等到",
        ),
        hint=Text(
            "Look at the ladder from the last frame the peer sent on: what did the program answer?",
            "请从对端最后发送的一帧开始看时序图：程序回答了什么？",
        ),
    ),
    Kind(
        "WL208",
        summary=Text("a message is longer than the protocol allows", "消息超过协议允许的长度"),
        rationale=Text(
            "expected every message of {actor} to take at most {limit} bytes; the one that begins {text} takes more{length}",
            "{actor} 的每条消息最多 {limit} 字节；以 {text} 开头的这条超出了{length}",
        ),
        hint=Text(
            "The limit counts bytes, not characters, and the end mark or the length too: a Chinese character takes three "
            "bytes in UTF-8. Where each message begins with its length: is it there, and in as many bytes, in that order?",
            "上限按字节计算（含结束标记或长度），不是按字符：一个汉字在 UTF-8 中占三个字节。以长度开头的协议：是否发送了长度，字节数和字节序对吗？",
        ),
    ),
    Kind(
        "WL209",
        summary=Text("a message differs from what was typed", "消息与输入的内容不一致"),
        rationale=Text(
            "expected {actor} to send {text}; it sent {sent}",
            "{actor} 应发送 {text}；实际发送 {sent}",
        ),
        hint=Text(
            "Look at what differs: a space or a zero byte too many, a letter lost at the end, or another text glued to it.",
            "看看差别在哪里：多了空格或零字节，末尾少了字符，还是粘上了别的内容。",
        ),
    ),
    Kind(
        "WL401",
        summary=Text("a broadcast did not reach a client", "广播没有到达客户端"),
        rationale=Text(
            "expected the broadcast '{text}' on the connection of {actor}; it never came",
            "{actor} 的连接上应出现广播“{text}”，但没有",
        ),
        hint=Text(
            "Is every connected client in the list that the broadcast goes through? Does a slow client hold up "
            "the others?",
            "广播遍历的列表里有全部在线客户端吗？某个慢客户端是否拖住了其他人？",
        ),
    ),
    Kind(
        "WL402",
        summary=Text("a broadcast came more than once", "广播重复到达"),
        rationale=Text(
            "expected the broadcast '{text}' once on the connection of {actor}; it came {count} times",
            "{actor} 的连接上广播“{text}”应出现一次，实际 {count} 次",
        ),
        hint=Text(
            "Is a client in the list twice, or do two threads send the same line?",
            "客户端是否在列表中出现了两次，或两个线程发送了同一行？",
        ),
    ),
    Kind(
        "WL403",
        summary=Text("a broadcast reached somebody it should not", "广播发给了不该收到的人"),
        rationale=Text(
            "{actor} was not meant to get the broadcast '{text}', but it came (frame {frame})",
            "{actor} 不应收到广播“{text}”，但收到了（第 {frame} 帧）",
        ),
        hint=Text(
            "Only clients that are connected when the line is typed get it.",
            "只有输入该行时在线的客户端才应收到。",
        ),
    ),
)
