"""Every program in tests/variants and tests/mutants is described, listed in its README, and builds.

Looks at files and compilers only; what the programs do is for the tests that play scenarios against them.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
ROLES = {"client", "server"}
VARIANTS = sorted(path.parent for path in TESTS.glob("variants/*/wirelab.toml"))
MUTANTS = sorted(path.parent for path in TESTS.glob("mutants/*/wirelab.toml"))


def name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def settings(folder: Path, file: str = "wirelab.toml") -> dict[str, str]:
    return tomllib.loads((folder / file).read_text(encoding="utf-8"))


def row(folder: Path) -> list[str]:
    """The cells of the line that README.md has for this folder."""
    text = (folder.parent / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(f"| `{folder.name}` |")]
    assert len(rows) == 1, f"README.md has {len(rows)} lines for {folder.name}"
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


def test_every_folder_is_a_submission() -> None:
    for kind, folders in (("variants", VARIANTS), ("mutants", MUTANTS)):
        present = {path for path in (TESTS / kind).iterdir() if path.is_dir() and path.name != "__pycache__"}
        assert set(folders) == present


@pytest.mark.parametrize("folder", VARIANTS + MUTANTS, ids=name)
def test_wirelab_toml_starts_programs_that_are_there(folder: Path) -> None:
    chosen = settings(folder)
    assert set(chosen) <= ROLES | {"build"}
    assert ROLES & set(chosen)
    sources = {path.name for path in folder.iterdir()}
    for role in ROLES & set(chosen):
        words = shlex.split(chosen[role])
        if "build" not in chosen:
            assert words[-1] in sources
        else:
            stem = words[-1].removeprefix("./")
            assert {f"{stem}.c", f"{stem}.java", f"{stem}.rs"} & sources
            assert stem in chosen["build"]


@pytest.mark.parametrize("folder", VARIANTS, ids=name)
def test_readme_lists_the_variant(folder: Path) -> None:
    assert row(folder)[1] == " and ".join(sorted(ROLES & set(settings(folder))))


@pytest.mark.parametrize("folder", MUTANTS, ids=name)
def test_mutant_says_what_is_wrong_with_it(folder: Path) -> None:
    mutant = settings(folder, "mutant.toml")
    assert set(mutant) - {"timing"} == {"role", "fault", "symptom", "scenario", "codes", "causes"}
    assert set(settings(folder)) - {"build"} == {mutant["role"]}
    assert mutant["fault"].strip()
    assert mutant["symptom"].strip()
    cells = row(folder)
    assert cells[1] == mutant["role"]
    assert cells[3] == mutant["fault"]


@pytest.mark.parametrize("folder", VARIANTS + MUTANTS, ids=name)
def test_builds(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    chosen = settings(folder)
    for source in copy.glob("*.py"):
        compile(source.read_bytes(), source.name, "exec")
    if "build" in chosen:
        words = shlex.split(chosen["build"])
        run(words, copy)
        for role in ROLES & set(chosen):
            stem = shlex.split(chosen[role])[-1]
            assert (copy / stem).exists() or (copy / f"{stem}.class").exists()
    for source in sorted(copy.glob("*.js")):
        run(["node", "--check", source.name], copy)


def run(words: list[str], folder: Path) -> None:
    if shutil.which(words[0]) is None:
        pytest.skip(f"needs {words[0]}")
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)
