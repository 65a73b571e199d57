"""What the tests of the flights jobs share: a month in bronze, runs that have to succeed, rows and ETags to compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lakelet.data.flights import BronzeCounts, write_bronze
from lakelet.data.objects import list_objects, s3_client
from lakelet.demo import Demo, catalog
from lakelet.jobs import engines
from lakelet.jobs.client import JobClient, JobRun
from lakelet.query.client import query_rows
from lakelet.workspace.paths import Workspace


class Flights:
    """January's flights on the shared stack."""

    def __init__(self, workspace: Workspace, scripts: Path) -> None:
        self.workspace = workspace
        self.jobs = JobClient(workspace)
        self.scripts = scripts
        self.bronze: BronzeCounts = write_bronze(workspace, [1])
        catalog(Demo(workspace, (1,)))

    def run(self, job: str, state: str = "SUCCEEDED", engine: str = "") -> JobRun:
        """A run of a job, or of a script; ``engine`` is another one than the job's own."""
        run = self.jobs.wait(self.jobs.submit(job, {engines.ARGUMENT: engine} if engine else None))
        assert run["JobRunState"] == state, run
        return run

    def run_script(self, name: str, code: str, state: str = "SUCCEEDED") -> JobRun:
        path = self.scripts / f"{name}.py"
        path.write_text(code)
        return self.run(str(path), state)

    def rows(self, sql: str) -> list[list[Any]]:
        return query_rows(self.workspace, sql).rows

    def etags(self, bucket: str, prefix: str) -> dict[str, str]:
        return {one.key: one.etag for one in list_objects(s3_client(self.workspace), bucket, prefix)}

    def staged(self, bucket: str, run: JobRun) -> list[str]:
        client = s3_client(self.workspace)
        found = client.list_objects_v2(Bucket=bucket, Prefix=f".lakelet/staging/{run['Id']}/")
        return [item["Key"] for item in found.get("Contents", ())]
