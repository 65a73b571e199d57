"""Lake Formation through boto3: settings, grants, LF-tags, data cells filters, registered locations."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakelet.aws.context import current
from lakelet.catalog.grants.effective import Access
from lakelet.catalog.grants.lake import Lake
from lakelet.workspace.state import writing
from tests.wire.conftest import Wire

USER = "arn:aws:iam::123456789012:user/analyst"
ME = {"DataLakePrincipalIdentifier": USER}
EVERYBODY = "IAM_ALLOWED_PRINCIPALS"
ACCOUNT = "123456789012"


@pytest.fixture
def lake(wire: Wire) -> Any:
    return wire.client("lakeformation")


@pytest.fixture
def table(wire: Wire, database: str) -> dict[str, Any]:
    columns = [{"Name": name, "Type": "string"} for name in ("id", "name", "salary")]
    wire.client().create_table(
        DatabaseName=database,
        TableInput={
            "Name": "t",
            "PartitionKeys": [{"Name": "month", "Type": "int"}],
            "StorageDescriptor": {"Columns": columns, "Location": f"s3://lake/{database}/t/"},
        },
    )
    return {"DatabaseName": database, "Name": "t"}


@pytest.fixture
def closed(lake: Any) -> Iterator[None]:
    """New databases and tables are nobody's."""
    before = lake.get_data_lake_settings()["DataLakeSettings"]
    lake.put_data_lake_settings(DataLakeSettings={})
    yield
    lake.put_data_lake_settings(DataLakeSettings=before)


