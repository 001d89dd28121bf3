"""Connections rebuilt from dialogues: what every segment was, and both sides' states after it."""

from __future__ import annotations

import pytest

from tests.observe.tracked import OPEN, frame, notes, play, states, teardown, track
from tests.wire import dialogue
from wirelab.observe.connections import Side
from wirelab.observe.segments import RST
from wirelab.observe.tcpstate import State

# --- states, segment by segment


def test_handshake_and_four_segment_teardown() -> None:
    states(r"""
        c > s SYN       # SYN-SENT, LISTEN
        s > c SYN,ACK   # SYN-SENT, SYN-RECEIVED
        c > s ACK       # ESTABLISHED, ESTABLISHED
        c > s "MSG a\n" # ESTABLISHED, ESTABLISHED
        s > c ACK       # ESTABLISHED, ESTABLISHED
        c > s FIN       # FIN-WAIT-1, ESTABLISHED
        s > c ACK       # FIN-WAIT-2, CLOSE-WAIT: acks-fin
        s > c FIN       # FIN-WAIT-2, LAST-ACK
        c > s ACK       # TIME-WAIT, CLOSED: acks-fin
    """)


def test_three_segment_teardown_by_the_server() -> None:
    states(r"""
        c > s SYN     # SYN-SENT, LISTEN
        s > c SYN,ACK # SYN-SENT, SYN-RECEIVED
        c > s ACK     # ESTABLISHED, ESTABLISHED
        s > c FIN     # ESTABLISHED, FIN-WAIT-1
        c > s FIN     # LAST-ACK, FIN-WAIT-2: acks-fin
        s > c ACK     # CLOSED, TIME-WAIT: acks-fin
    """)


@pytest.mark.parametrize("one", ["c", "s"])
def test_simultaneous_close(one: str) -> None:
    two = "s" if one == "c" else "c"
    connection = play(
        OPEN
        + f"""
        {one} > {two} FIN
        {two} > {one} FIN ack=1
        {one} > {two} ACK
        {two} > {one} ACK
    """
    )
    seen = [(noted.client_state, noted.server_state) for noted in connection.noted[3:]]
    assert (State.CLOSING, State.CLOSING) == seen[1]
    assert {State.CLOSING, State.TIME_WAIT} == set(seen[2])
    assert (State.TIME_WAIT, State.TIME_WAIT) == seen[3]
    assert connection.teardown.simultaneous
    assert connection.teardown.orderly
    assert ("client" if one == "c" else "server") == connection.teardown.first


def test_half_close_with_data_after_it() -> None:
    states(r"""
        c > s SYN            # SYN-SENT, LISTEN
        s > c SYN,ACK        # SYN-SENT, SYN-RECEIVED
        c > s ACK            # ESTABLISHED, ESTABLISHED
        c > s FIN "bye\n"    # FIN-WAIT-1, ESTABLISHED
        s > c "BROADCAST 1\n" # FIN-WAIT-2, CLOSE-WAIT: acks-fin
        c > s ACK            # FIN-WAIT-2, CLOSE-WAIT
        s > c "BROADCAST 2\n" # FIN-WAIT-2, CLOSE-WAIT
        c > s ACK            # FIN-WAIT-2, CLOSE-WAIT
        s > c FIN            # FIN-WAIT-2, LAST-ACK
        c > s ACK            # TIME-WAIT, CLOSED: acks-fin
    """)


def test_simultaneous_open() -> None:
    states(r"""
        c > s SYN           # SYN-SENT, LISTEN
        s > c SYN           # SYN-SENT, SYN-SENT
        c > s SYN,ACK seq=0 # SYN-RECEIVED, SYN-SENT: retransmission
        s > c SYN,ACK seq=0 # ESTABLISHED, ESTABLISHED: retransmission
    """)


@pytest.mark.parametrize(
    "opens", [["c > s SYN,ACK ack=1", "s > c SYN,ACK ack=1"], ["s > c SYN,ACK ack=1", "c > s SYN,ACK ack=1"]]
)
def test_a_handshake_of_two_that_opened_at_once_is_complete_with_the_second_syn_ack(opens: list[str]) -> None:
    for end, complete in ((3, False), (4, True)):
        shake = play("\n".join(["c > s SYN lost", "s > c SYN lost", *opens][:end])).handshake
        assert complete == shake.complete
    assert (1, 3 + opens.index("c > s SYN,ACK ack=1")) == (frame(shake.syn), frame(shake.ack))


