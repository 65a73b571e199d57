"""``from_json`` of columns on Sail, by Python: Sail's own cuts numbers that do not fit, and makes records of what is no
JSON. Spark reads broken JSON as far as it is whole, and so what does not fit inside of arrays and maps: that is refused
when it is met. (Spark SQL Guide, "JSON Files", mode PERMISSIVE.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import types as T

from lakelet.etl.json_text import fitted, loaded
from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_SPACE = "".join(map(chr, range(33)))  # to Java
_LEAVES = (
    T.StringType, T.BooleanType, T.ByteType, T.ShortType, T.IntegerType, T.LongType, T.FloatType, T.DoubleType,
    T.DecimalType, T.DateType, T.TimestampType,
)  # fmt: skip
# Dates and times in JSON that both take alike.
_PLAIN: Mapping[type[T.DataType], re.Pattern[str]] = {
    T.DateType: re.compile(r"\d{4}-\d{2}-\d{2}"),
    T.TimestampType: re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?"),
}


def install(workspace: Workspace) -> None:
    """Stand before the function, by both of the names that pyspark has it by."""
    from pyspark.sql import functions as F
    from pyspark.sql.connect import functions
    from pyspark.sql.connect.functions import builtin

    def from_json(col: Any, schema: Any, options: Mapping[str, str] | None = None) -> Any:
        if isinstance(schema, str):
            schema = T.DataType.fromDDL(schema)
        if not isinstance(schema, T.DataType):
            raise engine.refused("from_json with a schema that is a column")
        if options:
            raise engine.refused(f"from_json with options ({', '.join(options)})")
        _require_known(schema)
        read = F.udf(FromJson(schema), schema, useArrow=False)(col)
        return read.alias("entries") if isinstance(schema, T.MapType) else read  # as Spark calls it

    for owner in (functions, builtin):
        engine.replace(owner, "from_json", from_json)


def _require_known(kind: T.DataType) -> None:
    if isinstance(kind, T.StructType):
        for field in kind.fields:
            _require_known(field.dataType)
    elif isinstance(kind, T.ArrayType):
        _require_known(kind.elementType)
    elif isinstance(kind, T.MapType) and isinstance(kind.keyType, T.StringType):
        _require_known(kind.valueType)
    elif type(kind) not in _LEAVES:
        raise engine.refused(f"from_json with the type {kind.simpleString()}")


@dataclass(frozen=True)
class FromJson:
    """What the Python workers run: a value of a type of a text."""

    __name__ = "from_json"  # and so is the column called
    _lakelet_exact = True  # its values are of its type (etl.sail.udf_results)
    kind: T.DataType

    def __call__(self, text: str | None) -> Any:
        if text is None or not (bare := text.strip(_SPACE)):
            return None
        try:
            value = loaded(bare)
        except ValueError:
            if bare[0] in "{[":
                raise _refused("broken JSON") from None
            value = bare
        if isinstance(self.kind, T.StructType):
            return _fields(value, self.kind)
        if isinstance(value, dict) is isinstance(self.kind, T.MapType) and isinstance(value, dict | list):
            return _whole(value, self.kind)
        if isinstance(value, dict):
            raise _refused("an object for an array")
        return None


def _fields(value: Any, kind: T.StructType) -> tuple[Any, ...]:
    """Each field that fits, null for the others."""
    found = value if isinstance(value, dict) else {}
    return tuple(_field(found.get(field.name), field.dataType) for field in kind.fields)


def _field(value: Any, kind: T.DataType) -> Any:
    if isinstance(kind, T.StructType):
        return _fields(value, kind) if isinstance(value, dict) else None
    if isinstance(kind, T.ArrayType | T.MapType):
        return _whole(value, kind) if isinstance(value, dict | list) else None
    try:
        return _leaf(value, kind)
    except ValueError:
        return None


def _whole(value: Any, kind: T.DataType) -> Any:
    """A value of which everything has to fit."""
    if value is None:
        return None
    if isinstance(kind, T.ArrayType) and isinstance(value, list):
        return [_whole(one, kind.elementType) for one in value]
    if isinstance(kind, T.MapType) and isinstance(value, dict):
        return {name: _whole(one, kind.valueType) for name, one in value.items()}
    if isinstance(kind, T.StructType) and isinstance(value, dict):
        return tuple(_whole(value.get(field.name), field.dataType) for field in kind.fields)
    try:
        return _leaf(value, kind)
    except ValueError as error:
        raise _refused(str(error)) from None


def _leaf(value: Any, kind: T.DataType) -> Any:
    plain = _PLAIN.get(type(kind))
    if plain and value is not None and not (isinstance(value, str) and plain.fullmatch(value)):
        raise _refused(f"{value!r} for a {kind.simpleString()}")
    return fitted(value, kind)


def _refused(what: str) -> Exception:
    return engine.refused(f"from_json of such a text ({what})")
