"""Properties of a session on Sail: what it would not heed is refused."""

from __future__ import annotations

import pytest

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail.properties import is_refused, of_statement, require


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spark.sql.legacy.timeParserPolicy", "LEGACY"),
        ("spark.sql.legacy.timeParserPolicy", "EXCEPTION"),
        ("spark.sql.session.timeZone", "America/Sao_Paulo"),
        ("spark.sql.ansi.enabled", "true"),
        ("spark.sql.ansi.enabled", True),
        ("spark.sql.files.maxRecordsPerFile", 10),
        ("spark.sql.parquet.writeLegacyFormat", "true"),
        ("spark.sql.catalog.glue_catalog", "org.apache.iceberg.spark.SparkCatalog"),
        ("spark.sql.nobodyKnowsIt", "1"),
    ],
)
def test_refused(name: str, value: object) -> None:
    with pytest.raises(UnsupportedError, match=f"The property {name} .*--engine spark"):
        require([(name, value)])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spark.sql.legacy.timeParserPolicy", "corrected"),
        ("spark.sql.session.timeZone", "UTC"),
        ("spark.sql.ansi.enabled", False),
        ("spark.sql.sources.partitionOverwriteMode", "DYNAMIC"),
        ("spark.sql.shuffle.partitions", 8),
        ("spark.sql.adaptive.enabled", "true"),
        ("spark.sql.autoBroadcastJoinThreshold", "-1"),
        ("spark.sql.execution.arrow.pyspark.enabled", "true"),
        ("spark.serializer", "org.apache.spark.serializer.KryoSerializer"),
        ("my.own", "1"),
    ],
)
def test_accepted(name: str, value: object) -> None:
    require([(name, value)])


def test_of_a_value_that_nobody_knows() -> None:
    assert is_refused("spark.sql.variable.substitute", None)
    assert not is_refused("spark.sql.session.timeZone", None)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("SET spark.sql.ansi.enabled = true;", ("spark.sql.ansi.enabled", "true")),
        (" set `spark.sql.ansi.enabled`=true", ("spark.sql.ansi.enabled", "true")),
        ("SET spark.sql.ansi.enabled", None),
        ("SELECT a = 1", None),
    ],
)
def test_of_statement(text: str, setting: tuple[str, str] | None) -> None:
    assert of_statement(text) == setting
