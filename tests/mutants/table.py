"""Plays every mutant in every scenario for its role, and writes what each got into docs/mutants.md.

    python tests/mutants/table.py                     everything (about a quarter of an hour)
    python tests/mutants/table.py gbk-text messaging  one mutant, one topic: the rest of the table is kept
    python tests/mutants/table.py --lacking           what is new since: mutants, scenarios
    python tests/mutants/table.py --write             nothing is played: the page is written again from what is kept

What was found is kept in played.json beside this file; the page is made from that and from the folders here.
Plays with the command `wirelab`; it must not know how anything is judged.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLAYED = HERE / "played.json"
PAGE = ROOT / "docs" / "mutants.md"
PATIENCE = 240.0  # seconds for one topic with one mutant
ROLES = ("client", "server")
PASS, UNCLEAR = "pass", "?"

# What each scenario of the kit found in each mutant: codes and causes, or PASS, or UNCLEAR.
Found = dict[str, list[str]]
Result = tuple["Mutant", Found]


@dataclass(frozen=True)
class Mutant:
    """A folder here, by what its two files say."""

    name: str
    role: str
    fault: str
    scenario: str
    codes: tuple[str, ...]
    causes: tuple[str, ...]
    timing: Mapping[str, str]
    command: str
    build: str | None

    @property
    def own(self) -> set[str]:
        return {*self.codes, *self.causes, *self.timing, *self.timing.values()}


def mutants() -> list[Mutant]:
    """All of them, in the order of their names."""
    found = []
    for path in sorted(HERE.glob("*/mutant.toml")):
        says = tomllib.loads(path.read_text(encoding="utf-8"))
        starts = tomllib.loads((path.parent / "wirelab.toml").read_text(encoding="utf-8"))
        codes, causes, timing = tuple(says["codes"]), tuple(says["causes"]), says.get("timing", {})
        command, build = starts[says["role"]], starts.get("build")
        found.append(
            Mutant(path.parent.name, says["role"], says["fault"], says["scenario"], codes, causes, timing, command, build)
        )
    return found


def scenarios() -> dict[str, str]:
    """The role that each scenario of the kit tests: client, server or both."""
    root, found = ROOT / "scenarios", {}
    for path in sorted(root.rglob("*.yaml")):
        name = str(path.relative_to(root).with_suffix(""))
        if not name.startswith("protocols/"):
            said = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("tests:")]
            found[name] = said[0].split()[1]
    return found


def labs() -> dict[str, tuple[list[str], list[str]]]:
    """The shown and the hidden scenarios of each lab, in the order of the labs' names."""
    import yaml

    found = {}
    for path in sorted(ROOT.glob("labs/*/lab.yaml")):
        lab = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[path.parent.name] = (lab.get("shown", []), lab.get("hidden", []))
    return found


def topic(scenario: str) -> str:
    return scenario.partition("/")[0]


# --- playing ---------------------------------------------------------------------------------------------------------


def play(mutant: Mutant, names: Sequence[str], folder: Path) -> dict[str, list[str]]:
    """Plays scenarios with a mutant, built in ``folder``. What cannot be decided is played once more."""
    words = shlex.split(mutant.command)
    if words[0] == "python3":
        words[0] = sys.executable
    found = _play(mutant.role, words, names, folder)
    unclear = [name for name in names if UNCLEAR in found[name]]
    return found | (_play(mutant.role, words, unclear, folder) if unclear else {})


