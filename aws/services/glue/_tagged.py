"""Which of Glue's resources can be tagged, and where each of them is looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lakelet.aws import paging
from lakelet.aws.context import Context, current
from lakelet.aws.regions import known_regions
from lakelet.aws.services.glue._answers import arn
from lakelet.catalog.catalogs.names import catalog_of, inside
from lakelet.catalog.catalogs.store import CatalogsStore
from lakelet.catalog.connections.store import ConnectionStore, ConnectionTypeStore
from lakelet.catalog.model import fold
from lakelet.catalog.registry.store import RegistryStore
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import reading, writing

_BATCH = 100
Names = Sequence[str]
_Finder = Callable[[Context, sa.Connection, Names], Names]


def _database(context: Context, connection: sa.Connection, names: Names) -> Names:
    context.catalog.database(connection, names[0])
    return [fold(names[0])]


def _table(context: Context, connection: sa.Connection, names: Names) -> Names:
    table = context.catalog.table(connection, *names)
    return [table.database, table.name]


def _function(context: Context, connection: sa.Connection, names: Names) -> Names:
    function = context.catalog.functions.get(connection, *names)
    return [function.database, function.name]


def _job(context: Context, connection: sa.Connection, names: Names) -> Names:
    context.jobs.job(names[0])
    return names


def _crawler(context: Context, connection: sa.Connection, names: Names) -> Names:
    context.crawlers.get(names[0])
    return names


def _connection(context: Context, connection: sa.Connection, names: Names) -> Names:
    return [ConnectionStore().get(connection, names[0]).name]


def _connection_type(context: Context, connection: sa.Connection, names: Names) -> Names:
    ConnectionTypeStore().get(connection, names[0])
    return names


def _registry(context: Context, connection: sa.Connection, names: Names) -> Names:
    return [RegistryStore(context.engine).registry(connection, names[0]).name]


def _schema(context: Context, connection: sa.Connection, names: Names) -> Names:
    RegistryStore(context.engine).schema(connection, *names)
    return names


def _statistics_settings(context: Context, connection: sa.Connection, names: Names) -> Names:
    table = context.catalog.table(connection, *names)
    context.catalog.statistics_settings.get(connection, table)
    return [table.database, table.name]


def _catalog(context: Context, connection: sa.Connection, names: Names) -> Names:
    return [CatalogsStore().get(connection, names[0]).name]


_OF_CATALOGS = ("database", "table", "userDefinedFunction")
# By the kind in the ARN: how many names follow it, and who raises EntityNotFoundException for what is not there.
KINDS: dict[str, tuple[int, _Finder]] = {
    "catalog": (1, _catalog),
    "database": (1, _database),
    "table": (2, _table),
    "userDefinedFunction": (2, _function),
    "job": (1, _job),
    "crawler": (1, _crawler),
    "connection": (1, _connection),
    "connectionType": (1, _connection_type),
    "registry": (1, _registry),
    "schema": (2, _schema),
    "columnStatisticsTaskSettings": (2, _statistics_settings),
}


def resource(context: Context, connection: sa.Connection, text: str) -> str:
    """The ARN under which the tags of a resource are kept; names that Glue folds are folded.

    Raises EntityNotFoundException for a resource that does not exist, InvalidInputException for an ARN of no resource
    that can be tagged.
    """
    match text.split(":", 5):
        case ["arn", "aws", "glue", region, account, rest]:
            kind, *names = rest.split("/")
        case _:
            raise InvalidInputException(f"{text} is no ARN of a Glue resource: arn:aws:glue:REGION:ACCOUNT:KIND/NAME.")
    count, finder = KINDS.get(kind, (0, None))
    # A name more: the first is another catalog than the account's own.
    if kind in _OF_CATALOGS and len(names) == count + 1 and all(names):
        names = [inside(names[0], names[1]), *names[2:]]
    if finder is None or len(names) != count or not all(names):
        raise InvalidInputException(f"{text} cannot be tagged: only {', '.join(KINDS)} can.")
    if account != context.account_id or region not in known_regions() | {context.region}:
        raise EntityNotFoundException(f"{text} is not of this account.")
    try:
        return arn(context, kind, *finder(context, connection, names))
    except EntityNotFoundException as error:
        if catalog_of(names[0]) is None:
            raise
        raise EntityNotFoundException(f"{text} not found.") from error


def forget_tags(context: Context, kind: str, *names: str) -> None:
    """Drop the tags of a resource that was just deleted by a store with transactions of its own."""
    with writing(context.engine) as connection:
        context.catalog.tags.forget(connection, arn(context, kind, *names))


def page_by_tags(
    operation: str,
    kind: str,
    tags: Mapping[str, str],
    token: str | None,
    limit: int,
    after_name: Callable[[str, int], Sequence[Mapping[str, Any]]],
) -> tuple[list[str], dict[str, str]]:
    """A page of the names of what has all of the tags, and the NextToken when there are more.

    ``after_name`` lists definitions by name: those after a name, as many as are wanted. Raises InvalidInputException
    for a foreign token.
    """
    context = current()
    after = paging.position(token, operation, tags) or ""
    names: list[str] = []
    while len(names) <= limit and (page := after_name(after, _BATCH)):
        after = page[-1]["Name"]
        with reading(context.engine) as connection:
            names += [
                one["Name"]
                for one in page
                if context.catalog.tags.get(connection, arn(context, kind, one["Name"])).items() >= tags.items()
            ]
    shown, more = paging.split_page(names, limit)
    return list(shown), {"NextToken": paging.next_token(shown[-1], operation, tags)} if more else {}
