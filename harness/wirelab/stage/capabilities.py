"""What a machine must be able to do for wirelab, each thing tried by doing it. To be run by ``probes.examine``.

Every function here does its thing in a process that nobody needs afterwards, waits for ever if need be, and returns a
few words about what it found or raises what is missing, with the remedy. Knows no tiers and prints nothing.
"""

from __future__ import annotations

import codecs
import locale
import os
import platform
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, WirelabError
from wirelab.base.texts import Text, register
from wirelab.observe.evidence import Role
from wirelab.stage import loopback, namespace, users
from wirelab.stage.faults import Faults
from wirelab.stage.probes import Probe, system
from wirelab.stage.shared import Shared
from wirelab.stage.tap import Tap
from wirelab.stage.world import here

if TYPE_CHECKING:
    from wirelab.stage.actors import Program

PORT, HOST = 12001, "127.0.0.1"  # in a private network the port is always free
OLDEST_PYTHON = (3, 11)
DISK_BYTES = 100_000_000
"""A run keeps some 100 kB; a flood on the wire 48 MB and a sixth for the packets' headers (``tap.BYTES``), one on a
terminal 4 MB (``actors.OUTPUT_LIMIT``), as JSON up to six times that."""
_WRITTEN_BYTES = 1 << 20
_DAEMON_SECONDS = 10  # a daemon that nothing ends, which is what is tried here, ends itself
_IDLE_SECONDS = 1.0
_LAST_WORDS = 600  # characters of a program that failed

register(
    {
        "capability.old-python": Text(
            "This is Python {found}; wirelab needs {needed} or newer:\n    sudo apt install python3",
            "这是 Python {found}，而 wirelab 需要 {needed} 或更新的版本：\n    sudo apt install python3",
        ),
        "capability.no-terminal": Text(
            "No program can be started on a terminal of its own: {why}. Where /dev/pts is not mounted:\n"
            "    sudo mkdir -p /dev/pts && sudo mount -t devpts -o ptmxmode=0666 devpts /dev/pts",
            "无法在独立的终端上启动程序：{why}。如果没有挂载 /dev/pts：\n"
            "    sudo mkdir -p /dev/pts && sudo mount -t devpts -o ptmxmode=0666 devpts /dev/pts",
        ),
        "capability.program-ended": Text(
            "{command}\nended with status {status} instead of showing '{wanted}'. It showed:\n{shown}\n"
            "Run it by hand; if its files are damaged, install wirelab again:\n"
            "    python3 -m pip install --force-reinstall wirelab",
            "{command}\n没有显示 '{wanted}' 就以状态 {status} 结束了。它显示了：\n{shown}\n"
            "请手动运行一次；如果文件已损坏，请重新安装 wirelab：\n"
            "    python3 -m pip install --force-reinstall wirelab",
        ),
        "capability.no-utf8": Text(
            "Text is printed here as {encoding}, which lacks characters that wirelab shows:\n"
            "    unset PYTHONIOENCODING; export LC_ALL=C.UTF-8",
            "这里的输出编码是 {encoding}，缺少 wirelab 要显示的一些字符：\n"
            "    unset PYTHONIOENCODING; export LC_ALL=C.UTF-8",
        ),
        "capability.no-c-utf8": Text(
            "The locale C.UTF-8, with which every program is started, is missing:\n"
            "    sudo apt install --reinstall libc-bin",
            "缺少启动每个程序时使用的区域设置 C.UTF-8：\n    sudo apt install --reinstall libc-bin",
        ),
        "capability.no-space": Text(
            "Only {free} MB are free in {folder}; a run may need {needed} MB. Make room there, or use another folder:\n"
            "    export TMPDIR=FOLDER",
            "{folder} 只剩 {free} MB，而一次运行可能需要 {needed} MB。请清理空间，或改用别的文件夹：\n"
            "    export TMPDIR=FOLDER",
        ),
        "capability.no-folder": Text(
            "Nothing can be written for temporary files: {why}. Name a folder where you may write:\n"
            "    export TMPDIR=FOLDER",
            "无法写入临时文件：{why}。请指定一个可写的文件夹：\n    export TMPDIR=FOLDER",
        ),
        "capability.nft-refused": Text(
            "nft is there, but its rules are refused:\n{output}\nThe kernel may not have loaded what they need:\n"
            "    sudo modprobe -a nf_tables nft_numgen",
            "有 nft 命令，但它的规则被拒绝：\n{output}\n内核可能没有加载所需的模块：\n"
            "    sudo modprobe -a nf_tables nft_numgen",
        ),
        "capability.nft-idle": Text(
            "nft takes its rules, but a segment that should be lost was not. The kernel may lack a module:\n"
            "    sudo modprobe -a nf_tables nft_numgen",
            "nft 接受了规则，但应该丢失的报文段没有丢失。内核可能缺少模块：\n    sudo modprobe -a nf_tables nft_numgen",
        ),
        "capability.no-raw": Text(
            "socket(AF_PACKET) on the machine's own loopback: {why}. Not needed where the private network works.\n"
            "Root has it; in a container:\n    docker run --cap-add NET_RAW ...",
            "在本机的回环接口上 socket(AF_PACKET)：{why}。只要私有网络可用，就不需要它。\n"
            "root 用户有此权能；在容器里：\n    docker run --cap-add NET_RAW ...",
        ),
        "capability.no-users": Text(
            "No program can be run as a user of its own; it takes root, with the capabilities that Docker gives:\n{said}",
            "无法以独立的用户运行程序；这需要 root，以及 Docker 默认给出的权能：\n{said}",
        ),
        "capability.no-tool": Text(
            "Not installed. On Debian and Ubuntu: sudo apt install {package}",
            "没有安装。在 Debian 或 Ubuntu 上安装：sudo apt install {package}",
        ),
        "capability.no-sandbox": Text(
            "{program} is there, but makes no sandbox inside the private network: {output}",
            "有 {program}，但它无法在私有网络里建立沙箱：{output}",
        ),
    }
)


