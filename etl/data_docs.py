"""Data Docs that need no network: great-expectations' own pages fetch styles and scripts from five hosts, ours none.

The pages of validations and suites are complete HTML without their scripts; the index is not, so it is written here.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from pathlib import Path

_DROPPED = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*https?://[^>]*>|<footer\b.*?</footer>|<nav\b.*?</nav>\s*</nav>"
    r"|<img\b[^>]*https?://[^>]*>|<button\b.*?</button>|url\(['\"]?https?://[^)]*\)",
    re.DOTALL | re.IGNORECASE,
)
_STYLE = """
:root { color-scheme: light dark; --line: rgba(128, 145, 160, .35); --soft: rgba(128, 145, 160, .12); }
:root { --good: #3c9d6b; --bad: #d9485f; }
body { font: 15px/1.5 "Source Sans", "Source Sans 3", system-ui, sans-serif; margin: 1rem; }
a { color: #1487a6; overflow-wrap: anywhere; }
h1, h2, h3, h4, h5 { line-height: 1.25; margin: 1.2em 0 .4em; } h4, h5 { font-size: 1.15rem; }
h6, .h6 { font-size: 1rem; font-weight: 600; margin: 0; } ul { padding-left: 1.2rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .93em; }
td, th { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { background: var(--soft); } td { overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); } .fas { font-style: normal; font-weight: 700; }
.fa-check-circle::before, .text-success::before { content: "✓"; color: var(--good); }
.fa-times::before, .fa-exclamation-triangle::before, .text-danger::before { content: "✗"; color: var(--bad); }
.badge { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: 0 .4rem; }
.alert { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .8rem; }
.container, .container-fluid { padding: 0 !important; max-width: none; }
.container, body > .container-fluid, .row { padding-top: 0 !important; margin-top: 0 !important; }
.container-fluid > .row { display: flex; flex-wrap: wrap; gap: 2rem; }
.container-fluid > .row > * { flex: 1 1 24rem; min-width: 0; overflow-x: auto; }
.container-fluid > .row > .col-lg-2 { flex: 0 0 12rem; }
.nav { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
/* What works only with great-expectations' scripts, leads to its site, or stays empty. */
.modal, .btn, .navbar, .navbar-toggler, .breadcrumb, footer, .cooltip .top, .popover, .lead, .sticky > .mb-3,
.card-body:has(> .mb-2 > .card-text), .card-header:has(+ .card-body > .mb-2),
.fixed-table-loading, #ge-cta-footer, [data-toggle=modal], [data-toggle=collapse],
.d-none, .collapse:not(.show) { display: none !important; }
"""


def make_local(site: Path, table: str, *, rows: int, expectations: int, failed: int) -> None:
    """Rewrite a site in place so that it shows without any other host, and give it an index of its own."""
    for page in site.rglob("*.html"):
        text = _DROPPED.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</head>", f"<style>{_STYLE}</style></head>", 1), encoding="utf-8")
    validations = sorted(site.glob("validations/**/*.html"))
    suites = sorted(site.glob("expectations/**/*.html"))
    verdict = f'<b class="bad">{failed} failed</b>' if failed else '<b class="good">all hold</b>'
    links = [("What was found", page) for page in validations] + [("What is expected", page) for page in suites]
    listed = " · ".join(f'<a href="{html.escape(str(page.relative_to(site)))}">{name}</a>' for name, page in links)
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    (site / "index.html").write_text(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Data quality</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><h1>Data quality</h1><table><tr><th>Table</th><th>Checked</th><th>Rows</th><th>Expectations</th>"
        f"<th>Result</th><th>Pages</th></tr><tr><td>{html.escape(table)}</td><td>{when}</td><td>{rows:,}</td>"
        f"<td>{expectations}</td><td>{verdict}</td><td>{listed}</td></tr></table></body></html>",
        encoding="utf-8",
    )
