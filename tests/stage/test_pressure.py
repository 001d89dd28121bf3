"""How many runs at once: more while processors have room, fewer while somebody waits for them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.stage import pressure, processes

CPUS = 2
STEP = 1_000_000_000  # nanoseconds between two looks


class Machine:
    """A machine with a clock that goes on a second at each look, in which so much of the time somebody waited."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited: int | None = 0
        self.now = 0
        monkeypatch.setattr(processes, "cpus", lambda: CPUS)
        monkeypatch.setattr(pressure, "EVERY", 0.0)
        monkeypatch.setattr(pressure, "stalled", lambda: self.waited)
        monkeypatch.setattr(pressure, "now_ns", lambda: self.now)

    def goes_on(self, share: float | None) -> None:
        self.now += STEP
        self.waited = None if share is None else (self.waited or 0) + round(share * STEP / 1000)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def levels(machine: Machine, gate: pressure.Gate, shares: Iterable[float | None]) -> list[int]:
    found = []
    for share in shares:
        machine.goes_on(share)
        found.append(gate.allowed())
    return found


def test_while_there_is_room_one_more_at_each_look_up_to_the_most(machine: Machine):
    assert [9, 10, 11, 11] == levels(machine, pressure.Gate(11), [0.0, 0.1, 0.89, 0.0])


def test_while_somebody_waits_fewer_but_one_for_each_processor(machine: Machine):
    assert [7, 6, 5, 4, 3, 2, 2] == levels(machine, pressure.Gate(16), [0.99, *[1.0] * 6])


def test_in_between_nothing_changes(machine: Machine):
    assert [8, 8] == levels(machine, pressure.Gate(16), [0.92, 0.97])


def test_one_at_a_time_is_one_at_a_time(machine: Machine):
    assert [1, 1, 1] == levels(machine, pressure.Gate(1), [0.0, 1.0, 0.0])


def test_a_machine_that_does_not_say_keeps_to_a_fixed_number(machine: Machine):
    machine.waited = None
    assert [8, 8, 8] == levels(machine, pressure.Gate(16), [None, None, None])


def test_a_clock_that_is_set_back_is_no_reason(machine: Machine):
    gate = pressure.Gate(16)
    machine.now -= 10 * STEP
    assert 8 == gate.allowed()


@given(st.integers(1, 64), st.lists(st.none() | st.floats(0, 1), max_size=80))
def test_never_more_than_asked_for_nor_less_than_the_processors(most: int, shares: list[float | None]):
    with pytest.MonkeyPatch.context() as monkeypatch:
        machine = Machine(monkeypatch)
        found = levels(machine, pressure.Gate(most), shares)
        assert all(min(CPUS, most) <= level <= most for level in found)


def test_between_two_looks_the_machine_is_left_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pressure, "EVERY", 3600.0)
    gate = pressure.Gate(16)
    assert [8, 8] == levels(machine, gate, [0.0, 0.0])


@pytest.mark.parametrize(
    ("said", "stalled"),
    [
        (
            "some avg10=1.00 avg60=0.00 avg300=0.00 total=9267439255\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
            9267439255,
        ),
        ("", None),
        ("some avg10=1.00 avg60=0.00 avg300=0.00\n", None),
        ("some a b c d\n", None),
    ],
)
def test_what_linux_says(monkeypatch: pytest.MonkeyPatch, said: str, stalled: int | None):
    monkeypatch.setattr(processes, "read", lambda path: {"/proc/pressure/cpu": said}[path])
    assert stalled == pressure.stalled()
