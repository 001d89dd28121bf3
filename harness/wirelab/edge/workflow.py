"""The command ``new workflow``: a GitHub Actions workflow that runs a lab in a student's own repository. Prints YAML."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Literal

WORKFLOW = """\
# Plays the lab @LAB@ with the programs in this repository on every push. Put this file into .github/workflows/.
# The run folders (captures, terminals, report.html) are among the run's artifacts; the points stand in its summary.
name: wirelab @LAB@

on: [push, pull_request, workflow_dispatch]

permissions:
  contents: read

concurrency:
  group: wirelab-${{ github.ref }}
  cancel-in-progress: true

jobs:
  lab:
    runs-on: ubuntu-24.04
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install
        run: |
          sudo apt-get update -qq
          sudo apt-get install -qq -y --no-install-recommends nftables bubblewrap
          python -m pip install --quiet "wirelab==@VERSION@"
      - name: Allow private networks
        # Ubuntu 24.04 keeps programs from making namespaces of their own; without this runs share the machine's loopback.
        run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
      - name: Play
        id: play
        run: wirelab run @LAB@ . -o runs --json > runs.json
      - name: Summary
        if: always()
        run: |
          python - runs.json >> "$GITHUB_STEP_SUMMARY" <<'END'
          import json, sys
          try:
              with open(sys.argv[1], encoding="utf-8") as file:
                  done = json.load(file)
          except (OSError, ValueError):
              sys.exit("nothing was played: the step before this one says why")
          marks = {"pass": "✓", "fail": "✗", "inconclusive": "?"}
          print(f"## {done['lab']}: {done['points']:g} / {done['of']:g}", "", "| scenario | |", "|---|---|", sep="\\n")
          for each in done["judgements"]:
              print(f"| `{each['scenario']}` | {marks[each['verdict']]} {each['verdict']} |")
          END
      - name: Keep the runs
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: runs
          path: |
            runs
            runs.json
          if-no-files-found: ignore
"""


def add_workflow(kinds: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``workflow`` to the kinds of things that ``wirelab new`` begins."""
    parser = kinds.add_parser(
        "workflow",
        parents=[shared],
        help="print a GitHub Actions workflow that plays a lab in a student's repository",
        description="Print a GitHub Actions workflow: wirelab new workflow 2-heartbeat > .github/workflows/check.yml",
    )
    parser.add_argument("lab", metavar="LAB", help="a lab's name, such as 2-heartbeat")
    command: Callable[[argparse.Namespace, Literal["en", "zh"]], int] = workflow
    parser.set_defaults(command=command)


def workflow(options: argparse.Namespace, language: Literal["en", "zh"]) -> int:
    """Print the workflow for a lab of the kit; it is the same in any language. Raises UsageError for an unknown lab."""
    from wirelab import __version__
    from wirelab.compose import labs
    from wirelab.edge.output import put

    if options.lab not in labs.names():  # a folder of one's own is on no machine of GitHub's
        raise labs.unknown(options.lab)
    put(WORKFLOW.replace("@LAB@", options.lab).replace("@VERSION@", __version__).rstrip("\n"))
    return 0