def _play(role: str, words: Sequence[str], names: Sequence[str], folder: Path) -> dict[str, list[str]]:
    command = [sys.executable, "-m", "wirelab", "run", *names, f"--{role}", shlex.join(words), "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode not in (0, 1, 2) or done.stderr:
        raise RuntimeError(f"{shlex.join(command)}\n{done.stderr}")
    judgements = json.loads(done.stdout)
    return {name: codes(judgement) for name, judgement in zip(names, judgements, strict=True)}


def codes(judgement: Mapping[str, Any]) -> list[str]:
    """The codes of a judgement, each with its cause behind it where it has one: `WL302`, `WL302:WL251`."""
    if judgement["verdict"] == "pass":
        return [PASS]
    if judgement["verdict"] != "fail":
        return [UNCLEAR]
    failed = [check for check in judgement["checks"] if check["verdict"] == "fail"]
    return sorted({_code(finding) for check in failed for finding in check["findings"]})


def _code(finding: Mapping[str, Any]) -> str:
    code: str = finding["code"]
    return f"{code}:{finding['cause']['code']}" if "cause" in finding else code


def play_all(
    chosen: Sequence[Mutant], names: Mapping[str, str], but: Mapping[str, Found], jobs: int, temporary: Path
) -> Iterator[Result]:
    """Plays every chosen mutant in every scenario for its role ``but`` these; tells how far it is."""
    work = []
    for mutant in chosen:
        folder = temporary / mutant.name
        shutil.copytree(HERE / mutant.name, folder)
        if mutant.build is not None:
            subprocess.run(shlex.split(mutant.build), cwd=folder, check=True)
        mine = sorted(played_with(mutant, names) - set(but.get(mutant.name, {})))
        work += [(mutant, part, folder) for each in dict.fromkeys(map(topic, mine)) if (part := _of(mine, each))]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(play, *one): one for one in work}
        for at, future in enumerate(concurrent.futures.as_completed(running), 1):
            mutant, part, _ = running[future]
            try:
                found, told = future.result(), ""
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                found, told = {}, f"\n  {error}"
            told += "".join(f"\n  {word}" for word in amiss(mutant, found) if mutant.scenario in found)
            print(f"{at}/{len(work)} {mutant.name} {topic(part[0])}{told}", file=sys.stderr, flush=True)
            yield mutant, found


def amiss(mutant: Mutant, found: Found) -> list[str]:
    """What is not as mutant.toml says it must be in the mutant's own scenario."""
    cell = [word.split(":") for word in found.get(mutant.scenario, [])]
    got, causes = {word[0] for word in cell}, {word[1] for word in cell if len(word) > 1}
    lacks = [f"{mutant.name} in {mutant.scenario} lacks {code}" for code in mutant.codes if code not in got]
    wanted = {*mutant.causes, *(cause for code, cause in mutant.timing.items() if code in got)}
    if causes != wanted:
        lacks.append(f"{mutant.name} in {mutant.scenario}: causes {sorted(causes)}, not {sorted(wanted)}")
    return lacks


def played_with(mutant: Mutant, names: Mapping[str, str]) -> set[str]:
    """All scenarios for its role, and the one that it may bring along (``./name.yaml``)."""
    return {*_for(mutant.role, names), mutant.scenario}


def _for(role: str, names: Mapping[str, str]) -> list[str]:
    return [name for name, tests in names.items() if tests in (role, "both")]


def _of(names: Iterable[str], wanted: str) -> list[str]:
    return [name for name in names if topic(name) == wanted]


# --- the page --------------------------------------------------------------------------------------------------------

HEAD = """# What the scenarios find in programs with one fault each

Made by `python tests/mutants/table.py`; do not edit it by hand. The programs are in `tests/mutants`: each is correct but
for one named fault, as students make it. Each was played in every scenario for its role. A cell holds the codes of the
findings, and behind each the code of its likeliest cause, if one was named; in **bold** what the program is made to
show. `·` is a pass. `wirelab explain CODE` tells what a code means.
"""


def page(all_mutants: Sequence[Mutant], names: Mapping[str, str], played: Mapping[str, Found]) -> str:
    """The whole page."""
    parts = [HEAD, *_summary(all_mutants, names, played)]
    for role in ROLES:
        mine = [mutant for mutant in all_mutants if mutant.role == role]
        for each in dict.fromkeys(map(topic, _for(role, names))):
            columns = _of(_for(role, names), each)
            parts += _table(f"## {role.capitalize()}: {each}", mine, columns, played)
    return "\n".join(parts)


