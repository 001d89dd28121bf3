"""The autograder's zip: what is in it, and its two scripts, really run in a tree that stands for Gradescope's image.

Only ``apt-get`` is not the real one, and the wheel is one that leads to the checkout, as an editable installation does:
so nothing is fetched. (``tests/test_wheel.py`` installs the real wheel.)
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import wirelab
from wirelab.base.errors import InputError
from wirelab.compose import kit, labs
from wirelab.compose.autograder import autograder

LIMIT = 120  # seconds for any one script, on a machine with much else to do
HARNESS = Path(wirelab.__file__).parent.parent
LAB = """\
lab: tiny
title: {en: A tiny lab, zh: 小实验}
hours: 1
hands_in: [client]
objectives: [{en: To say hello, zh: 问好}]
shown: [test/hello]
hidden: [test/s3cr3t]
rubric:
  - {points: 60, title: {en: Says hello, zh: 问好}, of: [{scenario: test/hello, check: messages}]}
  - {points: 40, title: {en: Says more, zh: 多说几句}, of: [{scenario: test/s3cr3t, check: messages}]}
"""
SCENARIO = """\
scenario: test/hello
title: {en: A line, zh: 一行}
tests: client
cast: {server: {role: server}, alice: {role: client}}
script:
  - {start: server, until: Listening on}
  - {start: alice, until: Connected to}
  - {alice: type, text: hello}
  - {alice: type, text: /quit}
  - {alice: exits, status: 0}
expect:
  - {messages: alice, sent: [hello]}