def test_a_fin_that_was_lost_is_received_when_its_copy_is_answered() -> None:
    states(r"""
        c > s SYN                # SYN-SENT, LISTEN
        s > c SYN,ACK            # SYN-SENT, SYN-RECEIVED
        c > s ACK                # ESTABLISHED, ESTABLISHED
        c > s FIN lost           # FIN-WAIT-1, ESTABLISHED
        s > c "HEARTBEAT 1\n"    # FIN-WAIT-1, ESTABLISHED
        c > s FIN seq=1 +207ms   # FIN-WAIT-1, ESTABLISHED: retransmission
        s > c ACK                # FIN-WAIT-2, CLOSE-WAIT: acks-fin
    """)


def test_the_last_ack_was_lost() -> None:
    states(r"""
        c > s SYN              # SYN-SENT, LISTEN
        s > c SYN,ACK          # SYN-SENT, SYN-RECEIVED
        c > s ACK              # ESTABLISHED, ESTABLISHED
        c > s FIN              # FIN-WAIT-1, ESTABLISHED
        s > c FIN              # FIN-WAIT-2, LAST-ACK: acks-fin
        c > s ACK lost         # TIME-WAIT, CLOSED: acks-fin
        s > c FIN seq=1 +200ms # TIME-WAIT, CLOSED: retransmission
        c > s ACK              # TIME-WAIT, CLOSED: acks-fin
        c > s ACK              # TIME-WAIT, CLOSED: after-close
    """)


# --- resets


def test_refused() -> None:
    states(r"""
        c > s SYN     # SYN-SENT, LISTEN
        s > c RST,ACK # CLOSED, CLOSED: refused
    """)
    connection = play("c > s SYN\n s > c RST,ACK")
    assert (1, 1) == (connection.noted[1].seq, connection.noted[1].ack)  # as Wireshark shows it
    assert 2 == frame(connection.handshake.refused)
    assert connection.handshake.syn_ack is None
    assert not connection.handshake.complete


def test_a_reset_during_the_handshake_is_no_refusal() -> None:
    states(r"""
        c > s SYN     # SYN-SENT, LISTEN
        s > c SYN,ACK # SYN-SENT, SYN-RECEIVED
        c > s RST     # CLOSED, LISTEN
        s > c SYN,ACK # CLOSED, LISTEN: after-close retransmission
    """)


STRAY = r"""
    c > s SYN                      # SYN-SENT, LISTEN
    s > c "old" seq=90000 ack=7000 # SYN-SENT, LISTEN
    c > s RST  seq=7000            # SYN-SENT, LISTEN
    c > s SYN  +1000ms             # SYN-SENT, LISTEN: retransmission
    s > c SYN,ACK                  # SYN-SENT, SYN-RECEIVED
    c > s ACK  ack=1               # ESTABLISHED, ESTABLISHED
    s > c "hello" seq=1            # ESTABLISHED, ESTABLISHED
"""


def test_a_stray_in_an_opening_connection_is_rejected_by_a_reset_that_ends_nothing() -> None:
    """RFC 9293, figure 10: the server remembers a connection that the client does not."""
    states(STRAY)
    connection = play(STRAY)
    assert (b"hello", ()) == (connection.server_stream.data, connection.server_stream.gaps)
    assert () == connection.client_stream.gaps
    assert (5, 6) == (frame(connection.handshake.syn_ack), frame(connection.handshake.ack))


def test_a_reset_that_does_not_answer_the_syn_is_no_refusal() -> None:
    states(r"""
        c > s SYN           # SYN-SENT, LISTEN
        s > c RST,ACK ack=5 # SYN-SENT, LISTEN
        s > c SYN,ACK       # SYN-SENT, SYN-RECEIVED
    """)


@pytest.mark.parametrize("flags", ["RST", "RST,ACK"])
def test_abort(flags: str) -> None:
    connection = play(
        OPEN
        + f"""
        c > s "MSG a\\n"
        c > s {flags}
        s > c "late"
        c > s RST seq=7
    """
    )
    assert ["", "", "", "", "", "after-close", "after-close"] == notes(connection)
    assert (State.CLOSED, State.CLOSED) == (connection.client_state, connection.server_state)
    assert (5, 7) == tuple(frame(reset) for reset in connection.teardown.resets)
    assert not connection.teardown.orderly


