"""The sandbox in its own process, over files in a folder: what it answers, what it refuses, how it ends."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.ipc
import pytest

from lakelet.query import frames, hugeints
from lakelet.query.frames import Closed
from lakelet.query.pool import Cancellation, Pool, Worker, ask
from lakelet.query.scans import Analysis, Part, Plan, Scan
from lakelet.workspace.paths import Workspace

PATIENCE = 120


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("sql")
    (root / "lakelet.toml").write_text("sql_memory_mb = 256\nsql_timeout_seconds = 60\nsql_result_mb = 4\n")
    return Workspace(root, root / ".lakelet").prepare()


@pytest.fixture(scope="module")
def pool(workspace: Workspace) -> Iterator[Pool]:
    pool = Pool(workspace)
    pool.start()
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def lake(workspace: Workspace) -> Path:
    lake = workspace.root / "lake"
    lake.mkdir()
    for month in (1, 2):
        (lake / f"month={month}").mkdir()
        path = lake / f"month={month}" / "part.parquet"
        duckdb.sql(f"COPY (SELECT i AS id, 'c' || i % 3 AS carrier FROM range({month * 100}) t(i)) TO '{path}'")
    (lake / "secret.parquet").write_bytes((lake / "month=1" / "part.parquet").read_bytes())
    (lake / "rows.csv").write_text('id,name,amount\n1,"a, b",1.5\n2,,NA\n3,c\n')
    (lake / "rows.json").write_text('{"id": 1, "tags": ["x"], "at": {"day": "2013-01-01"}}\n{"id": 2}\n')
    return lake


class Refused(Exception):
    """An ERROR message of a worker."""


def run(pool: Pool, sql: str, *scans: Scan, form: str = "application/json", patience: float = 120, **plan: Any) -> Any:
    """One statement through a worker, with a plan made by hand; JSON answers come as rows."""
    cancellation = Cancellation()
    worker = pool.take(time.monotonic() + PATIENCE, cancellation)
    deadline = time.monotonic() + patience
    try:
        kind, payload = ask(worker, frames.STATEMENT, {"sql": sql, "form": form}, deadline)
        if kind == frames.ANALYSIS:
            assert Analysis.from_json(json.loads(payload)).kind == "select"
            kind, payload = ask(worker, frames.PLAN, Plan(list(scans), **plan).to_json(), deadline)
        data = b""
        while kind == frames.DATA:
            data += payload
            kind, payload = ask(worker, kind, None, deadline)
    finally:
        pool.done(worker, cancellation)
    if kind == frames.ERROR:
        message = json.loads(payload)
        raise Refused(message["message"] + (f" (again: {message['restart']})" if message["restart"] else ""))
    return json.loads(data)["rows"] if form == "application/json" else data


def parquet(lake: Path, hive: bool = True, columns: tuple[str, ...] = ("id", "carrier")) -> Scan:
    parts = [Part([str(lake / f"month={month}" / "part.parquet")], [str(month)]) for month in (1, 2)]
    types = {"id": "bigint"}
    return Scan(
        "gold", "t", "parquet", [(name, types.get(name, "string")) for name in columns], [("month", "int")], parts, hive
    )


@pytest.mark.parametrize("hive", [True, False])
def test_partitions_are_typed_columns(pool: Pool, lake: Path, hive: bool) -> None:
    sql = "SELECT month + 1, count(*) FROM gold.t GROUP BY ALL ORDER BY 1"
    assert run(pool, sql, parquet(lake, hive)) == [[2, 100], [3, 200]]


def test_csv_as_hive_reads_it(pool: Pool, lake: Path) -> None:
    csv = {"delim": ",", "quote": '"', "escape": '"', "skip": 1}
    columns = [("id", "bigint"), ("name", "string"), ("amount", "double")]
    scan = Scan("bronze", "rows", "csv", columns, [], [Part([str(lake / "rows.csv")], [])], csv=csv)
    rows = run(pool, "SELECT * FROM rows ORDER BY id", scan, database="bronze")
    assert rows == [[1, "a, b", 1.5], [2, None, None], [3, "c", None]]


@pytest.mark.parametrize("hive", [True, False])
def test_csv_that_is_no_utf8_keeps_its_rows(pool: Pool, lake: Path, hive: bool) -> None:
    folder = lake / "latin" / "day=1"
    folder.mkdir(parents=True, exist_ok=True)
    content = "id,name\n1,Zoë\n2,b\n".encode("latin-1")
    (folder / "a.csv").write_bytes(content)
    (folder / "b.csv.gz").write_bytes(gzip.compress(content) + gzip.compress("3,é\n".encode()))
    (folder / "c.csv.gz").write_bytes(gzip.compress(b"id,name\n4,\xff" + os.urandom(2000).hex().encode())[:-600])
    (folder / "d.csv").write_text("id,name\n5,ü\n")
    csv = {"delim": ",", "quote": '"', "escape": '"', "skip": 1}
    files = [str(path) for path in sorted(folder.iterdir())]
    scan = Scan("d", "t", "csv", [("id", "int"), ("name", "string")], [("day", "int")], [Part(files, ["1"])], hive, csv)
    for columns in ("*", "name"):
        with pytest.raises(Refused, match="again: schema"):
            run(pool, f"SELECT {columns} FROM d.t", scan)
    rows = run(pool, "SELECT id, left(name, 3), day FROM d.t ORDER BY id, name", scan, tolerant=True)
    assert [row[:2] for row in rows] == [
        [1, "Zo\ufffd"], [1, "Zo\ufffd"], [2, "b"], [2, "b"], [3, "é"], [4, rows[5][1]], [5, "ü"],
    ]  # fmt: skip
    assert rows[5][1][0] == "\ufffd" and {row[2] for row in rows} == {1}


def test_json_with_nested_types(pool: Pool, lake: Path) -> None:
    columns = [("id", "int"), ("tags", "array<string>"), ("at", "struct<day:date>")]
    scan = Scan("bronze", "docs", "json", columns, [], [Part([str(lake / "rows.json")], [])])
    rows = run(pool, "SELECT id, tags, at.day FROM bronze.docs ORDER BY id", scan)
    assert rows == [[1, ["x"], "2013-01-01"], [2, None, None]]


def test_columns_no_file_has_are_null_when_asked_to_be_tolerant(pool: Pool, lake: Path) -> None:
    scan = parquet(lake, columns=("id", "carrier", "later"))
    with pytest.raises(Refused, match="later"):
        run(pool, "SELECT later FROM gold.t", scan)
    assert run(pool, "SELECT count(*), count(later), max(month) FROM gold.t", scan, tolerant=True) == [[300, 0, 2]]


def test_a_table_without_files_is_empty(pool: Pool) -> None:
    scan = Scan("gold", "t", "parquet", [("id", "bigint")], [("month", "int")], [])
    assert run(pool, "SELECT count(*), sum(id) FROM gold.t", scan) == [[0, None]]


def test_values_as_json_has_them(pool: Pool) -> None:
    sql = """SELECT 1.10::DECIMAL(5, 2), 'NaN'::DOUBLE, TIMESTAMP '2013-01-01 10:00:00',
             TIMESTAMPTZ '2013-01-01 10:00:00+02',
             DATE '2013-01-01', MAP {'k': [1]}, {'a': NULL}, 'x'::BLOB, 170141183460469231731687303715884105727"""
    assert run(pool, sql) == [
        ["1.10", "NaN", "2013-01-01T10:00:00", "2013-01-01T08:00:00Z", "2013-01-01", {"k": [1]}, {"a": None}, "eA==",
         "170141183460469231731687303715884105727"],
    ]  # fmt: skip


def test_arrow(pool: Pool, lake: Path) -> None:
    data = run(pool, "SELECT * FROM gold.t", parquet(lake), form="application/vnd.apache.arrow.stream")
    table = pa.ipc.open_stream(io.BytesIO(data)).read_all()
    assert table.num_rows == 300 and table.schema.names == ["id", "carrier", "month"]


def test_athena_dialect(pool: Pool) -> None:
    assert run(pool, "SELECT date_format(DATE '2013-02-01', '%Y-%m'), element_at(MAP(ARRAY['k'], ARRAY[1]), 'k')") == [
        ["2013-02", 1]
    ]


@pytest.mark.parametrize("path", ["secret.parquet", "month=1/../secret.parquet", "*.parquet", "month=1/part.parquet"])
def test_files_are_out_of_reach_even_past_the_parser(pool: Pool, lake: Path, path: str) -> None:
    """The plan is one that the parser's fence would never let arise: the fences behind it hold alone."""
    scan = Scan("gold", "t", "parquet", [("id", "bigint")], [], [Part([str(lake / "month=1" / "part.parquet")], [])])
    with pytest.raises(Refused, match=r"refused|not a table|is a file|names no database|not exist"):
        run(pool, f'SELECT * FROM gold.t, gold."{lake / path}"', scan)
    with pytest.raises(Refused):
        run(pool, "SELECT x FROM gold.t, (SELECT unnest(content) x FROM read_text('/etc/passwd'))", scan)


