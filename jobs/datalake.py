"""``--datalake-formats``: the table formats that a job asks for, and what Spark is told of them.

AWS Glue Developer Guide, "Using data lake frameworks with AWS Glue ETL jobs". A format's tables are in the one catalog:
as ``spark_catalog``, beside all other tables, and Iceberg's as ``glue_catalog`` too, the name that AWS's examples give
it. On AWS the job configures that by ``--conf``; here it is so by itself, and what a job says of it goes before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lakelet.workspace.errors import InstallError, InvalidInputException, NotImplementedException
from lakelet.workspace.paths import Cache, Workspace

ARGUMENT = "--datalake-formats"
_EXTENSIONS = "spark.sql.extensions"
_CATALOG = "spark.sql.catalog."
_SESSION = f"{_CATALOG}spark_catalog"
_LOG_STORES = "spark.delta.logStore."
_OF_ONE_DRIVER = ".S3SingleDriverLogStore"


@dataclass(frozen=True)
class _Format:
    """One format: where its jars lie, which of them Python finds modules in, and what Spark is told of it."""

    jars: Callable[[Cache], Path]
    extension: str
    properties: Mapping[str, str]
    python: str = ""
    # AWS's clients of the catalog and of S3, which here are reached by their other faces: the metastore's and S3A.
    of_aws: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


_ICEBERG = _Format(
    lambda cache: cache.iceberg_jars,
    "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    {
        _SESSION: "org.apache.iceberg.spark.SparkSessionCatalog",
        f"{_SESSION}.type": "hive",
        f"{_CATALOG}glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
        f"{_CATALOG}glue_catalog.type": "hive",
    },
    of_aws={
        "catalog-impl": ("org.apache.iceberg.aws.glue.GlueCatalog", "type", "hive"),
        "io-impl": ("org.apache.iceberg.aws.s3.S3FileIO", "io-impl", "org.apache.iceberg.hadoop.HadoopFileIO"),
    },
)
_DELTA = _Format(
    lambda cache: cache.delta_jars,
    "io.delta.sql.DeltaSparkSessionExtension",
    {
        _SESSION: "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        f"{_LOG_STORES}class": "lakelet.delta.ConditionalLogStore",  # of lakelet/stack/spark_build
        # Columns and properties of a table go to the catalog with every commit that changes them.
        "spark.databricks.delta.catalog.update.enabled": "true",
        # A log is read into so many partitions: 50 tasks, by default, for a handful of files.
        "spark.databricks.delta.snapshotPartitions": "1",
        # VACUUM lists a table by so many tasks: 10000, by default.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    },
    python="delta-spark_*.jar",
)
# The last one's spark_catalog counts: Iceberg's tables are in glue_catalog also.
_SERVED = {"iceberg": _ICEBERG, "delta": _DELTA}
_KNOWN = ("hudi", *_SERVED)
# Each of these keeps the tables that it has loaded to itself, for half a minute after their last use: what is written
# by one name of the catalog (glue_catalog.d.t), another (d.t, from_catalog) would not see.
_CACHING = {"org.apache.iceberg.spark.SparkCatalog", "org.apache.iceberg.spark.SparkSessionCatalog"}


def formats(arguments: Mapping[str, str]) -> frozenset[str]:
    """The formats that a run's arguments ask for.

    Raises InvalidInputException for one that there is not, NotImplementedException for Hudi.
    """
    wanted = {one.strip().lower() for one in arguments.get(ARGUMENT, "").split(",") if one.strip()}
    if unknown := sorted(wanted - set(_KNOWN)):
        raise InvalidInputException(f"{ARGUMENT} has {', '.join(unknown)}: use {' or '.join(sorted(_SERVED))}.")
    if refused := sorted(wanted - set(_SERVED)):
        raise NotImplementedException(
            f"{ARGUMENT} {', '.join(refused)} is not served: {' and '.join(sorted(_SERVED))} are."
        )
    return frozenset(wanted)


def properties(workspace: Workspace, arguments: Mapping[str, str], conf: Mapping[str, str]) -> dict[str, str]:
    """Spark's properties of a run with these arguments, whose own ones are ``conf``. Raises InstallError."""
    wanted = formats(arguments)
    chosen = {name: one for name, one in _SERVED.items() if name in wanted}
    if not chosen:
        return dict(conf)
    own = dict(conf)
    ours: dict[str, str] = {}
    extensions, jars = own.get(_EXTENSIONS, ""), own.get("spark.jars", "")
    for name, one in chosen.items():
        ours |= one.properties
        extensions = _joined(one.extension, extensions)
        jars = _joined(",".join(map(str, _jars(workspace, name, one))), jars)
        own = _translated(own, one.of_aws)
    # The log store of AWS's guide, which is for one driver at a time, is ours; with another there can be no second one.
    own = {name: value for name, value in own.items() if not (_is_log_store(name) and value.endswith(_OF_ONE_DRIVER))}
    if any(map(_is_log_store, own)):
        ours = {name: value for name, value in ours.items() if not _is_log_store(name)}
    told = {**ours, **own}
    fresh = {f"{name}.cache-enabled": "false" for name, value in told.items() if value in _CACHING}
    return {**fresh, **told, _EXTENSIONS: extensions, "spark.jars": jars}


def python_files(workspace: Workspace, arguments: Mapping[str, str]) -> list[Path]:
    """The archives in which a run's script finds the Python modules of its formats (``delta``). Raises InstallError."""
    chosen = [(name, one) for name, one in _SERVED.items() if one.python and name in formats(arguments)]
    return [jar for name, one in chosen for jar in _jars(workspace, name, one) if jar.match(one.python)]


def _jars(workspace: Workspace, name: str, one: _Format) -> list[Path]:
    found = sorted(one.jars(workspace.cache).glob("*.jar"))
    if not found:
        raise InstallError(f"What {ARGUMENT} {name} needs is not installed: run `lakelet install`.")
    return found


def _translated(conf: Mapping[str, str], of_aws: Mapping[str, tuple[str, str, str]]) -> dict[str, str]:
    """A job's properties, what they say of AWS's clients said of ours."""
    told: dict[str, str] = {}
    for name, value in conf.items():
        place, _, last = name.rpartition(".")
        implementation, member, here = of_aws.get(last, ("", "", "")) if name.startswith(_CATALOG) else ("", "", "")
        told |= {f"{place}.{member}": here} if value == implementation and member else {name: value}
    return told


def _is_log_store(name: str) -> bool:
    return name.startswith(_LOG_STORES)


def _joined(first: str, others: str) -> str:
    return ",".join(dict.fromkeys([*first.split(","), *filter(None, others.split(","))]))
