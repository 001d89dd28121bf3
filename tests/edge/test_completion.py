"""Shell completion: what each shell offers, asked of the shell itself."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from wirelab.compose import labs, library
from wirelab.edge import cli, completing

BASH = """
eval "$(cat "$1")"
COMP_WORDS=("${@:2}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
_wirelab
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = 'source $argv[1]; complete -C (string join -- " " $argv[2..-1])'


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    options = argparse.Namespace(shell=shell, whole=cli._parser())
    assert 0 == completing.completion(options, "en")
    return capsys.readouterr().out


@pytest.fixture
def offered(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What bash offers where the last word is to be completed."""
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    (tmp_path / "script").write_text(script("bash", capsys), encoding="utf-8")
    for name in ("my client.py", "run-1", "q[1].py", "q1.py"):
        (tmp_path / name).touch()

    def ask(*words: str) -> set[str]:
        done = subprocess.run(
            ["bash", "--norc", "-c", BASH, "bash", "script", "wirelab", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "" == done.stderr
        return set(done.stdout.splitlines()) - {""}

    return ask


def test_bash_offers_commands_and_what_belongs_to_each(offered):
    assert {"run", "report"} <= offered("r")
    assert "--lang" in offered("-")
    assert {"en", "zh"} == offered("--lang", "")
    assert {"--client"} == offered("run", "--cl")
    assert {"new", "check", "export"} <= offered("report", "")
    assert {"--student"} == offered("report", "new", "--stu")
    assert "--student" not in offered("run", "--stu")


def test_bash_offers_labs_scenarios_and_protocols(offered):
    assert {name for name in library.names() if name.startswith("heartbeat/")} <= offered("run", "heartbeat/")
    assert set(labs.names()) <= offered("grade", "")
    assert {"line", "length"} == offered("analyze", "x.pcapng", "--protocol", "l")
    assert not set(library.names()) & offered("grade", "")
    assert set(library.names()) == offered("run", "2-heartbeat", "mine", "--only", "")


def test_bash_offers_files_where_files_are_meant(offered):
    assert {"my client.py"} == offered("lint", "my")
    assert {"run-1"} == offered("judge", "run")
    assert {"run-1"} == offered("run", "one", "-o", "run-")
    assert {"q[1].py", "q1.py"} == offered("lint", "q")


def test_zsh_reads_its_script_and_knows_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    if shutil.which("zsh") is None:
        pytest.skip("needs zsh")
    (tmp_path / "script").write_text(script("zsh", capsys), encoding="utf-8")
    asked = (
        "autoload -Uz compinit; compinit -u; source ./script; compadd() { shift; print -l -- $@ }; "
        "words=(wirelab report new --stu); CURRENT=4; _wirelab; words=(wirelab --lang ''); CURRENT=3; _wirelab"
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", asked],
        check=False,
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "" == done.stderr
    assert {"--student", "--form", "en", "zh"} <= set(done.stdout.splitlines())


def test_fish_offers_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    if shutil.which("fish") is None:
        pytest.skip("needs fish")
    file = tmp_path / "script"
    file.write_text(script("fish", capsys), encoding="utf-8")

    def ask(*words: str) -> set[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", FISH, str(file), *words],
            check=False,
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "" == done.stderr
        return {line.partition("\t")[0] for line in done.stdout.splitlines()}

    assert "--student" in ask("wirelab", "report", "new", "--stu")
    assert {"en", "zh"} == ask("wirelab", "--lang", "''")
    assert {"heartbeat/once-each"} <= ask("wirelab", "run", "heartbeat/o")