def refused(code: str, call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def pages(call: Any, **wanted: Any) -> Iterator[dict[str, Any]]:
    """Every page of one item each: botocore has no paginators for this service."""
    token: dict[str, str] = {}
    while True:
        page = call(MaxResults=1, **wanted, **token)
        yield page
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def listed(lake: Any, **wanted: Any) -> list[tuple[str, str, list[str], list[str]]]:
    return [
        (
            one["Principal"]["DataLakePrincipalIdentifier"],
            next(iter(one["Resource"])),
            one["Permissions"],
            one["PermissionsWithGrantOption"],
        )
        for page in pages(lake.list_permissions, **wanted)
        for one in page["PrincipalResourcePermissions"]
    ]


def access(table: dict[str, Any], *principals: str) -> Access:
    context = current()
    with writing(context.engine) as connection:
        known = Lake(context.catalog, context.account_id)
        return known.access(connection, principals or (USER,), table["DatabaseName"], table["Name"])


def test_a_new_account_leaves_access_to_iam(lake: Any, wire: Wire, table: dict[str, Any]) -> None:
    settings = lake.get_data_lake_settings()["DataLakeSettings"]
    for member in ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions"):
        assert settings[member] == [{"Principal": {"DataLakePrincipalIdentifier": EVERYBODY}, "Permissions": ["ALL"]}]
    assert listed(lake, Resource={"Table": table}) == [(EVERYBODY, "Table", ["ALL"], [])]
    assert listed(lake, Resource={"Database": {"Name": table["DatabaseName"]}}) == [
        (EVERYBODY, "Database", ["ALL"], [])
    ]
    assert access(table).columns == ("id", "name", "salary", "month")
    everybody = {"DataLakePrincipalIdentifier": EVERYBODY}
    lake.revoke_permissions(Principal=everybody, Resource={"Table": table}, Permissions=["ALL"])
    assert listed(lake, Resource={"Table": table}) == []
    assert access(table).permissions == set()


def test_settings_hold_for_what_comes_after(lake: Any, wire: Wire, table: dict[str, Any]) -> None:
    before = lake.get_data_lake_settings()["DataLakeSettings"]
    mine = [{"Principal": ME, "Permissions": ["SELECT", "DESCRIBE"]}]
    lake.put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": [ME], "CreateTableDefaultPermissions": mine})
    try:
        found = lake.get_data_lake_settings()["DataLakeSettings"]
        assert found["DataLakeAdmins"] == [ME]
        assert found["CreateDatabaseDefaultPermissions"] == []
        later = {**table, "Name": "later"}
        wire.client().create_table(DatabaseName=table["DatabaseName"], TableInput={"Name": "later"})
        assert listed(lake, Resource={"Table": later}) == [(USER, "Table", ["DESCRIBE", "SELECT"], [])]
        assert listed(lake, Resource={"Table": table}) == [(EVERYBODY, "Table", ["ALL"], [])]
        wrong = {"CreateTableDefaultPermissions": [{"Permissions": ["ALL"]}]}
        refused("InvalidInputException", lake.put_data_lake_settings, DataLakeSettings=wrong)
    finally:
        lake.put_data_lake_settings(DataLakeSettings=before)


@pytest.mark.usefixtures("closed")
def test_grants_add_up_and_are_revoked(lake: Any, table: dict[str, Any]) -> None:
    whole = {"Principal": ME, "Resource": {"Table": table}}
    lake.grant_permissions(Permissions=["SELECT"], PermissionsWithGrantOption=["SELECT"], **whole)
    lake.grant_permissions(Permissions=["INSERT"], **whole)
    assert listed(lake, Principal=ME, Resource={"Table": table}) == [(USER, "Table", ["INSERT", "SELECT"], ["SELECT"])]
    lake.revoke_permissions(Permissions=["SELECT"], **whole)
    assert listed(lake, Resource={"Table": table}) == [(USER, "Table", ["INSERT"], [])]
    message = refused("InvalidInputException", lake.revoke_permissions, Permissions=["SELECT"], **whole)
    assert "does not have: [SELECT]" in message
    lake.revoke_permissions(Permissions=["INSERT"], **whole)
    assert listed(lake, Resource={"Table": table}) == []


@pytest.mark.usefixtures("closed")
def test_columns_are_granted_one_by_one(lake: Any, table: dict[str, Any]) -> None:
    def columns(*names: str) -> dict[str, Any]:
        return {"Principal": ME, "Resource": {"TableWithColumns": {**table, "ColumnNames": list(names)}}}

    lake.grant_permissions(Permissions=["SELECT"], **columns("id"))
    lake.grant_permissions(Permissions=["SELECT"], **columns("NAME", "month"))
    (one,) = lake.list_permissions(Resource={"Table": table})["PrincipalResourcePermissions"]
    assert one["Resource"]["TableWithColumns"]["ColumnNames"] == ["id", "month", "name"]
    assert access(table).columns == ("id", "name", "month")
    lake.revoke_permissions(Permissions=["SELECT"], **columns("id"))
    assert access(table).columns == ("name", "month")
    refused("InvalidInputException", lake.grant_permissions, Permissions=["INSERT"], **columns("id"))
    refused("InvalidInputException", lake.grant_permissions, Permissions=["SELECT"], **columns("nothing"))
    excluded = {"TableWithColumns": {**table, "ColumnWildcard": {"ExcludedColumnNames": ["salary"]}}}
    lake.grant_permissions(Principal=ME, Resource=excluded, Permissions=["SELECT"])
    assert access(table).columns == ("id", "name", "month")


def test_what_cannot_be_granted(lake: Any, table: dict[str, Any]) -> None:
    resource = {"Table": table}
    for code, arguments in (
        ("EntityNotFoundException", {"Resource": {"Table": {**table, "Name": "no"}}, "Permissions": ["SELECT"]}),
        ("EntityNotFoundException", {"Resource": {"Database": {"Name": "no"}}, "Permissions": ["ALTER"]}),
        ("InvalidInputException", {"Resource": resource, "Permissions": ["CREATE_TABLE"]}),
        ("InvalidInputException", {"Resource": {**resource, "Catalog": {}}, "Permissions": ["ALL"]}),
        ("InvalidInputException", {"Resource": resource, "Permissions": []}),
        (
            "InvalidInputException",
            {"Resource": resource, "Permissions": ["SELECT"], "PermissionsWithGrantOption": ["INSERT"]},
        ),
        ("EntityNotFoundException", {"CatalogId": "210987654321", "Resource": resource, "Permissions": ["SELECT"]}),
        ("NotImplementedException", {"Resource": {"LFTagExpression": {"Name": "e"}}, "Permissions": ["ALL"]}),
        (
            "EntityNotFoundException",
            {
                "Resource": {"DataLocation": {"ResourceArn": "arn:aws:s3:::nowhere"}},
                "Permissions": ["DATA_LOCATION_ACCESS"],
            },
        ),
    ):
        refused(code, lake.grant_permissions, Principal=ME, **arguments)
    everybody = {"DataLakePrincipalIdentifier": EVERYBODY}
    refused(
        "InvalidInputException", lake.grant_permissions, Principal=everybody, Resource=resource, Permissions=["SELECT"]
    )
    refused("InvalidInputException", lake.grant_permissions, Principal={}, Resource=resource, Permissions=["SELECT"])
    nul = {"DataLakePrincipalIdentifier": "a\0"}
    refused("InvalidInputException", lake.grant_permissions, Principal=nul, Resource=resource, Permissions=["SELECT"])
    refused("InvalidInputException", lake.describe_resource, ResourceArn="arn:aws:s3:::a\0")
    refused("NotImplementedException", lake.start_transaction)
    refused("InvalidInputException", lake.list_permissions, NextToken="nonsense")


@pytest.mark.usefixtures("closed")
def test_many_grant_at_once_and_none_is_lost(lake: Any, table: dict[str, Any]) -> None:
    permissions = ["SELECT", "INSERT", "DELETE", "ALTER", "DROP", "DESCRIBE"]

    def one(permission: str) -> None:
        lake.grant_permissions(Principal=ME, Resource={"Table": table}, Permissions=[permission])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, permissions))
    assert listed(lake, Resource={"Table": table}) == [(USER, "Table", sorted(permissions), [])]


