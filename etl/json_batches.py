"""JSON text by whole batches: the types of all its records, on both engines, and their values, on Sail.

Arrow's reader is a hundred times as fast as a Python function, but it takes an integer among numbers with a point for
one of those, and fails as a whole where a record is broken or a field has two types. So its doubles are looked at
again, and a batch that it cannot read is halved until what remains is little enough to read record by record
(:mod:`lakelet.etl.json_text`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from pyspark.sql import types as T

from lakelet.etl import json_text
from lakelet.etl.choices import choice_of, is_choice, member_name
from lakelet.etl.merging import merged
from lakelet.etl.paths import ELEMENT, Path

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

FEW = 64  # records that are not halved any more
DEEPEST = 500  # brackets in a record: Arrow's reader ends the process when they are nested too deep
LONGEST_LINE, DIGITS = 50_000, 500  # of a line that Jackson reads for sure: its names have 50,000, its numbers 1,000
SIMPLE = T.LongType | T.DoubleType | T.BooleanType | T.StringType  # what Arrow tells of JSON, beside nothing
_SPACE = " \t\r\n"


class Found(NamedTuple):
    """The type of all JSON in a column of text; whether each text, but for empty ones, is an object that Spark's
    reader takes; and whether whoever reads JSON by that type reads it in the same way."""

    kind: T.DataType
    objects: bool
    whole: bool


def all_differ(names: Iterable[str]) -> bool:
    """Whether names differ by more than their case, which the engines' own readers ignore."""
    told = [name.lower() for name in names]
    return len(set(told)) == len(told)


def discovered(rows: DataFrame, text: Column) -> Found:
    """What JSON there is in a column of text; text that is no JSON says nothing about the type."""
    shapes = rows.select(text.alias("text")).mapInArrow(_shapes, "shape string, objects boolean, whole boolean")
    found = shapes.distinct().collect()
    kind = json_text.in_order(merged(T.StructType.fromJson(json.loads(row["shape"]))["v"].dataType for row in found))
    return Found(kind, all(row["objects"] for row in found), all(row["whole"] for row in found))


def records(rows: DataFrame, text: str, kind: T.StructType) -> tuple[DataFrame, DataFrame]:
    """The rows with the JSON in one of their columns as a record of a type; and those where the text is none."""
    others = [field for field in rows.schema.fields if field.name != text]
    ordered, reader = rows.select(text, *(f"`{field.name}`" for field in others)), Reader(kind)
    good, broken = (
        ordered.mapInArrow(read, T.StructType([T.StructField(text, made), *others]))
        for read, made in ((reader, json_text.filled(kind)), (reader.broken, T.StringType()))
    )
    return good, broken


