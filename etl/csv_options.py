"""The CSV options that sources and sinks share: ``separator``, ``quoteChar`` and ``escaper`` as a dialect.

Source: AWS Glue Developer Guide, "Using the CSV format in AWS Glue".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.data.formats import Dialect
from lakelet.workspace.errors import UsageError


def csv_dialect(options: Mapping[str, Any], *, header_lines: int) -> Dialect:
    """The dialect that format_options ask for; without an escaper, a quote within quotes is doubled, and with the
    quoteChar -1 there are no quotes.

    Raises UsageError for anything that is not one ASCII character.
    """
    if options.get("quoteChar") in (-1, "-1"):
        return Dialect(_character(options, "separator", ","), "", _character(options, "escaper", ""), header_lines)
    quote = _character(options, "quoteChar", '"')
    return Dialect(_character(options, "separator", ","), quote, _character(options, "escaper", quote), header_lines)


def _character(options: Mapping[str, Any], name: str, default: str) -> str:
    value = options.get(name)
    if value is None or (name == "escaper" and value == ""):  # AWS: "The default value is none"
        return default
    if not isinstance(value, str) or len(value) != 1 or not value.isascii():
        raise UsageError(f"The format csv takes one ASCII character for {name}, not {value!r}.")
    return value
