"""The live console and the verdict: golden files, what waits for what, hostile output, floods."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.sample import ACTORS, ALICE, LINE, at, judgement, noted, played
from tests.wire import dialogue
from wirelab.base.texts import LANGUAGES, Language
from wirelab.judge.findings import REGISTRY, cause, finding
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.observe.connections import Noted
from wirelab.observe.evidence import Event, Exited, Owned, Peered, Sampled, Shown, Started, StepBegan, StepEnded, Typed
from wirelab.present import words
from wirelab.present.console import FLOOD, LiveConsole
from wirelab.present.outcome import brief_lines, verdict_lines
from wirelab.present.style import cells

INK = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")


def console(language: Language = "en", width: int = 80, *, colour: bool = False) -> LiveConsole:
    return LiveConsole(ACTORS, LINE, 12001, language=language, width=width, colour=colour)


def lines_of(events: Iterable[Event | Noted], screen: LiveConsole | None = None) -> list[str]:
    screen = screen or console()
    return [line for event in events for line in screen.feed(event)] + screen.finish()


def texts(lines: list[str]) -> list[str]:
    """Lines without their times."""
    return [line[8:] for line in lines]


# --- golden files


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 120])
def test_golden_run(golden: Callable[[str, list[str]], None], language: Language, width: int) -> None:
    lines = lines_of(played(), console(language, width))
    golden(f"run-{language}-{width}", lines)
    assert all(cells(line) <= width for line in lines)
    assert not any(HOSTILE.search(line) for line in lines)
    coloured = lines_of(played(), console(language, width, colour=True))
    assert lines == [INK.sub("", line).rstrip() for line in coloured]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 120])
def test_golden_verdict(golden: Callable[[str, list[str]], None], language: Language, width: int) -> None:
    lines = verdict_lines(judgement(), language=language, width=width, colour=False)
    golden(f"verdict-{language}-{width}", lines)
    assert all(cells(line) <= width for line in lines)
    coloured = verdict_lines(judgement(), language=language, width=width, colour=True)
    assert lines == [INK.sub("", line).rstrip() for line in coloured]


def test_golden_ink(golden: Callable[[str, list[str]], None]) -> None:
    lines = lines_of(played(), console(colour=True)) + verdict_lines(judgement(), language="en", width=80, colour=True)
    golden("ink", [line.replace("\x1b", "ESC") for line in lines])


# --- what waits, and for what


def test_a_prompt_waits_until_something_else_is_shown() -> None:
    screen = console()
    assert screen.feed(Shown(at(0), "alice", "Enter mess")) == []
    assert screen.feed(Shown(at(1), "alice", "age: ")) == []
    assert screen.feed(StepBegan(at(5), 0, "{wait: 1}")) == ["  0.000 alice  ▌ Enter message:", "  0.005 ── {wait: 1}"]
    assert screen.finish() == []


def test_a_line_torn_by_another_event_is_shown_whole_again() -> None:
    events = [
        Shown(at(0), "alice", "Broad"),
        Shown(at(1), "server", "Received\r\n"),
        Shown(at(2), "alice", "cast: hi\r\n"),
    ]
    assert lines_of(events) == [
        "  0.000 alice  ▌ Broad",
        "  0.001 server ▌ Received",
        "  0.002 alice  ▌ Broadcast: hi",
    ]


def test_blank_lines_and_what_has_been_seen_are_not_shown() -> None:
    events: list[Event] = [
        Shown(at(0), "alice", "\r\n  \r\nprompt> "),
        StepBegan(at(1), 0, "{wait: 1}"),
        Shown(at(2), "alice", "\r\n\r\n"),
        Exited(at(3), "alice", 0, "itself"),
    ]
    assert texts(lines_of(events)) == [
        "alice  ▌ prompt>",
        "── {wait: 1}",
        "alice  ■ exits by itself with status 0",
    ]


def test_keys_pressed_one_by_one_are_one_line_unless_something_comes_between() -> None:
    events: list[Event] = []
    for index, key in enumerate("hi you"):
        events += [Typed(at(10 * index), "alice", key), Shown(at(10 * index + 1), "alice", key)]
    between = StepBegan(at(15), 0, "{wait: 1}")
    enter = Typed(at(70), "alice", "⏎")
    assert texts(lines_of([*events, enter])) == ["alice  ⌨ hi you⏎", "alice  ▌ hi you"]
    assert texts(lines_of([*events[:4], between, *events[4:], enter])) == [
        "alice  ⌨ hi",
        "alice  ▌ hi",
        "── {wait: 1}",
        "alice  ⌨  you⏎",
        "alice  ▌ hi you",
    ]


def test_a_line_without_end_is_shown_in_pieces() -> None:
    lines = lines_of([Shown(at(0), "alice", "x" * 2500)])
    assert sum(line.count("x") for line in lines) == 2500
    assert all(cells(line) <= 80 for line in lines)


def test_programs_on_several_terminals_do_not_mix() -> None:
    events = [
        Shown(at(0), "alice", "\x1b[3"),
        Shown(at(1), "server", "plain\r\n"),
        Shown(at(2), "alice", "1mred\x1b[0m\r"),
        Shown(at(3), "server", "more"),
        Shown(at(4), "alice", "\n"),
    ]
    assert texts(lines_of(events)) == ["server ▌ plain", "server ▌ more", "alice  ▌ red"]


def test_a_step_that_is_done_needs_no_line_and_one_that_is_not_says_which() -> None:
    began = StepBegan(at(0), 0, "{alice: exits}")
    assert texts(lines_of([began, StepEnded(at(1), 0, "done")])) == ["── {alice: exits}"]
    assert texts(lines_of([began, StepEnded(at(1), 0, "missed")]))[1] == "✗ not as expected: {alice: exits}"
    assert texts(lines_of([StepEnded(at(1), 4, "impossible")])) == ["✗ impossible, the program was gone: step 5"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Exited(at(0), "alice", 0, "itself"), "exits by itself with status 0"),
        (Exited(at(0), "alice", None, "itself"), "has ended, with a status that cannot be known"),
        (Exited(at(0), "alice", -11, "itself"), "is ended by SIGSEGV"),
        (Exited(at(0), "alice", -40, "itself"), "is ended by signal 40"),
        (Exited(at(0), "alice", -9, "script"), "has ended (SIGKILL), because the script asked for it"),
        (Exited(at(0), "alice", None, "script"), "has ended (status unknown), because the script asked for it"),
        (Peered(at(0), "alice", "refused: Connection refused"), "refused: Connection refused"),
        (Peered(at(0), "alice", "sends", b"a\x00\xff" * 700), f"sends (2 100 bytes): {'a⟨NUL⟩�' * 5}a…"),
    ],
)
def test_endings_and_peers_in_words(event: Event, text: str) -> None:
    assert lines_of([event])[0].partition(" alice  ")[2][2:] == text


def test_a_port_goes_by_its_number_until_its_owner_is_known() -> None:
    syn, answer = noted(dialogue("a > s SYN at=0ms\ns > a SYN,ACK"))
    lines = lines_of([syn, Owned(at(0.5), "alice", ALICE), answer])
    assert ":40000" in lines[2]
    assert lines[3] == "  0.001 alice  · port 40000 is alice's"
    assert " alice " in lines[4]
    assert len(lines_of([Owned(at(0), "alice", ALICE), syn])) == 3
    known = LiveConsole(ACTORS, LINE, 12001, language="en", width=80, colour=False, names={ALICE: "alice"})
    assert " alice " in lines_of([syn], known)[2]


def test_what_only_judging_needs_is_not_shown() -> None:
    assert lines_of([Sampled(at(0), "alice", 0.5)]) == []


# --- hostile output


@given(st.lists(st.text(st.characters(), max_size=60), min_size=1, max_size=5), st.booleans())
@settings(deadline=None)
def test_no_output_reaches_the_terminal_unescaped(pieces: list[str], colour: bool) -> None:
    events: list[Event] = [StepBegan(at(0), 0, pieces[0])]
    for index, piece in enumerate(pieces):
        data = piece.encode("utf-8", "surrogatepass")
        events += [
            Shown(at(index), "alice", piece + "\x1b[2J\x1b]0;x\x07\u202e"),
            Typed(at(index), "bob", piece),
            Peered(at(index), "bob", "sends", data),
        ]
    for line in lines_of(events, console(colour=colour)):
        assert HOSTILE.search(INK.sub("", line)) is None
        line.encode("utf-8")


def test_override_characters_are_shown_by_number() -> None:
    lines = lines_of([Shown(at(0), "alice", "a\u202eb\u2066c\ud800\r\n")])
    assert texts(lines) == ["alice  ▌ a⟨U+202E⟩b⟨U+2066⟩c⟨U+D800⟩"]


# --- floods


def flood(count: int) -> list[Noted]:
    """So many data segments of one connection within a second."""
    opening = noted(dialogue('a > s SYN at=0ms\ns > a SYN,ACK\na > s ACK\na > s "MSG x\\n"'))
    model = opening.pop()
    chunk = model.delivered[0]
    return opening + [
        replace(
            model,
            segment=replace(model.segment, frame=4 + index, time=at(10 + 900 * index / count)),
            seq=1 + 6 * index,
            delivered=(replace(chunk, offset=6 * index, frame=4 + index),),
        )
        for index in range(count)
    ]


def test_a_flood_of_segments_is_counted() -> None:
    screen = console(width=120)
    lines = [line for one in flood(100_000) for line in screen.feed(one)]
    assert FLOOD <= len(lines) <= FLOOD + 10
    later = screen.feed(StepBegan(at(1001), 0, "{wait: 1}"))
    hidden = 100_000 + 3 - (len(lines) - 2)  # of the lines, two are headings; all others are a segment each
    assert later == [f"        … {hidden:,} more segments".replace(",", " "), "  1.001 ── {wait: 1}"]
    assert screen.finish() == []


def test_what_ends_a_connection_is_seen_in_the_middle_of_a_flood() -> None:
    screen = console(width=120)
    *_, last = events = flood(1000)
    fin = noted(dialogue("a > s SYN\ns > a SYN,ACK\na > s ACK\na > s FIN at=950ms"))[-1]
    lines = lines_of([*events, fin, replace(last, client_state=fin.client_state)], screen)
    assert re.fullmatch(r" {8}… \d+ more segments", lines[-3])
    assert "FIN,ACK" in lines[-2]
    assert lines[-1] == "        … 1 more segments"


def test_a_flood_of_connections_is_bounded_too() -> None:
    resets = [
        replace(one, connection=index, segment=replace(one.segment, time=at(index / 20)))
        for index, one in enumerate(noted(dialogue("a > s SYN")) * 10_000)
    ]
    assert len(lines_of(resets)) < 4 * FLOOD


def test_a_flood_on_one_terminal_hides_no_other() -> None:
    events: list[Event] = [Shown(at(index), "alice", "spam\r\n" * 1000) for index in range(100)]
    events.insert(50, Shown(at(50), "server", "Received\r\n"))
    events.append(Shown(at(1500), "alice", "calm\r\n"))
    lines = lines_of(events)
    assert "  0.050 server ▌ Received" in lines
    assert lines[-2:] == ["        alice  … 99 800 more lines", "  1.500 alice  ▌ calm"]
    assert len(lines) == FLOOD + 3
    assert lines_of(events[:-1], console("zh"))[-1] == "        alice  … 还有 99 800 行"


def test_an_endless_line_that_comes_in_small_pieces_is_bounded() -> None:
    lines = lines_of(Shown(at(index / 100), "alice", "x" * 50) for index in range(20_000))
    assert len(lines) < 2 * FLOOD


# --- the verdict


def test_every_outcome_is_told_in_words_and_findings_are_whole() -> None:
    lines = verdict_lines(judgement(), language="en", width=80, colour=False)
    assert lines[0] == "✓ pass          alice  handshake  SYN, SYN+ACK, ACK in frames 1, 2, 3"
    assert lines[-1] == "✗ fail: heartbeat/answers-while-typing (1 passed, 1 failed, 1 inconclusive)"
    text = re.sub(r"\s+", "", "".join(lines))
    for found in judgement().findings:
        for said in (found.rationale, found.hint):
            whole = said.in_("en").replace("\u202e", "⟨U+202E⟩")
            assert re.sub(r"\s+", "", whole) in text
        for _, line in found.terminal:
            assert re.sub(r"\s+", "", line) in text.replace("▌", "")
    assert not any("…" in line for line in lines)


def test_a_run_without_checks_has_a_verdict() -> None:
    empty = Judgement("a/b", (), Verdict.PASS)
    assert verdict_lines(empty, language="zh", width=80, colour=False) == [
        "✓ 通过：a/b（0 项通过，0 项未通过，0 项无法判定）"
    ]


def test_the_command_stands_behind_a_full_width_comma_in_chinese():
    event = Started(0, "alice", "client", "submission", ("./client", "127.0.0.1", "12001"))
    assert "启动：提交的程序，./client 127.0.0.1 12001" == words.started(event, "zh")


def test_in_brief_the_finding_that_lies_deepest_is_told_with_its_cause() -> None:
    alice = judgement().checks[0]
    refused = finding("WL104", "alice", frames=(), terminal=())
    silent = finding("WL302", "alice", frames=(), terminal=())
    late = replace(silent, cause=cause("WL351", "alice"))
    failed = replace(alice, verdict=Verdict.FAIL, findings=(finding("WL601", "alice", terminal=()), late))
    played = Judgement("t", (alice, failed), Verdict.FAIL)
    assert brief_lines(played, "T", language="en", width=120, colour=False) == [
        "✗ t: T",
        f"    WL302  {REGISTRY['WL302'].summary.en}",
        f"    likely cause WL351: {REGISTRY['WL351'].summary.en}",
        "    more: wirelab explain WL351",
    ]
    played = replace(played, checks=(failed, replace(failed, findings=(refused,))))
    assert f"    WL104  {REGISTRY['WL104'].summary.zh}" in brief_lines(
        played, "T", language="zh", width=120, colour=False
    )
    assert ["✗ t: T"] == brief_lines(replace(played, checks=()), "T", language="en", width=120, colour=False)
