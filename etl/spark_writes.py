"""``DataFrame.write`` in a Glue script on Spark: what goes to files on S3 is published
(:mod:`lakelet.etl.frame_writes`).

Python's DataFrameWriter hands all that it is told to a writer of the JVM; ours stands between the two.
"""

from __future__ import annotations

from typing import Any

from lakelet.data.zones import S3
from lakelet.etl.frame_writes import OVERWRITE_MODE, is_dynamic, is_staging, publish_write
from lakelet.etl.publishing import committer
from lakelet.workspace.paths import Workspace

FORMATS = frozenset({"parquet", "csv", "json", "text", "orc", "avro", "xml"})


def install() -> None:
    """Stand behind every ``DataFrame.write`` of this process; done again, nothing happens."""
    from pyspark.sql.readwriter import DataFrameWriter

    original: Any = DataFrameWriter.__init__
    if original.__module__ == __name__:
        return

    def init(self: Any, df: Any) -> None:
        original(self, df)
        self._jwrite = _Writer(self._jwrite, df)

    DataFrameWriter.__init__ = init  # type: ignore[method-assign]


class _Writer:
    """A writer of the JVM, but for where it saves to files on S3."""

    def __init__(self, java: Any, rows: Any) -> None:
        self._java = java
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._java, name)
        if name in FORMATS:
            return lambda path: self.format(name).save(path)

        def called(*arguments: Any) -> Any:
            answer = member(*arguments)
            is_writer = "DataFrameWriter" in str(answer.getClass().getName()) if hasattr(answer, "getClass") else False
            return _Writer(answer, self._rows) if is_writer else answer

        return called

    def save(self, *paths: str) -> None:
        """``save()`` takes its path from the options."""
        told = self._java.extraOptions()
        path = paths[0] if paths else _option(told, "path")
        bucketed = self._java.bucketColumnNames().isDefined() or self._java.clusteringColumns().isDefined()
        if self._java.source().lower() not in FORMATS or bucketed or not path.startswith(S3) or is_staging(path):
            self._java.save(*paths)
            return
        keys = self._java.partitioningColumns()
        by_partitions = keys.isDefined() and is_dynamic(_option(told, OVERWRITE_MODE), self._rows.sparkSession)
        mode = str(self._java.curmode().toString()).lower()
        publish_write(Workspace.find(), path, mode, by_partitions, self._stage)

    def _stage(self, folder: str) -> None:
        # By a writer of its own: the script's may be used again, and for another place.
        options = getattr(self._java.extraOptions(), "$minus")("path")
        fresh = self._rows._jdf.write().format(self._java.source()).options(options).mode("error")
        keys = self._java.partitioningColumns()
        if keys.isDefined():
            fresh = fresh.partitionBy(keys.get())
        for name, value in committer().items():
            fresh = fresh.option(name, value)
        fresh.save(folder)


def _option(told: Any, name: str) -> str:
    found = told.get(name)
    return str(found.get()) if found.isDefined() else ""
