"""Table optimizers through boto3: their definitions, and their runs as they are recorded (here none is started)."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError

from lakelet.aws.context import current
from lakelet.aws.services.glue import _optimizers
from lakelet.catalog.optimizers import RESULT_FILE
from lakelet.catalog.optimizers.store import optimizers
from lakelet.workspace.runs import Run, RunState
from lakelet.workspace.state import writing
from tests.wire.conftest import Wire

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/optimizer"
KIND = "compaction"


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def place(glue: Any, database: str) -> dict[str, str]:
    put(glue, database, "t", "s3://silver/t/metadata/00001-a.metadata.json")
    return {"CatalogId": ACCOUNT, "DatabaseName": database, "TableName": "t"}


def put(glue: Any, database: str, name: str, metadata: str, change: str = "create_table") -> None:
    parameters = {"table_type": "ICEBERG", "metadata_location": metadata}
    table = {"Name": name, "Parameters": parameters, "StorageDescriptor": {"Location": "s3://silver/t"}}
    getattr(glue, change)(DatabaseName=database, TableInput=table)


def refused(code: str, call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def test_definitions(glue: Any, place: dict[str, str], database: str) -> None:
    options = {"icebergConfiguration": {"strategy": "binpack", "minInputFiles": 5}}
    configuration = {"roleArn": ROLE, "enabled": True, "compactionConfiguration": options}
    one = {**place, "Type": KIND}
    refused("EntityNotFoundException", glue.get_table_optimizer, **one)
    glue.create_table_optimizer(**one, TableOptimizerConfiguration=configuration)
    refused("AlreadyExistsException", glue.create_table_optimizer, **one, TableOptimizerConfiguration=configuration)
    found = glue.get_table_optimizer(**one)
    assert found["TableName"] == "t" and "lastRun" not in found["TableOptimizer"]
    assert (found["TableOptimizer"]["type"], found["TableOptimizer"]["configuration"]) == (KIND, configuration)
    assert found["TableOptimizer"]["configurationSource"] == "table"
    glue.update_table_optimizer(**one, TableOptimizerConfiguration={"enabled": False})
    assert glue.get_table_optimizer(**one)["TableOptimizer"]["configuration"] == {"enabled": False}
    refused("EntityNotFoundException", glue.update_table_optimizer, **place, Type="retention",
            TableOptimizerConfiguration={"enabled": False})  # fmt: skip

    wanted = [{"catalogId": ACCOUNT, "databaseName": database, "tableName": "t", "type": kind}
              for kind in (KIND, "retention")]  # fmt: skip
    several = glue.batch_get_table_optimizer(Entries=[*wanted, {"type": KIND}])
    assert [one["tableOptimizer"]["type"] for one in several["TableOptimizers"]] == [KIND]
    codes = [one["error"]["ErrorCode"] for one in several["Failures"]]
    assert codes == ["EntityNotFoundException", "InvalidInputException"]
    glue.delete_table_optimizer(**one)
    refused("EntityNotFoundException", glue.delete_table_optimizer, **one)
    glue.create_table_optimizer(**one, TableOptimizerConfiguration=configuration)
    glue.delete_table(DatabaseName=database, Name="t")  # which takes them along
    put(glue, database, "t", "s3://silver/t/metadata/00001-b.metadata.json")
    refused("EntityNotFoundException", glue.get_table_optimizer, **one)


def test_bad_input(glue: Any, place: dict[str, str], database: str) -> None:
    create = glue.create_table_optimizer
    glue.create_table(DatabaseName=database, TableInput={"Name": "plain"})
    plain = place | {"TableName": "plain"}
    on = {"enabled": True}
    assert "no Iceberg" in refused("InvalidInputException", create, **plain, Type=KIND, TableOptimizerConfiguration=on)
    refused(
        "EntityNotFoundException", create, **place | {"TableName": "none"}, Type=KIND, TableOptimizerConfiguration=on
    )
    refused("EntityNotFoundException", create, **place | {"CatalogId": "0" * 12}, Type=KIND,
            TableOptimizerConfiguration=on)  # fmt: skip
    for configuration, code, said in (
        (
            {"compactionConfiguration": {"icebergConfiguration": {"strategy": "sort"}}},
            "NotImplementedException",
            "sort",
        ),
        ({"retentionConfiguration": {"icebergConfiguration": {"runRateInHours": 9}}}, "InvalidInputException", KIND),
        ({"vpcConfiguration": {"glueConnectionName": "none"}}, "InvalidInputException", "none"),
    ):
        assert said in refused(code, create, **place, Type=KIND, TableOptimizerConfiguration=configuration)
    refused("ValidationException", create, **place, Type="polish", TableOptimizerConfiguration=on)


def test_when_one_is_due_and_what_its_runs_say(glue: Any, place: dict[str, str], database: str) -> None:
    one, names = {**place, "Type": KIND}, (database, "t", KIND)

    def is_due() -> bool:
        return names in list(_optimizers.due())

    def last() -> dict[str, Any]:
        found: dict[str, Any] = glue.get_table_optimizer(**one)["TableOptimizer"]["lastRun"]
        return found

    glue.create_table_optimizer(**one, TableOptimizerConfiguration={"enabled": False})
    assert not is_due()
    glue.update_table_optimizer(**one, TableOptimizerConfiguration={"enabled": True})
    assert is_due()
    _optimizers.start(*names)
    assert not is_due() and last()["eventType"] == "starting"
    (run,) = current().jobs.runs(_optimizers.KIND, f"{database}.t {KIND}")
    current().jobs.move(run, RunState.STOPPED, ended_at=time.time())
    assert last()["eventType"] == "failed" and not is_due()  # it is tried again, but not yet
    glue.update_table_optimizer(**one, TableOptimizerConfiguration={"enabled": True})
    assert is_due()

    left = "s3://silver/t/metadata/00002-a.metadata.json"
    metrics = {"NumberOfFilesCompacted": 3, "NumberOfBytesCompacted": 10}
    put(glue, database, "t", left, "update_table")
    succeeded(run, 0, {"metrics": metrics, "metadata": left})
    found = last()
    assert (found["eventType"], found["compactionStrategy"]) == ("completed", "binpack")
    done = found["compactionMetrics"]["IcebergMetrics"]
    assert {name: done[name] for name in metrics} == metrics and 0 < done["JobDurationInHour"] < 1
    assert not is_due()  # the table is as the run left it
    put(glue, database, "t", "s3://silver/t/metadata/00003-a.metadata.json", "update_table")
    assert not is_due()  # so soon after it
    with writing(current().engine) as connection:
        connection.execute(sa.update(optimizers).values(updated_at=0.0))
    succeeded(run, -100, {"metrics": metrics, "metadata": left})
    assert is_due()

    first = glue.list_table_optimizer_runs(**one, MaxResults=1)
    second = glue.list_table_optimizer_runs(**one, MaxResults=2, NextToken=first["NextToken"])
    events = [shown["eventType"] for page in (first, second) for shown in page["TableOptimizerRuns"]]
    assert events == ["completed", "completed", "failed"] and "NextToken" not in second
    refused("InvalidInputException", glue.list_table_optimizer_runs, **one, MaxResults=0)
    refused("InvalidInputException", glue.list_table_optimizer_runs, **one, NextToken="x")
    refused("EntityNotFoundException", glue.list_table_optimizer_runs, **place, Type="retention")


def succeeded(run: Run, seconds: float, result: dict[str, Any]) -> None:
    """A run of that optimizer that succeeded, submitted so many seconds from now."""
    jobs, folder = current().jobs, current().workspace.runs
    at = time.time() + seconds
    later = replace(run, id=str(uuid.uuid4()), state=RunState.SUCCEEDED, submitted_at=at, ended_at=at + 9)
    jobs.add_run(later)
    (folder / later.id).mkdir(parents=True)
    (folder / later.id / RESULT_FILE).write_text(json.dumps(result))


def test_retention_runs_by_its_rate(glue: Any, place: dict[str, str], database: str) -> None:
    options = {"retentionConfiguration": {"icebergConfiguration": {"runRateInHours": 3}}}
    glue.create_table_optimizer(**place, Type="retention", TableOptimizerConfiguration=options)
    _optimizers.start(database, "t", "retention")
    (run,) = current().jobs.runs(_optimizers.KIND, f"{database}.t retention")
    with writing(current().engine) as connection:
        connection.execute(sa.update(optimizers).values(updated_at=0.0))
    current().jobs.move(run, RunState.STOPPED, ended_at=time.time())
    succeeded(run, -2 * 3600, {"metrics": {}, "metadata": None})
    assert (database, "t", "retention") not in list(_optimizers.due())
    succeeded(run, -4 * 3600, {"metrics": {}, "metadata": None})
    assert (database, "t", "retention") in list(_optimizers.due())
