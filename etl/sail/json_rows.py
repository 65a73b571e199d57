"""JSON lines as Spark reads them: the type that it finds in them, and what Sail would read otherwise by a schema.

All lines are looked through before they are read. Source: Spark SQL Guide, "JSON Files"; what Spark makes of odd lines
was tried out (tests/stack/test_engines_compared_files.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice
from lakelet.etl.json_batches import discovered
from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_SCALE = 18  # of decimals that are read with one digit more: before it there is room for all longs
CORRUPT = "_corrupt_record"  # the column that Spark keeps for lines that are no records
_LONG = T.LongType | T.IntegerType | T.ShortType | T.ByteType
_FLOATS = T.DoubleType | T.FloatType
_ZERO = r"[:\[,]\s*-0\s*[,}\]]"  # with a sign: to Spark a whole number, which has none
_LARGE = r"[:\[,]\s*-?(?:\d{20,}|[\d.]+[eE]\+?\d\d)"  # more than a decimal may hold


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
    met = list(_met(found.kind, told, ""))
    odd = next((f"{place} is {_named(one)}" for place, one, wanted in met if not _fits(one, wanted)), "")
    if odd or not found.whole:
        odd = odd or "there are lines that are no records"
        raise engine.refused(f"spark.read.json with a schema that does not fit ({odd})")
    longs, doubles = (
        [wanted for _, one, wanted in met if isinstance(one, kind)] for kind in (T.LongType, T.DoubleType)
    )
    if simple or any(isinstance(wanted, _FLOATS) for wanted in longs):
        _require_none(lines, _ZERO, "-0 with a schema that has text or doubles")
    if any(isinstance(wanted, T.DecimalType) for wanted in doubles):
        _require_none(lines, _LARGE, "a large number with a schema that has decimals")
    return simple


def _require_none(lines: DataFrame, form: str, named: str) -> None:
    if odd := lines.where(F.col("value").rlike(form)).head():
        raise engine.refused(f"spark.read.json of {named} (as in {odd[0][:100]!r})")


def _met(found: T.DataType, wanted: T.DataType, name: str) -> Iterator[tuple[str, T.DataType | str, T.DataType]]:
    """Where values are wanted: the place, the type that was found there, or the name of a field that differs by case,
    and the type that is wanted."""
    if is_choice(found) and isinstance(found, T.StructType):
        for one in found.fields:
            yield from _met(one.dataType, wanted, name)
    elif isinstance(found, T.StructType) and isinstance(wanted, T.StructType):
        here = {field.name: field.dataType for field in found.fields}
        folded = {one.lower(): one for one in here}
        for field in wanted.fields:
            path = f"{name}.{field.name}".lstrip(".")
            if field.name in here:
                yield from _met(here[field.name], field.dataType, path)
            elif field.name.lower() in folded:
                yield path, folded[field.name.lower()], field.dataType
    elif isinstance(found, T.StructType) and isinstance(wanted, T.MapType):
        for one in found.fields:
            yield from _met(one.dataType, wanted.valueType, name)
    elif isinstance(found, T.ArrayType) and isinstance(wanted, T.ArrayType):
        yield from _met(found.elementType, wanted.elementType, f"{name}[]")
    elif not isinstance(found, T.NullType):
        yield name, found, wanted


def _named(found: T.DataType | str) -> str:
    return found if isinstance(found, str) else found.simpleString()


def _fits(found: T.DataType | str, wanted: T.DataType) -> bool:
    """Whether Sail takes values of a type for what they are to Spark."""
    fits: Mapping[type, Any] = {
        T.StringType: T.StringType | T.DateType | T.TimestampType | T.TimestampNTZType,
        T.LongType: _LONG | T.DoubleType | T.FloatType | T.DecimalType,
        T.DoubleType: T.DoubleType | T.FloatType,
        T.BooleanType: T.BooleanType,
    }
    if isinstance(found, T.DoubleType) and isinstance(wanted, T.DecimalType):
        return wanted.scale <= MOST_SCALE
    return type(found) in fits and isinstance(wanted, fits[type(found)])
