"""Identity providers as rows of the state database: OpenID Connect's, SAML's, and the account itself as one."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from lakelet.identity.errors import EntityAlreadyExists, LimitExceeded, NoSuchEntity
from lakelet.identity.store import new_id
from lakelet.workspace.state import metadata

Kind = Literal["oidc-provider", "saml-provider", "outbound"]
QUOTAS: dict[Kind, int] = {"oidc-provider": 100, "saml-provider": 100, "outbound": 1}

_providers = sa.Table(
    "iam_providers",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("kind", "name"),
)


@dataclass(frozen=True)
class Provider:
    """A provider. ``name`` is what its ARN ends in: of OpenID Connect, its URL without the scheme."""

    id: str
    kind: Kind
    name: str
    body: dict[str, Any]
    created_at: float

    def arn(self, account: str) -> str:
        """Its ARN in an account."""
        return f"arn:aws:iam::{account}:{self.kind}/{self.name}"


def create(connection: sa.Connection, kind: Kind, name: str, body: dict[str, Any]) -> Provider:
    """Add a provider; EntityAlreadyExists, LimitExceeded."""
    if find(connection, kind, name) is not None:
        raise EntityAlreadyExists(f"Provider with name {name} already exists.")
    if len(listed(connection, kind)) >= QUOTAS[kind]:
        raise LimitExceeded(f"Cannot exceed quota for {kind}s of an account: {QUOTAS[kind]}.")
    provider = Provider(new_id("APRV"), kind, name, body, time.time())
    connection.execute(sa.insert(_providers).values(**asdict(provider)))
    return provider


def find(connection: sa.Connection, kind: Kind, name: str) -> Provider | None:
    """The provider of that name; None when there is none."""
    where = (_providers.c.kind == kind) & (_providers.c.name == name)
    row = connection.execute(sa.select(_providers).where(where)).first()
    return Provider(*row) if row else None


def get(connection: sa.Connection, kind: Kind, arn: str, account: str) -> Provider:
    """The provider with that ARN; NoSuchEntity."""
    found = find(connection, kind, arn.partition(f":{kind}/")[2])
    if found is None or found.arn(account) != arn:
        what = "OpenIDConnect Provider" if kind == "oidc-provider" else "SAML Provider"
        raise NoSuchEntity(f"{what} not found for arn {arn}")
    return found


def listed(connection: sa.Connection, kind: Kind) -> list[Provider]:
    """All of a kind, in order of name."""
    query = sa.select(_providers).where(_providers.c.kind == kind).order_by(_providers.c.name)
    return [Provider(*row) for row in connection.execute(query)]


def change(connection: sa.Connection, provider: Provider, **body: Any) -> Provider:
    """Save a provider with these members of its body changed."""
    changed = replace(provider, body=provider.body | body)
    connection.execute(sa.update(_providers).where(_providers.c.id == provider.id).values(body=changed.body))
    return changed


def delete(connection: sa.Connection, provider: Provider) -> None:
    """Take a provider away."""
    connection.execute(sa.delete(_providers).where(_providers.c.id == provider.id))
