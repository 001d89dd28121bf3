"""The command ``new workflow``: a GitHub Actions workflow that runs a lab in a student's own repository. Prints YAML."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from typing import Any, Literal

from wirelab.base.errors import UsageError
from wirelab.base.texts import Text, register

WORKFLOW = """\
# Plays the lab @LAB@ with the programs in this repository on every push. Put this file into .github/workflows/.
@WHERE@# The run folders (captures, terminals, report.html) are among the run's artifacts; the points stand in its summary.
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

OWN = "# The lab is a folder of this repository, @LAB@: as students have it, without hidden scenarios.\n"
_INSIDE = re.compile(r"(?!\.\.)[A-Za-z0-9._][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*")

register(
    {
        "workflow.place": Text(
            "'{place}' cannot be a folder of the repository: call this where the repository begins, with the folder as it lies "
            "in there (letters, digits, '.', '_', '-' and '/')",
            "'{place}' 不可能是仓库中的文件夹：请在仓库的根目录运行，并写出它在仓库里的路径（只含字母、数字、'.'、'_'、'-' 和 '/'）",
        ),
    }
)


def add_workflow(kinds: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``workflow`` to the kinds of things that ``wirelab new`` begins."""
    parser = kinds.add_parser(
        "workflow",
        parents=[shared],
        help="print a GitHub Actions workflow that plays a lab in a student's repository",
        description="Print a GitHub Actions workflow: wirelab new workflow 2-heartbeat > .github/workflows/check.yml",
    )
    parser.add_argument(
        "lab", metavar="LAB", help="a lab's name, such as 2-heartbeat, or its folder, as it lies in the repository"
    )
    command: Callable[[argparse.Namespace, Literal["en", "zh"]], int] = workflow
    parser.set_defaults(command=command)


def workflow(options: argparse.Namespace, language: Literal["en", "zh"]) -> int:
    """Print the workflow for a lab; it is the same in any language. Raises UsageError for an unknown lab, and for a folder
    that cannot be where the workflow looks for it."""
    from wirelab import __version__
    from wirelab.compose import labs
    from wirelab.edge.output import put

    lab, where = str(options.lab), ""
    if lab not in labs.names():
        labs.found(lab)
        lab = os.path.normpath(lab)
        if not _INSIDE.fullmatch(lab):
            raise UsageError("workflow.place", place=lab)
        where = OWN
    made = WORKFLOW.replace("@WHERE@", where).replace("@LAB@", lab).replace("@VERSION@", __version__)
    put(made.rstrip("\n"))
    return 0
