"""What wirelab gives to Wireshark, editors and platforms: the page on it can be followed, and its files are what they say."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.edge.command import Command, inside, until
from wirelab.edge import cli, editor_arguments, workflow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("editors.md", "editors.zh.md")]
OWN = """
protocol: my-protocol
framing: {kind: line}
messages:
  - {name: message, from: client, pattern: 'SAY (?P<text>.*)', template: 'SAY {text}'}
"""


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """A command that must do; what it printed."""
    done = inside(capsys, *words)
    assert (0, "") == (done.status, done.err), done
    return done.out


@pytest.fixture(autouse=True)
def _wired(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands, as ``edge/cli.py`` has them; where it has them already, nothing is added."""
    made = cli._parser

    def parser() -> cli._Parser:
        whole = made()
        commands = _below(whole)
        shared = cli._Parser(add_help=False)
        if "dissector" not in commands.choices:
            editor_arguments.add_dissector(commands, shared)
            editor_arguments.add_open(commands, shared)
            editor_arguments.add_completion(commands, shared, whole)
        kinds = _below(commands.choices["new"])
        if "workflow" not in kinds.choices:
            workflow.add_workflow(kinds, shared)
        return whole

    monkeypatch.setattr(cli, "_parser", parser)


def _below(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    return next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))


@pytest.fixture
def wireshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name that writes down how it was started."""
    program = tmp_path / "bin" / "wireshark"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/part"\ncat "${{2#lua_script:}}" >> "{tmp_path}/part"\n'
        f'mv "{tmp_path}/part" "{tmp_path}/started"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":99")
    return tmp_path / "started"


def test_both_pages_give_the_same_commands():
    assert commands(PAGES[0]) == commands(PAGES[1])
    assert 11 == len(commands(PAGES[0]))


def test_every_command_of_the_page_does(
    command: Command, wireshark: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder = command.folder
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (folder / "my-protocol.yaml").write_text(OWN, encoding="utf-8")
    for line in commands(PAGES[0]):
        wanted, _, target = line.partition(" > ")
        program, *words = shlex.split(wanted)
        if program == "tshark":
            if shutil.which("tshark") is None:
                pytest.skip("needs tshark")
            done = subprocess.run(shlex.split(wanted), capture_output=True, text=True, timeout=60, check=True)
            assert "heartbeat-ack 1" in done.stdout
        elif words[0] == "run":
            done_run = command(*words)
            assert done_run.status in (0, 2), done_run
            shutil.copy(folder / "lastrun" / "capture.pcapng", folder / "lab.pcapng")
        elif words[0] == "open":
            assert "capture.pcapng" in (said := run(capsys, *words)) or "lab.pcapng" in said
            assert until(wireshark.exists)
            assert 'filter = "wirelab_line"' in wireshark.read_text("utf-8")
            wireshark.unlink()
        else:
            out = run(capsys, *words)
            if target:
                assert out
                (folder / target).write_text(out, encoding="utf-8")
    assert (ROOT / "scenarios" / "schema.json").read_text("utf-8") == (folder / "scenario.schema.json").read_text(
        "utf-8"
    )
    assert "port = 9000," in (folder / "mine.lua").read_text("utf-8")
    assert 2 == len(list(folder.glob("*.lua")))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dissector", "lien"], "there is no protocol profile 'lien' (did you mean 'line'?)"),
        (["dissector", "--port", "0"], "a TCP port is a number from 1 to 65535, not '0'"),
        (["dissector", "--port", "12001x"], "not '12001x'"),
        (["open", "nothing"], "nothing is neither a run folder"),
        (["open", "."], ". is neither a run folder"),
        (["open", "text"], "text"),
        (["new", "workflow", "2-heartbaet"], "did you mean '2-heartbeat'?"),
        (["new", "workflow", "./2-heartbeat"], "2-heartbeat"),
    ],
)
def test_what_cannot_be_is_told(here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str):
    (here / "text").write_text("no capture", encoding="utf-8")
    done = inside(capsys, *words)
    assert done.status in (64, 66)
    assert "" == done.out
    assert said in done.err


def test_open_says_what_to_install(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    (here / "a.pcapng").write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))  # no packets
    monkeypatch.setenv("PATH", str(here))
    done = inside(capsys, "open", "a.pcapng")
    assert 69 == done.status
    assert "apt install wireshark" in done.err


def test_the_workflow_plays_the_lab_and_sums_up(here: Path, capsys: pytest.CaptureFixture[str]):
    text = run(capsys, "new", "workflow", "2-heartbeat")
    plan = yaml.safe_load(text)
    (job,) = plan["jobs"].values()
    steps = {step.get("name"): step for step in job["steps"]}
    assert {"contents": "read"} == plan["permissions"]
    assert "wirelab run 2-heartbeat . -o runs --json > runs.json" == steps["Play"]["run"]
    assert "@" not in re.sub(r"actions/[a-z-]+@v\d", "", text)
    assert not re.search(r"https?://|\.(org|com|io)\b", text)
    done = {
        "lab": "2-heartbeat",
        "points": 87.5,
        "of": 100.0,
        "judgements": [{"scenario": "heartbeat/once-each", "verdict": "fail"}, {"scenario": "a", "verdict": "pass"}],
    }
    (here / "runs.json").write_text(json.dumps(done), encoding="utf-8")
    summary = here / "summary.md"
    script = steps["Summary"]["run"].replace("python -", f"{shlex.quote(sys.executable)} -", 1)
    subprocess.run(
        ["bash", "-ec", script], env=os.environ | {"GITHUB_STEP_SUMMARY": str(summary)}, timeout=60, check=True
    )
    said = summary.read_text("utf-8")
    assert "## 2-heartbeat: 87.5 / 100" in said
    assert "| `heartbeat/once-each` | ✗ fail |" in said


def test_the_workflow_finds_a_lab_of_the_repository(here: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copytree(ROOT / "labs" / "1-messaging", here / "labs" / "mine")
    text = run(capsys, "new", "workflow", "labs/mine/")
    (job,) = yaml.safe_load(text)["jobs"].values()
    assert "wirelab run labs/mine . -o runs --json > runs.json" in [step.get("run") for step in job["steps"]]
    assert "a folder of this repository, labs/mine:" in text
    os.chdir(here / "labs")
    assert "wirelab run mine . " in run(capsys, "new", "workflow", "mine")
    (here / "my labs").symlink_to(here / "labs")
    for place in (here / "labs" / "mine", "../labs/mine", "../my labs/mine"):
        done = inside(capsys, "new", "workflow", str(place))
        assert (64, "") == (done.status, done.out)
        assert "call this where the repository begins" in done.err


def test_the_container_installs_what_the_checks_need():
    needed = set(re.findall(r"^need \S+ (\S+)$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE))
    dockerfile = (ROOT / ".devcontainer" / "Dockerfile").read_text("utf-8")
    installed = set(re.findall(r"[a-z0-9.+-]+", dockerfile.partition("--no-install-recommends")[2].partition("&&")[0]))
    assert needed
    assert needed <= installed
    lines = (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8").splitlines()
    told = json.loads("\n".join(line for line in lines if not line.strip().startswith("//")))
    assert "Dockerfile" == told["build"]["dockerfile"]
    assert not [word for word in told["runArgs"] if "privileged" in word or "cap-add" in word]
