"""Addresses of the stack that carry the credentials which its parts ask for (docs/adr/0037)."""

from __future__ import annotations

from urllib.parse import urlsplit

from workspace.paths import Workspace
from workspace.secrets import secret

OPENSEARCH_USER = "lakelet"


def opensearch_credentials(workspace: Workspace) -> tuple[str, str] | None:
    """User and password of our own node; None when the setting ``opensearch_endpoint`` names another."""
    if workspace.settings.text("opensearch_endpoint"):
        return None
    return OPENSEARCH_USER, secret(workspace, "opensearch")


def opensearch_address(workspace: Workspace) -> str:
    """``http://user:password@127.0.0.1:9200``, as opensearch-py and curl read it; an external address as it is set.

    Raises :class:`~workspace.errors.NotRunningError` when the stack was never started.
    """
    address = urlsplit(workspace.endpoint("opensearch"))
    if (credentials := opensearch_credentials(workspace)) is None:
        return address.geturl()
    return address._replace(netloc=f"{':'.join(credentials)}@{address.netloc}").geturl()


def dashboards_address(workspace: Workspace, path: str = "") -> str:
    """The address at which a browser opens the dashboards, or the page ``path`` of them; its token becomes a cookie.

    Raises :class:`~workspace.errors.NotRunningError` when the stack was never started.
    """
    return f"{workspace.endpoint('dashboards')}/{path}?token={secret(workspace, 'dashboards')}"


def bearer(workspace: Workspace) -> dict[str, str]:
    """The header by which a program, which keeps no cookies, gets at the dashboards and ``/data-docs/``."""
    return {"Authorization": f"Bearer {secret(workspace, 'dashboards')}"}
