"""What SQL at the control process costs beside DuckDB in this process: one aggregate on the same Parquet over S3.

    python -m bench.sql [--table gold.flights] [--repeat 15] [--output json]

Needs a running stack with the table in it. The ways take turns with the file cache off and a fresh connection each
time, DuckDB as it comes and told to read files whole, as the control process does for small ones; the quiet moment
before each turn lets the next worker warm up, as it does between statements of people.
Aim: ours ÷ DuckDB's ≤ 1.3. The start-up of the command itself is measured apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from lakelet.catalog.client import get_table
from lakelet.data.objects import list_objects, s3_client
from lakelet.data.zones import split_uri
from lakelet.query.client import query
from lakelet.query.sandbox import extension
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

AIM = 1.3
OURS, DUCKDB = "SQL at the control process", "DuckDB in this process"
WHOLE = "DuckDB told to read files whole"
QUIET_SECONDS = 0.5
STATEMENT = """
SELECT carrier, month, count(*) AS flights, avg(dep_delay) AS dep_delay, avg(arr_delay) AS arr_delay,
       quantile_cont(arr_delay, 0.95) AS p95, count(DISTINCT tailnum) AS planes
FROM {source} GROUP BY carrier, month ORDER BY carrier, month
"""


class Direct:
    """The best direct way: the files named, httpfs loaded and keys known beforehand, the result taken as Arrow."""

    def __init__(self, workspace: Workspace, database: str, table: str, *, whole: bool = False) -> None:
        self._whole = whole
        location = get_table(workspace, database, table)["StorageDescriptor"]["Location"]
        files = [one.uri for one in list_objects(s3_client(workspace), *split_uri(location))]
        self._source = f"read_parquet({files!r}, hive_partitioning = true, hive_types = {{'month': INT}})"
        self._secret = (
            f"CREATE SECRET s (TYPE s3, KEY_ID '{secret(workspace, 'access_key')}', USE_SSL false, URL_STYLE 'path', "
            f"SECRET '{secret(workspace, 'secret_key')}', REGION '{workspace.settings.text('region')}', "
            f"ENDPOINT '{workspace.endpoint('s3').removeprefix('http://')}')"
        )
        self._connection = duckdb.connect()

    def prepare(self) -> None:
        """A fresh connection: a kept one would keep its connections to S3 too."""
        self._connection.close()
        self._connection = duckdb.connect(config={"enable_external_file_cache": "false"})
        self._connection.execute(f"LOAD '{extension()}'")
        self._connection.execute("SET enable_http_metadata_cache = true")  # as the workers have it
        self._connection.execute("SET parquet_metadata_cache = true")
        self._connection.execute(f"SET force_download = {self._whole}")
        self._connection.execute(self._secret)

    def run(self) -> int:
        """Run the statement; returns its rows."""
        return int(self._connection.execute(STATEMENT.format(source=self._source)).to_arrow_table().num_rows)


def timed(run: Callable[[], int]) -> tuple[float, int]:
    """How long one run takes, and the rows it gave."""
    began = time.perf_counter()
    rows = run()
    return time.perf_counter() - began, rows


def measure(workspace: Workspace, name: str, repeat: int) -> dict[str, list[float]]:
    """Seconds of each way, ``repeat`` times in turn."""
    direct, whole = (Direct(workspace, *name.split("."), whole=one) for one in (False, True))
    ways = {
        OURS: lambda: int(query(workspace, STATEMENT.format(source=name)).num_rows),
        DUCKDB: direct.run,
        WHOLE: whole.run,
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(repeat + 1):  # the first turn warms the page cache and does not count
        direct.prepare()
        whole.prepare()
        answers = set()
        for way, run in ways.items():
            time.sleep(QUIET_SECONDS)
            took, rows = timed(run)
            answers.add(rows)
            if turn:
                seconds[way].append(took)
        if len(answers) > 1:
            raise SystemExit(f"The ways gave different numbers of rows: {answers}.")
    return seconds


def command_start(repeat: int) -> list[float]:
    """Seconds of a `lakelet sql` that has nothing to ask: the interpreter, the imports, the reading of the options."""
    command = [str(Path(sys.executable).parent / "lakelet"), "sql", " "]
    return [
        timed(lambda: subprocess.run(command, capture_output=True, check=False).returncode)[0] for _ in range(repeat)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--table", default="gold.flights")
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    seconds = measure(Workspace.find(), options.table, options.repeat)
    start = command_start(options.repeat)
    ours, theirs = (statistics.median(seconds[way]) for way in (OURS, DUCKDB))
    if options.output == "json":
        print(json.dumps({"seconds": seconds, "ratio": ours / theirs, "aim": AIM, "command_start": start}, indent=1))
        return
    print(f"{'an aggregate over ' + options.table:32} {'median ms':>9} {'min ms':>7} {'max ms':>7}")
    for name, values in (*seconds.items(), ("`lakelet sql` before it asks", start)):
        print(f"{name:32} {statistics.median(values) * 1e3:9.0f} {min(values) * 1e3:7.0f} {max(values) * 1e3:7.0f}")
    print(f"ours ÷ DuckDB's: {ours / theirs:.2f}, aim ≤ {AIM}")


if __name__ == "__main__":
    main()