def test_a_worker_knows_nothing_of_ours(pool: Pool) -> None:
    cancellation = Cancellation()
    worker = pool.take(time.monotonic() + PATIENCE, cancellation)
    try:
        environment = Path(f"/proc/{worker.pid}/environ").read_bytes().split(b"\0")
        names = {entry.partition(b"=")[0].decode() for entry in environment if entry}
        assert names <= {
            "PATH",
            "HOME",
            "LANG",
            "LAKELET_SQL",
            "MALLOC_ARENA_MAX",
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
        }
    finally:
        pool.done(worker, cancellation)


ENDLESS = {
    "sql": "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE x + y = 3",
    "form": "application/json",
}
HEAVY = {
    "join": ENDLESS["sql"],
    "rows": "SELECT a, b FROM range(1000000) x(a), range(100000) y(b)",
    "sort": "SELECT a + b AS c FROM range(100000) x(a), range(1000000) y(b) ORDER BY hash(c) LIMIT 5 OFFSET 99999999",
    "text": "SELECT length(repeat('x', 2000000000))",
    "list": "SELECT range(100000000000)",
}


@pytest.mark.parametrize("kind", HEAVY)
def test_a_monster_fails_alone(pool: Pool, kind: str) -> None:
    """100 GB and more: refused, out of memory or killed, in a message or by death; the next statement works."""
    with pytest.raises((Refused, Closed, TimeoutError)):
        run(pool, HEAVY[kind], patience=5)
    assert run(pool, "SELECT 42") == [[42]]


