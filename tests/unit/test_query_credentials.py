"""Keys for SQL workers: only an endpoint that itself has no AssumeRole gets them the workspace's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from lakelet.query.credentials import Credentials
from lakelet.workspace.errors import QueryError
from lakelet.workspace.paths import Workspace


def answered(status: int) -> ClientError:
    error: Any = {"Error": {"Code": "X"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, "AssumeRole")


def credentials(root: Path, error: Exception, monkeypatch: pytest.MonkeyPatch, external: bool = True) -> Credentials:
    settings = 's3_endpoint = "http://127.0.0.1:9"\ns3_access_key = "somebody"\n'
    (root / "lakelet.toml").write_text(settings if external else "")
    monkeypatch.setenv("LAKELET_S3_SECRET_KEY", "of-somebody")
    workspace = Workspace(root, root / ".lakelet").prepare()
    workspace.write_endpoints({"s3": "http://127.0.0.1:9"})
    made = Credentials(workspace)

    class Sts:
        def assume_role(self, **_: Any) -> Any:
            raise error

    monkeypatch.setattr(made, "_sts", Sts)
    return made


@pytest.mark.parametrize("status", [400, 403, 405, 501])
def test_an_external_endpoint_without_assume_role(status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = credentials(tmp_path, answered(status), monkeypatch)
    storage = made.storage(["s3://gold/a/"])
    assert (storage["KEY_ID"], storage["SECRET"]) == ("somebody", "of-somebody")


@pytest.mark.parametrize("error", [ConnectTimeoutError(endpoint_url="x"), answered(503), answered(429)], ids=str)
def test_a_passing_error_hands_out_nothing(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QueryError, match="gave no keys"):
        credentials(tmp_path, error, monkeypatch).storage(["s3://gold/a/"])


def test_our_own_object_store_always_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QueryError, match="gave no keys"):
        credentials(tmp_path, answered(403), monkeypatch, external=False).storage(["s3://gold/a/"])
