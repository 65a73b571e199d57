"""Cases of tests/compared.py: what daily scripts are made of, structs and lists that are put
together, windows inside of functions, and clauses of SQL that Sail looks at in another order."""

from __future__ import annotations

from functools import reduce
from typing import Any

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from tests.compared_expressions import Make, select, sql

WINDOW = "over (partition by g order by id)"


def _melted(rows: Any) -> Any:
    """Columns as rows of their own, from values that may be null and others that may not."""
    known = F.when(F.col("i") > 1, 5).otherwise(2)
    pairs = (("i", F.col("i")), ("none", F.coalesce("i", F.lit(0))), ("known", known), ("one", F.lit(1)))
    fields = [F.struct(F.lit(name).alias("k"), value.alias("v"), F.col("g")) for name, value in pairs]
    return rows.select("id", F.explode(F.array(*fields)).alias("e")).select("id", "e.*")


def _of_python(spark: Any) -> Any:
    """Rows of Python's, whose columns carry what Sail knows of them into structs."""
    made = spark.createDataFrame([("a", 1, 1.5), ("b", None, None), (None, 3, 0.5)], "s string, n int, d double")
    one, other = (F.struct(F.lit(name).alias("k"), F.col(name).cast("double").alias("v")) for name in ("n", "d"))
    more = F.concat(F.array(one), F.array(other), F.array(F.struct(F.lit("x").alias("k"), F.lit(0.5).alias("v"))))
    return made.select("s", F.array(one, other).alias("a"), more.alias("b"))


def _by_python(spark: Any) -> Any:
    spark.udf.register("cut_to", lambda x, most: None if x is None else min(x, most), "int")
    return spark.sql("select cut_to(i, 7) c, count(*) n, max(s) m from rows group by cut_to(i, 7)")


def _of_lambda(spark: Any, rows: Any) -> Any:
    rows.where(F.exists("ar", lambda x: x == 1)).createOrReplaceTempView("with_a_one")
    return spark.sql("select count(*) n, max(id) m from with_a_one where id > 2")


def _of_lambda_below(spark: Any, rows: Any) -> Any:
    """Columns with lambdas, which conditions above are about: of the frame, its view, a union and a join."""
    seen = rows.select("id", "g", F.transform("ar", lambda x: x + 1).alias("t"), F.expr("filter(ar, x -> x > 1) f"))
    both = seen.where(F.col("t")[0] > 1).union(seen.where("size(f) > 0 and id < 20"))
    both = both.join(
        seen.select(F.col("id").alias("k"), F.explode("t").alias("e")).where("e > 2"), F.col("id") == F.col("k")
    )
    seen.createOrReplaceTempView("seen")
    return both.select("id", "g", "t", "f", "e").union(spark.sql("select id, g, t, f, 1 from seen where t[0] > 2"))


def _looped(rows: Any, times: int) -> Any:
    """A column of itself in a loop, and conditions of it."""
    for at in range(times):
        first, other = F.nullif("g", F.lit("g1")), F.col(("s", "g")[at % 2])
        rows = rows.withColumn("p", F.coalesce("p", other) if at else first)
    return rows.where("p is not null and p <> 'g2'").groupBy("p").agg(F.max("i").alias("m")).where("m > 5")


def _first_of(*values: Any) -> Any:
    """Coalesces in one another."""
    return reduce(F.coalesce, values)


def _of_formats(column: Any) -> Any:
    formats = {r"^\d{4}-\d\d-\d\d$": "yyyy-MM-dd", r"^\d{4}-": "yyyy-MM-dd HH:mm:ss", r"^[\d.]+$": "d.M.yyyy"}
    parsed = F.lit(None)
    for form, pattern in [*formats.items(), *formats.items(), *formats.items(), *formats.items()]:
        parsed = F.coalesce(parsed, F.when(column.rlike(form), F.try_to_timestamp(column, F.lit(pattern))))
    return parsed


def _of_windows(spark: Any, rows: Any) -> Any:
    part = Window.partitionBy((~F.col("g").isin("g1")).cast("int"), F.length("s") > 2)
    placed = rows.alias("r").withColumn(
        "n", F.row_number().over(part.orderBy(F.round(F.col("id") / 7, 1).desc(), "r.id"))
    )
    placed.select("id", "n", F.lag("id").over(Window.orderBy(F.col("r.i"), "id")).alias("k")).createOrReplaceTempView(
        "placed"
    )
    return spark.sql("select id, n, k from placed where n < 4")


