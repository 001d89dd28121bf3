"""Connections rebuilt from dialogues: what every segment was, and both sides' states after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.wire import SERVER, dialogue
from wirelab.observe.connections import Connection, Noted, Side, Tracker
from wirelab.observe.segments import RST, Endpoint, Segment
from wirelab.observe.tcpstate import State

OPEN = r"""
    c > s SYN
    s > c SYN,ACK
    c > s ACK
"""


def track(segments: list[Segment], server_port: int | None = None) -> Tracker:
    tracker = Tracker(server_port)
    for segment in segments:
        tracker.feed(segment)
    return tracker


def play(text: str) -> Connection:
    """The one connection of a dialogue."""
    tracker = track(dialogue(text))
    (connection,) = tracker.connections
    assert connection is tracker.connection(0)
    return connection


def notes(connection: Connection) -> list[str]:
    """The notes of each segment, sorted, in one string."""
    return [" ".join(sorted(noted.notes)) for noted in connection.noted]


def states(text: str) -> None:
    """Play a dialogue whose comments are ``client state, server state[: notes]`` and compare every line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    expected = [line.partition("#")[2].strip() for line in lines]
    connection = play(text)
    seen = []
    for noted in connection.noted:
        line = f"{noted.client_state}, {noted.server_state}"
        seen.append(f"{line}: {' '.join(sorted(noted.notes))}" if noted.notes else line)
    assert expected == seen
    last = connection.noted[-1]
    assert (last.client_state, last.server_state) == (connection.client_state, connection.server_state)


def frame(noted: Noted | None) -> int | None:
    return None if noted is None else noted.segment.frame


def teardown(connection: Connection) -> tuple[int | None, int | None, int | None, int | None]:
    """Frames of the client's FIN and its ACK, and of the server's."""
    end = connection.teardown
    return frame(end.client_fin), frame(end.client_fin_ack), frame(end.server_fin), frame(end.server_fin_ack)


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


# --- numbers and handshake


def test_numbers_are_relative_and_the_handshake_is_found() -> None:
    connection = play(
        r"""
        c > s SYN
        c > s SYN +1000ms
        s > c SYN,ACK
        s > c SYN,ACK
        c > s "first"
        s > c "second!"
        c > s ACK
    """
    )
    assert [(0, None), (0, None), (0, 1), (0, 1), (1, 1), (1, 6), (6, 8)] == [
        (noted.seq, noted.ack) for noted in connection.noted
    ]
    assert ["", "retransmission", "", "retransmission", "", "", ""] == notes(connection)
    shake = connection.handshake
    assert (1, 3, 5) == (frame(shake.syn), frame(shake.syn_ack), frame(shake.ack))
    assert shake.complete
    assert (Endpoint("127.0.0.1", 40000), SERVER) == (connection.client, connection.server)


@pytest.mark.parametrize(
    ("kept", "missing"), [([1, 2, 3, 4, 5], "syn"), ([0, 2, 3, 4, 5], "syn_ack"), ([0, 3, 4, 5], "syn_ack")]
)
def test_a_capture_that_lacks_a_part_of_the_handshake(kept: list[int], missing: str) -> None:
    segments = dialogue(OPEN + 'c > s "abc"\n s > c "xyz"\n c > s ACK')
    (connection,) = track([segments[index] for index in kept]).connections
    assert getattr(connection.handshake, missing) is None
    assert not connection.handshake.complete
    assert (State.ESTABLISHED, State.ESTABLISHED) == (connection.client_state, connection.server_state)
    assert (b"abc", b"xyz") == (connection.client_stream.data, connection.server_stream.data)
    assert SERVER == connection.server


@pytest.mark.parametrize(
    ("ports", "known", "client"),
    [
        ((40000, 12001), 12001, "c"),
        ((5000, 12001), 12001, "c"),
        ((12001, 5000), 5000, "c"),
        ((40000, 12001), None, "c"),
        ((5000, 12001), None, "s"),
        ((5000, 12001), 80, "s"),
    ],
)
def test_who_is_the_client_in_mid_stream(ports: tuple[int, int], known: int | None, client: str) -> None:
    places = {"c": Endpoint("::1", ports[0]), "s": Endpoint("::1", ports[1])}
    segments = dialogue('s > c "abc"\n c > s "xyz"\n s > c ACK', endpoints=places)
    (connection,) = track(segments, known).connections
    assert places[client] == connection.client
    assert [(1, 1), (1, 4), (4, 4)] == [(noted.seq, noted.ack) for noted in connection.noted]
    assert (State.ESTABLISHED, State.ESTABLISHED) == (connection.client_state, connection.server_state)
    assert {b"abc", b"xyz"} == {connection.client_stream.data, connection.server_stream.data}


