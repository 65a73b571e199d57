"""``/_lakelet``: the few things that AWS has no operation for (docs/architecture.md), for those who hold the token."""

from __future__ import annotations

import hmac
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from lakelet import bodies
from lakelet.aws.operations import read_structure
from lakelet.catalog.grants.guard import OWNER, Client, Guard
from lakelet.catalog.lineage import Lineage
from lakelet.catalog.publish_records import PLACE
from lakelet.catalog.publishes import Publishes
from lakelet.lineage_api import FindRuns, lineage_handler
from lakelet.query.service import SqlService
from lakelet.sql_api import sql_handler
from lakelet.workspace import disk
from lakelet.workspace.control import error_body
from lakelet.workspace.errors import (
    InternalServiceException,
    LakeletError,
    ServiceError,
    UsageError,
    ValidationException,
)

log = logging.getLogger(__name__)

WARM_SECONDS = 30.0  # the most that a request waits for a driver
Handler = Callable[[Request, dict[str, Any]], "dict[str, Any] | Response | Awaitable[Response]"]


@dataclass(frozen=True)
class StateRoutes:
    """``GET state`` (the generations of the state and of the objects) and ``POST backups`` (finish one in a folder)."""

    ages: Callable[[], dict[str, Any]]
    cut: Callable[[Path], dict[str, Any]]

    def routes(self, route: Callable[[str, str, Handler], Route]) -> list[Route]:
        """Both, made by ``route`` (path, method, handler)."""

        def ages(request: Request, body: dict[str, Any]) -> dict[str, Any]:
            bodies.only(body)
            return self.ages()

        def backup(request: Request, body: dict[str, Any]) -> dict[str, Any]:
            bodies.only(body, "folder")
            return self.cut(Path(bodies.text(body, "folder")))

        return [route("/state", "GET", ages), route("/backups", "POST", backup)]


def api_routes(
    publishes: Publishes,
    lineage: Lineage,
    find_runs: FindRuns,
    sql: SqlService,
    token: str,
    guard: Guard,
    folder: Path,
    reset: Callable[[], dict[str, Any]] | None = None,
    sail_ready: Callable[[float], bool] = lambda seconds: False,
    state_routes: StateRoutes | None = None,
) -> list[BaseRoute]:
    """The routes of the control process's own API; every one but ``health`` asks for ``Bearer <token>``.

    ``folder`` is the state folder, whose disk may be full.
    """

    def wipe(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body)
        if reset is None:
            raise UsageError("Nothing can be reset here.")
        return reset()

    def begin(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body, "run_id", "database", "table", "location", "token")
        database, table = bodies.optional_text(body, "database"), bodies.optional_text(body, "table")
        if database and table:
            guard.require(_client(request), database, table, "INSERT")
        run_id, location = bodies.text(body, "run_id"), bodies.text(body, "location")
        return publishes.begin(run_id, database, table, location, bodies.optional_text(body, "token") or "")

    def commit(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body, "add", "remove", "partitions", "remove_partitions", "table_input", "sequence")
        body["sequence"] = bodies.number(body, "sequence")
        for member in ("add", "remove", "partitions", "remove_partitions"):
            body[member] = bodies.items(body, member)
        if not all(isinstance(key, str) for key in body["remove"]):
            raise ValidationException("A commit's remove is a list of keys.")
        if not all(isinstance(one, list) and all(isinstance(v, str) for v in one) for one in body["remove_partitions"]):
            raise ValidationException("A commit's remove_partitions is a list of partitions' values, lists of text.")
        if body.get("table_input") is not None:
            body["table_input"] = read_structure("glue", "TableInput", body["table_input"])
        database, table = publishes.get(request.path_params["publish"]).key
        if database != PLACE and body["remove"]:
            guard.require(_client(request), database, table, "DELETE")
        body["partitions"] = [read_structure("glue", "PartitionInput", partition) for partition in body["partitions"]]
        is_new = database != PLACE and not guard.knows(database, table)
        state = publishes.commit(request.path_params["publish"], **body)
        if is_new:
            guard.created(_client(request), database, table)
        return {"state": state}

    def state(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body)
        return {"state": publishes.get(request.path_params["publish"]).state}

    def abort(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body)
        publishes.abort(request.path_params["publish"])
        return {"state": "ABORTED"}

    def unsettled(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body)
        members = ("id", "state", "target", "run_id", "opened_at")
        listed = [
            {**{name: getattr(one, name) for name in members}, "reason": why} for one, why in publishes.unsettled()
        ]
        return {"publishes": listed}

    def give_up(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body)
        return {"state": "GIVEN_UP", "outcome": publishes.give_up(request.path_params["publish"])}

    def sequence(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body, "database", "table", "run_id", "select")
        database, table = bodies.text(body, "database"), bodies.text(body, "table")
        visible = guard.readable(_client(request), database, table) if bodies.flag(body, "select") else None
        found = publishes.sequence(database, table)
        if (run_id := bodies.optional_text(body, "run_id")) is not None:
            lineage.read(run_id, database, table)
        return {"sequence": found, **({"visible": visible.to_json()} if visible else {})}

    def _client(request: Request) -> Client:
        peer, here = request.client, request.scope.get("server")
        return guard.client((peer.host, peer.port), (here[0], here[1])) if peer and here else OWNER

    def route(path: str, method: str, handler: Handler) -> Route:
        return Route(path, _guarded(handler, token, folder), methods=[method])

    return [
        Mount(
            "/_lakelet",
            routes=[
                Route("/health", _health, methods=["GET"]),
                route("/publishes", "POST", begin),
                route("/publishes", "GET", unsettled),
                route("/publishes/{publish}", "GET", state),
                route("/publishes/{publish}/commit", "POST", commit),
                route("/publishes/{publish}", "DELETE", abort),
                route("/publishes/{publish}/give-up", "POST", give_up),
                route("/sequence", "POST", sequence),
                route("/lineage", "POST", lineage_handler(lineage, find_runs)),
                route("/sql", "POST", sql_handler(sql)),
                route("/reset", "POST", wipe),
                *(state_routes.routes(route) if state_routes else ()),
                route("/warm-sail", "POST", _warm_handler(sail_ready)),
            ],
        )
    ]


def _warm_handler(sail_ready: Callable[[float], bool]) -> Handler:
    def warm(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body)
        return {"ready": sail_ready(WARM_SECONDS)}

    return warm


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _guarded(handler: Handler, token: str, folder: Path) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that asks for the token, reads JSON, calls ``handler`` and answers errors by name.

    A plain function is called in a thread, a coroutine function in the event loop.
    """

    async def endpoint(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return JSONResponse(error_body(UsageError("This needs the control token of the workspace.")), 401)
        try:
            body = bodies.parse(await request.body())
            if inspect.iscoroutinefunction(handler):
                answer = await handler(request, body)
            else:
                answer = await run_in_threadpool(handler, request, body)
        except LakeletError as error:
            return JSONResponse(error_body(error), error.status if isinstance(error, ServiceError) else 400)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.url.path)
            failed = InternalServiceException(
                disk.message_of(error, folder) or "The control process failed: see `lakelet logs control`."
            )
            return JSONResponse(error_body(failed), failed.status)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return endpoint
