"""A report notebook's file in the formats that are handed in: HTML, Word, PDF. Runs nothing that is in the notebook."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Text, register
from wirelab.present.report.document import Report
from wirelab.present.report.docx_writer import write_docx
from wirelab.present.report.html_writer import write_html
from wirelab.present.report.notebook_reader import read_notebook
from wirelab.stage.printing import print_pdf

MOST_BYTES = 100_000_000  # of a notebook's file
FORMATS = (".html", ".docx", ".pdf")
"""What a name may end with, in the order in which files are written: what needs an engine comes last."""

register(
    {
        "report.unreadable": Text("cannot read the notebook {file}: {why}", "无法读取 notebook {file}：{why}"),
        "report.no-file": Text("it is not a file", "它不是文件"),
        "report.large-file": Text("it has more than {most} MB", "它超过 {most} MB"),
        "report.not-json": Text("it is not JSON, as a notebook is", "它不是 notebook 所用的 JSON"),
        "report.in-file": Text("{file}: {why}", "{file}：{why}"),
        "report.format": Text(
            "{file} has to end with one of {known}, which says in what format it is written",
            "{file} 的后缀须是 {known} 之一，用来说明写成什么格式",
        ),
        "report.over-input": Text(
            "{file} would overwrite the notebook that it is made from; name another file",
            "{file} 会覆盖它所依据的 notebook；请另选文件名",
        ),
        "report.unwritable": Text("cannot write {file}: {why}", "无法写入 {file}：{why}"),
    }
)


def export(notebook: Path, outputs: Iterable[Path], told: Callable[[Path], object] = lambda path: None) -> list[Path]:
    """Write a notebook as each of ``outputs``, whose names say in what format; HTML first, then Word, then PDF.

    Returns what was written, and calls ``told`` with each as soon as it is there. Nothing is written, and UsageError
    raised, when a name says no format or is the notebook's own; nor, with InputError, when the notebook cannot be read
    or printed. Raises InputError for a file that cannot be written, and EnvironmentFault when no PDF can be made here:
    all but that is there by then.
    """
    wanted = list(dict.fromkeys(outputs))
    for path in wanted:
        if path.suffix.lower() not in FORMATS:
            raise UsageError("report.format", file=path, known=", ".join(FORMATS))
        if path.resolve() == notebook.resolve():
            raise UsageError("report.over-input", file=path)
    try:
        report = read(notebook)
        made = _Made(report)
        written = []
        for path in sorted(wanted, key=lambda path: FORMATS.index(path.suffix.lower())):
            _write(path, made.bytes(path.suffix.lower()))
            written.append(path)
            told(path)
    except RecursionError:
        raise InputError("report.unreadable", file=notebook, why=Text(*_NESTED)) from None
    return written


_NESTED = ("it is nested too deeply", "嵌套过深")


def read(notebook: Path) -> Report:
    """The document that a notebook's file is. Raises InputError."""
    try:
        about = notebook.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for
            raise InputError("report.unreadable", file=notebook, why=_catalogued("report.no-file"))
        if about.st_size > MOST_BYTES:
            most = _catalogued("report.large-file", most=MOST_BYTES // 1_000_000)
            raise InputError("report.unreadable", file=notebook, why=most)
        data = notebook.read_bytes()
    except OSError as error:
        raise InputError("report.unreadable", file=notebook, why=error.strerror or error) from None
    try:
        parsed = json.loads(data)
    except RecursionError:
        raise InputError("report.unreadable", file=notebook, why=Text(*_NESTED)) from None
    except ValueError:  # UnicodeDecodeError and JSONDecodeError are
        raise InputError("report.unreadable", file=notebook, why=_catalogued("report.not-json")) from None
    try:
        return read_notebook(parsed)
    except InputError as error:
        raise InputError("report.in-file", file=notebook, why=_said(error)) from None


class _Made:
    """The formats of one report, each made when it is asked for, and once."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._done: dict[str, bytes] = {}

    def bytes(self, suffix: str) -> bytes:
        if suffix not in self._done:
            match suffix:
                case ".html":
                    self._done[suffix] = write_html(self._report).encode()
                case ".docx":
                    self._done[suffix] = write_docx(self._report)
                case _:
                    self._done[suffix] = print_pdf(lambda takes: self.bytes(f".{takes}"))
        return self._done[suffix]


def _catalogued(key: str, **values: object) -> Text:
    return _said(InputError(key, **values))


def _said(error: InputError) -> Text:
    """The message of an error as a value of another, in both languages."""
    return Text(error.text("en"), error.text("zh"))


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises InputError."""
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".partial", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(part, 0o666 & ~_mask())  # as if it had been opened for writing
        os.replace(part, path)
    except OSError as error:
        raise InputError("report.unwritable", file=path, why=error.strerror or error) from None
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                os.unlink(part)


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
