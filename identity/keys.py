"""Access keys: which secret belongs to an access key id."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret


@dataclass(frozen=True)
class AccessKey:
    """One key pair; the secret is never shown."""

    id: str
    secret: str = field(repr=False)


@lru_cache(maxsize=16)
def root_key(workspace: Workspace) -> AccessKey:
    """The workspace's own key pair, which is MinIO's root user too."""
    return AccessKey(secret(workspace, "access_key"), secret(workspace, "secret_key"))


def find_key(workspace: Workspace, access_key_id: str) -> AccessKey | None:
    """The key pair with that id, or None when this workspace has none."""
    key = root_key(workspace)
    return key if key.id == access_key_id else None


def account_arn(workspace: Workspace) -> str:
    """The ARN of the account's root user, who signs with :func:`root_key`."""
    return f"arn:aws:iam::{workspace.settings.text('account_id')}:root"
