"""The life of the log indexes: one is written to behind an alias, a full one is followed by the next, old ones go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise

from opensearchpy import OpenSearch

from lakelet.search.templates import LOG_INDEX, install_templates

# Whichever comes first ends an index; the days are what retention is counted in.
CONDITIONS: Mapping[str, object] = {"max_age": "1d", "max_size": "512mb", "max_docs": 2_000_000}


def prepare_logs(client: OpenSearch, alias: str = LOG_INDEX) -> bool:
    """Put templates, pipeline, first index and write alias in place; True when there was no log index before."""
    install_templates(client)
    if client.indices.exists_alias(name=alias):
        return False
    client.indices.create(index=f"{alias}-000001", body={"aliases": {alias: {"is_write_index": True}}})
    return True


def roll_over(client: OpenSearch, alias: str = LOG_INDEX, conditions: Mapping[str, object] = CONDITIONS) -> bool:
    """Begin the next log index if the current one meets one of the conditions; whether it did."""
    return bool(client.indices.rollover(alias=alias, body={"conditions": conditions})["rolled_over"])


def drop_expired(client: OpenSearch, days: int, alias: str = LOG_INDEX, now: datetime | None = None) -> list[str]:
    """Delete the log indexes that were last written to more than ``days`` days ago; returns their names.

    An index was written to until the next one began. The one that is written to now is never dropped.
    """
    found = client.indices.get_settings(index=f"{alias}-*", params={"filter_path": "*.settings.index.creation_date"})
    names = sorted(name for name in found if re.fullmatch(rf"{re.escape(alias)}-\d{{6}}", name))
    expired = []
    for name, following in pairwise(names):
        ended = int(found[following]["settings"]["index"]["creation_date"]) / 1000
        if (now or datetime.now(UTC)).timestamp() - ended > days * 24 * 3600:
            expired.append(name)
    for name in expired:
        client.indices.delete(index=name)
    return expired
