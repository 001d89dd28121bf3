"""SVG that wirelab itself drew, as PNG. Knows no contents. Never to be given somebody else's SVG.

Drawn by resvg (the Python package ``resvg-py``, a Rust library behind the stable ABI): it runs no script and loads
nothing from a network. Where it is missing, figures stay SVG.
"""

from __future__ import annotations

import functools

PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" font-family="{fonts}">'
    '<text x="5" y="30" font-size="24">{text}</text></svg>'
)


def png(svg: str, scale: float = 2.0) -> bytes | None:
    """A figure as PNG, ``scale`` pixels for each of its units, on white; 2 units are about 280 dots per inch where a
    figure of 720 units is 16 cm wide less its margins, which prints well.

    None where resvg is not installed, or the machine has none of the fonts: a picture without its words would mislead.
    Chinese needs a Chinese font (Debian: ``fonts-noto-cjk``); without one its characters are empty boxes, which
    ``draws`` tells.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        return None
    if not draws("A"):
        return None
    return bytes(svg_to_bytes(svg_string=svg, zoom=scale, background="#ffffff"))


@functools.cache
def draws(character: str) -> bool:
    """Whether this machine can draw a character (a letter, a Chinese one): it has resvg and a font that has it."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        return False
    from wirelab.present.svg import FONTS

    def drawn(text: str) -> bytes:
        return bytes(svg_to_bytes(svg_string=PROBE.format(fonts=FONTS, text=text)))

    # What no font has is drawn as nothing, or as the box that a private character is drawn as.
    return drawn(character) not in (drawn(""), drawn("\U000f0000"))
