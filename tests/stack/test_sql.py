"""Local SQL over the running stack, as the command line, the client and hostile people see it."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakelet.catalog.client import ensure_database
from lakelet.data.formats import CSV, JSON, PARQUET, storage_descriptor
from lakelet.data.objects import s3_client
from lakelet.query.client import query, query_rows
from lakelet.workspace.control import call
from lakelet.workspace.errors import QueryError, UsageError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret
from tests.clients import glue_client
from tests.conftest import Stack, eventually

pytestmark = pytest.mark.stack
DB = "sql_test"
BUCKET = "gold"
MONTHS = (1, 2, 3)


@pytest.fixture(scope="module")
def lake(stack: Stack) -> Iterator[Workspace]:
    """Small tables: Parquet by month, CSV by a key that its folders do not spell, JSON; and a file of nobody's."""
    workspace, s3, glue = stack.workspace, s3_client(stack.workspace), glue_client(stack.workspace)
    ensure_database(workspace, DB)
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "carrier", "Type": "string"}]
    for month in MONTHS:
        rows = pa.table({"id": pa.array(range(month * 10)), "carrier": [f"c{i % 2}" for i in range(month * 10)]})
        put(s3, f"{DB}/trips/month={month}/part.parquet", parquet(rows))
    put(s3, f"{DB}/secret/part.parquet", parquet(pa.table({"id": [666]})))
    put(s3, f"{DB}/days/first/a.csv", b"id,carrier,fare\n1,c0,1.5\n2,,not a number\n")
    put(s3, f"{DB}/days/second/a.csv", b'id,carrier,fare\n3,"a, b",2.5\n')
    put(s3, f"{DB}/docs/a.json", b'{"id": 1, "tags": ["x"]}\n{"id": 2, "tags": null}\n')
    folder = f"s3://{BUCKET}/{DB}"
    key = [{"Name": "month", "Type": "int"}]
    definition = storage_descriptor(PARQUET, columns, f"{folder}/trips/")
    trips = {"Name": "trips", "StorageDescriptor": definition, "PartitionKeys": key}
    glue.create_table(DatabaseName=DB, TableInput=trips)
    for month in MONTHS:
        place = {**definition, "Location": f"{folder}/trips/month={month}/"}
        glue.create_partition(
            DatabaseName=DB, TableName="trips", PartitionInput={"Values": [str(month)], "StorageDescriptor": place}
        )
    columns_csv = [*columns, {"Name": "fare", "Type": "double"}]
    definition = storage_descriptor(CSV, columns_csv, f"{folder}/days/")
    table = {"Name": "days", "StorageDescriptor": definition, "PartitionKeys": [{"Name": "day", "Type": "date"}]}
    glue.create_table(DatabaseName=DB, TableInput={**table, "Parameters": {"skip.header.line.count": "1"}})
    for day, name in (("2013-01-01", "first"), ("2013-01-02", "second")):
        place = {**definition, "Location": f"{folder}/days/{name}/"}
        glue.create_partition(
            DatabaseName=DB, TableName="days", PartitionInput={"Values": [day], "StorageDescriptor": place}
        )
    columns_json = [{"Name": "id", "Type": "int"}, {"Name": "tags", "Type": "array<string>"}]
    definition = storage_descriptor(JSON, columns_json, f"{folder}/docs/")
    glue.create_table(DatabaseName=DB, TableInput={"Name": "docs", "StorageDescriptor": definition})
    yield workspace
    glue.delete_database(Name=DB)
    for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{DB}/").get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=item["Key"])


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def put(s3: Any, key: str, content: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=content)


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, "-c", "from lakelet.cli.main import main; main()", "sql", *arguments]
    return subprocess.run(script, env=dict(os.environ), capture_output=True, text=True, timeout=180, check=False)


