"""Partition expressions against real partitions: what each means, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import open_state, reading, writing
from tests.databases import new_database

KEYS = (("y", "int"), ("s", "string"), ("d", "date"), ("ts", "timestamp"), ("price", "decimal(10,2)"), ("b", "boolean"))
ROWS = (
    ("2012", "a", "2012-01-01", "2012-01-01 00:00:00", "1.50", "true"),
    ("2013", "B%", "2013-06-01", "2013-06-01 12:00:00.5", "10", "true"),
    ("-5", "a_c", "2014-01-01", "2014-01-01T00:00:00", "9.99", "false"),
    ("10", "it's", "2015-01-01", "2015-01-01 00:00:00.0", "-1", "false"),
    ("__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__", "x", "x", "x", "x"),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogStore]:
    engine = open_state(new_database(request, tmp_path_factory.mktemp("expressions")))
    store = CatalogStore(engine)
    with writing(engine) as connection:
        store.create_database(connection, {"Name": "d"})
        keys = [{"Name": name, "Type": kind} for name, kind in KEYS]
        table = store.create_table(connection, "d", {"Name": "t", "PartitionKeys": keys})
        assert not store.create_partitions(connection, table, [{"Values": list(row)} for row in ROWS])
    yield store
    engine.dispose()


def years(catalog: CatalogStore, expression: str) -> set[str]:
    return {partition.values[0] for partition in catalog.get_partitions("d", "t", expression)}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("y = 2013", {"2013"}),
        ("y = '2013'", {"2013"}),
        ("2012 < Y", {"2013"}),
        ("y <> 2013", {"2012", "-5", "10"}),
        ("y != 2013", {"2012", "-5", "10"}),
        ("y > 9 AND y <= 2012", {"2012", "10"}),
        ("y = -5", {"-5"}),
        ("y BETWEEN -10 AND 10", {"-5", "10"}),
        ("y NOT BETWEEN -10 AND 10", {"2012", "2013"}),
        ("y IN (10, '2012')", {"10", "2012"}),
        ("y NOT IN (10, 2012)", {"2013", "-5"}),
        ("NOT (y = 10 OR y = 2012)", {"2013", "-5"}),
        ("y = 10 OR s = 'a' AND y = 1", {"10"}),
        ("(y = 10 OR y = 2012) AND s LIKE 'a%'", {"2012"}),
        ("s = 'a' AND NOT (y = 1 OR (y = 2 AND y = 3))", {"2012"}),
        ("y IS NULL", {ROWS[4][0]}),
        ("s IS NOT NULL", {"2012", "2013", "-5", "10"}),
        ("s LIKE 'a%'", {"2012", "-5"}),
        ("s LIKE 'a_c'", {"-5"}),
        ("s LIKE 'A%'", set()),
        ("s LIKE '%\\%'", set()),
        ("s LIKE '*'", set()),
        ("s NOT LIKE 'a%'", {"2013", "10"}),
        ("s = 'it''s'", {"10"}),
        ("s > 'a'", {"-5", "10"}),
        ("s = ''' OR 1=1 --'", set()),
        ("d >= '2014-01-01'", {"-5", "10"}),
        ("d = date '2012-01-01'", {"2012"}),
        ("ts = '2014-01-01 00:00:00'", {"-5"}),
        ("ts > timestamp '2013-06-01 12:00:00'", {"2013", "-5", "10"}),
        ("ts = '2015-01-01'", {"10"}),
        ("price > 1.5", {"2013", "-5"}),
        ("price < '0'", {"10"}),
        ('"y" = 10', {"10"}),
        ("`y` = 10", {"10"}),
        ("NOT s LIKE 'a%'", {"2013", "10"}),
        ("NOT s NOT LIKE 'a%'", {"2012", "-5"}),
        ("((y = (10)))", {"10"}),
        ("  ", {row[0] for row in ROWS}),
    ],
)
def test_meanings(catalog: CatalogStore, expression: str, expected: set[str]) -> None:
    assert years(catalog, expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "y", "1", "y = ", "y = x", "y = s", "1 = 1", "z = 1", "y = 'x'", "y = 1.5", "y = 99999999999999999999",
        "d = 'x'", "y BETWEEN SYMMETRIC 1 AND 2", "s LIKE 'a' ESCAPE 'b'", "s LIKE ANY ('a')", "y IN (1) IS NULL",
        "ts = 'noon'", "price = 'x'", "b = true", "y = 1; DROP TABLE catalog_tables", "y IN (SELECT 1)", "y IN ()",
        "abs(y) = 1", "y + 1 = 2", "y = 1 + 1", "t.y = 1", "SELECT 1", "y = (SELECT 1)", "EXISTS (SELECT 1)",
        "y IS TRUE", "y LIKE s", "y ILIKE 'a'", "y RLIKE 'a'", "y = NULL", "y = CAST('1' AS BLOB)",
        "CASE WHEN y = 1 THEN 1 END",
        "y = ?", "y = :p", "y = @p", "'a' = 'a'", "NOT", "AND", ")", "y = '", "(" * 500 + "y = 1" + ")" * 500,
        "NOT " * 500 + "y = 1", "-" * 500 + "1 = y", "y = " + "-" * 400 + " 1", "y = 1 /*", "CREATE TABLE t (a int)",
    ],
)  # fmt: skip
def test_refusals(catalog: CatalogStore, expression: str) -> None:
    with pytest.raises(InvalidInputException):
        years(catalog, expression)


def test_long_chains_are_no_deep_trees(catalog: CatalogStore) -> None:
    assert years(catalog, " OR ".join(["y = 10"] * 200)) == {"10"}
    assert years(catalog, "y IN (" + ",".join(["10"] * 500) + ")") == {"10"}


WORDS = st.sampled_from(
    ["y", "s", "d", "=", "<", "<>", "AND", "OR", "NOT", "IN", "(", ")", ",", "'a'", "1", "LIKE", "BETWEEN", "IS",
     "NULL", "''", '"', "`", "--", "/*", ";", "CASE", "SELECT", "[", "{", "::", "->", "*", "%", ".", "DATE", "INTERVAL",
     "é", "\\", "$1"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=40))
def test_nothing_else_escapes(catalog: CatalogStore, expression: str) -> None:
    """Whatever is sent, the answer is partitions or InvalidInputException."""
    with reading(catalog.engine) as connection:
        table = catalog.table(connection, "d", "t")
        try:
            catalog.partitions(connection, table, expression)
        except InvalidInputException as error:
            assert str(error)