def python(oldest: tuple[int, int] = OLDEST_PYTHON) -> str:
    """This Python is not older than ``oldest``."""
    if sys.version_info < oldest:
        needed = ".".join(map(str, oldest))
        raise EnvironmentFault("capability.old-python", found=platform.python_version(), needed=needed)
    return platform.python_version()


def private_network() -> str:
    """A user and network namespace whose loopback carries a TCP connection."""
    namespace.enter(os.getppid())
    with socket.create_server((HOST, PORT)) as server, socket.create_connection((HOST, PORT)):
        server.accept()[0].close()
    return ""


def containment() -> str:
    """A daemon that forked away twice is gone when its PID namespace ends: its end of a pipe says so."""
    namespace.enter(os.getppid())
    world = namespace.contain()
    reading, writing = os.pipe2(os.O_CLOEXEC)
    if os.fork() == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                signal.alarm(_DAEMON_SECONDS)
                os.write(writing, b"up")
                signal.pause()
        finally:
            os._exit(0)
    os.close(writing)
    if os.read(reading, 2) != b"up":
        raise OSError("the daemon that should be ended could not be started")
    world.end()
    os.read(reading, 1)  # returns at the pipe's end, when nobody holds it any more
    return ""


def capture() -> str:
    """The tap sees its own marker on the private loopback."""
    namespace.enter(os.getppid())
    tap = Tap()
    tap.sync()
    tap.close()
    return ""


def terminal() -> str:
    """A program on a pty reads what is typed and shows what it has to say."""
    program = _program("terminal")
    try:
        program.start(["/bin/sh", "-c", 'read line && echo "heard $line"'], namespace.base_environment(), "/")
    except WirelabError as fault:
        raise EnvironmentFault("capability.no-terminal", why=fault.values.get("why", fault)) from fault
    program.type("wirelab", enter=True)
    _await(program, "heard wirelab", "sh")
    program.end()
    return ""


def reference_programs(find: Callable[[Role], Path]) -> str:
    """The reference server listens and the reference client connects, both on terminals, where runs are played."""
    world = here()
    shows: dict[Role, str] = {"server": "Listening on", "client": "Connected to"}
    playing = []  # a program that nobody holds loses its terminal
    with world.held(os.getppid(), PORT, ours=True) as port:
        end = world.enter(os.getppid(), None)
        for role, words in shows.items():
            path = find(role)
            command = [sys.executable, str(path), HOST, str(port)]
            program = _program(role)
            program.start(command, namespace.base_environment(), str(path.parent))
            playing.append(program)
            _await(program, f"{words} {HOST}:{port}", " ".join(command))
        end()
    return world.tier


def _program(name: str) -> Program:
    # Here and not at the top: where pexpect is missing, that is an answer and not the end of `wirelab doctor`.
    from wirelab.stage.actors import Program
    from wirelab.stage.recorder import Recorder

    return Program(name, "client", "reference", Recorder())


def _await(program: Program, wanted: str, command: str) -> None:
    """Wait until the program shows ``wanted``, for ever if need be: ``examine`` has the bound."""
    while not program.transcript.ever(wanted):
        if program.exited is not None:
            shown = program.transcript.text.strip()[-_LAST_WORDS:]
            status = program.exited.status
            raise EnvironmentFault(
                "capability.program-ended", command=command, status=status, wanted=wanted, shown=shown
            )
        select.select(program.descriptors, [], [])
        program.service()


