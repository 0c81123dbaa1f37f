"""The page's style sheet: light and dark, wide and narrow."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --page: #fff; --soft: #666; --rule: #e5e5e5; --grid: #ececec;
  --faint: #8a8a8a; --behind: #fde8e4; --ahead: #e7f5ea; --trouble: #9a3b26; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --page: #161719; --soft: #a0a0a0; --rule: #34363a; --grid: #2b2d31; --faint: #7c7c7c;
    --behind: #55281f; --ahead: #1f4029; --trouble: #f0a18d; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: var(--text);
  background: var(--page); }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; white-space: nowrap; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--rule); text-align: right; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 20rem; max-width: 26rem;
  position: sticky; left: 0; background: var(--page); }
th { border-bottom: 2px solid var(--faint); }
td.best { font-weight: 600; } td.behind { background: var(--behind); } td.ahead { background: var(--ahead); }
td.trouble { color: var(--trouble); } td.long { text-align: left; white-space: normal; min-width: 20rem; }
dl.facts { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem; font-size: 13px; }
dt { color: var(--soft); } dd { margin: 0; }
p.note, li { max-width: 50rem; } p.note { color: var(--soft); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: 13px; margin: .5rem 0; }
.key svg { vertical-align: -1px; }
.panels { display: flex; flex-wrap: wrap; gap: .5rem; }
.panels svg { max-width: 100%; height: auto; }
.wide svg { max-width: none; }
@media (max-width: 40rem) { th:first-child, td:first-child { min-width: 9rem; max-width: 11rem; } }
"""