@pytest.mark.usefixtures("closed")
def test_batches_tell_which_entries_failed(lake: Any, table: dict[str, Any]) -> None:
    good = {"Id": "1", "Principal": ME, "Resource": {"Table": table}, "Permissions": ["SELECT"]}
    bad = {**good, "Id": "2", "Resource": {"Table": {**table, "Name": "no"}}}
    failures = lake.batch_grant_permissions(Entries=[good, bad, {"Id": "3"}, good])["Failures"]
    assert [(one["RequestEntry"]["Id"], one["Error"]["ErrorCode"]) for one in failures] == [
        ("2", "EntityNotFoundException"), ("3", "InvalidInputException"), ("1", "InvalidInputException"),
    ]  # fmt: skip
    assert len(listed(lake, Resource={"Table": table})) == 1
    failures = lake.batch_revoke_permissions(Entries=[good, {**good, "Id": "2"}])["Failures"]
    assert [one["RequestEntry"]["Id"] for one in failures] == ["2"]
    assert listed(lake, Resource={"Table": table}) == []


@pytest.mark.usefixtures("closed")
def test_listing_by_kind_and_principal(lake: Any, wire: Wire, table: dict[str, Any]) -> None:
    database = {"Name": table["DatabaseName"]}
    wildcard = {"Table": {"DatabaseName": table["DatabaseName"], "TableWildcard": {}}}
    who = {"DataLakePrincipalIdentifier": f"{USER}-{table['DatabaseName']}"}
    for resource, permission in (({"Database": database}, "ALTER"), (wildcard, "SELECT"), ({"Table": table}, "INSERT")):
        lake.grant_permissions(Principal=who, Resource=resource, Permissions=[permission])
    lake.grant_permissions(Principal=who, Resource={"Catalog": {}}, Permissions=["CREATE_DATABASE"])
    kinds = {"CATALOG": 1, "DATABASE": 1, "TABLE": 2, "LF_TAG_POLICY": 0}
    assert {kind: len(listed(lake, Principal=who, ResourceType=kind)) for kind in kinds} == kinds
    assert len(listed(lake, Principal=who)) == 4
    assert len(listed(lake, Principal=who, Resource={"Table": table})) == 2
    refused("NotImplementedException", lake.list_permissions, ResourceType="LF_NAMED_TAG_EXPRESSION")
    wire.client().delete_table(DatabaseName=table["DatabaseName"], Name="t")
    assert len(listed(lake, Principal=who)) == 3  # a table's grants go with it
    lake.revoke_permissions(Principal=who, Resource={"Catalog": {}}, Permissions=["CREATE_DATABASE"])


