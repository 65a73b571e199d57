"""Connections, and types of them that were registered, in the state database, inside the caller's transaction.

Passwords are there in plain text, as the database's folder is its owner's alone; nothing prints them.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.connections.model import Connection
from lakelet.catalog.model import Definition
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import metadata

connections = sa.Table(
    "connections",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("validated_at", sa.Float),
)


types = sa.Table(
    "connection_types",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),  # RegisterConnectionType's members, but its tags
)


class ConnectionStore:
    """The connections of the catalog."""

    def get(self, connection: sa.Connection, name: str) -> Connection:
        """One connection; raises EntityNotFoundException."""
        row = connection.execute(sa.select(connections).where(connections.c.name == name)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Connection {name} not found.")
        return _connection(row)

    def all(self, connection: sa.Connection, after: str = "") -> list[Connection]:
        """The connections whose name follows ``after``, by name."""
        query = sa.select(connections).where(connections.c.name > after).order_by(connections.c.name)
        return [_connection(row) for row in connection.execute(query)]

    def create(self, connection: sa.Connection, definition: Definition) -> None:
        """Add a checked definition; raises AlreadyExistsException."""
        name = definition["Name"]
        if connection.scalar(sa.select(connections.c.name).where(connections.c.name == name)) is not None:
            raise AlreadyExistsException(f"Connection {name} already exists.")
        now = time.time()
        row = {"name": name, "definition": dict(definition), "created_at": now, "updated_at": now}
        connection.execute(sa.insert(connections), row)

    def update(self, connection: sa.Connection, name: str, definition: Definition) -> None:
        """Replace a connection; raises EntityNotFoundException, InvalidInputException when it gets another name."""
        self.get(connection, name)
        if definition["Name"] != name:
            raise InvalidInputException(f"Connection {name} cannot be renamed: its ConnectionInput says {name} too.")
        changes = {"definition": dict(definition), "updated_at": time.time(), "validated_at": None}
        connection.execute(sa.update(connections).where(connections.c.name == name).values(changes))

    def validated(self, connection: sa.Connection, tested: Connection) -> None:
        """Note that a connection, as it was when it was read, has been tried and works."""
        wanted = (connections.c.name == tested.name, connections.c.updated_at == tested.updated_at)
        connection.execute(sa.update(connections).where(*wanted).values(validated_at=time.time()))

    def delete(self, connection: sa.Connection, name: str) -> None:
        """Remove a connection; raises EntityNotFoundException."""
        self.get(connection, name)
        connection.execute(sa.delete(connections).where(connections.c.name == name))


class ConnectionTypeStore:
    """The types of connection that were registered."""

    def get(self, connection: sa.Connection, name: str) -> Definition:
        """One type; raises EntityNotFoundException."""
        body: Definition | None = connection.scalar(sa.select(types.c.body).where(types.c.name == name))
        if body is None:
            raise EntityNotFoundException(f"Connection type {name} not found: it is none that is served or registered.")
        return body

    def all(self, connection: sa.Connection) -> list[Definition]:
        """The types by name."""
        return list(connection.scalars(sa.select(types.c.body).order_by(types.c.name)))

    def register(self, connection: sa.Connection, body: Definition) -> None:
        """Add a type; raises InvalidInputException for a name that is taken."""
        name = body["ConnectionType"]
        if connection.scalar(sa.select(types.c.name).where(types.c.name == name)) is not None:
            raise InvalidInputException(f"Connection type {name} is registered already: delete it first.")
        connection.execute(sa.insert(types), {"name": name, "body": dict(body)})

    def delete(self, connection: sa.Connection, name: str) -> None:
        """Forget a type; raises EntityNotFoundException."""
        self.get(connection, name)
        connection.execute(sa.delete(types).where(types.c.name == name))


def _connection(row: sa.Row[Any]) -> Connection:
    return Connection(row.name, row.definition, row.created_at, row.updated_at, row.validated_at)
