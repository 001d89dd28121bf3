"""The wheel alone is the whole kit: built here, installed into an empty environment, used away from the checkout.

In CI its dependencies are installed from the package index, as a student's `pip install` would. Elsewhere nothing is
fetched: the new environment borrows the libraries of the one that runs the tests, but not its editable wirelab,
which hangs on a `.pth` file that Python reads in a site folder only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pexpect
import pytest

import wirelab

ROOT = Path(__file__).parent.parent
LIMIT = 300  # seconds for any one command here, most of which take less than one


def run(*command: str | Path, cwd: Path, status: int | None = 0) -> str:
    """What ``command`` prints on stdout; ``status``: the exit status it must have, None for any."""
    outer = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_ADDOPTS")
    env = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert status in {None, done.returncode}, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of an environment that holds the wheel."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=True)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", "-qq"]
    if os.environ.get("CI"):
        run(*pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=home)
    else:
        run(*pip, "--no-deps", "--no-index", wheel, cwd=home)
        (site,) = home.glob("lib/python*/site-packages")
        (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return home / "bin"


def kit_says(installed: Path, cwd: Path, expression: str) -> str:
    code = f"from wirelab.compose import kit; print({expression})"
    return run(installed / "python", "-c", code, cwd=cwd).rstrip("\n")


def test_the_wheel_holds_the_kit_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    carried = {name.removeprefix("wirelab/kit/") for name in names if name.startswith("wirelab/kit/")}
    tracked = {
        str(path.relative_to(ROOT))
        for part in ("labs", "reference", "scenarios")
        for path in (ROOT / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tracked == carried
    assert {"wirelab", f"wirelab-{wirelab.__version__}.dist-info"} == {name.partition("/")[0] for name in names}
    assert not [name for name in names if "__pycache__" in name or "tests" in name]
    assert "wirelab/stage/injected/sitecustomize.py" in names  # no package of ours: it is put into students' programs


def test_the_environment_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    assert str(installed.parent) in kit_says(installed, tmp_path, "kit.__file__")


def test_the_kit_is_found(installed: Path, tmp_path: Path) -> None:
    assert "client.py server.py" == kit_says(
        installed, tmp_path, "*(kit.reference_program(role).name for role in ('client', 'server'))"
    )
    assert "line" in kit_says(installed, tmp_path, "kit.protocol_names()")
    assert "scenarios/protocols/line.yaml" == kit_says(installed, tmp_path, "kit.protocol_text('line')[1]")


def test_the_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert f"wirelab {wirelab.__version__}\n" == run(installed / "wirelab", "--version", cwd=tmp_path)


def test_the_command_helps(installed: Path, tmp_path: Path) -> None:
    assert "wirelab" in run(installed / "wirelab", "--help", cwd=tmp_path)


def test_a_scenario_is_played_by_its_name(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "wirelab", "run", "messaging/one-line", cwd=tmp_path)
    assert "pass" in said.lower()


def test_whoever_writes_a_scenario_needs_no_checkout(installed: Path, tmp_path: Path) -> None:
    """In an empty folder: a skeleton, an edit, a mistake, the run, pytest."""
    command, path = installed / "wirelab", tmp_path / "my-first.yaml"
    run(command, "new", "scenario", "messaging/my-first", cwd=tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "hello" in text
    path.write_text(text.replace("hello", "good morning").replace("type,", "tipe,", 1), encoding="utf-8")
    run(command, "lint", path.name, cwd=tmp_path, status=65)
    path.write_text(text.replace("hello", "good morning"), encoding="utf-8")
    assert "my-first.yaml: ok" in run(command, "lint", path.name, cwd=tmp_path)
    assert "good morning" in run(command, "run", path.name, cwd=tmp_path)
    said = run(installed / "python", "-m", "pytest", path.name, "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert "1 passed" in said


def test_a_scenario_can_be_recorded_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    outer = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_ADDOPTS")
    person = pexpect.spawn(
        str(installed / "wirelab"),
        ["record", "messaging/mine", "--title", "One line", "--title-zh", "一行", "--replays", "1", "--lang", "en"],
        cwd=str(tmp_path),
        env={name: value for name, value in os.environ.items() if name not in outer},
        timeout=LIMIT,
        encoding="utf-8",
        dimensions=(40, 120),
    )
    person.expect_exact("Enter message to send: ")
    for line, until in (("hello", "): hello"), ("/quit", "Disconnected")):
        person.send(f"{line}\r")
        person.expect_exact(until)
    person.send("\x1d")
    person.expect_exact("help ──")
    person.send("q")
    person.expect(pexpect.EOF)
    person.close()
    assert 0 == person.exitstatus
    assert "{alice: type, text: hello}" in (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    assert "0 failed" in run(installed / "wirelab", "run", "mine.yaml", cwd=tmp_path)
