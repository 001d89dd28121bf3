"""``wirelab grade --dask``: the same marks from a cluster, with a real scheduler and two workers on loopback, whoever dies.

Workers run in a folder of their own and are told nothing of where the class lies: all that they need has to travel.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wirelab
from tests.edge.command import PATIENCE, Command, first_line, until
from tests.edge.test_grade import ALL_RIGHT, MARKS, ROOT, Classes, hand_in, make_class, program


class Cluster(Command):
    """A scheduler and two workers, each a process of its own; ports are the kernel's choice."""

    def __init__(self, folder: Path, losses: int = 3) -> None:
        """``losses``: as many workers may be lost over one task, as Dask has it."""
        super().__init__(folder)
        self.env["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = str(losses)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        file = folder / "scheduler.json"
        self._begin("scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", file)
        assert until(lambda: file.exists() and file.read_bytes().endswith(b"}"), PATIENCE), self.said("scheduler")
        self.address = json.loads(file.read_bytes())["address"]
        for name in ("one", "two"):
            words = ("--nthreads", "1", "--no-nanny", "--local-directory", folder / name, "--name", name)
            self._begin(name, self.address, *words)
        for name in ("one", "two"):
            assert until(lambda name=name: "Registered to" in self.said(name), PATIENCE), self.said(name)  # type: ignore[misc]

    def _begin(self, name: str, *words: object) -> None:
        role = "scheduler" if name == "scheduler" else "worker"
        env = self.env if role == "worker" else self.env | {"PYTHONPATH": ""}  # a scheduler needs no wirelab
        argv = [sys.executable, "-m", "dask", role, "--host", "127.0.0.1", "--no-dashboard", *map(str, words)]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                argv, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def playing(self, name: str = "") -> list[int]:
        """The processes that play submissions, on both workers or on one."""
        found = [int(line.split()[0]) for line in self.left() if "cluster_task" in line]
        return [pid for pid in found if not name or self._parent(pid) == self.processes[name].pid]

    @staticmethod
    def _parent(pid: int) -> int:
        try:
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return 0

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.gone(PATIENCE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all tests that leave it as it was."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.end()


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One to be harmed."""
    found = Cluster(tmp_path_factory.mktemp("mortal"))
    yield found
    found.end()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Classes]:
    """A class that nobody has graded, of four who handed in both programs."""
    make_class(tmp_path)
    shutil.rmtree(tmp_path / "class")
    for name in ("1001", "second", "third", "fourth"):
        hand_in(tmp_path / "class" / name, {"client.py": program("client"), "server.py": program("server")})
    command = Classes(tmp_path)
    yield command
    command.gone()


def hand_in_a_slow_one(fresh: Classes) -> Path:
    """The first submission of all, which a worker builds for longer than any test waits."""
    folder = fresh.folder / "class" / "0-slow"
    hand_in(folder, {"Makefile": "all:\n\tsleep 110\n"})
    return folder


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_the_whole_class_gets_what_it_gets_on_this_machine(cluster: Cluster, tmp_path: Path):
    """The same bytes of gradebook, the same files; and this machine goes on from them with nothing to play."""
    command = Classes(tmp_path)
    make_class(command.folder)
    boxed = [word for word in command.words if word != "--no-sandbox"]
    there = command(*boxed, "--dask", cluster.address)
    assert (0, "") == (there.status, there.err)
    assert f"2 submissions at once at {cluster.address}\n" in there.out
    assert MARKS == command.marks()
    assert command.played()
    assert not (command.folder / "out" / "work").exists()
    assert [] == cluster.playing()
    assert [] == list(cluster.folder.rglob("wirelab-*")), "no file of a submission stays on a worker"

    before, book = command.played(), (command.folder / "out" / "gradebook.csv").read_bytes()
    here = command(*boxed)
    assert (0, "") == (here.status, here.err)
    assert before == command.played()
    assert book == (command.folder / "out" / "gradebook.csv").read_bytes()

    local = command(*[word if word != "out" else "local" for word in boxed])
    assert (0, "") == (local.status, local.err)
    assert book == (command.folder / "local" / "gradebook.csv").read_bytes()
    names = [
        {str(path.relative_to(root)) for path in root.rglob("*")}
        for root in (command.folder / "out", command.folder / "local")
    ]
    assert names[0] == names[1]


def test_only_what_is_missing_travels(cluster: Cluster, fresh: Classes):
    """After a change of one scenario that one is played there, and the rest is as it was."""
    assert 0 == fresh.grade("--dask", cluster.address).status
    before = fresh.played()
    file = fresh.folder / "tiny" / "scenarios" / "tiny" / "hears.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("hello", "good day"), encoding="utf-8")
    done = fresh.grade("--dask", cluster.address)
    assert (0, "") == (done.status, done.err)
    after = fresh.played()
    assert {name for name in before if name.endswith("hears")} == {
        name for name in after if after[name] != before[name]
    }
    assert ALL_RIGHT == fresh.marks()


def test_submissions_travel(cluster: Cluster, fresh: Classes):
    """When the first grade is there all four are on their way: nobody reads the class any more."""
    process = fresh.begin(*fresh.words, "--dask", cluster.address)
    assert first_line(process, [f"/6] {name}: 100".encode() for name in ("Ada Lovelace", "second", "third", "fourth")])
    shutil.rmtree(fresh.folder / "class")
    shutil.rmtree(fresh.folder / "tiny")
    _, errors = process.communicate(timeout=PATIENCE)
    assert (0, b"") == (process.returncode, errors)
    assert ALL_RIGHT == fresh.marks()


def test_a_worker_that_is_killed_loses_nothing(mortal: Cluster, fresh: Classes):
    process = fresh.begin(*fresh.words, "--dask", mortal.address)
    assert until(lambda: bool(mortal.playing("one")), PATIENCE)
    played = mortal.playing("one")
    mortal.processes["one"].kill()
    _, errors = process.communicate(timeout=PATIENCE)
    assert (0, b"") == (process.returncode, errors)
    assert ALL_RIGHT == fresh.marks()
    assert until(lambda: not set(played) & set(mortal.playing()))


def test_what_too_many_workers_are_lost_over_is_undecided_until_next_time(
    tmp_path_factory: pytest.TempPathFactory, fresh: Classes
):
    cluster = Cluster(tmp_path_factory.mktemp("strict"), losses=0)
    try:
        process = fresh.begin(*fresh.words, "--dask", cluster.address)
        assert until(lambda: bool(cluster.playing("one")), PATIENCE)
        cluster.processes["one"].kill()
        output, errors = process.communicate(timeout=PATIENCE)
        assert (2, b"") == (process.returncode, errors)
        undecided = output.count(b"2 scenarios could not be played on this machine: workers lost one after the other")
        assert undecided in (1, 2), "what it played, and what Dask had given it to play next"
        assert undecided == list(fresh.marks().values()).count("")
        assert 0 == fresh.grade("--dask", cluster.address).status
        assert ALL_RIGHT == fresh.marks()
    finally:
        cluster.end()


def test_a_scheduler_that_is_killed_breaks_off_and_what_was_finished_stays(mortal: Cluster, fresh: Classes):
    slow = hand_in_a_slow_one(fresh)
    process = fresh.begin(*fresh.words, "--dask", mortal.address)
    assert first_line(process, [b"/7] second: 100", b"/7] third: 100", b"/7] fourth: 100", b"/7] Ada Lovelace: 100"])
    mortal.processes["scheduler"].kill()
    _, errors = process.communicate(timeout=PATIENCE)
    assert 69 == process.returncode
    assert b"broken off; what was finished is kept in out" in errors
    assert f"wirelab: the Dask scheduler at {mortal.address} is gone".encode() in errors
    assert b"Traceback" not in errors
    assert until(lambda: not mortal.playing(), PATIENCE)
    kept = fresh.played()
    assert kept
    shutil.rmtree(slow)
    done = fresh.grade()
    assert (0, "") == (done.status, done.err)
    assert ALL_RIGHT == fresh.marks()
    assert kept == {key: moment for key, moment in fresh.played().items() if key in kept}


def test_killed_itself_it_goes_on_and_leaves_nobody_at_work(cluster: Cluster, fresh: Classes):
    slow = hand_in_a_slow_one(fresh)
    process = fresh.begin(*fresh.words, "--dask", cluster.address)
    assert until(lambda: bool(fresh.played()) or process.poll() is not None, PATIENCE)
    assert cluster.playing()
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert until(lambda: not cluster.playing(), PATIENCE), "workers end what nobody waits for"
    kept = fresh.played()
    shutil.rmtree(slow)
    done = fresh.grade("--dask", cluster.address)
    assert (0, "") == (done.status, done.err)
    assert ALL_RIGHT == fresh.marks()
    assert kept == {key: moment for key, moment in fresh.played().items() if key in kept}


def test_interrupted_it_waits_until_the_workers_have_ended_all(cluster: Cluster, fresh: Classes):
    slow = hand_in_a_slow_one(fresh)
    process = fresh.begin(*fresh.words, "--dask", cluster.address)
    assert until(lambda: any("sleep 110" in line for line in cluster.left()), PATIENCE)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert [] == [line for line in cluster.left() if "cluster_task" in line or "sleep" in line]
    assert 130 == process.returncode
    assert b"stopped; what was finished is in out, and the same command goes on from there" in errors
    assert b"Traceback" not in errors
    assert not (fresh.folder / "out" / "work").exists()
    shutil.rmtree(slow)
    assert 0 == fresh.grade("--dask", cluster.address).status
    assert ALL_RIGHT == fresh.marks()


def test_another_version_on_a_worker_is_told(cluster: Cluster, fresh: Classes):
    """Here it is the machine that grades which has the newer one."""
    kit = fresh.folder / "kit"
    shutil.copytree(Path(wirelab.__file__).parent, kit / "harness" / "wirelab", ignore=shutil.ignore_patterns("*.pyc"))
    for part in ("labs", "reference", "scenarios"):
        (kit / part).symlink_to(ROOT / part)
    (kit / "harness" / "wirelab" / "__init__.py").write_text('"""Newer."""\n\n__version__ = "99.0"\n', encoding="utf-8")
    done = fresh.grade("--dask", cluster.address, env={"PYTHONPATH": str(kit / "harness")})
    assert 69 == done.status
    assert f"has wirelab {wirelab.__version__}, this machine has 99.0" in done.err
    assert "tcp://127.0.0.1:" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("language", "said"), [("en", "there is no Dask scheduler to be reached at"), ("zh", "无法连接到")]
)
def test_a_scheduler_that_is_not_there_is_told_with_the_remedy(fresh: Classes, language: str, said: str):
    with socket.socket() as nobody:  # has the port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        done = fresh("--lang", language, *fresh.words, "--dask", address)
    assert 69 == done.status
    assert said in done.err
    assert address in done.err
    assert f"    dask worker {address}\n" in done.err
    assert "Traceback" not in done.err
    assert not (fresh.folder / "out" / "gradebook.csv").exists()
