"""Rows into OpenSearch: Arrow batches to bulk requests whose ids come from the data, so that repeating is harmless.

The hot path holds no Python object per row. DuckDB writes each batch as one column of text, action line and
document per row, and Arrow keeps the values of such a column end to end: its buffer is the bulk request's body.
"""

from __future__ import annotations

import random
import re
import secrets
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from opensearchpy import OpenSearch, exceptions

from lakelet.search.client import is_passing, reason
from lakelet.workspace.errors import IndexingError, NotRunningError, UsageError

BATCH_ROWS = 4000
SENDERS = 2
PATIENCE_SECONDS = 600.0
_LONGEST_PAUSE = 5.0

T = TypeVar("T")


@dataclass(frozen=True)
class Bulk:
    """The body of one bulk request (newline-delimited JSON) and its number of documents."""

    body: bytes
    rows: int


def patiently(send: Callable[[], T], patience: float = PATIENCE_SECONDS) -> T:
    """Call ``send`` until OpenSearch answers it, for at most ``patience`` seconds of it being away or busy.

    Only for requests that may be repeated. Raises :class:`~lakelet.workspace.errors.NotRunningError` when patience ends
    and :class:`~lakelet.workspace.errors.IndexingError` for any other refusal.
    """
    deadline = time.monotonic() + patience
    pause = 0.2
    while True:
        try:
            return send()
        except exceptions.OpenSearchException as error:
            if not is_passing(error):
                raise IndexingError(f"OpenSearch refused the request: {reason(error)}.") from error
            if time.monotonic() + pause > deadline:
                raise NotRunningError(
                    f"OpenSearch did not answer for {patience:.0f} seconds ({type(error).__name__}): see "
                    "`lakelet status`, then run this again."
                ) from error
        time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter between two senders, no secret
        pause = min(pause * 2, _LONGEST_PAUSE)


def bulk_bodies(batches: pa.RecordBatchReader, id_columns: Sequence[str], rows: int = BATCH_ROWS) -> Iterator[Bulk]:
    """The batches as bulk bodies of ``rows`` documents; a document's id is its ``id_columns``, joined by ``|``.

    Times become ISO 8601 (UTC, milliseconds); what JSON has no word for (NaN, infinity) becomes null. Raises
    :class:`~lakelet.workspace.errors.UsageError` when an id column does not exist and
    :class:`~lakelet.workspace.errors.IndexingError` when the batches cannot be read.
    """
    if missing := sorted(set(id_columns) - set(batches.schema.names)):
        raise UsageError(f"The rows have no column {', '.join(missing)} to make ids of.")
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1; SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
        connection.register("source", batches)
        try:
            for batch in connection.execute(_statement(batches.schema, id_columns)).to_arrow_reader(rows):
                yield Bulk(_text(batch.column(0)), batch.num_rows)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise IndexingError(f"The rows could not be read: {str(error).splitlines()[0]}.") from error


def index_table(
    client: OpenSearch,
    index: str,
    batches: pa.RecordBatchReader,
    id_columns: Sequence[str],
    patience: float = PATIENCE_SECONDS,
) -> int:
    """Index every row of ``batches`` and refresh; returns how many rows were sent and acknowledged.

    An OpenSearch that dies in the middle is waited for, ``patience`` seconds for each request: what it had
    acknowledged is in its log on disk, and what it had not is sent again under the same ids. Raises
    :class:`~lakelet.workspace.errors.IndexingError` when it refuses a document, naming it.
    """
    sent = 0
    waiting: set[Future[int]] = set()
    with ThreadPoolExecutor(SENDERS, "bulk") as senders:
        for bulk in bulk_bodies(batches, id_columns):
            waiting.add(senders.submit(_send, client, index, bulk, patience))
            if len(waiting) > SENDERS:  # one body ready beside those under way: memory stays bounded
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                sent += sum(future.result() for future in done)
        sent += sum(future.result() for future in waiting)
    patiently(lambda: client.indices.refresh(index=index), patience)
    return sent


