"""The scenarios that come with the kit: all of them are there, each looks at the wire and at a terminal, none idles."""

from __future__ import annotations

import re

import pytest

from wirelab.compose import library
from wirelab.declare import steps
from wirelab.declare.scenario import Scenario

NAMES = {
    "messaging": "one-line burst half-a-line empty-line chinese long-chinese pieces unsent-at-quit server-absent no-answer "
    "after-silence chinese-in-pieces",
    "heartbeat": "answers-while-idle answers-while-typing coalesced-and-cut right-number once-each during-a-burst "
    "coalesced-with-broadcast byte-by-byte silent-client-dropped own-numbers after-the-silent after-silence "
    "talks-without-answering",
    "broadcast": "one-to-many while-typing late-joiner one-leaves slow-client half-a-frame three-clients not-relayed",
    "teardown": "textbook quit ctrl-d ctrl-c server-quits server-dies server-resets server-quits-busy "
    "wire-cut-and-healed quit-while-heartbeat-due client-reset client-killed client-half-closes restart-same-port "
    "server-with-clients line-after-fin first-fin-lost last-ack-lost syn-lost simultaneous-close",
    "locking": "two-writers broadcast-and-leave heartbeat-and-broadcast eight-under-fire",
}
"""Labs, mutants and docs rely on these."""
LONGEST_WAITS = 1.5  # seconds of one scenario in which nothing is waited for but time
SILENT = {"messaging/after-silence", "heartbeat/after-silence"}  # the wait is what they are about


def load(name: str) -> Scenario:
    return library.load(library.find([name])[0])


@pytest.mark.parametrize("topic", NAMES)
def test_the_names_that_labs_and_docs_rely_on_are_there(topic: str):
    there = {name.split("/")[1] for name in library.names() if name.startswith(f"{topic}/")}
    assert set() == set(NAMES[topic].split()) - there


@pytest.mark.parametrize("name", library.names())
def test_a_scenario_looks_at_the_wire_and_at_a_terminal(name: str):
    scenario = load(name)
    assert scenario.expect
    seen = [step for step in scenario.script if isinstance(step.action, steps.Shows | steps.NeverShows | steps.Exits)]
    assert any("submission" == scenario.part(str(step.actor)) for step in seen)


@pytest.mark.parametrize("name", library.names())
def test_a_title_is_written_in_both_languages(name: str):
    title = load(name).title
    assert re.search(r"[一-鿿]", title.zh)
    assert not re.search(r"[,;:!?]|[一-鿿]\.", title.zh), "full-width punctuation"
    assert not re.search(r"[一-鿿]", title.en)


def test_no_two_titles_are_alike():
    titles = [(scenario.title.en, scenario.title.zh) for scenario in map(load, library.names())]
    assert len(titles) == len({en for en, _ in titles}) == len({zh for _, zh in titles})


@pytest.mark.parametrize("name", library.names())
def test_no_scenario_idles(name: str):
    actions = [step.action for step in load(name).script]
    waited = sum(action.wait for action in actions if isinstance(action, steps.Wait))
    watched = sum(action.within for action in actions if isinstance(action, steps.NeverShows))
    assert waited + watched <= (6 if name in SILENT else LONGEST_WAITS)
