"""What must not depend on how TCP happened to carry it: segmentation, copies, order, numbers, addresses, neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.wire import SERVER, dialogue, renumber
from wirelab.observe.connections import Connection, Tracker
from wirelab.observe.segments import FIN, PSH, Endpoint, Segment
from wirelab.observe.streams import Assembler
from wirelab.observe.tcpstate import TRANSITIONS, State

CLIENT = Endpoint("127.0.0.1", 40001)
ENDINGS = {
    "open": [],
    "four": ["A > B FIN", "B > A ACK", "B > A FIN", "A > B ACK"],
    "three": ["A > B FIN", "B > A FIN", "A > B ACK"],
    "simultaneous": ["A > B FIN lost", "B > A FIN lost", "A > B ACK ack=END_B", "B > A ACK ack=END_A"],
    "half": ["A > B FIN", 'B > A "still here"', "A > B ACK", "B > A FIN", "A > B ACK"],
    "reset": ["A > B RST"],
    "unanswered": ["A > B FIN", "A > B RST"],
}


@dataclass(frozen=True)
class Talk:
    """A legal conversation: who sends what in what order, and how it ends."""

    lines: tuple[tuple[str, str], ...]
    ending: str
    closer: str

    def segments(
        self, isn: dict[str, int] | None = None, client: Endpoint = CLIENT, server: Endpoint = SERVER
    ) -> list[Segment]:
        text = ["c > s SYN", "s > c SYN,ACK", "c > s ACK"]
        for sender, payload in self.lines:
            other = "s" if sender == "c" else "c"
            text += [f'{sender} > {other} "{payload}"', f"{other} > {sender} ACK"]
        other = "s" if self.closer == "c" else "c"
        end = {
            name: 2 + sum(len(payload) for sender, payload in self.lines if sender == name)
            for name in (self.closer, other)
        }
        for line in ENDINGS[self.ending]:
            named = line.replace("A > B", f"{self.closer} > {other}").replace("B > A", f"{other} > {self.closer}")
            text.append(named.replace("END_A", str(end[self.closer])).replace("END_B", str(end[other])))
        return dialogue("\n".join(text), isn=isn, endpoints={"c": client, "s": server})


talks = st.builds(
    Talk,
    st.lists(st.tuples(st.sampled_from("cs"), st.text("abc", min_size=2, max_size=12)), max_size=6).map(tuple),
    st.sampled_from(sorted(ENDINGS)),
    st.sampled_from("cs"),
)
numbers = st.one_of(st.integers(0, 2**32 - 1), st.integers(2**32 - 40, 2**32 - 1))


def track(segments: list[Segment]) -> tuple[Connection, ...]:
    tracker = Tracker()
    for segment in segments:
        tracker.feed(segment)
    return tracker.connections


def outcome(connection: Connection) -> tuple[object, ...]:
    """Streams, states and teardown, without frames and times."""
    end = connection.teardown
    return (
        connection.client_stream.data,
        connection.server_stream.data,
        connection.client_stream.gaps + connection.server_stream.gaps,
        connection.client_stream.overlaps + connection.server_stream.overlaps,
        connection.client_state,
        connection.server_state,
        connection.handshake.complete,
        [fin and fin.seq + fin.segment.length for fin in (end.client_fin, end.server_fin)],
        [ack and ack.ack for ack in (end.client_fin_ack, end.server_fin_ack)],
        (end.first, end.simultaneous, end.orderly, bool(end.resets)),
    )


def story(connection: Connection) -> list[tuple[object, ...]]:
    """All that is said of each segment, without raw numbers, frames and times."""
    return [
        (
            noted.sender,
            noted.seq,
            noted.ack,
            noted.notes,
            noted.client_state,
            noted.server_state,
            [(chunk.offset, chunk.data) for chunk in noted.delivered],
        )
        for noted in connection.noted
    ]


def only(segments: list[Segment]) -> Connection:
    (connection,) = track(segments)
    return connection


@given(talks)
@settings(deadline=None)
def test_what_was_sent_is_what_is_seen(talk: Talk) -> None:
    connection = only(talk.segments())
    sent = {name: "".join(payload for sender, payload in talk.lines if sender == name).encode() for name in "cs"}
    if talk.ending == "half":
        sent["s" if talk.closer == "c" else "c"] += b"still here"
    assert (sent["c"], sent["s"]) == (connection.client_stream.data, connection.server_stream.data)
    closer = "client" if talk.closer == "c" else "server"
    closed = talk.ending not in {"open", "reset"}
    assert (closer if closed else None) == connection.teardown.first
    assert (talk.ending in {"four", "three", "simultaneous", "half"}) == connection.teardown.orderly
    assert (talk.ending == "simultaneous") == connection.teardown.simultaneous


@given(talks, st.data())
@settings(deadline=None)
def test_segmentation_does_not_matter(talk: Talk, data: st.DataObject) -> None:
    segments = talk.segments()
    cut = []
    for segment in segments:
        points = sorted(data.draw(st.sets(st.integers(1, max(segment.length - 1, 1)), max_size=3)))
        edges = [0, *(point for point in points if point < segment.length), segment.length]
        for start, end in pairwise(edges) if segment.length else ():
            last = end == segment.length
            cut.append(
                replace(
                    segment,
                    seq=(segment.seq + start) & 0xFFFFFFFF,
                    payload=segment.payload[start:end],
                    length=end - start,
                    flags=segment.flags if last else segment.flags & ~(FIN | PSH),
                )
            )
        if not segment.length:
            cut.append(segment)
    assert outcome(only(segments)) == outcome(only(renumber(cut)))


@given(talks, st.data())
@settings(deadline=None)
def test_copies_change_nothing(talk: Talk, data: st.DataObject) -> None:
    segments = talk.segments()
    copied = list(segments)
    for index in data.draw(st.lists(st.integers(0, len(segments) - 1), max_size=5)):
        original = copied.index(segments[index])
        copied.insert(data.draw(st.integers(original + 1, len(copied))), segments[index])
    assert outcome(only(segments)) == outcome(only(renumber(copied)))


@given(st.data(), numbers)
@settings(deadline=None)
def test_the_order_of_data_does_not_matter(data: st.DataObject, isn: int) -> None:
    payloads = data.draw(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=8))
    text = ["c > s SYN", "s > c SYN,ACK", "c > s ACK", *(f'c > s "{payload}"' for payload in payloads)]
    segments = dialogue("\n".join([*text, "s > c ACK", "c > s FIN", "s > c FIN", "c > s ACK"]), isn={"c": isn})
    middle = data.draw(st.permutations(segments[3 : 3 + len(payloads)]))
    shuffled = only(renumber(segments[:3] + middle + segments[3 + len(payloads) :]))
    assert outcome(only(segments)) == outcome(shuffled)
    chunks = shuffled.client_stream.chunks
    assert [chunk.offset for chunk in chunks] == [sum(map(len, payloads[:index])) for index in range(len(payloads))]
    by_frame = {noted.segment.frame: noted.segment for noted in shuffled.noted}
    for chunk in chunks:
        assert by_frame[chunk.frame].payload == chunk.data
        assert by_frame[chunk.frame].time == chunk.time


@given(talks, numbers, numbers, st.integers(1, 65535))
@settings(deadline=None)
def test_numbers_and_addresses_do_not_matter(talk: Talk, client: int, server: int, port: int) -> None:
    elsewhere = talk.segments({"c": client, "s": server}, Endpoint("2001:db8::7", port), Endpoint("2001:db8::9", 80))
    assert story(only(talk.segments())) == story(only(elsewhere))


@given(talks, talks, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_neighbours_do_not_matter(one: Talk, two: Talk, random: object) -> None:
    first, second = one.segments(), two.segments(client=Endpoint("127.0.0.1", 40002))
    order = [True] * len(first) + [False] * len(second)
    random.shuffle(order)  # type: ignore[attr-defined]
    left, right = iter(first), iter(second)
    merged = track(renumber([next(left if mine else right) for mine in order]))
    expected = [story(only(first)), story(only(second))]
    assert (expected if order[0] else expected[::-1]) == [story(connection) for connection in merged]


@given(talks, st.data())
@settings(deadline=None)
def test_every_change_of_state_is_in_the_table(talk: Talk, data: st.DataObject) -> None:
    segments = talk.segments()
    for index in sorted(data.draw(st.sets(st.integers(0, len(segments) - 1), max_size=3)), reverse=True):
        del segments[index]  # whatever the capture lacks
    steps: dict[State, set[State]] = {state: {state} for state in State}
    for row in TRANSITIONS:
        steps[row.state].add(row.target)
    # ACK of the SYN, ACK of the FIN, and its own FIN may all be in one segment (RFC 9293, 3.10.7.4).
    for _ in range(2):
        steps = {state: {far for near in reached for far in steps[near]} for state, reached in steps.items()}
    for connection in track(segments):
        opening = connection.noted[0].segment.syn
        before = (State.CLOSED, State.LISTEN) if opening else (State.ESTABLISHED, State.ESTABLISHED)
        for noted in connection.noted:
            after = noted.client_state, noted.server_state
            assert after[0] in steps[before[0]], noted
            assert after[1] in steps[before[1]], noted
            before = after


def pieces(kept: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[int, bytes, int]]]:
    return st.lists(st.tuples(st.integers(-5, 30), st.binary(min_size=1, max_size=8), kept), max_size=25)


@example([(0, b"abcdefgh", 8), (-3, b"xyzABCDE", 8)])
@given(pieces(st.just(8)) | pieces(st.integers(0, 8)))
@settings(deadline=None)
def test_reassembly_is_that_of_a_map_from_offsets_to_first_bytes(added: list[tuple[int, bytes, int]]) -> None:
    """The third number is how much of a piece the capture kept."""
    assembler = Assembler()
    first: dict[int, int | None] = {}
    overlaps = 0
    whole = True
    delivered = b""
    for start, data, kept in added:
        whole = whole and kept >= len(data)
        fresh = 0
        for offset, byte in enumerate(data, start):
            known = offset < 0 or offset in first
            fresh += not known
            if offset >= 0:
                value = byte if offset - start < kept else None
                overlaps += known and first[offset] != value
                first.setdefault(offset, value)
        result = assembler.add(start, start + len(data), data[:kept], frame=1, time=0)
        assert (fresh, len(data) - fresh) == (result.fresh, result.repeated)
        delivered += b"".join(chunk.data for chunk in result.delivered)
    stream = assembler.stream()
    bytes_ = bytearray()
    while (value := first.get(len(bytes_))) is not None:
        bytes_.append(value)
    assert bytes(bytes_) == stream.data == delivered
    missing = {offset for offset in range(max(first, default=0)) if first.get(offset) is None}
    missing |= {offset for offset, value in first.items() if value is None}
    assert missing == {offset for start, end in stream.gaps for offset in range(start, end)}
    assert all(one[1] < two[0] for one, two in pairwise(stream.gaps))
    if whole:
        assert overlaps == stream.overlaps
