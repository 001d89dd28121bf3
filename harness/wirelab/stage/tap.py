"""The wire tap: every TCP segment that crosses an interface, stamped by the kernel, none lost unnoticed.

An AF_PACKET socket with a TPACKET_V2 ring that the kernel writes and ``read`` empties from the caller's own
selector loop: no thread, no process, no copy between them. Being ready and being drained are handshakes: a
marker datagram is sent and awaited in the ring. Knows no TCP beyond its filter and no scenario.
Sources: packet(7), Documentation/networking/packet_mmap.rst, filter.rst (classic BPF).
"""

from __future__ import annotations

import errno
import mmap
import os
import select
import socket
import struct
import sys
from collections.abc import Callable
from typing import Literal, TypeVar

from wirelab.base.clock import NANOSECONDS, Deadline
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text, register
from wirelab.observe.segments import Packet
from wirelab.stage import linux

SLOTS = 2048
"""Default ring: 4 MiB in slots of 2048 bytes, 20 ms of 100 000 segments a second, for 1 ms of CPU time to open and
close. ``bench/tap_loss.py`` measures both."""
LIMIT = 200_000
"""Packets kept by default: a flood from one program must not fill memory (240 000 were seen)."""
BYTES = 48_000_000
"""Bytes of them kept by default: 200 000 full segments would be 300 MB, and three times that in memory."""
_BLOCK_BYTES = 64 * 1024
_DISCARD_PORT = 9
_TOKEN_BYTES = 16
_RESEND_SECONDS = 0.25
_UDP, _TCP = 17, 6
_ETHERTYPE, _PROTOCOL = 12, 23  # offsets in an Ethernet frame with IPv4
_SNAP = 0x40000
_WAITING_BYTES = 8 * 2**20  # as far as the machine lets us (net.core.rmem_max)

_T = TypeVar("_T")

register(
    {
        "tap.refused": Text(
            "Packets cannot be captured: {step} failed with {error}.\n"
            "Capturing needs a private network (see `wirelab doctor`) or the capability CAP_NET_RAW.",
            "无法抓包：{step} 失败，错误为 {error}。\n抓包需要私有网络（见 `wirelab doctor`）或 CAP_NET_RAW 权能。",
        ),
        "tap.silent": Text(
            "The capture on {interface} is not working: a marker sent over loopback was not seen within {seconds:g} s.",
            "{interface} 上的抓包不工作：经回环接口发出的标记在 {seconds:g} 秒内没有被看到。",
        ),
    }
)


def capture_filter(marker_port: int, port: int | None) -> list[linux.Instruction]:
    """The classic BPF program of a tap: TCP over IPv4 and IPv6, to or from ``port`` if given, and the tap's markers.

    IPv6 extension headers and, with ``port``, later IPv4 fragments are not looked into: neither occurs on loopback.
    """
    code: list[tuple[int, str, str, int]] = []
    labels: dict[str, int] = {}

    def put(opcode: int, value: int, yes: str = "", no: str = "") -> None:
        code.append((opcode, yes, no, value))

    def ports(prefix: str, opcode: int, source: int) -> None:
        put(opcode, source)
        put(linux.BPF_JEQ, port or 0, "keep", f"{prefix} destination")
        labels[f"{prefix} destination"] = len(code)
        put(opcode, source + 2)
        put(linux.BPF_JEQ, port or 0, "keep", "skip")

    put(linux.BPF_LD_H_ABS, _ETHERTYPE)
    put(linux.BPF_JEQ, linux.ETH_P_IP, "v4", "not v4")
    labels["not v4"] = len(code)
    put(linux.BPF_JEQ, linux.ETH_P_IPV6, "v6", "skip")
    labels["v6"] = len(code)
    put(linux.BPF_LD_B_ABS, 20)
    put(linux.BPF_JEQ, _TCP, "keep" if port is None else "v6 ports", "skip")
    if port is not None:
        labels["v6 ports"] = len(code)
        ports("v6", linux.BPF_LD_H_ABS, 54)
    labels["v4"] = len(code)
    put(linux.BPF_LD_B_ABS, _PROTOCOL)
    put(linux.BPF_JEQ, _TCP, "keep" if port is None else "v4 ports", "not tcp")
    if port is not None:
        labels["v4 ports"] = len(code)
        put(linux.BPF_LD_H_ABS, 20)
        put(linux.BPF_JSET, 0x1FFF, "skip", "v4 first")
        labels["v4 first"] = len(code)
        put(linux.BPF_LDX_B_MSH, 14)
        ports("v4", linux.BPF_LD_H_IND, 14)
    labels["not tcp"] = len(code)
    put(linux.BPF_JEQ, _UDP, "marker", "skip")
    labels["marker"] = len(code)
    put(linux.BPF_LDX_B_MSH, 14)
    put(linux.BPF_LD_H_IND, 14)
    put(linux.BPF_JEQ, marker_port, "marker to", "skip")
    labels["marker to"] = len(code)
    put(linux.BPF_LD_H_IND, 16)
    put(linux.BPF_JEQ, _DISCARD_PORT, "keep", "skip")
    labels["keep"] = len(code)
    put(linux.BPF_RET, _SNAP)
    labels["skip"] = len(code)
    put(linux.BPF_RET, 0)
    return [
        (opcode, labels[yes] - at - 1 if yes else 0, labels[no] - at - 1 if no else 0, value)
        for at, (opcode, yes, no, value) in enumerate(code)
    ]


