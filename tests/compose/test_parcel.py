"""What travels to a worker and back arrives as it was, and nothing else does."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compose.test_classroom import lab
from wirelab.base.errors import EnvironmentFault, InputError
from wirelab.base.texts import Text
from wirelab.compose import parcel, records
from wirelab.compose.handed_in import HandedIn, Piece, digest_of, prepare
from wirelab.judge.grades import Student
from wirelab.judge.verdict import Said

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12
)
PATHS = st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1, max_size=3).map("/".join)


def job(handed: HandedIn) -> parcel.Job:
    return parcel.job(handed, lab(), LAB_TEXT, ["says"], jobs=None, sandboxed=True, observe=True)


LAB_TEXT = """\
lab: tiny
title: {en: A, zh: A}
hours: 1
hands_in: [client]
objectives: [{en: a, zh: a}]
shown: [says]
rubric: [{points: 100, title: {en: Says, zh: 说}, of: [{scenario: says}]}]
"""


def travelled(handed: HandedIn, to: Path) -> HandedIn:
    found = parcel.unpack(parcel.pack(job(handed)))
    assert isinstance(found, parcel.Job)
    return parcel.unpacked(found, to)


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every file and folder, whether it is executable, and what is in it."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode & 0o111, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


def outcome(handed: HandedIn, to: Path) -> object:
    """The files that are made ready, or why there are none."""
    try:
        prepare(handed, to)
    except InputError as error:
        return error.text("en")
    return tree(to)


def both_ways(pieces: tuple[Piece, ...], scratch: Path) -> None:
    """Prepared after the journey, a submission is what it is without one."""
    handed = HandedIn(Student("ada"), pieces)
    handed = replace(handed, digest=digest_of(handed))
    there = travelled(handed, scratch / "there")
    assert handed.digest == digest_of(there)
    assert outcome(handed, scratch / "a") == outcome(there, scratch / "b")


@given(st.dictionaries(PATHS, st.tuples(st.binary(max_size=200), st.booleans()), min_size=1, max_size=6))
def test_a_folder_arrives_as_it_was(files: dict[str, tuple[bytes, bool]]):
    with tempfile.TemporaryDirectory() as scratch:
        handed = Path(scratch) / "handed"
        for name, (data, executable) in files.items():
            path = handed / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            except OSError:
                continue  # a file of that name is there, or it is too long
            path.chmod(0o755 if executable else 0o644)
        try:
            digest_of(HandedIn(Student("ada"), (Piece(handed, ""),)))
        except InputError:
            return  # nothing but junk
        both_ways((Piece(handed, ""),), Path(scratch))


def test_archives_and_single_files_arrive_as_they_were(tmp_path: Path):
    archive = tmp_path / "ada lovelace_123_assignsubmission_file_work.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        member = tarfile.TarInfo("work/client.py")
        member.size, member.mode = 8, 0o755
        file.addfile(member, io.BytesIO(b"print()\n"))
    both_ways((Piece(archive, archive.name),), tmp_path / "archive")
    client, server = tmp_path / "ada_client (1).py", tmp_path / "server"
    client.write_text("print(1)\n")
    server.mkdir()
    (server / "empty").mkdir()
    (server / "server.py").write_text("print(2)\n")
    both_ways((Piece(client, "client.py"), Piece(server, "server")), tmp_path / "pieces")


def test_what_cannot_be_read_any_more_is_told_as_ever(tmp_path: Path):
    with pytest.raises(InputError, match="gone"):
        job(HandedIn(Student("ada"), (Piece(tmp_path / "gone.py", "client.py"),)))


def test_links_do_not_travel(tmp_path: Path):
    (tmp_path / "handed").mkdir()
    os.symlink("/etc/passwd", tmp_path / "handed" / "client.py")
    os.symlink("/etc/passwd", tmp_path / "client.py")
    for piece in (Piece(tmp_path / "handed", ""), Piece(tmp_path / "client.py", "client.py")):
        with pytest.raises(InputError):
            job(HandedIn(Student("ada"), (piece,)))


def test_the_lab_arrives_with_the_scenarios_that_are_asked_for(tmp_path: Path):
    """And a run of them is made from the same as here, whatever folder they lay in."""
    (tmp_path / "client.py").write_text("print()\n")
    found = parcel.lab_of(job(HandedIn(Student("ada"), (Piece(tmp_path / "client.py", "client.py"),))))
    here = lab().scenarios["says"]
    assert ["says"] == list(found.scenarios)
    there = found.scenarios["says"]
    assert (here.scenario.text, here.source, here.profile) == (there.scenario.text, there.source, there.profile)
    assert here.scenario == there.scenario
    assert ("tiny", ("says",)) == (found.lab.lab, tuple(found.lab.shown))


def test_another_wirelab_does_not_open_it(monkeypatch: pytest.MonkeyPatch):
    data = parcel.pack(parcel.Refusal(Said(Text("because", "因为"))))
    assert isinstance(parcel.unpack(data), parcel.Refusal)
    monkeypatch.setattr(records, "__version__", "99")
    monkeypatch.setattr(parcel, "__version__", "99")
    with pytest.raises(EnvironmentFault) as caught:
        parcel.unpack(data, "tcp://10.0.0.7:1")
    assert "tcp://10.0.0.7:1 has wirelab 0.1.0, this machine has 99" in caught.value.text("en")
    assert "tcp://10.0.0.7:1 上是 wirelab 0.1.0，本机是 99" in caught.value.text("zh")


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "a\0b"])
def test_a_result_stays_in_its_run_folder(tmp_path: Path, name: str):
    with pytest.raises(EnvironmentFault) as caught:
        parcel.put({name: b"x"}, tmp_path / "run" / "folder")
    assert "parcel.outside" == caught.value.key
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_run_folder_comes_back_as_it_was(tmp_path: Path):
    files = {"run.json": b"{}", "alice.cast": b"", "more/below": bytes(range(256))}
    parcel.put(files, tmp_path / "one")
    assert files == parcel.files_of(tmp_path / "one")
