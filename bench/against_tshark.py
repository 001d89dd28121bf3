"""Every capture at hand, told by wirelab and by tshark: handshake, first FIN, kind of close, retransmissions.

    python bench/against_tshark.py [--jobs 2] [--disturbed 2000] [--seed 1] [--markdown] [--keep DIR] [CAPTURE …]

Without captures of yours it makes its own: every scenario of the kit played by the reference, every mutant and variant
of the tests played for real, and made-up ones for what such runs seldom show; then many that are disturbed at random.
Prints a row a conversation, and every difference with the frames that explain it. Ends with 1 when a difference has
no explanation (tests/observe/differences.py), with 0 when all have, or when tshark is missing.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.observe.differences import RULES, Explained, explain, line
from tests.observe.synthetic import disturbed, synthetic
from tests.observe.tshark import COLUMNS, Row, Told, compare
from wirelab.compose import library
from wirelab.observe.pcap import write_pcap
from wirelab.observe.segments import RAW_IP, Endpoint

ROOT = Path(__file__).parents[1]
VARIANTS_PLAY = {
    "client": ("heartbeat/answers-while-typing", "heartbeat/coalesced-and-cut", "teardown/ctrl-c"),
    "server": ("broadcast/one-to-many", "teardown/client-reset", "teardown/server-quits-busy"),
}
MOST = 300  # seconds for the runs of one program


def main() -> int:
    """Gather, compare, print; 1 when a difference has no explanation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("captures", nargs="*", type=Path, metavar="CAPTURE")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--disturbed", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if shutil.which("tshark") is None:
        print("tshark is not installed: nothing compared")
        return 0
    with tempfile.TemporaryDirectory() as temporary, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        folder = options.keep or Path(temporary)
        files = [(path, path.name) for path in options.captures] or [*_played(folder, pool), *_made(folder)]
        rows = [row for found in pool.map(lambda pair: compare(*pair), files) for row in found]
        random: list[Row] = []
        if not options.captures:
            file = folder / "disturbed.pcap"
            file.write_bytes(write_pcap(disturbed(options.seed, options.disturbed), RAW_IP))
            random = compare(file, f"disturbed, seed {options.seed}")
    told = [(row, list(explain(row))) for row in rows]
    disordered = [(row, list(explain(row))) for row in random]
    print("\n".join(_table(told, "| {} |" if options.markdown else "{}")))
    print("\n".join(["", *(_kinds([*told, *disordered]) if options.markdown else _explained(told))]))
    unexplained = _summary("captures at hand", told)
    if random:
        unexplained += _summary(f"disturbed conversations, seed {options.seed}", disordered)
    return 1 if unexplained else 0


# --- captures


def _played(folder: Path, pool: concurrent.futures.Executor) -> Iterator[tuple[Path, str]]:
    """Runs of the reference, the mutants and the variants, as capture files with their names."""
    names = library.names()
    jobs: list[tuple[str, Path | None, list[str]]] = [("reference", None, names[::2]), ("reference", None, names[1::2])]
    for path in sorted((ROOT / "tests").glob("mutants/*/mutant.toml")):
        chosen = tomllib.loads(path.read_text("utf-8"))
        jobs.append((f"mutant {path.parent.name}", path.parent, [chosen["scenario"]]))
    jobs += [
        (f"variant {path.parent.name}", path.parent, [])
        for path in sorted((ROOT / "tests").glob("variants/*/wirelab.toml"))
    ]
    done = pool.map(lambda job: list(_play(folder / f"{jobs.index(job):02}", *job)), jobs)
    yield from (pair for pairs in done for pair in pairs)


