"""Cases of tests/compared.py: expressions in SQL and in columns, over its rows.

Each makes a data frame of a session and of the rows, which are the view ``rows`` too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

Make = Callable[[Any, Any], Any]  # of a session and the rows


def sql(text: str) -> Make:
    return lambda spark, rows: spark.sql(text)


def select(**made: Callable[[], Any]) -> Make:
    return lambda spark, rows: rows.select("id", *(make().alias(name) for name, make in made.items()))


def with_nan(rows: Any) -> Any:
    """Column n has NaN, and 0.0 with a sign."""
    few = F.when(F.col("id") % 7 == 0, F.lit(-0.0)).otherwise(F.col("d"))
    return rows.withColumn("n", F.when(F.col("id") % 5 == 0, F.lit(float("nan"))).otherwise(few))


def of_nan(make: Callable[[DataFrame], Any]) -> Make:
    return lambda spark, rows: make(with_nan(rows))


def of_nan_in_sql(text: str) -> Make:
    def made(spark: Any, rows: Any) -> Any:
        with_nan(rows).createOrReplaceTempView("nans")
        return spark.sql(text)

    return made


def view(spark: Any, rows: Any) -> Any:
    spark.sql("create or replace temp view cast_rows as select id, cast(d as string), if(b, i, l) q from rows")
    return spark.sql("select id, d, q from cast_rows where d <> '1'")


def of_few(make: Callable[[DataFrame], Any]) -> Make:
    """A case of rows with nulls everywhere, and doubles that are written with an exponent."""

    def made(spark: Any, rows: Any) -> Any:
        values = [(1, 1e7, "a", None), (None, 3e7, "3", None), (5, None, None, 1), (9, 2e7, "", None)]
        return make(spark.createDataFrame(values, "i int, d double, s string, k long"))

    return made


def figures(few: DataFrame) -> Any:
    told = [(name, round(few.cov("i", name), 6), round(few.corr(name, "d"), 9)) for name in ("i", "d", "k")]
    return few.sparkSession.createDataFrame(
        [*told, ("stat", few.stat.cov("d", "d"), None)], "n string, a double, b double"
    )


HALVES = (
    "values (1.005D), (2.675D), (1.115D), (-1.005D), (0.125D), (123456.785D), (0.1D + 0.2D), (1e15D), (1e22D), "
    "(1e-30D), (double('NaN')), (double('inf')), (null) t(x)"
)
TO_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal(10,2)", "decimal(38,6)", "boolean")

CASES: dict[str, Make] = {
    f"SQL cast of {name} to text": sql(f"select id, cast({name} as string) y from rows")
    for name in ("d", "float(d)", "i", "dec", "s", "dt", "ts", "b", "d * 2", "abs(d)")
} | {
    f"SQL cast of text to {kind}": sql(f"select id, cast(s as {kind}) y, try_cast(trim(g) as {kind}) z from rows")
    for kind in (*TO_NUMBERS, "date", "timestamp")
    if kind != "tinyint"
}  # fmt: skip


def column_cast(kind: str) -> Make:
    return select(a=lambda: F.col("s").cast(kind), b=lambda: F.trim("s").cast(kind))


CASES |= {
    "try_cast of text to whole numbers": select(
        **{
            f"{kind}{at}": lambda made=made, kind=kind: made().try_cast(kind)
            for kind in ("tinyint", "smallint", "int", "bigint")
            for at, made in enumerate(
                (
                    lambda: F.concat(F.col("id"), F.lit(".5")),
                    lambda: F.concat(F.lit(" -."), F.col("id")),
                    lambda: F.concat(F.lit(" +"), F.col("id"), F.lit(" ")),
                )
            )
        }
    ),
    "SQL try_cast of text to bigint": sql("select id, try_cast(id || '.0' as bigint) x from rows"),
    "parts of a time of text": select(
        **{
            f"{make.__name__}_{name}": lambda make=make, name=name: make(F.col(name).cast("string"))
            for make in (F.hour, F.minute, F.second)
            for name in ("s", "ts", "dt", "id")
        },
        own=lambda: F.hour("ts"),
        day=lambda: F.hour("dt"),
        said=lambda: F.minute(F.lit("2024-03-10T02:30:00Z")),
    ),
    "SQL parts of a time of text": sql("select id, hour(s) h, minute(cast(ts as string)) m, second(ts) s from rows"),
}
CASES |= {f"column cast of text to {kind}": column_cast(kind) for kind in (*TO_NUMBERS[1:], "date", "timestamp")}
POINTED = "values ('3.7'), ('4.'), ('-.5'), (' 5 '), ('7'), ('1e2'), ('+0'), ('x'), (''), (null) t(k)"
CASES |= {
    f"text with a point tried as {kind}": lambda spark, rows, kind=kind: spark.sql(
        f"select k, try_cast(k as {kind}) a, cast(k as {kind}) b from {POINTED}"
    ).withColumns({"c": F.col("k").try_cast(kind), "d": F.lit("2.5").try_cast(kind)})
    for kind in TO_NUMBERS
}
CASES |= {
    "SQL casts nested": sql(
        "select id, upper(cast(cast(d as string) as string)) y, cast(cast(ts as bigint) as string) z from rows"
    ),
    "SQL casts by functions": sql("select id, string(d) a, bigint(ts) b, date(s) c, double(s) e from rows"),
    "SQL casts in other places": sql(
        "select cast(d as string) k, count(*) n from rows where cast(d as string) <> '1' group by cast(d as string) "
        "having cast(d as string) <> '2'"
    ),
    "SQL casts of windows": sql("select id, cast(sum(d) over (partition by g order by id) as string) y from rows"),
    "SQL casts in lambdas": sql("select id, transform(array(d, 1e20D), x -> cast(x as string)) y from rows"),
    "SQL casts in subqueries": sql(
        "select a.d, cast(b.d as string) e from (select id, cast(d as string) from rows) a "
        "join (select id, cast(d as string) from rows) b on a.id = b.id and cast(a.id as string) = cast(b.id as string)"
    ),
    "SQL names": sql("select cast(d as string), `s`, cast(rows.i as bigint) from rows limit 0"),
    "SQL texts and comments": sql(
        "select /* cast(x as int) */ id, -- max(d)\n cast(i as string) as `max(d)`, 'é if(a,b,c)' t from rows "
        "where s <> 'cast(d as string)'"
    ),
    "SQL texts joined": sql(
        "select id, s || '-' || g || cast(d as string) y, i || upper(g) z, (i + 1) || 'a' v from rows"
    ),
    "SQL if and case": sql(
        "select id, if(b, i, l) a, if(b, i, d) c, if(b, 'x', 'y') e, case when b then 1 else 2L end f, "
        "case g when 'g1' then i when 'g2' then l end h, case when b then ar end j, "
        "case when b then case when i > 0 then 1 else 2L end else if(i > 0, 1.5D, i) end k from rows"
    ),
    "SQL nulls": sql("select id, nvl(i, l) a, coalesce(i, l) c, ifnull(i, 1.5) e, nullif(i, l) f from rows"),
    "SQL dates": sql("select id, datediff(dt, '2024-01-01') a, date_diff(dt, date'2024-01-01') c from rows"),
    "SQL isnan": sql("select id, isnan(d) a from rows where not isnan(d) or d is null"),
    "SQL array_contains": sql(
        "select id, array_contains(ar, 1) a, array_contains(ar, 5) c, array_contains(array(1, 2), i) e from rows"
    ),
    "SQL extremes": sql(
        "select g, max(d) a, min(d) c, max(distinct i) e, min(s), max(dt), max(ts), max(b), min(dec) "
        "from rows group by g"
    ),
    "SQL extremes of NaN": of_nan_in_sql(
        "select g, max(n) a, min(n) c, max(f) e, min(f) h from (select *, float(n) f from nans) group by g"
    ),
    "SQL extremes sorted": sql(
        "select g, max(i) from rows group by g having max(i) > 1 order by max(i)"
    ),
    "SQL of moving windows": sql(
        "select id, sum(i) over (partition by g order by id rows between 2 preceding and current row) a, "
        "avg(id) over (order by id rows between 3 preceding and 1 following) b, "
        "avg(i) over (partition by g order by id rows between unbounded preceding and current row) c, "
        "sum(id) over w d, count(d) over w e from rows "
        "window w as (order by id rows between 1 preceding and current row)"
    ),
    "SQL of NaN in windows that grow": of_nan_in_sql(
        "select id, sum(n) over (order by id rows between unbounded preceding and current row) is null a from nans"
    ),
    "SQL extremes over windows": of_nan_in_sql(
        "select id, max(n) over (partition by g) a, min(n) over (partition by g order by id) c from nans"
    ),
    "SQL grouping sets": sql("select g, b, max(d) m from rows group by grouping sets ((g), (b))"),
    "SQL CTE": sql(
        "with a as (select cast(d as string) from rows), b as (select max(d) m, count(if(b, 1, null)) k from rows) "
        "select a.d, b.m, b.k from a, b where b.m = (select max(d) from rows)"
    ),
    "SQL doubles to decimals": sql(
        "select x, cast(x as decimal(10,2)) a, cast(x as decimal(38,18)) c, cast(float(x) as decimal(10,2)) e "
        f"from {HALVES}"
    ),
    "SQL roundings": sql(
        "select id, round(i, 2) a, round(l, -1) c, round(d) e from rows where abs(d) > 1 and abs(i) < 1e6"
    ),
    "roundings of what is a double": lambda spark, rows: spark.sql(f"select * from {HALVES}").select(
        "x", F.round(F.col("x") / 1, 2).alias("a"), F.round(F.col("x").cast("double"), 1).alias("c")
    ),
    "roundings of averages": lambda spark, rows: spark.sql("select * from values (1.00D), (1.01D) t(x)").agg(
        F.round(F.avg("x"), 2).alias("a")
    ),
    "SQL times and parts of texts": sql(
        "select id, unix_seconds(ts) a, to_date(s) c, to_date(s, 'yyyy-MM-dd') e, substring(s, -3, 2) f, "
        "substr(s, -2) h, substring(s, 2, 3) j, substring(s from 2 for 2) k from rows"
    ),
    "times and parts of texts": select(
        a=lambda: F.unix_seconds("ts"),
        b=lambda: F.to_date("s"),
        c=lambda: F.to_date("ts"),
        d=lambda: F.substring("s", -3, 2),
        e=lambda: F.col("s").substr(2, 3),
    ),
    "SQL union": sql("select i from rows union select i + 1 from rows"),
    "SQL view": view,
    "expressions": lambda spark, rows: rows.selectExpr(
        "id", "cast(d as string)", "if(b, i, l) x", "upper(cast(i as string)) y", "max(i) over (partition by g) m"
    ),
    "conditions": lambda spark, rows: rows.filter(
        "not isnan(d) and cast(i as string) <> '1' and datediff(dt, '2000-01-01') > 5"
    ).select("id"),
    "aggregates by expressions": lambda spark, rows: rows.groupBy("g").agg(
        F.expr("max(d)"), F.expr("sum(case when b then 1 else 0 end) as n"), F.expr("max(i) - min(i) q")
    ),
    "casts of columns made": select(
        a=lambda: (F.col("d") + 1).cast("string"),
        b=lambda: F.sum("d").over(Window.partitionBy("g").orderBy("id")).cast("string"),
        c=lambda: F.transform(F.array("d", F.lit(1e20)), lambda x: x.cast("string")),
        d=lambda: F.rand(1).cast("string").isNull(),
    ),
    "casts in filters of Parquet": lambda spark, rows: rows.withColumn("y", F.trim("s").cast("double")).where(
        (F.col("y") > 1) & (F.col("d").cast("string") != "1.5") & (F.col("i").cast("string").cast("bigint") > 0)
    ),
    "whens": select(
        a=lambda: F.when(F.col("b"), F.col("i")).otherwise(F.col("l")),
        b=lambda: F.when(F.col("b"), 1).when(F.col("i") > 0, F.col("d")).otherwise(F.col("l")),
        c=lambda: F.when(F.col("b"), "x").otherwise(F.col("s")),
        d=lambda: F.when(F.col("b"), F.col("st")).otherwise(F.lit(None)),
        e=lambda: F.when(F.col("b"), F.when(F.col("i") > 0, 1).otherwise(F.col("i"))).otherwise(F.col("l")),
    ),
    "functions with rules": select(
        a=lambda: F.array_contains("ar", 1),
        b=lambda: F.array_contains("ar", F.col("i")),
        c=lambda: F.nullif(F.col("i"), F.col("l")),
        d=lambda: F.nvl(F.col("i"), F.col("d")),
        e=lambda: F.ifnull(F.col("i"), F.col("l")),
        f=lambda: F.concat("s", "g"),
        g=lambda: F.concat_ws(",", "s", "i", "g"),
        h=lambda: F.hash("s", "i"),
        i=lambda: F.regexp_count("s", F.lit("a")),
    ),
    "extremes of NaN": of_nan(
        lambda rows: rows.groupBy("g").agg(F.max("n"), F.min("n"), F.max(F.col("n") + 1), F.min("s"))
    ),
    "extremes of all": of_nan(lambda rows: rows.agg(F.max("n"), F.min("n"), (F.max("n") - F.min("i")).alias("x"))),
    "extremes by groups' methods": of_nan(lambda rows: rows.groupBy("g").max("n", "i")),
    "a value that is computed once and never null": select(
        a=lambda: F.length(F.concat_ws("_", F.monotonically_increasing_id().cast("string"), F.lit("x"))) > 2
    ),
    "duplicates of sorted rows": lambda spark, rows: (
        rows.orderBy(F.desc("id")).where("id <> 5").coalesce(1).dropDuplicates(["g"]).select("g", "id", "s")
    ),
    "duplicates by two columns": lambda spark, rows: (
        rows.orderBy("b", F.col("id").desc()).drop_duplicates(["g", "b"]).select("id", "g", "b")
    ),
    "aggregates by a dict of two": lambda spark, rows: rows.groupBy("g").agg({"s": "count", "i": "sum"}),
    "aggregates by a dict of four": lambda spark, rows: rows.agg(
        {"dt": "max", "id": "sum", "b": "count", "ts": "min"}
    ),
    "aggregates by a dict of more": lambda spark, rows: (
        rows.withColumnsRenamed({"i": "forecasted_monthly_revenue", "l": "opportunity", "s": "Ä"})
        .groupBy("g")
        .agg(
            {"forecasted_monthly_revenue": "sum", "opportunity": "max", "Ä": "count", "id": "sum", "dt": "max",
             "ts": "min", "b": "count", "dec": "max"}
        )
    ),
    "moving windows": lambda spark, rows: rows.select(
        "id",
        F.sum("i").over(Window.partitionBy("g").orderBy("id").rowsBetween(-2, 0)).alias("a"),
        F.avg("id").over(Window.orderBy("id").rowsBetween(-3, 1)).alias("b"),
        F.count("d").over(Window.orderBy("id").rowsBetween(-1, 0)).alias("c"),
        F.stddev("id").over(Window.orderBy("id").rowsBetween(Window.unboundedPreceding, 0)).isNull().alias("d"),
    ),
    "extremes over windows": of_nan(
        lambda rows: rows.select(
            "id",
            F.max("n").over(Window.partitionBy("g")).alias("a"),
            F.min("n").over(Window.partitionBy("g").orderBy("id")).alias("c"),
        )
    ),
    "extremes pivoted": of_nan(lambda rows: rows.groupBy("b").pivot("g", ["g1", "g2"]).agg(F.max("n"))),
    "extremes of structs": of_nan(
        lambda rows: rows.groupBy("g").agg(
            F.max(F.struct("i", "s")).alias("a"),
            F.min(F.struct("n", F.col("st.x"), F.col("i").alias("of i"))).alias("c"),
            F.max(F.struct("n", F.col("i") + 1)).alias("e"),
        )
    ),
    "extremes of structs of no rows": lambda spark, rows: rows.where("false").agg(F.max(F.struct("i", "s")).alias("a")),
    "union of types": lambda spark, rows: rows.select("i").union(rows.select("l")),
    "union of texts and numbers": lambda spark, rows: rows.select("i").union(rows.select("s")),
    "unionByName of types": lambda spark, rows: rows.select("i", "s").unionByName(
        rows.select("s", F.col("d").alias("i"))
    ),
    "unionByName with missing columns": lambda spark, rows: rows.select("i", "s").unionByName(
        rows.select("l", "s"), allowMissingColumns=True
    ),
    "exceptAll": lambda spark, rows: rows.select("g").exceptAll(rows.where("b").select("g")),
}  # fmt: skip
CASES |= {
    "describe": of_few(lambda few: few.describe()),
    "describe of some": of_few(lambda few: few.describe("d", "s")),
    "describe of none": lambda spark, rows: rows.select("b", "dt").describe(),
    "summary without percentiles": of_few(lambda few: few.summary("max", "count", "mean", "min", "stddev")),
    "cov and corr with nulls": of_few(figures),
}
CASES |= {
    "from_json": lambda spark, rows: rows.select(
        F.from_json(F.to_json("st"), "x int, y string").alias("a"),
        F.from_json("s", "x double")["x"],
        F.from_json(F.concat(F.lit('{"n":'), F.col("l").cast("string"), F.lit("}")), "n int").n.alias("c"),
        F.from_json(F.lit('{"a":[1,null],"m":{"k":1.5}}'), "a array<int>, m map<string,double>").alias("d"),
    ),
    "functions in columns": select(
        a=lambda: F.left("s", F.col("i") % 3),
        b=lambda: F.locate("a", "s", 2),
        c=lambda: F.slice("ar", 1, F.size("ar")),
        d=lambda: F.format_string("%s-%d", F.col("s"), F.col("i")),
        e=lambda: F.date_trunc("month", F.lit("2024-03-31")),
        f=lambda: F.transform(F.split("s", "a"), lambda one: F.left(one, F.lit(-1))),
        g=lambda: F.call_function("left", F.col("s"), F.lit(-1)),
        h=lambda: F.substring("s", F.lit(2), F.col("i")),
        i=lambda: F.get("ar", F.col("id") % 3 - 1),
    ),
    "sums": lambda spark, rows: rows.select(
        "id",
        F.col("i") + F.col("l"),
        F.col("id") + 1 - F.col("d"),
        (F.col("dt") + F.col("id") % 9).alias("a"),
        (F.col("ts") + (F.col("ts") - F.lit(NOON))).alias("b"),
        (F.col("dt") + F.expr("interval 3 days")).alias("c"),
        F.aggregate("ar", F.lit(0), lambda x, y: x + F.coalesce(y, F.lit(1)) % 9 + F.col("id")).alias("e"),
    ),
    "SQL sums": sql(
        "select id, i + l, id + 1 - d, dt + id % 9 as a, ts + gap as b, gap - interval 1 hour as c"
        " from (select *, ts - timestamp'2024-01-01 12:00:00' as gap from rows) where id + id > 3 or d - id < l + 5"
    ),
    "sums of groups": lambda spark, rows: (
        rows.groupBy((F.col("id") % 3 + F.length("g")).alias("k")).agg(F.max(F.col("id") + F.col("i") % 7)).orderBy("k")
    ),
    "from_json without an alias": lambda spark, rows: rows.select(F.from_json("s", "a int")),
    "rows of from_json": lambda spark, rows: (
        rows.select("id", F.from_json(F.lit('[{"a":1},{"a":2}]'), "array<struct<a:int>>").alias("j"))
        .select("id", F.explode("j").alias("one"))
        .select("id", "one.*")
        .where("a = 2")
    ),
}
NOON, LATER = datetime(2024, 1, 1, 12), datetime(2024, 1, 1, 13)
REFUSED: dict[str, Make] = {
    "a date and a timedelta": lambda spark, rows: rows.select((F.col("dt") + timedelta(hours=30)).alias("a")),
    "a date and a column of hours": lambda spark, rows: rows.withColumn("gap", F.lit(LATER) - F.lit(NOON)).select(
        (F.col("gap") + F.col("dt")).alias("a")
    ),
    "a date and two times": lambda spark, rows: rows.select((F.col("dt") + (F.lit(LATER) - F.lit(NOON))).alias("a")),
    "SQL of a date and a column of hours": sql(
        "select id + dt + g as a from (select 1 as id, dt, make_dt_interval(1, 2) as g from rows)"
    ),
    "SQL of a date and two times": sql(
        "select timestamp'2024-01-01 13:00:00' - timestamp'2024-01-01 12:00:00' + dt as a from rows"
    ),
    "hypot by its name": lambda spark, rows: rows.select(F.call_function("hypot", F.col("d"), F.col("d"))),
    "from_json of broken text": lambda spark, rows: rows.select(F.from_json(F.lit('{"a":1'), "a int").alias("a")),
    "from_json with options": lambda spark, rows: rows.select(F.from_json("s", "a int", {"dateFormat": "yyyy"})),
    "summary": of_few(lambda few: few.summary()),
    "describe of decimals": lambda spark, rows: rows.describe("dec"),
    "crosstab": of_few(lambda few: few.crosstab("i", "s")),
    "duplicates of rows that got columns after a sort": lambda spark, rows: (
        rows.orderBy("id").select("g", "i").dropDuplicates(["g"])
    ),
    "NaN in a moving window": of_nan(
        lambda rows: rows.select(F.avg("n").over(Window.orderBy("id").rowsBetween(-2, 0)).alias("a"))
    ),
    "NaN in a moving window in SQL": of_nan_in_sql(
        "select sum(n) over (order by id rows between 2 preceding and current row) a from nans"
    ),
    "infinity in a moving window in SQL": sql(
        "select sum(x) over (order by x rows between 1 preceding and current row) a "
        "from values (1D), (double('inf')) t(x)"
    ),
    **{
        f"SQL null inside of {name} to text": sql(f"select cast({name} as string) from rows")
        for name in ("ar", "st", "mp")
    },
    "null inside of a struct to text": select(a=lambda: F.col("st").cast("string")),
    "SQL average of decimals": sql("select avg(dec) from rows"),
    "average of decimals": lambda spark, rows: rows.groupBy("g").avg("dec"),
    "hash of decimals": select(a=lambda: F.hash("dec")),
    "NaN in a median": of_nan(lambda rows: rows.agg(F.median("n"))),
    "SQL rounding of a half": sql(f"select round(x, 2) from {HALVES}"),
    "format_number": select(a=lambda: F.format_number("dec", 1)),
    "SQL NaN in max_by": of_nan_in_sql("select max_by(id, n) from nans"),
    "SQL NaN in a filtered maximum": of_nan_in_sql("select max(n) filter (where id > 0) from nans"),
    "greatest struct with a null inside": lambda spark, rows: rows.agg(F.max("st")),
    "SQL intersect all": sql("select g from rows intersect all select g from rows where b"),
    "intersectAll": lambda spark, rows: rows.select("g").intersectAll(rows.where("b").select("g")),
    "SQL union of types": sql("select i from rows union all select l from rows"),
    "SQL day of week": sql("select extract(dow from dt) from rows"),
    "SQL cast by ::": sql("select d::string from rows"),
}
