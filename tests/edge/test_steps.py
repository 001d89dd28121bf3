"""Every step that a script may have: it does what its documentation says, and the evidence shows it."""

from __future__ import annotations

import shutil
from itertools import pairwise

import pytest

from tests.edge.command import ALICE, BEGIN, BY_PEER, HEAD, SERVER, TO_SERVER, Command, expect, steps
from wirelab.observe.evidence import Ending, Exited, Typed, Wire

NFT = shutil.which("nft", path="/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin") is not None
needs_nft = pytest.mark.skipif(not NFT, reason="needs nft")
ALONE = "tests: client\ncast: {alice: {role: client}}\n"
TWO = "tests: client\ncast: {server: {role: server}, alice: {role: client}, bob: {role: client}}\n"
TWO_BY_PEER = TWO.replace("server: {role: server}", "server: {role: server, peer: true}")
START = "- {start: alice, until: ready}"
RAW_KEYS = """\
    import os, tty
    tty.setraw(0)
    os.write(1, b"ready")
    while key := os.read(0, 1):
        os.write(1, b"<%02x>" % ord(key))
"""
ECHO = """\
    import os, signal, sys
    for name in ("TERM", "INT", "HUP", "CONT"):
        signal.signal(getattr(signal, "SIG" + name), lambda *_, name=name: os.write(1, f"got {name}\\n".encode()))
    print("ready", flush=True)
    while True:
        line = sys.stdin.readline()
        if not line or line == "bye\\n":
            raise SystemExit(7)
        print("tick", line.strip().upper(), "\\x1b[1mto\\x1b[0mck", flush=True)
"""


# --- programs and their terminals


def test_press_sends_the_bytes_of_each_key(command: Command):
    keys = {
        "ctrl-c": "<03>",
        "ctrl-d": "<04>",
        "ctrl-z": "<1a>",
        "ctrl-\\": "<1c>",
        "enter": "<0d>",
        "tab": "<09>",
        "backspace": "<7f>",
        "escape": "<1b>",
        "up": "<1b><5b><41>",
        "down": "<1b><5b><42>",
    }
    lines = [f"- {{alice: press, key: '{key}'}}\n- {{alice: shows, text: {shown}}}" for key, shown in keys.items()]
    played = command.play(HEAD + ALONE + steps(START, *lines), client=RAW_KEYS)
    assert 0 == played.done.status, played.done.out
    assert "ready" + "".join(keys.values()) == played.shown("alice")
    assert ["Ctrl-C", "Ctrl-D", "Ctrl-Z", "Ctrl-\\", "⏎"] == played.typed("alice")[:5]


def test_type_with_and_without_enter_and_key_by_key(command: Command):
    script = steps(
        START,
        "- {alice: type, text: ab, enter: false}",
        "- {alice: type, text: cd}",
        "- {alice: type, text: é中, every: 0.06}",
        "- {alice: shows, text: <e4><b8><ad><0d>}",
    )
    played = command.play(HEAD + ALONE + script, client=RAW_KEYS)
    assert 0 == played.done.status, played.done.out
    assert "ready<61><62><63><64><0d><c3><a9><e4><b8><ad><0d>" == played.shown("alice")
    assert ["ab", "cd⏎", "é", "中", "⏎"] == played.typed("alice")
    moments = [event.time for event in played.run.evidence.events if isinstance(event, Typed)]
    assert all(later - earlier >= 55_000_000 for earlier, later in pairwise(moments[2:]))


def test_shows_uses_up_what_it_found_and_reads_like_a_person(command: Command):
    script = steps(
        START,
        "- {alice: type, text: one}",
        "- {alice: type, text: two}",
        "- {alice: shows, text: TWO tock}",
        "- {alice: shows, text: TWO tock, within: 0.2}",
        "- {alice: shows, pattern: 'tick [A-Z]+ to(ck)+'}",
        "- {alice: shows, pattern: 'tick [A-Z]+ to(ck)+'}",
        "- {alice: shows, pattern: 'tick [A-Z]+ to(ck)+', within: 0.2}",
        "- {alice: never shows, text: five}",
        "- {alice: type, text: five}",
        "- {alice: never shows, text: FIVE, within: 5}",
        "- {alice: never shows, pattern: 'F[I]VE'}",
    )
    played = command.play(HEAD + ALONE + script, client=ECHO)
    outcomes = "done done done done missed done done missed done done missed missed"
    assert outcomes.split() == played.outcomes
    assert {("WL604", "alice"), ("WL605", "alice")} == played.codes
    assert played.done.seconds < 5 + 4  # what must never be shown ends the waiting when it is shown


