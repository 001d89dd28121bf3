"""Whose submission a file or folder is, by what it is called: as learning platforms name what they export, or people do.

Reads names only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wirelab.base.texts import Language
from wirelab.compose.roster import Entry, Roster, exact, key_of, names_of
from wirelab.compose.submissions import LANGUAGES
from wirelab.judge.grades import Student
from wirelab.observe.evidence import Role
from wirelab.present.exports.moodle import participant

SOURCES = frozenset(language.suffix for language in LANGUAGES)
ARCHIVES = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.z")
ARCHIVE = frozenset(".zip .tar .tgz .tbz .tbz2 .txz .gz .bz2 .xz .zst .z .rar .7z".split())
"""Suffixes; what a file is, its content tells: these say what a broken one was meant to be, and what a name is without."""

DOCUMENTS = frozenset(
    ".docx .xlsx .pptx .docm .xlsm .odt .ods .odp .jar .war .whl .egg .apk .epub .pages .numbers .key".split()
)
"""Suffixes of what is a zip inside, and yet no archive to unpack."""

ROLES: dict[str, Role] = {
    **dict.fromkeys(("client", "客户端", "客户机"), "client"),
    **dict.fromkeys(("server", "服务器", "服务端", "服务器端"), "server"),
}

# mod_assign of Moodle: the name without "_", the participant's id (a group may have none), the plugin; with folders the
# file follows below (older releases end the folder's name in "_"), without them after another "_".
_MOODLE = re.compile(
    r"(?P<name>[^_]*?)(?:_(?P<id>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<rest>.*))?", re.DOTALL
)
# ContentZipper of Canvas: the sortable name, squeezed; LATE; the user's id (of its own kind where names are hidden);
# the attachment's id, and the name that it was given, to which each new attempt adds "-1", "-2". A text that was typed
# in has neither of the last two.
_CANVAS = re.compile(
    r"(?:(?P<name>(?!\d+_)\w*?[^\W_])_)??(?:(?P<late>LATE)_)?(?P<id>anon_[A-Za-z0-9]+|\d+)_"
    r"(?:(?P<attachment>\d+)_(?P<rest>.+)|(?P<typed>text|link)\.html)",
    re.DOTALL,
)
_ATTEMPT = re.compile(r"(?P<stem>.+?)-(?P<attempt>\d{1,3})(?P<suffix>(?:\.tar)?\.[A-Za-z0-9]+)?", re.DOTALL)
_COPY = re.compile(r"(?P<stem>.*?)\s*[(（](?P<copy>\d{1,3})[)）]", re.DOTALL)
_NUMBER = re.compile(r"[A-Za-z]{0,3}\d{5,}")
_APART = re.compile(r"[\s_\-—–+,，、()（）\[\]【】]+")
_PARTICIPANT = frozenset(("participant", "参与者", "参加者"))


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says. ``stem`` is whose it is (people's own naming); ``name`` and ``id`` are a platform's word.

    ``rest`` is the name that the file had at the student's; ``attachment`` counts up with time in Canvas, ``copy`` in
    what browsers name ``lab (1).zip``. ``role``: the program that the name mentions.
    """

    platform: Literal["", "moodle", "canvas"]
    stem: str
    name: str = ""
    id: str = ""
    rest: str = ""
    late: bool = False
    attachment: int = 0
    copy: int = 0
    role: Role | None = None
    typed: bool = False  # into the platform's own editor

    @property
    def identity(self) -> str:
        """The same for all that is the same person's, as far as names tell."""
        return f"{self.platform}:{self.id or exact(self.name)}" if self.platform else f":{exact(self.stem)}"


