"""IAM's entities, their policies, access keys and sessions, as tables of the state database.

Only the control process opens it. Secrets of keys must be had back to check signatures: they lie in the state
database, in its private folder, and nothing prints them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from lakelet.identity.errors import EntityAlreadyExists, LimitExceeded, NoSuchEntity
from lakelet.identity.principals import Credential, Principal
from lakelet.workspace.state import metadata

Kind = Literal["user", "group", "role", "policy"]
PREFIXES: dict[Kind, str] = {"user": "AIDA", "group": "AGPA", "role": "AROA", "policy": "ANPA"}
QUOTAS: dict[Kind, int] = {"user": 5000, "group": 300, "role": 1000, "policy": 1500}
MAX_ATTACHED = 10
MAX_KEYS = 2
LAST_USED_SECONDS = 60  # a key's last use is written this often at most
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_entities = sa.Table(
    "iam_entities",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", sa.String(128), nullable=False),
    sa.Column("path", sa.String(512), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("kind", "name_key"),
)
_inline = sa.Table(
    "iam_inline_policies",
    metadata,
    sa.Column("entity_id", sa.String(32), sa.ForeignKey("iam_entities.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)
_attachments = sa.Table(
    "iam_attachments",
    metadata,
    sa.Column("entity_id", sa.String(32), sa.ForeignKey("iam_entities.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("policy_arn", sa.String(2048), primary_key=True),
)
_memberships = sa.Table(
    "iam_memberships",
    metadata,
    sa.Column("user_id", sa.String(32), sa.ForeignKey("iam_entities.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("group_id", sa.String(32), sa.ForeignKey("iam_entities.id", ondelete="CASCADE"), primary_key=True),
)
_versions = sa.Table(
    "iam_policy_versions",
    metadata,
    sa.Column("policy_id", sa.String(32), sa.ForeignKey("iam_entities.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)
_keys = sa.Table(
    "iam_access_keys",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("user_id", sa.String(32), sa.ForeignKey("iam_entities.id", ondelete="CASCADE"), nullable=False),
    sa.Column("secret", sa.String(128), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("last_used_at", sa.Float),
    sa.Column("last_service", sa.String(64)),
    sa.Column("last_region", sa.String(64)),
)
_sessions = sa.Table(
    "sts_sessions",
    metadata,
    sa.Column("access_key_id", sa.String(128), primary_key=True),
    sa.Column("secret", sa.String(128), nullable=False),
    sa.Column("token_digest", sa.String(64), nullable=False),
    sa.Column("principal", sa.JSON, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Entity:
    """A user, group, role or customer managed policy; ``body`` holds what only its kind has."""

    id: str
    kind: Kind
    name: str
    path: str
    body: dict[str, Any]
    created_at: float

    def arn(self, account: str) -> str:
        """Its ARN in an account."""
        return f"arn:aws:iam::{account}:{self.kind}{self.path}{self.name}"


@dataclass(frozen=True)
class StoredKey:
    """A user's access key, without its secret."""

    id: str
    user_id: str
    status: str
    created_at: float
    last_used_at: float | None
    last_service: str | None
    last_region: str | None


def new_id(prefix: str) -> str:
    """An id in IAM's form: the prefix and 17 letters and digits."""
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(17))


# -- entities ---------------------------------------------------------------------------------------------------------


def create(connection: sa.Connection, kind: Kind, name: str, path: str, body: dict[str, Any]) -> Entity:
    """Add an entity; EntityAlreadyExists (names differ by more than case), LimitExceeded."""
    if find(connection, kind, name) is not None:
        raise _already_exists(kind, name)
    if count(connection, kind) >= QUOTAS[kind]:
        raise LimitExceeded(f"Cannot exceed quota for {kind.capitalize()}sPerAccount: {QUOTAS[kind]}.")
    entity = Entity(new_id(PREFIXES[kind]), kind, name, path, body, time.time())
    connection.execute(sa.insert(_entities).values(**asdict(entity), name_key=name.lower()))
    return entity


