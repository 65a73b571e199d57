"""``spark.sql``, ``spark.table`` and ``spark.read.table`` over the catalog's tables of Parquet and CSV on Sail, whose
own catalog is empty. A statement reads a table in one of its states, with what Lake Formation lets the run see of it,
as ``from_catalog`` does (:mod:`lakelet.etl.sources`); what it makes of it is Sail's work.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from lakelet.etl.context import GlueContext
from lakelet.etl.sail import engine, statements
from lakelet.etl.sail.catalog_tables import Name, csv_options, names_of, of_name, why_not, with_views
from lakelet.etl.sources import read_table
from lakelet.etl.tables import CatalogTable
from lakelet.workspace.errors import EntityNotFoundException

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_AS_SPARK_LISTS = {"recurse": False}  # what lies in folders of a table's folder is no row of it


def install() -> None:
    """Stand before what names tables, once Sail has been started."""
    from pyspark.sql.connect.catalog import Catalog
    from pyspark.sql.connect.readwriter import DataFrameReader

    table: Any = DataFrameReader.table
    exists: Any = Catalog.tableExists
    numbers = count()

    @cache
    def context() -> GlueContext:
        from pyspark import SparkContext

        return GlueContext(SparkContext.getOrCreate())

    def view_of(name: Name) -> str:
        """A view of a table as it is now, which no other statement names."""
        view = f"_lakelet_{name[0]}_{name[1]}_{next(numbers)}"
        _rows(context(), name).createOrReplaceTempView(view)
        return view

    def of_reader(reader: Any, tableName: str) -> Any:
        if name := of_name(tableName):
            return _rows(context(), name).alias(name[1])
        return table(reader, tableName)

    def tableExists(catalog: Any, tableName: str, dbName: str | None = None) -> bool:
        if name := (dbName.lower(), tableName.lower()) if dbName else of_name(tableName):
            return CatalogTable.find(context().workspace, *name) is not None
        return bool(exists(catalog, tableName))

    statements.before_queries(lambda text: with_views(text, cache(view_of)))
    engine.replace(DataFrameReader, "table", of_reader)
    engine.replace(Catalog, "tableExists", tableExists)


def _rows(context: GlueContext, name: Name) -> DataFrame:
    """A table's rows. Raises AnalysisException where there is none, UnsupportedError for one that Spark reads
    otherwise, AccessDeniedException."""
    from pyspark.errors import AnalysisException

    try:
        table = CatalogTable.get(context.workspace, *name)
    except EntityNotFoundException:
        raise AnalysisException(
            f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `{name[0]}`.`{name[1]}` cannot be found."
        ) from None
    if why := why_not(table.definition):
        raise engine.refused(f"Reading {table} by spark.sql ({why})")
    rows = read_table(context, *name, options=_AS_SPARK_LISTS, csv=csv_options(table.definition)).toDF()
    spelled = {one.lower(): one for one in names_of(table.definition)}
    return rows.toDF(*(spelled[one.lower()] for one in rows.columns))  # those that the run may see
