"""Rosters as people export them: any order, language, delimiter and encoding; and what is wrong with one, by line."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wirelab.base.errors import AuthorError, InputError
from wirelab.compose.roster import Roster, key_of, names_of, read_roster
from wirelab.judge.grades import Student


def roster(folder: Path, text: str | bytes) -> Roster:
    path = folder / "roster.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_roster(path)


def wrong(folder: Path, text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(AuthorError) as caught:
        roster(folder, text)
    assert caught.value.text("en") != caught.value.text("zh")
    return [(problem.place.line, problem.text("en").partition(": ")[2]) for problem in caught.value.problems]


ANN = Student("2021001", "张三", "2021001", "ann@x.edu", "zh")


@pytest.mark.parametrize(
    "text",
    [
        "number,name,login,language\n2021001,张三,ann@x.edu,zh\n",
        "\ufeff姓名;学号;语言;邮箱\r\n张三;2021001;中文;ann@x.edu\r\n",
        "E-mail\tStudent ID\tNAME\tLang\nann@x.edu\t2021001\t张三\tzh-CN\n",
        "学号，".replace("，", ",") + '姓名,用户名,语言\n="2021001","张三",ann@x.edu,Chinese\n',
        "\n\nName , Number,e_mail,language,Remark\n 张三 , 2021001 ,ann@x.edu,zh_CN\n,,,\n",
    ],
)
def test_headers_in_any_order_language_and_form(tmp_path: Path, text: str):
    for encoding in ("utf-8", "gb18030", "utf-16"):
        if encoding == "gb18030" and text.startswith("\ufeff"):
            continue
        found = roster(tmp_path, text.removeprefix("\ufeff" if encoding == "utf-16" else "").encode(encoding))
        assert [ANN] == [entry.student for entry in found.entries]


def test_groups_and_the_language_of_those_who_say_nothing(tmp_path: Path):
    (tmp_path / "r.csv").write_text("学号,班级,language\n1,A班,\n2,,en\n", encoding="utf-8")
    found = read_roster(tmp_path / "r.csv", "zh")
    assert [("A班", "zh", 2), ("", "en", 3)] == [(e.group, e.student.language, e.line) for e in found.entries]


@pytest.mark.parametrize(
    ("first", "last", "name"), [("雷", "李", "李雷"), ("Ann", "Lee", "Ann Lee"), ("Ann", "李", "Ann 李")]
)
def test_the_family_comes_first_in_chinese(tmp_path: Path, first: str, last: str, name: str):
    found = roster(tmp_path, f"First name,Last name,ID number\n{first},{last},7\n")
    assert [name] == [entry.student.name for entry in found.entries]
    assert {name} == {
        one.student.name for text in (f"{first} {last}", f"{last}, {first}", name) if (one := found.by_name(text))
    }


@pytest.mark.parametrize("columns", ["Last name", "First name"])
def test_one_part_of_a_name_beside_the_whole_is_no_name(tmp_path: Path, columns: str):
    found = roster(tmp_path, f"ID number,Full name,{columns}\n2,Bob Ray,Ray\n")
    assert None is found.by_name("Ray")
    assert "2" == getattr(found.by_name("Ray Bob"), "student", None).number  # type: ignore[union-attr]


def test_parts_of_a_name_that_fit_two_students_tell_nobody(tmp_path: Path):
    found = roster(tmp_path, "First name,Last name,ID number\n雷,李,7\n李,雷,8\n")
    assert None is found.by_name("雷 李")
    assert ["李雷", "雷李"] == [entry.student.name for entry in found.entries]


def test_the_gradebook_of_canvas(tmp_path: Path):
    found = roster(
        tmp_path,
        'Student,ID,SIS User ID,SIS Login ID,Section,Lab 2 (77)\n,,,,,Manual Posting\n"    Points Possible",,,,,100\n'
        '"Smith, Bob",340934,S123,bsmith,A,\n"Student, Test",999,,,A,\n',
    )
    bob = found.by_number("340934")
    assert bob is not None
    assert ("Smith, Bob", "S123", "bsmith", "A") == (
        *(bob.student.name, bob.student.number, bob.student.login),
        bob.group,
    )
    assert bob is found.by_number("s123") is found.by_name("smithbob") is found.by_name("Bob Smith")
    assert bob is found.by_login("BSMITH") is found.find("Bob  SMITH")
    assert 2 == len(found.entries)


def test_what_moodle_exports(tmp_path: Path):
    found = roster(
        tmp_path,
        "First name,Last name,ID number,Email address\nAnn,Lee,,ann.lee@x.edu\nBob,de la Cruz,7,bob@x.edu\n",
    )
    assert ["Ann Lee", "Bob de la Cruz"] == [entry.student.name for entry in found.entries]
    assert found.entries[1] is found.by_name("de la Cruz, Bob") is found.by_login("bob")
    worksheet = roster(
        tmp_path, "Identifier,Full name,Email address,Grade\nParticipant 4711,Ann Lee,a@x,\n参与者4712,张三,b@x,\n"
    )
    assert ["Participant 4711", "参与者4712"] == [entry.student.number for entry in worksheet.entries]
    assert "4711" == worksheet.entries[0].student.key
    assert worksheet.entries[0] is worksheet.by_number("Participant 4711")
    assert worksheet.by_number("4711") is None


def test_look_ups_give_none_for_what_fits_two(tmp_path: Path):
    found = roster(tmp_path, "number,name,email\n1,王伟,wang@a.edu\n2,王 伟,wang@b.edu\n3,Li Na,\n")
    assert found.by_name("王伟") is None
    assert found.by_login("wang") is None
    assert found.entries[1] is found.by_login("WANG@b.edu")
    assert found.entries[2] is found.by_name("ＬＩ　ｎａ") is found.by_number("３")
    assert found.find("") is found.find("4") is None


def test_keys_are_apart(tmp_path: Path):
    found = roster(tmp_path, "number,login,name\nann,,Ann Lee\n,ann,Ann Li\n,,张三\n,,李四\n,x y,\n")
    keys = [entry.student.key for entry in found.entries]
    assert 5 == len(set(keys))
    assert all(key_of(key) == key for key in keys)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("姓,备注\n", None),
        ("", [(1, "no column tells who a student is: found -; one of these is needed")]),
        ("mark,备注\n1,2\n", [(1, "no column tells who a student is: found 'mark', '备注'; one of these is needed")]),
        ("number,name\n", [(1, "no student is listed")]),
        ("number,name,email\n1,a,\n2,b,x@y\n1,c,X@Y\n", [(4, "'1' (number)"), (4, "'X@Y' (login) stands in line 3")]),
        ("name\nAnn\nBob\nann\n", [(4, "'ann' (name) stands in line 2")]),
        ("number,group\n1,a\n,b\n", [(3, "this line has no number, login or name")]),
        ("number,language\n1,en\n2,klingon\n", [(3, "unknown language 'klingon'")]),
        ("学号\n2.02105E+11\n", [(2, "the number '2.02105E+11' was rounded by a spreadsheet")]),
        (f"name,number\n{'x' * 200_000},1\n", [(2, "this line is no CSV")]),
    ],
)
def test_what_is_wrong_is_told_by_line(tmp_path: Path, text: str, problems: list[tuple[int, str]] | None):
    found = wrong(tmp_path, text)
    if problems is None:
        assert [1] == [line for line, _ in found]
        return
    assert [line for line, _ in problems] == [line for line, _ in found]
    for (_, start), (_, said) in zip(problems, found, strict=True):
        assert said.startswith(start)


def test_what_is_no_text(tmp_path: Path):
    with pytest.raises(InputError, match="neither UTF-8 nor GBK"):
        roster(tmp_path, b"name\n\xff\xff\x00\n")
    with pytest.raises(InputError, match="neither UTF-8 nor GBK"):
        roster(tmp_path, b"\xff\xfen")
    with pytest.raises(InputError, match="cannot read the roster"):
        read_roster(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot read the roster"):
        read_roster(tmp_path)


@given(st.text(min_size=1))
@example("0" * 61)
@example("0" * 70)
@settings(deadline=None)
def test_a_key_is_safe_and_stays(text: str):
    key = key_of(text)
    assert key
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert not key.startswith("-")
    assert len(key) <= 70
    assert key == key_of(key) == key_of(text)


@given(st.text(min_size=1), st.text(min_size=1))
@settings(deadline=None)
def test_two_names_have_two_keys(one: str, other: str):
    assert (one == other) == (key_of(one) == key_of(other))


@given(st.lists(st.sampled_from(["Ann", "de", "la", "Cruz", "张", "三"]), min_size=1, max_size=4))
@settings(deadline=None)
def test_a_name_is_found_whichever_part_comes_first(parts: list[str]):
    assert names_of(" ".join(parts)) == names_of(", ".join((*parts[1:], parts[0])))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_a_roster_or_an_error(data: bytes):
    with tempfile.TemporaryDirectory() as name:
        for start in (b"", "number,姓名\n".encode()):
            with contextlib.suppress(AuthorError, InputError):
                assert roster(Path(name), start + data).entries
