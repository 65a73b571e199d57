"""``lakelet catalog search``, ``versions``, ``diff``, ``lineage`` and ``crawlers``: what is there, and how it came."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from lakelet.catalog.client import TableReference
from lakelet.catalog.differences import ADDED, REMOVED, differences
from lakelet.catalog.glue import Glue
from lakelet.cli.output import Format, OutputOption, show_message, show_record, show_rows
from lakelet.workspace.control import call
from lakelet.workspace.errors import EntityNotFoundException, LakeletError
from lakelet.workspace.paths import Workspace

TableArgument = Annotated[str, typer.Argument(metavar="DATABASE.TABLE", help="The table, as in silver.flights.")]
_SIGNS = {ADDED: "+", REMOVED: "-"}


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help='Words that a table must have, or "a whole value".')],
    database: Annotated[str | None, typer.Option("--database", "-d", help="Only in this database.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="The most tables to list.")] = 50,
    output: OutputOption = Format.text,
) -> None:
    """Find tables by their names, descriptions, columns, comments, parameters and locations.

    Example: lakelet catalog search carrier
    """
    found = Glue(Workspace.find()).pages("SearchTables", "TableList", SearchText=text)
    wanted = (table for table in found if database is None or table["DatabaseName"] == database.lower())
    rows = [
        {
            "table": f"{table['DatabaseName']}.{table['Name']}",
            "format": table.get("Parameters", {}).get("classification"),
            "columns": len(table.get("StorageDescriptor", {}).get("Columns", ())),
            "description": table.get("Description"),
            "updated": table.get("UpdateTime"),
        }
        for table in itertools.islice(wanted, limit)
    ]
    show_rows(rows, output, ("table", "format", "columns", "description", "updated"))


def versions(table: TableArgument, output: OutputOption = Format.text) -> None:
    """List the versions of a table, the newest first, each with what it changed.

    Example: lakelet catalog versions bronze.flights
    """
    reference = TableReference.parse(table)
    found = list(_versions(Glue(Workspace.find()), reference))
    rows = []
    for one, before in itertools.zip_longest(found, found[1:]):
        changes = differences(before["Table"], one["Table"]) if before else []
        rows.append(
            {
                "version": int(one["VersionId"]),
                "updated": one["Table"].get("UpdateTime"),
                "columns": len(one["Table"].get("StorageDescriptor", {}).get("Columns", ())),
                "changes": ", ".join(f"{_SIGNS.get(change.change, '~')}{change.name}" for change in changes),
            }
        )
    show_rows(rows, output, ("version", "updated", "columns", "changes"))


def diff(
    table: TableArgument,
    first: Annotated[int | None, typer.Argument(metavar="[FROM]", min=0, help="The one before TO by default.")] = None,
    second: Annotated[int | None, typer.Argument(metavar="[TO]", min=0, help="The current one by default.")] = None,
    output: OutputOption = Format.text,
) -> None:
    """Show how two versions of a table differ: columns, partition keys, parameters, storage.

    Example: lakelet catalog diff bronze.flights 1 3
    """
    reference, glue = TableReference.parse(table), Glue(Workspace.find())
    newer = _version(glue, reference, second)
    if first is None:
        before = [one for one in _versions(glue, reference) if int(one["VersionId"]) < int(newer["VersionId"])]
        if not before:
            raise LakeletError(f"Version {newer['VersionId']} is the first of {reference}: there is none before it.")
        older = before[0]
    else:
        older = _version(glue, reference, first)
    found = differences(older["Table"], newer["Table"])
    if output is Format.text and not found:
        show_message(f"Versions {older['VersionId']} and {newer['VersionId']} of {reference} do not differ.", output)
        return
    show_rows([asdict(one) for one in found], output, ("part", "name", "change", "before", "after"))


def lineage(table: TableArgument, output: OutputOption = Format.text) -> None:
    """Show which runs wrote a table and which read it, and the tables that it comes from and goes to.

    Example: lakelet catalog lineage silver.flights
    """
    workspace, reference = Workspace.find(), TableReference.parse(table)
    found = call(workspace, "POST", "lineage", {"database": reference.database, "table": reference.name})
    sides = {"writers": "wrote", "readers": "read"}
    for one in (*found["writers"], *found["readers"]):
        one["at"] = datetime.fromtimestamp(one["at"], UTC)
    named = {side: [".".join(names) for names in found[side]] for side in ("sources", "derived")}
    if output is Format.json:
        show_record({"table": str(reference), **{side: found[side] for side in sides}, **named}, output)
        return
    texts = {side: ", ".join(tables) or "none known" for side, tables in named.items()}
    show_record({"comes from": texts["sources"], "goes to": texts["derived"]}, output)
    print()
    rows = [
        {"what": verb, **one, "job": one["job"] or "(notebook)"} for side, verb in sides.items() for one in found[side]
    ]
    show_rows(rows, output, ("what", "job", "state", "at", "run_id"))


def crawlers(output: OutputOption = Format.text) -> None:
    """List the crawlers, and how their last crawls ended.

    Example: lakelet catalog crawlers
    """
    rows = []
    for one in Glue(Workspace.find()).pages("GetCrawlers", "Crawlers"):
        last = one.get("LastCrawl") or {}
        rows.append(
            {
                "name": one["Name"],
                "state": one["State"],
                "database": one.get("DatabaseName"),
                "schedule": (one.get("Schedule") or {}).get("ScheduleExpression"),
                "last": last.get("Status"),
                "at": last.get("StartTime"),
                "message": last.get("ErrorMessage"),
            }
        )
    show_rows(rows, output, ("name", "state", "database", "schedule", "last", "at", "message"))


def _versions(glue: Glue, reference: TableReference) -> Any:
    return glue.pages("GetTableVersions", "TableVersions", DatabaseName=reference.database, TableName=reference.name)


def _version(glue: Glue, reference: TableReference, version: int | None) -> dict[str, Any]:
    named = {} if version is None else {"VersionId": str(version)}
    try:
        answer = glue.call("GetTableVersion", DatabaseName=reference.database, TableName=reference.name, **named)
    except EntityNotFoundException:
        if version is None:
            raise
        known = [one["VersionId"] for one in _versions(glue, reference)]
        raise EntityNotFoundException(f"{reference} has no version {version}; it has {_some(known)}.") from None
    found: dict[str, Any] = answer["TableVersion"]
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} older ones" if len(names) > 10 else "")
