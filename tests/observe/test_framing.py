"""Framers: the same frames for every cut, whatever trails behind, in bounded memory and linear time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.cuts import Cuts, any_cuts, pieces, usual_cuts
from wirelab.observe.framing import NEED_DATA, Frame, Framing, framer

LINE = Framing("line", limit=12)
LENGTH = Framing("length-prefix", limit=12, width=2)
LITTLE = Framing("length-prefix", limit=12, width=4, order="little")


def frames_of(framing: Framing, data: bytes, cuts: Cuts, *, eager: bool = True) -> list[Frame]:
    """All frames of the data fed in these cuts; eager asks for frames after every piece, as a live reader does."""
    machine = framer(framing)
    found = []

    def drain() -> None:
        while (frame := machine.next_frame()) is not NEED_DATA:
            found.append(frame)

    for piece in pieces(data, cuts):
        machine.receive(piece)
        if eager:
            drain()
    drain()
    rest = machine.finish()
    assert machine.next_frame() is NEED_DATA
    return found if rest is None else [*found, rest]


def check(framing: Framing, data: bytes, expected: list[Frame]) -> None:
    """The data gives these frames in every cut, and they cover it without a hole."""
    for cuts in usual_cuts(data):
        for eager in (True, False):
            assert expected == frames_of(framing, data, cuts, eager=eager)
    edges = [0, *(frame.end for frame in expected)]
    assert edges[:-1] == [frame.start for frame in expected]
    assert edges[-1] == len(data)


@pytest.mark.parametrize(
    ("framing", "data", "expected"),
    [
        (LINE, b"", []),
        (LINE, b"\n", [Frame(0, 1, b"")]),
        (LINE, b"\r\n", [Frame(0, 2, b"")]),
        (LINE, b"hello\n", [Frame(0, 6, b"hello")]),
        (LINE, b"hello\r\n", [Frame(0, 7, b"hello")]),
        (LINE, b"a\r\r\n", [Frame(0, 4, b"a\r")]),  # one CR belongs to the line end
        (LINE, b"a\rb\n", [Frame(0, 4, b"a\rb")]),
        (LINE, b"a\nb\n\nc\n", [Frame(0, 2, b"a"), Frame(2, 4, b"b"), Frame(4, 5, b""), Frame(5, 7, b"c")]),
        (LINE, b"12345678901\n", [Frame(0, 12, b"12345678901")]),
        (LENGTH, b"", []),
        (LENGTH, b"\0\0", [Frame(0, 2, b"")]),
        (LENGTH, b"\0\5hello", [Frame(0, 7, b"hello")]),
        (LENGTH, b"\0\1a\0\0\0\2bc", [Frame(0, 3, b"a"), Frame(3, 5, b""), Frame(5, 9, b"bc")]),
        (LENGTH, b"\0\x0a1234567890", [Frame(0, 12, b"1234567890")]),
        (LITTLE, b"\2\0\0\0hi\0\0\0\0", [Frame(0, 6, b"hi"), Frame(6, 10, b"")]),
        (Framing("length-prefix", width=1), b"\2hi\0", [Frame(0, 3, b"hi"), Frame(3, 4, b"")]),
    ],
)
def test_whole_frames(framing: Framing, data: bytes, expected: list[Frame]):
    check(framing, data, expected)


@pytest.mark.parametrize("trailing", [b"h", b"hello", b"\r"])
def test_trailing_bytes_are_an_unfinished_line(trailing: bytes):
    whole = Frame(0, 3, b"ab")
    check(LINE, b"ab\n" + trailing, [whole, Frame(3, 3 + len(trailing), trailing, "unfinished")])


@pytest.mark.parametrize(
    ("trailing", "body"),
    [(b"\0", b"\0"), (b"\0\5", b""), (b"\0\5hell", b"hell")],
)
def test_trailing_bytes_are_an_unfinished_length_frame(trailing: bytes, body: bytes):
    check(LENGTH, b"\0\1a" + trailing, [Frame(0, 3, b"a"), Frame(3, 3 + len(trailing), body, "unfinished")])


def test_a_line_that_is_too_long_is_one_frame_and_the_next_is_right_again():
    data = b"x" * 12 + b"\nok\n"
    check(LINE, data, [Frame(0, 13, b"x" * 12, "too-long"), Frame(13, 16, b"ok")])


def test_a_line_that_is_too_long_and_never_ends_is_too_long():
    check(LINE, b"x" * 100, [Frame(0, 100, b"x" * 12, "too-long")])


def test_the_limit_counts_the_line_end():
    check(LINE, b"12345678901\r\n", [Frame(0, 13, b"12345678901\r", "too-long")])


def test_after_a_length_over_the_limit_nothing_can_be_told_apart():
    data = b"\0\1a" + b"MSG hello, world\n\0\1b"
    lost = Frame(5, len(data), data[5:17], "unfinished")
    check(LENGTH, data, [Frame(0, 3, b"a"), Frame(3, 5, b"MS", "too-long"), lost])


def test_a_length_over_the_limit_is_told_at_once():
    machine = framer(LENGTH)
    machine.receive(b"\xff\xff")
    assert Frame(0, 2, b"\xff\xff", "too-long") == machine.next_frame()
    assert machine.finish() is None


def test_nothing_but_the_frame_under_way_is_kept():
    for framing in (LINE, LENGTH):
        machine = framer(framing)
        for _ in range(100):
            machine.receive(b"x" * 10_000)
        while (frame := machine.next_frame()) is not NEED_DATA:
            assert frame.problem == "too-long"
        rest = machine.finish()
        assert rest is not None
        assert framing.limit == len(rest.body)
        assert 1_000_000 == rest.end


def test_framing_none_has_no_frames():
    with pytest.raises(ValueError, match="no frames"):
        framer(Framing("none"))


@pytest.mark.parametrize("framing", [LINE, LENGTH, LITTLE, Framing("length-prefix", width=1)])
@given(bodies=st.lists(st.binary(max_size=8).map(lambda body: body.replace(b"\n", b"").rstrip(b"\r"))), cuts=any_cuts)
@settings(deadline=None, max_examples=50)
def test_what_is_wrapped_comes_out_again(framing: Framing, bodies: list[bytes], cuts: Cuts):
    data = b"".join(framing.wrap(body) for body in bodies)
    assert [(body, None) for body in bodies] == [
        (frame.body, frame.problem) for frame in frames_of(framing, data, cuts)
    ]


@pytest.mark.parametrize("framing", [LINE, LENGTH, LITTLE])
@given(data=st.binary(max_size=60) | st.text("ab\r\n\0\1", max_size=60).map(str.encode), cuts=any_cuts)
@settings(deadline=None, max_examples=100)
def test_no_cut_changes_any_frame(framing: Framing, data: bytes, cuts: Cuts):
    frames = frames_of(framing, data, [max(1, len(data))])
    assert frames == frames_of(framing, data, cuts)
    assert len(data) == sum(frame.end - frame.start for frame in frames)


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (LINE, b"two\nlines"),
        (LINE, b"x" * 12),
        (LENGTH, b"x" * 11),
        (Framing("length-prefix", width=1), b"x" * 256),
    ],
)
def test_what_no_frame_can_carry_is_refused(framing: Framing, body: bytes):
    with pytest.raises(ValueError, match=r"line|frame|length"):
        framing.wrap(body)
