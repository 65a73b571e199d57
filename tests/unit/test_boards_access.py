"""The dashboards' door: Host, Origin and token, of HTTP requests and WebSockets."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from lakelet.dashboards.access import Access

TOKEN = "the-token"
OWN = "http://127.0.0.1:8501"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"data {request.url.query}")


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("data")
    await socket.close()


@pytest.fixture
def client() -> TestClient:
    routes = [
        WebSocketRoute("/_stcore/stream", stream),
        Route("/{path:path}", page, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Access, token=TOKEN)])
    return TestClient(app, base_url=OWN, follow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/data-docs/index.html", "/_stcore/host-config"])
def test_nothing_is_served_without_the_token(client: TestClient, path: str) -> None:
    for query, headers in (("", {}), ("?token=wrong", {}), ("", {"Authorization": "Bearer wrong"}), ("?token=ü", {})):
        answer = client.get(path + query, headers=headers)
        assert answer.status_code == 403 and "lakelet status" in answer.text and "data" not in answer.text
    assert client.get(path, headers=BEARER).text == "data "


def test_the_address_brings_the_token_and_a_cookie_keeps_it(client: TestClient) -> None:
    answer = client.get(f"/catalog?q=a%26b&token={TOKEN}&view=x")
    assert answer.status_code == 303 and answer.headers["location"] == "/catalog?q=a%26b&view=x"
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("lakelet-8501=") and "httponly" in cookie and "samesite=lax" in cookie
    assert client.get("/catalog").status_code == 200  # by the cookie
    assert client.get(f"{OWN}//evil.example/?token={TOKEN}").headers["location"] == "/evil.example/"
    other = client.get("/catalog", headers={"Host": "127.0.0.1:8601"})  # another stack's, of the same browser
    assert other.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8501"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1:8501@evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8502"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_pages_of_other_sites_are_refused_even_with_the_token(client: TestClient, headers: dict[str, str]) -> None:
    for path in ("/", "/_stcore/health"):
        for send in (client.get, client.post):
            assert send(path, headers={**BEARER, **headers}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/_stcore/stream", headers={"Host": "127.0.0.1:8501", **BEARER, **headers}),
    ):
        pass


def test_who_has_the_token_connects(client: TestClient) -> None:
    assert client.get("/_stcore/health").status_code == 200  # for probes
    for host in ("127.0.0.1:8501", "localhost:8501", "LOCALHOST:8501", "[::1]:8501"):
        own = {"Host": host, "Origin": f"http://{host}", **BEARER}
        assert client.get("/", headers=own).status_code == 200
        with client.websocket_connect("/_stcore/stream", headers=own) as socket:
            assert socket.receive_text() == "data"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream", headers={"Host": "localhost"}):
        pass
