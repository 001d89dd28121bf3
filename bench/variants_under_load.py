"""Every correct program in every scenario of its role, again and again, on an overloaded machine.

    python bench/variants_under_load.py [--rounds 1] [--at-once 16] [--hogs 2] [--variants NAME …] [--scenarios NAME …]
                                        [-o DIR]

Builds each of tests/variants once and plays it in all of the library that tests its role, as `wirelab run` does, many
runs at once, with programs beside them that do nothing but use CPU. Names may be patterns (``java-*``, ``locking/*``). A
run that does not pass is told at once and its run folder is kept. A single failure is a fault of wirelab's or of the
variant's, whatever the machine; one that is still inconclusive when it was played three times is none, and is counted
with its reason. Ctrl-C ends all and prints what there is.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import fnmatch
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wirelab.base.errors import UsageError
from wirelab.compose import library
from wirelab.compose.artifacts import Run, write_run
from wirelab.compose.programs import castings
from wirelab.compose.side_by_side import Planned, play_all
from wirelab.compose.submissions import ROLES, Submission, find_programs
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.observe.evidence import Role
from wirelab.stage.build import build

VARIANTS = Path(__file__).resolve().parents[1] / "tests/variants"
TELL_EVERY = 15.0  # seconds between two lines of progress


@dataclass(frozen=True, slots=True)
class Game:
    """One run to be played: a variant in one role, in one scenario."""

    variant: str
    role: Role
    plan: Planned

    @property
    def name(self) -> str:
        """``rust-client client``."""
        return f"{self.variant} {self.role}"


class Table:
    """What has come out so far."""

    def __init__(self, count: int) -> None:
        self.counts: dict[str, collections.Counter[Verdict]] = collections.defaultdict(collections.Counter)
        self.reasons: collections.Counter[str] = collections.Counter()
        self.again = 0
        self._count = count
        self._began = self._told = time.monotonic()

    def add(self, game: Game, judgement: Judgement, tries: int, folder: Path) -> None:
        """Count a run; tell of it when it did not pass, and now and then how far things are."""
        self.counts[game.name][judgement.verdict] += 1
        self.again += tries - 1
        if judgement.verdict is not Verdict.PASS:
            print(f"{judgement.verdict.value}: {game.name}: {judgement.scenario}: {folder}")
            found = [finding for check in judgement.checks for finding in check.findings]
            for finding in found:
                cause = f" — {finding.cause.code} {finding.cause.rationale.in_('en')}" if finding.cause else ""
                print(f"    {finding.code} {finding.rationale.in_('en')}{cause}", flush=True)
            if judgement.verdict is Verdict.INCONCLUSIVE:
                codes = sorted({finding.code for finding in found})
                self.reasons[f"{' '.join(codes)} {judgement.scenario}"] += 1
        now = time.monotonic()
        if now - self._told >= TELL_EVERY:
            self._told = now
            done = self.total(*Verdict)
            left = (now - self._began) * (self._count - done) / done
            print(f"{done} of {self._count} runs, {self.summary()}; {_clock(left)} left", flush=True)

    def total(self, *verdicts: Verdict) -> int:
        """How many runs came out so."""
        return sum(counts[verdict] for counts in self.counts.values() for verdict in verdicts)

    def summary(self) -> str:
        """``481 pass, 0 fail, 1 inconclusive, 3 played again``."""
        counts = ", ".join(f"{self.total(verdict)} {verdict.value}" for verdict in Verdict)
        return f"{counts}, {self.again} played again"

    def show(self) -> None:
        """The table, and what was inconclusive for which reasons."""
        print(f"\n{'variant':32}" + "".join(f"{verdict.value:>14}" for verdict in Verdict))
        for name, counts in sorted(self.counts.items()):
            print(f"{name:32}" + "".join(f"{counts[verdict]:14}" for verdict in Verdict))
        for reason, count in self.reasons.most_common():
            print(f"inconclusive {count} times: {reason}")
        seconds = time.monotonic() - self._began
        print(f"{self.total(*Verdict)} of {self._count} runs in {_clock(seconds)}: {self.summary()}")


def main() -> int:
    """Build, play, count, print; 1 when a run failed, 130 when interrupted, else 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--hogs", type=int, default=2)
    parser.add_argument("--variants", nargs="+", default=["*"], metavar="NAME")
    parser.add_argument("--scenarios", nargs="+", default=["*"], metavar="NAME")
    parser.add_argument("-o", "--output", type=Path, help="keep runs that do not pass here (default: a new folder)")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell that starts this in the background ignores the first
        signal.signal(number, signal.default_int_handler)
    keep = (options.output or Path(tempfile.mkdtemp(prefix="variants-under-load-"))).absolute()
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as built:
        variants = list(_built(options.variants, Path(built)))
        games = list(_games(variants, options.scenarios))
        if not games:
            parser.error("no scenario tests a variant of these names")
        print(
            f"{len(variants)} variants, {len(games)} runs a round, {options.rounds} rounds; kept in {keep}", flush=True
        )
        # Shuffled, so that what is played side by side differs from round to round.
        chosen = [game for _ in range(options.rounds) for game in random.sample(games, len(games))]
        table = Table(len(chosen))
        with _hogs(options.hogs), contextlib.suppress(KeyboardInterrupt):
            for played in play_all([game.plan for game in chosen], jobs=options.at_once):
                game = chosen[played.index]
                folder = (
                    keep
                    / f"{played.index:05}-{game.name.replace(' ', '-')}-{game.plan.scenario.name.replace('/', '-')}"
                )
                table.add(game, played.judgement, played.tries, folder)
                if played.judgement.verdict is not Verdict.PASS:
                    run = Run(game.plan.scenario, game.plan.source, game.plan.profile, played.evidence)
                    write_run(folder, run, played.judgement, "en")
    table.show()
    if not any(keep.iterdir()):
        keep.rmdir()
    if table.total(Verdict.FAIL):
        return 1
    return 0 if table.total(*Verdict) == len(chosen) else 130  # interrupted


