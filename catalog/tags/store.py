"""Tags in the state database, by the ARN of what they are on, inside the caller's transaction.

Whoever deletes a resource that can be tagged calls :meth:`TagStore.forget` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import metadata

MAX_TAGS = 50  # AWS's quota of tags a resource

tags = sa.Table(
    "resource_tags",
    metadata,
    sa.Column("arn", sa.Text, primary_key=True),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("value", sa.String(256), nullable=False),
)


class TagStore:
    """Tags of resources; that a resource exists is its caller's matter."""

    def get(self, connection: sa.Connection, arn: str) -> dict[str, str]:
        """The tags of a resource, by name."""
        query = sa.select(tags.c.name, tags.c.value).where(tags.c.arn == arn).order_by(tags.c.name)
        return {row.name: row.value for row in connection.execute(query)}

    def put(self, connection: sa.Connection, arn: str, added: Mapping[str, str] | None) -> None:
        """Add tags, or give them new values.

        Raises InvalidInputException for names and values that AWS keeps to itself (``aws:``), and for more than
        :data:`MAX_TAGS` tags.
        """
        for name, value in (added or {}).items():
            if name.lower().startswith("aws:") or value.lower().startswith("aws:"):
                raise InvalidInputException(f"Tag {name} begins with 'aws:', which is reserved.")
        if len(self.get(connection, arn).keys() | (added or {}).keys()) > MAX_TAGS:
            raise InvalidInputException(f"{arn} would have more than {MAX_TAGS} tags: remove some first.")
        if added:
            self.remove(connection, arn, added)
            connection.execute(sa.insert(tags), [{"arn": arn, "name": n, "value": v} for n, v in added.items()])

    def remove(self, connection: sa.Connection, arn: str, names: Iterable[str]) -> None:
        """Take tags away; one that is not there is no error."""
        connection.execute(sa.delete(tags).where(tags.c.arn == arn, tags.c.name.in_(list(names))))

    def move(self, connection: sa.Connection, arn: str, renamed: str) -> None:
        """Keep the tags of a resource under the ARN that it has by its new name."""
        connection.execute(sa.update(tags).where(tags.c.arn == arn).values(arn=renamed))

    def forget_below(self, connection: sa.Connection, arn: str) -> None:
        """Take the tags away from everything that was in a resource: whatever has its ARN and a name behind it."""
        connection.execute(sa.delete(tags).where(tags.c.arn >= f"{arn}/", tags.c.arn < f"{arn}0"))

    def forget(self, connection: sa.Connection, arn: str) -> None:
        """Take all tags away: the resource is gone."""
        connection.execute(sa.delete(tags).where(tags.c.arn == arn))
