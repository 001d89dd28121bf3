"""PDFs by real engines, and what happens when an engine is missing, fails, hangs or starts what does not end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import LANGUAGES
from wirelab.present.report.document import Part, Report
from wirelab.present.report.docx_writer import write_docx
from wirelab.present.report.markdown_reader import read_markdown
from wirelab.stage import printing
from wirelab.stage.printing import CHROMIUM, OFFICE, Engine, NotPrinted, engines, pdf, print_pdf
from wirelab.stage.sandbox import Limits


def found(names: tuple[str, ...]) -> str:
    return next(filter(None, map(shutil.which, names)), "")


needs_chromium = pytest.mark.skipif(not found(CHROMIUM), reason="needs Chromium")
needs_office = pytest.mark.skipif(not found(OFFICE), reason="needs LibreOffice")
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext (poppler-utils)")


def text_of(data: bytes) -> str:
    return subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True).stdout.decode()


def engine(folder: Path, name: str, script: str) -> Path:
    """A program that is called like an engine, in a folder that is to be the PATH."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of the PATH but those of the system's own tools, of which engines are none."""
    folder, tools = tmp_path / "bin", tmp_path / "tools"
    folder.mkdir()
    tools.mkdir()
    for tool in ("sh", "sleep", "cat"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", f"{folder}:{tools}")
    return folder


@needs_chromium
@needs_poppler
def test_chromium_prints_a_page() -> None:
    page = "<!DOCTYPE html><meta charset=utf-8><title>t</title><p>三次握手 three-way handshake"
    made = pdf(Engine(found(CHROMIUM), "html"), page.encode())
    assert "three-way handshake" in text_of(made)
    assert "file://" not in text_of(made), "no header, no address"


@needs_office
@needs_poppler
def test_libreoffice_prints_a_word_file() -> None:
    report = Report("zh", "t", (Part("", read_markdown("三次握手 three-way handshake", "zh")),))
    made = text_of(pdf(Engine(found(OFFICE), "docx"), write_docx(report)))
    assert "three-way handshake" in made
    assert "第 1 页，共 1 页" in made


@needs_chromium
def test_a_page_that_asks_for_something_gets_nothing() -> None:
    """Our own pages ask for nothing; an engine would not be let out either."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asks = f"<img src=http://127.0.0.1:{port}/a><script>fetch('http://127.0.0.1:{port}/b')</script>"
        more = (
            f"<link rel=stylesheet href=http://localhost:{port}/c><iframe src=http://127.0.0.1:{port}/d></iframe>text"
        )
        assert pdf(Engine(found(CHROMIUM), "html"), f"<!DOCTYPE html>{asks}{more}".encode()).startswith(b"%PDF-")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_without_an_engine_the_message_says_what_to_install(path: Path) -> None:
    with pytest.raises(EnvironmentFault) as missing:
        print_pdf(lambda takes: b"")
    for language in LANGUAGES:
        for name in ("apt install chromium", "apt install libreoffice-writer", "fonts-noto-cjk", "google-chrome"):
            assert name in missing.value.text(language)


def test_the_best_engine_comes_first(path: Path) -> None:
    office = engine(path, "soffice", "exit 3")
    assert (Engine(str(office), "docx"),) == engines()
    chrome = engine(path, "google-chrome", "exit 3")
    assert (Engine(str(chrome), "html"), Engine(str(office), "docx")) == engines()


PRINTS = r"""for a in "$@"; do case "$a" in --outdir) next=1;; *) [ "$next" = 1 ] && out=$a; next=0;; esac; done
printf '%%PDF-1.4\n%s\n%%%%EOF\n' "$(cat "$out/report.docx")" > "$out/report.pdf" """


def test_the_next_engine_is_tried_and_gets_what_it_takes(path: Path) -> None:
    engine(path, "chromium", "echo cannot open display >&2; exit 7")
    engine(path, "libreoffice", PRINTS)
    assert b"%PDF-1.4\nfor docx\n%%EOF\n" == print_pdf(lambda takes: f"for {takes}".encode())


def test_when_no_engine_prints_all_say_why(path: Path) -> None:
    engine(path, "chromium", "echo cannot open display >&2; exit 7")
    engine(path, "soffice", "exit 0")
    with pytest.raises(EnvironmentFault) as failed:
        print_pdf(lambda takes: b"")
    english, chinese = (failed.value.text(language) for language in LANGUAGES)
    assert "chromium ended with status 7 and made none (cannot open display); soffice ended with status 0" in english
    assert "chromium 以状态 7 结束，没有生成 PDF（cannot open display）；soffice 以状态 0" in chinese


@pytest.mark.parametrize("said", ["", "%PDF-1.4 half", "something else %%EOF"])
def test_half_a_pdf_is_none(path: Path, said: str) -> None:
    program = engine(path, "soffice", f'cd "$HOME"; printf "%s" "{said.replace("%", "%%")}" > report.pdf')
    with pytest.raises(NotPrinted):
        pdf(Engine(str(program), "docx"), b"")


def test_what_cannot_be_run_is_said(path: Path) -> None:
    program = path / "chromium"
    program.write_bytes(b"\x00not a program")
    program.chmod(0o755)
    with pytest.raises(NotPrinted, match="could not run"):
        pdf(Engine(str(program), "html"), b"")


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def ended(pids: Path) -> bool:
    deadline = Deadline.after(20)
    while not all(gone(int(pid)) for pid in pids.read_text().split()):
        if deadline.passed:
            return False
        os.sched_yield()
    return True


def test_an_engine_that_hangs_is_ended_with_its_children(path: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = engine(path, "chromium", f"sleep 1000 & echo $! >> {pids}; echo $$ >> {pids}; exec sleep 1000")
    with pytest.raises(NotPrinted, match="took longer than"):
        pdf(Engine(str(program), "html"), b"", 1.5)
    assert ended(pids)


def test_what_an_engine_leaves_behind_is_ended(path: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = engine(path, "chromium", f"sleep 1000 & echo $! > {pids}")
    with pytest.raises(NotPrinted):
        pdf(Engine(str(program), "html"), b"")
    assert ended(pids)


def test_a_greedy_engine_is_ended(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "LIMITS", Limits(memory=1000, processes=1000, disk=1_000_000))
    program = engine(path, "chromium", "exec sleep 1000")
    with pytest.raises(NotPrinted, match="too much memory"):
        pdf(Engine(str(program), "html"), b"")


def test_an_engine_has_a_home_of_its_own_that_is_removed(path: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = engine(
        path, "soffice", f'pwd > {told}; echo "$HOME $TMPDIR $WIRELAB_SECRET" >> {told}; echo x > "$HOME/y"'
    )
    os.environ["WIRELAB_SECRET"] = "secret"
    try:
        with pytest.raises(NotPrinted):
            pdf(Engine(str(program), "docx"), b"")
    finally:
        del os.environ["WIRELAB_SECRET"]
    home, seen = told.read_text().splitlines()
    assert f"{home} {home} " == seen
    assert not Path(home).exists()
