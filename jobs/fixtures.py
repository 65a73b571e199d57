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

from lakelet.catalog.glue import Glue
from lakelet.data.formats import data_format, storage_descriptor
from lakelet.data.objects import s3_client
from lakelet.data.partitions import parse_partition_path
from lakelet.jobs import definitions, engines
from lakelet.jobs import logs as run_logs
from lakelet.jobs.client import JobClient
from lakelet.query.client import query_rows
from lakelet.workspace.errors import LakeletError, NotFoundError, UsageError
from lakelet.workspace.paths import Workspace

MOST_SHOWN = 3  # differing rows of a table
_PARTS = frozenset({"fixture.toml", "input", "expected"})
_NEEDED, _MORE = frozenset({"format", "columns"}), frozenset({"partition_keys", "parameters"})


@dataclass(frozen=True)
class Case:
    """One fixture of a job."""

    job: str
    folder: Path
    arguments: Mapping[str, str]
    tables: Mapping[str, Mapping[str, Any]]
    expected: Mapping[str, Sequence[Mapping[str, Any]]]  # the rows that are to come out, by table

    @classmethod
    def read(cls, folder: Path) -> Case:
        """The fixture in a folder. Raises UsageError, for one that expects nothing too: it could not fail."""
        try:
            values = tomllib.loads((folder / "fixture.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder}/fixture.toml cannot be read ({error}): see docs/jobs.md.") from error
        if unknown := sorted(values.keys() - {"arguments", "tables"}):
            raise UsageError(f"{folder}/fixture.toml has {', '.join(unknown)}: it takes arguments and tables.")
        found = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
        if others := sorted(found - _PARTS):
            raise UsageError(f"{folder} has {', '.join(others)}: a fixture has {', '.join(sorted(_PARTS))}.")
        arguments = {f"--{name}": str(value) for name, value in values.get("arguments", {}).items()}
        tables, expected = values.get("tables", {}), _expected(folder)
        for table in (*tables, *expected, *(path.name for path in folder.glob("input/*"))):
            if len(parts := table.split(".")) != 2 or not all(parts):
                raise UsageError(f"{folder} names the table {table!r}: write database.table.")
        for table, given in tables.items():
            if not isinstance(given, dict) or not _NEEDED <= given.keys() <= _NEEDED | _MORE:
                takes = f"{', '.join(sorted(_NEEDED))} and, if there are any, {', '.join(sorted(_MORE))}"
                raise UsageError(f'{folder}/fixture.toml: [tables."{table}"] takes {takes}.')
        return cls(folder.parents[1].name, folder, arguments, tables, expected)

    @property
    def name(self) -> str:
        return f"{self.job}/{self.folder.name}"


def _expected(folder: Path) -> dict[str, list[dict[str, Any]]]:
    files, rows = sorted(folder.glob("expected/*")), {}
    if not files or any(file.suffix != ".jsonl" for file in files):
        names = ", ".join(file.name for file in files) or "nothing"
        raise UsageError(f"{folder}/expected has {names}: give a file database.table.jsonl of each table.")
    for file in files:
        rows[file.stem] = [_row(file, *one) for one in enumerate(file.read_text("utf-8").splitlines(), 1) if one[1]]
    return rows


def _row(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{file}, line {number}, is not valid JSON: {error}.") from error
    if not isinstance(row, dict):
        raise UsageError(f"{file}, line {number}, is not a row: write a JSON object.")
    return row


def cases(workspace: Workspace, job: str | None = None) -> list[Case]:
    """The fixtures of a job, or of all jobs of the project; those of a job that we ship are run by its name only.

    Raises NotFoundError for a job that is not in the library, UsageError when there is no fixture.
    """
    library = definitions.library(workspace)
    if job is not None and job not in library:
        raise NotFoundError(f"There is no job {job} in the library: it has {', '.join(library) or 'none'}.")
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
        stream = run_logs.failure_stream(workspace, run["Id"])
        tail = "".join(f"\n  {line.text}" for line in run_logs.last_lines(workspace, run["Id"], stream))
        return [f"the run {run['Id'][:11]} ended in {run['JobRunState']}: {run.get('ErrorMessage', '')}{tail}"]
    return [problem for table, rows in case.expected.items() for problem in _differences(workspace, table, rows)]


def _put(workspace: Workspace, case: Case) -> None:
    glue, client = Glue(workspace), s3_client(workspace)
    given = {path.name for path in case.folder.glob("input/*")}
    inputs = [case.folder / "input" / name for name in sorted({*given, *case.tables})]  # of no folder: an empty table
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
    for row in (json.dumps(row if names else []) for row in found):
        rest.remove(row) if row in rest else more.append(row)
    for what, rows in (("lacks", rest), ("has beside the expected", more)):
        if rows:
            shown = "; ".join(rows[:MOST_SHOWN])
            of = f"row{'s' * (len(rows) > 1)} of ({', '.join(names) or 'any columns'})"
            yield f"{table} {what} {len(rows)} {of}: {shown}"
