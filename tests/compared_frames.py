"""Cases of tests/compared.py: methods of data frames, what Python functions return, and what data
frames are made of."""

from __future__ import annotations

import array
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.window import Window

from tests.compared_expressions import Make


@dataclass
class _Point:
    a: int
    b: int


RETURNED: tuple[Any, ...] = (
    1, 1.7, "7", "x", True, None, date(2024, 1, 1), datetime(2024, 1, 1, 1), Decimal("1.256"), [1, 2], ["a", None],
    (1, "b"), {"a": 1}, b"ab", 10**12, 10**20, float("nan"), float("inf"), 1e20, 1e-5, {1, 2}, -0.0,
)  # fmt: skip
# What fails on both is not asked; what Spark has Java's name of an object for is refused.
_TIMES = (date, datetime)
_NOT_RETURNED: Mapping[str, tuple[type, ...]] = {
    "string": (date, datetime, tuple, bytes, set),
    "array<int>": (bytes,),
    "array<string>": (bytes, datetime),
    "date": (int, float, str, Decimal, list, tuple, dict, bytes, set),
    "timestamp": (int, float, str, Decimal, list, tuple, dict, bytes, set, date),
}
_KINDS = (
    "int", "bigint", "tinyint", "double", "float", "string", "boolean", "decimal(10,2)", "date", "timestamp", "binary",
    "array<int>", "array<string>", "map<string,int>",
)  # fmt: skip


def _returned(kind: str, form: str, made_of: Callable[[Any], Any]) -> Make:
    """Each of the values that a function of a type returns, by itself or in something else."""
    refused = _NOT_RETURNED.get(kind, ())
    values = [
        one for one in RETURNED if not isinstance(one, refused) or (kind == "timestamp" and type(one) is datetime)
    ]

    def made(spark: Any, rows: Any) -> Any:
        functions = (F.udf(lambda _, one=one: made_of(one), form.format(kind)) for one in values)
        return spark.range(1).select(*(of("id").alias(f"v{at}") for at, of in enumerate(functions)))

    return made


NUMBERS = [(1, 10, 1.5, "a"), (2, -20, float("nan"), "B"), (3, None, None, None), (7, 7, 2.5, "1.5")]
Of = Callable[[Any], Any]  # of a session, or of a small data frame


def _few(spark: Any) -> Any:
    return spark.createDataFrame(NUMBERS, "i int, l long, d double, s string")


