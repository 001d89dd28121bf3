"""Capture files, pcap and pcapng, from bytes and to bytes. Knows no TCP and no clocks, and opens no files.

The caller reads or maps the file and hands over a buffer; ``read_capture`` sees by the first bytes what it is. What
is not a capture gets an error that says what it is instead, because that is how students come to hand in a
screenshot of Wireshark. Source for pcap: the IETF draft "PCAP Capture File Format" (draft-ietf-opsawg-pcap).
"""

from __future__ import annotations

import codecs
import struct
from array import array
from collections.abc import Iterable

from wirelab.base.errors import InputError
from wirelab.base.texts import Text, register
from wirelab.observe.captures import ROW, Buffer, Capture, Packets, supported_linktype
from wirelab.observe.pcapng import SECTION_MAGIC, read_pcapng
from wirelab.observe.pcapng_writer import write_pcapng
from wirelab.observe.segments import Packet
from wirelab.observe.sieve import PLAIN, STRIDE, Glance, Sieve

__all__ = ["Buffer", "Capture", "Packets", "Sieve", "read_capture", "write_pcap", "write_pcapng"]

register(
    {
        "pcap.empty": Text(
            en="{file}: offset {offset}: expected a pcap or pcapng capture, found an empty file. The capturing program "
            "was killed before it wrote anything: stop tcpdump with Ctrl-C, and start it with -U, so that it writes "
            "every packet at once.",
            zh="{file}：偏移 {offset}：应为 pcap 或 pcapng 抓包文件，实际是空文件。抓包程序还没写入数据就被杀掉了："
            "请用 Ctrl-C 结束 tcpdump，并在启动时加 -U，让它每抓到一个包就立即写入。",
        ),
        "pcap.compressed": Text(
            en="{file}: offset {offset}: expected a pcap or pcapng capture, found {kind} data ({found}). "
            "Unpack it first: {command} {file} > capture.pcapng",
            zh="{file}：偏移 {offset}：应为 pcap 或 pcapng 抓包文件，实际是 {kind} 压缩数据（{found}）。"
            "请先解压：{command} {file} > capture.pcapng",
        ),
        "pcap.picture": Text(
            en="{file}: offset {offset}: expected a pcap or pcapng capture, found a {kind} file ({found}). A picture "
            "or printout of Wireshark holds no packets: in Wireshark, choose File > Save As, type pcapng.",
            zh="{file}：偏移 {offset}：应为 pcap 或 pcapng 抓包文件，实际是 {kind} 文件（{found}）。"
            "Wireshark 的截图或打印件里没有数据包：请在 Wireshark 中选“文件 > 另存为”，类型选 pcapng。",
        ),
        "pcap.other-capture": Text(
            en="{file}: offset {offset}: expected a pcap or pcapng capture, found a capture in another format, {kind} "
            "({found}). Convert it: editcap -F pcapng {file} capture.pcapng",
            zh="{file}：偏移 {offset}：应为 pcap 或 pcapng 抓包文件，实际是另一种抓包格式 {kind}（{found}）。"
            "请先转换：editcap -F pcapng {file} capture.pcapng",
        ),
        "pcap.json": Text(
            en="{file}: offset {offset}: expected a pcap or pcapng capture, found what looks like JSON: {found}\n"
            "What Wireshark or tshark exported as JSON cannot be turned back into packets: save the capture itself, "
            "with File > Save As, type pcapng.",
            zh="{file}：偏移 {offset}：应为 pcap 或 pcapng 抓包文件，实际看起来是 JSON：{found}\n"
            "Wireshark 或 tshark 导出的 JSON 无法还原成数据包：请保存抓包本身（“文件 > 另存为”，类型选 pcapng）。",
        ),
        "pcap.text": Text(
            en="{file}: offset {offset}: expected a pcap or pcapng capture, found text: {found}\n"
            "What tcpdump or tshark prints on the screen is no capture: let it write one, with -w capture.pcapng.",
            zh="{file}：偏移 {offset}：应为 pcap 或 pcapng 抓包文件，实际是文本：{found}\n"
            "tcpdump 或 tshark 打印在屏幕上的内容不是抓包文件：请用 -w capture.pcapng 让它写入文件。",
        ),
        "pcap.not-a-capture": Text(
            en="{file}: offset {offset}: expected the first bytes of a pcap or pcapng capture ({expected}), "
            "found {found}. Save it from Wireshark with File > Save As, type pcapng.",
            zh="{file}：偏移 {offset}：此处应是 pcap 或 pcapng 抓包文件的开头（{expected}），实际是 {found}。"
            "请在 Wireshark 中用“文件 > 另存为”保存，类型选 pcapng。",
        ),
        "pcap.header-cut": Text(
            en="{file}: offset {offset}: the file ends inside the pcap file header: expected 24 bytes, found {found}. "
            "The capturing program was stopped before it had written anything: capture again.",
            zh="{file}：偏移 {offset}：文件在 pcap 文件头内部就结束了：应有 24 字节，实际只有 {found} 字节。"
            "抓包程序还没写入任何数据就被终止了，请重新抓包。",
        ),
        "pcap.version": Text(
            en="{file}: offset {offset}: expected pcap version 2, found {found}. Open the file in Wireshark and save "
            "it again as pcapng.",
            zh="{file}：偏移 {offset}：应为 pcap 第 2 版，实际是第 {found} 版。请用 Wireshark 打开，再另存为 pcapng。",
        ),
        "pcap.packet-length": Text(
            en="{file}: offset {offset}: expected the length of packet {frame} (at most {most} bytes), found {found}. "
            "The file is damaged here.",
            zh="{file}：偏移 {offset}：此处应是第 {frame} 个数据包的长度（最多 {most} 字节），实际是 {found}。"
            "文件从这里开始损坏。",
        ),
    }
)

