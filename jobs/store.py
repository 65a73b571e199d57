"""Job definitions and run records in the state database; a run changes state in one place only."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from lakelet.workspace.errors import AlreadyExistsException, ConcurrentRunsExceededException, EntityNotFoundException
from lakelet.workspace.runs import ENDED, LIVE, Run, RunState, may_follow
from lakelet.workspace.state import metadata, reading, writing

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),  # Glue's Job structure without the columns beside it
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("modified_at", sa.Float, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),  # the order of the queue
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("previous_id", sa.String),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("cores", sa.Integer, nullable=False),
    sa.Column("memory_mb", sa.Integer, nullable=False),
    sa.Column("timeout_seconds", sa.Integer, nullable=False),
    sa.Column("max_retries", sa.Integer, nullable=False),
    sa.Column("submitted_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("exit_code", sa.Integer),
    sa.Index("runs_of", "kind", "name", "ordinal"),
)


class JobStore:
    """The control process's job definitions and the runs of every kind."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # -- definitions -------------------------------------------------------------------------------------------

    def create_job(self, name: str, body: dict[str, Any]) -> None:
        """Store a new definition. Raises AlreadyExistsException."""
        now = time.time()
        with writing(self._engine) as connection:
            if connection.scalar(sa.select(jobs.c.name).where(jobs.c.name == name)):
                raise AlreadyExistsException(f"Job {name} exists already: update it, or choose another name.")
            connection.execute(jobs.insert().values(name=name, body=body, created_at=now, modified_at=now))

    def replace_job(self, name: str, body: dict[str, Any]) -> None:
        """Store another definition under a known name, as UpdateJob does. Raises EntityNotFoundException."""
        with writing(self._engine) as connection:
            changed = connection.execute(
                jobs.update().where(jobs.c.name == name).values(body=body, modified_at=time.time())
            )
            if not changed.rowcount:
                raise _no_job(name)

    def delete_job(self, name: str) -> bool:
        """Forget a definition; its runs stay. Returns whether it was there."""
        with writing(self._engine) as connection:
            return bool(connection.execute(jobs.delete().where(jobs.c.name == name)).rowcount)

    def job(self, name: str) -> dict[str, Any]:
        """Glue's Job structure. Raises EntityNotFoundException."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.name == name)).one_or_none()
        if row is None:
            raise _no_job(name)
        return _job(row)

    def jobs(self, after: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """The definitions with a name greater than ``after``, by name."""
        query = sa.select(jobs).where(jobs.c.name > after).order_by(jobs.c.name).limit(limit)
        with reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(query)]

    # -- runs --------------------------------------------------------------------------------------------------

    def add_run(self, run: Run, max_concurrent: int | None = None) -> Run:
        """Put a new run into the queue.

        Raises ConcurrentRunsExceededException when ``max_concurrent`` runs of that kind and name have not ended.
        """
        with writing(self._engine) as connection:
            if max_concurrent is not None:
                open_runs = sa.select(sa.func.count()).where(
                    runs.c.kind == run.kind, runs.c.name == run.name, runs.c.state.not_in(ENDED)
                )
                if (connection.scalar(open_runs) or 0) >= max_concurrent:
                    raise ConcurrentRunsExceededException(
                        f"Concurrent runs exceeded for {run.name}: its MaxConcurrentRuns is {max_concurrent}; "
                        "wait for a run to end, or raise it."
                    )
            connection.execute(runs.insert().values(**asdict(run)))
        return run

    def run(self, run_id: str) -> Run:
        """One run. Raises EntityNotFoundException."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Run {run_id} does not exist: list the runs with `lakelet jobs runs`.")
        return _run(row)

    def runs_by_id(self, run_ids: Collection[str]) -> dict[str, Run]:
        """Those of some runs that exist, by their ids."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(runs).where(runs.c.id.in_(run_ids)))
            return {row.id: _run(row) for row in rows}

    def runs(self, kind: str, name: str | None = None, before: int | str | None = None, limit: int = 200) -> list[Run]:
        """The newest runs first; ``before`` is the :meth:`ordinal` of the last run of the page before."""
        query = sa.select(runs).where(runs.c.kind == kind).order_by(runs.c.ordinal.desc()).limit(limit)
        if name is not None:
            query = query.where(runs.c.name == name)
        if before is not None:
            query = query.where(runs.c.ordinal < int(before))
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(query)]

    def ordinal(self, run_id: str) -> int:
        """The place of a run in the order of submission."""
        with reading(self._engine) as connection:
            return int(connection.scalar(sa.select(runs.c.ordinal).where(runs.c.id == run_id)) or 0)

    def waiting(self) -> list[Run]:
        """The queue, first come first."""
        return self._in_states([RunState.WAITING])

    def live(self) -> list[Run]:
        """The runs that have, or are about to have, a process."""
        return self._in_states(LIVE)

    def _in_states(self, states: Iterable[RunState]) -> list[Run]:
        query = sa.select(runs).where(runs.c.state.in_(list(states))).order_by(runs.c.ordinal)
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(query)]

    def move(self, run: Run, state: RunState, *, successor: Run | None = None, **changes: Any) -> Run | None:
        """Take ``run`` to ``state``, if it still is in the state that the caller saw; the only way a state changes.

        ``changes`` are other fields of the run; ``successor`` (a retry) enters the queue in the same transaction.
        Returns the run as it is now, or None when somebody else moved it first. Raises ValueError for a step
        that the state machine does not have.
        """
        if not may_follow(run.state, state):
            raise ValueError(f"a run does not go from {run.state} to {state}")
        moved = replace(run, state=state, **changes)
        with writing(self._engine) as connection:
            changed = connection.execute(
                runs.update()
                .where(runs.c.id == run.id, runs.c.state == run.state)
                .values(state=state, **{name: getattr(moved, name) for name in changes})
            )
            if not changed.rowcount:
                return None
            if successor is not None:
                connection.execute(runs.insert().values(**asdict(successor)))
        return moved

    def explain(self, reasons: Sequence[tuple[Run, str]]) -> None:
        """Say why runs are where they are; no state changes."""
        if not reasons:
            return
        with writing(self._engine) as connection:
            for run, reason in reasons:
                connection.execute(
                    runs.update().where(runs.c.id == run.id, runs.c.state == run.state).values(reason=reason)
                )


def _job(row: Any) -> dict[str, Any]:
    return {"Name": row.name, **row.body, "CreatedOn": row.created_at, "LastModifiedOn": row.modified_at}


def _run(row: Any) -> Run:
    values = {name: value for name, value in row._mapping.items() if name != "ordinal"}
    return Run(**{**values, "state": RunState(row.state)})


def _no_job(name: str) -> EntityNotFoundException:
    return EntityNotFoundException(f"Job {name} not found. List the jobs with `lakelet jobs list`.")
