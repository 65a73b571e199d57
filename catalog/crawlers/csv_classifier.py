"""The CSV classifier: delimiter, heading and column types of delimited text, decided as Glue's built-in one does.

The rules are those of "Built-in CSV classifier" in the AWS Glue Developer Guide: the delimiter is one of five; there
must be two columns and two rows; the first row is a heading when all its cells are text of fewer than 150 characters
that make a column name, and some column below it is not text. Values are ``bigint``, ``double``, ``boolean`` or
``string``: dates and times in CSV stay text (2013-01-01T10:00:00Z too), and a job types them.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from lakelet.catalog.crawlers.schema import UNKNOWN, Column, Votes, widest

DELIMITERS = (",", "|", "\t", ";", "\x01")
MAX_HEADING_CHARACTERS = 150
_PROBE_ROWS = 200
_LEAST_SHARE = 0.6  # of rows that must have the same number of cells, else this is no CSV

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?Infinity")
_NAME = re.compile(r"[\w ./#()%$&@:+*'-]+")

_BIGINT_END = 2**63

Rows = list[list[str]]


@dataclass(frozen=True)
class CsvSchema:
    """What a text turned out to be. ``rows`` counts data rows, ``bad_rows`` those of another width among them."""

    delimiter: str
    columns: tuple[Column, ...]
    header_lines: int
    rows: int
    bad_rows: int

    @property
    def named(self) -> bool:
        return self.header_lines > 0


@dataclass(frozen=True)
class CsvRules:
    """What a custom classifier says about CSV; ``heading`` None leaves it open, and so does no ``delimiter``."""

    delimiter: str | None = None
    quote: str = '"'
    heading: bool | None = None
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    trims: bool = True
    single: bool = False


def classify_csv_as(text: str, rules: CsvRules) -> CsvSchema | None:
    """The schema of CSV text as a custom classifier reads it, or None when the text does not fit its rules."""
    csv.field_size_limit(max(len(text), 131_072))
    lines = _lines(text)
    delimiter = (
        rules.delimiter
        or max(
            (_probe(lines, one) for one in DELIMITERS if one in text),
            key=lambda probe: probe[:2],
            default=(0.0, 0, ","),
        )[2]
    )
    rows = [row for row in csv.reader(lines, delimiter=delimiter, quotechar=rules.quote) if row]
    if rules.trims:
        rows = [[cell.strip() for cell in row] for row in rows]
    if not rows:
        return None
    width = len(rules.names) or Counter(map(len, rows)).most_common(1)[0][0]
    regular = [row for row in rows if len(row) == width]
    if len(regular) < _LEAST_SHARE * len(rows) or width < (1 if rules.single else 2):
        return None
    heading = rules.heading
    if heading is None:
        below = [_column_votes(Counter(cells)) for cells in zip(*regular[1:], strict=True)]
        same = [cell.lower() for cell in rows[0]] == [name.strip().lower() for name in rules.names]
        heading = rows[0] is regular[0] and (same or (not rules.names and _is_heading(rows[0], below)))
    data = [row for row in rows[int(heading) :] if len(row) == width]
    if not data or (heading and len(rows[0]) != width):
        return None
    names = rules.names or (_distinct(rows[0]) if heading else [f"col{index}" for index in range(width)])
    kinds = [widest(_column_votes(Counter(cells))) for cells in zip(*data, strict=True)]
    kinds[: len(rules.types)] = rules.types[:width]
    columns = tuple(Column(name, kind) for name, kind in zip(names, kinds, strict=True))
    count = len(rows) - int(heading)
    return CsvSchema(delimiter, columns, int(heading), count, count - len(data))


def classify_csv(text: str) -> CsvSchema | None:
    """The schema of CSV text made of whole rows, or None when it is no CSV."""
    csv.field_size_limit(max(len(text), 131_072))
    lines = _lines(text)
    probes = [_probe(lines, delimiter) for delimiter in DELIMITERS if delimiter in text]
    share, width, delimiter = max(probes, key=lambda probe: probe[:2], default=(0.0, 0, ","))
    if width < 2 or share < _LEAST_SHARE:
        return None
    rows = _parse(text, delimiter)
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    regular = [row for row in rows if len(row) == width]
    if width < 2 or len(regular) < 2:
        return None
    counts = [Counter(cells) for cells in zip(*regular, strict=True)]
    has_heading = rows[0] is regular[0]
    if has_heading:
        below = [count - Counter([cell]) for count, cell in zip(counts, rows[0], strict=True)]
        types = [_column_votes(count) for count in below]
        has_heading = _is_heading(rows[0], types)
    if not has_heading:
        types = [_column_votes(count) for count in counts]
    names = _distinct(rows[0]) if has_heading else [f"col{index}" for index in range(width)]
    columns = tuple(Column(name, widest(votes)) for name, votes in zip(names, types, strict=True))
    return CsvSchema(delimiter, columns, int(has_heading), len(rows) - has_heading, len(rows) - len(regular))


def _probe(lines: Sequence[str], delimiter: str) -> tuple[float, int, str]:
    """How well a delimiter fits: the share of rows with the commonest number of cells, and that number."""
    rows = [row for row in islice(csv.reader(lines, delimiter=delimiter), _PROBE_ROWS) if row]
    if not rows:
        return 0.0, 0, delimiter
    width, count = Counter(len(row) for row in rows).most_common(1)[0]
    return (count / len(rows) if width > 1 else 0.0), width, delimiter


def _parse(text: str, delimiter: str) -> Rows:
    """The rows of the text. A stray quote would swallow the rest of it: then each line is a row of its own."""
    rows = [row for row in csv.reader(_lines(text), delimiter=delimiter) if row]
    if rows and max(map(len, rows[-1])) > len(text) / 4 and "\n" in "".join(rows[-1]):
        return [row for line in _lines(text) for row in csv.reader([line], delimiter=delimiter) if row]
    return rows


def _lines(text: str) -> list[str]:
    """Lines with their ends, split at line feeds and carriage returns only, as CSV readers do."""
    return list(io.StringIO(text, newline=""))


def _column_votes(cells: Mapping[str, int]) -> list[str]:
    votes = Votes()
    for cell, count in cells.items():
        if kind := _kind(cell.strip()):
            votes.add(kind, count)
    return votes.winners()


def _kind(cell: str) -> str:
    if not cell:
        return UNKNOWN
    if _INTEGER.fullmatch(cell):
        # What no 64 bits hold would lose digits as a number.
        return "bigint" if -_BIGINT_END <= int(cell) < _BIGINT_END else "string"
    if _DOUBLE.fullmatch(cell):
        return "double"
    return "boolean" if cell.lower() in ("true", "false") else "string"


def _is_heading(row: Sequence[str], types: Sequence[list[str]]) -> bool:
    names = [cell.strip() for cell in row if cell.strip()]  # some writers leave the index column's cell empty
    return (
        bool(names)
        and all(_kind(name) == "string" and len(name) < MAX_HEADING_CHARACTERS for name in names)
        and all(_NAME.fullmatch(name) for name in names)
        and any(kinds and kinds != ["string"] for kinds in types)
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Names made unique and never empty, since a table cannot have a column twice."""
    found: list[str] = []
    taken: set[str] = set()
    for index, name in enumerate(names):
        base = candidate = name.strip() or f"col{index}"
        number = 0
        while candidate.lower() in taken:
            number += 1
            candidate = f"{base}_{number}"
        taken.add(candidate.lower())
        found.append(candidate)
    return found
