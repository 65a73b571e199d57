"""What a DynamicFrame holds and how it is read: rows that may be undecided between types, and error records.

AWS documents that a DynamicFrame computes its schema on the fly and encodes inconsistencies as a choice. Here a column
that was read from text stays text, with the type that its catalog declares noted beside it (*pending*), until someone
asks. Casting it then loses nothing that the script did not ask to lose. When the schema is needed, pending columns
are settled by one pass over the data: every value fits the declared type → that type; some do not → a choice, which
the DataFrame shows as a struct with one field per type, as AWS documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice, plain, settle
from lakelet.etl.errors import ErrorThresholdError
from lakelet.etl.glue_types import glue_name
from lakelet.etl.sail import engine
from lakelet.etl.sail.json_written import JsonForm
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext


@dataclass(frozen=True)
class ResolveOption:
    """How ``toDF`` decides one choice: ``action`` is Cast or Project (to the type ``target``) or KeepAsStruct."""

    path: str
    action: str
    target: T.DataType | None = None

    @property
    def spec(self) -> tuple[str, str]:
        """The same as ResolveChoice takes it. Raises UsageError for an action that AWS has not."""
        if self.action == "KeepAsStruct":
            return self.path, "make_struct"
        if self.action not in ("Cast", "Project") or self.target is None:
            raise UsageError(f"ResolveOption for {self.path}: use Cast or Project with a target, or KeepAsStruct.")
        return self.path, f"{self.action.lower()}:{self.target.simpleString()}"


class Frame:
    """Rows with a schema that may hold choices, and the records that could not be read or transformed."""

    def __init__(
        self,
        frame: DataFrame,
        glue_ctx: GlueContext,
        name: str = "",
        *,
        pending: Mapping[str, str] | None = None,
        errors: DataFrame | None = None,
    ) -> None:
        self._frame = frame
        self.glue_ctx = glue_ctx
        self.name = name
        self.pending: dict[str, str] = dict(pending or {})
        self._errors = errors
        self._stage = errors  # the error records of the step that made this frame, among all its error records
        self._limits = (0, 0)

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: GlueContext, name: str = "") -> Self:
        """A DynamicFrame of a DataFrame's rows; its structs are structs, also where they were choices before."""
        return cls(plain(dataframe), glue_ctx, name)

    # -- what the transforms stand on ---------------------------------------------------------------------------

    @property
    def raw(self) -> DataFrame:
        """The DataFrame underneath, its pending columns still text."""
        return self._frame

    def settled(self) -> Self:
        """The same rows with every pending column decided, at the price of one pass over the data."""
        return self.derive(settle(self._frame, self.pending)) if self.pending else self

    def derive(self, frame: DataFrame, *, pending: Mapping[str, str] | None = None, name: str = "") -> Self:
        """A frame of other rows that keeps this one's context and error records."""
        derived = type(self)(frame, self.glue_ctx, name or self.name, pending=pending, errors=self._errors)
        derived._stage = None
        return derived

    def replaced(self, frame: DataFrame, pending: Mapping[str, str], errors: Callable[[DataFrame], DataFrame]) -> Self:
        """A frame of other rows in this one's place, with its error records changed by ``errors``."""
        told = None if self._errors is None else errors(self._errors)
        return type(self)(frame, self.glue_ctx, self.name, pending=pending, errors=told)

    def with_errors(self, errors: DataFrame) -> Self:
        """The same frame with more error records (one struct column ``error``), those of the step that made it."""
        both = errors if self._errors is None else self._errors.unionByName(errors, allowMissingColumns=True)
        frame = type(self)(self._frame, self.glue_ctx, self.name, pending=self.pending, errors=both)
        frame._stage = errors
        return frame

    def with_errors_of(self, other: Frame) -> Self:
        """The same frame with another's error records, too."""
        return self if other._errors is None else self.with_errors(other._errors)

    def checked(self, stage_threshold: int = 0, total_threshold: int = 0) -> Self:
        """This frame, unless its step made more than ``stage_threshold`` error records, or it has more than
        ``total_threshold`` of them in all; 0 is no threshold. Raises ErrorThresholdError.
        """
        self._limits = (stage_threshold, total_threshold)
        self.assertErrorThreshold()
        return self

    # -- reading ------------------------------------------------------------------------------------------------

    def toDF(self, options: Sequence[ResolveOption] | None = None) -> DataFrame:
        """The rows as a DataFrame; a choice is a struct with one field per type, unless ``options`` decide it."""
        if not options:
            return self.settled().raw
        from lakelet.etl.transforms.resolve_choice import resolve_choice

        return resolve_choice(self, specs=[option.spec for option in options]).settled().raw

    def count(self) -> int:
        """The number of rows."""
        return self.glue_ctx.scans.run(self._frame, lambda rows: rows.count(), f"the count of {self.name or 'a frame'}")

    def schema(self) -> T.StructType:
        """The schema as Spark's StructType; choices are structs marked by :func:`lakelet.etl.choices.is_choice`."""
        return self.settled().raw.schema

    def printSchema(self) -> None:
        """Print the schema as a tree, in Glue's names; a choice lists its types below it."""
        print("root")
        for line in _tree(self.schema(), "|"):
            print(line)

    def show(self, num_rows: int = 20) -> None:
        """Print that many rows as JSON, one a line, as Glue does."""
        first = self.toDF().limit(num_rows)
        for line in self.glue_ctx.scans.run(first, _as_json, f"{self.name or 'a frame'}"):
            print(line)

    # -- error records ------------------------------------------------------------------------------------------

    def errorsCount(self) -> int:
        """The number of records that could not be read or transformed."""
        return self._count(self._errors)

    def stageErrorsCount(self) -> int:
        """The number of error records of the step that made this frame."""
        return self._count(self._stage)

    def errorsAsDynamicFrame(self) -> Self:
        """The records that could not be read: a struct ``error`` with msg, input, source and (ours) line."""
        errors = self._errors
        if errors is None:
            from lakelet.etl.delimited_source import ERROR

            session = self.glue_ctx.spark_session
            errors = session.createDataFrame([], T.StructType([T.StructField("error", ERROR)]))
        return type(self)(errors, self.glue_ctx, f"{self.name}_errors")

    def assertErrorThreshold(self) -> None:
        """Raise ErrorThresholdError when there are more error records than this frame's thresholds allow."""
        stage, total = self._limits
        for limit, count in ((stage, self.stageErrorsCount), (total, self.errorsCount)):
            if limit > 0 and (found := count()) > limit:
                raise ErrorThresholdError(
                    f"{self.name or 'The frame'} has {found} error records and the threshold allows {limit}: "
                    "see errorsAsDynamicFrame() for them."
                )

    def _count(self, errors: DataFrame | None) -> int:
        if errors is None:
            return 0
        return self.glue_ctx.scans.run(errors, lambda rows: rows.count(), f"the errors of {self.name or 'a frame'}")

    # -- partitions of the work ---------------------------------------------------------------------------------

    def repartition(self, num_partitions: int, transformation_ctx: str = "") -> Self:
        """The same rows in that many partitions (a shuffle)."""
        return self.derive(self._frame.repartition(num_partitions), pending=self.pending, name=transformation_ctx)

    def coalesce(self, num_partitions: int, transformation_ctx: str = "") -> Self:
        """The same rows in at most that many partitions, without a shuffle."""
        return self.derive(self._frame.coalesce(num_partitions), pending=self.pending, name=transformation_ctx)

    def getNumPartitions(self) -> int:
        """The number of partitions; the rows are not read for it."""
        from lakelet.etl.jvm import partitions_of

        return partitions_of(self._frame)


