"""reference/server.py against clients played by hand: each rule of the lab protocol, and each way out."""

from __future__ import annotations

import os
import resource
import signal
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
    peak_memory,
    server_on_terminal,
)


def welcomed(here: Table, server: OnTerminal, port: int) -> Peer:
    peer = here.connect(port)
    server.shows(f"Connected {peer.name}\r\n")
    return peer


def on_pipes(here: Table, tuned: Tuned | None = None) -> tuple[OnPipes, int]:
    server = here.on_pipes("server", tuned=tuned)
    return server, int(server.finds(rb"Listening on 127\.0\.0\.1:(\d+)\n")[1])


# ---------------------------------------------------------------------------------------------- starting


def test_a_taken_port_is_one_line_and_status_1(here):
    port = here.listen().getsockname()[1]
    server = here.on_pipes("server", port)
    assert 1 == server.exits()
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use\n" == server.said()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("no such host.invalid", 0), ("a..b", 0)])
def test_an_impossible_address_is_one_line_and_status_1(here, host, port):
    server = here.on_pipes("server", port, host=host)
    assert 1 == server.exits()
    assert server.said().startswith(f"Cannot listen on {host}:{port}: ")
    assert 1 == server.said().count("\n")


@pytest.mark.parametrize("setting", ["", "abc", "0", "-1", "nan", "inf", "1s"])
def test_a_malformed_heartbeat_interval_is_one_line(here, setting):
    server = here.on_pipes("server", HEARTBEAT_INTERVAL=setting)
    assert 2 == server.exits()
    assert f"HEARTBEAT_INTERVAL must be a number of seconds, such as 5 or 0.2, and not {setting!r}\n" == server.said()


def test_it_starts_again_at_once_on_the_same_port(here):
    first, port = server_on_terminal(here)
    peer = welcomed(here, first, port)
    first.type("/quit")  # the server closes first, so TIME_WAIT is on its side
    peer.end()
    peer.close()
    assert 0 == first.exits()
    second = here.on_terminal("server", port)
    second.shows(f"Listening on 127.0.0.1:{port}\r\n")
    second.leave("ctrl-d")
    assert 0 == second.exits()


# ---------------------------------------------------------------------------------------------- messages


def test_lines_do_not_depend_on_how_they_arrive(here):
    server, port = server_on_terminal(here)
    peer = welcomed(here, server, port)
    received = f"Received from {peer.name}: "
    peer.send(b"MSG half a li")
    peer.send(b"ne\nMSG and mo")
    server.shows(f"{received}half a line\r\n")
    peer.send(b"re\n" + b"".join(b"MSG line %d\n" % n for n in range(10)))
    server.shows(f"{received}and more\r\n", *(f"{received}line {n}\r\n" for n in range(10)))
    peer.send(*(bytes([byte]) for byte in "MSG 你好 👩‍👩‍👧\n".encode()))
    server.shows(f"{received}你好 👩‍👩‍👧\r\n")
    peer.send(b"MSG with CR\r\nMSG  spaces  kept \nMSG \n")
    server.shows(f"{received}with CR\r\n", f"{received} spaces  kept \r\n", f"{received}\r\n")
    assert 16 == server.said().count(received)


def test_what_it_does_not_know_is_ignored(here):
    server, port = server_on_terminal(here)
    peer = welcomed(here, server, port)
    peer.send(b"\n\r\nHELLO\nMSG\nmsg small\nMSGx\nHEARTBEAT 1\nBROADCAST x\n\xff\xfe\n")
    peer.send(b"HEARTBEAT-ACK\nHEARTBEAT-ACK x\nHEARTBEAT-ACK -1\nHEARTBEAT-ACK " + b"9" * 4000 + b"\n")
    peer.send(b"MSG bad \xff UTF-8\n")
    server.shows(f"Received from {peer.name}: bad � UTF-8\r\n")
    assert 1 == server.said().count("Received")


def test_an_over_long_line_is_skipped_without_keeping_it(here):
    server, port = on_pipes(here)
    peer = here.connect(port)
    peer.send(b"MSG " + b"a" * 4091 + b"\n")  # 4096 bytes: just right
    server.finds(rb"Received from [^:]*: a{4091}\n")
    before = peak_memory(server.pid)
    peer.send(b"MSG " + b"b" * 4092 + b"\n")
    peer.send(b"MSG ", *([b"c" * (1 << 20)] * 32), b"\nMSG after\n")
    server.finds(rb"Received from [^:]*: after\n")
    assert 2 == server.said().count("Received")
    assert peak_memory(server.pid) - before < 8 << 20


