"""The command ``explain``: the pages of codes, or the list of all. Prints; the words are the registry's and the pages'."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence

from wirelab.base.errors import UsageError
from wirelab.base.texts import Language, Text, register
from wirelab.edge.output import put
from wirelab.judge.findings import REGISTRY
from wirelab.judge.pages import PAGES
from wirelab.present.explain import GROUPS, listing, markdown, page_lines

NARROWEST, WIDEST, PLAIN = 40, 100, 80  # columns
_CODE = re.compile(r"(?:WL)?([0-9]{1,3})(?:X{1,2})?")
_SMALL_WORDS = {"and", "the", "expected"}  # of the groups' names

register(
    {
        "explain.unknown": Text(
            "there is no finding with the code '{word}'{meant}; `wirelab explain` lists them all",
            "没有编号为 '{word}' 的诊断{meant}；`wirelab explain` 列出全部编号",
        ),
        "explain.one-form": Text("--json and --markdown exclude each other", "--json 与 --markdown 只能用一个"),
    }
)


def explain(words: Sequence[str], language: Language, *, as_json: bool, as_markdown: bool) -> int:
    """Print the page of each code, the list of each group, or the list of all. Returns 0.

    Raises UsageError for a word that is neither a code nor a group, before anything is printed.
    """
    if as_json and as_markdown:
        raise UsageError("explain.one-form")
    chosen = [_chosen(word) for word in words] or [(False, list(REGISTRY))]
    codes = list(dict.fromkeys(code for _, found in chosen for code in found))
    if as_json:
        put(json.dumps([_as_json(code) for code in codes], ensure_ascii=False, indent=1))
    elif as_markdown:
        put(markdown([(REGISTRY[code], PAGES[code]) for code in sorted(codes)], language).rstrip())
    else:
        put("\n\n".join("\n".join(_shown(one, found, language)) for one, found in chosen))
    return 0


def _chosen(word: str) -> tuple[bool, list[str]]:
    """The codes that a word means, and whether it means just one. Raises UsageError when it means none."""
    name = word.strip().upper()
    written = _CODE.fullmatch(name)
    head = f"WL{written[1]}" if written else next((group for group, names in _names().items() if name in names), None)
    codes = [code for code in REGISTRY if head is not None and code.startswith(head)]
    if not codes:
        from wirelab.declare.source import meant

        near = [code for code in REGISTRY if name.startswith(code[:3])] or list(REGISTRY)
        names = [known.lower() for group in _names().values() for known in group]
        close = meant(name, near) if name.startswith("WL") else meant(name.lower(), names)
        raise UsageError("explain.unknown", word=word, meant=close)
    return codes == [head], codes


def _names() -> dict[str, list[str]]:
    """What a group may be called besides its code: any word of its English title, or its Chinese title."""
    return {
        group: [*(word.upper() for word in title.en.split() if word not in _SMALL_WORDS), title.zh]
        for group, title in GROUPS.items()
    }


def _shown(one: bool, codes: list[str], language: Language) -> list[str]:
    tty = sys.stdout.isatty()
    columns = shutil.get_terminal_size((PLAIN, 24)).columns if tty else PLAIN
    width = max(NARROWEST, min(WIDEST, columns))
    if one:
        return page_lines(REGISTRY[codes[0]], PAGES[codes[0]], language=language, width=width, colour=tty)
    return listing([REGISTRY[code] for code in codes], language=language, width=width, colour=tty)


def _as_json(code: str) -> dict[str, object]:
    kind, page = REGISTRY[code], PAGES[code]
    texts = {"summary": kind.summary, "rationale": kind.rationale, "hint": kind.hint}
    texts |= {"seen": page.seen, "why": page.why, "where": page.where}
    return {
        "code": code,
        "group": GROUPS[code[:3]].en,
        "cause": kind.cause,
        **{name: {"en": text.en, "zh": text.zh} for name, text in texts.items()},
        "source": page.source,
        "picture": page.picture,
    }