"""
MUTE = 'import socket, sys\nsocket.create_connection((sys.argv[1], int(sys.argv[2])))\nprint("Connected to", flush=True)\ninput()\n'


def make_lab(folder: Path) -> labs.LoadedLab:
    """A lab of its own: one scenario shown, one hidden."""
    hidden = SCENARIO.replace("test/hello", "test/s3cr3t").replace("hello", "psst")
    for name, text in {
        "lab.yaml": LAB,
        "scenarios/test/hello.yaml": SCENARIO,
        "scenarios/test/s3cr3t.yaml": hidden,
        "handout.md": "# A tiny lab\n",
        "starter/client.py": MUTE,
    }.items():
        path = folder / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return labs.load(folder / "tiny", hidden=True)


def make_wheel(folder: Path, *leads_to: str) -> Path:
    """A wheel of wirelab that leads to this checkout, and to the libraries of this environment, or wherever these are."""
    places = leads_to or (str(HARNESS), sysconfig.get_path("purelib"))
    name = f"wirelab-{wirelab.__version__}"
    about = f"{name}.dist-info"
    files = {
        "checkout.pth": "".join(f"{place}\n" for place in places),
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: wirelab\nVersion: {wirelab.__version__}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\nwirelab = wirelab.edge.cli:main\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{about}/RECORD"])
    wheel = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(file, text)
    return wheel


def opened(packed: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(BytesIO(packed))


# what is in it


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    return autograder(make_lab(tmp_path), None, "en")


def test_both_scripts_lie_at_the_root_ready_to_be_started(packed: bytes) -> None:
    archive = opened(packed)
    for name in ("setup.sh", "run_autograder"):
        assert 0o755 == stat.S_IMODE(archive.getinfo(name).external_attr >> 16)
        assert archive.read(name).startswith(b"#!/usr/bin/env bash\n")
    assert {"setup.sh", "run_autograder", "lab"} == {name.partition("/")[0] for name in archive.namelist()}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_bash_reads_the_scripts(tmp_path: Path, language: str, script: str) -> None:
    text = opened(autograder(make_lab(tmp_path), None, "zh" if language == "zh" else "en")).read(script)
    assert not re.search(rb"@[A-Z]+@", text)  # every word is filled in
    assert b"://" not in text  # whoever installs says where from, by pip's own settings
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, check=False, timeout=LIMIT)
    assert (0, b"") == (done.returncode, done.stderr)


def test_the_lab_travels_whole_and_nothing_that_students_have_already(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "one")
    opened(autograder(lab, None, "en")).extractall(tmp_path / "two")
    there = labs.load(tmp_path / "two" / "lab" / "tiny", hidden=True)
    assert lab.lab == there.lab
    assert lab.scenarios == there.scenarios
    assert not list((tmp_path / "two").rglob("starter"))


def test_a_lab_of_the_kit_takes_its_scenarios_along(tmp_path: Path) -> None:
    lab = labs.load(labs.found("heartbeat-client"), hidden=True)
    opened(autograder(lab, None, "en")).extractall(tmp_path)
    there = labs.load(tmp_path / "lab" / "heartbeat-client", hidden=True)
    assert lab.scenarios == there.scenarios
    files = {str(path.relative_to(there.folder / "scenarios")) for path in there.folder.glob("scenarios/*/*.yaml")}
    assert {f"{name}.yaml" for name in lab.scenarios} == files


def test_the_same_lab_gives_the_same_bytes(tmp_path: Path, packed: bytes) -> None:
    assert packed == autograder(labs.load(tmp_path / "tiny", hidden=True), None, "en")


def test_without_a_wheel_this_version_is_asked_for_by_name(packed: bytes) -> None:
    assert f"wirelab=={wirelab.__version__}\n" in opened(packed).read("setup.sh").decode()


@pytest.mark.parametrize("name", ["wirelab.zip", "other-1.0-py3-none-any.whl", "wirelab-1.0-py3-none-any.whl"])
def test_what_is_no_wheel_of_wirelab_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK no zip")
    with pytest.raises(InputError, match="no wheel of wirelab"):
        autograder(make_lab(tmp_path), tmp_path / name, "en")
    with pytest.raises(InputError, match="cannot read"):
        autograder(labs.load(tmp_path / "tiny", hidden=True), tmp_path / "none-1-py3-none-any.whl", "en")


# what its scripts do


class Image:
    """A tree like ``/autograder``, set up by ``setup.sh`` as a person would see it done."""

    def __init__(self, home: Path) -> None:
        self.root, self.bin, self.asked = home / "autograder", home / "bin", home / "asked"
        self.bin.mkdir()
        apt = self.bin / "apt-get"
        apt.write_text(f'#!/bin/sh\necho "$@" >>{self.asked}\n', encoding="utf-8")
        apt.chmod(0o755)
        source = self.root / "source"
        with opened(autograder(make_lab(home), make_wheel(home), "en")) as archive:
            for info in archive.infolist():
                Path(archive.extract(info, source)).chmod(stat.S_IMODE(info.external_attr >> 16))
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        path = f"{self.bin}:{os.environ['PATH']}"
        self.env = kept | {"AUTOGRADER_ROOT": str(self.root), "PATH": path, "PYTHON": sys.executable}

    def setup(self) -> subprocess.CompletedProcess[str]:
        return self.run([self.root / "source" / "setup.sh"], {"PIP_NO_INDEX": "1"})

    def grade(self, files: dict[str, str], *before: str) -> tuple[int, dict[str, Any], str]:
        """The exit status, results.json, and what was printed, for a submission with these files."""
        submission = self.root / "submission"
        shutil.rmtree(submission, ignore_errors=True)
        submission.mkdir()
        for name, text in files.items():
            (submission / name).write_text(text, encoding="utf-8")
        (self.root / "results").mkdir(exist_ok=True)
        (self.root / "results" / "results.json").write_text('{"score": 100}', encoding="utf-8")  # of the one before
        options = {} if _sandboxed() else {"WIRELAB_OPTIONS": "--no-sandbox"}
        done = self.run([*before, self.root / "source" / "run_autograder"], options)
        assert "" == done.stderr
        results = json.loads((self.root / "results" / "results.json").read_text(encoding="utf-8"))
        return done.returncode, results, done.stdout

    def run(self, words: list[Any], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, words)],
            cwd=self.root,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )


def _sandboxed() -> bool:
    words = ["bwrap", "--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "true"]
    return shutil.which("bwrap") is not None and not subprocess.run(words, capture_output=True, check=False).returncode


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    image = Image(tmp_path_factory.mktemp("gradescope"))
    done = image.setup()
    assert 0 == done.returncode, done.stderr
    assert f"wirelab {wirelab.__version__}\n" == done.stdout[done.stdout.rindex("wirelab ") :]
    return image


def test_setup_asks_for_what_grading_needs_and_shuts_its_files(image: Image) -> None:
    asked = image.asked.read_text(encoding="utf-8")
    assert asked.startswith("update\ninstall -y --no-install-recommends ")
    assert {"bubblewrap", "nftables", "python3-venv", "gcc"} <= set(asked.split())
    assert [] == [path for path in (image.root / "source").rglob("*") if path.stat().st_mode & 0o077]


def test_a_correct_program_gets_its_points_and_the_hidden_scenario_stays_hidden(image: Image) -> None:
    reference = kit.reference_program("client").read_text(encoding="utf-8")
    status, results, _ = image.grade({"client.py": reference})
    assert (0, 100) == (status, results["score"])
    assert results["execution_time"] > 0
    shown = [(test["name"], test["score"], test["max_score"], test["visibility"]) for test in results["tests"]]
    assert [("Says hello", 60, 60, "visible"), ("Says more", 40, 40, "after_published")] == shown
    assert "s3cr3t" not in json.dumps(results)
    assert "psst" not in json.dumps(results)


def test_a_wrong_program_loses_its_points(image: Image) -> None:
    status, results, _ = image.grade({"client.py": MUTE})
    assert (0, 0) == (status, results["score"])
    assert "WL2" in results["tests"][0]["output"]


def test_what_cannot_be_started_gets_zero_and_the_reason(image: Image) -> None:
    status, results, _ = image.grade({"notes.txt": "I am sorry"})
    assert (0, 0) == (status, results["score"])
    assert "notes.txt" in results["output"]


def test_a_machine_that_refuses_gives_no_score_and_says_so(image: Image) -> None:
    refuse = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0"'
    words = ("unshare", "--user", "--map-root-user", "sh", "-c", refuse)
    if subprocess.run([*words[:3], "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces")
    status, results, out = image.grade({"client.py": MUTE}, *words)
    assert 1 == status
    assert {"output", "output_format", "stdout_visibility", "tests"} == set(results)
    assert [] == results["tests"]
    assert results["output"].startswith("Not graded, and no score")
    assert "private network" in results["output"]
    assert "sysctl" in results["output"]  # the remedy
    assert results["output"] in out


def test_an_image_without_wirelab_gives_no_score_and_says_so(image: Image, tmp_path: Path) -> None:
    broken = Image(tmp_path)
    status, results, _ = broken.grade({"client.py": MUTE})
    assert (1, []) == (status, results["tests"])
    assert "setup.sh failed" in results["output"]


def test_an_error_gives_no_score_and_no_detail_to_students(image: Image) -> None:
    image.env["WIRELAB_OPTIONS"] = "--jobs none"
    try:
        done = image.run([image.root / "source" / "run_autograder"], {})
    finally:
        del image.env["WIRELAB_OPTIONS"]
    results = json.loads((image.root / "results" / "results.json").read_text(encoding="utf-8"))
    assert (1, []) == (done.returncode, results["tests"])
    assert "standard output" in results["output"]
    assert "--jobs" in done.stdout
    assert "--jobs" not in results["output"]
