"""The type names of AWS Glue scripts, and Spark's for the same thing."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import types as T
from pyspark.sql.types import DataType

from lakelet.workspace.errors import UsageError

# AWS Glue Developer Guide, "Data format conversion" and ApplyMapping: both Spark's and Hive's spellings are in use.
_SPARK_NAMES: Mapping[str, str] = {
    "string": "string", "int": "int", "integer": "int", "long": "bigint", "bigint": "bigint", "short": "smallint",
    "smallint": "smallint", "byte": "tinyint", "tinyint": "tinyint", "float": "float", "double": "double",
    "boolean": "boolean", "date": "date", "timestamp": "timestamp", "binary": "binary", "decimal": "decimal(10,2)",
}  # fmt: skip
_GLUE_NAMES: Mapping[str, str] = {
    "bigint": "long",
    "smallint": "short",
    "tinyint": "byte",
    "timestamp_ntz": "timestamp",
}
_SIMPLE: Mapping[str, DataType] = {
    "string": T.StringType(), "int": T.IntegerType(), "bigint": T.LongType(), "smallint": T.ShortType(),
    "tinyint": T.ByteType(), "float": T.FloatType(), "double": T.DoubleType(), "boolean": T.BooleanType(),
    "date": T.DateType(), "timestamp": T.TimestampType(), "binary": T.BinaryType(),
}  # fmt: skip
_NESTED = ("decimal(", "array<", "map<", "struct<")


def spark_name(name: str) -> str:
    """Spark's DDL name of a Glue type: ``long`` → ``bigint``.

    Raises :class:`~lakelet.workspace.errors.UsageError` for a name that Glue does not know.
    """
    lower = name.strip().lower()
    if lower in _SPARK_NAMES:
        return _SPARK_NAMES[lower]
    if lower.startswith(("varchar(", "char(")):
        return "string"
    if lower.startswith(_NESTED):
        return name.strip()  # the names of its fields keep their case
    raise UsageError(f"{name!r} is no Glue type: use one of {', '.join(_SPARK_NAMES)}, or array<…>, map<…>, struct<…>.")


def spark_type(name: str) -> DataType:
    """Spark's type of a Glue type name; a nested type or a decimal needs a running Spark session."""
    ddl = spark_name(name)
    return _SIMPLE[ddl] if ddl in _SIMPLE else DataType.fromDDL(ddl)


def glue_name(kind: DataType) -> str:
    """The name that Glue gives a Spark type in schemas and choices: ``bigint`` → ``long``."""
    name = kind.simpleString()
    if isinstance(kind, T.NullType):
        return "null"
    return _GLUE_NAMES.get(name, name)


def hive_name(kind: DataType) -> str:
    """The name of a Spark type in the Data Catalog (Hive's spelling, structs spelled out in full)."""
    if isinstance(kind, T.StructType):
        return "struct<" + ",".join(f"{field.name}:{hive_name(field.dataType)}" for field in kind.fields) + ">"
    if isinstance(kind, T.ArrayType):
        return f"array<{hive_name(kind.elementType)}>"
    if isinstance(kind, T.MapType):
        return f"map<{hive_name(kind.keyType)},{hive_name(kind.valueType)}>"
    return "timestamp" if isinstance(kind, T.TimestampNTZType) else kind.simpleString()
