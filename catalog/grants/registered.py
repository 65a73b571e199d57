"""The locations that are registered with Lake Formation, and what lies in them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from lakelet.catalog.grants.tables import locations
from lakelet.workspace.state import Prepared

_ARNS = Prepared(sa.select(locations.c.arn))  # every answer that has a table in it asks for them
ARN = "arn:aws:s3:::"


@dataclass(frozen=True)
class Registered:
    """Registered locations, as ``bucket/prefix``."""

    places: tuple[str, ...]

    @classmethod
    def of(cls, connection: sa.Connection) -> Registered:
        """Those of the catalog."""
        return cls(tuple(arn.removeprefix(ARN).rstrip("/") for (arn,) in _ARNS.rows(connection)))

    def covers(self, location: str) -> bool:
        """Whether a location (``s3://…``) lies in one of them."""
        place = location.partition("://")[2].rstrip("/")
        return bool(place) and any(place == one or place.startswith(f"{one}/") for one in self.places)
