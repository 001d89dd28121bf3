"""Writing pcapng, to bytes. Knows blocks and options, no files, no TCP, no clocks.

Source: the IETF draft "PCAP Now Generic (pcapng) Capture File Format" (draft-ietf-opsawg-pcapng). Callers use
``wirelab.observe.pcap``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

from wirelab.observe.segments import Packet

# Block types, and option codes, which mean different things in different blocks (draft, 11.1, 3.5 and 4.1 to 4.6).
_SECTION, _INTERFACE, _STATISTICS, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 5, 6
_COMMENT, _SHB_USERAPPL, _IF_NAME, _IF_TSRESOL = 1, 4, 2, 9
_IF_RECEIVED, _IF_DROPPED = 4, 5
_END_OF_OPTIONS = bytes(4)
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_NANOSECOND_EXPONENT = 9
_MAX_OPTION = 0xFFFF


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
