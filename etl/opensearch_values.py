"""A document's values as the index's mapping has them.

OpenSearch keeps a document as it was sent, and indexes ``"12"`` in a number's field as 12, ``2024/01/02`` by the date's
format, ``{"a.b": 1}`` as ``{"a": {"b": 1}}`` ("Mappings and field types", OpenSearch Documentation). What fits no type
becomes an error record.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

# How a field is fitted: ``type``, ``format`` of dates, ``fields`` of objects, ``array`` where a value is a list of it.
Kinds = Mapping[str, Any]

_WHOLE = frozenset({"byte", "short", "integer", "long", "unsigned_long"})
_BROKEN = frozenset({"float", "half_float", "double", "scaled_float"})
_DATES = frozenset({"date", "date_nanos"})
_BOOLEANS = {"true": True, "false": False, "": False}
_FORMAT = "strict_date_optional_time||epoch_millis"
_EPOCHS = {"epoch_millis": "milliseconds", "epoch_second": "seconds"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Formats by name whose texts Spark reads itself: ISO 8601 with its dashes, which may end early.
_ISO = frozenset(
    f"{name}{suffix}"
    for name in ("date_optional_time", "date_time", "date_hour_minute_second", "date", "iso8601", "rfc3339_lenient")
    for suffix in ("", "_nanos", "_no_millis", "_millis", "_fraction")
) | {"year_month_day", "year_month", "year", "date_hour_minute", "date_hour"}
# The formats by name that are not ISO 8601 with its dashes, which Spark reads itself.
_NAMED = {
    "basic_date": "yyyyMMdd", "basic_date_time": "yyyyMMdd'T'HHmmss.SSSZ",
    "basic_date_time_no_millis": "yyyyMMdd'T'HHmmssZ",
}  # fmt: skip
_YEAR_FIRST = re.compile(r"\d{4}(-.*)?")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Letters of a pattern (java.time.format.DateTimeFormatter), and the texts that they stand for.
_LETTERS = {
    "yyyy": r"(?P<year>\d{4})", "uuuu": r"(?P<year>\d{4})", "MM": r"(?P<month>\d\d)", "M": r"(?P<month>\d\d?)",
    "MMM": r"(?P<name>[A-Za-z]{3})", "dd": r"(?P<day>\d\d)", "d": r"(?P<day>\d\d?)", "HH": r"(?P<hour>\d\d)",
    "H": r"(?P<hour>\d\d?)", "mm": r"(?P<minute>\d\d)", "m": r"(?P<minute>\d\d?)", "ss": r"(?P<second>\d\d)",
    "s": r"(?P<second>\d\d?)", "EEE": "[A-Za-z]{3}",
    **{"S" * n: rf"(?P<fraction>\d{{{n}}})" for n in range(1, 10)},
    **dict.fromkeys(("Z", "X", "XX", "XXX", "x", "xx", "xxx", "ZZ", "ZZZ"), r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)"),
}  # fmt: skip
_PART = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>(?P<letter>[A-Za-z])(?P=letter)*)|(?P<other>[^A-Za-z'])")


def kinds_of(properties: Mapping[str, Any], arrays: Collection[str], path: str = "") -> dict[str, Any]:
    """How the fields of a mapping's ``properties`` are fitted, those apart that are taken as they are. ``arrays`` are
    the paths of fields that hold lists."""
    found: dict[str, Any] = {}
    for name, one in properties.items():
        kind, inner = str(one.get("type", "object")), one.get("properties")
        told: dict[str, Any] = {}
        if inner:
            told = {"fields": kinds_of(inner, arrays, f"{path}{name}.")}
        elif kind in _WHOLE | _BROKEN | _DATES or kind == "boolean":
            told = {"type": kind} | ({"format": str(one.get("format") or _FORMAT)} if kind in _DATES else {})
        if f"{path}{name}" in arrays or kind == "nested":
            told["array"] = True
        if told:
            found[name] = told
    return found


def fitted(document: Mapping[str, Any], kinds: Kinds) -> dict[str, Any]:
    """A document, or an object in it, with its values fitted."""
    nested = _nested(document, kinds) if any("." in name for name in document) else document
    return {name: _value(value, kinds[name]) if name in kinds else value for name, value in nested.items()}


def _nested(document: Mapping[str, Any], kinds: Kinds) -> dict[str, Any]:
    """With ``a.b`` as b of an object a, as far as the mapping has such an object."""
    made: dict[str, Any] = {}
    for name, value in document.items():
        outer, _, inner = name.partition(".")
        moved = bool(inner) and "fields" in kinds.get(outer, {})
        place, held = (outer, {inner: value}) if moved else (name, value)
        there = made.get(place)
        made[place] = {**there, **held} if isinstance(there, dict) and isinstance(held, dict) else held
    return made


def _value(value: Any, kind: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_value(one, {**kind, "array": False}) for one in value]
    fit = fitted(value, kind["fields"]) if isinstance(value, dict) and "fields" in kind else _scalar(value, kind)
    return [fit] if kind.get("array") else fit


def _scalar(value: Any, kind: Mapping[str, Any]) -> Any:
    wanted = kind.get("type")
    if wanted == "boolean":
        return _BOOLEANS.get(value, value) if isinstance(value, str) else value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    if wanted in _DATES:
        return _moment(str(value), kind["format"])
    if not _NUMBER.fullmatch(str(value)):
        return value
    if wanted in _WHOLE:
        return int(Decimal(value)) if isinstance(value, str | float) else value
    return float(value) if wanted in _BROKEN and isinstance(value, str) else value


def _moment(text: str, formats: str) -> str:
    """A date in ISO 8601, by the first of its formats that reads it; when none does, a text that is no date."""
    for one in formats.split("||"):
        format = one.removeprefix("strict_")
        pattern = _pattern(_NAMED.get(format, one))
        try:
            if format in _EPOCHS and _NUMBER.fullmatch(text):
                return (_EPOCH + timedelta(**{_EPOCHS[format]: float(text)})).isoformat()
            if pattern and (found := pattern.fullmatch(text)):
                return _read(found.groupdict()).isoformat()
        except (ValueError, OverflowError):  # no day of the calendar, or no year of Python's
            continue
        if format in _ISO and _YEAR_FIRST.fullmatch(text):
            return text
    return f"{text} is not read by {formats}"


@lru_cache(maxsize=64)
def _pattern(format: str) -> re.Pattern[str] | None:
    """A format's pattern as a regular expression; None for one that is a name, or that has letters not known here."""
    made = ""
    for one in _PART.finditer(format):
        if one["letters"] and one["letters"] not in _LETTERS:
            return None
        made += _LETTERS[one["letters"]] if one["letters"] else re.escape(one["quoted"] or one["other"] or "")
    try:
        return re.compile(made)
    except re.error:  # the year twice
        return None


def _read(part: Mapping[str, str | None]) -> datetime:
    """The moment that the parts of a text tell, those that are missing as OpenSearch takes them: 1970, January, the
    first, midnight, UTC. Raises ValueError."""
    month = _MONTHS.index((part["name"] or "").lower()) + 1 if part.get("name") else int(part.get("month") or 1)
    zone = part.get("zone") or "Z"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) if zone != "Z" else timedelta()
    micros = int((part.get("fraction") or "").ljust(6, "0")[:6])
    hour, minute, second = (int(part.get(name) or 0) for name in ("hour", "minute", "second"))
    moment = datetime(int(part.get("year") or 1970), month, int(part.get("day") or 1), hour, minute, second, micros)
    return moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))
