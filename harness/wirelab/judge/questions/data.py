"""Questions about typed messages on the wire: the frames that carry them, their bytes, their numbers, their ACKs."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Answer, Whole, Words
from wirelab.judge.questions.asking import Asked, Field, Kind, choice
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import RAW, SIDE
from wirelab.judge.questions.written import Written, acknowledging, drawn, numbered, slips, values_of
from wirelab.judge.verdict import Said

_FRAME = Text("its frame number", "帧号")
_NEEDS = Text(
    "a message that its sender sent once only, whole in a segment of its own, with nothing sent twice",
    "一条只发送过一次的消息，完整地单独放在一个报文段里，并且没有重传",
)
_TEXT_ONLY = Text(
    "this adds the bytes of the text alone; all of the payload counts", "这只加了文字本身的字节数；应加上全部数据的长度"
)
_CHARACTERS = Text(
    "this counts characters; in {encoding} they take {size} bytes", "这是字符数；在 {encoding} 中它们占 {size} 个字节"
)


def _around(facts: Facts, one: Written) -> Bilingual | None:
    """What the protocol sends with the text of a message, in words; None for nothing."""
    en, zh = f"“{one.head}”", f"“{one.head}”"
    match facts.profile.framing.kind:
        case "line" if one.head:
            return Bilingual(f"{en} stands before the text and a line end after it", f"文字前面有 {zh}，后面有换行符")
        case "length-prefix" if one.head:
            return Bilingual(f"a length field and {en} stand before the text", f"文字前面有长度字段和 {zh}")
        case "length-prefix":
            return Bilingual("a length field stands before the text", "文字前面有长度字段")
        case _ if one.total > one.size:
            return Bilingual("a line end is sent with the text", "换行符与文字一起发送")
    return None


def _bytes(facts: Facts, lot: Lot) -> Asked | None:
    one = drawn(facts, lot)
    if one is None or one.total <= len(one.text):
        return None
    values, segment = values_of(facts, one), one.noted.segment
    reasons = [reason for reason in (_around(facts, one),) if reason is not None]
    if one.size > len(one.text):
        name = values["encoding"]
        reasons.append(
            Bilingual(f"some characters take more than one byte in {name}", f"有些字符在 {name} 中不止占一个字节")
        )
    right = Bilingual("; ".join(reason.en for reason in reasons), "；".join(reason.zh for reason in reasons))
    options = lot.shuffled(
        [
            right,
            Bilingual("TCP sends its own header as a part of the payload", "TCP 把自己的首部也作为数据的一部分发送"),
            Bilingual("TCP fills each segment up to a multiple of four bytes", "TCP 把每个报文段补足到四字节的整数倍"),
            Bilingual("TCP sends the sequence number along with the text", "TCP 把序号和文字一起放进数据部分发送"),
        ]
    )
    why = Said(
        Text(
            "frame {frame} has {total} bytes of payload (`tcp.len`): {size} of text in {encoding}, and {extra} that the "
            "protocol adds",
            "第 {frame} 帧有 {total} 字节数据（`tcp.len`）：文字按 {encoding} 编码占 {size} 字节，协议另加 {extra} 字节",
        ),
        values,
    )
    characters = Said(_CHARACTERS, values)
    headers = Said(
        Text(
            "this counts headers as well; the payload is what stands behind the TCP header (`tcp.len`)",
            "这把首部也算进去了；数据部分是 TCP 首部之后的内容（`tcp.len`）",
        )
    )
    tcp = 20 + len(segment.options)
    network = 40 if ":" in segment.src.host else 20
    with_headers = [(one.total + more, headers) for more in (tcp, tcp + network, tcp + network + 14)]
    text_only = Said(
        Text("this is the text alone; the protocol sends more with it", "这只是文字本身；协议还发送了别的内容")
    )
    return Asked(
        Said(
            Text(
                "Find the frame in which {side} sends the text `{text}`. How many bytes of payload does it carry, how many of them "
                "are the text itself, and why are they more than the characters typed?",
                "请找到{side}发送文字 `{text}` 的那一帧。它携带多少字节的数据？其中文字本身占多少字节？为什么比输入的字符数多？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("bytes of payload in the frame", "该帧的数据长度（字节）")),
                Whole(
                    one.total,
                    slips(one.total, (one.size, text_only), (len(one.text), characters), *with_headers),
                ),
                why,
                (segment.frame,),
            ),
            Field(
                Said(Text("bytes of the text itself, in {encoding}", "文字本身的字节数（{encoding} 编码）"), values),
                Whole(
                    one.size,
                    slips(
                        one.size,
                        (len(one.text), characters),
                        (
                            one.total,
                            Said(Text("this is the whole payload of the frame", "这是该帧全部数据的长度")),
                        ),
                    ),
                ),
                why,
                (segment.frame,),
            ),
            choice(
                Said(Text("why more than the characters typed", "为什么比输入的字符数多")),
                options,
                options.index(right),
                why,
                (segment.frame,),
            ),
        ),
    )


def _frame(facts: Facts, lot: Lot) -> Asked | None:
    one = drawn(facts, lot, apart=False)
    if one is None:
        return None
    values, segment = values_of(facts, one), one.noted.segment
    why = Said(
        Text(
            "frame {frame} carries it, from port {port}; in Wireshark look for it with Ctrl-F, String, Packet bytes",
            "第 {frame} 帧携带它，来自端口 {port}；在 Wireshark 中可用 Ctrl-F 选“字符串”“分组字节流”查找",
        ),
        {**values, "port": segment.src.port},
    )
    answer = acknowledging(facts, one.noted.sender, one.message.end) if numbered(facts) else None
    wrong = []
    if answer is not None:
        said = Said(
            Text("this frame acknowledges it; its text went before", "这一帧是对它的确认；文字在这之前就发送了")
        )
        wrong.append((answer.segment.frame, said))
    port = Said(Text("this is the port it goes to", "这是目的端口"))
    return Asked(
        Said(
            Text(
                "In which frame does {side} send the text `{text}`, and from which port?",
                "{side}在哪一帧发送了文字 `{text}`？从哪个端口发出？",
            ),
            values,
        ),
        (
            Field(Said(_FRAME), Whole(segment.frame, slips(segment.frame, *wrong)), why, (segment.frame,)),
            Field(
                Said(Text("its source port", "源端口")),
                Whole(segment.src.port, slips(segment.src.port, (segment.dst.port, port))),
                why,
                (segment.frame,),
            ),
        ),
    )


def _sequence(facts: Facts, lot: Lot) -> Asked | None:
    one = drawn(facts, lot) if numbered(facts) else None
    if one is None:
        return None
    values, segment = values_of(facts, one), one.noted.segment
    seq, following = one.noted.seq, one.noted.seq + segment.length
    why = Said(
        Text(
            "frame {frame} has the relative sequence number {seq} and {length} bytes of payload; the next byte has "
            "{seq} + {length} = {next}",
            "第 {frame} 帧的相对序号是 {seq}，数据长 {length} 字节；下一个字节的序号是 {seq} + {length} = {next}",
        ),
        values,
    )
    raw = RAW
    ack = Said(Text("this is its acknowledgment number, about the other direction", "这是它的确认号，属于另一个方向"))
    counted = Said(
        Text(
            "sequence numbers count bytes, not segments: add the payload's length",
            "序号按字节计，不按报文段计：要加上数据长度",
        )
    )
    return Asked(
        Said(
            Text(
                "Which relative sequence number has the segment in which {side} sends the text `{text}`, and which one does the "
                "next byte after it have?",
                "{side}发送文字 `{text}` 的报文段，相对序号是多少？它之后的下一个字节的相对序号是多少？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("its relative sequence number", "它的相对序号")),
                Whole(seq, slips(seq, (segment.seq, raw), (one.noted.ack or 0, ack))),
                why,
                (segment.frame,),
            ),
            Field(
                Said(Text("the relative number of the next byte", "下一个字节的相对序号")),
                Whole(
                    following,
                    slips(
                        following,
                        (segment.end, raw),
                        (seq + 1, counted),
                        (following - 1, Said(Text("this is the last byte's own number", "这是最后一个字节自己的序号"))),
                        (seq + one.size, Said(_TEXT_ONLY)),
                    ),
                ),
                why,
                (segment.frame,),
            ),
        ),
    )


def _acknowledged(facts: Facts, lot: Lot) -> Asked | None:
    one = drawn(facts, lot) if numbered(facts) else None
    answer = None if one is None else acknowledging(facts, one.noted.sender, one.message.end)
    if one is None or answer is None or answer.ack is None or answer.segment.frame < one.noted.segment.frame:
        return None
    mine, number = one.noted.segment, answer.segment.frame
    values = {**values_of(facts, one), "answer": number, "ack": answer.ack}
    why = Said(
        Text(
            "the text is in frame {frame}, its bytes end before number {next}; frame {answer} is the first from {other} to "
            "acknowledge that far, with {ack}",
            "文字在第 {frame} 帧，它的字节到序号 {next} 之前为止；{other}发出的报文段中，第 {answer} 帧最先确认到这里，"
            "确认号 {ack}",
        ),
        values,
    )
    frames = (mine.frame, number)
    return Asked(
        Said(
            Text(
                "{side} sends the text `{text}`. Which frame is the first to acknowledge all of it, and with which relative "
                "acknowledgment number?",
                "{side}发送了文字 `{text}`。最先确认全部这些字节的是哪一帧？它的相对确认号是多少？",
            ),
            {**values, "side": Bilingual(SIDE[one.noted.sender].en.capitalize(), SIDE[one.noted.sender].zh)},
        ),
        (
            Field(
                Said(Text("the frame that acknowledges it", "确认它的帧号")),
                Whole(
                    number,
                    slips(
                        number,
                        (mine.frame, Said(Text("this frame carries the text itself", "这一帧携带的是文字本身"))),
                    ),
                ),
                why,
                frames,
            ),
            Field(
                Said(Text("its relative acknowledgment number", "它的相对确认号")),
                Whole(
                    answer.ack,
                    slips(
                        answer.ack,
                        (answer.segment.ack, RAW),
                        (
                            one.noted.seq,
                            Said(
                                Text(
                                    "this is the first byte's number; an ACK names the next byte expected",
                                    "这是第一个字节的序号；确认号是期望收到的下一个字节",
                                )
                            ),
                        ),
                        (
                            answer.ack - 1,
                            Said(
                                Text(
                                    "this is the last byte that arrived; an ACK names the next one expected",
                                    "这是已收到的最后一个字节；确认号是期望收到的下一个字节",
                                )
                            ),
                        ),
                        (
                            answer.seq,
                            Said(Text("this is that frame's own sequence number", "这是那一帧自己的序号")),
                        ),
                    ),
                ),
                why,
                frames,
            ),
        ),
    )


def _dump(data: bytes) -> str:
    """Bytes as Wireshark's bytes pane has them, without the column of characters: that would be the answer."""
    rows = (data[at : at + 16] for at in range(0, len(data), 16))
    return "\n".join(
        f"{at * 16:04x}   {row[:8].hex(' ')}{'   ' if len(row) > 8 else ''}{row[8:].hex(' ')}"
        for at, row in enumerate(rows)
    )


