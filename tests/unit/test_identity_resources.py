"""Which ARNs a request is about: however a thing is named in it, policies see the same ARN."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.aws.operations import load_service
from lakelet.aws.resources import _GLUE, resources
from lakelet.aws.services import glue
from tests.unit.test_identity_evaluator import USER

PREFIX = "arn:aws:glue:us-east-1:123456789012:"
SCHEMA = f"{PREFIX}schema/r/s"


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("GetTable", {"DatabaseName": "D", "Name": "T"}, ["catalog", "database/d", "table/d/t"]),
        ("CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "T"}}, ["catalog", "database/d", "table/d/t"]),
        ("GetTables", {"DatabaseName": "d"}, ["catalog", "database/d", "table/d/*"]),
        ("GetPartitions", {"DatabaseName": "d", "TableName": "T"}, ["catalog", "database/d", "table/d/t"]),
        ("BatchDeleteTable", {"DatabaseName": "d", "TablesToDelete": ["a", "B"]},
         ["catalog", "database/d", "table/d/a", "table/d/b"]),
        ("GetDatabases", {}, ["catalog", "database/*"]),
        ("CreateDatabase", {"DatabaseInput": {"Name": "D"}}, ["catalog", "database/d"]),
        ("GetUserDefinedFunction", {"DatabaseName": "d", "FunctionName": "f"},
         ["catalog", "database/d", "userDefinedFunction/d/f"]),
        ("StartJobRun", {"JobName": "J"}, ["job/J"]), ("CreateJob", {"Name": "J"}, ["job/J"]),
        ("BatchGetJobs", {"JobNames": ["a", "b"]}, ["job/a", "job/b"]),
        ("GetCrawler", {"Name": "c"}, ["crawler/c"]), ("StartCrawlerSchedule", {"CrawlerName": "c"}, ["crawler/c"]),
        ("GetSchema", {"SchemaId": {"RegistryName": "r", "SchemaName": "s"}}, ["registry/r", "schema/r/s"]),
        ("GetSchema", {"SchemaId": {"SchemaArn": SCHEMA}}, ["registry/r", "schema/r/s"]),
        ("GetSchema", {"SchemaId": {"SchemaName": "s"}}, ["registry/default-registry", "schema/default-registry/s"]),
        ("CreateSchema", {"SchemaName": "s", "RegistryId": {"RegistryName": "r"}}, ["registry/r", "schema/r/s"]),
        ("CreateCrawler", {"Name": "c", "DatabaseName": "d"}, ["crawler/c"]),
        ("TagResource", {"ResourceArn": f"{PREFIX}table/D/T"}, ["table/d/t"]),
        ("TagResource", {"ResourceArn": f"{PREFIX}job/J"}, ["job/J"]),
    ],
)  # fmt: skip
def test_glue(operation: str, parameters: dict[str, Any], expected: list[str]) -> None:
    found = resources("glue", operation, parameters, USER, "us-east-1")
    assert list(found) == [PREFIX + one for one in expected]


def test_what_is_not_mapped_is_about_everything() -> None:
    for service, operation in (("glue", "ListJobs"), ("iam", "ListUsers"), ("lakeformation", "ListPermissions")):
        assert resources(service, operation, {}, USER, "us-east-1") == ["*"]
    assert resources("glue", "GetSchema", {"SchemaId": {}}, USER, "us-east-1") == ["*"]


def test_the_table_names_operations_and_members_that_are_there() -> None:
    service = load_service("glue", glue)
    for operation, templates in _GLUE.items():
        members = set(service.model.operation_model(operation).input_shape.members)
        for template in templates:
            for part in template.split("{")[1:]:
                assert part.split("}")[0].removesuffix("[]").split(".")[0] in members, operation