class Tap:
    """A capture that runs from construction to ``close``; register it with a selector for reading.

    ``slots`` is a power of two times 32; ``slot`` its bytes (a power of two, 1982 of 2048 are for the frame);
    frames that are larger keep their true length in ``Packet.length``. After ``limit`` packets, or with the first
    that would make it more than ``most`` bytes, further ones are counted, not kept. ``port`` keeps only TCP to or from it, for an interface shared with others.
    ``whole`` takes in longer frames than a slot holds as well, for one that has not an Ethernet's MTU.
    Packets stand in the order the kernel queued them; two that two processors handled in the same
    microsecond may carry times the other way round. Raises EnvironmentFault when capturing is refused.
    """

    def __init__(
        self,
        interface: str = "lo",
        slots: int = SLOTS,
        limit: int = LIMIT,
        port: int | None = None,
        slot: int = 2048,
        most: int = BYTES,
        whole: bool = False,
    ) -> None:
        self.interface = interface
        self.seen = 0  # packets read from the ring, markers left out, kept or not
        self.bounded: Literal["packets", "bytes"] | None = None  # the limit that made some be counted, not kept
        self.limit, self.most = limit, most
        self._slots, self._slot, self._room, self._bytes = slots, slot, limit, most
        self._head = 0
        self._pending: list[Packet] = []
        self._lost, self._whole = 0, whole
        self._token = b""
        self._marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._marker.bind(("127.0.0.1", 0))
            # Protocol 0: nothing is queued before the filter and the ring stand and bind() says what to capture.
            self._socket = _attempt("socket(AF_PACKET)", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
        except BaseException:
            self._marker.close()
            raise
        try:
            self._ring = self._capture(port, whole)
        except BaseException:
            self._marker.close()
            self._socket.close()
            raise

    def _capture(self, port: int | None, whole: bool) -> mmap.mmap:
        size = self._slots * self._slot
        block = max(_BLOCK_BYTES, self._slot)
        request = struct.pack("=4I", block, size // block, self._slot, self._slots)
        program = capture_filter(self._marker.getsockname()[1], port)
        packet, tap = linux.SOL_PACKET, self._socket
        _attempt("PACKET_VERSION", lambda: tap.setsockopt(packet, linux.PACKET_VERSION, linux.TPACKET_V2))
        _attempt("PACKET_IGNORE_OUTGOING", lambda: tap.setsockopt(packet, linux.PACKET_IGNORE_OUTGOING, 1))
        _attempt("SO_ATTACH_FILTER", lambda: linux.attach_filter(tap, program))
        if whole:  # what is longer than a slot waits in the socket itself, packet(7)
            _attempt("PACKET_COPY_THRESH", lambda: tap.setsockopt(packet, linux.PACKET_COPY_THRESH, 1))
            _attempt("SO_RCVBUF", lambda: tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WAITING_BYTES))
        _attempt("PACKET_RX_RING", lambda: tap.setsockopt(packet, linux.PACKET_RX_RING, request))
        ring = _attempt("mmap", lambda: mmap.mmap(tap.fileno(), size))
        try:
            ring.madvise(mmap.MADV_DONTFORK)  # programs forked from here neither need it nor pay for its pages
            _attempt(f"bind({self.interface})", lambda: tap.bind((self.interface, linux.ETH_P_ALL)))
        except BaseException:
            ring.close()
            raise
        return ring

    def fileno(self) -> int:
        """The descriptor to select on: readable while the ring holds something."""
        return self._socket.fileno()

    def read(self) -> list[Packet]:
        """What was captured since the last call, without waiting; at most one ring full, so it always returns."""
        kept, self._pending = self._pending, []
        self._drain(kept)
        return kept

    def _drain(self, kept: list[Packet]) -> bool:
        """Empty the ring, at most once around; true when the awaited marker was in it."""
        ring, slot, slots, head = self._ring, self._slot, self._slots, self._head
        room, left = self._room, self._bytes  # nothing is left once something was not kept: what is kept has no gap
        unpack = linux.TPACKET2_HEADER.unpack_from
        release = linux.TP_STATUS_KERNEL.to_bytes(4, sys.byteorder)
        found, seen = False, 0
        for _ in range(slots):
            at = head * slot
            status, length, size, start, _, seconds, nanoseconds = unpack(ring, at)
            if not status & linux.TP_STATUS_USER:
                break
            start += at
            if ring[start + _PROTOCOL] == _UDP and ring[start + _ETHERTYPE] == linux.ETH_P_IP >> 8:
                found |= ring[start + size - _TOKEN_BYTES : start + size] == self._token
            else:
                seen += 1
                whole = b""
                if size < length and status & linux.TP_STATUS_COPY:
                    whole = self._socket.recv(_SNAP)
                    size = len(whole)
                if size < length and self._whole:  # the socket had no room for all of it
                    self._lost += 1
                if room and size <= left:
                    room -= 1
                    left -= size
                    data = whole or ring[start : start + size]
                    kept.append(Packet(seconds * NANOSECONDS + nanoseconds, data, length))
                elif self.bounded is None:
                    self.bounded = "bytes" if room else "packets"
                    room = 0
            ring[at : at + 4] = release
            head = head + 1 if head + 1 < slots else 0
        self._head, self._room, self._bytes = head, room, left
        self.seen += seen
        return found

    def sync(self, timeout: float = 5.0) -> None:
        """Wait until all that crossed the interface before this call is in hand; ``read`` then returns it.

        A marker is sent over loopback and awaited in the ring, and sent again should a full ring have dropped
        it. Raises EnvironmentFault when none comes through within ``timeout`` seconds.
        """
        deadline = Deadline.after(timeout)
        self._token = os.urandom(_TOKEN_BYTES)
        self._drain(self._pending)
        while not deadline.passed:
            self._marker.sendto(self._token, ("127.0.0.1", _DISCARD_PORT))
            resend = Deadline.after(min(_RESEND_SECONDS, deadline.left()))
            while not resend.passed:
                if self._drain(self._pending):
                    return
                select.select([self._socket], [], [], resend.left())
        raise EnvironmentFault("tap.silent", interface=self.interface, seconds=timeout)

    @property
    def lost(self) -> int:
        """Packets that passed the filter and found the ring full, so far (PACKET_STATISTICS, which reading resets)."""
        if self._socket.fileno() >= 0:
            _, dropped = struct.unpack("=II", self._socket.getsockopt(linux.SOL_PACKET, linux.PACKET_STATISTICS, 8))
            self._lost += dropped
        return self._lost

    def close(self) -> None:
        """Stop capturing and give the ring back; ``lost`` and ``seen`` remain. Again is no error."""
        _ = self.lost  # the kernel's counter goes with the socket
        self._ring.close()
        self._socket.close()
        self._marker.close()


def _attempt(step: str, call: Callable[[], _T]) -> _T:
    try:
        return call()
    except OSError as failure:
        number = failure.errno or 0
        error = f"{errno.errorcode.get(number, number)} ({os.strerror(number)})"
        raise EnvironmentFault("tap.refused", step=step, error=error) from failure