def test_signals_stop_go_on_and_end(command: Command):
    script = steps(
        START,
        "- {alice: signal, name: TERM}\n- {alice: shows, text: got TERM}",
        "- {alice: signal, name: INT}\n- {alice: shows, text: got INT}",
        "- {alice: signal, name: HUP}\n- {alice: shows, text: got HUP}",
        "- {alice: signal, name: STOP}",
        "- {alice: type, text: later}",
        "- {alice: never shows, text: tick, within: 0.2}",
        "- {alice: signal, name: CONT}",
        "- {alice: shows, text: tick LATER}",
        "- {alice: signal, name: KILL}",
        "- {alice: exits}",
        "- {alice: signal, name: TERM}",
    )
    played = command.play(HEAD + ALONE + script, client=ECHO)
    assert ["done"] * 14 + ["impossible"] == played.outcomes
    assert {("WL608", "alice")} == played.codes
    (end,) = (event for event in played.run.evidence.events if isinstance(event, Exited))
    assert (-9, "script") == (end.status, end.by)
    endings = [event.signal for event in played.run.evidence.events if isinstance(event, Ending)]
    assert ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] == endings


def test_backspace_rubs_out_a_character_however_many_bytes_it_has(command: Command):
    script = steps(
        START,
        "- {alice: type, text: 中文, enter: false}",
        "- {alice: press, key: backspace}",
        "- {alice: type, text: 字é🙂, enter: false}",
        "- {alice: press, key: backspace}",
        "- {alice: press, key: backspace}",
        "- {alice: press, key: enter}",
        "- {alice: exits, status: 0}",
    )
    client = """\
        import os
        os.write(1, b"ready")
        os._exit(os.read(0, 100) != "中字\\n".encode())
    """
    played = command.play(HEAD + ALONE + script, client=client)
    assert ["done"] * 8 == played.outcomes, played.done.out


def test_closing_the_terminal_hangs_up_and_ends_the_keyboard(command: Command):
    script = steps(START, "- {alice: closes terminal}", "- {alice: exits, status: 9}", "- {alice: type, text: x}")
    client = """\
        import os, signal, threading
        heard = threading.Event()
        signal.signal(signal.SIGHUP, lambda *_: heard.set())
        os.write(1, b"ready")
        try:
            left = os.read(0, 1) == b""
        except OSError:  # EIO
            left = True
        os._exit(9 if heard.wait(5) and left else 1)
    """
    played = command.play(HEAD + ALONE + script, client=client)
    assert ["done", "done", "done", "impossible"] == played.outcomes, played.done.out


@pytest.mark.parametrize(("status", "code"), [("7", None), ("0", "WL602")])
def test_exits(command: Command, status: str, code: str | None):
    script = steps(START, "- {alice: type, text: bye}", f"- {{alice: exits, status: {status}}}")
    played = command.play(HEAD + ALONE + script, client=ECHO)
    assert ({(code, "alice")} if code else set()) == played.codes


def test_wait_and_until_watch_meanwhile(command: Command):
    client = "import time\nfor n in range(50):\n    print('beat', n, flush=True)\n    time.sleep(0.05)"
    script = steps("- {start: alice, until: beat 2}", "- {wait: 0.4}", "- {alice: shows, text: beat 3, within: 0.001}")
    played = command.play(HEAD + ALONE + script, client=client)
    assert ["done"] * 3 == played.outcomes


# --- scripted peers


