"""Questions about whole traces: blanks to fill in, segments to put in order, segments to write down."""

from __future__ import annotations

from collections.abc import Sequence

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Answer, Flags, Order, Whole, letters
from wirelab.judge.questions.asking import BLANK, Asked, Field, Kind
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import HANDSHAKE, RAW, RELATIVE
from wirelab.judge.questions.teardowns import TEARDOWN, closing_of, window
from wirelab.judge.questions.written_trace import WrittenTrace, shown, spelled
from wirelab.judge.verdict import Said
from wirelab.observe.connections import Noted

_LONGEST = 8  # segments in a block
_BETWEEN = 100  # segments of a teardown to write down, with data of a half-closed connection that may be left out
_EXCHANGE = Text("a heartbeat and its answer, with nothing lost", "一次心跳及其应答，没有丢失")
_FORM = Said(
    Text(
        "in trace notation: one segment a line, `client > server  FLAGS  seq=… ack=…`",
        "用报文段记法：每行一个报文段，`client > server  标志位  seq=… ack=…`",
    )
)
_SWAPPED = Said(Text("seq and ack are swapped", "seq 和 ack 写反了"))
_FORGOT = Said(
    Text(
        "SYN and FIN take up one sequence number each: what is acknowledged is the next one expected",
        "SYN 和 FIN 各占用一个序号：确认号是期望收到的下一个序号",
    )
)
_NEXT = Said(
    Text(
        "this is where the acknowledged segment begins; what is acknowledged is the number behind its last byte",
        "这是被确认的报文段开始的序号；确认号是它最后一个字节之后的序号",
    )
)
_ONE = Said(Text("only SYN and FIN count as one; data counts its bytes", "只有 SYN 和 FIN 算一个；数据按字节数计算"))
_LAST = Said(
    Text(
        "this is the number of the last byte; what is acknowledged is the next one expected",
        "这是最后一个字节的序号；确认号是期望收到的下一个",
    )
)
_FLAG_NAMES = Bilingual("flags", "标志位")
_LF = Said(Text("the LF at the end of the line counts too", "行尾的 LF 也要算进去"))


def _handshake(facts: Facts) -> tuple[Noted, ...]:
    """The three segments of the handshake; none where it is not complete, or something was sent twice."""
    shake = facts.connection.handshake
    if shake.syn is None or shake.syn_ack is None or shake.ack is None or not facts.calm:
        return ()
    three = (shake.syn, shake.syn_ack, shake.ack)
    return three if three == facts.segments[:3] else ()


def _values(noted: Noted, *, raw: bool) -> dict[str, int]:
    """The numbers of a segment, by the names they have in a trace."""
    values = {"seq": noted.segment.seq if raw else noted.seq}
    if noted.ack is not None:
        values["ack"] = noted.segment.ack if raw else noted.ack
    return values if noted.segment.syn else values | {"len": noted.segment.length}


def _slips(
    noted: Noted, name: str, values: dict[str, int], before: Sequence[Noted], *, raw: bool
) -> tuple[tuple[int, Said], ...]:
    """Wrong numbers that tell what was mixed up; ``before`` are the segments above it."""
    segment, right = noted.segment, values[name]
    found: list[tuple[int, Said]] = []
    if name == "len":
        return ((right - 1, _LF),) if segment.payload.endswith(b"\n") and right > 1 else ()
    other = "ack" if name == "seq" else "seq"
    if other in values:
        found.append((values[other], _SWAPPED))
    if name == "ack":
        for one in before:
            if one.sender == noted.sender or one.seq + one.segment.span != noted.ack:
                continue
            if one.segment.syn or one.segment.fin:
                found.append((right - 1, _FORGOT))
            elif one.segment.length:
                begins = right - one.segment.length
                found += [(begins, _NEXT), (begins + 1, _ONE), (right - 1, _LAST)]
    relative = noted.seq if name == "seq" else noted.ack
    real = segment.seq if name == "seq" else segment.ack
    found.append((relative or 0, RELATIVE) if raw else (real, RAW))
    return tuple((number, why) for number, why in found if number != right)


def _blanks(
    text: Text, segments: Sequence[Noted], lot: Lot, *, raw: bool = False, flags: bool = True, count: int = 5
) -> Asked:
    """A block of segments with some of what they say left out."""
    places = [
        (at, name)
        for at, one in enumerate(segments)
        for name in (*(["flags"] if flags else []), *_values(one, raw=raw))
    ]
    # Bare ACKs without data: their length is told by the fact that they are.
    places = [(at, name) for at, name in places if name != "len" or segments[at].segment.length]
    chosen = sorted(lot.shuffled(range(len(places)))[:count])
    lines: list[str] = []
    fields: list[Field] = []
    for at, noted in enumerate(segments):
        values = _values(noted, raw=raw)
        names = noted.segment.flag_names()
        said: dict[str, object] = {"flags": names, **values}
        for name in said:
            if (at, name) not in [places[one] for one in chosen]:
                continue
            answer: Answer
            if name == "flags":
                answer = Flags(frozenset(names.split(",")))
            else:
                answer = Whole(values[name], _slips(noted, name, values, segments[:at], raw=raw))
            number = len(fields) + 1
            frame = noted.segment.frame
            why = Said(
                Text("this is frame {frame}: `{shown}`", "这是第 {frame} 帧：`{shown}`"),
                {"frame": frame, "shown": " ".join(spelled(noted.sender, names, **values).split())},
            )
            fields.append(
                Field(
                    Said(
                        Text("({number}) {name}", "({number}) {name}"),
                        {"number": number, "name": _FLAG_NAMES if name == "flags" else name},
                    ),
                    answer,
                    why,
                    (frame,),
                )
            )
            said[name] = f"({number}){BLANK}"
        lines.append(spelled(noted.sender, str(said.pop("flags")), **said) + _message(noted))
    return Asked(Said(text), tuple(fields), "\n".join(lines))


