"""``--datalake-formats``: what Spark is told of a job's table formats, and which formats are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.jobs import datalake, engines
from lakelet.workspace.errors import InstallError, InvalidInputException, NotImplementedException
from lakelet.workspace.paths import Workspace

ICEBERG, DELTA, BOTH = ({datalake.ARGUMENT: value} for value in ("Iceberg", "delta", "delta, iceberg"))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose cache has jars of Iceberg and Delta."""
    monkeypatch.setenv("LAKELET_CACHE", str(tmp_path / "cache"))
    found = Workspace(tmp_path, tmp_path / "state").prepare()
    found.cache.iceberg_jars.mkdir(parents=True)
    (found.cache.iceberg_jars / "iceberg.jar").touch()
    found.cache.delta_jars.mkdir(parents=True)
    for name in ("delta-spark_2.jar", "delta-storage.jar"):
        (found.cache.delta_jars / name).touch()
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
    # One name of the catalog sees at once what another one has written, unless the job wants it otherwise.
    caching = "spark.sql.catalog.{}.cache-enabled".format
    assert [told.get(caching(name)) for name in ("spark_catalog", "glue_catalog", "c", "d")] == ["false"] * 3 + [None]
    told = datalake.properties(workspace, ICEBERG, {caching("glue_catalog"): "true"})
    assert (told[caching("glue_catalog")], told[caching("spark_catalog")]) == ("true", "false")


def test_delta_is_configured_and_what_aws_tells_to_give_stays(workspace: Workspace) -> None:
    conf = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "7",
    }
    store = {"spark.delta.logStore.class": "org.apache.spark.sql.delta.storage.S3SingleDriverLogStore"}
    told = datalake.properties(workspace, DELTA, conf | store)
    assert told == datalake.properties(workspace, DELTA, {}) | conf
    assert told["spark.delta.logStore.class"] == "lakelet.delta.ConditionalLogStore"
    own = {"spark.delta.logStore.s3.impl": "my.Store"}
    told = datalake.properties(workspace, DELTA, own)
    assert told["spark.delta.logStore.s3.impl"] == "my.Store" and "spark.delta.logStore.class" not in told
    jar = workspace.cache.delta_jars / "delta-spark_2.jar"
    assert told["spark.jars"] == f"{jar},{workspace.cache.delta_jars}/delta-storage.jar"
    assert datalake.python_files(workspace, DELTA) == [jar] and not datalake.python_files(workspace, ICEBERG)


def test_delta_has_the_session_and_iceberg_a_catalog_beside_it(workspace: Workspace) -> None:
    told = datalake.properties(workspace, BOTH, {})
    assert told["spark.sql.catalog.spark_catalog"].endswith("DeltaCatalog")
    assert told["spark.sql.catalog.glue_catalog"] == "org.apache.iceberg.spark.SparkCatalog"
    assert len(told["spark.sql.extensions"].split(",")) == 2 and len(told["spark.jars"].split(",")) == 3


def test_what_is_not_served_is_refused_by_name(workspace: Workspace) -> None:
    for wanted in ("hudi", "iceberg,hudi"):
        with pytest.raises(NotImplementedException, match="hudi is not served: delta and iceberg are"):
            datalake.formats({datalake.ARGUMENT: wanted})
    with pytest.raises(InvalidInputException, match="paimon: use delta or iceberg"):
        datalake.formats({datalake.ARGUMENT: "paimon"})
    for one in (ICEBERG, DELTA):
        with pytest.raises(InvalidInputException, match="sail"):
            engines.choose("j", {**one, engines.ARGUMENT: engines.SAIL}, workspace.settings)
        auto = engines.choose("j", {**one, engines.ARGUMENT: engines.AUTO}, workspace.settings)
        assert auto == engines.Choice(engines.SPARK, "--datalake-formats is Spark's")
    (workspace.cache.iceberg_jars / "iceberg.jar").unlink()
    with pytest.raises(InstallError, match="iceberg needs is not installed: run `lakelet install`"):
        datalake.properties(workspace, BOTH, {})
