"""SQL at the control process ÷ DuckDB in this process, on the same Parquet over S3; and the command's own start-up.

    python -m bench.sql            with the stack up and the demo's gold.flights in it

Both sides take turns, with the file cache off, and DuckDB opens a fresh connection each time, as a worker does. The
quiet moment before each turn lets the next worker warm up, which an idle control process does anyway.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import duckdb

from data.objects import list_objects, s3_client
from query.client import query
from query.sandbox import extension
from workspace.paths import Workspace
from workspace.secrets import secret

ROUNDS = 15
QUIET_SECONDS = 0.5
STATEMENT = """
SELECT carrier, month, count(*) AS flights, avg(dep_delay) AS dep_delay, avg(arr_delay) AS arr_delay,
       quantile_cont(arr_delay, 0.95) AS p95, count(DISTINCT tailnum) AS planes
FROM {source} GROUP BY carrier, month ORDER BY carrier, month
"""


def direct(workspace: Workspace) -> Callable[[], int]:
    """The best direct way: the files named, httpfs loaded, the result taken as Arrow."""
    endpoint = workspace.endpoint("s3").removeprefix("http://")
    files = [one.uri for one in list_objects(s3_client(workspace), "gold", "flights/")]
    source = f"read_parquet({files!r}, hive_partitioning = true, hive_types = {{'month': INT}})"
    connection: list[duckdb.DuckDBPyConnection] = []

    def fresh() -> None:
        while connection:
            connection.pop().close()
        one = duckdb.connect(config={"enable_external_file_cache": "false"})
        one.execute(f"LOAD '{extension()}'")
        one.execute(
            f"CREATE SECRET s (TYPE s3, KEY_ID '{secret(workspace, 'access_key')}', "
            f"SECRET '{secret(workspace, 'secret_key')}', ENDPOINT '{endpoint}', USE_SSL false, URL_STYLE 'path', "
            f"REGION '{workspace.settings.text('region')}')"
        )
        connection.append(one)

    def run() -> int:
        return int(connection[0].execute(STATEMENT.format(source=source)).to_arrow_table().num_rows)

    run.fresh = fresh  # type: ignore[attr-defined]
    return run


def served(workspace: Workspace) -> Callable[[], int]:
    """The same statement at the control process, the answer as Arrow."""
    return lambda: int(query(workspace, STATEMENT.format(source="gold.flights")).num_rows)


def seconds(run: Callable[[], int]) -> tuple[float, int]:
    """How long one run takes, and the rows it gave."""
    began = time.perf_counter()
    rows = run()
    return time.perf_counter() - began, rows


def command_start() -> float:
    """Seconds of user time and waiting for `lakelet sql --help`: the interpreter, our imports, nothing else."""
    script = [sys.executable, "-c", "import sys; sys.argv = ['lakelet', 'sql', '--help']; "
              "from lakelet.cli.main import main; main()"]  # fmt: skip
    began = time.perf_counter()
    subprocess.run(script, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print one JSON object."""
    workspace = Workspace.find()
    plain, ours = direct(workspace), served(workspace)
    times: dict[str, list[float]] = {"direct": [], "served": []}
    for turn in range(ROUNDS + 1):
        plain.fresh()  # type: ignore[attr-defined]
        time.sleep(QUIET_SECONDS)
        one, rows = seconds(plain)
        time.sleep(QUIET_SECONDS)
        other, same = seconds(ours)
        if rows != same:
            raise SystemExit(f"DuckDB gave {rows} rows and the control process {same}.")
        if turn:  # the first turn fills caches of the operating system and of credentials
            times["direct"].append(one)
            times["served"].append(other)
    medians = {name: statistics.median(values) for name, values in times.items()}
    result = {
        "benchmark": "sql",
        "rows": rows,
        "direct_seconds": round(medians["direct"], 4),
        "served_seconds": round(medians["served"], 4),
        "ratio": round(medians["served"] / medians["direct"], 3),
        "target": 1.3,
        "command_start_seconds": round(statistics.median(command_start() for _ in range(5)), 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
