"""Reads pages as a person who works through them: writes the files, gives the commands, compares outputs.

    PYTHONPATH=harness:. python -m tests.docs.guides [FILE...]     renew the outputs that hold no more (with --all: every one)

What a block of a page is, a comment before it says:

``<!-- file: lab/lab.yaml -->``        the whole of a file, to be written down at this point
``<!-- given: NAME -->``               what the reader has by now: ``tests/docs/given.py`` puts it there (no block)
``<!-- status: 1 -->``                 the command in the ``sh`` block below it ends with this status (else 0); of several
                                       commands ``0, 1``, or the last one's alone
``<!-- not run: WHY -->``              the ``sh`` block is only read: every ``wirelab`` in it must be a command
``<!-- output -->``                    what the command before it printed
``<!-- output: FROM … TO -->``         of that, the lines from the first that has FROM in it to the next that has TO
``<!-- output, sorted: FROM … TO -->`` the same; the lines may stand in any order
``<!-- output, in kind -->``           a picture of one run: the same lines but for numbers, in any order, however often
``<!-- example: WHY -->``              a ``text`` block that no command on the page prints

A line ``make X`` stands for the command of wirelab in the Makefile's recipe of X, and else only has to be there.
Times, ports, paths, and where a line is broken change from run to run, and are not compared.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs import given
from tests.edge.command import Command, Done

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDES = [DOCS / f"{name}{end}" for name in ("student", "lab-in-30-minutes", "instructor") for end in (".md", ".zh.md")]
OTHERS = [ROOT / "README", *(DOCS / name for name in ("grading", "exports", "reports", "record")), ROOT / "labs/README"]
WORKED = [*GUIDES, *(page.with_name(page.name + end) for page in OTHERS for end in (".md", ".zh.md"))]
INCONCLUSIVE, TRIES = 2, 3  # the machine's fault: given again
PATIENCE = 300.0  # seconds: a class, or a whole lab, on a machine with much else to do
_BLOCK = re.compile(
    r"^ *<!-- given: (?P<given>[\w-]+) -->\n|"
    r"^ *<!-- (?P<kind>file|status|not run|example|output(?:, sorted|, in kind)?)(?:: (?P<about>.+?))? -->\n"
    r" *(?P<fence>```+)\w+\n(?P<text>.*?)^ *(?P=fence)\n|^ *```sh\n(?P<plain>.*?)^ *```\n",
    re.MULTILINE | re.DOTALL,
)
_CHANGING = (
    (re.compile(r"/\S+/(python3)[.\d]*"), r"\1"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:ms|s|秒|毫秒|µs)(?![a-z])"), "TIME"),
    (re.compile(r"\b\d+\.\d{3,}\b"), "TIME"),
    (re.compile(r"(?<=[:\s])(?!12001)\d{5}\b"), "PORT"),
    (re.compile(r"^\[\d+/\d+\]", re.MULTILINE), "[COUNT]"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?"), "DATE"),
    (re.compile(r"frames? \d+(?:, \d+)*|第 \d+(?:, \d+)* 帧"), "FRAMES"),
    (re.compile(r"\b\d+(?= packets| segments| 个报文)"), "COUNT"),  # one ACK may ride on a FIN
    (re.compile(r"(?<=at most )\d+(?= at once)|(?<=最多同时进行 )\d+"), "JOBS"),  # by the machine's processors
    (re.compile(r"\d+\.\d+(?= of 100|/100)"), "MARK"),  # threads decide how much of a wrong program goes right
    (re.compile(r"\s+"), ""),  # lines are broken where numbers leave room
)
_RUNG = re.compile(r"├─|─┤")
_KIND = re.compile(r"SYN,ACK|SYN|FIN|RST|HEARTBEAT-ACK|HEARTBEAT|MSG \w+|BROADCAST \w+")


@dataclass(frozen=True)
class Block:
    """One block of a guide; ``kind`` is ``run`` for commands, and ``span`` is where its text stands in the page."""

    kind: str
    about: str
    text: str
    span: tuple[int, int]

    @property
    def commands(self) -> list[str]:
        whole = self.text.replace("\\\n", " ")
        lines = [line.strip() for line in whole.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def blocks(text: str) -> Iterator[Block]:
    for found in _BLOCK.finditer(text):
        if found["given"]:
            yield Block("given", found["given"], "", found.span())
        elif found["kind"] is None:
            yield Block("run", "0", found["plain"], found.span("plain"))
        else:
            kind = "run" if found["kind"] == "status" else found["kind"]
            yield Block(kind, found["about"] or "", found["text"], found.span("text"))


def language(page: Path) -> str:
    return "zh" if page.name.endswith(".zh.md") else "en"


def give(command: Command, line: str) -> Done:
    """Give one line of a shell block: a command of wirelab, or one of the few that every shell has."""
    line, _, kept = line.partition(" > ")
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        recipe = re.search(rf"^{words[1]}:.*\n\t@(?:\$\(bin\)/)?(.*)$", makefile, re.MULTILINE)
        assert recipe, f"the Makefile does not have {words[1]}"
        words = shlex.split(recipe[1]) if recipe[1].startswith("wirelab ") else ["true"]
    if words[0] == "wirelab":
        for _ in range(TRIES):
            done = command(*words[1:], patience=PATIENCE)
            if done.status != INCONCLUSIVE:
                break
    else:
        assert words[0] in ("cp", "mkdir", "true"), f"a page asks for nothing but wirelab, make, cp and mkdir: {line}"
        ran = subprocess.run(words, cwd=command.folder, capture_output=True, text=True, check=False)
        done = Done(ran.returncode, ran.stdout, ran.stderr, 0.0)
    if kept:
        (command.folder / kept.strip()).write_text(done.out, encoding="utf-8")
    return done


def chosen(block: Block, printed: str) -> str:
    """The part of what was printed that the block shows: all of it, where it does not have that part."""
    lines = [line.rstrip() for line in printed.splitlines()]
    if block.about:
        begin, end = block.about.split(" … ")
        first = next((at for at, line in enumerate(lines) if begin in line), 0)
        last = next((at for at in range(first, len(lines)) if end in lines[at]), len(lines))
        lines = lines[first : last + 1]
    return "".join(f"{line}\n" for line in lines)


def fixed(text: str, how: str = "output") -> list[str]:
    """What of an output is the same in every run; of a ladder's rungs, which kinds of segments and messages there are."""
    lines = text.splitlines(keepends=True)
    rungs = [line for line in lines if _RUNG.search(line)]
    rest = [line for line in lines if line not in rungs]
    kinds = sorted({word for line in rungs for word in _KIND.findall(line)})
    if how.endswith("sorted"):
        return sorted(map(_steady, rest))
    if how.endswith("in kind"):
        return [*sorted({re.sub(r"\d+", "#", _steady(line)) for line in rest}), *kinds]
    return [_steady("".join(rest)), *kinds]


