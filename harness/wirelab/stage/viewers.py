"""Starts Wireshark on a capture with a dissector loaded, and leaves it to the person. Knows no profile and no run.

Wireshark reads the script when it starts, and again when the person asks for it (Analyze > Reload Lua Plugins), so the
file has to live as long as Wireshark does, and nobody of ours waits that long. A shell does: it starts Wireshark, keeps the
beginning of what it says, and when that ends removes the private folder that both lie in. All are in a session of their
own: the Ctrl-C of the terminal does not reach them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text, register
from wirelab.stage.removing import remove

SCRIPT = "protocol.lua"
SAID, STATUS = "said", "status"
BEGINS = 0.5  # seconds in which a Wireshark that cannot begin (no such display, no right to it) has ended
MOST_SAID = 400  # bytes of what it said about that; what it says later is read, and forgotten
# $1: the private folder; the rest: what to run. Removed by name: nothing else is in it, and rm -r is never needed.
_WAITING = f"""folder=$1; shift
{{ "$@"; echo $? >"$folder"/{STATUS}; }} 2>&1 >/dev/null | {{ head -c {MOST_SAID} >"$folder"/{SAID}; cat >/dev/null; }}
read -r status <"$folder"/{STATUS}
[ "$status" = 0 ] || cat "$folder"/{SAID} >&2
rm -f -- "$folder"/{SCRIPT} "$folder"/{SAID} "$folder"/{STATUS}; rmdir -- "$folder"
exit "$status"
"""

register(
    {
        "viewers.missing": Text(
            "Wireshark is not installed (looked for `wireshark` in the PATH); install it, for instance "
            "`apt install wireshark`, or open {capture} on another machine with the script that `wirelab dissector -o "
            "protocol.lua` writes: `wireshark -X lua_script:protocol.lua {name}`",
            "没有安装 Wireshark（在 PATH 中查找过 `wireshark`）；请安装，例如 `apt install wireshark`；也可以在另一台机器上"
            "打开 {capture}，并加载 `wirelab dissector -o protocol.lua` 写出的脚本：`wireshark -X lua_script:protocol.lua {name}`",
        ),
        "viewers.no-display": Text(
            "Wireshark needs a graphical display, and there is none here (neither DISPLAY nor WAYLAND_DISPLAY is set); "
            "copy {capture} to a machine that has one, or read it here: "
            "`wirelab dissector -o protocol.lua`, then `tshark -2 -X lua_script:protocol.lua -r {capture}`",
            "Wireshark 需要图形界面，而这里没有（DISPLAY 和 WAYLAND_DISPLAY 都没有设置）；请把 {capture} 复制到有图形界面的机器上，"
            "或在这里查看：先 `wirelab dissector -o protocol.lua`，再 `tshark -2 -X lua_script:protocol.lua -r {capture}`",
        ),
        "viewers.failed": Text("Wireshark could not be started: {why}", "无法启动 Wireshark：{why}"),
        "viewers.ended": Text(
            "Wireshark ended as soon as it was started, with status {status}{said}",
            "Wireshark 一启动就退出了，退出状态为 {status}{said}",
        ),
    }
)


def wireshark(capture: Path) -> str:
    """Where Wireshark is. Raises EnvironmentFault when there is none, or nothing to show it on."""
    program = shutil.which("wireshark")
    if program is None:
        raise EnvironmentFault("viewers.missing", capture=capture, name=capture.name)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise EnvironmentFault("viewers.no-display", capture=capture)
    return program


def open_capture(capture: Path, dissector: str) -> int:
    """Start Wireshark on ``capture`` with the Lua script ``dissector``; returns when it has lived for half a second, the
    process's number.

    Raises EnvironmentFault when it cannot be started, or ended in fault by then.
    """
    program = wireshark(capture)
    try:
        folder = Path(tempfile.mkdtemp(prefix="wirelab-wireshark-"))
    except OSError as error:
        raise EnvironmentFault("viewers.failed", why=error.strerror) from None
    try:
        script = folder / SCRIPT
        script.write_text(dissector, encoding="utf-8")
        wanted = [program, "-X", f"lua_script:{script}", "-o", "tcp.reassemble_out_of_order:TRUE"]
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WAITING, "sh", str(folder), *wanted, "-r", str(capture.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        remove(folder)
        raise EnvironmentFault("viewers.failed", why=error.strerror) from None
    assert process.stderr is not None
    with process.stderr:
        try:
            status = process.wait(BEGINS)
        except subprocess.TimeoutExpired:
            process.returncode = 0  # not ours to wait for: without this Python would warn that it still runs
            return process.pid
        if status:
            said = process.stderr.read().decode("utf-8", "replace").strip()
            raise EnvironmentFault("viewers.ended", status=status, said=said and f": {said}")
    return process.pid