def _ending(facts: Facts, one: Written) -> tuple[Text, Answer, Text] | None:
    """What of the framing is to be read in the bytes: a prompt, the answer and why; None without framing."""
    framing = facts.profile.framing
    if framing.kind == "line":
        spelled = ["0a", "0x0a", "x0a", "\\x0a", "0ah", "a", "0xa", "lf", "\\n"]
        spelled += [
            f"{hexed}{between}{name}"
            for hexed in ("0a", "0x0a")
            for name in ("(lf)", "(\\n)", "lf", "换行", "换行符", "(换行)", "(换行符)")
            for between in ("", " ")
        ]
        spelled += [
            f"{name}{between}{hexed}"
            for name in ("换行符", "换行", "lf")
            for hexed in ("0a", "0x0a", "(0a)")
            for between in ("", " ", ", ")
        ]
        if one.total - len(one.message.raw) == 2:
            spelled += ["0d 0a", "0d0a", "0x0d 0x0a", "0x0d0a", "0d, 0a"]
        return (
            Text("the byte that ends the message, in hexadecimal", "结束这条消息的那个字节（十六进制）"),
            Words(tuple(spelled)),
            Text(
                "the last byte is 0a, LF: it ends a line, and so the message",
                "最后一个字节是 0a，即换行符 LF：它结束一行，也就结束了消息",
            ),
        )
    if framing.kind == "length-prefix":
        body = len(one.message.raw)
        itself = Said(Text("the length does not count its own field", "这个长度不包括长度字段本身"))
        return (
            Text("the number in the length field before the message, in decimal", "消息前面长度字段的值（十进制）"),
            Whole(body, slips(body, (one.total, itself))),
            Text("the length field says how many bytes follow it", "长度字段说明它后面有多少个字节"),
        )
    return None


