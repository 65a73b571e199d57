"""A page of a table's partitions, as several operations list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import Context
from lakelet.catalog.model import Partition, Table, fold
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading

PAGE = 1000


def page_of(
    context: Context,
    operation: str,
    place: tuple[str, str],
    expression: str | None,
    next_token: str | None,
    segment: Mapping[str, int] | None,
    max_results: int,
) -> tuple[Table, Sequence[Partition], dict[str, str]]:
    """The table (``place`` is its database and name), the page's partitions, and the NextToken when there are more.

    EntityNotFoundException; InvalidInputException for an expression that cannot be read or a foreign NextToken.
    """
    request = (operation, *map(fold, place), expression, segment)
    position = _position(paging.position(next_token, *request))
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, *place)
        page = context.catalog.partition_page(
            connection, table, expression, position=position, limit=max_results, segment=_segment(segment)
        )
    context.settle(table.database, table.name)
    if page.following is None:
        return table, page.partitions, {}
    index, *after = page.following
    return table, page.partitions, {"NextToken": paging.next_token([str(index), *after], *request)}


def _segment(segment: Mapping[str, int] | None) -> tuple[int, int] | None:
    if segment is None:
        return None
    number, total = segment["SegmentNumber"], segment["TotalSegments"]
    if number >= total:
        raise InvalidInputException(f"SegmentNumber {number} is not below TotalSegments {total}.")
    return number, total


def _position(found: Any) -> tuple[int, str, str] | None:
    match found:
        case None:
            return None
        case [str(index), str(entry), str(key)] if index.isascii() and index.isdigit() and len(index) < 19:
            return int(index), entry, key
    raise InvalidInputException("The NextToken is not one that this request was given.")
