"""Reading and writing pcapng, over bytes in memory. Knows blocks and link types, no files, no TCP, no clocks.

Source: the IETF draft "PCAP Now Generic (pcapng) Capture File Format" (draft-ietf-opsawg-pcapng), named by section.
Callers use ``wirelab.observe.pcap``, which reads both formats.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from wirelab.base.errors import InputError
from wirelab.base.texts import Text, register
from wirelab.observe.captures import ROW, Buffer, Capture, Packets, supported_linktype
from wirelab.observe.segments import ETHERNET, LINKTYPES, RAW_IP, Packet, network_offset

register(
    {
        "pcapng.header-cut": Text(
            en="{file}: offset {offset}: expected a whole pcapng section header, but the file ends inside it, after "
            "{found} bytes. The capturing program was stopped before it had written anything: capture again.",
            zh="{file}：偏移 {offset}：此处应是完整的 pcapng 节头，但文件在 {found} 字节之后就结束了。"
            "抓包程序还没写入任何数据就被终止了，请重新抓包。",
        ),
        "pcapng.byte-order": Text(
            en="{file}: offset {offset}: expected the byte-order magic of a pcapng section header "
            "(1a 2b 3c 4d or 4d 3c 2b 1a), found {found}. The file is damaged.",
            zh="{file}：偏移 {offset}：此处应是 pcapng 节头的字节序标记（1a 2b 3c 4d 或 4d 3c 2b 1a），"
            "实际是 {found}。文件已损坏。",
        ),
        "pcapng.version": Text(
            en="{file}: offset {offset}: expected pcapng version 1, found {found}. Open the file in Wireshark and save "
            "it again as pcapng.",
            zh="{file}：偏移 {offset}：应为 pcapng 第 1 版，实际是第 {found} 版。"
            "请用 Wireshark 打开，再另存为 pcapng。",
        ),
        "pcapng.block-length": Text(
            en="{file}: offset {offset}: expected the length of a pcapng block (a multiple of 4, from {least} to "
            "{most} bytes), found {found}. The file is damaged here.",
            zh="{file}：偏移 {offset}：此处应是 pcapng 块的长度（4 的倍数，{least} 到 {most} 字节），"
            "实际是 {found}。文件从这里开始损坏。",
        ),
        "pcapng.trailer": Text(
            en="{file}: offset {offset}: a pcapng block must end with the length it began with: expected {expected}, "
            "found {found}. The file is damaged here.",
            zh="{file}：偏移 {offset}：pcapng 块的末尾必须重复开头的长度：应为 {expected}，实际是 {found}。"
            "文件从这里开始损坏。",
        ),
        "pcapng.inner-length": Text(
            en="{file}: offset {offset}: a packet or an option runs over the end of its pcapng block: expected at most "
            "{most} bytes, found {found}. The file is damaged here.",
            zh="{file}：偏移 {offset}：一个数据包或选项超出了它所在的 pcapng 块：最多应为 {most} 字节，"
            "实际是 {found}。文件从这里开始损坏。",
        ),
        "pcapng.interface": Text(
            en="{file}: offset {offset}: a packet belongs to interface {found}, but the file has described {known} "
            "interface(s) so far, numbered from 0. The file is damaged, or was put together wrongly.",
            zh="{file}：偏移 {offset}：一个数据包属于接口 {found}，但文件到此只描述了 {known} 个接口（从 0 编号）。"
            "文件已损坏，或拼接有误。",
        ),
        "pcapng.time": Text(
            en="{file}: offset {offset}: expected a time between the years 1970 and 2262, found {found} ns since 1970. "
            "The file is damaged, or its clock resolution (if_tsresol, if_tsoffset) is wrong.",
            zh="{file}：偏移 {offset}：时间应在 1970 年到 2262 年之间，实际是自 1970 年起 {found} 纳秒。"
            "文件已损坏，或时钟精度（if_tsresol、if_tsoffset）有误。",
        ),
    }
)


SECTION_MAGIC = bytes.fromhex("0a0d0d0a")
"""How a pcapng file begins: the type of a Section Header Block, the same in both byte orders."""

# Block types (draft, 11.1); 2 is the Packet Block of before 2009, which old Wiresharks wrote.
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _STATISTICS, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 5, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D

# Whole blocks of these kinds take at least so many bytes: the fixed fields, and 12 that every block has.
_LEAST = {_SECTION: 28, _INTERFACE: 20, _OLD_PACKET: 32, _SIMPLE_PACKET: 16, _STATISTICS: 24, _ENHANCED_PACKET: 32}

# Option codes (draft, 3.5 and 4.1 to 4.6); they mean different things in different blocks.
_COMMENT, _SHB_USERAPPL, _IF_NAME, _IF_TSRESOL, _IF_TSOFFSET = 1, 4, 2, 9, 14
_IF_RECEIVED, _IF_DROPPED, _OS_DROPPED = 4, 5, 7
_END_OF_OPTIONS = bytes(4)
_UNKNOWN_COUNT = 2**64 - 1  # what some tools write for a counter they do not have

_MAX_BLOCK = 16 * 1024 * 1024
"""A block that claims more than this and is not there is nonsense, rather than cut. As in libpcap."""

_NANOSECOND_EXPONENT = 9
_LATEST = 2**63
_MAX_OPTION = 0xFFFF


def read_pcapng(buffer: Buffer, name: str) -> Capture:
    """The packets of a pcapng file, every section of it; unknown blocks are passed over.

    ``name`` is what errors call the file. A packet without a time (Simple Packet Block) gets that of the packet
    before it. Raises InputError for damage, and for link types none of which can be decoded.
    """
    return _Reader(buffer, name).read()


def write_pcapng(
    packets: Iterable[Packet],
    linktype: int,
    *,
    comments: Mapping[int, str] | None = None,
    lost: int = 0,
    application: str,
    interface: str = "lo",
) -> bytes:
    """A pcapng file: one section, one interface, times in nanoseconds, interface statistics at the end.

    ``comments`` are by frame number, from 1; ``lost`` is how many packets the tap had to drop. Times must lie
    between 0 and 2**63 ns. The same arguments give the same bytes on every machine. Raises ValueError for a comment
    on a frame that is not among the packets: nothing said about a frame may get lost.
    """
    comments = comments or {}
    application_option = _option(_SHB_USERAPPL, application.encode()) + _END_OF_OPTIONS
    described = (
        _option(_IF_NAME, interface.encode()) + _option(_IF_TSRESOL, bytes([_NANOSECOND_EXPONENT])) + _END_OF_OPTIONS
    )
    blocks = [
        _block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER_MAGIC, 1, 0, -1) + application_option),
        _block(_INTERFACE, struct.pack("<HHI", linktype, 0, 0) + described),
    ]
    count = last = 0
    commented = 0
    for count, packet in enumerate(packets, 1):
        last, data, length = packet
        head = struct.pack("<IIIII", 0, last >> 32, last & 0xFFFFFFFF, len(data), length)
        options = b""
        if count in comments:
            commented += 1
            pieces = _pieces(comments[count].encode(errors="replace"))
            options = b"".join(_option(_COMMENT, piece) for piece in pieces) + _END_OF_OPTIONS
        blocks.append(_block(_ENHANCED_PACKET, head + _padded(data) + options))
    if commented != len(comments):
        raise ValueError(f"comments on frames beyond 1 to {count}: {sorted(comments)}")
    statistics = struct.pack("<III", 0, last >> 32, last & 0xFFFFFFFF)
    statistics += _option(_IF_RECEIVED, struct.pack("<Q", count + lost)) + _option(_IF_DROPPED, struct.pack("<Q", lost))
    blocks.append(_block(_STATISTICS, statistics + _END_OF_OPTIONS))
    return b"".join(blocks)


class _Layout:
    """The fixed parts of blocks in one byte order, ``<`` or ``>``."""

    def __init__(self, order: str) -> None:
        self.block = struct.Struct(order + "II")
        self.word = struct.Struct(order + "I")
        self.version = struct.Struct(order + "HH")
        self.interface = struct.Struct(order + "HHI")
        self.packet = struct.Struct(order + "IIIIIII")  # an Enhanced Packet Block from its start
        self.enhanced = struct.Struct(order + "IIIII")
        self.old = struct.Struct(order + "HxxIIII")  # passes over its count of drops
        self.statistics = struct.Struct(order + "III")
        self.option = struct.Struct(order + "HH")
        self.counter = struct.Struct(order + "Q")
        self.seconds = struct.Struct(order + "q")


_ANY_LAYOUT = _Layout("<")  # before the first section header, whose type reads the same in both byte orders
_LAYOUTS = {_BYTE_ORDER_MAGIC.to_bytes(4, "little"): _ANY_LAYOUT, _BYTE_ORDER_MAGIC.to_bytes(4, "big"): _Layout(">")}


class _Interface(NamedTuple):
    """An Interface Description Block: ``ticks * multiplier // divisor + shift`` is the time in ns since the epoch."""

    linktype: int
    snaplen: int
    multiplier: int
    divisor: int
    shift: int
    offset: int


