"""How JSON lines spell the columns of a table.

Columns that Athena's DDL makes are lower case, and its SerDe for JSON finds keys whatever their case ("OpenX JSON
SerDe", Amazon Athena User Guide: case.insensitive). Here the beginnings of objects tell how their keys are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from etl.delimited import decompressed


def spelled(columns: Sequence[str], beginnings: Iterable[bytes]) -> dict[str, str]:
    """The keys of the columns that no record spells as they are declared, where one differs by its case alone."""
    names = {name.lower(): name for name in columns}
    keys: dict[str, str] = {}
    for content in beginnings:
        for line in decompressed(content).splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # an error record, or the line at which the beginning ends
                continue
            for key in record if isinstance(record, dict) else ():
                name = names.get(key.lower())
                if name is not None and keys.get(name) != name:
                    keys[name] = key
    return {name: key for name, key in keys.items() if key != name}
