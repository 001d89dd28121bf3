"""An expected trace laid beside the segments: what a reading read, and from where it stopped on, the nearest fit."""

from __future__ import annotations

from typing import Literal

from wirelab.declare.trace import Line, Variation
from wirelab.judge.differences import differences, price
from wirelab.judge.match_lines import Book, Fitter
from wirelab.judge.match_reading import LATER, Link, Mend, Reading, Row
from wirelab.judge.match_states import lines_ahead
from wirelab.judge.match_wire import Seen, Wire

LINES, SEGMENTS = 60, 200  # that are laid beside each other from the last line on that was read
MISSING = EXTRA = 1.0
NEVER = 3.0  # two that are apart cost 2


def align(reading: Reading, wire: Wire, fitter: Fitter, stopped: int | None) -> tuple[Row, ...]:
    """The rows of a reading; ``stopped`` is the segment that it could not read (None: it was waiting for more)."""
    rows: list[Row] = []
    for row in _rows(reading, wire, fitter, stopped):
        if rows and row.line is None and row.kind == "passed" == rows[-1].kind and rows[-1].line is None:
            rows[-1] = Row(None, rows[-1].frames + row.frames, "passed")
        else:
            rows.append(row)
    return tuple(rows)


def _rows(reading: Reading, wire: Wire, fitter: Fitter, stopped: int | None) -> tuple[Row, ...]:
    rows, last = _read(reading, wire)
    complete = stopped is None and reading.state.final
    if complete and _accounted(reading, wire):
        return (*rows, *_passed(reading, wire, last, len(wire.seen)))
    ahead = lines_ahead(reading.state)[:LINES]
    at = stopped
    if at is None:
        at = len(wire.seen)
        if not ahead:  # all lines are read, and bytes are left that none of them is about
            left = _unaccounted(reading, wire)
            return (*rows, *(Row(None, (seen.segment.frame,), "extra", ("data",)) for seen in left))
    start = max(last, at - SEGMENTS // 2)
    rows += _passed(reading, wire, last, start)
    beside = wire.seen[start : start + SEGMENTS]
    kinds = [_kind(seen, at, gap=reading.state.gap) for seen in beside]
    return (*rows, *_nearest(ahead, list(zip(beside, kinds, strict=True)), reading.book, fitter, wire))


Kind = Literal["due", "free", "gone"]


def _kind(seen: Seen, at: int, *, gap: bool) -> Kind:
    """Whether a segment must have a line (``due``), may be passed over (``free``), or was, in a ``...`` (``gone``)."""
    if seen.index < at:
        return "gone" if gap else "due" if seen.passes is None else "free"
    return "free" if seen.passes is not None and seen.index != at else "due"


def _read(reading: Reading, wire: Wire) -> tuple[list[Row], int]:
    """The rows of the lines that were read, and the first segment after them."""
    links: list[Link] = []
    link = reading.path
    while link is not None:
        links.append(link)
        link = link.before
    rows: list[Row] = []
    last = 0
    for one in reversed(links):
        what = one.what
        assert not isinstance(what, Variation)
        if one.at == LATER:
            rows.append(Row(what.line, (), "missing") if isinstance(what, Mend) else Row(what, (), "passed"))
            continue
        rows += _passed(reading, wire, last, one.at)
        frames = (wire.seen[one.at].segment.frame,)
        rows.append(
            Row(what.line, frames, what.kind, what.differs) if isinstance(what, Mend) else Row(what, frames, "same")
        )
        last = one.at + 1
    return rows, last


def _passed(reading: Reading, wire: Wire, start: int, stop: int) -> list[Row]:
    """Segments that were passed over, as a row without a line."""
    frames = tuple(seen.segment.frame for seen in wire.seen[start:stop])
    return [Row(None, frames, "passed")] if frames else []


def _accounted(reading: Reading, wire: Wire) -> bool:
    return reading.state.gap or not _unaccounted(reading, wire)


def _unaccounted(reading: Reading, wire: Wire) -> list[Seen]:
    """Segments whose bytes no line is about."""
    return [seen for seen in wire.seen if seen.end > seen.start and seen.end > reading.book.accounted(seen.side)]


def _nearest(lines: list[Line], beside: list[tuple[Seen, Kind]], book: Book, fitter: Fitter, wire: Wire) -> list[Row]:
    """Lines and segments side by side at the least cost (edit distance)."""
    differs = [[differences(line, seen, book, fitter, wire) for seen, _ in beside] for line in lines]
    prices = [[_price(why, kind) for why, (_, kind) in zip(row, beside, strict=True)] for row in differs]
    height, width = len(lines), len(beside)
    cost = [[0.0] * (width + 1) for _ in range(height + 1)]
    for row in range(height, -1, -1):
        for column in range(width, -1, -1):
            ways = []
            if row < height:
                ways.append(cost[row + 1][column] + MISSING)
            if column < width:
                ways.append(cost[row][column + 1] + (EXTRA if beside[column][1] == "due" else 0))
            if row < height and column < width:
                ways.append(cost[row + 1][column + 1] + prices[row][column])
            cost[row][column] = min(ways, default=0.0)
    rows: list[Row] = []
    row = column = 0
    while row < height or column < width:
        here = cost[row][column]
        frames = (beside[column][0].segment.frame,) if column < width else ()
        if row < height and column < width and here == cost[row + 1][column + 1] + prices[row][column]:
            why = differs[row][column]
            rows.append(Row(lines[row], frames, "different" if why else "same", why))
            row, column = row + 1, column + 1
        elif column < width and beside[column][1] == "gone" and here == cost[row][column + 1]:
            rows.append(Row(None, frames, "passed"))
            column += 1
        elif row < height and here == cost[row + 1][column] + MISSING:
            rows.append(Row(lines[row], (), "missing"))
            row += 1
        else:
            rows.append(Row(None, frames, "extra" if beside[column][1] == "due" else "passed"))
            column += 1
    return rows


def _price(differs: tuple[str, ...], kind: Kind) -> float:
    """What it costs to lay a line beside a segment from which it differs in this."""
    if kind == "gone" or (kind == "free" and differs):  # or it would have been taken for the line before
        return NEVER
    cost = price(differs)
    return NEVER if cost is None else cost