def _message(noted: Noted) -> str:
    """What a segment carries, where it is a short line of plain text."""
    payload = noted.segment.payload.rstrip(b"\r\n")
    if not payload or len(payload) > 40 or not payload.isascii() or not payload.decode("ascii").isprintable():
        return ""
    return f'  "{payload.decode("ascii")}"'


def _order(text: Text, segments: Sequence[Noted], lot: Lot) -> Asked | None:
    """Segments to be put in order; None where two look the same."""
    lines = [
        spelled(one.sender, one.segment.flag_names(), **(_values(one, raw=False) | {"len": one.segment.length}))
        for one in segments
    ]
    if len(set(lines)) < len(lines) or len(lines) < 3:
        return None
    places = lot.shuffled(range(len(lines)))
    names = letters(len(lines))
    frames = tuple(one.segment.frame for one in segments)
    right = "".join(names[places.index(at)] for at in range(len(lines)))
    why = Said(
        Text("these are the frames {frames}, in this order", "它们依次是第 {frames} 帧"),
        {"frames": ", ".join(map(str, frames))},
    )
    block = "\n".join(f"{name}  {lines[at]}" for name, at in zip(names, places, strict=True))
    return Asked(
        Said(text),
        (Field(Said(Text("the letters in the right order", "按正确顺序写出字母")), Order(right), why, frames),),
        block,
    )


def _written(
    facts: Facts, text: Text, segments: Sequence[Noted], parts: Sequence[Noted], *, raw: bool = False
) -> Asked:
    """Segments to be written down: ``parts`` of them; the others may be."""
    trace = WrittenTrace(
        tuple(shown(one, facts.since_start(one), raw=raw, beside=one not in parts) for one in segments),
        (facts.connection.client.port, facts.connection.server.port),
        raw,
    )
    frames = tuple(one.segment.frame for one in parts)
    why = Said(
        Text("these are the frames {frames}: {trace}", "它们是第 {frames} 帧：{trace}"),
        {
            "frames": ", ".join(map(str, frames)),
            "trace": " / ".join(f"`{one}`" for one in trace.segments if not one.beside),
        },
    )
    return Asked(Said(text), (Field(_FORM, trace, why, frames),))


def _handshake_blanks(facts: Facts, lot: Lot) -> Asked | None:
    three = _handshake(facts)
    if not three or three[2].segment.length:
        return None
    text = Text(
        "This is the three-way handshake of your capture, with raw numbers. What stands in the blanks?",
        "下面是你捕获到的三次握手，序号为原始值。空格处应填什么？",
    )
    return _blanks(text, three, lot, raw=True)