def test_mid_stream_begins_where_the_first_segment_is() -> None:
    """An ACK may be older than data that is under way: what it names is not the stream's first byte."""
    connection = play('c > s "abc" ack=1\n s > c "later" seq=101\n c > s ACK')
    assert (b"later", ()) == (connection.server_stream.data, connection.server_stream.gaps)
    assert 101 == connection.noted[1].seq


def test_a_new_isn_on_the_same_ports_is_a_new_connection() -> None:
    whole = OPEN + 'c > s "one"\n s > c ACK\n c > s FIN\n s > c FIN\n c > s ACK'
    segments = dialogue(whole) + dialogue(whole, isn={"c": 70000, "s": 80000}, frame=9)
    tracker = track([*segments, replace(segments[0], frame=99)])
    assert [0, 1, 2] == [connection.index for connection in tracker.connections]
    assert [True, True, False] == [connection.teardown.orderly for connection in tracker.connections]
    # The same SYN again, on a finished connection, is a late duplicate.
    assert 1 == len(track([*dialogue(whole), segments[0]]).connections)


def test_a_refused_client_tries_again_from_the_same_port() -> None:
    refused = "c > s SYN\n s > c RST,ACK"
    tracker = track(dialogue(refused) + dialogue(OPEN, isn={"c": 5}, frame=3))
    assert [True, False] == [connection.handshake.refused is not None for connection in tracker.connections]
    assert tracker.connection(1).handshake.complete


def test_a_syn_ack_that_crosses_an_injected_reset_belongs_to_the_connection() -> None:
    connection = play("c > s SYN\n s > c RST,ACK\n s > c SYN,ACK")
    assert "after-close" in connection.noted[2].notes


def test_connections_in_between_each_other_and_to_oneself() -> None:
    one = dialogue(OPEN + 'c > s "one"')
    two = dialogue(OPEN + 'c > s "two"', endpoints={"c": Endpoint("127.0.0.1", 40001)}, isn={"c": 9, "s": 8})
    own = dialogue("c > c SYN\n c > c SYN,ACK\n c > c ACK", endpoints={"c": SERVER})
    tracker = track([segment for pair in zip(one, two, strict=True) for segment in pair] + own)
    assert [b"one", b"two", b""] == [connection.client_stream.data for connection in tracker.connections]
    with pytest.raises(IndexError):
        tracker.connection(3)


def test_snapshots_do_not_change() -> None:
    segments = dialogue(OPEN + 'c > s "one"\n c > s "two"')
    tracker = track(segments[:4])
    before = tracker.connections
    assert tracker.connections[0] is before[0]
    tracker.feed(segments[4])
    assert (b"one", b"onetwo") == (before[0].client_stream.data, tracker.connections[0].client_stream.data)
    assert (4, 5) == (len(before[0].noted), len(tracker.connections[0].noted))


# --- notes


def test_lost_and_retransmitted_data() -> None:
    connection = play(
        OPEN
        + r"""
        c > s "aaa" lost
        c > s "bbb"
        s > c ACK ack=1
        s > c ACK ack=1
        c > s "aaa" seq=1
        s > c ACK ack=7
    """
    )
    # The tap saw the segment that was lost, so the second is in order and the copy brings nothing new.
    assert ["", "", "", "duplicate-ack", "retransmission", ""] == notes(connection)[3:]
    assert b"aaabbb" == connection.client_stream.data
    assert [4, 5] == [chunk.frame for chunk in connection.client_stream.chunks]


def test_data_the_capture_sees_out_of_order() -> None:
    connection = play(
        OPEN
        + r"""
        c > s "ccc" seq=7
        c > s "ddd" seq=10
        c > s "aaab" seq=1
        c > s "bbbccc" seq=4
        c > s "ab" seq=3
    """
    )
    assert ["out-of-order", "out-of-order", "fills-gap", "fills-gap partial-overlap", "retransmission"] == notes(
        connection
    )[3:]
    delivered = [[(chunk.offset, chunk.data) for chunk in noted.delivered] for noted in connection.noted[3:]]
    assert [[], [], [(0, b"aaab")], [(4, b"bb"), (6, b"ccc"), (9, b"ddd")], []] == delivered
    assert b"aaabbbcccddd" == connection.client_stream.data
    assert [6, 7, 4, 5] == [chunk.frame for chunk in connection.client_stream.chunks]


