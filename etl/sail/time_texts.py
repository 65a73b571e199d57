"""Times and their texts on Sail: patterns by which texts are read and written, and what is no text where one is read
(:mod:`lakelet.etl.sail.rules`). It is held against Spark by tests/stack/test_engines_compared_values.py.

A pattern is one of Spark's (https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html).
"""

from __future__ import annotations

import re
from typing import Any

from lakelet.etl.sail import casts, engine
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import matches, of_kind, refusal

_LAST_YEAR = 9999  # of four digits
_NOON = 12
_OTHER_LETTERS = "zzzz|F"  # of a pattern: a zone's name in full, the week of a month
_WITH_OTHER_LETTERS = re.compile(rf"(?:[^']|'[^']*')*?(?:{_OTHER_LETTERS})")  # which are in no text of it
_OTHER_WORDS = "zzzz is no full name, F another number"
_TEXTS, _TIMES, _NUMBERS = (
    "^(string|void)$",
    "^(date|timestamp.*)$",
    "^(tinyint|smallint|int|bigint|float|double|dec.*)$",
)
_LONG_UNITS = ("year", "yyyy", "yy", "quarter", "month", "mon", "mm", "week")
_SHORT_UNITS = ("day", "dd", "hour", "minute", "second", "millisecond", "microsecond")
_QUOTED = re.compile(r"'[^']*'")
_HALVES = re.compile(r"'[^']*'|[hK]+")
_MONTHS = ("january", "february", "march", "april", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip


def read(e: Notation, v: Any, form: Any, *, name: str, target: str) -> Any:
    """A text by a pattern, as ``name`` reads it; a date or a time is what it is. ``target``: the type of its value."""
    kind, text = e.call("typeof", v), e.cast(v, "string")
    of_time = e.call(name, v) if name == "unix_timestamp" else e.cast(v, target)
    number = refusal(e, f"{name} of a number and a pattern", "it is no text there")
    said = e.constant(form)
    if isinstance(said, str):
        own = _by_letters(e, text, said, name)
    else:
        refused = refusal(e, "Such a pattern of times in a column", "it is read otherwise")
        own = e.case((matches(e, form, "[hKzVvO]|MMM|LLL"), refused), otherwise=_by_pattern(e, text, form, name))
    branches = [(matches(e, kind, _TIMES), of_time)]
    if name != "to_date":  # of 20241231, too
        branches.append((matches(e, kind, _NUMBERS), number))
    return e.case(*branches, otherwise=own)


def _by_letters(e: Notation, text: Any, form: str, name: str) -> Any:
    """A text by a pattern, by the letters that Sail reads otherwise."""
    letters, branches = _QUOTED.sub("", form), []
    if letters.lstrip("[")[:1] == "y":  # of which Spark reads no sign
        branches.append((e.call("startswith", text, "+"), None))
    if runs := re.findall("[ML]{3,}", letters):  # of which Sail takes months in full and short ones
        short = f"({'|'.join(month[:3] for month in _MONTHS)})([^a-z]|$)"
        others = "|".join(_MONTHS) if len(min(runs, key=len)) == len("MMM") else short
        branches.append((matches(e, text, f"(?i){others}"), None))
    if re.search("[zVvO]", letters):
        named, known = matches(e, text, r"[A-Za-z]\s*$"), matches(e, text, r"(?i)\b(UTC|GMT|Z)\s*$|/")
        refused = refusal(e, "The name of a zone in a text", "it is read otherwise; take UTC or an offset")
        branches.append((e.infix(named, "and", e.call("not", known)), refused))
    if (half := re.search("[hK]", letters)) and "a" not in letters:
        form = _HALVES.sub(lambda one: one[0] if one[0][0] == "'" else "H" * len(one[0]), form)
        hour = e.call("hour", e.call("to_timestamp", text, form))
        first, last = (1, _NOON) if half[0] == "h" else (0, _NOON - 1)
        branches += [(e.infix(hour, "<", first), None), (e.infix(hour, ">", last), None)]
        if name != "to_date":  # twelve is the first hour
            twelve = 43_200 if name == "unix_timestamp" else e.call("make_dt_interval", 0, _NOON)
            branches.append((e.infix(hour, "=", _NOON), e.infix(_by_pattern(e, text, form, name), "-", twelve)))
    made = _by_pattern(e, text, form, name)
    return e.case(*branches, otherwise=made) if branches else made


def _by_pattern(e: Notation, text: Any, form: Any, name: str) -> Any:
    if name == "unix_timestamp":  # which loses parts of seconds otherwise before 1970
        return e.call(name, e.call("to_timestamp", text, form))
    return e.call(name, text, form)


def to_date(e: Notation, call: Any, v: Any, form: Any = None) -> Any:
    """A text by a pattern, or as in a cast; a number is none."""
    if form is not None:
        return read(e, v, form, name="to_date", target="date")
    number = matches(e, e.call("typeof", v), _NUMBERS)
    return e.case((number, None), otherwise=casts.to_date(e, v, "CAST", "date"))


def to_timestamp(e: Notation, call: Any, v: Any, form: Any = None) -> Any:
    """A text by a pattern, or as in a cast; a number is one of seconds, and not of microseconds."""
    if form is not None:
        return read(e, v, form, name="to_timestamp", target="timestamp")
    casts.require_no_word(e.constant(v))
    return e.case((matches(e, e.call("typeof", v), f"{_TEXTS}|{_TIMES}"), call), otherwise=e.cast(v, "timestamp"))


def of_no_number(e: Notation, call: Any, v: Any, form: Any = None, *, name: str, target: str = "timestamp") -> Any:
    """The same, of which a number is refused."""
    if form is not None:
        return read(e, v, form, name=name, target=target)
    casts.require_no_word(e.constant(v))
    refused = refusal(e, "Such a function of a number", "it is one of microseconds; use to_timestamp")
    return e.case((matches(e, e.call("typeof", v), f"{_TEXTS}|{_TIMES}"), call), otherwise=refused)


def to_seconds(e: Notation, call: Any, v: Any, form: Any = None) -> Any:
    """Seconds since 1970 of a text by a pattern, or of a time."""
    return call if form is None else read(e, v, form, name="unix_timestamp", target="bigint")


def written(e: Notation, call: Any, v: Any, form: Any = None) -> Any:
    """A time by a pattern; Spark has a plus sign before a year of five digits."""
    casts.require_no_word(e.constant(v))
    said = e.constant(form)
    if isinstance(said, str) and _WITH_OTHER_LETTERS.match(said):
        raise engine.otherwise(f"The pattern {said!r}", _OTHER_WORDS)
    late = e.infix(e.call("year", e.cast(v, "timestamp", "TRY_CAST")), ">", _LAST_YEAR)
    branches = [(late, refusal(e, "A year after 9999 in a text", "it has no plus sign"))]
    if said is None and form is not None:
        branches.append((matches(e, form, _OTHER_LETTERS), refusal(e, "Such a pattern of times", _OTHER_WORDS)))
    return e.case(*branches, otherwise=call)


def date_written(e: Notation, call: Any, v: Any, form: Any) -> Any:
    """A text is a time as in a cast."""
    of_text = e.call("date_format", e.cast(v, "timestamp"), form)
    return written(e, e.case((of_kind(e, v, "string"), of_text), otherwise=call), v, form)


def begin_of_date(e: Notation, call: Any, v: Any, unit: Any) -> Any:
    """Of a unit that is shorter than a week there is none."""
    return _by_unit(e, call, unit, _LONG_UNITS, "date")


def begin(e: Notation, call: Any, unit: Any, v: Any) -> Any:
    """Of a unit that there is not there is none."""
    made = e.call("date_trunc", unit, e.cast(v, "timestamp"))  # of a date it has no zone on Sail
    return _by_unit(e, made, unit, (*_LONG_UNITS, *_SHORT_UNITS), "timestamp")


def _by_unit(e: Notation, made: Any, unit: Any, known: tuple[str, ...], target: str) -> Any:
    said = e.constant(unit)
    return e.cast(None, target) if isinstance(said, str) and said.lower() not in known else made


def date_of(e: Notation, call: Any, year: Any, month: Any, day: Any) -> Any:
    """A date by its parts; of those of none there is none."""
    four = e.call("lpad", e.cast(year, "string"), 4, "0")
    told = e.call("concat", four, *(e.cast(one, "string") for one in ("-", month, "-", day)))
    known = e.infix(e.infix(year, ">", 0), "and", e.infix(year, "<", _LAST_YEAR + 1))
    return e.case((known, e.cast(told, "date", "TRY_CAST")), otherwise=call)
