"""The control process: AWS wire, ``/_lakelet`` API, run queue, log shipping. It composes, and owns nothing itself.

    python -m lakelet.control

It alone opens the state database. SIGTERM ends it in order; runs go on under their shims, and the next control
process finds them again.
"""

from __future__ import annotations

import fcntl
import gc
import logging
import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from urllib.parse import urlsplit

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute

from lakelet import backup
from lakelet.api import StateRoutes, api_routes
from lakelet.aws import context as aws_context
from lakelet.aws.app import create_app
from lakelet.aws.connections import LimitedProtocol
from lakelet.aws.directory import Directory
from lakelet.aws.lookup import CatalogLookup
from lakelet.aws.services.glue import _optimizers
from lakelet.aws.services.glue._statistics import start_scheduled_run
from lakelet.aws.services.glue.crawls import start_crawler
from lakelet.catalog.crawlers.scheduler import Due, Scheduled, Scheduler, scheduled_crawlers
from lakelet.catalog.crawlers.store import CrawlerStore
from lakelet.catalog.grants.guard import Guard
from lakelet.catalog.grants.lake import Lake
from lakelet.catalog.hive.server import MetastoreServer
from lakelet.catalog.lineage import Lineage
from lakelet.catalog.partitions.builder import IndexBuilder
from lakelet.catalog.publishes import Publishes
from lakelet.catalog.store import CatalogStore
from lakelet.checkpoints import Checkpoints
from lakelet.identity.object_keys import ObjectKeys
from lakelet.identity.service import Identity
from lakelet.jobs import engines
from lakelet.jobs.launchers import environment, without_spark
from lakelet.jobs.principals import RunPrincipals
from lakelet.jobs.runner import Runner
from lakelet.jobs.store import JobStore
from lakelet.jobs.warm import WarmDrivers
from lakelet.jobs.warm_sail import WarmSail
from lakelet.query.service import SqlService
from lakelet.reset import Reset
from lakelet.restore import refuse_interrupted
from lakelet.search.shipper import LogShipper
from lakelet.stack.record import read_record
from lakelet.workspace.errors import LakeletError, StackError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret
from lakelet.workspace.state import checkpoint, open_state, owning, reading

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
OWNER_SECONDS = 30
CLOSE_SECONDS = 3.0
_LOG_LEFT = "The state database was closed with its log beside it: keep state.db-wal with state.db."


