"""``lakelet catalog``: what the Data Catalog holds, and crawls that fill it."""

from __future__ import annotations

import difflib
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

from lakelet.catalog import client
from lakelet.catalog.glue import Glue
from lakelet.cli import connections, discovery, grants, publishes, registry, statistics
from lakelet.cli.output import Format, OutputOption, show_message, show_record, show_rows
from lakelet.data.objects import s3_client
from lakelet.workspace.errors import (
    CrawlerNotRunningException,
    CrawlerStoppingException,
    EntityNotFoundException,
    LakeletError,
    RunError,
    UsageError,
)
from lakelet.workspace.paths import Workspace

POLL_SECONDS = 0.2
INTERRUPTED = 130
ROLE = "lakelet"  # Glue wants one; the workspace's own keys are what a crawl runs with

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Browse the Data Catalog and run crawlers.")

TableArgument = Annotated[str, typer.Argument(metavar="DATABASE.TABLE", help="The table, as in silver.flights.")]


@app.command()
def databases(output: OutputOption = Format.text) -> None:
    """List the databases.

    Example: lakelet catalog databases
    """
    found = client.get_databases(Workspace.find())
    rows = [_row(one, name="Name", location="LocationUri", description="Description") for one in found]
    show_rows(rows, output, ("name", "location", "description"))


@app.command()
def tables(
    database: Annotated[str, typer.Argument(metavar="DATABASE", help="The database, as in bronze.")],
    output: OutputOption = Format.text,
) -> None:
    """List the tables of a database.

    Example: lakelet catalog tables bronze
    """
    workspace = Workspace.find()
    try:
        found = list(client.get_tables(workspace, database))
    except EntityNotFoundException:
        _no_database(workspace, database)
    rows = [
        {
            "name": table["Name"],
            "format": table.get("Parameters", {}).get("classification"),
            "columns": len(table.get("StorageDescriptor", {}).get("Columns", ())),
            "partition_keys": ", ".join(key["Name"] for key in table.get("PartitionKeys", ())),
            "location": table.get("StorageDescriptor", {}).get("Location"),
            "updated": table.get("UpdateTime"),
        }
        for table in found
    ]
    show_rows(rows, output, ("name", "format", "columns", "partition_keys", "location", "updated"))


@app.command()
def show(table: TableArgument, output: OutputOption = Format.text) -> None:
    """Show a table: where it lies, how it is stored, and its columns.

    Example: lakelet catalog show silver.flights
    """
    workspace = Workspace.find()
    found = _table(workspace, client.TableReference.parse(table))
    if output is Format.json:
        show_record(found, output)
        return
    descriptor, parameters = found.get("StorageDescriptor", {}), found.get("Parameters", {})
    show_record(
        {
            "table": f"{found['DatabaseName']}.{found['Name']}",
            "format": parameters.get("classification"),
            "location": descriptor.get("Location"),
            "serde": descriptor.get("SerdeInfo", {}).get("SerializationLibrary"),
            "updated": found.get("UpdateTime"),
            "parameters": ", ".join(f"{name}={value}" for name, value in sorted(parameters.items())),
        },
        output,
    )
    columns = [(column, "") for column in descriptor.get("Columns", ())]
    columns += [(column, "partition key") for column in found.get("PartitionKeys", ())]
    print()
    show_rows(
        [{"column": column["Name"], "type": column.get("Type"), "note": column.get("Comment") or note}
         for column, note in columns],
        output,
    )  # fmt: skip


@app.command()
def partitions(
    table: TableArgument,
    expression: Annotated[
        str | None, typer.Option("--expression", "-e", metavar="SQL", help="Only those that satisfy this condition.")
    ] = None,
    output: OutputOption = Format.text,
) -> None:
    """List the partitions of a table, all of them or those that satisfy a condition over its partition keys.

    Example: lakelet catalog partitions silver.flights --expression "month >= 6"
    """
    workspace = Workspace.find()
    reference = client.TableReference.parse(table)
    keys = [key["Name"] for key in _table(workspace, reference).get("PartitionKeys", ())]
    if not keys:
        raise LakeletError(f"The table {reference} has no partition keys: `lakelet catalog show {reference}` shows it.")
    rows = [
        dict(zip(keys, found["Values"], strict=False))
        | {"location": found.get("StorageDescriptor", {}).get("Location")}
        for found in client.get_partitions(workspace, reference.database, reference.name, expression)
    ]
    show_rows(rows, output, (*keys, "location"))