def _summary(all_mutants: Sequence[Mutant], names: Mapping[str, str], played: Mapping[str, Found]) -> list[str]:
    known = labs()
    lines = ["## Who is caught where", ""]
    if known:
        lines += ["After each lab: how many of its shown, and of its hidden scenarios find the fault.", ""]
    lines += ["| mutant | role | fault | found by | labs |", "|---|---|---|---|---|"]
    for mutant in all_mutants:
        mine = _for(mutant.role, names)
        finders = [name for name in mine if caught(played[mutant.name].get(name, []))]
        where = [
            f"{lab} {sum(name in finders for name in shown)}+{sum(name in finders for name in hidden)}"
            for lab, (shown, hidden) in known.items()
            if any(name in finders for name in (*shown, *hidden))
        ]
        counted = f"{len(finders)} of {len(mine)}"
        lines.append(f"| `{mutant.name}` | {mutant.role} | {mutant.fault} | {counted} | {', '.join(where)} |")
    return [*lines, ""]


def _table(title: str, mine: Sequence[Mutant], columns: Sequence[str], played: Mapping[str, Found]) -> list[str]:
    rows, spared = [], []
    for mutant in mine:
        found = played[mutant.name]
        if any(caught(found.get(name, [])) for name in columns):
            cells = [_cell(mutant, found.get(name, [UNCLEAR])) for name in columns]
            rows.append(f"| `{mutant.name}` | {' | '.join(cells)} |")
        else:
            spared.append(f"`{mutant.name}`")
    heads = " | ".join(name.partition("/")[2] for name in columns)
    lines = [title, "", f"| | {heads} |", f"|---|{'---|' * len(columns)}", *rows, ""]
    return [*lines, f"Not to be found here: {', '.join(spared)}.", ""] if spared else lines


def caught(cell: Sequence[str]) -> bool:
    return not set(cell) <= {PASS, UNCLEAR}


def _cell(mutant: Mutant, cell: Sequence[str]) -> str:
    if list(cell) == [PASS]:
        return "·"
    return " ".join(f"**{word}**" if set(word.split(":")) <= mutant.own else word for word in cell)


# --- the command -----------------------------------------------------------------------------------------------------


def kept() -> dict[str, Found]:
    return json.loads(PLAYED.read_text(encoding="utf-8")) if PLAYED.exists() else {}


def keep(played: Mapping[str, Found]) -> None:
    PLAYED.write_text(json.dumps(played, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def relevant(mutant: Mutant, names: Mapping[str, str], found: Found) -> Found:
    """Without the scenarios that are no more, or are no longer played with it."""
    return {name: cell for name, cell in found.items() if name in played_with(mutant, names)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="mutants, topics or scenarios: only these; none of a kind: all of it")
    parser.add_argument("--jobs", type=int, default=2, help="how many to play side by side")
    parser.add_argument("--lacking", action="store_true", help="play only what has not been played yet")
    parser.add_argument("--write", action="store_true", help="play nothing, write the page from what is kept")
    parser.add_argument("--dry", action="store_true", help="print what was found, keep and write nothing")
    options = parser.parse_args()
    every, names = mutants(), scenarios()
    chosen = [mutant for mutant in every if mutant.name in options.words] or every
    wanted = {name: role for name, role in names.items() if name in options.words or topic(name) in options.words}
    unknown = set(options.words) - {m.name for m in every} - set(names) - set(map(topic, names))
    if unknown:
        parser.error(f"neither a mutant nor a topic nor a scenario: {', '.join(sorted(unknown))}")
    played = kept()
    if not options.write:
        but = played if options.lacking else {}
        with tempfile.TemporaryDirectory() as temporary:
            for mutant, found in play_all(chosen, wanted or names, but, options.jobs, Path(temporary)):
                if options.dry:
                    print(mutant.name, *(f"\n    {name}: {' '.join(cell)}" for name, cell in found.items()))
                    continue
                played = kept()
                played[mutant.name] = played.get(mutant.name, {}) | found
                keep(played)  # at once: what has been played is not played again for an interruption
    if options.dry:
        return 0
    played = {mutant.name: relevant(mutant, names, played.get(mutant.name, {})) for mutant in every}
    keep(played)
    PAGE.write_text(page(every, names, played), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
