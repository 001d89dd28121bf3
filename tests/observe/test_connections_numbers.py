"""Numbers, handshakes, and what each segment is called, in captures whole and not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.observe.tracked import OPEN, frame, notes, play, track
from tests.wire import SERVER, dialogue
from wirelab.observe.segments import Endpoint
from wirelab.observe.tcpstate import State

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
