"""Archives, honest and hostile: what comes out lies inside, within bounds, and what is refused says why and leaves nothing."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import string
import struct
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.base.errors import EnvironmentFault, InputError
from wirelab.compose.archives import extract, kind_of, meant_name, unpack
from wirelab.compose.members import LIMITS, MIB, Budget, Limits

Contents = Iterable[tuple[str, bytes]]
PROGRAM = b"print('hello')\n"


def zipped(path: Path, contents: Contents, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in contents:
            info = zipfile.ZipInfo("x")
            info.filename = name  # as it is: the constructor would mend it
            info.compress_type = method
            archive.writestr(info, data)
    return path


def tarred(path: Path, contents: Contents, kind: str = "") -> Path:
    with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
        for name, data in contents:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder: the bytes of files, None for folders."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


def refused(archive: Path, limits: Limits = LIMITS) -> InputError:
    """The error of an archive that may not come in; nothing is left of it, and nothing was written beside it."""
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(InputError) as caught:
        extract(archive, archive.parent / "out", limits)
    assert before == sorted(archive.parent.rglob("*"))
    assert archive.name in caught.value.text("en")
    assert archive.name in caught.value.text("zh")
    return caught.value


WRITERS: dict[str, Callable[[Path, Contents], Path]] = {
    "zip": zipped,
    "stored": lambda path, contents: zipped(path, contents, zipfile.ZIP_STORED),
    "tar": tarred,
    "tar.gz": lambda path, contents: tarred(path, contents, "gz"),
    "tar.bz2": lambda path, contents: tarred(path, contents, "bz2"),
    "tar.xz": lambda path, contents: tarred(path, contents, "xz"),
}
each_format = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@each_format
def test_every_format_is_told_by_its_content(tmp_path: Path, write: Callable[[Path, Contents], Path]):
    write(tmp_path / "hand-in.txt", [("client.py", PROGRAM), ("lib/util.py", b"\0" * 70_000)])
    extract(tmp_path / "hand-in.txt", tmp_path / "new" / "out")
    assert {"client.py": PROGRAM, "lib": None, "lib/util.py": b"\0" * 70_000} == tree(tmp_path / "new" / "out")


@each_format
def test_a_folder_around_all_is_taken_off_and_junk_is_left_out(tmp_path: Path, write: Callable[[Path, Contents], Path]):
    junk = ["__MACOSX/lab/._client.py", "lab/.DS_Store", "lab/x/lab/__pycache__/a.pyc", "lab/.git/config", "Thumbs.db"]
    write(tmp_path / "a", [("lab/x/lab/client.py", PROGRAM), ("lab/x/lab/x/a", b""), *((name, b"?") for name in junk)])
    extract(tmp_path / "a", tmp_path / "out")
    assert {"client.py": PROGRAM, "x": None, "x/a": b""} == tree(tmp_path / "out")


@each_format
def test_of_two_members_of_one_name_the_later_wins(tmp_path: Path, write: Callable[[Path, Contents], Path]):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # zipfile's own word on that
        write(tmp_path / "a", [("client.py", b"old and longer"), ("b", b""), ("./client.py", b"new")])
    extract(tmp_path / "a", tmp_path / "out")
    assert {"client.py": b"new", "b": b""} == tree(tmp_path / "out")


@each_format
def test_names_that_differ_in_case_only_are_two_files(tmp_path: Path, write: Callable[[Path, Contents], Path]):
    write(tmp_path / "a", [("Client.py", b"1"), ("client.py", b"2"), ("CLIENT.PY", b"3")])
    extract(tmp_path / "a", tmp_path / "out")
    assert {"Client.py": b"1", "client.py": b"2", "CLIENT.PY": b"3"} == tree(tmp_path / "out")


@each_format
@pytest.mark.parametrize(
    "name",
    ["../escaped", "a/../../escaped", "..", "/tmp/escaped", "//escaped", "C:/escaped", ".git/../../escaped"],
)
def test_nothing_leads_out(tmp_path: Path, write: Callable[[Path, Contents], Path], name: str):
    error = refused(write(tmp_path / "evil", [("client.py", PROGRAM), (name, b"!")]))
    assert ("handed.member", name) == (error.key, error.values["member"])
    assert "leads out" in error.text("en")


@pytest.mark.parametrize("name", ["..\\escaped", "a\\..\\..\\escaped", "\\escaped", "C:\\escaped"])
def test_backslashes_in_a_zip_are_slashes(tmp_path: Path, name: str):
    assert "leads out" in str(refused(zipped(tmp_path / "evil.zip", [(name, b"!")])))


def test_folders_made_on_windows_are_folders(tmp_path: Path):
    extract(zipped(tmp_path / "a.zip", [("a.txt", b""), ("lib\\util.py", b"1")]), tmp_path / "out")
    assert {"a.txt": b"", "lib": None, "lib/util.py": b"1"} == tree(tmp_path / "out")


@each_format
def test_a_name_that_is_file_and_folder_at_once_is_refused(tmp_path: Path, write: Callable[[Path, Contents], Path]):
    assert "at once" in str(refused(write(tmp_path / "a", [("x", b"1"), ("x/y", b"2")])))
    assert "at once" in str(refused(write(tmp_path / "b", [("x/y", b"2"), ("x", b"1")])))


@each_format
@pytest.mark.parametrize("name", ["a\nb.py", "\x1b[2J.py", "a\x7f", "a\u2028b", "tab\t"])
def test_control_characters_are_refused_and_shown_escaped(
    tmp_path: Path, write: Callable[[Path, Contents], Path], name: str
):
    error = refused(write(tmp_path / "a", [(name, b"")]))
    assert "control characters" in error.text("en")
    assert all(character.isprintable() for character in error.text("en"))


def test_long_and_deep_names_are_refused_with_the_limit(tmp_path: Path):
    for write in (zipped, tarred):
        error = refused(write(tmp_path / "a", [("n" * 5000, b"")]))
        assert ("handed.name", 5000, 1000) == (error.key, error.values["found"], error.values["limit"])
        assert len(error.text("en")) < 300
        assert 255 == refused(write(tmp_path / "a", [("客" * 86, b"")])).values["limit"]
        error = refused(write(tmp_path / "a", [("d/" * 31 + "f", b"")]))
        assert ("handed.depth", 31, 30) == (error.key, error.values["found"], error.values["limit"])
        extract(write(tmp_path / "a", [("d/" * 30 + "f", b""), ("客" * 85, b"")]), tmp_path / str(write.__name__))


# links and devices ---------------------------------------------------------------------------------------------------


def special(path: Path, kind: bytes, name: str = "x", target: str = "") -> Path:
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        archive.addfile(info)
        inside = tarfile.TarInfo(f"{name}/inside")
        inside.size = 1
        archive.addfile(inside, io.BytesIO(b"!"))
    return path


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.SYMTYPE, "it is a link"),
        (tarfile.LNKTYPE, "it is a link"),
        (tarfile.CHRTYPE, "device or a pipe"),
        (tarfile.BLKTYPE, "device or a pipe"),
        (tarfile.FIFOTYPE, "device or a pipe"),
        (b"?", "device or a pipe"),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, why: str):
    (tmp_path / "outside").mkdir()
    error = refused(special(tmp_path / "evil.tar", kind, target=str(tmp_path / "outside")))
    assert why in error.text("en")
    assert "x" == error.values["member"]


@pytest.mark.parametrize(("mode", "why"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "pipe"), (stat.S_IFCHR, "device")])
def test_links_and_devices_are_refused_in_a_zip(tmp_path: Path, mode: int, why: str):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.external_attr = (mode | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("x/inside", "!")
    assert why in refused(tmp_path / "evil.zip").text("en")


def test_links_in_what_is_left_out_harm_nobody(tmp_path: Path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo(".git/x")
        info.type, info.linkname = tarfile.SYMTYPE, "/"
        archive.addfile(info)
        archive.addfile(tarfile.TarInfo("client.py"))
    extract(tmp_path / "a.tar", tmp_path / "out")
    assert {"client.py": b""} == tree(tmp_path / "out")


def test_modes(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, mode in (("run", 0o104755), ("data", 0o100444), ("none", 0), ("sticky", 0o103001)):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, "")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, mode in (("run", 0o6755), ("data", 0o444), ("none", 0), ("sticky", 0o1001), ("folder", 0o000)):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.uid = mode, 12345
            entry.type = tarfile.DIRTYPE if name == "folder" else tarfile.REGTYPE
            tar.addfile(entry)
    before = os.umask(0o077)
    try:
        for name in ("a.zip", "a.tar"):
            out = tmp_path / f"out-{name}"
            extract(tmp_path / name, out)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()}
            assert 0o700 == modes.pop("folder", 0o700) & 0o7700
            assert {"run": 0o755, "data": 0o644, "none": 0o644, "sticky": 0o755} == modes
            assert {os.getuid()} == {path.stat().st_uid for path in out.iterdir()}
    finally:
        os.umask(before)


# bombs ---------------------------------------------------------------------------------------------------------------

SMALL = Limits(files=10, file_bytes=1000, bytes=2000, ratio=10, ratio_from=500)


@each_format
def test_each_limit_is_named(tmp_path: Path, write: Callable[[Path, Contents], Path]):
    noise = random.Random(1).randbytes(5000)
    wide = replace(SMALL, ratio_from=100_000)
    for contents, key, limit in (
        ([("a", noise[:1001])], "handed.file-bytes", "1000 B"),
        ([(f"{n}", noise[:900]) for n in range(3)], "handed.bytes", "2000 B"),
        ([(f"{n}", b"") for n in range(11)], "handed.files", 10),
        ([(f"{n}/x", b"") for n in range(6)], "handed.files", 10),
        ([(f".git/{n}", b"") for n in range(101)], "handed.files", 10),
    ):
        error = refused(write(tmp_path / "a", contents), wide)
        assert (key, limit) == (error.key, error.values["limit"])
        assert str(limit) in error.text("en")
        assert str(limit) in error.text("zh")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_bomb_is_stopped_while_it_streams(tmp_path: Path, kind: str):
    """Zeros without end: stopped at 16 MiB, and never held in memory (a decoder's own window aside)."""
    WRITERS[kind](tmp_path / "bomb", [("zeros", bytes(24 * MIB))])
    tracemalloc.start()
    try:
        error = refused(tmp_path / "bomb")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ("handed.ratio", 200) == (error.key, error.values["limit"])
    assert peak < 12 * MIB


def test_a_zip_that_understates_its_sizes_is_damaged(tmp_path: Path):
    data = bytearray(zipped(tmp_path / "a.zip", [("zeros", b"\0" * MIB)]).read_bytes())
    claimed = struct.pack("<I", MIB)
    assert 2 == data.count(claimed)
    (tmp_path / "a.zip").write_bytes(data.replace(claimed, struct.pack("<I", 10)))
    assert "damaged" in refused(tmp_path / "a.zip").text("en")


def test_compression_that_cannot_be_bounded_is_refused(tmp_path: Path):
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        error = refused(zipped(tmp_path / "a.zip", [("zeros", b"\0" * MIB)], method))
        assert "ordinary .zip" in error.text("en")


def test_a_hundred_thousand_entries(tmp_path: Path):
    members, directory = io.BytesIO(), io.BytesIO()
    for number in range(100_000):
        name, at = f"{number:05}".encode(), members.tell()
        members.write(struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 5, 0) + name)
        directory.write(struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, at) + name)
    sizes = (0, 0, 100_000 & 0xFFFF, 100_000 & 0xFFFF, directory.tell(), members.tell(), 0)
    end = struct.pack("<4s4H2IH", b"PK\5\6", *sizes)
    (tmp_path / "many.zip").write_bytes(members.getvalue() + directory.getvalue() + end)
    assert 100_000 == len(zipfile.ZipFile(tmp_path / "many.zip").namelist())
    (tmp_path / "many.tar").write_bytes(tarfile.TarInfo("x").tobuf() * 100_000 + bytes(1024))
    for archive, limits in (
        ("many.zip", LIMITS),
        ("many.zip", replace(LIMITS, files=20_000)),
        ("many.tar", replace(LIMITS, files=500)),
    ):
        error = refused(tmp_path / archive, limits)
        assert ("handed.files", limits.files) == (error.key, error.values["limit"])


