"""The commands ``record`` and ``new scenario``: a scenario's file, from a person at the keyboard or to be filled in."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import re
import shlex
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from wirelab.base.clock import now_ns
from wirelab.base.errors import InputError, UsageError, WirelabError
from wirelab.base.signals import INTERRUPTS, await_input
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import library
from wirelab.compose.files import write_whole
from wirelab.compose.record import CLIENTS, Made, Wanted, begin_recording, blank, drafted, generalised, read
from wirelab.declare.head import Title
from wirelab.declare.scenario import parse_scenario
from wirelab.declare.scenario_writer import Draft, scalar, write_scenario
from wirelab.declare.schema import schema_text
from wirelab.declare.steps import Start
from wirelab.edge.output import put
from wirelab.edge.running import NARROWEST, PLAIN, WIDEST
from wirelab.judge.verdict import Verdict
from wirelab.observe.evidence import Bounded
from wirelab.observe.messages import Profile
from wirelab.observe.terminal import readable
from wirelab.present.console import LiveConsole
from wirelab.present.style import safe
from wirelab.stage.recording import Recording, kept
from wirelab.stage.worker import Worker

SCHEMA = "scenario.schema.json"
LONGEST_TITLE = 200  # characters
MOST_REPLAYS = 20
LONGEST_HEARTBEAT = 600.0  # seconds
HANDED_OVER = 15.0  # seconds in which a recording that was broken off is handed over and written
Handed = TypeVar("Handed")

register(
    {
        "record.no-terminal": Text(
            "recording needs a terminal: you drive the programs from it. Start it without < and | around it",
            "录制需要终端：你要在终端里操作程序。启动时请不要用 < 和 | 重定向",
        ),
        "record.name": Text(
            "'{name}' cannot be a scenario's name: use lower-case letters, digits and -, with / between folders",
            "'{name}' 不能作场景名：请用小写字母、数字和 -，文件夹之间用 /",
        ),
        "record.path": Text(
            "{file} lies below a folder scenarios, where a scenario is called after its path: '{wanted}', not '{name}'",
            "{file} 在 scenarios 文件夹之下，场景名必须与路径一致：应为 '{wanted}'，而不是 '{name}'",
        ),
        "record.exists": Text(
            "{file} exists already; add --force to replace it", "{file} 已存在；要替换它，请加上 --force"
        ),
        "record.no-folder": Text("there is no folder {folder} to write to", "没有可写入的文件夹 {folder}"),
        "record.unwritable": Text("cannot write {file}: {why}", "无法写入 {file}：{why}"),
        "record.number": Text(
            "--{option} takes {least} to {most}, not {found}", "--{option} 应在 {least} 到 {most} 之间，而不是 {found}"
        ),
        "record.begins": Text("recording {name}", "录制 {name}"),
        "record.empty": Text(
            "nothing was done at any terminal, so there is nothing to make a scenario of",
            "没有在任何终端上操作过，无法生成场景",
        ),
        "record.flooded": Text(
            "{actor} printed more than {limit} bytes; of that no scenario can be made",
            "{actor} 输出超过 {limit} 字节，无法由此生成场景",
        ),
        "record.title": Text("What is it about, in one line? ", "用一句话说明这个场景："),
        "record.replayed": Text("played {count} of {of}", "已运行 {count}/{of}"),
        "record.made": Text(
            "{file}: {steps} steps, {expected} expectations; it passes",
            "{file}：{steps} 个步骤，{expected} 项期望；运行通过",
        ),
        "record.not-passed": Text(
            "{file}: {steps} steps, {expected} expectations; it does not pass with the programs that it was recorded with:",
            "{file}：{steps} 个步骤，{expected} 项期望；用录制时的程序运行没有通过：",
        ),
        "record.undecided": Text(
            "{file}: {steps} steps, {expected} expectations; whether it passes could not be decided:",
            "{file}：{steps} 个步骤，{expected} 项期望；无法判断它是否通过：",
        ),
        "record.remark.unplayed": Text(
            "Recorded with `wirelab record`, but not played back: it may not pass, and it expects nothing of the packets.",
            "由 `wirelab record` 录制，但没有重放：不一定能通过，也没有对报文的期望。",
        ),
        "record.unplayed": Text(
            "what was recorded is kept in {file}; it was not played back", "录制的内容已保存到 {file}，但没有重放"
        ),
        "record.next": Text(
            "Read it, and mend what you meant otherwise. To play it:\n    {command}",
            "请通读一遍，修改与本意不符的地方。运行它：\n    {command}",
        ),
        "new.scenario": Text(
            '{file}: change it, then\n    wirelab lint {file}\n    wirelab run {file} --client "python3 my_client.py"',
            '{file}：修改之后运行\n    wirelab lint {file}\n    wirelab run {file} --client "python3 my_client.py"',
        ),
        "new.scenario.head": Text(
            "A scenario: who is there, what they do, and what must be seen. All that may be written: docs/scenarios.md",
            "一个场景：有哪些程序，依次做什么，必须看到什么。全部写法见 docs/scenarios.md",
        ),
    }
)
_SKELETON = (  # a line, and what is said of it
    ("scenario: NAME", None),
    ("title: {en: TITLE, zh: TITLE}", Text("what it is about, in one line", "用一句话说明这个场景")),
    (
        "tests: client",
        Text(
            "the role that the submission plays: client, server, both", "提交的程序扮演的角色：client、server 或 both"
        ),
    ),
    ("env: {HEARTBEAT_INTERVAL: 0.5}", Text("seconds between two heartbeats", "心跳间隔（秒）")),
    ("cast:", Text("the programs, each on a terminal of its own", "各个程序，每个都有自己的终端")),
    ("  server: {role: server}", None),
    ("  alice: {role: client}", None),
    ("script:", Text("one step a line, from top to bottom", "一行一步，从上到下执行")),
    ("  - {start: server, until: Listening on}", Text("goes on when it shows this", "显示这些字后才继续")),
    ("  - {start: alice, until: Connected to}", None),
    ("  - {alice: type, text: hello}", Text("and Enter", "并按回车")),
    ("  - {server: shows, text: hello, within: 1}", Text("seconds", "秒")),
    ("  - {wait: 1.2}", None),
    ("  - {server: type, text: good morning}", None),
    ('  - {alice: shows, text: "Broadcast: good morning"}', None),
    ("  - {alice: press, key: ctrl-d}", None),
    ("  - {alice: exits, status: 0}", None),
    ("expect:", Text("judged afterwards, from the packets", "事后根据报文判定")),
    ("  - {handshake: alice}", None),
    ("  - {messages: alice, sent: [hello]}", Text("these, in this order, and no others", "恰好这些，顺序相同")),
    ("  - {heartbeat: alice, at_least: 1, answered_within: 0.1}", Text("seconds", "秒")),
    ("  - {broadcast: good morning, to: [alice]}", Text("exactly once", "恰好一次")),
    ("  - {teardown: alice, first: alice, style: orderly}", Text("alice sends the first FIN", "alice 先发送 FIN")),
)


def record(options: argparse.Namespace, language: Language) -> int:
    """Record a scenario, make it pass, and write it."""
    wanted = _wanted(options)
    file = _file(options)
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageError("record.no-terminal")
    draft = blank(wanted)
    profile, source = library.profile_for(read(draft), file)
    put(safe(say("record.begins", language, name=wanted.name)))

    def told(count: int, of: int) -> None:
        put(say("record.replayed", language, count=count, of=of))

    with kept(0):
        recorded = _recorded(draft, profile, wanted, options.clients, file, language)
        try:
            recorded = replace(recorded, title=_title(options, wanted.name, language))
            made = generalised(recorded, profile, source, wanted, options.replays, language, told)
        except BaseException:
            _write_unplayed(file, recorded, language)
            raise
        _write(file, made.text)
    _tell(made, file, wanted, language)
    return made.judgement.verdict.exit_status


def _write_unplayed(file: Path, recorded: Draft, language: Language) -> None:
    """Keep the steps alone: what a person has done by hand is not to be done again."""
    _write(file, write_scenario(replace(recorded, remarks=(say("record.remark.unplayed", language),))))
    with contextlib.suppress(OSError, WirelabError):  # the terminal may be gone
        put("\n" + safe(say("record.unplayed", language, file=file)))


def _wanted(options: argparse.Namespace) -> Wanted:
    _check_name(options.name)
    _check_number("clients", options.clients, 1, len(CLIENTS))
    _check_number("replays", options.replays, 1, MOST_REPLAYS)
    _check_number("heartbeat", options.heartbeat, 0.05, LONGEST_HEARTBEAT)
    commands = {role: value for role in ("client", "server") if (value := getattr(options, role)) is not None}
    given: Literal["client", "server", "both"] = "client"
    if len(commands) == 2:
        given = "both"
    elif "server" in commands:
        given = "server"
    tests = options.tests or given
    for role in commands:
        if tests not in ("both", role):
            raise UsageError("programs.not-tested", scenario=options.name, tested=tests, given=role)
    return Wanted(options.name, tests, commands, Path.cwd(), options.heartbeat, options.protocol)


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+)*", name):
        raise UsageError("record.name", name=name)


def _check_number(option: str, found: float, least: float, most: float) -> None:
    if not least <= found <= most:
        raise UsageError("record.number", option=option, least=f"{least:g}", most=f"{most:g}", found=found)


def _file(options: argparse.Namespace) -> Path:
    """Where the scenario will be written, made sure of before anybody has worked for it."""
    file = Path(options.output or f"{options.name.rpartition('/')[2]}.yaml")
    try:
        there = file.is_symlink() or file.exists()
        below = library.path_name(file)
    except (OSError, RuntimeError) as error:  # too long a name, or links in a circle
        raise InputError("record.unwritable", file=file, why=getattr(error, "strerror", None) or error) from None
    if below not in (None, options.name):
        raise UsageError("record.path", file=file, wanted=below, name=options.name)
    if there and not options.force:
        raise UsageError("record.exists", file=file)
    if not file.parent.is_dir():
        raise UsageError("record.no-folder", folder=file.parent)
    if file.is_dir():
        raise InputError("record.unwritable", file=file, why=os.strerror(errno.EISDIR))
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise InputError("record.unwritable", file=file, why=os.strerror(errno.EACCES))
    return file


def _write(file: Path, text: str) -> None:
    """Write a scenario, with the line that leads an editor to its schema; the schema too, where there is none yet."""
    folder, root = file.parent.resolve(), library.root_above(file)
    schema = root / "schema.json" if root and (root / "schema.json").is_file() else folder / SCHEMA
    head = f"# yaml-language-server: $schema={os.path.relpath(schema, folder)}\n"
    try:
        if not schema.is_file():
            write_whole(schema, schema_text("scenario"))
        write_whole(file, head + text)
    except OSError as error:
        put("\n".join(map(safe, text.split("\n"))))  # what a person has done by hand is shown rather than lost
        raise InputError("record.unwritable", file=file, why=error.strerror or error) from None


class _Relay:
    """Ctrl-C, SIGTERM and SIGHUP go on to the process that records, which hands over what was done until then, and do
    nothing while that is written. One that comes HANDED_OVER seconds after the first is an interrupt as ever."""

    def __init__(self) -> None:
        self.first: int | None = None  # when the first came
        self._worker: Worker[Any] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._came) for number in INTERRUPTS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def result(self, worker: Worker[Handed]) -> Handed:
        """What the process hands over. Raises what ``Worker.result`` raises."""
        self._worker = worker
        for number in INTERRUPTS:  # ``kept`` has handlers of its own
            signal.signal(number, self._came)
        found = worker.result()
        worker.wait()
        return found

    def _came(self, *_: object) -> None:
        now = now_ns()
        self.first = self.first or now
        if self._worker is None or now - self.first > HANDED_OVER * 1e9:
            raise KeyboardInterrupt
        self._worker.interrupt()


def _recorded(draft: Draft, profile: Profile, wanted: Wanted, clients: int, file: Path, language: Language) -> Draft:
    """The draft with the steps that were done. What was broken off is written to ``file``; raises KeyboardInterrupt then."""
    scenario = read(draft)
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size((PLAIN, 24)).columns))
    actors = [(name, member.role, scenario.part(name)) for name, member in scenario.cast.items()]
    console = LiveConsole(actors, profile, scenario.port, language=language, width=width, colour=True)
    recording = Recording(0, 1, console.feed, language)
    with _Relay() as relay:
        with kept(0):
            deeds, seen = relay.result(begin_recording(draft, profile, wanted, clients, recording))
        bound = next((event for event in seen.events if isinstance(event, Bounded)), None)
        if bound is not None:
            raise InputError("record.flooded", actor=bound.actor or "-", limit=bound.limit)
        recorded = drafted(draft, profile, deeds, seen)
        whole = relay.first is None and deeds[-1].what == "ends"
        if all(isinstance(step, Start) for _, step in recorded.script):
            raise InputError("record.empty") if whole else KeyboardInterrupt
        if not whole:
            _write_unplayed(file, recorded, language)
            raise KeyboardInterrupt
    return recorded


def _title(options: argparse.Namespace, name: str, language: Language) -> Title:
    title = options.title
    if title is None:
        sys.stdout.write(say("record.title", language))
        sys.stdout.flush()
        await_input(sys.stdin.fileno())
        title = sys.stdin.buffer.readline().decode(errors="replace")  # a terminal may speak another encoding
    title = _one_line(title) or name
    chinese = _one_line(options.title_zh or "") or title
    return Title(en=title, zh=chinese)


def _one_line(text: str) -> str:
    """What can be read of a text on one line: an arrow key that was pressed while it was typed is no part of it."""
    words = " ".join(readable(text.encode("utf-8", "replace").decode()).split())
    return "".join(letter for letter in words if letter.isprintable())[:LONGEST_TITLE]


_OUTCOMES = {
    Verdict.PASS: "record.made",
    Verdict.FAIL: "record.not-passed",
    Verdict.INCONCLUSIVE: "record.undecided",
}


def _tell(made: Made, file: Path, wanted: Wanted, language: Language) -> None:
    key = _OUTCOMES[made.judgement.verdict]
    steps, expected = len(made.draft.script), len(made.draft.expect)
    put(safe(say(key, language, file=file, steps=steps, expected=expected)))
    if not made.passed:
        from wirelab.present.outcome import verdict_lines

        put("\n".join(verdict_lines(made.judgement, language=language, width=PLAIN, colour=False)))
    given = [f"--{role} {shlex.quote(command)}" for role, command in wanted.commands.items()]
    command = " ".join(["wirelab run", shlex.quote(str(file)), *given])
    put("\n".join(map(safe, say("record.next", language, command=command).split("\n"))))


def new_scenario(options: argparse.Namespace, language: Language) -> int:
    """Write a scenario to begin with."""
    _check_name(options.name)
    file = _file(options)
    text = skeleton(options.name, language)
    parse_scenario(text, str(file))
    _write(file, text)
    put("\n".join(map(safe, say("new.scenario", language, file=file).split("\n"))))
    return 0


def skeleton(name: str, language: Language) -> str:
    """A small scenario in full, with a comment wherever one helps."""
    lines = [f"# {say('new.scenario.head', language)}"]
    for line, remark in _SKELETON:
        written = line.replace("NAME", name).replace("TITLE", scalar(name))
        lines.append(f"{written:<60}# {remark.fill(language)}" if remark else written)
    return "\n".join([*lines, ""])
