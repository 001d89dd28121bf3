"""The bilingual catalogue of every message that is not a finding.

One entry per key, English and Chinese side by side, so that neither can be forgotten;
a test holds that both name the same values. Findings have their own registry, in
``judge/findings.py``, built on the same ``Text``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def spoken(environment: Mapping[str, str]) -> Language:
    """The language of whoever has these environment variables, by the first of those that a locale is taken from that
    is set (locale(7))."""
    settings = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, settings), "").startswith("zh") else "en"


@dataclass(frozen=True, slots=True)
class Text:
    """The same sentence in every language; ``{name}`` marks a value to fill in."""

    en: str
    zh: str

    def fill(self, language: Language, /, **values: object) -> str:
        """The sentence with its values. Raises KeyError when a value is missing: that is a bug."""
        template = self.zh if language == "zh" else self.en
        return template.format_map({name: _in(value, language) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Bilingual:
    """A value that itself reads differently in the two languages, to be filled into a ``Text``."""

    en: str
    zh: str


def _in(value: object, language: Language) -> object:
    if isinstance(value, Bilingual | Text):
        return value.zh if language == "zh" else value.en
    return value


_CATALOGUE: dict[str, Text] = {}


def catalogue() -> dict[str, Text]:
    """All registered texts by key."""
    return dict(_CATALOGUE)


def register(texts: dict[str, Text]) -> None:
    """Add texts to the catalogue; a key may be registered once only."""
    for key, text in texts.items():
        if key in _CATALOGUE:
            raise ValueError(f"text {key!r} is registered twice")
        _CATALOGUE[key] = text


def say(key: str, language: Language, /, **values: object) -> str:
    """The text of ``key`` in ``language``, filled with ``values``."""
    return _CATALOGUE[key].fill(language, **values)


def cut(text: str, most: int) -> str:
    """A text of at most ``most`` characters; of a longer one its beginning, with an ellipsis."""
    return text if len(text) <= most else f"{text[:most]}…"