def replace_index(
    client: OpenSearch,
    alias: str,
    batches: pa.RecordBatchReader,
    id_columns: Sequence[str],
    patience: float = PATIENCE_SECONDS,
) -> int:
    """Build a new index beside the one that ``alias`` names, swap the alias in one step, drop the old one.

    Searches see the old documents or the new ones, and a rerun leaves no stale ones. Returns the documents counted in
    the new index. Raises :class:`~lakelet.workspace.errors.IndexingError`, the alias unchanged, when the count is not
    the number of rows.
    """
    # To the microsecond: which build is the older one is read off the name.
    index = f"{alias}-{datetime.now(UTC):%Y%m%d%H%M%S%f}-{secrets.token_hex(4)}"
    patiently(lambda: _create(client, index), patience)
    rows = index_table(client, index, batches, id_columns, patience)
    count = int(patiently(lambda: client.count(index=index), patience)["count"])
    if count != rows:
        raise IndexingError(
            f"{index} holds {count:,} documents for {rows:,} rows: the ids made of {', '.join(id_columns)} repeat."
        )
    patiently(lambda: client.indices.put_settings(index=index, body={"index": {"refresh_interval": None}}), patience)
    patiently(lambda: _swap(client, alias, index), patience)
    return count


def _create(client: OpenSearch, index: str) -> None:
    if not client.indices.exists(index=index):  # a repeated request may find its own work done
        client.indices.create(index=index, body={"settings": {"refresh_interval": "-1"}})


def _swap(client: OpenSearch, alias: str, index: str) -> None:
    """Point ``alias`` at ``index`` and remove every older build, those that a dead run left behind too."""
    build = re.compile(re.escape(alias) + r"-\d{20}-[0-9a-f]{8}")
    others = client.indices.get(index=f"{alias}-*", params={"filter_path": "*.aliases", "expand_wildcards": "open"})
    actions: list[dict[str, Any]] = [{"add": {"index": index, "alias": alias}}]
    actions += [{"remove_index": {"index": name}} for name in others if build.fullmatch(name) and name < index]
    if client.indices.exists(index=alias) and not client.indices.exists_alias(name=alias):
        actions.append({"remove_index": {"index": alias}})  # somebody indexed into the bare name
    client.indices.update_aliases(body={"actions": actions})


def _send(client: OpenSearch, index: str, bulk: Bulk, patience: float) -> int:
    def send() -> None:
        # Only whether there were errors is worth parsing; if so the same request, repeated, says which.
        if client.bulk(body=bulk.body, index=index, params={"filter_path": "errors"})["errors"]:
            wanted = "items.*._id,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
            answer = client.bulk(body=bulk.body, index=index, params={"filter_path": wanted})
            _raise_first([item["index"] for item in answer["items"]])

    patiently(send, patience)
    return bulk.rows


def _raise_first(items: Sequence[dict[str, Any]]) -> None:
    failed = [item for item in items if "error" in item]
    for item in failed:
        if item["status"] not in (429, 503):
            error = item["error"]
            cause = error.get("caused_by", {}).get("reason") or error.get("reason") or error["type"]
            raise IndexingError(f"OpenSearch refused document {item['_id']!r} ({len(failed)} in all): {cause}.")
    if failed:
        raise exceptions.TransportError(failed[0]["status"], "busy", {})


def _statement(schema: pa.Schema, id_columns: Sequence[str]) -> str:
    """The SELECT that writes ``source`` as bulk lines; names are quoted, and no value is part of it."""
    columns = []
    for field in schema:
        name = _quoted(field.name)
        if pa.types.is_timestamp(field.type):
            columns.append(f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%gZ') AS {name}")
        elif pa.types.is_floating(field.type):
            columns.append(f"CASE WHEN isfinite({name}) THEN {name} END AS {name}")
        else:
            columns.append(name)
    key = " || '|' || ".join(f"coalesce(CAST({_quoted(name)} AS VARCHAR), '')" for name in id_columns)
    return (
        f"SELECT '{{\"index\":{{\"_id\":' || to_json({key}) || '}}}}' || chr(10) || to_json(_document) || chr(10) "  # noqa: S608
        f"FROM (SELECT {', '.join(columns)} FROM source) AS _document"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(column: pa.StringArray) -> bytes:
    """All values of a text column, end to end, without looking at any of them."""
    number = struct.Struct("<q" if pa.types.is_large_string(column.type) else "<i")
    _, offsets, values = column.buffers()
    first, last = (number.unpack_from(offsets, (column.offset + row) * number.size)[0] for row in (0, len(column)))
    return bytes(memoryview(values)[first:last])