def _merged(spark: Any, rows: Any) -> Any:
    text = rows.select("id", "g").where("id < 3")
    return text.unionByName(rows.select("id", F.lit("x").alias("more")).where("id > 37"), allowMissingColumns=True)


def _each(*statements: str) -> Make:
    """What comes of several statements."""

    def made(spark: Any, rows: Any) -> Any:
        frames = map(spark.sql, statements)
        return [(frame.schema.simpleString(), sorted(map(str, frame.collect()))) for frame in frames]

    return made


def _ordered(*statements: str) -> Make:
    """The rows of statements, in their order."""
    return lambda spark, rows: [[tuple(row) for row in spark.sql(one).collect()] for one in statements]


CASES: dict[str, Make] = {
    "columns as rows": lambda spark, rows: _melted(rows),
    "SQL columns as rows": sql(
        "select id, inline(array(struct('i' as k, i as v), struct('c' as k, case when i > 1 then 5 else 2 end as v), "
        "named_struct('k', 'n', 'v', coalesce(i, 0)))) from rows"
    ),
    "lists of structs of Python's rows": lambda spark, rows: _of_python(spark),
    "lists that are put together": select(
        a=lambda: F.concat("ar", F.array(F.lit(1.5), F.col("d"))),
        b=lambda: F.concat("ss", F.array(F.struct(F.lit(1).alias("x"), F.coalesce("g", F.lit("-")).alias("y")))),
        c=lambda: F.concat(F.array("g"), F.when(F.col("i") > 1, F.array("s"))),
        e=lambda: F.concat(F.array(), F.array("g")),
    ),
    "SQL lists that are put together": sql(
        "select id, concat(ar, array(1.5D)) a, concat(array(struct(i as x)), array(struct(1 as x))) b from rows"
    ),
    "lists of structs with nulls, in order": select(
        a=lambda: F.array_sort("ss"),
        b=lambda: F.sort_array("ss"),
        c=lambda: F.array_max("ss"),
        e=lambda: F.array_min("ss"),
        f=lambda: F.array_sort("ar"),
        g=lambda: F.array_max("ar"),
        h=lambda: F.array_sort(F.array("ar", F.array("i"), F.lit(None))),
    ),
    "SQL lists of structs with nulls, in order": sql(
        "select id, array_sort(ss) a, array_max(transform(ss, v -> named_struct('y', v.y, 'x', v.x))) b, "
        "array_min(ss) c, array_sort(ar, (v, w) -> case when v < w then 1 when v > w then -1 else 0 end) e from rows"
    ),
    "SQL largest structs with nulls": sql(
        "select g, max(struct(i, id)).id a, min(struct(d as x, i as y)).y b, max(named_struct('k', dt, 'v', l)).v c, "
        "max(st) is null e from rows where st.x is not null and st.y is not null group by g "
        "having max(struct(i, id)).id > 0"
    ),
    "values at places that are computed": select(
        a=lambda: F.col("ar")[F.size("ar") - 1],
        b=lambda: F.col("ar")[F.col("id") % 3],
        c=lambda: F.col("mp")[F.substring("s", 1, 1)],
        e=lambda: F.split("s", " ")[F.col("i") % 2],
        f=lambda: F.col("ss")[F.size("ss") - 1]["y"],
        g=lambda: F.transform("ar", lambda v: F.col("ar")[v]),
    ),
    "SQL values at places that are computed": sql(
        "select id, ar[size(ar) - 1] a, ar[id % 3] b, mp[left(s, 1)] c, split(s, ' ')[i % 2] e, ss[size(ss) - 1].y f, "
        "transform(ar, (v, at) -> ar[at]) g, ar[-1] h, mp['a'] j from rows"
    ),
    "SQL windows in functions": sql(
        f"select id, nvl(d, avg(d) {WINDOW}) a, nullif(i, lag(i) {WINDOW}) b, datediff(dt, lag(dt) {WINDOW}) c, "
        f"s || '-' || lag(s) {WINDOW} || g e, lag(g) {WINDOW} || '/' || g f, "
        f"substr(s, 1, cast(row_number() {WINDOW} as int)) h, "
        f"coalesce(i, last_value(i) ignore nulls {WINDOW}) j from rows where dt > '1900-01-01' and d > -1e9"
    ),
    "windows in expressions": lambda spark, rows: rows.where("d > -1e9").select(
        "id",
        F.nvl("d", F.avg("d").over(Window.partitionBy("g").orderBy("id"))).alias("a"),
        F.expr(f"datediff(dt, lag(dt) {WINDOW})").alias("b"),
        F.expr(f"date_sub(dt, cast(row_number() {WINDOW} as int))").alias("c"),
    ),
    "SQL filters of what a view makes": _each(
        "select id, v from rows lateral view explode(ar) t as v where v > 1 and id > 3",
        "select r.id, t.v, at from rows as r lateral view outer posexplode(ar) t as at, v where t.at = 0 and r.i > 0",
        "select key, count(*) n from rows lateral view explode(mp) t where value is not null group by key having n > 0",
        "select id, a, w from rows lateral view explode(ar) t a lateral view explode(mp) u as k, w where a <> w",
        "select q.id, v.x from (select id, ss from rows) q lateral view explode(ss) t as v where v.y = 'q' or q.id = 1",
        "select n from (select id, v n from rows lateral view explode(ar) t as v where v > 1) where id > 3",
    ),
    "SQL order by aggregates that are no columns": _ordered(
        "select g from rows where g is not null group by g order by sum(id) desc",
        "select g, count(*) n from rows group by g having count(*) > 1 order by max(id) desc limit 3",
        "select g, max(s) m from rows group by g order by max(id) - min(id) desc, max(i) limit 4",
        "with q as (select * from rows) select g as k, sum(id) from q group by g order by avg(id) nulls last",
    ),
    "SQL groups by a Python function": lambda spark, rows: _by_python(spark),
    "texts beside truth": select(
        a=lambda: F.col("s") == True,  # noqa: E712
        b=lambda: F.col("s") != False,  # noqa: E712
        c=lambda: F.col("b") == True,  # noqa: E712
        e=lambda: F.col("b").eqNullSafe(False),
    ),
    "SQL texts beside truth": sql(
        "select id, s = true a, false <> s b, b = true c, if(s = true and b = false, 1, 0) e, trim(s) <=> true f "
        "from rows where b = true or s = true or id < 20"
    ),
    "columns that one has, by a union": _merged,
    "hashes of texts": lambda spark, rows: rows.select(
        "id",
        F.sha2(F.concat_ws("|", F.coalesce(F.col("d").cast("string"), F.lit("~")), F.trim("s"), "ts", "d"), 256).alias(
            "h"
        ),
    ),
    "count of distinct values": lambda spark, rows: rows.where("d <> 0").agg(
        F.countDistinct("d").alias("a"), F.countDistinct("g", "i").alias("b"), F.countDistinct("s").alias("c")
    ),
    "SQL count of distinct values": sql(
        "select g, count(distinct d) a, count(distinct case when i > 0 then s end) b, count(distinct i, b) c from rows "
        "where d <> 0 group by g"
    ),
    "windows by conditions": select(
        a=lambda: F.row_number().over(
            Window.partitionBy((~F.col("s").endswith("a")).cast("int"), F.col("i") > 2).orderBy(
                F.col("s").startswith("b").cast("int").desc(), (F.length("s") > 2).desc(), "id"
            )
        ),
        b=lambda: F.sum((F.abs("i") > 1).cast("decimal(5,2)")).over(Window.partitionBy(F.length("s") > 1)),
        c=lambda: F.rank().over(Window.orderBy(F.when(F.length("g") > 0, "x").otherwise(F.col("i")), "id")) - 1,
    ),
    "windows by what is rounded": lambda spark, rows: rows.alias("r").select(
        "*",
        F.lag("id").over(Window.partitionBy(F.round(F.col("id") / 7, 1)).orderBy(F.round(F.col("r.id") / 3), "id")),
        F.ntile(3).over(Window.orderBy(F.round(rows.i / F.col("id"), 2).desc(), rows["id"])).alias("n"),
    ),
    "windows by what is rounded, kept": lambda spark, rows: (
        rows.select("id", "g", "i")
        .withColumn("n", F.row_number().over(Window.partitionBy(F.abs("i") > 2).orderBy(F.round("id", -1), "id")))
        .cache()
        .where("n < 4")
    ),
    "windows by elements": lambda spark, rows: rows.select(
        "id",
        F.row_number().over(Window.partitionBy(F.element_at(F.split("s", "-"), 1)).orderBy("id")).alias("n"),
        F.dense_rank().over(Window.orderBy(F.coalesce("i", F.lit(0.5)), F.greatest("i", F.lit(1.5)))).alias("m"),
    ),
    "filters with lambdas": lambda spark, rows: (
        rows.where(F.exists("ar", lambda x: x == 1) & (F.col("id") > 3))
        .where("size(filter(ss, e -> e.x is null)) >= 0")
        .withColumn("k", F.transform("ar", lambda x: x + 1))
        .select("id", "k")
    ),
    "filters of functions of times": lambda spark, rows: rows.where(
        F.hour(F.col("ts") - F.expr("interval 2 days")).isin(0, 2, 3, 23)
    ).select("id"),
    "views of filters with lambdas": _of_lambda,
    "views of windows by what is rounded": _of_windows,
    "SQL IN behind calls": sql(
        "select id, upper(s) not in ('A', 'TRUE') a, case when b then s else 'x' end not in ('x') b, length(s) in (1, "
        "2) c, dt + interval 1 month in ('2024-03-29', '2024-01-31') d, i & 1 in (1) e, i div 2 not in (1) f, "
        "position('a' in upper(s)) not in (1, 2) g, position('-' in format_string('%s-%s', g, i)) h, "
        "date '2024-02-29' = date '2024-03-05' k, '2024-02-29' < date '2024-03-05' l from rows where not s in ('a')"
    ),
    "SQL CASE of sums of decimals": sql(
        "select case when b then dec - dec else 0 end a, case when b then (dec + dec) else i end b, "
        "case when b then dec - 1.25 else l end c from rows"
    ),
    "parts of texts, in functions": select(
        a=lambda: F.regexp_extract(F.left("s", F.lit(3)), "([a-z]+)", 1),
        b=lambda: F.split(F.right("s", F.lit(3)), ","),
        c=lambda: F.hash(F.substring_index("s", ",", 1)),
        d=lambda: F.array(F.left("s", F.lit(2)), F.md5("s")),
        e=lambda: F.create_map(F.coalesce(F.left("s", F.lit(2)), F.lit("-")), F.lit(1)),
    ),
    "SQL parts of texts, in functions": sql(
        "select left(s, 2), substring_index(s, ',', 1), md5(s), split(substring_index(s, 'a', 1), ',') x, "
        "hash(right(s, 2)) y, left(s, i) z, array(left(upper(trim(s)), 2)) w from rows"
    ),
    **{
        f"{name} of two types": lambda spark, rows, name=name: getattr(
            rows.select(F.col("i").alias("a"), "dec", F.array("i").alias("c")), name
        )(rows.select(F.col("l").cast("double"), F.col("i"), F.array("l")))
        for name in ("intersect", "subtract", "exceptAll")
    },
    "difference of numbers and texts": lambda spark, rows: rows.select("i").subtract(rows.select("s")),
    "SQL sets": sql(
        "with a as (select i, g from rows) select i, g from a except select i + 1, g from a union select id, s "
        "from rows"
    ),
    "coalesces in one another": select(
        a=lambda: _first_of("s", "g", F.nullif("g", F.lit("g1")), "g", F.lit("-")),
        b=lambda: F.nvl(F.ifnull(F.coalesce(F.lit(None), "i"), F.col("l")), F.coalesce("id", F.lit(7))),
        c=lambda: _first_of("i", "d", "l", F.lit(0.5)),
        e=lambda: _first_of("dt", F.lit(None), "dt", F.current_date()),
        f=lambda: _of_formats(F.col("s")),
        h=lambda: F.to_date(_of_formats(F.concat("g", "s"))),
        j=lambda: _first_of(F.col("i").cast("string"), "s", "l", F.lit("n/a"), F.lit("-")),
        k=lambda: _first_of("ar", F.array("i"), F.array(F.lit(1)), F.array()),
        m=lambda: _first_of(F.rand(1) > 2, F.lit(None), F.col("b"), F.rand(2) > 2, "b"),
    ),
    "SQL coalesces in one another": sql(
        "select id, coalesce(nvl(ifnull(s, g), nullif(g, 'g1')), g, '-') a, nvl(coalesce(null, nvl(i, l)), id) b, "
        "coalesce(coalesce(coalesce(i, d), l), 1.5D) c, nvl(nvl(nvl(nvl(cast(s as date), dt), date(ts)), dt), null) e, "
        "coalesce(coalesce(coalesce(case when s rlike '^\\\\d{4}-' then try_to_timestamp(s, 'yyyy-MM-dd') end, "
        "try_to_timestamp(s, 'yyyy-MM-dd HH:mm:ss')), try_to_timestamp(s)), ts) f, "
        "nvl(nvl(nvl(i, 0), 1), 2) h, coalesce(coalesce(coalesce(i, s), l), 'x') j from rows "
        "where nvl(nvl(nvl(g, s), g), 'x') <> 'g2'"
    ),
    "columns in a loop": lambda spark, rows: _looped(rows, 14),
    "filters of columns with lambdas": _of_lambda_below,
    "base64 of long texts": select(
        a=lambda: F.base64(F.repeat("s", 20)),
        b=lambda: F.base64(F.repeat(F.lit("a"), 57)),
        c=lambda: F.unbase64(F.base64(F.repeat(F.lit("abc"), 58))),
        e=lambda: F.length(F.base64(F.repeat("g", 60))),
    ),
    "SQL base64 of long texts": sql("select base64(repeat(s, 9)) a, base64(cast(s as binary)) b, base64(g) from rows"),
    "initcap": lambda spark, rows: (
        rows.select("id", "g", "i", F.initcap(F.concat_ws("-x o'y ", "g", "s", "i")).alias("t"))
        .where(F.initcap("g") != "")
        .select("*", F.initcap("g"), F.initcap("i"))
    ),
    "SQL initcap": sql("select initcap(concat_ws(' ', g, 'ab_c')) k, count(*) n from rows group by 1"),
    "SQL windows by what is computed": sql(
        "select id, row_number() over (partition by round(id / 7.0D), date_format(dt, 'yyyy-MM') order by cast(i as "
        "string), coalesce(i, 0.5D), case when i > 1 then i else 0.5D end, id) r, rank() over (order by abs(i) * 2, "
        "to_date(concat('2024-01-0', i)), substring(s, -1, 1), i / id) k from rows"
    ),
}
REFUSED: dict[str, Make] = {
    "count of distinct zeros with a sign": lambda spark, rows: rows.agg(F.countDistinct("d"), F.countDistinct("i")),
    "SQL count of distinct zeros with a sign": sql("select count(distinct d) a, count(distinct s) b from rows"),
    "numbers beside truth": select(a=lambda: F.col("i") == True),  # noqa: E712
    "session_window": lambda spark, rows: rows.groupBy(F.session_window("ts", "10 minutes")).count(),
    "SQL initcap of a letter of two": sql("select id, initcap('\\u00dfa') a from rows"),
    "SQL INTERSECT of two types": sql("select i from rows intersect select l from rows"),
    "SQL EXCEPT of two types": sql("with a as (select i from rows) select dec from rows except select i from a"),
    "SQL windows by conditions": sql("select id, rank() over (order by length(s) > 1, id) r from rows"),
    "coalesces of times, numbers and texts in one another": select(a=lambda: _first_of("dt", "ts", "s", F.lit("-"))),
    "SQL coalesces of numbers and texts in one another": sql("select nvl(nvl(nvl(i, dec), s), 'x') a from rows"),
    "SQL filters of columns with lambdas": sql(
        "select count(*) n from (select id, transform(ar, x -> x + 1) t from rows) where size(t) > 1"
    ),
    "sums of decimals of 38 digits": lambda spark, rows: rows.select(
        (F.col("dec").cast("decimal(38,18)") + F.col("dec")).alias("a")
    ),
}
