"""A judgement as pytest shows it: what did not pass, like an assertion that failed. Values in, text out."""

from __future__ import annotations

from dataclasses import replace

from wirelab.base.errors import WirelabError
from wirelab.base.texts import Language
from wirelab.judge.findings import REGISTRY, deepest
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.present.outcome import verdict_lines
from wirelab.present.style import safe


def said(error: WirelabError, language: Language) -> str:
    """An error's message, in lines that no terminal obeys."""
    return "\n".join(map(safe, error.text(language).split("\n")))


def told(judgement: Judgement, language: Language, width: int) -> tuple[tuple[str, ...], str]:
    """The codes of what was found, and the text: first, in one line, what to begin with, then all checks that did not
    pass, with their findings, causes and hints."""
    wrong = tuple(check for check in judgement.checks if check.verdict is not Verdict.PASS)
    found = [finding for check in wrong if check.verdict is judgement.verdict for finding in check.findings]
    begin = deepest(found)
    lines = []
    if begin is not None:
        deep = begin.cause or begin
        summary = REGISTRY[deep.code].summary
        lines.append(f"{deep.code} {summary.zh if language == 'zh' else summary.en}")
    # The last line is the verdict over all, which counts what is left out here.
    last = verdict_lines(replace(judgement, checks=()), language=language, width=width, colour=False)
    lines += verdict_lines(replace(judgement, checks=wrong), language=language, width=width, colour=False)[: -len(last)]
    codes = [code for one in found for code in (one.code, one.cause.code if one.cause else None) if code]
    return tuple(dict.fromkeys(codes)), "\n".join(lines)
