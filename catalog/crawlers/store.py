"""The control process's table of crawler definitions; their runs are run records, kept by the queue."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException
from lakelet.workspace.state import metadata, reading, writing

crawlers = sa.Table(
    "crawlers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)


class CrawlerStore:
    """Crawler definitions, in the members of Glue's Crawler structure."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(self, name: str, body: dict[str, Any]) -> None:
        """Store a new definition. Raises AlreadyExistsException."""
        now = time.time()
        with writing(self._engine) as connection:
            if connection.scalar(sa.select(crawlers.c.name).where(crawlers.c.name == name)):
                raise AlreadyExistsException(
                    f"Crawler already exists. Name: {name}; update it, or choose another name."
                )
            connection.execute(
                crawlers.insert().values(name=name, body=body, version=1, created_at=now, updated_at=now)
            )

    def update(self, name: str, changes: dict[str, Any]) -> None:
        """Replace the members that ``changes`` has, and count the version up. Raises EntityNotFoundException."""
        with writing(self._engine) as connection:
            row = connection.execute(sa.select(crawlers).where(crawlers.c.name == name)).one_or_none()
            if row is None:
                raise _no_crawler(name)
            connection.execute(
                crawlers.update()
                .where(crawlers.c.name == name)
                .values(body=row.body | changes, version=row.version + 1, updated_at=time.time())
            )

    def delete(self, name: str) -> None:
        """Forget a definition. Raises EntityNotFoundException."""
        with writing(self._engine) as connection:
            if not connection.execute(crawlers.delete().where(crawlers.c.name == name)).rowcount:
                raise _no_crawler(name)

    def get(self, name: str) -> dict[str, Any]:
        """Glue's Crawler structure, as far as it was defined. Raises EntityNotFoundException."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(crawlers).where(crawlers.c.name == name)).one_or_none()
        if row is None:
            raise _no_crawler(name)
        return _crawler(row)

    def list(self, after: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """The definitions with a name greater than ``after``, by name."""
        query = sa.select(crawlers).where(crawlers.c.name > after).order_by(crawlers.c.name).limit(limit)
        with reading(self._engine) as connection:
            return [_crawler(row) for row in connection.execute(query)]


def _crawler(row: Any) -> dict[str, Any]:
    return {
        "Name": row.name,
        **row.body,
        "Version": row.version,
        "CreationTime": row.created_at,
        "LastUpdated": row.updated_at,
    }


def _no_crawler(name: str) -> EntityNotFoundException:
    return EntityNotFoundException(f"Crawler {name} not found. List the crawlers with ListCrawlers.")
