"""Catalogs beside the account's own, in the state database, inside the caller's transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import Definition, fold, storable
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException
from lakelet.workspace.state import metadata

catalogs = sa.Table(
    "catalog_catalogs",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Catalog:
    """One catalog: Glue's CatalogInput; times are Unix seconds."""

    name: str
    definition: Definition
    created_at: float
    updated_at: float


class CatalogsStore:
    """The catalogs, by name in lower case; what is in them is its caller's matter."""

    def get(self, connection: sa.Connection, name: str) -> Catalog:
        """One catalog; raises EntityNotFoundException."""
        row = connection.execute(sa.select(catalogs).where(catalogs.c.name == fold(name))).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Catalog {fold(name)} not found.")
        return _catalog(row)

    def all(self, connection: sa.Connection) -> list[Catalog]:
        """The catalogs by name."""
        return [_catalog(row) for row in connection.execute(sa.select(catalogs).order_by(catalogs.c.name))]

    def create(self, connection: sa.Connection, name: str, definition: Definition) -> None:
        """Add a catalog; raises AlreadyExistsException."""
        if connection.execute(sa.select(catalogs.c.name).where(catalogs.c.name == fold(name))).first():
            raise AlreadyExistsException(f"Catalog {fold(name)} already exists.")
        now = time.time()
        row = {"name": fold(name), "definition": storable(definition), "created_at": now, "updated_at": now}
        connection.execute(sa.insert(catalogs), row)

    def update(self, connection: sa.Connection, name: str, definition: Definition) -> None:
        """Replace a catalog's definition; raises EntityNotFoundException."""
        self.get(connection, name)
        values = {"definition": storable(definition), "updated_at": time.time()}
        connection.execute(sa.update(catalogs).where(catalogs.c.name == fold(name)).values(values))

    def delete(self, connection: sa.Connection, name: str) -> None:
        """Forget a catalog; raises EntityNotFoundException."""
        self.get(connection, name)
        connection.execute(sa.delete(catalogs).where(catalogs.c.name == fold(name)))


def _catalog(row: sa.Row[Any]) -> Catalog:
    return Catalog(row.name, row.definition, row.created_at, row.updated_at)
