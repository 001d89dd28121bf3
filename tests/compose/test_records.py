"""The folder that grading writes to: whole files or none, and nothing is taken for what it is not."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Bilingual, Text
from wirelab.compose import kit, labs, records
from wirelab.judge.grades import Student
from wirelab.judge.verdict import Said

TINY = """\
lab: tiny
title: {{en: T, zh: 题}}
hours: 1
hands_in: [client]
objectives: [{{en: G, zh: 目标}}]
shown: [messaging/one-line]
rubric:
  - points: {points}
    title: {{en: I, zh: 项}}
    of: [{{scenario: messaging/one-line}}]
"""
ADA = Student("1001", 'Ada "=1+1" 王', "1001", "ada@example.org", "zh")
SAID = Said(Text("no {what}", "没有 {what}"), {"what": Bilingual("server", "服务器")})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


# --- the folder ------------------------------------------------------------------------------------------------------


def test_a_new_folder_is_made_and_may_be_used_again(out: Path):
    records.check_out(out / "deep", "tiny")
    records.check_out(out / "deep", "tiny")
    assert ["students"] == [path.name for path in (out / "deep").iterdir()]


def test_one_that_was_left_at_any_moment_may_be_used_again(out: Path):
    """Killed before anything else was written."""
    (out / "students").mkdir(parents=True)
    (out / "work" / "x").mkdir(parents=True)
    (out / "class.json.partial").write_text("{", encoding="utf-8")
    records.check_out(out, "tiny")


def test_whoever_grades_the_same_lab_goes_on_and_another_is_refused(out: Path):
    records.check_out(out, "tiny")
    lab = tiny(out.parent)
    records.write_class(out, lab, [ADA.key])
    (out / "notes of the teacher.txt").write_text("mine", encoding="utf-8")
    records.check_out(out, "tiny")
    assert records.Class("tiny", ("1001",), folder="../tiny", digest=lab.digest) == records.read_class(out)
    with pytest.raises(UsageError, match="of the lab tiny, not of other"):
        records.check_out(out, "other")


def tiny(folder: Path, points: int = 10) -> labs.LoadedLab:
    """A lab of somebody's own, of one scenario of the kit's."""
    (folder / "tiny").mkdir(exist_ok=True)
    (folder / "tiny" / "lab.yaml").write_text(TINY.format(points=points), encoding="utf-8")
    return labs.load(folder / "tiny", hidden=True)


def test_the_lab_is_looked_for_where_it_lay_and_nowhere_else(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not in the current folder, and not among those of the kit."""
    (tmp_path / "mine").mkdir()
    lab = tiny(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    tiny(tmp_path, points=99)
    records.write_class(out, replace(lab, folder=Path("mine/tiny")), [])
    kept = records.read_class(out)
    assert (10, lab.digest) == ((found := records.read_lab(out, kept, None)).lab.points, found.digest)
    assert 99 == records.read_lab(out, kept, "tiny").lab.points
    assert lab.digest != records.read_lab(out, kept, "tiny").digest
    shutil.rmtree(tmp_path / "mine" / "tiny")
    with pytest.raises(UsageError, match=rf"is no longer in {tmp_path}/mine/tiny; name its folder with --lab"):
        records.read_lab(out, kept, None)


def test_until_all_is_judged_marks_are_those_of_the_lab_as_it_was(out: Path, tmp_path: Path):
    first = tiny(tmp_path)
    records.write_class(out, first, [], over=False)
    assert "" == records.read_class(out).digest
    records.write_class(out, first, [])
    again = tiny(tmp_path, points=20)
    records.write_class(out, again, [], over=False)
    assert first.digest == records.read_class(out).digest != again.digest
    one = again.scenarios["messaging/one-line"]
    for changed in (
        replace(one, source="another protocol"),
        replace(one, scenario=replace(one.scenario, text="another")),
    ):
        assert again.digest != replace(again, scenarios={"messaging/one-line": changed}).digest


def test_a_lab_of_the_kit_is_found_by_its_name_wherever_the_kit_lies(out: Path):
    lab = labs.load(kit.labs_root() / "1-messaging", hidden=True)
    records.write_class(out, lab, [])
    kept = records.read_class(out)
    assert None is kept.folder
    assert lab.folder == records.read_lab(out, kept, None).folder


@pytest.mark.parametrize("foreign", ["thesis.txt", "index.html", ".hidden"])
def test_what_somebody_else_wrote_is_left_alone(out: Path, foreign: str):
    out.mkdir()
    (out / foreign).write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=foreign):
        records.check_out(out, "tiny")
    assert [foreign] == os.listdir(out)


