"""Notebooks that are no reports, or worse: each gets a clear error in no time, and nothing in them is executed or used."""

from __future__ import annotations

import base64
import copy
import json
import time
import zlib
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.compose.report_sources import FEW, checked, made, no_pictures, source
from wirelab.base.errors import InputError
from wirelab.compose import report, report_check
from wirelab.present.report_result import marked, result_lines

_no_pictures = no_pictures


@pytest.fixture(scope="module")
def few() -> dict[str, Any]:
    return made(3, kinds=FEW)


def hostile(notebook: dict[str, Any], how: str) -> bytes:
    done = copy.deepcopy(notebook)
    kept = done["metadata"]["wirelab"]
    if how == "no json":
        return b"{"
    if how == "deep":
        return b"[" * 100_000 + b"]" * 100_000
    if how == "a list":
        return b"[]"
    if how == "nbformat 3":
        done["nbformat"] = 3
    if how == "no cells":
        done["cells"] = {}
    if how == "cells of nothing":
        done["cells"] = [{}]
    if how == "many cells":
        done["cells"] = [{"cell_type": "markdown", "id": f"c{n}", "metadata": {}, "source": ""} for n in range(5000)]
    if how == "not utf-8":
        return b"\xff\xfe{}"
    if how == "no report":
        done["metadata"] = {}
    if how == "format":
        kept["version"] = 99
    if how == "no capture":
        del kept["capture"]
    if how == "capture of a list":
        kept["capture"] = [1]
    if how == "base64":
        kept["capture"]["data"] = "%%%"
    if how == "zlib":
        kept["capture"]["data"] = "aGVsbG8="
    if how == "bomb":
        kept["capture"]["data"] = base64.b64encode(zlib.compress(bytes(200 << 20), 9)).decode()
    if how == "no pcap":
        kept["capture"]["data"] = base64.b64encode(zlib.compress(b"hello" * 100)).decode()
    if how == "frames":
        kept["capture"]["frames"] = kept["capture"]["frames"][:-1]
    if how == "frames of text":
        kept["capture"]["frames"] = ["x"]
    if how == "protocol":
        kept["capture"]["protocol"] = {"name": "mine", "source": "&a [*a]"}
    if how == "port":
        kept["capture"]["port"] = 1e400
    if how == "questions":
        kept["questions"] = [{"kind": "../../etc/passwd", "points": 1}]
    if how == "points":
        kept["questions"][0]["points"] = float("nan")
    if how == "questions of text":
        kept["questions"] = "all"
    return json.dumps(done).encode()


HOWS = (
    "no json|deep|a list|nbformat 3|no cells|cells of nothing|many cells|not utf-8|no report|format|no capture|"
    "capture of a list|base64|zlib|bomb|no pcap|frames|frames of text|protocol|port|questions|points|questions of text"
).split("|")


@pytest.mark.parametrize("how", HOWS)
def test_a_hostile_notebook_gets_a_clear_error(few: dict[str, Any], tmp_path: Path, how: str) -> None:
    file = tmp_path / "report.ipynb"
    file.write_bytes(hostile(few, how))
    with pytest.raises(InputError) as caught:
        report_check.check_report(report_check.read_notebook(file), file)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert caught.value.text("zh")


def test_a_huge_notebook_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "report.ipynb"
    with file.open("wb") as opened:
        opened.truncate(report_check.LARGEST + 1)
    with pytest.raises(InputError, match="remove large pictures"):
        report_check.read_notebook(file)
    with pytest.raises(InputError, match="cannot read"):
        report_check.read_notebook(tmp_path / "none.ipynb")
    with pytest.raises(InputError, match="not a regular file"):
        report_check.read_notebook(tmp_path)


@pytest.mark.parametrize(
    "answer",
    ["__import__('os').system('touch executed')", "<script>alert(1)</script>", "a) " * 5000, "**a)** 1\n" * 3000, "\0\x1b[31m", "`" * 9000, "🙂" * 9000],
)  # fmt: skip
def test_whatever_stands_in_an_answer_is_only_read(
    few: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = copy.deepcopy(few)
    for cell in done["cells"]:
        if cell["id"].startswith("a0"):
            cell["source"] = answer
    result = checked(done)
    assert 0 == result.points
    lines = result_lines(result, "zh", width=80, colour=False)
    assert all("\x1b" not in line and "\0" not in line for line in lines)
    again = marked(done, result, "en", brief=False)
    nbformat.validate(json.loads(report.text_of(again)))
    assert not list(tmp_path.iterdir())


def test_a_profile_that_a_notebook_brings_is_never_used(few: dict[str, Any]) -> None:
    done = copy.deepcopy(few)
    slow = "pattern: '(?P<text>(?:.|[a-zA-Z ])*)Q'"  # its example would be tried for ever
    done["metadata"]["wirelab"]["capture"]["protocol"] = {"name": "line", "source": slow}
    assert [24.0] == [checked(done).of]
    done["metadata"]["wirelab"]["capture"]["protocol"]["name"] = "mine"
    with pytest.raises(InputError, match="the protocol 'mine', which is not one of the kit's"):
        checked(done)
    text = source(3).protocol.replace("protocol: line", "protocol: mine")
    assert 24.0 == report_check.check_report(done, "report.ipynb", protocols={"mine": text}).of


@pytest.mark.parametrize(
    "filler", [" " * 19_000, "\n" * 19_000, "* " * 9_000, "`" * 19_000, "> " * 9_000, "- a" * 6_000]
)
def test_a_long_cell_takes_no_long_time(few: dict[str, Any], filler: str) -> None:
    done = copy.deepcopy(few)
    for cell in done["cells"]:
        if cell["id"].startswith("a0"):
            cell["source"] = filler + "x"
    began = time.monotonic()
    assert 0 == checked(done).points
    assert time.monotonic() - began < 30, "seconds; it was minutes before"
