"""Cases on both engines over the same input, whose outcomes are compared: the input, where they run, what they come to.

The cases are in tests/compared_*.py and tests/stack/test_engines_compared*.py.
"""

from __future__ import annotations

import io
import math
import random
import re
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException

from awsglue.dynamicframe import DynamicFrame
from lakelet.data.objects import list_objects
from lakelet.etl.errors import UnsupportedError
from tests.lake import Lake, own_lake
from tests.spark import lake_on

ROWS, SEED = 40, 20261126
ENGINES = ("spark", "sail")
TEXTS = (
    "", "null", "NULL", " a b ", "ÄÖü日本😀", "q\"uo'te", "a,b;c|d", "line\nfeed", "back\\slash\\n", "12.50", "-7",
    "1e3", "2024-02-30", "2024-01-31", "2024-02-29 12:34:56", "2024-03-10T02:30:00.123456Z", "true", "FALSE", "yes",
    "0", "42",
    "9223372036854775807", "9223372036854775808", " 42 ", "1899-12-31", "O'Neil", "50%", "a=b/c",
)  # fmt: skip
INTS = (0, 1, -1, 2**31 - 1, -(2**31), 7, 100)
LONGS = (0, -1, 2**63 - 1, -(2**63), 1_700_000_000, 253402300800)
DOUBLES = (0.0, -0.0, 1.5, -2.5, 1e300, 1e-300, 0.1, 123456789.987654321, 1e16, 1e7, 9999999.0, 1e-3, 9.99e-4, 1e-5)
DECIMALS = ("0.00", "1.25", "-1.35", "99999999.99", "-99999999.99", "0.01")
DATES = (date(2, 1, 1), date(1582, 10, 4), date(1899, 12, 31), date(1970, 1, 1), date(2024, 2, 29), date(2999, 12, 30))
TIMES = (datetime(1899, 12, 31, 23, 59, 59, 999000), datetime(1969, 12, 31, 23, 59, 59, 500000), datetime(2024, 3, 10))
KINDS = {
    "s": "string", "i": "int", "l": "long", "d": "double", "dec": "decimal", "dt": "date", "ts": "timestamp",
    "b": "boolean",
}  # fmt: skip
ENTIRE = ["id", *KINDS, "ar", "st", "ss", "mp"]


def table() -> pa.Table:
    """Rows with nulls in every column, the awkward values of each type, and some at random."""
    draw = random.Random(SEED)  # the same rows every time

    def mixed(known: Any, make: Callable[[], Any]) -> list[Any]:
        values = [*known, *(make() for _ in range(ROWS))][: ROWS - 4] + [None] * 4
        draw.shuffle(values)
        return values

    def text() -> str:
        return "".join(draw.choice("abz 019,;\"'\\|é\t%") for _ in range(draw.randrange(12)))

    def double() -> float:
        return draw.uniform(-1, 1) * 10.0 ** draw.randrange(-12, 20)

    def array() -> list[Any]:
        return [draw.choice([None, 1, 2, 2**31 - 1]) for _ in range(draw.randrange(4))]

    def record() -> dict[str, Any]:
        return {"x": draw.choice([None, 1, -5]), "y": draw.choice([None, "", "q"])}

    start = datetime(1700, 1, 1, tzinfo=UTC)
    columns: dict[str, tuple[list[Any], pa.DataType]] = {
        "id": (list(range(ROWS)), pa.int32()),
        "s": (mixed(TEXTS, text), pa.string()),
        "i": (mixed(INTS, lambda: draw.randrange(-1000, 1000)), pa.int32()),
        "l": (mixed(LONGS, lambda: draw.randrange(-(2**62), 2**62)), pa.int64()),
        "d": (mixed(DOUBLES, double), pa.float64()),
        "dec": (
            mixed(map(Decimal, DECIMALS), lambda: Decimal(draw.randrange(-(10**6), 10**6)) / 100),
            pa.decimal128(10, 2),
        ),
        "dt": (mixed(DATES, lambda: date(1900, 1, 1) + timedelta(days=draw.randrange(90000))), pa.date32()),
        "ts": (
            mixed(
                (one.replace(tzinfo=UTC) for one in TIMES),
                lambda: start + timedelta(milliseconds=draw.randrange(10**13)),
            ),
            pa.timestamp("us", "UTC"),
        ),
        "b": (mixed((), lambda: draw.random() < 0.5), pa.bool_()),
        "g": (mixed((), lambda: draw.choice(["g1", "g2", "", "x y"])), pa.string()),
        "ar": (mixed(([], [None]), array), pa.list_(pa.int32())),
        "st": (mixed((), record), pa.struct([("x", pa.int32()), ("y", pa.string())])),
        "ss": (
            mixed(([], [None]), lambda: [record() for _ in range(draw.randrange(3))]),
            pa.list_(pa.struct([("x", pa.int32()), ("y", pa.string())])),
        ),
        "mp": (
            mixed(([],), lambda: [(key, draw.choice([None, 1])) for key in "abc"[: draw.randrange(4)]]),
            pa.map_(pa.string(), pa.int32()),
        ),
    }
    return pa.table([pa.array(*one) for one in columns.values()], names=list(columns))


