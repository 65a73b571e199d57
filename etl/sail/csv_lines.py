"""CSV on Sail as Spark writes it: each row as a line of text, made by expressions of Sail's own.

Sail's writer of CSV has no word for an empty text (``""``), escapes quotes in another way, and knows few of Spark's
options. Its writer of text knows no header: that comes afterwards (:mod:`lakelet.etl.sail.staged`).

Source: Spark SQL Guide, "CSV Files"; what its writer does with each option was tried out
(tests/stack/test_engines_compared_files.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.etl.sail.expressions import own_call, own_cast
from lakelet.etl.sail.file_options import separator

if TYPE_CHECKING:
    from pyspark.sql import Column

VALUE = "value"
_BLANKS = "".join(map(chr, range(0x21)))  # what Spark takes off at the ends of a text
_TIMES: dict[type[T.DataType], tuple[str, str]] = {
    T.TimestampType: ("timestampformat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"),
    T.TimestampNTZType: ("timestampntzformat", "yyyy-MM-dd'T'HH:mm:ss.SSS"),
    T.DateType: ("dateformat", "yyyy-MM-dd"),
}
_SIMPLE = T.NumericType | T.BooleanType | T.StringType | T.DateType | T.TimestampType | T.TimestampNTZType


@dataclass(frozen=True)
class CsvForm:
    """How lines of CSV are written: Spark's options of ``df.write.csv``."""

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    escape_of_escape: str = "\\"
    comment: str = "#"
    null: str = ""
    empty: str = '""'
    header: bool = False
    quote_all: bool = False
    escape_quotes: bool = True
    trim_left: bool = True
    trim_right: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> CsvForm:
        """The form that options ask for. Raises UnsupportedError for separators and signs of several characters."""
        given = {name.lower(): value for name, value in options.items()}

        def flag(name: str, default: bool) -> bool:
            return str(given.get(name, default)).lower() == "true"

        def sign(name: str, default: str) -> str:
            value = str(given.get(name, default)) or "\0"
            if len(value) != 1:
                raise engine.refused(f"The option {name} ({value}) of df.write.csv")
            return value

        quote, escape = sign("quote", '"'), sign("escape", "\\")
        return cls(
            separator(str(given.get("sep", given.get("delimiter", ","))), "df.write"),
            quote,
            escape,
            sign("chartoescapequoteescaping", escape) if escape != quote else "",
            sign("comment", "#"),
            str(given.get("nullvalue", "")),
            str(given.get("emptyvalue", '""')),
            flag("header", False),
            flag("quoteall", False),
            flag("escapequotes", True),
            flag("ignoreleadingwhitespace", True),
            flag("ignoretrailingwhitespace", True),
        )

    def line(self, schema: T.StructType, names: list[str], options: Mapping[str, Any]) -> Column:
        """The line of each row, of those columns."""
        given = {name.lower(): str(value) for name, value in options.items()}
        kinds = {field.name: field.dataType for field in schema.fields}
        fields = [self._field(_text(name, kinds[name], given), kinds[name], not at) for at, name in enumerate(names)]
        return own_call("concat_ws", F.lit(self.separator), *fields)

    def head(self, names: list[str]) -> str:
        """The line of the columns' names; none without a header."""
        if not self.header or not names:
            return ""
        return self.separator.join(self._word(name, not at) for at, name in enumerate(names)) + "\n"

    def _field(self, text: Column, kind: T.DataType, is_first: bool) -> Column:
        null, empty = F.lit(self._given(self.null, is_first)), F.lit(self._given(self.empty, is_first))
        if not isinstance(kind, T.StringType | T.DateType | T.TimestampType | T.TimestampNTZType):
            told = self._around(text) if self.quote_all else text
            if self.separator.isalnum() or self.separator in "+-.":
                told = F.when(text.contains(self.separator), self._around(text)).otherwise(text)
            return own_call("coalesce", told, null)
        left = F.ltrim(text, F.lit(_BLANKS)) if self.trim_left else text
        cut = F.rtrim(left, F.lit(_BLANKS)) if self.trim_right else left
        inside = F.replace(cut, F.lit(self.quote), F.lit(self.escape + self.quote))
        if self.escape_of_escape:
            inside = F.replace(cut, F.lit(self.escape), F.lit(self.escape_of_escape + self.escape))
            inside = F.replace(inside, F.lit(self.quote), F.lit(self.escape + self.quote))
        wanted = left.contains(self.separator) | left.contains("\n") | left.contains("\r")  # at its end, too
        wanted = wanted | (left.contains(self.quote) if self.escape_quotes else left.startswith(self.quote))
        if is_first:
            wanted = wanted | text.startswith(self.comment)
        around = self._around(inside)
        told = around if self.quote_all else F.when(wanted, around).otherwise(cut)
        return F.when(text.isNull(), null).when(cut == "", empty).otherwise(told)

    def _around(self, text: Column) -> Column:
        return own_call("concat", F.lit(self.quote), text, F.lit(self.quote))

    def _given(self, word: str, is_first: bool) -> str:
        """The word for what is null or empty, which may have its quotes already."""
        bare = len(word) > 1 and word[0] == word[-1] == self.quote
        return word if bare else self._word(word, is_first)

    def _word(self, word: str, is_first: bool) -> str:
        left = word.lstrip(_BLANKS) if self.trim_left else word
        cut = left.rstrip(_BLANKS) if self.trim_right else left
        quotes = self.quote in left if self.escape_quotes else left.startswith(self.quote)
        wanted = self.quote_all or quotes or any(one in left for one in (self.separator, "\n", "\r"))
        if not (wanted or (is_first and word.startswith(self.comment))):
            return cut
        if self.escape_of_escape:
            cut = cut.replace(self.escape, self.escape_of_escape + self.escape)
        return f"{self.quote}{cut.replace(self.quote, self.escape + self.quote)}{self.quote}"


def require_simple(schema: T.StructType) -> None:
    """Refuse columns that CSV has no form for. Raises AnalysisException, as Spark does, and UnsupportedError."""
    from pyspark.errors import AnalysisException

    for field in schema.fields:
        if isinstance(field.dataType, T.StructType | T.ArrayType | T.MapType | T.NullType):
            raise AnalysisException(
                f"[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The CSV datasource doesn't support the column "
                f"`{field.name}` of the type {field.dataType.simpleString().upper()}."
            )
        if not isinstance(field.dataType, _SIMPLE):
            raise engine.refused(f"Writing {field.dataType.simpleString()} ({field.name}) as csv")


def time_text(value: Column, kind: T.DataType, given: Mapping[str, str]) -> Column:
    """A date or time as Spark writes it as text; ``given`` are the write's options, their names in lower case."""
    option, pattern = _TIMES[type(kind)]
    if isinstance(kind, T.DateType) and option not in given:
        return value.cast("string")
    return F.date_format(value, given.get(option, pattern))


def number_text(value: Column, kind: T.DataType) -> Column:
    """A number or boolean as Java writes it. Most are written so by Sail's own cast too, which takes less time."""
    if not isinstance(kind, T.DoubleType | T.FloatType):
        return value.cast("string")
    size = F.abs(value)
    return F.when((size >= 1e-3) & (size < 1e7), own_cast(value, "string")).otherwise(value.cast("string"))


def _text(name: str, kind: T.DataType, given: Mapping[str, str]) -> Column:
    value = F.col(quoted(name))
    if isinstance(kind, T.StringType):
        return value
    if type(kind) in _TIMES:
        return time_text(value, kind, given)
    return number_text(value, kind)
