"""boto3 clients of a workspace's control process: what an AWS user has, whom the tests stand for."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from workspace.paths import Workspace
from workspace.secrets import secret


def aws_client(workspace: Workspace, service: str) -> Any:
    """A client of one AWS service (``glue``, ``sts``)."""
    keys = (secret(workspace, "access_key"), secret(workspace, "secret_key"))
    session = boto3.Session(*keys, region_name=workspace.settings.text("region"))
    retries = {"mode": "standard", "max_attempts": 3}
    config = Config(connect_timeout=5, read_timeout=120, retries=retries, proxies={})
    return session.client(service, endpoint_url=workspace.endpoint("control"), config=config)


def glue_client(workspace: Workspace) -> Any:
    """A Glue client."""
    return aws_client(workspace, "glue")
