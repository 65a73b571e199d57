"""Temporary views on Sail, each data frame with those that there were when it was made: Sail looks for the view by its
name at each action. A view that is made anew is another one of Sail's, and statements from then on are told of it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakelet.etl.sail import engine, listings
from lakelet.workspace.paths import Workspace

_STATEMENT = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*CREATE\s+(?P<replaced>OR\s+REPLACE\s+)?(?P<all>GLOBAL\s+)?TEMP(?:ORARY)?\s+VIEW"
    r"\s+(?P<name>\w+|`[^`]+`)(?:\s*\((?P<columns>[\w`,\s]+)\))?\s+AS\s+(?P<query>.*)",
    re.IGNORECASE | re.DOTALL,
)
_DROPPED = re.compile(r"\s*DROP\s+VIEW\s+(?:IF\s+EXISTS\s+)?(?P<name>\w+|`[^`]+`)\s*;?\s*", re.IGNORECASE)
_OWN = "_lakelet_view"
_current: dict[str, str] = {}  # by the name of a view, in lower case, what Sail's own is called
_taken: list[str] = []  # names that there have been
_by_statement: dict[str, MadeBySql] = {}  # by name, in lower case


@dataclass(frozen=True)
class MadeBySql:
    """A view that a statement has made: its query, how it is made once more, and how much had been published then."""

    query: str
    again: Callable[[], None]
    published: int


@dataclass(frozen=True)
class ViewStatement:
    """A statement that makes a temporary view."""

    said: re.Match[str]

    @property
    def name(self) -> str:
        """What the view is called."""
        return self.said["name"].strip("`")

    def make(self, sql: Callable[[str], Any]) -> None:
        """Make it; ``sql`` gives a query's data frame."""
        rows = self._rows(sql)
        scope = "Global" if self.said["all"] else ""
        getattr(rows, f"create{'OrReplace' if self.said['replaced'] else ''}{scope}TempView")(self.name)
        if not scope:
            self._keep(sql)

    def _rows(self, sql: Callable[[str], Any]) -> Any:
        rows = sql(self.said["query"])
        if not self.said["columns"]:
            return rows
        return rows.toDF(*(name.strip().strip("`") for name in self.said["columns"].split(",")))

    def _keep(self, sql: Callable[[str], Any]) -> None:
        """Have it made once more when a view in its query is, and when it is named after rows have been published:
        Spark runs its query then."""

        def again() -> None:
            self._rows(sql).createOrReplaceTempView(self.name)
            self._keep(sql)

        _by_statement[self.name.lower()] = MadeBySql(self.said["query"], again, listings.moment())


def in_statement(text: str) -> ViewStatement | None:
    """The statement that makes a temporary view; None, if the text is another one."""
    said = _STATEMENT.match(text)
    return ViewStatement(said) if said else None


def install(workspace: Workspace) -> None:
    """Stand before the making of views, and before all that names them."""
    from pyspark.sql.connect.catalog import Catalog
    from pyspark.sql.connect.dataframe import DataFrame

    for known in (_current, _taken, _by_statement):
        known.clear()
    _name_views(DataFrame.createOrReplaceTempView)
    _make_views(DataFrame)
    engine.replace(Catalog, "dropTempView", _dropping(Catalog.dropTempView))
    engine.replace(Catalog, "dropGlobalTempView", _or_false(Catalog.dropGlobalTempView))
    engine.replace(Catalog, "tableExists", _of_views(Catalog.tableExists))


def _make_views(DataFrame: Any) -> None:
    create: Any = DataFrame.createOrReplaceTempView
    create_new: Any = DataFrame.createTempView
    create_global: Any = DataFrame.createOrReplaceGlobalTempView
    everywhere: set[str] = set()

    def createOrReplaceTempView(self: Any, name: str) -> None:
        key, own = name.lower(), _own(name)
        create(self, own)
        listings.note_view(own, self)
        _current[key] = own
        _by_statement.pop(key, None)
        for made in [one for one in _by_statement.values() if _spelled(key, one.query)]:
            made.again()

    def createTempView(self: Any, name: str) -> None:
        own = _current.get(name.lower()) or _own(name)
        create_new(self, own)  # which fails when it is there
        listings.note_view(own, self)
        _current[name.lower()] = own

    def createOrReplaceGlobalTempView(self: Any, name: str) -> None:
        if name.lower() in everywhere:
            raise engine.refused(f"Making the global temporary view {name} anew")
        create_global(self, name)
        everywhere.add(name.lower())

    engine.replace(DataFrame, "createOrReplaceTempView", createOrReplaceTempView)
    engine.replace(DataFrame, "createTempView", createTempView)
    engine.replace(DataFrame, "createOrReplaceGlobalTempView", createOrReplaceGlobalTempView)