# Methods of a small data frame.
METHODS: Mapping[str, Of] = {
    "fillna of a number": lambda few: few.na.fill(1.9),
    "fillna by a dict": lambda few: few.fillna({"d": float("nan"), "s": "q", "l": 2}),
    "fillna of another case": lambda few: few.na.fill(0, subset=["L"]),
    "dropna by a threshold": lambda few: few.na.drop(thresh=3),
    "replace by a list": lambda few: few.na.replace([1, 7], [10, 70]),
    "replace by null": lambda few: few.na.replace({"a": None}),
    "withColumnRenamed of another case": lambda few: few.withColumnRenamed("I", "j"),
    "withColumnRenamed of none": lambda few: few.withColumnRenamed("nosuch", "j"),
    "withColumnsRenamed of another case": lambda few: few.withColumnsRenamed({"I": "l", "L": "i"}),
    "withColumn of another case": lambda few: few.withColumn("I", F.lit(1)),
    "drop of another case": lambda few: few.drop("I", "nosuch"),
    "join by a name of another case": lambda few: few.join(few.select("i", F.lit(1).alias("n")), "I", "left"),
    "join by names of another case": lambda few: few.join(few.select("i", "s"), ["I", "S"]),
    "agg by a name of another case": lambda few: few.agg({"L": "SUM"}),
    "pivot by values": lambda few: (
        few.groupBy("s").pivot("i", [1, 7]).agg(F.sum("l").alias("x"), F.max("d").alias("y"))
    ),
    "cube": lambda few: few.cube("s").agg(F.sum("i"), F.grouping("s")),
    "unpivot": lambda few: few.select("i", "l").unpivot("i", ["l"], "k", "v"),
    "exceptAll": lambda few: few.select("i").union(few.select("i")).exceptAll(few.select("i")),
    "intersect": lambda few: few.select("d").intersect(few.select("d")),
    "isNaN": lambda few: few.select("i", F.col("d").isNaN(), F.isnan("d")),
    "rows by pandas": lambda few: few.mapInPandas(lambda parts: (one[["i"]] for one in parts), "i int"),
    "to pandas": lambda few: few.orderBy("i").toPandas().map(repr).to_numpy().tolist(),
    "to pandas with lists": lambda few: (
        few.select("i", F.array("i", "l"), F.struct("s").alias("t"), F.col("s").alias("i"))
        .orderBy(F.desc(few.i))
        .toPandas()
        .map(repr)
        .to_numpy()
        .tolist()
    ),
    "to pandas with lists and no rows": lambda few: few.select("i", F.array("i")).limit(0).toPandas().dtypes.tolist(),
    "views that are not there": lambda few: few.sparkSession.catalog.dropTempView("nosuch"),
    "literals": lambda few: few.select(
        *map(F.lit, (Decimal("1.50"), Decimal(100), Decimal("1E+3"), Decimal("0.001"), 2**31, [1, 2], 1.5, np.int64(3)))
    ),
    "decimals beside literals": lambda few: few.select(
        (F.lit(Decimal("2.25")) + Decimal("1.5")).alias("a"), F.lit(Decimal("1.5")).isin(Decimal("1.50")).alias("b")
    ),
    "names of what has aliases inside": lambda few: few.select(
        F.struct(F.col("i").alias("q"), "s"), F.upper(F.col("s").alias("z")), F.json_tuple(F.lit('{"a":1}'), "a")
    ),
    "names of fields": lambda few: (
        few.alias("f").select(F.col("f.i"), F.struct("f.s").alias("t")).select(F.upper("t.s"), F.col("t.s") == "a")
    ),
    "names of texts": lambda few: few.selectExpr("i + l", "sum(i) over () as n", "l - i - 1").select("`(i + l)`", "*"),
    "generators in texts": lambda few: few.selectExpr("stack(2, 'a', cast(i as string), 'b', s) as (k, v)"),
    "generators in texts without a name": lambda few: few.selectExpr("explode(filter(array(i, l), v -> v > 1))").union(
        few.select(F.expr("explode(array(cast(i as bigint)))"))
    ),
    "windows in the order of aggregates": lambda few: few.groupBy("s").agg(
        F.sum("i").alias("n"), F.rank().over(Window.orderBy(F.desc(F.sum("i")))).alias("r")
    ),
    "replace of fractions": lambda few: few.na.replace(1.5, 2.5, ["d", "i"]),
    "replace of NaN": lambda few: few.replace(float("nan"), None),
    "replace of numbers and fractions by a name": lambda few: few.replace([1.5, 2.0], [0.5, 1.0], "d"),
    "unpivot of columns": lambda few: few.unpivot(F.col("i"), [F.col("l")], "k", "v"),
    "names with points": lambda few: few.withColumnRenamed("i", "a.b").select(
        F.col("`a.b`").cast("string"), F.upper("`a.b`")
    ),
    "functions of objects": lambda few: few.select(
        F.udf(lambda v: _Point(v, v), "a: double, b: int")("i").alias("x"),
        F.udf(lambda v: array.array("i", [1]), "array<int>")("i").alias("y"),
        F.udf(lambda v: pd.Timestamp("2024-01-02 03:04:05"), "timestamp")("i").alias("z"),
    ),
    "filters by texts": lambda few: few.filter("i in (1, 7) and s is not null").filter("not i between 2 and 3"),
    "sums of texts": lambda few: few.agg(F.sum(F.expr("case when i in (1, 2) then 1 else 0 end")).alias("a")),
    "functions by Arrow": lambda few: few.select(F.udf(lambda v: v, "double", useArrow=True)("i").alias("a")),
    "functions by a name": lambda few: (
        few.sparkSession.udf.register("as_a_double", lambda v: v, "double") and few.selectExpr("as_a_double(i) a")
    ),
    "functions of structs": lambda few: few.select(
        F.udf(lambda v: (v, str(v)), "a: double, b: string")("i").alias("x"),
        F.udf(lambda v: {"b": v}, "a: double, b: int")("i").alias("y"),
    ),
    "functions of structs of structs": lambda few: (
        few.select("i", F.when(F.col("i") < 2, F.struct(F.col("i").alias("x"), F.lit("y").alias("y"))).alias("st"))
        .select(
            F.udf(lambda one: one, "x: int, y: string")("st").alias("a"),
            F.udf(lambda one, two: (str(one), {"x": two}), "n: string, o: struct<x: struct<x: int, y: string>>")(
                F.array("st"), "st"
            ).alias("b"),
            F.udf(lambda of, one: [one, None] if of else None, "array<struct<x: int, y: string>>")(
                "st", one="st"
            ).alias("c"),
        )
        .select("a", "a.x", "b", "b.o.x.y", "c", F.col("c")[1]["x"].alias("z"))
    ),
    "functions of structs of times": lambda few: few.select(
        F.udf(
            lambda *told: (" ".join(f"{type(one).__name__} {one}" for one in told), told[0], told[1], told[3]),
            "n: string, ts: timestamp, dt: date, gap: interval day to second",
        )(
            F.lit(datetime(2024, 1, 1, 10)),
            F.lit(date(2024, 1, 1)),
            F.lit(b"ab"),
            F.lit(timedelta(hours=5)),
            F.lit(Decimal("1.50")),
        ).alias("a")
    ),
    "functions of functions": lambda few: few.select(
        F.udf(lambda one: f"{one} {type(one).__name__}", "string")(F.udf(lambda one: one, "int")("i")),
        F.udf(lambda one: "7", "int", useArrow=True)(F.udf(lambda one: one, "bigint", useArrow=True)("i")).alias("q"),
        F.udf(lambda one, two: f"{one} {two}", "string")(F.udf(lambda one: "7", "int")("i"), "i").alias("c"),
        F.udf(lambda one: one[0], "int")(F.udf(lambda one: (one, "b"), "a: int, b: string")("i")).alias("d"),
    ),
    "functions of functions of chance": lambda few: (
        few.sparkSession.range(2000)
        .select(F.udf(lambda one: one, "double")(F.udf(random.random, "double").asNondeterministic()()).alias("r"))
        .where("r > 0.5")
        .select(F.min(F.expr("r > 0.5")).alias("all"))
    ),
    "functions of structs without columns": lambda few: few.select(
        F.udf(lambda one=1: (one,), "a int")().alias("a"), F.udf(lambda *any: (len(any),), "a int")().alias("b")
    ),
    "functions of structs by Arrow": lambda few: few.select(
        F.udf(lambda one: ("7", 1.0, 3), "x int, y int, w double", useArrow=True)("i").alias("a")
    ),
    "decimals of functions": lambda few: few.select(
        F.udf(lambda one: Decimal("1.005"), "decimal(10,2)")("i").alias("a"),
        F.udf(lambda one: (Decimal("-0.125"),), "a decimal(5,2)")("i").alias("b"),
        F.udf(lambda one: [Decimal("2.675"), None], "array<decimal(5,2)>")("i").alias("c"),
    ),
    "sums of intervals": lambda few: few.select(
        (F.to_date(F.lit("2024-01-31")) + F.expr("interval 3 days")).alias("a"),
        (F.to_date(F.lit("2024-01-31")) - F.expr("(interval '1' month)")).alias("b"),
    ),
}


