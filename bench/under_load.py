"""Correct programs on an overloaded machine: how many runs pass, fail or are inconclusive.

    python bench/under_load.py [--runs 200] [--at-once 8] [--hogs 2] [--client CMD | --server CMD] [SCENARIO …]

Plays the reference against itself (or a command against the reference), several runs at once, with programs beside
them that do nothing but use CPU. A single failure is a fault of wirelab's, whatever the machine; every one is printed.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import subprocess
import sys
import time

DEFAULT = ("heartbeat/answers-while-typing", "messaging/one-line", "teardown/ctrl-c", "teardown/server-quits")


def main() -> int:
    """Run, count, print; 1 when a run failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", default=DEFAULT, metavar="SCENARIO")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--hogs", type=int, default=2)
    parser.add_argument("--client")
    parser.add_argument("--server")
    options = parser.parse_args()
    commands = {"--client": options.client, "--server": options.server}
    extra = [word for option, command in commands.items() if command for word in (option, command)]
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.hogs)]
    began = time.monotonic()
    try:
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
            chosen = [options.scenarios[number % len(options.scenarios)] for number in range(options.runs)]
            results = list(pool.map(lambda name: _play(name, extra), chosen))
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    verdicts = collections.Counter(verdict for verdict, _ in results)
    for verdict, story in results:
        if verdict != "pass":
            print(f"{verdict}: {story}")
    counts = ", ".join(f"{verdicts[kind]} {kind}" for kind in ("pass", "fail", "inconclusive", "error"))
    seconds = time.monotonic() - began
    print(f"{options.runs} runs, {options.at_once} at once, {options.hogs} CPU hogs: {counts}; {seconds:.0f} s")
    return 1 if verdicts["fail"] or verdicts["error"] else 0


def _play(name: str, extra: list[str]) -> tuple[str, str]:
    """The verdict of one run, and what was found against it."""
    command = [sys.executable, "-m", "wirelab", "run", name, "--json", *extra]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        (judgement,) = json.loads(done.stdout)
    except ValueError:
        return "error", f"{name}: exit status {done.returncode}: {done.stderr.strip()}"
    findings = [finding for check in judgement["checks"] for finding in check["findings"]]
    return judgement["verdict"], f"{name}: " + "; ".join(
        f"{item['code']} {item['rationale']['en']}" for item in findings
    )


if __name__ == "__main__":
    sys.exit(main())
