"""The notation of traces at a glance, as Markdown: written from the words and limits of what reads it.

What cannot be derived is what a word means: for that there is a text for each, and none is forgotten, because a field or
a variation without one is a KeyError, and a test looks for every other word of the notation.
"""

from __future__ import annotations

from collections.abc import Iterator

from wirelab.base.texts import Language, Text, register, say
from wirelab.declare.trace import Variation
from wirelab.declare.trace_line import ANY, CLAUSES, DATA, FIELDS, FLAGS, MEMBER, NONE
from wirelab.declare.trace_reader import GAP, MAX_COLUMNS, MAX_DEPTH, MAX_LINES
from wirelab.declare.trace_words import ESCAPES, LARGEST, LONGEST, UNITS

_MESSAGE, _WITHIN, _AFTER, _AS = CLAUSES
NOTATION = {
    "segment": ("alice > server SYN,ACK",),
    "data": (DATA, f"PSH,{DATA}"),
    "any-flags": (ANY, NONE),
    "fields": tuple(f"{field}=" for field in FIELDS),
    "number": ("100", "3_911_204_771", "0x64"),
    "symbol": ("x", "x+1", "x-1", "x+n+1"),
    "any-value": (f"seq={ANY}",),
    "payload": (r'"MSG hi\n"',),
    "message": (
        f"{_MESSAGE} heartbeat n=1",
        f'{_MESSAGE} message text="half a line"',
        f"{_MESSAGE} note {MEMBER}seq=1",
    ),
    "label": (f"{_AS} beat",),
    "bounds": (f"{_WITHIN} 200ms", f"{_AFTER} 1s of beat"),
    "gap": (GAP,),
    "either": ("either", "or", "nothing", "end"),
    "any-order": ("any order", "in order", "end"),
    "strict": ("strict", f"strict {Variation.PIGGYBACK}, {Variation.WINDOW}"),
    "comment": ("# text",),
}
"""What may be written, by what it is called here; words of a block stand one by one."""