def main() -> int:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _end_in_order)
    try:
        serve(Workspace.find())
    except LakeletError as error:
        print(f"control: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _end_in_order(number: int, frame: FrameType | None) -> None:
    """Leave by every ``finally``: uvicorn raises SIGTERM again once it has ended, and the default is to die at once."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def serve(workspace: Workspace) -> None:
    """Compose the control process on ``control_port``'s recorded address and run it.

    Raises NotRunningError when the stack has not chosen its addresses, StackError when there is another one.
    """
    refuse_interrupted(workspace)
    address = urlsplit(workspace.endpoint("control"))
    with _sole_owner(workspace), _state(workspace) as engine:
        _serve(workspace, engine, address.hostname or "127.0.0.1", address.port or 80)


def _serve(workspace: Workspace, engine: Engine, host: str, port: int) -> None:
    catalog, jobs, crawlers = CatalogStore(engine), JobStore(engine), CrawlerStore(engine)
    publishes = Publishes(engine, catalog, workspace)
    common = environment(workspace)
    warm = {
        engines.SPARK: WarmDrivers(workspace, common, lambda: _spark_is_up(workspace)),
        engines.SAIL: WarmSail(workspace, common, lambda: True),
    }
    runner = Runner(workspace, jobs, publishes, warm, lambda: _components(workspace))
    object_keys = ObjectKeys(workspace, engine, Identity(workspace, engine))
    sql = SqlService(workspace, CatalogLookup(engine, catalog, publishes))
    context = aws_context.Context(
        workspace=workspace,
        engine=engine,
        catalog=catalog,
        publishes=publishes,
        jobs=jobs,
        crawlers=crawlers,
        runner=runner,
        object_keys=object_keys,
    )
    aws_context.use(context)
    checkpoints = Checkpoints(workspace, engine)
    lake = Lake(catalog, context.account_id)
    guard = Guard(lake, RunPrincipals(workspace, jobs, lambda name: context.identity.find_arn("role", name)))
    app = create_app(Directory.served(), _routes(context, sql, guard, warm[engines.SAIL], checkpoints))
    indexes = IndexBuilder(engine, catalog)
    checkpoints.start()
    indexes.start()
    publishes.start()
    object_keys.start()
    for drivers in warm.values():
        drivers.start()
    runner.start()
    sql.start()
    shipper = LogShipper(workspace)
    shipper.start()
    schedules = [
        Scheduler("Crawler", lambda: scheduled_crawlers(crawlers), start_crawler),
        Scheduler("Column statistics of", lambda: _scheduled_statistics(engine, catalog), start_scheduled_run),
        Scheduler("Optimizer of", lambda: map(Due, _optimizers.due()), _optimizers.start),
    ]
    for one in schedules:
        one.start()
    metastore = MetastoreServer(workspace, engine, catalog, publishes.settle, guard)
    metastore.start()
    _collect_seldom()
    try:
        uvicorn.run(
            app,
            host=host,
            port=port,
            loop="asyncio",
            http=LimitedProtocol,
            ws="none",
            proxy_headers=False,  # nobody stands between a client and this process
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    finally:
        metastore.stop()
        for one in schedules:
            one.stop()
        sql.close()
        runner.close()
        for drivers in warm.values():
            drivers.close()
        publishes.stop()
        object_keys.stop()
        indexes.stop()
        shipper.stop()
        checkpoints.stop()


def _collect_seldom() -> None:
    """Have the garbage collector leave alone what stays, and look at the rest less often.

    An answer of a thousand partitions makes tens of thousands of objects, none of them garbage while it is written; to
    go through all that the process has for them took a third of its time.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _scheduled_statistics(engine: Engine, catalog: CatalogStore) -> list[Scheduled]:
    with reading(engine) as connection:
        return catalog.statistics_settings.scheduled(connection)


def _routes(
    context: aws_context.Context, sql: SqlService, guard: Guard, sail: WarmDrivers, checkpoints: Checkpoints
) -> list[BaseRoute]:
    workspace, engine = context.workspace, context.engine
    lineage = Lineage(engine, context.catalog)
    token, reset = secret(workspace, "control_token"), Reset(workspace, engine, context.iam_changed)
    runs = context.jobs.runs_by_id
    state = StateRoutes(checkpoints.ages, partial(backup.cut, workspace, engine))
    return api_routes(
        context.publishes, lineage, runs, sql, token, guard, workspace.state, reset, sail.await_ready, state
    )


def _spark_is_up(workspace: Workspace) -> bool:
    # Warm drivers must not slow the start of what they are to work with.
    record = read_record(workspace)
    return record is not None and record.settled and not without_spark(workspace, _components(workspace))


def _components(workspace: Workspace) -> Collection[str] | None:
    record = read_record(workspace)
    return {component.name for component in record.components} if record is not None and record.components else None


@contextmanager
def _state(workspace: Workspace) -> Iterator[Engine]:
    # A throw-away state is never a database that somebody else has named.
    elsewhere = "" if workspace.ephemeral else workspace.settings.text("database_url")
    engine = open_state(elsewhere or workspace.database, durable=not workspace.ephemeral)
    try:
        with owning(engine):
            yield engine
    finally:
        _close(engine)


def _close(engine: Engine) -> None:
    """Move the log into the database file, which is then whole on its own; what is left is read at the next start."""
    deadline = time.monotonic() + CLOSE_SECONDS
    try:
        while not checkpoint(engine):  # a reader holds an older state
            if time.monotonic() > deadline:
                log.warning(_LOG_LEFT)
                break
            time.sleep(0.1)
    except SQLAlchemyError as error:  # a full disk
        log.warning("%s (%s)", _LOG_LEFT, error)
    engine.dispose()


@contextmanager
def _sole_owner(workspace: Workspace) -> Iterator[None]:
    """Hold the state database for this process; one that is just ending is waited for."""
    deadline = time.monotonic() + OWNER_SECONDS
    with open(workspace.state / "control.lock", "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StackError(
                        "Another control process owns this workspace: end it with `lakelet down`."
                    ) from None
                time.sleep(0.1)
        yield


if __name__ == "__main__":
    sys.exit(main())