@pytest.mark.usefixtures("closed")
def test_data_cells_filters(lake: Any, wire: Wire, table: dict[str, Any]) -> None:
    named = {"TableCatalogId": ACCOUNT, "DatabaseName": table["DatabaseName"], "TableName": "t", "Name": "jan"}
    data = {**named, "RowFilter": {"FilterExpression": "month = 1"}, "ColumnNames": ["id", "month"]}
    lake.create_data_cells_filter(TableData=data)
    refused("AlreadyExistsException", lake.create_data_cells_filter, TableData=data)
    found = lake.get_data_cells_filter(**named)["DataCellsFilter"]
    assert {member: found[member] for member in data} == data
    resource = {"DataCellsFilter": named}
    lake.grant_permissions(Principal=ME, Resource=resource, Permissions=["SELECT"])
    assert (access(table).columns, access(table).row_filter) == (("id", "month"), '"month" = 1')
    assert listed(lake, Resource={"Table": table}) == []
    assert len(listed(lake, Resource={"Table": table}, IncludeRelated="TRUE")) == 1
    everything = {**named, "RowFilter": {"AllRowsWildcard": {}}, "ColumnWildcard": {"ExcludedColumnNames": ["salary"]}}
    lake.update_data_cells_filter(TableData={**everything, "VersionId": found["VersionId"]})
    assert (access(table).columns, access(table).row_filter) == (("id", "name", "month"), None)
    first = found["VersionId"]
    stale = {**everything, "VersionId": first}
    refused("ConcurrentModificationException", lake.update_data_cells_filter, TableData=stale)
    lake.create_data_cells_filter(TableData={**data, "Name": "a"})
    found = list(pages(lake.list_data_cells_filter, Table=table))
    assert [[one["Name"] for one in page["DataCellsFilters"]] for page in found] == [["a"], ["jan"]]
    for wrong in (
        {"RowFilter": {"FilterExpression": "nothing = 1"}, "ColumnNames": ["id"]},
        {"RowFilter": {"FilterExpression": "lower(name) = 'a'"}, "ColumnNames": ["id"]},
        {"RowFilter": {}, "ColumnNames": ["id"], "ColumnWildcard": {}},
        {"ColumnNames": ["nothing"]},
        {},
    ):
        refused("InvalidInputException", lake.create_data_cells_filter, TableData={**named, "Name": "x", **wrong})
    lake.delete_data_cells_filter(**named)
    assert access(table).permissions == set()
    refused("EntityNotFoundException", lake.get_data_cells_filter, **named)
    refused("EntityNotFoundException", lake.delete_data_cells_filter, **named)


@pytest.mark.usefixtures("closed")
def test_lf_tags(lake: Any, table: dict[str, Any]) -> None:
    lake.create_lf_tag(TagKey="Team", TagValues=["HR", "it"])
    lake.create_lf_tag(TagKey="level", TagValues=["low", "high"])
    try:
        _use_lf_tags(lake, table)
    finally:
        for key in ("team", "level"):
            lake.delete_lf_tag(TagKey=key)
    assert lake.get_resource_lf_tags(Resource={"Table": table}).get("LFTagsOnTable") is None


