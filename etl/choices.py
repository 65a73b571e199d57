"""Choices: columns that hold values of two types, and how pending columns turn into a type or a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.glue_types import glue_name, spark_name, spark_type

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from etl.dynamicframe import DynamicFrame

CHOICE = "lakelet.choice"  # metadata of a struct field that is a choice: the Glue names of its types


def is_choice(field: T.StructField) -> bool:
    """Whether a DataFrame's field is a choice rather than a struct of the data's own."""
    return CHOICE in (field.metadata or {})


def misfit(column: Column, declared: str) -> Column:
    """True where a text value is there but cannot be read as the declared (Glue) type."""
    return column.isNotNull() & column.try_cast(spark_name(declared)).isNull()


def text_as(column: Column, declared: str, wanted: str) -> Column:
    """Text as the type that is wanted (Glue names), or null; the text of a number is read as the declared type too.

    ``12.5``, declared a double, is the int 12 as in Glue, though as text it is no int. The text itself comes first:
    going through a double would cost a decimal its digits.
    """
    direct = column.try_cast(spark_name(wanted))
    if all(isinstance(spark_type(name), T.NumericType | T.BooleanType) for name in (declared, wanted)):
        return F.coalesce(direct, column.try_cast(spark_name(declared)).try_cast(spark_name(wanted)))
    return direct


def settle(frame: DynamicFrame) -> DynamicFrame:
    """Decide every pending column of a frame by one aggregate over the data."""
    raw, pending = frame.raw, frame.pending
    columns = {name: F.col(f"`{name}`") for name in raw.columns}
    counts = raw.agg(*(F.count_if(misfit(columns[name], kind)).alias(name) for name, kind in pending.items())).first()
    assert counts is not None  # noqa: S101 - an aggregate without groups has one row
    settled: DataFrame = raw.select(
        *(
            columns[name]
            if name not in pending
            else _choice(columns[name], name, pending[name])
            if counts[name]
            else columns[name].try_cast(spark_name(pending[name])).alias(name)
            for name in raw.columns
        )
    )
    return frame.derive(settled)


def _choice(column: Column, name: str, declared: str) -> Column:
    fits = column.try_cast(spark_name(declared))
    kind = glue_name(spark_type(declared))
    both = F.struct(fits.alias(kind), F.when(misfit(column, declared), column).alias("string"))
    return F.when(column.isNotNull(), both).alias(name, metadata={CHOICE: [kind, "string"]})
