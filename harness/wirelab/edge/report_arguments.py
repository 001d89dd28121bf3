"""What may be written after ``wirelab report``. Imports nothing that takes time; does nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Literal

Language = Literal["en", "zh"]
Command = Callable[[argparse.Namespace, Language], int]

_EXAMPLES = """\
examples:
  wirelab run heartbeat/answers-while-typing --client "python3 my_client.py" -o lastrun
  wirelab report new heartbeat-client --run lastrun --student me.toml --program my_client.py -o report.ipynb
      a report on that run; open it in Jupyter, and write the answers where the ____ stand
  wirelab report new heartbeat-client --capture lab.pcapng --port 12001 -o report.ipynb
      the same from a capture of your own, made in Wireshark
  wirelab report check report.ipynb
      hold the answers against the capture
  wirelab report export report.ipynb -o report.pdf -o report.docx
"""


def add_report(
    report: argparse.ArgumentParser, shared: argparse.ArgumentParser, command: Callable[[str], Command]
) -> None:
    """Add the sub-commands; ``command`` gives the function that does one, by name."""
    report.epilog, report.formatter_class = _EXAMPLES, argparse.RawDescriptionHelpFormatter
    kinds = report.add_subparsers(title="what", metavar="WHAT", required=True, parser_class=type(report))

    def add(name: str, about: str, description: str = "") -> argparse.ArgumentParser:
        parser = kinds.add_parser(name, parents=[shared], help=about, description=description or about)
        parser.set_defaults(command=command(name))
        return parser

    new = add(
        "new",
        "a report on a run, or on a capture of your own",
        "Write the form of a lab report as a Jupyter notebook: filled in with what is known, with the figures and tables "
        "of the capture, and with questions about it, which differ from student to student as their packets do.",
    )
    new.add_argument("lab", metavar="LAB", help="a lab's name, such as heartbeat-client, or its folder")
    _add_evidence(new, required=True)
    new.add_argument("--program", metavar="FILE", action="append", default=[], help="list this program (repeatable)")
    new.add_argument("--skip", action="store_true", help="make it even if the capture cannot answer every question")
    _add_form(new)
    _add_file(new)

    blank = add("template", "the blank form of a lab, to print or to look at")
    blank.add_argument("lab", metavar="LAB", help="a lab's name, or its folder")
    _add_form(blank)
    _add_file(blank)

    check = add(
        "check",
        "hold a report's answers against its capture",
        "Read the answers in a report, without executing anything, and hold them against the capture that is sealed in "
        "it. Exit status: 0 all is right, 1 something is wrong, missing or was changed, 2 all that can be checked is "
        "right and the rest waits for the instructor, 64 and up: error.",
    )
    check.add_argument("report", metavar="REPORT", help="a notebook that `wirelab report new` made")
    check.add_argument("--lab", metavar="LAB", help="take questions and points from this lab, not from the report")
    _add_evidence(check, required=False)
    check.add_argument("--brief", action="store_true", help="only right or wrong, without what is right and why")
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    check.add_argument("-o", "--output", metavar="FILE", help="write a copy of the notebook with the marks in it")
    check.add_argument("--force", action="store_true", help="replace FILE")

    export = add(
        "export",
        "a report as HTML, PDF or Word",
        "Write a report as a page that needs nothing else (.html), as PDF, or for Word (.docx), by the file's ending.",
    )
    export.add_argument("report", metavar="REPORT", help="a report, or any notebook")
    export.add_argument(
        "-o", "--output", metavar="FILE", action="append", required=True, help="the file to write (repeatable)"
    )

    add("kinds", "list the kinds of questions that a lab.yaml may ask")
    add("form", "print the form (YAML) that reports have, to make your own from it")


def _add_evidence(parser: argparse.ArgumentParser, *, required: bool) -> None:
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--run", metavar="DIR", help="a run folder, written by wirelab run -o")
    which.add_argument("--capture", metavar="FILE", help="a capture made in Wireshark or tcpdump instead")
    parser.add_argument("--port", metavar="N", help="of a capture: the connection with this TCP port")
    parser.add_argument("--stream", metavar="N", type=int, help="of a capture: the connection with this number")
    parser.add_argument("--protocol", metavar="P", help="the protocol profile: a name or a file (default: guessed)")


def _add_form(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--student", metavar="FILE.toml", help="who you are, once for all labs: name, number, class, …")
    parser.add_argument("--form", metavar="FILE.yaml", help="a form of your own (default: the kit's)")


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE.ipynb", required=True, help="the notebook to write")
    parser.add_argument("--force", action="store_true", help="replace FILE.ipynb, and all that was written in it")
