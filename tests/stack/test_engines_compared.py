"""Spark and Sail over the same input, compared with each other: awkward values through casts, functions, transforms,
formats and sinks. What an engine has to answer is not written down here; a case may be refused by name on Sail only."""

from __future__ import annotations

import contextlib
import io
import math
import random
import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from awsglue.dynamicframe import DynamicFrame
from awsglue.transforms import (
    ApplyMapping,
    DropFields,
    DropNullFields,
    Filter,
    Join,
    Map,
    RenameField,
    ResolveChoice,
    SelectFields,
    SplitRows,
    Unbox,
    UnnestFrame,
)
from data.objects import list_objects
from etl.errors import UnsupportedError
from tests import (
    compared_arithmetic,
    compared_expressions,
    compared_frames,
    compared_functions,
    compared_idioms,
    compared_mixed,
    compared_patterns,
    compared_texts,
    compared_types,
)
from tests.lake import Lake, own_lake
from tests.spark import lake_on

pytestmark = pytest.mark.stack

ROWS, SEED = 40, 20261126
ENGINES = ("spark", "sail")
NAMES = "names"  # of columns without an alias
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
CASES: dict[str, Case] = {}
REFUSED: dict[str, Case] = {}  # answered by Spark alone


def columns_of(**made: Any) -> Case:
    """A case that adds columns; made on the engine, for a column is of one."""
    return lambda place: place.rows.select("id", *(make().alias(name) for name, make in made.items()))


for _name, _kind in KINDS.items():
    _targets = ["string", "double", "decimal(12,3)", "date"] + (
        ["long", "boolean", "int"] if _name not in ("s", "d") else []
    )
    CASES[f"ApplyMapping of {_kind}"] = lambda place, name=_name, kind=_kind, targets=_targets: ApplyMapping.apply(  # type: ignore[misc]
        frame=place.frame("id", name),
        mappings=[("id", "int", "id", "int"), *((name, kind, f"as_{one}", one) for one in targets if fits(name, one))],
    )
    CASES[f"resolveChoice of {_kind}"] = lambda place, name=_name: place.frame("id", name).resolveChoice(  # type: ignore[misc]
        specs=[(name, "cast:string")]
    )


def shown(rows: Any) -> list[str]:
    """What ``show`` prints, in its ways."""
    few, none = rows.select(F.col("id").alias("a"), F.lit("b").alias("c")), rows.limit(0)
    ways = (
        (rows, {}), (rows, {"n": 1}), (rows, {"n": 3, "truncate": False}), (rows, {"n": 100, "truncate": 5}),
        (rows, {"n": 2, "vertical": True}), (few, {"n": 2, "vertical": True}), (none, {}), (none, {"vertical": True}),
    )  # fmt: skip
    told = []
    for one, options in ways:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            one.show(**options)
        told.append(printed.getvalue())
    return told


def fits(name: str, target: str) -> bool:
    """Whether Sail has the cast for all values: what its type does not hold makes a run fail (docs/awsglue.md)."""
    few = {"s": ("string", "date", "decimal(12,3)"), "l": ("string", "long", "double"), "d": ("string", "double")}
    return target in few.get(name, (target,)) and (name, target) not in (
        ("ts", "int"),
        ("ts", "double"),
        ("ts", "decimal(12,3)"),
    )


