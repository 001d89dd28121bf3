"""What the rules of causes ask of a run: crash reports with their times, how messages were delivered, lines of source.

Facts of the evidence, and words for them; what they mean is for the rules to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from wirelab.base.texts import Bilingual
from wirelab.judge.crashes import crash_report
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Noted, Side
from wirelab.observe.evidence import Called, SourceLine
from wirelab.observe.messages import Message

MS = 1_000_000
CLOSE_BY = 5 * MS  # bytes that come within it of each other may be given by one recv()
QUOTED = 40  # characters of a message that stand in a sentence
AT_ONCE = 100 * MS  # a program that was waiting for something does what follows within it

_LIBRARY = re.compile(r"^<|[/\\](?:lib(?:64)?[/\\]python[\d.]*|site-packages|dist-packages)[/\\]|^/usr/lib")
NOWHERE = Bilingual("", "")


def other(side: Side) -> Side:
    """The side across."""
    return "server" if side == "client" else "client"


def ports(connection: Connection, side: Side) -> tuple[int, int]:
    """A side's own port, and that of the other: how witnesses name its socket."""
    ends = connection.client.port, connection.server.port
    return ends if side == "client" else (ends[1], ends[0])


def unquoted(text: object) -> str:
    """A text as a finding's values hold it, without the quotes around it."""
    said = str(text)
    return said[1:-1] if len(said) > 1 and said[0] == said[-1] and said[0] in "'\"" else said


