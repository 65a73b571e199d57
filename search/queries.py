"""What is asked of OpenSearch: log lines with their histogram and facets, and rows of an index."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opensearchpy import OpenSearch

from lakelet.search.client import translated
from lakelet.workspace.errors import QueryError, UsageError

LOGS = "lakelet-logs"
FACETS = ("level", "source", "job", "run_id")
MAX_SIZE = 1000
MAX_TEXT = 1000
HISTOGRAM_BUCKETS = 60
FACET_VALUES = 20
QUERY_LIMIT = "20s"
# Some of the rows would look like all of them: OpenSearch is to fail instead (its Search API).
_WHOLE = {"allow_partial_search_results": "false"}
_WHOLE_RUN = re.compile(r"jr_[0-9a-f]{64}(_attempt_\d+)?")


@dataclass(frozen=True)
class LogLine:
    """One log document: a line, a stack trace with the line it belongs to, or a change of a run's state.

    ``source`` is ``driver``, ``executor``, ``control`` or a component's name; ``stream`` is ``stdout``, ``stderr``
    or ``event``; ``state`` is set on events. ``file`` is relative to the state folder, ``offset`` in bytes.
    ``highlight`` is the message's best fragment with the matches between ``[[`` and ``]]``, or empty.
    """

    id: str
    timestamp: datetime
    message: str
    source: str
    stream: str
    level: str | None = None
    logger: str | None = None
    run_id: str | None = None
    job: str | None = None
    attempt: int | None = None
    state: str | None = None
    executor_id: str | None = None
    application_id: str | None = None
    file: str | None = None
    offset: int | None = None
    highlight: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar of the time histogram: its start (UTC), its lines, and how many there are of each level."""

    start: datetime
    count: int
    levels: Mapping[str, int]


@dataclass(frozen=True)
class LogPage:
    """One page of lines and a picture of all that matched.

    ``facets`` maps each of :data:`FACETS` to ``{value: lines}``, most frequent first. ``next`` is the cursor to
    pass as ``after`` for the following page, None on the last one.
    """

    hits: Sequence[LogLine] = ()
    total: int = 0
    histogram: Sequence[Bar] = ()
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: {name: {} for name in FACETS})
    next: Sequence[Any] | None = None


@dataclass(frozen=True)
class IndexPage:
    """Rows of a data index that match: each is the document with its ``_id``; ``total`` counts all matches."""

    hits: Sequence[Mapping[str, Any]]
    total: int


def search_logs(
    client: OpenSearch,
    text: str = "",
    *,
    run_id: str | None = None,
    job: str | None = None,
    source: str | None = None,
    level: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    size: int = 100,
    after: Sequence[Any] | None = None,
    newest_first: bool = True,
) -> LogPage:
    """Log lines that match ``text`` and every given filter, with histogram and facets over all matches.

    ``text`` is OpenSearch's simple query string (words are all required; ``"a phrase"``, ``-not``, ``a | b``,
    ``pre*``), which has no syntax errors; empty matches everything. ``run_id`` may be the beginning of one. ``since``
    (inclusive) and ``until`` (exclusive) are aware datetimes. No log index yet is an empty page. Raises
    :class:`~lakelet.workspace.errors.NotRunningError` when OpenSearch is down,
    :class:`~lakelet.workspace.errors.UsageError` for a text or size out of range,
    :class:`~lakelet.workspace.errors.QueryError` when not everything could be searched in time.
    """
    exact = {"job": job, "source": source, "level": level.upper() if level else None}
    filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in exact.items() if value]
    if run_id:  # a whole id is that attempt alone, not its retries, whose ids begin with it
        filters.append({"term" if _WHOLE_RUN.fullmatch(run_id) else "prefix": {"run_id": run_id}})
    if since or until:
        bounds = {"gte": since and since.isoformat(), "lt": until and until.isoformat()}
        filters.append({"range": {"@timestamp": {name: value for name, value in bounds.items() if value}}})
    order = "desc" if newest_first else "asc"
    body: dict[str, Any] = {
        "query": {"bool": {"must": [_match(text, ["message", "logger"])], "filter": filters}},
        "sort": [{"@timestamp": order}, {"file": order}, {"offset": order}],
        "size": _checked(size),
        "track_total_hits": True,
        "timeout": QUERY_LIMIT,
        "highlight": {
            "fields": {"message": {"number_of_fragments": 1, "fragment_size": 300}},
            "pre_tags": ["[["],
            "post_tags": ["]]"],
            "max_analyzer_offset": 30_000,
        },
        "aggs": {name: {"terms": {"field": name, "size": FACET_VALUES}} for name in FACETS}
        | {
            "time": {
                "auto_date_histogram": {"field": "@timestamp", "buckets": HISTOGRAM_BUCKETS},
                "aggs": {"levels": {"terms": {"field": "level", "size": 8}}},
            }
        },
    }
    if after:
        body["search_after"] = list(after)
    with translated():
        answer = _complete(client.search(index=LOGS, body=body, params={"ignore_unavailable": "true", **_WHOLE}))
    return _page(answer, size)


