"""Reads the guides in docs/ as a person who works through them: writes the files, gives the commands, compares outputs.

    PYTHONPATH=harness:. python -m tests.docs.guides [PAGE...]     renew the outputs that stand in the guides

What a block of a guide is, a comment before it says:

``<!-- file: lab/lab.yaml -->``        the whole of a file, to be written down at this point
``<!-- status: 1 -->``                 the command in the ``sh`` block below it ends with this status (else 0)
``<!-- not run: WHY -->``              the ``sh`` block is only read: every ``wirelab`` in it must be a command
``<!-- output -->``                    what the command before it printed
``<!-- output: FROM … TO -->``         of that, the lines from the first that has FROM in it to the next that has TO
``<!-- output, sorted: FROM … TO -->`` the same; the lines may stand in any order

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

from tests.edge.command import Command, Done

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDES = [DOCS / f"{name}{end}" for name in ("student", "lab-in-30-minutes", "instructor") for end in (".md", ".zh.md")]
INCONCLUSIVE, TRIES = 2, 3  # the machine's fault: given again
_BLOCK = re.compile(
    r"^ *<!-- (?P<kind>file|status|not run|output|output, sorted)(?:: (?P<about>.+?))? -->\n *(?P<fence>```+)\w+\n"
    r"(?P<text>.*?)^ *(?P=fence)\n|^ *```sh\n(?P<plain>.*?)^ *```\n",
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
        if found["kind"] is None:
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
    if words[0] == "wirelab":
        for _ in range(TRIES):
            done = command(*words[1:])
            if done.status != INCONCLUSIVE:
                break
    else:
        assert words[0] in ("cp", "mkdir"), f"a guide asks for nothing but wirelab, cp and mkdir: {line}"
        ran = subprocess.run(words, cwd=command.folder, capture_output=True, text=True, check=False)
        done = Done(ran.returncode, ran.stdout, ran.stderr, 0.0)
    if kept:
        (command.folder / kept.strip()).write_text(done.out, encoding="utf-8")
    return done


def chosen(block: Block, printed: str) -> str:
    """The part of what was printed that the block shows."""
    lines = [line.rstrip() for line in printed.splitlines()]
    if block.about:
        begin, end = block.about.split(" … ")
        first = next(at for at, line in enumerate(lines) if begin in line)
        lines = lines[first : next(at for at in range(first, len(lines)) if end in lines[at]) + 1]
    return "".join(f"{line}\n" for line in lines)


def fixed(text: str, in_order: bool) -> str:
    """What of an output is the same in every run; of a ladder's rungs, which kinds of segments and messages there are."""
    lines = text.splitlines(keepends=True)
    rungs = [line for line in lines if _RUNG.search(line)]
    rest = [line for line in lines if line not in rungs]
    parts = ["".join(rest), *{word for line in rungs for word in _KIND.findall(line)}] if in_order else rest
    for pattern, word in _CHANGING:
        parts = [pattern.sub(word, part) for part in parts]
    return "\n".join([parts[0], *sorted(parts[1:])] if in_order else sorted(parts))


@dataclass(frozen=True)
class Shown:
    """An output in a guide, and what the command printed when it was given just now."""

    block: Block
    line: str
    printed: str

    @property
    def told(self) -> str:
        return fixed(self.block.text, "sorted" not in self.block.kind)

    @property
    def seen(self) -> str:
        return fixed(chosen(self.block, self.printed), "sorted" not in self.block.kind)


def work_through(page: Path, command: Command) -> Iterator[Shown]:
    """Do what the page says, from top to bottom. Raises AssertionError where a command ends otherwise than it says."""
    command.env["LC_ALL"] = "zh_CN.UTF-8" if language(page) == "zh" else "C.UTF-8"
    line, printed = "", ""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.kind == "file":
            path = command.folder / block.about
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.kind == "run":
            for line in block.commands:
                done = give(command, line)
                told = int(block.about) if line == block.commands[-1] else 0
                assert told == done.status, f"{page.name}: {line}\n{done.out}\n{done.err}"
                printed = (done.out + done.err).replace(f"{command.folder}/", "")
        elif block.kind.startswith("output"):
            yield Shown(block, line, printed)


def renew(page: Path) -> None:
    """Write what is printed now into those outputs of a page that no longer hold."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        shown = list(work_through(page, Command(Path(folder))))
    for one in reversed(shown):
        if one.told != one.seen:
            begin, end = one.block.span
            text = text[:begin] + chosen(one.block, one.printed) + text[end:]
            print("renewed", page.name, one.line)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or [page.name for page in GUIDES]:
        renew(DOCS / name)
