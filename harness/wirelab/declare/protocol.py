"""A protocol profile: YAML text to a ``Profile``, with every mistake of its author reported at once.

Knows what may be written and whether it makes sense; neither reads files nor decodes streams.
"""

# No `from __future__ import annotations`: msgspec would compile each annotation anew, 4 ms more in every run.

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import asdict

from wirelab.base.errors import AuthorError, Place, Problem
from wirelab.base.texts import Text, register
from wirelab.declare.fill import Strict, rule, validate
from wirelab.declare.patterns import mistake
from wirelab.declare.source import Path, Source, in_order, meant, read_yaml
from wirelab.observe.framing import Framing
from wirelab.observe.messages import PLACEHOLDER, MessageSpec, Profile

Words = Annotated[str, Meta(min_length=1)]
Pattern = Annotated[str, Meta(min_length=1, max_length=500)]
FrameLimit = Annotated[int, Meta(ge=2, le=1_048_576)]
_SAMPLES = ("7", "text", "T", "12345678", "")
_RAW_PATTERN = "(?P<text>.+)"

register(
    {
        "protocol.width": Text(
            "'{key}' belongs to 'kind: length-prefix'; remove it here",
            "'{key}' 只用于 'kind: length-prefix'，请在这里删去",
        ),
        "protocol.limit": Text(
            "the limit counts the length field as well, so it must be more than {width}",
            "limit 把长度字段也算在内，必须大于 {width}",
        ),
        "protocol.no-limit": Text(
            "framing 'none' has no frames to limit; remove it", "'none' 没有帧，无从限制，请删去"
        ),
        "protocol.shape": Text(
            "a message needs either 'pattern' with 'template', or 'literal', or 'raw: true'",
            "一种消息要么写 'pattern' 和 'template'，要么写 'literal'，要么写 'raw: true'",
        ),
        "protocol.no-group": Text(
            "the template uses {{{group}}} but the pattern has no group of that name{meant}; "
            "write (?P<{group}>…) in the pattern",
            "模板用到 {{{group}}}，但 pattern 里没有这个名字的分组{meant}；请在 pattern 里写 (?P<{group}>…)",
        ),
        "protocol.round-trip": Text(
            "the pattern does not recognise what the template makes of {values}: {rendered}; "
            "correct one of them, or give values that fit with 'example'",
            "模板填入 {values} 得到 {rendered}，pattern 却认不出它；请改正其一，或用 'example' 给出合适的值",
        ),
        "protocol.example": Text("the template has no {{{group}}}{meant}", "模板里没有 {{{group}}}{meant}"),
        "protocol.unsendable": Text(
            "{rendered} cannot be sent with this framing and encoding: it holds a line end, is over the limit, "
            "or has characters the encoding lacks",
            "{rendered} 无法用这种分帧和编码发送：其中有换行、超出 limit，或含有该编码没有的字符",
        ),
        "protocol.swallows": Text(
            "without framing the pattern must say where the message ends; this one also takes what follows it: {taken}",
            "没有分帧时，pattern 必须说明消息在哪里结束；这一个把后面的内容也吞了进去：{taken}",
        ),
        "protocol.shadowed": Text(
            "'{name}' would never be seen: '{earlier}' stands before it and takes {rendered} first",
            "'{name}' 永远不会出现：排在前面的 '{earlier}' 先把 {rendered} 认走了",
        ),
        "protocol.twice": Text("there is already a message '{name}'", "已经有名为 '{name}' 的消息"),
        "protocol.raw-framed": Text(
            "'raw' is for framing 'none', where text stands between messages; give a pattern here",
            "'raw' 只用于没有分帧（'none'）的情形，那里文字夹在消息之间；这里请写 pattern",
        ),
        "protocol.raw-twice": Text(
            "'{name}' is already the raw text of the {sender}; there can be one only",
            "{sender} 的原始文字已经是 '{name}'，只能有一个",
        ),
        "protocol.answers": Text(
            "there is no message '{name}'{meant}; the other side's messages: {known}",
            "没有名为 '{name}' 的消息{meant}；对方的消息：{known}",
        ),
        "protocol.same-side": Text(
            "'{name}' is sent by the {sender} too; an answer comes from the other side",
            "'{name}' 也由 {sender} 发送；应答必须来自另一方",
        ),
        "protocol.by-alone": Text(
            "'by' needs 'answers': what is it the number of?", "写了 'by' 就要写 'answers'：它是谁的编号？"
        ),
        "protocol.counts": Text(
            "'{name}' has no group '{group}'{meant} that could count", "'{name}' 没有可以计数的分组 '{group}'{meant}"
        ),
        "protocol.counts-what": Text(
            "only 'heartbeat' messages are counted, not '{name}'; remove 'counts'",
            "只对 'heartbeat' 消息计数，'{name}' 不计；请删去 'counts'",
        ),
        "protocol.by": Text(
            "'{name}' has no group '{group}'{meant}; 'by' must be a group of both messages",
            "'{name}' 没有分组 '{group}'{meant}；'by' 必须是两种消息都有的分组",
        ),
    }
)


