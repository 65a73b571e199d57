"""What fails inside stays inside: the client gets a request id, the log the traceback."""

from __future__ import annotations

import errno
import json
import logging
from types import ModuleType
from typing import Any

import pytest

from lakelet.aws import app
from lakelet.aws.operations import load_service
from lakelet.aws.protocol.http import Request, Response
from lakelet.workspace.errors import LakeletError, NotRunningError, UsageError
from tests.wire.conftest import Wire
from tests.wire.requests import signed


def failing_with(wire: Wire, error: BaseException) -> Response:
    """The answer of a wire whose GetDatabases raises ``error``."""

    def get_databases() -> None:
        raise error

    module = ModuleType("failing")
    get_databases.__module__ = module.__name__
    module.get_databases = get_databases  # type: ignore[attr-defined]
    request = signed(wire)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": wire.url[len("http://") :]}
    return app.Wire([load_service("glue", module)]).answer(Request("POST", "/", "", headers, request.body), "id-1")


def test_an_unexpected_failure_is_logged_and_not_told(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    error = ZeroDivisionError("the secret of the house")
    with caplog.at_level(logging.ERROR):
        answer = failing_with(wire, error)
    body = json.loads(answer.body)
    assert (answer.status, body["__type"]) == (500, "InternalServiceException")
    assert "id-1" in body["Message"] and b"secret of the house" not in answer.body
    # The records, not the text: PySpark's loggers turn what they are given to log by into JSON, caplog's handler too.
    [record] = [record for record in caplog.records if record.name == "lakelet.aws"]
    assert "id-1" in record.getMessage() and record.exc_info and record.exc_info[1] is error


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (NotRunningError("MinIO is not running."), 503, "ServiceUnavailableException"),
        (UsageError("'x' is not an S3 location."), 400, "InvalidInputException"),
        (LakeletError("No."), 400, "InvalidInputException"),
        (RecursionError(), 400, "SerializationException"),
    ],
)
def test_errors_of_ours_get_a_name_that_aws_has(wire: Wire, error: Any, status: int, expected: str) -> None:
    answer = failing_with(wire, error)
    assert (answer.status, json.loads(answer.body)["__type"]) == (status, expected)


def test_a_protocol_that_is_not_spoken_fails_at_load() -> None:
    module = ModuleType("empty")
    with pytest.raises(TypeError, match="rest-xml"):
        app.Wire([load_service("s3", module)])


def test_a_full_disk_is_told_with_what_frees_space(wire: Wire) -> None:
    wrapped = RuntimeError("could not be stored")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    body = json.loads(failing_with(wire, wrapped).body)
    assert body["__type"] == "InternalServiceException"
    assert body["Message"].startswith(f"The disk is full: {wire.workspace.state}") and "lakelet gc" in body["Message"]