def _joined(few: Any, how: str = "inner") -> Any:
    """A frame ``a`` and another ``b``, joined by a name that is not the first of either."""
    other = few.where("i < 3").select("s", "i", F.lit(1).alias("k"))
    return few.select("l", "i").alias("a").join(other.alias("b"), "i", how)


def _by_equality(few: Any) -> Any:
    keys = F.col("x.i") == F.col("y.i")
    return few.select("i", "l").alias("x").join(few.select("i", "s").alias("y"), keys, "left")


def _changed_later(few: Any) -> Any:
    """A data frame of pandas' columns that are changed when it is made."""
    of = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    made = few.sparkSession.createDataFrame(of)
    of.loc[0, "a"], of.loc[1, "b"] = 9, 9.5
    return made


def _drop_of_counts(few: Any, name: str) -> Any:
    """A data frame joined with what was made of it, without a column of the latter."""
    counts = few.where("i < 3").groupBy("i").agg(F.count("*").alias("n"))
    return few.join(counts, few.i == counts.i, "left").drop(counts[name])


def _drop_of_another(few: Any) -> Any:
    other = few.sparkSession.createDataFrame([(1, "q"), (9, "r")], "i int, q string")
    by_names = few.join(other, "i")
    frames = (
        few.join(other, few.i == other.i, "left").drop(other.i), by_names.drop(few.i), by_names.drop(other.i),
        few.join(other, "i", "right").drop(few.i), few.join(other, ["i"], "full").drop(other.i),
        by_names.where("i > 0").withColumn("z", F.lit(1)).drop(few["i"]),
    )  # fmt: skip
    return [(one.columns, sorted(map(repr, one.collect()))) for one in frames]


