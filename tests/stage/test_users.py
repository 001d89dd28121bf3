"""Programs as users of their own: what they are given, what is kept from them, and that nothing of them is left. In a
container, whose processes and files are nobody else's."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.stage import container
from wirelab.base.errors import EnvironmentFault, UsageError
from wirelab.stage import linux, loopback, users, witness
from wirelab.stage.build import build
from wirelab.stage.sandbox import Limits
from wirelab.stage.users import BLOCK, Users

BOUND = 20.0  # seconds for anything awaited here


def started(box: Users, script: str, folder: str = "/opt/empty", language: str = "sh") -> subprocess.Popen[str]:
    os.makedirs("/opt/empty", exist_ok=True)
    words = (language, "-c", script)
    told = subprocess.PIPE
    return subprocess.Popen(
        box.command(words, folder, {"SAID": "so"}).argv, env={}, stdin=told, stdout=told, stderr=told, text=True
    )


def said(box: Users, script: str, **options: str) -> list[str]:
    with started(box, script, **options) as process:
        output, errors = process.communicate(timeout=BOUND)
    assert "" == errors
    return output.splitlines()


def what_it_is() -> Any:
    folder = Path("/opt/handed-in")
    (folder / "inside").mkdir(parents=True)
    (folder / "inside/file").write_text("mine")
    (folder / "link").symlink_to("inside/file")
    Path("/root/secret").write_text("secret")
    os.chmod("/root", 0o700)
    box = Users("/bin/sh", limits=Limits(memory=2**28, processes=99, disk=2**20))
    status = said(box, "grep -E '^(Uid|Gid|Groups|Cap|NoNew)' /proc/self/status; umask; cat /proc/self/limits")
    own = said(
        box,
        "echo $PWD $HOME $USER $SAID; cat link; echo; echo more >>inside/file && cat inside/file",
        folder=str(folder),
    )
    first = box.homes[-1].folder
    secrets = f"for f in /root/secret {first}/link /run/wirelab-loopback; do cat $f 2>/dev/null && echo $f; done; true"
    found = {"status": status, "own": own, "read": said(box, secrets), "kept": (folder / "inside/file").read_text()}
    mode = stat.S_IMODE(os.stat(first).st_mode)
    return found | {"homes": [(one.user, one.folder) for one in box.homes], "mode": mode}


def test_it_is_somebody_new_with_a_copy_of_its_files_and_nothing_else(tmp_path: Path) -> None:
    found = container.play(what_it_is, tmp_path)
    first, second, third = BLOCK[:3]
    status = {line.split()[0]: line.split()[1:] for line in found["status"][:9]}
    assert [str(first)] * 4 == status["Uid:"] == status["Gid:"]
    assert [] == status.get("Groups:", [])
    for name in ("CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"):
        assert ["0" * 16] == status[name]
    assert ["1"] == status["NoNewPrivs:"]
    assert "0022" == found["status"][9]
    limits = {line[:25].strip(): line[25:].split()[:2] for line in found["status"][10:]}
    assert [["99", "99"], [str(2**28)] * 2, [str(2**20)] * 2, ["0", "0"]] == [
        limits[f"Max {name}"] for name in ("processes", "data size", "file size", "core file size")
    ]
    home = dict(found["homes"])[second]
    assert [f"{home} {home} student so", "mine", "mine", "more"] == [
        found["own"][0],
        found["own"][1][:4],
        "mine",
        "more",
    ]
    assert "mine" == found["kept"]
    assert [] == found["read"]
    assert 0o700 == found["mode"]
    assert [first, second, third] == [user for user, _ in found["homes"]]


MULTIPLIES = """
import os, signal, sys
for number in range(1, 32):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
if os.fork() == 0:
    os.setsid()
    while True:
        try:
            if os.fork() == 0: os.setsid()
        except OSError: pass
