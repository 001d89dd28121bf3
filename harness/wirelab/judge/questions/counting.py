"""Questions about a whole connection: how many bytes and segments each side sent."""

from __future__ import annotations

from collections.abc import Sequence

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Whole
from wirelab.judge.questions.asking import Asked, Field, Kind, choice
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import SIDE
from wirelab.judge.questions.written import numbered, slips, whole
from wirelab.judge.verdict import Said
from wirelab.observe.connections import Noted, Side

_NAMED = 12  # frames that are named one by one


def listed(segments: Sequence[Noted]) -> str:
    """The frames of some segments, the first few of them."""
    frames = ", ".join(str(one.segment.frame) for one in segments[:_NAMED])
    return f"{frames}, …" if len(segments) > _NAMED else frames or "–"


def _countable(facts: Facts) -> bool:
    """Whether each segment is plainly one with data or one without: no byte of a probe, nothing after the end."""
    return facts.calm and not any(
        one.segment.length and (one.segment.rst or one.notes & {"keep-alive", "after-close"}) for one in facts.segments
    )


def with_data(facts: Facts, side: Side) -> list[Noted]:
    return [one for one in facts.segments if one.sender == side and one.segment.length]


def _pure(facts: Facts, side: Side) -> list[Noted]:
    return [one for one in facts.segments if one.sender == side and not one.segment.span and not one.segment.rst]


def _bytes_of(facts: Facts, side: Side) -> Asked | None:
    fin, segments = facts.connection.fin(side), with_data(facts, side)
    total = sum(one.segment.length for one in segments)
    if fin is None or not total or not numbered(facts) or not _countable(facts):
        return None
    if fin.seq + fin.segment.length != total + 1:  # the capture lacks some
        return None
    other: Side = "server" if side == "client" else "client"
    values: dict[str, object] = {
        "side": SIDE[side],
        "fin": fin.segment.frame,
        "seq": fin.seq,
        "more": fin.segment.length,
        "total": total,
        "count": len(segments),
        "frames": listed(segments),
    }
    why = (
        Text(
            "the FIN in frame {fin} carries {more} bytes itself and begins at {seq}: with the SYN at 0, the data is numbered "
            "1 to {total}",
            "第 {fin} 帧的 FIN 自身携带 {more} 字节，序号从 {seq} 开始：SYN 占 0，数据的编号是 1 到 {total}",
        )
        if fin.segment.length
        else Text(
            "the FIN in frame {fin} has the relative number {seq}: the SYN took 0, so the data has 1 to {total}; the payloads of "
            "the {count} segments with data (frames {frames}) add up to the same",
            "第 {fin} 帧的 FIN 相对序号是 {seq}：SYN 占 0，所以数据是 1 到 {total}；{count} 个带数据的报文段（第 {frames} 帧）"
            "的数据长度加起来也是这么多",
        )
    )
    others = sum(one.segment.length for one in with_data(facts, other))
    return Asked(
        Said(
            Text(
                "How many bytes of payload did {side} send in the whole connection? Work it out from the relative sequence number of "
                "its FIN.",
                "{side}在整个连接中一共发送了多少字节的数据？请由它的 FIN 的相对序号推算。",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the relative sequence number of the segment with its FIN", "带 FIN 的报文段的相对序号")),
                Whole(
                    fin.seq,
                    slips(
                        fin.seq,
                        (
                            fin.segment.seq,
                            Said(
                                Text(
                                    "this is the raw number; the relative one is asked for",
                                    "这是原始值；这里要填相对值",
                                )
                            ),
                        ),
                        (fin.ack or 0, Said(Text("this is its acknowledgment number", "这是它的确认号"))),
                    ),
                ),
                Said(why, values),
                (fin.segment.frame,),
            ),
            Field(
                Said(Text("bytes of payload in the whole connection", "整个连接的数据总量（字节）")),
                Whole(
                    total,
                    slips(
                        total,
                        (
                            total + 1,
                            Said(
                                Text("the SYN takes one sequence number, and is no data", "SYN 占一个序号，它不是数据")
                            ),
                        ),
                        (
                            total + 2,
                            Said(
                                Text(
                                    "SYN and FIN take one sequence number each, and are no data",
                                    "SYN 和 FIN 各占一个序号，它们不是数据",
                                )
                            ),
                        ),
                        (others, Said(Text("this is what the other side sent", "这是另一方发送的数据量"))),
                    ),
                ),
                Said(why, values),
                (fin.segment.frame,),
            ),
        ),
    )


