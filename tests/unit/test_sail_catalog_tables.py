"""The catalog's tables in SQL text: which are named, what stands for them, and which Sail does not read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakelet.data.formats import BY_NAME, storage_descriptor
from lakelet.etl.sail.catalog_tables import csv_options, named, names_of, of_name, why_not, with_views

COLUMNS = [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM a.b", "SELECT * FROM `V` AS `b`"),
        ("select x.c, a.b.d from A.`b` x", "select x.c, `b`.d from `V` x"),
        ("select a.b.c.d, a.b.* from a . b", "select `b`.c.d, `b`.* from `V` AS `b`"),
        ("select 'from a.b' from a.b -- of a.b", "select 'from a.b' from `V` AS `b` -- of a.b"),
        ("with q as (select 1 from a.b) select 1 from q", "with q as (select 1 from `V` AS `b`) select 1 from q"),
        ("select 1 from q, a.b as z", "select 1 from q, `V` as z"),
        ("select b.c from b join global_temp.d on b.c = d.c", "select b.c from b join global_temp.d on b.c = d.c"),
        ("select * from a.b.c", "select * from a.b.c"),
        ("select * frm a.b", "select * frm a.b"),
    ],
)
def test_views_stand_for_tables(text: str, expected: str) -> None:
    assert with_views(text, lambda name: "V" if name == ("a", "b") else "") == expected
    assert named(text) == ([("a", "b")] if "`V`" in expected else [])


def test_names_of_one_table() -> None:
    told = ("a.b", "`A`.`b c`", "b", "a.b.c", "global_temp.v", "", "a b.")
    assert [of_name(one) for one in told] == [("a", "b"), ("a", "b c"), None, None, None, None, None]


def table(format: str = "parquet", serde: dict[str, str] | None = None, **parameters: str) -> dict[str, Any]:
    descriptor = storage_descriptor(BY_NAME[format], COLUMNS, "s3://b/t/", serde_parameters=serde or {})
    return {"Name": "t", "StorageDescriptor": descriptor, "Parameters": {"classification": format, **parameters}}


def made(*fields: tuple[str, str], provider: str = "parquet", serde: dict[str, str] | None = None) -> dict[str, Any]:
    schema = json.dumps({"type": "struct", "fields": [{"name": name, "type": kind} for name, kind in fields]})
    told = {"spark.sql.sources.provider": provider, "spark.sql.sources.schema": schema}
    return table(provider, serde, **told)


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        (table(), ""),
        (table("csv"), ""),
        (table("csv", {"skip.header.line.count": "2"}), "2 lines of heading"),
        (table("json"), "format is json"),
        (table("parquet", table_type="ICEBERG"), "format is not known"),
        (table("csv", connectionName="c"), "in a database"),
        ({**table(), "TableType": "VIRTUAL_VIEW"}, "a view"),
        ({**table(), "PartitionKeys": [{"Name": "c", "Type": "varchar(3)"}]}, "char or varchar"),
        (made(("Id", "integer"), ("name", "string")), ""),
        (made(("id", "long"), ("name", "string")), "otherwise"),
        (made(("id", "integer"), ("name", "timestamp_ntz")), "otherwise"),
        (made(("id", "integer"), ("name", "string"), provider="csv", serde={"sep": ";", "path": "s3://b/t"}), ""),
        (made(("id", "integer"), ("name", "string"), provider="csv", serde={"nullValue": "-"}), "option nullValue"),
    ],
)
def test_tables_that_only_spark_reads(definition: dict[str, Any], why: str) -> None:
    assert why in why_not(definition)
    assert bool(why) == bool(why_not(definition))


def test_how_a_table_is_read() -> None:
    assert names_of(table()) == ["id", "name"]
    assert names_of(made(("Id", "integer"), ("name", "string"))) == ["Id", "name"]
    assert csv_options(table()) is None
    glues = csv_options(table("csv", {"field.delim": "|"}, **{"skip.header.line.count": "1"}))
    assert glues == {"header": "true", "sep": "|", "quote": '"', "escape": '"'}
    sparks = made(("id", "integer"), ("name", "string"), provider="csv", serde={"sep": ";", "path": "s3://b/t"})
    assert csv_options(sparks) == {"sep": ";"}
