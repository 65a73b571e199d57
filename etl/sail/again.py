"""Requests that Sail has ended with an error of their plan, and that are asked once more by another plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lakelet.etl.sail.protos import copied


def asked_again(
    fetch: Callable[..., Iterator[Any]], remedy: Callable[[Any, Any, Exception], Any]
) -> Callable[..., Iterator[Any]]:
    """The requests of pyspark's client (``_execute_and_fetch_as_iterator``) behind a remedy: of the client, the plan
    and the error it makes another plan, or returns the same one. What has sent rows already is not asked again.
    """
    from pyarrow import RecordBatch
    from pyspark.errors import PySparkException

    def fetched(client: Any, request: Any, *args: Any, **options: Any) -> Iterator[Any]:
        seen = False
        try:
            for one in fetch(client, request, *args, **options):
                seen = seen or isinstance(one, RecordBatch)
                yield one
        except PySparkException as error:
            plan = request.plan if seen else remedy(client, request.plan, error)
            if plan is request.plan:
                raise
        else:
            return
        yield from fetch(client, with_plan(request, plan), *args, **options)

    return fetched


def with_plan(request: Any, plan: Any) -> Any:
    """The request of another plan."""
    own = copied(request)
    own.plan.CopyFrom(plan)
    own.ClearField("operation_id")
    return own
