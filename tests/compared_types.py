"""Cases of tests/compared.py: operands of several types, which Spark makes fit by its rules of type
coercion: texts beside numbers, truth and dates, dates beside times; fields of what lies in arrays and maps."""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from tests.compared_expressions import Make, select, sql


def _with_text(rows: Any) -> Any:
    """Rows with numbers that are texts, which have a zero before them."""
    return rows.withColumn("t", F.concat(F.lit("0"), F.col("id").cast("string")))


def _of_texts(query: str) -> Make:
    def make(spark: Any, rows: Any) -> Any:
        _with_text(rows).createOrReplaceTempView("zeros")
        return spark.sql(query)

    return make


def _seen(spark: Any, rows: Any) -> Any:
    rows.select("id", (F.col("s") * 2).alias("x")).createOrReplaceTempView("products")
    return spark.sql("select id, x + 1 as y from products where x > 1")


def _joined(rows: Any, condition: Any, how: str) -> Any:
    return rows.select("id", "s").join(rows.select(F.col("i").alias("k"), "g"), condition, how)


def _by_case(spark: Any, rows: Any) -> Any:
    rows.select("id", "g").createOrReplaceTempView("MyView")
    rows.limit(0).select("id").createOrReplaceTempView("plainview")
    spark.sql("create or replace temp view Second_View as select id, g from myview where id > 3")
    told = [spark.sql("select id from myview where MYVIEW.id < 5"), spark.table("myVIEW"), spark.table("second_view")]
    told += [spark.sql("select a.id from SECOND_VIEW a join MyView b on a.id = b.id"), spark.table("PlainView")]
    rows.select("g", "id").createOrReplaceTempView("MYVIEW")
    return [*(sorted(map(str, one.collect())) for one in told), spark.sql("select * from MyView").columns]


def _written(spark: Any, rows: Any) -> Any:
    told = rows.select("id", (F.col("s") / 2).alias("x"), F.abs("s").alias("y"), (F.col("s") * 3).alias("z"))
    return told.cache().where("x > 1 or z < 0")


