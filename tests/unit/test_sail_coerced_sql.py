"""The text of a statement by the types of its tables' columns (etl/sail/coerced_sql.py): what changes, what is left.
What comes of it on both engines is in tests/compared_types.py."""

from __future__ import annotations

import pytest

from lakelet.etl.sail.coerced_sql import of_statement
from lakelet.etl.sail.coercion import targets
from lakelet.etl.sail.sql_text import as_spark

TABLES = {
    "orders": [("id", "int"), ("price", "string"), ("day", "date"), ("at", "timestamp"), ("paid", "boolean")],
    "items": [("id", "int"), ("qty", "string"), ("price", "double"), ("tags", "map<string,string>")],
    "carts": [("lines", "array<struct<sku:string,n:int>>"), ("st", "struct<price:string>")],
}


def columns(name: str) -> list[tuple[str, str]]:
    return TABLES.get(name.strip("`"), [])


def told(text: str) -> str | None:
    return of_statement(text, columns)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT i.price * 2 AS a FROM orders o JOIN items i ON o.id = i.id",  # a text, and a double
        "SELECT price * 2 AS a FROM orders JOIN range(5)",  # whose columns are not known
        "SELECT price * 2 AS a FROM (SELECT id, CAST(price AS double) AS price FROM orders)",
        "WITH q (price) AS (SELECT id FROM orders) SELECT price * 2 AS a FROM q",
        "SELECT price + 1 AS a FROM orders LATERAL VIEW explode(array(1)) e AS price",
        "SELECT st.*, price * 2 AS a FROM carts, orders",
        "SELECT st.price * 2 AS a FROM carts",
        "SELECT transform(array(1), price -> price * 2) AS a FROM orders",
        "SELECT CASE WHEN id > 1 THEN to_date(day) - to_date(at) ELSE at END AS a FROM orders",
        "SELECT FROM WHERE price * 2",
        "SELECT day + price AS a FROM orders",
        "SELECT paid > id AS a FROM orders",
        "SELECT nothing(price * 2) FROM orders",  # whose name without an alias is not known
    ],
)
def test_what_is_not_known_for_sure_is_left(text: str) -> None:
    assert told(text) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SELECT price * 2 FROM orders", ["AS double", "`(price * 2)`"]),
        ("SELECT o.price - 1 AS a FROM orders AS o", ["TRY_CAST(o.price AS double)", "AS a"]),
        ("SELECT id FROM orders WHERE paid = 'true'", ["'true'", "AS boolean"]),
        ("SELECT id FROM orders WHERE paid = 1", ["TRY_CAST(paid AS int)"]),
        ("SELECT coalesce(day, at) AS a FROM orders", ["TRY_CAST(day AS timestamp)"]),
        ("SELECT tags.color FROM items", ["tags['color'] AS `color`"]),
        ("SELECT c.lines.sku AS a FROM carts c", ["transform(c.lines,", ".`sku`)"]),
        ("WITH q AS (SELECT trim(price) AS p FROM orders) SELECT p * 2 AS a FROM q", ["TRY_CAST(p AS double)"]),
    ],
)
def test_operands_are_told_in_the_types_that_spark_makes_of_them(text: str, parts: list[str]) -> None:
    changed = told(text)
    assert changed is not None
    assert [one for one in parts if one not in changed] == []


@pytest.mark.parametrize(
    ("name", "kinds", "expected"),
    [
        ("*", ["string", "int"], ["double", None]),
        ("+", ["string", "interval day"], [None, None]),
        ("==", ["bigint", "string"], [None, "bigint"]),
        ("<", ["string", "decimal(10,2)"], ["double", "double"]),
        ("<=>", ["boolean", "smallint"], ["smallint", None]),
        (">", ["boolean", "int"], [None, None]),
        ("!=", ["string", "boolean"], ["boolean", None]),
        ("in", ["string", "int", "int"], [None, "string", "string"]),
        ("coalesce", ["void", "string", "date"], [None, None, "string"]),
        ("greatest", ["date", "timestamp"], ["timestamp", None]),
        ("greatest", ["int", "string"], [None, None]),
        ("sum", ["string"], ["double"]),
        ("upper", ["int"], [None]),
    ],
)
def test_types_are_those_of_sparks_coercion(name: str, kinds: list[str], expected: list[str | None]) -> None:
    assert targets(name, kinds) == expected


def test_no_rule_is_for_what_was_told_already() -> None:
    made = told("SELECT price * 2 AS a FROM orders WHERE price / 3 > 1")
    assert made is not None and "regexp_replace(CAST(price AS string)" in made
    assert as_spark(made) == made
    assert "typeof" in as_spark("SELECT (/* of the script */ upper(price)) AS a FROM orders")
