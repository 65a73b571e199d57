"""What grants amount to: columns, rows and permissions of one principal on one table; and row filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from lakelet.catalog.grants.effective import Access, Filter, TableFacts, effective
from lakelet.catalog.grants.filters import check_filter
from lakelet.catalog.grants.model import IAM_ALLOWED, Grant, answer_resource, check_permissions, read_resource
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

ACCOUNT = "123456789012"
ME, OTHER = "arn:aws:iam::123456789012:user/me", "arn:aws:iam::123456789012:user/other"
COLUMNS = ("id", "name", "salary", "month")
TABLE = TableFacts("d", "t", COLUMNS)
WHOLE = {"Table": {"DatabaseName": "D", "Name": "T"}}
EVERY = frozenset({"ALL", "ALTER", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT"})


def grant(resource: dict[str, Any], *permissions: str, principal: str = ME) -> Grant:
    return Grant(principal, read_resource(resource, ACCOUNT), frozenset(permissions), frozenset())


def columns(*names: str, excluded: Sequence[str] = ()) -> dict[str, Any]:
    chosen = {"ColumnNames": list(names)} if names else {"ColumnWildcard": {"ExcludedColumnNames": list(excluded)}}
    return {"TableWithColumns": {"DatabaseName": "d", "Name": "t", **chosen}}


def policy(kind: str = "TABLE", **expression: list[str]) -> dict[str, Any]:
    listed = [{"TagKey": key, "TagValues": values} for key, values in expression.items()]
    return {"LFTagPolicy": {"ResourceType": kind, "Expression": listed}}


def cell(name: str) -> dict[str, Any]:
    return {"DataCellsFilter": {"DatabaseName": "d", "TableName": "t", "Name": name}}


def access(*grants: Grant, table: TableFacts = TABLE, who: Sequence[str] = (ME,)) -> Access:
    return effective(who, table, grants)


def test_nothing_granted_is_nothing() -> None:
    found = access(grant(WHOLE, "SELECT", principal=OTHER), grant({"Database": {"Name": "d"}}, "ALL"))
    assert found == Access(frozenset(), (), ())
    assert found.row_filter == "FALSE"


def test_select_on_a_table_reads_every_column_and_row() -> None:
    found = access(grant(WHOLE, "SELECT"))
    assert (found.columns, found.row_filter) == (COLUMNS, None)
    assert found.permissions == {"SELECT", "DESCRIBE"}  # what can be read can be seen


def test_all_is_every_permission() -> None:
    assert access(grant(WHOLE, "ALL")).permissions == EVERY


def test_writing_does_not_read() -> None:
    found = access(grant(WHOLE, "INSERT"))
    assert (found.columns, found.permissions) == ((), {"INSERT", "DESCRIBE"})


@pytest.mark.parametrize("everybody", [IAM_ALLOWED, f"{ACCOUNT}:IAMPrincipals"])
def test_what_is_everybodys_is_mine(everybody: str) -> None:
    assert access(grant(WHOLE, "ALL", principal=everybody)).permissions == EVERY


def test_who_is_several_principals_has_the_grants_of_each() -> None:
    grants = (grant(columns("id"), "SELECT"), grant(columns("name"), "SELECT", principal=OTHER))
    assert access(*grants, who=(ME, OTHER)).columns == ("id", "name")
    assert access(*grants).columns == ("id",)


def test_all_tables_of_the_database_but_not_of_another() -> None:
    wildcard = {"Table": {"DatabaseName": "d", "TableWildcard": {}}}
    assert access(grant(wildcard, "SELECT")).columns == COLUMNS
    assert access(grant({"Table": {"DatabaseName": "e", "TableWildcard": {}}}, "ALL")).permissions == set()
    assert access(grant({"Table": {"DatabaseName": "d", "Name": "u"}}, "ALL")).permissions == set()


def test_columns_are_included_or_excluded_and_add_up() -> None:
    assert access(grant(columns("NAME", "id"), "SELECT")).columns == ("id", "name")
    assert access(grant(columns(excluded=["salary"]), "SELECT")).columns == ("id", "name", "month")
    both = access(grant(columns(excluded=["salary", "id"]), "SELECT"), grant(columns("salary"), "SELECT"))
    assert both.columns == ("name", "salary", "month")
    assert both.row_filter is None
    assert access(grant(columns("gone"), "SELECT")).columns == ()


def test_rows_are_those_of_any_filter() -> None:
    january, february = Filter(("id", "month"), "month = 1"), Filter(("id", "name"), "month = 2")
    table = TableFacts("d", "t", COLUMNS, filters={"jan": january, "feb": february})
    one = access(grant(cell("jan"), "SELECT"), table=table)
    assert (one.columns, one.row_filter, one.permissions) == (("id", "month"), "month = 1", {"SELECT", "DESCRIBE"})
    two = access(grant(cell("jan"), "SELECT"), grant(cell("feb"), "SELECT"), table=table)
    assert two.columns == ("id", "name", "month")
    assert two.row_filter == "(month = 1) OR (month = 2)"
    assert two.visible(["name"]) == "month = 2"
    assert two.visible(["salary"]) == "FALSE"
    with_column = access(grant(cell("jan"), "SELECT"), grant(columns("name"), "SELECT"), table=table)
    assert with_column.row_filter is None  # some cell of every row
    assert with_column.visible(["id"]) == "month = 1"
    assert access(grant(cell("gone"), "SELECT"), table=table).columns == ()


def test_tags_of_the_table_and_of_its_columns() -> None:
    tags = {"team": "hr", "level": "low"}
    table = TableFacts("d", "t", COLUMNS, tags, {"salary": {**tags, "level": "high"}})
    low = access(grant(policy(team=["hr", "it"], level=["low"]), "SELECT", "INSERT"), table=table)
    assert low.columns == ("id", "name", "month")
    assert low.permissions == {"SELECT", "INSERT", "DESCRIBE"}
    high = access(grant(policy(level=["high"]), "SELECT", "INSERT"), table=table)
    assert (high.columns, high.permissions) == (("salary",), {"SELECT", "DESCRIBE"})
    assert access(grant(policy(team=["*"]), "SELECT"), table=table).columns == COLUMNS
    assert access(grant(policy(team=["it"]), "ALL"), table=table).permissions == set()
    assert access(grant(policy(team=["hr"], other=["x"]), "ALL"), table=table).permissions == set()
    assert access(grant(policy("DATABASE", team=["hr"]), "ALL"), table=table).permissions == set()


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("month = 1", '"month" = 1'),
        ("MONTH IN (1, 2) AND NOT name LIKE 'a%'", '"month" IN (1, 2) AND NOT "name" LIKE \'a%\''),
        ("name IS NOT NULL or salary between 1 and -2.5", 'NOT "name" IS NULL OR "salary" BETWEEN 1 AND -2.5'),
        ("name <> 'it''s'", "\"name\" <> 'it''s'"),
        ("month = date '2026-01-01'", "\"month\" = CAST('2026-01-01' AS DATE)"),
        ("true", "TRUE"),
        ("month = 1 -- a word", '"month" = 1'),
        ('"name"', '"name"'),
    ],
)
def test_row_filters(written: str, canonical: str) -> None:
    found = check_filter(written, COLUMNS)
    assert found == canonical
    assert check_filter(found, COLUMNS) == found


@pytest.mark.parametrize(
    "written",
    [
        "", ";", "month =", "nothing = 1", "t.month = 1", "1", "'text'", "month + 1", "lower(name) = 'a'",
        "month = (SELECT 1)", "month IN (SELECT 1)", "SELECT 1", "month = 1; DROP TABLE t", "EXISTS (SELECT 1)",
        "name.first = 'a'", "month = ?", "*", "(" * 3000, "name = random()", "DROP TABLE t",
        "month = 1 UNION SELECT 1", "CASE WHEN month = 1 THEN true END",
    ],
)  # fmt: skip
def test_what_is_no_row_filter(written: str) -> None:
    with pytest.raises(InvalidInputException):
        check_filter(written, COLUMNS)


def test_resources_have_one_form() -> None:
    whole = read_resource(WHOLE, ACCOUNT)
    assert read_resource(columns(excluded=[]), ACCOUNT) == whole
    assert read_resource({"Table": {"CatalogId": ACCOUNT, "DatabaseName": "d", "Name": "t"}}, ACCOUNT).key == whole.key
    named = read_resource(columns("b", "A", "a"), ACCOUNT)
    assert named.columns == ("a", "b")
    assert named.key == read_resource(columns("c"), ACCOUNT).key
    assert answer_resource(named, ACCOUNT)["TableWithColumns"]["ColumnNames"] == ["a", "b"]
    assert answer_resource(read_resource({"Catalog": {}}, ACCOUNT), ACCOUNT) == {"Catalog": {"Id": ACCOUNT}}
    for structure in (
        WHOLE,
        columns("a"),
        columns(excluded=["a"]),
        policy(a=["b"]),
        cell("f"),
        {"Database": {"Name": "d"}},
    ):
        resource = read_resource(structure, ACCOUNT)
        assert read_resource(answer_resource(resource, ACCOUNT), ACCOUNT) == resource


@pytest.mark.parametrize(
    "structure",
    [
        {},
        {**WHOLE, "Catalog": {}},
        {"Table": {"DatabaseName": "d"}},
        {"Table": {"DatabaseName": "d", "Name": "t", "TableWildcard": {}}},
        {"Database": {"Name": "d", "CatalogId": "210987654321"}},
        {"TableWithColumns": {"DatabaseName": "d", "Name": "t"}},
        {"DataCellsFilter": {"Name": "f"}},
        policy(),
    ],
)
def test_what_is_no_resource(structure: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputException):
        read_resource(structure, ACCOUNT)


def test_kinds_and_permissions_that_are_not_served() -> None:
    with pytest.raises(NotImplementedException, match="LFTagExpression"):
        read_resource({"LFTagExpression": {"Name": "e"}}, ACCOUNT)
    check_permissions(read_resource(WHOLE, ACCOUNT), ["SELECT", "DELETE"])
    with pytest.raises(InvalidInputException, match="CREATE_TABLE"):
        check_permissions(read_resource(WHOLE, ACCOUNT), ["SELECT", "CREATE_TABLE"])
    with pytest.raises(InvalidInputException, match="INSERT"):
        check_permissions(read_resource(columns("a"), ACCOUNT), ["INSERT"])