def test_a_gap_filled_from_within() -> None:
    connection = play(OPEN + 'c > s "g" seq=7\n c > s "d" seq=4\n c > s "abc" seq=1\n c > s "ef" seq=5')
    assert ["out-of-order", "fills-gap", "fills-gap", "fills-gap"] == notes(connection)[3:]
    assert b"abcdefg" == connection.client_stream.data


def test_first_bytes_win_and_conflicts_are_counted() -> None:
    connection = play(OPEN + 'c > s "abc"\n c > s "xbcd" seq=1\n c > s "GHI" seq=7\n c > s "defghi" seq=4')
    assert (b"abcdefGHI", 4) == (connection.client_stream.data, connection.client_stream.overlaps)


def test_gaps() -> None:
    lacking = play(OPEN + 'c > s "abc"\n c > s "ghi" seq=7\n c > s FIN seq=12')
    assert (b"abc", ((3, 6), (9, 11))) == (lacking.client_stream.data, lacking.client_stream.gaps)
    assert {"out-of-order"} == lacking.noted[-1].notes
    acknowledged = play(OPEN + 'c > s "abc"\n s > c ACK ack=11')
    assert (b"abc", ((3, 10),)) == (acknowledged.client_stream.data, acknowledged.client_stream.gaps)


def test_payloads_the_capture_cut_off() -> None:
    connection = play(OPEN + 'c > s "abc" len=10\n c > s "" len=10\n c > s "klm"\n s > c ACK\n c > s FIN')
    assert [1, 11, 21, 24] == [noted.seq for noted in connection.noted if noted.sender == "client"][2:]
    assert (b"abc", ((3, 20),)) == (connection.client_stream.data, connection.client_stream.gaps)
    assert {""} == set(notes(connection))


def test_keep_alive() -> None:
    connection = play(
        OPEN
        + r"""
        c > s "abc"
        s > c ACK
        c > s ACK seq=3
        s > c ACK
        c > s "?" seq=3
        s > c ACK
        s > c ACK
    """
    )
    # Its byte is no data, and no conflict; without a keep-alive the same ACK is nothing at all.
    assert ["keep-alive", "keep-alive-ack", "keep-alive", "keep-alive-ack", ""] == notes(connection)[5:]
    assert (b"abc", 0) == (connection.client_stream.data, connection.client_stream.overlaps)


def test_one_byte_retransmitted_is_no_keep_alive() -> None:
    connection = play(OPEN + 'c > s "a"\n c > s "a" seq=1\n s > c ACK')
    assert ["", "retransmission", ""] == notes(connection)[3:]


def test_an_ack_from_before_the_fin_is_no_keep_alive() -> None:
    connection = play(OPEN + "c > s FIN\n s > c ACK\n c > s ACK seq=1")
    assert "" == notes(connection)[-1]


def test_zero_window_and_probes() -> None:
    connection = play(
        OPEN
        + r"""
        c > s "abc"
        s > c ACK win=0
        c > s ACK seq=3
        s > c ACK win=0
        c > s "d"
        s > c ACK ack=4 win=0
        c > s "d" seq=4
        s > c ACK win=99
        s > c ACK win=100
        c > s "efg"
    """
    )
    assert [
        "",
        "zero-window",
        "window-probe",
        "zero-window",
        "window-probe",
        "duplicate-ack zero-window",
        "retransmission window-probe",
        "",
        "window-update",
        "",
    ] == notes(connection)[3:]
    assert b"abcdefg" == connection.client_stream.data


def test_windows_of_the_handshake_are_not_compared() -> None:
    """They are not scaled (RFC 7323, 2.2)."""
    assert [""] * 4 == notes(play("c > s SYN\n s > c SYN,ACK win=65535\n c > s ACK\n s > c ACK win=512"))


def test_bytes_after_a_fin_are_not_taken() -> None:
    connection = play(OPEN + 'c > s FIN "abc"\n s > c ACK\n c > s "xut" seq=3\n c > s FIN seq=4')
    assert ["after-close retransmission", "retransmission"] == notes(connection)[5:]
    assert (b"abc", 1) == (connection.client_stream.data, connection.client_stream.overlaps)


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
