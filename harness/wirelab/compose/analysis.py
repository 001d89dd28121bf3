"""Captures made by hand: open the file, find its conversations, pick one, judge it, write it out with comments.

The file is mapped, not read, and let go of behind the reader: a large one takes little memory.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wirelab import __version__
from wirelab.base.errors import AuthorError, InputError, UsageError
from wirelab.base.texts import Bilingual, Language, Text, register, say
from wirelab.compose import kit
from wirelab.compose.files import write_whole
from wirelab.compose.library import read_text
from wirelab.declare.protocol import load_profile
from wirelab.declare.source import meant
from wirelab.declare.trace import Trace
from wirelab.declare.trace_block import unknown_messages
from wirelab.declare.trace_reader import read_trace
from wirelab.judge.captured import Limits, judge_captured, sides_of
from wirelab.judge.verdict import Judgement
from wirelab.observe.connections import SIDES, Connection, Side
from wirelab.observe.conversations import Conversation, follow, survey
from wirelab.observe.messages import Profile, decode_stream
from wirelab.observe.pcap import Capture, Sieve, read_capture, write_pcapng

LAB_PORT = 12001
MOST = 100_000  # segments of one connection that are looked at
GUESSES = ("line", "length")  # profiles that tell their own messages from others; without framing, anything may be one
UNFRAMED = "bare"
_NOT_REGULAR = Bilingual("not a regular file", "不是普通文件")

register(
    {
        "analyze.unreadable": Text("cannot read {file}: {why}", "无法读取 {file}：{why}"),
        "analyze.unwritable": Text("cannot write {file}: {why}", "无法写入 {file}：{why}"),
        "analyze.same-file": Text(
            "{file} is the capture itself, which is never overwritten; name another file",
            "{file} 就是抓包文件本身，不会被覆盖；请另指定一个文件",
        ),
        "analyze.no-conversation": Text(
            "{file}: {packets} packets, and no TCP among them. Capture on the interface that the programs use (for "
            "127.0.0.1 that is loopback: lo, lo0, or the Npcap Loopback Adapter) while they run.",
            "{file}：共 {packets} 个报文，其中没有 TCP。请在程序所用的接口上抓包（127.0.0.1 对应回环接口："
            "lo、lo0 或 Npcap Loopback Adapter），并在程序运行期间进行。",
        ),
        "analyze.none-selected": Text(
            "{file}: {packets} packets, and no TCP conversation with {wanted} among them. Without options, "
            "`wirelab analyze {file}` lists those that there are.",
            "{file}：共 {packets} 个报文，其中没有 {wanted} 的 TCP 会话。不带选项的 "
            "`wirelab analyze {file}` 会列出全部会话。",
        ),
        "analyze.no-stream": Text(
            "there is no conversation {wanted} among the {count} that were selected; they are numbered from 0",
            "选出的 {count} 个会话中没有编号 {wanted}；编号从 0 开始",
        ),
        "analyze.frame-of": Text(" (frame {frame} of {file})", "（{file} 第 {frame} 帧）"),
        "analyze.no-profile": Text(
            "there is no protocol profile '{wanted}'{meant}: give the path of a file, or one of {known}",
            "没有名为 '{wanted}' 的协议描述{meant}：请给出文件路径，或使用 {known} 之一",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which conversation is wanted, as far as it was said. ``stream`` counts among those that the others leave."""

    host: str | None = None
    port: int | None = None
    stream: int | None = None

    @property
    def words(self) -> Bilingual:
        """What was asked for, for people."""
        address = [] if self.host is None else [self.host]
        port = [] if self.port is None else [str(self.port)]
        return Bilingual(
            " and ".join([*(f"address {item}" for item in address), *(f"port {item}" for item in port)]),
            "、".join([*(f"地址 {item}" for item in address), *(f"端口 {item}" for item in port)]),
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """One conversation, rebuilt and judged."""

    conversation: Conversation
    connection: Connection
    profile: Profile
    judgement: Judgement


@contextlib.contextmanager
def opened(path: Path, port: int | None = None) -> Iterator[tuple[Capture, Callable[[], None]]]:
    """A capture file, mapped for as long as the context lasts, and what lets go of the pages read so far.

    With ``port`` only the packets that are TCP from or to it. Raises InputError for what is no capture.
    """
    with contextlib.ExitStack() as stack:
        try:
            if path.exists() and not (path.is_file() or path.is_dir()):
                raise InputError("analyze.unreadable", file=path, why=_NOT_REGULAR)
            file = stack.enter_context(path.open("rb"))
            size = os.fstat(file.fileno()).st_size
            mapped = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if size else None
        except OSError as error:
            raise InputError("analyze.unreadable", file=path, why=error.strerror or error) from None

        def let_go(offset: int = size) -> None:
            if mapped is not None and hasattr(mapped, "madvise"):
                mapped.madvise(mmap.MADV_DONTNEED, 0, offset // mmap.PAGESIZE * mmap.PAGESIZE)

        yield read_capture(b"" if mapped is None else mapped, str(path), Sieve(port, let_go)), let_go


def conversations(
    capture: Capture, selection: Selection, file: Path, let_go: Callable[[], None] = lambda: None
) -> tuple[Conversation, ...]:
    """The conversations with the selection's address and port, in the order of their first packets; at least one.

    Their numbers are those of Wireshark's tcp.stream, unless the capture was read for one port only: then they count
    what was read. Raises InputError when there is none.
    """
    found = survey(capture, server_port(selection), let_go)
    chosen = tuple(item for item in found if item.has(selection.host, selection.port))
    if not chosen:
        if selection.host is None and selection.port is None:
            raise InputError("analyze.no-conversation", file=file, packets=capture.total)
        raise InputError("analyze.none-selected", file=file, packets=capture.total, wanted=selection.words)
    return chosen


def pick(found: tuple[Conversation, ...], selection: Selection) -> Conversation | None:
    """The conversation that is meant; None where several are left. Raises UsageError for a number that none has."""
    if selection.stream is None:
        return found[0] if len(found) == 1 else None
    chosen = [item for item in found if item.index == selection.stream]
    if not chosen:
        raise UsageError("analyze.no-stream", wanted=selection.stream, count=len(found))
    return chosen[0]


def server_port(selection: Selection) -> int:
    """The port that tells the sides apart where no SYN was captured."""
    return LAB_PORT if selection.port is None else selection.port


def analyse(
    capture: Capture,
    conversation: Conversation,
    selection: Selection,
    *,
    name: str,
    protocol: str | None = None,
    expected: Trace | None = None,
    trace_file: Path | None = None,
) -> Analysis:
    """Rebuild a conversation and judge it. ``protocol`` names a profile of the kit's or a file; None: it is guessed.

    ``expected`` is the trace that it is to follow, from ``trace_file``. Raises UsageError for a profile that is not
    there, AuthorError for one that has mistakes, and for a trace that speaks of messages which the profile lacks.
    """
    connection = follow(capture, conversation, server_port(selection), MOST)
    profiles = [guessed(connection), *map(load, GUESSES)] if protocol is None else [load(protocol)]
    profile = profiles[0]
    if expected is not None:
        source, sides = str(trace_file or "trace"), sides_of(expected)
        unknown = [unknown_messages(expected, sides, each, source) for each in profiles]
        if all(unknown):
            raise AuthorError(unknown[0])
        profile = profiles[unknown.index(())]  # of a guess, the first that has the trace's messages
    limits = Limits(capture.lost, MOST if conversation.packets > MOST else None, capture.truncated)
    judgement = judge_captured(name, connection, profile, limits, expected)
    return Analysis(conversation, connection, profile, judgement)


def load(protocol: str) -> Profile:
    """The profile in a file, or of a name. Raises UsageError when there is neither, AuthorError for its mistakes."""
    path = Path(protocol)
    if path.suffix in (".yaml", ".yml") or os.path.isfile(path):
        return load_profile(read_text(path), protocol)
    known = kit.protocol_names()
    if protocol not in known:
        raise UsageError("analyze.no-profile", wanted=protocol, meant=meant(protocol, known), known=", ".join(known))
    return load_profile(*kit.protocol_text(protocol))


def protocol_text(protocol: str) -> str:
    """The source text of a profile in a file, or of a name; errors as for ``load``."""
    path = Path(protocol)
    if path.suffix in (".yaml", ".yml") or os.path.isfile(path):
        return read_text(path)
    return kit.protocol_text(load(protocol).name)[0]


def guessed(connection: Connection) -> Profile:
    """The first of the kit's profiles of which any message occurs; without framing, where none of them does."""
    streams = {"client": connection.client_stream, "server": connection.server_stream}
    said = any(stream.chunks for stream in streams.values())
    for name in GUESSES:
        profile = load(name)
        if not said or any(
            message.kind is not None for side in SIDES for message in decode_stream(profile, side, streams[side])
        ):
            return profile
    return load(UNFRAMED)


def load_trace(path: Path) -> Trace:
    """An expected trace from a file. Raises InputError when it cannot be read, AuthorError with all its mistakes."""
    return read_trace(read_text(path), source=str(path))


def annotated(capture: Capture, analysis: Analysis, language: Language, file: Path) -> bytes:
    """The conversation's packets as pcapng, each that a finding refers to with that finding as its comment.

    Comments that the capture had are kept. Where numbering changes, a comment says which frame it was.
    """
    from wirelab.compose.artifacts import frame_comments  # here: nothing else needs it

    positions = analysis.conversation.positions
    at = {capture.frames[position]: number for number, position in enumerate(positions, 1)}
    comments: dict[int, list[str]] = {at[frame]: [text] for frame, text in capture.comments.items() if frame in at}
    for frame, said in frame_comments(analysis.judgement, language).items():
        where = "" if frame == at[frame] else say("analyze.frame-of", language, frame=frame, file=file.name)
        comments.setdefault(at[frame], []).append(said + where)
    return write_pcapng(
        (capture.packets[position] for position in positions),
        capture.linktype,
        comments={number: "\n".join(texts) for number, texts in comments.items()},
        application=f"wirelab {__version__}",
    )


def write(path: Path, data: bytes, original: Path) -> None:
    """Write a file as a whole or not at all; where its name is a symbolic link, the file that this leads to.

    Raises UsageError for the capture itself, InputError for what fails and for what exists and is no regular file: a
    device, say, which would be gone.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(path.stat().st_mode):
                raise InputError("analyze.unwritable", file=path, why=_NOT_REGULAR)
            if path.samefile(original):
                raise UsageError("analyze.same-file", file=path)
        write_whole(path, data)
    except OSError as error:
        raise InputError("analyze.unwritable", file=path, why=error.strerror or error) from None


def as_json(found: Conversation) -> dict[str, object]:
    """A conversation as plain data."""
    sides: Mapping[Side, object] = {
        side: {"packets": count.packets, "bytes": count.bytes} for side, count in found.sent.items()
    }
    return {
        "stream": found.index,
        "client": str(found.client),
        "server": str(found.server),
        "packets": found.packets,
        "sent": sides,
        "began": found.began,
        "seconds": (found.ended - found.began) / 1e9,
        "syn": found.syn,
        "fin": found.fin,
        "rst": found.rst,
        "refused": found.refused,
    }