def _steady(text: str) -> str:
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text


@dataclass(frozen=True)
class Shown:
    """An output in a guide, and what the command printed when it was given just now."""

    block: Block
    line: str
    printed: str

    @property
    def told(self) -> list[str]:
        return fixed(self.block.text, self.block.kind)

    @property
    def seen(self) -> list[str]:
        return fixed(chosen(self.block, self.printed), self.block.kind)


def work_through(page: Path, command: Command) -> Iterator[Shown]:
    """Do what the page says, from top to bottom. Raises AssertionError where a command ends otherwise than it says."""
    command.env["LC_ALL"] = "zh_CN.UTF-8" if language(page) == "zh" else "C.UTF-8"
    line, printed = "", ""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.kind == "file":
            path = command.folder / block.about
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.kind == "given":
            given.put(block.about, command.folder, language(page))
        elif block.kind == "run":
            statuses = [int(word) for word in block.about.split(", ")]
            ahead = [0] * (len(block.commands) - len(statuses))
            for told, one in zip(ahead + statuses, block.commands, strict=True):
                done = give(command, one)
                assert told == done.status, f"{page.name}: {one}\n{done.out}\n{done.err}"
                if said := done.out + done.err:
                    line, printed = one, said.replace(f"{command.folder}/", "")
        elif block.kind.startswith("output"):
            shown = Shown(block, line, printed)
            for _ in range(TRIES if block.kind.endswith("in kind") and shown.told != shown.seen else 0):
                shown = Shown(
                    block, line, give(command, line).out
                )  # on a busy machine a terminal's lines come in other pieces
                if shown.told == shown.seen:
                    break
            yield shown


def renew(page: Path, every: bool) -> None:
    """Write what is printed now into those outputs of a page that no longer hold, or into every one."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        shown = list(work_through(page, Command(Path(folder))))
    for one in reversed(shown):
        if every or one.told != one.seen:
            begin, end = one.block.span
            text = text[:begin] + chosen(one.block, one.printed) + text[end:]
            print("renewed", page.name, one.line)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "--all"]
    for page in [Path(name).resolve() for name in names] or WORKED:
        renew(page, every="--all" in sys.argv)
