"""Values of other types than a plan's functions take. Spark makes them fit (:mod:`lakelet.etl.sail.coercion`); Sail,
which knows types only when it plans, ends with an error. That error is met here: the types are asked for, the values
told in those that Spark makes of them, and what was asked is asked once more. A plan without such values costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lakelet.etl.sail import coerced_sql, engine
from lakelet.etl.sail.again import asked_again, with_plan
from lakelet.etl.sail.coerced_plans import coerced
from lakelet.workspace.paths import Workspace

_OF_A_ROW = re.compile(r"Cannot cast string '|to Timestamp\(ns\)|Overflow happened on: -?\d+ \* 86400000000000")
_OF_TYPES = re.compile(  # what Sail says of a plan, or of a row
    rf"\b(?:Large)?Utf8|Timestamp\(Nanosecond|Duration\(Nanosecond|Cannot infer common argument type"
    rf"|missing from the schema: cannot resolve attribute|{_OF_A_ROW.pattern}"
)
_met: list[str] = []  # values of rows that did not fit


def install(workspace: Workspace) -> None:
    """Stand before the requests of pyspark's client."""
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import SparkConnectClient

    _met.clear()
    fetch, analyze = SparkConnectClient._execute_and_fetch_as_iterator, SparkConnectClient._analyze

    def typed(client: Any, plan: Any) -> Any:
        return coerced(plan, lambda one: analyze(client, "schema", plan=one).schema)

    def remedy(client: Any, plan: Any, error: Exception) -> Any:
        writes = is_of_a_row(error) and plan.command.HasField("write_operation")
        return plan if writes or not _is_of_types(error) else typed(client, plan)

    again = asked_again(fetch, remedy)

    def fetched(client: Any, request: Any, *args: Any, **options: Any) -> Iterator[Any]:
        return again(client, with_plan(request, typed(client, request.plan)) if _met else request, *args, **options)

    def analyzed(client: Any, method: str, **asked: Any) -> Any:
        try:
            return analyze(client, method, **asked)
        except PySparkException as error:
            plan = asked.get("plan")
            own = typed(client, plan) if plan is not None and _is_of_types(error) else plan
            if own is plan:
                raise
        return analyze(client, method, **asked | {"plan": own})

    engine.replace(SparkConnectClient, "_execute_and_fetch_as_iterator", fetched)
    engine.replace(SparkConnectClient, "_analyze", analyzed)


def is_of_a_row(error: Exception) -> bool:
    """Whether an action has ended for a value of a row that is none of a type. Values are told in the types that Spark
    makes of them beforehand from then on."""
    if found := _OF_A_ROW.search(str(error)):
        _met.append(found[0])
    return bool(found)


def in_statement(session: Any, text: str, error: Exception) -> str | None:
    """A statement whose values have the types that Spark makes of them, of which Sail has said that they do not fit;
    None, if it has said something else, or they are no columns of its tables."""
    from pyspark.errors import PySparkException

    def columns(name: str) -> list[tuple[str, str]]:
        try:
            found: list[tuple[str, str]] = session.table(name).dtypes
        except PySparkException:  # as of a function that makes rows
            return []
        return found

    return coerced_sql.of_statement(text, columns) if _is_of_types(error) else None


def _is_of_types(error: Exception) -> bool:
    return bool(_OF_TYPES.search(str(error)))