CASES |= {
    "casts of columns": columns_of(
        a=lambda: F.col("d").cast("string"),
        b=lambda: F.col("d").cast("float").cast("string"),
        c=lambda: F.upper(F.col("l").cast("string")),
        d=lambda: F.col("ts").cast("string"),
        e=lambda: F.col("ts").cast("long"),
        f=lambda: F.col("s").cast("date"),
        g=lambda: F.col("st.x").cast("string"),
        h=lambda: F.col("st").getField("x").cast("string"),
    ),
    "numbers": columns_of(
        a=lambda: F.isnan("d"),
        b=lambda: ~F.isnan("d"),
        c=lambda: F.col("i") / 3,
        d=lambda: F.col("i") % 7,
        e=lambda: F.round("d", 2) + 0.0,
        f=lambda: F.col("dec") * F.col("dec"),
        g=lambda: F.abs("i"),
        h=lambda: F.greatest("i", "l"),
    ),
    "texts": columns_of(
        a=lambda: F.trim("s"),
        b=lambda: F.split("s", "[,;]"),
        c=lambda: F.regexp_replace("s", "[^a-z]", ""),
        d=lambda: F.substring("s", 2, 3),
        e=lambda: F.concat_ws("-", "s", "g"),
        f=lambda: F.lpad("s", 5, "*"),
        g=lambda: F.sha2("s", 256),
        h=lambda: F.length("s"),
        i=lambda: F.regexp_extract("s", "([a-z]+)", 1),
        j=lambda: F.when(F.col("s") == "", None).otherwise(F.col("s")),
    ),
    "times": columns_of(
        a=lambda: F.datediff("dt", F.lit("2024-01-01")),
        b=lambda: F.date_format("ts", "yyyy-MM-dd HH:mm:ss"),
        c=lambda: F.dayofweek("dt"),
        d=lambda: F.weekofyear("dt"),
        e=lambda: F.last_day("dt"),
        f=lambda: F.add_months("dt", 1),
        g=lambda: F.to_date("s", "yyyy-MM-dd"),
        h=lambda: F.date_trunc("hour", "ts"),
        i=lambda: F.month("ts"),
        j=lambda: F.unix_timestamp("ts"),
        k=lambda: F.quarter("dt"),
    ),
    "nested": columns_of(
        a=lambda: F.size("ar"),
        b=lambda: F.col("ar")[0],
        c=lambda: F.array_distinct("ar"),
        d=lambda: F.col("st.y"),
        e=lambda: F.map_keys("mp"),
        f=lambda: F.col("mp")["a"],
        g=lambda: F.sort_array("ar"),
        h=lambda: F.to_json("st"),
        i=lambda: F.col("ss.x"),
    ),
    "explode": lambda place: place.rows.select("id", F.explode_outer("ss").alias("one")).select("id", "one.*"),
    "aggregates": lambda place: place.rows.groupBy("g").agg(
        F.count("*").alias("n"),
        F.countDistinct("s").alias("c"),
        F.sum("i").alias("s"),
        F.avg("i").alias("a"),
        F.sum("dec").alias("d"),
        F.min("dt").alias("dt"),
        F.max("ts").alias("ts"),
        F.sort_array(F.collect_set("i")).alias("l"),
        F.max("s").alias("m"),
    ),
    "windows": lambda place: place.rows.select(
        "id",
        *(
            one.over(Window.partitionBy("g").orderBy(F.col("i").desc(), "id")).alias(str(at))
            for at, one in enumerate([F.row_number(), F.rank(), F.lag("s"), F.lead("i", 1), F.sum("i"), F.first("dt")])
        ),
    ),
    "joins": lambda place: (
        place.rows.alias("a").join(place.rows.alias("b"), F.col("a.s") == F.col("b.g"), "left").select("a.id", "b.d")
    ),
    "union": lambda place: place.frame("id", "s", "i").union(place.frame("id", "s", "d")),
    "Filter": lambda place: Filter.apply(frame=place.frame(), f=lambda row: row["st"] is None or row["s"] == ""),
    "Map": lambda place: Map.apply(
        frame=place.frame("id", "s", "i", "ar", "st", "b"), f=lambda row: {**row, "n": row["i"] is None}
    ),
    "Map that fails": lambda place: Map.apply(frame=place.frame("id", "i"), f=lambda row: {"x": 6 // (row["i"] or 0)}),
    "SelectFields": lambda place: SelectFields.apply(frame=place.frame(), paths=["id", "st.y", "mp"]),
    "DropFields": lambda place: DropFields.apply(frame=place.frame(), paths=["st.x", "ar", "ss[].y"]),
    "DropNullFields": lambda place: DropNullFields.apply(frame=place.frame()),
    "show": lambda place: shown(place.rows.orderBy("id")),
    "RenameField": lambda place: RenameField.apply(frame=place.frame(), old_name="st.x", new_name="st.`with.dot`"),
    "UnnestFrame": lambda place: UnnestFrame.apply(frame=place.frame()),
    "Join": lambda place: Join.apply(
        place.frame("id", "g"), RenameField.apply(frame=place.frame("i", "g"), old_name="g", new_name="k"), ["g"], ["k"]
    ),
    "Join of texts with numbers": lambda place: Join.apply(
        place.frame("id", "g"),
        RenameField.apply(frame=place.frame("i", "s"), old_name="s", new_name="k"),
        ["id"],
        ["k"],
    ),
    "Join of texts with decimals": lambda place: Join.apply(
        place.frame("s"), RenameField.apply(frame=place.frame("dec"), old_name="dec", new_name="k"), ["s"], ["k"]
    ),
    "SplitRows": lambda place: SplitRows.apply(
        frame=place.frame(), comparison_dict={"i": {">": 0}}, name1="a", name2="b"
    ).select("a"),
    "Unbox": lambda place: Unbox.apply(
        frame=DynamicFrame.fromDF(
            place.spark.createDataFrame(
                [
                    (0, '{"a": 1, "b": [1, null]}'),
                    (1, '{"a": "x"}'),
                    (2, "bad"),
                    (3, None),
                    (4, ""),
                    (5, '{"a": "me@firm1.com", "c": 1.5}'),
                    (6, '{"c": 2e3}'),
                    (7, '{"c": 1.'),
                ],
                "id int, j string",
            ),
            place.glue,
            "boxed",
        ),
        path="j",
        format="json",
    ),
    "mergeDynamicFrame": lambda place: place.frame("id", "s").mergeDynamicFrame(
        place.frame("id", "g").rename_field("g", "s"), ["id"]
    ),
}
for _action in (
    "cast:string",
    "cast:int",
    "cast:decimal(10,2)",
    "cast:boolean",
    "project:string",
    "make_cols",
    "make_struct",
):
    CASES[f"choices by {_action}"] = lambda place, action=_action: ResolveChoice.apply(  # type: ignore[misc]
        frame=place.source.glue.create_dynamic_frame.from_options(
            "s3", {"paths": [place.source.uri("choices")]}, "json"
        ),
        specs=[("a", action)],
    )


def sink_case(format: str, columns: list[str], keys: list[str]) -> Case:
    """A write by a sink that registers a table, what lies there then, and the table as it is read."""

    def case(place: Place) -> Any:
        name = f"sink_{format}_{'_'.join(columns)}_{len(keys)}"
        made = place.glue.getSink("s3", path=place.lake.uri(name), partitionKeys=keys, enableUpdateCatalog=True)
        made.setFormat(format)
        made.setCatalogInfo(catalogDatabase=place.lake.name, catalogTableName=name)
        rows = place.rows.select("id", *columns)
        few = rows.where("id < 12") if keys else rows  # each value is a folder
        made.writeFrame(DynamicFrame.fromDF(few, place.glue, name))
        read = place.glue.create_dynamic_frame.from_catalog(place.lake.name, name)
        return place.folders(name), [] if format == "parquet" or keys else place.lines(name), outcome(read)

    return case


for _format in ("csv", "json", "parquet"):
    CASES[f"{_format} by a sink"] = sink_case(_format, ["i", "l", "dec", "dt", "ts", "b"], [])
    CASES[f"{_format} by d and b"] = sink_case(_format, ["d", "b", "g"], ["d", "b"])
CASES["csv by ts"] = sink_case("csv", ["ts", "g"], ["ts"])
CASES["maps in json"] = sink_case("json", ["mp"], [])
CASES["json by g"] = sink_case("json", ["s", "g"], ["g"])


def plain_write(place: Place) -> Any:
    """``df.write.csv`` as scripts have it."""
    rows = place.rows.select("id", "s", "d", "ts", "dt", "b")
    rows.write.mode("overwrite").csv(place.lake.uri("plain").replace("s3:", "s3a:"), header=True)
    return place.lines("plain")


def resolved(place: Place) -> Any:
    """What comes of structs and lists whose fields were cast, or were choices."""
    read = place.source.glue.create_dynamic_frame.from_options("s3", {"paths": [place.source.uri("nested")]}, "json")
    frame = read.resolveChoice(specs=[("l[].n", "cast:string"), ("l[].c", "project:string"), ("s.n", "cast:int")])
    rows, tables = frame.toDF(), frame.relationalize("root", place.lake.uri("resolved"))
    made = [
        rows.select("id", F.explode_outer("l").alias("one")).select("id", "one.*"),
        rows.groupBy("s").agg(F.count("*").alias("n")),
        rows.agg(F.sort_array(F.collect_list("s")).alias("all")),
        rows.select("l.n", F.col("l")[0]["c"].alias("c"), F.array("s", "s").alias("both")),
        read.toDF().select("id", F.explode("l").alias("one")).select("id", "one.c.*"),
        DropNullFields.apply(frame=frame).toDF().drop("l"),
        tables.select("root").toDF().drop("l"),
        tables.select("root_l").toDF().drop("id"),
    ]
    return [outcome(one) for one in made]


def null_partitions(place: Place) -> Any:
    where = place.lake.uri("null-keys").replace("s3:", "s3a:")
    place.rows.select("id", "g").write.partitionBy("g").json(where)
    return outcome(place.spark.read.json(where))


CASES |= {
    "df.write.csv": plain_write,
    "null partitions of text": null_partitions,
    "structs and lists that were resolved": resolved,
    "inferSchema": lambda place: place.spark.read.csv(place.source.uri("numbers"), header=True, inferSchema=True),
}
REFUSED |= {
    "division of decimals": columns_of(a=lambda: F.col("dec") / 3),
    "division of decimals in SQL": lambda place: place.rows.selectExpr("id", "dec / 2 as half"),
    "rint": columns_of(a=lambda: F.rint("d")),
    "conv": columns_of(a=lambda: F.conv("s", 10, 16)),
    "percentile_approx": lambda place: place.rows.agg(F.percentile_approx("i", 0.5)),
    "weekday": lambda place: place.rows.selectExpr("weekday(dt)"),
    "split by nothing": columns_of(a=lambda: F.split("s", "")),
    "collect_list over a window": columns_of(a=lambda: F.collect_list("i").over(Window.partitionBy("g").orderBy("id"))),
    "collect_list over a window in SQL": lambda place: place.rows.selectExpr(
        "collect_list(i) over (partition by g order by id)"
    ),
    "columns that differ by case": lambda place: place.spark.read.parquet(place.source.uri("case")),
    "multiLine": lambda place: place.spark.read.json(place.source.uri("choices"), multiLine=True),
}


FAILING: dict[str, Case] = {  # on both
    name: lambda place, of=of: of(place.spark)  # type: ignore[misc]
    for name, of in compared_frames.FAILING.items()
}
for _module in (
    compared_expressions,
    compared_arithmetic,
    compared_frames,
    compared_functions,
    compared_idioms,
    compared_mixed,
    compared_patterns,
    compared_texts,
    compared_types,
):
    for _cases, _name, _make in (
        *((CASES, name, make) for name, make in _module.CASES.items()),
        *((REFUSED, name, make) for name, make in _module.REFUSED.items()),
    ):
        _cases[_name] = lambda place, make=_make: make(place.spark, place.rows)  # type: ignore[misc]


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


@pytest.fixture(scope="module")
def outcomes(stack: Any) -> dict[str, dict[str, Any]]:
    """What every case came to on each engine: a value, or the exception."""
    found: dict[str, dict[str, Any]] = {engine: {} for engine in ENGINES}
    for engine in ENGINES:
        with (
            lake_on(engine, stack.workspace) as glue,
            own_lake(glue, f"test-compared-{engine}") as lake,
            own_lake(glue, "test-compared") as source,
        ):
            put_input(source)
            place = Place(source, lake)
            for name, case in (CASES | REFUSED | FAILING).items():
                try:
                    found[engine][name] = outcome(case(place))
                except Exception as error:
                    found[engine][name] = error
            found[engine][NAMES] = compared_functions.names(place.spark)
    return found


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


@pytest.mark.parametrize("name", CASES)
def test_both_engines_answer_the_same(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    on_spark, on_sail = (outcomes[engine][name] for engine in ENGINES)
    for one in (on_spark, on_sail):
        if isinstance(one, Exception):
            raise one
    assert on_sail == on_spark


def test_columns_without_an_alias_are_named_alike_or_not_written(outcomes: dict[str, dict[str, Any]]) -> None:
    on_spark, on_sail = (outcomes[engine][NAMES] for engine in ENGINES)
    told = {text: name for text, name in on_sail.items() if name is not None}
    assert told == {text: on_spark[text] for text in told}
    assert len(told) > 430


@pytest.mark.parametrize("name", FAILING)
def test_what_fails_on_spark_fails_on_sail(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    on_spark, on_sail = (outcomes[engine][name] for engine in ENGINES)
    assert isinstance(on_spark, Exception) and isinstance(on_sail, Exception), on_sail
    assert "--engine spark" not in str(on_sail)


@pytest.mark.parametrize("name", REFUSED)
def test_what_sail_would_answer_otherwise_it_refuses(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    if isinstance(on_spark := outcomes["spark"][name], Exception):
        raise on_spark
    # As a frame is made, or by Sail as it comes to a row for which it has to be.
    assert isinstance(outcomes["sail"][name], UnsupportedError | PySparkException), outcomes["sail"][name]
    assert "--engine spark" in str(outcomes["sail"][name])
