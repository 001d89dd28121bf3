"""What a class handed in, as folders, archives and platforms' downloads: whose it is, which counts, and what it holds."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.base.errors import InputError, UsageError
from wirelab.compose.intake import HandedIn, Intake, find_submissions, prepare
from wirelab.compose.members import Limits
from wirelab.compose.naming import named
from wirelab.compose.roster import Entry, Roster, key_of, roster_of
from wirelab.compose.submissions import find_programs
from wirelab.judge.grades import Student

CLASS = roster_of(
    Entry(Student(number, name, number, login), line, group="A")
    for line, (number, name, login) in enumerate(
        [
            ("2021001", "张三", "zhangsan@x.edu"),
            ("2021002", "李四", "lisi@x.edu"),
            ("2021003", "Bob Smith", "bsmith"),
            ("2021004", "王伟", "wangwei1"),
            ("2021005", "王伟", "wangwei2"),
        ],
        2,
    )
)


def archive(*names: str, **contents: str) -> bytes:
    """A zip of files; what is in a file is its name, if nothing is said."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as zipped:
        for name, content in (dict(zip(names, names, strict=True)) | contents).items():
            zipped.writestr(name, content)
    return data.getvalue()


def lay(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def packed(folder: Path, files: dict[str, str | bytes]) -> Path:
    """The same as a platform's download: one archive."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "all.zip", "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return folder / "all.zip"


def holds(submission: HandedIn) -> dict[str, str]:
    """The files of a submission, as they would be played."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "fresh"
        prepare(submission, folder)
        return {str(p.relative_to(folder)): p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


def by_key(intake: Intake) -> dict[str, HandedIn]:
    found = {submission.student.key: submission for submission in intake.submissions}
    assert len(found) == len(intake.submissions)
    return found


def test_folders_archives_and_single_files_side_by_side(tmp_path: Path):
    lay(
        tmp_path,
        {
            "2021001_张三/client.py": "1",
            "2021001_张三/lib/util.py": "u",
            "李四-2021002-实验2.zip": archive("lab/client.py", "__MACOSX/lab/._client.py"),
            "bsmith.py": "b",
            "wangwei2": archive("Client.java"),
            "notes.txt": "mine",
            ".hidden": "",
            "__MACOSX/x": "",
        },
    )
    intake = find_submissions(tmp_path, CLASS)
    found = by_key(intake)
    assert ["2021001", "2021002", "2021003", "2021005"] == list(found)
    assert {"client.py": "1", "lib/util.py": "u"} == holds(found["2021001"])
    assert {"client.py": "lab/client.py"} == holds(found["2021002"])
    assert {"bsmith.py": "b", "wirelab.toml": 'client = "python3 bsmith.py"\n'} == holds(found["2021003"])
    assert {"Client.java": "Client.java"} == holds(found["2021005"])
    assert ["2021004"] == [student.key for student in intake.missing]
    assert ["'notes.txt' is nobody's submission and was left aside"] == [note.in_("en") for note in intake.notes]
    assert all(one.listed and len(one.digest) == 64 and not one.notes for one in found.values())


def test_without_a_roster_names_tell(tmp_path: Path):
    lay(
        tmp_path,
        {"2021001_张三/a": "", "李四.zip": archive("client.py"), "Ann Lee/a": "", "bob/a": "", "B21000007.py": ""},
    )
    students = [submission.student for submission in find_submissions(tmp_path, language="zh").submissions]
    assert [
        Student("2021001", "张三", "2021001", "", "zh"),
        Student(key_of("Ann Lee"), "Ann Lee", "", "", "zh"),
        Student("B21000007", "", "B21000007", "", "zh"),
        Student("bob", "bob", "", "", "zh"),
        Student(key_of("李四"), "李四", "", "", "zh"),
    ] == students


def test_a_date_in_every_name_is_nobodys_number(tmp_path: Path):
    lay(tmp_path, {"20240101_张三.zip": archive("client.py"), "20240101_李四.zip": archive("client.py")})
    found = find_submissions(tmp_path).submissions
    assert {"20240101_张三", "20240101_李四"} == {submission.student.name for submission in found}
    assert {""} == {submission.student.number for submission in found}


MOODLE: dict[str, str | bytes] = {
    "张三_4711_assignsubmission_file/client.py": "1",  # Moodle 4
    "张三_4711_assignsubmission_file/lib/util.py": "u",
    "李四_4712_assignsubmission_file_/lab.zip": archive("lab/server.py", "lab/client.py"),  # Moodle 3
    "李四_4712_assignsubmission_onlinetext_/onlinetext.html": "see file",
    "Bob Smith_4713_assignsubmission_file_client.py": "flat",
    "Bob Smith_4713_assignsubmission_file_my_util.py": "flat too",
    "王伟_4714_assignsubmission_file_lab.tar.gz": b"broken",
    "Eve_2021005_assignsubmission_file_/client.py": "an id that is somebody else's number",
}


@pytest.mark.parametrize("whole", [True, False])
def test_moodle(tmp_path: Path, whole: bool):
    source = packed(tmp_path / "in", MOODLE) if whole else lay(tmp_path / "in", MOODLE)
    for _ in range(2):  # a second time, what the first left is replaced
        intake = find_submissions(source, CLASS, tmp_path / "to")
    found = by_key(intake)
    assert {"2021001", "2021002", "2021003", "4714", key_of("2021005 Eve_2021005_assignsubmission_file_")} == set(found)
    assert {"client.py": "1", "lib/util.py": "u"} == holds(found["2021001"])
    assert {"client.py": "lab/client.py", "server.py": "lab/server.py"} == holds(found["2021002"])
    assert {"client.py": "flat", "my_util.py": "flat too"} == holds(found["2021003"])
    assert ["2021004", "2021005"] == [student.key for student in intake.missing]
    assert ["'王伟' is nobody on the roster"] == [note.in_("en") for note in found["4714"].notes]
    problem = found["4714"].problem
    assert problem is not None
    assert "no archive that is known here" in problem.in_("en")
    assert "请提交" in problem.in_("zh")
    assert "" == found["4714"].digest


def test_a_participants_number_is_nobodys_student_number(tmp_path: Path):
    names = ("Zoe_2021003_assignsubmission_file", "Participant_2021001_assignsubmission_file")
    lay(tmp_path, {f"{name}/client.py": "x" for name in names})
    for roster in (None, CLASS):
        students = [one.student for one in find_submissions(tmp_path, roster).submissions]
        assert {("Zoe", "Participant 2021003"), ("", "Participant 2021001")} == {
            (one.name, one.number) for one in students
        }
    listed = roster_of([Entry(Student("ann", "Ann", "Participant 2021001"), 7), *CLASS.entries])
    found = find_submissions(tmp_path, listed).submissions
    assert {"ann"} == {one.student.key for one in found if one.listed}


CANVAS: dict[str, str | bytes] = {
    "张三_340931_9001_client.py": "1",
    "李四_LATE_340932_9002_lab-3.zip": archive("x/client.py"),
    "smithbob_340933_9003_client-1.py": "2nd",
    "smithbob_340933_9004_util-1.py": "2nd util",
    "smithbob_340933_9005_part-1.py": "p1",
    "smithbob_340933_9006_part-2.py": "p2",
    "smithbob_340933_text.html": "typed",
    "dupontrené_340934_9007_Client.java": "4",
    "LATE_anon_a1B2c_9008_client.c": "5",
}


@pytest.mark.parametrize("whole", [True, False])
def test_canvas(tmp_path: Path, whole: bool):
    source = packed(tmp_path / "in", CANVAS) if whole else lay(tmp_path / "in", CANVAS)
    found = by_key(find_submissions(source, CLASS, tmp_path / "to"))
    assert {"2021001", "2021002", "2021003", "340934", "anon_a1B2c"} == set(found)
    assert {"2021002", "anon_a1B2c"} == {
        key
        for key, one in found.items()
        if "handed in late, says the platform" in [note.in_("en") for note in one.notes]
    }
    assert {"client.py": "x/client.py"} == holds(found["2021002"])
    assert {"client.py": "2nd", "util.py": "2nd util", "part-1.py": "p1", "part-2.py": "p2"} == holds(found["2021003"])
    assert {"Client.java": "4"} == holds(found["340934"])
    assert "dupontrené" == found["340934"].student.name
    assert all(submission.problem is None for submission in found.values())


def test_of_attempts_the_newest_counts_and_it_is_said(tmp_path: Path):
    lay(
        tmp_path,
        {
            "smithbob_3_9001_client.py": "old",
            "smithbob_3_9003_client-2.py": "newest",
            "smithbob_3_9002_client-1.py": "middle",
            "2021001 (1).zip": archive(**{"client.py": "second"}),
            "2021001.zip": archive(**{"client.py": "first"}),
            "2021002_a/client.py": "a",
            "2021002_b.zip": archive(**{"client.py": "b"}),
        },
    )
    os.utime(tmp_path / "2021002_b.zip", (10, 10))
    os.utime(tmp_path / "2021002_a", (20, 20))
    os.utime(tmp_path / "2021001 (1).zip", (1, 1))  # browsers know better than clocks
    found = by_key(find_submissions(tmp_path, CLASS))
    assert {"client.py": "newest"} == holds(found["2021003"])
    assert {"client.py": "second"} == holds(found["2021001"])
    assert {"client.py": "a"} == holds(found["2021002"])
    said = [note.in_("en") for note in found["2021002"].notes]
    assert ["handed in more than once: the newest, 2021002_a, is graded; left out: 2021002_b.zip"] == said
    assert "client-1.py" in found["2021003"].notes[0].in_("zh")
    os.utime(tmp_path / "2021002_b.zip", (30, 30))
    assert {"client.py": "b"} == holds(by_key(find_submissions(tmp_path, CLASS))["2021002"])


def test_a_client_and_a_server_apart_are_one_submission(tmp_path: Path):
    lay(
        tmp_path,
        {
            "2021001_client.py": "c",
            "2021001_server.py": "s",
            "2021002_客户端.zip": archive("main.py", "client.py"),
            "2021002_服务器.zip": archive("server.py"),
            "bsmith-client.java": "j",
        },
    )
    found = by_key(find_submissions(tmp_path, CLASS))
    assert {"client.py": "c", "server.py": "s"} == holds(found["2021001"])
    assert {"client/main.py", "client/client.py", "server/server.py"} == set(holds(found["2021002"]))
    assert {"Client.java": "j"} == holds(found["2021003"])
    assert not any(submission.notes for submission in found.values())


@pytest.mark.parametrize(
    ("file", "start", "build"),
    [
        ("李 四.py", "python3 '李 四.py'", ()),
        ("2021002.c", "./2021002", ("cc -O1 -g -pthread -o 2021002 2021002.c",)),
        ("LiSi 2021002.java", "java 'LiSi 2021002'", ("javac -encoding UTF-8 'LiSi 2021002.java'",)),
        ("quote\"'2021002.py", "python3 'quote\"'\"'\"'2021002.py'", ()),
    ],
)
def test_a_file_by_itself_starts(tmp_path: Path, file: str, start: str, build: tuple[str, ...]):
    lay(tmp_path / "in", {file: "x"})
    (submission,) = find_submissions(tmp_path / "in", CLASS, role="server").submissions
    prepare(submission, tmp_path / "out")
    programs = find_programs(tmp_path / "out", ["server"])
    assert ({"server": start}, build) == (programs.commands, programs.build)


def test_archives_within(tmp_path: Path):
    inner = archive("lab/deep/client.py", "lab/deep/Makefile")
    lay(
        tmp_path,
        {
            "2021001/report.pdf": "r",
            "2021001/lab.zip": inner,
            "2021002.zip": archive(),
            "2021003/client.py": "",
            "2021003/data.zip": b"PK\x03\x04 broken, and of no interest",
            "2021004/lab.rar": b"Rar!\x1a\x07\x01\0",
            "2021004/report.docx": inner,
        },
    )
    with zipfile.ZipFile(tmp_path / "2021002.zip", "w") as outer:
        outer.writestr("x/lab.zip", inner)
    found = by_key(find_submissions(tmp_path, CLASS))
    assert {"report.pdf", "client.py", "Makefile"} == set(holds(found["2021001"]))
    assert {"client.py", "Makefile"} == set(holds(found["2021002"]))
    prepare(found["2021003"], tmp_path / "out")
    assert {"client.py", "data.zip"} == {path.name for path in (tmp_path / "out").iterdir()}
    with pytest.raises(InputError, match="is a rar archive"):
        prepare(found["2021004"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_read_stops_nobody_else(tmp_path: Path):
    lay(
        tmp_path,
        {"2021001.zip": b"x", "2021002.7z": b"7z\xbc\xaf\x27\x1c", "2021003/client.py": "", "empty/.git/x": ""},
    )
    (tmp_path / "2021004").symlink_to("/etc")
    (tmp_path / "2021005").mkdir()
    (tmp_path / "2021005" / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "2021006.zip")
    found = by_key(find_submissions(tmp_path, CLASS))
    problems = {key: one.problem.in_("en") if one.problem else "" for key, one in found.items()}
    assert "" == problems.pop("2021003")
    for key, why in {
        "2021001": "no archive that is known here",
        "2021002": "is a 7z archive",
        "2021004": "it is a link",
        "2021005": "'passwd' cannot be taken in: it is a link",
        "2021006": "not a file",
        "empty": "holds no files",
    }.items():
        assert why in problems.pop(key)
    assert {} == problems
    for one in found.values():
        if one.problem is not None:
            assert "" == one.digest
            with pytest.raises(InputError):
                prepare(one, tmp_path.parent / "out")


def test_a_folder_that_nobody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lay(tmp_path, {"ann/client.py": "", "ann/closed/x": "", "bob/client.py": ""})
    listing = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return iter(list(listing(path)))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    found = by_key(find_submissions(tmp_path))
    assert found["ann"].problem is not None
    assert "ann cannot be read: Permission denied" == found["ann"].problem.in_("en")
    assert found["bob"].problem is None
    (tmp_path / "ann").rename(tmp_path.parent / "closed")
    with pytest.raises(InputError, match="closed cannot be read: Permission denied"):
        find_submissions(tmp_path.parent / "closed")


def test_a_bad_member_in_the_download_is_its_students_problem(tmp_path: Path):
    source = packed(
        tmp_path / "in", MOODLE | {"王芳_4799_assignsubmission_file_/a\nb": "", "../eve/x": "", "x" * 300: ""}
    )
    intake = find_submissions(source, CLASS, tmp_path / "to")
    found = by_key(intake)
    problem = found["4799"].problem
    assert problem is not None
    assert "control characters" in problem.in_("en")
    assert [True] == ["leads out" in note.in_("en") for note in intake.notes]
    assert found["2021001"].problem is None
    assert not (tmp_path / "eve").exists()


def test_limits_hold_for_folders_too(tmp_path: Path):
    lay(tmp_path / "in", {f"ann/{n}.py": "x" * 100 for n in range(5)})
    (ann,) = find_submissions(tmp_path / "in").submissions
    for limits, name in (
        (Limits(files=4), "(files)"),
        (Limits(file_bytes=99), "(file_bytes)"),
        (Limits(bytes=499), "(bytes)"),
        (Limits(name=3), "(name)"),
    ):
        with pytest.raises(InputError) as caught:
            prepare(ann, tmp_path / "out", limits)
        assert name in caught.value.text("en")
        assert not (tmp_path / "out").exists()
    prepare(ann, tmp_path / "out", Limits(files=5, file_bytes=100, bytes=500, name=4))


def test_a_digest_names_the_content(tmp_path: Path):
    lay(tmp_path / "1", {"ann/client.py": "1", "ann/b/x": "2", "bob.zip": archive("client.py"), "eve.py": "1"})
    lay(tmp_path / "2", {"dan/b/x": "2", "dan/client.py": "1", "dan/.git/x": "", "carl": archive("client.py")})
    first, second = (by_key(find_submissions(tmp_path / name)) for name in "12")
    assert first["ann"].digest == second["dan"].digest
    assert first["bob"].digest == second["carl"].digest
    assert 3 == len({one.digest for one in first.values()})
    for change in (
        lambda: (tmp_path / "1/ann/client.py").chmod(0o755),
        lambda: (tmp_path / "1/ann/client.py").write_text("2", encoding="utf-8"),
        lambda: (tmp_path / "1/ann/b").rename(tmp_path / "1/ann/c"),
    ):
        before = by_key(find_submissions(tmp_path / "1"))["ann"].digest
        change()
        assert before != by_key(find_submissions(tmp_path / "1"))["ann"].digest


def test_copies_are_safe_to_change(tmp_path: Path):
    lay(tmp_path / "in", {"ann/run": "1"})
    (tmp_path / "in/ann/run").chmod(0o4555)
    (ann,) = find_submissions(tmp_path / "in").submissions
    prepare(ann, tmp_path / "out")
    assert 0o755 == (tmp_path / "out/run").stat().st_mode & 0o7777
    (tmp_path / "out/run").write_text("2", encoding="utf-8")
    assert "1" == (tmp_path / "in/ann/run").read_text("utf-8")


@pytest.mark.parametrize(
    "names",
    [["client.py", "server.py"], ["Server.java", "README.md"], ["wirelab.toml", "main.py"]],
)
def test_a_single_submission_is_no_class(tmp_path: Path, names: list[str]):
    source = lay(tmp_path / "in", dict.fromkeys(names, ""))
    with pytest.raises(UsageError, match="looks like one submission"):
        find_submissions(source)
    with pytest.raises(UsageError, match="looks like one submission"):
        find_submissions(packed(tmp_path / "zip", dict.fromkeys(names, "")), None, tmp_path / "to")


def test_a_folder_around_the_class_is_passed(tmp_path: Path):
    source = packed(tmp_path / "zip", {"lab2/x/2021001/client.py": "1", "lab2/x/2021002.zip": archive("client.py")})
    assert ["2021001", "2021002"] == list(by_key(find_submissions(source, CLASS, tmp_path / "to")))
    source = packed(tmp_path / "zip", {"2021001/lab/client.py": "1"})
    assert ["2021001"] == list(by_key(find_submissions(source, CLASS, tmp_path / "to")))


def test_nothing_to_grade(tmp_path: Path):
    with pytest.raises(InputError, match="there is no"):
        find_submissions(tmp_path / "none")
    with pytest.raises(InputError, match="no submissions"):
        find_submissions(tmp_path)
    (tmp_path / "x.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="neither a folder"):
        find_submissions(tmp_path / "x.txt")


def test_a_tar_of_a_class_keeps_which_is_newer(tmp_path: Path):
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as archived:
        for name, when in (("2021001_v2.zip", 2000), ("2021001_v1.zip", 1000), ("2021002.zip", 1)):
            info = tarfile.TarInfo(name)
            data = archive(**{"client.py": name})
            info.size, info.mtime = len(data), when
            archived.addfile(info, io.BytesIO(data))
    found = by_key(find_submissions(tmp_path / "all.tar.gz", CLASS, tmp_path / "to"))
    assert {"client.py": "2021001_v2.zip"} == holds(found["2021001"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ann Lee_12_assignsubmission_file_", ("moodle", "Ann Lee", "12", "")),
        ("Ann Lee_12_assignsubmission_file_a_b.zip", ("moodle", "Ann Lee", "12", "a_b.zip")),
        ("Participant_12_assignsubmission_file", ("moodle", "", "12", "")),
        ("Team 7_3_assignsubmission_onlinetext", ("moodle", "Team 7", "3", "")),
        ("Default group_assignsubmission_file", ("moodle", "Default group", "", "")),
        ("leeann_12_34_a_5_6_b.zip", ("canvas", "leeann", "12", "a_5_6_b.zip")),
        ("o_neilann_LATE_12_34_a.zip", ("canvas", "o_neilann", "12", "a.zip")),
        ("leeann_12_link.html", ("canvas", "leeann", "12", "link.html")),
        ("anon_x9Y8z_34_a.zip", ("canvas", "", "anon_x9Y8z", "a.zip")),
        ("2021001_张三.zip", ("", "", "", "")),
        ("Lee_lab2.zip", ("", "", "", "")),
    ],
)
def test_names_of_platforms(name: str, expected: tuple[str, str, str, str]):
    found = named(name, folder=False)
    assert expected == (found.platform, found.name, found.id, found.rest)


FILENAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20).filter(
    lambda name: name.strip(".") and len(name.encode()) < 200
)


@given(st.lists(FILENAMES, min_size=1, max_size=6, unique=True), st.booleans())
@settings(deadline=None, max_examples=80)
def test_whatever_the_names_everybody_has_a_key_and_the_same_again(names: list[str], known: bool):
    roster: Roster | None = CLASS if known else None
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(names):
            lay(Path(folder), {f"{name}/client.py": str(number)})
        lay(Path(folder), {"somebody/client.py": ""})  # the others may all be hidden
        intake = find_submissions(Path(folder), roster)
        found = by_key(intake)
        assert all(submission.problem is None and submission.digest for submission in found.values())
        assert all(key_of(key) == key for key in found)
        assert intake == find_submissions(Path(folder), roster)
