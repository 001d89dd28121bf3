"""Writes the outputs in the labs' handouts, from real runs; and reads them back, for the test that they still hold.

    python tests/labs/render.py          renew the blocks that a run prints otherwise now
    python tests/labs/render.py --all    renew every block

A block stands between ``<!-- output starter: COMMAND -->`` and ``<!-- end -->``: what COMMAND prints in a folder where
``mine`` is a copy of the lab's starter; ``finished``: of the reference. With ``ladder`` behind it, only the segments are
kept; with ``points``, only what stands behind the last empty line. What is long is cut in the middle. Times, ports and
numbers change from run to run, so a block is renewed only when what is fixed in it has changed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / "labs"
BLOCK = re.compile(
    r"<!-- output (?P<who>starter|finished)(?: (?P<view>ladder|points))?: (?P<command>wirelab .+?) -->\n"
    r"(?P<shown>.*?)<!-- end -->\n",
    re.DOTALL,
)
_SEGMENT = re.compile(r"▶│|│◀|tcp\.stream|^\s*(?:time/s|时间/s) |^ {20,}│")
_CUT = "  …"
HEAD, TAIL = 32, 6  # lines of an output that stay where it is longer than that and a bit
_TOPICS = "messaging|heartbeat|broadcast|locking|teardown"
_WORDS = re.compile(rf"WL\d{{3}}|SYN,ACK|SYN|FIN|RST|HEARTBEAT-ACK|HEARTBEAT|MSG|BROADCAST|\b(?:{_TOPICS})/[a-z-]+")
PATIENCE = 120.0  # seconds: longer than any command in a handout takes on a busy machine
INCONCLUSIVE, TRIES = 2, 3  # the machine's fault: played again


@dataclass(frozen=True)
class Block:
    """One output in one handout."""

    handout: Path
    who: str
    view: str
    command: str
    shown: str

    @property
    def name(self) -> str:
        return f"{self.handout.relative_to(LABS)}: {self.who}: {self.command}"


def handouts() -> list[Path]:
    return sorted(LABS.glob("*/handout*.md"))


def blocks(handout: Path) -> list[Block]:
    found = BLOCK.finditer(handout.read_text(encoding="utf-8"))
    return [Block(handout, one["who"], one["view"] or "", one["command"], one["shown"]) for one in found]


def run(block: Block) -> str:
    """What the block's command prints now, whole, as it would stand in the handout."""
    lab = block.handout.parent
    language = "zh" if block.handout.name.endswith(".zh.md") else "en"
    words = shlex.split(block.command)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    environment |= {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT / "harness")}
    with tempfile.TemporaryDirectory() as folder:
        source = lab / "starter" if block.who == "starter" else ROOT / "reference"
        shutil.copytree(source, Path(folder) / "mine", ignore=shutil.ignore_patterns("__pycache__"))
        for _ in range(TRIES):
            done = subprocess.run(
                [sys.executable, "-m", *words, "--lang", language],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=PATIENCE,
                check=False,
            )
            if done.returncode != INCONCLUSIVE:
                break
    if done.stderr:
        raise RuntimeError(f"{block.name}:\n{done.stderr}")
    lines = done.stdout.replace(f"{folder}/", "").splitlines()  # no path of this machine
    if block.view == "ladder":
        lines = [line for line in lines if _SEGMENT.search(line)]
    elif block.view == "points":
        lines = lines[len(lines) - lines[::-1].index("") :]
    return "```text\n" + "\n".join(line.rstrip() for line in lines) + "\n```\n"


def cut(shown: str) -> str:
    """An output with its middle left out, if it is long."""
    lines = shown.splitlines()
    if len(lines) > HEAD + TAIL + 4:
        lines[HEAD:-TAIL] = [_CUT]
    return "\n".join(lines) + "\n"


def changed(shown: str, now: str) -> set[str]:
    """What is fixed in an output and a run prints otherwise now; of an output that was cut, only what is left counts."""
    return fixed(shown) - fixed(now) if is_cut(shown) else fixed(shown) ^ fixed(now)


def is_cut(shown: str) -> bool:
    """Whether the middle of an output was left out."""
    return _CUT in shown.splitlines()


def fixed(shown: str) -> set[str]:
    """What of an output does not change from run to run: which check of whom passed, codes, kinds of segments."""
    found = set(_WORDS.findall(shown))
    for line in shown.splitlines():
        if line[:1] in ("✓", "✗"):
            fields = re.split(r"\s{2,}", line)
            found.add(" ".join(field for field in (fields[0][0], *fields[1:3]) if re.fullmatch(r"[a-z/✓✗-]+", field)))
    return found


def main(everything: bool) -> None:
    """Renew the handouts."""
    for handout in handouts():
        text = handout.read_text(encoding="utf-8")
        for block in blocks(handout):
            now = run(block)
            if everything or not block.shown or changed(block.shown, now):
                kind = f"{block.who} {block.view}".rstrip()
                head = f"<!-- output {kind}: {block.command} -->\n"
                text = text.replace(f"{head}{block.shown}<!-- end -->\n", f"{head}{cut(now)}<!-- end -->\n")
                print("renewed", block.name)
        handout.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main("--all" in sys.argv[1:])