def _bytes_of_client(facts: Facts, lot: Lot) -> Asked | None:
    return _bytes_of(facts, "client")


def _bytes_of_server(facts: Facts, lot: Lot) -> Asked | None:
    return _bytes_of(facts, "server")


def _segments(facts: Facts, lot: Lot) -> Asked | None:
    segments, messages = with_data(facts, "client"), facts.said("client", proper=False)
    # Without framing nobody can tell how many messages there are; a line that is none may be counted or not.
    if facts.profile.framing.kind == "none" or len(messages) != len(facts.said("client")) or not segments:
        return None
    if not whole(facts) or not _countable(facts) or not numbered(facts):
        return None
    same = len(segments) == len(messages)
    values: dict[str, object] = {"count": len(segments), "messages": len(messages), "frames": listed(segments)}
    stream = Bilingual(
        "TCP carries a stream of bytes: one segment may hold several messages, or a part of one",
        "TCP 传送的是字节流：一个报文段可以装多条消息，也可以只装一条消息的一部分",
    )
    begins = (
        Bilingual("equal here, but need not be", "这里相等，但不必总相等") if same else Bilingual("not equal", "不相等")
    )
    always = Bilingual("equal, and always so", "相等，而且总是相等") if same else Bilingual("not equal", "不相等")
    reasons = [
        (begins, stream),
        (always, Bilingual("TCP keeps the boundaries of messages", "TCP 保留消息的边界")),
        (
            always,
            Bilingual(
                "TCP gives each call of send() exactly one segment, and numbers it",
                "TCP 为每次 send() 调用恰好发一个报文段并编号",
            ),
        ),
        (begins, Bilingual("pure acknowledgments carry messages as well", "纯确认报文段里也带有消息")),
    ]
    options = [Bilingual(f"{first.en}: {then.en}", f"{first.zh}：{then.zh}") for first, then in lot.shuffled(reasons)]
    right = Bilingual(f"{begins.en}: {stream.en}", f"{begins.zh}：{stream.zh}")
    why = Said(
        Text(
            "{count} segments of the client carry data (frames {frames}), with {messages} messages in them, answers to heartbeats "
            "among them; filter `tcp.srcport == {port} && tcp.len > 0`",
            "客户端有 {count} 个报文段带数据（第 {frames} 帧），其中共有 {messages} 条消息，心跳应答也算；"
            "过滤器 `tcp.srcport == {port} && tcp.len > 0`",
        ),
        {**values, "port": facts.connection.client.port},
    )
    every = sum(one.sender == "client" for one in facts.segments)
    frames = tuple(one.segment.frame for one in segments)
    unasked = len(facts.typed("client"))
    return Asked(
        Said(
            Text(
                "How many segments of the client carried data, and how many messages of any kind did it send in them? Are the two "
                "numbers equal, and must they be?",
                "客户端有多少个报文段携带数据？其中一共发送了多少条消息（不论种类）？这两个数相等吗？必须相等吗？",
            )
        ),
        (
            Field(
                Said(Text("segments of the client with data", "客户端带数据的报文段数")),
                Whole(
                    len(segments),
                    slips(
                        len(segments),
                        (
                            every,
                            Said(Text("this counts segments without data as well", "这把不带数据的报文段也算进去了")),
                        ),
                    ),
                ),
                why,
                frames,
            ),
            Field(
                Said(Text("messages that the client sent", "客户端发送的消息数")),
                Whole(
                    len(messages),
                    slips(
                        len(messages),
                        (unasked, Said(Text("answers to heartbeats are messages as well", "心跳应答也是消息"))),
                        (
                            len(segments),
                            Said(Text("these are the segments; look into them", "这是报文段数；请看看里面的内容")),
                        ),
                    ),
                ),
                why,
                frames,
            ),
            choice(
                Said(Text("whether they are equal, and why", "是否相等，为什么")),
                options,
                options.index(right),
                why,
                frames,
            ),
        ),
    )


