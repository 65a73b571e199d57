"""Column statistics, computed by a run from what really lies in the lake."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from lakelet.data.objects import s3_client
from tests.clients import glue_client
from tests.conftest import Stack, eventually

pytestmark = pytest.mark.stack
COLUMNS = {"id": "bigint", "name": "string", "price": "decimal(8,2)", "seen": "date", "tags": "array<string>"}
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@pytest.fixture
def table(stack: Stack) -> Iterator[dict[str, str]]:
    """Two partitions of JSON lines: ten rows and five, the second without prices."""
    s3, glue = s3_client(stack.workspace), glue_client(stack.workspace)
    name = f"statistics-{uuid.uuid4().hex[:8]}"
    database = name.replace("-", "_")
    s3.create_bucket(Bucket=name)
    glue.create_database(DatabaseInput={"Name": database})
    descriptor = {
        "Columns": [{"Name": column, "Type": kind} for column, kind in COLUMNS.items()], "Location": f"s3://{name}/t/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
    }  # fmt: skip
    keys = [{"Name": "day", "Type": "string"}]
    table_input = {"Name": "t", "StorageDescriptor": descriptor, "PartitionKeys": keys}
    glue.create_table(DatabaseName=database, TableInput=table_input)
    for day, count in (("a", 10), ("b", 5)):
        rows = "".join(
            f'{{"id": {number}, "name": "{"x" * number}", "seen": "2013-01-{number + 1:02}"'
            + (f', "price": {number}.25}}' if day == "a" else "}")
            + "\n"
            for number in range(count)
        )
        s3.put_object(Bucket=name, Key=f"t/day={day}/rows.json", Body=rows.encode())
        place = descriptor | {"Location": f"s3://{name}/t/day={day}/"}
        glue.create_partition(
            DatabaseName=database, TableName="t", PartitionInput={"Values": [day], "StorageDescriptor": place}
        )
    yield {"DatabaseName": database, "TableName": "t"}
    for item in s3.list_objects_v2(Bucket=name).get("Contents", ()):
        s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)
    glue.delete_database(Name=database)


def run(glue: Any, table: dict[str, str], **members: Any) -> dict[str, Any]:
    run_id = glue.start_column_statistics_task_run(**table, Role="r", **members)["ColumnStatisticsTaskRunId"]

    def ended() -> Any:
        found = glue.get_column_statistics_task_run(ColumnStatisticsTaskRunId=run_id)["ColumnStatisticsTaskRun"]
        return found if found["Status"] in ENDED else None

    return dict(eventually(ended))


def test_a_run_computes_what_the_table_holds(stack: Stack, table: dict[str, str]) -> None:
    glue = glue_client(stack.workspace)
    assert run(glue, table)["Status"] == "SUCCEEDED"
    names = [*COLUMNS, "day"]
    answer = glue.get_column_statistics_for_table(**table, ColumnNames=names)
    found = {
        one["ColumnName"]: next(value for key, value in one["StatisticsData"].items() if key != "Type")
        for one in answer["ColumnStatisticsList"]
    }
    assert [one["ColumnName"] for one in answer["ColumnStatisticsList"]] == ["id", "name", "price", "seen", "day"]
    assert [one["Error"]["ErrorCode"] for one in answer["Errors"]] == ["EntityNotFoundException"]
    assert found["id"].pop("NumberOfDistinctValues") == pytest.approx(10, abs=1)  # an estimate
    assert found["id"] == {"MinimumValue": 0, "MaximumValue": 9, "NumberOfNulls": 0}
    assert found["name"]["MaximumLength"] == 9 and found["name"]["AverageLength"] == pytest.approx(55 / 15)
    assert found["price"]["NumberOfNulls"] == 5
    assert found["price"]["MaximumValue"] == {"UnscaledValue": (925).to_bytes(2, "big"), "Scale": 2}
    assert found["seen"]["MinimumValue"].date().isoformat() == "2013-01-01"
    assert found["day"] == {
        "MaximumLength": 1, "AverageLength": 1.0, "NumberOfNulls": 0, "NumberOfDistinctValues": 2,
    }  # fmt: skip


def test_only_named_columns_are_computed_and_a_failed_run_says_why(stack: Stack, table: dict[str, str]) -> None:
    glue = glue_client(stack.workspace)
    assert run(glue, table, ColumnNameList=["id"], SampleSize=100)["Status"] == "SUCCEEDED"
    answer = glue.get_column_statistics_for_table(**table, ColumnNames=["id", "name"])
    assert [one["ColumnName"] for one in answer["ColumnStatisticsList"]] == ["id"]
    view = {"Name": "t", "TableType": "VIRTUAL_VIEW", "StorageDescriptor": {"Columns": [{"Name": "id"}]}}
    glue.update_table(DatabaseName=table["DatabaseName"], TableInput=view | {"PartitionKeys": [{"Name": "day"}]})
    failed = run(glue, table)
    assert failed["Status"] == "FAILED" and "is a view" in failed["ErrorMessage"]


def lakelet(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", "from lakelet.cli.main import main; main()", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_line_computes_and_shows(stack: Stack, table: dict[str, str]) -> None:
    name = ".".join(table.values())
    ended = lakelet("catalog", "analyze", name, "--column", "id", "--wait")
    assert ended.returncode == 0 and "SUCCEEDED" in ended.stdout, ended
    shown = lakelet("catalog", "statistics", name).stdout
    assert "MaximumValue=9" in shown and "price" not in shown
    refused = lakelet("catalog", "analyze", name, "--column", "none")
    assert refused.returncode != 0 and "has no column none" in refused.stderr
