"""What Lake Formation lets a run read of a table, put upon the frame that was read.

The control process decides what that is, and answers it with the table's sequence (``/_lakelet/sequence``): the columns
that are shown, and conditions in Spark SQL over the columns' declared types. Nothing is answered for a table that may
be read as it is, which is then read as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lakelet.etl.choices import is_choice
from lakelet.etl.delimited_source import ERROR
from lakelet.etl.frame import field_of
from lakelet.etl.glue_types import spark_name
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.dynamicframe import DynamicFrame

Visible = Mapping[str, Any]  # {"of": [every name], "columns": {name: condition or None}, "where": condition or None}
_RAW = "_lakelet_raw_"


def visible(frame: DynamicFrame, told: Visible | None, text: str = "") -> DynamicFrame:
    """The part of a table's frame that the run may read; all of it when nothing is told.

    A column that was attached to the rows (a file's name, say) is shown: it is none of the table's. A cell that is not
    shown is NULL; the text of records that could not be read is not shown, for nobody can tell whose cells it has.
    Raises UsageError for a column ``text`` of whole lines, and for a condition where a column holds several types.
    """
    if told is None:
        return frame
    if text:
        raise UsageError("attachText shows whole lines of a table that may be read in part only: leave it out.")
    rows, of_table = frame.raw, {name.lower() for name in told["of"]}
    shown = {name.lower(): condition for name, condition in told["columns"].items()}
    conditions = [one for one in (told["where"], *shown.values()) if one]
    undecided = [field.name for field in rows.schema.fields if conditions and is_choice(field.dataType)]
    if undecided:
        raise UsageError(f"Rows cannot be filtered while {', '.join(undecided)} holds values of several types.")
    # Text that is still to be cast is compared as what it will be; a value that is none of it is NULL, and not shown.
    pending = {name: kind for name, kind in frame.pending.items() if conditions}
    if pending:
        rows = rows.withColumns({_RAW + name: field_of(name) for name in pending})
        rows = rows.withColumns({name: field_of(name).try_cast(spark_name(kind)) for name, kind in pending.items()})
    if told["where"]:
        rows = rows.where(told["where"])
    chosen = []
    for name in frame.raw.columns:
        if name.lower() in of_table and name.lower() not in shown:
            continue
        value, condition = field_of(_RAW + name if name in pending else name), shown.get(name.lower())
        chosen.append((F.when(F.expr(condition), value) if condition else value).alias(name))
    pending = {name: kind for name, kind in frame.pending.items() if name.lower() in shown}
    return frame.replaced(rows.select(*chosen), pending, without_input)


def without_input(errors: DataFrame) -> DataFrame:
    """Error records (one struct column ``error``) that say what is wrong and where, but not with which text."""
    fields = [
        (F.lit(None).cast(field.dataType) if field.name == "input" else F.col("error").getField(field.name)).alias(
            field.name
        )
        for field in ERROR.fields
    ]
    return errors.select(F.struct(*fields).alias("error"))
