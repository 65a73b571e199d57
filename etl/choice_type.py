"""ChoiceType of ``awsglue.gluetypes``: a field of several types, as a schema that a script gives says it.

AWS Glue Developer Guide, "PySpark extension types". What it makes is Spark's struct with one marked field per type
(:mod:`lakelet.etl.choices`), so that it goes through JSON, and :func:`isinstance` knows the choices of any schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import types as T

from lakelet.etl.choices import choice_of, is_choice
from lakelet.workspace.errors import UsageError

# JSON has one kind of whole numbers and one of others; they are read as these (docs/awsglue.md, "Numbers of JSON").
_READ_AS: Mapping[type[T.DataType], T.DataType] = {
    T.ByteType: T.LongType(), T.ShortType: T.LongType(), T.IntegerType: T.LongType(), T.FloatType: T.DoubleType(),
}  # fmt: skip
_MEMBERS = (T.LongType, T.DoubleType, T.StringType, T.BooleanType, T.StructType, T.ArrayType)


class _Choices(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return is_choice(instance)


class ChoiceType(metaclass=_Choices):
    """``ChoiceType([IntegerType(), StringType()])``: values of any of those types."""

    def __new__(cls, choices: Sequence[T.DataType] = (), properties: Mapping[str, Any] | None = None) -> Any:
        """The choice between types. Raises UsageError for fewer than two, and for types that records do not tell apart
        when they are read."""
        if properties:
            raise UsageError("ChoiceType takes no properties: leave them out.")
        kinds = [_READ_AS.get(type(one), one) for one in choices]
        if wrong := [one.simpleString() for one in kinds if not isinstance(one, _MEMBERS) or is_choice(one)]:
            raise UsageError(f"ChoiceType cannot tell {', '.join(wrong)} in a record: read it as text, and cast it.")
        made = choice_of(kinds)
        if len(set(made.names)) < max(2, len(made.names)):
            given = ", ".join(one.simpleString() for one in choices) or "nothing"
            raise UsageError(f"ChoiceType takes two types or more that differ in records, not {given}.")
        return made
