"""Iceberg and Delta tables of the catalog as sources and sinks, by the formats' own runtimes in Spark.

A job asks for one by ``--datalake-formats`` (AWS Glue Developer Guide, "Using the Iceberg framework in AWS Glue" and
"Using the Delta Lake framework in AWS Glue"). A write is a commit of the format's: visible as a whole, or not at all.
What Lake Formation lets a run read of a table, the metastore shows it (catalog/hive/views.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.data.table_formats import DELTA, ICEBERG, TITLES, refuse_as_files, table_format
from lakelet.etl.choices import refuse_undecided
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.sail.engine import spark_only
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext
    from lakelet.etl.tables import CatalogTable

# The catalogs by which Spark knows a format's tables; the first one that is there. Beside Delta, Iceberg has the other.
_CATALOGS = {
    ICEBERG: {
        "spark_catalog": "org.apache.iceberg.spark.SparkSessionCatalog",
        "glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
    },
    DELTA: {"spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog"},
}
# AWS has both choose Spark's reader instead of its own; there is no other here.
WITHOUT_EFFECT = frozenset({"useSparkDataSource", "useCatalogSchema"})


def is_open(table: CatalogTable) -> bool:
    """Whether a table of the catalog is of an open table format: its files are not its rows."""
    return bool(table_format(table.definition))


def kind_of(table: CatalogTable) -> str:
    """What an open table is: "a Delta table"."""
    return TITLES[table_format(table.definition)]


def read_open_table(context: GlueContext, table: CatalogTable, options: Mapping[str, Any], ctx: str) -> DynamicFrame:
    """The table as it is now. Raises UnsupportedError for an option that is not known, UsageError for a job that has
    not asked for the format."""
    refuse_unknown(dict(options), WITHOUT_EFFECT, f"{table}, which is {kind_of(table)},")
    return DynamicFrame(context.spark_session.table(_name(context, table)), context, ctx)


@dataclass(frozen=True)
class OpenTableSink:
    """Rows appended to a table, columns matched by name. ``name`` is the table's in Spark."""

    context: GlueContext
    table: CatalogTable
    name: str

    @classmethod
    def of_table(cls, context: GlueContext, table: CatalogTable, options: Mapping[str, Any]) -> OpenTableSink:
        """For a table of the catalog. Raises as :func:`read_open_table`."""
        refuse_unknown(dict(options), WITHOUT_EFFECT, f"Writing to {table}, which is {kind_of(table)},")
        return cls(context, table, _name(context, table))

    def setFormat(self, format: str, **options: Any) -> None:
        """Refused: the table says how its files are written."""
        raise UnsupportedError(f"{self.table} is {kind_of(self.table)} and takes no format: leave {format} out.")

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
        current.writeTo(self.name).append()
        self.context.scans.published()


def _name(context: GlueContext, table: CatalogTable) -> str:
    """The table's name in Spark, with the catalog that has it. Raises UsageError for a job without the format."""
    wanted = table_format(table.definition)
    if wanted not in _CATALOGS:
        refuse_as_files(table.definition, str(table))
    spark_only(f"Reading and writing {table}, {kind_of(table)},")
    conf = context.spark_session.conf
    for catalog, implementation in _CATALOGS[wanted].items():
        if conf.get(f"spark.sql.catalog.{catalog}", "") == implementation:
            return f"`{catalog}`.`{table.database}`.`{table.name}`"
    raise UsageError(f"{table} is {kind_of(table)}: give the job the argument --datalake-formats {wanted}.")
