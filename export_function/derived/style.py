"""The one style sheet of the pages, and the policy that lets nothing but it and the package's own pictures load."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #22252a; --soft: #555b64; --line: #d9d6cf;
  --accent: #0b5c8a; --wash: #eef3f6; --warn: #8a3b00; --warn-wash: #fdf2e6; --mark: #ffd400; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --card: #1d2126; --ink: #e8e6e1; --soft: #a9b0ba;
  --line: #353b43; --accent: #7cc4ee; --wash: #22303a; --warn: #ffb27a; --warn-wash: #33261a; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; }
footer { margin-top: 4rem; padding-bottom: 2.5rem; color: var(--soft); font-size: .9rem;
  border-top: 1px solid var(--line); }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; font-weight: 650; }
h2 { font-size: 1.4rem; line-height: 1.3; margin: 3rem 0 .75rem; font-weight: 620; }
h3 { font-size: 1.1rem; line-height: 1.35; margin: 1.75rem 0 .5rem; font-weight: 620; }
h4 { font-size: 1rem; margin: 1.5rem 0 .25rem; font-weight: 620; }
h5 { font-size: 1rem; margin: 1.25rem 0 .25rem; font-weight: 550; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--accent); text-underline-offset: .15em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
.skip { position: absolute; left: -100rem; top: 0; padding: .6rem 1rem; background: var(--card); z-index: 1; }
.skip:focus { left: 1rem; top: 1rem; }
.lead { color: var(--soft); font-size: 1.05rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: 1rem 0; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; padding: .4rem 1.1rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-weight: 550; font-size: .9rem; }
tbody th { font-weight: 550; }
.n { text-align: right; } td.n { white-space: nowrap; } th.n { max-width: 9rem; }
th { overflow-wrap: break-word; } tbody th { min-width: 9rem; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .2rem 1.1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
.box { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.5rem 1.25rem;
  margin: 1.25rem 0; }
.box > :first-child { margin-top: .25rem; }
.missing { background: var(--warn-wash); border-left: 4px solid var(--warn); border-radius: 4px; padding: .5rem 1rem;
  margin: .75rem 0; }
.missing strong { color: var(--warn); }
.missing.unasked { background: none; border-color: var(--line); } .unasked strong { color: inherit; }
ul, ol { padding-left: 1.3rem; } li { margin: .15rem 0; }
ul.tags { list-style: none; padding: 0; margin: .35rem 0; display: flex; flex-wrap: wrap; gap: .35rem; }
ul.tags li { background: var(--wash); border-radius: 99px; padding: .05rem .7rem; margin: 0; font-size: .9rem;
  max-width: 100%; }
summary { cursor: pointer; color: var(--accent); padding: .15rem 0; width: fit-content; }
code { font: .9em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.25rem;
  align-items: start; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.shot { display: block; background: var(--wash); text-align: center; line-height: 0; }
.frame { display: inline-block; position: relative; max-width: 100%; }
.frame img { display: block; max-width: 100%; height: auto; }
.frame.unsized { display: block; } .unsized img { width: 100%; }
.frame svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; pointer-events: none; }
.under { fill: none; stroke: #000; stroke-width: 4; stroke-opacity: .75; }
.over { fill: none; stroke: var(--mark); stroke-width: 2; }
svg text { font: 700 14px/1 system-ui, sans-serif; fill: #fff; stroke: #000; stroke-width: 4; paint-order: stroke; }
.none { padding: 2.5rem 1rem; color: var(--soft); line-height: 1.5; }
figcaption { padding: .75rem 1rem 1rem; font-size: .92rem; }
figcaption h3 { margin: 0 0 .25rem; font-size: 1rem; }
figcaption dl { grid-template-columns: minmax(4rem, 6rem) 1fr; gap: .2rem .8rem; }
figcaption dd ul { list-style: none; padding: 0; margin: 0; } figcaption dd li { margin: 0; }
figcaption b { font-weight: 550; color: var(--soft); }
figcaption ol { margin: .35rem 0; }
.note { color: var(--warn); font-weight: 550; margin: .35rem 0; }
.pages { justify-content: space-between; }
@media (max-width: 34rem) { header, main, footer { padding-left: 1rem; padding-right: 1rem; }
  .box { padding: .75rem 1rem; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .35rem; } }
@media (prefers-contrast: more) { :root { --soft: var(--ink); --line: var(--ink); } }
@media (forced-colors: active) { .under, .over { stroke: CanvasText; } ul.tags li { border: 1px solid; } }
@media print { :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #333; --line: #bbb; --accent: #000;
  --wash: #f3f3f3; } body { font-size: 9pt; } .skip, nav { display: none; }
  details::details-content { content-visibility: visible; }
  figure, .missing, tr { break-inside: avoid; }
  h2, h3, h4, h5 { break-after: avoid; } .gallery { grid-template-columns: repeat(3, 1fr); gap: .5rem; }
  figcaption { font-size: 7.5pt; padding: .4rem .5rem; } figcaption dl { grid-template-columns: 4.5rem 1fr; }
  ul.tags li { font-size: 7.5pt; } th, td { padding-right: .6rem; } .box { border: 0; padding: 0; } }
"""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src 'self' file:",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""No script, no frame, no font, no request to anywhere; `file:` because pages are opened from a folder."""