def _pure_acks(facts: Facts, lot: Lot) -> Asked | None:
    found: dict[Side, list[Noted]] = {side: _pure(facts, side) for side in ("client", "server")}
    if not _countable(facts) or not found["client"] + found["server"]:
        return None
    third = facts.connection.handshake.ack
    asked = []
    for side, prompt in (
        ("client", Text("pure acknowledgments of the client", "客户端的纯确认报文段数")),
        ("server", Text("pure acknowledgments of the server", "服务器的纯确认报文段数")),
    ):
        mine = found["client" if side == "client" else "server"]
        with_ack = sum(one.sender == side and one.segment.has_ack for one in facts.segments)
        wrong = [
            (
                with_ack,
                Said(
                    Text(
                        "these are all segments with the flag ACK, data or not",
                        "这是所有设置了 ACK 的报文段，不论有无数据",
                    )
                ),
            )
        ]
        if third is not None and third in mine:
            said = Text(
                "the third segment of the handshake (frame {frame}) is a pure acknowledgment as well",
                "三次握手的第三个报文段（第 {frame} 帧）也是纯确认",
            )
            wrong.append((len(mine) - 1, Said(said, {"frame": third.segment.frame})))
        why = Said(
            Text(
                "{count}: frames {frames}; filter `tcp.srcport == {port} && tcp.len == 0 && tcp.flags.syn == 0 && tcp.flags.fin "
                "== 0 && tcp.flags.reset == 0`",
                "{count} 个：第 {frames} 帧；过滤器 `tcp.srcport == {port} && tcp.len == 0 && tcp.flags.syn == 0 && tcp.flags.fin "
                "== 0 && tcp.flags.reset == 0`",
            ),
            {
                "count": len(mine),
                "frames": listed(mine),
                "port": (facts.connection.client if side == "client" else facts.connection.server).port,
            },
        )
        asked.append(
            Field(
                Said(prompt),
                Whole(len(mine), slips(len(mine), *wrong)),
                why,
                tuple(one.segment.frame for one in mine),
            )
        )
    return Asked(
        Said(
            Text(
                "How many segments of each side carried nothing but an acknowledgment: no data, and none of the flags SYN, FIN and "
                "RST?",
                "双方各有多少个报文段只携带确认：没有数据，也没有设置 SYN、FIN、RST？",
            )
        ),
        tuple(asked),
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "bytes-of-client",
        Text("How much the client sent", "客户端发送了多少数据"),
        Text(
            "The client's bytes of payload in the whole connection, by its FIN.",
            "由 FIN 推算客户端在整个连接中发送的数据量。",
        ),
        Text(
            "a connection from SYN to FIN in which the client sends data",
            "从 SYN 到 FIN 的完整连接，其中客户端发送了数据",
        ),
        _bytes_of_client,
    ),
    Kind(
        "bytes-of-server",
        Text("How much the server sent", "服务器发送了多少数据"),
        Text(
            "The server's bytes of payload in the whole connection, by its FIN.",
            "由 FIN 推算服务器在整个连接中发送的数据量。",
        ),
        Text(
            "a connection from SYN to FIN in which the server sends data",
            "从 SYN 到 FIN 的完整连接，其中服务器发送了数据",
        ),
        _bytes_of_server,
    ),
    Kind(
        "segments-with-data",
        Text("Segments and messages", "报文段与消息"),
        Text(
            "How many segments of the client carried data, how many messages it sent, and whether that must be the same.",
            "客户端有多少个报文段带数据、发送了多少条消息，两者是否必须相等。",
        ),
        Text(
            "a whole connection in which every message of the client is one that the protocol knows",
            "一个完整的连接，其中客户端的每条消息都符合协议",
        ),
        _segments,
    ),
    Kind(
        "pure-acks",
        Text("Pure acknowledgments", "纯确认报文段"),
        Text(
            "How many segments of each side carried neither data nor SYN, FIN or RST.",
            "双方各有多少个既没有数据也没有 SYN、FIN、RST 的报文段。",
        ),
        Text("segments that only acknowledge, with nothing sent twice", "只起确认作用的报文段，并且没有重传"),
        _pure_acks,
    ),
)
