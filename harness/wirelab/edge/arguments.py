"""What may be written after the larger commands. Imports nothing that takes time; does nothing."""

from __future__ import annotations

import argparse


def add_output(parser: argparse.ArgumentParser) -> None:
    """How runs are kept and shown."""
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="keep the run folder here (several runs: one folder each)"
    )
    parser.add_argument("--quiet", action="store_true", help="no live view, only the verdicts")
    parser.add_argument("--json", action="store_true", help="print the judgements as JSON instead")


def add_grading(parser: argparse.ArgumentParser) -> None:
    """What ``grade`` takes."""
    parser.add_argument("lab", metavar="LAB", help="a lab's name, such as 2-heartbeat, or its folder")
    parser.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        help="a folder of folders or archives, or one archive as Moodle or Canvas give it",
    )
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="where marks, feedback and runs are kept")
    parser.add_argument("--roster", metavar="FILE", help="a CSV file with numbers, names and logins of the class")
    parser.add_argument("--jobs", metavar="N", help="runs at once at most (default: 8 for each processor)")
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="play on the workers of this Dask scheduler, such as tcp://10.0.0.5:8786 (docs/grading.md tells how to start "
        "one); --jobs then holds for each submission there",
    )
    parser.add_argument(
        "--feedback-lang", choices=("en", "zh"), help="language of feedback (default: as --lang; a roster may say it)"
    )
    parser.add_argument(
        "--reports",
        action="store_true",
        help="count the lab reports too: notebooks that lie among the files handed in, checked against their captures",
    )
    parser.add_argument(
        "--no-sandbox", action="store_true", help="run what students wrote as yourself: it can do all that you can"
    )
    parser.add_argument("--no-observe", dest="observe", action="store_false", help="as for run")


def add_exports(export: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    """The formats of ``export``, each a command of its own."""
    export.add_argument("out", metavar="OUT", help="a folder written by grade -o; for autograder, a lab")
    formats = export.add_subparsers(
        title="formats", metavar="FORMAT", parser_class=type(export), required=True, dest="format"
    )

    def add(name: str, about: str) -> argparse.ArgumentParser:
        parser = formats.add_parser(name, parents=[shared], help=about, description=about)
        needed = name in ("canvas", "moodle", "autograder")
        place = "the file to write" if needed else "the file to write (default: print it)"
        parser.add_argument("-o", "--output", metavar="FILE", required=needed, help=place)
        if name != "autograder":
            parser.add_argument("--lab", metavar="LAB", help="the lab with the rubric (default: as it was graded)")
        return parser

    canvas = add("canvas", "fill in one column of the gradebook that Canvas exported")
    canvas.add_argument("sheet", metavar="SHEET", help="the CSV file that Canvas exported")
    canvas.add_argument("--assignment", metavar="NAME", required=True, help="its title, or its number")
    moodle = add("moodle", "fill in grades and feedback in the grading worksheet of a Moodle assignment")
    moodle.add_argument("sheet", metavar="SHEET", help="the CSV file that Moodle exported")
    moodle.add_argument("--grade-column", metavar="NAME", help="where Moodle's language is not known here")
    moodle.add_argument("--feedback-column", metavar="NAME", help="the same for the feedback")
    moodle.add_argument("--maximum-column", metavar="NAME", help="the same for the maximum grade")
    junit = add("junit", "JUnit XML, for CI servers")
    junit.add_argument("--for-students", action="store_true", help="of hidden scenarios only whether they passed")
    for name, about in (
        ("gradescope", "results.json of a Gradescope autograder"),
        ("prairielearn", "results.json of a PrairieLearn external grader"),
        ("autolab", "the last two lines that an Autolab autograder prints"),
        ("github", "a step summary for the student's own repository, in Markdown"),
        ("github-classroom", "the JSON for the reporter of GitHub Classroom"),
    ):
        one = add(name, about)
        one.add_argument("key", nargs="?", metavar="STUDENT", help="key, number, login or name (default: the only one)")
    grader = add("autograder", "a zip with setup.sh and run_autograder for Gradescope, which grades one lab")
    grader.add_argument("--wheel", metavar="FILE", help="install this wirelab (default: this version, by name)")


def add_analysis(parser: argparse.ArgumentParser) -> None:
    """What ``analyze`` takes."""
    parser.add_argument("capture", metavar="CAPTURE", help="a pcap or pcapng file: Wireshark, tcpdump, dumpcap")
    parser.add_argument("--port", metavar="N", help="the conversation with this TCP port at either end (fastest)")
    parser.add_argument("--address", metavar="HOST[:PORT]", help="the conversation with this end, in numbers")
    parser.add_argument("--stream", metavar="N", type=int, help="the conversation with this number in the list")
    parser.add_argument("--protocol", metavar="P", help="a protocol profile: a name or a file (default: guessed)")
    parser.add_argument("--expect", metavar="TRACE_FILE", help="check the conversation against an expected trace")
    parser.add_argument("--as-trace", action="store_true", help="print the conversation in the notation of traces")
    parser.add_argument("--json", action="store_true", help="print conversations or the judgement as JSON")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write its packets as pcapng, findings as packet comments"
    )
