"""reference/client.py against a server played by hand: each rule of the lab protocol, and each way out."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.reference.dialogue import (
    BOUND,
    WAYS_TO_LEAVE,
    OnPipes,
    OnTerminal,
    Peer,
    Table,
    Tuned,
    catches,
    connected_client,
    peak_memory,
)

PROMPT = "Enter message to send: "


def on_pipes(here: Table, tuned: Tuned | None = None) -> tuple[OnPipes, Peer]:
    listener = here.listen()
    client = here.on_pipes("client", listener.getsockname()[1], tuned=tuned)
    peer = here.accept(listener)
    client.finds(PROMPT.encode())
    return client, peer


# ---------------------------------------------------------------------------------------------- messages


def test_each_line_typed_is_one_message_and_brings_the_prompt_back(here):
    client, peer = connected_client(here)
    for text in ("123", "你好 👩‍👩‍👧", "  spaces  ", ""):
        client.type(text)
        client.shows(PROMPT)
        assert f"MSG {text}" == peer.line().decode()


def test_broadcasts_do_not_depend_on_how_they_arrive(here):
    client, peer = connected_client(here)
    peer.send(b"BROADCAST half a li")
    peer.send(b"ne\r\nBROADCAST and mo")
    client.shows(f"\r\nBroadcast: half a line\r\n{PROMPT}")
    peer.send(b"re\n" + b"".join(b"BROADCAST line %d\n" % n for n in range(10)))
    client.shows(f"\r\nBroadcast: and more\r\n{PROMPT}", *(f"\r\nBroadcast: line {n}\r\n{PROMPT}" for n in range(10)))
    peer.send(*(bytes([byte]) for byte in "BROADCAST 大家好 📢\n".encode()))
    client.shows("\r\nBroadcast: 大家好 📢\r\n")
    assert 13 == client.said().count("Broadcast: ")


def test_what_it_does_not_know_is_ignored(here):
    client, peer = connected_client(here)
    peer.send(b"\n\r\nHELLO\nBROADCAST\nbroadcast small\nMSG x\nHEARTBEAT\nHEARTBEAT x\nHEARTBEAT -1\nHEARTBEAT 1 2\n")
    peer.send(b"HEARTBEATx\nHEARTBEAT  1\nHEARTBEAT " + b"9" * 4085 + b"\n\xff\xfe\n")
    peer.send(b"BROADCAST bad \xff UTF-8\nHEARTBEAT 5\n")
    client.shows("Broadcast: bad � UTF-8\r\n")
    assert b"HEARTBEAT-ACK 5" == peer.line()
    assert 1 == client.said().count("Broadcast: ")


def test_an_over_long_line_is_skipped_without_keeping_it(here):
    client, peer = connected_client(here)
    peer.send(b"BROADCAST " + b"a" * 4085 + b"\n")  # 4096 bytes: just right
    client.shows("Broadcast: " + "a" * 4085)
    before = peak_memory(client.pid)
    peer.send(b"BROADCAST " + b"b" * 4086 + b"\n")
    peer.send(b"BROADCAST ", *([b"c" * (1 << 20)] * 32), b"\nBROADCAST after\n")
    client.shows("Broadcast: after\r\n")
    assert 2 == client.said().count("Broadcast: ")
    assert peak_memory(client.pid) - before < 8 << 20


def test_a_line_too_long_for_the_protocol_is_not_sent_and_said(here):
    client, peer = on_pipes(here)
    client.type(b"a" * 4091 + b"\n" + b"b" * 4092 + b"\n" + b"c" * 100_000 + b"\n" + b"\xff" * 2000 + b"\n\xff\n")
    assert b"MSG " + b"a" * 4091 == peer.line()
    assert "MSG �" == peer.line().decode()  # not UTF-8 is made UTF-8
    client.finds(rb"(?s)(Not sent: [^\n]*4096[^\n]*\n.*){3}")


# ---------------------------------------------------------------------------------------------- heartbeat


def test_a_heartbeat_is_answered_whatever_it_comes_with(here):
    client, peer = connected_client(here)
    peer.send(b"HEARTBEAT 1\n")
    assert b"HEARTBEAT-ACK 1" == peer.line()
    peer.send(*(bytes([byte]) for byte in b"HEARTBEAT 2\n"))
    assert b"HEARTBEAT-ACK 2" == peer.line()
    peer.send(b"BROADCAST x\nHEARTBEAT 3\nHEARTBEAT 4\nHEARTBEAT 5\r\nBROAD")
    assert [b"HEARTBEAT-ACK 3", b"HEARTBEAT-ACK 4", b"HEARTBEAT-ACK 5"] == peer.lines(3)
    peer.send(b"CAST HEARTBEAT 6\n")
    client.shows("Broadcast: HEARTBEAT 6\r\n")
    assert b"" == peer.buffer


def test_heartbeats_are_answered_while_half_a_line_is_typed(here):
    client, peer = connected_client(here)
    client.type("half a li", enter=False)
    client.shows("half a li")
    for n in range(1, 4):
        peer.send(b"HEARTBEAT %d\n" % n)
        assert b"HEARTBEAT-ACK %d" % n == peer.line()
    client.type("ne")
    assert b"MSG half a line" == peer.line()


def test_messages_and_answers_never_mix(here):
    client, peer = on_pipes(here)
    typed = [b"%04d " % n + b"x" * (n % 3000) for n in range(2000)]
    client.type(b"\n".join(typed[:1000]) + b"\n")
    peer.send(b"".join(b"HEARTBEAT %d\n" % n for n in range(1, 1001)))
    client.type(b"\n".join(typed[1000:]) + b"\n")
    lines = peer.lines(3000)
    assert [b"MSG " + line for line in typed] == [line for line in lines if line.startswith(b"MSG ")]
    assert [b"HEARTBEAT-ACK %d" % n for n in range(1, 1001)] == [line for line in lines if line.startswith(b"HEART")]


# ---------------------------------------------------------------------------------------------- the client leaves


@pytest.mark.parametrize("how", WAYS_TO_LEAVE)
def test_every_way_out_is_orderly(here, how):
    client, peer = connected_client(here)
    client.type("goodbye")
    assert b"MSG goodbye" == peer.line()
    if how != "hang up":
        client.shows(PROMPT)
    client.leave(how)
    peer.end()
    peer.send(b"HEARTBEAT 1\nBROADCAST last words\n")  # on its way before our FIN: read, and not answered
    peer.finish()
    assert 0 == client.exits()
    assert not peer.was_reset()
    if how != "hang up":
        assert "Broadcast: last words" in client.said()


@pytest.mark.parametrize("end", [b"/quit\nthis is too late\n", b"the end without Enter"])
def test_everything_typed_before_the_end_is_delivered(here, end):
    client, peer = on_pipes(here)
    client.type(b"".join(b"%d\n" % n for n in range(1000)) + end)
    client.end_of_file()
    assert [b"MSG %d" % n for n in range(1000)] == peer.lines(1000)
    if not end.startswith(b"/quit"):
        assert b"MSG the end without Enter" == peer.line()
    peer.end()
    peer.finish()
    assert 0 == client.exits()
    assert not peer.was_reset()


def test_a_server_that_never_closes_does_not_hang_the_exit(here):
    client, peer = connected_client(here)
    start = time.monotonic()
    client.type("/quit")
    peer.end()
    assert 0 == client.exits()
    assert time.monotonic() - start >= 3  # it had time to close


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_does_not_read_cannot_hold_the_user(here, how):
    client, _peer = on_pipes(here, tuned={"GRACE": 0.2})
    while select.select([], [client.keyboard], [], 0.3)[1]:  # until nobody takes any more
        os.write(client.keyboard, b"x" * 4090 + b"\n")
    client.process.send_signal(how)
    assert 0 == client.exits()


# ---------------------------------------------------------------------------------------------- the server leaves


def test_the_server_leaves_and_the_client_does_too(here):
    client, peer = connected_client(here)
    peer.send(b"BROADCAST last words\n")
    peer.finish()
    peer.end()
    client.shows("Broadcast: last words\r\n", "The server closed the connection.\r\n")
    assert 0 == client.exits()
    assert not peer.was_reset()


def test_the_server_leaves_while_the_keyboard_is_an_open_pipe(here):
    client, peer = on_pipes(here)
    peer.finish()
    peer.end()
    client.finds(b"The server closed the connection.\n")
    assert 0 == client.exits()


def test_the_server_dies(here):
    client, peer = connected_client(here)
    peer.reset()
    assert 1 == client.exits()
    assert client.said().endswith("Connection lost: Connection reset by peer\r\n")


def test_the_server_dies_while_we_send(here):
    client, peer = on_pipes(here)
    client.type(b"x\n" * 20000)
    peer.line()
    peer.reset()
    assert 1 == client.exits()
    assert 1 == client.said().count("Connection lost: ")
    assert "The server closed" not in client.said()


def test_the_server_dies_while_we_leave(here):
    client, peer = connected_client(here)
    client.type("/quit")
    peer.end()
    peer.reset()
    assert 1 == client.exits()
    assert 1 == client.said().count("Connection lost: ")


def test_the_kernel_watches_for_a_server_that_vanished(here):
    """A pulled cable sends nothing, so all depends on the keep-alive timer (tcp(7)): it must run, and soon."""
    _client, peer = connected_client(here)
    port, own = peer.sock.getpeername()[1], peer.sock.getsockname()[1]
    local, remote = f"0100007F:{port:04X}", f"0100007F:{own:04X}"
    table = Path("/proc/net/tcp").read_text(encoding="ascii")
    found = re.search(rf"{local} {remote} 01 \S+ (\w+):(\w+)", table)
    assert found is not None
    assert "02" == found[1]  # the keep-alive timer
    assert int(found[2], 16) <= 10 * os.sysconf("SC_CLK_TCK")


# ---------------------------------------------------------------------------------------------- no server


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", None), ("a..b", 1), ("127.0.0.1", 65536)])
def test_no_server_is_one_line_and_status_1(here, host, port):
    with socket.socket() as silent:  # bound, not listening: nobody else can get this port meanwhile
        silent.bind(("127.0.0.1", 0))
        port = port or silent.getsockname()[1]
        client = here.on_pipes("client", port, host=host)
        assert 1 == client.exits()
    assert client.said().startswith(f"Cannot connect to {host}:{port}: ")
    assert 1 == client.said().count("\n")
    if port < 65536 and host[0] == "1":
        assert f"Cannot connect to {host}:{port}: Connection refused\n" == client.said()


def unanswering(here: Table) -> int:
    """A port where a SYN gets no answer: the listener's queue is full."""
    port: int = here.listen(backlog=0).getsockname()[1]
    here.connect(port)
    return port


