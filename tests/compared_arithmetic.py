"""Cases of tests/compared.py: what is computed, rounded, put in order and named; numbers in JSON."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from tests.compared_expressions import Make, select, sql

JSON = "('{\"a\":1.50}'), ('{\"a\":100}'), ('{\"a\":-0.0001}'), ('{\"a\":1e3}'), ('{\"a\":12345678.5}'), (null)"
NULL_INSIDE = [Row(s=Row(a=None, b=1)), Row(s=Row(a=2, b=1)), Row(s=None)]

DOCUMENTS = (
    '{"a": {"b": 1, "c": [1, 2.50, {}]}, "b c": "x"}',
    '{"a":[1 , "\\u00e9\\/\\ud83d\\ude00"],"b c":12345678.9}',
    '{"a":"it\'s"}',
    '{"a":{"b":12345678.9,"c":0.0001,"d":-0,"e":52.520006599999997,"f":1e400,"g":12345678901234567890}}',
    '{"a":-0.0}',
    '{"a":1',
    '{"a":1,}',
    '{"a":1} x',
    '{"a":NaN}',
    '{"a":01}',
    '{"a":"x\ty"}',
    '{"a":"\\x"}',
    '{"a":[null],"b c":null}',
    '{"a":null,"a":{"c":1},"a":{"b":2}}',
    '{"a":{"b":1,"b":2}}',
    "[1, 2]",
    '"x"',
    " 1.50 ",
    "",
    "null",
    None,
    '{"A":1}',
    '{"a":["<\\u001f\\b\\f\\u007f\u2028😀"]}',
    '{"a":"1.50"}',
    '{"a":[1.0, 1E2]}',
    '{"a":{}}',
    "{'a':1}",
    "{'a':{'b':'x\"\\\\y'}, \"b c\":\"it\\'s\"}",
    "{'a':'\\'', 'b c':'\t'}",
    "{'a':'x",
    '{"a":[]}',
)


def grouped(text: str, path: str) -> str:
    """SQL that has the same call twice, of a text."""
    call = f"get_json_object(j, '{path}')"
    return f"select {call} a, count(*) n from values ('{text}') t(j) group by {call}"


def unnamed(*columns: object) -> Make:
    """Columns without an alias: their names count. Each is made on the engine."""
    return lambda spark, rows: rows.select("id", *(make() for make in columns))  # type: ignore[operator]


CASES: dict[str, Make] = {
    "differences": select(
        a=lambda: F.col("i") - F.col("l") % 1000,
        b=lambda: F.col("d") - F.col("i"),
        c=lambda: F.unix_timestamp("ts") - F.unix_timestamp("ts"),
        d=lambda: F.max("i").over(Window.partitionBy("g")) - F.col("i"),
        e=lambda: F.col("dec") - F.col("dec"),
        f=lambda: 7 - F.col("i"),
    ),
    "SQL differences": sql(
        "select g, max(l % 9) - min(l % 7) a, count(*) - count(s) b, sum(i % 9) - 3 c from rows group by g"
    ),
    "SQL differences beside windows": sql(
        "select id, i - lag(i) over (order by id) a, l % 9 - max(l % 9) over (partition by g) b, ar[0] - ar[1] c, "
        "size(ar) - size(ss) d, id - sum(id) over w - 1 e from rows window w as (partition by g order by id)"
    ),
    "SQL differences of filtered groups": sql("select g, count(*) - count(*) filter (where b) a from rows group by g"),
    "whole numbers beside columns": select(
        a=lambda: F.col("i") % 1000 * 2, b=lambda: F.col("d") * 2, c=lambda: F.col("l") % 10 + 1
    ),
    "rounding and signs": select(
        a=lambda: F.round(F.col("d") * 0.0, 2),
        b=lambda: F.round(-F.col("id") / 10),
        c=lambda: F.bround(-F.col("id") / 10),
        d=lambda: F.sign(F.col("d")),
        e=lambda: F.signum("i"),
        f=lambda: F.round("l", -2),
        g=lambda: F.round(F.col("id") * 1e17 / 3, 2),
    ),
    "SQL logarithm": sql("select id, log(i) > 5 b from rows where i > 1"),
    "SQL rounding and signs": sql(
        "select id, round(d * 0.0D, 1) a, sign(-d) b, round(-id / 10) c, bround(-id / 10, 0) e from rows"
    ),
    "large doubles to decimals": sql(
        "select cast(d as decimal(38,6)) a from values (1.2345678901234567e20D), (-1e16D), (9.007199254740993e15D), "
        "(1e30D), (123456789012345680D) t(d)"
    ),
    "SQL numbers in JSON": sql(f"select get_json_object(j, '$.a') a from values {JSON} t(j)"),
    "numbers in JSON": lambda spark, rows: spark.sql(f"select * from values {JSON} t(j)").select(
        F.get_json_object("j", "$.a").alias("a"), F.get_json_object("j", "$.a").cast("double").alias("b")
    ),
    "other values in JSON": sql(
        "select get_json_object(j, '$.a') a from values ('{\"a\":\"x\"}'), ('{\"a\":[1.5,2]}'), ('{\"a\":true}'), "
        '(\'{"b":1}\'), (\'{"a":{"b":"1.50"}}\'), (\'{"a":"1.5"}\') t(j)'
    ),
    "JSON written anew": lambda spark, rows: spark.createDataFrame([(one,) for one in DOCUMENTS], "j string").select(
        "j",
        F.get_json_object("j", "$.a").alias("a"),
        F.get_json_object("j", "$.a[0]").alias("b"),
        F.get_json_object("j", "$['a'].b").alias("c"),
        F.get_json_object("j", "$").alias("d"),
        F.json_tuple("j", "a", "b c", "a"),
    ),
    "SQL JSON written anew": lambda spark, rows: (
        spark.createDataFrame([(one,) for one in DOCUMENTS], "j string").createOrReplaceTempView("documents")
        or spark.sql(
            "select j, get_json_object(j, '$.a') a, upper(get_json_object(j, '$.a.b')) b, get_json_object(j, p) c, x, "
            "y from documents lateral view json_tuple(j, 'a', 'b c') t as x, y "
            "lateral view explode(array('$.a[1]', 'a', null)) q as p "
            "where get_json_object(j, '$[\\'a\\']') is not null"
        )
    ),
    "SQL groups by JSON": lambda spark, rows: spark.sql(
        f"select get_json_object(j, '$.a') a, count(*) n from values {JSON}, ('{{\"a\":\"x\"}}'), ('{{\"a\": null}}'), "
        "('{\"a\": [1,\"x\"]}') t(j) group by get_json_object(j, '$.a') having count(*) > 0"
    ),
    "texts of from_json with emoji": select(
        a=lambda: F.from_json(F.lit('{"a":["😀", "\\u001f"], "b":{"😀" : "é"}}'), "a string, b string")
    ),
    "to_json": select(
        a=lambda: F.to_json(F.struct("i", "s", "b", "dt", "l")), b=lambda: F.to_json("st"), c=lambda: F.to_json("ar")
    ),
    "order of nested columns": lambda spark, rows: rows.where("st.x > 0 and st.y is not null").orderBy("st", "id"),
    "names of casts": unnamed(
        lambda: F.upper(F.col("i").cast("string")),
        lambda: F.col("i").cast("string"),
        lambda: F.trim(F.upper(F.col("l").cast("string"))),
        lambda: F.col("i").cast("long") + 1,
        lambda: F.when(F.col("i") > 1, F.col("i").cast("string")).otherwise("b"),
        lambda: F.coalesce(F.col("dt").cast("string").cast("date"), F.lit(date(2024, 1, 1))),
        lambda: F.regexp_replace(F.col("i").cast("string"), "1", "2"),
        lambda: F.split(F.col("i").cast("string"), "1"),
        lambda: F.size(F.col("ar").cast("array<string>")),
        lambda: F.year(F.col("ts").cast("date")),
    ),
    "names of lambdas": unnamed(
        lambda: F.transform("ar", lambda v: v + 1),
        lambda: F.filter("ar", lambda v: v > 1),
        lambda: F.aggregate("ar", F.lit(0), lambda made, v: made + v),
        lambda: F.reduce("ar", F.lit(0), lambda made, v: made + v, lambda made: made * 2),
    ),
    "names of fields": lambda spark, rows: rows.alias("r").select(
        "id", F.col("st.x").cast("string"), F.col("r.i").cast("string"), F.col("r.st.x").cast("long"), F.round("r.d")
    ),
    "names of conditions": unnamed(
        lambda: F.col("i").cast("string").isNull(),
        lambda: F.col("i").cast("string").isin("1", "2"),
        lambda: F.col("i").cast("string").startswith("1"),
        lambda: F.col("i").cast("string") != "1",
        lambda: F.col("i").cast("string").eqNullSafe("1"),
        lambda: F.col("s").like("a%"),
        lambda: F.col("s").rlike("a"),
        lambda: F.sqrt(F.col("id").cast("double")),
    ),
    "names of windows": unnamed(
        lambda: F.row_number().over(Window.partitionBy("g", "b").orderBy(F.desc("id"))),
        lambda: F.rank().over(Window.orderBy("id")),
        lambda: F.ntile(2).over(Window.orderBy("id")),
        lambda: F.lag("i").over(Window.orderBy("id")),
        lambda: F.lead("i", 2, 0).over(Window.orderBy("id")),
        lambda: F.count("*").over(Window.partitionBy("g")),
        lambda: F.max("id").over(Window.partitionBy("g").orderBy("id")) - F.col("id"),
        lambda: F.sum("id").over(Window.orderBy("id").rowsBetween(-1, 1)),
        lambda: F.sum("id").over(Window.orderBy("id").rowsBetween(Window.unboundedPreceding, 0)),
        lambda: F.first("id").over(Window.partitionBy("g").orderBy("id").rangeBetween(-5, 0)),
    ),
    "names of aggregates": lambda spark, rows: rows.groupBy("g").agg(
        F.max(F.col("i").cast("string")),
        F.countDistinct(F.col("i").cast("string")),
        F.round(F.avg("i"), 2),
        F.first(F.col("g").cast("string")),
        F.round(F.sum(F.col("i").cast("double"))),
    ),
    "names of generators": lambda spark, rows: rows.select("id", F.explode(F.col("ar").cast("array<string>"))),
    "groups by casts": lambda spark, rows: rows.groupBy(F.upper(F.col("b").cast("string"))).count(),
    "replacements with groups": sql(
        "select regexp_replace(s, '([a-z])([0-9]*)', '$2b$1') a, regexp_replace(s, 'a', '$0b') b from rows"
    ),
    "fields of null structs": lambda spark, rows: spark.createDataFrame(
        [((1, ("x",)), [(2,), None]), (None, None), ((None, None), [])],
        "s struct<a:int,t:struct<u:string>>, l array<struct<b:int>>",
    ).selectExpr("s.a", "s.t.u", "s.t", "l.b", "l[1].b c"),
    "fields of null structs in maps": lambda spark, rows: spark.createDataFrame(
        [({"k": None, "l": (5,)},), (None,)], "m map<string,struct<x:int>>"
    ).selectExpr("m['k'].x", "m['l'].x y"),
    "fields of null structs of batches": lambda spark, rows: (
        rows.select("st")
        .mapInArrow(lambda batches: batches, "st struct<x:int,y:string>")
        .select("st.x", F.upper("st.y").alias("y"))
    ),
    "slices of batches": lambda spark, rows: (
        rows.select("ss", "st")
        .mapInArrow(
            lambda batches: (part for batch in batches for part in (batch.slice(0, 1), batch.slice(1))),
            "ss array<struct<x:int,y:string>>, st struct<x:int,y:string>",
        )
        .select("st.x", F.col("ss.y"), "ss")
    ),
    "divisions by a zero with a sign": select(
        a=lambda: F.col("i") / F.col("d"),
        b=lambda: 2.0 / F.col("d"),
        c=lambda: F.col("i") % (F.col("d") * -1.0),
        e=lambda: F.col("i") / F.round(F.lit(-0.001), 2),
    ),
    "SQL divisions by a zero with a sign": sql(
        "select i / d a, i % -d b, 1.5D / d / 2 c, (i + 1) / (d * 1) e, 6 / i f, i div 2 g, mod(i, d) h from rows"
    ),
    "a filter by a quotient": lambda spark, rows: rows.where(F.col("i") / F.col("d") > 1).select("id"),
    "SQL quotients of groups": sql("select g, sum(i) / sum(d) a, count(*) / count(d) b from rows group by g"),
    "names of literals before operators": unnamed(
        lambda: 2 * F.col("i"),
        lambda: 1 + F.col("i"),
        lambda: 1 - F.col("i"),
        lambda: F.lit(2) * F.col("i"),
        lambda: F.sum(2 * F.col("i")).over(Window.partitionBy("g")),
    ),
    "names of what arrays_zip makes of": lambda spark, rows: (
        rows.select(F.arrays_zip("ss.x", F.col("ss.y"), "ar").alias("z"))
        .select(F.explode("z").alias("z"))
        .select("z.*")
    ),
    "SQL frames of days": sql(
        "select id, count(*) over (order by dt range between interval 400 days preceding and current row) a, "
        "count(*) over (partition by g order by dt desc range between interval 2 months preceding and interval 1 month "
        "following) b, count(*) over w c, count(*) over (order by id range between 5 preceding and 5 following) e "
        "from rows window w as (order by ts range between interval 400 days preceding and current row)"
    ),
    "a view's being there": lambda spark, rows: spark.catalog.tableExists("rows"),
    "a table's being there": lambda spark, rows: spark.catalog.tableExists("nosuch.nosuch"),
    "SQL dates with blanks around": sql(
        "select cast(d as date) a, to_date(d) b from values (' 2024-01-05 '), ('2024-1-5 '), (' x'), "
        "('\\t2024-01-05T10:00Z\\n') t(d)"
    ),
    "SQL unpivot with nulls": sql("select id, n, v from rows unpivot include nulls (v for n in (s, g))"),
    "SQL texts with doubled quotes": sql(
        "select 'it''s' a, '''' b, \"x\"\"y\" c, 'a''b\\\\c' d, '' e, id from rows where s <> 'O''Neil' or s is null"
    ),
    "SQL texts with comments' signs": sql("select '--' a, '/*' c, cast(id as string) d from rows -- the end"),
}
REFUSED: dict[str, Make] = {
    "decimals beside whole numbers": select(a=lambda: F.col("dec") * 2),
    "a literal beside decimals": select(a=lambda: F.lit(2) + F.col("dec")),
    "decimals' rests": select(a=lambda: F.col("dec") % 3),
    "SQL decimals beside whole numbers": sql("select id, dec - 1 a from rows"),
    "SQL sums of decimals beside whole numbers": sql("select sum(dec) * 100 a from rows"),
    "SQL decimals' rests": sql("select id from rows where dec % 2 = 0"),
    "rounding of decimals": select(a=lambda: F.round("dec", 1)),
    "SQL rounding of decimals": sql("select bround(dec, 1) a from rows"),
    "SQL dates' difference behind HAVING": sql(
        "select g, max(i) a from rows group by g having max(dt) - min(dt) is not null order by a"
    ),
    "windows parted by zeros with a sign": select(a=lambda: F.count("*").over(Window.partitionBy("d"))),
    "windows in the order of zeros with a sign": select(a=lambda: F.rank().over(Window.orderBy("d"))),
    "SQL windows with a name": sql("select rank() over w a from rows window w as (partition by g order by id, d)"),
    "SQL frames of numbers over dates": sql("select count(*) over (order by dt range 7 preceding) a from rows"),
    "SQL arrays_zip of fields": sql("select arrays_zip(ss.x, ss.y) a from rows"),
    "dates' difference": select(a=lambda: F.col("dt") - F.col("dt")),
    "a literal's difference": select(a=lambda: F.col("dt") - F.lit(date(2024, 1, 1))),
    "SQL dates' difference": sql("select dt - date '2024-01-01' a from rows"),
    "SQL dates' difference over a window": sql("select max(dt) over (partition by g) - dt a from rows"),
    "SQL dates' difference to a window": sql("select dt - lag(dt) over (order by id) a from rows"),
    "dates' difference in groups": lambda spark, rows: rows.groupBy("g").agg((F.max("dt") - F.min("dt")).alias("a")),
    "division by nothing": select(a=lambda: F.col("i") / 0),
    "SQL rest of nothing": sql("select i % 0 a from rows"),
    "order of structs with nulls": lambda spark, rows: spark.createDataFrame(
        NULL_INSIDE, "s struct<a:int,b:int>"
    ).orderBy(F.desc("s")),
    "SQL order of structs": sql("select st from rows order by st"),
    "SQL replacements with backslashes": sql("select regexp_replace(s, 'a', 'x\\\\.') a from rows"),
    "replacements of columns": select(a=lambda: F.regexp_replace("s", F.lit("a"), F.concat(F.lit("$0"), "g"))),
    "SQL seconds with fractions": sql("select timestamp_seconds(1.5) a"),
    "SQL split by nothing": sql("select split(s, '') a from rows"),
    "duplicates of a statement with an order": lambda spark, rows: spark.sql(
        "select g, id from rows order by id"
    ).dropDuplicates(["g"]),
    "the catalog's databases": lambda spark, rows: len(spark.catalog.listDatabases()),
    "SQL show": sql("show tables"),
    "SQL unpivot": sql("select id, n, v from rows unpivot (v for n in (s, g))"),
    "JSON behind a byte order mark": select(a=lambda: F.get_json_object(F.lit('\ufeff{"a":1}'), "$.a")),
    "JSON and more": select(a=lambda: F.get_json_object(F.lit('"x" y'), "$")),
    "JSON with the smallest doubles": select(a=lambda: F.get_json_object(F.lit('{"a":5e-324}'), "$.a")),
    "half of a surrogate pair in JSON": select(a=lambda: F.get_json_object(F.lit('{"a":"\\ud800"}'), "$.a")),
    "paths with odd blanks": select(a=lambda: F.get_json_object(F.lit('{"a":1}'), "$. a")),
    "paths in JSON by *": sql("select get_json_object('{\"a\":[{\"b\":1}]}', p) a from values ('$.a[*].b') t(p)"),
    "half of a surrogate pair in json_tuple": select(a=lambda: F.json_tuple(F.lit('{"a":"\\ud800"}'), "a")),
    **{
        f"JSON twice in SQL: {text}": sql(grouped(text, path))
        for text, path in (
            ('{"a":{"b" : 1}}', "$.a"),
            ('{"a":["\\\\u00e9"]}', "$.a"),
            ('{"a":["😀"]}', "$.a"),
            ('{"a":[1.0]}', "$.a"),
            ('{"a":-0}', "$.a"),
            ('{"a":1,"a":2}', "$.a"),
            ('{"a":1', "$.a"),
            ('{"a":"x\ty"}', "$.a"),
            ("{\\'a\\':1}", "$.a"),
            ('{"a":[null]}', "$.a[0]"),
            ('{"a":"1.50"}', "$.a"),
        )
    },
    "to_json of decimals": select(a=lambda: F.to_json(F.struct("dec"))),
    "to_json of times": select(a=lambda: F.to_json(F.struct("ts"))),
    "to_json of small and large doubles": select(a=lambda: F.to_json(F.struct("d"))),
    "to_json of maps with nulls": select(a=lambda: F.to_json("mp")),
    "to_json of maps by dates": select(
        a=lambda: F.to_json(F.create_map(F.coalesce("dt", F.lit(date(2024, 1, 1))), "i"))
    ),
    "to_json of maps by structs": select(a=lambda: F.to_json(F.array(F.create_map(F.struct("i"), "i")))),
}