def _name_views(create: Any) -> None:
    """Have statements and readers find the views that there are."""
    from pyspark.sql.connect.plan import SQL
    from pyspark.sql.connect.readwriter import DataFrameReader
    from pyspark.sql.connect.session import SparkSession

    table: Any = DataFrameReader.table
    statement: Any = SQL.__init__
    query: Any = SparkSession.sql

    def of_reader(self: Any, tableName: str) -> Any:
        name = tableName.strip("`")
        _refresh(name)
        own = _current.get(name.lower())
        rows = table(self, own).alias(name) if own and own != name else table(self, tableName)
        _ = rows.schema  # a table that is not there is missed at once
        return rows

    def init(self: Any, query: str, args: Any = None, named_args: Any = None, views: Any = None) -> None:
        statement(self, query, args, named_args, [*(views or ()), *_bound(query)])

    def sql(self: Any, sqlQuery: str, *args: Any, **options: Any) -> Any:
        _refresh(sqlQuery)
        rows = query(self, sqlQuery, *args, **options)
        listings.note_statement(rows, [own for name, own in _current.items() if _spelled(name, sqlQuery)])
        if not _bound(sqlQuery):
            return rows
        own = _own(_OWN)  # for Sail has one view of a name in a plan, be it of several statements
        create(rows, own)
        listings.note_view(own, rows)
        return table(self.read, own)

    engine.replace(DataFrameReader, "table", of_reader)
    engine.replace(SQL, "__init__", init)
    engine.replace(SparkSession, "sql", sql)


def _refresh(text: str) -> None:
    """Make the views of SQL anew that a text names, if rows have been published since."""
    for name, made in list(_by_statement.items()):
        if made.published < listings.moment() and _spelled(name, text):
            made.again()


def dropped(text: str) -> set[str]:
    """The views that a statement drops, as Sail calls them, which are known no more; none for another statement."""
    said = _DROPPED.fullmatch(text)
    name = said["name"].strip("`") if said else ""
    return _forget(name) if name.lower() in _current else set()


def _forget(name: str) -> set[str]:
    """Sail's views of a name: the one that there is, and the first, which would be found by it."""
    _by_statement.pop(name.lower(), None)
    return {name, _current.pop(name.lower(), name)}


def _own(name: str) -> str:
    """What Sail is to call a view: none may have been called so before, and capitals are others to it."""
    own = name if name.lower() not in _taken and name == name.lower() else f"{_OWN}_{len(_taken)}"
    _taken.append(own.lower())
    return own


def _bound(query: str) -> list[Any]:
    """The views of a query that Sail calls otherwise than it does, for it to be told of them, as it spells them."""
    from pyspark.sql.connect.plan import Read, SubqueryAlias

    return [
        SubqueryAlias(Read(own), one) for name, own in _current.items() for one in _spelled(name, query) if one != own
    ]


def _spelled(name: str, text: str) -> set[str]:
    """How a text spells a name; in none, if it is not in it."""
    return set(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))


def _dropping(original: Any) -> Callable[..., bool]:
    each = _or_false(original)

    def drop(self: Any, viewName: str) -> bool:
        dropped = [each(self, one) for one in _forget(viewName)]
        return any(dropped)

    return drop


def _or_false(original: Any) -> Callable[..., bool]:
    """Whether a view was dropped: one that is not there is none."""
    from pyspark.errors import AnalysisException

    def drop(self: Any, viewName: str) -> bool:
        with contextlib.suppress(AnalysisException):
            return bool(original(self, viewName))
        return False

    return drop


def _of_views(original: Any) -> Any:
    """Whether there is a temporary view; the catalog's tables are looked for by :mod:`lakelet.etl.sql_tables`."""

    def exists(self: Any, tableName: str, dbName: str | None = None) -> Any:
        return original(self, _current.get(tableName.lower(), tableName), dbName)

    return exists