def test_a_file_in_its_place(out: Path):
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="cannot write"):
        records.check_out(out, "tiny")
    with pytest.raises(InputError, match="cannot write"), records.held(out):
        pass
    assert "mine" == out.read_text(encoding="utf-8")


def test_a_folder_that_takes_nothing_is_told_before_anything_is_played(out: Path, monkeypatch: pytest.MonkeyPatch):
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        records.check_out(out, "tiny")


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"format": "wirelab-class", "version": 99, "lab": "a", "students": []}', "\0"]
)
def test_a_damaged_class(out: Path, text: str):
    out.mkdir()
    (out / "class.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        records.read_class(out)


def test_no_class(out: Path):
    with pytest.raises(InputError, match="no class"):
        records.read_class(out)


def test_one_at_a_time(out: Path, monkeypatch: pytest.MonkeyPatch):
    """A lock of another's is waited for, but not for ever; it is gone with its holder."""
    out.mkdir()
    monkeypatch.setattr(records, "_HELD_SECONDS", 0.05)
    other = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another `wirelab grade`"), records.held(out):
            pass
    finally:
        os.close(other)
    with records.held(out):
        pass
    with records.held(out):
        pass


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_there_whole_or_not_at_all(out: Path):
    records.write(out / "a" / "b.txt", "first \udce4")
    assert b"first \xe4" == (out / "a" / "b.txt").read_bytes()

    def full() -> Iterator[str]:
        yield "sec"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match=r"b\.txt: No space left"):
        records.write(out / "a" / "b.txt", full())
    assert ["b.txt"] == os.listdir(out / "a")
    assert b"first \xe4" == (out / "a" / "b.txt").read_bytes()


@pytest.mark.parametrize("problem", [None, SAID])
def test_a_submission_is_read_as_it_was_written(out: Path, problem: Said | None):
    kept = records.Submission(ADA, "d1", {"client": "python3 'my client.py'"}, problem, (SAID,), "warning: …")
    records.write_submission(out, kept)
    found = records.read_submission(out)
    assert found is not None
    assert (kept.student, kept.digest, kept.commands, kept.built) == (
        *(found.student, found.digest, found.commands, found.built),
    )
    for language, words in (("en", "no server"), ("zh", "没有 服务器")):
        assert words == found.notes[0].in_("zh" if language == "zh" else "en")
    assert (problem is None) == (found.problem is None)


def test_words_with_braces_stay_as_they_are(out: Path):
    said = Said(Text("{what}", "{what}"), {"what": "int main() { return {0}; }"})
    records.write_submission(out, records.Submission(ADA, "d1", {}, said))
    found = records.read_submission(out)
    assert found is not None
    assert found.problem is not None
    assert "int main() { return {0}; }" == found.problem.in_("en")


@pytest.mark.parametrize(
    "change", [{"student": 1}, {"student": {"language": "xx"}}, {"notes": [1]}, {"commands": []}, None]
)
def test_a_damaged_submission_is_as_good_as_none(out: Path, change: dict[str, object] | None):
    records.write_submission(out, records.Submission(ADA, "d1", {}))
    file = out / "submission.json"
    text = "[" if change is None else json.dumps(json.loads(file.read_text(encoding="utf-8")) | change)
    file.write_text(text, encoding="utf-8")
    assert records.read_submission(out) is None


def test_a_run_is_marked_as_done_when_all_is_written(out: Path):
    def interrupted() -> None:
        with records.keeping(out, "a/b", "key", "d1", 1) as folder:
            folder.mkdir()
            (folder / "capture.pcapng").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (out / "runs" / "a" / "b.done").exists()
    with records.keeping(out, "a/b", "key", "d1", 2) as folder:
        assert not folder.exists()
    assert {"made_from": "key", "digest": "d1", "tries": 2} == json.loads((out / "runs" / "a" / "b.done").read_text())
    assert records.read_kept(out, "a/b", "key", "d1") is None  # there is no run


def test_what_a_run_was_made_from():
    keys = {
        records.key("d1", "a", "b"),
        records.key("d1", "ab", ""),
        records.key("d2", "a", "b"),
        records.key("d1", "a"),
    }
    assert 4 == len(keys)
    assert records.key("d1", "a", "b") in keys