def named(filename: str, *, folder: bool) -> Named:
    """What the name of something in a class's folder says.

    >>> found = named("smithbob_LATE_340934_208490284_lab-2.zip", folder=False)
    >>> found.platform, found.name, found.id, found.late, found.rest
    ('canvas', 'smithbob', '340934', True, 'lab-2.zip')
    """
    if match := _MOODLE.fullmatch(filename):
        name, rest = match["name"], match["rest"] or ""
        called = "" if exact(name) in _PARTICIPANT else name
        return Named("moodle", filename, called, match["id"] or "", rest, typed=match["plugin"] == "onlinetext")
    if match := _CANVAS.fullmatch(filename):
        rest = match["rest"] or f"{match['typed']}.html"
        late, attachment = match["late"] is not None, int(match["attachment"] or 0)
        return Named(
            "canvas", filename, match["name"] or "", match["id"], rest, late, attachment, typed=bool(match["typed"])
        )
    stem, copy, role = filename if folder else stem_of(filename), 0, None
    if match := _COPY.fullmatch(stem):
        stem, copy = match["stem"] or stem, int(match["copy"])
    parts = [part for part in _APART.split(stem) if part]
    if len(parts) > 1 and (roles := {ROLES[part.lower()] for part in parts if part.lower() in ROLES}):
        role = roles.pop() if len(roles) == 1 else None
        stem = "_".join(part for part in parts if part.lower() not in ROLES) if role else stem
    return Named("", stem, copy=copy, role=role)


def stem_of(filename: str) -> str:
    """A file's name without the suffix of an archive or a program."""
    lower = filename.lower()
    for suffix in ARCHIVES:
        if lower.endswith(suffix):
            return filename[: -len(suffix)]
    stem, dot, suffix = filename.rpartition(".")
    return stem if stem and f"{dot}{suffix}".lower() in SOURCES | ARCHIVE else filename


def first_name(name: str) -> str:
    """What a file was called before Canvas counted its attempts: ``client-2.py`` was ``client.py``."""
    match = _ATTEMPT.fullmatch(name)
    return f"{match['stem']}{match['suffix'] or ''}" if match else name


def listed(found: Named, roster: Roster) -> Entry | None:
    """Who of the roster it is, when it can be but one.

    A platform's id may be anybody's student number by chance: it counts where the names agree, or none is known. Moodle's
    number of a participant is only looked for among such numbers.
    """
    if found.platform:
        entry = roster.by_name(found.name) if found.name else None
        by_id = roster.by_number(_number_of(found)) if found.id else None
        if entry is not None or by_id is None:
            return entry
        known = names_of(by_id.student.name)
        return by_id if not found.name or not known or known & names_of(found.name) else None
    whole = roster.find(found.stem)
    if whole is not None:
        return whole
    parts = list(_parts(found.stem))
    entries = {id(entry): entry for part in parts if (entry := roster.by_number(part) or roster.by_login(part))}
    if not entries:
        spans = (parts[at : at + length] for at in range(len(parts)) for length in (1, 2, 3, 4))
        entries = {id(entry): entry for span in spans if (entry := roster.by_name("".join(span)))}
    return next(iter(entries.values())) if len(entries) == 1 else None


def unlisted(found: Named, language: Language, shared: frozenset[str] = frozenset()) -> Student:
    """A student as the name alone tells. ``shared``: what looks like a number and stands in several people's names."""
    if found.platform:
        return Student(key_of(found.id or found.name), found.name, _number_of(found), language=language)
    number = number_in(found)
    if not number or number in shared:
        return Student(key_of(found.stem), found.stem, language=language)
    others = [part for part in _parts(found.stem) if part != number]
    name = others[0] if len(others) == 1 and not any(c.isdigit() for c in others[0]) else ""
    return Student(key_of(number), name or ("" if not others else found.stem), number, language=language)


def _number_of(found: Named) -> str:
    """The platform's id, such that it is never taken for a number of another kind."""
    return participant(found.id) if found.platform == "moodle" and found.id else found.id


def number_in(found: Named) -> str:
    """The one thing in people's own naming that looks like a student number; empty where there is none, or several."""
    numbers = [part for part in _parts(found.stem) if _NUMBER.fullmatch(part)] if not found.platform else []
    return numbers[0] if len(numbers) == 1 else ""


def _parts(stem: str) -> Iterator[str]:
    """The words of a name: at blanks and the like, and where ASCII meets another script (2021001张三)."""
    for part in _APART.split(stem):
        yield from re.findall(r"[\x21-\x7e]+|[^\x00-\x7f]+", part)