register(
    {
        "trace-notation.head": Text("| written | means |", "| 写法 | 含义 |"),
        "trace-notation.segment": Text(
            "a segment: sender, receiver, flags (`{flags}`, joined by commas without blanks)",
            "一个报文段：发送方、接收方、标志（`{flags}`，用逗号连接，不加空格）",
        ),
        "trace-notation.data": Text(
            "it carries data; a payload or a message says as much, so that flags may then be left out",
            "带有数据；写了负载或消息就等于写了它，这时标志可以省略",
        ),
        "trace-notation.any-flags": Text(
            "whatever the flags; no SYN, FIN or RST, whatever the others", "任意标志；没有 SYN、FIN、RST，其他标志任意"
        ),
        "trace-notation.fields": Text("{fields}", "{fields}"),
        "trace-notation.field.seq": Text("sequence number", "序号"),
        "trace-notation.field.ack": Text("acknowledgment number", "确认号"),
        "trace-notation.field.win": Text("window field (not scaled)", "窗口字段（未按窗口扩大因子换算）"),
        "trace-notation.field.len": Text("bytes of data", "数据字节数"),
        "trace-notation.number": Text(
            "a number, at most {largest}, of `win` {window}", "数字，最大 {largest}，`win` 最大 {window}"
        ),
        "trace-notation.symbol": Text(
            "a symbol, or a sum: at its first use it takes its number from the segment, from then on it must agree "
            "(modulo 2³²)",
            "符号，或它们的和：符号第一次出现时取报文段中的值，以后必须一致（模 2³²）",
        ),
        "trace-notation.any-value": Text("any number: the same as not to write it", "任意值，与不写相同"),
        "trace-notation.payload": Text(
            "these bytes occur in the data; text in UTF-8, with {escapes} and `\\xNN`",
            "数据中出现这些字节；UTF-8 文本，可用 {escapes} 和 `\\xNN`",
        ),
        "trace-notation.message": Text(
            'a message as the protocol profile reads it, with some of its groups; a value with a blank or one of `= > # "` '
            "in it stands in quotes, and a group that is called like a field has `{member}` before it",
            '按协议描述解出的一条消息及其部分分组；值中有空格或 `= > # "` 时加引号，与字段同名的分组前面写 `{member}`',
        ),
        "trace-notation.label": Text("gives the line a name", "给这一行命名"),
        "trace-notation.bounds": Text(
            "at most, at least so long after the line before; `of NAME`: after that line. Units: {units}; at most {hours} hours",
            "距上一行至多、至少这么久；加 `of 名字` 则从那一行算起。单位：{units}；不超过 {hours} 小时",
        ),
        "trace-notation.gap": Text(
            "any run of segments that neither opens nor closes the connection (no SYN, FIN or RST), or none",
            "任意多个（也可以没有）既不建立也不关闭连接的报文段（没有 SYN、FIN、RST）",
        ),
        "trace-notation.either": Text(
            "one of the branches; `nothing` is an empty one", "各分支之一；空分支写 `nothing`"
        ),
        "trace-notation.any-order": Text(
            "all of the lines, in whatever order; `in order` … `end` inside makes one unit of several lines",
            "其中各行都要出现，顺序任意；里面的 `in order` … `end` 把几行合成一个单元",
        ),
        "trace-notation.strict": Text(
            "before the first line: no legal variation, or none of these",
            "写在第一行之前：不允许任何变化，或不允许这几种变化",
        ),
        "trace-notation.comment": Text("a comment, to the end of the line", "注释，直到行尾"),
        "trace-notation.limits": Text(
            "Blank lines and indentation mean nothing. Symbols and names are made of letters (of any language), digits and "
            "`_`. A trace has at most {lines} lines of at most {columns} characters; blocks are nested at most {depth} deep.",
            "空行和缩进没有意义。符号和名字由字母（任何语言的文字）、数字和 `_` 组成。一个序列最多 {lines} 行，每行最多 {columns} "
            "个字符；块最多嵌套 {depth} 层。",
        ),
        "trace-notation.variations": Text(
            "What TCP may do otherwise, and `strict` forbids:", "TCP 允许的变化，可以用 `strict` 禁止："
        ),
        "trace-notation.variations-head": Text("| name | what it is |", "| 名称 | 含义 |"),
        "trace-notation.piggyback": Text(
            "an ACK rides on a FIN or on data, so that one segment stands for two lines",
            "ACK 搭在 FIN 或数据上，一个报文段代表两行",
        ),
        "trace-notation.simultaneous": Text(
            "the FINs (or SYNs) cross: neither side had seen the other's",
            "双方的 FIN（或 SYN）交错：发送时都还没有收到对方的",
        ),
        "trace-notation.retransmission": Text("a segment comes again", "报文段重传"),
        "trace-notation.duplicate-ack": Text(
            "the same acknowledgment comes again, because a segment is missing",
            "因为缺少某个报文段，同样的确认再次发送",
        ),
        "trace-notation.delayed-ack": Text(
            "one ACK stands for several, or ACKs come that no line has", "一个 ACK 代表几个，或出现序列中没有写的 ACK"
        ),
        "trace-notation.resegmented": Text(
            "the bytes of a line come in several segments, or those of several lines in one",
            "一行的字节分在几个报文段里，或几行的字节合在一个里",
        ),
        "trace-notation.keep-alive": Text(
            "a probe whether the other side is still there, and its answer", "探测对方是否还在的报文段及其应答"
        ),
        "trace-notation.window": Text(
            "probes of a closed window, and news of one that opens", "对已关闭窗口的探测，以及窗口重新打开的通知"
        ),
    }
)


def notation(language: Language) -> str:
    """Markdown: what may be written and what it means, its limits, and the variations that TCP may make."""
    return "\n".join(_lines(language)) + "\n"


def _lines(language: Language) -> Iterator[str]:
    comma = {"en": ", ", "zh": "、"}[language]
    values = {
        "flags": " ".join(FLAGS),
        "fields": comma.join(say(f"trace-notation.field.{field}", language) for field in FIELDS),
        "largest": LARGEST,
        "window": FIELDS["win"],
        "escapes": " ".join(f"`\\{letter}`" for letter in ESCAPES),
        "member": MEMBER,
        "hours": LONGEST // (3600 * UNITS["s"]),
        "units": comma.join(f"`{unit}`" for unit in reversed(UNITS)),
    }
    yield from (say("trace-notation.head", language), "|---|---|")
    for kind, written in NOTATION.items():
        shown = (" … " if "end" in written else comma).join(f"`{word}`" for word in written)
        yield f"| {shown} | {say(f'trace-notation.{kind}', language, **values)} |"
    yield ""
    yield say("trace-notation.limits", language, lines=MAX_LINES, columns=MAX_COLUMNS, depth=MAX_DEPTH)
    yield from ("", say("trace-notation.variations", language), "")
    yield from (say("trace-notation.variations-head", language), "|---|---|")
    for variation in Variation:
        yield f"| `{variation}` | {say(f'trace-notation.{variation}', language)} |"
