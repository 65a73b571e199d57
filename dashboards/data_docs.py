"""great-expectations' Data Docs, served from the folder in which the quality gate leaves them.

The gate makes the pages self-contained (etl/data_docs.py). Here the browser is told to hold them to that: it runs no
script, and fetches nothing from elsewhere.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from lakelet.workspace.paths import Workspace

POLICY = (
    "default-src 'self'; script-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'self'"
)


async def data_docs(request: Request) -> Response:
    """One file of the site; 404 while the gate has written none."""
    site = (Workspace.find().state / "data-docs").resolve()
    path = (site / (request.path_params["path"] or "index.html")).resolve()
    if not path.is_relative_to(site) or not path.is_file():
        return Response("There are no Data Docs here: `lakelet demo` writes them.", 404, media_type="text/plain")
    return FileResponse(path, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})
