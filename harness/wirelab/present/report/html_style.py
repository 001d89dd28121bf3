"""The style sheet of a printed report: A4, a page number at each foot, what belongs together on one page. Knows no text.

Fonts are named, never loaded: the Chinese ones of Windows, macOS and Linux, whichever there is.
"""

from __future__ import annotations

from wirelab.base.texts import Language
from wirelab.present.report.document import MARGIN, MARGIN_SIDE, PAGE_WIDTH, SIZES

_SONG = '"SimSun","NSimSun","Songti SC","STSong","Noto Serif CJK SC","Source Han Serif SC","AR PL UMing CN"'
_HEI = '"SimHei","Heiti SC","STHeiti","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC","WenQuanYi Zen Hei"'

_PAGE = {
    "en": '"Page " counter(page) " of " counter(pages)',
    "zh": '"第 " counter(page) " 页，共 " counter(pages) " 页"',
}

_FONTS = {
    "en": f'--song:"Times New Roman","Liberation Serif","Tinos",{_SONG},serif;'
    f'--hei:"Arial","Liberation Sans","Helvetica",{_HEI},sans-serif;--size:11pt;--line:1.4',
    # Latin letters from a Latin font, but not the quotation marks and dashes, which Chinese has as wide as a character.
    "zh": f'--song:"Report Latin",{_SONG},serif;--hei:{_HEI},"Arial",sans-serif;--size:12pt;--line:1.6',
}

_LATIN = """@font-face{font-family:"Report Latin";src:local("Times New Roman"),local("TimesNewRomanPSMT"),
local("Liberation Serif"),local("LiberationSerif"),local("Tinos");unicode-range:U+0020-007E,U+00A1-00B6,U+00B8-024F}
@font-face{font-family:"Report Latin";font-weight:bold;src:local("Times New Roman Bold"),
local("TimesNewRomanPS-BoldMT"),local("Liberation Serif Bold"),local("LiberationSerif-Bold"),local("Tinos Bold");
unicode-range:U+0020-007E,U+00A1-00B6,U+00B8-024F}
"""

_RULES = """*{box-sizing:border-box}
html{background:#e8e8e8;color:#000;-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{font:var(--size)/var(--line) var(--song);background:#fff;margin:8mm auto;max-width:$WIDE;padding:$MARGIN;
overflow-wrap:anywhere;line-break:strict}
h1,h2,h3,h4,h5,h6{font-family:var(--hei);font-weight:bold;line-height:1.3;margin:1.1em 0 .5em;
break-after:avoid;break-inside:avoid}
h1{font-size:1.4em}h2{font-size:1.2em}h3{font-size:1.1em}h4,h5,h6{font-size:1em}
p{margin:.4em 0;orphans:2;widows:2}
:lang(zh) p{text-align:justify}
:lang(zh) .title p{text-align:center}
code{font-family:$MONO;font-size:.86em}
pre{font:8.5pt/1.35 $MONO;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4;margin:.6em 0;padding:2mm 2.5mm;
border:.5pt solid #777;-webkit-box-decoration-break:clone;box-decoration-break:clone;orphans:3;widows:3}
pre.program{background:#f6f6f6}
ul,ol{margin:.4em 0;padding-left:2em}
li>p{margin:.2em 0}
blockquote{margin:.6em 0;padding:.1em 0 .1em 1em;border-left:2pt solid #999}
hr{border:0;border-top:.5pt solid #000;margin:1em 0}
table{border-collapse:collapse;width:100%;table-layout:fixed;margin:.7em 0;line-height:1.35}
th,td{border:.75pt solid #000;padding:.3em .48em;vertical-align:middle;text-align:left;font-weight:normal}
thead{display:table-header-group}
tr{break-inside:avoid}
thead th,.label{font-weight:bold;background:#f0f0f0}
.label{text-align:center;font-family:var(--hei)}
.form{font-size:1em}
.form td{height:9mm;padding:1mm 2mm}
.center{text-align:center}.right{text-align:right}
figure{margin:.8em 0;text-align:center;break-inside:avoid}
img{max-width:100%;height:auto;vertical-align:top}
figcaption{font-size:10pt;break-before:avoid}
.remark{font-style:italic;color:#444;border:.5pt dashed #777;padding:1mm 2mm}
.box{border:.75pt solid #000;padding:2mm 3mm;margin:.8em 0;break-inside:avoid;display:flex;flex-direction:column}
.box>*{max-width:100%}
.box>p:last-child:not(:first-child){margin-top:auto;padding-top:3mm}
.box>.form{flex:1 1 auto}
.box>.form tr:first-child td{height:auto}
.title{text-align:center}
.title h1{font-size:1.7em;letter-spacing:.04em;margin:.6em 0 .8em}
.title h2{font-size:1.3em}
.question{break-after:avoid;break-inside:avoid}
.question>p{margin-top:.8em}
.answer{border:.75pt solid #000;padding:1mm 3mm;margin:.3em 0 1em;-webkit-box-decoration-break:clone;
box-decoration-break:clone}
.answer ul{list-style:none;padding-left:0}
.answer li ul{list-style:disc;padding-left:2em}
.answer li{padding:.8mm 0}
.answer li+li{border-top:.5pt dotted #777}
.notes{font-size:.86em;color:#222}
.break{break-before:page}
@page{size:A4;margin:$MARGIN;@bottom-center{content:$PAGE;font:9pt $SONG}}
@media print{html{background:#fff}body{margin:0;padding:0;max-width:none}main{padding:0 .3mm}.break:first-child{break-before:auto}}
"""

_MONO = '"DejaVu Sans Mono","Liberation Mono","Consolas","Menlo","Noto Sans Mono CJK SC",var(--hei),monospace'


def style_sheet(language: Language, heights: set[int]) -> str:
    """The sheet for a report in this language with boxes of these heights (mm), which have classes ``high-60``."""
    rules = _RULES
    values = {
        "WIDE": f"{PAGE_WIDTH:g}mm",
        "MARGIN": f"{MARGIN:g}mm {MARGIN_SIDE:g}mm",
        "MONO": _MONO,
        "PAGE": _PAGE[language],
        "SONG": f'"Times New Roman","Liberation Serif",{_SONG},serif',
    }
    for name, value in values.items():
        rules = rules.replace(f"${name}", value)
    sizes = "".join(f".size-{number}{{font-size:{size:g}pt}}\n" for number, size in enumerate(SIZES))
    boxes = "".join(f".high-{height}{{min-height:{height}mm}}\n" for height in sorted(heights))
    return f"{_LATIN if language == 'zh' else ''}:root{{{_FONTS[language]}}}\n{rules}{sizes}{boxes}"
