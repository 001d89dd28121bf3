"""Who is in the class: the list of students as a platform or a spreadsheet exports it. Knows nothing of submissions."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from wirelab.base.errors import AuthorError, InputError, Place, Problem
from wirelab.base.texts import Language, Text, register
from wirelab.judge.grades import Student
from wirelab.present.exports.moodle import participant

KEY_LENGTH = 60
_DIGEST = len("-a36e143c")

COLUMNS: dict[str, tuple[str, ...]] = {
    "number": (
        *("number", "studentnumber", "studentno", "studentid", "sid", "matriculationnumber", "idnumber", "sisuserid"),
        *("学号", "学生学号", "学生编号", "id"),
    ),
    "identifier": ("identifier",),
    "name": ("name", "fullname", "studentname", "displayname", "student", "姓名", "学生姓名", "学生", "名字"),
    "first": ("firstname", "givenname", "名"),
    "last": ("lastname", "surname", "familyname", "姓", "姓氏"),
    "login": (
        *("login", "username", "user", "loginid", "sisloginid", "netid", "用户名", "登录名", "账号", "帐号"),
        *("email", "emailaddress", "mail", "邮箱", "电子邮箱", "电子邮件", "电子邮件地址", "邮件"),
    ),
    "group": ("group", "groups", "class", "section", "team", "班级", "班", "组", "小组", "组别", "分组"),
    "language": ("language", "lang", "语言"),
}
"""How columns are headed, without case, spaces and punctuation. Of several columns for one thing the one that comes
first here is it, and the others are looked up too."""

_NEEDED = ("number", "identifier", "login", "name", "last")
_LANGUAGES: dict[str, Language] = {
    **dict.fromkeys(("en", "eng", "english", "英语", "英文"), "en"),
    **dict.fromkeys(("zh", "cn", "chi", "chinese", "中文", "汉语", "简体中文"), "zh"),
}
_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff·]+")  # names that put the family's first
_ROUNDED = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")
_FORMULA = re.compile(r'="(.*)"')
_LABELLED = re.compile(r"^\D*[\s:：](?=\d+$)")

register(
    {
        "roster.unreadable": Text("cannot read the roster {file}: {why}", "无法读取学生名单 {file}：{why}"),
        "roster.encoding": Text(
            "{file} is neither UTF-8 nor GBK text; save the roster as 'CSV UTF-8'",
            "{file} 既不是 UTF-8 也不是 GBK 文本；请将名单另存为“CSV UTF-8”",
        ),
        "roster.columns": Text(
            "no column tells who a student is: found {found}; one of these is needed: number (学号), login or email "
            "(用户名、邮箱), name (姓名); group (班级) and language (语言) may be there too",
            "没有可以识别学生的列：找到的列有 {found}；至少需要以下之一：number（学号）、login 或 email（用户名、邮箱）、"
            "name（姓名）；还可以有 group（班级）和 language（语言）",
        ),
        "roster.nobody": Text("no student is listed", "名单中没有学生"),
        "roster.nameless": Text("this line has no number, login or name", "这一行没有学号、用户名，也没有姓名"),
        "roster.twice": Text(
            "'{value}' ({column}) stands in line {first} already", "“{value}”（{column}）在第 {first} 行已经出现过"
        ),
        "roster.language": Text(
            "unknown language '{value}'; known: en (English), zh (中文)",
            "未知的语言“{value}”；可用：en（英文）、zh（中文）",
        ),
        "roster.rounded": Text(
            "the number '{value}' was rounded by a spreadsheet; format that column as text and export again",
            "学号“{value}”已被电子表格改成科学计数法；请把该列设为文本格式后重新导出",
        ),
        "roster.row": Text("this line is no CSV: {why}", "这一行不是有效的 CSV：{why}"),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One student of the roster, and the line it stands in. ``aliases``: what else the roster calls that student;
    ``apart``: the parts of the name, where the roster has a column for each."""

    student: Student
    line: int
    group: str = ""
    aliases: tuple[str, ...] = ()
    apart: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """A class. Look-ups ignore case, width and spaces, and give None for what is not there or fits more than one."""

    entries: tuple[Entry, ...]
    numbers: Mapping[str, Entry]
    logins: Mapping[str, Entry]
    names: Mapping[str, Entry]

    def by_number(self, number: str) -> Entry | None:
        """By student number, or by any other number that the roster gives (a platform's)."""
        return self.numbers.get(exact(number))

    def by_login(self, login: str) -> Entry | None:
        """By login or e-mail address, or by what stands before its ``@``."""
        return self.logins.get(exact(login))

    def by_name(self, name: str) -> Entry | None:
        """By name: family name first or last, with or without spaces and comma."""
        return self.names.get(bare(name))

    def find(self, text: str) -> Entry | None:
        """By whatever it is: number, login or name."""
        return self.by_number(text) or self.by_login(text) or self.by_name(text)