class Place:
    """Where a case runs: an engine over the lake that has the input, and a bucket of that engine's own."""

    def __init__(self, source: Lake, lake: Lake) -> None:
        self.source, self.lake, self.glue = source, lake, lake.glue
        self.spark = lake.glue.spark_session
        self.rows = self.spark.read.parquet(source.uri("table").replace("s3:", "s3a:"))
        self.rows.createOrReplaceTempView("rows")

    def frame(self, *columns: str) -> DynamicFrame:
        return DynamicFrame.fromDF(self.rows.select(*(columns or ENTIRE)), self.glue, "frame")

    def folders(self, folder: str) -> set[tuple[str, str]]:
        """Where objects lie, and their suffixes; Spark has a number before them."""
        keys = (one.key for one in list_objects(self.lake.client, self.lake.name, f"{folder}/"))
        return {
            (key.rpartition("/")[0], re.sub(r"^.*?(\.c000)?(\.[a-z].*)?$", r"\2", key.rpartition("/")[2]))
            for key in keys
        }

    def lines(self, folder: str) -> list[str]:
        """The lines of text objects, in order of their text."""
        keys = [one.key for one in list_objects(self.lake.client, self.lake.name, f"{folder}/")]
        bodies = (self.lake.client.get_object(Bucket=self.lake.name, Key=key)["Body"].read().decode() for key in keys)
        return sorted(line for body in bodies for line in body.split("\n"))


Case = Callable[[Place], Any]


def plain(value: Any) -> str:
    """A value as text, by which it is the same or not; NaN is NaN, and -0.0 is not 0.0."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack(">d", value).hex()
    if hasattr(value, "asDict"):
        return plain(value.asDict())
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{key!r}: {plain(one)}" for key, one in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(plain, value)) + "]"
    return repr(value)


def outcome(made: Any) -> Any:
    """What a case came to: the columns and their types, the rows in order of their text, how many errors there were."""
    errors = made.errorsCount() if isinstance(made, DynamicFrame) else 0
    rows = made.toDF() if isinstance(made, DynamicFrame) else made
    if not hasattr(rows, "collect"):
        return rows
    return rows.schema.simpleString(), sorted(plain(row) for row in rows.collect()), errors


def put_input(source: Lake) -> None:
    for folder, content in (("table", table()), ("case", pa.table({"A": [1]})), ("case", pa.table({"a": [2]}))):
        buffer = io.BytesIO()
        pq.write_table(content, buffer)
        source.put(f"{folder}/{content.column_names[0]}.parquet", buffer.getvalue())
    values = (
        "1",
        '"x"',
        '"12"',
        "1.5",
        "null",
        "true",
        "123456789.5",
        "[1]",
        '{"z": 1}',
        '""',
        '" 7 "',
        '"1e3"',
        "1e-7",
    )
    source.put("choices/a.json", "".join(f'{{"a": {one}, "id": {at}}}\n' for at, one in enumerate(values)))
    nested = (
        '{"id": 1, "l": [{"n": 1, "c": 1}, {"n": null, "c": "x"}], "s": {"n": "7"}, "v": null}',
        '{"id": 2, "l": [], "s": {"n": 8}}',
        '{"id": 3, "s": null}',
    )
    source.put("nested/a.json", "\n".join(nested))
    source.put("numbers/a.csv", "a,b,c,d\n1,3000000000,x,1.5\n,2,,\n-2147483647,,y,2\n")


def of_modules(*modules: ModuleType) -> tuple[dict[str, Case], dict[str, Case]]:
    """The cases of modules of columns and SQL, and those that Spark alone answers."""

    def of(name: str) -> dict[str, Case]:
        made = {case: make for module in modules for case, make in getattr(module, name).items()}
        return {case: lambda place, make=make: make(place.spark, place.rows) for case, make in made.items()}  # type: ignore[misc]

    return of("CASES"), of("REFUSED")


def outcomes_of(
    cases: Mapping[str, Case], stack: Any, name: str, put: Callable[[Lake], None] | None = None
) -> dict[str, dict[str, Any]]:
    """What every case came to on each engine: a value, or the exception. ``put`` adds to what they read."""
    found: dict[str, dict[str, Any]] = {}
    for engine in ENGINES:
        with (
            lake_on(engine, stack.workspace) as glue,
            own_lake(glue, f"test-{name}-{engine}") as lake,
            own_lake(glue, f"test-{name}") as source,
        ):
            put_input(source)
            if put:
                put(source)
            found[engine] = tried(cases, Place(source, lake))
    return found


def tried(cases: Mapping[str, Callable[[Any], Any]], place: Any) -> dict[str, Any]:
    """What every case came to at a place: a value, or the exception."""
    found: dict[str, Any] = {}
    for name, case in cases.items():
        try:
            found[name] = outcome(case(place))
        except Exception as error:
            found[name] = error
    return found


def require_the_same(outcomes: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Fail unless a case came to the same on both engines."""
    on_spark, on_sail = (outcomes[engine][name] for engine in ENGINES)
    for one in (on_spark, on_sail):
        if isinstance(one, Exception):
            raise one
    assert on_sail == on_spark


def require_refused(
    outcomes: Mapping[str, Mapping[str, Any]], name: str, by: Any = UnsupportedError | PySparkException
) -> None:
    """Fail unless Spark answers a case, and Sail refuses it by name: as a frame is made, or when it comes to a row for
    which it has to be. ``by``: the class of the exception."""
    if isinstance(on_spark := outcomes["spark"][name], Exception):
        raise on_spark
    on_sail = outcomes["sail"][name]
    assert isinstance(on_sail, by), on_sail
    assert "--engine spark" in str(on_sail), on_sail
