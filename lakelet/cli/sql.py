"""``lakelet sql``: one statement over the catalogued lake, its rows on stdout, how many and how fast on stderr."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

import typer

from lakelet.cli.output import Format, OutputOption
from lakelet.query.client import Rows, query_rows
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

app = typer.Typer(add_completion=False)

INTERRUPTED = 130
MAX_CELL = 60


@app.command(
    epilog='Example: lakelet sql "SELECT carrier, avg(arr_delay) FROM gold.flights GROUP BY carrier"',
    help="Query the catalogued lake with SQL: SELECT, EXPLAIN, SHOW DATABASES, SHOW TABLES IN db, DESCRIBE db.table.",
)
def sql(
    statement: Annotated[str, typer.Argument(metavar="STATEMENT", help="One statement; - reads it from stdin.")],
    database: Annotated[
        str | None, typer.Option("--database", "-d", help="The database of tables named without one.")
    ] = None,
    output: OutputOption = Format.text,
) -> None:
    """Run one statement and print its rows."""
    # stdin may hold any bytes: those that are no UTF-8 reach the statement as U+FFFD.
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if statement == "-" else statement
    if not text.strip():
        raise UsageError('The statement is empty: write one, for example lakelet sql "SHOW DATABASES".')
    began = time.monotonic()
    try:
        answer = query_rows(Workspace.find(), text, database)
    except KeyboardInterrupt:
        print("The statement was cancelled.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    seconds = time.monotonic() - began
    if output is Format.json:
        names = _distinct([name for name, _ in answer.columns])
        print(json.dumps([dict(zip(names, row, strict=True)) for row in answer.rows], ensure_ascii=False, indent=1))
    elif [name for name, _ in answer.columns] == ["explain_key", "explain_value"]:
        print("\n".join(str(row[1]) for row in answer.rows))
    else:
        _print_table(answer)
    count = len(answer.rows)
    print(f"{count:,} {'row' if count == 1 else 'rows'} in {seconds:.2f} s", file=sys.stderr)


def _distinct(names: list[str]) -> list[str]:
    """The names with the second ``a`` as ``a_2``, so that a JSON object keeps every column."""
    found: list[str] = []
    for name in names:
        number, unique = 1, name
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found.append(unique)
    return found


def _print_table(answer: Rows) -> None:
    names = [name for name, _ in answer.columns]
    numeric = [
        kind.startswith(("int", "uint", "float", "double", "decimal", "halffloat")) for _, kind in answer.columns
    ]
    cells = [[_cell(value) for value in row] for row in answer.rows]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(names)]
    rule = "  ".join("─" * width for width in widths)
    for number, row in enumerate([names, *cells]):
        line = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        print("  ".join(line).rstrip())
        if number == 0:
            print(rule)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e-3 and value else f"{value:.4f}".rstrip("0").rstrip(".")
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
