"""Join: two frames by equal fields (AWS Glue Developer Guide, "Join class")."""

from __future__ import annotations

from collections.abc import Sequence

from etl.dynamicframe import DynamicFrame, field_of, require_fields
from workspace.errors import UsageError


def join(
    left: DynamicFrame, right: DynamicFrame, keys1: Sequence[str], keys2: Sequence[str], *, name: str = ""
) -> DynamicFrame:
    """The inner equality join. A field of the right frame whose name the left has too is prefixed with a dot,
    as Glue does. Raises UsageError for keys that do not pair up or are no fields.
    """
    keys1, keys2 = ([keys1] if isinstance(keys1, str) else keys1), ([keys2] if isinstance(keys2, str) else keys2)
    if len(keys1) != len(keys2) or not keys1:
        raise UsageError(f"Join pairs {list(keys1)} with {list(keys2)}: give as many keys on both sides.")
    one, other = left.toDF(), right.toDF()
    require_fields(one, keys1, "Join")
    require_fields(other, keys2, "Join")
    taken = {column.lower() for column in one.columns}
    renamed = {column: f".{column}" if column.lower() in taken else column for column in other.columns}
    other = other.select(*(field_of(column).alias(new) for column, new in renamed.items()))
    by_lower = {column.lower(): new for column, new in renamed.items()}
    condition = [field_of(key) == field_of(by_lower[pair.lower()]) for key, pair in zip(keys1, keys2, strict=True)]
    return left.derive(one.join(other, condition, "inner"), name=name)
