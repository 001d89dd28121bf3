"""What causes cost: with thousands of messages judging takes no longer than reading them, and finds the same."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judge.caused import causes, said
from tests.judge.runs import HELLO, evidence, exited, judged, profile_of, scenario, shown, typed
from wirelab.judge.causes_heartbeat import _followed
from wirelab.judge.clues import deliveries
from wirelab.judge.view import View

MANY = 2000
SECONDS = 15.0  # of CPU; each of these took half a second on a slow machine, and minutes where the cost is quadratic


def view_of(wire: str) -> View:
    script = scenario("{heartbeat: alice}")
    return View(script, profile_of(script), evidence(script, wire))


def test_frames_inside_others_are_found_among_thousands_in_pieces() -> None:
    lines = "".join(f'alice > s "{piece}" +0.01ms\n' for _ in range(MANY // 2) for piece in ("MSG", " h", "i", "\\n"))
    mixed = 'alice > s "MSG hello" +1ms\ns > alice "HEARTBEAT 1\\n" +1ms\nalice > s "HEARTBEAT-ACK 1\\n" +1ms\n'
    began = time.process_time()
    run = judged(
        "{messages: alice, sent: [hello]}",
        HELLO + lines + mixed + 'alice > s "\\n" +1ms\n',
        typed(1, "alice", "hello⏎"),
    )
    assert time.process_time() - began < SECONDS
    assert ("WL252") in [code for _, code in causes(run)]
    assert "'MSG hello'" in said(run, "WL252")


def test_heartbeats_with_wrong_answers_by_the_thousand() -> None:
    beats = "".join(f's > alice "HEARTBEAT {n}\\n" +1ms\nalice > s "HEARTBEAT-ACK 0\\n" +1ms\n' for n in range(1, MANY))
    began = time.process_time()
    run = judged("{heartbeat: alice}", HELLO + beats, exited(9000, "alice"))
    assert time.process_time() - began < SECONDS
    assert "WL355" in [code for _, code in causes(run)]
    assert "HEARTBEAT 1 → HEARTBEAT-ACK 0, HEARTBEAT 2 → HEARTBEAT-ACK 0" in said(run, "WL355")


def test_messages_shown_by_the_thousand_and_a_reset() -> None:
    wire = "".join(f's > alice "BROADCAST x{n}\\n" +1ms\nalice > s ACK\n' for n in range(2 * MANY))
    lines = [shown(n / 10, "alice", f"y{n}\n") for n in range(2 * MANY)]
    began = time.process_time()
    run = judged("{teardown: alice}", HELLO + wire + "alice > s RST,ACK\n", *lines)
    assert time.process_time() - began < SECONDS
    assert [] == causes(run)


def test_what_is_asked_again_is_not_worked_out_again() -> None:
    view = view_of(HELLO + 's > alice "HEARTBEAT 1\\n"\nalice > s "HEARTBEAT-ACK 1\\n"\n')
    (connection,) = view.connections
    assert view.pairing(connection) is view.pairing(connection)
    assert deliveries(view, connection, "server") is deliveries(view, connection, "server")
    assert deliveries(view, connection, "server") is not deliveries(view, connection, "client")
    assert [(connection, "client")] == list(view.ends_of("alice"))
    assert () == view.ends_of("bob")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4), st.sampled_from([0, 1])), max_size=12))
def test_answers_follow_the_heartbeat_before_them(turns: list[tuple[bool, int, int]]) -> None:
    wire = "".join(
        f's > alice "HEARTBEAT {number}\\n" +{wait}ms\n'
        if asks
        else f'alice > s "HEARTBEAT-ACK {number}\\n" +{wait}ms\n'
        for asks, number, wait in turns
    )
    view = view_of(HELLO + wire)
    pairing = view.pairing(view.connections[0])
    given_answers = [item.answer for item in pairing.exchanges if item.answer] + [
        *pairing.unsolicited,
        *pairing.repeated,
    ]
    times = [item.question.time for item in pairing.exchanges]
    for (item, after), until in zip(_followed(view, 0), [*times[1:], None], strict=False):
        between = [
            one.start
            for one in given_answers
            if item.question.time <= one.began and (until is None or one.began < until)
        ]
        assert sorted(between) == [one.start for one in after]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text("ab ", min_size=1), max_size=6), st.text("ab ", min_size=1))
def test_the_end_of_a_line_is_found_as_by_looking_at_each(lines: list[str], text: str) -> None:
    script = scenario("{heartbeat: alice}")
    view = View(
        script, profile_of(script), evidence(script, HELLO, *(shown(1, "alice", f"{line}\r\n") for line in lines))
    )
    assert any(line.endswith(text) for line in view.lines("alice")) == view.ends_line("alice", text)


def test_when_words_were_first_shown() -> None:
    events = (shown(1, "alice", "one tw"), shown(2, "alice", "o\x1b[1m three"), shown(3, "alice", "\r\ntwo"))
    script = scenario("{heartbeat: alice}")
    left = evidence(script, HELLO, *events)
    view = View(script, profile_of(script), left)
    assert [events[0].time, events[1].time, None] == [view.shown_at("alice", words) for words in ("one", "two", "four")]
