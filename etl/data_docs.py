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
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1.5rem; }
a { color: #2f6fde; text-decoration: none; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
td, th { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
.good { color: var(--good); } .bad { color: var(--bad); }
.fa-check-circle::before, .text-success::before { content: "✓"; color: var(--good); }
.fa-times::before, .text-danger::before { content: "✗"; color: var(--bad); }
.badge { border: 1px solid var(--line); border-radius: .5rem; padding: 0 .4rem; }
.container-fluid > .row { display: flex; flex-wrap: wrap; gap: 2rem; }
.container-fluid > .row > * { flex: 1 1 24rem; min-width: 0; overflow-x: auto; }
.container-fluid > .row > .col-lg-2 { flex: 0 0 12rem; }
.breadcrumb { list-style: none; display: flex; gap: 1rem; padding: 0; }
ul { padding-left: 1.2rem; } h4, h5 { font-size: 1.15rem; } h6, .h6 { font-size: 1rem; font-weight: 600; margin: 0; }
.lead, .sticky > .mb-3 { display: none; }
.collapse { display: block; } .modal, .cooltip .top, .popover { display: none; }
@media (prefers-color-scheme: dark) { a { color: #7aa7ff; } :root { --good: #3fb950; --bad: #f85149; } }
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
