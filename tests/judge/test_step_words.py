"""Steps in words: every kind of step has some, in both languages, and none of them is YAML."""

from __future__ import annotations

import re

import pytest

from tests.judge.runs import scenario
from wirelab.declare.scenario import ScriptStep
from wirelab.declare.steps import ACTOR_STEPS, STAGE_STEPS
from wirelab.judge.step_words import QUOTED, in_words

CAST = "{server: {role: server}, alice: {role: client}, bob: {role: client, peer: true}}"
SAID = {
    "{start: alice, until: Connected to}": "starting alice",
    "{wait: 0.5}": "waiting 0.5 s",
    "{cut: all}": "cutting the wire (all)",
    "{heal: all}": "mending the wire",
    "{drop: FIN, from: client}": "losing a segment (FIN) of the client",
    "{inject: RST, to: alice}": "forging a RST to alice",
    "{alice: type, text: /quit}": "typing '/quit' at alice's keyboard",
    "{alice: press, key: ctrl-c}": "pressing Ctrl-C at alice's keyboard",
    "{alice: shows, text: hi}": "looking for 'hi' on alice's terminal",
    "{alice: never shows, text: hi}": "looking for 'hi' on alice's terminal",
    "{alice: exits, status: 0}": "alice's exit",
    "{alice: signal, name: TERM}": "sending SIGTERM to alice",
    "{alice: closes terminal}": "closing alice's terminal",
    "{bob: sends, text: [MSG a, MSG b]}": r"bob's sending 'MSG a\nMSG b'",
    "{bob: expects, end: fin}": "bob's waiting for 'FIN'",
    "{bob: half-closes}": "bob's FIN",
    "{bob: closes}": "bob's closing its socket",
    "{bob: resets}": "bob's RST",
    "{bob: stops reading}": "bob's ceasing to read",
    "{bob: reads again}": "bob's reading on",
}


def step(written: str) -> ScriptStep:
    others = () if written.startswith("{start") else ("{start: server}", "{start: alice}", "{start: bob}")
    return scenario(script=(*others, written), cast=CAST).script[-1]


@pytest.mark.parametrize("written", SAID)
def test_a_step_in_words(written: str) -> None:
    said = in_words(step(written))
    assert SAID[written] == said.en
    assert re.search("[\u4e00-\u9fff]", said.zh)
    assert not re.search("[{}]", said.en + said.zh)


def test_every_kind_of_step_is_told() -> None:
    kinds = {type(step(written).action) for written in SAID}
    assert {*STAGE_STEPS, *ACTOR_STEPS} == kinds


def test_of_a_long_text_the_beginning_stands_in_the_sentence() -> None:
    said = in_words(step(f"{{alice: type, text: {'x' * 500}, enter: false}}"))
    assert f"typing '{'x' * QUOTED}…' (without Enter) at alice's keyboard" == said.en
