"""Plans as they are sent to Sail: the messages of Spark Connect (protobuf) and those in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

INNER, LEFT, RIGHT, ANTI, SEMI = 1, 3, 4, 5, 6  # of joins, JoinType


def nodes(message: Any) -> Iterator[Any]:
    """The nodes (``Relation``) of a plan, those below before those above; they may be changed in their turn."""
    for part in messages(message):
        yield from nodes(part)
    if message.DESCRIPTOR.name == "Relation":
        yield message


def copied(message: Any) -> Any:
    """A message of its own, which may be changed."""
    own = type(message)()
    own.CopyFrom(message)
    return own


def parts(node: Any) -> Iterator[Any]:
    """The messages of a node, without the nodes below it."""
    for part in messages(node):
        if part.DESCRIPTOR.name != "Relation":
            yield part
            yield from parts(part)


def messages(message: Any) -> Iterator[Any]:
    """The messages that are fields of one."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            yield from (one for one in value.values() if hasattr(one, "ListFields"))
        elif hasattr(value, "ListFields"):
            yield value
        else:
            yield from value