CASES: dict[str, Make] = {
    "texts in arithmetic": lambda spark, rows: rows.select(
        "id",
        F.col("s") * F.col("i"),
        (F.col("s") + F.col("s")).alias("a"),
        rows.s - 1,
        5 - F.col("s"),
        F.col("s") % 3,
        F.col("s") / 2,
        F.trim("s") * 2,
        F.lit("2") * F.col("i"),
        (F.col("st.y") + 1).alias("h"),
        (F.col("s") * F.col("dec")).alias("b"),
        F.when(F.col("i") > 0, F.col("s") * 2).otherwise(0).alias("c"),
        (F.col("s") * F.col("i")).cast("int").alias("e"),
        F.sum(F.col("s") * 2).over(Window.partitionBy("g").orderBy("id")).alias("f"),
    ),
    "filters, groups and orders by texts in arithmetic": lambda spark, rows: (
        rows.filter(F.col("s") * 2 > 10)
        .groupBy((F.col("s") * 2).alias("k"), "g")
        .agg(F.sum(F.col("s") * F.col("d")).alias("n"), F.sum("s"), F.stddev("s").alias("m"))
        .filter("k + 1 > 3")
        .orderBy(F.col("k") * 1)
    ),
    "texts in functions of numbers": lambda spark, rows: rows.select(
        "id", F.floor("s"), F.ceil("s"), F.pow("s", F.lit(2)), F.round("s", 1), F.abs("s"), F.sqrt("s"), F.log(2.0, "s")
    ),
    "SQL expressions of texts in arithmetic": lambda spark, rows: rows.selectExpr(
        "id", "g", "s", "s * 2 as x", "s + 1", "i", "floor(s) as f"
    ).filter("s * 2 > 3 or i - s < 0"),
    "SQL texts in arithmetic": sql(
        "select id, s * 2 a, s + s b, s - 1 as c, 2 * s e, s % 3 f, '5' + 1 h, s * dec j, r.s * i + l, -s k, s / i n "
        "from rows r where s + i > 4 or s / i < 2 order by s * 2, id"
    ),
    "SQL aggregates of texts in arithmetic": sql(
        "with q as (select g, trim(s) as t, s, i from rows) select g, sum(s * i) as n, sum(t * 2), max(round(s, 1)) m, "
        "avg(s) o, stddev(s) p from q group by g having sum(s * i) > 0 or g is null"
    ),
    "SQL names of texts in arithmetic": sql("select sum(s * 2), min(s - 1), sum(r.s * i + l) from rows r"),
    "SQL CASE of texts in arithmetic": sql("select id, case when s * 2 > 3 then 'a' else s end x from rows"),
    "SQL products beside ||": sql("select id, 'a' || d * 2 x, d * 2 || 'b' y, s || i * l || 'z' w from rows"),
    "a view of texts in arithmetic": _seen,
    "a cache of texts in arithmetic": _written,
    "texts beside columns of numbers": lambda spark, rows: rows.select(
        "id",
        (F.col("s") > F.col("i")).alias("a"),
        (F.col("s") == F.col("l")).alias("b"),
        (F.col("s") < F.col("d")).alias("c"),
        (F.col("dec") >= F.col("s")).alias("e"),
        F.col("s").eqNullSafe(F.col("i")).alias("f"),
        (F.col("s") != F.col("i")).alias("g"),
    ),
    "a join of texts with numbers": lambda spark, rows: _joined(rows, F.col("s") == F.col("k"), "left"),
    "numbers beside a text that is none": lambda spark, rows: rows.select(
        "id", (F.col("i") != "").alias("a"), (F.col("d") == "x").alias("b"), F.when(F.col("l") == "", None).otherwise(1)
    ),
    "SQL numbers beside a text that is none": sql("select id from rows where i <> '' or d > 'x' or l = '5'"),
    "truth beside texts and numbers": lambda spark, rows: rows.select(
        "id",
        F.col("b") == "true",
        F.col("b") != "False",
        (F.col("b") == 1).alias("c"),
        F.col("b") == F.col("s"),
        F.col("i") == F.col("b"),
    ),
    "SQL truth beside texts and numbers": sql(
        "select id from rows where b = 'true' or b = 1 or b = s or i = b or b <> 0"
    ),
    "dates beside times": lambda spark, rows: rows.select(
        "id",
        F.when(F.col("i") > 0, F.col("dt")).otherwise(F.col("ts")).alias("a"),
        F.coalesce("dt", "ts").alias("b"),
        F.greatest("ts", "dt").alias("c"),
        (F.col("dt") == F.col("ts")).alias("e"),
        (F.col("dt") == F.col("s")).alias("f"),
    ),
    "SQL dates beside times": sql(
        "select id, coalesce(dt, ts) a, case when i > 0 then dt else ts end b, greatest(dt, ts) c, dt < ts e from rows"
    ),
    "the first of numbers and texts": lambda spark, rows: _with_text(rows).select(
        "id",
        F.coalesce("i", "t").alias("a"),
        F.coalesce("t", "i", "l").alias("b"),
        F.coalesce("dec", "t").alias("c"),
        F.coalesce("i", "s").alias("e"),
        F.coalesce("l", "i").alias("f"),
        F.coalesce("dt", "t").alias("h"),
    ),
    "SQL the first of numbers and texts": _of_texts(
        "select id, coalesce(i, t) a, if(id > 3, t, i) b, nvl(l, t) c, coalesce(lag(i) over (order by id), t) e, "
        "coalesce(t, i, 'x') f, ifnull(t, dec) h, coalesce(i, s) j from zeros"
    ),
    "texts among numbers": lambda spark, rows: _with_text(rows).select(
        "id",
        F.col("t").isin(1, 2, 3),
        F.col("s").isin(1, 42).alias("a"),
        F.col("i").isin(1, 2),
        (~F.col("s").isin(7, 1.5)).alias("b"),
    ),
    "SQL texts among numbers": _of_texts(
        "select id, t in (1, 2, 03) a, t not in (-4, 5.0) b, i in (1, 2) c, s in (42, 7) e from zeros "
        "where l not in (1, 2)"
    ),
    "fields in arrays and maps": lambda spark, rows: rows.select(
        "id", "mp.a", F.col("ss").x.alias("x"), "ss.y", F.col("mp")["b"].alias("b")
    ),
    "the fields of an array, one by one": lambda spark, rows: rows.select("id", F.explode("ss.y").alias("y")).where(
        "y = 'q'"
    ),
    "SQL fields in arrays and maps": sql("select r.id, mp.a, r.mp.b, ss.x, size(r.ss.y) n from rows r where mp.a = 1"),
    "views in capitals": _by_case,
    "SQL days between the row and the one before": sql(
        "select id, datediff(dt, lag(dt) over (order by id)) a, months_between(ts, lag(ts) over (order by id)) b "
        "from rows"
    ),
    "SQL texts of eight digits beside dates": sql(
        "select id, dt > '20000101' a, dt between '20000101' and '20300101' b, "
        "dt not between '20240101' and '2024-12-31' c, ts between '20200101' and '20300101' e from rows"
    ),
    "times as numbers of few bits": select(
        a=lambda: F.col("ts").cast("int"), b=lambda: F.col("ts").cast("smallint"), c=lambda: F.col("ts").cast("tinyint")
    ),
}
REFUSED: dict[str, Make] = {
    "quantiles": lambda spark, rows: rows.approxQuantile("d", [0.5], 0.0),
}