def search_index(client: OpenSearch, index: str, text: str = "", size: int = 20) -> IndexPage:
    """Rows of a data index (``flights``, ``delay-by-carrier``, …) whose fields match ``text``, best first.

    The case of letters does not matter: codes are in capitals, as they are in our data, and words are analysed. Raises
    :class:`~lakelet.workspace.errors.NotFoundError` when there is no such index,
    :class:`~lakelet.workspace.errors.QueryError` when not everything could be searched in time.
    """
    body: dict[str, Any] = {"query": _match(text.upper(), ["*"]), "size": _checked(size), "track_total_hits": True}
    body["timeout"] = QUERY_LIMIT
    with translated():
        answer = _complete(client.search(index=index, body=body, params=_WHOLE))
    hits = [{"_id": hit["_id"], **hit["_source"]} for hit in answer["hits"]["hits"]]
    return IndexPage(hits, int(answer["hits"]["total"]["value"]))


def _complete(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if answer.get("timed_out"):
        raise QueryError(f"The search took longer than {QUERY_LIMIT}: ask for less, or for a shorter time.")
    if failed := answer["_shards"]["failed"]:
        raise QueryError(
            f"The search failed in {failed} shards, and its answer is not whole: see `lakelet logs opensearch`."
        )
    return answer


def _match(text: str, fields: list[str]) -> dict[str, Any]:
    # A command line may carry bytes that are no UTF-8 (lone surrogates); they can match nothing.
    text = text.encode("utf-8", "replace").decode().strip()
    if len(text) > MAX_TEXT:
        raise UsageError(f"The search text has {len(text)} characters: {MAX_TEXT} is the most.")
    if not text:
        return {"match_all": {}}
    return {"simple_query_string": {"query": text, "fields": fields, "default_operator": "and", "lenient": True}}


def _checked(size: int) -> int:
    if not 0 <= size <= MAX_SIZE:
        raise UsageError(f"A size of {size} is out of range: 0 to {MAX_SIZE}.")
    return size


def _page(answer: Mapping[str, Any], size: int) -> LogPage:
    hits = answer["hits"]["hits"]
    found = answer.get("aggregations")
    if not found:  # no log index yet
        return LogPage()
    return LogPage(
        hits=[_line(hit) for hit in hits],
        total=int(answer["hits"]["total"]["value"]),
        histogram=[
            Bar(_time(bucket["key_as_string"]), bucket["doc_count"], _counts(bucket["levels"]))
            for bucket in found["time"]["buckets"]
        ],
        facets={name: _counts(found[name]) for name in FACETS},
        next=hits[-1]["sort"] if hits and len(hits) == size else None,
    )


def _line(hit: Mapping[str, Any]) -> LogLine:
    fields = dict(hit["_source"])
    timestamp = _time(fields.pop("@timestamp"))
    fields.pop("ingested_at", None)
    fragments = hit.get("highlight", {}).get("message") or [""]
    return LogLine(id=hit["_id"], timestamp=timestamp, highlight=fragments[0], **fields)


def _counts(terms: Mapping[str, Any]) -> dict[str, int]:
    return {bucket["key"]: bucket["doc_count"] for bucket in terms["buckets"]}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
