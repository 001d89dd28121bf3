"""Expected traces written again: the notation of ``docs/traces.md``, its columns aligned. Reads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from wirelab.declare.trace import AnyOrder, Bound, Either, Gap, Item, Line, MessageMatch, Trace, Variation
from wirelab.declare.trace_line import ANY, DATA, FIELDS, FLAGS, MEMBER, NONE
from wirelab.declare.trace_words import quoted, written_time

INDENT = "  "
_PLAIN = re.compile(r"[\w.:/+-]+")


def write_trace(trace: Trace) -> str:
    """The trace as text that reads back as the same value, but for places and the text itself."""
    rows = list(_rows(trace.items, ""))
    table = [row for row in rows if not isinstance(row, str)]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    lines = list(_head(trace.strict))
    for row in rows:
        lines.append(row if isinstance(row, str) else _aligned(row, widths))
    return "\n".join([*lines, ""])


def _head(strict: frozenset[Variation]) -> Iterator[str]:
    if strict == frozenset(Variation):
        yield "strict"
    elif strict:
        yield "strict " + ", ".join(variation for variation in Variation if variation in strict)


def _aligned(row: Sequence[str], widths: Iterable[int]) -> str:
    """A row's cells in their columns; a column that no line uses takes no room."""
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width).rstrip()


def _rows(items: Iterable[Item], indent: str) -> Iterator[str | tuple[str, ...]]:
    """Lines of segments as cells, all others as they are."""
    deeper = indent + INDENT
    for item in items:
        if isinstance(item, Line):
            yield _cells(item, indent)
        elif isinstance(item, Gap):
            yield f"{indent}..."
        elif isinstance(item, Either):
            for number, branch in enumerate(item.branches):
                yield f"{indent}{'or' if number else 'either'}"
                yield from _rows(branch, deeper) if branch else (f"{deeper}nothing",)
            yield f"{indent}end"
        elif isinstance(item, AnyOrder):
            yield f"{indent}any order"
            for unit in item.units:
                yield from _unit(unit, deeper)
            yield f"{indent}end"


def _unit(unit: tuple[Item, ...], indent: str) -> Iterator[str | tuple[str, ...]]:
    if len(unit) == 1:
        yield from _rows(unit, indent)
    else:
        yield f"{indent}in order"
        yield from _rows(unit, indent + INDENT)
        yield f"{indent}end"


def _cells(line: Line, indent: str) -> tuple[str, ...]:
    values = dict(zip(FIELDS, (line.seq, line.ack, line.window, line.length), strict=True))
    fields = ("" if value is None else f"{name}={value}" for name, value in values.items())
    return (f"{indent}{line.sender} > {line.receiver}", _flags(line), *fields, " ".join(_rest(line)))


def _flags(line: Line) -> str:
    names = [ANY] if line.flags is None else [flag for flag in FLAGS if flag in line.flags]
    if line.data and (not names or (line.payload is None and line.message is None)):
        names.append(DATA)
    return ",".join(names) or NONE


def _rest(line: Line) -> Iterator[str]:
    if line.payload is not None:
        yield quoted(line.payload)
    if line.message is not None:
        yield from _message(line.message)
    for bound in line.bounds:
        yield from _bound(bound)
    if line.label is not None:
        yield f"as {line.label}"


def _message(message: MessageMatch) -> Iterator[str]:
    yield f"message {message.kind}"
    for name, value in message.groups:
        written = value if _PLAIN.fullmatch(value) else quoted(value.encode("utf-8", "surrogatepass"))
        yield f"{MEMBER if name in FIELDS else ''}{name}={written}"


def _bound(bound: Bound) -> Iterator[str]:
    of = f" of {bound.since}" if bound.since is not None else ""
    if bound.least is not None:
        yield f"after {written_time(bound.least)}{of}"
    if bound.most is not None:
        yield f"within {written_time(bound.most)}{of}"
