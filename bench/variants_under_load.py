"""Every correct program in every scenario of its role, again and again, on an overloaded machine.

    python bench/variants_under_load.py [--rounds 1] [--at-once 4] [--hogs 2] [--variants NAME …] [--scenarios NAME …]
                                        [-o DIR]

Builds each of tests/variants once and plays it in all of the library that tests its role, several runs at once, with
programs beside them that do nothing but use CPU. Names may be patterns (``java-*``, ``locking/*``). A run that does not
pass is told at once and its run folder is kept. A single failure is a fault of wirelab's or of the variant's, whatever
the machine; one that is inconclusive is none, and is counted with its reason. Ctrl-C ends all and prints what there is.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wirelab.base.errors import UsageError
from wirelab.compose import library
from wirelab.compose.submissions import ROLES, Submission, find_programs
from wirelab.observe.evidence import Role
from wirelab.stage.build import build

VARIANTS = Path(__file__).resolve().parents[1] / "tests/variants"
KINDS = ("pass", "inconclusive", "fail", "error")
WORST_RUN = 300.0  # seconds after which a run is held to hang: the longest scenario has a tenth of it
TELL_EVERY = 15.0  # seconds between two lines of progress


@dataclass(frozen=True, slots=True)
class Game:
    """One run to be played: a variant in one role, in one scenario."""

    variant: Submission
    role: Role
    scenario: str

    @property
    def name(self) -> str:
        """``rust-client client``."""
        return f"{self.variant.folder.name} {self.role}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict or ``error``, what was found against it (code → the first rationale), and where the run is kept."""

    verdict: str
    found: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None


class Table:
    """What has come out so far."""

    def __init__(self, count: int) -> None:
        self.counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        self.reasons: collections.Counter[str] = collections.Counter()
        self._count = count
        self._began = self._told = time.monotonic()

    def add(self, game: Game, outcome: Outcome) -> None:
        """Count a run; tell of it when it did not pass, and now and then how far things are."""
        self.counts[game.name][outcome.verdict] += 1
        if outcome.verdict != "pass":
            print(f"{outcome.verdict}: {game.name}: {game.scenario}: {outcome.folder}")
            for code, rationale in outcome.found.items():
                print(f"    {code} {rationale}", flush=True)
        if outcome.verdict == "inconclusive":
            self.reasons[" ".join(sorted(outcome.found)) + f" {game.scenario}"] += 1
        now = time.monotonic()
        if now - self._told >= TELL_EVERY:
            self._told = now
            done = self.total()
            left = (now - self._began) * (self._count - done) / done
            print(f"{done} of {self._count} runs, {self.summary()}; {_clock(left)} left", flush=True)

    def total(self, *kinds: str) -> int:
        """How many runs came out so; of whatever verdict when none is named."""
        return sum(counts[kind] for counts in self.counts.values() for kind in kinds or KINDS)

    def summary(self) -> str:
        """``481 pass, 1 inconclusive, 0 fail, 0 error``."""
        return ", ".join(f"{self.total(kind)} {kind}" for kind in KINDS)

    def show(self) -> None:
        """The table, and what was inconclusive for which reasons."""
        print(f"\n{'variant':32}" + "".join(f"{kind:>14}" for kind in KINDS))
        for name, counts in sorted(self.counts.items()):
            print(f"{name:32}" + "".join(f"{counts[kind]:14}" for kind in KINDS))
        for reason, count in self.reasons.most_common():
            print(f"inconclusive {count} times: {reason}")
        seconds = time.monotonic() - self._began
        print(f"{self.total()} of {self._count} runs in {_clock(seconds)}: {self.summary()}")


class Player:
    """Plays runs by the command, as a student would, in threads; ends those under way when it is stopped."""

    def __init__(self, keep: Path) -> None:
        self._keep = keep
        self._stopped = False
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def play(self, game: Game, number: int) -> Outcome | None:
        """The outcome of one run; None when it was stopped."""
        folder = self._keep / f"{number:05}-{game.name.replace(' ', '-')}-{game.scenario.replace('/', '-')}"
        command = [sys.executable, "-m", "wirelab", "run", game.scenario, "--json", "-o", str(folder)]
        command += [f"--{game.role}", game.variant.commands[game.role]]
        with self._lock:
            if self._stopped:
                return None
            # In a session of its own, so that Ctrl-C reaches it once, by stop().
            process = subprocess.Popen(
                command,
                cwd=game.variant.folder,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._running.add(process)
        try:
            out, err = process.communicate(timeout=WORST_RUN)
        except subprocess.TimeoutExpired:
            process.kill()  # what it had started ends with it
            process.communicate()
            return Outcome("error", {"hangs": f"no end after {WORST_RUN:g} s"}, folder)
        finally:
            with self._lock:
                self._running.discard(process)
        return None if self._stopped else _outcome(out, err, process.returncode, folder)

    def stop(self) -> None:
        """Play no more, and interrupt what is being played."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.send_signal(signal.SIGINT)


def main() -> int:
    """Build, play, count, print; 1 when a run failed, 130 when interrupted, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=4)
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
        table = _play(chosen, keep, options.at_once, options.hogs)
    table.show()
    if not any(keep.iterdir()):
        keep.rmdir()
    if table.total("fail", "error"):
        return 1
    return 0 if table.total() == len(chosen) else 130  # interrupted


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
        for variant in variants:
            for role in ROLES:
                if role in variant.commands and scenario.tests in (role, "both"):
                    yield Game(variant, role, scenario.name)


def _play(games: list[Game], keep: Path, at_once: int, hogs: int) -> Table:
    """Play them all beside the hogs, or until Ctrl-C; nothing runs any more afterwards."""
    table, player = Table(len(games)), Player(keep)
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
    pool = concurrent.futures.ThreadPoolExecutor(at_once)
    try:
        futures = {pool.submit(player.play, game, number): game for number, game in enumerate(games)}
        for future in concurrent.futures.as_completed(futures):
            outcome = future.result()
            if outcome is not None:
                table.add(futures[future], outcome)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        player.stop()
        pool.shutdown(cancel_futures=True)
        for hog in burning:
            hog.kill()
            hog.wait()
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return table


def _outcome(out: str, err: str, status: int, folder: Path) -> Outcome:
    """What the command's JSON says; the run folder stays only for what did not pass."""
    try:
        (judgement,) = json.loads(out)
    except ValueError:
        return Outcome("error", {"status": f"{status}: {err.strip() or out.strip()}"}, folder)
    found: dict[str, str] = {}
    for check in judgement["checks"]:
        for finding in check["findings"]:
            cause = f" — {finding['cause']['code']} {finding['cause']['rationale']['en']}" if "cause" in finding else ""
            found.setdefault(finding["code"], finding["rationale"]["en"] + cause)
    if judgement["verdict"] != "pass":
        return Outcome(judgement["verdict"], found, folder)
    shutil.rmtree(folder)
    return Outcome("pass")


def _clock(seconds: float) -> str:
    """``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


if __name__ == "__main__":
    sys.exit(main())
