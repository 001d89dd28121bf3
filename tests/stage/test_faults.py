"""Faults do to the wire exactly what was asked, and the capture shows both the loss and the recovery."""

from __future__ import annotations

import select
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.stage.inside import SECONDS, play
from wirelab.base.clock import Deadline
from wirelab.base.errors import HarnessBug
from wirelab.observe.segments import ACK, FIN, PSH, RST, SYN, Endpoint
from wirelab.stage import namespace
from wirelab.stage.faults import Faults
from wirelab.stage.tap import Tap

PORT = 12001
HOST = "127.0.0.1"
needs_nft = pytest.mark.skipif(
    shutil.which("nft") is None and shutil.which("nft", path="/usr/sbin:/sbin") is None, reason="needs nft"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What these tests look at in a captured segment (IPv4 without options)."""

    src: int
    dst: int
    seq: int
    flags: int
    length: int

    @property
    def end(self) -> int:
        return (self.seq + self.length + bool(self.flags & SYN) + bool(self.flags & FIN)) & 0xFFFFFFFF


@dataclass
class Lab:
    """A private wire with a listener, a tap and faults; connections are made and watched here."""

    listener: socket.socket
    tap: Tap
    faults: Faults
    segments: list[Seen] = field(default_factory=list)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        client = socket.create_connection((HOST, PORT), SECONDS)
        server, _ = self.listener.accept()
        server.settimeout(SECONDS)
        return client, server

    def captured(self) -> list[Seen]:
        for packet in self.tap.read():
            tcp = packet.data[34:]
            header = (tcp[12] >> 4) * 4
            self.segments.append(
                Seen(
                    src=int.from_bytes(tcp[0:2]),
                    dst=int.from_bytes(tcp[2:4]),
                    seq=int.from_bytes(tcp[4:8]),
                    flags=tcp[13],
                    length=packet.length - 34 - header,
                )
            )
        return self.segments

    def until(self, condition: Callable[[list[Seen]], bool]) -> None:
        """Read the tap until the condition holds; fails rather than wait for ever."""
        deadline = Deadline.after(SECONDS)
        while not condition(self.captured()):
            assert not deadline.passed, self.segments
            select.select([self.tap], [], [], deadline.left())

    def having(self, flag: int, src: int) -> list[Seen]:
        return [seen for seen in self.captured() if seen.flags & flag and seen.src == src]


@contextmanager
def lab() -> Iterator[Lab]:
    world = namespace.contain()  # nft runs inside it, as it does in a run
    tap = Tap()
    with socket.create_server((HOST, PORT)) as listener:
        tap.sync(SECONDS)
        yield Lab(listener, tap, Faults(PORT))
    tap.close()
    world.end()


def port_of(client: socket.socket) -> int:
    return int(client.getsockname()[1])


def receive(end: socket.socket, count: int) -> bytes:
    """Exactly so many bytes; MSG_WAITALL does not wait on a socket that has a timeout."""
    data = b""
    while len(data) < count:
        piece = end.recv(count - len(data))
        assert piece, f"the stream ended after {len(data)} of {count} bytes"
        data += piece
    return data


def exchange(client: socket.socket, server: socket.socket, data: bytes = b"hello") -> bool:
    """Send there and back, a byte stream each way."""
    client.sendall(data)
    server.sendall(receive(server, len(data)))
    return receive(client, len(data)) == data


def first_fin() -> dict[str, object]:
    with lab() as wire:
        number = wire.faults.drop("FIN", "client")
        client, server = wire.connect()
        with client, server:
            unharmed = exchange(client, server)
            before = wire.faults.dropped()
            client.shutdown(socket.SHUT_WR)
            ended = server.recv(1) == b""
            server.close()
            orderly = client.recv(1) == b""
        wire.until(lambda segments: any(seen.flags & FIN and seen.src == PORT for seen in segments))
        fins = wire.having(FIN, port_of_first(wire))
        return {
            "unharmed": unharmed,
            "before": before,
            "ended": ended,
            "orderly": orderly,
            "same": len({seen.seq for seen in fins}) == 1 and len(fins) > 1,
            "dropped": [wire.faults.dropped(number), wire.faults.dropped()],
            "servers": len(wire.having(FIN, PORT)),
        }


def port_of_first(wire: Lab) -> int:
    return wire.captured()[0].src


@needs_nft
def test_the_first_fin_is_lost_and_sent_again():
    assert {
        "unharmed": True,
        "before": 0,
        "ended": True,
        "orderly": True,
        "same": True,
        "dropped": [1, 1],
        "servers": 1,
    } == play(first_fin)


def last_ack() -> dict[str, object]:
    with lab() as wire:
        client, server = wire.connect()
        wire.faults.drop("ACK", "client", client_port=port_of(client), after="FIN")
        mine, others = port_of(client), wire.connect()
        with client, server:
            unharmed = [exchange(client, server, bytes(100_000)) for _ in range(3)]  # with many pure ACKs
            early = wire.faults.dropped()
            client.shutdown(socket.SHUT_WR)
            server.recv(1)
            server.close()
            client.recv(1)
        wire.until(lambda _: len([seen for seen in wire.having(FIN, PORT) if seen.dst == mine]) > 1)
        repeated = len({seen.seq for seen in wire.having(FIN, PORT)})
        for end in others:
            end.close()
        return {"unharmed": unharmed, "early": early, "dropped": wire.faults.dropped(), "repeated": repeated}


@needs_nft
def test_the_last_ack_is_lost_and_the_fin_repeated():
    assert {"unharmed": [True] * 3, "early": 0, "dropped": 1, "repeated": 1} == play(last_ack)


def second_data() -> dict[str, object]:
    with lab() as wire:
        client, server = wire.connect()
        number = wire.faults.drop("DATA", "client", nth=2, client_port=port_of(client))
        idle = wire.faults.drop("RST", "server")
        counts, echoed = [], []
        with client, server:
            for text in (b"first", b"second", b"third"):
                echoed.append(exchange(client, server, text))
                counts.append(wire.faults.dropped(number))
            wire.captured()
            sent = [seen.seq for seen in wire.having(PSH, port_of(client))]
        return {
            "echoed": echoed,
            "counts": counts,
            "twice": sorted(sent.count(seq) > 1 for seq in set(sent)),
            "idle": wire.faults.dropped(idle),
        }


@needs_nft
def test_the_second_message_is_lost_and_comes_in_the_end():
    assert {
        "echoed": [True] * 3,
        "counts": [0, 1, 1],
        "twice": [False, False, True],
        "idle": 0,
    } == play(second_data)


def syn_of_the_server() -> dict[str, object]:
    with lab() as wire:
        wire.faults.drop("SYN", "client")
        wire.faults.drop("SYN,ACK", "server")
        client, server = wire.connect()
        with client, server:
            works = exchange(client, server)
            ours = [seen for seen in wire.having(SYN, port_of(client)) if not seen.flags & ACK]
            theirs = wire.having(SYN, PORT)
        return {
            "works": works,
            "dropped": wire.faults.dropped(),
            "again": [len(ours) > 1, len(theirs) > 1],
        }


@needs_nft
def test_several_drops_are_armed_at_once():
    assert {"works": True, "dropped": 2, "again": [True, True]} == play(syn_of_the_server)


def cut_one() -> dict[str, object]:
    with lab() as wire:
        client, server = wire.connect()
        other = wire.connect()
        with client, server, other[0], other[1]:
            wire.faults.cut(port_of(client))
            client.sendall(b"there")
            server.sendall(b"back")
            wire.until(
                lambda _: (
                    len(wire.having(PSH, port_of(client))) > 1
                    and len([seen for seen in wire.having(PSH, PORT) if seen.dst == port_of(client)]) > 1
                )
            )
            silent = not select.select([client, server], [], [], 0)[0]
            beside = exchange(*other)
            wire.faults.heal()
            healed = [receive(server, 5), receive(client, 4)]
        return {"silent": silent, "beside": beside, "healed": [data.decode() for data in healed]}


@needs_nft
def test_one_cable_is_cut_and_healed():
    assert {"silent": True, "beside": True, "healed": ["there", "back"]} == play(cut_one)


def cut_all() -> dict[str, object]:
    with lab() as wire:
        pairs = [wire.connect(), wire.connect()]
        wire.faults.cut()
        for client, _ in pairs:
            client.sendall(b"there")
        wire.until(lambda _: all(len(wire.having(PSH, port_of(client))) > 1 for client, _ in pairs))
        silent = not select.select([server for _, server in pairs], [], [], 0)[0]
        wire.faults.heal()
        healed = [receive(server, 5).decode() for _, server in pairs]
        for client, server in pairs:
            client.close()
            server.close()
        return {"silent": silent, "healed": healed, "dropped": wire.faults.dropped()}


@needs_nft
def test_all_cables_are_cut_and_healed():
    assert {"silent": True, "healed": ["there", "there"], "dropped": 0} == play(cut_all)


def resets() -> list[str]:
    answers = []
    with lab() as wire:
        wire.faults.prepare()
        for towards in ("client", "server"):
            client, server = wire.connect()
            with client, server:
                exchange(client, server)
                mine = port_of(client)
                ends = {"client": Endpoint(HOST, mine), "server": Endpoint(HOST, PORT)}
                wire.tap.sync(SECONDS)
                sent = {
                    "client": [seen.end for seen in wire.captured() if seen.src == mine][-1],
                    "server": [seen.end for seen in wire.captured() if seen.dst == mine][-1],
                }
                receiver, sender = (client, "server") if towards == "client" else (server, "client")
                wire.faults.reset(ends[sender], ends[towards], sent[sender], sent[towards])
                try:
                    receiver.recv(1)
                except ConnectionResetError as reset:
                    answers.append(type(reset).__name__)
                wire.tap.sync(SECONDS)
                answers.append(
                    str(len([seen for seen in wire.captured() if seen.flags & RST and mine in (seen.src, seen.dst)]))
                )
    return answers


def test_an_injected_reset_reaches_its_receiver_and_the_capture():
    assert ["ConnectionResetError", "1"] * 2 == play(resets)


def reset_over_ipv6() -> bool:
    with socket.create_server(("::1", PORT), family=socket.AF_INET6) as listener:
        tap = Tap()
        client = socket.create_connection(("::1", PORT), SECONDS)
        server, _ = listener.accept()
        tap.sync(SECONDS)
        tcp = tap.read()[1].data[54:]  # SYN,ACK
        tap.close()
        with client, server:
            source, target = Endpoint("::1", PORT), Endpoint("::1", port_of(client))
            Faults(PORT).reset(source, target, (int.from_bytes(tcp[4:8]) + 1) & 0xFFFFFFFF)
            try:
                client.recv(1)
            except ConnectionResetError:
                return True
    return False


def test_a_reset_over_ipv6():
    assert play(reset_over_ipv6) is True


def test_nothing_is_started_before_the_first_fault():
    faults = Faults(PORT)
    faults.heal()
    assert 0 == faults.dropped()
    with pytest.raises(HarnessBug):  # nft is asked for now, and never outside a private network
        faults.cut()
    with pytest.raises(HarnessBug):
        faults.reset(Endpoint(HOST, PORT), Endpoint(HOST, PORT + 1), 0)


def test_counting_begins_at_one():
    with pytest.raises(HarnessBug):
        Faults(PORT).drop("FIN", "client", nth=0)
