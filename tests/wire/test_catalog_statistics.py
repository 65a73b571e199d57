"""Runs that compute column statistics, and their settings, over the wire; here a run waits, tests/stack runs one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakelet.aws.context import current
from lakelet.aws.services.glue._statistics import start_scheduled_run
from lakelet.workspace.errors import ColumnStatisticsTaskRunningException
from lakelet.workspace.state import reading
from tests.wire.conftest import Wire

COLUMNS = [{"Name": "A", "Type": "int"}, {"Name": "b", "Type": "array<int>"}]
EVERY_DAY = "cron(0 12 * * ? *)"


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def table(glue: Any, database: str) -> Any:
    descriptor = {"Columns": COLUMNS, "Location": "s3://b/t/"}
    keys = [{"Name": "day", "Type": "date"}]
    glue.create_table(
        DatabaseName=database, TableInput={"Name": "t", "StorageDescriptor": descriptor, "PartitionKeys": keys}
    )
    where = {"DatabaseName": database, "TableName": "t"}
    yield where
    for run in glue.get_column_statistics_task_runs(**where)["ColumnStatisticsTaskRuns"]:
        if run["Status"] == "STARTING":
            glue.stop_column_statistics_task_run(**where)


def refusal(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**members)
    return str(refused.value.response["Error"]["Code"])


def test_a_table_has_one_run_at_a_time_and_it_is_found_again(glue: Any, table: dict[str, str]) -> None:
    missing = {"DatabaseName": table["DatabaseName"], "TableName": "none"}
    assert refusal(glue.start_column_statistics_task_run, **missing, Role="r") == "EntityNotFoundException"
    assert refusal(glue.stop_column_statistics_task_run, **table) == "ColumnStatisticsTaskNotRunningException"
    run_id = glue.start_column_statistics_task_run(**table, Role="r", ColumnNameList=["a", "Day"], SampleSize=12.5)
    run_id = run_id["ColumnStatisticsTaskRunId"]
    run = glue.get_column_statistics_task_run(ColumnStatisticsTaskRunId=run_id)["ColumnStatisticsTaskRun"]
    assert (run["Status"], run["Role"], run["SampleSize"]) == ("STARTING", "r", 12.5)
    assert run["ColumnNameList"] == ["a", "day"] and table.items() <= run.items()
    assert refusal(glue.start_column_statistics_task_run, **table, Role="r") == "ColumnStatisticsTaskRunningException"
    glue.stop_column_statistics_task_run(**table)
    second = glue.start_column_statistics_task_run(**table, Role="r")["ColumnStatisticsTaskRunId"]
    first = glue.list_column_statistics_task_runs(MaxResults=1)
    assert first["ColumnStatisticsTaskRunIds"] == [second]
    rest = glue.list_column_statistics_task_runs(MaxResults=1, NextToken=first["NextToken"])
    assert rest["ColumnStatisticsTaskRunIds"] == [run_id]
    of_table = glue.get_column_statistics_task_runs(**table)["ColumnStatisticsTaskRuns"]
    assert [(one["ColumnStatisticsTaskRunId"], one["Status"]) for one in of_table] == [
        (second, "STARTING"), (run_id, "STOPPED"),
    ]  # fmt: skip
    unknown = "12345678-1234-1234-1234-123456789012"
    assert refusal(glue.get_column_statistics_task_run, ColumnStatisticsTaskRunId=unknown) == "EntityNotFoundException"


@pytest.mark.parametrize("wrong", [{"ColumnNameList": ["none"]}, {"ColumnNameList": ["b"]}, {"SampleSize": 0}])
def test_what_cannot_be_computed_is_refused_before_it_runs(glue: Any, table: Any, wrong: dict[str, Any]) -> None:
    assert refusal(glue.start_column_statistics_task_run, **table, Role="r", **wrong) == "InvalidInputException"
    create = glue.create_column_statistics_task_settings
    assert refusal(create, **table, Role="r", **wrong) == "InvalidInputException"
    assert not glue.get_column_statistics_task_runs(**table)["ColumnStatisticsTaskRuns"]


def test_settings_are_kept_changed_switched_and_forgotten(glue: Any, table: dict[str, str]) -> None:
    get, create = glue.get_column_statistics_task_settings, glue.create_column_statistics_task_settings
    update = glue.update_column_statistics_task_settings
    start, stop = glue.start_column_statistics_task_run_schedule, glue.stop_column_statistics_task_run_schedule
    for call in (get, update, start, stop, glue.delete_column_statistics_task_settings):
        assert refusal(call, **table) == "EntityNotFoundException"
    create(**table, Role="r", ColumnNameList=["A"], SampleSize=50)
    assert refusal(create, **table, Role="r") == "AlreadyExistsException"
    assert refusal(start, **table) == "InvalidInputException"  # it has no schedule yet
    assert refusal(update, **table, Schedule="every day") == "InvalidInputException"
    update(**table, Schedule=EVERY_DAY, ColumnNameList=[])
    settings = get(**table)["ColumnStatisticsTaskSettings"]
    assert settings["Schedule"] == {"ScheduleExpression": EVERY_DAY, "State": "SCHEDULED"}
    assert (settings["Role"], settings["SampleSize"], settings["ScheduleType"]) == ("r", 50.0, "CRON")
    assert "ColumnNameList" not in settings
    assert scheduled() == [(table["DatabaseName"], "t")]
    stop(**table)
    assert get(**table)["ColumnStatisticsTaskSettings"]["Schedule"]["State"] == "NOT_SCHEDULED"
    assert scheduled() == []
    start(**table)
    assert scheduled() == [(table["DatabaseName"], "t")]
    glue.delete_column_statistics_task_settings(**table)
    assert refusal(get, **table) == "EntityNotFoundException" and scheduled() == []


def test_settings_go_with_their_table(glue: Any, table: dict[str, str]) -> None:
    glue.create_column_statistics_task_settings(**table, Role="r", Schedule=EVERY_DAY)
    glue.delete_table(DatabaseName=table["DatabaseName"], Name="t")
    glue.create_table(DatabaseName=table["DatabaseName"], TableInput={"Name": "t"})
    assert refusal(glue.get_column_statistics_task_settings, **table) == "EntityNotFoundException"
    assert scheduled() == []


def test_a_schedule_says_what_it_started_or_why_it_did_not(glue: Any, table: dict[str, str]) -> None:
    glue.create_column_statistics_task_settings(**table, Role="r", Schedule=EVERY_DAY, SampleSize=10)
    start_scheduled_run(table["DatabaseName"], "t")
    settings = glue.get_column_statistics_task_settings(**table)["ColumnStatisticsTaskSettings"]
    attempt = settings["LastExecutionAttempt"]
    (run,) = glue.get_column_statistics_task_runs(**table)["ColumnStatisticsTaskRuns"]
    assert (attempt["Status"], attempt["ColumnStatisticsTaskRunId"]) == ("STARTED", run["ColumnStatisticsTaskRunId"])
    assert run["SampleSize"] == 10
    with pytest.raises(ColumnStatisticsTaskRunningException):
        start_scheduled_run(table["DatabaseName"], "t")
    settings = glue.get_column_statistics_task_settings(**table)["ColumnStatisticsTaskSettings"]
    attempt = settings["LastExecutionAttempt"]
    assert attempt["Status"] == "FAILED" and "already" in attempt["ErrorMessage"]


def scheduled() -> list[tuple[str, ...]]:
    context = current()
    with reading(context.engine) as connection:
        return [one.names for one in context.catalog.statistics_settings.scheduled(connection)]
