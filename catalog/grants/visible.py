"""The part of a table that somebody may read, as conditions in Spark SQL: for the engines that are to show no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot

from lakelet.catalog.grants.effective import Access


@dataclass(frozen=True)
class Visible:
    """``where`` is the condition on which a row is shown at all (None: always); ``columns`` are those that are shown
    (lower case, in the table's order), each with the condition on which its cell is, being NULL else (None: always).

    AWS Lake Formation Developer Guide, "Data filtering and cell-level security".
    """

    where: str | None
    columns: Mapping[str, str | None]
    of_columns: tuple[str, ...] = ()  # all that the table has

    @classmethod
    def of(cls, access: Access, of_columns: tuple[str, ...]) -> Visible:
        """What an access shows of a table with these columns."""
        where = access.row_filter
        conditions = {name: access.visible([name]) for name in access.columns}
        # Where every shown row shows the cell, nothing need be asked again.
        columns = {name: None if one == where else _spark(one) for name, one in conditions.items()}
        return cls(_spark(where), columns, of_columns)

    @property
    def whole(self) -> bool:
        """Whether that is all of the table."""
        return self.where is None and tuple(self.columns) == self.of_columns and not any(self.columns.values())

    def to_json(self) -> dict[str, Any]:
        """For who reads the table's files in another process."""
        return {"where": self.where, "columns": dict(self.columns), "of": list(self.of_columns)}

    def query(self, table: str) -> str:
        """The SELECT of it from a table, whose name is Spark SQL already."""
        shown = [
            _name(name) if condition is None else f"CASE WHEN {condition} THEN {_name(name)} END AS {_name(name)}"
            for name, condition in self.columns.items()
        ]
        where = f" WHERE {self.where}" if self.where else ""
        return f"SELECT {', '.join(shown)} FROM {table}{where}"  # noqa: S608 - of the catalog's and the parser's names


def _spark(condition: str | None) -> str | None:
    """A row filter in its canonical form (:func:`lakelet.catalog.grants.filters.check_filter`) as Spark writes it."""
    return None if condition is None else sqlglot.transpile(condition, read="trino", write="spark")[0]


def _name(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"
