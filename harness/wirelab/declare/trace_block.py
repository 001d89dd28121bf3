"""A trace inside a scenario: read where it stands in the YAML file, its names checked against the cast.

Knows the cast and who was started; nothing of other expectations.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping

from wirelab.base.errors import AuthorError, Place, Problem
from wirelab.base.texts import Bilingual, Text, register
from wirelab.declare.head import CastMember
from wirelab.declare.source import Path, Source, in_order
from wirelab.declare.trace import Line, Trace, lines_of
from wirelab.declare.trace_reader import read_trace
from wirelab.declare.trace_words import near, shown
from wirelab.observe.connections import Side
from wirelab.observe.messages import Profile

_SIDES = {"client": Bilingual("client", "客户端"), "server": Bilingual("server", "服务器")}

register(
    {
        "scenario.trace-block": Text(
            "a trace is written as a block: '- trace: |', and its lines below, indented",
            "报文序列要写成块：先写 '- trace: |'，再在下面缩进写各行",
        ),
        "scenario.trace-sides": Text(
            "a trace is about one connection, between a client and the server; '{first}' and '{second}' are both {role}s",
            "一个序列描述一个客户端与服务器之间的连接；'{first}' 和 '{second}' 的角色（role）都是 {role}",
        ),
        "trace.message": Text(
            "the {side} sends no message '{found}'{meant}; by the protocol '{protocol}' it sends: {known}",
            "{side} 不发送消息 '{found}'{meant}；按协议 '{protocol}'，它发送：{known}",
        ),
        "trace.group": Text(
            "the message '{kind}' has no group '{found}'{meant}; its groups: {known}",
            "消息 '{kind}' 没有分组 '{found}'{meant}；它的分组：{known}",
        ),
    }
)


def read_block(source: Source, path: Path, cast: Mapping[str, CastMember | None], started: Container[str]) -> Trace:
    """The trace that stands as a literal block at ``path``; a cast member that is wrong itself is None.

    Raises AuthorError with every mistake, at its line and column of the file: those of the notation, a trace that is
    not written as a block, whoever is not in the cast or was not started, and two actors of one role.
    """
    block = source.block(path)
    if block is None:
        raise AuthorError((Problem(source.place(path), "scenario.trace-block"),))
    text = str(source.at(path))
    trace = read_trace(text, source=block.source, first_line=block.line, first_column=block.column, actors=cast)
    line = next(lines_of(trace.items))
    receiver = line.place.column + line.text.index(line.receiver, line.text.index(">"))
    places = {
        line.sender: Place(source.name, line.place.line, line.place.column),
        line.receiver: Place(source.name, line.place.line, receiver),
    }
    problems = [
        Problem(place, "scenario.not-started", {"name": name}) for name, place in places.items() if name not in started
    ]
    one, two = cast[line.sender], cast[line.receiver]
    if one is not None and two is not None and one.role == two.role:
        values = {"first": line.sender, "second": line.receiver, "role": one.role}
        problems.append(Problem(places[line.receiver], "scenario.trace-sides", values))
    if problems:
        raise AuthorError(in_order(problems))
    return trace


def unknown_messages(trace: Trace, sides: Mapping[str, Side], profile: Profile, source: str) -> tuple[Problem, ...]:
    """What a trace says of messages that the profile does not have, at the lines that say it. ``source``: the file."""
    return tuple(
        problem for line in lines_of(trace.items) for problem in _unknown(line, sides[line.sender], profile, source)
    )


def _unknown(line: Line, side: Side, profile: Profile, source: str) -> Iterator[Problem]:
    if line.message is None:
        return
    place = Place(source, line.place.line, line.place.column)
    kind = line.message.kind
    specs = {spec.name: spec for spec in profile.messages if spec.sender == side}
    if kind not in specs:
        values = {"found": shown(kind), "meant": near(kind, specs), "known": ", ".join(specs) or "-"}
        yield Problem(place, "trace.message", {"side": _SIDES[side], "protocol": profile.name, **values})
        return
    known = list(re.compile(specs[kind].pattern).groupindex)
    for name, _ in line.message.groups:
        if name not in known:
            values = {"found": shown(name), "meant": near(name, known), "known": ", ".join(known) or "-"}
            yield Problem(place, "trace.group", {"kind": kind, **values})
