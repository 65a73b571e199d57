"""``spark.sql`` and the session's catalog on Sail: queries and temporary views. What would change a catalog is refused,
for Sail's own is empty and ends with the process."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache, reduce
from typing import Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_COMMENTS_AND_TEXTS = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<raw>\br(?:'[^']*'|\"[^\"]*\"))"
    r"|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`",
    re.DOTALL | re.IGNORECASE,
)
_QUERIES = re.compile(
    r"[\s(]*(SELECT|WITH|VALUES|FROM|TABLE|EXPLAIN|SET"
    r"|CREATE\s+(OR\s+REPLACE\s+)?(GLOBAL\s+)?TEMP(ORARY)?\s+VIEW|DROP\s+VIEW|CACHE|UNCACHE)\b",
    re.IGNORECASE,
)
_SELECTS = re.compile(r"[\s(]*(SELECT|WITH|VALUES|FROM|TABLE)\b", re.IGNORECASE)
_READS = re.compile(r"[\s(]*(EXPLAIN|SET)\b", re.IGNORECASE)
_UNION = re.compile(r"\b(UNION|EXCEPT|INTERSECT|MINUS)\b", re.IGNORECASE)
_STATEMENT = "_lakelet_statement"
_TAKEN_APART = re.compile(r"\b(select|order\s+by)\b", re.IGNORECASE)  # has columns to be named, or an order
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)
_ARROW = {  # the names of types in Sail's explanation of a plan
    "Int8": "tinyint", "Int16": "smallint", "Int32": "int", "Int64": "bigint", "Float32": "float", "Float64": "double",
    "Utf8": "string", "Utf8View": "string", "LargeUtf8": "string", "Date32": "date", "Boolean": "boolean",
}  # fmt: skip
_BESIDE = re.compile(r"[?]\s*[-+]|[-+]\s*[?]")  # a parameter in arithmetic
_rewritten: list[Callable[[str], str]] = []  # what queries go through before Sail is asked them
_EFFECTS = re.compile(r"\b(INSERT|OVERWRITE|MERGE\s+INTO)\b", re.IGNORECASE)
_CATALOG = (
    "createTable", "createExternalTable", "refreshTable", "recoverPartitions", "refreshByPath",
    "setCurrentDatabase", "setCurrentCatalog", "listTables", "listDatabases", "databaseExists", "getDatabase",
    "getTable", "listColumns", "listCatalogs",
)  # fmt: skip


def install(workspace: Workspace) -> None:
    """Stand before SparkSession.sql, its catalog, and what only Spark has."""
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.catalog import Catalog
    from pyspark.sql.connect.session import SparkSession

    # Some take SQL apart as this module does.
    from lakelet.etl.sail import (
        aliases,
        answers,
        coerced,
        lateral,
        properties,
        sql_clauses,
        sql_items,
        sql_keys,
        user_errors,
        views,
    )

    _rewritten.clear()
    original = SparkSession.sql

    def sql(session: Any, sqlQuery: str, *args: Any, **options: Any) -> Any:
        try:
            return asked_as_spark(session, sqlQuery, *args, **options)
        except PySparkException as error:
            told = lateral.with_aliases(sqlQuery, error) or coerced.in_statement(session, sqlQuery, error)
            if told is None:
                raise
        return sql(session, told, *args, **options)

    def asked_as_spark(session: Any, sqlQuery: str, *args: Any, **options: Any) -> Any:
        if not is_query(sqlQuery):
            user_errors.require_statement(sqlQuery)
            raise engine.refused(f"The statement {' '.join(sqlQuery.split())[:60]!r}")
        if setting := properties.of_statement(sqlQuery):
            properties.require([setting])
        if aliases.has_stars(sqlQuery):
            aliases.require_keys(_parsed(sqlQuery))
        if view := views.in_statement(sqlQuery):
            view.make(lambda query: sql(session, query, *args, **options))
            return original(session, "SELECT 1 WHERE false")
        if dropped := views.dropped(sqlQuery):
            for one in dropped:
                original(session, f"DROP VIEW IF EXISTS `{one}`")
            return original(session, "SELECT 1 WHERE false")
        sqlQuery = reduce(lambda text, rewritten: rewritten(text), _rewritten, sqlQuery)
        said, keys = sql_clauses.with_keys(sql_keys.named(sql_clauses.with_views(sqlQuery)))
        asked, code = answers.as_spark(said), bare(sqlQuery)
        if _BESIDE.search(code):
            _require_no_dates(args[0] if args else options.get("args"))
        if asked == sqlQuery:
            rows = _held(original(session, sqlQuery, *args, **options), sqlQuery)
            _ = rows.schema  # what is wrong is said at once
            return _noted(rows, sqlQuery)
        if _READS.match(code):
            return original(session, asked, *args, **options)
        if not _SELECTS.match(code):
            raise engine.refused(f"The statement {' '.join(sqlQuery.split())[:60]!r}")
        rows = _held(original(session, asked, *args, **options), asked)
        try:
            names = original(session, sql_items.spelled(said), *args, **options).columns
        except PySparkException:  # what Sail takes as it was asked alone, as the log of one value
            if not _has_names(sqlQuery):
                raise
            names = rows.columns
        rows = rows if rows.columns == names else rows.toDF(*names)
        return _noted(rows.drop(*keys) if keys else rows, sqlQuery)

    engine.replace(SparkSession, "sql", sql)
    for name in _CATALOG:
        engine.replace(Catalog, name, engine.refusing(f"spark.catalog.{name}"))
    engine.replace(SparkSession, "readStream", property(engine.refusing("spark.readStream")))


def before_queries(rewritten: Callable[[str], str]) -> None:
    """Have queries go through a function before Sail is asked them, from now on until the engine ends."""
    _rewritten.append(rewritten)


def is_query(text: str) -> bool:
    """Whether a statement changes nothing but the session."""
    code = bare(text)
    return bool(_QUERIES.match(code)) and not _EFFECTS.search(code)


def bare(text: str) -> str:
    """SQL without comments, and with empty texts and names in quotes."""
    return _COMMENTS_AND_TEXTS.sub(lambda found: " " if found["comment"] else "''", text)


def _held(rows: Any, text: str) -> Any:
    """The rows of a query that are Spark's: neither a union of several types nor in the order of what is nested."""
    code = bare(text)
    if _UNION.search(code):
        _require_one_type(rows)
        _require_one_type_of_sets(rows, text)
    if _ORDERED.search(code):
        _require_simple_order(rows, text)
    return rows


