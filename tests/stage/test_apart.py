"""A fresh Python for one piece of work: what it answers, and that it never outlives whoever wants the answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import wirelab
from tests.edge.command import PATIENCE, until
from wirelab.base.errors import HarnessBug
from wirelab.stage import apart

HEAD = """\
import os, signal, sys
from wirelab.stage import apart
answer = apart.begun(int(sys.argv[1]))
"""
FOR_EVER = HEAD + "open(sys.argv[2], 'w').write(str(os.getpid()))\nsignal.pause()\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the module ``piece`` is written to, which a fresh Python finds."""
    path = [str(tmp_path), str(Path(wirelab.__file__).parents[1])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    return tmp_path / "piece.py"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def begun(file: Path) -> bool:
    return file.exists() and file.read_text() != ""


def test_bytes_go_in_and_bytes_come_out(module: Path):
    module.write_text(
        HEAD + "print('not of the answer')\nanswer(sys.argv[2].encode() + sys.stdin.buffer.read()[::-1])\n"
    )
    data = bytes(range(256)) * 4096
    assert b"word" + data[::-1] == apart.run("piece", data, lambda: False, ["word"])


def test_it_has_a_session_of_its_own(module: Path):
    module.write_text(HEAD + "answer(str(os.getsid(0) == os.getpid()).encode())\n")
    assert b"True" == apart.run("piece", b"", lambda: False)


@pytest.mark.parametrize(
    ("end", "how"), [("raise ValueError('no such luck')", "status 1"), ("os.kill(os.getpid(), 9)", "SIGKILL")]
)
def test_without_an_answer_it_is_told_what_it_said(module: Path, end: str, how: str):
    module.write_text(HEAD + f"print('so far so good', flush=True)\n{end}\n")
    with pytest.raises(HarnessBug) as caught:
        apart.run("piece", b"", lambda: False)
    assert f"({how}):" in str(caught.value)
    assert "so far so good" in str(caught.value)
    assert how == "SIGKILL" or "no such luck" in str(caught.value)


def test_what_nobody_wants_is_not_begun(module: Path):
    module.write_text(HEAD + "open(sys.argv[2], 'w').write('begun')\nanswer(b'')\n")
    file = module.parent / "begun"
    with pytest.raises(apart.Unwanted):
        apart.run("piece", b"", lambda: True, [str(file)])
    assert not file.exists()


@pytest.mark.parametrize("stubborn", [False, True])
def test_what_nobody_wants_any_more_is_ended(module: Path, stubborn: bool, monkeypatch: pytest.MonkeyPatch):
    """Also one that will not be interrupted."""
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if stubborn else ""
    module.write_text(FOR_EVER.replace("open(", f"{deaf}open("))
    monkeypatch.setattr(apart, "END_SECONDS", 0.2 if stubborn else PATIENCE)
    file = module.parent / "begun"
    with pytest.raises(apart.Unwanted):
        apart.run("piece", b"", lambda: begun(file), [str(file)])
    assert not alive(int(file.read_text()))


def test_it_ends_with_whoever_started_it(module: Path):
    """Killed, so that it can say nothing any more; the work then cleans up as after Ctrl-C."""
    file = module.parent / "begun"
    cleaned = "try:\n    signal.pause()\nfinally:\n    open(sys.argv[2], 'a').write(' cleaned')\n"
    module.write_text(FOR_EVER.replace("signal.pause()\n", cleaned))
    code = "import sys; from wirelab.stage import apart; apart.run('piece', b'', lambda: False, sys.argv[1:])"
    starter = subprocess.Popen([sys.executable, "-c", code, str(file)])
    try:
        assert until(lambda: begun(file), PATIENCE)
    finally:
        starter.kill()
        starter.wait()
    pid = int(file.read_text().split()[0])
    assert until(lambda: not alive(pid))
    assert f"{pid} cleaned" == file.read_text()


def test_whose_starter_is_gone_before_it_begins_does_not_begin(module: Path):
    module.write_text(HEAD + "answer(b'begun')\n")
    orphan = [sys.executable, "-m", "piece", "1"]  # not started by process 1
    done = subprocess.run(orphan, capture_output=True, check=False, timeout=PATIENCE)
    assert b"" == done.stdout
    assert b"KeyboardInterrupt" in done.stderr