def _use_lf_tags(lake: Any, table: dict[str, Any]) -> None:
    assert lake.get_lf_tag(TagKey="TEAM")["TagValues"] == ["hr", "it"]
    refused("InvalidInputException", lake.create_lf_tag, TagKey="team", TagValues=["x"])
    keys = [one["TagKey"] for page in pages(lake.list_lf_tags) for one in page["LFTags"]]
    assert keys == ["level", "team"]
    database = {"Database": {"Name": table["DatabaseName"]}}
    hr, low, high = (
        {"TagKey": key, "TagValues": [value]} for key, value in (("team", "hr"), ("level", "low"), ("level", "high"))
    )
    assert lake.add_lf_tags_to_resource(Resource=database, LFTags=[hr, low])["Failures"] == []
    salary = {"TableWithColumns": {**table, "ColumnNames": ["salary"]}}
    lake.add_lf_tags_to_resource(Resource=salary, LFTags=[high])
    unknown = {"TagKey": "no", "TagValues": ["x"]}
    failures = lake.add_lf_tags_to_resource(Resource={"Table": table}, LFTags=[unknown, {**hr, "TagValues": ["zz"]}])
    assert [one["Error"]["ErrorCode"] for one in failures["Failures"]] == ["EntityNotFoundException"] * 2
    found = lake.get_resource_lf_tags(Resource={"Table": table})
    assert [(one["TagKey"], one["TagValues"]) for one in found["LFTagsOnTable"]] == [
        ("level", ["low"]),
        ("team", ["hr"]),
    ]
    (column,) = found["LFTagsOnColumns"]
    assert [one["TagValues"] for one in column["LFTags"]] == [["high"], ["hr"]]
    assigned = lake.get_resource_lf_tags(Resource={"Table": table}, ShowAssignedLFTags=True)
    assert "LFTagsOnTable" not in assigned

    expression = [{"TagKey": "team", "TagValues": ["hr"]}, {"TagKey": "level", "TagValues": ["low"]}]
    resource = {"LFTagPolicy": {"ResourceType": "TABLE", "Expression": expression}}
    lake.grant_permissions(Principal=ME, Resource=resource, Permissions=["SELECT"])
    assert access(table).columns == ("id", "name", "month")
    assert listed(lake, Principal=ME, Resource={"Table": table}) == [(USER, "LFTagPolicy", ["SELECT"], [])]
    assert len(listed(lake, ResourceType="LF_TAG_POLICY_TABLE")) == 1
    tables = lake.search_tables_by_lf_tags(Expression=[high])["TableList"]
    assert [one["Table"]["Name"] for one in tables] == ["t"]
    databases = lake.search_databases_by_lf_tags(Expression=[hr])["DatabaseList"]
    assert [one["Database"]["Name"] for one in databases] == [table["DatabaseName"]]
    refused("InvalidInputException", lake.search_databases_by_lf_tags, Expression=[])

    refused("InvalidInputException", lake.update_lf_tag, TagKey="team", TagValuesToDelete=["hr"])
    lake.update_lf_tag(TagKey="team", TagValuesToDelete=["it"], TagValuesToAdd=["law"])
    assert lake.get_lf_tag(TagKey="team")["TagValues"] == ["hr", "law"]
    assert lake.remove_lf_tags_from_resource(Resource=database, LFTags=[hr])["Failures"] == []
    assert len(lake.remove_lf_tags_from_resource(Resource=database, LFTags=[hr])["Failures"]) == 1
    assert access(table).permissions == set()
    lake.revoke_permissions(Principal=ME, Resource=resource, Permissions=["SELECT"])


