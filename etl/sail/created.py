"""``createDataFrame``, literals and ``toPandas`` on Sail, as Spark without Arrow has them: rows are held against their
schema, NaN of pandas is NaN, a decimal has the type of its digits and is rounded halves up, lists stay lists, and what
is done to pandas' columns later is not seen. pyspark's Connect client takes pandas' columns by Arrow, where NaN is
null and which looks at the same memory, and casts what does not fit (the user guide of Spark, "Apache Arrow in
PySpark").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import types as T

from lakelet.etl.sail import decimals, engine
from lakelet.workspace.paths import Workspace

_ARROW = "spark.sql.execution.arrow.pyspark.enabled"
_PLAIN: Mapping[str, type[T.DataType]] = {
    "bool": T.BooleanType, "datetime64[ns]": T.TimestampType, "float64": T.DoubleType, "int64": T.LongType,
}  # fmt: skip
_NESTED = (T.ArrayType, T.MapType, T.StructType)


def install(workspace: Workspace) -> None:
    """Stand before the making of data frames and of literals, and before pandas' data frames."""
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.expressions import LiteralExpression
    from pyspark.sql.connect.session import SparkSession
    from pyspark.sql.conversion import LocalDataToArrowConversion

    original: Any = SparkSession.createDataFrame
    literal, kind_of = LiteralExpression._from_value, LiteralExpression._infer_type

    def create(
        self: Any, data: Any, schema: Any = None, samplingRatio: float | None = None, verifySchema: bool = True
    ) -> Any:
        of = type(data).__module__.partition(".")[0]  # a library that need not be there
        if of == "pandas" and _by_arrow(self):
            return original(self, data.copy(), schema)
        if isinstance(schema, str):
            schema = T.DataType.fromDDL(schema)
        if of == "pandas" and len(data):
            if _is_plain(data, schema):
                return original(self, data.copy(), schema)
            schema = [str(name) for name in data.columns] if schema is None else schema
            data, of = list(zip(*map(_values, (column for _, column in data.items())), strict=True)), ""
        elif of == "numpy" and isinstance(schema, T.DataType):
            data = data.tolist()
        if isinstance(schema, T.DataType) and of not in ("pandas", "pyarrow"):
            data = _verified(data, schema, verifySchema)
        return original(self, data, schema)

    def from_value(cls: Any, value: Any) -> Any:
        return literal(Decimal(f"{value:f}") if isinstance(value, Decimal) and value.is_finite() else value)

    def infer_type(cls: Any, value: Any) -> T.DataType:
        return _of_digits(value) if isinstance(value, Decimal) and value.is_finite() else kind_of(value)

    to_pandas: Any = DataFrame.toPandas

    def toPandas(self: Any) -> Any:
        nested = [at for at, field in enumerate(self.schema) if isinstance(field.dataType, _NESTED)]
        plain = not nested or _by_arrow(self.sparkSession)
        return to_pandas(self) if plain else _with_nested(self, nested, to_pandas)

    def noting(*args: Any, **given: Any) -> Any:
        rows = create(*args, **given)
        node = rows._plan
        while getattr(node, "_child", None) is not None:
            node = node._child
        told = getattr(node, "_table", None)  # without asking Sail
        decimals.watch_type(rows.schema if told is None else told.schema)
        return rows

    engine.replace(SparkSession, "createDataFrame", noting)
    engine.replace(DataFrame, "toPandas", toPandas)
    convert = _rounded(LocalDataToArrowConversion._create_converter)
    engine.replace(LocalDataToArrowConversion, "_create_converter", staticmethod(convert))
    engine.replace(LiteralExpression, "_from_value", classmethod(from_value))
    engine.replace(LiteralExpression, "_infer_type", classmethod(infer_type))


def _with_nested(rows: Any, nested: list[int], to_pandas: Any) -> Any:
    """A data frame of pandas whose lists, maps and structs are Python's lists, dicts and Rows."""
    import pandas as pd
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    schema, table = rows.schema, rows.toArrow()
    flat = [at for at in range(len(schema)) if at not in nested]
    made: Any = None
    if flat:
        plain = rows.sparkSession.createDataFrame(table.select(flat), T.StructType([schema[at] for at in flat]))
        made = to_pandas(plain)
    records = ArrowTableToRowsConversion.convert(table.select(nested), T.StructType([schema[at] for at in nested]))
    columns = {at: pd.Series([row[place] for row in records], dtype=object) for place, at in enumerate(nested)}
    columns |= {at: made.iloc[:, place] for place, at in enumerate(flat)}
    return pd.concat([columns[at] for at in range(len(schema))], axis=1, keys=schema.names)


def _by_arrow(session: Any) -> bool:
    """Whether a script wants pandas' columns to go by Arrow, as they do here anyway."""
    return str(session.conf.get(_ARROW, "false")).lower() == "true"


def _is_plain(frame: Any, schema: Any) -> bool:
    """Whether Arrow makes the same of each column, of the type that it has in a schema."""
    columns = [column for _, column in frame.items()]
    if not isinstance(schema, T.DataType):
        return all(map(_plain_kind, columns))
    asked = [type(field.dataType) for field in schema] if isinstance(schema, T.StructType) else []
    return [_plain_kind(column) for column in columns] == asked


def _plain_kind(column: Any) -> type[T.DataType] | None:
    """The type that a column has by Arrow as well; None, if it has another one, or other values."""
    kind = str(column.dtype)
    if kind == "object":
        return T.StringType if all(one is None or isinstance(one, str) for one in column) else None
    if kind == "float64" and column.isna().any():
        return None
    return _PLAIN.get(kind)


def _values(column: Any) -> list[Any]:
    """The values of a column of pandas as Python has them; whole numbers that have some missing are doubles."""
    if column.dtype.kind in "mM":
        to = "to_pydatetime" if column.dtype.kind == "M" else "to_pytimedelta"
        return [None if missing else getattr(one, to)() for one, missing in zip(column, column.isna(), strict=True)]
    if column.dtype.kind in "iuf" and column.isna().any():
        column = column.astype("float64")
    values: list[Any] = column.tolist()
    return values


def _verified(data: Iterable[Any], schema: T.DataType, fails: bool) -> list[Any]:
    """Rows of which each fits its schema. Raises PySparkTypeError, as Spark does; where it has null instead, or numbers
    cut to their last bits, UnsupportedError.
    """
    rows = list(data)
    verify = T._make_type_verifier(schema, name=None if isinstance(schema, T.StructType) else "field value")
    try:
        for row in rows:
            verify(row)
    except PySparkException:
        if fails:
            raise
        raise engine.refused("createDataFrame, by verifySchema=False, of values of other types,") from None
    return rows


def _rounded(original: Any) -> Any:
    """What makes values of Arrow of Python's, with decimals rounded before."""

    def create(kind: T.DataType, *args: Any, **options: Any) -> Any:
        convert = original(kind, *args, **options)
        if not isinstance(kind, T.DecimalType):
            return convert
        rounded = decimals.rounding(kind.scale)
        return lambda value: convert(rounded(value) if isinstance(value, Decimal) else value)

    return create


def _of_digits(value: Decimal) -> T.DecimalType:
    """The type of a literal, by its digits. (org.apache.spark.sql.types.DecimalType.fromDecimal)"""
    _, digits, exponent = value.as_tuple()
    scale = max(-int(exponent), 0)
    return T.DecimalType(max(len(digits), scale), scale)
