"""Partition indexes over the wire: their life, their limits, and that GetPartitions seeks in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from lakelet.aws.context import current
from lakelet.catalog.expressions import parse_expression
from lakelet.catalog.partitions import indexes, search
from lakelet.catalog.partitions.builder import IndexBuilder
from lakelet.workspace.state import reading, writing
from tests.wire.conftest import Wire

KEYS = [
    {"Name": "region", "Type": "string"}, {"Name": "day", "Type": "date"}, {"Name": "hour", "Type": "int"},
    {"Name": "flag", "Type": "boolean"},
]  # fmt: skip


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def table(glue: Any, database: str) -> Iterator[dict[str, str]]:
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": KEYS})
    names = {"DatabaseName": database, "TableName": "t"}
    batch = [[r, f"2024-01-{d:02}", str(h), "true"] for r in ("eu", "us") for d in (1, 2) for h in (0, 9, 10, 23)]
    glue.batch_create_partition(**names, PartitionInputList=[{"Values": values} for values in batch])
    yield names


def index(name: str, *keys: str) -> dict[str, Any]:
    return {"IndexName": name, "Keys": list(keys)}


def found(glue: Any, table: dict[str, str], expression: str, size: int = 2) -> list[list[str]]:
    pages = glue.get_paginator("get_partitions").paginate(
        **table, Expression=expression, PaginationConfig={"PageSize": size}
    )
    return sorted(one["Values"] for page in pages for one in page["Partitions"])


def chosen(table: dict[str, str], expression: str) -> search.Plan:
    context = current()
    with reading(context.engine) as connection:
        there = context.catalog.table(connection, table["DatabaseName"], "t")
        return search.plan(connection, there, parse_expression(expression, there.partition_keys))


def test_an_index_lives(glue: Any, table: dict[str, str]) -> None:
    glue.create_partition_index(**table, PartitionIndex=index("by_hour", "hour", "Day"))
    assert glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"] == [
        {
            "IndexName": "by_hour", "IndexStatus": "ACTIVE",
            "Keys": [{"Name": "hour", "Type": "int"}, {"Name": "day", "Type": "date"}],
        }
    ]  # fmt: skip
    plan = chosen(table, "hour = 9 AND day = '2024-01-02'")
    assert plan.index is not None and plan.index.name == "by_hour"
    assert len(found(glue, table, "hour = 9 AND day = '2024-01-02'")) == 2
    glue.delete_partition_index(**table, IndexName="by_hour")
    assert not glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"]
    assert len(found(glue, table, "hour = 9 AND day = '2024-01-02'")) == 2
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.delete_partition_index(**table, IndexName="by_hour")


def test_what_cannot_be_indexed(glue: Any, table: dict[str, str]) -> None:
    exceptions = glue.exceptions
    for wrong, expected, match in (
        (index("i", "none"), exceptions.InvalidInputException, "no partition key"),
        (index("i", "day", "DAY"), exceptions.InvalidInputException, "twice"),
        (index("i", "flag"), exceptions.InvalidInputException, "boolean"),
    ):
        with pytest.raises(expected, match=match):
            glue.create_partition_index(**table, PartitionIndex=wrong)
    for name, keys in (("a", ("hour",)), ("b", ("day", "hour")), ("c", ("region", "hour"))):
        glue.create_partition_index(**table, PartitionIndex=index(name, *keys))
    for again in (index("a", "day"), index("d", "hour")):
        with pytest.raises(exceptions.AlreadyExistsException):
            glue.create_partition_index(**table, PartitionIndex=again)
    with pytest.raises(exceptions.ResourceNumberLimitExceededException, match="3 partition indexes"):
        glue.create_partition_index(**table, PartitionIndex=index("d", "day"))


def test_a_table_is_created_with_its_indexes_or_not_at_all(glue: Any, database: str) -> None:
    names = {"DatabaseName": database, "TableInput": {"Name": "u", "PartitionKeys": KEYS}}
    with pytest.raises(glue.exceptions.InvalidInputException):
        glue.create_table(**names, PartitionIndexes=[index("a", "hour"), index("b", "none")])
    glue.create_table(**names, PartitionIndexes=[index("a", "hour"), index("b", "day", "hour")])
    of_table = {"DatabaseName": database, "TableName": "u"}
    there = glue.get_partition_indexes(**of_table)["PartitionIndexDescriptorList"]
    assert [(one["IndexName"], one["IndexStatus"]) for one in there] == [("a", "ACTIVE"), ("b", "ACTIVE")]


def test_values_compare_by_type_in_indexes(glue: Any, table: dict[str, str]) -> None:
    """Not as texts: 9 is less than 10."""
    assert {one[2] for one in found(glue, table, "hour > 9")} == {"10", "23"}
    assert {one[2] for one in found(glue, table, "hour < 10 AND region = 'eu'")} == {"0", "9"}
    assert {one[2] for one in found(glue, table, "hour IN (9, 23) OR hour BETWEEN 0 AND 1")} == {"0", "9", "23"}
    assert len(found(glue, table, "NOT (hour <> 10)")) == 4
    assert len(found(glue, table, "region LIKE 'e%'")) == 8
    assert len(found(glue, table, "hour LIKE '%3' AND day > '2024-01-01'")) == 2
    for expression in ("hour > 9", "day = '2024-01-02'", "region >= 'us'", "hour IN (9, 23)", "region LIKE 'e%'"):
        plan = chosen(table, expression)
        assert plan.ranges != search.EVERYTHING, expression
        assert (plan.index is None) == expression.startswith("region"), expression  # the partitions are sorted by it


@pytest.mark.parametrize("indexed", ["own", "asked for", "none"])
def test_times_finer_than_a_microsecond(glue: Any, database: str, indexed: str) -> None:
    asked_for = {"PartitionIndexes": [index("by_at", "at", "n")]} if indexed == "asked for" else {}
    keys = [{"Name": "at", "Type": "timestamp"}, {"Name": "n", "Type": "int"}]
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": keys}, **asked_for)
    table = {"DatabaseName": database, "TableName": "t"}
    fractions = ("123456", "1234560001", "123456789", "1234567890", "12345679", "123457")
    times = {f"2024-01-01 00:00:00.{fraction}": number for number, fraction in enumerate(fractions)}
    batch = [{"Values": [time, str(number)]} for time, number in times.items()]
    glue.batch_create_partition(**table, PartitionInputList=batch)
    if indexed == "none":
        with writing(current().engine) as connection:
            there = current().catalog.table(connection, database, "t")
            connection.execute(sa.delete(indexes.indexes).where(indexes.indexes.c.table_id == there.id))
    is_walked = chosen(table, "at = '2024-01-01' AND n = 1").index is not None
    assert is_walked == (indexed != "none")

    def numbers(expression: str) -> list[int]:
        return sorted(int(values[1]) for values in found(glue, table, expression))

    start = "2024-01-01 00:00:00"
    assert numbers(f"at = '{start}.123456'") == [0] == numbers(f"at = '{start}.123456000'")
    assert numbers(f"at = '{start}.123456789'") == [2, 3] == numbers(f"at = '{start}.1234567890'")
    assert numbers(f"at < '{start}.123456789'") == [0, 1]
    assert numbers(f"at >= '{start}.123456789'") == [2, 3, 4, 5]
    assert numbers(f"at > '{start}.123456'") == [1, 2, 3, 4, 5]
    assert numbers(f"at BETWEEN '{start}.1234560001' AND '{start}.12345679'") == [1, 2, 3, 4]
    assert numbers(f"at IN ('{start}.12345679', '{start}.1234567')") == [4]
    assert numbers(f"NOT (at <> '{start}.123456789') AND n = 3") == [3]
    glue.delete_partition(**table, PartitionValues=[f"{start}.123456789", "2"])
    assert numbers(f"at = '{start}.123456789'") == [3]


def test_every_write_is_in_the_indexes(glue: Any, table: dict[str, str]) -> None:
    glue.create_partition_index(**table, PartitionIndex=index("by_hour", "hour"))
    old = ["eu", "2024-01-01", "9", "true"]
    glue.update_partition(
        **table, PartitionValueList=old, PartitionInput={"Values": ["eu", "2024-01-01", "11", "true"]}
    )
    glue.delete_partition(**table, PartitionValues=["us", "2024-01-01", "9", "true"])
    assert len(found(glue, table, "hour = 9")) == 2 and len(found(glue, table, "hour = 11")) == 1
    with reading(current().engine) as connection:
        query = (
            sa.select(sa.func.count())
            .select_from(indexes.entries.join(indexes.indexes))
            .where(indexes.indexes.c.table_id == current().catalog.table(connection, table["DatabaseName"], "t").id)
        )
        assert (
            connection.execute(query).scalar() == 15 * 3
        )  # two keys of indexable types beside the first, and the one asked for


def test_a_backfill_goes_on_where_it_was_left(
    glue: Any, table: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "STEP", 3)
    names = (table["DatabaseName"], "t")
    glue.create_partition(**table, PartitionInput={"Values": ["eu", "2024-01-01", "noon", "true"]})
    glue.create_partition_index(**table, PartitionIndex=index("by_hour", "hour"))

    def status() -> str:
        return str(glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"][0]["IndexStatus"])

    assert status() == "CREATING"
    with pytest.raises(glue.exceptions.ClientError, match="is being created") as refused:
        glue.delete_partition_index(**table, IndexName="by_hour")
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    with pytest.raises(glue.exceptions.ClientError, match="is being created"):
        glue.delete_table(DatabaseName=names[0], Name="t")
    # Writes before and behind the place that the backfill has reached.
    for hour in ("-5", "99"):
        for region in ("aa", "zz"):
            glue.create_partition(**table, PartitionInput={"Values": [region, "2024-01-01", hour, "true"]})
    glue.delete_partition(**table, PartitionValues=["us", "2024-01-02", "23", "true"])
    steps = 0
    while status() == "CREATING":
        with pytest.raises(RuntimeError), writing(current().engine) as connection:
            assert indexes.work(connection)
            raise RuntimeError  # a step that is lost is done again
        with writing(current().engine) as connection:
            assert indexes.work(connection)
        steps += 1
    assert steps > 3
    descriptor = glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"][0]
    errors = [(one["Code"], one["Partitions"]) for one in descriptor["BackfillErrors"]]
    assert errors == [("INVALID_PARTITION_TYPE_DATA_ERROR", [{"Values": ["eu", "2024-01-01", "noon", "true"]}])]
    every = glue.get_partitions(**table)["Partitions"]
    with reading(current().engine) as connection:
        query = sa.select(indexes.entries.c.key).join(indexes.indexes).where(indexes.indexes.c.name == "by_hour")
        assert len(every) == 20 == len(set(connection.execute(query).scalars()))
    glue.delete_partition_index(**table, IndexName="by_hour")
    with writing(current().engine) as connection:
        while indexes.work(connection):
            pass
        assert not connection.execute(sa.select(indexes.indexes).where(indexes.indexes.c.status == "DELETING")).all()


def test_the_thread_finishes_what_is_left(glue: Any, table: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "STEP", 2)
    context = current()
    with writing(context.engine) as connection:  # as an earlier version of Lakelet left the table
        there = context.catalog.table(connection, table["DatabaseName"], "t")
        connection.execute(sa.delete(indexes.indexes).where(indexes.indexes.c.table_id == there.id))
    assert len(found(glue, table, "hour = 9")) == 4
    builder = IndexBuilder(context.engine, context.catalog)
    builder.start()
    try:
        glue.create_partition_index(**table, PartitionIndex=index("by_hour", "hour"))
        waiter = glue.get_partition_indexes
        for _ in range(2_000):
            if waiter(**table)["PartitionIndexDescriptorList"][0]["IndexStatus"] == "ACTIVE":
                break
        else:
            pytest.fail("the index was not finished")
    finally:
        builder.stop()
    plan = chosen(table, "hour = 9")
    assert plan.index is not None and len(found(glue, table, "hour = 9")) == 4


def test_a_type_that_changes_rebuilds_the_index(glue: Any, table: dict[str, str]) -> None:
    glue.create_partition_index(**table, PartitionIndex=index("by_hour", "hour"))
    keys = [key | {"Type": "string"} if key["Name"] in ("hour", "flag") else key for key in KEYS]
    glue.update_table(DatabaseName=table["DatabaseName"], TableInput={"Name": "t", "PartitionKeys": keys})
    assert {one[2] for one in found(glue, table, "hour < '2'")} == {"0", "10"}  # as texts now
    assert len(found(glue, table, "flag = 'true'")) == 16
    there = glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"]
    assert there[0]["Keys"] == [{"Name": "hour", "Type": "string"}] and there[0]["IndexStatus"] == "ACTIVE"


def test_the_first_key_needs_no_index_while_it_is_a_string(glue: Any, table: dict[str, str]) -> None:
    def own() -> list[tuple[int, ...]]:
        with reading(current().engine) as connection:
            there = indexes.indexes_of(connection, current().catalog.table(connection, table["DatabaseName"], "t"))
            return sorted(one.positions for one in there if one.name is None)

    def become(kind: str) -> None:
        keys = [key | {"Type": kind} if key["Name"] == "region" else key for key in KEYS]
        glue.update_table(DatabaseName=table["DatabaseName"], TableInput={"Name": "t", "PartitionKeys": keys})

    assert own() == [(1,), (2,)] and len(found(glue, table, "region < 'f'")) == 8
    become("int")
    assert own() == [(0,), (1,), (2,)] and len(found(glue, table, "region IS NULL")) == 16
    become("string")
    assert own() == [(1,), (2,)] and len(found(glue, table, "region < 'f'")) == 8


def test_a_listing_ends_with_the_index_it_walks(glue: Any, table: dict[str, str]) -> None:
    glue.create_partition_index(**table, PartitionIndex=index("pair", "hour", "day"))
    expression = "hour = 9 AND day >= '2024-01-01'"
    token = glue.get_partitions(**table, Expression=expression, MaxResults=1)["NextToken"]
    glue.delete_partition_index(**table, IndexName="pair")
    with pytest.raises(glue.exceptions.InvalidInputException, match="start it again"):
        glue.get_partitions(**table, Expression=expression, NextToken=token)
