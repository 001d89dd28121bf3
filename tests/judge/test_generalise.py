"""From several runs, what holds in each of them: no more, and as much as there is."""

from __future__ import annotations

from collections.abc import Sequence

from tests.judge.runs import GOODBYE, HELLO, STARTS, at, evidence, exited, killed, missed, profile_of, scenario, typed
from wirelab.declare import steps
from wirelab.declare.expectations import Expectation, MessagesExpected
from wirelab.declare.head import CastMember, Title
from wirelab.declare.scenario import Scenario, parse_scenario
from wirelab.declare.scenario_writer import Draft, write_scenario
from wirelab.declare.trace_reader import read_trace
from wirelab.judge.generalise import candidates, holding, repeatable
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Verdict
from wirelab.observe.evidence import Ending, Event, Evidence, Exited

BEAT = 's > alice "HEARTBEAT {0}\\n"\nalice > s "HEARTBEAT-ACK {0}\\n"\n'
SAID = 'alice > s "MSG hi\\n"\ns > alice ACK\n'
QUIT = (typed(60, "alice", "Ctrl-D"), exited(90, "alice"))


def beats(count: int) -> str:
    return "".join(BEAT.format(number) for number in range(1, count + 1))


def run(*wire: str, events: Sequence[Event | tuple[Event, ...]] = QUIT, lost: int = 0) -> Evidence:
    return evidence(scenario(), HELLO + "".join(wire), *events, lost=lost)


def expecting(expect: Sequence[Expectation]) -> Scenario:
    cast = {"server": CastMember(role="server"), "alice": CastMember(role="client")}
    script = (
        (None, steps.Start(start="server", until="Listening on")),
        (None, steps.Start(start="alice", until="Connected to")),
    )
    draft = Draft("t", Title(en="T", zh="题"), "client", cast, script, tuple(expect))
    return parse_scenario(write_scenario(draft), "t.yaml")


def kept(*runs: Evidence) -> dict[str, Expectation]:
    """What is expected of these runs, by the check's name; it passes with each of them."""
    script = scenario()
    groups = candidates(script, profile_of(script), runs)
    every = expecting([one for group in groups for one in group])
    held = holding(every, profile_of(script), runs, groups)
    for one in runs:
        checks = judge(expecting(held), profile_of(script), one).checks
        assert {Verdict.PASS} == {check.verdict for check in checks if check.name in {each.check for each in held}}
    return {one.check: one for one in held}


def test_what_is_the_same_every_time_is_expected() -> None:
    found = kept(run(SAID, beats(4), GOODBYE), run(beats(1), SAID, beats(4)[len(beats(1)) :], GOODBYE))
    assert ("hi",) == found["messages"].sent  # type: ignore[attr-defined]
    assert 3 == found["heartbeat"].at_least  # type: ignore[attr-defined]  # one may be lost to timing
    assert ("alice", "orderly") == (found["teardown"].first, found["teardown"].style)  # type: ignore[attr-defined]
    assert {"handshake", "messages", "heartbeat", "teardown", "trace"} == set(found)
    written = found["trace"].trace  # type: ignore[attr-defined]
    assert "..." in written
    assert 8 == len(read_trace(written).items)


def test_the_least_that_was_seen_counts_and_of_many_more_may_be_lost() -> None:
    assert 1 == kept(run(beats(2), GOODBYE), run(beats(5), GOODBYE))["heartbeat"].at_least  # type: ignore[attr-defined]
    assert 17 == kept(run(beats(20), GOODBYE))["heartbeat"].at_least  # type: ignore[attr-defined]


def test_messages_that_differ_are_not_expected() -> None:
    found = kept(run(SAID, GOODBYE), run(SAID, 'alice > s "MSG and more\\n"\n', GOODBYE))
    assert {"handshake", "teardown", "trace"} == set(found)


def test_an_empty_line_that_is_sent_once_and_once_not_changes_nothing() -> None:
    found = kept(run(SAID, GOODBYE), run(SAID, 'alice > s "MSG \\n"\n', GOODBYE))
    assert MessagesExpected(messages="alice", sent=("hi",)) == found["messages"]


def test_who_closes_first_is_not_expected_where_it_differs_and_the_trace_has_both() -> None:
    other = "s > alice FIN\nalice > s FIN\ns > alice ACK\n"
    quits = (typed(1, "server", "Ctrl-C"), typed(2, "alice", "Ctrl-D"))
    found = kept(run(SAID, GOODBYE, events=quits), run(SAID, other, events=quits))
    assert (None, "orderly") == (found["teardown"].first, found["teardown"].style)  # type: ignore[attr-defined]
    assert "either" in found["trace"].trace  # type: ignore[attr-defined]


def test_a_program_that_still_ran_has_no_end_to_expect() -> None:
    left = (killed(80, "alice"), killed(81, "server"))
    assert {"handshake", "messages"} == set(kept(run(SAID, events=left)))


def test_of_one_that_was_killed_no_order_is_expected() -> None:
    events = (Ending(at(20), "alice", "script", "SIGKILL"), Exited(at(21), "alice", -9, "script"))
    found = kept(run(SAID, "alice > s FIN at=21ms\ns > alice FIN\nalice > s ACK\n", events=events))
    assert "any" == found["teardown"].style  # type: ignore[attr-defined]
    assert "trace" not in found


def test_a_reset_is_expected_as_one() -> None:
    found = kept(run(SAID, "alice > s RST,ACK\n"))
    assert "reset" == found["teardown"].style  # type: ignore[attr-defined]


def test_a_broadcast_reaches_whom_it_reached() -> None:
    lines = (typed(3, "server", "hello all⏎"), *QUIT)
    heard = 's > alice "BROADCAST hello all\\n"\nalice > s ACK\n'
    found = kept(run(heard, GOODBYE, events=lines), run(heard, GOODBYE, events=lines))
    assert ("hello all", ("alice",)) == (found["broadcast"].broadcast, found["broadcast"].to)  # type: ignore[attr-defined]
    assert "broadcast" not in kept(run(heard, GOODBYE, events=lines), run(SAID, GOODBYE, events=lines))
    twice = (typed(2, "server", "hello all⏎"), *lines)
    assert "broadcast" not in kept(run(heard * 2, GOODBYE, events=twice))


def test_steps_that_do_not_happen_again_are_left_out() -> None:
    script = scenario(
        script=(
            *STARTS,
            "{server: shows, text: a}",
            "{server: shows, text: b}",
            "{alice: exits, status: 0}",
            "{server: exits}",
        )
    )
    first = evidence(script, HELLO + GOODBYE, missed(2), missed(4, status=1))
    second = evidence(script, HELLO + GOODBYE, missed(2), missed(5))
    found = repeatable(script, profile_of(script), [first, second])
    assert [("server", steps.Shows(text="b")), ("alice", steps.Exits())] == list(found[2:])