def test_a_copy_of_the_fin_after_a_reset_is_after_close() -> None:
    connection = play(OPEN + "c > s FIN\n s > c RST,ACK\n c > s FIN seq=1")
    assert ["", "", "after-close retransmission"] == notes(connection)[3:]


def test_a_reset_that_its_receiver_must_ignore_ends_nothing() -> None:
    connection = play(OPEN + 'c > s "0123456789"\n s > c ACK\n c > s RST seq=2')
    assert (State.ESTABLISHED, State.ESTABLISHED) == (connection.client_state, connection.server_state)
    assert (6,) == tuple(frame(reset) for reset in connection.teardown.resets)


def test_a_reset_after_the_fin_of_its_sender_is_not_after_close() -> None:
    connection = play(OPEN + 's > c FIN\n c > s "more"\n s > c RST seq=1')
    assert ["acks-fin", ""] == notes(connection)[4:]
    assert (State.CLOSED, State.CLOSED) == (connection.client_state, connection.server_state)


# --- teardown


@pytest.mark.parametrize(
    ("lines", "frames", "first", "orderly"),
    [
        ("c > s FIN\n s > c ACK\n s > c FIN\n c > s ACK", (4, 5, 6, 7), "client", True),
        ("c > s FIN\n s > c FIN\n c > s ACK", (4, 5, 5, 6), "client", True),
        ("s > c FIN\n c > s FIN\n s > c ACK", (5, 6, 4, 5), "server", True),
        ("c > s FIN lost\n c > s FIN seq=1\n s > c FIN\n c > s ACK", (4, 6, 6, 7), "client", True),
        ("c > s FIN\n s > c ACK", (4, 5, None, None), "client", False),
        ("s > c FIN", (None, None, 4, None), "server", False),
        ("c > s FIN\n s > c RST,ACK", (4, None, None, None), "client", False),
        ("c > s FIN\n s > c FIN\n c > s ACK\n c > s RST", (4, 5, 5, 6), "client", False),
        # Captured after its own acknowledgment, as happens when two queues are captured.
        ("c > s FIN ack=2\n s > c FIN ack=1\n s > c ACK", (4, 6, 5, 4), "server", True),
        ("s > c FIN ack=2\n c > s FIN ack=1\n c > s ACK", (5, 4, 4, 6), "client", True),
    ],
)
def test_teardowns(lines: str, frames: tuple[int | None, ...], first: Side, orderly: bool) -> None:
    connection = play(f"{OPEN}\n{lines}")
    assert frames == teardown(connection)
    assert first == connection.teardown.first
    assert orderly == connection.teardown.orderly
    assert not connection.teardown.simultaneous


def test_every_reset_is_listed() -> None:
    segments = dialogue(OPEN + "s > c RST\n s > c RST\n c > s RST")
    (connection,) = track(segments).connections
    assert [segment for segment in segments if segment.flags & RST] == [
        noted.segment for noted in connection.teardown.resets
    ]
    assert connection.teardown.first is None


def test_a_dialogue_fills_in_numbers_and_times() -> None:
    """The helper that every test here leans on, held to numbers worked out by hand."""
    segments = dialogue(
        r"""
        c > s SYN
        s > c SYN,ACK   +2ms
        c > s "a\n"     at=10ms win=7
        s > c FIN "bc"  lost
        c > s ACK
        """,
        isn={"c": 2**32 - 2, "s": 50},
    )
    assert [
        ("SYN", 2**32 - 2, 0, b"", 0),
        ("SYN,ACK", 50, 2**32 - 1, b"", 2),
        ("ACK", 2**32 - 1, 51, b"a\n", 10),
        ("FIN,ACK", 51, 1, b"bc", 11),
        ("ACK", 1, 51, b"", 12),
    ] == [
        (each.flag_names(), each.seq, each.ack, each.payload, (each.time - segments[0].time) // 1_000_000)
        for each in segments
    ]
    assert [1, 2, 3, 4, 5] == [each.frame for each in segments]
    assert [512, 512, 7, 512, 512] == [each.window for each in segments]
    with pytest.raises(AssertionError, match="not a line"):
        dialogue("c says hello")
    with pytest.raises(AssertionError, match="'SIN'"):
        dialogue("c > s SIN")
