"""MinIO's own STS: temporary keys that it believes, limited by one session policy.

MinIO serves AssumeRole on the S3 address (MinIO documentation, "STS AssumeRole"), and gives keys, a session token and
their end. Callers are the workspace's root; what the keys may do is the policy's matter alone.
"""

from __future__ import annotations

from typing import Any

import botocore.exceptions

from identity.errors import PackedPolicyTooLarge
from workspace.errors import LakeletError, NotImplementedException, ServiceUnavailableException
from workspace.paths import Workspace
from workspace.secrets import secret


class NoAssumeRoleError(LakeletError):
    """The endpoint itself answers that it has no AssumeRole."""


def sts_client(workspace: Workspace) -> Any:
    """A client of the object store's STS that signs with the workspace's own keys."""
    import boto3
    import botocore.config

    from data.objects import own_proxies

    return boto3.client(
        "sts",
        endpoint_url=workspace.endpoint("s3"),
        region_name=workspace.settings.text("region"),
        aws_access_key_id=secret(workspace, "access_key"),
        aws_secret_access_key=secret(workspace, "secret_key"),
        config=botocore.config.Config(
            connect_timeout=5, read_timeout=10, retries={"max_attempts": 2}, proxies=own_proxies(workspace)
        ),
    )


def is_refusal(error: Exception) -> bool:
    """Whether the endpoint itself answered that it has no AssumeRole; anything else may pass, and grants nothing."""
    if not isinstance(error, botocore.exceptions.ClientError):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status == 501 or (400 <= status < 500 and status not in (408, 429))


def mint(workspace: Workspace, policy: str, seconds: int) -> tuple[str, str, str, float]:
    """Keys that may do what ``policy`` says for so long: access key, secret, session token, end (Unix seconds).

    Raises ServiceUnavailableException when the object store does not answer, NotImplementedException or
    PackedPolicyTooLarge when MinIO refuses the policy, NoAssumeRoleError when an external endpoint has no AssumeRole.
    """
    try:
        answer = sts_client(workspace).assume_role(
            RoleArn=f"arn:aws:iam::{workspace.settings.text('account_id')}:role/lakelet-session",
            RoleSessionName="lakelet-session",
            DurationSeconds=seconds,
            Policy=policy,
        )
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        if not is_refusal(error):
            raise ServiceUnavailableException(
                "The object store does not answer, so that no credentials can be made that it would believe: "
                "see `lakelet status`, and try again."
            ) from error
        if workspace.settings.text("s3_endpoint"):
            raise NoAssumeRoleError(f"The external S3 endpoint has no AssumeRole ({error}).") from error
        if "exceed" in str(error):
            raise PackedPolicyTooLarge(f"MinIO takes no session policy of this length ({error}).") from error
        raise NotImplementedException(f"MinIO cannot enforce this session's policies ({error}).") from error
    keys = answer["Credentials"]
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], keys["Expiration"].timestamp()
