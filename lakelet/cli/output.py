"""How commands answer: they compute rows and records, this prints them as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer


class Format(StrEnum):
    """The two forms of every answer."""

    text = "text"
    json = "json"


OutputOption = Annotated[Format, typer.Option("--output", "-o", help="How to print the answer.")]


def show_rows(rows: Sequence[Mapping[str, Any]], output: Format, columns: Sequence[str] | None = None) -> None:
    """Print a list of records: an aligned table, or one JSON array."""
    if output is Format.json:
        print(json.dumps([dict(row) for row in rows], default=_plain, indent=1))
        return
    names = list(columns or (rows[0].keys() if rows else ()))
    cells = [[_text(row.get(name)) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) if cells else len(name) for i, name in enumerate(names)]
    for line in [[name.upper() for name in names], *cells] if names else []:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if not rows:
        print("Nothing to show.")


def show_record(record: Mapping[str, Any], output: Format) -> None:
    """Print one record: ``name: value`` lines, or one JSON object."""
    if output is Format.json:
        print(json.dumps(dict(record), default=_plain, indent=1))
        return
    width = max((len(name) for name in record), default=0)
    for name, value in record.items():
        print(f"{name.ljust(width)}  {_text(value)}")


def show_message(text: str, output: Format, **fields: Any) -> None:
    """Print a sentence, or in JSON the fields it is made of."""
    print(json.dumps(fields or {"message": text}, default=_plain) if output is Format.json else text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=_plain)
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)
