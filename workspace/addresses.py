"""Addresses of the stack that carry the credentials which its parts ask for (docs/adr/0037)."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

OPENSEARCH_USER = "lakelet"


def opensearch_credentials(workspace: Workspace) -> tuple[str, str] | None:
    """User and password of our own node, or those in the setting ``opensearch_endpoint``; None when it has none."""
    if external := workspace.settings.text("opensearch_endpoint"):
        parts = urlsplit(external)
        return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return OPENSEARCH_USER, secret(workspace, "opensearch")


def opensearch_address(workspace: Workspace) -> str:
    """``http://user:password@127.0.0.1:9200``, as opensearch-py and curl read it.

    Raises :class:`~lakelet.workspace.errors.NotRunningError` when the stack was never started.
    """
    address = urlsplit(workspace.endpoint("opensearch"))
    if (credentials := opensearch_credentials(workspace)) is None:
        return address.geturl()
    user = ":".join(quote(word, safe="") for word in credentials)
    return address._replace(netloc=f"{user}@{address.netloc}").geturl()


def without_credentials(address: str) -> str:
    """An address without the ``user:password@`` that a setting may have: for files and for messages."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def dashboards_address(workspace: Workspace, path: str = "") -> str:
    """The address at which a browser opens the dashboards, or the page ``path`` of them; its token becomes a cookie.

    Raises :class:`~lakelet.workspace.errors.NotRunningError` when the stack was never started.
    """
    return f"{workspace.endpoint('dashboards')}/{path}?token={secret(workspace, 'dashboards')}"


def bearer(workspace: Workspace) -> dict[str, str]:
    """The header by which a program, which keeps no cookies, gets at the dashboards and ``/data-docs/``."""
    return {"Authorization": f"Bearer {secret(workspace, 'dashboards')}"}
