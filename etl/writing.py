"""The half of GlueContext that writes (AWS Glue Developer Guide, "GlueContext class", Writing)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from lakelet.etl.collection import DynamicFrameCollection
from lakelet.etl.connection_types import Sink, parse_options, sink_to, sink_to_table
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.tables import require_own_catalog

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.workspace.paths import Workspace

Options = Mapping[str, Any]
FrameOrCollection = TypeVar("FrameOrCollection", DynamicFrame, DynamicFrameCollection)


class Writing:
    """What :class:`~lakelet.etl.context.GlueContext` writes frames with."""

    workspace: Workspace

    def getSink(
        self,
        connection_type: str,
        format: str | None = None,
        transformation_ctx: str = "",
        **options: Any,
    ) -> Sink:
        """A sink to configure and write to: see :class:`lakelet.etl.connection_types.Sink`."""
        sink = sink_to(self._context, connection_type, options, transformation_ctx)
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
        additional_options: Options | None = None,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """Append a frame to a table that is in the catalog: see :func:`lakelet.etl.connection_types.sink_to_table`."""
        require_own_catalog(self.workspace, catalog_id)
        options = additional_options or {}
        return sink_to_table(self._context, database, table_name, options, transformation_ctx).writeFrame(frame)

    def write_data_frame_from_catalog(
        self,
        frame: DataFrame,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Options | None = None,
        catalog_id: str | None = None,
    ) -> DataFrame:
        """Append a DataFrame to a table that is in the catalog; returns it."""
        require_own_catalog(self.workspace, catalog_id)
        options = additional_options or {}
        sink_to_table(self._context, database, table_name, options, transformation_ctx).write_rows(frame)
        return frame

    def write_dynamic_frame_from_options(
        self,
        frame: DynamicFrame,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | str | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Append a frame to what lies behind a connection, without the catalog."""
        sink = self._sink(connection_type, connection_options, format, format_options, transformation_ctx)
        return sink.writeFrame(frame)

    def write_data_frame_from_options(
        self,
        frame: DataFrame,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | str | None = None,
        transformation_ctx: str = "",
    ) -> DataFrame:
        """Append a DataFrame to what lies behind a connection; returns it."""
        self._sink(connection_type, connection_options, format, format_options, transformation_ctx).write_rows(frame)
        return frame

    def write_from_options(
        self,
        frame_or_dfc: FrameOrCollection,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | str | None = None,
        transformation_ctx: str = "",
    ) -> FrameOrCollection:
        """The same for a frame or for every frame of a collection, one after the other, to the same place."""
        for frame in _frames(frame_or_dfc):
            sink = self._sink(connection_type, connection_options, format, format_options, transformation_ctx)
            sink.writeFrame(frame)
        return frame_or_dfc

    def write_dynamic_frame_from_jdbc_conf(
        self,
        frame: DynamicFrame,
        catalog_connection: str,
        connection_options: Options | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """Append a frame to a table of the database that a connection of the catalog leads to."""
        return self.write_from_jdbc_conf(
            frame, catalog_connection, connection_options, redshift_tmp_dir, transformation_ctx, catalog_id
        )

    def write_from_jdbc_conf(
        self,
        frame_or_dfc: FrameOrCollection,
        catalog_connection: str,
        connection_options: Options | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> FrameOrCollection:
        """The same for a frame or for every frame of a collection."""
        require_own_catalog(self.workspace, catalog_id)
        options = {
            **(connection_options or {}),
            "useConnectionProperties": "true",
            "connectionName": catalog_connection,
        }
        for frame in _frames(frame_or_dfc):
            sink_to(self._context, "jdbc", options, transformation_ctx).writeFrame(frame)
        return frame_or_dfc

    def _sink(
        self,
        connection_type: str,
        options: Options | None,
        format: str | None,
        format_options: Options | str | None,
        ctx: str,
    ) -> Sink:
        sink = sink_to(self._context, connection_type, options or {}, ctx)
        formatted = parse_options(format_options)
        if format or formatted:
            sink.setFormat(format or "", **formatted)
        return sink

    @property
    def _context(self) -> Any:
        return self


def _frames(frame_or_dfc: DynamicFrame | DynamicFrameCollection) -> list[DynamicFrame]:
    return list(frame_or_dfc.values()) if isinstance(frame_or_dfc, DynamicFrameCollection) else [frame_or_dfc]


class FrameWriter:
    """``glueContext.write_dynamic_frame``."""

    def __init__(self, context: Writing) -> None:
        self.from_catalog = context.write_dynamic_frame_from_catalog
        self.from_options = context.write_dynamic_frame_from_options
        self.from_jdbc_conf = context.write_dynamic_frame_from_jdbc_conf


class DataFrameWriter:
    """``glueContext.write_data_frame``."""

    def __init__(self, context: Writing) -> None:
        self.from_catalog = context.write_data_frame_from_catalog
        self.from_options = context.write_data_frame_from_options
