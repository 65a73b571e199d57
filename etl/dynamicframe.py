"""DynamicFrame: a Spark DataFrame whose columns may still be undecided between two types.

AWS documents that a DynamicFrame computes its schema on the fly and encodes inconsistencies as a choice. Here a column
that was read from text stays text, with the type that its catalog declares noted beside it (*pending*), until someone
asks. Casting it then loses nothing that the script did not ask to lose. When the schema is needed, pending columns
are settled by one pass over the data: every value fits the declared type → that type; some do not → a choice, which
the DataFrame shows as a struct with one field per type, as AWS documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.choices import CHOICE, is_choice, settle
from etl.errors import ErrorThresholdError, UnsupportedError
from etl.glue_types import glue_name
from workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from etl.context import GlueContext

Specs = Sequence[tuple[str, str]]


class DynamicFrame:
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

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: GlueContext, name: str) -> DynamicFrame:
        """A DynamicFrame of a DataFrame's rows."""
        return cls(dataframe, glue_ctx, name)

    # -- what the transforms stand on ---------------------------------------------------------------------------

    @property
    def raw(self) -> DataFrame:
        """The DataFrame underneath, its pending columns still text."""
        return self._frame

    def settled(self) -> DynamicFrame:
        """The same rows with every pending column decided, at the price of one pass over the data."""
        return settle(self) if self.pending else self

    def derive(self, frame: DataFrame, *, pending: Mapping[str, str] | None = None, name: str = "") -> DynamicFrame:
        """A frame of other rows that keeps this one's context and error records."""
        return DynamicFrame(frame, self.glue_ctx, name or self.name, pending=pending, errors=self._errors)

    def with_errors(self, errors: DataFrame) -> DynamicFrame:
        """The same frame with more error records (one struct column ``error``)."""
        both = errors if self._errors is None else self._errors.unionByName(errors, allowMissingColumns=True)
        return DynamicFrame(self._frame, self.glue_ctx, self.name, pending=self.pending, errors=both)

    def checked(self, stage_threshold: int = 0, total_threshold: int = 0) -> DynamicFrame:
        """This frame, unless it has as many error records as a threshold above 0 allows (ErrorThresholdError)."""
        limits = [limit for limit in (stage_threshold, total_threshold) if limit > 0]
        if limits and (count := self.errorsCount()) >= min(limits):
            raise ErrorThresholdError(
                f"{self.name or 'The frame'} has {count} error records and the threshold is {min(limits)}: "
                "see errorsAsDynamicFrame() for them."
            )
        return self

    # -- reading ------------------------------------------------------------------------------------------------

    def toDF(self, options: Any = None) -> DataFrame:
        """The rows as a DataFrame; a choice is a struct with one field per type. ``options`` are not supported."""
        if options:
            raise UnsupportedError("toDF does not support options: resolve choices with resolveChoice first.")
        return self.settled().raw

    def count(self) -> int:
        """The number of rows."""
        return self.glue_ctx.scans.run(self._frame, lambda rows: rows.count(), f"the count of {self.name or 'a frame'}")

    def schema(self) -> T.StructType:
        """The schema as Spark's StructType; choices are structs marked by :func:`etl.choices.is_choice`."""
        return self.settled().raw.schema

    def printSchema(self) -> None:
        """Print the schema as a tree, in Glue's names; a choice lists its types below it."""
        print("root")
        for field in self.schema().fields:
            if is_choice(field):
                print(f"|-- {field.name}: choice")
                for kind in field.metadata[CHOICE]:
                    print(f"|    |-- {kind}")
            else:
                print(f"|-- {field.name}: {glue_name(field.dataType)}")

    def show(self, num_rows: int = 20) -> None:
        """Print that many rows as JSON, one a line, as Glue does."""
        first = self.toDF().limit(num_rows)
        for line in self.glue_ctx.scans.run(first, lambda rows: rows.toJSON().collect(), f"{self.name or 'a frame'}"):
            print(line)

    def errorsCount(self) -> int:
        """The number of records that could not be read or transformed."""
        if self._errors is None:
            return 0
        return self.glue_ctx.scans.run(
            self._errors, lambda rows: rows.count(), f"the errors of {self.name or 'a frame'}"
        )

    def errorsAsDynamicFrame(self) -> DynamicFrame:
        """The records that could not be read: a struct ``error`` with msg, input, source and (ours) line."""
        errors = self._errors
        if errors is None:
            from etl.delimited_source import ERROR

            session = self.glue_ctx.spark_session
            errors = session.createDataFrame([], T.StructType([T.StructField("error", ERROR)]))
        return DynamicFrame(errors, self.glue_ctx, f"{self.name}_errors")

    def stageErrorsCount(self) -> int:
        """The number of error records that came with this frame (Lakelet keeps no count per stage)."""
        return self.errorsCount()

    # -- transforming: each is one file of etl/transforms -------------------------------------------------------

    def apply_mapping(
        self,
        mappings: Sequence[Sequence[str]],
        case_sensitive: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Rename, cast and select: see :mod:`etl.transforms.apply_mapping`."""
        from etl.transforms.apply_mapping import apply_mapping

        frame = apply_mapping(self, mappings, case_sensitive=case_sensitive, name=transformation_ctx)
        return frame.checked(stageThreshold, totalThreshold)

    def resolveChoice(
        self,
        specs: Specs | None = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """Decide choices: see :mod:`etl.transforms.resolve_choice`."""
        from etl.tables import require_own_catalog
        from etl.transforms.resolve_choice import resolve_choice

        require_own_catalog(self.glue_ctx.workspace, catalog_id)
        table = (database, table_name) if database and table_name else None
        frame = resolve_choice(self, specs=specs, choice=choice, table=table, name=transformation_ctx)
        return frame.checked(stageThreshold, totalThreshold)

    def select_fields(
        self,
        paths: Sequence[str],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Keep these fields: see :mod:`etl.transforms.fields`."""
        from etl.transforms.fields import select_fields

        return select_fields(self, paths, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def drop_fields(
        self,
        paths: Sequence[str],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Remove these fields: see :mod:`etl.transforms.fields`."""
        from etl.transforms.fields import drop_fields

        return drop_fields(self, paths, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def rename_field(
        self,
        oldName: str,
        newName: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> DynamicFrame:
        """Rename one field: see :mod:`etl.transforms.fields`."""
        from etl.transforms.fields import rename_field

        if options:
            raise UnsupportedError(f"rename_field does not support {', '.join(sorted(options))}: remove it.")
        return rename_field(self, oldName, newName, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def filter(
        self,
        f: Callable[[Any], bool],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Keep the records for which ``f`` is true: see :mod:`etl.transforms.records`."""
        from etl.transforms.records import filter_records

        return filter_records(self, f, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def map(
        self,
        f: Callable[[Any], Any],
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Apply ``f`` to every record: see :mod:`etl.transforms.records`."""
        from etl.transforms.records import map_records

        return map_records(self, f, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def join(
        self,
        paths1: Sequence[str],
        paths2: Sequence[str],
        frame2: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Equality join: see :mod:`etl.transforms.join`."""
        from etl.transforms.join import join

        return join(self, frame2, paths1, paths2, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def union(
        self,
        frame2: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """The rows of both frames, fields matched by name; duplicates stay."""
        rows = self.toDF().unionByName(frame2.toDF(), allowMissingColumns=True)
        merged = self.derive(rows, name=transformation_ctx)
        if frame2._errors is not None:
            merged = merged.with_errors(frame2._errors)
        return merged.checked(stageThreshold, totalThreshold)

    # -- partitions of the work ---------------------------------------------------------------------------------

    def repartition(self, num_partitions: int, transformation_ctx: str = "") -> DynamicFrame:
        """The same rows in that many partitions (a shuffle)."""
        return self.derive(self._frame.repartition(num_partitions), pending=self.pending, name=transformation_ctx)

    def coalesce(self, num_partitions: int, transformation_ctx: str = "") -> DynamicFrame:
        """The same rows in at most that many partitions, without a shuffle."""
        return self.derive(self._frame.coalesce(num_partitions), pending=self.pending, name=transformation_ctx)

    def getNumPartitions(self) -> int:
        """The number of partitions."""
        return self._frame.rdd.getNumPartitions()


def require_fields(frame: DataFrame, names: Sequence[str], what: str) -> None:
    """Refuse names that are no columns of ``frame``; ``what`` says who wants them. Raises UsageError."""
    known = {name.lower() for name in frame.columns}
    if missing := [name for name in names if name.lower() not in known]:
        raise UsageError(f"{what} names {', '.join(missing)}, which is no field: there are {', '.join(frame.columns)}.")


def field_of(name: str) -> Any:
    """The column of that very name, dots and all."""
    return F.col(f"`{name}`")
