"""Members that several operations of the Data Catalog take, read and checked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aws.context import Context
from catalog.registry.columns import referred
from catalog.registry.store import RegistryStore
from workspace.errors import EntityNotFoundException, InvalidInputException, NotImplementedException
from workspace.state import reading


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


def check_reference(context: Context, definition: dict[str, Any]) -> None:
    """Check that the schema is there whose columns a table takes; EntityNotFoundException, InvalidInputException."""
    if reference := (definition.get("StorageDescriptor") or {}).get("SchemaReference"):
        with reading(context.engine) as connection:
            referred(connection, RegistryStore(context.engine), reference)


def check_target(context: Context, target: dict[str, Any] | None, *needed: str) -> None:
    """Check what a resource link points to: this account and region, the only ones there are, and what it has to name.

    Raises InvalidInputException, EntityNotFoundException for another account's catalog, NotImplementedException for
    another region.
    """
    if not target:
        return
    if missing := [member for member in needed if not target.get(member)]:
        raise InvalidInputException(f"The target of a resource link needs a {' and a '.join(missing)}.")
    if target.get("CatalogId", context.account_id) != context.account_id:
        raise EntityNotFoundException(
            f"Catalog {target['CatalogId']} not found: this workspace's is {context.account_id}."
        )
    region = context.workspace.settings.text("region")
    if target.get("Region", region) != region:
        raise NotImplementedException(f"Resource links to another region than {region} are not served.")
