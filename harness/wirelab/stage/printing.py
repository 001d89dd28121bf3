"""Makes a PDF of a page or a Word file with what the machine has: Chromium, else LibreOffice. Knows no report.

What is printed is somebody else's: the engine gets a home of its own that is removed afterwards, no network, and so much
time, memory and disk; then it is ended with all that it started.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Bilingual, Text, register
from wirelab.stage import gauge, processes
from wirelab.stage.removing import remove
from wirelab.stage.sandbox import Limits

SECONDS = 120.0
LIMITS = Limits(memory=3_000_000_000, processes=1000, disk=200_000_000)
LOOK = 0.25  # seconds between two looks at what an engine takes
MOST_SAID = 2000  # characters of what an engine complained of

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
OFFICE = ("libreoffice", "soffice", "lowriter")

Source = Literal["html", "docx"]
"""A page, or a Word file."""

register(
    {
        "printing.missing": Text(
            "a PDF needs Chromium or LibreOffice, and neither is installed (looked for: {names}); install one, for "
            "instance `apt install chromium` or `apt install libreoffice-writer`, and for Chinese also "
            "`apt install fonts-noto-cjk`; or open the HTML in any browser and print it to a PDF",
            "生成 PDF 需要 Chromium 或 LibreOffice，但都没有安装（查找过：{names}）；请安装其中一个，例如 "
            "`apt install chromium` 或 `apt install libreoffice-writer`，中文还需要 `apt install fonts-noto-cjk`；"
            "也可以用任意浏览器打开 HTML，打印成 PDF",
        ),
        "printing.failed": Text(
            "no PDF could be made: {tried}. Install another engine (`apt install chromium` or "
            "`apt install libreoffice-writer`), or open the HTML in any browser and print it to a PDF",
            "无法生成 PDF：{tried}。请安装另一个程序（`apt install chromium` 或 `apt install libreoffice-writer`），"
            "或者用任意浏览器打开 HTML，打印成 PDF",
        ),
    }
)

_SLOW = Bilingual("took longer than {seconds:g} s and was stopped", "超过 {seconds:g} 秒，已停止")
_GREEDY = Bilingual("used too much memory or too many processes and was stopped", "占用内存或进程过多，已停止")
_NOTHING = Bilingual("ended with status {status} and made none", "以状态 {status} 结束，没有生成 PDF")


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that makes PDFs, and of what."""

    program: str  # its path
    takes: Source

    @property
    def name(self) -> str:
        return os.path.basename(self.program)


class NotPrinted(Exception):
    """An engine made no PDF; why, in both languages."""

    def __init__(self, why: Bilingual) -> None:
        super().__init__(why.en)
        self.why = why


def engines() -> tuple[Engine, ...]:
    """Those that are in the PATH, best first; at most one of a kind. Raises EnvironmentFault when there are none."""
    kinds: tuple[tuple[tuple[str, ...], Source], ...] = ((CHROMIUM, "html"), (OFFICE, "docx"))
    found = []
    for names, takes in kinds:
        program = next(filter(None, map(shutil.which, names)), None)
        if program:
            found.append(Engine(program, takes))
    if not found:
        raise EnvironmentFault("printing.missing", names=", ".join((*CHROMIUM, *OFFICE)))
    return tuple(found)


def print_pdf(document: Callable[[Source], bytes], seconds: float = SECONDS) -> bytes:
    """The PDF of a document, which ``document`` gives as what an engine takes, by the first engine that makes one.

    Raises EnvironmentFault when there is none, or none of them does.
    """
    tried: list[tuple[str, Bilingual]] = []
    for engine in engines():
        try:
            return pdf(engine, document(engine.takes), seconds)
        except NotPrinted as error:
            tried.append((engine.name, error.why))
    both = ("; ".join(f"{name} {why.en}" for name, why in tried), "；".join(f"{name} {why.zh}" for name, why in tried))
    raise EnvironmentFault("printing.failed", tried=Bilingual(*both))


def pdf(engine: Engine, document: bytes, seconds: float = SECONDS) -> bytes:
    """The PDF of a document of the kind that ``engine`` takes. Raises NotPrinted."""
    with _folder() as folder:
        source, result = folder / f"report.{engine.takes}", folder / "report.pdf"
        try:
            source.write_bytes(document)
            argv = _chromium(source, result) if engine.takes == "html" else _office(source)
            status, said = _run([engine.program, *argv], folder, seconds)
            made = result.read_bytes() if result.is_file() else b""
        except OSError as error:
            why = error.strerror or str(error)
            raise NotPrinted(Bilingual(f"could not run: {why}", f"无法运行：{why}")) from None
    if not made.startswith(b"%PDF-") or b"%%EOF" not in made[-1024:]:
        raise NotPrinted(_filled(_NOTHING, said, status=status))
    return made


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wirelab-print-"))
    try:
        yield folder
    finally:
        remove(folder)


def _chromium(source: Path, result: Path) -> list[str]:
    return [
        "--headless",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses to be root inside its own sandbox
        f"--user-data-dir={source.parent / 'profile'}",
        "--disable-gpu",
        "--disable-dev-shm-usage",  # containers often have but 64 MB of it
        "--disable-extensions",
        "--disable-breakpad",
        "--disable-crash-reporter",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-domain-reliability",
        "--disable-sync",
        "--metrics-recording-only",
        "--proxy-server=http://127.0.0.1:9",  # nobody is there, whatever should still ask for something
        "--proxy-bypass-list=<-loopback>",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--no-pdf-header-footer",
        f"--print-to-pdf={result}",
        source.as_uri(),
    ]


def _office(source: Path) -> list[str]:
    return [
        f"-env:UserInstallation={(source.parent / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        "--nolockcheck",
        "--convert-to",
        "pdf:writer_pdf_Export",
        "--outdir",
        str(source.parent),
        str(source),
    ]


def _run(argv: list[str], folder: Path, seconds: float) -> tuple[int, str]:
    """Run an engine in a folder that is its home; its exit status, and what it said last. Raises NotPrinted, OSError."""
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LIMITS.disk, LIMITS.disk))
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        deadline = Deadline.after(seconds)
        while True:
            try:
                return process.wait(min(LOOK, deadline.left())), said.read_text("utf-8", "replace")[-MOST_SAID:]
            except subprocess.TimeoutExpired:
                if deadline.passed:
                    raise NotPrinted(_filled(_SLOW, "", seconds=seconds)) from None
                if gauge.exceeded(process.pid, LIMITS):
                    raise NotPrinted(_GREEDY) from None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End an engine with all that it started: its children wherever they went, and who stayed in its session."""
    for member in processes.tree(process.pid)[1:]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """What an engine has to know of ours: where programs are. All that it keeps goes into its own home."""
    kept = {name: os.environ[name] for name in ("PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH") if name in os.environ}
    private = dict.fromkeys(
        ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"), str(folder)
    )
    return {**kept, **private, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def _filled(why: Bilingual, said: str, **values: object) -> Bilingual:
    last = " ".join(said.split())[-300:]
    tail = (f" ({last})", f"（{last}）") if last else ("", "")
    return Bilingual(why.en.format_map(values) + tail[0], why.zh.format_map(values) + tail[1])
