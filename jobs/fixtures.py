"""A job's fixtures: the tables that go in, as files, and the rows that are to come out (docs/jobs.md).

``jobs/library/<job>/fixtures/<case>/`` holds ``fixture.toml`` (the job's arguments and the tables' definitions),
``input/<database>.<table>/…`` (the tables' objects, partitions in folders ``key=value``) and
``expected/<database>.<table>.jsonl`` (a row a line, in any order; the columns that a line names are compared).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.glue import Glue
from data.formats import data_format, storage_descriptor
from data.objects import s3_client
from data.partitions import parse_partition_path
from jobs import definitions, engines
from jobs.client import JobClient
from query.client import query_rows
from workspace.errors import LakeletError, UsageError
from workspace.paths import Workspace

MOST_SHOWN = 3  # differing rows of a table


@dataclass(frozen=True)
class Case:
    """One fixture of a job."""

    job: str
    folder: Path
    arguments: Mapping[str, str]
    tables: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> Case:
        """The fixture in a folder. Raises UsageError."""
        try:
            values = tomllib.loads((folder / "fixture.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder}/fixture.toml cannot be read ({error}): see docs/jobs.md.") from error
        if unknown := sorted(values.keys() - {"arguments", "tables"}):
            raise UsageError(f"{folder}/fixture.toml has {', '.join(unknown)}: it takes arguments and tables.")
        arguments = {f"--{name}": str(value) for name, value in values.get("arguments", {}).items()}
        return cls(folder.parents[1].name, folder, arguments, values.get("tables", {}))

    @property
    def name(self) -> str:
        return f"{self.job}/{self.folder.name}"

    @property
    def expected(self) -> dict[str, list[dict[str, Any]]]:
        """The rows that are to come out, by table."""
        files = sorted((self.folder / "expected").glob("*.jsonl"))
        return {file.stem: [json.loads(line) for line in file.read_text().splitlines() if line] for file in files}


def cases(workspace: Workspace, job: str | None = None) -> list[Case]:
    """The fixtures of a job, or of all jobs of the project; those of a job that we ship are run by its name only.

    Raises UsageError when there is none.
    """
    library = definitions.library(workspace)
    if job is not None and job not in library:
        raise UsageError(f"There is no job {job} in the library: it has {', '.join(library) or 'none'}.")
    own = (folder for folder in library.values() if folder.is_relative_to(workspace.root))
    folders = [library[job]] if job is not None else own
    found = [Case.read(path.parent) for folder in folders for path in sorted(folder.glob("fixtures/*/fixture.toml"))]
    if not found:
        whose = f"The job {job} has" if job is not None else f"The jobs of the project {workspace.root} have"
        raise UsageError(f"{whose} no fixtures: see docs/jobs.md.")
    return found


def problems(workspace: Workspace, case: Case) -> list[str]:
    """Run a case in an empty lake, a Spark job's on Sail; what is not as expected, none when all is."""
    _put(workspace, case)
    client = JobClient(workspace)
    kind = definitions.read_job(case.folder.parents[1])["Command"]["Name"]
    engine = {engines.ARGUMENT: engines.SAIL} if kind == definitions.SPARK else {}
    run = client.wait(client.submit(case.job, {**engine, **case.arguments}))
    if run["JobRunState"] != "SUCCEEDED":
        return [f"the run {run['Id'][:11]} ended in {run['JobRunState']}: {run.get('ErrorMessage', '')}"]
    return [problem for table, rows in case.expected.items() for problem in _differences(workspace, table, rows)]


def _put(workspace: Workspace, case: Case) -> None:
    glue, client = Glue(workspace), s3_client(workspace)
    inputs = sorted((case.folder / "input").iterdir())
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for database in sorted({name.partition(".")[0] for name in (*(one.name for one in inputs), *case.expected)}):
        if database not in there:
            client.create_bucket(Bucket=database)
        glue.call("CreateDatabase", DatabaseInput={"Name": database, "LocationUri": f"s3://{database}/"})
    for folder in inputs:
        database, _, table = folder.name.partition(".")
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in files:
            client.upload_file(str(path), database, f"{table}/{path.relative_to(folder).as_posix()}")
        _define(glue, database, table, case, [path.relative_to(folder).as_posix() for path in files])


def _define(glue: Glue, database: str, table: str, case: Case, files: Sequence[str]) -> None:
    given = case.tables.get(f"{database}.{table}")
    if given is None:
        raise UsageError(f'{case.folder}/fixture.toml does not define its input: add [tables."{database}.{table}"].')
    location, keys = f"s3://{database}/{table}/", list(_columns(given.get("partition_keys", {})))
    descriptor = storage_descriptor(data_format(given["format"]), list(_columns(given["columns"])), location)
    definition = {
        "Name": table, "TableType": "EXTERNAL_TABLE", "PartitionKeys": keys, "StorageDescriptor": descriptor,
        "Parameters": {"classification": given["format"], **given.get("parameters", {})},
    }  # fmt: skip
    glue.call("CreateTable", DatabaseName=database, TableInput=definition)
    for folder in sorted({file.rpartition("/")[0] for file in files}) if keys else ():
        values = [value for _, value in parse_partition_path(f"{folder}/")]
        where = {**descriptor, "Location": f"{location}{folder}/"}
        partition = {"Values": values, "StorageDescriptor": where}
        glue.call("CreatePartition", DatabaseName=database, TableName=table, PartitionInput=partition)


def _columns(given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    return ({"Name": name, "Type": kind} for name, kind in given.items())


def _differences(workspace: Workspace, table: str, expected: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a table's rows lack, or have beside those expected, by the columns that these name."""
    names = list(dict.fromkeys(name for row in expected for name in row))
    selected = ", ".join(f'"{name}"' for name in names) or "1"
    try:
        found = query_rows(workspace, f"SELECT {selected} FROM {table}").rows  # noqa: S608 - the fixture's own names
    except LakeletError as error:
        yield f"{table} cannot be read: {error}"
        return
    rest = [json.dumps([row.get(name) for name in names]) for row in expected]
    more = []
    for row in (json.dumps(row) for row in found if names or expected):
        rest.remove(row) if row in rest else more.append(row)
    for what, rows in (("lacks", rest), ("has beside the expected", more)):
        if rows:
            shown = "; ".join(rows[:MOST_SHOWN])
            yield f"{table} {what} {len(rows)} row{'s' * (len(rows) > 1)} of ({', '.join(names)}): {shown}"