def test_a_tar_whose_headers_are_endless_is_stopped(tmp_path: Path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("client.py")
        info.pax_headers = {"comment": "x" * (3 * MIB)}
        archive.addfile(info)
    error = refused(tmp_path / "a.tar.gz")
    assert "headers" in error.text("en")


def test_a_sparse_file_counts_as_what_it_becomes(tmp_path: Path):
    header = bytearray(tarfile.TarInfo("zeros").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:398] = b"00000000000\0"  # one piece: at 0, of no bytes
    header[398:410] = b"00000000000\0"
    header[483:495] = b"77777777777\0"  # real size: 8 GiB
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(1024))
    assert refused(tmp_path / "a.tar").key in ("handed.file-bytes", "archive.damaged")


# damaged and foreign -------------------------------------------------------------------------------------------------


@each_format
def test_no_cut_and_no_flipped_byte_does_more_than_an_error(tmp_path: Path, write: Callable[[Path, Contents], Path]):
    contents = {"client.py": PROGRAM, "noise": random.Random(2).randbytes(3000)}
    whole = write(tmp_path / "a", contents.items()).read_bytes()
    chance = random.Random(3)
    for number in range(80):
        at = chance.randrange(len(whole))
        broken = (
            whole[:at] if number % 2 else whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :]
        )
        (tmp_path / "a").write_bytes(broken)
        out = tmp_path / "out"
        try:
            extract(tmp_path / "a", out)
        except InputError:
            assert not out.exists()
        else:
            assert {path.parent for path in out.rglob("*") if path.is_file()} <= {out}
            for path in list(out.iterdir()):
                path.unlink()
            out.rmdir()
    assert ["a"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("kind", ["zip", "stored", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_truncated_archive_says_so(tmp_path: Path, kind: str):
    whole = WRITERS[kind](tmp_path / "a", [("client.py", random.Random(4).randbytes(20_000))]).read_bytes()
    (tmp_path / "a").write_bytes(whole[: len(whole) // 2])
    error = refused(tmp_path / "a")
    assert "archive.damaged" == error.key
    assert "cut short" in error.text("en")
    assert "不完整" in error.text("zh")


def test_a_password_is_named(tmp_path: Path):
    data = bytearray(zipped(tmp_path / "a.zip", [("client.py", PROGRAM)]).read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[directory + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    error = refused(tmp_path / "a.zip")
    assert "password" in error.text("en")
    assert "密码" in error.text("zh")


@pytest.mark.parametrize(
    ("start", "kind"), [(b"Rar!\x1a\x07\x01\0", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x28\xb5\x2f\xfd", "zstd")]
)
def test_foreign_archives_are_named_with_what_to_hand_in_instead(tmp_path: Path, start: bytes, kind: str):
    (tmp_path / "lab.zip").write_bytes(start + bytes(100))
    error = refused(tmp_path / "lab.zip")
    assert f"a {kind} archive" in error.text("en")
    assert ".zip or a .tar.gz" in error.text("en")


def test_what_is_no_archive(tmp_path: Path):
    for data in (b"", b"print()", bytes(1024), b"\x1f\x8b"):
        (tmp_path / "a.zip").write_bytes(data)
        assert refused(tmp_path / "a.zip").key in ("archive.unknown", "archive.damaged")
    (tmp_path / "client.py.gz").write_bytes(gzip.compress(PROGRAM * 100))
    assert "archive.unknown" == refused(tmp_path / "client.py.gz").key
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(tmp_path / "pipe").text("en")
    assert "archive.unreadable" == refused(tmp_path / "missing").key
    assert "archive.empty" == refused(zipped(tmp_path / "empty.zip", [("__MACOSX/x", b"")])).key


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path):
    archive = zipped(tmp_path / "a.zip", [("client.py", PROGRAM)])
    (tmp_path / "out").mkdir()
    extract(archive, tmp_path / "out")
    with pytest.raises(InputError, match="not empty"):
        extract(archive, tmp_path / "out")
    assert {"client.py": PROGRAM} == tree(tmp_path / "out")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="not empty"):
        extract(archive, tmp_path / "link")


def test_a_full_disk_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_file: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    archive = zipped(tmp_path / "a.zip", [("client.py", PROGRAM)])
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(EnvironmentFault, match="No space left"):
        extract(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("客户端.py".encode("gbk"), "客户端.py"),
        ("实验二/张三_client.py".encode("gbk"), "实验二/张三_client.py"),
        ("客户端.py".encode(), "客户端.py"),
        ("café/naïve.py".encode("cp437"), "café/naïve.py"),
        (b"plain.py", "plain.py"),
        (b"\xc4\xff\xff", "─\xa0\xa0"),
    ],
)
def test_names_without_a_word_on_their_encoding(tmp_path: Path, raw: bytes, name: str):
    assert name == meant_name(raw)


def test_a_zip_from_chinese_windows(tmp_path: Path):
    name = "作业/客户端.py".encode("gbk")
    data = zipped(tmp_path / "a.zip", [("n" * len(name), PROGRAM), ("b", b"")]).read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"n" * len(name), name))
    extract(tmp_path / "a.zip", tmp_path / "out")
    assert {"作业": None, "作业/客户端.py": PROGRAM, "b": b""} == tree(tmp_path / "out")


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), st.binary(max_size=20)),
        min_size=1,
        max_size=6,
        unique_by=lambda member: member[0],
    ),
    st.sampled_from(["zip", "tar.gz"]),
)
@settings(deadline=None, max_examples=80)
def test_whatever_the_names_nothing_leaves_the_folder(contents: list[tuple[str, bytes]], kind: str):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            WRITERS[kind](folder / "a", contents)
        except (ValueError, UnicodeError):  # not even a hostile maker can write that with these tools
            return
        try:
            extract(folder / "a", folder / "in" / "out")
        except InputError as error:
            why = error.text("en")
            assert {"a", "in"} >= {path.name for path in folder.rglob("*")}
        else:
            inside, why = folder / "in" / "out", ""
            assert {folder / "a", folder / "in", inside} >= {
                path for path in folder.rglob("*") if inside not in path.parents
            }
            for path in inside.rglob("*"):
                assert stat.S_IFMT(path.lstat().st_mode) in (stat.S_IFREG, stat.S_IFDIR)
        assert all(character.isprintable() for character in why)


