"""Foreign text made harmless for each kind of file: spreadsheets, Markdown, XML, HTML, JSON. Knows no results.

What students print, what they call their files and themselves is shown and never obeyed. ``plain`` comes first: it
leaves nothing that moves a cursor, reorders a line or is forbidden in XML; each kind of file has its own step after it.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence

from wirelab.base import plain_json
from wirelab.base.texts import Language, Text, register, say
from wirelab.present.style import safe, untabbed

register(
    {
        "exports.shortened": Text(
            "… shortened here, to what the platform takes: the rest is in the feedback page",
            "……此处已按平台的上限截短，其余内容见反馈页面",
        ),
    }
)

_NO_XML = re.compile("[\ufffe\uffff]")  # XML 1.0, 2.2: not characters; all others that it forbids, safe() has replaced
_FORMULA = re.compile(r"""(^|;)([\s"]*)([=+\-@＝＋－＠])""")
_MARKUP = re.compile(r"[!#$&(-+\-.:<=>@\[-`{-~]")  # of punctuation, all that begins something in Markdown or GitHub's
_UNSURE = re.compile("[^\x00-\x7e\u3000-\u303f\u4e00-\u9fff\uff01-\uff60]")  # all but what is certainly to be seen
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def plain(text: str) -> str:
    """``text`` in one line without control, bidirectional and other invisible characters: each is named in ``⟨⟩``."""
    return _NO_XML.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", safe(text))


def plain_lines(text: str) -> list[str]:
    """The lines of ``text``, each ``plain``; tabs are spaces, and CR LF ends a line as LF does."""
    return [plain(untabbed(line)) for line in text.replace("\r\n", "\n").split("\n")]


def csv_cell(text: str) -> str:
    """Foreign text as the value of a cell that no spreadsheet takes for a formula: an apostrophe goes before what
    would begin one (OWASP, "CSV injection"), also behind a semicolon: where that is the list separator of a language,
    a spreadsheet parts cells there."""
    return _FORMULA.sub(r"\1\2'\3", plain(text))


def csv_quoted(value: str) -> str:
    """A value as a cell of RFC 4180: between double quotes, those inside it doubled."""
    return '"' + value.replace('"', '""') + '"'


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Rows of values as CSV (RFC 4180), every cell quoted, lines ended by CR LF."""
    return "".join(",".join(csv_quoted(value) for value in row) + "\r\n" for row in rows)


def markdown(text: str) -> str:
    """Foreign text as itself inside a line of GitHub's Markdown: no link, image, heading, mention, cell or code.

    A backslash goes before every character that could begin markup (CommonMark, 2.4). GitHub looks for mentions and references in
    what comes of that, so a comment parts their sign from the name.
    """
    return _MARKUP.sub(lambda found: f"\\{found[0]}" + ("<!-- -->" if found[0] in "@#" else ""), plain(text))


def html_lines(lines: Iterable[str]) -> str:
    """Foreign lines as HTML text, with ``<br>`` between them; the blanks that a line begins with stay."""
    return "<br>".join(
        "&nbsp;" * (len(line) - len(line.lstrip(" "))) + html.escape(plain(line.lstrip(" ")), quote=False)
        for line in lines
    )


def json_text(value: object, *, indent: int | None = 1) -> str:
    """``value`` as JSON that reads back as it was, and that does nothing to a terminal or an editor that shows it:
    what is no visible character is written as ``\\uXXXX`` (RFC 8259, section 7), lone surrogates too."""
    text = plain_json.json_text(value, indent)
    return _UNSURE.sub(lambda found: _json_char(found[0]), text)


def _json_char(char: str) -> str:
    if unicodedata.category(char) not in _UNSEEN:
        return char
    return json.dumps(char)[1:-1] if char != "\x7f" else "\\u007f"


def shortened(lines: Sequence[str], limit: int, language: Language) -> list[str]:
    """The lines cut at their end to ``limit`` characters, line ends and a note included; the note where it does not fit."""
    if sum(len(line) + 1 for line in lines) <= limit:
        return list(lines)
    note = say("exports.shortened", language)
    room = limit - len(note) - 1
    kept: list[str] = []
    for line in lines:
        if len(line) + 1 > room:
            kept += [f"{line[: room - 2]}…"] if room > 2 else []
            break
        kept.append(line)
        room -= len(line) + 1
    return [*kept, note]