class _Reader:
    """One pass over a pcapng file; what it has gathered so far."""

    def __init__(self, buffer: Buffer, name: str) -> None:
        self.buffer = buffer
        self.name = name
        self.layout: _Layout | None = None
        self.section = 0
        self.interfaces: list[_Interface] = []  # of the section at hand, which numbers them anew
        self.described: list[_Interface] = []  # of all sections
        self.rows = bytearray()  # see Packets
        self.linktypes: array[int] = array("H")  # one a packet
        self.comments: dict[int, str] = {}
        self.dropped: dict[tuple[int, int], int] = {}  # by section and interface: counters are cumulative
        self.last_time = 0

    def read(self) -> Capture:
        at, size = 0, len(self.buffer)
        while at < size:
            end = self.block(at, size)
            if end is None:
                break
            at = self.plain_packets(end, size)
        if self.layout is None:
            raise self.error("pcapng.header-cut", 0, found=size)
        linktype, packets = self.on_one_linktype()
        return Capture(linktype, packets, sum(self.dropped.values()), self.comments, truncated=at < size)

    def error(self, key: str, offset: int, **values: object) -> InputError:
        return InputError(key, file=self.name, offset=offset, **values)

    def block(self, at: int, size: int) -> int | None:
        """Reads the block at ``at``; gives where it ends, or None when the file ends inside it."""
        if size - at < 12:
            return None
        buffer = self.buffer
        layout = self.layout
        kind, total = (layout or _ANY_LAYOUT).block.unpack_from(buffer, at)
        if layout is None or kind == _SECTION:  # says itself in what byte order it is
            magic = bytes(buffer[at + 8 : at + 12])
            if magic not in _LAYOUTS:
                raise self.error("pcapng.byte-order", at + 8, found=magic.hex(" "))
            layout = _LAYOUTS[magic]
            kind, total = layout.block.unpack_from(buffer, at)
        end: int = at + total
        least = _LEAST.get(kind, 12)
        if total < least or total % 4 or (total > _MAX_BLOCK and end > size):
            raise self.error("pcapng.block-length", at + 4, found=total, least=least, most=_MAX_BLOCK)
        if end > size:
            return None
        (trailer,) = layout.word.unpack_from(buffer, end - 4)
        if trailer != total:
            raise self.error("pcapng.trailer", end - 4, expected=total, found=trailer)
        if kind == _ENHANCED_PACKET:
            self.packet(layout, at, end, layout.enhanced.unpack_from(buffer, at + 8))
        elif kind == _OLD_PACKET:
            self.packet(layout, at, end, layout.old.unpack_from(buffer, at + 8))
        elif kind == _SIMPLE_PACKET:
            self.simple_packet(layout, at, end)
        elif kind == _INTERFACE:
            self.interface(layout, at, end)
        elif kind == _STATISTICS:
            self.statistics(layout, at, end)
        elif kind == _SECTION:
            self.new_section(layout, at)
        return end

    def plain_packets(self, at: int, size: int) -> int:
        """Passes over sound packets without options, most of any large file, at twice the speed of ``block``.

        Gives where the first block begins that is anything else, for ``block`` to read or to complain about.
        """
        buffer, interfaces, rows, linktypes = self.buffer, self.interfaces, self.rows, self.linktypes
        if self.layout is None:
            return at
        head, tail, pack = self.layout.packet.unpack_from, self.layout.word.unpack_from, ROW.pack
        while size - at >= 32:
            kind, total, number, high, low, kept, length = head(buffer, at)
            end = at + total
            if kind != _ENHANCED_PACKET or total != 32 + kept + (-kept & 3) or end > size or number >= len(interfaces):
                break
            linktype, _, multiplier, divisor, shift, _ = interfaces[number]
            time = (high << 32 | low) * multiplier // divisor + shift
            if tail(buffer, end - 4)[0] != total or not 0 <= time < _LATEST:
                break
            rows += pack(time, at + 28, kept, kept if kept > length else length)
            linktypes.append(linktype)
            self.last_time = time
            at = end
        return at

    def new_section(self, layout: _Layout, at: int) -> None:
        major, _ = layout.version.unpack_from(self.buffer, at + 12)
        if major != 1:
            raise self.error("pcapng.version", at + 12, found=major)
        self.layout = layout
        self.section += 1
        self.interfaces = []

    def interface(self, layout: _Layout, at: int, end: int) -> None:
        linktype, _, snaplen = layout.interface.unpack_from(self.buffer, at + 8)
        resolution, shift = 6, 0  # microseconds, unless if_tsresol says otherwise
        for code, start, length in self.options(layout, at + 16, end - 4):
            if code == _IF_TSRESOL and length == 1:
                (resolution,) = bytes(self.buffer[start : start + 1])
            elif code == _IF_TSOFFSET and length == 8:
                shift = layout.seconds.unpack_from(self.buffer, start)[0] * 10**9
        divisor = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        described = _Interface(linktype, snaplen, 10**9, divisor, shift, at)
        if divisor <= described.multiplier and described.multiplier % divisor == 0:
            described = described._replace(multiplier=described.multiplier // divisor, divisor=1)
        self.interfaces.append(described)
        self.described.append(described)

    def source(self, number: int, offset: int) -> _Interface:
        if number >= len(self.interfaces):
            raise self.error("pcapng.interface", offset, found=number, known=len(self.interfaces))
        return self.interfaces[number]

    def packet(self, layout: _Layout, at: int, end: int, fields: tuple[int, ...]) -> None:
        number, high, low, kept, length = fields
        interface = self.source(number, at + 8)
        if kept > end - at - 32:
            raise self.error("pcapng.inner-length", at + 20, found=kept, most=end - at - 32)
        time = (high << 32 | low) * interface.multiplier // interface.divisor + interface.shift
        if not 0 <= time < _LATEST:
            raise self.error("pcapng.time", at + 12, found=time)
        self.last_time = time
        self.rows += ROW.pack(time, at + 28, kept, max(kept, length))
        self.linktypes.append(interface.linktype)
        behind = at + 28 + kept + (-kept & 3)
        if behind < end - 4:
            self.comment(layout, behind, end - 4)

    def comment(self, layout: _Layout, at: int, end: int) -> None:
        """Notes the comments among the options of the last packet; where it has several, one a line."""
        comments = [
            bytes(self.buffer[start : start + length]).decode("utf-8", "replace")
            for code, start, length in self.options(layout, at, end)
            if code == _COMMENT
        ]
        if comments:
            self.comments[len(self.linktypes)] = "\n".join(comments)

    def simple_packet(self, layout: _Layout, at: int, end: int) -> None:
        interface = self.source(0, at)
        (length,) = layout.word.unpack_from(self.buffer, at + 8)
        kept = min(length, interface.snaplen or length)
        if kept > end - at - 16:
            raise self.error("pcapng.inner-length", at + 8, found=kept, most=end - at - 16)
        self.rows += ROW.pack(self.last_time, at + 12, kept, length)
        self.linktypes.append(interface.linktype)

    def statistics(self, layout: _Layout, at: int, end: int) -> None:
        number, _, _ = layout.statistics.unpack_from(self.buffer, at + 8)
        dropped = 0
        for code, start, length in self.options(layout, at + 20, end - 4):
            if code in (_IF_DROPPED, _OS_DROPPED) and length == 8:
                (count,) = layout.counter.unpack_from(self.buffer, start)
                dropped += count if count != _UNKNOWN_COUNT else 0
        self.dropped[self.section, number] = dropped

    def options(self, layout: _Layout, at: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The options between two offsets: code, where the value starts, its length (draft, 3.5)."""
        while end - at >= 4:
            code, length = layout.option.unpack_from(self.buffer, at)
            if code == 0:
                return
            if length > end - at - 4:
                raise self.error("pcapng.inner-length", at + 2, found=length, most=end - at - 4)
            yield code, at + 4, length
            at += 4 + length + (-length & 3)

    def on_one_linktype(self) -> tuple[int, Packets]:
        """The link type of all packets, and the packets; see ``Capture`` for what is done where they differ."""
        packets = Packets(self.buffer, self.rows)
        used = {interface.linktype for interface in self.described}
        if len(used) > 1:
            used = set(self.linktypes) or used
        if not used:
            return ETHERNET, packets  # no interface, so no packet
        if len(used) == 1 or used.isdisjoint(LINKTYPES):
            first = next(interface for interface in self.described if interface.linktype in used)
            return supported_linktype(first.linktype, self.name, first.offset + 8), packets
        if not self.linktypes:
            return RAW_IP, packets
        raw = bytearray()
        for (time, offset, kept, length), linktype in zip(ROW.iter_unpack(self.rows), self.linktypes, strict=True):
            start = network_offset(bytes(self.buffer[offset : offset + kept]), linktype)
            place = (offset + start, kept - start, length - start) if start >= 0 else (0, 0, 0)
            raw += ROW.pack(time, *place)
        return RAW_IP, Packets(self.buffer, raw)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) & 3)


def _block(kind: int, body: bytes) -> bytes:
    total = struct.pack("<I", len(body) + 12)
    return b"".join((struct.pack("<I", kind), total, body, total))


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _pieces(text: bytes) -> Iterator[bytes]:
    """UTF-8 text in pieces that fit into an option each, cut between characters."""
    while len(text) > _MAX_OPTION:
        cut = _MAX_OPTION
        while text[cut] & 0xC0 == 0x80:
            cut -= 1
        yield text[:cut]
        text = text[cut:]
    yield text
