"""All kinds of questions there are, by name, and how some of them are put to one student."""

from __future__ import annotations

from collections.abc import Mapping

from wirelab.judge.questions import (
    answering,
    closing,
    closing_states,
    counting,
    data,
    headers,
    heartbeats,
    opening,
    own_words,
    traces,
)
from wirelab.judge.questions.asking import Asked, Kind
from wirelab.judge.questions.facts import Facts, Lot

_MODULES = (opening, data, counting, headers, heartbeats, answering, closing, closing_states, traces, own_words)

BANK: Mapping[str, Kind] = {kind.name: kind for module in _MODULES for kind in module.KINDS}


def asked(kind: Kind, facts: Facts) -> Asked | None:
    """A question as it is put to the student with this capture; None when the capture does not show what it needs."""
    return kind.ask(facts, Lot(f"{facts.seed}\0{kind.name}"))
