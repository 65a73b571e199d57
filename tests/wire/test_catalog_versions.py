"""Table versions over the wire: archived, listed, compared and swapped, deleted; resource links and attributes."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.catalog.versions import store as versions
from tests.wire.conftest import Wire


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


def update(glue: Any, database: str, description: str, **more: Any) -> None:
    glue.update_table(DatabaseName=database, TableInput={"Name": "t", "Description": description}, **more)


def test_an_update_archives_what_was_there(glue: Any, database: str) -> None:
    of_table = {"DatabaseName": database, "TableName": "t"}
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "Description": "0"})
    update(glue, database, "1")
    update(glue, database, "2", SkipArchive=True)  # version 1 is not kept
    update(glue, database, "3")
    pages = glue.get_paginator("get_table_versions").paginate(**of_table, PaginationConfig={"PageSize": 2})
    found = [(one["VersionId"], one["Table"]["Description"]) for page in pages for one in page["TableVersions"]]
    assert found == [("3", "3"), ("2", "2"), ("0", "0")]
    assert glue.get_table_version(**of_table)["TableVersion"]["Table"]["VersionId"] == "3"
    old = glue.get_table_version(**of_table, VersionId="0")["TableVersion"]["Table"]
    assert (old["Description"], old["VersionId"], old["Name"]) == ("0", "0", "t")
    with pytest.raises(glue.exceptions.EntityNotFoundException, match="VersionId: 1,"):
        glue.get_table_version(**of_table, VersionId="1")
    with pytest.raises(glue.exceptions.InvalidInputException, match="VersionId"):
        glue.get_table_version(**of_table, VersionId="one")
    with pytest.raises(glue.exceptions.InvalidInputException, match="current"):
        glue.delete_table_version(**of_table, VersionId="3")
    glue.delete_table_version(**of_table, VersionId="0")
    errors = glue.batch_delete_table_version(**of_table, VersionIds=["0", "2", "3", "x"])["Errors"]
    assert [(one["VersionId"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        ("0", "EntityNotFoundException"), ("3", "InvalidInputException"), ("x", "InvalidInputException"),
    ]  # fmt: skip
    assert [one["VersionId"] for one in glue.get_table_versions(**of_table)["TableVersions"]] == ["3"]
    glue.delete_table(DatabaseName=database, Name="t")
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    assert [one["VersionId"] for one in glue.get_table_versions(**of_table)["TableVersions"]] == ["0"]


def test_old_versions_are_pruned(glue: Any, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "KEPT", 3)
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    for number in range(6):
        update(glue, database, str(number))
    found = glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]
    assert [one["VersionId"] for one in found] == ["6", "5", "4", "3"]


def test_versions_are_compared_and_swapped(glue: Any, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    update(glue, database, "1", VersionId="0")
    with pytest.raises(
        glue.exceptions.ConcurrentModificationException, match="Update table failed due to concurrent modifications"
    ):
        update(glue, database, "2", VersionId="0")
    with pytest.raises(glue.exceptions.InvalidInputException, match="VersionId"):
        update(glue, database, "2", VersionId="x")
    assert len(glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]) == 2  # none of a refusal


def test_a_table_is_not_renamed(glue: Any, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.update_table(DatabaseName=database, TableInput={"Name": "other"})
    with pytest.raises(glue.exceptions.InvalidInputException, match="give the same"):
        glue.update_table(DatabaseName=database, Name="t", TableInput={"Name": "other"})
    glue.update_table(DatabaseName=database, Name="t", TableInput={"Name": "t", "Owner": "me"})


def test_attributes_and_shares(glue: Any, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "TableType": "EXTERNAL_TABLE", "Owner": "me"})
    lean = glue.get_tables(DatabaseName=database, AttributesToGet=["NAME", "TABLE_TYPE"])["TableList"][0]
    assert lean.keys() == {"Name", "DatabaseName", "CatalogId", "TableType"}
    assert "TableType" not in glue.get_tables(DatabaseName=database, AttributesToGet=["NAME"])["TableList"][0]
    assert not glue.get_tables(DatabaseName=database, ResourceShareType="FEDERATED")["TableList"]
    assert glue.get_table(DatabaseName=database, Name="t", AttributesToGet=["DEFAULT"])["Table"]["Owner"] == "me"
    assert "Owner" in glue.get_table(DatabaseName=database, Name="t", IncludeStatusDetails=True)["Table"]
    with pytest.raises(glue.exceptions.InvalidInputException, match="NAME"):
        glue.get_tables(DatabaseName=database, AttributesToGet=[])
    for call in (
        lambda: glue.get_table(DatabaseName=database, Name="t", AttributesToGet=["LATEST_ICEBERG_METADATA"]),
        lambda: glue.create_database(DatabaseInput={"Name": "x", "FederatedDatabase": {"Identifier": "x"}}),
    ):
        with pytest.raises(glue.exceptions.ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "NotImplementedException"
    assert not glue.get_databases(ResourceShareType="FOREIGN")["DatabaseList"]
    named = glue.get_databases(AttributesToGet=["NAME"])["DatabaseList"]
    assert database in [one["Name"] for one in named] and all(one.keys() == {"Name", "CatalogId"} for one in named)
