"""JSON lines as Spark reads them: the type that it finds in them, and what Sail would read otherwise by a schema.

All lines are looked through before they are read. Source: Spark SQL Guide, "JSON Files"; what Spark makes of odd lines
was tried out (tests/stack/test_engines_compared_files.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.choices import is_choice
from etl.json_batches import discovered
from etl.paths import quoted
from etl.sail import engine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_SCALE = 18  # of decimals that are read with one digit more: before it there is room for all longs
CORRUPT = "_corrupt_record"  # the column that Spark keeps for lines that are no records
_LONG = T.LongType | T.IntegerType | T.ShortType | T.ByteType
_FLOATS = T.DoubleType | T.FloatType
_ZERO = r"[:\[,]\s*-0\s*[,}\]]"  # with a sign: to Spark a whole number, which has none
_LARGE = r"[:\[,]\s*-?(?:\d{20,}|[\d.]+[eE]\+?\d\d)"


def json_kind(lines: DataFrame) -> T.StructType:
    """The type that Spark finds in JSON lines: fields by their names, text where nothing has a type. All lines are read
    once for it.

    Raises UnsupportedError where Spark has text of what differs from line to line, and for lines that are no records.
    """
    found = discovered(lines, F.col("value"))
    kind = _widest(found.kind, "")
    if not found.whole or not isinstance(found.kind, T.StructType):
        raise engine.refused("spark.read.json of lines of which some are no records")
    if not isinstance(kind, T.StructType):
        if found.kind.fields:
            raise engine.refused("spark.read.json of records without any value")
        return found.kind
    _require_no_corrupt(kind.names)
    if has(kind, T.DoubleType):
        named = "a whole number that no long holds, or of -0, beside doubles"
        _require_none(lines, f"{_BEYOND_LONG}|{_ZERO}", named)
    return kind


def in_order(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    """Rows with the columns of the data in their order; a key of partitions that is none of them comes behind."""
    wanted = [*names, *(name for name in rows.columns if name not in names)]
    return rows if rows.columns == wanted else rows.select(*map(quoted, wanted))


def _require_no_corrupt(names: Iterable[str]) -> None:
    if CORRUPT in names:
        raise engine.refused(
            f"spark.read.json with a field {CORRUPT}, in which Spark tells of lines that are no records,"
        )


def _beyond(most: str) -> str:
    """The pattern of whole numbers that are more than this one."""
    more = [f"{most[:at]}[{int(one) + 1}-9]\\d{{{len(most) - at - 1}}}" for at, one in enumerate(most) if one != "9"]
    return rf"[:\[,]\s*-?(?:\d{{{len(most) + 1},}}|{'|'.join(more)})\s*[,}}\]]"


_BEYOND_LONG = _beyond(str(2**63 - 1))


def has(kind: T.DataType, sought: Any) -> bool:
    """Whether a type is one of those, or has one inside."""
    if isinstance(kind, T.StructType):
        return any(has(field.dataType, sought) for field in kind.fields)
    if isinstance(kind, T.MapType):
        return has(kind.valueType, sought)
    return has(kind.elementType, sought) if isinstance(kind, T.ArrayType) else isinstance(kind, sought)


def _widest(kind: T.DataType, name: str) -> T.DataType | None:
    """The type that Spark finds; None for structs without fields, which it drops, and fields without a name with it."""
    if is_choice(kind) and isinstance(kind, T.StructType):
        if all(isinstance(field.dataType, T.LongType | T.DoubleType) for field in kind.fields):
            return T.DoubleType()
        raise engine.refused(f"spark.read.json of a field of several types ({name})")
    if isinstance(kind, T.StructType):
        told = ((f.name, _widest(f.dataType, f"{name}.{f.name}".lstrip("."))) for f in kind.fields if f.name)
        fields = sorted((T.StructField(one, wide) for one, wide in told if wide), key=lambda field: field.name)
        if len({field.name.lower() for field in fields}) < len(fields):
            inside = f" inside of {name}" if name else ""
            raise engine.refused(f"spark.read.json of fields{inside} that differ by case alone")
        return T.StructType(fields) if fields else None
    if isinstance(kind, T.ArrayType):
        element = _widest(kind.elementType, f"{name}[]")
        return T.ArrayType(element) if element else None
    return T.StringType() if isinstance(kind, T.NullType) else kind


def require_fit(lines: DataFrame, schema: T.StructType) -> dict[str, T.DataType]:
    """Refuse JSON lines that Sail reads by a schema otherwise than Spark: it makes 2 of the text "2" and of 2.7, and a
    date of the number 2, where Spark has null. All lines are read once for it. Returned are the columns of text that
    hold whole numbers or booleans alone, and which: Sail's reader fails of them.

    Raises UnsupportedError.
    """
    _require_no_corrupt(schema.names)
    found = discovered(lines, F.col("value"))
    held = {f.name: f.dataType for f in found.kind.fields} if isinstance(found.kind, T.StructType) else {}
    texts = (field.name for field in schema.fields if isinstance(field.dataType, T.StringType))
    simple = {name: held[name] for name in texts if isinstance(held.get(name), T.LongType | T.BooleanType)}
    told = T.StructType([T.StructField(f.name, simple.get(f.name, f.dataType)) for f in schema.fields])
    odd = _misfit(found.kind, told, "") or ("" if found.whole else "there are lines that are no records")
    if odd:
        raise engine.refused(f"spark.read.json with a schema that does not fit ({odd})")
    if has(found.kind, T.LongType) and (simple or has(schema, _FLOATS)):
        _require_none(lines, _ZERO, "-0 with a schema that has text or doubles")
    if has(found.kind, T.DoubleType) and has(schema, T.DecimalType):
        _require_none(lines, _LARGE, "a large number with a schema that has decimals")
    return simple


def _require_none(lines: DataFrame, form: str, named: str) -> None:
    if odd := lines.where(F.col("value").rlike(form)).head():
        raise engine.refused(f"spark.read.json of {named} (as in {odd[0][:100]!r})")


def _misfit(found: T.DataType, wanted: T.DataType, name: str) -> str:
    """The first field whose values Sail would take for what they are not, and what they are; empty for none."""
    if isinstance(found, T.NullType):
        return ""
    if is_choice(found) and isinstance(found, T.StructType):
        return next(filter(None, (_misfit(one.dataType, wanted, name) for one in found.fields)), "")
    if isinstance(found, T.StructType) and isinstance(wanted, T.StructType):
        here = {field.name: field.dataType for field in found.fields}
        folded = {one.lower(): one for one in here}
        for field in wanted.fields:
            path = f"{name}.{field.name}".lstrip(".")
            if field.name not in here:
                if field.name.lower() in folded:
                    return f"{path} is {folded[field.name.lower()]}"
            elif odd := _misfit(here[field.name], field.dataType, path):
                return odd
        return ""
    if isinstance(found, T.StructType) and isinstance(wanted, T.MapType):
        return next(filter(None, (_misfit(one.dataType, wanted.valueType, name) for one in found.fields)), "")
    if isinstance(found, T.ArrayType) and isinstance(wanted, T.ArrayType):
        return _misfit(found.elementType, wanted.elementType, f"{name}[]")
    fits: Mapping[type[T.DataType], Any] = {
        T.StringType: T.StringType | T.DateType | T.TimestampType | T.TimestampNTZType,
        T.LongType: _LONG | T.DoubleType | T.FloatType | T.DecimalType,
        T.DoubleType: T.DoubleType | T.FloatType | T.DecimalType,
        T.BooleanType: T.BooleanType,
    }
    cut = isinstance(found, T.DoubleType) and isinstance(wanted, T.DecimalType) and wanted.scale > MOST_SCALE
    if type(found) in fits and isinstance(wanted, fits[type(found)]) and not cut:
        return ""
    return f"{name} is {found.simpleString()}"
