"""From a board and the chosen filter values to SQL: values become literals, names quoted identifiers, never text.

A filter value may be anything (it comes from an address bar); it cannot leave its literal.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp

from lakelet.dashboards.spec import DIALECT, Axis, Board, Chart, Filter, Level, Measure
from lakelet.workspace.errors import UsageError

ROWS = "board"  # the name, inside a statement, of the dataset with the computed columns
MAX_ROWS = 5_000  # more marks than anyone can see in one chart
MAX_DETAIL_ROWS = 1_000

Choices = Mapping[str, Any]
"""Chosen filter values by column: a list for a multiselect, ``(low, high)`` for a range or date, else a value."""


def options(board: Board) -> str:
    """One row that tells what the filters can offer: ``f0``, ``f1``… a list of values, or ``…_low`` and ``…_high``."""
    chosen: list[exp.Expr] = []
    for number, entry in enumerate(board.filters):
        column, name = _column(entry.column), f"f{number}"
        if entry.type in ("range", "date"):
            value = exp.cast(column, "date") if entry.type == "date" else column
            chosen += [exp.Min(this=value).as_(f"{name}_low"), exp.Max(this=value.copy()).as_(f"{name}_high")]
        else:
            chosen.append(_parsed(f"array_agg(DISTINCT {_sql(column)} ORDER BY {_sql(column)})").as_(name))
    return _over(board, exp.select(*chosen))


def kpis(board: Board, choices: Choices) -> str:
    """One row: the KPIs as ``m0``, ``m1``…"""
    return _over(board, exp.select(*_measures(board.kpis)), _where(board, choices))


def trends(board: Board, choices: Choices) -> str:
    """The KPIs along the board's ``trend`` column ``b0``."""
    axis = Axis(board.trend, board.trend)
    return _over(board, _grouped((axis,), board.kpis).order_by("b0").limit(MAX_ROWS), _where(board, choices))


def chart(board: Board, entry: Chart, choices: Choices) -> str:
    """The numbers of one chart: its ``by`` columns as ``b0``, ``b1``…, its measures as ``m0``, ``m1``…

    A map's points also have ``latitude`` and ``longitude``.
    """
    select = _grouped(entry.by, entry.measures)
    conditions = _where(board, choices)
    if entry.place:
        latitude, longitude = _column(entry.place.latitude), _column(entry.place.longitude)
        select = select.select(exp.Avg(this=latitude).as_("latitude"), exp.Avg(this=longitude).as_("longitude"))
        conditions += [_present(latitude), _present(longitude)]
    ranked = bool(entry.top) or entry.type in ("table", "map")
    conditions += [_present(_column(axis.column)) for axis in entry.by if entry.type != "table"]
    order = [exp.column("m0").desc(nulls_first=False)] if ranked and entry.measures else []
    order += [exp.column(f"b{n}").asc() for n in range(len(entry.by))]
    return _over(board, select.order_by(*order).limit(entry.top or MAX_ROWS), conditions)


def routes(board: Board, entry: Chart, choices: Choices) -> str:
    """The distinct lines of a map that has two ends: ``latitude``, ``longitude``, ``from_latitude``, …"""
    if entry.place is None:
        raise UsageError(f"{entry.title} is no map: only a map has routes.")
    names = ("latitude", "longitude", "from_latitude", "from_longitude")
    columns = [_column(getattr(entry.place, name)) for name in names]
    select = exp.select(*(column.as_(name) for column, name in zip(columns, names, strict=True)))
    return _over(board, select.distinct().limit(MAX_ROWS), [*_where(board, choices), *map(_present, columns)])