# What is known by an alias, and nulls that are filled with values of other types.
MORE: Mapping[str, Of] = {
    **{
        f"all columns of an alias after a join by a name, {how}": lambda few, how=how: _joined(few, how).select("a.*")
        for how in ("inner", "left", "left_semi", "left_anti")
    },
    "all columns of an alias after a join, and others": lambda few: (
        _joined(few).where("l > 0").withColumn("z", F.lit(2)).select("a.*", F.col("b.k"), "z")
    ),
    "all columns of an alias on the right": lambda few: _joined(few).select("b.*"),
    "all columns of an alias of a right join": lambda few: _joined(few, "right").select(F.col("B.*"), "a.l"),
    "all columns of an alias in a text": lambda few: _joined(few).selectExpr("a.*", "b.k + 1 as k"),
    "all columns of an alias of two joins": lambda few: (
        _joined(few).join(few.selectExpr("l", "s q").alias("c"), ["l"], "left").select("a.*", "b.k", "c.q")
    ),
    "all columns of an alias that is a key": lambda few: few.select("i").alias("a").join(few, "i").select("a.*"),
    "all columns of an alias of an equality": lambda few: _by_equality(few).select("x.*", "y.s"),
    "all columns of a struct": lambda few: few.select("i", F.struct("l").alias("st")).join(few, "i").select("st.*"),
    "names of casts of fields of what has an alias's name": lambda few: (
        few.alias("st").where("i > 0").select(F.struct("i", "l").alias("st"), F.col("st.s").cast("string"))
    ).select("s", F.col("st.i").cast("string"), F.col("st.l").cast("int").cast("double")),
    "names of casts of fields by an alias": lambda few: (
        few.alias("st").select(F.struct("i", "l").alias("st")).alias("q").select(F.col("q.st.i").cast("string"))
    ),
    "drop by an alias": lambda few: _by_equality(few).drop(F.col("y.i")),
    "drop by an alias of another case": lambda few: few.alias("x").drop(F.col("X.I"), "s"),
    "drop by aliases": lambda few: _by_equality(few).drop(F.col("y.s"), F.col("x.i")).select("i"),
    "drop of another frame's columns": _drop_of_another,
    "drop of a frame's own columns": lambda few: _drop_of_counts(few, "n").drop(few.i, few.s),
    "drop of a column that was made": lambda few: _drop_of_counts(few, "n"),
    "drop of both by aliases": lambda few: _by_equality(few).drop(F.col("y.i"), F.col("x.i"), F.col("y.I"), "l"),
    "drop by an alias of none": lambda few: _by_equality(few).drop(F.col("y.q")),
    "drop of a field": lambda few: few.select(F.struct("i").alias("st")).drop(F.col("st.i")),
    "drop of a text with a point": lambda few: few.alias("x").drop("x.i"),
    **{
        f"fillna of {name} with {value!r}": lambda few, name=name, value=value: (
            few.selectExpr(
                "*",
                "nullif(true, i < 3) b",
                "nullif(date'2024-01-01', if(i < 3, date'2024-01-01', null)) dt",
                "nullif(timestamp'2024-01-01 10:00:00', if(i < 3, timestamp'2024-01-01 10:00:00', null)) ts",
                "if(i < 3, cast(null as decimal(10, 2)), 1.50BD) dec",
            ).fillna({name: value})
        )
        for name, value in (
            ("s", 7), ("s", 7.5), ("s", 1e20), ("s", True), ("l", "5"), ("l", True), ("L", "-7"), ("d", "7.5"),
            ("d", True), ("dec", "1.555"), ("dec", True), ("dec", 7), ("b", "true"), ("b", 1), ("b", 0.0),
            ("dt", "1970-01-01"), ("dt", "2024-02-30"), ("ts", "1970-01-01"), ("ts", "2024-02-01 10:00:00.5"),
            ("ts", 1), ("l", 1.7), ("l", float("nan")), ("l", float("inf")),
        )
    },
    "pandas' columns that are changed later": _changed_later,
    "fillna with NaN": lambda few: few.fillna(float("nan")),
    "fillna with infinity": lambda few: few.fillna(-float("inf"), ["l", "s", "d"]),
    "fillna of numbers and texts": lambda few: few.fillna({"L": "5", "s": "q", "d": 1}),
}  # fmt: skip
# What a data frame is made of.
MADE: Mapping[str, tuple[Any, ...]] = {
    "rows of several types": ([(1, "a"), (None, "b")], ["x", "y"]),
    "rows by a schema": ([(1, None), (2, 2.5)], "a int, b double"),
    "dicts": ([{"b": 1, "a": 2}, {"a": 3}],),
    "dicts by a schema": ([{"a": 1}], "a int, b int"),
    "Rows": ([Row(b=1, a=[1, 2]), Row(b=None, a=None)],),
    "values": ([1, None], "int"),
    "numbers as texts": ([(1,), (True,)], "a string"),
    "decimals cut": ([(Decimal("1.256"),)], "a decimal(10,2)"),
    "decimals at a half": (
        [(Decimal("0.125"), [Decimal("-2.665"), None], (Decimal("1.005"),)), (Decimal("NaN"), None, None)],
        "a decimal(10,2), b array<decimal(5,2)>, c struct<x: decimal(3,2)>",
    ),
    "decimals of many digits": ([(Decimal("0.1234567890123456785"),)], ["a"]),
    "decimals of pandas": (pd.DataFrame({"a": [Decimal("0.125")]}), "a decimal(10,2)"),
    "dicts of decimals": ([{"a": Decimal("0.125")}], "a decimal(10,2)"),
    "what fits, not verified": (
        [(1, 1.5, 7, Decimal("0.125"))],
        "a int, b double, c string, d decimal(4,2)",
        None,
        False,
    ),
    "structs": ([((1, "x"),), (None,)], "a struct<x: int, y: string>"),
    "times in zones": ([(datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),)], ["a"]),
    "pandas": (pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [True, False]}),),
    "pandas with NaN": (pd.DataFrame({"a": [1.5, None], "b": ["x", np.nan]}),),
    "pandas with NaN by a schema": (pd.DataFrame({"a": [1.5, None], "b": [1, 2]}), "a double, b long"),
    "pandas by names": (pd.DataFrame({"a": [1.5, None]}), ["x"]),
    "pandas with decimals and dicts": (pd.DataFrame({"a": [Decimal("1.5")], "b": [{"x": 1}], "c": [[1]]}),),
    "pandas with times": (pd.DataFrame({"a": pd.to_datetime(["2024-01-01 01:02:03.123456", None]), 1: [1, 2]}),),
    "pandas with zones": (
        pd.DataFrame({"a": pd.to_datetime(["2024-01-01"]).tz_localize("Europe/Berlin"), "b": [1.0]}),
    ),
    "pandas with small numbers": (
        pd.DataFrame({"a": np.array([1], dtype="int8"), "b": np.array([1], dtype="float32")}),
    ),
    "pandas with missing whole numbers": (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),),
    "pandas with mixed values": (pd.DataFrame({"a": [1, "x"]}),),
    "pandas by their own types": (
        pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, 1.0]}),
        "a long, b string, c double",
    ),
    "pandas as texts": (pd.DataFrame({"a": [1, 2]}), "a string"),
    "arrays of numpy": (np.array([[1.5, 2], [3, float("nan")]]), ["a", "b"]),
}


