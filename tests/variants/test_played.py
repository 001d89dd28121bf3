"""Correct programs in other styles and languages pass; each broken one fails for its own reason.

Played for real by the command, as an instructor would. Which scenario shows a mutant's fault, the codes it must get
and the causes that must be named (these and no others, but for what a crash brings) stand in its ``mutant.toml``;
with ``timing``, the codes of which a race decides whether they come, each with the cause it then has.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command import Command
from tests.variants.test_variants_build import MUTANTS, VARIANTS, name, run, settings
from wirelab.compose.side_by_side import TRIES

# A scenario of each kind that tells styles apart; the whole library is played by reference against reference.
TELLING = {
    "client": [
        "heartbeat/answers-while-typing",
        "heartbeat/coalesced-and-cut",
        "messaging/chinese",
        "broadcast/while-typing",
        "teardown/ctrl-c",
        "teardown/server-quits",
    ],
    "server": [
        "messaging/pieces",
        "heartbeat/silent-client-dropped",
        "broadcast/one-to-many",
        "teardown/client-reset",
        "teardown/server-quits-busy",
    ],
}


@pytest.fixture
def play(tmp_path: Path) -> Any:
    """Builds a copy of a submission and plays scenarios with it; gives the judgements as JSON has them."""
    command = Command(tmp_path)

    def play(folder: Path, role: str, scenarios: list[str]) -> list[dict[str, Any]]:
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        chosen = settings(folder)
        if "build" in chosen:
            run(shlex.split(chosen["build"]), tmp_path)
        words = shlex.split(chosen[role])
        if words[0] == "python3":
            words[0] = sys.executable
        elif not words[0].startswith("./") and shutil.which(words[0]) is None:
            pytest.skip(f"needs {words[0]}")
        done = command("run", *scenarios, f"--{role}", shlex.join(words), "--json")
        assert "" == done.err
        judgements: list[dict[str, Any]] = json.loads(done.out)
        return judgements

    return play


@pytest.mark.parametrize(
    ("folder", "role"), [(folder, role) for folder in VARIANTS for role in TELLING if role in settings(folder)], ids=str
)
def test_a_correct_program_passes(folder: Path, role: str, play: Any) -> None:
    unclear = []
    for judgement in play(folder, role, TELLING[role]):
        found = [finding for check in judgement["checks"] for finding in check["findings"]]
        assert "fail" != judgement["verdict"], (judgement["scenario"], found)
        unclear += [judgement["scenario"]] if judgement["verdict"] != "pass" else []
    # The machine may have been too busy to tell, once: what is inconclusive is played again, as grading will do.
    again = play(folder, role, unclear) if unclear else []
    assert [] == [(judgement["scenario"], judgement["checks"]) for judgement in again if judgement["verdict"] != "pass"]


# What a server that crashes does to its clients, according to where each one was: unread bytes, a broken-off broadcast.
OF_A_CRASH = {"WL551", "WL453"}


@pytest.mark.parametrize("folder", MUTANTS, ids=name)
def test_a_broken_program_fails_for_its_own_reason(folder: Path, play: Any) -> None:
    mutant: dict[str, Any] = dict(settings(folder, "mutant.toml"))
    raced = mutant.get("timing", {})
    for _ in range(TRIES if raced else 1):  # threads may mix up more than one frame, and then nobody can tell whose
        (judgement,) = play(folder, mutant["role"], [mutant["scenario"]])
        findings = [finding for check in judgement["checks"] for finding in check["findings"]]
        causes = {finding["cause"]["code"] for finding in findings if "cause" in finding}
        assert "fail" == judgement["verdict"]
        codes = {finding["code"] for finding in findings}
        certain = set(mutant["causes"]) | {cause for code, cause in raced.items() if code in codes}
        if certain <= causes:
            break
    assert set(mutant["codes"]) <= codes
    assert codes & {*mutant["codes"], *raced}
    crashed = {"WL603", "WL606"} & set(mutant["codes"]) and mutant["role"] == "server"
    assert certain <= causes <= certain | (OF_A_CRASH if crashed else set())
