"""Cases of tests/compared.py: values that are texts without a cast, and texts beside dates."""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from tests.compared_expressions import Make, select, sql

# Functions of text: an argument is put where they take one.
OF_TEXT = (
    "upper({0})", "lcase({0})", "trim({0})", "ltrim({0})", "btrim({0})", "length({0})", "substring({0}, 1, 16)",
    "substr({0}, -5)", "substring({0}, -30, 14)", "substring({0} from 2 for 9)", "left({0}, 10)", "right({0}, id % 9)",
    "lpad({0}, 30, 'x')", "rpad({0}, 30, '-')", "regexp_replace({0}, '[-E]', '')",
    r"regexp_extract({0}, '(\\d+)[ E]', 1)", "translate({0}, '-: ', '')", "substring_index({0}, ' ', 1)",
    "locate(':', {0})", "instr({0}, 'E')", "replace({0}, '-')", "split({0}, '[ E]')", "split_part({0}, ' ', 1)",
    "repeat({0}, 2)", "concat({0}, '|', {0})", "concat_ws(',', {0}, 'a')", "'a' || {0} || 'b'",
    "startswith({0}, '2024-03-10 ')", "endswith({0}, 'E')", "contains({0}, ' ')", "encode({0}, 'utf-8')",
    "overlay({0}, 'x', 2)", "levenshtein({0}, 'a')", "elt(1, {0}, s)", "array({0}, 'a')", "coalesce({0}, 'a')",
    "nvl({0}, 'a')", "if(b, {0}, 'a')", "case when b then {0} when id > 9 then 'a' end",
    "case id when 1 then {0} else 'a' end", "upper(concat(trim({0}), lower({0})))",
)  # fmt: skip
VALUES = {
    "times": "ts", "doubles": "d", "floats": "cast(d as float)", "products": "(d * 1e3)", "dates": "dt", "numbers": "i",
    "decimals": "dec", "texts": "s",
}  # fmt: skip
# Functions of dates, and literals that are dates to one engine alone.
OF_DATES = (
    "year({0})", "month({0})", "day({0})", "dayofmonth({0})", "dayofweek({0})", "dayofyear({0})", "weekofyear({0})",
    "quarter({0})", "last_day({0})", "next_day({0}, 'MON')", "add_months({0}, 1)", "date_add({0}, 1)",
    "date_sub({0}, id)", "datediff({0}, dt)", "datediff('2024-03-05', {0})", "date_format({0}, 'yyyyMMdd')",
)  # fmt: skip
DAYS = (
    "'20240305'", "' 2024-03-05'", "'2024-3-5'", "'2024'", "'2024-03'", "'2024-03-05T10:00:00'", "'2024-03-05 10:00'",
    "'2024-03-05x'", "''", "'x'", "'2024-13-05'", "'2024-02-30'", "dt", "ts", "s", "trim(s)", "cast(dt as string)",
)  # fmt: skip
COMPARED = (
    "dt = '20240305'", "'20240305' <= dt", "dt <> '18991231'", "dt <=> '20240305'", "rows.dt > '19700101'",
    "s = '20240305'", "l < '00000042'", "dt in ('2024-02-29', '19700101')", "dt in ('1970-01-01')",
    "dt not in ('2024-2-29')", "i in ('7', '-1')", "i in ('07', '0')", "d in ('0.0', '1.5')", "d in ('1.0E16', '-0.0')",
    "dec in ('1.25', '0.0')", "ts in ('2024-03-10 00:00:00')", "s in ('42', 'true')", "s not in ('0', '')",
    "st.y in ('q')", "not g in ('g1') and s in ('0') or dt in ('1970-01-01')",
)  # fmt: skip


def told(forms: tuple[str, ...], value: str) -> Make:
    items = [f"{form.format(value)} a{at}" for at, form in enumerate(forms)]
    return sql(f"select id, {', '.join(items)} from rows")


def in_columns(value: str) -> Make:
    return select(
        a=lambda: F.substring(value, 1, 16),
        b=lambda: F.upper(value),
        c=lambda: F.lpad(F.col(value), 30, "0"),
        d=lambda: F.regexp_replace(F.trim(value), " ", "T"),
        e=lambda: F.split(value, " ")[0],
        f=lambda: F.col(value).startswith("2024"),
        g=lambda: F.col(value).like("%E%"),
        h=lambda: F.col(value).rlike(r"\d E?"),
        i=lambda: F.concat(value, F.lit("-"), "i"),
        j=lambda: F.coalesce(value, F.lit("none")),
        k=lambda: F.when(F.col("b"), F.col(value)).otherwise("none"),
        l=lambda: F.when(F.col("b"), F.when(F.col("id") > 9, F.col(value)).otherwise(F.col(value))).otherwise("none"),
        m=lambda: F.array(F.lit("x"), value),
        n=lambda: F.transform(F.array(value), F.lower),
        o=lambda: F.upper(F.lag(value).over(Window.orderBy("id"))),
        p=lambda: F.upper(F.expr(value)),
        q=lambda: F.col(value).substr(F.lit(-4), F.lit(3)),
        r=lambda: F.udf(lambda one: one, "string")(F.substring(value, 1, 4)),
        s=lambda: F.lower(F.udf(lambda one: one, "string")(F.trim(value))),
    )