def test_a_peer_sends_exactly_these_bytes_in_exactly_these_pieces(command: Command):
    script = steps(
        "- {start: server}\n- {start: alice, until: Connected to}",
        "- {server: sends, text: NEWS}",
        "- {server: sends, text: [NEWS a, NEWS b]}",
        '- {server: sends, raw: "x\\n\\0é"}',
        "- {server: sends, hex: 0D0a 7f}",
        "- {server: sends, text: abc, pieces: bytes, pause: 0.002}",
        "- {server: sends, text: abcdefgh, pieces: [3, 2], pause: 0.002}",
        "- {server: sends, raw: ab, repeat: 3}",
        "- {server: sends, text: NEWS end}\n- {wait: 0.05}",
    )
    played = command.play(HEAD + BY_PEER + script)
    expected = [b"NEWS\n", b"NEWS a\nNEWS b\n", b"x\n\0\xc3\xa9", b"\r\n\x7f", b"a", b"b", b"c", b"\n"]
    assert [*expected, b"abc", b"de", b"fgh\n", b"ababab", b"NEWS end\n"] == played.sent()


def test_a_listening_peer_sends_to_one_client_only(command: Command):
    script = steps(
        "- {start: server}\n- {start: alice, until: Connected to}\n- {start: bob, until: Connected to}",
        "- {server: sends, text: BROADCAST for bob, to: bob}",
        "- {bob: shows, text: for bob}",
        "- {server: sends, text: BROADCAST for all}",
        "- {alice: shows, text: for all}\n- {bob: shows, text: for all}",
    )
    wanted = expect("{broadcast: for bob, to: [bob], not_to: [alice]}", "{broadcast: for all, to: [alice, bob]}")
    played = command.play(HEAD + TWO_BY_PEER + script + wanted)
    assert 0 == played.done.status, played.done.out


def test_a_peer_expects_messages_one_by_one_and_a_reset(command: Command):
    client = """\
        import socket, struct
        wire = socket.create_connection(("127.0.0.1", 12001))
        wire.sendall(b"MSG a\\nMSG b\\nMSG a\\n")
        print("ready", flush=True)
        wire.recv(100)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    """
    script = steps(
        "- {start: server}\n" + START,
        "- {server: expects, text: MSG b}",
        "- {server: expects, pattern: 'MSG [a-z]'}",
        "- {server: expects, text: MSG a}",
        "- {server: expects, text: MSG a, within: 0.1}",
        "- {server: sends, text: NEWS}",
        "- {server: expects, end: rst}",
        "- {server: expects, end: fin, within: 0.1}",
    )
    played = command.play(HEAD + BY_PEER + script, client=client)
    assert ["done"] * 5 + ["missed", "done", "done", "missed"] == played.outcomes
    assert {("WL207", "server")} == played.codes


def test_a_server_peer_half_closes_goes_on_reading_and_closes(command: Command):
    client = """\
        import socket
        wire = socket.create_connection(("127.0.0.1", 12001))
        print("ready", flush=True)
        assert wire.recv(100) == b""
        wire.sendall(b"MSG still here\\n")
        wire.shutdown(socket.SHUT_WR)
    """
    script = steps(
        "- {start: server}\n" + START,
        "- {server: half-closes}",
        "- {server: expects, text: MSG still here}",
        "- {server: expects, end: fin}",
        "- {server: closes}",
        "- {alice: exits, status: 0}",
    )
    played = command.play(HEAD + BY_PEER + script + expect("{teardown: alice, first: server}"), client=client)
    assert 0 == played.done.status, played.done.out


@pytest.mark.parametrize(("verb", "flag"), [("closes", "fin"), ("resets", "rst")])
def test_a_server_peer_ends_the_connection(command: Command, verb: str, flag: str):
    script = steps(
        "- {start: server}\n- {start: alice, until: Connected to}", f"- {{server: {verb}}}", "- {alice: exits}"
    )
    played = command.play(HEAD + BY_PEER + script)
    assert ["done"] * 4 == played.outcomes
    ends = [segment for segment in played.segments if segment.src.port == 12001 and getattr(segment, flag)]
    assert 1 == len(ends)
    assert ("rst" == flag) == any(segment.rst for segment in played.segments)


