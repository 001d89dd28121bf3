"""The tap keeps every TCP segment once, whole and stamped, and counts exactly what it could not keep."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.stage.inside import SECONDS, play
from wirelab.base.clock import now_ns
from wirelab.base.errors import EnvironmentFault
from wirelab.observe.segments import ACK, FIN, RST, SYN, Packet
from wirelab.stage import linux
from wirelab.stage.tap import BYTES, LIMIT, SLOTS, Tap, capture_filter

PORT = 12001
SMALLEST = 32  # slots in one block of the ring


def flags(packet: Packet) -> int:
    """The TCP flags of an Ethernet frame with an IP header that has no options."""
    return packet.data[14 + (20 if packet.data[14] >> 4 == 4 else 40) + 13]


@contextmanager
def tapped(slots: int = SLOTS, limit: int = LIMIT, port: int | None = None, most: int = BYTES) -> Iterator[Tap]:
    tap = Tap(slots=slots, limit=limit, port=port, most=most)
    try:
        tap.sync(SECONDS)
        yield tap
    finally:
        tap.close()


def crafted(payload: int = 100, port: int = PORT) -> bytes:
    """An IPv4 packet with a TCP segment that carries RST, so that the kernel answers nothing."""
    local = socket.inet_aton("127.0.0.1")
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + payload, 1, 0, 64, socket.IPPROTO_TCP, 0, local, local)
    return header + struct.pack(">HHIIBBHHH", 40000, port, 1, 1, 0x50, RST, 512, 0, 0) + bytes(payload)


def send_crafted(count: int, payload: int = 100) -> None:
    packet = crafted(payload)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for _ in range(count):
            raw.sendto(packet, ("127.0.0.1", 0))


def converse(host: str, amount: int) -> None:
    """One connection from handshake to teardown, ``amount`` bytes from client to server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, PORT), family=family) as listener:
        client = socket.create_connection((host, PORT), SECONDS)
        server, _ = listener.accept()
        with client, server:
            server.settimeout(SECONDS)
            client.sendall(bytes(amount))
            while amount:
                amount -= len(server.recv(amount))
            client.shutdown(socket.SHUT_WR)
            assert server.recv(1) == b""
            server.close()
            assert client.recv(1) == b""


def whole_conversations() -> list[dict[str, object]]:
    answers = []
    with tapped() as tap:
        for host in ("127.0.0.1", "::1"):
            began = now_ns()
            converse(host, 300_000)
            tap.sync(SECONDS)
            ended = now_ns()
            packets = tap.read()
            answers.append(
                {
                    "handshake": [flags(packet) for packet in packets[:3]],
                    "fins": sum(bool(flags(packet) & FIN) for packet in packets),
                    "whole": all(len(packet.data) == packet.length for packet in packets),
                    "largest": max(packet.length for packet in packets),
                    "in time": all(began <= packet.time <= ended for packet in packets),
                    "all": tap.seen,
                    "kept": len(packets),
                    "lost": tap.lost,
                }
            )
    return answers


def test_a_conversation_is_captured_once_whole_and_on_our_clock():
    four, six = play(whole_conversations)
    for seen in (four, six):
        assert [SYN, SYN | ACK, ACK] == seen["handshake"]  # each once: not again as outgoing
        assert 2 == seen["fins"]
        assert seen["whole"]
        assert 1514 == seen["largest"]  # an Ethernet frame, no offloaded super-segment
        assert seen["in time"]
        assert 0 == seen["lost"]
    assert four["kept"] == four["all"]
    assert six["kept"] == six["all"] - four["all"]


def ready_when_something_came() -> list[bool]:
    def ready() -> bool:
        return bool(select.select([tap], [], [], 0)[0])

    with tapped() as tap:
        empty = ready()
        send_crafted(1)
        came = bool(select.select([tap], [], [], SECONDS)[0])
        taken = len(tap.read()) == 1
        return [empty, came, taken, ready(), tap.read() == []]


def test_a_selector_wakes_for_packets_only():
    assert [False, True, True, False, True] == play(ready_when_something_came)


def sync_keeps() -> list[int]:
    with tapped() as tap:
        send_crafted(3)
        tap.sync(SECONDS)
        send_crafted(2)
        tap.sync(SECONDS)
        return [len(tap.read()), tap.seen]


def test_what_came_before_a_sync_is_kept_and_markers_are_not():
    assert [5, 5] == play(sync_keeps)