def text_encoding() -> str:
    """What is printed here is UTF-8, and so is what programs print when they are told to."""
    encoding = sys.stdout.encoding
    if codecs.lookup(encoding).name != "utf-8":
        raise EnvironmentFault("capability.no-utf8", encoding=encoding)
    try:
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
    except locale.Error as failure:
        raise EnvironmentFault("capability.no-c-utf8") from failure
    return "UTF-8"


def disk_space(needed: int = DISK_BYTES) -> str:
    """The folder for temporary files can be written and has ``needed`` bytes left."""
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        if free < needed:
            values = {"free": free // 1_000_000, "needed": needed // 1_000_000}
            raise EnvironmentFault("capability.no-space", folder=folder, **values)
        with tempfile.TemporaryFile() as file:
            file.write(bytes(_WRITTEN_BYTES))
    except OSError as failure:
        raise EnvironmentFault("capability.no-folder", why=failure.strerror or failure) from failure
    return f"{free / 1e9:.1f} GB, {folder}"


def wire_faults() -> str:
    """A rule loses the first SYN of a connection in a private network, and counts it."""
    namespace.enter(os.getppid())
    faults = Faults(PORT)
    with socket.create_server((HOST, PORT)), socket.socket() as client:
        try:
            number = faults.drop("SYN", "client")
        except EnvironmentFault as fault:
            if fault.key == "namespace.command-failed":
                raise EnvironmentFault("capability.nft-refused", output=fault.values["output"]) from fault
            raise
        client.setblocking(False)
        client.connect_ex((HOST, PORT))
        deadline = Deadline.after(_IDLE_SECONDS)
        while not faults.dropped(number):
            if deadline.passed:
                raise EnvironmentFault("capability.nft-idle")
    return "nft"


def own_loopback() -> str:
    """A tap outside any private network (CAP_NET_RAW) sees its own marker, and nothing of anybody else's."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError as failure:
        raise EnvironmentFault("capability.no-raw", why=failure.strerror) from failure
    tap = Shared().tap(PORT)
    tap.sync()
    tap.close()
    return "CAP_NET_RAW"


def other_users() -> str:
    """A program runs as a user of its own that has nothing, and is gone when that user is told to go."""
    box = users.Users("/bin/sh")
    with loopback.held(_IDLE_SECONDS), tempfile.TemporaryDirectory() as empty:
        try:
            home = box.home(users.BLOCK[::-1])  # not one that a run in a container of this machine may be using
            started = box.handed(("sh", "-c", "id -u; exec sleep 60"), empty, {}, home)
            process = subprocess.Popen(
                started.argv, env={}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            if said != str(started.home.user):
                raise EnvironmentFault("capability.no-users", said=said + process.stdout.read())
        finally:
            box.end()
        process.wait()
    return said


def tool(commands: Sequence[str], package: str) -> str:
    """One of these commands is installed."""
    found = next((path for command in commands if (path := shutil.which(command))), None)
    if found is None:
        raise EnvironmentFault("capability.no-tool", package=package)
    return found


def sandbox() -> str:
    """bubblewrap makes a sandbox inside the private network."""
    program = tool(["bwrap"], "bubblewrap")
    namespace.enter(os.getppid())
    argv = [program, *"--ro-bind / / --unshare-user --unshare-pid --cap-drop ALL true".split()]
    done = subprocess.run(
        argv, capture_output=True, text=True, errors="replace", check=False, preexec_fn=namespace.restore_signals
    )
    if done.returncode:
        raise EnvironmentFault("capability.no-sandbox", program=program, output=done.stderr.strip())
    return program


def standard_probes(find: Callable[[Role], Path]) -> tuple[Probe, ...]:
    """Everything that matters to wirelab, in the order in which it is shown; ``find`` gives the reference programs."""
    return (
        Probe("private-network", "tier-1", private_network),
        Probe("containment", "tier-1", containment, after=("private-network",)),
        Probe("capture", "tier-1", capture, after=("private-network",)),
        Probe("own-loopback", "tier-2", own_loopback),
        Probe("other-users", "tier-2", other_users, after=("own-loopback",)),
        Probe("system", "run", system),
        Probe("python", "run", python),
        Probe("terminal", "run", terminal),
        Probe("reference", "run", partial(reference_programs, find), after=("containment", "other-users")),
        Probe("encoding", "run", text_encoding),
        Probe("disk", "run", disk_space),
        Probe("wire-faults", "faults", wire_faults, after=("private-network",)),
        Probe("bwrap", "optional", sandbox, after=("private-network",)),
        Probe("tshark", "optional", partial(tool, ("tshark", "wireshark"), "tshark")),
        Probe("gcc", "optional", partial(tool, ("gcc",), "gcc libc6-dev")),
        Probe("javac", "optional", partial(tool, ("javac",), "default-jdk-headless")),
        Probe("node", "optional", partial(tool, ("node",), "nodejs")),
    )
