"""Lake addresses: S3 locations and Hive partition paths, there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelet.data.partitions import parse_partition_path, partition_path
from lakelet.data.zones import plain_slashes, split_uri, uri
from lakelet.workspace.errors import UsageError


def test_locations() -> None:
    assert split_uri("s3a://silver/flights/") == ("silver", "flights/")
    assert uri("silver", "flights/") == "s3://silver/flights/"
    assert plain_slashes("s3://silver/flights//month=1///") == "s3://silver/flights/month=1/"
    assert plain_slashes("/silver//flights/") == "/silver/flights/"
    for wrong in ("silver/flights", "s3:///flights", "http://silver/flights", "", "file:///etc/passwd"):
        with pytest.raises(UsageError, match="s3://bucket/path"):
            split_uri(wrong)


@given(st.lists(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_any_value_survives_its_path(values: list[str]) -> None:
    keys = [f"k{i}" for i in range(len(values))]
    path = partition_path(keys, values) + "/part-0.parquet"
    assert parse_partition_path(path) == list(zip(keys, values, strict=True))


def test_an_empty_value_takes_hives_default_name() -> None:
    assert partition_path(["dt"], [""]) == "dt=__HIVE_DEFAULT_PARTITION__"


def test_other_folders_end_the_partition_path() -> None:
    assert parse_partition_path("year=2013/raw/month=1/a.csv") == [("year", "2013")]
    assert parse_partition_path("a.csv") == []