def _already_exists(kind: Kind, name: str) -> EntityAlreadyExists:
    if kind == "policy":
        return EntityAlreadyExists(f"A policy called {name} already exists. Duplicate names are not allowed.")
    return EntityAlreadyExists(f"{kind.capitalize()} with name {name} already exists.")


def find(connection: sa.Connection, kind: Kind, name: str) -> Entity | None:
    """The entity of that name, in whatever case; None when there is none."""
    where = (_entities.c.kind == kind) & (_entities.c.name_key == name.lower())
    row = connection.execute(sa.select(_entities).where(where)).first()
    return _entity(row) if row else None


def get(connection: sa.Connection, kind: Kind, name: str) -> Entity:
    """As :func:`find`; NoSuchEntity when there is none."""
    found = find(connection, kind, name)
    if found is None:
        raise NoSuchEntity(f"The {kind} with name {name} cannot be found.")
    return found


def by_id(connection: sa.Connection, entity_id: str) -> Entity | None:
    """The entity with that id."""
    row = connection.execute(sa.select(_entities).where(_entities.c.id == entity_id)).first()
    return _entity(row) if row else None


def listed(connection: sa.Connection, kind: Kind, path_prefix: str = "/") -> list[Entity]:
    """All of a kind under a path, in order of name."""
    query = sa.select(_entities).where(_entities.c.kind == kind).order_by(_entities.c.name_key)
    return [entity for row in connection.execute(query) if (entity := _entity(row)).path.startswith(path_prefix)]


def count(connection: sa.Connection, kind: Kind) -> int:
    """How many of a kind there are."""
    return connection.execute(sa.select(sa.func.count()).where(_entities.c.kind == kind)).scalar_one()


def save(connection: sa.Connection, entity: Entity) -> None:
    """Write an entity's name, path and body again; EntityAlreadyExists when another has its name."""
    other = find(connection, entity.kind, entity.name)
    if other is not None and other.id != entity.id:
        raise _already_exists(entity.kind, entity.name)
    values = {"name": entity.name, "name_key": entity.name.lower(), "path": entity.path, "body": entity.body}
    connection.execute(sa.update(_entities).where(_entities.c.id == entity.id).values(values))


def change(connection: sa.Connection, entity: Entity, **body: Any) -> Entity:
    """Save an entity with these members of its body changed; None takes one away."""
    merged = {name: value for name, value in (entity.body | body).items() if value is not None}
    changed = replace(entity, body=merged)
    save(connection, changed)
    return changed


def delete(connection: sa.Connection, entity: Entity) -> None:
    """Take an entity away, with what belongs to it."""
    connection.execute(sa.delete(_entities).where(_entities.c.id == entity.id))


# -- policies of an entity --------------------------------------------------------------------------------------------


def inline_policies(connection: sa.Connection, entity_id: str) -> dict[str, str]:
    """An entity's inline policies, by name in order."""
    query = sa.select(_inline.c.name, _inline.c.document).where(_inline.c.entity_id == entity_id)
    return {row.name: row.document for row in connection.execute(query.order_by(_inline.c.name))}


def put_inline(connection: sa.Connection, entity_id: str, name: str, document: str) -> None:
    """Set an inline policy."""
    delete_inline(connection, entity_id, name)
    connection.execute(sa.insert(_inline).values(entity_id=entity_id, name=name, document=document))


def delete_inline(connection: sa.Connection, entity_id: str, name: str) -> bool:
    """Take an inline policy away; whether it was there."""
    where = (_inline.c.entity_id == entity_id) & (_inline.c.name == name)
    return connection.execute(sa.delete(_inline).where(where)).rowcount > 0


def attached(connection: sa.Connection, entity_id: str) -> list[str]:
    """The ARNs of the managed policies attached to an entity, in order."""
    query = sa.select(_attachments.c.policy_arn).where(_attachments.c.entity_id == entity_id)
    return sorted(connection.execute(query).scalars())