def test_parquet_csv_and_json_by_their_catalogued_types(lake: Workspace) -> None:
    trips = query(lake, "SELECT month, count(*) AS n, sum(id) AS s FROM trips GROUP BY month ORDER BY month", DB)
    assert trips.to_pydict() == {"month": [1, 2, 3], "n": [10, 20, 30], "s": [45, 190, 435]}
    days = query_rows(lake, f"SELECT id, carrier, fare, day FROM {DB}.days ORDER BY id")
    assert days.rows == [
        [1, "c0", 1.5, "2013-01-01"],
        [2, None, None, "2013-01-01"],
        [3, "a, b", 2.5, "2013-01-02"],
    ]
    docs = query(lake, f"SELECT t.id, d.tags[1] AS tag FROM {DB}.docs d JOIN {DB}.trips t USING (id) WHERE t.month = 1")
    assert docs.num_rows == 2


def test_partitions_left_out_are_not_read(lake: Workspace) -> None:
    """The explained scan has the one file of the month, and the answer is right."""
    plan = query_rows(lake, f"EXPLAIN ANALYZE SELECT count(*) FROM {DB}.trips WHERE month = 2").rows[0][1]
    assert "month=1" not in plan and "month=3" not in plan
    assert query_rows(lake, f"SELECT count(*) FROM {DB}.trips WHERE month IN (2, 3) AND carrier = 'c0'").rows == [[25]]
    assert query_rows(lake, f"SELECT count(*) FROM {DB}.days WHERE day >= DATE '2013-01-02'").rows == [[1]]


def test_show_and_describe(lake: Workspace) -> None:
    assert [DB] in query_rows(lake, "SHOW DATABASES").rows
    assert query_rows(lake, "SHOW TABLES", DB).rows == [["days"], ["docs"], ["trips"]]
    assert query_rows(lake, f"DESCRIBE {DB}.trips").rows[-1] == ["month", "int", "partition key"]


def test_a_table_written_to_meanwhile_is_seen_whole(lake: Workspace) -> None:
    """While each of many queries runs, a publish replaces every file; every answer is of one version."""
    s3 = s3_client(lake)
    definition = storage_descriptor(PARQUET, [{"Name": "id", "Type": "bigint"}], f"s3://{BUCKET}/{DB}/moving/")
    glue_client(lake).create_table(DatabaseName=DB, TableInput={"Name": "moving", "StorageDescriptor": definition})
    queries = threading.Semaphore(1)  # what is published races a query, but no query has to race for ever
    published: list[int] = []

    def publish() -> None:
        old: list[str] = []
        for number in range(1, 14):
            queries.acquire()
            begun = call(lake, "POST", "publishes", {
                "run_id": "jr_sqltest", "database": DB, "table": "moving", "location": f"s3://{BUCKET}/{DB}/moving/",
            })  # fmt: skip
            prefix = urlsplit(begun["staging"]).path.lstrip("/")
            added = []
            for part in range(3):
                name = f"v{number}-{part}.parquet"
                put(s3, prefix + name, parquet(pa.table({"id": [number] * 100})))
                added.append({"source": prefix + name, "target": f"{DB}/moving/{name}"})
            body = {"add": added, "remove": old, "sequence": begun["sequence"]}
            call(lake, "POST", f"publishes/{begun['publish_id']}/commit", body)
            old = [one["target"] for one in added]
            published.append(number)

    writer = threading.Thread(target=publish, daemon=True)
    writer.start()
    eventually(lambda: published)
    seen = []
    for _ in range(12):
        queries.release()
        seen.append(query_rows(lake, f"SELECT count(*), min(id), max(id) FROM {DB}.moving").rows[0])
    writer.join(timeout=120)
    assert all(count == 300 and low == high for count, low, high in seen), seen


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM glob('s3://gold/**')",
    f"SELECT * FROM read_parquet('s3://{BUCKET}/{DB}/secret/part.parquet')",
    f"SELECT * FROM 's3://{BUCKET}/{DB}/secret/part.parquet'",
    f"SELECT * FROM '{DB}/trips/../secret/part.parquet'",
    f'SELECT * FROM {DB}."../secret/part.parquet"',
    "SELECT * FROM 's3://silver/.lakelet/x.parquet'",
    "SELECT * FROM '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    f"COPY (SELECT 1) TO 's3://{BUCKET}/{DB}/trips/month=1/part.parquet'",
    "ATTACH '/tmp/x.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('AWS_SECRET_ACCESS_KEY')",
    "SELECT * FROM information_schema.tables",
    f"SELECT * FROM {DB}.trips; DROP TABLE {DB}.trips",
    f"SELECT * FROM {DB}.no_such_table",
    f"SELECT no_such_column FROM {DB}.trips",
    "SELECT a, b FROM range(1000000) x(a), range(100000) y(b)",
]


