"""What may be written after ``wirelab dissector``, ``open`` and ``completion``. Imports nothing that takes time; does nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Literal

Language = Literal["en", "zh"]
Command = Callable[[argparse.Namespace, Language], int]

_DISSECTOR = """\
examples:
  wirelab dissector -o line.lua
  wireshark -X lua_script:line.lua lab.pcapng
      messages and heartbeats by name in Wireshark; `wirelab open` does both at once
  wirelab dissector my-protocol.yaml --port 9000 -o mine.lua
      the same for a protocol of your own
"""


def add_dissector(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``wirelab dissector`` to the commands."""
    parser = commands.add_parser(
        "dissector",
        parents=[shared],
        help="print a Wireshark dissector (Lua) for a protocol",
        description="Print a script for Wireshark and tshark, 4.0 or later, that shows the messages of a protocol by name.",
        epilog=_DISSECTOR,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "protocol", nargs="?", default="line", metavar="PROTOCOL", help="a name, or a profile's file (default: line)"
    )
    parser.add_argument("--port", metavar="N", default="12001", help="the server's TCP port (default: 12001)")
    parser.add_argument("-o", "--output", metavar="FILE.lua", help="write it to this file")
    parser.add_argument("--force", action="store_true", help="replace FILE.lua")
    parser.set_defaults(command=_dissector)


def add_open(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``wirelab open`` to the commands."""
    parser = commands.add_parser(
        "open",
        parents=[shared],
        help="open a run's capture in Wireshark, messages by name",
        description="Start Wireshark on the capture of a run, or on any capture, with the dissector of its protocol.",
    )
    parser.add_argument("run", metavar="RUN", help="a folder written by run -o, or a capture file")
    parser.add_argument("--port", metavar="N", help="the server's TCP port (default: the run's; else 12001)")
    parser.add_argument("--protocol", metavar="P", help="a name, or a profile's file (default: the run's; else line)")
    parser.set_defaults(command=_open)


def add_completion(commands: Any, shared: argparse.ArgumentParser, whole: argparse.ArgumentParser) -> None:
    """Add ``wirelab completion`` to the commands; ``whole`` is the parser of all of them."""
    parser = commands.add_parser(
        "completion",
        parents=[shared],
        help="print what makes a shell complete commands, options, labs and scenarios",
        description="Print a script that makes a shell complete what is typed after wirelab.",
        epilog='bash: eval "$(wirelab completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc; '
        "fish: wirelab completion fish | source",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")
    parser.set_defaults(command=_completion, whole=whole)


def _dissector(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import viewing

    return viewing.dissector(options, language)


def _open(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import viewing

    return viewing.open_run(options, language)


def _completion(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import completing

    return completing.completion(options, language)
