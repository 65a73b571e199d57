"""``--datalake-formats``: the table formats that a job asks for, and what Spark is told of them.

AWS Glue Developer Guide, "Using data lake frameworks with AWS Glue ETL jobs". Iceberg's tables are in the one catalog:
as ``spark_catalog``, beside all other tables, and as ``glue_catalog``, the name that AWS's examples give it. On AWS the
job configures that by ``--conf``; here it is so by itself, and what a job says of it goes before.
"""

from __future__ import annotations

from collections.abc import Mapping

from workspace.errors import InstallError, InvalidInputException, NotImplementedException
from workspace.paths import Workspace

ARGUMENT = "--datalake-formats"
ICEBERG = "iceberg"
_KNOWN = ("hudi", "delta", ICEBERG)
_EXTENSIONS = "spark.sql.extensions"
_CATALOG = "spark.sql.catalog."
_DEFAULTS = {
    _EXTENSIONS: "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    f"{_CATALOG}spark_catalog": "org.apache.iceberg.spark.SparkSessionCatalog",
    f"{_CATALOG}spark_catalog.type": "hive",
    f"{_CATALOG}glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
    f"{_CATALOG}glue_catalog.type": "hive",
}
# AWS's clients of the catalog and of S3, which here are reached by their other faces: the metastore's and S3A.
_OF_AWS = {
    "catalog-impl": ("org.apache.iceberg.aws.glue.GlueCatalog", "type", "hive"),
    "io-impl": ("org.apache.iceberg.aws.s3.S3FileIO", "io-impl", "org.apache.iceberg.hadoop.HadoopFileIO"),
}


def formats(arguments: Mapping[str, str]) -> frozenset[str]:
    """The formats that a run's arguments ask for.

    Raises InvalidInputException for one that there is not, NotImplementedException for Delta and Hudi.
    """
    wanted = {one.strip().lower() for one in arguments.get(ARGUMENT, "").split(",") if one.strip()}
    if unknown := sorted(wanted - set(_KNOWN)):
        raise InvalidInputException(f"{ARGUMENT} has {', '.join(unknown)}: use {ICEBERG}.")
    if refused := sorted(wanted - {ICEBERG}):
        raise NotImplementedException(f"{ARGUMENT} {', '.join(refused)} is not served: {ICEBERG} is.")
    return frozenset(wanted)


def properties(workspace: Workspace, arguments: Mapping[str, str], conf: Mapping[str, str]) -> dict[str, str]:
    """Spark's properties of a run with these arguments, whose own ones are ``conf``. Raises InstallError."""
    if not formats(arguments):
        return dict(conf)
    own: dict[str, str] = {}
    for name, value in conf.items():
        place, _, last = name.rpartition(".")
        implementation, member, here = _OF_AWS.get(last, ("", "", "")) if name.startswith(_CATALOG) else ("", "", "")
        own |= {f"{place}.{member}": here} if value == implementation and member else {name: value}
    extensions = {_EXTENSIONS: _joined(_DEFAULTS[_EXTENSIONS], own.get(_EXTENSIONS, ""))}
    ours = ",".join(str(path) for path in sorted(workspace.cache.iceberg_jars.glob("*.jar")))
    if not ours:
        raise InstallError(f"What {ARGUMENT} {ICEBERG} needs is not installed: run `lakelet install`.")
    return {**_DEFAULTS, **own, **extensions, "spark.jars": _joined(ours, own.get("spark.jars", ""))}


def _joined(first: str, others: str) -> str:
    return ",".join(dict.fromkeys([*first.split(","), *filter(None, others.split(","))]))
