"""No web page of another site, and nobody without the credentials, gets at OpenSearch or the dashboards."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lakelet.search.client import open_client
from lakelet.stack.component import request
from lakelet.workspace.addresses import bearer, dashboards_address
from lakelet.workspace.environment import client_environment
from lakelet.workspace.secrets import secret
from tests.conftest import Stack

pytestmark = pytest.mark.stack
INDEX = "door"
EVIL = {"Origin": "http://evil.example"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(stack: Stack) -> Iterator[OpenSearch]:
    client = open_client(stack.workspace)
    client.indices.delete(index=INDEX, ignore_unavailable=True)
    yield client
    client.indices.delete(index=INDEX, ignore_unavailable=True)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def test_opensearch_asks_for_host_origin_and_password(stack: Stack, client: OpenSearch) -> None:
    url = stack.workspace.endpoint("opensearch")
    right = basic("lakelet", secret(stack.workspace, "opensearch"))
    form = {"Content-Type": "text/plain"}
    for headers, status in (
        ({}, 401),
        (basic("lakelet", "wrong"), 401),
        (basic("admin", secret(stack.workspace, "opensearch")), 401),
        ({"Authorization": "Basic ###"}, 401),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, 401),
        ({**right, "Host": "evil.example:9200"}, 403),
        ({**right, **EVIL}, 403),
        ({**right, "Origin": "null"}, 403),
        ({**right, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ):
        for method, path, body in (
            ("PUT", f"/{INDEX}", b"{}"),
            ("POST", f"/{INDEX}/_doc", b'{"n":1}'),
            ("POST", "/_bulk", b'{"index":{"_index":"door"}}\n{"n":1}\n'),
            ("DELETE", "/lakelet-logs*", None),
            ("GET", "/_cat/indices", None),
            ("GET", "/", None),
        ):
            answer = request(method, url + path, body, {**JSON, **headers})
            assert answer[0] == status and json.loads(answer[1])["error"]["type"] == "security_exception", answer
    # A form of a web page: without an Origin, as some send it, and with one.
    for headers in (form, {**form, **EVIL}, {**form, **EVIL, **right}):
        assert 400 <= request("POST", f"{url}/{INDEX}/_doc", b'{"n":1}', headers)[0] < 500
    assert not client.indices.exists(index=INDEX)
    assert request("POST", f"{url}/{INDEX}/_doc", b'{"n":1}', {**JSON, **right, "Origin": url})[0] == 201


def test_plain_clients_use_the_address_of_the_environment(stack: Stack, client: OpenSearch) -> None:
    script = "import os, opensearchpy; print(opensearchpy.OpenSearch(os.environ['LAKELET_OPENSEARCH_URL']).count())"
    environment = client_environment(stack.workspace)
    client.index(index=INDEX, body={"n": 1}, refresh=True)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "'count'" in done.stdout, done.stderr


def test_the_dashboards_ask_for_their_token(stack: Stack) -> None:
    workspace = stack.workspace
    url, right = workspace.endpoint("dashboards"), bearer(workspace)
    docs = workspace.state / "data-docs"
    docs.mkdir(exist_ok=True)
    (docs / "test-access.html").write_text("rows of data")
    try:
        for path in ("/", "/data-docs/test-access.html", "/_stcore/host-config"):
            assert request("GET", url + path)[0] == 403
            for foreign in ({"Host": "evil.example"}, EVIL):
                assert request("GET", url + path, headers={**right, **foreign})[0] == 403
            assert request("GET", url + path, headers=right)[0] == 200
    finally:
        (docs / "test-access.html").unlink()
    assert request("GET", dashboards_address(workspace))[0] == 303
    assert secret(workspace, "dashboards") not in (workspace.logs / "dashboards.log").read_text()


def test_a_socket_of_the_dashboards_needs_their_own_page(stack: Stack) -> None:
    url, right = stack.workspace.endpoint("dashboards"), bearer(stack.workspace)
    stream = re.sub("^http", "ws", url) + "/_stcore/stream"

    def opened(origin: str | None, headers: dict[str, str]) -> bool:
        try:
            with connect(stream, origin=origin, additional_headers=headers, proxy=None):  # type: ignore[arg-type]
                return True
        except InvalidStatus as error:
            assert error.response.status_code == 403
            return False

    assert opened(url, right)
    assert not opened("http://evil.example", right) and not opened("null", right) and not opened(url, {})


def test_status_prints_the_address_that_opens_them(stack: Stack) -> None:
    argv = [sys.executable, "-c", "from lakelet.cli.main import main; main()", "status"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert dashboards_address(stack.workspace) in done.stdout
