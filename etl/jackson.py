"""JSON as Spark's Jackson writes it anew where a text is asked for and an object, a list or a number was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.values import java_double

_SMALLEST = 1e-300  # of doubles near the smallest there is, Java tells more digits than are needed
_ESCAPED = re.compile('["\\\\\x00-\x1f\ud800-\udfff\U00010000-\U0010ffff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def written(value: Any) -> str:
    """A value of JSON as text; an object may be a tuple of names and values, too."""
    if isinstance(value, str):
        return f'"{_ESCAPED.sub(_escaped, value)}"'
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, Mapping | tuple):
        pairs = value.items() if isinstance(value, Mapping) else value
        return f"{{{','.join([f'{written(name)}:{written(one)}' for name, one in pairs])}}}"
    return "null" if value is None else str(value).lower()


def _number(value: float) -> str:
    """A double by Java's rules; a whole number that no long holds by its digits (``text``), what is none in quotes."""
    digits = str(getattr(value, "text", ""))
    if digits.lstrip("-").isdigit():
        return digits
    if 0 < abs(value) < _SMALLEST:
        raise engine.refused(f"The number {value} in a text of JSON")
    return java_double(value) if isfinite(value) else f'"{java_double(value)}"'


def _escaped(found: re.Match[str]) -> str:
    if short := _SHORT.get(found[0]):
        return short
    units = found[0].encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
