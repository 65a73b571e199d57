"""``spark.sql`` and the session's catalog on Sail: queries and temporary views. What would change a catalog is refused,
for Sail's own is empty and ends with the process."""

from __future__ import annotations

import re
from typing import Any

from etl.sail import engine
from workspace.paths import Workspace

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXTS = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)
_QUERIES = re.compile(
    r"[\s(]*(SELECT|WITH|VALUES|FROM|TABLE|EXPLAIN|DESCRIBE|DESC|SHOW|SET"
    r"|CREATE\s+(OR\s+REPLACE\s+)?(GLOBAL\s+)?TEMP(ORARY)?\s+VIEW|DROP\s+VIEW|CACHE|UNCACHE)\b",
    re.IGNORECASE,
)
_EFFECTS = re.compile(r"\b(INSERT|OVERWRITE|MERGE\s+INTO)\b", re.IGNORECASE)
_CATALOG = (
    "createTable", "createExternalTable", "refreshTable", "recoverPartitions", "refreshByPath",
    "setCurrentDatabase", "setCurrentCatalog",
)  # fmt: skip


def install(workspace: Workspace) -> None:
    """Stand before SparkSession.sql, its catalog, and what only Spark has."""
    from pyspark.sql.connect.catalog import Catalog
    from pyspark.sql.connect.session import SparkSession

    from etl.sail import answers  # which takes SQL apart as this module does

    original = SparkSession.sql

    def sql(session: Any, sqlQuery: str, *args: Any, **options: Any) -> Any:
        if not is_query(sqlQuery):
            raise engine.refused(f"The statement {' '.join(sqlQuery.split())[:60]!r}")
        answers.require_text(sqlQuery)
        return original(session, sqlQuery, *args, **options)

    engine.replace(SparkSession, "sql", sql)
    for name in _CATALOG:
        engine.replace(Catalog, name, _refusing(f"spark.catalog.{name}"))
    engine.replace(SparkSession, "readStream", property(_refusing("spark.readStream")))


def is_query(text: str) -> bool:
    """Whether a statement changes nothing but the session."""
    code = bare(text)
    return bool(_QUERIES.match(code)) and not _EFFECTS.search(code)


def bare(text: str) -> str:
    """SQL without comments, and with empty texts and names in quotes."""
    return _TEXTS.sub("''", _COMMENTS.sub(" ", text))


def _refusing(what: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise engine.refused(what)

    return refuse
