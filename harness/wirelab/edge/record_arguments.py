"""What may be written after ``wirelab record`` and ``wirelab new scenario``. Imports nothing that takes time; does nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Literal

Language = Literal["en", "zh"]
Command = Callable[[argparse.Namespace, Language], int]


def add_record(commands: Any, shared: argparse.ArgumentParser, command: Command) -> None:
    """Add the command to the sub-commands of ``wirelab``."""
    record = commands.add_parser(
        "record",
        parents=[shared],
        help="play the programs yourself; out comes a scenario",
        description="Drive a client and a server in your own terminal, one at a time. What you did becomes the steps of a "
        "scenario; it is replayed, and what was the same every time becomes what must be seen. Ctrl-] and ? while "
        "recording shows the keys.",
        epilog="Exit status: 0 the scenario is written and passes, 1 it is written and does not pass with these "
        "programs, 64 and up: error.",
    )
    record.add_argument("name", metavar="NAME", help="the scenario's name, such as messaging/my-first")
    record.add_argument("--client", metavar="CMD", help="how your client is started (default: the reference)")
    record.add_argument("--server", metavar="CMD", help="how your server is started (default: the reference)")
    record.add_argument(
        "--clients", metavar="N", type=int, default=1, help="clients started at the beginning (default: 1)"
    )
    record.add_argument(
        "--tests",
        choices=("client", "server", "both"),
        help="the role that the scenario tests (default: that of the commands given; else client)",
    )
    record.add_argument(
        "--heartbeat", metavar="SECONDS", type=float, default=1.0, help="the server's HEARTBEAT_INTERVAL (default: 1)"
    )
    record.add_argument("--protocol", metavar="P", default="line", help="a protocol profile (default: line)")
    record.add_argument("--replays", metavar="N", type=int, default=3, help="how often it is replayed (default: 3)")
    record.add_argument("--title", help="what the scenario is about, in one line (default: asked for)")
    record.add_argument("--title-zh", metavar="TITLE", help="the same in Chinese (default: as --title)")
    _add_file(record)
    record.set_defaults(command=command)


def add_new_scenario(kinds: Any, shared: argparse.ArgumentParser, command: Command) -> None:
    """Add ``scenario`` to what ``wirelab new`` can begin."""
    scenario = kinds.add_parser(
        "scenario", parents=[shared], help="write a scenario to begin with, with comments that explain it"
    )
    scenario.add_argument("name", metavar="NAME", help="the scenario's name, such as messaging/my-first")
    _add_file(scenario)
    scenario.set_defaults(command=command)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE.yaml", help="the file to write (default: the last part of NAME, with .yaml)"
    )
    parser.add_argument("--force", action="store_true", help="replace the file")
