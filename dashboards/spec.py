"""A board as data: what a file in ``dashboards/boards/`` may say (docs/boards.md), read and checked here.

Every mistake is one :class:`~lakelet.workspace.errors.UsageError` that names the file, the place in it and what to
write.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlglot
import sqlglot.errors
from sqlglot import exp

from lakelet.dashboards.formats import FORMATS
from lakelet.dashboards.reader import Reader
from lakelet.workspace.errors import UsageError

DIALECT = "duckdb"

FILTER_TYPES = ("select", "multiselect", "range", "date")
CHART_TYPES = ("line", "area", "bar", "scatter", "heatmap", "map", "table")
PROJECTIONS = ("mercator", "equalEarth", "naturalEarth1", "albersUsa")
SIZES = ("half", "full")


@dataclass(frozen=True)
class Measure:
    """A number computed from the rows: a label, a SQL expression, and how to write it (``formats.FORMATS``)."""

    label: str
    value: str
    format: str = "integer"
    unit: str = ""
    help: str = ""


@dataclass(frozen=True)
class Filter:
    """A choice that acts on every number of the board: on which column, and by what kind of control."""

    column: str
    label: str
    type: str
    format: str = "text"


@dataclass(frozen=True)
class Axis:
    """A column that a chart groups by, with its title and format."""

    column: str
    label: str
    format: str = "text"


@dataclass(frozen=True)
class Place:
    """Where a map's points lie: columns of latitude and longitude, and of the other end when they are routes."""

    latitude: str
    longitude: str
    from_latitude: str = ""
    from_longitude: str = ""
    backdrop: str = ""
    projection: str = "mercator"


@dataclass(frozen=True)
class Chart:
    """One chart: its type, what it groups by (``by``) and what it shows (``measures``), in the type's own order.

    line, area, bar: by = x and, with ``color``, the series; heatmap: by = x, y and one measure; scatter: by = the
    dot, measures = x, y and size; map: by = the dot, measures = size and colour; table: any number of either.
    """

    title: str
    type: str
    by: tuple[Axis, ...]
    measures: tuple[Measure, ...]
    help: str = ""
    top: int = 0
    size: str = "half"
    place: Place | None = None


@dataclass(frozen=True)
class Level:
    """One step of the drill-down: grouped by a column, or, at the end, the rows themselves (``rows``)."""

    label: str
    by: Axis | None = None
    measures: tuple[Measure, ...] = ()
    rows: tuple[Axis, ...] = ()
    order: str = ""


@dataclass(frozen=True)
class Board:
    """A whole board. ``dataset`` is ``database.table`` or a SELECT; ``columns`` are computed ones, by name."""

    path: Path
    title: str
    description: str
    icon: str
    dataset: str
    columns: Mapping[str, str]
    filters: tuple[Filter, ...] = ()
    kpis: tuple[Measure, ...] = ()
    trend: str = ""
    charts: tuple[Chart, ...] = ()
    drill_title: str = ""
    drill: tuple[Level, ...] = ()

    @property
    def slug(self) -> str:
        """The board's name in addresses: its file's name."""
        return self.path.stem


def board_files(folders: Sequence[Path]) -> list[Path]:
    """The board files, each folder's in name order; names that begin with a dot or underscore are drafts.

    Of two files of one name the first folder's counts.
    """
    found = (path for folder in folders for path in sorted(folder.glob("*.toml")) if path.name[0] not in "._")
    first: dict[str, Path] = {}
    for path in found:
        first.setdefault(path.name, path)
    return list(first.values())


def load(path: Path) -> Board:
    """Read one board file; raises :class:`~lakelet.workspace.errors.UsageError` for anything it cannot mean."""
    if path.exists() and not path.is_file():  # to read a pipe would wait for ever
        raise UsageError(f"{path.name} is not a file: remove it or give it another ending than .toml.")
    try:
        return parse(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"The board file {path.name} does not exist any more: choose another board.") from None
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read ({error.strerror}): check its permissions.") from error
    except ValueError as error:  # of TOML, of UTF-8, of a number with thousands of digits
        raise UsageError(f"{path.name} is not valid TOML ({error}): correct that line.") from error
    except RecursionError:
        raise UsageError(f"{path.name} is nested too deeply: simplify its tables and expressions.") from None


def parse(path: Path, values: dict[str, Any]) -> Board:
    """The board that the parsed TOML of a file describes."""
    reader = Reader(path.name, values)
    columns = {
        reader.name(name, "columns"): reader.checked(_expression, text, f"columns.{name}")
        for name, text in reader.mapping("columns").items()
    }
    board = Board(
        path=path,
        title=reader.text("title"),
        description=reader.text("description", ""),
        icon=reader.checked(_icon, reader.text("icon", ":material/monitoring:"), "icon"),
        dataset=reader.checked(_dataset, reader.text("dataset"), "dataset"),
        columns=columns,
        filters=tuple(_filter(entry) for entry in reader.tables("filters")),
        kpis=tuple(_measure(entry) for entry in reader.tables("kpis")),
        trend=reader.column("trend", ""),
        charts=tuple(_chart(entry) for entry in reader.tables("charts")),
        drill_title=(drill := reader.table("drill")).text("title", "Drill down"),
        drill=tuple(_levels(drill)),
    )
    drill.done()
    reader.done()
    if not board.kpis and not board.charts and not board.drill:
        raise UsageError(f"{path.name} shows nothing: add [[kpis]], [[charts]] or [[drill.levels]].")
    return board