def exact(text: str) -> str:
    """A number or login for comparing: without case, width and spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def bare(text: str) -> str:
    """A name or heading for comparing: without punctuation either."""
    return "".join(c for c in exact(text) if c.isalnum() or unicodedata.category(c).startswith("M"))


def key_of(text: str) -> str:
    """A name for files that stands for ``text``, the same every time: letters, digits, ``-`` and ``_``.

    A text that is such a name already stays as it is; else what can be kept is followed by a digest of the whole.

    >>> key_of("2021001"), key_of("Ann Lee"), key_of("张三")
    ('2021001', 'Ann-Lee-a36e143c', 's-1d841bc0')
    """
    if len(text) <= KEY_LENGTH + _DIGEST and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", text):
        return text
    kept = re.sub(r"[^A-Za-z0-9_]+", "-", text)[:KEY_LENGTH].strip("-")
    return f"{kept or 's'}-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def read_roster(path: Path, language: Language = "en") -> Roster:
    """Read a CSV file (comma, semicolon or tab; UTF-8, UTF-16 with a byte-order mark, or GBK), headed as in ``COLUMNS``.

    ``language`` is for students of whom the roster does not say. Raises InputError for what is no text,
    AuthorError for all that is wrong with it, by line.
    """
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise InputError("roster.unreadable", file=path, why=error.strerror or error) from None
    except UnicodeDecodeError:
        raise InputError("roster.encoding", file=path) from None
    problems: list[Problem] = []

    def wrong(line: int, key: str, **values: object) -> None:
        problems.append(Problem(Place(str(path), line), key, values))

    rows = _rows(text, wrong)
    line, header = next(rows, (1, []))
    columns = _columns(header)
    if not set(_NEEDED) & set(columns):
        wrong(line, "roster.columns", found=", ".join(f"'{cell.strip()}'" for cell in header) or "-")
        raise AuthorError(tuple(problems))
    entries = [entry for line, cells in rows if (entry := _entry(line, cells, columns, language, wrong)) is not None]
    _only_once(entries, wrong)
    if not entries and not problems:
        wrong(line, "roster.nobody")
    if problems:
        raise AuthorError(tuple(problems))
    return roster_of(entries)


def roster_of(entries: Iterable[Entry]) -> Roster:
    """A roster of entries, with its look-ups; each student has a key of their own."""
    entries = tuple(entries)
    often = Counter(entry.student.key for entry in entries)
    entries = tuple(_told_apart(entry) if often[entry.student.key] > 1 else entry for entry in entries)
    return Roster(
        entries,
        _unique((exact(number), entry) for entry in entries for number in (entry.student.number, *entry.aliases)),
        _unique((exact(login), entry) for entry in entries for login in _logins(entry)),
        _unique((name, one) for one in entries for name in names_of(one.student.name) | names_of(one.apart)),
    )


def _told_apart(entry: Entry) -> Entry:
    student = entry.student
    return replace(entry, student=replace(student, key=key_of(" ".join((student.number, student.login, student.name)))))


def names_of(name: str) -> set[str]:
    """The ways in which a name may be written: every part of it may come first.

    >>> sorted(names_of("Lee, Ann"))
    ['annlee', 'leeann']
    """
    parts = [part for part in re.split(r"[\s,，、]+", name) if part]
    return {bare("".join(parts[at:] + parts[:at])) for at in range(len(parts))}


def _unique(pairs: Iterable[tuple[str, Entry]]) -> dict[str, Entry]:
    """By text, without those that fit more than one student."""
    found: dict[str, Entry | None] = {}
    for key, entry in pairs:
        if key:
            found[key] = entry if found.get(key, entry) is entry else None
    return {key: entry for key, entry in found.items() if entry is not None}


def _logins(entry: Entry) -> Iterator[str]:
    for login in (entry.student.login, *entry.aliases):
        yield login
        if "@" in login:
            yield login.partition("@")[0]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def _rows(text: str, wrong: Callable[..., None]) -> Iterator[tuple[int, list[str]]]:
    """The rows that have anything in them, with the number of their (last) line."""
    delimiter = max(",;\t", key=lambda mark: _known(text, mark))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            wrong(reader.line_num, "roster.row", why=error)
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _known(text: str, delimiter: str) -> tuple[int, int]:
    """How many columns are known when the first line is divided so, and how many there are."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        header = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        header = []
    return len(_columns(header)), len(header)