print("up", flush=True)
signal.pause()
"""
KILLS = "(while :; do kill -9 -1 2>/dev/null; done) & (while :; do kill -9 -1; done) & while :; do kill -9 -1; done"
HIDES = "import ctypes, signal; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); print('up', flush=True); signal.pause()"


def what_is_ended() -> Any:
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    box = Users("/bin/sh", limits=Limits(processes=60))
    multiplies = started(box, MULTIPLIES, language="python3")
    hides = started(box, HIDES, language="python3")
    up = [process.stdout.readline().strip() for process in (multiplies, hides) if process.stdout]
    kills = started(box, KILLS)
    before = sorted(users.living(BLOCK))
    began = time.monotonic()
    box.end()
    took = time.monotonic() - began
    for process in (multiplies, hides, kills):
        process.communicate()
    return {"up": up, "before": before, "after": sorted(users.living(BLOCK)), "took": took}


def test_whoever_multiplies_hides_or_kills_is_ended(tmp_path: Path) -> None:
    found = container.play(what_is_ended, tmp_path)
    assert ["up", "up"] == found["up"]
    assert {BLOCK[0], BLOCK[1]} <= set(found["before"])
    assert [] == found["after"]
    assert found["took"] < users.END_SECONDS


LEAVES = """
mkdir -p /tmp/a/b/c; echo x >/tmp/a/b/c/d; chmod 0 /tmp/a/b; echo x >/dev/shm/x; ln -s /root /var/tmp/link
echo x >/tmp/shared/mine; python3 -c 'import ctypes; print(ctypes.CDLL(None).shmget(7, 4096, 0o1600) >= 0)'
"""


def what_is_left() -> Any:
    for path in ("/tmp/shared", "/tmp/ours"):
        os.mkdir(path)
        os.chmod(path, 0o777 if path == "/tmp/shared" else 0o755)
    Path("/tmp/ours/file").write_text("ours")
    Path("/root/file").write_text("root's")
    box = Users("/bin/sh")
    made = said(box, LEAVES)
    homes = [one.folder for one in box.homes]
    box.end()
    there = [
        path for path in ("/tmp/a", "/dev/shm/x", "/var/tmp/link", "/tmp/shared/mine", *homes) if os.path.lexists(path)
    ]
    ipc = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    ours = [path for path in ("/tmp/shared", "/tmp/ours/file", "/root/file") if os.path.exists(path)]
    return {"made": made, "there": there, "ipc": ipc, "ours": ours, "modes": [oct(os.stat("/tmp").st_mode & 0o7777)]}


def test_what_it_left_is_removed_and_nobody_elses(tmp_path: Path) -> None:
    found = container.play(what_is_left, tmp_path)
    assert ["True"] == found["made"]
    assert ([], []) == (found["there"], found["ipc"])
    assert ["/tmp/shared", "/tmp/ours/file", "/root/file"] == found["ours"]
    assert ["0o1777"] == found["modes"]


def what_a_killed_run_left() -> Any:
    child = os.fork()
    if child == 0:
        process = started(Users("/bin/sh"), "echo up; echo x >/tmp/x; trap '' HUP; exec sleep 600")
        assert process.stdout is not None
        process.stdout.readline()
        os._exit(0)
    os.waitpid(child, 0)
    before = sorted(users.living(BLOCK)), [name for name in os.listdir("/tmp") if name.startswith(users.PREFIX)]
    with loopback.held():
        users.clear()
    return {"before": [before[0], len(before[1])], "after": [sorted(users.living(BLOCK)), os.listdir("/tmp")]}


def test_what_a_run_left_that_was_killed_is_gone_with_the_next(tmp_path: Path) -> None:
    found = container.play(what_a_killed_run_left, tmp_path)
    assert [[BLOCK[0]], 1] == found["before"]
    assert [[], []] == found["after"]


def builds() -> Any:
    box, folder = Users("/bin/sh", limits=Limits(disk=2**20)), Path("/opt/source")
    folder.mkdir()
    (folder / "hello.c").write_text('#include <stdio.h>\nint main(void) { puts("built"); }\n')
    found: dict[str, Any] = {"said": build("id -u; cc -o hello hello.c", folder, sandbox=box).output}
    found["runs"] = subprocess.run([str(folder / "hello")], capture_output=True, text=True, check=True).stdout
    found["owner"] = os.stat(folder / "hello").st_uid
    for name, command in {
        "large": "for i in 1 2 3; do head -c 900000 /dev/zero >large$i; done",
        "fails": "echo why; exit 3",
        "escapes": "echo x >/opt/source/mine",
        "slow": "(trap '' HUP TERM; sleep 600) & sleep 600",
    }.items():
        try:
            build(command, folder, 1.0 if name == "slow" else BOUND, sandbox=box)
        except UsageError as error:
            found[name] = error.key
        found[f"after {name}"] = sorted(os.listdir(folder))
    with loopback.held(0):  # let go of each time
        found["living"] = sorted(users.living(BLOCK))
    return found


def test_a_build_is_somebody_elses_too_and_only_its_files_come_back(tmp_path: Path) -> None:
    found = container.play(builds, tmp_path)
    assert (str(BLOCK[0]), "built\n", 0) == (found["said"], found["runs"], found["owner"])
    assert ("build.large", "build.failed", "build.failed", "build.slow") == tuple(
        found[name] for name in ("large", "fails", "escapes", "slow")
    )
    for name in ("large", "fails", "escapes", "slow"):
        assert ["hello", "hello.c"] == found[f"after {name}"]
    assert [] == found["living"]


def a_second_name() -> Any:
    """As where Linux lets anybody make a hard link to any file (fs.protected_hardlinks)."""
    folder, box = Path("/opt/source"), Users("/bin/sh")
    folder.mkdir()
    with box.building("true", str(folder)) as building:
        subprocess.run(building.argv, env={}, check=True)
        Path("/tmp/secret").write_text("root's")
        os.link("/tmp/secret", f"{building.home.folder}/mine")
        kept = building.keep()
    return [kept, os.listdir(folder)]


def test_a_file_that_is_not_its_own_does_not_come_back(tmp_path: Path) -> None:
    assert [False, []] == container.play(a_second_name, tmp_path)


def looks() -> Any:
    box = Users("/bin/sh")
    script = "import socket; s = socket.create_server(('127.0.0.1', 20007)); print('up', flush=True); s.accept()"
    other = socket_of_ours()
    process = started(box, script, language="python3")
    assert process.stdout is not None
    process.stdout.readline()
    user = box.homes[-1].user
    for _ in range(200):
        seen = users.seen_as(user, lambda: witness.look(process.pid, user))
        if seen is not None and [thread.doing for thread in seen.threads] == ["accepting"]:
            break
        time.sleep(0.01)
    blind = witness.look(process.pid)
    box.end()
    process.communicate()
    other.close()
    assert seen is not None
    return {
        "doing": [(thread.doing, thread.port) for thread in seen.threads],
        "sockets": [(one.port, one.state) for one in seen.sockets],
        "blind": [thread.doing for thread in blind.threads],
        "failed": users.seen_as(user, lambda: 1 // 0),
    }


def socket_of_ours() -> Any:
    import socket

    return socket.create_server(("127.0.0.1", 20008))


def test_it_can_be_looked_at_as_its_user_only(tmp_path: Path) -> None:
    found = container.play(looks, tmp_path)
    assert [["accepting", 20007]] == found["doing"]
    assert [[20007, "LISTEN"]] == found["sockets"]
    assert found["blind"] in (["other"], ["waiting"])  # the little that root without CAP_SYS_PTRACE is told
    assert found["failed"] is None


def test_an_open_folder_that_should_be_hidden_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    masks: list[int] = []
    monkeypatch.setattr(os, "umask", masks.append)
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    assert not users.open_to_all(hidden)
    assert users.users([str(hidden), str(tmp_path / "not there")]).hidden
    assert [0o077] == masks
    assert users.open_to_all("/usr/bin")
    with pytest.raises(EnvironmentFault, match=r"chmod go-rwx /etc /usr/bin$"):
        users.users([str(hidden), "/usr/bin/inside/none", "/usr/bin", "/etc/ssl", "/etc"])
