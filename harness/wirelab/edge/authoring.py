"""The commands for those who write scenarios and labs: ``lint`` and ``schema``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wirelab.base.errors import AuthorError, InputError, UsageError, WirelabError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import kit, labs, library
from wirelab.declare.protocol import load_profile
from wirelab.declare.reference import reference
from wirelab.declare.report_form import is_form, parse_form
from wirelab.declare.schema import FILES, schema_text
from wirelab.declare.trace_reference import notation
from wirelab.edge.output import complain, put
from wirelab.present.style import safe

register(
    {
        "lint.missing": Text("there is no file {file}", "没有文件 {file}"),
        "lint.nothing": Text("there is no .yaml file in the folder {folder}", "文件夹 {folder} 中没有 .yaml 文件"),
        "lint.good": Text("{file}: ok", "{file}：正确"),
        "schema.no-reference": Text(
            "--reference is there of scenarios and of traces (--of trace), not of '{of}'; without it, the schema is printed",
            "--reference 只有场景和报文序列（--of trace）两种，没有 '{of}' 的；不写它就打印 schema",
        ),
        "schema.no-schema": Text(
            "a {of} is not a YAML file and has no schema; 'wirelab schema --reference --of {of}' prints its notation",
            "{of} 不是 YAML 文件，没有 schema；'wirelab schema --reference --of {of}' 打印它的写法",
        ),
        "lint.summary": Text("files: {count}, mistakes: {mistakes}", "文件：{count}，错误：{mistakes}"),
    }
)

REFERENCES: Mapping[str, Callable[[Language], str]] = {"scenario": lambda _: reference(), "trace": notation}


def lint(files: Sequence[str], language: Language) -> int:
    """Check every file, print every mistake; 0 when there is none, 65 (EX_DATAERR) otherwise."""
    paths = [path for name in files for path in _inside(Path(name))]
    mistakes, status = 0, 0
    told: set[str] = set()  # what a scenario of a lab's own gets wrong is found with the lab and by itself
    for path in paths:
        try:
            _check(path)
        except WirelabError as error:
            status = status or error.exit_status
            if (text := error.text(language)) not in told:
                told.add(text)
                mistakes += len(error.problems) if isinstance(error, AuthorError) else 1
                complain("\n".join(map(safe, text.split("\n"))))
        else:
            put(safe(say("lint.good", language, file=path)))
    put(say("lint.summary", language, count=len(paths), mistakes=mistakes))
    return status


def _inside(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(path.rglob("*.yaml"))
        if not found:
            raise InputError("lint.nothing", folder=path)
        return found
    if not path.exists():
        raise InputError("lint.missing", file=path)
    return [path]


def _check(path: Path) -> None:
    if path.name == kit.LAB_FILE:
        labs.load(path.parent, hidden=True)
    elif library.is_protocol(path):
        load_profile(library.read_text(path), str(path))
    elif is_form(text := library.read_text(path)):
        parse_form(text, str(path))
    else:
        library.profile_for(library.load(path), path)


def schema(*, as_page: bool, of: str = "scenario", language: Language = "en") -> int:
    """Print the JSON Schema of a kind of file (``schema.FILES``), or a reference; that of scenarios is in English."""
    if of not in (REFERENCES if as_page else FILES):
        raise UsageError("schema.no-reference" if as_page else "schema.no-schema", of=of)
    put((REFERENCES[of](language) if as_page else schema_text(of)).rstrip())
    return 0
