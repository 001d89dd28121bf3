"""The private world of one run: a user and network namespace, and a PID namespace that ends with it.

One process, W, is forked for each run; it calls ``enter``, then ``contain``, and stays single-threaded.
W itself remains outside the PID namespace, so every pid it sees is one of the machine; what it forks
lands inside. The namespace's init dies with W, W with its parent, and the kernel then kills whatever is left.
Knows no terminals, no packets and no scenario. Sources: user_namespaces(7), pid_namespaces(7), capabilities(7).
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, HarnessBug
from wirelab.base.texts import Text, register
from wirelab.stage import linux, processes

ETHERNET_MTU = 1500
"""Bytes of IP packet that loopback takes here, as on an Ethernet: MSS 1460, no frame above 1514 bytes."""
END_SECONDS = 10.0
INHERITED_AS_IGNORED = (
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGTERM,
    signal.SIGCHLD,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
"""What Python (SIGPIPE, SIGXFSZ) and launchers (nohup, ``&``) leave to a child as ignored."""
_ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin"

_REFUSED_EN = "This machine does not give the private network a run needs: {step} failed with {error}."
_REFUSED_ZH = "这台机器不允许建立运行所需的私有网络：{step} 失败，错误为 {error}。"

register(
    {
        "namespace.apparmor": Text(
            f"{_REFUSED_EN}\nAppArmor restricts user namespaces here, as on Ubuntu 23.10 and later. Allow them with:\n"
            "    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n"
            "and, to keep it after a restart:\n"
            "    echo kernel.apparmor_restrict_unprivileged_userns=0 | sudo tee /etc/sysctl.d/60-wirelab.conf",
            f"{_REFUSED_ZH}\n本机的 AppArmor 限制了用户命名空间（Ubuntu 23.10 及以后的默认设置）。用下面的命令放开：\n"
            "    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n"
            "若要重启后仍然有效：\n"
            "    echo kernel.apparmor_restrict_unprivileged_userns=0 | sudo tee /etc/sysctl.d/60-wirelab.conf",
        ),
        "namespace.userns-clone": Text(
            f"{_REFUSED_EN}\nUser namespaces are switched off for ordinary users. Allow them with:\n"
            "    sudo sysctl -w kernel.unprivileged_userns_clone=1",
            f"{_REFUSED_ZH}\n普通用户不能使用用户命名空间。用下面的命令放开：\n"
            "    sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        "namespace.limit": Text(
            f"{_REFUSED_EN}\nThe limit {{setting}} is {{value}}. Raise it with:\n    sudo sysctl -w {{setting}}=15000",
            f"{_REFUSED_ZH}\n上限 {{setting}} 现在是 {{value}}。用下面的命令调高：\n"
            "    sudo sysctl -w {setting}=15000",
        ),
        "namespace.seccomp": Text(
            f"{_REFUSED_EN}\nA seccomp filter is on this process; Docker's default profile refuses namespaces.\n"
            "Start the container with:\n    docker run --security-opt seccomp=unconfined ...",
            f"{_REFUSED_ZH}\n本进程受 seccomp 过滤器约束；Docker 的默认配置禁止命名空间。请这样启动容器：\n"
            "    docker run --security-opt seccomp=unconfined ...",
        ),
        "namespace.refused": Text(
            f"{_REFUSED_EN}\nNo known setting explains it: a security module or the container's runtime refuses it,\n"
            "or the kernel was built without it. Ask the machine's administrator to allow ordinary users\n"
            "user, network and PID namespaces.",
            f"{_REFUSED_ZH}\n已知的设置都不能解释这一点：可能是安全模块或容器运行时禁止了它，也可能是内核没有编译该功能。\n"
            "请管理员允许普通用户使用 user、network 和 PID 命名空间。",
        ),
        "namespace.offload": Text(
            "Loopback in the private network cannot be kept to Ethernet-sized segments: {step} failed with {error}.\n"
            "A newer kernel (4.20 or later) can.",
            "无法让私有网络的回环接口只发送以太网大小的报文段：{step} 失败，错误为 {error}。\n请使用 4.20 或更新的内核。",
        ),
        "namespace.no-command": Text(
            "The command {command} is missing. On Debian and Ubuntu: sudo apt install {package}",
            "找不到命令 {command}。在 Debian 或 Ubuntu 上安装：sudo apt install {package}",
        ),
        "namespace.command-failed": Text(
            "{command} did not do what was asked of it inside the private network:\n{output}",
            "{command} 在私有网络内没有完成所要求的操作：\n{output}",
        ),
        "namespace.misuse": Text(
            "internal: {what} was called at the wrong moment", "内部错误：在错误的时刻调用了 {what}"
        ),
        "namespace.undead": Text(
            "internal: what was started in the private world is still not gone {seconds:g} s after it was killed",
            "内部错误：私有环境里启动的进程在被杀死 {seconds:g} 秒后仍未消失",
        ),
    }
)

_SETTINGS = {
    "kernel.apparmor_restrict_unprivileged_userns": "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "kernel.unprivileged_userns_clone": "/proc/sys/kernel/unprivileged_userns_clone",
    "user.max_user_namespaces": "/proc/sys/user/max_user_namespaces",
    "user.max_net_namespaces": "/proc/sys/user/max_net_namespaces",
    "user.max_pid_namespaces": "/proc/sys/user/max_pid_namespaces",
}
_entered: set[int] = set()


def _settings() -> dict[str, str]:
    """The machine's settings that can refuse a namespace, those that exist; ``seccomp`` as in proc(5)."""
    found = {}
    for name, path in _SETTINGS.items():
        with suppress(OSError):
            found[name] = Path(path).read_text(encoding="ascii").strip()
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Seccomp:"):
                found["seccomp"] = line.split()[1]
    return found


