"""Row filters: a predicate over one table's columns, parsed and checked by sqlglot.

AWS Lake Formation Developer Guide, "PartiQL support in row filter expressions": comparisons, BETWEEN, IN, LIKE,
IS NULL, AND, OR and NOT over columns and literals; no function is called, no other table and no nested field is read.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlglot
from sqlglot import exp

from lakelet.workspace.errors import InvalidInputException

_ALLOWED = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In,
    exp.Like, exp.Is, exp.Null, exp.Boolean, exp.Literal, exp.Neg, exp.Column, exp.Identifier, exp.Escape,
    exp.Cast, exp.DataType, exp.DataTypeParam, exp.Add, exp.Sub, exp.Mul, exp.Div,
)  # fmt: skip
_PREDICATES = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In,
    exp.Like, exp.Is, exp.Boolean, exp.Column, exp.Escape,
)  # fmt: skip


def check_filter(expression: str, columns: Collection[str]) -> str:
    """The predicate in canonical SQL (Trino's dialect), its columns quoted.

    Raises InvalidInputException for what is no predicate, uses what a row filter may not, or names a column that the
    table (``columns``, lower case, partition keys included) has not.
    """
    tree = _parsed(expression)
    for node in tree.walk():
        if not isinstance(node, _ALLOWED):
            raise InvalidInputException(f"A row filter cannot use {type(node).__name__}: {node.sql()[:100]}")
    for column in tree.find_all(exp.Column):
        if column.table:
            raise InvalidInputException(f"A row filter names columns alone, not {column.sql()[:100]}.")
        if column.name.lower() not in columns:
            raise InvalidInputException(f"Column {column.name[:100]} of the row filter is not in the table.")
    if not isinstance(tree, _PREDICATES):
        raise InvalidInputException("A row filter is a condition.")
    return tree.transform(_quoted).sql(dialect="trino", comments=False)


def _quoted(node: exp.Expression) -> exp.Expression:
    return exp.column(node.name.lower(), quoted=True) if isinstance(node, exp.Column) else node


def either(predicates: Collection[str]) -> str:
    """The condition that one of the predicates holds."""
    distinct = sorted(set(predicates))
    return distinct[0] if len(distinct) == 1 else " OR ".join(f"({predicate})" for predicate in distinct)


def _parsed(expression: str) -> exp.Expression:
    try:
        found = sqlglot.parse(expression, read="trino")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else "it is nested too deeply"
        raise InvalidInputException(f"The row filter cannot be read: {first[:300]}") from error
    if len(found) != 1 or not isinstance(found[0], exp.Expression):
        raise InvalidInputException("A row filter is one condition.")
    return found[0]
