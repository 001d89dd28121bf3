"""What grading a class costs: CPU against the same programs run bare, throughput, memory; and whether kills cost marks.

    python bench/grade_cost.py [--count 40] [--part N] [--right] [--memory] [--kills N] [--overloaded]

Makes a class of variants, mutants and a few attackers by turns, and a lab of scenarios whose actors are all programs.
Then

- runs every program that grading would run, bare: the same lines typed at the same moments, on a terminal (else what
  they print would come late), without network, capture, sandbox or judge. CPU is what the kernel says of the programs
  alone, whoever types is not counted; programs are built before, and that is counted by itself;
- grades the class in a control group (cpuacct, or cgroup 2), whose CPU the kernel sums whatever bubblewrap hides; where
  there is none, it is what the whole machine was busy less what it is when idle, and says so. Both sides build; the
  ratio of the runs alone takes from both what building cost when it was done bare. ``--part N``: by turns, N submissions
  bare, then graded, as processors are not as fast all the time; throughput then counts the beginning and the end of a
  class several times.

``--memory`` grades 20, 200 and 2000 submissions and prints the peak memory of the grading process itself. ``--kills N`` kills
grading at N random moments, each time resuming it, and compares the gradebook with that of an undisturbed run: 1 when
they differ. ``--overloaded`` grades a class of correct programs beside four programs for each processor that do nothing but
use it: 1 when a single run of them failed. Every number comes from this machine, now.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pty
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

from wirelab.base.errors import UsageError
from wirelab.compose import library
from wirelab.compose.programs import castings
from wirelab.compose.submissions import find_programs
from wirelab.declare import steps
from wirelab.declare.scenario import Scenario, ScriptStep
from wirelab.stage.namespace import base_environment
from wirelab.stage.processes import cpus

ROOT = Path(__file__).resolve().parents[1]
COST, THROUGHPUT, GROWTH = 1.35, 0.70, 1.25
AT_ONCE = 8  # bare runs
HOGS = 4  # programs for each processor that do nothing but use it
KEYS = {"ctrl-d": b"\x04", "enter": b"\n"}
FIRST_PORT = 21000
SCENARIOS = (
    *("messaging/one-line", "messaging/burst", "messaging/unsent-at-quit", "messaging/server-absent"),
    *("heartbeat/answers-while-typing", "broadcast/while-typing", "teardown/ctrl-c", "broadcast/one-to-many"),
)
QUICK = ("messaging/server-absent", "messaging/one-line")  # whose outcome is the same every time
ATTACKS = {
    "ignores-signals": "import signal, time\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n"
    "    except (OSError, ValueError): pass\nprint('Connected to', flush=True)\ntime.sleep(60)\n",
    "leaves-a-daemon": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(20)\n"
    "print('Connected to', flush=True)\n",
    "reads-everything": "import os\nfound = 0\nfor root, _, names in os.walk('/home'):\n    found += len(names)\n"
    "    if found > 2000: break\nprint('Connected to', found, flush=True)\n",
    "prints-a-lot": "print('Connected to', flush=True)\nfor _ in range(20000): print('x' * 99)\n",
}


def main() -> int:
    """Measure and print; 1 only when marks were lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=40, help="submissions")
    parser.add_argument(
        "--part", type=int, help="submissions that are run bare, and then graded, before the next ones are"
    )
    parser.add_argument("--right", action="store_true", help="only correct programs")
    parser.add_argument("--memory", action="store_true", help="peak memory with 20, 200 and 2000 of them instead")
    parser.add_argument("--kills", type=int, default=0, help="kill grading so often instead")
    parser.add_argument(
        "--overloaded", action="store_true", help="grade correct programs on an overloaded machine instead"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if options.kills:
            return _kills(folder, options.kills)
        if options.overloaded:
            return _overloaded(folder, options.count)
        if options.memory:
            _memory(folder, (20, 200, 2000))
        else:
            _cost(folder, options.count, options.part or options.count, right=options.right)
    return 0


# --- the class -------------------------------------------------------------------------------------------------------


def make_lab(folder: Path, names: tuple[str, ...]) -> Path:
    """A lab of these scenarios, each worth the same."""
    items = [f"  - {{points: 10, title: {{en: {n}, zh: {n}}}, of: [{{scenario: {n}}}]}}" for n in names]
    head = 'lab: bench\ntitle: {en: A, zh: A}\nhours: 1\nhands_in: [client, server]\nobjectives: [{en: "a", zh: "a"}]\n'
    lab = folder / "bench"
    lab.mkdir()
    text = head + f"shown: [{', '.join(names)}]\nrubric:\n" + "\n".join(items) + "\n"
    (lab / "lab.yaml").write_text(text, encoding="utf-8")
    return lab


def make_class(to: Path, number: int, *, right: bool = False) -> list[Path]:
    """So many submissions: half of them correct, two in twenty attackers, the rest mutants."""
    variants = cycle(path.parent for path in sorted(ROOT.glob("tests/variants/*/wirelab.toml")))
    mutants = cycle(path.parent for path in sorted(ROOT.glob("tests/mutants/*/wirelab.toml"))[::3])
    attacks = cycle(ATTACKS.values())
    made = []
    for at in range(number):
        if at % 10 == 9 and not right:
            source = next(attacks)
            made.append(to / f"s{at:04d}")
            made[-1].mkdir(parents=True)
            (made[-1] / "client.py").write_text(source, encoding="utf-8")
        else:
            one = next(mutants if at % 2 and not right else variants)
            made.append(to / f"s{at:04d}")
            shutil.copytree(one, made[-1], ignore=shutil.ignore_patterns("mutant.toml", "*.yaml"))
    return made


# --- bare ------------------------------------------------------------------------------------------------------------


@dataclass
class Actor:
    """One program on a terminal."""

    process: subprocess.Popen[bytes]
    terminal: int
    shown: str = ""
    heard: bool = False  # whether nothing more can come
    found: dict[str, int] = field(default_factory=dict)  # how far each text was looked for already

    def listen(self, seconds: float) -> None:
        """Take in what it prints, for at most so long."""
        if self.heard:
            time.sleep(seconds)
        elif select.select([self.terminal], [], [], seconds)[0]:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:  # nobody has the terminal open any more
                data = b""
            self.heard = not data
            self.shown += data.decode(errors="replace")

    def shows(self, text: str, within: float) -> bool:
        last = time.monotonic() + within
        while (at := self.shown.find(text, self.found.get(text, 0))) < 0:
            if self.heard or time.monotonic() > last:
                return False
            self.listen(0.05)
        self.found[text] = at + len(text)
        return True

    def exits(self, within: float) -> None:
        last = time.monotonic() + within
        while self.process.poll() is None and time.monotonic() < last:
            self.listen(0.01)


class Bare:
    """Plays a script with programs that share nothing but the machine."""

    _ports = count(FIRST_PORT)
    _lock = threading.Lock()

    def __init__(self, scenario: Scenario, commands: dict[str, str], folder: Path) -> None:
        self.scenario, self.casting = scenario, castings(scenario, commands, folder)
        self.actors: dict[str, Actor] = {}
        with self._lock:
            self.port = str(next(self._ports))

    def play(self) -> None:
        try:
            for step in self.scenario.script:
                if not self._step(step):
                    break
        finally:
            for actor in self.actors.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(actor.process.pid, signal.SIGKILL)
                actor.process.wait()
                os.close(actor.terminal)

    def _step(self, step: ScriptStep) -> bool:
        action, actor = step.action, self.actors.get(step.actor or "")
        if isinstance(action, steps.Start):
            started = self._start(action.start)
            return action.until is None or started.shows(action.until, action.within)
        if isinstance(action, steps.Wait):
            time.sleep(action.wait)
        elif actor is not None:
            self._by(actor, action)
        return True

    def _by(self, actor: Actor, action: steps.Step) -> None:
        with contextlib.suppress(OSError):  # it may be gone
            if isinstance(action, steps.Type):
                os.write(actor.terminal, (action.text + ("\n" if action.enter else "")).encode())
            elif isinstance(action, steps.Press) and action.key == "ctrl-c":
                os.killpg(actor.process.pid, signal.SIGINT)
            elif isinstance(action, steps.Press):
                os.write(actor.terminal, KEYS[action.key])
        if isinstance(action, steps.Shows) and action.text:
            actor.shows(action.text, action.within)
        elif isinstance(action, steps.NeverShows):
            time.sleep(action.within)
        elif isinstance(action, steps.Exits):
            actor.exits(action.within)

    def _start(self, name: str) -> Actor:
        cast = self.casting[name]
        ours, theirs = pty.openpty()
        environment = base_environment() | self.scenario.env
        process = subprocess.Popen(
            [*cast.command[:-1], self.port],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cast.folder,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self.actors[name] = Actor(process, ours)
        return self.actors[name]


def _children() -> float:
    """CPU seconds of all children that were waited for, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def bare(made: list[Path], names: tuple[str, ...], to: Path) -> tuple[float, float, int]:
    """CPU seconds of building, and of all runs, and how many runs."""
    scenarios = [library.load(library.find([name])[0]) for name in names]
    before, plays = _children(), []
    for one in made:
        folder = to / one.name
        shutil.copytree(one, folder)
        commands: dict[str, str] = {}
        for role in ("client", "server"):
            with contextlib.suppress(UsageError):
                found = find_programs(folder, (role,))
                commands |= found.commands
                for command in found.build:
                    subprocess.run(command, shell=True, cwd=folder, check=True, stderr=subprocess.DEVNULL)
        plays += [Bare(scenario, commands, folder) for scenario in scenarios if scenario.tests in commands]
    built = _children()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(one.play) for one in plays]:
            future.result()
    return built - before, _children() - built, len(plays)


# --- graded ----------------------------------------------------------------------------------------------------------


class Meter:
    """Counts the CPU seconds of all that is started under it."""

    def __init__(self) -> None:
        self.group = next((path for path in self._places() if self._made(path)), None)
        self._idle = 0.0 if self.group else self._busy_share()

    @staticmethod
    def _places() -> Iterator[Path]:
        for root in (Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
            yield root / f"wirelab-bench-{os.getpid()}"

    @staticmethod
    def _made(path: Path) -> bool:
        try:
            path.mkdir()
        except OSError:
            return False
        if (path / "cpuacct.usage").exists() or (path / "cpu.stat").exists():
            return True
        path.rmdir()
        return False

    @property
    def how(self) -> str:
        return "its control group" if self.group else "/proc/stat, less the machine's busy time when idle"

    def wrap(self, argv: list[str]) -> list[str]:
        join = f"echo $$ > {self.group}/cgroup.procs || exit 98; " if self.group else ""
        return ["sh", "-c", f'{join}exec "$@"', "sh", *argv]

    def read(self) -> float:
        if self.group is None:
            return self._machine() - self._idle * time.monotonic()
        if (self.group / "cpuacct.usage").exists():
            return int((self.group / "cpuacct.usage").read_text()) / 1e9
        return int((self.group / "cpu.stat").read_text().split()[1]) / 1e6

    def close(self) -> None:
        if self.group is not None:
            for _ in range(100):
                with contextlib.suppress(OSError):
                    self.group.rmdir()
                    return
                time.sleep(0.05)

    def _machine(self) -> float:
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")

    def _busy_share(self) -> float:
        before, began = self._machine(), time.monotonic()
        time.sleep(5)
        return (self._machine() - before) / (time.monotonic() - began)


@dataclass(frozen=True)
class Graded:
    """What grading took: seconds of the clock and of CPU, and the peak memory of its own process, in MB."""

    wall: float
    cpu: float
    memory: float


def grading(lab: Path, handed_in: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "wirelab", "grade", str(lab), str(handed_in), "-o", str(out)]


def grade(meter: Meter, lab: Path, handed_in: Path, out: Path) -> Graded:
    before, began, peak = meter.read(), time.monotonic(), 0.0
    with subprocess.Popen(meter.wrap(grading(lab, handed_in, out)), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with contextlib.suppress(OSError, StopIteration):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                peak = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
            time.sleep(0.2)
    if process.returncode not in (0, 2):
        raise SystemExit(f"grading ended with status {process.returncode}")
    return Graded(time.monotonic() - began, meter.read() - before, peak)


def _cost(folder: Path, number: int, size: int, *, right: bool) -> None:
    lab, meter = make_lab(folder, SCENARIOS), Meter()
    made = make_class(folder / "class", number, right=right)
    built = alone = 0.0
    runs, found = 0, Graded(0.0, 0.0, 0.0)
    try:
        for at in range(0, number, size):
            part = folder / f"part{at}"
            part.mkdir()
            for one in made[at : at + size]:
                one.rename(part / one.name)
            building, running, count = bare(sorted(part.iterdir()), SCENARIOS, folder / f"bare{at}")
            graded = grade(meter, lab, part, folder / f"out{at}")
            built, alone, runs = built + building, alone + running, runs + count
            memory = max(found.memory, graded.memory)
            found = Graded(found.wall + graded.wall, found.cpu + graded.cpu, memory)
    finally:
        meter.close()
    whole, cost = found.cpu / (alone + built), (found.cpu - built) / alone
    through = (alone + built) / cpus() / found.wall
    tries = sum(json.loads(path.read_text())["tries"] for path in folder.glob("out*/students/*/runs/*/*.done"))
    print(f"{number} submissions, {runs} runs, played {tries} times; CPU of grading from {meter.how}")
    print(
        f"CPU of the programs, bare         {alone + built:8.1f} s   (building {built:.1f} s, {alone / runs * 1e3:.0f} ms a run)"
    )
    print(
        f"CPU of grading                    {found.cpu:8.1f} s   ({(found.cpu - built) / runs * 1e3:.0f} ms a run, less building)"
    )
    print(f"ratio                             {whole:8.2f}     (limit {COST}; {cost:.2f} of the runs alone)")
    print(f"time of grading                   {found.wall:8.1f} s   ({runs / found.wall:.1f} runs a second)")
    print(f"CPUs busy                         {found.cpu / cpus() / found.wall:8.0%}")
    print(f"throughput of the bare programs   {through:8.0%}     (limit {THROUGHPUT:.0%})")
    print(f"peak memory of the grading process{found.memory:8.0f} MB")


def _memory(folder: Path, numbers: tuple[int, ...]) -> None:
    """A small class is graded; larger ones are the same submissions again, whose runs are kept already: what grading
    holds of each is the same, and only the playing is left out."""
    lab, meter, first = make_lab(folder, SCENARIOS), Meter(), numbers[0]
    peaks: dict[int, float] = {}
    try:
        for number in numbers:
            to, out = folder / f"class{number}", folder / f"out{number}"
            if number == first:
                make_class(to, first)
            for at in range(0 if number == first else number):
                shutil.copytree(folder / f"class{first}" / f"s{at % first:04d}", to / f"s{at:04d}")
                kept = folder / f"out{first}" / "students" / f"s{at % first:04d}" / "runs"
                if kept.exists():
                    (out / "students" / f"s{at:04d}").mkdir(parents=True)
                    (out / "students" / f"s{at:04d}" / "runs").symlink_to(kept)
            peaks[number] = grade(meter, lab, to, out).memory
            print(f"peak memory of the grading process, {number:4} submissions: {peaks[number]:.0f} MB", flush=True)
    finally:
        meter.close()
    print(f"growth {peaks[numbers[-1]] / peaks[first]:.2f}   (limit {GROWTH})")


# --- overloaded ------------------------------------------------------------------------------------------------------


def _overloaded(folder: Path, number: int) -> int:
    lab, out, hogs = make_lab(folder, SCENARIOS), folder / "out", HOGS * cpus()
    make_class(folder / "class", number, right=True)
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
    began = time.monotonic()
    try:
        with subprocess.Popen(grading(lab, folder / "class", out), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("["):
                    print(line.rstrip(), end="\r", flush=True)
    finally:
        for hog in burning:
            hog.kill()
            hog.wait()
    verdicts: Counter[str] = Counter()
    for path in sorted(out.glob("students/*/runs/**/run.json")):
        judgement = json.loads(path.read_text())["judgement"]
        verdicts[judgement["verdict"]] += 1
        if judgement["verdict"] != "pass":
            found = [finding for check in judgement["checks"] for finding in check["findings"]]
            print(
                f"{judgement['verdict']}: {path.parent.relative_to(out)}: {[one['rationale']['en'] for one in found]}"
            )
    tries = sum(json.loads(path.read_text())["tries"] for path in out.glob("students/*/runs/**/*.done"))
    print(
        f"{number} submissions, {verdicts.total()} runs, played {tries} times, beside {hogs} hogs in "
        f"{time.monotonic() - began:.0f} s: {verdicts['pass']} pass, {verdicts['fail']} fail, "
        f"{verdicts['inconclusive']} inconclusive"
    )
    return 1 if verdicts["fail"] or process.returncode not in (0, 2) else 0


# --- killed ----------------------------------------------------------------------------------------------------------


def _kills(folder: Path, number: int) -> int:
    lab = make_lab(folder, QUICK)
    for at in range(16):
        name = ("locked-threads", "queued-threads")[at % 2] if at % 4 else "../mutants/crash-at-start"
        shutil.copytree(ROOT / "tests" / "variants" / name, folder / "class" / f"{at:02d}")
    argv = grading(lab, folder / "class", folder / "undisturbed")
    began = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    took = time.monotonic() - began
    wanted = (folder / "undisturbed" / "gradebook.csv").read_bytes()
    seed = random.randrange(10**6)
    print(f"seed {seed}; undisturbed it takes {took:.1f} s", flush=True)
    moments, lost, kills = random.Random(seed), 0, 0
    while kills < number:
        out = folder / f"out{kills}"
        argv = grading(lab, folder / "class", out)
        for _ in range(5):  # times in a row, the sixth time it may end
            process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0.1, 0.5 * took))
                break
            process.kill()
            process.wait()
            kills += 1
        last = subprocess.run(argv, check=False, capture_output=True, text=True)
        same = last.returncode == 0 and wanted == (out / "gradebook.csv").read_bytes()
        lost += not same
        print(
            f"{kills} kills: {'the same gradebook' if same else f'DIFFERENT {last.returncode} {last.stderr}'}",
            flush=True,
        )
        shutil.rmtree(out)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