def attach(connection: sa.Connection, entity: Entity, policy_arn: str) -> None:
    """Attach a managed policy, unless it is attached already; LimitExceeded."""
    have = attached(connection, entity.id)
    if policy_arn in have:
        return
    if len(have) >= MAX_ATTACHED:
        kind = entity.kind.capitalize()
        raise LimitExceeded(f"Cannot exceed quota for PoliciesPer{kind}: {MAX_ATTACHED}.")
    connection.execute(sa.insert(_attachments).values(entity_id=entity.id, policy_arn=policy_arn))


def detach(connection: sa.Connection, entity_id: str, policy_arn: str) -> bool:
    """Detach a managed policy; whether it was attached."""
    where = (_attachments.c.entity_id == entity_id) & (_attachments.c.policy_arn == policy_arn)
    return connection.execute(sa.delete(_attachments).where(where)).rowcount > 0


def attachments(connection: sa.Connection, policy_arn: str) -> list[Entity]:
    """The entities that a managed policy is attached to, in order of name."""
    joined = sa.select(_entities).join(_attachments, _attachments.c.entity_id == _entities.c.id)
    query = joined.where(_attachments.c.policy_arn == policy_arn).order_by(_entities.c.name_key)
    return [_entity(row) for row in connection.execute(query)]


def attachment_counts(connection: sa.Connection) -> dict[str, int]:
    """To how many entities each managed policy is attached, by ARN."""
    query = sa.select(_attachments.c.policy_arn, sa.func.count()).group_by(_attachments.c.policy_arn)
    return {row[0]: row[1] for row in connection.execute(query)}


def boundary_counts(connection: sa.Connection) -> dict[str, int]:
    """How many users and roles each managed policy bounds, by ARN."""
    found: dict[str, int] = {}
    for entity in (*listed(connection, "user"), *listed(connection, "role")):
        if (arn := entity.body.get("boundary")) is not None:
            found[arn] = found.get(arn, 0) + 1
    return found


def versions(connection: sa.Connection, policy_id: str) -> list[tuple[int, str, float]]:
    """A managed policy's versions, the newest first: number, document, when it was made (Unix seconds)."""
    query = sa.select(_versions.c.number, _versions.c.document, _versions.c.created_at)
    rows = connection.execute(query.where(_versions.c.policy_id == policy_id).order_by(_versions.c.number.desc()))
    return [(row.number, row.document, row.created_at) for row in rows]


def add_version(connection: sa.Connection, policy_id: str, number: int, document: str) -> float:
    """Add a version of a managed policy; returns when."""
    now = time.time()
    row = {"policy_id": policy_id, "number": number, "document": document, "created_at": now}
    connection.execute(sa.insert(_versions).values(row))
    return now


def delete_version(connection: sa.Connection, policy_id: str, number: int) -> None:
    """Take a version of a managed policy away."""
    connection.execute(
        sa.delete(_versions).where((_versions.c.policy_id == policy_id) & (_versions.c.number == number))
    )


# -- groups -----------------------------------------------------------------------------------------------------------


def groups_of(connection: sa.Connection, user_id: str) -> list[Entity]:
    """The groups that a user is in, in order of name."""
    joined = sa.select(_entities).join(_memberships, _memberships.c.group_id == _entities.c.id)
    query = joined.where(_memberships.c.user_id == user_id).order_by(_entities.c.name_key)
    return [_entity(row) for row in connection.execute(query)]


def members_of(connection: sa.Connection, group_id: str) -> list[Entity]:
    """The users in a group, in order of name."""
    joined = sa.select(_entities).join(_memberships, _memberships.c.user_id == _entities.c.id)
    query = joined.where(_memberships.c.group_id == group_id).order_by(_entities.c.name_key)
    return [_entity(row) for row in connection.execute(query)]


def join(connection: sa.Connection, user_id: str, group_id: str) -> None:
    """Add a user to a group, unless it is in it."""
    leave(connection, user_id, group_id)
    connection.execute(sa.insert(_memberships).values(user_id=user_id, group_id=group_id))


