"""A thin client of the Data Catalog over the AWS wire: what jobs, crawlers, queries and dashboards read tables with.

Glue's errors come back as the :class:`~workspace.errors.ServiceError` subclass of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from workspace import errors
from workspace.paths import Workspace
from workspace.secrets import secret

Result = TypeVar("Result")


@dataclass(frozen=True)
class TableReference:
    """A table by name."""

    database: str
    name: str

    @classmethod
    def parse(cls, text: str) -> TableReference:
        """Read ``database.table``; raises :class:`~workspace.errors.UsageError` for anything else."""
        database, dot, name = text.partition(".")
        if not (database and dot and name) or "." in name:
            raise errors.UsageError(f"{text!r} is not a table: write DATABASE.TABLE.")
        return cls(database.lower(), name.lower())

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"


def aws_client(workspace: Workspace, service: str) -> Any:
    """A boto3 client of one AWS service (``glue``, ``sts``) that talks to the workspace's control process.

    Raises :class:`~workspace.errors.NotRunningError` when the stack was never started.
    """
    region = workspace.settings.text("region")
    keys = (secret(workspace, "access_key"), secret(workspace, "secret_key"))
    return _client(service, workspace.endpoint("control"), region, *keys)


@lru_cache(maxsize=16)
def _client(service: str, endpoint: str, region: str, access_key: str, secret_key: str) -> Any:
    # Kept, because making one reads the service's model; a client may be shared by threads.
    from boto3.session import Session
    from botocore.config import Config
    from botocore.exceptions import ProfileNotFound

    # No proxy stands between us and the loopback address, whatever HTTP_PROXY says.
    # A run bears it that the control process is restarted; a person at the command line wants to know at once.
    attempts = 8 if os.environ.get("LAKELET_RUN_ID") else 3
    retries = {"mode": "standard", "max_attempts": attempts}
    config = Config(connect_timeout=5, read_timeout=120, retries=retries, proxies={})
    try:
        return Session(access_key, secret_key, region_name=region).client(service, endpoint_url=endpoint, config=config)
    except ProfileNotFound as error:
        raise errors.UsageError(f"{error}: unset AWS_PROFILE, or name a profile that exists.") from error


def glue_client(workspace: Workspace) -> Any:
    """A boto3 Glue client of the workspace's control process."""
    return aws_client(workspace, "glue")


def translated(call: Callable[[], Result]) -> Result:
    """Call boto3 and raise its errors as ours.

    A modelled error becomes the :class:`~workspace.errors.ServiceError` of that name, a dead endpoint
    :class:`~workspace.errors.NotRunningError`, anything else :class:`~workspace.errors.LakeletError`.
    """
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ParamValidationError

    try:
        return call()
    except ClientError as error:
        detail = error.response.get("Error", {})
        kind = getattr(errors, detail.get("Code", ""), errors.LakeletError)
        raise kind(detail.get("Message") or str(error)) from error
    except EndpointConnectionError as error:
        raise errors.NotRunningError("The control process does not answer: see `lakelet status`.") from error
    except ParamValidationError as error:
        raise errors.ValidationException(str(error)) from error
    except BotoCoreError as error:
        raise errors.LakeletError(f"The request to the control process failed: {error}") from error


def get_databases(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Every database, as Glue's Database structure."""
    yield from pages(glue_client(workspace), "get_databases", "DatabaseList")


def get_tables(workspace: Workspace, database: str) -> Iterator[dict[str, Any]]:
    """Every table of a database, as Glue's Table structure; raises EntityNotFoundException."""
    yield from pages(glue_client(workspace), "get_tables", "TableList", DatabaseName=database)


def get_table(workspace: Workspace, database: str, name: str) -> dict[str, Any]:
    """One table, as Glue's Table structure; raises EntityNotFoundException."""
    glue = glue_client(workspace)
    answer: dict[str, Any] = translated(lambda: glue.get_table(DatabaseName=database, Name=name))["Table"]
    return answer


def get_partitions(
    workspace: Workspace, database: str, name: str, expression: str | None = None
) -> Iterator[dict[str, Any]]:
    """The partitions of a table that satisfy an expression, as Glue's Partition structure.

    Raises EntityNotFoundException, and InvalidInputException for an expression that cannot be read.
    """
    wanted = {"DatabaseName": database, "TableName": name} | ({"Expression": expression} if expression else {})
    yield from pages(glue_client(workspace), "get_partitions", "Partitions", **wanted)


def ensure_database(workspace: Workspace, name: str, location: str = "", description: str = "") -> None:
    """Create a database unless it exists; ``location`` is an ``s3://`` prefix or empty."""
    glue = glue_client(workspace)
    wanted = {"Name": name, "LocationUri": location, "Description": description}
    database_input = {member: value for member, value in wanted.items() if value}
    try:
        translated(lambda: glue.create_database(DatabaseInput=database_input))
    except errors.AlreadyExistsException:
        return


def pages(glue: Any, operation: str, member: str, **wanted: Any) -> Iterator[dict[str, Any]]:
    """The items of every page of a boto3 operation's answer, ``member`` being where they are; errors are ours."""
    answers = iter(glue.get_paginator(operation).paginate(**wanted))
    while (answer := translated(lambda: next(answers, None))) is not None:
        yield from answer[member]