def told_of(wanted: str, texts: Iterable[str]) -> str | None:
    """The text that an awaited one is about: which stands in it in whole words, best at its end, and is the longest."""
    within = {text for text in texts if text and text in wanted}
    within = {text for text in within if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", wanted, re.ASCII)}
    return max(within, key=lambda text: (wanted.endswith(text), len(text)), default=None)


def listed(names: Sequence[object], limit: int = 4) -> str:
    """Some of a list, for a sentence."""
    return ", ".join(str(name) for name in names[:limit]) + (", …" if len(names) > limit else "")


def framed(numbers: Sequence[int], limit: int = 8) -> Bilingual:
    """Frames by their numbers: "frames 4, 6"."""
    word = "frame" if len(numbers) == 1 else "frames"
    return Bilingual(f"{word} {listed(numbers, limit)}", f"第 {listed(numbers, limit)} 帧")


# --- terminals


@dataclass(frozen=True, slots=True)
class Crash:
    """A crash report on a terminal: its lines, whole, and when its head was shown."""

    lines: tuple[str, ...]
    time: int

    def quoted(self, actor: str) -> tuple[tuple[str, str], ...]:
        """The report as a finding quotes it."""
        return tuple((actor, line) for line in self.lines)


def crash_of(view: View, actor: str) -> Crash | None:
    """The first crash report on an actor's terminal, which is none that somebody typed there or sent to it."""
    return view.once(_crash_of, actor)


def _crash_of(view: View, actor: str) -> Crash | None:
    typed = {text for _, text in view.typed_lines(actor)}
    came = {
        line
        for connection, side in view.ends_of(actor)
        for message in view.messages(connection.index, other(side))
        for text in (message.text, *message.groups.values())
        for line in text.splitlines()
    }
    lines = crash_report(view.lines(actor), typed | came)
    time = view.shown_at(actor, lines[0]) if lines else None
    return None if time is None else Crash(tuple(lines), time)


# --- deliveries


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a message came: alone in a segment of its own; sharing one with others; so close to others that one recv()
    may give both; or cut, in pieces that no recv() can give at once. ``others``: whom it came with. ``leads``: nothing
    stands before it in its segment."""

    message: Message
    kind: Literal["alone", "shared", "close", "cut"]
    others: tuple[Message, ...] = ()
    leads: bool = True

    def how(self) -> Bilingual:
        """The manner of its coming, to follow "reached <somebody>"."""
        frames = framed(self.message.frames)
        texts = listed([repr(item.text) for item in self.others])
        if self.kind == "cut":
            count, ms = len(self.message.frames), (self.message.time - self.message.began) / MS
            return Bilingual(
                f"in {count} pieces within {ms:.0f} ms ({frames.en})",
                f"在 {ms:.0f} 毫秒内分成了 {count} 段（{frames.zh}）",
            )
        if self.kind == "shared":
            return Bilingual(
                f"in one segment ({frames.en}) together with {texts}", f"与 {texts} 同在一个报文段（{frames.zh}）"
            )
        if self.kind == "close":
            near = framed(sorted({frame for item in self.others for frame in item.frames}))
            return Bilingual(
                f"in {frames.en}, right beside {texts} in {near.en}, so that one recv() may return both",
                f"在{frames.zh}，紧邻{near.zh}的 {texts}，一次 recv() 可能同时取到",
            )
        return Bilingual(f"alone in {frames.en}", f"独占{frames.zh}")


def deliveries(view: View, connection: Connection, sender: Side) -> dict[int, Delivery]:
    """How each message of one side came, by its offset in the stream."""
    return view.once(_deliveries, connection.index, sender)


def _deliveries(view: View, index: int, sender: Side) -> dict[int, Delivery]:
    messages = view.messages(index, sender)
    found: dict[int, Delivery] = {}
    for at, message in enumerate(messages):
        around = messages[max(at - 8, 0) : at] + messages[at + 1 : at + 9]
        frames = set(message.frames)
        sharing = tuple(item for item in around if frames & set(item.frames))
        close = tuple(
            item for item in around if item.time > message.began - CLOSE_BY and item.began < message.time + CLOSE_BY
        )
        leads = not any(item.start < message.start for item in sharing)
        if message.time - message.began > CLOSE_BY:
            found[message.start] = Delivery(message, "cut", sharing, leads)
        elif sharing:
            found[message.start] = Delivery(message, "shared", sharing, leads)
        elif close or len(frames) > 1:
            found[message.start] = Delivery(message, "close", close, leads)
        else:
            found[message.start] = Delivery(message, "alone")
    return found


# --- windows


def shut_since(connection: Connection, reader: Side, moment: int) -> Noted | None:
    """The segment in which a side closed its receive window, if it was closed at a moment: it reads nothing."""
    closed: Noted | None = None
    for noted in connection.noted:
        if noted.segment.time > moment:
            break
        if noted.sender == reader and not noted.segment.syn:
            shut = "zero-window" in noted.notes
            closed = (closed or noted) if shut else None
    return closed


# --- lines of source


def place(line: SourceLine) -> str:
    """A line as people write it: client.py:52."""
    name = line.file.replace("\\", "/").rpartition("/")[2]
    return f"{name}:{line.line}"


def own_line(stack: Sequence[SourceLine]) -> SourceLine | None:
    """The innermost line that is the program's own, not its language's library's; else the innermost."""
    return next((line for line in stack if not _LIBRARY.search(line.file)), stack[0] if stack else None)


def calls_on(view: View, actor: str, connection: Connection, side: Side, *calls: str) -> tuple[Called, ...]:
    """The calls that an actor's threads made on the socket of one connection."""
    mine = ports(connection, side)
    first, last = connection.noted[0].segment.time - AT_ONCE, view.end
    return tuple(
        event
        for event in view.called(actor, *calls)
        if (event.port, event.peer) == mine and first <= event.time <= last
    )


def receives_at(view: View, actor: str, connection: Connection, side: Side) -> Bilingual:
    """Where a program's source receives on a connection, as an aside; nothing when no witness saw it."""
    calls = calls_on(view, actor, connection, side, "recv")
    if not calls:
        return NOWHERE
    where = place(max(calls, key=lambda event: event.count).line)
    return Bilingual(f"; it calls recv() at {where}", f"；它在 {where} 调用 recv()")
