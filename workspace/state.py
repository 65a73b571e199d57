"""The control process's database: SQLAlchemy Core over SQLite (every commit synced) or PostgreSQL. It has one owner.

Each room declares its own tables on :data:`metadata`, in a module named ``store``; the layout test holds that only
the control process imports those.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lakelet.workspace import quick_json
from lakelet.workspace.errors import SettingError, StackError

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
CACHE_KIB = 16_384  # of pages that a connection remembers; SQLite's own 2 MiB are read anew for each large batch
CHECKPOINT_PAGES = 8_000  # of 4 KiB in the log before they go into the file: those that change often go there once
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
POSTGRESQL = "postgresql"
WRITER, OWNER = 0x6C616B65, 0x6C616B66  # keys of the advisory locks on PostgreSQL
# More connections than threads that serve requests: none waits for another.
_POOL = {"pool_size": 10, "max_overflow": 90, "pool_use_lifo": True}  # the same one again remembers its pages
_JSON: dict[str, Any] = {"json_serializer": quick_json.text, "json_deserializer": quick_json.loads}

_hurried = threading.local()


def open_state(database: Path | str, durable: bool = True) -> sa.Engine:
    """Open the database, brought to this version's tables by the migrations that it has not seen yet.

    A path is an SQLite file: WAL, ``synchronous=FULL`` (a commit survives a power cut) and foreign keys are on. A text
    is PostgreSQL's URL (``postgresql://user@host:5432/name``), without a password. An SQLite file that need not be
    ``durable`` is not synced. Raises :class:`~lakelet.workspace.errors.StackError` when a newer Lakelet has written the
    database, or it cannot be used, and :class:`~lakelet.workspace.errors.SettingError` for a URL that is none of
    PostgreSQL's.
    """
    engine = _sqlite(database, durable) if isinstance(database, Path) else _postgresql(database)
    name = database.name if isinstance(database, Path) else str(engine.url.database)
    try:
        _upgrade(engine)
    except sa.exc.DatabaseError as error:
        engine.dispose()
        reason = " ".join(str(error.orig).split())
        raise StackError(f"The state database {name} cannot be used ({reason}): {_remedy(engine)}.") from error
    return engine


class WouldWaitError(Exception):
    """What was done :func:`without_waiting` would have had to wait; nothing has been changed."""


@contextmanager
def without_waiting() -> Iterator[None]:
    """Have the block, on a thread that others wait for, given up by WouldWaitError where it would have to wait."""
    _hurried.now = True
    try:
        yield
    finally:
        _hurried.now = False


def may_wait() -> None:
    """Said before waiting for another process, or for a lock; raises WouldWaitError in a :func:`without_waiting`."""
    if getattr(_hurried, "now", False):
        raise WouldWaitError


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A consistent view of the database; nobody is waited for in SQLite."""
    if engine.dialect.name == POSTGRESQL:
        may_wait()
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that writes; committed as one, or not at all when the block raises. There is one at a time."""
    may_wait()
    options: dict[str, Any] = {"write": True}
    if engine.dialect.name == POSTGRESQL:
        options["isolation_level"] = "READ COMMITTED"  # a snapshot taken while waiting for the lock would be old
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


class Prepared:
    """A statement that is compiled once and run by the driver itself, for what nearly every request asks, or writes in
    masses.

    SQLAlchemy's way from a compiled query to its rows costs ten times what SQLite takes to look one up. Values come and
    go as the driver has them: JSON as text.
    """

    def __init__(self, statement: sa.Select[Any] | sa.Insert | sa.Update) -> None:
        self._statement = statement
        self._made: dict[str, tuple[str, Sequence[str] | None, dict[str, Any]]] = {}  # by dialect

    def rows(self, connection: sa.Connection, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, with ``values`` for its parameters."""
        sql, positions, constants = self._compiled(connection)
        values |= constants
        with _named_errors(connection, sql):
            cursor = _driver(connection).cursor()
            cursor.execute(sql, values if positions is None else [values[one] for one in positions])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def write(self, connection: sa.Connection, rows: Iterable[dict[str, Any]]) -> None:
        """Execute it once for each row of parameters."""
        sql, positions, constants = self._compiled(connection)
        filled = (row | constants for row in rows) if constants else rows
        given = filled if positions is None else ([row[one] for one in positions] for row in filled)
        with _named_errors(connection, sql):
            _driver(connection).cursor().executemany(sql, given)

    def _compiled(self, connection: sa.Connection) -> tuple[str, Sequence[str] | None, dict[str, Any]]:
        """The SQL, the names of its parameters in order if they go by position, and those that are always the same."""
        name = connection.dialect.name
        if (made := self._made.get(name)) is None:
            compiled = self._statement.compile(dialect=connection.dialect)
            constants = {name: value for name, value in compiled.params.items() if value is not None}
            made = self._made[name] = str(compiled), getattr(compiled, "positiontup", None), constants
        return made