def refusal(step: str, number: int, settings: Mapping[str, str]) -> EnvironmentFault:
    """The error for a step that failed with an errno: which of the machine's settings refused it, and the remedy.

    A namespace without capabilities (Ubuntu) shows as EPERM at a later step, the uid map or ``lo`` up,
    so every step asks here.
    """
    values = {"step": step, "error": f"{errno.errorcode.get(number, number)} ({os.strerror(number)})"}
    if number in (errno.ENOSPC, errno.EUSERS):
        limits = {name: value for name, value in settings.items() if name.startswith("user.max_")}
        if limits:
            setting = min(limits, key=lambda name: int(limits[name]))
            return EnvironmentFault("namespace.limit", setting=setting, value=limits[setting], **values)
    if number in (errno.EPERM, errno.EACCES):
        if settings.get("kernel.unprivileged_userns_clone") == "0":
            return EnvironmentFault("namespace.userns-clone", **values)
        if settings.get("kernel.apparmor_restrict_unprivileged_userns") == "1":
            return EnvironmentFault("namespace.apparmor", **values)
        if settings.get("seccomp") == "2":
            return EnvironmentFault("namespace.seccomp", **values)
    return EnvironmentFault("namespace.refused", **values)


def _attempt(step: str, call: Callable[[], object]) -> None:
    try:
        call()
    except OSError as failure:
        raise refusal(step, failure.errno or 0, _settings()) from failure


def enter(parent_pid: int) -> None:
    """Put the calling process into a user and network namespace of its own, with an Ethernet-like ``lo``.

    ``parent_pid`` is who forked it: when that process ends, this one is killed, also if it ended already.
    User and group stay what they are, so programs see their own user and gain nothing when executed.
    Raises EnvironmentFault, naming the step, the errno and the remedy, when the machine refuses.
    """
    if os.getpid() in _entered:
        raise HarnessBug("namespace.misuse", what="enter")
    die_with(parent_pid)
    uid, gid = os.geteuid(), os.getegid()
    _attempt("unshare(CLONE_NEWUSER|CLONE_NEWNET)", lambda: linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNET))
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)  # new credentials may clear it, prctl(2)
    for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        _attempt(f"write {name}", lambda name=name, line=line: _write(f"/proc/self/{name}", line))  # type: ignore[misc]
    _attempt("lo mtu", lambda: linux.set_mtu("lo", ETHERNET_MTU))
    _cut_to_segments()
    _attempt("lo up", lambda: linux.bring_up("lo"))
    _entered.add(os.getpid())


def require_private(what: str) -> None:
    """Raise HarnessBug unless this process entered a private network: the machine's own is never tampered with."""
    if os.getpid() not in _entered:
        raise HarnessBug("namespace.misuse", what=what)


