"""MinIO's users, made and removed through its admin interface by MinIO's own client (the package ``minio``)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from lakelet.workspace.errors import StackError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

FAILURES = (OSError, urllib3.exceptions.HTTPError, StackError, MinioAdminException)
"""What the methods of :class:`MinioUsers` raise while MinIO is down, or when it refuses."""
_PREFIX = "lakelet-"  # of our policies' names there
_OURS = re.compile(r"AKIA[A-Z2-7]{16}")


class MinioUsers:
    """The users of the workspace's MinIO that are access keys of ours, each with a policy of its own."""

    def __init__(self, workspace: Workspace) -> None:
        address = urlsplit(workspace.endpoint("s3"))
        self._admin = MinioAdmin(
            endpoint=address.netloc,
            credentials=StaticProvider(secret(workspace, "access_key"), secret(workspace, "secret_key")),
            secure=address.scheme == "https",
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=10), retries=urllib3.Retry(0)),
        )

    def found(self) -> dict[str, bool]:
        """Those that are there, and whether each was made whole; users that somebody else made are left out."""
        listed: dict[str, Any] = json.loads(self._admin.user_list() or "{}")
        whole = {name: user.get("policyName") == _PREFIX + name for name, user in listed.items()}
        return {name: made for name, made in whole.items() if made or _OURS.fullmatch(name)}

    def allow(self, name: str, policy: str) -> None:
        """Set what a user may do, before it is there or after."""
        self._admin.policy_add(_PREFIX + name, policy=json.loads(policy))

    def add(self, name: str, secret_key: str) -> None:
        """Add a user that may do what was set; or give it another secret."""
        self._admin.user_add(name, secret_key)
        self._admin.policy_set(_PREFIX + name, user=name)

    def remove(self, name: str) -> None:
        """Remove a user, and the keys that it made for itself, at once; it may be gone already."""
        for call, target in ((self._admin.user_remove, name), (self._admin.policy_remove, _PREFIX + name)):
            try:
                call(target)
            except MinioAdminException as error:
                if error._code != "404":
                    raise