# ---------------------------------------------------------------------------------------------- broadcast


def test_a_broadcast_reaches_everyone_connected_once_and_in_order(here):
    server, port = server_on_terminal(here)
    gone = welcomed(here, server, port)
    peers = [welcomed(here, server, port) for _ in range(3)]
    gone.finish()
    server.shows(f"Disconnected {gone.name}\r\n")
    for text in ("one", "二 👍", ""):
        server.type(text)
    server.type("a secret", enter=False)
    server.type(" no longer")
    for peer in peers:
        assert ["one", "二 👍", "", "a secret no longer"] == [
            line.decode().removeprefix("BROADCAST ") for line in peer.lines(4)
        ]
    server.type("/quit")
    for peer in peers:
        peer.end()
        peer.finish()
    assert 0 == server.exits()


def test_a_line_too_long_for_the_protocol_is_not_sent_and_said(here):
    server, port = on_pipes(here)
    peer = here.connect(port)
    server.finds(rb"Connected")
    server.type(b"a" * 4085 + b"\n" + b"b" * 4086 + b"\n" + b"c" * 100_000 + b"\n" + b"\xff" * 2000 + b"\n\xff\n")
    assert b"BROADCAST " + b"a" * 4085 == peer.line()
    assert "BROADCAST �" == peer.line().decode()
    server.finds(rb"(Not sent: [^\n]*4096[^\n]*\n.*){3}")


def test_a_client_that_does_not_read_delays_neither_the_others_nor_the_exit(here):
    server, port = on_pipes(here, tuned={"GRACE": 0.5})
    stuck = here.connect(port, receive_buffer=4096)
    reading = here.connect(port)
    server.finds(rb"(?s)Connected.*Connected")
    lines = [b"%04d " % n + b"x" * 1200 for n in range(5000)]  # 6 MB: more than the sockets of one connection hold
    server.type(b"\n".join(lines) + b"\n")
    assert [b"BROADCAST " + line for line in lines] == reading.lines(5000)
    server.end_of_file()
    reading.end()
    reading.finish()
    assert 0 == server.exits()
    assert not reading.was_reset()
    assert not stuck.buffer


def test_a_client_that_is_too_far_behind_is_dropped(here):
    server, port = on_pipes(here, tuned={"OUTBOX_LIMIT": 25})
    stuck = here.connect(port, receive_buffer=4096)
    server.finds(rb"Connected")
    server.type((b"x" * 4000 + b"\n") * 5000)  # 20 MB: more than the kernel buffers
    server.finds(b"Disconnected " + stuck.name.encode().replace(b"(", rb"\(").replace(b")", rb"\)"))
    other = here.connect(port)
    server.finds(rb"Disconnected[^$]*Connected")
    server.type(b"still here\n")
    while other.line() != b"BROADCAST still here":
        pass  # the end of what was typed before


# ---------------------------------------------------------------------------------------------- heartbeat


def test_heartbeats_count_from_one_on_each_connection(here):
    server, port = server_on_terminal(here, HEARTBEAT_INTERVAL="0.25")
    first = welcomed(here, server, port)
    for n in range(1, 6):
        assert b"HEARTBEAT %d" % n == first.line()
        first.send(b"HEARTBEAT-ACK %d\n" % n)
    second = welcomed(here, server, port)
    assert b"HEARTBEAT 1" == second.line()


def test_three_unanswered_in_a_row_and_the_client_is_dropped(here):
    server, port = server_on_terminal(here, HEARTBEAT_INTERVAL="0.05")
    peer = welcomed(here, server, port)
    peer.send(b"HEARTBEAT-ACK 7\nHEARTBEAT-ACK 0\nHEARTBEAT-ACK x\n")  # none of these answers anything
    start = time.monotonic()
    assert [b"HEARTBEAT 1", b"HEARTBEAT 2", b"HEARTBEAT 3"] == peer.lines(3)
    peer.end()
    assert time.monotonic() - start >= 0.05 * 2.9  # the third, too, had its interval
    peer.send(b"MSG half-closed is not closed\n")
    server.shows("half-closed is not closed")
    peer.finish()
    server.shows(f"Disconnected {peer.name}")
    assert not peer.was_reset()