def die_with(parent_pid: int) -> None:
    """Have the calling process killed when the one that forked it ends, also if it ended already."""
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before the kernel was told: do what the kernel would have done
        os.kill(os.getpid(), signal.SIGKILL)


def _write(path: str, line: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def _cut_to_segments() -> None:
    """Segmentation offload off, or the tap would see 64 KiB super-segments that no real wire carries."""
    for step, setter, getter in (
        ("TSO off", linux.ETHTOOL_STSO, linux.ETHTOOL_GTSO),
        ("GSO off", linux.ETHTOOL_SGSO, linux.ETHTOOL_GGSO),
        ("GRO off", linux.ETHTOOL_SGRO, linux.ETHTOOL_GGRO),
    ):
        try:
            linux.ethtool("lo", setter, 0)
        except OSError as failure:
            if getter != linux.ETHTOOL_GGRO and linux.ethtool("lo", getter):  # lo never coalesces on receipt
                error = f"{errno.errorcode.get(failure.errno or 0)} ({failure.strerror})"
                raise EnvironmentFault("namespace.offload", step=step, error=error) from failure


@dataclass(slots=True)
class Containment:
    """A PID namespace that holds everything its maker forks from now on. ``init`` is its first process.

    Between ``contain`` and ``end`` the maker may fork and wait as always, but cannot start threads.
    """

    init: int
    _lifeline: int  # init reads its other end: it ends when the maker is gone
    _statuses: dict[int, int] = field(default_factory=dict)

    def members(self) -> tuple[int, ...]:
        """Pids, as the maker sees them, of the living processes inside, init left out, in rising order.

        Whoever forks away (double fork, setsid) is adopted by init, so descent from the maker and from init
        tells who is inside. A process that is being born or adopted at this very moment may be missed.
        """
        inside: list[int] = []
        heirs = [self.init, os.getpid()]  # init last: what is orphaned meanwhile moves there
        while heirs:
            pid = heirs.pop()
            found = [child for child in processes.children(pid) if child != self.init]
            inside += found
            heirs += found
        return tuple(sorted(pid for pid in set(inside) if _alive(pid)))

    def end(self) -> dict[int, int]:
        """Kill everything inside and wait until it is gone; again is no error.

        Returns the wait statuses of the maker's own children that had not been waited for yet: init cannot
        go before they are reaped, so this does it. Raises HarnessBug when the kernel takes longer than
        ``END_SECONDS``.
        """
        if self._lifeline < 0:
            return dict(self._statuses)
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            os.kill(self.init, signal.SIGKILL)
            deadline = Deadline.after(END_SECONDS)
            while (pid := self._reap()) != self.init:
                if pid == 0 and signal.sigtimedwait({signal.SIGCHLD}, deadline.left()) is None:
                    raise HarnessBug("namespace.undead", seconds=END_SECONDS)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            os.close(self._lifeline)
            self._lifeline = -1
        return dict(self._statuses)

    def _reap(self) -> int:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid not in (0, self.init):
            self._statuses[pid] = status
        return pid


def _alive(pid: int) -> bool:
    """Whether it still runs: neither gone nor a zombie."""
    with suppress(OSError):  # its name may hold any character, so read after the last parenthesis
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    return False


def contain() -> Containment:
    """Give the calling process a PID namespace for all that it forks later, and keep its descriptors from what it
    executes. Raises EnvironmentFault."""
    keep_to_itself()
    _attempt("unshare(CLONE_NEWPID)", lambda: linux.unshare(linux.CLONE_NEWPID))
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        pid = _start_init(reading)
    finally:
        os.close(reading)
    return Containment(init=pid, _lifeline=writing)


def keep_to_itself() -> None:
    """No descriptor goes on to what the calling process executes (Python's own never do; what a shell handed on would),
    and its children can be waited for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a launcher that ignored it would make every wait fail
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the listing's own
            if int(name) > 2 and os.get_inheritable(int(name)):
                os.set_inheritable(int(name), False)


def _start_init(lifeline: int) -> int:
    """Pid 1 of the namespace: ``cat``, which ends when its input does, because the maker has ended.

    It hears no signal but SIGKILL, and what it adopts is reaped by the kernel, as SIGCHLD is ignored (wait(2)). Not a
    fork of this process: that would cost a run 2 ms.
    """
    files = [
        (os.POSIX_SPAWN_DUP2, lifeline, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        cat = shutil.which("cat", path=f"/bin:/usr/bin:{os.environ.get('PATH', os.defpath)}") or "cat"
        return os.posix_spawn(cat, ["cat"], {}, file_actions=files, setsigmask=signal.valid_signals())
    except OSError as failure:
        raise refusal("posix_spawn(cat)", failure.errno or 0, _settings()) from failure
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def base_environment() -> dict[str, str]:
    """What every program finds in its environment: the user's own, with a plain UTF-8 locale and terminal.

    Without what would change how programs behave from one user to the next: options of Python by environment variable
    (but where modules lie stays), and the interval of heartbeats, which the scenario sets.
    """
    dropped = ("LC_", "WIRELAB_", "VIRTUAL_ENV", "PYTHON", "HEARTBEAT_INTERVAL")
    kept = {key: value for key, value in os.environ.items() if key == "PYTHONPATH" or not key.startswith(dropped)}
    return kept | {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TERM": "xterm-256color"}


def restore_signals() -> None:
    """Between fork and exec: nothing is ignored or blocked."""
    for number in INHERITED_AS_IGNORED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def seal() -> None:
    """From now on, what the calling process executes has no capability, now or ever after.

    Being root gives nothing, nor do setuid programs (PR_SET_NO_NEW_PRIVS); what shall have capabilities all the same
    is given them as ambient ones. The process keeps its own. Source: capabilities(7).
    """
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL)
    with suppress(OSError):  # EPERM without CAP_SETPCAP, where no_new_privs still holds
        linux.prctl(linux.PR_SET_SECUREBITS, linux.SECBIT_NOROOT_FOR_EVER)


def cover(folder: str, size: int, files: int) -> None:
    """Lay an empty file system over a folder, in memory, for this process and what it starts: with room for so many
    bytes and files. It is gone when they are. Raises OSError when the machine refuses. Source: tmpfs(5)."""
    require_private("cover")
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", folder, "tmpfs", data=f"size={size},nr_inodes={files},mode=0700")


@contextmanager
def lent(capability: int) -> Iterator[None]:
    """What the calling process executes in the block has this capability, in spite of ``seal``, capabilities(7)."""
    status = Path("/proc/self/status").read_bytes()
    own = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith(b"CapPrm:"))
    linux.capset(own, own & 1 << capability)
    linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_RAISE, capability)
    try:
        yield
    finally:
        linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL)
        linux.capset(own, 0)


def _keep_network_capabilities() -> None:
    """Between fork and exec of a helper: let it inherit the namespace's CAP_NET_ADMIN and CAP_NET_RAW."""
    restore_signals()
    mask = 1 << linux.CAP_NET_ADMIN | 1 << linux.CAP_NET_RAW
    linux.capset(mask, mask)
    for capability in (linux.CAP_NET_ADMIN, linux.CAP_NET_RAW):
        linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_RAISE, capability)


def run_privileged(argv: Sequence[str], text: str = "", *, package: str, timeout: float = 10.0) -> str:
    """Run a helper program inside the namespace with its network capabilities; returns what it printed.

    ``text`` goes to its standard input; ``package`` is the Debian package that holds the program.
    Raises EnvironmentFault when it is missing, fails (with its own words) or takes longer than ``timeout``
    seconds, and HarnessBug outside a private network.
    """
    require_private("run_privileged")
    program = shutil.which(argv[0], path=f"{os.environ.get('PATH', os.defpath)}:{_ADMIN_PATH}")
    if program is None:
        raise EnvironmentFault("namespace.no-command", command=argv[0], package=package)
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            preexec_fn=_keep_network_capabilities,  # safe: this process has one thread
        )
    except subprocess.TimeoutExpired as late:
        raise EnvironmentFault("namespace.command-failed", command=argv[0], output=f"> {timeout:g} s") from late
    if done.returncode:
        raise EnvironmentFault("namespace.command-failed", command=argv[0], output=done.stderr.strip())
    return done.stdout
