"""What a capture file holds, as values, whatever its format. Knows no format, no files and no TCP.

How reading works: one pass over the buffer checks the whole file and notes where each packet lies (32 bytes of index
a packet); the bytes are cut out only when a packet is asked for. So nothing is allocated that a file merely claims,
a million packets cost an index, and whatever is wrong with a file is said before the first packet is used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, overload

from wirelab.base.errors import InputError
from wirelab.base.texts import Text, register
from wirelab.observe.segments import LINKTYPES, Packet, Segment, decode

register(
    {
        "capture.linktype": Text(
            en="{file}: offset {offset}: expected a link type that carries TCP/IP ({expected}), found {found}. "
            "Capture on the loopback interface (lo, lo0, Npcap Loopback Adapter), or on an Ethernet interface.",
            zh="{file}：偏移 {offset}：应为承载 TCP/IP 的链路类型（{expected}），实际是 {found}。"
            "请在回环接口（lo、lo0、Npcap Loopback Adapter）或以太网接口上抓包。",
        ),
    }
)

ROW = struct.Struct("=4q")
"""Where a packet lies: time in ns, offset in the buffer, bytes kept, length on the wire. Packed, as that is fastest."""

# What students capture by mistake, to be called by its name.
_OTHER_LINKTYPES = {
    105: "IEEE 802.11",
    127: "IEEE 802.11 radiotap",
    187: "Bluetooth HCI",
    189: "USB (Linux)",
    201: "Bluetooth HCI",
    220: "USB (Linux)",
    249: "USBPcap",
    253: "Netlink",
}


class Buffer(Protocol):
    """The bytes of a file: ``bytes``, a ``memoryview``, or an ``mmap``."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes | memoryview: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...


class Packets(Sequence[Packet]):
    """The packets of a capture, in captured order; each is cut out of the buffer when it is asked for.

    ``rows`` is packed ``ROW``s, one a packet. A file that is mapped into memory must stay mapped while they are used;
    ``tuple(packets)`` makes them independent of it.
    """

    __slots__ = ("_buffer", "_rows")

    def __init__(self, buffer: Buffer, rows: bytes | bytearray) -> None:
        self._buffer = buffer
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows) // ROW.size

    def __iter__(self) -> Iterator[Packet]:
        buffer = self._buffer
        for time, offset, kept, length in ROW.iter_unpack(self._rows):
            yield Packet(time, bytes(buffer[offset : offset + kept]), length)

    @overload
    def __getitem__(self, index: int) -> Packet: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Packet, ...]: ...
    def __getitem__(self, index: int | slice) -> Packet | tuple[Packet, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(len(self))[index])
        time, offset, kept, length = ROW.unpack_from(self._rows, ROW.size * range(len(self))[index])
        return Packet(time, bytes(self._buffer[offset : offset + kept]), length)


@dataclass(frozen=True, slots=True)
class Capture:
    """What a capture file holds.

    ``linktype`` is that of all packets. Where a file mixes link types, it is raw IP (101): every packet then has its
    link header taken off, and one that carries no IP is empty, so that frame numbers stay those of Wireshark.
    ``lost`` counts packets that the capturing machine dropped, as far as the file tells (pcapng interface
    statistics). ``comments`` are packet comments by frame number. ``truncated``: the file ends in the middle of a
    packet or block, because the capturing program was killed; everything before is there.

    ``frames`` are the frame numbers of ``packets``, ascending, and ``total`` is how many packets the file has: more,
    where only those of one port were asked for.
    """

    linktype: int
    packets: Sequence[Packet]
    lost: int = 0
    comments: Mapping[int, str] = field(default_factory=dict)
    truncated: bool = False
    frames: Sequence[int] = range(0)
    total: int = 0

    def segments(self, positions: Iterable[int] | None = None) -> Iterator[Segment]:
        """The TCP segments among the packets, or among those at some positions, with the file's frame numbers."""
        for position in range(len(self.packets)) if positions is None else positions:
            segment = decode(self.packets[position], self.frames[position], self.linktype)
            if segment is not None:
                yield segment


def supported_linktype(linktype: int, file: str, offset: int) -> int:
    """``linktype`` itself. Raises InputError when its frames cannot be decoded."""
    if linktype not in LINKTYPES:
        known = _OTHER_LINKTYPES.get(linktype)
        raise InputError(
            "capture.linktype",
            file=file,
            offset=offset,
            expected=", ".join(f"{number} {name}" for number, name in LINKTYPES.items()),
            found=f"{linktype} {known}" if known else linktype,
        )
    return linktype
