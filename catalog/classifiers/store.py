"""Classifiers in the state database, inside the caller's transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.classifiers.model import Classifier
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException
from lakelet.workspace.state import metadata

classifiers = sa.Table(
    "classifiers",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)


class ClassifierStore:
    """The classifiers of the catalog; their definitions have been checked by the caller."""

    def get(self, connection: sa.Connection, name: str) -> Classifier:
        """One classifier; raises EntityNotFoundException."""
        row = connection.execute(sa.select(classifiers).where(classifiers.c.name == name)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Classifier {name} not found.")
        return _classifier(row)

    def list(self, connection: sa.Connection, after: str, limit: int) -> list[Classifier]:
        """The classifiers whose name follows ``after``, by name."""
        query = sa.select(classifiers).where(classifiers.c.name > after).order_by(classifiers.c.name).limit(limit)
        return [_classifier(row) for row in connection.execute(query)]

    def create(self, connection: sa.Connection, kind: str, definition: Mapping[str, Any]) -> None:
        """Add a classifier; raises AlreadyExistsException."""
        name = definition["Name"]
        if connection.scalar(sa.select(classifiers.c.name).where(classifiers.c.name == name)) is not None:
            raise AlreadyExistsException(f"Classifier {name} already exists.")
        now = time.time()
        row = {"name": name, "kind": kind, "definition": dict(definition), "version": 1}
        connection.execute(sa.insert(classifiers), row | {"created_at": now, "updated_at": now})

    def update(self, connection: sa.Connection, old: Classifier, definition: Mapping[str, Any]) -> None:
        """Replace a classifier's definition, and count its version up."""
        changes = {"definition": dict(definition), "version": old.version + 1, "updated_at": time.time()}
        connection.execute(sa.update(classifiers).where(classifiers.c.name == old.name).values(changes))

    def delete(self, connection: sa.Connection, name: str) -> None:
        """Remove a classifier; raises EntityNotFoundException."""
        self.get(connection, name)
        connection.execute(sa.delete(classifiers).where(classifiers.c.name == name))


def _classifier(row: sa.Row[Any]) -> Classifier:
    return Classifier(row.name, row.kind, row.definition, row.version, row.created_at, row.updated_at)