# The first four bytes of a pcap file: byte order for struct, and nanoseconds in a unit of its fractions.
_PCAP_MAGICS = {
    bytes.fromhex("d4c3b2a1"): ("<", 1000),
    bytes.fromhex("a1b2c3d4"): (">", 1000),
    bytes.fromhex("4d3cb2a1"): ("<", 1),
    bytes.fromhex("a1b23c4d"): (">", 1),
}
_NANOSECOND_MAGIC = 0xA1B23C4D

_MAX_PACKET = 1024 * 1024
"""No frame that carries IP is larger; a larger length is nonsense. libpcap stops at 256 KiB, which jumbograms pass."""

# How files begin that people take for captures: key of the text, and what fills it.
_FOREIGN = {
    b"\x1f\x8b": ("pcap.compressed", {"kind": "gzip", "command": "gunzip -c"}),
    b"\x28\xb5\x2f\xfd": ("pcap.compressed", {"kind": "Zstandard", "command": "zstd -dc"}),
    b"\x04\x22\x4d\x18": ("pcap.compressed", {"kind": "LZ4", "command": "lz4 -dc"}),
    b"\xfd7zXZ\x00": ("pcap.compressed", {"kind": "xz", "command": "xz -dc"}),
    b"BZh": ("pcap.compressed", {"kind": "bzip2", "command": "bunzip2 -c"}),
    b"PK\x03\x04": ("pcap.compressed", {"kind": "ZIP", "command": "unzip -p"}),
    b"\x89PNG": ("pcap.picture", {"kind": "PNG"}),
    b"\xff\xd8\xff": ("pcap.picture", {"kind": "JPEG"}),
    b"GIF8": ("pcap.picture", {"kind": "GIF"}),
    b"%PDF": ("pcap.picture", {"kind": "PDF"}),
    b"snoop\x00\x00\x00": ("pcap.other-capture", {"kind": "snoop"}),
    b"GMBU": ("pcap.other-capture", {"kind": "Microsoft NetMon"}),
    b"\xa1\xb2\xcd\x34": ("pcap.other-capture", {"kind": "modified pcap"}),
    b"\x34\xcd\xb2\xa1": ("pcap.other-capture", {"kind": "modified pcap"}),
}


def read_capture(buffer: Buffer, name: str, sieve: Sieve | None = None) -> Capture:
    """The packets of a pcap file (microseconds or nanoseconds, either byte order) or a pcapng file.

    ``name`` is what errors call the file. The buffer is not copied: see ``Packets``. With a ``sieve``, only the
    packets that it keeps, in a fraction of the time. Raises InputError, and nothing else whatever the bytes, for what
    is not a capture, for damage, and for link types that cannot be decoded; a file that merely ends too early gives
    what is whole, with ``truncated`` set.
    """
    if isinstance(buffer, memoryview):
        buffer = buffer.cast("B")
    start = bytes(buffer[:4])
    if start == SECTION_MAGIC:
        return read_pcapng(buffer, name, sieve)
    if start in _PCAP_MAGICS:
        order, unit = _PCAP_MAGICS[start]
        return _read_pcap(buffer, name, order, unit, sieve or Sieve(None))
    raise _foreign(bytes(buffer[:512]), name)


