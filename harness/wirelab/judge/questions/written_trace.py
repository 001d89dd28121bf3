"""A trace that a student wrote down, held against the segments that were captured. Reads text, executes nothing.

What a line says is read leniently: ``client > server  FIN,ACK  seq=35 ack=58``, ``客户端 -> 服务器 [FIN, ACK] 序号=35 确认号=58``,
a line pasted from Wireshark or tcpdump. What it says has to be so: a number that was made up is wrong, and the answer
names the frame that shows it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Literal

from wirelab.base.texts import LANGUAGES, Bilingual, Text, catalogue, register
from wirelab.judge.questions.answers import LONGEST, RIGHT, Outcome, plain
from wirelab.judge.verdict import Said
from wirelab.observe.connections import Noted, Side

LINES = 60  # of an answer that are read
SHOWN = 120  # characters of a line that are repeated to who wrote it
Part = Literal["sender", "flags", "seq", "ack", "len"]

register(
    {
        "written.none": Text(
            "no segment could be read; write one a line, as in `client > server  ACK  seq=1 ack=1`",
            "没有读到报文段；请每行写一个，例如 `client > server  ACK  seq=1 ack=1`",
        ),
        "written.differs": Text(
            "line {line}: you wrote `{wrote}`; frame {frame} (at {seconds} s) is `{shown}`: {why}",
            "第 {line} 行：你写的是 `{wrote}`；第 {frame} 帧（{seconds} s）是 `{shown}`：{why}",
        ),
        "written.extra": Text(
            "line {line}: you wrote `{wrote}`; the capture has no such segment here",
            "第 {line} 行：你写的是 `{wrote}`；抓包中这里没有这样的报文段",
        ),
        "written.rides": Text(
            "line {line}: you wrote `{wrote}`; the capture has no ACK by itself here: it rides on the FIN in frame {frame}",
            "第 {line} 行：你写的是 `{wrote}`；抓包中这里没有单独的 ACK：它由第 {frame} 帧的 FIN 捎带",
        ),
        "written.missing": Text(
            "frame {frame} (at {seconds} s) is missing: `{shown}`", "缺少第 {frame} 帧（{seconds} s）：`{shown}`"
        ),
        "written.sender": Text("it goes the other way", "方向相反"),
        "written.nobody": Text("it is not clear who sends it", "看不出是谁发出的"),
        "written.flags": Text("the flags differ", "标志位不同"),
        "written.number": Text("{name} is {right}, not {wrong}", "{name} 是 {right}，不是 {wrong}"),
        "written.no-number": Text("{name}={right} is not given", "没有写 {name}={right}"),
        "written.swapped": Text("seq and ack are swapped", "seq 和 ack 写反了"),
        "written.relative": Text(
            "{name}={wrong} is the relative number, and the raw one is asked for: {right}",
            "{name}={wrong} 是相对值，这里要写原始值 {right}",
        ),
        "written.and": Text("; ", "；"),
    }
)


def spelled(sender: Side, flags: str, **values: object) -> str:
    """A segment in trace notation, so that the lines of a block stand below each other."""
    receiver = "server" if sender == "client" else "client"
    return f"{sender} > {receiver}  {flags:<7}  " + " ".join(f"{name}={value}" for name, value in values.items())


@dataclass(frozen=True, slots=True)
class Shown:
    """A segment that should be there. ``seconds`` since the connection began; ``seq`` and ``ack`` relative, or all raw;
    ``relative`` the same two, relative; ``beside``: it may be written down, and may be left out.

    ``needs``: the numbers that belong to it: those of what it brings (its seq), of what it acknowledges for the first time
    (its ack). The others may be left out, as textbooks do.
    """

    frame: int
    seconds: float
    sender: Side
    flags: frozenset[str]
    seq: int
    ack: int | None
    length: int
    relative: tuple[int, int | None]
    raw: tuple[int, int | None]
    needs: frozenset[Part]
    beside: bool = False

    def __str__(self) -> str:
        names = ",".join(name for name in ("SYN", "FIN", "RST", "ACK", "URG") if name in self.flags)
        numbers = {"seq": self.seq} | ({} if self.ack is None else {"ack": self.ack})
        return re.sub(
            r"\s{3,}", "  ", spelled(self.sender, names, **numbers, **({"len": self.length} if self.length else {}))
        )


def shown(noted: Noted, seconds: float, *, raw: bool = False, beside: bool = False) -> Shown:
    """A segment as it should be written down; ``raw``: with raw numbers, and no others."""
    segment = noted.segment
    relative = (noted.seq, noted.ack)
    real = (segment.seq, segment.ack if segment.has_ack else None)
    needs: set[Part] = {"seq"} if segment.span else set()
    if noted.ack is not None and (not segment.span or segment.syn or "acks-fin" in noted.notes):
        needs.add("ack")
    return Shown(
        segment.frame,
        seconds,
        noted.sender,
        frozenset(segment.flag_names().split(",")),
        *(real if raw else relative),
        segment.length,
        relative,
        real,
        frozenset(needs),
        beside,
    )


@dataclass(frozen=True, slots=True)
class Written:
    """What a line says; None or empty for what it does not. ``flag_or_ack``: ``ACK=1``, which may be either."""

    text: str
    sender: Side | None
    flags: frozenset[str]
    seq: int | None
    ack: int | None
    length: int | None
    flag_or_ack: bool = False

    def wrong(self, right: Shown, *, raw: bool) -> tuple[Part, ...]:
        """In what it is not that segment."""
        found: list[Part] = []
        if self.sender != right.sender:
            found.append("sender")
        control = {"SYN", "FIN", "RST"}
        silent = not self.flags and self.seq is None
        another = "ACK" in self.flags and "ACK" not in right.flags  # the other way round an ack= says it, or need not
        if another or (not silent and self.flags & control != right.flags & control):
            found.append("flags")
        kinds = (right.raw,) if raw else (right.relative, right.raw)
        fin = right.length if "FIN" in right.flags else 0  # a FIN with data: of the segment, or of the FIN itself
        seqs = {one[0] for one in kinds} | {(one[0] + fin) % (1 << 32) for one in kinds}
        acks = {one[1] for one in kinds} if right.ack is not None else {0}
        if (self.seq is None and "seq" in right.needs) or (self.seq is not None and self.seq not in seqs):
            found.append("seq")
        if self.ack is None or (self.flag_or_ack and self.ack not in acks):
            if "ack" in right.needs:
                found.append("ack")
        elif self.ack not in acks:
            found.append("ack")
        if self.length is not None and self.length != right.length:
            found.append("len")
        return tuple(found)


_WEIGHTS: dict[Part, float] = {"sender": 1.5, "flags": 0.8, "seq": 0.4, "ack": 0.4, "len": 0.3}
_APART = 1.0  # a line without a segment, or a segment without a line

_ARROW = re.compile(
    r"(?P<right>[-=–—~]*(?:>|→|⇒|➜|➔|➡|⟶|»)+|\bto\b|发送?给|发往|到|至|向)|(?P<left>(?:<|←|⇐|⟵|«)+[-=–—~]*)",
    re.IGNORECASE,
)
_DIGITS = r"(?:\d{1,3}(?:[,'_]\d{3})+(?!\d)|\d+)"
_SUM = rf"(?P<sum>{_DIGITS}(?:\s*\+\s*{_DIGITS})*)(?:\s*=\s*(?P<total>{_DIGITS}))?"
_IS = (
    r"(?:\s*(?:=|:|#|为|是|number|num|no\.?|\)\s*[=:]|\((?:raw|relative)[^)]*\)))*\s*"
    r"(?:[a-z](?:\s*\+\s*1)?\s*=\s*)?"  # seq=u=35, ack=u+1=36
)
_FIELDS: dict[Part, re.Pattern[str]] = {
    "seq": re.compile(rf"(?:(?<![-a-z])seq(?:uence|_raw)?|(?<!确认)(?:序列号|顺序号|序号)){_IS}{_SUM}", re.IGNORECASE),
    "ack": re.compile(rf"(?:(?<![-a-z])ack(?:nowledge?ment|_raw)?|确认序?列?号|应答号){_IS}{_SUM}", re.IGNORECASE),
    "len": re.compile(rf"(?:(?<![-a-z])len(?:gth)?|长度){_IS}{_SUM}", re.IGNORECASE),
}
_BIT = re.compile(r"(?<![A-Z])(SYN|FIN|RST|PSH|URG)\s*=\s*([01])(?!\d)")
_ACK_BIT = re.compile(r"(?<![-A-Za-z])ACK\s*=\s*([01])(?!\d)")
_FLAG = re.compile(r"(?<![A-Z])(SYN|FIN|RST|RESET|PSH|PUSH|ACK|URG|ECE|CWR)(?![A-Z])", re.IGNORECASE)
_TCPDUMP = re.compile(r"flags \[([SFRPUWE.]+)\]", re.IGNORECASE)
_LETTERS = {"S": "SYN", "F": "FIN", "R": "RST", "P": "PSH", "U": "URG", ".": "ACK"}


@dataclass(frozen=True, slots=True)
class WrittenTrace:
    """The segments of a part of the capture, to be written down in trace notation, one a line; ``raw``: with raw numbers.

    ``ports`` are the client's and the server's, for who writes those. The part that is right is right lines of all lines,
    those written or those expected, whichever are more.
    """

    segments: tuple[Shown, ...]
    ports: tuple[int, int] = (0, 0)
    raw: bool = False

    @property
    def solution(self) -> Bilingual:
        text = "\n".join(str(one) for one in self.segments if not one.beside)
        return Bilingual(text, text)

    def check(self, text: str) -> Outcome:
        lines = [one for one in map(self._read, _lines(text)) if one is not None][:LINES]
        if not lines:
            return Outcome("unreadable", said=Said(catalogue()["written.none"]))
        pairs = self._beside(lines)
        right = passed = 0
        said: list[Said] = []
        for at, (line, segment) in enumerate(pairs):
            if line is None:
                if segment is not None and not segment.beside:
                    said.append(_say("missing", segment))
                continue
            number = 1 + sum(one is not None for one, _ in pairs[:at])
            values = {"line": number, "wrote": line.text}
            if segment is None:
                said.append(self._extra(line, pairs[at + 1 :], values))
            elif differs := line.wrong(segment, raw=self.raw):
                said.append(_say("differs", segment, why=self._why(line, segment, differs), **values))
            elif segment.beside:
                passed += 1
            else:
                right += 1
        expected = sum(not one.beside for one in self.segments)
        credit = right / max(expected, len(lines) - passed)
        if not said:
            return RIGHT
        both = {language: "\n".join(one.in_(language) for one in said) for language in LANGUAGES}
        words = Said(Text("{lines}", "{lines}"), {"lines": Bilingual(both["en"], both["zh"])})
        return Outcome("part" if credit else "wrong", credit, words)

    def _beside(self, lines: list[Written]) -> list[tuple[Written | None, Shown | None]]:
        """Lines and segments side by side, in order, at the least cost (edit distance)."""
        height, width = len(lines), len(self.segments)
        prices = [[self._price(line, one) for one in self.segments] for line in lines]
        skip = [0.0 if one.beside else _APART for one in self.segments]
        cost = [[0.0] * (width + 1) for _ in range(height + 1)]
        for row in range(height, -1, -1):
            for column in range(width, -1, -1):
                ways = []
                if row < height and column < width:
                    ways.append(cost[row + 1][column + 1] + prices[row][column])
                if row < height:
                    ways.append(cost[row + 1][column] + _APART)
                if column < width:
                    ways.append(cost[row][column + 1] + skip[column])
                cost[row][column] = min(ways, default=0.0)
        pairs: list[tuple[Written | None, Shown | None]] = []
        row = column = 0
        while row < height or column < width:
            here = cost[row][column]
            if row < height and column < width and here == cost[row + 1][column + 1] + prices[row][column]:
                pairs.append((lines[row], self.segments[column]))
                row, column = row + 1, column + 1
            elif row < height and here == cost[row + 1][column] + _APART:
                pairs.append((lines[row], None))
                row += 1
            else:
                pairs.append((None, self.segments[column]))
                column += 1
        return pairs

    def _price(self, line: Written, segment: Shown) -> float:
        differs = line.wrong(segment, raw=self.raw)
        if differs and segment.beside:
            return 3 * _APART  # nobody has to write it: a line that is not it is meant for another one
        return sum(_WEIGHTS[one] for one in differs)

    @staticmethod
    def _extra(line: Written, later: list[tuple[Written | None, Shown | None]], values: dict[str, object]) -> Said:
        following = next((segment for _, segment in later if segment is not None), None)
        if (
            line.flags == {"ACK"}
            and following is not None
            and following.sender == line.sender
            and following.flags == {"FIN", "ACK"}
        ):
            return _say("rides", following, **values)
        return Said(catalogue()["written.extra"], values)

    def _why(self, line: Written, right: Shown, differs: tuple[Part, ...]) -> Bilingual:
        """What is wrong with a line, next to the segment that it must be."""
        texts = catalogue()
        found: list[Said] = []
        if "sender" in differs:
            found.append(Said(texts["written.nobody" if line.sender is None else "written.sender"]))
        if "flags" in differs:
            found.append(Said(texts["written.flags"]))
        numbers = [one for one in differs if one in ("seq", "ack", "len")]
        if {"seq", "ack"} <= set(differs) and right.seq != right.ack and (line.ack, line.seq) == (right.seq, right.ack):
            found.append(Said(texts["written.swapped"]))
            numbers = [one for one in numbers if one == "len"]
        for name in numbers:
            written = {"seq": line.seq, "ack": line.ack, "len": line.length}[name]
            actual = {"seq": right.seq, "ack": right.ack, "len": right.length}[name] or 0
            relative = {"seq": right.relative[0], "ack": right.relative[1]}.get(name)
            key = "no-number" if written is None else "relative" if self.raw and written == relative else "number"
            values: dict[str, object] = {"name": name, "right": actual, "wrong": written}
            found.append(Said(texts[f"written.{key}"], values))
        return Bilingual(*(texts["written.and"].fill(one).join(said.in_(one) for said in found) for one in LANGUAGES))

    def _read(self, line: str) -> Written | None:
        """What a line says; None when it is not about a segment."""
        text = plain(html.unescape(line[:1000]).replace("\\", ""))
        text = text.lstrip("> ").strip("| ")
        shown = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
        sender, rest = self._sender(text)
        rest = re.sub(r'"[^"]*"', " ", rest)  # a message: HEARTBEAT-ACK 3 is no acknowledgment
        tcpdump = _TCPDUMP.search(rest)
        flags = {_LETTERS[one] for one in tcpdump[1].upper() if one in _LETTERS} if tcpdump else set()
        rest = _TCPDUMP.sub(" ", rest)
        for bit in _BIT.finditer(rest):
            flags |= {bit[1]} if bit[2] == "1" else set()
        rest = _BIT.sub(" ", rest)
        bits = set(_ACK_BIT.findall(rest))  # ACK=1 beside ack=58 is a flag, as some textbooks write it
        seq, rest = _take("seq", rest)
        ack, rest = _take("ack", _ACK_BIT.sub(" ", rest))
        length, rest = _take("len", rest)
        flags |= {{"RESET": "RST", "PUSH": "PSH"}.get(one.upper(), one.upper()) for one in _FLAG.findall(rest)}
        either = ack is None and "1" in bits
        if "1" in bits:
            flags, ack = flags | {"ACK"}, 1 if either else ack
        if not flags and seq is None and ack is None:
            return None  # a heading, a fence, prose
        if sender is None and seq is None and ack is None:
            return None
        return Written(shown, sender, frozenset(flags - {"PSH", "ECE", "CWR"}), seq, ack, length, either)

    def _sender(self, text: str) -> tuple[Side | None, str]:
        """Who sends it, and what is left of the line."""
        for arrow in _ARROW.finditer(text):
            before, after = text[: arrow.start()].split(), text[arrow.end() :].split()
            if not before or not after:
                continue
            left, right = self._side(before[-1]), self._side(after[0])
            if arrow["left"]:
                left, right = right, left
            if left is not None and left != right:
                return left, text[arrow.end() :]
            if left is None and right is not None:  # one side has a name of its own, such as alice
                return ("server" if right == "client" else "client"), text[arrow.end() :]
        named = {text.casefold().find(name): side for side, names in _NAMES.items() for name in names}
        named.pop(-1, None)
        if named and not re.search("收|receive", text, re.IGNORECASE):  # "client sends FIN ..."
            return named[min(named)], text
        return None, text

    def _side(self, word: str) -> Side | None:
        word = word.casefold().strip("()[]{}:：,，.\"'“”|")
        # The last one named: "frame 31:client", and "[FIN,ACK]" may follow at once
        places: dict[int, Side] = {}
        for side, names in _NAMES.items():
            for name in names:
                places[word.rfind(name)] = side
        places.pop(-1, None)
        if places:
            return places[max(places)]
        if re.fullmatch(r"(?:\W|\d+[.)、])*[cs]", word):
            return "client" if word.endswith("c") else "server"
        port = re.search(r"(\d+)$", word)
        if port is None or self.ports[0] == self.ports[1] or int(port[1][:6]) not in self.ports:
            return None
        return "client" if int(port[1]) == self.ports[0] else "server"


_NAMES: dict[Side, tuple[str, ...]] = {
    "client": ("client", "客户端", "客户机", "客户"),
    "server": ("server", "服务器", "服务端", "伺服器"),
}


def _lines(text: str) -> list[str]:
    """The lines of an answer, those that were put into one with <br> or a semicolon too."""
    parted = re.sub(r"<br\s*/?>|[;；](?=[^;；\n]{0,99}[->→⇒])", "\n", text[:LONGEST])
    return parted.splitlines()[: 10 * LINES]


def _take(name: Part, text: str) -> tuple[int | None, str]:
    """A number by its name, and the text without it."""
    found = _FIELDS[name].search(text)
    if found is None:
        return None, text
    parts = (found["total"] or found["sum"]).split("+")
    return sum(int(re.sub(r"\D", "", one)[:20]) for one in parts), _FIELDS[name].sub(" ", text)


def _say(key: str, segment: Shown, **values: object) -> Said:
    """A text about a segment."""
    place = {"frame": segment.frame, "seconds": f"{segment.seconds:.3f}", "shown": str(segment)}
    return Said(catalogue()[f"written.{key}"], {**place, **values})
