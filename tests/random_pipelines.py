"""Random pipelines over everyday data, the same by a seed: selects, filters, groups, windows, joins and sets of random
expressions (tests/random_expressions.py), as Python's code of a data frame ``t``, of another ``u`` and of ``spark``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tests.random_expressions import Expressions

_NAMES = ("alice", "BOB", "Carol Smith", " dan ", "eve-lyn", "", "alice", "o'neil", None, "Bob", "zoë")
_NOTES = ("12", "a b c", "x-1", "hello, world", "3.5", "foo-bar-baz", "1,200", "true", "no")
_AMOUNTS = ("12.50", "1,200", "", "7", "abc", "-3", " 4 ", "1e3")
_DAYS = ("2024-03-05", "2024-3-5", "2024-13-01", "05/03/2024", "2024-03-05 10:11:12", "2024-01-31", "")
_DOCUMENTS = ('{"a":"x","b":{"c":1}}', '{"a":null}', "{}", '{"a":2,"b":{"c":"q"}}')


def tables() -> dict[str, pa.Table]:
    """The data frames ``t``, of orders, and ``u``, by their names."""
    draw = random.Random(7)  # the same rows every time

    def text(values: tuple[str | None, ...]) -> str | None:
        return draw.choice(values)

    def line() -> dict[str, Any]:
        return {"sku": text(("s1", "s2")), "n": draw.randrange(1, 5), "price": round(draw.uniform(1, 9), 2)}

    made: dict[str, tuple[pa.DataType, Callable[[], Any]]] = {
        "qty": (pa.int32(), lambda: draw.randrange(12)),
        "yr": (pa.int32(), lambda: draw.choice((2023, 2024, 2025))),
        "big": (pa.int64(), lambda: draw.randrange(2 * 10**12)),
        "price": (pa.float64(), lambda: round(draw.uniform(0.5, 200), 2)),
        "score": (pa.float64(), lambda: draw.choice((0.0, 1.0, 2.5, 3.75, 10.0, 12.345, -4.5, 99.99))),
        "customer": (pa.string(), lambda: text(_NAMES)),
        "note": (pa.string(), lambda: text(_NOTES)),
        "amount_text": (pa.string(), lambda: text(_AMOUNTS)),
        "day_text": (pa.string(), lambda: text(_DAYS)),
        "code": (pa.string(), lambda: text(("A", "B", "C"))),
        "paid": (pa.bool_(), lambda: draw.random() < 0.5),
        "day": (pa.date32(), lambda: date(2023, 11, 1) + timedelta(days=draw.randrange(400))),
        "at": (
            pa.timestamp("us", "UTC"),
            lambda: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(2 * 10**7)),
        ),
        "amount": (pa.decimal128(10, 2), lambda: Decimal(draw.randrange(-10000, 200000)) / 100),
        "tags": (pa.list_(pa.string()), lambda: [text(("x", "y", "zz", "w", None)) for _ in range(draw.randrange(4))]),
        "addr": (
            pa.struct([("city", pa.string()), ("zip", pa.string())]),
            lambda: {"city": text(("Oslo", "Rome", None)), "zip": text(("0150", "00100", None))},
        ),
        "attrs": (
            pa.map_(pa.string(), pa.string()),
            lambda: [(key, text(("v", "w", None))) for key in sorted(draw.sample(("k", "l", "m"), draw.randrange(3)))],
        ),
        "lines": (
            pa.list_(pa.struct([("sku", pa.string()), ("n", pa.int32()), ("price", pa.float64())])),
            lambda: [line() for _ in range(draw.randrange(3))],
        ),
        "doc": (pa.string(), lambda: text(_DOCUMENTS)),
    }
    rows, others = range(60), range(0, 80, 2)
    orders = {"id": pa.array(rows, pa.int32())}
    for name, (kind, value) in made.items():
        orders[name] = pa.array([None if draw.random() < 0.1 else value() for _ in rows], kind)
    labels = {
        "id": pa.array(others, pa.int32()),
        "qty": pa.array([draw.randrange(6) for _ in others], pa.int32()),
        "customer": pa.array([text(_NAMES) for _ in others]),
        "label": pa.array([text(("p", "q", None)) for _ in others]),
    }
    return {"t": pa.table(orders), "u": pa.table(labels)}


def pipelines(seed: int, count: int) -> Iterator[str]:
    """The code of so many pipelines."""
    made = Expressions(seed)
    for _ in range(count):
        yield made.draw.choice(_KINDS)(made)


def _select(e: Expressions) -> str:
    return f"t.select('id', ({e.any(_depth(e))}).alias('a'))"


def _sql_select(e: Expressions) -> str:
    return _statement(f"select id, {e.any(_depth(e), sql=True)} as a from t")


def _filter(e: Expressions) -> str:
    return f"t.filter({e.of('bool', _depth(e))}).select('id')"


def _sql_filter(e: Expressions) -> str:
    return _statement(f"select id from t where {e.of('bool', _depth(e), sql=True)}")


def _group(e: Expressions) -> str:
    key = e.of(e.draw.choice(("str", "int", "date", "bool")), e.draw.randrange(3))
    low, high = (e.of(e.draw.choice(("int", "str", "date", "ts", "dec", "dbl")), 1) for _ in range(2))
    made = (
        f"F.sum({e.of('int', 1)}), F.count({e.any(1)}), F.min({low}), F.max({high}), F.avg({e.of('int', 1)}), "
        f"F.countDistinct({e.of('str', 1)}), F.sum({e.of('dec', 0)}), F.sum(F.when({e.of('bool', 1)}, 1).otherwise(0))"
    )
    return f"t.groupBy(({key}).alias('k')).agg({made})"


def _sql_group(e: Expressions) -> str:
    key = e.of(e.draw.choice(("str", "int", "date", "bool")), e.draw.randrange(3), sql=True)
    values = [e.of(kind, 1, sql=True) for kind in ("int", "str", "date", "bool")]
    made = (
        "sum({}) a, count(distinct {}) b, max({}) c, sum(case when {} then 1 else 0 end) d, 100 * sum(qty) / sum(id) e"
    )
    return _statement(f"select {key} as k, {made.format(*values)} from t group by {e.draw.choice((key, '1'))}")


def _window(e: Expressions) -> str:
    part = e.of(e.draw.choice(("str", "int", "bool", "date")), e.draw.randrange(2))
    order = e.of(e.draw.choice(("int", "str", "date", "ts", "bool")), e.draw.randrange(2))
    end = e.draw.choice((".desc()", ".asc_nulls_last()", ".desc_nulls_first()", ""))
    function = e.draw.choice(("row_number()", "rank()", f"lag({e.any(1)})", f"sum({e.of('int', 1)})", "ntile(3)"))
    return f"t.select('id', F.{function}.over(W.partitionBy({part}).orderBy(({order}){end}, 'id')).alias('a'))"


def _sql_window(e: Expressions) -> str:
    part = e.of(e.draw.choice(("str", "int", "bool", "date")), e.draw.randrange(2), sql=True)
    order = e.of(e.draw.choice(("int", "str", "date", "ts")), e.draw.randrange(2), sql=True)
    value = e.any(1, sql=True)
    function = e.draw.choice(("row_number()", "rank()", f"lag({value})", f"first_value({value})", f"count({value})"))
    return _statement(f"select id, {function} over (partition by {part} order by {order} desc, id) as a from t")


def _chain(e: Expressions) -> str:
    names = [e.draw.choice(("qty", "price", "customer", "note", "day", "x1", "x2")) for _ in range(3)]
    steps = "".join(f".withColumn('{name}', {e.any(2)})" for name in names)
    last = e.draw.choice((f"filter({e.of('bool', 1)})", "na.drop(subset=['qty'])", "dropDuplicates(['id'])"))
    return f"t{steps}.{last}.select('id', {', '.join(map(repr, dict.fromkeys(names)))})"


def _join(e: Expressions) -> str:
    on = e.draw.choice(("'id'", "['id', 'qty']", "F.lower(t.customer) == F.lower(u.customer)", "t.note == u.qty"))
    how = e.draw.choice(("inner", "left", "right", "full", "left_anti", "left_semi"))
    return f"t.join(u, {on}, '{how}').groupBy(t.note).count()"


def _sets(e: Expressions) -> str:
    kind = e.draw.choice(("int", "str", "date", "ts", "dec"))
    one, other = (f"t.select(({e.of(kind, 1)}).alias('a'))" for _ in range(2))
    return f"{one}.{e.draw.choice(('union', 'intersect', 'subtract', 'exceptAll'))}({other}).distinct()"


def _explode(e: Expressions) -> str:
    function = e.draw.choice(("explode", "explode_outer"))
    return f"t.select('id', F.{function}({e.of('arr', 1)}).alias('e')).groupBy('e').agg(F.min('id'))"


def _pivot(e: Expressions) -> str:
    values = e.draw.choice(("", ", ['A', 'B']"))
    return f"t.groupBy(({e.of('str', 1)}).alias('k')).pivot('code'{values}).agg(F.max({e.of('int', 1)}))"


_KINDS = (
    _select, _select, _sql_select, _sql_select, _filter, _sql_filter, _group, _sql_group, _window, _sql_window, _chain,
    _join, _sets, _explode, _pivot,
)  # fmt: skip


def _depth(e: Expressions) -> int:
    return e.draw.choice((1, 2, 2, 3))


def _statement(text: str) -> str:
    return f"spark.sql({text!r})"
