"""Members that several operations of the Data Catalog take, read and checked."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, caller
from lakelet.aws.regions import known_regions
from lakelet.catalog.registry.columns import referred
from lakelet.catalog.registry.store import RegistryStore
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException, NotImplementedException
from lakelet.workspace.state import reading

# One line in the control process's log for each request that brings what its sender wants to find in an audit.
_audit = logging.getLogger("lakelet.aws.audit")


def version_number(version_id: Any) -> int | None:
    """A VersionId as a number, or None for none; raises InvalidInputException for one that is no whole number."""
    if version_id is None:
        return None
    text = str(version_id)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInputException(f"{text!r} is no version of a table: a VersionId is a whole number.")
    return int(text)


def attributes(wanted: list[str] | None, needed: str, refused: Collection[str] = ()) -> set[str] | None:
    """AttributesToGet as a set, or None for all; raises InvalidInputException, as Glue does, without ``needed``."""
    if wanted is None:
        return None
    if strange := set(wanted) & set(refused):
        raise NotImplementedException(f"AttributesToGet is served without {', '.join(sorted(strange))}: leave it out.")
    if needed not in wanted:
        raise InvalidInputException(f"AttributesToGet must include {needed}.")
    return set(wanted)


def no_transactions(transaction_id: str | None = None, query_as_of_time: Any = None) -> None:
    """TransactionId and QueryAsOfTime are of governed tables, which AWS has ended: there are none.

    Raises InvalidInputException when one is given (AWS Lake Formation Developer Guide, "Document history": governed
    tables are supported no more).
    """
    for member, value in (("TransactionId", transaction_id), ("QueryAsOfTime", query_as_of_time)):
        if value is not None:
            raise InvalidInputException(f"There are no governed tables, which {member} is about: leave it out.")


def audited(operation: str, resource: str, **contexts: Mapping[str, Any] | None) -> None:
    """Write what a request brings for its audit (AuditContext, QuerySessionContext) into the log, as one line of JSON.

    Called when nothing is left that would have to wait: what is given up by its thread
    (``lakelet.aws.operations.at_once``) is served again. The line has who asked, for what, and the members as they
    came.
    """
    if given := {member: value for member, value in contexts.items() if value}:
        said = {"operation": operation, "resource": resource, "principal": caller().arn, **given}
        _audit.info("%s", json.dumps(said, default=str))


def check_security_configuration(context: Context, connection: sa.Connection, name: str | None) -> None:
    """Whether a security configuration that is named is there, and asks for nothing that is not done; "" is none.

    Raises InvalidInputException, NotImplementedException for one that asks for an encryption.
    """
    if not name:
        return
    try:
        asked = context.catalog.policies.configuration(connection, name).body
    except EntityNotFoundException as error:
        raise InvalidInputException(str(error)) from None
    if modes := sorted(_modes(asked) - {"DISABLED"}):
        raise NotImplementedException(
            f"The security configuration {name} asks for {', '.join(modes)}, which Lakelet does not do: leave it out, "
            "or name one that has every mode DISABLED."
        )


def _modes(asked: Any) -> set[str]:
    """The modes of encryption (``S3EncryptionMode`` and the like) in a security configuration, at any depth."""
    if isinstance(asked, Mapping):
        own = {value for member, value in asked.items() if member.endswith("Mode")}
        return own.union(*(_modes(value) for value in asked.values()))
    return set().union(*map(_modes, asked)) if isinstance(asked, list) else set()


def check_reference(context: Context, definition: dict[str, Any]) -> None:
    """Check that the schema is there whose columns a table takes; EntityNotFoundException, InvalidInputException."""
    if reference := (definition.get("StorageDescriptor") or {}).get("SchemaReference"):
        with reading(context.engine) as connection:
            referred(connection, RegistryStore(context.engine), reference)


def check_target(context: Context, target: dict[str, Any] | None, *needed: str) -> None:
    """Check what a resource link points to: this account (there is no other), in any region, and what it has to name.

    Raises InvalidInputException, EntityNotFoundException for another account's catalog.
    """
    if not target:
        return
    if missing := [member for member in needed if not target.get(member)]:
        raise InvalidInputException(f"The target of a resource link needs a {' and a '.join(missing)}.")
    if target.get("CatalogId", context.account_id) != context.account_id:
        raise EntityNotFoundException(
            f"Catalog {target['CatalogId']} not found: this workspace's is {context.account_id}."
        )
    check_region(context, target.get("Region"))


def check_region(context: Context, region: str | None) -> None:
    """Whether a region that a request names is one; the catalog is the same in all. Raises InvalidInputException."""
    if region is not None and region not in known_regions() | {context.region}:
        raise InvalidInputException(f"Region {region} is not a region of AWS's.")
