"""What the reader of a page has at some point: a program of their own, a class's archive, the sheets of a platform."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RIGHT = ROOT / "reference" / "client.py"
QUEUED = ROOT / "tests" / "variants" / "queued-threads" / "client.py"
STARTER = ROOT / "labs" / "2-heartbeat" / "starter" / "client.py"
DEAF = ROOT / "tests" / "mutants" / "heartbeat-only-after-enter" / "client.py"
CUT = ROOT / "tests" / "mutants" / "heartbeat-recv-is-message" / "client.py"
NAMES = {
    "en": ("Ada Lovelace", "Lei Li", "Grace Hopper", "Alan Turing", "Edsger Dijkstra"),
    "zh": ("李雷", "韩梅梅", "王芳", "张伟", "刘洋"),
}
ROSTERS = {"en": ("participants.csv", "number,name"), "zh": ("名单.csv", "学号,姓名")}
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 2 (4711)
    Points Possible,,,,,100.00
{0},501,20230001,,Net,
{1},502,20230002,,Net,
{2},503,20230003,,Net,EX
"Student, Test",504,,,Net,
"""
MOODLE = """Identifier,"Full name",Grade,"Maximum Grade","Last modified (grade)","Feedback comments"
"Participant 41","{0}",,100.00,-,
"Participant 42","{1}",,100.00,-,
"""


def put(what: str, folder: Path, language: str) -> None:
    """Put what a page gives this name into its reader's folder. Raises KeyError for a name that is none."""
    _GIVEN[what](folder, language)


def _my_client(folder: Path, _: str) -> None:
    shutil.copy(DEAF, folder / "my_client.py")


def _mended_client(folder: Path, _: str) -> None:
    shutil.copy(RIGHT, folder / "my_client.py")


def _checkout(folder: Path, _: str) -> None:
    for part in ("labs", "reference"):
        (folder / part).symlink_to(ROOT / part)


def _class(folder: Path, language: str) -> None:
    """All is right, the lab's starter, a usual mistake, a program in C that the compiler refuses, and nothing handed in."""
    first, second, third, fourth, _ = names = NAMES[language]
    sources = {f"{one}/client.py": path for one, path in ((first, RIGHT), (second, STARTER), (third, CUT))}
    archive = {name: path.read_text(encoding="utf-8") for name, path in sources.items()}
    _zip(folder, archive | {f"{fourth}/client.c": "int main(void) { return 0 }\n"})
    roster, head = ROSTERS[language]
    rows = "".join(f"2023000{at},{one}\n" for at, one in enumerate(names, 1))
    (folder / roster).write_text(f"{head}\n{rows}", encoding="utf-8")


def _late(folder: Path, language: str) -> None:
    """The fifth has handed in, too."""
    with zipfile.ZipFile(folder / "submissions.zip") as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    _zip(folder, files | {f"{NAMES[language][4]}/client.py": QUEUED.read_text(encoding="utf-8")})


def _zip(folder: Path, files: Mapping[str, str]) -> None:
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def _rubric(folder: Path, _: str) -> None:
    """The lab with ten points more for the first item, and ten fewer for the fourth."""
    shutil.copytree(ROOT / "labs" / "2-heartbeat", folder / "2-heartbeat")
    path = folder / "2-heartbeat" / "lab.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in (("points: 20\n", "points: 30\n"), ("points: 25\n", "points: 15\n")):
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def _their_client(folder: Path, _: str) -> None:
    shutil.copy(STARTER, folder / "client.py")


def _sheets(folder: Path, language: str) -> None:
    first, second, third, *_ = NAMES[language]
    (folder / "canvas.csv").write_text(CANVAS.format(first, second, third), encoding="utf-8")
    (folder / "worksheet.csv").write_text(MOODLE.format(first, second), encoding="utf-8")


_GIVEN: Mapping[str, Callable[[Path, str], None]] = {
    "my-client": _my_client,
    "mended-client": _mended_client,
    "checkout": _checkout,
    "class": _class,
    "late": _late,
    "rubric": _rubric,
    "their-client": _their_client,
    "sheets": _sheets,
}
