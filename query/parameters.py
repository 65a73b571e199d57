"""Values for the names in a statement: ``WHERE carrier = :carrier`` is bound, never pasted as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from lakelet.workspace.errors import UsageError

_TEMPLATE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def bind(sql: str, values: Mapping[str, Any]) -> str:
    """The statement with a literal of its value for each ``:name``; a list becomes a list, as in ``IN :names``.

    A statement without names stays as it is written. Raises :class:`~lakelet.workspace.errors.UsageError` for a name
    that has no value, a value that SQL has no literal for, and for ``{{name}}``, which elsewhere pastes text.
    """
    if template := _TEMPLATE.search(sql):
        raise UsageError(
            f"{template[0]} is not supported: write :{template[1]}, without quotes; it is bound as a value."
        )
    tree = _parsed(sql)
    if tree is None or not (names := [node for node in tree.find_all(exp.Placeholder) if node.name]):
        return sql
    for node in names:
        if node.name not in values:
            raise UsageError(f"There is no variable {node.name!r} for :{node.name}: assign it before this statement.")
        if isinstance(node.parent, (exp.Table, exp.Dot, exp.Column)):
            raise UsageError(f":{node.name} stands for a value: write the names of tables and columns out.")
        node.replace(_literal(node.name, values[node.name]))
    return tree.sql("duckdb")


def _parsed(sql: str) -> exp.Expr | None:
    for dialect in ("duckdb", "trino"):
        try:
            return sqlglot.parse_one(sql, read=dialect)
        except (SqlglotError, RecursionError):
            continue
    return None  # the service says what is wrong with it


def _literal(name: str, value: Any) -> exp.Expr:
    if hasattr(value, "tolist"):  # of numpy and pandas
        value = value.tolist()
    try:
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return exp.cast(exp.Literal.string(str(value)), "double")
        if isinstance(value, (list, tuple, set, frozenset)):
            return exp.Array(expressions=[_literal(name, item) for item in value])
        return exp.convert(value)
    except ValueError as error:
        kind = type(value).__name__
        raise UsageError(
            f"{name!r} is a {kind}, which no SQL literal can say: take a number, text, date or list."
        ) from error
