"""The figure of the set-up in a lab report: who talks to whom, on which ports, and where it was captured. SVG, pure."""

from __future__ import annotations

from html import escape

from wirelab.base.texts import Language, Text, register, say
from wirelab.present.style import cells, clip
from wirelab.present.svg import FONTS

register(
    {
        "setup.client": Text("client", "客户端"),
        "setup.server": Text("server", "服务器"),
        "setup.keyboard": Text("keyboard and screen", "键盘和屏幕"),
        "setup.tap": Text("capture: {file}", "抓包：{file}"),
        "setup.tcp": Text("TCP connection", "TCP 连接"),
        "setup.label": Text(
            "Set-up: client and server, and where it was captured", "实验装置：客户端、服务器以及抓包位置"
        ),
    }
)

_WIDTH, _HEIGHT = 720, 230
_LONGEST = 26  # cells of a name


def setup_figure(client: str, client_end: str, server: str, server_end: str, file: str, language: Language) -> str:
    """The set-up as a standalone SVG document. The names are what the programs are called, the ends their addresses."""
    left = _box(20, say("setup.client", language), client, client_end, language)
    right = _box(_WIDTH - 220, say("setup.server", language), server, server_end, language)
    middle = _WIDTH // 2
    tap = say("setup.tap", language, file=clip(file, _LONGEST))
    wide = max(140, 8 * cells(tap))
    wire = (
        f'<line x1="220" y1="60" x2="{_WIDTH - 220}" y2="60" stroke="#1c2127" stroke-width="2"/>'
        f'<path d="M228 54 L218 60 L228 66 Z M{_WIDTH - 228} 54 L{_WIDTH - 218} 60 L{_WIDTH - 228} 66 Z" fill="#1c2127"/>'
        + _text(middle, 46, say("setup.tcp", language), 15)
        + f'<line x1="{middle}" y1="60" x2="{middle}" y2="112" stroke="#1c2127" stroke-dasharray="5 4"/>'
        f'<circle cx="{middle}" cy="60" r="5" fill="#fff" stroke="#1c2127" stroke-width="2"/>'
        f'<rect x="{middle - wide / 2:.0f}" y="112" width="{wide}" height="34" rx="17" fill="#f4f6f8" stroke="#1c2127"/>'
        + _text(middle, 134, tap, 14)
    )
    label = escape(say("setup.label", language))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'role="img" aria-label="{label}" font-family="{FONTS}"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        f"{left}{right}{wire}</svg>"
    )


def _box(x: int, role: str, name: str, end: str, language: Language) -> str:
    middle = x + 100
    return (
        f'<rect x="{x}" y="20" width="200" height="96" rx="8" fill="#fff" stroke="#1c2127" stroke-width="2"/>'
        + _text(middle, 48, role, 16, bold=True)
        + _text(middle, 74, clip(name, _LONGEST), 14)
        + _text(middle, 100, clip(end, _LONGEST), 13)
        + f'<line x1="{middle}" y1="116" x2="{middle}" y2="160" stroke="#1c2127"/>'
        f'<rect x="{x + 15}" y="160" width="170" height="44" rx="5" fill="#f4f6f8" stroke="#5c6672"/>'
        + _text(middle, 187, say("setup.keyboard", language), 13)
    )


def _text(x: int, y: int, words: str, size: int, *, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="middle" fill="#1c2127"{weight}>{escape(words)}</text>'
    )