class FramingModel(Strict):
    """How messages are told apart."""

    kind: Annotated[
        Literal["line", "length-prefix", "none"],
        Meta(description="line: each ends with LF; length-prefix: its length goes before it; none: not at all"),
    ]
    limit: Annotated[
        FrameLimit | None, Meta(description="the largest frame in bytes, LF or length included; 4096 if left out")
    ] = None
    width: Annotated[Literal[1, 2, 4] | None, Meta(description="length-prefix: bytes of the length; 4 if left out")] = (
        None
    )
    order: Annotated[
        Literal["big", "little"] | None, Meta(description="length-prefix: byte order; big if left out")
    ] = None


class MessageModel(Strict):
    """One kind of message."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]*$",
            extra=rule(
                "lower-case letters, digits and -, beginning with a letter", "由小写字母、数字和 - 组成，以字母开头"
            ),
            description="what findings and scenarios call it",
        ),
    ]
    sender: Annotated[Literal["client", "server"], Meta(description="who sends it")] = field(name="from")
    pattern: Annotated[
        Pattern | None, Meta(description="regular expression (Python) with groups (?P<name>…), for the whole text")
    ] = None
    template: Annotated[Words | None, Meta(description="how wirelab writes it; {name} stands for a group")] = None
    literal: Annotated[Words | None, Meta(description="instead of both: exactly this text, nothing varies")] = None
    raw: Annotated[bool, Meta(description="framing none: all text between recognised messages is of this kind")] = False
    answers: Annotated[str | None, Meta(description="the message of the other side that this one answers")] = None
    by: Annotated[
        str | None, Meta(description="the group that must be equal in question and answer; left out: in order")
    ] = None
    counts: Annotated[
        str | None, Meta(description="of a heartbeat: the group that counts them on each connection, 1, 2, 3, …")
    ] = None
    example: Annotated[dict[str, str], Meta(description="values that fit the groups, if 7 and text do not")] = field(
        default_factory=dict
    )


class ProtocolModel(Strict, kw_only=True):
    """A protocol profile, as written in ``scenarios/protocols/*.yaml``."""

    protocol: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9-]+$",
            extra=rule("lower-case letters, digits and -", "由小写字母、数字和 - 组成"),
            description="its name: the file's name without .yaml",
        ),
    ]
    framing: FramingModel
    encoding: Annotated[Literal["utf-8", "gb18030", "latin-1"], Meta(description="how text becomes bytes")] = "utf-8"
    messages: Annotated[tuple[MessageModel, ...], Meta(min_length=1, description="the first that fits counts")]


def load_profile(text: str, name: str) -> Profile:
    """Read one profile; ``name`` is what its file is called in messages.

    Raises AuthorError with every mistake, each with file, line, column, and what was probably meant.
    """
    doubled: list[Problem] = []
    source = read_yaml(text, name, doubled)
    try:
        model = validate(ProtocolModel, source)
    except AuthorError as error:
        raise AuthorError(in_order([*doubled, *error.problems])) from None
    problems = [*_framing_problems(model.framing, source)]
    # Meaning is checked only where every message has a shape and a pattern to talk about.
    shape = [
        problem
        for index, item in enumerate(model.messages)
        for problem in _shape_problems(item, ("messages", index), source)
    ]
    problems += shape
    if not problems:
        profile = _profile(model)
        for index, (item, spec) in enumerate(zip(model.messages, profile.messages, strict=True)):
            problems += _message_problems(profile, index, item, spec, source)
    if doubled or problems:
        raise AuthorError(in_order([*doubled, *problems]))
    return profile


def _profile(model: ProtocolModel) -> Profile:
    given = {key: value for key, value in asdict(model.framing).items() if value is not None}
    return Profile(model.protocol, Framing(**given), tuple(_spec(item) for item in model.messages), model.encoding)


def _spec(item: MessageModel) -> MessageSpec:
    pattern, template = item.pattern or "", item.template or ""
    if item.literal is not None:
        pattern, template = re.escape(item.literal), item.literal
    elif item.raw:
        pattern, template = _RAW_PATTERN, "{text}"
    return MessageSpec(item.name, item.sender, pattern, template, item.answers, item.by, item.raw, item.counts)


def _framing_problems(framing: FramingModel, source: Source) -> Iterator[Problem]:
    for key in ("width", "order"):
        if framing.kind != "length-prefix" and getattr(framing, key) is not None:
            yield Problem(source.key_place(("framing", key)), "protocol.width", {"key": key})
    if framing.kind == "none" and framing.limit is not None:
        yield Problem(source.key_place(("framing", "limit")), "protocol.no-limit")
    width = framing.width or 4
    if framing.kind == "length-prefix" and framing.limit is not None and framing.limit <= width:
        yield Problem(source.place(("framing", "limit")), "protocol.limit", {"width": width})


def _shape_problems(item: MessageModel, path: Path, source: Source) -> Iterator[Problem]:
    """What makes a message unreadable by itself: not one shape, or no regular expression."""
    shapes = ((item.pattern, item.template), (item.literal,), (item.raw or None,))
    given = [shape for shape in shapes if any(part is not None for part in shape)]
    if len(given) != 1 or None in given[0]:
        yield Problem(source.place(path), "protocol.shape")
    if item.pattern is None:
        return
    wrong = mistake(item.pattern)
    if wrong is not None:
        at = (*path, "pattern")
        place = source.place(at) if wrong.at is None else _inside(source, at, item.pattern, wrong.at)
        yield Problem(place, wrong.key, wrong.values)


def _inside(source: Source, path: Path, value: str, position: int) -> Place:
    """The place of a character inside a value, where the value stands on one line as it is; else the value's."""
    place, written = source.place(path), source.written(path)
    quote = int(written[:1] in ("'", '"'))
    if written[quote : len(written) - quote] != value:
        return place
    return Place(place.source, place.line, place.column + quote + position)


def _message_problems(
    profile: Profile, index: int, item: MessageModel, spec: MessageSpec, source: Source
) -> Iterator[Problem]:
    path: Path = ("messages", index)
    earlier = profile.messages[:index]
    if any(other.name == spec.name for other in earlier):
        yield Problem(source.place((*path, "name")), "protocol.twice", {"name": spec.name})
    if spec.raw:
        if profile.framing.kind != "none":
            yield Problem(source.key_place((*path, "raw")), "protocol.raw-framed")
        for other in earlier:
            if other.raw and other.sender == spec.sender:
                values: dict[str, object] = {"name": other.name, "sender": spec.sender}
                yield Problem(source.key_place((*path, "raw")), "protocol.raw-twice", values)
    else:
        yield from _template_problems(profile, index, item, spec, source)
    yield from _answer_problems(profile, spec, path, source)


def _groups(spec: MessageSpec) -> list[str]:
    return list(re.compile(spec.pattern).groupindex)


def _template_problems(
    profile: Profile, index: int, item: MessageModel, spec: MessageSpec, source: Source
) -> Iterator[Problem]:
    path: Path = ("messages", index)
    template = source.place((*path, "literal" if item.literal is not None else "template"))
    used = list(dict.fromkeys(PLACEHOLDER.findall(spec.template)))
    known = _groups(spec)
    for group in item.example:
        if group not in used:
            yield Problem(
                source.key_place((*path, "example", group)),
                "protocol.example",
                {"group": group, "meant": meant(group, used)},
            )
    missing = [group for group in used if group not in known]
    for group in missing:
        yield Problem(template, "protocol.no-group", {"group": group, "meant": meant(group, known)})
    if missing:
        return
    tries = [{group: item.example.get(group, sample) for group in used} for sample in _SAMPLES]
    fitting = [values for values in tries if _survives(spec, values)]
    values = (fitting or tries)[0]
    rendered = spec.render(**values)
    if not fitting:
        shown = ", ".join(f"{group}={value!r}" for group, value in values.items()) or "{}"
        yield Problem(template, "protocol.round-trip", {"values": shown, "rendered": repr(rendered)})
        return
    try:
        profile.framing.wrap(rendered.encode(profile.encoding))
    except ValueError:
        yield Problem(template, "protocol.unsendable", {"rendered": repr(rendered)})
    unframed = profile.framing.kind == "none"
    following = rendered + " and what follows"
    taken = spec.search(following, 0)
    if unframed and taken is not None and taken.end() > len(rendered):
        yield Problem(source.place((*path, "pattern")), "protocol.swallows", {"taken": repr(taken.group())})
    for other in profile.messages[:index]:
        if other.raw or other.sender != spec.sender:
            continue
        first = other.search(rendered, 0) if unframed else None
        if (first is not None and first.start() == 0) or (not unframed and other.match(rendered) is not None):
            named = {"name": spec.name, "earlier": other.name, "rendered": repr(rendered)}
            yield Problem(source.place((*path, "name")), "protocol.shadowed", named)


def _survives(spec: MessageSpec, values: dict[str, str]) -> bool:
    groups = spec.match(spec.render(**values))
    return groups is not None and values.items() <= groups.items()


def _answer_problems(profile: Profile, spec: MessageSpec, path: Path, source: Source) -> Iterator[Problem]:
    if spec.counts is not None and spec.counts not in _groups(spec):
        known = _groups(spec)
        values: dict[str, object] = {"name": spec.name, "group": spec.counts, "meant": meant(spec.counts, known)}
        yield Problem(source.place((*path, "counts")), "protocol.counts", values)
    if spec.counts is not None and spec.name != "heartbeat":
        yield Problem(source.key_place((*path, "counts")), "protocol.counts-what", {"name": spec.name})
    if spec.answers is None:
        if spec.by is not None:
            yield Problem(source.key_place((*path, "by")), "protocol.by-alone")
        return
    question = profile.spec(spec.answers)
    others = [other.name for other in profile.messages if other.sender != spec.sender]
    if question is None:
        values = {
            "name": spec.answers,
            "meant": meant(spec.answers, others),
            "known": ", ".join(others) or "-",
        }
        yield Problem(source.place((*path, "answers")), "protocol.answers", values)
        return
    if question.sender == spec.sender:
        values = {"name": question.name, "sender": question.sender}
        yield Problem(source.place((*path, "answers")), "protocol.same-side", values)
    for side in (question, spec):
        if spec.by is not None and spec.by not in _groups(side):
            values = {"name": side.name, "group": spec.by, "meant": meant(spec.by, _groups(side))}
            yield Problem(source.place((*path, "by")), "protocol.by", values)
