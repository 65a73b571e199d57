"""Read-only, short-lived keys for just the prefixes that a statement reads: STS AssumeRole with a session policy.

MinIO serves it on the S3 address (MinIO docs, STS AssumeRole); an external endpoint that does not gets the
workspace's own keys, and the sandbox's other fences hold alone.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions

from lakelet.data.zones import split_uri
from lakelet.identity.object_store import is_refusal, sts_client
from lakelet.workspace.errors import QueryError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

log = logging.getLogger(__name__)

LIFETIME_SECONDS = 3600
MARGIN_SECONDS = 600  # a statement that begins now must be able to end
MAX_PREFIXES = 12  # a session policy may have 2,048 characters (AWS STS API, AssumeRole)
MAX_CACHED = 256


class Credentials:
    """Hands out DuckDB's S3 secret for a set of prefixes; kept until they are about to expire. Thread-safe."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._cached: OrderedDict[frozenset[str], tuple[float, dict[str, Any]]] = OrderedDict()
        self._client: Any = None

    def storage(self, locations: Collection[str]) -> dict[str, Any]:
        """The options of ``CREATE SECRET (TYPE s3, …)`` that can read the objects under the locations, no others.

        Raises :class:`~lakelet.workspace.errors.QueryError` when the object store does not answer.
        """
        wanted = frozenset(locations)
        with self._lock:
            expires, found = self._cached.get(wanted, (0.0, {}))
            if expires - MARGIN_SECONDS > time.time():
                self._cached.move_to_end(wanted)
                return found
            made = self._assume(wanted)
            self._cached[wanted] = (time.time() + LIFETIME_SECONDS, made)
            while len(self._cached) > MAX_CACHED:
                self._cached.popitem(last=False)
            return made

    def _assume(self, locations: frozenset[str]) -> dict[str, Any]:
        endpoint = urlsplit(self._workspace.endpoint("s3"))
        base = {
            "ENDPOINT": endpoint.netloc,
            "USE_SSL": endpoint.scheme == "https",
            "URL_STYLE": "path",
            "REGION": self._workspace.settings.text("region"),
        }
        try:
            answer = self._sts().assume_role(
                RoleArn=f"arn:aws:iam::{self._workspace.settings.text('account_id')}:role/lakelet-sql",
                RoleSessionName="lakelet-sql",
                DurationSeconds=LIFETIME_SECONDS,
                Policy=json.dumps(policy(locations), separators=(",", ":")),
            )
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            if not (self._workspace.settings.text("s3_endpoint") and is_refusal(error)):
                raise QueryError(
                    f"The object store gave no keys for the query ({error}): see `lakelet status`."
                ) from error
            log.warning("The external S3 endpoint has no AssumeRole; SQL workers read with the workspace's keys.")
            return base | {
                "KEY_ID": secret(self._workspace, "access_key"),
                "SECRET": secret(self._workspace, "secret_key"),
            }
        keys = answer["Credentials"]
        return base | {
            "KEY_ID": keys["AccessKeyId"],
            "SECRET": keys["SecretAccessKey"],
            "SESSION_TOKEN": keys["SessionToken"],
        }

    def _sts(self) -> Any:
        if self._client is None:
            self._client = sts_client(self._workspace)
        return self._client


def policy(locations: Collection[str]) -> dict[str, Any]:
    """The session policy: GetObject under the locations; whole buckets when they are too many for one policy."""
    places = sorted({split_uri(location) for location in locations})
    if len(places) > MAX_PREFIXES:
        places = sorted({(bucket, "") for bucket, _ in places})
    resources = [f"arn:aws:s3:::{bucket}/{_plain(prefix)}*" for bucket, prefix in places]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": resources}],
    }


def _plain(prefix: str) -> str:
    """A prefix in which a policy sees no wildcard: it is cut before the first one."""
    for position, char in enumerate(prefix):
        if char in "*?$":
            return prefix[:position]
    return prefix
