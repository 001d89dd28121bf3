"""What a person did becomes steps: waits where they count, slips of the finger left out, exits with their status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.judge.runs import at
from wirelab.declare import steps
from wirelab.declare.head import CastMember, Title
from wirelab.declare.scenario import parse_scenario
from wirelab.declare.scenario_writer import Draft, write_scenario
from wirelab.judge.transcribe import HANGUP, Acted, Deed, transcribe
from wirelab.observe.evidence import Event, Exited, Owned, Shown, Started

READY: list[Event] = [
    Started(at(0), "server", "server", "reference", ("server",)),
    Shown(at(50), "server", "Listening on 127.0.0.1:12001\r\n"),
    Started(at(60), "alice", "client", "submission", ("client",)),
    Shown(at(100), "alice", "Connected to 127.0.0.1:12001\r\nEnter message to send: "),
    Owned(at(101), "alice", 43210),
]
BEGIN: list[Acted] = [
    (None, steps.Start(start="server", until="Listening on")),
    (None, steps.Start(start="alice", until="Connected to")),
]


def types(milliseconds: float, actor: str, keys: str, gap: float = 50, idle: float = 0) -> list[Deed]:
    return [Deed(at(milliseconds + gap * n), actor, "types", key, round(idle * 1e6)) for n, key in enumerate(keys)]


def presses(milliseconds: float, actor: str, key: str) -> Deed:
    return Deed(at(milliseconds), actor, "presses", key)


def after(deeds: list[Deed], *events: Event) -> list[Acted]:
    """The steps after the two starts."""
    steps_ = list(transcribe(deeds, [*READY, *events]))
    assert BEGIN == steps_[:2]
    return steps_[2:]


def test_a_line_that_shows_elsewhere_is_waited_for() -> None:
    shown = Shown(at(700), "server", "Received from ('127.0.0.1', 43210): hello\r\n")
    assert [("alice", steps.Type(text="hello")), ("server", steps.Shows(text="hello"))] == after(
        types(400, "alice", "hello\n"), shown
    )


def test_a_line_that_shows_late_or_at_home_is_not() -> None:
    late, own = Shown(at(9000), "server", "hello\r\n"), Shown(at(700), "alice", "hello\r\n")
    assert [("alice", steps.Type(text="hello"))] == after(types(400, "alice", "hello\n"), own, late)


def test_a_line_that_stands_there_already_is_not_waited_for() -> None:
    """But one that is typed twice is, twice."""
    shown = [Shown(at(700), "server", "Received: 1\r\n"), Shown(at(900), "server", "hi\r\n")]
    again = Shown(at(1400), "server", "hi\r\n")
    deeds = [*types(400, "alice", "1\n"), *types(750, "alice", "hi\n", 20), *types(1200, "alice", "hi\n", 20)]
    said = [("alice", steps.Type(text="hi")), ("server", steps.Shows(text="hi"))]
    assert [("alice", steps.Type(text="1")), *said, *said] == after(deeds, *shown, again)


def test_a_pause_in_a_line_is_kept_and_a_short_one_is_not() -> None:
    deeds = [*types(400, "alice", "half a"), *types(2000, "alice", " li"), *types(2600, "alice", "ne\n")]
    expected = [
        ("alice", steps.Type(text="half a", enter=False)),
        (None, steps.Wait(wait=1.4)),
        ("alice", steps.Type(text=" line")),
    ]
    assert expected == after(deeds)


def test_time_in_menus_is_no_pause_and_long_ones_are_rounded() -> None:
    deeds = [
        *types(400, "alice", "a\n"),
        *types(5000, "alice", "b\n", idle=4400),
        *types(8280, "alice", "c\n", idle=4400),
    ]
    assert [
        ("alice", steps.Type(text="a")),
        ("alice", steps.Type(text="b")),
        (None, steps.Wait(wait=3.0)),
        ("alice", steps.Type(text="c")),
    ] == after(deeds)


def test_a_slip_that_was_mended_is_no_step_but_a_lone_backspace_is() -> None:
    deeds = [presses(300, "alice", "backspace"), *types(400, "alice", "hex"), presses(600, "alice", "backspace")]
    deeds += types(650, "alice", "y\n")
    assert [("alice", steps.Press(key="backspace")), ("alice", steps.Type(text="hey"))] == after(deeds)


def test_a_mended_line_is_waited_for_as_it_was_entered_and_one_with_a_key_in_it_is_not() -> None:
    """A tab may have completed it: what was entered is not known."""
    mended = [*types(400, "alice", "hex"), presses(600, "alice", "backspace"), *types(650, "alice", "y\n")]
    shown = Shown(at(900), "server", "hey\r\n")
    assert ("server", steps.Shows(text="hey")) == after(mended, shown)[-1]
    completed = [*types(400, "alice", "he"), presses(600, "alice", "tab"), *types(650, "alice", "y\n")]
    assert ("alice", steps.Type(text="y")) == after(completed, shown)[-2]
    assert ("server", steps.Shows(text="y")) == after(completed, shown)[-1], "only what came after the key is known"


@pytest.mark.parametrize("how", ["ends", "broken"])
def test_waiting_to_finish_is_a_pause_while_a_client_runs_and_none_when_all_have_left(how: str) -> None:
    end = Deed(at(9000), "", how)
    said = types(400, "alice", "a\n")
    assert (None, steps.Wait(wait=8.5)) == after([*said, end])[-1]
    left = Exited(at(600), "alice", 0, "itself")
    for over in ([left], [left, Exited(at(700), "server", 0, "itself")]):
        assert not any(isinstance(step, steps.Wait) for _, step in after([*said, end], *over))


def test_typing_here_then_there_keeps_the_order() -> None:
    deeds = [*types(200, "alice", "ab"), *types(400, "server", "x\n"), *types(600, "alice", "c\n")]
    assert [
        ("alice", steps.Type(text="ab", enter=False)),
        ("server", steps.Type(text="x")),
        ("alice", steps.Type(text="c")),
    ] == after(deeds)


@pytest.mark.parametrize(
    ("deeds", "events", "expected"),
    [
        (
            [presses(300, "alice", "ctrl-d")],
            [Exited(at(350), "alice", 0, "itself")],
            [("alice", steps.Press(key="ctrl-d")), ("alice", steps.Exits(status=0))],
        ),
        (  # what the server's end does to a client is open
            [presses(300, "server", "ctrl-c")],
            [Exited(at(350), "server", 0, "itself"), Exited(at(360), "alice", 1, "itself")],
            [("server", steps.Press(key="ctrl-c")), ("server", steps.Exits(status=0)), ("alice", steps.Exits())],
        ),
        (
            [Deed(at(300), "server", "signals", "KILL")],
            [Exited(at(301), "server", -9, "script"), Exited(at(305), "alice", 1, "itself")],
            [("server", steps.SendSignal(name="KILL")), ("server", steps.Exits()), ("alice", steps.Exits(status=1))],
        ),
        (  # it took its time: it gets twice that
            types(300, "alice", "/quit\n", gap=1),
            [Exited(at(3305), "alice", 0, "itself")],
            [("alice", steps.Type(text="/quit")), ("alice", steps.Exits(status=0, within=7))],
        ),
        ([Deed(at(300), "alice", "signals", HANGUP)], [], [("alice", steps.CloseTerminal())]),
        ([Deed(at(300), "", "ends")], [Exited(at(350), "alice", -9, "harness")], []),
        ([Deed(at(4100), "", "ends")], [], [(None, steps.Wait(wait=4.0))]),  # of heartbeats, say
        (
            [Deed(at(300), "server", "expects", "Connected ('127.0.0.1', 43210)")],
            [],
            [("server", steps.Shows(pattern=r"Connected\ \('127\.0\.0\.1',\ \d+\)"))],
        ),
        ([Deed(at(300), "alice", "expects", "Broadcast: hi")], [], [("alice", steps.Shows(text="Broadcast: hi"))]),
    ],
)
def test_what_else_may_be_done(deeds: list[Deed], events: list[Event], expected: list[Acted]) -> None:
    assert expected == after(deeds, *events)


@pytest.mark.parametrize(
    ("said", "until"),
    [("Server started, port 12001, pid 77\r\n", "Server started, port"), ("\r\n12001\r\n", None), ("", None)],
)
def test_programs_that_say_something_else_are_known_by_their_first_words(said: str, until: str | None) -> None:
    events: list[Event] = [Started(at(0), "server", "server", "reference", ("server",)), Shown(at(5), "server", said)]
    assert ((None, steps.Start(start="server", until=until)),) == transcribe([], events)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4)
ACTORS = st.sampled_from(["server", "alice"])
DONE = st.one_of(
    st.tuples(st.just("types"), TEXTS | st.just("\n")),
    st.tuples(st.just("presses"), st.sampled_from(["ctrl-c", "backspace", "up", "ctrl-\\"])),
    st.tuples(st.just("signals"), st.sampled_from(["TERM", HANGUP])),
    st.tuples(st.just("expects"), TEXTS | st.just("port 43210")),
)


@given(
    st.lists(st.tuples(ACTORS, DONE, st.integers(0, 2_000_000)), max_size=12),
    st.lists(st.tuples(ACTORS, TEXTS, st.integers(101, 9000)), max_size=5),
    st.none() | st.tuples(st.integers(-64, 255), st.integers(200, 900_000)),
)
def test_whatever_was_done_is_a_scenario_that_reads(
    acted: list[tuple[str, tuple[str, str], int]],
    said: list[tuple[str, str, int]],
    end: tuple[int, int] | None,
) -> None:
    deeds, time = [], 150
    for actor, (what, about), gap in acted:
        time += gap
        deeds.append(Deed(at(time), actor, what, about))
    events = [*READY, *(Shown(at(moment), actor, text + "\r\n") for actor, text, moment in said)]
    if end is not None:
        events.append(Exited(at(end[1]), "alice", end[0], "itself"))
    script = transcribe([*deeds, Deed(at(time + 10), "", "ends")], events)
    cast = {"server": CastMember(role="server"), "alice": CastMember(role="client")}
    draft = Draft("t", Title(en="T", zh="题"), "client", cast, script)
    read = parse_scenario(write_scenario(draft), "t.yaml")
    assert list(script) == [(step.actor, step.action) for step in read.script]