def level(board: Board, number: int, path: Sequence[Any], choices: Choices) -> str:
    """One level of the drill-down, below the values chosen on the levels above (``path``)."""
    entry = board.drill[number]
    conditions = _where(board, choices)
    for above, value in zip(board.drill[:number], path, strict=True):
        if above.by:
            conditions.append(exp.EQ(this=_column(above.by.column), expression=literal(value)))
    if entry.rows:
        return _over(board, _rows(entry), conditions)
    axes = (entry.by,) if entry.by else ()
    select = _grouped(axes, entry.measures)
    order = [exp.column("m0").desc(nulls_first=False)] if entry.measures else []
    return _over(board, select.order_by(*order, exp.column("b0").asc()).limit(MAX_DETAIL_ROWS), conditions)


def literal(value: Any) -> exp.Expr:
    """A value as a typed SQL literal; raises :class:`~lakelet.workspace.errors.UsageError` for a kind that has none."""
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return exp.convert(value)
    if isinstance(value, datetime.datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamp")
    if isinstance(value, datetime.date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    raise UsageError(f"{value!r} cannot be filtered by: choose a text, number or date.")


def _text(value: str) -> exp.Expr:
    # DuckDB reads a statement up to the first NUL, so one in a value has to come from a function.
    first, *others = (exp.Literal.string(part) for part in value.split("\x00"))
    text: exp.Expr = first
    for part in others:
        text = exp.DPipe(this=exp.DPipe(this=text, expression=exp.func("chr", exp.Literal.number(0))), expression=part)
    return exp.paren(text) if others else text


def _rows(entry: Level) -> exp.Select:
    select = exp.select(*(_column(axis.column).as_(f"b{n}") for n, axis in enumerate(entry.rows)))
    if entry.order:
        select = select.order_by(_column(entry.order))
    return select.limit(MAX_DETAIL_ROWS)


def _grouped(axes: Sequence[Axis], measures: Sequence[Measure]) -> exp.Select:
    select = exp.select(*(_column(axis.column).as_(f"b{n}") for n, axis in enumerate(axes)), *_measures(measures))
    return select.group_by(*(exp.Literal.number(n + 1) for n in range(len(axes)))) if axes else select


def _measures(measures: Iterable[Measure]) -> list[exp.Expr]:
    return [_parsed(measure.value).as_(f"m{n}") for n, measure in enumerate(measures)]


def _where(board: Board, choices: Choices) -> list[exp.Expr]:
    return [
        condition
        for entry in board.filters
        if (value := choices.get(entry.column)) is not None
        for condition in _condition(entry, value)
    ]


def _condition(entry: Filter, value: Any) -> Iterable[exp.Expr]:
    column = _column(entry.column)
    if entry.type == "select":
        yield exp.EQ(this=column, expression=literal(value))
    elif entry.type == "multiselect":
        if value:
            yield exp.In(this=column, expressions=[literal(item) for item in value])
    else:
        low, high = value
        subject = exp.cast(column, "date") if entry.type == "date" else column
        yield exp.Between(this=subject, low=literal(low), high=literal(high))


def _over(board: Board, select: exp.Select, conditions: Sequence[exp.Expr] = ()) -> str:
    """``select`` over the board's rows, as text: the dataset, widened by the computed columns, then filtered."""
    table = sqlglot.parse_one(board.dataset, dialect=DIALECT) if " " in board.dataset else _table(board.dataset)
    source = table.subquery("dataset") if isinstance(table, exp.Query) else table
    computed = [_parsed(text).as_(name, quoted=True) for name, text in board.columns.items()]
    rows = exp.select("*", *computed).from_(source)
    if conditions:
        select = select.where(*conditions)
    return _sql(select.from_(ROWS).with_(ROWS, as_=rows))


def _table(name: str) -> exp.Expr:
    return exp.to_table(name, dialect=DIALECT)


def _parsed(text: str) -> exp.Expr:
    return exp.paren(sqlglot.parse_one(text, dialect=DIALECT), copy=False)


def _column(name: str) -> exp.Expr:
    return exp.column(name, quoted=True)


def _present(column: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=column.copy(), expression=exp.null()))


def _sql(expression: exp.Expr) -> str:
    return expression.sql(dialect=DIALECT)