def test_one_answer_starts_the_count_again(here):
    server, port = server_on_terminal(here, HEARTBEAT_INTERVAL="0.4")
    peer = welcomed(here, server, port)
    peer.lines(2)
    peer.send(*(bytes([byte]) for byte in b"HEARTBEAT-ACK 2\r\n"))  # that makes up for the first
    assert [b"HEARTBEAT 3", b"HEARTBEAT 4", b"HEARTBEAT 5"] == peer.lines(3)
    peer.end()


def test_a_dropped_client_that_never_closes_does_not_linger(here):
    server, port = server_on_terminal(here, HEARTBEAT_INTERVAL="0.05", tuned={"GRACE": 0.2})
    peer = welcomed(here, server, port)
    server.shows("No answer to 3 heartbeats", f"Disconnected {peer.name}")


# ---------------------------------------------------------------------------------------------- clients leave


def test_the_fin_of_a_client_is_answered_at_once(here):
    server, port = server_on_terminal(here)
    peer = welcomed(here, server, port)
    peer.send(b"MSG last words\nMSG without an end")
    peer.finish()
    peer.end()
    server.shows(f"Received from {peer.name}: last words\r\n", f"Disconnected {peer.name}\r\n")
    assert "without an end" not in server.said()


def test_a_client_that_neither_reads_nor_closes_is_given_up(here):
    server, port = on_pipes(here, tuned={"GRACE": 0.2})
    peer = here.connect(port, receive_buffer=4096)
    server.finds(rb"Connected")
    server.type((b"x" * 4000 + b"\n") * 1900)  # 7.6 MB: the outbox takes it, the kernel does not
    peer.finish()
    server.finds(rb"Disconnected")


def test_a_reset_hurts_no_one_else(here):
    server, port = server_on_terminal(here)
    resetting, staying = welcomed(here, server, port), welcomed(here, server, port)
    name = resetting.name
    resetting.reset()
    server.shows(f"Disconnected {name}\r\n")
    server.type("still here")
    assert b"BROADCAST still here" == staying.line()