def _filter(reader: Reader) -> Filter:
    column = reader.column("column")
    found = Filter(
        column=column,
        label=reader.text("label", _title(column)),
        type=reader.choice("type", FILTER_TYPES, "multiselect"),
        format=reader.choice("format", tuple(FORMATS), "text"),
    )
    reader.done()
    return found


def _measure(reader: Reader) -> Measure:
    value = reader.checked(_expression, reader.text("value"), "value")
    found = Measure(
        label=reader.text("label", value),
        value=value,
        format=reader.choice("format", tuple(FORMATS), "integer"),
        unit=reader.text("unit", ""),
        help=reader.text("help", ""),
    )
    reader.done()
    return found


def _axis(reader: Reader) -> Axis:
    column = reader.column("column")
    label = reader.text("label", _title(column))
    found = Axis(column, label, reader.choice("format", tuple(FORMATS), "text"))
    reader.done()
    return found


def _chart(reader: Reader) -> Chart:
    kind = reader.choice("type", CHART_TYPES)
    by, measures = _encodings(kind, reader)
    chart = Chart(
        title=reader.text("title"),
        type=kind,
        by=by,
        measures=measures,
        help=reader.text("help", ""),
        top=reader.count("top", 0),
        size=reader.choice("size", SIZES, "half"),
        place=_place(reader) if kind == "map" else None,
    )
    reader.done()
    return chart


def _encodings(kind: str, reader: Reader) -> tuple[tuple[Axis, ...], tuple[Measure, ...]]:
    axes, one = reader.entries, reader.entry
    if kind in ("line", "area", "bar"):
        by = [_axis(one("x", "column")), *([_axis(one("color", "column"))] if reader.has("color") else [])]
        measures = [_measure(entry) for entry in axes("y", "value")]
        if len(by) == 2 and len(measures) > 1:
            raise reader.error("y", "has several measures, which are series already: remove color, or keep one")
    elif kind == "heatmap":
        by = [_axis(one("x", "column")), _axis(one("y", "column"))]
        measures = [_measure(one("value", "value"))]
    elif kind == "scatter":
        by = [_axis(one("by", "column"))]
        names = ["x", "y", *(["size"] if reader.has("size_by") else [])]
        measures = [_measure(one("size_by" if name == "size" else name, "value")) for name in names]
    elif kind == "map":
        by = [_axis(one("by", "column"))]
        measures = [_measure(one(name, "value")) for name in ("size_by", "color") if reader.has(name)]
        if not measures:
            raise reader.error("size_by", "is missing: write what the size of a point means")
    else:
        by = [_axis(entry) for entry in axes("by", "column")]
        measures = [_measure(entry) for entry in axes("values", "value")]
    return tuple(by), tuple(measures)


def _place(reader: Reader) -> Place:
    backdrop = reader.text("backdrop", "")
    if backdrop:
        reader.checked(_dataset, backdrop, "backdrop")
    return Place(
        latitude=reader.column("latitude"),
        longitude=reader.column("longitude"),
        from_latitude=reader.column("from_latitude", ""),
        from_longitude=reader.column("from_longitude", ""),
        backdrop=backdrop,
        projection=reader.choice("projection", PROJECTIONS, "mercator"),
    )


def _levels(drill: Reader) -> Iterator[Level]:
    levels = drill.tables("levels")
    for number, reader in enumerate(levels, 1):
        if reader.has("rows"):
            if number != len(levels):
                raise reader.error("rows", "ends the drill-down: make this the last level")
            rows = tuple(_axis(entry) for entry in reader.entries("rows", "column"))
            level = Level(label=reader.text("label"), rows=rows, order=reader.column("order", ""))
        else:
            by = _axis(reader.entry("by", "column"))
            measures = tuple(_measure(entry) for entry in reader.entries("values", "value"))
            level = Level(label=reader.text("label", by.label), by=by, measures=measures)
        reader.done()
        yield level


def _icon(text: str) -> str:
    """``text``, when Streamlit has that icon; raises ``ValueError`` otherwise."""
    from streamlit.errors import StreamlitAPIException
    from streamlit.string_util import validate_icon_or_emoji

    try:
        validate_icon_or_emoji(text)
    except StreamlitAPIException as error:
        raise ValueError(f"is {text!r}: write an emoji, or a name of Material's icons as :material/flight:") from error
    return text


def _expression(text: str) -> str:
    """``text``, when it is one SQL expression and no statement; raises ``ValueError`` otherwise."""
    try:
        parsed = sqlglot.parse_one(text, dialect=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise ValueError("is not a SQL expression: write one such as count(*) or avg(dep_delay)") from error
    if isinstance(parsed, (exp.Query, exp.DDL, exp.DML, exp.Command)) or parsed.find(exp.Query):
        raise ValueError("is a statement: write an expression such as count(*), and a SELECT as dataset")
    return text


def _dataset(text: str) -> str:
    """``text``, when it is ``database.table`` or one SELECT; raises ``ValueError`` otherwise."""
    message = 'is neither a table nor a SELECT: write "gold.flights" or "SELECT … FROM gold.flights"'
    try:
        parsed = sqlglot.parse_one(text if " " in text.strip() else f"FROM {text}", dialect=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise ValueError(message) from error
    if not isinstance(parsed, exp.Query):
        raise ValueError(message)
    return text.strip()


def _title(column: str) -> str:
    return column.replace("_", " ").capitalize()
