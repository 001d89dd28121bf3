"""The machine's loopback as it is shared: one run at a time, each on a port that was not used lately. In a container, whose
loopback and lock are nobody else's."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import Any

from tests.stage import container
from wirelab.base.errors import EnvironmentFault
from wirelab.stage import loopback
from wirelab.stage.loopback import PORTS
from wirelab.stage.shared import Shared

LONG = 60.0


def ports() -> Any:
    with loopback.held() as held:
        first = [held.port() for _ in range(3)]
    with loopback.held() as held, socket.create_server(("127.0.0.1", first[-1] + 1)):
        past_a_listener = held.port()
    with socket.create_server(("127.0.0.1", past_a_listener + 1)) as server:
        client = socket.create_connection(server.getsockname())
        server.accept()[0].close()  # the side that closes first keeps the port in TIME-WAIT
        client.close()
    with loopback.held() as held:
        past_time_wait = held.port()
    Path(loopback.STATE).write_text(str(PORTS[-1]), encoding="ascii")
    with loopback.held() as held:
        around = held.port()
    Path(loopback.STATE).write_text("nonsense", encoding="ascii")
    with loopback.held() as held:
        anyway = held.port()
    mode = os.stat(loopback.STATE).st_mode & 0o777
    return [first, past_a_listener, past_time_wait, around, anyway, mode]


def test_each_run_has_a_port_of_its_own(tmp_path: Path) -> None:
    low = PORTS[0]
    first, past_a_listener, past_time_wait, around, anyway, mode = container.play(ports, tmp_path)
    assert [low, low + 1, low + 2] == first
    assert (low + 4, low + 6) == (past_a_listener, past_time_wait)
    assert around in PORTS[:10]
    assert anyway in PORTS[:10]
    assert 0o600 == mode


def one_at_a_time() -> Any:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with loopback.held():
            os.write(writing, b"up")
            signal.pause()
    os.read(reading, 2)
    try:
        with loopback.held(0.1):
            busy = ""
    except EnvironmentFault as fault:
        busy = fault.key
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with loopback.held(LONG) as held:
        return [busy, held.port()]


def test_whoever_plays_keeps_the_others_waiting_and_no_longer_than_it_lives(tmp_path: Path) -> None:
    assert ["loopback.busy", PORTS[0]] == container.play(one_at_a_time, tmp_path)


def a_tap() -> Any:
    """What a tap of the shared loopback sees of a connection to its port with large segments, and of one to another."""
    with loopback.held() as held:
        port = held.port()
    tap = Shared().tap(port)
    tap.sync()
    data, packets = os.urandom(400_000), tap.read()
    for one in (port, port + 1):
        with socket.create_server(("127.0.0.1", one)) as server, socket.create_connection(("127.0.0.1", one)) as client:
            accepted, _ = server.accept()
            client.setblocking(False)
            sent = received = 0
            while received < len(data):
                with contextlib.suppress(BlockingIOError):
                    sent += client.send(data[sent : sent + 100_000]) if sent < len(data) else 0
                received += len(accepted.recv(len(data)))
                packets += tap.read()
            accepted.close()
    tap.sync()
    packets += tap.read()
    ports = {int.from_bytes(packet.data[at : at + 2], "big") for packet in packets for at in (34, 36)}
    whole = all(len(packet.data) == packet.length for packet in packets)
    return [whole, max(packet.length for packet in packets), port in ports, port + 1 in ports, tap.lost]


def test_a_tap_takes_in_large_segments_whole_and_nothing_of_others(tmp_path: Path) -> None:
    whole, longest, ours, others, lost = container.play(a_tap, tmp_path)
    assert (True, True, False, 0) == (whole, ours, others, lost)
    assert longest > 10_000
