"""The names of databases in a catalog of its own: the catalog's and theirs, with a character between that no name has.

So everything that is kept by the name of a database (tables, functions, sequences, publishes) is apart from what is in
the account's own catalog, and whoever lists that does not see it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import fold
from lakelet.workspace.errors import InvalidInputException

_BETWEEN = "\x1f"  # which no request's name may have: less than a space
_MOST = 255  # characters that are kept of a database's name


def inside(catalog: str, database: str) -> str:
    """The name under which a catalog's database is kept; raises InvalidInputException when that is too long."""
    name = f"{prefix_of(catalog)}{fold(database)}"
    if len(name) > _MOST:
        raise InvalidInputException(f"The names {catalog} and {database} together are longer than {_MOST - 1}.")
    return name


def prefix_of(catalog: str) -> str:
    """What the names of a catalog's databases begin with."""
    return fold(catalog) + _BETWEEN


def catalog_of(database: str) -> str | None:
    """The catalog of a database, by the name under which it is kept; None for the account's own."""
    catalog, between, _ = database.partition(_BETWEEN)
    return catalog if between else None


def of_catalog(column: sa.ColumnElement[Any], catalog: str | None) -> sa.ColumnElement[bool]:
    """The condition that a database's name is of that catalog; None is the account's own."""
    if catalog is None:
        return column.not_like(f"%{_BETWEEN}%")
    return sa.and_(column > prefix_of(catalog), column < fold(catalog) + " ")