def test_a_server_that_does_not_answer_is_given_up(here):
    port = unanswering(here)
    client = here.on_pipes("client", port, tuned={"CONNECT_TIMEOUT": 0.3})
    assert 1 == client.exits()
    assert f"Cannot connect to 127.0.0.1:{port}: no answer\n" == client.said()


def test_ctrl_c_while_connecting(here):
    port = unanswering(here)
    client = here.on_terminal("client", port)
    syn_sent = re.compile(rf" 0100007F:{port:04X} 02 ")
    limit = time.monotonic() + BOUND
    while not syn_sent.search(Path("/proc/net/tcp").read_text(encoding="ascii")):
        assert time.monotonic() < limit
    client.press("ctrl-c")
    assert 0 == client.exits()


# ---------------------------------------------------------------------------------------------- any moment


MOMENTS = [(phase, step) for phase in ("starting", "connected", "talking", "closing", "twice") for step in range(6)]


def connects(client: OnTerminal, listener: socket.socket) -> bool:
    """Whether the client still connects, or else has ended."""
    process = os.pidfd_open(client.pid)
    try:
        return listener.fileno() in select.select([listener.fileno(), process], [], [], BOUND)[0]
    finally:
        os.close(process)


@pytest.mark.parametrize("part", range(2))
def test_ctrl_c_at_any_moment(here, part):
    listener = here.listen()
    for phase, step in MOMENTS[part::2]:
        client = here.on_terminal("client", listener.getsockname()[1])
        peer: Peer | None = None
        if phase == "starting":
            while not catches(client.pid, signal.SIGTERM):  # until then it is still importing
                os.sched_yield()
        else:
            peer = here.accept(listener)
        if peer is not None and phase != "connected":
            client.shows(PROMPT)
            peer.send(b"HEARTBEAT 1\nBROADCAST x\n" * 20)
        if phase == "closing":
            client.type("/quit")
        time.sleep(step / 2000)  # not to wait for anything: this is the moment
        client.press("ctrl-c")
        if phase == "twice":
            client.press("ctrl-c")
        if peer is None and connects(client, listener):
            peer = here.accept(listener)
        if peer is not None:
            while piece := peer.sock.recv(4096):
                assert re.fullmatch(rb"(HEARTBEAT-ACK 1\n)+", piece)
            peer.finish()
            if phase == "twice":
                client.press("ctrl-c")
        assert 0 == client.exits(), (phase, step)


def test_no_keyboard_at_all_is_end_of_file(here):
    client, peer = on_pipes(here)
    client.end_of_file()
    peer.end()
    peer.finish()
    assert 0 == client.exits()


def test_it_stays_alive_without_a_screen(here):
    client, peer = on_pipes(here)
    client.close_screen()
    peer.send(b"BROADCAST nobody sees this\nHEARTBEAT 1\n")
    assert b"HEARTBEAT-ACK 1" == peer.line()
    client.type(b"but this goes out\n/quit\n")
    assert b"MSG but this goes out" == peer.line()
    peer.end()
    peer.finish()
    assert 0 == client.exits()