def test_cancelling_ends_the_process(pool: Pool) -> None:
    cancellation = Cancellation()
    worker: Worker = pool.take(time.monotonic() + PATIENCE, cancellation)
    ask(worker, frames.STATEMENT, ENDLESS, time.monotonic() + PATIENCE)
    frames.send(worker.connection, frames.PLAN, Plan().to_json())
    cancellation.cancel()
    with pytest.raises(Closed):
        frames.receive(worker.connection)
    pool.done(worker, cancellation)
    assert not Path(f"/proc/{worker.pid}/exe").exists()
    assert run(pool, "SELECT 1") == [[1]]


def test_workers_end_with_whoever_holds_the_other_end(pool: Pool) -> None:
    cancellation = Cancellation()
    worker = pool.take(time.monotonic() + PATIENCE, cancellation)
    ask(worker, frames.STATEMENT, ENDLESS, time.monotonic() + PATIENCE)
    frames.send(worker.connection, frames.PLAN, Plan().to_json())
    worker.connection.close()  # as the kernel does when the control process is killed
    deadline = time.monotonic() + PATIENCE
    while worker.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not worker.alive()
    pool.done(worker, cancellation)


def test_sums_of_integers_are_numbers_up_to_64_bits(pool: Pool) -> None:
    limit = 1 << 63
    sql = (
        f"SELECT sum(i) AS s, [sum(i)] AS l, sum(i) + {limit - 4} AS large, -sum(i) - {limit - 3} AS least, "
        f"max(i::UBIGINT) + {limit}::UBIGINT AS u, 3::DECIMAL(38, 0) AS d, avg(i) AS a FROM range(3) t(i)"
    )
    row = [3, [3], limit - 1, -limit, limit + 2, "3", 1.0]
    assert run(pool, sql) == [row]
    assert run(pool, f"SELECT sum(i) + {limit - 3} AS s, [sum(i) + {limit}] AS l FROM range(3) t(i)") == [
        [str(limit), [str(limit + 3)]]
    ]
    assert run(pool, "SELECT sum(i) FROM range(0) t(i)") == [[None]]


def test_a_frame_has_sums_of_integers_as_integers(pool: Pool) -> None:
    large = "sum(i) + (1::HUGEINT << 63)"
    sql = f"SELECT sum(i) AS s, [sum(i)] AS l, {large} AS large, 3::DECIMAL(38, 0) AS d FROM range(3) t(i)"
    data = run(pool, sql, form="application/vnd.apache.arrow.stream")
    table = hugeints.narrowed(pa.ipc.open_stream(data).read_all())
    kinds = [pa.int64(), pa.list_(pa.int64()), pa.decimal128(38, 0), pa.decimal128(38, 0)]
    assert table.schema.types == kinds and table["s"].to_pylist() == [3]
