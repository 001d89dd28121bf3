"""RFC 9293's states as a table: every arrow of figure 5 that leaves a trace, and nothing that cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wirelab.observe.tcpstate import TABLE, TRANSITIONS, Event, State, after, diagram

S, E = State, Event


@pytest.mark.parametrize(
    ("events", "states"),
    [
        pytest.param(
            [E.SENDS_SYN, E.SENDS_ACK_OF_SYN, E.SENDS_FIN, E.RECEIVES_ACK_OF_FIN, E.SENDS_ACK_OF_FIN],
            [S.CLOSED, S.SYN_SENT, S.ESTABLISHED, S.FIN_WAIT_1, S.FIN_WAIT_2, S.TIME_WAIT],
            id="figures 6 and 12, peer A",
        ),
        pytest.param(
            [E.SENDS_SYN_ACK, E.RECEIVES_ACK_OF_SYN, E.SENDS_ACK_OF_FIN, E.SENDS_FIN, E.RECEIVES_ACK_OF_FIN],
            [S.LISTEN, S.SYN_RECEIVED, S.ESTABLISHED, S.CLOSE_WAIT, S.LAST_ACK, S.CLOSED],
            id="figures 6 and 12, peer B",
        ),
        pytest.param(
            [E.SENDS_SYN, E.SENDS_SYN_ACK, E.RECEIVES_ACK_OF_SYN],
            [S.CLOSED, S.SYN_SENT, S.SYN_RECEIVED, S.ESTABLISHED],
            id="figure 7, either peer",
        ),
        pytest.param(
            [E.SENDS_FIN, E.RECEIVES_CROSSING_FIN, E.SENDS_ACK_OF_FIN, E.RECEIVES_ACK_OF_FIN],
            [S.ESTABLISHED, S.FIN_WAIT_1, S.CLOSING, S.CLOSING, S.TIME_WAIT],
            id="figure 13, either peer",
        ),
    ],
)
def test_the_figures_of_the_rfc(events: list[Event], states: list[State]) -> None:
    walked = [states[0]]
    for event in events:
        walked.append(after(walked[-1], event))
    assert states == walked


def test_every_arrow_is_listed_once_and_cites_the_rfc() -> None:
    assert len(TRANSITIONS) == len(TABLE)
    for row in TRANSITIONS:
        assert re.match(r"(figure \d+|section 3\.[\d.]+)", row.source), row


def test_an_event_without_an_entry_leaves_the_state_alone() -> None:
    assert [state for state in State if after(state, E.SENDS_ACK_OF_SYN) is not state] == [S.SYN_SENT]
    assert S.TIME_WAIT is after(S.TIME_WAIT, E.SENDS_ACK_OF_FIN)


def test_a_reset_ends_every_state_but_those_it_cannot_reach() -> None:
    assert {S.CLOSED} == {after(state, E.SENDS_RST) for state in State}
    # A listener ignores a RST (RFC 9293, 3.10.7.2) and listens again after a half-open connection.
    assert {S.LISTEN, S.SYN_RECEIVED} == {state for state in State if after(state, E.RECEIVES_RST) is S.LISTEN}
    assert {S.CLOSED} == {after(state, E.RECEIVES_RST) for state in set(State) - {S.LISTEN, S.SYN_RECEIVED}}


def test_every_state_can_be_reached() -> None:
    reached = {S.CLOSED, S.LISTEN}
    for _ in State:
        reached |= {row.target for row in TRANSITIONS if row.state in reached}
    assert set(State) == reached


def test_the_diagram_draws_exactly_the_table() -> None:
    lines = diagram().splitlines()
    assert "stateDiagram-v2" == lines[0]
    assert [f'    state "{state.value}" as {state.name}' for state in State] == lines[1 : 1 + len(State)]
    drawn = {}
    for line in lines[1 + len(State) :]:
        arrow = re.fullmatch(r"    (\S+) --> (\w+) : (.+)", line)
        assert arrow is not None, line
        for event in arrow[3].split(" or "):
            if arrow[1] != "[*]":
                drawn[S[arrow[1]], E(event)] = S[arrow[2]]
    assert TABLE == drawn
    assert {"CLOSED", "LISTEN"} == set(re.findall(r"\[\*\] --> (\w+)", diagram()))


def test_the_documentation_shows_this_table():
    page = Path(__file__).resolve().parents[2] / "docs" / "tcp-states.md"
    _, _, drawn = page.read_text(encoding="utf-8").partition("```mermaid\n")
    assert diagram().rstrip() == drawn.removesuffix("\n```\n")