@app.command()
def crawl(
    crawler: Annotated[str, typer.Argument(metavar="NAME_OR_S3PATH", help="A crawler, or a folder like s3://bronze/.")],
    database: Annotated[
        str | None, typer.Option(help="The database that a folder's tables go to; the bucket's name by default.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show the crawl's progress, and end as it ends.")] = False,
    output: OutputOption = Format.text,
) -> None:
    """Start a crawler; for a folder, one that crawls it is made first.

    Example: lakelet catalog crawl s3://bronze/flights/ --wait
    """
    workspace = Workspace.find()
    glue = Glue(workspace)
    name = _crawler_of(workspace, glue, crawler, database) if "://" in crawler else crawler
    if name == crawler and database:
        raise UsageError("--database goes with a folder: a crawler has a database already.")
    try:
        glue.call("StartCrawler", Name=name)
    except EntityNotFoundException:
        known = glue.call("ListCrawlers")["CrawlerNames"]
        raise _unknown("crawler", name, known, "give a folder like s3://bronze/ to make one") from None
    nothing = _why_nothing(workspace, glue.call("GetCrawler", Name=name)["Crawler"])
    if not wait:
        if nothing is not None:
            raise LakeletError(f"Crawler {name} is running, but will find nothing. {nothing}")
        text = f"Crawler {name} is running; `lakelet catalog tables DATABASE` shows the tables that it makes."
        show_message(text, output, crawler=name, state="RUNNING")
        return
    run_id = _newest(glue, name)["CrawlId"]
    try:
        for line in _follow(workspace, glue, name, run_id):
            print(line, file=sys.stderr if output is Format.json else sys.stdout, flush=True)
    except KeyboardInterrupt:
        _interrupted(glue, name, run_id)
    ended = _crawl(glue, name, run_id)
    _ended(name, ended, output)
    if nothing is not None and not _has_changes(ended):
        raise LakeletError(f"Crawler {name} found nothing. {nothing}")


def _row(record: Mapping[str, Any], **members: str) -> dict[str, Any]:
    return {name: record.get(member) for name, member in members.items()}


# -- names ------------------------------------------------------------------------------------------------------


def _table(workspace: Workspace, reference: client.TableReference) -> dict[str, Any]:
    try:
        return client.get_table(workspace, reference.database, reference.name)
    except EntityNotFoundException:
        try:
            known = [table["Name"] for table in client.get_tables(workspace, reference.database)]
        except EntityNotFoundException:
            _no_database(workspace, reference.database)
        missing = f"table {reference.name} in {reference.database}"
        hint = f"`lakelet catalog tables {reference.database}` lists them"
        raise _unknown(missing, reference.name, known, hint) from None


def _no_database(workspace: Workspace, name: str) -> NoReturn:
    known = [database["Name"] for database in client.get_databases(workspace)]
    raise _unknown("database", name, known, "`lakelet catalog databases` lists them") from None


