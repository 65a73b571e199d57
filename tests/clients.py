"""boto3 clients of a workspace's control process: what an AWS user has, whom the tests stand for."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret


def aws_client(workspace: Workspace, service: str) -> Any:
    """A client of one AWS service (``glue``, ``sts``)."""
    retries = {"mode": "standard", "max_attempts": 3}
    config = Config(connect_timeout=5, read_timeout=120, retries=retries, proxies={})
    client: Any = _session().client(
        service,
        region_name=workspace.settings.text("region"),
        endpoint_url=workspace.endpoint("control"),
        aws_access_key_id=secret(workspace, "access_key"),
        aws_secret_access_key=secret(workspace, "secret_key"),
        config=config,
    )
    return client


@cache
def _session() -> boto3.Session:
    return boto3.Session()  # reads each service's model once: that takes longer than most tests


def glue_client(workspace: Workspace) -> Any:
    """A Glue client."""
    return aws_client(workspace, "glue")
