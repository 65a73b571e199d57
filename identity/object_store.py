"""MinIO's own STS: temporary keys that it believes, limited by one session policy.

MinIO serves AssumeRole on the S3 address (MinIO documentation, "STS AssumeRole"), and gives keys, a session token and
their end. Callers are the workspace's root; what the keys may do is the policy's matter alone.
"""

from __future__ import annotations

import json
import time
from typing import Any

import botocore.exceptions

from lakelet.identity.documents import parse
from lakelet.identity.errors import PackedPolicyTooLarge
from lakelet.identity.evaluator import Layer, Source
from lakelet.identity.s3_policy import MAX_LENGTH
from lakelet.workspace.errors import (
    LakeletError,
    NotImplementedException,
    ServiceUnavailableException,
    ValidationException,
)
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

LEAST_SECONDS = 900  # MinIO makes no keys for less
MAX_TOKEN = 4096  # bytes of a session token; MinIO's, of the longest policy, are about as long


class NoAssumeRoleError(LakeletError):
    """The endpoint itself answers that it has no AssumeRole."""


def sts_client(workspace: Workspace) -> Any:
    """A client of the object store's STS that signs with the workspace's own keys."""
    import boto3
    import botocore.config

    from lakelet.data.objects import own_proxies

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


def until(end: float) -> Layer:
    """What ends keys at a moment (Unix seconds), though MinIO would believe them for longer."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:CurrentTime": moment}},
    }
    return Layer("session's end", (Source("session's end", parse(json.dumps({"Statement": statement}))),))


def padded(policy: str, missing: int) -> str:
    """A policy with an id that makes the session token, which holds it, longer by so many bytes at least.

    Raises ValidationException when that is more than MinIO takes.
    """
    # In a token the policy is in Base64 twice: three bytes of it are a little more than five of the token.
    text = json.dumps({"ID": "x" * (missing * 3 // 5 + 8), **json.loads(policy)}, separators=(",", ":"))
    if len(text) > MAX_LENGTH:
        raise ValidationException(
            "The object store makes no session token of MinimumSessionTokenSize bytes for these policies: ask for "
            f"{missing} bytes less."
        )
    return text


def mint(workspace: Workspace, policy: str, seconds: int) -> tuple[str, str, str, float]:
    """Keys that may do what ``policy`` says for so long: access key, secret, session token, end (Unix seconds).

    Raises ServiceUnavailableException when the object store does not answer, NotImplementedException or
    PackedPolicyTooLarge when MinIO refuses the policy, NoAssumeRoleError when an external endpoint has no AssumeRole.
    """
    try:
        answer = sts_client(workspace).assume_role(
            RoleArn=f"arn:aws:iam::{workspace.settings.text('account_id')}:role/lakelet-session",
            RoleSessionName="lakelet-session",
            DurationSeconds=max(seconds, LEAST_SECONDS),
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
