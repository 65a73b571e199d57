"""The environment that points AWS clients, and people's own programs, at a running stack."""

from __future__ import annotations

from lakelet.workspace.addresses import dashboards_address, opensearch_address
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret


def client_environment(workspace: Workspace) -> dict[str, str]:
    """The variables that boto3, the AWS CLI and the other AWS SDKs read, and the addresses of what AWS has no name for.

    Raises :class:`~lakelet.workspace.errors.NotRunningError` when the stack was never started.
    """
    region = workspace.settings.text("region")
    return {
        "AWS_ENDPOINT_URL": workspace.endpoint("control"),
        "AWS_ENDPOINT_URL_S3": workspace.endpoint("s3"),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": secret(workspace, "access_key"),
        "AWS_SECRET_ACCESS_KEY": secret(workspace, "secret_key"),
        "LAKELET_OPENSEARCH_URL": opensearch_address(workspace),
        "LAKELET_DASHBOARDS_URL": dashboards_address(workspace),
    }
