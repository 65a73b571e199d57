"""Index templates with explicit mappings, and the pipeline that log documents pass; a field not listed is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

KEYWORD = {"type": "keyword"}
# Measured values are averaged and sorted far more than looked up: their column is enough (a filter scans it), and
# the search tree that OpenSearch would build beside it costs a fifth of the indexing time.
DOUBLE = {"type": "double", "index": False}
INTEGER = {"type": "integer"}
LONG = {"type": "long"}
DATE = {"type": "date"}
TEXT = {"type": "text"}
# Words: found one by one, in any case, and counted whole as `<field>.keyword`. A KEYWORD is a code, in capitals.
NAME = {"type": "text", "norms": False, "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}

Fields = Mapping[str, Mapping[str, Any]]

_MEASURES: Fields = {
    "flights": LONG, "cancelled": LONG, "avg_dep_delay": DOUBLE, "avg_arr_delay": DOUBLE, "delayed_share": DOUBLE,
}  # fmt: skip

FLIGHTS: Fields = {
    "flight_id": KEYWORD, "year": INTEGER, "month": INTEGER, "day": INTEGER, "hour": INTEGER, "minute": INTEGER,
    "time_hour": DATE, "dep_time": INTEGER, "sched_dep_time": INTEGER, "dep_delay": DOUBLE, "arr_time": INTEGER,
    "sched_arr_time": INTEGER, "arr_delay": DOUBLE, "carrier": KEYWORD, "flight": INTEGER, "tailnum": KEYWORD,
    "origin": KEYWORD, "dest": KEYWORD, "air_time": DOUBLE, "distance": DOUBLE,
    "temp": DOUBLE, "dewp": DOUBLE, "humid": DOUBLE, "wind_dir": DOUBLE, "wind_speed": DOUBLE, "wind_gust": DOUBLE,
    "precip": DOUBLE, "pressure": DOUBLE, "visib": DOUBLE,
    "plane_year": INTEGER, "plane_type": NAME, "manufacturer": NAME, "model": KEYWORD, "engine": NAME,
    "engines": INTEGER, "seats": INTEGER,
    "carrier_name": NAME, "origin_name": NAME, "dest_name": NAME,
    "origin_lat": DOUBLE, "origin_lon": DOUBLE, "dest_lat": DOUBLE, "dest_lon": DOUBLE,
}  # fmt: skip

# Each data index: its fields, and the columns whose values, joined by "|", are a document's id.
INDEXES: Mapping[str, tuple[Fields, tuple[str, ...]]] = {
    "flights": (FLIGHTS, ("flight_id",)),
    "delay-by-carrier": ({"carrier": KEYWORD, "carrier_name": NAME, **_MEASURES}, ("carrier", "carrier_name")),
    "delay-by-route": (
        {"origin": KEYWORD, "dest": KEYWORD, "dest_name": NAME, "distance": DOUBLE, **_MEASURES},
        ("origin", "dest", "dest_name", "distance"),  # two routes to EGE are on record with two distances each
    ),
    "delay-by-hour": ({"origin": KEYWORD, "hour": INTEGER, **_MEASURES}, ("origin", "hour")),
    "delay-by-weather": ({"condition": NAME, **_MEASURES}, ("condition",)),
    "monthly-seasonality": ({"month": INTEGER, "carrier": KEYWORD, **_MEASURES}, ("month", "carrier")),
}

LOGS: Fields = {
    "@timestamp": DATE, "ingested_at": DATE, "run_id": KEYWORD, "job": KEYWORD, "attempt": INTEGER, "source": KEYWORD,
    "stream": KEYWORD, "level": KEYWORD, "logger": TEXT | {"fields": {"keyword": KEYWORD}}, "message": TEXT,
    "state": KEYWORD, "executor_id": KEYWORD, "application_id": KEYWORD, "file": KEYWORD, "offset": LONG,
}  # fmt: skip

LOG_INDEX = "lakelet-logs"
# Names of levels as Python, MinIO and others write them, in log4j's words.
_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL", "ERR": "ERROR", "NOTICE": "INFO"}

LOG_PIPELINE: Mapping[str, Any] = {
    "description": "Log documents: when they arrived, and one spelling of the levels.",
    "processors": [
        {"set": {"field": "ingested_at", "value": "{{_ingest.timestamp}}"}},
        {"uppercase": {"field": "level", "ignore_missing": True}},
        *(
            {"gsub": {"field": "level", "pattern": f"^{name}$", "replacement": level, "ignore_missing": True}}
            for name, level in _LEVELS.items()
        ),
    ],
}


def install_templates(client: OpenSearch) -> None:
    """Put every template and the log pipeline in place; doing it again changes nothing."""
    client.ingest.put_pipeline(id=LOG_INDEX, body=LOG_PIPELINE)
    for index, (fields, _) in INDEXES.items():
        client.indices.put_index_template(name=index, body=_template(index, fields, {}))
    # Stated, not left to its default: an index without the setting stops refreshing while nobody searches it.
    settings = {"default_pipeline": LOG_INDEX, "refresh_interval": "1s"}
    client.indices.put_index_template(name=LOG_INDEX, body=_template(LOG_INDEX, LOGS, settings))


def _template(index: str, fields: Fields, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "index_patterns": [f"{index}-*"],
        "priority": 100,
        "template": {
            # One node: a replica could never be placed, and would leave the index yellow for ever.
            "settings": {"number_of_shards": 1, "number_of_replicas": 0, **settings},
            "mappings": {"dynamic": "strict", "properties": dict(fields)},
        },
        "_meta": {"managed_by": "lakelet"},
    }
