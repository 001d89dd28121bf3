"""Regular expressions that authors write, in protocols and in scenarios: what is wrong with one, before it is ever used."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from wirelab.base.texts import Text, register

register(
    {
        "pattern.regex": Text("not a regular expression: {what}", "不是合法的正则表达式：{what}"),
        "pattern.nested": Text(
            "a repetition inside a repetition can take for ever on an unlucky text; "
            "write it plainer, or make the inner one possessive ('++')",
            "重复之中又有重复，遇到某些文字会算个没完；请写得简单些，或让里层不回溯（写成 '++'）",
        ),
    }
)

FEW = 9  # times that a group may be repeated in which something is repeated: more can take for ever
_TOKEN = re.compile(
    r"""(?P<open>\((?:\?(?:P[<=]|[:=!>]|<[=!])?)?)
      | (?P<close>\))
      | (?P<repeat>(?:[*+]|\{(?:(?P<times>\d+)|\d*,(?P<most>\d*))\})(?P<possessive>\+?))
      | \\. | \[\^?\]?(?:\\.|[^\]\\])*\] | .""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong: a text's key and values, and where in the pattern, counted from 0, if that is known."""

    key: str
    at: int | None
    values: Mapping[str, object] = field(default_factory=dict)


def mistake(pattern: str) -> Mistake | None:
    """Why a pattern is none of Python's, or may take for ever; None when it can be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # "[[": will mean something else one day
            re.compile(pattern)
    except re.error as error:
        return Mistake("pattern.regex", error.pos or 0, {"what": error.msg})
    except (FutureWarning, OverflowError, RecursionError) as error:
        return Mistake("pattern.regex", None, {"what": error})
    nested = _nested_repetition(pattern)
    return None if nested is None else Mistake("pattern.nested", nested)


def _nested_repetition(pattern: str) -> int | None:
    """Where a group that holds a repetition is itself repeated, so that backtracking may explode; else None."""
    holds = [False]  # per open group: does it hold a repetition that can give back?
    previous = False  # does what a repetition here would repeat hold one?
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            holds.append(False)
        elif token["close"] and len(holds) > 1:
            previous = holds.pop()
            holds[-1] |= previous
            continue
        if token["repeat"] and not token["possessive"]:
            if previous and float(token["times"] or token["most"] or "inf") > FEW:
                return token.start()
            holds[-1] |= token["times"] is None
        previous = False
    return None
