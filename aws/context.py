"""What AWS operations work on: the rooms' stores, given once when the control process starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from lakelet.catalog.store import CatalogStore
from lakelet.identity.conditions import Context as ConditionKeys
from lakelet.identity.principals import Credential, Principal, root
from lakelet.identity.service import Identity
from lakelet.workspace.errors import EntityNotFoundException, ServiceUnavailableException
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from lakelet.catalog.crawlers.store import CrawlerStore
    from lakelet.catalog.publishes import Publishes
    from lakelet.identity.object_keys import ObjectKeys
    from lakelet.jobs.runner import Runner
    from lakelet.jobs.store import JobStore

_NOT_OF_KEYS = ("Role", "Provider", "Federation", "MFADevice")  # in the names of what changes nothing for users' keys
_ABSENT: Any = None  # a control process gives every room; a test only those it needs


@dataclass(frozen=True)
class Context:
    """The workspace, its database, and the rooms behind the operations."""

    workspace: Workspace
    engine: sa.Engine
    catalog: CatalogStore
    publishes: Publishes = _ABSENT
    jobs: JobStore = _ABSENT
    crawlers: CrawlerStore = _ABSENT
    runner: Runner = _ABSENT
    object_keys: ObjectKeys = _ABSENT

    @cached_property
    def account_id(self) -> str:
        """The AWS account id of this workspace, which is also its catalog id."""
        return self.workspace.settings.text("account_id")

    @cached_property
    def region(self) -> str:
        """The workspace's own region: what is kept by its ARN is kept by that of this region."""
        return self.workspace.settings.text("region")

    def credential(self, access_key_id: str) -> Credential | None:
        """Whose key that is, and the secret that belongs to it; None when it is nobody's."""
        return self.identity.credential(access_key_id)

    @cached_property
    def identity(self) -> Identity:
        """IAM's principals, and what they may do."""
        return Identity(self.workspace, self.engine)

    @property
    def issuer(self) -> str:
        """The account as an identity provider: the endpoint's own address, which has the keys."""
        return self.workspace.endpoint("control").rstrip("/")

    def iam_changed(self, operation: str = "", user_name: str | None = None) -> None:
        """Have the object store believe the keys that there are now, for what their users may do now.

        ``operation`` is what changed IAM, if it was one, and ``user_name`` the user that it was about.
        """
        if self.object_keys is not None and not any(noun in operation for noun in _NOT_OF_KEYS):
            # A user that has another name by now cannot be found by the old one.
            self.object_keys.changed(None if operation == "UpdateUser" else user_name)

    def settle(self, database: str, *tables: str) -> None:
        """Finish what was committed to the tables that were just read, before the reader is told of them.

        After the read, not before it: what a commit between the two made visible would not be there yet. Raises
        ServiceUnavailableException while the object store is down.
        """
        for table in tables if self.publishes is not None else ():
            self.publishes.settle(database, table)


_contexts: list[Context] = []


def use(context: Context) -> None:
    """Make ``context`` the one that operations work on from now on."""
    _contexts[:] = [context]


def current() -> Context:
    """The context in use; raises ServiceUnavailableException before there is one."""
    if not _contexts:
        raise ServiceUnavailableException("The control process is still starting: try again in a moment.")
    return _contexts[0]


@dataclass(frozen=True)
class _Request:
    """Who signed the request that is being served, and what it brings."""

    principal: Principal
    keys: ConditionKeys
    ends_at: float | None
    region: str | None


_request: ContextVar[_Request | None] = ContextVar("request", default=None)


@contextmanager
def acting_as(
    principal: Principal, keys: ConditionKeys | None = None, ends_at: float | None = None, region: str | None = None
) -> Iterator[None]:
    """Inside the block, :func:`caller` is ``principal``, :func:`request_keys` are ``keys``, :func:`session_end`
    is ``ends_at``, and :func:`request_region` is ``region``."""
    token = _request.set(_Request(principal, keys or {}, ends_at, region))
    try:
        yield
    finally:
        _request.reset(token)


def caller() -> Principal:
    """Who signed the request that is being served; the account's root user outside of one."""
    found = _request.get()
    return found.principal if found is not None else root(current().account_id)


def request_keys() -> ConditionKeys:
    """The condition keys, in lower case, that the request being served brings (its time, say); none outside of one."""
    found = _request.get()
    return found.keys if found is not None else {}


def session_end() -> float | None:
    """When the credentials that signed the request end (Unix seconds); None for long-term ones."""
    found = _request.get()
    return found.ends_at if found is not None else None


def request_region() -> str:
    """The region that the request being served was signed for; the workspace's own outside of one."""
    found = _request.get()
    return (found.region if found is not None else None) or current().region


def own_catalog(catalog_id: str | None) -> Context:
    """The context, when ``catalog_id`` is left out or names this account's catalog; EntityNotFoundException else."""
    context = current()
    if catalog_id is not None and catalog_id != context.account_id:
        raise EntityNotFoundException(f"Catalog {catalog_id} not found: this workspace's is {context.account_id}.")
    return context
