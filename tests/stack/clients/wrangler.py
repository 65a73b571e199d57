"""What people do with awswrangler's catalog module and its datasets; run by ../test_clients_datasets.py.

Nothing is set but the variables of ``lakelet env``: no endpoint, region or key is named here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import awswrangler as wr
import pandas as pd

DATABASE = f"wrangler_{uuid4().hex}"
ROOT = f"s3://silver/{DATABASE}/"
catalog = wr.catalog


def raises(kind: type[Exception], call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    try:
        call(*arguments, **named)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call} did not raise {kind}")


def databases() -> None:
    catalog.create_database(DATABASE, description="first")
    assert "already exists" in raises(wr.exceptions.AlreadyExists, catalog.create_database, DATABASE)
    catalog.create_database(DATABASE, description="second", exist_ok=True, database_input_args={"LocationUri": ROOT})
    found = next(one for one in catalog.get_databases() if one["Name"] == DATABASE)
    assert (found["Description"], found["LocationUri"]) == ("second", ROOT)
    listed = catalog.databases(limit=10_000)
    assert "second" in listed[listed["Database"] == DATABASE]["Description"].tolist()


def tables() -> None:
    columns, partitions = {"id": "bigint", "name": "string"}, {"day": "date", "n": "int"}
    catalog.create_parquet_table(
        DATABASE, "events", ROOT + "events/", columns_types=columns, partitions_types=partitions, compression="snappy",
        description="What happened", parameters={"team": "flights"}, columns_comments={"id": "the key"},
        columns_parameters={"name": {"sensitive": "yes"}}, bucketing_info=(["id"], 2),
    )  # fmt: skip
    catalog.create_csv_table(
        DATABASE, "people", ROOT + "people/", columns_types=columns, sep=";", skip_header_line_count=1
    )
    catalog.create_json_table(DATABASE, "answers", ROOT + "answers/", columns_types={"a": "struct<b:int,c:array<int>>"})
    catalog.create_orc_table(DATABASE, "old", ROOT + "old/", columns_types=columns)
    assert catalog.does_table_exist(DATABASE, "Events") and not catalog.does_table_exist(DATABASE, "none")
    assert catalog.get_table_location(DATABASE, "events") == ROOT + "events/"
    assert catalog.get_table_types(DATABASE, "events") == columns | partitions
    assert catalog.get_table_types(DATABASE, "none") is None
    assert catalog.get_table_description(DATABASE, "events") == "What happened"
    assert catalog.get_columns_comments(DATABASE, "events")["id"] == "the key"
    assert catalog.get_columns_parameters(DATABASE, "events")["name"] == {"sensitive": "yes"}
    parameters = catalog.get_table_parameters(DATABASE, "events")
    assert (parameters["team"], parameters["compressionType"]) == ("flights", "snappy")
    assert [row["Partition"] for _, row in catalog.table(DATABASE, "events").iterrows()] == [False, False, True, True]
    assert catalog.get_table_parameters(DATABASE, "people")["delimiter"] == ";"

    def names(**wanted: str) -> list[str]:
        return catalog.tables(database=DATABASE, **wanted)["Table"].tolist()

    assert names() == ["answers", "events", "old", "people"]
    assert names(name_contains="ven") == names(name_prefix="eve") == names(name_suffix="nts") == ["events"]
    assert names(name_prefix="p", name_suffix="e") == ["people"]
    assert [one["Name"] for one in catalog.search_tables("flights") if one["DatabaseName"] == DATABASE] == ["events"]
    # Raised by boto3 and seen by its type, as on AWS.
    assert "EntityNotFoundException" in raises(Exception, catalog.get_table_location, DATABASE, "none")


def changes() -> None:
    def parameters() -> dict[str, str]:
        return catalog.get_table_parameters(DATABASE, "events")

    before = parameters()
    catalog.upsert_table_parameters({"owner": "me"}, DATABASE, "events", catalog_versioning=True)
    assert parameters() == before | {"owner": "me"}
    catalog.overwrite_table_parameters({"classification": "parquet"}, DATABASE, "events")
    assert parameters() == {"classification": "parquet"}
    # The first change archived the version before it, the second was told not to.
    assert catalog.get_table_number_of_versions(DATABASE, "events") == 2
    assert [one["VersionId"] for one in catalog.get_table_versions(DATABASE, "events")] == ["2", "0"]
    catalog.add_column(DATABASE, "events", "place", "string", column_comment="where")
    assert catalog.get_table_types(DATABASE, "events")["place"] == "string"
    assert catalog.get_columns_comments(DATABASE, "events")["place"] == "where"
    catalog.delete_column(DATABASE, "events", "place")
    assert "place" not in catalog.get_table_types(DATABASE, "events")
    catalog.create_parquet_table(
        DATABASE, "events", ROOT + "events/", {"id": "bigint", "name": "string", "more": "double"}, mode="append",
        partitions_types={"day": "date", "n": "int"},
    )  # fmt: skip
    assert catalog.get_table_types(DATABASE, "events")["more"] == "double"


def partitions() -> None:
    values = {f"{ROOT}events/day=2024-01-{day:02}/n={n}/": [f"2024-01-{day:02}", str(n)]
              for day in range(1, 31) for n in range(4)}  # fmt: skip
    catalog.add_parquet_partitions(DATABASE, "events", values, compression="snappy")
    catalog.add_parquet_partitions(DATABASE, "events", values)  # those that are there stay: it is no error
    assert catalog.get_partitions(DATABASE, "events") == values
    some = catalog.get_parquet_partitions(DATABASE, "events", expression="day >= '2024-01-29' AND n IN (1, 3)")
    assert sorted(some.values()) == [[f"2024-01-{day}", n] for day in (29, 30) for n in ("1", "3")]
    catalog.delete_partitions("events", DATABASE, list(some.values()))
    assert len(catalog.get_partitions(DATABASE, "events")) == len(values) - 4
    assert len(catalog.delete_all_partitions("events", DATABASE)) == len(values) - 4
    assert catalog.get_partitions(DATABASE, "events") == {}
    catalog.create_csv_table(DATABASE, "log", ROOT + "log/", {"line": "string"}, partitions_types={"day": "string"})
    catalog.add_csv_partitions(DATABASE, "log", {ROOT + "log/day=a b/": ["a b"]}, sep="\t")
    catalog.create_json_table(DATABASE, "docs", ROOT + "docs/", {"x": "int"}, partitions_types={"day": "string"})
    catalog.add_json_partitions(DATABASE, "docs", {ROOT + "docs/day=é/": ["é"]})
    assert catalog.get_csv_partitions(DATABASE, "log") == {ROOT + "log/day=a b/": ["a b"]}
    assert catalog.get_partitions(DATABASE, "docs") == {ROOT + "docs/day=é/": ["é"]}


def frame(days: list[str], **columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"id": range(len(days)), "day": days, **columns})


def datasets() -> None:
    def write(data: pd.DataFrame, mode: str, **more: Any) -> dict[str, Any]:
        return wr.s3.to_parquet(
            data, ROOT + "sales/", dataset=True, database=DATABASE, table="sales", partition_cols=["day"], mode=mode,
            **more,
        )  # fmt: skip

    def read(**more: Any) -> pd.DataFrame:
        return wr.s3.read_parquet_table(database=DATABASE, table="sales", validate_schema=False, **more)

    def days() -> dict[str, int]:
        return dict(sorted(read()["day"].astype(str).value_counts().items()))

    written = write(frame(["a", "a", "b"]), "overwrite", glue_table_settings={"description": "Sales"})
    assert sorted(written["partitions_values"].values()) == [["a"], ["b"]] and days() == {"a": 2, "b": 1}
    write(frame(["b", "c"], price=[1.5, 2.5]), "append", schema_evolution=True)
    assert days() == {"a": 2, "b": 2, "c": 1}
    assert catalog.get_table_types(DATABASE, "sales") == {"id": "bigint", "price": "double", "day": "string"}
    assert sorted(read()["price"].dropna()) == [1.5, 2.5]
    raises(wr.exceptions.InvalidArgumentValue, write, frame(["c"], colour=["red"]), "append", schema_evolution=False)
    write(frame(["b"] * 5, price=[1.0] * 5), "overwrite_partitions")
    assert days() == {"a": 2, "b": 5, "c": 1}
    assert len(read(partition_filter=lambda values: values["day"] == "b")) == 5
    write(frame(["z"]), "overwrite")
    assert days() == {"z": 1}
    assert list(catalog.get_partitions(DATABASE, "sales").values()) == [["z"]]
    assert len(wr.s3.list_objects(ROOT + "sales/")) == 1
    wr.s3.to_csv(frame(["q"]), ROOT + "lines/", dataset=True, database=DATABASE, table="lines", index=False)
    wr.s3.to_json(frame(["q"]), ROOT + "docs2/", dataset=True, database=DATABASE, table="docs2", orient="records",
                  lines=True, index=False)  # fmt: skip
    assert catalog.get_table_parameters(DATABASE, "lines")["classification"] == "csv"
    types, of_partitions, _ = wr.s3.store_parquet_metadata(
        ROOT + "sales/", database=DATABASE, table="found", dataset=True
    )
    assert (types, of_partitions) == ({"id": "bigint"}, {"day": "string"})
    assert len(wr.s3.read_parquet_table(database=DATABASE, table="found")) == 1


def names() -> None:
    odd = catalog.sanitize_dataframe_columns_names(pd.DataFrame({"Été Nr.": [1], "camelCase": [2]}))
    wr.s3.to_parquet(odd, ROOT + "odd/", dataset=True, database=DATABASE, table="Odd Name", sanitize_columns=True)
    table = catalog.sanitize_table_name("Odd Name")
    assert list(catalog.get_table_types(DATABASE, table)) == list(odd.columns)
    assert catalog.extract_athena_types(odd)[0] == catalog.get_table_types(DATABASE, table)


def goodbye() -> None:
    assert catalog.delete_table_if_exists(DATABASE, "events") and not catalog.delete_table_if_exists(DATABASE, "events")
    wr.s3.delete_objects(ROOT)
    assert wr.s3.list_objects(ROOT) == []
    catalog.delete_database(DATABASE)
    assert DATABASE not in [one["Name"] for one in catalog.get_databases()]


for part in (databases, tables, changes, partitions, datasets, names, goodbye):
    part()
    print(part.__name__, "works")
