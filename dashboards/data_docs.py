"""great-expectations' Data Docs, served so that they work without a network.

Its pages load Bootstrap, jQuery and a logo from seven hosts on the internet. Those references are taken out here, a
small stylesheet takes their place, and the browser is told to fetch nothing from elsewhere.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from workspace.paths import Workspace

POLICY = "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'self'"
_FOREIGN = re.compile(
    r"<script[^>]*\bsrc=[\"']?https?:[^>]*>\s*</script>|<(?:link|img)\b[^>]*\b(?:href|src)=[\"']?https?:[^>]*>", re.I
)
STYLE = """<style>
:root {color-scheme: light dark; --line: rgba(128, 145, 160, .35); --soft: rgba(128, 145, 160, .12);}
body {font: 15px/1.5 "Source Sans", "Source Sans 3", system-ui, sans-serif; margin: 1rem; padding: 0;}
a {color: #1487A6; overflow-wrap: anywhere;} h1, h2, h3, h4, h5 {line-height: 1.25; margin: 1.2em 0 .4em;}
table {border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .93em;}
th, td {border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top;}
th {background: var(--soft);} td {overflow-wrap: anywhere;}
.container, .container-fluid {padding: 0 !important; max-width: none;}
.badge {background: var(--soft); border-radius: .4rem; padding: 0 .4rem; font-size: .9em;}
.modal, .btn, .navbar, .navbar-toggler, .breadcrumb, footer,
.card-body:has(> .mb-2 > .card-text), .card-header:has(+ .card-body > .mb-2),
.fixed-table-loading, #ge-cta-footer, [data-toggle=modal],
.d-none, .collapse:not(.show) {display: none !important;}
.container, body > .container-fluid, .row {padding-top: 0 !important; margin-top: 0 !important;}
.fas {font-style: normal; font-weight: 700;} .fa-check-circle::before {content: "✓"; color: #3C9D6B;}
.fa-times::before, .fa-exclamation-triangle::before {content: "✗"; color: #D9485F;}
.nav {list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem;}
.alert {border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .8rem;}
</style></head>"""


async def data_docs(request: Request) -> Response:
    """One file of the site; 404 while the gate has written none."""
    site = (Workspace.find().state / "data-docs").resolve()
    path = (site / (request.path_params["path"] or "index.html")).resolve()
    if not path.is_relative_to(site) or not path.is_file():
        return Response("There are no Data Docs here: `lakelet demo` writes them.", 404, media_type="text/plain")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    if path.suffix != ".html":
        return FileResponse(path, headers=headers)
    return HTMLResponse(_standing_alone(path), headers=headers)


def _standing_alone(path: Path) -> str:
    page = _FOREIGN.sub("", path.read_text(encoding="utf-8", errors="replace"))
    return page.replace("</head>", STYLE, 1)