def _columns(header: list[str]) -> dict[str, list[int]]:
    """The columns of each kind, the one that counts most first."""
    headings = [bare(cell) for cell in header]
    found = {
        kind: [at for known in spellings for at, heading in enumerate(headings) if heading == bare(known)]
        for kind, spellings in COLUMNS.items()
    }
    return {kind: columns for kind, columns in found.items() if columns}


def _entry(
    line: int, cells: list[str], columns: Mapping[str, list[int]], default: Language, wrong: Callable[..., None]
) -> Entry | None:
    if "Points Possible" in cells[0] or "Manual Posting" in cells:  # rows of Canvas's gradebook above the students
        return None
    values = {kind: [_cell(cells, at) for at in columns.get(kind, ())] for kind in COLUMNS}
    numbers = [_LABELLED.sub("", value) for value in values["number"]]
    for value in values["identifier"]:  # Moodle: Participant 123, which is no student number
        digits = _LABELLED.sub("", value)
        numbers.append(value if digits == value else participant(digits))
    first, last = (next(iter(values[kind]), "") for kind in ("first", "last"))
    whole = f"{last}{first}" if _CHINESE.fullmatch(first + last) else f"{first} {last}".strip()
    name = next(filter(None, values["name"]), whole)
    number = next(filter(None, numbers), "")
    login = next(filter(None, values["login"]), "")
    if not (number or login or name):
        wrong(line, "roster.nameless")
        return None
    if _ROUNDED.fullmatch(number):
        wrong(line, "roster.rounded", value=number)
    said = next(filter(None, values["language"]), "")
    language = _LANGUAGES.get(re.split(r"[-_]", said.casefold())[0], default)
    if said and re.split(r"[-_]", said.casefold())[0] not in _LANGUAGES:
        wrong(line, "roster.language", value=said)
    student = Student(key_of(_LABELLED.sub("", number) or login or name), name, number, login, language)
    aliases = tuple(value for value in (*numbers, *values["login"]) if value and value not in (number, login))
    return Entry(
        student, line, next(filter(None, values["group"]), ""), aliases, f"{last} {first}" if first and last else ""
    )


def _cell(cells: list[str], at: int) -> str:
    text = cells[at].strip() if at < len(cells) else ""
    formula = _FORMULA.fullmatch(text)  # how spreadsheets are told to keep leading zeros
    return formula[1].strip() if formula else text.removeprefix("'")


def _only_once(entries: list[Entry], wrong: Callable[..., None]) -> None:
    """No two students have the same number or login, nor, where they have neither, the same name."""
    seen: dict[tuple[str, str], int] = {}
    for entry in entries:
        student = entry.student
        columns = [("number", student.number), ("login", student.login)]
        if not student.number and not student.login:
            columns = [("name", student.name)]
        for column, value in columns:
            if value and (first := seen.setdefault((column, exact(value)), entry.line)) != entry.line:
                wrong(entry.line, "roster.twice", value=value, column=column, first=first)
