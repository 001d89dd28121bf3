"""A report's file as HTML, Word and PDF: written whole or not at all, and pages that are as a form has to be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.present.report_notebooks import markdown, notebook, report
from wirelab.base.errors import EnvironmentFault, InputError, UsageError
from wirelab.base.texts import LANGUAGES, Language
from wirelab.compose import report_check, report_export
from wirelab.compose.report_export import export

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_engine = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
needs_poppler = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="needs pdftoppm (poppler-utils)")


def saved(folder: Path, content: object, name: str = "report.ipynb") -> Path:
    path = folder / name
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def tool(*argv: str, data: bytes) -> bytes:
    return subprocess.run(argv, input=data, capture_output=True, check=True, timeout=60).stdout


@needs_engine
@needs_poppler
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_printed_report(tmp_path: Path, language: Language) -> None:
    source, target = saved(tmp_path, report(language)), tmp_path / "report.pdf"
    assert [target] == export(source, [target])
    data = target.read_bytes()
    facts = dict(line.split(":", 1) for line in tool("pdfinfo", "-", data=data).decode().splitlines() if ":" in line)
    pages = int(facts["Pages"])
    assert 5 <= pages <= 8
    assert "A4" in facts["Page size"]
    texts = tool("pdftotext", "-layout", "-", "-", data=data).decode().split("\f")[:-1]
    assert pages == len(texts)
    for number, text in enumerate(texts, 1):
        foot = f"Page {number} of {pages}" if language == "en" else f"第 {number} 页，共 {pages} 页"
        assert foot.replace(" ", "") in text.replace(" ", ""), "every page says which it is"
    titles = {
        "en": ("Computer Networks: Lab Report", "3 Evidence", "Instructor's comment"),
        "zh": ("计算机网络课程实验报告", "三、实验记录与分析", "教师评语"),
    }[language]
    places = [next(at for at, text in enumerate(texts) if words in text) for words in titles]
    assert (places[0], places[1], places[2]) == (0, 1, pages - 1), "pages break where they were asked to"
    whole = "".join(texts)
    for words in ("3911204771", "127.0.0.1:43210", "PSH,ACK", "HEARTBEAT-ACK", "value_59 = 59"):
        assert words in whole, f"{words} is there, and in one piece"
    assert "secret_call" not in whole
    for number in range(1, pages + 1):
        shown = tool("pdftoppm", "-gray", "-r", "20", "-f", str(number), "-l", str(number), "-", data=data)
        body = shown.split(b"\n255\n", 1)[1]
        assert min(body[: len(body) * 85 // 100]) < 128, f"page {number} is not blank above its foot"
    assert not tool("pdfimages", "-list", "-", data=data).count(b"jpeg")


def test_formats_come_in_an_order_and_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved(tmp_path, report("zh"))
    monkeypatch.setattr(report_export, "print_pdf", lambda make: b"%PDF-" + make("docx")[:2] + make("html")[:9])
    wanted = [tmp_path / "new" / name for name in ("a.PDF", "b.docx", "c.html", "b.docx")]
    told: list[Path] = []
    written = export(source, wanted, told.append)
    assert [wanted[2], wanted[1], wanted[0]] == written == told
    assert b"%PDF-PK<!DOCTYPE" == wanted[0].read_bytes()
    assert ["a.PDF", "b.docx", "c.html"] == sorted(path.name for path in (tmp_path / "new").iterdir())
    mask = os.umask(0)
    os.umask(mask)
    assert 0o666 & ~mask == wanted[2].stat().st_mode & 0o777


def test_without_an_engine_all_but_the_pdf_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved(tmp_path, report("en"))
    monkeypatch.setenv("PATH", str(tmp_path))
    told: list[Path] = []
    with pytest.raises(EnvironmentFault):
        export(source, [tmp_path / "a.pdf", tmp_path / "a.html", tmp_path / "a.docx"], told.append)
    assert [tmp_path / "a.html", tmp_path / "a.docx"] == told
    assert not (tmp_path / "a.pdf").exists()


@pytest.mark.parametrize("name", ["a", "a.txt", "a.html.gz", "report.ipynb"])
def test_a_name_that_says_no_format_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    source = saved(tmp_path, report("en"))
    with pytest.raises(UsageError, match=r"has to end with one of \.html, \.docx, \.pdf"):
        export(source, [tmp_path / "b.html", tmp_path / name])
    assert [source] == list(tmp_path.iterdir())


def test_the_notebook_itself_is_never_overwritten(tmp_path: Path) -> None:
    source = saved(tmp_path, report("en"), "odd.html")
    before = source.read_bytes()
    (tmp_path / "link.html").symlink_to(source)
    with pytest.raises(UsageError, match="would overwrite"):
        export(source, [tmp_path / "link.html"])
    assert before == source.read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[]", "not a Jupyter notebook"),
        (b'{"nbformat": 3}', "nbformat is 3"),
        (b"9" * 5000, "not a Jupyter notebook"),
        (json.dumps(notebook([markdown("> " * 40 + "x")])).encode(), "nested too deeply"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    source, target = tmp_path / "x.ipynb", tmp_path / "x.html"
    source.write_bytes(content)
    with pytest.raises(InputError, match=words) as refused:
        export(source, [target])
    assert str(source) in refused.value.text("zh")
    assert not target.exists()


def test_what_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.ipynb")
    for name, words in (
        ("missing.ipynb", "No such file"),
        ("pipe.ipynb", "not a regular file"),
        (".", "not a regular file"),
    ):
        with pytest.raises(InputError, match=words):
            export(tmp_path / name, [tmp_path / "x.html"])
    source = saved(tmp_path, report("en"))
    monkeypatch.setattr(report_check, "LARGEST", 1000)
    with pytest.raises(InputError, match="more than"):
        export(source, [tmp_path / "x.html"])


def test_a_file_that_cannot_be_written_leaves_nothing_and_the_old_one(tmp_path: Path) -> None:
    source = saved(tmp_path, report("en"))
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        export(source, [tmp_path / "taken.html"])
    with pytest.raises(InputError, match="cannot write"):
        export(source, [source / "inside.html"])
    assert ["report.ipynb", "taken.html"] == sorted(path.name for path in tmp_path.iterdir())