def _tree(kind: T.DataType, indent: str) -> list[str]:
    """What is below a field, as Glue prints it."""
    if isinstance(kind, T.StructType) and is_choice(kind):
        return [line for f in kind.fields for line in (f"{indent}-- {f.name}", *_tree(f.dataType, f"{indent}    |"))]
    if isinstance(kind, T.StructType):
        return [
            line
            for f in kind.fields
            for line in (f"{indent}-- {f.name}: {_word(f.dataType)}", *_tree(f.dataType, f"{indent}    |"))
        ]
    if isinstance(kind, T.ArrayType):
        element = kind.elementType
        return [f"{indent}-- element: {_word(element)}", *_tree(element, f"{indent}    |")]
    if isinstance(kind, T.MapType):
        value = kind.valueType
        return [
            f"{indent}-- keyType: {_word(kind.keyType)}",
            f"{indent}-- valueType: {_word(value)}",
            *_tree(value, f"{indent}    |"),
        ]
    return []


def _word(kind: T.DataType) -> str:
    if is_choice(kind):
        return "choice"
    return kind.typeName() if isinstance(kind, T.StructType | T.ArrayType | T.MapType) else glue_name(kind)


def require_fields(frame: DataFrame, names: Sequence[str], what: str) -> None:
    """Refuse names that are no columns of ``frame``; ``what`` says who wants them. Raises UsageError."""
    known = {name.lower() for name in frame.columns}
    if missing := [name for name in names if name.lower() not in known]:
        raise UsageError(f"{what} names {', '.join(missing)}, which is no field: there are {', '.join(frame.columns)}.")


def field_of(name: str) -> Any:
    """The column of that very name, dots and all."""
    return F.col("`" + name.replace("`", "``") + "`")


def _as_json(rows: DataFrame) -> list[str]:
    if engine.active():  # Connect's frames have no toJSON
        return [row["json"] for row in rows.select(JsonForm().line(rows.schema, rows.columns).alias("json")).collect()]
    return rows.toJSON().collect()