def _shapes(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.compute as pc

    for batch in batches:
        texts, intact = _as_utf_8(batch.column(0).drop_null().cast(pa.string()))
        fit = intact and not _are_too_long(texts)
        kinds = _kinds(texts.filter(pc.not_equal(texts, "")))
        found = {(json_text.wrapped(kind), objects and fit, whole and intact) for kind, objects, whole in kinds}
        fields = [("shape", pa.string()), ("objects", pa.bool_()), ("whole", pa.bool_())]
        shapes = pa.array(sorted(found), pa.struct(fields))
        yield pa.RecordBatch.from_struct_array(shapes)


def _are_too_long(texts: pa.StringArray) -> bool:
    """Whether there may be names, texts or numbers that are longer than Spark's reader takes."""
    import pyarrow.compute as pc

    if (pc.max(pc.binary_length(texts)).as_py() or 0) > LONGEST_LINE:
        return True
    long = texts.filter(pc.greater(pc.binary_length(texts), DIGITS))
    return bool(len(long)) and bool(pc.any(pc.match_substring_regex(long, rf"[0-9]{{{DIGITS}}}")).as_py())


def _as_utf_8(texts: pa.StringArray) -> tuple[pa.StringArray, bool]:
    """The texts, and whether all of them are UTF-8; bytes that are not are replaced, as ``from_json`` replaces them."""
    import pyarrow as pa

    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array([one.decode(errors="replace") for one in texts.view(pa.binary()).to_pylist()]), False
    return texts, True


def _kinds(texts: pa.Array) -> Iterator[Found]:
    """Types that together are those of all texts."""
    table = _table(texts)
    if table is not None:
        yield Found(_kind_of(table, texts), objects=True, whole=True)
    elif len(texts) > FEW:
        yield from _kinds(texts[: len(texts) // 2])
        yield from _kinds(texts[len(texts) // 2 :])
    elif len(texts):
        kinds, objects = json_text.kinds(texts.to_pylist())
        yield from (Found(kind, objects, whole=False) for kind in (T.NullType(), *kinds))


class Reader:
    """What the Python workers run: batches whose first column is text in, batches whose first column is records out."""

    def __init__(self, kind: T.StructType) -> None:
        self.kind = kind
        self.quick = [field for field in kind.fields if _quick(field.dataType)]
        self.choices = [field for field in kind.fields if _quick_choice(field.dataType)]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows whose text is a record."""
        for batch in batches:
            for part, records in self._parts(batch):
                yield _with_first(part.filter(records.is_valid()) if records.null_count else part, records.drop_null())

    def broken(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows whose text is none."""
        for batch in batches:
            for part, records in self._parts(batch):
                yield part.filter(records.is_null())

    def _parts(self, batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, pa.StructArray]]:
        """The batch in parts, and the records of each, null where the text is none."""
        records = self._quickly(batch.column(0))
        if records is not None:
            yield batch, records
        elif len(batch) > FEW:
            yield from self._parts(batch[: len(batch) // 2])
            yield from self._parts(batch[len(batch) // 2 :])
        else:
            yield batch, self._singly(batch.column(0))

    def _quickly(self, texts: pa.Array) -> pa.StructArray | None:
        import pyarrow as pa

        fields = self._fields
        schema = pa.schema([fields[field.name] for field in self.quick])
        if not (self.quick or self.choices) or (table := _table(texts, schema, infer=bool(self.choices))) is None:
            return None
        columns = {field.name: table.column(field.name).combine_chunks() for field in self.quick}
        for field in self.choices:
            if (made := _one_of(table, texts, field.name, fields[field.name].type)) is not None:
                columns[field.name] = made
        if slow := [field for field in self.kind.fields if field.name not in columns]:
            values: dict[str, list[Any]] = {field.name: [] for field in slow}
            try:
                for text in texts.to_pylist():
                    record = json_text.loaded(text)
                    for field in slow:
                        values[field.name].append(json_text.fitted(record.get(field.name), field.dataType))
            except ValueError:
                return None
            columns |= {name: pa.array(found, fields[name].type) for name, found in values.items()}
        return pa.StructArray.from_arrays([_void(columns[name]) for name in fields], fields=list(fields.values()))

    def _singly(self, texts: pa.Array) -> pa.StructArray:
        import pyarrow as pa

        read = json_text.Parser(self.kind)
        kind = pa.struct(list(self._fields.values()))
        return _void(pa.array([read(text) for text in texts.to_pylist()], kind))

    @cached_property
    def _fields(self) -> dict[str, pa.Field]:
        """The record's fields as Arrow has them, by name; once in each worker."""
        from pyspark.sql.pandas.types import to_arrow_type

        return {field.name: field for field in to_arrow_type(json_text.filled(self.kind))}


def _void(array: pa.Array) -> pa.Array:
    """The array with nulls within its null structs too. Arrow leaves zeroes and empty texts there, and Sail takes a
    field of a struct without asking whether there is one."""
    import pyarrow as pa

    if pa.types.is_struct(array.type) and array.type.num_fields:
        return pa.StructArray.from_arrays(
            [_void(one) for one in array.flatten()], fields=list(array.type), mask=array.is_null()
        )
    if pa.types.is_list(array.type) and pa.types.is_nested(array.type.value_type):
        return pa.ListArray.from_arrays(array.offsets, _void(array.values), array.type, mask=array.is_null())
    return array


def _with_first(batch: pa.RecordBatch, column: pa.Array) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([column, *batch.columns[1:]], batch.schema.names)


def _quick(kind: T.DataType) -> bool:
    """Whether Arrow's reader takes the same JSON for a type as Spark does, and fails on other."""
    if isinstance(kind, T.StructType):
        return bool(kind.fields) and not is_choice(kind) and all(_quick(f.dataType) for f in kind.fields)
    if isinstance(kind, T.ArrayType):
        return _quick(kind.elementType)
    return isinstance(kind, SIMPLE)


def _quick_choice(kind: T.DataType) -> bool:
    """Whether a type is a choice between simple types, of which a batch may have but one."""
    return isinstance(kind, T.StructType) and is_choice(kind) and all(isinstance(f.dataType, SIMPLE) for f in kind)


def _one_of(table: pa.Table, texts: pa.Array, name: str, kind: pa.StructType) -> pa.StructArray | None:
    """A field of texts as a choice, from a table whose types Arrow has told; None when it has not told one of them."""
    import pyarrow as pa

    if name not in table.column_names:
        return pa.nulls(len(texts), kind)
    column = table.column(name).combine_chunks()
    told = _spark_type(column.type, (name,), _with_integers(table.select([name]), texts))
    if isinstance(told, T.NullType):
        return pa.nulls(len(texts), kind)
    held = member_name(told)
    if is_choice(told) or column.type not in [field.type for field in kind if field.name == held]:
        return None  # of both kinds of numbers, or a text that Arrow takes for a time
    members = [column if field.name == held else pa.nulls(len(texts), field.type) for field in kind]
    return pa.StructArray.from_arrays(members, fields=list(kind), mask=column.is_null())


def _table(texts: pa.Array, schema: pa.Schema | None = None, *, infer: bool = True) -> pa.Table | None:
    """The texts as rows of a table, as Arrow reads them; None when they are not all objects that it reads as JSON.

    ``infer``: also the fields that are not in the schema.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.json as pj

    if not len(texts) or texts.null_count:
        return None
    texts = texts.cast(pa.string())
    if not _are_objects(texts) and not _are_objects(texts := pc.ascii_trim(texts, _SPACE)):
        return None
    together = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    lines = pc.binary_join(together, "\n")[0].as_buffer()
    unexpected = "infer" if infer else "ignore"
    try:
        table = pj.read_json(
            pa.BufferReader(lines),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected),
        )
    except pa.ArrowException:
        return None
    # One more row than texts: two objects in one. A number that is none (NaN, Infinity) is no JSON.
    whole = table.num_rows == len(texts) and all(
        pc.all(pc.is_finite(column)).as_py() is not False for _, column in _doubles(table)
    )
    return table if whole else None


def _are_objects(texts: pa.Array) -> bool:
    """Whether each text begins and ends as an object does, so that none goes on in the next, and none is too deep."""
    import pyarrow.compute as pc

    if not pc.all(pc.and_(pc.starts_with(texts, "{"), pc.ends_with(texts, "}"))).as_py():
        return False
    long = texts.filter(pc.greater(pc.binary_length(texts), DEEPEST))  # counting takes half as long as reading
    brackets = pc.add(pc.count_substring(long, "{"), pc.count_substring(long, "["))
    return (pc.max(brackets).as_py() or 0) <= DEEPEST


def _doubles(table: pa.Table) -> Iterator[tuple[Path, pa.ChunkedArray]]:
    """The numbers with a point in a table: where, and all of them (one per row, unless they are within arrays)."""
    for name in table.column_names:
        yield from _doubles_in(table.column(name), (name,))


def _doubles_in(column: pa.ChunkedArray, path: Path) -> Iterator[tuple[Path, pa.ChunkedArray]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        yield path, column
    elif pa.types.is_struct(column.type):
        for at, field in enumerate(column.type):
            yield from _doubles_in(pc.struct_field(column, [at]), (*path, field.name))
    elif pa.types.is_list(column.type):
        yield from _doubles_in(pc.list_flatten(column), (*path, ELEMENT))


def _kind_of(table: pa.Table, texts: pa.Array) -> T.DataType:
    mixed = _with_integers(table, texts)
    fields = (T.StructField(f.name, _spark_type(f.type, (f.name,), mixed)) for f in table.schema)
    return T.StructType(list(fields))


def _with_integers(table: pa.Table, texts: pa.Array) -> set[Path]:
    """Where among numbers with a point there are integers. Only a value without a fraction can be written as one."""
    import pyarrow.compute as pc

    sought: set[Path] = set()
    rows: set[int] = set()
    for path, column in _doubles(table):
        sought.add(path)
        whole = pc.equal(pc.floor(column), column)
        if ELEMENT not in path:
            at = pc.indices_nonzero(whole)
            likely = pc.match_substring_regex(texts.take(at), _integer_of(path[-1]))
            rows.update(at.filter(likely).to_pylist())
        elif pc.any(whole).as_py():
            rows.update(range(len(texts)))
    found: set[Path] = set()
    for row in sorted(rows):
        if not sought:
            break
        record = orjson.loads(texts[row].as_py())
        for path in [path for path in sought if _holds_integer(record, path)]:
            found.add(path)
            sought.remove(path)
    return found


def _integer_of(name: str) -> str:
    """A pattern that finds every text with an integer of that name; and all with escapes, in which it may be hidden."""
    return rf'\\|"{re.escape(name)}"\s*:\s*-?[0-9]+\s*[,}}]'


def _holds_integer(value: Any, path: Path) -> bool:
    """Whether a record has, at a path, a whole number that a long holds; orjson tells it from one with a point."""
    for at, step in enumerate(path):
        if step == ELEMENT and isinstance(value, list):
            return any(_holds_integer(one, path[at + 1 :]) for one in value)
        value = value.get(step) if isinstance(value, dict) else None
    return type(value) is int and json_text.is_long(value)


def _spark_type(kind: pa.DataType, path: Path, mixed: set[Path]) -> T.DataType:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return T.StructType([T.StructField(f.name, _spark_type(f.type, (*path, f.name), mixed)) for f in kind])
    if pa.types.is_list(kind):
        return T.ArrayType(_spark_type(kind.value_type, (*path, ELEMENT), mixed))
    if pa.types.is_floating(kind):
        return choice_of([T.DoubleType(), T.LongType()]) if path in mixed else T.DoubleType()
    if pa.types.is_null(kind):
        return T.NullType()
    if pa.types.is_boolean(kind):
        return T.BooleanType()
    return T.LongType() if pa.types.is_integer(kind) else T.StringType()  # what looks like a time is text
