"""Answers as bytes: an Arrow stream, or JSON for people and scripts."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from lakelet.query import hugeints


class Form(StrEnum):
    """The two forms of an answer, by their media types."""

    json = "application/json"
    arrow = "application/vnd.apache.arrow.stream"


Write = Callable[[bytes], None]


def write_answer(reader: Any, form: Form, write: Write) -> int:
    """Write what a pyarrow RecordBatchReader gives; returns the number of rows."""
    return _write_arrow(reader, write) if form is Form.arrow else _write_json(reader, write)


class _Sink:
    """The least of a file that pyarrow writes to."""

    closed = False

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, data: Any) -> int:
        self._write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back here."""


def _write_arrow(reader: Any, write: Write) -> int:
    import pyarrow as pa
    import pyarrow.ipc

    rows = 0
    with pa.ipc.new_stream(pa.PythonFile(_Sink(write), "w"), reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_json(reader: Any, write: Write) -> int:
    names = [{"name": field.name, "type": str(field.type)} for field in reader.schema]
    write(b'{"columns": ' + json.dumps(names).encode() + b', "rows": [')
    rows = 0
    for batch in reader:
        columns = (hugeints.values(field, column) for field, column in zip(reader.schema, batch.columns, strict=True))
        lines = zip(*columns, strict=True)
        text = ",\n".join(json.dumps([plain(value) for value in line], ensure_ascii=False) for line in lines)
        if text:
            write((",\n" if rows else "\n").encode() + text.encode())
        rows += batch.num_rows
    write(b"\n]}\n")
    return rows


def plain(value: Any) -> Any:
    """A value as JSON has it: decimals exactly, as text, and so integers beyond 64 bits; times in ISO 8601; bytes in
    base64; NaN and infinities as text, since JSON has none (PostgreSQL does the same)."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, datetime):
        text = value.isoformat()
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)