def _teardown_blanks(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or len(segments := window(facts, closing)) > _LONGEST:
        return None
    text = Text(
        "This is the end of your connection, with relative numbers. What stands in the blanks?",
        "下面是你的连接关闭的过程，序号为相对值。空格处应填什么？",
    )
    return _blanks(text, segments, lot)


def _exchanges(facts: Facts, longest: int, most: int = 1) -> list[tuple[Noted, ...]]:
    """Runs of segments from a heartbeat to what acknowledges an answer: its own, or that of one of the next."""
    if not facts.calm:
        return []
    places = {one.segment.frame: at for at, one in enumerate(facts.segments)}
    spans: list[tuple[int, int]] = []
    for exchange in facts.answered:
        answer = exchange.answer
        if answer is None or not answer.frames or not exchange.question.frames:
            continue
        start, end = places.get(min(exchange.question.frames)), places.get(max(answer.frames))
        if start is None or end is None:
            continue
        last = facts.segments[end]
        stop = next(
            (
                at
                for at, one in enumerate(facts.segments[end + 1 :], end + 1)
                if one.sender != last.sender and (one.ack or 0) >= last.seq + last.segment.length
            ),
            None,
        )
        if stop is not None:
            spans.append((start, stop))
    runs = [
        facts.segments[start : stop + 1]
        for at, (start, _) in enumerate(spans)
        for _, stop in spans[at : at + most]
        if 3 <= stop + 1 - start <= longest
    ]
    return [run for run in runs if not any(one.segment.syn or one.segment.fin or one.segment.rst for one in run)]


def _heartbeat_blanks(facts: Facts, lot: Lot) -> Asked | None:
    runs = _exchanges(facts, 6)
    if not runs:
        return None
    text = Text(
        "This is a heartbeat of your capture and its answer, with relative numbers. What stands in the blanks?",
        "下面是你捕获到的一次心跳及其应答，序号为相对值。空格处应填什么？",
    )
    return _blanks(text, lot.draw(runs), lot, flags=False, count=6)


def _handshake_order(facts: Facts, lot: Lot) -> Asked | None:
    three = _handshake(facts)
    if not three:
        return None
    more = 3
    while more < min(5, len(facts.segments)) and not facts.segments[more].segment.fin:
        more += 1
    text = Text(
        "These are the first segments of your connection, shuffled. In which order does the capture show them?",
        "下面是你的连接最先出现的几个报文段，顺序被打乱了。抓包中它们的顺序是什么？",
    )
    return _order(text, facts.segments[:more], lot) or _order(text, three, lot)


def _teardown_order(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or len(window(facts, closing)) > _LONGEST:
        return None
    text = Text(
        "These are the last segments up to the end of the teardown, shuffled. In which order does the capture show them?",
        "下面是连接关闭之前和关闭过程中的最后几个报文段，顺序被打乱了。抓包中它们的顺序是什么？",
    )
    return _order(text, window(facts, closing, before=2), lot) or _order(text, window(facts, closing), lot)


def _exchange_order(facts: Facts, lot: Lot) -> Asked | None:
    text = Text(
        "These are segments of your capture with heartbeats and answers, shuffled. In which order does the capture show them?",
        "下面是你捕获到的含有心跳及其应答的报文段，顺序被打乱了。抓包中它们的顺序是什么？",
    )
    runs = _exchanges(facts, _LONGEST, most=2)
    longer = [run for run in runs if len(run) > 4]
    found = (_order(text, run, lot) for run in (*lot.shuffled(longer), *lot.shuffled(runs)))
    return next((one for one in found if one is not None), None)


def _write_handshake(facts: Facts, lot: Lot) -> Asked | None:
    three = _handshake(facts)
    if not three:
        return None
    text = Text(
        "Write down the three-way handshake of your capture, with raw sequence and acknowledgment numbers.",
        "请写出你捕获到的三次握手，序号和确认号用原始值。",
    )
    return _written(facts, text, three, three, raw=True)


def _write_teardown(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or len(segments := window(facts, closing)) > _BETWEEN:
        return None
    text = Text(
        "Write down the teardown of your capture with relative numbers: both FINs and the segments that acknowledge them, "
        "as many as there really are.",
        "请用相对序号写出你捕获到的连接关闭过程：两个 FIN 以及确认它们的报文段，实际有几个就写几个。",
    )
    return _written(facts, text, segments, closing.parts)


KINDS = (
    Kind(
        "handshake-blanks",
        Text("The handshake with blanks", "三次握手填空"),
        Text("Flags and raw numbers of the handshake, to be filled in.", "填写三次握手的标志位和原始序号。"),
        HANDSHAKE,
        _handshake_blanks,
    ),
    Kind(
        "teardown-blanks",
        Text("The teardown with blanks", "关闭连接填空"),
        Text("Flags and relative numbers of the teardown, to be filled in.", "填写关闭过程的标志位和相对序号。"),
        TEARDOWN,
        _teardown_blanks,
    ),
    Kind(
        "heartbeat-blanks",
        Text("A heartbeat with blanks", "心跳填空"),
        Text(
            "Numbers and lengths of a heartbeat and its answer, to be filled in.", "填写一次心跳及其应答的序号和长度。"
        ),
        _EXCHANGE,
        _heartbeat_blanks,
    ),
    Kind(
        "handshake-order",
        Text("The first segments in order", "最先的报文段排序"),
        Text("The first segments of the connection, to be put in order.", "把连接最先的几个报文段排好顺序。"),
        HANDSHAKE,
        _handshake_order,
    ),
    Kind(
        "teardown-order",
        Text("The last segments in order", "最后的报文段排序"),
        Text("The last segments of the connection, to be put in order.", "把连接最后的几个报文段排好顺序。"),
        TEARDOWN,
        _teardown_order,
    ),
    Kind(
        "exchange-order",
        Text("Heartbeats and answers in order", "心跳与应答排序"),
        Text("The segments of heartbeats and their answers, to be put in order.", "把心跳及其应答的报文段排好顺序。"),
        _EXCHANGE,
        _exchange_order,
    ),
    Kind(
        "write-handshake",
        Text("Write down the handshake", "写出三次握手"),
        Text("The handshake in trace notation, with raw numbers.", "用报文段记法写出三次握手，序号用原始值。"),
        HANDSHAKE,
        _write_handshake,
    ),
    Kind(
        "write-teardown",
        Text("Write down the teardown", "写出关闭过程"),
        Text("The teardown in trace notation, with relative numbers.", "用报文段记法写出关闭过程，序号用相对值。"),
        TEARDOWN,
        _write_teardown,
    ),
)
