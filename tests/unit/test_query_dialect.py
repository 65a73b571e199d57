"""What local SQL accepts and refuses, and which partitions a statement needs."""

from __future__ import annotations

import random

import pytest

from lakelet.query.dialect import parse
from lakelet.query.planner import expression
from lakelet.query.scans import Filter
from lakelet.workspace.errors import QueryError

REFUSED = {
    "COPY gold.flights TO '/tmp/x'": "COPY",
    "ATTACH '/tmp/x.db'": "ATTACH",
    "INSTALL httpfs": "INSTALL",
    "LOAD httpfs": "LOAD",
    "PRAGMA version": "PRAGMA",
    "SET memory_limit = '1TB'": "SET",
    "CALL duckdb_secrets()": "CALL",
    "CREATE SECRET s (TYPE s3)": "CREATE",
    "CREATE MACRO f() AS 1": "CREATE",
    "INSERT INTO gold.flights SELECT 1": "INSERT",
    "DROP TABLE gold.flights": "DROP",
    "WITH x AS (SELECT 1) DELETE FROM gold.flights": "WITH",
    "EXPORT DATABASE 'x'": "EXPORT",
    "USE gold": "USE",
    "SUMMARIZE gold.flights": "SUMMARIZE",
    "PIVOT gold.flights ON carrier USING count(*)": "PIVOT",
    "SELECT * FROM (DESCRIBE gold.flights)": "DESCRIBE",
    "SELECT 1 INTO x": "INTO",
    "EXPLAIN COPY gold.flights TO 'x'": "COPY",
    "DESCRIBE SELECT 1": "DESCRIBE",
    "SHOW ALL TABLES": "SHOW ALL",
    "SHOW CREATE TABLE x": "SHOW CREATE",
    "/* a comment */ COPY x TO 'y'": "COPY",
    "SELECT 1; SELECT 2": "More than one statement",
    "SELECT 1; COPY x TO 'y'": "More than one statement",
    "SELECT * FROM read_csv('/etc/passwd')": "read_csv()",
    "SELECT * FROM \"read_csv\"('/etc/passwd')": "read_csv()",
    "SELECT * FROM main.read_text('/etc/passwd')": "read_text()",
    "SELECT (SELECT count(*) FROM glob('*'))": "glob()",
    "WITH a AS (SELECT * FROM read_blob('/etc/*')) SELECT * FROM a": "read_blob()",
    "SELECT 1 WHERE 'x' IN (SELECT content FROM read_text('/etc/passwd'))": "read_text()",
    "SELECT * FROM duckdb_secrets()": "duckdb_secrets()",
    "SELECT * FROM query('SELECT 1')": "query()",
    "EXPLAIN SELECT * FROM read_csv('x')": "read_csv()",
    "SELECT getenv('HOME')": "getenv()",
    "SELECT \"getenv\"('HOME')": "getenv()",
    "SELECT current_setting('temp_directory')": "current_setting()",
    "SELECT * FROM 's3://gold/x.parquet'": "s3://gold/x.parquet",
    'SELECT * FROM "/etc/passwd"': "/etc/passwd",
    'FROM "../x.csv"': "../x.csv",
    "DESCRIBE '/etc/passwd'": "/etc/passwd",
    "SELECT * FROM other.gold.flights": "other.gold.flights",
    "": "empty",
    " ; ": "empty",
    "SELECT '\0'": "NUL",
    "SELECT 'open": "cannot be read",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000: "nested too deeply",
    "SELECT '" + "x" * 262_144 + "'": "longer than",
}


