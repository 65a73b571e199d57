"""GlueContext: what a Glue script reads and writes through (AWS Glue Developer Guide, "GlueContext class").

Sources and sinks are S3 and the Data Catalog. Everything else that AWS's class offers is refused by name.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from etl.dynamicframe import DynamicFrame
from etl.errors import UnsupportedError, refuse_unknown
from etl.purges import DEFAULT_RETENTION_HOURS, Purges
from etl.scans import Scans
from etl.session import record_application, session_of
from etl.sinks import S3Sink, refuse_jdbc, table_sink
from etl.sources import parse_options, read_s3, read_table
from etl.tables import CatalogTable, require_own_catalog
from workspace.errors import UsageError
from workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame

PURGE_OPTIONS = frozenset({"retentionPeriod", "partitionPredicate"})


class GlueContext:
    """The entry point of a Glue script, around its SparkContext."""

    def __init__(self, sparkContext: SparkContext, **options: Any) -> None:
        if options:
            raise UnsupportedError(f"GlueContext does not support {', '.join(sorted(options))}: remove it.")
        self.workspace = Workspace.find()
        self.spark_context = sparkContext
        self.spark_session = session_of(sparkContext)
        self.purges = Purges(self.workspace)
        self.scans = Scans()
        self.create_dynamic_frame = FrameReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = FrameWriter(self)
        self.write_data_frame = DataFrameWriter(self)
        record_application(self.workspace, sparkContext)

    def get_logger(self) -> logging.Logger:
        """A logger that writes to the run's stderr, with debug, info, warn and error like Glue's."""
        logger = logging.getLogger("glue")
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
        return logger

    # -- sources ------------------------------------------------------------------------------------------------

    def create_dynamic_frame_from_catalog(
        self,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Mapping[str, Any] | None = None,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """A catalog table as a DynamicFrame: see :func:`etl.sources.read_table`."""
        require_own_catalog(self.workspace, catalog_id)
        return read_table(
            self,
            database,
            table_name,
            predicate=push_down_predicate,
            options=additional_options or {},
            ctx=transformation_ctx,
        )

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | str | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
    ) -> DynamicFrame:
        """Objects on S3 as a DynamicFrame: see :func:`etl.sources.read_s3`."""
        if connection_type != "s3":
            raise refuse_jdbc(f"The connection type {connection_type}")
        if push_down_predicate:
            raise UnsupportedError("push_down_predicate is supported for catalog tables only.")
        if not format:
            raise UsageError("The connection type s3 needs a format: csv, json or parquet.")
        return read_s3(self, format, connection_options or {}, parse_options(format_options), transformation_ctx)

    def create_data_frame_from_catalog(
        self,
        database: str,
        table_name: str,
        transformation_ctx: str = "",
        additional_options: Mapping[str, Any] | None = None,
        push_down_predicate: str = "",
    ) -> DataFrame:
        """A catalog table as a Spark DataFrame."""
        return read_table(
            self,
            database,
            table_name,
            predicate=push_down_predicate,
            options=additional_options or {},
            ctx=transformation_ctx,
        ).toDF()

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
        return DynamicFrame(frame, self, transformation_ctx or name)

    # -- sinks --------------------------------------------------------------------------------------------------

    def getSink(
        self,
        connection_type: str,
        format: str | None = None,
        transformation_ctx: str = "",
        **options: Any,
    ) -> S3Sink:
        """A sink to configure and write to: see :class:`etl.sinks.S3Sink` for its options."""
        if connection_type != "s3":
            raise refuse_jdbc(f"The connection type {connection_type}")
        sink = S3Sink.of_options(self, options)
        if format:
            sink.setFormat(format)
        return sink

    def write_dynamic_frame_from_catalog(
        self,
        frame: DynamicFrame,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Mapping[str, Any] | None = None,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """Append a frame to a table that is in the catalog: see :func:`etl.sinks.table_sink`."""
        require_own_catalog(self.workspace, catalog_id)
        return table_sink(self, database, table_name, additional_options or {}).writeFrame(frame)

    def write_dynamic_frame_from_options(
        self,
        frame: DynamicFrame,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | str | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Append a frame to a folder on S3, without the catalog."""
        if connection_type != "s3":
            raise refuse_jdbc(f"The connection type {connection_type}")
        sink = S3Sink.of_options(self, connection_options or {})
        sink.setFormat(format or "parquet", **parse_options(format_options))
        return sink.writeFrame(frame)

    # -- purges -------------------------------------------------------------------------------------------------

    def purge_table(
        self,
        catalog_id: str | None = None,
        database: str = "",
        table_name: str = "",
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
    ) -> None:
        """Remove a table's objects that are older than ``retentionPeriod`` hours (168 unless given), in the partitions
        of ``partitionPredicate`` or in all. Nobody sees it before the run's next write to the table, or Job.commit.
        """
        require_own_catalog(self.workspace, catalog_id)
        hours, predicate = _purge_options(options)
        table = CatalogTable.get(self.workspace, database, table_name)
        folders = [table.location]
        if predicate:
            from etl.sources import matching_partitions

            folders = [part.location for part in matching_partitions(self, table, predicate)]
        self.purges.purge(table.location, folders, (database.lower(), table_name.lower()), hours)

    def purge_s3_path(
        self, s3_path: str, options: Mapping[str, Any] | None = None, transformation_ctx: str = ""
    ) -> None:
        """Remove the objects below a folder that are older than ``retentionPeriod`` hours (168 unless given).

        Nobody sees it before the run's next write to that folder, or ``Job.commit``.
        """
        hours, predicate = _purge_options(options)
        if predicate:
            raise UnsupportedError("purge_s3_path does not support partitionPredicate: use purge_table.")
        folder = s3_path.rstrip("/") + "/"
        self.purges.purge(folder, [folder], None, hours)


def _purge_options(options: Mapping[str, Any] | None) -> tuple[float, str]:
    given = dict(options or {})
    refuse_unknown(given, PURGE_OPTIONS, "A purge")
    return float(given.get("retentionPeriod", DEFAULT_RETENTION_HOURS)), str(given.get("partitionPredicate", ""))


class FrameReader:
    """``glueContext.create_dynamic_frame``."""

    def __init__(self, context: GlueContext) -> None:
        self.from_catalog = context.create_dynamic_frame_from_catalog
        self.from_options = context.create_dynamic_frame_from_options
        self.from_rdd = context.create_dynamic_frame_from_rdd


class DataFrameReader:
    """``glueContext.create_data_frame``."""

    def __init__(self, context: GlueContext) -> None:
        self.from_catalog = context.create_data_frame_from_catalog


class FrameWriter:
    """``glueContext.write_dynamic_frame``."""

    def __init__(self, context: GlueContext) -> None:
        self.from_catalog = context.write_dynamic_frame_from_catalog
        self.from_options = context.write_dynamic_frame_from_options

    def from_jdbc_conf(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Not supported."""
        raise refuse_jdbc("write_dynamic_frame.from_jdbc_conf")


class DataFrameWriter:
    """``glueContext.write_data_frame``."""

    def __init__(self, context: GlueContext) -> None:
        self._context = context

    def from_catalog(
        self,
        frame: DataFrame,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Mapping[str, Any] | None = None,
        catalog_id: str | None = None,
    ) -> DataFrame:
        """Append a DataFrame to a table that is in the catalog; returns it."""
        require_own_catalog(self._context.workspace, catalog_id)
        table_sink(self._context, database, table_name, additional_options or {}).write_rows(frame)
        return frame
