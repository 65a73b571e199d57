"""Cases of tests/compared.py: what methods of data frames may be given besides columns, each in its forms. A method
that stood in a case with one argument only was right by that argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from tests.compared_expressions import Make, select, sql

NOON = datetime(2024, 1, 5, 10, 11, 12, tzinfo=UTC)
FILLED: tuple[Any, ...] = (0, -1.5, "x", "", True, {"i": 1.9, "s": "x"}, {"s": 7, "b": True}, {"dt": "2024-01-01"})
SUBSETS: tuple[Any, ...] = ("i", ["i", "d"], ["s", "i"], ("l",), ["dt"], ["I"], [], ())
REPLACED: tuple[tuple[Any, ...], ...] = (
    (7, 70), (7, None), ("x", None), ([7, -7], [1, 2]), (["", "a"], "z"), ({7: 70, -7: None},), ({"": "y", "a": None},),
    (1.5, 9), (True, False), ("", "y", "s"), (7, 8, ["i", "d"]), (float("nan"), 0.0), (float("nan"), None),
    ([float("inf"), float("nan")], 1.0), ({float("-inf"): 0.0},),
)  # fmt: skip
HOW = ("inner", "left", "RIGHT", "full", "full_outer", "left_semi", "anti", "leftanti", "semi", "cross")
OVER = "over (partition by g order by id rows between 2 preceding and current row)"


def _frames() -> list[Any]:
    by_id, in_groups = Window.orderBy("id"), Window.partitionBy("g").orderBy("id")
    return [
        by_id.rowsBetween(-1, 1),
        by_id.rowsBetween(-3, -1),
        in_groups.rowsBetween(Window.currentRow, Window.unboundedFollowing),
        in_groups.rangeBetween(-9, 0),
        in_groups.rowsBetween(Window.unboundedPreceding, Window.currentRow),
    ]


def _few(rows: Any) -> Any:
    return rows.select("id", "s", "i", "l", "d", "dec", "dt", "b").where("id < 40")


def _sorted(frames: Iterable[Callable[[], Any]]) -> Any:
    """What each of some frames has for columns and for rows."""
    told = []
    for made in frames:
        frame = made()
        told.append((frame.schema.simpleString(), sorted(map(repr, frame.collect()))))
    return told


def _filled(spark: Any, rows: Any) -> Any:
    few = _few(rows)
    return _sorted(
        [partial(few.fillna, one) for one in FILLED]
        + [partial(few.na.fill, one, subset) for one in (0, "x", 1.5, True) for subset in SUBSETS]
    )


def _dropped(spark: Any, rows: Any) -> Any:
    few = _few(rows)
    return _sorted(
        [partial(few.dropna, how, subset=subset) for how in ("any", "all") for subset in (None, "s", ["i", "d"])]
        + [partial(few.dropna, thresh=most) for most in (-1, 0, 1, 3, 7, 20)]
        + [partial(few.na.drop, thresh=most, subset=["i", "d", "s"]) for most in (0, 1, 2)]
    )


def _replaced(spark: Any, rows: Any) -> Any:
    few = _few(rows)
    return _sorted([partial(few.replace, *one) for one in REPLACED])


def _joined(spark: Any, rows: Any) -> Any:
    left = rows.select("id", "i", "g").where("id < 12")
    right = spark.createDataFrame(
        [(1, "q", 7), (3, "x", -1), (3, "z", None), (7, None, 7), (42, "", 5)], "id int, o string, l long"
    )
    none = right.where("id > 99")
    conditions = ("id", "ID", ["id"], left.id == right.id, left.id < right.id, left.i.eqNullSafe(right.l))
    return _sorted(
        [partial(left.join, right, on, how) for on in conditions for how in HOW]
        + [partial(left.join, other, None, how) for other in (right, none) for how in HOW[:1] + HOW[5:]]
        + [partial(left.join, other, how=how) for other in (right, none) for how in ("left_semi", "left_anti")]
    )


def _grouped(spark: Any, rows: Any) -> Any:
    few = rows.select("id", "b", "g").where("id < 40")
    return _sorted(
        partial(getattr(few, by)(*keys).agg, F.grouping_id().alias("n"), F.sum("id").alias("t"))
        for by in ("rollup", "cube")
        for keys in (("b",), ("b", "g"), (["b", "g"],), (F.col("b"), F.length("g").alias("x")))
    )


def _moving(*functions: str) -> Make:
    """Functions over frames that rows leave, of values that are equal in some, and of none much larger than others."""

    def made(spark: Any, rows: Any) -> Any:
        values = (0.0, 0.0, 0.5, 0.25, 0.25, 0.25, 8.0, 1.5, 1.5, 1.5, 1.5, None, None, 2.0)
        own = spark.createDataFrame(
            [(at, "xy"[at % 2], one, None if one is None else int(one * 4)) for at, one in enumerate(values * 3)],
            "id int, g string, x double, n int",
        ).withColumn("dec", F.col("x").cast("decimal(10,2)"))
        own.createOrReplaceTempView("moved")
        columns = [getattr(F, name)(of).over(window) for window in _frames() for name in functions for of in ("x", "n")]
        told = own.select("id", *(F.round(one, 9).alias(f"c{at}") for at, one in enumerate(columns)))
        of_text = ", ".join(f"round({name}({of}) {OVER}, 9) {name}_{of}" for name in functions for of in ("x", "n"))
        return told.join(spark.sql(f"select id, sum(dec) {OVER} t, sum(n) {OVER} u, {of_text} from moved"), "id")

    return made


def _behind_much(spark: Any, rows: Any) -> Any:
    """A sum of what comes after a value that takes all of its digits."""
    own = spark.createDataFrame([(1, 1e17), (2, 0.1), (3, 0.2), (4, 0.3)], "id int, x double")
    return own.select("id", F.sum("x").over(Window.orderBy("id").rowsBetween(-1, 0)).alias("t"))


CASES: dict[str, Make] = {
    "fillna of each form": _filled,
    "dropna of each form": _dropped,
    "replace of each form": _replaced,
    "joins of each form": _joined,
    "rollup and cube of each form": _grouped,
    "comparisons with times of the script": select(
        a=lambda: F.col("ts") > NOON,
        b=lambda: F.lit(NOON) <= F.col("ts"),
        c=lambda: F.col("ts").between(datetime(1900, 1, 1, tzinfo=UTC), NOON),
        d=lambda: F.col("dt") == date(2024, 1, 5),
        e=lambda: F.when(F.col("ts") != NOON, F.lit(NOON)).otherwise(F.col("ts")),
        f=lambda: F.col("ts").isin(NOON, NOON),
        g=lambda: F.coalesce("ts", F.lit(NOON)),
        h=lambda: F.nullif("dt", F.lit(date(2024, 1, 5))),
    ),
    "isin of nothing": select(a=lambda: F.col("i").isin(), b=lambda: ~F.col("s").isin([])),
    "fields of structs, changed": select(
        a=lambda: F.col("st").withField("x", F.lit("q")),
        b=lambda: F.col("st").withField("z", F.col("i")).dropFields("y"),
        c=lambda: F.struct("i", "s").withField("i", F.col("i") + 1),
        d=lambda: F.col("st").dropFields("none"),
    ),
    "sums over moving frames": _moving("sum", "avg"),
    "deviations over moving frames": _moving("stddev", "stddev_pop", "variance", "var_pop"),
    "SQL named moving windows": sql(
        "select id, round(stddev(n) over w, 9) a, sum(n) over w b, sum(i) over w c "
        "from (select id, g, i, if(id % 5 < 3, 0D, id * 0.5D) n from rows) "
        "window w as (partition by g order by id rows between 1 preceding and current row)"
    ),
    "aggregates of texts and times": lambda spark, rows: rows.where("id = 7 or ts is null").agg(
        F.median("s"), F.percentile("s", 0.5), F.median("i"), F.string_agg("ts").alias("t"), F.listagg("b").alias("u")
    ),
    "values counted about": lambda spark, rows: rows.where("id < 12").agg(
        *(F.approx_count_distinct(name) for name in ("id", "s", "i", "dec", "dt", "ts", "b", "ar", "st")),
        F.approx_count_distinct("g", 0.1),
        F.regr_count("i", "d"),
    ),
    "doubles counted about": lambda spark, rows: spark.createDataFrame(
        [(one,) for one in (1.5, 2.5, float("nan"), 1.5, None, float("inf"))], "d double"
    ).agg(F.approx_count_distinct("d", 0.1).alias("a"), F.approx_count_distinct(F.col("d") - F.lit(float("inf")))),
    "SQL joins on one side": sql(
        "select a.id, a.g from rows a left semi join (select * from rows where id < 9) as o on a.g = o.g and a.id > 3 "
        "union all select id, g from rows anti join (select g from rows where id < 5) using (g) "
        "union all select id, g from rows x left anti join rows y on x.id = y.id + 7"
    ),
    "SQL values counted about": sql("select approx_count_distinct(g, 0.1) a, regr_count(i, d) b from rows"),
}
REFUSED: dict[str, Make] = {
    "a sum of what a much larger value has left": _behind_much,
    "SQL a sum over a named window that a much larger value has left": sql(
        "select id, sum(if(id = 0, 1e17, id * 0.1D)) over w t from rows window w as (order by id rows 1 preceding)"
    ),
    "a correlation over a moving frame": lambda spark, rows: rows.select(
        "id", F.corr("i", "id").over(_frames()[0]).alias("c")
    ),
    "SQL a correlation over a moving frame": sql(f"select id, corr(i, id) {OVER} c from rows"),
    "SQL a semi join without a condition": sql("select r.id from rows r left semi join (select 1 x) o"),
    "SQL an anti join without a condition": sql("select count(*) n from rows anti join rows as o"),
    "SQL a function by LATERAL": sql("select id, e from rows, lateral explode(ar) t(e)"),
    "SQL UNPIVOT by other names": sql(
        "select * from (select id, i, l from rows) unpivot include nulls (v for k in (i as x, l))"
    ),
    "SQL the largest of lists with nulls": sql("select max(array(i, id)) a from rows"),
    "a field in another case": lambda spark, rows: rows.select("id", F.col("st").withField("X", F.lit(1)).alias("t")),
    "a decimal's average by try_avg": lambda spark, rows: rows.agg(F.try_avg("dec").alias("a")),
}
