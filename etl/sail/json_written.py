"""JSON on Sail as Spark writes it: where Sail's writer of JSON would write something else, each row is made a line of
text by expressions of Sail's own. For NaN and Infinity that writer has null, it leaves out nulls with their keys in
maps, writes times to the microsecond inside structs, and knows none of Spark's options.

Source: Spark SQL Guide, "JSON Files"; what its writer does with each option was tried out
(tests/stack/test_engines_compared_files.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.etl.sail.csv_lines import number_text, time_text
from lakelet.etl.sail.expressions import own_call
from lakelet.etl.sail.file_options import lowered

if TYPE_CHECKING:
    from pyspark.sql import Column

_TIMES = T.TimestampType | T.TimestampNTZType
_FLOATS = T.DoubleType | T.FloatType
_PLAIN = T.IntegralType | T.BooleanType | T.DecimalType | T.StringType | T.DateType | T.NullType
_PLAIN_SCALE = 6  # of decimals that Java writes without an exponent
_ESCAPED = r'["\\\x00-\x1f]'


@dataclass(frozen=True)
class JsonForm:
    """How JSON is written: Spark's options of ``df.write.json`` and ``to_json``, their names in lower case."""

    options: Mapping[str, str] = field(default_factory=dict)
    nulls: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> JsonForm:
        """The form that options ask for."""
        told = {name.lower(): str(value) for name, value in options.items()}
        return cls(told, lowered(options).get("ignorenullfields", "true") == "false")

    def differs(self, schema: T.StructType) -> bool:
        """Whether Sail's own writer would write rows of that schema in another way."""
        formats = ("dateformat", "timestampformat", "timestampntzformat")
        kinds = [one.dataType for one in schema.fields]
        return self.nulls or any(name in self.options for name in formats) or not all(map(_is_plain, kinds))

    def line(self, schema: T.StructType, names: list[str]) -> Column:
        """The line of each row, of those columns. Raises UnsupportedError for a type that JSON has no form for."""
        kinds = {one.name: one.dataType for one in schema.fields}
        return self._object([(name, F.col(quoted(name)), kinds[name]) for name in names])

    def _object(self, members: list[tuple[str, Column, T.DataType]]) -> Column:
        fields = []
        for name, value, kind in members:
            told = self.text(value, kind)
            told = own_call("coalesce", told, F.lit("null")) if self.nulls else told
            fields.append(
                own_call("concat", F.lit(json.dumps(name, ensure_ascii=False) + ":"), told)
            )  # null where it is null
        return own_call("concat", F.lit("{"), own_call("concat_ws", F.lit(","), *fields), F.lit("}"))

    def text(self, value: Column, kind: T.DataType) -> Column:
        """A value as text of JSON; null where it is null."""
        if isinstance(kind, T.StructType):
            inside = self._object([(f.name, value.getField(f.name), f.dataType) for f in kind.fields])
            return F.when(value.isNotNull(), inside)
        if isinstance(kind, T.ArrayType):
            element = kind.elementType
            return self._list("[", F.transform(value, lambda one: self._member(one, element)), "]", value)
        if isinstance(kind, T.MapType):
            held = kind.valueType
            if not _is_key(kind.keyType):
                raise engine.otherwise(f"JSON of maps by {kind.keyType.simpleString()}", "a key is Java's name of it")
            pairs = F.transform(
                F.map_entries(value),
                lambda one: own_call(
                    "concat", _quoted(one["key"].cast("string")), F.lit(":"), self._member(one["value"], held)
                ),
            )
            return self._list("{", pairs, "}", value)
        if isinstance(kind, T.StringType):
            return _quoted(value)
        if isinstance(kind, _TIMES | T.DateType):
            return _around(time_text(value, kind, self.options))
        if isinstance(kind, T.BinaryType):
            return _around(F.base64(value))
        if isinstance(kind, _FLOATS):
            infinite = F.when(value > 0, F.lit('"Infinity"')).otherwise(F.lit('"-Infinity"'))
            told = F.when(F.abs(value) == float("inf"), infinite).otherwise(number_text(value, kind))
            return F.when(F.isnan(value), F.lit('"NaN"')).otherwise(told)
        if not isinstance(kind, _PLAIN):
            raise engine.refused(f"Writing {kind.simpleString()} as json")
        return value.cast("string")

    def _member(self, value: Column, kind: T.DataType) -> Column:
        return own_call("coalesce", self.text(value, kind), F.lit("null"))

    @staticmethod
    def _list(opening: str, texts: Column, closing: str, value: Column) -> Column:
        inside = own_call("concat", F.lit(opening), own_call("concat_ws", F.lit(","), texts), F.lit(closing))
        return F.when(value.isNotNull(), inside)


def _is_plain(kind: T.DataType) -> bool:
    """Whether Sail's own writer writes a column of that type as Spark does."""
    return isinstance(kind, _PLAIN) or (isinstance(kind, T.ArrayType) and isinstance(kind.elementType, _PLAIN))


def _is_key(kind: T.DataType) -> bool:
    """Whether Spark writes a map's key of that type as its text: of dates and times it is a number, and a decimal that
    may have more than six zeros has an exponent."""
    if isinstance(kind, T.DecimalType):
        return kind.scale <= _PLAIN_SCALE
    return isinstance(kind, T.StringType | T.IntegralType | T.BooleanType | _FLOATS)


def _quoted(text: Column) -> Column:
    member = own_call("to_json", F.struct(text.alias("a")))  # {"a":"…"}
    escaped = F.substring(member, F.lit(6), F.length(member) - 6)
    return F.when(text.rlike(_ESCAPED), escaped).otherwise(_around(text))


def _around(text: Column) -> Column:
    return own_call("concat", F.lit('"'), text, F.lit('"'))
