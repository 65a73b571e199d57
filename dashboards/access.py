"""Who may see the dashboards: a browser that was given the token, and no web page of another site (docs/adr/0037)."""

from __future__ import annotations

import re
from secrets import compare_digest
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

PARAMETER = "token"
OPEN = "/_stcore/health"  # for probes: it shows no data
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::(\d{1,5}))?", re.IGNORECASE)
_PAGE = """\
<!doctype html><html lang="en"><title>Lakelet</title>
<body style="font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto">
<h1>Open the dashboards by their full address</h1>
<p>This browser has not been given the token of this stack. Run <code>lakelet status</code>: the address of the
dashboards that it prints holds the token, and this browser remembers it.</p>
</body></html>
"""


class Access:
    """ASGI middleware: checks Host, Origin and token of every HTTP request and every WebSocket.

    The address that `lakelet status` prints brings the token once; a cookie keeps it.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        answer = self._answer(scope)
        if answer is None:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})  # before it is accepted: a plain 403
        return await answer(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        headers, connection = Headers(scope=scope), HTTPConnection(scope)
        if refusal := _foreign(headers):
            return Response(refusal, 403, media_type="text/plain")
        if scope["path"] == OPEN:
            return None
        cookie = cookie_name(headers["host"])
        if given := connection.query_params.get(PARAMETER):
            return self._exchanged(scope, cookie) if self._right(given) else HTMLResponse(_PAGE, 403)
        bearer = headers.get("authorization", "")
        if self._right(connection.cookies.get(cookie, "")) or self._right(bearer.removeprefix("Bearer ")):
            return None
        return HTMLResponse(_PAGE, 403)

    def _right(self, given: str) -> bool:
        return compare_digest(given.encode(), self._token.encode())

    def _exchanged(self, scope: Scope, cookie: str) -> Response:
        """Back to the same page, without the token, which is in no history and no Referer then."""
        query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        left = urlencode([(name, value) for name, value in query if name != PARAMETER])
        # A path that begins with two slashes would be another host's address.
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(f"{path}?{left}" if left else path, 303, {"Cache-Control": "no-store"})
        answer.set_cookie(cookie, self._token, httponly=True, samesite="lax")
        return answer


def cookie_name(host: str) -> str:
    """Of the stack at this Host: browsers keep cookies by host alone, and two stacks differ by port."""
    found = _HOST.fullmatch(host)
    return f"lakelet-{(found[1] if found else None) or '80'}"


def _foreign(headers: Headers) -> str:
    """Why a request may come from a page of another site; empty when it cannot."""
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return "The Host of this request is not a loopback name: use 127.0.0.1 or localhost."
    if origins and [origin.lower() for origin in origins] != [f"http://{hosts[0]}".lower()]:
        return "This request comes from a web page of another origin."
    if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
        return "This request comes from a web page of another site."
    return ""