@pytest.mark.parametrize("sql", HOSTILE, ids=lambda sql: sql[:50])
def test_hostile_statements_fail_alone(lake: Workspace, sql: str) -> None:
    with pytest.raises(QueryError) as caught:
        query(lake, sql)
    assert "666" not in str(caught.value) and "root:" not in str(caught.value)
    assert query_rows(lake, f"SELECT count(*) FROM {DB}.trips").rows == [[60]]


def test_many_at_once(lake: Workspace) -> None:
    """More statements than workers: each waits its turn and gets its own answer."""
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda n: query_rows(lake, f"SELECT {n} + count(*) FROM {DB}.trips").rows, range(16))
    assert list(answers) == [[[n + 60]] for n in range(16)]


def test_a_client_that_leaves_ends_its_statement(lake: Workspace) -> None:
    endless = "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE x + y = 3"
    script = [sys.executable, "-c", "from lakelet.cli.main import main; main()", "sql", endless]
    running = subprocess.Popen(script, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    busy = eventually(lambda: [one for one in workers(lake) if one.cpu_times().user > 2])
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and said == "The statement was cancelled.\n"
    eventually(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in busy))


def workers(workspace: Workspace) -> list[psutil.Process]:
    mine = f"{workspace.state / 'sql'}"
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if "lakelet.query.worker" in (process.info["cmdline"] or []) and process.environ().get("HOME") == mine:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_no_secret_is_near_a_worker(lake: Workspace) -> None:
    keys = [secret(lake, name) for name in ("secret_key", "control_token", "spark", "jupyter_token")]
    processes = eventually(lambda: workers(lake))
    said = "\n".join(str(one.environ()) + str(one.cmdline()) for one in processes)
    assert not [key for key in keys if key in said]


def test_the_wire_form(lake: Workspace) -> None:
    address = urlsplit(lake.endpoint("control"))

    def post(body: Any, token: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
        connection.request("POST", "/_lakelet/sql", json.dumps(body), {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    token = secret(lake, "control_token")
    status, answer = post({"sql": "SELECT 1 AS a"}, token)
    assert status == 200 and answer == {"columns": [{"name": "a", "type": "int32"}], "rows": [[1]]}
    assert post({"sql": "SELECT 1"}, "wrong")[0] == 401
    assert post({"sql": 5}, token)[0] == 400
    assert post({"sql": "COPY x TO 'y'"}, token)[1]["error"] == "QueryError"


def test_the_command(lake: Workspace) -> None:
    done = cli(f"SELECT carrier, count(*) AS n FROM {DB}.trips GROUP BY carrier ORDER BY carrier", "-o", "json")
    assert json.loads(done.stdout) == [{"carrier": "c0", "n": 30}, {"carrier": "c1", "n": 30}]
    assert done.stderr.startswith("2 rows in ")
    done = cli("SELECT id FROM trips WHERE month = 1 AND id < 1", "--database", DB)
    assert done.stdout.split() == ["id", "──", "0"] and done.returncode == 0
    done = cli("DROP TABLE x")
    assert done.returncode == 1 and done.stderr.startswith("lakelet: DROP is refused") and not done.stdout
    assert cli(" ").returncode == UsageError.exit_code
