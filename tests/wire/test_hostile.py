"""Malformed requests: refused with a reason, never an internal failure (random ones: ``test_fuzz``)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from lakelet.aws.bodies import MAX_BODY
from tests.wire.conftest import Wire
from tests.wire.requests import code, send, signed


@pytest.fixture(scope="module", autouse=True)
def something_to_find(wire: Wire) -> None:
    client = wire.client()
    client.create_database(DatabaseInput={"Name": "hostile"})
    keys = [{"Name": "year", "Type": "int"}]
    client.create_table(DatabaseName="hostile", TableInput={"Name": "t", "PartitionKeys": keys})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000, b"{}{}", b"NaN", b"\x00",
        b'{"MaxResults":NaN}', b'{"MaxResults":' + b"9" * 5000 + b"}", b'{"NextToken":"' + b"a" * 100_000 + b'"}',
        b'{"Name":"\\ud800"}',
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_bodies_that_are_no_request_are_refused(wire: Wire, body: bytes) -> None:
    assert send(wire, signed(wire, body=body)).status_code in (200, 400, 501)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b"", 501, "NotImplemented"),
        (b"\xff", 400, "MalformedInput"),
        (b"Action=GetCallerIdentity", 501, "NotImplemented"),
        (b"Action=Nope&Version=2011-06-15", 404, "InvalidAction"),
        (b"Action=CreateAccountAlias&Version=2010-05-08", 501, "NotImplemented"),
        (b"Action=GetCallerIdentity&Version=2011-06-15&Color.member.1=%00", 501, "NotImplemented"),
        (b"&".join(b"a=%d" % n for n in range(20_000)), 400, "MalformedInput"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_forms_that_are_no_request_are_refused(wire: Wire, body: bytes, status: int, expected: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    service = "iam" if b"2010-05-08" in body else "sts"
    answer = send(wire, signed(wire, "", body, service=service, headers=form))
    assert answer.status_code == status and f"<Code>{expected}</Code>" in answer.text


def test_a_body_may_only_be_so_large(wire: Wire) -> None:
    answer = send(wire, signed(wire, body=b" " * (MAX_BODY + 1)))
    assert (answer.status_code, code(answer)) == (413, "RequestEntityTooLargeException")


@pytest.mark.parametrize(
    ("target", "status", "expected", "said"),
    [
        ("AWSGlue.CreateDevEndpoint", 501, "NotImplementedException", "CreateDevEndpoint is not served"),
        ("AWSGlue.MakeCoffee", 404, "UnknownOperationException", "MakeCoffee"),
        ("AmazonAthena.StartQueryExecution", 501, "NotImplementedException", "AmazonAthena"),
        ("", 501, "NotImplementedException", ""),
    ],
)
def test_what_is_not_served_says_so(wire: Wire, target: str, status: int, expected: str, said: str) -> None:
    answer = send(wire, signed(wire, target))
    assert (answer.status_code, code(answer)) == (status, expected)
    assert said in answer.json()["Message"]


def test_members_that_are_not_served_are_refused_by_name(wire: Wire) -> None:
    body = {"JobName": "hostile", "ExecutionRoleSessionPolicy": "{}"}
    answer = send(wire, signed(wire, "AWSGlue.StartJobRun", body))
    assert answer.status_code == 501 and "ExecutionRoleSessionPolicy" in answer.json()["Message"]
    answer = send(wire, signed(wire, "AWSGlue.GetDatabase", {"Name": "hostile", "Invented": 1}))
    assert answer.status_code == 501 and "Invented" in answer.json()["Message"]


@pytest.mark.parametrize(
    ("target", "body", "said"),
    [
        ("GetDatabase", {}, "'name' failed to satisfy constraint: Member must not be null"),
        ("GetDatabase", {"Name": ""}, "length greater than or equal to 1"),
        ("GetDatabase", {"Name": "n" * 256}, "length less than or equal to 255"),
        ("GetDatabase", {"Name": "a\x01"}, "regular expression pattern"),
        ("GetTables", {"DatabaseName": "hostile", "MaxResults": 101}, "value less than or equal to 100"),
        ("CreateTable", {"DatabaseName": "hostile", "TableInput": {}}, "'tableInput.name'"),
        ("CreateTable", {"DatabaseName": "hostile"}, "TableInput"),
    ],
)
def test_the_models_constraints_hold(wire: Wire, target: str, body: Any, said: str) -> None:
    answer = send(wire, signed(wire, f"AWSGlue.{target}", body))
    assert (answer.status_code, code(answer)) == (400, "ValidationException")
    assert said in answer.json()["Message"]


def test_a_value_of_another_type_is_refused(wire: Wire) -> None:
    answer = send(wire, signed(wire, "AWSGlue.GetDatabase", {"Name": 5}))
    assert (answer.status_code, code(answer)) == (400, "SerializationException")


def test_other_paths_are_not_the_wire(wire: Wire) -> None:
    answer = httpx.get(f"{wire.url}/some/where")
    assert (answer.status_code, code(answer)) == (403, "MissingAuthenticationTokenException")
    answer = send(wire, signed(wire, "", service="glue", path="/some/where"))
    assert (answer.status_code, code(answer)) == (501, "NotImplementedException")
    assert "glue" in answer.json()["Message"]
