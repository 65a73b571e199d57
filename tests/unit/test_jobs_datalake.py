"""``--datalake-formats``: what Spark is told of a job's table formats, and which formats are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import datalake, engines
from workspace.errors import InstallError, InvalidInputException, NotImplementedException
from workspace.paths import Workspace

ICEBERG = {datalake.ARGUMENT: "Iceberg"}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose cache has a jar of Iceberg's."""
    monkeypatch.setenv("LAKELET_CACHE", str(tmp_path / "cache"))
    found = Workspace(tmp_path, tmp_path / "state").prepare()
    found.cache.iceberg_jars.mkdir(parents=True)
    (found.cache.iceberg_jars / "iceberg.jar").touch()
    return found


def test_aws_clients_become_ours_and_the_rest_is_the_jobs(workspace: Workspace) -> None:
    conf = {
        "spark.jars": "s3://b/mine.jar",
        "spark.sql.extensions": "a.B",
        "spark.sql.catalog.c": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.c.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.c.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.d.catalog-impl": "my.Catalog",
    }
    assert datalake.properties(workspace, {}, conf) == conf
    told = datalake.properties(workspace, ICEBERG, conf)
    assert told["spark.jars"] == f"{workspace.cache.iceberg_jars}/iceberg.jar,s3://b/mine.jar"
    assert told["spark.sql.extensions"].endswith("IcebergSparkSessionExtensions,a.B")
    assert told["spark.sql.catalog.spark_catalog"] == "org.apache.iceberg.spark.SparkSessionCatalog"
    assert (told["spark.sql.catalog.c.type"], told["spark.sql.catalog.d.catalog-impl"]) == ("hive", "my.Catalog")
    assert "spark.sql.catalog.c.catalog-impl" not in told
    assert told["spark.sql.catalog.c.io-impl"] == "org.apache.iceberg.hadoop.HadoopFileIO"


def test_what_is_not_served_is_refused_by_name(workspace: Workspace) -> None:
    for wanted in ("hudi", "iceberg,delta"):
        with pytest.raises(NotImplementedException, match=wanted.rpartition(",")[2]):
            datalake.formats({datalake.ARGUMENT: wanted})
    with pytest.raises(InvalidInputException, match="paimon"):
        datalake.formats({datalake.ARGUMENT: "paimon"})
    with pytest.raises(InvalidInputException, match="sail"):
        engines.choose("j", {**ICEBERG, engines.ARGUMENT: engines.SAIL}, workspace.settings)
    auto = engines.choose("j", {**ICEBERG, engines.ARGUMENT: engines.AUTO}, workspace.settings)
    assert auto == engines.Choice(engines.SPARK, "--datalake-formats is Spark's")
    (workspace.cache.iceberg_jars / "iceberg.jar").unlink()
    with pytest.raises(InstallError, match="lakelet install"):
        datalake.properties(workspace, ICEBERG, {})
