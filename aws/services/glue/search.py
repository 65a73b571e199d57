"""SearchTables: the tables of all databases by words, properties and times (AWS Glue Web API, SearchTables)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from lakelet.aws import paging
from lakelet.aws.catalogs import outward, scope
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.glue._answers import table_answer
from lakelet.catalog.catalogs.names import catalog_of, inside
from lakelet.catalog.grants.registered import Registered
from lakelet.catalog.model import Table
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading

_PAGE = 100
_TIMES = ("CreateTime", "UpdateTime", "LastAccessTime", "LastAnalyzedTime")
_TEXTS = ("Name", "DatabaseName", "Description", "Owner", "TableType", "CreatedBy")
_TOKENS = re.compile(r"[^\w]+|_", re.ASCII)
_COMPARATORS: dict[str, Callable[[float, float], bool]] = {
    "EQUALS": lambda left, right: left == right, "GREATER_THAN": lambda left, right: left > right,
    "LESS_THAN": lambda left, right: left < right, "GREATER_THAN_EQUALS": lambda left, right: left >= right,
    "LESS_THAN_EQUALS": lambda left, right: left <= right,
}  # fmt: skip

_Table = dict[str, Any]
_Test = Callable[[_Table], bool]


def search_tables(
    catalog_id: str | None = None,
    next_token: str | None = None,
    filters: list[dict[str, str]] | None = None,
    search_text: str | None = None,
    sort_criteria: list[dict[str, str]] | None = None,
    max_results: int = _PAGE,
    resource_share_type: str = "ALL",
    include_status_details: bool = False,
) -> dict[str, Any]:
    """The tables that have every word of ``search_text`` and satisfy every filter, a page at a time.

    A search text in quotes is looked for as a whole value. A filter's key is Name, DatabaseName, Description, Owner,
    TableType, CreatedBy, Location, a time, or a table parameter (``classification``). Of the ResourceShareTypes, only
    ALL has any tables. Raises InvalidInputException for what cannot be compared, and for a foreign NextToken.
    """
    context = own_catalog(catalog_id)
    request = ("SearchTables", filters, search_text, sort_criteria, resource_share_type)
    start = paging.position(next_token, *request)
    tests = [_filter(one) for one in filters or ()]
    if search_text is not None:
        tests.append(_words(search_text))
    field, descending = _order(sort_criteria)
    with reading(context.engine) as connection:
        registered = Registered.of(connection)
        tables = [outward(table_answer(context, table, registered)) for table in _searched(context, connection)]
    found = [table for table in tables if all(test(table) for test in tests)] if resource_share_type == "ALL" else []
    found.sort(key=_place)
    if field is not None:
        found.sort(key=lambda table: _sortable(table, field), reverse=descending)
    if start is not None:
        found = found[_after(found, start) :]
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"TableList": list(page)}
    if more:
        answer["NextToken"] = paging.next_token(list(_place(page[-1])), *request)
    for table in page:
        context.settle(_kept_name(table["DatabaseName"]), table["Name"])
    return answer


def _kept_name(database: str) -> str:
    catalog = scope()
    return database if catalog is None else inside(catalog, database)


def _searched(context: Context, connection: sa.Connection) -> Iterator[Table]:
    """The tables of the catalog that is searched."""
    wanted = scope()
    return (table for table in context.catalog.every_table(connection) if catalog_of(table.database) == wanted)


def _place(table: _Table) -> tuple[str, str]:
    return table["DatabaseName"], table["Name"]


def _after(found: list[_Table], start: Any) -> int:
    for number, table in enumerate(found):
        if list(_place(table)) == start:
            return number + 1
    raise InvalidInputException("The table at which the last page ended is gone: start the search again.")


def _order(criteria: list[dict[str, str]] | None) -> tuple[str | None, bool]:
    if not criteria:
        return None, False
    field = criteria[0].get("FieldName", "Name")
    if field not in (*_TEXTS, *_TIMES):
        raise InvalidInputException(f"SortCriteria cannot name {field!r}: {', '.join((*_TEXTS, *_TIMES))}.")
    return field, criteria[0].get("Sort") == "DESC"


def _sortable(table: _Table, field: str) -> Any:
    return table.get(field) or (0.0 if field in _TIMES else "")


def _filter(predicate: dict[str, str]) -> _Test:
    key, value = predicate.get("Key", "Name"), predicate.get("Value", "")
    comparator = predicate.get("Comparator", "EQUALS")
    if key in _TIMES:
        moment, compare = _moment(key, value), _COMPARATORS[comparator]
        return lambda table: table.get(key) is not None and compare(float(table[key]), moment)
    if comparator != "EQUALS":
        raise InvalidInputException(f"{comparator} compares times only ({', '.join(_TIMES)}), not {key}.")
    wanted = value.lower()
    return lambda table: any(wanted in {text.lower(), *_tokens(text)} for text in _values(table, key))


def _values(table: _Table, key: str) -> Iterator[str]:
    if key in _TEXTS:
        yield str(table.get(key, ""))
    elif key == "Location":
        yield str((table.get("StorageDescriptor") or {}).get("Location", ""))
    else:
        parameters = table.get("Parameters") or {}
        yield from (str(value) for name, value in parameters.items() if name.lower() == key.lower())


def _tokens(text: str) -> set[str]:
    return set(_TOKENS.split(text.lower()))


def _moment(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInputException(
            f"{value!r} is no time to compare {key} with: write 2024-01-31T00:00:00Z."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _words(text: str) -> _Test:
    whole = text.strip()
    if len(whole) > 1 and whole[0] == whole[-1] and whole[0] in "\"'":
        exact = whole[1:-1].lower()
        return lambda table: any(exact == found.lower() for found in _texts(table))
    words = whole.lower().split()
    return lambda table: _have(words, "\n".join(_texts(table)).lower())


def _have(words: list[str], text: str) -> bool:
    return all(word in text for word in words)


def _texts(table: _Table) -> Iterator[str]:
    """What a search looks at: names, descriptions, columns and parameters."""
    yield from (str(table[field]) for field in _TEXTS if table.get(field))
    descriptor = table.get("StorageDescriptor") or {}
    yield str(descriptor.get("Location", ""))
    for column in (*(descriptor.get("Columns") or ()), *(table.get("PartitionKeys") or ())):
        yield from (column["Name"], column.get("Comment", ""))
    for name, value in (table.get("Parameters") or {}).items():
        yield from (name, value)
