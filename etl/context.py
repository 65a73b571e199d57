"""GlueContext: what a Glue script reads and writes through (AWS Glue Developer Guide, "GlueContext class").

What it reads and writes is :mod:`lakelet.etl.reading` and :mod:`lakelet.etl.writing`; the connections are
:mod:`lakelet.etl.connection_types`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from lakelet.data.zones import plain_slashes
from lakelet.etl import spark_writes
from lakelet.etl.batches import for_each_batch, with_ingestion_time
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.jdbc import extract_jdbc_conf
from lakelet.etl.options import number
from lakelet.etl.purges import DEFAULT_RETENTION_HOURS, Purges
from lakelet.etl.reading import DataFrameReader, FrameReader, Reading, SampleReader
from lakelet.etl.sail import engine
from lakelet.etl.scans import Scans
from lakelet.etl.selection import listed
from lakelet.etl.session import record_application, session_of
from lakelet.etl.sources import matching_partitions
from lakelet.etl.tables import CatalogTable, require_own_catalog
from lakelet.etl.transformation_contexts import PURGES, record
from lakelet.etl.writing import DataFrameWriter, FrameWriter, Writing
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame, SparkSession

# AWS's class is Spark's SQLContext as well, and scripts use it as one.
_OF_THE_SESSION = frozenset({"createDataFrame", "newSession", "range", "read", "readStream", "sql", "table", "udf"})
_OF_THE_CONTEXT = frozenset({"_jsc", "_jvm"})

PURGE_OPTIONS = frozenset({"retentionPeriod", "partitionPredicate", "excludeStorageClasses"})


class GlueContext(Reading, Writing):
    """The entry point of a Glue script, around its SparkContext."""

    _latest: ClassVar[GlueContext | None] = None

    def __init__(self, sparkContext: SparkContext | SparkSession | GlueContext, **options: Any) -> None:
        """``sparkContext`` may be a session, or another GlueContext, with which this one shares its purges."""
        if options:
            raise UnsupportedError(f"GlueContext does not support {', '.join(sorted(options))}: remove it.")
        other = sparkContext if isinstance(sparkContext, GlueContext) else None
        spark_context = _spark_context(sparkContext)
        self.workspace = Workspace.find()
        self.spark_context = spark_context
        self.spark_session = session_of(spark_context)
        self.purges: Purges = other.purges if other else Purges(self.workspace)
        self.scans: Scans = other.scans if other else Scans()
        self.create_dynamic_frame = FrameReader(self)
        self.create_sample_dynamic_frame = SampleReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = FrameWriter(self)
        self.write_data_frame = DataFrameWriter(self)
        record_application(self.workspace, spark_context)
        engine.after_actions(self.scans.require_objects)
        if not engine.active():
            spark_writes.install()
        GlueContext._latest = self

    @classmethod
    def getOrCreate(cls, sc: SparkContext | SparkSession | GlueContext) -> GlueContext:
        """The GlueContext that was made last, if it is around this SparkContext, else a new one."""
        latest = GlueContext._latest
        return latest if latest is not None and latest.spark_context is _spark_context(sc) else cls(sc)

    def __getattr__(self, name: str) -> Any:
        if name in _OF_THE_SESSION:
            return getattr(self.spark_session, name)
        if name in _OF_THE_CONTEXT:
            engine.spark_only(f"GlueContext.{name}")
            return getattr(self.spark_context, name)
        raise AttributeError(f"GlueContext has no {name}.")

    def get_logger(self) -> logging.Logger:
        """A logger that writes to the run's stderr, with debug, info, warn and error like Glue's."""
        logger = logging.getLogger("glue")
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
            vars(logger)["warn"] = logger.warning  # Glue's name for it, which Python warns of
        return logger

    def extract_jdbc_conf(self, connection_name: str, catalog_id: str | None = None) -> dict[str, Any]:
        """How a connection of the catalog is reached: see :func:`lakelet.etl.jdbc.extract_jdbc_conf`."""
        require_own_catalog(self.workspace, catalog_id)
        return extract_jdbc_conf(self.workspace, connection_name)

    # -- streams ------------------------------------------------------------------------------------------------

    def forEachBatch(
        self, frame: DataFrame, batch_function: Callable[[DataFrame, int], object], options: Mapping[str, Any]
    ) -> None:
        """Call a function with every micro-batch of a stream: see :func:`lakelet.etl.batches.for_each_batch`."""
        for_each_batch(frame, batch_function, options)

    def add_ingestion_time_columns(self, dataFrame: DataFrame, timeGranularity: str = "") -> DataFrame:
        """The rows with ``ingest_year`` to ``ingest_hour``: see :func:`lakelet.etl.batches.with_ingestion_time`."""
        return with_ingestion_time(dataFrame, timeGranularity)

    # -- purges -------------------------------------------------------------------------------------------------

    def purge_table(
        self,
        catalog_id: str | None = None,
        database: str = "",
        table_name: Any = "",
        options: Any = None,
        transformation_ctx: str = "",
    ) -> None:
        """Remove a table's objects that are older than ``retentionPeriod`` hours (168 unless given), in the partitions
        of ``partitionPredicate`` or in all. Nobody sees it before the run's next write to the table, or Job.commit.

        AWS documents two orders of the parameters: the other one is ``(database, table_name, options)``.
        """
        if catalog_id and database and not (table_name and isinstance(table_name, str)):
            if isinstance(options, str):  # the place of transformation_ctx in that order
                transformation_ctx, options = options, None
            database, table_name, options, catalog_id = catalog_id, database, table_name or options, None
        require_own_catalog(self.workspace, catalog_id)
        hours, predicate, classes = _purge_options(options)
        table = CatalogTable.get(self.workspace, database, table_name)
        record(self.workspace, transformation_ctx, PURGES, str(table))
        folders = [table.location]
        if predicate:
            folders = [part.location for part in matching_partitions(self, table, predicate)]
        self.purges.purge(table.location, folders, (database.lower(), table_name.lower()), hours, classes)

    def purge_s3_path(
        self, s3_path: str, options: Mapping[str, Any] | None = None, transformation_ctx: str = ""
    ) -> None:
        """Remove the objects below a folder that are older than ``retentionPeriod`` hours (168 unless given).

        Nobody sees it before the run's next write to that folder, or ``Job.commit``.
        """
        hours, predicate, classes = _purge_options(options)
        if predicate:
            raise UnsupportedError("purge_s3_path does not support partitionPredicate: use purge_table.")
        folder = plain_slashes(s3_path).rstrip("/") + "/"
        record(self.workspace, transformation_ctx, PURGES, folder)
        self.purges.purge(folder, [folder], None, hours, classes)

    # -- refused ------------------------------------------------------------------------------------------------

    def transition_table(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: the object store has no storage classes to move objects to."""
        raise _without_storage_classes("transition_table")

    def transition_s3_path(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: the object store has no storage classes to move objects to."""
        raise _without_storage_classes("transition_s3_path")

    def start_transaction(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: AWS has ended governed tables, and a sink's write is one transaction anyway."""
        raise _without_transactions("start_transaction")

    def commit_transaction(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: AWS has ended governed tables, and a sink's write is one transaction anyway."""
        raise _without_transactions("commit_transaction")

    def cancel_transaction(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: AWS has ended governed tables, and a sink's write is one transaction anyway."""
        raise _without_transactions("cancel_transaction")


def _spark_context(given: Any) -> SparkContext:
    """The SparkContext of what a GlueContext is made of."""
    if isinstance(given, GlueContext):
        return given.spark_context
    context: SparkContext = given.sparkContext if type(given).__name__ == "SparkSession" else given  # Connect's, too
    return context


def _without_storage_classes(method: str) -> UnsupportedError:
    return UnsupportedError(
        f"{method} is not supported: the object store here has no storage classes; remove the call."
    )


def _without_transactions(method: str) -> UnsupportedError:
    return UnsupportedError(
        f"{method} is not supported: governed tables are no more, and every write of a sink is a transaction already."
    )


def _purge_options(options: Mapping[str, Any] | None) -> tuple[float, str, frozenset[str]]:
    """Hours, predicate and the storage classes to keep; AWS's manifestFilePath is refused."""
    given = dict(options or {})
    refuse_unknown(given, PURGE_OPTIONS, "A purge")
    hours = number(given, "retentionPeriod", DEFAULT_RETENTION_HOURS)
    return hours, str(given.get("partitionPredicate", "")), frozenset(listed(given, "excludeStorageClasses"))
