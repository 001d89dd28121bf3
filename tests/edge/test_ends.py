"""Ends that nobody's program chose: the script kills one, or the harness cleans up after the last step."""

from __future__ import annotations

import pytest

from tests.edge.command import ALICE, BEGIN, BY_PEER, HEAD, SERVER, TO_SERVER, Command, expect, steps
from wirelab.judge.verdict import Verdict
from wirelab.observe.evidence import Ending

IDLE = """\
    import socket, sys, threading
    LISTENS = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    print("Listening on", flush=True)
    def serve(wire):
        while wire.recv(4096):
            pass
        wire.close()
    while True:
        threading.Thread(target=serve, args=(LISTENS.accept()[0],)).start()
"""
MUTE = """\
    import socket, sys, time
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            wire = socket.create_connection((sys.argv[1], int(sys.argv[2])))
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    print("Connected to", flush=True)
    while wire.recv(4096):
        pass
"""


@pytest.mark.parametrize("unread", [False, True])
@pytest.mark.parametrize(("dies", "by"), [("alice", SERVER), ("server", ALICE)])
def test_a_killed_programs_kernel_may_end_its_connection_in_any_way(command: Command, dies: str, by: str, unread: bool):
    """FIN where it had read everything, RST where not: it is stopped before it is killed. A connection that nobody has
    accepted yet ends with RST as well, so that the server's word is waited for."""
    other = "server" if dies == "alice" else "alice"
    stop = f"- {{{dies}: signal, name: STOP}}\n- {{{other}: type, text: never read}}\n- {{wait: 0.1}}" if unread else ""
    gone = "- {alice: exits, within: 4}" if dies == "server" else "- {server: shows, text: Disconnected}"
    taken = "- {server: shows, text: Connected}" if dies == "server" else ""
    script = steps(BEGIN, taken, stop, f"- {{{dies}: signal, name: KILL}}", gone)
    played = command.play(HEAD + by + script + expect("{teardown: alice, style: any}"))
    assert 0 == played.done.status, played.done.out
    assert f"the script killed {dies}" in played.done.out
    port = 12001 if dies == "server" else played.connections[0].client.port
    ends = [segment for segment in played.segments if segment.src.port == port and (segment.fin or segment.rst)]
    # On a busy machine the other's line may come only when it is dead already.
    came = any(b"never read" in segment.payload for segment in played.segments if segment.frame < ends[0].frame)
    assert (unread and came) == ends[0].rst


def test_a_peer_that_no_step_closes_is_ended_by_the_harness_and_says_so(command: Command):
    """The server did nothing wrong by the end of the script but to send no heartbeat."""
    script = steps(
        "- {start: server, until: Listening on}\n- {start: alice}", "- {alice: expects, text: HEARTBEAT 1, within: 0.2}"
    )
    played = command.play(HEAD + TO_SERVER + script + expect("{teardown: alice}"), server=IDLE)
    ends = [event for event in played.run.evidence.events if isinstance(event, Ending)]
    assert [("alice", "harness"), ("server", "harness")] == [(event.actor, event.by) for event in ends]
    (fin,) = [segment for segment in played.segments if segment.fin and segment.dst.port == 12001]
    assert ends[0].time < fin.time
    teardown = {check.name: check for check in played.judgement.checks}["teardown"]
    assert (Verdict.INCONCLUSIVE, ["WL905"]) == (teardown.verdict, [each.code for each in teardown.findings])


def test_a_peer_that_the_harness_ended_first_did_not_close_too_early(command: Command):
    """Started last, it is ended first. What the client did not send is what is wrong, and that it never closed."""
    script = steps(
        "- {start: alice}\n- {start: server}\n- {alice: shows, text: Connected to, within: 5}",
        "- {alice: type, text: hello}",
        "- {server: expects, text: MSG hello, within: 0.2}",
    )
    played = command.play(HEAD + BY_PEER + script + expect("{teardown: alice, first: alice}"), client=MUTE)
    assert ["missed"] == [outcome for outcome in played.outcomes if outcome != "done"]
    codes = {code for code, _ in played.codes}
    assert "WL207" in codes
    assert {"WL503", "WL504"} & codes
    assert {"WL501", "WL905"}.isdisjoint(codes)


def test_a_peer_that_the_program_closed_first_needs_no_end(command: Command):
    script = steps(
        "- {start: server, until: Listening on}\n- {start: alice}\n- {server: shows, text: Connected}",
        "- {server: type, text: /quit}\n- {alice: expects, end: fin}",
    )
    played = command.play(HEAD + TO_SERVER + script + expect("{teardown: alice, first: server}"))
    ends = [event.actor for event in played.run.evidence.events if isinstance(event, Ending)]
    assert "alice" not in ends


DEAF = """\
    import signal, socket, sys
    def hear(*_):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    wire = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    signal.signal(signal.SIGINT, hear)
    print("Connected to", flush=True)
    try:
        input()
    except KeyboardInterrupt:
        wire.close()
"""


def test_a_ctrl_c_that_got_lost_is_pressed_again_while_somebody_else_is_waited_for(command: Command):
    """CPython can lose one; nothing at all happens then, and the wait must look at its clock by itself."""
    script = steps(
        "- {start: server}\n- {start: alice, until: Connected to}",
        "- {alice: press, key: ctrl-c}\n- {server: expects, end: fin, within: 20}",
        "- {server: half-closes}\n- {alice: exits, status: 0}",
    )
    played = command.play(HEAD + BY_PEER + script + expect("{teardown: alice, first: alice}"), client=DEAF)
    assert 0 == played.done.status, played.done.out
    assert ["Ctrl-C", "Ctrl-C"] == played.typed("alice")


SLOW_TO_END = """\
    import socket, sys, time
    wire = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    print("Connected to", flush=True)
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        line = ""
    if line:
        while time.process_time() < 0.1:
            pass
        wire.sendall(b"MSG " + line.encode())
        sys.stdin.readline()
    time.sleep(0.2)
    wire.shutdown(socket.SHUT_WR)
    while wire.recv(4096):
        pass
"""


@pytest.mark.parametrize("key", ["press, key: ctrl-d", "press, key: ctrl-c", "signal, name: INT"])
def test_who_was_asked_to_end_by_the_last_step_is_given_the_time(command: Command, key: str):
    script = steps(BEGIN, f"- {{alice: {key}}}")
    played = command.play(HEAD + ALICE + script + expect("{teardown: alice, first: alice}"), client=SLOW_TO_END)
    assert 0 == played.done.status, played.done.out


def test_what_the_last_step_gave_to_do_is_done_before_the_run_ends(command: Command):
    """And who was not asked to end is not waited for: it is ended."""
    script = steps(BEGIN, "- {alice: type, text: hello}")
    played = command.play(HEAD + ALICE + script + expect('{messages: alice, sent: ["hello"]}'), client=SLOW_TO_END)
    assert 0 == played.done.status, played.done.out
    assert "Received from" in played.shown("server")
    assert "alice" in [event.actor for event in played.run.evidence.events if isinstance(event, Ending)]
