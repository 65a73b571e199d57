"""Iceberg tables of the catalog as sources and sinks, by Iceberg's own runtime in Spark.

A job asks for it by ``--datalake-formats iceberg`` (AWS Glue Developer Guide, "Using the Iceberg framework in AWS
Glue"). A write is a commit of Iceberg's: visible as a whole, or not at all. What Lake Formation lets a run read of a
table, the metastore shows it (catalog/hive/views.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl.choices import refuse_undecided
from etl.dynamicframe import DynamicFrame
from etl.errors import UnsupportedError, refuse_unknown
from etl.sail.engine import spark_only
from workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from etl.context import GlueContext
    from etl.tables import CatalogTable

_CATALOG = "spark.sql.catalog.spark_catalog"
_SESSION = "org.apache.iceberg.spark.SparkSessionCatalog"
# AWS has both choose Spark's reader instead of its own; there is no other here.
OPTIONS = frozenset({"useSparkDataSource", "useCatalogSchema"})


def is_iceberg(table: CatalogTable) -> bool:
    """Whether a table of the catalog is an Iceberg table."""
    return table.parameters.get("table_type", "").upper() == "ICEBERG"


def read_iceberg_table(context: GlueContext, table: CatalogTable, options: Mapping[str, Any], ctx: str) -> DynamicFrame:
    """The table's current snapshot. Raises UnsupportedError for an option that is not known, UsageError for a job that
    has not asked for Iceberg."""
    refuse_unknown(dict(options), OPTIONS, f"{table}, which is an Iceberg table,")
    _check_asked_for(context, table)
    return DynamicFrame(context.spark_session.table(_name(table)), context, ctx)


@dataclass(frozen=True)
class IcebergSink:
    """Rows appended to an Iceberg table, columns matched by name."""

    context: GlueContext
    table: CatalogTable

    @classmethod
    def of_table(cls, context: GlueContext, table: CatalogTable, options: Mapping[str, Any]) -> IcebergSink:
        """For an Iceberg table of the catalog. Raises as :func:`read_iceberg_table`."""
        refuse_unknown(dict(options), OPTIONS, f"Writing to {table}, which is an Iceberg table,")
        _check_asked_for(context, table)
        return cls(context, table)

    def setFormat(self, format: str, **options: Any) -> None:
        """Refused: the table says how its files are written."""
        raise UnsupportedError(f"An Iceberg table takes no format, and {format} was given: leave it out.")

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Refused: the table is in the catalog."""
        raise UnsupportedError(f"{self.table} is in the catalog already: leave setCatalogInfo out.")

    def writeFrame(self, frame: DynamicFrame) -> DynamicFrame:
        """Append a frame; returns it. Raises UsageError for a choice that nobody resolved."""
        self.write_rows(frame.toDF())
        return frame

    def write_rows(self, rows: DataFrame) -> None:
        """Append a DataFrame. Raises UsageError for a choice that nobody resolved."""
        current = self.context.scans.current(refuse_undecided(rows))
        current.writeTo(_name(self.table)).append()
        self.context.scans.published()


def _name(table: CatalogTable) -> str:
    return f"`{table.database}`.`{table.name}`"


def _check_asked_for(context: GlueContext, table: CatalogTable) -> None:
    spark_only(f"Reading and writing {table}, an Iceberg table,")
    if context.spark_session.conf.get(_CATALOG, "") != _SESSION:
        raise UsageError(f"{table} is an Iceberg table: give the job the argument --datalake-formats iceberg.")
