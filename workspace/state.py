"""The control process's database: SQLAlchemy Core over SQLite (WAL, every commit synced). It has one owner.

Each room declares its own tables on :data:`metadata`, in a module named ``store``; the layout test holds that only
the control process imports those.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from workspace.errors import StackError

# Every constraint has a name, so that a later migration can drop it.
metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

BUSY_SECONDS = 30
MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def open_state(database: Path) -> sa.Engine:
    """Open the SQLite file, brought to this version's tables by the migrations that it has not seen yet.

    WAL, ``synchronous=FULL`` (a commit survives a power cut) and foreign keys are on. Raises
    :class:`~workspace.errors.StackError` when a newer Lakelet has written the file, or it cannot be used.
    """
    engine = sa.create_engine(
        f"sqlite:///{database}",
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        pool_size=10,
        max_overflow=90,  # more than the threads that serve requests: none waits for a connection
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's implicit one
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A writer takes its lock at once: a transaction that read first could not be upgraded safely.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")

    try:
        _upgrade(engine)
    except sa.exc.DatabaseError as error:
        engine.dispose()
        raise StackError(
            f"The state database {database.name} cannot be used ({error.orig}): set it aside to start anew."
        ) from error
    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A consistent view of the database."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that writes; committed as one, or not at all when the block raises."""
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        yield connection


def _upgrade(engine: sa.Engine) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it lists its own parts as it is imported
    from alembic import command, util
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except util.CommandError as error:
            raise StackError(
                f"The state database was written by another version of Lakelet ({error}): use that version, or set "
                "the state folder aside to start anew."
            ) from error