def test_a_peer_that_stops_reading_closes_its_window(command: Command):
    client = """\
        import socket
        wire = socket.create_connection(("127.0.0.1", 12001))
        print("ready", flush=True)
        wire.recv(100)
        wire.sendall(b"MSG " + b"x" * 4000 + b"\\n")
        for _ in range(500):
            wire.sendall(b"MSG " + b"x" * 4000 + b"\\n")
        wire.sendall(b"MSG done\\n")
        print("all sent", flush=True)
    """
    script = steps(
        "- {start: server}\n" + START,
        "- {server: stops reading}",
        "- {server: sends, text: go}",
        "- {alice: never shows, text: all sent, within: 0.4}",
        "- {server: reads again}",
        "- {server: expects, text: MSG done, within: 20}",
        "- {alice: shows, text: all sent}",
    )
    played = command.play(HEAD + BY_PEER + script, client=client)
    assert ["done"] * 8 == played.outcomes
    assert any(0 == segment.window and not segment.rst for segment in played.segments if segment.src.port == 12001)


def test_a_peer_that_has_not_noticed_a_reset_can_still_be_told_to_act(command: Command):
    client = """\
        import socket, struct
        wire = socket.create_connection(("127.0.0.1", 12001))
        print("ready", flush=True)
        input()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    """
    script = steps(
        "- {start: server}\n" + START,
        "- {server: stops reading}",
        "- {alice: type, text: go}\n- {alice: exits, status: 0}",
        "- {server: sends, text: NEWS, to: alice}",
        "- {server: half-closes}\n- {server: reads again}\n- {server: resets}\n- {server: closes}",
    )
    played = command.play(HEAD + BY_PEER + script, client=client)
    assert ["done"] * 10 == played.outcomes


def test_a_client_peer_talks_half_closes_and_is_answered(command: Command):
    script = steps(
        "- {start: server, until: Listening on}\n- {start: alice}",
        "- {alice: sends, text: MSG hello}",
        '- {server: shows, text: "): hello"}',
        "- {server: type, text: news}",
        "- {alice: expects, text: BROADCAST news}",
        "- {alice: half-closes}",
        "- {alice: expects, end: fin}",
        "- {alice: closes}",
        "- {server: shows, text: Disconnected}",
    )
    wanted = expect("{handshake: alice}", "{messages: alice, sent: [hello]}", "{teardown: alice, first: alice}")
    played = command.play(HEAD + TO_SERVER + script + wanted)
    assert 0 == played.done.status, played.done.out


def test_a_client_peer_resets(command: Command):
    script = steps(
        "- {start: server, until: Listening on}\n- {start: alice}",
        "- {server: shows, text: Connected}",
        "- {alice: resets}\n- {server: shows, text: Disconnected}",
    )
    played = command.play(HEAD + TO_SERVER + script + expect("{teardown: alice, style: reset}"))
    assert 0 == played.done.status, played.done.out


def test_a_client_peer_when_nobody_listens(command: Command):
    script = steps("- {start: alice}", "- {alice: sends, text: MSG hello}")
    played = command.play(HEAD + TO_SERVER + script)
    assert ["missed"] == played.outcomes
    assert 0 != played.done.status
    assert [True] == [segment.rst for segment in played.segments if segment.src.port == 12001]


# --- servers and their port


def test_two_servers_one_after_the_other_on_one_port(command: Command):
    cast = TWO.replace("tests: client", "tests: server").replace("server: {", "first: {role: server}, second: {")
    script = steps(
        "- {start: first, until: Listening on}\n- {start: alice, until: Connected to}",
        "- {first: type, text: /quit}\n- {first: exits, status: 0, within: 4}\n- {alice: exits}",
        "- {start: second, until: Listening on}\n- {start: bob, until: Connected to}",
        '- {bob: type, text: hello}\n- {second: shows, text: "): hello"}',
        "- {second: type, text: /quit}\n- {second: exits, status: 0, within: 4}\n- {bob: exits}",
    )
    wanted = expect("{teardown: alice, first: first}", "{teardown: bob, first: second}")
    played = command.play(HEAD + cast + script + wanted)
    assert 0 == played.done.status, played.done.out