@contextmanager
def _named_errors(connection: sa.Connection, sql: str) -> Iterator[None]:
    """The driver's errors as SQLAlchemy's, in the block."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.Error as error:
        raise sa.exc.DBAPIError.instance(sql, None, error, driver.Error, dialect=connection.dialect) from error


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.dbapi_connection


@contextmanager
def owning(engine: sa.Engine) -> Iterator[None]:
    """Hold a PostgreSQL database for this process; raises StackError when another control process holds it.

    An SQLite file lies in the workspace, whose owner is known by a lock on a file there.
    """
    if engine.dialect.name != POSTGRESQL:
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(OWNER))).scalar():
            raise StackError(
                f"Another control process owns the database {engine.url.database}: end it, or name another "
                "database by database_url."
            )
        try:
            yield
        finally:  # at once: the server may learn a moment later that the connection has ended
            with suppress(sa.exc.DBAPIError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock(OWNER)))


def checkpoint(engine: sa.Engine) -> bool:
    """Move SQLite's log (``-wal``) into the database file and empty it; returns whether all of it went.

    A reader that is still at an older state keeps a part of the log. PostgreSQL does this by itself.
    """
    if engine.dialect.name == POSTGRESQL:
        return True
    with engine.connect() as connection:
        busy, _, _ = _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def generation(engine: sa.Engine) -> int:
    """How often the state has been marked by :func:`advance_generation`; it is kept in the SQLite file itself."""
    with engine.connect() as connection:
        return int(_driver(connection).execute("PRAGMA user_version").fetchone()[0])


def advance_generation(engine: sa.Engine) -> int:
    """Mark the state as one later than before, and return its new generation."""
    with writing(engine) as connection:
        driver = _driver(connection)
        following = int(driver.execute("PRAGMA user_version").fetchone()[0]) + 1
        driver.execute(f"PRAGMA user_version={following}")
    return following


def copy_state(engine: sa.Engine, target: Path) -> None:
    """Write a copy of an SQLite state, as it was last committed, to a new file, and sync it."""
    copy = sqlite3.connect(target)
    try:
        with engine.connect() as connection:
            _driver(connection).backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
    with open(target, "rb") as file:
        os.fsync(file.fileno())


def _sqlite(database: Path, durable: bool) -> sa.Engine:
    with suppress(OSError):  # the connection reports it
        database.touch(mode=0o600)  # SQLite gives the log and its index the mode of the database
    engine = sa.create_engine(
        f"sqlite:///{database}",
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        **_JSON,
        **_POOL,
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's implicit one
        synced = "FULL" if durable else "OFF"
        sizes = (f"wal_autocheckpoint={CHECKPOINT_PAGES}", f"cache_size=-{CACHE_KIB}")
        for pragma in ("journal_mode=WAL", f"synchronous={synced}", "foreign_keys=ON", *sizes):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A writer takes its lock at once: a transaction that read first could not be upgraded safely.
        if connection.get_execution_options().get("write"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            _driver(connection).execute("BEGIN")  # waits for nobody and cannot fail; SQLAlchemy's own way costs more

    return engine


def _postgresql(text: str) -> sa.Engine:
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError as error:
        raise SettingError("database_url is no URL: write postgresql://user@host:5432/name.") from error
    if url.get_backend_name() != POSTGRESQL or not url.database:
        raise SettingError("database_url names no database of PostgreSQL: write postgresql://user@host:5432/name.")
    if url.password is not None or "password" in url.query:
        raise SettingError("database_url has a password in it: put that in the file that PGPASSFILE names (~/.pgpass).")
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        **_JSON,
        **_POOL,
    )

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # One writer at a time, as on SQLite: what a transaction has read stays true until it commits.
        if connection.get_execution_options().get("write"):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER})")

    return engine


def _remedy(engine: sa.Engine) -> str:
    if engine.dialect.name == POSTGRESQL:
        return "check database_url, and that its user may create tables there"
    return "set it aside to start anew"


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
                f"The state database was written by another version of Lakelet ({error}): use that version, or "
                f"{_remedy(engine)}."
            ) from error
        if engine.dialect.name == POSTGRESQL:
            _compare_by_bytes(connection)


def _compare_by_bytes(connection: sa.Connection) -> None:
    """Give text columns the collation "C", as SQLite compares: pages walk names and partition keys in this order."""
    columns = sa.text(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE "
        "table_schema = current_schema() AND data_type IN ('text', 'character varying') AND collation_name IS NULL "
        "ORDER BY 1, 2"
    )
    quote = connection.dialect.identifier_preparer.quote
    for table, column, kind in connection.execute(columns).all():
        connection.exec_driver_sql(f'ALTER TABLE {quote(table)} ALTER COLUMN {quote(column)} TYPE {kind} COLLATE "C"')
