"""``POST /_lakelet/sql``: one statement, answered as JSON or as an Arrow stream; a client that leaves cancels it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lakelet import bodies
from lakelet.query.pool import Cancellation
from lakelet.query.results import Form
from lakelet.query.service import Answer, SqlService
from lakelet.workspace.errors import LakeletError, QueryError

WAITING = 32  # statements that may hold a thread; those beyond wait without one


def sql_handler(service: SqlService) -> Callable[[Request, dict[str, Any]], Awaitable[Response]]:
    """The handler of ``{sql, database?}``; ``Accept`` chooses the form of the answer."""
    limiter: list[anyio.CapacityLimiter] = []  # made in the event loop that serves

    async def handler(request: Request, body: dict[str, Any]) -> Response:
        bodies.only(body, "sql", "database")
        sql, database = bodies.text(body, "sql"), bodies.optional_text(body, "database")
        form = Form.arrow if Form.arrow.value in request.headers.get("accept", "") else Form.json
        if not limiter:
            limiter.append(anyio.CapacityLimiter(WAITING))
        cancellation = Cancellation()
        run = functools.partial(service.run, sql, database, form, cancellation)
        answer = await _unless_gone(request, run, cancellation, limiter[0])
        headers = {
            "X-Lakelet-Rows": str(answer.rows),
            "X-Lakelet-Seconds": f"{answer.seconds:.3f}",
        }
        if (content := answer.whole()) is not None:
            return Response(content, headers=headers, media_type=form.value)
        headers["Content-Length"] = str(answer.size)
        return StreamingResponse(answer.chunks(), headers=headers, media_type=form.value)

    return handler


async def _unless_gone(
    request: Request, run: Callable[[], Answer], cancellation: Cancellation, limiter: anyio.CapacityLimiter
) -> Answer:
    """The answer of ``run`` in a thread, while somebody waits for it."""
    outcome: list[Answer | LakeletError] = []

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        cancellation.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            outcome.append(await anyio.to_thread.run_sync(run, limiter=limiter))
        except LakeletError as error:  # outside the group it would arrive wrapped
            outcome.append(error)
        tasks.cancel_scope.cancel()
    (result,) = outcome or [QueryError("The statement was cancelled.")]
    if isinstance(result, LakeletError):
        raise result
    return result
