"""The command line: arguments in, exit status out. Imports what a command needs only when it runs.

Exit status: 0 pass, 1 fail, 2 inconclusive, 64 and up usage or harness errors (sysexits.h), 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Literal, NoReturn

from wirelab import __version__
from wirelab.base.errors import EnvironmentFault, InputError, UsageError, WirelabError
from wirelab.base.texts import Text, register, say, spoken
from wirelab.edge import output
from wirelab.edge.arguments import add_analysis, add_exports, add_grading, add_output
from wirelab.edge.editor_arguments import add_completion, add_dissector, add_open
from wirelab.edge.record_arguments import add_new_scenario, add_record
from wirelab.edge.report_arguments import add_report
from wirelab.edge.workflow import add_workflow

Language = Literal["en", "zh"]
USAGE, BUG, INTERRUPTED, BROKEN_PIPE = 64, 70, 130, 141
NO_PATH = (errno.ENAMETOOLONG, errno.ELOOP)  # how the system refuses a word that was given as a path, whoever asks

register(
    {
        "cli.missing": Text(
            "the Python package {name}, which wirelab needs, is not installed for {python}: "
            "run {python} -m pip install {package}",
            "{python} 没有安装 wirelab 所需的 Python 包 {name}：请运行 {python} -m pip install {package}",
        ),
        "cli.no-output": Text(
            "-o is empty: name a file or a folder (is a variable not set?)",
            "-o 为空：请给出文件或文件夹（是不是变量没有赋值？）",
        ),
        "cli.no-path": Text("{path}: {why}", "{path}：{why}"),
        "cli.interrupted": Text(
            "interrupted; everything that was started has been ended", "已中断；启动的程序都已结束"
        ),
    }
)
_PACKAGES = {"yaml": "PyYAML"}  # what is installed under another name than it is imported

_EXAMPLES = """\
examples:
  wirelab demo
      play the reference programs through the flagship scenario and watch it live
  wirelab run heartbeat --client "python3 my_client.py"
      play every heartbeat scenario with your own client
  wirelab run messaging/one-line --client ./client -o lastrun
      one scenario; keep the capture, the terminals and the verdict in the folder lastrun
  wirelab judge lastrun
      the verdict again, from the folder alone
  wirelab analyze lab.pcapng --port 12001
      a capture of your own, from Wireshark or tcpdump: the ladder, and what is wrong
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose usage errors end with EX_USAGE, so that 2 can mean inconclusive."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")

    def _print_message(self, message: str, file: object = None) -> None:
        """Everything argparse prints goes through here; what it does with a full disk depends on Python's version."""
        if message:
            (output.put if file is sys.stdout else output.complain)(message.removesuffix("\n"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    output.prepare()
    try:
        return _main(arguments)
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in ("", "wirelab"):
            raise
        missing = EnvironmentFault(
            "cli.missing", name=name, package=_PACKAGES.get(name, name), python=shlex.quote(sys.executable)
        )
        output.complain("wirelab: " + missing.text(spoken(os.environ)))
        return missing.exit_status


def _main(arguments: Sequence[str] | None) -> int:
    language = spoken(os.environ)
    try:
        parser = _parser()
        options = parser.parse_args(arguments)
        language = getattr(options, "lang", language)
        named = getattr(options, "output", None)
        if named == "" or (isinstance(named, list) and "" in named):
            raise UsageError("cli.no-output")
        command: Callable[[argparse.Namespace, Language], int] | None = getattr(options, "command", None)
        if command is None:
            parser.print_help()
        status = USAGE if command is None else command(options, language)
        output.flush()
        return status
    except BrokenPipeError:
        output.silence()
        return BROKEN_PIPE
    except WirelabError as error:
        from wirelab.present.style import safe

        output.complain("wirelab: " + "\n".join(map(safe, error.text(language).split("\n"))))
        return error.exit_status
    except ModuleNotFoundError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_PATH and error.filename:
            from wirelab.present.style import safe

            named = InputError("cli.no-path", path=error.filename, why=error.strerror)
            output.complain("wirelab: " + safe(named.text(language)))
            return named.exit_status
        output.complain("wirelab: wirelab itself failed; please report this:\n" + traceback.format_exc().rstrip())
        return BUG
    except KeyboardInterrupt:
        output.complain("\nwirelab: " + say("cli.interrupted", language))
        return INTERRUPTED


def _parser() -> _Parser:
    shared = _Parser(add_help=False)
    # Given before the command or after it; no default, or the command's would undo what was given before.
    shared.add_argument(
        "--lang",
        choices=("en", "zh"),
        default=argparse.SUPPRESS,
        help="language of messages (default: from the locale)",
    )
    parser = _Parser(
        prog="wirelab",
        parents=[shared],
        description="Play network-programming exercises for real, watch every packet, and explain what was seen.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"wirelab {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)

    demo = commands.add_parser("demo", parents=[shared], help="play the reference programs, live")
    add_output(demo)
    demo.set_defaults(command=_demo)

    run = commands.add_parser(
        "run",
        parents=[shared],
        help="play scenarios, or a lab, with your own programs",
        description="Play scenarios with your own client or server; the reference plays the other part. Or play a lab: "
        "`run LAB DIR` plays all that it shows, side by side, with the programs in DIR, and tells the points.",
        epilog="Exit status: 0 all passed, 1 something failed, 2 inconclusive (the machine's fault), 64 and up: error.",
    )
    run.add_argument(
        "scenarios",
        nargs="*",
        metavar="SCENARIO",
        help="a file, a folder, or a name such as heartbeat/…; or a lab and a folder",
    )
    run.add_argument("--client", metavar="CMD", help="how your client is started; HOST and PORT are appended")
    run.add_argument("--server", metavar="CMD", help="how your server is started; HOST and PORT are appended")
    run.add_argument(
        "--no-observe",
        dest="observe",
        action="store_false",
        help="put nothing into your Python programs: the verdict is the same, but its explanation cannot name the line "
        "that called connect, send, recv or close",
    )
    run.add_argument("--only", metavar="NAME", help="of a lab: this scenario alone, live")
    run.add_argument(
        "--seed",
        metavar="N",
        help="where a scenario amplifies races: the same pauses as in the run that named this number",
    )
    run.add_argument(
        "--watch", action="store_true", help="play again whenever a source file is saved, and tell what changed"
    )
    run.add_argument("--list", action="store_true", help="name the scenarios that come with the kit, and stop")
    add_output(run)
    run.set_defaults(command=_run)

    grade = commands.add_parser(
        "grade",
        parents=[shared],
        help="grade a class: all submissions of a lab",
        description="Play all scenarios of a lab with every submission, each program in a sandbox, and write marks, "
        "feedback for each student, and the files that other systems read. What is finished is kept: the same command "
        "goes on where it was stopped, and plays again only what has changed.",
        epilog="Exit status: 0 all have marks, 2 some could not be decided (the machine's fault: run it again), 64 and "
        "up: error. 130: stopped by Ctrl-C; what was finished is kept.",
    )
    add_grading(grade)
    grade.set_defaults(command=_grade)

    export = commands.add_parser(
        "export",
        parents=[shared],
        help="hand a graded class to a platform, or a lab as its autograder",
        description="Write the results that `wirelab grade` keeps in a format of a platform, with the rubric as it is "
        "now; nothing is played. Canvas and Moodle: fill in the sheet that they exported.",
        epilog="Exit status: 0 written, 2 nothing of that student could be decided (the machine's fault), 64 and up: "
        "error.",
    )
    add_exports(export, shared)
    export.set_defaults(command=_export)

    report = commands.add_parser(
        "report",
        parents=[shared],
        help="lab reports: make one from a run, check it, export it",
        description="Lab reports from a student's own packets, as Jupyter notebooks.",
    )
    add_report(report, shared, _report)

    add_record(commands, shared, _record)

    new = commands.add_parser(
        "new", parents=[shared], help="begin something of your own: a lab's submission, a scenario"
    )
    kinds = new.add_subparsers(title="what", metavar="WHAT", parser_class=_Parser, required=True)
    submission = kinds.add_parser(
        "submission", parents=[shared], help="copy a lab's starter code and its handout into a new folder"
    )
    submission.add_argument("lab", metavar="LAB", help="a lab's name, such as 2-heartbeat, or its folder")
    submission.add_argument("folder", nargs="?", metavar="DIR", help="the new folder (default: the lab's name)")
    submission.set_defaults(command=_new_submission)
    add_new_scenario(kinds, shared, _new_scenario)
    add_workflow(kinds, shared)

    judge = commands.add_parser(
        "judge", parents=[shared], help="judge a stored run, or a graded class, again, without running anything"
    )
    judge.add_argument("folder", metavar="DIR", help="a folder written by run -o or grade -o")
    judge.add_argument("--lab", metavar="LAB", help="of a class: the lab with the rubric (default: as it was graded)")
    judge.add_argument("--ladder", action="store_true", help="show the whole run again, as it was shown live")
    judge.add_argument("--json", action="store_true", help="print the judgement as JSON")
    judge.set_defaults(command=_judge)

    analyze = commands.add_parser(
        "analyze",
        parents=[shared],
        help="judge a capture made by hand, in Wireshark or tcpdump",
        description="List the TCP conversations of a capture, or draw, check and annotate one of them.",
        epilog="Exit status: 0 passed or listed, 1 failed, 2 inconclusive (the capture lacks something), 64 and up: error.",
    )
    add_analysis(analyze)
    analyze.set_defaults(command=_analyze)

    explain = commands.add_parser(
        "explain", parents=[shared], help="explain a finding: what you see, why, where to look"
    )
    explain.add_argument(
        "codes", nargs="*", metavar="CODE", help="WL502, or a group: WL5, teardown (default: list all)"
    )
    explain.add_argument("--json", action="store_true", help="print the pages as JSON, in both languages")
    explain.add_argument("--markdown", action="store_true", help="print the pages as Markdown, as in docs/findings.md")
    explain.set_defaults(command=_explain)

    lint = commands.add_parser(
        "lint", parents=[shared], help="check scenario, protocol, lab and report form files for mistakes"
    )
    lint.add_argument("files", nargs="+", metavar="FILE", help="a scenario, protocol or lab file, or a folder of them")
    lint.set_defaults(command=_lint)

    schema = commands.add_parser(
        "schema", parents=[shared], help="print the JSON Schema of scenario and other files, for editors"
    )
    schema.add_argument(
        "--reference", action="store_true", help="print a reference (Markdown) instead: of scenarios, or --of trace"
    )
    schema.add_argument(
        "--of", choices=("scenario", "protocol", "lab", "form", "trace"), default="scenario", help="of which files"
    )
    schema.set_defaults(command=_schema)

    add_dissector(commands, shared)
    add_open(commands, shared)
    add_completion(commands, shared, parser)

    doctor = commands.add_parser("doctor", parents=[shared], help="try what this machine can do, and how to mend it")
    doctor.add_argument("--json", action="store_true", help="print the results as JSON")
    doctor.set_defaults(command=_doctor)
    return parser


def _demo(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import running

    return running.demo(running.options_from(options, language))


def _run(options: argparse.Namespace, language: Language) -> int:
    from wirelab.compose import kit
    from wirelab.edge import running

    shown = running.options_from(options, language)
    words = options.scenarios
    lab = kit.lab_folder(words[0]) if words else None

    def play(shown: running.Options) -> int:
        if lab is None and options.only is None:
            return running.run(words, shown, list_only=options.list)
        from wirelab.edge import practising

        return practising.run_lab(lab, words[1:], shown, options.only)

    if options.watch and words and not options.list:
        from wirelab.edge.watching import watch

        return watch(play, shown, words)
    return play(shown)


def _new_submission(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import practising

    return practising.new_submission(options.lab, options.folder, language)


def _new_scenario(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import record

    return record.new_scenario(options, language)


def _record(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import record

    return record.record(options, language)


def _grade(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import grading

    return grading.grade(options, language)


def _export(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import exporting

    return exporting.export(options, language)


def _report(name: str) -> Callable[[argparse.Namespace, Language], int]:
    def command(options: argparse.Namespace, language: Language) -> int:
        from wirelab.edge import reporting

        return reporting.COMMANDS[name](options, language)

    return command


def _judge(options: argparse.Namespace, language: Language) -> int:
    from pathlib import Path

    from wirelab.compose import kit

    if (Path(options.folder) / kit.CLASS_FILE).is_file():
        from wirelab.edge import grading

        return grading.judge_class(Path(options.folder), options.lab, language)
    from wirelab.edge import running

    return running.judge_again(options.folder, running.options_from(options, language), ladder=options.ladder)


def _analyze(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import analyzing

    return analyzing.analyze(options, language)


def _explain(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import explaining

    return explaining.explain(options.codes, language, as_json=options.json, as_markdown=options.markdown)


def _lint(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import authoring

    return authoring.lint(options.files, language)


def _schema(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import authoring

    return authoring.schema(as_page=options.reference, of=options.of, language=language)


def _doctor(options: argparse.Namespace, language: Language) -> int:
    from wirelab.edge import doctor

    return doctor.doctor(language, as_json=options.json)