def _cases() -> Iterator[tuple[str, Make]]:
    for kind in _KINDS:
        yield f"functions that return {kind}", _returned(kind, "{}", lambda one: one)
        yield f"functions that return structs of {kind}", _returned(kind, "v: {}", lambda one: (one,))
    for name, of in (*METHODS.items(), *MORE.items()):
        yield f"frames: {name}", lambda spark, rows, of=of: of(_few(spark))  # type: ignore[misc]
    for name, given in MADE.items():
        yield f"made of {name}", lambda spark, rows, given=given: spark.createDataFrame(*given)  # type: ignore[misc]


def _text_of(value: Any) -> Make:
    return lambda spark, rows: spark.range(1).select(F.udf(lambda _: value)("id"))


CASES: dict[str, Make] = dict(_cases())
REFUSED: dict[str, Make] = {
    "what a function hands to another": lambda spark, rows: spark.range(1).select(
        F.udf(lambda one: type(one).__name__, "string")(F.udf(lambda one: "7", "int")("id").alias("a"))
    ),
    **{
        f"functions that return a {type(one).__name__} as text": _text_of(one) for one in (date(2024, 1, 1), b"a", (1,))
    },
    "bytes for an array": lambda spark, rows: spark.range(1).select(F.udf(lambda _: b"ab", "array<int>")("id")),
    "replace of fractions and whole numbers": lambda spark, rows: _few(spark).na.replace([1, 1.5], [2, 2.5]),
    "replace of another case": lambda spark, rows: _few(spark).na.replace(1, 5, ["I"]),
    "all columns of an alias of a full join": lambda spark, rows: _joined(_few(spark), "full").select("a.*"),
    "all columns of an alias on the right of a left join": lambda spark, rows: _joined(_few(spark), "left").select(
        "b.*"
    ),
    "all columns of an alias in a struct": lambda spark, rows: _joined(_few(spark)).select(F.struct("a.*").alias("a")),
    "all columns of an alias in a text of a struct": lambda spark, rows: _joined(_few(spark)).selectExpr(
        "struct(a.*) a"
    ),
    "all columns of an alias in SQL, of a join by names": lambda spark, rows: spark.sql(
        "select a.* from (select 1 x, 2 i) a join (select 2 i) b using (i)"
    ),
    "all columns of an alias in SQL, of a natural join": lambda spark, rows: spark.sql(
        "select b.* from (select 1 x, 2 i) a natural join (select 2 i) b"
    ),
    "drop of a column of what was made of the frame": lambda spark, rows: _drop_of_counts(_few(spark), "i"),
    "drop by an alias that is not known": lambda spark, rows: (
        _few(spark).alias("x").select("i", "l").drop(F.col("x.i"))
    ),
    "drop by an alias of a key": lambda spark, rows: _joined(_few(spark)).drop(F.col("a.i")),
    "fillna of whole numbers by other texts": lambda spark, rows: _few(spark).fillna({"l": "1.5"}),
    "fillna beyond a type": lambda spark, rows: _few(spark).fillna(3_000_000_000),
    "what does not fit, not verified": lambda spark, rows: spark.createDataFrame([(1.5,)], "a int", verifySchema=False),
    "unpivot of another case": lambda spark, rows: _few(spark).unpivot("I", ["l"], "k", "v"),
    "storageLevel": lambda spark, rows: str(rows.storageLevel),
    "isLocal": lambda spark, rows: rows.isLocal(),
}
# What fails on both engines.
FAILING: dict[str, Of] = {
    "a decimal of too many digits": lambda spark: spark.createDataFrame(
        [(Decimal("999999999.99"),)], "a decimal(10,2)"
    ).collect(),
    "fillna of a column that is not there": lambda spark: _few(spark).fillna({"zz": 5}).collect(),
    "fillna of columns that are not there": lambda spark: _few(spark).fillna(5, ["zz"]).collect(),
    "a fraction in a whole number's column": lambda spark: spark.createDataFrame([(1.5,)], "a int"),
    "a whole number in a double's column": lambda spark: spark.createDataFrame([(1,)], "a double"),
    "pandas' NaN in a whole number's column": lambda spark: spark.createDataFrame(
        pd.DataFrame({"a": [np.nan]}), "a int"
    ),
    "numpy's numbers of a function": lambda spark: (
        spark.range(1).select(F.udf(lambda _: np.int64(1), T.LongType())("id")).collect()
    ),
    "fractions of pandas in whole numbers": lambda spark: (
        _few(spark).mapInPandas(lambda parts: (one[["i"]] + 0.5 for one in parts), "i int").collect()
    ),
    "keys of a function": lambda spark: spark.range(1).select(F.udf(lambda _: {}.keys(), "int")("id")).collect(),
    "an array's fractions in whole numbers' column": lambda spark: spark.createDataFrame(np.array([[1.7]]), "a int"),
    "a Row of a function": lambda spark: spark.range(1).select(F.udf(lambda _: Row(a=1), "int")("id")).collect(),
    "a text of a function of dates": lambda spark: (
        spark.range(1).select(F.udf(lambda _: "2024-01-01", "date")("id")).collect()
    ),
}
