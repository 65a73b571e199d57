"""Addresses that carry credentials: our node's, an external one's, the dashboards'."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.search.client import open_client
from lakelet.workspace.addresses import (
    dashboards_address,
    opensearch_address,
    opensearch_credentials,
    without_credentials,
)
from lakelet.workspace.environment import client_environment
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import known_secrets, redact, secret


def make(tmp_path: Path, opensearch: str = "http://127.0.0.1:9200") -> Workspace:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    names = dict.fromkeys(("control", "s3", "dashboards"), "http://127.0.0.1:1")
    workspace.write_endpoints({**names, "opensearch": opensearch})
    return workspace


def test_our_node_has_a_password_of_this_workspace(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    password = secret(workspace, "opensearch")
    address = f"http://lakelet:{password}@127.0.0.1:9200"
    assert opensearch_address(workspace) == client_environment(workspace)["LAKELET_OPENSEARCH_URL"] == address
    (connection,) = open_client(workspace).transport.connection_pool.connections
    assert connection.host == "http://127.0.0.1:9200" and "authorization" in connection.headers
    exported = client_environment(workspace)["LAKELET_DASHBOARDS_URL"]
    assert exported == dashboards_address(workspace) == f"http://127.0.0.1:1/?token={secret(workspace, 'dashboards')}"
    clean = redact(f"{address} {exported}", known_secrets(workspace))
    assert clean == "http://lakelet:[redacted]@127.0.0.1:9200 http://127.0.0.1:1/?token=[redacted]"


@pytest.mark.parametrize(
    ("setting", "credentials", "address"),
    [
        ("https://search.internal:9200", None, "https://search.internal:9200"),
        ("https://ann:p%40w@search.internal", ("ann", "p@w"), "https://ann:p%40w@search.internal"),
    ],
)
def test_an_external_node_gets_its_own_credentials_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, credentials: tuple[str, str] | None, address: str
) -> None:
    monkeypatch.setenv("LAKELET_OPENSEARCH_ENDPOINT", setting)
    workspace = make(tmp_path, without_credentials(setting))
    assert "p%40w" not in workspace.endpoint("opensearch")
    assert opensearch_credentials(workspace) == credentials and opensearch_address(workspace) == address
    assert not (workspace.state / "secrets" / "opensearch").exists()
