"""Each capability is tried for real, in a process that leaves nothing; a refusal, a crash and a hang are results.

What forks runs in a fresh interpreter, as in ``inside.py``: a pytest-xdist worker has threads.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - needed by sockets after alone() has become somebody who may not read it
import io
import json
import locale
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.stage.inside import SECONDS, environment
from wirelab.base.errors import EnvironmentFault
from wirelab.stage import actors, capabilities, linux, recorder
from wirelab.stage.capabilities import standard_probes
from wirelab.stage.probes import BOUND, Capability, Probe, examine

REFERENCE = Path(__file__).parents[2] / "reference"
NOBODY = 65534
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
LOADED = (actors, recorder)  # by the probes only when they run, which is too late for nobody
PLAY = "import json, runpy, sys; print(json.dumps(runpy.run_path(sys.argv[1])[sys.argv[2]](*sys.argv[3:])))"


def alone(scene: Callable[..., object], *arguments: str) -> Any:
    """What a function of this file returns in an interpreter of its own, through JSON."""
    done = subprocess.run(
        [sys.executable, "-c", PLAY, __file__, scene.__name__, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return json.loads(done.stdout)


def outcomes(results: tuple[Capability, ...]) -> dict[str, str]:
    return {item.name: item.outcome if not item.key else f"{item.outcome} {item.key}" for item in results}


def childless() -> bool:
    """Whether everything that was ever started is gone: orphans come to a subreaper, who waits for each."""
    signal.alarm(SECONDS)
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return True


def real() -> dict[str, object]:
    linux.prctl(PR_SET_CHILD_SUBREAPER, 1)
    results = examine(standard_probes(lambda role: REFERENCE / f"{role}.py"))
    return {
        "outcomes": outcomes(results),
        "details": {item.name: item.detail for item in results},
        "timed": all(0 < item.seconds < BOUND for item in results if item.outcome == "ok"),
        "childless": childless(),
    }


def as_nobody() -> dict[str, str]:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    linux.prctl(PR_SET_DUMPABLE, 1)  # as after an exec; or /proc/self would still belong to root
    wanted = ("private-network", "containment", "capture", "terminal", "own-loopback", "wire-faults")
    return outcomes(examine([probe for probe in standard_probes(Path) if probe.name in wanted]))


def skip_if_refused(found: dict[str, str]) -> None:
    if found["private-network"] != "ok":
        pytest.skip(f"needs user namespaces: {found['private-network']}")


def test_this_machine_is_seen_as_it_is():
    seen = alone(real)
    found = seen["outcomes"]
    assert [
        *("private-network", "containment", "capture", "own-loopback", "other-users"),
        *("system", "python", "terminal", "reference", "encoding", "disk"),
        *("wire-faults", "bwrap", "tshark", "gcc", "javac", "node"),
    ] == list(found)
    assert seen["timed"]
    assert seen["childless"]
    assert seen["details"]["python"] == sys.version.split()[0]
    for name, package in (("gcc", "gcc libc6-dev"), ("node", "nodejs")):
        assert ("ok" if shutil.which(name) else "missing capability.no-tool") == found[name], package
    skip_if_refused(found)
    assert {"ok"} == {found[name] for name in list(found)[:11] if name not in ("own-loopback", "other-users")}
    if os.geteuid() == 0:
        assert ("ok", "ok") == (found["own-loopback"], found["other-users"])


@pytest.mark.skipif(os.geteuid() != 0, reason="is run by an ordinary user, whom the other test speaks for")
def test_an_ordinary_user_has_the_same_tier_1_as_root():
    root = alone(real)["outcomes"]
    nobody = alone(as_nobody)
    assert "missing capability.no-raw" == nobody.pop("own-loopback")
    assert {name: root[name] for name in nobody} == nobody
    skip_if_refused(root)
    assert {"ok"} == {nobody[name] for name in ("private-network", "containment", "capture", "terminal")}


def _refuse() -> str:
    raise EnvironmentFault("capability.no-tool", package="wanted")


def _break() -> str:
    raise KeyError("what is this")


def _chatter() -> str:
    print("noise", flush=True)
    os.write(2, b"noise")
    return "a word"


def _die() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def _hang(writing: int) -> str:
    """Starts a process that starts a process, in sessions of their own; all hold a pipe and wait for ever."""
    for _ in range(2):
        if os.fork():
            break
        os.setsid()
    os.write(writing, b"up")
    while True:
        signal.pause()


def simulated() -> dict[str, object]:
    linux.prctl(PR_SET_CHILD_SUBREAPER, 1)
    reading, writing = os.pipe()
    probes = [
        Probe("refused", "run", _refuse),
        Probe("broken", "run", _break),
        Probe("chatter", "run", _chatter),
        Probe("killed", "run", _die),
        Probe("left", "run", partial(os._exit, 3)),
        Probe("hangs", "tier-1", partial(_hang, writing), seconds=1.0),
        Probe("built on refused", "faults", _chatter, after=("refused",)),
        Probe("built on that", "faults", _chatter, after=("built on refused",)),
        Probe("built on chatter", "faults", _chatter, after=("refused", "chatter")),
    ]
    results = examine(probes)
    os.close(writing)
    pieces = [b"?"]
    while pieces[-1] and select.select([reading], [], [], SECONDS)[0]:
        pieces.append(os.read(reading, 64))
    return {
        "outcomes": outcomes(results),
        "values": {item.name: item.values for item in results if item.values},
        "details": {item.name: item.detail for item in results if item.detail},
        "hung for": results[5].seconds,
        "pipe": b"".join(pieces).decode(),
        "at its end": pieces[-1] == b"",
        "childless": childless(),
    }


def test_refusals_crashes_and_hangs_are_results_and_leave_nothing():
    seen = alone(simulated)
    assert {
        "refused": "missing capability.no-tool",
        "broken": "missing capability.broken",
        "chatter": "ok",
        "killed": "missing capability.gone",
        "left": "missing capability.gone",
        "hangs": "late capability.late",
        "built on refused": "untried capability.untried",
        "built on that": "untried capability.untried",
        "built on chatter": "ok",
    } == seen["outcomes"]
    assert {
        "refused": {"package": "wanted"},
        "broken": {"what": "KeyError: 'what is this'"},
        "killed": {"how": "-9"},
        "left": {"how": "3"},
        "hangs": {"seconds": 1.0},
    } == seen["values"]
    assert {"chatter": "a word", "built on chatter": "a word"} == seen["details"]
    assert seen["hung for"] >= 1.0
    assert seen["pipe"].startswith("?up"), "it had begun to hang"
    assert (True, True) == (seen["at its end"], seen["childless"])


def _interrupt() -> str:
    os.kill(os.getppid(), signal.SIGINT)
    return _hang(2)


def interrupted() -> list[object]:
    linux.prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        return list(examine([Probe("interrupts", "run", _interrupt)]))
    except KeyboardInterrupt:
        return ["interrupted", childless()]


def test_ctrl_c_leaves_nothing():
    assert ["interrupted", True] == alone(interrupted)


def under_a_careless_launcher() -> list[str]:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    probes = [probe for probe in standard_probes(Path) if probe.name in ("python", "terminal")]
    return [item.key or "ok" for item in examine([*probes, Probe("dies", "run", _die)])]


def test_a_launcher_that_ignores_the_end_of_children_changes_nothing():
    assert ["ok", "ok", "capability.gone"] == alone(under_a_careless_launcher)


def without_processes() -> list[str]:
    def fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    os.fork = fork
    before = os.listdir("/proc/self/fd")
    results = examine([Probe("one", "run", _chatter), Probe("two", "run", _chatter)])
    return [*(item.key for item in results), str(len(os.listdir("/proc/self/fd")) - len(before))]


def test_a_machine_full_of_processes_is_told():
    assert ["capability.no-process", "capability.no-process", "0"] == alone(without_processes)


@pytest.mark.parametrize(
    ("system", "pidfd_open", "key"),
    [
        ("Darwin", None, "capability.no-linux"),
        ("Linux", OSError(38, "Function not implemented"), "capability.old-kernel"),
    ],
)
def test_where_nothing_can_be_tried_that_is_the_one_result(monkeypatch, system, pidfd_open, key):
    def refuse(pid: int) -> int:
        raise pidfd_open

    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("os.pidfd_open", refuse)
    results = examine([Probe("never tried", "run", partial(os._exit, 1))])
    assert [("system", "run", "missing", key)] == [(r.name, r.need, r.outcome, r.key) for r in results]


def odd_programs(folder: str) -> dict[str, object]:
    """A reference program that ends at once, one that says nothing, and none at all."""
    linux.prctl(PR_SET_CHILD_SUBREAPER, 1)
    Path(folder, "ends.py").write_text("print('no luck'); raise SystemExit(3)")
    Path(folder, "silent.py").write_text("import signal; signal.pause()")
    Path(folder, "missing.py").mkdir()
    finds = {name: partial(_odd, folder, name) for name in ("ends", "silent", "missing", "refused")}
    probes = [
        Probe(name, "run", partial(capabilities.reference_programs, find), seconds=0.5 if name == "silent" else 5.0)
        for name, find in finds.items()
    ]
    results = examine(probes)
    return {"childless": childless()} | {
        item.name: [item.key, item.values.get("status"), item.values.get("shown", "")] for item in results
    }


def _odd(folder: str, name: str, role: object) -> Path:
    return Path(_refuse()) if name == "refused" else Path(folder, f"{name}.py")


def test_reference_programs_that_do_not_start_are_told_with_their_last_words(tmp_path):
    skip_if_refused(alone(tier_1))
    seen = alone(odd_programs, str(tmp_path))
    assert ["capability.program-ended", 3, "no luck"] == seen["ends"]
    assert "capability.late" == seen["silent"][0]
    assert "capability.program-ended" == seen["missing"][0]
    assert "can't find '__main__' module" in seen["missing"][2]
    assert ["capability.no-tool", None, ""] == seen["refused"]
    assert seen["childless"]


def tier_1() -> dict[str, str]:
    return outcomes(examine(standard_probes(Path)[:1]))


FAKES = {
    "refusing": "#!/bin/sh\necho 'Error: Operation not supported' >&2\nexit 1\n",
    "idle": '#!/bin/sh\necho \'{"nftables": [{"counter": {"name": "drop1", "packets": 0}}]}\'\n',
}


def odd_tools(folder: str) -> dict[str, list[object]]:
    """nft that refuses its rules, nft whose rules do nothing, and a bubblewrap that makes no sandbox."""
    capabilities._IDLE_SECONDS = 0.0
    seen: dict[str, list[object]] = {}
    for name, script in FAKES.items():
        place = Path(folder, name)
        place.mkdir()
        for command in ("nft", "bwrap"):
            (place / command).write_text(script)
            (place / command).chmod(0o755)
        os.environ["PATH"] = f"{place}:/usr/bin:/bin"
        results = examine([Probe("nft", "faults", capabilities.wire_faults), Probe("b", "run", capabilities.sandbox)])
        seen[name] = [value for item in results for value in (item.key, item.values.get("output"))]
    return seen


def test_tools_that_are_there_but_do_not_work_are_missing(tmp_path):
    skip_if_refused(alone(tier_1))
    words = "Error: Operation not supported"
    assert {
        "refusing": ["capability.nft-refused", words, "capability.no-sandbox", words],
        "idle": ["capability.nft-idle", None, "", None],
    } == alone(odd_tools, str(tmp_path))


def raised(attempt: Callable[[], str]) -> EnvironmentFault:
    with pytest.raises(EnvironmentFault) as caught:
        attempt()
    return caught.value


def test_remedies_can_be_typed(monkeypatch):
    assert "sudo apt install python3" in raised(lambda: capabilities.python((99, 0))).text("zh")
    assert "sudo apt install a-package" in raised(lambda: capabilities.tool(["no-such-tool"], "a-package")).text("en")

    little = raised(lambda: capabilities.disk_space(1 << 62))
    assert ("capability.no-space", (1 << 62) // 1_000_000) == (little.key, little.values["needed"])
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    assert "export TMPDIR=" in raised(capabilities.disk_space).text("zh")

    monkeypatch.setattr(locale, "setlocale", _no_locale)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    assert "--reinstall libc-bin" in raised(capabilities.text_encoding).text("en")
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "gbk"))
    wrong = raised(capabilities.text_encoding).text("zh")
    assert "gbk" in wrong
    assert "export LC_ALL=C.UTF-8" in wrong

    monkeypatch.setattr("os.openpty", _no_terminal)
    none = raised(capabilities.terminal)
    assert ("capability.no-terminal", "out of pty devices") == (none.key, none.values["why"])
    assert "mount -t devpts" in none.text("en")


def _no_locale(*arguments: object) -> str:
    raise locale.Error("unsupported locale setting")


def _no_terminal() -> tuple[int, int]:
    raise OSError("out of pty devices")
