"""A lab's result for people: what each line of the rubric is worth, and what was reached. Values in, lines out."""

from __future__ import annotations

from collections.abc import Sequence

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.points import Score, Share, total
from wirelab.present.style import BOLD, DIM, GREEN, RED, YELLOW, Style, cells, left, safe, wrap

register(
    {
        "points.none": Text("undecided", "未判定"),
        "points.line": Text("{reached} of {of} points", "{of} 分中得到 {reached} 分"),
        "points.undecided": Text(
            "{reached} of {of} points; what could not be decided on this machine is left out: run it again",
            "{of} 分中得到 {reached} 分；本机未能判定的部分没有计入，请再运行一次",
        ),
        "points.missed": Text("not all right: {names}", "还不完全正确：{names}"),
    }
)


def points_lines(scores: Sequence[Score], *, language: Language, width: int, colour: bool) -> list[str]:
    """The table of points, one line an item, and the sum."""
    style = Style(colour)
    columns = [_column(score, language) for score in scores]
    size = max((cells(column) for column in columns), default=0)
    lines: list[str] = []
    for score, column in zip(scores, columns, strict=True):
        whole = score.points is not None and score.points >= score.item.points
        mark, ink = ("?", YELLOW) if score.points is None else ("✓", GREEN) if whole else ("✗", RED)
        title = score.item.title.zh if language == "zh" else score.item.title.en
        label = f"{mark} {left(column, size)}  "
        for number, text in enumerate(wrap(safe(title), max(20, width - cells(label)))):
            lines.append((style.paint(label, ink) if number == 0 else " " * cells(label)) + text)
        missed = [_named(share) for share in score.shares if share.fraction is not None and share.fraction < 1]
        if missed:
            names = say("points.missed", language, names=", ".join(dict.fromkeys(missed)))
            margin = " " * cells(label)
            lines += [margin + style.paint(text, DIM) for text in wrap(names, max(20, width - cells(label)))]
    reached, of = total(scores)
    undecided = any(score.undecided for score in scores)
    key = "points.undecided" if undecided else "points.line"
    lines.append(style.paint(say(key, language, reached=f"{reached:g}", of=f"{of:g}"), BOLD))
    return lines


def _column(score: Score, language: Language) -> str:
    reached = say("points.none", language) if score.points is None else f"{score.points:g}"
    return f"{reached}/{score.item.points:g}"


def _named(share: Share) -> str:
    return share.counted.scenario + (f" ({share.counted.check})" if share.counted.check else "")
