"""Regular expressions of authors on texts of strangers, within a bounded time.

``re`` looks for signals while it matches (CPython, Modules/_sre), so that a timer can end what would take for ever. It counts
this process's own time, setitimer(2): a busy machine makes no pattern slow.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

from wirelab.base.errors import Overrun
from wirelab.base.texts import Text, register

LONGEST = 2.0  # seconds of a processor; what is usual takes microseconds
MOST_SHOWN = 60  # characters of the text

register(
    {
        "bounded.slow": Text(
            "the pattern /{pattern}/ was not done with {count} characters after {seconds:g} s, for it can match them in too "
            "many ways. They begin {text}. Where something is repeated, let each part of it begin with what the others do not "
            "have, or make it possessive ('*+', '++')",
            "正则表达式 /{pattern}/ 在 {seconds:g} 秒内没有处理完 {count} 个字符，因为匹配的方式太多。这些字符以 {text} 开头。"
            "请让重复部分的各个分支以不同的内容开头，或者让重复不回溯（写成 '*+'、'++'）",
        ),
    }
)


class _Over(Exception):
    pass


def _over(_signal: int, _frame: FrameType | None) -> None:
    raise _Over


class in_time:
    """Around the use of a pattern on a text: raises Overrun when that takes more than LONGEST. Bounds nothing outside a
    process's main thread, which alone gets signals."""

    __slots__ = ("_before", "_pattern", "_start", "_text")

    def __init__(self, pattern: str, text: str, start: int = 0) -> None:
        self._pattern, self._text, self._start = pattern, text, start
        self._before: Any = None

    def __enter__(self) -> None:
        try:
            self._before = signal.signal(signal.SIGVTALRM, _over)
        except ValueError:  # another thread
            return
        signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, self._before)
        if kind is _Over:
            text = self._text[self._start :]
            shown = {"count": len(text), "text": repr(text[:MOST_SHOWN])}
            raise Overrun("bounded.slow", pattern=self._pattern, seconds=LONGEST, **shown) from None
