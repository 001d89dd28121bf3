"""A Wireshark dissector in Lua, made from a protocol profile. Values in, text out; knows no files and no Wireshark.

Whatever stands in the profile reaches Lua as data: strings written byte by byte (``quoted``), in one table. The program
that reads it is the same for all (``present/dissector_lua``, ``present/dissector_lua_tree``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from wirelab.base.errors import AuthorError, Place, Problem
from wirelab.base.texts import Text, register
from wirelab.observe.messages import MessageSpec, Profile
from wirelab.present.dissector_lua import BEGIN
from wirelab.present.dissector_lua_tree import GO_ON
from wirelab.present.dissector_patterns import NotTranslated, translated

DEFAULT_PORT = 12001

register(
    {
        "dissector.pattern": Text(
            "the pattern of the message '{name}' cannot be written for Wireshark: {why}; write it plainer",
            "消息 '{name}' 的 pattern 无法写成 Wireshark 的正则表达式：{why}；请写得简单些",
        ),
    }
)
_PLAIN = re.compile(rb"[A-Za-z0-9 _.,:/()=+*-]")


def dissector(profile: Profile, port: int = DEFAULT_PORT, source: str = "protocol") -> str:
    """The Lua script that dissects ``profile`` on TCP ``port``; ``source`` is what to call the profile in messages.

    Raises AuthorError naming every message whose pattern Wireshark's regular expressions (PCRE2) cannot express.
    """
    problems: list[Problem] = []
    patterns = []
    for spec in profile.messages:
        try:
            patterns.append(translated(spec.pattern))
        except NotTranslated as error:
            problems.append(Problem(Place(source), "dissector.pattern", {"name": spec.name, "why": error.why}))
    if problems:
        raise AuthorError(tuple(problems))
    name = filter_name(profile)
    framing = profile.framing
    head = {
        "name": quoted(profile.name),
        "filter": quoted(name),
        "port": str(port),
        "framing": quoted(framing.kind),
        "limit": str(framing.limit),
        "width": str(framing.width),
        "big": "true" if framing.order == "big" else "false",
        "encoding": quoted(profile.encoding),
    }
    if profile.encoding == "gb18030":
        head |= _gb18030()
    pairs = zip(profile.messages, patterns, strict=True)
    messages = [_message(profile, spec, pattern, name) for spec, pattern in pairs]
    return (
        "-- Written by `wirelab dissector`. Wireshark 4.0 or later: wireshark -X lua_script:THIS_FILE CAPTURE,\n"
        "-- or put it into the folder of personal Lua plugins (Help > About Wireshark > Folders).\n"
        "local PROFILE = {\n"
        + "".join(f"  {key} = {value},\n" for key, value in head.items())
        + "  messages = {\n"
        + "".join(f"    {message},\n" for message in messages)
        + "  },\n}\n"
        + BEGIN
        + GO_ON
    )


def filter_name(profile: Profile) -> str:
    """What fields of the profile begin with in display filters: ``wirelab_line``."""
    return "wirelab_" + re.sub("[^a-z0-9_]", "_", profile.name)


def quoted(text: str) -> str:
    """A string literal of Lua with these characters, in UTF-8. Nothing in it can end it."""
    data = text.encode("utf-8", "surrogatepass")
    return '"' + "".join(chr(byte) if _PLAIN.match(bytes([byte])) else f"\\{byte:03d}" for byte in data) + '"'


def _gb18030() -> dict[str, str]:
    """The encoding as data for Lua, from Python's own codec: what two bytes mean, three bytes of UTF-8 each; and what four
    mean, in runs: first index, the index after the last, the first code point."""
    trails = [trail for trail in range(0x40, 0xFF) if trail != 0x7F]
    two = (bytes([lead, trail]).decode("gb18030", "replace")[:1] for lead in range(0x81, 0xFF) for trail in trails)
    padded = "".join(one if len(one.encode()) == 3 else f"{one} " for one in two)
    runs: list[list[int]] = []
    for index in range(39420):  # the Basic Multilingual Plane
        rest, four = divmod(index, 10)
        rest, three = divmod(rest, 126)
        lead, second = divmod(rest, 10)
        found = bytes([0x81 + lead, 0x30 + second, 0x81 + three, 0x30 + four]).decode("gb18030", "ignore")
        if not found:
            continue
        if not runs or runs[-1][1] != index or runs[-1][2] + index - runs[-1][0] != ord(found):
            runs.append([index, index, ord(found)])
        runs[-1][1] = index + 1
    runs.append([189_000, 189_000 + 0x100000, 0x10000])  # all other planes, in one row
    # Characters beyond ASCII and spaces only: nothing in them can end the literal.
    return {"gb2": f'"{padded}"', "gb4": _list(f"{{{first},{after},{code}}}" for first, after, code in runs)}


def _message(profile: Profile, spec: MessageSpec, pattern: str, name: str) -> str:
    numbers = _numbers(spec)
    asked = [other for other in profile.messages if other.answers == spec.name]
    parts = {
        "name": quoted(spec.name),
        "sender": quoted(spec.sender),
        "pattern": quoted(pattern),
        "head": quoted(spec.head),
        "raw": "true" if spec.raw else "false",
        "groups": _list(
            f"{{name = {quoted(group)}, number = {number}, filter = {quoted(filtered)}}}"
            for (group, number), filtered in zip(numbers.items(), _filters(spec, numbers, name), strict=True)
        ),
        "asked_by": _list(
            f"{{name = {quoted(other.by)}, group = {numbers[other.by]}}}" if other.by else "{}" for other in asked
        ),
    }
    if spec.answers is not None:
        parts["answers"] = quoted(spec.answers)
    if spec.by is not None:
        parts |= {"by": str(numbers[spec.by]), "by_name": quoted(spec.by)}
    return "{" + ", ".join(f"{key} = {value}" for key, value in parts.items()) + "}"


def _list(items: Iterable[str]) -> str:
    return "{" + ", ".join(items) + "}"


def _numbers(spec: MessageSpec) -> dict[str, int]:
    return dict(re.compile(spec.pattern).groupindex)


def _filters(spec: MessageSpec, numbers: dict[str, int], name: str) -> list[str]:
    """What the groups are called in display filters: by name where that is ASCII, by number where not."""
    found: list[str] = []
    for group, number in numbers.items():
        word = group if group.isascii() else f"group{number}"
        while word in found or (word != group and word in numbers):
            word += "_"
        found.append(word)
    return [f"{name}.{re.sub('[^a-z0-9-]', '_', spec.name)}.{word}" for word in found]