@given(st.lists(st.text(string.ascii_letters + "客户端é _-.()", min_size=1, max_size=20), min_size=2, max_size=5))
@settings(deadline=None, max_examples=30)
def test_ordinary_names_come_out_as_they_went_in(names: list[str]):
    wanted = {name: name.encode() for name in names if name.strip(".") and not name.startswith(".")}
    wanted |= {"one": b"1", "two": b"2"}
    with tempfile.TemporaryDirectory() as name:
        for write in (zipped, tarred):
            out = Path(name) / f"out-{write.__name__}"
            extract(write(Path(name) / "a", wanted.items()), out)
            assert wanted == tree(out)


# a class's archive ---------------------------------------------------------------------------------------------------


def test_in_a_class_one_bad_member_costs_only_itself(tmp_path: Path):
    data = zipped(
        tmp_path / "all.zip",
        [("ann/client.py", PROGRAM), ("bob/client.py", b"B" * 999), ("../eve", b"!"), ("dan/x\n", b"")],
        zipfile.ZIP_STORED,
    ).read_bytes()
    (tmp_path / "all.zip").write_bytes(data.replace(b"B" * 999, b"C" * 999))
    told: dict[str, InputError] = {}
    unpack(tmp_path / "all.zip", tmp_path / "out", Budget(LIMITS), whole=True, refused=told.__setitem__)
    assert {"ann": None, "ann/client.py": PROGRAM, "bob": None} == tree(tmp_path / "out")
    assert {"bob/client.py", "../eve", "dan/x\n"} == set(told)
    assert "damaged" in told["bob/client.py"].text("en")


def test_in_a_class_the_files_after_one_that_is_too_large_are_there(tmp_path: Path):
    contents = [("ann/data", bytes(900_000)), ("bob/client.py", PROGRAM)]
    for name, write in (("tar.gz", WRITERS["tar.gz"]), ("zip", zipped)):
        told: dict[str, InputError] = {}
        limits = Budget(replace(LIMITS, file_bytes=1000))
        unpack(write(tmp_path / name, contents), tmp_path / f"out-{name}", limits, whole=True, refused=told.__setitem__)
        assert {"ann": None, "bob": None, "bob/client.py": PROGRAM} == tree(tmp_path / f"out-{name}")
        assert ["ann/data"] == list(told)


def test_kinds(tmp_path: Path):
    (tmp_path / "client.py").write_bytes(PROGRAM * 100)
    assert kind_of(tmp_path / "client.py") is None
    assert "zip" == kind_of(zipped(tmp_path / "a", []))
