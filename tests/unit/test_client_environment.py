"""What a person's shell may carry against us: a profile of AWS that does not exist, a proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.cli.env import past_proxy
from lakelet.data.objects import s3_client
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace


def test_a_profile_that_does_not_exist_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("LAKELET_S3_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("LAKELET_S3_ACCESS_KEY", "somebody")
    monkeypatch.setenv("LAKELET_S3_SECRET_KEY", "of-somebody")
    workspace = Workspace(tmp_path, tmp_path / "state").prepare()
    workspace.write_endpoints({"s3": "http://127.0.0.1:1"})
    with pytest.raises(UsageError, match=r"nobody.*: unset AWS_PROFILE, or name a profile that exists\."):
        s3_client(workspace)


def test_env_leads_past_a_proxy_only_when_there_is_one() -> None:
    assert past_proxy({"NO_PROXY": "a", "HTTP_PROXY": ""}) == {}
    assert past_proxy({"https_proxy": "http://proxy", "NO_PROXY": "*"}) == {}
    both = past_proxy({"HTTPS_PROXY": "http://proxy", "no_proxy": "a.example, localhost"})
    assert both == dict.fromkeys(("NO_PROXY", "no_proxy"), "a.example,localhost,127.0.0.1")