def _built(patterns: list[str], into: Path) -> Iterator[Submission]:
    """A copy of each variant wanted, built; those whose language this machine has not are named and left out."""
    for original in sorted(path.parent for path in VARIANTS.glob("*/wirelab.toml")):
        if not any(fnmatch.fnmatch(original.name, pattern) for pattern in patterns):
            continue
        folder = into / original.name
        shutil.copytree(original, folder)
        variant = _with_this_python(find_programs(folder, _roles(original)))
        tools = {shlex.split(line)[0] for line in (*variant.build, *variant.commands.values())}
        missing = sorted(tool for tool in tools if not tool.startswith("./") and shutil.which(tool) is None)
        if missing:
            print(f"left out: {original.name} needs {', '.join(missing)}")
            continue
        for line in variant.build:
            build(line, folder)
        yield variant


def _roles(folder: Path) -> list[Role]:
    """The roles that a variant plays."""
    roles: list[Role] = []
    for role in ROLES:
        try:
            find_programs(folder, [role])
        except UsageError:
            continue
        roles.append(role)
    return roles


def _with_this_python(variant: Submission) -> Submission:
    """Programs in Python run by the interpreter that runs wirelab, as in tests/variants/test_played.py."""
    commands = {
        role: shlex.join(sys.executable if word == "python3" else word for word in shlex.split(command))
        for role, command in variant.commands.items()
    }
    return Submission(variant.folder, commands, variant.build)


def _games(variants: list[Submission], patterns: list[str]) -> Iterator[Game]:
    """Every variant in every scenario of its role; a scenario that tests both, for each of the roles."""
    for path in library.find(library.names()):
        scenario = library.load(path)
        if not any(fnmatch.fnmatch(scenario.name, pattern) for pattern in patterns):
            continue
        profile, source = library.profile_for(scenario, path)
        for variant in variants:
            for role in ROLES:
                if role in variant.commands and scenario.tests in (role, "both"):
                    cast = castings(scenario, {role: variant.commands[role]}, variant.folder)
                    yield Game(variant.folder.name, role, Planned(scenario, profile, source, cast))


@contextlib.contextmanager
def _hogs(number: int) -> Iterator[None]:
    """So many programs burn CPU during the block."""
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for hog in burning:
            hog.kill()
            hog.wait()


def _clock(seconds: float) -> str:
    """``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


if __name__ == "__main__":
    sys.exit(main())