def test_one_program_after_the_other_is_seen_at_once(command: Command):
    """A program's end frees its descriptors, and the next program gets the same numbers."""
    cast = "tests: client\ncast: {a: {role: client}, b: {role: client}, c: {role: client}}\n"
    turn = "- {start: X, until: ready}\n- {X: type, text: bye}\n- {X: exits, status: 7, within: 100}"
    played = command.play(HEAD + cast + steps(*(turn.replace("X", name) for name in "abc")), client=ECHO)
    assert ["done"] * 9 == played.outcomes
    assert played.done.seconds < 15  # unseen, each end is noticed after a part of the time allowed for it


def test_a_program_that_finds_its_port_taken(command: Command):
    cast = SERVER.replace("alice: {role: client}", "other: {role: server, peer: true}")
    played = command.play(HEAD + cast + steps("- {start: other}\n- {start: server, until: Listening on}"))
    assert ["done", "missed"] == played.outcomes
    assert "WL104" in {code for code, _ in played.codes} or 2 == played.done.status
    assert "Traceback" not in played.shown("server")


# --- the wire


@needs_nft
def test_cut_and_heal_for_all(command: Command):
    script = steps(
        BEGIN,
        "- {cut: all}",
        "- {alice: type, text: lost}",
        '- {server: never shows, text: "): lost", within: 0.3}',
        "- {heal: all}",
        '- {server: shows, text: "): lost", within: 5}',
    )
    played = command.play(HEAD + ALICE + script)
    assert 0 == played.done.status, played.done.out
    assert played.received().count(b"MSG lost\n") >= 2
    assert ["cut", "heal"] == [event.what for event in played.run.evidence.events if isinstance(event, Wire)]


@needs_nft
def test_cut_one_client(command: Command):
    script = steps(
        BEGIN + "- {start: bob, until: Connected to}",
        "- {cut: alice}",
        "- {alice: type, text: from alice}\n- {bob: type, text: from bob}",
        "- {server: shows, text: from bob}",
        "- {server: never shows, text: from alice, within: 0.2}",
    )
    played = command.play(HEAD + TWO + script)
    assert 0 == played.done.status, played.done.out
    assert b"MSG from alice\n" in played.received()


@needs_nft
def test_drop_the_nth_of_one_client(command: Command):
    script = steps(
        BEGIN + "- {start: bob, until: Connected to}",
        "- {drop: DATA, from: client, of: bob, nth: 2}",
        "- {alice: type, text: a1}\n- {server: shows, text: a1}",
        "- {alice: type, text: a2}\n- {server: shows, text: a2}",
        "- {bob: type, text: b1}\n- {server: shows, text: b1}\n- {bob: type, text: b2}",
        "- {server: shows, text: b2, within: 5}",
    )
    played = command.play(HEAD + TWO + script)
    assert 0 == played.done.status, played.done.out
    sent = played.received()
    assert [1, 1, 1, 2] == [sent.count(f"MSG {text}\n".encode()) for text in ("a1", "a2", "b1", "b2")]


@needs_nft
def test_drop_the_last_ack_of_a_teardown(command: Command):
    script = steps(
        BEGIN,
        "- {drop: ACK, from: client, after: FIN}",
        "- {alice: type, text: /quit}\n- {alice: exits, status: 0, within: 4}\n- {wait: 0.6}",
    )
    played = command.play(HEAD + ALICE + script + expect("{teardown: alice, first: alice}"))
    assert 0 == played.done.status, played.done.out
    assert 2 <= sum(segment.fin for segment in played.segments if segment.src.port == 12001)


@pytest.mark.parametrize("to", ["alice", "server"])
def test_inject_a_reset(command: Command, to: str):
    seen = "- {alice: exits, status: 1, within: 4}" if to == "alice" else "- {server: shows, text: Disconnected}"
    of = "" if to == "alice" else ", of: alice"
    played = command.play(HEAD + ALICE + steps(BEGIN, f"- {{inject: RST, to: {to}{of}}}", seen))
    assert ["done"] * 4 == played.outcomes, played.done.out
    resets = [segment for segment in played.segments if segment.rst]
    assert (to == "alice") == (resets[0].src.port == 12001)
    assert ["inject"] == [event.what for event in played.run.evidence.events if isinstance(event, Wire)]
