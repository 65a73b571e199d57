"""The schema registry through boto3: AWS's behaviour, operation by operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire

PERSON = (("Name", "string"),)
PERSON_AGE = (("Name", "string"), ("Age", "int"))
PERSON_SALARY = (("Name", "string"), ("Salary", ["null", "int"], None))
PERSON_AGE_SALARY = (("Name", "string"), ("Age", "int"), ("Salary", ["null", "int"], None))
Fields = tuple[tuple[Any, ...], ...]


def avro(fields: Fields) -> str:
    listed = [{"name": name, "type": kind, **({"default": rest[0]} if rest else {})} for name, kind, *rest in fields]
    return json.dumps({"type": "record", "namespace": "Test", "name": "Person", "fields": listed})


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def registry(glue: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"r{abs(hash(request.node.nodeid)):x}"
    glue.create_registry(RegistryName=name)
    yield name
    glue.delete_registry(RegistryId={"RegistryName": name})


def create(glue: Any, registry: str, fields: Fields = PERSON, mode: str = "NONE", name: str = "s") -> dict[str, Any]:
    glue.create_schema(
        RegistryId={"RegistryName": registry}, SchemaName=name, DataFormat="AVRO", Compatibility=mode,
        SchemaDefinition=avro(fields),
    )  # fmt: skip
    return {"RegistryName": registry, "SchemaName": name}


def refused(code: str, call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def test_registries(glue: Any) -> None:
    made = glue.create_registry(RegistryName="reg.one", Description="d", Tags={"a": "b"})
    assert made["RegistryArn"].endswith(":registry/reg.one")
    assert made["Tags"] == glue.get_tags(ResourceArn=made["RegistryArn"])["Tags"] == {"a": "b"}
    refused("AlreadyExistsException", glue.create_registry, RegistryName="reg.one")
    glue.create_registry(RegistryName="reg.two")
    by_arn = {"RegistryArn": made["RegistryArn"]}
    glue.update_registry(RegistryId=by_arn, Description="new")
    found = glue.get_registry(RegistryId=by_arn)
    assert (found["Description"], found["Status"]) == ("new", "AVAILABLE")
    pages = list(glue.get_paginator("list_registries").paginate(PaginationConfig={"PageSize": 1}))
    names = [one["RegistryName"] for page in pages for one in page["Registries"]]
    assert names == sorted(names)
    assert {"reg.one", "reg.two"} <= set(names)
    for name in ("reg.one", "reg.two"):
        assert glue.delete_registry(RegistryId={"RegistryName": name})["Status"] == "DELETING"
        refused("EntityNotFoundException", glue.get_registry, RegistryId={"RegistryName": name})
    refused("InvalidInputException", glue.delete_registry, RegistryId={})
    refused("InvalidInputException", glue.get_registry, RegistryId={"RegistryName": "reg.one"} | by_arn)
    refused("InvalidInputException", glue.list_registries, NextToken="nonsense")


def test_bad_arguments_are_invalid_input(glue: Any, registry: str) -> None:
    """As the pages of the registry's operations say, also where the model's own constraints are broken."""
    said = refused("InvalidInputException", glue.create_registry, RegistryName="not a name")
    assert said.startswith("1 validation error detected")
    by_name = {"RegistryName": registry}
    refused("InvalidInputException", glue.create_schema, RegistryId=by_name, SchemaName="s", DataFormat="XML")
    schema = create(glue, registry)
    refused("InvalidInputException", glue.delete_schema_versions, SchemaId=schema, Versions="x")
    refused("InvalidInputException", glue.list_registries, MaxResults=101)
    refused("ValidationException", glue.get_databases, MaxResults=101)


def test_an_empty_registry_id_is_the_default_registry(glue: Any) -> None:
    glue.create_schema(RegistryId={}, SchemaName="d", DataFormat="AVRO", SchemaDefinition=avro(PERSON))
    assert glue.get_registry(RegistryId={})["RegistryName"] == "default-registry"
    assert [one["SchemaName"] for one in glue.list_schemas(RegistryId={})["Schemas"]] == ["d"]
    glue.delete_schema(SchemaId={"SchemaName": "d"})


def test_limits(glue: Any, registry: str) -> None:
    made = []
    while len(made) <= 100:
        try:
            glue.create_registry(RegistryName=f"limit-{len(made)}")
        except glue.exceptions.ResourceNumberLimitExceededException:
            break
        made.append(f"limit-{len(made)}")
    pages = glue.get_paginator("list_registries").paginate()
    assert len([one for page in pages for one in page["Registries"]]) == 100
    for name in made:
        glue.delete_registry(RegistryId={"RegistryName": name})
    version = {"SchemaId": create(glue, registry), "SchemaVersionNumber": {"LatestVersion": True}}
    pairs = [{"MetadataKey": "k", "MetadataValue": str(number)} for number in range(11)]
    for pair in pairs[:10]:
        glue.put_schema_version_metadata(**version, MetadataKeyValue=pair)
    last = {**version, "MetadataKeyValue": pairs[10]}
    refused("ResourceNumberLimitExceededException", glue.put_schema_version_metadata, **last)


def test_a_schema_goes_to_the_default_registry(glue: Any) -> None:
    made = glue.create_schema(SchemaName="d", DataFormat="AVRO", SchemaDefinition=avro(PERSON), Tags={"a": "b"})
    assert made["RegistryName"] == "default-registry"
    assert made["SchemaArn"].endswith(":schema/default-registry/d")
    assert (made["LatestSchemaVersion"], made["NextSchemaVersion"], made["SchemaCheckpoint"]) == (1, 2, 1)
    assert (made["Compatibility"], made["SchemaVersionStatus"], made["Tags"]) == ("BACKWARD", "AVAILABLE", {"a": "b"})
    assert glue.get_schema(SchemaId={"SchemaName": "d"})["SchemaArn"] == made["SchemaArn"]
    assert glue.get_schema(SchemaId={"SchemaArn": made["SchemaArn"]})["SchemaName"] == "d"
    message = refused("AlreadyExistsException", glue.create_schema, SchemaName="d", DataFormat="JSON")
    assert "default-registry" in message
    assert glue.get_tags(ResourceArn=made["SchemaArn"])["Tags"] == {"a": "b"}
    assert glue.delete_schema(SchemaId={"SchemaName": "d"})["Status"] == "DELETING"
    refused("EntityNotFoundException", glue.get_schema, SchemaId={"SchemaName": "d"})


def test_a_schema_without_a_version(glue: Any, registry: str) -> None:
    made = glue.create_schema(RegistryId={"RegistryName": registry}, SchemaName="e", DataFormat="JSON")
    assert "LatestSchemaVersion" not in made and "SchemaVersionId" not in made
    schema = {"RegistryName": registry, "SchemaName": "e"}
    refused(
        "EntityNotFoundException", glue.get_schema_version, SchemaId=schema, SchemaVersionNumber={"LatestVersion": True}
    )
    assert glue.register_schema_version(SchemaId=schema, SchemaDefinition='{"type":"object"}')["VersionNumber"] == 1
    assert glue.get_schema(SchemaId=schema)["SchemaCheckpoint"] == 1
    message = refused(
        "InvalidInputException", glue.register_schema_version, SchemaId=schema, SchemaDefinition='{"type":"strong"}'
    )
    assert "JSON" in message
    message = refused(
        "InvalidInputException", glue.create_schema, SchemaName="x", DataFormat="PROTOBUF", SchemaDefinition="nonsense"
    )
    assert "line 1" in message
    refused(
        "EntityNotFoundException",
        glue.create_schema,
        RegistryId={"RegistryName": "no"},
        SchemaName="x",
        DataFormat="AVRO",
    )


# The outcomes on AWS of these Avro schemas, mode by mode: (mode, first, between, new, status)
OUTCOMES: list[tuple[str, Fields, Fields | None, Fields, str]] = [
    ("NONE", PERSON, None, PERSON_AGE, "AVAILABLE"),
    ("BACKWARD", PERSON_AGE, None, PERSON, "AVAILABLE"),
    ("BACKWARD", PERSON, None, PERSON_AGE, "FAILURE"),
    ("FORWARD", PERSON, None, PERSON_AGE, "AVAILABLE"),
    ("FORWARD", PERSON_AGE, None, PERSON, "FAILURE"),
    ("FULL", PERSON, None, PERSON_AGE, "FAILURE"),
    ("FULL", PERSON_SALARY, None, PERSON, "AVAILABLE"),
    ("BACKWARD_ALL", PERSON_AGE_SALARY, PERSON_AGE, PERSON, "AVAILABLE"),
    ("BACKWARD_ALL", PERSON_AGE_SALARY, PERSON, PERSON_AGE, "FAILURE"),
    ("FORWARD_ALL", PERSON, PERSON_AGE_SALARY, PERSON_AGE, "AVAILABLE"),
    ("FORWARD_ALL", PERSON_AGE, PERSON_AGE_SALARY, PERSON, "FAILURE"),
    ("FULL_ALL", PERSON, PERSON_AGE_SALARY, PERSON_SALARY, "AVAILABLE"),
    ("FULL_ALL", PERSON, PERSON_SALARY, PERSON_AGE_SALARY, "FAILURE"),
]


@pytest.mark.parametrize(("mode", "first", "between", "new", "status"), OUTCOMES)
def test_compatibility_modes(
    glue: Any, registry: str, mode: str, first: Fields, between: Fields | None, new: Fields, status: str
) -> None:
    schema = create(glue, registry, first, mode)
    if between is not None:
        glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(between))
    made = glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(new))
    assert made["Status"] == status
    found = glue.get_schema_version(SchemaVersionId=made["SchemaVersionId"])
    assert (found["Status"], found["SchemaDefinition"]) == (status, avro(new))


def test_an_equal_definition_keeps_its_version(glue: Any, registry: str) -> None:
    schema = create(glue, registry)
    spaced = json.dumps(json.loads(avro(PERSON)), indent=4)
    again = glue.register_schema_version(SchemaId=schema, SchemaDefinition=spaced)
    assert again["VersionNumber"] == 1
    found = glue.get_schema_by_definition(SchemaId=schema, SchemaDefinition=spaced)
    assert found["SchemaVersionId"] == again["SchemaVersionId"]
    refused(
        "EntityNotFoundException", glue.get_schema_by_definition, SchemaId=schema, SchemaDefinition=avro(PERSON_AGE)
    )


def test_disabled_takes_no_new_version(glue: Any, registry: str) -> None:
    schema = create(glue, registry, mode="DISABLED")
    refused("InvalidInputException", glue.register_schema_version, SchemaId=schema, SchemaDefinition=avro(PERSON_AGE))


def test_versions_are_listed_and_deleted(glue: Any, registry: str) -> None:
    schema = create(glue, registry)
    for fields in (PERSON_AGE, PERSON_SALARY, PERSON_AGE_SALARY):
        glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(fields))
    pages = list(glue.get_paginator("list_schema_versions").paginate(SchemaId=schema, PaginationConfig={"PageSize": 3}))
    assert [[one["VersionNumber"] for one in page["Schemas"]] for page in pages] == [[1, 2, 3], [4]]
    refused("InvalidInputException", glue.delete_schema_versions, SchemaId=schema, Versions="1-6")
    refused("InvalidInputException", glue.delete_schema_versions, SchemaId=schema, Versions="4-2")
    refused("InvalidInputException", glue.delete_schema_versions, SchemaId=schema, Versions="2-" + "9" * 5000)
    glue.delete_schema_versions(SchemaId=schema, Versions="9-" + "9" * 30)
    assert glue.delete_schema_versions(SchemaId=schema, Versions="3")["SchemaVersionErrors"] == []
    errors = glue.delete_schema_versions(SchemaId=schema, Versions="2-9")["SchemaVersionErrors"]
    assert [error["VersionNumber"] for error in errors] == [3]
    assert [one["VersionNumber"] for one in glue.list_schema_versions(SchemaId=schema)["Schemas"]] == [1]
    assert glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(PERSON_AGE))["VersionNumber"] == 5
    number = {"VersionNumber": 4}
    refused("EntityNotFoundException", glue.get_schema_version, SchemaId=schema, SchemaVersionNumber=number)
    refused("InvalidInputException", glue.get_schema_version, SchemaId=schema)
    refused("InvalidInputException", glue.get_schema_version, SchemaId=schema, SchemaVersionNumber={})


def test_updates(glue: Any, registry: str) -> None:
    schema = create(glue, registry, PERSON_AGE, "BACKWARD")
    glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(PERSON))
    glue.update_schema(SchemaId=schema, Description="new")
    glue.update_schema(SchemaId=schema, SchemaVersionNumber={"LatestVersion": True}, Compatibility="FORWARD_ALL")
    found = glue.get_schema(SchemaId=schema)
    assert (found["Description"], found["SchemaCheckpoint"], found["Compatibility"]) == ("new", 2, "FORWARD_ALL")
    for wrong in (
        {},
        {"Compatibility": "BACKWARD"},
        {"SchemaVersionNumber": {"VersionNumber": 1}},
        {"SchemaVersionNumber": {"VersionNumber": 2}, "Compatibility": "FORWARD_ALL"},
    ):
        refused("InvalidInputException", glue.update_schema, SchemaId=schema, **wrong)
    refused("EntityNotFoundException", glue.update_schema, SchemaId=schema, SchemaVersionNumber={"VersionNumber": 9})
    # Version 1, before the checkpoint, is not compared with any more: it required an Age.
    made = glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(PERSON_SALARY))
    assert made["Status"] == "AVAILABLE"


def test_schemas_are_listed(glue: Any, registry: str) -> None:
    for name in ("b", "a", "c"):
        create(glue, registry, name=name)
    wanted = {"RegistryId": {"RegistryName": registry}, "PaginationConfig": {"PageSize": 2}}
    pages = list(glue.get_paginator("list_schemas").paginate(**wanted))
    assert [[one["SchemaName"] for one in page["Schemas"]] for page in pages] == [["a", "b"], ["c"]]
    everywhere = glue.list_schemas()["Schemas"]
    assert {(registry, name) for name in "abc"} <= {(one["RegistryName"], one["SchemaName"]) for one in everywhere}
    refused("EntityNotFoundException", glue.list_schemas, RegistryId={"RegistryName": "no"})


def test_the_difference_of_two_versions(glue: Any, registry: str) -> None:
    schema = create(glue, registry)
    glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(PERSON_AGE))
    first, last = {"VersionNumber": 1}, {"LatestVersion": True}
    wanted = {"SchemaId": schema, "SecondSchemaVersionNumber": last, "SchemaDiffType": "SYNTAX_DIFF"}
    added = glue.get_schema_versions_diff(FirstSchemaVersionNumber=first, **wanted)["Diff"].splitlines()
    assert '+      "name": "Age",' in added
    assert not glue.get_schema_versions_diff(FirstSchemaVersionNumber=last, **wanted).get("Diff")


def test_validity(glue: Any) -> None:
    assert glue.check_schema_version_validity(DataFormat="AVRO", SchemaDefinition='"int"')["Valid"] is True
    answer = glue.check_schema_version_validity(DataFormat="PROTOBUF", SchemaDefinition="message {")
    assert answer["Valid"] is False and "line 1" in answer["Error"]
    answer = glue.check_schema_version_validity(
        DataFormat="JSON", SchemaDefinition='{"required": "' + "x" * 9000 + '"}'
    )
    assert answer["Valid"] is False


def test_metadata(glue: Any, registry: str) -> None:
    schema = create(glue, registry)
    version = glue.get_schema_version(SchemaId=schema, SchemaVersionNumber={"LatestVersion": True})["SchemaVersionId"]
    pair = {"MetadataKey": "team", "MetadataValue": "a"}
    put = glue.put_schema_version_metadata(SchemaVersionId=version, MetadataKeyValue=pair)
    assert (put["VersionNumber"], put["LatestVersion"], put["SchemaName"]) == (1, True, "s")
    refused("AlreadyExistsException", glue.put_schema_version_metadata, SchemaVersionId=version, MetadataKeyValue=pair)
    number = {"SchemaId": schema, "SchemaVersionNumber": {"VersionNumber": 1}}
    glue.put_schema_version_metadata(MetadataKeyValue={"MetadataKey": "team", "MetadataValue": "b"}, **number)
    for n in range(8):
        glue.put_schema_version_metadata(MetadataKeyValue={"MetadataKey": f"k{n}", "MetadataValue": "v"}, **number)
    more = {"MetadataKey": "more", "MetadataValue": "v"}
    refused("ResourceNumberLimitExceededException", glue.put_schema_version_metadata, MetadataKeyValue=more, **number)
    found = glue.query_schema_version_metadata(SchemaVersionId=version, MaxResults=5)
    assert list(found["MetadataInfoMap"]) == [f"k{n}" for n in range(5)]
    found = glue.query_schema_version_metadata(SchemaVersionId=version, MaxResults=5, NextToken=found["NextToken"])
    assert list(found["MetadataInfoMap"]) == ["k5", "k6", "k7", "team"]
    assert found["MetadataInfoMap"]["team"]["MetadataValue"] == "b"
    assert found["MetadataInfoMap"]["team"]["OtherMetadataValueList"][0]["MetadataValue"] == "a"
    only = glue.query_schema_version_metadata(MetadataList=[{"MetadataKey": "k1"}, pair], **number)["MetadataInfoMap"]
    assert set(only) == {"k1", "team"}
    glue.remove_schema_version_metadata(SchemaVersionId=version, MetadataKeyValue=pair)
    refused(
        "EntityNotFoundException", glue.remove_schema_version_metadata, SchemaVersionId=version, MetadataKeyValue=pair
    )
    refused("InvalidInputException", glue.put_schema_version_metadata, SchemaVersionId=version, MetadataKeyValue={})
    refused("InvalidInputException", glue.query_schema_version_metadata, SchemaVersionId=version, SchemaId=schema)
