"""Resource policies, encryption settings and security configurations, inside the caller's transaction.

They are records: nothing here encrypts. The data lies in the workspace's own folder and bucket, for its owner to
encrypt; the members are kept so that programs which set them find them again.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import Definition
from lakelet.workspace.errors import (
    AlreadyExistsException,
    ConditionCheckFailureException,
    EntityNotFoundException,
)
from lakelet.workspace.state import metadata

policies = sa.Table(
    "catalog_policies",
    metadata,
    sa.Column("resource", sa.Text, primary_key=True),  # the catalog's ARN
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

settings = sa.Table(
    "catalog_settings",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
)

configurations = sa.Table(
    "security_configurations",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

ENCRYPTION = "encryption"


@dataclass(frozen=True)
class Policy:
    """One resource policy, as its text; times are Unix seconds."""

    resource: str
    text: str
    created_at: float
    updated_at: float

    @property
    def hash(self) -> str:
        """What a condition compares: it changes with the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class SecurityConfiguration:
    """One security configuration: Glue's EncryptionConfiguration under a name."""

    name: str
    body: Definition
    created_at: float


class PolicyStore:
    """The policies and settings of the catalog."""

    def policy(self, connection: sa.Connection, resource: str) -> Policy:
        """The policy on a resource; raises EntityNotFoundException."""
        found = self._policy(connection, resource)
        if found is None:
            raise EntityNotFoundException(f"{resource} has no resource policy.")
        return found

    def policies(self, connection: sa.Connection) -> list[Policy]:
        """All policies, by resource."""
        return [_policy(row) for row in connection.execute(sa.select(policies).order_by(policies.c.resource))]

    def put_policy(
        self, connection: sa.Connection, resource: str, text: str, expected_hash: str | None, must_exist: bool | None
    ) -> Policy:
        """Set the policy; raises ConditionCheckFailureException when the one that is there is not what is expected."""
        old = self._policy(connection, resource)
        if must_exist is not None and must_exist != (old is not None):
            raise ConditionCheckFailureException(
                f"{resource} has {'a' if old else 'no'} resource policy, against PolicyExistsCondition."
            )
        _check_hash(old, resource, expected_hash)
        now = time.time()
        if old is None:
            row = {"resource": resource, "policy": text, "created_at": now, "updated_at": now}
            connection.execute(sa.insert(policies), row)
        else:
            changes = {"policy": text, "updated_at": now}
            connection.execute(sa.update(policies).where(policies.c.resource == resource).values(changes))
        return self.policy(connection, resource)

    def delete_policy(self, connection: sa.Connection, resource: str, expected_hash: str | None) -> None:
        """Remove the policy; raises EntityNotFoundException, ConditionCheckFailureException."""
        _check_hash(self.policy(connection, resource), resource, expected_hash)
        connection.execute(sa.delete(policies).where(policies.c.resource == resource))

    def setting(self, connection: sa.Connection, name: str) -> dict[str, Any]:
        """A setting that was put, or an empty one."""
        body: dict[str, Any] | None = connection.scalar(sa.select(settings.c.body).where(settings.c.name == name))
        return body or {}

    def put_setting(self, connection: sa.Connection, name: str, body: Definition) -> None:
        """Replace a setting."""
        connection.execute(sa.delete(settings).where(settings.c.name == name))
        connection.execute(sa.insert(settings), {"name": name, "body": body})

    def configuration(self, connection: sa.Connection, name: str) -> SecurityConfiguration:
        """A security configuration; raises EntityNotFoundException."""
        row = connection.execute(sa.select(configurations).where(configurations.c.name == name)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Security configuration {name} not found.")
        return SecurityConfiguration(row.name, row.body, row.created_at)

    def configurations(self, connection: sa.Connection, after: str, limit: int) -> list[SecurityConfiguration]:
        """The security configurations whose name follows ``after``, in order of name."""
        query = sa.select(configurations).where(configurations.c.name > after).order_by(configurations.c.name)
        rows = connection.execute(query.limit(limit))
        return [SecurityConfiguration(row.name, row.body, row.created_at) for row in rows]

    def create_configuration(self, connection: sa.Connection, name: str, body: Definition) -> SecurityConfiguration:
        """Add a security configuration; raises AlreadyExistsException."""
        if connection.scalar(sa.select(configurations.c.name).where(configurations.c.name == name)) is not None:
            raise AlreadyExistsException(f"Security configuration {name} already exists.")
        connection.execute(sa.insert(configurations), {"name": name, "body": body, "created_at": time.time()})
        return self.configuration(connection, name)

    def delete_configuration(self, connection: sa.Connection, name: str) -> None:
        """Remove a security configuration; raises EntityNotFoundException."""
        self.configuration(connection, name)
        connection.execute(sa.delete(configurations).where(configurations.c.name == name))

    def _policy(self, connection: sa.Connection, resource: str) -> Policy | None:
        row = connection.execute(sa.select(policies).where(policies.c.resource == resource)).one_or_none()
        return None if row is None else _policy(row)


def _check_hash(found: Policy | None, resource: str, expected: str | None) -> None:
    if expected is not None and (found is None or found.hash != expected):
        raise ConditionCheckFailureException(f"The policy of {resource} is not the one of PolicyHashCondition.")


def _policy(row: sa.Row[Any]) -> Policy:
    return Policy(row.resource, row.policy, row.created_at, row.updated_at)