def leave(connection: sa.Connection, user_id: str, group_id: str) -> bool:
    """Remove a user from a group; whether it was in it."""
    where = (_memberships.c.user_id == user_id) & (_memberships.c.group_id == group_id)
    return connection.execute(sa.delete(_memberships).where(where)).rowcount > 0


# -- keys and sessions ------------------------------------------------------------------------------------------------


def create_key(connection: sa.Connection, user_id: str) -> tuple[StoredKey, str]:
    """A new access key of a user, and its secret; LimitExceeded."""
    if len(keys_of(connection, user_id)) >= MAX_KEYS:
        raise LimitExceeded(f"Cannot exceed quota for AccessKeysPerUser: {MAX_KEYS}.")
    key = StoredKey(new_id("AKIA")[:20], user_id, "Active", time.time(), None, None, None)
    secret = secrets.token_urlsafe(30)
    connection.execute(sa.insert(_keys).values(**asdict(key), secret=secret))
    return key, secret


def keys_of(connection: sa.Connection, user_id: str) -> list[StoredKey]:
    """A user's access keys, the oldest first."""
    query = sa.select(_keys).where(_keys.c.user_id == user_id).order_by(_keys.c.created_at, _keys.c.id)
    return [_key(row) for row in connection.execute(query)]


def active_keys(connection: sa.Connection) -> list[tuple[str, str, str]]:
    """The keys of all users that sign: id, the user's id, secret."""
    query = sa.select(_keys.c.id, _keys.c.user_id, _keys.c.secret).where(_keys.c.status == "Active")
    return [(row.id, row.user_id, row.secret) for row in connection.execute(query.order_by(_keys.c.id))]


def find_key(connection: sa.Connection, key_id: str) -> tuple[StoredKey, str] | None:
    """A user's access key and its secret."""
    row = connection.execute(sa.select(_keys).where(_keys.c.id == key_id)).first()
    return (_key(row), row.secret) if row else None


def set_key_status(connection: sa.Connection, key_id: str, status: str) -> None:
    """Make a key Active or Inactive."""
    connection.execute(sa.update(_keys).where(_keys.c.id == key_id).values(status=status))


def delete_key(connection: sa.Connection, key_id: str) -> None:
    """Take a key away."""
    connection.execute(sa.delete(_keys).where(_keys.c.id == key_id))


def key_used(connection: sa.Connection, key_id: str, service: str, region: str, at: float) -> None:
    """Remember a key's last use."""
    values = {"last_used_at": at, "last_service": service, "last_region": region}
    connection.execute(sa.update(_keys).where(_keys.c.id == key_id).values(values))


def add_session(connection: sa.Connection, credential: Credential, now: float) -> None:
    """Keep temporary credentials until they expire; those that did are dropped."""
    connection.execute(sa.delete(_sessions).where(_sessions.c.expires_at < now - 86_400))
    row = {
        "access_key_id": credential.access_key_id,
        "secret": credential.secret,
        "token_digest": credential.token_digest,
        "principal": asdict(credential.principal),
        "expires_at": credential.expires_at,
    }
    connection.execute(sa.insert(_sessions).values(row))


def find_session(connection: sa.Connection, access_key_id: str) -> Credential | None:
    """Temporary credentials that were handed out, also such as have expired within a day."""
    row = connection.execute(sa.select(_sessions).where(_sessions.c.access_key_id == access_key_id)).first()
    if row is None:
        return None
    principal = Principal(**{name: _frozen(value) for name, value in row.principal.items()})
    return Credential(row.access_key_id, row.secret, principal, row.token_digest, row.expires_at)


def _frozen(value: Any) -> Any:
    """A value as it was before it became JSON, which has no tuples."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _entity(row: sa.Row[Any]) -> Entity:
    return Entity(row.id, row.kind, row.name, row.path, row.body, row.created_at)


def _key(row: sa.Row[Any]) -> StoredKey:
    used: Sequence[Any] = (row.last_used_at, row.last_service, row.last_region)
    return StoredKey(row.id, row.user_id, row.status, row.created_at, *used)
