"""A build does what its author meant, and nothing that it does instead harms anybody: bounded, alone, gone at its end."""

from __future__ import annotations

import os
import shutil
import stat
import time
import uuid
from pathlib import Path

import pytest

from wirelab.base.errors import UsageError
from wirelab.stage.build import MOST_OUTPUT, Built, build
from wirelab.stage.sandbox import MIB, Limits, Sandbox, sandbox

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
LIMITS = Limits(memory=256 * MIB, processes=64, disk=4 * MIB)
BOUND = 60.0  # seconds; nothing here takes one on an idle machine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "submission"
    folder.mkdir()
    return folder


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return sandbox([str(tmp_path)], LIMITS)


def refused(command: str, folder: Path, box: Sandbox, seconds: float = BOUND) -> UsageError:
    with pytest.raises(UsageError) as caught:
        build(command, folder, seconds, sandbox=box)
    return caught.value


def gone(mark: str) -> bool:
    """Whether nothing is left, within a bound, that has this in its command line."""
    last = time.monotonic() + BOUND
    while any(mark in _command_line(name) for name in os.listdir("/proc") if name.isdigit()):
        if time.monotonic() > last:
            return False
        time.sleep(0.01)
    return True


def _command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def test_without_a_sandbox(folder: Path):
    assert Built("echo one; echo two >made", "one") == build("echo one; echo two >made", folder)
    assert "two\n" == (folder / "made").read_text()
    with pytest.raises(UsageError) as caught:
        build("echo no >&2; exit 3", folder)
    assert ("build.failed", 3, "no") == (caught.value.key, caught.value.values["status"], caught.value.values["output"])


def test_one_that_closes_its_output_has_no_longer(folder: Path):
    mark = uuid.uuid4().hex
    with pytest.raises(UsageError) as caught:
        build(f"exec >&- 2>&-; : {mark}; sleep 600", folder, 0.3)
    assert "build.slow" == caught.value.key
    assert gone(mark)


@needs_bubblewrap
class TestSandboxed:
    def test_what_it_makes_is_kept_and_what_it_removes_is_gone(self, folder: Path, box: Sandbox):
        (folder / "main.c").write_text("source")
        (folder / "old").mkdir()
        (folder / "old" / "file").write_text("old")
        made = build(
            "rm -r old; cp main.c client; chmod 755 client; mkdir d; ln -s ../main.c d/l; pwd", folder, sandbox=box
        )
        assert "/home/student" == made.output
        assert ["client", "d", "d/l", "main.c"] == sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        assert os.access(folder / "client", os.X_OK)
        assert "../main.c" == os.readlink(folder / "d" / "l")

    def test_a_failure_is_told_with_its_status_and_words(self, folder: Path, box: Sandbox):
        error = refused("echo no >&2; exit 3", folder, box)
        assert ("build.failed", 3, "no") == (error.key, error.values["status"], error.values["output"])

    def test_one_that_takes_for_ever_is_stopped(self, folder: Path, box: Sandbox):
        mark = uuid.uuid4().hex
        error = refused(f"trap '' TERM INT HUP; echo begun; while :; do : {mark}; done", folder, box, seconds=0.5)
        assert ("build.slow", "begun") == (error.key, error.values["output"])
        assert gone(mark)

    @pytest.mark.parametrize("closing", ["", ">/dev/null 2>&1 <&-"])
    def test_what_it_leaves_running_ends_with_it(self, folder: Path, box: Sandbox, closing: str):
        mark = uuid.uuid4().hex
        daemon = f"(setsid sh -c 'trap \"\" TERM HUP INT; sleep 600; : {mark}' {closing} &); echo ready"
        assert "ready" == build(daemon, folder, sandbox=box).output
        assert gone(mark)

    def test_a_hundred_megabytes_of_output_are_cut(self, folder: Path, box: Sandbox):
        assert MOST_OUTPUT - 1 == len(build("yes | head -c 100000000", folder, sandbox=box).output)

    def test_endless_output_is_stopped(self, folder: Path, box: Sandbox):
        assert "build.slow" == refused("yes", folder, box, seconds=0.5).key

    @pytest.mark.parametrize(
        "filling",
        {
            "one file": "head -c 100000000 /dev/zero >big",
            "files without a name": "for n in 1 2 3 4 5 6; do exec 7>big$n; rm big$n; head -c 1000000 /dev/zero >&7 || exit;"
            " eval exec 1$n'>&7'; done",
            "many blocks": "for n in 1 2 3 4 5 6 7 8 9; do head -c 1000000 /dev/zero >f$n || exit 1; done",
        }.items(),
        ids=lambda item: item[0],
    )
    def test_no_disk_is_filled(self, folder: Path, box: Sandbox, filling: tuple[str, str]):
        before = os.statvfs(folder)
        error = refused(f"({filling[1]}) 2>&1; df -k . | tail -1 >&2; exit 9", folder, box)
        assert "build.failed" == error.key
        assert size(folder) <= LIMITS.disk
        assert before.f_blocks == os.statvfs(folder).f_blocks

    def test_many_files_are_refused(self, folder: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("wirelab.stage.sandbox.MOST_FILES", 100)
        (folder / "mine").write_text("mine")
        assert "build.large" == refused("for n in $(seq 200); do : >f$n; done", folder, box).key
        assert ["mine"] == os.listdir(folder)

    def test_a_submission_that_has_no_room_is_refused(self, folder: Path, box: Sandbox):
        (folder / "big").write_bytes(bytes(LIMITS.disk + 1))
        assert "build.large" == refused("true", folder, box).key

    @pytest.mark.parametrize(
        "taking",
        {
            "processes": "for n in $(seq 60); do sleep 600 & done; sleep 600",
            "memory": "for n in 1 2 3 4 5; do head -c 100m /dev/zero | tail & done; sleep 600",
        }.items(),
        ids=lambda item: item[0],
    )
    def test_one_that_takes_too_much_is_stopped(self, folder: Path, box: Sandbox, taking: tuple[str, str]):
        mark = uuid.uuid4().hex
        assert "build.greedy" == refused(f": {mark}; {taking[1]}", folder, box).key
        assert gone(mark)

    def test_it_sees_neither_siblings_nor_secrets_nor_a_network(self, folder: Path, box: Sandbox, tmp_path: Path):
        (tmp_path / "sibling").write_text("secret")
        look = f"cat {tmp_path}/sibling /etc/shadow /proc/1/environ; ls /run {tmp_path}; env; cat /proc/net/dev"
        said = build(f"({look}) 2>&1; (: >{tmp_path}/sibling) 2>&1; true", folder, sandbox=box).output
        assert "secret" not in said
        assert "PYTEST_CURRENT_TEST" not in said
        assert "root:" not in said
        assert ["lo"] == [
            line.split(":")[0].strip() for line in said.splitlines() if line.lstrip().startswith(("lo", "e", "w"))
        ]
        assert "secret" == (tmp_path / "sibling").read_text()

    def test_it_leaves_no_program_that_runs_as_another_user(self, folder: Path, box: Sandbox):
        build("cp /bin/true own; chmod 6755 own", folder, sandbox=box)
        assert 0 == (folder / "own").stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
