"""Rows of CSV that Sail has read, as Spark would have read them: quotes, words for null, types of ``inferSchema``.

Sail takes a doubled quote for one and a backslash for itself; Spark takes a quote behind a backslash for one, and
leaves a text alone whose quotes are not as it wants them. What both agree on has a grammar, to which lines (with
multiLine, objects) are held before anything is read. Large objects in whose beginnings there is no quote are read
without quotes instead, and a row with a text that begins with one is refused as it comes: that takes no longer. What
values the texts are is told by :mod:`lakelet.etl.sail.csv_values`.

Source: Spark SQL Guide, "CSV Files"; what its reader does with quotes and backslashes was tried out, line by line, with
560,000 short ones of a small alphabet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.etl.sail.file_options import lowered, separator

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ALL_RECORDS = {"schemaInferMaxRecords": str(sys.maxsize)}  # Spark finds the types of CSV in all of them
_MANY_RECORDS = {"schemaInferMaxRecords": "100000"}  # a later value that is of another type makes Sail fail
_QUOTED = "CSV with quotes, backslashes or line breaks within quoted text (without escape='\"' and multiLine)"
_FINITE = "CSV with NaN or infinity in more than 64 MiB"
_NO_QUOTE = "\x7f"  # a sign that is in no text, for Sail wants one
_BLANK = r"^[\x00-\x0C\x0E-\x20]+\r?$"
_INT_END = 2**31
_SAMPLE = 1000  # values of a column that is text; when none of them is, all are looked at
_NUMBER = r"^\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?|NaN|[+-]?Inf(inity)?)\s*$"
_MOMENT = r"^\s*\d{4}-\d{1,2}(-\d{1,2})?([T ]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?)?\s*(Z|[+-]\d{1,2}(:?\d{2})?)?\s*$"
_WORD = r"(?i)^\s*(true|false)\s*$"


@dataclass(frozen=True)
class CsvRead:
    """How CSV is read: Spark's options of ``spark.read.csv``."""

    separator: str = ","
    quote: str = '"'
    comment: str = ""
    null: str = ""
    header: bool = False  # and its columns are called by it
    infers: bool = False
    doubled: bool = False  # quotes within quotes, instead of a backslash before them
    over_lines: bool = False
    fails: bool = False  # where a value is not of its column's type, instead of a null
    plain: bool = False  # without quotes

    @classmethod
    def taken(cls, options: dict[str, str], schema: T.StructType | None) -> CsvRead:
        """Take from the options of a read what Sail would not heed.

        Raises UnsupportedError for a word for null where types are to be inferred.
        """
        given = {name.lower(): str(value) for name, value in options.items()}
        flags = {name: word == "true" for name, word in lowered(options).items()}
        infers, null = flags.get("inferschema", False) and schema is None, given.get("nullvalue", "")
        for name in [one for one in options if one.lower() in ("escape", "nullvalue", "emptyvalue")]:
            del options[name]
        if null and infers:
            raise engine.refused(f"The option nullValue ({null!r}) of spark.read.csv with inferSchema")
        if infers:
            options.update(_MANY_RECORDS)
        quote, sep = given.get("quote", '"'), separator(given.get("sep", given.get("delimiter", ",")), "spark.read")
        escape, comment = given.get("escape", "\\"), given.get("comment", "")
        if escape not in (quote, "\\"):
            raise engine.refused(f"The option escape ({escape}) of spark.read.csv beside the quote {quote}")
        header, over_lines = flags.get("header", False) and schema is None, flags.get("multiline", False)
        fails = infers or given.get("mode", "").lower() == "failfast"
        return cls(sep, quote, comment, null, header, infers, escape == quote, over_lines, fails)

    def may_be_blank(self, columns: int) -> bool:
        """Whether a line of blanks may be a row, which Spark passes over."""
        return not self.over_lines and (columns == 1 or self.separator <= " ")

    def require_agreed(self, lines: DataFrame, *, blank: bool) -> None:
        """Refuse lines (a column ``value``) of which Spark makes other texts than Sail and, where lines may be
        ``blank``, no rows. All of them are read for it.

        Raises UnsupportedError, with the first such line.
        """
        value = F.col("value")
        odd = ~value.rlike(self.agreed())
        if self.comment:
            odd &= ~value.startswith(self.comment)
        if blank:
            odd |= value.rlike(_BLANK)
        if found := lines.where(odd).head():
            what = "CSV with a line of blanks" if blank and re.search(_BLANK, found[0]) else _QUOTED
            raise engine.refused(f"{what} (as in the line {found[0][:100]!r})")

    def require_agreed_over_lines(self, contents: Iterable[tuple[str, bytes]]) -> None:
        """Refuse objects, by their names, of which Spark makes other texts than Sail. Raises UnsupportedError."""
        import pyarrow as pa
        import pyarrow.compute as pc

        record = self._record(r"\r\n")
        whole = rf"\A(?:{record}\r?\n)*{record}\r?\z"
        for name, content in contents:
            if b"\r" in content and not content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n"):
                raise engine.refused(f"spark.read.csv of {name}, whose lines end in two ways, with multiLine")
            try:
                text = pa.array([content], pa.large_binary()).cast(pa.large_string())
            except pa.ArrowInvalid:
                raise engine.refused(f"spark.read.csv of {name}, which is not UTF-8, with multiLine") from None
            if not pc.match_substring_regex(text, whole)[0].as_py():
                raise engine.refused(f"{_QUOTED} (in {name})")

    def unquoted(self, options: dict[str, str]) -> CsvRead:
        """The same read without quotes, which a text may not begin with; Sail's options are changed."""
        for name in [one for one in options if one.lower() == "quote"]:
            del options[name]
        options["quote"] = _NO_QUOTE
        return replace(self, plain=True)

    def agreed(self) -> str:
        """The pattern of a line on which both agree. In a text that does not begin with a quote, quotes and backslashes
        are as any other sign; a quoted one ends with its quote, and has no backslash before a quote or a backslash."""
        return rf"^{self._record(chr(13))}\r?$"

    def _record(self, ends: str) -> str:
        """The pattern of a record; ``ends`` are signs that are in no text without quotes."""
        sep, quote, many = re.escape(self.separator), re.escape(self.quote), "+" if self.null else "*"
        inside = rf"[^{quote}\r]|{quote}{quote}" if self.doubled else rf"[^{quote}\\\r]|\\[^{quote}\\\r]"
        field = rf"(?:{quote}(?:{inside}){many}{quote}|(?:[^{quote}{sep}{ends}][^{sep}{ends}]*)?)"
        return f"{field}(?:{sep}{field})*"

    def without_quotes(self, rows: DataFrame) -> DataFrame:
        """Rows of which no text begins with a quote: one that does fails, whatever is asked of them."""
        texts = [F.col(quoted(name)).startswith(self.quote) for name, kind in rows.dtypes if kind == "string"]
        refused = F.raise_error(F.lit(engine.refusal(f"{_QUOTED}, behind the first MiB of an object")))
        if not texts:
            return rows
        met = reduce(or_, (F.coalesce(one, F.lit(False)) for one in texts))
        return rows.where(F.when(met, refused).otherwise(F.lit(True)))

    def rows(self, rows: DataFrame, columns: Sequence[str], *, finite: bool) -> DataFrame:
        """What Sail has read, as Spark reads it; ``columns`` are those of the objects, the others keys of partitions.
        With ``finite`` a double that is not is refused.
        """
        if self.header and self.null and self.null in columns:
            raise engine.refused(f"spark.read.csv of a column that is called as the nullValue ({self.null!r})")
        if self.header and "" in columns:
            rows = rows.toDF(*(name or f"_c{at}" for at, name in enumerate(rows.columns)))
            columns = [name or f"_c{at}" for at, name in enumerate(columns)]
        if self.infers:
            rows = _inferred(rows, columns)
        changed: dict[str, Column] = {}
        for name, kind in rows.select(*map(quoted, columns)).dtypes if self.null or finite else ():
            value = F.col(quoted(name))
            if kind == "string" and self.null:
                changed[name] = F.when(value != self.null, value)
            elif finite and kind in ("double", "float"):
                refused = F.raise_error(F.lit(engine.refusal(_FINITE)))
                changed[name] = F.when(value - value == 0, value).when(value.isNotNull(), refused)
        return rows.withColumns(changed) if changed else rows