@pytest.mark.parametrize("sql", REFUSED, ids=lambda sql: sql[:40])
def test_refusals_name_what_is_refused(sql: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(sql)
    assert REFUSED[sql] in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1", []),
        ("VALUES (1), (2)", []),
        ("SELECT 1 UNION ALL SELECT 2;", []),
        ("(SELECT 1)", []),
        ("FROM gold.flights", [("gold", "flights")]),
        ("SELECT * FROM AwsDataCatalog.Gold.Flights", [("gold", "flights")]),
        ("SELECT * FROM gold.flights JOIN bronze.planes USING (tailnum)", [("gold", "flights"), ("bronze", "planes")]),
        ("SELECT * FROM gold.flights WHERE x IN (SELECT y FROM silver.z)", [("gold", "flights"), ("silver", "z")]),
        ("SELECT * FROM unnest([1, 2]) t(a), range(3), generate_series(1, 2)", []),
        ("EXPLAIN ANALYZE SELECT * FROM gold.flights", [("gold", "flights")]),
        ("SELECT [x + 1 FOR x IN l], list_transform(l, x -> x) FROM gold.t", [("gold", "t")]),
    ],
)
def test_what_a_select_reads(sql: str, tables: list[tuple[str, str]]) -> None:
    references = parse(sql).analysis.references
    assert [(one.database, one.name) for one in references] == tables


def test_the_statements_own_names_are_optional() -> None:
    (reference,) = parse("WITH flights AS (SELECT * FROM flights) SELECT * FROM flights").analysis.references
    assert reference.optional and reference.database is None


def test_show_and_describe() -> None:
    assert parse("show schemas").analysis.kind == "databases"
    assert parse("SHOW TABLES IN `gold`").analysis.references[0].database == "gold"
    assert parse("DESC gold.flights").analysis.references[0].name == "flights"


def test_athena_functions_are_translated() -> None:
    texts = list(parse("SELECT date_format(t, '%Y') FROM gold.x").texts())
    assert texts[0] == "SELECT date_format(t, '%Y') FROM gold.x" and "STRFTIME(t, '%Y')" in texts[1]


KEYS = [("month", "int"), ("period", "string"), ("day", "date"), ("x", "double")]


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("month = 3", "(month = 3)"),
        ("3 < month AND carrier = 'UA'", "(month > 3)"),
        ("month IN (1, 2) AND period >= '2013'", "(month IN (1, 2) AND period >= '2013')"),
        ("day BETWEEN DATE '2013-01-01' AND '2013-01-31'", "(day BETWEEN '2013-01-01' AND '2013-01-31')"),
        ("period = 'it''s'", "(period = 'it''s')"),
        ("month = 3 OR month = 4", None),
        ("month + 1 = 3", None),
        ("month = '3'", None),
        ("period = 3", None),
        ("x = 1", None),
        ("NOT month = 3", None),
        ("month = other", None),
    ],
)
def test_conditions_on_partition_keys_reach_the_catalog(where: str, wanted: str | None) -> None:
    (reference,) = parse(f"SELECT * FROM gold.flights WHERE {where}").analysis.references
    assert expression(reference.filters, KEYS) == wanted


@pytest.mark.parametrize(
    ("sql", "filters"),
    [
        ("SELECT * FROM g.t a JOIN g.u b ON true WHERE a.k = 1", ((Filter("k", "=", (1,)),),)),
        ("SELECT * FROM g.t JOIN g.u ON true WHERE k = 1", ()),
        ("SELECT * FROM g.t WHERE k = 1 UNION SELECT * FROM g.t", ()),
        (
            "SELECT * FROM g.t WHERE k = 1 UNION SELECT * FROM g.t WHERE k = 2",
            ((Filter("k", "=", (1,)),), (Filter("k", "=", (2,)),)),
        ),
        ("SELECT * FROM g.t AS t(k, j) WHERE k = 1", ()),
    ],
)
def test_a_table_in_several_places_is_read_for_all_of_them(sql: str, filters: object) -> None:
    assert parse(sql).analysis.references[0].filters == filters


def test_no_mutation_of_a_statement_breaks_the_parser() -> None:
    """Whatever is sent is accepted or refused in a sentence; nothing else is ever raised."""
    words = (
        "SELECT FROM ( ) * gold.flights read_csv 'x' \"y\" ; -- /* */ WITH AS UNION 1 , :: [ ] { } EXPLAIN SHOW COPY"
    )
    choices = [*words.split(), "DESCRIBE", "PIVOT", "$1", "?", "\n", "lateral"]
    dice = random.Random(2013)
    for _ in range(400):
        text = " ".join(dice.choices(choices, k=dice.randint(1, 12)))
        try:
            parse(text)
        except QueryError as error:
            assert str(error).endswith("."), text
