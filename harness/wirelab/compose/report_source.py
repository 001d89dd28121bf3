"""What a lab report is written about: one connection of a run, or of a capture made by hand; and how it travels inside
the report, sealed.

The connection's own packets are put into the notebook with their frame numbers, so that a report can be checked from
its file alone. A checksum tells whether anything of it was changed; it is no signature: whoever reads this can make one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wirelab import __version__
from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Bilingual, Text, register
from wirelab.compose import analysis, kit
from wirelab.compose.artifacts import Run, read_run
from wirelab.declare.protocol import load_profile
from wirelab.judge.questions.facts import Facts, facts_of
from wirelab.judge.view import View
from wirelab.observe.captures import Capture
from wirelab.observe.connections import Connection, Tracker
from wirelab.observe.messages import Profile
from wirelab.observe.pcap import read_capture, write_pcapng
from wirelab.observe.segments import Packet

MOST = 10_000  # packets of a connection that a report is written about
MOST_MESSAGES = 1000  # on it: a report is about a conversation that people can read
LARGEST = 16 << 20  # bytes of a sealed capture, unpacked

register(
    {
        "report.no-connection": Text(
            "{file} shows no TCP connection of a client: nothing can be asked about it",
            "{file} 中没有客户端的 TCP 连接：无法据此出题",
        ),
        "report.several": Text(
            "{file} has {count} TCP conversations; say which one is yours with --port or --stream "
            "(`wirelab analyze {file}` lists them)",
            "{file} 中有 {count} 个 TCP 会话；请用 --port 或 --stream 指明（`wirelab analyze {file}` 会列出全部）",
        ),
        "report.long": Text(
            "{file}: the connection has {count} packets, more than the {most} that a report is written about; capture a "
            "shorter one",
            "{file}：这个连接有 {count} 个报文，超过报告所能处理的 {most} 个；请抓一个更短的连接",
        ),
        "report.talkative": Text(
            "{file}: the connection has {count} messages, more than the {most} that a report is written about; capture a "
            "shorter one",
            "{file}：这个连接有 {count} 条消息，超过报告所能处理的 {most} 条；请抓一个更短的连接",
        ),
        "report.no-protocol": Text(
            "{file} was written with the protocol '{name}', which is not one of the kit's; name its file with --protocol, or "
            "the lab with --lab",
            "{file} 使用的协议 '{name}' 不是自带的协议；请用 --protocol 指明它的文件，或用 --lab 指明实验",
        ),
        "report.no-capture": Text(
            "{file} holds no capture any more; name the run or the capture it was written about with --run or --capture",
            "{file} 中已经没有抓包数据；请用 --run 或 --capture 指明当时的运行文件夹或抓包文件",
        ),
        "report.bad-capture": Text(
            "the capture inside {file} is damaged ({why}); name the run or the capture it was written about with --run or "
            "--capture",
            "{file} 内的抓包数据已损坏（{why}）；请用 --run 或 --capture 指明当时的运行文件夹或抓包文件",
        ),
    }
)
_TOO_LARGE = Bilingual("too large", "过大")


@dataclass(frozen=True, slots=True)
class Source:
    """One connection with all its packets, by their frame numbers in the file ``name`` that the student has.

    ``protocol`` is the profile's source text. ``run`` is there when it was played by wirelab.
    """

    name: str
    connection: Connection
    profile: Profile
    protocol: str
    packets: tuple[Packet, ...]
    frames: tuple[int, ...]
    linktype: int
    run: Run | None = None

    @property
    def seed(self) -> str:
        """What questions drawn by lot follow from: the packets, and nothing else."""
        digest = hashlib.sha256()
        for packet in self.packets:
            digest.update(packet.time.to_bytes(8, "big") + packet.data)
        return digest.hexdigest()

    @property
    def facts(self) -> Facts:
        """What can be asked about."""
        return facts_of(self.connection, self.profile, self.seed)

    @property
    def view(self) -> View | None:
        """The run as judging sees it, if there was one."""
        run = self.run
        return None if run is None else View(run.scenario, run.profile, run.evidence)


def of_run(folder: Path) -> Source:
    """The connection of a run that a report is about: the first one of the submission's client, else the first one of
    any client on which most was said. Raises InputError for what is no run folder, or has no connection."""
    run = read_run(folder)
    connection = chosen(View(run.scenario, run.profile, run.evidence))
    if connection is None:
        raise InputError("report.no-connection", file=folder)
    frames = tuple(one.segment.frame for one in connection.noted)
    packets = tuple(run.evidence.packets[frame - 1] for frame in frames)
    source = Source(
        "capture.pcapng", connection, run.profile, run.protocol, packets, frames, run.evidence.linktype, run
    )
    return _bounded(source, folder)


def chosen(view: View) -> Connection | None:
    """The connection of a run that is the student's: of a client of their own, else of a client that met their server;
    among several, the one on which most bytes went both ways; None when there is none that was opened."""

    def weight(connection: Connection) -> tuple[bool, bool, int]:
        ours = view.part(view.client_of(connection)) == "submission"
        said = sum(one.segment.length for one in connection.noted)
        return connection.handshake.complete, ours, said

    return max(view.connections, key=weight, default=None)


def of_capture(path: Path, selection: analysis.Selection, protocol: str | None) -> Source:
    """The connection of a capture made by hand. Raises InputError for what is no capture or has none, UsageError when
    several are left, or there is no such protocol."""
    with analysis.opened(path, selection.port) as (capture, let_go):
        found = analysis.conversations(capture, selection, path, let_go)
        picked = analysis.pick(found, selection)
        if picked is None:
            raise UsageError("report.several", file=path, count=len(found))
        if picked.packets > MOST:
            raise InputError("report.long", file=path, count=picked.packets, most=MOST)
        frames = (
            tuple(capture.frames[position] for position in picked.positions)
            if capture.frames
            else tuple(position + 1 for position in picked.positions)
        )
        packets = tuple(capture.packets[position] for position in picked.positions)
        linktype = capture.linktype
    connection = rebuilt(packets, frames, linktype, analysis.server_port(selection))
    if connection is None:
        raise InputError("report.no-connection", file=path)
    profile = analysis.guessed(connection) if protocol is None else analysis.load(protocol)
    text = analysis.protocol_text(profile.name if protocol is None else protocol)
    return _bounded(Source(path.name, connection, profile, text, packets, frames, linktype), path)


def _bounded(source: Source, file: Path | str) -> Source:
    if len(source.packets) > MOST:
        raise InputError("report.long", file=file, count=len(source.packets), most=MOST)
    count = len(source.facts.messages)
    if count > MOST_MESSAGES:
        raise InputError("report.talkative", file=file, count=count, most=MOST_MESSAGES)
    return source


def rebuilt(
    packets: Sequence[Packet], frames: Sequence[int], linktype: int, server_port: int | None
) -> Connection | None:
    """The connection that some packets are; None when no TCP is among them."""
    tracker = Tracker(server_port=server_port)
    for segment in Capture(linktype, packets, frames=frames, total=len(packets)).segments():
        tracker.feed(segment)
    return max(tracker.connections, key=lambda one: len(one.noted), default=None)


def sealed(source: Source) -> dict[str, object]:
    """A connection as plain data, to be put into a notebook."""
    data = write_pcapng(source.packets, source.linktype, application=f"wirelab {__version__}")
    return {
        "name": source.name,
        "port": source.connection.server.port,
        "frames": list(source.frames),
        "protocol": {"name": source.profile.name},
        "data": base64.b64encode(zlib.compress(data, 9)).decode(),
    }


@dataclass(frozen=True, slots=True)
class Sealed:
    """A connection as it lies in a notebook, before it is known what was said on it."""

    name: str
    protocol: str
    connection: Connection
    packets: tuple[Packet, ...]
    frames: tuple[int, ...]
    linktype: int


def opened(plain: object, file: Path | str) -> Sealed:
    """The packets that a notebook holds, and the connection that they are. Raises InputError when there are none, or
    they are damaged; changes are for ``digest`` to tell."""
    if not isinstance(plain, Mapping):
        raise InputError("report.no-capture", file=file)
    try:
        packed = base64.b64decode(str(plain["data"]), validate=True)
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, LARGEST)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise InputError("report.bad-capture", file=file, why=_TOO_LARGE)
        capture = read_capture(data, str(file))
        if len(capture.packets) > MOST:
            raise InputError("report.long", file=file, count=len(capture.packets), most=MOST)
        packets = tuple(capture.packets)
        frames = tuple(int(frame) for frame in plain["frames"])
        if len(frames) != len(packets) or list(frames) != sorted(set(frames)):
            raise ValueError(f"{len(frames)} frames, {len(packets)} packets")
        protocol, port = str(plain["protocol"]["name"]), int(plain["port"])
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError("report.bad-capture", file=file, why=f"{type(error).__name__}: {error}") from None
    connection = rebuilt(packets, frames, capture.linktype, port)
    if connection is None:
        raise InputError("report.no-connection", file=file)
    return Sealed(str(plain.get("name", "")), protocol, connection, packets, frames, capture.linktype)


def unsealed(plain: object, file: Path | str, protocols: Mapping[str, str] | None = None) -> Source:
    """A connection from what a notebook holds of it; ``protocols`` are the texts of further profiles, by name.

    A profile that lies in the notebook itself is never used: its patterns could be made to take for ever. Raises
    InputError as ``opened`` does, and for a protocol that is neither the kit's nor among ``protocols``.
    """
    it, known = opened(plain, file), protocols or {}
    if it.protocol in known:
        text = known[it.protocol]
    elif it.protocol in kit.protocol_names():
        text = kit.protocol_text(it.protocol)[0]
    else:
        raise InputError("report.no-protocol", file=file, name=it.protocol[:100])
    profile = load_profile(text, it.protocol)
    return _bounded(Source(it.name, it.connection, profile, text, it.packets, it.frames, it.linktype), file)


def digest(plain: object) -> str:
    """A checksum of plain data: the same for the same values, however they are written."""
    text = json.dumps(plain, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