def _noted(rows: Any, text: str) -> Any:
    setattr(rows._plan, _STATEMENT, text)
    return rows


def statement_of(plan: Any) -> Any:
    """The statement of ``spark.sql`` that a plan of pyspark's is, as sqlglot has it; None for another one.

    Raises UnsupportedError when it cannot be taken apart.
    """
    text = getattr(plan, _STATEMENT, None)
    return _parsed(text) if text is not None and _TAKEN_APART.search(bare(text)) else None


def tables_of(plan: Any) -> set[str]:
    """The names of the tables and views in the statement of ``spark.sql`` that a plan is, in lower case."""
    from sqlglot import exp

    text = getattr(plan, _STATEMENT, None)
    return {one.name.lower() for one in _parsed(text).find_all(exp.Table)} if text else set()


def _has_names(text: str) -> bool:
    """Whether each item of a SELECT is a column or has an alias."""
    items = getattr(_parsed(text), "selects", ())
    return bool(items) and all(type(one).__name__ in ("Alias", "Column") and not one.is_star for one in items)


def order_of(plan: Any) -> Any:
    """The ORDER BY at the end of the statement that a plan is (sqlglot's ``Order``); None without one."""
    return getattr(statement_of(plan), "args", {}).get("order")


@lru_cache(maxsize=8)  # a statement that is written is asked for its names and its order
def _parsed(text: str) -> Any:
    import sqlglot

    try:
        return sqlglot.parse_one(text, dialect="spark")
    except sqlglot.errors.SqlglotError:
        raise engine.refused(f"The order or the names of the statement {' '.join(text.split())[:60]!r}") from None


def with_escapes(text: str) -> str:
    """SQL whose texts have a backslash before each quote of theirs: Sail leaves a doubled one out."""

    def escaped(found: re.Match[str]) -> str:
        quote, inside = found[0][0], found[0][1:-1]
        if found["comment"] or found["raw"] or quote not in ("'", '"'):
            return found[0]
        said = re.sub(rf"(\\.)|{quote}{quote}", lambda one: one[1] or f"\\{quote}", inside, flags=re.DOTALL)
        return f"{quote}{said}{quote}"

    return _COMMENTS_AND_TEXTS.sub(escaped, text)


def _require_no_dates(given: Any) -> None:
    """Refuse dates for parameters in arithmetic, which say nothing of their type in a text."""
    if isinstance(given, list) and any(type(one) is date for one in given):
        raise engine.otherwise("A date as a parameter (?) beside + or -", "it stays a date; give it a name (:day)")


def _require_simple_order(rows: Any, text: str) -> None:
    """Refuse an ORDER BY of structs and arrays: Sail has nulls inside of them for the largest."""
    nested = {name.lower() for name, kind in rows.dtypes if kind.startswith(("struct", "array"))}
    order = getattr(_parsed(text), "args", {}).get("order") if nested else None
    for item in order.expressions if order else ():
        if type(item.this).__name__ == "Column" and item.this.name.lower() in nested:
            raise engine.otherwise(f"ORDER BY of what is nested ({item.this.name})", "a null inside is the largest")


def _require_one_type_of_sets(rows: Any, text: str) -> None:
    """Refuse INTERSECT and EXCEPT of columns of several types, of which Sail has that of the first."""
    from pyspark.errors import PySparkException
    from sqlglot import exp

    statement = _parsed(text)
    before = getattr(statement, "args", {}).get("with_")
    for found in statement.find_all(exp.Intersect, exp.Except):
        parts = (part.copy() for part in (found.left, found.right))
        told = (f"{before.sql('spark') if before else ''} {part.sql('spark')}" for part in parts)
        try:
            kinds = [[kind for _, kind in rows.sparkSession.sql(one).dtypes] for one in told]
        except PySparkException:  # of a subquery that names what is around it
            continue
        if kinds[0] != kinds[1]:
            raise engine.refused("INTERSECT or EXCEPT of columns of several types, without a cast,")


def _require_one_type(rows: Any) -> None:
    """Refuse a union of columns of several types: Sail tells the first, and gives what they have in common."""
    told = rows.sparkSession.client.explain_string(rows._plan.to_proto(rows.sparkSession.client), "extended")
    head = told.partition("== Analyzed Logical Plan ==\n")[2].partition("\n")[0]
    for (name, kind), given in zip(rows.dtypes, re.split(r", (?=#\d+: )", head), strict=False):
        arrow = _ARROW.get(given.partition(": ")[2])
        if arrow and arrow != kind:
            raise engine.refused(f"A union of columns of several types ({name} is {kind} and {arrow}), without a cast,")
