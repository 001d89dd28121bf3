"""docs/mutants.md is in step with the mutants and the scenarios; nobody in it survives. Nothing is played here."""

from __future__ import annotations

import pytest

from tests.mutants import table
from tests.mutants.table import Mutant

EVERY, NAMES, PLAYED = table.mutants(), table.scenarios(), table.kept()


def name(mutant: Mutant) -> str:
    return mutant.name


def test_there_are_enough_in_three_languages() -> None:
    assert len(EVERY) >= 40
    assert {"client", "server"} == {mutant.role for mutant in EVERY}
    sources = {source.suffix for mutant in EVERY for source in (table.HERE / mutant.name).iterdir()}
    assert {".py", ".c", ".java"} <= sources


@pytest.mark.parametrize("mutant", EVERY, ids=name)
def test_it_was_played_in_every_scenario_for_its_role(mutant: Mutant) -> None:
    lacking = table.played_with(mutant, NAMES) - set(PLAYED.get(mutant.name, {}))
    assert set() == lacking, f"python tests/mutants/table.py {mutant.name}"


@pytest.mark.parametrize("mutant", EVERY, ids=name)
def test_it_got_what_it_must_get(mutant: Mutant) -> None:
    assert [] == table.amiss(mutant, PLAYED[mutant.name])


@pytest.mark.parametrize("mutant", EVERY, ids=name)
def test_it_does_not_survive_the_labs(mutant: Mutant) -> None:
    caught = {scenario for scenario, cell in PLAYED[mutant.name].items() if table.caught(cell)}
    assert caught & {scenario for lab in table.labs().values() for part in lab for scenario in part}


def test_the_page_is_what_the_command_writes() -> None:
    assert table.page(EVERY, NAMES, PLAYED) == table.PAGE.read_text(encoding="utf-8"), "tests/mutants/table.py --write"
