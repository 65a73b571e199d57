"""Values of CSV that Sail has read as texts, by Java's rules, as Spark reads them: Sail has others.

Source: Spark SQL Guide, "CSV Files"; what its reader takes for a value was tried out, with thousands of texts by type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.etl.sail.expressions import own_call, own_cast

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lakelet.etl.sail.csv_rows import CsvRead

_DIGITS = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TIMES = (T.TimestampType, T.TimestampNTZType)
# The texts that are values of a type, those that are none being null, but for doubtful ones. A timestamp is what a cast
# makes of any text.
_FORMS: dict[type[T.DataType], str] = {
    **dict.fromkeys((T.ByteType, T.ShortType, T.IntegerType, T.LongType), r"\A[+-]?[0-9]+\z"),
    **dict.fromkeys((T.DoubleType, T.FloatType), rf"\A *[+-]?{_DIGITS} *\z"),
    T.DecimalType: rf"\A[+-]?{_DIGITS}\z",
    T.DateType: r"\A *[+-]?[0-9]{4,7}(?:-[0-9]{1,2}(?:-[0-9]{1,2}(?:[T ].*)?)?)? *\z",
    T.TimestampType: "",
    T.TimestampNTZType: r"\A[^:]*(?::[0-9:.]*)?\s*\z",  # without a zone
    T.BooleanType: r"(?i)\A(?:true|false)\z",
}
# What is a time to Spark, and null by a cast: a zone behind a day by this word, and a year beyond Sail's.
ODD_TIMES: dict[type[T.DataType], str] = {
    T.TimestampType: "GMT",
    T.DateType: r"GMT|\A\s*[+-]?[0-9]{6,7}(?:[^0-9]|\z)",
}
_ZONE = r"[A-Za-z]{3}"  # Sail knows no summer time after 2099
# Digits beyond ASCII, and Java's other ways to write a double.
_DOUBTFUL = r"[^\x00-\x7F]|[\x00-\x1F]|0[xX]|[0-9.][dDfF] *\z|[+-]NaN| (?:NaN|[+-]?Infinity)|(?:NaN|Infinity) "
_WORDS = {"NaN": "NaN", "Inf": "Infinity", "Infinity": "Infinity", "+Infinity": "Infinity", "-Inf": "-Infinity",
          "-Infinity": "-Infinity"}  # fmt: skip


def by_text(fields: Iterable[T.StructField], csv: CsvRead, *, doubles: bool) -> dict[str, T.DataType]:
    """The columns that have to be read as texts, and the types of their values. Of doubles there are many in a row, and
    Sail reads them but for those that are not finite: they are among them if ``doubles``, or if a word is null.

    Raises UnsupportedError for a column of another type that would have to be.
    """
    found: dict[str, T.DataType] = {}
    for field in fields:
        kind = field.dataType
        if csv.infers and isinstance(kind, T.TimestampNTZType):
            found[field.name] = T.TimestampType()  # which Spark infers
        elif type(kind) in _FORMS and (doubles or csv.null or not isinstance(kind, T.DoubleType | T.FloatType)):
            found[field.name] = kind
        elif csv.null and not isinstance(kind, T.StringType):
            named = f"{field.name}, a column of {kind.simpleString()}"
            raise engine.refused(f"The option nullValue ({csv.null!r}) of spark.read.csv with {named}")
    return found


def valued(rows: DataFrame, kinds: Mapping[str, T.DataType], csv: CsvRead) -> DataFrame:
    """Rows whose columns of these types are texts so far, as Java reads them: what is none of a type is null, or it is
    refused where Spark fails."""
    changed = {name: _valued(F.col(quoted(name)), kind, csv) for name, kind in kinds.items()}
    return rows.withColumns(changed) if changed else rows


def java_value(text: Column, kind: T.DataType) -> Column:
    """The value of a type that Java's readers make of a text; null for what is none."""
    named, form = kind.simpleString(), _FORMS[type(kind)]
    exact = isinstance(kind, T.DecimalType | T.DateType)  # a cast is Spark's by its rule
    value = text.try_cast(named) if exact else own_cast(text, named, "try")
    if isinstance(kind, T.TimestampType):
        late = (value > F.lit("2099-12-30").cast("timestamp")) & text.rlike(_ZONE)
        value = F.when(late, F.raise_error(F.lit(engine.refusal("A text with a zone's time after 2099")))).otherwise(
            value
        )
    return F.when(text.rlike(form), value) if form else value


def _valued(text: Column, kind: T.DataType, csv: CsvRead) -> Column:
    if not isinstance(kind, T.IntegralType):
        return _looked_at(text, kind, csv)
    # Of a whole number that is written as Sail itself writes it there is no doubt, and no pattern is asked.
    own = own_cast(text, kind.simpleString(), "try")
    plain = own_cast(own, "string") == text
    if csv.null:
        plain &= text != csv.null
    return F.when(plain, own).otherwise(_looked_at(text, kind, csv))


def _looked_at(text: Column, kind: T.DataType, csv: CsvRead) -> Column:
    named = kind.simpleString()
    read = own_call("replace", text, F.lit(","), F.lit("")) if isinstance(kind, T.DecimalType) else text
    told = java_value(read, kind)
    if isinstance(kind, T.DoubleType | T.FloatType):
        for word, meant in _WORDS.items():
            told = told.when(text == word, F.lit(meant).cast(named))
    refused = F.raise_error(F.lit(engine.refusal(f"CSV with a value that may be no {named}")))
    if csv.null:
        told = F.when(text != csv.null, told)
    if csv.fails:
        return F.when(told.isNull() & (text != csv.null), refused).otherwise(told)
    if odd := ODD_TIMES.get(type(kind)):
        told = F.when(told.isNull() & (text != csv.null) & text.rlike(odd), refused).otherwise(told)
    if isinstance(kind, (*_TIMES, T.BooleanType)):
        return told
    return F.when((text != csv.null) & text.rlike(_DOUBTFUL), refused).otherwise(told)
