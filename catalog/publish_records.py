"""A publish as the state database keeps it: its row, and the states that it goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lakelet.data.publish import Manifest
from lakelet.workspace.state import metadata, reading

OPEN, COMMITTED, APPLIED, ABORTED, GIVEN_UP = "OPEN", "COMMITTED", "APPLIED", "ABORTED", "GIVEN_UP"
PLACE = ""  # the "database" under which sequences of bare locations are kept; no database has this name
OUTCOME = "outcome"  # beside the manifest of a publish that was given up: what was carried out, in words

publishes = sa.Table(
    "publishes",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("run_id", sa.String, nullable=False, index=True),
    sa.Column("database_name", sa.String, nullable=False),  # PLACE and the location for a publish without a table
    sa.Column("table_name", sa.String, nullable=False),
    sa.Column("location", sa.String, nullable=False),
    sa.Column("bucket", sa.String, nullable=False),
    sa.Column("staging", sa.String, nullable=False),  # a prefix of the bucket
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("staged", sa.Boolean, nullable=False),  # whether the staging folder may still hold something
    sa.Column("manifest", sa.JSON),
    sa.Column("opened_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("committed", sa.Integer),  # the sequence that the commit made, which orders what is applied
    sa.Index(None, "database_name", "table_name"),
)


@dataclass(frozen=True)
class Publish:
    """One publish as it is recorded; ``key`` is the table, or the bare location, that it changes.

    ``opened_at`` is in Unix seconds; ``outcome`` says of one that was given up what was carried out.
    """

    id: str
    run_id: str
    key: tuple[str, str]
    location: str
    bucket: str
    staging: str
    state: str
    manifest: Manifest | None
    opened_at: float
    outcome: str

    @classmethod
    def of(cls, row: Any) -> Publish:
        """The publish of a row of :data:`publishes`."""
        return cls(
            id=row.id,
            run_id=row.run_id,
            key=(row.database_name, row.table_name),
            location=row.location,
            bucket=row.bucket,
            staging=row.staging,
            state=row.state,
            manifest=Manifest.from_json(row.manifest) if row.manifest else None,
            opened_at=row.opened_at,
            outcome=(row.manifest or {}).get(OUTCOME, ""),
        )

    @property
    def target(self) -> str:
        """What it writes to, for people."""
        return self.location if self.key[0] == PLACE else ".".join(self.key)


def recorded(
    engine: sa.Engine, *conditions: sa.ColumnElement[bool], order: sa.ColumnElement[Any] = publishes.c.ordinal
) -> list[Publish]:
    """The publishes that satisfy all conditions, in the order in which they were opened unless told otherwise."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(publishes).where(*conditions).order_by(order))
        return [Publish.of(row) for row in rows]