def names(spark: Any, rows: Any) -> Any:
    return rows.select(
        *(F.upper("s"), F.trim("s", F.lit("a")), F.rtrim("s", F.lit("a")), F.lpad("i", 5, "0"), F.split("s", ",")),
        *(F.col("s").like("a%"), F.coalesce("s", F.lit("x")), F.array("s", "g"), F.concat("s", F.lit("x"))),
        *(F.upper(F.expr("d * 1")), F.expr("upper( s )"), F.expr("left(s,2)"), F.expr("UPPER(concat(s,g))")),
        *(F.year("dt"), F.datediff("dt", F.lit("20240305")), F.col("dt") == "20240305", F.col("s").isin("a")),
    ).limit(0)


CASES: dict[str, Make] = {
    **{f"SQL texts of {name}": told(OF_TEXT, value) for name, value in VALUES.items()},
    **{f"texts of {name} in columns": in_columns(value) for name, value in VALUES.items() if len(value) < 4},
    **{f"dates of {value}": told(OF_DATES, value) for value in DAYS},
    "SQL texts of windows": sql(
        "select id, upper(max(d) over (partition by g)) a, left(min(ts) over (order by id), 13) c from rows"
    ),
    "the months of texts": sql("select id, trunc(ts, 'month') a, trunc('20240305', 'year') c from rows where id > 9"),
    "SQL texts beside dates and numbers": told(COMPARED, ""),
    "texts beside dates and numbers": select(
        a=lambda: F.col("dt") == "20240305",
        b=lambda: F.col("dt").between("19000101", "2024-03-05"),
        c=lambda: F.col("dt").isin("2024-02-29", "19700101"),
        d=lambda: F.col("dt").isin("1970-01-01"),
        e=lambda: ~F.col("i").isin("7", "-1"),
        f=lambda: F.col("d").isin("0.0", "1.0E16"),
        g=lambda: F.col("dec").isin("1.25", "0.0"),
        h=lambda: F.col("s").isin("0", "42"),
        i=lambda: F.col("i").isin("07"),
        j=lambda: F.col("dt").eqNullSafe("20240305"),
        k=lambda: F.year("s"),
        l=lambda: F.date_add(F.lit("20240305"), 1),
    ),
    "names of texts": names,
    "texts in filters": lambda spark, rows: rows.where(
        F.upper("d").contains("E") | F.col("s").isin("42", "0") | (F.col("dt") == "19700101")
    ).where("substring(ts, 12, 1) <> 'T' and (s in ('42', '0') or dt not in ('19700101'))"),
    "texts in groups": lambda spark, rows: (
        rows.groupBy(F.substring("ts", 1, 4), F.upper("g")).agg(F.count("*"), F.lower(F.max("d")))
    ).orderBy(F.substring("ts", 1, 4), F.upper("g")),
    "SQL texts in groups": sql(
        "select substring(ts, 1, 4), upper(g), count(*), lower(max(d)) m from rows group by substring(ts, 1, 4), "
        "upper(g) having upper(g) in ('G1') order by upper(g), 1"
    ),
    "SQL texts in joins": sql(
        "select a.id, b.id j from rows a join rows b on upper(a.d) = upper(b.d) and a.g in ('g1') "
        "where year(a.dt) = year(b.dt)"
    ),
}
REFUSED: dict[str, Make] = {
    "SQL doubles beside a column": sql("select coalesce(d, s) a from rows"),
    "doubles beside a column": select(a=lambda: F.coalesce("d", "s")),
    "doubles beside a column in a CASE": select(a=lambda: F.when(F.col("b"), F.col("s")).otherwise(F.col("d"))),
    "SQL doubles beside a column in a CASE": sql("select if(b, d, s) a from rows"),
    "times in an array with a column": select(a=lambda: F.array("ts", "s")),
    "SQL doubles among columns": sql("select concat(d, s) a from rows"),
    "a part of a binary value": select(a=lambda: F.lpad(F.encode("s", "utf-8"), 3, "x")),
}