def _from_hex(facts: Facts, lot: Lot) -> Asked | None:
    one = drawn(facts, lot)
    if one is None:
        return None
    values, segment = values_of(facts, one), one.noted.segment
    text = Field(
        Said(Text("the text that was typed", "输入的文字")),
        Words((one.text, one.message.text.strip())),
        Said(
            Text(
                "these are the bytes of frame {frame}; read in {encoding} they say `{text}`",
                "这是第 {frame} 帧的数据；按 {encoding} 解码就是 `{text}`",
            ),
            values,
        ),
        (segment.frame,),
    )
    ending = _ending(facts, one)
    fields = (text,) if ending is None else (text, Field(Said(ending[0]), ending[1], Said(ending[2]), (segment.frame,)))
    return Asked(
        Said(
            Text(
                "These are the bytes of one segment's payload in your capture, sent by {side}, in hexadecimal. Which text did {side} "
                "send in it?",
                "下面是抓包中{side}发送的某个报文段的数据部分（十六进制）。{side}在其中发送了什么文字？",
            ),
            values,
        ),
        fields,
        _dump(segment.payload),
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "message-bytes",
        Text("How many bytes a message takes", "一条消息占多少字节"),
        Text(
            "The payload of the frame with a certain text: its length, the bytes of the text, why it is more.",
            "携带某段文字的帧：数据长度、文字本身的字节数，以及为什么更多。",
        ),
        Text(
            "a message that takes more bytes than the characters typed, alone in a segment",
            "一条比输入的字符数占更多字节的消息，单独放在一个报文段里",
        ),
        _bytes,
    ),
    Kind(
        "message-frame",
        Text("The frame that carries a message", "携带某条消息的帧"),
        Text("The frame in which a certain text was sent, and its source port.", "发送某段文字的帧，以及它的源端口。"),
        Text(
            "a message that its sender sent once only, whole in one segment",
            "一条只发送过一次、完整地放在一个报文段里的消息",
        ),
        _frame,
    ),
    Kind(
        "message-sequence",
        Text("The sequence number of a message", "一条消息的序号"),
        Text(
            "The relative sequence number of a message's segment, and of the byte after it.",
            "一条消息所在报文段的相对序号，以及它之后一个字节的相对序号。",
        ),
        _NEEDS,
        _sequence,
    ),
    Kind(
        "message-acknowledged",
        Text("What acknowledges a message", "一条消息由谁确认"),
        Text(
            "The first frame to acknowledge a message, and its relative acknowledgment number.",
            "最先确认某条消息的帧，以及它的相对确认号。",
        ),
        _NEEDS,
        _acknowledged,
    ),
    Kind(
        "message-from-hex",
        Text("Reading a message in hexadecimal", "从十六进制读出消息"),
        Text("The text in a segment's payload, given in hexadecimal.", "根据十六进制的数据部分写出文字。"),
        _NEEDS,
        _from_hex,
    ),
)