def test_a_table_says_whether_its_location_is_registered(wire: Wire, lake: Any, database: str) -> None:
    glue = wire.client("glue")

    def shown(name: str) -> list[bool]:
        where = {"DatabaseName": database}
        history = glue.get_table_versions(**where, TableName=name)["TableVersions"]
        of_name = [one for one in glue.get_tables(**where)["TableList"] if one["Name"] == name]
        every = [glue.get_table(**where, Name=name)["Table"], *of_name, *(one["Table"] for one in history)]
        return [one["IsRegisteredWithLakeFormation"] for one in every]

    for name, place in (("inside", "s3://registered/lake/t/"), ("beside", "s3://registered/lakes/"), ("none", "")):
        described = {"Name": name, "StorageDescriptor": {"Location": place}}
        glue.create_table(DatabaseName=database, TableInput=described)
    assert shown("inside") == [False] * 3
    lake.register_resource(ResourceArn="arn:aws:s3:::registered/lake", UseServiceLinkedRole=True)
    assert (shown("inside"), shown("beside"), shown("none")) == ([True] * 3, [False] * 3, [False] * 3)
    lake.deregister_resource(ResourceArn="arn:aws:s3:::registered/lake")
    assert shown("inside") == [False] * 3


def test_registered_locations(lake: Any, table: dict[str, Any]) -> None:
    bucket, role = "arn:aws:s3:::lake", "arn:aws:iam::123456789012:role/r"
    refused("InvalidInputException", lake.register_resource, ResourceArn=bucket)
    refused("InvalidInputException", lake.register_resource, ResourceArn="arn:aws:sqs:::q", UseServiceLinkedRole=True)
    lake.register_resource(ResourceArn=bucket, UseServiceLinkedRole=True)
    lake.register_resource(ResourceArn="arn:aws:s3:::other/path/", RoleArn=role)
    refused("AlreadyExistsException", lake.register_resource, ResourceArn=bucket, RoleArn=role)
    assert lake.describe_resource(ResourceArn=bucket)["ResourceInfo"]["RoleArn"].startswith("arn:aws:iam::")
    lake.update_resource(ResourceArn=bucket, RoleArn=role, HybridAccessEnabled=True)
    found = lake.describe_resource(ResourceArn=bucket)["ResourceInfo"]
    assert (found["RoleArn"], found["HybridAccessEnabled"]) == (role, True)

    def conditions(field: str, operator: str, *values: str) -> list[str]:
        one = {"Field": field, "ComparisonOperator": operator, "StringValueList": list(values)}
        found = lake.list_resources(FilterConditionList=[one])["ResourceInfoList"]
        return [resource["ResourceArn"].removeprefix("arn:aws:s3:::") for resource in found]

    assert conditions("RESOURCE_ARN", "CONTAINS", "path") == ["other/path"]
    assert conditions("ROLE_ARN", "EQ", role) == ["lake", "other/path"]
    assert conditions("LAST_MODIFIED", "BETWEEN", "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z") == []
    assert [len(page["ResourceInfoList"]) for page in pages(lake.list_resources)] == [1, 1]
    location = {"DataLocation": {"ResourceArn": f"{bucket}/{table['DatabaseName']}"}}
    lake.grant_permissions(Principal=ME, Resource=location, Permissions=["DATA_LOCATION_ACCESS"])
    assert (USER, "DataLocation", ["DATA_LOCATION_ACCESS"], []) in listed(lake, ResourceType="DATA_LOCATION")
    lake.revoke_permissions(Principal=ME, Resource=location, Permissions=["DATA_LOCATION_ACCESS"])
    path = f"{bucket}/{table['DatabaseName']}/t/month=1"
    there = lake.get_effective_permissions_for_path(ResourceArn=path)["Permissions"]
    assert [next(iter(one["Resource"])) for one in there] == ["Table"]
    assert lake.get_effective_permissions_for_path(ResourceArn=f"{bucket}/elsewhere")["Permissions"] == []
    for arn in (bucket, "arn:aws:s3:::other/path"):
        lake.deregister_resource(ResourceArn=arn)
    refused("EntityNotFoundException", lake.deregister_resource, ResourceArn=bucket)
    refused("EntityNotFoundException", lake.describe_resource, ResourceArn=bucket)
