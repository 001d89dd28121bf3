"""A report notebook's file in the formats that are handed in: HTML, Word, PDF. Runs nothing that is in the notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Text, register
from wirelab.compose.files import write_whole
from wirelab.compose.report_check import read_notebook
from wirelab.present.report.document import Report
from wirelab.present.report.docx_writer import write_docx
from wirelab.present.report.html_writer import write_html
from wirelab.present.report.notebook_reader import document_of
from wirelab.stage.printing import print_pdf

FORMATS = (".html", ".docx", ".pdf")
"""What a name may end with, in the order in which files are written: what needs an engine comes last."""

register(
    {
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
    made, written = _Made(read(notebook)), []
    for path in sorted(wanted, key=lambda path: FORMATS.index(path.suffix.lower())):
        _write(path, made.bytes(path.suffix.lower()))
        written.append(path)
        told(path)
    return written


def read(notebook: Path) -> Report:
    """The document that a notebook's file is. Raises InputError."""
    try:
        return document_of(read_notebook(notebook))
    except RecursionError:
        raise InputError("report.in-file", file=notebook, why=Text("nested too deeply", "嵌套太深")) from None
    except InputError as error:
        if "file" in error.values:
            raise  # says itself which file it is
        raise InputError("report.in-file", file=notebook, why=Text(error.text("en"), error.text("zh"))) from None


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


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, in a folder that is made if needed. Raises InputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise InputError("report.unwritable", file=path, why=error.strerror or error) from None
