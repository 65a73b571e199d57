"""Rows of CSV that Sail has read, as Spark would have read them: quotes, words for null, types of ``inferSchema``.

Sail takes a doubled quote for one and a backslash for itself; Spark takes a quote behind a backslash for one, and
leaves a text alone whose quotes are not as it wants them. The lines on which both agree have a grammar, and those of
objects that are not large are held to it before anything is read. Of large ones the values are looked at as they come.

Source: Spark SQL Guide, "CSV Files"; what its reader does with quotes and backslashes was tried out, line by line, with
560,000 short ones of a small alphabet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.paths import quoted
from etl.sail import engine
from etl.sail.file_options import lowered, separator

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ALL_RECORDS = {"schemaInferMaxRecords": str(sys.maxsize)}  # Spark finds the types of CSV in all of them
_MANY_RECORDS = {"schemaInferMaxRecords": "100000"}  # a later value that is of another type makes Sail fail
_QUOTED = "CSV with quotes, backslashes or line breaks within quoted text (without escape='\"' and multiLine)"
_NUMBERS = "CSV with a blank before a whole number, or with nan or inf, by a schema"
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
    header: bool = False
    infers: bool = False
    doubled: bool = False  # quotes within quotes, instead of a backslash before them
    over_lines: bool = False
    whole: tuple[bool, ...] = ()  # which columns are whole numbers, by a schema
    has_doubles: bool = False

    @classmethod
    def taken(cls, options: dict[str, str], schema: T.StructType | None) -> CsvRead:
        """Take from the options of a read what Sail would not heed.

        Raises UnsupportedError when a word for null stands among other things than text.
        """
        given = {name.lower(): str(value) for name, value in options.items()}
        flags = {name: word == "true" for name, word in lowered(options).items()}
        infers, null = flags.get("inferschema", False) and schema is None, given.get("nullvalue", "")
        for name in [one for one in options if one.lower() in ("escape", "nullvalue", "emptyvalue")]:
            del options[name]
        typed = schema is not None and any(not isinstance(field.dataType, T.StringType) for field in schema)
        if null and (infers or typed):
            raise engine.refused(f"The option nullValue ({null!r}) of spark.read.csv with columns that are not text")
        if infers:
            options.update(_MANY_RECORDS)
        quote, sep = given.get("quote", '"'), separator(given.get("sep", given.get("delimiter", ",")), "spark.read")
        doubled, comment = given.get("escape", "\\") == quote, given.get("comment", "")
        header, over_lines = flags.get("header", False), flags.get("multiline", False)
        kinds = [field.dataType for field in schema or ()]
        whole = tuple(isinstance(kind, T.IntegralType) for kind in kinds)
        doubles = any(isinstance(kind, T.FractionalType) for kind in kinds)
        return cls(sep, quote, comment, null, header, infers, doubled, over_lines, whole, doubles)

    def require_agreed(self, lines: DataFrame) -> None:
        """Refuse lines (a column ``value``) of which Spark makes other texts than Sail. All of them are read for it.

        Raises UnsupportedError, with the first such line.
        """
        value = F.col("value")
        odd = lines.where(reduce(or_, self._odd_numbers(value), ~value.rlike(self.agreed())))
        if self.comment:
            odd = odd.where(~value.startswith(self.comment))
        if found := odd.head():
            what = _QUOTED if re.search(self.agreed(), found[0]) is None else _NUMBERS
            raise engine.refused(f"{what} (as in the line {found[0][:100]!r})")

    def _odd_numbers(self, value: Column) -> Iterator[Column]:
        """Whether a line has what is no number by a schema on Spark, and one on Sail."""
        sep, field = re.escape(self.separator), self._field()
        begin, end = f"(?:^|{sep})", rf"(?:{sep}|\r?$)"
        if any(self.whole):
            as_many = f"^{field}(?:{sep}{field}){{{len(self.whole) - 1}}}{end}"
            right = f"^{sep.join(self._field(is_whole=whole) for whole in self.whole)}{end}"
            yield value.rlike(as_many) & ~value.rlike(right)
        if self.has_doubles:
            yield value.rlike(f"{begin} *(?:nan|NAN|naN|nAN|Nan|NAn|nAn|[+-]?(?:inf|INF|infinity|INFINITY)) *{end}")

    def agreed(self) -> str:
        """The pattern of a line on which both agree. In a text that does not begin with a quote, quotes and backslashes
        are as any other sign; a quoted one ends with its quote, and has no backslash before a quote or a backslash."""
        sep, field = re.escape(self.separator), self._field()
        return rf"^{field}(?:{sep}{field})*\r?$"

    def _field(self, *, is_whole: bool = False) -> str:
        """The pattern of a field; of one that is a whole number, if it is one on both."""
        sep, quote, many = re.escape(self.separator), re.escape(self.quote), "+" if self.null else "*"
        inside = rf"[^{quote}\r]|{quote}{quote}" if self.doubled else rf"[^{quote}\\\r]|\\[^{quote}\\\r]"
        bare = rf"(?:[^{quote}{sep}\r][^{sep}\r]*)?"
        if is_whole:
            bare = rf"(?:[^{quote}{sep}\r ][^{sep}\r]*)?| +(?:[^{sep}\r \d+-][^{sep}\r]*)?"
        return rf"(?:{quote}(?:{inside}){many}{quote}|{bare})"

    def rows(self, rows: DataFrame, agreed: bool) -> DataFrame:
        """What Sail has read, as Spark reads it; ``agreed``: its lines were looked at."""
        if self.header and "" in rows.columns:
            rows = rows.toDF(*(name or f"_c{at}" for at, name in enumerate(rows.columns)))
        if self.infers:
            rows = _inferred(rows)
        texts = {name: F.col(quoted(name)) for name, kind in rows.dtypes if kind == "string"}
        if not agreed:
            checked = {name: self._checked(value, self._nulled(value)) for name, value in texts.items()}
        else:
            checked = {name: self._nulled(value) for name, value in texts.items()} if self.null else {}
        return rows.withColumns(checked) if checked else rows

    def _nulled(self, value: Column) -> Column:
        return F.when(value != self.null, value) if self.null else value

    def _checked(self, value: Column, told: Column) -> Column:
        """A text, if Spark reads it so: what it looks like is all that is known of its line."""
        wrong = []
        if not self.doubled:
            odd = value.contains("\\\\") | value.endswith("\\") | value.contains(self.separator) | value.contains("\n")
            wrong = [value.contains(self.quote), value.contains("\\") & odd]
        if not self.over_lines:
            wrong.append(value.contains("\n"))
        for one in wrong:
            told = F.when(one, F.raise_error(F.lit(engine.refusal(_QUOTED)))).otherwise(told)
        return told


def _inferred(rows: DataFrame) -> DataFrame:
    """Rows of the types that Spark infers: ints where all longs are, timestamps with a zone, text where nothing is."""
    changed: dict[str, Column] = {}
    for field in rows.schema.fields:
        value = F.col(quoted(field.name))
        if isinstance(field.dataType, T.TimestampNTZType):
            changed[field.name] = value.cast("timestamp")
        elif isinstance(field.dataType, T.NullType):
            changed[field.name] = F.lit(None).cast("string")
    found = [field.name for field in rows.schema.fields if isinstance(field.dataType, T.LongType)]
    wide = [F.max(F.abs(F.col(quoted(name)).cast("double"))).alias(str(at)) for at, name in enumerate(found)]
    most = rows.agg(*wide).collect()[0] if found else ()
    fits = [name for name, value in zip(found, most, strict=True) if value is not None and value < _INT_END]
    changed |= {name: F.col(quoted(name)).cast("int") for name in fits}
    _require_texts(rows)
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
