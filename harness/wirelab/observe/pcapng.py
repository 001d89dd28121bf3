"""Reading pcapng, over bytes in memory. Knows blocks and link types, no files, no TCP, no clocks.

Source: the IETF draft "PCAP Now Generic (pcapng) Capture File Format" (draft-ietf-opsawg-pcapng), named by section.
Callers use ``wirelab.observe.pcap``, which reads both formats.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from wirelab.base.errors import InputError
from wirelab.base.texts import Text, register
from wirelab.observe.captures import ROW, Buffer, Capture, Packets, supported_linktype
from wirelab.observe.segments import ETHERNET, LINKTYPES, RAW_IP, network_offset
from wirelab.observe.sieve import PLAIN, STRIDE, Glance, Sieve

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
_COMMENT, _IF_TSRESOL, _IF_TSOFFSET, _IF_DROPPED, _OS_DROPPED = 1, 9, 14, 5, 7
_UNKNOWN_COUNT = 2**64 - 1  # what some tools write for a counter they do not have

_MAX_BLOCK = 16 * 1024 * 1024
"""A block that claims more than this and is not there is nonsense, rather than cut. As in libpcap."""

_LATEST = 2**63


def read_pcapng(buffer: Buffer, name: str, sieve: Sieve | None = None) -> Capture:
    """The packets of a pcapng file, every section of it, or those a sieve keeps; unknown blocks are passed over.

    ``name`` is what errors call the file. A packet without a time (Simple Packet Block) gets that of the packet
    before it. Raises InputError for damage, and for link types none of which can be decoded.
    """
    return _Reader(buffer, name, sieve).read()


class _Layout:
    """The fixed parts of blocks in one byte order, ``<`` or ``>``."""

    def __init__(self, order: str) -> None:
        self.order = order
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
    """An Interface Description Block: ``ticks * multiplier // divisor + shift`` is the time in ns since the epoch.

    Ticks whose upper word is below ``early`` give a sound time for certain.
    """

    linktype: int
    snaplen: int
    multiplier: int
    divisor: int
    shift: int
    offset: int
    early: int


class _Reader:
    """One pass over a pcapng file; what it has gathered so far."""

    def __init__(self, buffer: Buffer, name: str, sieve: Sieve | None) -> None:
        self.buffer = buffer
        self.name = name
        self.sieve = sieve or Sieve(None)
        self.layout: _Layout | None = None
        self.section = 0
        self.interfaces: list[_Interface] = []  # of the section at hand, which numbers them anew
        self.glances: dict[int, Glance | None] = {}  # by their numbers
        self.described: list[_Interface] = []  # of all sections
        self.rows = bytearray()  # see Packets
        self.linktypes: array[int] = array("H")  # one a packet
        self.frames: array[int] = array("Q")  # one a packet, where a sieve leaves others out
        self.total = 0
        self.comments: dict[int, str] = {}
        self.dropped: dict[tuple[int, int], int] = {}  # by section and interface: counters are cumulative
        self.last_time = 0

    def read(self) -> Capture:
        at, size = 0, len(self.buffer)
        while at < size:
            end = self.block(at, size)
            if end is None:
                break
            at = self.plain_packets(end, size) if self.sieve.port is None else self.sifted(end, size)
            self.sieve.reached(at)
        if self.layout is None:
            raise self.error("pcapng.header-cut", 0, found=size)
        linktype, packets = self.on_one_linktype()
        frames = range(1, self.total + 1) if self.sieve.port is None else self.frames
        lost = sum(self.dropped.values())
        return Capture(linktype, packets, lost, self.comments, at < size, frames, self.total)

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
        last = min(size - 32, at + STRIDE)
        while at <= last:
            kind, total, number, high, low, kept, length = head(buffer, at)
            end = at + total
            if kind != _ENHANCED_PACKET or total != 32 + kept + (-kept & 3) or end > size or number >= len(interfaces):
                break
            linktype, _, multiplier, divisor, shift, _, _ = interfaces[number]
            time = (high << 32 | low) * multiplier // divisor + shift
            if tail(buffer, end - 4)[0] != total or not 0 <= time < _LATEST:
                break
            rows += pack(time, at + 28, kept, kept if kept > length else length)
            linktypes.append(linktype)
            self.last_time = time
            at = end
        self.total = len(linktypes)
        return at

    def sifted(self, at: int, size: int) -> int:
        """Passes over packets that the sieve turns away at a glance, options and all.

        Gives where the first block begins that is anything else, for ``block`` to read.
        """
        layout, before = self.layout, -1
        while layout is not None and size - at >= 32 and at != before:
            kind, _, number, *_ = layout.packet.unpack_from(self.buffer, at)
            if kind != _ENHANCED_PACKET or number >= len(self.interfaces):
                break
            glance, before = self.glance(layout, number), at
            if glance is not None:
                at = self.sifted_of(number, glance, at, size, layout)
                self.sieve.reached(at)
        return at

    def sifted_of(self, number: int, glance: Glance, at: int, size: int, layout: _Layout) -> int:
        """``sifted``, up to the first packet of another interface, or the next stride."""
        (fields, port, tagged, least), buffer, total, before = glance, self.buffer, self.total, at
        unpack, tail, early = fields.unpack_from, layout.word.unpack_from, self.interfaces[number].early
        last = min(size - fields.size, at + STRIDE)
        (wanted,) = tail(buffer, at - 4)
        while at <= last:
            # The length at the end of each block is read together with the next one's beginning.
            trailer, kind, length, source, high, kept, ether, first, src, dst = unpack(buffer, at - 4)
            if (
                first != PLAIN
                or port in (src, dst)
                or trailer != wanted
                or kind != _ENHANCED_PACKET
                or source != number
                or not least <= kept <= length - 32
                or ether in tagged
                or length & 3
                or high >= early
            ):
                break
            total += 1
            before, wanted = at, length
            at += length
        if at > size or tail(buffer, at - 4)[0] != wanted:  # the last one is cut or damaged: ``block`` will see
            at, total = before, total - 1
        self.total = total
        return at

    def glance(self, layout: _Layout, number: int) -> Glance | None:
        """How to glance at the packets of an interface of this section; worked out once."""
        if number not in self.glances:
            linktype = self.interfaces[number].linktype
            self.glances[number] = self.sieve.glance(layout.order, linktype, "IIIII4xI", "4x")
        return self.glances[number]

    def new_section(self, layout: _Layout, at: int) -> None:
        major, _ = layout.version.unpack_from(self.buffer, at + 12)
        if major != 1:
            raise self.error("pcapng.version", at + 12, found=major)
        self.layout = layout
        self.section += 1
        self.interfaces = []
        self.glances = {}

    def interface(self, layout: _Layout, at: int, end: int) -> None:
        linktype, _, snaplen = layout.interface.unpack_from(self.buffer, at + 8)
        resolution, shift = 6, 0  # microseconds, unless if_tsresol says otherwise
        for code, start, length in self.options(layout, at + 16, end - 4):
            if code == _IF_TSRESOL and length == 1:
                (resolution,) = bytes(self.buffer[start : start + 1])
            elif code == _IF_TSOFFSET and length == 8:
                shift = layout.seconds.unpack_from(self.buffer, start)[0] * 10**9
        divisor = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        early = ((_LATEST - shift) * divisor // 10**9 >> 32) if 0 <= shift < _LATEST else 0
        described = _Interface(linktype, snaplen, 10**9, divisor, shift, at, early)
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
        if not self.keep(time, at + 28, kept, max(kept, length), interface.linktype):
            return
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
            self.comments[self.total] = "\n".join(comments)

    def simple_packet(self, layout: _Layout, at: int, end: int) -> None:
        interface = self.source(0, at)
        (length,) = layout.word.unpack_from(self.buffer, at + 8)
        kept = min(length, interface.snaplen or length)
        if kept > end - at - 16:
            raise self.error("pcapng.inner-length", at + 8, found=kept, most=end - at - 16)
        self.keep(self.last_time, at + 12, kept, length, interface.linktype)

    def keep(self, time: int, at: int, kept: int, length: int, linktype: int) -> bool:
        """Note where a packet lies, if the sieve does not turn it away."""
        self.total += 1
        if not self.sieve.keeps(self.buffer, at, kept, length, linktype):
            return False
        if self.sieve.port is not None:
            self.frames.append(self.total)
        self.rows += ROW.pack(time, at, kept, length)
        self.linktypes.append(linktype)
        return True

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
