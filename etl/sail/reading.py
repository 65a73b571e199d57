"""``spark.read`` on Sail: what it would leave out in silence is put right or refused.

Sail takes a path that is not there for one without rows, ignores ``basePath``, does not expand globs, and reads the
values of ``key=value`` folders as text, where Spark tells numbers and dates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.objects import list_objects, s3_client
from data.partitions import DEFAULT_PARTITION, parse_partition_path
from data.zones import split_uri
from etl.sail import engine
from workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FORMATS = frozenset({"parquet", "csv", "json", "text", "binaryFile"})
LISTED = "lakelet.listed"  # an option of our own reads, which name objects that they have listed
S3 = ("s3://", "s3a://", "s3n://")
REFUSED_OPTIONS = frozenset(
    {"basepath", "pathglobfilter", "modifiedbefore", "modifiedafter", "columnnameofcorruptrecord"}
)
_GLOB = re.compile(r"[*?\[{]")
# Types of partition values, in the order in which Spark tries them, and what each of them looks like.
_KINDS = (
    ("int", re.compile(r"[+-]?\d{1,9}")),
    ("bigint", re.compile(r"[+-]?\d{1,18}")),
    ("double", re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?")),
    ("date", re.compile(r"\d{4}-\d{2}-\d{2}")),
    ("timestamp", re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?")),
)


def install(workspace: Workspace) -> None:
    """Stand before DataFrameReader.load."""
    from pyspark.sql.connect.readwriter import DataFrameReader

    original = DataFrameReader.load

    def load(reader: Any, path: Any = None, format: str | None = None, schema: Any = None, **options: Any) -> DataFrame:
        paths = [path] if isinstance(path, str) else list(path or ())
        if format is not None:
            reader.format(format)
        reader.options(**options)
        if (reader._format or "parquet") not in FORMATS:
            raise engine.refused(f"Reading the format {reader._format}")
        if reader._options.pop(LISTED, ""):
            return original(reader, path=[local_path(one) for one in paths], schema=schema)
        checked = _check(workspace, reader._options, paths)
        rows = original(reader, path=[local_path(one) for one in paths], schema=schema)
        return rows if reader._schema else _typed(rows, checked)

    engine.replace(DataFrameReader, "load", load)


def listed(reader: Any) -> Any:
    """A DataFrameReader for objects that were listed before: they are not looked for again."""
    return reader.option(LISTED, "true") if engine.active() else reader


def _check(workspace: Workspace, options: dict[str, str], paths: Sequence[str]) -> list[str]:
    """The paths of the objects that will be read, relative to what was asked for."""
    if unknown := sorted(name for name in options if name.lower() in REFUSED_OPTIONS):
        raise engine.refused(f"The option {', '.join(unknown)} of spark.read")
    if options.get("mode", "").upper() == "DROPMALFORMED":
        raise engine.refused("The mode DROPMALFORMED of spark.read")
    if not paths:
        raise engine.refused("spark.read.load without a path")
    found: list[str] = []
    for path in paths:
        if _GLOB.search(path):
            raise engine.refused(f"The pattern {path} of spark.read")
        inside = _objects(workspace, path)
        if not inside:
            from pyspark.errors import AnalysisException

            raise AnalysisException(f"[PATH_NOT_FOUND] Path does not exist: {path}.")
        found += inside
    return found


def _objects(workspace: Workspace, path: str) -> list[str]:
    if path.startswith(S3):
        bucket, prefix = split_uri(path)
        listed = list_objects(s3_client(workspace), bucket, prefix)
        folder = prefix.rstrip("/") + "/"
        return [one.key.removeprefix(folder) for one in listed if one.key == prefix or one.key.startswith(folder)]
    place = Path(local_path(path))
    if place.is_dir():
        return [str(one.relative_to(place)) for one in place.rglob("*") if one.is_file()]
    return [place.name] if place.is_file() else []


def local_path(path: str) -> str:
    """A path on this machine without its scheme, which Sail takes for a part of the name."""
    return re.sub(r"^file:(//)?(?=/)", "", path)


def _typed(rows: DataFrame, objects: Sequence[str]) -> DataFrame:
    """Rows with the partition columns as Spark types them."""
    from pyspark.sql import functions as F

    values: dict[str, set[str]] = {}
    for one in objects:
        for key, value in parse_partition_path(one):
            values.setdefault(key, set()).add(value)
    kinds = {key: kind for key, found in values.items() if (kind := partition_type(found)) and key in rows.columns}
    if not kinds:
        return rows
    return rows.withColumns({key: F.col(f"`{key}`").try_cast(kind) for key, kind in kinds.items()})


def partition_type(values: set[str]) -> str:
    """The type that Spark finds in the values of a partition key; empty for text."""
    told = values - {DEFAULT_PARTITION}
    return next((kind for kind, form in _KINDS if told and all(form.fullmatch(value) for value in told)), "")
