"""Wireshark, started and left to the person: a program of that name on the PATH stands in for it."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from tests.edge.command import until
from wirelab.base.errors import EnvironmentFault
from wirelab.stage import viewers

# Tells what it was started with, and then stays until the file `end` is there.
FAKE = """#!/bin/sh
printf '%s\\n' "$@" > "$OUT/args"
while [ $# -gt 0 ]; do
    case $1 in lua_script:*) cat "${1#lua_script:}" > "$OUT/script" ;; esac
    shift
done
ps -o sid= -p $$ > "$OUT/session"
echo $$ > "$OUT/pid"
touch "$OUT/ready"
while [ ! -e "$OUT/end" ]; do sleep 0.05; done
"""


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the fake Wireshark writes into; another is where temporary files go."""
    program = tmp_path / "bin" / "wireshark"
    for name in ("bin", "out", "temporary"):
        (tmp_path / name).mkdir()
    program.write_text(FAKE, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("OUT", str(tmp_path / "out"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "out"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end is waited for, however slow the machine is."""
    monkeypatch.setattr(viewers, "BEGINS", 60.0)


def test_it_gets_the_capture_and_the_script_and_lives_on_by_itself(out: Path, tmp_path: Path):
    capture = tmp_path / "-n; touch x; .pcapng"  # no shell reads it
    capture.touch()
    pid = viewers.open_capture(capture, "-- the script, 心跳\n")
    try:
        assert until((out / "ready").exists)
        words = (out / "args").read_text("utf-8").splitlines()
        assert ["-r", str(capture)] == words[-2:]
        assert "-- the script, 心跳\n" == (out / "script").read_text("utf-8")
        assert os.getsid(0) != int((out / "session").read_text("utf-8")) == os.getsid(pid)
        (folder,) = (tmp_path / "temporary").iterdir()
        assert 0o700 == stat.S_IMODE(folder.stat().st_mode), "nobody else may put a script there"
    finally:
        (out / "end").touch()
    assert until(lambda: not list((tmp_path / "temporary").iterdir())), "the script goes when Wireshark does"
    os.waitpid(pid, 0)


def test_the_script_goes_also_when_wireshark_is_killed(out: Path, tmp_path: Path):
    (tmp_path / "a.pcapng").touch()
    pid = viewers.open_capture(tmp_path / "a.pcapng", "--\n")
    assert until((out / "ready").exists)
    os.kill(int((out / "pid").read_text("utf-8")), signal.SIGKILL)
    assert until(lambda: not list((tmp_path / "temporary").iterdir()))
    os.waitpid(pid, 0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_that_ends_at_once_is_told_in_its_own_words(out: Path, tmp_path: Path, language, capfd, patient: None):
    program = tmp_path / "bin" / "wireshark"
    program.write_text("#!/bin/sh\necho 'could not connect to display :99' >&2\nexit 134\n", encoding="utf-8")
    (tmp_path / "a.pcapng").touch()
    with pytest.raises(EnvironmentFault) as caught:
        viewers.open_capture(tmp_path / "a.pcapng", "--\n")
    told = caught.value.text(language)
    assert "134" in told
    assert told.endswith("could not connect to display :99")
    assert [] == list((tmp_path / "temporary").iterdir())
    assert "" == capfd.readouterr().err


def test_of_one_that_says_much_the_beginning_is_told_and_nothing_more_is_kept(out: Path, tmp_path: Path, patient: None):
    program = tmp_path / "bin" / "wireshark"
    program.write_text("#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x >&2\nexit 3\n", encoding="utf-8")
    (tmp_path / "a.pcapng").touch()
    with pytest.raises(EnvironmentFault) as caught:
        viewers.open_capture(tmp_path / "a.pcapng", "--\n")
    assert caught.value.text("en").endswith(f"status 3: {'x' * viewers.MOST_SAID}")
    assert [] == list((tmp_path / "temporary").iterdir())


def test_a_shell_that_cannot_be_started_leaves_nothing(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.pcapng").touch()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(11, "no more processes")

    monkeypatch.setattr("subprocess.Popen", refuse)
    with pytest.raises(EnvironmentFault, match="no more processes"):
        viewers.open_capture(tmp_path / "a.pcapng", "--\n")
    assert [] == list((tmp_path / "temporary").iterdir())


def test_one_that_hands_over_to_another_has_not_failed(out: Path, tmp_path: Path, patient: None):
    (tmp_path / "bin" / "wireshark").write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    (tmp_path / "a.pcapng").touch()
    assert viewers.open_capture(tmp_path / "a.pcapng", "--\n") > 0
    assert [] == list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_wireshark_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault) as caught:
        viewers.open_capture(tmp_path / "a.pcapng", "--\n")
    assert "apt install wireshark" in caught.value.text(language)


def test_without_a_display_it_says_so(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(EnvironmentFault, match="needs a graphical display"):
        viewers.open_capture(tmp_path / "a.pcapng", "--\n")
    assert [] == list((tmp_path / "temporary").iterdir())
