"""The half of GlueContext that reads (AWS Glue Developer Guide, "GlueContext class", Creating)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from lakelet.etl.connection_types import Source, parse_options, read_from
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.selection import SampleOptions
from lakelet.etl.sources import read_table
from lakelet.etl.tables import require_own_catalog
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lakelet.workspace.paths import Workspace

Options = Mapping[str, Any]


class Reading:
    """What :class:`~lakelet.etl.context.GlueContext` makes frames with."""

    workspace: Workspace
    spark_session: SparkSession

    def getSource(self, connection_type: str, transformation_ctx: str = "", **options: Any) -> Source:
        """A source to give a format to and to read: see :class:`lakelet.etl.connection_types.Source`."""
        return Source(self._context, connection_type, options, transformation_ctx)

    def create_dynamic_frame_from_rdd(
        self,
        data: Any,
        name: str,
        schema: Any = None,
        sample_ratio: float | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """An RDD's records as a DynamicFrame."""
        frame = self.spark_session.createDataFrame(data, schema, sample_ratio)
        return DynamicFrame(frame, self._context, transformation_ctx or name)

    def create_dynamic_frame_from_catalog(
        self,
        database: str = "",
        table_name: str = "",
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options | None = None,
        catalog_id: str | None = None,
        *,
        name_space: str = "",
        tableName: str = "",
    ) -> DynamicFrame:
        """A catalog table as a DynamicFrame: see :func:`lakelet.etl.sources.read_table`.

        ``name_space`` (of the page "DynamicFrameReader class") and ``tableName`` (of AWS's examples of bounded
        execution) are other names of ``database`` and ``table_name``. Raises UsageError without a database or a table.
        """
        database, table_name = database or name_space, table_name or tableName
        if not (database and table_name):
            raise UsageError("from_catalog reads a table: give database and table_name.")
        require_own_catalog(self.workspace, catalog_id)
        options = additional_options or {}
        return read_table(
            self._context, database, table_name, predicate=push_down_predicate, options=options, ctx=transformation_ctx
        )

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | str | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
    ) -> DynamicFrame:
        """What lies behind a connection as a DynamicFrame: see :mod:`lakelet.etl.connection_types`."""
        if push_down_predicate:
            raise UnsupportedError("push_down_predicate is supported for catalog tables only.")
        options, formatted = connection_options or {}, parse_options(format_options)
        return read_from(self._context, connection_type, options, format, formatted, transformation_ctx)

    def create_sample_dynamic_frame_from_catalog(
        self,
        database: str,
        table_name: str,
        num: int,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options | None = None,
        sample_options: Options | None = None,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """At most ``num`` records of a table, of the partitions and files that ``sample_options`` let through."""
        require_own_catalog(self.workspace, catalog_id)
        frame = read_table(
            self._context,
            database,
            table_name,
            predicate=push_down_predicate,
            options=additional_options or {},
            ctx=transformation_ctx,
            sample=SampleOptions.of(sample_options),
        )
        return frame.derive(frame.raw.limit(num), pending=frame.pending)

    def create_sample_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options | None = None,
        num: int = 0,
        sample_options: Options | None = None,
        format: str | None = None,
        format_options: Options | str | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """At most ``num`` records of what lies behind a connection, of the folders and files that ``sample_options``
        let through."""
        frame = read_from(
            self._context,
            connection_type,
            connection_options or {},
            format,
            parse_options(format_options),
            transformation_ctx,
            sample=SampleOptions.of(sample_options),
        )
        return frame.derive(frame.raw.limit(num), pending=frame.pending)

    def create_data_frame_from_catalog(
        self,
        database: str,
        table_name: str,
        transformation_ctx: str = "",
        additional_options: Options | None = None,
        push_down_predicate: str = "",
    ) -> DataFrame:
        """A catalog table as a Spark DataFrame."""
        return self.create_dynamic_frame_from_catalog(
            database, table_name, "", transformation_ctx, push_down_predicate, additional_options
        ).toDF()

    def create_data_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | str | None = None,
        transformation_ctx: str = "",
    ) -> DataFrame:
        """What lies behind a connection as a Spark DataFrame. (AWS's streams, its other use, are refused by name.)"""
        return self.create_dynamic_frame_from_options(
            connection_type, connection_options, format, format_options, transformation_ctx
        ).toDF()

    @property
    def _context(self) -> Any:
        return self


class FrameReader:
    """``glueContext.create_dynamic_frame``."""

    def __init__(self, context: Reading) -> None:
        self.from_catalog = context.create_dynamic_frame_from_catalog
        self.from_options = context.create_dynamic_frame_from_options
        self.from_rdd = context.create_dynamic_frame_from_rdd

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"create_dynamic_frame has no {name}, on AWS neither: use from_catalog, from_options or from_rdd, and of a"
            " DataFrame DynamicFrame.fromDF(rows, glueContext, name)."
        )


class SampleReader:
    """``glueContext.create_sample_dynamic_frame``."""

    def __init__(self, context: Reading) -> None:
        self.from_catalog = context.create_sample_dynamic_frame_from_catalog
        self.from_options = context.create_sample_dynamic_frame_from_options


class DataFrameReader:
    """``glueContext.create_data_frame``."""

    def __init__(self, context: Reading) -> None:
        self.from_catalog = context.create_data_frame_from_catalog
        self.from_options = context.create_data_frame_from_options
