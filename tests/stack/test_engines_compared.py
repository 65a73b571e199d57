"""Spark and Sail over the same input, compared with each other: awkward values through casts, functions, transforms,
formats and sinks. What an engine has to answer is not written down here; a case may be refused by name on Sail only."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
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
from tests import compared_frames, compared_functions, compared_methods, compared_patterns
from tests.compared import (
    ENGINES,
    KINDS,
    Case,
    Place,
    of_modules,
    outcome,
    outcomes_of,
    require_refused,
    require_the_same,
)

pytestmark = pytest.mark.stack

NAMES = "names"  # of columns without an alias
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
                    (8, "1,200"),
                    (9, '{"a": 1} {"a": 2}'),
                    (10, '{"a": 1}}'),
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


def made_structs(place: Place) -> Any:
    """What were choices, read again after it was written, and in the tables of arrays."""
    read = place.source.glue.create_dynamic_frame.from_options("s3", {"paths": [place.source.uri("nested")]}, "json")
    made, where = read.drop_fields(["v"]).resolveChoice(choice="make_struct"), {"path": place.lake.uri("made-structs")}
    place.glue.write_dynamic_frame.from_options(made, "s3", where, "parquet")
    again = place.glue.create_dynamic_frame.from_options("s3", {"paths": [where["path"]]}, "parquet")
    tables = [frame.relationalize("root", place.lake.uri("tables")).select("root_l") for frame in (read, again)]
    return [outcome(again.unnest()), *(outcome(table.drop_fields(["id"]).unnest()) for table in tables)]


def null_partitions(place: Place) -> Any:
    where = place.lake.uri("null-keys").replace("s3:", "s3a:")
    place.rows.select("id", "g").write.partitionBy("g").json(where)
    return outcome(place.spark.read.json(where))


CASES |= {
    "df.write.csv": plain_write,
    "null partitions of text": null_partitions,
    "structs and lists that were resolved": resolved,
    "structs that were choices": made_structs,
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
_cases, _refused = of_modules(compared_frames, compared_functions, compared_methods, compared_patterns)
CASES |= _cases
REFUSED |= _refused


@pytest.fixture(scope="module")
def outcomes(stack: Any) -> dict[str, dict[str, Any]]:
    names: dict[str, Case] = {NAMES: lambda place: compared_functions.names(place.spark)}
    return outcomes_of(CASES | REFUSED | FAILING | names, stack, "compared")


@pytest.mark.parametrize("name", CASES)
def test_both_engines_answer_the_same(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    require_the_same(outcomes, name)


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
    require_refused(outcomes, name)
