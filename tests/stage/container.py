"""A container as hosted graders give it, of this test's own making: root with the capabilities of Docker's default profile,
a file system of its own, a loopback of its own, and no namespaces to be had.

    container.py ROOT BOUND COMMAND…    in new mount, network and PID namespaces (``unshare``): see ``run``

ROOT is a folder that becomes ``/``; what it needs of the machine's is mounted there, read-only.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

SECONDS = 180  # for any one command, on a machine with much else to do
DOCKER = (
    "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write "
    "setfcap"
).split()
PATH = "/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "var/lib/dpkg")
_MS_RDONLY, _MS_NOSUID, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 32, 0x1000, 0x4000, 0x40000
_NEW = 0x7E020000  # any of CLONE_NEW…, namespaces(7)
_REFUSED = {  # unshare, setns, clone, clone3
    "x86_64": (0xC000003E, 272, 308, 56, 435),
    "aarch64": (0xC00000B7, 97, 268, 220, 435),
}
_CAP_SYS_ADMIN = 21
_PROGRAMS = "/usr/bin/python3"  # which runs submissions
PYTHON = os.path.realpath(sys.executable)
"""What runs wirelab in a container: this Python."""
_CHECKOUT = Path(__file__).parents[2]
CHECKOUT, SITE = "/closed/checkout", "/opt/site"
"""Where a container sees this checkout, closed to all but root, and the libraries of this environment."""
_PLAY = "import json, runpy, sys; print(json.dumps(runpy.run_path(sys.argv[1])[sys.argv[2]]()))"


def lacks() -> str:
    """Why there can be none on this machine; empty when there can."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    own = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    if os.geteuid():
        return "is for root, who alone can make a container so"
    if not own >> _CAP_SYS_ADMIN & 1:
        return "needs CAP_SYS_ADMIN"
    if os.uname().machine not in _REFUSED:
        return "needs a machine whose system calls are known here"
    return "" if os.path.exists(_PROGRAMS) else f"needs {_PROGRAMS}"


def play(scene: Callable[[], object], root: Path, **environment: str) -> Any:
    """What a module-level function of a test file returns, through JSON, in a container. Skips the test where there can be
    none."""
    if missing := lacks():
        pytest.skip(missing)
    words = [PYTHON, "-c", _PLAY, scene.__code__.co_filename.replace(str(_CHECKOUT), CHECKOUT), scene.__name__]
    done = run(root, words, {}, {"PYTHONPATH": f"{CHECKOUT}/harness:{CHECKOUT}:{SITE}", **environment})
    assert 0 == done.returncode, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run(
    root: Path, command: Sequence[str], mounts: Mapping[str, str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in a container whose files are kept in ``root`` from one to the next, but for ``/dev`` and ``/proc``.
    ``mounts``: further folders of the machine's, and where they are seen. All that it starts ends with it."""
    closed = root / CHECKOUT.strip("/").partition("/")[0]
    closed.mkdir(parents=True, exist_ok=True)
    closed.chmod(0o700)  # the checkout holds hidden scenarios
    root.chmod(0o755)
    mounts = {str(_CHECKOUT): CHECKOUT, sysconfig.get_path("purelib"): SITE, **mounts}
    if not PYTHON.startswith("/usr/bin/"):
        mounts[sys.base_prefix] = sys.base_prefix
    words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", sys.executable, __file__, str(root)]
    return subprocess.run(
        [*words, json.dumps(dict(mounts)), *command],
        env={"PATH": PATH, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _mount(source: str, target: Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    target.mkdir(parents=True, exist_ok=True)
    words = (os.fsencode(source), os.fsencode(target), kind.encode())
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None))


def _bind(source: str, target: Path) -> None:
    _mount(source, target, flags=_MS_BIND | _MS_REC)
    _mount("none", target, flags=_MS_BIND | _MS_REMOUNT | _MS_RDONLY)


def _fill(root: Path, mounts: Mapping[str, str]) -> None:
    _mount("none", Path("/"), flags=_MS_REC | _MS_PRIVATE)
    _mount(str(root), root, flags=_MS_BIND)
    for name in _SYSTEM:
        if os.path.islink(f"/{name}"):
            (root / name).unlink(missing_ok=True)
            (root / name).symlink_to(os.readlink(f"/{name}"))
        elif os.path.isdir(f"/{name}"):
            _bind(f"/{name}", root / name)
    for source, target in mounts.items():
        _bind(source, root / target.lstrip("/"))
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(0o1777)
    for name in ("run", "root"):
        (root / name).mkdir(exist_ok=True)
    _mount("proc", root / "proc", "proc")
    _mount("tmpfs", root / "dev", "tmpfs", _MS_NOSUID, "mode=755,size=65536k")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o020666, os.makedev(1, minor))
    os.mknod(root / "dev" / "tty", 0o020666, os.makedev(5, 0))
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (root / "dev" / name).chmod(0o666)
    _mount("devpts", root / "dev/pts", "devpts", data="newinstance,ptmxmode=0666,mode=620,gid=5")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    (root / "dev/fd").symlink_to("/proc/self/fd")
    _mount("tmpfs", root / "dev/shm", "tmpfs", _MS_NOSUID, "mode=1777,size=65536k")


def _enter(root: Path) -> None:
    os.chdir(root)
    (root / ".old").mkdir(exist_ok=True)
    pivot = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
    _checked(_libc.syscall(pivot, b".", b".old"))
    _checked(_libc.umount2(b"/.old", 2))  # MNT_DETACH
    os.chdir("/")


def _refuse_namespaces() -> None:
    """As Docker's default seccomp profile does, for whoever lacks CAP_SYS_ADMIN."""
    architecture, unshare, setns, clone, clone3 = _REFUSED[os.uname().machine]
    load, equal, any_of, give, refuse = 0x20, 0x15, 0x45, 0x06, 0x00050000
    program = [
        (load, 0, 0, 4),
        (equal, 1, 0, architecture),
        (give, 0, 0, refuse | errno.ENOSYS),
        (load, 0, 0, 0),
        (equal, 5, 0, unshare),
        (equal, 4, 0, setns),
        (equal, 0, 2, clone),
        (load, 0, 0, 16),
        (any_of, 1, 2, _NEW),
        (equal, 2, 1, clone3),
        (give, 0, 0, refuse | errno.EPERM),
        (give, 0, 0, 0x7FFF0000),
        (give, 0, 0, refuse | errno.ENOSYS),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    block = struct.pack("HP", len(program), ctypes.addressof(code))
    _checked(_libc.prctl(22, ctypes.c_ulong(2), block, ctypes.c_ulong(0), ctypes.c_ulong(0)))  # PR_SET_SECCOMP, FILTER


def _lo_up() -> None:
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        fcntl.ioctl(channel, 0x8914, struct.pack("=16sH22x", b"lo", 0x49))  # SIOCSIFFLAGS: up, loopback, running


def _main(root: Path, mounts: Mapping[str, str], command: Sequence[str]) -> None:
    os.umask(0o022)
    _lo_up()
    _fill(root, mounts)
    _enter(root)
    _refuse_namespaces()
    kept = ",".join(f"+{name}" for name in DOCKER)
    os.execvp("setpriv", ["setpriv", "--inh-caps=-all", f"--bounding-set=-all,{kept}", *command])


if __name__ == "__main__":
    _main(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:])