def _play(folder: Path, who: str, program: Path | None, names: Sequence[str]) -> Iterator[tuple[Path, str]]:
    plays: list[tuple[list[str], Sequence[str]]] = [([], names)]
    folder.mkdir(parents=True)
    work = folder / "program"
    if program is not None:
        shutil.copytree(program, work)
        settings = tomllib.loads((work / "wirelab.toml").read_text("utf-8"))
        words = shlex.split(settings.get("build", "true"))
        if shutil.which(words[0]) is None:
            return
        subprocess.run(words, cwd=work, check=True, capture_output=True, timeout=MOST)
        roles = [role for role in VARIANTS_PLAY if role in settings]
        plays = [([f"--{role}", _command(settings[role])], names or VARIANTS_PLAY[role]) for role in roles]
    for number, (options, scenarios) in enumerate(plays):
        out = folder / str(number)
        command = [sys.executable, "-m", "wirelab", "run", *scenarios, *options, "-o", str(out), "--json"]
        cwd = work if program is not None else folder
        environment = os.environ | {"PYTHONPATH": str(ROOT / "harness"), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, timeout=MOST)
        for file in sorted(out.rglob("capture.pcapng")):
            what = Path(scenarios[0]).stem if file.parent == out else file.parent.name
            yield file, f"{who}: {what}"


def _command(written: str) -> str:
    words = shlex.split(written)
    return shlex.join([sys.executable if words[0] == "python3" else words[0], *words[1:]])


def _made(folder: Path) -> Iterator[tuple[Path, str]]:
    for number, one in enumerate(synthetic()):
        file = folder / f"made-{number:02}.pcap"
        file.write_bytes(write_pcap(one.packets, one.linktype))
        yield file, f"made up: {one.name}"


# --- the table


def _table(told: Iterable[tuple[Row, list[Explained]]], frame: str) -> Iterator[str]:
    """A line a conversation: cells that agree once, others as ours / tshark's."""
    separator = " | " if frame != "{}" else "  "
    yield frame.format(separator.join(["capture", "stream", *COLUMNS, "agree"]))
    if frame != "{}":
        yield "|---" * (len(COLUMNS) + 3) + "|"
    for row, found in told:
        pairs = zip(_cells(row, row.ours), _cells(row, row.theirs), strict=True)
        cells = [one if one == two else f"{one} / {two}" for one, two in pairs]
        agree = ", ".join(dict.fromkeys(item.rule.name if item.rule else "NO" for item in found)) or "yes"
        yield frame.format(separator.join([row.file, str(row.stream), *cells, agree]))


def _cells(row: Row, told: Told) -> list[str]:
    first: Endpoint | None = told.first_fin
    side = "–" if first is None else "client" if first == row.connection.client else "server"
    again = sorted(told.retransmitted)
    frames = f"{len(again)}: " + " ".join(map(str, again[:6])) + (" …" if len(again) > 6 else "") if again else "0"
    return ["complete" if told.handshake else "not", side, told.close, frames]


def _explained(told: Iterable[tuple[Row, list[Explained]]]) -> Iterator[str]:
    for row, found in told:
        for item in found:
            yield f"{row.file}, stream {row.stream}, {item.column}: {item.rule.name if item.rule else 'NO EXPLANATION'}"
            yield from (f"    {line(frame)}" for frame in item.frames)


def _kinds(told: Sequence[tuple[Row, list[Explained]]]) -> Iterator[str]:
    """Every rule, with its source and the first difference that it explains, as Markdown."""
    for rule in RULES:
        yield f"- **{rule.name}** ({rule.column}): {rule.says} *{rule.source}*\n"
        shown = ((row, item) for row, found in told for item in found if item.rule is rule)
        for row, item in itertools.islice(shown, 1):
            yield f"  {row.file}, stream {row.stream}:\n\n  ```"
            yield from (f"  {line(frame)}" for frame in item.frames)
            yield "  ```\n"


def _summary(title: str, told: Sequence[tuple[Row, list[Explained]]]) -> int:
    """Print how many conversations agree, and what kinds of difference there are; gives how many have no explanation."""
    differing = [found for _, found in told if found]
    kinds = Counter(item.rule.name if item.rule else "no explanation" for found in differing for item in found)
    frames = sum(len(row.frames) for row, _ in told)
    print(f"\n{title}: {len(told)} conversations, {frames} frames; {len(told) - len(differing)} agree in every column")
    for rule in RULES:
        if kinds[rule.name]:
            print(f"  {kinds[rule.name]:5} {rule.column}: {rule.name}")
    for row, found in told:
        if any(item.rule is None for item in found):
            print(f"  NO EXPLANATION: {row.file}, stream {row.stream}: ours {row.ours}, tshark's {row.theirs}")
    return kinds["no explanation"]


if __name__ == "__main__":
    sys.exit(main())