def common(schemas: Sequence[T.StructType]) -> T.StructType:
    """The columns that Spark infers of several objects of CSV, by those of each. Raises UnsupportedError for other
    headers, which Spark takes for rows."""
    if len({tuple(one.names) for one in schemas}) > 1:
        raise engine.refused("spark.read.csv by inferSchema of objects whose headers differ")
    columns = zip(*(one.fields for one in schemas), strict=True)
    return T.StructType([T.StructField(fields[0].name, _wide({one.dataType for one in fields})) for fields in columns])


def _wide(kinds: set[T.DataType]) -> T.DataType:
    told = kinds - {T.NullType()}
    if len(told) < 2:
        return next(iter(told), T.NullType())
    if all(isinstance(kind, T.DateType | T.TimestampType | T.TimestampNTZType) for kind in told):
        return T.TimestampType()
    if all(isinstance(kind, T.IntegerType | T.LongType | T.DoubleType) for kind in told):
        return T.DoubleType() if T.DoubleType() in told else T.LongType()
    return T.StringType()


def _inferred(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Rows of the types that Spark infers: ints where all longs are, text where nothing is."""
    changed: dict[str, Column] = {}
    for field in rows.schema.fields:
        if isinstance(field.dataType, T.NullType):
            changed[field.name] = F.lit(None).cast("string")
    found = [field.name for field in rows.schema.fields if isinstance(field.dataType, T.LongType)]
    wide = [F.max(F.abs(F.col(quoted(name)).cast("double"))).alias(str(at)) for at, name in enumerate(found)]
    most = rows.agg(*wide).collect()[0] if found else ()
    fits = [name for name, value in zip(found, most, strict=True) if value is not None and value < _INT_END]
    changed |= {name: F.col(quoted(name)).cast("int") for name in fits}
    _require_texts(rows.select(*map(quoted, columns)))
    return rows.withColumns(changed) if changed else rows


def _require_texts(rows: DataFrame) -> None:
    """Refuse a column of text, all of whose values Spark takes for numbers, times or booleans: numbers with an exponent
    or blanks, times of several forms."""
    texts = [field.name for field in rows.schema.fields if isinstance(field.dataType, T.StringType)]
    for some in (rows.limit(_SAMPLE), rows):
        if texts:
            kinds = {form: [F.col(quoted(name)).rlike(form) for name in texts] for form in (_NUMBER, _MOMENT, _WORD)}
            asked = [F.bool_and(F.coalesce(one, F.lit(True))) for form in kinds.values() for one in form]
            asked += [F.count(F.col(quoted(name))) for name in texts]
            seen = some.agg(*(one.alias(str(at)) for at, one in enumerate(asked))).collect()[0]
            size = len(texts)
            texts = [
                name
                for at, name in enumerate(texts)
                if seen[3 * size + at] and any(seen[form * size + at] for form in range(len(kinds)))
            ]
    if texts:
        raise engine.refused(f"Reading {', '.join(texts)} by inferSchema, whose values Spark does not take for text,")
