"""User-defined functions in the state database, inside the caller's transaction.

The catalog records them, for engines that load functions by class name; it does not run them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import Definition, fold, storable
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import metadata

functions = sa.Table(
    "catalog_functions",
    metadata,
    sa.Column(
        "database_name", sa.String(255), sa.ForeignKey("catalog_databases.name", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Function:
    """One function: Glue's UserDefinedFunctionInput; ``created_at`` is in Unix seconds."""

    database: str
    name: str
    definition: Definition
    created_at: float


class FunctionStore:
    """The functions of the catalog; the database of a new one must exist."""

    def get(self, connection: sa.Connection, database: str, name: str) -> Function:
        """One function; raises EntityNotFoundException."""
        wanted = (functions.c.database_name == fold(database), functions.c.name == fold(name))
        row = connection.execute(sa.select(functions).where(*wanted)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Function {fold(name)} not found in database {fold(database)}.")
        return _function(row)

    def all(self, connection: sa.Connection, database: str | None) -> list[Function]:
        """The functions of one database, or of all, by database and name."""
        query = sa.select(functions).order_by(functions.c.database_name, functions.c.name)
        if database is not None:
            query = query.where(functions.c.database_name == fold(database))
        return [_function(row) for row in connection.execute(query)]

    def create(self, connection: sa.Connection, database: str, function_input: Definition) -> None:
        """Add a function; raises AlreadyExistsException, InvalidInputException for one without a name."""
        name = fold(str(function_input.get("FunctionName") or ""))
        if not name.strip():
            raise InvalidInputException("A function needs a FunctionName.")
        self._free(connection, database, name)
        row = {
            "database_name": fold(database), "name": name, "definition": _kept(function_input),
            "created_at": time.time(),
        }  # fmt: skip
        connection.execute(sa.insert(functions), row)

    def update(self, connection: sa.Connection, database: str, name: str, function_input: Definition) -> None:
        """Replace a function, which may get another name; raises EntityNotFoundException, AlreadyExistsException."""
        old = self.get(connection, database, name)
        renamed = fold(str(function_input.get("FunctionName") or old.name))
        if renamed != old.name:
            self._free(connection, database, renamed)
        wanted = (functions.c.database_name == old.database, functions.c.name == old.name)
        changes = {"name": renamed, "definition": _kept(function_input)}
        connection.execute(sa.update(functions).where(*wanted).values(changes))

    def delete(self, connection: sa.Connection, database: str, name: str) -> None:
        """Forget a function; raises EntityNotFoundException."""
        old = self.get(connection, database, name)
        wanted = (functions.c.database_name == old.database, functions.c.name == old.name)
        connection.execute(sa.delete(functions).where(*wanted))

    def _free(self, connection: sa.Connection, database: str, name: str) -> None:
        wanted = (functions.c.database_name == fold(database), functions.c.name == name)
        if connection.execute(sa.select(functions.c.name).where(*wanted)).first():
            raise AlreadyExistsException(f"Function {name} already exists in database {fold(database)}.")


def _kept(function_input: Definition) -> dict[str, Any]:
    uris = [storable(uri) for uri in function_input.get("ResourceUris", ())]
    kept = storable({**function_input, "ResourceUris": uris})
    return {member: value for member, value in kept.items() if member != "FunctionName"}


def _function(row: sa.Row[Any]) -> Function:
    return Function(row.database_name, row.name, row.definition, row.created_at)
