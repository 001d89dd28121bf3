"""The keys of a person who records: told apart however they arrive."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from wirelab.stage.recording import Recording


@pytest.fixture
def keyboard() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize(
    ("reads", "keys"),
    [
        ((b"\x1b", b"[A"), ["\x1b[A"]),
        ((b"\x1b[", b"A"), ["\x1b[A"]),
        ((b"\x1b[1;", b"5Cx"), ["\x1b[1;5C", "x"]),
        ((b"\x1bO", b"B"), ["\x1bOB"]),
        ((b"hi\r", b"\n"), ["hi", "\r"]),
        ((b"hi\r\n",), ["hi", "\r"]),
        ((b"hi\r",), ["hi", "\r"]),
        ((b"\x1b",), ["\x1b"]),
        ((b"\x1b\x1b[A",), ["\x1b", "\x1b[A"]),
        (("心".encode()[:2], "心跳".encode()[2:]), ["心跳"]),
    ],
)
def test_a_key_that_comes_in_pieces_is_one(
    keyboard: tuple[int, int], monkeypatch: pytest.MonkeyPatch, reads: tuple[bytes, ...], keys: list[str]
) -> None:
    recording = Recording(keyboard[0], keyboard[1], lambda event: [], "en")
    pressed: list[str] = []
    monkeypatch.setattr(recording, "_pressed", pressed.append)
    for data in reads:
        os.write(keyboard[1], data)
        recording._take_keys()
    recording._take_keys()  # nothing more came
    assert keys == pressed
