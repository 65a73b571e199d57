"""What is left of a committed publish that the object store refuses for good: looked up, cleared away, and said."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from lakelet.catalog.publish_records import COMMITTED, PLACE, Publish
from lakelet.catalog.store import CatalogStore
from lakelet.data.publish import Outcome, location_prefix
from lakelet.data.zones import uri
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException


def first_of(pending: Sequence[Publish], wanted: Publish) -> Publish:
    """Hold that a publish is the first of those that are ``pending`` for its target: they are applied in order.

    Raises InvalidInputException.
    """
    if wanted.state != COMMITTED:
        raise InvalidInputException(
            f"Publish {wanted.id} to {wanted.target} is {wanted.state}: only one that is COMMITTED, and that the "
            "object store refuses, can be given up."
        )
    if pending[0].id != wanted.id:
        raise InvalidInputException(f"{pending[0].id} was committed to {wanted.target} before: begin with it.")
    return pending[0]


def drop_empty_partitions(
    connection: sa.Connection, catalog: CatalogStore, publish: Publish, outcome: Outcome
) -> list[Sequence[str]]:
    """Take those partitions out of the catalog that the publish was to fill and whose folders hold nothing; returns
    their values. A table that was dropped meanwhile has none."""
    database, name = publish.key
    if database == PLACE:
        return []
    try:
        table = catalog.table(connection, database, name)
    except EntityNotFoundException:
        return []
    wanted = [uri(publish.bucket, key) for key in (*outcome.added, *outcome.missing)]
    there = [uri(publish.bucket, key) for key in outcome.present]
    empty: list[Sequence[str]] = []
    for one in catalog.partitions(connection, table):
        location = (one.definition.get("StorageDescriptor") or {}).get("Location")
        folder = str(location or "").rstrip("/") + "/"
        if any(key.startswith(folder) for key in wanted) and not any(key.startswith(folder) for key in there):
            empty.append(one.values)
    catalog.delete_partitions(connection, table, empty)
    return empty


def in_words(publish: Publish, outcome: Outcome, dropped: Sequence[Sequence[str]], refusal: str) -> str:
    """What was carried out of a publish that was given up, and what was not, for people."""
    added, missing = len(outcome.added), len(outcome.missing)
    gone, left = len(outcome.gone), len(outcome.left)
    said = [f"Of {added + missing} files to add to {uri(*location_prefix(publish.location))}, {added} are there."]
    if gone or left:
        said.append(f"Of {gone + left} files to remove, {left} are still there.")
    if dropped:
        values = ", ".join("/".join(one) for one in dropped[:5]) + (", …" if len(dropped) > 5 else "")
        said.append(f"{len(dropped)} partitions without files are no longer in the catalog: {values}.")
    if missing:
        said.append("Write it again, or drop the table.")
    said.append(f"Why: {refusal}")
    return " ".join(said)
