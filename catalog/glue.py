"""The Glue that this workspace's own programs call: signed AWS JSON requests to the control process, and no more.

boto3 would do, and outsiders use it; but its import and Glue's model take longer than everything else that a command
does (docs/adr/0008-a-glue-client-of-our-own.md). It is the same wire: same names, same structures, same errors.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lakelet.identity.keys import root_key
from lakelet.identity.signing import signed_headers
from lakelet.workspace import errors
from lakelet.workspace.control import send
from lakelet.workspace.paths import Workspace

TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.2
# How long a control process that does not answer is asked again: it is being restarted. A person at the command line
# wants to know at once.
PATIENCE_SECONDS = 1.0
RUN_PATIENCE_SECONDS = 60.0
ATTEMPTS = 3  # when it answers that it failed
FAILURES = (500, 502, 503, 504)
ONCE = ("StartJobRun",)  # sent twice, these may do more than sent once: never repeated when an answer was lost

# JSON has no timestamps: Glue's are numbers under these names (a test holds the list against the model). Those of
# column statistics, MinimumValue and MaximumValue, stay numbers: what they are depends on the column.
TIMESTAMPS = frozenset({
    "AnalyzedTime", "CompletedOn", "CreateTime", "CreatedAt", "CreatedOn", "CreatedTimeStamp",
    "CreatedTimestamp", "CreationTime", "EndTime", "ExecutionTimestamp", "ImportTime", "LastAccessTime",
    "LastAnalyzedTime",
    "LastConnectionValidationTime", "LastModified", "LastModifiedOn", "LastModifiedTimestamp", "LastUpdated",
    "LastUpdatedTime", "RecordedOn", "RequestTime", "StartTime", "StartedOn", "StartingTimestamp", "UpdateTime",
    "UpdatedAt", "endTimestamp", "startTimestamp",
})  # fmt: skip


class Glue:
    """Calls Glue's operations by their names in AWS's API reference. Threads may share one.

    Raises :class:`~lakelet.workspace.errors.NotRunningError` when the stack was never started.
    """

    service = "glue"  # the name that requests are signed for

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._region = workspace.settings.text("region")
        self._host = urlsplit(workspace.endpoint("control")).netloc
        self._key = root_key(workspace)

    def call(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """The answer to one request, its timestamps as aware datetimes in local time, as boto3 gives them.

        Raises the :class:`~lakelet.workspace.errors.ServiceError` subclass of the name that Glue answers with,
        :class:`~lakelet.workspace.errors.LakeletError` for one that has no class, and
        :class:`~lakelet.workspace.errors.NotRunningError` when nobody answers.
        """
        body = json.dumps(members, default=_on_the_wire).encode()
        patience = RUN_PATIENCE_SECONDS if os.environ.get("LAKELET_RUN_ID") else PATIENCE_SECONDS
        deadline = time.monotonic() + patience
        failures = 0
        while True:
            try:
                status, answer = self._send(operation, body)
            except errors.NotRunningError as error:
                unsent = isinstance(error.__cause__, ConnectionRefusedError)
                if time.monotonic() > deadline or not (unsent or operation not in ONCE):
                    raise
            else:
                if status == 200:
                    return _read(answer)
                failures += 1
                if status not in FAILURES or failures == ATTEMPTS or operation in ONCE:
                    raise _error(answer)
            time.sleep(POLL_SECONDS)

    def pages(self, operation: str, member: str, /, **members: Any) -> Iterator[dict[str, Any]]:
        """The items of every page of an operation's answer, ``member`` being where they are."""
        token: dict[str, str] = {}
        while True:
            answer = self.call(operation, **members, **token)
            yield from answer[member]
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        path, headers = self._target(operation)
        headers["host"] = self._host
        signed = signed_headers(self._key, self._region, self.service, path, headers, body, datetime.now(UTC))
        return send(self._workspace, "POST", path, body, signed, timeout=TIMEOUT_SECONDS)

    def _target(self, operation: str) -> tuple[str, dict[str, str]]:
        """The path and the headers by which a request names its operation."""
        return "/", {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"AWSGlue.{operation}"}


def _on_the_wire(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is nothing that AWS JSON can carry")


def _read(answer: bytes) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(answer, object_hook=_with_times)
    except ValueError as error:
        raise errors.LakeletError(
            f"The answer of the control process cannot be read ({error}): see its log with `lakelet logs control`."
        ) from error
    return value


def _with_times(structure: dict[str, Any]) -> dict[str, Any]:
    # What a user named so (a table's parameter, say) is text.
    for name in TIMESTAMPS & structure.keys():
        if isinstance(structure[name], (int, float)):
            structure[name] = datetime.fromtimestamp(structure[name], UTC).astimezone()
    return structure


def _error(answer: bytes) -> errors.LakeletError:
    try:
        named = json.loads(answer)
        name, message = str(named["__type"]), str(named.get("Message") or named["message"])
    except (ValueError, KeyError, TypeError):
        name, message = "", "The control process failed: see its log with `lakelet logs control`."
    kind: Any = getattr(errors, name, None)
    known = isinstance(kind, type) and issubclass(kind, errors.ServiceError)
    return kind(message) if known else errors.LakeletError(message)