def write_pcap(packets: Iterable[Packet], linktype: int) -> bytes:
    """A pcap file with times in nanoseconds, which must lie between 0 and 2**32 s; the same bytes on every machine.

    It has no place for comments and losses: ``write_pcapng`` keeps those.
    """
    parts = [struct.pack("<IHHiIII", _NANOSECOND_MAGIC, 2, 4, 0, 0, _MAX_PACKET, linktype)]
    for time, data, length in packets:
        parts.append(struct.pack("<IIII", time // 10**9, time % 10**9, len(data), length))
        parts.append(data)
    return b"".join(parts)


def _read_pcap(buffer: Buffer, name: str, order: str, unit: int, sieve: Sieve) -> Capture:
    size = len(buffer)
    if size < 24:
        raise InputError("pcap.header-cut", file=name, offset=0, found=size)
    major, network = struct.unpack_from(order + "4xH14xI", buffer)
    if major != 2:
        raise InputError("pcap.version", file=name, offset=4, found=major)
    linktype = supported_linktype(network & 0xFFFF, name, 20)  # above it, how long a frame check sequence is
    record = struct.Struct(order + "IIII")
    rows = bytearray()
    frames = array("Q")
    at, frame = 24, 0
    glance = sieve.glance(order, linktype, "8xI", "4x")
    while size - at >= 16:
        if glance is not None:
            at, frame = _sift(buffer, at, frame, glance, sieve)
            if size - at < 16:
                break
        seconds, fraction, kept, length = record.unpack_from(buffer, at)
        if kept > _MAX_PACKET:
            raise InputError(
                "pcap.packet-length", file=name, offset=at + 8, frame=frame + 1, most=_MAX_PACKET, found=kept
            )
        if kept > size - at - 16:
            break
        frame += 1
        if sieve.keeps(buffer, at + 16, kept, length, linktype):
            rows += ROW.pack(seconds * 10**9 + fraction * unit, at + 16, kept, kept if kept > length else length)
            if sieve.port is not None:
                frames.append(frame)
        at += 16 + kept
    packets = Packets(buffer, rows)
    numbers = range(1, frame + 1) if sieve.port is None else frames
    return Capture(linktype, packets, truncated=at < size, frames=numbers, total=frame)


def _sift(buffer: Buffer, at: int, frame: int, glance: Glance, sieve: Sieve) -> tuple[int, int]:
    """Passes over the packets from ``at`` on that can be turned away at a glance; ``frame`` counts those before.

    Gives where the first record begins that must be looked at, and the number of packets before that.
    """
    (fields, port, tagged, least), size = glance, len(buffer)
    unpack, most, kept = fields.unpack_from, _MAX_PACKET, 0
    last = size - fields.size
    while at <= last:
        stop = min(last, at + STRIDE)
        while at <= stop:
            kept, kind, first, src, dst = unpack(buffer, at)
            if first != PLAIN or port in (src, dst) or kind in tagged or not least <= kept <= most:
                sieve.reached(at)
                return at, frame
            frame += 1
            at += 16 + kept
        sieve.reached(at)
    return (at, frame) if at <= size else (at - 16 - kept, frame - 1)  # the last one is cut


def _foreign(start: bytes, name: str) -> InputError:
    """The error for a file that is no capture, from its first bytes (512 at most)."""
    if not start:
        return InputError("pcap.empty", file=name, offset=0)
    found = start[:8].hex(" ")
    for magic, (key, values) in _FOREIGN.items():
        if start.startswith(magic):
            return InputError(key, file=name, offset=0, found=found, **values)
    line = _first_line(start)
    if line:
        return InputError("pcap.json" if line[0] in "{[" else "pcap.text", file=name, offset=0, found=line)
    magics = ", ".join(magic.hex(" ") for magic in (SECTION_MAGIC, *_PCAP_MAGICS))
    return InputError("pcap.not-a-capture", file=name, offset=0, expected=magics, found=found)


def _first_line(start: bytes) -> str:
    """The first line that is not blank, at most 80 characters of it; empty when this is no UTF-8 text."""
    try:
        # The 512 bytes may end inside a character, which the incremental decoder forgives.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return ""
    if not all(character.isprintable() or character in "\t\r\n\f\x1b" for character in text):
        return ""
    lines = ("".join(filter(str.isprintable, line)).strip() for line in text.splitlines())
    return next((line[:80] for line in lines if line), "")
