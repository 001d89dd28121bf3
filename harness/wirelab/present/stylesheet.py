"""The one style sheet of the pages that grading writes: light and dark, phone and paper. Knows no page.

No colour says anything alone: a symbol or a number stands beside it. Fonts are those that the reader has.
"""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2127; --soft: #5c6672; --line: #d8dde3; --tint: #f4f6f8;
  --good: #17693a; --good-tint: #e3f4e9; --bad: #b3261e; --bad-tint: #fdeceb;
  --part: #8a5a00; --part-tint: #fdf3df; --open: #4b5563; --open-tint: #eceff3; --link: #0b57d0; --mark: #3b6fb6;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #e4e7eb; --soft: #9aa5b1; --line: #343b44; --tint: #1e2329;
    --good: #7fd6a0; --good-tint: #17301f; --bad: #ff9d94; --bad-tint: #3a1d1b;
    --part: #f0c674; --part-tint: #33290f; --open: #b6c0cc; --open-tint: #2a3038; --link: #8ab4f8; --mark: #6d9fe0;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem 1rem 3rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
body:lang(zh) {
  font-family: system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC",
    sans-serif;
  line-height: 1.75; line-break: strict; text-autospace: normal; text-spacing-trim: trim-start;
}
:lang(zh) em { font-style: normal; font-weight: 600; }
body:has(.matrix) { max-width: 84rem; }
h1, h2, h3 { line-height: 1.3; margin: 1.6em 0 .5em; text-wrap: balance; }
h1 { font-size: 1.6rem; margin-top: .2em; } h2 { font-size: 1.25rem; } h3 { font-size: 1rem; }
p { margin: .5em 0; } a { color: var(--link); }
.lines { white-space: pre-line; } .soft { color: var(--soft); } .lab { margin: 0; color: var(--soft); }
bdi { overflow: clip; }
.grade { font-size: 1.2rem; } .grade strong { font-size: 2rem; }
.note { border-inline-start: 4px solid var(--line); background: var(--tint); padding: .5em .9em; margin: 1em 0; }
.note.bad { border-color: var(--bad); } .note.open { border-color: var(--open); }
code, pre, .code {
  font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC",
    monospace;
  font-size: .875em; unicode-bidi: isolate; direction: ltr;
}
code { background: var(--tint); padding: .1em .3em; border-radius: 3px; }
pre {
  background: var(--tint); border: 1px solid var(--line); border-radius: 4px; padding: .6em .8em; margin: .4em 0;
  overflow: auto; max-height: 36rem; line-height: 1.4; white-space: pre; overflow-wrap: normal; font-size: .8125rem;
}
pre.wrapped { white-space: pre-wrap; overflow-wrap: anywhere; }
pre code { background: none; padding: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; padding: .35em .6em; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.whole { white-space: nowrap; }
td.bars { width: 8rem; }
svg.bar { display: block; width: 100%; min-width: 3.5rem; height: .6rem; margin-top: .5em; }
svg .track { fill: var(--line); } svg .fill.full { fill: var(--good); } svg .fill.part { fill: var(--part); }
svg.histogram { display: block; width: 100%; max-width: 40rem; height: auto; }
svg.histogram text { fill: var(--soft); font-size: 10px; } svg.histogram .count { fill: var(--ink); }
svg .column { fill: var(--mark); } svg .axis { stroke: var(--line); }
.pass .sign { color: var(--good); } .fail .sign { color: var(--bad); } .inconclusive .sign { color: var(--open); }
.part .sign { color: var(--part); }
.sign { font-weight: 700; display: inline-block; min-width: 1.1em; }
details.run { border: 1px solid var(--line); border-radius: 6px; margin: .7em 0; padding: 0 .9em; }
details.run > summary { padding: .6em 0; font-weight: 600; }
details.run > summary .soft { font-weight: 400; }
summary { cursor: pointer; } summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); }
details details { margin: .5em 0; }
ul.checks { list-style: none; padding: 0; margin: .3em 0 .8em; }
ul.checks > li { padding: .35em 0; border-top: 1px solid var(--line); }
.finding { border-inline-start: 3px solid var(--bad); padding: .1em 0 .1em .8em; margin: .6em 0 .6em .4em; }
.finding.machine { border-color: var(--open); } .finding .finding { border-color: var(--part); }
.badge { font-weight: 700; white-space: nowrap; }
.page { border: 1px dashed var(--line); border-radius: 4px; padding: 0 .8em .4em; margin: .4em 0; }
.beside td { padding: .1em .5em; border: 0; } .beside tr.off { background: var(--bad-tint); }
.beside tr.passed { color: var(--soft); }
.wide { overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 4px; }
.matrix { font-size: .875rem; } .matrix td, .matrix th { border-inline-end: 1px solid var(--line); }
.matrix thead th { position: sticky; top: 0; z-index: 2; background: var(--tint); min-width: 5.5rem; }
.matrix tbody th { position: sticky; left: 0; z-index: 1; background: var(--paper); font-weight: 400; min-width: 8rem; }
.matrix thead th:first-child { left: 0; z-index: 3; }
.matrix td.pass { background: var(--good-tint); } .matrix td.fail { background: var(--bad-tint); }
.matrix td.part { background: var(--part-tint); } .matrix td.inconclusive { background: var(--open-tint); }
.people a { display: inline-block; margin-inline-end: .8em; }
footer { margin-top: 2.5em; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
@media (max-width: 34rem) {
  body { padding: .7rem .7rem 2rem; } td.bars { width: 4.5rem; } details.run { padding: 0 .6em; }
  .finding { margin-inline-start: 0; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --tint: #f6f6f6; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  pre { white-space: pre-wrap; overflow: visible; max-height: none; font-size: 7pt; }
  .wide { overflow: visible; max-height: none; } .matrix th { position: static !important; }
  h2, h3, summary { break-after: avoid; } .finding, tr { break-inside: avoid; } a { color: inherit; }
}
@media print { details::details-content { content-visibility: visible; block-size: auto; } }
"""
