"""The state database: migrations make exactly the tables that the rooms declare; commits are whole."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

from lakelet.workspace import quick_json
from lakelet.workspace.errors import SettingError, StackError
from lakelet.workspace.paths import REPOSITORY
from lakelet.workspace.state import Prepared, metadata, open_state, owning, reading, writing
from tests.databases import PostgreSQL

# Every room's tables, whoever imports them in the end.
for room in ("catalog", "identity", "jobs"):
    for path in sorted((REPOSITORY / room).rglob("*.py")):
        if "sa.Table(" in path.read_text():
            import_module(".".join(("lakelet", *path.relative_to(REPOSITORY).with_suffix("").parts)))


def schema(engine: sa.Engine) -> dict[str, list[str]]:
    """The words of every table's and index's SQL, their order aside: alembic writes constraints in another."""
    with reading(engine) as connection:
        rows = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {name: sorted(re.split(r"[\s,()]+", sql)) for name, sql in rows if not name.startswith("alembic")}


def test_migrations_make_the_declared_tables(tmp_path: Path) -> None:
    migrated, declared = open_state(tmp_path / "a.db"), sa.create_engine("sqlite://")
    metadata.create_all(declared)
    with reading(migrated) as connection:
        found = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        missing = produce_migrations(found, metadata).upgrade_ops
        assert missing is not None
        assert missing.is_empty(), (
            "Write a migration in workspace/migrations/versions that does:\n" + render_python_code(missing)
        )
    assert schema(migrated) == schema(declared)


def test_postgresql_gets_the_declared_tables(postgresql: PostgreSQL) -> None:
    engine = open_state(postgresql.url())
    with reading(engine) as connection:
        found = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        missing = produce_migrations(found, metadata).upgrade_ops
        assert missing is not None
        assert missing.is_empty(), render_python_code(missing)
        names = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND data_type IN "
        text = f"{names} ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'"
        assert connection.execute(sa.text(text)).scalar() == 0
    engine.dispose()


def test_an_upgrade_keeps_what_is_there(database: Path | str) -> None:
    engine = open_state(database)
    with writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO catalog_databases VALUES ('d', '{}', 0)"))
    engine = open_state(database)
    with reading(engine) as connection:
        assert connection.execute(sa.text("SELECT name FROM catalog_databases")).scalars().all() == ["d"]


def test_a_newer_database_is_left_alone(database: Path | str) -> None:
    engine = open_state(database)
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'from the future'"))
    with pytest.raises(StackError, match="another version of Lakelet"):
        open_state(database)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "is no URL"),
        ("mysql://u@h/d", "names no database of PostgreSQL"),
        ("postgresql://u@h", "names no database of PostgreSQL"),
        ("postgresql://u:secret@h/d", "has a password in it"),
        ("postgresql://u@h/d?password=secret", "has a password in it"),
    ],
)
def test_an_address_that_will_not_do_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence) as problem:
        open_state(url)
    assert "secret" not in str(problem.value)


def test_a_postgresql_that_is_not_there_is_named() -> None:
    with pytest.raises(StackError, match=r"database lost cannot be used \(.*refused.*\): check database_url"):
        open_state("postgresql://u@127.0.0.1:9/lost")


def test_a_postgresql_has_one_owner(postgresql: PostgreSQL) -> None:
    url = postgresql.url("state_0")
    first, second = open_state(url), open_state(url)
    with owning(first), pytest.raises(StackError, match="Another control process owns the database"), owning(second):
        raise AssertionError("both own it")
    first.dispose()
    with owning(second):
        second.dispose()


def test_writers_wait_for_each_other(database: Path | str) -> None:
    """Twenty writers read a number and write the next: none is lost, none fails."""
    engine = open_state(database)
    with writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO catalog_sequences VALUES ('d', 't', 0)"))

    def count_up(_: int) -> None:
        with writing(engine) as connection:
            now = connection.execute(sa.text("SELECT sequence FROM catalog_sequences")).scalar_one()
            connection.execute(sa.text("UPDATE catalog_sequences SET sequence = :next"), {"next": now + 1})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count_up, range(20)))
    with reading(engine) as connection:
        assert connection.execute(sa.text("SELECT sequence FROM catalog_sequences")).scalar_one() == 20


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(StackError, match=r"state\.db cannot be used"):
        open_state(tmp_path / "state.db")


def test_a_failed_block_changes_nothing(database: Path | str) -> None:
    engine = open_state(database)
    with pytest.raises(RuntimeError), writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO catalog_databases VALUES ('d', '{}', 0)"))
        raise RuntimeError
    with reading(engine) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM catalog_databases")).scalar() == 0


def test_a_prepared_query_answers_as_the_others_do(database: Path | str) -> None:
    databases = metadata.tables["catalog_databases"]
    query = sa.select(databases.c.name, sa.literal(7)).where(databases.c.name == sa.bindparam("n"))
    prepared, engine = Prepared(query), open_state(database)
    row = {"name": "Größe", "definition": {"Description": "\N{SNOWMAN}"}, "created_at": 1.5}
    with writing(engine) as connection:
        connection.execute(sa.insert(databases), row)
    with reading(engine) as connection:
        assert [tuple(one) for one in prepared.rows(connection, n="Größe")] == [("Größe", 7)]
        assert prepared.rows(connection, n="nobody") == []
        assert dict(connection.execute(sa.select(databases)).one()._mapping) == row
    engine.dispose()


def test_json_that_only_the_standard_library_takes_is_kept() -> None:
    for value in ({"a": "\ud800"}, {"n": [None, True, 0.5, "ü"]}):
        assert quick_json.loads(quick_json.text(value)) == value
    with pytest.raises(TypeError):
        quick_json.dumps({"at": datetime.now(UTC)})
