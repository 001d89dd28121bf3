"""Patterns of authors that would take for ever on what a stranger sent are given up, in bounded time."""

from __future__ import annotations

import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from wirelab.base import bounded
from wirelab.base.bounded import in_time
from wirelab.base.errors import Overrun
from wirelab.observe.framing import Framing
from wirelab.observe.messages import MessageSpec, Profile
from wirelab.observe.terminal import Transcript

SLOW = "(?:a|aa)+$"  # no repetition stands inside another
TEXT = "a" * 90 + "b"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LONGEST", 0.05)


def framed(kind: str, *patterns: str) -> Profile:
    specs = (MessageSpec(f"m{at}", "client", pattern, "x") for at, pattern in enumerate(patterns))
    return Profile("own", Framing("line" if kind == "line" else "none"), tuple(specs))


def test_who_takes_too_long_is_told_on_what() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with (
        pytest.raises(Overrun, match=r"/\(\?:a\|aa\)\+\$/ was not done with 91 characters") as caught,
        in_time(SLOW, TEXT),
    ):
        re.fullmatch(SLOW, TEXT)
    assert repr("a" * 60) in str(caught.value)
    assert 65 == caught.value.exit_status
    assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_VIRTUAL)
    assert before is signal.getsignal(signal.SIGVTALRM)


def test_other_errors_go_through_and_leave_no_timer() -> None:
    with pytest.raises(KeyError), in_time("a", "b"):
        raise KeyError
    assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_VIRTUAL)


def test_in_another_thread_nothing_is_bounded_and_nothing_breaks() -> None:
    def match() -> bool:
        with in_time("a+", "aaa"):
            return re.fullmatch("a+", "aaa") is not None

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(match).result()


@pytest.mark.parametrize(
    "pattern", [SLOW, ".*a.*a.*c", "(?:a?a)+c", "(?x)(a|aa) +c", f"{'a?' * 40}c", "(?:a|a)" * 40 + "c"]
)
def test_wherever_an_author_s_pattern_meets_what_was_sent_or_shown_it_is_bounded(pattern: str) -> None:
    text = "a" * 2000 + "b"
    with pytest.raises(Overrun):
        framed("line", pattern).recognise("client", text)
    with pytest.raises(Overrun, match="with 1501 characters"):
        framed("none", pattern).messages[0].search(text, 500)
    transcript = Transcript()
    transcript.feed("ready\n" + text)
    with pytest.raises(Overrun, match=r"They begin .ready"):
        transcript.match(re.compile(pattern))


def test_what_is_slow_only_on_a_long_text_is_bounded_there() -> None:
    slow = framed("line", "(.*) (.*)!")
    with pytest.raises(Overrun):
        slow.recognise("client", " " * 100_000)


def test_what_is_usual_needs_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "setitimer", None)
    usual = framed("line", r"MSG(?: (?P<text>.*))?", r"AT \((\d+),(\d+)\)\*")
    for text in ("MSG " + TEXT, "AT (1,22)*", TEXT):
        usual.recognise("client", text)


def test_an_escaped_bracket_may_be_left_out_as_any_letter() -> None:
    text = "(" * 40 + "d"
    with pytest.raises(Overrun):
        framed("line", r"\(?" * 40 + r"\(" * 40 + "c").recognise("client", text)
