"""The state database: migrations make exactly the tables that the rooms declare; commits are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

import catalog.registry.store  # noqa: F401  these imports declare every room's tables
import lakelet.control  # noqa: F401
from workspace.errors import StackError
from workspace.state import metadata, open_state, reading, writing


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
        assert missing is not None and missing.is_empty(), (
            "Write a migration in workspace/migrations/versions that does:\n" + render_python_code(missing)
        )
    assert schema(migrated) == schema(declared)


def test_an_upgrade_keeps_what_is_there(tmp_path: Path) -> None:
    engine = open_state(tmp_path / "a.db")
    with writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO catalog_databases VALUES ('d', '{}', 0)"))
    engine = open_state(tmp_path / "a.db")
    with reading(engine) as connection:
        assert connection.execute(sa.text("SELECT name FROM catalog_databases")).scalars().all() == ["d"]


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    engine = open_state(tmp_path / "a.db")
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'from the future'"))
    with pytest.raises(StackError, match="another version of Lakelet"):
        open_state(tmp_path / "a.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(StackError, match=r"state\.db cannot be used"):
        open_state(tmp_path / "state.db")


def test_a_failed_block_changes_nothing(tmp_path: Path) -> None:
    engine = open_state(tmp_path / "a.db")
    with pytest.raises(RuntimeError), writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO catalog_databases VALUES ('d', '{}', 0)"))
        raise RuntimeError
    with reading(engine) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM catalog_databases")).scalar() == 0
