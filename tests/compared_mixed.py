"""Cases of tests/compared.py: values of several types side by side, and numbers that do not fit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pyspark.sql import functions as F

from tests.compared_expressions import Make, select, sql

NUMBERS = "values ('1'), ('1.5'), (' 2 '), ('.5'), ('1e1'), ('2d'), ('x'), (''), (null), ('3000000000'), ('NaN') t(v)"
LARGE = (
    "values (1e30D), (-1e30D), (double('NaN')), (double('inf')), (-1.9D), (2147483647.5D), (-2147483649D), (70000D), "
    "(9.3e18D), (null) t(v)"
)


def _joined(rows: Any, how: str) -> Any:
    other = rows.where("id > 5").selectExpr("id + 2 as id", "s x")
    return rows.alias("one").join(other.alias("two"), ["id"], how)


def _by_frames(spark: Any) -> Any:
    one = spark.createDataFrame([(1, "a"), (2, "b"), (3, None)], "id int, s string")
    other = spark.createDataFrame([(2, "x"), (3, "y")], "id int, x string")
    third = spark.createDataFrame([(2, 7), (3, 8)], "j int, i int")
    joined = one.join(other, "id").withColumn("k", one.id + 1).join(third, one.id == third.j)
    return joined.select(one.id, "k", other.x, third.i)


def _all_of_one(one: Any, rows: Any) -> Any:
    other = rows.selectExpr("id", "s x")
    return one.join(other, "id", "left").select(one["*"], other["x"])


TEXTS_AMONG = (
    "coalesce(t, i) a, coalesce(i, t) b, nvl(dec, t) c, coalesce(i, l, t) e, coalesce(s, i) f, coalesce(i, l) h, "
    "coalesce(i, dec) j, coalesce(dt, t) k, coalesce(t, ts) m, ifnull(st, st) n"
)

CASES: dict[str, Make] = {
    "texts that stay beside numbers": lambda spark, rows: rows.withColumn("t", F.concat(F.lit("00"), "id")).select(
        "id",
        F.coalesce("t", "i").alias("a"),
        F.coalesce("i", "t").alias("b"),
        F.nvl("dec", "t").alias("c"),
        F.coalesce("i", "l", "t").alias("e"),
        F.coalesce("s", "i").alias("f"),
        F.coalesce("i", "dec").alias("h"),
        F.coalesce(F.coalesce("i", "l"), "id", "t").alias("j"),
        F.coalesce("ar", "ar").alias("k"),
    ),
    "SQL texts that stay beside numbers": sql(
        f"select id, {TEXTS_AMONG} from (select *, concat('00', id) t from rows)"
    ),
    "texts beside numbers": lambda spark, rows: rows.select(
        "id",
        (F.col("s") > 1.5).alias("a"),
        (F.col("s") >= 1).alias("b"),
        F.col("s") == 42,
        F.col("s") != 42,
        (F.lit(3000000000) < F.col("s")).alias("c"),
        F.col("s").between(-7, 12.5).alias("d"),
        F.trim("s").eqNullSafe(42).alias("e"),
        (F.col("s") < Decimal("12.51")).alias("f"),
        (F.col("st.y") == 1).alias("g"),
        F.when(F.col("s") > 1, "x").otherwise("y").alias("h"),
    ),
    "filters of texts by numbers": lambda spark, rows: (
        rows.filter(F.col("s") > 1).filter("s <> 42 and id >= 0").filter("s < 1e30")
    ),
    "numbers beside numbers": lambda spark, rows: rows.select(
        "id", F.col("i") > 1, F.col("l") == 0, F.col("d") > 1, F.col("d") <= 1.5, F.col("dec") < 1, F.col("dec") > 1.25
    ),
    "SQL texts beside numbers": sql(
        "select id, s = 42 a, s > 1.5 b, -7 <= s c, s between 1 and 50 d, s not between 1.0 and 50 e, s <=> 42 f, "
        "s <> 42 g, s < 3000000000 h, case when trim(s) > 1 then 'x' else 'y' end j from rows where not (id < 0)"
    ),
    "SQL texts that are numbers": sql(
        f"select v, v = 1 a, v > 1 b, v > 1.0 c, v = 3000000000 d, v >= 1e1 e, v < 0.6 f from {NUMBERS}"
    ),
    "SQL doubles beside decimals": sql("select id from rows where d > 1.5 and d < 1000000.25 or d between -3.0 and -2"),
    "SQL groups beside numbers": sql(
        "select s > 1 k, count(*) n, max(i) m from rows where i > 0 group by s > 1 having n > 0 and m > 1 order by n, m"
    ),
    "SQL joins beside numbers": sql(
        "select a.id from rows a join rows b on a.id = b.id and b.s > 1 left join rows c on c.id = a.id and c.i > 1 "
        "where exists (select 1 from rows e where e.id = a.id and e.s < 100)"
    ),
    "comparisons without aliases": lambda spark, rows: rows.selectExpr("id", "s = 42", "1.5 < s", "i >= 7"),
    "averages of texts": lambda spark, rows: (
        rows.where("s <> '1e3'").groupBy("g").agg(F.round(F.avg("s"), 3).alias("a"), F.avg("i").alias("b"))
    ),
    "the first of a column and a text": select(
        **{
            name: lambda name=name: F.coalesce(F.col(name), F.lit("n/a"))
            for name in ("s", "i", "l", "d", "dec", "dt", "ts")
        },
        nvl=lambda: F.nvl("l", F.lit("none")),
        three=lambda: F.coalesce("i", "d", F.lit("none")),
    ),
    "the first of a column and a number": select(
        **{name: lambda name=name: F.coalesce(F.col(name), F.lit(0)) for name in ("s", "i", "l", "d", "dec")},
        half=lambda: F.coalesce("s", F.lit(0.5)),
        halves=lambda: F.coalesce("i", F.lit(0.5)),
        field=lambda: F.coalesce("st.x", F.lit(-1)),
    ),
    "SQL the first of a column and a literal": sql(
        "select id, coalesce(s, 0) a, coalesce(i, 0) b, coalesce(l, 'x') c, ifnull(d, 'x') e, nvl(dt, 'x') f, "
        "coalesce(dec, 0) g, coalesce(s, 'x', 'y') h, coalesce(null, 'x') j, coalesce(i, l, 'x') k from rows"
    ),
    "the first of sums and numbers": lambda spark, rows: rows.where("id < 0").agg(
        F.coalesce(F.sum("i"), F.lit(0)).alias("a"), F.coalesce(F.max("s"), F.lit("none")).alias("b")
    ),
    "a CASE of texts and doubles": select(
        a=lambda: F.when(F.col("s").isNull(), 0.0).otherwise(F.col("s")),
        b=lambda: F.when(F.col("i").isNull(), 0.5).otherwise(F.col("i")),
    ),
    "whole numbers that do not fit": select(
        **{
            f"{name}{kind}": lambda name=name, kind=kind: F.col(name).cast(kind)
            for name in ("i", "l", "s", "b")
            for kind in ("tinyint", "smallint", "int", "bigint")
        }
    ),
    "SQL doubles that do not fit": sql(
        "select v, cast(v as tinyint) a, cast(v as smallint) b, cast(v as int) c, cast(v as bigint) d, "
        f"int(v) e, cast(float(v) as int) f from {LARGE}"
    ),
    "elements beyond the end": select(
        a=lambda: F.element_at("ar", 2), b=lambda: F.element_at("ar", -3), c=lambda: F.element_at("mp", "a")
    ),
    "SQL elements beyond the end": sql("select id, element_at(split(s, ','), 2) a, element_at(ar, 9) b from rows"),
    "concat of any beside a text": select(
        **{
            name: lambda name=name: F.concat(F.lit("x"), F.col(name))
            for name in ("s", "i", "l", "d", "dec", "dt", "ts", "b")
        }
    ),
    "SQL concat of any beside a text": sql(
        "select id, concat(d, ' ', ts, '|', s) a, concat('x', i, dec, b) b from rows"
    ),
    "concat_ws of lists": lambda spark, rows: rows.select(
        "id", F.concat_ws(",", "ar", F.col("s"), F.array("i", "i"), F.array("dt")).alias("a")
    ),
    "arrays beside literals": select(
        a=lambda: F.array_except("ar", F.array(F.lit(1))),
        b=lambda: F.array_union(F.array(F.lit(1), F.lit(7)), "ar"),
        c=lambda: F.array_except(F.array("i", F.lit(1)), F.col("ar")),
    ),
    "SQL arrays beside literals": sql(
        "select id, array_except(ar, array(1)) a, array_union(array(1, null), ar) b, array_except(ar, ar) c from rows"
    ),
    "zones by offsets": select(
        a=lambda: F.from_utc_timestamp("ts", "+02:00"),
        b=lambda: F.to_utc_timestamp("ts", "GMT-5"),
        c=lambda: F.from_utc_timestamp(F.lit("2024-01-01 10:00:00"), "UTC+05:30"),
    ),
    "SQL decode of values": sql(
        "select id, decode(i, 0, 'none', 7, 'seven', 'x') a, decode(s, null, 'null', '42', s) b from rows"
    ),
    **{
        f"a key by an alias, {how}": lambda spark, rows, how=how: _joined(rows, how).select(
            "one.id", F.col("two.id").alias("q"), "two.x", (F.col("one.id") + 1).alias("z")
        )
        for how in ("inner", "left", "right", "full")
    },
    "a key by an alias, further on": lambda spark, rows: (
        _joined(rows, "left")
        .withColumn("z", F.col("one.id") * 2)
        .withColumn("w", F.expr("one.id + z"))
        .join(rows.selectExpr("id j", "g").alias("three"), F.col("one.id") == F.col("three.j"))
        .where("one.id > 3")
        .select("one.id", "z", "w", "two.x", "three.g")
    ),
    "groups by a key by an alias": lambda spark, rows: (
        _joined(rows, "inner").groupBy("one.id").agg(F.max("two.x").alias("m"))
    ),
    "a key of an anti join by an alias": lambda spark, rows: _joined(rows, "left_anti").select("one.id", "one.s"),
    "a key by its data frame": lambda spark, rows: _by_frames(spark),
    "all columns of a data frame": lambda spark, rows: _all_of_one(rows.select("s", "id"), rows.where("id > 3")),
    "SQL a key with USING": sql(
        "select a.id, b.s, a.id + 1 k, 'a.id' q from rows a left join rows b using (id) where a.id > 3 order by a.id"
    ),
    "SQL groups by a key with USING": sql(
        "select a.`id`, max(b.s) m from rows as a join rows b using (`id`, i) group by a.id having a.id > 2"
    ),
    "columns by the aliases of others": lambda spark, rows: rows.select(
        "id", F.upper("s").alias("u"), F.concat("u", F.lit("x")).alias("v"), F.length("v").alias("w")
    ),
    "columns in texts by the aliases of others": lambda spark, rows: rows.selectExpr(
        "*", "i as k", "k * 2 as m", "m + k as n"
    ).select("id", "k", "m", "n"),
    "an alias that is a column, too": lambda spark, rows: rows.select(F.col("l").alias("i"), F.col("i").alias("j")),
    "SQL columns by the aliases of others": sql(
        "with q as (select id as k, k + 1 as m, m * k as n, 'k' as o from rows where id > 3) select * from q"
    ),
    "SQL groups by an alias of another": sql("select g, sum(id) as n, n / count(*) as m from rows group by g"),
    "SQL group by all": sql("select g, id % 2 as k, sum(id) as n, count(*) as m from rows group by all"),
    "SQL group by all of aggregates": sql("select sum(id) as n from rows group by all"),
    "SQL order by an aggregate behind HAVING": lambda spark, rows: [
        tuple(row)
        for row in spark.sql(
            "select g, sum(id) as n, max(i) m from rows group by g having sum(id) > 1 order by sum( id ) desc limit 3"
        ).collect()
    ],
    "SQL pivot of one column": sql(
        "select * from (select g, b, id from rows) pivot (sum(id) as n, max(id) as m for g in ('g1' as x, 'g2' as y))"
    ),
    "SQL pivot of numbers": sql("select * from (select g, id % 2 k, id from rows) pivot (count(id) for k in (0, 1))"),
    "a union of dates and times": lambda spark, rows: rows.select("id", F.col("dt").alias("x")).union(
        rows.select("id", "ts")
    ),
    "SQL doubles and decimals beside literals without a fraction": sql(
        "select id, coalesce(d, 0.0) a, case when i > 1 then 0.0 else d end b, if(d is null, 1.00, d) c, "
        "case i when 1 then 100.00 when 2 then 0. else d end e, case when i > 1 then dec else 0.0 end f, "
        "coalesce(dec, 0.00) h, nvl(d, 12345.0) j, least(dec, 7.0) k from rows"
    ),
    "SQL aggregates of them": sql(
        "select g, max(coalesce(d, 0.0)) a, min(case when i > 1 then d else 0.0 end) b, "
        "sum(case when i > 1 then 1.0 else 0.0 end) c from rows group by g"
    ),
    "SQL decimals of literals alone": sql(
        "select case when s = 'a' then 0.0 when s is null then 1.5 else 2.0 end a, coalesce(null, 0.0) b, "
        "case when i = 1 then 1.0 else 0.0 end c from rows"
    ),
    "SQL doubles by decimals": sql(
        "select d / 100.0 a, d % 2.5 b, d * 0.5 c, i / 2 e, d > 1.5 and d < 2.6 f from rows"
    ),
    "decimals of one type": sql(
        "select dec % dec a, dec + dec b, dec - 1.5 c, sum(dec) over (partition by g) e from rows"
    ),
}
REFUSED: dict[str, Make] = {
    "SQL doubles beside fractions": sql("select coalesce(d, 0.5) a from rows"),
    "SQL floats beside fractions": sql("select least(cast(d as float), 0.5) a from rows"),
    "SQL whole numbers beside 0.0": sql("select coalesce(i, 0.0) a from rows"),
    "SQL doubles of decimals": sql("select id from rows where d in (1.5, dec)"),
    "doubles of decimals": lambda spark, rows: rows.where(F.col("d") <= F.col("dec")).select("id"),
    "doubles among decimals": lambda spark, rows: rows.where(F.col("d").isin(Decimal("1.5"))).select("id"),
    "SQL a union of doubles and decimals": sql("select d from rows union all select 1.5"),
    "SQL floats by fractions": sql("select cast(d as float) * 2.5 a from rows"),
    "a minus before decimals": select(a=lambda: (-F.col("dec")).cast("double")),
    "SQL a minus before decimals": sql("select cast(-dec as string) a from rows"),
    "SQL rests by fractions": sql("select i % 2.5 a from rows"),
    "SQL rests of whole numbers by decimals": sql("select i % dec a from rows"),
    "SQL products of many digits": sql("select cast(dec as decimal(38,18)) * cast(dec as decimal(18,6)) a from rows"),
    "the name of the object that is read": select(a=F.input_file_name),
    "SQL the name of the object that is read": sql("select input_file_name() a from rows"),
    "concat_ws of a list of doubles": select(a=lambda: F.concat_ws(",", F.array("d"))),
    "a decimal or a double": select(a=lambda: F.coalesce("dec", F.lit(0.0))),
    "a CASE of decimals and doubles": select(a=lambda: F.when(F.col("i") > 1, F.col("dec")).otherwise(0.0)),
}
