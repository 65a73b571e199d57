"""The SQL service without a lake: its limit on time, its answers about the catalog, a cancelled statement."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence

import pytest

from lakelet.catalog.model import Partition, Table
from lakelet.query.pool import Cancellation
from lakelet.query.results import Form
from lakelet.query.service import SqlService
from lakelet.workspace.errors import EntityNotFoundException, QueryError
from lakelet.workspace.paths import Workspace

ENDLESS = "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE x + y = 3"


class Catalog:
    """A catalog with one table that has no location."""

    def databases(self) -> Sequence[str]:
        return ["gold"]

    def tables(self, database: str) -> Sequence[str]:
        if database != "gold":
            raise EntityNotFoundException(f"Database {database} not found.")
        return ["it's"]

    def table(self, database: str, name: str) -> Table:
        if name not in self.tables(database):
            raise EntityNotFoundException(f"Table {name} not found.")
        columns = {"Columns": [{"Name": "A", "Type": "INT"}]}
        return Table(1, database, name, {"Name": name, "StorageDescriptor": columns}, 0, 0, 0, 0)

    def partitions(self, database: str, name: str, expression: str | None) -> Sequence[Partition]:
        return []

    def settle(self, database: str, name: str) -> None:
        pass


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlService]:
    root = tmp_path_factory.mktemp("service")
    (root / "lakelet.toml").write_text("sql_timeout_seconds = 5\nsql_workers = 1\n")
    workspace = Workspace(root, root / ".lakelet").prepare()
    workspace.write_endpoints({"s3": "http://127.0.0.1:9"})
    service = SqlService(workspace, Catalog())
    service.start()
    yield service
    service.close()
    assert not (workspace.state / "sql").exists()


def rows(service: SqlService, sql: str, database: str | None = None) -> list[list[object]]:
    answer = service.run(sql, database)
    content = b"".join(answer.chunks())
    assert len(content) == answer.size
    found: list[list[object]] = json.loads(content)["rows"]
    assert len(found) == answer.rows
    return found


def test_what_the_catalog_holds(service: SqlService) -> None:
    assert rows(service, "SHOW DATABASES") == [["gold"]]
    assert rows(service, "SHOW TABLES IN gold") == [["it's"]]
    assert rows(service, 'DESCRIBE gold."it\'s"') == [["a", "int", ""]]
    assert service.run("SHOW TABLES", "gold", Form.arrow).rows == 1


@pytest.mark.parametrize(
    ("sql", "database", "said"),
    [
        ("SELECT * FROM gold.x", None, "gold.x cannot be read"),
        ("SELECT * FROM x", None, "names no database"),
        ("SELECT 1", "nowhere", "Database nowhere not found"),
        ("SHOW TABLES", None, "names no database"),
        ('SELECT * FROM gold."it\'s"', None, "no location"),
    ],
)
def test_what_is_missing_is_named(service: SqlService, sql: str, database: str | None, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        service.run(sql, database)


def test_a_statement_has_its_time(service: SqlService) -> None:
    with pytest.raises(QueryError, match="longer than 5 seconds"):
        service.run(ENDLESS)
    assert rows(service, "SELECT 1") == [[1]]


def test_a_statement_can_be_cancelled(service: SqlService) -> None:
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.cancel).start()
    with pytest.raises(QueryError, match="cancelled"):
        service.run(ENDLESS, cancellation=cancellation)
    assert rows(service, "SELECT 1") == [[1]]
