"""How often a missing lock shows, and whether a right one is ever blamed, with races amplified and without.

    python bench/races.py [--runs 20] [--at-once 2] [SCENARIO …]

Plays every mutant whose scenario is one of ``scenarios/locking/``, and every variant in Python with threads, in that
scenario as it is and with ``amplify`` taken out of it. Prints the runs that failed. One that is inconclusive is neither
caught nor a false alarm. 1 when an amplified run let a mutant pass, or failed a variant.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RIGHT = ("locked-threads", "queued-threads")
AMPLIFY = "amplify: true\n"


def main() -> int:
    """Play, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        print(f"{'scenario':32} {'program':26} {'plain':>7} {'amplified':>9}  failed of {options.runs}")
        for scenario, program, role, wrong in _cases():
            if options.scenarios and scenario not in options.scenarios:
                continue
            path = ROOT / "scenarios" / f"{scenario}.yaml"
            plain = Path(folder) / path.name
            plain.write_text(path.read_text(encoding="utf-8").replace(AMPLIFY, ""), encoding="utf-8")
            counts = []
            for played in (plain, path):
                futures = [pool.submit(_verdict, played, role, program) for _ in range(options.runs)]
                counts.append(collections.Counter(future.result() for future in futures))
            failed = [count["fail"] for count in counts]
            odd = "".join(f", {count} {kind}" for kind, count in counts[1].items() if kind not in ("pass", "fail"))
            print(
                f"{scenario:32} {program.name:26} {failed[0]:7} {failed[1]:9}  {'caught' if wrong else 'blamed'}{odd}"
            )
            faults += counts[1]["pass" if wrong else "fail"]
    return 1 if faults else 0


def _cases() -> list[tuple[str, Path, str, bool]]:
    """Scenario, program's folder, its role, and whether it has a fault."""
    cases = []
    for path in sorted(ROOT.glob("tests/mutants/*/mutant.toml")):
        mutant = tomllib.loads(path.read_text(encoding="utf-8"))
        if mutant["scenario"].startswith("locking/"):
            cases.append((mutant["scenario"], path.parent, mutant["role"], True))
    for path in sorted(ROOT.glob("scenarios/locking/*.yaml")):
        role = "client" if "\ntests: client\n" in path.read_text(encoding="utf-8") else "server"
        cases += [(f"locking/{path.stem}", ROOT / "tests/variants" / name, role, False) for name in RIGHT]
    return sorted(cases, key=lambda case: (case[0], not case[3], case[1]))


def _verdict(scenario: Path, role: str, program: Path) -> str:
    command = [sys.executable, "-m", "wirelab", "run", str(scenario), "--json"]
    command += [f"--{role}", f"{sys.executable} {program / role}.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        (judgement,) = json.loads(done.stdout)
    except ValueError:
        return "error"
    return str(judgement["verdict"])


if __name__ == "__main__":
    sys.exit(main())