def noise() -> list[int]:
    with tapped() as tap, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for port in (9, 53, PORT):
            other.sendto(bytes(100), ("127.0.0.1", port))  # and an ICMP answer to each
        tap.sync(SECONDS)
        return [len(tap.read()), tap.seen, tap.lost]


def test_other_traffic_is_not_captured():
    assert [0, 0, 0] == play(noise)


def filled_to_the_brim() -> list[int]:
    with tapped() as tap:
        send_crafted(3 * SLOTS // 4)
        return [len(tap.read()), tap.seen, tap.lost]


def test_a_stalled_reader_loses_nothing_that_fits_the_ring():
    assert [3 * SLOTS // 4, 3 * SLOTS // 4, 0] == play(filled_to_the_brim)


def overrun() -> dict[str, int]:
    with tapped(slots=SMALLEST) as tap:
        send_crafted(500)
        first = tap.lost
        tap.sync(SECONDS)  # a full ring does not keep the marker from coming through
        send_crafted(500)
        kept = len(tap.read())
        tap.close()
        tap.close()
        return {"kept": kept, "seen": tap.seen, "lost": tap.lost, "first": first}


def test_every_loss_is_counted():
    answer = play(overrun)
    assert 500 - SMALLEST == answer["first"]
    assert 1000 == answer["seen"] + answer["lost"]
    assert answer["kept"] == answer["seen"]


def limited() -> list[object]:
    with tapped(limit=10) as tap:
        send_crafted(10)
        before = tap.bounded
        send_crafted(90)
        tap.sync(SECONDS)
        return [before, len(tap.read()), tap.bounded, tap.seen, tap.lost]


def test_beyond_the_limit_packets_are_counted_not_kept():
    assert [None, 10, "packets", 100, 0] == play(limited)


def limited_bytes() -> list[object]:
    with tapped(limit=100, most=1000) as tap:
        frame = len(crafted(payload=300)) + 14
        send_crafted(2, payload=300)
        before = tap.bounded
        send_crafted(1, payload=300)
        send_crafted(1, payload=0)  # would fit, and come after a gap
        tap.sync(SECONDS)
        return [before, sum(len(packet.data) for packet in tap.read()) // frame, tap.bounded, tap.seen, tap.lost]


def test_beyond_the_limit_in_bytes_too():
    assert [None, 2, "bytes", 4, 0] == play(limited_bytes)


def one_port() -> dict[str, int]:
    with tapped(port=PORT) as tap, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(crafted(port=PORT + 1), ("127.0.0.1", 0))
        for host in ("127.0.0.1", "::1"):
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as refused:
                refused.settimeout(SECONDS)
                refused.connect_ex((host, PORT - 1))
        tap.sync(SECONDS)
        others = len(tap.read())
        raw.sendto(crafted(port=PORT), ("127.0.0.1", 0))
        converse("127.0.0.1", 1)
        converse("::1", 1)
        tap.sync(SECONDS)
        packets = tap.read()
        return {"others": others, "syns": sum(bool(flags(p) & SYN) for p in packets), "first": flags(packets[0])}


def test_only_one_port_on_a_shared_interface():
    assert {"others": 0, "syns": 4, "first": RST} == play(one_port)


def jumbo() -> list[list[int]]:
    linux.set_mtu("lo", 9000)
    with tapped() as tap:
        send_crafted(1, payload=4000)
        tap.sync(SECONDS)
        return [[packet.length, len(packet.data)] for packet in tap.read()]


def test_a_frame_larger_than_a_slot_says_how_long_it_was():
    ((length, kept),) = play(jumbo)
    assert 14 + 40 + 4000 == length
    assert 1514 <= kept < 2048


def refused() -> list[str]:
    answers = []
    for interface in ("no-such-if", "lo"):
        try:
            Tap(interface)
        except EnvironmentFault as fault:
            answers.append(str(fault))
        linux.capset(0, 0)
    return answers


def test_a_refused_capture_names_the_step():
    nowhere, forbidden = play(refused)
    assert "bind(no-such-if) failed with ENODEV" in nowhere
    assert "socket(AF_PACKET) failed with EPERM" in forbidden


@pytest.mark.parametrize("port", [None, PORT])
def test_the_filter_only_jumps_forward_to_its_own_instructions(port):
    program = capture_filter(40000, port)
    for at, (_, yes, no, _) in enumerate(program):
        assert at + 1 + max(yes, no) < len(program) or at == len(program) - 1
        assert min(yes, no) >= 0
