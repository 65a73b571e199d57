"""``lakelet catalog analyze`` and ``statistics``: computing what is known of a table's columns, and showing it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from lakelet.catalog.client import TableReference, get_table
from lakelet.catalog.glue import Glue
from lakelet.cli.output import Format, OutputOption, show_message, show_rows
from lakelet.workspace.errors import RunError
from lakelet.workspace.paths import Workspace

POLL_SECONDS = 0.2
ROLE = "lakelet"  # Glue wants one; the workspace's own keys are what a run reads with
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
_AT_ONCE = 100  # GetColumnStatisticsForTable takes so many names

TableArgument = Annotated[str, typer.Argument(metavar="DATABASE.TABLE", help="The table, as in silver.flights.")]


def analyze(
    table: TableArgument,
    column: Annotated[
        list[str] | None, typer.Option("--column", "-c", help="Only this column; may be repeated.")
    ] = None,
    sample: Annotated[
        float | None, typer.Option(min=0, max=100, metavar="PERCENT", help="The percentage of rows to read.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the run to end.")] = False,
    output: OutputOption = Format.text,
) -> None:
    """Compute the statistics of a table's columns from its data.

    Example: lakelet catalog analyze silver.flights --wait
    """
    reference, glue = TableReference.parse(table), Glue(Workspace.find())
    where = {"DatabaseName": reference.database, "TableName": reference.name}
    wanted = {"ColumnNameList": column, "SampleSize": sample}
    members = {member: value for member, value in wanted.items() if value is not None and value != []}
    run_id = glue.call("StartColumnStatisticsTaskRun", **where, Role=ROLE, **members)["ColumnStatisticsTaskRunId"]
    state = "STARTING"
    while wait and state not in _ENDED:
        time.sleep(POLL_SECONDS)
        run = glue.call("GetColumnStatisticsTaskRun", ColumnStatisticsTaskRunId=run_id)["ColumnStatisticsTaskRun"]
        state = run["Status"]
        if state in _ENDED and state != "SUCCEEDED":
            raise RunError(f"The statistics of {reference} ended {state}: {run.get('ErrorMessage', 'stopped')}")
    text = f"Statistics of {reference}: {state}; `lakelet catalog statistics {reference}` shows them."
    show_message(text, output, run_id=run_id, state=state)


def statistics(table: TableArgument, output: OutputOption = Format.text) -> None:
    """Show what is known of a table's columns: bounds, nulls, distinct values, lengths.

    Example: lakelet catalog statistics silver.flights
    """
    workspace, reference = Workspace.find(), TableReference.parse(table)
    found, glue = get_table(workspace, reference.database, reference.name), Glue(workspace)
    columns = [*found.get("StorageDescriptor", {}).get("Columns", ()), *found.get("PartitionKeys", ())]
    where, names = {"DatabaseName": reference.database, "TableName": reference.name}, [one["Name"] for one in columns]
    rows = []
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        answer = glue.call("GetColumnStatisticsForTable", **where, ColumnNames=part)
        rows += [_row(one) for one in answer["ColumnStatisticsList"]]
    show_rows(rows, output, ("column", "type", "analyzed", "statistics"))


def _row(one: dict[str, Any]) -> dict[str, Any]:
    data = next(value for member, value in one["StatisticsData"].items() if member != "Type")
    return {
        "column": one["ColumnName"],
        "type": one["ColumnType"],
        "analyzed": one["AnalyzedTime"],
        "statistics": ", ".join(f"{member}={value}" for member, value in data.items()),
    }