def _unknown(what: str, name: str, known: Iterable[str], hint: str) -> LakeletError:
    """The error for a name that does not exist: says which do that look like it, or all when they are few."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=5, cutoff=0.5) or (names if len(names) <= 8 else [])
    what = what if " " in what else f"{what} {name}"
    if not close:
        return EntityNotFoundException(f"There is no {what}: {hint}.")
    return EntityNotFoundException(
        f"There is no {what}; there {'is' if len(close) == 1 else 'are'} {', '.join(close)}."
    )


# -- crawls -----------------------------------------------------------------------------------------------------


def _crawler_of(workspace: Workspace, glue: Glue, location: str, database: str | None) -> str:
    """The crawler of a folder, named after it (and after the database, when that is not the bucket's); made if new."""
    match = re.fullmatch(r"s3[an]?://([^/]+)/?(.*?)/*", location)
    if match is None:
        raise UsageError(f"{location!r} is not a folder on S3: write s3://bucket/path/.")
    bucket, path = match.groups()
    _check_holds_objects(workspace, bucket, path)
    parts = [bucket, *path.split("/"), *([database] if database and database != bucket else [])]
    name = "-".join(part for part in parts if part)
    wanted = {"DatabaseName": database or bucket, "Targets": {"S3Targets": [{"Path": f"s3://{bucket}/{path}"}]}}
    try:
        known = glue.call("GetCrawler", Name=name)["Crawler"]
    except EntityNotFoundException:
        glue.call("CreateCrawler", Name=name, Role=ROLE, **wanted)
        return name
    paths = [target["Path"].rstrip("/") for target in known["Targets"].get("S3Targets", ())]
    if paths != [f"s3://{bucket}/{path}".rstrip("/")] or known["DatabaseName"] != wanted["DatabaseName"]:
        raise UsageError(
            f"The crawler {name} crawls {', '.join(paths)} into {known['DatabaseName']}: run it by its name, "
            "or choose another --database."
        )
    return name


def _check_holds_objects(workspace: Workspace, bucket: str, path: str) -> None:
    """Raise LakeletError for a folder without objects, of which a crawl would make nothing and end COMPLETED."""
    from botocore.exceptions import ClientError

    folder = f"s3://{bucket}/{path}"
    prefix = f"{path}/" if path else ""
    try:
        page = s3_client(workspace).list_objects_v2(Bucket=bucket, Prefix=path, MaxKeys=1)
        first = next((item["Key"] for item in page.get("Contents", ())), "")
        if first != path and not first.startswith(prefix):  # another folder, whose name begins alike
            page = s3_client(workspace).list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise LakeletError(f"{folder} cannot be listed: {error}") from error
        raise LakeletError(f"There is no bucket {bucket}: write the data there first, or name another one.") from None
    if not page.get("Contents"):
        raise LakeletError(f"There are no objects under {folder}: write the data there first, or name another folder.")


def _why_nothing(workspace: Workspace, crawler: Mapping[str, Any]) -> str | None:
    """Why a crawler finds nothing, when all its targets are folders without objects; it may still remove tables."""
    targets = {kind: found for kind, found in crawler.get("Targets", {}).items() if found}
    if list(targets) != ["S3Targets"]:
        return None
    reasons = []
    for target in targets["S3Targets"]:
        bucket, _, path = target["Path"].partition("://")[2].partition("/")
        try:
            _check_holds_objects(workspace, bucket, path.strip("/"))
        except LakeletError as error:
            reasons.append(str(error))
        else:
            return None
    return reasons[0]


def _has_changes(run: Mapping[str, Any]) -> bool:
    return any(count for kinds in json.loads(run.get("Summary", "{}")).values() for count in kinds.values())


def _newest(glue: Glue, name: str) -> dict[str, Any]:
    answer = glue.call("ListCrawls", CrawlerName=name, MaxResults=1)
    run: dict[str, Any] = answer["Crawls"][0]
    return run


def _crawl(glue: Glue, name: str, run_id: str) -> dict[str, Any]:
    """That crawl: the crawler may have begun another since."""
    token: dict[str, str] = {}
    while True:
        answer = glue.call("ListCrawls", CrawlerName=name, **token)
        for run in answer["Crawls"]:
            if run["CrawlId"] == run_id:
                found: dict[str, Any] = run
                return found
        if "NextToken" not in answer:
            raise RunError(f"The crawl {run_id} of crawler {name} is not in its history any more.")
        token = {"NextToken": answer["NextToken"]}


def _follow(workspace: Workspace, glue: Glue, name: str, run_id: str) -> Iterator[str]:
    """The lines that a crawl prints, until it has ended."""
    log = workspace.runs / run_id / "stdout.log"
    position = 0
    ended = False
    while True:
        if log.exists():
            with open(log, "rb") as file:
                file.seek(position)
                for line in file:
                    if line.endswith(b"\n") or ended:
                        position += len(line)
                        yield line.decode(errors="replace").rstrip("\n")
        if ended:
            return
        ended = _crawl(glue, name, run_id)["State"] != "RUNNING"
        if not ended:
            time.sleep(POLL_SECONDS)


def _interrupted(glue: Glue, name: str, run_id: str) -> NoReturn:
    """After Ctrl-C: ask whether to stop the crawl, and leave it running when there is nobody to ask."""
    print(file=sys.stderr)
    try:
        stop = sys.stdin.isatty() and typer.confirm(f"Stop crawler {name}?", err=True)
    except typer.Abort:
        stop = False
    if _crawl(glue, name, run_id)["State"] != "RUNNING":
        print(f"The crawl of crawler {name} has ended.", file=sys.stderr)
    elif stop:
        with suppress(CrawlerNotRunningException, CrawlerStoppingException):
            glue.call("StopCrawler", Name=name)
        print(f"Crawler {name} is stopping.", file=sys.stderr)
    else:
        print(
            f"Crawler {name} is still running; stop it with `lakelet aws glue stop-crawler --name {name}`.",
            file=sys.stderr,
        )
    raise typer.Exit(INTERRUPTED)


def _ended(name: str, run: Mapping[str, Any], output: Format) -> None:
    if run["State"] != "COMPLETED":
        raise RunError(f"Crawler {name} ended {run['State']}: {run.get('ErrorMessage', 'it was stopped')}")
    if output is Format.json:
        seconds = (run["EndTime"] - run["StartTime"]).total_seconds()
        changes = json.loads(run.get("Summary", "{}"))
        record = {"crawler": name, "state": run["State"], "seconds": seconds, "changes": changes}
        show_record(record, output)


for command in (discovery.search, discovery.versions, discovery.diff, discovery.lineage, discovery.crawlers):
    app.command()(command)
app.command()(statistics.analyze)
app.command()(statistics.statistics)
app.command()(publishes.publishes)
app.command("give-up")(publishes.give_up)
app.add_typer(registry.app, name="schemas")
app.add_typer(grants.app, name="grants")
app.add_typer(connections.app, name="connections")
