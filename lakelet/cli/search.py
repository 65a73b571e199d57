"""``lakelet search``: full-text search over the logs, and over the indexed data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from lakelet.cli.output import Format, OutputOption, show_message, show_rows

app = typer.Typer(add_completion=False)

COLUMNS = ("time", "level", "source", "job", "message")


@app.command()
def search(
    text: Annotated[
        str,
        typer.Argument(
            metavar="QUERY", help='Words that must all occur; "a phrase", -not, this | that, pre*. "" finds all.'
        ),
    ],
    index: Annotated[
        str, typer.Option("--index", "-i", help="logs, or an index: flights, delay-by-carrier, delay-by-route, …")
    ] = "logs",
    run: Annotated[str | None, typer.Option("--run", help="Only lines of this run (its id, or how it begins).")] = None,
    level: Annotated[str | None, typer.Option("--level", help="Only lines of this level: INFO, WARN, ERROR.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only lines of driver, executor, control, opensearch, minio, …")
    ] = None,
    size: Annotated[int, typer.Option("--size", "-n", help="How many to show, newest (or best) first.")] = 20,
    output: OutputOption = Format.text,
) -> None:
    """Search the logs of jobs and components, or rows that were indexed.

    Examples: lakelet search "connection refused" --level error; lakelet search "united ewr" --index flights
    """
    from lakelet.search.client import open_client
    from lakelet.search.queries import LOGS, search_index, search_logs
    from lakelet.workspace.errors import UsageError
    from lakelet.workspace.paths import Workspace

    if not index.strip():  # OpenSearch would take it for all indexes
        raise UsageError("--index is empty: name logs, or an index like flights.")
    client = open_client(Workspace.find())
    if index in ("logs", LOGS):
        page = search_logs(client, text, run_id=run, level=level, source=source, size=size)
        rows = [{"time": line.timestamp, **asdict(line)} for line in page.hits]
        total = page.total
        if output is Format.text:
            rows = [row | {"message": _first_line(row["message"])} for row in rows]
        columns: Any = COLUMNS
    elif run or level or source:
        raise UsageError("--run, --level and --source choose log lines: leave them out with --index.")
    else:
        found = search_index(client, index, text, size)
        rows, total, columns = [dict(hit) for hit in found.hits], found.total, None
    if output is Format.json:
        for row in rows:
            row.pop("timestamp", None)
        show_rows(rows, output)
        return
    show_rows(rows, output, columns or _telling(rows))
    if total > len(rows):
        show_message(f"{len(rows)} of {total:,} shown; --size shows more.", output)


def _first_line(message: str) -> str:
    first, newline, rest = message.partition("\n")
    return f"{first} (+{rest.count(chr(10)) + 1} lines)" if newline else first


def _telling(rows: list[dict[str, Any]]) -> list[str]:
    """The first columns that say something in these rows: a terminal has no room for forty."""
    names = [
        name for name in (rows[0] if rows else ()) if name != "_id" and any(row.get(name) is not None for row in rows)
    ]
    return names[:12]
