"""What a cell of a notebook shows: figures, tables, texts. Plain text everywhere else. Knows no runs and no captures."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose.files import write_whole
from wirelab.observe.connections import Noted, Side
from wirelab.present.markdown import fenced
from wirelab.present.segment_table import Table
from wirelab.present.words import grouped

T = TypeVar("T")

MOST_ROWS = 200  # that are shown of a long list

register(
    {
        "explore.unwritable": Text("cannot write {file}: {why}", "无法写入 {file}：{why}"),
        "explore.suffix": Text(
            "a figure is saved as .svg or .png, not as {file}", "图只能保存为 .svg 或 .png，不能保存为 {file}"
        ),
        "explore.more": Text(
            "… {count} more; a slice such as [{most}:{end}] shows them",
            "… 还有 {count} 条；用切片（如 [{most}:{end}]）查看",
        ),
        "explore.no-picture": Text(
            "cannot make a PNG here: install resvg-py, and a font (Debian: fonts-noto-cjk); or save it as .svg",
            "这里无法生成 PNG：请安装 resvg-py 和字体（Debian：fonts-noto-cjk），或保存为 .svg",
        ),
    }
)


class Figure:
    """A drawing. In Jupyter it is shown as one; ``repr`` is its text for a terminal. ``svg`` is the drawing itself."""

    def __init__(self, svg: str, text: str) -> None:
        self.svg = svg
        self._text = text

    def __repr__(self) -> str:
        return self._text

    @property
    def png(self) -> bytes | None:
        """The drawing as PNG; None where this machine cannot make one."""
        from wirelab.stage.pictures import png

        return png(self.svg)

    def save(self, file: str | Path) -> Path:
        """Write the drawing as .svg or .png, and return the file's path.

        Raises UsageError for any other ending, InputError when it cannot be written.

        >>> run.ladder().save("ladder.svg")  # doctest: +SKIP
        """
        path = Path(file)
        if path.suffix not in (".svg", ".png"):
            raise UsageError("explore.suffix", file=path)
        data = self.svg.encode() if path.suffix == ".svg" else self.png
        if data is None:
            raise UsageError("explore.no-picture")
        try:
            write_whole(path, data)
        except OSError as error:
            raise InputError("explore.unwritable", file=path, why=error.strerror or error) from None
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What Jupyter asks for."""
        picture = self.png
        pictured = {} if picture is None else {"image/png": base64.b64encode(picture).decode()}
        return {"image/svg+xml": self.svg, **pictured, "text/plain": self._text}


class Listed(Sequence[T], Generic[T]):
    """Things in order: a list (``len``, ``[3]``, ``for``) that Jupyter shows as a table. A slice is one again."""

    def __init__(self, items: Sequence[T], table: Callable[[Sequence[T]], Table], language: Language) -> None:
        self._items = tuple(items)
        self._table = table
        self._language = language

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Listed[T]: ...
    def __getitem__(self, index: int | slice) -> T | Listed[T]:
        return (
            Listed(self._items[index], self._table, self._language) if isinstance(index, slice) else self._items[index]
        )

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def where(self, test: Callable[[T], bool]) -> Listed[T]:
        """Only those that a function says True of.

        >>> run.segments.where(lambda one: one.length > 0)  # doctest: +SKIP
        """
        return Listed([one for one in self._items if test(one)], self._table, self._language)

    @property
    def markdown(self) -> str:
        """The table in Markdown."""
        return "\n".join([self._table(self._items[:MOST_ROWS]).markdown(), *self._more()])

    def __repr__(self) -> str:
        return "\n".join([*self._table(self._items[:MOST_ROWS]).lines(), *self._more()])

    def _more(self) -> Iterator[str]:
        if (count := len(self._items) - MOST_ROWS) > 0:
            end = min(2 * MOST_ROWS, len(self._items))
            yield say("explore.more", self._language, count=grouped(count), most=MOST_ROWS, end=end)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What Jupyter asks for."""
        return {"text/markdown": self.markdown, "text/plain": repr(self)}


@dataclass(frozen=True, slots=True)
class Seen:
    """One segment, as Wireshark names its fields.

    ``frame`` is its number in the file; ``time`` are seconds since the connection's first segment; ``sender`` is "client"
    or "server"; ``flags`` as in "SYN,ACK". ``seq`` and ``ack`` are relative to the initial sequence numbers, ``seq_raw``
    and ``ack_raw`` are those in the header (without the ACK flag ``ack`` is None). ``length`` and ``payload`` are its
    data, ``window`` is the header's field. ``notes`` tell what was special about it ("retransmission"), and the states are
    those that both sides are in after it. ``noted`` is wirelab's own value.
    """

    frame: int
    time: float
    sender: Side
    flags: str
    seq: int
    ack: int | None
    length: int
    seq_raw: int
    ack_raw: int
    window: int
    payload: bytes
    notes: tuple[str, ...]
    client_state: str
    server_state: str
    noted: Noted = field(repr=False)


def seen(noted: Noted, start: int) -> Seen:
    """A segment for people; ``start`` is the time of its connection's first one, in nanoseconds."""
    segment = noted.segment
    return Seen(
        segment.frame,
        (segment.time - start) / 1e9,
        noted.sender,
        segment.flag_names(),
        noted.seq,
        noted.ack,
        segment.length,
        segment.seq,
        segment.ack,
        segment.window,
        segment.payload,
        tuple(sorted(noted.notes)),
        noted.client_state.value,
        noted.server_state.value,
        noted,
    )


class Lines:
    """Lines of text, such as a terminal showed. ``lines`` is the list of them."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What Jupyter asks for."""
        return {"text/markdown": "\n".join(fenced(self.lines)) + "\n", "text/plain": repr(self)}
