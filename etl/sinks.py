"""Sinks: rows staged by Spark, then published at once with their table and partitions (docs/architecture.md).

Writing appends, as Glue does; what the run purged before at the same place is removed by the same publish.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from pyspark.sql import types as T

from lakelet.data.formats import CSV, PARQUET, DataFormat, storage_descriptor
from lakelet.data.partitions import parse_partition_path
from lakelet.data.zones import plain_slashes, split_uri, uri
from lakelet.etl.choices import refuse_empty_structs, refuse_undecided
from lakelet.etl.dynamicframe import DynamicFrame, require_fields
from lakelet.etl.errors import refuse_unknown
from lakelet.etl.file_formats import dialect_options, writable, write, written_dialect
from lakelet.etl.glue_types import hive_name
from lakelet.etl.options import flag
from lakelet.etl.publishing import Publication, committer
from lakelet.etl.sail.writing import require_codec, require_types
from lakelet.etl.tables import CatalogTable, require_own_catalog
from lakelet.workspace.errors import PublishError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext

UPDATE, LOG = "UPDATE_IN_DATABASE", "LOG"
SINK_OPTIONS = frozenset({"path", "partitionKeys", "enableUpdateCatalog", "updateBehavior", "compression"})
OF_PLACE = frozenset({"path", "compression"})  # what a table of the catalog has said already
# What dialect_of reads: of an older definition nothing may stay that says otherwise than this write does.
_DIALECT = (
    "skip.header.line.count",
    "separatorChar",
    "field.delim",
    "delimiter",
    "quoteChar",
    "escapeChar",
    "escape.delim",
)


@dataclass
class S3Sink:
    """Where a frame goes. Glue's sink object: configured by its ``set…`` methods, then :meth:`writeFrame`.

    ``partition_keys`` become folders ``key=value``. With ``update_catalog`` the table (``set CatalogInfo``) and the
    partitions written are registered; ``update_behavior`` says whether a table's columns may change (AWS's
    UPDATE_IN_DATABASE) or only partitions are added (LOG).
    """

    context: GlueContext
    path: str
    partition_keys: Sequence[str] = ()
    update_catalog: bool = False
    update_behavior: str = UPDATE
    table: tuple[str, str] | None = None
    format: DataFormat | None = None
    format_options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_options(cls, context: GlueContext, options: Mapping[str, Any]) -> S3Sink:
        """A sink as ``getSink`` describes it. Raises UsageError, UnsupportedError for an option that is not known."""
        refuse_unknown(dict(options), SINK_OPTIONS, "The s3 sink")
        if not options.get("path"):
            raise UsageError("The s3 sink needs a path: path='s3://bucket/folder/'.")
        behavior = options.get("updateBehavior", UPDATE)
        if behavior not in (UPDATE, LOG):
            raise UsageError(f"updateBehavior is {behavior!r}: use {UPDATE} or {LOG}.")
        compression = {"compression": options["compression"]} if options.get("compression") else {}
        return cls(
            context,
            plain_slashes(str(options["path"])).rstrip("/") + "/",
            list(options.get("partitionKeys") or ()),
            flag(options, "enableUpdateCatalog"),
            behavior,
            format_options=compression,
        )

    @classmethod
    def of_table(cls, context: GlueContext, table: CatalogTable, options: Mapping[str, Any]) -> S3Sink:
        """The sink of an existing table: its folder and its format, as ``write_dynamic_frame.from_catalog`` writes.

        ``options`` are AWS's additional_options: ``partitionKeys``, ``enableUpdateCatalog``, ``updateBehavior``.
        Raises UsageError when a partitioned table is to be written without its keys.
        """
        refuse_unknown(dict(options), SINK_OPTIONS - OF_PLACE, "write_dynamic_frame.from_catalog")
        sink = cls.of_options(context, {"path": table.location, **options})
        expected = [key for key, _ in table.partition_keys]
        if [key.lower() for key in sink.partition_keys] != [key.lower() for key in expected]:
            raise UsageError(
                f"{table} is partitioned by {expected}: give additional_options={{'partitionKeys': {expected}}}."
            )
        sink.setFormat(table.format.name, **(dialect_options(table.dialect) if table.format is CSV else {}))
        sink.setCatalogInfo(catalogDatabase=table.database, catalogTableName=table.name)
        return sink

    def setFormat(self, format: str, **options: Any) -> None:
        """Choose the format (parquet, glueparquet, json, csv, orc, avro) and its options."""
        self.format = writable(format, options)
        self.format_options = {**self.format_options, **options}

    def setCatalogInfo(
        self,
        catalogDatabase: str,
        catalogTableName: str,
        catalogId: str = "",
    ) -> None:
        """Say which table the data belongs to; it is created or updated when ``enableUpdateCatalog`` is true.

        Raises EntityNotFoundException for the catalog of another account.
        """
        require_own_catalog(self.context.workspace, catalogId)
        self.table = (catalogDatabase.lower(), catalogTableName.lower())

    def writeFrame(self, frame: DynamicFrame) -> DynamicFrame:
        """Write and publish a frame; returns it. Raises UsageError for a choice that nobody resolved."""
        self.write_rows(frame.toDF())
        return frame

    def write_rows(self, rows: DataFrame) -> None:
        """Write and publish a DataFrame: all of it is visible at the end, or nothing.

        Raises ConcurrentModificationException when another run published to the table meanwhile, PublishError when
        the data could not be written; a purge that was to be part of it is then done by the next write instead.
        """
        one = self.format or PARQUET
        rows = refuse_undecided(rows)
        refuse_empty_structs(rows.schema)
        require_fields(rows, self.partition_keys, f"partitionKeys of the sink to {self.path}")
        if twice := [name for name, times in Counter(name.lower() for name in rows.columns).items() if times > 1]:
            raise UsageError(f"The rows have more than one column {', '.join(twice)}: rename or drop all but one.")
        registered = self.table if self.update_catalog else None
        if self.update_catalog and self.table is None:
            raise UsageError("enableUpdateCatalog needs setCatalogInfo(catalogDatabase=…, catalogTableName=…).")
        require_codec(one.spark, self.format_options)  # before anything is begun
        require_types(one.spark, rows.schema)
        publication = self.context.purges.take(self.path, self.table)
        try:
            folder = self.context.scans.run(rows, lambda now: self._stage(now, one, publication), self.path)
            add = publication.moves(folder, as_sink=True)
            table_input, partitions = None, []
            if registered:
                table_input = self._table_input(rows.schema, one)
                partitions = _partition_inputs(self.path, [target for _, target in add], table_input, rows, one)
            publication.commit(add, partitions=partitions, table_input=table_input)
        except BaseException:
            self.context.purges.give_up(publication)
            raise
        self.context.scans.published()

    def _stage(self, rows: DataFrame, one: DataFormat, publication: Publication) -> str:
        """Write to a folder of the staging that nothing was written to before; returns its name, ending in ``/``."""
        folder = f"data-{token_hex(4)}/"
        write(rows, one, self.format_options, self.partition_keys, publication.folder(folder), committer())
        return folder

    def _table_input(self, schema: T.StructType, one: DataFormat) -> dict[str, Any]:
        """The table as it will be registered; with LOG an existing table keeps its definition."""
        assert self.table is not None  # noqa: S101 - asked by write_rows
        found = CatalogTable.find(self.context.workspace, *self.table)
        keys = {key.lower() for key in self.partition_keys}
        columns = [
            {"Name": f.name.lower(), "Type": hive_name(f.dataType)} for f in schema.fields if f.name.lower() not in keys
        ]
        by_name = {f.name.lower(): hive_name(f.dataType) for f in schema.fields}
        if found is not None and self.update_behavior == LOG:
            extra = sorted(by_name.keys() - found.types.keys())
            if extra:
                raise UsageError(f"{found} has no column {', '.join(extra)} and updateBehavior LOG adds none.")
            columns = [{"Name": name, "Type": kind} for name, kind in found.columns]
        parameters = dict(found.definition.get("Parameters", {})) if found else {}
        for name in _DIALECT:
            parameters.pop(name, None)
        serde: dict[str, str] = {}
        if one is CSV:
            dialect = written_dialect(self.format_options)
            serde = {"field.delim": dialect.delimiter, "quoteChar": dialect.quote, "escapeChar": dialect.escape}
            if dialect.header_lines:
                parameters["skip.header.line.count"] = "1"
        description = (
            {"Description": found.definition["Description"]} if found and "Description" in found.definition else {}
        )
        return {
            "Name": self.table[1],
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {**parameters, "classification": one.name, "EXTERNAL": "TRUE"},
            "PartitionKeys": [{"Name": key.lower(), "Type": by_name[key.lower()]} for key in self.partition_keys],
            "StorageDescriptor": storage_descriptor(one, columns, self.path, serde_parameters=serde),
            **description,
        }


def _partition_inputs(
    location: str, targets: Sequence[str], table_input: Mapping[str, Any], rows: DataFrame, one: DataFormat
) -> list[dict[str, Any]]:
    keys = table_input.get("PartitionKeys", [])
    if not keys:
        return []
    bucket, prefix = split_uri(location)
    descriptor = table_input["StorageDescriptor"]
    found: dict[tuple[str, ...], str] = {}
    for target in targets:
        pairs = parse_partition_path(target.removeprefix(prefix))[: len(keys)]
        if len(pairs) != len(keys):
            raise PublishError(f"{uri(bucket, target)} lies in no partition of {table_input['Name']}.")
        found[tuple(value for _, value in pairs)] = target.removeprefix(prefix).rsplit("/", 1)[0]
    return [
        {"Values": list(values), "StorageDescriptor": {**descriptor, "Location": f"{location}{folder}/"}}
        for values, folder in found.items()
    ]
