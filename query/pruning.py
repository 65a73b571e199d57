"""Which conditions of a statement hold for every row it reads from a table, so that partitions can be left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from lakelet.query.scans import Filter

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def filters(places: Sequence[exp.Table]) -> tuple[tuple[Filter, ...], ...]:
    """One tuple of conditions per place where the table stands; empty when one place has none.

    Only conjuncts of the WHERE of the SELECT that reads the table are taken, each null-rejecting, so that leaving out
    the rows that fail them changes no join's result, outer ones included.
    """
    found = tuple(tuple(_at(place)) for place in places)
    return found if all(found) else ()


def _at(table: exp.Table) -> Iterator[Filter]:
    select = table.parent_select
    if not isinstance(select, exp.Select) or table.args.get("pivots") or _renamed(table):
        return
    where = select.args.get("where")
    if where is None or select.args.get("pivots"):
        return
    alone = not select.args.get("joins") and not select.args.get("laterals")
    name = table.alias_or_name.lower()
    condition = where.this.unnest()
    for part in condition.flatten() if isinstance(condition, exp.And) else (condition,):
        if (one := _filter(part.unnest(), name, alone)) is not None:
            yield one


def _renamed(table: exp.Table) -> bool:
    alias = table.args.get("alias")
    return bool(alias is not None and alias.args.get("columns"))


def _filter(node: exp.Expr, table: str, alone: bool) -> Filter | None:
    if type(node) in _OPERATORS:
        operator = _OPERATORS[type(node)]
        if (column := _column(node.this, table, alone)) and (value := _literal(node.expression)) is not None:
            return Filter(column, operator, (value,))
        if (column := _column(node.expression, table, alone)) and (value := _literal(node.this)) is not None:
            return Filter(column, _MIRRORED[operator], (value,))
    if isinstance(node, exp.In) and (column := _column(node.this, table, alone)):
        values = [_literal(item) for item in node.expressions]
        if values and None not in values:
            return Filter(column, "in", tuple(value for value in values if value is not None))
    if isinstance(node, exp.Between) and (column := _column(node.this, table, alone)):
        low, high = _literal(node.args["low"]), _literal(node.args["high"])
        if low is not None and high is not None and not node.args.get("symmetric"):
            return Filter(column, "between", (low, high))
    return None


def _column(node: exp.Expr, table: str, alone: bool) -> str:
    """The lower-case name of the table's column that ``node`` is, or nothing."""
    if not isinstance(node, exp.Column) or node.args.get("db"):
        return ""
    return node.name.lower() if (node.table.lower() == table if node.table else alone) else ""


def _literal(node: exp.Expr) -> int | str | None:
    if isinstance(node, exp.Literal):
        if node.is_string:
            return str(node.this)
        return int(node.this) if str(node.this).isdigit() else None
    if isinstance(node, exp.Cast) and node.to.this is exp.DataType.Type.DATE and isinstance(node.this, exp.Literal):
        return str(node.this.this) if node.this.is_string else None
    return None