def cpu_seconds(pid: int) -> float:
    """The processor time a process has used (fields 14 and 15 of proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_when_no_more_files_can_be_opened_those_who_are_in_are_served_and_the_others_wait(here):
    server, port = on_pipes(here)
    first = here.connect(port)
    server.finds(rb"Connected")
    in_use = len(os.listdir(f"/proc/{server.pid}/fd"))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (in_use, in_use))
    waiting = here.connect(port)
    for n in range(10):
        server.type(b"%d\n" % n)
        assert b"BROADCAST %d" % n == first.line()
    before, start = cpu_seconds(server.pid), time.monotonic()
    waiting.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        waiting.sock.recv(1)  # it is not let in, and not turned away
    waiting.sock.settimeout(BOUND)
    assert cpu_seconds(server.pid) - before < (time.monotonic() - start) / 8  # it does not spin
    first.finish()
    first.end()
    server.finds(b"Disconnected[^$]*Connected")
    server.type(b"welcome\n")
    assert b"BROADCAST welcome" == waiting.line()
    server.end_of_file()
    waiting.end()
    waiting.finish()
    assert 0 == server.exits()


# ---------------------------------------------------------------------------------------------- the server leaves


@pytest.mark.parametrize("how", WAYS_TO_LEAVE)
def test_every_way_out_is_orderly(here, how):
    server, port = server_on_terminal(here)
    peers = [welcomed(here, server, port) for _ in range(2)]
    server.type("goodbye")
    assert [b"BROADCAST goodbye"] * 2 == [peer.line() for peer in peers]
    server.leave(how)
    for peer in peers:
        peer.end()
        peer.send(b"MSG last words\n")  # on its way before our FIN: received, not reset
    for peer in peers:
        peer.finish()
    assert 0 == server.exits()
    assert not any(peer.was_reset() for peer in peers)
    if how != "hang up":
        assert [1, 1] == [server.said().count(f"Received from {peer.name}: last words") for peer in peers]
        assert [1, 1] == [server.said().count(f"Disconnected {peer.name}") for peer in peers]


@pytest.mark.parametrize("end", [b"/quit\nthis is too late\n", b"the end without Enter"])
def test_everything_typed_before_the_end_is_delivered(here, end):
    server, port = on_pipes(here)
    peer = here.connect(port)
    server.finds(rb"Connected")
    server.type(b"".join(b"%d\n" % n for n in range(1000)) + end)
    server.end_of_file()
    assert [b"BROADCAST %d" % n for n in range(1000)] == peer.lines(1000)
    if not end.startswith(b"/quit"):
        assert b"BROADCAST the end without Enter" == peer.line()
    peer.end()
    peer.finish()
    assert 0 == server.exits()


def test_who_waits_in_the_queue_is_neither_forgotten_nor_reset(here):
    server, port = on_pipes(here)
    server.process.send_signal(signal.SIGSTOP)
    peers = [here.connect(port) for _ in range(3)]
    server.type(b"welcome\n")
    server.process.send_signal(signal.SIGINT)
    server.process.send_signal(signal.SIGCONT)
    for peer in peers:
        assert b"BROADCAST welcome" == peer.line()
        peer.end()
        peer.finish()
    assert 0 == server.exits()
    assert not any(peer.was_reset() for peer in peers)


def test_a_client_that_never_closes_does_not_hang_the_exit(here):
    server, port = server_on_terminal(here)
    peer = welcomed(here, server, port)
    start = time.monotonic()
    server.type("/quit")
    peer.end()
    assert 0 == server.exits()
    assert time.monotonic() - start >= 3  # it had time to close


MOMENTS = [(phase, step) for phase in ("starting", "listening", "connected", "closing", "twice") for step in range(6)]


@pytest.mark.parametrize("part", range(2))
def test_ctrl_c_at_any_moment(here, part):
    for phase, step in MOMENTS[part::2]:
        server = here.on_terminal("server", HEARTBEAT_INTERVAL="0.01")
        peer = None
        if phase == "starting":
            while not catches(server.pid, signal.SIGTERM):  # until then it is still importing
                os.sched_yield()
        else:
            port = int(server.finds(r"Listening on 127\.0\.0\.1:(\d+)\r\n")[1])
        if phase in {"connected", "closing", "twice"}:
            peer = welcomed(here, server, port)
        if phase == "closing":
            server.type("/quit")
        time.sleep(step / 2000)  # not to wait for anything: this is the moment
        server.press("ctrl-c")
        if phase == "twice":
            server.press("ctrl-c")
        if peer is not None:
            while piece := peer.sock.recv(4096):
                assert piece.startswith(b"HEARTBEAT ")
            peer.finish()
        if phase == "twice":
            server.press("ctrl-c")
        assert 0 == server.exits(), (phase, step)


def test_with_two_reference_clients(here):
    server, port = server_on_terminal(here, HEARTBEAT_INTERVAL="0.05")
    clients = [here.on_terminal("client", port) for _ in range(2)]
    for client in clients:
        client.shows(f"Connected to 127.0.0.1:{port}", "Enter message to send: ")
        server.shows("Connected (")
    for client in clients:
        client.type("你好, server")
        server.shows(": 你好, server\r\n")
    server.type("大家好")
    for client in clients:
        client.shows("\nBroadcast: 大家好\r\nEnter message to send: ")
    clients[0].press("ctrl-d")
    assert 0 == clients[0].exits()
    server.shows("Disconnected (")
    server.press("ctrl-c")
    clients[1].shows("The server closed the connection.")
    assert [0, 0] == [clients[1].exits(), server.exits()]
    assert "No answer" not in server.said()


def test_it_stays_alive_without_a_screen(here):
    server, port = on_pipes(here)
    peer = here.connect(port)
    server.finds(rb"Connected")
    server.close_screen()
    peer.send(b"MSG nobody sees this\n")
    server.type(b"but this goes out\n/quit\n")
    assert b"BROADCAST but this goes out" == peer.line()
    peer.end()
    peer.finish()
    assert 0 == server.exits()


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_text_is_utf8_whatever_the_locale(here, locale):
    settings = {"LC_ALL": locale, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    server, port = server_on_terminal(here, **settings)
    client = here.on_terminal("client", port, **settings)
    server.shows("Connected")
    client.type("心跳 💓")
    server.shows(": 心跳 💓\r\n")
    server.type("广播 📢")
    client.shows("Broadcast: 广播 📢\r\n")
