"""Cases of tests/compared.py: times and their texts by patterns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pyspark.sql import functions as F

from tests.compared_expressions import Make, select, sql

TEXTS = (
    "2024-01-05", "2024-1-5", "05-01-2024", "5-1-2024", "01/05/2024", "1/5/2024", "12/31/2023", "31/12/2023",
    "20240105", "240105", "2024-01-05 10:11:12", "2024-01-05 10:11:12.5", "2024-01-05 10:11:12.123456",
    "2024-01-05T10:11:12", "2024-01-05T10:11:12Z", "2024-01-05T10:11:12+02:00", "2024-01-05T10:11:12+0200",
    "2024-01-05T10:11:12.123Z", "2024-01-05 22:11:12", "2024-01-05 12:00:00", "2024-01-05 00:30:00",
    "01/05/2024 10:11 AM", "01/05/2024 10:11 PM", "01/05/2024 12:11 am", "1/5/2024 9:05 pm", "01/05/2024 22:11",
    "1/5/2024 9:05", "Jan 5, 2024", "January 5, 2024", "05-Jan-2024", "05-JAN-2024", "5-jan-24",
    "Fri Jan 05 10:11:12 2024", "Fri, 05 Jan 2024 10:11:12 GMT", "05/Jan/2024:10:11:12 +0000", "20240105101112",
    "2024-01", "01-2024", "2024", "10:11:12", "10:11", "2024-02-30", "2024-13-01", " 2024-01-05", "2024-01-05 ",
    "2024-01-05x", "", "x", None, "2024-01-05 24:00:00", "2024-01-05 10:60:00", "2024/01/05", "2024.01.05",
    "05.01.2024", "05.01.24", "24-01-05", "0024-01-05", "12024-01-05", "+2024-01-05", "-2024-01-05", "1704449472",
    "2024-005", "2024-W01-5", "2024Q1", "05-01-2024 10:11:12", "05-01-2024 12:59:00", "Friday 5 January 2024",
    "Fri 5 Jan 2024", "fri 5 JANUARY 2024", "5 May 2024", "5JAN2024", "5January2024",
    "2024-01-05 10:11:12 Europe/Paris", "2024-01-05 10:11:12 CET", "2024-01-05 10:11:12 GMT",
    "2024-01-05 10:11:12 +01:00", "2024-01-05 10:11:12 GMT+2", "2024-01-05 00:11:12 PM", "2024-01-05 12:11:12 PM",
    "2024-01-05 12:11:12 AM", "1969-12-31 23:59:59.5", "1582-10-04", "0001-01-01", "9999-12-31", "2024-01-05 1:2:3",
    "2024-01-05 10:11:12.12", "2024-01-05 10:11:12.1234567", "2024-01-05 10:11:12,123", "20240105T101112Z",
    "2024-01-05T10:11", "2024-01-05T10:11:12.123+01:00", "2024-1-5 9:05:06 PM", "5/1/24", "Sept 5, 2024",
    "Mar 5, 2024 1:02 PM", "2024-01-05 10:11:12 AM", "2024-01-05 10:11:12 UTC", "2024-01-05 10:11:12 PST",
    "2024-01-05 10:11:12 America/New_York",
)  # fmt: skip
READ = (
    "yyyy-MM-dd", "yyyy-M-d", "dd-MM-yyyy", "d-M-yyyy", "MM/dd/yyyy", "M/d/yyyy", "dd/MM/yyyy", "d/M/yyyy",
    "yyyyMMdd", "yyMMdd", "MM/dd/yy", "M/d/yy", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.S",
    "yyyy-MM-dd HH:mm:ss.SSS", "yyyy-MM-dd HH:mm:ss.SSSSSS", "yyyy-MM-dd HH:mm:ss[.SSS]", "yyyy-MM-dd'T'HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ssX", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ssZ",
    "yyyy-MM-dd'T'HH:mm:ss.SSSX", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd hh:mm:ss", "yyyy-MM-dd hh:mm:ss a",
    "MM/dd/yyyy hh:mm a", "M/d/yyyy h:mm a", "MM/dd/yyyy HH:mm", "M/d/yyyy H:mm", "M/d/yyyy h:mm", "MMM d, yyyy",
    "MMMM d, yyyy", "MMM dd, yyyy", "dd-MMM-yyyy", "d-MMM-yy", "dd/MMM/yyyy:HH:mm:ss Z", "yyyyMMddHHmmss", "yyyy-MM",
    "MM-yyyy", "yyyy", "HH:mm:ss", "HH:mm", "yyyy/MM/dd", "yyyy.MM.dd", "dd.MM.yyyy", "dd.MM.yy", "yy-MM-dd",
    "yyyy-DDD", "yyyy-MM-dd kk:mm:ss", "yyyy-MM-dd KK:mm:ss", "y-M-d", "yyyy-dd-MM", "dd-MM-yyyy hh:mm:ss",
    "MM/dd/yyyy'x'", "", "yyyy-mm-dd", "yyyy-MM-dd HH:MM:SS", "yyyy-MM-dd G", "yyyy-MM-dd HH", "yyyyMM", "d MMM yyyy",
    "d MMMM yyyy", "d LLL yyyy", "dMMMyyyy", "dMMMMyyyy", "yyyy-MM-dd KK:mm:ss a", "yyyy-MM-dd HH:mm:ss.SS",
    "yyyy-MM-dd HH:mm:ss,SSS", "yyyyMMdd'T'HHmmssX", "yyyyMMdd'T'HHmmss'Z'", "yyyy-MM-dd'T'HH:mm",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "yyyy-M-d h:mm:ss a", "d/M/yy", "MMM d, yyyy h:mm a", "yyyy-MM-dd H:m:s",
    "yyyy-MM-dd h:m:s", "yyyy-MM-dd HH:mm:ss.SSSSSSS", "[yyyy-MM-dd][dd-MM-yyyy]", "yyyy-MM-dd[ HH:mm:ss]",
    "yyyy MM dd", "yyyy-MM-dd'T'HH:mm:ss.SSS+0000", "'x'yyyy", "yyyy-MM-dd ''HH", "d", "MMM yyyy", "MMM-yy",
)  # fmt: skip
WRITTEN = (
    "EEE MMM dd HH:mm:ss yyyy", "yyyy'Q'Q", "EEEE d MMMM yyyy", "EEE, dd MMM yyyy HH:mm:ss z",
    "yyyy-MM-dd HH:mm:ss z", "yyyy-MM-dd HH:mm:ss VV", "yyyy-MM-dd HH:mm:ss O",
)  # fmt: skip
FORM = "yyyy-MM-dd HH:mm:ss"
READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "to_timestamp": F.to_timestamp,
    "to_date": F.to_date,
    "unix_timestamp": F.unix_timestamp,
    "to_unix_timestamp": lambda v, form: F.to_unix_timestamp(v, F.lit(form)),
    "try_to_timestamp": lambda v, form: F.try_to_timestamp(v, F.lit(form)),
    "try_to_date": F.try_to_date,
    "to_timestamp_ltz": lambda v, form: F.to_timestamp_ltz(v, F.lit(form)),
    "to_timestamp_ntz": lambda v, form: F.to_timestamp_ntz(v, F.lit(form)),
}


def _texts(spark: Any) -> Any:
    return spark.createDataFrame(list(enumerate(TEXTS)), "id int, s string")


def _read(name: str, spark: Any, rows: Any) -> Any:
    """Every text by every pattern; as text, for Python has no years beyond 9999."""
    made = (READERS[name]("s", form).cast("string").alias(f"p{at}") for at, form in enumerate(READ))
    return _texts(spark).select("id", *made)


def _read_in_sql(name: str, spark: Any, rows: Any) -> Any:
    _texts(spark).createOrReplaceTempView("texts_of_times")
    forms = (form.replace("'", "\\'") for form in READ)
    made = ", ".join(f"cast({name}(s, '{form}') as string) p{at}" for at, form in enumerate(forms))
    return spark.sql(f"select id, {made} from texts_of_times")


def _of_times(name: str, spark: Any, rows: Any) -> Any:
    """What is no text: a date or a time is one, whatever the pattern is."""
    values = {
        "a": F.col("dt"),
        "b": F.col("ts"),
        "c": F.current_date(),
        "e": F.lit(None),
        "f": F.lit("x"),
        "h": F.lit(""),
    }
    return rows.select("id", *(READERS[name](one, FORM).cast("string").alias(key) for key, one in values.items()))


UNITS = (
    "year", "YEAR", "yyyy", "yy", "quarter", "q", "month", "mon", "MM", "week", "w", "day", "dd", "d", "hour", "hh",
    "minute", "second", "millisecond", "microsecond", "century", "x", "",
)  # fmt: skip


CASES: dict[str, Make] = {
    "begins of units": lambda spark, rows: rows.where("ts > '1900-01-01'").select(
        "id",
        *(F.date_trunc(unit, "ts").alias(f"a{at}") for at, unit in enumerate(UNITS)),
        *(F.date_trunc(unit, F.col("dt")).alias(f"b{at}") for at, unit in enumerate(UNITS)),
        *(F.trunc("dt", unit).alias(f"c{at}") for at, unit in enumerate(UNITS)),
        *(F.trunc(F.lit("2024-05-06"), unit).alias(f"d{at}") for at, unit in enumerate(UNITS)),
    ),
    "SQL begins of units": sql(
        "select id, date_trunc('week', dt) a, trunc(dt, 'DAY') b, "
        "trunc('2024-05-06', 'mon') c, date_trunc('HOUR', ts) d, trunc(dt, 'hour') e from rows where ts > '1900-01-01'"
    ),
    "dates of parts": select(
        a=lambda: F.make_date(F.lit(2024), F.col("id"), F.lit(31)),
        b=lambda: F.make_date(F.col("id") * 11 + 4, F.lit(2), F.lit(29)),
        c=lambda: F.make_date(F.lit(2023), F.lit(2), F.col("id") - 3),
        d=lambda: F.make_date(F.col("id") * 100 + 1000, "id", "id"),
        e=lambda: F.make_date(F.lit("2024"), F.lit("1"), F.lit(5)),
    ),
    "SQL dates of parts": sql("select make_date(2024, i, 1) a, make_date(year(dt), month(dt), 30) b from rows"),
    "powers of zero": select(
        a=lambda: F.pow("id", F.lit(-1)),
        b=lambda: F.pow(F.lit(0), F.col("i")),
        c=lambda: F.power(F.col("d"), 0.5),
        d=lambda: F.col("i") ** 2,
        e=lambda: F.pow(F.lit("2"), F.lit(3)),
    ),
    "SQL powers of zero": sql("select pow(id, -1) a, power(0, -1) b, power(dec, 2) c, power(i, 0.5) d from rows"),
    **{f"patterns of times by {name}": partial(_read, name) for name in READERS},
    **{f"patterns of times by {name} in SQL": partial(_read_in_sql, name) for name in ("to_timestamp", "to_date")},
    **{f"times by {name}": partial(_of_times, name) for name in READERS},
    "patterns of times, written": lambda spark, rows: rows.where("ts > '1900-01-01'").select(
        "id",
        *(F.date_format("ts", form).alias(f"t{at}") for at, form in enumerate((*READ, *WRITTEN))),
        *(F.from_unixtime(F.col("id") * 87_654_321, form).alias(f"u{at}") for at, form in enumerate((*READ, *WRITTEN))),
    ),
    "numbers as dates": select(
        a=lambda: F.to_date(F.lit(20240131), "yyyyMMdd"), b=lambda: F.to_date("id"), c=lambda: F.to_date("d")
    ),
    "SQL numbers as dates": sql(
        "select to_date(20240131, 'yyyyMMdd') a, to_date(i) b, to_date(cast(20230000 + id as string), 'yyyyMMdd') c, "
        "unix_timestamp(ts, 'x') e, "
        "to_timestamp(date_format(ts, 'dd-MM-yyyy hh:mm:ss'), 'dd-MM-yyyy hh:mm:ss') f from rows"
    ),
}
REFUSED: dict[str, Make] = {
    "SQL numbers by leading zeros": sql("select try_to_number(cast(i as string), '000') a from rows"),
    "names of zones in texts": lambda spark, rows: _texts(spark).select(F.to_timestamp("s", f"{FORM} z")),
    "patterns of times in a column": lambda spark, rows: _texts(spark).selectExpr(
        "to_timestamp(s, if(id > 3, 'yyyy-MM-dd hh:mm:ss', 'yyyy'))"
    ),
}
