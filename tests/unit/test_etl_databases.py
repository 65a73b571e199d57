"""Tables of the catalog that lie in databases: which are reached, and which are refused by name."""

from __future__ import annotations

import pytest

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.jdbc import is_jdbc
from lakelet.etl.tables import CatalogTable
from lakelet.workspace.paths import Workspace


def table(**parameters: str) -> CatalogTable:
    return CatalogTable(Workspace.find(), "mart", "flights", {"Name": "flights", "Parameters": parameters})


def test_what_jobs_reach() -> None:
    assert is_jdbc(table(classification="postgresql", connectionName="c"))
    assert not is_jdbc(table(classification="postgresql"))
    assert not is_jdbc(table(classification="parquet"))


@pytest.mark.parametrize("kind", ["redshift", "Oracle", "dynamodb"])
def test_what_they_do_not_is_named(kind: str) -> None:
    with pytest.raises(UnsupportedError, match=f"^mart.flights lies in {kind.lower()}, which jobs do not reach"):
        is_jdbc(table(classification=kind, connectionName="c"))
